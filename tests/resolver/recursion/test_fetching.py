"""Asking nodes over real connections: the address that was checked, and bounds on what comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from identity.errors import HostRefused, InvalidAnswer, ServerUnreachable
from resolver.client.flow import Request, Response
from resolver.recursion.allowed import AllowList
from resolver.recursion.fetching import AT_A_TIME, KEPT_SECONDS, Fetcher

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
QUESTION = Request("GET", "/checkpoint", {"a": "b c"})


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[int]:
    """A server on loopback; its port. Whatever becomes of a connection, it is closed."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await handler(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)  # a connection may have been accepted and not yet handled


def saying(*parts: bytes, seen: list[bytes] | None = None) -> Handler:
    """Reads the head of a request, writes these bytes, and closes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if seen is not None:
            seen.append(head)
        for part in parts:
            writer.write(part)
            await writer.drain()

    return handle


def ok(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def named(*addresses: str) -> Callable[[str, int], Awaitable[list[str]]]:
    """A look-up that gives these addresses."""

    async def look_up(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return look_up


async def ask(handler: Handler, *, seconds: float = 5, most: int = 1000) -> Response:
    async with server(handler) as port:
        fetcher = Fetcher(AllowList.of(["127.0.0.1"]), seconds=seconds, most=most)
        try:
            return await fetcher.ask(f"http://127.0.0.1:{port}", QUESTION)
        finally:
            await fetcher.close()


def test_a_node_is_asked_as_it_is_and_nothing_else_is_told() -> None:
    seen: list[bytes] = []
    response = asyncio.run(ask(saying(ok(b"hello", b"set-cookie: a=b"), seen=seen)))
    assert (response.status, response.body) == (200, b"hello")
    (head,) = seen
    assert head.startswith(b"GET /checkpoint?a=b+c HTTP/1.1\r\n")
    assert b"accept-encoding: identity" in head.lower()
    assert b"cookie" not in head.lower()
    assert b"authorization" not in head.lower()


@pytest.mark.parametrize(
    ("answer", "most"),
    [
        (ok(b"x" * 2000), 1000),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024, 1000),
        (ok(b"\x1f\x8b", b"content-encoding: gzip"), 1000),
        (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n", 1000),
        (b"HTTP/1.1 307 Moved\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n", 1000),
    ],
)
def test_giants_bombs_and_redirects_are_refused(answer: bytes, most: int) -> None:
    with pytest.raises(InvalidAnswer):
        asyncio.run(ask(saying(answer), most=most))


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"]
)
def test_who_speaks_something_else_or_breaks_off_is_unreachable(answer: bytes) -> None:
    with pytest.raises(ServerUnreachable) as refused:
        asyncio.run(ask(saying(answer)))
    assert "OpenSSH" not in refused.value.detail


def test_a_node_that_drips_is_not_waited_for() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
        await writer.drain()
        await reader.read()  # until the client goes

    with pytest.raises(ServerUnreachable, match=r"within 0\.2 s"):
        asyncio.run(ask(drip, seconds=0.2))


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that leads elsewhere a moment later changes nothing: it is not looked up again."""

    async def scene() -> tuple[bytes, bytes, list[list[str]]]:
        seen: list[bytes] = []
        answers = [["127.0.0.1"], ["169.254.169.254"]]

        async def look_up(_host: str, _port: int) -> list[str]:
            return answers.pop(0)

        async with server(saying(ok(b"hello"), seen=seen)) as port:
            allowed = AllowList.of([f"acme.example:{port}"], ["127.0.0.0/8"])
            fetcher = Fetcher(allowed, lookup=look_up)
            for _ in range(2):
                await fetcher.ask(f"http://acme.example:{port}", QUESTION)
            await fetcher.close()
        return seen[0], seen[1], answers

    first, second, left = asyncio.run(scene())
    assert b"host: acme.example:" in first.lower()
    assert b"host: acme.example:" in second.lower()
    assert left == [["169.254.169.254"]]


