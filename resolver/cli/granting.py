"""`tetrad grant …`: rights, given and taken back."""

from __future__ import annotations

import os
from typing import Any

import click

from identity.errors import InvalidAnswer
from resolver.cli.frame import Frame, clock_of, prefix_of, verb
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
    click.option(
        "--node",
        "nodes",
        multiple=True,
        metavar="URL",
        help="With --prefix: the holder's own node, to which questions are referred; up to 4.",
    ),
    click.option(
        "--node-ledger", metavar="zQm…", help="With --node: its fingerprint, as you were told it."
    ),
    click.option("--yes", is_flag=True, help="Do not ask: the fingerprint was compared already."),
    click.option("--to", metavar="NAME", help="Who gets it.  [default: whoever grants it]"),
    click.option("--until", metavar="TIME", help="When it ends, as in 2027-01-01T00:00:00Z."),
    wallet=True,
)
def issue(
    frame: Frame, *, to: str | None, until: str | None, under: str | None, **given: Any
) -> None:
    """Grant one right.

    With --node the holder of the prefix runs a ledger of its own. Codes under the prefix that are
    not registered here are looked up there, and so are the DIDs of that ledger: compare its
    fingerprint with what its operator told you. What is registered here still comes first.
    """
    about = bool(given["prefix"]) and not given["types"]
    if [about, bool(given["make"]), given["admit"], bool(given["types"])].count(True) != 1:
        raise click.UsageError("grant one right: --prefix, --make, --admit or --credential")
    if (under or given["delegates"]) and not given["types"]:
        raise click.UsageError("--under and --delegates go with --credential")
    if (given["nodes"] and not about) or (given["node_ledger"] and not given["nodes"]):
        raise click.UsageError("--node goes with --prefix, and --node-ledger with --node")
    node = _node(frame, given["nodes"], given["node_ledger"], yes=given["yes"])
    with frame.writing() as client:
        wallet = client.wallet
        maker = frame.party(wallet, given["make"]) if given["make"] else None
        right, scope = _right(maker, **given)
        scope |= node
        receiver = frame.party(wallet, to) if to else None
        done = client.issue_grant(
            frame.actor(wallet), right, scope, to=receiver, not_after=until, under=under
        )
    frame.show(
        acknowledged(done) | {"grant": done.hash},
        f"✓ granted, entry {done.index}",
        f"  grant {done.hash}",
    )


def _node(frame: Frame, urls: tuple[str, ...], ledger: str | None, *, yes: bool) -> dict[str, Any]:
    """The member `node` of a scope: what the first of these addresses shows, once a person, or the
    fingerprint that was told, agrees."""
    if not urls:
        return {}
    from resolver.client import Client

    with Client(urls[0], clock=clock_of(os.environ)) as client:
        shown = client.introduce()
    if ledger is not None and ledger != shown.ledger:
        raise InvalidAnswer(
            f"the node shows the ledger {shown.ledger}, not {ledger}",
            hint="is this the right address?",
        )
    if not frame.as_json:
        click.echo(f"  Node {shown.name}, log {shown.origin}")
        click.echo(f"  Ledger {shown.ledger}")
    frame.confirm("Is this the fingerprint that you were told?", yes=yes or bool(ledger))
    return {"node": {"ledger": shown.ledger, "origin": shown.origin, "urls": list(urls)}}


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
    node = f", node {scope['node']['origin']}" if "node" in scope else ""
    return f"{one['status']:9} {one['grant']}  {one['right']} {about}  to {one['to']}{node}"
