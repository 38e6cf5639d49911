"""W3C DID Resolution over the ledger: from a DID URL to a document and its metadata.

    resolution = resolve(store, "did:tetrad:…", {})
    resolution.document, resolution.metadata       # didDocument, didDocumentMetadata

`did:tetrad` of this ledger and `did:key` are resolved, nothing is fetched. A version of a document
is named by the ledger entry that made it. A suspended subject keeps its keys, with its status in
the metadata; one that is revoked or retired is deactivated and has none. Errors are `DidError`s,
whose codes and statuses are those of the W3C's HTTP binding (specs/3-resolution.md, "DIDs").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

import orjson

from identity.did import DidUrl, parse_did_key, parse_did_url, parse_tetrad_did
from identity.document import did_key_document, tetrad_document
from identity.errors import MalformedInput
from identity.members import parse_time
from registry.state import Device, Subject, codes_of, state_key
from registry.store import Store, Version
from resolver.resolution import entries_until

NAMESPACE: Final = "https://www.w3.org/ns/did#"
METHODS: Final = ("key", "tetrad")
OPTIONS: Final = ("versionId", "versionTime", "noCache", "expandRelativeUrls")
PARAMETERS: Final = (*OPTIONS, "service", "relativeRef")

_STATUS = {
    "INVALID_DID": 400,
    "INVALID_DID_URL": 400,
    "INVALID_OPTIONS": 400,
    "NOT_FOUND": 404,
    "REPRESENTATION_NOT_SUPPORTED": 406,
    "METHOD_NOT_SUPPORTED": 501,
    "FEATURE_NOT_SUPPORTED": 501,
}


class DidError(NamedTuple):
    """Why a DID URL is not resolved: a code of the W3C and the HTTP status that goes with it."""

    code: str
    detail: str

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return _STATUS[self.code]

    def value(self) -> dict[str, Any]:
        """The error object, in the form of problem details (RFC 9457)."""
        return {
            "type": NAMESPACE + self.code,
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "code": f"did.{self.code.lower()}",
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Resolution:
    """A document with its metadata."""

    document: dict[str, Any]
    metadata: dict[str, Any]

    @property
    def deactivated(self) -> bool:
        """Whether the subject is revoked or retired."""
        return bool(self.metadata.get("deactivated"))


@dataclass(frozen=True, slots=True)
class Dereferenced:
    """A part of a document, or the URL of a service (then `content` is None)."""

    content: dict[str, Any] | None
    resolution: Resolution
    location: str = ""


def read_did_url(text: str) -> DidUrl | DidError:
    """A DID URL whose method we know."""
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
        url = parse_did_url(text)
        if parts.method == "tetrad":
            parse_tetrad_did(did)
        else:
            parse_did_key(did)
    except MalformedInput as error:
        return DidError("INVALID_DID" if url_is_valid(text) else "INVALID_DID_URL", error.detail)
    return url


def url_is_valid(text: str) -> bool:
    """Whether a text has the syntax of a DID URL."""
    try:
        parse_did_url(text)
    except MalformedInput:
        return False
    return True


def resolve(store: Store, did: str, options: Mapping[str, str]) -> Resolution | DidError:
    """The document of a DID that `read_did_url` has read, with the options given."""
    for name, value in options.items():
        if name in ("noCache", "expandRelativeUrls") and value not in ("true", "false"):
            return DidError("INVALID_OPTIONS", f"{name} is true or false")
    if did.startswith("did:key:"):
        if "versionId" in options or "versionTime" in options:
            return DidError("FEATURE_NOT_SUPPORTED", "a did:key has no versions")
        return Resolution(did_key_document(parse_did_key(did)), {})
    version = _version(store, did, options)
    if isinstance(version, DidError):
        return version
    newer = store.versions(state_key(("did", did)), limit=1)[0].entry != version.entry
    return _resolution(version, newer=newer)


def _version(store: Store, did: str, options: Mapping[str, str]) -> Version | DidError:
    key = state_key(("did", did))
    wanted, at = options.get("versionId"), options.get("versionTime")
    if wanted is not None and at is not None:
        return DidError("INVALID_OPTIONS", "versionId or versionTime, not both")
    if wanted is not None:
        if not (wanted.isascii() and wanted.isdigit()) or len(wanted) > 15:
            return DidError("INVALID_OPTIONS", "a versionId is the index of a ledger entry")
        found = store.versions(key, limit=1, before=int(wanted) + 1)
        if found and found[0].entry == int(wanted):
            return found[0]
        return DidError("NOT_FOUND", "no such version of this DID")
    if at is not None:
        try:
            parse_time(at)
        except ValueError as error:
            return DidError("INVALID_OPTIONS", f"versionTime: {error}")
        found = store.versions(key, limit=1, before=entries_until(store, at))
        return found[0] if found else DidError("NOT_FOUND", "no such DID at that time")
    found = store.versions(key, limit=1)
    return found[0] if found else DidError("NOT_FOUND", "this DID is not on this ledger")


def _resolution(version: Version, *, newer: bool) -> Resolution:
    record = cast("Subject", orjson.loads(version.record))
    ended = record["status"] in ("revoked", "retired")
    metadata: dict[str, Any] = {
        "created": record["registered"]["time"],
        "updated": record["updated"]["time"],
        "versionId": str(version.entry),
        "status": record["status"],
    }
    if ended:
        metadata["deactivated"] = True
    if newer:
        metadata["isNewest"] = False
    return Resolution(_document(record, ended=ended), metadata)


def _document(record: Subject, *, ended: bool) -> dict[str, Any]:
    device = cast("Device", record) if record["kind"] == "device" else None
    controller = device["controller"] if device else None
    if ended:
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
        for place, endpoint in enumerate(data["endpoints"], 1)
    ]


def _known_as(device: Device) -> list[str]:
    """The codes that lead to it, where they are public and URIs by themselves."""
    values = [code.get("value") for code in codes_of(device)]
    uris = ("https://", "urn:", "did:")
    return [value for value in values if isinstance(value, str) and value.startswith(uris)]


def dereference(
    url: DidUrl, resolution: Resolution, parameters: Mapping[str, str]
) -> Dereferenced | DidError:
    """What a DID URL names within a document (DID Resolution, section on dereferencing)."""
    if url.path:
        return DidError("NOT_FOUND", "paths of a DID name nothing here")
    if "relativeRef" in parameters and "service" not in parameters:
        return DidError("INVALID_DID_URL", "relativeRef goes with service")
    service = parameters.get("service")
    if service is not None:
        for offered in resolution.document.get("service", []):
            if offered["id"].rpartition("#")[2] == service:
                location = offered["serviceEndpoint"] + parameters.get("relativeRef", "")
                return Dereferenced(None, resolution, location)
        return DidError("NOT_FOUND", "no such service in the document")
    if url.fragment is None:
        return Dereferenced(resolution.document, resolution)
    wanted = f"{url.did}#{url.fragment}"
    for part in ("verificationMethod", "service"):
        for member in resolution.document.get(part, []):
            if member["id"] == wanted:
                return Dereferenced(member, resolution)
    return DidError("NOT_FOUND", "nothing in the document has this fragment")
