"""A verifiable random function: a keyed hash whose holder can prove that it is the right one.

ECVRF-EDWARDS25519-SHA512-TAI, suite 0x03 of RFC 9381. Only the holder of the secret can compute
`beta`, the output for an input `alpha`; whoever is shown the proof checks it with the public key.
Under a key that passes `check_public` there is one `beta` for each `alpha`, even where the key was
made by a cheat (RFC 9381, sections 3.2 and 5.4.5).

    >>> key = VrfKey(bytes(32))
    >>> proof = key.prove(b"alpha")                       # 80 bytes
    >>> verify(key.public, b"alpha", proof) == key.evaluate(b"alpha")
    True

Two rules are stricter than the RFC's, and never met by an honest prover: the key and Gamma lie in
the group of prime order (so that a proof has no second form that differs by a small point), and
neither c nor s is zero. The arithmetic is libsodium's, in constant time but for the search for a
point, whose time depends on alpha alone and not on the key (section 7.9).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha512
from typing import Final

import nacl.bindings as sodium
import nacl.exceptions

from identity.errors import InvalidKey, InvalidVrfProof

PROOF_BYTES: Final = 80
"""Gamma (32), c (16), s (32): section 5.5, ptLen + cLen + qLen."""

_SUITE: Final = b"\x03"
_TO_CURVE, _CHALLENGE, _TO_HASH, _BACK = b"\x01", b"\x02", b"\x03", b"\x00"
_GROUP_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_FIELD_PRIME: Final = 2**255 - 19
_IDENTITY: Final = b"\x01" + bytes(31)
_EIGHT: Final = b"\x08" + bytes(31)


class VrfKey:
    """The secret of the function. It shows its public half only."""

    __slots__ = ("_nonce_key", "_scalar", "_scalar_times_cofactor", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise InvalidKey("the seed of a VRF key has 32 bytes")
        hashed = sha512(seed).digest()
        clamped = bytes([hashed[0] & 248, *hashed[1:31], hashed[31] & 63 | 64])
        # Every point that it multiplies has the order L, so it may as well be reduced.
        self._scalar = sodium.crypto_core_ed25519_scalar_reduce(clamped + bytes(32))
        self._scalar_times_cofactor = sodium.crypto_core_ed25519_scalar_mul(self._scalar, _EIGHT)
        self._nonce_key = hashed[32:]
        self.public: bytes = sodium.crypto_scalarmult_ed25519_base_noclamp(self._scalar)
        """32 bytes, as for Ed25519 (section 5.5)."""

    def __repr__(self) -> str:
        return f"VrfKey(public {self.public.hex()})"

    def __reduce__(self) -> str:
        raise TypeError("a VRF key does not leave the process")

    def evaluate(self, alpha: bytes) -> bytes:
        """`beta`, 64 bytes: what `verify` returns, for half the cost of a proof."""
        point = _encode_to_curve(self.public, alpha)
        # cofactor * (x * H) as (cofactor * x) * H
        return _hash_point(
            sodium.crypto_scalarmult_ed25519_noclamp(self._scalar_times_cofactor, point)
        )

    def prove(self, alpha: bytes) -> bytes:
        """The proof for an input, 80 bytes, always the same (RFC 9381, section 5.1)."""
        point = _encode_to_curve(self.public, alpha)
        gamma = sodium.crypto_scalarmult_ed25519_noclamp(self._scalar, point)
        # Section 5.4.2.2: the nonce of RFC 8032, over H.
        nonce = sodium.crypto_core_ed25519_scalar_reduce(sha512(self._nonce_key + point).digest())
        c = _challenge(
            self.public,
            point,
            gamma,
            sodium.crypto_scalarmult_ed25519_base_noclamp(nonce),
            sodium.crypto_scalarmult_ed25519_noclamp(nonce, point),
        )
        times = sodium.crypto_core_ed25519_scalar_mul(c + bytes(16), self._scalar)
        return gamma + c + sodium.crypto_core_ed25519_scalar_add(nonce, times)


@lru_cache(maxsize=256)
def check_public(public: bytes) -> None:
    """ECVRF_validate_key (RFC 9381, section 5.4.5). Raises InvalidKey."""
    if len(public) != 32:
        raise InvalidKey(f"a VRF key of {len(public)} bytes, where 32 are expected")
    # On the curve, of the order L, hence neither of small order nor the identity.
    if not (_is_canonical(public) and sodium.crypto_core_ed25519_is_valid_point(public)):
        raise InvalidKey("not a VRF key: off the curve, not canonical, or of small order")


def verify(public: bytes, alpha: bytes, proof: bytes) -> bytes:
    """`beta` (64 bytes) of an input, which the proof shows to be the one under this public key.

    RFC 9381, section 5.3 with validate_key. Raises InvalidKey and InvalidVrfProof.
    """
    check_public(public)
    gamma, c, s = _decode(proof)
    point = _encode_to_curve(public, alpha)
    wide = c + bytes(16)
    try:
        # Each of these refuses points outside of the group of order L, and a zero for a scalar.
        u = sodium.crypto_core_ed25519_sub(
            sodium.crypto_scalarmult_ed25519_base_noclamp(s),
            sodium.crypto_scalarmult_ed25519_noclamp(wide, public),
        )
        v = sodium.crypto_core_ed25519_sub(
            sodium.crypto_scalarmult_ed25519_noclamp(s, point),
            sodium.crypto_scalarmult_ed25519_noclamp(wide, gamma),
        )
    except nacl.exceptions.RuntimeError:
        raise InvalidVrfProof("a VRF proof with a point or a number that no prover makes") from None
    # Nothing here is secret, so the comparison need not take constant time.
    if _challenge(public, point, gamma, u, v) != c:
        raise InvalidVrfProof("the VRF proof is not one of this key for this value")
    return _hash_point(_times_cofactor(gamma))


def proof_to_hash(proof: bytes) -> bytes:
    """`beta` of a proof that one has made or verified oneself (section 5.2): it checks no more than
    the form. Raises InvalidVrfProof."""
    gamma, _, _ = _decode(proof)
    if not sodium.crypto_core_ed25519_is_valid_point(gamma):
        raise InvalidVrfProof("a VRF proof whose point is not one of the group")
    return _hash_point(_times_cofactor(gamma))


def _decode(proof: bytes) -> tuple[bytes, bytes, bytes]:
    """ECVRF_decode_proof (section 5.4.4); whether Gamma is a point is left to who computes."""
    if len(proof) != PROOF_BYTES:
        raise InvalidVrfProof(
            f"a VRF proof of {len(proof)} bytes, where {PROOF_BYTES} are expected"
        )
    gamma, c, s = proof[:32], proof[32:48], proof[48:]
    if not _is_canonical(gamma):
        raise InvalidVrfProof("a VRF proof whose point is not canonical")
    if int.from_bytes(s, "little") >= _GROUP_ORDER:  # step 8
        raise InvalidVrfProof("a VRF proof whose s is not below the group order")
    return gamma, c, s


def _encode_to_curve(public: bytes, alpha: bytes) -> bytes:
    """H (section 5.4.1.1, try and increment), with the public key as the salt."""
    start = sha512(_SUITE + _TO_CURVE + public + alpha)
    for counter in range(256):
        hashed = start.copy()
        hashed.update(bytes([counter]) + _BACK)
        candidate = hashed.digest()[:32]
        if not _is_canonical(candidate):
            continue
        try:
            point = _times_cofactor(candidate)
        except nacl.exceptions.RuntimeError:  # not on the curve: every other time
            continue
        if point != _IDENTITY:
            return point
    raise InvalidVrfProof("no point for this value; it would be the first in 2^256")


def _times_cofactor(point: bytes) -> bytes:
    """8 * point, for any point of the curve. Raises nacl's RuntimeError for none."""
    for _ in range(3):
        point = sodium.crypto_core_ed25519_add(point, point)
    return point


def _challenge(*points: bytes) -> bytes:
    """c, 16 bytes, over Y, H, Gamma, U, V (section 5.4.3)."""
    return sha512(b"".join((_SUITE, _CHALLENGE, *points, _BACK))).digest()[:16]


def _hash_point(cofactor_times_gamma: bytes) -> bytes:
    """Steps 5 to 7 of section 5.2."""
    return sha512(_SUITE + _TO_HASH + cofactor_times_gamma + _BACK).digest()


def _is_canonical(point: bytes) -> bool:
    """y below the field's prime (RFC 8032, section 5.1.3 step 1). The other two spellings, x = 0
    with the sign bit, are of small order and fall where those do."""
    return int.from_bytes(point, "little") & (1 << 255) - 1 < _FIELD_PRIME
