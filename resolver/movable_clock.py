"""A clock that can be put forward: for `tetrad serve --test-clock`, and nothing else.

    clock = MovableClock(time.time)
    clock.advance(604_800)                      # a wait of a week is over

It only ever goes forward, as the entries of a ledger do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MOST: Final = 10 * 366 * 86_400
"""Seconds by which it can be put forward at a time: the longest wait of a recovery."""


class MovableClock:
    """Another clock, so many seconds ahead."""

    def __init__(self, clock: Callable[[], float], ahead: int = 0) -> None:
        self._clock = clock
        self.ahead = ahead
        """Seconds."""

    def __call__(self) -> float:
        return self._clock() + self.ahead

    def advance(self, seconds: int) -> None:
        """Puts it forward. Raises ValueError for less than nothing."""
        if seconds < 0:
            raise ValueError("this clock does not go back")
        self.ahead += seconds
