"""GET /v1/labels/{code}: the label of a registered code; GET /c/{scheme}/{value}: where one leads.

Both are routed on the raw path, since `%2F` and `%23` are characters of a code. The address on a
label is one under which the operator made the service known, whatever host a client says it asked.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from identity.errors import MalformedInput, SchemaViolation
from resolver.api.authenticating import Authenticating
from resolver.api.docs import host_of
from resolver.api.limits import RateLimit
from resolver.api.requests import client_of, header, number, query
from resolver.api.resolution import MAX_CODE
from resolver.api.responses import NO_CACHE, tagged
from resolver.directory import Directory
from resolver.labels import (
    MEDIA,
    Drawing,
    check_current,
    drawn,
    printed_code,
    printed_url,
    readable,
)
from resolver.resolution import tombstone
from resolver.schemes import Code
from resolver.service import Service

CACHE: Final = "public, max-age=3600"
"""A label never changes, but that it ends with its device."""

_LABELS: Final = b"/v1/labels/"
_PRINTED: Final = b"/c/"


class LabelEndpoints:
    """Labels over HTTP."""

    def __init__(
        self, service: Service, directory: Directory, authenticating: Authenticating
    ) -> None:
        settings = service.settings
        self._directory = directory
        self._authenticating = authenticating
        self._limit = RateLimit(settings.labels, settings.lookup_clients, service.clock)

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/v1/labels/{code:path}", self.label),
            Route("/c/{code:path}", self.printed),
        ]

    async def label(self, request: Request) -> Response:
        """The label of a code that a device bears: SVG, or PNG. Raises NotFound, Gone."""
        given = query(request.scope, ("scheme", "format", "level", "scale"))
        drawing = Drawing(
            cast("Any", given.get("format", "svg")),
            given.get("level", "m").lower(),
            number(given, "scale", 8),
        )
        text = _rest(request.scope, _LABELS)
        if not 0 < len(text) <= MAX_CODE:
            raise SchemaViolation(
                f"a code has 1 to {MAX_CODE} characters", hint="/v1/labels/CODE, percent-encoded"
            )
        asked = self._directory.code(text, given.get("scheme"))
        found = await self._directory.find(asked)
        if found.ended:
            raise tombstone(found)
        code = cast("Code", asked.read_as)
        check_current(code, found.device)
        self._limit.check(client_of(request))
        url = printed_url(self._base(request.scope), code)
        # Drawing takes milliseconds: other requests are answered meanwhile.
        data = await asyncio.to_thread(drawn, url, readable(code), drawing)
        return tagged(request.scope, data, MEDIA[drawing.format], CACHE)

    def _base(self, scope: Scope) -> str:
        """The address to print: the one that was asked where it is the service's own, else the
        first of these. A host that anybody can claim stands on no label."""
        asked = f"{scope['scheme']}://{host_of(scope)}"
        known = self._authenticating.audiences
        return asked if asked in known or not known else known[0]

    async def printed(self, request: Request) -> Response:
        """Whoever scans a label is sent on: a browser to the device's page, if it has one, all
        others to the answer of /v1/resolve."""
        given = query(request.scope, ("at", "proof"))
        code = printed_code(_raw(request.scope, _PRINTED))
        asked = self._directory.code(code.value, code.scheme)
        resolved = {"code": code.value, "scheme": code.scheme, **given}
        way = "/v1/resolve?" + "&".join(f"{n}={quote(v, safe='')}" for n, v in resolved.items())
        if not given and "text/html" in header(request.scope, b"accept").lower():
            found = await self._directory.find(asked)
            way = _page(found.device) or way
        return Response(b"", 307, {"location": way, "vary": "accept", **NO_CACHE})


def _page(device: Any) -> str | None:  # noqa: ANN401 - a record
    """The first page among a living device's endpoints."""
    if device["status"] != "active" or device["data"] == "none":
        return None
    urls = (endpoint["url"] for endpoint in device["data"]["endpoints"])
    return next((url for url in urls if url.startswith(("https://", "http://"))), None)


def _raw(scope: Scope, prefix: bytes) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    try:
        return raw.removeprefix(prefix).decode("ascii")
    except UnicodeDecodeError:
        raise MalformedInput("an address is percent-encoded ASCII") from None


def _rest(scope: Scope, prefix: bytes) -> str:
    """What follows a prefix in the raw path, percent-decoded once."""
    try:
        return unquote(_raw(scope, prefix), errors="strict")
    except UnicodeDecodeError:
        raise MalformedInput("an address is percent-encoded UTF-8") from None
