"""`tetrad resolve CODE`: the device behind a code, with what proves it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from identity.errors import NotFound
from resolver.cli.frame import MAX_AGE, REFUSED, Frame, verb, write_output

if TYPE_CHECKING:
    from resolver.client import Resolved
    from resolver.freshness import Age


@click.command(short_help="Find the device that bears CODE, and prove the answer.")
@click.argument("code", required=False)
@verb(
    click.option("--scheme", help="The scheme of the code, where it is not plain."),
    click.option("--disclosure", metavar="WyJ…", help="A number's or code's disclosure instead."),
    click.option("--at", metavar="TIME", help="As it was then, as in 2026-11-22T08:00:00Z."),
    MAX_AGE,
    click.option(
        "--bundle",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write a file that `tetrad verify` checks anywhere, without a network.",
    ),
    click.option(
        "--report",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write a page for people, .html, that `tetrad verify` checks as well.",
    ),
)
def resolve(
    frame: Frame,
    code: str | None,
    scheme: str | None,
    disclosure: str | None,
    at: str | None,
    max_age: int | None,
    bundle: Path | None,
    report: Path | None,
) -> None:
    """Find the device that bears CODE, in any form that is printed on it, or the DID CODE.

    A revoked or retired device is shown as what is left of it; the exit code is then 1. So it is
    where there is none, with a word on whether that is proved.
    """
    if (code is None) == (disclosure is None):
        raise click.UsageError("name a code, a DID, or a --disclosure with its --scheme")
    with frame.reading() as client:
        try:
            found = client.resolve(
                code, scheme=scheme, disclosure=disclosure, at=at, tombstones=True, max_age=max_age
            )
        except NotFound as missing:
            frame.fail(missing)
            if not frame.as_json:
                frame.note(_absence(missing))
                for path in filter(None, (bundle, report)):
                    frame.note(f"– {path} is not written: a bundle holds a device")
            raise click.exceptions.Exit(REFUSED) from None
        if bundle is not None or report is not None:
            from resolver.bundle import bundle_bytes

            data = bundle_bytes(client.trust, found.key, found.answer)
            if bundle is not None:
                write_output(bundle, data)
            if report is not None:
                _report(frame, report, client.trust.witness_policy, code, data, found)
    frame.show(_value(found), *_lines(found, at))
    if found.status in ("revoked", "retired"):
        raise click.exceptions.Exit(1)


def _report(
    frame: Frame, path: Path, policy: str, code: str | None, bundle: bytes, found: Resolved
) -> None:
    """The answer as a page, read back as its reader will before it is called written."""
    from identity.members import format_time
    from resolver.report import read_report, report_of, report_page

    # A value that reveals a person or a radio is repeated on no page; its key is known to nobody.
    private = found.key is None
    made = format_time(frame.now)
    page = report_page(report_of(code or "", made, policy, bundle, private=private))
    read_report(page)
    write_output(path, page)
    frame.note(f"✓ {path}: open it in a browser, check it with tetrad verify {path}")


def _absence(missing: NotFound) -> str:
    """On whose word there is none."""
    from resolver.freshness import Age

    members = missing.members
    if not members.get("proved"):
        return "– that there is none is the registry's word: nothing here proves it"
    age = Age(members["age"], members["datedBy"] or "")
    return f"✓ there is none: proved by the state of entry {members['stateRoot']}, {age}"


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
            **({"enrolled": verified.enrolled._asdict()} if verified.enrolled else {}),
            "checkpoint": {"origin": tree.origin, "size": tree.size, **_age(found.age)},
            "asserted": found.asserted,
        },
        "proof": found.answer["proof"],
    }


def _lines(found: Resolved, at: str | None) -> list[str]:
    verified = found.verified
    about = found.device["object"]
    name = found.maker_name or found.maker
    signed = "maker and device" if found.maker in verified.signers else "controller and device"
    lines = [f"read as {found.read_as.value}"] if found.read_as else []
    lines += [f"as it was at {at}"] if at else []
    lines.append(f"{found.status.upper()}  {found.did}  {name} {about['model']}")
    if "reason" in found.device and found.status != "active":
        lines.append(f"reason: {found.device['reason']}")
    if "recovering" in found.device:
        ready = found.device["recovering"]["ready"]
        lines.append(f"! a recovery is under way: other keys can come into force from {ready} on")
    if "offer" in found.device:
        offer = found.device["offer"]
        lines.append(f"! on offer to {offer['to']} until {offer['notAfter']}")
    if verified.enrolled is not None:
        lines.append(
            f"✓ device signed, enrolled itself under the grant {verified.enrolled.grant}: "
            "no organization has signed its registration"
        )
    elif verified.signers:
        lines.append(f"✓ {signed} signed")
    root = verified.state.root
    newest = "the newest there is" if verified.as_of is None else f"the newest at {verified.as_of}"
    lines.append(
        f"✓ in the ledger, entry {verified.entry}  ✓ {newest}, by the state of entry {root.index}"
    )
    lines.append(f"✓ checkpoint by the pinned log, {found.age}")
    lines += [f"– {found.asserted}"] if found.asserted else []
    if found.age.by != "witnesses":
        lines.append(
            "– witnesses: none asked for; that others are shown the same is the registry's word"
        )
    return lines


def _age(age: Age) -> dict[str, Any]:
    return {"age": age.seconds, "datedBy": age.by or None}
