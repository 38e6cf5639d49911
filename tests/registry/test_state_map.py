"""The state map against a model that anyone can read: a tree made anew from all that it holds."""

from __future__ import annotations

import random
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.bucket import PLACE_BITS, Bucket, keys_of, located
from registry.map_proof import MapProof, check_absent, check_present
from registry.state_map import StateMap
from registry.store import Batch, Head, MemoryStore, Store
from registry.stores.sqlite import SqliteStore

Records = Mapping[bytes, bytes]
MADE = bytes(range(32))
"""The key with which keys of an attacker agree in many bits."""


def naive(records: Records) -> bytes:
    """The root, by the words of the specification."""
    return _node(sorted(records.items()), 0)


def _node(items: Sequence[tuple[bytes, bytes]], depth: int) -> bytes:
    if len(items) <= 16:
        entries = (key + sha256(b"\x00" + record).digest() for key, record in items)
        return sha256(b"\x00" + b"".join(entries)).digest()
    sides: tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]] = ([], [])
    for key, record in items:
        bit = format(int.from_bytes(key), "0256b")[depth]
        sides[int(bit)].append((key, record))
    left, right = (_node(side, depth + 1) for side in sides)
    return sha256(b"\x01" + left + right).digest()


def plain(n: int) -> bytes:
    """A key such as the state has."""
    return sha256(b"%d" % n).digest()


def alike(bits: int, n: int) -> bytes:
    """A key that agrees with MADE in its first bits."""
    rest = 256 - bits
    tail = int.from_bytes(plain(n)) & (1 << rest) - 1
    return (int.from_bytes(MADE) >> rest << rest | tail).to_bytes(32)


class Counting(MemoryStore):
    """Counts the buckets that are read for what is not in memory."""

    ranges = 0

    def buckets(self, first: int, last: int) -> list[Bucket]:
        found = super().buckets(first, last)
        self.ranges += len(found)
        return found


class Mapped:
    """A map over a store, and what was put into it."""

    def __init__(self, store: Store | None = None) -> None:
        self.store: Store = store or MemoryStore()
        self.guard = threading.Lock()
        self.map = StateMap(self.store, self.guard)
        self.all: dict[bytes, bytes] = {}
        self.closed: tuple[bytes, dict[bytes, bytes]] | None = None
        self.published: tuple[bytes, dict[bytes, bytes]] | None = None

    def put(self, *records: tuple[bytes, bytes], ahead: bool = False) -> None:
        """One commit, with or without buckets that were read before."""
        head = self.store.head()
        size, rows = (head.size, head.rows) if head else (0, 0)
        known = [key for key, _ in records][::2] if ahead else []
        places = [int.from_bytes(key[:8]) >> 1 for key in known]
        found = located(self.store.buckets_at(places), known) if known else {}
        keyed = [(key, size, record) for key, record in records]
        written, buckets = self.map.put(keyed, rows, found)
        new = Head(size + 1, plain(size), 0, b"", (), rows + len(written))
        self.store.commit(Batch([b"entry"], [], written, buckets, [], [], new, b""), head)
        self.all.update(records)

    def close(self) -> bytes:
        """The root so far."""
        root = self.map.close()
        self.closed = root, dict(self.all)
        return root

    def publish(self) -> None:
        """Publishes what was closed last, if anything was."""
        if self.closed is not None:
            self.map.publish()
            self.published = self.closed

    def check(self, key: bytes) -> None:
        """A proof about that key holds for the published root, as it is read over a wire."""
        assert self.published is not None
        root, records = self.published
        proof = MapProof.parse(*self.map.prove(key).texts())
        if key in records:
            check_present(proof, key, records[key], root)
        else:
            check_absent(proof, key, root)


plain_keys = st.integers(0, 400).map(plain)
made_keys = st.tuples(st.sampled_from([1, 5, 20, 44, 50]), st.integers(0, 40)).map(
    lambda drawn: alike(*drawn)
)
records = st.lists(st.tuples(plain_keys | made_keys, st.binary(max_size=3)), max_size=60)


def test_the_root_of_nothing() -> None:
    assert Mapped().close() == naive({}) == sha256(b"\x00").digest()


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 18, 33, 500])
def test_the_root_of_so_many_keys(count: int) -> None:
    mapped = Mapped()
    mapped.put(*((plain(n), b"%d" % n) for n in range(count)))
    assert mapped.close() == naive(mapped.all)


@given(st.lists(records, max_size=8), st.randoms(use_true_random=False))
def test_the_root_follows_from_the_content_alone(
    batches: list[list[tuple[bytes, bytes]]], chance: random.Random
) -> None:
    """In whatever order and batches it came, and whether it was closed in between or not."""
    first = Mapped()
    for batch in batches:
        first.put(*batch, ahead=chance.random() < 0.5)
        if chance.random() < 0.5:
            assert first.close() == naive(first.all)
        if chance.random() < 0.3:
            first.publish()
    assert first.close() == naive(first.all)
    second, left = Mapped(), list(first.all.items())
    chance.shuffle(left)
    while left:
        cut = chance.randrange(1, len(left) + 1)
        second.put(*left[:cut])
        left = left[cut:]
    assert second.close() == first.close()
    assert StateMap(first.store).close() == first.close()


