"""What must hold before a store is trusted again: the checks of a start.

    check_store(store, secrets, genesis, kept)

`kept` is the checkpoint that lies beside the database, and tells an old one that was put back.
Specified in specs/2-registry.md, "Ledger".
"""

from __future__ import annotations

from typing import Protocol, cast

from identity.errors import ForkDetected, KeystoreError, LedgerTampered, RolledBack
from identity.jcs import Json
from registry.checkpoint import Checkpoint, open_checkpoint
from registry.entry import parse_entry
from registry.logkeys import parsed_keys
from registry.merkle import Frontier, leaf_hash, root_at
from registry.note import Note
from registry.reader import LedgerReader
from registry.store import Head, Store
from registry.tile import subtree_reader
from registry.uniqueness import Uniqueness
from resolver.held import HasSets, log_signers_of


class Secrets(HasSets, Protocol):
    """Those of the log (resolver/folder.py)."""

    @property
    def unique(self) -> Uniqueness:
        """The keyed hash of committed values."""
        ...


def check_store(store: Store, keys: Secrets, genesis: dict[str, Json], kept: bytes | None) -> None:
    """Raises RolledBack, ForkDetected, LedgerTampered, InvalidCheckpoint; KeystoreError where
    secrets of the log are missing or are not those of this ledger."""
    reader = LedgerReader(store)
    head = store.head()
    if head is None:
        raise LedgerTampered("the database holds no ledger", index=0)
    _check_ends(store, reader, head, genesis)
    if cast("dict[str, Json]", genesis["body"])["uniqueness"] != keys.unique.member:
        raise KeystoreError(
            "log.key holds another key of uniqueness than the genesis names",
            hint="put back the log.key of this ledger: numbers are found by it",
        )
    signers = log_signers_of(lambda: keys)
    for size in (head.size, head.size + 1):
        signers.of(reader.log_keys(size))  # what has to be signed next can be
    _check_kept(store, head, kept)


def _check_ends(store: Store, reader: LedgerReader, head: Head, genesis: dict[str, Json]) -> None:
    """The first entry, the last one, and the right edge of the tree."""
    if parse_entry(reader.entry(0), 0).operation != genesis:
        raise LedgerTampered("the first entry is not the genesis of this folder", index=0)
    if head.last_leaf != leaf_hash(reader.entry(head.size - 1)):
        raise LedgerTampered("the last entry was changed", index=head.size - 1)
    edge = Frontier(head.size, head.frontier).root()
    if edge != head.root or reader_root(store, head.size) != head.root:
        raise LedgerTampered("the right edge of the tree does not hash to its root", size=head.size)


def _check_kept(store: Store, head: Head, kept: bytes | None) -> None:
    if kept is None:
        if head.size == 1:  # `create` was interrupted before it kept the first one
            return
        raise RolledBack(
            "the checkpoint beside the database is missing, and with it what tells an old database",
            hint="put back one that this log has signed: every receipt ends with one",
        )
    check_published(store, kept)


def check_published(store: Store, note: bytes | None) -> None:
    """That a ledger holds what it has published. Raises RolledBack, ForkDetected,
    InvalidCheckpoint."""
    reader = LedgerReader(store)
    head = reader.head()
    if note is None:
        return
    size = Checkpoint.parse(Note.parse(note).text).size
    log = parsed_keys(tuple(reader.log_keys(min(size, head.size + 1))))
    shown = open_checkpoint(note, log).checkpoint
    if shown.size > head.size:
        raise RolledBack(
            f"the published checkpoint has {shown.size} entries, the database {head.size}",
            hint="an old database was put back: restore one that is as new as the checkpoint",
        )
    if reader_root(store, shown.size) != shown.root:
        raise ForkDetected(
            f"the published checkpoint of {shown.size} entries has another root",
            hint="this database is not the one that the checkpoint was made from",
        )


def reader_root(store: Store, size: int) -> bytes:
    """The root over the first `size` entries, out of the stored tiles."""
    return root_at(size, subtree_reader(store.tile))
