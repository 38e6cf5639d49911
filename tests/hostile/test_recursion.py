"""What one node, or one who asks, can do to everybody else's answers from a recursive resolver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from identity.errors import Busy
from identity.members import format_time
from resolver.client.flow import Request, Response
from resolver.path import verify_path
from resolver.recursion import recursing
from resolver.recursion.cache import Cache
from resolver.recursion.ledgers import Listing, Way
from resolver.recursion.search import MOST_ASKED, Search
from resolver.recursion.walk import Walk, Walked
from tests.resolver.recursion.forest import ACME, BASE, NATION, ROOT, Forest
from tests.resolver.town import problem


@pytest.fixture
def forest() -> Iterator[Forest]:
    """A tree of which nothing was asked yet."""
    with Forest() as forest:
        yield forest


class Slow:
    """Asks as it is told."""

    def __init__(self, ask: Callable[[str, Request], Coroutine[Any, Any, Response]]) -> None:
        self.ask = ask

    async def close(self) -> None:
        """See Fetcher."""


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("code", ["node.unreachable", "node.refused", "not_found"])
def test_a_node_does_not_choose_the_error_that_is_told(
    forest: Forest, code: str, status: int
) -> None:
    """Asked how its trees follow one another, it answers with an error of another's."""
    first = forest.resolve("M-1").json()
    forest.acme.device("M-2", forest.maker)
    said = {"code": code, "detail": "down\nFORGED", "node": ROOT, "reason": "evidence.stale"}

    def lie(request: Request, response: Response) -> Response:
        if request.path == "/v1/resolve":
            return response
        return replace(response, status=status, body=orjson.dumps({**said, "device": "forged"}))

    forest.lies[ACME] = lie
    told = problem(forest.resolve("M-2"))
    assert (told["code"], told["node"]) == ("node.refused", ACME)
    assert told["reason"] != "evidence.stale"
    assert "device" not in told
    assert "\n" not in told["detail"]
    forest.later(301)  # an old answer is for nodes that are down, and not for this one
    assert problem(forest.resolve("M-1"))["code"] == "node.refused"
    assert first["served"]["origin"] == ACME


@pytest.mark.parametrize("at", ["", "yesterday", "2026-02-30T00:00:00Z", "2026-11-22T08:00:00+00"])
def test_who_asks_about_no_time_is_told_so_and_no_node_is_blamed(forest: Forest, at: str) -> None:
    told = problem(forest.resolve("M-1", at=at))
    assert (told["status"], told["code"]) == (400, "input.malformed")
    did = forest.meter.did
    assert problem(forest.get(f"/v1/devices/{did}", params={"at": at}))["code"] == "input.malformed"
    assert not forest.asked


def test_an_old_answer_says_so_in_every_dialect(forest: Forest) -> None:
    did = forest.meter.did
    paths = [f"/1.0/identifiers/{did}", f"/things/{did}", "/api/handles/88.100.1/x"]
    for path in paths[:2]:
        assert forest.get(path).status_code == 200
        assert "cache-status" not in forest.get(path).headers
    forest.down.add(ACME)
    forest.later(400)
    for path in paths[:2]:
        old = forest.get(path)
        assert old.status_code == 200
        assert "fwd=stale; detail=node.unreachable" in old.headers["cache-status"]


def test_an_old_answer_ends_with_the_grant_that_led_to_it() -> None:
    with Forest() as forest:
        nation = forest.nation
        other = nation.organization("Other")
        ends = format_time(forest.root.now + 500)
        forest.nation.accept(
            nation.prefix(
                other, "gtin:095060001", by=nation.authority, node=forest.acme.node, notAfter=ends
            )
        )
        assert forest.resolve("M-1").status_code == 200
        forest.down.add(NATION)
        forest.later(400)
        assert forest.resolve("M-1").json()["served"]["stale"] is True
        forest.later(101)
        assert problem(forest.resolve("M-1"))["code"] == "node.unreachable"


