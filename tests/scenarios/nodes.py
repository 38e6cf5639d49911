"""Scenarios of nodes: grants that name the ledger of the prefix's holder."""

from __future__ import annotations

from typing import Any

from identity.errors import PolicyViolated, QuotaExceeded
from identity.multibase import decode_multihash, digest_multihash, multihash
from registry.nodes import MAX_NAMING
from tests.factory import Signed, Subject
from tests.scenarios import DAY, Town, accepted, accepted_in, permissioned, refused

LEDGER = multihash(b"another ledger")
NODE = {"ledger": LEDGER, "origin": "beta.example", "urls": ["https://beta.example"]}
FREE = "gtin:04012345"
ALIKE = digest_multihash(decode_multihash(LEDGER)[:10] + bytes(22))
"""A hash of no genesis, with the label of LEDGER: whoever has seen one DID of it can write it."""


def named(town: Town, prefix: str, to: Subject, by: Subject | None = None, **node: Any) -> Signed:
    """The grant of a prefix that names the node."""
    return town.prefix(to, prefix, by=by, node={**NODE, **node})


def roomy() -> Town:
    """A sandbox that gives away many prefixes."""
    return Town(prefixes=100)


def crowd(town: Town) -> None:
    """So many grants name the node that there is no room for more."""
    for number in range(MAX_NAMING):
        town.accept(named(town, f"{FREE}{number:03}", town.beta))


@accepted
def grant_issue__node(town: Town) -> Signed:
    """A grant that names the holder's node is listed under the label of its ledger."""
    return named(town, FREE, town.beta)


@accepted
def grant_issue__node_named_again(town: Town) -> Signed:
    """Another prefix of the same node."""
    town.accept(named(town, FREE, town.beta))
    return named(town, "gtin:04012346", town.beta, urls=["https://other.example"])


@accepted
def grant_issue__node_by_the_authority(town: Town) -> Signed:
    """The grants of the authority stand first."""
    town.accept(named(town, FREE, town.beta))
    return named(town, "gtin:04012346", town.acme, by=town.authority)


@accepted_in(permissioned)
def grant_issue__node_below_anothers(town: Town) -> Signed:
    """The holder of a prefix names a node for what lies below it."""
    town.accept(named(town, "gtin:04012345", town.acme, by=town.authority))
    return named(town, "gtin:095060001", town.beta, by=town.acme, ledger=multihash(b"third"))


@accepted
def grant_issue__node_of_a_grant_that_is_over(town: Town) -> Signed:
    """What is over drops out of the list."""
    town.accept(town.prefix(town.beta, FREE, node=NODE, notAfter=town.in_a_day()))
    town.now += DAY + 1
    return named(town, "gtin:04012346", town.beta)


@refused(PolicyViolated, "/body/scope/node/ledger")
def grant_issue__node_is_this_ledger(town: Town) -> Signed:
    """A ledger does not refer to itself."""
    return named(town, FREE, town.beta, ledger=town.ledger_hash)


@refused(PolicyViolated, "/body/scope/node/ledger")
def grant_issue__node_of_no_ledger(town: Town) -> Signed:
    """A ledger is named by a hash of SHA-256."""
    return named(town, FREE, town.beta, ledger="zQm" + "z" * 44)


@refused(PolicyViolated, "/body/scope/node/ledger")
def grant_issue__node_with_the_label_of_another(town: Town) -> Signed:
    """A label is one ledger's: nobody takes it by a hash that begins alike."""
    town.accept(named(town, FREE, town.beta))
    return named(town, "gtin:04012346", town.acme, ledger=ALIKE)


@accepted
def grant_issue__node_whose_label_was_squatted(town: Town) -> Signed:
    """A made-up hash with a ledger's label does not keep out what the authority names."""
    town.accept(named(town, FREE, town.beta, ledger=ALIKE))
    return named(town, "gtin:04012346", town.acme, by=town.authority)


@refused(PolicyViolated, "/body/scope/node/ledger")
def grant_issue__node_with_a_label_that_the_authority_gave(town: Town) -> Signed:
    """What the authority has named stays named, whoever comes; it takes its own back first."""
    town.accept(named(town, FREE, town.beta, by=town.authority))
    return named(town, "gtin:04012346", town.acme, by=town.authority, ledger=ALIKE)


@refused(PolicyViolated, "/body/scope/node/ledger")
def grant_issue__node_squats_beside_the_authoritys(town: Town) -> Signed:
    """Nor does anybody take it from there."""
    town.accept(named(town, FREE, town.beta, ledger=ALIKE))
    town.accept(named(town, "gtin:04012346", town.acme, by=town.authority))
    return named(town, "gtin:04012347", town.beta, ledger=ALIKE)


@accepted
def grant_issue__node_with_a_label_that_is_free_again(town: Town) -> Signed:
    """A label goes with the last grant that names its ledger."""
    grant = named(town, FREE, town.beta, ledger=ALIKE)
    town.accept(grant)
    town.accept(town.withdraw(grant))
    return named(town, "gtin:04012346", town.beta)


@accepted
def grant_withdraw__node_that_squatted(town: Town) -> Signed:
    """The grant that lost the label changes the prefix alone as it is withdrawn."""
    grant = named(town, FREE, town.beta, ledger=ALIKE)
    town.accept(grant)
    town.accept(named(town, "gtin:04012346", town.acme, by=town.authority))
    return town.withdraw(grant)


@refused(PolicyViolated, "/body/scope/node/ledger")
def grant_issue__node_with_this_ledgers_label(town: Town) -> Signed:
    """Nor that of the ledger itself."""
    alike = decode_multihash(town.ledger_hash)[:10] + bytes(22)
    return named(town, FREE, town.beta, ledger=digest_multihash(alike))


@refused(QuotaExceeded, "/body/scope/node", world=roomy)
def grant_issue__node_too_many(town: Town) -> Signed:
    """So many grants name one node, and no more."""
    crowd(town)
    return named(town, "gtin:04012346", town.acme)


@accepted_in(roomy)
def grant_issue__node_crowded_by_others(town: Town) -> Signed:
    """Whoever crowds a node's list does not keep the authority out: its grant takes the place of
    the last."""
    crowd(town)
    return named(town, "gtin:04012346", town.acme, by=town.authority)


@accepted
def grant_withdraw__node(town: Town) -> Signed:
    """A grant that is withdrawn is no longer listed."""
    grant = named(town, FREE, town.beta)
    town.accept(grant)
    town.accept(named(town, "gtin:04012346", town.beta))
    return town.withdraw(grant)


@accepted_in(roomy)
def grant_withdraw__node_that_is_not_listed(town: Town) -> Signed:
    """Of a grant whose place another took, the withdrawal changes the prefix alone."""
    crowd(town)
    town.accept(named(town, "gtin:04012346", town.acme, by=town.authority))
    body = {"grant": named_last(town), "reason": "over"}
    return town.follow(town.authority, "grant.withdraw", body)


def named_last(town: Town) -> str:
    """The grant that was given last of the crowd, which the authority's pushed out."""
    segments = ("prefix", "gtin", *f"4012345{MAX_NAMING - 1:03}")
    record: Any = town.ledger.state.get(segments)
    found: str = record["grant"]
    return found
