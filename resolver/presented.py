"""The keyed hash of a value, and the proof of it, for who presents that value.

The keyed hashes of all values that were ever registered stand in public entries. Whoever has the
hash of a number can therefore look its device up, past and future, so that not even a proof of
absence, which names the hash, is for everybody. A hash is shown

1. with a device, to who found it by the registered disclosure or by the code itself; and
2. with "not found", on a ledger whose hashes are those of a VRF: for a code, which is read off a
   label; for a number under whose hash nothing was ever registered; and to who sends the very
   disclosure with which a number was registered last.

A number that is registered under another salt is not found, without a word more. Under
`hmac-sha256` neither is one that is not registered at all: nothing would be proved, so nothing is
told apart. Under a VRF the difference shows, since absence that is proved cannot be hidden, and a
quota bounds how often one may ask (specs/adr/0054-unique-by-vrf.md). There, where proof is wanted,

    "unique": {"key": ["number", scheme, keyed hash], "proof": base64url of 80 bytes}

stands beside the answer, checked by `registry.uniqueness.verify_shown`.
"""

from __future__ import annotations

import orjson

from identity.jcs import Json
from identity.multibase import base64url_encode
from registry.reader import LedgerReader
from registry.state import state_key
from registry.store import Store
from registry.uniqueness import Uniqueness
from resolver.resolution import Asked


class UniqueProofs:
    """Who is shown which keyed hash of one ledger, and its proof."""

    def __init__(self, store: Store, reader: LedgerReader, uniqueness: Uniqueness) -> None:
        self._store = store
        self._reader = reader
        self._prove = uniqueness.prove

    @property
    def possible(self) -> bool:
        """Whether this ledger's keyed hashes can be proved."""
        return self._prove is not None

    def of(self, asked: Asked) -> dict[str, Json] | None:
        """The member `unique`; None where the answer rests on no keyed hash, or none is proved."""
        if self._prove is None or asked.value is None:
            return None
        kind, scheme, _ = asked.key
        proof = self._prove(kind, scheme, asked.value)
        return {"key": list(asked.key), "proof": base64url_encode(proof)}

    def may_be_told(self, asked: Asked) -> bool:
        """Whether who was told "not found" may see the key under which there is nothing."""
        if asked.value is None:
            return True
        if self._prove is None:
            return False
        if asked.digest is None:
            return True
        (record,) = self._store.records([state_key(asked.key)])
        return record is None or self.was_bound_by(asked)

    def was_bound_by(self, asked: Asked) -> bool:
        """Whether a number was last bound to a device by the commitment that was presented."""
        for version in self._store.versions(state_key(asked.key), limit=2):
            if b'"did":' in version.record:
                entry = orjson.loads(self._reader.entry(version.entry))
                bound = entry["operation"]["body"].get(asked.key[0])
                return isinstance(bound, dict) and bound.get("commitment") == asked.digest
        return False
