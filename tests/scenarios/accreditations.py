"""Scenarios of accreditations: who gives the right to issue credentials, and who passes it on."""

from __future__ import annotations

from typing import Any

from identity.errors import (
    MalformedCode,
    NotFound,
    PolicyViolated,
    QuotaExceeded,
    RightMissing,
    WrongState,
)
from registry.granting import MAX_HELD
from tests.factory import Signed, Subject
from tests.scenarios import DAY, Town, accepted, refused

LABEL, LICENCE = "NetworkSecurityLabel", "NetworkAccessLicence"
GTIN = {"scheme": "gtin", "prefix": "0950600"}
BELOW = {"scheme": "gtin", "prefix": "09506000"}
ASIDE = {"scheme": "gtin", "prefix": "0950601"}


def scope(*types: str, **members: Any) -> dict[str, Any]:
    """A scope; of labels where no type is named."""
    return {"types": list(types or (LABEL,)), **members}


def accredited(town: Town, **members: Any) -> str:
    """Acme's accreditation by the authority, in the ledger: labels, to be passed on once."""
    bounds = scope(delegates=members.pop("delegates", 1))
    bounds |= {"prefix": members.pop("prefix")} if "prefix" in members else {}
    signed = accredit(town, town.authority, town.acme, bounds, **members)
    town.accept(signed)
    return signed.hash


def accredit(
    town: Town, granter: Subject, to: Subject, bounds: dict[str, Any], **members: Any
) -> Signed:
    return town.grant(granter, "credential", to, bounds, **members)


def passed_on(town: Town, under: str, bounds: dict[str, Any], **members: Any) -> Signed:
    """Acme passes a part of its grant on to Beta."""
    return accredit(town, town.acme, town.beta, bounds, under=under, **members)


@accepted
def grant_issue__credential(town: Town) -> Signed:
    """The authority accredits, here for labels of devices under a prefix."""
    return accredit(town, town.authority, town.acme, scope(prefix=GTIN, delegates=4))


@accepted
def grant_issue__credential_passed_on(town: Town) -> Signed:
    """A holder passes a part on: a type of two, a longer prefix, the same end, one level less."""
    ends = town.in_a_day()
    first = accredit(
        town,
        town.authority,
        town.acme,
        scope(LABEL, LICENCE, prefix=GTIN, delegates=2),
        notAfter=ends,
    )
    town.accept(first)
    bounds = scope(prefix=BELOW, delegates=1)
    return passed_on(town, first.hash, bounds, notAfter=ends)


@accepted
def grant_issue__credential_under_the_same_prefix(town: Town) -> Signed:
    """A prefix encloses itself, also as another scheme of the same numbering space writes it."""
    under = accredited(town, prefix=BELOW)
    return passed_on(town, under, scope(prefix={"scheme": "gs1", "prefix": "09506000"}))


@refused(RightMissing, "/body/under")
def grant_issue__credential_by_another(town: Town) -> Signed:
    """Nobody but the authority accredits out of its own right."""
    return accredit(town, town.acme, town.beta, scope())


@refused(RightMissing, "/body/under")
def grant_issue__credential_by_the_maker_of_the_devices(town: Town) -> Signed:
    """To hold a prefix is no right to issue credentials about what bears its codes."""
    return accredit(town, town.acme, town.acme, scope(prefix=BELOW))


@refused(NotFound, "/body/under")
def grant_issue__credential_under_nothing(town: Town) -> Signed:
    """`under` names a grant."""
    return passed_on(town, town.ledger_hash, scope())


@refused(RightMissing, "/body/under")
def grant_issue__credential_under_anothers(town: Town) -> Signed:
    """One passes on what is one's own."""
    under = accredited(town)
    return accredit(town, town.beta, town.beta, scope(), under=under)


@refused(RightMissing, "/body/under")
def grant_issue__credential_under_a_prefix_grant(town: Town) -> Signed:
    """A grant of another right gives no accreditation."""
    prefix = town.prefix(town.acme, "gtin:04012345")
    town.accept(prefix)
    return passed_on(town, prefix.hash, scope())


@refused(RightMissing, "/body/under")
def grant_issue__credential_not_to_be_passed_on(town: Town) -> Signed:
    """Without `delegates` the holder issues, and passes nothing on."""
    first = accredit(town, town.authority, town.acme, scope())
    town.accept(first)
    return passed_on(town, first.hash, scope())


@refused(RightMissing, "/body/scope/delegates")
def grant_issue__credential_passed_on_too_far(town: Town) -> Signed:
    """Each level has one less than the one above it."""
    return passed_on(town, accredited(town, delegates=2), scope(delegates=2))


