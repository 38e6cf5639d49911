"""specs/vectors/identity/handshake.json: meetings of two devices, as one of the two sees them.

The honest ones, and every attack of the simulator, from the machine that refuses it: what it sent
and received, in which order and when.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson

from identity.errors import TetradError
from identity.jcs import canonicalize, parse
from identity.multibase import base64url_encode, multihash
from resolver.handshake import Channel, Initiator, Own, Responder, Terms
from resolver.handshake.messages import NONCE_BYTES
from resolver.schemes import Code
from resolver.simulator.encounters import ENCOUNTERS, Scene
from resolver.trust import Trust
from tests.factory import LOG
from tests.generated import file
from tests.resolver.meeting import Town, device_with, stream
from tests.witnesses import cosigner, policy

Value = dict[str, Any]

POLICY = policy("witness w1 {w1} https://w1.example", "quorum w1").format()
"""Of every judge: a witness with an Ed25519 key dates what is shown."""

TOO_LONG = 100_000
"""Bytes of a message that is left out of the file."""


class Cosigned(Town):
    """A town whose checkpoints bear no line of ML-DSA, which is another one each time."""

    def __init__(self) -> None:
        super().__init__()
        self.answering.signers = (LOG, cosigner("w1"))
        self.answering.publish()

    @property
    def trust(self) -> Trust:
        """As a device pins it that asks for the witness."""
        return super().trust.asking(POLICY)


class Judge:
    """A machine that is watched: its nonce, its terms, and what went in and out of it."""

    def __init__(self, own: Own, terms: Terms, random: Callable[[int], bytes], role: str) -> None:
        self.role, self.own, self.terms = role, own, terms
        self.nonce = random(NONCE_BYTES)
        kind: Any = Initiator if role == "initiator" else Responder
        self._machine = kind(own, terms, lambda _: self.nonce)
        self.log: list[Value] = []
        self.error = ""

    @property
    def peer(self) -> Any:
        """Who was met."""
        return self._machine.peer

    def first(self, now: int) -> bytes:
        """As the machine does."""
        message: bytes = self._machine.first(now)
        self.log.append({"now": now, "sent": message})
        return message

    def receive(self, message: bytes, now: int) -> bytes:
        """As the machine does."""
        self.log.append({"now": now, "received": message})
        try:
            reply: bytes = self._machine.receive(message, now)
        except TetradError as error:
            self.error = error.code
            raise
        if reply:
            self.log.append({"now": now, "sent": reply})
        return reply


class Watched(Scene):
    """A scene whose machines are watched."""

    @property
    def judges(self) -> list[Judge]:
        """Every machine so far."""
        found: list[Judge] = self.__dict__.setdefault("_judges", [])
        return found

    def _judge(self, own: Own, terms: Terms | None, role: str) -> Any:
        judge = Judge(own, terms or self.terms, self.random, role)
        self.judges.append(judge)
        return judge

    def initiator(self, own: Own | None = None, terms: Terms | None = None) -> Any:
        """A watched machine."""
        return self._judge(own or self.one, terms, "initiator")

    def responder(self, own: Own | None = None, terms: Terms | None = None) -> Any:
        """A watched machine."""
        return self._judge(own or self.other, terms, "responder")


def watched(scene: Scene, name: str) -> Watched:
    """The scene with its machines watched, and randomness that follows from a name."""
    members = {**vars(scene), "random": stream(name)}
    return Watched(**members)


class Bundles:
    """Each bundle once, by name; in a message its name stands for it."""

    def __init__(self) -> None:
        self.by_name: dict[str, Value] = {}
        self.keys: dict[str, list[str]] = {}

    def add(self, name: str, own: Own) -> None:
        """The bundle of a device that meets, and the secrets of its keys."""
        self.by_name[name] = orjson.loads(own.bundle)
        held = [own.wallet.key(one) for one in own.wallet.identity(own.did).keys]
        self.keys[name] = [key.secret().hex() for key in held]

    def name_of(self, value: Value) -> str:
        """The name of a bundle that was added."""
        return next(name for name, known in self.by_name.items() if known == value)

    def shortened(self, message: bytes) -> Value | str:
        """A message with its bundle's name; as text where it is not one JSON value."""
        try:
            value: Any = parse(message, max_bytes=2**21)
        except TetradError:
            return message.decode()
        if "bundle" in value:
            value = {**value, "bundle": self.name_of(value["bundle"])}
        return dict(value)


