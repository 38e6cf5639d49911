"""What the commands have that stay with a log: whom they trust, when they ask again, how they tell.

With `--json` they write a line for each thing that they tell, rather than one object at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from identity.errors import InvalidAnswer, NotFound, QuorumMissing, StorageFailed, Unavailable
from resolver.cli.frame import HOME, POLICY, Frame, Option, read_input
from resolver.cli.terminal import visible, visible_json

if TYPE_CHECKING:
    from resolver.trust import Trust

OPTIONS: list[Option] = [
    HOME,
    click.option("--follow", is_flag=True, help="Stay, and ask again and again."),
    click.option(
        "--every",
        type=click.FloatRange(0.1, 86_400),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="Between two looks with --follow.",
    ),
    click.option("--ledger", metavar="zQm…", help="The ledger's fingerprint, if it is not pinned."),
    POLICY,
]


def trusted(frame: Frame, url: str, ledger: str | None, policy: Path | None) -> Trust:
    """The ledger that is pinned for an address, or the one with this fingerprint; with the policy
    that was given, if one was.

    Raises MalformedInput where none is pinned, InvalidAnswer where the log shows another.
    """
    trust = frame.home.trust_at(url) if ledger is None else _introduced(url, ledger)
    if policy is None:
        return trust
    return trust.asking(read_input(str(policy)).decode("utf-8", "replace"))


def _introduced(url: str, ledger: str) -> Trust:
    from resolver.client import Client

    with Client(url) as client:
        shown = client.introduce()
    if shown.ledger != ledger:
        raise InvalidAnswer(
            f"the log shows the ledger {shown.ledger}, not {ledger}",
            hint="is this the right address?",
        )
    return shown


def repeat(frame: Frame, look: Callable[[], None], *, follow: bool, every: float) -> None:
    """Looks once, or with `follow` until it is interrupted or something is refused.

    A log that cannot be reached, does not show all its files yet, or waits for its witnesses, is
    asked again then.
    """
    while True:
        try:
            look()
        except (Unavailable, NotFound, QuorumMissing) as error:
            if not follow or isinstance(error, StorageFailed):
                raise
            frame.note(f"– {error.detail}; asked again in {every:g} s")
        if not follow:
            return
        time.sleep(every)


def tell(frame: Frame, value: object, *lines: str) -> None:
    """One thing that happened: lines for a person, or a line of JSON."""
    if frame.as_json:
        click.echo(visible_json(orjson.dumps(value, default=str)))
        return
    for line in lines:
        click.echo(f"  {visible(line)}")
