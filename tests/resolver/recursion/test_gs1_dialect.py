"""Digital Links of a recursive resolver: they lead to the node that answers for the code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.resolver.recursion.forest import ACME, BASE, ROOT, Forest
from tests.resolver.town import problem


@pytest.fixture(scope="module")
def forest() -> Iterator[Forest]:
    """A tree that stays as it is, but for nodes that are down for a while."""
    with Forest() as forest:
        yield forest


@pytest.fixture(autouse=True)
def up(forest: Forest) -> Iterator[None]:
    """Afterwards all nodes are up again."""
    yield
    forest.down.clear()


def test_a_digital_link_leads_to_the_node_that_answers_for_the_code(forest: Forest) -> None:
    response = forest.get("/01/09506000134352/21/M-1?linkType=gs1:pip")
    assert response.status_code == 307
    path = "/01/09506000134352/21/M-1"
    assert response.headers["location"] == f"https://{ACME}{path}?linkType=gs1:pip"
    assert response.headers["link"] == f'<https://{ACME}{path}>; rel="gs1:handledBy"'


def test_links_of_a_product_are_asked_where_its_prefix_leads(forest: Forest) -> None:
    """A class of devices is registered nowhere, and has a node all the same."""
    response = forest.get("/01/09506000134352")
    assert response.headers["location"] == f"https://{ACME}/01/09506000134352"


def test_what_is_under_no_prefix_is_for_the_root(forest: Forest) -> None:
    response = forest.get("/01/04012345123456/21/X")
    assert response.headers["location"] == f"https://{ROOT}/01/04012345123456/21/X"


def test_a_digital_link_leads_nowhere_while_a_node_on_the_way_is_down(forest: Forest) -> None:
    forest.down.add(ROOT)
    said = problem(forest.get("/01/09506000134352/21/M-77"))
    assert (said["status"], said["code"]) == (504, "node.unreachable")


def test_a_malformed_digital_link_is_refused_here(forest: Forest) -> None:
    asked = sum(forest.asked.values())
    assert problem(forest.get("/01/09506000134353"))["status"] == 400
    assert problem(forest.get("/no-such-thing"))["status"] == 404
    assert sum(forest.asked.values()) == asked


def test_a_linkset_names_the_node_to_ask(forest: Forest) -> None:
    said = problem(forest.get("/v1/linkset", params={"code": BASE + "M-1"}))
    assert (said["code"], said["referral"]["node"]["origin"]) == ("delegated", ACME)
    private = problem(forest.get("/v1/linkset", params={"code": "1HGCM82633A004352"}))
    assert private["code"] == "code.malformed"


def test_the_resolver_description_names_its_own_address(forest: Forest) -> None:
    shown = forest.get("/.well-known/gs1resolver").json()
    assert shown["name"] == ROOT
    assert shown["supportedPrimaryKeys"]
