"""The figures of a run, against the bounds that the project holds itself to."""

from __future__ import annotations

from statistics import mean
from typing import Any

from resolver.bench.credentials import Cost
from resolver.bench.fleet import SIGNATURES
from resolver.bench.lines import Line, beside_own

Figures = dict[str, Any]

BATCHES = "register in batches of 500"
SINGLES = "register one by one, 32 connections"


class Report:
    """Collects figures; a ratio is formed with the calibrations of the same run."""

    def __init__(self) -> None:
        self.calibrations: list[Figures] = []
        self.bare: Figures = {}
        self.proofs: Figures = {}
        self.figures: dict[str, Figures] = {}
        self._audit_us = 0.0

    def calibrate(self, verifications: Figures, syncs: float) -> None:
        """Before and after everything else."""
        self.calibrations.append({**verifications, "fdatasync_per_second": syncs})

    def batches(self, figures: Figures) -> None:
        """Registration in batches."""
        self.figures[BATCHES] = figures

    def factory(self, figures: dict[str, Figures]) -> None:
        """Devices that enrol themselves, and others in turns with them."""
        self.figures["factory"] = figures

    def singles(self, figures: Figures) -> None:
        """Registration one by one."""
        self.figures[SINGLES] = figures

    def resolved(self, figures: Figures, *, proof: bool) -> None:
        """Resolution."""
        self.figures[f"resolve {'with' if proof else 'without'} proof"] = figures

    def resolved_together(self, figures: Figures) -> None:
        """Resolution, a thousand codes at a time."""
        self.figures["resolve in batches"] = figures

    def dialects(self, figures: dict[str, Figures]) -> None:
        """Resolution through dialects, beside that of the same devices in our own words."""
        self.figures["dialects"] = figures

    def federated(self, figures: dict[str, Figures]) -> None:
        """Recursive answers, beside those of the node that has the devices."""
        self.figures["recursive answers"] = figures

    def audited(self, figures: Figures) -> None:
        """The audit."""
        self.figures["audit"] = figures

    def answered(self, figures: Figures) -> None:
        """Answers with proof, as whoever asks sees them."""
        self.figures["answers"] = figures

    def credentials(self, here: list[Cost], over_http: list[Cost]) -> None:
        """Credentials, in a process and over HTTP."""
        self.figures["credentials"] = {
            "in process": [one._asdict() for one in here],
            "HTTP": [one._asdict() for one in over_http],
        }

    def mirrored(self, figures: Figures) -> None:
        """A mirror that catches up."""
        self.figures["mirror"] = figures

    def compared(self, figures: Figures) -> None:
        """The writer with the map and without it."""
        self.figures["writer"] = figures

    def large(
        self,
        devices: int,
        grown: Figures,
        start: Figures,
        registered: Figures,
        resolved: Figures,
        resident: list[float],
        sizes: Figures,
        answered: Figures,
    ) -> None:
        """The same at another size."""
        self.figures["large"] = {
            "devices": devices,
            "grown": grown,
            "start": start,
            BATCHES: registered,
            "resolve with proof": resolved,
            "resident_mb": resident,
            "bytes": sizes,
            "answers": answered,
        }

    @property
    def verification_us(self) -> float:
        """CPU microseconds of one verification with `cryptography`, before and after."""
        return float(mean(1e6 / one["per_cpu_second"] for one in self.calibrations))

    def bounds(self) -> list[Line]:
        """Every bound with what was measured."""
        batch, single = self.figures[BATCHES], self.figures[SINGLES]
        ideal = self.verification_us * SIGNATURES
        lines = [
            _line("batches / bound by verification, CPU", batch, ideal / batch["cpu_us"], 0.6),
            _line("one by one / the same bound, CPU", single, ideal / single["cpu_us"], 0.25),
        ]
        enrolled, ordinary = (self.figures["factory"][kind] for kind in ("enrolled", "ordinary"))
        faster = enrolled["per_second"] / ordinary["per_second"]
        lines.append(_line("factory devices / others in batches, rate", enrolled, faster, 0.5))
        for kind, bound in (("without", 0.25), ("with", 0.15)):
            asked = self.figures[f"resolve {kind} proof"]
            cpu = self.bare["cpu_us"] / asked["cpu_us"]
            rate = asked["per_second"] / self.bare["per_second"]
            lines.append(_line(f"resolve {kind} proof / bare ASGI, CPU", asked, cpu, bound))
            lines.append(_line(f"resolve {kind} proof / bare ASGI, rate", asked, rate, bound))
        together, alone = (
            self.figures[f"resolve {how}"] for how in ("in batches", "without proof")
        )
        faster = together["per_second"] / alone["per_second"]
        lines.append(_line("resolve in batches / one by one, rate", together, faster, 8.0))
        lines += beside_own(self.figures["dialects"], self.figures["recursive answers"])
        audit = self.figures["audit"]
        ratio = batch["cpu_us"] / audit["cpu_us"]
        lines.append(_line("audit / registration in batches, CPU", audit, ratio, 1.0))
        lines.append(self._map(batch))
        mirror = self.figures["mirror"]
        faster = mirror["per_second"] / batch["per_second"]
        lines.append(_line("mirror / registration in batches, rate", mirror, faster, 5.0))
        return [
            *lines,
            *_bounds_of(self.figures["answers"], ""),
            *_bounds_of_credentials(self.figures["credentials"]),
            *self._bounds_at_size(batch),
        ]

    def _map(self, batch: Figures) -> Line:
        # What a registration would cost without the map: what it costs, less what the writer saves.
        writer = self.figures["writer"]
        without = batch["cpu_us"] - (writer["with"] - writer["without"])
        shown = f"writer {writer['with']:.0f} us with it, {writer['without']:.0f} without"
        what = f"map of {writer['keys']:,} keys / none, CPU"
        return Line(what, shown, batch["cpu_us"] / without, 1.25, False)

    def _bounds_at_size(self, batch: Figures) -> list[Line]:
        large = self.figures.get("large")
        if large is None:
            return []
        registered, resident = large[BATCHES], large["resident_mb"]
        grown = registered["cpu_us"] / batch["cpu_us"]
        return [
            *_bounds_of(large["answers"], " at size"),
            _line("registration at size / at few, CPU", registered, grown, 1.5, at_least=False),
            Line("start-up at size, seconds", "", large["start"]["seconds"], 3, False),
            Line("memory of the service at size, MB", "", resident[0], 300, False),
            Line("memory of the largest checker, MB", "", max(resident[1:], default=0), 60, False),
        ]

    @property
    def met(self) -> bool:
        """Whether every bound holds."""
        return all(line.met for line in self.bounds())

    def lines(self) -> list[str]:
        """The table."""
        return [
            "",
            *(
                f"  {one['cores']} cores: cryptography verifies {one['per_second']:.0f} a second, "
                f"fdatasync {one['fdatasync_per_second']:.0f} a second"
                for one in self.calibrations
            ),
            f"  bare ASGI: {self.bare['per_second']:.0f} a second, {self.bare['cpu_us']:.0f} us",
            f"  inclusion proof, {self.proofs['size']} entries: {self.proofs['cpu_us']:.0f} us",
            "",
            *map(str, self.bounds()),
        ]

    def value(self) -> Figures:
        """Everything, for JSON."""
        return {
            "conditions": "SQLite, WAL, synchronous=FULL; CPU of the server's processes alone",
            "calibrations": self.calibrations,
            "bare ASGI": self.bare,
            "inclusion proof": self.proofs,
            **self.figures,
            "bounds": [{**line._asdict(), "met": line.met} for line in self.bounds()],
        }


