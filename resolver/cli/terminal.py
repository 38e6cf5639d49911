"""What others wrote, on a terminal: shown, never obeyed.

    visible("gone\\x1b[2J")         # r'gone\\x1b[2J'

A server, a wallet's file or an operation may hold characters that a terminal takes for commands
(ECMA-48: C0, DEL and C1), that turn the order of writing round (Unicode, UAX #9), or that nobody
sees, so that one thing is read and another one said. They are shown as their escapes.
"""

from __future__ import annotations

import re

_UNSEEN = (
    "\x7f-\x9f\xad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_COMMANDS = re.compile(f"[\x00-\x1f{_UNSEEN}]")
_IN_JSON = re.compile(f"[{_UNSEEN}]")


def visible(text: str) -> str:
    """One line of text without anything that a terminal would act upon, line feeds included."""
    return _COMMANDS.sub(lambda found: ascii(found.group())[1:-1], text)


def visible_json(data: bytes) -> bytes:
    """The same JSON value, with those characters as escapes (RFC 8259, section 7).

    They stand in texts alone: outside of them they would not be JSON, and below U+0020 they are
    escaped already.
    """
    if data.isascii() and b"\x7f" not in data:
        return data
    return _IN_JSON.sub(lambda found: _units(found.group()), data.decode()).encode()


def _units(character: str) -> str:
    """In UTF-16, as JSON escapes what lies beyond U+FFFF."""
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2))
