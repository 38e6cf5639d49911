"""Scenarios of status: who suspends, resumes, revokes and retires what."""

from __future__ import annotations

from identity.errors import (
    SignerMissing,
    SignerUnexpected,
    TimeOutOfBounds,
    WrongSequence,
    WrongState,
)
from tests.factory import Signed, Subject, sign
from tests.scenarios import Town, accepted, refused

REASON = {"reason": "a doubt"}


def own(town: Town, subject: Subject, type_: str, by: Subject) -> Signed:
    """A status operation by the controller, in sequence."""
    return town.follow(subject, type_, REASON, by=[by])


def over(town: Town, subject: Subject, type_: str, by: Subject) -> Signed:
    """A status operation by a supervisor."""
    return town.supervise(subject, type_, "a doubt", by)


@accepted
def status_suspend__by_the_controller(town: Town) -> Signed:
    """The controller suspends, in sequence."""
    return own(town, town.betas(), "status.suspend", town.beta)


@accepted
def status_suspend__by_the_prefix_holder(town: Town) -> Signed:
    """The holder of the code's prefix suspends, outside the sequence."""
    return over(town, town.betas(), "status.suspend", town.acme)


@accepted
def status_suspend__by_the_authority(town: Town) -> Signed:
    """The authority suspends any device."""
    return over(town, town.betas(), "status.suspend", town.authority)


@accepted
def status_suspend__a_second_suspender(town: Town) -> Signed:
    """Suspenders are a set."""
    meter = town.betas()
    town.suspend(meter, by=town.acme)
    return over(town, meter, "status.suspend", town.authority)


@refused(WrongState, "/proof")
def status_suspend__the_same_words_by_another(town: Town) -> Signed:
    """The hash does not cover the proof: another's suspension is never taken for a repetition."""
    meter = town.betas()
    town.accept(over(town, meter, "status.suspend", town.acme))
    return over(town, meter, "status.suspend", town.authority)


@accepted
def status_suspend__organization(town: Town) -> Signed:
    """The authority suspends an organization."""
    return over(town, town.acme, "status.suspend", town.authority)


@accepted
def status_suspend__organization_by_itself(town: Town) -> Signed:
    """An organization suspends itself, as when its keys were stolen."""
    return town.follow(town.acme, "status.suspend", REASON)


@accepted
def status_suspend__while_the_controller_runs_ahead(town: Town) -> Signed:
    """A controller that resumes with a date in the future does not outrun its supervisor."""
    meter = town.betas()
    town.now += 300
    suspended = own(town, meter, "status.suspend", town.beta)
    town.now -= 300
    town.accept(suspended)
    town.now += 300
    resumed = own(town, meter, "status.resume", town.beta)
    town.now -= 300
    town.accept(resumed)
    return over(town, meter, "status.suspend", town.acme)


@refused(WrongState, "/subject")
def status_suspend__twice(town: Town) -> Signed:
    """A party suspends once."""
    meter = town.meter()
    town.suspend(meter)
    town.now += 1
    return over(town, meter, "status.suspend", town.authority)


@refused(SignerUnexpected, "/proof")
def status_suspend__by_a_stranger(town: Town) -> Signed:
    """Not everybody supervises everything."""
    return over(town, town.meter(), "status.suspend", town.beta)


@refused(SignerUnexpected, "/proof")
def status_suspend__controller_outside_its_sequence(town: Town) -> Signed:
    """A controller that is no supervisor acts in sequence."""
    return over(town, town.betas(), "status.suspend", town.beta)


@refused(SignerMissing, "/proof")
def status_suspend__supervisor_in_sequence(town: Town) -> Signed:
    """A sequence is the controller's."""
    return own(town, town.betas(), "status.suspend", town.acme)


@refused(SignerUnexpected, "/proof")
def status_suspend__two_supervisors(town: Town) -> Signed:
    """One party suspends at a time."""
    signed = over(town, town.betas(), "status.suspend", town.acme)
    return Signed(sign(signed.operation, town.acme.method, town.authority.method), [])


@refused(SignerUnexpected, "/proof")
def status_suspend__organization_by_another(town: Town) -> Signed:
    """Over an organization stands the authority alone."""
    return over(town, town.beta, "status.suspend", town.acme)


@refused(WrongState, "/subject")
def status_suspend__authority(town: Town) -> Signed:
    """Nobody stands above the authority, itself included."""
    return town.follow(town.authority, "status.suspend", REASON)


@refused(TimeOutOfBounds, "/created")
def status_suspend__held_back(town: Town) -> Signed:
    """A suspension that was signed before the last one was lifted has had its day."""
    meter = town.betas()
    town.suspend(meter, by=town.acme)
    held = over(town, meter, "status.suspend", town.acme)
    town.now += 60
    town.accept(over(town, meter, "status.resume", town.acme))
    return held


@refused(WrongState, "/proof/0/verificationMethod")
def status_suspend__by_a_suspended_holder(town: Town) -> Signed:
    """Who is suspended supervises nothing."""
    meter = town.betas()
    town.suspend(town.acme)
    return over(town, meter, "status.suspend", town.acme)


@accepted
def status_resume__ones_own(town: Town) -> Signed:
    """Each lifts its own suspension."""
    meter = town.betas()
    town.suspend(meter, by=town.acme)
    return over(town, meter, "status.resume", town.acme)