def _terms(terms: Terms) -> Value:
    shown: Value = {"ledgers": [trust.ledger for trust in terms.trusts], "maxAge": terms.max_age}
    if isinstance(terms.peer, Code):
        shown["peer"] = terms.peer._asdict()
    elif terms.peer:
        shown["peer"] = terms.peer
    if terms.channel:
        data = base64url_encode(terms.channel.data)
        shown["channel"] = {"type": terms.channel.type, "data": data}
    if terms.context:
        shown["context"] = terms.context
    return shown


def _vector(name: str, judge: Judge, bundles: Bundles) -> Value:
    shown: Value = {
        "name": name,
        "role": judge.role,
        "did": judge.own.did,
        "nonce": base64url_encode(judge.nonce),
        "bundle": bundles.name_of(orjson.loads(judge.own.bundle)),
        "terms": _terms(judge.terms),
        "messages": [
            {what: one if what == "now" else bundles.shortened(one) for what, one in item.items()}
            for item in judge.log
        ],
    }
    if judge.error:
        return {**shown, "error": judge.error}
    peer = judge.peer
    return {**shown, "peer": peer.did, "methods": list(peer.methods), "transcript": peer.transcript}


def _honest(scene: Scene, bundles: Bundles) -> list[Value]:
    terms = scene.terms
    code = Code("gs1", "https://id.gs1.org/01/09506000134352/21/M-1")
    cases = {
        "a meeting": terms,
        "whatever the age": replace(terms, max_age=None),
        "bound to a channel": replace(terms, channel=Channel("tls-exporter", bytes(range(32)))),
        "in a context": replace(terms, context="read the meter"),
    }
    made = []
    for name, asked in cases.items():
        seen = watched(scene, name)
        seen.meet(seen.initiator(terms=asked), seen.responder(terms=asked))
        made += [_vector(f"{name}, {one.role}", one, bundles) for one in seen.judges]
    expected: dict[str, str | Code] = {"its DID": scene.other.did, "its code": code}
    for name, peer in expected.items():
        seen = watched(scene, name)
        one = seen.initiator(terms=replace(terms, peer=peer))
        seen.meet(one, seen.responder())
        made.append(_vector(f"expected by {name}", one, bundles))
    return made


def _refused(scene: Scene, bundles: Bundles) -> list[Value]:
    made = []
    for encounter in ENCOUNTERS:
        seen = watched(scene, encounter.name)
        with suppress(TetradError):
            encounter.play(seen)
        (judge,) = [one for one in seen.judges if one.error]
        if all(len(one.get("received", b"")) < TOO_LONG for one in judge.log):
            made.append(_vector(encounter.name, judge, bundles))
    return made


def _other_keys(bundles: Bundles) -> list[Value]:
    """A device with a P-256 key."""
    at = Cosigned()
    own, judge = device_with(at, "P-256", "P-256"), at.own(at.devices[1])
    bundles.add("P-256", own)
    bundles.add("met by P-256", judge)
    seen = watched(at.scene(), "P-256")
    seen.meet(seen.initiator(own), seen.responder(judge))
    return [_vector("a P-256 key", seen.judges[1], bundles)]


def files() -> dict[str, bytes]:
    """One file."""
    scene, bundles = Cosigned().scene(), Bundles()
    for name in ("one", "other", "third", "mallory", "suspended"):
        bundles.add(name, getattr(scene, name))
    bundles.add("past", scene.one._replace(bundle=scene.past))
    vectors = [*_honest(scene, bundles), *_other_keys(bundles), *_refused(scene, bundles)]
    made = {
        "description": "Meetings of two devices, as the one with `role`, `did` and `nonce` sees"
        " them: what it sent and received, and when. In messages the name of a bundle stands for"
        " it; a message that is no JSON value is text. Everybody"
        " asks for the witness of `policy`. `keys` are the secrets of those in force.",
        "policy": POLICY,
        "keys": bundles.keys,
        "hashes": {name: multihash(canonicalize(one)) for name, one in bundles.by_name.items()},
        "bundles": bundles.by_name,
        "vectors": vectors,
    }
    return {"vectors/identity/handshake.json": file(made)}
