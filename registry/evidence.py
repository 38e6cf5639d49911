"""Evidence against a log: what proves to anybody, with nothing but its keys, that it misbehaved.

    {"kind": "fork", "ledger": "zQm…", "genesis": {…},
     "checkpoints": ["sandbox.test\\n300\\n…", "sandbox.test\\n400\\n…"], "proof": ["kQ1W…", …]}

Three kinds, each of which an honest log can never have signed:

    fork       two trees of one size; or two of which the larger does not begin with the smaller:
               `proof` (registry.merkle.prefix_path) gives its root, and another one at that size
    rollback   two checkpoints of which the smaller is dated later, by the same key of the log
    entry      an entry of a signed tree that cannot be one: not canonical, not of the closed shape,
               a forged signature of a key that it shows, or no follower of the entry before

What only a replay of the rule book shows is not proved here: `tetrad audit` names the entry. Pure;
the keys come in as a function that opens a checkpoint. Specified in specs/2-registry.md, "Monitors
and mirrors".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from identity.errors import (
    InvalidConsistency,
    InvalidInclusion,
    MisbehaviourUnproved,
    SchemaViolation,
    TetradError,
)
from identity.jcs import Json
from identity.members import parse_time
from registry.checkpoint import Checkpoint, OpenedCheckpoint
from registry.entry import Entry, StateRoot, parse_entry
from registry.merkle import check_inclusion, leaf_hash, roots_of
from registry.note import decode64, encode64
from registry.verdict import check_any

OpenNote = Callable[[bytes], OpenedCheckpoint]
"""Opens a checkpoint by the log's keys. Raises InvalidCheckpoint."""

KINDS = ("fork", "rollback", "entry")
_ALWAYS = {"kind", "ledger", "genesis", "checkpoints"}
_MORE = {"fork": {"proof"}, "rollback": set[str](), "entry": {"index", "entries"}}
MAX_HASHES = 128
"""Of one proof: a tree of 2^63 entries needs 64."""


class Misbehaviour(NamedTuple):
    """What was proved of a log."""

    kind: str
    origin: str
    sizes: tuple[int, ...]
    """Of the checkpoints, in their order."""
    said: str
    """What the log has done, in a sentence."""


class ShownEntry(NamedTuple):
    """An entry of a tree, and its inclusion proof."""

    data: bytes
    hashes: Sequence[bytes]


def fork(
    ledger: str, genesis: Json, smaller: bytes, larger: bytes, path: Sequence[bytes] = ()
) -> dict[str, Json]:
    """Two signed notes; `path` is the `prefix_path` of the larger where their sizes differ."""
    found = _evidence("fork", ledger, genesis, smaller, larger)
    return {**found, "proof": _encoded(path)} if path else found


def rollback(ledger: str, genesis: Json, larger: bytes, smaller: bytes) -> dict[str, Json]:
    """Two signed notes, of which the second is dated later."""
    return _evidence("rollback", ledger, genesis, larger, smaller)


def bad_entry(
    ledger: str, genesis: Json, note: bytes, index: int, shown: Sequence[ShownEntry]
) -> dict[str, Json]:
    """An entry under a signed note; `shown` ends with it, and may begin with the one before."""
    entries: list[Json] = [
        {"entry": encode64(one.data), "hashes": _encoded(one.hashes)} for one in shown
    ]
    return {**_evidence("entry", ledger, genesis, note), "index": index, "entries": entries}


def _evidence(kind: str, ledger: str, genesis: Json, *notes: bytes) -> dict[str, Json]:
    shown: list[Json] = [note.decode() for note in notes]
    return {"kind": kind, "ledger": ledger, "genesis": genesis, "checkpoints": shown}


def _encoded(hashes: Sequence[bytes]) -> list[Json]:
    return [encode64(one) for one in hashes]


def check_evidence(evidence: Json, ledger: str, open_note: OpenNote) -> Misbehaviour:
    """What evidence proves of the log of a pinned ledger; `open_note` knows its keys.

    Raises MisbehaviourUnproved unless an honest log cannot have signed this, InvalidCheckpoint for
    a note that it has not signed, SchemaViolation for what is no evidence.
    """
    if not isinstance(evidence, dict) or evidence.get("kind") not in KINDS:
        raise SchemaViolation(f"evidence is of a kind: {', '.join(KINDS)}", pointer="/kind")
    if set(evidence) - _MORE[str(evidence["kind"])] != _ALWAYS:
        raise SchemaViolation("evidence has the members of its kind, and no other")
    if evidence["ledger"] != ledger:
        raise MisbehaviourUnproved("this is about another ledger", pointer="/ledger")
    if evidence["kind"] == "entry":
        return _check_entry(evidence, open_note)
    texts = _texts(evidence, "checkpoints", 2)
    first, second = (open_note(text.encode("utf-8", "replace")) for text in texts)
    if first.checkpoint.origin != second.checkpoint.origin:
        raise MisbehaviourUnproved("these are checkpoints of two logs", pointer="/checkpoints")
    if evidence["kind"] == "fork":
        return _check_fork(evidence, first.checkpoint, second.checkpoint)
    return _check_rollback(first, second)


