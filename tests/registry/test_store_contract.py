"""What every store must do: the same suite over each implementation of registry.store.Store."""

from __future__ import annotations

import itertools
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.disclosure import disclosure_digest
from identity.errors import LedgerStopped, StaleHead
from registry.bucket import FIRST, PLACE_BITS, Bucket, keys_of, place_of, row_of
from registry.map_proof import value_hash
from registry.merkle import EMPTY_ROOT
from registry.state_map import StateMap, Written
from registry.store import Batch, Head, MemoryStore, Page, Row, Store, Version
from registry.stores.sqlite import SqliteStore
from registry.tile import StoredTile

Make = Callable[[], Store]
KINDS = ("device", "organization")
LAST = (1 << PLACE_BITS) - 1
"""The last place in the state map."""
STATUSES = ("active", "revoked")


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes empty stores of one kind, and closes them."""
    numbers = itertools.count()
    with ExitStack() as stack:

        def made() -> Store:
            store: Store = MemoryStore()
            if request.param == "sqlite":
                store = SqliteStore(tmp_path / f"{next(numbers)}.sqlite3")
            return stack.enter_context(closing(store))

        yield made


@pytest.fixture
def store(make: Make) -> Store:
    return make()


def end_of(bucket: Bucket) -> int:
    """The first place behind a bucket."""
    return bucket.start + (1 << PLACE_BITS - bucket.depth)


def key(name: object) -> bytes:
    return sha256(str(name).encode()).digest()


def head(size: int, rows: int = 0, root: bytes = EMPTY_ROOT) -> Head:
    """A head of that size: a store does not ask whether its hashes are right."""
    frontier = tuple(key(n) for n in range(size.bit_count()))
    return Head(size, root, 1000 + size, key(size), frontier, rows)


def batch(store: Store, count: int, **members: Any) -> Batch:
    """A batch that adds `count` entries to a store.

    `records` are (key, entry, record), of which the state map makes versions and buckets.
    """
    before = store.head()
    start, rows = (before.size, before.rows) if before else (0, 0)
    written, buckets = StateMap(store).put(members.pop("records", []), rows)
    end = start + count
    whole: dict[str, Any] = {
        "entries": [f"entry {i}".encode() for i in range(start, end)],
        "tiles": [],
        "written": written,
        "buckets": buckets,
        "rows": [],
        "disclosures": [],
        "head": head(end, rows + len(written)),
        "checkpoint": f"note {end}".encode(),
        **members,
    }
    return Batch(**whole)


def commit(store: Store, count: int, **members: Any) -> None:
    """Commits such a batch."""
    store.commit(batch(store, count, **members), store.head())


def device(entry: int, status: str = "active", owner: int = 0) -> Row:
    return Row(entry, "device", status, owner, key(entry))


def test_an_empty_store_has_nothing(store: Store) -> None:
    assert store.head() is None
    assert store.checkpoint() is None
    assert store.checkpoint(1) is None
    assert store.records([key(1), key(2)]) == [None, None]
    assert store.records([]) == []
    assert store.versions(key(1), limit=9) == []
    assert store.written(0, 9) == []
    assert store.buckets_at([]) == []
    assert store.buckets_at([0, 7, LAST]) == [FIRST]
    assert store.buckets(0, LAST) == [FIRST]
    assert store.buckets(1, LAST) == []
    assert store.published() is None
    assert store.published(1) is None
    assert store.entries(0, 9) == []
    assert store.tile(0, 0) == b""
    assert store.listing("device", after=-1, limit=9) == Page([], None)
    assert store.count("device") == 0
    assert store.disclosures(0) == []


def test_what_was_committed_is_read_back(store: Store) -> None:
    wide, high = StoredTile(0, 0, bytes(64)), StoredTile(3, 5, b"t" * 32)
    commit(
        store,
        2,
        tiles=[wide, high],
        records=[(key("a"), 0, b"a0"), (key("b"), 1, b"b1")],
        rows=[device(1)],
        disclosures=[(1, ["WyJ", "WyK"])],
    )
    assert store.head() == head(2, rows=2)
    assert store.entries(0, 2) == [b"entry 0", b"entry 1"]
    assert store.entries(1, 2) == [b"entry 1"]
    assert store.entries(1, 9) == [b"entry 1"]
    assert store.entries(2, 9) == []
    assert store.tile(0, 0) == wide.data
    assert store.tile(3, 5) == high.data
    assert store.tile(5, 3) == b""
    assert store.records([key("b"), key("x"), key("a"), key("b")]) == [b"b1", None, b"a0", b"b1"]
    assert store.listing("device", after=-1, limit=9) == Page([device(1)], None)
    assert store.disclosures(1) == ["WyJ", "WyK"]
    assert store.disclosures(0) == []


def test_tiles_take_their_newest_form(store: Store) -> None:
    commit(store, 1, tiles=[StoredTile(0, 0, b"a" * 32)])
    commit(store, 1, tiles=[StoredTile(0, 0, b"ab" * 32)])
    assert store.tile(0, 0) == b"ab" * 32


def test_each_commit_keeps_its_checkpoint(store: Store) -> None:
    commit(store, 1)
    commit(store, 2)
    assert store.checkpoint() == store.checkpoint(3) == b"note 3"
    assert store.checkpoint(1) == b"note 1"
    assert store.checkpoint(2) is None


def test_a_record_keeps_its_versions(store: Store) -> None:
    commit(store, 2, records=[(key("a"), 0, b"a0"), (key("a"), 1, b"a1")])
    commit(store, 1, records=[(key("b"), 2, b"b2")])
    commit(store, 1, records=[(key("a"), 3, b"a3"), (key("c"), 3, b"c3")])
    assert store.records([key("a")]) == [b"a3"]
    newest_first = [Version(3, b"a3"), Version(1, b"a1"), Version(0, b"a0")]
    assert store.versions(key("a"), limit=9) == newest_first
    assert store.versions(key("a"), limit=2) == newest_first[:2]
    assert store.versions(key("a"), limit=9, before=3) == newest_first[1:]
    assert store.versions(key("a"), limit=1, before=1) == newest_first[2:]
    assert store.versions(key("a"), limit=9, before=0) == []
    assert store.versions(key("b"), limit=9) == [Version(2, b"b2")]
    for entry in range(-1, 5):
        following = [one for one in newest_first if one.entry > entry]
        assert store.version_after(key("a"), entry) == (following[-1] if following else None)
    assert store.version_after(key("nothing"), 0) is None


def test_versions_are_numbered_as_they_were_written(store: Store) -> None:
    commit(store, 1, records=[(key("a"), 0, b"a0"), (key("b"), 0, b"b0")])
    commit(store, 1, records=[(key("a"), 1, b"a1"), (key("a"), 1, b"A1")])
    written = [
        Written(0, None, b"a0"),
        Written(0, None, b"b0"),
        Written(1, 1, b"a1"),
        Written(1, 3, b"A1"),
    ]
    assert store.written(0, 9) == written
    assert store.written(1, 2) == written[1:3]
    assert store.written(4, 9) == []
    (bucket,) = store.buckets(0, LAST)
    assert keys_of(bucket) == sorted([key("a"), key("b")])
    assert [row_of(bucket, key(name)) for name in "abc"] == [4, 2, None]


def test_a_bucket_takes_its_newest_form_and_falls_apart(store: Store) -> None:
    """More keys than fit into one; each bucket is found by every place that lies in it."""
    names = range(100)
    commit(store, 1, records=[(key(n), 0, b"0") for n in names[:50]])
    commit(store, 1, records=[(key(n), 1, b"1") for n in names[25:]])
    buckets = store.buckets(0, LAST)
    assert len(buckets) > 100 / 16
    assert sorted(buckets) == buckets
    assert [bucket.start for bucket in buckets] == [0, *map(end_of, buckets[:-1])]
    assert end_of(buckets[-1]) == LAST + 1
    assert sorted(map(key, names)) == [one for bucket in buckets for one in keys_of(bucket)]
    for n in names:
        (bucket,) = store.buckets_at([place_of(key(n))])
        assert row_of(bucket, key(n)) == (n + 1 if n < 25 else n + 26)
    second, third = buckets[1:3]
    assert store.buckets(second.start, third.start) == [second, third]
    assert store.buckets(second.start + 1, third.start) == [third]
    assert store.buckets(second.start + 1, third.start - 1) == []


@pytest.mark.parametrize("wanted", [1, 2, 19, 20, 21, 99, 100, 101, 250])
def test_any_number_of_records_and_buckets_is_read_at_once(store: Store, wanted: int) -> None:
    """A store may ask for them in parts: none is lost, none comes twice, the order holds."""
    commit(store, 1, records=[(key(n), 0, str(n).encode()) for n in range(300)])
    names = [n * 7 % 400 for n in range(wanted)]
    expected = [str(n).encode() if n < 300 else None for n in names]
    assert store.records([key(n) for n in names]) == expected
    whole = store.buckets(0, LAST)
    places = [place_of(key(n)) for n in names]
    assert store.buckets_at(places) == [
        one for one in whole if any(one.start <= place < end_of(one) for place in places)
    ]


def test_what_was_published_is_kept_by_size(store: Store) -> None:
    commit(store, 3)
    commit(store, 4)
    assert store.published() is None  # a commit publishes nothing
    store.publish(3, b"three")
    assert store.published() == store.published(3) == b"three"
    assert store.published(2) is None
    assert store.published(7) is None
    store.publish(7, b"seven")
    store.publish(3, b"three again")
    assert store.published() == store.published(7) == b"seven"
    assert store.published(3) == b"three again"
    store.publish(7, b"seven, cosigned")
    assert store.published() == b"seven, cosigned"
    assert store.checkpoint() == store.checkpoint(7) == b"note 7"


def test_listings_go_page_by_page(store: Store) -> None:
    rows = [device(i, owner=i % 2) for i in range(7)]
    commit(store, 8, rows=[*rows, Row(7, "organization", "active", 7, key(7))])
    assert store.listing("device", after=-1, limit=3) == Page(rows[:3], 2)
    assert store.listing("device", after=2, limit=3) == Page(rows[3:6], 5)
    assert store.listing("device", after=5, limit=3) == Page(rows[6:], None)
    assert store.listing("device", after=-1, limit=7) == Page(rows, None)
    assert store.listing("device", after=-1, limit=2, owner=1) == Page(rows[1:4:2], 3)
    assert store.listing("device", after=3, limit=2, owner=1) == Page(rows[5:6], None)
    assert store.listing("organization", after=-1, limit=9).rows[0].key == key(7)
    assert store.listing("grant", after=-1, limit=9) == Page([], None)


def test_a_changed_row_stands_where_it_stood(store: Store) -> None:
    commit(store, 2, rows=[device(0), device(1), device(1, "revoked")])
    assert store.count("device") == 2
    commit(store, 1, rows=[device(0, "revoked", owner=5), device(2)])
    assert store.count("device") == 3
    page = store.listing("device", after=-1, limit=9, status="revoked")
    assert page == Page([device(0, "revoked", owner=5), device(1, "revoked")], None)
    assert store.listing("device", after=-1, limit=9, owner=5).rows == page.rows[:1]
    assert store.listing("device", after=-1, limit=9, status="active").rows == [device(2)]


def test_a_listing_by_status_looks_at_a_bounded_number_of_rows(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(store), "SCAN", 4)
    rows = [device(i, "revoked" if i in (5, 9) else "active") for i in range(10)]
    commit(store, 10, rows=rows)
    found, after, pages = [], cast("int | None", -1), 0
    while after is not None:
        page = store.listing("device", after=after, limit=9, status="revoked")
        found += page.rows
        after, pages = page.after, pages + 1
    assert [row.entry for row in found] == [5, 9]
    assert pages == 3


@pytest.mark.parametrize(
    "wrong", [None, head(1, rows=1), head(2, rows=1, root=b"another root".ljust(32))]
)
def test_a_stale_head_writes_nothing(store: Store, wrong: Head | None) -> None:
    commit(store, 2, records=[(key("a"), 0, b"a0")])
    again = batch(store, 1, records=[(key("a"), 2, b"a2")], rows=[device(2)])
    with pytest.raises(StaleHead):
        store.commit(again, wrong)
    assert store.head() == head(2, rows=1)
    assert store.entries(0, 9) == [b"entry 0", b"entry 1"]
    assert store.records([key("a")]) == [b"a0"]
    assert store.written(0, 9) == [Written(0, None, b"a0")]
    assert store.count("device") == 0
    store.commit(again, store.head())  # nothing has failed: the right writer goes on
    assert store.records([key("a")]) == [b"a2"]


class _Ends(Exception):
    """A batch that ends in the middle."""


def _ending(items: list[Any]) -> Iterator[Any]:
    yield from items
    raise _Ends


def test_a_commit_that_fails_half_way_writes_nothing_and_is_the_last(store: Store) -> None:
    commit(store, 1, records=[(key("a"), 0, b"a0")], rows=[device(0)])
    before = store.buckets(0, LAST)
    full = batch(
        store,
        1,
        tiles=[StoredTile(0, 0, bytes(32))],
        records=[(key("a"), 1, b"a1")],
        rows=[device(0, "revoked"), device(1)],
    )
    with pytest.raises(_Ends):
        store.commit(full._replace(disclosures=_ending([(1, ["x"])])), store.head())  # type: ignore[arg-type]
    assert store.head() == head(1, rows=1)
    assert store.checkpoint() == b"note 1"
    assert store.entries(0, 9) == [b"entry 0"]
    assert store.tile(0, 0) == b""
    assert store.records([key("a")]) == [b"a0"]
    assert store.written(0, 9) == [Written(0, None, b"a0")]
    assert store.listing("device", after=-1, limit=9) == Page([device(0)], None)
    assert store.count("device") == 1
    assert store.disclosures(1) == []
    assert store.buckets(0, LAST) == before
    with pytest.raises(LedgerStopped):
        store.commit(full, store.head())
    with pytest.raises(LedgerStopped):
        store.publish(1, b"published")
    assert store.published() is None


def values(buckets: list[Bucket], names: Sequence[object]) -> set[bytes]:
    """What stands under these keys in buckets."""
    entries = b"".join(bucket.entries for bucket in buckets)
    held = {entries[at : at + 32]: entries[at + 32 : at + 64] for at in range(0, len(entries), 64)}
    return {held[key(name)] for name in names}


READS: dict[str, Callable[[Store, Sequence[object]], set[Any]]] = {
    "records": lambda store, names: set(store.records([key(name) for name in names])),
    "buckets at places": lambda store, names: values(
        store.buckets_at([place_of(key(name)) for name in names]), names
    ),
    "all buckets": lambda store, names: values(store.buckets(0, LAST), names),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("count", [2, 130])
def test_readers_see_whole_commits_while_one_goes_on(
    store: Store, read: Callable[[Store, Sequence[object]], set[Any]], count: int
) -> None:
    """Records that each commit changes together are never read apart, while buckets split."""
    names = range(count)
    others = iter(range(1000, 10_000))
    commit(store, 1, records=[(key(n), 0, b"0") for n in [*names, *range(1000)]])
    assert len(store.buckets_at([place_of(key(n)) for n in names])) > 1
    done = threading.Event()
    seen: list[set[Any]] = []

    def keep_reading() -> None:
        while not done.is_set():
            seen.append(read(store, names))

    readers = [threading.Thread(target=keep_reading) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for i in range(1, 40):
            value = str(i).encode()
            new = [(key(next(others)), i, value) for _ in range(20)]
            commit(store, 1, records=[*((key(n), i, value) for n in names), *new])
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert seen
    assert [one for one in seen if len(one) != 1] == []
    assert read(store, names) <= {b"39", value_hash(b"39")}


def test_another_thread_may_take_over_the_writing(store: Store) -> None:
    commit(store, 1, records=[(key("a"), 0, b"a0")])
    assert store.records([key("a")]) == [b"a0"]
    thread = threading.Thread(target=lambda: commit(store, 1, records=[(key("a"), 1, b"a1")]))
    thread.start()
    thread.join()
    assert store.records([key("a")]) == [b"a1"]
    commit(store, 1, records=[(key("a"), 2, b"a2")])
    assert store.records([key("a")]) == [b"a2"]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, dict[str, Any]]]:
    """What `commit` takes, with changes of records and of rows made before."""
    made: list[tuple[int, dict[str, Any]]] = []
    rows: dict[int, str] = {}
    size = 0
    for count in draw(st.lists(st.integers(1, 4), min_size=1, max_size=6)):
        entries = range(size, size + count)
        records, changed = [], []
        for entry in entries:
            names = draw(st.lists(st.sampled_from("abcdef") | st.integers(0, 60), max_size=40))
            records += [(key(name), entry, f"{name} {entry}".encode()) for name in names]
            kind = draw(st.sampled_from((*KINDS, None)))
            if kind is not None:
                rows[entry] = kind
            for touched in (
                draw(st.lists(st.sampled_from(sorted(rows)), max_size=2)) if rows else ()
            ):
                status, owner = draw(st.sampled_from(STATUSES)), draw(st.integers(0, 2))
                changed.append(Row(touched, rows[touched], status, owner, key(touched)))
            if kind is not None and all(row.entry != entry for row in changed):
                changed.append(Row(entry, kind, "active", 0, key(entry)))
        told = [(entry, draw(st.lists(st.text(), max_size=2))) for entry in entries]
        tiles = [StoredTile(draw(st.integers(0, 2)), draw(st.integers(0, 3)), bytes(32 * count))]
        members = {"records": records, "rows": changed, "disclosures": told, "tiles": tiles}
        made.append((count, members))
        size += count
    return made


def observed(store: Store, size: int) -> list[object]:
    """All that a store shows."""
    listings = [
        store.listing(kind, after=after, limit=limit, status=status, owner=owner)
        for kind in KINDS
        for after in (-1, size // 2)
        for limit in (1, 3, 99)
        for status in (None, *STATUSES)
        for owner in (None, 0, 1)
    ]
    return [
        store.head(),
        [store.checkpoint(n) for n in range(size + 2)],
        store.records([key(name) for name in "abcdefg"]),
        [store.versions(key(n), limit=2, before=b) for n in "abc" for b in (None, size // 2)],
        store.written(0, 999),
        store.buckets(0, LAST),
        [store.buckets_at([place_of(key(n)) for n in range(k)]) for k in (1, 30)],
        [store.published(n) for n in (None, *range(size + 2))],
        store.entries(0, size + 1),
        [store.tile(level, n) for level in range(3) for n in range(4)],
        listings,
        [store.count(kind) for kind in KINDS],
        [store.disclosures(entry) for entry in range(size + 1)],
    ]


@given(histories())
def test_every_store_shows_the_same_after_the_same_commits(
    history: list[tuple[int, dict[str, Any]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.sqlite3"
        memory = MemoryStore()
        with closing(SqliteStore(path, durable=False)) as sqlite:
            for count, members in history:
                one, expected = batch(memory, count, **members), memory.head()
                assert batch(sqlite, count, **members) == one
                memory.commit(one, expected)
                sqlite.commit(one, expected)
                for store in (memory, sqlite):
                    if count % 2:
                        store.publish(one.head.size, one.checkpoint + b", published")
            size = one.head.size
            assert observed(sqlite, size) == observed(memory, size)
        with closing(SqliteStore(path)) as reopened:
            assert observed(reopened, size) == observed(memory, size)


def test_what_was_disclosed_can_be_erased_and_leaves_its_digest(store: Store) -> None:
    texts = ["WyJzZXJpYWwi", "WyJkYXRhIiwi", "WyJudW1iZXIi"]
    commit(store, 3, disclosures=[(0, texts), (2, texts[:1])])
    store.erase(0, [texts[1], "WyJuZXZlciI"])
    assert store.disclosures(0) == [texts[0], texts[2]]
    assert store.erased(0) == [disclosure_digest(texts[1])]
    assert (store.disclosures(2), store.erased(2)) == (texts[:1], [])
    store.erase(0, texts[:2])
    assert store.disclosures(0) == texts[2:]
    assert sorted(store.erased(0)) == sorted(map(disclosure_digest, texts[:2]))
    store.erase(1, texts)  # nothing came with it
    assert (store.disclosures(1), store.erased(1)) == ([], [])
    commit(store, 1, disclosures=[(3, texts)])
    assert store.disclosures(3) == texts, "a new operation is a new act"


def test_a_store_that_failed_erases_nothing(store: Store) -> None:
    commit(store, 1, disclosures=[(0, ["WyJhIiwi"])])
    with pytest.raises(TypeError):
        store.commit(batch(store, 1)._replace(disclosures=[1]), store.head())  # type: ignore[list-item]
    with pytest.raises(LedgerStopped):
        store.erase(0, ["WyJhIiwi"])
    assert store.disclosures(0) == ["WyJhIiwi"]
