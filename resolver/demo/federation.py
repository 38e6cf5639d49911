"""`tetrad demo --federation`: a tree of three nodes, and a recursive resolver, as four processes.

The root knows who has `09506`, that one who has `09506000`, and the enterprise's own ledger has the
devices. Whoever asks has pinned the root alone. Nothing is staged: all four are `tetrad serve`, and
every answer is verified by the SDK.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import httpx

from identity.errors import NotFound, TetradError
from resolver.client import Client
from resolver.demo.showing import Showing, insist
from resolver.simulator.process import ServiceProcess
from resolver.trust import Trust

NEXT: Final = "tetrad serve --role recursive --help"
NATION, ENTERPRISE, MISLED = "09506", "09506000", "0950611"
"""Prefixes: of the second level, of the enterprise, and one whose node is not who it should be."""
_CODE: Final = "https://id.gs1.org/01/09506000134352/21/M-{:04}"
_MISLEADING: Final = "https://id.gs1.org/01/09506110000004/21/X"
_NOBODYS: Final = "https://id.gs1.org/01/04012345123456/21/X"
"""A code of a prefix that nobody gave to the enterprise, which has registered it all the same."""


def run_federation(devices: int = 20, *, as_json: bool = False) -> int:
    """Plays the demonstration; the exit code is 0 when every step went as it should."""
    shown = Federation(devices, quiet=as_json)
    try:
        with tempfile.TemporaryDirectory(prefix="tetrad-demo-") as folder, ExitStack() as stack:
            shown.play(Path(folder), stack)
    except (TetradError, RuntimeError) as error:
        wrong = {"detail": str(error), "code": "demo"}
        shown.failed(error.problem() if isinstance(error, TetradError) else wrong)
        return 1
    shown.done(NEXT)
    return 0


class _Node:
    """A node, and its operator's client."""

    def __init__(self, stack: ExitStack, folder: Path, name: str) -> None:
        place = folder / name
        self.service = stack.enter_context(ServiceProcess(place, "--origin", f"{name}.demo"))
        self.client = stack.enter_context(Client(self.service.url))
        self.client.pin(self.client.introduce())
        self.did = self.client.create_organization(name).did or ""

    @property
    def trust(self) -> Trust:
        """The node's ledger."""
        return self.client.trust

    def grant(self, prefix: str, node: _Node | None = None, url: str = "") -> None:
        """A prefix to the operator itself, whose codes are known to `node`."""
        scope: dict[str, Any] = {"scheme": "gtin", "prefix": prefix}
        if node is not None:
            ledger, origin = node.trust.ledger, node.trust.origin
            urls = [url or node.service.url]
            scope["node"] = {"ledger": ledger, "origin": origin, "urls": urls}
        self.client.issue_grant(self.did, "prefix", scope)

    def register(self, code: str) -> None:
        """A device that bears a code."""
        sector = {"domain": "production", "field": "industry"}
        about = {"maker": self.did, "model": "M1", "serial": code, "sector": sector}
        self.client.register_device(
            {
                "object": {**about, "ipv6": "enabled"},
                "code": {"scheme": "gs1", "value": code},
                "number": "none",
                "data": "none",
                "recovery": "none",
            }
        )


class Federation(Showing):
    """One showing."""

    def __init__(self, devices: int, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self._devices = devices

    def play(self, folder: Path, stack: ExitStack) -> None:
        """Everything. Raises what goes wrong."""
        nodes = [_Node(stack, folder, name) for name in ("root", "nation", "enterprise")]
        self.show("started", f"three nodes started, each with a ledger, {self.seconds:.1f} s")
        self._grow(*nodes)
        root, _, enterprise = nodes
        options = ("--role", "recursive", "--root", root.service.url)
        trust = ("--ledger", root.trust.ledger, "--allow-host", "127.0.0.1")
        service = stack.enter_context(
            ServiceProcess(folder / "resolver", *options, *trust, ledger=False)
        )
        asker = stack.enter_context(Client(service.url))
        asker.pin(asker.introduce(), expected=root.trust.ledger)
        self.show("recursive", f"recursive resolver started: {service.url}, the root alone pinned")
        self._resolve(asker)
        self._refuse(asker, service.url)
        enterprise.service.kill()
        self._stale(service.url)

    def _grow(self, root: _Node, nation: _Node, enterprise: _Node) -> None:
        root.grant(NATION, nation)
        nation.grant(ENTERPRISE, enterprise)
        # Its grant names the enterprise's ledger, and leads to the nation's address.
        nation.grant(MISLED, enterprise, nation.service.url)
        self.show(
            "delegated", f"root → {NATION} nation → {ENTERPRISE} enterprise: delegated by grants"
        )
        for prefix in (ENTERPRISE, "04012345"):
            enterprise.grant(prefix)
        for number in range(self._devices):
            enterprise.register(_CODE.format(number))
        enterprise.register(_NOBODYS)
        self.show(
            "registered", f"{self._devices} devices registered on the enterprise's own ledger"
        )

    def _resolve(self, asker: Client) -> None:
        found = [asker.resolve(_CODE.format(number)) for number in range(self._devices)]
        insist(all(len(one.hops) == 3 for one in found), "an answer came by another way")
        self.show("resolved", f"{len(found)} codes resolved by way of three ledgers, each proved")
        began = time.perf_counter()
        asker.resolve(_CODE.format(0))
        taken = (time.perf_counter() - began) * 1000
        self.show("cached", f"asked again: out of the cache, verified anew, {taken:.0f} ms")
        insist(asker.resolve(found[0].did).did == found[0].did, "a DID led elsewhere")
        self.show("label", "the DID alone led to its ledger, by the label in it")
        absent = _caught(lambda: asker.resolve(_CODE.format(9999)), NotFound)
        insist(absent.members.get("proved"), "an absence was not proved")
        self.show("absent", "a code that nobody registered: proved, by all three ledgers")

    def _refuse(self, asker: Client, url: str) -> None:
        _caught(lambda: asker.resolve(_NOBODYS), NotFound)
        self.show(
            "unfounded",
            "a device registered under a prefix that nobody gave the enterprise: not found "
            "(as it should be)",
            "✗",
        )
        said = httpx.get(f"{url}/v1/resolve", params={"code": _MISLEADING}).json()
        insist(said["code"] == "node.refused", f"a node with another genesis: {said['code']}")
        self.show("refused", "a node with another genesis than its grant: node.refused", "✗")

    def _stale(self, url: str) -> None:
        asked = {"code": _CODE.format(0), "fresh": "1"}
        served = httpx.get(f"{url}/v1/resolve", params=asked).json()["served"]
        insist(served["stale"] and served["reason"] == "node.unreachable", "an old answer is bare")
        self.show("stale", f"enterprise node killed: an answer of {served['time']}, marked stale")
        unknown = {"code": _CODE.format(8888)}
        said = httpx.get(f"{url}/v1/resolve", params=unknown).json()
        insist(said["code"] == "node.unreachable", "a failure was taken for an answer")
        self.show("unreachable", "what was never asked before: node.unreachable, not `not found`")


def _caught(ask: Callable[[], object], kind: type[TetradError]) -> TetradError:
    try:
        ask()
    except kind as error:
        return error
    raise RuntimeError(f"{kind.__name__} was expected")
