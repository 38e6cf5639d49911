"""A log in memory that grows, publishes, and lies on demand: for mirrors, folders and monitors.

log = GrowingLog()                    # its first entry is a genesis; the rest means nothing
log.grow(700)
host = Host(log)                      # serves C2SP paths, as of `host.size`
host.lies["/tile/0/000"] = b"…"       # or None for 404
"""

from __future__ import annotations

import httpx

from identity.errors import TetradError
from identity.jcs import canonicalize
from registry.checkpoint import Checkpoint
from registry.entry import FIRST_PREVIOUS, entry_context, join_entry
from registry.merkle import leaf_hash, root_at
from registry.note import Signer, sign_note
from registry.tile import (
    ENTRIES,
    changed_tiles,
    encode_bundle,
    parse_tile_path,
    subtree_reader,
    tile_width,
)
from resolver.trust import Trust
from tests.factory import LOG, NOW, ORIGIN, QUANTUM, City, Maker

SIGNERS = (LOG, QUANTUM)


class GrowingLog:
    """Entries and tiles in memory: a Reader, and its signed checkpoints."""

    def __init__(self, name: str = "entry", begins: Maker | None = None) -> None:
        maker = begins or Maker()
        self.name = name.encode()
        self.trust = Trust.begin(maker.genesis.operation)
        context = entry_context(0, maker.created, FIRST_PREVIOUS, {})
        self.all: list[bytes] = []
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.add([join_entry(context, canonicalize(maker.genesis.operation))])

    def fork(self, size: int, name: str = "other") -> GrowingLog:
        """Another history after the first `size` entries."""
        other = GrowingLog(name)
        other.add(self.all[1:size])
        return other

    def add(self, entries: list[bytes]) -> None:
        start = len(self.all)
        self.all += entries
        for level, n, data in changed_tiles(start, [leaf_hash(e) for e in entries], self.tile):
            self.tiles[level, n] = data

    def grow(self, size: int) -> bytes:
        """Entries up to `size`; the checkpoint over them."""
        start = len(self.all)
        self.add([b"%s %d" % (self.name, index) for index in range(start, size)])
        return self.note(size)

    def note(self, size: int, time: int = NOW, signers: tuple[Signer, ...] = SIGNERS) -> bytes:
        """A signed checkpoint over the first `size` entries."""
        root = root_at(size, subtree_reader(self.tile))
        return sign_note(Checkpoint(ORIGIN, size, root).format(), signers, time)

    def entries(self, start: int, end: int) -> list[bytes]:
        return self.all[start:end]

    def tile(self, level: int, n: int) -> bytes:
        return self.tiles[level, n]


class CityLog(GrowingLog):
    """What a real writer has written; `add` puts entries behind it that no rule book has seen."""

    def __init__(self, city: City) -> None:
        super().__init__()
        self.city = city
        self.trust = Trust.begin(city.genesis.operation)
        self.take()

    def take(self) -> int:
        """Everything that the writer has written since; the size."""
        assert self.city.ledger.head is not None
        size = self.city.ledger.head.size
        self.add(self.city.store.entries(len(self.all), size))
        return size


class Host(httpx.MockTransport):
    """A file server in front of a log; `asked` are the paths, in their order."""

    def __init__(self, log: GrowingLog) -> None:
        super().__init__(self.answer)
        self.log = log
        self.size = len(log.all)
        self.note: bytes | None = None
        self.lies: dict[str, bytes | None] = {}
        self.asked: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.asked.append(path)
        body = self.lies[path] if path in self.lies else self.file(path)
        if body is None:
            return httpx.Response(404, text="<html>404</html>")
        return httpx.Response(200, content=body)

    def file(self, path: str) -> bytes | None:
        """What honestly lies there."""
        if path == "/checkpoint":
            return self.note or self.log.note(self.size)
        try:
            tile = parse_tile_path(path[1:])
        except TetradError:
            return None
        if tile_width(tile.level, tile.n, self.size) < tile.width:
            return None
        if tile.level == ENTRIES:
            start = tile.n * 256
            return encode_bundle(self.log.entries(start, start + tile.width))
        return self.log.tile(tile.level, tile.n)[: tile.width * 32]
