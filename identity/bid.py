"""did:bid, the identifiers of the Xinghuo chain (BIF): read, and made out of a key.

    did:bid:[chain:]<e|z|s><f|s|t><address>

The first letter is the type of the key (Ed25519, SM2, secp256k1), the second the encoding of the
address (base58, base64, Bech32). The address is the last 22 bytes of a hash of the raw key: SHA-256
for Ed25519, SM3 over 04 ‖ x ‖ y for SM2. So it can be told of a key whether a did:bid is its own.
The base58 has an alphabet of its own, in which B and b, and U and u, have changed places.

    >>> parse_bid("did:bid:acsn:efJgt44mNDewKK1VEN454R17cjso3mSG").chain
    'acsn'
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from identity.errors import MalformedInput
from identity.keys import ED25519, SM2, PublicKey, public_key
from identity.keys.sm2 import sm3, uncompressed
from identity.multibase import base58_decode, base58_encode

PATTERN = "did:bid:(?:([A-Za-z0-9]{4}):)?(([zes])([fst])([A-Za-z0-9]{20,40}))"
_SHAPE = re.compile(PATTERN, re.ASCII)
_BITCOIN = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BIF = "123456789AbCDEFGHJKLMNPQRSTuVWXYZaBcdefghijkmnopqrstUvwxyz"
_TO_BITCOIN = str.maketrans(_BIF, _BITCOIN)
_TO_BIF = str.maketrans(_BITCOIN, _BIF)
_BYTES = 22
_LETTERS = {ED25519: "e", SM2: "z"}


class Bid(NamedTuple):
    """The parts of a did:bid."""

    chain: str | None
    """Four characters; the main chain has none."""
    key_type: str
    """e, z or s."""
    encoding: str
    """f, s or t."""
    address: str
    own: str
    """Type, encoding and address, as they stand there."""

    @property
    def raw(self) -> bytes | None:
        """The 22 bytes of the address; None under t, which is not read here."""
        if self.encoding == "f":
            return base58_decode(self.address.translate(_TO_BITCOIN))
        if self.encoding == "s":
            padded = self.address + "=" * (-len(self.address) % 4)
            return base64.b64decode(padded, validate=True)
        return None


def parse_bid(text: str) -> Bid:
    """The parts of a did:bid. Raises `MalformedInput`, also for an address that is not 22 bytes."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise MalformedInput(
            "not a did:bid",
            hint="did:bid:, a chain code if any, e, z or s, then f, s or t, then the address",
        )
    bid = Bid(match[1], match[3], match[4], match[5], match[2])
    try:
        raw = bid.raw
    except (MalformedInput, ValueError):
        raw = b""
    if raw is not None and (len(raw) != _BYTES or _address(raw, bid.encoding) != bid.address):
        raise MalformedInput(
            f"the address is not {_BYTES} bytes in {'base58' if bid.encoding == 'f' else 'base64'}",
            hint="read it again: capitals and small letters differ",
        )
    return bid


def bid_of(multikey: str, chain: str | None = None) -> str:
    """The did:bid of an Ed25519 or SM2 key, in base58. Raises `InvalidKey`, and `MalformedInput`
    for a key of another algorithm."""
    key = public_key(multikey)
    if key.algorithm not in _LETTERS:
        raise MalformedInput(f"did:bid has no {key.algorithm} keys")
    own = f"{_LETTERS[key.algorithm]}f{_address(_hashed(key), 'f')}"
    return f"did:bid:{chain}:{own}" if chain else f"did:bid:{own}"


def is_bid_of(bid: Bid, multikeys: Iterable[str]) -> bool:
    """Whether one of these keys is the one that the identifier was made of. Under Bech32, and of a
    secp256k1 key, nothing can be told, and so never."""
    raw = bid.raw
    keys = map(public_key, multikeys)
    return raw is not None and any(
        _LETTERS.get(key.algorithm) == bid.key_type and _hashed(key) == raw for key in keys
    )


def own_names(names: Sequence[str], multikeys: Sequence[str]) -> list[str]:
    """Names of a subject with these keys, where `did:bid` alone stands for the one that is made of
    its Ed25519 or SM2 key. Raises `MalformedInput` where there is no such key."""
    made = [one for one in multikeys if public_key(one).algorithm in _LETTERS]
    if "did:bid" in names and not made:
        raise MalformedInput("none of the keys is one that did:bid is made of: Ed25519 or SM2")
    return [bid_of(made[0]) if name == "did:bid" else name for name in names]


def _hashed(key: PublicKey) -> bytes:
    if key.algorithm == SM2:
        return sm3(uncompressed(key.raw))[-_BYTES:]
    return sha256(key.raw).digest()[-_BYTES:]


def _address(raw: bytes, encoding: str) -> str:
    if encoding == "f":
        return base58_encode(raw).translate(_TO_BIF)
    return base64.b64encode(raw).rstrip(b"=").decode("ascii")
