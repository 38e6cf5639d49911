"""A folder of tiles: what lies in it after a publication, a crash, an attack."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import (
    ForkDetected,
    LedgerStopped,
    LedgerTampered,
    NotFound,
    RolledBack,
    StorageFailed,
    TetradError,
)
from identity.jcs import Json
from registry.note import Note, sign_note
from registry.tile import ENTRIES, Tile, tile_path, tiles_of
from resolver.static_log import StaticLog
from resolver.tile_folder import PublishedFiles, TileFolder, publish, publish_tiles
from tests.factory import LOG, NOW, QUANTUM
from tests.growing_log import GrowingLog


@pytest.fixture
def log() -> GrowingLog:
    return GrowingLog()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[TileFolder]:
    with TileFolder(tmp_path / "public") as folder:
        yield folder


def files(path: Path) -> dict[str, bytes]:
    return {
        str(one.relative_to(path)): one.read_bytes() for one in path.rglob("*") if one.is_file()
    }


def check(log: GrowingLog, path: Path, size: int) -> None:
    """Whatever lies in the folder is right, and all of the tree is there."""
    with StaticLog(path) as static:
        assert static.size == size
        for tile in tiles_of(size):
            assert (
                static.tile(tile.level, tile.n) == log.tile(tile.level, tile.n)[: tile.width * 32]
            )
        for start in range(0, size, 256):
            end = min(start + 256, size)
            assert static.entries(start, end) == log.entries(start, end)


def test_every_growth_is_published(log: GrowingLog, folder: TileFolder) -> None:
    for size in (1, 2, 255, 256, 257, 600, 1024, 70_000):
        note = log.grow(size)
        publish(folder, log, size, note)
        assert (folder.path / "checkpoint").read_bytes() == note
        check(log, folder.path, size)


def test_what_a_file_server_needs(log: GrowingLog, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with TileFolder(tmp_path / "public") as folder:
            publish(folder, log, 300, log.grow(300))
    finally:
        os.umask(before)
    modes = {
        str(one.relative_to(folder.path)): oct(one.stat().st_mode & 0o777)
        for one in folder.path.rglob("*")
    }
    assert modes.pop(".new") == "0o700"
    assert set(modes.values()) == {"0o755", "0o644"}
    assert oct(folder.path.stat().st_mode & 0o777) == "0o755"
    assert {name for name in modes if (folder.path / name).is_file()} == {
        "checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1",
        "tile/entries/000", "tile/entries/001.p/44",
    }  # fmt: skip


def test_only_what_is_new_is_written(log: GrowingLog, folder: TileFolder) -> None:
    publish(folder, log, 1000, log.grow(1000))
    times = {name: (folder.path / name).stat().st_mtime_ns for name in files(folder.path)}
    asked: list[int] = []

    class Watched(GrowingLog):
        def entries(self, start: int, end: int) -> list[bytes]:
            asked.append(start)
            return log.entries(start, end)

        def tile(self, level: int, n: int) -> bytes:
            return log.tile(level, n)

    publish(folder, Watched(), 1001, log.grow(1001))
    assert asked == [768]
    changed = {
        name
        for name in files(folder.path)
        if times.get(name) != (folder.path / name).stat().st_mtime_ns
    }
    assert changed == {"checkpoint", "tile/0/003.p/233", "tile/entries/003.p/233"}


def test_a_checkpoint_is_not_shown_before_every_bundle_is_there(
    log: GrowingLog, folder: TileFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(start: int, end: int) -> list[bytes]:
        raise LedgerStopped(f"entries {start} to {end} cannot be read, but their tiles can")

    def none() -> list[Json]:
        return []

    first = log.grow(3)
    publish(folder, log, 3, first)
    note = log.grow(5)
    static = PublishedFiles(folder, log, none)
    with monkeypatch.context() as patched:
        patched.setattr(log, "entries", fails)
        with pytest.raises(LedgerStopped):
            static.tiles(5)
    with pytest.raises(StorageFailed, match="not all of its tiles"):
        static.checkpoint(note)
    assert (folder.path / "checkpoint").read_bytes() == first
    check(log, folder.path, 3)
    again = PublishedFiles(folder, log, none)
    again.tiles(5)
    again.checkpoint(note)
    check(log, folder.path, 5)


def test_a_short_tile_never_lies_under_the_path_of_a_full_one(folder: TileFolder) -> None:
    # Tree 66,000, checkpoint 65,537: elsewhere tile/1/001 was written with 32 bytes.
    log = GrowingLog()
    log.grow(66_000)
    publish(folder, log, 65_537, log.note(65_537))
    assert not (folder.path / "tile/1/001").exists()
    assert not (folder.path / "tile/1/001.p").exists()
    assert (folder.path / "tile/0/256.p/1").stat().st_size == 32
    publish(folder, log, 66_000, log.note(66_000))
    assert (folder.path / "tile/1/001.p/1").stat().st_size == 32
    for name, data in files(folder.path).items():
        if name.startswith("tile/") and "entries" not in name:
            width = int(name.rpartition(".p/")[2]) if ".p/" in name else 256
            assert len(data) == width * 32


@pytest.mark.parametrize(
    ("tile", "data"),
    [
        (Tile(1, 1, 0), b""),
        (Tile(1, 1, 256), bytes(32)),
        (Tile(0, 0, 2), bytes(96)),
        (Tile(ENTRIES, 0, 2), b"\x00\x01a"),
        (Tile(ENTRIES, 0, 1), b"\x00\x02a"),
    ],
)
def test_a_tile_of_another_width_than_its_path_says_is_refused(
    folder: TileFolder, tile: Tile, data: bytes
) -> None:
    with pytest.raises(LedgerTampered):
        folder.put(tile, data)
    assert files(folder.path) == {}


def test_another_tile_in_a_published_place_is_an_alarm(log: GrowingLog, folder: TileFolder) -> None:
    publish(folder, log, 300, log.grow(300))
    before = files(folder.path)
    other = GrowingLog("other")
    with pytest.raises(LedgerTampered, match=r"another tile/0/001\.p/44 has been published"):
        folder.put(Tile(0, 1, 44), bytes(44 * 32))
    other.grow(400)
    with pytest.raises(TetradError):
        publish(folder, other, 400, other.note(400))
    after = files(folder.path)
    assert {name: after[name] for name in before} == before


def test_a_checkpoint_must_extend_the_published_one(log: GrowingLog, folder: TileFolder) -> None:
    publish(folder, log, 300, log.grow(300))
    before = (folder.path / "checkpoint").read_bytes()
    with pytest.raises(RolledBack):
        publish(folder, log, 299, log.note(299))
    other = GrowingLog("other")
    with pytest.raises(ForkDetected):
        folder.replace_checkpoint(other.grow(300))
    log.grow(310)
    with pytest.raises((NotFound, LedgerTampered)):
        folder.replace_checkpoint(log.note(310))  # its tiles are not there
    assert (folder.path / "checkpoint").read_bytes() == before
    restamped = sign_note(Note.parse(before).text, [LOG, QUANTUM], NOW + 9)
    folder.replace_checkpoint(restamped)
    assert (folder.path / "checkpoint").read_bytes() == restamped
    publish(folder, log, 310, log.note(310))
    check(log, folder.path, 310)


def test_a_fork_whose_tiles_do_not_collide_is_refused(log: GrowingLog, folder: TileFolder) -> None:
    """Another history, of which only the tiles beyond the published edge are written."""
    publish(folder, log, 300, log.grow(300))
    other = GrowingLog("other")
    note = other.grow(700)
    for tile in (Tile(0, 1, 256), Tile(0, 2, 188), Tile(1, 0, 2)):
        folder.put(tile, other.tile(tile.level, tile.n))
    with pytest.raises(ForkDetected) as caught:
        folder.replace_checkpoint(note)
    assert set(caught.value.members) == {"seen", "shown"}
    assert folder.size == 300


class Crash(Exception):
    """The power fails."""


@pytest.mark.parametrize("cut", range(1, 60, 3))
def test_a_crash_at_any_call_leaves_a_folder_that_is_completed(
    log: GrowingLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    path = tmp_path / "public"
    with TileFolder(path) as folder:
        publish(folder, log, 250, log.grow(250))
    note = log.grow(800)
    left = cut

    def counted(name: str) -> None:
        real = getattr(os, name)

        def call(*args: object, **more: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                raise Crash
            return real(*args, **more)

        monkeypatch.setattr(f"resolver.tile_folder.os.{name}", call)

    with TileFolder(path) as folder:
        for name in ("fsync", "rename", "mkdir", "fchmod"):
            counted(name)
        try:
            publish(folder, log, 800, note)
        except Crash:
            pass
        else:
            assert left > 0
        monkeypatch.undo()
    with StaticLog(path) as static:  # whatever is visible is whole
        visible = static.size
    assert visible in (250, 800)
    check(log, path, visible)
    with TileFolder(path) as folder:
        assert list((path / ".new").iterdir()) == []
        publish(folder, log, 800, note)
        check(log, path, 800)


def test_a_flush_that_failed_is_never_trusted_again(
    log: GrowingLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    with TileFolder(tmp_path) as folder:
        first = log.grow(10)
        publish(folder, log, 10, first)
        note = log.grow(20)
        with monkeypatch.context() as patched:
            patched.setattr("resolver.tile_folder.os.fsync", fails)
            with pytest.raises(StorageFailed, match="Input/output error"):
                publish(folder, log, 20, note)
        with pytest.raises(StorageFailed, match="Input/output error"):
            publish(folder, log, 20, note)
        assert (tmp_path / "checkpoint").read_bytes() == first
    with TileFolder(tmp_path) as folder:
        publish(folder, log, 20, note)
    check(log, tmp_path, 20)


def test_two_processes_do_not_publish_into_one_folder(folder: TileFolder) -> None:
    with pytest.raises(StorageFailed, match="another process"):
        TileFolder(folder.path)


def test_a_data_folder_is_not_published_into(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").touch()
    with pytest.raises(StorageFailed, match="data folder of a service"):
        TileFolder(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["ledger.sqlite3"]


@pytest.mark.parametrize("place", ["tile", "tile/0", "tile/0/000.p", "tile/0/000.p/10", ".new"])
def test_symbolic_links_lead_nowhere(log: GrowingLog, tmp_path: Path, place: str) -> None:
    public, outside = tmp_path / "public", tmp_path / "outside"
    outside.mkdir()
    (public / place).parent.mkdir(parents=True, exist_ok=True)
    (public / place).symlink_to(outside / "x" if place.endswith("10") else outside)
    note = log.grow(10)
    with pytest.raises(StorageFailed), TileFolder(public) as folder:
        publish(folder, log, 10, note)
    assert list(outside.iterdir()) == []
    assert not (public / "checkpoint").exists()


def test_what_somebody_has_put_beside_is_not_written_into(tmp_path: Path) -> None:
    """A folder for new files that another user may have made, with a hard link in it."""
    public, victim = tmp_path / "public", tmp_path / "victim"
    (public / ".new").mkdir(parents=True)
    (public / ".new").chmod(0o777)
    victim.write_bytes(b"precious")
    with TileFolder(public) as folder:
        assert (public / ".new").stat().st_mode & 0o777 == 0o700
        (public / ".new/tile_0_000.p_1").hardlink_to(victim)
        with pytest.raises(StorageFailed):
            folder.put(Tile(0, 0, 1), bytes(32))
    assert victim.read_bytes() == b"precious"


def test_a_fifo_in_place_of_a_tile_is_refused(log: GrowingLog, tmp_path: Path) -> None:
    place = tmp_path / "public/tile/0/000.p/10"
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    with (
        pytest.raises(LedgerTampered, match="is not a file"),
        TileFolder(tmp_path / "public") as folder,
    ):
        publish(folder, log, 10, log.grow(10))


def test_a_folder_whose_edge_was_changed_is_not_opened(log: GrowingLog, tmp_path: Path) -> None:
    with TileFolder(tmp_path) as folder:
        publish(folder, log, 300, log.grow(300))
    (tmp_path / "tile/0/001.p/44").write_bytes(bytes(44 * 32))
    with pytest.raises(LedgerTampered):
        TileFolder(tmp_path)


def test_partial_tiles_go_once_their_full_ones_are_old(log: GrowingLog, folder: TileFolder) -> None:
    for size in range(100, 256 * 12, 100):
        publish(folder, log, size, log.grow(size))
        check(log, folder.path, size)
    partial = sorted(one.name for one in (folder.path / "tile/0").glob("*.p"))
    assert "000.p" not in partial
    assert partial[-1] == "011.p"
    assert len(partial) <= 6
    assert sorted(one.name for one in (folder.path / "tile/entries").glob("*.p")) == partial


def test_a_narrower_tile_is_cut_from_the_full_one(log: GrowingLog, folder: TileFolder) -> None:
    publish(folder, log, 600, log.grow(600))
    assert folder.stored(Tile(0, 1, 7)) == log.tile(0, 1)[: 7 * 32]
    assert folder.stored(Tile(0, 3, 7)) is None
    (folder.path / "tile/0/003").write_bytes(bytes(32))
    with pytest.raises(LedgerTampered, match="has 32 bytes, not 8192"):
        folder.stored(Tile(0, 3, 7))


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 1400), min_size=1, max_size=8))
def test_any_order_of_publications(
    sizes: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = GrowingLog()
    log.grow(1400)
    path = tmp_path_factory.mktemp("any") / "public"
    newest = 0
    with TileFolder(path) as folder:
        for size in sizes:
            if size < newest:
                with pytest.raises(RolledBack):
                    publish(folder, log, size, log.note(size))
                continue
            publish_tiles(folder, log, size)
            folder.replace_checkpoint(log.note(size))
            newest = size
            check(log, path, newest)
    written = {name for name in files(path) if name.startswith("tile")}
    possible = {
        tile_path(level, tile.n, tile.width)
        for size in sizes
        for tile in tiles_of(size)
        for level in ({0: (0, ENTRIES)}.get(tile.level, (tile.level,)))
    }
    assert written <= possible
