"""What others wrote, on a terminal: shown, never obeyed.

    visible("gone\\x1b[2J")         # r'gone\\x1b[2J'

A server, a wallet's file or an operation may hold characters that a terminal takes for commands
(ECMA-48: C0, DEL and C1), or that turn the order of writing round (Unicode, UAX #9), so that one
thing is read and another one said. They are shown as their escapes.
"""

from __future__ import annotations

import re

_COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_IN_JSON = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


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
    return _IN_JSON.sub(lambda found: f"\\u{ord(found.group()):04x}", data.decode()).encode()
