"""specs/vectors/ledger/state_map.json: roots of small maps, and proofs that hold and do not.

Keys are 32 bytes in hexadecimal: the SHA-256 of their number in decimal digits, or `alike`, the
bytes 00 to 1f up to some bit and the end of such a hash from there on. Records are numbers as text.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from registry.map_proof import MapProof, bucket_hash, value_hash
from registry.state_map import StateMap
from registry.store import Batch, Head, MemoryStore
from tests.generated import file

Records = dict[bytes, bytes]
MADE = bytes(range(32))


def plain(n: int) -> bytes:
    """A key such as the state has."""
    return sha256(b"%d" % n).digest()


def alike(bits: int, n: int) -> bytes:
    """A key that agrees with MADE in its first bits."""
    rest = 256 - bits
    return (int.from_bytes(MADE) >> rest << rest | int.from_bytes(plain(n)) % (1 << rest)).to_bytes(
        32
    )


def numbered(*keys: bytes) -> Records:
    """Records for keys: the first is "0"."""
    return {key: b"%d" % n for n, key in enumerate(keys)}


MAPS: dict[str, Records] = {
    "empty": {},
    "one key": numbered(plain(0)),
    "sixteen keys": numbered(*map(plain, range(16))),
    "seventeen keys": numbered(*map(plain, range(17))),
    "a hundred keys": numbered(*map(plain, range(100))),
    "seventeen keys that agree in 24 bits": numbered(*(alike(24, n) for n in range(17))),
    "sixteen keys that agree in 63 bits, and one more": numbered(
        *(alike(63, n) for n in range(16)), plain(0)
    ),
}


def mapped(records: Records) -> tuple[bytes, StateMap]:
    """The root over records, and the map to prove from."""
    store = MemoryStore()
    made = StateMap(store)
    written, buckets = made.put([(key, 0, record) for key, record in records.items()], 0)
    head = Head(1, bytes(32), 0, b"", (), len(written))
    store.commit(Batch([b""], [], written, buckets, [], [], head, b""), None)
    root = made.close()
    made.publish()
    return root, made


def _shown(
    name: str, root: bytes, key: bytes, record: bytes | None, proof: MapProof | tuple[str, str]
) -> dict[str, Any]:
    bucket, path = proof.texts() if isinstance(proof, MapProof) else proof
    shown = {"name": name, "root": root.hex(), "key": key.hex(), "bucket": bucket, "path": path}
    return shown if record is None else {**shown, "record": record.decode()}


def _holding() -> list[dict[str, Any]]:
    """Each key of interest in each map: what is there, or that it is absent."""
    asked = {
        "empty": [plain(0)],
        "one key": [plain(0), plain(1)],
        "sixteen keys": [plain(0), plain(15), plain(99)],
        "seventeen keys": [plain(0), plain(16), plain(99)],
        "a hundred keys": [plain(7), plain(50), plain(100)],
        "seventeen keys that agree in 24 bits": [
            alike(24, 3),
            alike(24, 99),
            alike(20, 1),
            plain(5),
        ],
        "sixteen keys that agree in 63 bits, and one more": [alike(63, 3), alike(63, 99), plain(0)],
    }
    shown = []
    for name, keys in asked.items():
        root, made = mapped(MAPS[name])
        for key in keys:
            record = MAPS[name].get(key)
            what = "absent" if record is None else f"record {record.decode()}"
            shown.append(_shown(f"{name}: {what}", root, key, record, made.prove(key)))
    return shown


def _entries(*items: tuple[bytes, bytes]) -> bytes:
    return b"".join(key + value_hash(record) for key, record in items)


def _changed() -> list[dict[str, Any]]:
    """Proofs of "a hundred keys" in which one thing was changed."""
    records = MAPS["a hundred keys"]
    root, made = mapped(records)
    key, record = plain(7), records[plain(7)]
    others, path = proof = made.prove(key)
    bucket, siblings = proof.texts()
    absent = made.prove(plain(100))
    own = _entries((key, record))
    slots = sorted([*(others[at : at + 64] for at in range(0, len(others), 64)), own])
    return [
        _shown("another record", root, key, b"8", proof),
        _shown("absent, but it is there", root, key, None, proof),
        _shown("there, but it is absent", root, plain(100), b"100", absent),
        _shown("the proof of another key", root, plain(8), record, proof),
        _shown("another root", sha256(root).digest(), key, record, proof),
        _shown("its own entry in the bucket", root, key, record, MapProof(b"".join(slots), path)),
        _shown("absent, with its own entry", root, key, None, MapProof(b"".join(slots), path)),
        _shown("a neighbour left out", root, key, record, MapProof(others[64:], path)),
        _shown("a sibling left out", root, key, record, MapProof(others, path[1:])),
        _shown("a sibling too many", root, key, record, MapProof(others, (*path, bytes(32)))),
        _shown("siblings from the root down", root, key, record, MapProof(others, path[::-1])),
        _shown("a bucket cut short", root, key, record, MapProof(others[:-1], path)),
        _shown(
            "a path cut short", root, key, record, MapProof(others, (*path[:-1], path[-1][:-1]))
        ),
        _shown("base64 without padding", root, key, record, (bucket.rstrip("="), siblings)),
        _shown("base64 with pad bits", root, key, record, (bucket, _pad_bits(siblings))),
        _shown("base64 of URLs", root, key, record, (bucket, siblings.translate({43: 45, 47: 95}))),
        _shown("base64 with a line break", root, key, record, (bucket, siblings + "\n")),
    ]


def _pad_bits(text: str) -> str:
    """The same bytes, to whoever ignores the bits that should be zero."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = text.rstrip("=")
    assert body != text, "a path whose last group is not full"
    return body[:-1] + letters[letters.index(body[-1]) + 1] + text[len(body) :]


