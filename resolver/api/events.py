"""The feed over HTTP: server-sent events, or a page of them as JSON."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.did import parse_tetrad_did
from identity.errors import Busy, NotFound, SchemaViolation
from resolver.api.requests import client_of, flag, header, query
from resolver.api.resolution import page_limit
from resolver.api.responses import JSON, HeldStream, json_response
from resolver.events import (
    CHECKPOINT,
    HEARTBEAT,
    data_of,
    sent,
    sent_checkpoint,
    sent_position,
    wanted,
    wanted_types,
)
from resolver.service import Service

STREAM: Final = "text/event-stream"

_NAMES = ("after", "subject", "type", "entries", "limit")
STREAM_HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""A proxy that collects an answer before it passes it on would pass on nothing (nginx)."""
_SCANNED: Final = 32
"""Pages of entries that are read for one of JSON, or before a stream tells how far it is, where a
filter lets nothing pass."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody follows."""

    after: int
    types: frozenset[str]
    subject: str
    entries: bool

    @property
    def checkpoints(self) -> bool:
        """Whether published trees are told as well."""
        return not self.types or CHECKPOINT in self.types


class EventEndpoint:
    """`GET /v1/events`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._feed = service.feed
        self._following: Counter[str] = Counter()

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [Route("/v1/events", self.events, methods=["GET"])]

    async def events(self, request: Request) -> Response:
        """What is committed from now on, or from an entry on."""
        given = query(request.scope, _NAMES)
        accepted = header(request.scope, b"accept")
        if not streams(accepted):
            return await self._page(given, self._wanted(given, "", -1))
        if "limit" in given:
            raise SchemaViolation("limit is for pages of JSON", pointer="/limit")
        last = header(request.scope, b"last-event-id")
        followed = self._wanted(given, last, self._feed.size - 1)
        if request.method == "HEAD":
            return Response(b"", 200, STREAM_HEADERS, STREAM)
        client = client_of(request)
        self._enter(client)
        return HeldStream(
            self._stream(followed), lambda: self._leave(client), STREAM_HEADERS, STREAM
        )

    def _wanted(self, given: dict[str, str], last: str, default: int) -> Wanted:
        """Raises SchemaViolation, MalformedInput, NotFound."""
        # Whoever connects again repeats the address, and says in the header how far it came.
        text = last or given.get("after")
        if text is None:
            after = default
        elif text == "-1":
            after = -1
        elif text.isascii() and text.isdigit() and len(text) <= 15:
            after = int(text)
        else:
            raise SchemaViolation("after is the index of an entry, or -1", pointer="/after")
        if after >= self._feed.size:
            raise NotFound("no such entry", pointer="/after", size=self._feed.size)
        subject = given.get("subject", "")
        if "subject" in given:
            parse_tetrad_did(subject)
        types = wanted_types(given["type"]) if "type" in given else frozenset[str]()
        return Wanted(after, types, subject, flag(given, "entries"))

    def _enter(self, client: str) -> None:
        settings = self._service.settings
        if (
            self._following.total() >= settings.followers
            or self._following[client] >= settings.followers_each
            or self._feed.closed
        ):
            raise Busy(
                "too many follow the feed",
                hint="GET with Accept: application/json gives a page of it at any time",
                retry_after=settings.retry_seconds,
            )
        self._following[client] += 1

    def _leave(self, client: str) -> None:
        self._following[client] -= 1
        if not self._following[client]:
            del self._following[client]

    @property
    def following(self) -> int:
        """How many follow the feed."""
        return self._following.total()

    async def _stream(self, followed: Wanted) -> AsyncIterator[bytes]:
        """The parts of the answer; the next is made when the one before was taken."""
        feed, seconds = self._feed, self._service.settings.heartbeat_seconds
        start, said, told, silent = followed.after + 1, followed.after, b"", 0
        yield HEARTBEAT  # the head of the answer goes out with it
        while not feed.closed:
            change = feed.next_change
            events = await feed.read(start)
            parts = [
                sent(one, entries=followed.entries)
                for one in events
                if wanted(one, followed.types, followed.subject)
            ]
            if events:
                start = events[-1].index + 1
            size, note = feed.published
            if followed.checkpoints and note != told and start >= size:
                parts.append(sent_checkpoint(size, note))
                told = note
            if events and wanted(events[-1], followed.types, followed.subject):
                said = events[-1].index
            silent = 0 if parts else silent + 1
            if silent > _SCANNED and events:  # else who is cut off meanwhile would begin anew
                parts, said, silent = [sent_position(start - 1)], start - 1, 0
            if parts:
                yield b"".join(parts)
            if start < feed.size:
                await asyncio.sleep(0)
            elif not await within(change, seconds):
                quiet, said = said == start - 1, start - 1
                yield HEARTBEAT if quiet else sent_position(said)

    async def _page(self, given: dict[str, str], followed: Wanted) -> Response:
        """A page, without waiting for more: `after` of the next one is its `after`."""
        limit = page_limit(given, self._service.settings.page_rows)
        found: list[bytes] = []
        start = followed.after + 1
        for _ in range(_SCANNED):
            for event in await self._feed.read(start):
                if len(found) == limit:
                    break
                start = event.index + 1
                if wanted(event, followed.types, followed.subject):
                    found.append(data_of(event, entries=followed.entries))
            if len(found) == limit or start >= self._feed.size:
                break
        more = b"true" if start < self._feed.size else b"false"
        body = b'{"events":[' + b",".join(found) + b'],"after":%d,"more":%b}' % (start - 1, more)
        return json_response(body)


def streams(accepted: str) -> bool:
    """Whether an answer that does not end is what was asked for; JSON is for who names it."""
    return STREAM in accepted or (JSON not in accepted and (not accepted or "*/*" in accepted))


async def within(change: asyncio.Event, seconds: float) -> bool:
    """Whether something changes within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await change.wait()
    except TimeoutError:
        return False
    return True
