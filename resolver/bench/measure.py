"""The measurements themselves: each takes a folder or a running service and returns figures.

Ratios are formed with what the calibration of the same run gave. CPU is that of the server's
processes alone, so that the load generator, which shares the machine, does not count.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import orjson

from identity.errors import RuleBroken
from identity.operation import operation_hash
from registry.audit import audit
from registry.ledger import Ledger
from registry.reader import LedgerReader
from registry.rules import RuleBook
from resolver.bench import fleet
from resolver.bench.load import Load, drive, get, post
from resolver.bench.processes import Running, bare, service
from resolver.folder import DataFolder
from resolver.schemes import SCHEMES

CONNECTIONS = 32
BATCH = 500
CODES = 1_000
"""Of one question about many."""

Figures = dict[str, Any]


def _figures(load: Load, cpu: float, units: int) -> Figures:
    return {
        "units": units,
        "per_second": units / load.seconds,
        "cpu_us": cpu / units * 1e6,
        "p50_ms": median(load.latencies) * 1e3,
        "p99_ms": (quantiles(load.latencies, n=100)[98] if len(load.latencies) > 1 else 0) * 1e3,
    }


def _expect(load: Load, status: int, requests: int) -> None:
    if load.statuses != {status: requests}:
        raise RuleBroken(f"the bench expected {requests} answers {status}, got {load.statuses}")


def bare_rate(folder: Path, requests: int) -> Figures:
    """A bare ASGI application over the same connections."""
    with bare(folder) as running:
        drive(running.address, [get("/")] * 500, CONNECTIONS)
        began = running.cpu()
        load = drive(running.address, [get("/")] * requests, CONNECTIONS)
        _expect(load, 200, requests)
        return _figures(load, running.cpu() - began, requests)


def register_batches(running: Running, lines: Sequence[bytes]) -> Figures:
    """NDJSON batches of 500 over two connections, receipts included."""
    requests = [
        post("/v1/operations", "application/x-ndjson", b"\n".join(lines[a : a + BATCH]) + b"\n")
        for a in range(0, len(lines), BATCH)
    ]
    began = running.cpu()
    load = drive(running.address, requests, 2, keep=True)
    cpu = running.cpu() - began
    _expect(load, 200, len(requests))
    refused = [
        line for body in load.bodies for line in body.splitlines() if b'"status":201' not in line
    ]
    if refused:
        raise RuleBroken(f"a registration of the bench was refused: {refused[0][:300]!r}")
    return _figures(load, cpu, len(lines))


def register_singles(running: Running, lines: Sequence[bytes]) -> Figures:
    """One operation a request over 32 connections."""
    requests = [post("/v1/operations", "application/json", line) for line in lines]
    began = running.cpu()
    load = drive(running.address, requests, CONNECTIONS)
    cpu = running.cpu() - began
    _expect(load, 201, len(requests))
    return _figures(load, cpu, len(lines))


def resolve(running: Running, registered: int, requests: int, *, proof: bool) -> Figures:
    """GET /v1/resolve of registered codes, drawn at random, over 32 connections."""
    draw = random.Random(7)  # noqa: S311 - which codes are asked for is no secret
    suffix = "&proof=1" if proof else ""
    asked = [
        get(f"/v1/resolve?code={fleet.code(draw.randrange(registered))}{suffix}")
        for _ in range(requests)
    ]
    drive(running.address, asked[: requests // 10], CONNECTIONS)
    began = running.cpu()
    load = drive(running.address, asked, CONNECTIONS)
    cpu = running.cpu() - began
    _expect(load, 200, requests)
    return _figures(load, cpu, requests)


def resolve_batches(running: Running, registered: int, requests: int) -> Figures:
    """POST /v1/resolve of as many codes of the same kind, a thousand at a time, over two
    connections; each line is counted."""
    draw = random.Random(8)  # noqa: S311 - which codes are asked for is no secret
    batches = [
        [fleet.code(draw.randrange(registered)) for _ in range(CODES)]
        for _ in range(max(2, requests // CODES))
    ]
    asked = [
        post("/v1/resolve", "application/json", orjson.dumps({"codes": codes})) for codes in batches
    ]
    began = running.cpu()
    load = drive(running.address, asked, 2, keep=True)
    cpu = running.cpu() - began
    _expect(load, 200, len(asked))
    for body in load.bodies:
        if body.count(b'"status":200,"device":') != CODES:
            raise RuleBroken("a code of the bench was not found in a batch")
    return _figures(load, cpu, len(batches) * CODES)


def set_up(
    running: Running,
    ledger: str,
    now: int,
    scopes: Sequence[Mapping[str, Any]] = (fleet.GTIN, fleet.IDIS),
) -> fleet.Owner:
    """Registers the bench's organization and its prefixes."""
    owner, first = fleet.organization(ledger, now, scopes)
    for line in first:
        load = drive(running.address, [post("/v1/operations", "application/json", line)], 1)
        _expect(load, 201, 1)
    return owner


def proofs(folder: Path, count: int) -> Figures:
    """Inclusion proofs of random entries, computed in this process."""
    site = DataFolder.open(folder / "data")
    try:
        reader = LedgerReader(site.store)
        size = reader.head().size
        draw = random.Random(7)  # noqa: S311 - which entries are proved is no secret
        indexes = [draw.randrange(size) for _ in range(count)]
        for index in indexes[: count // 4]:
            reader.inclusion(index, size)
        began = time.process_time()
        for index in indexes:
            reader.inclusion(index, size)
        return {"size": size, "cpu_us": (time.process_time() - began) / count * 1e6}
    finally:
        site.close()


def grow(
    folder: Path,
    owner: fleet.Owner,
    start: int,
    count: int,
    progress: Callable[[int], None],
) -> Figures:
    """Fills the folder's ledger through its writer, without signatures; the service is stopped."""
    site = DataFolder.open(folder / "data")
    try:
        log, _ = site.secrets.signers
        ledger = Ledger(site.store, RuleBook(SCHEMES), log, log.key.name)
        began = time.perf_counter()
        fleet.fill(
            ledger, owner, site.secrets.unique.hash, start, count, int(time.time()), progress
        )
        site.keep_checkpoint(site.store.checkpoint() or b"")
        return {"devices": count, "seconds": time.perf_counter() - began}
    finally:
        site.close()


def audited(folder: Path, genesis: str) -> Figures:
    """A whole audit of the folder in this process: entries a second, CPU of each."""
    site = DataFolder.open(folder / "data")
    try:
        began, cpu = time.perf_counter(), time.process_time()
        result = audit(site.store, RuleBook(SCHEMES), genesis=genesis)
        entries = result.size
        return {
            "entries": entries,
            "per_second": entries / (time.perf_counter() - began),
            "cpu_us": (time.process_time() - cpu) / entries * 1e6,
        }
    finally:
        site.close()


def ledger_of(folder: Path) -> str:
    """Operation hash of the genesis of a new data folder."""
    site = DataFolder.create(folder / "data", int(time.time()))
    try:
        return operation_hash(site.genesis)
    finally:
        site.close()


def start_up(folder: Path) -> Figures:
    """Seconds until the service answers, and what its processes hold then."""
    with service(folder) as running:
        return {"seconds": running.ready_after, "resident_mb": running.resident()}


def sizes(folder: Path) -> Figures:
    """Bytes on disk."""
    return {path.name: path.stat().st_size for path in (folder / "data").iterdir()}


def as_json(figures: Figures) -> bytes:
    """The figures as JSON, indented."""
    return orjson.dumps(figures, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
