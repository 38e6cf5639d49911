"""The verifiable random function: RFC 9381's examples, a second implementation, hostile proofs."""

from __future__ import annotations

import pickle
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from identity.errors import InvalidKey, InvalidVrfProof, TetradError
from identity.vrf import PROOF_BYTES, VrfKey, check_public, proof_to_hash, verify
from tests.identity.plain_vrf import ORDER_8, L, P, known, plain_prove, plain_verify

# RFC 9381, Appendix B.3, examples 16 to 18: secret key, public key, alpha, pi, beta.
EXAMPLES = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f47"
        "9d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
        "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d03450451af0"
        "26798e8f81cd2e333de5cdf4f3e140fdd8ae",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92"
        "a465301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
        "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb5e33821bc613efb94db5e5b54c70"
        "a848a0bef4553a41befc57663b56373a5031",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9e"
        "a3c0e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
        "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c452118fec1219202a0edcf038bb637"
        "3241578be7217ba85a2687f7a0310b2df19f",
    ),
]


@pytest.mark.parametrize("texts", EXAMPLES)
def test_the_examples_of_the_rfc(texts: tuple[str, ...]) -> None:
    seed, public, alpha, proof, beta = map(bytes.fromhex, texts)
    key = VrfKey(seed)
    assert key.public == public
    assert key.prove(alpha) == proof
    assert key.evaluate(alpha) == beta
    assert verify(public, alpha, proof) == beta
    assert proof_to_hash(proof) == beta


SEEDS = st.binary(min_size=32, max_size=32)
ALPHAS = st.binary(max_size=100)


@settings(max_examples=10, deadline=None)
@given(SEEDS, ALPHAS)
def test_a_second_implementation_agrees(seed: bytes, alpha: bytes) -> None:
    key = VrfKey(seed)
    beta = plain_verify(key.public, alpha, key.prove(alpha))
    assert key.evaluate(alpha) == beta
    foreign = plain_prove(seed, alpha, nonce=12345)
    assert foreign != key.prove(alpha)
    assert verify(key.public, alpha, foreign) == beta  # another proof, never another output


def test_a_proof_with_a_stray_small_point_is_refused_where_the_rfc_is_not_so_strict() -> None:
    """Its output is the same; but there would be eight proofs where an honest prover makes one."""
    seed, alpha = bytes(32), b"alpha"
    key = VrfKey(seed)
    strays = (plain_prove(seed, alpha, nonce, ORDER_8) for nonce in range(1, 200))
    stray = next(one for one in strays if one[32] % 8 == 0)
    assert plain_verify(key.public, alpha, stray) == key.evaluate(alpha)
    with pytest.raises(InvalidVrfProof):
        verify(key.public, alpha, stray)
    with pytest.raises(InvalidVrfProof):
        proof_to_hash(stray)


@given(SEEDS, ALPHAS)
def test_what_is_proved_verifies(seed: bytes, alpha: bytes) -> None:
    key = VrfKey(seed)
    proof = key.prove(alpha)
    assert len(proof) == PROOF_BYTES
    assert verify(key.public, alpha, proof) == proof_to_hash(proof) == key.evaluate(alpha)


KEY = VrfKey(bytes(32))
PROOF = KEY.prove(b"alpha")


@given(st.integers(0, PROOF_BYTES - 1), st.integers(1, 255))
def test_a_changed_proof_is_refused(place: int, change: int) -> None:
    changed = bytearray(PROOF)
    changed[place] ^= change
    with pytest.raises(InvalidVrfProof):
        verify(KEY.public, b"alpha", bytes(changed))


@given(ALPHAS.filter(lambda alpha: alpha != b"alpha"))
def test_a_proof_is_of_one_value(alpha: bytes) -> None:
    with pytest.raises(InvalidVrfProof):
        verify(KEY.public, alpha, PROOF)


@given(SEEDS.filter(lambda seed: seed != bytes(32)))
def test_a_proof_is_of_one_key(seed: bytes) -> None:
    with pytest.raises(InvalidVrfProof):
        verify(VrfKey(seed).public, b"alpha", PROOF)


SMALL = [ORDER_8.times(n) for n in range(8)]
SMALL_SPELLINGS = [
    *(one.encoded for one in SMALL),
    (1 | 1 << 255).to_bytes(32, "little"),  # x = 0 with the sign bit
    (P - 1 | 1 << 255).to_bytes(32, "little"),
    P.to_bytes(32, "little"),  # y not reduced
    (P + 1).to_bytes(32, "little"),
]


@pytest.mark.parametrize("point", SMALL_SPELLINGS)
def test_a_point_of_small_order_is_neither_key_nor_gamma(point: bytes) -> None:
    with pytest.raises(InvalidKey):
        check_public(point)
    with pytest.raises(InvalidKey):
        verify(point, b"alpha", PROOF)
    for rest in (PROOF[32:], bytes(48)):
        with pytest.raises(InvalidVrfProof):
            verify(KEY.public, b"alpha", point + rest)
        with pytest.raises(InvalidVrfProof):
            proof_to_hash(point + rest)


def test_a_key_with_a_stray_small_point_is_refused() -> None:
    for stray in SMALL[1:]:
        with pytest.raises(InvalidKey):
            check_public((known(KEY.public) + stray).encoded)


HOSTILE = st.one_of(
    st.binary(max_size=100),
    st.binary(min_size=PROOF_BYTES, max_size=PROOF_BYTES),
    st.sampled_from([KEY.public, *SMALL_SPELLINGS]).flatmap(
        lambda point: st.binary(min_size=48, max_size=48).map(lambda rest: point + rest)
    ),
)


@given(st.one_of(SEEDS, st.binary(max_size=40), st.just(KEY.public)), ALPHAS, HOSTILE)
@example(KEY.public, b"alpha", PROOF[:32] + bytes(48))
@example(KEY.public, b"alpha", PROOF[:48] + bytes(32))
@example(KEY.public, b"alpha", PROOF[:48] + L.to_bytes(32, "little"))
def test_hostile_input_raises_our_errors_alone(public: bytes, alpha: bytes, proof: bytes) -> None:
    with pytest.raises(TetradError):
        verify(public, alpha, proof)


@given(HOSTILE)
def test_a_hostile_proof_has_a_hash_or_our_error(proof: bytes) -> None:
    with suppress(InvalidVrfProof):
        assert len(proof_to_hash(proof)) == 64


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_has_32_bytes(size: int) -> None:
    with pytest.raises(InvalidKey):
        VrfKey(bytes(size))


def test_a_key_shows_its_public_half_only() -> None:
    key = VrfKey(bytes(range(32)))
    assert repr(key) == f"VrfKey(public {key.public.hex()})"
    with pytest.raises(TypeError):
        pickle.dumps(key)
