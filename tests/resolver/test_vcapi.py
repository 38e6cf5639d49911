"""The VC-API as its clients see it: what is issued and verified, and all that is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Route

from identity.errors import catalogue
from resolver.folder import MemorySite
from resolver.interop import FILE, STATUS, Interop
from resolver.settings import Settings
from resolver.vcapi import SUITES
from tests.factory import NOW
from tests.resolver.town import Town

BASE = "https://www.w3.org/ns/credentials/v2"
CODES = {error.code for error in catalogue()}
UNDESCRIBED = {"/openapi-interop.json"}
W3C_EXAMPLES = (
    "vc-di-eddsa/eddsa-jcs-2022/signedJCS.json",
    "vc-di-eddsa/eddsa-rdfc-2022/signedDataInt.json",
    "vc-di-ecdsa/ecdsa-jcs-2019-p256/signedJCSECDSAP256.json",
    "vc-di-ecdsa/ecdsa-jcs-2019-p384/signedJCSECDSAP384.json",
    "vc-di-ecdsa/ecdsa-rdfc-2019-p256/signedECDSAP256.json",
    "vc-di-ecdsa/ecdsa-rdfc-2019-p384/signedECDSAP384.json",
    "vc-di-eddsa/proof-set-chain/signedProofSet2.json",
    "vc-di-eddsa/proof-set-chain/signedProofChain2.json",
)
Document = dict[str, Any]


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A service with the VC-API."""
    with Town(interop=Interop()) as town:
        yield town


def credential(**members: Any) -> Document:
    return {
        "@context": [BASE],
        "type": ["VerifiableCredential"],
        "issuer": "https://example.com/issuers/1",
        "credentialSubject": {"id": "did:example:subject"},
        **members,
    }


def presentation(*credentials: Document, **members: Any) -> Document:
    shown = {"verifiableCredential": list(credentials)} if credentials else {}
    return {"@context": [BASE], "type": ["VerifiablePresentation"], **shown, **members}


def post(town: Town, path: str, body: object) -> httpx.Response:
    content = json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    return town.request("POST", path, content=content, headers=headers)


def issue(town: Town, value: Document, prefix: str = "", **options: Any) -> Document:
    response = post(town, f"{prefix}/credentials/issue", {"credential": value, "options": options})
    assert response.status_code == 201, response.text
    signed: Document = response.json()["verifiableCredential"]
    return signed


def verify(town: Town, signed: Document, **options: Any) -> httpx.Response:
    body = {"verifiableCredential": signed, "options": options}
    return post(town, "/credentials/verify", body)


def verify_presentation(town: Town, signed: Document, **options: Any) -> httpx.Response:
    body = {"verifiablePresentation": signed, "options": options}
    return post(town, "/presentations/verify", body)


def refused(response: httpx.Response, status: int = 400) -> Document:
    """The problem details of a refusal, in the form that is promised."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: Document = response.json()
    assert found["verified"] is False
    assert found["code"] in CODES
    assert found["errors"] == [found["detail"]]
    assert found["problemDetails"][0]["type"] == found["type"]
    assert re.fullmatch(r"https://(www\.w3\.org|w3id\.org)/[\w./-]+#[A-Z_]+", found["type"])
    return found


def resigned(town: Town, value: Document, prefix: str = "") -> Document:
    """A credential that is issued, then said to be another's."""
    return {**issue(town, value, prefix), "issuer": "did:example:other"}


# --- issuing and verifying


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_each_suite_issues_what_is_verified(town: Town, suite: Any) -> None:
    signed = issue(town, credential(id="urn:uuid:1"), f"/{suite.name}")
    proof = signed["proof"]
    assert proof["type"] == "DataIntegrityProof"
    assert proof["cryptosuite"] == suite.cryptosuite
    assert proof["proofPurpose"] == "assertionMethod"
    assert proof["created"] == "2026-11-22T08:00:00Z"
    assert proof["proofValue"].startswith("z")
    did, mark, key = proof["verificationMethod"].partition("#")
    assert mark == "#"
    assert did == f"did:key:{key}" == signed["issuer"]
    assert ("@context" in proof) == ("jcs" in suite.cryptosuite)
    for checks in ([], ["proof"], ["proof", "credentialStatus"]):
        response = verify(town, signed, checks=checks)
        assert response.status_code == 200, response.text
        assert response.json()["verified"] is True
        assert response.json()["errors"] == []


