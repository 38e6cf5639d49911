"""GTIN, serialized GTIN, GRAI and GIAI.

A GTIN without qualifiers has one canonical form, the 14 digits of scheme `gtin`; with qualifiers it
is the canonical Digital Link of scheme `gs1`, where a serial makes batch and variant fall away: an
item has one code, whether its label tells the batch or not. Both lie in the namespace `gtin`, whose
segments are the digits after the indicator, then one segment for each qualifier: a company's grant
`gtin:09506000` holds its trade items in every packaging and all their serials. The spellings are
those of `gs1_spellings.py`.

    >>> canonical("gs1", "(01)09506000134352(10)LOT-1(21)M-0017")
    'https://id.gs1.org/01/09506000134352/21/M-0017'
"""

from __future__ import annotations

import re

from identity.errors import MalformedCode
from resolver.schemes import check_digits, samples
from resolver.schemes.gs1_spellings import parse
from resolver.schemes.gs1_syntax import checked_gtin
from resolver.schemes.plain_text import percent_encoded
from resolver.schemes.scheme import Samples, Scheme, Segments, malformed_prefix

_BARE_GTIN = re.compile("[0-9]{8}|[0-9]{12,14}").fullmatch
# The indicator 0, a company prefix of at least 4 digits, as much of the rest as is wanted.
_GTIN_PREFIX = re.compile("0[0-9]{4,13}").fullmatch
_GIAI_PREFIX = re.compile('[0-9]{4}[!"%-?A-Z_a-z]{0,26}').fullmatch


def _gtin(text: str) -> str | None:
    if _BARE_GTIN(text):
        return checked_gtin(text.zfill(14))
    key = parse(text)
    return key.value if key and key.ai == "01" and not key.qualifiers else None


def _named_gtin(text: str) -> str | None:
    key = parse(text)
    if key and key.qualifiers:
        raise MalformedCode(
            "a GTIN with a serial, batch or variant", hint="name the scheme gs1", scheme="gtin"
        )
    return _gtin(text)


def _serialized(text: str) -> str | None:
    key = parse(text)
    return key.item().link() if key and key.qualifiers else None


def _named_serialized(text: str) -> str | None:
    if _gtin(text):
        raise MalformedCode(
            "a GTIN without a serial, batch or variant", hint="name the scheme gtin", scheme="gs1"
        )
    return _serialized(text)


def _serialized_segments(value: str) -> Segments:
    key = parse(value)
    if key is None:
        raise MalformedCode("not a Digital Link", scheme="gs1")
    qualifiers = (f"{ai}/{percent_encoded(text)}" for ai, text in key.qualifiers)
    return ("gtin", *key.value[1:], *qualifiers)


def _gtin_prefix(prefix: str) -> Segments:
    if not _GTIN_PREFIX(prefix):
        raise malformed_prefix(
            "gtin", prefix, "write the indicator as 0, then at least 4 digits, like gtin:09506000"
        )
    if len(prefix) == 14 and check_digits.gs1(prefix[:-1]) != prefix[-1]:
        raise malformed_prefix("gtin", prefix, "its last digit is not the check digit of the rest")
    return ("gtin", *prefix[1:])


def _asset(ai: str, text: str) -> str | None:
    key = parse(text)
    return key.link() if key and key.ai == ai else None


def _asset_value(value: str) -> str:
    key = parse(value)
    if key is None:
        raise MalformedCode("not a Digital Link")
    return key.value


def _grai_segments(value: str) -> Segments:
    asset = _asset_value(value)
    serial = (f"/{asset[14:]}",) if len(asset) > 14 else ()
    return ("grai", *asset[1:14], *serial)


def _grai_prefix(prefix: str) -> Segments:
    if not _GTIN_PREFIX(prefix):
        raise malformed_prefix("grai", prefix, "0, then at least 4 digits, like grai:09506000")
    return ("grai", *prefix[1:])


def _giai_prefix(prefix: str) -> Segments:
    if not _GIAI_PREFIX(prefix):
        raise malformed_prefix("giai", prefix, "at least 4 digits, like giai:9506000")
    return ("giai", *prefix)


SCHEMES = (
    Scheme(
        name="gtin",
        title="GTIN-8, -12, -13 or -14",
        example="09506000134352",
        check="modulo 10, weights 3 and 1 from the right",
        canonical="14 digits",
        starts="0123456789(hHuU",
        recognize=_gtin,
        named=_named_gtin,
        segments=lambda value: ("gtin", *value[1:]),
        prefix=_gtin_prefix,
        namespace="gtin",
        minimal_depth=5,
        samples=Samples("09506000", lambda n: samples.gtin("9506000", n)),
    ),
    Scheme(
        name="gs1",
        title="GTIN with serial, batch or variant: Digital Link, element string, EPC",
        example="https://id.gs1.org/01/09506000134352/21/M-0017",
        check="that of the GTIN",
        canonical="https://id.gs1.org/01/GTIN/21/…; without serial [/22/…][/10/…]; or /235/…",
        starts="(hHuU03",
        recognize=_serialized,
        named=_named_serialized,
        segments=_serialized_segments,
        prefix=_gtin_prefix,
        namespace="gtin",
        minimal_depth=5,
        samples=Samples("09506000", lambda n: samples.digital_link("9506000", 13435, f"M-{n:06}")),
    ),
    Scheme(
        name="grai",
        title="Global Returnable Asset Identifier",
        example="https://id.gs1.org/8003/09506000134321SER01",
        check="modulo 10 over the 13 digits after the leading 0",
        canonical="https://id.gs1.org/8003/…",
        starts="(hHuU38",
        recognize=lambda text: _asset("8003", text),
        segments=_grai_segments,
        prefix=_grai_prefix,
        namespace="grai",
        minimal_depth=5,
        samples=Samples("09506000", lambda n: samples.grai("9506000", 13432, f"SER{n:06}")),
    ),
    Scheme(
        name="giai",
        title="Global Individual Asset Identifier",
        example="https://id.gs1.org/8004/950600013430000001",
        check="none",
        canonical="https://id.gs1.org/8004/…",
        starts="(hHuU3",
        recognize=lambda text: _asset("8004", text),
        segments=lambda value: ("giai", *_asset_value(value)),
        prefix=_giai_prefix,
        namespace="giai",
        minimal_depth=5,
        samples=Samples("9506000", lambda n: samples.giai("9506000", n)),
    ),
)
