"""One request and its answer over HTTP, as the blocking and the awaited client bound them alike."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

import httpx

from identity.errors import InvalidAnswer, ServerUnreachable, TetradError
from resolver.client.flow import MAX_BYTES, Pause, Request, Response, refusal

SILENCE = httpx.Timeout(60.0, connect=5.0)
"""Seconds within which something comes of an answer that does not end."""
LONGEST = 120.0
"""Seconds for a whole response: a server that drips holds nobody for ever."""


def arguments(request: Request) -> dict[str, Any]:
    """A request as httpx takes it."""
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


def parts(url: str, request: Request) -> Iterator[bytes]:
    """The parts of an answer that does not end, as they come; something comes at least every
    minute. Raises ServerUnreachable, or what the server refuses it for."""
    asked = arguments(request)
    asked["headers"] |= request.headers
    try:
        with httpx.Client(base_url=url, timeout=SILENCE) as http, http.stream(**asked) as response:
            check_encoding(response)
            if response.status_code != 200:
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    check_length(body)
                raise refusal(response_of(response, bytes(body)))
            yield from response.iter_bytes()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise unreachable(url, error) from error


def response_of(response: httpx.Response, body: bytes) -> Response:
    """A response as flows take it."""
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


def check_time(url: str, end: float) -> None:
    """Raises InvalidAnswer for one that has been under way too long."""
    if time.monotonic() > end:
        # Not ServerUnreachable: asked again, it would drip again.
        raise InvalidAnswer(
            f"an answer from {url} has not ended after {LONGEST:g} seconds",
            hint="the server, or the way to it, is too slow",
        )


def check_length(body: bytearray) -> None:
    """Raises InvalidAnswer for one that is too long."""
    if len(body) > MAX_BYTES:
        raise InvalidAnswer(f"the server's answer is longer than {MAX_BYTES} bytes")


def unreachable(url: str, error: Exception) -> TetradError:
    """No answer came, and why."""
    reason = str(error) or type(error).__name__
    return ServerUnreachable(f"no answer from {url}: {reason}", hint="is the service running?")


def spread(pause: Pause) -> float:
    """Half to all of a pause, so that those who were refused together do not come back together."""
    return pause.seconds * (0.5 + secrets.randbelow(1_000) / 2_000)
