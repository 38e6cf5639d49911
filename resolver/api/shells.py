"""Asset Administration Shells found by asset link: AAS Part 2, Discovery, for reading.

    POST /lookup/shellsByAssetLink  [{"name": "gs1", "value": "(01)09506000134352(21)M-0017"}]
    {"paging_metadata": {}, "result": ["did:tetrad:…"]}

Links are asset links of a registered device; they are set by signed operations. One that leads to a
device is asked of the directory; those that several share (maker, model, controller) are looked for
in this ledger, in pages. A refusal is problem details with the `messages` that AAS clients read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, cast
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.errors import (
    Delegated,
    InvalidIdentifier,
    MalformedInput,
    NotFound,
    TetradError,
    UnsupportedMediaType,
)
from identity.jcs import parse
from identity.members import format_time
from registry.state import Device
from registry.store import Store
from resolver.api.listings import after_of
from resolver.api.problems import problem_response
from resolver.api.requests import media_type, query, read_body
from resolver.api.resolution import page_limit
from resolver.api.responses import json_response
from resolver.directory import Devices
from resolver.settings import Settings
from resolver.shells import (
    GLOBAL,
    Link,
    check_public,
    decoded,
    identifying,
    links_of,
    matches,
    read_asset_ids,
    read_links,
    unknown,
)
from resolver.things import ENDED

PROFILES: Final = ("https://admin-shell.io/aas/API/3/1/DiscoveryServiceSpecification/SSP-002",)
SCANNED: Final = 500
"""Devices that one page looks at for those with a maker or model."""
_PAGING: Final = ("limit", "cursor")

Endpoint = Callable[[Request], Awaitable[Response]]


class ShellEndpoints:
    """Shells over HTTP."""

    def __init__(
        self,
        directory: Devices,
        settings: Settings,
        clock: Callable[[], float],
        store: Store | None = None,
    ) -> None:
        """`directory` is asked for single devices, `store` is that of the node's own ledger, where
        it has one."""
        self._directory = directory
        self._settings = settings
        self._clock = clock
        self._store = store

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route(
                "/lookup/shellsByAssetLink",
                self._refusing(self.by_asset_link),
                methods=["POST"],
            ),
            Route("/lookup/shells", self._refusing(self.by_asset_ids), methods=["GET"]),
            Route("/lookup/shells/{identifier}", self._refusing(self.links), methods=["GET"]),
            Route("/description", self.description, methods=["GET"]),
        ]

    def _refusing(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint, with refusals that have `messages` (AAS Part 2, Result) as well."""

        async def refusing(request: Request) -> Response:
            try:
                return await endpoint(request)
            except TetradError as error:
                message = {
                    "code": error.code,
                    "correlationId": "",
                    "messageType": "Error",
                    "text": error.detail,
                    "timestamp": format_time(int(self._clock())),
                }
                error.members["messages"] = [message]
                return problem_response(error)

        return refusing

    async def description(self, request: Request) -> Response:
        """Which part of the standard this is."""
        query(request.scope, ())
        return json_response(orjson.dumps({"profiles": PROFILES}))

    async def by_asset_link(self, request: Request) -> Response:
        """The shells whose assets have all links of the body."""
        given = query(request.scope, _PAGING)
        if media_type(request.scope) != "application/json":
            raise UnsupportedMediaType("asset links are sent as application/json")
        most, seconds = self._settings.body_bytes, self._settings.body_seconds
        body = await read_body(request.scope, request.receive, most=most, seconds=seconds)
        return await self._found(read_links(parse(body)), given)

    async def by_asset_ids(self, request: Request) -> Response:
        """The same, with the links in the address."""
        raw = request.scope["query_string"].decode("ascii", "replace")
        encoded = [
            value
            for name, value in parse_qsl(raw, keep_blank_values=True, errors="replace")
            if name == "assetIds"
        ]
        rest = "&".join(one for one in raw.split("&") if not one.startswith("assetIds="))
        given = query({"query_string": rest.encode()}, _PAGING)
        return await self._found(read_asset_ids(encoded), given)

    async def links(self, request: Request) -> Response:
        """The asset links of one shell."""
        query(request.scope, ())
        did = decoded(request.path_params["identifier"]).decode("utf-8", "replace")
        found = await self._directory.find(self._directory.did(did))
        if found.ended:
            raise NotFound("the device has ended, and has no shell any more")
        return json_response(orjson.dumps([link._asdict() for link in links_of(found.device)]))

    async def _found(self, links: Sequence[Link], given: dict[str, str]) -> Response:
        limit = page_limit(given, self._settings.page_rows)
        after = after_of(given.get("cursor"))
        check_public(links)
        following = None
        if not links or unknown(links):
            dids: list[str] = []
        elif (link := identifying(links)) is not None:
            device = await self._identified(link)
            found = device is not None and matches(device, links, link)
            dids = [device["did"]] if device is not None and found else []
        else:
            dids, following = self._described(links, limit, after)
        paging = {} if following is None else {"cursor": str(following)}
        return json_response(orjson.dumps({"paging_metadata": paging, "result": dids}))

    async def _identified(self, link: Link) -> Device | None:
        """The device to which a link leads, in whatever form its value is. Raises Delegated: that
        another node knows it is not that there is none."""
        try:
            if link.name == "did" or (link.name == GLOBAL and link.value.startswith("did:tetrad:")):
                asked = self._directory.did(link.value)
            else:
                scheme = None if link.name == GLOBAL else link.name
                asked = self._directory.code(link.value, scheme)
            found = await self._directory.find(asked)
        except Delegated:
            raise
        except (NotFound, InvalidIdentifier, MalformedInput):
            return None  # nothing has such an identifier
        return None if found.ended else found.device

    def _described(
        self, links: Sequence[Link], limit: int, after: int
    ) -> tuple[list[str], int | None]:
        """Devices of this ledger that have the links, of a bounded number that are looked at."""
        if self._store is None:
            raise MalformedInput(
                "these links lead to many devices",
                hint="ask the node of their ledger, or add a code, a DID or a globalAssetId",
            )
        page = self._store.listing("device", after=after, limit=SCANNED)
        rows = [row for row in page.rows if row.status not in ENDED]
        dids: list[str] = []
        for row, record in zip(rows, self._store.records([one.key for one in rows]), strict=True):
            device = cast("Device", orjson.loads(record or b"null"))
            if matches(device, links):
                dids.append(device["did"])
                if len(dids) == limit:
                    return dids, row.entry if (row is not rows[-1] or page.after) else None
        return dids, page.after
