"""A registry in this process, reached without a socket, which can be made to lie."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import httpx
import pytest

from resolver.app import create_app
from resolver.client import Client
from resolver.folder import MemorySite
from resolver.settings import Settings
from resolver.trust import Trust

Answer = Callable[[httpx.Request], httpx.Response]
Lie = Callable[[httpx.Request, Answer], httpx.Response]


class Registry(httpx.BaseTransport):
    """A sandbox on an event loop of its own, as a transport for blocking clients.

    `lie` is called instead of the service, with the request and a way to the true answer.
    """

    def __init__(
        self, site: MemorySite | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.site = site or MemorySite.sandbox(int(time.time()))
        self.app = create_app(Settings(checkers=0), self.site, clock)
        self.asked: list[str] = []
        self.lie: Lie | None = None
        self._started: Future[None] = Future()
        self._end: asyncio.Event
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        self._started.result(10)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        self._inner = httpx.ASGITransport(self.app)
        async with self.app.router.lifespan_context(self.app):
            self._started.set_result(None)
            await self._end.wait()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What the service says."""

        async def asked() -> httpx.Response:
            response = await self._inner.handle_async_request(
                httpx.Request(request.method, request.url, headers=request.headers, content=body)
            )
            content = await response.aread()
            return httpx.Response(response.status_code, headers=response.headers, content=content)

        body = request.read()
        return asyncio.run_coroutine_threadsafe(asked(), self._loop).result(30)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        return self.lie(request, self.answer) if self.lie else self.answer(request)

    def stop(self) -> None:
        """Ends the service."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def trusted(self) -> Trust:
        """Trust in this registry."""
        return Trust.begin(self.site.genesis)

    def client(self, trust: Trust | None = None) -> Client:
        """A new client with an empty wallet."""
        return Client("http://registry", trust=trust or self.trusted(), transport=self)


@pytest.fixture
def registry() -> Iterator[Registry]:
    service = Registry()
    yield service
    service.stop()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses are counted, not waited for."""
    waited: list[float] = []
    monkeypatch.setattr("resolver.client.time.sleep", waited.append)
    return waited
