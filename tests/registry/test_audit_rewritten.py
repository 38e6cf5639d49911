"""The audit of a log that its operator has written anew: the operator holds the log's key and every
hash fits, so that only the rules and the state can tell."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from identity.errors import LedgerTampered
from identity.jcs import canonicalize
from registry.audit import audit
from registry.checkpoint import Checkpoint
from registry.entry import StateRoot, parse_any, parse_entry
from registry.merkle import Frontier, leaf_hash
from registry.note import sign_note
from registry.store import MemoryStore, Store
from registry.stores.sqlite import SqliteStore
from registry.tile import changed_tiles
from tests.factory import LOG, NOW, ORIGIN, RULES, City, Signed, Subject


def first_of(subject: Subject) -> Signed:
    assert subject.first is not None
    return subject.first


class Rewritten:
    """A log that its operator has written anew from entry to entry, tree and signature included."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self.all: list[bytes] = []
        frontier, previous = Frontier(), "0" * 64
        for index, entry in enumerate(entries):
            whole = {**entry, "index": index, "previous": entry.get("previous", previous)}
            self.all.append(canonicalize(whole))
            previous = leaf_hash(self.all[-1]).hex()
            frontier.append(leaf_hash(self.all[-1]))
        tiles = changed_tiles(0, [leaf_hash(e) for e in self.all], lambda _, __: b"")
        self._tiles = {(tile.level, tile.n): tile.data for tile in tiles}
        text = Checkpoint(ORIGIN, frontier.size, frontier.root()).format()
        self._note = sign_note(text, [LOG], NOW)

    def checkpoint(self) -> bytes:
        return self._note

    def entries(self, start: int, end: int) -> list[bytes]:
        return self.all[start:end]

    def tile(self, level: int, n: int) -> bytes:
        return self._tiles.get((level, n), b"")


def history() -> tuple[City, list[dict[str, Any]]]:
    """A city, and its entries to be written anew: two devices from entry 3 on, one suspended."""
    city = City()
    acme, first, _ = city.fill(2)
    city.accept(city.supervise(first, "status.suspend", "lost", acme))
    entries = []
    for index, data in enumerate(city.store.entries(0, 99)):
        entry = parse_entry(data, index)
        members: dict[str, Any] = {"time": entry.time, "operation": entry.operation}
        entries.append({**members, "unique": entry.unique} if entry.unique else members)
    return city, entries


def rewritten(change: Callable[[City, list[dict[str, Any]]], None]) -> LedgerTampered:
    city, entries = history()
    change(city, entries)
    with pytest.raises(LedgerTampered) as caught:
        audit(Rewritten(entries), RULES)
    return caught.value


def test_a_faithful_copy_holds() -> None:
    _, entries = history()
    assert audit(Rewritten(entries), RULES).size == len(entries)


def test_an_operation_of_the_operators_own_is_found() -> None:
    def forge(_: City, entries: list[dict[str, Any]]) -> None:
        entries[3]["operation"]["body"]["object"]["model"] = "M2"

    assert rewritten(forge).members == {"index": 3, "cause": "proof.invalid"}


def test_the_second_proof_of_a_set_is_checked_too() -> None:
    def forge(_: City, entries: list[dict[str, Any]]) -> None:
        proofs = entries[3]["operation"]["proof"]
        proofs[1]["proofValue"] = proofs[0]["proofValue"]

    assert rewritten(forge).members == {"index": 3, "cause": "proof.invalid"}


def test_an_operation_told_twice_is_found() -> None:
    def again(_: City, entries: list[dict[str, Any]]) -> None:
        entries.append(entries[5])

    error = rewritten(again)
    assert error.members["index"] == 6
    assert "twice" in error.detail


def test_an_operation_left_out_is_found_where_it_is_missed() -> None:
    def leave_out(_: City, entries: list[dict[str, Any]]) -> None:
        del entries[2]

    assert rewritten(leave_out).members["index"] == 2


def test_an_entry_older_than_the_one_before_it_is_found() -> None:
    def turn_back(_: City, entries: list[dict[str, Any]]) -> None:
        entries[4]["time"] = "2026-11-22T07:59:59Z"

    error = rewritten(turn_back)
    assert error.members["index"] == 4
    assert "older" in error.detail


def test_a_time_that_the_operation_does_not_allow_is_found() -> None:
    def postpone(_: City, entries: list[dict[str, Any]]) -> None:
        for entry in entries[4:]:
            entry["time"] = "2026-12-22T08:00:00Z"

    assert rewritten(postpone).members == {"index": 4, "cause": "rule.time"}


def test_a_broken_chain_is_found_even_under_a_signed_root() -> None:
    def unlink(_: City, entries: list[dict[str, Any]]) -> None:
        entries[4]["previous"] = "ab" * 32

    assert rewritten(unlink).members["index"] == 4


def test_a_code_registered_twice_is_found() -> None:
    def twice(city: City, entries: list[dict[str, Any]]) -> None:
        other = City()
        acme = other.fill(0)[0]
        code = {"scheme": "gs1", "value": "https://id.gs1.org/01/09506000134352/21/M-000000"}
        rival = other.new_device("rival", acme, code=code)
        assert other.ledger_hash == city.ledger_hash
        checked = other.check(first_of(rival))
        entries[4] |= {"operation": first_of(rival).operation, "unique": checked.unique}

    assert rewritten(twice).members == {"index": 4, "cause": "conflict.code"}


