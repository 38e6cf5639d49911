"""The service behind the HTTP endpoints: how an operation gets from bytes into the ledger.

    service = Service(Settings(), MemorySite(now))
    await service.start()
    receipted = await service.submit(received)        # returns when it is on disk, with a receipt
    await service.stop()                              # commits what was accepted, then returns

The lines of batches are checked in processes of their own; single operations and what was checked
go into one bounded queue to the writer, a thread of its own, so that neither a check nor a flush to
disk ever holds up the event loop (resolver/registration). A full queue is refused with Busy, before
any work is done. Nothing is answered before its commit has returned.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence

from identity.did import ledger_label, tetrad_did
from identity.errors import Busy, LedgerStopped, QuorumMissing, TetradError
from identity.operation import ESTABLISHING, operation_hash
from registry.checking import Checked, Checker
from registry.checkpoint import open_checkpoint
from registry.keyupdates import KeyUpdates
from registry.ledger import Ledger
from registry.logkeys import parsed_keys
from registry.policy import Policy
from registry.reader import LedgerReader
from registry.rules import RuleBook
from resolver.accredited import Accredited
from resolver.delegations import Delegations
from resolver.evidence import Evidence
from resolver.feed import Feed
from resolver.folder import Site
from resolver.presented import UniqueProofs
from resolver.publication import Publication, Published, StaticFiles
from resolver.registration.checker_pool import CheckerPool
from resolver.registration.keyring import Keyring
from resolver.registration.writer import Job, Outcomes, Receipted, Writer
from resolver.resolution import Resolver
from resolver.schemes import SCHEMES
from resolver.settings import Settings
from resolver.witnessing import Witnesses

logger = logging.getLogger("tetrad")

Clock = Callable[[], float]
"""Seconds since the epoch."""


class Service:
    """One ledger at work. Its methods belong to one event loop; start it there."""

    def __init__(
        self,
        settings: Settings,
        site: Site,
        clock: Clock = time.time,
        *,
        static: StaticFiles | None = None,
        witnesses: Policy | None = None,
    ) -> None:
        """`static` is a folder for static files, `witnesses` are asked to cosign what is published.
        Raises MalformedPolicy for a witness that cannot be asked."""
        self.settings = settings
        self.site = site
        self.clock = clock
        self.store = site.store
        self.schemes = SCHEMES
        self.unique = site.secrets.unique
        self.ledger_hash = operation_hash(site.genesis)
        self.label = ledger_label(self.ledger_hash)
        self.keyring = Keyring(site.store)
        self.reader = LedgerReader(site.store)
        guard = threading.Lock()
        ledger = Ledger(site.store, RuleBook(SCHEMES), site.signers, site.secrets.origin, guard)
        self.key_updates = KeyUpdates(site.store, self.reader)
        self.resolver = Resolver(site.store, self.reader, SCHEMES, self.unique.hash)
        self.delegations = Delegations(site.store, self.label)
        self.unique_proofs = UniqueProofs(site.store, self.reader, self.unique)
        self.accredited = Accredited(site.store, tetrad_did(self.ledger_hash, self.ledger_hash))
        self.evidence = Evidence(site.store, self.reader, ledger.state_map)
        checker = Checker(SCHEMES, self.unique.hash, self.keyring.key_of)
        self.writer = Writer(settings, ledger, checker, site, clock)
        self._pool = CheckerPool(settings, site.secrets, self.keyring)
        self.witnesses = (
            None
            if witnesses is None
            else Witnesses(witnesses, site.secrets.origin, LedgerReader(site.store).consistency)
        )
        self.publication = Publication(
            self.writer,
            ledger,
            site.store,
            lambda size: site.signers.of(self.reader.log_keys(size)),
            clock,
            max(0.05, settings.checkpoint_seconds),
            static=static,
            cosign=None if self.witnesses is None else self._cosign,
        )
        self.feed = Feed(self.reader, self.label)
        self.writer.on_commit = self.feed.committed
        self.publication.on_shown = self.feed.shown
        self._batches = 0
        self._stopping = False

    async def start(self) -> None:
        """Starts the writer and the checkers."""
        self.keyring.load()
        self.feed.committed(self.reader.head().size)
        self.writer.start(asyncio.get_running_loop())
        self.publication.start()
        await self._pool.start()

    async def stop(self) -> None:
        """Refuses new operations, commits those that were accepted, and writes the checkpoint."""
        self._stopping = True
        self.feed.close()
        await self.publication.stop()
        await asyncio.to_thread(self.writer.stop)
        await self._pool.stop()
        if self.witnesses is not None:
            await self.witnesses.close()

    async def _cosign(self, note: bytes, size: int) -> tuple[bytes, bool]:
        assert self.witnesses is not None  # noqa: S101 - it is asked for where there are some
        policy, log = self.witnesses.policy, parsed_keys(tuple(self.reader.log_keys(size)))
        cosigned = await self.witnesses.cosign(note, size, self.settings.witness_seconds)
        try:
            policy.cosigned_at(open_checkpoint(cosigned, log, policy.keys).times)
        except QuorumMissing as missing:
            logger.warning("published without a quorum: %s", missing.detail)
            return cosigned, False
        return cosigned, True

    @property
    def now(self) -> int:
        """Whole seconds since the epoch."""
        return int(self.clock())

    @property
    def ready(self) -> bool:
        """Whether operations are taken, and published."""
        return not self._stopping and self.failure is None

    @property
    def failure(self) -> TetradError | None:
        """What an operator has to look at before this goes on."""
        return self.writer.failure or self.publication.failure

    @property
    def checkers(self) -> list[int]:
        """The process ids of the checkers."""
        return self._pool.processes

    def did_of(self, checked: Checked) -> str | None:
        """The DID that an operation creates, if it creates one."""
        if checked.operation.type not in ESTABLISHING:
            return None
        return f"did:tetrad:{self.label}:{checked.hash}"

    async def submit(self, received: bytes, *, receipts: bool = True) -> Receipted:
        """One operation, until it is on disk. Raises its TetradError, Busy, LedgerStopped."""
        self._admit(1)
        (outcome,) = await self._commit([received], receipts=receipts)
        if isinstance(outcome, TetradError):
            raise outcome
        return outcome

    async def submit_batch(
        self, lines: Sequence[bytes], *, receipts: bool = True
    ) -> list[Receipted | TetradError]:
        """The lines of a batch, in their order; each has its own outcome. Raises Busy,
        LedgerStopped."""
        self._admit(len(lines))
        if not self.settings.checkers:
            return await self._commit(lines, receipts=receipts)
        self.writer.reserve(len(lines))
        try:
            found = await self._pool.check(lines)
        finally:
            self.writer.release(len(lines))
        outcomes = await self._commit(found, found=True, receipts=receipts)
        self._learn(outcomes)
        return outcomes

    def _learn(self, outcomes: Sequence[Receipted | TetradError]) -> None:
        """Looks up the keys that the checkers did not know, so that they will the next time."""
        for one in outcomes:
            if isinstance(one, Receipted) and one.checked.pending:
                for place in one.checked.pending:
                    method = one.checked.operation.proof[place].verificationMethod
                    self.keyring.key_of(method.rpartition("#")[2])

    async def _commit(
        self, lines: Sequence[bytes], *, found: bool = False, receipts: bool
    ) -> list[Receipted | TetradError]:
        done: asyncio.Future[Outcomes] = asyncio.get_running_loop().create_future()
        done.add_done_callback(_looked_at)
        self.writer.put(Job(lines, done, found, receipts))
        # The commit goes on when the caller goes away: it is in the queue, and others follow it.
        return await asyncio.shield(done)

    def _admit(self, operations: int) -> None:
        if self.writer.failure is not None:
            raise self.writer.failure
        if self._stopping:
            raise self.busy("the service is stopping", LedgerStopped)
        if self.writer.waiting + operations > self.settings.queue_length:
            raise self.busy("the queue of operations is full")

    def busy(self, detail: str, kind: type[TetradError] = Busy) -> TetradError:
        """An error that says when to come again."""
        return kind(
            detail,
            hint="send it again: it is registered once",
            retry_after=self.settings.retry_seconds,
        )

    def enter_batch(self) -> None:
        """Takes one of the places for batches. Raises Busy."""
        if self._batches >= self.settings.batches:
            raise self.busy("too many batches at a time")
        self._batches += 1

    def leave_batch(self) -> None:
        """Gives the place back."""
        self._batches -= 1

    async def checkpoint(self) -> Published:
        """A publication over all that was committed before it was asked for. Raises
        LedgerStopped."""
        return await self.publication.covering(self.reader.head().size)


def _looked_at(done: asyncio.Future[Outcomes]) -> None:
    """Takes note of the outcome where the caller, who would, has gone."""
    if not done.cancelled():
        done.exception()
