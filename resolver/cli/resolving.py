"""`tetrad resolve CODE`: the device behind a code, with what proves it; `-` reads many codes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from identity.errors import NotFound
from resolver.cli.frame import MAX_AGE, REFUSED, Frame, verb, write_output
from resolver.cli.hops import hop_lines, hop_values

if TYPE_CHECKING:
    from resolver.client import Client, Resolved
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
    click.option("--did", is_flag=True, help="Its DID document, made here of the proved record."),
)
def resolve(
    frame: Frame,
    code: str | None,
    scheme: str | None,
    disclosure: str | None,
    at: str | None,
    max_age: int | None,
    bundle: Path | None,
    *,
    report: Path | None,
    did: bool,
) -> None:
    """Find the device that bears CODE, in any form that is printed on it, or the DID CODE.

    With - in its place each line of the standard input is a code, such as a scanner types, and each
    is told what it was read as; a line that is refused stops none of the others. Quote what holds
    brackets: '(01)09506000134352(21)M-0017'.

    A revoked or retired device is shown as what is left of it; the exit code is then 1. So it is
    where there is none, with a word on whether that is proved.
    """
    if (code is None) == (disclosure is None):
        raise click.UsageError("name a code, a DID, or a --disclosure with its --scheme")
    if code == "-":
        if bundle is not None or report is not None:
            raise click.UsageError("a --bundle or --report holds one device: name its code")
        from resolver.cli.scanning import resolve_lines

        resolve_lines(frame, scheme=scheme, at=at, max_age=max_age)
        return
    with frame.reading() as client:
        try:
            found = client.resolve(
                code, scheme=scheme, disclosure=disclosure, at=at, tombstones=True, max_age=max_age
            )
        except NotFound as missing:
            frame.fail(missing)
            if not frame.as_json:
                left = [
                    f"– {one} is not written: it holds a device" for one in (bundle, report) if one
                ]
                frame.note("\n".join([absence_of(missing), *left]))
            raise click.exceptions.Exit(REFUSED) from None
        _write(frame, client, found, code, bundle=bundle, report=report)
    if did:
        show_document(frame, found)
        return
    frame.show(value_of(found), *lines_of(found, at))
    if found.status in ("revoked", "retired"):
        raise click.exceptions.Exit(1)


def show_document(frame: Frame, found: Resolved) -> None:
    """Shows the DID document of a device; exit code 1 where it is revoked or retired."""
    import orjson

    from resolver.did_resolution import document_of

    document = document_of(found.device)
    frame.show(document, orjson.dumps(document).decode())
    if found.status in ("revoked", "retired"):
        frame.note("deactivated: the device is revoked or retired")
        raise click.exceptions.Exit(1)


def _write(
    frame: Frame,
    client: Client,
    found: Resolved,
    code: str | None,
    *,
    bundle: Path | None,
    report: Path | None,
) -> None:
    """The files that were asked for; a page is read back as its reader will before it is one."""
    if bundle is None and report is None:
        return
    from resolver.bundle import bundle_bytes

    data = bundle_bytes(client.trust, found.key, found.answer)
    if bundle is not None:
        write_output(bundle, data)
    if report is not None:
        from identity.members import format_time
        from resolver.report import read_report, report_of, report_page

        # What reveals a person or a radio is repeated on no page; nobody else knows its key.
        private, policy = found.key is None, client.trust.witness_policy
        made = format_time(frame.now)
        page = report_page(report_of(code or "", made, policy, data, private=private))
        read_report(page)
        write_output(report, page)
        frame.note(f"✓ {report}: open it in a browser, check it with tetrad verify {report}")


def absence_of(missing: NotFound) -> str:
    """On whose word there is none."""
    from resolver.freshness import Age

    members = missing.members
    if missing.code == "delegated" and members.get("proved"):
        node = members["referral"]["node"]
        where = f"{node['origin']}, {', '.join(node['urls'])}"
        return (
            f"✓ the pinned ledger refers this to {where}: proved"
            f"\n  ask a recursive resolver, or that node (ledger {node['ledger']})"
        )
    if not members.get("proved"):
        return "– that there is none is the registry's word: nothing here proves it"
    age = Age(members["age"], members["datedBy"] or "")
    return f"✓ there is none: proved by the state of entry {members['stateRoot']}, {age}"


def value_of(found: Resolved) -> dict[str, Any]:
    """An answer for programs."""
    verified = found.verified
    tree = verified.checkpoint.checkpoint
    read_as = {"readAs": found.read_as._asdict()} if found.read_as else {}
    hops = {"hops": hop_values(found.hops), "stale": found.stale} if found.hops else {}
    return {
        **read_as,
        "did": found.did,
        "status": found.status,
        "device": found.device,
        "verified": {
            "entry": verified.entry,
            "signers": list(verified.signers),
            **({"enrolled": verified.enrolled._asdict()} if verified.enrolled else {}),
            "checkpoint": {"origin": tree.origin, "size": tree.size, **age_value(found.age)},
            **hops,
            "asserted": found.asserted,
        },
        "proof": found.answer["proof"],
    }


def lines_of(found: Resolved, at: str | None) -> list[str]:
    """An answer for people, with what it is proved by."""
    verified = found.verified
    about = found.device["object"]
    name = found.maker_name or found.maker
    signed = "maker and device" if found.maker in verified.signers else "controller and device"
    lines = [f"read as {found.read_as.value}"] if found.read_as else []
    lines += [f"as it was at {at}"] if at else []
    lines.append(f"{found.status.upper()}  {found.did}  {name} {about['model']}")
    if "reason" in found.device and found.status != "active":
        lines.append(f"reason: {found.device['reason']}")
    lines += _corrected(found)
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
    lines += hop_lines(found.hops)
    whose = "each checkpoint by its ledger's log" if found.hops else "checkpoint by the pinned log"
    lines.append(f"✓ {whose}, {'the oldest ' * bool(found.hops)}{found.age}")
    if found.stale:
        lines.append("! stale: the resolver could not ask anew, and this is what it had")
    lines += [f"– {found.asserted}"] if found.asserted else []
    if found.age.by != "witnesses":
        lines.append(
            "– witnesses: none asked for; that others are shown the same is the registry's word"
        )
    return lines


def _corrected(found: Resolved) -> list[str]:
    """What to know where a label shows a code that was wrong, and for how long it was."""
    for alias in found.device.get("aliases", ()):
        if found.read_as is not None and alias["code"] == found.read_as._asdict():
            code = found.device["code"]
            return [
                f"! the label shows a code that was corrected on {alias['until']['time']}; "
                f"the device's code is {code.get('value', str(code['scheme']) + ', committed to')}"
            ]
    return []


def age_value(age: Age) -> dict[str, Any]:
    """How old the checkpoint of an answer is, and by whose word, for programs."""
    return {"age": age.seconds, "datedBy": age.by or None}
