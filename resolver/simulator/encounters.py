"""Attacks on two devices that authenticate each other: impostors, replays, relays, stale evidence.

    for encounter in ENCOUNTERS:
        encounter.play(scene)             # must raise the error with the code `encounter.expected`

Mallory is between the two, or in the place of one. She reads, keeps, changes and sends whatever she
likes; she is a registered device of the ledger herself, and holds no key but her own. Each attack
goes on until an honest machine refuses; none needs a network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from identity.credentials.securing import secure
from identity.jcs import canonicalize, parse
from identity.keys import PrivateKey
from identity.multibase import multihash
from resolver.handshake import Channel, Initiator, Own, Responder, Side, Terms, Transcript
from resolver.handshake.peers import PURPOSE
from resolver.trust import Trust

MONTH = 30 * 86_400
_MOST_AGE = 86_400


@dataclass(frozen=True)
class Scene:
    """Who meets whom: devices of one ledger, with the newest bundle of each."""

    trust: Trust
    now: int
    one: Own
    other: Own
    third: Own
    mallory: Own
    mallory_key: PrivateKey
    suspended: Own
    past: bytes
    """A bundle that tells how `one` was at an earlier time, and says so."""
    random: Callable[[int], bytes]

    @property
    def terms(self) -> Terms:
        """What an honest device asks."""
        return Terms([self.trust], _MOST_AGE)

    def initiator(self, own: Own | None = None, terms: Terms | None = None) -> Initiator:
        """A new machine that speaks first, of `one` unless it is said."""
        return Initiator(own or self.one, terms or self.terms, self.random)

    def responder(self, own: Own | None = None, terms: Terms | None = None) -> Responder:
        """A new machine that is spoken to, of `other` unless it is said."""
        return Responder(own or self.other, terms or self.terms, self.random)

    def meet(self, one: Initiator, other: Responder) -> list[bytes]:
        """An honest meeting; its three messages."""
        first = one.first(self.now)
        second = other.receive(first, self.now)
        third = one.receive(second, self.now)
        other.receive(third, self.now)
        return [first, second, third]

    def meet_at(self, now: int) -> None:
        """An honest meeting at another time."""
        self.responder().receive(self.initiator().first(now), now)

    def shown(self, own: Own, /, **members: Any) -> bytes:
        """A message 1 by whoever likes, with the bundle of `own`."""
        return changed(self.initiator(own).first(self.now), **members)


class Encounter(NamedTuple):
    """One attack: its name, what it tries, and the code with which it is refused."""

    name: str
    says: str
    expected: str
    play: Callable[[Scene], None]


ENCOUNTERS: list[Encounter] = []

_Play = Callable[[Scene], None]


def _encounter(name: str, expected: str) -> Callable[[_Play], _Play]:
    def listed(play: _Play) -> _Play:
        ENCOUNTERS.append(Encounter(name, (play.__doc__ or "").strip(), expected, play))
        return play

    return listed


def opened(message: bytes) -> dict[str, Any]:
    """The members of a message."""
    return cast("dict[str, Any]", parse(message, max_bytes=2**21))


def changed(message: bytes, /, **members: Any) -> bytes:
    """A message with other members."""
    return canonicalize({**opened(message), **members})


def side(own: Own, message: bytes) -> Side:
    """One of the two as a transcript names it, by the message that it sent."""
    members = opened(message)
    return Side(own.did, members["nonce"], multihash(canonicalize(members["bundle"])))


def _as_answer(message: bytes, **options: str) -> list[dict[str, Any]]:
    """The proofs of a message, with options changed after they were signed."""
    return [{**proof, **options} for proof in opened(message)["proof"]]


@_encounter("replayed answer", "proof.malformed")
def _replayed_answer(scene: Scene) -> None:
    """Message 2 of an earlier meeting is played to who begins a new one."""
    _, second, _ = scene.meet(scene.initiator(), scene.responder())
    one = scene.initiator()
    one.first(scene.now)
    one.receive(second, scene.now)


@_encounter("replayed answer under the new nonce", "proof.invalid")
def _renamed_answer(scene: Scene) -> None:
    """The same, with the challenge of the proof changed to what is asked for."""
    _, second, _ = scene.meet(scene.initiator(), scene.responder())
    one = scene.initiator()
    nonce = opened(one.first(scene.now))["nonce"]
    one.receive(changed(second, proof=_as_answer(second, challenge=nonce)), scene.now)


@_encounter("replayed meeting", "proof.malformed")
def _replayed_meeting(scene: Scene) -> None:
    """Messages 1 and 3 of an earlier meeting are played to the device that took part in it."""
    first, _, third = scene.meet(scene.initiator(), scene.responder())
    other = scene.responder()
    other.receive(first, scene.now)
    other.receive(third, scene.now)


@_encounter("message played twice", "authentication.handshake")
def _twice(scene: Scene) -> None:
    """Message 3 is played a second time to the machine that has accepted it."""
    one, other = scene.initiator(), scene.responder()
    *_, third = scene.meet(one, other)
    other.receive(third, scene.now)


@_encounter("reflected message", "authentication.handshake")
def _reflected(scene: Scene) -> None:
    """What a device sends comes back to it as the answer."""
    one = scene.initiator()
    one.receive(one.first(scene.now), scene.now)


@_encounter("reflection to a second session", "authentication.handshake")
def _reflected_session(scene: Scene) -> None:
    """Message 1 is played to another machine of the same device, to have it answer itself."""
    first = scene.initiator().first(scene.now)
    scene.responder(scene.one).receive(first, scene.now)


@_encounter("roles swapped", "proof.invalid")
def _swapped_roles(scene: Scene) -> None:
    """Mallory speaks for `one` to `other`, and has `one` sign its nonce by speaking to it first:
    the attack on the 1993 draft of ISO/IEC 9798-3."""
    other = scene.responder()
    second = other.receive(scene.shown(scene.one), scene.now)
    asked = scene.shown(scene.other, nonce=opened(second)["nonce"])
    oracle = scene.responder(scene.one).receive(asked, scene.now)
    third = {"protocol": opened(second)["protocol"], "message": 3}
    other.receive(canonicalize({**third, "proof": opened(oracle)["proof"]}), scene.now)


@_encounter("relay to a third device", "authentication.handshake")
def _third(scene: Scene) -> None:
    """Mallory forwards to another device than the one that is meant."""
    one = scene.initiator(terms=replace(scene.terms, peer=scene.other.did))
    second = scene.responder(scene.third).receive(one.first(scene.now), scene.now)
    one.receive(second, scene.now)


@_encounter("relay between two channels", "proof.invalid")
def _two_channels(scene: Scene) -> None:
    """Mallory ends a secure channel with each of the two, and forwards every message."""
    terms = [
        replace(scene.terms, channel=Channel("tls-exporter", scene.random(32))) for _ in range(2)
    ]
    scene.meet(scene.initiator(terms=terms[0]), scene.responder(terms=terms[1]))


@_encounter("channel left out", "proof.invalid")
def _one_channel(scene: Scene) -> None:
    """One of the two believes that there is no channel."""
    bound = replace(scene.terms, channel=Channel("tls-exporter", scene.random(32)))
    scene.meet(scene.initiator(terms=bound), scene.responder())


@_encounter("another context", "proof.invalid")
def _contexts(scene: Scene) -> None:
    """A meeting to read a meter is passed off as one to open a valve."""
    reads, opens = (replace(scene.terms, context=one) for one in ("read", "open the valve"))
    scene.meet(scene.initiator(terms=reads), scene.responder(terms=opens))


@_encounter("unknown key share", "proof.invalid")
def _key_share(scene: Scene) -> None:
    """Mallory shows her own bundle in place of `one`'s, so that `other` believes to meet her."""
    one, other = scene.initiator(), scene.responder()
    bundle = opened(scene.shown(scene.mallory))["bundle"]
    second = other.receive(changed(one.first(scene.now), bundle=bundle), scene.now)
    proof = _as_answer(second, domain=scene.one.did)
    one.receive(changed(second, proof=proof), scene.now)


