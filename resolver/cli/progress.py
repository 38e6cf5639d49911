"""A bar that grows, on the standard error of a terminal and nowhere else."""

from __future__ import annotations

import sys

CELLS = 8


class Progress:
    """Called with (done, total)."""

    def __init__(self, what: str = "") -> None:
        self._what = f" {what}" if what else ""
        self._live = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        """Draws the bar over the one before; erases it when all is done."""
        if not self._live:
            return
        end = "\r\x1b[K" if done >= total else ""
        sys.stderr.write(f"\r  {bar(done, total)}{self._what}{end}")
        sys.stderr.flush()


def bar(done: int, total: int) -> str:
    """`████░░░░ 250/500`."""
    full = CELLS * done // total if total else CELLS
    return f"{'█' * full}{'░' * (CELLS - full)} {done}/{total}"
