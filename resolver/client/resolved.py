"""What a client gives back of a verified answer, and how one that came by way of other ledgers is
held against the pinned root.

A recursive resolver answers with a `path` (resolver/path.py). Of the root it also passes on what a
client asks to see that the root's log only grows: `/v1/ledger/keys` and
`/v1/ledger/proofs/consistency`, as the root itself would answer them. Of the ledgers below nothing
is remembered from one question to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from identity.errors import InvalidAnswer
from identity.jcs import Json
from identity.operation import operation_hash
from registry.state import Device, Key
from resolver.client.flow import Flow
from resolver.client.seeing import Seeing
from resolver.freshness import Age
from resolver.path import Hop, VerifiedPath, verify_path
from resolver.referral import may_be_delegated, shown_referral, verify_referral, verify_unregistered
from resolver.schemes import Code
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer, VerifiedState, verify_absence


@dataclass(frozen=True, slots=True)
class Resolved:
    """A verified answer about a device."""

    read_as: Code | None
    """The code that was asked for, in canonical form; None where a DID or disclosure was."""
    key: Key | None
    """Of the state, under which the device was found, where anybody can compute it."""
    answer: dict[str, Json]
    """The answer as the server gave it, its proof included."""
    verified: VerifiedAnswer
    age: Age
    asserted: str
    """What rests on the registry's word alone; empty where everything is proved."""
    hops: tuple[Hop, ...] = ()
    """The ledgers by way of which it was found, the pinned root first; none where the pinned ledger
    answered itself."""
    stale: bool = False
    """Whether a resolver says that it could not ask anew, and this is what it had."""

    @property
    def ledger(self) -> Trust | None:
        """The ledger that answers, where it is not the pinned one."""
        return self.hops[-1].trust if self.hops else None

    @property
    def did(self) -> str:
        """The device's DID."""
        return self.verified.did

    @property
    def status(self) -> str:
        """active, suspended, revoked or retired."""
        return self.verified.status

    @property
    def device(self) -> Device:
        """The device's record."""
        return self.verified.device

    @property
    def maker(self) -> str:
        """The DID of the maker."""
        return cast("str", self.device["object"]["maker"])

    @property
    def maker_name(self) -> str:
        """The name under which the maker was registered, where the evidence shows it; else ''."""
        if not self.verified.signers:  # nothing was looked at beside the record
            return ""
        proof = cast("dict[str, list[dict[str, Json]]]", self.answer["proof"])
        for operation in proof.get("signers", []):
            if operation["type"] == "organization.register" and self.maker.endswith(
                ":" + operation_hash(operation)
            ):
                return cast("str", cast("dict[str, Json]", operation["body"])["name"])
        return ""


class ByWay(Seeing):
    """The flows of a client that was answered by way of other ledgers, or referred to one."""

    def by_way(
        self, answer: Mapping[str, Json], key: Key | None, max_age: int | None
    ) -> Flow[VerifiedPath]:
        """Checks an answer with its path, and holds what it shows of the root against what was
        seen. Raises EvidenceRefused."""
        if key is None:
            raise InvalidAnswer("only codes in clear and DIDs are answered by way of other ledgers")
        found = verify_path(answer, self.trust, key, int(self.clock()), max_age=max_age)
        for item in found.root.updates[len(self.trust.updates) :]:
            yield from self.hold_update(item)
        yield from self.observe(found.root_note(answer))
        return found

    def referred(
        self, members: Mapping[str, Json], key: Key, max_age: int | None
    ) -> Flow[tuple[VerifiedState, Age]]:
        """Checks that the pinned ledger refers a question to another node. Raises
        EvidenceRefused."""
        note = note_of(members)
        yield from self.learn(note)
        now = int(self.clock())
        found = verify_referral(shown_referral(members), self.trust.pinned, key, now)
        age = self.dated(found.state.checkpoint, max_age)
        yield from self.observe(note)
        return found.state, age

    def absent(
        self, members: Mapping[str, Json], key: Key, max_age: int | None
    ) -> Flow[tuple[VerifiedState, Age]]:
        """Checks that there is no device under a key; of a code in clear also that the pinned
        ledger refers to no other node. Raises EvidenceRefused."""
        if "path" in members:
            found = yield from self.by_way(members, key, max_age)
            if isinstance(found.outcome, VerifiedAnswer):
                raise InvalidAnswer("what is said not to be there is shown", pointer="/device")
            return found.outcome, found.age
        note = note_of(members)
        yield from self.learn(note)
        state = absence(members.get("proof"), self.trust, key, int(self.clock()))
        age = self.dated(state.checkpoint, max_age)
        yield from self.observe(note)
        return state, age


def absence(proof: Json, trust: Trust, key: Key, now: int) -> VerifiedState:
    """Checks that a ledger has no device under a key, nor, of a code in clear, another node."""
    if key[0] == "code" and may_be_delegated(key):
        return verify_unregistered(proof, trust.pinned, key, now)
    return verify_absence(proof, trust.pinned, key)


def note_of(answer: Mapping[str, Json]) -> bytes:
    """The checkpoint of an answer's proof. Raises InvalidAnswer."""
    proof = answer.get("proof")
    note = proof.get("checkpoint") if isinstance(proof, dict) else None
    if not isinstance(note, str):
        raise InvalidAnswer("what the registry says is not proved", pointer="/proof")
    return note.encode("utf-8", "replace")


def said_stale(answer: Mapping[str, Json]) -> bool:
    """Whether a resolver says that it could not ask anew."""
    served = answer.get("served")
    return isinstance(served, dict) and served.get("stale") is True
