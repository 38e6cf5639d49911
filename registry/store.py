"""What the ledger asks of a store: a page of methods, and the store that forgets.

A store keeps bytes: entries, tiles, records, disclosures, the head. It decides nothing. One commit
is one transaction, compared and swapped against the head that the writer believed in; when `commit`
returns, the batch is on disk for good. Every store passes tests/registry/test_store_contract.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from identity.errors import LedgerStopped, StaleHead
from registry.tile import StoredTile


class Head(NamedTuple):
    """The newest state of a ledger, as a writer needs it to go on."""

    size: int
    root: bytes
    time: int
    """Of the last entry, in seconds since the epoch: the clock never runs back."""
    last_leaf: bytes
    """Leaf hash of the last entry."""
    frontier: tuple[bytes, ...]
    """The right edge of the tree (registry.merkle.Frontier)."""


class Version(NamedTuple):
    """A record as one entry left it."""

    entry: int
    record: bytes


class Written(NamedTuple):
    """A version in the order of writing: where the one before it stands, if there is one."""

    entry: int
    before: int | None
    record: bytes


class Row(NamedTuple):
    """A line of a listing: a subject or a grant, by the entry that made it.

    An entry makes at most one row of a kind; later entries change its status or its owner.
    """

    entry: int
    kind: str
    status: str
    owner: int
    """The entry that made its controller or holder; of an organization its own."""
    key: bytes


class Page(NamedTuple):
    """Rows in the order of their entries; `after` continues the listing, None ends it."""

    rows: list[Row]
    after: int | None


class Batch(NamedTuple):
    """All that one commit writes."""

    entries: list[bytes]
    """Bytes of the entries from `expected.size` on."""
    tiles: list[StoredTile]
    """Tiles in their newest form; level 0 and up."""
    records: list[tuple[bytes, int, bytes]]
    """(state key, entry, record), oldest first; a key may occur more than once."""
    rows: list[Row]
    """New or changed lines of listings, oldest first."""
    disclosures: list[tuple[int, list[str]]]
    """(entry, disclosures that came with it)."""
    head: Head
    checkpoint: bytes
    """The signed note for `head`."""


def page(found: list[Row], limit: int, most: int, status: str | None) -> Page:
    """A page out of the first `most` + 1 rows of a listing (fewer where it ends before)."""
    scanned = found[:most]
    fitting = [row for row in scanned if status in (None, row.status)]
    if len(fitting) > limit:
        return Page(fitting[:limit], fitting[limit - 1].entry)
    return Page(fitting, scanned[-1].entry if len(found) > most else None)


class Store(Protocol):
    """Reads may come from several threads, `commit` from one.

    Reads that overlap a commit may see it before `head` does, and never a part of it.
    """

    def head(self) -> Head | None:
        """The newest head, or None where nothing was ever committed."""
        ...

    def checkpoint(self, size: int | None = None) -> bytes | None:
        """The signed note of that size; the newest without one; None where there is none."""
        ...

    def records(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The newest record under each key, in the order of the keys; all as of one commit."""
        ...

    def versions(self, key: bytes, *, limit: int, before: int | None = None) -> list[Version]:
        """Versions of one record, the newest first; those of entries below `before` alone."""
        ...

    def written(self, after: int, limit: int) -> list[Written]:
        """Versions of all records in the order of writing, which numbers them from 1: those of
        numbers above `after`. For an audit, together with `newest`."""
        ...

    def newest(self, after: bytes, limit: int) -> list[tuple[bytes, int]]:
        """Each key above `after`, in their order, with the number of its newest version."""
        ...

    def entries(self, start: int, end: int) -> list[bytes]:
        """The entries start … end-1, those that exist; 0 ≤ start."""
        ...

    def tile(self, level: int, n: int) -> bytes:
        """The newest form of a tile, 32 bytes a hash; b"" where there is none."""
        ...

    def listing(
        self,
        kind: str,
        *,
        after: int,
        limit: int,
        status: str | None = None,
        owner: int | None = None,
    ) -> Page:
        """Rows of a kind, of one owner where given, of entries above `after` (-1: from the start).

        With a status it looks at a bounded number of them, so that a page may hold fewer than
        `limit` (at least 1), even none, and still go on."""
        ...

    def count(self, kind: str) -> int:
        """How many rows of a kind there are, at a cost that does not grow with them."""
        ...

    def disclosures(self, entry: int) -> list[str]:
        """What was disclosed with an entry and not erased since."""
        ...

    def commit(self, batch: Batch, expected: Head | None) -> None:
        """Writes the batch in one transaction and makes it durable.

        Raises StaleHead where the stored head is not `expected`, and LedgerStopped where the store
        fails; in both cases nothing is written. A store that failed refuses every later commit.
        """
        ...

    def close(self) -> None:
        """Lets go of files and connections."""
        ...


