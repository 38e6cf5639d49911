"""`tetrad resolve CODE`: the device behind a code, with what proves it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from resolver.cli.frame import Frame, verb

if TYPE_CHECKING:
    from resolver.client import Resolved


@click.command()
@click.argument("code", required=False)
@verb(
    click.option("--scheme", help="The scheme of the code, where it is not plain."),
    click.option("--disclosure", metavar="WyJ…", help="A number's or code's disclosure instead."),
    click.option("--at", metavar="TIME", help="As it was then, as in 2026-11-22T08:00:00Z."),
)
def resolve(
    frame: Frame, code: str | None, scheme: str | None, disclosure: str | None, at: str | None
) -> None:
    """Find the device that bears CODE, in any form that is printed on it, or the DID CODE.

    A revoked or retired device is shown as what is left of it; the exit code is then 1.
    """
    if (code is None) == (disclosure is None):
        raise click.UsageError("name a code, a DID, or a --disclosure with its --scheme")
    with frame.reading() as client:
        found = client.resolve(code, scheme=scheme, disclosure=disclosure, at=at, tombstones=True)
    frame.show(_value(found), *_lines(found, int(time.time()), at))
    if found.status in ("revoked", "retired"):
        raise click.exceptions.Exit(1)


def _value(found: Resolved) -> dict[str, Any]:
    verified = found.verified
    tree = verified.checkpoint.checkpoint
    read_as = {"readAs": found.read_as._asdict()} if found.read_as else {}
    return {
        **read_as,
        "did": found.did,
        "status": found.status,
        "device": found.device,
        "verified": {
            "entry": verified.entry,
            "signers": list(verified.signers),
            "checkpoint": {"origin": tree.origin, "size": tree.size, "dated": verified.dated},
            "asserted": found.asserted,
        },
        "proof": found.answer["proof"],
    }


def _lines(found: Resolved, now: int, at: str | None) -> list[str]:
    verified = found.verified
    about = found.device["object"]
    name = found.maker_name or found.maker
    signed = "maker and device" if found.maker in verified.signers else "controller and device"
    age = "of unknown age" if verified.dated is None else f"{max(0, now - verified.dated)} s old"
    lines = [f"read as {found.read_as.value}"] if found.read_as else []
    lines += [f"as it was at {at}"] if at else []
    lines.append(f"{found.status.upper()}  {found.did}  {name} {about['model']}")
    if "reason" in found.device and found.status != "active":
        lines.append(f"reason: {found.device['reason']}")
    lines.append(
        f"✓ {signed} signed  ✓ in the ledger, entry {verified.entry}"
        f"  ✓ checkpoint by the pinned log, {age}"
    )
    lines += [f"– {found.asserted}"] if found.asserted else []
    lines.append(
        "– witnesses: none configured; that nothing newer was withheld is the registry's word"
    )
    return lines
