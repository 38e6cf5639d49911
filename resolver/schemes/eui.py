"""EUI-48, EUI-64 and DevEUI: hexadecimal addresses out of blocks that IEEE assigns.

Whoever holds a block may make both lengths from it, so all share the namespace `eui`, one segment
a nibble; `urn:dev:mac:` (see `urn_dev.py`) lies in it too. Sixteen bare digits may be an EUI-64 or
a LoRaWAN DevEUI: separators say EUI-64, and a DevEUI has to be named. An EUI-48 is a radio identity
that follows people about, so only commitments to it reach the ledger.

    >>> canonical("eui64", "00-24-BE-FF-FE-80-4F-F1")
    '0024befffe804ff1'
"""

from __future__ import annotations

import re

from identity.errors import MalformedCode
from resolver.schemes.scheme import Scheme, Segments, malformed_prefix

_PAIR = "[0-9A-Fa-f]{2}"
_QUAD = "[0-9A-Fa-f]{4}"
_EUI48 = re.compile(
    rf"[0-9A-Fa-f]{{12}}|{_PAIR}([:-])(?:{_PAIR}\1){{4}}{_PAIR}|(?:{_QUAD}\.){{2}}{_QUAD}"
).fullmatch
_BARE_64 = re.compile("[0-9A-Fa-f]{16}").fullmatch
_SEPARATED_64 = re.compile(
    rf"{_PAIR}([:-])(?:{_PAIR}\1){{6}}{_PAIR}|(?:{_QUAD}\.){{3}}{_QUAD}"
).fullmatch
_NIBBLES = re.compile("[0-9a-f]{6,16}").fullmatch
_HEX = "0123456789abcdefABCDEF"


def checked_address(text: str, scheme: str) -> str:
    """Hexadecimal in lower case without separators. MalformedCode for a group or a zero."""
    nibbles = text.replace(":", "").replace("-", "").replace(".", "").lower()
    if not nibbles.strip("0"):
        raise MalformedCode("all zeros name no device", hint="read the label again", scheme=scheme)
    if int(nibbles[1], 16) & 1:  # IEEE 802, I/G bit; all ones have it too
        raise MalformedCode(
            "a group (multicast) address, which names no single device",
            hint="the second digit of a device's own address is even",
            scheme=scheme,
        )
    return nibbles


def _eui48(text: str) -> str | None:
    return checked_address(text, "eui48") if _EUI48(text) else None


def _eui64(text: str) -> str | None:
    found = _BARE_64(text) or _SEPARATED_64(text)
    return checked_address(text, "eui64") if found else None


def _deveui(text: str) -> str | None:
    return checked_address(text, "deveui") if _BARE_64(text) else None


def _named_deveui(text: str) -> str | None:
    found = _BARE_64(text) or _SEPARATED_64(text)
    return checked_address(text, "deveui") if found else None


def address_prefix(scheme: str, prefix: str, longest: int) -> Segments:
    """The segments of a block of addresses: at least the 6 nibbles of an OUI."""
    if not _NIBBLES(prefix) or len(prefix) > longest:
        hint = f"6 to {longest} hexadecimal digits in lower case, like {scheme}:0024be"
        raise malformed_prefix(scheme, prefix, hint)
    if int(prefix[1], 16) & 1:
        raise malformed_prefix(scheme, prefix, "a block of group addresses holds no device")
    return ("eui", *prefix)


SCHEMES = (
    Scheme(
        name="eui48",
        title="EUI-48 (MAC address)",
        example="001b44113ab7",
        check="group bit 0; not all zeros",
        canonical="12 hexadecimal digits in lower case",
        starts=_HEX,
        recognize=_eui48,
        segments=lambda value: ("eui", *value),
        # A prefix stands in the ledger in clear: IEEE's smallest block (MA-S) has 9 digits.
        prefix=lambda prefix: address_prefix("eui48", prefix, 9),
        namespace="eui",
        minimal_depth=7,
        committed=True,
    ),
    Scheme(
        name="eui64",
        title="EUI-64",
        example="0024befffe804ff1",
        check="group bit 0; not all zeros",
        canonical="16 hexadecimal digits in lower case",
        starts=_HEX,
        recognize=_eui64,
        segments=lambda value: ("eui", *value),
        prefix=lambda prefix: address_prefix("eui64", prefix, 16),
        namespace="eui",
        minimal_depth=7,
    ),
    Scheme(
        name="deveui",
        title="LoRaWAN DevEUI",
        example="70b3d57ed0001234",
        check="group bit 0; not all zeros",
        canonical="16 hexadecimal digits in lower case",
        starts=_HEX,
        recognize=_deveui,
        named=_named_deveui,
        segments=lambda value: ("eui", *value),
        prefix=lambda prefix: address_prefix("deveui", prefix, 16),
        namespace="eui",
        minimal_depth=7,
    ),
)
