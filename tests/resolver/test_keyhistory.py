"""The evidence of new log keys: what proves them, and every forgery that we could think of."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from identity.errors import (
    ForkDetected,
    InvalidAnswer,
    InvalidCheckpoint,
    TetradError,
)
from identity.jcs import canonicalize
from registry.checkpoint import Checkpoint
from registry.entry import entry_context, join_entry
from registry.keyupdates import KeyUpdates
from registry.ledger import Ledger
from registry.merkle import inclusion_proof, leaf_hash, root_at
from registry.note import encode64, sign_note
from registry.store import MemoryStore
from registry.tile import changed_tiles, subtree_reader
from resolver.client.seeing import Seeing
from resolver.trust import Trust, merged
from resolver.verifier import verify_receipt
from tests.factory import NOW, ORIGIN, RULES, City, key, log_pair, log_signers, log_vkeys, sign
from tests.generated.logkeys import UPDATES, note, rotated_city

Item = dict[str, Any]

CITY = rotated_city()
SIZE = CITY.reader.head().size
ITEMS: list[Item] = KeyUpdates(CITY.store, CITY.reader).after(0)
PINNED = Trust.begin(CITY.genesis.operation)


def extended(*items: Any) -> Trust:
    trust = PINNED
    for item in items:
        trust = trust.extend(item)
    return trust


KNOWS_ALL = extended(*ITEMS)


def test_evidence_comes_in_pages_after_an_entry() -> None:
    updates = KeyUpdates(CITY.store, CITY.reader)
    assert updates.after(0) == ITEMS
    assert updates.after(UPDATES[0]) == ITEMS[1:]
    assert updates.after(UPDATES[1]) == []


def test_many_updates_are_told_sixteen_at_a_time() -> None:
    city = City()
    updates = KeyUpdates(city.store, city.reader)
    trust = Trust.begin(city.genesis.operation)
    for n in range(18):
        city.accept(city.update_registry(log=log_vkeys(n % 3 + 1)))
        if n % 5 == 0:
            city.accept(city.rotate(city.authority))
        assert len(updates.after(0)) == min(n + 1, 16)
    while items := updates.after(trust.history.entry):
        for item in items:
            trust = trust.extend(item)
    assert len(trust.updates) == 18
    assert trust.observe(city.reader.checkpoint()).size == city.reader.head().size


def test_an_update_that_another_flow_learned_of_is_no_contradiction() -> None:
    """Two questions at the same time: what one has taken over, later updates too, the other
    meets again."""
    city = City()
    updates = KeyUpdates(city.store, city.reader)
    trust = Trust.begin(city.genesis.operation)
    for number in (1, 2):
        city.accept(city.update_registry(log=log_vkeys(number)))
    first, second = updates.after(0)
    seeing = Seeing(trust.extend(first).extend(second), lambda: float(NOW))
    assert list(seeing.hold_update(first)) == []
    assert len(seeing.trust.updates) == 2


def test_the_history_is_proved_from_the_genesis() -> None:
    later = KNOWS_ALL.history.keys.later
    assert [(period.entry, [str(one) for one in period.keys]) for period in later] == [
        (UPDATES[0], log_vkeys(1)),
        (UPDATES[1], log_vkeys(2)[:1]),
    ]
    assert KNOWS_ALL.observe(CITY.reader.checkpoint()).size == SIZE


def test_receipts_from_before_and_after_verify_offline() -> None:
    for size in (1, 3, 6, 7):
        receipt = CITY.reader.receipts_under([0], size, CITY.reader.checkpoint(size))[0]
        found = verify_receipt(receipt, CITY.genesis.operation, KNOWS_ALL.pinned)
        assert found.checkpoint.checkpoint.size == size
    newest = CITY.reader.receipts([0])[0]
    for knows_less in (PINNED, extended(ITEMS[0])):
        with pytest.raises(InvalidCheckpoint):
            verify_receipt(newest, CITY.genesis.operation, knows_less.pinned)


@pytest.mark.parametrize("size", range(1, SIZE + 1))
@pytest.mark.parametrize("generation", range(3))
def test_a_stolen_key_signs_no_tree_that_is_not_its_own(size: int, generation: int) -> None:
    """Neither the real tree nor another one of that size."""
    in_force = CITY.reader.log_keys(size)[0] == log_vkeys(generation)[0]
    real = note(CITY, size, log_pair(generation)[0]).encode()
    fork = sign_note(Checkpoint(ORIGIN, size, bytes(32)).format(), [log_pair(generation)[0]], 0)
    if in_force:
        assert KNOWS_ALL.open(real).checkpoint.size == size
        return
    for forged in (real, fork):
        with pytest.raises(InvalidCheckpoint) as refused:
            KNOWS_ALL.observe(forged)
        assert "not in force" in refused.value.detail


def test_a_client_asks_for_evidence_only_where_it_lacks_it() -> None:
    newest = CITY.reader.checkpoint()
    assert PINNED.keys_needed(newest)
    assert not KNOWS_ALL.keys_needed(newest)
    assert not PINNED.keys_needed(CITY.reader.checkpoint(UPDATES[0] + 1))


def test_trust_with_its_evidence_survives_its_json() -> None:
    trust = KNOWS_ALL.observe(CITY.reader.checkpoint())
    again = Trust.from_json(json.loads(json.dumps(trust.to_json())))
    assert again == trust
    assert again.history == trust.history


def test_of_two_programs_the_one_that_knows_more_keys_is_followed() -> None:
    one, other = extended(ITEMS[0]), KNOWS_ALL.observe(CITY.reader.checkpoint())
    assert merged(one, other) == merged(other, one) == other
    assert merged(PINNED, KNOWS_ALL) == merged(KNOWS_ALL, PINNED) == KNOWS_ALL


# Forgeries


def altered(place: int, change: Callable[[Item], None]) -> list[Item]:
    items = copy.deepcopy(ITEMS)
    change(items[place])
    return items


def refuses(items: list[Any]) -> None:
    with pytest.raises(TetradError):
        extended(*items)


def test_the_order_of_updates_is_that_of_the_ledger() -> None:
    refuses([ITEMS[1]])
    refuses([ITEMS[1], ITEMS[0]])
    refuses([ITEMS[0], ITEMS[0]])
    refuses([ITEMS[0], ITEMS[1], ITEMS[1]])


def test_an_establishment_in_between_cannot_be_left_out() -> None:
    def leave_out(item: Item) -> None:
        del item["entries"][0]

    refuses(altered(1, leave_out))


def test_an_entry_that_is_not_in_the_tree_is_refused() -> None:
    def later(item: Item) -> None:
        item["entries"][-1]["entry"]["time"] = "2030-01-01T00:00:00Z"

    def other_hashes(item: Item) -> None:
        item["entries"][0]["hashes"] = item["entries"][-1]["hashes"]

    refuses(altered(0, later))
    refuses(altered(1, other_hashes))


def test_a_checkpoint_of_another_size_or_by_another_key_is_refused() -> None:
    for size, generation in ((4, 0), (4, 1), (3, 1), (3, 2), (7, 0)):

        def replaced(item: Item, size: int = size, generation: int = generation) -> None:
            item["checkpoint"] = note(CITY, size, log_pair(generation)[0])

        refuses(altered(0, replaced))


class Thief(City):
    """Who holds the log's key, and writes a ledger of its own over the genesis that is pinned."""

    def item(self, *operations: dict[str, Any]) -> Item:
        """Evidence for operations as if the rules had allowed them, signed by the log's key."""
        entries = [self.reader.entry(0)]
        for one in operations:
            previous = leaf_hash(entries[-1]).hex()
            context = entry_context(len(entries), self.created, previous, {})
            entries.append(join_entry(context, canonicalize(one)))
        tiles: dict[tuple[int, int], bytes] = {}
        leaves = [leaf_hash(entry) for entry in entries]
        for level, n, data in changed_tiles(0, leaves, lambda level, n: tiles[level, n]):
            tiles[level, n] = data
        read = subtree_reader(lambda level, n: tiles.get((level, n), b""))
        size = len(entries)
        text = Checkpoint(ORIGIN, size, root_at(size, read)).format()
        shown = [
            {
                "entry": json.loads(entries[index]),
                "hashes": [encode64(one) for one in inclusion_proof(index, size, read)],
            }
            for index in range(1, size)
        ]
        return {
            "checkpoint": sign_note(text, [log_pair(0)[0]], 0).decode(),
            "entries": shown,
        }


