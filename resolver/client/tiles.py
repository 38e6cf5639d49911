"""Tiles out of a log over HTTP, each held against the signed root before anything is made of it.

    tiles = VerifiedTiles(checkpoint)
    root = yield from tiles.compute(lambda read: root_at(older, read))

Only the paths of C2SP tlog-tiles are asked for, so that a folder of static files answers as well as
a service does. Trust runs downwards: the tiles at the right edge must hash to the root of the
checkpoint, every full tile to its hash in the tile above it, every entry to its hash in its tile.
So each is known to be right as soon as it has come, and none needs to be kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from identity.errors import InvalidAnswer, LedgerTampered, NotFound, TetradError
from identity.jcs import Json
from registry.checkpoint import Checkpoint
from registry.entry import parse_entry
from registry.merkle import HASH_SIZE, Read, leaf_hash, root_at
from registry.note import Note
from registry.tile import (
    ENTRIES,
    WIDTH,
    Tile,
    decode_bundle,
    first_entry,
    fit_tile,
    subtree_reader,
    tile_path,
    tile_root,
    tile_width,
)
from resolver.client.flow import Flow, Request, ask, refusal

KEPT = 64
"""Tiles that are kept at hand, 8 KB each."""

T = TypeVar("T")


def fetch_tile(tile: Tile) -> Flow[bytes]:
    """A tile or bundle in that width; out of the full one where the partial one is gone (C2SP
    tlog-tiles, partial tiles). Nothing but its length is checked.

    Raises NotFound, LedgerTampered.
    """
    for width in dict.fromkeys((tile.width, WIDTH)):
        response = yield from ask(Request("GET", "/" + tile_path(tile.level, tile.n, width)))
        if response.status == 200:
            return fit_tile(tile, width, response.body)
        if response.status not in (404, 410):
            raise refusal(response)
    raise NotFound(
        f"the log does not serve {tile_path(*tile)}", index=first_entry(tile.level, tile.n)
    )


def fetch_genesis() -> Flow[Json]:
    """The first operation of the log, which nothing here has verified. Raises InvalidAnswer."""
    response = yield from ask(Request("GET", "/checkpoint"))
    if response.status != 200:
        raise refusal(response)
    size = Checkpoint.parse(Note.parse(response.body).text).size
    if size == 0:
        raise InvalidAnswer("the log has no entries yet")
    width = tile_width(ENTRIES, 0, size)
    bundle = yield from fetch_tile(Tile(ENTRIES, 0, width))
    try:
        return parse_entry(decode_bundle(bundle, width)[0], 0).operation
    except TetradError as error:
        raise InvalidAnswer(f"the log does not begin with a genesis: {error.detail}") from None


class VerifiedTiles:
    """The tiles of one tree, as far as they were asked for.

    Flows that run at the same time may each fetch the same tile.
    """

    def __init__(self, tree: Checkpoint) -> None:
        """`tree` is a checkpoint whose signatures were verified."""
        self.tree = tree
        self._edge: dict[int, bytes] | None = None
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def edge(self) -> Flow[dict[int, bytes]]:
        """The partial tiles at the right edge by level, which hash to the root.

        Raises LedgerTampered, NotFound.
        """
        if self._edge is None:
            size, edge = self.tree.size, dict[int, bytes]()
            for level in range((size.bit_length() + 7) // 8):
                n, width = divmod(size >> 8 * level, WIDTH)
                if width:
                    edge[level] = yield from fetch_tile(Tile(level, n, width))
            if root_at(size, subtree_reader(lambda level, _: edge[level])) != self.tree.root:
                raise LedgerTampered(
                    "the tiles at the right edge do not have the root that the log has signed",
                    size=size,
                )
            self._edge = edge
        return self._edge

    def tile(self, level: int, n: int) -> Flow[bytes]:
        """A tile as wide as the tree has it. Raises LedgerTampered, NotFound."""
        if (level, n) in self._kept:
            self._kept.move_to_end((level, n))
            return self._kept[level, n]
        edge = yield from self.edge()
        width = tile_width(level, n, self.tree.size)
        if width < WIDTH:
            return edge[level]
        expected = yield from self.hash_of(level, n)
        data = yield from fetch_tile(Tile(level, n, WIDTH))
        check_tile(level, n, data, expected)
        self._kept[level, n] = data
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return data

    def hash_of(self, level: int, n: int) -> Flow[bytes]:
        """The hash of a full tile, as the tile above it holds it."""
        above = yield from self.tile(level + 1, n // WIDTH)
        place = n % WIDTH * HASH_SIZE
        return above[place : place + HASH_SIZE]

    def compute(self, function: Callable[[Read], T]) -> Flow[T]:
        """What a function makes out of subtrees, whose tiles are fetched as it asks for them."""
        tiles: dict[tuple[int, int], bytes] = {}
        while True:
            try:
                return function(subtree_reader(lambda level, n: _present(tiles, level, n)))
            except _Missing as missing:
                key = missing.level, missing.n
                tiles[key] = yield from self.tile(*key)


class _Missing(Exception):
    """A tile that was not fetched yet: the computation begins again once it was."""

    def __init__(self, level: int, n: int) -> None:
        self.level, self.n = level, n


def _present(tiles: dict[tuple[int, int], bytes], level: int, n: int) -> bytes:
    try:
        return tiles[level, n]
    except KeyError:
        raise _Missing(level, n) from None


def check_tile(level: int, n: int, data: bytes, expected: bytes) -> None:
    """Whether a full tile is the one whose hash is expected. Raises LedgerTampered."""
    if tile_root(data) != expected:
        raise LedgerTampered(
            f"{tile_path(level, n)} is not the tile that the signed tree holds",
            index=first_entry(level, n),
        )


def check_bundle(n: int, bundle: bytes, tile: bytes) -> None:
    """Whether each entry of a bundle is the one that its tile of level 0 holds.

    Raises LedgerTampered with the `index` of the first that is not.
    """
    for place, entry in enumerate(decode_bundle(bundle, len(tile) // HASH_SIZE)):
        if leaf_hash(entry) != tile[place * HASH_SIZE : (place + 1) * HASH_SIZE]:
            raise LedgerTampered(
                "the entry is not the one that the tile holds", index=n * WIDTH + place
            )
