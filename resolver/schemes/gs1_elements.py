"""GS1 element strings: application identifiers (AI) and values, as scanners send them.

    (01)09506000134352(17)261231(21)M-0017       in brackets, as printed under the symbol
    0109506000134352 17261231 21M-0017           joined (without the spaces shown here)

A value whose AI is not of a predefined length ends at the separator FNC1, which a scanner sends as
GS (0x1D), or at the end (GS1 General Specifications, 7.8). Some scanners swallow the separator.
What was joined without one, and came without a word on its symbology, can then mean several things;
`joined_readings` returns them all, and nobody guesses. The table of AIs follows the GS1 syntax
dictionary; C is a number that ends in a check digit, D a date.

    >>> elements("0109506000134352" "10LOT-1\\x1d" "21M-0017")
    [('01', '09506000134352'), ('10', 'LOT-1'), ('21', 'M-0017')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from identity.errors import MalformedCode
from resolver.schemes import check_digits

GS = "\x1d"
Elements = list[tuple[str, str]]

# n stands for 0 to 5, the place of the decimal point.
_TABLE = """
00 C18|01 C14|02 C14|03 C14|10 X..20|11-13 D|15-17 D|20 N2|21 X..20|22 X..20|235 X..28|240 X..30
241 X..30|242 N..6|243 X..20|250 X..30|251 X..30|253 C13 [X..17]|254 X..20|255 C13 [N..12]
30 N..8|310n-316n N6|320n-329n N6|330n-337n N6|340n-349n N6|350n-357n N6|360n-369n N6|37 N..8
3900-3909 N..15|3910-3919 N3 N..15|3920-3929 N..15|3930-3939 N3 N..15|3940-3943 N4|395n N6
400 X..30|401 X..30|402 C17|403 X..30|410-417 C13|420 X..20|421 N3 X..9|422 N3|423 N3 N..12|424 N3
425 N3 N..12|426 N3|427 X..3|4300-4301 X..35|4302-4306 X..70|4307 X2|4308 X..30|4309 N20
4310-4311 X..35|4312-4316 X..70|4317 X2|4318 X..20|4319 X..30|4320 X..35|4321-4323 N1
4324-4325 N10|4326 D|4330-4333 N6 [H1]|7001 N13|7002 X..30|7003 N10|7004 N..4|7005 X..12|7006 D
7007 N6 [N6]|7008 X..3|7009 X..10|7010 X..2|7011 N6 [N4]|7020-7022 X..20|7023 X..30
7030-7039 N3 X..27|7040 N1 X3|7041 X..4|710-717 X..20|7230-7239 X2 X..28|7240 X..20|7241 N2
7242 X..25|7250 N8|7251 N12|7252 N1|7253-7254 X..40|7255 X..10|7256 X..90|7257 X..70|7258 N1 X1 N1
7259 X..40|8001 N14|8002 X..20|8003 N14 [X..16]|8004 X..30|8005 N6|8006 N14 N2 N2|8007 X..34
8008 N8 [N..4]|8009 X..50|8010 Y..30|8011 N..12|8012 X..20|8013 X..25|8014 X..25|8017 C18|8018 C18
8019 N..10|8020 X..25|8026 N14 N2 N2|8030 Z..90|8040-8041 N15|8042 N32|8043 N18 [N..2]
8110 X..70|8111 N4|8112 X..70|8200 X..70|90 X..30|91-99 X..90
"""
_CHARACTERS = {
    "N": "[0-9]",
    "C": "[0-9]",
    "X": '[!"%-?A-Z_a-z]',  # General Specifications, figure 7.11-1
    "Y": "[#-/0-9A-Z]",  # figure 7.11-2
    "Z": "[0-9A-Za-z_-]",  # figure 7.11-3
    "H": "-",
}
_MONTH_AND_DAY = (
    "(?:(?:0[13578]|1[02])(?:[0-2][0-9]|3[01])|(?:0[469]|11)(?:[0-2][0-9]|30)|02[0-2][0-9])"
)
_DATE = f"[0-9]{{2}}{_MONTH_AND_DAY}"
# Beginnings of AIs whose length is predefined: no separator is needed (figure 7.8.5-2).
_PREDEFINED = re.compile("0[0-4]|1[1-9]|20|3[1-6]|41").match
# What stands beside a serial or a batch on the label of one thing. Where the separator may be lost,
# every digit pair of a serial could be some AI; these are the ones that are thought of.
_BESIDE = re.compile("1[0-35-7]|2[12]|235|24[01]|250|30|37").fullmatch
MOST_READINGS = 8
_MOST_STEPS = 600
_IN_BRACKETS = re.compile(r"\(([0-9]{2,4})\)")


class _Format(NamedTuple):
    pattern: re.Pattern[str]
    longest: int
    fixed: bool
    """Of predefined length: it ends without a separator."""
    checked: int
    """How many digits end in a check digit; 0 where none do."""


def _format(ai: str, words: str) -> _Format:
    pattern, longest, checked = "", 0, 0
    for word in words.split():
        optional = word.startswith("[")
        kind, size = word.strip("[]")[0], word.strip("[]")[1:]
        if kind == "D":
            piece, most = _DATE, 6
        else:
            most = int(size.removeprefix(".."))
            least = "1," if size.startswith("..") else ""
            piece = f"{_CHARACTERS[kind]}{{{least}{most}}}"
        pattern += f"(?:{piece})?" if optional else piece
        longest += most
        checked = most if kind == "C" else checked
    return _Format(re.compile(pattern), longest, _PREDEFINED(ai) is not None, checked)


def _formats() -> dict[str, _Format]:
    found: dict[str, _Format] = {}
    for row in _TABLE.strip().replace("\n", "|").split("|"):
        names, words = row.split(" ", 1)
        first, _, last = names.partition("-")
        if first.endswith("n"):
            tens = range(int(first[:-1]), int((last or first)[:-1]) + 1)
            each = [f"{ten}{point}" for ten in tens for point in range(6)]
        else:
            width = len(first)
            each = [f"{number:0{width}d}" for number in range(int(first), int(last or first) + 1)]
        found.update((ai, _format(ai, words)) for ai in each)
    return found


_FORMATS = _formats()
IDENTIFIERS = frozenset(_FORMATS)
"""Every AI that is known."""


def _ai_at(text: str, at: int) -> str | None:
    """No AI begins another, so that one of the three lengths fits at most."""
    return next((text[at : at + n] for n in (2, 3, 4) if text[at : at + n] in _FORMATS), None)


def _fits(ai: str, value: str) -> bool:
    form = _FORMATS[ai]
    return form.pattern.fullmatch(value) is not None


def checked_element(ai: str, value: str) -> None:
    """A value has the form that its AI asks for. MalformedCode, CheckDigitWrong."""
    form = _FORMATS.get(ai)
    if form is None:
        raise MalformedCode(f"({ai[:8]}) is no application identifier", hint="read the label again")
    if not _fits(ai, value):
        raise MalformedCode(
            f"the value of ({ai}) has not the form that GS1 gives it",
            hint="a separator (FNC1) may be missing after it: let the scanner send GS, or write "
            "the application identifiers in brackets",
        )
    if form.checked:
        right = check_digits.gs1(value[: form.checked - 1])
        if value[form.checked - 1] != right:
            raise check_digits.wrong(f"({ai})", value[form.checked - 1], right)


def in_brackets(text: str) -> Elements | None:
    """The elements of `(01)…(21)…`; None if the text does not begin with a bracketed AI."""
    before, *pieces = _IN_BRACKETS.split(text)
    if before or not pieces:
        return None
    return list(zip(pieces[::2], pieces[1::2], strict=True))


def elements(text: str) -> Elements:
    """The elements of a joined text, each value up to its separator. Values are not checked.

    Raises MalformedCode where an AI is expected and none stands.
    """
    found: Elements = []
    at = 0
    while at < len(text):
        ai = _ai_at(text, at)
        if ai is None:
            raise MalformedCode(
                f"no application identifier at character {at + 1} of the element string",
                hint="a separator (FNC1) may be missing or stand in the wrong place",
            )
        start = at + len(ai)
        if _FORMATS[ai].fixed:
            end = start + _FORMATS[ai].longest
        else:
            separator = text.find(GS, start)
            end = separator if separator >= 0 else len(text)
        found.append((ai, text[start:end]))
        at = end + 1 if text[end : end + 1] == GS else end
    return found


def joined_readings(text: str) -> list[Elements]:
    """What a joined text may mean if its separators were swallowed, that without any first.

    At most 64 readings; each value has its form, and no AI stands twice. Raises MalformedCode for
    a text that could be divided in so many ways that they are not all tried.
    """
    found: list[Elements] = []
    steps = iter(range(_MOST_STEPS))
    for reading in _readings(text, 0, (), steps):
        found.append(reading)
        if len(found) == 64:
            return found
    if next(steps, None) is None:
        raise MalformedCode(
            "an element string that could be divided in too many ways",
            hint="write the application identifiers in brackets",
        )
    return found


def _readings(
    text: str, at: int, before: tuple[tuple[str, str], ...], steps: Iterator[int]
) -> Iterator[Elements]:
    if at == len(text):
        yield list(before)
        return
    ai = _ai_at(text, at)
    if ai is None or any(ai == other for other, _ in before) or next(steps, None) is None:
        return
    if before and not _BESIDE(ai) and ai not in ("01", "8003"):
        return
    form, start = _FORMATS[ai], at + len(ai)
    ends: range
    if form.fixed:
        ends = range(start + form.longest, start + form.longest + 1)
    else:  # the longest first: that is the reading without a lost separator
        ends = range(min(len(text), start + form.longest), start, -1)
    for end in ends:
        value = text[start:end]
        if end <= len(text) and _fits(ai, value):
            yield from _readings(text, end, (*before, (ai, value)), steps)
