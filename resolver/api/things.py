"""The node as a Web of Things directory: its devices as Thing Descriptions, read and searched.

W3C Web of Things Discovery, section 7.3, for reading: things are registered by signed operations.
A listing is of this ledger; a single thing is asked of the directory of devices.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.errors import InputTooLarge, MalformedInput, SchemaViolation
from registry.state import Device
from registry.store import Row
from resolver.api.docs import host_of
from resolver.api.listings import after_of
from resolver.api.requests import number, query
from resolver.api.resolution import page_limit
from resolver.api.responses import NO_CACHE, json_response
from resolver.directory import Devices
from resolver.jsonpath import search
from resolver.resolution import tombstone
from resolver.service import Service
from resolver.things import CONTEXTS, ENDED, MEDIA, directory_thing, thing_of

LINKED: Final = "application/ld+json"
FORMATS: Final = ("array", "collection")
MOST_SCANNED: Final = 20_000
"""Rows of the ledger that one page looks at, those of devices that have ended included."""
SEARCHED: Final = 1_000
"""Things over which a query goes at a time."""
SEARCHES: Final = 2
"""That go on at a time: each has a thread for itself, for less than a second or two."""


class ThingEndpoint:
    """Single things."""

    def __init__(self, directory: Devices) -> None:
        self._directory = directory

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [Route("/things/{did}", self.thing, methods=["GET"])]

    async def thing(self, request: Request) -> Response:
        """One device."""
        query(request.scope, ())
        found = await self._directory.find(self._directory.did(request.path_params["did"]))
        if found.ended:
            raise tombstone(found)
        return json_response(orjson.dumps(thing_of(found.device)), media=MEDIA)


class ThingEndpoints:
    """The things of one ledger."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._store = service.store
        self._rows = service.settings.page_rows
        self._searches = 0

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/things", self.things, methods=["GET"]),
            Route("/search/jsonpath", self.search, methods=["GET"]),
            Route("/.well-known/wot", self.introduction, methods=["GET"]),
        ]

    async def introduction(self, request: Request) -> Response:
        """What kind of directory this is."""
        query(request.scope, ())
        base = f"{request.scope['scheme']}://{host_of(request.scope)}/"
        origin = self._service.site.secrets.origin
        thing = directory_thing(self._service.ledger_hash, origin, base)
        return json_response(orjson.dumps(thing), media=MEDIA)

    async def things(self, request: Request) -> Response:
        """A page of them, in the order of registration."""
        given = query(request.scope, ("limit", "offset", "cursor", "format"))
        form = given.get("format", "array")
        if form not in FORMATS:
            raise SchemaViolation("no such format", pointer="/format", hint=", ".join(FORMATS))
        if "offset" in given and "cursor" in given:
            raise SchemaViolation("offset or cursor, not both", pointer="/offset")
        limit = page_limit(given, self._rows)
        skipped = number(given, "offset", 0)
        if skipped > MOST_SCANNED:
            raise _too_far()
        rows, following = self._page(after_of(given.get("cursor")), limit, skipped)
        links = ['</things>; rel="canonical"']
        address = None
        if following is not None:
            asked = {"limit": limit, "cursor": following, "format": form}
            address = f"/things?{urlencode(asked)}"
            links.append(f'<{address}>; rel="next"')
        things = [thing_of(device) for device in self._devices(rows)]
        body: Any = things
        if form == "collection":
            body = {
                "@context": CONTEXTS[1],
                "@type": "ThingCollection",
                "@id": f"/things?{request.url.query}",
                **({"next": address} if address else {}),
                "members": things,
            }
        headers = {**NO_CACHE, "link": ", ".join(links)}
        return json_response(orjson.dumps(body), 200, headers, LINKED)

    def _page(self, after: int, limit: int, skipped: int = 0) -> tuple[list[Row], int | None]:
        """Rows of devices that have not ended, behind those that are skipped, and where the next
        page begins. Raises SchemaViolation where there are too many to skip.

        Where many have ended, a page may have fewer than `limit` and go on all the same.
        """
        rows: list[Row] = []
        position: int | None = after
        for _ in range(MOST_SCANNED // SEARCHED):
            if position is None or len(rows) >= skipped + limit:
                break
            page = self._store.listing("device", after=position, limit=SEARCHED)
            rows += [row for row in page.rows if row.status not in ENDED]
            position = page.after
        if len(rows) > skipped + limit:
            rows = rows[: skipped + limit]
            position = rows[-1].entry
        elif len(rows) < skipped and position is not None:
            raise _too_far()
        return rows[skipped:], position

    def _devices(self, rows: list[Row]) -> list[Device]:
        records = self._store.records([row.key for row in rows])
        devices = [cast("Device", orjson.loads(one)) for one in records if one is not None]
        return [one for one in devices if one["status"] not in ENDED]  # it may just have ended

    async def search(self, request: Request) -> Response:
        """What a JSONPath selects in the array of all things, or of a window of them."""
        given = query(request.scope, ("query", "cursor"))
        if not given.get("query"):
            raise MalformedInput("query is a JSONPath (RFC 9535)", pointer="/query")
        if self._searches >= SEARCHES:
            raise self._service.busy("other searches are going on")
        self._searches += 1
        try:
            found, following = await asyncio.to_thread(
                self._search, given["query"], given.get("cursor")
            )
        finally:
            self._searches -= 1
        headers = dict(NO_CACHE)
        if following is not None:
            asked = {"query": given["query"], "cursor": following}
            headers["link"] = f'</search/jsonpath?{urlencode(asked)}>; rel="next"'
        return json_response(found, 200, headers)

    def _search(self, text: str, cursor: str | None) -> tuple[bytes, int | None]:
        """Works in a thread of its own: a store may be read from several."""
        rows, following = self._page(after_of(cursor or None), SEARCHED)
        if following is not None and cursor is None:
            raise InputTooLarge(
                f"there are more than {SEARCHED} things",
                hint="with cursor= the query goes over them window by window, and the Link header "
                "leads to the next",
            )
        return search(text, [thing_of(one) for one in self._devices(rows)]), following


def _too_far() -> SchemaViolation:
    return SchemaViolation(
        "offset leads too far", pointer="/offset", hint="the Link header leads from page to page"
    )
