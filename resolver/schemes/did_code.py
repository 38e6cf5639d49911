"""DIDs of any method as codes, for cross-reference.

A DID of a ledger like this one is the identity of a device and never a code for it: it is resolved
as a DID. did:bid has a scheme of its own, whose rules are known (`did_bid.py`). Of the others the
syntax is checked (DID Core, 3.1), percent-encoding gets its one form (RFC 3986, 6.2.2), and the
host of a did:web is in lower case; the rest belongs to the method and keeps its case.

    >>> canonical("did", "did:web:ACME.example%3a8443:devices:M1")
    'did:web:acme.example%3A8443:devices:M1'
"""

from __future__ import annotations

import re

from identity.errors import MalformedCode
from resolver.schemes.plain_text import percent_normalized
from resolver.schemes.scheme import Samples, Scheme, Segments, malformed_prefix

_CHARACTER = "(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})"
_DID = re.compile(rf"did:([a-z0-9]+):((?:{_CHARACTER}*:)*{_CHARACTER}+)").fullmatch
_PREFIX = re.compile(rf"[a-z0-9]+(?::{_CHARACTER}+)*").fullmatch


def _did(text: str) -> str | None:
    if not text.startswith("did:") or text.startswith("did:bid:"):
        return None
    match = _DID(text)
    if not match:
        raise MalformedCode(
            "not a DID",
            hint="it looks like did:web:acme.example, without path or fragment",
            scheme="did",
        )
    method, rest = match[1], percent_normalized(match[2])
    if method == "tetrad":
        raise MalformedCode(
            "the identity of a device, not a code for it", hint="resolve it as a DID", scheme="did"
        )
    if method == "web":
        host, colon, path = rest.partition(":")
        rest = _lower_host(host) + colon + path
    return f"did:{method}:{rest}"


def _lower_host(host: str) -> str:
    """In lower case, but for the hexadecimal of percent-encoding."""
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].upper(), host.lower(), flags=re.IGNORECASE)


def _segments(value: str) -> Segments:
    """An empty part between two colons counts like any other; segments are never empty."""
    first, *rest = value.removeprefix("did:").split(":")
    return ("did", first, *(f":{part}" for part in rest))


def _prefix(prefix: str) -> Segments:
    if not _PREFIX(prefix) or prefix.split(":")[0] in {"bid", "tetrad"}:
        raise malformed_prefix("did", prefix, "a method and parts, like did:web:acme.example")
    if ":" in prefix and _did(f"did:{prefix}") != f"did:{prefix}":
        raise malformed_prefix("did", prefix, "write it in canonical form")
    return _segments(f"did:{prefix}")


SCHEMES = (
    Scheme(
        name="did",
        title="DID of another method (DID Core)",
        example="did:web:acme.example:devices:M1",
        check="none",
        canonical="percent-encoding in its one form, the host of did:web in lower case",
        starts="d",
        recognize=_did,
        segments=_segments,
        prefix=_prefix,
        namespace="did",
        minimal_depth=3,
        samples=Samples("web:acme.example", lambda n: f"did:web:acme.example:devices:M-{n:06}"),
    ),
)
