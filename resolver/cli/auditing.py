"""`tetrad audit URL-or-DIR`: the whole ledger re-hashed and replayed."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from identity.errors import KeystoreError
from resolver.cli.frame import HOME, Frame, verb
from resolver.cli.progress import Progress

if TYPE_CHECKING:
    from registry.replay import Audited
    from registry.verdict import Chunk, Verdicts

WORTH_PROCESSES = 4_096
"""Entries from which checking in processes of their own pays for starting them."""


@click.command()
@click.argument("place", metavar="URL-OR-DIR")
@verb(
    click.option("--jobs", type=click.IntRange(0), help="Processes that check signatures."),
    HOME,
    server=False,
)
def audit(frame: Frame, place: str, jobs: int | None) -> None:
    """Re-hash and replay the ledger of a service, a mirror, a data folder or a folder of tiles.

    Every entry is hashed, every signature verified, every rule applied again; the tree must have
    the root that the log signed. Of a data folder, all that the database holds is compared as well.
    The first entry that does not follow is named.
    """
    folder = Path(place)
    is_url = place.startswith(("http://", "https://"))
    if not is_url and not folder.is_dir():
        raise KeystoreError(f"there is no folder {place}", hint="a folder, or a URL")
    audited = _remote(frame, place, jobs) if is_url else _local(frame, folder, jobs)
    what = ", ".join(f"{count} {kind}" for kind, count in sorted(audited.operations.items()))
    frame.show(
        {
            "size": audited.size,
            "root": audited.root.hex(),
            "ledger": audited.genesis,
            "operations": audited.operations,
        },
        f"✓ {audited.size} entries re-hashed and replayed: {what}",
        f"✓ root {audited.root.hex()[:16]}… is the one that the log signed",
    )


def _remote(frame: Frame, url: str, jobs: int | None) -> Audited:
    from registry.audit import audit as run
    from registry.rules import RuleBook
    from resolver.client import Client
    from resolver.client.log import RemoteLog
    from resolver.schemes import SCHEMES

    home = frame.home
    with Client(url, trust=home.trust_at(url), on_trust=home.keep) as client:
        log = RemoteLog(client)
        return run(
            log,
            RuleBook(SCHEMES),
            genesis=client.trust.ledger,
            published=True,
            check=checker(log.size, jobs),
            progress=Progress("entries"),
        )


def _local(frame: Frame, folder: Path, jobs: int | None) -> Audited:
    from resolver.folder import DATABASE
    from resolver.static_log import CHECKPOINT

    if (folder / DATABASE).is_file():
        return _folder(folder, jobs)
    if (folder / CHECKPOINT).is_file():
        return _tiles(frame, folder, jobs)
    raise KeystoreError(
        f"there is no ledger in {folder}", hint="a data folder, a folder of tiles, or a URL"
    )


def _tiles(frame: Frame, folder: Path, jobs: int | None) -> Audited:
    """Of a folder of tiles: it must show a pinned ledger, at no other tree than was seen."""
    from registry.audit import audit as run
    from registry.merkle import consistency_proof
    from registry.rules import RuleBook
    from resolver.schemes import SCHEMES
    from resolver.static_log import StaticLog

    with StaticLog(folder) as log:
        trust = frame.home.trust_in(log.ledger())
        note = log.checkpoint() or b""
        needed, proof = trust.consistency_needed(note), None
        if needed is not None and needed[1] == log.size:
            proof = consistency_proof(*needed, log.reader(log.size))
        frame.home.keep(trust.observe(note, proof))
        return run(
            log,
            RuleBook(SCHEMES),
            genesis=trust.ledger,
            published=True,
            check=checker(log.size, jobs),
            progress=Progress("entries"),
        )


def _folder(folder: Path, jobs: int | None) -> Audited:
    import fcntl

    from identity.jcs import parse
    from identity.operation import as_object, operation_hash
    from registry.audit import audit as run
    from registry.rules import RuleBook
    from registry.stores.sqlite import SqliteStore
    from resolver.folder import DATABASE
    from resolver.schemes import SCHEMES

    with (folder / "lock").open("a+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeystoreError(
                "a service is at work on this folder", hint="audit it by its URL"
            ) from None
        genesis = operation_hash(as_object(parse((folder / "genesis.json").read_bytes())))
        store = SqliteStore(folder / DATABASE)
        try:
            head = store.head()
            return run(
                store,
                RuleBook(SCHEMES),
                genesis=genesis,
                stored=store,
                check=checker(head.size if head else 0, jobs),
                progress=Progress("entries"),
            )
        finally:
            store.close()


def checker(size: int, jobs: int | None) -> Callable[[Iterable[Chunk]], Iterable[Verdicts]]:
    """How that many entries are checked: in processes of their own, where that pays."""
    from registry.verdict import check_chunk

    if jobs is None:
        jobs = os.cpu_count() or 1 if size >= WORTH_PROCESSES else 0
    if jobs < 2:
        return lambda chunks: map(check_chunk, chunks)
    return lambda chunks: _in_processes(chunks, jobs)


def _in_processes(chunks: Iterable[Chunk], jobs: int) -> Iterator[Verdicts]:
    """Verdicts in order, drawing a few chunks ahead of those that are being checked."""
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing import get_context

    from registry.verdict import check_apart

    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[Any]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(check_apart, chunk))
                if len(waiting) > 2 * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
