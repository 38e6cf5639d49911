"""Scenarios of grants: who gives a right, how prefixes enclose one another, who takes it back."""

from __future__ import annotations

from identity.errors import (
    MalformedCode,
    NotFound,
    PolicyViolated,
    PrefixTaken,
    QuotaExceeded,
    RightMissing,
    SignerMissing,
    UnknownScheme,
    WrongState,
)
from identity.members import format_time
from tests.factory import Signed, Subject
from tests.scenarios import DAY, Town, accepted, accepted_in, permissioned, refused

DEEPER = "gtin:095060001"
"""A prefix below Acme's."""


def one_prefix() -> Town:
    """A sandbox that gives each organization one prefix."""
    return Town(prefixes=1)


def make(town: Town, granter: Subject, to: Subject, **scope: object) -> Signed:
    return town.grant(granter, "make", to, {"maker": town.acme.did, **scope})


@accepted
def grant_issue__first_come(town: Town) -> Signed:
    """A sandbox gives a free prefix to the first who asks."""
    return town.prefix(town.beta, "gtin:04012345")


@accepted_in(permissioned)
def grant_issue__by_the_authority(town: Town) -> Signed:
    """On a permissioned ledger the authority gives prefixes."""
    return town.prefix(town.beta, "gtin:04012345", by=town.authority)


@accepted
def grant_issue__sub_prefix(town: Town) -> Signed:
    """The holder of a prefix gives away what lies below it; every node above counts it."""
    return town.prefix(town.beta, DEEPER, by=town.acme)


@accepted
def grant_issue__expired_prefix(town: Town) -> Signed:
    """Where a grant is over, its place is free, and counted once all the same."""
    ends = town.in_a_day()
    scope = {"scheme": "gtin", "prefix": "04012345"}
    town.accept(town.grant(town.beta, "prefix", town.beta, scope, notAfter=ends))
    town.now += DAY + 1
    return town.prefix(town.acme, "gtin:04012345")


@accepted
def grant_issue__prefix_of_a_revoked_holder(town: Town) -> Signed:
    """A revoked organization holds nothing."""
    town.revoke(town.acme)
    return town.prefix(town.beta, "gtin:09506000")


@accepted
def grant_issue__admit(town: Town) -> Signed:
    """The authority gives the right to admit."""
    return town.grant(town.authority, "admit", town.acme, {})


@accepted
def grant_issue__make(town: Town) -> Signed:
    """A maker gives the use of its name, here for one model."""
    return make(town, town.acme, town.beta, models=["M1"])


@refused(PrefixTaken, "/body/scope/prefix")
def grant_issue__prefix_taken(town: Town) -> Signed:
    """A prefix is granted once, also by the authority."""
    return town.prefix(town.beta, "gtin:09506000", by=town.authority)


@refused(PrefixTaken, "/body/scope/prefix")
def grant_issue__prefix_taken_in_another_scheme(town: Town) -> Signed:
    """Schemes that share a numbering space share its prefixes."""
    return town.prefix(town.beta, "gs1:09506000", by=town.authority)


@refused(PrefixTaken, "/body/scope/prefix")
def grant_issue__encloses_a_granted_one(town: Town) -> Signed:
    """A sandbox gives nobody the prefix above another's."""
    return town.prefix(town.beta, "gtin:095060")


@refused(RightMissing, "/body/scope/prefix")
def grant_issue__below_anothers(town: Town) -> Signed:
    """Below a granted prefix its holder gives, and nobody takes."""
    return town.prefix(town.beta, DEEPER)


@refused(RightMissing, "/body/scope/prefix")
def grant_issue__below_what_was_given_away(town: Town) -> Signed:
    """Nor does the encloser give where it gave the place away: the closest holder does."""
    town.accept(town.prefix(town.beta, DEEPER, by=town.acme))
    return town.prefix(town.acme, "gtin:0950600012", by=town.acme)


@refused(RightMissing, "/body/to")
def grant_issue__first_come_for_another(town: Town) -> Signed:
    """A free prefix goes to who asks."""
    return town.prefix(town.acme, "gtin:04012345", by=town.beta)


@refused(PolicyViolated, "/body/scope/prefix")
def grant_issue__too_short(town: Town) -> Signed:
    """Nobody takes a numbering space whole."""
    return town.prefix(town.beta, "vaa:VAA088")


@refused(QuotaExceeded, "/body/scope/prefix", world=one_prefix)
def grant_issue__quota(town: Town) -> Signed:
    """A sandbox gives each organization so many prefixes."""
    return town.prefix(town.acme, "gtin:04012345")


@accepted_in(one_prefix)
def grant_issue__below_ones_own_without_quota(town: Town) -> Signed:
    """What one gives out of one's own counts against no quota."""
    return town.prefix(town.acme, DEEPER)


@refused(RightMissing, "/body/scope/prefix", world=permissioned)
def grant_issue__not_a_sandbox(town: Town) -> Signed:
    """On a permissioned ledger nobody takes what is free."""
    return town.prefix(town.beta, "gtin:04012345")


@refused(PolicyViolated, "/body/notAfter")
def grant_issue__over_before_it_begins(town: Town) -> Signed:
    """A right that is over gives nothing."""
    return town.grant(town.authority, "admit", town.acme, {}, notAfter=format_time(town.now))


