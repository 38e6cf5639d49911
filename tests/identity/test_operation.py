"""Operations: one hash, closed shapes, errors that point at the value which offends."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InputTooLarge, SchemaViolation
from identity.jcs import canonicalize
from identity.multibase import decode_multihash
from identity.operation import (
    MAX_OPERATION_BYTES,
    Submission,
    as_object,
    check_no_null,
    check_size,
    operation_hash,
    operation_value,
    read_operation,
    unsigned_bytes,
)
from tests.factory import Maker, Operation
from tests.scenarios import Scenario, all_scenarios

MAKER = Maker()
ACME = MAKER.new_organization("Acme")
METER = MAKER.new_device("M-1", ACME, number="1440000000001")


def register() -> Operation:
    assert METER.first is not None
    return copy.deepcopy(METER.first.operation)


def refusal(operation: Any) -> SchemaViolation:
    with pytest.raises(SchemaViolation) as caught:
        read_operation(operation)
    return caught.value


def test_the_hash_is_sha_256_over_canonical_json_without_the_proofs() -> None:
    operation = register()
    unsigned = {name: value for name, value in operation.items() if name != "proof"}
    text = json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert unsigned_bytes(operation) == text.encode()
    assert decode_multihash(operation_hash(operation)) == sha256(text.encode()).digest()


def test_the_hash_depends_on_everything_but_proofs_and_order() -> None:
    operation = register()
    hashed = operation_hash(operation)
    assert operation_hash({**operation, "proof": []}) == hashed
    assert operation_hash(dict(reversed(operation.items()))) == hashed
    for name in set(operation) - {"proof"}:
        assert operation_hash({**operation, name: "x"}) != hashed


@pytest.mark.parametrize(
    "scenario",
    [one for one in all_scenarios() if one.error is None],
    ids=lambda one: one.name,
)
def test_what_is_read_is_what_was_written(scenario: Scenario) -> None:
    signed = scenario.build(scenario.world())
    model = read_operation(signed.operation)
    assert operation_value(model) == signed.operation
    assert operation_hash(operation_value(model)) == signed.hash


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        (("created",), "today", "/created"),
        (("ledger",), "zQm", "/ledger"),
        (("body", "object", "model"), "", "/body/object/model"),
        (("body", "object", "sector", "domain"), "sea", "/body/object/sector/domain"),
        (("body", "keys"), [], "/body/keys"),
        (("body", "keys", 0), "z", "/body/keys/0"),
        (("proof", 0, "proofPurpose"), "authentication", "/proof/0/proofPurpose"),
        (("body", "colour"), "red", "/body/colour"),
        (("body", "a/b~c"), "red", "/body/a~1b~0c"),
    ],
)
def test_an_error_points_at_the_value(path: tuple[Any, ...], value: Any, pointer: str) -> None:
    operation: Any = register()
    at = operation
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert refusal(operation).pointer == pointer


@pytest.mark.parametrize("type_", ["device.delete", "", None, 1, "DEVICE.REGISTER", "status"])
def test_types_that_are_none(type_: Any) -> None:
    refusal({**register(), "type": type_})


@pytest.mark.parametrize("value", [None, [], "x", 1, True])
def test_an_operation_is_an_object(value: Any) -> None:
    refusal(value)
    with pytest.raises(SchemaViolation):
        as_object(value)


def test_a_genesis_names_no_ledger_and_all_others_do() -> None:
    refusal({**MAKER.genesis.operation, "ledger": MAKER.ledger_hash})
    without = register()
    del without["ledger"]
    refusal(without)


def test_sequence_and_previous_go_together() -> None:
    whole = MAKER.follow(METER, "status.suspend", {"reason": "x"}).operation
    read_operation(whole)
    for name in ("sequence", "previous"):
        refusal({member: value for member, value in whole.items() if member != name})
    unsequenced = {k: v for k, v in whole.items() if k not in ("sequence", "previous")}
    read_operation(unsequenced)
    refusal({**unsequenced, "type": "status.retire"})
    refusal({**whole, "type": "status.revoke"})


@pytest.mark.parametrize("type_", ["organization.update", "device.update"])
def test_an_update_changes_something(type_: str) -> None:
    refusal(MAKER.follow(ACME, type_, {}).operation)


@pytest.mark.parametrize(
    ("named", "pointer"),
    [
        ({}, "/body"),
        ({"log": []}, "/body/log"),
        ({"log": ["log+1"] * 5}, "/body/log"),
        ({"log": ["x" * 2001]}, "/body/log/0"),
        ({"witnesses": ""}, "/body/witnesses"),
        ({"witnesses": "log \u00e9"}, "/body/witnesses"),
        ({"witnesses": "log \x00"}, "/body/witnesses"),
        ({"witnesses": "#" * 8193}, "/body/witnesses"),
        ({"policy": {"ipv6": "required"}}, "/body/policy/created"),
        ({"witnesses": "quorum none", "origin": "x"}, "/body/origin"),
    ],
)
def test_an_update_of_the_registry_is_of_closed_shape(named: Any, pointer: str) -> None:
    assert refusal(MAKER.update_registry(**named).operation).pointer == pointer


def test_the_longest_recommendation_fits() -> None:
    longest = "# \t" + "x" * 8188 + "\n"
    named = {"witnesses": longest, "log": ["x" * 2000] * 4}
    operation = MAKER.update_registry(**named).operation
    check_size(canonicalize(operation))
    assert operation_value(read_operation(operation)) == operation


def test_null_stands_nowhere() -> None:
    operation = register()
    for path in ((), ("body",), ("body", "object"), ("proof", 0)):
        changed: Any = copy.deepcopy(operation)
        at = changed
        for step in path:
            at = at[step]
        at["created" if path and path[0] == "proof" else "parent"] = None
        with pytest.raises(SchemaViolation):
            check_no_null(changed, canonicalize(changed))
    check_no_null(operation, canonicalize(operation))
    text = {"text": 'x":null'}
    check_no_null({"body": text}, canonicalize({"body": text}))


def test_the_size_of_an_operation_is_bounded() -> None:
    check_size(b"x" * MAX_OPERATION_BYTES)
    with pytest.raises(InputTooLarge):
        check_size(b"x" * (MAX_OPERATION_BYTES + 1))


def test_a_submission_has_disclosures_or_none() -> None:
    assert METER.first is not None
    value = {"operation": METER.first.operation, "disclosures": METER.first.disclosures}
    assert Submission.model_validate(value).disclosures == METER.first.disclosures
    assert Submission.model_validate({"operation": register()}).disclosures == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


@given(value=JSON, name=st.sampled_from([*sorted(register()), "body", "subject", "sequence"]))
def test_hostile_values_raise_one_error_and_no_other(value: Any, name: str) -> None:
    with suppress(SchemaViolation):
        read_operation(value)
    with suppress(SchemaViolation):
        read_operation({**register(), name: value})
    with suppress(SchemaViolation):
        read_operation({**register(), "body": {**register()["body"], "object": value}})


@pytest.mark.parametrize("value", [{}, {"type": "device.invent"}, {"type": 1}])
def test_a_type_that_there_is_not_is_told_in_plain_words(value: Any) -> None:
    refused = refusal(value)
    assert refused.pointer == "/type"
    assert "type" in refused.detail
    assert "discriminator" not in refused.detail


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"right": "rule"}, "/body/right"),
        ({"right": None}, "/body/right"),
        ({"scope": {"scheme": "gtin"}}, "/body/scope/prefix"),
        ({"until": "now"}, "/body/until"),
    ],
)
def test_an_error_in_a_grant_points_at_its_own_members(changed: Any, pointer: str) -> None:
    grant = MAKER.prefix(ACME, "gtin:09506000").operation
    body = {name: value for name, value in {**grant["body"], **changed}.items() if value}
    refused = refusal({**grant, "body": body})
    assert refused.pointer == pointer
    assert "discriminator" not in refused.detail
