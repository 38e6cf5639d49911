"""specs/vectors/rules: what the rule book reads, is asked, and answers, in every scenario.

    {"description", "now", "state": {"size", "records": [[key, record], …]},
     "hash", "operation", "unique", and then "changes": [[key, record], …] or "error": {code, …}}

`state.records` are all records that the rule book looks at; any other key has no record.
"""

from __future__ import annotations

import copy
from typing import Any, cast

from identity.errors import TetradError
from identity.members import format_time
from registry.state import Changes, Key, Record
from tests.factory import RULES
from tests.generated import file
from tests.scenarios import Scenario, Town, all_scenarios


class ReadState:
    """The state of a ledger, which notes what is read of it."""

    def __init__(self, town: Town) -> None:
        self._state = town.ledger.state
        self.records: Changes = {}

    @property
    def size(self) -> int:
        """Entries so far."""
        return self._state.size

    def get(self, key: Key) -> Record | None:
        """The record under a key, which is noted."""
        record = cast("Record | None", without_history(self._state.get(key)))
        if record is not None:
            self.records[key] = copy.deepcopy(record)
        return record


def without_history(record: Any) -> Any:
    """A copy of a record as the rules read and write it."""
    if record is None:
        return None
    return copy.deepcopy({name: record[name] for name in record if name != "history"})


def _listed(records: Changes) -> list[list[Any]]:
    return [[list(key), records[key]] for key in sorted(records)]


def vector(scenario: Scenario) -> dict[str, Any]:
    """One scenario as a vector."""
    town = scenario.world()
    signed = scenario.build(town)
    checked = town.check(signed)
    unique = {} if scenario.undisclosed else checked.unique
    state = ReadState(town)
    outcome: dict[str, Any]
    try:
        changes = RULES.apply(state, checked.operation, checked.hash, unique, town.now)
        outcome = {"changes": _listed(changes)}
    except TetradError as error:
        outcome = {"error": {"code": error.code, "pointer": error.pointer}}
    return {
        "description": scenario.description,
        "now": format_time(town.now),
        "state": {"size": state.size, "records": _listed(state.records)},
        "operation": signed.operation,
        "hash": checked.hash,
        "unique": unique,
        **outcome,
    }


def files() -> dict[str, bytes]:
    """A file for each scenario."""
    return {f"vectors/rules/{one.name}.json": file(vector(one)) for one in all_scenarios()}
