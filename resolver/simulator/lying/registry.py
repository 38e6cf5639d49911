"""The liar on a loopback address: a real service, whose answers somebody may have changed.

    with LyingRegistry(policy) as registry:
        registry.show(honest)
        …
        registry.show(Shown(forked, now))     # at the same address, from now on

What is shown is a history, at a clock, through the very application that `tetrad serve` serves. A
history that was shown before is shown again as it was then: with its old checkpoint.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from types import TracebackType

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry.note import Signer
from registry.policy import Policy
from resolver.app import create_app
from resolver.service import Service
from resolver.settings import Settings
from resolver.simulator.lying.history import History
from resolver.simulator.lying.loopback import Loopback

Tamper = Callable[[str, int, bytes], tuple[int, bytes]]
"""(path, status, body) -> the status and body that are sent instead."""
Cosign = Callable[[bytes, int], Awaitable[tuple[bytes, bool]]]

_SETTINGS = Settings(checkers=0, lookups=1_000_000)


@dataclass(frozen=True, eq=False)
class Shown:
    """What a registry shows."""

    history: History
    clock: int
    """Of the service, in seconds since 1970."""
    tamper: Tamper | None = None
    cosign: Cosign | None = None
    """Instead of asking the witnesses."""
    unsealed: bool = False
    """What is published does not end in the root of its state."""
    signers: tuple[Signer, ...] = ()
    """Who sign what is published, instead of those in force."""


class LyingRegistry(Loopback):
    """A registry whose operator decides what is shown."""

    def __init__(self, policy: Policy) -> None:
        """`policy` is that of its witnesses, which are asked."""
        super().__init__()
        self._policy = policy
        self._running: dict[Shown, ASGIApp] = {}
        self._stack = AsyncExitStack()

    def show(self, shown: Shown) -> None:
        """From now on this is what everybody sees; returns when it is published."""
        if shown not in self._running:
            self._running[shown] = self.run(self._begin(shown))
        self.app = self._running[shown]

    async def _begin(self, shown: Shown) -> ASGIApp:
        app = create_app(
            _SETTINGS, shown.history, lambda: float(shown.clock), witnesses=self._policy
        )
        service: Service = app.state.service
        _bend(service, shown)
        await self._stack.enter_async_context(app.router.lifespan_context(app))
        await service.publication.covering(1)
        return app if shown.tamper is None else _tampered(app, shown.tamper)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run(self._stack.aclose())
        super().__exit__(kind, error, trace)


def _bend(service: Service, shown: Shown) -> None:
    """Puts the operator's hand on the publication, before it begins."""
    publication = service.publication
    if shown.cosign is not None:
        publication._cosign = shown.cosign  # noqa: SLF001 - an operator changes its own service
    if shown.signers:
        publication._signers = lambda _: shown.signers  # noqa: SLF001 - as above
        publication._cosign = partial(_unchecked, service)  # noqa: SLF001 - as above
    if shown.unsealed:

        async def unsealed() -> int:
            return shown.history.size

        service.writer.close = unsealed  # type: ignore[method-assign]


async def _unchecked(service: Service, note: bytes, size: int) -> tuple[bytes, bool]:
    """The witnesses are asked; by whose keys the log has signed is not looked at."""
    if service.witnesses is None:
        raise RuntimeError("a liar has witnesses")
    return await service.witnesses.cosign(note, size, service.settings.witness_seconds), True


def _tampered(app: ASGIApp, tamper: Tamper) -> ASGIApp:
    """The application with its answers changed on the way."""

    async def lying(scope: Scope, receive: Receive, send: Send) -> None:
        begun: list[Message] = []
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun.append(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            (start,) = begun
            status, changed = tamper(scope["path"], start["status"], bytes(body))
            headers = [pair for pair in start["headers"] if pair[0] != b"content-length"]
            headers.append((b"content-length", b"%d" % len(changed)))
            await send({**start, "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": changed})

        await app(scope, receive, collect)

    return lying
