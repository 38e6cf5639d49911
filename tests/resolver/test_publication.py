"""Publication: closed, kept, signed and dated, written, cosigned, shown; and what holds it up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from identity.errors import LedgerStopped, MisbehaviourUnproved, StorageFailed
from registry import evidence
from registry.entry import is_state_root
from resolver.publication import RESTAMP_SECONDS, Published
from tests.factory import LOG, NOW, QUANTUM
from tests.resolver.publishing import Press, size_of, until

SOON = 0.01
"""Seconds between two looks at whether there is something to publish."""


class Gate:
    """A cosigner that lets a publication go on when a test says so."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.inside = 0
        self.most = 0
        self.sizes: list[int] = []

    async def __call__(self, note: bytes, size: int) -> tuple[bytes, bool]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.sizes.append(size)
        await self.open.wait()
        self.inside -= 1
        return note, True


def test_the_genesis_is_published_at_once_closed_signed_and_dated() -> None:
    async def story(press: Press) -> None:
        published = await press.publication.covering(1)
        assert (published.size, published.time) == (2, NOW)
        opened = press.opened(published.note)
        assert opened.checkpoint.size == 2
        assert opened.times == ((QUANTUM.key, NOW),)
        assert press.opened(press.store.checkpoint(2) or b"").times == ()
        assert is_state_root(press.store.entries(1, 2)[0])
        assert press.publication.current == published

    Press().run(story)


def test_the_synced_file_comes_before_all_else_and_tiles_before_their_checkpoint() -> None:
    press = Press()

    async def story(press: Press) -> None:
        await press.publication.covering(1)
        press.events.clear()
        size = await press.register()
        await press.publication.covering(size)
        await until(lambda: press.events[-1] == "checkpoint 4")

    async def cosign(note: bytes, size: int) -> tuple[bytes, bool]:
        press.events.append(f"cosign {size}")
        return note, True

    press._cosign = cosign
    press.run(story)
    closed = press.events.index("commit 4")
    assert press.events[closed : closed + 7] == [
        "commit 4",
        "keep 4",
        "tiles 4",
        "publish 4",  # its date, before anybody is shown it
        "cosign 4",
        "publish 4",
        "checkpoint 4",
    ]


def test_what_is_shown_is_what_is_stored_and_written() -> None:
    press = Press()

    async def story(press: Press) -> None:
        published = await press.publication.covering(await press.register())
        assert press.store.published() == press.store.published(published.size) == published.note
        await until(lambda: published.note in press.files.notes)
        assert size_of(press.site.kept[-1]) == published.size

    press.run(story)


def test_who_asks_for_an_entry_gets_a_publication_that_holds_it() -> None:
    async def story(press: Press) -> None:
        first = await press.publication.covering(2)
        assert await press.publication.covering(1) is first  # it is covered: nothing new is made
        size = await press.register()
        assert press.publication.current is first  # nobody has asked, and no time has passed
        second = await press.publication.covering(size)
        assert (second.size, press.published()) == (size + 1, [2, size + 1])

    Press().run(story)


def test_what_is_committed_is_published_when_its_time_has_come() -> None:
    async def story(press: Press) -> None:
        await press.publication.covering(1)
        await press.register()
        press.passed += SOON / 2
        await press.looks()
        assert press.published() == [2]
        press.passed += SOON
        await until(lambda: press.publication.size == 4)

    Press(every=SOON).run(story)


def test_what_is_asked_for_while_one_is_under_way_goes_into_the_next() -> None:
    async def story(press: Press) -> None:
        gate = Gate()
        press.publication._cosign = gate
        size = await press.register()
        asked = [asyncio.create_task(press.publication.covering(size))]
        await until(lambda: gate.inside == 1)
        for _ in range(3):
            size = await press.register()  # registered and receipted, whatever a witness does
            asked.append(asyncio.create_task(press.publication.covering(size)))
        assert not asked[-1].done()
        assert press.publication.size < size
        gate.open.set()
        answers = await asyncio.gather(*asked)
        assert answers[-1].size == size + 1
        assert gate.most == 1
        assert len({answer.size for answer in answers}) <= 2
        assert gate.sizes == sorted(set(gate.sizes))

    Press().run(story)


