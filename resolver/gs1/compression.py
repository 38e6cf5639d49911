"""Compressed Digital Links: a URI of which the path is bits in base64url.

    >>> decompress("DBHfrQEdS02wbmE4AA")
    >>> compress([("01", "09506000134352"), ("21", "M-0017")])

Bits come as pairs of a key and a value, until fewer than six are left, which are zero. A key is the
digits of an application identifier, 4 bits each, or two hexadecimal digits that stand for several
at once (`SEQUENCES`), or 1111 and a key of its own that is none of GS1's. Digits of a value are one
binary number; other text says in 3 bits how it is written. GS1 Digital Link: Compression 1.0.

Stricter than the toolkits of the field: what is left at the end must be zero, and a value keeps the
zeros that it begins with. Those toolkits write a sequence in the ascending order of identifiers,
and not in that of the standard's table: two orders, for 1A and 9D. So do we. Both are read; what
would read as two things is refused. Raises MalformedCode for whatever does not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import ceil, log2
from typing import Final

from identity.errors import MalformedCode
from resolver.gs1.formats import Part, digits_of, format_of
from resolver.schemes import check_digits

Pair = tuple[str, str]

MOST_CHARACTERS: Final = 1_024
"""Of a compressed path."""
MOST_PAIRS: Final = 32
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_BASE64 = re.compile("[A-Za-z0-9_-]{1,1024}").fullmatch
_HEXADECIMAL: Final = "0123456789ABCDEF"
_TEXT = re.compile('[!"%-?A-Z_a-z]*').fullmatch  # GS1 General Specifications, figure 7.11-1
_DATE = re.compile("[0-9]{2}(0[1-9]|1[0-2])([0-2][0-9]|3[01])").fullmatch
_OTHER_TEXT = re.compile("[!-~ ]*").fullmatch


def _sequences() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {
        code: ("01", *rest.split())
        for code, rest in (
            *(("0A", "22"), ("0B", "10"), ("0C", "21"), ("0D", "17"), ("0E", "7003"), ("0F", "30")),
            *(("1A", "10 21 17"), ("1B", "15"), ("1C", "11"), ("1D", "16"), ("1E", "91")),
            ("1F", "10 15"),
            *((f"2{'ABCDEF'[n]}", f"310{n}") for n in range(6)),
            *((f"3{'ABCDEF'[n]}", f"320{n}") for n in range(6)),
            *((f"A{n}", f"392{n}") for n in range(10)),
        )
    }
    found |= {"9A": ("8010", "8011"), "9B": ("8017", "8019"), "9C": ("8018", "8019")}
    found |= {"9D": ("414", "254")}
    found |= {f"C{n}": ("255", f"390{n}") for n in range(10)}
    return found | {f"C{'ABCD'[n]}": ("255", f"394{n}") for n in range(4)}


SEQUENCES: Final = _sequences()
"""Two hexadecimal digits that stand for several application identifiers in a row."""


@lru_cache(maxsize=256)
def _bits_of_digits(digits: int) -> int:
    """Bits of so many decimal digits as one number; the formula of the standard, with 1 for 0."""
    return ceil(digits * log2(10) + 0.01)


@lru_cache(maxsize=256)
def _bits_of_length(most: int) -> int:
    """Bits that tell how many characters follow, of at most so many."""
    return ceil(log2(most) + 0.01)


class _Bits:
    """Bits that are read from the left."""

    def __init__(self, text: str) -> None:
        self._number = 0
        for character in text:
            self._number = self._number << 6 | _ALPHABET.index(character)
        self.left = 6 * len(text)

    def take(self, count: int) -> int:
        """The next bits as a number."""
        if count > self.left:
            raise _malformed("it ends within a value")
        self.left -= count
        return self._number >> self.left & ((1 << count) - 1)

    def padding(self) -> bool:
        """Whether all that is left are the zeros that fill the last character."""
        return self.left < 6 and not self._number & ((1 << self.left) - 1)


def _malformed(detail: str) -> MalformedCode:
    return MalformedCode(f"not a compressed Digital Link: {detail}", hint="scan the label again")


def decompress(text: str) -> list[Pair]:
    """The keys and values of a compressed path, in their order. Raises MalformedCode."""
    if not _BASE64(text):
        raise _malformed("base64url is expected, without padding")
    try:
        found = _decompressed(text, ascending=True)
    except MalformedCode:
        return _decompressed(text, ascending=False)
    if not {"21", "254"} & {name for name, _ in found}:
        return found
    try:
        other = _decompressed(text, ascending=False)
    except MalformedCode:
        return found
    if sorted(other) == sorted(found):
        return found
    likely = [pairs for pairs in (found, other) if _likely(pairs)]
    if len(likely) != 1:
        raise _malformed("it reads as two different things")
    return likely[0]


def _likely(pairs: Sequence[Pair]) -> bool:
    """Whether dates are dates, and a location has its check digit."""
    values = dict(pairs)
    dates = (values[name] for name in ("11", "12", "13", "15", "16", "17") if name in values)
    gln = values.get("414")
    return all(_DATE(date) for date in dates) and (
        gln is None or check_digits.gs1(gln[:-1]) == gln[-1]
    )


def _decompressed(text: str, *, ascending: bool) -> list[Pair]:
    bits = _Bits(text)
    found: list[Pair] = []
    while not bits.padding():
        high, low = bits.take(4), bits.take(4)
        if high == 15:
            found.append(_other(bits, low))
        else:
            keys = _names(bits, f"{high:X}{low:X}")
            keys = tuple(sorted(keys)) if ascending else keys
            found += [(key, _value(bits, key)) for key in keys]
        if len(found) > MOST_PAIRS:
            raise _malformed(f"more than {MOST_PAIRS} values")
    names = [name for name, _ in found]
    if not found or len(set(names)) != len(names):
        raise _malformed("a value stands twice, or there is none")
    return found


def _names(bits: _Bits, first: str) -> tuple[str, ...]:
    if not first.isdigit():
        if first not in SEQUENCES:
            raise _malformed("an unknown sequence of identifiers")
        return SEQUENCES[first]
    name = first
    while len(name) < digits_of(first):
        digit = bits.take(4)
        if digit > 9:
            raise _malformed("identifiers are digits")
        name += str(digit)
    return (name,)


def _value(bits: _Bits, name: str) -> str:
    parts = format_of(name)
    if parts is None:
        raise _malformed("an identifier that is unknown here")
    value = "".join(_part(bits, part) for part in parts)
    if not value or not _TEXT(value):
        raise _malformed("a value of characters that GS1 does not allow")
    return value


def _part(bits: _Bits, part: Part) -> str:
    if part.numeric:
        length = part.length if part.fixed else bits.take(_bits_of_length(part.length))
        return _digits(bits, _within(length, part))
    encoding = bits.take(3)
    length = part.length if part.fixed else bits.take(_bits_of_length(part.length))
    return _characters(bits, encoding, _within(length, part))


def _within(length: int, part: Part) -> int:
    if length > part.length:
        raise _malformed("a value that is too long")
    return length


def _digits(bits: _Bits, length: int) -> str:
    number = str(bits.take(_bits_of_digits(length)))
    if not length:
        if number != "0":
            raise _malformed("digits where there are none")
        return ""
    if len(number) > length:
        raise _malformed("more digits than it says")
    return number.zfill(length)


def _characters(bits: _Bits, encoding: int, length: int) -> str:
    if encoding == 0:
        return _digits(bits, length)
    if encoding in (1, 2):
        text = "".join(_HEXADECIMAL[bits.take(4)] for _ in range(length))
        return text.lower() if encoding == 1 else text
    if encoding == 3:
        return "".join(_ALPHABET[bits.take(6)] for _ in range(length))
    if encoding == 4:
        return "".join(chr(bits.take(7)) for _ in range(length))
    raise _malformed("an unknown way to write text")


def _other(bits: _Bits, high: int) -> Pair:
    """A key that is none of GS1's, and its value."""
    length = high << 3 | bits.take(3)
    key = "".join(_ALPHABET[bits.take(6)] for _ in range(length))
    encoding = bits.take(3)
    value = _characters(bits, encoding, bits.take(7))
    if not key or key.isdigit() or not _OTHER_TEXT(value):
        raise _malformed("a key or value that does not belong in a query")
    return key, value


