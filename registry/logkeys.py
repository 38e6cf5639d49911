"""Which keys sign which tree: the log's keys along its history.

A registry.update that names log keys, at entry i, is the last entry of its commit. Its tree, of
i+1 entries, and every smaller one are signed by the keys before; every larger one by the new keys:

    keys = LogKeys(first)                       # those of the genesis
    keys = keys.after(41, new)                  # an update at entry 41
    keys.at(42) == first, keys.at(43) == new
    keys.open(note)                             # by the keys in force for its size, or refused

So a stolen key that was replaced signs no tree that anyone believes, and a receipt from before
verifies for ever. Specified in specs/2-registry.md, "Log keys".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, cast

from identity.errors import InvalidCheckpoint, KeystoreError
from registry.checkpoint import Checkpoint, OpenedCheckpoint, open_checkpoint
from registry.note import Note, Signer, VerifierKey
from registry.state import Registry, State

MAX_UPDATES = 1_000
"""Updates of log keys that a client follows: monthly ones for a lifetime."""
KEPT_BYTES = 16_384
"""Of a checkpoint that was opened, which is remembered."""


class Period(NamedTuple):
    """Keys, and the entry of the update that brought them: they sign trees that go beyond it."""

    entry: int
    keys: tuple[VerifierKey, ...]


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of the genesis, and those of later updates in their order."""

    first: tuple[VerifierKey, ...]
    later: tuple[Period, ...] = ()

    def at(self, size: int) -> tuple[VerifierKey, ...]:
        """The keys in force for the tree of `size` entries: a tree that ends with an update's own
        entry is still signed by the keys before it."""
        found = self.first
        for entry, keys in self.later:
            if size <= entry + 1:
                break
            found = keys
        return found

    def every(self) -> tuple[tuple[VerifierKey, ...], ...]:
        """The keys of each period."""
        return (self.first, *(period.keys for period in self.later))

    def after(self, entry: int, keys: Sequence[VerifierKey]) -> LogKeys:
        """The keys once the update at `entry` is known, which is later than all before."""
        if self.later and entry <= self.later[-1].entry:
            raise RuntimeError("updates of log keys are known in their order")
        return LogKeys(self.first, (*self.later, Period(entry, tuple(keys))))

    def open(self, note: bytes, witnesses: Sequence[VerifierKey] = ()) -> OpenedCheckpoint:
        """A checkpoint, by the keys in force for its size; cosignatures of these witnesses are
        checked where they stand. Raises InvalidCheckpoint."""
        size = _size_of(note) if len(note) <= KEPT_BYTES else _size(note)
        try:
            opening = _opened if len(note) <= KEPT_BYTES else open_checkpoint
            return opening(note, self.at(size), tuple(witnesses))
        except InvalidCheckpoint as error:
            if self.knows_signer(note):
                raise
            if self._signed_out_of_turn(note, size):
                raise InvalidCheckpoint(
                    f"signed by log keys that are not in force for a tree of {size} entries",
                    hint="a key that was replaced signs no later tree: keep this checkpoint, it is "
                    "evidence against whoever holds that key",
                ) from None
            error.hint = (
                "if the log's keys were replaced meanwhile, ask its service for anything: with its "
                "answer comes the evidence"
            )
            raise

    def knows_signer(self, note: bytes) -> bool:
        """Whether a line of the note is by name and ID one of the keys in force for its size;
        nothing is verified. Raises InvalidCheckpoint for what is no checkpoint."""
        parsed = Note.parse(note)
        known = {(key.name, key.id) for key in self.at(Checkpoint.parse(parsed.text).size)}
        return any((name, id_) in known for name, id_, _ in parsed.signatures)

    def _signed_out_of_turn(self, note: bytes, size: int) -> bool:
        for keys in self.every():
            if keys != self.at(size):
                try:
                    open_checkpoint(note, keys)
                except InvalidCheckpoint:
                    continue
                return True
        return False


def _size(note: bytes) -> int:
    """Entries of the tree of a checkpoint; nothing is verified."""
    return Checkpoint.parse(Note.parse(note).text).size


_size_of = lru_cache(maxsize=256)(_size)


@lru_cache(maxsize=256)
def _opened(
    note: bytes, keys: tuple[VerifierKey, ...], witnesses: tuple[VerifierKey, ...]
) -> OpenedCheckpoint:
    """Whoever holds an answer against what was seen before opens the same few notes again and
    again. What does not hold is not kept."""
    return open_checkpoint(note, keys, witnesses)


def keys_in_force(registry: Registry, size: int) -> list[str]:
    """The verifier keys that sign the tree of `size` entries, out of the registry's record as of
    that tree, or of any later one that names no newer keys."""
    replaced = registry.get("replaced")
    if replaced is not None and size <= replaced["entry"] + 1:
        return replaced["log"]
    return registry["log"]


def log_keys_in(state: State, size: int) -> list[str]:
    """As `keys_in_force`, out of a state that has begun."""
    return keys_in_force(cast("Registry", state.get(("registry",))), size)


@lru_cache(maxsize=16)
def parsed_keys(log: tuple[str, ...]) -> tuple[VerifierKey, ...]:
    """Verifier keys as they stand in a record. Raises InvalidKey."""
    return tuple(VerifierKey.parse(vkey) for vkey in log)


KeySet = Sequence[Signer]


class LogSigners:
    """The secrets of the log, several sets of them around a rotation: found by verifier key."""

    def __init__(
        self, held: Iterable[Signer], more: Callable[[], Iterable[Signer]] | None = None
    ) -> None:
        """`more` gives what is held by now: it is asked where a key is not known."""
        self._more = more
        self._held = {str(signer.key): signer for signer in held}

    def holds(self, log: Sequence[str]) -> bool:
        """Whether every one of these keys is held; looks again where one is not."""
        if self._more is not None and not set(log) <= set(self._held):
            # Replaced, not changed: the writer and the publisher look in from two threads.
            self._held = {**self._held, **{str(signer.key): signer for signer in self._more()}}
        return set(log) <= set(self._held)

    def of(self, log: Sequence[str]) -> tuple[Signer, ...]:
        """The signers for keys in force, in their order. Raises KeystoreError without the first."""
        self.holds(log)
        if log[0] not in self._held:
            raise KeystoreError(
                "the secret of the log key in force is not held here",
                hint="log.key is that of another ledger, or older than the last rotation",
                key=log[0],
            )
        return tuple(self._held[vkey] for vkey in log if vkey in self._held)

    def signer(self, log: Sequence[str]) -> Signer:
        """The Ed25519 signer among the keys in force: it stands first."""
        return self.of(log)[0]


def log_signers(signers: LogSigners | KeySet) -> LogSigners:
    """A log that has one set of keys is given as that set."""
    return signers if isinstance(signers, LogSigners) else LogSigners(signers)