def test_each_suite_has_an_issuer_of_its_own(town: Town) -> None:
    prefixes = [f"/{suite.name}" for suite in SUITES]
    dids = {issue(town, credential(), prefix)["issuer"] for prefix in prefixes}
    assert len(dids) == len(SUITES)
    assert issue(town, credential())["issuer"] in dids


def test_an_issuer_that_is_an_object_keeps_its_members(town: Town) -> None:
    signed = issue(town, credential(issuer={"id": "did:example:a", "name": "A"}))
    assert signed["issuer"]["name"] == "A"
    assert signed["issuer"]["id"] == signed["proof"]["verificationMethod"].partition("#")[0]


def test_options_stand_in_the_proof_and_are_checked(town: Town) -> None:
    options: Document = {
        "created": "2026-11-22T07:00:00+01:00",
        "expires": "2026-11-23T00:00:00Z",
        "challenge": "c",
        "domain": ["a.example", "b.example"],
    }
    signed = issue(town, credential(), **options)
    assert {name: signed["proof"][name] for name in options} == options
    assert verify(town, signed, challenge="c", domain=["b.example", "a.example"]).is_success
    assert refused(verify(town, signed, challenge="d"))["type"].endswith("INVALID_CHALLENGE_ERROR")
    assert refused(verify(town, signed, domain="c.example"))["type"].endswith(
        "INVALID_DOMAIN_ERROR"
    )


def test_a_purpose_that_is_expected_is_checked(town: Town) -> None:
    signed = issue(town, credential())
    assert verify(town, signed, expectedProofPurpose="assertionMethod").is_success
    for checks in ([], ["proof"]):
        found = refused(verify(town, signed, checks=checks, expectedProofPurpose="authentication"))
        assert found["type"].endswith("#PROOF_VERIFICATION_ERROR")


@pytest.mark.parametrize("path", W3C_EXAMPLES)
def test_with_checks_of_the_proof_alone_the_issuer_may_be_anyone(
    town: Town, vectors: Path, path: str
) -> None:
    """The W3C's own examples are issued by https://vc.example, and signed by a did:key."""
    signed = json.loads((vectors / path).read_bytes())
    assert signed["issuer"] == "https://vc.example/issuers/5678"
    assert verify(town, signed, checks=["proof"]).is_success
    assert refused(verify(town, signed))["code"] == "proof.unknown_method"


def test_presentations_are_signed_for_one_verifier(town: Town) -> None:
    shown = presentation(issue(town, credential()), holder="did:example:holder")
    options = {"challenge": "once", "domain": "verifier.example"}
    response = post(town, "/presentations", {"presentation": shown, "options": options})
    assert response.status_code == 201
    signed = response.json()["verifiablePresentation"]
    assert signed["holder"] == signed["proof"]["verificationMethod"].partition("#")[0]
    assert signed["proof"]["proofPurpose"] == "authentication"
    assert verify_presentation(town, signed).is_success
    assert verify_presentation(town, signed, checks=["proof"], **options).is_success
    assert verify_presentation(town, signed, **options).is_success
    for wrong in ({"challenge": "twice"}, {"domain": "other.example"}, {"challenge": "x" * 99}):
        for checks in ([], ["proof"]):
            refused(verify_presentation(town, signed, checks=checks, **{**options, **wrong}))
    refused(verify_presentation(town, signed, expectedProofPurpose="assertionMethod"))
    signed["verifiableCredential"][0]["credentialSubject"]["id"] = "did:example:other"
    for checks in ([], ["proof"]):
        refused(verify_presentation(town, signed, checks=checks, **options))


# --- refusals

NOT_CREDENTIALS: dict[str, Document] = {
    "no context": {"@context": None},
    "a context of a number": {"@context": 4},
    "another context first": {"@context": ["https://www.w3.org/2018/credentials/v1", BASE]},
    "no type": {"type": None},
    "another type": {"type": ["VerifiablePresentation"]},
    "a type that nothing defines": {"type": ["VerifiableCredential", "Undefined"]},
    "an issuer of a number": {"issuer": 4},
    "an issuer that is no URL": {"issuer": "acme"},
    "an issuer without id": {"issuer": {"name": "A"}},
    "no subject": {"credentialSubject": None},
    "an empty subject": {"credentialSubject": {}},
    "a subject as text": {"credentialSubject": "did:example:subject"},
    "an id of two": {"id": ["urn:uuid:1", "urn:uuid:2"]},
    "a time that is none": {"validFrom": "yesterday"},
    "times in the wrong order": {
        "validFrom": "2026-01-02T00:00:00Z",
        "validUntil": "2026-01-01T00:00:00Z",
    },
    "a term that nothing defines": {"undefinedTerm": "x"},
    "a status without type": {"credentialStatus": {"id": "https://example.com/s"}},
    "a proof already": {"proof": {"type": "DataIntegrityProof"}},
}


