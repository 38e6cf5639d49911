"""UUIDs (RFC 9562), written as URNs.

A UUID has no structure that anyone delegates, so its only prefixes are the whole namespace and the
UUID itself.

An OID right below 2.25 is a UUID as one whole number (X.667, 7), and read as it.

    >>> canonical("uuid", "urn:oid:2.25.329800735698586629295641978511506172918")
    'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
    >>> canonical("uuid", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6")
    'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
"""

from __future__ import annotations

import re
from uuid import NAMESPACE_OID, UUID, uuid5

from identity.errors import MalformedCode
from resolver.schemes.scheme import Samples, Scheme, Segments, malformed_prefix

_UUID = re.compile(
    "(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE
).fullmatch
_BRACED = re.compile(r"\{(.*)\}").fullmatch
_BARE = re.compile("[0-9A-Fa-f]{32}").fullmatch
_OID = re.compile(r"(?:urn:oid:|oid:)?(2\.25\.(?:0|[1-9][0-9]*))", re.IGNORECASE).fullmatch
_CANONICAL = re.compile("urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
# RFC 9562, 5.9 and 5.10
_RESERVED = frozenset(
    {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"}
)


def _uuid(text: str) -> str | None:
    if oid := _OID(text):
        return of_oid(oid[1])
    braced = _BRACED(text)
    match = _UUID(braced[1] if braced else text)
    return _checked(match[1].lower()) if match else None


def _named(text: str) -> str | None:
    """Without hyphens too: 32 bare digits might be the EID of a card, unless a UUID is named."""
    return _checked(str(UUID(text))) if _BARE(text) else _uuid(text)


def of_oid(arcs: str) -> str | None:
    """The UUID that an OID right below 2.25 is; None for any other OID. MalformedCode."""
    root, _, number = arcs.rpartition(".")
    if root != "2.25" or (len(number) > 1 and number[0] == "0"):
        return None
    if len(number) > 39 or int(number) >> 128:
        raise MalformedCode(
            "below 2.25 the arc is a UUID, of 128 bits", hint="read it again", scheme="uuid"
        )
    return _checked(str(UUID(int=int(number))))


def _checked(digits: str) -> str:
    if digits in _RESERVED:
        raise MalformedCode(
            "the nil and the max UUID name nothing", hint="generate one", scheme="uuid"
        )
    return f"urn:uuid:{digits}"


def _prefix(prefix: str) -> Segments:
    if not _CANONICAL(prefix):
        raise malformed_prefix("uuid", prefix, "a UUID has no prefixes: leave it empty for all")
    return ("uuid", prefix.removeprefix("urn:uuid:"))


SCHEMES = (
    Scheme(
        name="uuid",
        title="UUID (RFC 9562)",
        example="urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        check="neither nil nor max",
        canonical="urn:uuid: and lower case",
        starts="0123456789abcdefABCDEFuUoO{",
        recognize=_uuid,
        named=_named,
        segments=lambda value: ("uuid", value.removeprefix("urn:uuid:")),
        prefix=_prefix,
        namespace="uuid",
        minimal_depth=1,
        samples=Samples("", lambda n: uuid5(NAMESPACE_OID, str(n)).urn),
    ),
)
