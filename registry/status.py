"""The rows of the rule book about keys and status.

Suspenders are a set: each lifts only its own suspension, the authority any. What is revoked or
retired stays so. Operations by a supervisor carry no sequence, so that a thief of the controller's
keys who keeps writing cannot outrun a revocation. Having none, they are put in order by `created`,
for each suspender apart: a suspension is not older than what lifted that party's last one, and a
resumption not older than what it lifts, so that nothing signed and held back works later, and one
party's clock never binds another's suspension. Specified in specs/2-registry.md, "Status".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from identity.errors import (
    KeyReused,
    SignerMissing,
    TimeOutOfBounds,
    UnknownMethod,
    WrongState,
)
from identity.keys import kind_of_multikey, thumbprint
from identity.operation import KeysRotate, RegistryUpdate, StatusResume, StatusSuspend
from registry.case import Case
from registry.devices import freed_number
from registry.effects import lifted_by
from registry.state import Changes, Device, Subject


def keys_rotate(case: Case) -> Changes:
    """keys.rotate"""
    subject = case.subject()
    return case.changing(subject, rotated(case, subject))


def rotated(case: Case, subject: Subject) -> Changes:
    """The keys of the operation's body, which the subject must have committed to, taken over."""
    body = cast("KeysRotate | RegistryUpdate", case.operation).body
    for place, key in enumerate(body.keys):
        if thumbprint(key) not in subject["next"]:
            raise UnknownMethod(
                "the last establishment did not commit to this key",
                pointer=f"/body/keys/{place}",
                hint="rotate to keys whose thumbprints stand in the subject's `next`",
            )
    if not keeps_kinds(subject["keys"], body.keys):
        raise SignerMissing(
            "a pair of keys is followed by a pair, which reveals both",
            pointer="/body/keys",
            hint="half of what was committed to does not replace a pair",
        )
    case.signers(new_keys=body.keys, rotating=subject["did"]).exactly(set())
    case.in_order(subject)
    case.unserved(body.next)
    shares = () if subject["recovery"] == "none" else cast("Any", subject["recovery"])["keys"]
    if set(body.next) & set(shares):
        raise KeyReused("a recovery key is not committed to", pointer="/body/next")
    return case.claim_keys(subject["did"], body.keys, body.next)


def keeps_kinds(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether keys of both kinds are followed by keys of both: else who has stolen the weaker half
    of what was committed to would take over with it alone."""
    kinds = {kind_of_multikey(key) for key in before}
    return len(kinds) == 1 or kinds == {kind_of_multikey(key) for key in after}


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
        who = signers.one_of(lambda did: did in _supervisors(case, subject))
        # Two supervisors may use the same words in the same second: one hash, and two suspensions.
        if case.state.get(("operation", case.hash)) is not None:
            raise WrongState(
                "another party has signed the very same words",
                pointer="/proof",
                hint="sign anew, with another reason or a later time",
            )
        return who
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
    lifted = subject["orders"].get(who, "")
    if operation.sequence is None and operation.created < lifted:
        raise TimeOutOfBounds(
            "a suspension cannot be older than the last resumption",
            pointer="/created",
            hint=f"this party's suspension was lifted by an operation created {lifted}",
        )
    return case.changing(subject, {}, by=who)


def resume(case: Case) -> Changes:
    """status.resume"""
    operation = cast("StatusResume", case.operation)
    subject = _in_service(case)
    who = _who(case, subject)
    lifted = lifted_by(who, subject, case.registry["authority"])
    if not lifted:
        raise WrongState(
            "this party has not suspended the subject",
            pointer="/subject",
            hint="each lifts its own suspension; the authority lifts any",
        )
    latest = max(subject["orders"][did] for did in lifted)
    if operation.sequence is None and operation.created < latest:
        raise TimeOutOfBounds(
            "a resumption cannot be older than the suspension that it lifts",
            pointer="/created",
            hint=f"the subject was suspended by an operation created {latest}",
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
    # Nobody escapes a supervisor's suspension, and what may follow it, by ending the device.
    case.usable(device, despite=device["controller"])
    case.signers().exactly({device["controller"]})
    case.in_order(device)
    return case.changing(device, freed_number(case, device))
