"""`tetrad serve --role recursive`: the resolver that has no ledger and answers out of the tree."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from resolver.cli.frame import Frame

if TYPE_CHECKING:
    from resolver.recursion.recursing import Recursor
    from resolver.settings import Settings
    from resolver.trust import Trust

RECURSIVE: Final = (
    click.option("--root", metavar="URL", help="Recursive: the node at the root of the tree."),
    click.option(
        "--ledger",
        metavar="zQm…",
        help="Recursive: the root's fingerprint.  [default: as pinned by tetrad trust]",
    ),
    click.option(
        "--allow-host",
        "allow_hosts",
        metavar="HOST[:PORT]",
        multiple=True,
        help="Recursive: a host that grants may lead to; *.example.com for all below one.",
    ),
    click.option(
        "--allow-network",
        "allow_networks",
        metavar="CIDR",
        multiple=True,
        help="Recursive: a network that is not public, at which allowed hosts may be asked.",
    ),
)


class Below(NamedTuple):
    """The tree, and who in it may be asked."""

    root: str | None
    ledger: str | None
    hosts: tuple[str, ...]
    networks: tuple[str, ...]


def serve_recursive(
    frame: Frame,
    below: Below,
    *,
    host: str | None,
    port: int,
    ready_file: Path | None,
    addresses: tuple[str, ...],
    **of_a_ledger: Any,
) -> None:
    """Serves until it is told to stop. What only a ledger has must not be asked for."""
    from resolver.recursion import app
    from resolver.settings import Settings

    for name, given in of_a_ledger.items():
        if given:
            option = "--" + name.replace("_", "-")
            raise click.UsageError(f"a recursive resolver has no ledger: not with {option}")
    if below.root is None:
        raise click.UsageError("name the root of the tree: --root URL")
    settings = Settings.from_environment(os.environ)
    trust, recursor = _recursor(frame, below, below.root, settings)

    def on_ready(address: str) -> None:
        hosts = ", ".join(below.hosts) or "no host but the root: --allow-host HOST"
        click.echo("  RECURSIVE: no ledger of its own; answers out of the tree below")
        click.echo(f"  root {trust.origin}, {trust.ledger}")
        click.echo(f"  Asks {hosts}")
        click.echo(f"  Listening on {address}")
        click.echo(f"  Next, in another terminal: tetrad trust {address}")

    app.serve(
        settings,
        recursor,
        host=host or "127.0.0.1",
        port=port,
        ready_file=ready_file,
        on_ready=None if frame.as_json else on_ready,
        addresses=addresses,
    )


def _recursor(frame: Frame, below: Below, root: str, settings: Settings) -> tuple[Trust, Recursor]:
    from resolver.client.flow import check_address
    from resolver.recursion.allowed import AllowList
    from resolver.recursion.cache import Cache, Lifetimes
    from resolver.recursion.fetching import Fetcher
    from resolver.recursion.recursing import Recursor

    root = check_address(root)
    trust = _root(frame, below, root)
    # The operator has named the root: it may be asked wherever it is.
    allowed = AllowList.of([*below.hosts, root.partition("://")[2]], below.networks)
    lifetimes = Lifetimes(settings.answer_seconds, settings.none_seconds, settings.stale_seconds)
    cache = Cache(lifetimes, most=settings.kept_answers, most_bytes=settings.kept_megabytes * 2**20)
    recursor = Recursor(
        trust,
        [root],
        Fetcher(allowed),
        time.time,
        cache=cache,
        max_age=settings.proof_seconds,
        on_trust=None if below.ledger else frame.home.keep,
    )
    return trust, recursor


def _root(frame: Frame, below: Below, root: str) -> Trust:
    """What is pinned of the root; by --ledger, what it shows of that ledger."""
    from identity.errors import InvalidAnswer
    from resolver.client import Client

    if below.ledger is None:
        return frame.home.trust_at(root)
    with Client(root) as client:
        shown = client.introduce()
    if shown.ledger != below.ledger:
        raise InvalidAnswer(
            f"the root shows the ledger {shown.ledger}, not {below.ledger}",
            hint="is this the right address?",
        )
    return shown