def _climbed(key: bytes, node: bytes, depth: int) -> tuple[bytes, tuple[bytes, ...]]:
    """A root above a node at that depth, and the path to it."""
    path, bits = [], int.from_bytes(key) >> 256 - depth
    for _ in range(depth):
        sibling = sha256(node).digest()
        node = sha256(b"\x01" + (sibling + node if bits & 1 else node + sibling)).digest()
        path.append(sibling)
        bits >>= 1
    return node, tuple(path)


def _unlawful() -> list[dict[str, Any]]:
    """Proofs below roots that no map has, but that an operator may sign."""
    items = sorted(numbered(*map(plain, range(17))).items())
    (key, record), rest = items[0], items[1:]
    turned = _entries(items[2], items[1], items[3])
    twice = _entries((plain(3), b"a"), (plain(3), b"b"))
    left, right = bucket_hash(b""), bucket_hash(_entries((plain(3), b"a")))
    node = sha256(b"\x01" + left + right).digest()
    deep, path = _climbed(key, bucket_hash(_entries((key, record))), 64)
    empty, empty_path = _climbed(key, bucket_hash(b""), 64)
    whole = bucket_hash(_entries(*items))
    return [
        _shown("a bucket of 17 keys", whole, key, record, MapProof(_entries(*rest), ())),
        _shown("absent from 17 keys", whole, plain(99), None, MapProof(_entries(*items), ())),
        _shown(
            "keys that do not ascend", bucket_hash(turned), plain(99), None, MapProof(turned, ())
        ),
        _shown("a key twice", bucket_hash(twice), plain(99), None, MapProof(twice, ())),
        _shown(
            "a key with two records", bucket_hash(twice), plain(3), b"a", MapProof(twice[64:], ())
        ),
        _shown("a node for a bucket", node, plain(99), None, MapProof(left + right, ())),
        _shown("64 siblings", deep, key, record, MapProof(b"", path)),
        _shown("absent below 64 siblings", empty, key, None, MapProof(b"", empty_path)),
    ]


def files() -> dict[str, bytes]:
    """One file."""
    maps = [
        {
            "name": name,
            "records": [[key.hex(), record.decode()] for key, record in records.items()],
            "root": mapped(records)[0].hex(),
        }
        for name, records in MAPS.items()
    ]
    refused = [{**one, "error": "evidence.state"} for one in (*_changed(), *_unlawful())]
    value = {
        "description": "Roots of maps, and proofs: with `record` of presence, without of absence.",
        "maps": maps,
        "proofs": [*_holding(), *refused],
    }
    return {"vectors/ledger/state_map.json": file(value)}
