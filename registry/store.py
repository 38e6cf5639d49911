"""What the ledger asks of a store: a page of methods, and the store that forgets.

A store keeps bytes: entries, tiles, records, disclosures, the head. It decides nothing. One commit
is one transaction, compared and swapped against the head that the writer believed in; when `commit`
returns, the batch is on disk for good. Every store passes tests/registry/test_store_contract.py.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from identity.disclosure import disclosure_digest
from identity.errors import LedgerStopped, StaleHead
from registry.bucket import FIRST, Bucket, place_of, row_of
from registry.state_map import Written
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
    rows: int
    """Versions of records written so far: the number of the last one."""


class Version(NamedTuple):
    """A record as one entry left it."""

    entry: int
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
    written: list[Written]
    """Versions of records, oldest first, numbered on from `expected.rows`."""
    buckets: list[Bucket]
    """Buckets of the state map in their newest form: keys, and where their newest record stands."""
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
        """The note signed with the commit of that size; the newest without one; None where there
        is none."""
        ...

    def published(self, size: int | None = None) -> bytes | None:
        """The note that was published of that size, with its cosignatures; the newest without one;
        None where there is none."""
        ...

    def publish(self, size: int, note: bytes) -> None:
        """Keeps a published note, instead of an earlier one of that size, durably.

        Called by the thread that commits. Raises LedgerStopped."""
        ...

    def records(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The newest record under each key, in the order of the keys; all as of one commit."""
        ...

    def versions(self, key: bytes, *, limit: int, before: int | None = None) -> list[Version]:
        """Versions of one record, the newest first; those of entries below `before` alone."""
        ...

    def version_after(self, key: bytes, entry: int) -> Version | None:
        """The oldest version of one record that an entry above `entry` made; None where there is
        none."""
        ...

    def written(self, after: int, limit: int) -> list[Written]:
        """Versions of all records in the order of writing, which numbers them from 1: those of
        numbers above `after`."""
        ...

    def buckets_at(self, places: Sequence[int]) -> list[Bucket]:
        """See registry.state_map.Buckets."""
        ...

    def buckets(self, first: int, last: int) -> list[Bucket]:
        """See registry.state_map.Buckets."""
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

    def erased(self, entry: int) -> list[str]:
        """The digests of what was disclosed with an entry and erased since."""
        ...

    def erase(self, entry: int, disclosures: Collection[str]) -> None:
        """Forgets some of what was disclosed with an entry: when it returns, none of their bytes
        are in what the store keeps, and their digests are `erased`. What is not there is no error,
        so that an erasure which was cut short is repeated.

        Called by the thread that commits. Raises LedgerStopped, and Busy where it has to be asked
        again."""
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
        self._map = ([0], {0: FIRST})
        """Starts of buckets in their order, and buckets; a commit replaces both at once."""
        self._published: dict[int, bytes] = {}
        self._stopped = False
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._rows: dict[str, dict[int, Row]] = {}
        self._disclosures: dict[int, list[str]] = {}
        self._erased: dict[int, list[str]] = {}

    def head(self) -> Head | None:
        """See Store."""
        return self._head

    def checkpoint(self, size: int | None = None) -> bytes | None:
        """See Store."""
        if size is None:
            size = self._head.size if self._head else 0
        return self._checkpoints.get(size)

    def published(self, size: int | None = None) -> bytes | None:
        """See Store."""
        if size is None:
            size = max(self._published, default=0)
        return self._published.get(size)

    def publish(self, size: int, note: bytes) -> None:
        """See Store."""
        if self._stopped:
            raise LedgerStopped("an earlier commit failed")
        self._published[size] = note

    def records(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See Store."""
        buckets = self._buckets_of([place_of(key) for key in keys])
        rows = [row_of(bucket, key) for bucket, key in zip(buckets, keys, strict=True)]
        return [None if row is None else self._written[row - 1].record for row in rows]

    def _buckets_of(self, places: Sequence[int]) -> list[Bucket]:
        starts, buckets = self._map
        return [buckets[starts[bisect_right(starts, place) - 1]] for place in places]

    def versions(self, key: bytes, *, limit: int, before: int | None = None) -> list[Version]:
        """See Store."""
        found: list[Version] = []
        (bucket,) = self._buckets_of([place_of(key)])
        number = row_of(bucket, key)
        while number is not None and len(found) < limit:
            version = self._written[number - 1]
            if before is None or version.entry < before:
                found.append(Version(version.entry, version.record))
            number = version.before
        return found

    def version_after(self, key: bytes, entry: int) -> Version | None:
        """See Store."""
        (bucket,) = self._buckets_of([place_of(key)])
        number, found = row_of(bucket, key), None
        while number is not None and self._written[number - 1].entry > entry:
            found = self._written[number - 1]
            number = found.before
        return None if found is None else Version(found.entry, found.record)

    def written(self, after: int, limit: int) -> list[Written]:
        """See Store."""
        return self._written[after : after + limit]

    def buckets_at(self, places: Sequence[int]) -> list[Bucket]:
        """See Store."""
        return sorted(set(self._buckets_of(places)))

    def buckets(self, first: int, last: int) -> list[Bucket]:
        """See Store."""
        starts, buckets = self._map
        between = starts[bisect_left(starts, first) : bisect_right(starts, last)]
        return [buckets[one] for one in between]

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

    def erased(self, entry: int) -> list[str]:
        """See Store."""
        return self._erased.get(entry, [])

    def erase(self, entry: int, disclosures: Collection[str]) -> None:
        """See Store."""
        if self._stopped:
            raise LedgerStopped("an earlier commit failed")
        kept = self._disclosures.get(entry, [])
        gone = [disclosure_digest(text) for text in kept if text in disclosures]
        if gone:
            self._disclosures[entry] = [text for text in kept if text not in disclosures]
            self._erased[entry] = [*self.erased(entry), *gone]

    def commit(self, batch: Batch, expected: Head | None) -> None:
        """See Store."""
        if self._stopped:
            raise LedgerStopped("an earlier commit failed")
        if (self._head or ())[:2] != (expected or ())[:2]:
            raise StaleHead("another writer has moved the head")
        self._stopped = True  # until all of it is done
        disclosures = dict(batch.disclosures)
        rows = [(self._rows.setdefault(row.kind, {}), row) for row in batch.rows]
        tiles = {(level, n): data for level, n, data in batch.tiles}
        starts, buckets = self._map
        new = {bucket.start for bucket in batch.buckets if bucket.start not in buckets}
        starts = sorted([*starts, *new])  # of what is nearly sorted, in one pass
        buckets = buckets | {bucket.start: bucket for bucket in batch.buckets}
        # Nothing below can fail.
        self._entries += batch.entries
        self._tiles.update(tiles)
        self._written += batch.written
        self._map = starts, buckets
        for lines, row in rows:
            lines[row.entry] = row
        self._disclosures.update(disclosures)
        self._checkpoints[batch.head.size] = batch.checkpoint
        self._head = batch.head
        self._stopped = False

    def close(self) -> None:
        """See Store."""
