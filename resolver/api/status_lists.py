"""Status lists of issuers over HTTP: PUT by whoever holds the issuer's key, GET by everybody."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.did import parse_tetrad_did
from identity.errors import NotFound, UnsupportedMediaType
from identity.jcs import canonicalize, parse
from resolver.api.limits import RateLimit
from resolver.api.requests import client_of, media_type, query, read_body
from resolver.api.responses import json_response, tagged
from resolver.methods import LedgerMethods
from resolver.service import Service
from resolver.status_lists import check_name, check_published, check_room

CREDENTIAL = "application/vc"
_CACHE = "public, max-age=60"
"""Seconds for which a revocation may stay unseen by who asks a cache."""


class StatusListEndpoints:
    """The endpoints over one service. What a list says is its issuer's; the proof says whose."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lists = service.site.lists
        self._one = asyncio.Lock()
        self._methods = LedgerMethods(service.store)
        settings = service.settings
        self._limit = RateLimit(settings.list_writes, settings.lookup_clients, service.clock)

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        path = "/v1/status-lists/{issuer}/{name}"
        return [
            Route(path, self.get, methods=["GET"]),
            Route(path, self.put, methods=["PUT"]),
        ]

    async def get(self, request: Request) -> Response:
        """The newest list of that name."""
        query(request.scope, ())
        issuer, name = self._place(request)
        found = await asyncio.to_thread(self._lists.get, issuer, name)
        if found is None:
            raise NotFound("no such status list")
        return tagged(request.scope, found, CREDENTIAL, _CACHE)

    async def put(self, request: Request) -> Response:
        """Publishes a list: 201 for a new one, 200 for a newer one or the same again."""
        query(request.scope, ())
        issuer, name = self._place(request)
        self._limit.check(client_of(request))
        if media_type(request.scope) not in (CREDENTIAL, "application/json"):
            raise UnsupportedMediaType(f"a status list is sent as {CREDENTIAL}")
        settings = self._service.settings
        body = await read_body(
            request.scope, request.receive, most=settings.body_bytes, seconds=settings.body_seconds
        )
        credential = parse(body)
        data = canonicalize(credential)
        async with self._one:
            kept = await asyncio.to_thread(self._lists.get, issuer, name)
            if kept != data:
                before = None if kept is None else parse(kept)
                check_published(credential, issuer, name, self._methods, self._service.now, before)
                check_room(self._lists, issuer, name, settings.status_lists)
                await asyncio.to_thread(self._lists.put, issuer, name, data)
        status = 201 if kept is None else 200
        return json_response(data, status, {"cache-control": "no-store"}, CREDENTIAL)

    @staticmethod
    def _place(request: Request) -> tuple[str, str]:
        issuer, name = request.path_params["issuer"], request.path_params["name"]
        parse_tetrad_did(issuer)
        check_name(name)
        return issuer, name
