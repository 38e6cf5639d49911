"""The three spellings of a GS1 key with its qualifiers, read into one value.

    https://shop.example/x/01/09506000134352/21/M-0017?17=261231   Digital Link, any host
    (01)09506000134352(21)M-0017                                   element string, as printed
    urn:epc:id:sgtin:9506000.013435.M-0017                         SGTIN, as tags are written

Keys are application identifiers 01 (GTIN), 8003 (GRAI) and 8004 (GIAI); the qualifiers of a GTIN
are 22, 10 and 21 in that order, or 235 alone (GS1 syntax dictionary, `dlpkey`). What only describes
the item (a query, a best-before date) is not part of its identity and falls away.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from identity.errors import MalformedCode
from resolver.schemes import check_digits
from resolver.schemes.plain_text import percent_decoded, percent_encoded

KEYS = ("01", "8003", "8004")
_QUALIFIERS = {"22": 20, "10": 20, "21": 20, "235": 28}
_ORDER = ("22", "10", "21")
# Dates and counts that labels carry beside the key.
_ATTRIBUTES = frozenset({"11", "12", "13", "15", "16", "17", "30", "37"})

LINK_BASE = "https://id.gs1.org/"
_LINK = re.compile(
    r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?/([^?#]*)(?:[?#].*)?", re.IGNORECASE
).fullmatch
# The same without a path before the key, without encoding: what most labels carry, read at once.
_SIMPLE_VALUE = "([A-Za-z0-9_-][A-Za-z0-9_.-]{0,19})"
_SIMPLE_LINK = re.compile(
    rf"https?://[a-z0-9.-]+/01/([0-9]{{14}})(?:/22/{_SIMPLE_VALUE})?"
    rf"(?:/10/{_SIMPLE_VALUE})?(?:/21/{_SIMPLE_VALUE})?"
).fullmatch
_AI_IN_BRACKETS = re.compile(r"\(([0-9]{2,4})\)")
_SGTIN = re.compile(r"urn:epc:id:sgtin:", re.IGNORECASE).match
_SGTIN_BODY = re.compile(r"([0-9]{6,12})\.([0-9]{1,7})\.(.+)").fullmatch
# The 82 characters of GS1 General Specifications, figure 7.11-1.
_CSET_82 = re.compile('[!"%-?A-Z_a-z]+').fullmatch
_GTIN_LIKE = re.compile("[0-9]{8}|[0-9]{12,14}").fullmatch
_GTIN = re.compile("[0-9]{14}").fullmatch
_GRAI = re.compile('0([0-9]{13})([!"%-?A-Z_a-z]{0,16})').fullmatch
_GIAI = re.compile('[0-9]{4}[!"%-?A-Z_a-z]{0,26}').fullmatch


class Key(NamedTuple):
    """A key and its qualifiers, decoded, checked, qualifiers in their order."""

    ai: str
    value: str
    qualifiers: tuple[tuple[str, str], ...] = ()

    def link(self) -> str:
        """The canonical Digital Link."""
        path = "".join(f"/{ai}/{percent_encoded(value)}" for ai, value in self.qualifiers)
        return f"{LINK_BASE}{self.ai}/{percent_encoded(self.value)}{path}"


@lru_cache(maxsize=64)
def parse(text: str) -> Key | None:
    """The key in any of the three spellings; None if the text has the shape of none of them.

    The cache serves the schemes that look at the same text one after another. Raises
    InvalidIdentifier for a text that has the shape and breaks a rule.
    """
    if text[0] in "hH":
        return _parse_link(text)
    if text[0] == "(":
        return _parse_element_string(text)
    if prefix := _SGTIN(text):
        return _parse_sgtin(text[prefix.end() :])
    return None


def _parse_link(text: str) -> Key | None:
    if simple := _SIMPLE_LINK(text):
        gtin, *values = simple.groups()
        found = zip(_ORDER, values, strict=True)
        qualifiers = tuple((ai, value) for ai, value in found if value is not None)
        return Key("01", checked_gtin(gtin, qualifiers), qualifiers)
    if not (match := _LINK(text)):
        return None
    parts: list[str] = match[1].removesuffix("/").split("/")
    places = (
        place
        for place, (ai, value) in enumerate(pairwise(parts))
        if ai in KEYS and (ai != "01" or _GTIN_LIKE(value))
    )
    at = next(places, None)
    if at is None:
        return None
    rest = parts[at + 2 :]
    if len(rest) % 2:
        raise MalformedCode(
            f"the qualifier ({rest[-1][:8]}) has no value", hint="qualifiers come as /21/SERIAL"
        )
    given = [(ai, percent_decoded(raw)) for ai, raw in zip(rest[::2], rest[1::2], strict=True)]
    qualifiers = _checked_qualifiers(given)
    if list(qualifiers) != given:
        order = "".join(f"/{ai}/…" for ai, _ in qualifiers)
        raise MalformedCode("qualifiers out of order", hint=f"write them as {order}")
    return _checked_key(parts[at], percent_decoded(parts[at + 1]), qualifiers)


def _parse_element_string(text: str) -> Key | None:
    before, *pieces = _AI_IN_BRACKETS.split(text)
    if before or not pieces:
        return None
    found = [
        (ai, value)
        for ai, value in zip(pieces[::2], pieces[1::2], strict=True)
        if ai not in _ATTRIBUTES
    ]
    keys = [(ai, value) for ai, value in found if ai in KEYS]
    if len(keys) != 1:
        raise MalformedCode(
            f"{len(keys)} keys in an element string",
            hint="give exactly one of (01), (8003), (8004)",
        )
    return _checked_key(*keys[0], _checked_qualifiers([p for p in found if p[0] not in KEYS]))


def _parse_sgtin(body: str) -> Key:
    match = _SGTIN_BODY(body)
    if not match or len(match[1]) + len(match[2]) != 13:
        raise MalformedCode(
            "not an SGTIN: company prefix and item reference must have 13 digits together",
            hint="it looks like urn:epc:id:sgtin:9506000.013435.SERIAL",
        )
    company, reference, serial = match.groups()
    payload = reference[0] + company + reference[1:]
    qualifiers = _checked_qualifiers([("21", percent_decoded(serial))])
    return _checked_key("01", payload + check_digits.gs1(payload), qualifiers)


def _checked_qualifiers(found: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The qualifiers of a GTIN in their order."""
    values: dict[str, str] = {}
    for ai, value in found:
        longest = _QUALIFIERS.get(ai)
        if longest is None or ai in values:
            fault = "twice" if longest else "is not a qualifier of a GTIN"
            raise MalformedCode(
                f"({ai[:8]}) {fault}", hint="use (22), (10) and (21), or (235), each once"
            )
        if not _CSET_82(value) or len(value) > longest:
            raise MalformedCode(
                f"({ai}) must have 1 to {longest} of the 82 characters that GS1 allows",
                hint="letters, digits and common punctuation; no $ @ # [ ] ^ ` { | } ~ or space",
            )
        if value in {".", ".."}:  # RFC 3986, 5.2.4: a client would remove it from the path
            raise MalformedCode(f"({ai}) cannot be carried in a URL", hint="give another serial")
        values[ai] = value
    if "235" in values and len(values) > 1:
        raise MalformedCode("(235) does not go with other qualifiers", hint="give one or the other")
    return tuple((ai, values[ai]) for ai in (*_ORDER, "235") if ai in values)


