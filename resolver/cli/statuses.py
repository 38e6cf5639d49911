"""`tetrad status …`: suspend, resume, revoke, retire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from identity.errors import KeystoreError
from resolver.cli.frame import Frame, only_organization, verb
from resolver.cli.organizations import acknowledged
from resolver.cli.subjects import subject_of

if TYPE_CHECKING:
    from resolver.client import Client

REASON = click.option("--reason", required=True, help="Why; anyone can read it.")
SUPERVISOR = click.option(
    "--supervisor", is_flag=True, help="Act as holder of the prefix or as authority."
)


@click.group()
def status() -> None:
    """The status of a device or an organization, named by its DID, or a device by its code."""


@status.command()
@click.argument("subject")
@verb(REASON, SUPERVISOR, wallet=True)
def suspend(frame: Frame, subject: str, reason: str, *, supervisor: bool) -> None:
    """Take SUBJECT out of use until it is resumed."""
    with frame.writing() as client:
        did = subject_of(client, subject)
        done = client.suspend(did, reason, by=_acting(frame, client), supervisor=supervisor)
    frame.show(acknowledged(done), f"✓ suspended, entry {done.index}")


@status.command()
@click.argument("subject")
@verb(REASON, SUPERVISOR, wallet=True)
def resume(frame: Frame, subject: str, reason: str, *, supervisor: bool) -> None:
    """Lift one's own suspension of SUBJECT; the authority lifts any."""
    with frame.writing() as client:
        did = subject_of(client, subject)
        done = client.resume(did, reason, by=_acting(frame, client), supervisor=supervisor)
    frame.show(acknowledged(done), f"✓ resumed, entry {done.index}")


@status.command(short_help="End SUBJECT for good, as holder of its prefix or authority.")
@click.argument("subject")
@verb(REASON, wallet=True)
def revoke(frame: Frame, subject: str, reason: str) -> None:
    """End SUBJECT for good: the holder of its code's prefix, or the authority."""
    with frame.writing() as client:
        did = subject_of(client, subject)
        done = client.revoke(did, reason, by=_acting(frame, client))
    frame.show(acknowledged(done), f"✓ revoked, entry {done.index}")


@status.command(short_help="End the device SUBJECT for good, as its controller.")
@click.argument("subject")
@verb(REASON, wallet=True)
def retire(frame: Frame, subject: str, reason: str) -> None:
    """End the device SUBJECT for good: its number is free, its code is never used again."""
    with frame.writing() as client:
        done = client.retire(subject_of(client, subject), reason)
    frame.show(acknowledged(done), f"✓ retired, entry {done.index}")


def _acting(frame: Frame, client: Client) -> str | None:
    """Who was named, or the wallet's only organization, such as the authority; else None, which is
    the controller."""
    named = frame.by(client.wallet)
    if named is not None:
        return named
    try:
        return only_organization(client.wallet)
    except KeystoreError:
        return None
