"""A GS1 key with its qualifiers, and its spelling as a URL and as an element string.

    https://shop.example/x/01/09506000134352/21/M-0017?17=261231   Digital Link, any host
    (01)09506000134352(21)M-0017                                   element string, as printed

Keys are application identifiers 01 (GTIN), 8003 (GRAI) and 8004 (GIAI); the qualifiers of a GTIN
are 22, 10 and 21 in that order, or 235 alone (GS1 syntax dictionary, `dlpkey`). What only describes
the item (a query, a best-before date) is not part of its identity and falls away. The other
spellings are in `gs1_spellings.py`.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from identity.errors import MalformedCode
from resolver.schemes import check_digits
from resolver.schemes.gs1_elements import checked_element
from resolver.schemes.plain_text import percent_decoded, percent_encoded

KEYS = ("01", "8003", "8004")
_QUALIFIERS = {"22": 20, "10": 20, "21": 20, "235": 28}
_ORDER = ("22", "10", "21")
# Keys of other things: a logistic unit, contained items, documents, coupons, pieces, parts.
_OTHER_KEYS = frozenset({"00", "02", "03", "253", "255", "401", "402", "8006", "8010", "8013"})

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

    def item(self) -> Key:
        """Without what adds nothing to a serial: GTIN and serial name one item, whatever its batch
        and variant (GS1 General Specifications, 3.5.2)."""
        if len(self.qualifiers) < 2:
            return self
        serial = tuple(pair for pair in self.qualifiers if pair[0] == "21")
        return self._replace(qualifiers=serial) if serial else self

    def link(self) -> str:
        """The canonical Digital Link."""
        path = "".join(f"/{ai}/{percent_encoded(value)}" for ai, value in self.qualifiers)
        return f"{LINK_BASE}{self.ai}/{percent_encoded(self.value)}{path}"


def parse_link(text: str) -> Key | None:
    """The key of a Digital Link; None if the text is none. InvalidIdentifier."""
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
    qualifiers = checked_qualifiers(given)
    if list(qualifiers) != given:
        order = "".join(f"/{ai}/…" for ai, _ in qualifiers)
        raise MalformedCode("qualifiers out of order", hint=f"write them as {order}")
    return checked_key(parts[at], percent_decoded(parts[at + 1]), qualifiers)


def key_of(elements: list[tuple[str, str]]) -> Key:
    """The key that an element string names. What only describes the item falls away, checked.

    Raises InvalidIdentifier.
    """
    keys = [(ai, value) for ai, value in elements if ai in KEYS]
    others = [ai for ai, _ in elements if ai in _OTHER_KEYS]
    if len(keys) != 1 or others:
        raise MalformedCode(
            f"{len(keys) + len(others)} keys in an element string"
            + (f", ({others[0]}) among them" if others else ""),
            hint="give exactly one of (01), (8003), (8004)",
        )
    qualifiers = []
    for ai, value in elements:
        if ai in _QUALIFIERS:
            qualifiers.append((ai, value))
        elif ai not in KEYS:
            checked_element(ai, value)
    return checked_key(*keys[0], checked_qualifiers(qualifiers))


def checked_qualifiers(found: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
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


def checked_key(ai: str, value: str, qualifiers: tuple[tuple[str, str], ...] = ()) -> Key:
    """A key that keeps all rules. InvalidIdentifier."""
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
