"""Keys as Multikeys, and the one rule by which every auditor accepts or refuses a signature.

Ed25519 (RFC 8032): cofactorless verification; S below the group order L; the public key A and the
point R canonically encoded, on the curve and not of small order. ECDSA (P-256 with SHA-256, P-384
with SHA-384; FIPS 186-5): raw r‖s, each in 1..n-1, s at most n/2. Others accept more than that:
under a small-order key any message verifies, and (r, n - s) is a second signature for (r, s). The
reasons and the measurements are in specs/adr/. A signature never identifies anything.

The algorithm belongs to the key. No function here takes it from a message.

    >>> key = private_key("Ed25519", bytes(32))
    >>> key.public.multikey
    'z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp'
    >>> key.public.verify(key.sign(b"ping"), b"ping")
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import nacl.bindings
import nacl.exceptions
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.errors import ForgedProof, InvalidKey, MalformedInput
from identity.multibase import multibase_decode, multibase_encode, multihash

ED25519 = "Ed25519"
P256 = "P-256"
P384 = "P-384"


class _Curve(NamedTuple):
    curve: ec.EllipticCurve
    hash: hashes.HashAlgorithm
    width: int  # bytes of a coordinate, and of r and of s
    order: int


_CURVES = {
    P256: _Curve(
        ec.SECP256R1(),
        hashes.SHA256(),
        32,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    ),
    P384: _Curve(
        ec.SECP384R1(),
        hashes.SHA384(),
        48,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    ),
}

# Multicodec prefixes (unsigned varints) of public keys, and the bytes that follow them.
_CODECS = {ED25519: b"\xed\x01", P256: b"\x80\x24", P384: b"\x81\x24"}
_WIDTHS = {ED25519: 32, P256: 33, P384: 49}
_LONGEST = 80  # characters; a P-384 Multikey has about 71

_FIELD_PRIME = 2**255 - 19
_SIGN_BIT = 1 << 255
_GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
_BASE_POINT = (4 * pow(5, -1, _FIELD_PRIME) % _FIELD_PRIME).to_bytes(32, "little")

# y of the points of order 4, 1, 2 and 8; a test derives all eight points from the group law.
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_Y = frozenset({0, 1, _FIELD_PRIME - 1, _ORDER_8, _FIELD_PRIME - _ORDER_8})


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A verification key that has passed every check. Made by `public_key` or `public_key_of`."""

    algorithm: str
    """`Ed25519`, `P-256` or `P-384`."""
    raw: bytes = field(repr=False)
    """32 bytes for Ed25519; the compressed point (33 or 49 bytes) for ECDSA."""
    multikey: str
    """W3C Multikey: base58btc multibase of multicodec prefix and raw key."""
    _point: ec.EllipticCurvePublicKey | None = field(repr=False, compare=False)

    @property
    def thumbprint(self) -> str:
        """Multihash of the ASCII Multikey string; the fragment of its DID URLs."""
        return thumbprint(self.multikey)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check one signature (64 bytes; 96 for P-384). Raises `ForgedProof`."""
        if self._point is None:
            _verify_ed25519(self.raw, signature, message)
        else:
            _verify_ecdsa(_CURVES[self.algorithm], self._point, signature, message)


@lru_cache(maxsize=16_384)
def public_key(multikey: str) -> PublicKey:
    """The key behind a Multikey string. Raises `InvalidKey`; what it returns is cached."""
    key = signing_key(multikey)
    if key.algorithm == ED25519:
        _check_ed25519_curve(key.raw)
    return key


@lru_cache(maxsize=16_384)
def signing_key(multikey: str) -> PublicKey:
    """As `public_key`, for a key of which a signature is about to be verified.

    Whether an Ed25519 key lies on the curve is left to that: nothing verifies under one that does
    not, and finding out twice costs half a verification. Raises `InvalidKey`.
    """
    if len(multikey) > _LONGEST:
        raise InvalidKey(f"a Multikey of {len(multikey)} characters")
    try:
        data = multibase_decode(multikey)
    except MalformedInput as refusal:
        raise InvalidKey(f"not a Multikey: {refusal.detail}") from None
    for algorithm, codec in _CODECS.items():
        if data.startswith(codec):
            return _checked(algorithm, data[len(codec) :], multikey)
    raise InvalidKey(
        "a Multikey of a type that is not supported",
        hint="Ed25519 starts with z6Mk, P-256 with zDn, P-384 with z82",
    )


@lru_cache(maxsize=16_384)
def thumbprint(multikey: str) -> str:
    """The thumbprint of a Multikey string, whether or not a good key is behind it: for where the
    key has been checked before, since finding out anew whether a point is on the curve costs half
    a signature's verification."""
    return multihash(multikey.encode("ascii"))


def kind_of(algorithm: str) -> str:
    """`post-quantum` for ML-DSA, else `classical`: who has keys of both kinds signs with both."""
    return "post-quantum" if algorithm.startswith("ML-DSA") else "classical"


def public_key_of(algorithm: str, raw: bytes) -> PublicKey:
    """The key with these raw bytes (for ECDSA the compressed point). Raises `InvalidKey`."""
    if algorithm not in _CODECS:
        raise InvalidKey(f"unknown algorithm {algorithm[:32]!r}")
    return public_key(multibase_encode(_CODECS[algorithm] + raw))


