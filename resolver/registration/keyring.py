"""The keys that a service has seen: which Multikey a thumbprint is of.

A thumbprint is the hash of its key, so what is known once stays true; whether the key may still
sign is for the rule book. Keys of organizations and of the authority are kept at hand and told to
the checkers; keys of devices, of which there are many and which sign seldom, are looked up.
"""

from __future__ import annotations

from typing import Final, cast

import orjson

from identity.keys import public_key
from registry.state import Bearer, Subject, state_key
from registry.store import Store

MOST_KEYS: Final = 50_000
"""Keys that are kept; the rest is looked up each time."""
LOADED_KEYS: Final = 5_000
"""Keys that are read before the service starts."""


class Keyring:
    """The writer looks keys up and the event loop too: what they do is to add what is true."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, str] = {}
        self._order: list[str] = []

    def load(self) -> None:
        """The keys of organizations that are registered already, as many as cost no time."""
        for kind in ("authority", "organization"):
            after: int | None = -1
            while after is not None and len(self._order) < LOADED_KEYS:
                page = self._store.listing(kind, after=after, limit=1_000)
                for record in self._store.records([row.key for row in page.rows]):
                    if record is not None:
                        self.learn(cast("Subject", orjson.loads(record)))
                after = page.after

    def learn(self, subject: Subject) -> None:
        """Keeps the keys of an organization."""
        for multikey in subject["keys"]:
            thumbprint = public_key(multikey).thumbprint
            if thumbprint not in self._known and len(self._order) < MOST_KEYS:
                self._known[thumbprint] = multikey
                self._order.append(thumbprint)

    @property
    def count(self) -> int:
        """How many keys are kept."""
        return len(self._order)

    def since(self, place: int) -> dict[str, str]:
        """The keys that were learned after the first `place` ones."""
        return {thumbprint: self._known[thumbprint] for thumbprint in self._order[place:]}

    def key_of(self, thumbprint: str) -> str | None:
        """The Multikey of a thumbprint, or None (registry.checking.KeyOf)."""
        known = self._known.get(thumbprint)
        if known is not None:
            return known
        (bearer,) = self._store.records([state_key(("key", thumbprint))])
        if bearer is None:
            return None
        did = cast("Bearer", orjson.loads(bearer))["did"]
        (record,) = self._store.records([state_key(("did", did))])
        if record is None:
            return None
        subject = cast("Subject", orjson.loads(record))
        if subject["kind"] != "device":
            self.learn(subject)
        for multikey in subject["keys"]:
            if public_key(multikey).thumbprint == thumbprint:
                return multikey
        return None  # a key that was rotated away: the writer says so
