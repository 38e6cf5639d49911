"""`tetrad trust URL`: pins the ledger behind a service, after a person has seen its fingerprint."""

from __future__ import annotations

import os
from pathlib import Path

import click

from identity.errors import InvalidAnswer
from resolver.cli.frame import HOME, POLICY, Frame, clock_of, read_input, verb


@click.command()
@click.argument("address", metavar="URL")
@verb(
    HOME,
    click.option("--yes", is_flag=True, help="Do not ask: the fingerprint was compared already."),
    click.option("--ledger", metavar="zQm…", help="The fingerprint that you were told."),
    POLICY,
    server=False,
)
def trust(
    frame: Frame, address: str, *, yes: bool, ledger: str | None, policy: Path | None
) -> None:
    """Pin the ledger behind the service at URL.

    Its fingerprint is the hash of its genesis. Compare it with what the operator publishes
    elsewhere: from then on, no answer of another ledger is believed, and none that goes back
    behind what was seen. With a --policy, none is that its witnesses have not cosigned; without
    one, the policy of before stays, and an empty file ends it.
    """
    from resolver.client import Client

    with Client(
        address, clock=clock_of(os.environ)
    ) as client:  # nothing is kept of what is refused in the end
        shown = client.introduce()
        if ledger is not None and ledger != shown.ledger:
            raise InvalidAnswer(
                f"the service shows the ledger {shown.ledger}, not {ledger}",
                hint="is this the right address?",
            )
        known = frame.home.knows(shown)
        if not frame.as_json:
            kind = "sandbox: anyone may register" if shown.sandbox else "permissioned"
            click.echo(f"  Ledger {shown.ledger}")
            click.echo(f"  {shown.name}, log {shown.origin}  ({kind})")
        if not known:
            frame.confirm("Is this the fingerprint that you were told?", yes=yes or bool(ledger))
        pinned = frame.home.trust_in(shown.ledger) if known else shown
        if policy is not None:
            pinned = pinned.asking(read_input(str(policy)).decode("utf-8", "replace"))
        client.pin(pinned)
        client.checkpoint()
        frame.home.pin(address, client.trust)
        frame.show(
            {
                "ledger": shown.ledger,
                "label": shown.label,
                "origin": shown.origin,
                "url": client.url,
                "size": client.trust.size,
                "quorum": client.trust.witnesses.quorum if client.trust.witnesses else None,
            },
            f"Pinned, at a checkpoint over its first {client.trust.size} entries."
            if client.trust.size != 1
            else "Pinned, at a checkpoint over its first entry.",
        )
