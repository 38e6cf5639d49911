"""Erasing what was disclosed out of an SQLite file: from its pages, and from the write-ahead log.

A row is written again without the text: `[text, {"erased": digest}]`. Under `secure_delete` SQLite
overwrites with zeros what it frees, pages that overflow included; it has to be on from the first
row on, since without it a tree that grows leaves copies of rows in pages that they have left, of
which nobody knows any more. The log still holds the pages as they were, until it is folded into the
file and cut to nothing. What the disk itself keeps of a block that was overwritten is beyond a
program's reach (specs/3-resolution.md, "Graded data").
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any

import orjson

from identity.disclosure import disclosure_digest
from identity.errors import Busy, LedgerTampered


def kept_disclosures(connection: sqlite3.Connection, entry: int) -> list[Any]:
    """The row of an entry: texts, and `{"erased": digest}`. Raises LedgerTampered."""
    statement = "SELECT disclosures FROM disclosures WHERE entry = ?"
    found = connection.execute(statement, (entry,)).fetchall()
    try:
        return list(orjson.loads(found[0][0])) if found else []
    except (orjson.JSONDecodeError, TypeError):
        raise LedgerTampered("stored disclosures cannot be read", index=entry) from None


def is_erased(item: object) -> bool:
    """Whether an item of a row is what is left of an erased disclosure."""
    return isinstance(item, dict) and isinstance(item.get("erased"), str)


def overwrite(connection: sqlite3.Connection, entry: int, disclosures: Collection[str]) -> None:
    """Takes texts out of a row, within a transaction that the caller has begun."""
    kept = kept_disclosures(connection, entry)
    left = [
        {"erased": disclosure_digest(item)}
        if isinstance(item, str) and item in disclosures
        else item
        for item in kept
    ]
    if left == kept:
        return
    connection.execute(
        "UPDATE disclosures SET disclosures = ? WHERE entry = ?", (orjson.dumps(left), entry)
    )


def fold(connection: sqlite3.Connection) -> None:
    """Copies the write-ahead log into the file and cuts it to nothing. Raises Busy while somebody
    reads what is older."""
    ((busy, *_),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if busy:
        raise Busy(
            "erased, and not yet out of the write-ahead log: somebody reads an older state",
            hint="erase it again",
            retry_after=1,
        )
