"""The Web of Things directory: devices as Thing Descriptions, listed, searched and followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from registry.store import MemoryStore
from resolver.api.things import SEARCHES
from resolver.settings import Settings
from resolver.things import difference, thing_of
from tests.factory import Signed, Subject
from tests.resolver.following import Following
from tests.resolver.test_api_identifiers import data_at
from tests.resolver.town import INLINE, Town, problem

URL = "https://data.example.org/m-1"
SMALL = Settings(checkers=0, page_rows=3, followers=2, followers_each=2, heartbeat_seconds=1)


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A town, shared by the tests of this module."""
    with Town(SMALL) as town:
        yield town


@pytest.fixture(scope="module")
def acme(town: Town) -> Subject:
    """An organization with a prefix."""
    return town.acme()


@pytest.fixture(scope="module")
def meters(town: Town, acme: Subject) -> list[Subject]:
    """Seven devices, of which the third and the last have ended."""
    data = data_at(("Readings", URL), ("LwM2M", "coaps://m-1.example.org/9"))
    meters = [town.device(f"T-{n}", acme, data=data, number=f"14400000000{n:02}") for n in range(7)]
    for ended in (meters[2], meters[6]):
        town.accept(town.follow(ended, "status.retire", {"reason": "worn out"}, by=[acme]))
    return meters


def living(meters: list[Subject]) -> list[str]:
    return [one.did for place, one in enumerate(meters) if place not in (2, 6)]


def check_thing(thing: Any) -> None:
    """What Thing Description 1.1 asks of every thing: sections 5.3.1, 5.3.3 and 5.3.4."""
    assert thing["@context"][0] == "https://www.w3.org/2022/wot/td/v1.1"
    assert all(isinstance(one, str | dict) for one in thing["@context"])
    assert isinstance(thing["title"], str)
    assert thing["title"]
    assert thing["securityDefinitions"]
    assert thing["security"] in thing["securityDefinitions"]
    assert all(isinstance(one["scheme"], str) for one in thing["securityDefinitions"].values())
    assert all(isinstance(one["href"], str) for one in thing.get("links", ()))
    for kind, operations in (
        ("properties", {"readproperty"}),
        ("actions", {"invokeaction"}),
        ("events", {"subscribeevent"}),
    ):
        for affordance in thing.get(kind, {}).values():
            assert affordance["forms"]
            for form in affordance["forms"]:
                assert form["href"]
                assert form["op"] in operations
    if "version" in thing:
        assert isinstance(thing["version"]["instance"], str)


def test_a_device_is_a_thing(town: Town, meters: list[Subject]) -> None:
    did = meters[0].did
    for written in (did, quote(did, safe="")):
        response = town.get(f"/things/{written}")
        assert response.headers["content-type"] == "application/td+json"
        thing = response.json()
        check_thing(thing)
    assert thing["id"] == did
    assert thing["title"] == "M1"
    assert thing["description"] == "readings"
    assert thing["security"] == "open"
    assert [form["href"] for form in thing["properties"]["data"]["forms"]] == [
        URL,
        "coaps://m-1.example.org/9",
    ]
    assert thing["tetrad:code"]["value"].endswith("/21/T-0")
    (alternate,) = [one["href"] for one in thing["links"] if one["rel"] == "alternate"]
    proved = town.get(alternate).json()
    assert thing_of(proved["device"]) == thing
    text = orjson.dumps(thing).decode()
    assert "1440000000000" not in text
    assert proved["device"]["object"]["serial"] not in text


def test_graded_data_says_that_there_is_security(town: Town, acme: Subject) -> None:
    data = {**data_at(("Readings", URL)), "grade": "important"}
    device = town.device("T-graded", acme, data=data)
    thing = town.get(f"/things/{device.did}").json()
    check_thing(thing)
    assert thing["securityDefinitions"] == {"graded": {"scheme": "auto"}}
    town.accept(town.follow(device, "status.retire", {"reason": "test"}, by=[acme]))


def test_what_is_no_thing(town: Town, acme: Subject, meters: list[Subject]) -> None:
    assert problem(town.get(f"/things/{meters[2].did}"))["code"] == "gone"
    assert problem(town.get(f"/things/{acme.did}"))["code"] == "not_found"
    assert problem(town.get("/things/urn:x"))["status"] == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_things_are_registered_by_signed_operations(
    town: Town, meters: list[Subject], method: str
) -> None:
    for path in ("/things", f"/things/{meters[0].did}"):
        refused = problem(town.request(method, path, content=b"{}"))
        assert (refused["status"], refused["code"]) == (405, "input.method")
        assert "/v1/operations" in refused["hint"]


