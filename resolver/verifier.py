"""The verifier of answers and receipts: bytes in, what they prove or an error out.

It does no I/O and trusts nobody: all it is given beside the evidence are the pinned ledger's hash,
its authority and its log keys. An answer is checked in the order of specs/3-resolution.md,
"Verification": the checkpoint, the inclusion of every entry, the signatures of every operation,
then the device's operations are replayed and the outcome compared with what the answer asserts.
What is not proved (that nothing newer was withheld) is said, not passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from identity.did import tetrad_did
from identity.disclosure import NUMBER
from identity.errors import (
    InvalidAnswer,
    InvalidReceipt,
    LedgerTampered,
    TetradError,
)
from identity.jcs import Json, canonicalize
from identity.keys import thumbprint
from identity.multibase import decode_multihash
from identity.operation import (
    ROTATING,
    AnyOperation,
    DeviceRegister,
    NumberRebind,
    OrganizationRegister,
    RegistryGenesis,
    operation_hash,
    read_operation,
)
from registry import effects
from registry.checking import verify_proofs
from registry.checkpoint import OpenedCheckpoint
from registry.entry import Entry, join_entry, parse_entry
from registry.logkeys import LogKeys, Period
from registry.merkle import check_inclusion, leaf_hash
from registry.note import VerifierKey, decode64
from registry.receipt import TlogProof
from registry.state import Device


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a verifier trusts before it looks: one genesis."""

    ledger: str
    """Operation hash of the genesis, 'zQm…'."""
    log_keys: tuple[VerifierKey, ...]
    """Those of the genesis."""
    later: tuple[Period, ...] = ()
    """What took their place, as far as it is known (resolver/keyhistory.py)."""

    def open(self, note: bytes) -> OpenedCheckpoint:
        """A checkpoint, by the log's keys in force for its size. Raises InvalidCheckpoint."""
        return LogKeys(self.log_keys, self.later).open(note)

    @property
    def authority(self) -> str:
        """The DID of the ledger's authority."""
        return tetrad_did(self.ledger, self.ledger)


@dataclass(frozen=True, slots=True)
class VerifiedAnswer:
    """What an answer proves."""

    did: str
    status: str
    device: Device
    entry: int
    """The newest entry of the device that was shown."""
    signers: tuple[str, ...]
    """The DIDs whose signatures on the registration were verified, the device's own first."""
    checkpoint: OpenedCheckpoint

    @property
    def dated(self) -> int | None:
        """The newest time that a cosignature of the log states, in seconds; None if none does."""
        return max((time for _, time in self.checkpoint.times if time), default=None)


@dataclass(frozen=True, slots=True)
class _Shown:
    """An entry of the evidence, whose inclusion is proved."""

    entry: Entry
    operation: AnyOperation
    hash: str


def verify_answer(
    answer: Mapping[str, Json],
    pinned: Pinned,
    *,
    code: tuple[str, str] | None = None,
    did: str | None = None,
) -> VerifiedAnswer:
    """Checks an answer with its proof, for the code (scheme, value) or DID that was asked for.

    Raises EvidenceRefused (InvalidAnswer, InvalidCheckpoint, InvalidInclusion) or InvalidProof.
    """
    device, proof = answer.get("device"), answer.get("proof")
    subject = device.get("did") if isinstance(device, dict) else None
    if not isinstance(device, dict) or not isinstance(proof, dict) or not isinstance(subject, str):
        raise InvalidAnswer("an answer that can be verified has the members `device` and `proof`")
    checkpoint = _checkpoint(proof, pinned)
    shown = _entries(proof, checkpoint)
    keys = _keys(shown, pinned)
    for item in shown:
        _verify_signatures(item, keys)
    own = [item for item in shown if _concerns(item, subject)]
    record = _replay(own, pinned)
    _compare(answer, record, code, did)
    return VerifiedAnswer(
        record["did"],
        record["status"],
        record,
        own[-1].entry.index,
        _signers(own[0], record["did"]),
        checkpoint,
    )


def _checkpoint(proof: Mapping[str, Json], pinned: Pinned) -> OpenedCheckpoint:
    note = proof.get("checkpoint")
    if not isinstance(note, str):
        raise InvalidAnswer("the proof has no checkpoint", pointer="/proof/checkpoint")
    return pinned.open(note.encode())


def _entries(proof: Mapping[str, Json], checkpoint: OpenedCheckpoint) -> list[_Shown]:
    """The entries, each proved to be in the tree, in the order of their indexes."""
    entries = proof.get("entries")
    if not isinstance(entries, list) or not entries:
        raise InvalidAnswer("the proof has no entries", pointer="/proof/entries")
    tree = checkpoint.checkpoint
    shown: list[_Shown] = []
    for place, item in enumerate(entries):
        pointer = f"/proof/entries/{place}"
        try:
            entry, hashes = _entry(item)
            data = canonicalize(entry)
            index = cast("int", entry.get("index"))
            check_inclusion(hashes, index, tree.size, leaf_hash(data), tree.root)
            parsed = parse_entry(data, index)
            operation = read_operation(parsed.operation)
        except (TetradError, ValueError) as error:
            detail = error.detail if isinstance(error, TetradError) else str(error)
            raise InvalidAnswer(
                f"an entry that does not hold: {detail}", pointer=pointer
            ) from error
        shown.append(_Shown(parsed, operation, operation_hash(parsed.operation)))
    indexes = [item.entry.index for item in shown]
    if indexes != sorted(set(indexes)):
        raise InvalidAnswer("entries stand once each, in their order", pointer="/proof/entries")
    return shown


