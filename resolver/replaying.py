"""A device's own operations, replayed: what they add up to, and who signed them.

    shown = shown_entries(proof["entries"])
    keys = keys_of([*shown_operations(proof["signers"]), *shown], pinned)
    record = replay(shown, pinned)                     # with its history

Pure: JSON in, records or InvalidAnswer out. A verifier of answers holds one device's operations and
not the whole state; the effects of the rule book are all it needs. An operation that establishes
keys proves itself (resolver/establishing.py). Specified in specs/3-resolution.md, "Verification".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from identity.did import tetrad_did
from identity.disclosure import NUMBER
from identity.errors import (
    InvalidAnswer,
    InvalidCertificate,
    InvalidProof,
    NotEntitled,
    RuleBroken,
    TetradError,
)
from identity.jcs import Json, canonicalize
from identity.keys import kind_of_multikey, thumbprint
from identity.members import parse_time
from identity.multibase import decode_multihash
from identity.operation import (
    ROTATING,
    AnyOperation,
    CodeCorrect,
    DeviceRegister,
    NumberRebind,
    OrganizationRegister,
    RecoveryBegin,
    RecoveryFinish,
    StatusResume,
    StatusRetire,
    StatusRevoke,
    StatusSuspend,
    TransferAccept,
    operation_hash,
    read_shown_operation,
    revealed_keys,
)
from registry import effects
from registry.case import FINAL
from registry.checking import verify_proofs
from registry.correcting import check_correct
from registry.enrolment import new_keys
from registry.entry import Entry, read_entry
from registry.merkle import leaf_hash
from registry.recovering import check_begin, check_finish
from registry.state import FIRST_HISTORY, Device, next_history
from registry.transferring import check_accept
from resolver.pinned import Pinned

STATUS = (StatusSuspend, StatusResume, StatusRevoke, StatusRetire)


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
            operation = read_shown_operation(entry.operation)
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
            operation = read_shown_operation(value)
        except TetradError as error:
            raise InvalidAnswer(
                f"an operation that does not hold: {error.detail}",
                pointer=f"/proof/signers/{place}",
            ) from error
        found.append(Signed(operation, operation_hash(cast("dict[str, Json]", value))))
    return found


@dataclass(frozen=True, slots=True)
class Established:
    """A key, and all those that one operation put in force with it: no others were, then."""

    multikey: str
    together: tuple[str, ...]


def verify_signatures(item: Signed, keys: Mapping[str, Established]) -> None:
    """Every proof of an operation, each by a key of the very party that its method names; among
    them those of all keys that it establishes, and of every other party one of each kind of key
    that it had. Raises InvalidProof, InvalidAnswer."""
    operation: Any = item.operation
    methods = [proof.verificationMethod for proof in operation.proof]
    own: set[str] = set()
    if isinstance(operation, OrganizationRegister):
        own = {f"did:key:{key}#{key}" for key in operation.body.keys}
    elif isinstance(operation, DeviceRegister):
        own = {f"did:key:{key}#{key}" for key in _device_keys(operation)}
    else:
        own = own_methods(operation)
    if not own <= set(methods):
        raise InvalidAnswer(f"a new key has not signed the {operation.type} that establishes it")
    if len(set(methods)) != len(methods) or not methods:
        raise InvalidAnswer(f"an operation {operation.type} bears one proof for each method")
    # By the whole method: one party's key under another's name is nobody's.
    if not set(methods) <= own | keys.keys():
        raise InvalidAnswer(
            f"an operation {operation.type} is signed by a key that nothing shown establishes"
        )
    # The keys that a recovery brings all sign its end, where they do (resolver/establishing.py).
    if isinstance(operation, RecoveryFinish):
        own = {method for method in methods if method.startswith(f"{operation.subject}#")}
    _check_kinds(operation, [method for method in methods if method not in own], keys)
    known = {
        method.partition("#")[2]: keys[method].multikey for method in methods if method in keys
    }
    if verify_proofs(operation, decode_multihash(item.hash), known.get):
        raise InvalidAnswer(f"an operation {operation.type} is signed by a key that is not shown")


def own_methods(operation: AnyOperation) -> set[str]:
    """The methods of its subject by which the keys sign that an operation reveals."""
    subject = cast("str", getattr(operation, "subject", ""))
    return {f"{subject}#{thumbprint(key)}" for key in revealed_keys(operation)}


def _device_keys(operation: DeviceRegister) -> list[str]:
    """The device's own keys, and that of the certificate by which it enrols itself."""
    try:
        return new_keys(operation.body)
    except InvalidCertificate as error:
        raise InvalidAnswer(f"a certificate that cannot be read: {error.detail}") from None