def _checked_key(ai: str, value: str, qualifiers: tuple[tuple[str, str], ...]) -> Key:
    if ai == "01":
        return Key(ai, checked_gtin(value, qualifiers), qualifiers)
    if qualifiers:
        raise MalformedCode(f"({ai}) has no qualifiers", hint="leave them out")
    if ai == "8003":
        if not (match := _GRAI(value)):
            raise MalformedCode(
                "(8003) must be 0, 13 digits and a serial of at most 16 characters",
                hint="it looks like 09506000134321SER01",
                scheme="grai",
            )
        right = check_digits.gs1(match[1][:-1])
        if right != match[1][-1]:
            corrected = Key(ai, f"{value[:13]}{right}{match[2]}").link()
            raise check_digits.wrong("grai", match[1][-1], right, corrected)
    elif not _GIAI(value):
        raise MalformedCode(
            "(8004) must begin with a company prefix of at least 4 digits, at most 30 in all",
            hint="it looks like 950600013430000001",
            scheme="giai",
        )
    return Key(ai, value)


def checked_gtin(digits: str, qualifiers: tuple[tuple[str, str], ...] = ()) -> str:
    """Fourteen digits with the right check digit. MalformedCode, CheckDigitWrong."""
    if not _GTIN(digits):
        hint = (
            f"pad it with zeros: {digits.zfill(14)}" if _GTIN_LIKE(digits) else "/01/ and 14 digits"
        )
        raise MalformedCode("the GTIN must have 14 digits here", hint=hint, scheme="gtin")
    if not digits.strip("0"):
        raise MalformedCode("a GTIN of zeros names nothing", hint="give the GTIN of the item")
    right = check_digits.gs1(digits[:-1])
    if right != digits[-1]:
        corrected = digits[:-1] + right
        if qualifiers:
            corrected = Key("01", corrected, qualifiers).link()
        raise check_digits.wrong("gtin", digits[-1], right, corrected)
    return digits
