"""Keys as JSON Web Keys (RFC 7517), for the proofs that other people's HTTP clients make.

    >>> from identity.keys import private_key
    >>> key = private_key("Ed25519", bytes(32)).public
    >>> jwk_of(key)
    {'kty': 'OKP', 'crv': 'Ed25519', 'x': 'O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik'}
    >>> read_jwk(jwk_of(key)) == key
    True

RFC 8037 has the form of Ed25519 keys, RFC 7518 (section 6.2) that of the curves of NIST, the draft
draft-ietf-cose-dilithium that of ML-DSA. There is none for SM2. A key that is read passes every
check of `identity.keys`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from identity.errors import InvalidKey, MalformedInput
from identity.keys import ED25519, MLDSA44, MLDSA65, P256, P384, PublicKey, public_key_of
from identity.multibase import base64url_decode, base64url_encode

JWS_ALGORITHMS = {
    ED25519: ("EdDSA", "Ed25519"),
    P256: ("ES256",),
    P384: ("ES384",),
    MLDSA44: (MLDSA44,),
    MLDSA65: (MLDSA65,),
}
"""What a JWS calls the algorithm of a key (RFC 7518, RFC 8037, RFC 9864); the first is written."""

_CURVES: dict[str, ec.EllipticCurve] = {P256: ec.SECP256R1(), P384: ec.SECP384R1()}
_WIDTHS = {ED25519: 32, P256: 32, P384: 48, MLDSA44: 1_312, MLDSA65: 1_952}
_QUANTUM = (MLDSA44, MLDSA65)
_LONGEST = 4 * _WIDTHS[MLDSA65] // 3 + 4
_PRIVATE = ("d", "p", "q", "k", "oth", "priv")


def jwk_of(key: PublicKey) -> dict[str, str]:
    """The members that a thumbprint covers, and no other. Raises InvalidKey for an algorithm that
    has no JWK here."""
    if key.algorithm == ED25519:
        return {"kty": "OKP", "crv": ED25519, "x": base64url_encode(key.raw)}
    if key.algorithm in _QUANTUM:
        return {"kty": "AKP", "alg": key.algorithm, "pub": base64url_encode(key.raw)}
    if key.algorithm not in _CURVES:
        raise InvalidKey(f"no JSON Web Key is written of a key of {key.algorithm}")
    point = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[key.algorithm], key.raw)
    numbers, width = point.public_numbers(), _WIDTHS[key.algorithm]
    x, y = (base64url_encode(number.to_bytes(width)) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": key.algorithm, "x": x, "y": y}


def read_jwk(value: object) -> PublicKey:
    """A public key. Raises InvalidKey, also for a private one: it should never have been sent."""
    if not isinstance(value, Mapping):
        raise InvalidKey("a JSON Web Key is an object")
    if any(member in value for member in _PRIVATE):
        raise InvalidKey("a JSON Web Key with private members", hint="send the public half alone")
    curve = value.get("crv")
    if value.get("kty") == "OKP" and curve == ED25519:
        return public_key_of(ED25519, _bytes(value, "x", 32))
    algorithm = value.get("alg")
    if value.get("kty") == "AKP" and isinstance(algorithm, str) and algorithm in _QUANTUM:
        return public_key_of(algorithm, _bytes(value, "pub", _WIDTHS[algorithm]))
    if value.get("kty") != "EC" or not isinstance(curve, str) or curve not in _CURVES:
        raise InvalidKey("a JSON Web Key of a type that is not supported")
    x, y = (_bytes(value, member, _WIDTHS[curve]) for member in ("x", "y"))
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve], b"\x04" + x + y)
    except ValueError:
        raise InvalidKey(f"not a point of {curve}") from None
    return public_key_of(curve, bytes([2 + (y[-1] & 1)]) + x)


def jwk_thumbprint(key: PublicKey) -> str:
    """The SHA-256 thumbprint of a key (RFC 7638), base64url: `jkt` in RFC 9449."""
    text = json.dumps(jwk_of(key), sort_keys=True, separators=(",", ":"))
    return base64url_encode(sha256(text.encode()).digest())


def _bytes(value: Mapping[str, Any], member: str, width: int) -> bytes:
    text = value.get(member)
    try:
        data = base64url_decode(text) if isinstance(text, str) and len(text) < _LONGEST else b""
    except MalformedInput as refusal:
        raise InvalidKey(f"`{member}` of a JSON Web Key: {refusal.detail}") from None
    if len(data) != width:
        raise InvalidKey(f"`{member}` of this JSON Web Key has {width} bytes, in base64url")
    return data
