"""What a verifier trusts before it looks: one genesis."""

from __future__ import annotations

from dataclasses import dataclass

from identity.did import tetrad_did
from registry.checkpoint import OpenedCheckpoint, open_checkpoint
from registry.note import VerifierKey


@dataclass(frozen=True, slots=True)
class Pinned:
    """A ledger as its genesis has it."""

    ledger: str
    """Operation hash of the genesis, 'zQm…'."""
    log_keys: tuple[VerifierKey, ...]
    keys: tuple[str, ...] = ()
    """Multikeys of the authority."""
    next: tuple[str, ...] = ()
    """Thumbprints of those that follow them."""

    @property
    def authority(self) -> str:
        """The DID of the ledger's authority."""
        return tetrad_did(self.ledger, self.ledger)

    def open(self, note: bytes) -> OpenedCheckpoint:
        """A checkpoint of this log. Raises InvalidCheckpoint."""
        return open_checkpoint(note, self.log_keys)
