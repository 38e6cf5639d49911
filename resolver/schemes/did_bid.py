"""did:bid, the identifiers of the Xinghuo chain, as codes for cross-reference.

`did:bid:[chain:]` then the key type (e, z, s), the encoding (f, s, t) and the address. Under f the
address is 22 bytes in base58, with an alphabet of its own.
"""

from __future__ import annotations

import re

from identity.errors import MalformedCode
from resolver.schemes.scheme import Scheme, Segments, malformed_prefix

_SHAPE = re.compile("did:bid:(?:([A-Za-z0-9]{4}):)?(([zes])([fst])([A-Za-z0-9]{20,40}))").fullmatch
_CHAIN = re.compile("[A-Za-z0-9]{4}").fullmatch
# Base58 with B and b, and U and u, changed about (BIF, BID 2.0).
_ALPHABET = "123456789AbCDEFGHJKLMNPQRSTuVWXYZaBcdefghijkmnopqrstUvwxyz"
_ADDRESS_BYTES = 22


def _base58_length(text: str) -> int:
    """How many bytes the text decodes to; -1 if it is not in the alphabet."""
    number = 0
    for character in text:
        digit = _ALPHABET.find(character)
        if digit < 0:
            return -1
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    return zeros + (number.bit_length() + 7) // 8


def _bid(text: str) -> str | None:
    if not text.startswith("did:bid:"):
        return None
    match = _SHAPE(text)
    if not match:
        raise MalformedCode(
            "not a did:bid",
            hint="did:bid:, a chain code if any, e, z or s, then f, s or t, then the address",
            scheme="did-bid",
        )
    if match[4] == "f" and _base58_length(match[5]) != _ADDRESS_BYTES:
        raise MalformedCode(
            f"the address is not {_ADDRESS_BYTES} bytes in base58",
            hint="read it again: capitals and small letters differ",
            scheme="did-bid",
        )
    return text


def _segments(value: str) -> Segments:
    match = _SHAPE(value)
    if match is None:
        raise MalformedCode("not a did:bid", scheme="did-bid")
    return ("did-bid", *((match[1],) if match[1] else ()), f":{match[2]}")


def _prefix(prefix: str) -> Segments:
    if not _CHAIN(prefix):
        raise malformed_prefix("did-bid", prefix, "the four characters of a chain code")
    return ("did-bid", prefix)


SCHEMES = (
    Scheme(
        name="did-bid",
        title="did:bid (Xinghuo BIF)",
        example="did:bid:efJgt44mNDewKK1VEN454R17cjso3mSG",
        check="22 bytes in base58 where the encoding is f",
        canonical="as it is",
        starts="d",
        recognize=_bid,
        segments=_segments,
        prefix=_prefix,
        namespace="did-bid",
        minimal_depth=2,
    ),
)
