"""Checking: what is received is read once, strictly, and every proof of it is verified."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.did import did_key_method
from identity.errors import (
    ForgedProof,
    InputTooLarge,
    InvalidDisclosure,
    InvalidInput,
    InvalidKey,
    MalformedInput,
    MalformedProof,
    SchemaViolation,
    TetradError,
    UnknownMethod,
)
from identity.jcs import canonicalize
from identity.keys import ALGORITHMS, private_key
from registry.checking import Checked, check_submission
from resolver.schemes import SCHEMES
from tests.factory import UNIQUE, Maker, Signed, Subject, sign

MAKER = Maker()
ACME = MAKER.new_organization("Acme")
METER = MAKER.new_device("M-1", ACME, number="1440000000001")
KEYS = {ACME.key.public.thumbprint: ACME.key.public.multikey}


def first_of(subject: Subject) -> Signed:
    assert subject.first is not None
    return subject.first


METER_FIRST = first_of(METER)


def check(received: bytes, keys: dict[str, str] = KEYS) -> Checked:
    return check_submission(received, SCHEMES, UNIQUE, keys.get)


def check_operation(operation: dict[str, Any]) -> Checked:
    return check(canonicalize({"operation": operation, "disclosures": METER_FIRST.disclosures}))


def refused(expected: type[TetradError], operation: dict[str, Any]) -> TetradError:
    with pytest.raises(expected) as caught:
        check_operation(operation)
    return caught.value


def meter(**changes: Any) -> dict[str, Any]:
    """The meter's operation with other members, under the old signatures."""
    return {**copy.deepcopy(METER_FIRST.operation), **changes}


def with_proof(place: int, **changes: Any) -> dict[str, Any]:
    operation = meter()
    operation["proof"][place] |= changes
    return operation


def test_a_submission_is_ready_for_the_rule_book() -> None:
    checked = check(METER_FIRST.submission)
    assert checked.hash == METER_FIRST.hash
    assert checked.canonical == canonicalize(METER_FIRST.operation)
    assert checked.disclosures == METER_FIRST.disclosures
    assert checked.pending == []
    assert checked.operation.type == "device.register"


def test_spelling_of_the_json_does_not_matter_and_the_canonical_bytes_do() -> None:
    loose = METER_FIRST.submission.replace(b'":', b'" : ').replace(b",", b",\n ")
    assert check(loose) == check(METER_FIRST.submission)


def test_a_key_that_is_not_known_yet_is_left_to_the_writer() -> None:
    assert check(METER_FIRST.submission, {}).pending == [1]


def test_p256_signs_as_well() -> None:
    other = first_of(MAKER.new_device("P-1", ACME, algorithm="P-256"))
    assert check(other.submission).pending == []


def test_a_rotations_new_keys_are_known_by_the_operation_itself() -> None:
    assert check(MAKER.rotate(ACME).submission, {}).pending == []


@pytest.mark.parametrize("place", [0, 1])
def test_each_proof_of_a_set_is_verified(place: int) -> None:
    """Also where another one of the same set holds."""
    other = first_of(MAKER.new_device("M-2", ACME)).operation["proof"][place]["proofValue"]
    error = refused(ForgedProof, with_proof(place, proofValue=other))
    assert error.pointer == f"/proof/{place}"


