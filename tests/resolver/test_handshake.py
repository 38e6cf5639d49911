"""Two devices meet: what an honest meeting proves, and how each attack on it is refused."""

from __future__ import annotations

import pytest

from identity.errors import TetradError
from resolver.simulator.encounters import ENCOUNTERS, Encounter
from tests.resolver.meeting import town_scene


def test_both_know_whom_they_met() -> None:
    scene = town_scene()
    one, other = scene.initiator(), scene.responder()
    scene.meet(one, other)
    assert one.peer is not None
    assert other.peer is not None
    assert one.peer.did == scene.other.did
    assert other.peer.did == scene.one.did
    assert one.peer.transcript == other.peer.transcript
    assert (one.peer.role, other.peer.role) == ("responder", "initiator")


@pytest.mark.parametrize("encounter", ENCOUNTERS, ids=lambda encounter: encounter.name)
def test_an_attack_is_refused_by_name(encounter: Encounter) -> None:
    with pytest.raises(TetradError) as refused:
        encounter.play(town_scene())
    assert refused.value.code == encounter.expected
