"""A state map as large as that of a million devices, made in a minute out of a small one.

    pad(folder / "ledger.sqlite3", keys=5_000_000)

Keys of the state are hashes, so that random ones fill the map as so many devices would; they stand
for records that nobody asks for. What else grows with a ledger grows at its end. Such a ledger
fails its audit, and serves to measure size alone.
"""

from __future__ import annotations

import os
import random
import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from registry.bucket import PLACE_BITS, ROW, Bucket
from registry.map_proof import BUCKET_KEYS, SLOT
from registry.stores import sqlite_statements as sql

CACHE_KIB = 1_500_000
"""For tables that are filled in no order."""

Item = tuple[bytes, bytes]
"""A key with its value, and the number of its row."""


def pad(path: Path, keys: int) -> None:
    """Adds random keys to the map of a store at rest, up to so many in all."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        items = [
            (entries[at * SLOT : at * SLOT + SLOT], rows[at * ROW : at * ROW + ROW])
            for entries, rows in connection.execute("SELECT entries, rows FROM buckets")
            for at in range(len(rows) // ROW)
        ]
        missing = max(0, keys - len(items))
        drawn, row = os.urandom(32 * missing), (1).to_bytes(ROW)
        items += [(drawn[at : at + 32] * 2, row) for at in range(0, len(drawn), 32)]
        items.sort()
        buckets = list(_buckets(items, 0, len(items), 0, 0))
        random.shuffle(buckets)  # in their order they would fill their pages to the brim
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("BEGIN")
        connection.execute("DELETE FROM buckets")
        connection.executemany(sql.PUT_BUCKET, buckets)
        connection.execute("COMMIT")


def _buckets(
    items: Sequence[Item], low: int, high: int, start: int, depth: int
) -> Iterator[Bucket]:
    """The buckets of ascending items, in their order."""
    if high - low <= BUCKET_KEYS:
        some = items[low:high]
        yield Bucket(
            start, depth, b"".join(slot for slot, _ in some), b"".join(row for _, row in some)
        )
        return
    middle = start + (1 << PLACE_BITS - depth - 1)
    at = bisect_left(items, ((middle << 1).to_bytes(8), b""), low, high)
    yield from _buckets(items, low, at, start, depth + 1)
    yield from _buckets(items, at, high, middle, depth + 1)
