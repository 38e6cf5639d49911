"""What kinds of device there are, and the identifiers that each bears.

    names = Identifiers(Seed(7))
    names.code(PROFILES[0], 17)         # Code(scheme='gs1', value='https://id.gs1.org/01/…/21/M-000017')
    names.prefix("gs1")                 # '0952418730', the block that all of them lie under

Identifiers have right check digits and lie in blocks that follow from the seed, so that two fleets
on one ledger do not meet. Blocks are those that standards keep for examples, where there are any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from identity.keys import ED25519, P256, P384, SM2, usable
from resolver.schemes import Code, samples
from resolver.simulator.seed import Seed

MOST_DEVICES = 1_000_000
"""Of one fleet: its blocks are as large as that."""

MOST_UUIDS = 4
"""A UUID has no prefix but itself, and a sandbox gives an organization sixteen."""

_UUID_EVERY = 50


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of device. `weight` is its share of a fleet, in hundredths."""

    name: str
    weight: int
    model: str
    code: str
    """Scheme of its code."""
    number: str
    """Scheme of its number, or "none" for a passive object."""
    sector: tuple[str, ...]
    """Domain, field and, for industry, the category of GB/T 4754."""
    ipv6: str
    """"enabled", "supported", "none", or the reason of an exemption."""
    grade: str
    """Of its data record, or "none"."""
    algorithm: str = ED25519
    made_elsewhere: bool = False
    """Made by another organization, which signs as well."""

    @property
    def object(self) -> dict[str, Any]:
        """Sector and IPv6 as members of the operation's `object`."""
        names = ("domain", "field", "category")
        sector = dict(zip(names, self.sector, strict=False))
        plain = self.ipv6 in ("enabled", "supported", "none")
        return {"sector": sector, "ipv6": self.ipv6 if plain else {"exemption": self.ipv6}}


_INDUSTRY = ("production", "industry")

PROFILES = (
    Profile("meter", 30, "M1", "gs1", "msisdn-cn-iot", (*_INDUSTRY, "C4016"), "enabled", "general"),
    Profile("controller", 14, "PLC-300", "idis", "ipv6", (*_INDUSTRY, "C3990"), "enabled", "core"),
    Profile(
        "valve", 8, "V8", "oid", "none", (*_INDUSTRY, "C3443"),
        "fieldbus device behind a gateway", "general",
    ),
    Profile(
        "streetlamp", 14, "L-40", "eui64", "iccid", ("governance", "city"), "supported", "general"
    ),
    Profile(
        "tracker", 10, "T2", "urn-dev", "eid", ("production", "logistics"), "supported", "general"
    ),
    Profile(
        "vehicle", 8, "EV-5", "vin", "imsi", ("consumption", "mobility"), "enabled", "important",
        P256, made_elsewhere=True,
    ),
    Profile(
        "wearable", 8, "W-11", "eui48", "iccid", ("consumption", "health"), "none", "important",
        P256,
    ),
    Profile("cylinder", 8, "GC-50", "gs1", "none", ("governance", "safety"), "none", "none"),
)  # fmt: skip

SENSOR = Profile(
    "sensor", 0, "S-1", "uuid", "ipv6", ("governance", "environment"), "enabled", "general"
)
"""The few that bear a UUID."""

PAIR = "Ed25519+ML-DSA-44"


def algorithm_of(profile: Profile, n: int) -> str:
    """Of the keys of device number n: some have P-384 or a pair, and one has SM2, which takes 40 ms
    to verify, where its extra is installed."""
    if n == SM2_DEVICE and usable(SM2):
        return SM2
    return {5: P384, 11: PAIR}.get(n % 16, profile.algorithm)


SM2_DEVICE = 7
_DECK = tuple(profile for profile in PROFILES for _ in range(profile.weight))


