"""A client that follows the feed of a Town, as a server for ASGI would pass it on.

    async with Following(town, "after=-1") as stream:
        await stream.until(lambda: stream.entries and stream.entries[-1].id == "7")

It runs in the town's event loop. `take` lets so many parts through, for one that reads slowly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from resolver.events import CHECKPOINT, Message, MessageReader
from tests.resolver.town import Town

PATIENCE = 60
"""Seconds, for a service that does not answer."""


class Following:
    """One stream, from its first byte on."""

    def __init__(
        self,
        town: Town,
        query: str = "",
        *,
        path: str = "/v1/events",
        address: str = "192.0.2.1",
        **headers: str,
    ) -> None:
        self._town = town
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [
                (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
            ],
            "client": (address, 5),
        }
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.messages: list[Message] = []
        self.body = b""
        self.ended = False
        self.parts = 0
        self._reader = MessageReader()
        self._asked = False
        self._gone = asyncio.Event()
        self._more = asyncio.Condition()
        self._may_take: int | None = None

    @property
    def entries(self) -> list[Message]:
        """What was told of entries."""
        return [one for one in self.messages if one.type != CHECKPOINT]

    @property
    def checkpoints(self) -> list[Message]:
        """What was told of published trees."""
        return [one for one in self.messages if one.type == CHECKPOINT]

    async def __aenter__(self) -> Self:
        self._task = asyncio.ensure_future(self._run())
        return self

    async def _run(self) -> None:
        await self._town.app(self._scope, self._receive, self._send)
        async with self._more:
            self.ended = True
            self._more.notify_all()

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        async with self._more:
            if message["type"] == "http.response.start":
                self.status, self.headers = message["status"], dict(message["headers"])
            else:
                await self._more.wait_for(
                    lambda: self._may_take is None or self.parts < self._may_take
                )
                self.parts += 1
                self.body += message.get("body", b"")
                self.messages += self._reader.messages(message.get("body", b""))
            self._more.notify_all()

    async def take(self, parts: int | None) -> None:
        """Reads so many parts of the answer from its beginning, and no more; None for all."""
        async with self._more:
            self._may_take = parts
            self._more.notify_all()

    async def until(self, test: Callable[[], object]) -> None:
        """Waits until what was read passes a test."""
        async with asyncio.timeout(PATIENCE), self._more:
            await self._more.wait_for(test)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gone.set()
        await self.take(None)
        await self._task
