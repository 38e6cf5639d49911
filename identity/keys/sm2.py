"""SM2 with SM3 (GB/T 32918.2, GM/T 0003.2; draft-shen-sm2-ecdsa), as the extra `tetrad[sm]`.

A key is a compressed point on the curve, never infinity; a signature is raw r‖s, each in 1..n-1,
with r + s no multiple of n. The user identifier is always `1234567812345678` (GM/T 0009). What is
signed is SM3(Z ‖ message), where Z hashes identifier, curve and key. The arithmetic is gmalg's; all
checks of range are made here, since that library trusts its caller with them (specs/adr/, 61).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import hashes, hmac

from identity.errors import ForgedProof, InvalidKey
from identity.keys.family import Family, Sign, Verify

_IDENTIFIER = b"1234567812345678"
_PRIME = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
# a, b and the base point: what Z hashes between the identifier and the key.
_CURVE = bytes.fromhex(
    "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"
    "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)


def sm3(data: bytes) -> bytes:
    """SM3 (GB/T 32905), 32 bytes."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def _library() -> Any:  # noqa: ANN401 - a module, without types
    try:
        import gmalg
    except ImportError:
        raise InvalidKey(
            "SM2 keys need the extra `sm`, which is not installed",
            hint="pip install 'tetrad[sm]'",
        ) from None
    return gmalg


def uncompressed(raw: bytes) -> bytes:
    """04 ‖ x ‖ y of a compressed point. Raises `InvalidKey` where it is not on the curve."""
    x = int.from_bytes(raw[1:], "big")
    if raw[0] not in (2, 3) or x >= _PRIME:
        raise InvalidKey("not a compressed point of SM2")
    b = int.from_bytes(_CURVE[32:64], "big")
    square = (pow(x, 3, _PRIME) - 3 * x + b) % _PRIME
    y = pow(square, (_PRIME + 1) // 4, _PRIME)  # the prime is 3 modulo 4
    if y * y % _PRIME != square:
        raise InvalidKey("not a compressed point of SM2")
    if y & 1 != raw[0] & 1:
        y = _PRIME - y
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def verifier(raw: bytes) -> Verify:
    """Of a compressed point. Raises `InvalidKey`, also where the extra is not installed."""
    point = uncompressed(raw)
    # Both say that the point is on the curve; only the library's says so of its own arithmetic.
    if not _library().SM2().verify_pk(point):
        raise InvalidKey("not a point of SM2")
    return partial(_verify, point)


def _verify(point: bytes, signature: bytes, message: bytes) -> None:
    if len(signature) != 64:
        raise ForgedProof("an SM2 signature of 64 bytes was expected: r and s")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    # GB/T 32918.2, section 7.1: B1, B2 and B5.
    if not 0 < r < _ORDER or not 0 < s < _ORDER or r + s == _ORDER:
        raise ForgedProof("r or s of the SM2 signature is out of range")
    rule = _library().SM2(uid=_IDENTIFIER, pk=point)
    if rule.verify(message, signature[:32], signature[32:]) is not True:
        raise ForgedProof("the SM2 signature is not one of this key over these bytes")


def signer(secret: bytes) -> tuple[bytes, Sign]:
    """Of a big-endian scalar in 1..n-2 (GB/T 32918.1, section 6.1). Raises `InvalidKey` where the
    extra is not installed."""
    gmalg = _library()
    point = gmalg.SM2().generate_pk(secret)
    return bytes([2 + (point[-1] & 1)]) + point[1:33], partial(_sign, secret, point)


def _sign(secret: bytes, point: bytes, message: bytes) -> bytes:
    z = sm3(len(8 * _IDENTIFIER).to_bytes(2, "big") + _IDENTIFIER + _CURVE + point[1:])
    nonces = _nonces(secret, sm3(z + message))
    # gmalg asks for 256 bits and takes the first number in 1..n-1 that gives a signature.
    rule = _library().SM2(sk=secret, uid=_IDENTIFIER, pk=point, rnd_fn=lambda _bits: next(nonces))
    r, s = rule.sign(message)
    return bytes(r).rjust(32, b"\0") + bytes(s).rjust(32, b"\0")


def _nonces(secret: bytes, digest: bytes) -> Iterator[int]:
    """Candidates for k, by RFC 6979, section 3.2, with HMAC-SM3: nothing is left to a generator."""

    def mac(key: bytes, *parts: bytes) -> bytes:
        code = hmac.HMAC(key, hashes.SM3())
        code.update(b"".join(parts))
        return code.finalize()

    seed = secret + (int.from_bytes(digest, "big") % _ORDER).to_bytes(32, "big")
    value, key = b"\x01" * 32, bytes(32)
    for separator in (b"\x00", b"\x01"):
        key = mac(key, value, separator, seed)
        value = mac(key, value)
    while True:
        value = mac(key, value)
        yield int.from_bytes(value, "big")
        key = mac(key, value, b"\x00")
        value = mac(key, value)


FAMILY = Family(33, 32, verifier, signer, _ORDER - 2)
