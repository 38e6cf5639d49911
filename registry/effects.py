"""Effects: how an accepted operation changes the record of a subject.

The rule book decides whether an operation may be; these functions say what then is, out of the
record before and the operation alone. They are apart from the rules because one more party needs
them: whoever verifies an answer holds a device's operations but not the whole state, replays their
effects, and compares the outcome with the record that the registry asserts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from identity.bodies import DeviceBody, DeviceUpdateBody, GenesisBody, OrganizationBody
from identity.disclosure import CODE, NUMBER
from identity.jcs import Json
from identity.members import (
    Code,
    CommittedCode,
    CommittedNumber,
    DataRecord,
    Number,
    RecoveryOrNone,
    format_time,
    parse_time,
)
from identity.operation import (
    AnyOperation,
    CodeCorrect,
    DeviceRegister,
    DeviceUpdate,
    KeysRotate,
    NumberRebind,
    OrganizationUpdate,
    RecoveryBegin,
    RecoveryFinish,
    RegistryUpdate,
    StatusResume,
    StatusRetire,
    StatusRevoke,
    StatusSuspend,
    TransferAccept,
    TransferOffer,
    operation_value,
)
from registry.state import Alias, Device, Offered, Organization, Recovering, Stamp, Subject

KeysOperation = KeysRotate | RegistryUpdate | RecoveryBegin | RecoveryFinish | TransferAccept

_LAST_SECOND = parse_time("9999-12-31T23:59:59Z")

Unique = Mapping[str, str]
"""Keyed hashes of committed values, by the JSON pointer of their commitment."""


def new_subject(
    body: GenesisBody | OrganizationBody | DeviceBody,
    kind: str,
    did: str,
    operation_hash: str,
    stamp: Stamp,
) -> dict[str, Any]:
    """What the record of every new DID holds."""
    known_as = None if isinstance(body, GenesisBody) else body.alsoKnownAs
    return {
        "did": did,
        "kind": kind,
        "status": "active",
        "suspendedBy": [],
        "orders": {},
        "keys": body.keys,
        "next": body.next,
        "recovery": shown_recovery(body.recovery),
        "sequence": 0,
        "previous": operation_hash,
        "registered": stamp,
        "updated": stamp,
        **({"alsoKnownAs": known_as} if known_as else {}),
    }


def new_organization(
    body: GenesisBody | OrganizationBody, did: str, operation_hash: str, stamp: Stamp
) -> Organization:
    """The record that an `organization.register` or a genesis creates."""
    authority = isinstance(body, GenesisBody)
    record = new_subject(
        body, "authority" if authority else "organization", did, operation_hash, stamp
    )
    record |= {
        "name": body.authority if isinstance(body, GenesisBody) else body.name,
        "prefixes": 0,
    }
    if isinstance(body, OrganizationBody) and body.uscc is not None:
        record["uscc"] = body.uscc
    return cast("Organization", record)


def new_device(
    operation: DeviceRegister, did: str, operation_hash: str, stamp: Stamp, unique: Unique
) -> Device:
    """The record that a `device.register` creates."""
    body = operation.body
    record = new_subject(body, "device", did, operation_hash, stamp)
    record |= {
        "controller": body.controller,
        "object": operation_value(body.object),
        "code": shown_code(body.code, unique),
        "number": shown_number(body.number, unique),
        "data": body.data if body.data == "none" else operation_value(body.data),
        "version": body.data.version if isinstance(body.data, DataRecord) else 0,
    }
    if body.enrolment is not None:
        record["enrolment"] = body.enrolment.grant
    return cast("Device", record)


def shown_recovery(recovery: RecoveryOrNone) -> Json:
    """A quorum as a record shows it."""
    return "none" if recovery == "none" else operation_value(recovery)


def shown_code(code: Code, unique: Unique) -> dict[str, Json]:
    """A code as a record shows it: a committed one with the keyed hash under which it is found."""
    shown = operation_value(code)
    return {**shown, "unique": unique[CODE]} if isinstance(code, CommittedCode) else shown


def shown_number(number: Number, unique: Unique) -> Json:
    """A number as a record shows it, with the keyed hash under which it is found."""
    if not isinstance(number, CommittedNumber):
        return "none"
    return {**operation_value(number), "unique": unique[NUMBER]}


def after(
    subject: Subject,
    operation: AnyOperation,
    operation_hash: str,
    stamp: Stamp,
    unique: Unique,
    by: str | None,
    authority: str,
) -> Subject:
    """The record of `subject` after an operation on it, or one that takes its number away.

    `by` is the party that suspends or resumes, `authority` the DID of the ledger's authority.
    """
    record: dict[str, Any] = {**subject, "updated": stamp}
    if isinstance(operation, NumberRebind) and operation.subject != subject["did"]:
        return cast("Subject", {**record, "number": "none"})
    if isinstance(operation, OrganizationUpdate):
        record |= operation_value(operation.body)
    elif isinstance(operation, KeysOperation):
        _change_keys(record, operation, operation_hash, stamp)
    elif isinstance(operation, TransferOffer):
        _offer(record, operation, operation_hash)
    elif isinstance(operation, DeviceUpdate):
        record |= _updated(cast("Device", subject), operation.body)
    elif isinstance(operation, NumberRebind | CodeCorrect):
        _rename(record, operation, unique, stamp)
    elif isinstance(operation, StatusSuspend | StatusResume | StatusRevoke | StatusRetire):
        record |= _status(subject, operation, by, authority)
        record["reason"] = operation.body.reason
        if record["status"] in ("revoked", "retired"):
            _end(record)
    if getattr(operation, "sequence", None) is not None:
        record |= {"sequence": operation.sequence, "previous": operation_hash}  # type: ignore[union-attr]
    return cast("Subject", _without_empty_names(record))


def _rename(
    record: dict[str, Any], operation: NumberRebind | CodeCorrect, unique: Unique, stamp: Stamp
) -> None:
    """What else the device is called by."""
    if isinstance(operation, NumberRebind):
        record["number"] = shown_number(operation.body.number, unique)
        return
    former: Alias = {"code": record["code"], "until": stamp}
    record["aliases"] = [*record.get("aliases", ()), former]
    record["code"] = shown_code(operation.body.code, unique)


def _without_empty_names(record: dict[str, Any]) -> dict[str, Any]:
    """An empty list of other names has taken them away."""
    if record.get("alsoKnownAs", True):
        return record
    return {name: value for name, value in record.items() if name != "alsoKnownAs"}


def _change_keys(
    record: dict[str, Any], operation: KeysOperation, operation_hash: str, stamp: Stamp
) -> None:
    """What becomes of the keys, of what may follow them, and of the quorum."""
    if isinstance(operation, RecoveryBegin):
        record["recovering"] = _recovering(record, operation, operation_hash, stamp)
    elif isinstance(operation, RecoveryFinish):
        _establish(record, record["recovering"], operation_hash)
    elif isinstance(operation, TransferAccept):
        record["controller"] = record.pop("offer")["to"]
        # The parent stays with the old controller, and a parent is of the same one.
        described = {name: one for name, one in record["object"].items() if name != "parent"}
        record["object"] = described
        _establish(record, operation_value(operation.body), operation_hash)
    else:
        record |= {"keys": operation.body.keys, "next": operation.body.next}
        if "recovering" in record and "cancelled" not in record:
            record["cancelled"] = record.pop("recovering")["begun"]


def _recovering(
    record: Mapping[str, Any], operation: RecoveryBegin, operation_hash: str, stamp: Stamp
) -> Recovering:
    body, wait = operation.body, record["recovery"]["wait"]
    return {
        "begun": operation_hash,
        "ready": format_time(min(parse_time(stamp["time"]) + wait, _LAST_SECOND)),
        "keys": body.keys,
        "next": body.next,
        "recovery": shown_recovery(body.recovery),
    }


def _establish(record: dict[str, Any], named: Mapping[str, Any], operation_hash: str) -> None:
    """Other keys with another quorum, which has tried nothing yet. Who had the keys before, a thief
    or a former controller, may still speak for names that were made of them."""
    record |= {member: named[member] for member in ("keys", "next", "recovery")}
    record["appointed"] = operation_hash
    for member in ("recovering", "cancelled", "alsoKnownAs"):
        record.pop(member, None)


def _offer(record: dict[str, Any], operation: TransferOffer, operation_hash: str) -> None:
    offer = operation.body.offer
    record.pop("offer", None)
    if offer != "none":
        offered: Offered = {"operation": operation_hash, "to": offer.to, "notAfter": offer.notAfter}
        record["offer"] = offered


def _end(record: dict[str, Any]) -> None:
    """Nothing is under way any more."""
    for member in ("recovering", "cancelled", "offer"):
        record.pop(member, None)


def _updated(device: Device, body: DeviceUpdateBody) -> dict[str, Any]:
    described: dict[str, Any] = {**device["object"]}
    if body.parent == "none":
        described.pop("parent", None)
    elif body.parent is not None:
        described["parent"] = body.parent
    if body.sector is not None:
        described["sector"] = operation_value(body.sector)
    data: Json = device["data"]
    if body.data is not None:
        data = body.data if body.data == "none" else operation_value(body.data)
    version = body.data.version if isinstance(body.data, DataRecord) else device["version"]
    changed = {"object": described, "data": data, "version": version}
    return changed if body.alsoKnownAs is None else {**changed, "alsoKnownAs": body.alsoKnownAs}


def lifted_by(party: str | None, subject: Subject, authority: str) -> list[str]:
    """Whose suspensions a party lifts: its own; the authority any."""
    return [did for did in subject["suspendedBy"] if party in (did, authority)]


def _status(
    subject: Subject,
    operation: StatusSuspend | StatusResume | StatusRevoke | StatusRetire,
    by: str | None,
    authority: str,
) -> dict[str, Any]:
    if isinstance(operation, StatusSuspend):
        suspender = cast("str", by)
        return {
            "status": "suspended",
            "suspendedBy": sorted({*subject["suspendedBy"], suspender}),
            "orders": {**subject["orders"], suspender: operation.created},
        }
    if isinstance(operation, StatusRevoke):
        return {"status": "revoked"}
    if isinstance(operation, StatusRetire):
        return {"status": "retired", "number": "none"}
    lifted = lifted_by(by, subject, authority)
    left = [did for did in subject["suspendedBy"] if did not in lifted]
    return {
        "status": "suspended" if left else "active",
        "suspendedBy": left,
        "orders": {**subject["orders"], **dict.fromkeys(lifted, operation.created)},
    }
