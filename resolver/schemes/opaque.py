"""Schemes whose rules are not published well enough to be enforced: compared byte for byte.

An identification link is never altered. So that no object gets two codes all the same, one that a
client would alter on its way (RFC 3986, 6.2) is refused; http and https are two.

VAA and MA announce themselves and are recognized. Any URL would be an IEC 61406 link and many a
digit string an Ecode, so these two are read only where the scheme is named.
"""

from __future__ import annotations

import re

from identity.errors import InvalidIdentifier, MalformedCode
from resolver.schemes import handle
from resolver.schemes.gs1_syntax import parse_link
from resolver.schemes.plain_text import MAX_LENGTH, percent_normalized
from resolver.schemes.scheme import Samples, Scheme, Segments, malformed_prefix

_VAA = re.compile("VAA([0-9]{3})([0-9]{3})([0-9]{8})(/[!-~]+)").fullmatch
_VAA_PREFIX = re.compile("VAA([0-9]{3})(?:([0-9]{3})([0-9]{8})?)?").fullmatch
_MA = re.compile(r"MA\.([0-9]{3}(?:\.[0-9]+)+)(/[0-9A-Za-z._/-]*[0-9A-Za-z._-])?").fullmatch
_MA_PREFIX = re.compile(r"MA\.[0-9]{3}(?:\.[0-9]+)*").fullmatch
_ECODE = re.compile("[1-4][0-9]{4,5}[0-9A-Za-z]{1,39}").fullmatch
_ECODE_PREFIX = re.compile("[1-4][0-9]{4}[0-9A-Za-z]{0,40}").fullmatch
# IEC 61406-1: a URL with a host and no credentials. Its limits are not known from the text.
_LINK = re.compile(
    r"https?://([A-Za-z0-9.-]+(?::[0-9]{1,5})?)((?:/[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?)"
).fullmatch
# What RFC 3986, 6.2.2 and 6.2.3 call the same URL: a host in upper case, the port that is the
# default, nothing after the host.
_OTHER_SPELLING = re.compile(
    r"https?://(?:[^/]*[A-Z].*|[^/]*)|http://[^/]*:0*80/.*|https://[^/]*:0*443/.*"
    r"|https?://[^/]*:0[0-9]*/.*|https?://[^/]*\./.*"
).fullmatch
_DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?:[/?#]|$)", re.IGNORECASE).search
_LINK_PREFIX = re.compile(
    r"[a-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9\-._~!$&'()*+,;=:@%]+)*"
).fullmatch


def _vaa_segments(value: str) -> Segments:
    match = _VAA(value)
    if match is None:
        raise MalformedCode("not a VAA code", scheme="vaa")
    return ("vaa", *match.groups())


def _vaa_prefix(prefix: str) -> Segments:
    match = _VAA_PREFIX(prefix)
    if not match:
        raise malformed_prefix("vaa", prefix, "like vaa:VAA088100 or vaa:VAA08810012345678")
    return ("vaa", *(group for group in match.groups() if group))


def _ma(text: str) -> str | None:
    return text if _MA(text) and "//" not in text else None


def _ma_segments(value: str) -> Segments:
    node, slash, rest = value.partition("/")
    return ("ma", *node.split(".")[1:], *((slash + rest,) if slash else ()))


def _ma_prefix(prefix: str) -> Segments:
    if not _MA_PREFIX(prefix):
        raise malformed_prefix("ma", prefix, "like ma:MA.156.430121")
    return _ma_segments(prefix)


def _ecode_prefix(prefix: str) -> Segments:
    if not _ECODE_PREFIX(prefix):
        raise malformed_prefix("ecode", prefix, "the version and at least 4 digits")
    return ("ecode", *prefix)


def _link(text: str) -> str | None:
    if not _LINK(text):
        return None
    if (
        len(text) > MAX_LENGTH
        or _DOT_SEGMENT(text)
        or _OTHER_SPELLING(text)
        or percent_normalized(text) != text
    ):
        raise MalformedCode(
            "an identification link is never altered, and a client would alter this one",
            hint=f"at most {MAX_LENGTH} characters, host in lower case, no default port, a path "
            "without . or .., nothing percent-encoded that need not be",
            scheme="iec61406",
        )
    try:
        key = parse_link(text)
    except InvalidIdentifier:
        key = None
    if key or handle.is_link(text):
        raise MalformedCode(
            "a GS1 Digital Link or a handle",
            hint="leave the scheme out, and it is read as what it is",
            scheme="iec61406",
        )
    return text


def _link_segments(value: str) -> Segments:
    """Host, then the parts of the path: http and https are one for the purpose of delegation."""
    match = _LINK(value)
    if match is None:
        raise MalformedCode("not a URL", scheme="iec61406")
    path = match[2].split("/")[1:]
    return ("iec61406", match[1].lower(), *path)


def _link_prefix(prefix: str) -> Segments:
    if not _LINK_PREFIX(prefix) or _DOT_SEGMENT(prefix):
        raise malformed_prefix(
            "iec61406", prefix, "host and path, like iec61406:id.maker.example/p"
        )
    return ("iec61406", *prefix.split("/"))


SCHEMES = (
    Scheme(
        name="vaa",
        title="VAA (ISO/IEC 15459, CAICT)",
        example="VAA08810012345678/SN0001",
        check="none known",
        canonical="as it is",
        starts="V",
        recognize=lambda text: text if _VAA(text) else None,
        segments=_vaa_segments,
        prefix=_vaa_prefix,
        namespace="vaa",
        minimal_depth=4,
        trust="opaque",
        samples=Samples("VAA08810012345678", lambda n: f"VAA08810012345678/SN{n:08}"),
    ),
    Scheme(
        name="ma",
        title="MA, IDcode (ISO/IEC 15459, ZIIOT)",
        example="MA.156.430121.1006/10.29000000.PG100001",
        check="none",
        canonical="as it is",
        starts="M",
        recognize=_ma,
        segments=_ma_segments,
        prefix=_ma_prefix,
        namespace="ma",
        minimal_depth=4,
        trust="soft",
        samples=Samples("MA.156.430121.1006", lambda n: f"MA.156.430121.1006/10.29000000.PG{n:08}"),
    ),
    Scheme(
        name="ecode",
        title="Ecode (GB/T 31866)",
        example="100101234567890",
        check="none",
        canonical="as it is",
        starts="",
        recognize=lambda text: text if _ECODE(text) else None,
        segments=lambda value: ("ecode", *value),
        prefix=_ecode_prefix,
        namespace="ecode",
        minimal_depth=6,
        trust="opaque",
        samples=Samples("10010", lambda n: f"10010{n:010}"),
    ),
    Scheme(
        name="iec61406",
        title="Identification link (IEC 61406-1)",
        example="https://id.maker.example/p/SN-001",
        check="none",
        canonical="byte for byte, never altered",
        starts="",
        recognize=_link,
        segments=_link_segments,
        prefix=_link_prefix,
        namespace="iec61406",
        minimal_depth=2,
        trust="opaque",
        samples=Samples("id.maker.example/p", lambda n: f"https://id.maker.example/p/SN-{n:08}"),
    ),
)
