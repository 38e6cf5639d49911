"""Nodes that hold the walk itself: by a status that their proof does not bear out, by lists of
nodes, by being slow, by one bad address, while others ask. Other questions go on being answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from identity.did import ledger_label
from identity.errors import InvalidAnswer, ServerUnreachable
from identity.operation import operation_hash
from resolver.client.flow import Request, Response
from resolver.recursion import recursing
from tests.factory import log_pair
from tests.resolver.recursion.forest import ACME, BASE, NATION, ROOT, Forest
from tests.resolver.town import INLINE, Town, problem

ELSEWHERE = "https://id.gs1.org/01/04012345123456/21/X"
"""A code under no prefix of the children."""


@pytest.fixture
def forest() -> Iterator[Forest]:
    """A tree of which nothing was asked yet."""
    with Forest() as forest:
        yield forest


def answers(status: int, body: Any) -> Callable[[Request, Response], Response]:
    """A node that answers questions about codes so."""

    def lie(request: Request, response: Response) -> Response:
        if request.path != "/v1/resolve":
            return response
        return replace(response, status=status, body=orjson.dumps(body))

    return lie


def own(forest: Forest, name: str) -> Any:
    """What Acme itself says of the code of a device with that name."""
    code = {"code": BASE + name, "proof": "1"}
    return forest.acme.get("/v1/resolve", params=code).json()


def listing(rows: list[Any]) -> Callable[[Request, Response], Response]:
    """A node that lists these nodes."""

    def lie(request: Request, response: Response) -> Response:
        if request.path != "/v1/nodes":
            return response
        return replace(response, body=orjson.dumps({"nodes": rows, "cursor": None}))

    return lie


def last_first(request: Request, response: Response) -> Response:
    """A root that lists its nodes the other way round."""
    if request.path != "/v1/nodes":
        return response
    return listing(orjson.loads(response.body)["nodes"][::-1])(request, response)


@pytest.mark.parametrize("status", [200, 410])
def test_an_absence_is_no_device_whatever_status_it_comes_with(forest: Forest, status: int) -> None:
    absent = own(forest, "M-9")
    shown = {"readAs": absent["readAs"], "proof": absent["proof"]}
    forest.lies[ACME] = answers(status, shown if status == 200 else {"answer": shown})
    said = problem(forest.resolve("M-9"))
    assert said["status"] in (404, 502)


def test_a_device_is_gone_only_where_its_record_says_so(forest: Forest) -> None:
    forest.lies[ACME] = answers(410, {"answer": own(forest, "M-1")})
    response = forest.resolve("M-1")
    assert response.status_code in (200, 502)
    forest.lies.clear()
    retired = forest.acme.follow(
        forest.meter, "status.retire", {"reason": "worn out"}, by=[forest.maker]
    )
    forest.acme.accept(retired)
    forest.lies[ACME] = answers(200, own(forest, "M-1")["answer"])
    assert problem(forest.resolve("M-1", fresh="1"))["status"] in (410, 502)


def test_a_node_writes_no_lines_into_the_log(
    forest: Forest, caplog: pytest.LogCaptureFixture
) -> None:
    forest.lies[ACME] = answers(400, {"code": "x\n2026-01-01 all is well\x1b[2J"})
    logger = logging.getLogger("tetrad")
    logger.addHandler(caplog.handler)  # it does not propagate
    try:
        assert problem(forest.resolve("M-1"))["code"] == "node.refused"
    finally:
        logger.removeHandler(caplog.handler)
    said = [record.getMessage() for record in caplog.records]
    assert any(ACME in line for line in said)
    assert not any(character < " " for line in said for character in line)


def test_a_sibling_that_claims_a_ledger_does_not_hide_it(forest: Forest) -> None:
    """What it lists is a hint; that it cannot prove it must not keep others from being asked."""
    label = ledger_label(forest.acme.ledger_hash)
    claim = [{"label": label, "ledger": forest.acme.ledger_hash}]
    with Town(INLINE, origin="evil.test") as evil:
        forest.towns["evil.test"] = evil
        for above in (forest.root, forest.nation):
            holder = above.organization("Evil")
            above.accept(above.prefix(holder, "gtin:095061", by=above.authority, node=evil.node))
        forest.lies[ROOT] = last_first
        for lie in (listing(claim), None):
            forest.lies["evil.test"] = lie or answers(500, {})
            response = forest.get(f"/v1/devices/{forest.meter.did}", params={"fresh": "1"})
            assert response.status_code == 200, response.text
            forest.down.add("evil.test")


def test_a_list_of_thousands_is_not_asked_for_one_by_one(forest: Forest) -> None:
    ledgers = [operation_hash({"n": n}) for n in range(5_000)]
    rows = [{"label": ledger_label(ledger), "ledger": ledger} for ledger in ledgers]
    forest.lies[NATION] = listing(rows)
    before = forest.asked[NATION]
    unknown = f"did:tetrad:{'a' * 16}:{forest.acme.ledger_hash}"
    assert problem(forest.get(f"/v1/devices/{unknown}"))["code"] == "not_found"
    assert forest.asked[NATION] - before < 200
    # And what is named there in truth is found all the same, once the list is true.
    forest.lies.clear()
    forest.later(300)
    assert forest.get(f"/v1/devices/{forest.meter.did}").status_code == 200


def test_a_node_of_the_second_page_is_found(forest: Forest) -> None:
    """The root names more nodes than one page lists."""
    holder = forest.root.organization("Many")
    for n in range(100, 205):
        node = {
            "ledger": operation_hash({"n": n}),
            "origin": f"n{n}.test",
            "urls": [f"https://n{n}.test"],
        }
        forest.root.accept(
            forest.root.prefix(holder, f"gtin:04{n}", by=forest.root.authority, node=node)
        )
    with Town(INLINE, origin="late.test") as late:
        forest.towns["late.test"] = late
        forest.root.accept(
            forest.root.prefix(holder, "gtin:05000", by=forest.root.authority, node=late.node)
        )
        maker = late.organization("Late")
        late.accept(late.prefix(maker, "gtin:09506000", by=late.authority))
        device = late.device("L-1", maker)
        assert forest.get(f"/v1/devices/{device.did}").status_code == 200


class Slow:
    """Acme's node answers once it is let go; the others at once."""

    def __init__(self, forest: Forest) -> None:
        self.asked, self.released = asyncio.Event(), asyncio.Event()
        self._ask = forest.ask
        forest.ask = self.ask  # type: ignore[method-assign]

    async def ask(self, url: str, request: Request) -> Response:
        if url.endswith(ACME):
            self.asked.set()
            await self.released.wait()
        return await self._ask(url, request)


