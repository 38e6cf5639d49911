"""The service: one writer, a bounded queue, and nothing acknowledged that is not on disk."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from identity.errors import Busy, LedgerStopped, TetradError
from registry.checking import Checker
from registry.entry import is_state_root
from registry.store import Batch, Head, MemoryStore
from resolver.folder import MemorySite
from resolver.registration.checkers import read_item, write_item
from resolver.registration.writer import Receipted
from resolver.schemes import SCHEMES
from resolver.service import Service
from resolver.settings import Settings
from tests.factory import NOW, UNIQUE, City, Maker, Subject
from tests.resolver.town import SECRETS

BEGUN = 2
"""Entries before a story: the genesis, and the root of the state after it."""


class SlowStore(MemoryStore):
    """A store whose commits wait until they may go on, or fail on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.may_commit = threading.Event()
        self.may_commit.set()
        self.committing = threading.Event()
        self.broken = False
        self.commits = 0

    def commit(self, batch: Batch, expected: Head | None) -> None:
        self.committing.set()
        assert self.may_commit.wait(20)
        if self.broken:
            raise LedgerStopped("the disk is full")
        super().commit(batch, expected)
        self.commits += 1


class Site(MemorySite):
    """A site in memory that remembers the checkpoints that were kept."""

    def __init__(self, maker: Maker) -> None:
        super().__init__(SECRETS, maker.genesis.operation)
        city = City(SlowStore(), now=maker.now)  # the same genesis: names make keys
        self.store = city.store
        self.kept: list[bytes] = []

    def keep_checkpoint(self, note: bytes) -> None:
        self.kept.append(note)


def run(
    story: Callable[[Service, Maker, SlowStore], Awaitable[Any]], **settings: int
) -> list[bytes]:
    """Tells a story about a service; the checkpoints that were kept.

    The genesis is published before it begins, closed by a root of the state; by itself the service
    then publishes nothing more for a minute.
    """
    maker = Maker()
    site = Site(maker)
    assert isinstance(site.store, SlowStore)
    store = site.store

    async def told() -> None:
        quiet = {"checkers": 0, "checkpoint_seconds": 60, **settings}
        service = Service(Settings(**quiet), site, lambda: float(NOW))
        await service.start()
        try:
            assert (await service.checkpoint()).size == BEGUN
            await story(service, maker, store)
        finally:
            store.may_commit.set()
            await service.stop()

    asyncio.run(told())
    return site.kept


def bodies(maker: Maker, count: int) -> list[bytes]:
    made = [maker.new_organization(f"Org {n}") for n in range(count)]
    return [one.first.submission for one in made if one.first]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


def test_what_waits_for_a_commit_goes_into_the_next_one_together() -> None:
    async def story(service: Service, maker: Maker, store: SlowStore) -> None:
        before = store.commits
        store.may_commit.clear()
        store.committing.clear()
        one, *later = bodies(maker, 6)
        first = asyncio.create_task(service.submit(one))
        await until(store.committing.is_set)
        others = [asyncio.create_task(service.submit(body)) for body in later]
        await until(lambda: service.writer.waiting == 6)
        assert not first.done()
        store.may_commit.set()
        answers = await asyncio.gather(first, *others)
        assert store.commits == before + 2
        assert sorted(answer.index for answer in answers) == [2, 3, 4, 5, 6, 7]

    run(story)


def test_a_full_queue_is_refused_before_any_work_and_empties_again() -> None:
    async def story(service: Service, maker: Maker, store: SlowStore) -> None:
        store.may_commit.clear()
        fitting = bodies(maker, 4)
        waiting = [asyncio.create_task(service.submit(body)) for body in fitting[:3]]
        await until(lambda: service.writer.waiting == 3)
        for refused in (service.submit(b"not even read"), service.submit_batch([b"{}"])):
            with pytest.raises(Busy) as busy:
                await refused
            assert busy.value.members["retry_after"] == 1
        store.may_commit.set()
        await asyncio.gather(*waiting)
        assert service.writer.waiting == 0
        assert (await service.submit(fitting[3])).index == BEGUN + 3

    run(story, queue_length=3)


def test_a_batch_larger_than_what_is_left_of_the_queue_is_busy() -> None:
    async def story(service: Service, maker: Maker, _: SlowStore) -> None:
        with pytest.raises(Busy):
            await service.submit_batch(bodies(maker, 4))
        assert len(await service.submit_batch(bodies(maker, 3))) == 3

    run(story, queue_length=3)


def test_batches_have_places() -> None:
    async def story(service: Service, _maker: Maker, _store: SlowStore) -> None:
        service.enter_batch()
        with pytest.raises(Busy):
            service.enter_batch()
        service.leave_batch()
        service.enter_batch()

    run(story, batches=1)


def test_a_failed_commit_stops_the_writer_for_good() -> None:
    async def story(service: Service, maker: Maker, store: SlowStore) -> None:
        one, two = bodies(maker, 2)
        store.broken = True
        with pytest.raises(LedgerStopped):
            await service.submit(one)
        store.broken = False
        assert not service.ready
        for again in (service.submit(two), service.submit_batch([two])):
            with pytest.raises(LedgerStopped):
                await again
        assert service.reader.head().size == BEGUN

    run(story)


