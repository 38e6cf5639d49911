"""The state map: a Merkle tree over the records of the state, which is their index as well.

    key = SHA-256(JCS [kind, id…])            value = SHA-256(00 ‖ JCS(record))
    bucket = SHA-256(00 ‖ key ‖ value ‖ …)    at most 16 keys, ascending
    node = SHA-256(01 ‖ left ‖ right)         of more than 16 keys, parted by the next bit

The tree follows from what it holds, in whatever order that came. A store keeps the buckets, and the
same row that says whether a key is taken proves it. Hashes of the nodes above lie in memory,
`levels[depth]`, 32 bytes each; zeros stand for what nobody has asked for yet.

    state_map = StateMap(store)
    written, buckets = state_map.put([(key, entry, record), …], rows)    # before each commit
    root = state_map.close()                                             # after it
    state_map.publish()                             # from here on, proofs stand on that root
    state_map.prove(key)                            # registry/map_proof.py checks it

One thread puts, closes and publishes; any other proves. While the writer goes on, buckets that it
changes are kept as they were under the published root. Specified in specs/2-registry.md,
"State map".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha256
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from registry.bucket import PLACE_BITS, Bucket, located, place_of, put, row_of
from registry.map_proof import SLOT, MapProof, bucket_hash

_UNKNOWN: Final = bytes(32)
_SAMPLE_BITS: Final = 6
_RANGE_BITS: Final = 8
"""All buckets are read in 256 parts."""
FEW: Final = 1 << 13
"""Buckets that are read at once, within some 50 ms, where the levels get more."""

Keep = Callable[[int, int, bytes], None]
"""Takes the hash of a node: depth, place at that depth, hash."""


class Buckets(Protocol):
    """What the map asks of a store; both as of one commit."""

    def buckets_at(self, places: Sequence[int]) -> list[Bucket]:
        """The buckets in which these places lie, each once, in their order."""
        ...

    def buckets(self, first: int, last: int) -> list[Bucket]:
        """The buckets that start between two places, both included, in their order."""
        ...


class Written(NamedTuple):
    """A version in the order of writing: where the one before it stands, if there is one."""

    entry: int
    before: int | None
    record: bytes


class StateMap:
    """The map over one store."""

    def __init__(self, store: Buckets, guard: AbstractContextManager[object] | None = None) -> None:
        """`guard` is a lock, where several threads use the map."""
        self._store = store
        self._guard = guard or nullcontext()
        self._levels: list[bytearray] = []
        self._count = 0
        """Buckets there are."""
        self._changed: dict[int, Bucket] = {}
        """Buckets that were put since the last close, by their start."""
        self._nodes: list[dict[int, bytes]] = []
        """Hashes of what was closed and is not published, by depth and place at that depth."""
        self._before_closed: dict[int, Bucket] = {}
        self._before_published: dict[int, Bucket] = {}
        """By the start of a bucket, what stood there when the root was closed, or published."""

    def put(
        self,
        records: Sequence[tuple[bytes, int, bytes]],
        rows: int,
        found: Mapping[bytes, Bucket] = MappingProxyType({}),
    ) -> tuple[list[Written], list[Bucket]]:
        """What a commit writes for these (key, entry, record), behind `rows` rows.

        `found` are keys with the buckets in which they lie, read since the last commit.
        """
        missing = [key for key, _, _ in records if key not in found]
        held = {**found, **located(self._store.buckets_at(list(map(place_of, missing))), missing)}
        written: list[Written] = []
        newest: dict[bytes, tuple[int, bytes]] = {}
        for row, (key, entry, record) in enumerate(records, rows + 1):
            older = newest.get(key)
            before = row_of(held[key], key) if older is None else older[0]
            written.append(Written(entry, before, record))
            newest[key] = row, record
        items: dict[int, list[tuple[bytes, bytes, int]]] = {}
        for key, (row, record) in newest.items():
            slot = key, sha256(b"\x00" + record).digest(), row  # registry/map_proof.py, value_hash
            items.setdefault(held[key].start, []).append(slot)
        grown = [(held[slots[0][0]], put(held[slots[0][0]], slots)) for slots in items.values()]
        with self._guard:
            for bucket, parts in grown:
                origin = self._before_closed.get(bucket.start, bucket)
                for one in parts:
                    self._before_closed.setdefault(one.start, origin)
        changed = sorted(one for _, parts in grown for one in parts)
        self._changed.update((one.start, one) for one in changed)
        self._count += len(changed) - len(grown)
        return written, changed

    def close(self) -> bytes:
        """The root over all that was put; every commit of it must have returned."""
        with self._guard:
            if not self._levels:
                self._load()
            root = self._close()
            for start, origin in self._before_closed.items():
                older = self._before_published.get(origin.start, origin)
                self._before_published.setdefault(start, older)
            self._before_closed = {}
            return root

    def publish(self) -> None:
        """From here on, what was closed last is what proofs stand on."""
        with self._guard:
            for level, nodes in zip(self._levels, self._nodes, strict=True):
                for place, found in nodes.items():
                    level[place * 32 : place * 32 + 32] = found
                nodes.clear()
            self._before_published = {}

    def prove(self, key: bytes) -> MapProof:
        """The proof of what is under a key, or that there is nothing, below the published root."""
        place = place_of(key)
        with self._guard:
            bucket = self._published(self._store.buckets_at([place])[0])
            path = self._path(bucket.depth, place)
        entries = bucket.entries
        slots = [entries[at : at + SLOT] for at in range(0, len(entries), SLOT)]
        return MapProof(b"".join(slot for slot in slots if not slot.startswith(key)), path)

    def _published(self, bucket: Bucket) -> Bucket:
        """What stood in a bucket's place when the published root was made."""
        bucket = self._before_closed.get(bucket.start, bucket)
        return self._before_published.get(bucket.start, bucket)

    def _path(self, deepest: int, place: int) -> tuple[bytes, ...]:
        """The siblings on the way from a bucket to the published root."""
        path: list[bytes] = []
        levels = self._levels
        for depth in range(deepest, 0, -1):
            other = place >> PLACE_BITS - depth ^ 1
            known = levels[depth][other << 5 : other + 1 << 5] if depth < len(levels) else _UNKNOWN
            path.append(self._unknown(depth, other) if known == _UNKNOWN else bytes(known))
        return tuple(path)

    def _unknown(self, depth: int, place: int) -> bytes:
        """The hash of a node under the published root, out of its buckets. It is not kept: what was
        closed in the meantime may be another."""
        found = map(self._published, self._store.buckets(*_span(depth, place)))
        return _folded(sorted(set(found)), depth, _forget)

    def _set(self, depth: int, place: int, found: bytes) -> None:
        """Keeps a hash under the published root and the closed one."""
        if depth < len(self._levels):
            self._levels[depth][place * 32 : place * 32 + 32] = found

    def _note(self, depth: int, place: int, found: bytes) -> None:
        """Keeps a hash under the closed root."""
        if depth < len(self._nodes):
            self._nodes[depth][place] = found

    def _load(self) -> None:
        """All hashes out of all buckets, once."""
        places = [n << PLACE_BITS - _SAMPLE_BITS for n in range(1 << _SAMPLE_BITS)]
        depths = sorted(bucket.depth for bucket in self._store.buckets_at(places))
        # Few buckets lie deeper than seven of eight; their hashes are made when they are wanted.
        deepest = depths[len(depths) * 7 // 8]
        self._levels = [bytearray(32 << depth) for depth in range(deepest + 1)]
        self._nodes = [{} for _ in self._levels]
        self._changed.clear()
        self._count = 0
        _folded(self._everything(), 0, self._set)

    def _everything(self) -> Iterator[Bucket]:
        """All buckets, counted."""
        for n in range(1 << _RANGE_BITS):
            part = self._store.buckets(*_span(_RANGE_BITS, n))
            self._count += len(part)
            yield from part

    def _close(self) -> bytes:
        """Hashes of the changed buckets and of every node above them; the root."""
        deepest = len(self._levels) - 1
        deeper = {
            bucket.start >> PLACE_BITS - deepest
            for bucket in self._changed.values()
            if bucket.depth > deepest
        }
        dirty: list[dict[int, bytes]] = [{} for _ in self._levels]
        for bucket in self._changed.values():
            if bucket.depth <= deepest:
                place = bucket.start >> PLACE_BITS - bucket.depth
                dirty[bucket.depth][place] = bucket_hash(bucket.entries)
        for place in deeper:
            buckets = self._store.buckets(*_span(deepest, place))
            dirty[deepest][place] = _folded(buckets, deepest, _forget)
        self._changed.clear()
        for depth in range(deepest, 0, -1):
            self._climb(depth, dirty[depth], dirty[depth - 1])
        self._nodes[0].update(dirty[0])
        # By the number of all buckets: keys that were made to agree in many bits lie deep, and must
        # not cost more memory than others.
        if self._count > 1 << deepest:
            self._grow()
        return self._nodes[0].get(0) or bytes(self._levels[0])

    def _grow(self) -> None:
        """Room for the hashes above as many buckets as there are. While they are few they are read
        at once, so that the first batches of a ledger leave nothing to be computed for each proof;
        of many, a new level has hashes of two buckets or so, which are found as they change."""
        while self._count > 1 << len(self._levels) - 1:
            self._levels.append(bytearray(32 << len(self._levels)))
            self._nodes.append({})
        if self._count <= FEW:
            self._count = 0
            _folded(self._everything(), 0, self._note)

    def _climb(self, depth: int, level: dict[int, bytes], above: dict[int, bytes]) -> None:
        """The hashes above those of one depth, which go into the nodes of that depth."""
        nodes = self._nodes[depth]
        nodes.update(level)
        for place, found in level.items():
            if place >> 1 not in above:
                other = nodes.get(place ^ 1) or self._clean(depth, place ^ 1)
                pair = other + found if place & 1 else found + other
                above[place >> 1] = sha256(b"\x01" + pair).digest()

    def _clean(self, depth: int, place: int) -> bytes:
        """The hash of a node under which nothing was closed since the published root."""
        known = bytes(self._levels[depth][place * 32 : place * 32 + 32])
        return known if known != _UNKNOWN else self._fold(depth, place)

    def _fold(self, depth: int, place: int) -> bytes:
        """The hash of a node out of the newest buckets under it."""
        return _folded(self._store.buckets(*_span(depth, place)), depth, self._note)


def _forget(depth: int, place: int, found: bytes) -> None:
    """Keeps nothing."""


def _span(depth: int, place: int) -> tuple[int, int]:
    """The first and the last place under a node."""
    height = PLACE_BITS - depth
    return place << height, (place + 1 << height) - 1


def _folded(buckets: Iterable[Bucket], depth: int, keep: Keep) -> bytes:
    """The hash of the node at a depth under which these buckets lie, all of them and in order."""
    stack: list[tuple[int, int, bytes]] = []
    for bucket in buckets:
        node = bucket.depth, bucket.start >> PLACE_BITS - bucket.depth, bucket_hash(bucket.entries)
        keep(*node)
        while stack and stack[-1][0] == node[0] > depth and stack[-1][1] == node[1] ^ 1:
            left = stack.pop()
            node = node[0] - 1, node[1] >> 1, sha256(b"\x01" + left[2] + node[2]).digest()
            keep(*node)
        stack.append(node)
    if [node[0] for node in stack] != [depth]:
        raise RuntimeError("the buckets of the state map do not make a tree")
    return stack[0][2]
