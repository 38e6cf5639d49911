"""`kill -9` in the middle of load, again and again: what was receipted stays, once, for good.

A fleet is registered and lives over HTTP while its service is killed at random moments and started
again over the same folder. The fleet sends again what was not answered. After each kill, before the
service may start, the folder is opened as a service would open it, the whole ledger is audited, and
every receipt that was handed out so far is looked for in it.
"""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from identity.jcs import canonicalize
from identity.operation import operation_hash
from registry.audit import audit
from registry.entry import join_entry
from registry.receipt import TlogProof
from registry.replay import Audited
from registry.rules import RuleBook
from resolver.folder import DataFolder
from resolver.schemes import SCHEMES
from resolver.simulator.hostile import created
from resolver.simulator.process import ServiceProcess
from resolver.simulator.run import Simulation
from resolver.simulator.signing import Signed
from resolver.simulator.wire import Wire
from resolver.trust import Trust
from resolver.verifier import verify_receipt

KILLS = 24
WITHIN = 120.0
"""Seconds that anything may take: a limit for what is broken, not a wait."""
PATIENCE = 200
"""Attempts of one request, while its service is killed and audited."""


class Fleets(threading.Thread):
    """Fleets one after another, single and in batches, until it is told that it is enough."""

    def __init__(self, url: str, out: Path) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._out = out
        self.enough = threading.Event()
        self.runs: list[Simulation] = []
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._all())
        except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
            self.failure = error

    async def _all(self) -> None:
        async with Wire(self._url, 8, attempts=PATIENCE) as wire:
            while not self.enough.is_set():
                seed = len(self.runs)
                batch = (1, 25)[seed % 2]
                run = Simulation(wire, 150, seed=seed, workers=6, batch=batch, out=self._out)
                await run.begin()
                await run.found()
                await run.register()
                await run.live()
                self.runs.append(run)

    @property
    def acknowledged(self) -> int:
        """Bytes of receipts so far."""
        return self._out.stat().st_size if self._out.exists() else 0


class Receipts:
    """The receipts that were handed out, in the order of their coming."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._read = 0
        self.lines: list[dict[str, Any]] = []

    def new(self) -> list[dict[str, Any]]:
        """Those since the last time; a line is whole once it ends."""
        with self._out.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        found = [orjson.loads(line) for line in whole.splitlines()]
        self.lines += found
        return found


def examine(data: Path, receipts: Receipts) -> Audited:
    """The folder as a start finds it: it opens, the audit passes, every receipt is kept."""
    folder = DataFolder.open(data)
    try:
        trust = Trust.begin(folder.genesis)
        for line in receipts.new():
            verify_receipt(line["receipt"].encode(), line["operation"], trust.pinned)
        for line in receipts.lines:
            index = line["index"]
            (entry,) = folder.store.entries(index, index + 1)
            extra = TlogProof.parse(line["receipt"].encode()).extra
            assert entry == join_entry(extra, canonicalize(line["operation"]))
        return audit(folder.store, RuleBook(SCHEMES), stored=folder.store)
    finally:
        folder.close()


def wait_for_growth(load: Fleets) -> None:
    """Returns when something was acknowledged since."""
    before, limit = load.acknowledged, time.monotonic() + WITHIN
    runs = len(load.runs)
    while load.acknowledged == before and len(load.runs) == runs:
        assert load.failure is None, load.failure
        assert time.monotonic() < limit, "the load does not go on"
        time.sleep(0.005)


@pytest.mark.slow
def test_a_service_that_is_killed_forgets_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    chance = random.Random(20261122)  # noqa: S311 - moments, not secrets
    data, out = tmp_path / "city", tmp_path / "receipts.ndjson"
    receipts, sizes = Receipts(out), [0]
    with ServiceProcess(data) as service:
        load = Fleets(service.url, out)
        load.start()
        for _ in range(KILLS):
            wait_for_growth(load)
            load.join(chance.uniform(0, 0.6))  # in the middle of load, at a random moment
            service.kill()
            sizes.append(examine(data, receipts).size)
            service.start()
        load.enough.set()
        load.join(WITHIN)
        assert not load.is_alive()
        assert load.failure is None, load.failure
        served(service.url, receipts)
        assert service.stop() == 0
    audited = examine(data, receipts)
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > KILLS / 2  # most kills struck while the ledger was growing
    # Every fleet was served as though nothing had happened, and nothing stands there twice.
    expected: dict[str, int] = {"registry.genesis": 1}
    for run in load.runs:
        assert run.summary.ok, run.summary.refused
        assert run.summary.devices == 150
        for type_, count in run.summary.operations.items():
            expected[type_] = expected.get(type_, 0) + count
    operations = {type_: n for type_, n in audited.operations.items() if type_ != "state root"}
    assert operations == expected
    assert (
        len({operation_hash(line["operation"]) for line in receipts.lines})
        == expected["device.register"]
    )


def served(url: str, receipts: Receipts) -> None:
    """Every receipt is served anew, for the same place."""

    async def ask() -> None:
        async with Wire(url, 8) as wire:
            trust = await wire.trust()
            for line in receipts.lines:
                receipt = await wire.get(f"/v1/devices/{line['did']}/receipt")
                verified = verify_receipt(receipt, line["operation"], trust.pinned)
                assert verified.index == line["index"]

    receipts.new()
    asyncio.run(ask())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_that_has_begun_is_answered_before_the_service_ends(
    tmp_path: Path, number: int
) -> None:
    with ServiceProcess(tmp_path / "city") as service:
        lines = asyncio.run(registrations(service.url, 60))
        body = b"".join(line.submission + b"\n" for line in lines)
        host, _, port = service.url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), WITHIN) as connection:
            connection.sendall(
                b"POST /v1/operations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                b"Expect: 100-continue\r\nContent-Type: application/x-ndjson\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)
            )
            # The service reads the body now: the request has begun.
            assert connection.recv(64).startswith(b"HTTP/1.1 100 ")
            connection.sendall(body[:1000])
            service.signal(number)
            connection.sendall(body[1000:])
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, content = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        assert service.wait() == 0
        answers = [orjson.loads(line) for line in content.splitlines()]
        assert [one["status"] for one in answers] == [201] * 60
        service.start()
        again = asyncio.run(send(service.url, lines))
        assert [one["index"] for one in again] == [one["index"] for one in answers]
        assert {one["status"] for one in again} == {200}


async def registrations(url: str, count: int) -> list[Signed]:
    """Devices of a fleet whose organizations are registered, signed and not yet sent."""
    async with Wire(url, 1) as wire:
        run = Simulation(wire, count, seed=5)
        await run.begin()
        await run.found()
        return [run.fleet.registration(run.fleet.device(n), created()) for n in range(count)]


async def send(url: str, signed: list[Signed]) -> list[dict[str, Any]]:
    async with Wire(url, 1) as wire:
        outcomes = await wire.send(signed, batch=True)
        assert all(isinstance(one, dict) for one in outcomes), outcomes
        return [one for one in outcomes if isinstance(one, dict)]
