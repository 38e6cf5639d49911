"""What an authoritative node does with a question to which another node has the answer.

    delegations = Delegations(store, label)
    delegations.refer(asked, missing, now)              # raises Delegated, or `missing` as it was
    keys, entry = delegations.read_for(asked.key, now)  # records for `Evidence.of_records`

A code that is not registered costs a look at the namespace and one for each depth at which it has
prefixes. Checked by resolver/referral.py; specified in specs/3-resolution.md, "Delegation".
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn, cast

import orjson

from identity.did import ledger_label
from identity.errors import Delegated, NotFound, TetradError
from registry.nodes import delegation_of_ledger, node_of
from registry.state import GrantRecord, Key, Record, state_key
from registry.store import Store
from resolver.referral import delegation, label_asked, may_be_delegated
from resolver.resolution import Asked


class Read(NamedTuple):
    """What a decision rests on."""

    keys: list[Key]
    """The records that were read, in their order."""
    entry: int
    """The last that changed one of them; -1 where there is none."""
    grant: GrantRecord | None
    """The one that refers to another node, if any does."""


class _ReadRecords:
    """The state in a store, of its first `within` entries if given, which notes what is read."""

    def __init__(self, store: Store, within: int | None) -> None:
        self._store = store
        self._within = within
        self.found: dict[Key, Record | None] = {}
        self.entry = -1

    @property
    def size(self) -> int:
        if self._within is not None:
            return self._within
        head = self._store.head()
        return head.size if head else 0

    def get(self, key: Key) -> Record | None:
        if key not in self.found:
            versions = self._store.versions(state_key(key), limit=1, before=self._within)
            self.found[key] = None
            if versions:
                self.found[key] = cast("Record", orjson.loads(versions[0].record))
                self.entry = max(self.entry, versions[0].entry)
        return self.found[key]


class Delegations:
    """The referrals of one ledger."""

    def __init__(self, store: Store, label: str) -> None:
        """`label` is that of the ledger itself."""
        self._store = store
        self._label = label

    def concerns(self, asked: Asked) -> bool:
        """Whether a question that found nothing might be another node's to answer: about a code in
        clear, or a DID of another ledger."""
        return may_be_delegated(asked.key) and label_asked(asked.key) != self._label

    def read_for(self, key: Key, now: int, within: int | None = None) -> Read:
        """The records that decide whether, and where, a question is referred; first of all the
        code itself. As of the first `within` entries if given. Raises InvalidIdentifier."""
        state = _ReadRecords(self._store, within)
        if key[0] == "code":
            state.get(key)
        grant = delegation(state, key, now)
        return Read(list(state.found), state.entry, grant)

    def nodes(self, after: int, limit: int, now: int) -> tuple[list[dict[str, object]], int | None]:
        """A page of the nodes that grants in force name, each by the grant that its label leads to,
        in the order in which they were first named; and where the next page begins."""
        page = self._store.listing("node", after=after, limit=limit, status="active")
        state = _ReadRecords(self._store, None)
        found: list[dict[str, object]] = []
        for record in self._store.records([row.key for row in page.rows]):
            label = ledger_label(orjson.loads(record or b"{}")["ledger"])
            grant = delegation_of_ledger(state, label, now)
            node = node_of(grant)
            if grant is not None and node is not None:
                scope = grant["scope"]
                prefix = {"scheme": scope["scheme"], "prefix": scope["prefix"]}
                found.append({"label": label, **node, "grant": grant["grant"], "prefix": prefix})
        return found, page.after

    def refer(self, asked: Asked, missing: NotFound, now: int) -> NoReturn:
        """Raises Delegated where another node is the one to ask, else `missing` as it was."""
        grant = None
        if self.concerns(asked):
            try:
                grant = self.read_for(asked.key, now).grant
            except TetradError:
                raise missing from None
        if grant is None:
            raise missing
        raise delegated(grant, asked) from None


def delegated(grant: GrantRecord, asked: Asked) -> Delegated:
    """The error that says which node to ask."""
    node = cast("dict[str, object]", node_of(grant))
    what = "the code's prefix" if asked.key[0] == "code" else "the ledger of this DID"
    error = Delegated(
        f"{what} is known to the node {node['origin']}",
        hint="ask it, or a recursive resolver",
        referral={"grant": grant["grant"], "node": node},
    )
    if asked.read_as is not None:
        error.members["readAs"] = asked.read_as._asdict()
    return error
