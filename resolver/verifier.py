"""The verifier of answers and receipts: bytes in, what they prove or an error out.

    verified = verify_answer(answer, pinned, key=("code", "gs1", "https://id.gs1.org/…"))
    absent = verify_absence(problem, pinned, key)

It does no I/O and trusts nobody: all it is given beside the evidence is what was pinned. An answer
is checked in the order of specs/3-resolution.md, "Verification": the checkpoint, the root of the
state that ends its tree, the records below that root; then, where the device's operations are
shown, their chain, their signatures, and that they add up to the record. What is not proved is
said, not passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from identity.errors import InvalidAnswer, InvalidReceipt, LedgerTampered, TetradError
from identity.jcs import Json, canonicalize
from identity.operation import operation_hash
from registry.checkpoint import OpenedCheckpoint
from registry.entry import StateRoot, join_entry, parse_entry, read_entry
from registry.map_proof import MapProof, check_absent, check_present
from registry.merkle import check_inclusion, leaf_hash
from registry.note import decode64
from registry.receipt import TlogProof
from registry.state import Device, Key, bears, codes_of, state_key
from resolver.enrolled import Enrolled, verify_enrolment
from resolver.establishing import keys_of
from resolver.pinned import Pinned
from resolver.replaying import (
    Shown,
    parties_of,
    replay,
    shown_entries,
    shown_operations,
    verify_signatures,
)

MOST_SHOWN: Final = 256
"""Entries of a device that an answer shows; it may leave out a longer history, and no shorter."""


@dataclass(frozen=True, slots=True)
class VerifiedState:
    """A checkpoint, and the root of the state that ends its tree."""

    checkpoint: OpenedCheckpoint
    root: StateRoot


@dataclass(frozen=True, slots=True)
class VerifiedAnswer:
    """What an answer proves."""

    did: str
    status: str
    device: Device
    entry: int
    """The entry that made the device's record what it is."""
    signers: tuple[str, ...]
    """The DIDs whose signatures on the registration were verified, the device's own first; empty
    where the answer does not show the device's operations, of which there are many then."""
    state: VerifiedState
    as_of: str | None = None
    """The time of which it tells; None where it tells of the newest there is."""
    enrolled: Enrolled | None = None
    """The grant under which it enrolled itself, so that no organization has signed its
    registration; None where organizations have, or nothing is shown of it."""

    @property
    def checkpoint(self) -> OpenedCheckpoint:
        """Under which it stands."""
        return self.state.checkpoint


def verify_answer(
    answer: Mapping[str, Json], pinned: Pinned, *, key: Key | None = None
) -> VerifiedAnswer:
    """Checks an answer with its proof; `key` is that of the state under which was asked.

    Without a key the device's DID alone is proved, as for a committed value whose key nobody but
    the registry can compute. Raises EvidenceRefused or InvalidProof.
    """
    device, proof = answer.get("device"), answer.get("proof")
    did = device.get("did") if isinstance(device, dict) else None
    if not isinstance(device, dict) or not isinstance(proof, dict) or not isinstance(did, str):
        raise InvalidAnswer("an answer that can be verified has the members `device` and `proof`")
    as_of = answer.get("asOf")
    if as_of is not None and not isinstance(as_of, str):
        raise InvalidAnswer("a time is text", pointer="/asOf")
    state = verify_state(proof, pinned)
    records = Records(proof, state, None if as_of is not None else device)
    current = cast("Device", records.present(("did", did)))
    if current.get("kind") != "device" or current.get("did") != did:
        raise InvalidAnswer("the record is not that of a device", pointer="/device")
    if key is not None and key[0] == "did" and key[1] != did:
        raise InvalidAnswer("the answer is about another device", pointer="/device/did")
    if key is not None and key[0] != "did":
        bearer = records.present(key)
        if bearer.get("did") != did:
            raise InvalidAnswer("what was asked for belongs to another device", pointer="/device")
    shown = cast("Device", device)
    signers: tuple[str, ...] = ()
    enrolled: Enrolled | None = None
    if "entries" in proof:
        own = shown_entries(proof["entries"])
        signers, enrolled = _verify_operations(own, proof, pinned, current)
        if as_of is not None:
            until = [item for item in own if item.entry.time <= as_of]
            _compare(device, replay(until, pinned))
    else:
        _check_left_out(current, as_of)
    if key is not None and key[0] == "code":
        _check_bears(shown, key)
    entry = shown["updated"]["entry"]
    return VerifiedAnswer(did, shown["status"], shown, entry, signers, state, as_of, enrolled)


