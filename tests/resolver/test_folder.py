"""The data folder: begun once, held by one process, and refused where its past was changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from identity.durable import replace_file
from identity.errors import (
    ForkDetected,
    InvalidCheckpoint,
    KeystoreError,
    LedgerStopped,
    LedgerTampered,
    RolledBack,
    TetradError,
)
from identity.keystore import Keystore
from registry.checkpoint import open_checkpoint
from resolver.folder import SANDBOX_PASSPHRASE, DataFolder, LogSecrets
from resolver.settings import Settings
from tests.factory import NOW
from tests.resolver.town import Town

QUIET = Settings(checkers=0, checkpoint_seconds=60)
"""Publishes when it is asked to, and else not within the time that a test takes."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a ledger was begun."""
    DataFolder.create(tmp_path / "city", NOW).close()
    return tmp_path / "city"


def test_a_folder_is_begun_once_and_opened_again(path: Path) -> None:
    with closing(DataFolder.open(path)) as folder:
        head = folder.store.head()
        assert head is not None
        assert head.size == 1
        kept = open_checkpoint(
            (path / "checkpoint").read_bytes(), [signer.key for signer in folder.secrets.signers]
        )
        assert (kept.checkpoint.size, kept.checkpoint.root) == (1, head.root)
        with Keystore.open(path / "authority.wallet", SANDBOX_PASSPHRASE, os.urandom) as keystore:
            (did,) = keystore.wallet.identities
            assert folder.genesis["body"]["keys"] == [  # type: ignore[index, call-overload]
                keystore.wallet.key(keystore.wallet.identity(did).keys[0]).public.multikey
            ]
    with pytest.raises(KeystoreError):
        DataFolder.create(path, NOW)


def test_secrets_are_for_the_owner_alone(path: Path) -> None:
    for name in ("log.key", "authority.wallet", "ledger.sqlite3"):
        assert stat.S_IMODE((path / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_one_process_at_a_time(path: Path) -> None:
    with closing(DataFolder.open(path)), pytest.raises(KeystoreError) as refused:
        DataFolder.open(path)
    assert "another process" in refused.value.detail
    DataFolder.open(path).close()


def test_a_folder_without_a_ledger_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeystoreError):
        DataFolder.open(tmp_path)


def test_an_interrupted_beginning_is_finished(path: Path) -> None:
    for name in ("ledger.sqlite3", "checkpoint"):
        (path / name).unlink()
    with closing(DataFolder.open(path)) as folder:
        head = folder.store.head()
        assert head is not None
        assert head.size == 1


def grow(path: Path, entries: int, first: int = 0) -> None:
    """Registers organizations through a service on the folder, which publishes when it begins and
    when it ends: both times the tree is closed by a root of the state."""
    site = DataFolder.open(path)
    with Town(QUIET, site=lambda _keys, _genesis: site) as town:
        town.ledger_hash = town.service.ledger_hash
        town.get("/checkpoint")
        for n in range(first, first + entries):
            town.organization(f"Org {n}")


def test_an_old_database_behind_a_published_checkpoint_is_refused(path: Path) -> None:
    grow(path, 2)
    old = path.with_name("old")
    shutil.copytree(path, old)
    grow(path, 3, first=2)
    shutil.copy(path / "checkpoint", old / "checkpoint")
    with pytest.raises(RolledBack) as refused:
        DataFolder.open(old)
    assert "9 entries, the database 5" in refused.value.detail
    DataFolder.open(path).close()


def test_without_its_checkpoint_a_grown_database_is_not_trusted(path: Path) -> None:
    grow(path, 2)
    kept = (path / "checkpoint").read_bytes()
    (path / "checkpoint").unlink()
    with pytest.raises(RolledBack, match="missing"):
        DataFolder.open(path)
    (path / "checkpoint").write_bytes(kept)
    DataFolder.open(path).close()


@pytest.mark.parametrize("more", [0, 2])
def test_another_history_under_a_published_checkpoint_is_refused(path: Path, more: int) -> None:
    other = path.with_name("other")
    shutil.copytree(path, other)
    grow(path, 2)
    grow(other, 2 + more, first=10)
    shutil.copy(path / "checkpoint", other / "checkpoint")
    with pytest.raises(ForkDetected):
        DataFolder.open(other)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET data = CAST(replace(data, 'Sandbox', 'Handbox') AS BLOB) WHERE i = 0",
        "UPDATE entries SET data = CAST(data || ' ' AS BLOB) WHERE i = 4",
        "UPDATE tiles SET data = zeroblob(96)",
        "UPDATE head SET root = zeroblob(32)",
        "UPDATE head SET frontier = zeroblob(64)",
        "DELETE FROM entries WHERE i = 4",
        "DELETE FROM head",
    ],
)
def test_a_changed_edge_is_refused(path: Path, statement: str) -> None:
    grow(path, 2)  # entries 0 to 4
    with closing(sqlite3.connect(path / "ledger.sqlite3")) as database:
        assert database.execute(statement).rowcount
        database.commit()
    with pytest.raises(TetradError) as refused:
        DataFolder.open(path)
    assert isinstance(refused.value, LedgerTampered | ForkDetected), refused.value
    with closing(sqlite3.connect(path / "ledger.sqlite3")) as database:
        database.execute("PRAGMA query_only")  # the folder was let go of


def test_a_checkpoint_of_another_log_is_refused(path: Path, tmp_path: Path) -> None:
    DataFolder.create(tmp_path / "foreign", NOW).close()
    shutil.copy(tmp_path / "foreign" / "checkpoint", path / "checkpoint")
    with pytest.raises(InvalidCheckpoint):
        DataFolder.open(path)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b'{"origin":"a","ed25519":"AA"}', b"\xff"]
)
def test_damaged_secrets_are_refused(path: Path, content: bytes) -> None:
    (path / "log.key").write_bytes(content)
    with pytest.raises(KeystoreError):
        DataFolder.open(path)


def test_secrets_survive_their_file() -> None:
    keys = LogSecrets.new("a.example")
    assert LogSecrets.from_json(keys.to_json()) == keys
    assert repr(keys) == "LogSecrets(origin='a.example')"


@pytest.mark.parametrize("broken", ["fcntl.flock", "os.fsync", "os.open", "pathlib.Path.exists"])
@pytest.mark.parametrize("begun", [False, True])
def test_a_disk_that_fails_is_named(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, *, begun: bool
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    if begun and broken == "os.fsync":  # an opening flushes where the first checkpoint was not kept
        for name in ("ledger.sqlite3", "checkpoint"):
            (path / name).unlink()

    def start() -> DataFolder:
        return DataFolder.open(path) if begun else DataFolder.create(tmp_path / "new", NOW)

    with monkeypatch.context() as patched:
        patched.setattr(broken, fails)
        with pytest.raises((KeystoreError, LedgerStopped), match="Input/output"):
            start()
    start().close()


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "checkpoint"
    replace_file(target, b"old")

    def fails(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="No space"):
        replace_file(target, b"new")
    assert target.read_bytes() == b"old"


def test_a_checkpoint_that_cannot_be_kept_stops_the_service(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = DataFolder.open(path)
    with Town(
        Settings(checkers=0, checkpoint_seconds=0), site=lambda _keys, _genesis: site
    ) as town:
        town.ledger_hash = town.service.ledger_hash
        town.get("/checkpoint")

        def fails(_: bytes) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(site, "keep_checkpoint", fails)
        town.organization("Last")
        assert town.get("/checkpoint").status_code == 503
        assert town.get("/readyz").status_code == 503