@pytest.mark.parametrize("members", NOT_CREDENTIALS.values(), ids=NOT_CREDENTIALS.keys())
def test_what_is_no_credential_is_neither_issued_nor_verified(
    town: Town, members: Document
) -> None:
    broken = {**credential(), **members}
    broken = {name: value for name, value in broken.items() if value is not None}
    refused(post(town, "/credentials/issue", {"credential": broken}))
    signed = {**issue(town, credential()), **members}
    signed = {name: value for name, value in signed.items() if value is not None}
    for checks in ([], ["proof"]):
        refused(verify(town, signed, checks=checks))


@pytest.mark.parametrize("member", ["issuer", "credentialSubject", "type", "@context", "proof"])
def test_without_a_member_it_is_not_verified(town: Town, member: str) -> None:
    signed = issue(town, credential())
    del signed[member]
    for checks in ([], ["proof"]):
        refused(verify(town, signed, checks=checks))


def test_times_are_those_of_the_service(town: Town) -> None:
    later = issue(town, credential(validFrom="2026-11-22T08:00:01Z"))
    over = issue(town, credential(validUntil="2026-11-22T07:59:59Z"))
    expired = issue(town, credential(), expires="2026-11-22T07:59:59Z")
    for signed in (later, over, expired):
        found = refused(verify(town, signed))
        assert found["code"] == "credential.time"
        assert found["type"].endswith("#RANGE_ERROR")
    refused(verify(town, expired, checks=["proof"]))
    assert verify(town, over, checks=["proof"]).is_success


def test_the_key_of_another_does_not_speak_for_an_issuer(town: Town) -> None:
    signed = issue(town, credential(issuer="did:example:other"))
    stolen = {**signed, "issuer": "did:example:other"}
    refused(verify(town, stolen))
    refused(verify(town, stolen, checks=["proof"]))  # the issuer is under the signature


BODIES: tuple[object, ...] = (
    None,
    [],
    "credential",
    {},
    {"credential": None},
    {"credential": []},
    {"verifiableCredential": credential()},
    {"credential": credential(), "options": []},
    {"credential": credential(), "options": {"created": "now"}},
    {"credential": credential(), "options": {"created": 4}},
    {"credential": credential(), "options": {"domain": []}},
    {"credential": credential(), "options": {"credentialStatus": []}},
    {"credential": credential(), "options": {"credentialStatus": {"type": "Other"}}},
    {"credential": credential(), "options": {"credentialStatus": {"statusPurpose": "x"}}},
    {"credential": credential(), "options": {"credentialStatus": {"statusMessage": 4}}},
)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: json.dumps(body)[-40:])
def test_a_request_that_asks_for_nothing(town: Town, body: object) -> None:
    refused(post(town, "/credentials/issue", body))


@pytest.mark.parametrize("checks", [None, "proof", [1], {"proof": True}])
def test_checks_are_a_list(town: Town, checks: object) -> None:
    signed = issue(town, credential())
    response = verify(town, signed, checks=checks)
    if checks is None:
        refused(response)
    else:
        assert refused(response)["pointer"] == "/options/checks"


def test_a_body_is_json_of_a_bounded_size(town: Town) -> None:
    headers = {"content-type": "application/json"}
    for path in ("/credentials/issue", "/credentials/verify", "/presentations/verify"):
        for content in (b"", b"{", b'{"a":1,"a":2}', b"\xff", b"[" * 200, b"[" * 40 + b"]" * 40):
            response = town.request("POST", path, content=content, headers=headers)
            refused(response, 413 if content.endswith(b"]") else 400)
        refused(town.request("POST", path, content=b"x" * 200_000, headers=headers), 413)
        refused(town.request("POST", path, content=b"{}", headers={"content-type": "text/x"}), 415)
        assert town.get(path).status_code == 405


