"""The feed: what was committed, told to everyone who follows, as soon as it is on disk.

    feed = Feed(reader, label)
    feed.committed(size)                                  # the writer, after each commit
    async for index, entry in feed.follow(after=41):      # whoever wants to know
        ...

Nobody is handed anything: whoever follows reads on from where it is, at its own pace, and is woken
when there is more. So nothing waits in memory for a slow reader, and the store is read once for all
who are near the end of the log: pages of entries are kept for a while. Those who are far behind
take turns, page by page, so that a hundred of them delay a request as much as one does. Belongs to
one event loop.
Specified in specs/3-resolution.md, "Feed".
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Final

from registry.reader import LedgerReader
from resolver.events import Event, event_of

PAGE: Final = 64
"""Entries that are read at a time."""
KEPT_BYTES: Final = 8 * 2**20
"""Of pages that are kept, entries and what is said about them."""


class Feed:
    """The committed entries of one ledger, in their order, from any place on."""

    def __init__(self, reader: LedgerReader, label: str) -> None:
        """`reader` belongs to the thread of the event loop."""
        self._reader = reader
        self._label = label
        self._pages: OrderedDict[int, list[Event]] = OrderedDict()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._behind = asyncio.Lock()
        self.size = 0
        """Entries that may be told: they are on disk."""
        self.published: tuple[int, bytes] = (0, b"")
        """Size and note of the tree that is shown; size 0 before the first."""
        self.closed = False

    def committed(self, size: int) -> None:
        """There are so many entries on disk now."""
        if size > self.size:
            self.size = size
            self._wake()

    def shown(self, size: int, note: bytes) -> None:
        """A tree was published; its last entry is on disk."""
        self.published = size, note
        self.size = max(self.size, size)
        self._wake()

    def close(self) -> None:
        """Ends what is followed."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @property
    def next_change(self) -> asyncio.Event:
        """Set once there is more. Take it before looking, and wait for it after."""
        return self._changed

    def events(self, start: int) -> list[Event]:
        """Some of the events from an entry on; none where there are no more yet."""
        if start >= self.size:
            return []
        number, offset = divmod(start, PAGE)
        return self._page(number)[offset:]

    async def read(self, start: int) -> list[Event]:
        """As `events`, for whoever may be far behind: an old page is read when it is its turn."""
        number = start // PAGE
        if start >= self.size or number in self._pages or number == (self.size - 1) // PAGE:
            return self.events(start)
        async with self._behind:
            found = self.events(start)
            await asyncio.sleep(0)  # requests come before the next one's page
        return found

    def _page(self, number: int) -> list[Event]:
        first = number * PAGE
        end = min(first + PAGE, self.size)
        page = self._pages.setdefault(number, [])
        self._pages.move_to_end(number)
        begin = first + len(page)
        if begin < end:
            entries = self._reader.entries(begin, end)
            new = [event_of(one, begin + place, self._label) for place, one in enumerate(entries)]
            page += new
            self._bytes += _bytes(new)
        while self._bytes > KEPT_BYTES and len(self._pages) > 1:
            self._bytes -= _bytes(self._pages.popitem(last=False)[1])
        return page

    async def follow(self, after: int) -> AsyncIterator[tuple[int, bytes]]:
        """Index and bytes of every entry behind one (-1: of all), as they come, until the feed is
        closed."""
        start = after + 1
        while not self.closed:
            change = self.next_change
            for event in await self.read(start):
                yield event.index, event.entry
                start = event.index + 1
            if start < self.size:
                await asyncio.sleep(0)  # a long way behind: others have their turn
            else:
                await change.wait()


def _bytes(events: list[Event]) -> int:
    return sum(len(event.entry) + len(event.data) for event in events)
