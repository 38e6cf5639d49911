"""Merkle trees as in RFC 6962, section 2.1: hashes, proofs, and the right edge that grows.

Everything works on primitives: hashes are 32 bytes of SHA-256, indexes and sizes count leaves.
`read(level, n)` gives the hash of complete subtree number `n` of height `level` (level 0 holds the
leaf hashes); proofs are made from it, so that they come out of tiles, a list or a database alike.
To check a proof one needs nothing but the proof.

    >>> leaves = [leaf_hash(b"a"), leaf_hash(b"b")]
    >>> root = node_hash(*leaves)
    >>> proof = inclusion_proof(0, 2, lambda level, n: leaves[n])
    >>> check_inclusion(proof, 0, 2, leaf_hash(b"a"), root)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import TypeAlias

from identity.errors import InvalidConsistency, InvalidInclusion, LedgerTampered

Read: TypeAlias = Callable[[int, int], bytes]

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962, section 2.1)."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of an entry: SHA-256(0x00 ‖ data) (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 6962, section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the roots of its complete subtrees, the largest first.

    One hash for each bit that is set in the size: enough to append leaves and to know the root.
    An append costs one node hash on average, a root at most one for each bit of the size.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Start empty, or where another frontier stopped (its `size` and `hashes`).

        Raises LedgerTampered if these are not the hashes of a tree of that size.
        """
        self._size = size
        self._hashes = list(hashes)
        if len(self._hashes) != size.bit_count() or any(len(h) != HASH_SIZE for h in self._hashes):
            raise LedgerTampered(f"The stored right edge is not one of a tree of {size} entries.")

    @classmethod
    def at(cls, size: int, read: Read) -> Frontier:
        """The frontier of the tree of the first `size` leaves, out of stored subtrees."""
        return cls(size, (read(level, (size >> level) - 1) for level in _levels(size)))

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    @property
    def hashes(self) -> list[bytes]:
        """A copy of the hashes, to store and to start from again."""
        return self._hashes.copy()

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the right."""
        hashes, below, node = self._hashes, self._size, leaf
        while below & 1:
            node = sha256(b"\x01" + hashes.pop() + node).digest()
            below >>= 1
        hashes.append(node)
        self._size += 1

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        if not self._hashes:
            return EMPTY_ROOT
        *left, root = self._hashes
        for node in reversed(left):
            root = sha256(b"\x01" + node + root).digest()
        return root


def root_at(size: int, read: Read) -> bytes:
    """The root of the tree of the first `size` leaves."""
    return Frontier.at(size, read).root()


def inclusion_proof(index: int, size: int, read: Read) -> list[bytes]:
    """The audit path of leaf `index` in the tree of the first `size` leaves (RFC 6962, 2.1.1).

    Raises InvalidInclusion if that tree has no such leaf.
    """
    if not 0 <= index < size:
        raise InvalidInclusion(f"A tree of {size} entries has no entry {index}.")
    return _path(0, index, size, read)


def consistency_proof(size1: int, size2: int, read: Read) -> list[bytes]:
    """The proof that the tree of `size2` leaves extends that of `size1` (RFC 6962, 2.1.2).

    Empty where there is nothing to prove: equal sizes, or an empty first tree.
    Raises InvalidConsistency if the second tree is the smaller one.
    """
    if not 0 <= size1 <= size2:
        raise InvalidConsistency(f"A tree of {size2} entries cannot extend one of {size1}.")
    if size1 in (0, size2):
        return []
    path = prefix_path(size1, size2, read)
    return path[1:] if size1 & (size1 - 1) == 0 else path  # that subtree is the first root


def prefix_path(size1: int, size2: int, read: Read) -> list[bytes]:
    """Hashes of the tree of `size2` leaves that give its root and that of its first `size1`.

    A consistency proof (RFC 6962, 2.1.2) that always begins with its first hash, so that it needs
    neither root to be computed from: `roots_of` reads it. 0 < size1 < size2, or InvalidConsistency.
    """
    if not 0 < size1 < size2:
        raise InvalidConsistency(f"No path leads from {size1} to {size2} entries.")
    # The last complete subtree of the first tree, and its path up to the root of the second.
    level = (size1 & -size1).bit_length() - 1
    n = (size1 >> level) - 1
    return [read(level, n), *_path(level, n, size2, read)]


def roots_of(path: Sequence[bytes], size1: int, size2: int) -> tuple[bytes, bytes]:
    """The roots of the first `size1` and of all `size2` leaves that a `prefix_path` leads to.

    All of its hashes go into the second root. So if that is the root of a tree, the first is the
    one of that tree's beginning, whoever made the path. Raises InvalidConsistency.
    """
    if not 0 < size1 < size2 or not path:
        raise InvalidConsistency(f"No path leads from {size1} to {size2} entries.")
    _check_lengths(InvalidConsistency, *path)
    fn, sn = size1 - 1, size2 - 1  # RFC 9162, 2.1.4.2, step 3
    while fn & 1:  # step 4
        fn >>= 1
        sn >>= 1
    return _both_roots(path, fn, sn)


def _levels(size: int) -> Iterable[int]:
    """The heights of the complete subtrees that make up a tree, from the largest down."""
    return (level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1)


def _path(level: int, n: int, size: int, read: Read) -> list[bytes]:
    """The siblings from complete subtree (`level`, `n`) up to the root of a tree of `size`."""
    last = (size - 1) >> level
    # Below this height our node is not on the right edge of the tree; there every node has a
    # sibling, and all but the topmost of them are complete subtrees.
    edge = (n ^ last).bit_length()
    path = [read(level + step, n >> step ^ 1) for step in range(edge - 1)]
    if edge:
        start = (last >> edge - 1) << level + edge - 1
        path.append(_root_between(start, size, read))
    n >>= edge
    level += edge
    while n:  # on the right edge: only nodes that are right children have a sibling
        if n & 1:
            path.append(read(level, n - 1))
        n >>= 1
        level += 1
    return path


def _root_between(start: int, end: int, read: Read) -> bytes:
    """The root over leaves `start` to `end`, where `start` is a multiple of a larger power of 2."""
    root = b""
    for level in range((end - start).bit_length()):
        if (end - start) >> level & 1:
            node = read(level, (end >> level) - 1)
            root = node_hash(node, root) if root else node
    return root


def check_inclusion(
    proof: Sequence[bytes], index: int, size: int, leaf: bytes, root: bytes
) -> None:
    """Check that `leaf` is leaf hash `index` of the tree of `size` leaves with this `root`.

    Raises InvalidInclusion if the proof does not show it (RFC 9162, section 2.1.3.2).
    """
    if not 0 <= index < size:  # step 1
        raise InvalidInclusion(f"A tree of {size} entries has no entry {index}.")
    _check_lengths(InvalidInclusion, leaf, root, *proof)
    fn, sn, node = index, size - 1, leaf  # steps 2 and 3
    for hash_ in proof:  # step 4
        if sn == 0:
            raise InvalidInclusion("The inclusion proof is too long.")
        if fn & 1 or fn == sn:
            node = sha256(b"\x01" + hash_ + node).digest()
            while fn and not fn & 1:
                fn >>= 1
                sn >>= 1
        else:
            node = sha256(b"\x01" + node + hash_).digest()
        fn >>= 1
        sn >>= 1
    if sn != 0:  # step 5
        raise InvalidInclusion("The inclusion proof is too short.")
    if node != root:
        raise InvalidInclusion(f"The proof does not lead from entry {index} to the root.")


def check_consistency(
    proof: Sequence[bytes], size1: int, size2: int, root1: bytes, root2: bytes
) -> None:
    """Check that the tree (`size2`, `root2`) extends the tree (`size1`, `root1`).

    Raises InvalidConsistency if the proof does not show it (RFC 9162, section 2.1.4.2).
    """
    if not 0 <= size1 <= size2:
        raise InvalidConsistency(f"A tree of {size2} entries cannot extend one of {size1}.")
    _check_lengths(InvalidConsistency, root1, root2, *proof)
    if size1 in (0, size2):  # nothing to walk through; RFC 9162 leaves these two to the caller
        _check_trivial_consistency(proof, size1, size2, root1, root2)
        return
    if not proof:  # step 1
        raise InvalidConsistency("The consistency proof is empty.")
    # Step 2: the first tree is one complete subtree, whose root the proof leaves out.
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else proof
    if roots_of(path, size1, size2) != (root1, root2):
        raise InvalidConsistency(f"The tree of {size2} entries does not extend that of {size1}.")


def _both_roots(path: Sequence[bytes], fn: int, sn: int) -> tuple[bytes, bytes]:
    """Steps 5 to 7 of RFC 9162, section 2.1.4.2: the roots that a path leads to."""
    fr = sr = path[0]  # step 5
    for hash_ in path[1:]:  # step 6
        if sn == 0:
            raise InvalidConsistency("The consistency proof is too long.")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(hash_, fr), node_hash(hash_, sr)
            while fn and not fn & 1:
                fn >>= 1
                sn >>= 1
        else:
            sr = node_hash(sr, hash_)
        fn >>= 1
        sn >>= 1
    if sn != 0:  # step 7
        raise InvalidConsistency("The consistency proof is too short.")
    return fr, sr


def _check_trivial_consistency(
    proof: Sequence[bytes], size1: int, size2: int, root1: bytes, root2: bytes
) -> None:
    """Equal sizes need equal roots, an empty tree needs its only root, and neither a proof."""
    if proof:
        raise InvalidConsistency("There is nothing to prove, but the proof is not empty.")
    if size1 == size2 and root1 != root2:
        raise InvalidConsistency(f"Two different trees of {size1} entries.")
    if size1 == 0 and root1 != EMPTY_ROOT:
        raise InvalidConsistency("The root is not that of an empty tree.")


def _check_lengths(error: type[InvalidInclusion | InvalidConsistency], *hashes: bytes) -> None:
    for hash_ in hashes:
        if len(hash_) != HASH_SIZE:
            raise error(f"A hash of {len(hash_)} bytes, not {HASH_SIZE}.")
