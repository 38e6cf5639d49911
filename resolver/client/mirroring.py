"""A verified copy of a log in a folder of static tiles.

    async with AsyncClient(url) as client:
        mirror = Mirror(client, trust, folder)
        await mirror.update()                     # the size that the folder now shows

Only the paths of C2SP tlog-tiles are read, so that a mirror of a mirror works as well. A checkpoint
must be signed by the pinned log and extend the one in the folder, which is computed from tiles.
Every tile is held against the root from above, every entry against its tile, before it is written;
the folder's checkpoint follows at the end. What is refused leaves it as it was. An update that was
cut short is taken up: what lies in the folder already is hashed again and not fetched.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from identity.errors import LedgerTampered, RolledBack, TetradError
from identity.operation import operation_hash
from registry.checkpoint import Checkpoint
from registry.entry import parse_entry
from registry.merkle import consistency_proof
from registry.tile import ENTRIES, WIDTH, Tile, decode_bundle, grown_tiles, tile_root, tile_width
from resolver.client import AsyncClient
from resolver.client.flow import Request, ask_bytes
from resolver.client.seeing import Seeing
from resolver.client.tiles import VerifiedTiles, check_bundle, check_tile, fetch_tile
from resolver.tile_folder import TileFolder
from resolver.trust import Trust

IN_FLIGHT = 8
"""Bundles that are fetched at a time, half a megabyte each as a rule and 17 at most."""
BATCH = 16
"""Bundles that are written together."""

Progress = Callable[[int, int], None]
Written = tuple[Tile, bytes]


class Mirror:
    """One log and the folder that follows it."""

    def __init__(
        self,
        client: AsyncClient,
        trust: Trust,
        folder: TileFolder,
        progress: Progress | None = None,
    ) -> None:
        """`trust` pins the ledger; the newest checkpoint of the mirror is that of the folder.

        `progress(done, total)` counts entries. Raises InvalidCheckpoint where the folder shows
        another log.
        """
        self._client = client
        self._folder = folder
        self._progress = progress
        kept = folder.checkpoint()
        self._trust = replace(trust, newest=b"")
        self._unopened: bytes | None = None
        """The folder's checkpoint, until the log's keys that signed it are known."""
        if kept is not None and self._trust.keys_needed(kept):
            self._unopened = kept
        elif kept is not None:
            self._trust = self._trust.observe(kept)

    async def update(self) -> int:
        """Fetches what is new; the size that the folder shows then.

        Raises InvalidCheckpoint, QuorumMissing, RolledBack, ForkDetected, LedgerTampered with the
        `index` of the first entry that is not the signed one, NotFound for a tile that is not
        served, ServerUnreachable, StorageFailed.
        """
        note = await self._client.run(ask_bytes(Request("GET", "/checkpoint")))
        seeing = Seeing(self._trust, self._client.flows.clock)
        if self._unopened is not None:
            await self._client.run(seeing.observe(self._unopened))
            self._unopened = None
        await self._client.run(seeing.learn(note))  # where the log's keys were replaced
        self._trust = seeing.trust
        seeing.dated(self._trust.pinned.open(note))  # whether its policy accepts it
        tree = self._trust.open(note).checkpoint
        if tree.size < self._folder.size:
            raise RolledBack(
                f"the log shows {tree.size} entries, where it had {self._folder.size}",
                seen=self._trust.newest.decode("utf-8", "replace"),
                shown=note.decode("utf-8", "replace"),
            )
        if tree.size == 0:
            return 0
        tiles = VerifiedTiles(tree)
        trust = await self._observe(note, tiles)
        if tree.size > self._folder.size:
            await self._fill(tree, tiles)
        if trust is not self._trust or self._folder.checkpoint() is None:
            await asyncio.to_thread(self._folder.replace_updates, trust.updates)
            await asyncio.to_thread(self._folder.replace_checkpoint, note)
        self._trust = trust
        return self._folder.size

    async def _observe(self, note: bytes, tiles: VerifiedTiles) -> Trust:
        """The next trust; raises where the checkpoint does not extend that of the folder."""
        needed, proof = self._trust.consistency_needed(note), None
        if needed is not None:
            proof = await self._client.run(tiles.compute(partial(consistency_proof, *needed)))
        return self._trust.observe(note, proof)

    async def _fill(self, tree: Checkpoint, tiles: VerifiedTiles) -> None:
        """All that the folder lacks of a tree, verified and then written."""
        await self._client.run(tiles.edge())
        if self._folder.size == 0:
            await self._check_genesis(tree.size)
        waiting: deque[asyncio.Task[list[Written]]] = deque()
        try:
            written: list[Written] = []
            for n in self._bundles(tree.size):
                if n % WIDTH == 0 and tile_width(1, n // WIDTH, tree.size):
                    # Fetched once, not by each of those below.
                    await self._client.run(tiles.tile(1, n // WIDTH))
                waiting.append(asyncio.create_task(self._bundle(n, tree.size, tiles)))
                if len(waiting) >= IN_FLIGHT:
                    written += await waiting.popleft()
                if len(written) >= 2 * BATCH:
                    written = await self._write(written, tree.size)
            while waiting:
                written += await waiting.popleft()
            await self._write(written, tree.size)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        for tile in grown_tiles(self._folder.size, tree.size):
            if tile.level:
                data = await self._client.run(tiles.tile(tile.level, tile.n))
                await asyncio.to_thread(self._folder.put, tile, data)

    def _bundles(self, size: int) -> Iterator[int]:
        return iter(range(self._folder.size // WIDTH, (size + WIDTH - 1) // WIDTH))

    async def _check_genesis(self, size: int) -> None:
        """The first entry is the pinned genesis. Raises LedgerTampered."""
        width = tile_width(ENTRIES, 0, size)
        bundle = await self._client.run(fetch_tile(Tile(ENTRIES, 0, width)))
        try:
            genesis = operation_hash(parse_entry(decode_bundle(bundle, width)[0], 0).operation)
        except TetradError as error:
            raise LedgerTampered(
                f"the log does not begin with a genesis: {error.detail}", index=0
            ) from None
        if genesis != self._trust.ledger:
            raise LedgerTampered(
                "this is another ledger: its genesis is not the pinned one",
                index=0,
                genesis=genesis,
            )

    async def _bundle(self, n: int, size: int, tiles: VerifiedTiles) -> list[Written]:
        """A bundle and its tile, fetched at once, each held against what is above it."""
        tile, bundle = (Tile(level, n, tile_width(0, n, size)) for level in (0, ENTRIES))
        if tile.width < WIDTH:
            edge = await self._client.run(tiles.edge())
            leaves, entries = edge[0], await self._fetched(bundle)
        else:
            expected = await self._client.run(tiles.hash_of(0, n))
            there = self._kept(tile, bundle, expected)
            if there is not None:
                return there
            leaves, entries = await asyncio.gather(self._fetched(tile), self._fetched(bundle))
            check_tile(0, n, leaves, expected)
        check_bundle(n, entries, leaves)
        return [(tile, leaves), (bundle, entries)]

    async def _fetched(self, tile: Tile) -> bytes:
        return await self._client.run(fetch_tile(tile))

    def _kept(self, tile: Tile, bundle: Tile, expected: bytes) -> list[Written] | None:
        """A full bundle and tile that an update before this one has written, if they hold."""
        leaves, entries = self._folder.stored(tile), self._folder.stored(bundle)
        if leaves is None or entries is None or tile_root(leaves) != expected:
            return None
        check_bundle(tile.n, entries, leaves)
        return [(tile, leaves), (bundle, entries)]

    async def _write(self, written: list[Written], size: int) -> list[Written]:
        def put() -> None:
            for tile, data in written:
                self._folder.put(tile, data)

        await asyncio.to_thread(put)
        if self._progress is not None and written:
            last = written[-1][0]
            self._progress(last.n * WIDTH + last.width, size)
        return []
