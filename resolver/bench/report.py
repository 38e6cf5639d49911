"""The figures of a run, against the bounds that the project holds itself to."""

from __future__ import annotations

from statistics import mean
from typing import Any, NamedTuple

from resolver.bench.fleet import SIGNATURES

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
        sign = ">=" if self.at_least else "<="
        mark = "✓" if self.met else "✗"
        return (
            f"  {mark} {self.what:<44} {self.ratio:>8.2f} {sign} {self.bound:<6g} {self.measured}"
        )


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
        self.figures["register in batches of 500"] = figures

    def singles(self, figures: Figures) -> None:
        """Registration one by one."""
        self.figures["register one by one, 32 connections"] = figures

    def resolved(self, figures: Figures, *, proof: bool) -> None:
        """Resolution."""
        self.figures[f"resolve {'with' if proof else 'without'} proof"] = figures

    def audited(self, figures: Figures) -> None:
        """The audit."""
        self.figures["audit"] = figures

    def large(
        self,
        devices: int,
        grown: Figures,
        start: Figures,
        registered: Figures,
        resolved: Figures,
        resident: list[float],
        sizes: Figures,
    ) -> None:
        """The same at another size."""
        self.figures["large"] = {
            "devices": devices,
            "grown": grown,
            "start": start,
            "register in batches of 500": registered,
            "resolve with proof": resolved,
            "resident_mb": resident,
            "bytes": sizes,
        }

    @property
    def verification_us(self) -> float:
        """CPU microseconds of one verification with `cryptography`, before and after."""
        return mean(1e6 / one["per_cpu_second"] for one in self.calibrations)

    def bounds(self) -> list[Line]:
        """Every bound with what was measured."""
        ideal = self.verification_us * SIGNATURES
        batch = self.figures["register in batches of 500"]
        single = self.figures["register one by one, 32 connections"]
        lines = [
            Line(
                "batches / verification bound, CPU",
                _shown(batch),
                ideal / batch["cpu_us"],
                0.6,
                True,
            ),
            Line(
                "one by one / verification bound, CPU",
                _shown(single),
                ideal / single["cpu_us"],
                0.25,
                True,
            ),
        ]
        for kind, bound in (("without", 0.25), ("with", 0.15)):
            figures = self.figures[f"resolve {kind} proof"]
            lines.append(
                Line(
                    f"resolve {kind} proof / bare ASGI, CPU",
                    _shown(figures),
                    self.bare["cpu_us"] / figures["cpu_us"],
                    bound,
                    True,
                )
            )
        audit = self.figures["audit"]
        lines.append(
            Line(
                "audit / registration in batches, CPU",
                _shown(audit),
                batch["cpu_us"] / audit["cpu_us"],
                1.0,
                True,
            )
        )
        return lines + self._bounds_at_size(batch)

    def _bounds_at_size(self, batch: Figures) -> list[Line]:
        large = self.figures.get("large")
        if large is None:
            return []
        registered, resident = large["register in batches of 500"], large["resident_mb"]
        size = f"at {large['devices']} devices"
        return [
            Line(
                f"registration {size} / at few, CPU",
                _shown(registered),
                registered["cpu_us"] / batch["cpu_us"],
                1.5,
                False,
            ),
            Line(f"start-up {size}, seconds", "", large["start"]["seconds"], 3, False),
            Line(f"memory of the service {size}, MB", "", resident[0], 300, False),
            Line("memory of the largest checker, MB", "", max(resident[1:], default=0), 60, False),
        ]

    @property
    def met(self) -> bool:
        """Whether every bound holds."""
        return all(line.met for line in self.bounds())

    def lines(self) -> list[str]:
        """The table."""
        before, after = self.calibrations[0], self.calibrations[-1]
        return [
            "",
            f"  {before['cores']} cores; cryptography verifies {before['per_second']:.0f} before, "
            f"{after['per_second']:.0f} after, a second; fdatasync {before['fdatasync_per_second']:.0f}, "
            f"{after['fdatasync_per_second']:.0f} a second",
            f"  bare ASGI {self.bare['per_second']:.0f} a second, {self.bare['cpu_us']:.0f} us of CPU",
            f"  an inclusion proof in {self.proofs['size']} entries: {self.proofs['cpu_us']:.0f} us",
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


def _shown(figures: Figures) -> str:
    return f"{figures['per_second']:.0f} a second, {figures['cpu_us']:.0f} us of CPU"