def test_pages_lead_through_all_things(town: Town, meters: list[Subject]) -> None:
    for form in ("array", "collection"):
        found: list[str] = []
        address: str | None = f"/things?limit=2&format={form}"
        while address is not None:
            response = town.get(address)
            assert response.headers["content-type"] == "application/ld+json"
            things = response.json() if form == "array" else response.json()["members"]
            for thing in things:
                check_thing(thing)
            found += [thing["id"] for thing in things]
            links = response.links
            assert links["canonical"]["url"] == "/things"
            address = links["next"]["url"] if "next" in links else None
            if form == "collection":
                assert response.json().get("next") == address
        assert found == living(meters)
    assert [one["id"] for one in town.get("/things?offset=3").json()] == living(meters)[3:]
    assert town.get("/things?offset=50").json() == []


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=99", "format=xml", "offset=1&cursor=1", "offset=99999", "cursor=x", "x=1"],
)
def test_pages_that_there_are_not(town: Town, query: str) -> None:
    assert problem(town.get(f"/things?{query}"))["status"] in (400, 422)


def test_the_directory_is_a_thing(town: Town) -> None:
    response = town.get("/.well-known/wot")
    assert response.headers["content-type"] == "application/td+json"
    thing = response.json()
    check_thing(thing)
    assert thing["@type"] == "ThingDirectory"
    assert thing["properties"]["things"]["forms"][0]["href"].startswith("/things")
    assert set(thing["events"]) == {"thingCreated", "thingUpdated", "thingDeleted"}


def find(town: Town, query: str) -> Any:
    response = town.get("/search/jsonpath", params={"query": query})
    assert response.status_code == 200, response.text
    return response.json()


def test_things_are_searched(town: Town, meters: list[Subject]) -> None:
    assert find(town, "$[*].id") == living(meters)
    assert find(
        town, "$[?@['tetrad:code'].value == 'https://id.gs1.org/01/09506000134352/21/T-1'].id"
    ) == [meters[1].did]
    assert find(town, "$[?search(@['tetrad:code'].value, 'T-[45]$')].id") == []  # $ is itself
    assert find(town, "$[?match(@['tetrad:code'].value, '.*/T-[45]')].id") == living(meters)[3:]
    assert find(town, "$[-1:].title") == ["M1"]
    assert find(town, "$[?count(@.properties.data.forms[*]) == 2].title") == ["M1"] * 5
    assert find(town, "$[?@.nothing]") == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "x",
        "$[",
        "$[?@.a ==]",
        "$[?unknown(@)]",
        "$[?search(@)]",
        "$['\\ud800']",
        "$..[?",
        "$[99999999999999999999]",
        "$[?@ == 1e999999]",
    ],
)
def test_what_is_no_query(town: Town, query: str) -> None:
    refused = town.get("/search/jsonpath", params={"query": query})
    if refused.status_code != 200:
        assert problem(refused)["status"] in (400, 413)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("$" + "..*" * 20, 200),
        ("$[*,*,*,*,*,*,*,*]" + "[*,*,*,*,*,*,*,*]" * 6, 413),
        ("$[?" + " || ".join(["@..*..*..*"] * 20) + "]", 200),
        ("$[" + ",".join("*" * 200) + "]" + "..*", 413),
        ("$[?search(@.title, '(a{90}){90}')]", 413),
        ("$[?" * 120 + "@" + "]" * 120, 413),
        ("$" + "." * 600, 413),
        ("$[?" + "!" * 400 + "@.a]", None),
        ("$[?" + "(" * 240 + "@.a" + ")" * 240 + "]", None),
    ],
)
def test_a_search_that_is_too_much(
    town: Town, meters: list[Subject], query: str, status: int | None
) -> None:
    assert meters
    response = town.get("/search/jsonpath", params={"query": query})
    if response.status_code != 200:
        assert problem(response)["code"] in ("input.too_large", "input.malformed")
    assert status in (None, response.status_code)


def test_a_pattern_that_would_backtrack_for_ever(town: Town, acme: Subject) -> None:
    device = town.device("T-" + "a" * 18, acme, data={**data_at(), "describes": "a" * 200})
    assert find(town, "$[?search(@.description, '(a+)+b')].id") == []
    assert find(town, "$[?match(@.description, '(a|a)*')].id") == [device.did]
    town.accept(town.follow(device, "status.retire", {"reason": "test"}, by=[acme]))


