"""The witness over HTTP: two endpoints of C2SP tlog-witness, and one that says it is alive.

    POST <prefix>/add-checkpoint
    GET <prefix>/<hex SHA-256 of the origin>/checkpoint

Answers are plain text. A refusal is a status and one line; 409 is the size and nothing else.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from identity.errors import Busy, Conflict, MalformedInput, NotFound, TetradError, Unavailable
from registry.witness import SIZE_MEDIA_TYPE
from resolver.api.connection import Connection, limited_by
from resolver.api.requests import read_body
from resolver.listening import run_server
from resolver.settings import Settings
from resolver.witness.cosigning import Witness
from resolver.witness.folder import WitnessFolder

MAX_REQUESTS = 256
"""That are read or worked on at a time; one more gets 503."""
PLAIN = "text/plain; charset=utf-8"

_NAME = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


class Endpoints:
    """The endpoints of one witness."""

    def __init__(self, witness: Witness, settings: Settings) -> None:
        self._witness = witness
        self._settings = settings
        self._working = 0

    async def add_checkpoint(self, request: Request) -> Response:
        """Cosigns a checkpoint, once that is on disk."""
        if self._working >= MAX_REQUESTS:
            raise Busy("too many requests at a time", retry_after=self._settings.retry_seconds)
        self._working += 1
        try:
            body = await read_body(
                request.scope,
                request.receive,
                most=self._settings.body_bytes,
                seconds=self._settings.body_seconds,
            )
            lines = await asyncio.to_thread(self._witness.add_checkpoint, body)
        finally:
            self._working -= 1
        return Response(lines, 200, {"cache-control": "no-store"}, PLAIN)

    async def checkpoint(self, request: Request) -> Response:
        """The checkpoint that was cosigned last for an origin."""
        name = request.path_params["name"]
        note = None
        if _NAME.fullmatch(name):
            note = await asyncio.to_thread(self._witness.checkpoint, bytes.fromhex(name))
        if note is None:
            raise NotFound("nothing is cosigned for an origin of this hash")
        return Response(note, 200, {"cache-control": "max-age=5"}, PLAIN)

    async def health(self, _: Request) -> Response:
        """The process is alive."""
        return PlainTextResponse("ok\n")


def witness_app(witness: Witness, settings: Settings, prefix: str = "") -> Starlette:
    """The application; `prefix` is empty or begins with a slash. Raises MalformedInput."""
    if not _PREFIX.fullmatch(prefix):
        raise MalformedInput(f"{prefix!r} is no prefix of an address", hint="as in /witness")
    endpoints = Endpoints(witness, settings)
    return Starlette(
        routes=[
            Route(f"{prefix}/add-checkpoint", endpoints.add_checkpoint, methods=["POST"]),
            Route(f"{prefix}/{{name}}/checkpoint", endpoints.checkpoint),
            Route("/healthz", endpoints.health),
        ],
        exception_handlers={TetradError: refused},
    )


async def refused(_: Request, error: Exception) -> Response:
    """A refusal in the words of the protocol."""
    if not isinstance(error, TetradError):
        raise error
    headers = {"cache-control": "no-store"}
    if isinstance(error, Conflict):
        size: int = error.members["size"]
        return Response(f"{size}\n", error.status, {**headers, "content-type": SIZE_MEDIA_TYPE})
    if isinstance(error, Unavailable):
        headers["retry-after"] = str(error.members.get("retry_after", 1))
    return Response(f"{error.detail}\n", error.status, headers, PLAIN)


class PlainConnection(Connection):
    """A connection that is refused in plain text as well."""

    def refusal(self, error: TetradError) -> tuple[str, bytes]:
        """See Connection."""
        return PLAIN, f"{error.detail}\n".encode()


def serve(
    settings: Settings,
    folder: WitnessFolder,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    prefix: str = "",
    ready_file: Path | None = None,
    on_ready: Callable[[str], None] | None = None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Serves a witness until SIGTERM or SIGINT, and closes its folder. See `run_server`."""
    try:
        run_server(
            witness_app(Witness(folder.secrets, folder.store, clock), settings, prefix),
            settings,
            limited_by(settings, PlainConnection),
            host=host,
            port=port,
            ready_file=ready_file,
            on_ready=on_ready,
        )
    finally:
        folder.store.close()
