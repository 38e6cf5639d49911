"""Every run of the handshake that an attacker can bring about, within bounds: who accepts, agrees.

The machines are the real ones; messages, evidence and signatures are symbols, so that tens of
thousands of runs are a matter of seconds. The attacker owns the wires and a device of her own: she
delivers anything that she has seen to anybody, in any order, puts nonces, bundles and proofs of
different meetings together, and signs as herself. She cannot sign as somebody else (Dolev and Yao).

What must hold is injective agreement (Lowe, 1997): whoever accepts an honest device has exactly one
partner there, in the other role, with the very same transcript, and no two have the same partner.
Transcripts that were weakened show that the search finds what there is to find.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from copy import copy
from itertools import combinations_with_replacement
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from identity.errors import ForgedProof, TetradError
from identity.jcs import canonicalize
from resolver.handshake import Initiator, Responder, Side, Terms, Transcript, machines
from resolver.handshake.messages import Message

HONEST = ("did:a", "did:b")
MALLORY = "did:m"
KINDS = [(role, did) for did in HONEST for role in ("initiator", "responder")]
HERS = "nonce of Mallory"
TERMS = Terms([], None)
WALLET = SimpleNamespace()

Machine = Initiator | Responder
Proof = tuple[str, bytes, str, str]
"""Who signed what, for which challenge and domain: a symbol that only its signer can make."""


class Sent(NamedTuple):
    """A message as a symbol."""

    nonce: str
    did: str
    proof: Proof | None


@pytest.fixture(autouse=True)
def symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    """Symbols take the place of bytes, evidence and signatures."""

    def answer(document: Any, did: str, *, challenge: str, domain: str) -> Any:
        return {"proof": (did, canonicalize(document), challenge, domain)}

    def verify(
        document: Any, proof: Any, evidence: Any, *, challenge: str, domain: str, **_options: Any
    ) -> Any:
        if proof != (evidence.did, canonicalize(document), challenge, domain):
            raise ForgedProof("another signature")
        return ("method",)

    def write(_number: int, members: Any) -> Sent:
        shown = members.get("bundle", {}).get("did", "")
        return Sent(members.get("nonce", ""), shown, next(iter(members.get("proof", [])), None))

    def read(message: Sent, _number: int) -> Any:
        return Message(message.nonce, {"did": message.did}, message.proof)  # type: ignore[arg-type]

    def evidence(bundle: Any, *_: Any) -> Any:
        return SimpleNamespace(did=bundle["did"])

    monkeypatch.setattr(machines, "_shown", lambda own: {"did": own.did})
    monkeypatch.setattr(WALLET, "answer", answer, raising=False)
    monkeypatch.setattr(machines, "verify_signatures", verify)
    monkeypatch.setattr(machines, "write_message", write)
    monkeypatch.setattr(machines, "read_message", read)
    monkeypatch.setattr(machines, "verify_evidence", evidence)


class State(NamedTuple):
    """Where each machine stands, and the messages that it has sent."""

    machines: tuple[Machine, ...]
    sent: tuple[tuple[Sent, ...], ...]

    @property
    def nonces(self) -> list[str]:
        """All that were shown, and one of the attacker's."""
        return [HERS, *(sent[0].nonce for sent in self.sent if sent)]

    @property
    def proofs(self) -> list[Proof]:
        """All signatures that were made."""
        return [one.proof for sent in self.sent for one in sent if one.proof is not None]


def start(kinds: tuple[tuple[str, str], ...]) -> State:
    """One machine of each kind. Who begins has begun: to know more sooner harms no attacker."""
    made: list[Machine] = []
    sent: list[tuple[Sent, ...]] = []
    for place, (role, did) in enumerate(kinds):
        own: Any = SimpleNamespace(did=did, wallet=WALLET)
        random = bytes([place])
        kind: Callable[..., Machine] = Initiator if role == "initiator" else Responder
        machine = kind(own, TERMS, lambda n, b=random: b * n)
        made.append(machine)
        sent.append((machine.first(0),) if isinstance(machine, Initiator) else ())  # type: ignore[arg-type]
    return State(tuple(made), tuple(sent))


def signed_by_mallory(machine: Machine, nonce: str) -> Iterator[Proof]:
    """What she would sign as herself for this machine, in either role."""
    own, hers = machine._own, Side(MALLORY, nonce, machines._bundle_hash({"did": MALLORY}))
    pair = (own, hers) if isinstance(machine, Initiator) else (hers, own)
    role = "responder" if isinstance(machine, Initiator) else "initiator"
    document = Transcript(*pair).document(role)  # type: ignore[arg-type]
    yield (MALLORY, canonicalize(document), own.nonce, own.did)


def deliverable(state: State, machine: Machine) -> Iterator[Sent]:
    """Every message that the attacker can make for a machine; with a signature by another than the
    device that is shown, it is refused, and not tried."""
    if machine._stage == "over":
        return
    if isinstance(machine, Responder) and machine._stage == "waiting":
        assert machine._met is not None
        shown = machine._met[0].initiator
        yield from (Sent("", "", proof) for proof in signatures(state, machine, shown))
        return
    for nonce in state.nonces:
        for did in (*HONEST, MALLORY):
            if isinstance(machine, Responder):
                yield Sent(nonce, did, None)
                continue
            shown = Side(did, nonce, "")
            for proof in signatures(state, machine, shown):
                yield Sent(nonce, did, proof)


