"""Publication: from a commit to the checkpoint that everybody is shown.

    publication = Publication(writer, ledger, store, signers, clock, every=1)
    publication.start()
    published = await publication.covering(size)     # a checkpoint over so many entries, or more

One at a time: the writer closes the tree with the root of its state and keeps the checkpoint in the
synced file; the log signs it, with the dated line; tiles go into the folder for static files, where
there is one; witnesses are asked; the cosigned checkpoint is stored and shown. From then on proofs
of the state stand on it. What is published is made anew every minute, so that its age means
something. A witness that is slow, dead or unwilling holds up a publication for a bounded time, and
never a registration: verifiers hold the checkpoint against their own policy. Specified in
specs/2-registry.md, "Publication".
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, Protocol

from identity.errors import LedgerStopped, TetradError
from registry.ledger import Ledger
from registry.note import Note, Signer, sign_note
from registry.reader import LedgerReader
from registry.store import Store
from resolver.held import newest_date
from resolver.registration.writer import Writer

RESTAMP_SECONDS: Final = 60
"""What is published is dated, and cosigned, anew at least this often."""
RETRY_SECONDS: Final = 5
"""After which witnesses are asked again where the quorum was not met."""

logger = logging.getLogger("tetrad")


class Published(NamedTuple):
    """What is shown: the tree's size, its signed checkpoint, and when it was dated."""

    size: int
    note: bytes
    time: int


class StaticFiles(Protocol):
    """A folder of static files that follows what is published."""

    def tiles(self, size: int) -> None:
        """Makes every tile and bundle of the tree durable. Raises TetradError, OSError."""
        ...

    def checkpoint(self, note: bytes) -> None:
        """Shows the checkpoint, once its tiles are there. Raises TetradError, OSError."""
        ...


Cosign = Callable[[bytes, int], Awaitable[tuple[bytes, bool]]]
"""(note, size) -> the note with the cosignatures that came in time; whether they are a quorum."""


