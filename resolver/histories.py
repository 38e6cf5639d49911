"""Histories: what happened under a code, to a device, with a number, each step proved.

    verified, steps = device_history(answer, pinned, key=("code", "gs1", "https://id.gs1.org/…"))
    state, steps = number_history(answer, pinned, key)
    steps[0].what                                      # 'registered'

The record below the signed root has the hash of all entries that ever changed it. So the entries
that are shown are all there are, in their order, or the hash would be another: none was left out,
put in or moved. Pure: JSON in, steps or an error of ours out. Specified in specs/3-resolution.md,
"Histories".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from identity.did import tetrad_did
from identity.disclosure import NUMBER
from identity.errors import InvalidAnswer
from identity.jcs import Json, canonicalize
from identity.operation import (
    CodeCorrect,
    DeviceRegister,
    NumberRebind,
    StatusRetire,
)
from registry.state import FIRST_HISTORY, Device, Key, bears, next_history
from resolver.establishing import keys_of
from resolver.pinned import Pinned
from resolver.replaying import (
    Shown,
    parties_of,
    replayed,
    shown_entries,
    shown_operations,
    verify_signatures,
)
from resolver.verifier import Records, VerifiedAnswer, VerifiedState, verify_answer, verify_state


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a history."""

    index: int
    time: str
    type: str
    operation: str
    """Its hash."""
    what: str
    """Of a device its status after it; of a number `bound` or `freed`; of a code `given`, where it
    became the device's, and `corrected`, where it was no longer the one on its label."""
    did: str
    """The device."""
    signers: tuple[str, ...]
    """The DIDs whose signatures were verified."""


def device_history(
    answer: Mapping[str, Json], pinned: Pinned, *, key: Key | None = None
) -> tuple[VerifiedAnswer, list[Step]]:
    """What ever happened to a device, by an answer with its proof; under a code also that it was
    given once, by the step that says so.

    No steps where the device has changed too often to be shown. Raises EvidenceRefused or
    InvalidProof.
    """
    verified = verify_answer(answer, pinned, key=key)
    if verified.as_of is not None:
        raise InvalidAnswer("a history is told as of now", pointer="/asOf")
    proof = cast("dict[str, Json]", answer["proof"])
    if "entries" not in proof:
        return verified, []
    own = shown_entries(proof["entries"])
    records = list(replayed(own, pinned))
    steps = [
        _step(item, record["did"], record["status"])
        for item, record in zip(own, records, strict=True)
    ]
    if key is not None and key[0] == "code":
        steps = _under_code(key, own, records, steps)
        _check_given_once(key, Records(proof, verified.state, None), own, steps)
    return verified, steps


def _under_code(key: Key, own: list[Shown], records: list[Device], steps: list[Step]) -> list[Step]:
    """The steps since the code led to the device; it says where it came and where it went."""
    found: list[Step] = []
    for item, record, step in zip(own, records, steps, strict=True):
        if not bears(record, key):
            continue
        what = step.what
        if not found:
            what = "given"
        elif isinstance(item.operation, CodeCorrect) and len(record["aliases"]) == _place(
            record, key
        ):
            what = "corrected"
        found.append(Step(**{**_members(step), "what": what}))
    return found


def _place(record: Device, key: Key) -> int:
    """Which of its aliases a code is, counted from 1; -1 for none."""
    for place, alias in enumerate(record.get("aliases", ()), 1):
        code = alias["code"]
        if key == ("code", code["scheme"], code.get("unique", code.get("value"))):
            return place
    return -1


def _members(step: Step) -> dict[str, Any]:
    return {name: getattr(step, name) for name in Step.__slots__}


def _check_given_once(key: Key, records: Records, own: list[Shown], steps: list[Step]) -> None:
    """The record of a code was written by one entry: the one that gave it."""
    record = records.present(key)
    given = next(item for item in own if item.entry.index == steps[0].index)
    if record.get("history") != next_history(FIRST_HISTORY, given.leaf).hex():
        raise InvalidAnswer("the code was given by another entry", pointer="/proof/records")


def number_history(proof: Json, pinned: Pinned, key: Key) -> tuple[VerifiedState, list[Step]]:
    """What ever happened with a number, by its key of the state, which the caller has proved or
    believes. No steps where there are too many to be shown.

    Raises EvidenceRefused or InvalidProof.
    """
    if not isinstance(proof, dict):
        raise InvalidAnswer("the history is said and not proved", pointer="/proof")
    state = verify_state(proof, pinned)
    record = Records(proof, state, None).present(key)
    if "entries" not in proof:
        return state, []
    own = shown_entries(proof["entries"])
    signers = shown_operations(proof.get("signers"))
    keys = keys_of([*signers, *own], pinned)
    for item in (*signers, *own):
        verify_signatures(item, keys)
    steps = list(_bindings(own, pinned, key))
    history = FIRST_HISTORY
    for item in own:
        history = next_history(history, item.leaf)
    made: dict[str, Json] = {"history": history.hex(), "since": steps[-1].time if steps else ""}
    if steps and steps[-1].what == "bound":
        made["did"] = steps[-1].did
    if canonicalize(record) != canonicalize(made):
        raise InvalidAnswer("the record is not what the entries add up to", pointer="/proof")
    return state, steps


def _bindings(own: Iterable[Shown], pinned: Pinned, key: Key) -> Iterable[Step]:
    """Who had the number, from which entry on. Raises InvalidAnswer for one of something else."""
    holder: str | None = None
    for item in own:
        operation: Any = item.operation
        if getattr(operation, "ledger", None) != pinned.ledger:
            raise InvalidAnswer("an operation of another ledger")
        if isinstance(operation, NumberRebind) and operation.subject not in parties_of(operation):
            raise InvalidAnswer("a device has not signed what it is rebound to")
        if _binds(item, key):
            holder = tetrad_did(pinned.ledger, item.hash)
            if not isinstance(operation, DeviceRegister):
                holder = operation.subject
            yield _step(item, cast("str", holder), "bound")
        elif isinstance(operation, NumberRebind | StatusRetire) and operation.subject == holder:
            yield _step(item, holder, "freed")
            holder = None
        else:
            raise InvalidAnswer("an entry that has nothing to do with this number")


def _binds(item: Shown, key: Key) -> bool:
    operation: Any = item.operation
    if not isinstance(operation, DeviceRegister | NumberRebind) or operation.body.number == "none":
        return False
    return ("number", operation.body.number.scheme, item.entry.unique.get(NUMBER)) == key


def _step(item: Shown, did: str, what: str) -> Step:
    entry = item.entry
    signers = tuple(sorted(parties_of(item.operation)))
    return Step(entry.index, entry.time, item.operation.type, item.hash, what, did, signers)
