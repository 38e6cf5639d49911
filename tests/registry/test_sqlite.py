"""The SQLite store beyond the contract: what stays after closing, and what a disk can do to it."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from identity.disclosure import disclosure_digest
from identity.errors import Busy, LedgerStopped, StaleHead
from registry.stores import sqlite_statements
from registry.stores.sqlite import SqliteStore
from tests.registry.test_store_contract import batch, commit, device, head, key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path)) as opened:
        yield opened


def refused(act: Callable[[], object]) -> LedgerStopped:
    with pytest.raises(LedgerStopped) as caught:
        act()
    return caught.value


def test_a_store_goes_on_where_it_was_closed(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        commit(store, 3, records=[(key("a"), 0, b"a0")], rows=[device(0)])
        store.publish(3, b"published")
    with closing(SqliteStore(path)) as store:
        assert store.head() == head(3, rows=1)
        assert store.published() == store.published(3) == b"published"
        commit(store, 1, records=[(key("a"), 3, b"a3")], rows=[device(3)])
    with closing(SqliteStore(path)) as store:
        assert store.head() == head(4, rows=2)
        assert [version.record for version in store.versions(key("a"), limit=9)] == [b"a3", b"a0"]
        assert store.count("device") == 2
        assert len(store.entries(0, 9)) == 4


def test_nobody_else_can_read_the_files(path: Path) -> None:
    path.touch(mode=0o666)
    with closing(SqliteStore(path)) as store:
        commit(store, 1)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(
        ["ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"], 0o600
    )


def test_every_commit_waits_for_the_disk(store: SqliteStore) -> None:
    settings = {
        name: store._writer.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "application_id", "user_version")
    }
    full = 2
    assert settings == {
        "journal_mode": "wal",
        "synchronous": full,
        "application_id": sqlite_statements.APPLICATION,
        "user_version": sqlite_statements.FORMAT,
    }


def test_other_threads_cannot_write(store: SqliteStore) -> None:
    commit(store, 1)
    errors: list[Exception] = []

    def write() -> None:
        try:
            store._connection().execute("DELETE FROM entries")
        except sqlite3.Error as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert "readonly" in str(errors)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"entry,device\n" * 1000)
    assert "wrong folder" in refused(lambda: SqliteStore(path)).hint


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE contacts (name)")
    assert "not a store" in refused(lambda: SqliteStore(path)).detail
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_schema").fetchall() == [("contacts",)]


def test_a_later_format_is_refused(path: Path) -> None:
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as later, later:
        later.execute("PRAGMA user_version = 99")
    assert "format 99" in refused(lambda: SqliteStore(path)).detail


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be opened" in refused(lambda: SqliteStore(tmp_path / "no" / "x")).detail


def test_a_second_writer_is_noticed(path: Path, store: SqliteStore) -> None:
    commit(store, 1)
    with closing(SqliteStore(path)) as second:
        commit(second, 1)
        with pytest.raises(StaleHead):
            commit(store, 2)
        assert second.head() == head(2)


def test_a_store_locked_by_another_process_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.stores.sqlite.BUSY_SECONDS", 0.01)
    with closing(SqliteStore(path)) as store, closing(sqlite3.connect(path)) as other:
        commit(store, 1)
        other.execute("BEGIN IMMEDIATE")
        error = refused(lambda: commit(store, 1))
        assert "another process" in error.hint
        other.execute("ROLLBACK")
        assert "earlier commit" in refused(lambda: commit(store, 1)).detail
        assert "earlier commit" in refused(lambda: store.publish(1, b"published")).detail
        assert store.entries(0, 9) == [b"entry 0"]


def test_a_full_disk_stops_the_writer_and_not_the_readers(path: Path, store: SqliteStore) -> None:
    commit(store, 1, records=[(key("a"), 0, b"a0")])
    ((pages,),) = store._writer.execute("PRAGMA page_count")
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    large = batch(store, 1, records=[(key("a"), 1, bytes(100_000))])
    error = refused(lambda: store.commit(large, store.head()))
    assert "disk is full" in error.hint
    store._writer.execute("PRAGMA max_page_count = 1000000")
    assert "disk is full" in refused(lambda: commit(store, 1)).hint
    assert store.head() == head(1, rows=1)
    assert store.records([key("a")]) == [b"a0"]
    with closing(SqliteStore(path)) as reopened:
        commit(reopened, 1)


# A process that may write no more than 300 KB to a file: what a quota or a full disk does.
_LIMITED = """
import resource, signal, sys
from pathlib import Path
from identity.errors import LedgerStopped
from registry.stores.sqlite import SqliteStore
from tests.registry.test_store_contract import commit, head, key
store = SqliteStore(Path(sys.argv[1]))
commit(store, 1)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
for size in range(1, 100):
    try:
        commit(store, 1, records=[(key(size), size, bytes(20_000))])
    except LedgerStopped as error:
        assert store.head() == head(size, rows=size - 1), store.head()
        assert len(store.entries(0, 999)) == size
        print(size, error.hint)
        break
