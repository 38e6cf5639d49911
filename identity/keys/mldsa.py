"""ML-DSA-44 and ML-DSA-65 (FIPS 204): pure, with an empty context, over the message itself.

A key is any string of its length: FIPS 204 knows no bad ones. A signature has one encoding, which
the library checks (section 7.2); signing is hedged, so that two signatures of one message differ.
A key's secret is the seed of 32 bytes from which both halves are made (specs/adr/, 60).
"""

from __future__ import annotations

from functools import partial

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa as library

from identity.errors import ForgedProof
from identity.keys.family import Family, Sign, Verify

_Public = type[library.MLDSA44PublicKey] | type[library.MLDSA65PublicKey]
_Private = type[library.MLDSA44PrivateKey] | type[library.MLDSA65PrivateKey]


def verifier(public: _Public, width: int, raw: bytes) -> Verify:
    """Of 1,312 or 1,952 bytes."""
    return partial(_verify, public.from_public_bytes(raw), width)


def _verify(
    key: library.MLDSA44PublicKey | library.MLDSA65PublicKey,
    width: int,
    signature: bytes,
    message: bytes,
) -> None:
    if len(signature) != width:
        raise ForgedProof(f"an ML-DSA signature of {width} bytes was expected")
    try:
        key.verify(signature, message)
    except InvalidSignature:
        raise ForgedProof("the ML-DSA signature is not one of this key over these bytes") from None


def signer(private: _Private, secret: bytes) -> tuple[bytes, Sign]:
    """Of a seed of 32 bytes."""
    key = private.from_seed_bytes(secret)
    return key.public_key().public_bytes_raw(), key.sign


MLDSA44 = Family(
    1312,
    32,
    partial(verifier, library.MLDSA44PublicKey, 2420),
    partial(signer, library.MLDSA44PrivateKey),
)
MLDSA65 = Family(
    1952,
    32,
    partial(verifier, library.MLDSA65PublicKey, 3309),
    partial(signer, library.MLDSA65PrivateKey),
)
