"""What carries the messages of `tetrad meet`: a TCP connection, or any two pipes.

A message travels as its length (4 bytes, big-endian) and its bytes. Nothing here is trusted with
anything: whoever carries a message can only keep it back.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import BinaryIO, NamedTuple, Protocol, cast

import click

from identity.errors import InputTooLarge, InvalidHandshake, ServerUnreachable

LONGEST = 1_048_576
"""Bytes of a message; a longer one is not read."""


class Address(NamedTuple):
    """Where to listen, or whom to call."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address_of(text: str) -> Address:
    """`HOST:PORT`, `[::1]:PORT`, or `PORT` of this machine. Raises UsageError."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal() and int(port) < 65_536):
        raise click.UsageError(f"an address reads HOST:PORT, as in 127.0.0.1:7000, not {text!r}")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


class Reads(Protocol):
    """Where bytes come from."""

    def read1(self, count: int, /) -> bytes:
        """Some bytes, at most `count`; none at the end. Raises OSError, as a TimeoutError."""


class _Pipe(NamedTuple):
    """A pipe that is waited for as a socket is."""

    reads: BufferedReader
    timeout: float

    def read1(self, count: int, /) -> bytes:
        # Nothing is left over in the reader, which takes no more than it is asked for.
        if not select.select([self.reads], [], [], self.timeout)[0]:
            raise TimeoutError("timed out")
        return self.reads.read1(count)


class Wire(NamedTuple):
    """Two directions of bytes."""

    reads: Reads
    writes: BinaryIO
    timeout: float | None = None
    """Seconds for a whole message, so that nobody keeps us by a byte at a time."""

    def send(self, message: bytes) -> None:
        """Raises ServerUnreachable where nobody takes it."""
        try:
            self.writes.write(len(message).to_bytes(4) + message)
            self.writes.flush()
        except OSError as failure:
            raise ServerUnreachable(f"the other device is gone: {_why(failure)}") from None

    def receive(self) -> bytes:
        """The next message. Raises InvalidHandshake where none comes, InputTooLarge."""
        length = int.from_bytes(self._exactly(4))
        if length > LONGEST:
            raise InputTooLarge(f"a message of {length} bytes, where at most {LONGEST} are read")
        return self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        data, began = b"", time.monotonic()
        while len(data) < count:
            try:
                more = self.reads.read1(count - len(data))
            except OSError as failure:
                raise ServerUnreachable(f"the other device is silent: {_why(failure)}") from None
            if not more:
                raise InvalidHandshake(
                    "the other device ended the meeting",
                    hint="it tells at its own end why it refused",
                )
            data += more
            if self.timeout is not None and time.monotonic() - began > self.timeout:
                raise ServerUnreachable(f"the other device takes more than {self.timeout:g} s")
        return data


def _why(failure: OSError) -> str:
    return failure.strerror or str(failure) or type(failure).__name__


@contextmanager
def _over(connection: socket.socket, timeout: float) -> Iterator[Wire]:
    connection.settimeout(timeout)
    with connection, connection.makefile("rb") as reads, connection.makefile("wb") as writes:
        yield Wire(reads, writes, timeout)


@contextmanager
def connected(address: Address, timeout: float) -> Iterator[Wire]:
    """A connection to a device that listens. Raises ServerUnreachable."""
    try:
        connection = socket.create_connection(address, timeout)
    except OSError as failure:
        raise ServerUnreachable(
            f"nobody answers at {address}: {_why(failure)}",
            hint="the other device waits there with `tetrad meet --listen`",
        ) from None
    with _over(connection, timeout) as wire:
        yield wire


@contextmanager
def listening(address: Address, timeout: float, ready: Callable[[Address], None]) -> Iterator[Wire]:
    """The first connection that comes; `ready` is told where. Raises ServerUnreachable."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.create_server(address, family=family) as server:
            ready(Address(*server.getsockname()[:2]))
            connection, _ = server.accept()
    except OSError as failure:
        raise ServerUnreachable(f"cannot listen at {address}: {_why(failure)}") from None
    with _over(connection, timeout) as wire:
        yield wire


@contextmanager
def piped(timeout: float) -> Iterator[Wire]:
    """The standard input and output."""
    given = cast("BufferedReader", sys.stdin.buffer)
    try:
        given.fileno()
    except OSError:  # what is in memory is there already
        yield Wire(given, sys.stdout.buffer, timeout)
        return
    yield Wire(_Pipe(given, timeout), sys.stdout.buffer, timeout)