@_encounter("identity substituted in the answer", "proof.unknown_method")
def _substituted(scene: Scene) -> None:
    """Mallory shows her own bundle with the signature of `other`."""
    one = scene.initiator()
    second = scene.responder().receive(one.first(scene.now), scene.now)
    bundle = opened(scene.shown(scene.mallory))["bundle"]
    one.receive(changed(second, bundle=bundle), scene.now)


def _impostor(scene: Scene, victim: Own, method: str) -> None:
    """Mallory answers with the victim's bundle and signs with her own key, under any method."""
    one = scene.initiator()
    first = one.first(scene.now)
    answer = scene.shown(victim, message=2)
    transcript = Transcript(side(scene.one, first), side(victim, answer))
    signed = secure(
        transcript.document("responder"),
        scene.mallory_key,
        method=method,
        purpose=PURPOSE,
        challenge=opened(first)["nonce"],
        domain=scene.one.did,
    )
    one.receive(changed(answer, proof=[signed["proof"]]), scene.now)


@_encounter("clone with another key", "proof.invalid")
def _clone(scene: Scene) -> None:
    """A copy of a device, bundle and all, which lacks its key."""
    _impostor(scene, scene.other, scene.other.wallet.methods(scene.other.did)[0])


@_encounter("swapped bundle", "proof.unknown_method")
def _swapped_bundle(scene: Scene) -> None:
    """Mallory shows another device's bundle and signs as herself."""
    _impostor(scene, scene.other, scene.mallory.wallet.methods(scene.mallory.did)[0])


