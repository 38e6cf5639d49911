"""A log over HTTP as an audit reads it: its checkpoint, its tiles, its bundles of entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.checkpoint import Checkpoint
from registry.note import Note
from registry.tile import ENTRIES, WIDTH, Tile, decode_bundle, tile_width
from resolver.client.tiles import VerifiedTiles, fetch_tile

if TYPE_CHECKING:
    from resolver.client import Client


class RemoteLog:
    """The `Source` of registry/audit.py, as of one checkpoint, which extends what was seen.

    The client proves that checkpoint, and every tile is held against its root before it is handed
    on: so that a server that lies never reaches the state of a replay that goes on another day.
    """

    def __init__(
        self, client: Client, note: bytes | None = None, first: bytes | None = None
    ) -> None:
        """As of a `note` that was observed, of the newest one without it; `first` is the entry 0
        where it is known from before."""
        self._client = client
        self._note = client.checkpoint() if note is None else note
        # Opened by whoever observed it, who may know more of the log's keys than this client.
        self.tiles = VerifiedTiles(Checkpoint.parse(Note.parse(self._note).text))
        self.size = self.tiles.tree.size
        self.first = first
        self._bundle: tuple[int, list[bytes]] = (-1, [])

    def checkpoint(self) -> bytes | None:
        """The signed checkpoint."""
        return self._note

    def entries(self, start: int, end: int) -> list[bytes]:
        """The entries start … end-1 of one bundle. Raises LedgerTampered, NotFound."""
        if self.first is not None and (start, end) == (0, 1):
            return [self.first]
        n = start // WIDTH
        if self._bundle[0] != n:
            width = tile_width(ENTRIES, n, self.size)
            data = self._client.run(fetch_tile(Tile(ENTRIES, n, width)))
            self._bundle = n, decode_bundle(data, width)
            if n == 0:
                self.first = self._bundle[1][0]
        return self._bundle[1][start - n * WIDTH : end - n * WIDTH]

    def tile(self, level: int, n: int) -> bytes:
        """A tile of this checkpoint's tree. Raises LedgerTampered, NotFound."""
        return self._client.run(self.tiles.tile(level, n))
