"""The evidence that the log's keys were replaced, out of the store: for `GET /v1/ledger/keys`.

For each registry.update that names log keys, the checkpoint of the tree that ends with it, and the
entries that established keys of the authority since the one before, or began to recover them.
Whoever reads it is in
resolver/keyhistory.py. Specified in specs/2-registry.md, "Log keys".
"""

from __future__ import annotations

from typing import cast

import orjson

from identity.errors import NotFound
from identity.jcs import Json
from identity.keys import thumbprint
from registry.note import encode64
from registry.reader import LedgerReader
from registry.state import Organization, state_key
from registry.store import Store

MOST = 16
"""Updates of one answer."""


class KeyUpdates:
    """Reads one store; what it has found stays true, and is kept."""

    def __init__(self, store: Store, reader: LedgerReader) -> None:
        self._store = store
        self._reader = reader
        self._found: list[int] = []

    def after(self, entry: int) -> list[dict[str, Json]]:
        """The evidence of the first updates of the log's keys at entries beyond `entry`, at most
        16, in their order. Raises NotFound before the genesis."""
        size = self._reader.head().size
        items: list[dict[str, Json]] = []
        since: list[int] = []
        for index in self._establishments(size):
            since.append(index)
            if not self._replaces(index):
                continue
            if index > entry:
                items.append(self._item(since))
                if len(items) == MOST:
                    break
            since = []
        return items

    def every(self) -> list[dict[str, Json]]:
        """The evidence of all of them, for a file. Raises NotFound before the genesis."""
        items: list[dict[str, Json]] = []
        while some := self.after(_entry_of(items[-1]) if items else 0):
            items += some
        return items

    def _establishments(self, size: int) -> list[int]:
        """The entries below `size`, but for the genesis, that established keys of the authority or
        began a recovery, cancelled ones included: who follows them needs to know which stand."""
        known = self._found[-1] if self._found else 0
        newer: set[int] = set()
        before = size
        while True:
            record = self._authority(before)
            newer.update(self._attempts(record))
            entry = self._reader.established(thumbprint(record["keys"][0]))
            if self._begins(entry):
                # The attempt showed the keys; its end, which appointed a quorum, established them.
                newer.add(entry)
                entry = self._reader.index_of(record["appointed"])
            if entry <= known:
                break
            newer.add(entry)
            before = entry
        added = sorted(index for index in newer if index > known)
        if added:
            # Replaced, not extended: another thread may be reading the list.
            self._found = [*self._found, *added]
        return self._found

    def _attempts(self, record: Organization) -> list[int]:
        """Where the attempts stand that a record of the authority tells of."""
        hashes = [record["recovering"]["begun"]] if "recovering" in record else []
        hashes += [record["cancelled"]] if "cancelled" in record else []
        return [self._reader.index_of(one) for one in hashes]

    def _begins(self, entry: int) -> bool:
        """Whether an entry begins a recovery."""
        return b'"type":"recovery.begin"' in self._reader.entry(entry)

    def _authority(self, before: int) -> Organization:
        """The authority's record as the entries below `before` left it."""
        did = self._reader.registry(before)["authority"]
        (found,) = self._store.versions(state_key(("did", did)), limit=1, before=before)
        return cast("Organization", orjson.loads(found.record))

    def _replaces(self, index: int) -> bool:
        """Whether an entry is an update that names log keys."""
        replaced = self._reader.registry(index + 1).get("replaced")
        return replaced is not None and replaced["entry"] == index

    def _item(self, entries: list[int]) -> dict[str, Json]:
        size = entries[-1] + 1
        shown: list[Json] = [
            {
                "entry": orjson.loads(self._reader.entry(index)),
                "hashes": [encode64(one) for one in self._reader.inclusion(index, size)],
            }
            for index in entries
        ]
        try:
            note = self._reader.checkpoint(size)
        except NotFound:
            # Every commit keeps its checkpoint, and such an update ends its commit.
            raise RuntimeError(f"the checkpoint of {size} entries was not kept") from None
        return {"checkpoint": note.decode(), "entries": shown}


def _entry_of(item: dict[str, Json]) -> int:
    """The entry of the update that an item is about: the last of those that it shows."""
    shown = cast("list[dict[str, dict[str, int]]]", item["entries"])
    return shown[-1]["entry"]["index"]
