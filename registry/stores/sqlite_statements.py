"""Tables and statements of the SQLite store: all of its SQL but the one-liners.

`FORMAT` counts up with every change of the tables; a store of another format is not opened.
"""

from __future__ import annotations

from typing import Final

APPLICATION: Final = 0x54455452
"""`PRAGMA application_id`: "TETR"."""
FORMAT: Final = 1
"""`PRAGMA user_version`: of the tables below."""

SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL,
    time INTEGER NOT NULL, last_leaf BLOB NOT NULL, frontier BLOB NOT NULL);
CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL);
CREATE TABLE entries (i INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE tiles (tile INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE records (
    row INTEGER PRIMARY KEY, entry INTEGER NOT NULL, before INTEGER, record BLOB NOT NULL);
CREATE TABLE state (key BLOB PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
    kind TEXT NOT NULL, entry INTEGER NOT NULL, status TEXT NOT NULL, owner INTEGER NOT NULL,
    key BLOB NOT NULL, PRIMARY KEY (kind, entry)) WITHOUT ROWID;
CREATE INDEX rows_by_owner ON rows (kind, owner, entry);
CREATE TABLE counts (kind TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE disclosures (entry INTEGER PRIMARY KEY, disclosures BLOB NOT NULL);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {FORMAT};
COMMIT;
"""
BEGIN_HEAD = "INSERT INTO head SELECT 1, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM head)"
SWAP_HEAD = """
UPDATE head SET size = ?, root = ?, time = ?, last_leaf = ?, frontier = ?
WHERE size = ? AND root = ?"""
ENTRIES = "SELECT data FROM entries WHERE i >= ? AND i < ? ORDER BY i"
NEWEST = "SELECT key, record FROM state JOIN records USING (row) WHERE key = ?"
MANY: Final = 100
"""Keys of one look-up: a quarter of the cost of one by one."""
NEWEST_OF_MANY = NEWEST.replace("= ?", f"IN ({', '.join('?' * MANY)})")
VERSIONS = """
WITH RECURSIVE chain (row, entry, before) AS (
    SELECT row, entry, before FROM state JOIN records USING (row) WHERE key = ?
    UNION ALL
    SELECT older.row, older.entry, older.before
    FROM chain JOIN records AS older ON older.row = chain.before)
SELECT entry, (SELECT record FROM records WHERE row = chain.row)
FROM chain WHERE entry < ? LIMIT ?"""
"""The way back is gone without the records: of a long one, only those that are wanted are read."""
WRITTEN = "SELECT entry, before, record FROM records WHERE row > ? ORDER BY row LIMIT ?"
NEWEST_OF_ALL = "SELECT key, row FROM state WHERE key > ? ORDER BY key LIMIT ?"
INSERT_RECORD = "INSERT INTO records VALUES (?, ?, (SELECT row FROM state WHERE key = ?), ?)"
INSERT_LATER_RECORD = "INSERT INTO records VALUES (?, ?, ?, ?)"
POINT = "INSERT INTO state VALUES (?, ?) ON CONFLICT DO UPDATE SET row = excluded.row"
PUT_TILE = "INSERT INTO tiles VALUES (?, ?) ON CONFLICT DO UPDATE SET data = excluded.data"
PUT_ROW = """
INSERT INTO rows VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET status = excluded.status, owner = excluded.owner, key = excluded.key"""
PUT_COUNT = "INSERT INTO counts VALUES (?, ?) ON CONFLICT DO UPDATE SET n = excluded.n"
LISTING = """
SELECT entry, kind, status, owner, key FROM rows
WHERE kind = ? AND entry > ? ORDER BY entry LIMIT ?"""
LISTING_OF_OWNER = """
SELECT entry, kind, status, owner, key FROM rows
WHERE kind = ? AND owner = ? AND entry > ? ORDER BY entry LIMIT ?"""
