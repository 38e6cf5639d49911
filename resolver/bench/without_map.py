"""What the state map costs: the same writer over the same ledger, with the map and without it.

    figures = compare(folder, owner, start=13_000, batches=20, keys=5_000_000)

Without it, a store finds records by a plain index, key to row, as it did before there was a map,
and nothing states a root. That store is made out of a copy of the other's file. Both then take
batches in turn, so that a machine whose speed drifts does so for both.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

from registry.bucket import FIRST, PLACE_BITS, Bucket, keys_of, place_of, row_of
from registry.ledger import Ledger
from registry.rules import RuleBook
from registry.state_map import StateMap, Written
from registry.store import Batch, Head
from registry.stores import sqlite_statements as sql
from registry.stores.sqlite import SqliteStore
from resolver.bench import fleet
from resolver.bench.padding import CACHE_KIB, pad
from resolver.folder import DATABASE, DataFolder
from resolver.held import log_signers_of
from resolver.schemes import SCHEMES

BATCH = 500
ROOT_EVERY = 2
"""Batches after which the map states its root: of a thousand devices, a second's work or less."""

INDEX = """
DROP TABLE buckets;
CREATE TABLE buckets (start INTEGER, depth INTEGER, entries BLOB, rows BLOB);
CREATE TABLE state (place INTEGER PRIMARY KEY, key BLOB NOT NULL, row INTEGER NOT NULL);
"""
"""Keyed by the first bits of the key, which are as good as all of it."""
FIND = "SELECT place, key, row FROM state WHERE place = ?"
FIND_MANY = FIND.replace("= ?", f"IN ({', '.join('?' * sql.MANY)})")
POINT = "INSERT OR REPLACE INTO state VALUES (?, ?, ?)"


class PlainStore(SqliteStore):
    """Finds records by a plain index."""

    pointed: Sequence[tuple[int, bytes, int]] = ()
    """Places, keys and rows of the commit to come."""

    def buckets_at(self, places: Sequence[int]) -> list[Bucket]:
        """What there is at these places, as buckets of one place, behind one that is empty."""
        found = sorted(self._many(FIND, FIND_MANY, places))
        return [
            FIRST,
            *(Bucket(at, PLACE_BITS, key + bytes(32), row.to_bytes(8)) for at, key, row in found),
        ]

    def records(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See Store."""
        rows = {
            key: int.from_bytes(one.rows)
            for one in self.buckets_at([place_of(key) for key in keys])
            for key in keys_of(one)
        }
        found = {
            key: self._select("SELECT record FROM records WHERE row = ?", row)[0][0]
            for key, row in rows.items()
        }
        return [found.get(key) for key in keys]

    def _write(self, batch: Batch, expected: Head | None) -> Any:  # noqa: ANN401 - as it is above
        counts = super()._write(batch, expected)
        self._writer.executemany(POINT, self.pointed)
        return counts


class NoMap(StateMap):
    """Numbers versions, and hashes nothing."""

    def __init__(self, store: PlainStore) -> None:
        super().__init__(store)
        self._plain = store

    def put(
        self,
        records: Sequence[tuple[bytes, int, bytes]],
        rows: int,
        found: Mapping[bytes, Bucket] = MappingProxyType({}),
    ) -> tuple[list[Written], list[Bucket]]:
        """See StateMap."""
        missing = [key for key, _, _ in records if key not in found]
        there = self._plain.buckets_at([place_of(key) for key in missing]) if missing else []
        newest: dict[bytes, int | None] = {
            one.entries[:32]: int.from_bytes(one.rows) for one in there
        }
        newest |= {key: row_of(one, key) for key, one in found.items()}
        written: list[Written] = []
        for row, (key, entry, record) in enumerate(records, rows + 1):
            written.append(Written(entry, newest.get(key), record))
            newest[key] = row
        keys = {key for key, _, _ in records}
        self._plain.pointed = [(place_of(key), key, newest[key] or 0) for key in sorted(keys)]
        return written, []


def compare(
    folder: Path, owner: fleet.Owner, start: int, batches: int, keys: int
) -> dict[str, Any]:
    """CPU microseconds of the writer for a device, with the map and without it, medians.

    `start` is the number of the next device, `keys` how many there are in the map, random ones
    included. The folder's own ledger is left as it is.
    """
    with_map, without = folder / "with-map.sqlite3", folder / "without-map.sqlite3"
    site = DataFolder.open(folder / "data")
    try:
        secrets = site.secrets
    finally:
        site.close()
    shutil.copyfile(folder / "data" / DATABASE, with_map)
    pad(with_map, keys)
    shutil.copyfile(with_map, without)
    _make_plain(without)
    with closing(SqliteStore(with_map)) as store, closing(PlainStore(without)) as plain:
        signers = log_signers_of(lambda: secrets)
        rules = RuleBook(SCHEMES)
        ours = Ledger(store, rules, signers, secrets.origin)
        theirs = Ledger(plain, rules, signers, secrets.origin)
        theirs.state_map = NoMap(plain)
        ours.append(fleet.unproved(owner, secrets.unique.hash, start, 1), int(time.time()))
        theirs.append(fleet.unproved(owner, secrets.unique.hash, start, 1), int(time.time()))
        ours.close(int(time.time()))  # reads all of the map, once
        ours.state_map.publish()
        spent: dict[str, list[float]] = {"with": [], "without": []}
        for number in range(batches):
            first = start + 1 + number * BATCH
            checked = fleet.unproved(owner, secrets.unique.hash, first, BATCH)
            for name, ledger in (("with", ours), ("without", theirs)):
                began = time.process_time()
                ledger.append(checked, int(time.time()))
                if name == "with" and number % ROOT_EVERY == ROOT_EVERY - 1:
                    ledger.close(int(time.time()))
                    ledger.state_map.publish()
                spent[name].append(time.process_time() - began)
    for copy in (with_map, without):
        copy.unlink()
    pairs = {name: _in_pairs(times) for name, times in spent.items()}
    return {name: median(times) / (BATCH * ROOT_EVERY) * 1e6 for name, times in pairs.items()} | {
        "batches": batches,
        "keys": keys,
    }


def _in_pairs(times: Sequence[float]) -> list[float]:
    """Sums of as many batches as have one root."""
    return [sum(times[at : at + ROOT_EVERY]) for at in range(0, len(times), ROOT_EVERY)]


def _make_plain(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        buckets = connection.execute("SELECT entries, rows FROM buckets ORDER BY start").fetchall()
        connection.executescript(INDEX)
        rows = list(_plain_rows(buckets))
        random.shuffle(rows)
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("BEGIN")
        connection.executemany(POINT, rows)
        connection.execute("COMMIT")


def _plain_rows(buckets: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[int, bytes, int]]:
    for entries, rows in buckets:
        for n in range(len(rows) // 8):
            key = entries[64 * n : 64 * n + 32]
            yield place_of(key), key, int.from_bytes(rows[8 * n : 8 * n + 8])
