"""`tetrad tail`: what is committed to the pinned ledger, proved before it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import orjson

from identity.did import parse_tetrad_did
from identity.errors import NotFound
from resolver.cli.following import tell
from resolver.cli.frame import Frame, verb

if TYPE_CHECKING:
    from collections.abc import Callable

    from identity.errors import Unavailable


@click.command(short_help="Show what is committed, proved, as it comes.")
@verb(
    click.option("--follow", "-f", is_flag=True, help="Stay, and show what comes."),
    click.option(
        "--after",
        type=click.IntRange(min=-1),
        metavar="INDEX",
        help="Begin behind this entry; -1 for the first.  [default: the last ten]",
    ),
    click.option(
        "--type",
        "types",
        metavar="TYPE,…",
        help="Only these: device.register, status.revoke … Roots of the state (state.root) are "
        "shown where they are named.",
    ),
    click.option("--subject", metavar="DID", help="Only what is about this subject."),
    click.option("--entries", is_flag=True, help="With --json: the whole entries as well."),
)
def tail(
    frame: Frame,
    *,
    follow: bool,
    after: int | None,
    types: str | None,
    subject: str | None,
    entries: bool,
) -> None:
    """Show what is committed to the ledger, each entry proved by the pinned log.

    An entry is shown once a checkpoint that was published covers it, and its root follows from all
    entries before: a moment after its commit. With --json there is a line of JSON for each, so that
    a script can pass it on. A connection that ends is made again, without a gap.
    """
    from resolver.client.tailing import Tail
    from resolver.events import STATE_ROOT, data_of, event_of, wanted, wanted_types

    asked = wanted_types(types) if types is not None else frozenset[str]()
    if subject is not None:
        parse_tetrad_did(subject)

    def show(index: int, entry: bytes) -> None:
        event = event_of(entry, index, label)
        if wanted(event, asked, subject or "") and (asked or event.type != STATE_ROOT):
            value: dict[str, Any] = orjson.loads(data_of(event, entries=entries))
            tell(frame, value, _line(value))

    with frame.reading() as client:
        label = client.trust.label
        last = {"last": 0} if follow and after is None else {}
        found = Tail(client, after=after, on_pause=_pausing(frame), **last)
        if after is not None and after >= found.size and not follow:
            raise NotFound(
                f"the log has published {found.size} entries, none of them behind {after}",
                hint="--follow waits for those to come",
            )
        for index, entry in found.published():
            show(index, entry)
        if follow:
            for index, entry in found.live():
                show(index, entry)


def _line(value: dict[str, Any]) -> str:
    code = value.get("code", {}).get("value", "")
    about = value.get("subject", "")
    return f"{value['index']:>8}  {value['time']}  {value['type']:21} {about}  {code}".rstrip()


def _pausing(frame: Frame) -> Callable[[Unavailable, float], None]:
    def say(error: Unavailable, seconds: float) -> None:
        again = f"; again in {seconds:g} s" if seconds else ""
        frame.note(f"– {error.detail}{again}")

    return say