def _check_fork(evidence: Mapping[str, Json], one: Checkpoint, other: Checkpoint) -> Misbehaviour:
    smaller, larger = sorted((one, other), key=lambda tree: tree.size)
    sizes = (one.size, other.size)
    if smaller.size == larger.size:
        if smaller.root == larger.root:
            raise MisbehaviourUnproved("these are two checkpoints of one tree")
        said = f"it signed two trees of {smaller.size} entries"
        return Misbehaviour("fork", one.origin, sizes, said)
    if smaller.size == 0:
        raise MisbehaviourUnproved("every tree extends the empty one")
    path = _hashes(evidence, "proof")
    try:
        beginning, whole = roots_of(path, smaller.size, larger.size)
    except InvalidConsistency as error:
        raise MisbehaviourUnproved(f"the proof does not fit: {error.detail}") from None
    if whole != larger.root:
        raise MisbehaviourUnproved("the proof is not of the larger tree", pointer="/proof")
    if beginning == smaller.root:
        raise MisbehaviourUnproved("the larger tree extends the smaller one")
    said = f"it signed {larger.size} entries that do not begin with the {smaller.size} it signed"
    return Misbehaviour("fork", one.origin, sizes, said)


def _check_rollback(first: OpenedCheckpoint, second: OpenedCheckpoint) -> Misbehaviour:
    before, after = first.checkpoint, second.checkpoint
    if after.size >= before.size:
        raise MisbehaviourUnproved("the second checkpoint is not smaller than the first")
    dates = dict(first.times)
    own = [(key, time) for key, time in second.times if key.name == after.origin and key in dates]
    if not any(time > dates[key] > 0 for key, time in own):  # a witness may date what is old
        raise MisbehaviourUnproved(
            "no key of the log dates the smaller checkpoint later",
            hint="without a date, the smaller one may be the older one",
        )
    said = f"it signed {after.size} entries later than {before.size}"
    return Misbehaviour("rollback", before.origin, (before.size, after.size), said)


def _check_entry(evidence: Mapping[str, Json], open_note: OpenNote) -> Misbehaviour:
    (text,) = _texts(evidence, "checkpoints", 1)
    tree = open_note(text.encode("utf-8", "replace")).checkpoint
    index, shown = evidence.get("index"), evidence.get("entries")
    if type(index) is not int or not isinstance(shown, list) or len(shown) not in (1, 2):
        raise SchemaViolation("one entry, or two that follow one another", pointer="/entries")
    entries = [_included(item, index - place, tree) for place, item in enumerate(shown[::-1])]
    broken = _broken(entries, index)
    if broken is None:
        raise MisbehaviourUnproved(
            "the entry is one that a log may hold: only a replay shows whether it was allowed",
            hint="tetrad audit",
            index=index,
        )
    return Misbehaviour("entry", tree.origin, (tree.size,), f"its entry {index} is none: {broken}")


def _included(item: Json, index: int, tree: Checkpoint) -> bytes:
    """The bytes of an entry that is proved to be in the tree."""
    if not isinstance(item, dict) or not isinstance(item.get("entry"), str):
        raise SchemaViolation("an entry is base64, with its hashes", pointer="/entries")
    (data,) = _decoded([item["entry"]], "/entries")
    try:
        hashes = _hashes(item, "hashes")
        check_inclusion(hashes, index, tree.size, leaf_hash(data), tree.root)
    except InvalidInclusion as error:
        raise MisbehaviourUnproved(f"the entry is not in the tree: {error.detail}") from None
    return data


def _broken(entries: Sequence[bytes], index: int) -> str | None:
    """Why the entry, the first of these, cannot stand after the one before it, the second."""
    try:
        entry = _read(entries[0], index)
    except TetradError as error:
        return error.detail
    if len(entries) == 1:
        return None
    if entry.previous != leaf_hash(entries[1]).hex():
        return "it does not follow the one before it"
    try:
        before = _read(entries[1], index - 1)
    except TetradError:  # a matter for evidence of its own
        return None
    if parse_time(entry.time) < parse_time(before.time):
        return "it is older than the one before it"
    if isinstance(entry, StateRoot) and isinstance(before, StateRoot):
        return "it is a root of the state, as is the one before it"
    return None


def _read(data: bytes, index: int) -> Entry | StateRoot:
    """All that can be told of an entry without a state. Raises TetradError."""
    found = check_any(data, index, {})
    return found if isinstance(found, StateRoot) else found.entry or parse_entry(data, index)


def _texts(evidence: Mapping[str, Json], name: str, count: int) -> list[str]:
    found = evidence.get(name)
    if (
        not isinstance(found, list)
        or len(found) != count
        or not all(isinstance(one, str) for one in found)
    ):
        raise SchemaViolation(f"{name} are {count} texts", pointer=f"/{name}")
    return cast("list[str]", found)


def _hashes(holder: Mapping[str, Json], name: str) -> list[bytes]:
    found = holder.get(name, [])
    if not isinstance(found, list) or len(found) > MAX_HASHES:
        raise SchemaViolation(f"{name} are at most {MAX_HASHES} hashes", pointer=f"/{name}")
    return _decoded(found, f"/{name}")


def _decoded(texts: Sequence[Any], pointer: str) -> list[bytes]:
    try:
        return [decode64(text) for text in texts]
    except (ValueError, TypeError, AttributeError):
        raise SchemaViolation("base64 is expected here", pointer=pointer) from None
