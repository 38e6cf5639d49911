"""Realistic identifiers with right check digits, for simulators, examples and tests.

Every function is pure: the same serial gives the same canonical value, different serials different
ones, and a serial that does not fit raises RuntimeError, since it is our own mistake. The `samples`
of each scheme are made with them, under prefixes that standards set aside for examples where there
are any.

    >>> digital_link("9506000", 13435, "M-000017")
    'https://id.gs1.org/01/09506000134352/21/M-000017'
    >>> iccid("898604", 17)
    '89860400000000000171'
"""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import Protocol
from uuid import UUID

from resolver.schemes import check_digits
from resolver.schemes.gs1_syntax import Key

# Without letters and digits that people mistake for each other.
_CLEAR = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


class Source(Protocol):
    """Where randomness comes from; `random.Random` is one."""

    def getrandbits(self, k: int, /) -> int:
        """A number of k random bits."""


def padded(serial: int, width: int) -> str:
    """The serial in exactly `width` decimal digits."""
    text = f"{serial:0{width}d}"
    if serial < 0 or len(text) != width:
        raise RuntimeError(f"serial {serial} does not fit {width} digits")
    return text


def random_serial(source: Source, length: int = 8) -> str:
    """A serial that nobody guesses from its neighbour's: `length` characters, 4.9 bits each."""
    return "".join(_CLEAR[source.getrandbits(32) % len(_CLEAR)] for _ in range(length))


def random_uuid(source: Source) -> str:
    """A UUID version 4 as a URN (RFC 9562, 5.4)."""
    return UUID(int=source.getrandbits(128), version=4).urn


def gtin(company_prefix: str, item: int, indicator: int = 0) -> str:
    """A GTIN-14: indicator, company prefix (4 to 12 digits), item reference, check digit."""
    payload = f"{indicator}{company_prefix}" + padded(item, 12 - len(company_prefix))
    return payload + check_digits.gs1(payload)


def digital_link(company_prefix: str, item: int, serial: str) -> str:
    """The canonical Digital Link of one serialized item."""
    return Key("01", gtin(company_prefix, item), (("21", serial),)).link()


def grai(company_prefix: str, asset: int, serial: str) -> str:
    """The canonical Digital Link of one returnable asset."""
    payload = company_prefix + padded(asset, 12 - len(company_prefix))
    return Key("8003", f"0{payload}{check_digits.gs1(payload)}{serial}").link()


def giai(company_prefix: str, serial: int) -> str:
    """The canonical Digital Link of one individual asset."""
    return Key("8004", company_prefix + padded(serial, 10)).link()


def handle(prefix: str, serial: int) -> str:
    """A handle under a prefix; an enterprise node of 88. makes it an IDIS code."""
    return f"{prefix}/m-{padded(serial, 8)}"


def oid(arc: str, serial: int) -> str:
    """An OID below an arc. Arcs have no leading zeros, so the serial is written as it is."""
    return f"urn:oid:{arc}.{serial}"


def eui(block: str, serial: int, nibbles: int = 16) -> str:
    """An EUI-64 or DevEUI (16 nibbles), or an EUI-48 (12), out of a block of 6 to 9 nibbles."""
    text = f"{block}{serial:0{nibbles - len(block)}x}"
    if len(text) != nibbles:
        raise RuntimeError(f"serial {serial} does not fit block {block}")
    return text


def urn_dev(enterprise: int, product: str, serial: int) -> str:
    """A device URN under a private enterprise number (RFC 9039, 4.5)."""
    return f"urn:dev:ops:{enterprise}-{product}-{padded(serial, 8)}"


def vin(manufacturer: str, serial: int) -> str:
    """A VIN: the maker's 3 characters, 5 of description, check, year and plant, 6 of serial."""
    number = padded(serial, 11)
    blank = f"{manufacturer}{number[:5]}0TA{number[5:]}"
    return f"{blank[:8]}{check_digits.vin(blank)}{blank[9:]}"


def iccid(issuer: str, serial: int) -> str:
    """Twenty digits, as China's cards carry: 89, country, issuer, serial, Luhn."""
    payload = issuer + padded(serial, 19 - len(issuer))
    return payload + check_digits.luhn_digit(payload)


def imei(type_allocation: str, serial: int) -> str:
    """Fifteen digits: an 8-digit type allocation code, 6 of serial, Luhn."""
    payload = type_allocation + padded(serial, 6)
    return payload + check_digits.luhn_digit(payload)


def eid(issuer: str, serial: int) -> str:
    """Thirty-two digits, the last two of them the check."""
    payload = issuer + padded(serial, 30 - len(issuer))
    return payload + check_digits.mod_97(payload)


def digits_under(prefix: str, serial: int, length: int) -> str:
    """Digits of a plain number, such as an IMSI or an MSISDN: `length` counts the prefix too."""
    return prefix + padded(serial, length - len(prefix))


def ipv6(network: str, serial: int) -> str:
    """The first address of the serial-th /64 of a network in CIDR form."""
    block = IPv6Network(network)
    host = (serial << 64) + 1
    if serial < 0 or host >= block.num_addresses:
        raise RuntimeError(f"serial {serial} does not fit {network}")
    return block[host].compressed
