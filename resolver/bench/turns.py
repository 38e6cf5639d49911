"""Two questions put in turn to running services, and what one costs beside the other.

Whatever else the machine does strikes both alike; of the turns, the median ratio counts. CPU is
that of the servers' processes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from identity.errors import RuleBroken
from resolver.bench.load import drive
from resolver.bench.processes import Running

CONNECTIONS = 32

Figures = dict[str, Any]


class Side(NamedTuple):
    """Requests of one kind, in turns, and who answers them."""

    address: str
    turns: Sequence[Sequence[bytes]]
    status: int
    servers: Sequence[Running]
    """Whose CPU counts."""


class _Turn(NamedTuple):
    cpu_us: float
    per_second: float
    p50_ms: float


def compare(one: Side, other: Side, connections: int = CONNECTIONS) -> Figures:
    """The median of `one` over `other`: its CPU, its rate, its median latency."""
    pairs = [
        (_turn(one, mine, connections), _turn(other, theirs, connections))
        for mine, theirs in zip(one.turns, other.turns, strict=True)
    ]
    return {
        "cpu": median(mine.cpu_us / theirs.cpu_us for mine, theirs in pairs),
        "rate": median(mine.per_second / theirs.per_second for mine, theirs in pairs),
        "time": median(mine.p50_ms / theirs.p50_ms for mine, theirs in pairs),
        "one": _median([mine for mine, _ in pairs]),
        "other": _median([theirs for _, theirs in pairs]),
        "turns": len(pairs),
    }


def _median(turns: Sequence[_Turn]) -> Figures:
    return dict(zip(_Turn._fields, map(median, zip(*turns, strict=True)), strict=True))


def _turn(side: Side, requests: Sequence[bytes], connections: int) -> _Turn:
    began = sum(server.cpu() for server in side.servers)
    load = drive(side.address, requests, connections)
    cpu = sum(server.cpu() for server in side.servers) - began
    if load.statuses != {side.status: len(requests)}:
        raise RuleBroken(f"the bench expected answers {side.status}, got {load.statuses}")
    return _Turn(cpu / len(requests) * 1e6, load.rate, median(load.latencies) * 1e3)
