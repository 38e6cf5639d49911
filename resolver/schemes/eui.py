"""EUI-48, EUI-64 and DevEUI: hexadecimal addresses out of blocks that IEEE assigns.

Whoever holds a block may make both lengths from it, so all share the namespace `eui`, one segment
a nibble. A LoRaWAN DevEUI is an EUI-64, and `urn:dev:mac:` spells either (RFC 9039, 4.1): each
address has one canonical form. An EUI-64 with fffe or ffff in its middle is an EUI-48, as RFC 9039
and IEEE wrote one before; IEEE assigns no other address like that. An EUI-48 is a radio identity
that follows people about, so only commitments to it reach the ledger, whichever way it is spelled.

    >>> canonical("eui64", "00-24-BE-01-23-80-4F-F1")
    '0024be0123804ff1'
    >>> canonical("eui48", "urn:dev:mac:0024befffe804ff1")
    '0024be804ff1'
"""

from __future__ import annotations

import re

from identity.errors import MalformedCode
from resolver.schemes import samples
from resolver.schemes.scheme import Code, Samples, Scheme, Segments, malformed_prefix

_PAIR = "[0-9A-Fa-f]{2}"
_QUAD = "[0-9A-Fa-f]{4}"
_EUI48 = re.compile(
    rf"[0-9A-Fa-f]{{12}}|{_PAIR}([:-])(?:{_PAIR}\1){{4}}{_PAIR}|(?:{_QUAD}\.){{2}}{_QUAD}"
).fullmatch
_BARE_64 = re.compile("[0-9A-Fa-f]{16}").fullmatch
_SEPARATED_64 = re.compile(
    rf"{_PAIR}([:-])(?:{_PAIR}\1){{6}}{_PAIR}|(?:{_QUAD}\.){{3}}{_QUAD}"
).fullmatch
_URN = re.compile("[Uu][Rr][Nn]:[Dd][Ee][Vv]:mac:([0-9A-Fa-f]{16})").fullmatch
_EMBEDDED = re.compile("[0-9a-f]{6}fff[ef][0-9a-f]{6}").fullmatch
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


def embedded(nibbles: str) -> bool:
    """Whether an EUI-64, in lower case without separators, is an EUI-48 in disguise."""
    return _EMBEDDED(nibbles) is not None


def _of_64(text: str) -> str | None:
    """The sixteen digits in any spelling, in lower case; None if it is none."""
    if urn := _URN(text):
        return urn[1].lower()
    found = _BARE_64(text) or _SEPARATED_64(text)
    return text.replace(":", "").replace("-", "").replace(".", "").lower() if found else None


def _eui48(text: str) -> str | None:
    if _EUI48(text):
        return checked_address(text, "eui48")
    nibbles = _of_64(text)
    if nibbles is None or not embedded(nibbles):
        return None
    return checked_address(nibbles[:6] + nibbles[10:], "eui48")


def _eui64(text: str) -> str | None:
    nibbles = _of_64(text)
    if nibbles is None or embedded(nibbles):
        return None
    return checked_address(nibbles, "eui64")


def named_address(text: str) -> Code | None:
    """An address of 64 bits in any spelling, in the scheme that has its canonical form."""
    if (address := _eui64(text)) is not None:
        return Code("eui64", address)
    if _of_64(text) is not None and (address := _eui48(text)) is not None:
        return Code("eui48", address)
    return None


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
        title="EUI-48 (MAC address), also as an EUI-64 with fffe or ffff in its middle",
        example="001b44113ab7",
        check="group bit 0; not all zeros",
        canonical="12 hexadecimal digits in lower case",
        starts=_HEX + "uU",
        recognize=_eui48,
        segments=lambda value: ("eui", *value),
        # A prefix stands in the ledger in clear: IEEE's smallest block (MA-S) has 9 digits.
        prefix=lambda prefix: address_prefix("eui48", prefix, 9),
        namespace="eui",
        minimal_depth=7,
        committed=True,
        samples=Samples("001b44", lambda n: samples.eui("001b44", n + 1, 12)),
    ),
    Scheme(
        name="eui64",
        title="EUI-64, and the DevEUI of LoRaWAN (`deveui` names it too)",
        example="0024be0123804ff1",
        check="group bit 0; not all zeros",
        canonical="16 hexadecimal digits in lower case",
        starts=_HEX + "uU",
        recognize=_eui64,
        named=named_address,
        also=("deveui",),
        segments=lambda value: ("eui", *value),
        prefix=lambda prefix: address_prefix("eui64", prefix, 16),
        namespace="eui",
        minimal_depth=7,
        samples=Samples("0024be", lambda n: samples.eui("0024be", n + 1)),
    ),
)
