"""What a service holds of its log: the signers of every set of keys, and the date it reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from identity.errors import InvalidCheckpoint, KeystoreError
from registry.logkeys import LogSigners
from registry.note import Note, SignatureType, Signer

DATED_BYTES = 8 + 2420
"""Of an ML-DSA-44 line behind its key ID: a time and a signature (C2SP tlog-cosignature)."""


class HasSets(Protocol):
    """The log's secrets (resolver/folder.py)."""

    @property
    def sets(self) -> list[tuple[Signer, Signer]]:
        """Ed25519 and ML-DSA-44 signers, set by set."""
        ...


def log_pair(origin: str, ed25519: bytes, ml_dsa_44: bytes) -> tuple[Signer, Signer]:
    """The two signers of one set of keys."""
    return (
        Signer(origin, SignatureType.ED25519, ed25519),
        Signer(origin, SignatureType.ML_DSA_44, ml_dsa_44),
    )


def log_signers_of(read: Callable[[], HasSets]) -> LogSigners:
    """Every key that is held, read now, and again whenever one is not found."""

    def held() -> list[Signer]:
        try:
            return [signer for pair in read().sets for signer in pair]
        except KeystoreError:
            return []  # what cannot be read is not held: an update that names it is refused

    return LogSigners(held(), held)


def newest_date(kept: bytes | None) -> int:
    """The time that the log's own ML-DSA-44 line bears in a kept checkpoint, in seconds since 1970;
    0 without one. It was opened before: nothing is verified here."""
    try:
        text, signatures = Note.parse(kept or b"")
    except InvalidCheckpoint:
        return 0
    own = [one for one in signatures if one.name == text.split("\n", 1)[0]]
    times = (int.from_bytes(one.signature[:8]) for one in own if len(one.signature) == DATED_BYTES)
    return max(times, default=0)
