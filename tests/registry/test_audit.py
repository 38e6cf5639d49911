"""The audit: what holds is reported, and whatever is changed is found, with its index."""

from __future__ import annotations

import pickle
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson
import pytest

from identity.errors import EvidenceRefused, InvalidCheckpoint, LedgerTampered, NotFound
from identity.jcs import canonicalize
from registry.audit import audit
from registry.bucket import PLACE_BITS, Bucket, keys_of, place_of
from registry.checkpoint import Checkpoint
from registry.entry import StateRoot
from registry.map_proof import value_hash
from registry.merkle import Frontier, leaf_hash
from registry.note import SignatureType, Signer, sign_note
from registry.replay import Audited
from registry.stores.sqlite import SqliteStore
from registry.tile import WIDTH
from registry.verdict import Chunk, Verdict, Verdicts, check_apart, check_chunk
from tests.factory import LOG, NOW, ORIGIN, RULES, City, Maker, Signed, Subject

DEVICES = 300
"""More than one bundle, so that tiles of level 1 are compared too."""


class Life:
    """A small city on disk, with an operation of nearly every kind."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(SqliteStore(path)) as store:
            self.city = city = City(store)
            self.acme = city.organization("Acme")
            city.accept(city.prefix(self.acme, "gtin:09506000"))
            made = [
                city.new_device(f"M-{n:04}", self.acme, number=f"14400{n:08}")
                for n in range(DEVICES)
            ]
            city.accept(*(first_of(one) for one in made))
            self.publish(store)
            city.now += 60
            city.accept(city.supervise(made[1], "status.suspend", "lost", self.acme))
            city.accept(city.follow(made[0], "status.retire", {"reason": "worn"}, by=[self.acme]))
            city.accept(city.rotate(self.acme))
            self.first = city.device("P-0001", self.acme, algorithm="P-256")
            self.size = self.publish(store)

    def publish(self, store: SqliteStore) -> int:
        """Closes the tree and publishes its checkpoint; its size."""
        size = self.city.ledger.close(self.city.now)
        note = store.checkpoint(size)
        assert note is not None
        store.publish(size, note)
        return size


def first_of(subject: Subject) -> Signed:
    assert subject.first is not None
    return subject.first


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return Life(tmp_path_factory.mktemp("life") / "ledger.sqlite3")


@pytest.fixture
def copy(life: Life, tmp_path: Path) -> Path:
    """The city's file, to be tampered with."""
    return Path(shutil.copy(life.path, tmp_path / "ledger.sqlite3"))


def audited(path: Path, **options: Any) -> Audited:
    """The audit of a data folder."""
    with closing(SqliteStore(path)) as store:
        return audit(store, RULES, stored=store, **options)


def found(path: Path) -> int:
    """The index at which an audit finds the first thing wrong."""
    with pytest.raises(LedgerTampered) as caught:
        audited(path)
    index = caught.value.members["index"]
    assert isinstance(index, int)
    return index


def tamper(path: Path, statement: str, *parameters: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        changed = connection.execute(statement, parameters).rowcount
    assert changed == 1, "the test must change one row"


def stored(path: Path, query: str, *parameters: object) -> Any:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query, parameters).fetchone()[0]


def test_a_ledger_that_nobody_touched_is_reported_in_full(life: Life) -> None:
    progress: list[tuple[int, int]] = []
    result = audited(
        life.path,
        genesis=life.city.ledger_hash,
        progress=lambda done, total: progress.append((done, total)),
    )
    head = life.city.ledger.head
    assert head is not None
    assert result == Audited(
        life.size,
        head.root,
        NOW + 60,
        life.city.ledger_hash,
        {
            "registry.genesis": 1,
            "organization.register": 1,
            "grant.issue": 1,
            "device.register": DEVICES + 1,
            "status.suspend": 1,
            "status.retire": 1,
            "keys.rotate": 1,
            "state root": 2,
        },
    )
    assert progress == [(256, life.size), (life.size, life.size)]


def test_the_replay_may_keep_its_state_in_a_scratch_file(life: Life, tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "scratch", durable=False)) as scratch:
        assert audited(life.path, scratch=scratch).size == life.size


def test_a_source_without_its_store_is_enough(life: Life) -> None:
    with closing(SqliteStore(life.path)) as store:
        assert audit(store, RULES).size == life.size


