"""Reading requests: bodies within their limits, query parameters once and by name.

Everything here refuses before it holds more than it may: a body is counted while it arrives,
whatever its headers promise.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Collection, Coroutine, Generator
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Receive, Scope

from identity.errors import (
    InputTooLarge,
    MalformedInput,
    SchemaViolation,
    SlowRequest,
    UnsupportedMediaType,
)

MAX_PARAMETERS = 16


def header(scope: Scope, name: bytes) -> str:
    """The value of a header, "" where there is none; the first where there are several."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""


def media_type(scope: Scope) -> str:
    """The media type of the body without parameters, in lower case."""
    return header(scope, b"content-type").partition(";")[0].strip().lower()


def check_encoding(scope: Scope) -> None:
    """Raises UnsupportedMediaType for a compressed body: a small one may be huge inside."""
    coding = header(scope, b"content-encoding")
    if coding and coding.strip().lower() != "identity":
        raise UnsupportedMediaType(
            "bodies are read uncompressed", hint="send it without Content-Encoding"
        )


async def read_body(scope: Scope, receive: Receive, *, most: int, seconds: float) -> bytes:
    """The body, of at most `most` bytes, within `seconds`.

    Raises InputTooLarge, SlowRequest, UnsupportedMediaType, MalformedInput.
    """
    check_encoding(scope)
    length = header(scope, b"content-length")
    if length.isascii() and length.isdigit() and (len(length) > 12 or int(length) > most):
        raise _too_large(most)
    collecting = _collect(receive, most)
    try:
        waited = collecting.send(None)
    except StopIteration as done:  # it had arrived with the head: nothing to wait for, nor to time
        return bytes(done.value)
    try:
        async with asyncio.timeout(seconds):
            return await _resumed(collecting, waited)
    except TimeoutError:
        raise SlowRequest(f"the body did not arrive within {seconds} seconds") from None


@types.coroutine
def _resumed(begun: Coroutine[Any, Any, bytes], waited: object) -> Generator[object, object, bytes]:
    """What a coroutine returns that has begun and is waiting."""
    while True:
        try:
            sent = yield waited
        except BaseException as error:  # noqa: BLE001 - thrown on, into the coroutine
            step = partial(begun.throw, error)
        else:
            step = partial(begun.send, sent)
        try:
            waited = step()
        except StopIteration as done:
            return bytes(done.value)


async def _collect(receive: Receive, most: int) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if len(body) > most:
        raise _too_large(most)
    if not message.get("more_body"):
        _check_whole(message["type"])
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        _check_whole(message["type"])
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _too_large(most)
    return b"".join(parts)


def _check_whole(kind: str) -> None:
    if kind != "http.request":
        raise MalformedInput("the request ended before its body did")


def _too_large(most: int) -> InputTooLarge:
    return InputTooLarge(f"a body of at most {most} bytes is read here")


def query(scope: Scope, names: Collection[str]) -> dict[str, str]:
    """The query parameters, each of which is one of `names` and stands once.

    Raises MalformedInput, SchemaViolation.
    """
    raw: bytes = scope["query_string"]
    if not raw:
        return {}
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=False,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:  # UnicodeDecodeError is one
        raise MalformedInput(
            "the query is not percent-encoded UTF-8, or has too many members"
        ) from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in names:
            raise SchemaViolation(
                f"{name[:40]!r} is not a parameter here", hint="known: " + ", ".join(sorted(names))
            )
        if name in found:
            raise SchemaViolation(f"{name} stands twice in the query", pointer=f"/{name}")
        found[name] = value
    return found


def flag(given: dict[str, str], name: str, *, default: bool = False) -> bool:
    """A parameter that is 0 or 1. Raises SchemaViolation."""
    text = given.get(name)
    if text is None:
        return default
    if text not in ("0", "1"):
        raise SchemaViolation(f"{name} is 0 or 1", pointer=f"/{name}")
    return text == "1"


def number(given: dict[str, str], name: str, default: int | None = None) -> int:
    """A parameter that is a decimal number. Raises SchemaViolation."""
    text = given.get(name)
    if text is None and default is not None:
        return default
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise SchemaViolation(f"{name} is a decimal number", pointer=f"/{name}")
    return int(text)


def client_of(request: Request) -> str:
    """Where a request came from: an IPv4 address, or the /64 that one subscriber of IPv6 has."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return address.packed[:8].hex()
    return host
