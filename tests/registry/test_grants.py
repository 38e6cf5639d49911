"""Grants over time: the tree of prefixes, its counts, and who holds what after changes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from identity.errors import QuotaExceeded, SignerMissing, TetradError
from registry import grants
from registry.granting import MAX_HELD
from registry.ledger import Accepted
from registry.merkle import leaf_hash
from registry.state import PrefixRecord
from resolver.schemes import SCHEMES
from tests.factory import Signed, Subject
from tests.scenarios import DAY, Town, permissioned


def node(town: Town, prefix: str) -> PrefixRecord:
    found = grants.prefix_at(town.ledger.state, SCHEMES.prefix_segments("gtin", prefix))
    assert found is not None
    return found


def below(town: Town, prefix: str) -> int:
    return node(town, prefix)["below"]


def holder(town: Town, code: str) -> str | None:
    segments = SCHEMES.segments("gtin", code)
    return grants.prefix_holder(town.ledger.state, segments, town.now)


def refusal(town: Town, signed: Signed) -> TetradError:
    (outcome,) = town.submit(signed)
    assert isinstance(outcome, TetradError)
    return outcome


@pytest.fixture
def town() -> Town:
    return Town()


def take(town: Town, to: Subject, prefix: str, **options: Any) -> Signed:
    grant = town.prefix(to, f"gtin:{prefix}", **options)
    town.accept(grant)
    return grant


def test_nodes_count_the_grants_below_them(town: Town) -> None:
    assert below(town, "09506") == 1
    one = take(town, town.beta, "095060001", by=town.acme)
    two = take(town, town.beta, "095060002", by=town.acme)
    assert (below(town, "09506"), below(town, "09506000")) == (3, 2)
    town.accept(town.withdraw(one, by=town.acme))
    assert (below(town, "09506"), below(town, "09506000")) == (2, 1)
    town.accept(town.withdraw(two))
    assert (below(town, "09506"), below(town, "09506000")) == (1, 0)


def test_a_prefix_that_expired_is_counted_once_with_its_successor(town: Town) -> None:
    scope = {"scheme": "gtin", "prefix": "04012345"}
    first = town.grant(town.beta, "prefix", town.beta, scope, notAfter=town.in_a_day())
    town.accept(first)
    town.now += DAY + 1
    second = take(town, town.acme, "04012345")
    assert below(town, "04012") == 1
    town.accept(town.withdraw(first))  # it is over, and its place another's
    assert node(town, "04012345").get("grant") == second.hash
    assert below(town, "04012") == 1
    town.accept(town.withdraw(second))
    assert below(town, "04012") == 0


def test_a_code_belongs_to_the_longest_prefix(town: Town) -> None:
    code = "09506000134352"
    assert holder(town, code) == town.acme.did
    grant = take(town, town.beta, "095060001", by=town.acme)
    assert holder(town, code) == town.beta.did
    town.accept(town.withdraw(grant))
    assert holder(town, code) == town.acme.did


def test_a_prefix_is_of_segments_and_never_of_characters() -> None:
    town = Town()
    town.accept(town.prefix(town.acme, "idis:88.118.1"))
    state, now = town.ledger.state, town.now
    for code, expected in (
        ("88.118.1/meter", town.acme.did),
        ("88.118.1.7/meter", town.acme.did),
        ("88.118.10/meter", None),
        ("88.118.11.1/meter", None),
    ):
        assert grants.prefix_holder(state, SCHEMES.segments("idis", code), now) == expected, code


def test_the_indicator_digit_is_no_part_of_a_company_prefix(town: Town) -> None:
    assert holder(town, "19506000134359") == town.acme.did


def test_expiry_is_asked_for_and_never_stored(town: Town) -> None:
    ends = town.in_a_day()
    scope = {"scheme": "gtin", "prefix": "04012345"}
    town.accept(town.grant(town.beta, "prefix", town.beta, scope, notAfter=ends))
    code = "04012345000009"
    assert holder(town, code) == town.beta.did
    town.now += DAY
    assert holder(town, code) == town.beta.did  # to the last second
    town.now += 1
    assert holder(town, code) is None


def test_what_was_granted_outlives_a_withdrawal_above_it(town: Town) -> None:
    above = take(town, town.beta, "04012345")
    take(town, town.acme, "040123456", by=town.beta)
    town.accept(town.withdraw(above))
    assert holder(town, "04012345600001") == town.acme.did


def test_a_withdrawn_prefix_can_be_granted_again(town: Town) -> None:
    grant = take(town, town.beta, "04012345")
    town.accept(town.withdraw(grant))
    again = take(town, town.acme, "04012345")
    assert again.hash != grant.hash
    assert holder(town, "04012345000009") == town.acme.did


def test_grants_leave_their_receivers_record_alone() -> None:
    """Nobody makes another's record grow by giving it rights that it never asked for."""
    town = permissioned()
    before = town.ledger.state.get(("did", town.beta.did))
    town.accept(town.prefix(town.beta, "gtin:04012345", by=town.authority))
    town.accept(town.grant(town.authority, "admit", town.beta, {}))
    town.accept(town.grant(town.acme, "make", town.beta, {"maker": town.acme.did}))
    assert town.ledger.state.get(("did", town.beta.did)) == before