def stolen(change: Callable[[Thief, dict[str, Any]], dict[str, Any]]) -> Item:
    """The update of someone who has the log's key, and what else `change` takes."""
    thief = Thief()
    return thief.item(change(thief, thief.update_registry(log=log_vkeys(3)).operation))


def test_the_thief_of_this_test_can_show_what_is_true() -> None:
    """So that what is refused below is refused for its own fault."""
    assert len(PINNED.extend(stolen(lambda _, operation: operation)).updates) == 1


def test_who_stole_the_logs_key_cannot_name_another() -> None:
    def by_own_key(thief: Thief, operation: dict[str, Any]) -> dict[str, Any]:
        mine = key("thief")
        body = {**operation["body"], "keys": [mine.public.multikey]}
        method = f"{thief.authority.did}#{mine.public.thumbprint}"
        return sign({**operation, "body": body}, (mine, method))

    with pytest.raises(InvalidAnswer, match="had not committed"):
        PINNED.extend(stolen(by_own_key))


def test_nor_with_the_authoritys_present_key() -> None:
    def by_present_key(thief: Thief, operation: dict[str, Any]) -> dict[str, Any]:
        body = {**operation["body"], "keys": [thief.authority.key.public.multikey]}
        return sign({**operation, "body": body}, thief.authority.method)

    def with_the_committed_key_named(thief: Thief, operation: dict[str, Any]) -> dict[str, Any]:
        return sign(operation, thief.authority.method)

    for change in (by_present_key, with_the_committed_key_named):
        with pytest.raises(InvalidAnswer):
            PINNED.extend(stolen(change))