@pytest.mark.parametrize(
    "member", [{"extra": 1}, {"unique": {}}, {"unique": {"x": "y"}}, {"unique": {"/x": 1}}]
)
def test_members_that_no_entry_has_are_found(member: dict[str, Any]) -> None:
    def add(_: City, entries: list[dict[str, Any]]) -> None:
        entries[1] |= member

    assert rewritten(add).members["index"] == 1


def test_a_ledger_that_begins_without_a_genesis_is_found() -> None:
    def behead(_: City, entries: list[dict[str, Any]]) -> None:
        del entries[0]

    assert rewritten(behead).members["index"] == 0


def test_a_log_with_fewer_entries_than_it_has_signed_is_found() -> None:
    _, entries = history()
    log = Rewritten(entries)
    log.all.pop()
    with pytest.raises(LedgerTampered) as caught:
        audit(log, RULES)
    assert caught.value.members["index"] == len(entries) - 1


# Roots of the state, in a log that its operator has written anew.


def closed() -> list[dict[str, Any]]:
    """Entries of a city whose state is closed in the middle (5) and at the end (8)."""
    city = City()
    acme, first, _ = city.fill(2)
    assert city.ledger.close(city.now) == 6
    city.accept(city.supervise(first, "status.suspend", "lost", acme))
    city.device("M-later", acme)  # its record names its entry
    assert city.ledger.close(city.now) == 9
    entries: list[dict[str, Any]] = []
    for index, data in enumerate(city.store.entries(0, 99)):
        entry = parse_any(data, index)
        if isinstance(entry, StateRoot):
            entries.append({"time": entry.time, "state_root": entry.root.hex()})
        else:
            members: dict[str, Any] = {"time": entry.time, "operation": entry.operation}
            entries.append({**members, "unique": entry.unique} if entry.unique else members)
    return entries


def refused(entries: list[dict[str, Any]], **options: Any) -> LedgerTampered:
    with pytest.raises(LedgerTampered) as caught:
        audit(Rewritten(entries), RULES, **options)
    return caught.value


def test_a_ledger_with_its_roots_holds() -> None:
    audited = audit(Rewritten(closed()), RULES, published=True)
    assert audited.size == 9
    assert audited.operations["state root"] == 2


@pytest.mark.parametrize("index", [5, 8])
def test_a_wrong_root_is_found(index: int) -> None:
    entries = closed()
    entries[index]["state_root"] = "ab" * 32
    error = refused(entries)
    assert error.members == {"index": index}
    assert "root" in error.detail


def test_the_root_of_an_earlier_state_is_found() -> None:
    entries = closed()
    entries[8]["state_root"] = entries[5]["state_root"]
    assert refused(entries).members == {"index": 8}


def test_a_root_that_knows_of_the_entry_behind_it_is_found() -> None:
    entries = closed()
    entries[7], entries[8] = entries[8], entries[7]
    assert refused(entries).members == {"index": 7}


def test_what_was_published_without_a_root_is_found() -> None:
    entries = closed()[:8]
    assert audit(Rewritten(entries), RULES).size == 8
    error = refused(entries, published=True)
    assert error.members == {"index": 7}
    assert "root" in error.detail


def test_a_root_told_twice_is_found() -> None:
    entries = closed()
    error = refused([*entries, entries[8]])
    assert error.members == {"index": 9}
    assert "since the last root" in error.detail


def test_a_root_in_the_middle_that_was_left_out_shows_in_the_histories() -> None:
    """Without it every later leaf is another one, and so is every history after it."""
    entries = closed()
    del entries[5]
    assert refused(entries).members == {"index": 7}


@pytest.mark.parametrize(
    "changed",
    [
        {"state_root": "AB" * 32},
        {"state_root": "ab" * 31},
        {"state_root": 5},
        {"state_root": None},
        {"unique": {"/x": "y"}},
        {"operation": {}},
        {"time": "2026-11-22"},
    ],
)
def test_a_root_that_is_none_is_found(changed: dict[str, Any]) -> None:
    entries = closed()
    entries[5] |= changed
    assert refused(entries).members["index"] == 5


def test_a_ledger_does_not_begin_with_a_root() -> None:
    entries = closed()
    assert refused([entries[5], *entries]).members["index"] == 0


@pytest.mark.parametrize(
    ("at", "scratch"), [(255, "memory"), (256, "memory"), (256, "sqlite"), (257, "memory")]
)
def test_a_root_at_the_edge_of_a_bundle_is_checked_as_well(
    at: int, scratch: str, tmp_path: Path
) -> None:
    city = City()
    acme = city.organization("Acme")
    city.accept(city.prefix(acme, "gtin:09506000"))
    made = [city.new_device(f"M-{n}", acme) for n in range(at)]
    city.accept(*(first_of(one) for one in made[: at - 3]))
    assert city.ledger.close(city.now) == at + 1
    city.accept(*(first_of(one) for one in made[at - 3 :]))
    assert city.ledger.close(city.now) == at + 5
    store: Store = MemoryStore()
    if scratch == "sqlite":
        store = SqliteStore(tmp_path / "scratch", durable=False)
    with closing(store):
        result = audit(city.store, RULES, stored=city.store, scratch=store, published=True)
    assert result.operations["state root"] == 2
