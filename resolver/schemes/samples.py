"""Realistic identifiers with right check digits, for simulators, examples and tests.

Every function is pure: the same serial gives the same canonical value, different serials different
ones, and a serial that does not fit raises RuntimeError, since it is our own mistake. Default
prefixes are those that standards set aside for examples, where there are any.

    >>> sample("gs1", 17)
    'https://id.gs1.org/01/09506000134352/21/M-000017'
    >>> sample("iccid", 17)
    '89860400000000000171'
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Network
from typing import Protocol
from uuid import NAMESPACE_OID, UUID, uuid5

from resolver.schemes import check_digits
from resolver.schemes.gs1_syntax import Key

# Without letters and digits that people mistake for each other.
_CLEAR = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


class Source(Protocol):
    """Where randomness comes from; `random.Random` is one."""

    def getrandbits(self, k: int, /) -> int:
        """A number of k random bits."""


def _digits(serial: int, width: int) -> str:
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
    payload = f"{indicator}{company_prefix}" + _digits(item, 12 - len(company_prefix))
    return payload + check_digits.gs1(payload)


def digital_link(company_prefix: str, item: int, serial: str) -> str:
    """The canonical Digital Link of one serialized item."""
    return Key("01", gtin(company_prefix, item), (("21", serial),)).link()


def grai(company_prefix: str, asset: int, serial: str) -> str:
    """The canonical Digital Link of one returnable asset."""
    payload = company_prefix + _digits(asset, 12 - len(company_prefix))
    return Key("8003", f"0{payload}{check_digits.gs1(payload)}{serial}").link()


def giai(company_prefix: str, serial: int) -> str:
    """The canonical Digital Link of one individual asset."""
    return Key("8004", company_prefix + _digits(serial, 10)).link()


def handle(prefix: str, serial: int) -> str:
    """A handle under a prefix; an enterprise node of 88. makes it an IDIS code."""
    return f"{prefix}/m-{_digits(serial, 8)}"


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
    return f"urn:dev:ops:{enterprise}-{product}-{_digits(serial, 8)}"


def vin(manufacturer: str, serial: int) -> str:
    """A VIN: the maker's 3 characters, 5 of description, check, year and plant, 6 of serial."""
    number = _digits(serial, 11)
    blank = f"{manufacturer}{number[:5]}0TA{number[5:]}"
    return f"{blank[:8]}{check_digits.vin(blank)}{blank[9:]}"


def iccid(issuer: str, serial: int) -> str:
    """Twenty digits, as China's cards carry: 89, country, issuer, serial, Luhn."""
    payload = issuer + _digits(serial, 19 - len(issuer))
    return payload + check_digits.luhn_digit(payload)


def imei(type_allocation: str, serial: int) -> str:
    """Fifteen digits: an 8-digit type allocation code, 6 of serial, Luhn."""
    payload = type_allocation + _digits(serial, 6)
    return payload + check_digits.luhn_digit(payload)


def eid(issuer: str, serial: int) -> str:
    """Thirty-two digits, the last two of them the check."""
    payload = issuer + _digits(serial, 30 - len(issuer))
    return payload + check_digits.mod_97(payload)


def digits_under(prefix: str, serial: int, length: int) -> str:
    """Digits of a plain number, such as an IMSI or an MSISDN: `length` counts the prefix too."""
    return prefix + _digits(serial, length - len(prefix))


def ipv6(network: str, serial: int) -> str:
    """The first address of the serial-th /64 of a network in CIDR form."""
    block = IPv6Network(network)
    host = (serial << 64) + 1
    if serial < 0 or host >= block.num_addresses:
        raise RuntimeError(f"serial {serial} does not fit {network}")
    return block[host].compressed


# A prefix for each scheme whose samples lie under one, as `prefix_segments` reads it.
PREFIXES = {
    "gtin": "09506000",
    "gs1": "09506000",
    "grai": "09506000",
    "giai": "9506000",
    "idis": "88.100.9999",
    "handle": "86.1000.1",
    "oid": "1.2.156.3001",
    "eui48": "001b44",
    "eui64": "0024be",
    "uuid": "",
    "urn-dev": "ops:32473",
    "vin": "LSV",
    "vaa": "VAA08810012345678",
    "ma": "MA.156.430121.1006",
    "ecode": "10010",
    "iec61406": "id.maker.example/p",
    "msisdn": "+8613800",
    "msisdn-cn-iot": "14400",
    "iccid": "898604",
    "imsi": "46004",
    "imei": "86012345",
    "eid": "89086001",
    "ipv6": "2001:db8::/32",
}

_SAMPLES: dict[str, Callable[[int], str]] = {
    "gtin": lambda n: gtin("9506000", n),
    "gs1": lambda n: digital_link("9506000", 13435, f"M-{_digits(n, 6)}"),
    "grai": lambda n: grai("9506000", 13432, f"SER{_digits(n, 6)}"),
    "giai": lambda n: giai("9506000", n),
    "idis": lambda n: handle(PREFIXES["idis"], n),
    "handle": lambda n: handle(PREFIXES["handle"], n),
    "oid": lambda n: oid(PREFIXES["oid"], n),
    "eui48": lambda n: eui(PREFIXES["eui48"], n + 1, 12),
    "eui64": lambda n: eui(PREFIXES["eui64"], n + 1),
    "uuid": lambda n: uuid5(NAMESPACE_OID, str(n)).urn,
    "urn-dev": lambda n: urn_dev(32473, "Meter", n),
    "vin": lambda n: vin(PREFIXES["vin"], n),
    "vaa": lambda n: f"{PREFIXES['vaa']}/SN{_digits(n, 8)}",
    "ma": lambda n: f"{PREFIXES['ma']}/10.29000000.PG{_digits(n, 8)}",
    "ecode": lambda n: PREFIXES["ecode"] + _digits(n, 10),
    "iec61406": lambda n: f"https://{PREFIXES['iec61406']}/SN-{_digits(n, 8)}",
    "msisdn": lambda n: digits_under(PREFIXES["msisdn"], n, 14),
    "msisdn-cn-iot": lambda n: digits_under(PREFIXES["msisdn-cn-iot"], n, 13),
    "iccid": lambda n: iccid(PREFIXES["iccid"], n),
    "imsi": lambda n: digits_under(PREFIXES["imsi"], n, 15),
    "imei": lambda n: imei(PREFIXES["imei"], n),
    "eid": lambda n: eid(PREFIXES["eid"], n),
    "ipv6": lambda n: ipv6(PREFIXES["ipv6"], n),
}


def schemes() -> tuple[str, ...]:
    """The schemes that there are samples of: all but did:bid, whose values are hashes of keys."""
    return tuple(_SAMPLES)


def sample(scheme: str, serial: int) -> str:
    """The canonical value with that serial, under the scheme's prefix of `PREFIXES`."""
    return _SAMPLES[scheme](serial)