def _pool(chunks: Iterable[Chunk]) -> Iterator[Verdicts]:
    with get_context("spawn").Pool(1) as pool:
        for chunk in chunks:
            yield pool.apply(check_apart, (chunk,))


def test_signatures_may_be_checked_in_other_processes(life: Life, copy: Path) -> None:
    assert audited(life.path, check=_pool).size == life.size
    entry = stored(copy, "SELECT data FROM entries WHERE i = 7")
    tamper(copy, "UPDATE entries SET data = ? WHERE i = 7", entry.replace(b"M-0004", b"M-9999"))
    with pytest.raises(LedgerTampered) as caught:
        audited(copy, check=_pool)
    assert caught.value.members["index"] == 7


def test_chunks_may_be_drawn_ahead(life: Life) -> None:
    """Then an organization's key may not be known yet: the replay verifies what is pending."""

    def ahead(chunks: Iterable[Chunk]) -> Iterator[Verdicts]:
        waiting = [check_apart(chunk) for chunk in chunks]
        assert all(isinstance(v, Verdict | StateRoot) for verdicts in waiting for v in verdicts)
        assert any(isinstance(v, Verdict) and v.pending for v in waiting[1])
        yield from waiting

    assert audited(life.path, check=ahead).size == life.size


def test_a_verdict_and_an_error_survive_the_way_between_processes() -> None:
    maker = Maker()
    good = canonicalize(
        {
            "index": 0,
            "time": maker.created,
            "previous": "0" * 64,
            "operation": maker.genesis.operation,
        }
    )
    verdicts = check_chunk(Chunk(0, [good, b"{}"], {}))
    verdict, error = pickle.loads(pickle.dumps(verdicts))  # noqa: S301 - our own bytes
    assert verdict == verdicts[0]
    assert isinstance(error, LedgerTampered)
    assert error.problem() == verdicts[1].problem()  # type: ignore[union-attr]


def test_a_ledger_that_has_not_begun_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        audited(tmp_path / "empty")


def test_another_ledger_than_the_pinned_one_is_refused(life: Life) -> None:
    with pytest.raises(LedgerTampered, match="another ledger"):
        audited(life.path, genesis=Maker(mode="permissioned").ledger_hash)


@pytest.mark.parametrize("index", [0, 1, 2, 40, 255, 256, 300, 303, 307, 308])
def test_a_changed_entry_is_found(copy: Path, index: int) -> None:
    """A byte anywhere: here in the entry's time, which no signature covers."""
    entry = stored(copy, "SELECT data FROM entries WHERE i = ?", index)
    changed = entry.replace(b'Z","uni', b'Y","uni').replace(b'Z"}', b'Y"}')
    tamper(copy, "UPDATE entries SET data = ? WHERE i = ?", changed, index)
    assert changed != entry
    assert found(copy) == index


def test_entries_that_change_places_are_found(copy: Path) -> None:
    first, second = (stored(copy, "SELECT data FROM entries WHERE i = ?", i) for i in (50, 51))
    tamper(copy, "UPDATE entries SET data = ? WHERE i = 50", second)
    tamper(copy, "UPDATE entries SET data = ? WHERE i = 51", first)
    assert found(copy) == 50


@pytest.mark.parametrize("index", [3, 200, 303, 308])
def test_a_missing_entry_is_found(copy: Path, index: int) -> None:
    tamper(copy, "DELETE FROM entries WHERE i = ?", index)
    assert found(copy) == index


@pytest.mark.parametrize("index", [0, 77, 255, 256, 308])
def test_a_changed_hash_in_a_tile_is_found(copy: Path, index: int) -> None:
    n, place = divmod(index, WIDTH)
    data = bytearray(stored(copy, "SELECT data FROM tiles WHERE tile = ?", n << 6))
    data[32 * place] ^= 1
    tamper(copy, "UPDATE tiles SET data = ? WHERE tile = ?", bytes(data), n << 6)
    assert found(copy) == index


def test_a_changed_hash_in_a_tile_of_a_higher_level_is_found(copy: Path) -> None:
    tamper(copy, "UPDATE tiles SET data = zeroblob(32) WHERE tile = 1")
    assert found(copy) == 0


def test_a_tile_that_is_too_short_is_found(copy: Path) -> None:
    data = stored(copy, "SELECT data FROM tiles WHERE tile = 64")
    tamper(copy, "UPDATE tiles SET data = ? WHERE tile = 64", data[:64])
    assert found(copy) == 258


