"""The ledger as everyone but the writer sees it: entries, proofs, receipts, checkpoints.

Everything here is computed from committed bytes. Specified in specs/2-registry.md, "Ledger".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import orjson

from identity.did import tetrad_did
from identity.errors import LedgerTampered, NotFound
from registry.entry import split_entry
from registry.logkeys import keys_in_force
from registry.merkle import consistency_proof, inclusion_proof
from registry.receipt import TlogProof
from registry.state import OperationRecord, Registry, Subject, state_key
from registry.store import Head, Store
from registry.tile import subtree_reader


class LedgerReader:
    """Reads one store. Each thread has its own, since proofs are made through a cache."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read = subtree_reader(store.tile)

    def head(self) -> Head:
        """The newest committed head. Raises NotFound before the genesis."""
        head = self._store.head()
        if head is None:
            raise NotFound("the ledger has not begun")
        return head

    def entry(self, index: int) -> bytes:
        """The entry at an index. Raises NotFound."""
        if index < 0 or index >= self.head().size:
            raise NotFound("no such entry", size=self.head().size)
        return self.entries(index, index + 1)[0]

    def entries(self, start: int, end: int) -> list[bytes]:
        """The entries start … end-1. Raises NotFound where the ledger does not have them all."""
        if not 0 <= start <= end <= self.head().size:
            raise NotFound("no such entries", size=self.head().size)
        found = self._store.entries(start, end)
        if len(found) != end - start:
            raise LedgerTampered("entries are missing from the store", index=start + len(found))
        return found

    def tile(self, level: int, n: int) -> bytes:
        """The newest form of a tile; b"" where there is none."""
        return self._store.tile(level, n)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The inclusion proof of an entry in the tree of `size` entries. Raises NotFound."""
        if not 0 <= index < size <= self.head().size:
            raise NotFound("no such entry in a tree of that size", size=self.head().size)
        return inclusion_proof(index, size, self._read)

    def consistency(self, size1: int, size2: int) -> list[bytes]:
        """The consistency proof between two sizes. Raises NotFound."""
        if not 0 < size1 <= size2 <= self.head().size:
            raise NotFound("no such pair of sizes", size=self.head().size)
        return consistency_proof(size1, size2, self._read)

    def established(self, thumbprint: str) -> int:
        """The entry that made a key its subject's; a key is claimed once, for ever. The caller has
        seen the key in the state."""
        (version,) = self._store.versions(state_key(("key", thumbprint)), limit=1)
        return version.entry

    def checkpoint(self, size: int | None = None) -> bytes:
        """The note signed with the commit of that size; the newest without one."""
        note = self._store.checkpoint(size)
        if note is None:
            raise NotFound("no checkpoint of that size", size=self.head().size)
        return note

    def index_of(self, operation_hash: str) -> int:
        """The entry of the operation with this hash. Raises NotFound."""
        registry = self.registry(self.head().size)
        did = tetrad_did(registry["ledger"], operation_hash)
        keys = state_key(("operation", operation_hash)), state_key(("did", did))
        where, created = self._store.records(keys)
        if where is not None:
            return cast("OperationRecord", orjson.loads(where))["entry"]
        if created is None:
            raise NotFound("no operation of this hash on this ledger")
        return cast("Subject", orjson.loads(created))["registered"]["entry"]

    def registry(self, size: int) -> Registry:
        """The ledger's own record as of its first `size` entries. Raises NotFound."""
        found = self._store.versions(state_key(("registry",)), limit=1, before=size)
        if not found:
            raise NotFound("the ledger has not begun")
        return cast("Registry", orjson.loads(found[0].record))

    def log_keys(self, size: int) -> list[str]:
        """The log's keys in force for the tree of `size` entries. Raises NotFound."""
        return keys_in_force(self.registry(size), size)

    def receipts(self, indexes: Sequence[int]) -> list[bytes]:
        """Receipts (C2SP tlog-proof) under the newest checkpoint: `extra` is the entry without its
        operation, so that whoever holds the operation can rebuild the leaf."""
        size = self.head().size
        return self.receipts_under(indexes, size, self.checkpoint(size))

    def receipts_under(self, indexes: Sequence[int], size: int, checkpoint: bytes) -> list[bytes]:
        """As `receipts`, under a checkpoint of `size` entries. Raises NotFound where its tree does
        not hold them all."""
        found: list[bytes] = []
        for index, entry in zip(indexes, self._entries_at(indexes), strict=True):
            context, _ = split_entry(entry, index)
            hashes = tuple(self.inclusion(index, size))
            found.append(TlogProof(index, hashes, context, checkpoint).format())
        return found

    def _entries_at(self, indexes: Sequence[int]) -> list[bytes]:
        """The entries at these indexes; those of one commit lie side by side and are read at once.
        Raises NotFound."""
        if not indexes:
            return []
        first, last = min(indexes), max(indexes)
        if last - first >= 2 * len(indexes):
            return [self.entry(index) for index in indexes]
        self.entry(last)  # it exists, or NotFound
        between = self.entries(first, last + 1)
        return [between[index - first] for index in indexes]
