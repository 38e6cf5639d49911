"""Proofs out of the state map: what is under a key, or that there is nothing.

    proof = MapProof.parse(bucket, path)
    check_present(proof, key, record, root)        # or
    check_absent(proof, key, root)

A proof is the bucket on the key's way, without the key's own entry, and the siblings from there up
to the root; its depth is their number. One root has one way for each key, so that it cannot prove
both presence and absence, nor two records. Everything works on bytes: hashes have 32, a bucket has
64 for each of its other keys. What does not hold raises InvalidStateProof. Specified in
specs/2-registry.md, "State map".
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Final, NamedTuple

from identity.errors import InvalidStateProof
from registry.note import decode64, encode64

BUCKET_KEYS: Final = 16
"""Keys of a bucket at most."""
SLOT: Final = 64
"""Bytes of a key and its value."""
MAX_DEPTH: Final = 63


class MapProof(NamedTuple):
    """A proof; the same form for presence and absence."""

    others: bytes
    """Entries of the bucket but the key's own: 32 bytes of key, 32 of value, ascending."""
    path: tuple[bytes, ...]
    """Siblings, from the bucket's up to the one below the root."""

    @classmethod
    def parse(cls, bucket: str, path: str) -> MapProof:
        """Reads what `texts` writes, and no other form."""
        try:
            others, hashes = decode64(bucket), decode64(path)
        except ValueError:
            raise InvalidStateProof("a proof of the state is canonical base64") from None
        if len(others) % SLOT or len(hashes) % 32:
            raise InvalidStateProof("a proof of the state is cut short")
        return cls(others, tuple(hashes[at : at + 32] for at in range(0, len(hashes), 32)))

    def texts(self) -> tuple[str, str]:
        """Bucket and path in base64."""
        return encode64(self.others), encode64(b"".join(self.path))


def value_hash(record: bytes) -> bytes:
    """What stands for a record, of which these are the canonical bytes."""
    return sha256(b"\x00" + record).digest()


def bucket_hash(entries: bytes) -> bytes:
    """The hash of a bucket with these entries."""
    return sha256(b"\x00" + entries).digest()


def check_present(proof: MapProof, key: bytes, record: bytes, root: bytes) -> None:
    """Checks that the record, in canonical bytes, is the one under a key."""
    entries = _entries(proof)
    at = sum(other < key for other, _ in entries)
    entries.insert(at, (key, value_hash(record)))
    if len(entries) > BUCKET_KEYS:
        raise InvalidStateProof("a bucket of too many keys")
    _check(proof, key, entries, root)


def check_absent(proof: MapProof, key: bytes, root: bytes) -> None:
    """Checks that there is nothing under a key."""
    _check(proof, key, _entries(proof), root)


def _entries(proof: MapProof) -> list[tuple[bytes, bytes]]:
    others = proof.others
    return [
        (others[at : at + 32], others[at + 32 : at + SLOT]) for at in range(0, len(others), SLOT)
    ]


def _check(
    proof: MapProof, key: bytes, entries: Sequence[tuple[bytes, bytes]], root: bytes
) -> None:
    keys = [other for other, _ in entries]
    if len(proof.others) > BUCKET_KEYS * SLOT or len(proof.path) > MAX_DEPTH:
        raise InvalidStateProof("a proof of the state that is too long")
    if any(below >= above for below, above in pairwise(keys)):
        raise InvalidStateProof("the keys of a bucket ascend")
    if proof.others and key in {other for other, _ in _entries(proof)}:
        raise InvalidStateProof("the bucket holds the key after all")
    node = bucket_hash(b"".join(other + value for other, value in entries))
    bits = int.from_bytes(key) >> 256 - len(proof.path)
    for sibling in proof.path:
        pair = sibling + node if bits & 1 else node + sibling
        node = sha256(b"\x01" + pair).digest()
        bits >>= 1
    if node != root:
        raise InvalidStateProof("the proof does not lead to the root of the state")