@refused(RightMissing, "/body/notAfter")
def grant_issue__outlives_its_encloser(town: Town) -> Signed:
    """A grant without an end under one with an end."""
    scope = {"scheme": "gtin", "prefix": "04012345"}
    town.accept(town.grant(town.beta, "prefix", town.beta, scope, notAfter=town.in_a_day()))
    return town.prefix(town.acme, "gtin:040123456", by=town.beta)


@accepted
def grant_issue__ends_with_its_encloser(town: Town) -> Signed:
    """A grant may end together with the one above it."""
    scope = {"scheme": "gtin", "prefix": "04012345"}
    ends = town.in_a_day()
    town.accept(town.grant(town.beta, "prefix", town.beta, scope, notAfter=ends))
    scope = {"scheme": "gtin", "prefix": "040123456"}
    return town.grant(town.beta, "prefix", town.acme, scope, notAfter=ends)


@refused(PolicyViolated, "/body/scope/scheme")
def grant_issue__prefix_of_numbers(town: Town) -> Signed:
    """A range of numbers is no prefix of codes."""
    return town.prefix(town.beta, "msisdn:+8613800138")


@refused(UnknownScheme, "/body/scope/scheme")
def grant_issue__unknown_scheme(town: Town) -> Signed:
    """No scheme of that name."""
    return town.prefix(town.beta, "no-such:1")


@refused(MalformedCode, "/body/scope/prefix")
def grant_issue__malformed_prefix(town: Town) -> Signed:
    """A prefix that its scheme does not read."""
    return town.prefix(town.beta, "gtin:9506000")


@refused(RightMissing, "/body/right")
def grant_issue__admit_by_another(town: Town) -> Signed:
    """Nobody but the authority gives the right to admit, holders of it included."""
    town.accept(town.grant(town.authority, "admit", town.acme, {}))
    return town.grant(town.acme, "admit", town.beta, {})


@refused(RightMissing, "/body/scope/maker")
def grant_issue__anothers_name(town: Town) -> Signed:
    """A name is its maker's to give."""
    return make(town, town.beta, town.beta)


@refused(PolicyViolated, "/body/right")
def grant_issue__number(town: Town) -> Signed:
    """Ranges of numbers are not granted yet."""
    scope = {"scheme": "msisdn", "prefix": "+86138"}
    return town.grant(town.authority, "number", town.acme, scope)


@refused(NotFound, "/body/to")
def grant_issue__to_a_device(town: Town) -> Signed:
    """Organizations hold rights, devices none."""
    return town.grant(town.authority, "admit", town.meter(), {})


@refused(WrongState, "/body/to")
def grant_issue__to_a_revoked_organization(town: Town) -> Signed:
    """A revoked organization is given nothing."""
    town.revoke(town.beta)
    return town.grant(town.authority, "admit", town.beta, {})


@refused(SignerMissing, "/proof")
def grant_issue__signed_by_its_receiver(town: Town) -> Signed:
    """The granter signs."""
    body = {"right": "admit", "to": town.acme.did, "scope": {}}
    return town.follow(town.authority, "grant.issue", body, by=[town.acme])


@accepted
def grant_withdraw__by_the_authority(town: Town) -> Signed:
    """The authority takes any grant back; the nodes above count one less."""
    grant = town.prefix(town.beta, DEEPER, by=town.acme)
    town.accept(grant)
    return town.withdraw(grant)


@accepted
def grant_withdraw__by_the_encloser(town: Town) -> Signed:
    """The holder of the enclosing prefix takes back what lies below it."""
    grant = town.prefix(town.beta, DEEPER, by=town.acme)
    town.accept(grant)
    return town.withdraw(grant, by=town.acme)


@accepted
def grant_withdraw__given_back(town: Town) -> Signed:
    """Who took a free prefix may give it back."""
    grant = town.prefix(town.beta, "gtin:04012345")
    town.accept(grant)
    return town.withdraw(grant, by=town.beta)


@accepted
def grant_withdraw__make_by_the_maker(town: Town) -> Signed:
    """A maker takes its name back, also where the authority gave it."""
    grant = make(town, town.authority, town.beta)
    town.accept(grant)
    return town.withdraw(grant, by=town.acme)


@refused(RightMissing, "/body/grant")
def grant_withdraw__by_a_granter_that_lost_its_prefix(town: Town) -> Signed:
    """With an enclosing prefix goes the right over what was granted under it."""
    above = town.prefix(town.beta, "gtin:04012345")
    below = town.prefix(town.acme, "gtin:040123456", by=town.beta)
    town.accept(above)
    below = town.prefix(town.acme, "gtin:040123456", by=town.beta)
    town.accept(below)
    town.accept(town.withdraw(above))
    return town.withdraw(below, by=town.beta)


@refused(RightMissing, "/body/grant")
def grant_withdraw__by_its_holder(town: Town) -> Signed:
    """What one was given is not one's own to withdraw."""
    grant = town.prefix(town.beta, DEEPER, by=town.acme)
    town.accept(grant)
    return town.withdraw(grant, by=town.beta)


@refused(NotFound, "/body/grant")
def grant_withdraw__unknown(town: Town) -> Signed:
    """A grant that was never issued."""
    return town.withdraw(town.prefix(town.beta, DEEPER))


@refused(WrongState, "/body/grant")
def grant_withdraw__twice(town: Town) -> Signed:
    """A grant is withdrawn once."""
    grant = town.prefix(town.beta, "gtin:04012345")
    town.accept(grant)
    town.accept(town.withdraw(grant))
    return town.withdraw(grant)
