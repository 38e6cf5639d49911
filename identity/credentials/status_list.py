"""Bitstring Status List 1.0: whether a credential was revoked or suspended, among many others.

    revoked = new_list("revocation")
    index = draw_index(taken, revoked.length, secrets.randbelow)
    revoked.set(index, 1)
    unsigned = list_credential(revoked, url=url, issuer=did, valid_from=…, valid_until=…)
    status_of(entry(url, index, "revocation"), signed, issuer=did)   # Status("revocation", 1, …)

A list has at least 131,072 entries whatever it is used for, and the places in it are drawn at
random, so that fetching it and knowing a place in it says little. A place is never given out twice.
The proof and the time of a list are checked where credentials are (credential.py).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from identity.credentials.members import BASE_CONTEXT, identifier_of, is_url, refuse
from identity.errors import InputTooLarge, MalformedCredential, MalformedInput, StatusUnknown
from identity.multibase import base64url_decode, base64url_encode

SMALLEST = 131_072
"""Entries that a list has at least (section 3.2)."""
MOST_BYTES = 4 * 1024 * 1024
"""Bytes to which an encoded list is expanded at most, whatever it claims."""
MOST_BITS = 8
"""Bits of one entry that are read here."""
MOST_ENTRIES = 8
"""Entries of one credential: each takes a list, and its signature, to be looked at."""
LIST_TYPE = "BitstringStatusListCredential"
ENTRY_TYPE = "BitstringStatusListEntry"

# gzip (RFC 1952) without name or time; the operating system is 3, as zlib writes it on Unix.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,8}", re.ASCII)
_DRAWS = 64


class Status(NamedTuple):
    """What a list says about one entry."""

    purpose: str
    value: int
    message: str
    """The message of that value; `set` or `unset` where the entry has none."""


class StatusList:
    """The statuses of `length` entries, `size` bits each; entry 0 is the left-most."""

    __slots__ = ("_bits", "purposes", "size")

    def __init__(self, bits: bytes, purposes: Sequence[str], size: int = 1) -> None:
        self._bits = bytearray(bits)
        self.purposes = tuple(purposes)
        self.size = size

    @property
    def length(self) -> int:
        """How many entries there are."""
        return len(self._bits) * 8 // self.size

    def get(self, index: int) -> int:
        """The value of one entry. Raises StatusUnknown beyond the list."""
        first = self._first_bit(index)
        value = 0
        for bit in range(first, first + self.size):
            value = value << 1 | self._bits[bit >> 3] >> (7 - (bit & 7)) & 1
        return value

    def set(self, index: int, value: int) -> None:
        """Raises StatusUnknown beyond the list, MalformedInput for more than `size` bits."""
        first = self._first_bit(index)
        if not 0 <= value < 1 << self.size:
            raise MalformedInput(f"{value} does not fit into {self.size} bits")
        for place in range(self.size):
            bit = first + place
            mask = 0x80 >> (bit & 7)
            if value >> (self.size - 1 - place) & 1:
                self._bits[bit >> 3] |= mask
            else:
                self._bits[bit >> 3] &= ~mask

    def encoded(self) -> str:
        """`encodedList`: the same bits give the same text."""
        return encode(bytes(self._bits))

    def _first_bit(self, index: int) -> int:
        if not 0 <= index < self.length:
            raise StatusUnknown(f"entry {index} of a status list of {self.length}")
        return index * self.size


def new_list(purpose: str | Sequence[str], length: int = SMALLEST, size: int = 1) -> StatusList:
    """A list in which nothing is set. Raises MalformedInput for fewer than 131,072 entries."""
    if length < SMALLEST or length % 8:
        raise MalformedInput(f"a status list has {SMALLEST} entries or more, a multiple of 8")
    if not 1 <= size <= MOST_BITS:
        raise MalformedInput(f"an entry has 1 to {MOST_BITS} bits")
    purposes = [purpose] if isinstance(purpose, str) else purpose
    return StatusList(bytes(length * size // 8), purposes, size)


def draw_index(taken: Collection[int], length: int, below: Callable[[int], int]) -> int:
    """A place that is not taken, each as likely as any other.

    `below(n)` gives a random number from 0 to n - 1, as `secrets.randbelow` does. Raises
    InputTooLarge where the list is full.
    """
    for _ in range(_DRAWS):
        index = below(length)
        if index not in taken:
            return index
    free = [index for index in range(length) if index not in taken]
    if not free:
        raise InputTooLarge("every place of the status list is taken", hint="begin another list")
    return free[below(len(free))]


def encode(bits: bytes) -> str:
    """Multibase base64url of the gzip of a bit string (section 3.3)."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(bits) + packer.flush()
    tail = zlib.crc32(bits).to_bytes(4, "little") + (len(bits) & 0xFFFFFFFF).to_bytes(4, "little")
    return "u" + base64url_encode(_GZIP_HEADER + body + tail)


