"""Handles (RFC 3651), and those of China's industrial internet under `88.` (IDIS).

Servers compare ASCII letters without regard to case, so the canonical form is in lower case. A
handle below an enterprise node of 88. is always scheme `idis`, every other one `handle`, so that
none has two canonical codes. A prefix encloses the prefixes derived from it and their handles:
88.118 holds 88.118.1/x, and 88.118.1 does not hold 88.118.10/x.

    >>> canonical("idis", "88.100.9999/Dev0001")
    '88.100.9999/dev0001'
"""

from __future__ import annotations

import re

from identity.errors import MalformedCode
from resolver.schemes import samples
from resolver.schemes.plain_text import percent_decoded, visible
from resolver.schemes.scheme import Samples, Scheme, Segments, malformed_prefix

# Where a handle is written as a URL, percent-encoding has been added to it (RFC 3986, 2.1).
_AS_URL = re.compile(
    r"(?:https?://(?:hdl\.handle\.net/(?:api/handles/)?|(?:dx\.|www\.)?doi\.org/(?:api/handles/)?)"
    r"|(?:info:)?hdl[:/]|(?:info:)?doi[:/])([^?#]+)(?:[?#].*)?",
    re.IGNORECASE,
).fullmatch
# RFC 3651 allows more in a prefix; every prefix of the Global Handle Registry begins with a number,
# and only such are read, so that codes of other schemes with a slash in them are not swallowed.
_HANDLE = re.compile(r"[0-9]+(?:\.[0-9A-Za-z_-]+)*/[!-~]+").fullmatch
_IDIS = re.compile(r"88\.[0-9]{2,4}\.[0-9]{1,10}(?:\.[0-9]+)*/[!-~]+").fullmatch
_HANDLE_PREFIX = re.compile(r"[0-9]+(?:\.[0-9a-z_-]+)*(?:/[!-@\[-~]+)?").fullmatch
_IDIS_PREFIX = re.compile(
    r"88(?:\.[0-9]{2,4}(?:\.[0-9]{1,10}(?:\.[0-9]+)*(?:/[!-@\[-~]+)?)?)?"
).fullmatch


def _bare(text: str) -> str:
    match = _AS_URL(text)
    return visible(percent_decoded(match[1])) if match else text


def is_link(text: str) -> bool:
    """Whether the text is a URL of a handle proxy."""
    return _AS_URL(text) is not None


def _handle(text: str) -> str | None:
    bare = _bare(text)
    return bare.lower() if _HANDLE(bare) and not _IDIS(bare) else None


def _named_handle(text: str) -> str | None:
    if _IDIS(_bare(text)):
        raise MalformedCode(
            "a handle of the industrial internet (88.)",
            hint="name the scheme idis",
            scheme="handle",
        )
    return _handle(text)


def _idis(text: str) -> str | None:
    bare = _bare(text)
    return bare.lower() if _IDIS(bare) else None


def _segments(value: str) -> Segments:
    """The slash stays with the suffix, which tells it from one more part of the prefix."""
    prefix, slash, suffix = value.partition("/")
    return ("handle", *prefix.split("."), *((slash + suffix,) if slash else ()))


def _handle_prefix(prefix: str) -> Segments:
    if not _HANDLE_PREFIX(prefix):
        raise malformed_prefix("handle", prefix, "parts with dots between, like handle:86.1000.1")
    if re.split("[./]", prefix, maxsplit=1)[0] == "88":
        raise malformed_prefix("handle", prefix, f"write idis:{prefix}")
    return _segments(prefix)


def _idis_prefix(prefix: str) -> Segments:
    if not _IDIS_PREFIX(prefix):
        raise malformed_prefix("idis", prefix, "88.second-level.enterprise, like idis:88.118.1")
    return _segments(prefix)


SCHEMES = (
    Scheme(
        name="idis",
        title="Industrial internet identifier of China (Handle under 88.)",
        example="88.100.9999/dev0001",
        check="none",
        canonical="ASCII letters in lower case; at most 255 characters",
        starts="8hHdDiI",
        recognize=_idis,
        segments=_segments,
        prefix=_idis_prefix,
        namespace="handle",
        minimal_depth=4,
        trust="soft",
        samples=Samples("88.100.9999", lambda n: samples.handle("88.100.9999", n)),
    ),
    Scheme(
        name="handle",
        title="Handle (RFC 3651), 86. and 10. among them",
        example="86.1000.1/sn-1",
        check="none",
        canonical="ASCII letters in lower case; at most 255 characters",
        starts="0123456789hHdDiI",
        recognize=_handle,
        named=_named_handle,
        segments=_segments,
        prefix=_handle_prefix,
        namespace="handle",
        minimal_depth=3,
        samples=Samples("86.1000.1", lambda n: samples.handle("86.1000.1", n)),
    ),
)
