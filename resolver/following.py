"""Entries of a feed, held against the checkpoints under which they are published.

    chain = Chain(frontier, last_leaf)                 # of a tree that is proved
    chain.append(27, entry)                            # as they are told, in their order
    for index, entry in chain.proved(checkpoint): …    # what its signed root is over

Pure. An entry is believed once the root of a checkpoint follows from its leaf and all before it: so
that nothing was left out, put in or changed, and nothing needs to be asked for. Specified in
specs/3-resolution.md, "Feed".
"""

from __future__ import annotations

from typing import Final

from identity.errors import InvalidAnswer, LedgerTampered
from identity.jcs import Json, canonicalize, parse
from registry.checkpoint import Checkpoint
from registry.entry import MAX_ENTRY_BYTES, parse_any
from registry.merkle import Frontier, leaf_hash
from resolver.events import MAX_EVENT_BYTES

MOST_WAITING: Final = 200_000
"""Entries that are told before a checkpoint covers them; a service publishes within a second."""
MOST_BYTES: Final = 256 * 2**20

Proved = list[tuple[int, bytes]]


class Chain:
    """The entries behind a tree that is proved."""

    def __init__(self, tree: Frontier, last: bytes) -> None:
        """`last` is the leaf hash of the tree's last entry."""
        self._tree = tree
        self._last = last
        self._waiting: list[tuple[int, bytes, bytes]] = []
        self._bytes = 0

    @property
    def size(self) -> int:
        """Entries of the tree that is proved."""
        return self._tree.size

    @property
    def next(self) -> int:
        """The index of the entry that comes next."""
        return self._tree.size + len(self._waiting)

    def append(self, index: int, entry: bytes) -> None:
        """One more entry. Raises LedgerTampered where it does not follow the one before."""
        if index != self.next:
            raise LedgerTampered(f"entry {index} where {self.next} follows", index=self.next)
        previous = parse_any(entry, index).previous
        if previous != self._last.hex():
            raise LedgerTampered("the entry does not follow the one before it", index=index)
        self._bytes += len(entry)
        if len(self._waiting) >= MOST_WAITING or self._bytes > MOST_BYTES:
            raise InvalidAnswer("so many entries are told, and none of them is published")
        self._last = leaf_hash(entry)
        self._waiting.append((index, entry, self._last))

    def proved(self, checkpoint: Checkpoint) -> Proved:
        """The entries that this checkpoint, whose signatures were verified, is the first to cover.

        Raises LedgerTampered where its root does not follow from what was told.
        """
        if checkpoint.size > self.next:
            raise LedgerTampered("a tree is published over what was not told", size=self.next)
        if checkpoint.size < self._tree.size:
            return []
        covered = self._waiting[: checkpoint.size - self._tree.size]
        tree = Frontier(self._tree.size, self._tree.hashes)
        for _, _, leaf in covered:
            tree.append(leaf)
        if tree.root() != checkpoint.root:
            raise LedgerTampered(
                "the published tree is not one of the entries that were told", size=tree.size
            )
        self._tree = tree
        del self._waiting[: len(covered)]
        self._bytes -= sum(len(entry) for _, entry, _ in covered)
        return [(index, entry) for index, entry, _ in covered]


def told_entry(data: str) -> tuple[int, bytes]:
    """Index and canonical bytes of the entry that an event shows. Raises InvalidAnswer."""
    value = _object(data)
    index, entry = value.get("index"), value.get("entry")
    if type(index) is not int or not isinstance(entry, dict):
        raise InvalidAnswer("an event of the feed has an index and an entry")
    found = canonicalize(entry)
    if len(found) > MAX_ENTRY_BYTES:
        raise InvalidAnswer("an entry of the feed is too long")
    return index, found


def told_checkpoint(data: str) -> bytes:
    """The signed note of an event. Raises InvalidAnswer."""
    note = _object(data).get("checkpoint")
    if not isinstance(note, str):
        raise InvalidAnswer("an event of a published tree shows its checkpoint")
    return note.encode("utf-8", "replace")


def _object(data: str) -> dict[str, Json]:
    value = parse(data.encode("utf-8", "replace"), max_bytes=MAX_EVENT_BYTES)
    if not isinstance(value, dict):
        raise InvalidAnswer("an event of the feed is a JSON object")
    return value
