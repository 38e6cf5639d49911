"""Keys as Multikeys, and the one rule by which every auditor accepts or refuses a signature.

Each family of algorithms has a module of its own, with its rule: Ed25519, ECDSA (P-256, P-384),
ML-DSA (44, 65) and SM2. What libraries accept beyond these rules is refused; the reasons and the
measurements are in specs/adr/. A signature never identifies anything.

The algorithm belongs to the key. No function here takes it from a message. Each algorithm has one
spelling of its keys: base58btc (`z…`) where it is classical, base64url (`u…`) where it is
post-quantum, as W3C's suites say.

    >>> key = private_key("Ed25519", bytes(32))
    >>> key.public.multikey
    'z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp'
    >>> key.public.verify(key.sign(b"ping"), b"ping")
    >>> kind_of("ML-DSA-44")
    'post-quantum'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from identity.errors import InvalidKey, MalformedInput
from identity.keys import ecdsa, ed25519, mldsa, sm2
from identity.keys.ecdsa import low_s as low_s
from identity.keys.family import Family, Verify
from identity.multibase import (
    multibase_decode,
    multibase_encode,
    multibase_url_decode,
    multibase_url_encode,
    multihash,
)

ED25519 = "Ed25519"
P256 = "P-256"
P384 = "P-384"
MLDSA44 = "ML-DSA-44"
MLDSA65 = "ML-DSA-65"
SM2 = "SM2"

Kind = Literal["classical", "post-quantum"]
CLASSICAL: Kind = "classical"
POST_QUANTUM: Kind = "post-quantum"

# Multicodec prefixes (unsigned varints) of public keys: ed25519-pub 0xed, p256-pub 0x1200, p384-pub
# 0x1201, mldsa-44-pub 0x1210, mldsa-65-pub 0x1211, sm2-pub 0x1206 (a compressed point).
_CODECS = {
    ED25519: b"\xed\x01",
    P256: b"\x80\x24",
    P384: b"\x81\x24",
    MLDSA44: b"\x90\x24",
    MLDSA65: b"\x91\x24",
    SM2: b"\x86\x24",
}
_FAMILIES: dict[str, Family] = {
    ED25519: ed25519.FAMILY,
    P256: ecdsa.P256,
    P384: ecdsa.P384,
    MLDSA44: mldsa.MLDSA44,
    MLDSA65: mldsa.MLDSA65,
    SM2: sm2.FAMILY,
}
ALGORITHMS = tuple(_CODECS)
"""Of every key that this code can verify with; the last one needs the extra `tetrad[sm]`."""

_QUANTUM = (MLDSA44, MLDSA65)
_DRAWS = 64  # a random scalar is out of range once in 2^32 draws
_LONGEST = {"z": 80, "u": 2_700}  # characters: P-384 and SM2 have 71 and 50, ML-DSA-65 has 2,607


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A verification key that has passed every check. Made by `public_key` or `public_key_of`."""

    algorithm: str
    """One of `ALGORITHMS`."""
    raw: bytes = field(repr=False)
    """32 bytes for Ed25519; the compressed point (33 or 49 bytes) for ECDSA and SM2; 1,312 or 1,952
    bytes for ML-DSA."""
    multikey: str
    """W3C Multikey: multibase of multicodec prefix and raw key."""
    _verify: Verify = field(repr=False, compare=False)

    @property
    def thumbprint(self) -> str:
        """Multihash of the ASCII Multikey string; the fragment of its DID URLs."""
        return thumbprint(self.multikey)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check one signature (64 bytes; 96 for P-384, 2,420 and 3,309 for ML-DSA-44 and -65).
        Raises `ForgedProof`."""
        self._verify(signature, message)


def kind_of(algorithm: str) -> Kind:
    """Whether an algorithm holds against a quantum computer. Raises `InvalidKey` for one that is
    not known. A party with keys of both kinds signs with one of each."""
    _family(algorithm)
    return POST_QUANTUM if algorithm in _QUANTUM else CLASSICAL


def usable(algorithm: str) -> bool:
    """Whether this installation can sign and verify with it: SM2 needs its extra."""
    try:
        draw_key(algorithm, lambda width: b"\1" * width)
    except InvalidKey:
        return False
    return True


def algorithms_named(text: str) -> tuple[str, ...]:
    """The algorithms of `Ed25519` or of a pair such as `Ed25519+ML-DSA-44`, as people write them:
    one to three. Raises `InvalidKey`."""
    names = tuple(text.split("+"))
    for name in names:
        _family(name)
    if len(names) > 3:
        raise InvalidKey("a subject has at most three keys")
    return names


def kind_of_multikey(multikey: str) -> Kind:
    """The kind of a key that was accepted before: its first letter tells, without decoding it."""
    return POST_QUANTUM if multikey.startswith("u") else CLASSICAL


def one_of_each_kind(multikeys: Iterable[str]) -> list[str]:
    """The first key of each kind among a party's keys in force: those that sign for it."""
    first: dict[Kind, str] = {}
    for multikey in multikeys:
        first.setdefault(kind_of_multikey(multikey), multikey)
    return list(first.values())


