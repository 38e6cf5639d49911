"""The VC-API beyond the data model 2.0, and status lists that others publish here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from identity.credentials.securing import secure
from identity.credentials.status_list import entry, list_credential, new_list
from identity.did import did_key
from identity.jcs import canonicalize
from identity.keys import private_key
from identity.members import format_time
from resolver.interop import Interop
from resolver.status_lists import list_path
from resolver.vcapi import SUITES
from tests.conftest import REPOSITORY
from tests.factory import Subject
from tests.identity.credentials.test_ed25519_2020 import signed as elder
from tests.resolver.test_vcapi import (
    BASE,
    Document,
    credential,
    issue,
    post,
    refused,
    verify,
    verify_presentation,
)
from tests.resolver.town import Town

V1 = "https://www.w3.org/2018/credentials/v1"
INTEGRITY = "https://w3id.org/security/data-integrity/v2"
PUBLIC = "https://w3c.github.io/vc-data-model/related-resource.json"
VECTORS: dict[str, Document] = json.loads(
    (REPOSITORY / "tests" / "identity" / "credentials" / "ed25519_2020.json").read_bytes()
)


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with Town(interop=Interop()) as town:
        yield town


def first(**members: Any) -> Document:
    """A credential of the data model 1.1, as the suite vc-api-issuer-test-suite sends it."""
    return {
        "@context": [V1, "https://www.w3.org/2018/credentials/examples/v1"],
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential", "UniversityDegreeCredential"],
        "issuer": "did:example:issuer",
        "issuanceDate": "2026-11-22T08:00:00Z",
        "credentialSubject": {
            "id": "did:example:subject",
            "degree": {"degreeType": "BachelorDegree", "name": "Bachelor of Science and Arts"},
        },
        **members,
    }


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_each_suite_issues_by_the_data_model_1_1(town: Town, suite: Any) -> None:
    signed = issue(town, first(), f"/{suite.name}")
    assert signed["@context"] == [*first()["@context"], INTEGRITY]
    assert signed["issuer"].startswith("did:key:z")
    assert signed["proof"]["cryptosuite"] == suite.cryptosuite
    for checks in ([], ["proof"]):
        assert verify(town, signed, checks=checks).json()["verified"] is True
        refused(verify(town, {**signed, "issuanceDate": "2026-11-22T07:00:00Z"}, checks=checks))
    found = refused(verify(town, {**signed, "issuer": "did:example:x"}))
    assert found["type"].endswith("#PROOF_VERIFICATION_ERROR")


def test_what_lacks_the_form_is_not_issued(town: Town) -> None:
    spoiled: tuple[dict[str, Any], ...] = (
        {"issuanceDate": "yesterday"},
        {"expirationDate": 4},
        {"issuer": "x"},
        {"credentialSubject": []},
        {"@context": [V1, BASE]},
        {"undefinedTerm": 1},
    )
    for changes in spoiled:
        body = {"credential": first(**changes)}
        assert refused(post(town, "/credentials/issue", body))["code"] == "credential.malformed"
    without = {name: value for name, value in first().items() if name != "issuanceDate"}
    found = refused(post(town, "/credentials/issue", {"credential": without}))
    assert found["pointer"] == "/issuanceDate"


def test_it_gets_no_status_and_takes_no_place(town: Town) -> None:
    """An entry of a status list means nothing under the contexts of 1.1."""
    wanted = {"credential": first(), "options": {"credentialStatus": {}}}
    for path in ("/credentials/issue", "/bitstring-status-list/credentials/issue"):
        found = refused(post(town, path, wanted))
        assert found["pointer"] == "/@context"
    status = {"credentialId": "urn:uuid:1", "credentialStatus": {}}
    refused(post(town, "/credentials/status", status), 404)


def test_a_status_of_another_type_is_said_to_be_unknown(town: Town) -> None:
    signed = issue(town, first(credentialStatus={"id": "https://x.example/1", "type": f"{V1}#T"}))
    assert refused(verify(town, signed))["code"] == "credential.status"
    assert verify(town, signed, checks=["proof"]).is_success


def test_an_end_ends_it(town: Town) -> None:
    signed = issue(town, first(expirationDate="2026-11-22T08:00:00Z"))
    assert verify(town, signed).is_success
    town.now += 1
    try:
        assert refused(verify(town, signed))["pointer"] == "/expirationDate"
        assert verify(town, signed, checks=["proof"]).is_success
    finally:
        town.now -= 1


def test_a_subject_that_was_revoked_is_refused_here_too() -> None:
    with Town(interop=Interop()) as town:
        acme = town.acme()
        meter = town.device("M-1", acme)
        signed = issue(town, first(credentialSubject={"id": meter.did}))
        assert verify(town, signed).is_success
        town.accept(town.supervise(meter, "status.revoke", "stolen", acme))
        assert refused(verify(town, signed))["code"] == "credential.revoked"


def test_the_elder_proofs_are_verified(town: Town) -> None:
    for name in ("of the data model 1.1", "of the data model 2.0"):
        whole = VECTORS[name]
        assert verify(town, whole, checks=["proof"]).json()["verified"] is True
        refused(verify(town, {**whole, "id": "urn:uuid:2"}, checks=["proof"]))
        refused(verify(town, whole, checks=["proof"], expectedProofPurpose="authentication"))
        refused(verify(town, whole, checks=["proof"], challenge="c"))
    ended = refused(verify(town, VECTORS["of the data model 1.1"]))
    assert ended["pointer"] == "/expirationDate"
    another = refused(verify(town, VECTORS["of the data model 2.0"]))
    assert another["pointer"] == "/proof/verificationMethod"


@pytest.mark.parametrize("member", ["type", "created", "verificationMethod", "proofPurpose"])
def test_an_elder_proof_without_a_member_is_refused(town: Town, member: str) -> None:
    for name in ("of the data model 1.1", "of the data model 2.0"):
        whole = VECTORS[name]
        proof = {one: value for one, value in whole["proof"].items() if one != member}
        refused(verify(town, {**whole, "proof": proof}, checks=["proof"]))


def test_a_presentation_may_hold_them_and_be_under_them(town: Town) -> None:
    key = private_key("Ed25519", bytes(31) + b"\1")
    did = did_key(key.public.multikey)
    contexts = [BASE, "https://w3id.org/security/suites/ed25519-2020/v1"]
    inside = elder(key, {**credential(issuer=did), "@context": contexts})
    shown = {
        "@context": contexts,
        "type": ["VerifiablePresentation"],
        "holder": did,
        "verifiableCredential": [inside],
    }
    whole = elder(key, shown, proofPurpose="authentication")
    for checks in ([], ["proof"]):
        assert verify_presentation(town, whole, checks=checks).json()["verified"] is True
        refused(verify_presentation(town, {**whole, "id": "urn:uuid:1"}, checks=checks))
        forged = {**whole, "verifiableCredential": [{**inside, "name": "another"}]}
        refused(verify_presentation(town, forged, checks=checks))


# --- what could not be checked


def test_a_digest_that_was_not_compared_is_said(town: Town) -> None:
    known = {"id": PUBLIC, "digestMultibase": "uEiDKPRY7qwVTgYJyJhQFaPO-9-qsGHzr12h44LY-nkQjVg"}
    elsewhere = {
        "id": "https://x.example/a",
        "digestMultibase": "uEiAjCHMnK5-ayOIZLWo_TBoKYVvSAprlkYEjRlm19Cj0uw",
    }
    signed = issue(town, credential(relatedResource=[known, elsewhere]))
    for checks in ([], ["proof"]):
        body = verify(town, signed, checks=checks).json()
        assert body["verified"] is True
        (warning,) = body["warnings"]
        assert "https://x.example/a" in warning
    assert verify(town, issue(town, credential(relatedResource=known))).json()["warnings"] == []
    forged = {**known, "digestMultibase": elsewhere["digestMultibase"]}
    body = {"credential": credential(relatedResource=forged)}
    assert refused(post(town, "/credentials/issue", body))["code"] == "credential.malformed"


# --- lists that are published here


def listed(town: Town, lab: Subject, *revoked: int, age: int = 0) -> None:
    """Publishes a list of the laboratory's."""
    bits = new_list("revocation")
    for index in revoked:
        bits.set(index, 1)
    unsigned = list_credential(
        bits,
        url=f"https://town.test{list_path(lab.did, 'revocation-1')}",
        issuer=lab.did,
        valid_from=format_time(town.now - age),
        valid_until=format_time(town.now + 3600),
    )
    path = list_path(lab.did, "revocation-1")
    headers = {"content-type": "application/vc"}
    content = canonicalize(signed(town, lab, unsigned))
    assert town.request("PUT", path, content=content, headers=headers).is_success


