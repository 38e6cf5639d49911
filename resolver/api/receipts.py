"""Receipts over HTTP: of a device's registration, and of any operation by its hash."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.multibase import decode_multihash
from resolver.api.requests import flag, query
from resolver.api.responses import NO_CACHE, TEXT
from resolver.service import Service


class ReceiptEndpoints:
    """Receipts (C2SP tlog-proof), which whoever holds the operation checks offline.

    Under the checkpoint of the newest commit it is *logged*; with `witnessed=1`, under the
    published checkpoint, with whatever cosignatures that one has.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/v1/devices/{did}/receipt", self.device),
            Route("/v1/operations/{hash}/receipt", self.operation),
        ]

    async def device(self, request: Request) -> Response:
        """The receipt of a device's registration."""
        given = query(request.scope, ("witnessed",))
        resolver = self._service.resolver
        found = resolver.find(resolver.did(request.path_params["did"]))
        entry = found.device["registered"]["entry"]
        return await self._receipt(entry, witnessed=flag(given, "witnessed"))

    async def operation(self, request: Request) -> Response:
        """The receipt of an operation, whatever its type, by its hash."""
        given = query(request.scope, ("witnessed",))
        hash_ = request.path_params["hash"]
        decode_multihash(hash_)
        entry = self._service.reader.index_of(hash_)
        return await self._receipt(entry, witnessed=flag(given, "witnessed"))

    async def _receipt(self, entry: int, *, witnessed: bool) -> Response:
        reader = self._service.reader
        if witnessed:
            published = await self._service.publication.covering(entry + 1)
            (receipt,) = reader.receipts_under([entry], published.size, published.note)
        else:
            (receipt,) = reader.receipts([entry])
        return Response(receipt, 200, NO_CACHE, TEXT)
