"""The recursive resolver over three nodes: what it answers, for how long, and when it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from resolver.path import verify_path
from resolver.trust import Trust
from tests.resolver.recursion.forest import ACME, BASE, NATION, ROOT, Forest
from tests.resolver.town import problem


@pytest.fixture
def forest() -> Iterator[Forest]:
    """A tree that the test may change."""
    with Forest() as forest:
        yield forest


def verified(forest: Forest, answer: Any, key: tuple[str, ...]) -> Any:
    """What a client that pinned the root alone makes of it."""
    trust = Trust.begin(forest.root.genesis.operation)
    return verify_path(answer, trust, key, forest.root.now, max_age=600)


def code(name: str) -> tuple[str, ...]:
    return "code", "gs1", BASE + name


def test_a_code_is_found_three_ledgers_down(forest: Forest) -> None:
    answer = forest.resolve("M-1", proof="1").json()
    found = verified(forest, answer, code("M-1"))
    assert found.outcome.did == forest.meter.did
    assert [hop.trust.origin for hop in found.hops] == [ROOT, NATION, ACME]
    assert answer["served"]["stale"] is False
    assert answer["served"]["origin"] == ACME
    plain = forest.resolve("M-1").json()
    assert set(plain) == {"device", "readAs", "served"}
    assert plain["device"] == answer["device"]


def test_a_did_is_found_by_its_label_though_the_root_does_not_name_its_ledger(
    forest: Forest,
) -> None:
    did = forest.meter.did
    answer = forest.get(f"/v1/devices/{did}", params={"proof": "1"}).json()
    assert verified(forest, answer, ("did", did)).outcome.did == did


def test_what_nobody_has_is_proved_and_kept_apart(forest: Forest) -> None:
    said = problem(forest.resolve("M-9", proof="1"))
    assert (said["code"], said["served"]["origin"]) == ("not_found", ACME)
    verified(forest, said, code("M-9"))
    asked = forest.asked[ACME]
    assert problem(forest.resolve("M-9"))["code"] == "not_found"
    assert forest.asked[ACME] == asked
    forest.acme.device("M-9", forest.maker)
    assert forest.resolve("M-9").status_code == 404
    assert forest.resolve("M-9", fresh="1").status_code == 200


def test_a_tombstone_comes_with_its_answer(forest: Forest) -> None:
    forest.acme.accept(
        forest.acme.follow(forest.meter, "status.retire", {"reason": "worn out"}, by=[forest.maker])
    )
    said = problem(forest.resolve("M-1", proof="1"))
    assert (said["status"], said["code"]) == (410, "gone")
    assert verified(forest, said["answer"], code("M-1")).outcome.status == "retired"


def test_the_root_itself_comes_first(forest: Forest) -> None:
    holder = forest.root.organization("Holder")
    forest.root.accept(forest.root.prefix(holder, "gtin:0950600", by=forest.root.authority))
    device = forest.root.device("M-1", holder)
    found = verified(forest, forest.resolve("M-1", proof="1").json(), code("M-1"))
    assert found.outcome.did == device.did
    assert len(found.hops) == 1


def test_an_answer_is_kept_until_its_proof_is_old(forest: Forest) -> None:
    first = forest.resolve("M-1").json()
    asked = sum(forest.asked.values())
    forest.later(60)
    assert forest.resolve("M-1").json() == first
    assert sum(forest.asked.values()) == asked
    forest.later(300)
    assert forest.resolve("M-1").json()["served"]["time"] > first["served"]["time"]
    assert sum(forest.asked.values()) > asked


def test_a_node_that_is_down_leaves_an_old_answer_which_says_so(forest: Forest) -> None:
    first = forest.resolve("M-1", proof="1").json()
    forest.down.add(ACME)
    forest.later(400)
    again = forest.resolve("M-1", proof="1")
    assert again.status_code == 200
    served = again.json()["served"]
    assert (served["stale"], served["reason"]) == (True, "node.unreachable")
    assert again.json()["device"] == first["device"]
    assert "fwd=stale" in again.headers["cache-status"]
    forest.later(3_600)
    assert problem(forest.resolve("M-1"))["code"] == "node.unreachable"
    forest.down.clear()
    forest.later(1)
    assert forest.resolve("M-1").json()["served"]["stale"] is False


def test_a_node_that_shows_nothing_recent_counts_as_one_that_is_down(forest: Forest) -> None:
    forest.resolve("M-1")
    forest.root.now += 700
    said = problem(forest.resolve("M-2"))
    assert (said["code"], said["reason"]) == ("node.refused", "evidence.stale")
    assert forest.resolve("M-1").json()["served"]["stale"] is True


def test_a_failure_is_never_kept(forest: Forest) -> None:
    forest.down.add(NATION)
    said = problem(forest.resolve("M-1"))
    assert (said["status"], said["code"], said["node"]) == (504, "node.unreachable", NATION)
    forest.down.clear()
    assert forest.resolve("M-1").status_code == 200


def test_a_host_that_may_not_be_asked_is_told(forest: Forest) -> None:
    forest.refused.add(ACME)
    said = problem(forest.resolve("M-1"))
    assert (said["status"], said["code"], said["node"]) == (502, "node.host", ACME)


def test_numbers_and_private_codes_stay_where_they_are(forest: Forest) -> None:
    said = problem(forest.get("/v1/resolve", params={"code": "1HGCM82633A004352"}))
    assert said["code"] == "code.malformed"
    assert not forest.asked


def test_a_grant_that_is_withdrawn_leads_nowhere(forest: Forest) -> None:
    assert forest.resolve("M-1").status_code == 200
    body = {"grant": forest.to_acme.hash, "reason": "over"}
    forest.nation.accept(forest.nation.follow(forest.nation.authority, "grant.withdraw", body))
    said = problem(forest.resolve("M-1", fresh="1", proof="1"))
    assert (said["code"], said["served"]["origin"]) == ("not_found", NATION)
    verified(forest, said, code("M-1"))


def test_a_corrected_code_leads_to_its_device_by_either(forest: Forest) -> None:
    right = {"scheme": "gs1", "value": BASE + "M-01"}
    body = {"code": right, "reason": "the label says so"}
    forest.acme.accept(forest.acme.follow(forest.meter, "code.correct", body, by=[forest.maker]))
    for name in ("M-1", "M-01"):
        answer = forest.resolve(name, proof="1").json()
        assert verified(forest, answer, code(name)).outcome.did == forest.meter.did