def test_a_few_giants_of_one_node_drive_out_nobody() -> None:
    with Forest() as forest:
        cache = forest.recursor.cache = Cache(most_bytes=2**23)
        forest.resolve("M-1")
        kept = cache.fresh(("code", "gs1", BASE + "M-1"), forest.root.now)
        assert kept is not None
        answer, key = forest.resolve("M-1", proof="1").json(), ("code", "gs1", BASE + "M-1")
        path = verify_path(answer, forest.recursor.ledgers.root.trust, key, forest.root.now)
        walked = Walked({"device": {"x": "y" * 2**17}}, path, ())
        for number in range(30):
            cache.keep(("did", str(number)), walked, forest.root.now)
        assert cache.fresh(("code", "gs1", BASE + "M-1"), forest.root.now) is kept


def test_who_lists_thousands_of_nodes_that_list_thousands_keeps_nobody_waiting(
    forest: Forest,
) -> None:
    """All that is below one node has that node's turn; and what is looked at is bounded."""
    now, ledgers = forest.root.now, forest.recursor.ledgers

    def lists(way: Way, count: int) -> list[Way]:
        named = {f"{way[-1][0]}.{number}": "" for number in range(count)}
        ledgers.keep(way, Listing(now, None, named))
        return [(*way, one) for one in named.items()]

    ledgers.keep((), Listing(now, None, {"hostile": "", "nation": ""}))
    hostile, nation = (("hostile", ""),), (("nation", ""),)
    for way in lists(hostile, 90):
        lists(way, 1_000)
    honest = [one for way in lists(nation, 10) for one in lists(way, 5)]
    looked: list[Way] = []

    class Watched(Search):
        def _listed(self, way: Way) -> Any:
            looked.append(way)
            yield from ()
            return Listing(now, None, {})

    steps = Watched(Walk(ledgers, now))._look_round()
    assert list(steps) == []
    assert sum(way in honest for way in looked) == MOST_ASKED // 2
    assert len(looked) == MOST_ASKED


def test_one_slow_node_leaves_places_to_the_others(
    forest: Forest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many questions wait for it; the next one is told to wait, and another's is answered."""
    monkeypatch.setattr(recursing, "MOST_AT_ONE", 8)

    async def scene() -> tuple[list[Any], Any, int]:
        asking = forest.recursor.find
        stuck = asyncio.Event()
        ask = forest.ask

        async def slow(url: str, request: Request) -> Response:
            if url.endswith(ACME):
                await stuck.wait()
            return await ask(url, request)

        forest.recursor._fetcher = Slow(slow)
        waiting = [
            asyncio.create_task(asking(("code", "gs1", f"{BASE}S-{number}")))
            for number in range(16)
        ]
        done: set[Any] = set()
        while len(done) < 8:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        other = await asking(("code", "gs1", "https://id.gs1.org/01/04012345123456/21/X"))
        under_way = forest.recursor.walking
        stuck.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        return answers, other, under_way

    answers, other, under_way = forest.run(scene())
    assert other.kept.status == 404
    assert under_way == 8
    assert sum(isinstance(one, Busy) for one in answers) == 8


def test_what_is_remembered_of_lists_is_bounded(forest: Forest) -> None:
    ledgers, now = forest.recursor.ledgers, forest.root.now
    ways = [((f"{number}", ""),) for number in range(150)]
    for number, way in enumerate(ways):
        ledgers.keep(way, Listing(now, None, {f"{number}.{one}": "" for one in range(1_000)}))
    kept = [way for way in ways if ledgers.listing(way, now) is not None]
    assert kept == ways[50:]


def test_an_old_answer_of_a_node_that_is_asked_too_much_is_better_than_none(
    forest: Forest, monkeypatch: pytest.MonkeyPatch
) -> None:
    forest.resolve("M-1")
    forest.later(301)
    monkeypatch.setattr(recursing, "MOST_AT_ONE", 0)
    assert forest.resolve("M-1").json()["served"]["reason"] == "unavailable.busy"
    assert problem(forest.resolve("M-9"))["status"] == 503
