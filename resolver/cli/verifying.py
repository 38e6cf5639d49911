"""`tetrad verify FILE`: receipts and answers, offline."""

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
    HOME,
    server=False,
)
def verify(frame: Frame, file: str, operation: str | None) -> None:
    """Check FILE against the pinned ledger, without asking anybody.

    FILE is what `register --out` wrote, an answer of `resolve --json`, or a receipt with its
    --operation. Nothing offline can tell whether something newer was withheld.
    """
    data = read_input(file)
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
