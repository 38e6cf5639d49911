"""The ledger over HTTP: checkpoints, tiles and entry bundles (C2SP tlog-tiles), entries, proofs."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.errors import MalformedInput, NotFound
from registry.note import encode64
from registry.tile import ENTRIES, WIDTH, cut_tile, encode_bundle, parse_tile_path, tile_width
from resolver.api.requests import number, query
from resolver.api.responses import BYTES, IMMUTABLE, TEXT, json_response, tagged
from resolver.service import Service


class LedgerEndpoints:
    """Reads of the log; nothing here depends on what an operation means."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reader = service.reader

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/checkpoint", self.checkpoint),
            Route("/tile/{path:path}", self.tile),
            Route("/v1/ledger/entries/{index}", self.entry),
            Route("/v1/ledger/keys", self.keys),
            Route("/v1/ledger/checkpoints/{size}", self.old_checkpoint),
            Route("/v1/ledger/proofs/inclusion", self.inclusion),
            Route("/v1/ledger/proofs/consistency", self.consistency),
        ]

    async def checkpoint(self, request: Request) -> Response:
        """The published checkpoint, a C2SP signed note."""
        query(request.scope, ())
        published = await self._service.checkpoint()
        return tagged(request.scope, published.note, TEXT, "public, max-age=1")

    async def old_checkpoint(self, request: Request) -> Response:
        """The checkpoint that was signed with the commit of a size."""
        query(request.scope, ())
        note = self._reader.checkpoint(path_number(request, "size"))
        return Response(note, 200, IMMUTABLE, TEXT)

    async def tile(self, request: Request) -> Response:
        """A tile or an entry bundle of the published tree."""
        query(request.scope, ())
        path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        try:
            tile = parse_tile_path(path.decode("ascii").removeprefix("/"))
        except UnicodeDecodeError:
            raise MalformedInput("not the path of a tile") from None
        size = self._service.publication.size
        if tile_width(tile.level, tile.n, size) < tile.width:
            size = (await self._service.checkpoint()).size
        if tile_width(tile.level, tile.n, size) < tile.width:
            raise NotFound("the published tree has no such tile", size=size)
        if tile.level == ENTRIES:
            start = tile.n * WIDTH
            data = encode_bundle(self._reader.entries(start, start + tile.width))
        else:
            data = cut_tile(self._reader.tile(tile.level, tile.n), tile.width)
        return Response(data, 200, IMMUTABLE, BYTES)

    async def entry(self, request: Request) -> Response:
        """The canonical bytes of an entry, of which the leaf hash is made."""
        query(request.scope, ())
        return json_response(self._reader.entry(path_number(request, "index")), headers=IMMUTABLE)

    async def keys(self, request: Request) -> Response:
        """The evidence of updates of the log's keys, those at entries after the one named."""
        given = query(request.scope, ("after",))
        updates = self._service.key_updates.after(number(given, "after", 0))
        return json_response(orjson.dumps({"updates": updates}))

    async def inclusion(self, request: Request) -> Response:
        """The inclusion proof of an entry in the tree of a size, the newest unless given."""
        given = query(request.scope, ("index", "size"))
        index = number(given, "index")
        size = number(given, "size", self._reader.head().size)
        hashes = self._reader.inclusion(index, size)
        shown = {"index": index, "size": size, "hashes": [encode64(one) for one in hashes]}
        return json_response(orjson.dumps(shown))

    async def consistency(self, request: Request) -> Response:
        """The proof that the tree of one size extends that of another."""
        given = query(request.scope, ("from", "to"))
        first = number(given, "from")
        last = number(given, "to", self._reader.head().size)
        hashes = self._reader.consistency(first, last)
        shown = {"from": first, "to": last, "hashes": [encode64(one) for one in hashes]}
        return json_response(orjson.dumps(shown))


def path_number(request: Request, name: str) -> int:
    """A decimal number in the path. Raises MalformedInput."""
    text: str = request.path_params[name]
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise MalformedInput(f"{name} is a decimal number", pointer=f"/{name}")
    return int(text)