def _bounds_of_credentials(figures: Figures) -> list[Line]:
    """What the project holds itself to: 4 primitives in a process, 8 over HTTP."""
    lines = []
    for where, bound in (("in process", 4.0), ("HTTP", 8.0)):
        for cost in (Cost(**one) for one in figures[where]):
            shown = f"{cost.cpu_us:.0f} us of CPU, {cost.primitive_us:.0f} the bare one"
            what = f"{cost.act} {cost.suite}, {where}"
            lines.append(Line(what, shown, cost.ratio, bound, False))
    return lines


def _bounds_of(answers: Figures, where: str) -> list[Line]:
    whole, signed = answers["whole_bytes"], answers["signed_cpu_us"]
    return [
        Line(f"answer{where}, bytes", f"{whole:.0f} in all", answers["bytes"], 6_000, False),
        Line(
            f"verifying it{where}, ms",
            f"{signed / 1e3:.2f} with signatures",
            answers["cpu_us"] / 1e3,
            0.5,
            False,
        ),
    ]


def _line(
    what: str, figures: Figures, ratio: float, bound: float, *, at_least: bool = True
) -> Line:
    shown = f"{figures['per_second']:.0f} a second, {figures['cpu_us']:.0f} us of CPU"
    return Line(what, shown, ratio, bound, at_least)
