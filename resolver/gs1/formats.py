"""Application identifiers: which are primary keys, and how the value of each is written.

Facts of the GS1 General Specifications and of the tables of GS1 Digital Link: Compression. In a
format, N is digits and X the 82 characters; a number is a fixed length, `..` and a number the
longest: `N13+X..17`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

PRIMARY_KEYS: Final = {
    "00": r"[0-9]{18}",
    "01": r"[0-9]{8}|[0-9]{12,14}",
    "253": r"[0-9]{13}.{0,17}",
    "255": r"[0-9]{13}[0-9]{0,12}",
    "401": r".{1,30}",
    "402": r"[0-9]{17}",
    "414": r"[0-9]{13}",
    "417": r"[0-9]{13}",
    "8003": r"[0-9]{14}.{0,16}",
    "8004": r".{1,30}",
    "8006": r"[0-9]{18}",
    "8010": r".{1,30}",
    "8013": r".{1,30}",
    "8017": r"[0-9]{18}",
    "8018": r"[0-9]{18}",
}
"""The keys that can begin a Digital Link, with the shape of their values (GS1 Digital Link: URI
Syntax 1.5, section 4.3)."""
CHECKED: Final = {"00": 18, "253": 13, "255": 13, "402": 17, "414": 13, "417": 13, "8003": 14,
                  "8006": 14, "8017": 18, "8018": 18}  # fmt: skip
"""After so many digits stands the check digit of those before it, a leading 0 of a GRAI aside."""
QUALIFIERS: Final = {
    "01": ("22", "10", "21", "235"),
    "414": ("254", "7040"),
    "417": ("7040",),
    "8006": ("22", "10", "21"),
    "8010": ("8011",),
    "8017": ("8019",),
    "8018": ("8019",),
}
"""What may follow a key in the path, in this order."""

_FORMATS: Final = """
00 N18, 01 N14, 02 N14, 10 X..20, 11 N6, 12 N6, 13 N6, 15 N6, 16 N6, 17 N6, 20 N2, 21 X..20,
22 X..20, 235 X..28, 240 X..30, 241 X..30, 242 N..6, 243 X..20, 250 X..30, 251 X..30,
253 N13+X..17, 254 X..20, 255 N13+N..12, 30 N..8, 31 N6, 32 N6, 33 N6, 34 N6, 35 N6, 36 N6, 37 N..8,
390 N..15, 391 N3+N..15, 392 N..15, 393 N3+N..15, 394 N4, 395 N6, 400 X..30, 401 X..30, 402 N17,
403 X..30, 410 N13, 411 N13, 412 N13, 413 N13, 414 N13, 415 N13, 416 N13, 417 N13, 420 X..20,
421 N3+X..9, 422 N3, 423 N3+N..12, 424 N3, 425 N3+N..12, 426 N3, 427 X..3, 7001 N13, 7002 X..30,
7003 N10, 7004 N..4, 7005 X..12, 7006 N6, 7007 N6+N..6, 7008 X..3, 7009 X..10, 7010 X..2,
7020 X..20, 7021 X..20, 7022 X..20, 7023 X..30, 703 N3+X..27, 710 X..20, 711 X..20, 712 X..20,
713 X..20, 714 X..20, 715 X..20, 716 X..20, 723 X..30, 8001 N14, 8002 X..20, 8003 N14+X..16,
8004 X..30, 8005 N6, 8006 N18, 8007 X..34, 8008 N8+N..4, 8009 X..50, 8010 X..30, 8011 N..12,
8012 X..20, 8013 X..30, 8017 N18, 8018 N18, 8019 N..10, 8020 X..25, 8026 N18, 8110 X..70,
8111 N4, 8112 X..70, 8200 X..70, 90 X..30, 91 X..90, 92 X..90, 93 X..90, 94 X..90, 95 X..90,
96 X..90, 97 X..90, 98 X..90, 99 X..90
"""

LENGTHS: Final = {"2": "23 24 25 40 41 42 71", "4": "31 32 33 34 35 36 39 70 72 80 81 82"}
_THREE = frozenset(LENGTHS["2"].split())
_FOUR = frozenset(LENGTHS["4"].split())


class Part(NamedTuple):
    """One part of a value."""

    numeric: bool
    length: int
    fixed: bool


def _parts(text: str) -> tuple[Part, ...]:
    found = re.findall(r"([NX])(\.\.)?([0-9]+)", text)
    return tuple(Part(kind == "N", int(length), not most) for kind, most, length in found)


_TABLE: Final = {
    name: _parts(text) for name, text in (one.split() for one in _FORMATS.split(",") if one.strip())
}


def digits_of(first_two: str) -> int:
    """How many digits an application identifier has that begins with these two."""
    return 3 if first_two in _THREE else 4 if first_two in _FOUR else 2


@lru_cache(maxsize=512)
def format_of(identifier: str) -> tuple[Part, ...] | None:
    """The parts of the value of an application identifier; None where there is none."""
    if len(identifier) != digits_of(identifier[:2]):
        return None
    for length in (4, 3, 2):  # those of a family with decimals share a row
        if length <= len(identifier) and identifier[:length] in _TABLE:
            found = identifier[:length]
            return _TABLE[found] if len(found) == len(identifier) or len(identifier) == 4 else None
    return None