def test_others_are_served_while_one_node_is_slow_and_equal_questions_share_a_walk(
    forest: Forest,
) -> None:
    async def play() -> None:
        slow = Slow(forest)
        key = ("code", "gs1", BASE + "M-1")
        equal = [asyncio.create_task(forest.recursor.find(key)) for _ in range(20)]
        await slow.asked.wait()
        other = await forest.recursor.find(("code", "gs1", ELSEWHERE))
        assert other.kept.status == 404
        equal[0].cancel()  # who goes away takes nobody along
        slow.released.set()
        found = await asyncio.gather(*equal[1:])
        assert {one.kept.status for one in found} == {200}

    forest._runner.run(play())
    assert forest.asked[ACME] == 2  # its genesis, and the question


def test_a_walk_ends(forest: Forest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recursing, "WALK_SECONDS", 0.05)

    async def play() -> Any:
        Slow(forest)
        return await forest._client.get("/v1/resolve", params={"code": BASE + "M-1"})

    said = problem(forest._runner.run(play()))
    assert (said["status"], said["code"]) == (504, "node.unreachable")
    assert not forest.recursor.walking


def test_two_questions_that_meet_a_node_at_once_remember_the_same_of_it(forest: Forest) -> None:
    forest.acme.device("M-2", forest.maker)

    async def play() -> None:
        find = forest.recursor.find
        names = ("M-1", "M-2")
        found = await asyncio.gather(*(find(("code", "gs1", BASE + name)) for name in names))
        assert [one.kept.status for one in found] == [200, 200]

    forest._runner.run(play())
    met = forest.recursor.ledgers.known(forest.acme.ledger_hash)
    assert met is not None
    assert met.trust.size > 0


def test_keys_that_are_replaced_are_learned_by_all_who_ask_at_once(forest: Forest) -> None:
    assert forest.resolve("M-1").status_code == 200
    for town in (forest.root, forest.acme):
        keys = [str(one.key) for one in log_pair(1, town.origin)]
        town.accept(town.update_registry(log=keys))
    names = [f"M-{n}" for n in range(2, 6)]
    for name in names:
        forest.acme.device(name, forest.maker)

    genuine = forest.ask
    waiting = {f"https://{name}": asyncio.Barrier(len(names)) for name in (ROOT, ACME)}

    async def together(url: str, request: Request) -> Response:
        response = await genuine(url, request)
        if request.path == "/v1/ledger/keys":
            await waiting[url].wait()
        return response

    async def play() -> None:
        find = forest.recursor.find
        found = await asyncio.gather(*(find(("code", "gs1", BASE + name)) for name in names))
        assert [one.kept.status for one in found] == [200] * len(names)

    forest.ask = together  # type: ignore[method-assign]

    forest._runner.run(play())


@pytest.mark.parametrize("error", [ServerUnreachable("down"), InvalidAnswer("a giant")])
def test_a_bad_address_does_not_keep_a_good_one_from_being_asked(
    forest: Forest, error: Exception
) -> None:
    node = {**forest.acme.node, "urls": ["https://bad.test", f"https://{ACME}"]}
    holder = forest.nation.organization("Acme again")
    forest.nation.accept(
        forest.nation.prefix(holder, "gtin:0950600013", by=forest.nation.authority, node=node)
    )
    genuine = forest.ask

    async def ask(url: str, request: Request) -> Response:
        if url == "https://bad.test":
            raise error
        return await genuine(url, request)

    forest.ask = ask  # type: ignore[method-assign]
    assert forest.resolve("M-1").status_code == 200


@pytest.mark.parametrize("at", ["", "now", "2026-02-30T00:00:00Z", "2026-11-22T08:00:00+00:00"])
def test_what_a_client_asks_wrongly_is_no_nodes_fault(forest: Forest, at: str) -> None:
    for response in (
        forest.resolve("M-1", at=at),
        forest.get(f"/v1/devices/{forest.meter.did}", params={"at": at}),
    ):
        said = problem(response)
        assert (said["status"], said["code"]) == (400, "input.malformed")
    assert not forest.asked


def test_a_node_out_of_order_is_one_that_gives_no_answer(forest: Forest) -> None:
    assert forest.resolve("M-1").status_code == 200
    forest.later(400)
    forest.lies[NATION] = answers(500, {"code": "internal"})
    served = forest.resolve("M-1").json()["served"]
    assert served["stale"] is True
