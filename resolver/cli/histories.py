"""`tetrad history CODE`: what happened, step by step, proved to be all."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from resolver.cli.frame import MAX_AGE, Frame, verb

if TYPE_CHECKING:
    from resolver.client import History


@click.command(short_help="What happened to a device or a number, proved.")
@click.argument("code", required=False)
@verb(
    click.option("--scheme", help="The scheme of the code, where it is not plain."),
    click.option("--disclosure", metavar="WyJ…", help="A number's or code's disclosure instead."),
    MAX_AGE,
)
def history(
    frame: Frame,
    code: str | None,
    scheme: str | None,
    disclosure: str | None,
    max_age: int | None,
) -> None:
    """What happened under CODE, to the device with the DID CODE, or with a disclosed number.

    The oldest first. Each step is an entry of the ledger whose signatures were verified; the record
    below the signed root has the hash of all of them, so that none is missing. A number's history
    is shown to who has the disclosure with which it was bound last.
    """
    if (code is None) == (disclosure is None):
        raise click.UsageError("name a code, a DID, or a --disclosure with its --scheme")
    with frame.reading() as client:
        found = client.proved_history(code, scheme=scheme, disclosure=disclosure, max_age=max_age)
    frame.show(_value(found), *_lines(found))


def _value(found: History) -> dict[str, Any]:
    tree = found.state.checkpoint.checkpoint
    checkpoint = {"origin": tree.origin, "size": tree.size, "age": found.age.seconds}
    return {
        **({"readAs": found.read_as._asdict()} if found.read_as else {}),
        "did": found.did or None,
        "steps": [asdict(step) for step in found.steps],
        "proved": bool(found.steps),
        "checkpoint": {**checkpoint, "datedBy": found.age.by or None},
        "asserted": found.asserted,
    }


def _lines(found: History) -> list[str]:
    lines = [f"read as {found.read_as.value}"] if found.read_as else []
    if not found.steps:
        return [*lines, "– too many changes to show: tetrad device history lists them, not proved"]
    for step in found.steps:
        lines.append(f"✓ {step.index:>8}  {step.time}  {step.type:16} {step.what:9} {step.did}")
        lines.append(f"             signed by {', '.join(step.signers)}")
    lines.append(f"✓ these are all, by the state of entry {found.state.root.index}")
    lines.append(f"✓ checkpoint by the pinned log, {found.age}")
    return [*lines, *([f"– {found.asserted}"] if found.asserted else [])]
