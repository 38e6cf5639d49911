"""Which keys sign which tree: property, writer, audit, and what a stolen key cannot do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidCheckpoint, KeystoreError, LedgerTampered, PolicyViolated
from registry.audit import audit
from registry.checkpoint import Checkpoint
from registry.ledger import Accepted, Ledger
from registry.logkeys import LogKeys, LogSigners, keys_in_force
from registry.merkle import leaf_hash, node_hash, root_at
from registry.note import Note, Signer, VerifierKey, sign_note
from registry.reader import LedgerReader
from registry.store import MemoryStore
from tests.factory import LOG, ORIGIN, RULES, City, log_pair, log_signers, log_vkeys
from tests.generated.logkeys import UPDATES, rotated_city

UPDATED = st.lists(st.integers(1, 40), unique=True, max_size=4).map(sorted)


def keys_of(generation: int) -> tuple[VerifierKey, ...]:
    return tuple(signer.key for signer in log_pair(generation))


def history(updates: list[int]) -> LogKeys:
    keys = LogKeys(keys_of(0))
    for generation, entry in enumerate(updates, 1):
        keys = keys.after(entry, keys_of(generation))
    return keys


def note(size: int, signer: Signer) -> bytes:
    def read(level: int, n: int) -> bytes:
        if level == 0:
            return leaf_hash(b"%d" % n)
        return node_hash(read(level - 1, 2 * n), read(level - 1, 2 * n + 1))

    return sign_note(Checkpoint(ORIGIN, size, root_at(size, read)).format(), [signer], 0)


@given(UPDATED, st.integers(0, 45))
def test_keys_in_force_follow_from_the_updates_below_a_size_alone(
    updates: list[int], size: int
) -> None:
    below = [entry for entry in updates if entry < size - 1]
    assert history(updates).at(size) == history(below).at(size) == keys_of(len(below))


@given(UPDATED, st.integers(1, 45), st.integers(0, 4))
def test_a_checkpoint_opens_with_the_keys_in_force_and_no_others(
    updates: list[int], size: int, generation: int
) -> None:
    keys = history(updates)
    signed = note(size, log_pair(generation)[0])
    if keys.at(size) == keys_of(generation):
        assert keys.open(signed).checkpoint.size == size
        return
    with pytest.raises(InvalidCheckpoint) as refused:
        keys.open(signed)
    known = generation <= len(updates)
    assert ("not in force" in refused.value.detail) == known


def test_what_was_opened_once_is_remembered_under_these_keys_and_these_bytes_alone() -> None:
    signed = note(9, LOG)
    assert history([]).open(signed) == history([]).open(signed)
    for keys in (LogKeys(keys_of(1)), history([3])):
        with pytest.raises(InvalidCheckpoint):
            keys.open(signed)
    for place in range(len(signed)):
        altered = bytearray(signed)
        altered[place] ^= 1
        with pytest.raises(InvalidCheckpoint):
            history([]).open(bytes(altered))
    # A line of a witness is checked also where the note was opened without that witness before.
    witness = VerifierKey("witness.test", LOG.key.type, LOG.key.public)
    (line,) = Note.parse(signed).signatures
    bad = line._replace(name=witness.name, id=witness.id, signature=bytes(64))
    witnessed = Note(Note.parse(signed).text, (line, bad)).format()
    assert history([]).open(witnessed).checkpoint.size == 9
    with pytest.raises(InvalidCheckpoint):
        history([]).open(witnessed, [witness])


def test_a_line_of_a_replaced_key_beside_a_good_one_is_ignored() -> None:
    text = Checkpoint(ORIGIN, 9, bytes(32)).format()
    both = sign_note(text, [LOG, log_pair(1)[0]], 0)
    assert history([3]).open(both).checkpoint.size == 9


def test_updates_are_known_in_their_order() -> None:
    with pytest.raises(RuntimeError):
        history([3]).after(3, keys_of(2))


# The writer


def test_each_tree_of_a_log_is_signed_by_the_keys_in_force() -> None:
    city = rotated_city()
    reader = city.reader
    keys = LogKeys(keys_of(0)).after(UPDATES[0], keys_of(1)).after(UPDATES[1], keys_of(2)[:1])
    for size in range(1, reader.head().size + 1):
        assert keys.open(reader.checkpoint(size)).checkpoint.size == size
        assert tuple(map(VerifierKey.parse, reader.log_keys(size))) == keys.at(size)
        assert keys_in_force(reader.registry(size), size) == reader.log_keys(size)


def test_a_batch_ends_at_an_update_and_goes_on_in_another_commit() -> None:
    city = City()
    signed = [
        city.new_organization("Acme").first,
        city.update_registry(log=log_vkeys(1)),
        city.new_organization("Beta").first,
        city.new_organization("Gamma").first,
    ]
    outcomes = city.submit(*(one for one in signed if one))
    assert [one.index for one in outcomes if isinstance(one, Accepted)] == [1, 2, 3, 4]
    assert [size for size in range(6) if city.store.checkpoint(size)] == [1, 3, 5]
    keys = history([2])
    assert [keys.open(city.reader.checkpoint(size)).checkpoint.size for size in (3, 5)] == [3, 5]


def test_an_update_whose_secrets_are_not_held_is_refused_and_changes_nothing() -> None:
    city = City()
    for log in (log_vkeys(9), [log_vkeys(1)[0], log_vkeys(9)[1]]):
        (refused,) = city.submit(city.update_registry(log=log))
        assert isinstance(refused, PolicyViolated)
        assert refused.pointer == "/body/log"
        assert "--rotate-log-keys" in refused.hint
    city.accept(city.update_registry(log=log_vkeys(1)))  # the very next one, with the same keys


def test_a_repeated_update_is_known_even_where_its_secrets_are_gone() -> None:
    city = City()
    update = city.update_registry(log=log_vkeys(1))
    city.accept(update)
    city.accept(city.update_registry(log=log_vkeys(2)))
    few = LogSigners([*log_pair(1), *log_pair(2)])
    city.ledger = Ledger(city.store, RULES, few, ORIGIN)
    (again,) = city.submit(update)
    assert isinstance(again, Accepted)
    assert (again.index, again.repeated) == (1, True)


def test_two_updates_in_one_batch_make_two_commits() -> None:
    city = City()
    first = city.update_registry(log=log_vkeys(1))
    first.accepted()
    second = city.update_registry(log=log_vkeys(2))
    outcomes = city.submit(first, second)
    assert all(isinstance(one, Accepted) for one in outcomes)
    keys = history([1, 2])
    for size in (1, 2, 3):
        assert keys.open(city.reader.checkpoint(size)).checkpoint.size == size


def test_a_ledger_goes_on_after_a_restart_at_every_step_of_a_rotation() -> None:
    """What is in force follows from the store: there is no switch that a crash could lose."""
    city = City()

    def restart() -> None:
        city.ledger = Ledger(city.store, RULES, log_signers(), ORIGIN)

    for generation in (1, 2):
        restart()
        city.accept(city.update_registry(log=log_vkeys(generation)))
        restart()
        city.organization(f"Org {generation}")
    assert audit(city.store, RULES, stored=city.store).size == 5


def test_a_ledger_without_the_secrets_in_force_commits_nothing() -> None:
    city = City()
    city.accept(city.update_registry(log=log_vkeys(1)))
    city.ledger = Ledger(city.store, RULES, LOG, ORIGIN)
    first = city.new_organization("Acme").first
    assert first is not None
    with pytest.raises(KeystoreError, match="in force"):
        city.submit(first)
    assert city.reader.head().size == 2


# The audit


def test_an_audit_follows_two_rotations() -> None:
    city = rotated_city()
    audited = audit(city.store, RULES, genesis=city.ledger_hash, stored=city.store)
    assert audited.operations["registry.update"] == 2
    assert audit(city.store, RULES).size == audited.size  # as a log over HTTP is audited


class Altered(MemoryStore):
    """A store that shows another checkpoint, or none, for some sizes."""

    def __init__(self, city: City, notes: dict[int, bytes | None]) -> None:
        assert isinstance(city.store, MemoryStore)
        self.__dict__.update(city.store.__dict__)
        self.notes = notes

    def checkpoint(self, size: int | None = None) -> bytes | None:
        head = self.head()
        assert head is not None
        asked = head.size if size is None else size
        return self.notes[asked] if asked in self.notes else super().checkpoint(size)


def signed(city: City, size: int, generation: int) -> bytes:
    tree = Checkpoint(ORIGIN, size, city.reader.head().root)
    if size != city.reader.head().size:
        keys = history([])
        tree = LogKeys(keys.first).open(city.reader.checkpoint(size)).checkpoint
    return sign_note(tree.format(), [log_pair(generation)[0]], 0)


def test_an_audit_refuses_the_newest_checkpoint_by_a_replaced_key() -> None:
    city = rotated_city()
    size = city.reader.head().size
    for generation in (0, 1):
        with pytest.raises(InvalidCheckpoint):
            audit(Altered(city, {size: signed(city, size, generation)}), RULES)


def test_an_audit_names_an_old_checkpoint_by_a_key_that_came_later() -> None:
    city = rotated_city()
    store = Altered(city, {UPDATES[0] + 1: signed(city, UPDATES[0] + 1, 1)})
    with pytest.raises(LedgerTampered) as found:
        audit(store, RULES, stored=store)
    assert found.value.members["index"] == UPDATES[0]


@pytest.mark.parametrize("update", UPDATES)
def test_an_audit_misses_the_checkpoint_that_the_old_keys_owe(update: int) -> None:
    store = Altered(rotated_city(), {update + 1: None})
    with pytest.raises(LedgerTampered, match="no checkpoint") as found:
        audit(store, RULES, stored=store)
    assert found.value.members["index"] == update


def test_a_reader_finds_every_operation_by_its_hash() -> None:
    city = rotated_city()
    reader = LedgerReader(city.store)
    hashes = [city.genesis.hash, city.authority.previous]
    assert [reader.index_of(one) for one in hashes] == [0, UPDATES[1]]