class Publication:
    """The publications of one service. Belongs to its event loop."""

    def __init__(
        self,
        writer: Writer,
        ledger: Ledger,
        store: Store,
        signers: Callable[[int], Sequence[Signer]],
        clock: Callable[[], float],
        every: float,
        *,
        static: StaticFiles | None = None,
        cosign: Cosign | None = None,
    ) -> None:
        """`signers` are those of a tree's size; `every` is how many seconds at most lie between a
        commit and its publication."""
        self._writer = writer
        self._ledger = ledger
        self._store = store
        self._reader = LedgerReader(store)
        self._signers = signers
        self._clock = clock
        self._every = every
        self._static = static
        self._cosign = cosign
        self._current: Published | None = None
        self._wanted = asyncio.Event()
        self._wanted_size = self._wanted_time = 0
        """What those who set it wait for: entries under a publication, and its date."""
        self._shown = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.cosigned = False
        """Whether what is shown met the policy of the witnesses, where there is one."""
        self.failures = 0
        """Of the folder for static files, for /metrics."""
        self.on_shown: Callable[[int, bytes], None] = _nobody
        """Called with size and note of what is shown, each time."""
        self.failure: LedgerStopped | None = None
        """Why nothing is published any more."""

    def start(self) -> None:
        """Begins: the first publication loads the state map."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Publishes what is committed, then ends."""
        self._stopping = True
        self._wanted.set()
        if self._task is not None:
            await self._task

    @property
    def current(self) -> Published | None:
        """What is shown now; None before the first publication of this process."""
        return self._current

    @property
    def size(self) -> int:
        """Entries under it."""
        return self._current.size if self._current else 0

    async def covering(self, size: int) -> Published:
        """A publication over at least `size` committed entries; a new one where the last is not.

        Raises LedgerStopped where there will be none.
        """
        while self._current is None or self._current.size < size:
            if self.failure is not None:
                raise self.failure
            self._wanted_size = max(self._wanted_size, size)
            self._wanted.set()
            async with self._shown:
                await self._shown.wait_for(
                    lambda: self.failure is not None or self.size >= size or self._ended
                )
            if self._ended and self.size < size and self.failure is None:
                raise LedgerStopped("the service is stopping", retry_after=1)
        return self._current

    async def renew(self) -> None:
        """Publishes again, dated from now on, though it be the same tree.

        Raises LedgerStopped where there will be no publication.
        """
        now = int(self._clock())

        def dated() -> bool:
            return self._current is not None and self._current.time >= now

        while not dated():
            if self.failure is not None:
                raise self.failure
            if self._ended:
                raise LedgerStopped("the service is stopping", retry_after=1)
            # Where a publication is under way already, with an earlier date, another one follows.
            self._wanted_time = max(self._wanted_time, now)
            self._wanted.set()
            async with self._shown:
                await self._shown.wait_for(
                    lambda: self.failure is not None or dated() or self._ended
                )

    @property
    def _grown(self) -> bool:
        """Whether there are entries that are not published."""
        head = self._ledger.head
        return head is not None and head.size > self.size

    @property
    def _has_what_is_wanted(self) -> bool:
        shown = self._current
        return shown is not None and (
            shown.size >= self._wanted_size and shown.time >= self._wanted_time
        )

    @property
    def _ended(self) -> bool:
        return self._task is not None and self._task.done()

    async def _run(self) -> None:
        began = time.monotonic()
        try:
            while True:
                self._wanted.clear()
                began = time.monotonic()
                await self._publish()
                if self._stopping and not self._grown:
                    return
                await self._wait(began)
        except (TetradError, OSError) as error:
            detail = error.detail if isinstance(error, TetradError) else str(error)
            logger.critical("nothing is published any more: %s", detail)
            self.failure = self._writer.failure or LedgerStopped(f"publication: {detail}")
        except Exception as error:
            logger.exception("publication failed")
            self.failure = LedgerStopped(f"publication failed: {type(error).__name__}")
        finally:
            async with self._shown:
                self._shown.notify_all()

    async def _wait(self, began: float) -> None:
        """Until somebody asks for more, or what was published has become old."""
        while not self._stopping:
            age = time.monotonic() - began
            grown = self._grown
            # Whoever asks may know of a commit from the store before the writer has told of it;
            # whoever asked while this was on its way has it by now.
            if self._has_what_is_wanted:
                self._wanted.clear()
            if self._wanted.is_set() or (grown and age >= self._every):
                return
            # Without a quorum, those that failed are asked again: they have their own pauses.
            whole = self._cosign is None or self.cosigned
            due = RESTAMP_SECONDS - 1 if whole else RETRY_SECONDS
            if age >= due:
                return
            left = self._every - age if grown else min(self._every, due - age)
            try:
                await asyncio.wait_for(self._wanted.wait(), max(left, 0.01))
            except TimeoutError:
                continue

    async def _publish(self) -> None:
        size = await self._writer.close()
        now = self._now()
        text = Note.parse(self._reader.checkpoint(size)).text
        note = sign_note(text, self._signers(size), now)
        written = await self._write(lambda static: static.tiles(size))
        if self._cosign is not None:
            note = signed = with_cosignatures(note, self._store.published(size))
            # A witness may show it to anybody: its date is kept before it leaves, so that no later
            # start dates a larger tree earlier, which would be evidence of a rollback.
            await self._writer.run(lambda: self._store.publish(size, signed))
            note, self.cosigned = await self._cosign(note, size)
        await self._writer.run(lambda: self._store.publish(size, note))
        self._ledger.state_map.publish()  # in this thread, as every proof is made in it
        self._current = Published(size, note, now)
        self.on_shown(size, note)
        if written:
            await self._write(lambda static: static.checkpoint(note))
        async with self._shown:
            self._shown.notify_all()

    def _now(self) -> int:
        """The clock, which never runs back: not behind the last entry, nor the last date."""
        head = self._ledger.head
        last = self._current.time if self._current else newest_date(self._store.published())
        return max(int(self._clock()), head.time if head else 0, last)

    async def _write(self, step: Callable[[StaticFiles], None]) -> bool:
        """Whether a step of the folder for static files was done, which may fail without stopping
        the ledger: without its tiles no checkpoint is shown there."""
        if self._static is None:
            return False
        try:
            await asyncio.to_thread(step, self._static)
        except (TetradError, OSError) as error:
            self.failures += 1
            hint = getattr(error, "hint", "")
            said = f"{error}; {hint}" if hint else error
            logger.warning("static files could not be written: %s", said)
            return False
        return True


def _nobody(_size: int, _note: bytes) -> None:
    """Nobody wants to know."""


def with_cosignatures(note: bytes, before: bytes | None) -> bytes:
    """A checkpoint with the lines that an earlier note of the same tree has, and it has not: what a
    witness once cosigned does not end with the witness, it only grows old."""
    fresh, earlier = Note.parse(note), Note.parse(before or note)
    if fresh.text != earlier.text:
        return note
    known = {(line.name, line.id) for line in fresh.signatures}
    more = [line for line in earlier.signatures if (line.name, line.id) not in known]
    return Note(fresh.text, (*fresh.signatures, *more)).format()
