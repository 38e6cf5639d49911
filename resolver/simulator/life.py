"""What happens to devices after their registration, in proportions, out of the seed.

    for event in life(seed, device):
        signed = happen(fleet, device, event, created)

Of a hundred devices about 45 live through something: readings change, keys rotate, SIM cards are
replaced, some are suspended and mostly resumed, a few are revoked or retired.
"""

from __future__ import annotations

from resolver.simulator.fleet import Device, Fleet
from resolver.simulator.seed import Seed
from resolver.simulator.signing import Signed

_LIVES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (24, ("update",)),
    (4, ("update", "update")),
    (6, ("rotate",)),
    (4, ("rebind",)),
    (2, ("suspend", "resume")),
    (1, ("suspend",)),
    (2, ("rotate", "rebind", "update")),  # the rebinding is signed by the new key
    (1, ("revoke",)),
    (1, ("retire",)),
)
"""Hundredths of a fleet, and what they live through; the rest live in peace."""

_DECK = tuple(events for weight, events in _LIVES for _ in range(weight))


def life(seed: Seed, device: Device) -> tuple[str, ...]:
    """The events of a device, in their order."""
    place = seed.number(100, "life", device.n)
    events = _DECK[place] if place < len(_DECK) else ()
    return tuple(
        event
        for event in events
        if (event != "rebind" or device.number) and (event != "update" or device.version)
    )


def happen(fleet: Fleet, device: Device, event: str, created: str) -> Signed:
    """The operation of an event. Nobody moves until `happened`."""
    sign, operator, party = fleet.book.sign, fleet.operator, device.party
    match event:
        case "update":
            body = {"data": fleet.data(device, device.version + 1)}
            return sign("device.update", body, created, by=[operator], subject=party)
        case "rotate":
            body = party.keys(party.generation + 1)
            return sign("keys.rotate", body, created, new=party, subject=party)
        case "rebind":
            number = fleet.identifiers.number(device.profile, device.n, rebound=1)
            body = {"number": "none" if number is None else number._asdict()}
            return sign("number.rebind", body, created, by=[operator, party], subject=party)
        case "suspend" | "resume" | "retire":
            body = {"reason": f"simulated: {event}"}
            return sign(f"status.{event}", body, created, by=[operator], subject=party)
        case "revoke":
            body = {"reason": "simulated: stolen"}
            return sign("status.revoke", body, created, by=[operator], subject=party)
    raise RuntimeError(f"nothing called {event} happens to devices")


def happened(fleet: Fleet, device: Device, event: str, signed: Signed) -> None:
    """The ledger has it."""
    fleet.book.accepted(signed, device.party)
    if event == "update":
        device.version += 1
    if event == "rebind":
        device.number = fleet.identifiers.number(device.profile, device.n, rebound=1)
