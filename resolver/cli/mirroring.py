"""`tetrad mirror URL DIR`: a verified copy of a log, as static files."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from resolver.cli.following import OPTIONS, repeat, tell, trusted
from resolver.cli.frame import Frame, verb
from resolver.cli.progress import Progress

if TYPE_CHECKING:
    from resolver.tile_folder import TileFolder
    from resolver.trust import Trust


@click.command()
@click.argument("address", metavar="URL")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@verb(*OPTIONS, server=False)
def mirror(
    frame: Frame,
    address: str,
    directory: Path,
    *,
    follow: bool,
    every: float,
    ledger: str | None,
    policy: Path | None,
) -> None:
    """Copy the log at URL into DIR, verified, for any file server to serve.

    URL is a service, another mirror, or any folder of tiles behind a file server. Each checkpoint
    must be signed by the pinned log and extend the one in DIR; each entry and tile is hashed again
    before it is written. What does not hold is refused, and DIR stays as it was.
    """
    from resolver.tile_folder import TileFolder

    trust = trusted(frame, address, ledger, policy)
    with TileFolder(directory) as folder:
        repeat(frame, lambda: _look(frame, address, trust, folder), follow=follow, every=every)


def _look(frame: Frame, address: str, trust: Trust, folder: TileFolder) -> None:
    before, began = folder.size, time.monotonic()
    size = asyncio.run(_update(address, trust, folder))
    seconds = time.monotonic() - began
    if size > before or before == 0:
        rate = (size - before) / seconds
        tell(
            frame,
            {"event": "mirrored", "size": size, "new": size - before, "perSecond": round(rate)},
            f"✓ {size} entries, {size - before} of them new and hashed again, {rate:,.0f} a second",
        )
    else:
        tell(frame, {"event": "mirrored", "size": size, "new": 0}, f"✓ {size} entries, none new")


async def _update(address: str, trust: Trust, folder: TileFolder) -> int:
    from resolver.client import AsyncClient
    from resolver.client.mirroring import Mirror

    async with AsyncClient(address) as client:
        return await Mirror(client, trust, folder, Progress("entries")).update()