def test_nor_by_an_update_that_was_signed_for_something_else() -> None:
    def other_keys(_: Thief, operation: dict[str, Any]) -> dict[str, Any]:
        return {**operation, "body": {**operation["body"], "log": log_vkeys(2)}}

    def another_ledger(_: Thief, operation: dict[str, Any]) -> dict[str, Any]:
        return City(mode="permissioned").update_registry(log=log_vkeys(3)).operation | {
            "created": operation["created"]
        }

    def earlier(thief: Thief, operation: dict[str, Any]) -> dict[str, Any]:
        method = (thief.authority.next_key, operation["proof"][0]["verificationMethod"])
        return sign({**operation, "previous": thief.update_registry(log=log_vkeys(1)).hash}, method)

    def of_acme(thief: Thief, operation: dict[str, Any]) -> dict[str, Any]:
        acme = thief.organization("Acme")
        return {**operation, "subject": acme.did}

    for change in (other_keys, another_ledger, earlier, of_acme):
        with pytest.raises(TetradError):
            PINNED.extend(stolen(change))


def test_an_update_without_log_keys_or_before_the_end_proves_nothing() -> None:
    thief = Thief()
    first = thief.update_registry(witnesses="quorum none\n")
    with pytest.raises(InvalidAnswer, match="last entry"):
        PINNED.extend(thief.item(first.operation))
    named = thief.update_registry(log=log_vkeys(1))
    named.accepted()
    then = thief.update_registry(log=log_vkeys(2))
    with pytest.raises(InvalidAnswer, match="last entry"):
        PINNED.extend(thief.item(named.operation, then.operation))


def test_a_key_that_signed_on_after_its_replacement_is_shown() -> None:
    """A client that was led away by the old key notices as soon as it learns of the update."""
    fork = sign_note(Checkpoint(ORIGIN, 9, bytes(32)).format(), [log_pair(0)[0]], 0)
    misled = PINNED.observe(fork)
    with pytest.raises(ForkDetected) as found:
        misled.extend(ITEMS[0])
    assert found.value.members == {"seen": fork.decode(), "shown": ITEMS[0]["checkpoint"]}
    with pytest.raises(ForkDetected):
        merged(misled, KNOWS_ALL)


def test_two_histories_of_keys_are_a_fork() -> None:
    other = PINNED.extend(stolen(lambda _, operation: operation))
    with pytest.raises(ForkDetected, match="keys"):
        merged(KNOWS_ALL, other)


def test_a_ledger_that_was_begun_anew_over_its_store_keeps_its_evidence() -> None:
    """The evidence comes out of what is committed, whoever reads it."""
    assert isinstance(CITY.store, MemoryStore)
    Ledger(CITY.store, RULES, log_signers(), ORIGIN)
    assert KeyUpdates(CITY.store, CITY.reader).after(0) == ITEMS
    assert root_at(SIZE, subtree_reader(CITY.store.tile)) == CITY.reader.head().root


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@st.composite
def hostile_items(draw: st.DrawFn) -> Any:
    """Evidence in which one value, somewhere, is another."""
    item: Any = copy.deepcopy(draw(st.sampled_from(ITEMS)))
    place: Any = item
    while True:
        steps = list(place) if isinstance(place, dict) else list(range(len(place)))
        step = draw(st.sampled_from(steps))
        inner = place[step]
        if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 5)) == 0:
            other = draw(JSON)
            assume(other != inner)
            place[step] = other
            return item
        place = inner


@given(st.one_of(JSON, hostile_items()))
def test_hostile_evidence_raises_only_our_errors(item: Any) -> None:
    for trust in (PINNED, extended(ITEMS[0])):
        with pytest.raises(TetradError):
            trust.extend(item)
