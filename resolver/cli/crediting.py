"""`tetrad credential …`: issue, verify, keep, present, revoke, suspend, reinstate, list, sync."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from identity.errors import MalformedCredential, SchemaViolation
from resolver.cli.frame import MAX_AGE, POLICY, Frame, read_input, verb, write_output
from resolver.cli.subjects import subject_of

OUT = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Where it is written."
)
DEVICE = click.option("--device", metavar="CODE", help="The device, by code or DID.")


@click.group()
def credential() -> None:
    """Device credentials: what accredited parties say about devices."""


@credential.command(short_help="Issue a credential of TYPE about a device or a model.")
@click.argument("type_", metavar="TYPE")
@verb(
    click.option("--device", metavar="CODE", required=True, help="The device, by code or DID."),
    click.option("--model", is_flag=True, help="About its model, and so all devices of it."),
    click.option(
        "--claims", type=click.Path(dir_okay=False, allow_dash=True), help="A JSON object: claims."
    ),
    click.option(
        "--claim",
        "claim",
        multiple=True,
        metavar="NAME=VALUE",
        help="One claim more; JSON where it reads so, as in filing='\"17\"' for a text.",
    ),
    click.option("--from", "valid_from", metavar="TIME", help="[default: now]"),
    click.option("--until", "valid_until", metavar="TIME", help="As in 2027-11-22T08:00:00Z."),
    OUT,
    wallet=True,
)
def issue(frame: Frame, type_: str, device: str, out: Path | None, **given: Any) -> None:
    """Issue a credential of TYPE about a device, in the name of an accredited organization.

    TYPE is DeviceIdentity, ModelConformity, NetworkSecurityLabel, NetworkAccessLicence,
    Ipv6Readiness or DataGradeFiling. Maker, model, code and grade are taken from the ledger.
    """
    from resolver.client.issuing import Issuing, Wish

    claims = _claims(given["claims"], given["claim"])
    with frame.writing() as client:
        wish = Wish(type_, claims, given["model"], given["valid_from"], given["valid_until"])
        issuing = Issuing(client, frame.home, frame.actor(client.wallet))
        try:
            issued = issuing.issue(wish, subject_of(client, device))
        except MalformedCredential as error:
            _point_at_claim(error)
            raise
    lines = [f"✓ {type_} {issued['id']}", f"  about {issued['credentialSubject']['id']}"]
    lines += _write(out, issued)
    frame.show(issued, *lines)


@credential.command(short_help="Check the credential in FILE, to the pinned genesis.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@verb(
    DEVICE,
    MAX_AGE,
    POLICY,
    click.option("--ledger", metavar="zQm…", help="Of a bundle: the ledger, if not pinned."),
    click.option(
        "--bundle",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write a file that this command checks anywhere, without a network.",
    ),
)
def verify(frame: Frame, file: str, device: str | None, **given: Any) -> None:
    """Check the credential in FILE from its signature to the pinned genesis.

    What it rests on is asked of the service and proved, not older than five minutes unless you say
    so. A bundle is checked as it is, without asking anybody: mind its age, or bound it.
    """
    from resolver.client.crediting import FRESH
    from resolver.credential_bundle import credential_bundle_bytes, is_credential_bundle

    value = _json(file)
    if is_credential_bundle(value):
        _offline(frame, value, device, **given)
        return
    with frame.reading() as client:
        max_age = FRESH if given["max_age"] is None else given["max_age"]
        proved = client.verify_credential(value, device=device, max_age=max_age)
        if given["bundle"] is not None:
            data = credential_bundle_bytes(
                client.trust, proved.credential, proved.evidence, proved.lists
            )
            write_output(given["bundle"], data)
    _show(frame, proved.verified)


def _offline(
    frame: Frame,
    value: Any,  # noqa: ANN401 - JSON
    device: str | None,
    *,
    ledger: str | None,
    policy: Path | None,
    max_age: int | None,
    bundle: Path | None,
) -> None:
    from resolver.bundle import Bundle, known_as
    from resolver.cli.checking import Wanted
    from resolver.credential_bundle import read_credential_bundle

    if bundle is not None:
        raise click.UsageError("FILE is a bundle already")
    if device is not None and not device.startswith("did:"):
        raise click.UsageError("offline, a device is named by its DID")
    read = read_credential_bundle(value)
    known = ledger is None or frame.home.knows(read.trust)
    pinned = frame.home.trust_in(read.trust.ledger) if known else None
    trust = known_as(Bundle(read.trust, None, {}), ledger or read.trust.ledger, pinned)
    trust = Wanted(ledger, policy, max_age).of(trust)
    _show(frame, read.verify(trust, now=frame.now, within=max_age, device=device))


def _show(frame: Frame, verified: Any) -> None:  # noqa: ANN401 - a VerifiedDeviceCredential
    frame.show(
        {
            "type": verified.type,
            "issuer": verified.issuer,
            "device": verified.device,
            "claims": verified.claims,
            "grants": [grant.grant for grant in verified.grants],
            "authority": verified.authority,
            "stateRoot": verified.state.root.index,
            "age": verified.age.seconds,
            "datedBy": verified.age.by or None,
        },
        *(f"✓ {step}" for step in verified.steps),
    )


@credential.command(short_help="Keep the credential in FILE for its device, to present it.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@verb(DEVICE, wallet=True, acts=False)
def keep(frame: Frame, file: str, device: str | None) -> None:
    """Keep the credential in FILE for a device of this wallet, once it is verified."""
    value = _json(file)
    with frame.writing() as client:
        proved = client.verify_credential(value, device=device)
        client.wallet.identity(proved.verified.device)  # raises where the device is another's
        held = [one for one in frame.home.held(client.trust) if one.get("id") != value.get("id")]
        frame.home.keep_held(client.trust, [*held, value])
    frame.show(
        {"kept": value.get("id"), "device": proved.verified.device},
        f"✓ kept: {proved.verified.type} {value.get('id', '')}",
    )


@credential.command(short_help="Present kept credentials to one verifier.")
@verb(
    click.option("--device", metavar="CODE", required=True, help="Who presents, by code or DID."),
    click.option("--challenge", required=True, help="What the verifier drew."),
    click.option("--domain", required=True, help="The verifier."),
    click.option("--type", "types", multiple=True, help="Of these types.  [default: all kept]"),
    OUT,
    wallet=True,
    acts=False,
)
def present(
    frame: Frame,
    device: str,
    challenge: str,
    domain: str,
    types: tuple[str, ...],
    out: Path | None,
) -> None:
    """Present kept credentials, signed by the device for one verifier and one challenge."""
    from identity.credentials.signing import sign_with
    from identity.members import format_time
    from resolver.client.issuing import presentation_of

    with frame.writing() as client:
        did = subject_of(client, device)
        record = client.device(did)
        shown = presentation_of(did, record["object"], frame.home.held(client.trust), types)
        signed = sign_with(
            client.wallet,
            did,
            shown,
            purpose="authentication",
            created=format_time(frame.now),
            challenge=challenge,
            domain=domain,
        )
    count = len(signed["verifiableCredential"])
    frame.show(signed, f"✓ {count} presented by {did}", *_write(out, signed))


def _changing(frame: Frame, name: str, change: str, reason: str = "") -> None:
    from resolver.client.issuing import Issuing

    with frame.writing() as client:
        issuing = Issuing(client, frame.home, frame.actor(client.wallet))
        issued = issuing.change(name, change, reason)
    frame.show(
        {"id": issued.id, "status": issued.status},
        f"✓ {issued.type} {issued.id} is {issued.status}; its list is published",
    )


REASON = click.option("--reason", required=True, help="Why; kept here, and not published.")


@credential.command(short_help="Revoke the credential ID for good.")
@click.argument("id_", metavar="ID")
@verb(REASON, wallet=True)
def revoke(frame: Frame, id_: str, reason: str) -> None:
    """Revoke the credential ID for good, and publish the list that says so."""
    _changing(frame, id_, "revoke", reason)


@credential.command()
@click.argument("id_", metavar="ID")
@verb(REASON, wallet=True)
def suspend(frame: Frame, id_: str, reason: str) -> None:
    """Suspend the credential ID until it is reinstated."""
    _changing(frame, id_, "suspend", reason)


@credential.command()
@click.argument("id_", metavar="ID")
@verb(wallet=True)
def reinstate(frame: Frame, id_: str) -> None:
    """Lift the suspension of the credential ID."""
    _changing(frame, id_, "reinstate")


@credential.command(name="list", short_help="List what was issued, or what is kept.")
@verb(click.option("--held", is_flag=True, help="Those kept for devices instead."), wallet=True)
def list_(frame: Frame, *, held: bool) -> None:
    """List what was issued, by the organization that acts, or what is kept."""
    from resolver.client.issuing import Issuing

    with frame.writing() as client:
        if held:
            kept: list[Any] = frame.home.held(client.trust)
            rows = [
                {
                    "id": one.get("id"),
                    "type": one["type"][1],
                    "subject": one["credentialSubject"]["id"],
                    "status": "held",
                }
                for one in kept
            ]
        else:
            book = Issuing(client, frame.home, frame.actor(client.wallet)).book
            rows = [
                {"id": one.id, "type": one.type, "subject": one.subject, "status": one.status}
                for one in book.credentials.values()
            ]
    lines = [f"{row['status']:9} {row['id']}  {row['type']}  {row['subject']}" for row in rows]
    frame.show({"credentials": rows}, *(lines or ["– none"]))


@credential.command(short_help="Let the status lists follow the ledger, and renew them.")
@verb(wallet=True)
def sync(frame: Frame) -> None:
    """Set the bits of devices that the ledger shows revoked, retired or suspended, and sign again.

    Lists hold for a week: run it at least daily.
    """
    from resolver.client.issuing import Issuing

    with frame.writing() as client:
        issuing = Issuing(client, frame.home, frame.actor(client.wallet))
        changed, lists = issuing.sync()
        outlived = issuing.outlived()
    why = {one.id: one.revoked or one.suspended or "not suspended any more" for one in changed}
    frame.show(
        {
            "changed": [one.id for one in changed],
            "lists": lists,
            "outlived": [one.id for one in outlived],
        },
        *(f"✓ {one.id} is {one.status}: {why[one.id]}" for one in changed),
        f"✓ {len(lists)} lists signed and published",
        *(f"– {one.id} was signed by a key that was rotated: issue it anew" for one in outlived),
    )


def _point_at_claim(error: MalformedCredential) -> None:
    """The option that is wrong, rather than the place in a credential that nobody has seen."""
    place, _, name = error.pointer.partition("/credentialSubject/")
    if place or not name:
        return
    error.pointer = f"--claim {name}"
    error.hint = (
        f"specs/schemas/credentials show every claim; a text that reads as JSON goes in quotes "
        f"of its own: --claim '{name.partition('/')[0]}=\"17\"'"
    )


def _json(file: str) -> Any:  # noqa: ANN401 - JSON
    from identity.jcs import parse

    value = parse(read_input(file), max_bytes=2**24)
    if not isinstance(value, dict):
        raise SchemaViolation("a JSON object is expected")
    return value


def _claims(file: str | None, more: tuple[str, ...]) -> dict[str, Any]:
    """The claims of a file, and those of the options: JSON where they read as such, else text."""
    from identity.errors import TetradError
    from identity.jcs import parse

    claims: dict[str, Any] = dict(_json(file)) if file is not None else {}
    for one in more:
        name, equals, text = one.partition("=")
        if not equals or not name:
            raise click.UsageError(f"a claim reads NAME=VALUE, not {one!r}")
        try:
            claims[name] = parse(text.encode())
        except TetradError:
            claims[name] = text
    return claims


def _write(out: Path | None, value: dict[str, Any]) -> list[str]:
    import orjson

    if out is None:
        return ["– not written: --out FILE, or --json"]
    write_output(out, orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
    return [f"✓ written to {out}"]
