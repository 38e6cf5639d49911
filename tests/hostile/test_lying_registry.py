"""A registry whose operator lies, against those who must catch it: the table of the specification.

Every lie is played over HTTP by a real service that the operator has turned, and looked at by the
real client, witness, monitor, mirror and audit; what each of them says is what the table says.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from identity.errors import QuorumMissing, catalogue
from registry.evidence import check_evidence
from resolver.cli import tetrad
from resolver.simulator.lying.lies import LIES
from resolver.simulator.lying.scenes import Lie, Scene, World
from resolver.simulator.lying.stage import play
from resolver.simulator.lying.watching import NOTHING, WATCHERS
from resolver.trust import Trust
from tests.factory import NOW
from tests.resolver.client.conftest import Registry
from tests.witnesses import cosigner

QUICK = ("two trees of one size", "a rollback", "a forged signature", "a doctored absence")
"""Played by `make test` as well; the others take as long each."""


@pytest.fixture(scope="module")
def world() -> World:
    return World.build(NOW)


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(lie, id=lie.name, marks=[] if lie.name in QUICK else pytest.mark.slow)
        for lie in LIES
    ],
)
def test_a_lie_is_caught_by_name(lie: Lie, world: World, tmp_path: Path) -> None:
    played = play(lie, world, tmp_path)
    assert played.caught == {who: lie.caught.get(who, NOTHING) for who in WATCHERS}
    if not lie.proved:
        assert played.evidence is None
        return
    # Anybody believes the evidence who knows the ledger alone.
    opening = Trust.begin(played.trust.genesis).open
    assert check_evidence(played.evidence, played.trust.ledger, opening).kind == lie.proved
    file = tmp_path / "evidence.json"
    file.write_bytes(orjson.dumps(played.evidence))
    said = CliRunner().invoke(
        tetrad, ["verify", str(file), "--ledger", played.trust.ledger], catch_exceptions=False
    )
    assert said.exit_code == 0, said.output
    assert "proved against the log liar.test" in said.output


def test_an_honest_registry_is_not_accused(world: World, tmp_path: Path) -> None:
    def grows(world: World) -> Scene:
        after = world.later(world.grown(*world.further(3)))
        return Scene(world.honest(), after, world.about(), after.clock + 10)

    played = play(Lie("none", "it grows", {}, grows), world, tmp_path)
    assert played.caught == dict.fromkeys(WATCHERS, NOTHING)
    assert played.evidence is None


def test_every_lie_is_caught_by_somebody_who_is_there() -> None:
    codes = {error.code for error in catalogue()}
    for lie in LIES:
        assert lie.caught, lie.name
        assert set(lie.caught) <= set(WATCHERS)
        assert set(lie.caught.values()) <= codes
    assert len({lie.name for lie in LIES}) == len(LIES)


@pytest.fixture
def registry() -> Iterator[Registry]:
    service = Registry()
    yield service
    service.stop()


def test_a_witnessed_receipt_without_its_cosignature_is_refused(registry: Registry) -> None:
    """The registry asks no witness; a client whose policy asks for one is not put off."""
    policy = f"witness w {cosigner('w1').key}\nquorum w\n"
    client = registry.client()
    made = client.create_organization("Acme")
    strict = registry.client(registry.trusted().asking(policy))
    assert strict.operation_receipt(made.operation)[0].index == made.index
    with pytest.raises(QuorumMissing):
        strict.operation_receipt(made.operation, witnessed=True)
    assert client.operation_receipt(made.operation, witnessed=True)[0].index == made.index
