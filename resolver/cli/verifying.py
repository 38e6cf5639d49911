"""`tetrad verify FILE`: receipts and answers, offline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from identity.errors import InvalidReceipt, SchemaViolation, TetradError
from resolver.cli.checking import Verified, Wanted, check
from resolver.cli.frame import HOME, MAX_AGE, POLICY, Frame, read_input, verb


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@verb(
    click.option("--operation", metavar="FILE", help="The operation of a bare receipt."),
    click.option("--ledger", metavar="zQm…", help="The fingerprint of a bundle's ledger."),
    POLICY,
    MAX_AGE,
    HOME,
    server=False,
)
def verify(
    frame: Frame,
    file: str,
    operation: str | None,
    ledger: str | None,
    policy: Path | None,
    max_age: int | None,
) -> None:
    """Check FILE against the pinned ledger, without asking anybody.

    FILE is what `register --out` wrote, a bundle or an answer of `resolve`, or a receipt with its
    --operation. A bundle needs no pinned ledger if you name its --ledger. Nothing offline can tell
    what came later: mind the age, or bound it with --max-age.
    """
    data = read_input(file)
    wanted = Wanted(ledger, policy, max_age)
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
