"""The VC-API, after the suites vc-api-issuer-test-suite and vc-api-verifier-test-suite.

The sample of the issuers is of the data model 1.1, the two of the verifiers are under
`Ed25519Signature2020`, one of each model. Everything is asked with these, and with what is issued
here by 2.0.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.conftest import REPOSITORY
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
VECTORS: dict[str, Document] = json.loads(
    (REPOSITORY / "tests" / "identity" / "credentials" / "ed25519_2020.json").read_bytes()
)
del VECTORS["source"]
DAY = 86_400


def stamp(seconds: float = 0) -> str:
    """A time so far from now, as the suites write one."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def whole(**members: Any) -> Document:
    return credential(id="urn:uuid:1", issuer="did:example:issuer", **members)


def first(**members: Any) -> Document:
    """The sample of the issuers' suite."""
    return {
        "@context": [
            "https://www.w3.org/2018/credentials/v1",
            "https://www.w3.org/2018/credentials/examples/v1",
        ],
        "type": ["VerifiableCredential", "UniversityDegreeCredential"],
        "credentialSubject": {
            "id": "did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b",
            "degree": {"degreeType": "BachelorDegree", "name": "Bachelor of Science and Arts"},
        },
        "issuanceDate": stamp(),
        "id": "urn:uuid:1",
        "issuer": "did:example:issuer",
        **members,
    }


@pytest.fixture(params=["2.0", "1.1"])
def sample(request: pytest.FixtureRequest) -> Document:
    """What is to be issued."""
    return whole() if request.param == "2.0" else first()


@pytest.fixture(params=["issued", "of the data model 1.1", "of the data model 2.0"])
def signed(implementation: Implementation, request: pytest.FixtureRequest) -> Document:
    """What is to be verified: issued here, or signed by the suite's authors."""
    if request.param == "issued":
        return implementation.issued(whole())
    return VECTORS[request.param]


def test_a_credential_is_issued(implementation: Implementation, sample: Document) -> None:
    response = implementation.post("/credentials/issue", {"credential": sample, "options": {}})
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    issued = response.json()["verifiableCredential"]
    assert "VerifiableCredential" in issued["type"]
    assert issued["id"] == "urn:uuid:1"
    assert isinstance(issued["credentialSubject"], dict)
    assert isinstance(issued["issuer"], str)
    assert isinstance(issued["proof"], dict)
    assert issued["credentialSubject"] == sample["credentialSubject"]
    accepted(implementation.verify(issued))
    accepted(implementation.verify(issued, checks=[]))


def test_an_expiration_date_may_be_there(implementation: Implementation) -> None:
    accepted(implementation.issue(first(expirationDate=stamp(365 * DAY))))
    refused(implementation.issue(first(expirationDate="tomorrow")))


def test_options_may_be_left_out(implementation: Implementation, sample: Document) -> None:
    assert implementation.post("/credentials/issue", {"credential": sample}).status_code == 201
    response = implementation.post(
        "/credentials/issue", {"credential": sample, "options": {"somethingElse": [1]}}
    )
    assert response.status_code == 201


def test_the_body_has_a_credential(implementation: Implementation, sample: Document) -> None:
    refused(implementation.post("/credentials/issue", {"verifiableCredential": sample}))
    refused(implementation.post("/credentials/issue", {}))
    refused(implementation.post("/credentials/verify", {"credential": sample}))
    refused(implementation.post("/presentations/verify", {"presentation": {}}))


@pytest.mark.parametrize("member", ["@context", "type", "issuer", "credentialSubject"])
def test_a_member_that_is_required_is_not_issued_without(
    implementation: Implementation, sample: Document, member: str
) -> None:
    document = dict(sample)
    del document[member]
    refused(implementation.post("/credentials/issue", {"credential": document}))


@pytest.mark.parametrize(("member", "value"), MEMBERS, ids=str)
def test_a_member_of_another_kind_is_not_issued(
    implementation: Implementation, sample: Document, member: str, value: object
) -> None:
    refused(implementation.post("/credentials/issue", {"credential": {**sample, member: value}}))


@pytest.mark.parametrize(("member", "value"), MEMBERS, ids=str)
def test_a_member_of_another_kind_is_not_verified(
    implementation: Implementation, signed: Document, member: str, value: object
) -> None:
    refused(implementation.verify({**signed, member: value}))


def test_without_options_everything_is_checked(implementation: Implementation) -> None:
    issued = {"verifiableCredential": implementation.issued(whole())}
    accepted(implementation.post("/credentials/verify", issued))
    for sample in VECTORS.values():  # one has ended, the other's issuer is no did:key
        refused(implementation.post("/credentials/verify", {"verifiableCredential": sample}))


def test_a_valid_credential_is_verified(implementation: Implementation, signed: Document) -> None:
    response = implementation.verify(signed)
    assert response.status_code == 200
    body = response.json()
    assert body["verified"] is True
    assert "proof" in body["checks"]
    assert body["errors"] == body["warnings"] == body["problemDetails"] == []


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
    if member not in signed["proof"]:
        assert (signed["proof"]["type"], member) == ("Ed25519Signature2020", "cryptosuite")
        return
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