def _checked(algorithm: str, raw: bytes, multikey: str) -> PublicKey:
    if len(raw) != _WIDTHS[algorithm]:
        raise InvalidKey(f"a key of {len(raw)} bytes, where {algorithm} has {_WIDTHS[algorithm]}")
    point = None
    if algorithm == ED25519:
        _check_ed25519_point(raw)
    else:
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[algorithm].curve, raw)
        except ValueError:
            raise InvalidKey(f"not a compressed point of {algorithm}") from None
    return PublicKey(algorithm, raw, multikey, point)


def _check_ed25519_point(raw: bytes) -> None:
    """Canonical (RFC 8032, section 5.1.3 step 1) and not of small order."""
    y = int.from_bytes(raw, "little") & (_SIGN_BIT - 1)
    if y >= _FIELD_PRIME:
        raise InvalidKey("an Ed25519 key that is not canonical")
    if y in _SMALL_ORDER_Y:  # with either sign bit, so that x = 0 with sign 1 is refused as well
        raise InvalidKey("an Ed25519 key of small order: any signature would verify under it")


def _check_ed25519_curve(raw: bytes) -> None:
    try:
        nacl.bindings.crypto_core_ed25519_add(raw, _BASE_POINT)  # the cheapest check of the curve
    except nacl.exceptions.RuntimeError:
        raise InvalidKey("an Ed25519 key that is not on the curve") from None


def _verify_ed25519(raw: bytes, signature: bytes, message: bytes) -> None:
    # libsodium keeps the whole rule by itself; the length and S < L are said here once more,
    # because the rule must not depend on how a library was compiled.
    if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= _GROUP_ORDER:
        raise ForgedProof("not an Ed25519 signature: 64 bytes with S below the group order")
    try:
        nacl.bindings.crypto_sign_open(signature + message, raw)
    except nacl.exceptions.BadSignatureError:
        raise ForgedProof("the Ed25519 signature is not one of this key over these bytes") from None


def _verify_ecdsa(
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


class PrivateKey:
    """A signing key. It shows its public half only, in `repr` and everywhere else."""

    __slots__ = ("_scalar", "_secret", "public")

    public: PublicKey

    def __init__(self, algorithm: str, secret: bytes) -> None:
        self._secret = secret
        self._scalar: ec.EllipticCurvePrivateKey | None = None
        if algorithm == ED25519:
            raw, self._secret = nacl.bindings.crypto_sign_seed_keypair(secret)
        else:
            curve = _CURVES[algorithm].curve
            self._scalar = ec.derive_private_key(int.from_bytes(secret, "big"), curve)
            raw = self._scalar.public_key().public_bytes(
                Encoding.X962, PublicFormat.CompressedPoint
            )
        self.public = public_key_of(algorithm, raw)

    def __repr__(self) -> str:
        return f"PrivateKey({self.public.algorithm}, public {self.public.multikey})"

    def __reduce__(self) -> str:
        raise TypeError("a private key leaves the process only through secret()")

    def sign(self, message: bytes) -> bytes:
        """A deterministic signature: Ed25519, or ECDSA by RFC 6979 as r‖s with low s."""
        if self._scalar is None:
            return nacl.bindings.crypto_sign(message, self._secret)[:64]
        rule = _CURVES[self.public.algorithm]
        der = self._scalar.sign(message, ec.ECDSA(rule.hash, deterministic_signing=True))
        r, s = decode_dss_signature(der)
        s = min(s, rule.order - s)
        return r.to_bytes(rule.width, "big") + s.to_bytes(rule.width, "big")

    def secret(self) -> bytes:
        """The seed or scalar that `private_key` takes. Keep it where it cannot be read."""
        return self._secret[: _secret_width(self.public.algorithm)]


def private_key(algorithm: str, secret: bytes) -> PrivateKey:
    """The key with this secret: an Ed25519 seed (32 bytes) or a big-endian scalar (32, or 48 for
    P-384) in 1..n-1. Draw it from the system's generator. Raises `InvalidKey`."""
    if algorithm not in _CODECS:
        raise InvalidKey(f"unknown algorithm {algorithm[:32]!r}", hint="Ed25519, P-256 or P-384")
    if len(secret) != _secret_width(algorithm):
        raise InvalidKey(f"a secret of {_secret_width(algorithm)} bytes was expected")
    if algorithm != ED25519 and not 0 < int.from_bytes(secret, "big") < _CURVES[algorithm].order:
        raise InvalidKey("the secret is not a scalar of the curve", hint="draw another one")
    return PrivateKey(algorithm, secret)


def _secret_width(algorithm: str) -> int:
    return _CURVES[algorithm].width if algorithm in _CURVES else 32


def low_s(algorithm: str, signature: bytes) -> bytes:
    """The one of (r, s) and (r, n - s) that is accepted here; other signatures as they are.

    For credentials of signers who do not normalize s. Nothing may tell signatures apart by it.
    """
    rule = _CURVES.get(algorithm)
    if rule is None or len(signature) != 2 * rule.width:
        return signature
    s = int.from_bytes(signature[rule.width :], "big")
    if not rule.order // 2 < s < rule.order:
        return signature
    return signature[: rule.width] + (rule.order - s).to_bytes(rule.width, "big")