@_encounter("signature of another purpose", "proof.malformed")
def _purpose(scene: Scene) -> None:
    """The device did sign this very document, under this nonce and for this device, but as an
    operation."""
    one = scene.initiator()
    first = one.first(scene.now)
    second = scene.responder().receive(first, scene.now)
    other = scene.other
    signed = secure(
        Transcript(side(scene.one, first), side(other, second)).document("responder"),
        other.wallet.key(other.wallet.identity(other.did).keys[0]),
        method=other.wallet.methods(other.did)[0],
        purpose="capabilityInvocation",
        challenge=opened(first)["nonce"],
        domain=scene.one.did,
    )
    one.receive(changed(second, proof=[signed["proof"]]), scene.now)


@_encounter("presentation as an answer", "proof.invalid")
def _presentation(scene: Scene) -> None:
    """A presentation that the device once signed, under the very same challenge and domain."""
    one = scene.initiator()
    first = one.first(scene.now)
    second = scene.responder().receive(first, scene.now)
    other = scene.other
    presentation = {"type": ["VerifiablePresentation"], "holder": other.did}
    signed = secure(
        presentation,
        other.wallet.key(other.wallet.identity(other.did).keys[0]),
        method=other.wallet.methods(other.did)[0],
        purpose=PURPOSE,
        challenge=opened(first)["nonce"],
        domain=scene.one.did,
    )
    one.receive(changed(second, proof=[signed["proof"]]), scene.now)


@_encounter("stale bundle", "evidence.stale")
def _stale(scene: Scene) -> None:
    """A bundle of a month ago: what became of its device since, it does not tell."""
    scene.meet_at(scene.now + MONTH)


@_encounter("bundle of an earlier time", "evidence.stale")
def _past(scene: Scene) -> None:
    """A proved answer, of today, about how the device was before."""
    message = scene.shown(scene.one, bundle=parse(scene.past, max_bytes=2**20))
    scene.responder().receive(message, scene.now)


@_encounter("suspended device", "conflict.state")
def _suspended(scene: Scene) -> None:
    """A device that was reported stolen shows what proves it."""
    scene.responder().receive(scene.shown(scene.suspended), scene.now)


@_encounter("device of another ledger", "evidence.answer")
def _foreign(scene: Scene) -> None:
    """A ledger that anybody can begin, and that is not pinned."""
    scene.responder(terms=replace(scene.terms, trusts=[])).receive(
        scene.initiator().first(scene.now), scene.now
    )


@_encounter("another version", "authentication.handshake")
def _version(scene: Scene) -> None:
    """The device is asked to speak an older version."""
    message = scene.shown(scene.one, protocol="tetrad-handshake-0")
    scene.responder().receive(message, scene.now)


@_encounter("answer too late", "authentication.handshake")
def _late(scene: Scene) -> None:
    """The answer is held back for an hour."""
    one = scene.initiator()
    second = scene.responder().receive(one.first(scene.now), scene.now)
    one.receive(second, scene.now + 3600)


@_encounter("one member more", "authentication.handshake")
def _more(scene: Scene) -> None:
    """A member that no signature covers."""
    scene.responder().receive(scene.shown(scene.one, trusted=True), scene.now)


@_encounter("two nonces", "input.malformed")
def _duplicate(scene: Scene) -> None:
    """Two members of one name, so that two parsers read two different messages."""
    message = scene.initiator().first(scene.now)
    scene.responder().receive(message[:-1] + b',"nonce":"A"}', scene.now)


@_encounter("oversized message", "input.too_large")
def _oversized(scene: Scene) -> None:
    """More bytes than any message has."""
    message = scene.initiator().first(scene.now)
    scene.responder().receive(message + b" " * 2**20, scene.now)