def test_a_mistake_of_ours_in_the_writer_answers_everybody() -> None:
    async def story(service: Service, maker: Maker, store: SlowStore) -> None:
        def broken(*_: object) -> None:
            raise RuntimeError("a bug")

        store.commit = broken  # type: ignore[method-assign, assignment]
        with pytest.raises(LedgerStopped):
            await service.submit(bodies(maker, 1)[0])
        assert not service.ready

    run(story)


def test_stopping_commits_what_was_accepted_and_keeps_its_checkpoint() -> None:
    outcome: list[Receipted] = []

    async def story(service: Service, maker: Maker, store: SlowStore) -> None:
        store.may_commit.clear()
        tasks = [asyncio.create_task(service.submit(body)) for body in bodies(maker, 3)]
        await until(lambda: service.writer.waiting == 3)
        stopping = asyncio.create_task(service.stop())
        await until(lambda: not service.ready)
        with pytest.raises(LedgerStopped):
            await service.submit(b"{}")
        store.may_commit.set()
        outcome.extend(await asyncio.gather(*tasks))
        await stopping

    kept = run(story)
    assert [one.index for one in outcome] == [2, 3, 4]
    assert kept[-1].splitlines()[1] == b"6"  # with the root of the state that closes the tree


def test_a_caller_that_goes_away_takes_nothing_along() -> None:
    async def story(service: Service, maker: Maker, store: SlowStore) -> None:
        store.may_commit.clear()
        one, two = bodies(maker, 2)
        gone = asyncio.create_task(service.submit(one))
        await until(lambda: service.writer.waiting == 1)
        gone.cancel()
        store.may_commit.set()
        assert (await service.submit(two)).index in (BEGUN, BEGUN + 1)
        assert (await service.submit(one)).repeated
        assert service.writer.waiting == 0

    run(story)


def test_what_is_published_is_kept_first() -> None:
    async def story(service: Service, maker: Maker, _: SlowStore) -> None:
        await service.submit(bodies(maker, 1)[0])
        size, note, time = await service.checkpoint()
        assert (size, time) == (BEGUN + 2, NOW)
        assert service.writer.kept == size
        assert note.splitlines()[1] == b"4"
        assert is_state_root(service.reader.entry(size - 1))
        assert service.store.published() == note

    kept = run(story)
    assert [one.splitlines()[1] for one in kept][-1] == b"4"


def devices(maker: Maker, count: int) -> tuple[Subject, list[bytes]]:
    acme = maker.new_organization("Acme")
    assert acme.first is not None
    grant = maker.prefix(acme, "gtin:09506000")
    grant.accepted()
    made = [maker.new_device(f"M-{n:04}", acme, number=f"14400{n:08}") for n in range(count)]
    lines = [acme.first.submission, grant.submission]
    return acme, lines + [one.first.submission for one in made if one.first]


def test_checker_processes_find_what_is_found_without_them() -> None:
    maker = Maker()
    _, lines = devices(maker, 40)
    lines[7:7] = [b"{}", b"\xff", lines[9][:-2], lines[9].replace(b'"model":"M1"', b'"model":"M2"')]

    def story_of(found: list[Any]) -> Callable[[Service, Maker, SlowStore], Awaitable[None]]:
        async def story(service: Service, _maker: Maker, _store: SlowStore) -> None:
            for start in (0, 20):
                for outcome in await service.submit_batch(lines[start : start + 20]):
                    if isinstance(outcome, TetradError):
                        found.append(outcome.problem())
                    else:
                        found.append((outcome.index, outcome.checked.hash, outcome.receipt))

        return story

    with_them: list[Any] = []
    without: list[Any] = []
    run(story_of(with_them), checkers=2, chunk_lines=7)
    run(story_of(without), checkers=0, chunk_lines=7)
    assert with_them == without
    assert sum(isinstance(one, tuple) for one in without) > 30


def test_a_checker_that_dies_is_replaced() -> None:
    async def story(service: Service, maker: Maker, _: SlowStore) -> None:
        lines = bodies(maker, 3)
        (process,) = service.checkers
        os.kill(process, signal.SIGKILL)
        while True:
            try:
                outcomes = await service.submit_batch(lines)
                break
            except Busy:
                continue
        assert all(isinstance(one, Receipted) for one in outcomes)
        assert service.checkers != [process]
        assert service.writer.waiting == 0

    run(story, checkers=1)


def test_keys_that_checkers_did_not_know_are_known_the_next_time() -> None:
    async def story(service: Service, maker: Maker, _: SlowStore) -> None:
        acme, lines = devices(maker, 4)
        first = await service.submit_batch(lines[:4])
        second = await service.submit_batch(lines[4:])
        pending = [
            [one.checked.pending for one in outcomes if isinstance(one, Receipted)]
            for outcomes in (first, second)
        ]
        assert any(pending[0])
        assert not any(pending[1])
        assert service.keyring.key_of(acme.key.public.thumbprint) == acme.key.public.multikey

    run(story, checkers=1)


def test_a_checked_line_survives_its_way_through_a_pipe() -> None:
    maker = Maker()
    _, lines = devices(maker, 1)
    before = Checker(SCHEMES, UNIQUE, lambda _: None).check_all([lines[2], b'{"operation":1}'])
    checked, refused = (read_item(write_item(one)) for one in before)
    assert not isinstance(checked, TetradError)
    assert checked == before[0]
    assert checked.pending
    assert isinstance(refused, TetradError)
    assert isinstance(before[1], TetradError)
    assert refused.problem() == before[1].problem()
