"""Evidence: what an answer shows, so that nobody has to believe it.

    evidence = Evidence(store, reader, state_map)
    proof = evidence.of(found, size, checkpoint)          # JSON bytes, for `answer_bytes`
    proof = evidence.of_absence(asked, size, checkpoint)

It stands on the last published root of the state: the root's entry ends the tree, and short paths
lead from it to the records, or to the place where there is none. The device's operations follow,
and those that established the keys which signed them, so that the parties' own signatures are seen
as well. Checked by resolver/verifier.py; specified in specs/3-resolution.md, "Verification".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, cast

import orjson

from identity.keys import thumbprint
from registry.entry import split_entry
from registry.note import encode64
from registry.reader import LedgerReader
from registry.state import FIRST_HISTORY, Device, Key, state_key
from registry.state_map import StateMap
from registry.store import Store
from resolver.resolution import Asked, Found

MAX_SHOWN: Final = 256
"""Entries of one device that an answer shows; of a longer history it shows none."""
_KEPT: Final = 20_000

_SIGNED_BY = re.compile(rb'"verificationMethod":"did:tetrad:[^"#]*#([^"]*)"')
"""In an entry's canonical bytes; within a text the quotation marks would be escaped."""
_STANDS_ON = re.compile(
    rb'"type":"(?:keys\.rotate|registry\.update|recovery\.begin|recovery\.finish|transfer\.accept)"'
)
"""In an entry whose operation establishes keys to which one before it committed."""
_BEGINS = b'"type":"recovery.begin"'
_ENROLLED = re.compile(rb'"enrolment":\{"certificate":"[^"]*","grant":"([^"]*)"\}')
"""In an entry whose device enrolled itself: the hash of the grant."""


