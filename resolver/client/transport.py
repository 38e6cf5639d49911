"""HTTP as flows have it: what httpx is given for a request, and what is taken of its response."""

from __future__ import annotations

import secrets
from typing import Any

import httpx

from identity.errors import InvalidAnswer, ServerUnreachable, TetradError
from resolver.client.flow import MAX_BYTES, Pause, Request, Response


def arguments(request: Request) -> dict[str, Any]:
    """What httpx sends for a request."""
    headers = {
        **request.headers,
        "accept": "application/json, */*;q=0.5",
        "accept-encoding": "identity",
    }
    if request.method in ("POST", "PUT"):
        headers["content-type"] = request.media
    return {
        "method": request.method,
        "url": request.path,
        "params": dict(request.query) or None,
        "content": request.body or None,
        "headers": headers,
    }


def response(response: httpx.Response, body: bytes) -> Response:
    """What came, as flows take it."""
    try:
        retry_after = float(response.headers.get("retry-after", "0"))
    except ValueError:
        retry_after = 0.0
    return Response(
        response.status_code, response.headers.get("content-type", ""), body, max(0.0, retry_after)
    )


def check_encoding(response: httpx.Response) -> None:
    """Nothing is decompressed here: two kilobytes may be gigabytes inside."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise InvalidAnswer("the server compresses an answer that was asked for as it is")


def check_length(body: bytearray) -> None:
    """Raises InvalidAnswer beyond what a client reads."""
    if len(body) > MAX_BYTES:
        raise InvalidAnswer(f"the server's answer is longer than {MAX_BYTES} bytes")


def unreachable(url: str, error: Exception) -> TetradError:
    """A way that failed, as one of our errors."""
    reason = str(error) or type(error).__name__
    return ServerUnreachable(f"no answer from {url}: {reason}", hint="is the service running?")


def spread(pause: Pause) -> float:
    """Half to all of a pause, so that those who were refused together do not come back together."""
    return pause.seconds * (0.5 + secrets.randbelow(1_000) / 2_000)
