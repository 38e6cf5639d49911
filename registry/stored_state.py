"""The state as the rules read it, out of a store.

    state = StoredState(store)
    state.read_ahead([("code", "gs1", "https://id.gs1.org/…"), …])      # before a batch
    state.get(("code", "gs1", "https://id.gs1.org/…"))                  # a record, or None
    state.committed(changes)                                           # after it

What every registration asks again is kept at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import orjson

from registry.bucket import Bucket, located, place_of, row_of
from registry.state import Changes, Key, Record, state_key
from registry.store import Store

_CACHED_KINDS = frozenset({"registry", "prefix", "grant", "held", "node"})
_CACHE_LIMIT = 50_000


class StoredState:
    """The state out of a store; what every registration asks again is kept at hand."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cache: dict[Key, Record | None] = {}
        self._ahead: dict[Key, Record | None] = {}
        self.buckets: dict[bytes, Bucket] = {}
        """Of the map, in which the keys lie that were read ahead."""

    @property
    def size(self) -> int:
        """Entries so far."""
        head = self._store.head()
        return head.size if head else 0

    def get(self, key: Key) -> Record | None:
        """The newest record under a key."""
        if key in self._ahead:
            return self._ahead[key]
        if key in self._cache:
            return self._cache[key]
        (stored,) = self._store.records([state_key(key)])
        record = cast("Record", orjson.loads(stored)) if stored is not None else None
        self._keep(key, record)
        return record

    def _keep(self, key: Key, record: Record | None) -> None:
        """Organizations, prefixes and grants: few, and asked for by every registration."""
        organization = key[0] == "did" and record is not None and record.get("kind") != "device"
        if key[0] not in _CACHED_KINDS and not organization:
            return
        if len(self._cache) >= _CACHE_LIMIT:
            self._cache.clear()
        self._cache[key] = record

    def read_ahead(self, keys: Sequence[Key]) -> None:
        """Reads what a batch is going to ask for, at once: a third of the cost of one by one.

        Most of it is asked for in vain, which the buckets alone can tell."""
        keys = list(dict.fromkeys(keys))
        hashed = [state_key(key) for key in keys]
        buckets = self._store.buckets_at([place_of(key) for key in hashed]) if keys else []
        self.buckets = located(buckets, hashed)
        self._ahead = dict.fromkeys(keys)
        named = zip(keys, hashed, strict=True)
        taken = [(key, one) for key, one in named if row_of(self.buckets[one], one) is not None]
        found = self._store.records([one for _, one in taken]) if taken else []
        for (key, _), stored in zip(taken, found, strict=True):
            self._ahead[key] = cast("Record", orjson.loads(stored)) if stored else None

    def forget_ahead(self) -> None:
        """Ends what `read_ahead` began: a commit makes it old."""
        self._ahead, self.buckets = {}, {}

    def committed(self, changes: Changes) -> None:
        """Takes over what a commit has changed."""
        for key, record in changes.items():
            self._keep(key, record)
