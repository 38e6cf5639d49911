"""specs/vectors/ledger: entries, the tree over them, checkpoints, receipts and histories.

One small ledger with an operation of most types and two roots of its state; hashes are in
hexadecimal, notes as their text.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, cast

from identity.jcs import Json, canonicalize
from identity.members import parse_time
from identity.operation import operation_hash, read_operation
from registry.checkpoint import Checkpoint
from registry.entry import Entry, parse_any, parse_entry, split_entry
from registry.merkle import leaf_hash, root_at
from registry.note import sign_note
from registry.reader import LedgerReader
from registry.state import Changes, Key, MemoryState, linked
from registry.tile import subtree_reader
from tests.factory import LOG, ORIGIN, RULES, Signed, Subject
from tests.generated import file
from tests.scenarios import Town

Operations = list[Signed | None]


def small_ledger() -> tuple[Town, Operations]:
    """A town in which a meter lives its life, an entry a minute, and the operations in order; None
    for a root of the state."""
    town = Town()
    meter = town.new_device("M-1", town.acme, number="1440000000001")
    assert meter.first is not None
    told = [one.first for one in (town.acme, town.beta)]
    operations: Operations = [town.genesis, *told, _granted(town)]

    def happens(signed: Signed) -> None:
        town.now += 60
        town.accept(signed)
        operations.append(signed)

    def follows(subject: Subject, type_: str, body: dict[str, Any], *by: Subject) -> None:
        town.now += 60
        signed = town.follow(subject, type_, body, by=by)
        town.now -= 60
        happens(signed)

    def closes() -> None:
        town.ledger.close(town.now)
        operations.append(None)

    happens(meter.first)
    closes()
    follows(meter, "number.rebind", {"number": "none"}, town.acme, meter)
    happens(town.rotate(town.acme))
    happens(town.supervise(meter, "status.suspend", "a doubt", town.authority))
    happens(town.supervise(meter, "status.resume", "none left", town.authority))
    follows(meter, "device.update", {"parent": "none"}, town.acme)
    follows(meter, "status.retire", {"reason": "worn out"}, town.acme)
    closes()
    return town, operations


def _granted(town: Town) -> Signed:
    """The grant as it stands in the ledger."""
    return Signed(parse_entry(LedgerReader(town.store).entry(3), 3).operation, [])


def _hex(nodes: list[bytes]) -> list[str]:
    return [node.hex() for node in nodes]


def _entries(town: Town, operations: Operations) -> dict[str, Any]:
    reader = LedgerReader(town.store)
    shown: list[dict[str, Any]] = []
    for index, signed in enumerate(operations):
        entry = reader.entry(index)
        one = {"index": index, "entry": entry.decode(), "leaf hash": leaf_hash(entry).hex()}
        if signed is not None:
            context, _ = split_entry(entry, index)
            one["type"] = signed.operation["type"]
            one["operation hash"] = signed.hash
            one["context"] = context.decode()
        shown.append(one)
    return {
        "description": "An entry is JCS; `previous` is the leaf hash of the one before.",
        "entries": shown,
    }


def _histories(town: Town) -> dict[str, Any]:
    """Every version of every record, replayed out of the entries alone."""
    state, versions = MemoryState(), dict[Key, list[dict[str, Any]]]()
    written: list[tuple[int, bytes]] = []
    for index, data in enumerate(town.store.entries(0, LedgerReader(town.store).head().size)):
        entry = parse_any(data, index)
        changes: Changes = {}
        if isinstance(entry, Entry):
            operation, hashed = read_operation(entry.operation), operation_hash(entry.operation)
            now = parse_time(entry.time)
            changes = RULES.apply(state, operation, hashed, entry.unique, now)
            changes = linked(state, changes, leaf_hash(data))
        state.advance(changes)
        for key, record in changes.items():
            text = canonicalize(cast("Json", record))
            versions.setdefault(key, []).append({"entry": index, "record": text.decode()})
            written.append((index, text))
    assert [(one.entry, one.record) for one in town.store.written(0, 999)] == written
    return {
        "description": "Versions of each record, each as the entry left it. A history is"
        " SHA-256(the history before it, or 32 zero bytes, and the leaf hash of the entry); the"
        " root in an entry is that of the map over the newest records before it.",
        "records": [{"key": list(key), "versions": found} for key, found in versions.items()],
    }


def _tree(size: int, reader: LedgerReader, town: Town) -> dict[str, Any]:
    read = subtree_reader(town.store.tile)
    inclusion = [
        {"index": index, "size": n, "hashes": _hex(reader.inclusion(index, n))}
        for n in range(1, size + 1)
        for index in sorted({0, n // 2, n - 1})
    ]
    consistency = [
        {"from": first, "to": second, "hashes": _hex(reader.consistency(first, second))}
        for second in range(1, size + 1)
        for first in sorted({1, second // 2 or 1, second})
    ]
    return {
        "description": "The tree over the entries of entries.json (RFC 6962).",
        "empty root": sha256(b"").hexdigest(),
        "roots": [{"size": n, "root": root_at(n, read).hex()} for n in range(1, size + 1)],
        "inclusion": inclusion,
        "consistency": consistency,
    }


def _checkpoint(town: Town) -> dict[str, Any]:
    head = LedgerReader(town.store).head()
    text = Checkpoint(ORIGIN, head.size, head.root).format()
    return {
        "description": "A signed note. (ML-DSA-44 signs with fresh randomness: specs/examples.)",
        "key": str(LOG.key),
        "seed": sha256(b"log").hexdigest(),
        "body": text,
        "note": sign_note(text, [LOG], town.now).decode(),
    }


def _receipts(town: Town, operations: Operations) -> dict[str, Any]:
    asked = [(index, signed) for index, signed in enumerate(operations) if signed is not None]
    made = LedgerReader(town.store).receipts([index for index, _ in asked])
    return {
        "description": "Receipts under the checkpoint of the last commit.",
        "genesis": town.ledger_hash,
        "key": str(LOG.key),
        "receipts": [
            {"index": index, "operation": signed.operation, "receipt": receipt.decode()}
            for (index, signed), receipt in zip(asked, made, strict=True)
        ],
    }


def files() -> dict[str, bytes]:
    """Five files about one ledger."""
    town, operations = small_ledger()
    reader = LedgerReader(town.store)
    size = reader.head().size
    assert size == len(operations)
    made = {
        "entries": _entries(town, operations),
        "tree": _tree(size, reader, town),
        "checkpoint": _checkpoint(town),
        "receipts": _receipts(town, operations),
        "history": _histories(town),
    }
    return {f"vectors/ledger/{name}.json": file(value) for name, value in made.items()}