def test_pages_of_others_may_ask(town: Town) -> None:
    response = post(town, "/credentials/issue", {"credential": credential()})
    assert response.headers["access-control-allow-origin"] == "*"
    assert town.request("OPTIONS", "/credentials/issue").status_code == 204


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("@context", "type", "id", "issuer", "credentialSubject", "proof", "holder"),
                    *("credential", "verifiableCredential", "verifiablePresentation", "options"),
                    *("checks", "challenge", "domain", "credentialStatus", "statusPurpose"),
                    *("statusListCredential", "statusListIndex", "credentialId", "status"),
                    *("@value", "@id", "@type", "@graph", "@language", "presentation", "@vocab"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
POSTED = (
    "/credentials/issue",
    "/eddsa-rdfc-2022/credentials/issue",
    "/credentials/verify",
    "/presentations",
    "/presentations/verify",
    "/credentials/status",
)


@given(st.sampled_from(POSTED), JSON_VALUES)
def test_whatever_is_posted_is_no_mistake_of_ours(town: Town, path: str, body: object) -> None:
    assert post(town, path, body).status_code in (200, 201, 400, 404, 413)


@given(
    st.sampled_from(["@context", "type", "issuer", "credentialSubject", "proof", "name", "id"]),
    JSON_VALUES,
)
def test_no_member_of_a_credential_can_break_it(town: Town, member: str, value: object) -> None:
    """Near to what is right, where the code runs deeper than on noise."""
    broken = {**credential(), member: value}
    for prefix in ("", "/eddsa-rdfc-2022"):
        response = post(town, f"{prefix}/credentials/issue", {"credential": broken})
        assert response.status_code in (201, 400, 413), response.text
    signed = {**SIGNED, member: value}
    assert verify(town, signed).status_code == 400
    shown = presentation(SIGNED, **{member: value})
    assert verify_presentation(town, shown).status_code == 400


@given(
    st.sampled_from(
        [
            *("type", "cryptosuite", "created", "expires", "verificationMethod", "proofPurpose"),
            *("proofValue", "@context", "id", "previousProof", "domain", "challenge", "nonce"),
        ]
    ),
    JSON_VALUES,
)
def test_no_member_of_a_proof_can_break_it(town: Town, member: str, value: object) -> None:
    signed = {**SIGNED, "proof": {**SIGNED["proof"], member: value}}
    for checks in ([], ["proof"]):
        assert verify(town, signed, checks=checks).status_code == 400


SIGNED = credential(
    proof={
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": "2026-11-22T08:00:00Z",
        "verificationMethod": "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
        "#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",
        "proofPurpose": "assertionMethod",
        "proofValue": "z" + "2" * 88,
    }
)


# --- status


def with_status(town: Town, *wanted: Document, identifier: str = "urn:uuid:s") -> Document:
    return issue(town, credential(id=identifier), credentialStatus=list(wanted))


def update(town: Town, **body: Any) -> httpx.Response:
    return post(town, "/credentials/status", body)


def test_a_status_is_asked_for_and_served(town: Town) -> None:
    signed = with_status(town, {"statusPurpose": "revocation"}, {"statusPurpose": "message"})
    for entry, purpose in zip(signed["credentialStatus"], ("revocation", "message"), strict=True):
        assert entry["type"] == "BitstringStatusListEntry"
        assert entry["statusPurpose"] == purpose
        assert 0 <= int(entry["statusListIndex"]) < 131_072
        response = town.get(entry["statusListCredential"].removeprefix("http://town.test"))
        assert response.headers["content-type"] == "application/json"
        held = response.json()
        assert held["id"] == entry["statusListCredential"]
        assert held["issuer"] == signed["issuer"]
        assert "BitstringStatusListCredential" in held["type"]
        assert held["credentialSubject"]["statusPurpose"] == purpose
        assert held["credentialSubject"]["encodedList"].startswith("u")
        assert held["validUntil"] == "2026-11-22T08:05:00Z"
        assert verify(town, held).is_success
    assert verify(town, signed).is_success


def test_the_status_endpoint_gives_one_to_each(town: Town) -> None:
    signed = issue(town, credential(id="urn:uuid:each"), "/bitstring-status-list")
    assert signed["credentialStatus"]["statusPurpose"] == "revocation"


@pytest.mark.parametrize(
    ("purpose", "code"),
    [("revocation", "credential.revoked"), ("suspension", "credential.suspended")],
)
def test_a_status_that_is_set_refuses_the_credential(town: Town, purpose: str, code: str) -> None:
    identifier = f"urn:uuid:{purpose}"
    signed = with_status(town, {"statusPurpose": purpose}, identifier=identifier)
    other = with_status(town, {"statusPurpose": purpose}, identifier=f"{identifier}2")
    named = {"type": "BitstringStatusListEntry", "statusPurpose": purpose}
    response = update(town, credentialId=identifier, credentialStatus=named)
    assert response.status_code == 200, response.text
    found = refused(verify(town, signed))
    assert found["code"] == code
    assert found["type"].endswith("status-list#STATUS_VERIFICATION_ERROR")
    assert verify(town, signed, checks=["proof"]).is_success
    assert verify(town, other).is_success
    cleared = update(town, credentialId=identifier, credentialStatus=named, status=False)
    if purpose == "revocation":
        assert refused(cleared)["code"] == "rule"
        refused(verify(town, signed))
    else:
        assert cleared.is_success
        assert verify(town, signed).is_success


def test_a_status_is_named_by_its_entry_where_the_credential_has_no_id(town: Town) -> None:
    signed = issue(town, credential(), credentialStatus={"statusPurpose": "suspension"})
    entry = signed["credentialStatus"]
    assert update(town, credentialStatus=entry).is_success
    assert refused(verify(town, signed))["code"] == "credential.suspended"


def test_messages_are_said_and_refuse_nothing(town: Town) -> None:
    messages = [{"message": text} for text in ("new", "opened", "mended", "scrapped")]
    signed = with_status(
        town, {"statusPurpose": "message", "statusMessage": messages}, identifier="urn:uuid:m"
    )
    entry = signed["credentialStatus"]
    assert entry["statusSize"] == 2
    assert [one["status"] for one in entry["statusMessage"]] == ["0x0", "0x1", "0x2", "0x3"]
    named = {"statusPurpose": "message", "status": "0x2"}
    assert update(town, credentialId="urn:uuid:m", credentialStatus=named).is_success
    assert verify(town, signed).is_success
    too_large = {"statusPurpose": "message", "status": 4}
    refused(update(town, credentialId="urn:uuid:m", credentialStatus=too_large))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"credentialStatus": []}, 400),
        ({"credentialStatus": {}}, 400),
        ({"credentialId": "urn:uuid:nobody", "credentialStatus": {}}, 404),
        ({"credentialId": 4, "credentialStatus": {}}, 400),
        ({"credentialId": "urn:uuid:s", "credentialStatus": {"type": "Other"}}, 400),
        ({"credentialId": "urn:uuid:s", "credentialStatus": {"status": "maybe"}}, 400),
        ({"credentialId": "urn:uuid:s", "credentialStatus": {"status": -1}}, 400),
        ({"credentialId": "urn:uuid:s", "credentialStatus": {"status": "0xzz"}}, 400),
        ({"credentialId": "urn:uuid:s", "credentialStatus": {"statusPurpose": []}}, 404),
        (
            {
                "credentialStatus": {
                    "statusListCredential": "http://town.test/status-lists/eddsa-jcs-2022-x-1",
                    "statusListIndex": "0",
                }
            },
            404,
        ),
    ],
)
def test_a_status_that_nobody_has_is_not_set(town: Town, body: Document, status: int) -> None:
    with_status(town, {"statusPurpose": "revocation"})
    refused(post(town, "/credentials/status", body), status)


