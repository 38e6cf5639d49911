"""Where the ledger of a DID is: the way from the root to it, label by label.

    found = yield from Search(walk).did(("did", "did:tetrad:…"))

The label of a DID says which ledger knows it, and not where that is. The root is asked first, then
whoever is said to name that ledger; what nodes list is a hint, by which nothing is believed: each
step is proved by the ledger before it, and the answer stands under the genesis to which the DID
itself leads. So a node that claims a ledger it cannot show hides it from nobody, and one that
lists thousands is asked no more than others: of each in turn one is looked at, so many for one
question, and those that were looked at not again for a while.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Final, cast

from identity.did import ledger_label, tetrad_did
from identity.errors import InvalidAnswer, NodeUnreachable, NotFound, TetradError
from identity.jcs import Json
from registry.state import Key
from resolver.client.flow import Request, json_object, member
from resolver.path import MOST_LEDGERS
from resolver.recursion.ledgers import Known, Listing, Way
from resolver.recursion.walk import Steps, Walk, Walked, first_of, of, refused_by
from resolver.referral import label_asked, shown_referral

MOST_ASKED: Final = 64
"""Nodes that are asked, for one question, which nodes they name."""
MOST_PAGES: Final = 10
"""Of the list of one node."""
MOST_NAMED: Final = 1_000
"""That are looked at of one node's list."""


class Search:
    """Looks for the ledgers of DIDs."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._ledgers = walk.ledgers

    def did(self, key: Key, at: str | None = None) -> Steps[Walked]:
        """The device with a DID of any ledger in the tree; see Walk.code.

        Raises NotFound where no node is known to name its ledger, which is not proved, and never
        where one that is said to name it cannot be asked.
        """
        label = cast("str", label_asked(key))
        if label == self._ledgers.root.trust.label:
            return (yield from self._at_root(key, at))
        failures: list[TetradError] = []
        tried: set[Way] = set()
        for look in (False, True):
            if look:
                yield from self._look_round()
            for way in self._ledgers.ways_to(label):
                if way in tried:
                    continue
                tried.add(way)
                try:
                    found = yield from self._along(way, label, key, at)
                except TetradError as error:
                    failures.append(error)
                else:
                    self._ledgers.led(label, way)
                    return found
        raise min(failures, key=_told_last)

    def _at_root(self, key: Key, at: str | None) -> Steps[Walked]:
        root = self._ledgers.root
        said = yield from self._walk.ask(root, key, at)
        if said.refers:
            raise refused_by(root, InvalidAnswer("it refers on what only it can know"))
        return self._walk.verified(root, said, [root.place(first=True)], key, at)

    def _along(self, way: Way, label: str, key: Key, at: str | None) -> Steps[Walked]:
        node, path = self._ledgers.root, list[dict[str, Json]]()
        for below, ledger in way:
            named = ("did", tetrad_did(ledger, ledger))
            item, node = yield from self._step(node, below, named, path)
            path.append(item)
        item, node = yield from self._step(node, label, key, path)
        path.append(item)
        said = yield from self._walk.ask(node, key, at)
        if said.refers:
            raise refused_by(node, InvalidAnswer("the ledger of the DID refers to another"))
        return self._walk.verified(node, said, [*path, node.place(first=False)], key, at)

    def _step(
        self, node: Known, label: str, key: Key, path: Sequence[Mapping[str, Json]]
    ) -> Steps[tuple[dict[str, Json], Known]]:
        """From a ledger to the one with this label that it names, proved; with the item of the
        path that leads there. `key` is any DID of that ledger."""
        said = yield from self._walk.ask(node, key)
        item = node.place(first=not path)
        if not said.refers:
            raise NotFound("no node of this tree is known to have the ledger of this DID")
        with of(node):
            item["referral"] = shown_referral(said.answer)
            referral = self._walk.referral(node, item["referral"], ("node", label))
        return item, (yield from self._walk.follow(node, referral, [*path, item]))

    def _look_round(self) -> Steps[None]:
        """Asks the nodes of the tree which nodes they name, level by level."""
        asked = 0
        level: list[Way] = [()]
        while level:
            below: list[list[Way]] = []
            for way in level:
                listing = self._ledgers.listing(way, self._walk.now)
                if listing is None:
                    if asked >= MOST_ASKED:
                        return
                    asked += 1
                    listing = yield from self._listed(way)
                below.append([(*way, named) for named in listing.named.items()])
            # In turns: who lists thousands does not keep the others waiting.
            turns = chain.from_iterable(zip_longest(*below))
            level = [way for way in turns if way is not None and len(way) + 2 <= MOST_LEDGERS]

    def _listed(self, way: Way) -> Steps[Listing]:
        """What the ledger at the end of a way says to name."""
        now = self._walk.now
        # Before it is asked, so that one which gives no answer holds up one question alone.
        self._ledgers.keep(way, Listing(now, None, {}))
        try:
            node = yield from self._end_of(way)
            named = yield from self._named_by(node)
        except TetradError:
            return Listing(now, None, {})  # another may lead on
        listing = Listing(now, node, named)
        self._ledgers.keep(way, listing)
        return listing

    def _end_of(self, way: Way) -> Steps[Known]:
        if not way:
            return self._ledgers.root
        above = self._ledgers.listing(way[:-1], self._walk.now)
        if above is None or above.node is None:
            raise NotFound("who names it is not known")
        label, ledger = way[-1]
        before: list[Mapping[str, Json]] = [
            {"ledger": self._ledgers.root.trust.ledger},
            *({"ledger": one} for _, one in way[:-1]),
        ]
        _, node = yield from self._step(
            above.node, label, ("did", tetrad_did(ledger, ledger)), before
        )
        return node

    def _named_by(self, node: Known) -> Steps[dict[str, str]]:
        named: dict[str, str] = {}
        query: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            response = yield from first_of(node, Request("GET", "/v1/nodes", query))
            if response.status != 200:
                break
            page = json_object(response.body)
            for row in member(page, "nodes", list):
                if len(named) < MOST_NAMED:
                    named.update(_named(row))
            cursor = page.get("cursor")
            if not isinstance(cursor, str) or len(cursor) > 20:
                break
            query = {"cursor": cursor}
        return named


def _named(row: Json) -> dict[str, str]:
    """The label and the ledger of a row, where they belong to one another."""
    ledger = row.get("ledger") if isinstance(row, dict) else None
    if not isinstance(ledger, str):
        return {}
    try:
        return {ledger_label(ledger): ledger}
    except TetradError:
        return {}


def _told_last(error: TetradError) -> int:
    """A failure is told before an absence: what could not be asked may be there."""
    if isinstance(error, NodeUnreachable):
        return 0
    return 2 if isinstance(error, NotFound) else 1
