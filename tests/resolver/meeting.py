"""Devices that meet, out of a City: `Scene` of the simulator's encounters, and what it is made of.

scene = town_scene()
scene.meet(scene.initiator(), scene.responder())
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256
from typing import Any

from identity.did import did_key_method, tetrad_did
from identity.disclosure import SERIAL
from identity.keys import public_key
from identity.wallet import Identity, Wallet
from registry.keyupdates import KeyUpdates
from registry.state import Key
from resolver.bundle import bundle_bytes
from resolver.handshake import Own, Terms
from resolver.simulator.encounters import Scene
from resolver.trust import Trust
from tests.factory import City, Signed, Subject, disclosed
from tests.resolver.answering import Answering


def stream(name: str) -> Callable[[int], bytes]:
    """Bytes that look random, the same for the same name; never the same twice."""

    def blocks() -> Iterator[bytes]:
        at = 0
        while True:
            yield sha256(f"{name} {at}".encode()).digest()
            at += 1

    source = blocks()

    def random(n: int) -> bytes:
        drawn = b""
        while len(drawn) < n:
            drawn += next(source)
        return drawn[:n]

    return random


def wallet_of(*subjects: Subject) -> Wallet:
    """A wallet that speaks for these."""
    wallet = Wallet(stream("wallet"))
    for one in subjects:
        keys = [wallet.add_key(one.key).thumbprint]
        wallet.identities[one.did] = Identity(keys, [wallet.add_key(one.next_key).thumbprint])
    return wallet


class Town(City):
    """Five devices, the last of which is suspended, and a published state."""

    def __init__(self, *algorithms: str, mode: str = "sandbox") -> None:
        """Of the devices' keys; Ed25519 for those that are not named."""
        super().__init__(mode=mode)
        admits = self.authority if mode == "permissioned" else None
        self.acme = self.organization("Acme", admitted_by=admits)
        self.accept(self.prefix(self.acme, "gtin:09506000", by=admits))
        self.before = self.now
        kinds = [*algorithms, *["Ed25519"] * (5 - len(algorithms))]
        self.devices = [
            self.device(f"M-{n}", self.acme, algorithm=kind) for n, kind in enumerate(kinds)
        ]
        self.accept(
            self.supervise(self.devices[4], "status.suspend", "reported stolen", self.authority)
        )
        self.answering = Answering(self)
        self.answering.publish()

    @property
    def trust(self) -> Trust:
        """What a device pins."""
        return Trust.begin(self.genesis.operation)

    @property
    def informed(self) -> Trust:
        """The same, with every update of the log's keys."""
        trust = self.trust
        for item in KeyUpdates(self.store, self.reader).every():
            trust = trust.extend(item)
        return trust

    def bundle(self, subject: Subject, at: str | None = None) -> bytes:
        """The bundle of a device, asked for by its code."""
        value = f"https://id.gs1.org/01/09506000134352/21/{subject.name}"
        key: Key = ("code", "gs1", value)
        answer = self.answering.answer(self.answering.resolver.code(value), at)
        return bundle_bytes(self.informed, key, answer)

    def own(self, subject: Subject) -> Own:
        """A device as its machine knows it."""
        return Own(wallet_of(subject), subject.did, self.bundle(subject))

    def scene(self, name: str = "scene") -> Scene:
        """The first four meet each other."""
        one, other, third, mallory, suspended = map(self.own, self.devices)
        return Scene(
            trust=self.trust,
            now=self.now,
            one=one,
            other=other,
            third=third,
            mallory=mallory,
            mallory_key=self.devices[3].key,
            suspended=suspended,
            past=self.bundle(self.devices[0], at=self.created),
            random=stream(name),
        )


@lru_cache
def town() -> Town:
    """A town for tests that change nothing of it."""
    return Town()


def town_scene() -> Scene:
    """A new scene in it, with fresh randomness."""
    return town().scene()


def device_with(at: Town, name: str, *algorithms: str) -> Own:
    """A registered device with keys of these algorithms in force, and its published bundle."""
    wallet = Wallet(stream(name))
    drawn = wallet.draw(*algorithms)
    serial = disclosed(SERIAL, f"SN-{name}")
    body = at.device_body(Subject(name), at.acme, serial=serial, number=None)
    body.update(keys=drawn.keys, next=drawn.next)
    methods = [
        (wallet.key(public_key(multikey).thumbprint), did_key_method(multikey))
        for multikey in drawn.keys
    ]
    operation = at.operation("device.register", body, *methods, at.acme.method)
    signed = Signed(operation, [serial.encoded])
    at.accept(signed)
    at.answering.publish()
    did = tetrad_did(at.ledger_hash, signed.hash)
    wallet.adopt(did, drawn)
    answer = at.answering.answer(at.answering.resolver.did(did))
    return Own(wallet, did, bundle_bytes(at.informed, ("did", did), answer))


def met(scene: Scene, one: Terms | None = None, other: Terms | None = None) -> tuple[Any, Any]:
    """Both machines after an honest meeting on these terms."""
    machines = scene.initiator(terms=one), scene.responder(terms=other)
    scene.meet(*machines)
    return machines