def signed(town: Town, lab: Subject, document: Document) -> Document:
    key, method = lab.method
    return secure(
        document, key, method=method, purpose="assertionMethod", created=format_time(town.now)
    )


def of_lab(town: Town, lab: Subject, index: int, name: str = "revocation-1") -> Document:
    url = f"https://town.test{list_path(lab.did, name)}"
    status = entry(url, index, "revocation")
    return signed(town, lab, credential(issuer=lab.did, credentialStatus=status))


def test_a_list_that_was_published_here_is_read() -> None:
    with Town(interop=Interop()) as town:
        lab, office = town.organization("Lab"), town.organization("Office")
        whole = of_lab(town, lab, 4711)
        assert refused(verify(town, whole))["code"] == "credential.status"
        listed(town, lab, 5, age=10)
        assert verify(town, whole).json()["checks"][-1] == "credentialStatus"
        assert refused(verify(town, of_lab(town, lab, 5)))["code"] == "credential.revoked"
        listed(town, lab, 5, 4711)
        assert refused(verify(town, whole))["code"] == "credential.revoked"
        assert verify(town, whole, checks=["proof"]).is_success
        for other in (of_lab(town, lab, 1, "revocation-2"), of_lab(town, lab, 1, "..")):
            assert refused(verify(town, other))["code"] == "credential.status"
        status = whole["credentialStatus"]
        borrowed = signed(town, office, credential(issuer=office.did, credentialStatus=status))
        found = refused(verify(town, borrowed))
        assert "another issuer" in found["detail"]
        moved = {**status, "statusListCredential": status["statusListCredential"] + "?x"}
        stranger = signed(town, lab, credential(issuer=lab.did, credentialStatus=moved))
        assert refused(verify(town, stranger))["code"] == "credential.status"


