"""What a recursive resolver has learned of the ledgers in the tree: who they are, no answers.

A ledger is known by the hash of its genesis, which never changes; its newest checkpoint is
remembered, so that a node which goes back, or shows two histories, is noticed. Bounded: what was
used least recently is forgotten, and learned again when it is needed. Pure.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from identity.errors import InvalidAnswer
from identity.jcs import Json
from identity.rights import Node
from resolver.client.seeing import Seeing
from resolver.trust import Trust

MOST_KNOWN: Final = 4096
MOST_LISTS: Final = 1024
MOST_WAYS: Final = 8
"""That are tried to one ledger."""
LISTED_SECONDS: Final = 300
"""For which a node is not asked again which nodes it names, nor one that gave no answer."""

Way = tuple[tuple[str, str], ...]
"""Ledgers from below the root down to one that names the next: label and genesis hash of each."""


class Listing(NamedTuple):
    """What a ledger says to name; a hint, and nothing proved."""

    time: int
    node: Known | None
    """Where it is asked; None where it could not be."""
    named: dict[str, str]
    """Genesis hashes of ledgers, by their labels."""


class Known:
    """One ledger, and where it is asked."""

    def __init__(self, origin: str, urls: Sequence[str], seeing: Seeing) -> None:
        self.origin = origin
        self.urls = tuple(urls)
        self.seeing = seeing

    def at(self, urls: Sequence[str]) -> Known:
        """The same ledger asked elsewhere: each question goes where its own referral leads, and
        what is seen of the log counts for all."""
        return Known(self.origin, urls, self.seeing)

    @property
    def trust(self) -> Trust:
        """What is known of it, with the newest checkpoint seen."""
        return self.seeing.trust

    def place(self, *, first: bool) -> dict[str, Json]:
        """The ledger as it stands in a path."""
        shown: dict[str, Json] = {"ledger": self.trust.ledger}
        if not first:
            shown["genesis"] = self.trust.genesis
        return {**shown, "updates": list(self.trust.updates)}


class Ledgers:
    """The root, and those that were met below it."""

    def __init__(
        self,
        root: Trust,
        urls: Sequence[str],
        clock: Callable[[], float],
        on_trust: Callable[[Trust], None] | None = None,
    ) -> None:
        """`on_trust` is told of each newer checkpoint of the root."""
        self._clock = clock
        self.root = Known(root.origin, urls, Seeing(root, clock, on_trust))
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._ways: OrderedDict[str, Way] = OrderedDict()
        self._lists: OrderedDict[Way, Listing] = OrderedDict()

    def known(self, ledger: str) -> Known | None:
        """A ledger that was met before."""
        if ledger == self.root.trust.ledger:
            return self.root
        found = self._known.get(ledger)
        if found is not None:
            self._known.move_to_end(ledger)
        return found

    def stranger(self, node: Node) -> Known:
        """One of which nothing is known but where it is asked."""
        return Known(node.origin, node.urls, Seeing(None, self._clock))

    def pin(self, node: Node, genesis: Json) -> Known:
        """A ledger that has shown its genesis. Raises InvalidAnswer where it is not the one that a
        grant names, and what does not hold of the genesis itself."""
        trust = Trust.begin(genesis)
        if trust.ledger != node.ledger:
            raise InvalidAnswer("the genesis that it shows is not that of the ledger in the grant")
        if trust.origin != node.origin:
            raise InvalidAnswer("its log bears another name than the grant says")
        met = self.known(trust.ledger)
        if met is not None:
            return met  # by another question at the same time: what that has seen is not forgotten
        _make_room(self._known, MOST_KNOWN)
        self._known[trust.ledger] = Known(trust.origin, node.urls, Seeing(trust, self._clock))
        return self._known[trust.ledger]

    def ways_to(self, label: str) -> list[Way]:
        """Where a ledger may be found, the likeliest first: the way that led there last, the root
        itself, those whom others say to name it."""
        said = [way for way, one in self._lists.items() if label in one.named]
        remembered = [self._ways[label]] if label in self._ways else []
        shortest = sorted(said, key=len)[:MOST_WAYS]
        return list(dict.fromkeys([*remembered, (), *shortest]))

    def led(self, label: str, way: Way) -> None:
        """A way has led to a ledger."""
        self._ways.pop(label, None)
        _make_room(self._ways, MOST_KNOWN)
        self._ways[label] = way

    def listing(self, way: Way, now: int) -> Listing | None:
        """Which nodes the ledger at the end of a way names, where it was asked not long ago."""
        found = self._lists.get(way)
        recent = found is not None and 0 <= now - found.time < LISTED_SECONDS
        return found if recent else None

    def keep(self, way: Way, listing: Listing) -> None:
        """Keeps which nodes the ledger at the end of a way says to name."""
        self._lists.pop(way, None)
        _make_room(self._lists, MOST_LISTS)
        self._lists[way] = listing


def _make_room(kept: OrderedDict[Any, Any], most: int) -> None:
    while len(kept) >= most:
        kept.popitem(last=False)
