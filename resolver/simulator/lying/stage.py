"""Where lies are played: the liar at one address, a witness at another, and those who watch.

played = play(lie, World.build(now), folder)
played.caught, played.evidence
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from registry.policy import Policy
from resolver.settings import Settings
from resolver.simulator.lying.registry import Loopback, LyingRegistry
from resolver.simulator.lying.scenes import Lie, World
from resolver.simulator.lying.watching import NOTHING, WATCHERS, Heard, Watchers
from resolver.trust import Trust
from resolver.witness.app import witness_app
from resolver.witness.folder import WitnessFolder

WITNESS = "witness.test"


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
        kept = WitnessFolder.create(folder / "witness", WITNESS)
        stack.callback(kept.store.close)
        history = scene.before.history
        for pair in history.secrets.sets:
            for signer in pair:
                kept.store.add_log(signer.key)
        clock = _Clock(world.now)
        witness = Heard(kept.secrets, kept.store, clock)
        asked = stack.enter_context(Loopback(witness_app(witness, Settings())))
        policy = f"witness w {kept.secrets.keys[0]} {asked.url}\nquorum w\n"
        liar, other = (stack.enter_context(LyingRegistry(Policy.parse(policy))) for _ in range(2))
        trust = Trust.begin(history.genesis)
        watchers = Watchers(folder, liar.url, trust, policy, witness)
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
