"""The state: what the ledger's operations add up to, as records under keys.

    ("did", "did:tetrad:…")           a device, an organization, or the authority
    ("registry",)                     this ledger: its authority, policy and log keys
    ("code", scheme, value)           the device that bears a code (if committed, by keyed hash)
    ("number", scheme, keyed hash)    the device on which a number is active, if any
    ("object", keyed hash)            the device that is that maker's model and serial
    ("key", thumbprint)               the subject to which a key belongs, for ever
    ("prefix", *segments)             the grant of a prefix, and how many grants lie below it
    ("prefix", namespace)             also: the depths at which this namespace has prefixes
    ("grant", operation hash)         a grant of a right
    ("held", "admit", holder)         the grants to admit that a party holds
    ("held", "make", holder, maker)   the grants that it holds to use one maker's name
    ("held", "credential", holder, granter)   the accreditations that one party gave it
    ("node", label)                   the ledger with that label, and the grants that name it
    ("enrolment", grant)              how many devices were registered under a grant to enrol
    ("serial", grant, serial)         that no device with this serial is enrolled under it
    ("links", scheme, value)          where a code leads to, beside its device
    ("operation", operation hash)     where an operation that created no DID stands in the ledger

Records are JSON objects with ASCII names and integers, so that their canonical bytes are one.
A record is never removed. Each carries its `history`, a chain over the leaf hashes of the entries
that made it, so that nobody can leave one out; the ledger adds it, the rules do not see it.
Specified in specs/2-registry.md, "State".
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, Literal, NotRequired, Protocol, TypedDict, cast

from identity.jcs import Json, canonicalize_profile

Key = tuple[str, ...]


class Stamp(TypedDict):
    """An entry of the ledger and its time."""

    entry: int
    time: str


class Recovering(TypedDict):
    """What a quorum has asked for, and since when it may be had."""

    begun: str
    """Operation hash of the recovery.begin."""
    ready: str
    """The time from which it can be finished."""
    keys: list[str]
    next: list[str]
    recovery: Json


class Offered(TypedDict):
    """A controller's offer of a device."""

    operation: str
    """Hash of the transfer.offer."""
    to: str
    notAfter: str


class Subject(TypedDict):
    """What every DID has."""

    did: str
    kind: Literal["device", "organization", "authority"]
    status: Literal["active", "suspended", "revoked", "retired"]
    suspendedBy: list[str]
    reason: NotRequired[str]
    orders: dict[str, str]
    """`created` of the last suspension by each party, or of what lifted it."""
    keys: list[str]
    next: list[str]
    recovery: Json
    appointed: NotRequired[str]
    """Hash of the operation that set `recovery`; absent while it is the registration's."""
    recovering: NotRequired[Recovering]
    cancelled: NotRequired[str]
    """Hash of the recovery.begin that a rotation cancelled: this quorum's next attempt stands."""
    sequence: int
    previous: str
    registered: Stamp
    updated: Stamp
    alsoKnownAs: NotRequired[list[str]]
    """Each was made of a key that the subject had in force when it named it."""


class Organization(Subject):
    """An organization, or the authority."""

    name: str
    uscc: NotRequired[str]
    prefixes: int
    """How many prefixes it took for itself in a sandbox."""


class Alias(TypedDict):
    """A code that was wrong, and was corrected: it stays the device's, and nobody else's."""

    code: dict[str, Json]
    until: Stamp


class Device(Subject):
    """A device and its four ones."""

    controller: str
    offer: NotRequired[Offered]
    object: dict[str, Json]
    code: dict[str, Json]
    aliases: NotRequired[list[Alias]]
    """Its codes before, the oldest first."""
    number: Json
    data: Json
    version: int
    """The highest version that its data record ever had; 0 before the first."""
    enrolment: NotRequired[str]
    """The grant under which its certificate stood for the signatures of organizations."""


class Replaced(TypedDict):
    """The log's keys before those of `log`."""

    log: list[str]
    entry: int
    """Of the update that replaced them: they sign every tree up to and with that entry."""


class Registry(TypedDict):
    """The ledger itself, out of its genesis and the updates since."""

    authority: str
    origin: str
    mode: Literal["permissioned", "sandbox"]
    ledger: str
    log: list[str]
    policy: dict[str, Json]
    uniqueness: dict[str, Json]
    witnesses: NotRequired[str]
    replaced: NotRequired[Replaced]
    """Absent while the log's keys are those of the genesis."""


class Bearer(TypedDict):
    """The record of a code, an object or a key: whose it is."""

    did: str


class NumberRecord(TypedDict):
    """`did` is absent while the number is free."""

    did: NotRequired[str]
    since: str


