"""All faults of all scenes, over several processes, and the table of what came of them."""

from __future__ import annotations

import asyncio
import multiprocessing.pool
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.examination import KINDS
from tests.faults.runs import Run, examined, in_child, strike, trace
from tests.faults.scenes import CUT, KILL, RARER, SCENES, Fault, Scene, faults_of, strided
from tests.faults.story import FIRST, Places, open_or_begin, tell, tell_all

ATTEMPTS: Final = 3
"""At a fault, since threads may now and then take turns in another order than when listed."""


@dataclass
class Campaign:
    """Templates, faults and runs, below one folder."""

    base: Path
    faults: list[Fault] = field(default_factory=list)
    chosen: list[Fault] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    stride: int = 1
    seconds: float = 0.0

    def list_faults(self, scenes: Iterable[Scene] = SCENES) -> None:
        """Makes the templates, tells each scene once under strace, and lists its faults."""
        (self.base / "empty").mkdir(parents=True)
        # Whatever Python imports at first use is imported here, and not in a run.
        asyncio.run(tell(self._copy("empty", "first"), lambda _: None))
        self._make("begun", "empty", lambda places: open_or_begin(places).close())
        self._make("killed", "begun", _tell_and_die)
        for scene in scenes:
            places = self._copy(scene.template, f"{scene.name}-trace")
            calls = trace(tell_all, places, scene.gate)
            if findings := examined(places, wallet=False):
                raise RuntimeError(f"{scene.name} has findings without a fault: {findings}")
            self.faults += dict.fromkeys(faults_of(scene, calls, places))

    def run(self, stride: int = 1, workers: int = os.cpu_count() or 1) -> None:
        """Strikes with every so manyth fault of each group."""
        self.stride, self.chosen = stride, strided(self.faults, stride)
        began = time.monotonic()
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            self.runs = list(pool.imap_unordered(self._strike, enumerate(self.chosen)))
        self.seconds = time.monotonic() - began

    def _strike(self, numbered: tuple[int, Fault]) -> Run:
        number, fault = numbered
        for attempt in range(ATTEMPTS):
            places = self._copy(fault.scene.template, f"run-{number}-{attempt}")
            run = strike(fault, places)
            if run.fired:
                run.findings = examined(places, wallet=fault.scene.template == "empty")
            if not run.findings:  # else it stays, to be looked at
                shutil.rmtree(places.base)
            if run.fired:
                break
        return run

    def _make(self, name: str, template: str, act: Callable[[Places], object]) -> None:
        places = self._copy(template, name)
        in_child(lambda: act(places))

    def _copy(self, template: str, name: str) -> Places:
        places = Places(self.base / name)
        shutil.copytree(self.base / template, places.base)
        return places

    @property
    def bad(self) -> list[Run]:
        """Runs that found something, ended strangely, or were never struck."""
        return [run for run in self.runs if run.findings or run.unusual or not run.fired]

    @property
    def failed(self) -> bool:
        """Whether anything is wrong. A few faults may be missed: which of two threads comes first
        is not always the same, nor then is how often SQLite asks for a lock."""
        found = any(run.findings or run.unusual for run in self.runs)
        return found or len(self.missed) > len(self.runs) // 100

    @property
    def missed(self) -> list[Run]:
        """Runs that strace put no fault into."""
        return [run for run in self.runs if not run.fired]

    def table(self) -> str:
        """A row for each syscall: how many there were, how many runs with what outcome."""
        rows = [_HEAD, *(self._row(name) for name in sorted({one.call for one in self.faults}))]
        rows.append(self._row(None))
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        lines = [
            "  ".join(
                cell.ljust(width) if not column else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        lines.append(
            f"{len(self.runs)} of {len(self.faults)} faults in {self.seconds:.0f} s; "
            f"{len(self.missed)} missed, {len(self.faults) - len(self.chosen)} left out "
            f"(one in {self.stride} of each scene, thread, syscall and kind was taken, one in "
            f"{self.stride * (RARER if self.stride > 1 else 1)} of what only reads, locks or looks)"
        )
        return "\n".join(lines)

    def _row(self, name: str | None) -> list[str]:
        faults = [fault for fault in self.faults if name in (None, fault.call)]
        runs = [run for run in self.runs if name in (None, run.fault.call)]
        kinds = Counter(_column(run.fault.kind) for run in runs)
        outcomes = Counter(run.outcome for run in runs)
        findings = Counter(kind for run in runs for kind in {one.kind for one in run.findings})
        places = len({(fault.scene, fault.thread, fault.title) for fault in faults})
        return [
            name or "all",
            str(places),
            *(str(kinds[column]) for column in ("error", KILL, CUT)),
            *(str(outcomes[one]) for one in ("killed", "refused", "went on")),
            str(
                sum(n for one, n in outcomes.items() if one not in ("killed", "refused", "went on"))
            ),
            *(str(findings[kind]) for kind in KINDS),
        ]


_HEAD: Final = [
    "syscall",
    "places",
    *("errors", "kills", "cuts"),
    *("killed", "refused", "went on", "crashed"),
    *(f"{kind}!" for kind in KINDS),
]


def _column(kind: str) -> str:
    return kind if kind in (KILL, CUT) else "error"


def _tell_and_die(places: Places) -> None:
    asyncio.run(tell(places, lambda _: None, FIRST))
