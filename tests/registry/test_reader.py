"""The ledger as others read it: proofs that verify, receipts that rebuild the leaf, checkpoints."""

from __future__ import annotations

import pytest

from identity.errors import LedgerTampered, NotFound
from registry.checkpoint import open_checkpoint
from registry.entry import join_entry
from registry.merkle import check_consistency, check_inclusion, leaf_hash
from registry.reader import LedgerReader
from registry.receipt import TlogProof
from registry.store import MemoryStore
from tests.factory import LOG, City


@pytest.fixture(scope="module")
def city() -> City:
    """One commit each for the genesis, Acme and its prefix, then batches of 100 devices."""
    city = City()
    city.fill(300, batch=100)
    return city


@pytest.fixture
def reader(city: City) -> LedgerReader:
    return city.reader


def test_a_receipt_and_the_operation_rebuild_the_leaf(city: City, reader: LedgerReader) -> None:
    """All that a device needs offline: its operation, its receipt, the key of the log."""
    acme = city.organization("Receipts")
    assert acme.first is not None
    checked = city.check(acme.first)
    index = reader.head().size - 1
    proof = TlogProof.parse(reader.receipts([index])[0])
    checkpoint = open_checkpoint(proof.checkpoint, [LOG.key]).checkpoint
    leaf = leaf_hash(join_entry(proof.extra, checked.canonical))
    assert proof.index == index
    check_inclusion(proof.hashes, index, checkpoint.size, leaf, checkpoint.root)


def test_receipts_of_a_batch_stand_under_one_checkpoint(reader: LedgerReader) -> None:
    size = reader.head().size
    receipts = [TlogProof.parse(data) for data in reader.receipts(range(size))]
    assert {receipt.checkpoint for receipt in receipts} == {reader.checkpoint(size)}
    for index, receipt in enumerate(receipts):
        leaf = leaf_hash(reader.entry(index))
        check_inclusion(receipt.hashes, index, size, leaf, reader.head().root)


def test_proofs_verify_under_any_earlier_checkpoint(reader: LedgerReader) -> None:
    new = reader.head()
    for size in (1, 2, 3, 103, 203):
        old = open_checkpoint(reader.checkpoint(size), [LOG.key]).checkpoint
        proof = reader.consistency(size, new.size)
        check_consistency(proof, size, new.size, old.root, new.root)
        inclusion = reader.inclusion(size - 1, size)
        check_inclusion(inclusion, size - 1, size, leaf_hash(reader.entry(size - 1)), old.root)


def test_a_reader_follows_the_ledger_as_it_grows(city: City) -> None:
    reader = city.reader
    before = reader.head()
    assert reader.inclusion(0, before.size)
    city.organization("Later")
    after = reader.head()
    assert after.size == before.size + 1
    proof = reader.consistency(before.size, after.size)
    check_consistency(proof, before.size, after.size, before.root, after.root)
    leaf = leaf_hash(reader.entry(before.size))
    check_inclusion(
        reader.inclusion(before.size, after.size), before.size, after.size, leaf, after.root
    )


@pytest.mark.parametrize("place", [(-1, 5), (5, 5), (6, 5), (0, 10_000), (0, 0), (-2, -1)])
def test_a_proof_of_what_does_not_exist_is_not_found(
    reader: LedgerReader, place: tuple[int, int]
) -> None:
    with pytest.raises(NotFound):
        reader.inclusion(*place)


@pytest.mark.parametrize("sizes", [(0, 5), (5, 4), (1, 10_000), (-1, 5)])
def test_sizes_that_never_were_are_not_found(reader: LedgerReader, sizes: tuple[int, int]) -> None:
    with pytest.raises(NotFound):
        reader.consistency(*sizes)


def test_entries_that_do_not_exist_are_not_found(reader: LedgerReader) -> None:
    size = reader.head().size
    assert len(reader.entries(0, size)) == size
    for start, end in ((-1, 1), (0, size + 1), (5, 4)):
        with pytest.raises(NotFound):
            reader.entries(start, end)
    for index in (-1, size, 2**70):
        with pytest.raises(NotFound):
            reader.entry(index)


def test_a_size_without_a_commit_has_no_checkpoint(reader: LedgerReader) -> None:
    with pytest.raises(NotFound):
        reader.checkpoint(50)


def test_before_the_genesis_there_is_nothing() -> None:
    reader = LedgerReader(MemoryStore())
    for ask in (reader.head, reader.checkpoint, lambda: reader.entry(0)):
        with pytest.raises(NotFound):
            ask()


def test_an_entry_that_the_store_has_lost_is_tampering() -> None:
    city = City()
    city.fill(3)
    store = city.store
    assert isinstance(store, MemoryStore)
    store._entries.pop()
    with pytest.raises(LedgerTampered) as caught:
        city.reader.entry(5)
    assert caught.value.members["index"] == 5
