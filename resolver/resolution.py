"""Resolution: from a code, a DID or a disclosed number to the one device behind it.

    resolver = Resolver(store, reader, SCHEMES, unique)
    found = resolver.by_code("(01)09506000134352(21)M-0017")
    answer_bytes(found, resolver.proof(found, checkpoint, size))

Pure over a store: what it says is what was committed. A code that two schemes recognize is never
guessed at; a value that must not stand in a URL is asked for by its disclosure. Specified in
specs/3-resolution.md, "Resolution".
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, cast

import orjson

from identity.did import parse_tetrad_did
from identity.disclosure import CODE, NUMBER, open_disclosure
from identity.errors import (
    Gone,
    InputTooLarge,
    InvalidDisclosure,
    MalformedCode,
    MalformedInput,
    NotFound,
)
from identity.jcs import Json
from identity.members import parse_time
from registry.admission import UniqueHash
from registry.reader import LedgerReader
from registry.state import Device, Key, Stamp, state_key
from registry.store import Store, Version
from resolver.schemes import Code, SchemeTable

MAX_PROVED_CHANGES = 256
"""Changes of one device that an answer with proof carries; the history has them in pages."""

KEPT_SIGNERS = 1_000
KEPT_BEARERS = 50_000

_SIGNED_BY = re.compile(rb'"verificationMethod":"did:tetrad:[^"#]*#([^"]*)"')
"""In an entry's canonical bytes; within a text the quotation marks would be escaped."""
_UPDATED = b'"updated":'


@dataclass(frozen=True, slots=True)
class Found:
    """A device as the ledger has it, now or at `as_of`."""

    record: bytes
    """The canonical bytes of the device's record."""
    entry: int
    """The last entry that changed it."""
    read_as: Code | None = None
    as_of: str | None = None

    @property
    def device(self) -> Device:
        """The record, parsed."""
        return cast("Device", orjson.loads(self.record))

    @property
    def ended(self) -> bool:
        """Whether only a tombstone is left."""
        return b'"status":"revoked"' in self.record or b'"status":"retired"' in self.record


