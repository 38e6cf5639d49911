"""What a witness must not forget, in one SQLite file: WAL, `synchronous=FULL`.

    with store.advance("example.com/log") as place:
        check_advance(opened, place.head)
        place.keep(head, note, time)              # on disk when the block is left

A block is one transaction that nobody else's can come between, in this process or another: what is
compared is what is replaced. A write that failed is the last one: a flush that failed once is never
trusted again.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from identity.errors import LedgerStopped, MalformedInput
from registry.note import SignatureType, VerifierKey
from registry.witness import Head

APPLICATION: Final = 0x54574954  # "TWIT"
VERSION: Final = 1
BUSY_SECONDS: Final = 5.0
MAX_EVIDENCE: Final = 100
"""Contradictions kept of one log: the first prove as much as the rest."""

_SCHEMA = """
CREATE TABLE log_key (origin TEXT NOT NULL, vkey TEXT NOT NULL, PRIMARY KEY (origin, vkey));
CREATE TABLE head (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL,
                   note BLOB NOT NULL, name BLOB NOT NULL UNIQUE);
CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), time INTEGER NOT NULL);
CREATE TABLE evidence (origin TEXT NOT NULL, time INTEGER NOT NULL, seen BLOB NOT NULL,
                       shown BLOB NOT NULL);
INSERT INTO clock VALUES (1, 0);
"""


class Place:
    """What is stored for one origin, while nobody else can change it."""

    def __init__(self, connection: sqlite3.Connection, origin: str) -> None:
        self._connection = connection
        self._origin = origin
        ((self.time,),) = connection.execute("SELECT time FROM clock")
        """The newest time that was ever cosigned, for any log; 0 before the first."""
        row = connection.execute(
            "SELECT size, root, note FROM head WHERE origin = ?", (origin,)
        ).fetchone()
        self.head: Head | None = Head(row[0], row[1]) if row else None
        self.note: bytes = row[2] if row else b""
        """The cosigned checkpoint of that head."""

    def keep(self, head: Head, note: bytes, time: int, name: bytes) -> None:
        """Replaces what is stored; `name` is the SHA-256 of the origin."""
        self._connection.execute(
            "INSERT INTO head VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET "
            "size = excluded.size, root = excluded.root, note = excluded.note",
            (self._origin, head.size, head.root, note, name),
        )
        self._connection.execute("UPDATE clock SET time = ?", (time,))


class WitnessStore:
    """The store. Raises LedgerStopped for every failure of the file or the disk."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Opens the store; `create` makes one where there is none, with file mode 0600."""
        self._lock = threading.Lock()
        self._stopped: LedgerStopped | None = None
        try:
            if create:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            self._connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=rw",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,  # BEGIN and COMMIT are said here, and nowhere implied
                check_same_thread=False,  # one at a time, by the lock
            )
        except (sqlite3.Error, OSError) as error:
            raise LedgerStopped(f"{path.name} cannot be opened: {error}") from error
        try:
            self._prepare(create=create)
        except (sqlite3.Error, LedgerStopped) as error:
            self._connection.close()
            raise LedgerStopped(f"{path.name} cannot be opened: {error}") from error

    def _prepare(self, *, create: bool) -> None:
        run = self._connection.execute
        run("PRAGMA synchronous = FULL")
        if create:
            run("PRAGMA journal_mode = WAL")
            self._connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
            run(f"PRAGMA application_id = {APPLICATION}")
            run(f"PRAGMA user_version = {VERSION}")
        found = run("PRAGMA application_id").fetchone() + run("PRAGMA user_version").fetchone()
        if found != (APPLICATION, VERSION):
            raise LedgerStopped("it is no store of a witness, or one of another format")

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._connection.close()
            self._stopped = self._stopped or LedgerStopped("the witness is stopping")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._stopped is not None:
                raise self._stopped
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:  # nothing was written: the next one may try again
                raise LedgerStopped(f"the witness cannot write now: {error}") from error
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                self._give_up(error)
                raise

    def _give_up(self, error: BaseException) -> None:
        """Rolls back; after a failure of the file, for good."""
        if isinstance(error, sqlite3.Error):
            self._stopped = LedgerStopped(f"the witness has stopped: {error}")
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as failure:
            self._stopped = LedgerStopped(f"the witness has stopped: {failure}")
        if isinstance(error, sqlite3.Error) and self._stopped is not None:
            raise self._stopped from error

    @contextmanager
    def advance(self, origin: str) -> Iterator[Place]:
        """A place to compare and replace, which is on disk when the block is left."""
        with self._transaction() as connection:
            yield Place(connection, origin)

    def checkpoint(self, name: bytes) -> bytes | None:
        """The checkpoint that was cosigned last, by the SHA-256 of its origin."""
        rows = self._read("SELECT note FROM head WHERE name = ?", name)
        return rows[0][0] if rows else None

    def add_log(self, key: VerifierKey) -> bool:
        """Trusts a log's key for the origin that it is named after; False if it was trusted."""
        with self._transaction() as connection:
            done = connection.execute(
                "INSERT OR IGNORE INTO log_key VALUES (?, ?)", (key.name, str(key))
            )
            return done.rowcount == 1

    def log_keys(self, origin: str) -> list[VerifierKey]:
        """The keys that are trusted for an origin; rotated ones stay in the list."""
        rows = self._read("SELECT vkey FROM log_key WHERE origin = ? ORDER BY rowid", origin)
        return [_key(vkey) for (vkey,) in rows]

    def logs(self) -> list[VerifierKey]:
        """All keys that are trusted, by origin."""
        rows = self._read("SELECT vkey FROM log_key ORDER BY origin, rowid")
        return [_key(vkey) for (vkey,) in rows]

    def keep_evidence(self, origin: str, time: int, seen: bytes, shown: bytes) -> None:
        """Keeps two signed checkpoints that contradict each other."""
        with self._transaction() as connection:
            ((count,),) = connection.execute(
                "SELECT COUNT(*) FROM evidence WHERE origin = ?", (origin,)
            )
            if count < MAX_EVIDENCE:
                connection.execute(
                    "INSERT INTO evidence VALUES (?, ?, ?, ?)", (origin, time, seen, shown)
                )

    def evidence(self, origin: str) -> list[tuple[int, bytes, bytes]]:
        """(time, the checkpoint that was cosigned, the one that contradicts it), oldest first."""
        return self._read(
            "SELECT time, seen, shown FROM evidence WHERE origin = ? ORDER BY rowid", origin
        )

    def _read(self, statement: str, *given: str | bytes) -> list[Any]:
        with self._lock:
            try:
                return self._connection.execute(statement, given).fetchall()
            except sqlite3.Error as error:
                raise LedgerStopped(f"the witness cannot read now: {error}") from error


@lru_cache(maxsize=1_000)
def _key(vkey: str) -> VerifierKey:
    return VerifierKey.parse(vkey)


def log_key(vkey: str) -> VerifierKey:
    """A key that a log may sign with. Raises InvalidKey, MalformedInput."""
    key = VerifierKey.parse(vkey)
    if key.type not in (SignatureType.ED25519, SignatureType.ML_DSA_44):
        raise MalformedInput(
            f"a key of type {key.type:02x} is not a log's", hint="01 (Ed25519) or 06 (ML-DSA-44)"
        )
    return key
