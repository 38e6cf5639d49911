"""The data model 1.1: what has its form, what has not, and that nothing else here takes it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.credentials import rdfc
from identity.credentials.credential import check_credential, verify_credential
from identity.credentials.data_model_1 import (
    check_first,
    of_first_model,
    verify_first,
    with_integrity,
)
from identity.credentials.datetimes import seconds_of
from identity.credentials.securing import secure
from identity.did import did_key, did_key_method
from identity.errors import (
    CredentialOutOfTime,
    MalformedCredential,
    MalformedProof,
    StatusUnknown,
    TetradError,
    UnknownMethod,
)
from identity.keys import private_key
from identity.methods import did_key_methods

V1 = "https://www.w3.org/2018/credentials/v1"
V2 = "https://www.w3.org/ns/credentials/v2"
EXAMPLES = "https://www.w3.org/2018/credentials/examples/v1"
KEY = private_key("Ed25519", bytes(31) + b"\1")
DID = did_key(KEY.public.multikey)
NOW = int(seconds_of("2026-11-22T08:00:00Z"))
TYPED = {"id": "https://x.example/1", "type": "https://x.example/T"}
VECTORS = json.loads((Path(__file__).parent / "ed25519_2020.json").read_bytes())
Document = dict[str, Any]


def credential(**members: Any) -> Document:
    whole = {
        "@context": [V1],
        "type": ["VerifiableCredential"],
        "issuer": DID,
        "issuanceDate": "2026-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:subject"},
        **members,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def signed(**members: Any) -> Document:
    whole = with_integrity(credential(**members))
    return secure(whole, KEY, method=did_key_method(KEY.public.multikey), purpose="assertionMethod")


GOOD: dict[str, Document] = {
    "plain": credential(),
    "the suite's sample": credential(
        **{
            "@context": [V1, EXAMPLES],
            "type": ["VerifiableCredential", "UniversityDegreeCredential"],
        },
        id="urn:uuid:1",
        credentialSubject={
            "id": "did:example:subject",
            "degree": {"degreeType": "BachelorDegree", "name": "Bachelor of Science and Arts"},
        },
    ),
    "an end": credential(expirationDate="2027-01-01T00:00:00.5+08:00"),
    "an issuer with an id": credential(issuer={"id": DID}),
    "several subjects": credential(credentialSubject=[{"id": "did:a:b"}, {"id": "did:a:c"}]),
    "a status": credential(credentialStatus=TYPED),
    "a schema": credential(credentialSchema=[TYPED]),
    "evidence": credential(evidence=[{"type": "https://x.example/T"}]),
}
BAD: dict[str, tuple[Document, str]] = {
    "contexts of two data models": (credential(**{"@context": [V1, V2]}), "/@context"),
    "a context that is a number": (credential(**{"@context": [V1, 4]}), "/@context/1"),
    "a context that is no URL": (credential(**{"@context": [V1, "x"]}), "/@context/1"),
    "no type": (credential(type=...), "/type"),
    "another type": (credential(type=["https://x.example/T"]), "/type"),
    "no issuer": (credential(issuer=...), "/issuer"),
    "an issuer that is no URL": (credential(issuer="x"), "/issuer"),
    "an issuer without id": (credential(issuer={}), "/issuer/id"),
    "no subject": (credential(credentialSubject=...), "/credentialSubject"),
    "an empty subject": (credential(credentialSubject={}), "/credentialSubject"),
    "no subjects": (credential(credentialSubject=[]), "/credentialSubject"),
    "a subject that is text": (credential(credentialSubject="x"), "/credentialSubject"),
    "no issuanceDate": (credential(issuanceDate=...), "/issuanceDate"),
    "an issuanceDate of the next model": (
        credential(issuanceDate=..., validFrom="2026-01-01T00:00:00Z"),
        "/issuanceDate",
    ),
    "an issuanceDate that is a date": (credential(issuanceDate="2026-01-01"), "/issuanceDate"),
    "an issuanceDate that is a number": (credential(issuanceDate=4), "/issuanceDate"),
    "an expirationDate that is none": (credential(expirationDate="never"), "/expirationDate"),
    "an end before the beginning": (
        credential(expirationDate="2025-01-01T00:00:00Z"),
        "/expirationDate",
    ),
    "two ids": (credential(id=["urn:uuid:1", "urn:uuid:2"]), "/id"),
    "a status without id": (
        credential(credentialStatus={"type": "https://x.example/T"}),
        "/credentialStatus/id",
    ),
    "a status without type": (
        credential(credentialStatus={"id": "https://x.example/1"}),
        "/credentialStatus/type",
    ),
    "a refresh service without id": (
        credential(refreshService={"type": "https://x.example/T"}),
        "/refreshService/id",
    ),
    "terms of use without type": (credential(termsOfUse=[{"id": "urn:a:b"}]), "/termsOfUse/0/type"),
    "a term that nothing defines": (credential(undefinedTerm="x"), "/undefinedTerm"),
    "a type that nothing defines": (credential(type=["VerifiableCredential", "X"]), "/type"),
    "a protected term again": (
        credential(**{"@context": [V1, {"VerifiableCredential": "https://x.example/V"}]}),
        "/@context",
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_has_the_form(case: str) -> None:
    assert of_first_model(GOOD[case])
    assert check_first(GOOD[case]) == GOOD[case]


@pytest.mark.parametrize("case", BAD)
def test_what_has_not(case: str) -> None:
    document, pointer = BAD[case]
    with pytest.raises(MalformedCredential) as refusal:
        check_first(document)
    assert refusal.value.pointer == pointer


@pytest.mark.parametrize("value", [None, [], {}, {"@context": V1}, {"@context": [V2, V1]}])
def test_what_is_of_another_model(value: Any) -> None:
    assert not of_first_model(value)


def test_it_is_taken_nowhere_else() -> None:
    """What an organization or a device issues, and whoever verifies that, stays with 2.0."""
    for document in (credential(), signed(), VECTORS["of the data model 1.1"]):
        with pytest.raises(MalformedCredential, match=r"1\.1"):
            check_credential(document)
        with pytest.raises(MalformedCredential, match=r"1\.1"):
            verify_credential(document, did_key_methods, now=NOW)
    with pytest.raises(TetradError):
        verify_credential(VECTORS["of the data model 2.0"], did_key_methods, now=NOW)


def test_who_issued_it_and_when() -> None:
    held = verify_first(signed(), did_key_methods, now=NOW)
    assert (held.issuer, held.subject_ids) == (DID, ("did:example:subject",))
    assert len(held.proofs) == 1
    with pytest.raises(UnknownMethod):
        verify_first({**signed(issuer="did:example:x")}, did_key_methods, now=NOW)


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"issuanceDate": "2026-11-22T08:00:01Z"}, "/issuanceDate"),
        ({"validFrom": "2026-11-22T08:00:01Z"}, "/validFrom"),
        ({"expirationDate": "2026-11-22T07:59:59Z"}, "/expirationDate"),
        ({"validUntil": "2026-11-22T07:59:59Z"}, "/validUntil"),
    ],
)
def test_it_holds_between_its_times(members: Document, pointer: str) -> None:
    with pytest.raises(CredentialOutOfTime) as refusal:
        verify_first(signed(**members), did_key_methods, now=NOW)
    assert refusal.value.pointer == pointer


def test_a_status_that_cannot_be_told_refuses_it() -> None:
    with pytest.raises(StatusUnknown):
        verify_first(signed(credentialStatus=TYPED), did_key_methods, now=NOW)


def test_an_end_is_not_hidden_under_a_suite_over_rdf() -> None:
    end = "2020-01-02T00:00:00Z"
    whole = with_integrity(credential(issuanceDate="2020-01-01T00:00:00Z", expirationDate=end))
    whole = secure(
        whole,
        KEY,
        method=did_key_method(KEY.public.multikey),
        purpose="assertionMethod",
        cryptosuite="eddsa-rdfc-2022",
    )
    with pytest.raises(CredentialOutOfTime):
        verify_first(whole, did_key_methods, now=NOW)
    date = {"@type": "http://www.w3.org/2001/XMLSchema#dateTime", "@value": end}
    named = {"https://www.w3.org/2018/credentials#expirationDate": date}
    hidden = {name: value for name, value in whole.items() if name != "expirationDate"} | named
    plain = [{k: v for k, v in one.items() if k != "proof"} for one in (whole, hidden)]
    assert rdfc.canonicalize(plain[0]) == rdfc.canonicalize(plain[1])
    with pytest.raises(MalformedProof, match="own name"):
        verify_first(hidden, did_key_methods, now=NOW)


def test_a_context_for_the_proof_is_added_once() -> None:
    once = with_integrity(credential())
    assert once["@context"][:1] == [V1]
    assert with_integrity(once) is once


@given(
    st.dictionaries(
        st.sampled_from([*credential(), "id", "expirationDate", "credentialStatus", "evidence"]),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just(DID)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(st.sampled_from(["id", "type", "name"]), inner, max_size=3),
            ),
            max_leaves=6,
        ),
        min_size=1,
    )
)
@settings(max_examples=200, deadline=None)
def test_hostile_credentials_raise_only_our_errors(members: Document) -> None:
    whole = credential(**members)
    if of_first_model(whole):
        with contextlib.suppress(TetradError):
            verify_first({**whole, "proof": signed()["proof"]}, did_key_methods, now=NOW)
