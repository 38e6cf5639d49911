"""`tetrad bench`: what the service costs, as ratios to primitives measured in the same run.

Machines are shared and noisy, so that no rate means much by itself. The bench measures Ed25519
verifications, fdatasync and a bare ASGI application before and after, puts the server into a
process of its own, counts its CPU time (checkers included) beside the wall clock, and prints each
figure against the bound that the project holds itself to.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from resolver.bench import (
    answers,
    calibrate,
    credentials,
    dialects,
    factory,
    federation,
    fleet,
    measure,
    without_map,
)
from resolver.bench.processes import Running, service
from resolver.bench.report import Report

DEVICES = 10_000
MILLION = 1_000_000
ANSWERS = 500
PAIRS = 20
"""Batches that the writer takes with the map and without it."""
HANDLES = 50_000_000
"""Place of the first device with a handle, beyond all that have a GS1 code."""
TREE = 1_000
"""Devices of the enterprise that is asked by way of two other nodes."""
KEYS = 5 * MILLION
"""Of the map of a million devices: DID, code, object, number and key of each."""


def run_bench(
    *,
    out: Path | None = None,
    large: bool = False,
    as_json: bool = False,
    devices: int = DEVICES,
    size: int = MILLION,
    keys: int = KEYS,
) -> int:
    """Runs the bench in a temporary folder; 0 when every bound was met, else 1.

    `devices` are registered in batches, three tenths as many one by one, and as many questions are
    asked. `out` keeps all figures as JSON; `large` also grows the ledger to `size` devices. The map
    is measured with `keys` keys.
    """

    def say(line: str) -> None:
        click.echo(line, err=as_json)

    with tempfile.TemporaryDirectory(prefix="tetrad-bench-") as name:
        report = _measured(Path(name), devices, size if large else 0, keys, say)
    if out is not None:
        out.write_bytes(measure.as_json(report.value()))
    click.echo(measure.as_json(report.value()) if as_json else "\n".join(report.lines()))
    return 0 if report.met else 1


def _measured(
    folder: Path, devices: int, large: int, keys: int, say: Callable[[str], None]
) -> Report:
    report = Report()
    say("calibrating: Ed25519 with cryptography on all cores, fdatasync, a bare ASGI application")
    report.calibrate(calibrate.verifications(), calibrate.syncs(folder))
    singles = devices * 3 // 10
    registered = 2 * devices + singles
    report.bare = measure.bare_rate(folder, devices)
    ledger, now = measure.ledger_of(folder), int(time.time())
    with service(folder, "--interop") as running:
        owner = measure.set_up(running, ledger, now)
        say(f"signing {2 * devices + singles} registrations, {fleet.SIGNATURES} signatures each")
        lines = fleet.devices(owner, 0, 2 * devices + singles)
        say("registering in batches, then one by one; SQLite, synchronous=FULL")
        report.batches(measure.register_batches(running, lines[:devices]))
        report.singles(measure.register_singles(running, lines[devices : devices + singles]))
        say(f"certifying {devices} factory devices; registering them, in turns with others")
        enrolled = factory.enrolments(factory.granted(running, owner, devices), devices)
        report.factory(factory.in_turns(running, enrolled, lines[devices + singles :]))
        say("resolving")
        report.resolved(measure.resolve(running, devices, devices, proof=False), proof=False)
        report.resolved_together(measure.resolve_batches(running, devices, devices))
        report.resolved(measure.resolve(running, devices, devices, proof=True), proof=True)
        say("resolving through GS1, DID and Handle; SQLite, synchronous=FULL as before")
        report.dialects(_dialects(running, owner, devices, singles))
        say("verifying answers; mirroring")
        report.answered(answers.answers(running, range(devices), min(devices, ANSWERS)))
        report.mirrored(answers.mirrored(folder, running))
        say("issuing and verifying credentials, with each jcs suite")
        report.credentials(credentials.in_process(), credentials.through_http(running, singles))
    say("a root, a second level, an enterprise, and a recursive resolver: four processes")
    report.federated(federation.federation(folder / "federation", min(devices, TREE)))
    report.proofs = measure.proofs(folder, devices)
    say("auditing: every entry re-hashed, verified and replayed")
    report.audited(measure.audited(folder, ledger))
    say(f"the writer with a map of {keys} keys and without it, in turn")
    report.compared(without_map.compare(folder, owner, registered, PAIRS, keys))
    if large:
        _at_size(report, folder, owner, registered, large, devices, say)
    report.calibrate(calibrate.verifications(), calibrate.syncs(folder))
    return report


def _dialects(
    running: Running, owner: fleet.Owner, devices: int, handles: int
) -> dict[str, dialects.Figures]:
    """With so many devices more, which have handles."""
    places = range(HANDLES, HANDLES + handles)
    measure.register_batches(running, fleet.devices(owner, HANDLES, handles, "idis"))
    return dialects.dialects(running, devices, places, 2 * devices)


def _at_size(
    report: Report,
    folder: Path,
    owner: fleet.Owner,
    registered: int,
    large: int,
    batch: int,
    say: Callable[[str], None],
) -> None:
    say(f"growing the ledger to {large} devices through its writer, without signatures")

    def progress(done: int) -> None:
        if done % 50_000 == 0:
            say(f"  {done}")

    grown = measure.grow(folder, owner, registered, large - registered, progress)
    start = measure.start_up(folder)
    with service(folder) as running:
        fresh = owner._replace(created=fleet.created_now())
        lines = fleet.devices(fresh, large, batch)
        at_size = measure.register_batches(running, lines)
        resolved = measure.resolve(running, large, batch, proof=True)
        answered = answers.answers(running, range(large, large + batch), min(batch, ANSWERS))
        resident = running.resident()
    sizes = measure.sizes(folder)
    report.large(large, grown, start, at_size, resolved, resident, sizes, answered)
