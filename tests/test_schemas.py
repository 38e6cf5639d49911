"""specs/schemas: what they let through and stop, against the vectors and against our own parser.

That the files are those which the models give is part of tests/test_vectors.py.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from identity.errors import SchemaViolation
from identity.operation import read_operation
from tests.generated.__main__ import SPECS

SCHEMAS = {path.stem: json.loads(path.read_bytes()) for path in (SPECS / "schemas").glob("*.json")}
OPERATIONS: list[dict[str, Any]] = [
    json.loads(path.read_bytes())["operation"]
    for path in sorted((SPECS / "vectors" / "rules").glob("*.json"))
]
EXAMPLES = {operation["type"]: operation for operation in OPERATIONS}


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name])


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_every_operation_of_the_vectors_is_valid() -> None:
    every, submission = validator("operation"), validator("submission")
    for operation in OPERATIONS:
        validator(operation["type"]).validate(operation)
        every.validate(operation)
        submission.validate({"operation": operation, "disclosures": []})


def test_there_is_a_schema_and_an_example_for_every_type() -> None:
    assert set(SCHEMAS) == {*EXAMPLES, "operation", "submission"}


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value in a document."""
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, one in items:
            yield from paths(one, (*path, name))


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return changed


def removed(document: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(document)
    at = changed
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return changed


def refused_by_models(operation: Any) -> bool:
    try:
        read_operation(operation)
    except SchemaViolation:
        return True
    return False


@pytest.mark.parametrize("type_", sorted(EXAMPLES))
def test_schema_and_models_refuse_the_same(type_: str) -> None:
    """Each value in turn removed, or replaced by one of another type."""
    example, check = EXAMPLES[type_], validator(type_)
    for path in paths(example):
        if not path or path == ("type",):
            continue
        others: list[Any] = [17, 1.5, True, "", [], {}]
        mutants = [replaced(example, path, other) for other in others]
        mutants.append(removed(example, path))
        for mutant in mutants:
            assert check.is_valid(mutant) == (not refused_by_models(mutant)), (path, mutant)


@pytest.mark.parametrize("type_", sorted(EXAMPLES))
def test_null_and_members_beyond_those_named_are_refused(type_: str) -> None:
    example, check = EXAMPLES[type_], validator(type_)
    for path in paths(example):
        if path:
            assert not check.is_valid(replaced(example, path, None)), path
        at = example
        for step in path:
            at = at[step]
        if isinstance(at, dict):
            assert not check.is_valid(replaced(example, (*path, "more"), 1)), path
