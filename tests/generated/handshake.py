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
from tests.generated import file
from tests.resolver.meeting import Town, stream, town

Value = dict[str, Any]

TOO_LONG = 100_000
"""Bytes of a message that is left out of the file."""


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


def _watched(scene: Scene, name: str) -> Watched:
    members = {**vars(scene), "random": stream(name)}
    return Watched(**members)


class Bundles:
    """Each bundle once, by name; in a message its name stands for it."""

    def __init__(self) -> None:
        self.by_name: dict[str, Value] = {}

    def add(self, name: str, data: bytes) -> None:
        """A bundle that messages may show."""
        self.by_name[name] = orjson.loads(data)

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
        watched = _watched(scene, name)
        watched.meet(watched.initiator(terms=asked), watched.responder(terms=asked))
        made += [_vector(f"{name}, {one.role}", one, bundles) for one in watched.judges]
    expected: dict[str, str | Code] = {"its DID": scene.other.did, "its code": code}
    for name, peer in expected.items():
        watched = _watched(scene, name)
        one = watched.initiator(terms=replace(terms, peer=peer))
        watched.meet(one, watched.responder())
        made.append(_vector(f"expected by {name}", one, bundles))
    return made


def _refused(scene: Scene, bundles: Bundles) -> list[Value]:
    made = []
    for encounter in ENCOUNTERS:
        watched = _watched(scene, encounter.name)
        with suppress(TetradError):
            encounter.play(watched)
        (judge,) = [one for one in watched.judges if one.error]
        if all(len(one.get("received", b"")) < TOO_LONG for one in judge.log):
            made.append(_vector(encounter.name, judge, bundles))
    return made


def _mixed(bundles: Bundles) -> list[Value]:
    """Devices with keys of other algorithms."""
    other = Town("Ed25519", "P-256")
    scene = other.scene()
    bundles.add("P-256", scene.other.bundle)
    bundles.add("its peer", scene.one.bundle)
    watched = _watched(scene, "P-256")
    watched.meet(watched.initiator(), watched.responder())
    return [_vector("a P-256 key signs", watched.judges[0], bundles)]


def files() -> dict[str, bytes]:
    """One file."""
    scene, bundles = town().scene(), Bundles()
    names = ("one", "other", "third", "mallory", "suspended")
    for name in names:
        bundles.add(name, getattr(scene, name).bundle)
    bundles.add("past", scene.past)
    vectors = [*_honest(scene, bundles), *_mixed(bundles), *_refused(scene, bundles)]
    keys = {
        name: device.key.secret().hex() for name, device in zip(names, town().devices, strict=True)
    }
    made = {
        "description": "Meetings of two devices, as the one with `role`, `did` and `nonce` sees"
        " them: what it sent and received, and when. In messages the name of a bundle stands for"
        " it; a message that is no JSON value is text. `keys` are the secrets that sign.",
        "keys": keys,
        "hashes": {name: multihash(canonicalize(one)) for name, one in bundles.by_name.items()},
        "bundles": bundles.by_name,
        "vectors": vectors,
    }
    return {"vectors/identity/handshake.json": file(made)}
