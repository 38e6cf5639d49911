"""Lines of the table: a bound, and what was measured; and those of answers beside others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Figures = dict[str, Any]


class Line(NamedTuple):
    """One bound and what was measured."""

    what: str
    measured: str
    ratio: float
    bound: float
    at_least: bool

    @property
    def met(self) -> bool:
        """Whether the bound holds."""
        return self.ratio >= self.bound if self.at_least else self.ratio <= self.bound

    def __str__(self) -> str:
        mark, sign = "✓" if self.met else "✗", ">=" if self.at_least else "<="
        ratio = f"{self.ratio:>8.2f} {sign} {self.bound:<6g}"
        return f"  {mark} {self.what:<40} {ratio} {self.measured}"


def beside_own(dialects: Mapping[str, Figures], recursive: Mapping[str, Figures]) -> list[Line]:
    """Dialects are within 20 % of /v1/resolve, cached recursive answers within 25 % of local ones,
    by the CPU of the server and by the rate; a cold one by way of three nodes, each of which proves
    what it says, takes at most six times as long as a local one with its proof, and all processes
    together six times its CPU."""
    lines = []
    for name, figures in dialects.items():
        lines += _both(f"{name} / resolve without proof", figures, 1.2)
    for name in ("cached", "cached, with proof"):
        lines += _both(f"recursive, {name} / local", recursive[name], 1.25)
    cold = recursive["cold"]
    shown = f"{cold['one']['p50_ms']:.1f} ms, {cold['other']['p50_ms']:.1f} the local one"
    lines.append(Line("recursive, cold / local with proof, time", shown, cold["time"], 6.0, False))
    shown = f"{cold['one']['cpu_us']:.0f} us of all four, {cold['other']['cpu_us']:.0f} the local"
    lines.append(Line("recursive, cold / local with proof, CPU", shown, cold["cpu"], 6.0, False))
    return lines


def _both(what: str, figures: Figures, bound: float) -> list[Line]:
    one, other = figures["one"], figures["other"]
    cpu = f"{one['cpu_us']:.0f} us of CPU, {other['cpu_us']:.0f} the other"
    rate = f"{one['per_second']:.0f} a second, {other['per_second']:.0f} the other"
    return [
        Line(f"{what}, CPU", cpu, figures["cpu"], bound, False),
        Line(f"{what}, rate", rate, figures["rate"], 2 - bound, True),
    ]
