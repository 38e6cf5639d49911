"""The one place where the service is put together.

app = create_app(Settings(), MemorySite.sandbox(int(time.time())))
serve(Settings(), DataFolder.open(path), port=8000)
"""

from __future__ import annotations

import gc
import secrets
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from registry.keyupdates import KeyUpdates
from registry.policy import Policy
from registry.reader import LedgerReader
from resolver.api import problems
from resolver.api.accreditations import AccreditationEndpoint
from resolver.api.authenticating import Authenticating
from resolver.api.authentications import AuthenticationEndpoints, AuthenticationFigures
from resolver.api.clock import ClockEndpoint
from resolver.api.connection import limited_by
from resolver.api.credentials import CredentialEndpoints
from resolver.api.data import DataEndpoints
from resolver.api.docs import DocsEndpoints
from resolver.api.events import EventEndpoint
from resolver.api.frame import Direct, Frame, direct_endpoints
from resolver.api.gs1 import Gs1Endpoints
from resolver.api.handles import HandleEndpoints, OwnHandles
from resolver.api.histories import HistoryEndpoints
from resolver.api.identifiers import IdentifierEndpoints, own_of
from resolver.api.labels import LabelEndpoints
from resolver.api.ledger import LedgerEndpoints
from resolver.api.links import LinksEndpoint
from resolver.api.listings import ListingEndpoints
from resolver.api.openapi import ApiDescription
from resolver.api.operations import Operations
from resolver.api.preparation import PreparationEndpoint
from resolver.api.receipts import ReceiptEndpoints
from resolver.api.resolution import ResolutionEndpoints
from resolver.api.shells import ShellEndpoints
from resolver.api.status_lists import StatusListEndpoints
from resolver.api.system import SystemEndpoints, installed_version
from resolver.api.thing_events import ThingEventEndpoints
from resolver.api.things import ThingEndpoint, ThingEndpoints
from resolver.directory import Directory, OwnLedger
from resolver.folder import Site
from resolver.handles.signing import HandleSigner
from resolver.interop import Interop
from resolver.listening import run_server
from resolver.movable_clock import MovableClock
from resolver.opening import check_published
from resolver.service import Clock, Service
from resolver.settings import Settings
from resolver.tile_folder import PublishedFiles, TileFolder


