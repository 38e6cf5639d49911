"""Which content of a data record is shown to whom: by its grade, and by the policy in force now.

    found = data_now(store, did)                   # DataVersion(data, entry, time)
    grade_in_force(device["data"], found.data)     # "important"
    opened_by(device, asker, verified)             # Opening("credential", {...}), or None

General data is for anyone. Important data is for the device's controller and maker, for the parties
that the policy names, and for whoever shows one of the credentials that it names. Core data is for
nobody: it is not here. An earlier version stands under the policy of the present record, and under
the stricter of the two grades: to tighten a policy tightens it for all that there was. Pure over a
store. Specified in specs/3-resolution.md, "Graded data".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, cast

import orjson

from identity.disclosure import CODE, DATA, NUMBER, SERIAL, disclosure_digest, open_disclosure
from identity.errors import MalformedInput, NotFound
from identity.jcs import Json, canonicalize
from identity.members import parse_time
from registry.reader import LedgerReader
from registry.state import Device, state_key
from registry.store import Store, Version
from resolver.resolution import entries_until

GRADES: Final = ("general", "important", "core")
"""From the most open to the closed one."""
ERASABLE: Final = {"serial": SERIAL, "number": NUMBER, "code": CODE}
"""Beside the content of data: disclosures that nothing asks for once they were checked."""
MOST_CHANGES: Final = 16_384
"""Changes of a device that are looked through for a content: who erases looks through all."""
_FIRST_PAGE: Final = 16
_LARGEST_PAGE: Final = 4_096


class DataVersion(NamedTuple):
    """A version of a device's data record."""

    data: dict[str, Any]
    entry: int
    """That set it."""
    time: str


class Verified(NamedTuple):
    """A credential that the asker has shown, and that holds now."""

    type: str
    issuer: str
    digest: str
    """base64url(SHA-256(JCS)) of the credential."""


class Opening(NamedTuple):
    """Why important data is shown to somebody."""

    role: Literal["controller", "maker", "party", "credential"]
    credential: Verified | None = None


def data_now(store: Store, did: str) -> DataVersion:
    """The present data record. Raises NotFound."""
    return _newest(store, did)


def data_at(store: Store, did: str, at: str) -> DataVersion:
    """The data record at a time, RFC 3339 in UTC. Raises NotFound, MalformedInput."""
    try:
        parse_time(at)
    except ValueError as error:
        raise MalformedInput(f"at: {error}", pointer="/at") from None
    return _newest(store, did, before=entries_until(store, at))


def data_version(store: Store, did: str, version: int) -> DataVersion:
    """A version by its number. Raises NotFound."""
    return _newest(store, did, version=version)


def _newest(
    store: Store, did: str, *, before: int | None = None, version: int | None = None
) -> DataVersion:
    """The newest data record, or the one of that version, with the entry that set it."""
    found: tuple[dict[str, Any], Version] | None = None
    same = b""
    for one in _versions(store, did, before, most=MOST_CHANGES):
        if found is not None and same in one.record:
            found = found[0], one
            continue
        data: Any = orjson.loads(one.record)["data"]
        present = None if data == "none" else data["version"]
        if found is None and version not in (None, present):
            continue  # a later one, or none for a while
        if present is None or found is not None:
            break
        found = data, one
        same = b'"data":' + canonicalize(data) + b',"did":'  # as it stands in a canonical record
    if found is None:
        raise NotFound(
            "the device has no such data record", hint="tetrad history CODE shows what was set"
        )
    time = orjson.loads(found[1].record)["updated"]["time"]
    return DataVersion(found[0], found[1].entry, time)


def _versions(
    store: Store, did: str, before: int | None = None, *, most: int | None = None
) -> Iterator[Version]:
    """The device's records, the newest first; `most` of them are looked at. Each page is larger
    than the one before, since a store counts its way to a page from the newest on."""
    limit, seen = _FIRST_PAGE, 0
    while True:
        page = store.versions(state_key(("did", did)), limit=limit, before=before)
        yield from page
        seen += len(page)
        if len(page) < limit:
            return
        if most is not None and seen >= most:
            raise NotFound(f"that is more than {most:,} changes of the device ago")
        before, limit = page[-1].entry, min(4 * limit, _LARGEST_PAGE)


