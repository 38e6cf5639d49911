"""DER (X.690, section 10), read strictly and only as far as certificates need it.

    outer = Reader(der)
    fields = outer.enter(SEQUENCE)         # its content, as another Reader
    serial = fields.integer()
    fields.end(); outer.end()              # nothing may be left over

What BER would allow is refused: lengths that are not the shortest, the indefinite length, integers
with spare octets, booleans other than 00 and FF, spare bits that are set, bytes behind the end. No
library decides here what a certificate says, so that an upgrade of one cannot change a replay.
Every refusal is an InvalidCertificate.
"""

from __future__ import annotations

from typing import Final

from identity.errors import InvalidCertificate

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
UTF8_STRING: Final = 0x0C
SEQUENCE: Final = 0x30
SET: Final = 0x31
PRINTABLE_STRING: Final = 0x13
IA5_STRING: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18


class Reader:
    """Values one after the other, out of bytes."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._at = start
        self._end = len(data) if end is None else end

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < self._end

    @property
    def tag(self) -> int | None:
        """The tag of the next value, or None at the end."""
        return self._data[self._at] if self._at < self._end else None

    def _content(self, tag: int) -> tuple[int, int]:
        """Where the content of the next value, which has this tag, begins and ends."""
        data, at = self._data, self._at
        if at + 2 > self._end or data[at] != tag:
            raise InvalidCertificate(f"a DER value with the tag {tag:02x} is expected here")
        length = data[at + 1]
        at += 2
        if length >= 0x80:
            octets = length & 0x7F
            # X.690, 10.1: the definite form, in as few octets as it takes. Nobody needs more than
            # two here, and 0x80 alone would be the indefinite form.
            if not 1 <= octets <= 2 or at + octets > self._end:
                raise InvalidCertificate("a DER length of an impossible form")
            length = int.from_bytes(data[at : at + octets], "big")
            at += octets
            if length < (0x80 if octets == 1 else 0x100):
                raise InvalidCertificate("a DER length that is not the shortest")
        if at + length > self._end:
            raise InvalidCertificate("a DER value that is cut off")
        self._at = at + length
        return at, self._at

    def enter(self, tag: int) -> Reader:
        """The content of the next value, to be read on its own."""
        return Reader(self._data, *self._content(tag))

    def content(self, tag: int) -> bytes:
        """The content of the next value as bytes."""
        start, end = self._content(tag)
        return self._data[start:end]

    def whole(self, tag: int) -> bytes:
        """The next value with its tag and length."""
        began = self._at
        _, end = self._content(tag)
        return self._data[began:end]

    def end(self) -> None:
        """Raises InvalidCertificate where bytes are left over."""
        if self._at < self._end:
            raise InvalidCertificate("DER with bytes that do not belong there")

    def integer(self, tag: int = INTEGER) -> int:
        """An INTEGER in as few octets as it takes (X.690, 8.3.2)."""
        data = self.content(tag)
        spare = len(data) > 1 and (
            (data[0] == 0x00 and data[1] < 0x80) or (data[0] == 0xFF and data[1] >= 0x80)
        )
        if not data or spare:
            raise InvalidCertificate("a DER integer that is not the shortest")
        return int.from_bytes(data, "big", signed=True)

    def boolean(self) -> bool:
        """A BOOLEAN: 00 or FF (X.690, 11.1)."""
        data = self.content(BOOLEAN)
        if data not in (b"\x00", b"\xff"):
            raise InvalidCertificate("a DER boolean that is neither 00 nor FF")
        return data == b"\xff"

    def identifier(self) -> bytes:
        """The content of an OBJECT IDENTIFIER, which has one spelling and is compared as bytes."""
        data = self.content(OBJECT_IDENTIFIER)
        if not data or data[-1] >= 0x80:
            raise InvalidCertificate("a DER object identifier that is cut off")
        for place, octet in enumerate(data):
            if octet == 0x80 and (place == 0 or data[place - 1] < 0x80):
                raise InvalidCertificate("a DER object identifier that is not the shortest")
        return data

    def bits(self, unused: int = 0) -> bytes:
        """The octets of a BIT STRING of whole octets (`unused` 0), or of a list of named bits with
        at most so many unused ones: no bit that is unused is set, the last used one is."""
        data = self.content(BIT_STRING)
        if not data or data[0] > unused or (len(data) == 1 and data[0]):
            raise InvalidCertificate("a DER bit string of an impossible form")
        octets = data[1:]
        # X.690, 11.2: trailing zero bits of a list of named bits are left out.
        low = (1 << (data[0] + 1)) - 1
        if unused and octets and octets[-1] & low != 1 << data[0]:
            raise InvalidCertificate("a DER bit string with bits that do not belong there")
        return octets
