"""The replay of a ledger: the sequential stage of an audit (registry/audit.py).

    replay = Replay(source, rules, genesis, None, MemoryStore())
    for verdicts in map(check_chunk, replay.chunks()):
        replay.take(verdicts)
    replay.finish(published=True)

It holds the state, the tree and the clock as of the entries so far, in a store of its own; with a
store that an earlier replay has left, it goes on from there.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, cast

from identity.errors import InvalidCheckpoint, LedgerTampered, NotFound, RolledBack, TetradError
from identity.jcs import Json, canonicalize_profile
from identity.keys import public_key
from identity.members import parse_time
from identity.operation import (
    RegistryGenesis,
    read_operation,
)
from registry.checking import Checked
from registry.checkpoint import Checkpoint, open_checkpoint
from registry.comparison import Comparison
from registry.entry import FIRST_PREVIOUS, Entry, StateRoot
from registry.ledger import known_index, listing_row, verify_pending
from registry.logkeys import log_keys_in, parsed_keys
from registry.merkle import HASH_SIZE, Frontier, leaf_hash
from registry.note import Note, VerifierKey
from registry.rules import RuleBook
from registry.state import Changes, MemoryState, State, Subject, linked, state_key
from registry.state_map import StateMap
from registry.store import Batch, Head, Row, Store
from registry.stored_state import StoredState
from registry.tile import WIDTH, StoredTile, changed_tiles
from registry.verdict import Chunk, Verdict, Verdicts, check_entry, reread

MAX_KNOWN_KEYS = 4096
_CLOSED = b"closed"
"""A scratch store has it in place of a checkpoint where the last entry is the root of a state."""


class Source(Protocol):
    """What is audited. A Store is one; so is a client of a log's checkpoint, tiles and bundles."""

    def checkpoint(self) -> bytes | None:
        """The newest signed checkpoint, or None where there is none."""
        ...

    def entries(self, start: int, end: int) -> list[bytes]:
        """The entries start … end-1: at most 256, all in one bundle."""
        ...

    def tile(self, level: int, n: int) -> bytes:
        """A tile as wide as the checkpoint's tree has it, or wider; 32 bytes a hash."""
        ...


class Audited(NamedTuple):
    """What held."""

    size: int
    root: bytes
    time: int
    """Of the last entry, in seconds since the epoch."""
    genesis: str
    operations: dict[str, int]
    """How many of each type, of those that were replayed this time."""


class _Changes:
    """What the entries of one chunk change, over the state before them."""

    def __init__(self, state: State) -> None:
        self.overlay = MemoryState(state)
        self.records: list[tuple[bytes, int, bytes]] = []
        self.rows: list[Row] = []

    def add(self, index: int, leaf: bytes, changes: Changes) -> None:
        """The changes of one entry, in the order in which the writer writes them."""
        changes = linked(self.overlay, changes, leaf)
        self.overlay.advance(changes)
        for key, record in changes.items():
            written = canonicalize_profile(cast("Json", record))
            self.records.append((state_key(key), index, written))
            row = listing_row(self.overlay, key, record)
            if row is not None:
                self.rows.append(row)


