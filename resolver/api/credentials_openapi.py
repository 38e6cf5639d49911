"""The description of the VC-API endpoints (OpenAPI 3.1), which are there with --interop alone.

Its examples work against the service that serves them: what is verified was signed by its own
issuers when the description was asked for, and the status that is changed is that of a credential
which got it then.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from resolver.api.responses import JSON
from resolver.interop import Interop
from resolver.service import Service
from resolver.status_book import PATH
from resolver.vcapi import ASSERTION, DEFAULT, Issuer, Suite

Operation = dict[str, Any]

_PROBLEM: Final = "application/problem+json"
_BASE: Final = ["https://www.w3.org/ns/credentials/v2"]
_EXAMPLE: Final = {
    "@context": _BASE,
    "id": "urn:uuid:1e9f6c0e-0f0b-4d0b-9a0b-2f6a2a2f4d11",
    "type": ["VerifiableCredential"],
    "issuer": "https://example.com/replaced",
    "credentialSubject": {"id": "did:example:subject", "name": "Sample"},
}
_STATUSES: Final = {"credentialStatus": {"statusPurpose": "suspension"}}
_SAMPLE_LIST: Final = f"{DEFAULT.name}-suspension-1"


class InteropDescription:
    """The OpenAPI document of one service's VC-API."""

    def __init__(self, service: Service, interop: Interop, version: str) -> None:
        self._service = service
        self._interop = interop
        self._version = version
        self._sample = cache(self._issue_sample)

    def __call__(self) -> dict[str, Any]:
        """The document, with examples that are valid now."""
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Tetrad VC-API",
                "version": self._version,
                "summary": "Credentials for interoperability, signed by did:key issuers",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "paths": self._paths(),
            "components": {"schemas": _SCHEMAS},
        }

    def _paths(self) -> dict[str, dict[str, Operation]]:
        issuers = self._interop.issuers
        paths = {"/credentials/issue": _issuing(DEFAULT), "/presentations": self._presenting(None)}
        for name, issuer in issuers.items():
            paths[f"/{name}/credentials/issue"] = _issuing(issuer.suite)
            paths[f"/{name}/presentations"] = self._presenting(issuer)
        always = _issuing(DEFAULT, "A credential with an entry of a status list, signed")
        return {
            **paths,
            "/bitstring-status-list/credentials/issue": always,
            "/credentials/verify": self._verifying(),
            "/presentations/verify": self._verifying_presentation(),
            "/credentials/status": self._status(),
            PATH + "{name}": {"get": _get("A status list, as a signed credential", _in_path())},
            "/interop": {"get": _get("These endpoints, as the W3C's test suites are told of them")},
        }

    def _presenting(self, issuer: Issuer | None) -> dict[str, Operation]:
        suite = DEFAULT if issuer is None else issuer.suite
        example = {
            "presentation": {"@context": _BASE, "type": ["VerifiablePresentation"]},
            "options": {"challenge": "b25lIHRpbWUgb25seQ", "domain": "verifier.example"},
        }
        return _post(
            f"A presentation, signed with {suite.cryptosuite} and {suite.algorithm}",
            example,
            {"201": _answer("The presentation with its proof", "IssuedPresentation")},
            request="PresentRequest",
        )

    def _verifying(self) -> dict[str, Operation]:
        issuer, now = self._interop.issuers[DEFAULT.name], self._service.now
        signed = issuer.secure({**_EXAMPLE, "issuer": issuer.did}, now)
        return _post(
            "Whether a credential holds; with checks of [proof], form and proofs alone",
            {"verifiableCredential": signed, "options": {"checks": []}},
            {"200": _answer("It holds", "Verified")},
            request="VerifyCredentialRequest",
            description=f"Proofs are for {ASSERTION}, or for options.expectedProofPurpose.",
        )

    def _verifying_presentation(self) -> dict[str, Operation]:
        issuer, now = self._interop.issuers[DEFAULT.name], self._service.now
        options = {"challenge": "b25lIHRpbWUgb25seQ", "domain": "verifier.example"}
        unsigned = {"@context": _BASE, "type": ["VerifiablePresentation"]}
        signed = issuer.present({"presentation": unsigned, "options": options}, now)
        return _post(
            "Whether a presentation and the credentials in it hold",
            {**signed, "options": options},
            {"200": _answer("It holds", "Verified")},
            request="VerifyPresentationRequest",
        )

    def _status(self) -> dict[str, Operation]:
        example = {
            "credentialId": self._sample(),
            "credentialStatus": {"type": "BitstringStatusListEntry", "statusPurpose": "suspension"},
            "status": True,
        }
        return _post(
            "Sets or clears the status of a credential that was issued here",
            example,
            {"200": _answer("It is set", "Updated")},
            request="UpdateStatusRequest",
            refusals=(404,),
        )

    def _issue_sample(self) -> str:
        """The id of a credential with a status, issued once for the examples."""
        issuer = self._interop.issuers[DEFAULT.name]
        identifier = "urn:uuid:4f1c2f57-6c0e-4f0e-8f59-2a60a0a3cb5e"
        self._interop.statuses.assign(
            issuer, "http://localhost", {"id": identifier}, [{"statusPurpose": "suspension"}]
        )
        return identifier


