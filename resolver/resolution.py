"""Resolution: from a code, a DID or a disclosed number to the one device behind it.

    resolver = Resolver(store, reader, SCHEMES, unique)
    asked = resolver.code("(01)09506000134352(21)M-0017")
    found = resolver.find(asked)
    answer_bytes(found, evidence.of(found, published))         # resolver/evidence.py

Pure over a store: what it says is what was committed. A code that two schemes recognize is never
guessed at; a value that must not stand in a URL is asked for by its disclosure. Specified in
specs/3-resolution.md, "Resolution".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

from identity.did import parse_tetrad_did
from identity.disclosure import CODE, NUMBER, open_disclosure
from identity.errors import (
    Gone,
    InvalidDisclosure,
    MalformedCode,
    MalformedInput,
    NotFound,
)
from identity.jcs import Json
from identity.members import parse_time
from registry.admission import UniqueHash
from registry.links import links_key
from registry.reader import LedgerReader
from registry.state import Device, Key, LinksRecord, Stamp, bears, codes_of, state_key
from registry.store import Store
from resolver.schemes import Code, SchemeTable

KEPT_BEARERS = 50_000
KEPT_LINKS = 10_000

_STATUS = b'"status":"'
_UPDATED = b'"updated":'


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: a key of the state."""

    key: Key
    """Of a code, a number or a DID."""
    read_as: Code | None = None
    digest: str | None = None
    """Of a disclosure: what the device commits to."""
    value: str | None = None
    """Of a number or a committed code, in canonical form. The key then holds its keyed hash, which
    is not shown to everybody: it stands in public entries (resolver/presented.py)."""


@dataclass(frozen=True, slots=True)
class Found:
    """A device as the ledger has it, now or at `as_of`."""

    record: bytes
    """The canonical bytes of the device's record."""
    entry: int
    """The last entry that changed it."""
    asked: Asked
    as_of: str | None = None

    @classmethod
    def now(cls, record: bytes, asked: Asked) -> Found:
        """A device as its newest record has it."""
        return cls(record, _updated(record)["entry"], asked)

    @property
    def device(self) -> Device:
        """The record, parsed."""
        return cast("Device", orjson.loads(self.record))

    @property
    def ended(self) -> bool:
        """Whether only a tombstone is left."""
        return has_ended(self.record)


