"""Where the subjects of a ledger stand, for whoever prepares an operation (resolver/prepare.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

from identity.keys import public_key
from registry.state import State, subject_of


class Position(NamedTuple):
    """Where a subject stands: its last sequence, the hash that is the next `previous`, and the DID
    of whoever acts for it (a device's controller; an organization itself)."""

    sequence: int
    previous: str
    controller: str
    appointed: str = ""
    """The hash of the operation that appointed its quorum."""
    begun: str = ""
    awaited: tuple[str, ...] = ()
    """The hash of the recovery that is under way, if one is, and the Multikeys that it brings."""
    offer: str = ""
    """The hash of the offer that stands, if one does."""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Position:
        """Out of a subject's record. Raises KeyError where it is none."""
        did = record["did"]
        recovering = record.get("recovering", {"begun": "", "keys": ()})
        return cls(
            record["sequence"],
            record["previous"],
            record.get("controller", did),
            record.get("appointed", did.rpartition(":")[2]),
            recovering["begun"],
            tuple(recovering["keys"]),
            record.get("offer", {}).get("operation", ""),
        )


class Present(Protocol):
    """What must be known of the ledger's present state."""

    @property
    def ledger(self) -> str:
        """The operation hash of the genesis."""
        ...

    def position(self, did: str) -> Position | None:
        """Where the subject stands, or None where the ledger has no such subject."""
        ...

    def key(self, thumbprint: str) -> tuple[str, str] | None:
        """DID and Multikey of a key that is in use now, or None."""
        ...


class PresentState:
    """`Present` over the rule book's state."""

    def __init__(self, state: State, ledger: str) -> None:
        self._state = state
        self.ledger = ledger

    def position(self, did: str) -> Position | None:
        """Where the subject stands."""
        found = subject_of(self._state, did)
        return None if found is None else Position.of(cast("Mapping[str, Any]", found))

    def key(self, thumbprint: str) -> tuple[str, str] | None:
        """DID and Multikey of a present key."""
        owner = cast("Mapping[str, str] | None", self._state.get(("key", thumbprint)))
        found = subject_of(self._state, owner["did"]) if owner else None
        for multikey in found["keys"] if found else ():
            if found is not None and public_key(multikey).thumbprint == thumbprint:
                return found["did"], multikey
        return None


@dataclass(frozen=True, slots=True)
class Known:
    """`Present` out of what a client knows of the ledger."""

    ledger: str
    positions: Mapping[str, Position]
    keys: Mapping[str, tuple[str, str]]

    def position(self, did: str) -> Position | None:
        """See `Present`."""
        return self.positions.get(did)

    def key(self, thumbprint: str) -> tuple[str, str] | None:
        """See `Present`."""
        return self.keys.get(thumbprint)
