"""The port through which the rule book asks about code schemes.

The grammar of codes belongs to the resolver; the rule book needs six answers of it, all pure and
all in primitives, and gets an object that gives them as an argument (resolver/schemes is one).
The answers enter the rules, so they are specified (specs/3-resolution.md, "Codes") and an audit
uses the very same table.
"""

from __future__ import annotations

from typing import Protocol


class Schemes(Protocol):
    """What the rule book must know about a scheme. All raise errors of InvalidIdentifier."""

    def canonical(self, scheme: str, value: str) -> str:
        """The one way in which this scheme writes that value."""
        ...

    def segments(self, scheme: str, value: str) -> tuple[str, ...]:
        """A canonical code as segments, its prefix namespace first: ('gtin', '9', '5', …)."""
        ...

    def prefix_segments(self, scheme: str, prefix: str) -> tuple[str, ...]:
        """A prefix as segments; it encloses every code whose segments begin with these."""
        ...

    def is_committed(self, scheme: str) -> bool:
        """Whether values must not reach the ledger in clear."""
        ...

    def is_number(self, scheme: str) -> bool:
        """Whether the scheme is one of numbers rather than of codes."""
        ...

    def minimal_prefix_depth(self, scheme: str) -> int:
        """The fewest segments, namespace included, of a prefix that a sandbox gives away."""
        ...