def test_a_name_that_leads_inside_is_refused_when_it_is_looked_up_again() -> None:
    async def scene() -> None:
        now = [0.0]
        answers = [["127.0.0.1"], ["127.0.0.1", "169.254.169.254"]]

        async def look_up(_host: str, _port: int) -> list[str]:
            return answers.pop(0)

        async with server(saying(ok(b"hello"))) as port:
            allowed = AllowList.of(["acme.example"], ["127.0.0.0/8"])
            fetcher = Fetcher(allowed, lookup=look_up, monotonic=lambda: now[0])
            await fetcher.ask(f"http://acme.example:{port}", QUESTION)
            now[0] = KEPT_SECONDS
            try:
                await fetcher.ask(f"http://acme.example:{port}", QUESTION)
            finally:
                await fetcher.close()

    with pytest.raises(HostRefused, match=r"169\.254\.169\.254"):
        asyncio.run(scene())


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254"])
def test_a_name_that_leads_inside_is_never_connected(address: str) -> None:
    fetcher = Fetcher(AllowList.of(["acme.example"]), lookup=named(address))
    with pytest.raises(HostRefused):
        asyncio.run(fetcher.ask("https://acme.example", QUESTION))


def test_a_name_that_leads_nowhere_is_unreachable() -> None:
    async def fail(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    for look_up in (fail, named()):
        fetcher = Fetcher(AllowList.of(["acme.example"]), lookup=look_up)
        with pytest.raises(ServerUnreachable):
            asyncio.run(fetcher.ask("https://acme.example", QUESTION))


def test_one_node_is_asked_by_so_many_at_a_time() -> None:
    async def scene() -> int:
        open_, most = 0, 0
        go = asyncio.Event()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal open_, most
            await reader.readuntil(b"\r\n\r\n")
            open_ += 1
            most = max(most, open_)
            if open_ == AT_A_TIME:
                go.set()
            await go.wait()
            open_ -= 1
            writer.write(ok(b"hello", b"connection: close"))

        async with server(handle) as port:
            fetcher = Fetcher(AllowList.of(["127.0.0.1"]))
            url = f"http://127.0.0.1:{port}"
            await asyncio.gather(*(fetcher.ask(url, QUESTION) for _ in range(AT_A_TIME * 2)))
            await fetcher.close()
        return most

    assert asyncio.run(scene()) == AT_A_TIME


def test_a_name_is_looked_up_once_for_all_who_ask_at_a_time() -> None:
    """A name server that keeps one waiting holds no more than one thread."""

    async def scene() -> tuple[int, set[bytes]]:
        asked, answered = 0, asyncio.Event()

        async def look_up(_host: str, _port: int) -> list[str]:
            nonlocal asked
            asked += 1
            await answered.wait()
            return ["127.0.0.1"]

        async with server(saying(ok(b"hello"))) as port:
            allowed = AllowList.of(["acme.example"], ["127.0.0.0/8"])
            fetcher = Fetcher(allowed, lookup=look_up)
            url = f"http://acme.example:{port}"
            asking = [asyncio.create_task(fetcher.ask(url, QUESTION)) for _ in range(5)]
            while not asked:
                await asyncio.sleep(0)
            asking[0].cancel()  # who goes away takes nobody along
            answered.set()
            found = await asyncio.gather(*asking[1:])
            await fetcher.close()
        return asked, {one.body for one in found}

    assert asyncio.run(scene()) == (1, {b"hello"})


def test_a_name_that_cannot_be_looked_up_is_unreachable_for_all_who_ask() -> None:
    async def fails(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    async def scene() -> list[object]:
        fetcher = Fetcher(AllowList.of(["acme.example"]), lookup=fails)
        asking = (fetcher.ask("https://acme.example", QUESTION) for _ in range(3))
        return await asyncio.gather(*asking, return_exceptions=True)

    assert {type(error) for error in asyncio.run(scene())} == {ServerUnreachable}


def test_the_next_address_of_a_name_is_tried_where_nobody_is_at_the_first() -> None:
    """A name has an address of each kind, and the node listens on one of them."""

    async def scene() -> bytes:
        async with server(saying(ok(b"hello"))) as port:
            allowed = AllowList.of(["acme.example"], ["127.0.0.0/8"])
            fetcher = Fetcher(allowed, lookup=named("127.0.0.2", "127.0.0.1"))
            try:
                return (await fetcher.ask(f"http://acme.example:{port}", QUESTION)).body
            finally:
                await fetcher.close()

    assert asyncio.run(scene()) == b"hello"
