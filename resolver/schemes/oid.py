"""Object identifiers (X.660), written as `urn:oid:` (RFC 3061).

Leading zeros are refused: two spellings would name one object. China's teaching example
1.2.156.3001.0501.1001.01 has them; the error offers the reading without. The arcs right below 2.25
are UUIDs (X.667) and read as those.

    >>> canonical("oid", "1.2.156.3001.501")
    'urn:oid:1.2.156.3001.501'
"""

from __future__ import annotations

import re

from identity.errors import MalformedCode
from resolver.schemes import samples, uuid_urn
from resolver.schemes.plain_text import MAX_LENGTH
from resolver.schemes.scheme import Code, Samples, Scheme, Segments, malformed_prefix

_SHAPE = re.compile(r"(?:urn:oid:|oid:)?([0-9]+(?:\.[0-9]+)+)", re.IGNORECASE).fullmatch
_ARC = "(?:0|[1-9][0-9]*)"
# X.660, 6.2: below arcs 0 and 1 the second arc is at most 39.
_X660 = re.compile(rf"(?:[01]\.(?:[0-9]|[123][0-9])|2\.{_ARC})(?:\.{_ARC})*").fullmatch
_LEADING_ZERO = re.compile(r"(?<![0-9])0+(?=[0-9])")
_PREFIX = re.compile(rf"[012](?:\.{_ARC})*").fullmatch


def _oid(text: str) -> str | None:
    match = _SHAPE(text)
    if not match:
        return None
    arcs: str = match[1]
    if uuid_urn.of_oid(arcs) is not None:
        return None
    if _X660(arcs):
        return f"urn:oid:{arcs}"
    without = _LEADING_ZERO.sub("", arcs)
    if not _X660(without) or len(without) > MAX_LENGTH - len("urn:oid:"):
        raise MalformedCode(
            "not an OID: the first arc is 0, 1 or 2, below 0 and 1 the second is at most 39, "
            f"and the whole has at most {MAX_LENGTH} characters",
            hint="it looks like 1.2.156.3001.501",
            scheme="oid",
        )
    arc = next(arc for arc in arcs.split(".") if len(arc) > 1 and arc[0] == "0")
    raise MalformedCode(
        f"the arc {arc[:16]} has a leading zero, which X.660 forbids",
        hint=f"if it means the same without leading zeros, write urn:oid:{without}",
        scheme="oid",
    )


def _named(text: str) -> str | Code | None:
    match = _SHAPE(text)
    value = uuid_urn.of_oid(match[1]) if match else None
    return Code("uuid", value) if value is not None else _oid(text)


def _prefix(prefix: str) -> Segments:
    arcs = prefix.split(".")
    if not _PREFIX(prefix) or (len(arcs) > 1 and not _X660(prefix)):
        raise malformed_prefix("oid", prefix, "arcs with dots between, like oid:1.2.156.3001")
    return ("oid", *arcs)


SCHEMES = (
    Scheme(
        name="oid",
        title="Object identifier (X.660)",
        example="urn:oid:1.2.156.3001.501",
        check="none; no leading zeros",
        canonical="urn:oid: and the arcs",
        starts="0123456789uUoO",
        recognize=_oid,
        named=_named,
        segments=lambda value: ("oid", *value.removeprefix("urn:oid:").split(".")),
        prefix=_prefix,
        namespace="oid",
        minimal_depth=5,
        samples=Samples("1.2.156.3001", lambda n: samples.oid("1.2.156.3001", n)),
    ),
)
