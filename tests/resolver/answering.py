"""Answers with their evidence out of a City, made as the service makes them, and verified.

answering = Answering(city)
answering.publish()                                   # closes the tree; proofs stand on it
answer = answering.answer(answering.resolver.did(meter.did))
verify_answer(answer, pinned(city), key=("did", meter.did))
"""

from __future__ import annotations

from typing import Any

import orjson

from identity.did import ledger_label
from registry.checkpoint import Checkpoint
from registry.note import sign_note
from registry.state import Key
from resolver.delegations import Delegations, delegated
from resolver.evidence import Evidence
from resolver.pinned import Pinned
from resolver.referral import shown_referral
from resolver.resolution import Asked, Resolver, answer_bytes
from resolver.schemes import SCHEMES
from resolver.trust import Trust
from tests.factory import City, Maker, log_pair

Answer = dict[str, Any]


def pinned(maker: Maker) -> Pinned:
    """What a client that trusts the genesis knows."""
    return Trust.begin(maker.genesis.operation).pinned


class Answering:
    """The answering half of a service over one city."""

    def __init__(self, city: City) -> None:
        self.city = city
        reader = city.reader
        self.resolver = Resolver(city.store, reader, SCHEMES, city.uniqueness.hash)
        self.evidence = Evidence(city.store, reader, city.ledger.state_map)
        self.delegations = Delegations(city.store, ledger_label(city.ledger_hash))
        self.signers = log_pair(0, city.origin)
        self.size = 0
        self.note = b""

    def publish(self) -> int:
        """Closes the tree and publishes it; its size."""
        self.size = self.city.ledger.close(self.city.now)
        head = self.city.reader.head()
        assert head.size == self.size
        text = Checkpoint(self.city.origin, self.size, head.root).format()
        self.note = sign_note(text, self.signers, self.city.now)
        self.city.ledger.state_map.publish()
        return self.size

    def answer(self, asked: Asked, at: str | None = None) -> Answer:
        """The answer under the published checkpoint, with its proof."""
        found = self.resolver.find(asked, at=at, within=self.size)
        proof = self.evidence.of(found, self.size, self.note)
        answer: Answer = orjson.loads(answer_bytes(found, proof))
        return answer

    def referral(self, key: Key, now: int | None = None) -> Answer:
        """Where a question is referred to, as it stands in a path, whether or not that is so."""
        at = self.city.now if now is None else now
        read = self.delegations.read_for(key, at, self.size)
        proof = orjson.loads(self.evidence.of_records(read.keys, self.size, self.note))
        if read.grant is None:
            return {"proof": proof}
        error = delegated(read.grant, Asked(key))
        return shown_referral({**error.members, "proof": proof})

    def absence(self, asked: Asked) -> Any:
        """The proof that there is nothing; None where there is something."""
        proof = self.evidence.of_absence(asked, self.size, self.note)
        return None if proof is None else orjson.loads(proof)
