"""Attacks on keys through life that a fleet can play: around a sale, and around a recovery.

    lived = yield from preparing(scene)          # honest operations, each accepted before the next
    for attack in LIFE_ATTACKS:
        posted = attack.build(lived)             # as in resolver/simulator/attacks.py

Mallory bought a device, and holds what has leaked: a device's old keys, its present and next ones,
the operator's own key, and one of the three recovery keys of a quorum.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from identity.did import tetrad_method
from identity.jcs import Json, canonicalize
from identity.keys import PrivateKey
from identity.members import format_time, parse_time
from identity.operation import operation_hash
from resolver.simulator.attacks import Scene, proved
from resolver.simulator.fleet import Device
from resolver.simulator.life import happen, happened
from resolver.simulator.signing import Party, Signed

FIRST, SECOND, FRESH = 40, 50, 60
"""Generations of a device's keys that it does not come to by rotating."""
WAIT = 604_800
"""Seconds."""


class Lived(NamedTuple):
    """What happened before the attacks."""

    scene: Scene
    sold: Device
    """Mallory's by now."""
    offer: Signed
    """By which it became hers."""
    recovering: Device
    """Offered to Mallory by whoever stole the operator's key; its owner's quorum is at work."""
    stolen: Signed
    """That offer."""
    cancelled: Signed
    standing: Signed
    """The quorum's attempts: a thief of `next` has cancelled one, and tried to cancel the other."""
    guarded: Device
    """With a quorum of its own, which is not at work."""


class LifeAttack(NamedTuple):
    """As `attacks.Attack`, over what was prepared."""

    name: str
    says: str
    expected: str
    build: Callable[[Lived], bytes]


LIFE_ATTACKS: list[LifeAttack] = []


def _attack(
    name: str, expected: str
) -> Callable[[Callable[[Lived], bytes]], Callable[[Lived], bytes]]:
    def listed(build: Callable[[Lived], bytes]) -> Callable[[Lived], bytes]:
        LIFE_ATTACKS.append(LifeAttack(name, (build.__doc__ or "").strip(), expected, build))
        return build

    return listed


def preparing(scene: Scene) -> Generator[Signed, None, Lived]:
    """The honest operations, and the thief's that no rule forbids; each is accepted before the
    next one is asked for."""
    fleet = scene.fleet
    sold, recovering, guarded = (scene.fresh("meter", "Ed25519") for _ in range(3))
    for device in (sold, recovering, guarded):
        signed = fleet.registration(device, scene.created, **_quorum(device))
        yield signed
        fleet.registered(device, signed)
    offer = _offer(scene, sold)
    yield offer
    fleet.book.accepted(offer, sold.party)
    taken = _accept(scene, sold, offer, sold.party.generation + 1)
    yield taken
    fleet.book.accepted(taken, sold.party)
    sold.party.generation += 1
    cancelled = _begin(scene, recovering, _shares(recovering)[:2], FIRST)
    yield cancelled
    yield from _rotates(scene, recovering)
    standing = _begin(scene, recovering, _shares(recovering)[1:], SECOND)
    yield from _rotates(scene, recovering)  # between its signing and its sending
    yield standing
    yield from _rotates(scene, recovering)  # which cancels nothing
    stolen = _offer(scene, recovering)
    yield stolen
    fleet.book.accepted(stolen, recovering.party)
    return Lived(scene, sold, offer, recovering, stolen, cancelled, standing, guarded)


def _rotates(scene: Scene, device: Device) -> Generator[Signed, None, None]:
    signed = happen(scene.fleet, device, "rotate", scene.created)
    yield signed
    happened(scene.fleet, device, "rotate", signed)


def _shares(device: Device) -> list[PrivateKey]:
    names = device.party.names
    return [device.party.seed.key(*names, "share", n, algorithm="Ed25519") for n in range(3)]


def _quorum(device: Device) -> dict[str, Json]:
    keys: list[Json] = [key.public.thumbprint for key in _shares(device)]
    return {"recovery": {"threshold": 2, "keys": keys, "wait": WAIT}}


def _offer(scene: Scene, device: Device) -> Signed:
    until = format_time(parse_time(scene.created) + 86_400)
    body: dict[str, Json] = {"offer": {"to": scene.mallory.did, "notAfter": until}}
    by = [scene.fleet.operator]
    return scene.fleet.book.sign("transfer.offer", body, scene.created, by=by, subject=device.party)