@lru_cache(maxsize=16_384)
def public_key(multikey: str) -> PublicKey:
    """The key behind a Multikey string. Raises `InvalidKey`; what it returns is cached."""
    key = signing_key(multikey)
    if key.algorithm == ED25519:
        ed25519.check_curve(key.raw)
    return key


@lru_cache(maxsize=16_384)
def signing_key(multikey: str) -> PublicKey:
    """As `public_key`, for a key of which a signature is about to be verified.

    Whether an Ed25519 key lies on the curve is left to that: nothing verifies under one that does
    not, and finding out twice costs half a verification. Raises `InvalidKey`.
    """
    base = multikey[:1]
    if len(multikey) > _LONGEST.get(base, 80):
        raise InvalidKey(f"a Multikey of {len(multikey)} characters")
    try:
        data = multibase_url_decode(multikey) if base == "u" else multibase_decode(multikey)
    except MalformedInput as refusal:
        raise InvalidKey(f"not a Multikey: {refusal.detail}") from None
    for algorithm, codec in _CODECS.items():
        if data.startswith(codec):
            if (base == "u") != (algorithm in _QUANTUM):
                raise InvalidKey(
                    f"an {algorithm} key in another base than the one of its algorithm",
                    hint="ML-DSA keys are base64url (u), all others base58btc (z)",
                )
            return _checked(algorithm, data[len(codec) :], multikey)
    raise InvalidKey(
        "a Multikey of a type that is not supported",
        hint="Ed25519 starts with z6Mk, P-256 with zDn, P-384 with z82, SM2 with zEPJ, "
        "ML-DSA-44 with ukC, ML-DSA-65 with ukS",
    )


@lru_cache(maxsize=16_384)
def thumbprint(multikey: str) -> str:
    """The thumbprint of a Multikey string, whether or not a good key is behind it: for where the
    key has been checked before, since finding out anew whether a point is on the curve costs half
    a signature's verification."""
    return multihash(multikey.encode("ascii"))


def public_key_of(algorithm: str, raw: bytes) -> PublicKey:
    """The key with these raw bytes (of ECDSA and SM2 the compressed point). Raises `InvalidKey`."""
    encode = multibase_encode if kind_of(algorithm) == CLASSICAL else multibase_url_encode
    return public_key(encode(_CODECS[algorithm] + raw))


def _checked(algorithm: str, raw: bytes, multikey: str) -> PublicKey:
    family = _FAMILIES[algorithm]
    if len(raw) != family.width:
        raise InvalidKey(f"a key of {len(raw)} bytes, where {algorithm} has {family.width}")
    return PublicKey(algorithm, raw, multikey, family.verifier(raw))


class PrivateKey:
    """A signing key. It shows its public half only, in `repr` and everywhere else."""

    __slots__ = ("_secret", "_sign", "public")

    public: PublicKey

    def __init__(self, algorithm: str, secret: bytes) -> None:
        self._secret = secret
        raw, self._sign = _FAMILIES[algorithm].signer(secret)
        self.public = public_key_of(algorithm, raw)

    def __repr__(self) -> str:
        return f"PrivateKey({self.public.algorithm}, public {self.public.multikey})"

    def __reduce__(self) -> str:
        raise TypeError("a private key leaves the process only through secret()")

    def sign(self, message: bytes) -> bytes:
        """A signature that `PublicKey.verify` accepts: a deterministic one (ECDSA and SM2 by RFC
        6979, ECDSA with low s), but for ML-DSA, which signs with fresh randomness (FIPS 204)."""
        return self._sign(message)

    def secret(self) -> bytes:
        """The seed or scalar that `private_key` takes. Keep it where it cannot be read."""
        return self._secret


def private_key(algorithm: str, secret: bytes) -> PrivateKey:
    """The key with this secret: a seed of 32 bytes (Ed25519, ML-DSA) or a big-endian scalar (32
    bytes, 48 for P-384) in 1..n-1, for SM2 1..n-2. `draw_key` makes a new one. Raises
    `InvalidKey`."""
    family = _family(algorithm)
    if len(secret) != family.secret_width:
        raise InvalidKey(f"a secret of {family.secret_width} bytes was expected")
    if not _is_secret(family, secret):
        raise InvalidKey("the secret is not a scalar of the curve", hint="draw another one")
    return PrivateKey(algorithm, secret)


def draw_key(algorithm: str, random: Callable[[int], bytes]) -> PrivateKey:
    """A new key; `random(n)` gives n bytes from a cryptographic generator. Raises `InvalidKey` for
    an unknown algorithm, and for SM2 where its extra is not installed."""
    family = _family(algorithm)
    for _ in range(_DRAWS):
        secret = random(family.secret_width)
        if _is_secret(family, secret):
            return PrivateKey(algorithm, secret)
    raise RuntimeError("the random source gives no usable key")


def _family(algorithm: str) -> Family:
    if algorithm not in _FAMILIES:
        raise InvalidKey(f"unknown algorithm {algorithm[:32]!r}", hint=" or ".join(ALGORITHMS))
    return _FAMILIES[algorithm]


def _is_secret(family: Family, secret: bytes) -> bool:
    return family.largest is None or 0 < int.from_bytes(secret, "big") <= family.largest
