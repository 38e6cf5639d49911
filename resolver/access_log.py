"""The log of accesses to important data, in a small SQLite file of its own beside the ledger's.

    log = AccessLog(folder / "accesses.sqlite3", bounds)       # or None: in memory
    log.record({"device": did, "by": asker, "outcome": "shown", …}, now)
    log.page(did, "shown", after=0, limit=100)

A record is on the disk when `record` returns, before what it tells of is sent. It stays outside the
ledger: who read what is nobody's business but the controller's. The number of records is bounded,
for each device and in all, and for refusals apart. They leave at the front of their chains, where
there are too many in all of the longest one: who has much read of its own device makes no other's
log forget. Who is refused again within the hour is counted, and recorded with the next refusal.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from identity.errors import StorageFailed
from identity.jcs import Json, canonicalize
from identity.members import format_time
from resolver.accesses import CHAINS, FOLD_SECONDS, REFUSED, SHOWN, ChainHead, chained, record_hash

_APPLICATION: Final = 0x54455441
"""`PRAGMA application_id`: "TETA"."""
_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE accesses (
    row INTEGER PRIMARY KEY, device TEXT NOT NULL, chain TEXT NOT NULL, n INTEGER NOT NULL,
    record BLOB NOT NULL);
CREATE UNIQUE INDEX of_device ON accesses (device, chain, n);
CREATE TABLE heads (
    device TEXT NOT NULL, chain TEXT NOT NULL, n INTEGER NOT NULL, hash TEXT NOT NULL,
    kept INTEGER NOT NULL, newest INTEGER NOT NULL, PRIMARY KEY (device, chain)) WITHOUT ROWID;
CREATE INDEX longest ON heads (chain, kept DESC, newest);
CREATE TABLE repeated (
    device TEXT NOT NULL, asker TEXT NOT NULL, since INTEGER NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (device, asker)) WITHOUT ROWID;
CREATE INDEX oldest ON repeated (since);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = 1;
COMMIT;
"""
_OBJECTS: Final = 6
"""Tables and indexes of the schema."""
_SWEPT: Final = 16
"""Counts that are closed with one refusal: more than one refusal opens."""


class Bounds(NamedTuple):
    """How many records there may be."""

    most: int = 500_000
    """Of what was shown; of refusals a tenth of it."""
    each: int = 10_000
    """Of one device in either chain."""


class AccessPage(NamedTuple):
    """Some records of one chain in their order, and where it ends."""

    records: list[bytes]
    head: ChainHead
    after: int | None
    """Continues the page; None at the end."""
    waiting: list[dict[str, Json]]
    """Refusals that are counted and not recorded yet."""


