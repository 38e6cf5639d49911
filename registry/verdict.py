"""The first stage of an audit: what one entry says, as far as it can be known without the state.

Strict reading, canonical bytes, the operation's hash, the signatures under keys that are at hand.
It takes half of the time of an audit and may run in other processes, a bundle of entries at a time:
`check_apart` over a window of chunks, in their order (`multiprocessing`'s `imap` draws them all at
once, which is a whole ledger in memory).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

import orjson

from identity.errors import TetradError
from identity.multibase import digest_multihash
from identity.operation import AnyOperation, check_no_null, check_size, read_operation
from registry.checking import document_digest, verify_proofs
from registry.entry import (
    Entry,
    StateRoot,
    is_state_root,
    parse_any,
    parse_entry,
    split_entry,
)


class Chunk(NamedTuple):
    """Entries `start` and following, and keys by thumbprint that may have signed them."""

    start: int
    entries: list[bytes]
    keys: Mapping[str, str]


class Verdict(NamedTuple):
    """What one entry says, as far as it can be known without the state."""

    hash: str
    pending: list[int]
    """Places of proofs whose keys were not at hand."""
    entry: Entry | None
    operation: AnyOperation | None


Verdicts = list[Verdict | StateRoot | TetradError]


def check_any(data: bytes, index: int, keys: Mapping[str, str]) -> Verdict | StateRoot:
    """As `check_entry`, for an entry of either kind: all that there is to check about the root of
    a state needs the state. Raises TetradError."""
    if not is_state_root(data):
        return check_entry(data, index, keys)
    return cast("StateRoot", parse_any(data, index))


def check_entry(data: bytes, index: int, keys: Mapping[str, str]) -> Verdict:
    """Everything about one entry that needs no state. Raises TetradError."""
    entry = parse_entry(data, index)
    operation = read_operation(entry.operation)
    _, canonical = split_entry(data, index)
    check_no_null(entry.operation, canonical)
    check_size(canonical)
    digest = document_digest(entry.operation)
    pending = verify_proofs(operation, digest, keys.get)
    return Verdict(digest_multihash(digest), pending, entry, operation)


def check_chunk(chunk: Chunk) -> Verdicts:
    """The verdict or the error of each entry."""
    verdicts: Verdicts = []
    for index, data in enumerate(chunk.entries, chunk.start):
        try:
            verdicts.append(check_any(data, index, chunk.keys))
        except TetradError as error:
            verdicts.append(error)
    return verdicts


def check_apart(chunk: Chunk) -> Verdicts:
    """As `check_chunk`, for another process: to read an entry again costs less than to send it."""
    return [
        verdict._replace(entry=None, operation=None) if isinstance(verdict, Verdict) else verdict
        for verdict in check_chunk(chunk)
    ]


def reread(data: bytes, index: int) -> Entry:
    """An entry whose form was checked before, in another process."""
    value = orjson.loads(data)
    return Entry(
        index, value["time"], value["previous"], value["operation"], value.get("unique", {})
    )
