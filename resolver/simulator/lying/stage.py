"""Where lies are played: the liar at one address, a witness at another, and those who watch.

played = play(lie, World.build(now), folder)
played.caught, played.evidence
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from registry.policy import Policy
from resolver.simulator.lying.registry import LyingRegistry
from resolver.simulator.lying.scenes import Lie, World
from resolver.simulator.lying.watching import NOTHING, WATCHERS, Watchers
from resolver.simulator.lying.witness import LoopbackWitness
from resolver.trust import Trust


class Played(NamedTuple):
    """What came of a lie."""

    caught: dict[str, str]
    """By watcher, the code with which it refused the lie, or "–"."""
    evidence: dict[str, Any] | None
    """What the monitor keeps, where it could prove it."""
    trust: Trust


def play(lie: Lie, world: World, folder: Path) -> Played:
    """Plays one lie with watchers and a witness of its own, who keep what they must in `folder`."""
    scene = lie.play(world)
    with ExitStack() as stack:
        clock = _Clock(world.now)
        witness = stack.enter_context(LoopbackWitness(folder / "witness", clock))
        history = scene.before.history
        witness.know(*(signer.key for pair in history.secrets.sets for signer in pair))
        policy = witness.policy
        stack.enter_context(_silent())
        liar, other = (stack.enter_context(LyingRegistry(Policy.parse(policy))) for _ in range(2))
        trust = Trust.begin(history.genesis)
        watchers = Watchers(folder, liar.url, trust, policy, witness.heard)
        if scene.earlier is not None:
            liar.show(scene.earlier)
        liar.show(scene.before)
        watchers.begin(scene.question, scene.before.clock)
        clock.now = scene.asked
        liar.show(scene.after)
        against = None
        if scene.aside is not None:
            other.show(scene.aside)
            against = other.url
        caught = watchers.look(scene.question, scene.asked, against=against)
        return Played(caught, watchers.evidence, trust)


@contextmanager
def _silent() -> Iterator[None]:
    """What the liar's own service complains of, such as a missing quorum, is no news here."""
    logger = logging.getLogger("tetrad")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


class _Clock:
    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> float:
        return float(self.now)


def table(lies: list[Lie]) -> str:
    """Lies and who catches them, as Markdown."""
    head = ["lie", "what is done", *WATCHERS, "proved to others"]
    rows = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    for lie in lies:
        cells = [f"`{lie.caught[who]}`" if who in lie.caught else NOTHING for who in WATCHERS]
        cells = [lie.name, lie.says, *cells, lie.proved or NOTHING]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"
