"""Running an ASGI application on one address, until a signal: for every server of this package."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import HANDLED_SIGNALS

from identity.durable import replace_file
from identity.errors import Unavailable
from resolver.api.connection import Connection
from resolver.settings import Settings


def run_server(
    app: ASGIApp,
    settings: Settings,
    connections: type[Connection],
    *,
    host: str,
    port: int,
    ready_file: Path | None = None,
    on_ready: Callable[[str], None] | None = None,
    on_stop: Callable[[], None] | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT.

    `port` 0 takes a free one. When requests are answered, `ready_file` gets the address, and
    `on_ready` is called with it. `on_stop` is called when the end has come, to end those answers
    that would not end by themselves. Raises Unavailable where the address is taken.
    """
    try:
        listener = _listen(host, port)
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {host}, port {port}: {error.strerror}",
            hint="another port, or 0 for a free one",
        ) from None
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=connections,
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        log_level="error",
        backlog=settings.connections,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.stop_seconds,
    )
    server = _Server(config)

    def ready() -> None:
        if ready_file is not None:
            replace_file(ready_file, f"{address}\n".encode(), mode=0o644)
        if on_ready is not None:
            on_ready(address)

    server.ready = ready
    server.stopping = on_stop or (lambda: None)
    try:
        server.run([listener])
    finally:
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


class _Server(uvicorn.Server):
    """Tells when requests are answered, and returns after a signal instead of raising it again."""

    ready: Callable[[], None]
    stopping: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.stopping()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {one: signal.signal(one, self.handle_exit) for one in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)
