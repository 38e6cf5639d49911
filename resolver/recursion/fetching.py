"""Asking a node over HTTP: only where it may be asked, and never for longer or more than allowed.

    fetcher = Fetcher(AllowList.of(["acme.example"]))
    response = await fetcher.ask("https://acme.example", Request("GET", "/checkpoint"))

The name is looked up once, every address it leads to must be allowed, and the connection goes to
the address that was checked: a name that leads elsewhere a moment later (DNS rebinding) changes
nothing. No redirect is followed, no proxy of the environment used, no cookie kept, nothing
decompressed; bytes, seconds and questions at a time are bounded for each node.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import httpx

from identity.errors import HostRefused, InvalidAnswer, ServerUnreachable
from resolver.client.exchange import arguments, check_encoding, response_of
from resolver.client.flow import Request, Response
from resolver.recursion.allowed import AllowList, Target

MOST_BYTES: Final = 4 * 2**20
"""Of one answer of a node."""
SECONDS: Final = 5.0
"""For one answer, from the look-up of the name to the last byte."""
AT_A_TIME: Final = 16
"""Questions to one node; one more waits."""
KEPT_SECONDS: Final = 60.0
"""For which an address that was looked up is used."""
MOST_HOSTS: Final = 256
MOST_ADDRESSES: Final = 4
"""Of one name, that are tried."""

MOST_PARTS: Final = 50_000
"""Of one answer: 4 MiB of empty lists take seconds to read, in which nobody else is answered. An
answer with the longest history that is shown has some 10,000."""

logger = logging.getLogger("tetrad")

LookUp = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a name."""


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system tells them. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


@dataclass
class _Node:
    """One host that is asked, with its own connections: none is shared between two names."""

    addresses: list[str]
    """Each of them checked."""
    until: float
    transport: httpx.AsyncHTTPTransport
    asked: int = 0
    """Questions that it is being asked, or that wait for a place."""
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_A_TIME))


class Fetcher:
    """Asks nodes. Belongs to one event loop."""

    def __init__(
        self,
        allowed: AllowList,
        *,
        lookup: LookUp = look_up,
        monotonic: Callable[[], float] = time.monotonic,
        seconds: float = SECONDS,
        most: int = MOST_BYTES,
    ) -> None:
        self._allowed = allowed
        self._lookup = lookup
        self._monotonic = monotonic
        self._seconds = seconds
        self._most = most
        # One for all: to read the certificates of authorities holds up everything for a while.
        self._tls = httpx.create_ssl_context()
        self._nodes: dict[Target, _Node] = {}
        self._looking: dict[Target, asyncio.Task[_Node]] = {}

    async def ask(self, url: str, request: Request) -> Response:
        """The answer of the node at `url`. Raises HostRefused, ServerUnreachable; InvalidAnswer for
        one that is too long or compressed."""
        target = self._allowed.target(url)
        try:
            async with asyncio.timeout(self._seconds):
                node = await self._node(target)
                node.asked += 1
                try:
                    async with node.places:
                        return await self._first_of(target, node, request)
                finally:
                    node.asked -= 1
        except TimeoutError:
            raise _unreachable(target, f"no answer within {self._seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # No more of it than its kind: what it says may tell of this machine.
            raise _unreachable(target, type(error).__name__) from None

    async def _node(self, target: Target) -> _Node:
        known = self._nodes.get(target)
        if known is not None and self._monotonic() < known.until:
            self._nodes[target] = self._nodes.pop(target)  # used last
            return known
        looking = self._looking.get(target)
        if looking is None:
            # One for all who wait: the system has few threads to look names up in.
            looking = asyncio.create_task(self._looked_up(target))
            self._looking[target] = looking
            looking.add_done_callback(lambda done: self._over(target, done))
        return await asyncio.shield(looking)

    def _over(self, target: Target, done: asyncio.Task[_Node]) -> None:
        self._looking.pop(target, None)
        if not done.cancelled():
            done.exception()

    async def _looked_up(self, target: Target) -> _Node:
        literal = target.literal is not None
        found = [target.host] if literal else await self._lookup(target.host, target.port)
        addresses = list(dict.fromkeys(found))[:MOST_ADDRESSES]
        if not addresses:
            raise _unreachable(target, "its name leads nowhere")
        for address in addresses:
            try:
                self._allowed.check_address(target, address)
            except HostRefused:
                logger.warning("the host %s leads to %s, which is not public", target.host, address)
                raise
        until = self._monotonic() + KEPT_SECONDS
        known = self._nodes.get(target)
        if known is not None:
            known.addresses, known.until = addresses, until
            return known
        node = self._nodes[target] = _Node(
            addresses, until, httpx.AsyncHTTPTransport(verify=self._tls)
        )
        await self._make_room(target)
        return node

    async def _make_room(self, newest: Target) -> None:
        """Forgets who was asked least recently, and never one who is being asked: whoever names
        many hosts would end the conversations with all others."""
        idle = [one for one, node in self._nodes.items() if not node.asked and one != newest]
        over = len(self._nodes) - MOST_HOSTS
        for transport in [self._nodes.pop(one).transport for one in idle[: max(0, over)]]:
            await transport.aclose()

    async def _first_of(self, target: Target, node: _Node, request: Request) -> Response:
        """The answer at the first of the addresses at which there is somebody."""
        *others, last = node.addresses
        for address in others:
            try:
                return await self._exchange(target, node, address, request)
            except httpx.ConnectError:
                continue
        return await self._exchange(target, node, last, request)

    async def _exchange(
        self, target: Target, node: _Node, address: str, request: Request
    ) -> Response:
        given = arguments(request)
        shown = f"[{address}]" if ":" in address else address
        name = f"[{target.host}]" if ":" in target.host else target.host
        sent = httpx.Request(
            given["method"],
            f"{target.scheme}://{shown}:{target.port}{given['url']}",
            params=given["params"],
            content=given["content"],
            headers={**given["headers"], "host": f"{name}:{target.port}"},
            extensions={
                "sni_hostname": target.host,
                "timeout": dict.fromkeys(("connect", "read", "write", "pool"), self._seconds),
            },
        )
        response = await node.transport.handle_async_request(sent)
        try:
            check_encoding(response)
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > self._most:
                    raise InvalidAnswer(f"the node's answer is longer than {self._most} bytes")
        finally:
            await response.aclose()
        if sum(map(body.count, (b",", b"[", b"{"))) > MOST_PARTS:
            raise InvalidAnswer(f"the node's answer has more than {MOST_PARTS} parts")
        if 300 <= response.status_code < 400 and response.status_code != 300:
            raise InvalidAnswer("the node sends elsewhere, which is not followed")
        return response_of(response, bytes(body))

    async def close(self) -> None:
        """Ends the connections."""
        for looking in list(self._looking.values()):
            looking.cancel()
        nodes, self._nodes = self._nodes, {}
        for node in nodes.values():
            await node.transport.aclose()


def _unreachable(target: Target, why: str) -> ServerUnreachable:
    return ServerUnreachable(
        f"the node {target.host}:{target.port} gives no answer: {why}",
        hint="its operator has to look at it; what is known of it is served for a while",
    )
