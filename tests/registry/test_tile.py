"""Tiles: their paths, how they grow, the proofs made from them, and a whole log of another's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InputTooLarge, LedgerTampered, MalformedInput, TetradError
from registry.checkpoint import open_checkpoint
from registry.merkle import (
    Frontier,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_at,
)
from registry.note import VerifierKey
from registry.tile import (
    ENTRIES,
    Tile,
    changed_tiles,
    cut_tile,
    decode_bundle,
    encode_bundle,
    parse_tile_path,
    subtree_reader,
    tile_path,
    tile_width,
    tiles_of,
)

LEAVES = [leaf_hash(b"entry %d" % i) for i in range(66_000)]


class Shelf:
    """A store of tiles that grows as the writer's would, and remembers every file ever written."""

    def __init__(self) -> None:
        self.size = 0
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.files: dict[str, bytes] = {}
        self.reads = 0

    def read(self, level: int, n: int) -> bytes:
        self.reads += 1
        return self.tiles[level, n]

    def append(self, leaves: list[bytes]) -> None:
        for tile in changed_tiles(self.size, leaves, self.read):
            self.tiles[tile.level, tile.n] = tile.data
            assert self.files.setdefault(tile.path, tile.data) == tile.data, "a file changed"
        self.size += len(leaves)


@pytest.fixture(scope="module")
def big() -> Shelf:
    """A log of 66,000 entries that was published at 65,537 on the way."""
    shelf = Shelf()
    shelf.append(LEAVES[:65_537])
    shelf.append(LEAVES[65_537:])
    return shelf


# Paths


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(63, 999, 255), "tile/63/999.p/255"),
        (Tile(1, 1000, 1), "tile/1/x001/000.p/1"),
        (Tile(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (Tile(ENTRIES, 1_234_067, 8), "tile/entries/x001/x234/067.p/8"),
    ],
)
def test_the_path_of_a_tile(tile: Tile, path: str) -> None:
    assert tile_path(*tile) == path
    assert parse_tile_path(path) == tile