class AccessLog:
    """The log of one service. Its methods may be called from any thread."""

    def __init__(self, path: Path | None, bounds: Bounds | None = None) -> None:
        """The file is made with the first record, with mode 0600; None keeps all in memory."""
        self.bounds = bounds or Bounds()
        self._path = path
        self._guard = threading.Lock()
        self._failed: str | None = None
        self._opened: sqlite3.Connection | None = None
        self._counts: Counter[str] = Counter()

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            path = self._path
            if path is not None:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False
            )
            try:
                _prepare(connection)
                chains = "SELECT chain, count(*) FROM accesses GROUP BY chain"
                self._counts = Counter(dict(connection.execute(chains).fetchall()))
            except BaseException:
                connection.close()
                raise
            self._opened = connection
        return self._opened

    def record(self, access: Mapping[str, Json], now: int) -> None:
        """Keeps what was shown or erased, durably. Raises StorageFailed."""
        with self._writing():
            self._append(access, SHOWN, now)

    def refuse(self, access: Mapping[str, Json], now: int) -> None:
        """Keeps that somebody was refused: at once the first time, and as a count within the hour.
        Raises StorageFailed."""
        device, asker = access["device"], access["by"]
        with self._writing():
            execute = self._connection.execute
            row = execute(
                "SELECT since, n FROM repeated WHERE device = ? AND asker = ?", (device, asker)
            ).fetchone()
            if row is not None and 0 <= now - row[0] < FOLD_SECONDS:
                execute(
                    "UPDATE repeated SET n = n + 1 WHERE device = ? AND asker = ?", (device, asker)
                )
                return
            self._append(
                {**access, **({"repeated": row[1]} if row and row[1] else {})}, REFUSED, now
            )
            execute("INSERT OR REPLACE INTO repeated VALUES (?, ?, ?, 0)", (device, asker, now))
            self._sweep(now)

    def _sweep(self, now: int) -> None:
        """Records the counts of askers that have not come back, and forgets them."""
        execute = self._connection.execute
        closed = execute(
            "SELECT device, asker, n FROM repeated WHERE since <= ? ORDER BY since LIMIT ?",
            (now - FOLD_SECONDS, _SWEPT),
        ).fetchall()
        for device, asker, count in closed:
            execute("DELETE FROM repeated WHERE device = ? AND asker = ?", (device, asker))
            if count:
                said: dict[str, Json] = {"device": device, "by": asker, "outcome": "withheld"}
                self._append({**said, "repeated": count}, REFUSED, now)

    def _append(self, access: Mapping[str, Json], chain: str, now: int) -> None:
        execute, device = self._connection.execute, access["device"]
        head = self._head(str(device), chain)
        members: dict[str, Json] = {"time": format_time(now), "chain": chain, **access}
        record = chained(members, head)
        newest = execute(
            "INSERT INTO accesses (device, chain, n, record) VALUES (?, ?, ?, ?)",
            (device, chain, head.n + 1, canonicalize(record)),
        ).lastrowid
        execute(
            "INSERT INTO heads VALUES (:device, :chain, :n, :hash, 1, :newest) ON CONFLICT DO "
            "UPDATE SET n = :n, hash = :hash, kept = kept + 1, newest = :newest",
            {
                "device": device,
                "chain": chain,
                "n": head.n + 1,
                "hash": record_hash(record),
                "newest": newest,
            },
        )
        self._counts[chain] += 1
        self._shorten(str(device), chain, head.n + 1 - self.bounds.each)
        most = self.bounds.most if chain == SHOWN else max(1, self.bounds.most // 10)
        if self._counts[chain] > most:
            longest = execute(
                "SELECT device, n - kept + 1 FROM heads WHERE chain = ? AND kept > 1 "
                "ORDER BY kept DESC, newest LIMIT 1",
                (chain,),
            ).fetchone()
            if (
                longest is not None
            ):  # the last of a chain stays: it is what the head is held against
                self._shorten(longest[0], chain, longest[1])

    def _shorten(self, device: str, chain: str, last: int) -> None:
        """Takes the records up to this number out of a chain."""
        execute = self._connection.execute
        gone = execute(
            "DELETE FROM accesses WHERE device = ? AND chain = ? AND n <= ?", (device, chain, last)
        ).rowcount
        execute(
            "UPDATE heads SET kept = kept - ? WHERE device = ? AND chain = ?", (gone, device, chain)
        )
        self._counts[chain] -= gone

    def _head(self, device: str, chain: str) -> ChainHead:
        found = self._connection.execute(
            "SELECT n, hash FROM heads WHERE device = ? AND chain = ?", (device, chain)
        ).fetchone()
        return ChainHead(*found) if found else ChainHead()

    def page(self, device: str, chain: str, *, after: int, limit: int) -> AccessPage:
        """Records of a chain with numbers above `after`, in their order. Raises StorageFailed."""
        if chain not in CHAINS:
            raise RuntimeError(f"no chain {chain}")
        with self._guard, self._named():
            if self._opened is None and (self._path is None or not self._path.exists()):
                return AccessPage([], ChainHead(), None, [])
            execute = self._connection.execute
            rows = execute(
                "SELECT n, record FROM accesses WHERE device = ? AND chain = ? AND n > ? "
                "ORDER BY n LIMIT ?",
                (device, chain, after, limit + 1),
            ).fetchall()
            waiting = execute(
                "SELECT asker, since, n FROM repeated WHERE device = ? AND n > 0 LIMIT ?",
                (device, limit if chain == REFUSED else 0),
            ).fetchall()
            head = self._head(device, chain)
        shown = rows[:limit]
        return AccessPage(
            [record for _, record in shown],
            head,
            shown[-1][0] if len(rows) > limit else None,
            [{"by": by, "since": format_time(since), "repeated": n} for by, since, n in waiting],
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One durable transaction. After a failure there is no other: a flush that failed once is
        never trusted again."""
        with self._guard, self._named():
            if self._failed is not None:
                raise _stopped(self._failed)
            connection = self._connection
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield
                connection.execute("COMMIT")
            except BaseException as error:
                self._failed = str(error) or type(error).__name__
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise _stopped(str(error)) from error

    def close(self) -> None:
        """Lets go of the file."""
        with self._guard:
            if self._opened is not None:
                self._opened.close()


def _prepare(connection: sqlite3.Connection) -> None:
    """The tables. Raises StorageFailed for a file of something else."""
    ((application,),) = connection.execute("PRAGMA application_id")
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema")
    if (application, tables) not in ((0, 0), (_APPLICATION, _OBJECTS)):
        raise StorageFailed("this file is not a log of accesses")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_mode = WAL")
    if not tables:
        connection.executescript(_SCHEMA)


def records_of(page: AccessPage) -> list[dict[str, Json]]:
    """The records of a page, parsed."""
    return [orjson.loads(record) for record in page.records]


def _stopped(reason: str) -> StorageFailed:
    return StorageFailed(
        f"the log of accesses cannot be kept: {reason}",
        hint="make room or mend the disk, then start again: nothing is shown that is not recorded",
    )
