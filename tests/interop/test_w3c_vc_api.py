"""The VC-API, after the suites vc-api-issuer-test-suite and vc-api-verifier-test-suite.

Their samples are of data model 1.1; what is asked of the endpoints is the same with 2.0.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.interop.libraries import Document
from tests.interop.suites import Implementation, accepted, credential, refused

NOT_CONTEXTS: list[Any] = ["string", {}, None, 10, True, [], [[]], [{}], [None], [10], [True]]
NOT_TYPES: list[Any] = ["string", {}, None, 10, True, [], [[]], [{}], [None], [10], [True]]
NOT_ISSUERS: list[Any] = [[], None, 10, True, {}, "string"]
NOT_SUBJECTS: list[Any] = ["string", None, 10, True, [], [None, True, 4], "did:example:1234"]
NOT_PROOFS: list[Any] = ["string", None, 10, True, []]
MEMBERS: list[tuple[str, Any]] = [
    *(("@context", value) for value in NOT_CONTEXTS),
    *(("type", value) for value in NOT_TYPES),
    *(("issuer", value) for value in NOT_ISSUERS),
    *(("credentialSubject", value) for value in NOT_SUBJECTS),
]


def whole(**members: Any) -> Document:
    return credential(id="urn:uuid:1", issuer="did:example:issuer", **members)


@pytest.fixture(scope="module")
def signed(implementation: Implementation) -> Document:
    return implementation.issued(whole())


def test_a_credential_is_issued(implementation: Implementation) -> None:
    response = implementation.post("/credentials/issue", {"credential": whole(), "options": {}})
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    issued = response.json()["verifiableCredential"]
    assert "VerifiableCredential" in issued["type"]
    assert issued["id"] == "urn:uuid:1"
    assert isinstance(issued["credentialSubject"], dict)
    assert isinstance(issued["issuer"], str)
    assert isinstance(issued["proof"], dict)


def test_options_may_be_left_out(implementation: Implementation) -> None:
    assert implementation.post("/credentials/issue", {"credential": whole()}).status_code == 201
    response = implementation.post(
        "/credentials/issue", {"credential": whole(), "options": {"somethingElse": [1]}}
    )
    assert response.status_code == 201


def test_the_body_has_a_credential(implementation: Implementation) -> None:
    refused(implementation.post("/credentials/issue", {"verifiableCredential": whole()}))
    refused(implementation.post("/credentials/issue", {}))
    refused(implementation.post("/credentials/verify", {"credential": whole()}))
    refused(implementation.post("/presentations/verify", {"presentation": {}}))


@pytest.mark.parametrize("member", ["@context", "type", "issuer", "credentialSubject"])
def test_a_member_that_is_required_is_not_issued_without(
    implementation: Implementation, member: str
) -> None:
    document = whole()
    del document[member]
    refused(implementation.post("/credentials/issue", {"credential": document}))


@pytest.mark.parametrize(("member", "value"), MEMBERS, ids=str)
def test_a_member_of_another_kind_is_neither_issued_nor_verified(
    implementation: Implementation, signed: Document, member: str, value: object
) -> None:
    refused(implementation.post("/credentials/issue", {"credential": {**whole(), member: value}}))
    refused(implementation.verify({**signed, member: value}))


def test_a_valid_credential_is_verified(implementation: Implementation, signed: Document) -> None:
    response = implementation.verify(signed)
    assert response.status_code == 200
    body = response.json()
    assert body["verified"] is True
    assert "proof" in body["checks"]
    assert body["errors"] == body["warnings"] == body["problemDetails"] == []
    accepted(implementation.post("/credentials/verify", {"verifiableCredential": signed}))


@pytest.mark.parametrize("member", ["@context", "type", "issuer", "credentialSubject", "proof"])
def test_a_member_that_is_required_is_not_verified_without(
    implementation: Implementation, signed: Document, member: str
) -> None:
    refused(implementation.verify({k: v for k, v in signed.items() if k != member}))


@pytest.mark.parametrize(
    "member",
    ["type", "cryptosuite", "created", "verificationMethod", "proofValue", "proofPurpose"],
)
def test_a_member_of_the_proof_is_not_verified_without(
    implementation: Implementation, signed: Document, member: str
) -> None:
    proof = {name: value for name, value in signed["proof"].items() if name != member}
    refused(implementation.verify({**signed, "proof": proof}))


@pytest.mark.parametrize("proof", NOT_PROOFS, ids=str)
def test_a_proof_of_another_kind_is_not_verified(
    implementation: Implementation, signed: Document, proof: object
) -> None:
    refused(implementation.verify({**signed, "proof": proof}))


def test_a_refusal_tells_what_and_where(implementation: Implementation) -> None:
    response = implementation.post(
        "/credentials/issue", {"credential": whole(validFrom="yesterday")}
    )
    problem = response.json()
    assert problem["type"] == "https://www.w3.org/TR/vc-data-model#MALFORMED_VALUE_ERROR"
    assert problem["code"] == "credential.malformed"
    assert problem["pointer"] == "/validFrom"
    assert problem["status"] == response.status_code == 400
    assert problem["title"]
    assert problem["hint"]
