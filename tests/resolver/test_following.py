"""What a follower believes: entries that the root of a signed checkpoint follows from."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import LedgerTampered, TetradError
from identity.jcs import canonicalize
from registry.checkpoint import Checkpoint
from registry.merkle import Frontier, leaf_hash, root_at
from registry.tile import subtree_reader
from resolver import following
from resolver.following import Chain, told_checkpoint, told_entry
from tests.factory import ORIGIN, City


def built() -> tuple[City, list[bytes]]:
    """A log with roots of the state in it."""
    city = City()
    acme = city.organization("Acme")
    city.accept(city.prefix(acme, "gtin:09506000"))
    city.ledger.close(city.now)
    for n in range(5):
        city.device(f"M-{n}", acme)
    city.ledger.close(city.now)
    return city, city.store.entries(0, city.reader.head().size)


CITY, ENTRIES = built()
SIZE = len(ENTRIES)


def tree(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_at(size, subtree_reader(CITY.store.tile)))


def chain(start: int) -> Chain:
    frontier = Frontier.at(start, subtree_reader(CITY.store.tile))
    return Chain(frontier, leaf_hash(ENTRIES[start - 1]))


@given(st.integers(1, SIZE), st.lists(st.integers(1, SIZE), max_size=6))
def test_every_entry_is_handed_on_once_whenever_checkpoints_come(
    start: int, sizes: list[int]
) -> None:
    following = chain(start)
    found = []
    told = start
    for size in [*sizes, SIZE]:
        while told < size:
            following.append(told, ENTRIES[told])
            told += 1
        found += following.proved(tree(size))
    assert found == list(enumerate(ENTRIES))[start:]
    assert following.size == SIZE


def test_more_may_be_told_than_is_published() -> None:
    following = chain(3)
    for index in range(3, SIZE):
        following.append(index, ENTRIES[index])
    assert [index for index, _ in following.proved(tree(5))] == [3, 4]
    assert [index for index, _ in following.proved(tree(SIZE))] == list(range(5, SIZE))
    assert following.proved(tree(SIZE)) == []  # dated anew
    assert following.proved(tree(2)) == []


def changed(index: int) -> bytes:
    value = orjson.loads(ENTRIES[index])
    value["time"] = "2026-11-22T09:00:00Z"
    return canonicalize(value)


def test_an_entry_that_is_left_out_repeated_or_changed_is_refused() -> None:
    for wrong in (4, 2):
        with pytest.raises(LedgerTampered):
            chain(3).append(wrong, ENTRIES[wrong])
    following = chain(3)
    following.append(3, changed(3))
    with pytest.raises(LedgerTampered):
        following.append(4, ENTRIES[4])  # it names the true entry before it
    following = chain(SIZE - 1)
    following.append(SIZE - 1, changed(SIZE - 1))
    with pytest.raises(LedgerTampered):
        following.proved(tree(SIZE))


def test_a_tree_over_what_was_not_told_is_refused() -> None:
    with pytest.raises(LedgerTampered):
        chain(3).proved(tree(SIZE))


def test_an_entry_that_is_none_is_refused() -> None:
    for entry in (b"{}", b"", ENTRIES[3][:-1], b" " + ENTRIES[3], ENTRIES[4]):
        with pytest.raises(LedgerTampered):
            chain(3).append(3, entry)


def test_entries_that_are_never_published_are_not_collected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "MOST_WAITING", 2)
    found = chain(1)
    found.append(1, ENTRIES[1])
    found.append(2, ENTRIES[2])
    with pytest.raises(TetradError):
        found.append(3, ENTRIES[3])


@given(
    st.text(max_size=80)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.dictionaries(
            st.sampled_from(["index", "entry", "checkpoint", "x"]), inner, max_size=4
        ),
    ).map(json.dumps)
)
def test_whatever_a_server_tells_is_read_or_refused(data: str) -> None:
    for read in (told_entry, told_checkpoint):
        try:
            read(data)
        except TetradError:
            continue