def _accept(scene: Scene, device: Device, offer: Signed, generation: int, *also: Party) -> Signed:
    members: dict[str, Json] = {"offer": offer.hash, "recovery": "none"}
    # `sign` takes the keys of the next generation.
    party = replace(device.party, generation=generation - 1)
    return scene.fleet.book.sign(
        "transfer.accept",
        {**members, **party.keys(generation)},
        scene.created,
        by=[scene.mallory, *also],
        new=party,
        subject=party,
    )


def _begin(scene: Scene, device: Device, shares: Sequence[PrivateKey], generation: int) -> Signed:
    """A recovery.begin by these keys, whosever they are."""
    party = device.party
    body = {
        "appointed": party.did.rpartition(":")[2],
        "quorum": [key.public.multikey for key in shares],
        **party.keys(generation),
        "recovery": "none",
    }
    return _about(scene, party, "recovery.begin", body, [*party.keys_of(generation), *shares])


def _finish(scene: Scene, device: Device, begun: Signed, generation: int) -> bytes:
    body = {"begun": begun.hash}
    keys = device.party.keys_of(generation)
    return _about(scene, device.party, "recovery.finish", body, keys).submission


def _about(
    scene: Scene, party: Party, type_: str, body: Mapping[str, Any], keys: Sequence[PrivateKey]
) -> Signed:
    operation = {
        "type": type_,
        "ledger": scene.fleet.book.ledger,
        "created": scene.created,
        "subject": party.did,
        "body": body,
    }
    methods = [(key, tetrad_method(party.did, key.public.thumbprint)) for key in keys]
    signed = proved(operation, *methods)
    return Signed(signed, [], operation_hash(cast("dict[str, Json]", signed)))


@_attack("seller after a sale", "right.signer_missing")
def _seller(lived: Lived) -> bytes:
    """The old controller changes a device that it has sold."""
    scene = lived.scene
    signed = scene.fleet.book.sign(
        "device.update",
        {"data": "none"},
        scene.created,
        by=[scene.fleet.operator],
        subject=lived.sold.party,
    )
    return signed.submission


@_attack("old key after a sale", "proof.unknown_method")
def _sold_key(lived: Lived) -> bytes:
    """The device's key from before the sale signs as the device."""
    scene, party = lived.scene, lived.sold.party
    before = replace(party, generation=party.generation - 1)
    signed = scene.fleet.book.sign(
        "number.rebind",
        {"number": "none"},
        scene.created,
        by=[scene.mallory, before],
        subject=before,
    )
    return signed.submission


@_attack("second acceptance", "conflict.state")
def _twice(lived: Lived) -> bytes:
    """An offer that was accepted is accepted again, with other keys and the prefix holder."""
    scene = lived.scene
    signed = _accept(scene, lived.sold, lived.offer, FRESH, scene.fleet.operator)
    return canonicalize({"operation": signed.operation})


@_attack("sale away from a quorum", "conflict.state")
def _sold_away(lived: Lived) -> bytes:
    """A thief of the controller's key and of `next` sells the device to herself."""
    party = lived.recovering.party
    return _accept(lived.scene, lived.recovering, lived.stolen, party.generation + 1).submission


@_attack("recovery below its threshold", "right.signer_missing")
def _below(lived: Lived) -> bytes:
    """One stolen recovery key of the two that it takes."""
    stolen = _shares(lived.guarded)[:1]
    return _begin(lived.scene, lived.guarded, stolen, FIRST).submission


@_attack("recovery by another quorum", "proof.unknown_method")
def _foreign(lived: Lived) -> bytes:
    """The recovery keys of another device."""
    others = _shares(lived.recovering)[:2]
    return _begin(lived.scene, lived.guarded, others, FIRST).submission


@_attack("recovery before its time", "rule.time")
def _early(lived: Lived) -> bytes:
    """The end of a recovery whose wait is not over."""
    return _finish(lived.scene, lived.recovering, lived.standing, SECOND)


@_attack("recovery that was cancelled", "conflict.state")
def _cancelled(lived: Lived) -> bytes:
    """The end of an attempt that was cancelled."""
    return _finish(lived.scene, lived.recovering, lived.cancelled, FIRST)


@_attack("recovery on top of another", "conflict.state")
def _again(lived: Lived) -> bytes:
    """An attempt while one is under way, so that its wait begins anew."""
    shares = _shares(lived.recovering)[:2]
    return _begin(lived.scene, lived.recovering, shares, FRESH).submission
