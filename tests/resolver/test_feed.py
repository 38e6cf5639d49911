"""The feed: everything that is committed, once, in its order, to everyone who follows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import chain, pairwise
from typing import cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidAnswer
from registry.checkpoint import open_checkpoint
from registry.merkle import Frontier
from registry.reader import LedgerReader
from resolver.api import events
from resolver.events import OPERATIONS, TYPES, MessageReader, wanted_types
from resolver.feed import KEPT_BYTES, PAGE, Feed
from resolver.settings import Settings
from tests.factory import LOG, QUANTUM, Subject
from tests.resolver.following import Following
from tests.resolver.town import Town, problem

LIMITS = Settings(checkers=0, followers=3, followers_each=2, heartbeat_seconds=1, page_rows=50)
PAGED = {"accept": "application/json"}


@pytest.fixture(scope="module")
def acme() -> list[Subject]:
    """The organization of the town, once it is there."""
    return []


@pytest.fixture(scope="module")
def town(acme: list[Subject]) -> Iterator[Town]:
    """A town whose log is longer than a page of the feed, published."""
    with Town(LIMITS) as town:
        acme.append(town.acme())
        town.batch(town.submissions(acme[0], 2 * PAGE), "?receipts=0")
        town.get("/checkpoint")
        yield town


def head(town: Town) -> int:
    return town.service.reader.head().size


def test_every_entry_comes_once_in_its_order_and_then_the_tree_over_them(town: Town) -> None:
    async def follow() -> Following:
        async with Following(town, "after=-1&entries=1") as stream:
            await stream.until(lambda: stream.checkpoints)
        return stream

    stream = town.run(follow())
    assert stream.headers[b"content-type"].startswith(b"text/event-stream")
    assert [one.id for one in stream.entries] == [str(index) for index in range(head(town))]
    tree, previous = Frontier(), "0" * 64
    for index, told in enumerate(orjson.loads(one.data) for one in stream.entries):
        entry = town.get(f"/v1/ledger/entries/{index}").content
        assert told["entry"] == orjson.loads(entry)
        assert told["leaf"] == sha256(b"\0" + entry).hexdigest()
        assert told["previous"] == previous
        assert told["time"] == told["entry"]["time"]
        previous = told["leaf"]
        tree.append(bytes.fromhex(previous))
    shown = orjson.loads(stream.checkpoints[0].data)
    opened = open_checkpoint(shown["checkpoint"].encode(), [LOG.key, QUANTUM.key]).checkpoint
    assert (opened.size, opened.root) == (shown["size"], tree.root())


def test_a_registration_is_told_without_what_was_disclosed(town: Town, acme: list[Subject]) -> None:
    device = town.new_device("KEPT-SECRET", acme[0], number="1440099999999")
    assert device.first is not None
    submission = device.first.submission

    async def follow() -> Following:
        async with Following(town, "entries=1") as stream:
            await stream.until(lambda: stream.parts)
            await town.service.submit(submission)
            await stream.until(lambda: stream.entries)
        return stream

    told = orjson.loads(town.run(follow()).entries[0].data)
    stream = town.run(follow_after(town, told["index"] - 1, 1))
    assert told["type"] == "device.register"
    assert told["subject"] == device.did
    assert told["operation"] == device.first.hash
    assert told["code"] == told["entry"]["operation"]["body"]["code"]
    for disclosure in device.first.disclosures:
        assert disclosure.encode() not in stream.body
    assert b"1440099999999" not in stream.body


async def follow_after(town: Town, after: int, count: int, **headers: str) -> Following:
    async with Following(town, f"after={after}&entries=1", **headers) as stream:
        await stream.until(lambda: len(stream.entries) >= count)
    return stream


def test_whoever_comes_again_goes_on_behind_the_last_id(town: Town) -> None:
    stream = town.run(follow_after(town, 0, 1, last_event_id=str(head(town) - 2)))
    assert [one.id for one in stream.entries] == [str(head(town) - 1)]


def test_filters_let_a_part_pass_and_the_position_is_told_all_the_same(town: Town) -> None:
    async def follow() -> Following:
        async with Following(town, "after=-1&type=grant.issue,registry.genesis") as stream:
            await stream.until(lambda: f"id: {head(town) - 1}\n\n".encode() in stream.body)
        return stream

    stream = town.run(follow())
    assert [one.type for one in stream.messages] == ["registry.genesis", "grant.issue"]
    whose = orjson.loads(stream.messages[1].data)["subject"]
    page = town.get(f"/v1/events?after=-1&subject={whose}", headers=PAGED).json()
    assert {one["type"] for one in page["events"]} == {"organization.register", "grant.issue"}
    assert page["more"] is False


def test_pages_lead_through_the_whole_log(town: Town) -> None:
    after, found, more = -1, [], True
    while more:
        page = town.get(f"/v1/events?after={after}&limit=50", headers=PAGED).json()
        found += [one["index"] for one in page["events"]]
        after, more = page["after"], page["more"]
    assert found == list(range(head(town)))


def test_a_slow_reader_holds_up_nobody_and_costs_no_memory(town: Town, acme: list[Subject]) -> None:
    lines = town.submissions(acme[0], PAGE, start=5_000)

    async def follow() -> tuple[Following, Following]:
        async with (
            Following(town, "after=-1", address="192.0.2.7") as slow,
            Following(town, f"after={head(town) - 1}") as quick,
        ):
            await slow.take(2)
            await town.service.submit_batch(lines)
            await quick.until(lambda: len(quick.entries) >= len(lines))
            behind = len(slow.entries)
            assert behind <= PAGE
            await slow.take(None)
            await slow.until(lambda: len(slow.entries) >= head(town))
        return slow, quick

    slow, _ = town.run(follow())
    assert [one.id for one in slow.entries] == [str(index) for index in range(head(town))]
    feed = town.service.feed
    assert sum(len(one.entry) for page in feed._pages.values() for one in page) < KEPT_BYTES


def test_so_many_follow_at_a_time_and_places_are_given_back(town: Town) -> None:
    async def follow() -> list[int]:
        async with Following(town, address="192.0.2.1") as one, Following(town) as two:
            await one.until(lambda: one.parts)
            await two.until(lambda: two.parts)
            async with Following(town) as third_of_one_address:
                await third_of_one_address.until(lambda: third_of_one_address.ended)
            async with Following(town, address="192.0.2.2") as other:
                await other.until(lambda: other.parts)
                async with Following(town, address="192.0.2.3") as fourth:
                    await fourth.until(lambda: fourth.ended)
        async with Following(town) as again:
            await again.until(lambda: again.parts)
        assert int(fourth.headers[b"retry-after"]) > 0
        return [third_of_one_address.status, other.status, fourth.status, again.status]

    assert town.run(follow()) == [503, 200, 503, 200]


def test_it_ends_when_the_service_stops() -> None:
    async def follow(town: Town) -> Following:
        async with Following(town) as stream:
            await stream.until(lambda: stream.parts)
            await town.service.stop()
            await stream.until(lambda: stream.ended)
        return stream

    with Town(LIMITS) as town:
        assert town.run(follow(town)).status == 200


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("after=1000000", "not_found"),
        ("after=-2", "input.schema"),
        ("after=x", "input.schema"),
        ("type=device.registered", "input.schema"),
        ("type=", "input.schema"),
        ("subject=", "input.malformed"),
        ("subject=did:tetrad:x", "input.malformed"),
        ("entries=yes", "input.schema"),
        ("nothing=1", "input.schema"),
    ],
)
def test_a_filter_that_does_nothing_is_refused(town: Town, query: str, code: str) -> None:
    for headers in (PAGED, {"accept": "text/event-stream"}):
        assert problem(town.get(f"/v1/events?{query}", headers=headers))["code"] == code


def test_a_last_event_id_that_the_ledger_does_not_have_is_refused(town: Town) -> None:
    for text in ("99999999", "x", "-5"):
        response = town.get("/v1/events", headers={"last-event-id": text})
        assert problem(response)["code"] in ("not_found", "input.schema")


def test_every_operation_has_a_type_that_can_be_asked_for() -> None:
    assert {"device.register", "status.revoke", "registry.update"} <= set(OPERATIONS)
    assert wanted_types(",".join(TYPES)) == set(TYPES)


STREAM = b": x\n\nid: 4\nevent: a.b\ndata: {}\n\nid: 5\n\ndata:one\r\ndata: two\r\n\r\nevent: c\n\n"


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_a_stream_is_read_the_same_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    reader = MessageReader()
    found = [
        (one.type, one.data, one.id)
        for start, end in pairwise(edges)
        for one in reader.messages(STREAM[start:end])
    ]
    assert found == [("a.b", "{}", "4"), ("message", "one\ntwo", "5")]


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"data: x\n", b"\n", b"\r"])))
def test_whatever_is_sent_is_read_or_refused(pieces: list[bytes]) -> None:
    reader = MessageReader()
    with suppress(InvalidAnswer):
        for piece in pieces:
            list(reader.messages(piece))


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 99_999 + b"\n", b"x" * 100_000])
def test_an_event_without_end_is_not_collected(piece: bytes) -> None:
    reader = MessageReader()
    with pytest.raises(InvalidAnswer):
        list(chain.from_iterable(reader.messages(piece) for _ in range(100)))


def test_where_nothing_passes_the_position_is_told_on_the_way(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is cut off before the end would begin anew each time, and never come to it."""
    monkeypatch.setattr(events, "_SCANNED", 1)

    async def follow() -> Following:
        async with Following(town, "after=-1&type=registry.update") as stream:
            await stream.until(lambda: b"id: " in stream.body)
        return stream

    stream = town.run(follow())
    assert f"id: {2 * PAGE - 1}\n\n".encode() in stream.body
    page = town.get("/v1/events?after=-1&type=registry.update", headers=PAGED).json()
    assert page == {"events": [], "after": PAGE - 1, "more": True}


def test_who_is_far_behind_takes_turns_with_others_and_with_requests() -> None:
    ticks, read = [0], []

    class Reader:
        def entries(self, begin: int, end: int) -> list[bytes]:
            read.append(ticks[0])
            return [b'{"time":"","previous":""}'] * (end - begin)

    async def tick() -> None:
        while True:
            ticks[0] += 1
            await asyncio.sleep(0)

    async def follow() -> list[int]:
        feed = Feed(cast("LedgerReader", Reader()), "label")
        feed.committed(40 * PAGE)
        ticking = asyncio.ensure_future(tick())
        found = await asyncio.gather(*(feed.read(number * PAGE) for number in range(30)))
        ticking.cancel()
        return [one[0].index for one in found]

    assert asyncio.run(follow()) == [number * PAGE for number in range(30)]
    assert len(set(read)) == len(read) == 30, "one page between two turns of everybody else"