"""


def test_what_was_committed_before_a_failing_write_is_there_afterwards(path: Path) -> None:
    repository = Path(__file__).resolve().parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(path)],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=True,
    )
    size, _, hint = ran.stdout.strip().partition(" ")
    assert int(size) > 5
    assert "disk" in hint
    with closing(SqliteStore(path)) as store:
        assert store.head() == head(int(size), rows=int(size) - 1)
        commit(store, 1)


def test_an_interrupt_in_the_middle_stops_the_writer(store: SqliteStore) -> None:
    commit(store, 1)

    def interrupted() -> Iterator[Any]:
        yield 1, ["x"]
        raise KeyboardInterrupt

    cut = batch(store, 1)._replace(disclosures=interrupted())  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        store.commit(cut, store.head())
    assert "KeyboardInterrupt" in refused(lambda: commit(store, 1)).detail
    assert store.entries(0, 9) == [b"entry 0"]


def test_a_damaged_file_is_an_error_of_ours(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        for size in range(40):
            commit(store, 1, records=[(key(size), size, bytes(3000))])
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    path.write_bytes(data)

    def read() -> None:
        with closing(SqliteStore(path)) as store:
            store.entries(0, 40)
            store.records([key(7)])

    assert "damaged" in refused(read).hint


def test_a_closed_store_answers_with_an_error_of_ours(path: Path) -> None:
    store = SqliteStore(path)
    commit(store, 1)
    store.close()
    refused(lambda: store.entries(0, 1))
    refused(lambda: store.records([key(1)]))


def test_a_thread_that_ends_leaves_no_file_open(store: SqliteStore) -> None:
    commit(store, 1)
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(30):
        thread = threading.Thread(target=lambda: store.entries(0, 1))
        thread.start()
        thread.join()
    assert len([*Path("/proc/self/fd").iterdir()]) <= before + 6


def erasing(tmp_path: Path, length: int) -> tuple[SqliteStore, str]:
    """A store with a text of that length among many others, and the text."""
    store = SqliteStore(tmp_path / "erasing.sqlite3")
    text = "SECRET".ljust(length, "x")
    others = [(n, [f"other-{n}" * 9]) for n in range(200) if n != 77]
    commit(store, 200, disclosures=sorted([*others, (77, ["before", text, "after"])]))
    return store, text


def in_files(folder: Path, text: str) -> list[str]:
    return [one.name for one in folder.iterdir() if text.encode() in one.read_bytes()]


@pytest.mark.parametrize("length", [60, 3_000, 8_192])
def test_erased_bytes_are_in_no_file_while_the_store_is_open(tmp_path: Path, length: int) -> None:
    store, text = erasing(tmp_path, length)
    with closing(store):
        assert in_files(tmp_path, text[:50])
        store.erase(77, [text])
        assert in_files(tmp_path, text[:50]) == []
        assert in_files(tmp_path, text[-50:]) == []
        assert store.disclosures(77) == ["before", "after"]
        assert store.disclosures(76) == ["other-76" * 9]


@pytest.mark.parametrize("length", [60, 900, 9_000])
def test_what_has_moved_within_the_file_is_erased_where_it_was_as_well(
    tmp_path: Path, length: int
) -> None:
    text = "SECRET".ljust(length, "x")
    with closing(SqliteStore(tmp_path / "erasing.sqlite3")) as store:
        commit(store, 1, disclosures=[(0, [text, "another"])])
        store.erase(0, ["another"])
        for n in range(1, 200):  # the tree grows, and its first page becomes another one's parent
            commit(store, 1, disclosures=[(n, [f"other-{n}" * 40])])
        store.erase(0, [text])
        assert in_files(tmp_path, text[:50]) == in_files(tmp_path, text[-50:]) == []


def test_an_erasure_that_a_crash_cut_short_is_completed_at_the_next_start(tmp_path: Path) -> None:
    store, text = erasing(tmp_path, 3_000)
    with pytest.MonkeyPatch.context() as patch, closing(store):
        patch.setattr("registry.stores.sqlite.fold", lambda _: None)  # the power goes here
        store.erase(77, [text])
        for one in [*tmp_path.iterdir()]:  # as the disk has it then
            (tmp_path / "after").mkdir(exist_ok=True)
            (tmp_path / "after" / one.name).write_bytes(one.read_bytes())
    assert in_files(tmp_path / "after", text[:50])
    with closing(SqliteStore(tmp_path / "after" / "erasing.sqlite3")) as again:
        assert in_files(tmp_path / "after", text[:50]) == []
        assert again.erased(77) == [disclosure_digest(text)]


def test_an_erasure_says_so_where_somebody_still_reads_what_is_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.stores.sqlite.BUSY_SECONDS", 0.0)
    store, text = erasing(tmp_path, 3_000)
    with closing(store), closing(sqlite3.connect(tmp_path / "erasing.sqlite3")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM disclosures").fetchone()
        with pytest.raises(Busy) as busy:
            store.erase(77, [text])
        assert busy.value.members["retry_after"]
        reader.execute("COMMIT")
        store.erase(77, [text])
        assert in_files(tmp_path, text[:50]) == []
