"""`tetrad grant …`: rights, given and taken back."""

from __future__ import annotations

from typing import Any

import click

from resolver.cli.frame import Frame, prefix_of, verb
from resolver.cli.listing import list_page, page_options
from resolver.cli.organizations import acknowledged


@click.group()
def grant() -> None:
    """Rights: to a prefix, to a maker's name, to admit organizations, to issue credentials."""


@grant.command()
@verb(
    click.option("--prefix", metavar="SCHEME:PREFIX", help="The right to a prefix of codes."),
    click.option("--make", metavar="MAKER", help="The right to a maker's name."),
    click.option("--model", "models", multiple=True, help="With --make: these models alone."),
    click.option("--admit", is_flag=True, help="The right to admit organizations."),
    click.option(
        "--credential",
        "types",
        multiple=True,
        metavar="TYPE",
        help="The right to issue credentials of TYPE; with --prefix, about devices under it alone.",
    ),
    click.option(
        "--delegates",
        type=click.IntRange(1, 4),
        help="With --credential: how many grants may stand below this one.",
    ),
    click.option(
        "--under", metavar="GRANT", help="With --credential: your own, of which you pass on a part."
    ),
    click.option("--to", metavar="NAME", help="Who gets it.  [default: whoever grants it]"),
    click.option("--until", metavar="TIME", help="When it ends, as in 2027-01-01T00:00:00Z."),
    wallet=True,
)
def issue(
    frame: Frame, *, to: str | None, until: str | None, under: str | None, **given: Any
) -> None:
    """Grant one right."""
    about = bool(given["prefix"]) and not given["types"]
    if [about, bool(given["make"]), given["admit"], bool(given["types"])].count(True) != 1:
        raise click.UsageError("grant one right: --prefix, --make, --admit or --credential")
    if (under or given["delegates"]) and not given["types"]:
        raise click.UsageError("--under and --delegates go with --credential")
    with frame.writing() as client:
        wallet = client.wallet
        maker = frame.party(wallet, given["make"]) if given["make"] else None
        right, scope = _right(maker, **given)
        receiver = frame.party(wallet, to) if to else None
        done = client.issue_grant(
            frame.actor(wallet), right, scope, to=receiver, not_after=until, under=under
        )
    frame.show(
        acknowledged(done) | {"grant": done.hash},
        f"✓ granted, entry {done.index}",
        f"  grant {done.hash}",
    )


def _right(
    maker: str | None,
    *,
    prefix: str | None,
    models: tuple[str, ...],
    types: tuple[str, ...],
    delegates: int | None,
    **_: Any,
) -> tuple[str, dict[str, Any]]:
    """The right that the options name, and its scope."""
    if types:
        scope: dict[str, Any] = {"types": list(types)}
        scope |= {"prefix": prefix_of(prefix)} if prefix else {}
        scope |= {"delegates": delegates} if delegates else {}
        return "credential", scope
    if prefix:
        return "prefix", dict(prefix_of(prefix))
    if maker:
        return "make", {"maker": maker, **({"models": list(models)} if models else {})}
    return "admit", {}


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
    about = scope.get("maker", "")
    if "types" in scope:
        about = ", ".join(scope["types"])
    elif "template" in scope:
        about = f"{scope['scheme']}:{scope['template']}"
    elif "prefix" in scope:
        about = f"{scope['scheme']}:{scope['prefix']}"
    return f"{one['status']:9} {one['grant']}  {one['right']} {about}  to {one['to']}"
