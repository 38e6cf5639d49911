"""The audit: a whole ledger, re-hashed and replayed through the very rules that wrote it.

    audited = audit(store, RuleBook(SCHEMES), stored=store)          # a data folder
    audited = audit(remote, RuleBook(SCHEMES), genesis=pinned)       # a log over HTTP

Every entry is read strictly, its bytes compared with their canonical form, its hash with the
published tile, its `previous` with the hash of the entry before; every proof's signature is
verified, the rule book applied with the entry's own time and keyed hashes, the tree grown. Each
root of the state must be that of the replayed one, and one of them must end what was published. At
the end the root of the tree must be the one under the log's signature. With `stored`, all that the
store keeps is compared with what the replay wrote: versions, the newest of each key, listings,
checkpoints, head. What fails raises LedgerTampered with the first `index` that does not follow.

An entry is judged in two stages: `check_chunk` needs no state and may run in other processes (most
of the time goes into signatures), the replay is sequential. The replay's own state lives in a store
too, `scratch`: memory by default (about 3 KB a device), an SQLite file where the ledger is large.
A scratch that holds an earlier replay is taken up where that ended: so a monitor goes on.
What cannot be repeated is the admission of disclosed values. Specified in specs/2-registry.md,
"Audit".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from registry.replay import Audited, Replay, Source
from registry.rules import RuleBook
from registry.store import MemoryStore, Store
from registry.verdict import Chunk, Verdicts, check_chunk

CheckChunks = Callable[[Iterable[Chunk]], Iterable[Verdicts]]
"""Verdicts of chunks, in their order: `map(check_chunk, …)`, or the same over several processes
with `check_apart`. It draws chunks only as far ahead as it means to keep in memory."""


def _in_turn(chunks: Iterable[Chunk]) -> Iterator[Verdicts]:
    return map(check_chunk, chunks)


def audit(
    source: Source,
    rules: RuleBook,
    *,
    genesis: str | None = None,
    stored: Store | None = None,
    scratch: Store | None = None,
    published: bool = False,
    check: CheckChunks = _in_turn,
    progress: Callable[[int, int], None] | None = None,
) -> Audited:
    """Replays a ledger up to its newest checkpoint.

    `genesis` is the pinned operation hash of its genesis; without it, whatever ledger this is.
    `stored` is the store behind the source, where there is one: no other process writes to it.
    `scratch` is a store for the replay's own state: empty, or as a replay of the same ledger has
    left it, which then goes on from there (and not with `stored`). `published` says that the
    checkpoint is one that was published, and so ends in the root of a state. `progress(done,
    total)` counts entries.

    Raises LedgerTampered with `index`, InvalidCheckpoint for one that the log has not signed,
    RolledBack where it has fewer entries than were replayed before, and NotFound where nothing was
    ever committed.
    """
    replay = Replay(source, rules, genesis, stored, MemoryStore() if scratch is None else scratch)
    for verdicts in check(replay.chunks()):
        replay.take(verdicts)
        if progress is not None:
            progress(replay.size, replay.checkpoint.size)
    return replay.finish(published=published)
