"""A monitor: one who watches a log, and keeps what proves that it misbehaved.

    with Monitor(state, trust) as monitor, Client(url, trust=monitor.trust) as client:
        looked = monitor.look(client)         # raises what is wrong; `evidence` in its members
        monitor.compare(views)                # what others are shown of the same log

It remembers, in a folder, the newest checkpoint that the log has shown and the state as far as it
was replayed. A look holds the new checkpoint against the old one, by tiles, then every new entry
against its tile and against the rule book (registry/audit.py, which goes on where it ended). Only
what the log has signed reaches that state. Errors are alarms if they are EvidenceRefused, and carry
`evidence` where there is some that others can check (registry/evidence.py).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, cast

import orjson

from identity.durable import replace_file
from identity.errors import (
    EvidenceRefused,
    ForkDetected,
    LedgerTampered,
    RolledBack,
    StorageFailed,
    TetradError,
)
from identity.jcs import Json, parse
from registry import evidence
from registry.audit import CheckChunks, audit
from registry.checkpoint import Checkpoint
from registry.merkle import consistency_proof, inclusion_proof, prefix_path, root_at
from registry.rules import RuleBook
from registry.stores.sqlite import SqliteStore
from registry.tile import WIDTH, subtree_reader
from registry.verdict import check_chunk
from resolver.client import Client
from resolver.client.flow import Request, ask_bytes
from resolver.client.log import RemoteLog
from resolver.client.seeing import Seeing
from resolver.client.tiles import VerifiedTiles
from resolver.schemes import SCHEMES
from resolver.trust import Trust

CHECKPOINT = "/checkpoint"


class Looked(NamedTuple):
    """What a look has found to be right."""

    size: int
    root: bytes
    new: int
    """Entries that were replayed this time."""
    dated: int | None
    """Seconds since the epoch, as the log itself dates its checkpoint."""


class View(NamedTuple):
    """The same log as somebody else shows it."""

    url: str
    client: Client
    tiles: bool
    """Whether it shows more than a checkpoint: a witness does not."""


class Monitor:
    """One log, as far as it was watched. One process at a time."""

    def __init__(self, path: Path, trust: Trust) -> None:
        """Takes up what the folder holds; `trust` pins the ledger.

        Raises StorageFailed; MalformedInput where the folder is about another ledger.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise StorageFailed(f"another monitor works in {path}") from None
        except OSError as failure:
            raise StorageFailed(f"{path}: {failure.strerror}") from None
        self._path = path
        self._first: bytes | None = None
        try:
            kept = self._read("trust.json")
            self.trust = replace(trust, newest=b"") if kept is None else Trust.from_json(kept)
            if self.trust.ledger != trust.ledger:
                raise StorageFailed(f"{path} is the state of a monitor of another ledger")
            self.trust = self.trust.asking(trust.witness_policy)
            self._ahead = cast("dict[str, str]", self._read("ahead.json") or {})
            self._store = SqliteStore(path / "replay.sqlite3")
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def size(self) -> int:
        """Entries that were replayed."""
        head = self._store.head()
        return head.size if head else 0

    def remember(self, trust: Trust) -> None:
        """Keeps the newest checkpoint shown: the log has signed it, whatever follows."""
        self.trust = trust
        self._write("trust.json", trust.to_json())

    def look(
        self,
        client: Client,
        *,
        check: Callable[[int], CheckChunks] = lambda _: partial(map, check_chunk),
        progress: Callable[[int, int], None] | None = None,
    ) -> Looked:
        """Asks once, and replays what is new; `check` is given the number of new entries.

        Raises InvalidCheckpoint, QuorumMissing, RolledBack, ForkDetected, LedgerTampered with
        `index`; NotFound and ServerUnreachable, which prove nothing.
        """
        note = client.run(ask_bytes(Request("GET", CHECKPOINT)))
        seeing = Seeing(self.trust, client.flows.clock, self.remember)
        client.run(seeing.learn(note))  # where the log's keys were replaced
        seeing.dated(self.trust.pinned.open(note))  # whether the policy accepts it
        self._observe(client, note)
        before, tree = self.size, self.trust.open(note).checkpoint
        log = RemoteLog(client, note, self._first)
        try:
            audit(
                log,
                RuleBook(SCHEMES),
                genesis=self.trust.ledger,
                published=True,
                scratch=self._store,
                check=check(tree.size - before),
                progress=progress,
            )
        except LedgerTampered as error:
            if "index" in error.members:
                error.members |= self._bad_entry(client, log, note, error.members["index"])
            raise
        self._first = log.first
        times = [time for _, time in self.trust.open(note).times if time]
        return Looked(tree.size, tree.root, tree.size - before, max(times, default=None))

    def _observe(self, client: Client, note: bytes) -> None:
        """Holds a checkpoint against the newest one seen, and remembers it."""
        seen = self.trust.newest
        tree = self.trust.open(note).checkpoint
        if tree.size < self.trust.size:
            self._refuse_smaller(note, tree)
        tiles = VerifiedTiles(tree)
        try:
            needed, proof = self.trust.consistency_needed(note), None
            if needed is not None:
                proof = client.run(tiles.compute(partial(consistency_proof, *needed)))
            self.remember(self.trust.observe(note, proof))
        except ForkDetected as error:
            path: Sequence[bytes] = ()
            if self.trust.size < tree.size:
                sizes = self.trust.size, tree.size
                path = client.run(tiles.compute(partial(prefix_path, *sizes)))
            error.members |= self._fork(seen, note, path)
            raise

    def _refuse_smaller(self, note: bytes, tree: Checkpoint) -> None:
        """A checkpoint of fewer entries than were seen: a fork where it is no beginning of them."""
        seen = self.trust.newest
        self._check_beginning(note, tree)
        error = RolledBack(
            f"the log shows {tree.size} entries, where it had {self.trust.size}",
            hint="the server was restored from an old copy, or hides what it accepted",
            seen=seen.decode("utf-8", "replace"),
            shown=note.decode("utf-8", "replace"),
        )
        shown = evidence.rollback(self.trust.ledger, self.trust.genesis, seen, note)
        error.members |= self._proved(shown)
        raise error

    def _check_beginning(self, note: bytes, tree: Checkpoint) -> None:
        """Whether a smaller tree is a beginning of what was replayed. Raises ForkDetected."""
        newest = self.trust.open(self.trust.newest).checkpoint
        read = subtree_reader(self._store.tile)
        if not 0 < tree.size < newest.size or self.size != newest.size:
            return
        if root_at(tree.size, read) != tree.root:
            raise ForkDetected(
                f"{tree.size} entries are shown that the {newest.size} seen do not begin with",
                **self._fork(note, self.trust.newest, prefix_path(tree.size, newest.size, read)),
            )

    def compare(self, views: Iterable[View]) -> dict[str, str]:
        """What others are shown, held against what was seen; by URL, a word on each.

        Raises ForkDetected, InvalidCheckpoint; LedgerTampered for a view whose tiles are not those
        that the log has signed.
        """
        said = {}
        for view in views:
            try:
                said[view.url] = self._compare(view)
            except TetradError as error:
                if view.url not in error.detail:
                    error.detail = f"{view.url}: {error.detail}"
                raise
        return said

    def _compare(self, view: View) -> str:
        remembered = self._ahead.pop(view.url, None)
        if remembered is not None:  # a checkpoint that was ahead of the log
            self._against(view, remembered.encode(), fetch=False)
        note = view.client.run(ask_bytes(Request("GET", CHECKPOINT)))
        said = self._against(view, note, fetch=view.tiles)
        self._write("ahead.json", cast("Json", self._ahead))
        return said

    def _against(self, view: View, note: bytes, *, fetch: bool) -> str:
        tree = self.trust.open(note).checkpoint
        newest = self.trust.open(self.trust.newest).checkpoint
        if tree.size == newest.size:
            if tree.root != newest.root:
                raise ForkDetected(
                    f"{view.url} shows another tree of {tree.size} entries",
                    **self._fork(self.trust.newest, note),
                )
            return "the same tree"
        if tree.size < newest.size:
            self._check_beginning(note, tree)
            return f"{newest.size - tree.size} entries behind"
        if not fetch:
            self._ahead.setdefault(view.url, note.decode())
            return f"{tree.size - newest.size} entries ahead, to be checked when the log shows them"
        tiles = VerifiedTiles(tree)
        path = view.client.run(tiles.compute(partial(prefix_path, newest.size, tree.size)))
        found = view.client.run(tiles.compute(partial(root_at, newest.size)))
        if found != newest.root:
            raise ForkDetected(
                f"{view.url} shows {tree.size} entries that do not begin with the {newest.size} "
                "seen",
                **self._fork(self.trust.newest, note, path),
            )
        return f"{tree.size - newest.size} entries ahead"

    def _fork(self, one: bytes, other: bytes, path: Sequence[bytes] = ()) -> dict[str, Any]:
        return self._proved(evidence.fork(self.trust.ledger, self.trust.genesis, one, other, path))

    def _bad_entry(self, client: Client, log: RemoteLog, note: bytes, index: int) -> dict[str, Any]:
        """Evidence of an entry that does not follow, as far as there is any."""
        try:
            shown = []
            for place in range(max(0, index - 1), index + 1):
                start = place // WIDTH * WIDTH
                end = min(start + WIDTH, log.size)
                data = log.entries(start, end)[place - start]
                proof = partial(inclusion_proof, place, log.size)
                shown.append(evidence.ShownEntry(data, client.run(log.tiles.compute(proof))))
        except TetradError:  # the server does not show it again: there is nothing to prove
            return {}
        ledger, genesis = self.trust.ledger, self.trust.genesis
        return self._proved(evidence.bad_entry(ledger, genesis, note, index, shown))

    def _proved(self, shown: dict[str, Json]) -> dict[str, Any]:
        """Evidence, if it proves anything to those who have the log's keys alone."""
        try:
            evidence.check_evidence(shown, self.trust.ledger, self.trust.open)
        except EvidenceRefused:
            return {}
        return {"evidence": shown}

    def _read(self, name: str) -> Json:
        try:
            return parse((self._path / name).read_bytes(), max_bytes=2**22)
        except FileNotFoundError:
            return None
        except OSError as failure:
            raise StorageFailed(f"{self._path / name}: {failure.strerror}") from None

    def _write(self, name: str, value: Json) -> None:
        try:
            replace_file(self._path / name, orjson.dumps(value) + b"\n")
        except OSError as failure:
            raise StorageFailed(f"{self._path / name}: {failure.strerror}") from None

    def close(self) -> None:
        """Lets go of the folder."""
        self._store.close()
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
