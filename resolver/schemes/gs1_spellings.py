"""Every spelling of a GS1 key, read into one value.

    https://shop.example/x/01/09506000134352/21/M-0017?17=261231   Digital Link
    (01)09506000134352(17)261231(21)M-0017                         element string in brackets
    0109506000134352 21M-0017                                      joined (without the space)
    urn:epc:id:sgtin:9506000.013435.M-0017                         EPC URN
    3074257BF7194E4000001A85                                       EPC, the memory of a tag

A joined element string is read where it begins with (01) or (8003), whose check digits tell it from
digits that mean something else; one that begins with (8004) might be a GTIN of Italy.
"""

from __future__ import annotations

import re
from functools import lru_cache

from identity.errors import AmbiguousCode, InvalidIdentifier, MalformedCode
from resolver.schemes import epc
from resolver.schemes.gs1_elements import (
    GS,
    MOST_READINGS,
    Elements,
    elements,
    in_brackets,
    joined_readings,
)
from resolver.schemes.gs1_syntax import Key, key_of, parse_link

_JOINED = re.compile("01[0-9]{14}|80030[0-9]{13}").match
_EPC_URN = re.compile("urn:epc:", re.IGNORECASE).match


@lru_cache(maxsize=64)
def parse(text: str) -> Key | None:
    """The key in any spelling; None if the text has the shape of none of them.

    The cache serves the schemes that look at the same text one after another. Raises
    InvalidIdentifier for a text that has the shape and breaks a rule, AmbiguousCode for a joined
    one that may have lost a separator.
    """
    first = text[0]
    if first in "hH":
        return parse_link(text)
    if first == "(":
        found = in_brackets(text)
        return key_of(found) if found is not None else None
    if first in "uU":
        return epc.from_urn(text) if _EPC_URN(text) else None
    if first in "08" and _JOINED(text):
        return _joined(text)
    return epc.from_memory(text) if first == "3" else None


def separated(text: str) -> Key:
    """The key of a joined element string whose separators, GS, are known to be there.

    Raises InvalidIdentifier; the hint tells what it may be if one is missing all the same.
    """
    try:
        return key_of(elements(text))
    except InvalidIdentifier as refusal:
        if GS not in text and (readings := _possible(text)):
            refusal.hint = f"if a separator (FNC1) was lost: {_shown(readings)}"
        raise


def _joined(text: str) -> Key:
    """What is joined without a separator, read only if it cannot mean two things."""
    plain: Key | None = None
    refusal: InvalidIdentifier | None = None
    try:
        plain = key_of(elements(text))
    except InvalidIdentifier as error:
        refusal = error
    readings = _possible(text)
    if plain is not None and len(readings) < 2:
        return plain
    if not readings:
        raise refusal or MalformedCode("not an element string")
    if plain is None:
        raise MalformedCode(
            "this element string does not hold without a separator (FNC1)",
            hint=f"if one was lost: {_shown(readings)}",
        )
    raise AmbiguousCode(
        f"a separator (FNC1) may be missing here: {len(readings)} readings",
        hint="let the scanner send symbology identifiers and GS, or write the application "
        f"identifiers in brackets: {_shown(readings)}",
        candidates=[{"scheme": scheme_of(key), "value": canonical(key)} for key in readings],
    )


def _possible(text: str) -> dict[Key, Elements]:
    """The different codes that a joined text may stand for, each with one reading."""
    found: dict[Key, Elements] = {}
    for reading in joined_readings(text):
        try:
            key = key_of(reading).item()
        except InvalidIdentifier:
            continue
        if len(found) < MOST_READINGS:
            found.setdefault(key, reading)
    return found


def _shown(readings: dict[Key, Elements]) -> str:
    return " or ".join(
        "".join(f"({ai}){value}" for ai, value in reading) for reading in readings.values()
    )


def scheme_of(key: Key) -> str:
    """The scheme that a key belongs to."""
    if key.ai == "01":
        return "gs1" if key.qualifiers else "gtin"
    return "grai" if key.ai == "8003" else "giai"


def canonical(key: Key) -> str:
    """Its canonical value in that scheme."""
    return key.value if key.ai == "01" and not key.qualifiers else key.item().link()
