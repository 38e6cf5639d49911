"""specs/vectors/ledger: entries, the tree over them, checkpoints and receipts.

One small ledger with an operation of most types; hashes are in hexadecimal, notes as their text.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from registry.checkpoint import Checkpoint
from registry.entry import parse_entry, split_entry
from registry.merkle import leaf_hash, root_at
from registry.note import sign_note
from registry.reader import LedgerReader
from registry.tile import subtree_reader
from tests.factory import LOG, ORIGIN, Signed, Subject
from tests.generated import file
from tests.scenarios import Town


def small_ledger() -> tuple[Town, list[Signed]]:
    """A town in which a meter lives its life, an entry a minute, and the operations in order."""
    town = Town()
    meter = town.new_device("M-1", town.acme, number="1440000000001")
    assert meter.first is not None
    told = [one.first for one in (town.acme, town.beta)]
    operations = [town.genesis, *(one for one in told if one is not None), _granted(town)]

    def happens(signed: Signed) -> None:
        town.now += 60
        town.accept(signed)
        operations.append(signed)

    def follows(subject: Subject, type_: str, body: dict[str, Any], *by: Subject) -> None:
        town.now += 60
        signed = town.follow(subject, type_, body, by=by)
        town.now -= 60
        happens(signed)

    happens(meter.first)
    follows(meter, "number.rebind", {"number": "none"}, town.acme, meter)
    happens(town.rotate(town.acme))
    happens(town.supervise(meter, "status.suspend", "a doubt", town.authority))
    happens(town.supervise(meter, "status.resume", "none left", town.authority))
    follows(meter, "device.update", {"parent": "none"}, town.acme)
    follows(meter, "status.retire", {"reason": "worn out"}, town.acme)
    return town, operations


def _granted(town: Town) -> Signed:
    """The grant as it stands in the ledger."""
    return Signed(parse_entry(LedgerReader(town.store).entry(3), 3).operation, [])


def _hex(nodes: list[bytes]) -> list[str]:
    return [node.hex() for node in nodes]


def _entries(town: Town, operations: list[Signed]) -> dict[str, Any]:
    reader = LedgerReader(town.store)
    shown = []
    for index, signed in enumerate(operations):
        entry = reader.entry(index)
        context, _ = split_entry(entry, index)
        shown.append(
            {
                "index": index,
                "type": signed.operation["type"],
                "operation hash": signed.hash,
                "context": context.decode(),
                "entry": entry.decode(),
                "leaf hash": leaf_hash(entry).hex(),
            }
        )
    return {
        "description": "An entry is JCS; `previous` is the leaf hash of the one before.",
        "entries": shown,
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


def _receipts(town: Town, operations: list[Signed]) -> dict[str, Any]:
    made = LedgerReader(town.store).receipts(range(len(operations)))
    return {
        "description": "Receipts under the checkpoint of the last commit, by index.",
        "genesis": town.ledger_hash,
        "key": str(LOG.key),
        "receipts": [
            {"operation": signed.operation, "receipt": receipt.decode()}
            for signed, receipt in zip(operations, made, strict=True)
        ],
    }


def files() -> dict[str, bytes]:
    """Four files about one ledger."""
    town, operations = small_ledger()
    reader = LedgerReader(town.store)
    size = reader.head().size
    assert size == len(operations)
    made = {
        "entries": _entries(town, operations),
        "tree": _tree(size, reader, town),
        "checkpoint": _checkpoint(town),
        "receipts": _receipts(town, operations),
    }
    return {f"vectors/ledger/{name}.json": file(value) for name, value in made.items()}
