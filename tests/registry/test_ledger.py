"""The one writer: order, idempotence, one commit for a batch, and what a failure leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import (
    CodeTaken,
    ForgedProof,
    InputTooLarge,
    LedgerStopped,
    LedgerTampered,
    NotFound,
    NumberTaken,
    StaleHead,
    TetradError,
    UnknownMethod,
    WrongSequence,
)
from identity.members import format_time
from registry import ledger as ledger_module
from registry.audit import audit
from registry.checking import Checked
from registry.checkpoint import Checkpoint, open_checkpoint
from registry.entry import StateRoot, is_state_root, parse_any, parse_entry
from registry.ledger import Accepted, Ledger
from registry.map_proof import check_absent, check_present
from registry.merkle import leaf_hash, root_at
from registry.state import state_key
from registry.store import Batch, Head, MemoryStore, Store
from registry.stores.sqlite import SqliteStore
from registry.tile import subtree_reader
from tests.factory import LOG, NOW, ORIGIN, RULES, City, Signed, Subject


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = MemoryStore()
    if request.param == "sqlite":
        opened = SqliteStore(tmp_path / "ledger.sqlite3")
    with closing(opened):
        yield opened


def first_of(subject: Subject) -> Signed:
    assert subject.first is not None
    return subject.first


def size_of(store: Store) -> int:
    head = store.head()
    return head.size if head else 0


def test_a_whole_city_in_one_batch(store: Store) -> None:
    """Each operation sees those before it in the batch, its signers' keys included."""
    city = City(store)
    acme = city.new_organization("Acme")
    grant = city.prefix(acme, "gtin:09506000")
    devices = [city.new_device(f"M-{n}", acme, number=f"144000000000{n}") for n in range(3)]
    outcomes = city.submit(first_of(acme), grant, *map(first_of, devices))
    assert outcomes == [
        Accepted(signed.hash, index, repeated=False)
        for index, signed in enumerate([first_of(acme), grant, *map(first_of, devices)], 1)
    ]
    assert store.checkpoint(1) is not None
    assert store.checkpoint(6) is not None
    assert store.checkpoint(4) is None  # one commit, one checkpoint


def test_a_refused_operation_leaves_the_others_of_its_batch(store: Store) -> None:
    city = City(store)
    acme = city.fill(0)[0]
    one, other = (city.new_device(f"M-{n}", acme, number="1440000000001") for n in range(2))
    malformed = TetradError("refused while it was read")
    checked: list[Checked | TetradError] = [city.check(first_of(one)), malformed]
    checked.append(city.check(first_of(other)))
    accepted, kept, refused = city.ledger.append(checked, NOW)
    assert isinstance(accepted, Accepted)
    assert kept is malformed
    assert isinstance(refused, NumberTaken)
    assert size_of(store) == accepted.index + 1


def test_a_batch_that_is_refused_whole_writes_nothing(store: Store) -> None:
    city = City(store)
    before = store.head()
    acme = city.new_organization("Acme")
    (outcome,) = city.submit(city.prefix(acme, "gtin:09506000"))
    assert isinstance(outcome, NotFound)
    assert city.submit() == []
    assert store.head() == before


def test_the_same_operation_again_is_where_it_was(store: Store) -> None:
    city = City(store)
    acme, meter = city.fill(1)
    retire = city.follow(meter, "status.retire", {"reason": "worn"}, by=[acme])
    again = [city.genesis, first_of(acme), first_of(meter), retire, retire]
    *known, new, same = city.submit(*again)
    assert known == [
        Accepted(s.hash, i, repeated=True) for s, i in zip(again, (0, 1, 3), strict=False)
    ]
    assert new == Accepted(retire.hash, 4, repeated=False)
    assert same == Accepted(retire.hash, 4, repeated=True)
    assert city.submit(*again[:1]) == known[:1]
    assert size_of(store) == 5


def test_operations_of_one_subject_come_in_their_order(store: Store) -> None:
    city = City(store)
    acme = city.organization("Acme")
    first = city.prefix(acme, "gtin:09506000")
    second = city.prefix(acme, "gtin:09506001")  # built on the same place in the sequence
    accepted, refused = city.submit(first, second)
    assert isinstance(accepted, Accepted)
    assert isinstance(refused, WrongSequence)
    first.accepted()
    city.accept(city.prefix(acme, "gtin:09506001"))