def test_who_asks_before_the_writer_knows_that_it_has_committed_does_not_wait_for_the_clock() -> (
    None
):
    """What the store holds can be asked about at once; the writer hears of it a moment later."""

    async def story(press: Press) -> None:
        await press.publication.covering(1)
        press.store.may_return.clear()
        registering = asyncio.create_task(press.register())
        await until(lambda: "commit 3" in press.events)
        asked = asyncio.create_task(press.publication.covering(3))
        await press.looks(1)
        press.store.may_return.set()
        assert (await asyncio.wait_for(asked, 20)).size == 4
        await registering

    Press().run(story)


def test_a_quiet_ledger_is_dated_anew_every_minute() -> None:
    async def story(press: Press) -> None:
        first = await press.publication.covering(1)
        press.now += RESTAMP_SECONDS
        press.passed += RESTAMP_SECONDS - 2
        await press.looks()
        assert press.publication.current is first
        press.passed += 2
        await until(lambda: press.publication.current is not first)
        second = press.publication.current
        assert second is not None
        assert (second.size, second.time) == (first.size, NOW + RESTAMP_SECONDS)
        assert press.opened(second.note).times == ((QUANTUM.key, second.time),)
        assert press.store.published(first.size) == second.note

    press = Press(every=SOON)
    press.run(story)
    assert "commit 3" not in press.events  # the tree did not grow


def test_the_clock_never_runs_back() -> None:
    async def story(press: Press) -> None:
        first = await press.publication.covering(1)
        press.now -= 100
        second = await press.publication.covering(await press.register())
        assert second.time >= first.time
        head = press.store.head()
        assert head is not None
        assert second.time >= head.time

    Press().run(story)


def test_the_clock_does_not_run_back_over_a_restart_either() -> None:
    press = Press()
    dates: list[int] = []

    async def story(press: Press) -> None:
        dates.append((await press.publication.covering(1)).time)

    for now in (NOW + 500, NOW, NOW + 501):
        press.now = now
        press.run(story)
    assert dates == [NOW + 500, NOW + 500, NOW + 501]


def test_nothing_is_closed_twice_over_a_restart() -> None:
    press = Press()

    async def story(press: Press) -> None:
        assert (await press.publication.covering(1)).size == 2

    press.run(story)
    press.run(story)
    assert set(press.published()) == {2}
    assert "commit 3" not in press.events


