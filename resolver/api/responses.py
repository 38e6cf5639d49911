"""Responses as bytes, with the headers of caching that each kind of answer allows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from hashlib import sha256
from typing import Final

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from resolver.api.requests import header

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"

NO_CACHE: Final = {"cache-control": "no-cache"}
"""May be kept, but is asked for again: an answer about what may change with the next entry."""
IMMUTABLE: Final = {"cache-control": "public, max-age=31536000, immutable"}
"""What is in the ledger never changes."""


def json_response(
    data: bytes, status: int = 200, headers: Mapping[str, str] = NO_CACHE, media: str = JSON
) -> Response:
    """JSON bytes, of a type that is one of JSON."""
    return Response(data, status, headers, media)


class HeldStream(StreamingResponse):
    """An answer in parts that takes a place, which `release` gives back when it has ended, however
    that came about: the parts alone would not, where the client goes before the first."""

    def __init__(
        self,
        parts: AsyncIterator[bytes],
        release: Callable[[], None],
        headers: Mapping[str, str],
        media: str,
    ) -> None:
        super().__init__(parts, 200, headers, media)
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._release()


def tagged(scope: Scope, data: bytes, media: str, cache: str) -> Response:
    """A response with an ETag; 304 where the client has it already (RFC 9110, section 13.1.2)."""
    tag = f'"{sha256(data).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": cache}
    known = [one.strip().removeprefix("W/") for one in header(scope, b"if-none-match").split(",")]
    if tag in known or "*" in known:
        return Response(b"", 304, headers)
    return Response(data, 200, headers, media)
