"""The row of the rule book about a code that was wrong: another takes its place, and it stays.

A label cannot be called back. So the wrong code keeps leading to the device for ever, is never
given to another one, and stands in the device's record among its `aliases` with the entry that
ended it. Who answers for the new code signs, as for a registration; so does who answers for the old
one, whose supervision of the device ends with it: else a controller would leave a supervisor by
correcting. The code of a device that enrolled itself follows from its certificate. Specified in
specs/2-registry.md, "Rules".
"""

from __future__ import annotations

from typing import cast

from identity.errors import CodeTaken, QuotaExceeded, WrongState
from identity.operation import CodeCorrect
from registry.case import Case
from registry.devices import code_holder, new_code
from registry.state import Bearer, Changes, Device

MAX_ALIASES = 8


def code_correct(case: Case) -> Changes:
    """code.correct"""
    body = cast("CodeCorrect", case.operation).body
    device = case.device()
    case.usable(device)
    key = new_code(case, body.code)
    signers = case.signers()
    answers_for_it = code_holder(case, body.code, signers)
    answered = case.holder(device["code"]) or case.registry["authority"]
    signers.exactly({device["controller"], answers_for_it, answered})
    case.in_order(device)
    check_correct(device)
    # Only those who may give this code are told whether it is taken.
    if case.state.get(key) is not None:
        raise CodeTaken(
            "the code is registered already, and a code is never reissued",
            pointer="/body/code",
            hint="resolve it to see whose it is",
        )
    bearer: Bearer = {"did": device["did"]}
    return case.changing(device, {key: bearer})


def check_correct(device: Device) -> None:
    """Whether this device's code can be corrected at all: what its record alone tells. Raises
    WrongState, QuotaExceeded."""
    if "enrolment" in device:
        raise WrongState(
            "the code of a device that enrolled itself follows from its certificate",
            pointer="/subject",
            hint="revoke the device, and enrol it with a certificate that says what it is",
        )
    if len(device.get("aliases", ())) >= MAX_ALIASES:
        raise QuotaExceeded(
            f"a code is corrected at most {MAX_ALIASES} times", pointer="/body/code"
        )
