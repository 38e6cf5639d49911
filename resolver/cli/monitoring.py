"""`tetrad monitor URL`: watches a log, and raises an alarm with evidence."""

from __future__ import annotations

from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from identity.durable import replace_file
from identity.errors import EvidenceRefused, StorageFailed
from resolver.cli.auditing import checker
from resolver.cli.following import OPTIONS, repeat, tell, trusted
from resolver.cli.frame import REFUSED, Frame, verb
from resolver.cli.progress import Progress

if TYPE_CHECKING:
    from resolver.client import Client
    from resolver.client.monitoring import Monitor, View


@click.command()
@click.argument("address", metavar="URL")
@verb(
    click.option(
        "--against",
        metavar="URL",
        multiple=True,
        help="Another view of the log: a mirror, or a witness's …/checkpoint. May be repeated.",
    ),
    click.option(
        "--state",
        type=click.Path(path_type=Path, file_okay=False),
        help="What it remembers.  [default: in the home folder, by ledger]",
    ),
    click.option(
        "--evidence",
        "kept",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where evidence is written.  [default: in the state folder]",
    ),
    click.option("--jobs", type=click.IntRange(0), help="Processes that check signatures."),
    *OPTIONS,
    server=False,
)
def monitor(
    frame: Frame,
    address: str,
    *,
    against: tuple[str, ...],
    state: Path | None,
    kept: Path | None,
    jobs: int | None,
    follow: bool,
    every: float,
    ledger: str | None,
    policy: Path | None,
) -> None:
    """Watch the log at URL, and raise an alarm when it misbehaves.

    Its checkpoint must extend the one seen last, every new entry is hashed and replayed through
    the rule book, and what --against shows must be the same log. An alarm ends the command with
    exit code 1; what proves it to others lies in a file for `tetrad verify`.
    """
    from resolver.client import Client
    from resolver.client.monitoring import Monitor

    trust = trusted(frame, address, ledger, policy)
    folder = state or frame.home.path / "ledgers" / trust.label / "monitor"
    with ExitStack() as stack:
        watched = stack.enter_context(Monitor(folder, trust))
        client = stack.enter_context(Client(address, trust=watched.trust))
        views = [_view(stack, url) for url in against]
        try:
            repeat(
                frame,
                lambda: _look(frame, watched, client, views, jobs),
                follow=follow,
                every=every,
            )
        except EvidenceRefused as error:
            _alarm(frame, error, kept or folder / "evidence")
            raise click.exceptions.Exit(REFUSED) from None


def _view(stack: ExitStack, url: str) -> View:
    from resolver.client import Client
    from resolver.client.monitoring import CHECKPOINT, View

    base = url.removesuffix(CHECKPOINT)
    return View(url, stack.enter_context(Client(base)), base == url)


def _look(
    frame: Frame, watched: Monitor, client: Client, views: list[View], jobs: int | None
) -> None:
    looked = watched.look(
        client, check=lambda new: checker(new, jobs), progress=Progress("entries")
    )
    others = watched.compare(views)
    lines = [
        f"✓ {looked.size} entries, {looked.new} of them new and replayed; "
        f"root {looked.root.hex()[:16]}…",
        *(f"✓ {url}: {said}" for url, said in others.items()),
    ]
    tell(
        frame,
        {
            "event": "consistent",
            "size": looked.size,
            "root": looked.root.hex(),
            "new": looked.new,
            "dated": looked.dated,
            "against": others,
        },
        *lines,
    )


def _alarm(frame: Frame, error: EvidenceRefused, folder: Path) -> None:
    """Says what is wrong, and keeps what proves it."""
    evidence = error.members.pop("evidence", None)
    file = _keep(folder, evidence) if evidence is not None else None
    if frame.as_json:
        shown = {"event": "alarm", **error.problem(), "evidence": str(file) if file else None}
        tell(frame, shown)
        return
    frame.fail(error)
    frame.note(
        f"evidence in {file}: anybody checks it with\n  tetrad verify {file}"
        if file
        else "nothing in this proves it to others: let them look for themselves"
    )


def _keep(folder: Path, evidence: dict[str, object]) -> Path:
    """A file of its own for each piece of evidence, named by its content."""
    data = orjson.dumps(evidence) + b"\n"
    file = folder / f"{evidence['kind']}-{sha256(data).hexdigest()[:16]}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(file, data, mode=0o644)
    except OSError as failure:
        raise StorageFailed(f"{file}: {failure.strerror}") from None
    return file
