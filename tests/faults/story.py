"""The run that faults strike: a registry begun, registered with, published, stopped.

It goes through what `tetrad serve` goes through but for HTTP: DataFolder, Service, its writer. What
is handed out is written to a journal outside of the data folder, one line at a time and only after
it was handed out, so that the journal of a process that was killed holds what its clients hold.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from identity.errors import TetradError
from identity.operation import operation_hash
from registry.keyupdates import KeyUpdates
from registry.note import encode64
from registry.reader import LedgerReader
from registry.stores import sqlite
from registry.tile import WIDTH, cut_tile, encode_bundle, tile_path, tiles_of
from resolver.folder import DataFolder
from resolver.opening import check_published
from resolver.registration.writer import Receipted
from resolver.service import Service
from resolver.settings import Settings
from resolver.tile_folder import PublishedFiles, TileFolder
from tests.factory import NOW, Maker, Signed

WAL_PAGES: Final = 60
"""So few that the WAL is folded into the file in the middle of the run, as it is in a long one."""
FIRST: Final = 3
"""Steps of the story that are told before the folder is killed for the scene `recover`."""


class Places:
    """Where one run keeps what."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.data = base / "data"
        self.publish = base / "publish"
        self.journal = base / "journal"
        self.words = base / "stderr"
        self.trace = base / "trace"

    @property
    def kept(self) -> tuple[str, str]:
        """The folders whose syscalls are struck."""
        return str(self.data), str(self.publish)


def open_or_begin(places: Places) -> DataFolder:
    """The folder as `tetrad serve` takes it."""
    if DataFolder.exists(places.data):
        return DataFolder.open(places.data)
    return DataFolder.create(places.data, NOW)


@contextmanager
def serving(places: Places, now: int = NOW) -> Iterator[Service]:
    """The service as `tetrad serve --publish` puts it together, without checkers; not started."""
    site = open_or_begin(places)
    try:
        with TileFolder(places.publish) as folder:
            check_published(site.store, folder.checkpoint())
            reader = LedgerReader(site.store)
            static = PublishedFiles(folder, reader, KeyUpdates(site.store, reader).every)
            settings = Settings(checkers=0, checkpoint_seconds=60)
            yield Service(settings, site, lambda: float(now), static=static)
    finally:
        site.close()


def deck(genesis: dict[str, Any], now: int = NOW) -> list[list[Signed]]:
    """What is registered: single operations and a batch, the same for the same genesis."""
    maker = Maker(now=now)
    maker.ledger_hash = operation_hash(genesis)
    steps: list[list[Signed]] = []

    def then(*signed: Signed | None) -> None:
        steps.append([one for one in signed if one is not None])
        for one in steps[-1]:
            one.accepted()

    acme = maker.new_organization("Acme")
    then(acme.first)
    then(maker.prefix(acme, "gtin:09506000"))
    meter = maker.new_device("M-1", acme, number="1440000000001")
    then(meter.first)
    then(maker.rotate(meter))
    then(*(maker.new_device(f"B-{n}", acme, number=f"144100000000{n}").first for n in range(3)))
    then(maker.new_device("M-2", acme).first)
    return steps


class Journal:
    """What was handed out, a line each. One write(2) each, so that a line is whole or absent."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def say(self, kind: str, **members: Any) -> None:
        """Writes one line."""
        line = orjson.dumps({"kind": kind, **members}) + b"\n"
        if os.write(self._file, line) != len(line):
            raise RuntimeError("the journal is full")


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The lines so far."""
    if not path.exists():
        return []
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def served_tiles(service: Service, size: int) -> dict[str, str]:
    """The tiles and the bundle of a published tree, as the service answers for them."""
    found = {
        tile_path(*tile): encode64(cut_tile(service.reader.tile(tile.level, tile.n), tile.width))
        for tile in tiles_of(size)
    }
    for start in range(0, size, WIDTH):
        entries = service.reader.entries(start, min(size, start + WIDTH))
        path = tile_path(-1, start // WIDTH, len(entries))
        found[path] = encode64(encode_bundle(entries))
    return found


async def submit(service: Service, journal: Journal, step: list[Signed]) -> bool:
    """Sends one step; what was answered goes into the journal. Whether all of it was accepted."""
    lines = [one.submission for one in step]
    try:
        if len(lines) == 1:
            outcomes: list[Receipted | TetradError] = [await service.submit(lines[0])]
        else:
            outcomes = await service.submit_batch(lines)
    except TetradError as error:
        outcomes = [error] * len(lines)
    for one, outcome in zip(step, outcomes, strict=True):
        if isinstance(outcome, TetradError):
            journal.say("refused", hash=one.hash, error=outcome.code, detail=outcome.detail)
            continue
        journal.say(
            "receipt",
            operation=one.operation,
            index=outcome.index,
            repeated=outcome.repeated,
            receipt=outcome.receipt,
        )
    return not any(isinstance(outcome, TetradError) for outcome in outcomes)


async def publish(service: Service, journal: Journal) -> None:
    """Asks for the published checkpoint and its tiles, as a client would."""
    try:
        published = await service.checkpoint()
        tiles = served_tiles(service, published.size)
        journal.say("checkpoint", note=published.note.decode(), tiles=tiles)
    except TetradError as error:
        journal.say("refused", hash="", error=error.code, detail=error.detail)


Gate = Callable[[str], None]
"""`gate(name)`: the moment of that name has come; strace may attach before it goes on."""


async def tell(places: Places, gate: Gate, steps: int | None = None) -> None:
    """The story. With `steps`, killed after so many of them."""
    gate("opening")
    journal = Journal(places.journal)
    with serving(places) as service:
        journal.say("ledger", genesis=service.site.genesis)
        await asyncio.to_thread(int)  # the thread that does such things is there from now on
        await service.start()
        gate("running")
        await publish(service, journal)
        refused = 0
        for number, step in enumerate(deck(service.site.genesis)):
            if number == steps:
                os.kill(os.getpid(), signal.SIGKILL)
            refused += not await submit(service, journal, step)
            if refused > 1:  # it has stopped, and has been seen to stay so
                break
            if number % 2:
                await publish(service, journal)
        await publish(service, journal)
        await service.stop()
    journal.say("end")


def tell_all(places: Places, gate: Gate) -> None:
    """The whole story, with a WAL that is folded in the middle of it."""
    sqlite.CHECKPOINT_PAGES = WAL_PAGES
    asyncio.run(tell(places, gate))