def _entry(item: Json) -> tuple[dict[str, Json], list[bytes]]:
    if not isinstance(item, dict):
        raise InvalidAnswer("an entry is an object")
    entry, hashes = item.get("entry"), item.get("hashes")
    if not isinstance(entry, dict) or not isinstance(hashes, list):
        raise InvalidAnswer("an entry comes with its hashes")
    if type(entry.get("index")) is not int:
        raise InvalidAnswer("an entry has an index")
    if not all(isinstance(text, str) for text in hashes):
        raise InvalidAnswer("hashes are base64")
    return entry, [decode64(text) for text in cast("list[str]", hashes)]


def _keys(shown: Sequence[_Shown], pinned: Pinned) -> dict[str, str]:
    """verification method -> Multikey, of every key that an entry of the evidence establishes."""
    keys: dict[str, str] = {}
    for item in shown:
        operation = item.operation
        if isinstance(operation, ROTATING):
            did = operation.subject
        elif isinstance(operation, RegistryGenesis):
            if item.hash != pinned.ledger:
                raise InvalidAnswer("the genesis is not the pinned one")
            did = pinned.authority
        elif isinstance(operation, OrganizationRegister | DeviceRegister):
            did = tetrad_did(pinned.ledger, item.hash)
        else:
            continue
        for multikey in operation.body.keys:
            keys[f"{did}#{thumbprint(multikey)}"] = multikey
    return keys


def _verify_signatures(item: _Shown, keys: Mapping[str, str]) -> None:
    by_thumbprint = {
        method.partition("#")[2]: keys[method]
        for method in (proof.verificationMethod for proof in item.operation.proof)
        if method in keys
    }
    pending = verify_proofs(item.operation, decode_multihash(item.hash), by_thumbprint.get)
    if pending:
        raise InvalidAnswer(
            f"entry {item.entry.index} is signed by a key that no entry shown establishes"
        )


def _concerns(item: _Shown, did: str) -> bool:
    """Whether an entry is part of the device's own history."""
    operation = item.operation
    if isinstance(operation, DeviceRegister):
        return did.endswith(":" + item.hash)
    # Another device's rebinding is shown where it took this one's number away.
    return getattr(operation, "subject", None) == did or isinstance(operation, NumberRebind)


def _replay(own: Sequence[_Shown], pinned: Pinned) -> Device:
    """The device's record out of its operations alone. Raises InvalidAnswer where they do not
    follow one another: an operation of the controller cannot be left out of the middle."""
    record: Device | None = None
    for item in own:
        operation, entry = item.operation, item.entry
        stamp = {"entry": entry.index, "time": entry.time}
        if getattr(operation, "ledger", None) != pinned.ledger:
            raise InvalidAnswer("an operation of another ledger")
        try:
            if record is None:
                if not isinstance(operation, DeviceRegister):
                    raise InvalidAnswer("a device begins with its registration")
                did = tetrad_did(pinned.ledger, item.hash)
                record = effects.new_device(operation, did, item.hash, stamp, entry.unique)  # type: ignore[arg-type]
                continue
            _check_order(record, operation, entry)
            by = operation.proof[0].verificationMethod.partition("#")[0]
            changed = effects.after(
                record,
                operation,
                item.hash,
                stamp,  # type: ignore[arg-type]
                entry.unique,
                by,
                pinned.authority,
            )
        except KeyError as missing:
            raise InvalidAnswer(f"an entry lacks the keyed hash of {missing}") from None
        record = cast("Device", changed)
    if record is None:
        raise InvalidAnswer("the evidence does not show the device's registration")
    return record


def _check_order(record: Device, operation: AnyOperation, entry: Entry) -> None:
    if getattr(operation, "subject", None) != record["did"]:
        taken = cast("dict[str, str] | str", record["number"])
        if isinstance(taken, str) or taken["unique"] != entry.unique.get(NUMBER):
            raise InvalidAnswer("an entry that has nothing to do with this device")
        return
    sequence = getattr(operation, "sequence", None)
    if sequence is not None and (
        sequence != record["sequence"] + 1
        or getattr(operation, "previous", None) != record["previous"]
    ):
        raise InvalidAnswer("an operation of the device is missing from the evidence")


def _compare(
    answer: Mapping[str, Json],
    record: Device,
    code: tuple[str, str] | None,
    did: str | None,
) -> None:
    # As bytes: Python takes True for 1 and 1.0 for 1.
    if canonicalize(answer.get("device")) != canonicalize(cast("Json", record)):
        raise InvalidAnswer(
            "the record is not what the device's operations add up to", pointer="/device"
        )
    if did is not None and record["did"] != did:
        raise InvalidAnswer("the answer is about another device", pointer="/device/did")
    if code is not None and "commitment" not in record["code"]:
        borne = (record["code"]["scheme"], record["code"]["value"])
        if borne != code:
            raise InvalidAnswer("the device bears another code", pointer="/device/code")


def _signers(registration: _Shown, did: str) -> tuple[str, ...]:
    methods = [proof.verificationMethod for proof in registration.operation.proof]
    parties = [method.partition("#")[0] for method in methods]
    return (did, *sorted({party for party in parties if party.startswith("did:tetrad:")}))


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
    entry = join_entry(proof.extra, canonicalize(dict(operation)))
    check_inclusion(proof.hashes, proof.index, tree.size, leaf_hash(entry), tree.root)
    try:
        parsed = parse_entry(entry, proof.index)
    except LedgerTampered as error:
        raise InvalidReceipt(f"the entry of the receipt does not hold: {error.detail}") from None
    return VerifiedReceipt(proof.index, parsed.time, operation_hash(dict(operation)), opened)
