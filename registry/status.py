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
from identity.keys import thumbprint
from identity.operation import KeysRotate, StatusSuspend
from registry.case import Case
from registry.devices import freed_number
from registry.state import Changes, Device, Subject


def keys_rotate(case: Case) -> Changes:
    """keys.rotate"""
    body = cast("KeysRotate", case.operation).body
    subject = case.subject()
    for place, key in enumerate(body.keys):
        if thumbprint(key) not in subject["next"]:
            raise UnknownMethod(
                "the last establishment did not commit to this key",
                pointer=f"/body/keys/{place}",
                hint="rotate to keys whose thumbprints stand in the subject's `next`",
            )
    case.signers(new_keys=body.keys, rotating=subject["did"]).exactly(set())
    case.in_order(subject)
    for key in subject["keys"]:
        if thumbprint(key) in body.next:
            raise KeyReused("a key that served cannot be committed to again", pointer="/body/next")
    claims = case.claim_keys(subject["did"], body.keys, body.next)
    return case.changing(subject, claims)


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
    return case.changing(subject, {}, by=who)


def resume(case: Case) -> Changes:
    """status.resume"""
    subject = _in_service(case)
    who = _who(case, subject)
    lifted = subject["suspendedBy"] if who == case.registry["authority"] else [who]
    if not set(lifted) & set(subject["suspendedBy"]):
        raise WrongState(
            "this party has not suspended the subject",
            pointer="/subject",
            hint="each lifts its own suspension; the authority lifts any",
        )
    return case.changing(subject, {}, by=who)


def revoke(case: Case) -> Changes:
    """status.revoke"""
    subject = _in_service(case)
    case.signers(lenient=subject["did"]).one_of(lambda did: did in _supervisors(case, subject))
    return case.changing(subject, {})


def retire(case: Case) -> Changes:
    """status.retire"""
    device = case.device()
    case.signers().exactly({device["controller"]})
    case.in_order(device)
    return case.changing(device, freed_number(case, device))
