"""`tetrad org …`: organizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import click

from identity.errors import SignerMissing
from resolver.cli.algorithms import algorithm_option
from resolver.cli.frame import Frame, Option, prefix_of, verb
from resolver.cli.listing import list_page, page_options

if TYPE_CHECKING:
    from resolver.client import Acknowledged


def recovery_options(whose: str) -> list[Option]:
    """Options that appoint a quorum; `recovery_of` reads them."""
    return [
        click.option(
            "--recovery-key",
            "shares",
            multiple=True,
            metavar="THUMBPRINT",
            help=f"A key of {whose}, as `tetrad recovery share` gives it: repeat it.",
        ),
        click.option(
            "--threshold", type=click.IntRange(1, 5), help="How many sign.  [default: most]"
        ),
        click.option(
            "--wait",
            type=click.IntRange(min=0),
            default=604_800,
            show_default=True,
            help="Seconds in the open before a recovery can be finished.",
        ),
    ]


def recovery_of(shares: Sequence[str], threshold: int | None, wait: int) -> Any:  # noqa: ANN401 - JSON
    """The member `recovery` out of those options."""
    if not shares:
        return "none"
    most = len(shares) // 2 + 1
    return {"threshold": threshold or most, "keys": list(shares), "wait": wait}


KNOWN_AS: Option = click.option(
    "--also-known-as",
    "known_as",
    multiple=True,
    metavar="DID",
    help="A did:bid of its key, which `did:bid` alone makes: repeat it.",
)
KNOWN_AS_NOW: Option = click.option(
    "--also-known-as",
    "known_as",
    multiple=True,
    metavar="DID",
    help="A did:bid of its present key, which `did:bid` alone makes, in place of those before: "
    "repeat it. Or none.",
)


def known_as_of(names: Sequence[str]) -> dict[str, Any]:
    """The member `alsoKnownAs` out of that option, if it was given."""
    if not names:
        return {}
    return {"alsoKnownAs": [] if list(names) == ["none"] else list(names)}


@click.group()
def org() -> None:
    """Organizations: makers, operators, issuers."""


@org.command()
@click.argument("name")
@verb(
    click.option("--prefix", metavar="SCHEME:PREFIX", help="Also take this prefix (a sandbox)."),
    click.option("--uscc", help="China's unified social credit code."),
    KNOWN_AS,
    algorithm_option("Of its keys; a pair such as Ed25519+ML-DSA-44."),
    *recovery_options("the quorum that may replace its keys"),
    wallet=True,
)
def create(
    frame: Frame,
    name: str,
    prefix: str | None,
    uscc: str | None,
    known_as: tuple[str, ...],
    algorithm: str,
    **appointed: Any,
) -> None:
    """Create the organization NAME under keys that are drawn here.

    Outside a sandbox somebody with the right to admit signs as well, such as the authority:
    `--by authority --pass-on FILE` writes what it is to `tetrad sign` and `tetrad send`.
    """
    scope = prefix_of(prefix) if prefix else None
    with frame.writing() as client:
        admits = frame.by(client.wallet)
        if admits is None and not client.trust.sandbox:
            raise SignerMissing(
                "on this ledger somebody with the right to admit signs as well",
                hint="--by authority --pass-on FILE, and let it `tetrad sign FILE`",
            )
        made = frame.finished("organization.register", name=name) or client.create_organization(
            name,
            uscc=uscc,
            by=[admits] if admits else [],
            algorithm=algorithm,
            recovery=recovery_of(**appointed),
            known_as=known_as,
        )
        did = cast("str", made.did)
        lines = [f"✓ {name}", f"  {did}", f"✓ in the ledger, entry {made.index}"]
        shown = acknowledged(made) | {"did": did, "name": name}
        if scope is not None:
            granted = client.issue_grant(did, "prefix", cast("Any", scope))
            lines.append(f"✓ prefix {prefix} granted, entry {granted.index}")
            shown["grant"] = acknowledged(granted)
    frame.show(shown, *lines)


@org.command()
@click.argument("name", required=False)
@verb(wallet=True)
def show(frame: Frame, name: str | None) -> None:
    """Show an organization, by DID or by its NAME in the wallet."""
    if name and name.startswith("did:"):
        with frame.reading() as client:
            record = client.organization(name)
    else:
        with frame.writing() as client:
            did = frame.party(client.wallet, name) if name else frame.actor(client.wallet)
            record = client.organization(did)
    frame.show(record, *described(record))


@org.command(short_help="Change the name or code of an organization.")
@click.argument("name", required=False)
@verb(
    click.option("--name", "new_name", help="Another name."),
    click.option("--uscc", help="Another unified social credit code."),
    KNOWN_AS_NOW,
    wallet=True,
)
def update(
    frame: Frame,
    name: str | None,
    new_name: str | None,
    uscc: str | None,
    known_as: tuple[str, ...],
) -> None:
    """Change the names or the code of an organization, the only one of the wallet unless named."""
    body: dict[str, Any] = {"name": new_name, "uscc": uscc}
    body = {member: value for member, value in body.items() if value is not None}
    body |= known_as_of(known_as)
    if not body:
        raise click.UsageError("say what changes: --name, --uscc or --also-known-as")
    with frame.writing() as client:
        did = frame.party(client.wallet, name) if name else frame.actor(client.wallet)
        done = client.update_organization(did, body)
    frame.show(acknowledged(done), f"✓ updated, entry {done.index}")


@org.command(name="list")
@verb(*page_options(("active", "suspended", "revoked")))
def list_(frame: Frame, **query: Any) -> None:
    """List the organizations of the ledger."""
    list_page(
        frame, "organizations", query, lambda one: f"{one['status']:9} {one['did']}  {one['name']}"
    )


def described(record: dict[str, Any]) -> list[str]:
    """An organization's record in lines."""
    held = [f"  {right}: {len(grants)}" for right, grants in record.get("grants", {}).items()]
    code = [f"  USCC {record['uscc']}"] if "uscc" in record else []
    names = [f"  also known as {name}" for name in record.get("alsoKnownAs", [])]
    first = f"{str(record['status']).upper()}  {record['did']}  {record['name']}"
    return [first, *code, *names, *held]


def acknowledged(done: Acknowledged) -> dict[str, Any]:
    """What was acknowledged, for programs."""
    shown: dict[str, Any] = {
        "operation": done.hash,
        "index": done.index,
        "time": done.time,
        "receipt": done.receipt,
    }
    if done.did is not None:
        shown["did"] = done.did
    return shown
