"""Vectors of which large parts are alike: those stand once, under names.

parts, vectors = parted(vectors)        # {"proof 1": {…}}, [{"answer": {"part": "proof 1"}}]
whole(vectors[0], parts)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

Value = dict[str, Any]
PARTS = ("genesis", "updates", "proof", "device", "state", "entries", "signers", "records")


def parted(vectors: Sequence[Value]) -> tuple[Value, list[Value]]:
    """The parts, each after what stands in it, and the vectors with {"part": name} in the place of
    what stands there more than once."""
    seen = Counter(_text(one) for vector in vectors for one in _parts(vector))
    names: dict[str, str] = {}
    parts: Value = {}

    def put(value: Any) -> Any:
        if isinstance(value, list):
            return [put(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {name: name_of(name, one) for name, one in value.items()}

    def name_of(member: str, value: Any) -> Any:
        text = _text(value)
        if member not in PARTS or seen[text] < 2 or len(text) < 200:
            return put(value)
        if text not in names:
            shown = put(value)
            names[text] = f"{member} {len(names) + 1}"
            parts[names[text]] = shown
        return {"part": names[text]}

    shown = [put(one) for one in vectors]
    return parts, shown


def whole(value: Any, parts: Value) -> Any:
    """The inverse: a value with its parts put in."""
    if isinstance(value, list):
        return [whole(one, parts) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"part"}:
        return whole(parts[value["part"]], parts)
    return {name: whole(one, parts) for name, one in value.items()}


def _parts(value: Any) -> Iterator[Any]:
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, dict | list):
            yield one
            yield from _parts(one)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
