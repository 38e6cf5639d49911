"""The proof of a keyed hash, for who presents the value, where it leads nowhere forbidden.

On a ledger whose keyed hashes are those of a VRF, an answer with proof has a member

    "unique": {"key": ["number", scheme, keyed hash], "proof": base64url of 80 bytes}

The keyed hashes of all values that were ever registered stand in public entries. Whoever has the
hash of a number can therefore look its device up, past and future, so it is given only

1. with a device, which whoever sent the registered disclosure (or the code itself) has found; or
2. with "not found", where nothing was ever registered under the hash, or where what is presented is
   the very disclosure with which the number was registered last.

A number that is registered under another salt is none of these: it is not found, without a word
more. The difference from a number that is not registered shows, since absence that is proved cannot
be hidden: a quota of its own bounds how often one may ask (specs/adr/0054-unique-by-vrf.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import orjson

from identity.disclosure import NUMBER, open_disclosure
from identity.jcs import Json
from identity.multibase import base64url_encode
from registry.reader import LedgerReader
from registry.state import Key, state_key
from registry.store import Store
from registry.uniqueness import Prove, Uniqueness
from resolver.schemes import SchemeTable


class Presented(NamedTuple):
    """A value that was sent in a question, and the digest of its disclosure if it came as one."""

    kind: str
    scheme: str
    value: str
    commitment: str | None


class UniqueProofs:
    """Proves keyed hashes of one ledger."""

    def __init__(
        self, store: Store, reader: LedgerReader, schemes: SchemeTable, uniqueness: Uniqueness
    ) -> None:
        self._store = store
        self._reader = reader
        self._schemes = schemes
        self._hash = uniqueness.hash
        self._prove = uniqueness.prove

    @property
    def possible(self) -> bool:
        """Whether this ledger's keyed hashes can be proved."""
        return self._prove is not None

    def of_found(self, question: Mapping[str, str]) -> dict[str, Json] | None:
        """The member `unique` beside the device that a question found."""
        presented = self._presented(question)
        if self._prove is None or presented is None:
            return None
        return self._shown(self._prove, presented)

    def of_missing(self, question: Mapping[str, str]) -> dict[str, Json] | None:
        """The same beside "not found", where it may be given."""
        presented = self._presented(question)
        if self._prove is None or presented is None:
            return None
        key: Key = (presented.kind, presented.scheme, self._hash(*presented[:3]))
        (record,) = self._store.records([state_key(key)])
        if record is not None and not self._was_bound_by(presented.commitment, key):
            return None
        return self._shown(self._prove, presented)

    def _presented(self, question: Mapping[str, str]) -> Presented | None:
        """The value of a question that the resolver has read; None where its answer rests on no
        keyed hash: a public code, or text that is not the canonical form of any value."""
        if "disclosure" in question:
            opened, scheme = open_disclosure(question["disclosure"]), question["scheme"]
            if self._schemes.canonical(scheme, opened.value) != opened.value:
                return None
            kind = "number" if opened.name == NUMBER else "code"
            return Presented(kind, scheme, opened.value, opened.digest)
        code = self._schemes.read(question["code"], question.get("scheme"))
        if not self._schemes.is_committed(code.scheme):
            return None
        return Presented("code", code.scheme, code.value, None)

    def _was_bound_by(self, commitment: str | None, key: Key) -> bool:
        """Whether a number was last bound to a device by this commitment."""
        for version in self._store.versions(state_key(key), limit=2):
            if b'"did":' in version.record:
                entry = orjson.loads(self._reader.entry(version.entry))
                bound = entry["operation"]["body"].get(key[0])
                return isinstance(bound, dict) and bound.get("commitment") == commitment
        return False

    def _shown(self, prove: Prove, presented: Presented) -> dict[str, Json]:
        kind, scheme, value, _ = presented
        return {
            "key": [kind, scheme, self._hash(kind, scheme, value)],
            "proof": base64url_encode(prove(kind, scheme, value)),
        }