def disclosure_of(store: Store, did: str, commitment: str) -> tuple[str | None, bool]:
    """The disclosure of a content, with whichever version of the record it came; and whether one
    was erased."""
    erased = False
    for entry in _committing(store, did, commitment, most=MOST_CHANGES):
        for text in store.disclosures(entry):
            if disclosure_digest(text) == commitment and open_disclosure(text).name == DATA:
                return text, False
        erased = erased or commitment in store.erased(entry)
    return None, erased


def content_to_erase(store: Store, did: str, commitment: str) -> list[tuple[int, list[str]]]:
    """Entries with what of theirs discloses a content. It may be empty where all of it was erased
    already: that is completed again. Raises NotFound where there never was any."""
    found: list[tuple[int, list[str]]] = []
    for entry in _committing(store, did, commitment):
        found += _disclosing(store, entry, commitment)
    return found or _nothing()


def values_to_erase(
    store: Store, reader: LedgerReader, did: str, pointer: str
) -> list[tuple[int, list[str]]]:
    """Entries with what of theirs discloses a device's serial, code or numbers, past ones too.
    Raises NotFound."""
    found: list[tuple[int, list[str]]] = []
    for one in _versions(store, did):
        operation = orjson.loads(reader.entry(one.entry)).get("operation", {})
        # A number that moves changes two devices, and is disclosed for the one that gets it.
        own = operation.get("subject") == did or _registers(one)
        commitment = _at(operation, pointer) if own else None
        if commitment is not None:
            found += _disclosing(store, one.entry, commitment)
    return found or _nothing()


def _registers(version: Version) -> bool:
    """Whether the device's registration made this version."""
    registered: int = orjson.loads(version.record)["registered"]["entry"]
    return registered == version.entry


def _at(operation: Any, pointer: str) -> str | None:  # noqa: ANN401 - JSON
    """The commitment at the pointer, where the operation has one there."""
    value = operation
    for step in pointer.split("/")[1:]:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def _disclosing(store: Store, entry: int, commitment: str) -> list[tuple[int, list[str]]]:
    """The entry with what of its own discloses this, if anything ever did."""
    texts = [one for one in store.disclosures(entry) if disclosure_digest(one) == commitment]
    return [(entry, texts)] if texts or commitment in store.erased(entry) else []


def _nothing() -> list[tuple[int, list[str]]]:
    raise NotFound("nothing of it was ever disclosed here")


def _committing(
    store: Store, did: str, commitment: str, *, most: int | None = None
) -> Iterator[int]:
    """The entries that made records with this commitment."""
    member = f'"commitment":"{commitment}"'.encode()
    for one in _versions(store, did, most=most):
        if member in one.record:
            data: Any = orjson.loads(one.record)["data"]
            if data != "none" and data["commitment"] == commitment:
                yield one.entry


def grade_in_force(present: Json, shown: Mapping[str, Any]) -> str:
    """The stricter of the grade that a version had and the one that the record has now."""
    now = present["grade"] if isinstance(present, dict) else "general"
    return max(str(now), str(shown["grade"]), key=GRADES.index)


def policy_of(device: Device) -> dict[str, Any]:
    """The policy in force; empty where controller and maker alone read."""
    data: Any = device["data"]
    policy: dict[str, Any] = data.get("policy", {}) if data != "none" else {}
    return policy


def opened_by(device: Device, did: str, verified: Sequence[Verified] = ()) -> Opening | None:
    """Why this party may read the device's important data; None where it may not."""
    if did == device["controller"]:
        return Opening("controller")
    if did == device["object"]["maker"]:
        return Opening("maker")
    policy = policy_of(device)
    if did in policy.get("parties", ()):
        return Opening("party")
    for shown in verified:
        if is_wanted(policy, shown.type, shown.issuer):
            return Opening("credential", shown)
    return None


def is_wanted(policy: Mapping[str, Any], type_: str, issuer: str) -> bool:
    """Whether a credential of this type and issuer satisfies a policy."""
    return any(
        wanted["type"] == type_ and wanted.get("issuer", issuer) == issuer
        for wanted in policy.get("credentials", ())
    )


def satisfies(device: Device) -> dict[str, Json]:
    """What an asker is told would let it read: all of it stands in the public record."""
    return {
        "controller": device["controller"],
        "maker": cast("str", device["object"]["maker"]),
        **policy_of(device),
    }