class MemoryStore:
    """A store in memory: for tests, vectors and `serve --ephemeral`."""

    SCAN = 10_000

    def __init__(self) -> None:
        self._head: Head | None = None
        self._entries: list[bytes] = []
        self._checkpoints: dict[int, bytes] = {}
        self._written: list[Written] = []
        self._newest: dict[bytes, int] = {}
        self._visible = 0
        self._stopped = False
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._rows: dict[str, dict[int, Row]] = {}
        self._disclosures: dict[int, list[str]] = {}

    def head(self) -> Head | None:
        """See Store."""
        return self._head

    def checkpoint(self, size: int | None = None) -> bytes | None:
        """See Store."""
        if size is None:
            size = self._head.size if self._head else 0
        return self._checkpoints.get(size)

    def records(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See Store."""
        visible = self._visible  # so that a commit in another thread is seen whole or not at all
        found: list[bytes | None] = []
        for key in keys:
            number = self._newest.get(key)
            while number is not None and number > visible:
                number = self._written[number - 1].before
            found.append(None if number is None else self._written[number - 1].record)
        return found

    def versions(self, key: bytes, *, limit: int, before: int | None = None) -> list[Version]:
        """See Store."""
        found: list[Version] = []
        number = self._newest.get(key)
        while number is not None and len(found) < limit:
            version = self._written[number - 1]
            if before is None or version.entry < before:
                found.append(Version(version.entry, version.record))
            number = version.before
        return found

    def written(self, after: int, limit: int) -> list[Written]:
        """See Store."""
        return self._written[after : after + limit]

    def newest(self, after: bytes, limit: int) -> list[tuple[bytes, int]]:
        """See Store."""
        return sorted(item for item in self._newest.items() if item[0] > after)[:limit]

    def entries(self, start: int, end: int) -> list[bytes]:
        """See Store."""
        return self._entries[start:end]

    def tile(self, level: int, n: int) -> bytes:
        """See Store."""
        return self._tiles.get((level, n), b"")

    def listing(
        self,
        kind: str,
        *,
        after: int,
        limit: int,
        status: str | None = None,
        owner: int | None = None,
    ) -> Page:
        """See Store."""
        of_kind = sorted(self._rows.get(kind, {}).items())
        above = [r for entry, r in of_kind if entry > after and owner in (None, r.owner)]
        most = limit if status is None else self.SCAN
        return page(above[: most + 1], limit, most, status)

    def count(self, kind: str) -> int:
        """See Store."""
        return len(self._rows.get(kind, {}))

    def disclosures(self, entry: int) -> list[str]:
        """See Store."""
        return self._disclosures.get(entry, [])

    def commit(self, batch: Batch, expected: Head | None) -> None:
        """See Store."""
        if self._stopped:
            raise LedgerStopped("an earlier commit failed")
        if (self._head or ())[:2] != (expected or ())[:2]:
            raise StaleHead("another writer has moved the head")
        self._stopped = True  # until all of it is done
        disclosures = dict(batch.disclosures)
        rows = [(self._rows.setdefault(row.kind, {}), row) for row in batch.rows]
        written, newest = self._numbered(batch)
        tiles = {(level, n): data for level, n, data in batch.tiles}
        # Nothing below can fail.
        self._entries += batch.entries
        self._tiles.update(tiles)
        self._written += written
        self._newest.update(newest)
        for lines, row in rows:
            lines[row.entry] = row
        self._disclosures.update(disclosures)
        self._checkpoints[batch.head.size] = batch.checkpoint
        self._visible = len(self._written)
        self._head = batch.head
        self._stopped = False

    def _numbered(self, batch: Batch) -> tuple[list[Written], dict[bytes, int]]:
        """A batch's versions, each with the number of the one before; the newest of each key."""
        written: list[Written] = []
        newest: dict[bytes, int] = {}
        for number, (key, entry, record) in enumerate(batch.records, len(self._written) + 1):
            written.append(Written(entry, newest.get(key, self._newest.get(key)), record))
            newest[key] = number
        return written, newest

    def close(self) -> None:
        """See Store."""
