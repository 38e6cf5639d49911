"""The rows of the rule book about devices and their four ones."""

from __future__ import annotations

from typing import cast

from identity.bodies import DeviceBody
from identity.did import tetrad_did
from identity.disclosure import CODE, NUMBER, SERIAL
from identity.errors import (
    CodeTaken,
    MalformedCode,
    NotFound,
    NumberTaken,
    ObjectTaken,
    PolicyViolated,
    RightMissing,
    SchemaViolation,
    WrongSequence,
    WrongState,
)
from identity.jcs import Json
from identity.members import Code, CommittedCode, CommittedNumber, DataRecord, Exemption, Sector
from identity.operation import DeviceRegister, DeviceUpdate, NumberRebind, operation_value
from registry import enrolment, grants
from registry.case import FINAL, Case, pointing
from registry.effects import new_device
from registry.signers import Signers
from registry.state import Bearer, Changes, Device, Key, NumberRecord, subject_of

MAX_ANCESTORS = 16


def device_register(case: Case) -> Changes:
    """device.register"""
    operation = cast("DeviceRegister", case.operation)
    body = operation.body
    did = tetrad_did(case.registry["ledger"], case.hash)
    code_key = new_code(case, body.code)
    keys = enrolment.new_keys(body)
    signers = case.signers(new_keys=keys)
    enrolled: Changes = {}
    if body.enrolment is None:
        check_rights(case, body, signers)
    else:
        signers.exactly(set())
        check_parties(case, body)
        enrolled = enrolment.enrol(case, body)
    # Only those who may register here are told what is registered already.
    if case.state.get(code_key) is not None:
        raise CodeTaken(
            "the code is registered already, and a code is never reissued",
            pointer="/body/code",
            hint="resolve it to see whose it is",
        )
    check_ipv6(case, body.object.sector, body.object.ipv6, "/body/object/ipv6")
    object_key: Key = ("object", case.committed(SERIAL))
    if case.state.get(object_key) is not None:
        raise ObjectTaken(
            "this maker's model and serial is registered already", pointer="/body/object/serial"
        )
    if body.object.parent is not None:
        check_parent(case, body.object.parent, body.controller, "/body/object/parent")
    case.check_known_as(body.keys)
    bearer: Bearer = {"did": did}
    record = new_device(operation, did, case.hash, case.stamp, case.unique)
    with enrolment.pointing_to_the_certificate(body):
        claimed = case.claim_keys(did, keys, body.next, record["recovery"])
    changes: Changes = {
        **enrolled,
        **claimed,
        ("did", did): record,
        code_key: bearer,
        object_key: bearer,
    }
    if isinstance(body.number, CommittedNumber):
        number_key, active = bearer_of(case, body.number)
        if active is not None and active["status"] not in FINAL:
            raise NumberTaken(
                "the number is active on another device",
                pointer="/body/number",
                hint="register with number none, then rebind it with its controller's signature",
            )
        changes |= {number_key: {"did": did, "since": case.stamp["time"]}}
    return changes


def new_code(case: Case, code: Code) -> Key:
    """The key under which a code is found. Raises InvalidIdentifier, InvalidDisclosure."""
    with pointing("/body/code", "value"):
        if case.schemes.is_number(code.scheme):
            raise MalformedCode(
                f"{code.scheme} is a scheme of numbers", pointer="/body/code/scheme"
            )
        committed = isinstance(code, CommittedCode)
        if committed != case.schemes.is_committed(code.scheme):
            raise SchemaViolation(
                f"a code of {code.scheme} is given "
                + ("in clear" if committed else "as a prefix and a commitment"),
                pointer="/body/code",
            )
        if isinstance(code, CommittedCode):
            return "code", code.scheme, case.committed(CODE)
        value = case.schemes.canonical(code.scheme, code.value)
        if value != code.value:
            raise MalformedCode("the code is not in canonical form", hint=f"write {value}")
    return "code", code.scheme, value


def check_rights(case: Case, body: DeviceBody, signers: Signers) -> None:
    """Exactly the parties that the table names: prefix holder, controller, maker."""
    holder = code_holder(case, body.code, signers)
    check_parties(case, body)
    required = {holder, body.controller}
    maker, model = body.object.maker, body.object.model
    if not any(
        grants.may_make(case.state, did, maker, model, case.now) for did in sorted(required)
    ):
        required.add(maker)
    signers.exactly(required, also={maker})


def code_holder(case: Case, code: Code, signers: Signers) -> str:
    """Who answers for a new code: the holder of its prefix, else the authority, if it has signed.
    Raises RightMissing."""
    if isinstance(code, CommittedCode):
        check_shown(case, code)
    holder = case.holder(operation_value(code))
    if holder is None:
        if case.registry["authority"] not in signers.parties:
            raise RightMissing(
                "no prefix is granted that encloses this code",
                pointer="/body/code",
                hint="grant.issue the prefix to the organization that issues the codes",
            )
        holder = case.registry["authority"]
    return holder


