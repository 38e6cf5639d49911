"""`tetrad device …`: one device, named by its DID or its code."""

from __future__ import annotations

from typing import Any

import click

from resolver.cli.frame import Frame, read_input, verb
from resolver.cli.listing import list_page, page_options
from resolver.cli.organizations import KNOWN_AS_NOW, acknowledged, known_as_of
from resolver.cli.resolving import resolve, show_document
from resolver.cli.statuses import retire
from resolver.cli.subjects import subject_of
from resolver.cli.transferring import accept, offer


@click.group()
def device() -> None:
    """Devices, named by their DID or their code."""


device.add_command(resolve, "show")
device.add_command(retire, "retire")
device.add_command(offer, "offer")
device.add_command(accept, "accept")


@device.command(name="list")
@verb(
    click.option("--controller", metavar="DID", help="Only those of this organization."),
    *page_options(("active", "suspended", "revoked", "retired")),
)
def list_(frame: Frame, **query: Any) -> None:
    """List devices."""
    list_page(frame, "devices", query, _line)


def _line(one: dict[str, Any]) -> str:
    code = one["code"]
    shown = code.get("value") or f"{code['prefix']}…"
    return f"{one['status']:9} {one['did']}  {code['scheme']} {shown}"


@device.command()
@click.argument("name", metavar="DEVICE")
@verb()
def history(frame: Frame, name: str) -> None:
    """What happened to DEVICE, the newest first."""
    with frame.reading() as client:
        changes: list[dict[str, Any]] = client.history(subject_of(client, name, ended=True))
    lines = [
        f"{one['index']:>8}  {one['time']}  {one['type']:16} {one['status']}" for one in changes
    ]
    frame.show(changes, *lines)


@device.command(short_help="The receipt of DEVICE's registration, proved.")
@click.argument("name", metavar="DEVICE")
@verb(
    click.option(
        "--witnessed",
        is_flag=True,
        help="Under the published checkpoint, with the cosignatures of witnesses that it has.",
    ),
)
def receipt(frame: Frame, name: str, *, witnessed: bool) -> None:
    """The receipt of DEVICE's registration, under the newest checkpoint, proved.

    Printed as C2SP tlog-proof. It verifies for ever, whatever becomes of the log's keys: a receipt
    that was only logged can be fetched again as --witnessed.
    """
    with frame.reading() as client:
        did = subject_of(client, name, ended=True)
        changes: list[dict[str, Any]] = client.history(did)
        registration = changes[-1]["entry"]["operation"]
        verified, text = client.receipt(did, registration, witnessed=witnessed)
    if frame.as_json:
        frame.show(
            {"did": did, "operation": registration, "receipt": text, "index": verified.index}
        )
        return
    click.echo(text, nl=False)


@device.command(short_help="Keep the newest bundle of each DEVICE, to meet others.")
@click.argument("names", metavar="[DEVICE]...", nargs=-1)
@verb()
def bundle(frame: Frame, names: tuple[str, ...]) -> None:
    """Keep the newest bundle of each DEVICE, for it to `tetrad meet` others offline.

    A bundle holds the device's record with what proves it. Without any DEVICE, those that are kept
    are renewed: as often as the devices that they meet ask for.
    """
    from resolver.bundle import bundle_bytes

    label = frame.trust().label
    kept = [did for did in frame.home.bundled() if did.split(":")[2] == label]
    found: list[dict[str, Any]] = []
    lines: list[str] = []
    with frame.reading() as client:
        for name in names or kept:
            one = client.resolve(name, tombstones=True)  # one that ended keeps no other back
            data = bundle_bytes(client.trust, one.key, one.answer)
            path = frame.home.keep_bundle(one.did, data)
            shown = {"did": one.did, "status": one.status, "file": str(path), "bytes": len(data)}
            found.append(shown)
            lines.append(f"✓ {one.did}  {one.status.upper()}  {len(data):,} bytes")
    frame.show(found, *(lines or ["no bundle is kept: name a device"]))


