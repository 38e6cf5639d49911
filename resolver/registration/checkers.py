"""Checkers: processes beside the writer that check the lines of a batch.

A checker is a fresh Python process that imports the pure parts alone, reads frames from its
standard input and writes frames to its standard output. A frame is its length in four bytes and its
content; requests and answers are framed lists of bytes, so that nothing is unpickled anywhere.

    request: [header, line, line, …]     header: JSON {"keys": {thumbprint: Multikey, …}}
    answer:  [item, item, …]             for each line, either
             "+" JSON [hash, unique, disclosures, pending] NUL canonical bytes of the operation
             "-" JSON problem

A checker knows no state: it is told the keys of organizations (thumbprint to Multikey, which never
changes), and leaves proofs under other keys to the writer. The very first frame carries the name
and the secret of the uniqueness hash, as a framed list.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import orjson

from identity.errors import TetradError, catalogue
from identity.operation import OPERATION
from registry.admission import UniqueHash
from registry.checking import Checked, Checker
from registry.uniqueness import Uniqueness
from resolver.schemes import SCHEMES

MAX_KEYS = 100_000
"""Keys that a checker remembers; beyond it, proofs are left to the writer."""


def encode_items(items: Iterable[bytes]) -> bytes:
    """A list of byte strings, each behind its length in four bytes."""
    parts: list[bytes] = []
    for item in items:
        parts += len(item).to_bytes(4), item
    return b"".join(parts)


def decode_items(data: bytes) -> list[bytes]:
    """The inverse of `encode_items`."""
    items: list[bytes] = []
    place = 0
    while place < len(data):
        start = place + 4
        place = start + int.from_bytes(data[place:start])
        items.append(data[start:place])
    return items


def write_item(checked: Checked | TetradError) -> bytes:
    """One item of an answer."""
    if isinstance(checked, TetradError):
        return b"-" + orjson.dumps(
            [checked.code, checked.detail, checked.pointer, checked.hint, checked.members]
        )
    found = (checked.hash, checked.unique, checked.disclosures, checked.pending)
    return b"+" + orjson.dumps(found) + b"\x00" + checked.canonical


_ERRORS = {error.code: error for error in catalogue()}


def read_item(item: bytes) -> Checked | TetradError:
    """What `write_item` wrote, as the writer takes it."""
    if item[:1] == b"-":
        code, detail, pointer, hint, members = orjson.loads(item[1:])
        return _ERRORS[code](detail, pointer=pointer, hint=hint, **members)
    found, _, canonical = item[1:].partition(b"\x00")  # JSON has no NUL
    hash_, unique, disclosures, pending = orjson.loads(found)
    # Validated once more rather than trusted: the writer needs the model, not only its bytes.
    operation = OPERATION.validate_python(orjson.loads(canonical))
    return Checked(operation, hash_, canonical, unique, disclosures, pending)


def answer_request(frame: bytes, keys: dict[str, str], unique: UniqueHash) -> bytes:
    """The answer to a request; learns the keys in its header."""
    header, *lines = decode_items(frame)
    if len(keys) < MAX_KEYS:
        keys.update(orjson.loads(header)["keys"])
    checked = Checker(SCHEMES, unique, keys.get).check_all(lines)
    return encode_items([write_item(one) for one in checked])


def encode_request(keys: dict[str, str], lines: Sequence[bytes]) -> bytes:
    """A request for these lines, with keys that the checker does not know yet."""
    return encode_items([orjson.dumps({"keys": keys}), *lines])


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answers frames until the input ends: the whole life of a checker."""
    first = _read(source)
    if first is None:
        return
    alg, secret = decode_items(first)
    unique = Uniqueness.of(alg.decode(), secret).hash
    keys: dict[str, str] = {}
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    while (frame := _read(source)) is not None:
        answer = answer_request(frame, keys, unique)
        sink.write(len(answer).to_bytes(4) + answer)
        sink.flush()


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(4)
    if len(head) < 4:
        return None
    body = source.read(int.from_bytes(head))
    return body if len(body) == int.from_bytes(head) else None


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
