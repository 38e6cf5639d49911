"""What a service publishes, in a folder of static files as well.

    publication = Publication(TileFolder(path), store)
    publication.tiles(size)                # on disk when it returns; before witnesses are asked
    publication.checkpoint(note)           # the signed or cosigned one, over these tiles

Both block and belong to one thread. `follow` calls them for whatever a service publishes. A folder
that cannot be written, or that shows another ledger, ends its publication, says so in the log, and
leaves registration alone.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from identity.errors import TetradError
from registry.reader import LedgerReader
from registry.store import Store
from resolver.service import Service
from resolver.tile_folder import TileFolder, publish_tiles

logger = logging.getLogger("tetrad")


class Publication:
    """One folder of a ledger's tiles and its newest published checkpoint."""

    def __init__(self, folder: TileFolder, store: Store) -> None:
        self._folder = folder
        self._reader = LedgerReader(store)
        self._thread = ThreadPoolExecutor(1, "tetrad-publication")
        self._task: asyncio.Task[None] | None = None
        self.failure: TetradError | None = None
        """Why nothing more is published here."""

    @property
    def size(self) -> int:
        """Entries under the checkpoint in the folder."""
        return self._folder.size

    def tiles(self, size: int) -> None:
        """Writes and syncs the tiles of a tree. Raises LedgerTampered, StorageFailed."""
        publish_tiles(self._folder, self._reader, size)

    def checkpoint(self, note: bytes) -> None:
        """Shows a checkpoint over tiles that were written before.

        Raises LedgerTampered, RolledBack, ForkDetected, StorageFailed.
        """
        self._folder.replace_checkpoint(note)

    def start(self, service: Service) -> None:
        """Follows a service, in its event loop."""
        self._task = asyncio.create_task(self._follow(service))

    async def stop(self, service: Service) -> None:
        """Publishes what there is at the end, and closes the folder; the service has stopped."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._publish(service)
        self._thread.shutdown()
        self._folder.close()

    async def _follow(self, service: Service) -> None:
        while self.failure is None:
            await self._publish(service)
            await asyncio.sleep(max(1, service.settings.checkpoint_seconds))

    async def _publish(self, service: Service) -> None:
        if self.failure is not None:
            return
        try:
            size, note = await service.checkpoint()
            await asyncio.shield(
                asyncio.get_running_loop().run_in_executor(self._thread, self._both, size, note)
            )
        except TetradError as error:
            logger.critical("nothing more is published in the folder: %s", error.detail)
            self.failure = error

    def _both(self, size: int, note: bytes) -> None:
        self.tiles(size)
        self.checkpoint(note)