class Identifiers:
    """The codes and numbers of one fleet."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        wmi = "L" + "".join(seed.pick("ABCDEFGHJKLMNPRSTUVWXYZ", "wmi", n) for n in range(2))
        # An OUI without the bits for groups and local administration, beside the block of eui64.
        oui = f"{4 * seed.number(64, 'oui'):02x}{seed.number(2**16, 'oui low'):04x}"
        self._blocks = {
            "gs1": f"0952{seed.number(10**6, 'company'):06}",
            "idis": f"88.100.{100_000 + seed.number(900_000, 'enterprise')}",
            "oid": f"1.2.156.{100_000 + seed.number(900_000, 'arc')}",
            "eui64": f"70b3d5{seed.number(16**5, 'block'):05x}",
            "eui48": oui,
            "urn-dev": f"ops:32473-M{seed.number(10**6, 'product'):06}",
            "vin": f"{wmi}{seed.number(10**5, 'vehicle'):05}",
        }
        self._first = {
            # Room for two numbers of each device above it, the second for a rebinding.
            scheme: seed.number(space - 2 * MOST_DEVICES, "first", scheme)
            for scheme, space in _SPACES.items()
        }

    def schemes(self) -> tuple[str, ...]:
        """The schemes of codes that lie in a block."""
        return tuple(self._blocks)

    def prefix(self, scheme: str) -> str:
        """The block of a scheme, as it is granted."""
        return self._blocks[scheme]

    def profile(self, n: int) -> Profile:
        """The kind of device number n: one of each at first, then in their proportions."""
        if n % _UUID_EVERY == len(PROFILES) and n // _UUID_EVERY < MOST_UUIDS:
            return SENSOR
        if n < len(PROFILES):
            return PROFILES[n]
        return self._seed.pick(_DECK, "profile", n)

    def uuids(self, devices: int) -> list[str]:
        """The codes among `devices` that are a prefix of their own."""
        return [self.code(SENSOR, n).value for n in range(devices) if self.profile(n) is SENSOR]

    def code(self, profile: Profile, n: int) -> Code:
        """The code of device number n, in canonical form."""
        scheme, block = profile.code, self._blocks.get(profile.code, "")
        match scheme:
            case "gs1":
                place = PROFILES.index(profile) + 1
                value = samples.digital_link(block[1:], place, f"M-{n:06}")
            case "idis":
                value = samples.handle(block, n)
            case "oid":
                value = samples.oid(block, n + 1)
            case "eui64":
                value = samples.eui(block, n + 1)
            case "eui48":
                value = samples.eui(block, n + 1, 12)
            case "urn-dev":
                value = f"urn:dev:{block}-{n:06}"
            case "vin":
                value = samples.vin(block[:3], int(block[3:]) * 10**6 + n)
            case _:
                bits = int.from_bytes(self._seed.source("uuid", n)(16))
                value = UUID(int=bits, version=4).urn
        return Code(scheme, value)

    def number(self, profile: Profile, n: int, rebound: int = 0) -> Code | None:
        """The number of device number n, its next one when `rebound`; None for a passive object."""
        scheme = profile.number
        if scheme == "none":
            return None
        serial = self._first[scheme] + rebound * MOST_DEVICES + n
        match scheme:
            case "msisdn-cn-iot":
                value = samples.digits_under("144", serial, 13)
            case "imsi":
                value = samples.digits_under("46004", serial, 15)
            case "iccid":
                value = samples.iccid("898604", serial)
            case "eid":
                value = samples.eid("89086001", serial)
            case _:
                value = samples.ipv6("2001:db8::/32", serial)
        return Code(scheme, value)

    def serial(self, n: int) -> str:
        """The serial that the maker gave device number n."""
        return f"SN{n:08}"


_SPACES = {
    "msisdn-cn-iot": 10**10,
    "imsi": 10**10,
    "iccid": 10**13,
    "eid": 10**22,
    "ipv6": 2**32,
}
"""How many numbers there are below the range of each scheme."""
