"""Disclosures: values that are committed to on the ledger and travel beside it.

An append-only ledger cannot forget, so numbers, serials, sensitive codes and the content of data
records reach it as salted digests, in the construction of SD-JWT (RFC 9901, section 4.2):

    disclosure = base64url(JSON [salt, name, value])
    digest     = base64url(SHA-256(ASCII(disclosure)))

The name is the JSON pointer of the digest in the operation ("/body/object/serial"), so that a
disclosure cannot be shown for another place; the value is already canonical. Specified in
specs/1-identity.md, "Disclosures".
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from identity.errors import InvalidDisclosure, TetradError
from identity.jcs import canonicalize, parse
from identity.multibase import base64url_decode, base64url_encode

SALT_BYTES = 16
MAX_DISCLOSURE_BYTES = 8_192

SERIAL = "/body/object/serial"
CODE = "/body/code/commitment"
NUMBER = "/body/number/commitment"
DATA = "/body/data/commitment"


class Disclosure(NamedTuple):
    """An opened disclosure: `encoded` is what was sent, `value` what it commits to."""

    encoded: str
    name: str
    value: str

    @property
    def digest(self) -> str:
        """The commitment that stands in the operation."""
        return disclosure_digest(self.encoded)


def disclosure_digest(encoded: str) -> str:
    """base64url(SHA-256(ASCII(disclosure))), 43 characters (RFC 9901, section 4.2.3)."""
    return base64url_encode(sha256(encoded.encode("ascii")).digest())


def disclose(name: str, value: str, random: Callable[[int], bytes]) -> Disclosure:
    """A new disclosure of `value` at the JSON pointer `name`, salted with 16 random bytes."""
    salt = base64url_encode(random(SALT_BYTES))
    encoded = base64url_encode(canonicalize([salt, name, value]))
    return Disclosure(encoded, name, value)


def open_disclosure(encoded: str) -> Disclosure:
    """Reads a disclosure. Raises InvalidDisclosure when it is not one of ours.

    RFC 9901 lets the JSON text be written in any way, so only its meaning is checked, strictly.
    """
    if len(encoded) > MAX_DISCLOSURE_BYTES or not encoded.isascii():
        raise InvalidDisclosure("a disclosure is base64url text of at most 8,192 characters")
    try:
        content = parse(base64url_decode(encoded), max_depth=2)
        if not isinstance(content, list) or len(content) != 3:
            raise InvalidDisclosure("a disclosure holds [salt, name, value]")
        salt, name, value = content
        if not (isinstance(salt, str) and isinstance(name, str) and isinstance(value, str)):
            raise InvalidDisclosure("salt, name and value of a disclosure are strings")
        if len(base64url_decode(salt)) < SALT_BYTES:
            raise InvalidDisclosure(f"a salt has at least {SALT_BYTES} bytes")
    except InvalidDisclosure:
        raise
    except TetradError as error:
        raise InvalidDisclosure(f"not a disclosure: {error.detail}") from None
    return Disclosure(encoded, name, value)


def open_disclosures(encoded: list[str]) -> dict[str, Disclosure]:
    """Several disclosures by their names. Raises InvalidDisclosure, also for a name told twice."""
    opened: dict[str, Disclosure] = {}
    for text in encoded:
        disclosure = open_disclosure(text)
        if disclosure.name in opened:
            raise InvalidDisclosure("disclosed twice", pointer=disclosure.name)
        opened[disclosure.name] = disclosure
    return opened