def test_a_maker_gives_its_name_so_often_and_no_oftener(town: Town) -> None:
    scope = {"maker": town.acme.did, "models": ["M9"]}
    made = []
    for _ in range(MAX_HELD):
        grant = town.grant(town.acme, "make", town.beta, scope)
        town.accept(grant)
        made.append(grant)
    error = refusal(town, town.grant(town.acme, "make", town.beta, scope))
    assert isinstance(error, QuotaExceeded)
    other = town.grant(town.authority, "make", town.acme, {"maker": town.beta.did})
    town.accept(other)  # another holder, another name
    town.accept(town.withdraw(made[0], by=town.acme))
    town.accept(town.grant(town.acme, "make", town.beta, scope))


def test_grants_that_expired_make_room(town: Town) -> None:
    scope = {"maker": town.acme.did}
    for _ in range(MAX_HELD):
        grant = town.grant(town.acme, "make", town.beta, scope, notAfter=town.in_a_day())
        town.accept(grant)
    town.now += DAY + 1
    town.accept(town.grant(town.acme, "make", town.beta, scope))


def test_one_of_several_grants_of_a_name_is_enough(town: Town) -> None:
    for model in ("M0", "M1", "M2"):
        scope = {"maker": town.beta.did, "models": [model]}
        town.accept(town.grant(town.beta, "make", town.acme, scope))
    town.device("M-1", town.acme, maker=town.beta)


def test_a_revoked_holder_uses_no_name(town: Town) -> None:
    town.accept(town.grant(town.beta, "make", town.acme, {"maker": town.beta.did}))
    town.revoke(town.acme)
    now, did, maker = town.now, town.acme.did, town.beta.did
    assert not grants.may_make(town.ledger.state, did, maker, "M1", now)


def test_devices_nest_sixteen_deep(town: Town) -> None:
    parts = [town.device(f"M-{depth}", town.acme) for depth in range(18)]

    def into(part: Subject, whole: Subject) -> Signed:
        return town.follow(part, "device.update", {"parent": whole.did}, by=[town.acme])

    for whole, part in pairwise(parts[:17]):
        town.accept(into(part, whole))
    assert refusal(town, into(parts[17], parts[16])).pointer == "/body/parent"
    town.accept(into(parts[17], parts[15]))


def test_a_batch_sees_what_stands_before_it(town: Town) -> None:
    """A prefix, a sub-prefix, a device and its end in one batch, and one that comes too late."""
    grant = town.prefix(town.beta, "gtin:095060001", by=town.acme)
    gone = town.newcomer("M-1", town.acme)
    come = town.new_device("M-2", town.beta)
    assert come.first is not None
    ended = town.supervise(come, "status.revoke", "stolen", town.beta)
    outcomes = town.submit(grant, gone, come.first, ended)
    assert [type(outcome) for outcome in outcomes] == [Accepted, SignerMissing, Accepted, Accepted]
    entries = town.reader.entries(0, town.reader.head().size)
    assert town.reader.head().last_leaf == leaf_hash(entries[-1])
