"""Devices of the demonstration that meet each other once the service is stopped.

scene = await gather(run, client, first_free)          # while the service runs
met = meet(scene)                                      # afterwards, with nothing but bundles
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from identity.errors import TetradError
from identity.wallet import Identity, Wallet
from resolver.bundle import bundle_bytes
from resolver.client import AsyncClient
from resolver.demo.showing import insist
from resolver.handshake import Own
from resolver.simulator.encounters import ENCOUNTERS, Scene
from resolver.simulator.fleet import Device
from resolver.simulator.hostile import created
from resolver.simulator.life import happen, happened
from resolver.simulator.profiles import PROFILES
from resolver.simulator.run import Simulation

IMPOSTORS = ("clone with another key", "replayed meeting")
"""Attacks that are told of by name."""
_KIND = "meter"


class Met(NamedTuple):
    """What came of it."""

    one: str
    other: str
    transcript: str
    bytes: int
    """Of the three messages."""
    refused: dict[str, str]
    """The code with which each attack ended."""


async def gather(run: Simulation, client: AsyncClient, first_free: int) -> Scene:
    """Registers five meters, suspends the last, and gives each its newest bundle.

    Numbers from `first_free` on are free. Raises what the service refuses.
    """
    devices = [await _registered(run, first_free + place) for place in range(5)]
    suspended = devices[-1]
    signed = happen(run.fleet, suspended, "suspend", created())
    await run.insist(signed)
    happened(run.fleet, suspended, "suspend", signed)
    shown = [await _own(client, device) for device in devices]
    one, other, third, mallory, ended = shown
    past = await _bundle(client, devices[0], at=created())
    return Scene(
        trust=client.trust,
        now=int(time.time()),
        one=one,
        other=other,
        third=third,
        mallory=mallory,
        mallory_key=devices[3].party.key,
        suspended=ended,
        past=past,
        random=os.urandom,
    )


def meet(scene: Scene) -> Met:
    """An honest meeting, and every attack on one. RuntimeError where it ends otherwise."""
    one, other = scene.initiator(), scene.responder()
    messages = scene.meet(one, other)
    first, second = one.peer, other.peer
    if first is None or second is None:
        raise RuntimeError("two devices have not met")
    insist((first.did, second.did) == (scene.other.did, scene.one.did), "somebody else was met")
    insist(first.transcript == second.transcript, "they have not seen the same")
    refused = {}
    for encounter in ENCOUNTERS:
        try:
            encounter.play(scene)
            refused[encounter.name] = "believed"
        except TetradError as error:
            refused[encounter.name] = error.code
    broken = [one.name for one in ENCOUNTERS if refused[one.name] != one.expected]
    insist(not broken, f"attacks on a meeting ended otherwise than they must: {'; '.join(broken)}")
    return Met(second.did, first.did, first.transcript, sum(map(len, messages)), refused)


async def _registered(run: Simulation, n: int) -> Device:
    fleet = run.fleet
    profile = next(one for one in PROFILES if one.name == _KIND)
    party = fleet.book.party("device", n, algorithm=profile.algorithm)
    party.controller = fleet.operator.did
    names = fleet.identifiers
    device = Device(n, profile, party, names.code(profile, n), names.number(profile, n))
    signed = fleet.registration(device, created())
    await run.insist(signed)
    fleet.registered(device, signed)
    return device


async def _bundle(client: AsyncClient, device: Device, at: str | None = None) -> bytes:
    found = await client.resolve(device.code.value, scheme=device.code.scheme, at=at)
    return bundle_bytes(client.trust, found.key, found.answer)


async def _own(client: AsyncClient, device: Device) -> Own:
    """A device with its wallet, and what it shows."""
    party, wallet = device.party, Wallet(os.urandom)
    held, following = (
        [wallet.add_key(key).thumbprint for key in party.keys_of(generation)]
        for generation in (party.generation, party.generation + 1)
    )
    wallet.identities[party.did] = Identity(held, following)
    return Own(wallet, party.did, await _bundle(client, device))
