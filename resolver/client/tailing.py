"""The entries of a log as they come, each proved before it is handed on.

    tail = Tail(client, after=41)
    for index, entry in tail.published(): …            # what is published already
    for index, entry in tail.live(): …                 # and from then on, until it is interrupted

What is there is read out of tiles, which hash to the signed root; what comes is told by the feed,
and held against each checkpoint in it (resolver/following.py). A connection that ends is made again
behind the last entry that was proved.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from identity.errors import QuorumMissing, Unavailable
from registry.checkpoint import Checkpoint
from registry.merkle import Frontier
from registry.note import Note
from registry.tile import ENTRIES, WIDTH, Tile, decode_bundle, tile_width
from resolver.client.exchange import parts
from resolver.client.flow import Request
from resolver.client.tiles import VerifiedTiles, check_bundle, fetch_tile
from resolver.events import CHECKPOINT, MessageReader
from resolver.following import Chain, told_checkpoint, told_entry

if TYPE_CHECKING:
    from resolver.client import Client

LAST: Final = 10
"""Entries that are shown of what is there, unless it is said where to begin."""
LONGEST: Final = 30.0
"""Seconds between two attempts to connect."""


class Tail:
    """What follows an entry of the log that a client trusts."""

    def __init__(
        self,
        client: Client,
        *,
        after: int | None = None,
        last: int = LAST,
        on_pause: Callable[[Unavailable, float], None] = lambda _error, _seconds: None,
    ) -> None:
        """Behind the entry `after` (-1: from the first), else the `last` that are published.
        `on_pause` is told why nothing comes, and for how many seconds it is waited.

        Raises EvidenceRefused where the checkpoint does not hold.
        """
        self._client = client
        self._on_pause = on_pause
        note = client.checkpoint()
        self._tiles = VerifiedTiles(Checkpoint.parse(Note.parse(note).text))
        self.size = self._tiles.tree.size
        """Entries that were published when it began."""
        self._start = max(0, self.size - last) if after is None else after + 1

    def published(self) -> Iterator[tuple[int, bytes]]:
        """The entries that are published already, proved. Raises LedgerTampered."""
        for n in range(self._start // WIDTH, -(-self.size // WIDTH)):
            tile = self._client.run(self._tiles.tile(0, n))
            width = tile_width(ENTRIES, n, self.size)
            bundle = self._client.run(fetch_tile(Tile(ENTRIES, n, width)))
            check_bundle(n, bundle, tile)
            for index, entry in enumerate(decode_bundle(bundle, width), n * WIDTH):
                if index >= self._start:
                    yield index, entry

    def live(self) -> Iterator[tuple[int, bytes]]:
        """The entries behind those, proved, as they are published; it does not end by itself.

        Raises EvidenceRefused, and what else cannot get better by waiting.
        """
        run, tiles, last = self._client.run, self._tiles, self.size - 1
        tree = run(tiles.compute(partial(Frontier.at, self.size)))
        chain = Chain(tree, run(tiles.compute(lambda read: read(0, last))))
        pause = 1.0
        while True:
            before = chain.size
            try:
                for index, entry in self._connected(chain):
                    if index >= self._start:
                        yield index, entry
                reason = Unavailable("the stream has ended")
            except Unavailable as error:
                reason = error
            pause = 1.0 if chain.size > before else min(2 * pause, LONGEST)
            again = reason.members.get("retry_after")
            waited = max(pause, again) if isinstance(again, int) and again <= LONGEST else pause
            self._on_pause(reason, waited)
            time.sleep(waited)

    def _connected(self, chain: Chain) -> Iterator[tuple[int, bytes]]:
        """What one connection brings, from behind the last entry that was told."""
        reader = MessageReader()
        query = {"after": str(chain.next - 1), "entries": "1"}
        headers = {"accept": "text/event-stream"}
        request = Request("GET", "/v1/events", query, headers=headers)
        for part in parts(self._client.url, request):
            for message in reader.messages(part):
                if message.type != CHECKPOINT:
                    chain.append(*told_entry(message.data))
                    continue
                note = told_checkpoint(message.data)
                self._client.run(self._client.flows.observe(note))
                opened = self._client.trust.open(note)
                try:
                    self._client.flows.dated(opened)
                except QuorumMissing as missing:  # its witnesses may cosign a later one
                    self._on_pause(Unavailable(missing.detail), 0)
                    continue
                yield from chain.proved(opened.checkpoint)
