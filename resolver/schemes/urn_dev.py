"""Device URNs (RFC 9039): mac, ow, org, os, ops, and subtypes registered later.

The RFC's grammar wants hexadecimal in lower case and its examples have both: both are read, and
written in lower case. Everything after the subtype of the others keeps its case (section 3.2).

`urn:dev:mac:` without a component is the address itself, and read as that (`eui.py`).

    >>> canonical("urn-dev", "urn:dev:ow:10E2073A01080063")
    'urn:dev:ow:10e2073a01080063'
"""

from __future__ import annotations

import re

from identity.errors import MalformedCode
from resolver.schemes import samples
from resolver.schemes.eui import address_prefix, checked_address, embedded, named_address
from resolver.schemes.scheme import Code, Samples, Scheme, Segments, malformed_prefix

_SHAPE = re.compile("urn:dev:", re.IGNORECASE).match
_WORD = "[A-Za-z0-9.-]+"
_REST = rf"{_WORD}(?::{_WORD})*"
_NUMBER = "[1-9][0-9]{0,18}"
# RFC 9039, 3.2. Both hexadecimal subtypes are 64 bits long (4.1, 4.2).
_HEX = re.compile(rf"(mac|ow):([0-9A-Fa-f]{{16}})((?:_{_WORD})*)").fullmatch
_ORG = re.compile(rf"(org|os):({_NUMBER})-({_REST}(?:_{_WORD})*)").fullmatch
_OPS = re.compile(rf"(ops):({_NUMBER})-([A-Za-z0-9.]+)-({_REST}(?:_{_WORD})*)").fullmatch
_OTHER = re.compile(rf"(?!(?:mac|ow|org|os|ops):)([a-z][a-z0-9]*):({_REST}(?:_{_WORD})*)").fullmatch
_NAMED_PREFIX = re.compile(rf"(org|os|ops):({_NUMBER})").fullmatch
_PRODUCT_PREFIX = re.compile(rf"(ops):({_NUMBER})-([A-Za-z0-9.]+)").fullmatch
_SUBTYPE_PREFIX = re.compile("(?!(?:mac|ow|org|os|ops)$)[a-z][a-z0-9]*").fullmatch


def _urn(text: str) -> str | None:
    shape = _SHAPE(text)
    if not shape:
        return None
    body = text[shape.end() :]
    if match := _HEX(body):
        subtype, digits, components = match.groups()
        if subtype == "mac" and not components:
            return None
        digits = _component_of(digits) if subtype == "mac" else digits.lower()
        return f"urn:dev:{subtype}:{digits}{components}"
    if _ORG(body) or _OPS(body) or _OTHER(body):
        return f"urn:dev:{body}"
    raise MalformedCode("not a device URN of RFC 9039", hint=_hint(body), scheme="urn-dev")


def _component_of(digits: str) -> str:
    address = checked_address(digits, "urn-dev")
    if embedded(address):
        raise MalformedCode(
            "a part of a device with an EUI-48, which stands in no ledger in clear",
            hint="give the part a urn:dev:ops: of its own",
            scheme="urn-dev",
        )
    return address


def _named(text: str) -> str | Code | None:
    value = _urn(text)
    return named_address(text) if value is None and _SHAPE(text) else value


def _hint(body: str) -> str:
    if body.startswith(("mac:", "ow:")):
        return "mac and ow carry 16 hexadecimal digits; an EUI-48 gets fffe in its middle"
    return "it looks like urn:dev:ops:32473-Meter-0017 or urn:dev:mac:0024befffe804ff1"


def _segments(value: str) -> Segments:
    body = value.removeprefix("urn:dev:")
    if match := _HEX(body):
        subtype, digits, components = match.groups()
        rest = (components,) if components else ()
        return ("eui", *digits, *rest) if subtype == "mac" else ("urn-dev", subtype, digits, *rest)
    match = _ORG(body) or _OPS(body) or _OTHER(body)
    if match is None:
        raise MalformedCode("not a device URN of RFC 9039", scheme="urn-dev")
    return ("urn-dev", *match.groups())


def _prefix(prefix: str) -> Segments:
    if prefix.startswith("mac:"):
        return address_prefix("urn-dev", prefix[4:], 16)
    if match := _NAMED_PREFIX(prefix) or _PRODUCT_PREFIX(prefix):
        return ("urn-dev", *match.groups())
    if _SUBTYPE_PREFIX(prefix):
        return ("urn-dev", prefix)
    value = f"urn:dev:{prefix}"
    if prefix.startswith("ow:") and _HEX(prefix) and _urn(value) == value:
        return _segments(value)
    raise malformed_prefix(
        "urn-dev", prefix, "like urn-dev:org:32473, urn-dev:ops:32473-Meter or urn-dev:mac:0024be"
    )


SCHEMES = (
    Scheme(
        name="urn-dev",
        title="Device URN (RFC 9039)",
        example="urn:dev:ops:32473-Meter-0017",
        check="mac: group bit 0",
        canonical="urn:dev: in lower case, hexadecimal in lower case, the rest as it is",
        starts="uU",
        recognize=_urn,
        named=_named,
        segments=_segments,
        prefix=_prefix,
        namespace="urn-dev",
        minimal_depth=3,
        samples=Samples("ops:32473", lambda n: samples.urn_dev(32473, "Meter", n)),
    ),
)
