"""W3C DID Resolution over the ledger: from a DID to a document and its metadata.

    resolution = Documents(store, ledger_hash).resolve("did:tetrad:…", Options())
    resolution.document, resolution.metadata       # didDocument, didDocumentMetadata

`did:tetrad` of this ledger and `did:key` are resolved, nothing is fetched. A document follows from
the record alone (`document_of`), so that whoever has the record proved has the document proved. A
version is named by the ledger entry that made it. A suspended subject keeps its keys, with its
status in the metadata; one that is revoked or retired is deactivated and has no document. Errors
are `DidError`s, whose codes and statuses are those of the W3C's HTTP binding. Follows DID
Resolution 1.0, Candidate Recommendation of 2026; section numbers are of that text. What a DID URL
names within a document: resolver/did_dereferencing.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

import orjson

from identity.did import (
    DidUrl,
    parse_did_key,
    parse_did_url,
    parse_tetrad_did,
    tetrad_did_url,
)
from identity.document import did_key_document, tetrad_document
from identity.errors import MalformedInput, TetradError
from identity.members import parse_time
from registry.state import Device, Subject, codes_of, state_key
from registry.store import Store, Version
from resolver.resolution import entries_until

NAMESPACE: Final = "https://www.w3.org/ns/did#"
METHODS: Final = ("key", "tetrad")
OPTIONS: Final = (
    "versionId",
    "versionTime",
    "noCache",
    "expandRelativeUrls",
    "verificationRelationship",
)
"""Of resolution and dereferencing, beside `accept`, which is the header of that name."""
RELATIONSHIPS: Final = (
    "authentication",
    "assertionMethod",
    "keyAgreement",
    "capabilityInvocation",
    "capabilityDelegation",
)

# Section 12.1: the status that goes with each error.
_STATUS: Final = {
    "INVALID_DID": 400,
    "INVALID_DID_URL": 400,
    "INVALID_OPTIONS": 400,
    "NOT_FOUND": 404,
    "REPRESENTATION_NOT_SUPPORTED": 406,
    "INVALID_DID_DOCUMENT": 500,
    "INTERNAL_ERROR": 500,
    "METHOD_NOT_SUPPORTED": 501,
    "FEATURE_NOT_SUPPORTED": 501,
}


class DidError(NamedTuple):
    """Why a DID or DID URL leads to nothing: a code of the W3C, with its HTTP status."""

    code: str
    detail: str
    members: Mapping[str, Any] = {}
    """What else there is to say."""

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return _STATUS[self.code]

    def value(self) -> dict[str, Any]:
        """The error object (section 11), in the form of problem details (RFC 9457)."""
        return {
            "type": NAMESPACE + self.code,
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "code": f"did.{self.code.lower()}",
            "detail": self.detail,
            **self.members,
        }


@dataclass(frozen=True, slots=True)
class Options:
    """Resolution and dereferencing options (sections 4.1 and 5.1)."""

    version: int | None = None
    """`versionId`: the entry that made the version."""
    time: str | None = None
    """`versionTime`."""
    fresh: bool = False
    """`noCache`."""
    relationship: str | None = None
    """`verificationRelationship`: for what a verification method must be good."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """A document with its metadata; None where the subject is deactivated."""

    document: dict[str, Any] | None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def deactivated(self) -> bool:
        """Whether the subject is revoked or retired."""
        return self.document is None


NEWEST: Final = Options()


def read_did_url(text: str) -> DidUrl | DidError:
    """A DID URL whose method we know.

    That the hash of a did:tetrad is one is left to whoever looks it up (`absent`).
    """
    if (plain := tetrad_did_url(text)) is not None:
        return plain
    did = text
    for mark in "/?#":
        did = did.partition(mark)[0]
    try:
        parts = parse_did_url(did)
    except MalformedInput as error:
        return DidError("INVALID_DID", error.detail)
    if parts.method not in METHODS:
        return DidError("METHOD_NOT_SUPPORTED", f"did:{parts.method[:40]} is not resolved here")
    try:
        if parts.method == "tetrad":
            parse_tetrad_did(did)
        else:
            parse_did_key(did)
    except MalformedInput as error:
        return DidError("INVALID_DID", error.detail)
    if did == text:
        return parts
    try:
        return parse_did_url(text)
    except MalformedInput as error:
        return DidError("INVALID_DID_URL", error.detail)


def read_options(given: Mapping[str, str]) -> Options | DidError:
    """Options out of texts, of names that are all in OPTIONS (section 4.4, step 4)."""
    if not given:
        return NEWEST
    for name in ("noCache", "expandRelativeUrls"):
        if given.get(name, "true") not in ("true", "false"):
            return DidError("INVALID_OPTIONS", f"{name} is true or false")
    relationship = given.get("verificationRelationship")
    if relationship is not None and relationship not in RELATIONSHIPS:
        return DidError("INVALID_OPTIONS", "verificationRelationship: " + ", ".join(RELATIONSHIPS))
    version, at = given.get("versionId"), given.get("versionTime")
    if version is not None and at is not None:
        return DidError("INVALID_OPTIONS", "versionId or versionTime, not both")
    if version is not None and (not _is_number(version) or len(version) > 15):
        return DidError("INVALID_OPTIONS", "a versionId is the index of a ledger entry")
    if at is not None:
        try:
            parse_time(at)
        except ValueError as error:
            return DidError("INVALID_OPTIONS", f"versionTime: {error}")
    fresh = given.get("noCache") == "true"
    return Options(None if version is None else int(version), at, fresh, relationship)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def absent(did: str, detail: str) -> DidError:
    """Why a did:tetrad is not found: it is none, or there is none."""
    try:
        parse_tetrad_did(did)
    except MalformedInput as error:
        return DidError("INVALID_DID", error.detail)
    return DidError("NOT_FOUND", detail)


class Documents:
    """The documents of one ledger."""

    def __init__(self, store: Store, ledger: str) -> None:
        """`ledger` is the ledger's hash, named beside what can be proved under it."""
        self._store = store
        self._ledger = ledger

    def resolve(self, did: str, options: Options = NEWEST) -> Resolution | DidError:
        """The document of a did:tetrad that `read_did_url` has read (section 4.4)."""
        key = state_key(("did", did))
        if options.version is None and options.time is None:
            (record,) = self._store.records([key])
            if record is None:
                return absent(did, "this DID is not on this ledger")
            return resolution_of(orjson.loads(record), self._ledger)
        version = self._version(key, options)
        if version is None:
            return absent(did, "no such version of this DID")
        following = self._store.version_after(key, version.entry)
        return resolution_of(
            orjson.loads(version.record),
            self._ledger,
            orjson.loads(following.record) if following else None,
        )

    def _version(self, key: bytes, options: Options) -> Version | None:
        if options.version is None:
            before = entries_until(self._store, options.time or "")
            return next(iter(self._store.versions(key, limit=1, before=before)), None)
        for found in self._store.versions(key, limit=1, before=options.version + 1):
            if found.entry == options.version:
                return found
        return None


