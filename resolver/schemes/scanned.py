"""What a scanner sends: a symbology identifier, then data with separators in it.

    ]d201095060001343521726123110LOT-1<GS>21M-0017      GS1 DataMatrix
    ]C1010950600013435221M-0017                         GS1-128
    ]E09506000134352                                    EAN-13
    ]Q1https://id.gs1.org/01/09506000134352/21/M-0017   QR code

The identifier is `]`, a letter and a modifier (ISO/IEC 15424); it says whether element strings or
plain text follow. GS (0x1D) is the separator FNC1 and stands in no other code: it is read after an
identifier that says GS1, and in a text that begins with an application identifier.

    >>> unwrapped("]C1010950600013435221M-0017")
    'https://id.gs1.org/01/09506000134352/21/M-0017'
    >>> form("]E09506000134352")
    'EAN-13 or UPC'
"""

from __future__ import annotations

import re

from identity.errors import MalformedCode
from resolver.schemes import epc
from resolver.schemes.gs1_elements import GS
from resolver.schemes.gs1_spellings import separated
from resolver.schemes.plain_text import visible

_IDENTIFIER = re.compile(r"\]([A-Za-z])([0-9A-Za-z])").match
# GS1 General Specifications, 5.1: what holds element strings.
_ELEMENTS = {
    "C1": "GS1-128",
    "e0": "GS1 DataBar",
    "e1": "GS1 composite",
    "e2": "GS1 composite",
    "d2": "GS1 DataMatrix",
    "Q3": "GS1 QR code",
    "J1": "GS1 DotCode",
}
# Symbols that hold a GTIN alone, with its length; an add-on may follow in E3.
_GTINS = {"E0": ("EAN-13 or UPC", 13), "E3": ("EAN-13 or UPC", 13), "E4": ("EAN-8", 8)}
_GTINS |= {"I1": ("ITF-14", 14)}
_ADD_ONS = frozenset({"E1", "E2"})
_PLAIN = {
    "A": "Code 39",
    "C": "Code 128",
    "F": "Codabar",
    "G": "Code 93",
    "I": "Interleaved 2 of 5",
    "J": "DotCode",
    "L": "PDF417",
    "Q": "QR code",
    "U": "MaxiCode",
    "d": "DataMatrix",
    "h": "Han Xin code",
    "z": "Aztec code",
}
_FORMS = (
    (re.compile(r"urn:epc:", re.IGNORECASE), "EPC URN"),
    (re.compile(r"urn:", re.IGNORECASE), "URN"),
    (re.compile(r"https?://", re.IGNORECASE), "URL"),
    (re.compile(r"\([0-9]{2,4}\)"), "element string in brackets"),
    (re.compile("01[0-9]{14}|80030[0-9]{13}"), "joined element string"),
)


def is_scanned(text: str) -> bool:
    """Whether the text has what only a scanner puts there."""
    return text[:1] == "]" or GS in text


def unwrapped(text: str, *, private: bool = False) -> str:
    """The plain text of what was scanned: of an element string its Digital Link, of an EAN or UPC
    its element string, otherwise what follows the identifier. InvalidIdentifier.
    """
    identifier = _IDENTIFIER(text)
    if identifier is None:
        if text.startswith("]"):
            raise MalformedCode(
                "no symbology identifier",
                hint="] is followed by a letter and a modifier, as in ]d2",
            )
        return _elements(text, private)
    symbology, data = identifier[1] + identifier[2], text[3:]
    if symbology in _ELEMENTS:
        return _elements(data, private)
    if GS in data:
        raise MalformedCode(
            f"a separator (GS) in what ]{symbology} marks as plain text",
            hint="only GS1 symbols carry separators: look at the scanner's settings",
        )
    data = visible(data, private=private)
    if symbology in _ADD_ONS:
        raise MalformedCode("the add-on of a symbol names nothing", hint="scan the main symbol")
    if symbology in _GTINS:
        name, length = _GTINS[symbology]
        digits = data[:length] if symbology == "E3" else data
        if len(digits) != length or not digits.isdigit():
            raise MalformedCode(f"{name} holds {length} digits", hint="scan it again")
        return f"(01){digits.zfill(14)}"
    return data


def _elements(data: str, private: bool) -> str:
    # A scanner may show the FNC1 that says "GS1" as a first GS, and end with one.
    joined = data.removeprefix(GS).removesuffix(GS)
    if not joined:
        raise MalformedCode("nothing but separators", hint="scan it again")
    visible(joined.replace(GS, "x"), private=private)
    if joined.startswith("("):
        raise MalformedCode(
            "brackets in a GS1 symbol",
            hint="brackets are for people: scanners send application identifiers without them",
        )
    return separated(joined).link()


def form(text: str) -> str:
    """What kind of text was read, for people."""
    identifier = _IDENTIFIER(text)
    if identifier is not None:
        symbology = identifier[1] + identifier[2]
        if symbology in _ELEMENTS:
            return f"{_ELEMENTS[symbology]}, element string"
        if symbology in _GTINS:
            return _GTINS[symbology][0]
        name = _PLAIN.get(identifier[1], f"symbology ]{symbology}")
        return f"{name}, {form(text[3:])}" if len(text) > 3 else name
    if GS in text:
        return "element string with separators"
    if coding := epc.memory_coding(text):
        return f"EPC {coding.upper()}"
    return next((name for pattern, name in _FORMS if pattern.match(text)), "text")