def check_parties(case: Case, body: DeviceBody) -> None:
    """Controller and maker are organizations, in use."""
    for role, did, pointer in (
        ("controller", body.controller, "/body/controller"),
        ("maker", body.object.maker, "/body/object/maker"),
    ):
        party = subject_of(case.state, did)
        if party is None or party["kind"] == "device":
            raise NotFound(f"the {role} is no organization on this ledger", pointer=pointer)
        if party["status"] != "active":
            raise WrongState(f"the {role} is {party['status']}", pointer=pointer)


def check_shown(case: Case, code: CommittedCode) -> None:
    """A committed code shows so much of itself that it is certain who answers for it."""
    node = grants.prefix_at(case.state, case.code_segments(operation_value(code)))
    if node is not None and node["below"]:
        raise RightMissing(
            "there are grants below the prefix that is shown, and the code may lie under one",
            pointer="/body/code/prefix",
            hint="show as much of the code as tells it from every granted prefix",
        )


def check_ipv6(case: Case, sector: Sector, declared: Exemption | Json, pointer: str) -> None:
    """The plan's policy: enabled on new industry terminals, or a declared exemption."""
    required = case.registry["policy"]["ipv6"] == "required" and sector.industrial
    if required and declared in ("supported", "none"):
        raise PolicyViolated(
            "IPv6 is not enabled on an industry terminal",
            pointer=pointer,
            hint="enable it, or declare an exemption",
        )


def check_parent(case: Case, parent: str, controller: str, pointer: str) -> None:
    """A parent is a living device of the same controller, and never a descendant."""
    step: str | None = parent
    for _ in range(MAX_ANCESTORS + 1):
        if step is None:
            return
        if step == getattr(case.operation, "subject", None):
            raise WrongState("a device cannot be its own ancestor", pointer=pointer)
        found = cast("Device | None", subject_of(case.state, step))
        if found is None or found["kind"] != "device":
            raise NotFound("the parent is no device on this ledger", pointer=pointer)
        if step == parent and (found["status"] in FINAL or found["controller"] != controller):
            raise WrongState(
                "the parent must be in use and of the same controller", pointer=pointer
            )
        step = cast("str | None", found["object"].get("parent"))
    raise WrongState(f"a device has at most {MAX_ANCESTORS} ancestors", pointer=pointer)


def bearer_of(case: Case, number: CommittedNumber) -> tuple[Key, Device | None]:
    """The key of a number, and the device on which it is active."""
    with pointing("/body/number", "commitment"):
        if not case.schemes.is_number(number.scheme):
            raise MalformedCode(
                f"{number.scheme} is not a scheme of numbers", pointer="/body/number/scheme"
            )
    key: Key = ("number", number.scheme, case.committed(NUMBER))
    record = cast("NumberRecord | None", case.state.get(key))
    if record is None or "did" not in record:
        return key, None
    return key, cast("Device", subject_of(case.state, record["did"]))


def device_update(case: Case) -> Changes:
    """device.update"""
    body = cast("DeviceUpdate", case.operation).body
    device = case.device()
    case.usable(device)
    case.signers().exactly({device["controller"]})
    case.in_order(device)
    if body.parent is not None and body.parent != "none":
        check_parent(case, body.parent, device["controller"], "/body/parent")
    if body.sector is not None:
        check_ipv6(case, body.sector, device["object"]["ipv6"], "/body/sector")
    if isinstance(body.data, DataRecord) and body.data.version <= device["version"]:
        raise WrongSequence(
            f"version {body.data.version} does not follow {device['version']}",
            pointer="/body/data/version",
        )
    case.check_known_as(device["keys"])
    return case.changing(device, {})


def number_rebind(case: Case) -> Changes:
    """number.rebind"""
    body = cast("NumberRebind", case.operation).body
    device = case.device()
    case.usable(device)
    required = {device["controller"], device["did"]}
    signers = case.signers()
    # Before a word is said about the number: otherwise whoever has one device could ask about every
    # number there is, with rebindings that are refused in any case and leave no entry.
    signers.all_of(required)
    case.in_order(device)
    changes: Changes = {}
    if isinstance(body.number, CommittedNumber):
        key, active = bearer_of(case, body.number)
        if active is not None and active["did"] == device["did"]:
            raise NumberTaken("the number is active on this very device", pointer="/body/number")
        in_use = active is not None and active["status"] not in FINAL
        signers.exactly(required, also={active["controller"]} if active and in_use else ())
        if active is not None and in_use:
            required.add(active["controller"])
            if active["controller"] not in signers.parties:
                raise NumberTaken(
                    "the number is active on another device, whose controller has not signed",
                    pointer="/body/number",
                )
            case.usable(active, despite=active["controller"], pointer="/body/number")
            changes["did", active["did"]] = cast("Device", case.after(active))
        changes[key] = {"did": device["did"], "since": case.stamp["time"]}
    signers.exactly(required)
    changes = {**freed_number(case, device), **changes}
    return case.changing(device, changes)


def freed_number(case: Case, device: Device) -> Changes:
    """Closes the interval of the device's present number."""
    if device["number"] == "none":
        return {}
    number = cast("dict[str, str]", device["number"])
    freed: NumberRecord = {"since": case.stamp["time"]}
    return {("number", number["scheme"], number["unique"]): freed}
