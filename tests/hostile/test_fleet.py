"""Every attack of the simulator, over HTTP against a real service: each gets its answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.audit import audit
from registry.rules import RuleBook
from resolver.folder import DataFolder
from resolver.schemes import SCHEMES
from resolver.simulator.attacks import ATTACKS
from resolver.simulator.deceptions import DECEPTIONS
from resolver.simulator.impostures import IMPOSTURES
from resolver.simulator.life_attacks import LIFE_ATTACKS
from resolver.simulator.run import run_simulation
from resolver.simulator.summary import Played, Summary
from tests.integration.server import Server

EXTRA = ("all of these", "concurrent replay")
OPERATIONS = [*(one.name for one in ATTACKS), *(one.name for one in LIFE_ATTACKS)]
ANSWERS = [*(one.name for one in IMPOSTURES), "concurrent answers"]
NAMES = [*OPERATIONS, *EXTRA, *ANSWERS, *(one.name for one in DECEPTIONS)]


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Summary, Path]:
    """A service on disk after a hostile run, stopped."""
    folder = tmp_path_factory.mktemp("besieged") / "city"
    with Server(folder) as server:
        summary = run_simulation(server.address, 20, seed=666, workers=4, hostile=True)
    return summary, folder


@pytest.mark.parametrize("name", NAMES)
def test_an_attack_gets_its_answer(besieged: tuple[Summary, Path], name: str) -> None:
    played: dict[str, Played] = {one.name: one for one in besieged[0].attacks}
    assert played[name].got == played[name].expected


def test_the_honest_fleet_was_served_and_the_ledger_is_whole(
    besieged: tuple[Summary, Path],
) -> None:
    summary, path = besieged
    assert summary.ok
    assert (summary.devices, len(summary.attacks)) == (20, len(NAMES))
    folder = DataFolder.open(path)
    try:
        audited = audit(folder.store, RuleBook(SCHEMES), stored=folder.store)
    finally:
        folder.close()
    # The fleet, the scene of the attacks (four devices, and three of which one is sold and one
    # recovered), and the one that was sent fifty times.
    assert audited.operations["device.register"] == 20 + 4 + 3 + 1
    assert audited.operations["transfer.accept"] == 1
    assert audited.operations["recovery.begin"] == 2
    assert audited.operations["organization.register"] == 2 + 1
