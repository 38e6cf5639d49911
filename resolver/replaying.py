"""A device's own operations, replayed: what they add up to, and who signed them.

    shown = shown_entries(proof["entries"])
    keys = keys_of(shown, shown_operations(proof["signers"]), pinned)
    record = replay(shown, pinned)                     # with its history

Pure: JSON in, records or InvalidAnswer out. A verifier of answers holds one device's operations and
not the whole state; the effects of the rule book are all it needs. An operation that establishes
keys proves itself: a DID is the hash of the operation that created it, and a rotation reveals what
the one before committed to. Specified in specs/3-resolution.md, "Verification".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from identity.did import tetrad_did
from identity.disclosure import NUMBER
from identity.errors import InvalidAnswer, TetradError
from identity.jcs import Json, canonicalize
from identity.keys import thumbprint
from identity.multibase import decode_multihash
from identity.operation import (
    ROTATING,
    AnyOperation,
    DeviceRegister,
    NumberRebind,
    OrganizationRegister,
    operation_hash,
    read_operation,
)
from registry import effects
from registry.checking import verify_proofs
from registry.entry import Entry, read_entry
from registry.merkle import leaf_hash
from registry.state import FIRST_HISTORY, Device, next_history
from resolver.pinned import Pinned


@dataclass(frozen=True, slots=True)
class Signed:
    """An operation and its hash."""

    operation: AnyOperation
    hash: str


@dataclass(frozen=True, slots=True)
class Shown(Signed):
    """An operation in its entry."""

    entry: Entry
    leaf: bytes


def shown_entries(entries: Json) -> list[Shown]:
    """The entries of an answer, which it shows in the order of their indexes."""
    if not isinstance(entries, list):
        raise InvalidAnswer("the proof has no entries", pointer="/proof/entries")
    shown: list[Shown] = []
    for place, value in enumerate(entries):
        try:
            if not isinstance(value, dict) or type(value.get("index")) is not int:
                raise InvalidAnswer("an entry has an index")
            data = canonicalize(value)
            entry = read_entry(value, cast("int", value["index"]))
            if not isinstance(entry, Entry):
                raise InvalidAnswer("it has no operation")
            operation = read_operation(entry.operation)
        except TetradError as error:
            raise InvalidAnswer(
                f"an entry that does not hold: {error.detail}", pointer=f"/proof/entries/{place}"
            ) from error
        shown.append(Shown(operation, operation_hash(entry.operation), entry, leaf_hash(data)))
    indexes = [item.entry.index for item in shown]
    if indexes != sorted(set(indexes)):
        raise InvalidAnswer("entries stand once each, in their order", pointer="/proof/entries")
    return shown


def shown_operations(operations: Json) -> list[Signed]:
    """The operations of an answer that establish keys."""
    if not isinstance(operations, list):
        raise InvalidAnswer("the proof has no signers", pointer="/proof/signers")
    found: list[Signed] = []
    for place, value in enumerate(operations):
        try:
            operation = read_operation(value)
        except TetradError as error:
            raise InvalidAnswer(
                f"an operation that does not hold: {error.detail}",
                pointer=f"/proof/signers/{place}",
            ) from error
        found.append(Signed(operation, operation_hash(cast("dict[str, Json]", value))))
    return found


def keys_of(signed: Sequence[Signed], pinned: Pinned) -> dict[str, str]:
    """verification method -> Multikey, of every key that one of the operations establishes.

    Raises InvalidAnswer for a rotation to keys that nothing shown before committed to.
    """
    keys = {f"{pinned.authority}#{thumbprint(key)}": key for key in pinned.keys}
    following = {pinned.authority: set(pinned.next)}
    for item in signed:
        operation: Any = item.operation
        if isinstance(operation, OrganizationRegister | DeviceRegister):
            did = tetrad_did(pinned.ledger, item.hash)
        elif isinstance(operation, ROTATING):
            did = operation.subject
            if not {thumbprint(key) for key in operation.body.keys} <= following.get(did, set()):
                raise InvalidAnswer("a rotation to keys that nothing shown has committed to")
        else:
            continue
        following[did] = set(operation.body.next)
        keys |= {f"{did}#{thumbprint(key)}": key for key in operation.body.keys}
    return keys


def verify_signatures(item: Signed, keys: Mapping[str, str]) -> None:
    """Every proof of an operation. Raises InvalidProof, InvalidAnswer."""
    known = {
        method.partition("#")[2]: keys[method]
        for method in (proof.verificationMethod for proof in item.operation.proof)
        if method in keys
    }
    if verify_proofs(item.operation, decode_multihash(item.hash), known.get):
        raise InvalidAnswer(
            f"an operation {item.operation.type} is signed by a key that nothing shown establishes"
        )


def replay(own: Sequence[Shown], pinned: Pinned) -> Device:
    """The device's record out of its operations alone, with the history that they make.

    Raises InvalidAnswer where they do not follow one another.
    """
    record: Device | None = None
    history = FIRST_HISTORY
    for item in own:
        if getattr(item.operation, "ledger", None) != pinned.ledger:
            raise InvalidAnswer("an operation of another ledger")
        try:
            record = _after(record, item, pinned)
        except KeyError as missing:
            raise InvalidAnswer(f"an entry lacks the keyed hash of {missing}") from None
        history = next_history(history, item.leaf)
        record = cast("Device", {**record, "history": history.hex()})
    if record is None:
        raise InvalidAnswer("the evidence does not show the device's registration")
    return record


def _after(record: Device | None, item: Shown, pinned: Pinned) -> Device:
    operation, entry = item.operation, item.entry
    stamp: Any = {"entry": entry.index, "time": entry.time}
    if record is None:
        if not isinstance(operation, DeviceRegister):
            raise InvalidAnswer("a device begins with its registration")
        did = tetrad_did(pinned.ledger, item.hash)
        return effects.new_device(operation, did, item.hash, stamp, entry.unique)
    _check_order(record, operation, entry)
    by = operation.proof[0].verificationMethod.partition("#")[0]
    changed = effects.after(record, operation, item.hash, stamp, entry.unique, by, pinned.authority)
    return cast("Device", changed)


def _check_order(record: Device, operation: AnyOperation, entry: Entry) -> None:
    if getattr(operation, "subject", None) != record["did"]:
        taken = cast("dict[str, str] | str", record["number"])
        number = entry.unique.get(NUMBER)
        if (
            not isinstance(operation, NumberRebind)
            or isinstance(taken, str)
            or taken["unique"] != number
        ):
            raise InvalidAnswer("an entry that has nothing to do with this device")
        return
    sequence = getattr(operation, "sequence", None)
    if sequence is not None and (
        sequence != record["sequence"] + 1
        or getattr(operation, "previous", None) != record["previous"]
    ):
        raise InvalidAnswer("an operation of the device is missing from the evidence")
