"""What a verifier trusts before it looks: one genesis."""

from __future__ import annotations

from dataclasses import dataclass

from identity.did import tetrad_did
from identity.jcs import Json
from registry.checkpoint import OpenedCheckpoint
from registry.logkeys import LogKeys, Period
from registry.note import VerifierKey
from registry.policy import Policy


@dataclass(frozen=True, slots=True)
class Pinned:
    """A ledger as its genesis has it."""

    ledger: str
    """Operation hash of the genesis, 'zQm…'."""
    log_keys: tuple[VerifierKey, ...]
    """Those of the genesis."""
    later: tuple[Period, ...] = ()
    """What took their place, as far as it is known (resolver/keyhistory.py)."""
    keys: tuple[str, ...] = ()
    """Multikeys of the authority."""
    next: tuple[str, ...] = ()
    """Thumbprints of those that follow them."""
    recovery: Json = "none"
    """The authority's quorum."""
    witnesses: Policy | None = None
    """Whose cosignatures a checkpoint needs."""

    @property
    def authority(self) -> str:
        """The DID of the ledger's authority."""
        return tetrad_did(self.ledger, self.ledger)

    def open(self, note: bytes) -> OpenedCheckpoint:
        """A checkpoint, by the log's keys in force for its size. Raises InvalidCheckpoint."""
        keys = self.witnesses.keys if self.witnesses is not None else ()
        return LogKeys(self.log_keys, self.later).open(note, keys)

    def log_keys_at(self, size: int) -> tuple[VerifierKey, ...]:
        """The keys that sign a tree of so many entries."""
        return LogKeys(self.log_keys, self.later).at(size)