class Resolver:
    """Answers questions about one ledger."""

    def __init__(
        self, store: Store, reader: LedgerReader, schemes: SchemeTable, unique: UniqueHash
    ) -> None:
        self._store = store
        self._reader = reader
        self._schemes = schemes
        self._unique = unique
        self._established: dict[bytes, int] = {}
        self._bearers: dict[Key, str] = {}
        self._kept_size = 0
        self._kept: dict[int, bytes] = {}

    def by_code(
        self, text: str, scheme: str | None = None, *, at: str | None = None, private: bool = False
    ) -> Found:
        """The device that bears a code, in any form that its scheme reads.

        `private` says that the question did not travel in a URL, so that codes which reveal a
        person or a radio identity may be asked for. Raises InvalidIdentifier (AmbiguousCode with
        the candidates), NotFound.
        """
        code = self._schemes.read(text, scheme)
        if self._schemes.is_number(code.scheme):
            raise MalformedCode(
                f"{code.scheme} is a scheme of numbers",
                hint="a number is resolved by POST /v1/resolve with its disclosure",
            )
        value = code.value
        if self._schemes.is_committed(code.scheme):
            if not private:
                raise MalformedCode(
                    f"a code of {code.scheme} does not belong in a URL",
                    hint="POST /v1/resolve with the code in the body",
                )
            value = self._unique("code", code.scheme, code.value)
        return self._borne(("code", code.scheme, value), at, code)

    def by_did(self, did: str, *, at: str | None = None) -> Found:
        """The device with a DID. Raises MalformedInput, NotFound."""
        parse_tetrad_did(did)
        return self._at(did, at, None)

    def by_disclosure(self, scheme: str, disclosure: str, *, at: str | None = None) -> Found:
        """The device on which a number is active, or that bears a committed code, for whoever holds
        the disclosure that came with it. Raises InvalidDisclosure, InvalidIdentifier, NotFound.

        The salt is asked for as well as the value, so that nobody finds devices by counting
        through numbers; whatever does not fit is not found, without saying why.
        """
        opened = open_disclosure(disclosure)
        if opened.name not in (NUMBER, CODE):
            raise InvalidDisclosure("neither a number nor a code is disclosed here")
        kind = "number" if opened.name == NUMBER else "code"
        if self._schemes.is_number(scheme) != (kind == "number"):
            raise MalformedCode(f"{scheme} is not a scheme of {kind}s")
        if self._schemes.canonical(scheme, opened.value) != opened.value:
            raise _not_found()
        found = self._borne((kind, scheme, self._unique(kind, scheme, opened.value)), at, None)
        shown = cast("dict[str, Any]", found.device)[kind]
        if shown == "none" or shown.get("commitment") != opened.digest:
            raise _not_found()
        return found

    def _borne(self, key: Key, at: str | None, read_as: Code | None) -> Found:
        did = self._bearer(key) if key[0] == "code" or at is None else self._bearer_at(key, at)
        if did is None:
            missing = _not_found()
            if read_as is not None:
                missing.members["readAs"] = read_as._asdict()
            raise missing
        return self._at(did, at, read_as)

    def _bearer(self, key: Key) -> str | None:
        """Whose a code is, or on which device a number is active now."""
        did = self._bearers.get(key)
        if did is None:
            (bearer,) = self._store.records([state_key(key)])
            did = orjson.loads(bearer).get("did") if bearer is not None else None
            if did is not None and key[0] == "code":  # a code is never reissued
                if len(self._bearers) >= KEPT_BEARERS:
                    self._bearers.clear()
                self._bearers[key] = did
        return did

    def _bearer_at(self, key: Key, at: str) -> str | None:
        """On which device a number was active at a time."""
        found = self._version_at(key, at)
        return orjson.loads(found.record).get("did") if found else None

    def _at(self, did: str, at: str | None, read_as: Code | None) -> Found:
        if at is not None:
            return self._as_of(did, at, read_as)
        (record,) = self._store.records([state_key(("did", did))])
        if record is None or b'"kind":"device"' not in record:
            raise NotFound("no device with this DID on this ledger")
        return Found(record, _updated(record)["entry"], read_as)

    def _as_of(self, did: str, at: str, read_as: Code | None) -> Found:
        found = self._version_at(("did", did), at)
        if found is None or b'"kind":"device"' not in found.record:
            raise NotFound("no such device at that time")
        return Found(found.record, found.entry, read_as, at)

    def _version_at(self, key: Key, at: str) -> Version | None:
        """The newest version of a record at a time. Raises MalformedInput."""
        _check_time(at)
        before = entries_until(self._store, at)
        found = self._store.versions(state_key(key), limit=1, before=before)
        return found[0] if found else None

    def history(self, did: str, *, limit: int, before: int | None = None) -> list[dict[str, Any]]:
        """What happened to a device, the newest first: the entries, and the status after each.

        Raises MalformedInput, NotFound.
        """
        parse_tetrad_did(did)
        versions = self._store.versions(state_key(("did", did)), limit=limit, before=before)
        if not versions and before is None:
            raise NotFound("no subject with this DID on this ledger")
        changes: list[dict[str, Any]] = []
        for version in versions:
            entry = orjson.loads(self._reader.entry(version.entry))
            changes.append(
                {
                    "index": version.entry,
                    "time": entry["time"],
                    "type": entry["operation"]["type"],
                    "status": orjson.loads(version.record)["status"],
                    "entry": entry,
                }
            )
        return changes

    def proof(self, found: Found, checkpoint: bytes, size: int) -> bytes:
        """The evidence for an answer, as JSON bytes, under a checkpoint of `size` entries.

        It holds each entry that made the record, and those that established the keys which signed
        them, each with its inclusion proof. Raises InputTooLarge beyond 256 changes.
        """
        changes = self._changes(found)
        entries = self._with_signers(changes)
        shown = [
            self._shown(index, entry, size, keep=index not in changes)
            for index, entry in sorted(entries.items())
        ]
        return b'{"checkpoint":%b,"entries":[%b]}' % (
            orjson.dumps(checkpoint.decode()),
            b",".join(shown),
        )

    def _shown(self, index: int, entry: bytes, size: int, *, keep: bool) -> bytes:
        """An entry with its inclusion proof. Those of signers are kept until the tree grows, since
        an organization signs for all of its devices."""
        if self._kept_size != size:
            self._kept_size, self._kept = size, {}
        shown = self._kept.get(index)
        if shown is None:
            hashes = self._reader.inclusion(index, size)
            path = [b'"%b"' % b2a_base64(node, newline=False) for node in hashes]
            shown = b'{"entry":%b,"hashes":[%b]}' % (entry, b",".join(path))
            if keep and len(self._kept) < KEPT_SIGNERS:
                self._kept[index] = shown
        return shown

    def _changes(self, found: Found) -> list[int]:
        """The entries that made a record, up to the one that left it as it was found."""
        device = found.device
        if device["registered"]["entry"] == found.entry:
            return [found.entry]
        key = state_key(("did", device["did"]))
        versions = self._store.versions(key, limit=MAX_PROVED_CHANGES + 1, before=found.entry + 1)
        changes = [version.entry for version in versions]
        if len(changes) > MAX_PROVED_CHANGES:
            raise InputTooLarge(
                f"more than {MAX_PROVED_CHANGES} changes",
                hint="read the history in pages and prove its entries one by one",
            )
        return changes

    def _with_signers(self, indexes: list[int]) -> dict[int, bytes]:
        """The entries, those that made the keys which signed them, and so on."""
        wanted: dict[int, bytes] = {}
        pending = list(indexes)
        while pending:
            index = pending.pop()
            if index not in wanted:
                wanted[index] = entry = self._reader.entry(index)
                pending += map(self._establishing, _SIGNED_BY.findall(entry))
        return wanted

    def _establishing(self, thumbprint: bytes) -> int:
        """The entry that made a key its subject's; a key is never claimed twice."""
        index = self._established.get(thumbprint)
        if index is None:
            key = state_key(("key", thumbprint.decode()))
            (version,) = self._store.versions(key, limit=1)
            if len(self._established) >= 10_000:
                self._established.clear()
            index = self._established[thumbprint] = version.entry
        return index