@pytest.mark.parametrize("which", ["min", "max"])
def test_a_changed_record_is_found(copy: Path, which: str) -> None:
    row, entry = stored(copy, f"SELECT {which}(row) FROM records"), None  # noqa: S608
    entry = stored(copy, "SELECT entry FROM records WHERE row = ?", row)
    tamper(
        copy,
        "UPDATE records SET record = replace(CAST(record AS TEXT), 'did:', 'dib:') WHERE row = ?",
        row,
    )
    assert found(copy) == entry


def test_a_record_whose_status_was_changed_is_found(copy: Path) -> None:
    tamper(
        copy,
        "UPDATE records SET record = CAST(replace(record, '\"retired\"', '\"active\"') AS BLOB)"
        " WHERE CAST(record AS TEXT) LIKE '%\"retired\"%'",
    )
    assert found(copy) == 305


def test_an_event_left_out_of_the_history_of_a_record_is_found(copy: Path) -> None:
    """The newest record of the retired meter, with the history that it had before."""
    row = stored(copy, "SELECT row FROM records WHERE entry = 305 AND before IS NOT NULL LIMIT 1")
    record = orjson.loads(stored(copy, "SELECT record FROM records WHERE row = ?", row))
    older = "SELECT record FROM records WHERE row = (SELECT before FROM records WHERE row = ?)"
    record["history"] = orjson.loads(stored(copy, older, row))["history"]
    tamper(copy, "UPDATE records SET record = ? WHERE row = ?", canonicalize(record), row)
    assert found(copy) == 305


def test_a_version_cut_out_of_the_history_is_found(copy: Path) -> None:
    row = stored(copy, "SELECT max(row) FROM records WHERE before IS NOT NULL")
    entry = stored(copy, "SELECT entry FROM records WHERE row = ?", row)
    tamper(copy, "UPDATE records SET before = NULL WHERE row = ?", row)
    assert found(copy) == entry


Items = list[tuple[bytes, bytes, int]]


