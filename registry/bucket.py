"""Buckets of the state map: up to 16 keys that share their first bits.

    bucket = put(FIRST, [(key, value, row)])[0]
    row_of(bucket, key)                                # where the newest record under it stands

A store keeps a row for each, found by `start <= place`. What is hashed of a bucket, and how buckets
make a tree, stands in registry/state_map.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from registry.map_proof import BUCKET_KEYS, SLOT

PLACE_BITS: Final = 63
"""Of a key that place it among the buckets: what fits an integer of any database."""
ROW: Final = 8
"""Bytes of a row's number."""


class Bucket(NamedTuple):
    """The keys between `start` and the next bucket: those whose first `depth` bits are its own."""

    start: int
    depth: int
    entries: bytes
    """32 bytes of key and 32 of value, in ascending order of the keys."""
    rows: bytes
    """For each key the row of its newest record, 8 bytes."""


FIRST: Final = Bucket(0, 0, b"", b"")
"""All there is of an empty map."""


def place_of(key: bytes) -> int:
    """The first 63 bits of a key."""
    return int.from_bytes(key[:8]) >> 1


def row_of(bucket: Bucket, key: bytes) -> int | None:
    """The row of the newest record under a key; None where the bucket does not hold it."""
    at = bucket.entries.find(key)
    while at >= 0 and at % SLOT:  # its bytes, but across a key and a value
        at = bucket.entries.find(key, at + 1)
    if at < 0:
        return None
    at = at // SLOT * ROW
    return int.from_bytes(bucket.rows[at : at + ROW])


def keys_of(bucket: Bucket) -> list[bytes]:
    """The keys of a bucket, in their order."""
    return [bucket.entries[at : at + 32] for at in range(0, len(bucket.entries), SLOT)]


def located(buckets: Sequence[Bucket], keys: Iterable[bytes]) -> dict[bytes, Bucket]:
    """Each key with the bucket in which it lies; it lies in one of these, which ascend."""
    starts = [bucket.start for bucket in buckets]
    return {key: buckets[bisect_right(starts, int.from_bytes(key[:8]) >> 1) - 1] for key in keys}


def put(bucket: Bucket, items: Sequence[tuple[bytes, bytes, int]]) -> list[Bucket]:
    """A bucket with these (key, value, row) in it, or the buckets into which it then falls apart.

    The first of them starts where it did.
    """
    start, depth, entries, rows = bucket
    for key, value, row in items:
        at = _slot(entries, key)
        end = at + SLOT if entries[at : at + 32] == key else at
        entries = b"%b%b%b%b" % (entries[:at], key, value, entries[end:])
        rows = b"%b%b%b" % (rows[: at >> 3], row.to_bytes(ROW), rows[end >> 3 :])
    grown = Bucket(start, depth, entries, rows)
    return [grown] if len(entries) <= BUCKET_KEYS * SLOT else _split(grown)


def _slot(entries: bytes, key: bytes) -> int:
    """Where a key stands among entries, or would."""
    low, high = 0, len(entries) // SLOT
    while low < high:
        middle = (low + high) // 2
        if entries[middle * SLOT : middle * SLOT + 32] < key:
            low = middle + 1
        else:
            high = middle
    return low * SLOT


def _split(bucket: Bucket) -> list[Bucket]:
    start, depth, entries, rows = bucket
    if len(entries) <= BUCKET_KEYS * SLOT:
        return [bucket]
    if depth == PLACE_BITS:
        raise RuntimeError("seventeen keys of the state agree in their first 63 bits")
    middle = start + (1 << PLACE_BITS - depth - 1)
    at = _slot(entries, (middle << 1).to_bytes(8))
    return [
        *_split(Bucket(start, depth + 1, entries[:at], rows[: at // ROW])),
        *_split(Bucket(middle, depth + 1, entries[at:], rows[at // ROW :])),
    ]
