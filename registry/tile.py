"""Tiles and entry bundles, as in C2SP tlog-tiles.

A tile holds up to 256 consecutive hashes of one height of the tree, eight heights apart: level 0
holds leaf hashes, level L + 1 the roots of *full* tiles of level L. An entry bundle holds the
entries under a tile of level 0. Neither ever changes but by growing until it is full.

    >>> tile_path(0, 1234067, 5)
    'tile/0/x001/x234/067.p/5'
    >>> tile_width(1, 1, 66_000), tile_width(1, 1, 65_537)
    (1, 0)

`changed_tiles` says what a writer must store, `subtree_reader` makes proofs out of what is stored.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

from identity.errors import InputTooLarge, LedgerTampered, MalformedInput
from registry.merkle import HASH_SIZE, Read

ReadTile: TypeAlias = Callable[[int, int], bytes]
"""The stored hashes of tile (level, n): 32 bytes each, the widest form that there is."""

WIDTH: Final = 256
ENTRIES: Final = -1
"""Stands for a level in the address of an entry bundle."""
MAX_ENTRY: Final = 65_535
"""Bytes of an entry: its length has two bytes."""

_HEIGHT = 8
_MAX_LEVEL = 63
_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


class Tile(NamedTuple):
    """The address of a tile, or of an entry bundle where the level is ENTRIES."""

    level: int
    n: int
    width: int


class StoredTile(NamedTuple):
    """A tile as a store keeps it: 32 bytes a hash, 1 to 256 of them."""

    level: int
    n: int
    data: bytes

    @property
    def path(self) -> str:
        """Where C2SP has it; a partial tile never lies under the path of a full one."""
        return tile_path(self.level, self.n, len(self.data) // HASH_SIZE)


def tile_path(level: int, n: int, width: int = WIDTH) -> str:
    """The path of a tile (or bundle) below the log's prefix, without a leading slash."""
    groups = f"{n % 1000:03}"
    while n := n // 1000:
        groups = f"x{n % 1000:03}/{groups}"
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{'entries' if level == ENTRIES else level}/{groups}{partial}"


def parse_tile_path(path: str) -> Tile:
    """Read a path that `tile_path` could have written, and no other: MalformedInput."""
    if (found := _PATH.fullmatch(path)) is None:
        raise MalformedInput("This is not the path of a tile.", hint="tile/<L>/<N>[.p/<W>]")
    level, groups, width = found.groups()
    tile = Tile(
        ENTRIES if level == "entries" else int(level),
        int(groups.replace("x", "").replace("/", "")),
        WIDTH if width is None else int(width),
    )
    # C2SP tlog-tiles: levels 0 to 63, partial widths 1 to 255, no leading zeroes but the padding.
    if tile.level > _MAX_LEVEL or not tile.width or tile_path(*tile) != path:
        raise MalformedInput("This is not the canonical path of a tile.")
    return tile