@given(records, records)
@settings(max_examples=25)
def test_what_a_store_holds_gives_the_same_map(
    before: list[tuple[bytes, bytes]], after: list[tuple[bytes, bytes]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.sqlite3"
        with closing(SqliteStore(path, durable=False)) as store:
            mapped = Mapped(store)
            mapped.put(*before)
            mapped.close()
            mapped.put(*after)
            root = mapped.close()
        with closing(SqliteStore(path)) as store:
            again = Mapped(store)
            again.all = mapped.all
            assert again.close() == root == naive(mapped.all)
            again.publish()
            for key in [*mapped.all, plain(-1), alike(50, -1)]:
                again.check(key)


@given(
    st.lists(
        st.tuples(st.just("put"), records)
        | st.tuples(st.sampled_from(["close", "publish"]), st.none()),
        max_size=25,
    )
)
def test_proofs_stand_on_what_was_published_whatever_goes_on_since(
    steps: list[tuple[str, list[tuple[bytes, bytes]] | None]],
) -> None:
    mapped = Mapped()
    mapped.put(*((plain(n), b"first") for n in range(40)))
    mapped.close()
    mapped.publish()
    asked = [*(plain(n) for n in range(0, 420, 7)), *(alike(44, n) for n in range(5))]
    for name, drawn in steps:
        if drawn is not None:
            mapped.put(*drawn)
        else:
            getattr(mapped, name)()
        for key in [*asked, *(key for key, _ in drawn or [])]:
            mapped.check(key)


def test_a_key_that_is_put_twice_in_a_commit_keeps_its_last_record() -> None:
    mapped = Mapped()
    mapped.put((plain(1), b"a"), (plain(2), b"b"), (plain(1), b"c"))
    assert mapped.close() == naive({plain(1): b"c", plain(2): b"b"})
    assert [one.before for one in mapped.store.written(0, 9)] == [None, None, 1]


def test_buckets_are_as_small_as_they_must_be() -> None:
    mapped = Mapped()
    mapped.put(*((plain(n), b"") for n in range(2000)), *((alike(40, n), b"") for n in range(17)))
    buckets = mapped.store.buckets(0, (1 << PLACE_BITS) - 1)
    assert all(len(keys_of(one)) <= 16 for one in buckets)
    for left, right in pairwise(buckets):
        height = PLACE_BITS - left.depth
        if left.depth == right.depth and left.start >> height ^ 1 == right.start >> height:
            assert len(keys_of(left)) + len(keys_of(right)) > 16, "these two are one bucket"


def test_what_lies_in_memory_grows_with_the_map() -> None:
    """From nothing to thousands: a level more whenever buckets have become many, and no proof of
    what was published before fails."""
    mapped = Mapped()
    mapped.close()
    mapped.publish()
    numbers = iter(range(100_000))
    for _ in range(14):
        mapped.put(*((plain(next(numbers)), b"x") for _ in range(300)))
        mapped.check(plain(5))
        mapped.check(plain(100_001))
        mapped.close()
        mapped.check(plain(5))
        mapped.publish()
        mapped.check(plain(5))
        mapped.check(plain(100_001))
    assert mapped.close() == naive(mapped.all)
    count = len(mapped.store.buckets(0, (1 << PLACE_BITS) - 1))
    assert count / 8 <= 1 << len(mapped.map._levels) - 1 <= count * 2


def test_after_a_few_great_batches_proofs_are_made_of_what_is_in_memory() -> None:
    store = Counting()
    mapped = Mapped(store)
    mapped.close()
    mapped.publish()
    for batch in range(3):
        mapped.put(*((plain(n), b"x") for n in range(1_000 * batch, 1_000 * batch + 1_000)))
        mapped.close()
        mapped.publish()
    store.ranges = 0
    for n in range(200):
        mapped.check(plain(n))
    assert store.ranges < 400  # the deepest buckets lie a level or two below what is kept
    assert mapped.close() == naive(mapped.all)


def test_keys_made_to_agree_cost_no_more_memory_than_others() -> None:
    """Whoever may choose codes can make seventeen that agree in thirty bits, and more."""
    mapped = Mapped()
    mapped.put(*((plain(n), b"") for n in range(100)))
    for n in range(60):
        mapped.put((alike(50, n), b"made"))
        mapped.close()
        mapped.publish()
        mapped.check(alike(50, n))
    assert mapped.close() == naive(mapped.all)
    assert sum(map(len, mapped.map._levels)) < 128 * len(
        mapped.store.buckets(0, (1 << PLACE_BITS) - 1)
    )


def test_too_many_keys_that_agree_as_far_as_a_place_reaches_are_noticed() -> None:
    mapped = Mapped()
    mapped.put(*((alike(63, n), b"") for n in range(16)))
    with pytest.raises(RuntimeError, match="63 bits"):
        mapped.put((alike(63, 16), b""))


@pytest.fixture(params=["memory", "sqlite"])
def mapped(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mapped]:
    store: Store = MemoryStore()
    if request.param == "sqlite":
        store = SqliteStore(tmp_path / "x.sqlite3", durable=False)
    with closing(store):
        yield Mapped(store)


def test_another_thread_proves_while_the_writer_goes_on(mapped: Mapped) -> None:
    """Each proof holds for the root that was the published one when it was asked for."""
    mapped.put(*((plain(n), b"0") for n in range(400)))
    mapped.close()
    mapped.publish()
    switching, done = threading.Lock(), threading.Event()

    def keep_asking() -> int:
        asked = 0
        while not done.is_set():
            asked += 1
            key = plain(asked * 7919 % 700)
            with switching:
                published = mapped.published
                proof = mapped.map.prove(key)
            assert published is not None
            root, held = published
            if key in held:
                check_present(proof, key, held[key], root)
            else:
                check_absent(proof, key, root)
        return asked

    with ThreadPoolExecutor() as threads:
        asker = threads.submit(keep_asking)
        try:
            for n in range(60):
                mapped.put(*((plain((n * 20 + k) * 7907 % 600), b"%d" % n) for k in range(20)))
                if n % 2:
                    mapped.close()
                if n % 5 == 0:
                    with switching:  # so that the asker knows which root it is asking under
                        mapped.publish()
        finally:
            done.set()
        assert asker.result() > 20
