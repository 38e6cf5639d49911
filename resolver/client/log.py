"""A log over HTTP as an audit reads it: its checkpoint, its tiles, its bundles of entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.checkpoint import Checkpoint
from registry.note import Note
from registry.tile import ENTRIES, WIDTH, Tile, decode_bundle, tile_width
from resolver.client.tiles import fetch_tile

if TYPE_CHECKING:
    from resolver.client import Client


class RemoteLog:
    """The `Source` of registry/audit.py, as of one checkpoint, which extends what was seen.

    The client proves that checkpoint; whatever else is read here, the audit holds against it.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._note = client.checkpoint()
        self.size = Checkpoint.parse(Note.parse(self._note).text).size
        self._bundle: tuple[int, list[bytes]] = (-1, [])

    def checkpoint(self) -> bytes | None:
        """The signed checkpoint."""
        return self._note

    def entries(self, start: int, end: int) -> list[bytes]:
        """The entries start … end-1 of one bundle. Raises LedgerTampered, NotFound."""
        n = start // WIDTH
        if self._bundle[0] != n:
            width = tile_width(ENTRIES, n, self.size)
            data = self._client.run(fetch_tile(Tile(ENTRIES, n, width)))
            self._bundle = n, decode_bundle(data, width)
        return self._bundle[1][start - n * WIDTH : end - n * WIDTH]

    def tile(self, level: int, n: int) -> bytes:
        """A tile of this checkpoint's tree."""
        tile = Tile(level, n, tile_width(level, n, self.size))
        return self._client.run(fetch_tile(tile))
