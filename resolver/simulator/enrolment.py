"""A factory's devices sent to a service: each enrols itself, and no organization signs for it.

    summary = run_factory("http://127.0.0.1:8000", devices=10_000, seed=7)

An organization takes a prefix and grants its own factory to enrol. Certificates, keys and
signatures are made first, in processes of their own and outside of what is measured, as a factory
makes them long before a device is switched on. Then all of them register, batch by batch.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

from identity.errors import MalformedInput, PolicyViolated
from identity.keys import P256
from resolver.schemes.samples import digital_link
from resolver.simulator.factory import Factory, Line, make_registrations
from resolver.simulator.hostile import created
from resolver.simulator.profiles import MOST_DEVICES
from resolver.simulator.run import LONGEST, MOST_BATCH, MOST_WORKERS, Progress, Simulation, silent
from resolver.simulator.signing import Signed
from resolver.simulator.summary import Summary
from resolver.simulator.wire import Wire

_ITEM = 9
"""Of the operator's block: the trade item that the factory makes."""
_CHUNK = 250


def run_factory(
    url: str,
    devices: int,
    *,
    workers: int = 2,
    seed: int | None = None,
    out: Path | None = None,
    batch: int = MOST_BATCH,
    algorithm: str = P256,
    progress: Progress = silent,
    seconds: float = LONGEST,
) -> Summary:
    """Registers the devices of a factory at the service at `url`, on this machine.

    `workers` send at the same time, each `batch` registrations a request. Raises as
    `run_simulation` does.
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
            run = FactoryRun(
                wire, devices, seed=drawn, workers=workers, batch=batch, out=out, progress=progress
            )
            await run.begin()
            await run.grant(algorithm)
            run.make()
            await run.register()
            return run.summary

    try:
        return asyncio.run(bounded())
    except TimeoutError:
        raise PolicyViolated(
            f"the run took longer than {seconds:.0f} s", hint="fewer devices, or more seconds"
        ) from None


class FactoryRun(Simulation):
    """One run, step by step: `begin`, `grant`, `make`, `register`."""

    line: Line
    made: list[Signed]

    async def grant(self, algorithm: str) -> None:
        """Registers the organization, takes its prefix, and lets its factory enrol."""
        fleet, accepted = self.fleet, self.fleet.book.accepted
        operator, block = fleet.operator, fleet.identifiers.prefix("gs1")
        template = digital_link(block[1:], _ITEM, "1").removesuffix("1") + "{serial}"
        factory = Factory(self._seed, algorithm)
        scope = factory.scope("gs1", template, self._count)
        joins = fleet.joins(operator, created())
        await self.insist(joins)
        accepted(joins, operator)
        takes = fleet.takes(operator, "gs1", block, created())
        await self.insist(takes)
        accepted(takes, operator)
        body: dict[str, Any] = {"right": "enrol", "to": operator.did, "scope": scope}
        grants = fleet.book.sign("grant.issue", body, created(), by=[operator], subject=operator)
        await self.insist(grants)
        accepted(grants, operator)
        self.summary.operator = operator.did
        record = {"grant": grants.hash, "to": operator.did, "scope": scope}
        self.line = Line(self._seed.value, algorithm, self.trust.ledger, record, created())

    def make(self) -> None:
        """Certifies all devices, and lets each sign its registration."""
        told = self._progress("certificates")
        self.made = []
        chunks = [
            range(start, min(start + _CHUNK, self._count))
            for start in range(0, self._count, _CHUNK)
        ]
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
            for made in pool.map(make_registrations, [self.line] * len(chunks), chunks):
                self.made += made
                told(len(self.made), self._count)

    async def register(self) -> None:
        """Registers all devices; receipts are verified as they come."""
        told, began = self._progress("devices"), time.perf_counter()
        chunks = iter(
            self.made[start : start + self._batch] for start in range(0, self._count, self._batch)
        )

        async def worker() -> None:
            for chunk in chunks:
                await self._send(chunk)
                told(self.summary.devices, self._count)

        with self._output():
            await asyncio.gather(*(worker() for _ in range(self._workers)))
        self.summary.seconds = time.perf_counter() - began

    async def _send(self, chunk: Sequence[Signed]) -> None:
        outcomes = await self.wire.send(chunk, batch=True)
        for signed, outcome in zip(chunk, outcomes, strict=True):
            if not self._verified(signed, outcome):
                continue
            self.summary.devices += 1
            self.summary.profiles["factory"] += 1
            answer = cast("dict[str, Any]", outcome)
            body = cast("dict[str, Any]", signed.operation["body"])
            self._put(answer["did"], body["code"], body["number"], signed, answer)
