"""What a store keeps, against what a replay of its entries wrote into another one.

The two stores write the same things in the same order, so that they are compared as they were
written: every version of every record, the newest of each key, the listings, the counts, the head;
and each disclosure against the digests in its entry. A difference raises LedgerTampered with the
entry that wrote it, or with the size of the ledger where no entry did.
"""

from __future__ import annotations

from collections.abc import Sequence

from identity.disclosure import disclosure_digest
from identity.errors import LedgerTampered
from registry.bucket import PLACE_BITS, Bucket
from registry.store import Head, Store

PAGE = 4096
KINDS = ("authority", "organization", "device", "grant", "node")


class Comparison:
    """Of `stored` with `replayed`; `stored` is at rest."""

    def __init__(self, replayed: Store, stored: Store) -> None:
        self._replayed = replayed
        self._stored = stored
        self._numbered = 0

    def chunk(self, start: int, entries: Sequence[bytes]) -> None:
        """What was written by the entries that were replayed since the last call."""
        while ours := self._replayed.written(self._numbered, PAGE):
            theirs = self._stored.written(self._numbered, len(ours))
            if ours != theirs:
                same = next(i for i, one in enumerate(ours) if theirs[i : i + 1] != [one])
                raise LedgerTampered(
                    "a stored record is not the one that its entry made", index=ours[same].entry
                )
            self._numbered += len(ours)
        for index, entry in enumerate(entries, start):
            for text in self._stored.disclosures(index):
                if not text.isascii() or disclosure_digest(text).encode() not in entry:
                    raise LedgerTampered("a stored disclosure is not of its entry", index=index)

    def everything(self, head: Head) -> None:
        """What can be compared only at the end; `head` is the replayed one."""
        if self._stored.head() != head:
            raise LedgerTampered("the stored head is not that of the entries", index=head.size)
        if self._stored.entries(head.size, head.size + 1) or self._stored.written(
            self._numbered, 1
        ):
            raise LedgerTampered("something is stored behind the head", index=head.size)
        self._buckets(head.size)
        for kind in KINDS:
            self._listing(kind, head.size)

    def _buckets(self, size: int) -> None:
        """The state map: each key with the hash of its newest record, and where that stands."""
        step = 1 << PLACE_BITS - 8
        for first in range(0, 1 << PLACE_BITS, step):
            ours = self._replayed.buckets(first, first + step - 1)
            theirs = self._stored.buckets(first, first + step - 1)
            if ours != theirs:
                missing = sorted(row for _, row in _slots(ours) - _slots(theirs))
                raise LedgerTampered(
                    "a key does not lead to its newest record",
                    index=self._replayed.written(missing[0] - 1, 1)[0].entry if missing else size,
                )

    def _listing(self, kind: str, size: int) -> None:
        after: int | None = -1
        while after is not None:
            ours = self._replayed.listing(kind, after=after, limit=PAGE)
            theirs = self._stored.listing(kind, after=after, limit=PAGE)
            if ours != theirs:
                different = set(ours.rows) ^ set(theirs.rows)
                raise LedgerTampered(
                    f"the listing of kind {kind} has a line that no entry made",
                    index=min((row.entry for row in different), default=size),
                )
            after = ours.after
        if self._stored.count(kind) != self._replayed.count(kind):
            raise LedgerTampered(f"the stored count of kind {kind} is wrong", index=size)


def _slots(buckets: Sequence[Bucket]) -> set[tuple[bytes, int]]:
    """Each key and value with its row."""
    return {
        (one.entries[64 * n : 64 * n + 64], int.from_bytes(one.rows[8 * n : 8 * n + 8]))
        for one in buckets
        if type(one.entries) is type(one.rows) is bytes  # SQLite keeps any type in any column
        for n in range(len(one.entries) // 64)
    }
