"""What an authoritative node says about a code, or a DID, that another node knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from identity.errors import Delegated, InvalidAnswer, NotFound
from resolver.directory import OwnLedger
from resolver.referral import shown_referral, verify_referral, verify_unregistered
from resolver.settings import Settings
from tests.factory import City, Subject
from tests.resolver.answering import pinned
from tests.resolver.federating import BASE, code
from tests.resolver.town import Town, problem

BELOW = City(origin="acme.test")
OTHER = City(origin="other.test")
NEVER = "did:tetrad:" + "a" * 16 + ":" + BELOW.ledger_hash


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A root whose authority has given `09506` to Acme, which has a node."""
    with Town(Settings(checkers=0, page_rows=5)) as town:
        yield town


@pytest.fixture(scope="module", autouse=True)
def acme(town: Town) -> Subject:
    """The holder of the prefix."""
    acme = town.organization("Acme")
    town.accept(town.prefix(acme, "gtin:09506000", by=town.authority, node=BELOW.node))
    return acme


def ask(town: Town, name: str, **query: str) -> Any:
    return town.get("/v1/resolve", params={"code": BASE + name, **query})


def refused(response: Any, expected: str) -> dict[str, Any]:
    """The problem of that code."""
    said = problem(response)
    assert (said["status"], said["code"]) == (404 if expected != "gone" else 410, expected)
    return said


def test_a_code_that_is_not_known_is_referred_to_the_node_of_its_prefix(town: Town) -> None:
    said = refused(ask(town, "ELSEWHERE"), "delegated")
    assert said["referral"]["node"] == BELOW.node
    assert said["readAs"] == {"scheme": "gs1", "value": BASE + "ELSEWHERE"}
    assert "proof" not in said


def test_the_referral_is_proved(town: Town, acme: Subject) -> None:
    said = refused(ask(town, "ELSEWHERE", proof="1"), "delegated")
    referral = shown_referral(said)
    found = verify_referral(referral, pinned(town), code("ELSEWHERE"), town.now)
    assert (found.node.ledger, found.holder) == (BELOW.ledger_hash, acme.did)
    assert found.node.urls == ["https://acme.test"]


def test_a_time_is_referred_as_well(town: Town) -> None:
    said = refused(ask(town, "ELSEWHERE", at=town.created, proof="1"), "delegated")
    verify_referral(shown_referral(said), pinned(town), code("ELSEWHERE"), town.now)


def test_what_the_ledger_has_itself_comes_first(town: Town, acme: Subject) -> None:
    device = town.device("HERE", acme)
    assert ask(town, "HERE").json()["device"]["did"] == device.did
    town.accept(town.follow(device, "status.retire", {"reason": "worn out"}, by=[acme]))
    refused(ask(town, "HERE"), "gone")


def test_a_did_is_referred_by_the_label_of_its_ledger(town: Town) -> None:
    did = BELOW.authority.did
    said = refused(town.get(f"/v1/devices/{did}", params={"proof": "1"}), "delegated")
    assert "readAs" not in said
    found = verify_referral(shown_referral(said), pinned(town), ("did", did), town.now)
    assert found.node.ledger == BELOW.ledger_hash


def test_a_did_of_a_ledger_that_nobody_names_is_not_found(town: Town) -> None:
    refused(town.get(f"/v1/devices/{NEVER}", params={"proof": "1"}), "not_found")


def test_a_code_under_no_node_is_proved_not_to_be_there_at_all(town: Town) -> None:
    value = "https://id.gs1.org/01/04012345123456/21/X"
    params = {"code": value, "proof": "1"}
    said = refused(town.get("/v1/resolve", params=params), "not_found")
    verify_unregistered(said["proof"], pinned(town), ("code", "gs1", value), town.now)
    said = refused(ask(town, "ELSEWHERE", proof="1"), "delegated")
    with pytest.raises(InvalidAnswer):
        verify_unregistered(said["proof"], pinned(town), code("ELSEWHERE"), town.now)


def test_nodes_are_listed_with_a_grant_that_names_each(town: Town, acme: Subject) -> None:
    grant = town.prefix(acme, "gtin:04012345", by=town.authority, node=OTHER.node)
    town.accept(grant)
    listed = town.get("/v1/nodes").json()
    assert [one["origin"] for one in listed["nodes"]] == ["acme.test", "other.test"]
    assert listed["nodes"][1] == {
        **OTHER.node,
        "label": OTHER.authority.did.split(":")[2],
        "grant": grant.hash,
        "prefix": {"scheme": "gtin", "prefix": "04012345"},
    }
    first = town.get("/v1/nodes", params={"limit": "1"}).json()
    rest = town.get("/v1/nodes", params={"cursor": first["cursor"]}).json()
    assert first["nodes"] + rest["nodes"] == listed["nodes"]
    body = {"grant": grant.hash, "reason": "it moved"}
    town.accept(town.follow(town.authority, "grant.withdraw", body))
    assert len(town.get("/v1/nodes").json()["nodes"]) == 1
    did = OTHER.authority.did
    refused(town.get(f"/v1/devices/{did}"), "not_found")


def test_dialects_are_told_which_node_to_ask(town: Town) -> None:
    service = town.service
    directory = OwnLedger(service.resolver, service.delegations, service.clock)

    async def find(text: str) -> Exception:
        try:
            await directory.find(directory.code(text))
        except NotFound as missing:
            return missing
        raise AssertionError("found")

    found = town.run(find(BASE + "ELSEWHERE"))
    assert isinstance(found, Delegated)
    assert found.members["referral"]["node"] == BELOW.node
    assert type(town.run(find("https://id.gs1.org/01/04012345123456/21/X"))) is NotFound


@pytest.mark.parametrize(
    "url",
    [
        'https://acme.example/>; rel="gs1:defaultLink", <https://evil.example',
        "https://acme.example/?to=",
        "https://acme.example/#",
        "https://root.example@evil.example",
        "https://acme.example/%0d%0a",
        "urn:acme",
        "mqtt://acme.example",
        "https://",
    ],
)
def test_a_node_has_an_address_to_which_others_can_be_sent(town: Town, url: str) -> None:
    """It ends up in `Location` and `Link`."""
    holder = town.organization("Holder")
    node = {**BELOW.node, "urls": [url]}
    signed = town.prefix(holder, "gtin:04012345", by=town.authority, node=node)
    response = town.post(signed.submission)
    assert problem(response)["code"] == "input.schema"
