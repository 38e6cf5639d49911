"""ECDSA (FIPS 186-5) over P-256 with SHA-256 and P-384 with SHA-384, strictly.

A key is a compressed point on its curve; a signature is raw r‖s, each in 1..n-1, s at most n/2,
since (r, n - s) is a second signature for (r, s) (specs/adr/, 20).
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.errors import ForgedProof, InvalidKey
from identity.keys.family import Family, Sign, Verify


class _Curve(NamedTuple):
    name: str
    curve: ec.EllipticCurve
    hash: hashes.HashAlgorithm
    width: int  # bytes of a coordinate, and of r and of s
    order: int


_P256 = _Curve(
    "P-256",
    ec.SECP256R1(),
    hashes.SHA256(),
    32,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
)
_P384 = _Curve(
    "P-384",
    ec.SECP384R1(),
    hashes.SHA384(),
    48,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
)


def verifier(rule: _Curve, raw: bytes) -> Verify:
    """Of a compressed point. Raises `InvalidKey`."""
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(rule.curve, raw)
    except ValueError:
        raise InvalidKey(f"not a compressed point of {rule.name}") from None
    return partial(_verify, rule, point)


def _verify(
    rule: _Curve, point: ec.EllipticCurvePublicKey, signature: bytes, message: bytes
) -> None:
    if len(signature) != 2 * rule.width:
        raise ForgedProof(f"an ECDSA signature of {2 * rule.width} bytes was expected: r and s")
    r = int.from_bytes(signature[: rule.width], "big")
    s = int.from_bytes(signature[rule.width :], "big")
    if not 0 < r < rule.order or not 0 < s <= rule.order // 2:
        raise ForgedProof(
            "r or s of the ECDSA signature is out of range",
            hint="sign with low s: replace s by n - s where s is above n/2",
        )
    try:
        point.verify(encode_dss_signature(r, s), message, ec.ECDSA(rule.hash))
    except InvalidSignature:
        raise ForgedProof("the ECDSA signature is not one of this key over these bytes") from None


def signer(rule: _Curve, secret: bytes) -> tuple[bytes, Sign]:
    """Of a big-endian scalar in 1..n-1; signs by RFC 6979."""
    scalar = ec.derive_private_key(int.from_bytes(secret, "big"), rule.curve)
    raw = scalar.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return raw, partial(_sign, rule, scalar)


def _sign(rule: _Curve, scalar: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    der = scalar.sign(message, ec.ECDSA(rule.hash, deterministic_signing=True))
    r, s = decode_dss_signature(der)
    s = min(s, rule.order - s)
    return r.to_bytes(rule.width, "big") + s.to_bytes(rule.width, "big")


P256 = Family(33, 32, partial(verifier, _P256), partial(signer, _P256), _P256.order - 1)
P384 = Family(49, 48, partial(verifier, _P384), partial(signer, _P384), _P384.order - 1)


def low_s(algorithm: str, signature: bytes) -> bytes:
    """The one of (r, s) and (r, n - s) that `verify` takes; whatever is no such signature, and any
    of another algorithm, as it is.

    For other people's forms, which allow both: credentials, JWS, certificates. Nothing may tell
    signatures apart by it.
    """
    rule = {_P256.name: _P256, _P384.name: _P384}.get(algorithm)
    if rule is None or len(signature) != 2 * rule.width:
        return signature
    s = int.from_bytes(signature[rule.width :], "big")
    if not rule.order // 2 < s < rule.order:
        return signature
    return signature[: rule.width] + (rule.order - s).to_bytes(rule.width, "big")
