"""Sending signed operations, one or a batch, and proving their receipts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from identity.did import tetrad_did
from identity.errors import InvalidAnswer, InvalidReceipt, TetradError
from identity.jcs import Json, canonicalize
from identity.operation import operation_hash
from registry.receipt import TlogProof
from resolver.client.crediting import Crediting
from resolver.client.flow import (
    Flow,
    Request,
    ask_bytes,
    json_lines,
    json_object,
    member,
    problem_error,
)
from resolver.prepare import ESTABLISHING
from resolver.verifier import verify_receipt

MAX_BATCH = 1_000
"""Operations of one NDJSON request."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An operation that is in the ledger, proved by its receipt."""

    hash: str
    did: str | None
    """The DID that it created, if it created one."""
    index: int
    time: str
    receipt: str
    """C2SP tlog-proof: with the operation, all that is needed to prove it offline."""
    repeated: bool
    operation: dict[str, Json]
    disclosures: list[str]


class Sending(Crediting):
    """Flows that send what is signed already."""

    def submit(self, submission: Mapping[str, Json]) -> Flow[Acknowledged]:
        """Sends a signed operation, and proves its receipt. Raises what the registry refuses."""
        posted = {name: submission.get(name, []) for name in ("operation", "disclosures")}
        body = yield from ask_bytes(Request("POST", "/v1/operations", body=canonicalize(posted)))
        answer = json_object(body)
        yield from self._learn_from(answer)
        acknowledged = self._acknowledged(answer, posted)
        yield from self.observe(TlogProof.parse(acknowledged.receipt.encode()).checkpoint)
        return acknowledged

    def submit_batch(
        self, submissions: Iterable[Mapping[str, Json]]
    ) -> Flow[list[Acknowledged | TetradError]]:
        """Sends up to 1,000 signed operations in one request; each has its own outcome, in order.

        Raises what the batch as a whole is refused for, and EvidenceRefused for a receipt that
        does not hold.
        """
        posted = [
            {name: submission.get(name, []) for name in ("operation", "disclosures")}
            for submission in submissions
        ]
        lines = b"".join(canonicalize(one) + b"\n" for one in posted)
        request = Request("POST", "/v1/operations", body=lines, media="application/x-ndjson")
        answers = json_lines((yield from ask_bytes(request)))
        if len(answers) != len(posted):
            raise InvalidAnswer(f"{len(answers)} answers to {len(posted)} operations")
        outcomes: list[Acknowledged | TetradError] = []
        notes: dict[bytes, None] = {}
        for answer, one in zip(answers, posted, strict=True):
            if "error" in answer:
                outcomes.append(problem_error(member(answer, "error", dict)))
                continue
            yield from self._learn_from(answer)
            outcome = self._acknowledged(answer, one)
            notes[TlogProof.parse(outcome.receipt.encode()).checkpoint] = None
            outcomes.append(outcome)
        for note in notes:
            yield from self.observe(note)
        return outcomes

    def _learn_from(self, answer: Mapping[str, Json]) -> Flow[None]:
        """Learns of the keys under which the receipt of an answer was made."""
        receipt = member(answer, "receipt", str).encode("utf-8", "replace")
        yield from self.learn(TlogProof.parse(receipt).checkpoint)

    def _acknowledged(self, answer: Mapping[str, Json], posted: Mapping[str, Json]) -> Acknowledged:
        operation = cast("dict[str, Json]", posted["operation"])
        receipt = member(answer, "receipt", str)
        verified = verify_receipt(receipt.encode("utf-8", "replace"), operation, self.trust.pinned)
        if verified.hash != operation_hash(operation):
            raise InvalidReceipt("the receipt is of another operation")
        creates = operation["type"] in ESTABLISHING
        return Acknowledged(
            hash=verified.hash,
            did=tetrad_did(self.trust.ledger, verified.hash) if creates else None,
            index=verified.index,
            time=verified.time,
            receipt=receipt,
            repeated=answer.get("repeated") is True or answer.get("status") == 200,
            operation=operation,
            disclosures=cast("list[str]", posted["disclosures"]),
        )