class Keys:
    """The buckets of a store's file, to be tampered with."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(SqliteStore(path)) as store:
            self.all = store.buckets(0, (1 << PLACE_BITS) - 1)
            head = store.head()
            assert head is not None
            self.written = store.written(0, head.rows)

    def of(self, row: int) -> Bucket:
        """The bucket with the key whose newest record stands there."""
        return next(one for one in self.all if any(row == found for _, _, found in items(one)))

    def entry(self, row: int) -> int:
        """Which entry made that record."""
        return self.written[row - 1].entry

    def put(self, bucket: Bucket, changed: Items) -> None:
        """Other keys into a bucket."""
        tamper(
            self._path,
            "UPDATE buckets SET entries = ?, rows = ? WHERE start = ?",
            b"".join(key + value for key, value, _ in changed),
            b"".join(row.to_bytes(8) for _, _, row in changed),
            bucket.start,
        )

    def replace(self, row: int, *instead: tuple[bytes | None, bytes | None, int | None]) -> None:
        """Other keys, values or rows for the key whose newest record stands there."""
        bucket = self.of(row)
        changed: Items = []
        for one in items(bucket):
            if one[2] != row:
                changed.append(one)
            else:
                changed += [(k or one[0], v or one[1], r or one[2]) for k, v, r in instead]
        self.put(bucket, changed)


def items(bucket: Bucket) -> Items:
    """Key, value and row of each key of a bucket."""
    keys = keys_of(bucket)
    values = [bucket.entries[64 * n + 32 : 64 * n + 64] for n in range(len(keys))]
    return [
        (key, value, int.from_bytes(bucket.rows[8 * n : 8 * n + 8]))
        for n, (key, value) in enumerate(zip(keys, values, strict=True))
    ]


def newest(keys: Keys) -> int:
    """The row of a newest record that had one before it."""
    return max(row for row, one in enumerate(keys.written, 1) if one.before is not None)


def test_a_key_that_leads_to_an_older_record_is_found(copy: Path) -> None:
    keys = Keys(copy)
    row = newest(keys)
    older = keys.written[row - 1].before
    assert older is not None
    keys.replace(row, (None, value_hash(keys.written[older - 1].record), older))
    assert found(copy) == keys.entry(row)


def test_a_key_that_leads_to_another_row_is_found(copy: Path) -> None:
    keys = Keys(copy)
    keys.replace(500, (None, None, 499))
    assert found(copy) == keys.entry(500)


def test_a_key_with_another_value_is_found(copy: Path) -> None:
    keys = Keys(copy)
    keys.replace(500, (None, bytes(32), None))
    assert found(copy) == keys.entry(500)


def test_a_key_that_was_removed_is_found(copy: Path) -> None:
    keys = Keys(copy)
    keys.replace(700)
    assert found(copy) == keys.entry(700)


def test_a_key_that_no_entry_made_is_found(copy: Path, life: Life) -> None:
    keys = Keys(copy)
    held = items(keys.of(700))
    key, value, row = held[0]
    keys.put(keys.of(700), [(key[:-1] + bytes([key[-1] ^ 1]), value, row), *held])
    assert found(copy) == life.size


def test_a_bucket_that_is_missing_is_found(copy: Path) -> None:
    keys = Keys(copy)
    bucket = keys.all[len(keys.all) // 2]
    first = min(row for _, _, row in items(bucket))
    tamper(copy, "DELETE FROM buckets WHERE start = ?", bucket.start)
    assert found(copy) == keys.entry(first)


def test_a_bucket_that_was_split_too_early_is_found(copy: Path) -> None:
    """The same keys in the same order, but not the tree that follows from them."""
    keys = Keys(copy)
    bucket = next(one for one in keys.all if len(keys_of(one)) > 4)
    middle = bucket.start + (1 << PLACE_BITS - bucket.depth - 1)
    halves: list[Items] = [[], []]
    for one in items(bucket):
        halves[place_of(one[0]) >= middle].append(one)
    tamper(copy, "UPDATE buckets SET depth = depth + 1 WHERE start = ?", bucket.start)
    tamper(copy, "INSERT INTO buckets VALUES (?, ?, x'', x'')", middle, bucket.depth + 1)
    keys.put(bucket, halves[0])
    keys.put(bucket._replace(start=middle), halves[1])
    with pytest.raises(LedgerTampered, match="does not lead to its newest record"):
        audited(copy)


@pytest.mark.parametrize("column", ["entries", "rows"])
@pytest.mark.parametrize("value", ["text", 7, None, b"short"])
def test_a_bucket_that_is_no_bucket_is_found(
    copy: Path, life: Life, column: str, value: object
) -> None:
    keys = Keys(copy)
    bucket = keys.of(700)
    if value is None:
        tamper(copy, "UPDATE buckets SET depth = depth + 1 WHERE start = ?", bucket.start)
        assert found(copy) == life.size
        return
    tamper(copy, f"UPDATE buckets SET {column} = ? WHERE start = ?", value, bucket.start)  # noqa: S608
    assert found(copy) == keys.entry(min(row for _, _, row in items(bucket)))


def test_a_record_that_no_entry_made_is_found(copy: Path, life: Life) -> None:
    tamper(copy, "INSERT INTO records VALUES (99999, 7, NULL, '{}')")
    assert found(copy) == life.size


def test_a_head_that_counts_other_rows_is_found(copy: Path, life: Life) -> None:
    tamper(copy, "UPDATE head SET rows = rows - 1")
    assert found(copy) == life.size


def test_a_changed_published_checkpoint_is_found(copy: Path) -> None:
    note = stored(copy, "SELECT note FROM published WHERE size = 304")
    text = Checkpoint(ORIGIN, 304, bytes(32)).format()
    tamper(copy, "UPDATE published SET note = ? WHERE size = 304", sign_note(text, [LOG], NOW))
    assert found(copy) == 303
    tamper(copy, "UPDATE published SET note = ? WHERE size = 304", note[:-5] + b"AAA=\n")
    assert found(copy) == 303


def test_a_published_checkpoint_that_no_root_of_the_state_ends_is_found(copy: Path) -> None:
    note = stored(copy, "SELECT note FROM checkpoints WHERE size = 2")
    tamper(copy, "INSERT INTO published VALUES (2, ?)", note)
    assert found(copy) == 1


def test_a_published_checkpoint_of_a_larger_tree_is_found(copy: Path, life: Life) -> None:
    """What is left where the rest of the ledger was rolled back."""
    text = Checkpoint(ORIGIN, life.size + 5, bytes(32)).format()
    note = sign_note(text, [LOG], NOW)
    tamper(copy, "INSERT INTO published VALUES (?, ?)", life.size + 5, note)
    assert found(copy) == life.size


@pytest.mark.parametrize(
    ("column", "value", "at"),
    [("status", "revoked", 90), ("owner", 0, 90), ("key", bytes(32), 90)],
)
def test_a_changed_line_of_a_listing_is_found(
    copy: Path, column: str, value: object, at: int
) -> None:
    tamper(copy, f"UPDATE rows SET {column} = ? WHERE entry = ?", value, at)  # noqa: S608
    assert found(copy) == at


def test_a_missing_line_and_a_wrong_count_are_found(copy: Path, life: Life) -> None:
    tamper(copy, "UPDATE counts SET n = n + 1 WHERE kind = 'device'")
    assert found(copy) == life.size
    tamper(copy, "DELETE FROM rows WHERE entry = 100")
    assert found(copy) == 100


@pytest.mark.parametrize("column", ["time", "last_leaf", "frontier"])
def test_a_changed_head_is_found(copy: Path, life: Life, column: str) -> None:
    values = {"time": 1, "last_leaf": bytes(32), "frontier": bytes(32 * life.size.bit_count())}
    tamper(copy, f"UPDATE head SET {column} = ?", values[column])  # noqa: S608
    assert found(copy) == life.size


def test_a_head_of_another_root_is_found(copy: Path, life: Life) -> None:
    tamper(copy, "UPDATE head SET root = zeroblob(32)")
    assert found(copy) == life.size


def test_a_head_that_was_rolled_back_is_found(copy: Path, life: Life) -> None:
    """To an earlier commit, whose checkpoint the log has signed."""
    size = life.size - 1
    entries = [stored(copy, "SELECT data FROM entries WHERE i = ?", i) for i in range(size)]
    frontier = Frontier()
    for entry in entries:
        frontier.append(leaf_hash(entry))
    tamper(
        copy,
        "UPDATE head SET size = ?, root = ?, last_leaf = ?, frontier = ?",
        size,
        frontier.root(),
        leaf_hash(entries[-1]),
        b"".join(frontier.hashes),
    )
    assert found(copy) == size


def test_a_changed_checkpoint_is_found_also_an_old_one(copy: Path, life: Life) -> None:
    note = stored(copy, "SELECT note FROM checkpoints WHERE size = 2")
    text = Checkpoint(ORIGIN, 2, bytes(32)).format()
    tamper(copy, "UPDATE checkpoints SET note = ? WHERE size = 2", sign_note(text, [LOG], NOW))
    assert found(copy) == 1
    tamper(copy, "UPDATE checkpoints SET note = ? WHERE size = 2", note[:-5] + b"AAA=\n")
    assert found(copy) == 1
    tamper(copy, "UPDATE checkpoints SET note = ? WHERE size = 2", note)
    tamper(copy, "UPDATE checkpoints SET note = ? WHERE size = ?", note, life.size)
    with pytest.raises(EvidenceRefused):
        audited(copy)


def test_a_checkpoint_by_another_key_is_refused(copy: Path, life: Life) -> None:
    root = stored(copy, "SELECT root FROM head")
    thief = Signer(ORIGIN, SignatureType.ED25519, b"t" * 32)
    note = sign_note(Checkpoint(ORIGIN, life.size, root).format(), [thief], NOW)
    tamper(copy, "UPDATE checkpoints SET note = ? WHERE size = ?", note, life.size)
    with pytest.raises(InvalidCheckpoint):
        audited(copy)


def test_a_changed_disclosure_is_found(copy: Path) -> None:
    tamper(copy, """UPDATE disclosures SET disclosures = '["WyJ"]' WHERE entry = 12""")
    assert found(copy) == 12


def test_what_is_not_stored_as_it_was_written_is_found(copy: Path) -> None:
    tamper(copy, "UPDATE disclosures SET disclosures = x'00' WHERE entry = 12")
    assert found(copy) == 12
    tamper(copy, "UPDATE entries SET data = CAST(data AS TEXT) WHERE i = 7")
    assert found(copy) == 7
    tamper(copy, "UPDATE entries SET data = 1 WHERE i = 7")
    assert found(copy) == 7


def test_an_erased_disclosure_is_no_tampering(copy: Path, life: Life) -> None:
    tamper(copy, "DELETE FROM disclosures WHERE entry = 12")
    assert audited(copy).size == life.size
