"""The simulator's line to a service: HTTP to a loopback address, bounded in everything.

    async with Wire("http://127.0.0.1:8000", connections=8) as wire:
        answers = await wire.send([signed, …])

An operation is known by its hash, so that what was not answered may be sent again; a service that
is busy is asked again, later each time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from identity.errors import InvalidAnswer, MalformedInput, ServerUnreachable, TetradError
from resolver.client.flow import json_lines, json_object, problem_error
from resolver.simulator.signing import Signed
from resolver.trust import Trust

ATTEMPTS = 16
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)

Outcome = dict[str, Any] | TetradError
"""What became of an operation: the service's answer (`index`, `receipt`, `did`), or its refusal."""


def check_loopback(url: str) -> str:
    """The address of a service on this machine. Raises MalformedInput for any other.

    A simulated fleet is a load, and attacks: neither is for somebody else's server.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = False
    if parts.scheme != "http" or not here or parts.path.strip("/") or parts.query:
        raise MalformedInput(
            f"a fleet is simulated against this machine alone, not {url[:80]!r}",
            hint="start a service with `tetrad serve`; it answers on http://127.0.0.1:8000",
        )
    return url.rstrip("/")


class Wire:
    """One service, asked over at most `connections` connections at a time."""

    def __init__(self, url: str, connections: int, *, attempts: int = ATTEMPTS) -> None:
        """`attempts` are those of one request, about a second apart, once the service has answered
        at all; one that has never answered is not waited for."""
        self.url = check_loopback(url)
        self._attempts = attempts
        self._met = False
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._http = httpx.AsyncClient(
            base_url=self.url,
            timeout=_TIMEOUT,
            limits=limits,
            trust_env=False,
            # Nothing here speaks TLS: a context without authorities spares reading them all.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: str | int) -> bytes:
        """The body at a path. Raises what the service refuses."""
        response = await self._ask("GET", path, params=query)
        if response.status_code != 200:
            raise _refusal(response)
        return response.content

    async def trust(self) -> Trust:
        """The ledger behind the service, its genesis checked and its newest checkpoint seen."""
        description = json_object(await self.get("/.well-known/tetrad"))
        return Trust.begin(description.get("genesis")).observe(await self.get("/checkpoint"))

    async def post(self, body: bytes) -> Outcome:
        """Posts one submission, whatever its bytes are."""
        return await self.ask("POST", "/v1/operations", body)

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Outcome:
        """The JSON object that answers a request, or the refusal."""
        given = {"content-type": "application/json", **(headers or {})}
        response = await self._ask(method, path, content=body, headers=given)
        if response.status_code not in (200, 201):
            return _refusal(response)
        return json_object(response.content)

    async def send(self, signed: Sequence[Signed], *, batch: bool) -> list[Outcome]:
        """Sends operations, in one NDJSON request or one after another; an outcome for each."""
        if not batch:
            return [await self.post(one.submission) for one in signed]
        response = await self._ask(
            "POST",
            "/v1/operations",
            content=b"".join(one.submission + b"\n" for one in signed),
            headers={"content-type": "application/x-ndjson"},
        )
        if response.status_code != 200:
            raise _refusal(response)
        lines = json_lines(response.content)
        if len(lines) != len(signed):
            raise InvalidAnswer(f"{len(lines)} answers to {len(signed)} operations")
        return [problem_error(line["error"]) if "error" in line else line for line in lines]  # type: ignore[arg-type]

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request until it is answered with something else than "later"."""
        for attempt in range(self._attempts):
            last = attempt == self._attempts - 1
            try:
                response = await self._http.request(method, path, **more)
            except httpx.HTTPError as error:
                if last or not self._met:
                    raise ServerUnreachable(
                        f"no answer from {self.url}: {type(error).__name__}",
                        hint="is the service running?",
                    ) from None
            else:
                self._met = True
                if response.status_code != 503 or last:
                    return response
            await asyncio.sleep(min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE))
        raise RuntimeError("a loop that returns or raises has ended")


def _refusal(response: httpx.Response) -> TetradError:
    try:
        return problem_error(json_object(response.content))
    except InvalidAnswer:
        return ServerUnreachable(f"no answer that a registry gives: HTTP {response.status_code}")
