"""POST /v1/operations/prepare: from a plain description to the exact bytes to sign."""

from __future__ import annotations

import secrets

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.errors import UnsupportedMediaType
from identity.jcs import parse
from registry.state import Key, Record, state_key
from registry.store import Store
from resolver.api.requests import media_type, query, read_body
from resolver.api.responses import json_response
from resolver.positions import PresentState
from resolver.prepare import prepare
from resolver.service import Service


class PresentRecords:
    """The newest committed records, as the rule book's port of the state (registry.state.State)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def size(self) -> int:
        """Entries so far."""
        head = self._store.head()
        return head.size if head else 0

    def get(self, key: Key) -> Record | None:
        """The newest record under a key."""
        (stored,) = self._store.records([state_key(key)])
        record: Record | None = orjson.loads(stored) if stored is not None else None
        return record


class PreparationEndpoint:
    """The endpoint over one service. Nothing is kept: whoever asks holds what was prepared."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._present = PresentState(PresentRecords(service.store), service.ledger_hash)

    def routes(self) -> list[BaseRoute]:
        """Its one route."""
        return [Route("/v1/operations/prepare", self.prepare, methods=["POST"])]

    async def prepare(self, request: Request) -> Response:
        """The operation that a description means, and what each signer signs."""
        query(request.scope, ())
        if media_type(request.scope) != "application/json":
            raise UnsupportedMediaType("a description is sent as application/json")
        service = self._service
        body = await read_body(
            request.scope,
            request.receive,
            most=service.settings.body_bytes,
            seconds=service.settings.body_seconds,
        )
        prepared = prepare(
            parse(body), self._present, service.schemes, service.now, secrets.token_bytes
        )
        return json_response(orjson.dumps(prepared.value()), headers={"cache-control": "no-store"})
