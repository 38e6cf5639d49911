"""The part of the API's description that is about device credentials (resolver/api/openapi.py).

A status list is signed by its issuer: an example that works when pasted cannot be given of it.
"""

from __future__ import annotations

from typing import Any, Final

from resolver.api.operations import JSON
from resolver.api.problems import PROBLEM
from resolver.api.status_lists import CREDENTIAL

_EVIDENCE: Final = {
    "type": "object",
    "required": ["evidence"],
    "properties": {
        "evidence": {
            "description": "the issuer, its grants up to the authority's with who gave each, and "
            "the device, below one published root of the state",
            "$ref": "#/components/schemas/Evidence",
        }
    },
}
_LIST: Final = {
    "type": "object",
    "description": "a BitstringStatusListCredential with validFrom and validUntil, signed by the "
    "issuer; its id ends with this address",
}


def credential_paths(authority: str, device: str) -> dict[str, dict[str, Any]]:
    """The addresses, by path and method; examples are of parties of the ledger."""
    place = [_at("path", "issuer", authority), _at("path", "name", "revocation-1")]
    return {
        "/v1/accreditations": {
            "get": {
                "summary": "The evidence that lets an issuer issue a type about a device",
                "parameters": [
                    _at("query", "issuer", authority),
                    _at("query", "type", "NetworkSecurityLabel"),
                    _at("query", "device", device),
                    {**_at("query", "grant"), "description": "the one to show, by its hash"},
                ],
                "responses": {"200": _answer("It is", JSON, _EVIDENCE), **_refusals(400, 404, 422)},
            }
        },
        "/v1/status-lists/{issuer}/{name}": {
            "get": {
                "summary": "The newest status list of an issuer, as it was signed",
                "parameters": place,
                "responses": {
                    "200": _answer("The list", CREDENTIAL, _LIST),
                    **_refusals(400, 404, 422),
                },
            },
            "put": {
                "summary": "Publish a status list, newer than the one before",
                "parameters": place,
                "requestBody": {"required": True, "content": {CREDENTIAL: {"schema": _LIST}}},
                "responses": {
                    "201": _answer("It is shown", CREDENTIAL, _LIST),
                    "200": _answer("It took an older one's place", CREDENTIAL, _LIST),
                    **_refusals(400, 403, 404, 408, 409, 413, 415, 422, 429, 503),
                },
            },
        },
    }


def _at(where: str, name: str, example: str | None = None) -> dict[str, Any]:
    shown = {} if example is None else {"example": example}
    required = example is not None
    return {"name": name, "in": where, "required": required, "schema": {"type": "string"}, **shown}


def _answer(said: str, media: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": said, "content": {media: {"schema": schema}}}


def _refusals(*statuses: int) -> dict[str, Any]:
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(one): {"description": "Refused", "content": content} for one in statuses}