@given(st.integers(-1, 63), st.integers(0, 10**21 - 1), st.integers(1, 256))
def test_every_path_is_read_as_it_is_written(level: int, n: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, n, width)) == (level, n, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/0000",
        "tile/64/000",
        "tile/00/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/0/x000/000",
        "tile/0/x000/x001/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/00",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/٠٠٠",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/" + "x001/" * 7 + "000",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(MalformedInput):
        parse_tile_path(path)


@given(st.text() | st.from_regex(r"tile/[0-9]{1,3}/(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]*)?"))
def test_hostile_paths_raise_only_our_errors(path: str) -> None:
    try:
        tile = parse_tile_path(path)
    except MalformedInput:
        return
    assert tile_path(*tile) == path


def test_path_vectors(vectors: Path) -> None:
    paths = json.loads((vectors / "tlog" / "derived" / "tile_paths.json").read_bytes())
    seen = 0
    for case in paths["cases"]:
        # sumdb/tlog names the height, calls bundles data, and gives a full tile's width as 2^height
        _, height, *rest = case["sumdb_path"].split("/")
        path = "/".join(["tile", *rest]).replace("tile/data/", "tile/entries/")
        if case["tile"] is None:
            with pytest.raises(MalformedInput):
                parse_tile_path(path)
        else:
            _, level, n, width = case["tile"]
            full = width == 1 << int(height)
            assert parse_tile_path(path) == (level, n, 256 if full else width)
        seen += 1
    for case in paths["tlog_tiles_spec"]:
        assert tile_path(0, case["n"]) == f"tile/0/{case['path']}"
    assert seen == len(paths["cases"]) > 5


def test_geometry_vectors(vectors: Path) -> None:
    paths = json.loads((vectors / "tlog" / "derived" / "tile_paths.json").read_bytes())
    for case in paths["tlog_tiles_spec_geometry"]:
        tiles = list(tiles_of(case["size"]))
        for level in range(3):
            widths = [tile.width for tile in tiles if tile.level == level]
            if f"level{level}_full" in case:
                assert widths.count(256) == case[f"level{level}_full"]
                partial = [width for width in widths if width != 256]
                assert partial == [w for w in [case[f"level{level}_partial"]] if w is not None]


# Growth


def test_a_partial_tile_never_lies_under_the_path_of_a_full_one(big: Shelf) -> None:
    for path, data in big.files.items():
        assert len(data) == 32 * parse_tile_path(path).width
    assert big.files["tile/1/000"] != big.files["tile/1/001.p/1"]
    assert len(big.files["tile/1/001.p/1"]) == 32
    assert "tile/1/001" not in big.files
    # The published checkpoint of 65,537 entries does not reach that tile at all.
    assert tile_width(1, 1, 65_537) == 0
    assert Tile(1, 1, 1) not in list(tiles_of(65_537))
    assert {"tile/0/256.p/1", "tile/1/000", "tile/2/000.p/1"} <= set(big.files)


def test_what_is_stored_are_the_tiles_of_the_tree(big: Shelf) -> None:
    expected = {(tile.level, tile.n): tile.width for tile in tiles_of(66_000)}
    assert {key: len(data) // 32 for key, data in big.tiles.items()} == expected
    for level, n in big.tiles:
        assert tile_width(level, n, 66_000) == expected[level, n]


@given(st.lists(st.integers(0, 600), max_size=6))
def test_batches_of_any_size_build_the_same_tiles(batches: list[int]) -> None:
    shelf, frontier = Shelf(), Frontier()
    for count in batches:
        leaves = LEAVES[shelf.size : shelf.size + count]
        shelf.append(leaves)
        for leaf in leaves:
            frontier.append(leaf)
        read = subtree_reader(shelf.read)
        assert root_at(shelf.size, read) == frontier.root()
        assert Frontier.at(shelf.size, read).hashes == frontier.hashes
    assert {Tile(*key, len(data) // 32) for key, data in shelf.tiles.items()} == set(
        tiles_of(shelf.size)
    )


def test_nothing_appended_changes_nothing() -> None:
    assert changed_tiles(300, [], Shelf().read) == []


def test_a_stored_tile_that_is_short_is_noticed_by_the_writer() -> None:
    with pytest.raises(LedgerTampered):
        changed_tiles(300, LEAVES[:1], lambda _level, _n: bytes(32 * 43))


def test_a_wider_tile_is_cut_and_a_narrow_one_refused() -> None:
    assert cut_tile(bytes(64), 1) == bytes(32)
    with pytest.raises(LedgerTampered):
        cut_tile(bytes(64), 3)


# Reading


@given(st.data())
def test_proofs_from_tiles_hold(big: Shelf, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, big.size))
    older = data.draw(st.integers(1, size))
    read = subtree_reader(big.read)
    root = root_at(size, read)
    index = older - 1
    check_inclusion(inclusion_proof(index, size, read), index, size, LEAVES[index], root)
    proof = consistency_proof(older, size, read)
    check_consistency(proof, older, size, root_at(older, read), root)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=5))
def test_one_reader_follows_a_growing_log(batches: list[int]) -> None:
    shelf = Shelf()
    read = subtree_reader(shelf.read, capacity=2)
    for count in batches:
        shelf.append(LEAVES[shelf.size : shelf.size + count])
        expected = Frontier()
        for leaf in LEAVES[: shelf.size]:
            expected.append(leaf)
        assert root_at(shelf.size, read) == expected.root()


def test_a_warm_reader_asks_for_nothing_again(big: Shelf) -> None:
    read = subtree_reader(big.read)
    first = inclusion_proof(12_345, big.size, read)
    before = big.reads
    assert inclusion_proof(12_345, big.size, read) == first
    assert big.reads == before