def _check_kinds(
    operation: AnyOperation, methods: Sequence[str], keys: Mapping[str, Established]
) -> None:
    """As registry.signers: of each party one signature of each kind that it had in force, which
    are those of one establishment."""
    parties: dict[str, list[Established]] = {}
    for method in methods:
        parties.setdefault(method.partition("#")[0], []).append(keys[method])
    for signed in parties.values():
        kinds = sorted(kind_of_multikey(key.multikey) for key in signed)
        due = sorted({kind_of_multikey(key) for key in signed[0].together})
        if kinds != due or len({key.together for key in signed}) != 1:
            raise InvalidAnswer(
                f"a party signs a {operation.type} with one of each kind of key that it has"
            )


def replay(own: Sequence[Shown], pinned: Pinned) -> Device:
    """The device's record out of its operations alone, with the history that they make.

    Raises InvalidAnswer where they do not follow one another.
    """
    records = list(replayed(own, pinned))
    if not records:
        raise InvalidAnswer("the evidence does not show the device's registration")
    return records[-1]


def replayed(own: Iterable[Shown], pinned: Pinned) -> Iterator[Device]:
    """The device's record after each of its operations. Raises as `replay`."""
    record: Device | None = None
    history = FIRST_HISTORY
    for item in own:
        if getattr(item.operation, "ledger", None) != pinned.ledger:
            raise InvalidAnswer("an operation of another ledger")
        try:
            record = _after(record, item, pinned)
        except KeyError as missing:
            raise InvalidAnswer(f"an entry lacks the keyed hash of {missing}") from None
        except (RuleBroken, NotEntitled, InvalidProof) as broken:
            raise InvalidAnswer(
                f"the {item.operation.type} at entry {item.entry.index} breaks the rules: "
                f"{broken.detail}"
            ) from None
        history = next_history(history, item.leaf)
        record = cast("Device", {**record, "history": history.hex()})
        yield record


def _after(record: Device | None, item: Shown, pinned: Pinned) -> Device:
    operation, entry = item.operation, item.entry
    stamp: Any = {"entry": entry.index, "time": entry.time}
    if record is None:
        if not isinstance(operation, DeviceRegister):
            raise InvalidAnswer("a device begins with its registration")
        did = tetrad_did(pinned.ledger, item.hash)
        if operation.body.enrolment is None:
            _check_parties(item, {operation.body.controller})
        elif any(party.startswith("did:tetrad:") for party in parties_of(operation)):
            raise InvalidAnswer("an organization has signed where a certificate stands for it")
        return effects.new_device(operation, did, item.hash, stamp, entry.unique)
    _check_order(record, operation, entry)
    _check_life(record, operation, parse_time(entry.time))
    _check_present(record, operation)
    _check_parties(item, _parties(record, operation))
    by = operation.proof[0].verificationMethod.partition("#")[0]
    changed = effects.after(record, operation, item.hash, stamp, entry.unique, by, pinned.authority)
    return cast("Device", changed)


def _check_life(record: Device, operation: AnyOperation, now: int) -> None:
    """What a recovery, a transfer and a correction ask of the device's record, as the rule book
    does."""
    if isinstance(operation, RecoveryBegin):
        check_begin(record, operation.body)
    elif isinstance(operation, RecoveryFinish):
        check_finish(record, operation.body, now)
    elif isinstance(operation, TransferAccept):
        check_accept(record, operation.body, now)
    elif isinstance(operation, CodeCorrect):
        check_correct(record)


def _check_present(record: Device, operation: AnyOperation) -> None:
    """Where the device signs, it does by its keys of that time: not by those that it has lost with
    a rotation, a recovery or a transfer."""
    did = record["did"]
    present = own_methods(operation) | {f"{did}#{thumbprint(key)}" for key in record["keys"]}
    if isinstance(operation, RecoveryFinish):
        present = {f"{did}#{thumbprint(key)}" for key in record["recovering"]["keys"]}
    for proof in operation.proof:
        method = proof.verificationMethod
        if method.startswith(f"{did}#") and method not in present:
            raise InvalidAnswer(f"a {operation.type} is signed by a key of the device's past")


def _parties(record: Device, operation: AnyOperation) -> set[str]:
    """Who must have signed, as far as the device's record tells it (registry/rules.py): of a
    supervisor, that it had the right is for an audit."""
    if isinstance(operation, ROTATING):
        return set()  # its new keys, by `verify_signatures`
    if isinstance(operation, TransferAccept):
        return {record["offer"]["to"]}
    if isinstance(operation, NumberRebind):
        if operation.subject == record["did"]:
            return {record["controller"], record["did"]}
        return set() if record["status"] in FINAL else {record["controller"]}
    return {record["controller"]} if getattr(operation, "sequence", None) is not None else set()


def parties_of(operation: AnyOperation) -> set[str]:
    """The DIDs whose methods its proofs name, `did:key` among them."""
    return {proof.verificationMethod.partition("#")[0] for proof in operation.proof}


def _check_parties(item: Shown, required: set[str]) -> None:
    signed = parties_of(item.operation)
    if not required <= signed:
        raise InvalidAnswer(
            f"a party that must sign has not: {item.operation.type} at entry {item.entry.index}"
        )
    if isinstance(item.operation, STATUS) and len(signed) != 1:
        raise InvalidAnswer(f"one party signs a {item.operation.type}")


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