@pytest.mark.parametrize("step", ["tiles", "checkpoint"])
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), StorageFailed("the folder is gone")]
)
def test_static_files_that_cannot_be_written_stop_nothing_and_are_counted(
    step: str, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    async def story(press: Press) -> None:
        await press.publication.covering(1)
        await until(lambda: press.events[-1] == "checkpoint 2")
        working = getattr(press.files, step)
        setattr(press.files, step, fails)
        size = (await press.publication.covering(await press.register())).size
        await until(lambda: press.publication.failures == 1)
        assert size == press.publication.size == 4
        assert len(press.files.notes) == 1  # without its tiles no checkpoint is shown either
        setattr(press.files, step, working)
        await press.publication.covering(await press.register())
        await until(lambda: press.events[-1] == "checkpoint 6")
        assert press.publication.failures == 1

    Press().run(story)


async def refused(waiting: asyncio.Task[Published]) -> None:
    with pytest.raises(LedgerStopped):
        await asyncio.wait_for(waiting, 20)


def break_commits(press: Press) -> None:
    press.store.broken = True


def break_synced_file(press: Press) -> None:
    def fails(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    press.site.keep_checkpoint = fails  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("fault", [break_commits, break_synced_file])
def test_who_waits_for_a_publication_that_fails_is_told(fault: Callable[[Press], Any]) -> None:
    async def story(press: Press) -> None:
        first = await press.publication.covering(1)
        size = await press.register()
        fault(press)
        waiting = [asyncio.create_task(press.publication.covering(size + n)) for n in range(3)]
        for one in waiting:
            await refused(one)
        await refused(asyncio.create_task(press.publication.covering(size)))
        with pytest.raises(LedgerStopped):
            await press.register()
        assert await press.publication.covering(first.size) == first  # what was shown still is

    Press().run(story)


def test_a_mistake_of_ours_in_a_publication_is_told_as_well() -> None:
    async def broken(_note: bytes, _size: int) -> tuple[bytes, bool]:
        raise RuntimeError("a bug")

    async def story(press: Press) -> None:
        await press.publication.covering(1)
        press.publication._cosign = broken
        size = await press.register()
        await refused(asyncio.create_task(press.publication.covering(size)))
        assert press.publication.failure is not None
        assert await press.register() == size + 2  # a root of the state stands between

    Press().run(story)


def test_a_publication_that_cannot_be_stored_is_not_shown() -> None:
    async def story(press: Press) -> None:
        gate = Gate()
        await press.publication.covering(1)
        press.publication._cosign = gate
        size = await press.register()
        waiting = asyncio.create_task(press.publication.covering(size))
        await until(lambda: gate.inside == 1)
        press.store.broken = True  # the tree is closed; the cosigned checkpoint is not stored
        gate.open.set()
        await refused(waiting)
        assert press.publication.size == 2

    Press().run(story)


def test_stopping_publishes_what_is_committed() -> None:
    press = Press()

    async def story(press: Press) -> None:
        await press.publication.covering(1)
        await press.register()

    press.run(story)
    assert press.published() == [2, 4]
    assert [size_of(note) for note in press.files.notes] == [2, 4]
    assert size_of(press.site.kept[-1]) == 4


def test_stopping_publishes_what_was_committed_while_one_was_under_way() -> None:
    press = Press()

    async def story(press: Press) -> None:
        await press.publication.covering(1)
        gate = press.publication._cosign = Gate()
        waiting = asyncio.create_task(press.publication.covering(await press.register()))
        await until(lambda: gate.inside == 1)
        await press.register()
        stopping = asyncio.create_task(press.stop())
        gate.open.set()
        await stopping
        assert (await waiting).size == 4

    press.run(story)
    assert press.published() == [2, 4, 4, 6, 6]  # dated, then cosigned


def test_a_crash_before_a_publication_and_a_clock_set_back_make_no_evidence() -> None:
    """What a witness has seen is dated; so a start may date nothing larger before it."""
    press = Press()
    seen: list[bytes] = []

    async def crashing(note: bytes, _size: int) -> tuple[bytes, bool]:
        seen.append(note)
        raise RuntimeError("the power failed")

    async def first(press: Press) -> None:
        await press.publication.covering(1)
        press.publication._cosign = crashing
        press.now += 120
        press.passed += RESTAMP_SECONDS  # the same tree is dated anew, beyond its last entry
        await until(lambda: press.publication.failure is not None)

    async def second(press: Press) -> None:
        await press.register()
        seen.append((await press.publication.covering(3)).note)

    press._every = SOON
    press.run(first)
    press.now -= 60
    press.run(second)
    witnessed, later = seen
    ledger, genesis = press.maker.ledger_hash, press.maker.genesis.operation
    accused = evidence.rollback(ledger, genesis, later, witnessed)
    with pytest.raises(MisbehaviourUnproved):
        evidence.check_evidence(accused, ledger, press.opened)


def test_who_asks_for_more_than_will_be_published_is_told_when_it_stops() -> None:
    async def story(press: Press) -> None:
        await press.publication.covering(1)
        waiting = asyncio.create_task(press.publication.covering(1_000))
        await press.looks(1)
        await press.stop()
        await refused(waiting)
        await refused(asyncio.create_task(press.publication.covering(1_000)))

    Press(every=SOON).run(story)


def test_the_log_signs_each_time_anew_and_only_what_it_is_asked_to() -> None:
    press = Press()

    async def story(press: Press) -> None:
        for _ in range(3):
            await press.publication.covering(await press.register())

    press.run(story)
    for size in press.published():
        note = press.store.published(size)
        assert note is not None
        lines = note.decode().partition("\n\n")[2].splitlines()
        assert len(lines) == len((LOG, QUANTUM))
        assert press.opened(note).checkpoint.size == size
