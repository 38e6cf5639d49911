"""The ledger in one SQLite file: Python's own module, WAL, `synchronous=FULL`, one writer.

    with closing(SqliteStore(folder / "ledger.sqlite3")) as store:
        ledger = Ledger(store, rules, signer, origin)

What grows with every entry grows at its end: entries, records and tiles are inserted in the order
of time. The one index over random keys is that of the state map's buckets: at a million devices
each key that is put touches a page of its own. A record is never overwritten: each version knows
the one before it, so that the past can be read.

The thread that commits also reads through the writer's connection, whose page cache stays warm
across its own commits; every other thread has a connection of its own. A commit that failed is the
last one: a flush that failed once is never trusted again, and the store then serves reads alone.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from identity.errors import LedgerStopped, LedgerTampered, StaleHead
from registry.bucket import Bucket, place_of, row_of
from registry.merkle import HASH_SIZE
from registry.state_map import Written
from registry.store import Batch, Head, Page, Row, Version, page
from registry.stores import sqlite_statements as sql
from registry.stores.erasing import fold, is_erased, kept_disclosures, overwrite

PAGE_BYTES = 4096
WRITER_CACHE_KIB = 48 * 1024
READER_CACHE_KIB = 8 * 1024
CHECKPOINT_PAGES = 16_384
"""Pages in the WAL before they are copied into the file: one that changes often is copied once."""
BUSY_SECONDS = 5.0


class SqliteStore:
    """See registry.store.Store. Raises LedgerStopped for every failure of the file or the disk."""

    SCAN = 10_000

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Opens the store, or begins an empty one, with file mode 0600.

        `durable=False` never waits for the disk: for the scratch file of an audit, which nobody
        misses. Raises LedgerStopped for a file that is no store of ours, or of another format.
        """
        self._path = path
        self._synchronous = "FULL" if durable else "OFF"
        self._readers: dict[int, sqlite3.Connection] = {}
        self._opening = threading.Lock()
        self._committing = threading.Lock()
        self._committer: int | None = None
        self._stopped: LedgerStopped | None = None
        self._closed = False
        self._head: Head | None = None
        try:
            _create(path)
            self._writer = self._connect(WRITER_CACHE_KIB)
        except (sqlite3.Error, OSError) as error:
            raise _failure(error, path, "cannot be opened") from error
        try:
            self._prepare()
            self._load()
        except sqlite3.Error as error:
            self.close()
            raise _failure(error, path, "cannot be opened") from error
        except LedgerStopped:
            self.close()
            raise

    def _connect(self, cache_kib: int) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=BUSY_SECONDS,
            isolation_level=None,  # BEGIN and COMMIT are said here, and nowhere implied
            check_same_thread=False,  # whoever closes the store closes all of them
        )
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # for a file that is still empty
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA secure_delete = ON")  # always, for registry.stores.erasing
        return connection

    def _prepare(self) -> None:
        ((application,),) = self._writer.execute("PRAGMA application_id")
        ((version,),) = self._writer.execute("PRAGMA user_version")
        ((tables,),) = self._writer.execute("SELECT count(*) FROM sqlite_schema")
        fresh = (application, version, tables) == (0, 0, 0)
        if not fresh and application != sql.APPLICATION:
            raise LedgerStopped(f"{self._path.name} is not a store of a ledger")
        if not fresh and version != sql.FORMAT:
            raise LedgerStopped(
                f"the store has format {version}; this program reads format {sql.FORMAT}",
                hint="open it with the version of the program that wrote it",
            )
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        if fresh:
            self._writer.executescript(sql.SCHEMA)
        else:  # an erasure that a crash cut short may have left what it erased in the log
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _load(self) -> None:
        for _, size, root, time, leaf, frontier, rows in self._writer.execute("SELECT * FROM head"):
            edge = (frontier[i : i + HASH_SIZE] for i in range(0, len(frontier), HASH_SIZE))
            self._head = Head(size, root, time, leaf, tuple(edge), rows)
        self._counts = Counter(dict(self._writer.execute("SELECT kind, n FROM counts").fetchall()))

    def _connection(self) -> sqlite3.Connection:
        """This thread's own, or the writer's for the thread that commits."""
        if self._committer == threading.get_ident():
            # One read transaction from commit to commit: to begin one costs more than a look-up.
            if not self._writer.in_transaction:
                self._writer.execute("BEGIN")
            return self._writer
        connection = self._readers.get(threading.get_ident())
        return connection or self._connect_reader()

    def _connect_reader(self) -> sqlite3.Connection:
        """A connection for this thread; those of threads that have ended are closed."""
        with self._opening:
            threading.current_thread()  # makes itself known, whoever started it
            alive = {thread.ident for thread in threading.enumerate()}
            for ident in [ident for ident in self._readers if ident not in alive]:
                self._readers.pop(ident).close()
            if self._closed:
                raise sqlite3.ProgrammingError("the store is closed")
            connection = self._connect(READER_CACHE_KIB)
            connection.execute("PRAGMA query_only = ON")
            self._readers[threading.get_ident()] = connection
        return connection

    def _select(self, statement: str, *parameters: object) -> list[Any]:
        try:
            return self._connection().execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise _failure(error, self._path, "cannot be read") from error

    def head(self) -> Head | None:
        """See Store. Held in memory: no other process writes while this one does."""
        return self._head

    def checkpoint(self, size: int | None = None) -> bytes | None:
        """See Store."""
        if size is None:
            size = self._head.size if self._head else 0
        found = self._select("SELECT note FROM checkpoints WHERE size = ?", size)
        return found[0][0] if found else None

    def published(self, size: int | None = None) -> bytes | None:
        """See Store."""
        most = 2**63 - 1 if size is None else size
        found = self._select(sql.PUBLISHED, most)
        return found[0][1] if found and size in (None, found[0][0]) else None

    def publish(self, size: int, note: bytes) -> None:
        """See Store. A transaction of its own: nothing else depends on it."""
        with self._writing():
            self._writer.execute("INSERT OR REPLACE INTO published VALUES (?, ?)", (size, note))

    def records(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See Store. A row is never overwritten, so that it is read as of the buckets' commit."""
        places = [place_of(key) for key in keys]
        buckets = self.buckets_at(places)
        starts = [bucket.start for bucket in buckets]
        held = [buckets[bisect_right(starts, place) - 1] for place in places]
        rows = [row_of(bucket, key) for bucket, key in zip(held, keys, strict=True)]
        wanted = [row for row in rows if row is not None]
        found = dict(self._many(sql.RECORD, sql.RECORDS_OF_MANY, wanted))
        return [found.get(row) for row in rows]

    def buckets_at(self, places: Sequence[int]) -> list[Bucket]:
        """See Store."""
        # In their order, places that lie close together are looked for close together.
        found = {row[0]: row for row in self._many(sql.BUCKET, sql.BUCKETS_OF_MANY, sorted(places))}
        return [Bucket(*found[start]) for start in sorted(found)]

    def buckets(self, first: int, last: int) -> list[Bucket]:
        """See Store."""
        return [Bucket(*row) for row in self._select(sql.BUCKETS, first, last)]

    def _many(self, one: str, many: str, wanted: Sequence[int]) -> list[Any]:
        """The rows for several values, all as of one commit."""
        try:
            connection = self._connection()
            alone = len(wanted) > 1 and not connection.in_transaction
            if alone:
                connection.execute("BEGIN")
            found: list[Any] = []
            for start in range(0, len(wanted), sql.MANY):
                some = wanted[start : start + sql.MANY]
                if len(some) > sql.MANY // 5:
                    padded = [*some, *[None] * (sql.MANY - len(some))]  # NULL finds nothing
                    found += connection.execute(many, padded).fetchall()
                else:
                    for value in some:
                        found += connection.execute(one, (value,)).fetchall()
            if alone:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise _failure(error, self._path, "cannot be read") from error
        return found

    def versions(self, key: bytes, *, limit: int, before: int | None = None) -> list[Version]:
        """See Store."""
        row = row_of(self.buckets_at([place_of(key)])[0], key)
        end = 2**63 - 1 if before is None else before
        return [Version(*found) for found in self._select(sql.VERSIONS, row, end, limit)]

    def version_after(self, key: bytes, entry: int) -> Version | None:
        """See Store."""
        row = row_of(self.buckets_at([place_of(key)])[0], key)
        found = self._select(sql.VERSION_AFTER, row, entry, entry)
        return Version(*found[0]) if found else None

    def written(self, after: int, limit: int) -> list[Written]:
        """See Store."""
        return [Written(*row) for row in self._select(sql.WRITTEN, after, limit)]

    def entries(self, start: int, end: int) -> list[bytes]:
        """See Store."""
        found = [data for (data,) in self._select(sql.ENTRIES, start, end)]
        for place, data in enumerate(found):
            if type(data) is not bytes:  # SQLite keeps any type in any column
                raise LedgerTampered("an entry is not stored as bytes", index=start + place)
        return found

    def tile(self, level: int, n: int) -> bytes:
        """See Store."""
        found = self._select("SELECT data FROM tiles WHERE tile = ?", n << 6 | level)
        return found[0][0] if found else b""

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
        most = limit if status is None else self.SCAN
        if owner is None:
            found = self._select(sql.LISTING, kind, after, most + 1)
        else:
            found = self._select(sql.LISTING_OF_OWNER, kind, owner, after, most + 1)
        return page([Row(*row) for row in found], limit, most, status)

    def count(self, kind: str) -> int:
        """See Store."""
        return self._counts[kind]

    def disclosures(self, entry: int) -> list[str]:
        """See Store."""
        return [item for item in self._disclosed(entry) if not is_erased(item)]

    def erased(self, entry: int) -> list[str]:
        """See Store."""
        return [item["erased"] for item in self._disclosed(entry) if is_erased(item)]

    def _disclosed(self, entry: int) -> list[Any]:
        try:
            return kept_disclosures(self._connection(), entry)
        except sqlite3.Error as error:
            raise _failure(error, self._path, "cannot be read") from error

    def erase(self, entry: int, disclosures: Collection[str]) -> None:
        """See Store."""
        with self._writing():
            overwrite(self._writer, entry, disclosures)
        try:
            fold(self._writer)
        except sqlite3.Error as error:
            raise _failure(error, self._path, "could not be folded") from error

    def commit(self, batch: Batch, expected: Head | None) -> None:
        """See Store. After a failure other than StaleHead every further commit is refused."""
        with self._writing():
            counts = self._write(batch, expected)
        self._head, self._counts = batch.head, counts

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One durable transaction of the thread that commits; the last one, where it fails."""
        with self._committing:
            if self._stopped is not None:
                raise LedgerStopped(
                    f"an earlier commit failed: {self._stopped.detail}", hint=self._stopped.hint
                )
            self._committer = threading.get_ident()
            try:
                if self._writer.in_transaction:
                    self._writer.execute("COMMIT")  # of what this thread has read
                self._writer.execute("BEGIN IMMEDIATE")
                yield
                self._writer.execute("COMMIT")
            except StaleHead:
                self._rollback()
                raise
            except sqlite3.Error as error:
                self._stopped = _failure(error, self._path, "could not be written")
                self._rollback()
                raise self._stopped from error
            except BaseException as error:  # an interrupt leaves it open what was written
                self._stopped = LedgerStopped(f"a commit was cut short by {type(error).__name__}")
                self._rollback()
                raise

    def _rollback(self) -> None:
        self._committer = None  # its reads need the writer's connection no longer
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error:
            self._writer.close()  # nothing may be read through a transaction that will not end

    def _write(self, batch: Batch, expected: Head | None) -> Counter[str]:
        """All of a batch into the open transaction; the new counts."""
        execute, many = self._writer.execute, self._writer.executemany
        head, start = batch.head, expected.size if expected else 0
        members = (*head[:4], b"".join(head.frontier), head.rows)
        if expected is None:
            swapped = execute(sql.BEGIN_HEAD, members)
        else:
            swapped = execute(sql.SWAP_HEAD, (*members, expected.size, expected.root))
        if swapped.rowcount != 1:
            raise StaleHead("another writer has moved the head")
        many("INSERT INTO entries VALUES (?, ?)", enumerate(batch.entries, start))
        many(sql.PUT_TILE, [(n << 6 | level, data) for level, n, data in batch.tiles])
        numbered = enumerate(batch.written, (expected.rows if expected else 0) + 1)
        many(sql.INSERT_RECORD, [(row, *written) for row, written in numbered])
        many(sql.PUT_BUCKET, batch.buckets)
        rows = {(row.kind, row.entry): row for row in batch.rows}
        many(sql.PUT_ROW, [(r.kind, r.entry, r.status, r.owner, r.key) for r in rows.values()])
        counts = self._counts + Counter(kind for kind, entry in rows if entry >= start)
        many(sql.PUT_COUNT, counts.items())
        many(
            "INSERT INTO disclosures VALUES (?, ?)",
            [(entry, orjson.dumps(disclosed)) for entry, disclosed in batch.disclosures],
        )
        execute("INSERT INTO checkpoints VALUES (?, ?)", (head.size, batch.checkpoint))
        return counts

    def close(self) -> None:
        """See Store. Whoever closes has made sure that no other thread still reads."""
        with self._opening:
            self._closed = True
            for connection in self._readers.values():
                connection.close()
            self._readers.clear()
            self._writer.close()  # the last one: it folds the WAL into the file


def _create(path: Path) -> None:
    """A file that its owner alone can read; SQLite gives the same mode to its companions."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        path.chmod(0o600)  # without opening it: to close it would drop locks that SQLite holds


_HINTS = {
    "SQLITE_FULL": "the disk is full: make room, then start again",
    "SQLITE_BUSY": "another process holds the store: stop it, then start again",
    "SQLITE_READONLY": "the file or its folder cannot be written",
    "SQLITE_NOTADB": "this is not a database: was the wrong folder named?",
    "SQLITE_CORRUPT": "the file is damaged: keep a copy, audit it, restore a backup",
    "SQLITE_IOERR": "the disk failed: check it before the service is started again",
}


def _failure(error: sqlite3.Error | OSError, path: Path, what: str) -> LedgerStopped:
    """What SQLite said, with what to do about it."""
    name = getattr(error, "sqlite_errorname", "")
    hint = next((text for known, text in _HINTS.items() if name.startswith(known)), "")
    return LedgerStopped(f"the store {path.name} {what}: {error}", hint=hint)