def resolve_key(did: str, options: Options = NEWEST) -> Resolution | DidError:
    """The document of a did:key, which never changes."""
    if options.version is not None or options.time is not None:
        return DidError("FEATURE_NOT_SUPPORTED", "a did:key has no versions")
    return Resolution(did_key_document(parse_did_key(did)))


def resolution_of(
    record: Subject, ledger: str, following: Subject | None = None
) -> Resolution | DidError:
    """A document and its metadata (section 4.3) out of a record and the version that follows it."""
    registered, updated = record["registered"], record["updated"]
    metadata: dict[str, Any] = {
        "created": registered["time"],
        "versionId": str(updated["entry"]),
        "status": record["status"],
    }
    if updated["entry"] != registered["entry"]:
        metadata["updated"] = updated["time"]
    if following is not None:
        metadata["nextUpdate"] = following["updated"]["time"]
        metadata["nextVersionId"] = str(following["updated"]["entry"])
    if record["kind"] == "device":
        metadata["proof"] = [_where_it_is_proved(record, ledger, following)]
    if record["status"] in ("revoked", "retired"):
        # Section 4.4, step 5.2: no document, and the metadata says why.
        return Resolution(None, {**metadata, "deactivated": True})
    try:
        return Resolution(document_of(record), metadata)
    except TetradError as error:
        return DidError("INVALID_DID_DOCUMENT", error.detail)


def _where_it_is_proved(record: Subject, ledger: str, following: Subject | None) -> dict[str, str]:
    """Where the record comes with its evidence (specs/adr/0090).

    As of a time it is the last version of that second.
    """
    did, at = record["did"], record["updated"]["time"]
    as_of = "" if following is None or following["updated"]["time"] == at else f"&at={at}"
    return {
        "type": "TetradEvidence",
        "ledger": ledger,
        "evidence": f"/v1/devices/{did}?proof=1{as_of}",
    }


def document_of(record: Subject) -> dict[str, Any]:
    """The document of a subject of the ledger, which follows from its record and nothing else.

    That of one which has ended has neither keys nor services. Raises InvalidKey, MalformedInput for
    a record that no ledger of ours holds.
    """
    device = cast("Device", record) if record["kind"] == "device" else None
    controller = device["controller"] if device else None
    if record["status"] in ("revoked", "retired"):
        return tetrad_document(record["did"], [], controller)
    services = _services(device) if device else []
    known_as = [*(_known_as(device) if device else []), *record.get("alsoKnownAs", [])]
    return tetrad_document(record["did"], record["keys"], controller, services, known_as)


def _services(device: Device) -> list[dict[str, Any]]:
    data = device["data"]
    if not isinstance(data, dict):
        return []
    return [
        {"id": f"#data-{place}", "type": endpoint["type"], "serviceEndpoint": endpoint["url"]}
        for place, endpoint in enumerate(cast("list[dict[str, str]]", data["endpoints"]), 1)
    ]


def _known_as(device: Device) -> list[str]:
    """The codes that lead to it, where they are public and URIs by themselves."""
    values = [code.get("value") for code in codes_of(device)]
    uris = ("https://", "urn:", "did:")
    return [value for value in values if isinstance(value, str) and value.startswith(uris)]