def decode(text: object) -> bytes:
    """The bit string behind an `encodedList` (section 3.4). Raises MalformedCredential.

    No more than 4 MiB are expanded: what would be longer is refused.
    """
    if not isinstance(text, str) or not text.startswith("u"):
        raise _malformed("encodedList is not base64url multibase, which begins with u")
    try:
        packed = base64url_decode(text[1:])
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        bits = unpacker.decompress(packed, MOST_BYTES + 1)
    except MalformedInput as refusal:
        raise _malformed(f"encodedList: {refusal.detail}") from None
    except zlib.error:
        raise _malformed("encodedList is not gzip") from None
    if len(bits) > MOST_BYTES:
        raise _malformed(f"encodedList expands to more than {MOST_BYTES} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise _malformed("encodedList is not one whole gzip member")
    return bits


def entry(
    url: str,
    index: int,
    purpose: str,
    *,
    messages: Sequence[str] | None = None,
    reference: str | list[str] | None = None,
) -> dict[str, Any]:
    """What goes into `credentialStatus` (section 2.1). `messages` of 2, 4, 8 … values."""
    made: dict[str, Any] = {
        "type": ENTRY_TYPE,
        "statusPurpose": purpose,
        "statusListIndex": str(index),
        "statusListCredential": url,
    }
    if messages is not None:
        made["statusSize"] = (len(messages) - 1).bit_length()
        made["statusMessage"] = [
            {"status": hex(value), "message": text} for value, text in enumerate(messages)
        ]
    if reference is not None:
        made["statusReference"] = reference
    check_entry(made, "/credentialStatus")
    return made


def list_credential(
    status_list: StatusList,
    *,
    url: str,
    issuer: str,
    valid_from: str | None = None,
    valid_until: str | None = None,
    ttl: int | None = None,
) -> dict[str, Any]:
    """The list as a credential, not signed yet (section 2.2). `ttl` in milliseconds."""
    subject: dict[str, Any] = {
        "id": f"{url}#list",
        "type": "BitstringStatusList",
        "statusPurpose": (
            status_list.purposes[0]
            if len(status_list.purposes) == 1
            else list(status_list.purposes)
        ),
        "encodedList": status_list.encoded(),
    }
    if ttl is not None:
        subject["ttl"] = ttl
    made: dict[str, Any] = {
        "@context": [BASE_CONTEXT],
        "id": url,
        "type": ["VerifiableCredential", LIST_TYPE],
        "issuer": issuer,
        "credentialSubject": subject,
    }
    if valid_from is not None:
        made["validFrom"] = valid_from
    if valid_until is not None:
        made["validUntil"] = valid_until
    return made


def check_entry(value: Mapping[str, Any], pointer: str) -> None:
    """The form of a BitstringStatusListEntry (section 2.1). Raises MalformedCredential."""
    if value.get("type") != ENTRY_TYPE:
        raise refuse(f"the type is {ENTRY_TYPE}", f"{pointer}/type")
    if not isinstance(value.get("statusPurpose"), str) or not value["statusPurpose"]:
        raise refuse("statusPurpose is a string", f"{pointer}/statusPurpose")
    index = value.get("statusListIndex")
    if not isinstance(index, str) or not _INDEX.fullmatch(index):
        raise refuse("statusListIndex is a whole number, as a string", f"{pointer}/statusListIndex")
    url = value.get("statusListCredential")
    if not is_url(url):
        raise refuse("statusListCredential is a URL", f"{pointer}/statusListCredential")
    if value.get("id") == url:
        raise refuse("the id of an entry is not the URL of the list", f"{pointer}/id")
    if "statusReference" in value:
        reference = value["statusReference"]
        urls = reference if isinstance(reference, list) else [reference]
        if not urls or not all(map(is_url, urls)):
            raise refuse("statusReference is a URL or several", f"{pointer}/statusReference")
    _check_messages(value, pointer)


def _check_messages(value: Mapping[str, Any], pointer: str) -> None:
    size = value.get("statusSize", 1)
    if type(size) is not int or not 1 <= size <= MOST_BITS:
        raise refuse(f"statusSize is 1 to {MOST_BITS}", f"{pointer}/statusSize")
    if "statusMessage" not in value:
        if size > 1 or value["statusPurpose"] == "message":
            raise refuse("statusMessage is missing", f"{pointer}/statusMessage")
        return
    messages = value["statusMessage"]
    pointer = f"{pointer}/statusMessage"
    if not isinstance(messages, list) or len(messages) != 1 << size:
        raise refuse(f"statusMessage has {1 << size} elements for {size} bits", pointer)
    seen = set()
    for place, message in enumerate(messages):
        status = message.get("status") if isinstance(message, dict) else None
        if not isinstance(status, str) or not _HEXADECIMAL.fullmatch(status):
            raise refuse("status is a hexadecimal number with 0x", f"{pointer}/{place}/status")
        if not isinstance(message.get("message"), str):
            raise refuse("message is a string", f"{pointer}/{place}/message")
        seen.add(int(status, 16))
    if seen != set(range(1 << size)):
        raise refuse("each value has one message", pointer)


def read_list(credential: Mapping[str, Any], size: int = 1) -> StatusList:
    """The list in a credential of checked form (section 2.2), with `size` bits for an entry.

    Raises MalformedCredential.
    """
    types = credential["type"]
    if LIST_TYPE not in (types if isinstance(types, list) else [types]):
        raise refuse(f"the type does not include {LIST_TYPE}", "/type")
    subject = credential["credentialSubject"]
    if not isinstance(subject, dict) or subject.get("type") != "BitstringStatusList":
        raise refuse("the subject is one BitstringStatusList", "/credentialSubject/type")
    named = subject.get("statusPurpose")
    purposes: list[Any] = named if isinstance(named, list) else [named]
    if not purposes or not all(isinstance(purpose, str) and purpose for purpose in purposes):
        raise refuse("statusPurpose is one or more strings", "/credentialSubject/statusPurpose")
    ttl = subject.get("ttl", 0)
    if type(ttl) is not int or ttl < 0:
        raise refuse("ttl is a number of milliseconds", "/credentialSubject/ttl")
    bits = decode(subject.get("encodedList"))
    if len(bits) * 8 // size < SMALLEST:
        raise _malformed(f"a status list has {SMALLEST} entries or more")
    return StatusList(bits, purposes, size)


def status_of(
    entry: Mapping[str, Any], list_credential: Mapping[str, Any], *, issuer: str
) -> Status:
    """What a list says about an entry (section 3.2). The list's proof and time are the caller's.

    The list has to be of that issuer: the standard allows another, of which a verifier would have
    to be told. Raises StatusUnknown where the two do not belong together.
    """
    if identifier_of(list_credential["issuer"]) != issuer:
        raise StatusUnknown("the status list is of another issuer", pointer="/issuer")
    if list_credential.get("id", entry["statusListCredential"]) != entry["statusListCredential"]:
        raise StatusUnknown("this is another status list than the one named", pointer="/id")
    size = entry.get("statusSize", 1)
    try:
        statuses = read_list(list_credential, size)
    except MalformedCredential as refusal:
        raise StatusUnknown(f"the status list: {refusal.detail}", pointer=refusal.pointer) from None
    purpose = entry["statusPurpose"]
    if purpose not in statuses.purposes:
        raise StatusUnknown(
            f"the status list is not for {purpose[:64]!r}",
            pointer="/credentialSubject/statusPurpose",
        )
    value = statuses.get(int(entry["statusListIndex"]))
    return Status(purpose, value, _message(entry, value))


def _message(entry: Mapping[str, Any], value: int) -> str:
    for message in entry.get("statusMessage", []):
        if int(message["status"], 16) == value:
            return str(message["message"])
    return "set" if value else "unset"


def _malformed(detail: str) -> MalformedCredential:
    return refuse(detail, "/credentialSubject/encodedList")
