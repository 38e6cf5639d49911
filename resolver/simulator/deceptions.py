"""Attacks on those who ask: a server, or somebody between, that shows what is not so.

    for deception in DECEPTIONS:
        deception.show(shown)             # must raise EvidenceRefused with `deception.expected`

A client that verifies by default raises; nothing here needs the network, for a client needs none to
see through it. What is shown comes from a real answer and a real receipt.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

from registry.checkpoint import Checkpoint
from registry.note import SignatureType, Signer, sign_note
from registry.receipt import TlogProof
from resolver.simulator.signing import Signed
from resolver.trust import Trust
from resolver.verifier import verify_absence, verify_answer, verify_receipt


@dataclass(frozen=True)
class Shown:
    """What a client was shown, honestly, and what it trusts."""

    trust: Trust
    """With the newest checkpoint seen."""
    answer: dict[str, Any]
    """About a device that was suspended after its registration, with its proof."""
    other: dict[str, Any]
    """About another device, with its proof."""
    operation: Signed
    receipt: bytes
    """Of that operation."""
    older: bytes
    """A checkpoint of a smaller tree."""


class Deception(NamedTuple):
    """One deception: its name, what is shown, and the code with which it is refused."""

    name: str
    says: str
    expected: str
    show: Callable[[Shown], None]


DECEPTIONS: list[Deception] = []


def _deception(name: str, expected: str) -> Callable[[Callable[[Shown], None]], None]:
    def listed(show: Callable[[Shown], None]) -> None:
        DECEPTIONS.append(Deception(name, (show.__doc__ or "").strip(), expected, show))

    return listed


def _read(shown: Shown, answer: dict[str, Any]) -> None:
    """What a client does with an answer about the device it asked for."""
    verify_answer(answer, shown.trust.pinned, key=("did", shown.answer["device"]["did"]))


@_deception("tampered status", "evidence.state")
def _status(shown: Shown) -> None:
    """A suspended device is shown as active."""
    answer = deepcopy(shown.answer)
    answer["device"].update(status="active", suspendedBy=[])
    _read(shown, answer)


@_deception("tampered entry", "evidence.state")
def _entry(shown: Shown) -> None:
    """The registration inside the proof names another model, and so does the record."""
    answer = deepcopy(shown.answer)
    entries = answer["proof"]["entries"]
    registration = next(item for item in entries if item["operation"]["type"] == "device.register")
    registration["operation"]["body"]["object"]["model"] = "M2"
    answer["device"]["object"]["model"] = "M2"
    _read(shown, answer)


@_deception("another device's answer", "evidence.answer")
def _swapped(shown: Shown) -> None:
    """A true and proved answer, about a device that nobody asked for."""
    _read(shown, shown.other)


@_deception("answer without its signers", "evidence.answer")
def _unsigned(shown: Shown) -> None:
    """The operations that establish the signers' keys are left out."""
    answer = deepcopy(shown.answer)
    answer["proof"]["signers"] = []
    _read(shown, answer)


@_deception("history without an event", "evidence.answer")
def _forgotten(shown: Shown) -> None:
    """The suspension is left out of the operations, with a record that would follow from the
    rest."""
    answer = deepcopy(shown.answer)
    answer["proof"]["entries"].pop()
    _read(shown, answer)


@_deception("stale state", "evidence.answer")
def _stale(shown: Shown) -> None:
    """An older root of the state is held up as that of the newest tree."""
    answer = deepcopy(shown.answer)
    answer["proof"]["state"]["entry"]["index"] -= 2
    _read(shown, answer)


@_deception("false absence", "evidence.state")
def _absent(shown: Shown) -> None:
    """A device that is there is said not to be, with the proof of its presence cut to fit."""
    proof = deepcopy(shown.answer["proof"])
    verify_absence(proof, shown.trust.pinned, ("did", shown.answer["device"]["did"]))


def _pretended(shown: Shown, size: int) -> bytes:
    """A checkpoint of any size, signed by a key that bears the log's name."""
    origin = shown.trust.origin
    signer = Signer(origin, SignatureType.ED25519, bytes(range(32)))
    return sign_note(Checkpoint(origin, size, bytes(32)).format(), [signer], 0)


@_deception("forged checkpoint", "evidence.checkpoint")
def _checkpoint(shown: Shown) -> None:
    """A checkpoint signed by somebody who calls himself the log."""
    shown.trust.observe(_pretended(shown, shown.trust.size + 1), [])


@_deception("answer under a forged checkpoint", "evidence.checkpoint")
def _answer_under(shown: Shown) -> None:
    """An answer whose proof stands on such a checkpoint."""
    answer = deepcopy(shown.answer)
    answer["proof"]["checkpoint"] = _pretended(shown, shown.trust.size).decode()
    _read(shown, answer)


@_deception("log that went back", "evidence.rollback")
def _rollback(shown: Shown) -> None:
    """A smaller tree than was seen before, without a word about the rest."""
    shown.trust.observe(shown.older)


@_deception("receipt of another operation", "evidence.inclusion")
def _receipt(shown: Shown) -> None:
    """A true receipt, held up for an operation that is not in the ledger."""
    body: Any = shown.operation.operation["body"]
    operation = {
        **shown.operation.operation,
        "body": {**body, "controller": body["controller"] + "x"},
    }
    verify_receipt(shown.receipt, operation, shown.trust.pinned)


@_deception("receipt for another place", "evidence.inclusion")
def _index(shown: Shown) -> None:
    """A receipt that puts its operation one place further on."""
    proof = TlogProof.parse(shown.receipt)
    moved = TlogProof(proof.index - 1, proof.hashes, proof.extra, proof.checkpoint)
    verify_receipt(moved.format(), shown.operation.operation, shown.trust.pinned)
