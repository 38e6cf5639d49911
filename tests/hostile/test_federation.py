"""Hostile children: whatever a node of the tree does, the recursive resolver's answer is right,
refused with a reason, or an old one that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import InvalidAnswer
from resolver.client.flow import Request, Response
from tests.resolver.recursion.forest import ACME, NATION, ROOT, Forest
from tests.resolver.town import INLINE, Town, problem


@pytest.fixture
def forest() -> Iterator[Forest]:
    """A tree of which nothing was asked yet."""
    with Forest() as forest:
        yield forest


def lying(change: Callable[[Any], Any], path: str = "/v1/resolve") -> Callable[..., Response]:
    """Changes what a node answers at an address."""

    def lie(request: Request, response: Response) -> Response:
        if request.path != path:
            return response
        changed = change(orjson.loads(response.body))
        return replace(response, body=changed if type(changed) is bytes else orjson.dumps(changed))

    return lie


def refused(forest: Forest, node: str, name: str = "M-1") -> str:
    """The question is refused for what that node did; the reason."""
    said = problem(forest.resolve(name, proof="1"))
    assert (said["status"], said["code"], said["node"]) == (502, "node.refused", node), said
    return str(said["reason"])


def without_proof(answer: Any) -> Any:
    return {name: value for name, value in answer.items() if name != "proof"}


def test_a_device_under_a_prefix_that_is_not_the_childs_is_not_found(forest: Forest) -> None:
    acme = forest.acme
    acme.accept(acme.prefix(forest.maker, "gtin:04012345", by=acme.authority))
    value = "https://id.gs1.org/01/04012345123456/21/X"
    code = {"scheme": "gs1", "value": value}
    device = acme.device("X", forest.maker, code=code)
    said = problem(forest.get("/v1/resolve", params={"code": value, "proof": "1"}))
    assert (said["code"], said["served"]["origin"]) == ("not_found", ROOT)
    # Its DID is nobody else's, and leads to it; that it may bear the code is not claimed.
    assert forest.get(f"/v1/devices/{device.did}").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"<html>",
        b"\xff",
        b"{}",
        b'{"device":{}}',
        b"[" * 10_000,
        b'{"device":1,"device":2}',
        b'{"proof":{"checkpoint":7}}',
        b'{"device":{"did":"x"},"proof":{}}',
    ],
)
def test_garbage_is_refused(forest: Forest, body: bytes) -> None:
    forest.lies[ACME] = lying(lambda _: body)
    refused(forest, ACME)


@pytest.mark.parametrize("status", [201, 204, 300, 400, 401, 403, 404, 410, 418])
def test_a_status_that_makes_no_sense_is_refused(forest: Forest, status: int) -> None:
    forest.lies[NATION] = lambda _, response: replace(response, status=status, body=b"{}")
    refused(forest, NATION)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_node_that_is_busy_or_broken_counts_as_down(forest: Forest, status: int) -> None:
    forest.lies[NATION] = lambda _, response: replace(response, status=status, body=b"{}")
    assert problem(forest.resolve("M-1"))["code"] == "node.unreachable"


@pytest.mark.parametrize("node", [ROOT, NATION, ACME])
def test_what_is_not_proved_is_not_passed_on(forest: Forest, node: str) -> None:
    forest.lies[node] = lying(without_proof)
    refused(forest, node)


def test_a_child_cannot_deny_what_it_has(forest: Forest) -> None:
    absent = forest.acme.get(
        "/v1/resolve", params={"code": "(01)09506000134352(21)M-9", "proof": 1}
    )
    forest.lies[ACME] = lambda _, response: replace(response, status=404, body=absent.content)
    refused(forest, ACME)


def test_an_answer_about_another_device_is_refused(forest: Forest) -> None:
    forest.acme.device("M-2", forest.maker)
    other = forest.acme.get("/v1/resolve", params={"code": "(01)09506000134352(21)M-2", "proof": 1})
    forest.lies[ACME] = lying(lambda _: other.json())
    refused(forest, ACME)


def test_another_genesis_is_refused(forest: Forest) -> None:
    other = forest.nation.genesis.operation
    forest.lies[ACME] = lying(lambda shown: {**shown, "genesis": other}, "/.well-known/tetrad")
    refused(forest, ACME)
    forest.lies[ACME] = lying(lambda _: [], "/.well-known/tetrad")
    refused(forest, ACME)
    forest.lies.clear()
    assert forest.resolve("M-1").status_code == 200


def test_another_log_behind_the_right_genesis_is_refused(forest: Forest) -> None:
    genuine = forest.acme.get("/.well-known/tetrad").json()
    forest.towns[ACME] = forest.nation
    forest.lies[ACME] = lying(lambda _: genuine, "/.well-known/tetrad")
    refused(forest, ACME)


def test_a_fork_is_refused_and_the_rest_goes_on(forest: Forest) -> None:
    root = forest.root
    holder = root.organization("Holder")
    root.accept(root.prefix(holder, "gtin:04012345", by=root.authority))
    code = {"scheme": "gs1", "value": "https://id.gs1.org/01/04012345123456/21/X"}
    root.device("X", holder, code=code)
    assert forest.resolve("M-1").status_code == 200
    with Town(INLINE, origin=ACME) as twin:  # the same genesis, another history
        maker = twin.organization("Acme twice")
        twin.accept(twin.prefix(maker, "gtin:09506000", by=twin.authority))
        for number in range(4):
            twin.device(f"M-{number}", maker)
        forest.towns[ACME], genuine = twin, forest.acme
        assert refused(forest, ACME, "M-2").startswith("evidence.")
        assert forest.resolve("M-1").json()["served"]["stale"] is False  # from before, and proved
        forest.towns[ACME] = genuine
    assert forest.get("/v1/resolve", params={"code": code["value"]}).status_code == 200


def test_a_ring_of_grants_ends(forest: Forest) -> None:
    acme = forest.acme
    holder = acme.organization("Ring")
    acme.accept(acme.prefix(holder, "gtin:0950600013", by=acme.authority, node=forest.nation.node))
    assert refused(forest, ACME, "M-7") == "evidence.answer"
    assert forest.resolve("M-1").status_code == 200


def test_a_referral_without_its_proof_is_not_followed(forest: Forest) -> None:
    forest.lies[ROOT] = lying(without_proof)
    refused(forest, ROOT)
    assert not forest.asked[NATION]


def test_a_referral_to_another_node_is_not_followed(forest: Forest) -> None:
    def elsewhere(shown: Any) -> Any:
        shown["referral"]["node"]["urls"] = ["https://evil.test"]
        return shown

    forest.lies[ROOT] = lying(elsewhere)
    refused(forest, ROOT)
    assert not forest.asked["evil.test"]


def test_a_giant_or_a_redirect_is_the_nodes_fault(forest: Forest) -> None:
    def giant(_: Request, _response: Response) -> Response:
        raise InvalidAnswer("the node's answer is longer than 4194304 bytes")

    forest.lies[ACME] = giant
    refused(forest, ACME)


def test_what_nodes_list_is_not_believed(forest: Forest) -> None:
    """A list of nodes is a hint: what it says of others is asked of their parent, with proof."""
    did = "did:tetrad:" + "a" * 16 + ":" + forest.acme.ledger_hash
    rows = [
        {"label": "a" * 16, "ledger": forest.acme.ledger_hash},
        {"label": 7, "ledger": None},
        {"label": forest.recursor.ledgers.root.trust.label, "ledger": forest.root.ledger_hash},
        {},
    ]
    for lie in (lambda _: {"nodes": rows}, lambda _: {"nodes": 7}, lambda _: b"x"):
        forest.lies[ROOT] = lying(lie, "/v1/nodes")
        assert problem(forest.get(f"/v1/devices/{did}"))["code"] == "not_found"
        forest.later(300)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def replaced(value: Any, at: int, new: Any) -> tuple[Any, int]:
    """A JSON value with its part number `at` replaced; and how many parts were passed."""
    if at == 0:
        return new, 1
    passed = 1
    parts = list(value.items()) if isinstance(value, dict) else []
    parts = list(enumerate(value)) if isinstance(value, list) else parts
    copy = value.copy() if parts else value
    for name, part in parts:
        changed, count = replaced(part, at - passed, new) if at - passed >= 0 else (part, 0)
        copy[name] = changed
        passed += count if count else _parts(part)
        if passed > at:
            break
    return copy, passed


def _parts(value: Any) -> int:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(_parts(one) for one in below)


@pytest.fixture(scope="module")
def standing() -> Iterator[Forest]:
    """A tree that nobody changes, with what its nodes say."""
    with Forest() as forest:
        forest.resolve("M-1")
        yield forest


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([ROOT, NATION, ACME]), st.floats(0, 0.999), JSON)
def test_any_change_of_what_a_node_says_is_refused_or_makes_no_difference(
    standing: Forest, node: str, where: float, new: Any
) -> None:
    def lie(shown: Any) -> Any:
        return replaced(shown, int(where * _parts(shown)), new)[0]

    standing.lies = {node: lying(lie)}
    response = standing.resolve("M-1", fresh="1", proof="1")
    standing.lies = {}
    if response.status_code == 200:
        assert response.json()["device"]["did"] == standing.meter.did
    else:
        said = problem(response)
        assert said["code"] in ("node.refused", "node.unreachable", "not_found"), said
        assert said["code"] != "not_found" or said.get("proof"), said