def compress(pairs: Sequence[Pair]) -> str:
    """The compressed path of keys and values: the longest sequences first, then what is left in the
    order of the identifiers, then other keys as they come. Raises MalformedCode."""
    values = {name: value for name, value in pairs if name.isdigit()}
    left, bits = sorted(values), ""
    for code, names in sorted(SEQUENCES.items(), key=lambda one: -len("".join(one[1]))):
        if set(names) <= set(left):
            left = [name for name in left if name not in names]
            row = (_value_bits(name, values[name]) for name in sorted(names))
            bits += _nibbles(code) + "".join(row)
    for name in left:
        bits += _nibbles(name) + _value_bits(name, values[name])
    for name, value in pairs:
        if not name.isdigit():
            bits += _other_bits(name, value)
    bits += "0" * (-len(bits) % 6)
    return "".join(_ALPHABET[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))


def _nibbles(text: str) -> str:
    return "".join(f"{int(digit, 16):04b}" for digit in text)


def _number_bits(digits: str) -> str:
    return f"{int(digits or '0'):0{_bits_of_digits(len(digits))}b}"


def _value_bits(name: str, value: str) -> str:
    parts = format_of(name)
    if parts is None or not value:
        raise _malformed(f"({name[:8]}) is unknown here, or empty")
    bits = ""
    for part in parts:
        piece = value[: part.length]
        value = value[len(piece) :]
        if (part.numeric and not (piece + "0").isdigit()) or (
            part.fixed and len(piece) < part.length
        ):
            raise _malformed(f"({name}) has not its form")
        length = "" if part.fixed else f"{len(piece):0{_bits_of_length(part.length)}b}"
        bits += length + _number_bits(piece) if part.numeric else _text_bits(piece, length)
    if value:
        raise _malformed(f"({name}) is too long")
    return bits


def _text_bits(text: str, length: str) -> str:
    if re.fullmatch("[0-9]+", text):
        return f"000{length}{_number_bits(text)}"
    if re.fullmatch("[0-9A-F]+", text):
        return f"010{length}{_nibbles(text)}"
    if re.fullmatch("[0-9a-f]+", text):
        return f"001{length}{_nibbles(text)}"
    if re.fullmatch("[A-Za-z0-9_-]+", text):
        return f"011{length}" + _each(map(_ALPHABET.index, text), 6)
    if not text.isascii():
        raise _malformed("text that is not ASCII")
    return f"100{length}" + _each(map(ord, text), 7)


def _each(numbers: Iterable[int], width: int) -> str:
    return "".join(f"{number:0{width}b}" for number in numbers)


def _other_bits(name: str, value: str) -> str:
    if not re.fullmatch("[A-Za-z0-9_-]{1,127}", name) or len(value) > 127:
        raise _malformed("a key or value that cannot be compressed")
    key = _each(map(_ALPHABET.index, name), 6)
    return f"1111{len(name):07b}{key}" + _text_bits(value, f"{len(value):07b}")
