"""Electronic product codes: what an RFID tag holds for a GTIN with a serial, a GRAI or a GIAI.

    3074257BF7194E4000001A85                      the memory of a tag, SGTIN-96
    urn:epc:tag:sgtin-96:3.0614141.812345.6789    the same with its filter value
    urn:epc:id:sgtin:0614141.812345.6789          the same without

All three stand for (01)80614141123458(21)6789: what a reader filters by, and how long the company
prefix is, does not belong to the identity. GS1 EPC Tag Data Standard (TDS) 1.13, sections 6, 12 and
14; the encodings that TDS 2 added (SGTIN+ and the like) are not read.

    >>> from_memory("3074257BF7194E4000001A85")
    Key(ai='01', value='80614141123458', qualifiers=(('21', '6789'),))
    >>> to_memory(from_memory("3074257BF7194E4000001A85"), company=7, filter_value=3)
    '3074257BF7194E4000001A85'
"""

from __future__ import annotations

import re
from typing import NamedTuple

from identity.errors import MalformedCode
from resolver.schemes import check_digits
from resolver.schemes.gs1_syntax import Key, checked_key, checked_qualifiers
from resolver.schemes.plain_text import percent_decoded

# TDS 14.3: bits and digits of the company prefix by partition value. What is left of the 44 bits
# (13 digits of a GTIN, 12 of a GRAI) is the item's or asset type's.
_PARTITIONS = ((40, 12), (37, 11), (34, 10), (30, 9), (27, 8), (24, 7), (20, 6))


class _Coding(NamedTuple):
    """A binary coding scheme of TDS 14."""

    name: str
    header: int
    bits: int
    digits: int
    """Of company prefix and reference together; 0 where the rest of the tag is the reference."""
    text: int
    """How many characters of 7 bits the serial has; 0 for one whole number."""


_CODINGS = (
    _Coding("sgtin-96", 0x30, 96, 13, 0),
    _Coding("sgtin-198", 0x36, 198, 13, 20),
    _Coding("grai-96", 0x33, 96, 12, 0),
    _Coding("grai-170", 0x37, 170, 12, 16),
    _Coding("giai-96", 0x34, 96, 0, 0),
    _Coding("giai-202", 0x38, 202, 0, 26),
)
_BY_HEADER = {coding.header: coding for coding in _CODINGS}
_BY_NAME = {coding.name: coding for coding in _CODINGS}
_HEX = re.compile("3[034678][0-9A-Fa-f]{22,50}").fullmatch
_URN = re.compile("urn:epc:(id|tag|raw|class|idpat):(.+)", re.IGNORECASE).fullmatch
_RAW = re.compile(r"[0-9]{2,3}\.x([0-9A-Fa-f]+)").fullmatch
_ZERO_FIRST = re.compile("0[0-9]+").fullmatch