@pytest.mark.parametrize(
    "changes",
    [
        {"created": "2026-11-22T08:00:01Z"},
        {"ledger": Maker(mode="permissioned").ledger_hash},
        {"body": {**METER_FIRST.operation["body"], "data": "none", "controller": METER.did}},
    ],
)
def test_a_changed_operation_is_not_the_signed_one(changes: dict[str, Any]) -> None:
    refused(ForgedProof, meter(**changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"proofPurpose": "assertionMethod"}, SchemaViolation),
        ({"type": "Ed25519Signature2020"}, SchemaViolation),
        ({"cryptosuite": "none"}, SchemaViolation),
        ({"cryptosuite": "ecdsa-jcs-2019"}, MalformedProof),
        ({"created": "2026-11-22T08:00:00Z"}, ForgedProof),
        ({"domain": "example.com"}, SchemaViolation),
        ({"@context": "https://example.com"}, SchemaViolation),
        ({"proofValue": "z" + "1" * 64}, ForgedProof),
        ({"proofValue": "zz"}, ForgedProof),
        ({"proofValue": ""}, SchemaViolation),
        ({"verificationMethod": "did:web:example.com#key"}, UnknownMethod),
        ({"verificationMethod": "https://example.com/key#1"}, UnknownMethod),
        ({"verificationMethod": "no fragment"}, UnknownMethod),
        ({"verificationMethod": "did:key:z6MkfromNowhere#z6MkfromNowhere"}, InvalidKey),
        ({"verificationMethod": "did:key:z6Mka#z6Mkb"}, UnknownMethod),
    ],
)
def test_a_proof_that_says_something_else_is_refused(
    changes: dict[str, Any], expected: type[TetradError]
) -> None:
    assert refused(expected, with_proof(0, **changes)).pointer.startswith("/proof/0")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_signs_operations_by_the_hash_of_its_suite(algorithm: str) -> None:
    secret = b"\x01" * (48 if algorithm == "P-384" else 32)
    signer = private_key(algorithm, secret)
    body = {"name": "Gamma", **ACME.establishment, "keys": [signer.public.multikey]}
    operation = meter(type="organization.register", body=body)
    del operation["proof"]
    signed = sign(operation, (signer, did_key_method(signer.public.multikey)))
    assert check(canonicalize({"operation": signed})).pending == []
    forged = {**signed, "body": {**body, "name": "Delta"}}
    with pytest.raises(ForgedProof) as caught:
        check(canonicalize({"operation": forged}))
    assert caught.value.pointer == "/proof/0"


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"", MalformedInput),
        (b"null", SchemaViolation),
        (b"[]", SchemaViolation),
        (b"{}", SchemaViolation),
        (b'{"operation": []}', SchemaViolation),
        (b'{"operation": {}}', SchemaViolation),
        (b'{"operation": {"type": "device.eat"}}', SchemaViolation),
        (b'{"operation": {}, "operation": {}}', MalformedInput),
        (b'{"operation": {}, "disclosures": "x"}', SchemaViolation),
        (b'{"operation": {}, "disclosures": [1]}', SchemaViolation),
        (b'{"operation": {}, "disclosures": ["","","","","","","","",""]}', SchemaViolation),
        (b'{"operation": {}, "more": 1}', SchemaViolation),
        (b'{"operation": {"type": NaN}}', MalformedInput),
        (b'{"operation": ' + b"[" * 40 + b"]" * 40 + b"}", InputTooLarge),
        (b" " * 262_145, InputTooLarge),
    ],
)
def test_what_is_no_submission_is_refused(received: bytes, expected: type[TetradError]) -> None:
    with pytest.raises(expected):
        check(received)


def test_null_is_no_value() -> None:
    body = {**METER_FIRST.operation["body"]}
    body["object"] = {**body["object"], "parent": None}
    assert refused(SchemaViolation, meter(body=body)).pointer == "/body/object/parent"


@pytest.mark.parametrize("number", [1.0, 1.5, 2**53, -1, "1", True])
def test_a_sequence_is_an_integer_and_nothing_that_looks_like_one(number: object) -> None:
    update = MAKER.follow(ACME, "organization.update", {"name": "Beta"}).operation
    with pytest.raises(InvalidInput):
        check(json.dumps({"operation": {**update, "sequence": number}}).encode())


def test_an_operation_of_many_bytes_is_refused() -> None:
    scope = {"maker": ACME.did, "models": ["m" * 199 + str(n % 10) for n in range(100)]}
    grant = MAKER.grant(ACME, "make", METER, scope).operation
    assert len(canonicalize(grant)) < 61_440
    wide = {"maker": ACME.did, "models": ["\U0001f600" * 200 for _ in range(100)]}
    with pytest.raises(InputTooLarge):
        check(canonicalize({"operation": MAKER.grant(ACME, "make", METER, wide).operation}))


def test_a_disclosure_beside_an_operation_without_commitments_is_refused() -> None:
    grant = MAKER.prefix(ACME, "gtin:09506000")
    sent = {"operation": grant.operation, "disclosures": METER_FIRST.disclosures}
    with pytest.raises(InvalidDisclosure):
        check(canonicalize(sent))


@given(st.data())
def test_a_submission_with_any_byte_changed_is_another_or_none(data: st.DataObject) -> None:
    """Whatever is accepted still has the signed hash: a change can only be one of spelling."""
    received = bytearray(METER_FIRST.submission)
    place = data.draw(st.integers(0, len(received) - 1))
    received[place] = data.draw(st.integers(0, 255))
    with suppress(TetradError):
        assert check(bytes(received)).hash == METER_FIRST.hash


@given(st.one_of(st.binary(), st.text().map(str.encode)))
def test_hostile_bytes_raise_only_errors_of_ours(received: bytes) -> None:
    with pytest.raises(TetradError):
        check(received)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.data())
def test_any_member_replaced_by_any_json_raises_only_errors_of_ours(data: st.DataObject) -> None:
    operation = meter()
    target: Any = operation
    while isinstance(target, dict | list) and target:
        names = list(target) if isinstance(target, dict) else list(range(len(target)))
        name = data.draw(st.sampled_from(names))
        if not isinstance(target[name], dict | list) or data.draw(st.booleans()):
            target[name] = data.draw(JSON)
            break
        target = target[name]
    sent = json.dumps({"operation": operation, "disclosures": METER_FIRST.disclosures}).encode()
    with suppress(TetradError):
        check(sent)