def create_app(
    settings: Settings,
    site: Site,
    clock: Clock = time.time,
    *,
    publish: TileFolder | None = None,
    witnesses: Policy | None = None,
    addresses: Sequence[str] = (),
    interop: Interop | None = None,
    handle_signer: HandleSigner | None = None,
) -> FastAPI:
    """The application over a ledger; its lifespan starts and stops the service.

    `publish` is a folder for static files, `witnesses` are asked to cosign what is published,
    `addresses` are those under which the service is known: whoever authenticates names one.
    `interop` has the issuers of the VC-API, which is not there without it. `handle_signer` signs
    the values of handles.
    """
    static = None
    if publish is not None:
        reader = LedgerReader(site.store)
        static = PublishedFiles(publish, reader, KeyUpdates(site.store, reader).every)
    service = Service(settings, site, clock, static=static, witnesses=witnesses)
    authenticating = Authenticating(service, addresses)
    statuses: Counter[int] = Counter()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        gc.collect()
        gc.freeze()  # what is there now stays: collections need not look at it again
        gc.set_threshold(50_000, 20, 100)  # a batch is 100,000 objects, none of them in a cycle
        try:
            yield
        finally:
            await service.stop()

    app = _Application(
        title="Tetrad",
        version=installed_version(),
        summary="Device identity on a transparency log",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.service = service
    app.state.authenticating = authenticating
    directory = OwnLedger(service.resolver, service.delegations, service.clock)
    gs1 = Gs1Endpoints(site.secrets.origin, directory, lambda: authenticating.audiences)
    app.router.routes[:0] = [
        *routes(service, directory, authenticating, statuses),
        *HandleEndpoints(directory, OwnHandles(service), handle_signer).routes(),
        *gs1.routes(),
    ]
    app.router.routes.extend(gs1.last_routes())
    if isinstance(clock, MovableClock):
        app.router.routes[:0] = ClockEndpoint(service, clock).routes()
    if interop is not None:
        app.router.routes[:0] = CredentialEndpoints(service, interop, app.version).routes()
    app.openapi = ApiDescription(service, app.version, secrets.token_bytes)  # type: ignore[method-assign]
    problems.install(app)
    app.framed = Frame(super(_Application, app).__call__, statuses, direct_endpoints(app.routes))
    return app


class _Application(FastAPI):
    """FastAPI inside the frame, rather than the frame among FastAPI's own layers: the two busiest
    endpoints then cost a quarter less."""

    framed: Frame

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        await self.framed(scope, receive, send)


def routes(
    service: Service,
    directory: Directory,
    authenticating: Authenticating,
    statuses: Counter[int],
) -> list[BaseRoute]:
    """All routes, those that are asked most first."""
    figures = [AuthenticationFigures(authenticating)]
    settings, clock = service.settings, service.clock
    resolution = ResolutionEndpoints(service)
    return [
        Route("/v1/operations", Direct(Operations(service).post), methods=["POST"]),
        *resolution.routes(),
        *HistoryEndpoints(service, resolution.limit).routes(),
        *LinksEndpoint(service).routes(),
        *DataEndpoints(service, authenticating).routes(),
        *PreparationEndpoint(service).routes(),
        *ReceiptEndpoints(service).routes(),
        *LedgerEndpoints(service).routes(),
        *EventEndpoint(service).routes(),
        *ListingEndpoints(service).routes(),
        *AccreditationEndpoint(service).routes(),
        *StatusListEndpoints(service).routes(),
        *LabelEndpoints(service, directory, authenticating).routes(),
        *IdentifierEndpoints(directory, settings, own_of(service)).routes(),
        *ThingEndpoints(service).routes(),
        *ThingEndpoint(directory).routes(),
        *ThingEventEndpoints(service).routes(),
        *ShellEndpoints(directory, settings, clock, service.store).routes(),
        *AuthenticationEndpoints(service, authenticating).routes(),
        *SystemEndpoints(service, statuses, figures).routes(),
        *DocsEndpoints().routes(),
    ]


def serve(
    settings: Settings,
    site: Site,
    host: str = "127.0.0.1",
    port: int = 8000,
    ready_file: Path | None = None,
    on_ready: Callable[[str], None] | None = None,
    *,
    publish: TileFolder | None = None,
    witnesses: Policy | None = None,
    addresses: Sequence[str] = (),
    interop: Interop | None = None,
    clock: Clock = time.time,
    handle_signer: HandleSigner | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT, then commits what was accepted and closes site and folder.

    `port` 0 takes a free one. When requests are answered, `ready_file` gets the address, and
    `on_ready` is called with it. Whether a sandbox may listen beyond loopback is for the caller.
    `addresses` are those under which the service is known, by default the one that it listens on.
    A MovableClock can be put forward over HTTP by anyone, which is for the caller to allow.
    Raises Unavailable where the address is taken; RolledBack where what the folder `publish` shows
    is ahead of the ledger, ForkDetected where it is of another.
    """
    sys.setswitchinterval(0.001)  # seconds: a question does not wait long while a commit computes
    try:
        if publish is not None:
            check_published(site.store, publish.checkpoint())
        app = create_app(
            settings,
            site,
            clock,
            publish=publish,
            witnesses=witnesses,
            addresses=addresses,
            interop=interop,
            handle_signer=handle_signer,
        )

        def ready(address: str) -> None:
            if not addresses:
                for known in _addresses(address):
                    app.state.authenticating.known_as(known)
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
            on_stop=app.state.service.feed.close,
        )
    finally:
        site.close()
        if interop is not None:
            interop.close()
        if publish is not None:
            publish.close()


def _addresses(address: str) -> list[str]:
    """The address that a service listens on, and the other name of this machine for itself."""
    here = "://127.0.0.1:"
    return [address, *([address.replace(here, "://localhost:")] if here in address else [])]
