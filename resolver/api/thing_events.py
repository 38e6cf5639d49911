"""What happens to things, as it happens: the notifications of a Web of Things directory.

    GET /events/thing_updated?diff=true            Last-Event-ID: 41

    id: 57
    event: thing_updated
    data: {"id":"did:tetrad:…","modified":"2026-11-22T08:06:00Z",…}

W3C Web of Things Discovery, section 7.3.2.2, over the feed of the ledger: an event's id is the
index of its entry, from which whoever was away reads on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.errors import Busy, MalformedInput, NotAcceptable, NotFound, SchemaViolation
from resolver.api.events import STREAM, STREAM_HEADERS, streams, within
from resolver.api.requests import client_of, header, query
from resolver.api.responses import HeldStream
from resolver.events import HEARTBEAT
from resolver.service import Service
from resolver.things import EVENTS, Change, change_of


class ThingEventEndpoints:
    """Streams of changes."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._feed = service.feed
        self._following: Counter[str] = Counter()

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/events", self.events, methods=["GET"]),
            Route("/events/{type}", self.events, methods=["GET"]),
        ]

    async def events(self, request: Request) -> Response:
        """What happens to things from now on, or since the event that was seen last."""
        given = query(request.scope, ("diff",))
        kind = request.path_params.get("type")
        if kind is not None and kind not in EVENTS:
            raise NotFound("no such kind of event", hint=", ".join(EVENTS))
        diff = given.get("diff", "false")
        if diff not in ("true", "false", ""):
            raise SchemaViolation("diff is true or false", pointer="/diff")
        if not streams(header(request.scope, b"accept")):
            raise NotAcceptable(f"events are told as {STREAM}")
        start = self._start(header(request.scope, b"last-event-id"))
        if request.method == "HEAD":
            return Response(b"", 200, STREAM_HEADERS, STREAM)
        client = client_of(request)
        self._enter(client)
        kinds = EVENTS if kind is None else (kind,)
        whole = diff != "false"
        return HeldStream(
            self._stream(start, kinds, whole=whole),
            lambda: self._leave(client),
            STREAM_HEADERS,
            STREAM,
        )

    def _start(self, seen: str) -> int:
        """The first entry that is told."""
        if not seen:
            return self._feed.size
        if not (seen.isascii() and seen.isdigit()) or len(seen) > 15:
            raise MalformedInput("Last-Event-ID is the index of an entry")
        if int(seen) >= self._feed.size:
            raise NotFound("no such event", size=self._feed.size)
        return int(seen) + 1

    def _enter(self, client: str) -> None:
        settings = self._service.settings
        if (
            self._following.total() >= settings.followers
            or self._following[client] >= settings.followers_each
            or self._feed.closed
        ):
            raise Busy("too many follow the things", retry_after=settings.retry_seconds)
        self._following[client] += 1

    def _leave(self, client: str) -> None:
        self._following[client] -= 1
        if not self._following[client]:
            del self._following[client]

    async def _stream(
        self, start: int, kinds: tuple[str, ...], *, whole: bool
    ) -> AsyncIterator[bytes]:
        """The parts of the answer; the next is made when the one before was taken."""
        feed, seconds = self._feed, self._service.settings.heartbeat_seconds
        yield HEARTBEAT  # the head of the answer goes out with it
        while not feed.closed:
            change = feed.next_change
            entries = await feed.read(start)
            for entry in entries:
                start = entry.index + 1
                done = change_of(self._service.store, self._service.label, entry.index, entry.entry)
                if done is not None and done.kind in kinds:
                    yield _sent(done, whole=whole)
            if entries:
                await asyncio.sleep(0)  # a long way behind: others have their turn
            elif not await within(change, seconds):
                yield HEARTBEAT


def _sent(change: Change, *, whole: bool) -> bytes:
    data = orjson.dumps(change.data(whole=whole))
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (change.entry, change.kind.encode(), data)
