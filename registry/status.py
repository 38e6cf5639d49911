"""The rows of the rule book about keys and status.

Suspenders are a set: each lifts only its own suspension, the authority any. What is revoked or
retired stays so. Operations by a supervisor carry no sequence, so that a thief of the controller's
keys who keeps writing cannot outrun a revocation. Specified in specs/2-registry.md, "Status".
"""

from __future__ import annotations

from typing import cast

from identity.errors import (
    KeyReused,
    TimeOutOfBounds,
    UnknownMethod,
    WrongState,
)
from identity.keys import public_key
from identity.operation import KeysRotate, StatusResume, StatusRetire, StatusRevoke, StatusSuspend
from registry.case import Case
from registry.devices import freed_number
from registry.state import Changes, Device, Key, Subject


def keys_rotate(case: Case) -> Changes:
    """keys.rotate"""
    body = cast("KeysRotate", case.operation).body
    subject = case.subject()
    for place, key in enumerate(body.keys):
        if public_key(key).thumbprint not in subject["next"]:
            raise UnknownMethod(
                "the last establishment did not commit to this key",
                pointer=f"/body/keys/{place}",
                hint="rotate to keys whose thumbprints stand in the subject's `next`",
            )
    case.signers(new_keys=body.keys, rotating=subject["did"]).exactly(set())
    case.in_order(subject)
    for key in subject["keys"]:
        if public_key(key).thumbprint in body.next:
            raise KeyReused("a key that served cannot be committed to again", pointer="/body/next")
    claims = case.claim_keys(subject["did"], body.keys, body.next)
    return case.sequenced(subject, claims, keys=body.keys, next=body.next)


def _controller(subject: Subject) -> str:
    """Who acts for a subject: a device's controller, an organization itself."""
    return cast("Device", subject)["controller"] if subject["kind"] == "device" else subject["did"]


def _supervisors(case: Case, subject: Subject) -> set[str]:
    """The authority and, for a device, the holder of its code's prefix."""
    found = {case.registry["authority"]}
    if subject["kind"] == "device":
        holder = case.holder(cast("Device", subject)["code"])
        if holder is not None:
            found.add(holder)
    return found


def _who(case: Case, subject: Subject) -> str:
    """Who suspends or resumes: with a sequence the controller, without one a supervisor."""
    signers = case.signers(lenient=subject["did"])
    if case.operation.sequence is None:
        return signers.one_of(lambda did: did in _supervisors(case, subject))
    signers.exactly({_controller(subject)})
    case.in_order(subject)
    return _controller(subject)


def _in_service(case: Case) -> Subject:
    """The subject, which must not be the authority: nobody stands above that."""
    subject = case.subject()
    if subject["kind"] == "authority":
        raise WrongState("the authority cannot be suspended or ended", pointer="/subject")
    return subject


def _recorded(case: Case, subject: Subject, **members: object) -> Changes:
    """The subject with new members; moved on by one where the operation has a sequence."""
    if case.operation.sequence is not None:
        return case.sequenced(subject, {}, **members)
    key: Key = ("did", subject["did"])
    return case.recorded({key: cast("Device", case.changed(subject, sequenced=False, **members))})


def suspend(case: Case) -> Changes:
    """status.suspend"""
    operation = cast("StatusSuspend", case.operation)
    subject = _in_service(case)
    who = _who(case, subject)
    if who in subject["suspendedBy"]:
        raise WrongState("this party has suspended the subject already", pointer="/subject")
    if "resumed" in subject and operation.created < subject["resumed"]:
        raise TimeOutOfBounds(
            "a suspension must be created after the last resumption",
            pointer="/created",
            hint=f"the subject was resumed by an operation created {subject['resumed']}",
        )
    by = sorted([*subject["suspendedBy"], who])
    return _recorded(
        case, subject, suspendedBy=by, status="suspended", reason=operation.body.reason
    )


def resume(case: Case) -> Changes:
    """status.resume"""
    operation = cast("StatusResume", case.operation)
    subject = _in_service(case)
    who = _who(case, subject)
    by = [did for did in subject["suspendedBy"] if did != who]
    if who == case.registry["authority"]:
        by = []
    if by == subject["suspendedBy"]:
        raise WrongState(
            "this party has not suspended the subject",
            pointer="/subject",
            hint="each lifts its own suspension; the authority lifts any",
        )
    return _recorded(
        case,
        subject,
        suspendedBy=by,
        status="suspended" if by else "active",
        reason=operation.body.reason,
        resumed=operation.created,
    )


def revoke(case: Case) -> Changes:
    """status.revoke"""
    operation = cast("StatusRevoke", case.operation)
    subject = _in_service(case)
    case.signers(lenient=subject["did"]).one_of(lambda did: did in _supervisors(case, subject))
    key: Key = ("did", subject["did"])
    changed = case.changed(subject, sequenced=False, status="revoked", reason=operation.body.reason)
    return case.recorded({key: cast("Device", changed)})


def retire(case: Case) -> Changes:
    """status.retire"""
    operation = cast("StatusRetire", case.operation)
    device = case.device()
    case.signers().exactly({device["controller"]})
    case.in_order(device)
    return case.sequenced(
        device,
        freed_number(case, device),
        status="retired",
        reason=operation.body.reason,
        number="none",
    )
