"""Listings of devices, organizations and grants, in pages, in the order of registration."""

from __future__ import annotations

from typing import cast

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.did import parse_tetrad_did
from identity.errors import InvalidCursor, MalformedInput, NotFound, SchemaViolation
from identity.multibase import decode_multihash
from registry.state import Key, Subject, state_key
from resolver.api.requests import query
from resolver.api.resolution import page_limit
from resolver.api.responses import json_response
from resolver.service import Service

STATUSES = {
    "device": ("active", "suspended", "revoked", "retired"),
    "organization": ("active", "suspended", "revoked", "retired"),
    "grant": ("active", "withdrawn"),
}


class ListingEndpoints:
    """Pages of records, and single ones that are not devices."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._store = service.store
        self._rows = service.settings.page_rows

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/v1/devices", self.devices),
            Route("/v1/organizations", self.organizations),
            Route("/v1/organizations/{did}", self.organization),
            Route("/v1/registry", self.registry),
            Route("/v1/grants", self.grants),
            Route("/v1/grants/{hash}", self.grant),
            Route("/v1/nodes", self.nodes),
        ]

    async def devices(self, request: Request) -> Response:
        """Devices, of one controller or status where asked for."""
        given = query(request.scope, ("cursor", "limit", "status", "controller"))
        return self._page(given, "device", b"devices", given.get("controller"))

    async def organizations(self, request: Request) -> Response:
        """Organizations."""
        given = query(request.scope, ("cursor", "limit", "status"))
        return self._page(given, "organization", b"organizations")

    async def grants(self, request: Request) -> Response:
        """Grants, of one holder or status where asked for."""
        given = query(request.scope, ("cursor", "limit", "status", "holder"))
        return self._page(given, "grant", b"grants", given.get("holder"))

    async def nodes(self, request: Request) -> Response:
        """The nodes of those who hold a prefix, each with one grant in force that names it."""
        given = query(request.scope, ("cursor", "limit"))
        after, limit = after_of(given.get("cursor")), page_limit(given, self._rows)
        nodes, following = self._service.delegations.nodes(after, limit, self._service.now)
        cursor = str(following) if following is not None else None
        return json_response(orjson.dumps({"nodes": nodes, "cursor": cursor}))

    async def organization(self, request: Request) -> Response:
        """An organization, or the authority."""
        query(request.scope, ())
        did = request.path_params["did"]
        parse_tetrad_did(did)
        record = self._record(("did", did))
        if record is None or b'"kind":"device"' in record:
            raise NotFound("no organization with this DID on this ledger")
        return json_response(b'{"organization":%b}' % record)

    async def registry(self, request: Request) -> Response:
        """The ledger's own record: its log keys, policy and recommended witnesses."""
        query(request.scope, ())
        record = self._record(("registry",))
        if record is None:
            raise NotFound("the ledger has not begun")
        return json_response(b'{"registry":%b}' % record)

    async def grant(self, request: Request) -> Response:
        """A grant, by the hash of the operation that issued it."""
        query(request.scope, ())
        hash_ = request.path_params["hash"]
        decode_multihash(hash_)
        record = self._record(("grant", hash_))
        if record is None:
            raise NotFound("no grant of this hash on this ledger")
        return json_response(b'{"grant":%b}' % record)

    def _record(self, key: Key) -> bytes | None:
        (record,) = self._store.records([state_key(key)])
        return record

    def _page(
        self, given: dict[str, str], kind: str, name: bytes, owner: str | None = None
    ) -> Response:
        status = given.get("status")
        if status is not None and status not in STATUSES[kind]:
            raise SchemaViolation(
                "no such status", pointer="/status", hint=", ".join(STATUSES[kind])
            )
        page = self._store.listing(
            kind,
            after=after_of(given.get("cursor")),
            limit=page_limit(given, self._rows),
            status=status,
            owner=self._owner(owner) if owner is not None else None,
        )
        records = [one or b"null" for one in self._store.records([row.key for row in page.rows])]
        following = orjson.dumps(str(page.after) if page.after is not None else None)
        return json_response(b'{"%b":[%b],"cursor":%b}' % (name, b",".join(records), following))

    def _owner(self, did: str) -> int:
        """The entry that made an organization, by which listings know it."""
        try:
            parse_tetrad_did(did)
        except MalformedInput as error:
            error.pointer = "/controller"
            raise
        record = self._record(("did", did))
        if record is None:
            raise NotFound("no organization with this DID on this ledger")
        return cast("Subject", orjson.loads(record))["registered"]["entry"]


def after_of(cursor: str | None) -> int:
    """The entry behind which a page begins. Raises InvalidCursor."""
    if cursor is None:
        return -1
    if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > 15:
        raise InvalidCursor("a cursor is one that a page ended with", pointer="/cursor")
    return int(cursor)
