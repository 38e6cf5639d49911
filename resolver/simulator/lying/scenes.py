"""What a lie is made of: the honest ledger that it begins from, and what is shown in which order.

world = World.build(now)
Scene(world.honest(), world.later(world.grown(300)), world.about(), world.now + 70)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from resolver.schemes import SCHEMES, Code
from resolver.simulator.lying.history import History
from resolver.simulator.lying.registry import Shown
from resolver.simulator.lying.watching import Question
from resolver.simulator.seed import Seed

FULL = 256
"""Entries of a full tile."""


@dataclass(frozen=True)
class World:
    """The honest ledger that every lie begins from."""

    now: int
    early: History
    base: History
    """As `early`, and a little more."""

    @cached_property
    def large(self) -> History:
        """As `base`, with more entries than a full tile has."""
        return self.base.copy().register(range(16, FULL))

    @classmethod
    def build(cls, now: int, seed: int = 7) -> World:
        """A ledger that began at `now`; the same for the same arguments."""
        early = History.begin(Seed(seed), now).register(range(8))
        return cls(now, early, early.copy().register(range(8, 16)))

    def grown(self, *numbers: int) -> History:
        """The base with further honest registrations."""
        return self.base.copy().register(numbers)

    def further(self, count: int = 1) -> list[int]:
        """Numbers of devices that are not registered, and whose codes anybody may ask for."""
        found = (n for n in range(FULL, 2 * FULL) if self._plain(n))
        return [next(found) for _ in range(count)]

    def _plain(self, n: int) -> bool:
        scheme = self.base.fleet.device(n).code.scheme
        return not SCHEMES.is_committed(scheme) and scheme != "uuid"

    def code(self, n: int) -> Code:
        """The code of a device, registered or not."""
        return self.base.fleet.device(n).code

    def honest(self, history: History | None = None) -> Shown:
        """What is shown before a lie."""
        return Shown(history or self.base, self.now)

    def later(self, history: History, **lies: Any) -> Shown:
        """What is shown a minute later."""
        return Shown(history, self.now + 60, **lies)

    def about(self) -> Question:
        """A question about a device of the beginning."""
        return Question(self.early.plain().code)


class Scene(NamedTuple):
    """What is shown, in this order."""

    before: Shown
    after: Shown
    question: Question
    asked: int
    """When the watchers look again, in seconds since 1970."""
    earlier: Shown | None = None
    """Published before anybody looks."""
    aside: Shown | None = None
    """What others are shown at another address, where clients ask from then on."""


class Lie(NamedTuple):
    """One lie."""

    name: str
    says: str
    caught: dict[str, str]
    """By watcher, the code with which it refuses; the others notice nothing."""
    play: Callable[[World], Scene]
    proved: str = ""
    """The kind of the evidence that the monitor keeps, which `tetrad verify` proves to others."""