class PrefixRecord(TypedDict):
    """A node of the tree of prefixes."""

    grant: NotRequired[str]
    below: int
    """How many active grants lie strictly below."""
    depths: NotRequired[list[int]]
    """At a namespace: the numbers of segments, ascending, at which a prefix was ever granted."""


class GrantRecord(TypedDict):
    """A right, from whom, to whom, within which bounds."""

    grant: str
    right: str
    issuer: str
    to: str
    scope: dict[str, Json]
    under: NotRequired[str]
    """Of an accreditation that was passed on: the grant of which it is a part."""
    notAfter: NotRequired[str]
    status: Literal["active", "withdrawn"]
    reason: NotRequired[str]
    issued: Stamp
    withdrawn: NotRequired[Stamp]


class HeldRecord(TypedDict):
    """Operation hashes of the grants of one right that one party holds, withdrawn ones left out."""

    grants: list[str]


class NodeRecord(TypedDict):
    """A ledger that grants of prefixes name, by its label."""

    ledger: str
    """Operation hash of its genesis; that of all the grants, whatever else has this label."""
    grants: list[str]
    """Operation hashes, those that the authority gave first; withdrawn ones left out."""
    named: Stamp
    """When it was first named."""


class EnrolmentRecord(TypedDict):
    """What became of a grant to enrol."""

    enrolled: int
    """Devices that were registered under it, whatever their state is."""


class SerialRecord(TypedDict):
    """A serial that is revoked under a grant."""

    reason: str
    revoked: Stamp


class LinksRecord(TypedDict):
    """Where a code leads to."""

    anchor: dict[str, str]
    by: str
    """The organization that set them."""
    description: NotRequired[str]
    links: list[dict[str, Json]]
    updated: Stamp


class OperationRecord(TypedDict):
    """Where an operation stands."""

    entry: int
    by: NotRequired[str]
    """Of a suspension or resumption: whose it is, since the hash does not cover the proof."""


Record = (
    Organization
    | Device
    | Registry
    | Bearer
    | NumberRecord
    | PrefixRecord
    | GrantRecord
    | HeldRecord
    | NodeRecord
    | EnrolmentRecord
    | SerialRecord
    | LinksRecord
    | OperationRecord
)

Changes = dict[Key, Record]


class State(Protocol):
    """What the rule book reads: the records as of `size` entries."""

    @property
    def size(self) -> int:
        """Entries so far: the index of the entry that is being decided on."""
        ...

    def get(self, key: Key) -> Record | None:
        """The present record under a key, or None. The caller never changes it."""
        ...


class MemoryState:
    """A state in a dictionary: for vectors and tests, and the overlay of a batch over another."""

    def __init__(self, base: State | None = None, records: Changes | None = None) -> None:
        self._base = base
        self._size = base.size if base else 0
        self.records: Changes = records or {}

    @property
    def size(self) -> int:
        """Entries so far."""
        return self._size

    def get(self, key: Key) -> Record | None:
        """The record here, else in the state below."""
        found = self.records.get(key)
        if found is None and self._base is not None:
            return self._base.get(key)
        return found

    def advance(self, changes: Changes) -> None:
        """Takes the changes of one entry."""
        self.records.update(changes)
        self._size += 1


@lru_cache(maxsize=16_384)
def state_key(key: Key) -> bytes:
    """SHA-256(JCS [kind, id…]): where a record stands in every store and in the state map."""
    return sha256(canonicalize_profile(list(key))).digest()


FIRST_HISTORY: Final = bytes(32)


def next_history(history: bytes, leaf: bytes) -> bytes:
    """The history of a record after one more entry: SHA-256(history ‖ leaf hash)."""
    return sha256(history + leaf).digest()


def linked(state: State, changes: Changes, leaf: bytes) -> Changes:
    """The changes of an entry, each record with its history; `state` is the one before them."""
    found: dict[Key, Any] = {}
    for key, record in changes.items():
        before = cast("dict[str, str] | None", state.get(key))
        history = bytes.fromhex(before["history"]) if before else FIRST_HISTORY
        found[key] = {**record, "history": next_history(history, leaf).hex()}
    return found


def codes_of(device: Device) -> list[dict[str, Json]]:
    """The codes that lead to a device: the one that it bears, then its former ones."""
    return [device["code"], *(alias["code"] for alias in device.get("aliases", ()))]


def bears(device: Device, key: Key) -> bool:
    """Whether a code, by its key of the state, leads to a device, now or no longer on its label."""
    return any(
        key == ("code", code["scheme"], code.get("unique", code.get("value")))
        for code in codes_of(device)
    )


def subject_of(state: State, did: str) -> Device | Organization | None:
    """The record of a DID."""
    return cast("Device | Organization | None", state.get(("did", did)))
