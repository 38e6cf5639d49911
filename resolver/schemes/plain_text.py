"""The door: what a person typed, or a scanner read, becomes plain ASCII or is refused by name.

Codes are compared byte by byte, so whatever only looks like an ASCII code never gets further than
this. ASCII white space around the whole is dropped, since terminals and spreadsheets add it.

    >>> plain(" 09506000134352\\n")
    '09506000134352'
"""

from __future__ import annotations

import re
import unicodedata
from typing import NoReturn
from urllib.parse import quote, unquote

from identity.errors import LookAlikeRefused, MalformedCode

# The longest canonical code, in characters; a Handle server keeps to the same figure.
MAX_LENGTH = 255
# The longest text that is read at all: a Digital Link carries a host and a query that fall away.
MAX_TEXT = 2048

_VISIBLE = re.compile("[!-~]+").fullmatch
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]*").fullmatch
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})").search
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
ASCII_SPACE = " \t\n\r\v\f"


def plain(text: str, *, private: bool = False) -> str:
    """The text without the ASCII white space around it. MalformedCode, LookAlikeRefused.

    The hint of an error shows how to write the text instead, unless it is private.
    """
    if len(text) <= MAX_TEXT and _VISIBLE(text):
        return text
    if len(text) > MAX_TEXT:
        raise MalformedCode(
            f"{len(text)} characters; at most {MAX_TEXT} are read",
            hint=f"a code has at most {MAX_LENGTH} characters in its canonical form",
        )
    stripped = text.strip(ASCII_SPACE)
    return visible(stripped, private=private)


def visible(text: str, *, private: bool = False) -> str:
    """The text itself, if every character is visible ASCII. MalformedCode, LookAlikeRefused."""
    if not _VISIBLE(text):
        _refuse(text, private)
    return text


def percent_decoded(text: str) -> str:
    """A part of a URL without its percent-encoding (RFC 3986, 2.1). MalformedCode."""
    if "%" not in text:
        return text
    if _BAD_ESCAPE(text):
        raise MalformedCode(
            "a % that two hexadecimal digits do not follow", hint="a literal % is written %25"
        )
    return visible(unquote(text))


def percent_encoded(text: str) -> str:
    """ASCII text with all but the unreserved characters encoded: one form only (RFC 3986, 2.3)."""
    return text if _UNRESERVED(text) else quote(text, safe="")


def _refuse(text: str, private: bool) -> NoReturn:
    """Name the first character that no code contains."""
    if not text:
        raise MalformedCode("empty", hint="give a code or a number")
    at, odd = next((i, c) for i, c in enumerate(text) if not "!" <= c <= "~")
    name = unicodedata.name(odd, "no name")
    where = f"character {at + 1} is U+{ord(odd):04X}"
    if odd in ASCII_SPACE:
        closed = "".join(c for c in text if c not in ASCII_SPACE)
        raise MalformedCode(
            f"{where}, white space", hint="write it without spaces" + _instead(closed, private)
        )
    if ord(odd) < 0x80:
        raise MalformedCode(f"{where}, a control character", hint="type the code as it is printed")
    folded = unicodedata.normalize("NFKC", text)
    raise LookAlikeRefused(
        f"{where}, {name}, which is not ASCII",
        hint="type the code with plain ASCII characters" + _instead(folded, private),
    )


def _instead(text: str, private: bool) -> str:
    """The end of a hint: the text to write instead, where that would be a code and may be shown."""
    return f": {text}" if not private and len(text) <= MAX_LENGTH and _VISIBLE(text) else ""


def within_length(value: str) -> str:
    """The canonical value itself, unless it is longer than any code may be."""
    if len(value) > MAX_LENGTH:
        raise MalformedCode(
            f"{len(value)} characters; a code has at most {MAX_LENGTH}",
            hint="shorten the serial or the suffix",
        )
    return value


def percent_normalized(text: str) -> str:
    """Percent-encoding in its one form: hexadecimal in upper case, nothing encoded that need not
    be (RFC 3986, 6.2.2.1 and 6.2.2.2). MalformedCode for a % without two digits."""
    if _BAD_ESCAPE(text):
        raise MalformedCode(
            "a % that two hexadecimal digits do not follow", hint="a literal % is written %25"
        )
    return _ESCAPE.sub(_normal_escape, text)


def _normal_escape(found: re.Match[str]) -> str:
    character = chr(int(found[0][1:], 16))
    return character if _UNRESERVED(character) else found[0].upper()
