"""A recursive answer beside a local one: three nodes and the resolver, four processes on loopback.

The root has granted `09506` to the second, that one `09506000` to the third, whose ledger has the
devices. `cold` is the first question about a device, at a resolver that has met the nodes before:
three nodes are asked, and all that they prove is verified. `cached` is the same question again.
Both stand beside the same questions to the third node itself. Cold ones are put one after another,
since it is how long one takes that counts, and in the CPU of all four processes; the others over 32
connections.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson

from identity.errors import RuleBroken
from resolver.bench import fleet, measure
from resolver.bench.load import drive, get
from resolver.bench.processes import Running, recursive
from resolver.bench.turns import CONNECTIONS, Side, compare
from resolver.simulator.process import ServiceProcess

TURNS = 8

Figures = dict[str, Any]


def federation(folder: Path, devices: int) -> dict[str, Figures]:
    """`cold`, and `cached` with proof and without it; about so many devices."""
    with ExitStack() as stack:
        names = ("enterprise", "nation", "root")
        processes = []
        for name in names:
            (folder / name).mkdir(parents=True)
            process = ServiceProcess(folder / name / "data", "--origin", f"{name}.bench")
            processes.append(stack.enter_context(process))
        genesis = _grown([_running(process) for process in processes], names, devices)
        for process in processes:
            process.restart()  # as one that has stood for a while: its tree of the state is whole
        nodes = [_running(process) for process in processes]
        resolver = stack.enter_context(recursive(folder, nodes[-1].address, genesis))
        codes = [fleet.code(place) for place in range(devices)]
        _check(resolver, codes[0])
        return _compared(resolver, nodes, codes[1:])


def _running(process: ServiceProcess) -> Running:
    return Running(process.url, process.pid, 0.0)


def _grown(nodes: list[Running], names: tuple[str, ...], devices: int) -> str:
    """Grants from the top down, devices at the bottom; the genesis hash of the root."""
    now, below, owner = int(time.time()), list[dict[str, Any]](), None
    for node, name, prefix in zip(nodes, names, ("09506000", "09506000", "09506"), strict=True):
        scope: dict[str, Any] = {"scheme": "gtin", "prefix": prefix}
        if below:
            scope["node"] = below[-1]
        (body,) = drive(node.address, [get("/.well-known/tetrad")], 1, keep=True).bodies
        ledger = orjson.loads(body)["ledger"]
        made = measure.set_up(node, ledger, now, [scope])
        owner = owner or made
        below.append({"ledger": ledger, "origin": f"{name}.bench", "urls": [node.address]})
    assert owner is not None  # noqa: S101 - there are three
    measure.register_batches(nodes[0], fleet.devices(owner, 0, devices))
    return str(below[-1]["ledger"])


def _check(resolver: Running, code: str) -> None:
    """Meets the nodes, and looks whether the answer came by all of them."""
    load = drive(resolver.address, [get(f"/v1/resolve?code={code}&proof=1")], 1, keep=True)
    if load.statuses != {200: 1} or len(orjson.loads(load.bodies[0])["path"]) != 3:
        raise RuleBroken(f"not an answer by way of three nodes: {load.bodies[0][:300]!r}")


def _compared(resolver: Running, nodes: list[Running], codes: list[str]) -> dict[str, Figures]:
    proved = [get(f"/v1/resolve?code={code}&proof=1") for code in codes]
    plain = [get(f"/v1/resolve?code={code}") for code in codes]
    local = nodes[0]
    drive(local.address, proved, CONNECTIONS)
    each = len(codes) // TURNS
    few = [proved[start : start + each] for start in range(0, each * TURNS, each)]
    figures = {
        "cold": compare(
            Side(resolver.address, few, 200, [resolver, *nodes]),
            Side(local.address, few, 200, [local]),
            connections=1,
        )
    }
    drive(resolver.address, proved, CONNECTIONS)  # those that the turns have left out
    for name, asked in (("cached", plain), ("cached, with proof", proved)):
        turns = [asked] * TURNS
        figures[name] = compare(
            Side(resolver.address, turns, 200, [resolver]), Side(local.address, turns, 200, [local])
        )
    return figures