def tile_width(level: int, n: int, size: int) -> int:
    """How many hashes tile `n` of a level has in a tree of `size` entries: 0 to 256.

    C2SP tlog-tiles, partial tiles; a tile of width 0 is never served.
    """
    hashes = size >> _HEIGHT * max(level, 0)
    return min(WIDTH, max(0, hashes - n * WIDTH))


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of `size` entries, each in its widest form, the lowest level first."""
    return grown_tiles(0, size)


def grown_tiles(old: int, size: int) -> Iterator[Tile]:
    """What a tree of `size` entries has that one of `old` had not: every tile in which a hash is
    new, in its widest form, the lowest level first."""
    level = 0
    while hashes := size >> _HEIGHT * level:
        first = (old >> _HEIGHT * level) // WIDTH
        for n in range(first, (hashes + WIDTH - 1) // WIDTH):
            width = tile_width(level, n, size)
            if width > tile_width(level, n, old):
                yield Tile(level, n, width)
        level += 1


def first_entry(level: int, n: int) -> int:
    """The index of the first entry under a tile or in a bundle."""
    return n * WIDTH << _HEIGHT * max(level, 0)


def tile_root(data: bytes) -> bytes:
    """The hash of a full tile, as the tile above it holds it. Raises LedgerTampered."""
    if len(data) != WIDTH * HASH_SIZE:
        raise LedgerTampered(f"A full tile of {len(data)} bytes.")
    return _parents(_expand(data, ())[-1])


def cut_tile(stored: bytes, width: int) -> bytes:
    """The tile of `width` hashes out of the stored, perhaps wider one.

    Raises LedgerTampered if it is narrower than that: a tile is never served short.
    """
    if len(stored) < width * HASH_SIZE:
        raise LedgerTampered(f"A tile of {width} hashes is stored with {len(stored)} bytes.")
    return stored[: width * HASH_SIZE]


def fit_tile(tile: Tile, width: int, data: bytes) -> bytes:
    """What lies under the path of `width` (that of the tile, or of its full form), cut to the tile.

    Raises LedgerTampered unless it holds exactly as many hashes or entries as the path says: a
    short tile under the path of a full one has once cost a log its tree.
    """
    index = first_entry(tile.level, tile.n)
    path = tile_path(tile.level, tile.n, width)
    if tile.level == ENTRIES:
        try:
            entries = decode_bundle(data, width)
        except MalformedInput:
            raise LedgerTampered(f"{path} is not {width} entries", index=index) from None
        return data if width == tile.width else encode_bundle(entries[: tile.width])
    if len(data) != width * HASH_SIZE:
        raise LedgerTampered(f"{path} has {len(data)} bytes, not {width * HASH_SIZE}", index=index)
    return data[: tile.width * HASH_SIZE]


def changed_tiles(size: int, leaves: Sequence[bytes], read_tile: ReadTile) -> list[StoredTile]:
    """What changes when leaf hashes are appended to a tree of `size` entries.

    Each tile in the last form that the batch gives it, the lowest level first; `read_tile` is asked
    only for the partial tile at the right edge of a level that grows.
    """
    changed: list[StoredTile] = []
    hashes, level = list(leaves), 0
    while hashes:
        n, width = divmod(size, WIDTH)
        start = cut_tile(read_tile(level, n), width) if width else b""
        data = start + b"".join(hashes)
        hashes = []
        for offset in range(0, len(data), WIDTH * HASH_SIZE):
            tile = StoredTile(level, n, data[offset : offset + WIDTH * HASH_SIZE])
            changed.append(tile)
            n += 1
            if len(tile.data) == WIDTH * HASH_SIZE:  # a partial tile is not hashed into the next
                hashes.append(tile_root(tile.data))
        size //= WIDTH
        level += 1
    return changed


def subtree_reader(read_tile: ReadTile, *, capacity: int = 4096) -> Read:
    """The `read` that `registry.merkle` makes proofs from, over stored tiles.

    It keeps the inner hashes of the `capacity` tiles used last (16 KB for a full one) and asks for
    a tile again only when it must have grown. Its memory holds what it was shown: when a commit
    fails, make a new reader. Raises LedgerTampered if a tile is shorter than the tree needs.
    """
    expanded: OrderedDict[int, list[bytes]] = OrderedDict()
    refresh = expanded.move_to_end

    def read(level: int, n: int) -> bytes:
        height = level & 7
        key = (n >> 8 - height) << 6 | level >> 3
        offset = (n << 5) & (0x1FFF >> height)
        rows = expanded.get(key)
        if rows is not None:
            found = rows[height][offset : offset + HASH_SIZE]
            if found:
                refresh(key)
                return found
        rows = expanded[key] = _expand(read_tile(level >> 3, n >> 8 - height), rows or ())
        if len(expanded) > capacity:
            expanded.popitem(last=False)
        found = rows[height][offset : offset + HASH_SIZE]
        if not found:
            raise LedgerTampered(f"Tile {tile_path(level >> 3, n >> 8 - height)} is too short.")
        return found

    return read


def _expand(data: bytes, known: Sequence[bytes]) -> list[bytes]:
    """The hashes of a tile and of the seven heights above them, each as one row of bytes.

    `known` are the rows of a narrower form of the tile, whose hashes need no computing again.
    """
    if len(data) % HASH_SIZE or len(data) > WIDTH * HASH_SIZE:
        raise LedgerTampered(f"A tile of {len(data)} bytes.")
    if not known or not data.startswith(known[0]):
        known = (b"",) * _HEIGHT
    rows = [data]
    for row in known[1:]:
        rows.append(row + _parents(rows[-1], 2 * len(row)))
    return rows


def _parents(row: bytes, start: int = 0) -> bytes:
    """The hashes of the nodes over a row of hashes, from byte `start` on; an odd one waits."""
    return b"".join(
        [
            sha256(b"\x01" + row[i : i + 2 * HASH_SIZE]).digest()
            for i in range(start, len(row) - HASH_SIZE, 2 * HASH_SIZE)
        ]
    )


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """An entry bundle: each entry behind its length in two bytes (C2SP tlog-tiles, log entries).

    Raises InputTooLarge for an entry of more than 65,535 bytes.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise InputTooLarge(f"An entry of {len(entry)} bytes; {MAX_ENTRY} fit a bundle.")
        parts += len(entry).to_bytes(2), entry
    return b"".join(parts)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle: exactly `width` of them and no rest, or MalformedInput."""
    entries: list[bytes] = []
    offset = 0
    while offset < len(data) and len(entries) < width:
        start = offset + 2
        offset = start + int.from_bytes(data[offset:start])
        entries.append(data[start:offset])
    if offset != len(data) or len(entries) != width:
        raise MalformedInput(f"This is not an entry bundle of {width} entries.")
    return entries
