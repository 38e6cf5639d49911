"""A publish folder compared with the ledger: complete, of one tree, under a checkpoint that holds.

    tree = Tree(entries)
    check_published(read_folder(folder), tree, log_keys)

A file that a reader could fetch is a whole tile or bundle of the ledger under its own path, or the
checkpoint. What the checkpoint's tree needs is there. Files and folders whose name begins
with a dot hold what a crash left half written: nobody is told of them. Raises AssertionError.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from registry.checkpoint import open_checkpoint
from registry.merkle import HASH_SIZE, Frontier, leaf_hash
from registry.note import VerifierKey
from registry.tile import (
    ENTRIES,
    WIDTH,
    Tile,
    changed_tiles,
    encode_bundle,
    parse_tile_path,
    tile_path,
    tile_width,
    tiles_of,
)


class Tree:
    """The tree over entries, made anew from their bytes."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = entries
        frontier = Frontier()
        self.roots = [frontier.root()]
        leaves = [leaf_hash(entry) for entry in entries]
        for leaf in leaves:
            frontier.append(leaf)
            self.roots.append(frontier.root())
        stored = changed_tiles(0, leaves, lambda _, __: b"")
        self._tiles = {(tile.level, tile.n): tile.data for tile in stored}

    @property
    def size(self) -> int:
        """Entries."""
        return len(self.entries)

    def tile(self, tile: Tile) -> bytes:
        """The bytes of a tile or a bundle that this tree has."""
        have = tile_width(tile.level, tile.n, self.size)
        assert tile.width <= have, f"{tile} is wider than the ledger, which has {have} there"
        if tile.level == ENTRIES:
            start = tile.n * WIDTH
            return encode_bundle(self.entries[start : start + tile.width])
        return self._tiles[tile.level, tile.n][: tile.width * HASH_SIZE]

    def check_note(self, note: bytes, keys: Sequence[VerifierKey]) -> int:
        """The size of a checkpoint that the log signed over a beginning of this tree."""
        checkpoint = open_checkpoint(note, keys).checkpoint
        size = checkpoint.size
        assert size <= self.size, f"a checkpoint of {size} entries; the ledger has {self.size}"
        assert checkpoint.root == self.roots[size], f"a checkpoint of {size} with another root"
        return size


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file of a publish folder by its path; what begins with a dot is left out."""
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {
        path.as_posix(): file.read_bytes()
        for path, file in files.items()
        if not any(part.startswith(".") for part in path.parts)
    }


def check_published(files: dict[str, bytes], tree: Tree, keys: Sequence[VerifierKey]) -> int:
    """The size that is published; 0 where nothing is yet."""
    for path, data in files.items():
        if path.startswith("tile/"):
            assert data == tree.tile(parse_tile_path(path)), f"{path} is not what the ledger has"
    if "checkpoint" not in files:
        return 0
    size = tree.check_note(files["checkpoint"], keys)
    for level, n, width in tiles_of(size):
        for kind in [level, ENTRIES] if level == 0 else [level]:
            # A partial tile may go once the full one is there (C2SP tlog-tiles).
            paths = {tile_path(kind, n, width), tile_path(kind, n)}
            assert paths & files.keys(), f"{min(paths)} is missing under a checkpoint of {size}"
    return size