def test_a_signature_by_a_key_that_the_batch_has_rotated_away_is_refused(store: Store) -> None:
    city = City(store)
    acme = city.fill(0)[0]
    rotate = city.rotate(acme)
    late = city.new_device("M-1", acme)
    rotated, refused = city.submit(rotate, first_of(late))
    assert isinstance(rotated, Accepted)
    assert isinstance(refused, UnknownMethod)
    rotate.accepted()
    city.device("M-2", acme)


def test_a_pending_proof_is_verified_by_the_writer(store: Store) -> None:
    """The key of an organization of the same batch is known to no checker."""
    city = City(store)
    acme = city.new_organization("Acme")
    grant = city.prefix(acme, "gtin:09506000")
    proofs = city.prefix(acme, "gtin:09506001").operation["proof"]
    forged = Signed({**grant.operation, "proof": proofs}, [])
    assert city.check(forged).pending == [0]
    accepted, refused = city.submit(first_of(acme), forged)
    assert isinstance(accepted, Accepted)
    assert isinstance(refused, ForgedProof)
    assert refused.pointer.startswith("/proof/0")


def test_entries_are_chained_and_under_the_signed_root(store: Store) -> None:
    city = City(store)
    city.fill(5, batch=2)
    head = store.head()
    assert head is not None
    entries = store.entries(0, head.size)
    previous = "0" * 64
    for index, data in enumerate(entries):
        entry = parse_entry(data, index)
        assert (entry.previous, entry.time) == (previous, format_time(NOW))
        previous = leaf_hash(data).hex()
    assert head.last_leaf.hex() == previous
    assert head.root == root_at(head.size, subtree_reader(store.tile))
    note = store.checkpoint()
    assert note is not None
    opened = open_checkpoint(note, [LOG.key]).checkpoint
    assert opened == Checkpoint(ORIGIN, head.size, head.root)


def test_the_clock_of_the_ledger_never_runs_back(store: Store) -> None:
    city = City(store)
    city.now = NOW + 100
    city.organization("Acme")
    city.now = NOW - 100
    city.organization("Late")
    times = [parse_entry(data, i).time for i, data in enumerate(store.entries(1, 3), 1)]
    assert times == [format_time(NOW + 100)] * 2
    head = store.head()
    assert head is not None
    assert head.time == NOW + 100
    assert audit(store, RULES, stored=store).size == 3


def test_a_new_writer_goes_on_from_the_store(store: Store) -> None:
    city = City(store)
    acme, meter = city.fill(1)
    city.ledger = Ledger(store, RULES, LOG, ORIGIN)
    city.accept(city.follow(meter, "status.retire", {"reason": "worn"}, by=[acme]))
    (taken,) = city.submit(first_of(city.new_device("M-000000", acme, serial="other")))
    assert isinstance(taken, CodeTaken)
    assert audit(store, RULES, stored=store).size == 5


def test_an_entry_that_does_not_fit_a_bundle_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = City(store)
    acme = city.new_organization("Acme")
    monkeypatch.setattr(ledger_module, "MAX_ENTRY_BYTES", 500)
    (outcome,) = city.submit(first_of(acme))
    assert isinstance(outcome, InputTooLarge)
    monkeypatch.undo()
    city.accept(first_of(acme))
    assert audit(store, RULES, stored=store).size == 2


class Failing(MemoryStore):
    """A store whose next commit fails, before or after it has written."""

    error: BaseException | None = None
    tile_error: TetradError | None = None

    def commit(self, batch: Batch, expected: Head | None) -> None:
        if self.error is not None:
            raise self.error
        super().commit(batch, expected)

    def tile(self, level: int, n: int) -> bytes:
        if self.tile_error is not None:
            raise self.tile_error
        return super().tile(level, n)


@pytest.mark.parametrize(
    "error", [LedgerStopped("no space left"), StaleHead("another writer"), KeyboardInterrupt()]
)
def test_after_a_failed_commit_the_writer_refuses(error: BaseException) -> None:
    store = Failing()
    city = City(store)
    acme = city.fill(0)[0]
    before = store.head()
    store.error = error
    with pytest.raises(type(error)):
        city.submit(first_of(city.new_device("M-1", acme)))
    store.error = None
    with pytest.raises(LedgerStopped, match="a commit failed"):
        city.submit(first_of(city.new_device("M-2", acme)))
    assert city.ledger.head == store.head() == before
    city.ledger = Ledger(store, RULES, LOG, ORIGIN)
    city.device("M-1", acme)
    assert audit(store, RULES, stored=store).size == 4


