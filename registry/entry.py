"""Entries of the ledger: an operation, its place, its time, and the hash of the entry before.

    {"index": 21, "operation": {…}, "previous": "9f86d0…", "time": "2026-11-22T08:00:00Z",
     "unique": {"/body/object/serial": "…"}}
    {"index": 22, "previous": "60303a…", "state_root": "fd61a0…", "time": "2026-11-22T08:00:00Z"}

An entry of the second kind closes a tree that is published: the root of the state map over all
entries before it. An entry is the JCS of its object, and `previous` is the leaf hash of the entry
before it, in hexadecimal, so that the chain can be followed with sha256sum and patience: the leaf
hash is SHA-256 over a zero byte and the entry's bytes (RFC 6962, section 2.1). Since `operation`
sorts between `index` and `previous`, an entry is spliced together from bytes that are canonical
already, and a receipt that carries the rest lets whoever holds the operation rebuild it.
Specified in specs/2-registry.md, "Entries".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from identity.errors import InvalidReceipt, LedgerTampered, TetradError
from identity.jcs import Json, canonicalize, canonicalize_profile, parse
from identity.members import parse_time

FIRST_PREVIOUS = "0" * 64
"""`previous` of the first entry."""

MAX_ENTRY_BYTES = 65_535

_HEX = re.compile("[0-9a-f]{64}").fullmatch


@dataclass(frozen=True, slots=True)
class Entry:
    """A parsed entry; `unique` is empty where the entry has none."""

    index: int
    time: str
    previous: str
    operation: dict[str, Json]
    unique: dict[str, str]


@dataclass(frozen=True, slots=True)
class StateRoot:
    """A parsed entry that states the root of the state map."""

    index: int
    time: str
    previous: str
    root: bytes


def state_root_entry(index: int, time: str, previous: str, root: bytes) -> bytes:
    """The bytes of such an entry."""
    members = {"index": index, "previous": previous, "state_root": root.hex(), "time": time}
    return canonicalize_profile(cast("Json", members))


def is_state_root(data: bytes) -> bool:
    """Whether canonical bytes of an entry are of that kind; `operation` would stand there."""
    return data.partition(b",")[2].startswith(b'"previous":')


def entry_context(index: int, time: str, previous: str, unique: Mapping[str, str]) -> bytes:
    """The entry without its operation: the `extra` of a receipt."""
    members: dict[str, Any] = {"index": index, "previous": previous, "time": time}
    if unique:
        members["unique"] = dict(unique)
    return canonicalize_profile(members)


def join_entry(context: bytes, operation: bytes) -> bytes:
    """The entry out of its context and the JCS bytes of the signed operation.

    Raises InvalidReceipt where the context is not one that `entry_context` writes.
    """
    place = context.find(b',"previous":')
    if not context.startswith(b'{"index":') or place < 0:
        raise InvalidReceipt("the receipt does not carry the rest of an entry")
    return context[:place] + b',"operation":' + operation + context[place:]


def split_entry(data: bytes, index: int) -> tuple[bytes, bytes]:
    """The context and the operation's bytes of a stored entry, without parsing it.

    `previous` is the last member of that name: what follows it holds no quotation mark before its
    own value, so the search from the right finds it whatever the operation says.
    """
    start = len(b'{"index":,"operation":') + len(str(index))
    end = data.rfind(b',"previous":"')
    return data[: start - len(b',"operation":')] + data[end:], data[start:end]


def parse_entry(data: bytes, index: int) -> Entry:
    """An entry with an operation. Raises LedgerTampered unless these are its canonical bytes."""
    entry = parse_any(data, index)
    if isinstance(entry, StateRoot):
        raise LedgerTampered("a state root stands where an operation should", index=index)
    return entry


def parse_any(data: bytes, index: int) -> Entry | StateRoot:
    """An entry of either kind. Raises LedgerTampered unless these are its canonical bytes."""
    try:
        value = parse(data, max_bytes=MAX_ENTRY_BYTES)
        if not isinstance(value, dict) or canonicalize(value) != data:
            raise LedgerTampered("an entry is not canonical JSON", index=index)
    except LedgerTampered:
        raise
    except TetradError as error:
        raise LedgerTampered(f"an entry cannot be read: {error.detail}", index=index) from None
    return read_entry(value, index)


def read_entry(value: Json, index: int) -> Entry | StateRoot:
    """An entry of either kind, out of JSON that was read strictly. Raises LedgerTampered."""
    if not isinstance(value, dict):
        raise LedgerTampered("an entry is an object", index=index)
    unique = value.get("unique", {})
    closing = "state_root" in value
    named = {"index", "time", "previous", "state_root" if closing else "operation"}
    if (
        set(value) - (set() if closing else {"unique"}) != named
        or type(value["index"]) is not int  # true is 1, to Python
        or value["index"] != index
        or not isinstance(value["time"], str)
        or not isinstance(value["previous"], str)
        or not isinstance(unique, dict)
        or ("unique" in value and not unique)
        or not all(isinstance(hashed, str) for hashed in unique.values())
        or not all(pointer.startswith("/") for pointer in unique)  # RFC 6901
    ):
        raise LedgerTampered("an entry does not have the members of one", index=index)
    try:
        parse_time(value["time"])
    except ValueError:
        raise LedgerTampered("an entry's time is none", index=index) from None
    if closing:
        root = value["state_root"]
        if not isinstance(root, str) or not _HEX(root):
            raise LedgerTampered("a state root is 64 hexadecimal digits", index=index)
        return StateRoot(index, value["time"], value["previous"], bytes.fromhex(root))
    if not isinstance(value["operation"], dict):
        raise LedgerTampered("an entry does not have the members of one", index=index)
    return Entry(
        index,
        value["time"],
        value["previous"],
        value["operation"],
        cast("dict[str, str]", unique),
    )
