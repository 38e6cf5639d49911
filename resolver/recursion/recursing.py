"""Questions to the tree: out of the cache, or by a walk that all who ask the same share.

    recursor = Recursor(trust, ["https://root.example"], fetcher, clock)
    kept, stale = await recursor.find(("code", "gs1", "https://id.gs1.org/…"))

Belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

from identity.errors import Busy, MalformedInput, NodeRefused, NodeUnreachable, TetradError
from identity.members import parse_time
from registry.state import Key
from resolver.client.flow import Request, Response
from resolver.recursion.cache import Cache, Kept, finished
from resolver.recursion.ledgers import Ledgers
from resolver.recursion.search import Search
from resolver.recursion.walk import Steps, Walk, Walked, first_of
from resolver.trust import Trust

MOST_WALKS: Final = 256
"""At a time; one more is told to come again."""
WALK_SECONDS: Final = 20.0
"""For one walk: whoever is on it is told to come again."""
MOST_AGE: Final = 600
"""Seconds: the most that a checkpoint on the way may be old."""

logger = logging.getLogger("tetrad")

T = TypeVar("T")


class Asker(Protocol):
    """What asks nodes: resolver.recursion.fetching.Fetcher."""

    async def ask(self, url: str, request: Request) -> Response:
        """The answer of the node at `url`. Raises HostRefused, ServerUnreachable, InvalidAnswer."""
        ...

    async def close(self) -> None:
        """Ends the connections."""
        ...


class Served(NamedTuple):
    """An answer, and why it is an old one where it is."""

    kept: Kept
    stale: TetradError | None


class Recursor:
    """Finds what is asked for in the tree below one root."""

    def __init__(
        self,
        root: Trust,
        urls: Sequence[str],
        fetcher: Asker,
        clock: Callable[[], float],
        *,
        cache: Cache | None = None,
        max_age: int = MOST_AGE,
        on_trust: Callable[[Trust], None] | None = None,
    ) -> None:
        """`max_age` bounds the age of every checkpoint on the way, in seconds; `on_trust` is told
        of each newer checkpoint of the root."""
        self.ledgers = Ledgers(root, urls, clock, on_trust)
        self.cache = cache or Cache()
        self.failures: Counter[str] = Counter()
        self._fetcher = fetcher
        self._clock = clock
        self._max_age = max_age
        self._walks: dict[tuple[Key, str | None], asyncio.Task[Kept]] = {}

    @property
    def now(self) -> int:
        """Whole seconds since the epoch."""
        return int(self._clock())

    @property
    def walking(self) -> int:
        """Walks that are under way."""
        return len(self._walks)

    def fresh(self, key: Key) -> Kept | None:
        """What is kept and counts."""
        return self.cache.fresh(key, self.now)

    async def find(self, key: Key, at: str | None = None, *, fresh: bool = False) -> Served:
        """The answer under a key: of a code in clear or of a DID. `fresh`: not out of the cache.

        An answer that is kept is passed on beyond its time where a node cannot be asked, or shows
        nothing recent. Raises NotFound where that is not proved, NodeUnreachable, NodeRefused,
        Busy; MalformedInput for what is no time.
        """
        _check_time(at)
        kept = None if fresh or at is not None else self.fresh(key)
        if kept is not None:
            return Served(kept, None)
        try:
            return Served(await self._shared(key, at), None)
        except (NodeUnreachable, NodeRefused) as error:
            self.failures[error.code] += 1
            logger.warning("%s", error.detail)
            old = self.cache.stale(key, self.now) if at is None and _is_failure(error) else None
            if old is None:
                raise
            return Served(old, error)

    async def _shared(self, key: Key, at: str | None) -> Kept:
        task = self._walks.get((key, at))
        if task is None:
            if len(self._walks) >= MOST_WALKS:
                raise Busy("too many questions are under way in the tree", retry_after=1)
            task = asyncio.create_task(self._walk(key, at))
            self._walks[key, at] = task
            task.add_done_callback(lambda done: self._over((key, at), done))
        # Whoever goes away leaves the walk to the others who wait for it.
        return await asyncio.shield(task)

    def _over(self, asked: tuple[Key, str | None], done: asyncio.Task[Kept]) -> None:
        self._walks.pop(asked, None)
        if not done.cancelled():
            done.exception()

    async def _walk(self, key: Key, at: str | None) -> Kept:
        now = self.now
        walk = Walk(self.ledgers, now, max_age=self._max_age)
        steps = walk.code(key, at) if key[0] == "code" else Search(walk).did(key, at)
        try:
            async with asyncio.timeout(WALK_SECONDS):
                walked: Walked = await self._run(steps)
        except TimeoutError:
            raise NodeUnreachable(
                f"the nodes on the way give no answer within {WALK_SECONDS:g} s"
            ) from None
        if at is not None:
            return finished(walked, now, self.cache.lifetimes)
        return self.cache.keep(key, walked, now)

    async def _run(self, steps: Steps[T]) -> T:
        try:
            asked = next(steps)
            while True:
                try:
                    response = await self._fetcher.ask(asked.url, asked.request)
                except TetradError as error:
                    asked = steps.throw(error)
                else:
                    asked = steps.send(response)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def ask_root(self, request: Request) -> Response:
        """The root's answer, as it is. Raises NodeUnreachable, NodeRefused."""
        return await self._run(first_of(self.ledgers.root, request))

    async def close(self) -> None:
        """Ends what is under way."""
        walks = list(self._walks.values())
        for walk in walks:
            walk.cancel()
        await asyncio.gather(*walks, return_exceptions=True)
        await self._fetcher.close()


def _check_time(at: str | None) -> None:
    """Before anybody is asked: that nodes refuse it would count against them."""
    try:
        if at is not None:
            parse_time(at)
    except ValueError as error:
        raise MalformedInput(str(error), pointer="/at") from None


def _is_failure(error: TetradError) -> bool:
    """Whether a node is down or behind, rather than caught at saying what is not so."""
    return isinstance(error, NodeUnreachable) or error.members.get("reason") == "evidence.stale"