def test_a_tile_that_cannot_be_read_stops_the_writer_before_it_writes() -> None:
    store = Failing()
    city = City(store)
    acme = city.new_organization("Acme")
    store.tile_error = LedgerStopped("the disk failed")
    with pytest.raises(LedgerStopped):
        city.submit(first_of(acme))
    store.tile_error = None
    with pytest.raises(LedgerStopped):  # its tree had grown already
        city.submit(first_of(acme))
    assert size_of(store) == 1


def test_two_writers_on_one_store_do_not_mix(store: Store) -> None:
    city = City(store)
    second = Ledger(store, RULES, LOG, ORIGIN)
    city.organization("Acme")
    late = city.check(first_of(city.new_organization("Late")))
    with pytest.raises(StaleHead):
        second.append([late], NOW)
    assert audit(store, RULES, stored=store).size == 2


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
@settings(max_examples=20)
def test_batches_do_not_matter(sizes: list[int]) -> None:
    """The same operations give the same ledger, however they are cut into commits."""
    ledgers: list[tuple[Head | None, list[object]]] = []
    total = sum(sizes)
    for cut in (sizes, [total]):
        city = City()
        acme = city.fill(0)[0]
        made = [first_of(city.new_device(f"M-{n}", acme)) for n in range(total)]
        for count in cut:
            city.accept(*made[:count])
            made = made[count:]
        ledgers.append((city.store.head(), [*city.store.written(0, 999)]))
    assert ledgers[0] == ledgers[1]


def test_listings_follow_controllers_grants_and_states(store: Store) -> None:
    city = City(store)
    acme, meter, other = city.fill(2)
    beta = city.organization("Beta")
    city.accept(
        city.follow(meter, "status.retire", {"reason": "worn"}, by=[acme]),
        city.grant(acme, "make", beta, {"maker": acme.did}),
    )
    rows = store.listing("device", after=-1, limit=9).rows
    assert [(row.entry, row.status, row.owner) for row in rows] == [
        (3, "retired", 1),
        (4, "active", 1),
    ]
    assert [row.owner for row in store.listing("grant", after=-1, limit=9).rows] == [1, 5]
    assert [store.count(kind) for kind in ("authority", "organization", "device", "grant")] == [
        1,
        2,
        2,
        2,
    ]
    assert store.listing("device", after=-1, limit=9, status="active").rows[0].entry == 4
    assert other.did in str(store.records([rows[1].key]))


def root_stated(store: Store, size: int) -> bytes:
    """The root in the last entry of a tree of that size."""
    entry = parse_any(store.entries(size - 1, size)[0], size - 1)
    assert isinstance(entry, StateRoot)
    return entry.root


def test_a_tree_is_closed_by_the_root_of_its_state(store: Store) -> None:
    city = City(store)
    _, meter = city.fill(1)
    size = city.ledger.close(NOW)
    assert size == size_of(store) == 5
    assert store.checkpoint(5) is not None
    city.ledger.state_map.publish()
    root, key = root_stated(store, size), state_key(("did", meter.did))
    (record,) = store.records([key])
    assert record is not None
    check_present(city.ledger.state_map.prove(key), key, record, root)
    nobody = state_key(("did", "did:tetrad:nobody"))
    check_absent(city.ledger.state_map.prove(nobody), nobody, root)


def test_what_was_closed_is_not_closed_again(store: Store) -> None:
    city = City(store)
    city.organization("Acme")
    before = city.ledger.close(NOW), store.head()
    assert (city.ledger.close(NOW + 60), store.head()) == before
    city.submit(city.genesis)  # stands there already: nothing is written
    assert city.ledger.close(NOW + 60) == 3
    city.organization("Beta")
    assert city.ledger.close(NOW + 60) == 5
    kinds = [is_state_root(data) for data in store.entries(0, 9)]
    assert kinds == [False, False, True, False, True]


def test_a_new_writer_closes_where_the_last_one_left_off(store: Store) -> None:
    """Also what was closed and never published."""
    city = City(store)
    acme = city.fill(40)[0]
    size = city.ledger.close(NOW)
    city.ledger = Ledger(store, RULES, LOG, ORIGIN)
    assert city.ledger.close(NOW) == size
    city.device("M-later", acme)
    assert city.ledger.close(NOW) == size + 2
    assert audit(store, RULES, stored=store, published=True).size == size + 2