def _issuing(suite: Suite, summary: str = "") -> dict[str, Operation]:
    return _post(
        summary or f"A credential, signed with {suite.cryptosuite} and {suite.algorithm}",
        {"credential": _EXAMPLE, "options": _STATUSES},
        {"201": _answer("The credential with its proof", "IssuedCredential")},
        request="IssueRequest",
        description="Its issuer becomes the did:key of this endpoint, whoever it named.",
    )


def _post(
    summary: str,
    example: dict[str, Any],
    answers: dict[str, Any],
    *,
    request: str,
    description: str = "",
    refusals: tuple[int, ...] = (),
) -> dict[str, Operation]:
    schema = {"$ref": f"#/components/schemas/{request}"}
    operation = {
        "summary": summary,
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": schema, "example": example}},
        },
        "responses": {**answers, **_refusals(400, 408, 413, 415, 422, 503, *refusals)},
    }
    return {"post": {**operation, "description": description} if description else operation}


def _get(summary: str, *parameters: dict[str, Any]) -> Operation:
    return {
        "summary": summary,
        "parameters": list(parameters),
        "responses": {
            "200": {"description": "Found", "content": {JSON: {}}},
            **_refusals(404, 422),
        },
    }


def _in_path() -> dict[str, Any]:
    schema = {"type": "string"}
    return {
        "name": "name",
        "in": "path",
        "required": True,
        "schema": schema,
        "example": _SAMPLE_LIST,
    }


def _answer(description: str, schema: str) -> dict[str, Any]:
    content = {JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _refusals(*statuses: int) -> dict[str, Any]:
    content = {_PROBLEM: {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    return {str(one): {"description": "Refused", "content": content} for one in statuses}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_ANY: Final = {"type": "object"}
_ONE_OR_MORE: Final = {"anyOf": [_ANY, {"type": "array", "items": _ANY}]}
_OF_DOMAIN: Final = {"anyOf": [_TEXT, _TEXTS]}
_VERIFYING: Final = _object(
    [], checks=_TEXTS, challenge=_TEXT, domain=_OF_DOMAIN, expectedProofPurpose=_TEXT
)
_SIGNING: Final = _object([], created=_TEXT, expires=_TEXT, challenge=_TEXT, domain=_OF_DOMAIN)
_SCHEMAS: Final = {
    "IssueRequest": _object(
        ["credential"],
        credential=_ANY,
        options={
            **_SIGNING,
            "properties": {**_SIGNING["properties"], "credentialStatus": _ONE_OR_MORE},
        },
    ),
    "PresentRequest": _object(["presentation"], presentation=_ANY, options=_SIGNING),
    "IssuedCredential": _object(["verifiableCredential"], verifiableCredential=_ANY),
    "IssuedPresentation": _object(["verifiablePresentation"], verifiablePresentation=_ANY),
    "VerifyCredentialRequest": _object(
        ["verifiableCredential"], verifiableCredential=_ANY, options=_VERIFYING
    ),
    "VerifyPresentationRequest": _object(
        ["verifiablePresentation"], verifiablePresentation=_ANY, options=_VERIFYING
    ),
    "Verified": _object(
        ["verified", "checks"], verified={"const": True}, checks=_TEXTS, warnings=_TEXTS
    ),
    "UpdateStatusRequest": _object(
        ["credentialStatus"],
        credentialId=_TEXT,
        credentialStatus=_ONE_OR_MORE,
        status={"type": ["boolean", "integer", "string"]},
    ),
    "Updated": _object(["updated"], updated={"type": "array", "items": _ANY}),
    "Refusal": _object(
        ["type", "title", "status", "code", "detail", "verified", "problemDetails"],
        type={"type": "string", "description": "one of the W3C's, or our code as a URN"},
        title=_TEXT,
        status={"type": "integer"},
        code={"type": "string", "description": "of specs/4-errors.md"},
        detail=_TEXT,
        pointer=_TEXT,
        hint=_TEXT,
        verified={"const": False},
        errors=_TEXTS,
        problemDetails={"type": "array", "items": _ANY},
    ),
}
