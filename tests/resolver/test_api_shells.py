"""Asset Administration Shells found by asset link (AAS Part 2, Discovery)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.multibase import base64url_encode
from resolver.schemes.samples import digital_link
from resolver.settings import Settings
from tests.example_ledger import NODE
from tests.factory import Subject
from tests.resolver.town import JSON, Town, problem

CODE = "https://id.gs1.org/01/09506000134352/21/A-{}"


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A town, shared by the tests of this module."""
    with Town(Settings(checkers=0, page_rows=3)) as town:
        yield town


@pytest.fixture(scope="module")
def acme(town: Town) -> Subject:
    """An organization with a prefix."""
    return town.acme()


@pytest.fixture(scope="module")
def meters(town: Town, acme: Subject) -> list[Subject]:
    """Five devices, of which the last has ended."""
    meters = [town.device(f"A-{n}", acme, number=f"14400000000{n:02}") for n in range(5)]
    town.accept(town.follow(meters[4], "status.retire", {"reason": "worn out"}, by=[acme]))
    return meters


def post(town: Town, links: object, query: str = "") -> httpx.Response:
    body = links if isinstance(links, bytes) else orjson.dumps(links)
    return town.request("POST", f"/lookup/shellsByAssetLink{query}", content=body, headers=JSON)


def found(town: Town, *links: tuple[str, str], query: str = "") -> list[str]:
    """What both ways of asking say."""
    named = [{"name": name, "value": value} for name, value in links]
    response = post(town, named, query)
    assert response.status_code == 200, response.text
    assert response.json().keys() == {"paging_metadata", "result"}
    encoded = "&".join(f"assetIds={base64url_encode(orjson.dumps(one))}" for one in named)
    more = f"&{query[1:]}" if query else ""
    assert town.get(f"/lookup/shells?{encoded}{more}").json() == response.json()
    result: list[str] = response.json()["result"]
    return result


def refused(response: httpx.Response) -> dict[str, Any]:
    """Problem details that have what AAS clients read as well."""
    error = problem(response)
    (message,) = error["messages"]
    assert message["messageType"] == "Error"
    assert message["code"] == error["code"]
    assert message["text"] == error["detail"]
    assert message["timestamp"].endswith("Z")
    return error


def test_one_link_leads_to_one_shell(town: Town, meters: list[Subject]) -> None:
    for link in (
        ("globalAssetId", CODE.format(1)),
        ("globalAssetId", meters[1].did),
        ("globalAssetId", "(01)09506000134352(21)A-1"),
        ("did", meters[1].did),
        ("gs1", CODE.format(1)),
        ("gs1", "(01)09506000134352(21)A-1"),
    ):
        assert found(town, link) == [meters[1].did]


def test_all_links_must_be_those_of_the_asset(
    town: Town, acme: Subject, meters: list[Subject]
) -> None:
    code = ("gs1", CODE.format(1))
    assert found(town, code, ("maker", acme.did), ("model", "M1")) == [meters[1].did]
    assert found(town, code, ("globalAssetId", CODE.format(1))) == [meters[1].did]
    assert found(town, code, ("globalAssetId", CODE.format(2))) == []
    assert found(town, code, ("model", "M2")) == []
    assert found(town, code, ("colour", "red")) == []


@pytest.mark.parametrize(
    "link",
    [
        ("gs1", CODE.format(99)),
        ("gs1", "not a code"),
        ("globalAssetId", "not a code"),
        ("globalAssetId", "70b3d57ed0001234"),
        ("globalAssetId", "did:tetrad:x"),
        ("did", "did:key:z6Mk"),
        ("colour", "red"),
        ("model", "M9"),
    ],
)
def test_what_nothing_has_finds_nothing(town: Town, link: tuple[str, str]) -> None:
    assert found(town, link) == []


def test_nothing_asked_finds_nothing(town: Town) -> None:
    assert post(town, []).json() == {"paging_metadata": {}, "result": []}
    assert town.get("/lookup/shells").json() == {"paging_metadata": {}, "result": []}


def test_what_has_ended_has_no_shell(town: Town, meters: list[Subject]) -> None:
    ended = meters[4].did
    assert found(town, ("did", ended)) == []
    assert found(town, ("gs1", CODE.format(4))) == []
    assert refused(town.get(f"/lookup/shells/{base64url_encode(ended.encode())}"))["status"] == 404


