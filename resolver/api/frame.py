"""What every answer gets: headers of security and of CORS, and a place in the figures.

A plain ASGI wrapper, since it runs for each request.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STRICT: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
# FastAPI's page loads its scripts from a content delivery network; without it, /openapi.json holds
# the same. No other address allows a script.
_DOCS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'none'; connect-src 'self'; img-src 'self' data: https://fastapi.tiangolo.com;"
        b" script-src 'unsafe-inline' https://cdn.jsdelivr.net; style-src 'unsafe-inline'"
        b" https://cdn.jsdelivr.net; frame-ancestors 'none'",
    ),
)
# Reading is open to every page (GS1-Conformant Resolver 1.2 asks for it); writing needs a
# signature, not a cookie, so nothing here rests on the origin of a request.
_CORS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"etag, link, location, retry-after"),
)
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS, POST"),
    (b"access-control-allow-headers", b"accept, content-type, if-none-match"),
    (b"access-control-max-age", b"86400"),
)


class Frame:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, statuses: Counter[int]) -> None:
        self._app = app
        self._statuses = statuses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = (_DOCS if scope["path"] == "/docs" else _STRICT) + _CORS
        statuses = self._statuses

        async def framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses[message["status"]] += 1
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        if scope["method"] == "OPTIONS":
            headers = [*_PREFLIGHT, (b"content-length", b"0")]
            await framed({"type": "http.response.start", "status": 204, "headers": headers})
            await framed({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, framed)
