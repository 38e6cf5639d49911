"""`tetrad verify FILE`: receipts, answers, and evidence against a log, offline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from identity.errors import InvalidReceipt, SchemaViolation, TetradError
from resolver.cli.checking import Verified, Wanted, check, trust_of
from resolver.cli.frame import HOME, MAX_AGE, POLICY, Frame, read_input, verb

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@verb(
    click.option("--operation", metavar="FILE", help="The operation of a bare receipt."),
    click.option("--ledger", metavar="zQm…", help="The fingerprint of the ledger, if not pinned."),
    click.option("--challenge", type=_FILE, help="What FILE answers, of `tetrad challenge`."),
    click.option("--bundle", type=_FILE, help="The record of the device that answers in FILE."),
    POLICY,
    MAX_AGE,
    HOME,
    server=False,
)
def verify(
    frame: Frame,
    file: str,
    *,
    operation: str | None,
    ledger: str | None,
    challenge: Path | None,
    bundle: Path | None,
    policy: Path | None,
    max_age: int | None,
) -> None:
    """Check FILE against the pinned ledger, without asking anybody.

    FILE is what `register --out` wrote, a bundle, a report or an answer of `resolve`, an answer of
    /api/handles with its proof, a receipt with its --operation, a device's answer to a --challenge
    with the --bundle that has its record, or what a monitor holds against a log: that is refused
    unless it proves that the log misbehaved. A bundle, a report and such evidence need no pinned
    ledger if you name the --ledger. A --challenge is removed by the first answer that names it:
    each is used once. Nothing offline can tell what came later: mind the age, or bound it with
    --max-age.
    """
    data = read_input(file)
    if data.lstrip()[:15].lower() == b"<!doctype html>":
        _read_page(frame, data, Wanted(ledger, policy, max_age))
        return
    if challenge is None and bundle is None and _is_evidence(data):
        _accuse(frame, data, ledger)
        return
    wanted = Wanted(ledger, policy, max_age, challenge, bundle)
    found: list[Verified] = []
    for place, item in enumerate(_items(data, operation), 1):
        try:
            found.append(check(frame, item, wanted))
        except TetradError as error:
            error.pointer = f"line {place}{error.pointer and ' ' + error.pointer}"
            raise
    if not found:
        raise SchemaViolation("there is nothing in this file to verify")
    size, origin = max((one.size, one.origin) for one in found)
    count = len(found)
    frame.show(
        {
            "verified": count,
            "origin": origin,
            "size": size,
            **(found[0].value if count == 1 else {}),
        },
        f"✓ {count} of {count} in the ledger {origin}, under checkpoints by its pinned log",
        *(found[0].lines if count == 1 else ()),
        f"– the newest of them has {size} entries; what came later is not known here",
    )


def _read_page(frame: Frame, data: bytes, wanted: Wanted) -> None:
    """A report: its evidence by what is pinned, then its words by its evidence."""
    from resolver.bundle import read_bundle
    from resolver.report import embedded, read_report, strange_witnesses

    found = check(frame, embedded(data).bundle, wanted)
    report = read_report(data)
    strange = strange_witnesses(report, trust_of(frame, read_bundle(report.bundle), wanted))
    frame.show(
        {"verified": 1, "origin": found.origin, "size": found.size, **found.value}
        | {"asked": report.asked or None, "made": report.made, "unknownWitnesses": strange},
        "✓ every word on the page follows from the evidence within it",
        *([f"✓ asked for {report.asked}"] if report.asked else []),
        *found.lines,
        *(
            [f"– witnesses of the page's own, whom you do not ask for: {', '.join(strange)}"]
            if strange
            else []
        ),
        f"– made at {report.made}, by the clock of whoever made it",
        f"– its checkpoint has {found.size} entries; what came later is not known here",
    )


def _is_evidence(data: bytes) -> bool:
    """By its members alone: whatever reads as JSON of that shape is checked as evidence."""
    from identity.jcs import parse

    try:
        value = parse(data, max_bytes=2**24)
    except TetradError:
        return False
    return isinstance(value, dict) and "kind" in value and "checkpoints" in value


def _accuse(frame: Frame, data: bytes, ledger: str | None) -> None:
    from identity.jcs import parse
    from registry.evidence import check_evidence
    from resolver.trust import Trust

    evidence: Any = parse(data, max_bytes=2**24)
    if ledger is None:
        trust = frame.home.trust_in(str(evidence.get("ledger")))
    else:
        trust = Trust.begin(evidence.get("genesis"))
        if trust.ledger != ledger:
            raise SchemaViolation("the genesis in it is not that ledger's", pointer="/genesis")
    proved = check_evidence(evidence, trust.ledger, trust.open)
    frame.show(
        {**proved._asdict(), "ledger": trust.ledger, "proved": True},
        f"✓ proved against the log {proved.origin}: {proved.said}",
        f"  {proved.kind}, by signatures of its pinned keys; ledger {trust.ledger}",
    )


def _items(data: bytes, operation: str | None) -> Iterator[dict[str, Any]]:
    """What is to be verified, one by one."""
    from identity.jcs import parse

    if data.startswith(b"c2sp.org/tlog-proof"):
        if operation is None:
            raise InvalidReceipt(
                "a bare receipt does not hold its operation", hint="--operation FILE"
            )
        signed: Any = parse(read_input(operation))
        receipt = data.decode("utf-8", "replace")
        yield {"operation": signed.get("operation", signed), "receipt": receipt}
        return
    lines = data.splitlines() if data.lstrip()[:1] == b"{" and _is_ndjson(data) else [data]
    for line in lines:
        if line.strip():
            value = parse(line, max_bytes=2**24)
            if not isinstance(value, dict):
                raise SchemaViolation("a JSON object is expected")
            yield value


def _is_ndjson(data: bytes) -> bool:
    return data.split(b"\n", 1)[0].rstrip().endswith(b"}")
