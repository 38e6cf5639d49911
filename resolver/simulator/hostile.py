"""Plays every attack against a service, and tells which of them did not get the right answer.

played = await play(wire, fleet, first_free=1_000)
assert all(one.held for one in played)
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any, cast

from identity.errors import TetradError
from identity.members import format_time
from registry.note import decode64
from resolver.client.flow import json_object
from resolver.simulator.attacks import ATTACKS, MALLORY, REPEATED, Scene
from resolver.simulator.deceptions import DECEPTIONS, Shown
from resolver.simulator.fleet import Device, Fleet
from resolver.simulator.impostures import IMPOSTURES, Stage
from resolver.simulator.life import happen, happened
from resolver.simulator.life_attacks import LIFE_ATTACKS, Lived, preparing
from resolver.simulator.signing import Signed
from resolver.simulator.summary import Played
from resolver.simulator.wire import Outcome, Wire

ACCEPTED = "accepted"
AT_ONCE = 50
"""How often one operation is sent at the same moment."""


def created(ago: int = 0) -> str:
    """The time so many seconds ago, as `created` of an operation."""
    return format_time(int(time.time()) - ago)


async def play(wire: Wire, fleet: Fleet, first_free: int) -> list[Played]:
    """All of `attacks`, `impostures` and `deceptions`, with devices from number `first_free` on.

    Raises what the service refuses of the honest operations that prepare the scene.
    """
    older = await wire.get("/checkpoint")
    scene, suspended, receipt = await _scene(wire, fleet, first_free)
    lived = await _lived(wire, scene)
    size = await _size(wire)
    played = []
    for attack in ATTACKS:
        got = answer_to(await wire.post(attack.build(scene)))
        played.append(Played(attack.name, attack.says, attack.expected, got))
    for one in LIFE_ATTACKS:
        got = answer_to(await wire.post(one.build(lived)))
        played.append(Played(one.name, one.says, one.expected, got))
    grown = await _operations(wire, size, await _size(wire))
    everything = f"{len(played)} attacks, and the ledger has no operation more than before"
    played.append(Played("all of these", everything, "0 operations", f"{grown} operations"))
    played.append(await _at_once(wire, scene))
    played += await _impostures(wire, scene)
    shown = await _shown(wire, scene, suspended, receipt, older)
    for deception in DECEPTIONS:
        try:
            deception.show(shown)
            got = "believed"
        except TetradError as error:
            got = error.code
        played.append(Played(deception.name, deception.says, deception.expected, got))
    return played


def answer_to(outcome: Outcome) -> str:
    """What an attack got: the code of the refusal, or that it was accepted or a repetition."""
    if isinstance(outcome, TetradError):
        return outcome.code
    return REPEATED if outcome.get("repeated") is True else ACCEPTED


async def _accept(wire: Wire, signed: Signed) -> dict[str, Any]:
    outcome = await wire.post(signed.submission)
    if isinstance(outcome, TetradError):
        raise outcome
    return outcome


async def _scene(wire: Wire, fleet: Fleet, first_free: int) -> tuple[Scene, Device, bytes]:
    """Registers Mallory and four devices; the last is suspended, and the receipt is the first's."""
    mallory = fleet.book.party("mallory", name=MALLORY)
    joins = fleet.joins(mallory, created())
    await _accept(wire, joins)
    fleet.book.accepted(joins, mallory)
    devices: list[Device] = []
    registrations: list[Signed] = []
    receipts: list[str] = []
    scene = Scene(
        fleet,
        mallory,
        victim=fleet.device(first_free),
        captured=joins,
        rotated=fleet.device(first_free),
        revoked=fleet.device(first_free),
        first_free=first_free,
        created=created(),
        long_ago=created(ago=366 * 86_400),
    )
    for event in ("", "rotate", "revoke", "suspend"):
        device = scene.fresh()
        signed = fleet.registration(device, created())
        receipts.append((await _accept(wire, signed))["receipt"])
        fleet.registered(device, signed)
        if event:
            then = happen(fleet, device, event, created())
            await _accept(wire, then)
            happened(fleet, device, event, then)
        devices.append(device)
        registrations.append(signed)
    scene.victim, scene.rotated, scene.revoked, suspended = devices
    scene.captured = registrations[0]
    return scene, suspended, receipts[0].encode()


async def _lived(wire: Wire, scene: Scene) -> Lived:
    """A sale and a recovery."""
    preparation = preparing(scene)
    while True:
        try:
            signed = next(preparation)
        except StopIteration as end:
            return cast("Lived", end.value)
        await _accept(wire, signed)


async def _size(wire: Wire) -> int:
    """Entries now, once all of them are published: a root of the state then ends them, and no other
    one follows of its own accord."""
    await wire.get("/checkpoint")
    proof = json_object(await wire.get("/v1/ledger/proofs/inclusion", index=0))
    return cast("int", proof["size"])


async def _operations(wire: Wire, start: int, end: int) -> int:
    """How many of these entries are operations, and not roots of the state."""
    entries = [json_object(await wire.get(f"/v1/ledger/entries/{n}")) for n in range(start, end)]
    return sum("operation" in entry for entry in entries)


async def _at_once(wire: Wire, scene: Scene) -> Played:
    """One operation, sent many times at the same moment, is registered once."""
    submission = scene.fleet.registration(scene.fresh(), created()).submission
    outcomes = await asyncio.gather(*(wire.post(submission) for _ in range(AT_ONCE)))
    answers = sorted(answer_to(outcome) for outcome in outcomes)
    indexes = {one.get("index") for one in outcomes if isinstance(one, dict)}
    once = answers == [ACCEPTED, *[REPEATED] * (AT_ONCE - 1)] and len(indexes) == 1
    got = "registered once" if once else f"{answers.count(ACCEPTED)} times, {len(indexes)} indexes"
    says = f"The same operation {AT_ONCE} times at the same moment."
    return Played("concurrent replay", says, "registered once", got)


async def _impostures(wire: Wire, scene: Scene) -> list[Played]:
    """Whoever pretends to be a device; the last of them many times at the same moment."""
    stage = Stage(scene, wire, time.time, secrets.token_bytes)
    played = [Played(one.name, one.says, one.expected, await one.play(stage)) for one in IMPOSTURES]
    presentation = await stage.client(scene.victim.party).present()
    outcomes = await asyncio.gather(*(stage.answer(presentation) for _ in range(AT_ONCE)))
    admitted = sum(isinstance(one, dict) for one in outcomes)
    says = f"One answer to a challenge {AT_ONCE} times at the same moment."
    got = f"{admitted} of {AT_ONCE} admitted"
    played.append(Played("concurrent answers", says, f"1 of {AT_ONCE} admitted", got))
    return played


async def _shown(
    wire: Wire, scene: Scene, suspended: Device, receipt: bytes, older: bytes
) -> Shown:
    """Honest answers, of which the deceptions are made."""
    answer, other = [
        cast("dict[str, Any]", json_object(await wire.get(f"/v1/devices/{did}", proof=1)))
        for did in (suspended.party.did, scene.victim.party.did)
    ]
    trust = await wire.trust()
    newest = answer["proof"]["checkpoint"].encode()
    between = trust.consistency_needed(newest)
    hashes = None
    if between is not None:
        first, last = between
        path = "/v1/ledger/proofs/consistency"
        proof = json_object(await wire.get(path, **{"from": first, "to": last}))
        hashes = [decode64(text) for text in cast("list[str]", proof["hashes"])]
    return Shown(trust.observe(newest, hashes), answer, other, scene.captured, receipt, older)