def test_shared_links_are_answered_in_pages(
    town: Town, acme: Subject, meters: list[Subject]
) -> None:
    links = [{"name": "maker", "value": acme.did}, {"name": "model", "value": "M1"}]
    dids: list[str] = []
    cursor = ""
    for _ in range(9):
        page = post(town, links, f"?limit=2{cursor}").json()
        assert len(page["result"]) <= 2
        dids += page["result"]
        if "cursor" not in page["paging_metadata"]:
            break
        cursor = f"&cursor={page['paging_metadata']['cursor']}"
    assert dids == [one.did for one in meters[:4]]
    assert found(town, ("controller", acme.did), query="?limit=3") == dids[:3]


def test_a_page_looks_at_so_many_devices(
    town: Town, acme: Subject, meters: list[Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolver.api.shells.SCANNED", 2)
    links = [{"name": "maker", "value": acme.did}, {"name": "model", "value": "none"}]
    page = post(town, links).json()
    assert page["result"] == []
    assert page["paging_metadata"]["cursor"]
    assert meters


@pytest.mark.parametrize("name", ["serialNumber", "serial", "iccid", "imei", "vin", "eui48"])
def test_what_is_only_committed_to_is_not_matched_and_that_is_said(town: Town, name: str) -> None:
    error = refused(post(town, [{"name": name, "value": "0017"}]))
    assert error["status"] == 400
    assert "committed" in error["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}",
        b"null",
        b"[1]",
        b'[{"name": "gs1"}]',
        b'[{"name": 1, "value": "x"}]',
        b'[{"name": "", "value": "x"}]',
        b"[" * 50_000,
        orjson.dumps([{"name": "gs1", "value": "x" * 2_000}]),
        orjson.dumps([{"name": "gs1", "value": "x"}] * 17),
    ],
)
def test_bodies_that_are_no_links(town: Town, body: bytes) -> None:
    assert refused(post(town, body))["status"] in (400, 413)


@pytest.mark.parametrize("value", ["1HGCM82633A004352", "00:1b:44:11:3a:b7"])
def test_nor_is_it_under_the_name_that_fits_every_code(town: Town, value: str) -> None:
    error = refused(post(town, [{"name": "globalAssetId", "value": value}]))
    assert (error["status"], "committed" in error["detail"]) == (400, True)


def test_what_another_node_knows_is_not_said_to_be_nowhere(town: Town, acme: Subject) -> None:
    town.accept(town.prefix(acme, "gtin:095060009", node=NODE))
    there = digital_link("9506000", 90_001, "X")
    for name in ("gs1", "globalAssetId"):
        error = refused(post(town, [{"name": name, "value": there}]))
        assert (error["status"], error["code"]) == (404, "delegated")
        assert error["referral"]["node"] == NODE


@pytest.mark.parametrize(
    "query",
    ["assetIds=x", "assetIds=bm8", "assetIds=%ff", "limit=0", "limit=9", "cursor=x", "aasId=x"],
)
def test_addresses_that_are_no_links(town: Town, query: str) -> None:
    assert refused(town.get(f"/lookup/shells?{query}"))["status"] in (400, 422)


def test_a_body_of_another_type(town: Town) -> None:
    headers = {"content-type": "text/plain"}
    response = town.request("POST", "/lookup/shellsByAssetLink", content=b"[]", headers=headers)
    assert refused(response)["status"] == 415


def test_the_links_of_a_shell(town: Town, acme: Subject, meters: list[Subject]) -> None:
    encoded = base64url_encode(meters[1].did.encode())
    for written in (encoded, encoded + "=" * (-len(encoded) % 4)):
        links = town.get(f"/lookup/shells/{written}").json()
        assert links[0] == {"name": "globalAssetId", "value": CODE.format(1)}
        pairs = {(one["name"], one["value"]) for one in links}
        assert {("gs1", CODE.format(1)), ("maker", acme.did), ("model", "M1")} <= pairs
        for pair in pairs:
            assert meters[1].did in found(town, pair, query="?limit=3")
    for wrong, status in (("x", 400), (base64url_encode(b"urn:x"), 400)):
        assert refused(town.get(f"/lookup/shells/{wrong}"))["status"] == status
    assert (
        refused(town.get(f"/lookup/shells/{base64url_encode(acme.did.encode())}"))["status"] == 404
    )


def test_the_profile_is_that_of_reading(town: Town) -> None:
    (profile,) = town.get("/description").json()["profiles"]
    assert profile.endswith("/DiscoveryServiceSpecification/SSP-002")


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(["gs1", "globalAssetId", "did", "handle", "maker", "imei"])
                | st.text(max_size=9),
                "value": st.text(max_size=30),
            }
        ),
        max_size=4,
    )
)
def test_whatever_is_asked_is_answered(town: Town, links: list[dict[str, str]]) -> None:
    response = post(town, links)
    if response.status_code != 200:
        assert refused(response)["status"] == 400
