"""The recursive resolver over HTTP: an authoritative node's questions, answered out of the tree.

    app = recursive_app(recursor, settings)
    serve(settings, recursor, port=8100)

It has no ledger and takes no operations. What a client asks of the root's log (its checkpoint, its
keys, how its trees follow one another) is passed on to the root, and checked by the client itself.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from identity.errors import (
    NotFound,
    PolicyViolated,
    SchemaViolation,
    TetradError,
    UnsupportedMediaType,
)
from identity.jcs import parse
from resolver.api import problems
from resolver.api.connection import limited_by
from resolver.api.frame import Direct, Frame, direct_endpoints
from resolver.api.gs1 import Gs1Endpoints
from resolver.api.handles import HandleEndpoints
from resolver.api.identifiers import IdentifierEndpoints
from resolver.api.problems import PROBLEM, problem_response
from resolver.api.requests import flag, media_type, number, query, read_body
from resolver.api.responses import JSON, NO_CACHE, json_response
from resolver.api.shells import ShellEndpoints
from resolver.api.system import installed_version
from resolver.api.things import ThingEndpoint
from resolver.client.flow import Request as Question
from resolver.listening import run_server
from resolver.recursion.cache import FOUND, as_stale
from resolver.recursion.recursing import Recursor, Served
from resolver.recursion.tree import TreeDirectory
from resolver.resolution import Asked
from resolver.settings import Settings

MAX_CODE: Final = 1_024
"""Characters of a code in any form."""
_LOOKUP: Final = {"code", "scheme", "at", "proof"}


class TreeEndpoints:
    """Questions about devices anywhere in the tree."""

    def __init__(self, recursor: Recursor, directory: TreeDirectory, settings: Settings) -> None:
        self._recursor = recursor
        self._directory = directory
        self._settings = settings

    def routes(self) -> list[Route]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/v1/resolve", Direct(self.by_code), methods=["GET"]),
            Route("/v1/resolve", self.by_body, methods=["POST"]),
            Route("/v1/devices/{did}", self.device),
        ]

    async def by_code(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The device that bears a code (an ASGI application)."""
        try:
            given = query(scope, ("code", "scheme", "at", "proof", "fresh"))
            response = await self._code(given)
        except TetradError as error:
            response = problem_response(error, NO_CACHE)
        await response(scope, receive, send)

    async def _code(self, given: dict[str, str]) -> Response:
        code = given.get("code", "")
        if not 0 < len(code) <= MAX_CODE:
            raise SchemaViolation(
                f"code has 1 to {MAX_CODE} characters",
                pointer="/code",
                hint="/v1/resolve?code=…, percent-encoded",
            )
        return await self._answer(self._directory.code(code, given.get("scheme")), given)

    async def by_body(self, request: Request) -> Response:
        """The same with the code in the body. What should not stand in a URL is not passed on to
        other nodes either."""
        query(request.scope, ())
        if media_type(request.scope) != "application/json":
            raise UnsupportedMediaType("a question is sent as application/json")
        settings = self._settings
        body = await read_body(
            request.scope, request.receive, most=settings.body_bytes, seconds=settings.body_seconds
        )
        asked = parse(body)
        if isinstance(asked, dict) and "disclosure" in asked:
            raise PolicyViolated(
                "what is disclosed is for one ledger alone: it is not passed on to others",
                pointer="/disclosure",
                hint="ask the node of that ledger",
            )
        if not isinstance(asked, dict) or set(asked) - _LOOKUP:
            raise SchemaViolation("a question has the member code, and scheme, at, proof if wanted")
        proof = asked.pop("proof", False)
        if type(proof) is not bool or not all(isinstance(one, str) for one in asked.values()):
            raise SchemaViolation("code, scheme and at are texts, proof is true or false")
        return await self._code({**asked, "proof": str(int(proof))})

    async def device(self, request: Request) -> Response:
        """The device with a DID."""
        given = query(request.scope, ("at", "proof", "fresh"))
        return await self._answer(self._directory.did(request.path_params["did"]), given)

    async def _answer(self, asked: Asked, given: dict[str, str]) -> Response:
        proof, fresh = flag(given, "proof"), flag(given, "fresh")
        served = await self._recursor.find(asked.key, given.get("at"), fresh=fresh)
        return response_of(served, proof=proof)


def response_of(served: Served, *, proof: bool) -> Response:
    """An answer of the tree as a response."""
    kept, stale = served
    body = kept.proved if proof else kept.plain
    media = JSON if kept.status == FOUND else PROBLEM
    if stale is None:
        return Response(body, kept.status, NO_CACHE, media)
    headers = {**NO_CACHE, "cache-status": f"tetrad; hit; fwd=stale; detail={stale.code}"}
    return Response(as_stale(body, stale), kept.status, headers, media)


