"""Every scenario of tests/scenarios, played against a ledger: the rule book's table row by row.

What is refused is refused by that class of error at that pointer, and changes nothing; what is
accepted changes exactly what `apply` said, and is not applied twice.
"""

from __future__ import annotations

from typing import Any, cast

import pytest

from identity.errors import (
    Conflict,
    InvalidDisclosure,
    NumberTaken,
    ObjectTaken,
    TetradError,
    catalogue,
)
from registry.ledger import Accepted
from registry.merkle import leaf_hash
from registry.rules import ROWS
from registry.state import FIRST_HISTORY, Key, Record, State, next_history
from tests.factory import RULES
from tests.generated.rules import without_history
from tests.scenarios import Scenario, Town, all_scenarios

SCENARIOS = all_scenarios()


class Watched:
    """A state that hands out copies, so that a change shows, and as the specification has it for
    the rules: without the histories."""

    def __init__(self, town: Town) -> None:
        self._state = town.ledger.state

    @property
    def size(self) -> int:
        return self._state.size

    def get(self, key: Key) -> Record | None:
        return cast("Record | None", without_history(self._state.get(key)))


def decide(scenario: Scenario, town: Town, signed: Any) -> Any:
    """What the rule book alone says: changes or an error."""
    return decided_by(Watched(town), scenario, town, signed)


def decided_by(state: State, scenario: Scenario, town: Town, signed: Any) -> Any:
    """The same, over a state."""
    checked = town.check(signed)
    unique = {} if scenario.undisclosed else checked.unique
    try:
        return RULES.apply(state, checked.operation, checked.hash, unique, town.now)
    except TetradError as error:
        return error


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_scenario(scenario: Scenario) -> None:
    town = scenario.world()
    signed = scenario.build(town)
    decided = decide(scenario, town, signed)
    again = decide(scenario, town, signed)
    if scenario.error is not None:
        assert type(decided) is scenario.error, decided
        assert decided.pointer == scenario.pointer
        assert decided.problem() == again.problem()
    else:
        assert isinstance(decided, dict), decided
        assert decided == again
    if scenario.undisclosed:
        return
    before = town.store.head()
    histories = {key: history_of(town.ledger.state.get(key)) for key in decided_keys(decided)}
    (outcome,) = town.submit(signed)
    if scenario.error is not None:
        assert isinstance(outcome, TetradError)
        assert outcome.problem() == decided.problem()
        assert town.store.head() == before
    else:
        assert isinstance(outcome, Accepted), outcome
        leaf = leaf_hash(town.store.entries(outcome.index, outcome.index + 1)[0])
        for key, record in decided.items():
            stored = town.ledger.state.get(key)
            assert without_history(stored) == record
            assert history_of(stored) == next_history(histories[key], leaf)
        (repeated,) = town.submit(signed)
        assert repeated == Accepted(outcome.hash, outcome.index, repeated=True)


def history_of(record: Any) -> bytes:
    """The history of a record; that before the first."""
    return bytes.fromhex(record["history"]) if record else FIRST_HISTORY


def decided_keys(decided: Any) -> list[Key]:
    """What the rule book changes, where it does not refuse."""
    return list(decided) if isinstance(decided, dict) else []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_the_rules_say_the_same_whatever_the_histories_are(scenario: Scenario) -> None:
    town = scenario.world()
    signed = scenario.build(town)
    outcomes = [
        decided_by(state, scenario, town, signed) for state in (Watched(town), town.ledger.state)
    ]
    blind, seeing = (
        {key: without_history(record) for key, record in outcome.items()}
        if isinstance(outcome, dict)
        else outcome.problem()
        for outcome in outcomes
    )
    assert blind == seeing


def test_every_row_is_accepted_once_and_refused_once() -> None:
    types = {row.model_fields["type"].annotation.__args__[0] for row in ROWS}  # type: ignore[union-attr]
    for wanted in (True, False):
        shown = {one.name.partition("-")[0] for one in SCENARIOS if (one.error is None) == wanted}
        assert shown == types


def test_every_error_of_the_rules_has_a_scenario() -> None:
    shown = {one.error.code for one in SCENARIOS if one.error}
    families = ("rule.", "conflict.", "right.")
    of_rules = {error.code for error in catalogue() if error.code.startswith(families)}
    assert of_rules <= shown


@pytest.mark.parametrize("conflict", [NumberTaken, ObjectTaken])
def test_a_conflict_names_the_place_and_never_the_other_party(conflict: type[Conflict]) -> None:
    for scenario in SCENARIOS:
        if scenario.error is conflict:
            town = scenario.world()
            signed = scenario.build(town)
            shown = str(decide(scenario, town, signed).problem())
            assert "did:tetrad:" not in shown
            assert "zQm" not in shown


@pytest.mark.parametrize(
    "more",
    [
        {"/body/object/model": "x" * 43},
        {"/body/code/commitment": "x" * 43},
        {"/body/number/commitment": "+8613800138000"},
        {"/body/number/commitment": "x" * 44},
    ],
)
def test_an_entry_carries_nothing_beside_its_keyed_hashes(more: dict[str, str]) -> None:
    """What an operator slips in there could never be taken out again: an audit refuses it."""
    town = Town()
    checked = town.check(town.newcomer("M-1", town.acme, number="1440000000001"))
    with pytest.raises(InvalidDisclosure):
        RULES.apply(
            town.ledger.state, checked.operation, checked.hash, checked.unique | more, town.now
        )


def test_names_tell_scenarios_apart() -> None:
    names = [one.name for one in SCENARIOS]
    assert len(set(names)) == len(names)
    assert all(one.description.endswith(".") for one in SCENARIOS)