def signatures(state: State, machine: Machine, shown: Side) -> list[Proof]:
    """By the device that is shown to a machine, all that there are."""
    if shown.did == MALLORY:
        return list(signed_by_mallory(machine, shown.nonce))
    return [proof for proof in state.proofs if proof[0] == shown.did]


def following(state: State) -> Iterator[State]:
    """Every state one delivery away. What is refused leaves a machine that is over: no gain."""
    for place, machine in enumerate(state.machines):
        for message in deliverable(state, machine):
            moved = copy(machine)
            try:
                reply: Any = moved.receive(message, 0)  # type: ignore[arg-type]
            except TetradError:
                continue
            made = (*state.machines[:place], moved, *state.machines[place + 1 :])
            sent = list(state.sent)
            sent[place] = (*sent[place], reply) if reply else sent[place]
            yield State(made, tuple(sent))


def seen(machine: Machine) -> str | None:
    """The transcript of a machine that has signed one."""
    if machine.peer is not None:
        return machine.peer.transcript
    met = machine._met if isinstance(machine, Responder) else None
    return met[0].hash if met else None


def name(state: State) -> tuple[Any, ...]:
    """What a state is known by."""
    return tuple(
        (seen(machine), machine._stage, machine.peer is not None) for machine in state.machines
    )


def disagreement(state: State) -> str:
    """Who has accepted an honest device without exactly one partner there; "" for nobody."""
    partners: Counter[int] = Counter()
    for machine in state.machines:
        if machine.peer is None or machine.peer.did == MALLORY:
            continue
        found = [
            place
            for place, other in enumerate(state.machines)
            if other is not machine
            and other._own.did == machine.peer.did
            and type(other) is not type(machine)
            and seen(other) == machine.peer.transcript
            and (isinstance(machine, Initiator) or other.peer is not None)
        ]
        if len(found) != 1:
            return f"{type(machine).__name__} of {machine._own.did} has {len(found)} partners"
        partners[2 * found[0] + isinstance(machine, Initiator)] += 1
    return "" if max(partners.values(), default=0) <= 1 else "two have the same partner"


class Searched(NamedTuple):
    """What a search came upon."""

    states: int
    meetings: int
    """States in which two honest machines have accepted each other."""
    wrong: str


def sets_of_machines() -> Iterator[tuple[tuple[str, str], ...]]:
    """Up to three of the honest devices' machines, of whatever kinds, each a session with whoever
    is at the other end; and two whole meetings at once, crossed and in parallel."""
    for count in range(1, 4):
        yield from combinations_with_replacement(KINDS, count)
    yield tuple(KINDS)
    yield (KINDS[0], KINDS[0], KINDS[3], KINDS[3])


def search() -> Searched:
    """Every state of every set of machines."""
    states = meetings = 0
    for kinds in sets_of_machines():
        begun = start(kinds)
        known, pending = {name(begun)}, [begun]
        while pending:
            state = pending.pop()
            states += 1
            meetings += sum(one.peer is not None for one in state.machines) >= 2
            wrong = disagreement(state)
            if wrong:
                return Searched(states, meetings, wrong)
            for after in following(state):
                if name(after) not in known:
                    known.add(name(after))
                    pending.append(after)
    return Searched(states, meetings, "")


def test_whoever_accepts_agrees_with_exactly_one_partner() -> None:
    searched = search()
    assert searched.wrong == ""
    assert searched.meetings > 1_000
    assert searched.states > 10_000


Document = Callable[[Transcript, str], dict[str, Any]]


def without(*members: str) -> Document:
    """A transcript that lacks members of both sides."""
    whole = Transcript.document

    def weakened(transcript: Transcript, signer: Any) -> dict[str, Any]:
        document = whole(transcript, signer)
        for one in ("initiator", "responder"):
            side: Any = document[one]
            document[one] = {n: v for n, v in side.items() if n not in members}
        if "signer" in members:
            del document["signer"]
        return document

    return weakened


def unbound(monkeypatch: pytest.MonkeyPatch, *options: str) -> None:
    """Proofs whose challenge or domain nobody looks at."""
    verify: Any = vars(machines)["verify_signatures"]

    def lenient(document: Any, proof: Any, evidence: Any, **asked: Any) -> Any:
        for place, option in ((2, "challenge"), (3, "domain")):
            if option in options and proof is not None:
                asked[option] = proof[place]
        return verify(document, proof, evidence, **asked)

    monkeypatch.setattr(machines, "verify_signatures", lenient)


@pytest.mark.parametrize(
    ("members", "options"),
    [
        pytest.param(("nonce", "signer"), (), id="the peer's nonce alone, under no role"),
        pytest.param(("nonce",), ("challenge",), id="no nonces: a replay"),
        pytest.param(("did", "bundle"), ("domain",), id="no identities: unknown key share"),
    ],
)
def test_the_search_finds_what_a_weaker_transcript_allows(
    monkeypatch: pytest.MonkeyPatch, members: tuple[str, ...], options: tuple[str, ...]
) -> None:
    monkeypatch.setattr(Transcript, "document", without(*members))
    if options:
        unbound(monkeypatch, *options)
    assert search().wrong
