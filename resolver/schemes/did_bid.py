"""did:bid, the identifiers of the Xinghuo chain, as codes for cross-reference.

What they are is in identity/bid.py.
"""

from __future__ import annotations

import re

from identity.bid import PATTERN, parse_bid
from identity.errors import MalformedCode, MalformedInput
from resolver.schemes.scheme import Scheme, Segments, malformed_prefix

_SHAPE = re.compile(PATTERN, re.ASCII).fullmatch
_CHAIN = re.compile("[A-Za-z0-9]{4}").fullmatch


def _bid(text: str) -> str | None:
    if not text.startswith("did:bid:"):
        return None
    try:
        parse_bid(text)
    except MalformedInput as refusal:
        raise MalformedCode(refusal.detail, hint=refusal.hint, scheme="did-bid") from None
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
        check="22 bytes in base58 where the encoding is f, in base64 where it is s",
        canonical="as it is",
        starts="d",
        recognize=_bid,
        segments=_segments,
        prefix=_prefix,
        namespace="did-bid",
        minimal_depth=2,
    ),
)
