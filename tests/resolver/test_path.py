"""Paths: from one pinned root to whoever answers, and every lie on the way."""

from __future__ import annotations

import pytest

from resolver.path import verify_path
from resolver.verifier import VerifiedAnswer
from tests.factory import NOW
from tests.resolver.federating import Tree, code, path


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree()


def test_a_code_is_found_by_way_of_three_ledgers(tree: Tree) -> None:
    found = verify_path(path(code("M-1"), tree.ledgers), tree.trust, code("M-1"), NOW, max_age=60)
    assert isinstance(found.outcome, VerifiedAnswer)
    assert found.outcome.did == tree.meter.did
    assert [hop.trust.origin for hop in found.hops] == ["root.test", "nation.test", "acme.test"]
    assert [hop.referral.grant for hop in found.hops if hop.referral] == [
        tree.to_nation,
        tree.to_acme,
    ]
    assert (found.responsible.ledger, found.asserted) == (tree.acme.city.ledger_hash, "")


def test_a_did_is_found_by_the_labels_of_the_ledgers_on_the_way(tree: Tree) -> None:
    key = ("did", tree.meter.did)
    found = verify_path(path(key, tree.ledgers), tree.trust, key, NOW)
    assert isinstance(found.outcome, VerifiedAnswer)
    assert (found.outcome.did, found.asserted) == (tree.meter.did, "")


def test_that_there_is_none_is_proved_by_whoever_would_know(tree: Tree) -> None:
    found = verify_path(path(code("NOBODY"), tree.ledgers), tree.trust, code("NOBODY"), NOW)
    assert not isinstance(found.outcome, VerifiedAnswer)
    assert found.responsible.origin == "acme.test"