def test_a_state_that_is_not_the_one_that_was_closed_is_noticed() -> None:
    store = MemoryStore()
    city = City(store)
    city.fill(1)
    city.ledger.close(NOW)
    starts, buckets = store._map
    first = buckets[0]
    store._map = starts, {**buckets, 0: first._replace(entries=bytes(32) + first.entries[32:])}
    with pytest.raises(LedgerTampered) as caught:
        Ledger(store, RULES, LOG, ORIGIN).close(NOW)
    assert caught.value.members["index"] == 4


def test_before_the_genesis_there_is_nothing_to_close() -> None:
    with pytest.raises(NotFound):
        Ledger(MemoryStore(), RULES, LOG, ORIGIN).close(NOW)


def test_the_clock_does_not_run_back_when_a_tree_is_closed(store: Store) -> None:
    city = City(store)
    city.ledger.close(NOW - 100)
    assert parse_any(store.entries(1, 2)[0], 1).time == format_time(NOW)


def test_a_writer_that_has_stopped_closes_nothing() -> None:
    store = Failing()
    city = City(store)
    store.error = LedgerStopped("no space left")
    with pytest.raises(LedgerStopped):
        city.ledger.close(NOW)
    store.error = None
    with pytest.raises(LedgerStopped, match="a commit failed"):
        city.ledger.close(NOW)
    assert size_of(store) == 1


def test_every_record_carries_the_chain_of_its_entries(store: Store) -> None:
    """Out of the entries alone: which of them made a version, and the hashes of those."""
    city = City(store)
    acme, meter = city.fill(1)
    city.ledger.close(NOW)
    city.accept(city.supervise(meter, "status.suspend", "lost", acme))
    city.accept(city.supervise(meter, "status.resume", "found", acme))
    versions = store.versions(state_key(("did", meter.did)), limit=9)
    assert [version.entry for version in versions] == [6, 5, 3]
    history = bytes(32)
    for version in reversed(versions):
        leaf = leaf_hash(store.entries(version.entry, version.entry + 1)[0])
        history = sha256(history + leaf).digest()
        assert orjson.loads(version.record)["history"] == history.hex()


def test_a_record_that_changes_twice_in_a_batch_knows_both_entries(store: Store) -> None:
    city = City(store)
    acme, meter = city.fill(1)
    city.accept(city.supervise(meter, "status.suspend", "lost", acme))
    resume = city.supervise(meter, "status.resume", "found", acme)
    again = city.supervise(meter, "status.suspend", "lost again", acme)
    city.accept(resume, again)
    versions = store.versions(state_key(("did", meter.did)), limit=9)
    assert [version.entry for version in versions] == [6, 5, 4, 3]
    histories = {orjson.loads(version.record)["history"] for version in versions}
    assert len(histories) == 4
    assert audit(store, RULES, stored=store).size == 7


def _failing_reads(store: Store, monkeypatch: pytest.MonkeyPatch, fails_at: int) -> list[str]:
    """From here on the read of that number fails, as where a disk does; the reads so far."""
    reads: list[str] = []

    def failing(name: str) -> None:
        real = getattr(store, name)

        def read(*arguments: object, **options: object) -> object:
            reads.append(name)
            if len(reads) == fails_at:
                raise LedgerStopped("the disk failed")
            return real(*arguments, **options)

        monkeypatch.setattr(store, name, read)

    for name in ("records", "buckets_at", "buckets", "entries", "tile", "versions", "listing"):
        failing(name)
    return reads


@pytest.mark.parametrize("fails_at", range(1, 40))
def test_an_operation_whose_state_cannot_be_read_is_not_written_in_part(
    monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    store = MemoryStore()
    before = City(store)
    acme = before.organization("Acme")
    before.accept(before.prefix(acme, "gtin:09506000"))
    city = City(store)  # as a service that was just started: it has read nothing yet
    meter = city.new_device("M-1", acme, number="1440000000001")
    assert meter.first is not None
    with monkeypatch.context() as patched:
        reads = _failing_reads(store, patched, fails_at)
        try:
            outcomes = city.submit(meter.first, city.prefix(acme, "gtin:4006381"))
        except LedgerStopped:
            outcomes = []
        assert outcomes or len(reads) >= fails_at
        # What is told of an operation is about the operation, and not about the disk.
        assert not any(isinstance(outcome, LedgerStopped) for outcome in outcomes)
    again = City(store)
    assert again.submit(meter.first) != []
    audit(store, RULES, stored=store)