@device.command()
@click.argument("name", metavar="DEVICE")
@verb(
    click.option("--sector", metavar="DOMAIN/FIELD", help="As in production/industry/C4016."),
    click.option("--parent", metavar="DID", help="The device that it is part of, or none."),
    click.option("--data", metavar="FILE", help="JSON of the new data record, or none."),
    KNOWN_AS_NOW,
    wallet=True,
)
def update(
    frame: Frame,
    name: str,
    sector: str | None,
    parent: str | None,
    data: str | None,
    known_as: tuple[str, ...],
) -> None:
    """Change the data record, parent, sector or other names of DEVICE.

    The data record is JSON: describes, schema, version, grade, endpoints, and content (which is
    committed to and sent beside it) or commitment; of important data also policy, which names who
    reads it: {"parties": [DID], "credentials": [{"type": "NetworkAccessLicence", "issuer": DID}]}.
    """
    from resolver.cli.rows import sector_of

    body: dict[str, Any] = known_as_of(known_as)
    if sector:
        body["sector"] = sector_of(sector)
    if parent:
        body["parent"] = parent
    if data:
        body["data"] = "none" if data == "none" else _json(data)
    if not body:
        raise click.UsageError("say what changes: --sector, --parent, --data or --also-known-as")
    with frame.writing() as client:
        done = client.update_device(subject_of(client, name), body)
    shown = acknowledged(done) | {"disclosures": done.disclosures}
    frame.show(shown, f"✓ updated, entry {done.index}")


def _json(path: str) -> Any:  # noqa: ANN401 - any JSON
    from identity.jcs import parse

    return parse(read_input(path))


@device.command(short_help="Bind another NUMBER to DEVICE, or none.")
@click.argument("name", metavar="DEVICE")
@click.argument("number")
@verb(
    click.option("--from", "old", metavar="NAME", help="Where it is active now: its controller."),
    wallet=True,
)
def rebind(frame: Frame, name: str, number: str, old: str | None) -> None:
    """Bind another NUMBER to DEVICE: SCHEME:VALUE, a plain +86… , or none."""
    with frame.writing() as client:
        before = frame.party(client.wallet, old) if old else None
        did = subject_of(client, name)
        done = client.rebind_number(did, number, old_controller=before)
    kept = [f"  disclosure {one}" for one in done.disclosures]
    shown = acknowledged(done) | {"disclosures": done.disclosures}
    frame.show(shown, f"✓ rebound, entry {done.index}", *kept)


@device.command(short_help="Correct the code of a device; the old label stays good.")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@verb(
    click.option("--reason", required=True, help="Why, for everybody to read."),
    click.option("--scheme", help="The scheme of NEW, where it is not plain."),
    click.option("--also", multiple=True, metavar="NAME", help="Who signs as well."),
    wallet=True,
)
def correct(
    frame: Frame, old: str, new: str, reason: str, scheme: str | None, also: tuple[str, ...]
) -> None:
    """Give the device that bears the code OLD (or has that DID) the code NEW.

    What is printed on it keeps leading to it for ever, and to nothing else. The controller signs,
    and who holds the prefixes of both codes: --also.
    """
    code: Any = {"scheme": scheme, "value": new} if scheme else new
    with frame.writing() as client:
        parties = [frame.party(client.wallet, one) for one in also]
        did = subject_of(client, old)
        done = client.correct_code(did, code, reason, also=parties)
    shown = acknowledged(done) | {"did": did, "disclosures": done.disclosures}
    kept = [f"  disclosure {one}" for one in done.disclosures]
    frame.show(shown, f"✓ corrected, entry {done.index}; {old} still leads to it", *kept)


@device.command()
@click.argument("name", metavar="DEVICE")
@verb()
def document(frame: Frame, name: str) -> None:
    """The DID document of DEVICE, made here out of its proved record.

    Of a revoked or retired device it is what is left; the exit code is then 1.
    """
    with frame.reading() as client:
        found = client.resolve(subject_of(client, name, ended=True), tombstones=True)
    show_document(frame, found)