def test_a_list_of_elsewhere_is_not_fetched(town: Town) -> None:
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "1",
        "statusListCredential": "https://example.com/status/1",
    }
    signed = issue(town, credential(credentialStatus=entry))
    assert refused(verify(town, signed))["code"] == "credential.status"
    assert verify(town, signed, checks=["proof"]).is_success


def test_a_list_of_another_issuer_does_not_count(town: Town) -> None:
    mine = with_status(town, {"statusPurpose": "revocation"}, identifier="urn:uuid:mine")
    theirs = issue(
        town, credential(credentialStatus=mine["credentialStatus"]), "/ecdsa-jcs-2019-p256"
    )
    found = refused(verify(town, theirs))
    assert found["code"] == "credential.status"
    assert "another issuer" in found["detail"]


def test_there_is_no_other_list(town: Town) -> None:
    refused(town.get("/status-lists/eddsa-jcs-2022-revocation-999"), 404)


# --- the ledger stands behind its subjects


def test_a_credential_ends_with_its_device() -> None:
    with Town(interop=Interop()) as town:
        acme = town.acme()
        meter = town.device("M-1", acme)
        signed = issue(town, credential(credentialSubject={"id": meter.did}))
        assert verify(town, signed).is_success
        town.accept(town.supervise(meter, "status.suspend", "stolen", acme))
        assert refused(verify(town, signed))["code"] == "credential.suspended"
        town.accept(town.supervise(meter, "status.revoke", "stolen", acme))
        assert refused(verify(town, signed))["code"] == "credential.revoked"
        assert verify(town, signed, checks=["proof"]).is_success


