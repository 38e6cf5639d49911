"""What every answer gets: headers of security and of CORS, and a place in the figures.

A plain ASGI wrapper, since it runs for each request; the addresses that are asked most go from here
straight to their endpoints, without a search among the routes: whole ones, and those that end in a
`{name:path}` by their first one or two segments.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from resolver.api.docs import STYLE_SOURCE
from resolver.api.problems import internal_error

_STRICT: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
# The page for people has one style of its own. No address allows a script.
_DOCS: Final = (
    *_STRICT[:2],
    (
        b"content-security-policy",
        f"default-src 'none'; style-src {STYLE_SOURCE}; frame-ancestors 'none'".encode(),
    ),
)
# Reading is open to every page (GS1-Conformant Resolver 1.2 asks for it); writing needs a
# signature, not a cookie, so nothing here rests on the origin of a request.
_CORS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"etag, link, location, retry-after, www-authenticate"),
)
_TAIL: Final = re.compile(r"\{\w+:path\}$")

_ON_ALL: Final = _STRICT + _CORS
_ON_DOCS: Final = _DOCS + _CORS
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"DELETE, GET, HEAD, OPTIONS, POST"),
    (
        b"access-control-allow-headers",
        b"accept, authorization, content-type, dpop, dpop-beside, if-none-match",
    ),
    (b"access-control-max-age", b"86400"),
)


class Direct:
    """An ASGI application as a routed endpoint: Starlette takes functions for something else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        await self.app(scope, receive, send)


class Frame:
    """The outermost layer of the application."""

    def __init__(
        self, app: ASGIApp, statuses: Counter[int], direct: Mapping[tuple[str, str], ASGIApp]
    ) -> None:
        """`direct` are endpoints by method and path, which answer our own errors themselves."""
        self._app = app
        self._direct = direct
        self._statuses = statuses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = _ON_DOCS if scope["path"] == "/docs" else _ON_ALL
        statuses = self._statuses
        started = False

        async def framed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                statuses[message["status"]] += 1
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        if scope["method"] == "OPTIONS":
            headers = [*_PREFLIGHT, (b"content-length", b"0")]
            await framed({"type": "http.response.start", "status": 204, "headers": headers})
            await framed({"type": "http.response.body", "body": b""})
            return
        app = self._endpoint(scope["method"], scope["path"])
        try:
            await app(scope, receive, framed)
        except Exception as error:
            if started:
                raise
            refusal = await internal_error(Request(scope), error)
            await refusal(scope, receive, framed)

    def _endpoint(self, method: str, path: str) -> ASGIApp:
        """The endpoint of the whole path, or of its first one or two segments; else the search."""
        found = self._direct.get((method, path))
        end = 1
        while found is None and (end := path.find("/", end) + 1) and path.count("/", 0, end) < 4:
            found = self._direct.get((method, path[:end]))
        return found or self._app


def direct_endpoints(routes: Iterable[BaseRoute]) -> dict[tuple[str, str], ASGIApp]:
    """The endpoints among the routes that need no search, by method and path, or its beginning."""
    return {
        (method, _TAIL.sub("", route.path)): route.endpoint.app
        for route in routes
        if isinstance(route, Route) and isinstance(route.endpoint, Direct)
        for method in route.methods or ()
    }
