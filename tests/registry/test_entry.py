"""Entries: spliced from canonical bytes, split again, and read in no other form."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidReceipt, LedgerTampered, TetradError
from identity.jcs import Json, canonicalize
from registry.entry import (
    FIRST_PREVIOUS,
    MAX_ENTRY_BYTES,
    Entry,
    StateRoot,
    entry_context,
    is_state_root,
    join_entry,
    parse_any,
    parse_entry,
    split_entry,
    state_root_entry,
)

TIME = "2026-11-22T08:00:00Z"
VALUES = st.recursive(
    st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), st.booleans(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)
# Texts that could be taken for the seams of an entry.
SEAMS = st.sampled_from(
    ['","previous":"', ',"previous":"', '"operation":', '"},"previous":"0', "index", "previous"]
)
OPERATIONS = st.dictionaries(st.one_of(st.text(), SEAMS), st.one_of(VALUES, SEAMS), max_size=4)
INDEXES = st.integers(0, 2**53 - 1)
PREVIOUS = st.binary(min_size=32, max_size=32).map(bytes.hex)
UNIQUE = st.dictionaries(
    st.sampled_from(["/body/object/serial", "/body/number/commitment", "/x"]), st.text(), max_size=3
)


@given(INDEXES, PREVIOUS, OPERATIONS, UNIQUE)
def test_an_entry_is_joined_split_and_read_alike(
    index: int, previous: str, operation: dict[str, Json], unique: dict[str, str]
) -> None:
    signed = canonicalize(operation)
    context = entry_context(index, TIME, previous, unique)
    data = join_entry(context, signed)
    whole = {"index": index, "time": TIME, "previous": previous, "operation": operation}
    assert data == canonicalize({**whole, **({"unique": unique} if unique else {})})
    assert split_entry(data, index) == (context, signed)
    assert parse_entry(data, index) == Entry(index, TIME, previous, operation, unique)
    assert parse_any(data, index) == parse_entry(data, index)
    assert not is_state_root(data)


@given(INDEXES, PREVIOUS, st.binary(min_size=32, max_size=32))
def test_a_root_of_the_state_is_written_and_read_alike(
    index: int, previous: str, root: bytes
) -> None:
    data = state_root_entry(index, TIME, previous, root)
    whole = {"index": index, "time": TIME, "previous": previous, "state_root": root.hex()}
    assert data == canonicalize(whole)
    assert is_state_root(data)
    assert parse_any(data, index) == StateRoot(index, TIME, previous, root)
    with pytest.raises(LedgerTampered):
        parse_entry(data, index)


CLOSING = {"index": 3, "time": TIME, "previous": "ab" * 32, "state_root": "cd" * 32}


@pytest.mark.parametrize(
    "changed",
    [
        {"index": 4},
        {"time": "2026-02-30T08:00:00Z"},
        {"previous": 0},
        {"state_root": "CD" * 32},
        {"state_root": "cd" * 31},
        {"state_root": "cd" * 32 + "\n"},
        {"state_root": 7},
        {"state_root": None},
        {"operation": {"type": "x"}},
        {"unique": {"/a": "b"}},
        {"more": 1},
    ],
)
def test_a_root_that_is_not_as_written_is_refused(changed: dict[str, object]) -> None:
    parse_any(canonicalize(CLOSING), 3)
    with pytest.raises(LedgerTampered) as caught:
        parse_any(canonicalize({**CLOSING, **changed}), 3)
    assert caught.value.members["index"] == 3


def test_an_entry_reads_as_the_specification_shows_it() -> None:
    context = entry_context(21, TIME, FIRST_PREVIOUS, {"/body/object/serial": "h"})
    assert join_entry(context, b'{"type":"device.retire"}') == (
        b'{"index":21,"operation":{"type":"device.retire"},"previous":"' + b"0" * 64 + b'",'
        b'"time":"2026-11-22T08:00:00Z","unique":{"/body/object/serial":"h"}}'
    )


@pytest.mark.parametrize(
    "context", [b"", b"{}", b'{"index":1}', b'{"previous":"00","time":"x"}', b'["index",1]']
)
def test_a_context_that_is_none_is_refused(context: bytes) -> None:
    with pytest.raises(InvalidReceipt):
        join_entry(context, b"{}")


GOOD = {"index": 3, "time": TIME, "previous": "ab" * 32, "operation": {"type": "x"}}


@pytest.mark.parametrize(
    "changed",
    [
        {"index": 4},
        {"index": "3"},
        {"index": True},
        {"time": 5},
        {"time": "2026-11-22 08:00:00Z"},
        {"time": "2026-11-22T08:00:00.5Z"},
        {"time": "2026-02-30T08:00:00Z"},
        {"time": "2026-11-22T08:00:00+00:00"},
        {"previous": 0},
        {"operation": []},
        {"operation": "x"},
        {"unique": {}},
        {"unique": []},
        {"unique": {"/a": 1}},
        {"unique": {"previous": "00"}},
        {"state_root": "00"},
    ],
)
def test_a_member_that_is_not_as_written_is_refused(changed: dict[str, object]) -> None:
    parse_entry(canonicalize(GOOD), 3)
    with pytest.raises(LedgerTampered) as caught:
        parse_entry(canonicalize({**GOOD, **changed}), 3)
    assert caught.value.members["index"] == 3


def test_an_index_that_only_python_takes_for_a_number_is_refused() -> None:
    with pytest.raises(LedgerTampered):
        parse_entry(canonicalize({**GOOD, "index": True}), 1)


@pytest.mark.parametrize("missing", GOOD)
def test_a_missing_member_is_noticed(missing: str) -> None:
    with pytest.raises(LedgerTampered):
        parse_entry(canonicalize({k: v for k, v in GOOD.items() if k != missing}), 3)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b" " + data,
        lambda data: data + b"\n",
        lambda data: data.replace(b'"index":3', b'"index":3.0'),
        lambda data: data.replace(b'"index":3', b'"index":3,"index":3'),
        lambda data: data.replace(b'"type":"x"', b'"type":"\\u0078"'),
        lambda data: b'{"time":"' + TIME.encode() + b'",' + data[1:],
        lambda data: data[:-1],
        lambda data: data.replace(b"x", b"\xff"),
        lambda data: data.replace(b"x", b"x" * MAX_ENTRY_BYTES),
    ],
)
def test_only_canonical_bytes_are_an_entry(change: object) -> None:
    data = canonicalize(GOOD)
    changed = change(data)  # type: ignore[operator]
    assert changed != data
    with pytest.raises(LedgerTampered):
        parse_entry(changed, 3)


@given(st.one_of(st.binary(), VALUES.map(canonicalize), OPERATIONS.map(canonicalize)))
def test_hostile_bytes_raise_only_errors_of_ours(data: bytes) -> None:
    with pytest.raises(TetradError):
        parse_entry(data, 0)
    with pytest.raises(TetradError):
        parse_any(data, 0)
    assert is_state_root(data) in (True, False)
    with suppress(TetradError):
        join_entry(data, b"{}")