def test_more_things_than_a_query_goes_over(
    town: Town, meters: list[Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolver.api.things.SEARCHED", 4)
    refused = problem(town.get("/search/jsonpath", params={"query": "$[*].id"}))
    assert (refused["status"], refused["code"]) == (413, "input.too_large")
    assert "cursor=" in refused["hint"]
    found: list[str] = []
    address: str | None = "/search/jsonpath?query=$[*].id&cursor="
    while address is not None:
        response = town.get(address)
        found += response.json()
        address = response.links["next"]["url"] if "next" in response.links else None
    assert found == living(meters)


def test_searches_at_a_time_are_few(
    town: Town, meters: list[Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert meters
    go_on = asyncio.Event()
    begun: list[int] = []

    async def waiting(work: Any, *args: Any) -> Any:
        begun.append(1)
        await go_on.wait()
        return work(*args)

    monkeypatch.setattr("resolver.api.things.asyncio.to_thread", waiting)
    path = "/search/jsonpath?query=$[0].id"

    async def ask() -> list[int]:
        async def one() -> int:
            return (await town._client.get(path)).status_code

        first = [asyncio.ensure_future(one()) for _ in range(SEARCHES)]
        while len(begun) < SEARCHES:
            await asyncio.sleep(0)
        busy = await one()
        go_on.set()
        return [busy, *await asyncio.gather(*first)]

    assert town.run(ask()) == [503, *[200] * SEARCHES]


def test_what_happens_to_things_is_told(acme: Subject) -> None:
    assert acme
    with Town(INLINE) as town:
        maker = town.acme()
        device = town.new_device("E-1", maker, data=data_at(("Readings", URL)))
        changed = {"data": {**data_at(), "describes": "other", "version": 2}}
        steps: list[Callable[[], Signed | None]] = [
            lambda: device.first,
            lambda: town.rotate(device),
            lambda: town.follow(device, "device.update", changed, by=[maker]),
            lambda: town.follow(device, "status.retire", {"reason": "x"}, by=[maker]),
            lambda: town.new_organization("Other").first,
        ]

        async def follow() -> tuple[Following, Following]:
            async with (
                Following(town, "diff=true", path="/events") as all_,
                Following(town, path="/events/thing_deleted") as deleted,
            ):
                await all_.until(lambda: all_.parts)
                await deleted.until(lambda: deleted.parts)
                for step in steps:
                    signed = step()
                    assert signed is not None
                    await town.service.submit(signed.submission)
                    signed.accepted()
                await all_.until(lambda: len(all_.messages) == 4)
                await deleted.until(lambda: deleted.messages)
            return all_, deleted

        all_, deleted = town.run(follow())
        assert all_.headers[b"content-type"].startswith(b"text/event-stream")
        assert [one.type for one in all_.messages] == [
            "thing_created",
            "thing_updated",
            "thing_updated",
            "thing_deleted",
        ]
        created, rotated, updated, ended = (orjson.loads(one.data) for one in all_.messages)
        check_thing(created)
        assert created["id"] == rotated["id"] == updated["id"] == device.did
        assert updated["description"] == "other"
        assert updated["properties"] is None
        assert ended == {"id": device.did}
        assert [orjson.loads(one.data) for one in deleted.messages] == [ended]

        async def resume(last: str) -> Following:
            async with Following(town, path="/events", last_event_id=last) as stream:
                await stream.until(lambda: len(stream.messages) == 3)
            return stream

        again = town.run(resume(str(all_.messages[0].id)))
        assert [one.id for one in again.messages] == [one.id for one in all_.messages[1:]]
        assert orjson.loads(again.messages[0].data) == {"id": device.did}


def test_streams_that_there_are_not(town: Town) -> None:
    assert problem(town.get("/events/thing_painted"))["code"] == "not_found"
    assert problem(town.get("/events?diff=perhaps"))["code"] == "input.schema"
    as_json = {"accept": "application/json"}
    assert problem(town.get("/events", headers=as_json))["code"] == "input.not_acceptable"
    for last, code in (("x", "input.malformed"), ("999999", "not_found")):
        assert problem(town.get("/events", headers={"last-event-id": last}))["code"] == code
    assert town.request("HEAD", "/events").status_code == 200


def test_so_many_follow_and_no_more(town: Town) -> None:
    async def follow() -> int:
        async with (
            Following(town, path="/events") as one,
            Following(town, path="/events") as two,
        ):
            await one.until(lambda: one.parts)
            await two.until(lambda: two.parts)
            async with Following(town, path="/events") as three:
                await three.until(lambda: three.ended)
            return three.status

    assert town.run(follow()) == 503


def test_who_goes_before_the_first_part_leaves_its_place(town: Town) -> None:
    gone = Following(town, path="/events")

    async def send(_: object) -> None:
        raise OSError("the client is gone")

    async def follow() -> int:
        for _ in range(SMALL.followers):
            with suppress(Exception):
                await town.app(gone._scope, gone._receive, send)
        async with Following(town, path="/events") as again:
            await again.until(lambda: again.parts or again.ended)
        return again.status

    assert town.run(follow()) == 200


def test_a_difference_is_a_merge_patch() -> None:
    before = {"a": 1, "b": {"c": 1, "d": 2}, "e": [1]}
    after = {"a": 1, "b": {"c": 2}, "e": [1, 2], "f": {}}
    assert difference(before, after) == {"b": {"c": 2, "d": None}, "e": [1, 2], "f": {}}


def test_a_store_that_fails_during_a_search_is_no_secret(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryStore, "listing", lambda *_, **__: 1 / 0)
    response = town.get("/search/jsonpath?query=$")
    assert response.status_code == 500
    assert b"division" not in response.content
    monkeypatch.undo()
    assert town.get("/search/jsonpath?query=$").status_code == 200
