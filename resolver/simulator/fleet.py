"""A fleet: two organizations, their prefixes, and any number of devices, all out of one seed.

    fleet = Fleet(Book(ledger, Seed(7)))
    for signed, party in fleet.organizations(created): …      # send, then book.accepted(…)
    for signed in fleet.prefixes(created): …
    device = fleet.device(17)
    signed = fleet.registration(device, created)

The operator holds the prefixes and controls the devices; the maker made some of them, and signs
for those as well. Devices are numbered, and device number n is the same whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from identity.jcs import Json
from resolver.description import committed_data
from resolver.schemes import Code
from resolver.simulator.profiles import Identifiers, Profile, algorithm_of
from resolver.simulator.signing import Book, Party, Signed

OPERATOR = "Tetrad Simulated City"
MAKER = "Tetrad Simulated Motors"


@dataclass
class Device:
    """One device, and what its controller knows of it."""

    n: int
    profile: Profile
    party: Party
    code: Code
    number: Code | None
    version: int = 0
    """Of its data record; 0 where it has none."""


class Fleet:
    """The organizations and devices of one simulation."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.identifiers = Identifiers(book.seed)
        self.operator = book.party("operator", name=OPERATOR)
        self.maker = book.party("maker", name=MAKER)

    def joins(self, party: Party, created: str) -> Signed:
        """The registration of an organization."""
        body: dict[str, Json] = {"name": party.name, **party.keys(0)}
        return self.book.sign("organization.register", body, created, new=party)

    def takes(self, party: Party, scheme: str, prefix: str, created: str) -> Signed:
        """A prefix that an organization of a sandbox takes for itself."""
        scope: dict[str, Json] = {"scheme": scheme, "prefix": prefix}
        body: dict[str, Json] = {"right": "prefix", "to": party.did, "scope": scope}
        return self.book.sign("grant.issue", body, created, by=[party], subject=party)

    def blocks(self, devices: int) -> Iterator[tuple[str, str]]:
        """Scheme and prefix of every grant that the codes of so many devices need."""
        for scheme in self.identifiers.schemes():
            yield scheme, self.identifiers.prefix(scheme)
        for uuid in self.identifiers.uuids(devices):
            yield "uuid", uuid

    def device(self, n: int) -> Device:
        """Device number n, not yet registered."""
        names = self.identifiers
        profile = names.profile(n)
        party = self.book.party("device", n, algorithm=algorithm_of(profile, n))
        party.controller = self.operator.did
        return Device(n, profile, party, names.code(profile, n), names.number(profile, n))

    def registration(self, device: Device, created: str, **members: Json) -> Signed:
        """The operation that registers a device; `members` replace those of its body."""
        profile = device.profile
        maker = self.maker if profile.made_elsewhere else self.operator
        signers = [self.operator, *([maker] if maker is not self.operator else [])]
        number = device.number
        body: dict[str, Json] = {
            "object": {
                "maker": maker.did,
                "model": profile.model,
                "serial": self.identifiers.serial(device.n),
                **profile.object,
            },
            "code": self._code(device),
            "number": "none" if number is None else number._asdict(),
            "data": self.data(device, 1),
            **device.party.keys(0),
            "controller": self.operator.did,
            **members,
        }
        return self.book.sign("device.register", body, created, by=signers, new=device.party)

    def _code(self, device: Device) -> Json:
        code: dict[str, Json] = {"scheme": device.code.scheme, "value": device.code.value}
        if device.code.scheme in ("eui48", "vin"):
            code["prefix"] = self.identifiers.prefix(device.code.scheme)
        return code

    def data(self, device: Device, version: int) -> Json:
        """The data record of a device; its content is a reading that nobody took."""
        if device.profile.grade == "none":
            return "none"
        name, n = device.profile.name, device.n
        record: dict[str, Any] = {
            "describes": f"readings of {name} {n}",
            "schema": f"https://schemas.example/{name}/v1",
            "version": version,
            "grade": device.profile.grade,
            "endpoints": [{"type": "Readings", "url": f"https://data.example/{name}/{n:06}"}],
            "content": {"reading": self.book.seed.number(10_000, "reading", n, version)},
        }
        if record["grade"] == "core":  # it stays with the device
            record, _ = committed_data(record, self.book.seed.source("content", n, version))
        return record

    def registered(self, device: Device, signed: Signed) -> None:
        """The ledger has it."""
        self.book.accepted(signed, device.party)
        device.version = int(device.profile.grade != "none")
