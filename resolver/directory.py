"""Where the dialects look up what they are asked for.

A dialect (GS1, Handle, DID, Things …) translates a question into one of these calls and what comes
back into its own words. It need not know whether the answer comes out of this node's own ledger or,
in a recursive resolver, out of the tree of nodes below a pinned root.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from identity.errors import NotFound
from registry.state import LinksRecord
from resolver.delegations import Delegations
from resolver.resolution import Asked, Found, Resolver
from resolver.schemes import Code


class Devices(Protocol):
    """What a dialect may ask about devices."""

    def code(self, text: str, scheme: str | None = None) -> Asked:
        """What is asked by a code that stands in a URL. Raises InvalidIdentifier."""
        ...

    def did(self, did: str) -> Asked:
        """What is asked by a DID. Raises MalformedInput."""
        ...

    async def find(self, asked: Asked, *, at: str | None = None) -> Found:
        """The device, now or at a time, whatever its state. Raises NotFound (Delegated where
        another node is the one to ask), MalformedInput, Unavailable."""
        ...


class Directory(Devices, Protocol):
    """What a dialect may ask about devices and links."""

    async def links(self, codes: Sequence[Code]) -> list[LinksRecord | None]:
        """The newest record of the links of each code, None where nobody ever set any. Raises
        Delegated where another node is the one to ask about the first of them, Unavailable."""
        ...


class OwnLedger:
    """The directory of an authoritative node."""

    def __init__(
        self, resolver: Resolver, delegations: Delegations, clock: Callable[[], float]
    ) -> None:
        self._resolver = resolver
        self._delegations = delegations
        self._clock = clock

    def code(self, text: str, scheme: str | None = None) -> Asked:
        """See Directory."""
        return self._resolver.code(text, scheme)

    def did(self, did: str) -> Asked:
        """See Directory."""
        return self._resolver.did(did)

    async def find(self, asked: Asked, *, at: str | None = None) -> Found:
        """See Directory."""
        try:
            return self._resolver.find(asked, at=at)
        except NotFound as missing:
            self._delegations.refer(asked, missing, int(self._clock()))

    async def links(self, codes: Sequence[Code]) -> list[LinksRecord | None]:
        """See Directory."""
        return self._resolver.links(codes)
