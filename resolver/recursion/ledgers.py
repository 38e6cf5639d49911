"""What a recursive resolver has learned of the ledgers in the tree: who they are, no answers.

A ledger is known by the hash of its genesis, which never changes; its newest checkpoint is
remembered, so that a node which goes back, or shows two histories, is noticed. Bounded: what was
used least recently is forgotten, and learned again when it is needed. Pure.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from identity.did import ledger_label
from identity.errors import InvalidAnswer, TetradError
from identity.jcs import Json
from identity.rights import Node
from resolver.client.seeing import Seeing
from resolver.trust import Trust

MOST_KNOWN: Final = 4096
CRAWL_SECONDS: Final = 60
"""In which the tree is searched once for ledgers that are not known."""


class Known:
    """One ledger, and where it is asked."""

    def __init__(
        self,
        origin: str,
        urls: Sequence[str],
        trust: Trust | None,
        clock: Callable[[], float],
        on_trust: Callable[[Trust], None] | None = None,
    ) -> None:
        self.origin = origin
        self.urls = tuple(urls)
        self.seeing = Seeing(trust, clock, on_trust)

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
        self.root = Known(root.origin, urls, root, clock, on_trust)
        self._known: OrderedDict[str, Known] = OrderedDict()
        self.names: dict[str, str] = {}
        """The genesis hash of a ledger, by its label."""
        self.ways: dict[str, tuple[str, ...]] = {}
        """Labels from below the root to a ledger, by its label."""
        self._crawled: int | None = None

    def known(self, ledger: str, urls: Sequence[str]) -> Known | None:
        """A ledger that was met before; it is asked at `urls` from now on."""
        if ledger == self.root.trust.ledger:
            return self.root
        found = self._known.get(ledger)
        if found is not None:
            self._known.move_to_end(ledger)
            found.urls = tuple(urls)
        return found

    def stranger(self, node: Node) -> Known:
        """One of which nothing is known but where it is asked."""
        return Known(node.origin, node.urls, None, self._clock)

    def pin(self, node: Node, genesis: Json) -> Known:
        """A ledger that has shown its genesis. Raises InvalidAnswer where it is not the one that a
        grant names, and what does not hold of the genesis itself."""
        trust = Trust.begin(genesis)
        if trust.ledger != node.ledger:
            raise InvalidAnswer("the genesis that it shows is not that of the ledger in the grant")
        if trust.origin != node.origin:
            raise InvalidAnswer("its log bears another name than the grant says")
        while len(self._known) >= MOST_KNOWN:
            self._known.popitem(last=False)
        self._known[trust.ledger] = Known(trust.origin, node.urls, trust, self._clock)
        return self._known[trust.ledger]

    def learn(self, label: str, ledger: str, way: tuple[str, ...]) -> None:
        """Where a ledger is said to be; the first way that is told counts."""
        try:
            if ledger_label(ledger) != label or label == self.root.trust.label:
                return
        except TetradError:
            return
        if label not in self.ways and len(self.ways) < MOST_KNOWN:
            self.names[label] = ledger
            self.ways[label] = way

    def forget(self, label: str) -> None:
        """The way to a ledger has ended; another may lead to it."""
        self.ways.pop(label, None)
        self._crawled = None

    def below(self, way: tuple[str, ...]) -> list[str]:
        """The labels of the ledgers that the one at the end of a way is said to name."""
        return [label for label, to in self.ways.items() if to[:-1] == way]

    def may_crawl(self, now: int) -> bool:
        """Whether the tree may be searched again."""
        return self._crawled is None or not 0 <= now - self._crawled < CRAWL_SECONDS

    def crawled(self, now: int) -> None:
        """The tree was searched, and the ledger was not found."""
        self._crawled = now