def test_a_list_of_another_address_is_not_taken_for_it() -> None:
    with Town(interop=Interop()) as town:
        lab = town.organization("Lab")
        listed(town, lab)
        status = of_lab(town, lab, 1)["credentialStatus"]
        url = status["statusListCredential"].replace("town.test", "elsewhere.example")
        moved = {**status, "statusListCredential": url}
        whole = signed(town, lab, credential(issuer=lab.did, credentialStatus=moved))
        found = refused(verify(town, whole))
        assert "another status list" in found["detail"]


def test_a_list_that_has_ended_does_not_count() -> None:
    with Town(interop=Interop()) as town:
        lab = town.organization("Lab")
        listed(town, lab)
        whole = of_lab(town, lab, 1)
        assert verify(town, whole).is_success
        town.now += 3601
        assert refused(verify(town, whole))["code"] == "credential.status"


# --- the W3C's examples under another context


@pytest.mark.parametrize(
    "path",
    [
        "vc-di-eddsa/eddsa-rdfc-2022/employ/signedDataInt.json",
        "vc-di-ecdsa/ecdsa-rdfc-2019-p256/employ/signedECDSAP256.json",
        "vc-di-ecdsa/ecdsa-rdfc-2019-p384/employ/signedECDSAP384.json",
    ],
)
def test_the_examples_of_the_w3c_under_the_citizenship_context(
    town: Town, vectors: Path, path: str
) -> None:
    whole = json.loads((vectors / path).read_bytes())
    assert verify(town, whole, checks=["proof"]).json()["verified"] is True
    changed = {**whole, "name": "another"}
    found = refused(verify(town, changed, checks=["proof"]))
    assert found["type"].endswith("#PROOF_VERIFICATION_ERROR")
