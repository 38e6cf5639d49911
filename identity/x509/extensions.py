"""Extensions of certificates, as far as an enrolment looks at them (RFC 5280, section 4.2).

    said = read_extensions(der)             # the [3] behind a certificate's key
    said.authority, said.usage

Once each, none critical that is not read here, and no constraint passed over that nobody would
keep. Specified in specs/1-identity.md, "Enrolment", 5.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from identity.errors import InvalidCertificate
from identity.x509 import der
from identity.x509.der import Reader

DIGITAL_SIGNATURE: Final = 0x80
KEY_CERT_SIGN: Final = 0x04
"""Of the first octet of keyUsage (RFC 5280, section 4.2.1.3)."""

# Extensions that are read (RFC 5280, section 4.2.1).
_SUBJECT_KEY = bytes.fromhex("551d0e")
_KEY_USAGE = bytes.fromhex("551d0f")
_BASIC_CONSTRAINTS = bytes.fromhex("551d13")
_AUTHORITY_KEY = bytes.fromhex("551d23")
_EXTENDED_USAGE = bytes.fromhex("551d25")
_READ = {_SUBJECT_KEY, _KEY_USAGE, _BASIC_CONSTRAINTS, _AUTHORITY_KEY, _EXTENDED_USAGE}
# Refused even where it is not critical: a constraint that nobody keeps is none.
_NAME_CONSTRAINTS = bytes.fromhex("551d1e")
_PURPOSES = {bytes.fromhex("2b06010505070302"), bytes.fromhex("551d2500")}  # clientAuth, any


class Extensions(NamedTuple):
    """What the extensions say that are read (RFC 5280, section 4.2)."""

    authority: bool
    path_length: int | None
    usage: int | None
    """The first octet of keyUsage; None where there is no such extension."""
    subject_key: bytes | None
    authority_key: bytes | None
    constraints_critical: bool


NO_EXTENSIONS: Final = Extensions(
    authority=False,
    path_length=None,
    usage=None,
    subject_key=None,
    authority_key=None,
    constraints_critical=False,
)


_Read = dict[bytes, tuple[bool, bytes]]
"""Extensions that are read: whether each is critical, and its value."""


@lru_cache(maxsize=1_024)
def read_extensions(data: bytes) -> Extensions:
    """What they say; kept, since all devices of one issuer may have the same."""
    read = _listed(data)
    constraints = read.get(_BASIC_CONSTRAINTS, (False, b"\x30\x00"))
    authority, path_length = _basic_constraints(constraints[1])
    _check_purposes(read)
    return Extensions(
        authority,
        path_length,
        _usage(read),
        _octets(read, _SUBJECT_KEY),
        _authority_key(read),
        constraints[0],
    )


def _listed(data: bytes) -> _Read:
    """The extensions that are read here (RFC 5280, section 4.2)."""
    read: _Read = {}
    seen: set[bytes] = set()
    wrapped = Reader(data).enter(0xA3)
    listed = wrapped.enter(der.SEQUENCE)
    wrapped.end()
    while listed.more:
        one = listed.enter(der.SEQUENCE)
        name = one.identifier()
        critical = one.tag == der.BOOLEAN
        if critical and not one.boolean():
            raise InvalidCertificate("an extension that says its default")
        value = one.content(der.OCTET_STRING)
        one.end()
        if name in seen:
            raise InvalidCertificate("an extension that stands twice")
        seen.add(name)
        if name in _READ:
            read[name] = critical, value
        elif critical or name == _NAME_CONSTRAINTS:
            raise InvalidCertificate(
                f"a critical extension that is not understood: {name.hex()}",
                hint="nothing may be critical but key usage, its extension, and basic constraints",
            )
    if not seen:
        raise InvalidCertificate("a list of extensions that is empty")
    return read


def _basic_constraints(value: bytes) -> tuple[bool, int | None]:
    """Whether it is a CA's, and how many CAs may follow it (RFC 5280, section 4.2.1.9)."""
    outer = Reader(value)
    fields = outer.enter(der.SEQUENCE)
    outer.end()
    authority = False
    length: int | None = None
    if fields.tag == der.BOOLEAN:
        authority = fields.boolean()
        if not authority:
            raise InvalidCertificate("basic constraints that say their default")
    if fields.more and authority:
        length = fields.integer()
        if length < 0:
            raise InvalidCertificate("a path length below zero")
    fields.end()
    return authority, length


def _usage(read: _Read) -> int | None:
    if _KEY_USAGE not in read:
        return None
    reader = Reader(read[_KEY_USAGE][1])
    octets = reader.bits(unused=7)
    reader.end()
    if not 1 <= len(octets) <= 2:
        raise InvalidCertificate("a key usage that names none, or more than there are")
    return octets[0]


def _octets(read: _Read, name: bytes) -> bytes | None:
    if name not in read:
        return None
    reader = Reader(read[name][1])
    octets = reader.content(der.OCTET_STRING)
    reader.end()
    return octets


def _authority_key(read: _Read) -> bytes | None:
    """keyIdentifier; the issuer's name and serial number are not taken (section 4.2.1.1)."""
    if _AUTHORITY_KEY not in read:
        return None
    outer = Reader(read[_AUTHORITY_KEY][1])
    fields = outer.enter(der.SEQUENCE)
    outer.end()
    identifier = fields.content(0x80)
    fields.end()
    return identifier


def _check_purposes(read: _Read) -> None:
    """Extended key usage, where there is one, allows to sign for oneself (section 4.2.1.12)."""
    if _EXTENDED_USAGE not in read:
        return
    outer = Reader(read[_EXTENDED_USAGE][1])
    purposes = outer.enter(der.SEQUENCE)
    outer.end()
    named: set[bytes] = set()
    while purposes.more:
        named.add(purposes.identifier())
    if not named & _PURPOSES:
        raise InvalidCertificate(
            "an extended key usage for other purposes", hint="clientAuth, or any, or no extension"
        )
