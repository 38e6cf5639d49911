"""Ledgers that refer to one another, and paths through them as a recursive resolver makes them.

tree = Tree()                                  # a root, a nation, Acme's plant; published
answer = path(code("M-1"), tree.ledgers)       # as a recursive resolver gives it
verify_path(answer, tree.trust, code("M-1"), NOW)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from identity.did import ledger_label
from registry.keyupdates import KeyUpdates
from registry.state import Key
from resolver.resolution import Asked
from resolver.schemes import SCHEMES
from resolver.trust import Trust
from tests.factory import NOW, City, Subject, log_pair
from tests.resolver.answering import Answer, Answering

BASE = "https://id.gs1.org/01/09506000134352/21/"
ROOT, NATION, ACME = "root.test", "nation.test", "acme.test"


def code(name: str) -> Key:
    """The key of the code of a device with that name."""
    return "code", "gs1", BASE + name


def asked(key: Key) -> Asked:
    """What is asked under a key."""
    return Asked(key, SCHEMES.read(key[2], key[1]) if key[0] == "code" else None)


class Authoritative:
    """One ledger with its authority's grants to those below."""

    def __init__(self, origin: str, now: int = NOW) -> None:
        self.city = City(mode="permissioned", origin=origin, now=now)
        self.answering = Answering(self.city)

    @property
    def hash(self) -> str:
        """Of its genesis."""
        return self.city.ledger_hash

    def company(self, name: str) -> Subject:
        """An organization of this ledger."""
        return self.city.organization(name, admitted_by=self.city.authority)

    def delegate(self, to: Subject, prefix: str, below: Authoritative, **members: Any) -> str:
        """The authority gives a prefix, whose holder has a node; the grant's hash."""
        return self.give(to, prefix, node=below.city.node, **members)

    def give(self, to: Subject, prefix: str, **members: Any) -> str:
        """The authority gives a prefix; the grant's hash."""
        signed = self.city.prefix(to, prefix, by=self.city.authority, **members)
        self.city.accept(signed)
        return signed.hash

    def withdraw(self, grant: str) -> None:
        """The authority takes a grant back."""
        body = {"grant": grant, "reason": "over"}
        self.city.accept(self.city.follow(self.city.authority, "grant.withdraw", body))

    def revoke(self, subject: Subject) -> None:
        """The authority ends a subject."""
        city = self.city
        city.accept(city.supervise(subject, "status.revoke", "stolen", city.authority))

    def publish(self, *, dated: bool = True) -> None:
        """Closes and publishes the tree; undated, under signatures that are always the same."""
        updates = KeyUpdates(self.city.store, self.city.reader).every()
        signers: Any = log_pair(len(updates), self.city.origin)
        self.answering.signers = signers if dated else signers[:1]
        self.answering.publish()

    def place(self, *, first: bool) -> dict[str, Any]:
        """This ledger as it stands in a path."""
        updates = KeyUpdates(self.city.store, self.city.reader).every()
        shown: dict[str, Any] = {"ledger": self.hash, "updates": updates}
        return shown if first else {**shown, "genesis": self.city.genesis.operation}

    def refers(self, key: Key, following: Authoritative) -> Answer:
        """Its referral to another ledger, as it stands in a path."""
        wanted = key if key[0] == "code" else ("node", ledger_label(following.hash))
        return self.answering.referral(wanted)

    def says(self, key: Key) -> Answer:
        """The answer, or what a problem `not_found` holds."""
        question = asked(key)
        named = {} if question.read_as is None else {"readAs": question.read_as._asdict()}
        if self.city.ledger.state.get(key) is not None:
            return self.answering.answer(question)
        if key[0] == "code":
            return {**named, "proof": self.answering.referral(key)["proof"]}
        return {**named, "proof": self.answering.absence(question)}


def path(key: Key, ledgers: Sequence[Authoritative]) -> Answer:
    """The answer of the last of these ledgers, with the path that leads to it."""
    shown = [one.place(first=not at) for at, one in enumerate(ledgers)]
    for item, one, following in zip(shown, ledgers, ledgers[1:], strict=False):
        item["referral"] = one.refers(key, following)
    return {**ledgers[-1].says(key), "path": shown}


class Tree:
    """The root gives `09506` to the nation, the nation `09506000` to Acme.

    R-1 is registered at the root, N-1 with the nation, M-1 at Acme's own.
    """

    def __init__(
        self,
        now: int = NOW,
        *,
        dated: bool = True,
        happens: Callable[[Tree], object] = lambda _: None,
    ) -> None:
        """`happens` before everything is published."""
        self.root, self.nation, self.acme = (
            Authoritative(origin, now) for origin in (ROOT, NATION, ACME)
        )
        self.holder = self.root.company("Nation")
        self.to_nation = self.root.delegate(self.holder, "gtin:09506", self.nation)
        self.company = self.nation.company("Acme")
        self.to_acme = self.nation.delegate(self.company, "gtin:09506000", self.acme)
        self.maker = self.acme.company("Acme")
        self.acme.give(self.maker, "gtin:09506000")
        self.above = self.root.city.device("R-1", self.holder)
        self.between = self.nation.city.device("N-1", self.company)
        self.meter = self.acme.city.device("M-1", self.maker)
        happens(self)
        for one in self.ledgers:
            one.publish(dated=dated)

    @property
    def ledgers(self) -> list[Authoritative]:
        """From the root down."""
        return [self.root, self.nation, self.acme]

    @property
    def trust(self) -> Trust:
        """What a client that pinned the root knows."""
        return Trust.begin(self.root.city.genesis.operation)
