"""Paths: from one pinned root to whoever answers, and every lie on the way.

Most lies stand in specs/vectors/resolution/paths.json (tests/generated/paths.py); here is what a
vector cannot say: ages, every mutation, and that both sides decide alike.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from identity.errors import InvalidAnswer, QuorumMissing, StaleAnswer, TetradError
from identity.members import format_time
from registry.nodes import node_of
from registry.state import Key
from resolver.path import VerifiedPath, verify_path
from resolver.referral import delegation, verify_referral, verify_unregistered
from resolver.verifier import VerifiedAnswer
from tests.factory import NOW
from tests.resolver.answering import pinned
from tests.resolver.federating import Authoritative, Tree, code, path
from tests.witnesses import cosigner

TREE = Tree()
METER = code("M-1")
DID: Key = ("did", TREE.meter.did)
BY_CODE, BY_DID = path(METER, TREE.ledgers), path(DID, TREE.ledgers)
NOBODY = path(code("X"), TREE.ledgers)
ABOUT = [(METER, BY_CODE), (DID, BY_DID), (code("X"), NOBODY)]


def check(answer: Any, key: Key = METER, now: int = NOW, **options: Any) -> VerifiedPath:
    """As whoever pinned the root."""
    return verify_path(answer, TREE.trust, key, now, **options)


def test_a_code_is_found_by_way_of_three_ledgers() -> None:
    found = check(BY_CODE, max_age=60)
    assert isinstance(found.outcome, VerifiedAnswer)
    assert found.outcome.did == TREE.meter.did
    assert [hop.trust.origin for hop in found.hops] == ["root.test", "nation.test", "acme.test"]
    grants = [hop.referral.grant for hop in found.hops if hop.referral]
    assert grants == [TREE.to_nation, TREE.to_acme]
    assert (found.responsible.ledger, found.asserted) == (TREE.acme.hash, "")
    assert (found.age.seconds, found.age.by, found.until) == (0, "log", None)


def test_a_did_is_found_by_the_labels_of_the_ledgers_on_the_way() -> None:
    found = check(BY_DID, DID)
    assert isinstance(found.outcome, VerifiedAnswer)
    assert found.outcome.did == TREE.meter.did
    assert "resolve the code" in found.asserted


def test_that_there_is_none_is_proved_by_whoever_would_know() -> None:
    found = check(NOBODY, code("X"))
    assert not isinstance(found.outcome, VerifiedAnswer)
    assert found.responsible.origin == "acme.test"


@pytest.mark.parametrize("longer", [False, True])
def test_a_did_does_not_show_that_its_code_leads_there(longer: bool) -> None:
    """The root has the code itself, or gave a longer prefix to another."""

    def happens(tree: Tree) -> None:
        tree.root.give(tree.holder, "gtin:095060001343")
        if not longer:
            tree.root.city.device("M-1", tree.holder)

    tree = Tree(happens=happens)
    key: Key = ("did", tree.meter.did)
    found = verify_path(path(key, tree.ledgers), tree.trust, key, NOW)
    assert "resolve the code" in found.asserted
    with pytest.raises(InvalidAnswer):
        verify_path(path(METER, tree.ledgers), tree.trust, METER, NOW)


def test_a_device_under_a_prefix_that_its_ledger_was_not_given_is_said_to_be() -> None:
    """A ledger may write what it likes about itself: its DIDs lead there, the code does not."""

    def happens(tree: Tree) -> None:
        tree.nation.withdraw(tree.to_acme)
        tree.nation.delegate(tree.company, "gtin:09506001", tree.acme)

    tree = Tree(happens=happens)
    key: Key = ("did", tree.meter.did)
    found = verify_path(path(key, tree.ledgers), tree.trust, key, NOW)
    assert "resolve the code" in found.asserted
    with pytest.raises(InvalidAnswer):
        verify_path(path(METER, tree.ledgers), tree.trust, METER, NOW)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_ledger_on_the_way_that_shows_an_old_tree_makes_the_answer_old(place: int) -> None:
    tree = Tree(NOW)
    for one in tree.ledgers:
        one.city.now += 1_000
        if one is not tree.ledgers[place]:
            one.publish()
    answer = path(METER, tree.ledgers)
    found = verify_path(answer, tree.trust, METER, NOW + 1_000)
    assert (found.age.seconds, found.hops[place].age.seconds) == (1_000, 1_000)
    verify_path(answer, tree.trust, METER, NOW + 1_000, max_age=1_000)
    with pytest.raises(StaleAnswer) as refused:
        verify_path(answer, tree.trust, METER, NOW + 1_000, max_age=999)
    assert tree.ledgers[place].city.origin in refused.value.detail


def test_an_undated_checkpoint_on_the_way_makes_the_age_unknown() -> None:
    tree = Tree()
    tree.nation.publish(dated=False)
    answer = path(METER, tree.ledgers)
    assert verify_path(answer, tree.trust, METER, NOW).age.seconds is None
    with pytest.raises(StaleAnswer):
        verify_path(answer, tree.trust, METER, NOW, max_age=60)


def test_the_root_needs_the_quorum_of_the_policy() -> None:
    policy = f"witness w1 {cosigner('w1').key}\nquorum w1\n"
    with pytest.raises(QuorumMissing):
        verify_path(BY_CODE, TREE.trust.asking(policy), METER, NOW)


def test_a_grant_ends_the_path_when_it_does() -> None:
    until = format_time(NOW + 60)

    def happens(tree: Tree) -> None:
        tree.root.withdraw(tree.to_nation)
        tree.root.delegate(tree.holder, "gtin:09506", tree.nation, notAfter=until)

    tree = Tree(happens=happens)
    answer = path(METER, tree.ledgers)
    assert verify_path(answer, tree.trust, METER, NOW + 60).until == until
    with pytest.raises(InvalidAnswer):
        verify_path(answer, tree.trust, METER, NOW + 61)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every member and element."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in pairs:
        yield (*at, name)
        if isinstance(one, dict | list):
            yield from places(one, (*at, name))


PLACES = {id(answer): list(places(answer)) for _, answer in ABOUT}
VALUES = st.none() | st.booleans() | st.integers(-2, 2**62) | st.text(max_size=3)


@st.composite
def mutations(draw: st.DrawFn) -> tuple[Key, Any, Any]:
    """A question, the honest answer, and that answer with one thing changed."""
    key, honest = draw(st.sampled_from(ABOUT))
    changed = copy.deepcopy(honest)
    *way, last = draw(st.sampled_from(PLACES[id(honest)]))
    inner = changed
    for step in way:
        inner = inner[step]
    how = draw(st.sampled_from(["drop", "replace", "twist", "double"]))
    before = inner[last]
    if how == "drop":
        del inner[last]
    elif how == "twist" and isinstance(before, str) and before:
        at = draw(st.integers(0, len(before) - 1))
        letter = "B" if before[at] == "A" else "A"
        inner[last] = before[:at] + letter + before[at + 1 :]
    elif how == "double" and isinstance(inner, list):
        inner.insert(last, copy.deepcopy(before))
    else:
        inner[last] = draw(VALUES | st.lists(VALUES, max_size=2) | st.just({}))
    return key, honest, changed


def outcome(found: VerifiedPath) -> Any:
    """What somebody would act upon."""
    proved = found.outcome
    device = proved.device if isinstance(proved, VerifiedAnswer) else None
    return device, [(hop.trust.ledger, hop.referral and hop.referral.node) for hop in found.hops]


@given(mutations())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
def test_whatever_is_changed_on_the_way_is_refused_or_changes_nothing(
    made: tuple[Key, Any, Any],
) -> None:
    """What may be changed: signatures beyond the one that is needed, and what nobody reads."""
    key, honest, changed = made
    try:
        found = check(changed, key)
    except TetradError:
        return
    assert outcome(found) == outcome(check(honest, key))


JSON = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["path", "ledger", "updates", "referral", "genesis", "proof", "grant",
                         "node", "records", "key", "record", "bucket", "checkpoint", "state"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
@example([{"ledger": TREE.root.hash, "updates": [None]}])
@example([{"ledger": TREE.root.hash, "updates": []}])
def test_what_is_no_path_is_refused_by_an_error_of_ours(made: Any) -> None:
    with pytest.raises(TetradError):
        check({**BY_CODE, "path": made})
    if isinstance(made, dict):
        with pytest.raises(TetradError):
            check(made)
    with pytest.raises(TetradError):
        verify_referral(made, pinned(TREE.root.city), METER, NOW)
    with pytest.raises(TetradError):
        verify_unregistered(made, pinned(TREE.root.city), METER, NOW)


PREFIXES = ["gtin:09506", "gtin:0950600", "gtin:09506000", "gtin:0950600013435"]
FATES = st.sampled_from(["none", "plain", "node", "withdrawn", "over", "revoked", "suspended"])


@given(st.tuples(*(FATES for _ in PREFIXES)), st.booleans())
@settings(max_examples=30)
def test_a_verifier_decides_as_the_registry_does(fates: tuple[str, ...], exact: bool) -> None:
    """Whatever became of the prefixes on the way to a code: the proof leads where the rules do."""
    one = Authoritative("root.test")
    city = one.city
    if exact:
        city.device("M-1", city.authority)
    for prefix, fate in zip(PREFIXES, fates, strict=True):
        if fate == "none":
            continue
        holder = one.company(f"of {prefix}")
        node = {**TREE.nation.city.node, "urls": [f"https://{prefix[5:]}.test"]}
        members = {"notAfter": format_time(NOW + 60)} if fate == "over" else {}
        grant = one.give(holder, prefix, **members, **({} if fate == "plain" else {"node": node}))
        if fate == "withdrawn":
            one.withdraw(grant)
        elif fate == "revoked":
            one.revoke(holder)
        elif fate == "suspended":
            city.accept(city.supervise(holder, "status.suspend", "a doubt", city.authority))
    city.now = NOW + 61
    one.publish()
    decided = delegation(city.ledger.state, METER, city.now)
    live = [prefix for prefix, fate in zip(PREFIXES, fates, strict=True)
            if fate in ("plain", "node", "suspended")]  # fmt: skip
    named = bool(live) and fates[PREFIXES.index(live[-1])] != "plain"
    assert (decided is not None) == named
    shown = one.answering.referral(METER)
    if exact:
        with pytest.raises(InvalidAnswer):
            verify_unregistered(shown["proof"], pinned(city), METER, city.now)
    elif decided is None:
        verify_unregistered(shown["proof"], pinned(city), METER, city.now)
    else:
        found = verify_referral(shown, pinned(city), METER, city.now)
        assert found.node.model_dump() == node_of(decided)
        assert f"gtin:{found.prefix.prefix}" == live[-1]