def shown_codes(device: Device) -> list[dict[str, Json]]:
    """The codes that lead to a device, of a record that may be anything where it was not replayed.
    Raises InvalidAnswer."""
    try:
        found = codes_of(device)
        whole = all(isinstance(one["scheme"], str) for one in found)
    except (AttributeError, KeyError, TypeError):
        whole = False
    if not whole:
        raise InvalidAnswer("the record is not that of a device", pointer="/device")
    return found


def _check_bears(device: Device, key: Key) -> None:
    """Whether the code led to the device then: it may have been corrected to it later."""
    shown_codes(device)
    if not bears(device, key):
        raise InvalidAnswer("the device does not bear what was asked for", pointer="/device/code")


def _check_left_out(device: Device, as_of: str | None) -> None:
    """Whether the operations of a device may be left out: so many do not fit between its first
    entry and its last unless there is room for them."""
    if as_of is not None:
        raise InvalidAnswer("an answer about the past shows what happened", pointer="/proof")
    try:
        # Nothing was replayed, so the record may be anything that the log likes.
        shown = cast("dict[str, Any]", device)
        room = shown["updated"]["entry"] - shown["registered"]["entry"] + 1
        texts = shown["status"], shown["object"]["maker"], shown["code"]["scheme"]
        if not all(isinstance(text, str) for text in texts) or "number" not in shown:
            raise TypeError
    except (KeyError, TypeError):
        raise InvalidAnswer("the record is not that of a device", pointer="/device") from None
    if room <= MOST_SHOWN:
        raise InvalidAnswer("the device's operations are left out", pointer="/proof/entries")


def verify_absence(proof: Json, pinned: Pinned, key: Key) -> VerifiedState:
    """Checks the proof that there is no device under a key of the state.

    A number may have a record, of when it became free; a DID one that is not of a device. Raises
    EvidenceRefused.
    """
    if not isinstance(proof, dict):
        raise InvalidAnswer("that there is none is said and not proved", pointer="/proof")
    state = verify_state(proof, pinned)
    records = Records(proof, state, None)
    if key[0] in ("number", "did") and records.shows(key):
        record = records.present(key)
        if record.get("kind") == "device" if key[0] == "did" else "did" in record:
            raise InvalidAnswer(f"there is a device with this {key[0]}", pointer="/proof/records")
    else:
        records.absent(key)
    return state


def verify_state(proof: Mapping[str, Json], pinned: Pinned) -> VerifiedState:
    """The checkpoint, and that the last entry of its tree is the root of a state: what stands below
    that root is the newest there is in this tree. Raises InvalidAnswer, InvalidCheckpoint."""
    note, stated = proof.get("checkpoint"), proof.get("state")
    if not isinstance(note, str):
        raise InvalidAnswer("the proof has no checkpoint", pointer="/proof/checkpoint")
    opened = pinned.open(note.encode("utf-8", "replace"))
    tree = opened.checkpoint
    if not isinstance(stated, dict) or not isinstance(stated.get("hashes"), list):
        raise InvalidAnswer("the proof has no root of the state", pointer="/proof/state")
    try:
        hashes = [decode64(cast("str", text)) for text in cast("list[Json]", stated["hashes"])]
        data = canonicalize(stated.get("entry"))
        root = read_entry(stated.get("entry"), tree.size - 1)
        check_inclusion(hashes, tree.size - 1, tree.size, leaf_hash(data), tree.root)
    except (TetradError, ValueError, AttributeError) as error:
        detail = error.detail if isinstance(error, TetradError) else str(error)
        raise InvalidAnswer(
            f"the last entry is not what is shown: {detail}", pointer="/proof/state"
        ) from None
    if not isinstance(root, StateRoot):
        raise InvalidAnswer("the last entry is no root of a state", pointer="/proof/state/entry")
    return VerifiedState(opened, root)