class Replay:
    """The sequential stage: the state, the tree and the clock as of the entries so far."""

    def __init__(
        self,
        source: Source,
        rules: RuleBook,
        genesis: str | None,
        stored: Store | None,
        scratch: Store,
    ) -> None:
        self._source = source
        self._rules = rules
        self._stored = stored
        self._scratch = scratch
        self._comparison = Comparison(scratch, stored) if stored is not None else None
        self._state = StoredState(scratch)
        self._changes = _Changes(self._state)
        self._map = StateMap(scratch)
        self._head = head = scratch.head()
        self._frontier = Frontier(head.size, head.frontier) if head else Frontier()
        self._edge: dict[int, tuple[int, bytes]] = {}
        self._waiting: deque[Chunk] = deque()
        self._keys: dict[str, str] = {}
        self._operations: Counter[str] = Counter()
        self._time = head.time if head else 0
        self._last_leaf = head.last_leaf if head else None
        self.size = head.size if head else 0
        self._leaves: list[bytes] = []
        """Of entries that are not in the scratch store yet."""
        self._closing = scratch.checkpoint() == _CLOSED
        """Whether the last entry is a root of the state."""
        self._published: bytes | None = None
        """The newest note that the store has published, of those sizes."""
        self._origin, self.genesis = self._begin(genesis)
        note = source.checkpoint()
        if note is None:
            raise LedgerTampered("there are entries and no checkpoint", index=0)
        # Which keys must have signed it is known at the end.
        self._newest, self.checkpoint = note, Checkpoint.parse(Note.parse(note).text)
        if self.checkpoint.origin != self._origin or self.checkpoint.size == 0:
            raise InvalidCheckpoint("the newest checkpoint is not one of this ledger")
        if self.checkpoint.size < self.size:
            raise RolledBack(
                f"the log shows {self.checkpoint.size} entries, where {self.size} were replayed"
            )

    def _begin(self, pinned: str | None) -> tuple[str, str]:
        """The origin out of the genesis, and its hash; the rest comes later."""
        first = self._source.entries(0, 1)
        if not first:
            raise NotFound("the ledger has not begun")
        try:
            verdict = check_entry(first[0], 0, {})
            operation = verdict.operation
            if not isinstance(operation, RegistryGenesis):
                raise LedgerTampered("the ledger does not begin with a genesis", index=0)
            for vkey in operation.body.log:
                VerifierKey.parse(vkey)
        except TetradError as error:
            raise _tampered(0, error) from error
        if pinned not in (None, verdict.hash):
            raise LedgerTampered(
                "this is another ledger: its genesis is not the pinned one",
                index=0,
                genesis=verdict.hash,
            )
        return operation.body.origin, verdict.hash

    def chunks(self) -> Iterator[Chunk]:
        """The entries under the checkpoint that were not replayed yet, a bundle at a time."""
        end = self.size
        while (start := end) < self.checkpoint.size:
            end = min((start // WIDTH + 1) * WIDTH, self.checkpoint.size)
            entries = self._source.entries(start, end)
            if len(entries) != end - start:
                tile = self._source.tile(0, start // WIDTH)
                held = tile[start % WIDTH * HASH_SIZE :]
                raise LedgerTampered("an entry is missing", index=start + _alike(entries, held))
            chunk = Chunk(start, entries, dict(self._keys))
            self._waiting.append(chunk)
            yield chunk

    def take(self, verdicts: Verdicts) -> None:
        """The verdicts of the chunk that waits longest: each entry in its turn, then its tiles."""
        chunk = self._waiting.popleft()
        published = self._source.tile(0, chunk.start // WIDTH)[chunk.start % WIDTH * HASH_SIZE :]
        for place, (data, verdict) in enumerate(zip(chunk.entries, verdicts, strict=True)):
            index = chunk.start + place
            leaf = leaf_hash(data)
            if published[place * HASH_SIZE : (place + 1) * HASH_SIZE] != leaf:
                raise LedgerTampered("the entry is not the one that the tile holds", index=index)
            try:
                if isinstance(verdict, TetradError):
                    raise verdict
                self._replay(data, index, leaf, verdict)
            except TetradError as error:
                raise _tampered(index, error) from error
            self._last_leaf = leaf
            self._leaves.append(leaf)
            self._frontier.append(leaf)
            self._check_notes(index + 1)
        self._commit()
        if self._comparison is not None:
            self._comparison.chunk(chunk.start, chunk.entries)

    def _replay(self, data: bytes, index: int, leaf: bytes, verdict: Verdict | StateRoot) -> None:
        """One entry against the state before it."""
        entry: Entry | StateRoot | None = verdict if isinstance(verdict, StateRoot) else None
        if isinstance(verdict, Verdict):
            entry = verdict.entry or reread(data, index)
        assert entry is not None  # noqa: S101 - it is one or the other
        if entry.previous != (self._last_leaf.hex() if self._last_leaf else FIRST_PREVIOUS):
            raise LedgerTampered("the entry does not follow the one before it", index=index)
        now = parse_time(entry.time)
        if now < self._time:
            raise LedgerTampered("the entry is older than the one before it", index=index)
        self._time = now
        if isinstance(entry, StateRoot):
            self._close(entry)
        else:
            self._apply(entry, index, leaf, cast("Verdict", verdict), now)
        self._closing = isinstance(entry, StateRoot)

    def _close(self, entry: StateRoot) -> None:
        """The root of a state, which is that of all entries before it."""
        if self._closing:
            raise LedgerTampered("nothing happened since the last root", index=entry.index)
        self._commit()
        if self._map.close() != entry.root:
            raise LedgerTampered("the root is not that of the state", index=entry.index)
        self._map.publish()
        self._changes.overlay.advance({})
        self._operations["state root"] += 1

    def _apply(self, entry: Entry, index: int, leaf: bytes, verdict: Verdict, now: int) -> None:
        """What an operation changes."""
        operation = verdict.operation or read_operation(entry.operation)
        overlay = self._changes.overlay
        checked = Checked(operation, verdict.hash, b"", entry.unique, [], verdict.pending)
        if known_index(overlay, checked) is not None:
            raise LedgerTampered("the operation stands in the ledger twice", index=index)
        if verdict.pending:
            verify_pending(overlay, checked)
        changed = self._rules.apply(overlay, operation, verdict.hash, entry.unique, now)
        self._changes.add(index, leaf, changed)
        self._operations[operation.type] += 1
        for key, record in changed.items():
            if key[0] == "did" and cast("Subject", record)["kind"] != "device":
                self._remember(cast("Subject", record)["keys"])

    def _remember(self, multikeys: Sequence[str]) -> None:
        """Keys of organizations, the newest last, for those who check ahead."""
        for multikey in multikeys:
            thumbprint = public_key(multikey).thumbprint
            self._keys.pop(thumbprint, None)
            self._keys[thumbprint] = multikey
        while len(self._keys) > MAX_KNOWN_KEYS:
            del self._keys[next(iter(self._keys))]

    def _check_notes(self, size: int) -> None:
        """The notes that the store keeps of that size, if any were signed: one must where the log's
        keys were replaced, since the old ones vouch for that."""
        if self._stored is None:
            return
        state = self._changes.overlay
        committed = self._stored.checkpoint(size)
        if committed is None and log_keys_in(state, size) != log_keys_in(state, size + 1):
            raise LedgerTampered("no checkpoint by the keys that end here", index=size - 1)
        published = self._stored.published(size)
        if published is not None:
            self._published = published
            if not self._closing:
                raise LedgerTampered(
                    "what was published does not end in a root of the state", index=size - 1
                )
        for note in (committed, published):
            if note is None or (note == self._newest and size == self.checkpoint.size):
                continue  # `finish` opens the newest
            try:
                checkpoint = _opened(note, state, size)
            except InvalidCheckpoint as error:
                raise _tampered(size - 1, error) from error
            if checkpoint != Checkpoint(self._origin, size, self._frontier.root()):
                raise LedgerTampered("the stored checkpoint is of another tree", index=size - 1)

    def _grow(self, start: int, leaves: list[bytes]) -> list[StoredTile]:
        """The tiles over new leaves; full ones above the leaves are compared at once."""
        changed = changed_tiles(start, leaves, self._scratch.tile)
        for level, n, data in changed:
            self._edge[level] = n, data
            if level and len(data) == WIDTH * HASH_SIZE:
                self._check_tile(level, n, data)
        return changed

    def _check_tile(self, level: int, n: int, data: bytes) -> None:
        published = self._source.tile(level, n)
        for place in range(0, len(data), HASH_SIZE):
            if published[place : place + HASH_SIZE] != data[place : place + HASH_SIZE]:
                first = n * WIDTH + place // HASH_SIZE << 8 * level
                raise LedgerTampered(f"a hash of tile {level}/{n} is another", index=first)

    def _commit(self) -> None:
        """What was replayed since the last time goes into the scratch store."""
        start = self._head.size if self._head else 0
        if start == self._frontier.size:
            return  # a root of the state at the beginning of a chunk
        changes = self._changes
        rows = self._head.rows if self._head else 0
        written, buckets = self._map.put(changes.records, rows)
        head = Head(
            self._frontier.size,
            self._frontier.root(),
            self._time,
            self._last_leaf or b"",
            tuple(self._frontier.hashes),
            rows + len(written),
        )
        tiles = self._grow(start, self._leaves)
        note = _CLOSED if self._closing else b""
        batch = Batch([], tiles, written, buckets, changes.rows, [], head, note)
        self._scratch.commit(batch, self._head)
        self._leaves = []
        self._state.committed(changes.overlay.records)
        self._head = head
        self._changes = _Changes(self._state)  # which takes its size from the store
        self.size = head.size

    def finish(self, *, published: bool) -> Audited:
        """What can be told only at the end: the right edge, the root, the store as a whole."""
        head = self._head
        if head is None or head.size != self.checkpoint.size:
            raise RuntimeError("the checks of some entries were never handed back")
        for level, (n, data) in self._edge.items():
            if level:
                self._check_tile(level, n, data)
        if published and not self._closing:
            raise LedgerTampered("no root of the state closes the tree", index=head.size - 1)
        _opened(self._newest, self._state, head.size)
        if head.root != self.checkpoint.root:
            raise LedgerTampered(
                "the tree does not have the root that the log has signed", index=head.size - 1
            )
        if self._comparison is not None:
            self._comparison.everything(head)
        if self._stored is not None and self._stored.published() != self._published:
            raise LedgerTampered("what was published is behind the head", index=head.size)
        return Audited(head.size, head.root, head.time, self.genesis, dict(self._operations))


def _opened(note: bytes, state: State, size: int) -> Checkpoint:
    """A checkpoint, by the log's keys in force for `size` entries. Raises InvalidCheckpoint."""
    return open_checkpoint(note, parsed_keys(tuple(log_keys_in(state, size)))).checkpoint


def _alike(entries: Sequence[bytes], tile: bytes) -> int:
    """How many entries there are before the first whose hash the tile does not hold."""
    for place, data in enumerate(entries):
        if tile[place * HASH_SIZE : (place + 1) * HASH_SIZE] != leaf_hash(data):
            return place
    return len(entries)


def _tampered(index: int, cause: TetradError) -> LedgerTampered:
    """What another error means for a ledger; it shows the code of the cause."""
    if isinstance(cause, LedgerTampered):
        return cause
    return LedgerTampered(f"entry {index}: {cause.detail}", index=index, cause=cause.code)