def test_a_reader_forgets_what_it_used_longest_ago(big: Shelf) -> None:
    read = subtree_reader(big.read, capacity=2)
    for n in (0, 1, 0, 2):  # tiles; 1 is the one to go
        read(0, n * 256)
    before = big.reads
    read(0, 0)
    assert big.reads == before
    read(0, 256)
    assert big.reads == before + 1


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(32), bytes(33), bytes(32 * 257)])
def test_a_tile_that_is_too_short_or_too_long_is_refused(data: bytes) -> None:
    with pytest.raises(LedgerTampered):
        subtree_reader(lambda _level, _n: data)(0, 1)


def test_a_reader_believes_a_replaced_tile_only_as_a_whole() -> None:
    shown = [bytes(32) * 3]
    read = subtree_reader(lambda _level, _n: shown[0])
    read(0, 2)
    shown[0] = b"\x01" * 32 * 4
    assert read(1, 1) == subtree_reader(lambda _level, _n: shown[0])(1, 1)
    assert read(1, 0) == read(1, 1)


# Entry bundles


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_is_read_as_it_is_written(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


def test_the_largest_entry_fits_and_a_larger_one_does_not() -> None:
    largest = bytes(65_535)
    assert decode_bundle(encode_bundle([largest]), 1) == [largest]
    with pytest.raises(InputTooLarge):
        encode_bundle([largest + b"!"])


@pytest.mark.parametrize(
    ("data", "width"),
    [
        (b"", 1),
        (b"\x00", 1),
        (b"\x00\x02a", 1),
        (b"\x00\x01ab", 1),
        (b"\x00\x01a\x00", 2),
        (b"\x00\x01a\x00\x01b", 1),
        (b"\x00\x01a\x00\x01b", 3),
        (b"\x00\x00", 0),
    ],
)
def test_bundles_with_more_or_less_than_their_entries_are_refused(data: bytes, width: int) -> None:
    with pytest.raises(MalformedInput):
        decode_bundle(data, width)


@given(st.binary(), st.integers(0, 256))
def test_hostile_bundles_raise_only_our_errors(data: bytes, width: int) -> None:
    try:
        entries = decode_bundle(data, width)
    except TetradError:
        return
    assert encode_bundle(entries) == data


def test_a_complete_log_of_another_implementation(vectors: Path) -> None:
    log = vectors / "tlog" / "tessera-log" / "log"
    keys = json.loads((vectors / "tlog" / "derived" / "note_keys.json").read_bytes())
    log_key = next(
        key
        for vkey in keys["vkeys_valid"]
        if (key := VerifierKey.parse(vkey)).name == "example.com/log/testdata"
    )

    def open_file(name: str) -> tuple[str, int, bytes]:
        checkpoint = open_checkpoint((log / name).read_bytes(), [log_key]).checkpoint
        return checkpoint.origin, checkpoint.size, checkpoint.root

    newest = open_file("checkpoint")[1]
    assert (newest, open_file("checkpoint")) == (15, open_file("checkpoint.15"))
    shelf, roots = Shelf(), [Frontier().root()]
    for size in range(newest + 1):
        if size:
            bundle = (log / tile_path(ENTRIES, 0, size)).read_bytes()
            entries = decode_bundle(bundle, size)
            assert encode_bundle(entries) == bundle
            shelf.append([leaf_hash(entries[-1])])
            assert (log / tile_path(0, 0, size)).read_bytes() == shelf.read(0, 0)
            assert [leaf_hash(entry) for entry in entries] == [
                shelf.read(0, 0)[i : i + 32] for i in range(0, 32 * size, 32)
            ]
            roots.append(root_at(size, subtree_reader(shelf.read)))
        assert open_file(f"checkpoint.{size}") == ("example.com/log/testdata", size, roots[size])
    assert shelf.size == newest
    read = subtree_reader(shelf.read)
    for size in range(1, newest + 1):
        proof = consistency_proof(size, newest, read)
        check_consistency(proof, size, newest, roots[size], roots[newest])