def memory_coding(text: str) -> str | None:
    """The name of the coding whose tag memory the text has the shape of."""
    if not _HEX(text):
        return None
    coding = _BY_HEADER.get(int(text[:2], 16))
    # Readers fill up to whole bytes or to whole words of 16 bits.
    fits = coding is not None and coding.bits <= 4 * len(text) <= -(-coding.bits // 16) * 16
    return coding.name if coding is not None and fits else None


def from_memory(text: str) -> Key | None:
    """The key in a tag's memory, hexadecimal; None if it has no shape of one. InvalidIdentifier."""
    name = memory_coding(text)
    if name is None:
        return None
    coding = _BY_NAME[name]
    size = 4 * len(text)
    number = int(text, 16)
    if number & ((1 << (size - coding.bits)) - 1):
        raise _malformed(f"the bits after the {coding.bits} of {name} are not zero")

    def field(at: int, width: int) -> int:
        return number >> (size - at - width) & ((1 << width) - 1)

    partition = field(11, 3)
    if partition >= len(_PARTITIONS):
        raise _malformed(f"partition {partition} of {name} is not defined")
    bits, digits = _PARTITIONS[partition]
    parts = [_decimal(field(14, bits), digits, name)]
    at = 14 + bits
    if coding.digits:
        parts.append(_decimal(field(at, 44 - bits), coding.digits - digits, name))
        at = 14 + 44
    if coding.text:
        most = min(coding.text, (coding.bits - at) // 7)
        parts.append(_text([field(at + 7 * n, 7) for n in range(most)], name))
    else:
        parts.append(str(field(at, coding.bits - at)))
    return _key(name.partition("-")[0], parts)


def from_urn(text: str) -> Key | None:
    """The key of an EPC URN; None if it is none. InvalidIdentifier (TDS 6.3, 12)."""
    match = _URN(text)
    if not match:
        return None
    kind, body = match[1].lower(), match[2]
    if kind == "raw":
        raw = _RAW(body)
        key = from_memory(raw[1]) if raw else None
        if key is None:
            raise _malformed("no tag memory of an SGTIN, a GRAI or a GIAI")
        return key
    name, _, rest = body.partition(":")
    name = name.lower()
    if kind == "tag":
        coding = _BY_NAME.get(name)
        if coding is None or not re.match(r"[0-7]\.", rest):
            raise _malformed("no tag of an SGTIN, a GRAI or a GIAI")
        parts = _split(rest[2:], 3 if coding.digits else 2)
        if not coding.text and _ZERO_FIRST(parts[-1]):
            raise _malformed(f"a serial of {name} is a number and has no leading zeros")
        return _key(name.partition("-")[0], parts)
    known = {"id": ("sgtin", "grai", "giai"), "class": ("lgtin",), "idpat": ("sgtin",)}[kind]
    if name not in known:
        raise _malformed(f"urn:epc:{kind}:{name[:16]} names no device")
    parts = _split(rest, 2 if name == "giai" else 3)
    return _key("gtin" if kind == "idpat" else name, parts)


def _split(text: str, count: int) -> list[str]:
    """The fields of a URN: the last one may hold dots."""
    return [percent_decoded(part) for part in text.split(".", count - 1)]


def _key(kind: str, parts: list[str]) -> Key:
    company, *rest = parts
    if not re.fullmatch("[0-9]{6,12}", company) or len(parts) != (2 if kind == "giai" else 3):
        raise _malformed("the company prefix must have 6 to 12 digits, the rest follows with dots")
    if kind == "giai":
        return checked_key("8004", company + rest[0])
    reference, serial = rest
    size = 12 if kind == "grai" else 13
    if not re.fullmatch("[0-9]*", reference) or len(company) + len(reference) != size:
        raise MalformedCode(
            f"not an {kind.upper()}: company prefix and reference must have {size} digits together",
            hint="it looks like urn:epc:id:sgtin:9506000.013435.SERIAL",
        )
    if kind == "grai":
        payload = company + reference
        return checked_key("8003", f"0{payload}{check_digits.gs1(payload)}{serial}")
    payload = reference[0] + company + reference[1:]
    gtin = payload + check_digits.gs1(payload)
    if kind == "gtin":
        if serial != "*":
            raise _malformed("a pattern that names one item")
        return checked_key("01", gtin)
    qualifiers = checked_qualifiers([("10" if kind == "lgtin" else "21", serial)])
    return checked_key("01", gtin, qualifiers)


def _decimal(number: int, digits: int, name: str) -> str:
    text = f"{number:0{digits}d}" if digits else ""
    if len(text) > digits or (not digits and number):
        raise _malformed(f"a field of {name} is larger than its partition allows")
    return text


def _text(codes: list[int], name: str) -> str:
    """Characters of 7 bits up to the first zero, after which only zeros stand (TDS 14.4.2)."""
    end = codes.index(0) if 0 in codes else len(codes)
    if any(codes[end:]) or not end:
        raise _malformed(f"the serial of {name} is empty or goes on after its end")
    return "".join(map(chr, codes[:end]))


def _malformed(detail: str) -> MalformedCode:
    return MalformedCode(detail, hint="read the tag again")


def to_memory(key: Key, *, company: int, filter_value: int = 0) -> str:
    """The hexadecimal memory of a tag that holds the key, in the shortest coding that can.

    `company` is the number of digits of its company prefix. MalformedCode where no coding can: a
    key without a serial, one with another qualifier.
    """
    if not 6 <= company <= 12 or not 0 <= filter_value <= 7:
        raise MalformedCode("a company prefix has 6 to 12 digits, a filter value is 0 to 7")
    kind, prefix, reference, serial = _fields(key, company)
    number = serial.isdigit() and not _ZERO_FIRST(serial)
    short, long = (_BY_NAME[c.name] for c in _CODINGS if c.name.startswith(kind))
    partition = 12 - company
    bits, _ = _PARTITIONS[partition]
    fixed = 44 if short.digits else bits
    coding = short if number and int(serial) < 1 << (short.bits - 14 - fixed) else long
    value = (coding.header << 3 | filter_value) << 3 | partition
    value = value << bits | int(prefix)
    if coding.digits:
        value = value << (44 - bits) | int(reference or "0")
    width = coding.bits - 14 - fixed
    if coding.text:
        packed = 0
        for character in serial:
            packed = packed << 7 | ord(character)
        tail = packed << (width - 7 * len(serial))
    else:
        tail = int(serial)
    value = value << width | tail
    size = -(-coding.bits // 16) * 16
    return f"{value << (size - coding.bits):0{size // 4}X}"


def _fields(key: Key, company: int) -> tuple[str, str, str, str]:
    if key.ai == "8004":
        found = ("giai", key.value[:company], "", key.value[company:])
    elif key.ai == "8003":
        found = ("grai", key.value[1 : 1 + company], key.value[1 + company : 13], key.value[14:])
    else:
        serial = dict(key.qualifiers).get("21", "")
        digits = key.value[1:13]
        found = ("sgtin", digits[:company], key.value[0] + digits[company:], serial)
    if not found[1].isdigit() or len(found[1]) != company or not found[3]:
        raise MalformedCode("a tag holds a serial", hint="a GTIN with (21), a GRAI with a serial")
    return found
