"""`tetrad grant …`: rights, given and taken back."""

from __future__ import annotations

from typing import Any

import click

from resolver.cli.frame import Frame, prefix_of, verb
from resolver.cli.listing import list_page, page_options
from resolver.cli.organizations import acknowledged


@click.group()
def grant() -> None:
    """Rights: to a prefix of codes, to a maker's name, to admit organizations."""


@grant.command()
@verb(
    click.option("--prefix", metavar="SCHEME:PREFIX", help="The right to a prefix of codes."),
    click.option("--make", metavar="MAKER", help="The right to a maker's name."),
    click.option("--model", "models", multiple=True, help="With --make: these models alone."),
    click.option("--admit", is_flag=True, help="The right to admit organizations."),
    click.option("--to", metavar="NAME", help="Who gets it.  [default: whoever grants it]"),
    click.option("--until", metavar="TIME", help="When it ends, as in 2027-01-01T00:00:00Z."),
    wallet=True,
)
def issue(
    frame: Frame,
    prefix: str | None,
    make: str | None,
    models: tuple[str, ...],
    *,
    admit: bool,
    to: str | None,
    until: str | None,
) -> None:
    """Grant one right."""
    if [bool(prefix), bool(make), admit].count(True) != 1:
        raise click.UsageError("grant one right: --prefix, --make or --admit")
    with frame.writing() as client:
        wallet = client.wallet
        scope: dict[str, Any] = {}
        right = "admit"
        if prefix:
            right, scope = "prefix", dict(prefix_of(prefix))
        elif make:
            right, scope = "make", {"maker": frame.party(wallet, make)}
            scope |= {"models": list(models)} if models else {}
        receiver = frame.party(wallet, to) if to else None
        done = client.issue_grant(frame.actor(wallet), right, scope, to=receiver, not_after=until)
    frame.show(
        acknowledged(done) | {"grant": done.hash},
        f"✓ granted, entry {done.index}",
        f"  grant {done.hash}",
    )


@grant.command(short_help="End GRANT from now on.")
@click.argument("grant_hash", metavar="GRANT")
@verb(click.option("--reason", required=True, help="Why; anyone can read it."), wallet=True)
def withdraw(frame: Frame, grant_hash: str, reason: str) -> None:
    """End GRANT from now on, named by the hash that `tetrad grant list` shows."""
    with frame.writing() as client:
        done = client.withdraw_grant(frame.actor(client.wallet), grant_hash, reason)
    frame.show(acknowledged(done), f"✓ withdrawn, entry {done.index}")


@grant.command(name="list")
@verb(
    click.option("--holder", metavar="DID", help="Only those of this organization."),
    *page_options(("active", "withdrawn")),
)
def list_(frame: Frame, **query: Any) -> None:
    """List grants."""
    list_page(frame, "grants", query, _line)


def _line(one: dict[str, Any]) -> str:
    scope = one["scope"]
    about = f"{scope['scheme']}:{scope['prefix']}" if "prefix" in scope else scope.get("maker", "")
    return f"{one['status']:9} {one['grant']}  {one['right']} {about}  to {one['to']}"
