"""Tables and statements of the SQLite store: all of its SQL but the one-liners.

`FORMAT` counts up with every change of the tables; a store of another format is not opened.
"""

from __future__ import annotations

from typing import Final

APPLICATION: Final = 0x54455452
"""`PRAGMA application_id`: "TETR"."""
FORMAT: Final = 2
"""`PRAGMA user_version`: of the tables below."""

SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL,
    time INTEGER NOT NULL, last_leaf BLOB NOT NULL, frontier BLOB NOT NULL,
    rows INTEGER NOT NULL);
CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL);
CREATE TABLE published (size INTEGER PRIMARY KEY, note BLOB NOT NULL);
CREATE TABLE entries (i INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE tiles (tile INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE records (
    row INTEGER PRIMARY KEY, entry INTEGER NOT NULL, before INTEGER, record BLOB NOT NULL);
CREATE TABLE buckets (
    start INTEGER PRIMARY KEY, depth INTEGER NOT NULL, entries BLOB NOT NULL, rows BLOB NOT NULL);
INSERT INTO buckets VALUES (0, 0, x'', x'');
CREATE TABLE rows (
    kind TEXT NOT NULL, entry INTEGER NOT NULL, status TEXT NOT NULL, owner INTEGER NOT NULL,
    key BLOB NOT NULL, PRIMARY KEY (kind, entry)) WITHOUT ROWID;
CREATE INDEX rows_by_owner ON rows (kind, owner, entry);
CREATE TABLE counts (kind TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE disclosures (entry INTEGER PRIMARY KEY, disclosures BLOB NOT NULL);
PRAGMA application_id = APPLICATION;
PRAGMA user_version = FORMAT;
COMMIT;
""".replace("APPLICATION", str(APPLICATION)).replace("FORMAT", str(FORMAT))
BEGIN_HEAD = "INSERT INTO head SELECT 1, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM head)"
SWAP_HEAD = """
UPDATE head SET size = ?, root = ?, time = ?, last_leaf = ?, frontier = ?, rows = ?
WHERE size = ? AND root = ?"""
ENTRIES = "SELECT data FROM entries WHERE i >= ? AND i < ? ORDER BY i"
MANY: Final = 100
"""Places or rows of one look-up: a quarter of the cost of one by one."""
PUBLISHED = "SELECT size, note FROM published WHERE size <= ? ORDER BY size DESC LIMIT 1"
BUCKET = "SELECT * FROM buckets WHERE start <= ? ORDER BY start DESC LIMIT 1"
BUCKETS_OF_MANY = """
WITH wanted (place) AS (VALUES places)
SELECT * FROM buckets WHERE start IN (
    SELECT (SELECT max(start) FROM buckets WHERE start <= place) FROM wanted)
ORDER BY start""".replace("places", ", ".join(["(?)"] * MANY))
BUCKETS = "SELECT * FROM buckets WHERE start BETWEEN ? AND ? ORDER BY start"
PUT_BUCKET = "INSERT OR REPLACE INTO buckets VALUES (?, ?, ?, ?)"
RECORD = "SELECT row, record FROM records WHERE row = ?"
RECORDS_OF_MANY = RECORD.replace("= ?", f"IN ({', '.join('?' * MANY)})")
VERSIONS = """
WITH RECURSIVE chain (row, entry, before) AS (
    SELECT row, entry, before FROM records WHERE row = ?
    UNION ALL
    SELECT older.row, older.entry, older.before
    FROM chain JOIN records AS older ON older.row = chain.before)
SELECT entry, (SELECT record FROM records WHERE row = chain.row)
FROM chain WHERE entry < ? LIMIT ?"""
"""The way back is gone without the records: of a long one, only those that are wanted are read."""
VERSION_AFTER = """
WITH RECURSIVE chain (row, entry, before) AS (
    SELECT row, entry, before FROM records WHERE row = ? AND entry > ?
    UNION ALL
    SELECT older.row, older.entry, older.before
    FROM chain JOIN records AS older ON older.row = chain.before WHERE older.entry > ?)
SELECT entry, (SELECT record FROM records WHERE row = chain.row)
FROM chain ORDER BY entry LIMIT 1"""
WRITTEN = "SELECT entry, before, record FROM records WHERE row > ? ORDER BY row LIMIT ?"
INSERT_RECORD = "INSERT INTO records VALUES (?, ?, ?, ?)"
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
