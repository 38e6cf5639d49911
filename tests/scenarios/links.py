"""Scenarios of links: who says where a code leads to, and what can be said."""

from __future__ import annotations

from typing import Any

from identity.errors import (
    MalformedCode,
    NotFound,
    PolicyViolated,
    RightMissing,
    SignerMissing,
    SignerUnexpected,
    UnknownScheme,
    WrongSequence,
    WrongState,
)
from tests.factory import Signed, Subject
from tests.scenarios import DAY, Town, accepted, refused

CLASS = {"scheme": "gtin", "value": "09506000134352"}
ITEM = {"scheme": "gs1", "value": "https://id.gs1.org/01/09506000134352/21/M-1"}
PAGE = {"relation": "gs1:pip", "href": "https://acme.example/m1", "title": "Meter M1"}


def links(town: Town, by: Subject | None = None, **changes: Any) -> Signed:
    """The links of Acme's class of products, not yet submitted."""
    return town.follow(by or town.acme, "links.set", {"anchor": CLASS, "links": [PAGE], **changes})


def code_of(device: Subject) -> Any:
    """The code that a device bears."""
    assert device.first is not None
    return device.first.operation["body"]["code"]


@accepted
def links_set__of_a_class(town: Town) -> Signed:
    """The holder of the prefix says where a product leads to."""
    full = {"type": "text/html", "hreflang": ["en", "zh-Hant"], "context": ["CN"], "default": True}
    return links(town, description="Water meter M1", links=[{**PAGE, **full}, PAGE])


@accepted
def links_set__of_an_item_that_no_device_bears(town: Town) -> Signed:
    """An item leads somewhere whether or not it is a device."""
    return links(town, anchor=ITEM)


@accepted
def links_set__anew(town: Town) -> Signed:
    """Links take the place of those before."""
    town.accept(links(town))
    return links(town, links=[{**PAGE, "href": "https://acme.example/new"}])


@accepted
def links_set__to_none(town: Town) -> Signed:
    """An empty list removes them."""
    town.accept(links(town))
    return links(town, links=[])


@accepted
def links_set__by_the_authority(town: Town) -> Signed:
    """The authority answers for every code."""
    return links(town, town.authority)


@accepted
def links_set__by_the_holder_of_the_longest_prefix(town: Town) -> Signed:
    """Whoever holds a part of a prefix answers for it."""
    town.accept(town.prefix(town.beta, "gtin:0950600013435", by=town.acme))
    return links(town, town.beta)


@accepted
def links_set__after_a_grant_was_withdrawn(town: Town) -> Signed:
    """What somebody set who lost the prefix is replaced by who answers for the code now."""
    grant = town.prefix(town.beta, "gtin:0950600013435", by=town.acme)
    town.accept(grant)
    town.accept(links(town, town.beta))
    town.accept(town.withdraw(grant, by=town.acme))
    return links(town)


@accepted
def links_set__of_a_revoked_device(town: Town) -> Signed:
    """A code outlives its device, and so does where it leads to."""
    meter = town.meter()
    town.revoke(meter)
    return links(town, anchor=code_of(meter))


@refused(RightMissing, "/body/anchor")
def links_set__by_a_stranger(town: Town) -> Signed:
    """Nobody sends the buyers of another's products anywhere."""
    return links(town, town.beta)


@refused(RightMissing, "/body/anchor")
def links_set__by_the_holder_of_a_wider_prefix(town: Town) -> Signed:
    """Who gave a part of its prefix away no longer answers for it."""
    town.accept(town.prefix(town.beta, "gtin:0950600013435", by=town.acme))
    return links(town)


@refused(RightMissing, "/body/anchor")
def links_set__by_the_controller_of_the_device(town: Town) -> Signed:
    """Who operates a device does not answer for its code."""
    return links(town, town.beta, anchor=code_of(town.betas()))


@refused(RightMissing, "/body/anchor")
def links_set__after_the_prefix_expired(town: Town) -> Signed:
    """A right that has ended says nothing any more."""
    scope = {"scheme": "gtin", "prefix": "0950600013435"}
    town.accept(town.grant(town.acme, "prefix", town.beta, scope, notAfter=town.in_a_day()))
    town.now += DAY + 1
    return links(town, town.beta)


@refused(RightMissing, "/body/anchor")
def links_set__under_no_prefix(town: Town) -> Signed:
    """A code that nobody was granted is the authority's."""
    return links(town, anchor={"scheme": "oid", "value": "urn:oid:1.2.156.3001.501"})


@refused(MalformedCode, "/body/anchor/value")
def links_set__of_a_code_that_is_not_canonical(town: Town) -> Signed:
    """One code, one record."""
    return links(town, anchor={"scheme": "gtin", "value": "9506000134352"})


@refused(PolicyViolated, "/body/anchor/scheme")
def links_set__of_a_code_that_is_committed(town: Town) -> Signed:
    """A code that reveals a person stands nowhere in clear."""
    return links(town, anchor={"scheme": "vin", "value": "1HGCM82633A004352"})


@refused(PolicyViolated, "/body/anchor/scheme")
def links_set__of_a_number(town: Town) -> Signed:
    """A number is no code."""
    return links(town, anchor={"scheme": "imei", "value": "490154203237518"})


@refused(UnknownScheme, "/body/anchor/scheme")
def links_set__of_no_scheme(town: Town) -> Signed:
    """A scheme that nobody knows."""
    return links(town, anchor={"scheme": "ean", "value": "09506000134352"})


@refused(WrongState, "/subject")
def links_set__of_a_device_as_its_subject(town: Town) -> Signed:
    """The subject is the organization that sets them."""
    meter = town.meter()
    body = {"anchor": CLASS, "links": [PAGE]}
    return town.follow(meter, "links.set", body, by=[town.acme])


@refused(NotFound, "/subject")
def links_set__by_nobody(town: Town) -> Signed:
    """The subject is a party of this ledger."""
    nobody = town.new_organization("Nobody")
    return links(town, nobody)


@refused(WrongSequence, "/sequence")
def links_set__out_of_order(town: Town) -> Signed:
    """What was signed before something else is not set after it."""
    early = links(town)
    town.accept(links(town, links=[]))
    return early


@refused(SignerMissing, "/proof")
def links_set__signed_by_another(town: Town) -> Signed:
    """Whoever sets them signs."""
    body = {"anchor": CLASS, "links": [PAGE]}
    return town.follow(town.acme, "links.set", body, by=[town.beta])


@refused(SignerUnexpected, "/proof")
def links_set__signed_by_one_more(town: Town) -> Signed:
    """And nobody else."""
    body = {"anchor": CLASS, "links": [PAGE]}
    return town.follow(town.acme, "links.set", body, by=[town.acme, town.beta])


@refused(WrongState, "/proof/0/verificationMethod")
def links_set__by_a_suspended_holder(town: Town) -> Signed:
    """A suspended organization says nothing."""
    town.suspend(town.acme)
    return links(town)
