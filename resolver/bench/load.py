"""A load generator that costs little: raw HTTP/1.1 over kept-alive loopback connections.

Each connection sends its next request when the answer to the last one is whole, as a client would.
The requests are ready-made bytes. Bounded by their number; refuses any host but loopback.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import uvloop

from identity.errors import ServerUnreachable


@dataclass
class Load:
    """What a run of requests gave."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """Answers, of any status."""
        return sum(self.statuses.values())

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds


def get(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(path: str, media: str, body: bytes) -> bytes:
    """A POST request."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], load: Load, *, keep: bool) -> None:
        self._requests = requests
        self._load = load
        self._keep = keep
        self._buffer = b""
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        if at < 0 and not self._buffer.endswith(_LAST_CHUNK):
            return
        if at >= 0:
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self._buffer) < end + 4 + length:
                return
        body = self._buffer[end + 4 :]
        status = int(head[9:12])
        self._load.statuses[status] = self._load.statuses.get(status, 0) + 1
        self._load.latencies.append(time.perf_counter() - self._sent)
        if self._keep:
            self._load.bodies.append(body if at >= 0 else _unchunked(body))
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ServerUnreachable(f"the server hung up: {exc}"))


_LAST_CHUNK = b"\r\n0\r\n\r\n"


def _unchunked(body: bytes) -> bytes:
    """The chunks of a body (RFC 9112, section 7.1) joined."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        length = int(body[at:end], 16)
        if not length:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + length])
        at = end + 4 + length


async def _drive(
    host: str, port: int, requests: Sequence[bytes], connections: int, *, keep: bool
) -> Load:
    load = Load()
    pending = iter(requests)
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: _Connection(pending, load, keep=keep), host, port)
        for _ in range(min(connections, len(requests)))
    ]
    await asyncio.gather(*(connection.done for _, connection in opened))
    load.seconds = time.perf_counter() - began
    return load


def drive(address: str, requests: Sequence[bytes], connections: int, *, keep: bool = False) -> Load:
    """Sends all requests to http://HOST:PORT over that many connections; `keep` keeps bodies.

    Raises ServerUnreachable, also for an address that is not of this machine.
    """
    host, _, port = address.removeprefix("http://").rpartition(":")
    if not ipaddress.ip_address(host.strip("[]")).is_loopback:
        raise ServerUnreachable("a load is sent to loopback addresses alone")
    return uvloop.run(_drive(host.strip("[]"), int(port), requests, connections, keep=keep))
