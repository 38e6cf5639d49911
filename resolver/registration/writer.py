"""The writer's thread: a bounded queue in front of `Ledger.append`.

While one commit is on its way to the disk, the next collects: whoever waits then goes into it
together. There is no timer. Single operations are checked here, those of one commit together, which
is cheaper than one by one and leaves the event loop free; the lines of batches come from the
checkers. Receipts are made after the commit, under its checkpoint, and the event loop is told once
for each commit. A failed commit stops the writer for good: every waiting and every later operation
is answered LedgerStopped, until an operator starts the service again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from identity.errors import LedgerStopped, TetradError
from registry.checking import Checked, Checker
from registry.ledger import Accepted, Ledger, Outcome
from registry.reader import LedgerReader
from resolver.folder import Site
from resolver.registration.checkers import read_item
from resolver.settings import Settings

logger = logging.getLogger("tetrad")


@dataclass(frozen=True, slots=True)
class Receipted:
    """An operation that stands in the ledger, with its receipt (empty where none was wanted)."""

    checked: Checked
    index: int
    repeated: bool
    receipt: str


Outcomes = list[Receipted | TetradError]
Errand = tuple[Callable[[], Any], asyncio.Future[Any]]
T = TypeVar("T")


@dataclass(slots=True)
class Job:
    """Operations that are committed together, and where the outcome goes."""

    lines: Sequence[bytes]
    """Submissions as they were received, or what checkers found (then `found` is set)."""
    done: asyncio.Future[Outcomes]
    found: bool = False
    receipts: bool = True


@dataclass(slots=True)
class Figures:
    """What the writer has done, for /metrics."""

    commits: int = 0
    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    seconds: float = 0.0
    """In commits, from the first rule to the last receipt."""


class Writer:
    """Owns the ledger. `put`, `reserve` and `release` belong to the event loop's thread."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        checker: Checker,
        site: Site,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._checker = checker
        self._site = site
        self._clock = clock
        self._reader = LedgerReader(site.store)  # a reader belongs to one thread
        self._jobs: deque[Job] = deque()
        self._errands: list[Errand] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="tetrad-writer", daemon=True)
        self._kept_at = 0.0
        self.waiting = 0
        """Operations that were taken and are not answered yet."""
        self.kept = 0
        """Size of the checkpoint in the synced file."""
        self.failure: LedgerStopped | None = None
        self.figures = Figures()
        self.on_commit: Callable[[int], None] = _nobody
        """Called in the event loop with the size of the ledger, once it is on disk."""
        self._told = 0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts the thread; outcomes go to this loop."""
        self._loop = loop
        self._keep()
        self._thread.start()

    def stop(self) -> None:
        """Commits what is waiting, writes the checkpoint, ends the thread. Blocks until then."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    def put(self, job: Job) -> None:
        """Queues a job; it is answered even where the caller has gone."""
        self.waiting += len(job.lines)
        with self._wake:
            if not self._ended:
                self._jobs.append(job)
                self._wake.notify()
                return
        self._answer([(job, LedgerStopped("the service has stopped"))])

    def reserve(self, operations: int) -> None:
        """Counts operations that are being checked as waiting."""
        self.waiting += operations

    def release(self, operations: int) -> None:
        """The opposite of `reserve`."""
        self.waiting -= operations

    async def run(self, errand: Callable[[], T]) -> T:
        """Runs something in the writer's thread, between two commits, and returns what it does.

        Raises what it raises; LedgerStopped where the writer has ended.
        """
        done = asyncio.get_running_loop().create_future()
        with self._wake:
            if self._ended:
                raise self.failure or LedgerStopped("the service has stopped")
            self._errands.append((errand, done))
            self._wake.notify()
        return cast("T", await done)

    async def close(self) -> int:
        """The size of a tree that holds all that was committed and ends in the root of its state;
        its checkpoint lies in the synced file. Raises LedgerStopped."""
        return await self.run(self._close)

    # What follows runs in the writer's thread.

    def _run(self) -> None:
        while True:
            jobs, errands = self._collect()
            if jobs:
                self._answer_soon(self._commit(jobs))
                self._tell_soon()
            try:
                if not jobs or self._stopping or self._due() <= 0:
                    self._keep()
            except (OSError, TetradError) as error:
                self._stop_for(LedgerStopped(f"the checkpoint cannot be kept: {error}"))
            for errand, done in errands:
                self._run_errand(errand, done)
            self._tell_soon()
            with self._wake:
                if self._stopping and not self._jobs and not self._errands:
                    self._ended = True
                    return

    def _run_errand(self, errand: Callable[[], Any], done: asyncio.Future[Any]) -> None:
        try:
            found = errand()
        except Exception as error:  # noqa: BLE001 - whoever waits for the errand is told
            self._call(_fail, (done, error))
        else:
            self._call(_succeed, (done, found))

    def _close(self) -> int:
        if self.failure is not None:
            raise self.failure
        try:
            size = self._ledger.close(int(self._clock()))
            self._keep()
        except OSError as error:
            self._stop_for(LedgerStopped(f"the checkpoint cannot be kept: {error}"))
            raise self.failure or error from None
        except TetradError as error:
            self._stop_for(LedgerStopped(f"the tree cannot be closed: {error.detail}"))
            raise self.failure or error from None
        return size

    def _collect(self) -> tuple[list[Job], list[Errand]]:
        """The jobs of the next commit; nothing when a checkpoint is due or the end has come."""
        with self._wake:
            while not (self._jobs or self._errands or self._stopping):
                behind = self._ledger_size() > self.kept and self.failure is None
                if behind and self._due() <= 0:
                    break
                self._wake.wait(self._due() if behind else None)
            jobs: list[Job] = []
            operations = 0
            while self._jobs and operations < self._settings.commit_operations:
                job = self._jobs.popleft()
                operations += len(job.lines)
                jobs.append(job)
            errands, self._errands = self._errands, []
            return jobs, errands

    def _commit(self, jobs: list[Job]) -> list[tuple[Job, Outcomes | TetradError]]:
        if self.failure is not None:
            return [(job, self.failure) for job in jobs]
        began = time.perf_counter()
        try:
            checked = self._check(jobs)
            outcomes = self._ledger.append(checked, int(self._clock()))
            answers = self._receipt(jobs, checked, outcomes)
        except LedgerStopped as error:
            self._stop_for(error)
            return [(job, error) for job in jobs]
        except Exception as error:
            logger.exception("the writer failed")
            self._stop_for(LedgerStopped(f"the writer failed: {type(error).__name__}"))
            return [(job, self.failure or LedgerStopped("the writer failed")) for job in jobs]
        self.figures.commits += 1
        self.figures.seconds += time.perf_counter() - began
        return answers

    def _check(self, jobs: list[Job]) -> list[Checked | TetradError]:
        """The operations of all jobs, in their order."""
        received = [line for job in jobs if not job.found for line in job.lines]
        checked = iter(self._checker.check_all(received))
        return [
            read_item(line) if job.found else next(checked) for job in jobs for line in job.lines
        ]

    def _receipt(
        self, jobs: list[Job], checked: list[Checked | TetradError], outcomes: list[Outcome]
    ) -> list[tuple[Job, Outcomes | TetradError]]:
        """Outcomes by job, with receipts where they are wanted."""
        wanted = iter(outcomes)
        indexes = [
            outcome.index
            for job in jobs
            for _, outcome in zip(job.lines, wanted, strict=False)
            if job.receipts and isinstance(outcome, Accepted)
        ]
        receipts = iter(self._reader.receipts(indexes) if indexes else [])
        pairs = zip(checked, outcomes, strict=True)
        return [
            (job, [self._outcome(*next(pairs), receipts, job) for _ in job.lines]) for job in jobs
        ]

    def _outcome(
        self,
        checked: Checked | TetradError,
        outcome: Outcome,
        receipts: Iterator[bytes],
        job: Job,
    ) -> Receipted | TetradError:
        if isinstance(outcome, TetradError):
            self.figures.refused += 1
            return outcome
        assert isinstance(checked, Checked)  # noqa: S101 - an error is never accepted
        self.figures.repeated += outcome.repeated
        self.figures.accepted += not outcome.repeated
        receipt = next(receipts).decode() if job.receipts else ""
        return Receipted(checked, outcome.index, outcome.repeated, receipt)

    def _stop_for(self, error: LedgerStopped) -> None:
        if self.failure is None:
            logger.critical("the ledger has stopped: %s", error.detail)
            self.failure = error

    def _ledger_size(self) -> int:
        head = self._ledger.head
        return head.size if head else 0

    def _due(self) -> float:
        """Seconds until the checkpoint must be kept."""
        return self._kept_at + self._settings.checkpoint_seconds - time.monotonic()

    def _keep(self) -> None:
        size = self._ledger_size()
        if size > self.kept and self.failure is None:
            self._site.keep_checkpoint(self._reader.checkpoint(size))
            self.kept = size
            self._kept_at = time.monotonic()

    def _tell_soon(self) -> None:
        size = self._ledger_size()
        if size > self._told:
            self._told = size
            self._call(self.on_commit, size)

    def _answer_soon(self, answers: list[tuple[Job, Outcomes | TetradError]]) -> None:
        self._call(self._answer, answers)

    def _call(self, function: Callable[..., None], argument: object) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, argument)

    # In the event loop's thread again.

    def _answer(self, answers: Sequence[tuple[Job, Outcomes | TetradError]]) -> None:
        for job, outcome in answers:
            self.waiting -= len(job.lines)
            if job.done.done():
                continue
            if isinstance(outcome, TetradError):
                job.done.set_exception(outcome)
            else:
                job.done.set_result(outcome)


def _nobody(_: int) -> None:
    """Nobody wants to know."""


def _succeed(outcome: tuple[asyncio.Future[Any], Any]) -> None:
    done, found = outcome
    if not done.done():
        done.set_result(found)


def _fail(outcome: tuple[asyncio.Future[Any], Exception]) -> None:
    done, error = outcome
    if not done.done():
        done.set_exception(error)
