"""Proofs out of the state map: what holds, and that nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from hashlib import sha256
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import InvalidStateProof
from registry.map_proof import MapProof, bucket_hash, check_absent, check_present, value_hash
from tests.registry.test_state_map import Mapped, alike, plain


@pytest.fixture(scope="module")
def mapped() -> Mapped:
    """A hundred keys as the state has them, and twenty that agree in thirty bits."""
    mapped = Mapped()
    mapped.put(*((plain(n), b"record %d" % n) for n in range(100)))
    mapped.put(*((alike(30, n), b"made %d" % n) for n in range(20)))
    mapped.close()
    mapped.publish()
    return mapped


def root_of(mapped: Mapped) -> bytes:
    assert mapped.published is not None
    return mapped.published[0]


def refused(proof: MapProof, key: bytes, record: bytes | None, root: bytes) -> None:
    """Neither does it prove that record under the key, nor that there is nothing."""
    if record is not None:
        with pytest.raises(InvalidStateProof):
            check_present(proof, key, record, root)
    with pytest.raises(InvalidStateProof):
        check_absent(proof, key, root)


PRESENT = [plain(3), plain(77), alike(30, 4)]
ABSENT = [plain(200), alike(30, 99), alike(10, 99)]


@pytest.mark.parametrize("key", PRESENT)
def test_a_proof_of_presence_proves_one_record_and_nothing_else(mapped: Mapped, key: bytes) -> None:
    proof, root = mapped.map.prove(key), root_of(mapped)
    check_present(proof, key, mapped.all[key], root)
    refused(proof, key, mapped.all[key] + b" ", root)
    refused(proof, plain(200), mapped.all[key], root)
    refused(proof, key, mapped.all[key], sha256(root).digest())


@pytest.mark.parametrize("key", ABSENT)
def test_a_proof_of_absence_proves_no_record(mapped: Mapped, key: bytes) -> None:
    proof, root = mapped.map.prove(key), root_of(mapped)
    check_absent(proof, key, root)
    with pytest.raises(InvalidStateProof):
        check_present(proof, key, b"record", root)
    with pytest.raises(InvalidStateProof):
        check_absent(proof, key, sha256(root).digest())


def test_an_empty_map_holds_nothing() -> None:
    root = bucket_hash(b"")
    check_absent(MapProof(b"", ()), plain(1), root)
    with pytest.raises(InvalidStateProof):
        check_present(MapProof(b"", ()), plain(1), b"", root)


def changes(proof: MapProof) -> Iterator[MapProof]:
    """Everything that can be changed about a proof, one thing at a time."""
    others, path = proof
    for at in range(len(others)):
        yield MapProof(others[:at] + bytes([others[at] ^ 1]) + others[at + 1 :], path)
    for at, one in enumerate(path):
        yield MapProof(others, (*path[:at], one[:-1] + bytes([one[-1] ^ 128]), *path[at + 1 :]))
        yield MapProof(others, path[:at] + path[at + 1 :])
        yield MapProof(others, (*path[: at + 1], *path[at:]))
        if at and path[at] != path[at - 1]:
            yield MapProof(others, (*path[: at - 1], path[at], path[at - 1], *path[at + 1 :]))
    yield MapProof(others, (*path, bytes(32)))
    yield MapProof(others, (bytes(32), *path))
    slots = [others[at : at + 64] for at in range(0, len(others), 64)]
    for at in range(len(slots)):
        yield MapProof(b"".join(slots[:at] + slots[at + 1 :]), path)
        yield MapProof(b"".join([*slots[: at + 1], *slots[at:]]), path)
        if at:
            swapped = [*slots[: at - 1], slots[at], slots[at - 1], *slots[at + 1 :]]
            yield MapProof(b"".join(swapped), path)
    yield MapProof(others + bytes(64), path)
    yield MapProof(bytes(64) + others, path)


@pytest.mark.parametrize("key", [*PRESENT, *ABSENT])
def test_a_proof_that_was_changed_anywhere_is_refused(mapped: Mapped, key: bytes) -> None:
    proof = mapped.map.prove(key)
    assert proof.path
    count = 0
    for changed in changes(proof):
        assert changed != proof
        refused(changed, key, mapped.all.get(key, b"record"), root_of(mapped))
        count += 1
    assert count > len(proof.path)


def test_the_keys_own_entry_is_left_out() -> None:
    """One form for each proof: with its own entry among the others it is refused."""
    mapped = Mapped()
    mapped.put((plain(1), b"a"), (plain(2), b"b"))
    root = mapped.close()
    whole = MapProof(mapped.store.buckets(0, 1)[0].entries, ())
    refused(whole, plain(1), b"a", root)


def full(count: int, shared: int = 0) -> dict[bytes, bytes]:
    """So many keys, ascending."""
    keys = sorted(alike(shared, n) for n in range(count))
    return {key: b"%d" % n for n, key in enumerate(keys)}


def entries_of(records: dict[bytes, bytes]) -> bytes:
    return b"".join(key + value_hash(record) for key, record in records.items())


# Roots that no map has: an operator may sign any 32 bytes.


def test_a_bucket_of_more_keys_than_it_may_hold_proves_nothing() -> None:
    for count, holds in ((16, True), (17, False), (18, False)):
        held = full(count)
        whole, key = entries_of(held), next(iter(held))
        rest = entries_of({other: held[other] for other in held if other != key})
        run = [
            partial(check_present, MapProof(rest, ()), key, held[key], bucket_hash(whole)),
            partial(check_absent, MapProof(whole, ()), plain(1000), bucket_hash(whole)),
        ]
        for check in run:
            if holds:
                check()
            else:
                with pytest.raises(InvalidStateProof):
                    check()


def climbed(key: bytes, node: bytes, depth: int) -> tuple[bytes, tuple[bytes, ...]]:
    """A root above a node at that depth, and the path to it."""
    path, bits = [], int.from_bytes(key) >> 256 - depth
    for _ in range(depth):
        sibling = sha256(node).digest()
        node = sha256(b"\x01" + (sibling + node if bits & 1 else node + sibling)).digest()
        path.append(sibling)
        bits >>= 1
    return node, tuple(path)


@pytest.mark.parametrize(("depth", "holds"), [(0, True), (62, True), (63, True), (64, False)])
def test_a_path_is_as_long_as_a_place_at_most(depth: int, holds: bool) -> None:
    key = plain(1)
    root, path = climbed(key, bucket_hash(key + value_hash(b"x")), depth)
    if holds:
        check_present(MapProof(b"", path), key, b"x", root)
        return
    with pytest.raises(InvalidStateProof):
        check_present(MapProof(b"", path), key, b"x", root)


def test_a_bucket_out_of_order_proves_nothing() -> None:
    slots = [key + value_hash(record) for key, record in full(4).items()]
    for order in ((1, 0, 2, 3), (0, 0, 1, 2), (3, 2, 1, 0), (0, 1, 2, 2)):
        entries = b"".join(slots[n] for n in order)
        root = bucket_hash(entries)
        for key in (plain(1), *full(4)):
            refused(MapProof(entries, ()), key, None, root)
            for at in range(4):
                rest = b"".join(slots[n] for place, n in enumerate(order) if place != at)
                refused(MapProof(rest, ()), key, full(4).get(key, b"x"), root)


Tree = tuple["Tree", "Tree"] | bytes
"""An inner node, or the entries of a bucket."""
FEW = sorted([plain(1), plain(2), plain(3), alike(3, 1)])
RECORDS = [b"a", b"b"]
slots = st.tuples(st.sampled_from(FEW), st.sampled_from(RECORDS)).map(
    lambda drawn: drawn[0] + value_hash(drawn[1])
)
blobs = st.lists(slots | st.binary(min_size=64, max_size=64), max_size=4).map(b"".join)
trees: st.SearchStrategy[Tree] = st.recursive(
    blobs, lambda inner: st.tuples(inner, inner), max_leaves=6
)


def hash_of(tree: Tree) -> bytes:
    if isinstance(tree, bytes):
        return bucket_hash(tree)
    return sha256(b"\x01" + hash_of(tree[0]) + hash_of(tree[1])).digest()


def contents(tree: Tree) -> Iterator[bytes]:
    """All that stands in a node, taken for entries of a bucket."""
    if isinstance(tree, bytes):
        yield tree
        return
    yield hash_of(tree[0]) + hash_of(tree[1])
    for below in tree:
        yield from contents(below)


def ways(tree: Tree, key: bytes) -> Iterator[tuple[bytes, ...]]:
    """Paths from every node on a key's way, the root's first."""
    path: tuple[bytes, ...] = ()
    yield path
    depth = 0
    while isinstance(tree, tuple):
        side = int.from_bytes(key) >> 255 - depth & 1
        path = (hash_of(tree[1 - side]), *path)
        tree = tree[side]
        depth += 1
        yield path


@given(trees)
@settings(max_examples=300)
def test_no_root_proves_two_things_about_a_key(tree: Tree) -> None:
    """Whatever an operator has put under a root, in order or not, a key twice or not."""
    root = hash_of(tree)
    cuts = {b""}
    for blob in contents(tree):
        cuts.add(blob)
        cuts |= {blob[:at] + blob[at + 64 :] for at in range(0, len(blob), 64)}
        cuts |= {blob[at : at + 64] for at in range(0, len(blob), 64)}
    for key in FEW:
        proved = set()
        for others, path in product(cuts, ways(tree, key)):
            proof = MapProof(others, path)
            for record in RECORDS:
                with suppress(InvalidStateProof):
                    check_present(proof, key, record, root)
                    proved.add(record)
            with suppress(InvalidStateProof):
                check_absent(proof, key, root)
                proved.add(b"absent")
        assert len(proved) <= 1


# Proofs as text


@given(
    st.lists(st.binary(min_size=64, max_size=64), max_size=17).map(b"".join),
    st.lists(st.binary(min_size=32, max_size=32), max_size=65).map(tuple),
)
def test_a_proof_is_written_and_read_alike(others: bytes, path: tuple[bytes, ...]) -> None:
    proof = MapProof(others, path)
    assert MapProof.parse(*proof.texts()) == proof


@given(st.text() | st.from_regex("[A-Za-z0-9+/]*={0,2}"), st.text() | st.just(""))
def test_hostile_text_raises_only_errors_of_ours(bucket: str, path: str) -> None:
    for texts in ((bucket, path), (path, bucket), (bucket, bucket)):
        try:
            proof = MapProof.parse(*texts)
        except InvalidStateProof:
            continue
        assert proof.texts() == texts  # one form alone
        refused(proof, plain(1), b"x", bytes(32))


@pytest.mark.parametrize(
    "text", ["A", "AA", "AA==", "AAAA", "A" * 43, "A" * 42 + "B=", "-" * 44, " " + "A" * 43 + "="]
)
def test_a_path_that_is_cut_short_or_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(InvalidStateProof):
        MapProof.parse("", text)
    with pytest.raises(InvalidStateProof):
        MapProof.parse(text, "")
