"""Three nodes in this process, and a recursive resolver that asks them.

    with Forest() as forest:
        forest.get("/v1/resolve", params={"code": BASE + "M-1"})        # asks the resolver

`09506` is the nation's, `09506000` Acme's, whose ledger has the meter M-1. `forest.down` are hosts
that give no answer, `forest.lies` replace what a host answers.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from identity.errors import HostRefused, ServerUnreachable
from resolver.client.exchange import arguments, response_of
from resolver.client.flow import Request, Response
from resolver.recursion.app import recursive_app
from resolver.recursion.cache import Cache, Lifetimes
from resolver.recursion.recursing import Recursor
from resolver.settings import Settings
from resolver.trust import Trust
from tests.resolver.town import INLINE, Town

BASE = "https://id.gs1.org/01/09506000134352/21/"
ROOT, NATION, ACME = "root.test", "nation.test", "acme.test"

T = TypeVar("T")
Lie = Callable[[Request, Response], Response]


class Forest:
    """A tree of nodes, and who asks it."""

    def __init__(self, lifetimes: Lifetimes = Lifetimes()) -> None:  # noqa: B008 - numbers
        self.towns = {name: Town(INLINE, origin=name) for name in (ROOT, NATION, ACME)}
        self.down: set[str] = set()
        self.refused: set[str] = set()
        self.lies: dict[str, Lie] = {}
        self.asked: Counter[str] = Counter()
        self.recursor = Recursor(
            Trust.begin(self.root.genesis.operation),
            [f"https://{ROOT}"],
            self,
            lambda: float(self.root.now),
            cache=Cache(lifetimes),
        )
        self.app = recursive_app(self.recursor, Settings())
        self._stack = ExitStack()
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://recursive.test",
            timeout=60,
        )

    def __enter__(self) -> Self:
        for town in self.towns.values():
            self._stack.enter_context(town)
        nation = self.root.organization("Nation")
        self.to_nation = self.delegate(ROOT, nation, "gtin:09506", NATION)
        acme = self.nation.organization("Acme")
        self.to_acme = self.delegate(NATION, acme, "gtin:09506000", ACME)
        self.maker = self.acme.organization("Acme")
        self.acme.accept(self.acme.prefix(self.maker, "gtin:09506000", by=self.acme.authority))
        self.meter = self.acme.device("M-1", self.maker)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._client.aclose())
        self._runner.run(self.recursor.close())
        self._runner.close()
        self._stack.__exit__(kind, error, trace)

    @property
    def root(self) -> Town:
        """The pinned root."""
        return self.towns[ROOT]

    @property
    def nation(self) -> Town:
        """The second level."""
        return self.towns[NATION]

    @property
    def acme(self) -> Town:
        """The enterprise."""
        return self.towns[ACME]

    def delegate(self, town: str, to: Any, prefix: str, below: str) -> Any:
        """A prefix, by the authority of a town, to one who has a node; the operation."""
        above = self.towns[town]
        signed = above.prefix(to, prefix, by=above.authority, node=self.towns[below].node)
        above.accept(signed)
        return signed

    def later(self, seconds: int) -> None:
        """All clocks go on; every node that is up dates its checkpoint anew."""
        for name, town in self.towns.items():
            town.now += seconds
            if name not in self.down:
                town.run(town.service.publication.renew())

    async def ask(self, url: str, request: Request) -> Response:
        """See resolver.recursion.fetching.Fetcher."""
        host = url.removeprefix("https://")
        self.asked[host] += 1
        if host in self.refused:
            raise HostRefused(f"the host {host} is not among those that may be asked")
        if host in self.down or host not in self.towns:
            raise ServerUnreachable(f"{host} is down")
        given = arguments(request)
        path = given.pop("url")
        got = await asyncio.to_thread(self.towns[host].request, given.pop("method"), path, **given)
        response = response_of(got, got.content)
        lie = self.lies.get(host)
        return response if lie is None else lie(request, response)

    async def close(self) -> None:
        """See resolver.recursion.fetching.Fetcher."""

    def get(self, path: str, **options: Any) -> httpx.Response:
        """What the resolver answers."""
        return self._runner.run(self._client.get(path, **options))

    def run(self, scene: Coroutine[Any, Any, T]) -> T:
        """In the loop in which the resolver asks."""
        return self._runner.run(scene)

    def resolve(self, name: str, **query: str) -> httpx.Response:
        """What it answers about the code of a device with that name."""
        return self.get("/v1/resolve", params={"code": BASE + name, **query})