@refused(RightMissing, "/body/scope/types")
def grant_issue__credential_of_another_type(town: Town) -> Signed:
    """What one may not issue, one cannot let others issue."""
    return passed_on(town, accredited(town), scope(LABEL, LICENCE))


@refused(RightMissing, "/body/scope/prefix")
def grant_issue__credential_of_another_prefix(town: Town) -> Signed:
    """Devices under another prefix."""
    return passed_on(town, accredited(town, prefix=GTIN), scope(prefix=ASIDE))


@refused(RightMissing, "/body/scope/prefix")
def grant_issue__credential_of_a_shorter_prefix(town: Town) -> Signed:
    """The grant above is for fewer devices."""
    return passed_on(town, accredited(town, prefix=BELOW), scope(prefix=GTIN))


@refused(RightMissing, "/body/scope/prefix")
def grant_issue__credential_without_its_prefix(town: Town) -> Signed:
    """Without a prefix it would be for every device."""
    return passed_on(town, accredited(town, prefix=GTIN), scope())


@refused(RightMissing, "/body/notAfter")
def grant_issue__credential_outlives_its_encloser(town: Town) -> Signed:
    """A part ends no later than the whole."""
    return passed_on(town, accredited(town, notAfter=town.in_a_day()), scope())


@refused(RightMissing, "/body/under")
def grant_issue__credential_under_what_is_over(town: Town) -> Signed:
    """A grant that has expired gives nothing on."""
    under = accredited(town, notAfter=town.in_a_day())
    town.now += DAY + 1
    return passed_on(town, under, scope())


@refused(RightMissing, "/body/under")
def grant_issue__credential_above_it_withdrawn(town: Town) -> Signed:
    """With a grant ends what stands on it, at whatever depth."""
    first = accredit(town, town.authority, town.acme, scope(delegates=2))
    town.accept(first)
    second = passed_on(town, first.hash, scope(delegates=1))
    town.accept(second)
    town.accept(town.withdraw(first))
    return accredit(town, town.beta, town.acme, scope(), under=second.hash)


@refused(PolicyViolated, "/body/scope/prefix/scheme")
def grant_issue__credential_about_numbers(town: Town) -> Signed:
    """Devices are told by their codes."""
    numbers = {"scheme": "msisdn", "prefix": "+86138"}
    return accredit(town, town.authority, town.acme, scope(prefix=numbers))


@refused(MalformedCode, "/body/scope/prefix/prefix")
def grant_issue__credential_malformed_prefix(town: Town) -> Signed:
    """A prefix that its scheme does not read."""
    malformed = {"scheme": "gtin", "prefix": "9506000"}
    return accredit(town, town.authority, town.acme, scope(prefix=malformed))


@refused(QuotaExceeded, "/body/to")
def grant_issue__credential_too_many(town: Town) -> Signed:
    """One party gives another so many, and no other party's count."""
    under = accredited(town)
    for number in range(MAX_HELD):
        town.accept(passed_on(town, under, scope(prefix={**BELOW, "prefix": f"0950600{number}"})))
    town.accept(accredit(town, town.authority, town.beta, scope()))
    return passed_on(town, under, scope())


@accepted
def grant_withdraw__credential_by_the_authority(town: Town) -> Signed:
    """The authority takes any accreditation back, also one that it did not give."""
    signed = passed_on(town, accredited(town), scope())
    town.accept(signed)
    return town.withdraw(signed)


@accepted
def grant_withdraw__credential_by_the_encloser(town: Town) -> Signed:
    """So does whoever passed it on."""
    signed = passed_on(town, accredited(town), scope())
    town.accept(signed)
    return town.withdraw(signed, by=town.acme)


@refused(RightMissing, "/body/grant")
def grant_withdraw__credential_by_its_holder(town: Town) -> Signed:
    """What one was given is not one's own to withdraw."""
    signed = passed_on(town, accredited(town), scope())
    town.accept(signed)
    return town.withdraw(signed, by=town.beta)


@refused(RightMissing, "/body/grant")
def grant_withdraw__credential_by_a_granter_that_lost_its_own(town: Town) -> Signed:
    """Whose accreditation is withdrawn has nothing left to say about what it passed on."""
    first = accredit(town, town.authority, town.acme, scope(delegates=1))
    town.accept(first)
    second = passed_on(town, first.hash, scope())
    town.accept(second)
    town.accept(town.withdraw(first))
    return town.withdraw(second, by=town.acme)


@refused(WrongState, "/body/to")
def grant_issue__credential_to_a_revoked_organization(town: Town) -> Signed:
    """A revoked organization is given nothing."""
    town.revoke(town.beta)
    return passed_on(town, accredited(town), scope())
