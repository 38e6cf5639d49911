"""What a client has seen of a log, and how it holds what it is shown against it.

Each method is a flow (resolver/client/flow.py). A checkpoint is believed once it is by the log's
keys in force, which are asked for where they were replaced, and extends the newest one seen.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from identity.errors import InvalidAnswer, InvalidCheckpoint, MalformedInput
from identity.jcs import Json
from registry.checkpoint import OpenedCheckpoint
from registry.logkeys import LogKeys
from registry.merkle import consistency_proof
from registry.note import decode64
from resolver.client.flow import (
    Flow,
    Request,
    ask,
    ask_bytes,
    json_object,
    member,
    refusal,
)
from resolver.client.tiles import VerifiedTiles
from resolver.freshness import Age, age_of, check_age
from resolver.keyhistory import read_item
from resolver.trust import Trust


class Seeing:
    """The trust of a client, and the flows that add to it."""

    def __init__(
        self,
        trust: Trust | None,
        clock: Callable[[], float],
        on_trust: Callable[[Trust], None] | None = None,
    ) -> None:
        """`clock` gives seconds since the epoch."""
        self._trust = trust
        self.clock = clock
        self._on_trust = on_trust

    @property
    def trust(self) -> Trust:
        """The pinned ledger, with the newest checkpoint seen. Raises MalformedInput before."""
        if self._trust is None:
            raise MalformedInput(
                "this client trusts no ledger yet", hint="pin its genesis first: tetrad trust URL"
            )
        return self._trust

    def set_trust(self, trust: Trust) -> None:
        """Pins a ledger, or keeps a newer checkpoint of it."""
        if trust is not self._trust:
            self._trust = trust
            if self._on_trust is not None:
                self._on_trust(trust)

    def checkpoint(self) -> Flow[bytes]:
        """The published checkpoint, held against everything that was seen before.

        Raises InvalidCheckpoint, RolledBack, ForkDetected, QuorumMissing.
        """
        note = yield from ask_bytes(Request("GET", "/checkpoint"))
        yield from self.observe(note)
        self.dated(self.trust.pinned.open(note))
        return note

    def dated(self, opened: OpenedCheckpoint, max_age: int | None = None) -> Age:
        """The age of a published checkpoint that the policy accepts. Raises QuorumMissing,
        StaleAnswer."""
        age = age_of(opened, self.trust.witnesses, int(self.clock()))
        if max_age is not None:
            check_age(age, max_age)
        return age

    def observe(self, note: bytes) -> Flow[None]:
        """Holds a checkpoint against the newest one seen, with a proof from the server if needed.

        Raises InvalidCheckpoint, RolledBack, ForkDetected.
        """
        yield from self.learn(note)
        yield from self._hold(note)

    def learn(self, note: bytes) -> Flow[None]:
        """Asks for the evidence that the log's keys were replaced, where a checkpoint is by keys
        that are not known. What is no checkpoint is left to whoever opens it."""
        try:
            needed = self.trust.keys_needed(note)
        except InvalidCheckpoint:
            return
        if needed:
            yield from self.log_keys()

    def log_keys(self) -> Flow[LogKeys]:
        """The log's keys along its whole history, proved: each update by the keys before it, under
        a checkpoint that is held against what was seen.

        Raises EvidenceRefused, InvalidProof, InvalidKey. A server that has no such evidence leaves
        things as they were.
        """
        while True:
            query = {"after": str(self.trust.history.entry)}
            response = yield from ask(Request("GET", "/v1/ledger/keys", query))
            if response.status != 200:
                return self.trust.history.keys
            known = len(self.trust.updates)
            for item in member(json_object(response.body), "updates", list):
                note, _ = read_item(item)
                # Static files know no `after`, and another flow may have learned of it meanwhile.
                if note not in (read_item(one)[0] for one in self.trust.updates):
                    yield from self.hold_update(item)
            if len(self.trust.updates) == known:
                return self.trust.history.keys

    def hold_update(self, item: Json) -> Flow[None]:
        """Takes over an update of the log's keys, once its checkpoint is held against what was
        seen."""
        self.trust.extend(item)  # it holds, before the server is asked for more
        note, _ = read_item(item)
        yield from self._hold(note)
        # Another flow may have learned of it while the server was asked.
        if note not in (read_item(one)[0] for one in self.trust.updates):
            self.set_trust(self.trust.extend(item))

    def _hold(self, note: bytes) -> Flow[None]:
        while True:
            needed, proof = self.trust.consistency_needed(note), None
            if needed is None:
                break
            proof = yield from self._consistency(note, *needed)
            # Another flow of this client may have seen more in the meantime.
            if self.trust.consistency_needed(note) == needed:
                break
        self.set_trust(self.trust.observe(note, proof))

    def _consistency(self, note: bytes, size1: int, size2: int) -> Flow[list[bytes] | None]:
        """The hashes of a consistency proof; None where the server has no such tree.

        Of static files it is made out of the tiles, which hash to the root of the note.
        """
        query = {"from": str(size1), "to": str(size2)}
        response = yield from ask(Request("GET", "/v1/ledger/proofs/consistency", query))
        if response.status == 404:
            offered = self.trust.open(note).checkpoint
            if offered.size != size2:
                return None
            tiles = VerifiedTiles(offered)
            return (yield from tiles.compute(partial(consistency_proof, size1, size2)))
        if response.status != 200:
            raise refusal(response)
        hashes = member(json_object(response.body), "hashes", list)
        try:
            return [decode64(text) for text in hashes]
        except (ValueError, TypeError, AttributeError):
            raise InvalidAnswer("the hashes of a proof are base64", pointer="/hashes") from None
