"""UUIDs (RFC 9562), written as URNs.

A UUID has no structure that anyone delegates, so its only prefixes are the whole namespace and the
UUID itself.

    >>> canonical("uuid", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6")
    'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
"""

from __future__ import annotations

import re

from identity.errors import MalformedCode
from resolver.schemes.scheme import Scheme, Segments, malformed_prefix

_UUID = re.compile(
    "(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE
).fullmatch
_CANONICAL = re.compile("urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
# RFC 9562, 5.9 and 5.10
_RESERVED = frozenset(
    {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"}
)


def _uuid(text: str) -> str | None:
    match = _UUID(text)
    if not match:
        return None
    digits: str = match[1].lower()
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
        starts="0123456789abcdefABCDEFuU",
        recognize=_uuid,
        segments=lambda value: ("uuid", value.removeprefix("urn:uuid:")),
        prefix=_prefix,
        namespace="uuid",
        minimal_depth=1,
    ),
)