class Resolver:
    """Answers questions about one ledger."""

    def __init__(
        self, store: Store, reader: LedgerReader, schemes: SchemeTable, unique: UniqueHash
    ) -> None:
        self._store = store
        self._reader = reader
        self._schemes = schemes
        self._unique = unique
        self._bearers: dict[Key, str] = {}
        self._linked: dict[Code, LinksRecord | None] = {}
        self._linked_size = 0

    def code(self, text: str, scheme: str | None = None, *, private: bool = False) -> Asked:
        """What is asked by a code, in any form that its scheme reads.

        `private` says that the question did not travel in a URL, so that codes which reveal a
        person or a radio identity may be asked for. Raises InvalidIdentifier (AmbiguousCode with
        the candidates).
        """
        code = self._schemes.read(text, scheme)
        if self._schemes.is_number(code.scheme):
            raise MalformedCode(
                f"{code.scheme} is a scheme of numbers",
                hint="a number is resolved by POST /v1/resolve with its disclosure",
            )
        if self._schemes.is_committed(code.scheme):
            if not private:
                raise MalformedCode(
                    f"a code of {code.scheme} does not belong in a URL",
                    hint="POST /v1/resolve with the code in the body",
                )
            hashed = self._unique("code", code.scheme, code.value)
            return Asked(("code", code.scheme, hashed), code, value=code.value)
        return Asked(("code", code.scheme, code.value), code)

    def did(self, did: str) -> Asked:
        """What is asked by a DID. Raises MalformedInput."""
        parse_tetrad_did(did)
        return Asked(("did", did))

    def disclosure(self, scheme: str, disclosure: str) -> Asked:
        """What is asked by the disclosure of a number or of a committed code, which came with it.
        Raises InvalidDisclosure, InvalidIdentifier, NotFound.

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
        key = (kind, scheme, self._unique(kind, scheme, opened.value))
        return Asked(key, digest=opened.digest, value=opened.value)

    def find(self, asked: Asked, *, at: str | None = None, within: int | None = None) -> Found:
        """The device, now, at a time, or as the first `within` entries have it.

        Raises NotFound, MalformedInput.
        """
        before = within
        if at is not None:
            check_time(at)
            before = min(entries_until(self._store, at), 2**62 if within is None else within)
        did = asked.key[1] if asked.key[0] == "did" else self._bearer(asked.key, before)
        if did is None:
            missing = _not_found()
            if asked.read_as is not None:
                missing.members["readAs"] = asked.read_as._asdict()
            raise missing
        found = self._found(did, asked, at, before)
        if asked.digest is not None and not _commits(found.device, asked.key[0], asked.digest):
            raise _not_found()
        if at is not None and asked.key[0] == "code" and not bears(found.device, asked.key):
            raise NotFound("no device bore this code at that time", hint="it was corrected later")
        return found

    def find_all(self, keys: Sequence[Key]) -> list[bytes | None]:
        """The record behind each of many codes, as it is now; None where nobody bears a code. Two
        look-ups of the store, however many there are."""
        unknown = [key for key in keys if key not in self._bearers]
        found = self._store.records([state_key(key) for key in unknown])
        bearers = {
            key: str(orjson.loads(record)["did"])
            for key, record in zip(unknown, found, strict=True)
            if record is not None
        }
        dids = [bearers.get(key) or self._bearers.get(key) for key in keys]
        if len(self._bearers) + len(bearers) > KEPT_BEARERS:
            self._bearers.clear()
        self._bearers |= bearers
        devices = [state_key(("did", did)) for did in dids if did is not None]
        records = iter(self._store.records(devices))
        return [None if did is None else next(records) for did in dids]

    def _bearer(self, key: Key, before: int | None) -> str | None:
        """Whose a code is, or on which device a number is active."""
        did = self._bearers.get(key)
        if did is None:
            record = self._record(key, before if key[0] == "number" else None)
            did = orjson.loads(record).get("did") if record is not None else None
            if did is not None and key[0] == "code":  # a code is never reissued
                if len(self._bearers) >= KEPT_BEARERS:
                    self._bearers.clear()
                self._bearers[key] = did
        return did

    def _found(self, did: str, asked: Asked, at: str | None, before: int | None) -> Found:
        record = self._record(("did", did), before)
        if record is None or b'"kind":"device"' not in record:
            raise NotFound(
                "no such device at that time" if at else "no device with this DID on this ledger"
            )
        return Found(record, _updated(record)["entry"], asked, at)

    def _record(self, key: Key, before: int | None) -> bytes | None:
        """The newest record under a key, of entries below `before` where that is given."""
        if before is None:
            (record,) = self._store.records([state_key(key)])
            return record
        found = self._store.versions(state_key(key), limit=1, before=before)
        return found[0].record if found else None

    def bindings(self, key: Key, *, limit: int, before: int | None = None) -> list[dict[str, Any]]:
        """What happened with a number, the newest first: the entries, and on which device it was
        active after each, if on any."""
        changes: list[dict[str, Any]] = []
        for version in self._store.versions(state_key(key), limit=limit, before=before):
            entry = orjson.loads(self._reader.entry(version.entry))
            did = orjson.loads(version.record).get("did")
            change = {"index": version.entry, "time": entry["time"]}
            change |= {"type": entry["operation"]["type"], "entry": entry}
            changes.append(change if did is None else {**change, "did": did})
        return changes

    def links(self, codes: Sequence[Code]) -> list[LinksRecord | None]:
        """The newest record of the links of each code, None where nobody ever set any.

        Kept until the next commit: what is read may be newer than the head, and never older.
        """
        head = self._store.head()
        size = head.size if head else 0
        if size != self._linked_size or len(self._linked) >= KEPT_LINKS:
            self._linked, self._linked_size = {}, size
        known = self._linked
        unknown = [code for code in codes if code not in known]
        if unknown:
            found = self._store.records([state_key(links_key(*code)) for code in unknown])
            for code, record in zip(unknown, found, strict=True):
                known[code] = None if record is None else orjson.loads(record)
        return [known[code] for code in codes]

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


def _commits(device: Device, kind: str, digest: str) -> bool:
    """Whether its number, or a code that leads to it, is the one behind a commitment."""
    if kind == "code":
        return any(code.get("commitment") == digest for code in codes_of(device))
    number = device["number"]
    return isinstance(number, dict) and number.get("commitment") == digest


def check_time(at: str) -> None:
    """Whether a time is one that may be asked about. Raises MalformedInput."""
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


def has_ended(record: bytes) -> bool:
    """Whether a canonical record is that of a device that is revoked or retired, without parsing
    it: the last member of that name."""
    start = record.rindex(_STATUS) + len(_STATUS)
    return record.startswith((b"revoked", b"retired"), start)


def _updated(record: bytes) -> Stamp:
    """`updated` of a canonical record, without parsing the rest: the last member of that name."""
    start = record.rindex(_UPDATED) + len(_UPDATED)
    return cast("Stamp", orjson.loads(record[start : record.index(b"}", start) + 1]))


def answer_bytes(
    found: Found, proof: bytes | None = None, unique: dict[str, Json] | None = None
) -> bytes:
    """The answer as JSON: the record as it is stored, spliced and not parsed again."""
    members = [b'"device":' + found.record]
    if found.asked.read_as is not None:
        members.append(b'"readAs":' + orjson.dumps(found.asked.read_as._asdict()))
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
