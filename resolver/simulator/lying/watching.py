"""Those who must catch a liar, as they are: the SDK, a witness, a monitor, a mirror, an audit.

    watchers = Watchers(folder, registry.url, trust, policy, witness)
    watchers.begin(question, now)             # while it is honest: they remember
    watchers.look(question, now)              # and now? by watcher, a code or "–"

A watcher has caught a lie when it refuses with evidence.* or proof.*; that a device is not found is
an answer, which it has believed. A witness says what it says when it is asked to cosign.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from identity.errors import EvidenceRefused, NotFound, TetradError
from registry.audit import audit
from registry.receipt import TlogProof
from registry.rules import RuleBook
from resolver.client import AsyncClient, Client
from resolver.client.log import RemoteLog
from resolver.client.mirroring import Mirror
from resolver.client.monitoring import Monitor, View
from resolver.schemes import SCHEMES, Code
from resolver.simulator.lying.witness import Heard
from resolver.simulator.signing import Signed
from resolver.tile_folder import TileFolder
from resolver.trust import Trust
from resolver.verifier import verify_receipt

NOTHING = "–"
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing on loopback uses it; without certificates it is made a hundred times faster."""
MAX_AGE = 300
"""Seconds that the client with a policy allows."""
WATCHERS = {
    "client": "the SDK, with nothing but the pinned genesis",
    "client that remembers": "the SDK, which has seen the log before",
    "client with policy": f"the SDK that asks for a witness and for an age of at most {MAX_AGE} s",
    "witness": "`tetrad witness`, when it is asked to cosign",
    "monitor": "`tetrad monitor`, which has seen the log before",
    "mirror": "`tetrad mirror`, which has seen the log before",
    "audit": "`tetrad audit URL`, with nothing but the pinned genesis",
}


class Question(NamedTuple):
    """What clients ask about."""

    code: Code
    receipt: tuple[Signed, bytes] | None = None
    """That a client holds, with its operation."""


class Watchers:
    """One of each. What they remember lies in memory and in a folder."""

    def __init__(self, folder: Path, url: str, trust: Trust, policy: str, witness: Heard) -> None:
        """`trust` pins the genesis; `policy` names the witness."""
        self._folder = folder
        self._url = url
        self._trust = trust
        self._remembered = trust
        self._policy = policy
        self._witness = witness
        self.evidence: dict[str, Any] | None = None
        """What the monitor holds against the log, where it could prove it."""

    def begin(self, question: Question, now: int) -> None:
        """Those who remember look at what is honest. Raises where one of them accuses it."""
        self._remember(self._url, question._replace(receipt=None), now)
        self._monitor(now, None)
        asyncio.run(self._mirror(now))

    def look(self, question: Question, now: int, *, against: str | None = None) -> dict[str, str]:
        """By watcher, what it caught; `against` is where others are shown the log, by whom the
        clients then stand."""
        url = against or self._url
        with_policy = self._trust.asking(self._policy)
        looks: dict[str, Callable[[], object]] = {
            "client": lambda: self._ask(url, self._trust, question, now),
            "client that remembers": lambda: self._remember(url, question, now),
            "client with policy": lambda: self._ask(url, with_policy, question, now, MAX_AGE),
            "monitor": lambda: self._monitor(now, against),
            "mirror": lambda: asyncio.run(self._mirror(now)),
            "audit": lambda: self._audit(now),
        }
        caught = {name: _caught(look) for name, look in looks.items()}
        caught["witness"] = self._witness.refused or NOTHING
        return {name: caught[name] for name in WATCHERS}

    def _ask(
        self, url: str, trust: Trust, question: Question, now: int, most: int | None = None
    ) -> Trust:
        """What a client does: looks at the checkpoint, and resolves a code."""
        with _client(url, trust, now) as client:
            client.checkpoint()
            with suppress(NotFound):
                client.resolve(question.code.value, scheme=question.code.scheme, max_age=most)
            return client.trust

    def _remember(self, url: str, question: Question, now: int) -> None:
        if question.receipt is not None:
            self._hold(*question.receipt)
        self._remembered = self._ask(url, self._remembered, question, now)

    def _hold(self, signed: Signed, receipt: bytes) -> None:
        """A receipt that a client was given, verified; its checkpoint is the newest seen then."""
        verify_receipt(receipt, signed.operation, self._trust.pinned)
        self._remembered = self._trust.observe(TlogProof.parse(receipt).checkpoint)

    def _monitor(self, now: int, against: str | None) -> None:
        folder = self._folder / "monitor"
        with Monitor(folder, self._trust) as monitor, _client(self._url, monitor.trust, now) as own:
            try:
                monitor.look(own)
                if against is not None:
                    with _client(against, None, now) as other:
                        monitor.compare([View(against, other, tiles=True)])
            except EvidenceRefused as error:
                self.evidence = error.members.get("evidence")
                raise

    async def _mirror(self, now: int) -> None:
        transport = httpx.AsyncHTTPTransport(verify=_TLS)
        more: Any = {"trust": self._trust, "clock": lambda: float(now), "transport": transport}
        async with AsyncClient(self._url, **more) as client:
            with TileFolder(self._folder / "mirror") as folder:
                await Mirror(client, self._trust, folder).update()

    def _audit(self, now: int) -> None:
        with _client(self._url, self._trust, now) as client:
            rules = RuleBook(SCHEMES)
            audit(RemoteLog(client), rules, genesis=self._trust.ledger, published=True)


def _client(url: str, trust: Trust | None, now: int) -> Client:
    transport = httpx.HTTPTransport(verify=_TLS)
    return Client(url, trust=trust, clock=lambda: float(now), transport=transport)


def _caught(look: Callable[[], object]) -> str:
    try:
        look()
    except TetradError as error:
        return error.code
    return NOTHING
