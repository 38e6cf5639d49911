"""Checkpoints, as in C2SP tlog-checkpoint: a log's signed word on its size and root.

    >>> print(Checkpoint("example.com/log", 0, EMPTY_ROOT).format(), end="")
    example.com/log
    0
    47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=

Bad checkpoints raise InvalidCheckpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from identity.errors import InvalidCheckpoint
from registry.merkle import EMPTY_ROOT
from registry.note import SignatureType, VerifierKey, encode64, tree_head, verify_note


class Checkpoint(NamedTuple):
    """The text of a checkpoint: whose log, how many entries, the root over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Opaque lines: read, because others may write them, and given no meaning."""

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text above the blank line; nothing is verified."""
        return cls(*tree_head(text))

    def format(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), encode64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


class OpenedCheckpoint(NamedTuple):
    """A checkpoint whose signatures hold, and the times at which keys cosigned it."""

    checkpoint: Checkpoint
    times: tuple[tuple[VerifierKey, int], ...]
    """Seconds since 1970, UTC; a time of 0 (allowed to ML-DSA-44 keys) dates nothing."""


def check_extensions(checkpoint: Checkpoint, signed: Iterable[VerifierKey]) -> None:
    """That a key of the log has signed the extension lines, if there are any: what an ML-DSA-44 key
    signs is the tree alone, so that anybody could put lines below it. Raises InvalidCheckpoint."""
    if checkpoint.extensions and not any(key.type == SignatureType.ED25519 for key in signed):
        raise InvalidCheckpoint("The log has not signed the extension lines of this checkpoint.")


def open_checkpoint(
    data: bytes, log_keys: Sequence[VerifierKey], witness_keys: Sequence[VerifierKey] = ()
) -> OpenedCheckpoint:
    """Verify a signed checkpoint: a log key has signed it, and no known key has a bad signature.

    The key's name must be the origin: C2SP tlog-checkpoint recommends it, we insist, so that one
    log's key cannot speak for another log. Cosignatures of witnesses are checked where present; how
    many are needed is for the policy of the caller. An empty tree has the empty root.
    """
    text, signatures = verify_note(data, [*log_keys, *witness_keys])
    checkpoint = Checkpoint.parse(text)
    if not any(key in log_keys and key.name == checkpoint.origin for key, _ in signatures):
        raise InvalidCheckpoint(f"The log {checkpoint.origin!r} has not signed its checkpoint.")
    check_extensions(checkpoint, [key for key, _ in signatures if key in log_keys])
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:  # RFC 6962, section 2.1
        raise InvalidCheckpoint("The root is not that of an empty tree.")
    return OpenedCheckpoint(
        checkpoint, tuple((key, time) for key, time in signatures if time is not None)
    )
