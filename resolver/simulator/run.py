"""A fleet sent to a service: registered, living, and attacking where it is told to.

    summary = run_simulation("http://127.0.0.1:8000", devices=1_000, workers=8, seed=7)
    summary.ok                        # nothing refused, every attack failed as it should

The same seed gives the same keys, identifiers and operations, but for their times; so a seed is
played once on a ledger. Each device that the service acknowledges gets a line of JSON in `out` at
once, when its receipt has been verified: DID, code, index, receipt, and the operation that is
needed to verify it again offline. The file is its owner's alone: it holds disclosed values.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import get_context
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import orjson

from identity.errors import InvalidReceipt, KeyReused, MalformedInput, PolicyViolated, TetradError
from resolver.simulator.fleet import Device, Fleet
from resolver.simulator.hostile import created, play
from resolver.simulator.life import happen, happened, life
from resolver.simulator.profiles import MOST_DEVICES
from resolver.simulator.seed import Seed
from resolver.simulator.signing import Book, Signed
from resolver.simulator.summary import Summary
from resolver.simulator.wire import Outcome, Wire
from resolver.trust import Trust
from resolver.verifier import verify_receipt

MOST_WORKERS = 256
MOST_BATCH = 500
LONGEST = 24 * 3_600
"""Seconds after which a run gives up."""

_SIGNERS_FROM = 2_000
"""Devices from which signing in processes of their own is worth starting them."""

Progress = Callable[[str], Callable[[int, int], None]]
"""what -> a function that is told (done, total)."""


def silent(_: str) -> Callable[[int, int], None]:
    """No progress."""
    return lambda _done, _total: None


def run_simulation(
    url: str,
    devices: int,
    *,
    workers: int = 8,
    seed: int | None = None,
    out: Path | None = None,
    hostile: bool = False,
    batch: int = 1,
    living: bool = True,
    progress: Progress = silent,
    seconds: float = LONGEST,
) -> Summary:
    """Simulates a fleet against the service at `url`, on this machine.

    `workers` send at the same time, each `batch` registrations a request; without a `seed` one is
    drawn. After `seconds` the run ends with an error. Raises MalformedInput for arguments out of
    bounds, PolicyViolated where the ledger is no sandbox, ServerUnreachable, and whatever the
    service refuses of the organizations.
    """
    for name, value, most in (
        ("devices", devices, MOST_DEVICES),
        ("workers", workers, MOST_WORKERS),
        ("batch", batch, MOST_BATCH),
    ):
        if not 1 <= value <= most:
            raise MalformedInput(f"{name} is {value}", hint=f"1 to {most:,}")
    drawn = secrets.randbelow(2**32) if seed is None else seed

    async def bounded() -> Summary:
        async with asyncio.timeout(seconds), Wire(url, workers) as wire:
            run = Simulation(
                wire, devices, seed=drawn, workers=workers, batch=batch, out=out, progress=progress
            )
            await run.begin()
            await run.found()
            await run.register()
            if living:
                await run.live()
            if hostile:
                await run.attack()
            return run.summary

    try:
        return asyncio.run(bounded())
    except TimeoutError:
        raise PolicyViolated(
            f"the run took longer than {seconds:.0f} s", hint="fewer devices, or more seconds"
        ) from None


class Kept(NamedTuple):
    """A registration that was acknowledged, and its place in the ledger."""

    did: str
    signed: Signed
    entry: int


class Simulation:
    """One run, step by step: `begin`, `found`, `register`, then what is wanted of `live` and
    `attack`."""

    def __init__(
        self,
        wire: Wire,
        devices: int,
        *,
        seed: int,
        workers: int = 8,
        batch: int = 1,
        out: Path | None = None,
        keep: bool = False,
        progress: Progress = silent,
    ) -> None:
        """With `keep`, the registrations stay at hand in `kept`."""
        self.wire = wire
        self.fleet: Fleet
        self.trust: Trust
        self.devices: list[Device] = []
        """Those that were acknowledged."""
        self.kept: dict[int, Kept] = {}
        """By device number."""
        self._keep = keep
        self._count = devices
        self._workers = workers
        self._batch = batch
        self._progress = progress
        self._seed = Seed(seed)
        self._out: BinaryIO | None = None
        self.summary = Summary(wire.url, "", seed, out=out)

    async def begin(self) -> None:
        """Pins the ledger behind the service. Raises PolicyViolated where it is no sandbox."""
        self.trust = await self.wire.trust()
        if not self.trust.sandbox:
            raise PolicyViolated(
                "a fleet is simulated in a sandbox, where anyone is admitted",
                hint="tetrad serve on an empty folder makes one",
            )
        self.summary.ledger = self.trust.ledger
        self.fleet = Fleet(Book(self.trust.ledger, self._seed))

    async def found(self) -> None:
        """Registers the organizations, and takes the prefixes."""
        fleet, accepted = self.fleet, self.fleet.book.accepted
        for party in (fleet.operator, fleet.maker):
            joins = fleet.joins(party, created())
            await self.insist(joins)
            accepted(joins, party)
        for scheme, prefix in fleet.blocks(self._count):
            takes = fleet.takes(fleet.operator, scheme, prefix, created())
            await self.insist(takes)
            accepted(takes, fleet.operator)
        self.summary.operator = fleet.operator.did

    async def insist(self, signed: Signed) -> None:
        """Sends what nothing can go on without. Raises its refusal."""
        (outcome,) = await self.wire.send([signed], batch=False)
        if isinstance(outcome, KeyReused):
            outcome.hint = "this seed was played on this ledger before: choose another"
        self._verified(signed, outcome)
        if isinstance(outcome, TetradError):
            raise outcome

    def _verified(self, signed: Signed, outcome: Outcome) -> bool:
        """Whether an operation was acknowledged; its receipt is verified, the outcome counted."""
        if isinstance(outcome, TetradError):
            self.summary.refused[outcome.code] += 1
            return False
        receipt = verify_receipt(
            cast("str", outcome["receipt"]).encode(), signed.operation, self.trust.pinned
        )
        if (receipt.hash, receipt.index) != (signed.hash, outcome["index"]):
            raise InvalidReceipt("the receipt is of another operation")
        self.summary.operations[signed.type] += 1
        return True

    async def register(self) -> None:
        """Registers all devices."""
        told, began = self._progress("devices"), time.perf_counter()
        chunks = iter(
            range(start, min(start + self._batch, self._count))
            for start in range(0, self._count, self._batch)
        )
        with self._output(), _signers(self._count) as pool:

            async def worker() -> None:
                for chunk in chunks:
                    self.devices += await self._register_chunk(chunk, pool)
                    told(len(self.devices), self._count)

            await _together(worker() for _ in range(min(self._workers, self._count)))
        self.summary.seconds = time.perf_counter() - began

    async def _register_chunk(self, chunk: range, pool: ProcessPoolExecutor | None) -> list[Device]:
        fleet, summary = self.fleet, self.summary
        signing = (
            *(self._seed.value, summary.ledger, fleet.operator.did, fleet.maker.did),
            *(chunk, created()),
        )
        if pool is None:
            signed = sign_registrations(*signing)
        else:
            loop = asyncio.get_running_loop()
            signed = await loop.run_in_executor(pool, sign_registrations, *signing)
        outcomes = await self.wire.send(signed, batch=self._batch > 1)
        found: list[Device] = []
        for n, one, outcome in zip(chunk, signed, outcomes, strict=True):
            if not self._verified(one, outcome):
                continue
            device = fleet.device(n)
            fleet.registered(device, one)
            self._write(device, one, cast("dict[str, Any]", outcome))
            summary.devices += 1
            summary.profiles[device.profile.name] += 1
            if self._keep:
                index = cast("int", cast("dict[str, Any]", outcome)["index"])
                self.kept[n] = Kept(device.party.did, one, index)
            found.append(device)
        return found

    def _output(self) -> AbstractContextManager[object]:
        """The file of receipts while it is open; further runs write below what is there."""
        if self.summary.out is None:
            return nullcontext()
        try:
            file = os.open(self.summary.out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise MalformedInput(
                f"{self.summary.out} cannot be written: {error.strerror}"
            ) from None
        self._out = os.fdopen(file, "wb")
        return self._out

    def _write(self, device: Device, signed: Signed, outcome: dict[str, Any]) -> None:
        number = device.number._asdict() if device.number else "none"
        self._put(device.party.did, device.code._asdict(), number, signed, outcome)

    def _put(
        self, did: str, code: object, number: object, signed: Signed, outcome: dict[str, Any]
    ) -> None:
        """A line of the file of receipts, at once."""
        if self._out is None:
            return
        line = {
            "did": did,
            "code": code,
            "number": number,
            "index": outcome["index"],
            "receipt": outcome["receipt"],
            "operation": signed.operation,
            "disclosures": signed.disclosures,
        }
        self._out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._out.flush()

    async def live(self) -> None:
        """Lets devices live: what happens to one happens in order, to different ones at once."""
        lives = [(device, life(self._seed, device)) for device in sorted(self.devices, key=_number)]
        began = time.perf_counter()
        total = sum(len(events) for _, events in lives)
        told, pending = self._progress("events"), iter(lives)

        async def worker() -> None:
            for device, events in pending:
                for event in events:
                    signed = happen(self.fleet, device, event, created())
                    (outcome,) = await self.wire.send([signed], batch=False)
                    if not self._verified(signed, outcome):
                        break
                    happened(self.fleet, device, event, signed)
                    self.summary.lived += 1
                    told(self.summary.lived, total)

        await _together(worker() for _ in range(self._workers))
        self.summary.living_seconds = time.perf_counter() - began

    async def attack(self) -> None:
        """Plays every attack."""
        self.summary.attacks = await play(self.wire, self.fleet, self._count)


def _number(device: Device) -> int:
    return device.n


def _signers(devices: int) -> AbstractContextManager[ProcessPoolExecutor | None]:
    """Processes that sign, for a large fleet."""
    if devices < _SIGNERS_FROM:
        return nullcontext()
    return ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Runs all of it at the same time; the first failure ends the rest, and is raised."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def sign_registrations(
    seed: int, ledger: str, operator: str, maker: str, chunk: range, time_: str
) -> list[Signed]:
    """The registrations of some devices; needs nothing but what it is given, so that other
    processes can do it as well."""
    fleet = Fleet(Book(ledger, Seed(seed)))
    fleet.operator.did, fleet.maker.did = operator, maker
    return [fleet.registration(fleet.device(n), time_) for n in chunk]
