"""A writer and its publications without a service around them, for tests.

    async def story(press: Press) -> None:
        size = await press.register()                 # committed; the tree is of this size
        published = await press.publication.covering(size)

    press = Press(every=60)
    press.run(story)
    press.events                     # what was done, in order: "commit 2", "keep 2", "tiles 2", …

`press.now` is the clock that dates; `press.passed` are the seconds by which publication measures
how long ago something was, and pass when a test says so.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from identity.errors import LedgerStopped
from registry.checking import Checker
from registry.checkpoint import Checkpoint, OpenedCheckpoint
from registry.ledger import Ledger
from registry.note import Note
from registry.store import Batch, Head, MemoryStore
from resolver.folder import MemorySite
from resolver.publication import Cosign, Publication
from resolver.registration.writer import Job, Outcomes, Receipted, Writer
from resolver.schemes import SCHEMES
from resolver.settings import Settings
from tests.factory import LOG, NOW, ORIGIN, QUANTUM, RULES, UNIQUE, Maker
from tests.resolver.answering import pinned
from tests.resolver.town import SECRETS

WAIT_SECONDS = 30
"""After which a test that waits has failed."""


async def until(condition: Callable[[], bool]) -> None:
    """Lets everything else go on until something holds."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(0)


def size_of(note: bytes) -> int:
    """The size in a signed checkpoint."""
    return Checkpoint.parse(Note.parse(note).text).size


class RecordingStore(MemoryStore):
    """Tells what it does, and fails on demand."""

    def __init__(self, events: list[str]) -> None:
        super().__init__()
        self.events = events
        self.broken = False
        self.may_return = threading.Event()
        self.may_return.set()

    def commit(self, batch: Batch, expected: Head | None) -> None:
        if self.broken:
            raise LedgerStopped("the disk is full")
        super().commit(batch, expected)
        self.events.append(f"commit {batch.head.size}")
        assert self.may_return.wait(WAIT_SECONDS)

    def publish(self, size: int, note: bytes) -> None:
        if self.broken:
            raise LedgerStopped("the disk is full")
        super().publish(size, note)
        self.events.append(f"publish {size}")


class RecordingSite(MemorySite):
    """A site in memory whose store and synced file tell what they do."""

    def __init__(self, maker: Maker, events: list[str]) -> None:
        super().__init__(SECRETS, maker.genesis.operation)
        begun = self.store
        assert isinstance(begun, MemoryStore)
        self.store = RecordingStore(events)
        self.store.__dict__.update(vars(begun))
        self.events = events
        self.kept: list[bytes] = []

    def keep_checkpoint(self, note: bytes) -> None:
        self.kept.append(note)
        self.events.append(f"keep {size_of(note)}")


class Files:
    """A folder for static files that tells what it does, and fails on demand."""

    def __init__(self, events: list[str]) -> None:
        self.events = events
        self.broken: set[str] = set()
        self.notes: list[bytes] = []

    def tiles(self, size: int) -> None:
        if "tiles" in self.broken:
            raise OSError(28, "No space left on device")
        self.events.append(f"tiles {size}")

    def checkpoint(self, note: bytes) -> None:
        if "checkpoint" in self.broken:
            raise OSError(28, "No space left on device")
        self.notes.append(note)
        self.events.append(f"checkpoint {size_of(note)}")


class Press:
    """One ledger with its writer; each `run` is a process of its own over the same site."""

    def __init__(self, *, every: float = 60, cosign: Cosign | None = None) -> None:
        self.maker = Maker()
        self.events: list[str] = []
        self.site = RecordingSite(self.maker, self.events)
        self.store: RecordingStore = self.site.store  # type: ignore[assignment]
        self.files = Files(self.events)
        self.now = NOW
        self.passed = 0.0
        self.looked = 0
        """How often publication has looked at how much time had passed."""
        self.publication: Publication
        self.writer: Writer
        self._every = every
        self._cosign = cosign
        self._made = 0

    def run(self, story: Callable[[Press], Awaitable[Any]]) -> None:
        """Starts, tells the story, stops."""

        async def told() -> None:
            self._begin()
            self.writer.start(asyncio.get_running_loop())
            self.publication.start()
            try:
                await story(self)
            finally:
                await self.stop()

        with patch("resolver.publication.time", SimpleNamespace(monotonic=self._monotonic)):
            asyncio.run(told())

    def _begin(self) -> None:
        ledger = Ledger(self.store, RULES, self.site.signers, ORIGIN, threading.Lock())
        checker = Checker(SCHEMES, UNIQUE, lambda _: None)
        settings = Settings(checkers=0, checkpoint_seconds=60)
        self.writer = Writer(settings, ledger, checker, self.site, lambda: float(self.now))
        self.publication = Publication(
            self.writer,
            ledger,
            self.store,
            lambda _: (LOG, QUANTUM),
            lambda: float(self.now),
            self._every,
            static=self.files,
            cosign=self._cosign,
        )

    def _monotonic(self) -> float:
        self.looked += 1
        return self.passed

    async def stop(self) -> None:
        """Publishes what is committed, and ends the writer; more than once does no harm."""
        await self.publication.stop()
        await asyncio.to_thread(self.writer.stop)

    async def register(self) -> int:
        """One more organization; the size of the tree that holds it. Raises LedgerStopped."""
        self._made += 1
        first = self.maker.new_organization(f"Org {self._made}").first
        assert first is not None
        done: asyncio.Future[Outcomes] = asyncio.get_running_loop().create_future()
        self.writer.put(Job([first.submission], done))
        (outcome,) = await asyncio.wait_for(done, WAIT_SECONDS)
        assert isinstance(outcome, Receipted)
        return outcome.index + 1

    async def looks(self, times: int = 5) -> None:
        """Lets publication look at the time that often."""
        wanted = self.looked + times
        await until(lambda: self.looked >= wanted)

    def opened(self, note: bytes) -> OpenedCheckpoint:
        """A checkpoint, verified."""
        return pinned(self.maker).open(note)

    def published(self) -> list[int]:
        """The sizes that were published, in order."""
        found = (one.split() for one in self.events)
        return [int(size) for what, size in found if what == "publish"]
