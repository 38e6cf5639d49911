"""Connections: limits that hold before a request has a head, and refusals in our own form.

uvicorn's protocol with four additions: the head of a request must arrive in time and may have only
so many bytes, an answer must be read, and there are only so many connections. What cannot be read
as HTTP is answered with problem details like everything else.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, NoReturn

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from identity.errors import Busy, InputTooLarge, MalformedInput, SlowRequest, TetradError
from resolver.api.problems import PROBLEM, problem_bytes
from resolver.settings import Settings


class Connection(HttpToolsProtocol):
    """One connection. `limited_by` makes the class that a server uses."""

    settings: ClassVar[Settings]

    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _refusal: TetradError | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        if len(self.connections) > self.settings.connections:
            again = self.settings.retry_seconds
            self._refuse(Busy("too many connections", retry_after=again))
        else:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._stop_timer()
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """The client has read most of it."""
        self._stop_watching()
        super().resume_writing()

    def _watch(self) -> None:
        """Whoever asks and then reads nothing at all does not keep a place and its answers."""
        left = self.transport.get_write_buffer_size()
        seconds = self.settings.body_seconds
        self._unread = self.loop.call_later(seconds, self._cut_off_unless_read, left)

    def _cut_off_unless_read(self, left: int) -> None:
        self._unread = None
        if self.transport.get_write_buffer_size() < left:
            self._watch()
        else:
            self.transport.abort()

    def _stop_watching(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._timer is None and (self.cycle is None or self.cycle.response_complete):
            self._start_timer()  # a head has begun, and is not complete

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        self._head_bytes += len(url)
        if self._head_bytes > self.settings.header_bytes:
            self._head_too_large()
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self.settings.header_bytes:
            self._head_too_large()
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._stop_timer()
        super().on_headers_complete()

    def _head_too_large(self) -> NoReturn:
        most = self.settings.header_bytes
        self._refusal = InputTooLarge(f"address and headers of at most {most} bytes are read")
        raise httptools.HttpParserError("head too large")

    def _start_timer(self) -> None:
        if not self.transport.is_closing():
            self._timer = self.loop.call_later(self.settings.header_seconds, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        seconds = self.settings.header_seconds
        self._refuse(SlowRequest(f"the head of a request did not arrive within {seconds} seconds"))

    def send_400_response(self, msg: str) -> None:
        """Answers what is not HTTP; `msg` is uvicorn's, and ours says as much."""
        self._refuse(self._refusal or MalformedInput(f"not HTTP/1.1: {msg}"))

    def _refuse(self, error: TetradError) -> None:
        if self.transport.is_closing():
            return
        self._stop_timer()
        media, body = self.refusal(error)
        head = (
            f"content-type: {media}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
            "cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
        )
        if "retry_after" in error.members:
            head += f"retry-after: {error.members['retry_after']}\r\n"
        self.transport.write(STATUS_LINE[error.status] + head.encode() + b"\r\n" + body)
        self.transport.close()

    def refusal(self, error: TetradError) -> tuple[str, bytes]:
        """Media type and body of a refusal."""
        return PROBLEM, problem_bytes(error)


def limited_by(settings: Settings, kind: type[Connection] = Connection) -> type[Connection]:
    """The class of connections under these limits."""
    return type("LimitedConnection", (kind,), {"settings": settings})