# --- the description, the folder, and where it is not


def test_the_description_has_every_route_and_no_other(town: Town) -> None:
    with Town() as plain:
        without = {one.path for one in plain.app.router.routes if isinstance(one, Route)}
    routes = {
        (route.path, method.lower())
        for route in town.app.router.routes
        if isinstance(route, Route) and route.path not in without | UNDESCRIBED
        for method in (route.methods or set()) - {"HEAD"}
    }
    paths = town.get("/openapi-interop.json").json()["paths"]
    assert {(path, method) for path, item in paths.items() for method in item} == routes


def test_every_example_of_the_description_works(town: Town) -> None:
    paths = town.get("/openapi-interop.json").json()["paths"]
    assert len(paths) == 20
    for path, item in paths.items():
        for method, operation in item.items():
            address = path
            for parameter in operation.get("parameters", ()):
                address = address.replace(f"{{{parameter['name']}}}", parameter["example"])
            content = operation.get("requestBody", {}).get("content", {})
            (body,) = content.values() or [None]
            options = {} if body is None else {"json": body["example"]}
            response = town.request(method.upper(), address, **options)
            assert str(response.status_code) in operation["responses"]
            assert response.is_success, f"{path}: {response.text}"


def test_what_the_suites_are_told_is_true(town: Town) -> None:
    told = town.get("/interop").json()
    tags = {tag for one in told for issuer in one["issuers"] for tag in issuer["tags"]}
    cryptosuites = {suite.cryptosuite for suite in SUITES}
    assert tags == cryptosuites | {"vc2.0", "vc-api", "BitstringStatusList"}
    for one in told:
        for issuer in one["issuers"]:
            prefix = issuer["endpoint"].removeprefix("http://town.test")
            signed = issue(town, credential(), prefix.removesuffix("/credentials/issue"))
            assert signed["issuer"] == issuer["id"]


def test_without_the_option_there_is_none_of_it() -> None:
    with Town() as town:
        for path in (*POSTED, "/interop", "/openapi-interop.json", "/status-lists/x"):
            # One segment might be a compressed Digital Link, which is not posted.
            assert post(town, path, {}).status_code == (404 if path.count("/") > 1 else 405)


def test_keys_and_statuses_outlive_the_process(tmp_path: Path) -> None:
    first = Interop(tmp_path)
    with Town(interop=first) as town:
        revoked = with_status(town, {"statusPurpose": "revocation"}, identifier="urn:uuid:a")
        good = with_status(town, {"statusPurpose": "revocation"}, identifier="urn:uuid:b")
        assert update(town, credentialId="urn:uuid:a", credentialStatus={}).is_success
    first.close()
    for name in (FILE, STATUS):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    with (tmp_path / STATUS).open("ab") as file:
        file.write(b'{"list":"eddsa-jcs-2022-revo')  # the process ended within a line
    second = Interop(tmp_path)
    with Town(interop=second) as town:
        assert refused(verify(town, revoked))["code"] == "credential.revoked"
        assert verify(town, good).is_success
        assert issue(town, credential())["issuer"] == good["issuer"]
        again = with_status(town, {"statusPurpose": "revocation"}, identifier="urn:uuid:c")
    second.close()
    assert b'"urn:uuid:c"' in (tmp_path / STATUS).read_bytes().splitlines()[-1]
    places = {one["credentialStatus"]["statusListIndex"] for one in (revoked, good, again)}
    assert len(places) == 3


def test_none_of_its_keys_is_a_key_of_the_ledger() -> None:
    interop = Interop()
    with Town(interop=interop, site=MemorySite) as town:
        genesis = json.dumps(town.site.genesis)
        for issuer in interop.issuers.values():
            assert issuer.did.removeprefix("did:key:") not in genesis


def test_limits_are_those_of_the_service() -> None:
    with Town(Settings(checkers=0, body_bytes=1_024), interop=Interop()) as town:
        assert town.now == NOW
        refused(verify(town, credential(name="x" * 2_000)), 413)