def _check_time(at: str) -> None:
    try:
        parse_time(at)
    except ValueError as error:
        raise MalformedInput(f"at: {error}", pointer="/at") from None


def entries_until(store: Store, at: str) -> int:
    """How many entries a ledger had at a time.

    Entry times never decrease, and times of this one form sort as text: a look at a few entries
    tells it, however many there are, and however often one device has changed.
    """
    head = store.head()

    def time(index: int) -> str:
        (entry,) = store.entries(index, index + 1)
        return cast("str", orjson.loads(entry)["time"])

    return bisect_right(range(head.size if head else 0), at, key=time)


def _not_found() -> NotFound:
    """In the same words whether a value is not registered or was registered under another salt."""
    return NotFound("no device bears this", hint="an unregistered code, or one of another ledger")


def _updated(record: bytes) -> Stamp:
    """`updated` of a canonical record, without parsing the rest: the last member of that name."""
    start = record.rindex(_UPDATED) + len(_UPDATED)
    return cast("Stamp", orjson.loads(record[start : record.index(b"}", start) + 1]))


def answer_bytes(
    found: Found, proof: bytes | None = None, unique: dict[str, Json] | None = None
) -> bytes:
    """The answer as JSON: the record as it is stored, spliced and not parsed again."""
    members = [b'"device":' + found.record]
    if found.read_as is not None:
        members.append(b'"readAs":' + orjson.dumps(found.read_as._asdict()))
    if found.as_of is not None:
        members.append(b'"asOf":' + orjson.dumps(found.as_of))
    if unique is not None:
        members.append(b'"unique":' + orjson.dumps(unique))
    if proof is not None:
        members.append(b'"proof":' + proof)
    return b"{" + b",".join(members) + b"}"


def tombstone(
    found: Found, proof: bytes | None = None, unique: dict[str, Json] | None = None
) -> Gone:
    """The error that carries the answer about a device that is revoked or retired."""
    device = found.device
    return Gone(
        f"the device is {device['status']}: {device.get('reason', '')}",
        hint="a code is never reissued; the answer is what is left",
        answer=orjson.loads(answer_bytes(found, proof, unique)),
    )