class Evidence:
    """Makes evidence out of one store. Belongs to one thread."""

    def __init__(self, store: Store, reader: LedgerReader, state_map: StateMap) -> None:
        self._store = store
        self._reader = reader
        self._map = state_map
        self._established: dict[bytes, int] = {}
        self._begins: dict[int, dict[str, Any]] = {}
        """Operations that begin a recovery, by their entry."""
        self._grants: dict[bytes, int] = {}
        self._signers: dict[int, bytes] = {}
        self._codes: dict[Key, bytes] = {}
        self._closed: tuple[int, bytes] = (0, b"")

    def of(self, found: Found, size: int, checkpoint: bytes, *, standing: bool = True) -> bytes:
        """The evidence for an answer under a published checkpoint of `size` entries, whose root is
        the one that the state map has published. Without `standing`, that and the root are left
        out, which are the same for many answers."""
        device = found.device
        own: Key = ("did", device["did"])
        keys = [own]
        if found.asked.key[0] == "code" or (found.asked.key[0] == "number" and not found.as_of):
            keys = [found.asked.key, own]
        records = [
            self._record(key, self._beside(key, size) if key != own or found.as_of else None)
            for key in keys
        ]
        parts = [self.stands_on(size, checkpoint)] if standing else []
        parts.append(b'"records":[%b]' % b",".join(records))
        changes = self._changes(device, size, once=found.as_of is None)
        if changes:
            entries = [self._reader.entry(index) for index in changes]
            parts.append(b'"entries":[%b]' % b",".join(entries))
            parts.append(b'"signers":[%b]' % b",".join(self._signing(changes, entries)))
        return b"{%b}" % b",".join(parts)

    def of_absence(self, asked: Asked, size: int, checkpoint: bytes) -> bytes | None:
        """The evidence that there is no device under a key; None where there is. Of a number that
        is free again there is a record, and of a DID that is not a device's."""
        record = self._newest(asked.key, size)
        device = {"number": b'"did":', "did": b'"kind":"device"'}.get(asked.key[0], b"")
        if record is not None and device in record:
            return None
        records = b'"records":[%b]' % self._record(asked.key, record)
        return b"{%b}" % b",".join((self.stands_on(size, checkpoint), records))

    def of_number(self, asked: Asked, size: int, checkpoint: bytes) -> bytes:
        """The evidence for a number that was ever bound: its record, and the entries that made it
        what it is, with those that made the keys which signed them; without entries where they are
        many."""
        parts = [self.stands_on(size, checkpoint)]
        shown = self._record(asked.key, self._newest(asked.key, size))
        parts.append(b'"records":[%b]' % shown)
        versions = self._store.versions(state_key(asked.key), limit=MAX_SHOWN + 1, before=size)
        if len(versions) <= MAX_SHOWN:
            changes = [version.entry for version in reversed(versions)]
            entries = [self._reader.entry(index) for index in changes]
            # Of several devices: what signs may stand on one of these entries, and comes after it.
            signers = self._signing(changes, entries, known=set())
            parts.append(b'"entries":[%b]' % b",".join(entries))
            parts.append(b'"signers":[%b]' % b",".join(signers))
        return b"{%b}" % b",".join(parts)

    def of_records(
        self, keys: Sequence[Key], size: int, checkpoint: bytes, *, standing: bool = True
    ) -> bytes:
        """The evidence for these records, in this order, or that there are none: each that there is
        is shown in the proof."""
        parts = [self.stands_on(size, checkpoint)] if standing else []
        records = [self._record(key, self._newest(key, size)) for key in keys]
        parts.append(b'"records":[%b]' % b",".join(records))
        return b"{%b}" % b",".join(parts)

    def of_links(self, key: Key, size: int, checkpoint: bytes) -> tuple[bytes | None, bytes]:
        """The record of a code's links under the published checkpoint, if there is one, and its
        evidence: with the entry that set them, the history before it, and who signed."""
        found = self._store.versions(state_key(key), limit=2, before=size)
        record = b'"records":[%b]' % self._record(key, None)
        parts = [self.stands_on(size, checkpoint), record]
        if not found:
            return None, b"{%b}" % b",".join(parts)
        index = found[0].entry
        entry = self._reader.entry(index)
        before = orjson.loads(found[1].record)["history"] if found[1:] else FIRST_HISTORY.hex()
        parts.append(b'"before":"%b","entry":%b' % (before.encode(), entry))
        parts.append(b'"signers":[%b]' % b",".join(self._signing([index], [entry])))
        return found[0].record, b"{%b}" % b",".join(parts)

    def stands_on(self, size: int, checkpoint: bytes) -> bytes:
        """The checkpoint, and the root of the state that ends its tree; the same for all answers
        until the next publication."""
        if self._closed[0] != size:
            hashes = [orjson.dumps(encode64(one)) for one in self._reader.inclusion(size - 1, size)]
            shown = b'"state":{"entry":%b,"hashes":[%b]}' % (
                self._reader.entry(size - 1),
                b",".join(hashes),
            )
            self._closed = size, shown
        return b'"checkpoint":%b,%b' % (orjson.dumps(checkpoint.decode()), self._closed[1])

    def _record(self, key: Key, record: bytes | None) -> bytes:
        """A key, its record where the answer does not show it already, and its way to the root."""
        bucket, path = self._map.prove(state_key(key)).texts()
        shown = b"" if record is None else b'"record":%b,' % record
        return b'{"key":%b,%b"bucket":"%b","path":"%b"}' % (
            orjson.dumps(key),
            shown,
            bucket.encode(),
            path.encode(),
        )

    def _newest(self, key: Key, size: int) -> bytes | None:
        found = self._store.versions(state_key(key), limit=1, before=size)
        return found[0].record if found else None

    def _beside(self, key: Key, size: int) -> bytes | None:
        """A record that is shown in the proof. That of a code is written once."""
        if key[0] != "code":
            return self._newest(key, size)
        record = self._codes.get(key)
        if record is None:
            record = self._newest(key, size)
            if record is not None:
                if len(self._codes) >= _KEPT:
                    self._codes.clear()
                self._codes[key] = record
        return record

    def _changes(self, device: Device, size: int, *, once: bool) -> list[int]:
        """The entries that made a device what it is, in their order; none where they are many.
        `once` says that `device` is its present record, which may be its first."""
        if once and device["registered"]["entry"] == device["updated"]["entry"]:
            return [device["registered"]["entry"]]
        key = state_key(("did", device["did"]))
        versions = self._store.versions(key, limit=MAX_SHOWN + 1, before=size)
        if len(versions) > MAX_SHOWN:
            return []
        return [version.entry for version in reversed(versions)]

    def _signing(
        self, changes: list[int], entries: list[bytes], known: set[int] | None = None
    ) -> list[bytes]:
        """The operations that made the keys which signed these entries, and those, and so on; each
        after what it stands on. `known` are the entries that are shown already."""
        wanted: dict[int, bytes] = {}
        pending = list(zip(changes, entries, strict=True))
        known = {0, *(changes if known is None else known)}  # the genesis is what one pins
        while pending:
            for earlier in self._stand_on(*pending.pop()):
                if earlier not in known:
                    known.add(earlier)
                    wanted[earlier] = self._operation(earlier)
                    pending.append((earlier, self._reader.entry(earlier)))
        return [operation for _, operation in sorted(wanted.items())]

    def _stand_on(self, index: int, entry: bytes) -> list[int]:
        """The entries that made the keys which signed an entry; of one that establishes keys also
        those that committed to them, of an enrolment the grant."""
        found = [self._granting(grant) for grant in _ENROLLED.findall(entry)]
        for signer in _SIGNED_BY.findall(entry):
            found += self._bringing(signer, index)
        if _STANDS_ON.search(entry):
            found += self._committing(orjson.loads(entry)["operation"], index)
        return found

    def _bringing(self, signer: bytes, before: int) -> list[int]:
        """The entries by which a key was its subject's before an entry: one, or of a recovery its
        beginning, which shows the key, and its end."""
        index = self._establishing(signer)
        operation = self._begins.get(index)
        if operation is None or index >= before:
            return [index]
        ended = self._subject(operation["subject"], before).get("appointed")
        return [index] if ended is None else [index, self._reader.index_of(ended)]

    def _committing(self, operation: dict[str, Any], index: int) -> list[int]:
        """What an operation that establishes keys stands on: by its type, since an entry may hold
        the word of one elsewhere."""
        kind, body = operation["type"], operation["body"]
        if kind == "recovery.finish":
            return [self._reader.index_of(body["begun"])]
        if kind not in ("keys.rotate", "registry.update", "recovery.begin", "transfer.accept"):
            return []
        if kind == "recovery.begin":
            return [self._reader.index_of(body["appointed"])]
        record = self._subject(operation["subject"], index)
        offered = [self._reader.index_of(body["offer"])] if kind == "transfer.accept" else []
        return [*offered, *self._bringing(thumbprint(record["keys"][0]).encode(), index)]

    def _subject(self, did: str, before: int) -> dict[str, Any]:
        """A subject's record as the entries before one left it."""
        (found,) = self._store.versions(state_key(("did", did)), limit=1, before=before)
        return cast("dict[str, Any]", orjson.loads(found.record))

    def _establishing(self, thumbprint: bytes) -> int:
        """The entry that made a key its subject's; a key is never claimed twice."""
        index = self._established.get(thumbprint)
        if index is None:
            if len(self._established) >= _KEPT:
                self._established.clear()
                self._begins.clear()
            index = self._established[thumbprint] = self._reader.established(thumbprint.decode())
            entry = self._reader.entry(index)
            if _BEGINS in entry:
                self._begins[index] = orjson.loads(entry)["operation"]
        return index

    def _granting(self, grant: bytes) -> int:
        """The entry of a grant; that of a factory is asked for with each of its devices."""
        index = self._grants.get(grant)
        if index is None:
            if len(self._grants) >= _KEPT:
                self._grants.clear()
            index = self._grants[grant] = self._reader.index_of(grant.decode())
        return index

    def _operation(self, index: int) -> bytes:
        """The operation of an entry that established keys; asked for again and again."""
        operation = self._signers.get(index)
        if operation is None:
            _, operation = split_entry(self._reader.entry(index), index)
            if len(self._signers) >= _KEPT:
                self._signers.clear()
            self._signers[index] = operation
        return operation