class RootEndpoints:
    """What is asked of the root's log, passed on to the root; and the resolver itself."""

    def __init__(self, recursor: Recursor, statuses: Counter[int]) -> None:
        self._recursor = recursor
        self._statuses = statuses

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/checkpoint", self.checkpoint),
            Route("/v1/ledger/keys", self.keys),
            Route("/v1/ledger/proofs/consistency", self.consistency),
            Route("/.well-known/tetrad", self.description),
            Route("/healthz", self.health),
            Route("/readyz", self.readiness),
            Route("/metrics", self.metrics),
        ]

    async def checkpoint(self, request: Request) -> Response:
        """The root's published checkpoint."""
        query(request.scope, ())
        return await self._passed_on("/checkpoint", {})

    async def keys(self, request: Request) -> Response:
        """The evidence that the root's log keys were replaced."""
        given = query(request.scope, ("after",))
        after = {"after": str(number(given, "after"))} if "after" in given else {}
        return await self._passed_on("/v1/ledger/keys", after)

    async def consistency(self, request: Request) -> Response:
        """How two trees of the root's log follow one another."""
        given = query(request.scope, ("from", "to"))
        asked = {name: str(number(given, name)) for name in given}
        return await self._passed_on("/v1/ledger/proofs/consistency", asked)

    async def _passed_on(self, path: str, asked: dict[str, str]) -> Response:
        response = await self._recursor.ask_root(Question("GET", path, asked))
        if response.status not in (200, 404):
            raise NotFound(f"the root answers {response.status}")
        media = "text/plain; charset=utf-8" if path == "/checkpoint" else JSON
        return Response(
            response.body, response.status, NO_CACHE, media if response.status == 200 else PROBLEM
        )

    async def description(self, request: Request) -> Response:
        """What this is, and the root on which all its answers stand."""
        query(request.scope, ())
        root = self._recursor.ledgers.root.trust
        lifetimes = self._recursor.cache.lifetimes
        shown: dict[str, Any] = {
            "role": "recursive",
            "genesis": root.genesis,
            "ledger": root.ledger,
            "origin": root.origin,
            "lifetimes": lifetimes._asdict(),
            "endpoints": {"resolve": "/v1/resolve", "devices": "/v1/devices"},
            "version": installed_version(),
        }
        return json_response(orjson.dumps(shown))

    async def health(self, request: Request) -> Response:
        """The process is alive."""
        query(request.scope, ())
        return json_response(b'{"status":"ok"}')

    async def readiness(self, request: Request) -> Response:
        """Questions are answered; those that fail are counted in the metrics."""
        query(request.scope, ())
        return json_response(b'{"status":"ready"}')

    async def metrics(self, request: Request) -> Response:
        """Figures in the text format of Prometheus."""
        query(request.scope, ())
        return Response(self._figures(), 200, {}, "text/plain; version=0.0.4; charset=utf-8")

    def _figures(self) -> str:
        cache, recursor = self._recursor.cache, self._recursor
        rows = [
            ("tetrad_cache_answers", "gauge", {"": len(cache)}),
            ("tetrad_cache_hits_total", "counter", {"": cache.hits}),
            ("tetrad_cache_misses_total", "counter", {"": cache.misses}),
            ("tetrad_stale_answers_total", "counter", {"": cache.stale_served}),
            ("tetrad_walks", "gauge", {"": recursor.walking}),
            ("tetrad_node_failures_total", "counter", _labelled("code", recursor.failures)),
            ("tetrad_responses_total", "counter", _labelled("status", self._statuses)),
        ]
        lines = []
        for name, kind, values in rows:
            lines += [f"# TYPE {name} {kind}", *(f"{name}{of} {n}" for of, n in values.items())]
        return "\n".join(lines) + "\n"


def _labelled(name: str, counted: Counter[Any]) -> dict[str, int]:
    return {f'{{{name}="{key}"}}': count for key, count in sorted(counted.items())}


def recursive_app(recursor: Recursor, settings: Settings, addresses: Sequence[str] = ()) -> FastAPI:
    """The application; it owns the recursor and closes it. `addresses` are those under which it is
    known."""
    statuses: Counter[int] = Counter()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await recursor.close()

    app = _Recursive(
        title="Tetrad, a recursive resolver",
        version=installed_version(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.recursor = recursor
    app.state.addresses = list(addresses)
    directory = TreeDirectory(recursor)
    gs1 = Gs1Endpoints(recursor.ledgers.root.origin, directory, lambda: app.state.addresses)
    app.router.routes[:0] = [
        *TreeEndpoints(recursor, directory, settings).routes(),
        *gs1.routes(),
        *dialects(directory, settings),
        *RootEndpoints(recursor, statuses).routes(),
    ]
    app.router.routes.extend(gs1.last_routes())
    problems.install(app)
    app.framed = Frame(super(_Recursive, app).__call__, statuses, direct_endpoints(app.routes))
    return app


def dialects(directory: TreeDirectory, settings: Settings) -> list[BaseRoute]:
    """What is answered out of the tree in words of others."""
    return [
        *IdentifierEndpoints(directory, settings).routes(),
        *HandleEndpoints(directory, directory).routes(),
        *ThingEndpoint(directory).routes(),
        *ShellEndpoints(directory, settings, time.time).routes(),
    ]


class _Recursive(FastAPI):
    """As resolver.app's: FastAPI inside the frame."""

    framed: Frame

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        await self.framed(scope, receive, send)


def serve(
    settings: Settings,
    recursor: Recursor,
    *,
    host: str = "127.0.0.1",
    port: int = 8100,
    ready_file: Path | None = None,
    on_ready: Callable[[str], None] | None = None,
    addresses: Sequence[str] = (),
) -> None:
    """Serves until SIGTERM or SIGINT. `addresses` are those under which it is known, by default the
    one that it listens on. See `run_server`."""
    app = recursive_app(recursor, settings, addresses)

    def ready(address: str) -> None:
        app.state.addresses = app.state.addresses or [address]
        if on_ready is not None:
            on_ready(address)

    run_server(
        app,
        settings,
        limited_by(settings),
        host=host,
        port=port,
        ready_file=ready_file,
        on_ready=ready,
    )
