"""Keyed hashes: what the genesis may name, what a proof says, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.did import did_key_method
from identity.errors import InvalidKey, InvalidVrfProof, SchemaViolation, TetradError
from identity.multibase import base64url_encode
from registry.checking import check_operation
from registry.state import Changes, MemoryState
from registry.uniqueness import ALGORITHMS, ECVRF, HMAC, Uniqueness, verify_shown, verify_unique
from resolver.schemes import SCHEMES
from tests.factory import RULES, UNIQUE, City, Maker, sign

VRF = Uniqueness.of(ECVRF, bytes(range(32)))
ASKED = ("number", "msisdn-cn-iot", "1440000000001")


def proof_of(*asked: Any) -> bytes:
    assert VRF.prove is not None
    return VRF.prove(*asked)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_hash_has_the_form_of_an_entrys_unique(alg: str) -> None:
    hashed = Uniqueness.of(alg, bytes(32)).hash(*ASKED)
    assert len(hashed) == 43
    assert base64url_encode(bytes(32)) != hashed


def test_a_hash_is_proved_to_who_knows_the_value() -> None:
    assert verify_unique(VRF.member, *ASKED, proof_of(*ASKED)) == VRF.hash(*ASKED)
    for other in (
        ("code", *ASKED[1:]),
        (ASKED[0], "imsi", ASKED[2]),
        (*ASKED[:2], "1440000000002"),
    ):
        with pytest.raises(InvalidVrfProof):
            verify_unique(VRF.member, *other, proof_of(*ASKED))


def test_an_operator_without_a_vrf_proves_nothing() -> None:
    keyed = Uniqueness.of(HMAC, bytes(32))
    assert keyed.prove is None
    with pytest.raises(InvalidVrfProof, match="operator's word"):
        verify_unique(keyed.member, *ASKED, proof_of(*ASKED))


@pytest.mark.parametrize("key", [None, "", "A" * 43, "_" * 43, "!" * 43, 7])
def test_a_proof_under_a_key_that_is_none_is_refused(key: Any) -> None:
    with pytest.raises((InvalidKey, InvalidVrfProof)):
        verify_unique({"alg": ECVRF, "key": key}, *ASKED, proof_of(*ASKED))


def test_the_member_of_an_answer_names_the_states_key() -> None:
    shown: dict[str, Any] = {
        "key": [*ASKED[:2], VRF.hash(*ASKED)],
        "proof": base64url_encode(proof_of(*ASKED)),
    }
    assert verify_shown(VRF.member, *ASKED, shown) == (*ASKED[:2], VRF.hash(*ASKED))
    for wrong in (
        {**shown, "key": [*ASKED[:2], VRF.hash("number", "imsi", "1")]},
        {**shown, "key": ["code", ASKED[1], VRF.hash(*ASKED)]},
        {**shown, "proof": base64url_encode(proof_of("number", "imsi", "1"))},
        {**shown, "proof": shown["proof"] + "="},
        {"key": shown["key"]},
    ):
        with pytest.raises(InvalidVrfProof):
            verify_shown(VRF.member, *ASKED, wrong)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=120),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(JSON | st.fixed_dictionaries({"key": JSON, "proof": JSON}))
def test_any_other_member_raises_our_error(shown: Any) -> None:
    with pytest.raises(InvalidVrfProof):
        verify_shown(VRF.member, *ASKED, shown)


def begun(uniqueness: Any) -> Changes:
    """The genesis with that member, through the checks and the rule book."""
    maker = Maker()
    operation = {**maker.genesis.operation}
    operation["body"] = {**operation["body"], "uniqueness": uniqueness}
    key = maker.authority.key
    operation = sign(operation, (key, did_key_method(key.public.multikey)))
    checked = check_operation(operation, [], SCHEMES, UNIQUE, lambda _: None)
    return RULES.apply(MemoryState(), checked.operation, checked.hash, checked.unique, maker.now)


def test_a_genesis_names_the_function_and_its_key() -> None:
    changes = begun(VRF.member)
    assert changes["registry",]["uniqueness"] == VRF.member  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("uniqueness", "error", "member"),
    [
        ({}, SchemaViolation, "/alg"),
        ({"alg": "sha256"}, SchemaViolation, "/alg"),
        ({"alg": HMAC, "key": VRF.member["key"]}, SchemaViolation, "/key"),
        ({"alg": ECVRF}, SchemaViolation, "/key"),
        ({"alg": ECVRF, "key": "AA"}, SchemaViolation, "/key"),
        ({"alg": ECVRF, "key": base64url_encode((1).to_bytes(32, "little"))}, InvalidKey, "/key"),
        ({"alg": ECVRF, "key": base64url_encode((2).to_bytes(32, "little"))}, InvalidKey, "/key"),
        ({"alg": ECVRF, "key": "A" * 42 + "B"}, InvalidKey, "/key"),
    ],
)
def test_a_genesis_with_another_is_refused(
    uniqueness: Any, error: type[TetradError], member: str
) -> None:
    with pytest.raises(error) as refused:
        begun(uniqueness)
    assert refused.value.pointer == f"/body/uniqueness{member}"


def test_a_value_stays_unique_under_the_vrf() -> None:
    city = City(uniqueness=ECVRF)
    acme = city.organization("Acme")
    city.accept(city.prefix(acme, "gtin:09506000"))
    city.device("M-1", acme, number="1440000000001")
    taken = city.new_device("M-2", acme, number="1440000000001").first
    known = city.new_device("M-3", acme, serial="SN-M-1").first
    assert taken is not None
    assert known is not None
    codes = [getattr(one, "code", "accepted") for one in city.submit(taken, known)]
    assert codes == ["conflict.number", "conflict.object"]
