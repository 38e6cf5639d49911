"""`tetrad verify FILE`: receipts, answers, and evidence against a log, offline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from identity.errors import InvalidReceipt, SchemaViolation, TetradError
from resolver.cli.frame import HOME, Frame, read_input, verb


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@verb(
    click.option("--operation", metavar="FILE", help="The operation of a bare receipt."),
    click.option(
        "--ledger", metavar="zQm…", help="The fingerprint of the ledger of evidence, if not pinned."
    ),
    HOME,
    server=False,
)
def verify(frame: Frame, file: str, operation: str | None, ledger: str | None) -> None:
    """Check FILE against the pinned ledger, without asking anybody.

    FILE is what `register --out` wrote, an answer of `resolve --json`, a receipt with its
    --operation, or what a monitor holds against a log: that is refused unless it proves that the
    log misbehaved. Nothing offline can tell whether something newer was withheld.
    """
    data = read_input(file)
    if _is_evidence(data):
        _accuse(frame, data, ledger)
        return
    count = 0
    newest: tuple[int, str] = (0, "")
    for place, item in enumerate(_items(data, operation), 1):
        try:
            newest = max(newest, _check(frame, item))
        except TetradError as error:
            error.pointer = f"line {place}{error.pointer and ' ' + error.pointer}"
            raise
        count += 1
    if not count:
        raise SchemaViolation("there is nothing in this file to verify")
    size, origin = newest
    frame.show(
        {"verified": count, "origin": origin, "size": size},
        f"✓ {count} of {count} in the ledger {origin}, under checkpoints by its pinned log",
        f"– the newest of them has {size} entries; what came later is not known here",
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


def _check(frame: Frame, item: dict[str, Any]) -> tuple[int, str]:
    """Size and origin of the checkpoint under which it holds. Raises EvidenceRefused."""
    from identity.did import parse_tetrad_did
    from resolver.verifier import verify_answer, verify_receipt

    if isinstance(item.get("device"), dict):
        label, _ = parse_tetrad_did(str(item["device"].get("did")))
        trust = frame.home.trust_labelled(label)
        tree = verify_answer(item, trust.pinned).checkpoint.checkpoint
    elif isinstance(item.get("operation"), dict) and isinstance(item.get("receipt"), str):
        operation = item["operation"]
        trust = frame.home.trust_in(str(operation.get("ledger")))
        receipt = item["receipt"].encode("utf-8", "replace")
        tree = verify_receipt(receipt, operation, trust.pinned).checkpoint.checkpoint
    else:
        raise SchemaViolation(
            "neither an answer with its proof nor an operation with its receipt",
            hint="tetrad resolve --json, or tetrad register --out",
        )
    return tree.size, tree.origin