class Records:
    """The records of a proof; each is checked when it is asked for."""

    def __init__(
        self, proof: Mapping[str, Json], state: VerifiedState, device: dict[str, Json] | None
    ) -> None:
        """`device` is the record that stands in the answer rather than in the proof."""
        records = proof.get("records")
        if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
            raise InvalidAnswer("the proof has no records", pointer="/proof/records")
        self._items = cast("list[dict[str, Json]]", records)
        self._root = state.root.root
        self._device = device

    def shows(self, key: Key) -> bool:
        """Whether a record is shown under a key."""
        return "record" in self._item(key)[0]

    def present(self, key: Key) -> dict[str, Json]:
        """The record under a key. Raises InvalidAnswer, InvalidStateProof."""
        item, proof = self._item(key)
        # What the answer says is what is proved: a record of the device beside it counts nothing.
        stands_in_answer = key[0] == "did" and self._device is not None
        record = self._device if stands_in_answer else item.get("record")
        if not isinstance(record, dict):
            raise InvalidAnswer(f"no record is shown of this {key[0]}", pointer="/proof/records")
        check_present(proof, state_key(key), canonicalize(record), self._root)
        return record

    def absent(self, key: Key) -> None:
        """Checks that there is no record under a key."""
        _, proof = self._item(key)
        check_absent(proof, state_key(key), self._root)

    def _item(self, key: Key) -> tuple[dict[str, Json], MapProof]:
        for item in self._items:
            if item.get("key") == list(key):
                bucket, path = item.get("bucket"), item.get("path")
                if not isinstance(bucket, str) or not isinstance(path, str):
                    break
                return item, MapProof.parse(bucket, path)
        raise InvalidAnswer(f"nothing is proved of this {key[0]}", pointer="/proof/records")


def _verify_operations(
    own: list[Shown], proof: Mapping[str, Json], pinned: Pinned, current: Device
) -> tuple[tuple[str, ...], Enrolled | None]:
    """That the device's operations are all there are, signed, and add up to its record: who signed
    the first of them, and under which grant nobody had to."""
    signers = shown_operations(proof.get("signers"))
    keys = keys_of([*signers, *own], pinned)
    for item in (*signers, *own):
        verify_signatures(item, keys)
    _compare(cast("dict[str, Json]", current), replay(own, pinned))
    others = [one for one in parties_of(own[0].operation) if one.startswith("did:tetrad:")]
    enrolled = verify_enrolment(own[0], [*signers, *own], pinned)
    return (current["did"], *sorted(others)), enrolled


def _compare(shown: Mapping[str, Json], record: Device) -> None:
    # As bytes: Python takes True for 1 and 1.0 for 1.
    if canonicalize(dict(shown)) != canonicalize(cast("Json", record)):
        raise InvalidAnswer(
            "the record is not what the device's operations add up to", pointer="/device"
        )


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """An operation's place in the ledger."""

    index: int
    time: str
    hash: str
    checkpoint: OpenedCheckpoint


def verify_receipt(
    receipt: bytes, operation: Mapping[str, Json], pinned: Pinned
) -> VerifiedReceipt:
    """Checks a receipt (C2SP tlog-proof) of an operation that the caller holds, offline.

    The leaf is rebuilt from the operation and the receipt's `extra`. Raises InvalidReceipt,
    InvalidCheckpoint, InvalidInclusion.
    """
    proof = TlogProof.parse(receipt)
    opened = pinned.open(proof.checkpoint)
    tree = opened.checkpoint
    signed = canonicalize(dict(operation))
    entry = join_entry(proof.extra, signed)
    check_inclusion(proof.hashes, proof.index, tree.size, leaf_hash(entry), tree.root)
    try:
        parsed = parse_entry(entry, proof.index)
    except LedgerTampered as error:
        raise InvalidReceipt(f"the entry of the receipt does not hold: {error.detail}") from None
    if canonicalize(parsed.operation) != signed:
        # `extra` may have been made so that the operation stands deeper within the entry.
        raise InvalidReceipt("the entry of the receipt is not that of this operation")
    return VerifiedReceipt(proof.index, parsed.time, operation_hash(dict(operation)), opened)
