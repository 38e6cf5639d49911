"""Ed25519 (RFC 8032), strictly: cofactorless verification; S below the group order L; the public
key A and the point R canonically encoded, on the curve and not of small order.

Under a small-order key any message verifies, and libraries differ about it (specs/adr/, 20, 21).
"""

from __future__ import annotations

from functools import partial

import nacl.bindings
import nacl.exceptions

from identity.errors import ForgedProof, InvalidKey
from identity.keys.family import Family, Sign, Verify

_FIELD_PRIME = 2**255 - 19
_SIGN_BIT = 1 << 255
_GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
_BASE_POINT = (4 * pow(5, -1, _FIELD_PRIME) % _FIELD_PRIME).to_bytes(32, "little")

# y of the points of order 4, 1, 2 and 8; a test derives all eight points from the group law.
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_Y = frozenset({0, 1, _FIELD_PRIME - 1, _ORDER_8, _FIELD_PRIME - _ORDER_8})


def verifier(raw: bytes) -> Verify:
    """Canonical (RFC 8032, section 5.1.3 step 1) and not of small order, else `InvalidKey`."""
    y = int.from_bytes(raw, "little") & (_SIGN_BIT - 1)
    if y >= _FIELD_PRIME:
        raise InvalidKey("an Ed25519 key that is not canonical")
    if y in _SMALL_ORDER_Y:  # with either sign bit, so that x = 0 with sign 1 is refused as well
        raise InvalidKey("an Ed25519 key of small order: any signature would verify under it")
    return partial(_verify, raw)


def check_curve(raw: bytes) -> None:
    """Raises `InvalidKey` for a key that is not a point of the curve."""
    try:
        nacl.bindings.crypto_core_ed25519_add(raw, _BASE_POINT)  # the cheapest check of the curve
    except nacl.exceptions.RuntimeError:
        raise InvalidKey("an Ed25519 key that is not on the curve") from None


def _verify(raw: bytes, signature: bytes, message: bytes) -> None:
    # libsodium keeps the whole rule by itself; the length and S < L are said here once more,
    # because the rule must not depend on how a library was compiled.
    if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= _GROUP_ORDER:
        raise ForgedProof("not an Ed25519 signature: 64 bytes with S below the group order")
    try:
        nacl.bindings.crypto_sign_open(signature + message, raw)
    except nacl.exceptions.BadSignatureError:
        raise ForgedProof("the Ed25519 signature is not one of this key over these bytes") from None


def signer(secret: bytes) -> tuple[bytes, Sign]:
    """Of a seed."""
    raw, expanded = nacl.bindings.crypto_sign_seed_keypair(secret)
    return raw, lambda message: nacl.bindings.crypto_sign(message, expanded)[:64]


FAMILY = Family(32, 32, verifier, signer)
