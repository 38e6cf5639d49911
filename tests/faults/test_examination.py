"""The examination after a fault finds each thing that it looks for."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from identity.errors import TetradError
from registry.checkpoint import Checkpoint
from registry.note import decode64, encode64, sign_note
from registry.tile import parse_tile_path
from resolver.folder import LogSecrets
from tests.faults.examination import DOUBLED, HALF, LOST, RESTART, UNSIGNED, Examination
from tests.faults.published import Tree, check_published, read_folder
from tests.faults.story import Places, open_or_begin, read_journal, tell

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a whole story was told."""
    places = Places(tmp_path_factory.mktemp("story"))
    asyncio.run(tell(places, lambda _: None))
    return places.base


@pytest.fixture
def places(story: Path, tmp_path: Path) -> Places:
    """A copy of it."""
    shutil.copytree(story, tmp_path / "run")
    return Places(tmp_path / "run")


def kinds(places: Places) -> set[str]:
    return {finding.kind for finding in Examination(places).examine()}


def rewrite(places: Places, change: Callable[[Lines], None]) -> None:
    """The journal with something changed."""
    lines = read_journal(places.journal)
    change(lines)
    places.journal.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))


def of_kind(lines: Lines, kind: str) -> dict[str, Any]:
    return next(line for line in reversed(lines) if line["kind"] == kind)


def test_a_story_without_a_fault_has_no_findings(places: Places) -> None:
    assert Examination(places, wallet=True).examine() == []
    said = {line["kind"] for line in read_journal(places.journal)}
    assert said == {"ledger", "receipt", "checkpoint", "end"}


def test_a_folder_that_has_forgotten_what_it_acknowledged(places: Places) -> None:
    shutil.rmtree(places.data)
    assert LOST in kinds(places)


def test_an_entry_that_is_another_one_than_its_receipt_says(places: Places) -> None:
    def change(lines: Lines) -> None:
        of_kind(lines, "receipt")["index"] -= 1

    rewrite(places, change)
    assert kinds(places) == {LOST}


def test_an_operation_that_stands_there_twice(places: Places) -> None:
    examination, entries = Examination(places), ledger(places)
    examination._operations([*entries, entries[3]])
    assert {finding.kind for finding in examination.findings} == {DOUBLED}


def test_a_clock_that_ran_back(places: Places) -> None:
    examination, entries = Examination(places), ledger(places)
    earlier = {**orjson.loads(entries.pop()), "time": "2026-11-22T07:59:59Z"}
    examination._operations([*entries, orjson.dumps(earlier)])
    assert {finding.kind for finding in examination.findings} == {UNSIGNED}


def ledger(places: Places) -> list[bytes]:
    """Its entries."""
    folder = open_or_begin(places)
    head = folder.store.head()
    assert head is not None
    entries = folder.store.entries(0, head.size)
    folder.close()
    return entries


def signed(places: Places, size: int, root: bytes) -> str:
    keys = LogSecrets.from_json((places.data / "log.key").read_bytes())
    return sign_note(Checkpoint(keys.origin, size, root).format(), keys.signers, 0).decode()


@pytest.mark.parametrize("size", [3, 1000])
def test_a_checkpoint_that_the_ledger_does_not_follow(places: Places, size: int) -> None:
    def change(lines: Lines) -> None:
        of_kind(lines, "checkpoint")["note"] = signed(places, size, bytes(32))

    rewrite(places, change)
    assert kinds(places) == {UNSIGNED}


def test_a_kept_checkpoint_ahead_of_its_database(places: Places) -> None:
    (places.data / "checkpoint").write_text(signed(places, 1000, bytes(32)))
    assert kinds(places) == {RESTART}


def test_a_tile_that_was_served_half(places: Places) -> None:
    def change(lines: Lines) -> None:
        tiles = of_kind(lines, "checkpoint")["tiles"]
        path = next(iter(tiles))
        tiles[path] = encode64(decode64(tiles[path])[:-32])

    rewrite(places, change)
    assert kinds(places) == {HALF}


def test_a_database_that_was_changed(places: Places) -> None:
    data = (places.data / "ledger.sqlite3").read_bytes()
    assert b"Acme" in data
    (places.data / "ledger.sqlite3").write_bytes(data.replace(b"Acme", b"Emca"))
    assert RESTART in kinds(places)


class Published:
    """The publish folder of a story that ended well, and what it is compared with."""

    def __init__(self, places: Places) -> None:
        self.tree = Tree(ledger(places))
        secrets = LogSecrets.from_json((places.data / "log.key").read_bytes())
        self.keys = [signer.key for signer in secrets.signers]
        self.folder = places.publish

    def write(self, path: str, data: bytes) -> None:
        """One file of it."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def check(self) -> int:
        """See check_published."""
        return check_published(read_folder(self.folder), self.tree, self.keys)

    @property
    def tiles(self) -> list[str]:
        """The paths of tiles and bundles."""
        return [path for path in read_folder(self.folder) if path != "checkpoint"]


def test_a_whole_publish_folder_passes_with_what_a_crash_left_beside_it(places: Places) -> None:
    published = Published(places)
    published.write("tile/0/.000.p.new", b"half")
    assert published.check() == published.tree.size
    assert published.tiles
    assert kinds(places) == set()


def test_tiles_ahead_of_the_checkpoint_pass(places: Places) -> None:
    published = Published(places)
    (published.folder / "checkpoint").unlink()
    assert published.check() == 0


@pytest.mark.parametrize("keep", [0, 31, 32])
def test_a_publish_folder_with_a_short_file_is_found(places: Places, keep: int) -> None:
    published = Published(places)
    for path in published.tiles:
        whole = read_folder(published.folder)[path]
        published.write(path, whole[:keep])
        with pytest.raises(AssertionError, match="not what the ledger has"):
            published.check()
        published.write(path, whole)
    assert published.check()
    published.write(published.tiles[0], b"")
    assert kinds(places) == {HALF}


def test_a_publish_folder_without_a_tile_of_its_checkpoint_is_found(places: Places) -> None:
    published = Published(places)
    needed = [path for path in published.tiles if path.endswith(f".p/{published.tree.size}")]
    assert len(needed) == 2
    for path in needed:
        whole = read_folder(published.folder)[path]
        (published.folder / path).unlink()
        with pytest.raises(AssertionError, match="missing"):
            published.check()
        published.write(path, whole)


def test_a_partial_tile_under_the_path_of_a_full_one_is_found(places: Places) -> None:
    published = Published(places)
    path = next(path for path in published.tiles if parse_tile_path(path).level == 0)
    published.write("tile/0/000", (published.folder / path).read_bytes())
    with pytest.raises(AssertionError, match="wider than the ledger"):
        published.check()


@pytest.mark.parametrize("size", [2, 1000])
def test_a_published_checkpoint_of_another_tree_is_found(places: Places, size: int) -> None:
    published = Published(places)
    published.write("checkpoint", signed(places, size, bytes(32)).encode())
    with pytest.raises(AssertionError, match="checkpoint of"):
        published.check()


def test_a_published_checkpoint_that_is_cut_short_is_found(places: Places) -> None:
    published = Published(places)
    note = (published.folder / "checkpoint").read_bytes()
    published.write("checkpoint", note[:-5])
    with pytest.raises(TetradError):
        published.check()
