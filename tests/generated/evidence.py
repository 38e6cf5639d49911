"""specs/vectors/ledger/evidence.json: what proves that a log misbehaved, and what does not.

Two histories of one ledger, whose keys are an Ed25519 key and one of cosignatures, which dates
(ML-DSA-44, which dates elsewhere, never signs the same bytes twice).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from identity.members import format_time
from registry import evidence
from registry.checkpoint import Checkpoint
from registry.entry import state_root_entry
from registry.merkle import Read, inclusion_proof, leaf_hash, prefix_path, root_at
from registry.note import SignatureType, Signer, sign_note
from registry.tile import changed_tiles, subtree_reader
from tests.factory import LOG, NOW, ORIGIN, City, Maker
from tests.generated import file

DATES = Signer(ORIGIN, SignatureType.ED25519_COSIGNATURE, sha256(b"log").digest())
STRANGER = Signer(ORIGIN, SignatureType.ED25519, sha256(b"stranger").digest())


class History:
    """Entries of a log, its tree, and what it signs."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = list(entries)
        tiles = changed_tiles(0, [leaf_hash(entry) for entry in entries], lambda _, __: b"")
        held = {(tile.level, tile.n): tile.data for tile in tiles}
        self.read: Read = subtree_reader(lambda level, n: held[level, n])

    def note(self, size: int, time: int = 0, signer: Signer = LOG) -> bytes:
        """A checkpoint, dated where a time is given."""
        text = Checkpoint(ORIGIN, size, root_at(size, self.read)).format()
        return sign_note(text, [signer, DATES] if time else [signer], time)

    def path(self, size1: int, size2: int) -> list[bytes]:
        """The roots of two sizes out of one tree."""
        return prefix_path(size1, size2, self.read)

    def shown(self, first: int, last: int) -> list[evidence.ShownEntry]:
        """Entries and their inclusion proofs in the whole tree."""
        size = len(self.entries)
        return [
            evidence.ShownEntry(self.entries[n], inclusion_proof(n, size, self.read))
            for n in range(first, last + 1)
        ]


def histories() -> tuple[History, History]:
    """Ten entries; and ten of which the last seven are others."""
    found = []
    for name in ("true", "other"):
        city = City()
        for n in range(2):
            city.organization(f"Same {n}")
        for n in range(7):
            city.organization(f"{name} {n}")
        found.append(History(city.store.entries(0, 10)))
    return found[0], found[1]


def _forks(true: History, other: History, who: tuple[str, Any]) -> list[dict[str, Any]]:
    fork, path = evidence.fork, other.path
    two = "it signed {} entries that do not begin with the {} it signed".format
    unproved = "evidence.unproved"
    return [
        _vector("fork of one size", fork(*who, true.note(10), other.note(10)),
                said="it signed two trees of 10 entries"),
        _vector("fork of two sizes", fork(*who, true.note(5), other.note(10), path(5, 10)),
                said=two(10, 5)),
        _vector("fork at a power of two", fork(*who, true.note(4), other.note(10), path(4, 10)),
                said=two(10, 4)),
        _vector("fork, the larger first", fork(*who, other.note(10), true.note(9), path(9, 10)),
                said=two(10, 9)),
        _vector("one tree twice", fork(*who, true.note(10), true.note(10, NOW)), error=unproved),
        _vector("the larger extends the smaller",
                fork(*who, true.note(5), true.note(10), true.path(5, 10)), error=unproved),
        _vector("fork after which both agree",
                fork(*who, true.note(3), other.note(10), path(3, 10)), error=unproved),
        _vector("proof out of another tree",
                fork(*who, true.note(5), other.note(10), true.path(5, 10)), error=unproved),
        _vector("proof too short",
                fork(*who, true.note(5), other.note(10), path(5, 10)[:-1]), error=unproved),
        _vector("no proof", fork(*who, true.note(5), other.note(10)), error=unproved),
        _vector("signed by a stranger",
                fork(*who, true.note(10), other.note(10, signer=STRANGER)),
                error="evidence.checkpoint"),
        _vector("another ledger", fork("zQmOther", who[1], true.note(10), other.note(10)),
                error=unproved),
    ]  # fmt: skip


def _rollbacks(true: History, who: tuple[str, Any]) -> list[dict[str, Any]]:
    rollback, unproved = evidence.rollback, "evidence.unproved"
    later, before = true.note(8, NOW + 1), true.note(10, NOW)
    return [
        _vector("smaller and dated later", rollback(*who, before, later),
                said="it signed 8 entries later than 10"),
        _vector("smaller and of the same date", rollback(*who, before, true.note(8, NOW)),
                error=unproved),
        _vector("smaller and not dated", rollback(*who, before, true.note(8)), error=unproved),
        _vector("larger and dated later", rollback(*who, later, true.note(10, NOW + 2)),
                error=unproved),
    ]  # fmt: skip


def _entries(true: History, who: tuple[str, Any]) -> list[dict[str, Any]]:
    first, second = true.entries[:2]
    root = state_root_entry(2, format_time(NOW), leaf_hash(second).hex(), bytes(32))
    twice = state_root_entry(3, format_time(NOW), leaf_hash(root).hex(), bytes(32))
    cases = {
        "entry that is not canonical": ([first, second.replace(b":", b": ", 1)], 1),
        "entry with a forged signature": ([first, second.replace(b"Same 0", b"Same 1")], 1),
        "entry of another place": ([first, true.entries[2]], 1),
        "entry that does not follow": ([first, second, true.entries[2], second], 3),
        "entry that follows another": ([first, second, root.replace(b"a", b"b", 1)], 2),
        "two roots of the state in a row": ([first, second, root, twice], 3),
    }
    made = []
    for name, (entries, index) in cases.items():
        history = History(entries)
        shown = history.shown(index - 1, index)
        found = evidence.bad_entry(*who, history.note(len(entries)), index, shown)
        made.append(_vector(name, found, proves=True))
    good = History([first, second, root])
    note = good.note(3)
    whole = evidence.bad_entry(*who, note, 2, good.shown(1, 2))
    made.append(_vector("entry that may be one", whole, error="evidence.unproved"))
    strange = evidence.bad_entry(*who, note, 2, History([first, second, twice]).shown(1, 2))
    made.append(_vector("entry that is not in the tree", strange, error="evidence.unproved"))
    return made


def _vector(name: str, found: dict[str, Any], **expected: Any) -> dict[str, Any]:
    return {"name": name, "evidence": found, **expected}


def files() -> dict[str, bytes]:
    """One file."""
    maker = Maker()
    who = maker.ledger_hash, maker.genesis.operation
    true, other = histories()
    vectors = [*_forks(true, other, who), *_rollbacks(true, who), *_entries(true, who)]
    value = {
        "description": "Evidence against a log: what it proves (`said`, `proves`), or the `error`.",
        "ledger": maker.ledger_hash,
        "keys": [str(LOG.key), str(DATES.key)],
        "vectors": vectors,
    }
    return {"vectors/ledger/evidence.json": file(value)}