@accepted
def status_resume__one_of_two(town: Town) -> Signed:
    """The device stays suspended by the other."""
    meter = town.betas()
    town.suspend(meter, by=town.acme)
    town.suspend(meter)
    return over(town, meter, "status.resume", town.acme)


@accepted
def status_resume__all_by_the_authority(town: Town) -> Signed:
    """The authority lifts any."""
    meter = town.betas()
    town.suspend(meter, by=town.acme)
    town.accept(own(town, meter, "status.suspend", town.beta))
    return over(town, meter, "status.resume", town.authority)


@accepted
def status_resume__organization_by_itself(town: Town) -> Signed:
    """A suspended organization may lift its own suspension, and nothing else."""
    town.accept(town.follow(town.acme, "status.suspend", REASON))
    return town.follow(town.acme, "status.resume", REASON)


@refused(WrongState, "/subject")
def status_resume__anothers(town: Town) -> Signed:
    """Nobody but the authority lifts another's suspension."""
    meter = town.betas()
    town.suspend(meter)
    return own(town, meter, "status.resume", town.beta)


@refused(WrongState, "/subject")
def status_resume__what_is_active(town: Town) -> Signed:
    """There is nothing to lift."""
    return over(town, town.meter(), "status.resume", town.authority)


@refused(TimeOutOfBounds, "/created")
def status_resume__held_back(town: Town) -> Signed:
    """A resumption that was signed before the suspension does not lift it."""
    meter = town.betas()
    held = over(town, meter, "status.resume", town.acme)
    town.now += 60
    town.suspend(meter, by=town.acme)
    return held


@refused(TimeOutOfBounds, "/created")
def status_resume__held_back_by_the_authority(town: Town) -> Signed:
    """Nor does one of the authority's lift what others suspended later."""
    meter = town.betas()
    held = over(town, meter, "status.resume", town.authority)
    town.now += 60
    town.suspend(meter, by=town.acme)
    return held


@accepted
def status_revoke__by_the_prefix_holder(town: Town) -> Signed:
    """The holder of the prefix revokes, outside the sequence."""
    return over(town, town.betas(), "status.revoke", town.acme)


@accepted
def status_revoke__suspended(town: Town) -> Signed:
    """What is suspended may be revoked."""
    meter = town.betas()
    town.suspend(meter)
    return over(town, meter, "status.revoke", town.authority)


@accepted
def status_revoke__by_the_encloser_after_a_withdrawal(town: Town) -> Signed:
    """With the withdrawal of a prefix, supervision passes to its encloser."""
    grant = town.prefix(town.beta, "gtin:095060001", by=town.acme)
    town.accept(grant)
    meter = town.device("M-1", town.beta)
    town.accept(town.withdraw(grant, by=town.acme))
    return over(town, meter, "status.revoke", town.acme)


@refused(SignerUnexpected, "/proof")
def status_revoke__by_the_former_holder(town: Town) -> Signed:
    """And leaves the former holder."""
    grant = town.prefix(town.beta, "gtin:095060001", by=town.acme)
    town.accept(grant)
    meter = town.device("M-1", town.beta)
    town.accept(town.withdraw(grant, by=town.acme))
    return over(town, meter, "status.revoke", town.beta)


@refused(SignerUnexpected, "/proof")
def status_revoke__by_the_controller(town: Town) -> Signed:
    """A controller retires; revoking is for those above it."""
    return over(town, town.betas(), "status.revoke", town.beta)


@refused(WrongState, "/subject")
def status_revoke__twice(town: Town) -> Signed:
    """What is revoked stays so."""
    meter = town.meter()
    town.revoke(meter)
    town.now += 1
    return over(town, meter, "status.revoke", town.authority)


@refused(WrongState, "/subject")
def status_revoke__authority(town: Town) -> Signed:
    """The authority is not revoked on its own ledger."""
    return over(town, town.authority, "status.revoke", town.authority)


@accepted
def status_retire__frees_the_number(town: Town) -> Signed:
    """The controller ends a device: its number is free, its code is not."""
    return own(town, town.meter(), "status.retire", town.acme)


@accepted
def status_retire__suspended_by_the_controller(town: Town) -> Signed:
    """A controller's own suspension does not stand in its way."""
    meter = town.betas()
    town.accept(own(town, meter, "status.suspend", town.beta))
    return own(town, meter, "status.retire", town.beta)


@refused(WrongState, "/subject")
def status_retire__suspended_by_a_supervisor(town: Town) -> Signed:
    """Nobody escapes a suspension, and what may follow it, by retiring."""
    meter = town.betas()
    town.suspend(meter, by=town.acme)
    return own(town, meter, "status.retire", town.beta)


@refused(SignerMissing, "/proof")
def status_retire__by_the_device(town: Town) -> Signed:
    """A device does not end itself."""
    return town.follow(town.meter(), "status.retire", REASON)


@refused(SignerMissing, "/proof")
def status_retire__by_the_prefix_holder(town: Town) -> Signed:
    """Supervisors revoke."""
    return own(town, town.betas(), "status.retire", town.acme)


@refused(WrongState, "/subject")
def status_retire__organization(town: Town) -> Signed:
    """An organization does not retire."""
    return town.follow(town.acme, "status.retire", REASON)


@refused(WrongSequence, "/sequence")
def status_retire__out_of_sequence(town: Town) -> Signed:
    """Retirement stands in the controller's sequence."""
    meter = town.meter()
    signed = own(town, meter, "status.retire", town.acme)
    town.accept(town.follow(meter, "device.update", {"data": "none"}, by=[town.acme]))
    return signed
