"""Credentials by the Data Model 2.0: its tests' cases and more, then who, when and what status."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.credentials.credential import check_credential, verify_credential
from identity.credentials.securing import secure
from identity.credentials.status_list import (
    StatusList,
    entry,
    list_credential,
    new_list,
)
from identity.errors import (
    CredentialOutOfTime,
    CredentialRevoked,
    CredentialSuspended,
    ForgedProof,
    MalformedCredential,
    MalformedProof,
    StatusUnknown,
    TetradError,
    UnknownMethod,
)
from identity.keys import PrivateKey, private_key
from identity.methods import did_key_methods

V2 = "https://www.w3.org/ns/credentials/v2"
NOW = 1_790_000_000  # 2026-09-21T14:13:20Z
KEY = private_key("Ed25519", bytes(range(32)))
OTHER = private_key("P-256", bytes(range(1, 33)))
Document = dict[str, Any]


def did(key: PrivateKey) -> str:
    return f"did:key:{key.public.multikey}"


def method(key: PrivateKey) -> str:
    return f"{did(key)}#{key.public.multikey}"


def credential(**changes: Any) -> Document:
    """A plain credential; a change to Ellipsis takes a member out."""
    plain = {
        "@context": [V2],
        "type": ["VerifiableCredential"],
        "issuer": did(KEY),
        "credentialSubject": {"id": "did:example:subject"},
    }
    return {name: value for name, value in {**plain, **changes}.items() if value is not ...}


def signed(key: PrivateKey = KEY, **changes: Any) -> Document:
    return secure(credential(**changes), key, method=method(key), purpose="assertionMethod")


TYPED = "https://acme.example/#Typed"
PUBLIC = "https://w3c.github.io/vc-data-model/related-resource.json"
EMPTY_OBJECT = sha256(b"{}\n").hexdigest()
INLINE = {"Lamp": "https://acme.example/#Lamp"}
GOOD: dict[str, Document] = {
    "plain": credential(),
    "an id": credential(id="urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008"),
    "a single type": credential(type="VerifiableCredential"),
    "types in any order": credential(type=[TYPED, "VerifiableCredential", "https://x.example/T"]),
    "a type by its context": credential(
        **{"@context": [V2, INLINE], "type": ["VerifiableCredential", "Lamp"]}
    ),
    "an issuer with a name": credential(
        issuer={"id": "did:example:a", "name": {"@value": "A", "@language": "en"}}
    ),
    "names in several languages": credential(
        name=[{"@value": "灯", "@language": "zh"}, {"@value": "lamp", "@direction": "ltr"}],
        description="a lamp",
    ),
    "several subjects": credential(credentialSubject=[{"id": "did:a:b"}, {"name": "x"}]),
    "a fraction of a second": credential(validFrom="2023-02-26T01:02:58.447Z"),
    "a zone": credential(validFrom="2023-02-25T19:10:39-06:00", validUntil="9999-12-31T24:00:00Z"),
    "an instant": credential(
        validFrom="2023-02-25T19:10:39-06:00", validUntil="2023-02-26T01:10:39Z"
    ),
    "a status without id": credential(credentialStatus={"type": TYPED}),
    "schemas": credential(
        credentialSchema=[{"type": TYPED, "id": "did:a:1"}, {"type": "JsonSchema", "id": "did:a:2"}]
    ),
    "terms of use": credential(termsOfUse=[{"type": TYPED}, {"type": TYPED, "id": "urn:a:b"}]),
    "evidence": credential(evidence={"type": TYPED}),
    "a refresh service": credential(refreshService={"type": TYPED, "id": "did:a:1"}),
    "a related resource": credential(
        relatedResource={
            "id": "https://x.example/a",
            "digestSRI": "sha256-MIwhzJyufmsjiGS1qP0waCmF",
        }
    ),
    "a related resource by multihash": credential(
        relatedResource=[
            {
                "id": "https://x.example/a",
                "digestMultibase": "uEiAjCHMnK5-ayOIZLWo_TBoKYVvSAprlkYEjRlm19Cj0uw",
                "mediaType": "application/json",
            }
        ]
    ),
    "a related resource that the W3C writes in hexadecimal": credential(
        relatedResource={"id": PUBLIC, "digestSRI": f"sha256-{EMPTY_OBJECT}"}
    ),
    "a related resource in base64": credential(
        relatedResource={
            "id": PUBLIC,
            "digestSRI": "sha256-yj0WO6sFU4GCciYUBWjzvvfqrBh869doeOC2Pp5EI1Y=",
        }
    ),
    "the base context as related resource": credential(
        relatedResource=[
            {
                "id": V2,
                "digestSRI": "sha256-WZVc7WaX1h4D8rJVb+vlMIqxaEKEb1tYbX8fet7JJzQ=",
                "digestMultibase": "uEiBZlVztZpfWHgPyslVv6-UwirFoQoRvW1htfx963sknNA",
            }
        ]
    ),
}
BAD: dict[str, tuple[Any, str]] = {
    "no object": (["x"], ""),
    "no context": (credential(**{"@context": ...}), "/@context"),
    "a context that is no list": (credential(**{"@context": V2}), "/@context"),
    "an empty context": (credential(**{"@context": []}), "/@context"),
    "another first context": (
        credential(**{"@context": ["https://www.w3.org/ns/credentials/examples/v2", V2]}),
        "/@context",
    ),
    "the data model 1.1": (
        credential(**{"@context": ["https://www.w3.org/2018/credentials/v1"]}),
        "/@context",
    ),
    "both data models": (
        credential(**{"@context": [V2, "https://www.w3.org/2018/credentials/v1"]}),
        "/@context",
    ),
    "a context that is no URL": (credential(**{"@context": [V2, "https ://x"]}), "/@context/1"),
    "a context that is a number": (credential(**{"@context": [V2, 123192875]}), "/@context/1"),
    "an unknown context": (credential(**{"@context": [V2, "https://x.example"]}), "/@context"),
    "an id that is no URL": (credential(id="not-a-url"), "/id"),
    "an id with a space": (credential(id="https ://x.example/1"), "/id"),
    "an id that is null": (credential(id=None), "/id"),
    "two ids": (credential(id=["urn:a:1", "urn:a:2"]), "/id"),
    "no type": (credential(type=...), "/type"),
    "an empty type": (credential(type=[]), "/type"),
    "a type that is a number": (credential(type=["VerifiableCredential", 1]), "/type"),
    "another type": (credential(type=["https://x.example/T"]), "/type"),
    "a type that nothing defines": (credential(type=["VerifiableCredential", "Lamp"]), "/type"),
    "a type that is mapped to no URL": (
        credential(
            **{
                "@context": [V2, {"Lamp": "https ://x#Lamp"}],
                "type": ["VerifiableCredential", "Lamp"],
            }
        ),
        "/@context",
    ),
    "a redefined term": (
        credential(**{"@context": [V2, {"VerifiableCredential": "https://x.example/#Bad"}]}),
        "/@context",
    ),
    "no issuer": (credential(issuer=...), "/issuer"),
    "an issuer that is null": (credential(issuer=None), "/issuer"),
    "an issuer that is no URL": (credential(issuer="not-a-url"), "/issuer"),
    "two issuers": (credential(issuer=["did:a:1", "did:a:2"]), "/issuer"),
    "an issuer without id": (credential(issuer={"name": "x"}), "/issuer/id"),
    "an issuer whose id is null": (credential(issuer={"id": None}), "/issuer/id"),
    "an issuer whose id is no URL": (credential(issuer={"id": "x"}), "/issuer/id"),
    "a name with more in it": (
        credential(name={"@value": "x", "@language": "en", "url": "y"}),
        "/name",
    ),
    "a name that is a number": (credential(name=7), "/name"),
    "a description that is null": (credential(description=None), "/description"),
    "a name of the issuer with more in it": (
        credential(issuer={"id": "did:a:b", "name": {"@value": "x", "extra": "y"}}),
        "/issuer/name",
    ),
    "a direction that is none": (
        credential(name={"@value": "x", "@direction": "up"}),
        "/name/@direction",
    ),
    "no subject": (credential(credentialSubject=...), "/credentialSubject"),
    "an empty subject": (credential(credentialSubject={}), "/credentialSubject"),
    "no subject in a list": (credential(credentialSubject=[]), "/credentialSubject"),
    "an empty subject among others": (
        credential(credentialSubject=[{"id": "did:a:b"}, {}]),
        "/credentialSubject/1",
    ),
    "a subject that is a string": (
        credential(credentialSubject="did:a:b"),
        "/credentialSubject",
    ),
    "two ids of a subject": (
        credential(credentialSubject={"id": ["did:a:b", "did:a:c"]}),
        "/credentialSubject/id",
    ),
    "a claim that nothing defines": (
        credential(credentialSubject={"id": "did:a:b", "colour": "red"}),
        "/credentialSubject/colour",
    ),
    "a date of the data model 1.1": (
        credential(issuanceDate="2023-01-01T00:00:00Z"),
        "/issuanceDate",
    ),
    "a time in words": (credential(validFrom="Sat 25 Feb 2023 07:16:31 PM CST"), "/validFrom"),
    "a time without zone": (credential(validFrom="2023-02-25T19:10:39"), "/validFrom"),
    "a date": (credential(validUntil="2023-02-25"), "/validUntil"),
    "a day that is none": (credential(validUntil="2023-02-30T00:00:00Z"), "/validUntil"),
    "a time that is null": (credential(validUntil=None), "/validUntil"),
    "an end before the beginning": (
        credential(validFrom="2024-01-01T00:00:00Z", validUntil="2023-01-01T00:00:00Z"),
        "/validFrom",
    ),
    "an end before the beginning, by the zone": (
        credential(validFrom="2023-01-01T00:00:00-01:00", validUntil="2023-01-01T00:00:00Z"),
        "/validFrom",
    ),
    "a status without type": (
        credential(credentialStatus={"id": "urn:a:b"}),
        "/credentialStatus/type",
    ),
    "a status whose type nothing defines": (
        credential(credentialStatus={"type": "Status2017"}),
        "/credentialStatus/type",
    ),
    "a status whose id is no URL": (
        credential(credentialStatus={"type": TYPED, "id": "x"}),
        "/credentialStatus/id",
    ),
    "a status that is a string": (credential(credentialStatus="urn:a:b"), "/credentialStatus"),
    "a status with two ids": (
        credential(credentialStatus=[{"type": TYPED, "id": ["urn:a:b", "urn:a:c"]}]),
        "/credentialStatus/0/id",
    ),
    "a schema without type": (
        credential(credentialSchema={"id": "did:a:1"}),
        "/credentialSchema/type",
    ),
    "a schema without id": (credential(credentialSchema={"type": TYPED}), "/credentialSchema/id"),
    "a schema whose id is a number": (
        credential(credentialSchema={"type": TYPED, "id": 1}),
        "/credentialSchema/id",
    ),
    "terms of use without type": (
        credential(termsOfUse=[{"type": TYPED}, {"id": "urn:a:b"}]),
        "/termsOfUse/1/type",
    ),
    "evidence without type": (credential(evidence={"id": "urn:a:b"}), "/evidence/type"),
    "evidence that is empty": (credential(evidence=[]), "/evidence"),
    "a refresh service without type": (
        credential(refreshService={"id": "urn:a:b"}),
        "/refreshService/type",
    ),
    "a proof without type": (credential(proof={"created": "x"}), "/proof/type"),
    "related resources as strings": (
        credential(relatedResource=["https://x.example/a"]),
        "/relatedResource/0",
    ),
    "a related resource without id": (
        credential(relatedResource=[{"digestSRI": "sha256-AAAA"}]),
        "/relatedResource/0/id",
    ),
    "a related resource without digest": (
        credential(relatedResource=[{"id": "https://x.example/a"}]),
        "/relatedResource/0",
    ),
    "a related resource twice": (
        credential(relatedResource=[{"id": "urn:a:b", "digestSRI": "sha256-AAAA"}] * 2),
        "/relatedResource/1/id",
    ),
    "no related resource": (credential(relatedResource=[]), "/relatedResource"),
    "a digest that is none": (
        credential(relatedResource={"id": "urn:a:b", "digestSRI": "md5-AAAA"}),
        "/relatedResource/0/digestSRI",
    ),
    "a multihash that is none": (
        credential(
            relatedResource={
                "id": "urn:a:b",
                "digestMultibase": "uZTQ0MjM1NiAgcmVwb3J0cc5jZWxhdGVkLXJlc291cmNlLmpzb24K",
            }
        ),
        "/relatedResource/0/digestMultibase",
    ),
    "another digest of the base context": (
        credential(relatedResource={"id": V2, "digestSRI": "sha256-MIwhzJyufmsjiGS1qP0waCmF"}),
        "/relatedResource/0/digestSRI",
    ),
    "another digest in hexadecimal": (
        credential(
            relatedResource=[
                {
                    "id": PUBLIC,
                    "digestSRI": f"sha256-{EMPTY_OBJECT.replace('f7eaac', 'f634ac')}",
                }
            ]
        ),
        "/relatedResource/0/digestSRI",
    ),
    "another digest of a context": (
        credential(
            relatedResource={
                "id": "https://w3id.org/security/data-integrity/v2",
                "digestMultibase": "uEiAjCHMnK5-ayOIZLWo_TBoKYVvSAprlkYEjRlm19Cj0uw",
            }
        ),
        "/relatedResource/0/digestMultibase",
    ),
    "a list entry whose index is a boolean": (
        credential(
            credentialStatus={
                "type": "BitstringStatusListEntry",
                "statusPurpose": "revocation",
                "statusListIndex": True,
                "statusListCredential": "https://example.com/1",
            }
        ),
        "/credentialStatus/statusListIndex",
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_well_formed(case: str) -> None:
    before = deepcopy(GOOD[case])
    assert check_credential(GOOD[case]) == before


@pytest.mark.parametrize("case", BAD)
def test_malformed(case: str) -> None:
    value, pointer = BAD[case]
    with pytest.raises(MalformedCredential) as refusal:
        check_credential(value)
    assert refusal.value.pointer == pointer


@pytest.mark.parametrize("case", [case for case in BAD if "proof" not in BAD[case][0]])
def test_malformed_credentials_do_not_verify_either(case: str) -> None:
    value = BAD[case][0]
    if isinstance(value, dict):
        value = secure(value, KEY, method=method(KEY), purpose="assertionMethod")
    with pytest.raises(MalformedCredential):
        verify_credential(value, did_key_methods, now=NOW)


def test_resources_at_hand_are_compared() -> None:
    related = GOOD["a related resource by multihash"]
    with pytest.raises(MalformedCredential, match="another digest"):
        check_credential(related, resources={"https://x.example/a": b"something else"})


def test_schemas_are_applied_by_their_id() -> None:
    def no_subject(value: Document) -> None:
        assert value["credentialSchema"]["id"] == "urn:schema:1"
        raise MalformedCredential("no", pointer="/credentialSubject")

    with_schema = credential(credentialSchema={"type": "JsonSchema", "id": "urn:schema:1"})
    check_credential(with_schema)
    check_credential(with_schema, schemas={"urn:schema:2": no_subject})
    with pytest.raises(MalformedCredential):
        check_credential(with_schema, schemas={"urn:schema:1": no_subject})
    with pytest.raises(MalformedCredential):
        verify_credential(
            signed(credentialSchema={"type": "JsonSchema", "id": "urn:schema:1"}),
            did_key_methods,
            now=NOW,
            schemas={"urn:schema:1": no_subject},
        )


# --- who and when


def test_verified() -> None:
    held = verify_credential(
        signed(credentialSubject=[{"id": "did:a:b"}, {"name": "x"}]), did_key_methods, now=NOW
    )
    assert (held.issuer, held.types) == (did(KEY), ("VerifiableCredential",))
    assert held.subject_ids == ("did:a:b",)
    assert [proof.method.key for proof in held.proofs] == [KEY.public]
    assert held.statuses == ()


def test_only_the_issuer_signs() -> None:
    with pytest.raises(UnknownMethod, match="another party"):
        verify_credential(signed(OTHER), did_key_methods, now=NOW)
    both = secure(signed(), OTHER, method=method(OTHER), purpose="assertionMethod")
    with pytest.raises(UnknownMethod, match="another party"):
        verify_credential(both, did_key_methods, now=NOW)


def test_only_for_assertions() -> None:
    with pytest.raises(MalformedProof, match="purpose"):
        verify_credential(
            secure(credential(), KEY, method=method(KEY), purpose="authentication"),
            did_key_methods,
            now=NOW,
        )


def test_without_a_proof() -> None:
    with pytest.raises(MalformedProof):
        verify_credential(credential(), did_key_methods, now=NOW)


@pytest.mark.parametrize(
    ("changes", "now", "holds"),
    [
        ({"validFrom": "2026-09-21T14:13:20Z"}, NOW, True),
        ({"validFrom": "2026-09-21T14:13:21Z"}, NOW, False),
        ({"validFrom": "2026-09-21T14:13:20.5Z"}, NOW, False),
        ({"validUntil": "2026-09-21T14:13:20Z"}, NOW, True),
        ({"validUntil": "2026-09-21T14:13:19Z"}, NOW, False),
        ({"validUntil": "2026-09-21T22:13:19+08:00"}, NOW, False),
        ({"validFrom": "2020-01-01T00:00:00Z", "validUntil": "2030-01-01T00:00:00Z"}, NOW, True),
    ],
)
def test_validity(changes: Document, now: int, holds: bool) -> None:
    whole = signed(**changes)
    if holds:
        verify_credential(whole, did_key_methods, now=now)
    else:
        with pytest.raises(CredentialOutOfTime):
            verify_credential(whole, did_key_methods, now=now)


# --- status

URL = "https://issuer.example/status/1"


def status_credential(
    key: PrivateKey = KEY,
    change: Callable[[StatusList], None] = lambda _: None,
    purpose: str | list[str] = "revocation",
    size: int = 1,
    **more: Any,
) -> Document:
    statuses = new_list(purpose, size=size)
    change(statuses)
    made = list_credential(statuses, url=URL, issuer=did(key)) | more
    return secure(made, key, method=method(key), purpose="assertionMethod")


def with_status(*entries: Document) -> Document:
    return signed(credentialStatus=list(entries))


def verify(whole: Document, held_list: Any) -> tuple[Any, ...]:
    found = verify_credential(whole, did_key_methods, now=NOW, status=lambda _: held_list)
    return found.statuses


REVOCABLE = with_status(entry(URL, 94_567, "revocation"))


def test_contexts_that_were_appended_mean_nothing() -> None:
    """They are not signed: whoever passes the credential on may have added them."""
    whole = signed()
    added = {**whole, "@context": [*whole["@context"], {"alumniOf": "https://evil.example/bans"}]}
    found = verify_credential(added, did_key_methods, now=NOW)
    assert found.credential["@context"] == whole["@context"]
    undefined = signed(credentialSubject={"alumniOf": "a school"})
    defined = {**undefined, "@context": [V2, {"alumniOf": "https://evil.example/bans"}]}
    for one in (undefined, defined):
        with pytest.raises(MalformedCredential, match="no context defines"):
            verify_credential(one, did_key_methods, now=NOW)


class TestStatus:
    def test_not_revoked(self) -> None:
        (found,) = verify(REVOCABLE, status_credential())
        assert found == ("revocation", 0, "unset")

    def test_revoked(self) -> None:
        with pytest.raises(CredentialRevoked):
            verify(REVOCABLE, status_credential(change=lambda bits: bits.set(94_567, 1)))
        verify(REVOCABLE, status_credential(change=lambda bits: bits.set(94_568, 1)))

    def test_suspended(self) -> None:
        whole = with_status(entry(URL, 7, "suspension"))
        both = ["revocation", "suspension"]
        verify(whole, status_credential(purpose=both))
        with pytest.raises(CredentialSuspended):
            verify(whole, status_credential(purpose=both, change=lambda bits: bits.set(7, 1)))

    def test_a_message(self) -> None:
        whole = with_status(
            entry(URL, 7, "message", messages=["open", "accepted", "rejected", "undefined"])
        )
        (found,) = verify(
            whole,
            status_credential(purpose="message", size=2, change=lambda bits: bits.set(7, 2)),
        )
        assert found == ("message", 2, "rejected")

    def test_every_entry_counts(self) -> None:
        whole = with_status(entry(URL, 1, "revocation"), entry(URL, 2, "revocation"))
        with pytest.raises(CredentialRevoked):
            verify(whole, status_credential(change=lambda bits: bits.set(2, 1)))

    def test_the_entry_that_is_asked_for(self) -> None:
        asked = []

        def lists(wanted: Document) -> Document:
            asked.append(wanted)
            return status_credential()

        verify_credential(REVOCABLE, did_key_methods, now=NOW, status=lists)
        assert asked == REVOCABLE["credentialStatus"]

    @pytest.mark.parametrize(
        ("held_list", "reason"),
        [
            (status_credential(OTHER), "another issuer"),
            (status_credential(purpose="suspension"), "not for"),
            (status_credential(validUntil="2026-09-21T14:13:19Z"), "no longer valid"),
            (status_credential(validFrom="2026-09-22T14:13:19Z"), "not valid yet"),
            (status_credential(id="https://issuer.example/status/2"), "another status list"),
            (status_credential(type=["VerifiableCredential"]), "does not include"),
            ({**status_credential(), "name": "added"}, "does not hold"),
            ({k: v for k, v in status_credential().items() if k != "proof"}, "no proof"),
            (None, "JSON object"),
            ({}, "does not hold"),
            (signed(), "another status list|does not include"),
        ],
    )
    def test_a_list_that_tells_nothing(self, held_list: Any, reason: str) -> None:
        with pytest.raises(StatusUnknown, match=reason):
            verify(REVOCABLE, held_list)

    def test_an_index_beyond_the_list(self) -> None:
        verify(with_status(entry(URL, 131_071, "revocation")), status_credential())
        for index in (131_072, 10**17):
            with pytest.raises(StatusUnknown, match="entry"):
                verify(with_status(entry(URL, index, "revocation")), status_credential())

    def test_a_list_too_short_for_the_size_of_its_entries(self) -> None:
        whole = with_status(entry(URL, 7, "message", messages=["a", "b", "c", "d"]))
        with pytest.raises(StatusUnknown, match="131072"):
            verify(whole, status_credential(purpose="message"))

    def test_a_status_of_another_type(self) -> None:
        with pytest.raises(StatusUnknown, match="another type"):
            verify(with_status({"type": TYPED}), status_credential())

    def test_without_lists_the_status_is_the_callers(self) -> None:
        assert verify_credential(REVOCABLE, did_key_methods, now=NOW).statuses == ()

    def test_a_list_that_was_tampered_with(self) -> None:
        forged = status_credential(change=lambda bits: bits.set(94_567, 1))
        forged["credentialSubject"] = status_credential()["credentialSubject"]
        with pytest.raises(StatusUnknown, match="does not hold"):
            verify(REVOCABLE, forged)


# --- hostile input

JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=6),
        st.sampled_from([V2, "did:a:b", "2026-01-01T00:00:00Z", "BitstringStatusListEntry", TYPED]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.sampled_from(["id", "type", "@value", "statusPurpose"]), st.text(max_size=4)
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)
MEMBERS = [
    *("@context", "id", "type", "issuer", "credentialSubject", "name", "description", "proof"),
    *("validFrom", "validUntil", "credentialStatus", "credentialSchema", "relatedResource"),
    *("evidence", "termsOfUse", "refreshService"),
]


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=3))
def test_any_member_may_be_anything(changes: Document) -> None:
    for whole in (credential(**changes), {**REVOCABLE, **changes}):
        with contextlib.suppress(MalformedCredential):
            check_credential(whole)
        with contextlib.suppress(TetradError):
            verify_credential(whole, did_key_methods, now=NOW, status=dict)


@given(JSON)
def test_any_status_list_may_be_anything(held_list: Any) -> None:
    with pytest.raises(StatusUnknown):
        verify(REVOCABLE, held_list)


@given(st.data())
def test_any_change_to_a_signed_credential_is_refused(data: st.DataObject) -> None:
    whole: Any = deepcopy(REVOCABLE)
    place: Any = whole
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(st.sampled_from(["did:example:x", "", None, {}, [], 1]))
            break
        place = place[key]
    if whole != REVOCABLE:
        with pytest.raises((MalformedCredential, MalformedProof, ForgedProof, UnknownMethod)):
            verify_credential(whole, did_key_methods, now=NOW)
