"""Ledgers that refer to one another, and paths through them as a recursive resolver makes them.

tree = Tree()                                  # root, a second level, an enterprise; published
tree.path(CODE, tree.enterprise)               # the answer with its path
verify_path(answer, tree.trust, key, NOW)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from identity.did import ledger_label
from registry.state import Key
from resolver.resolution import Asked
from resolver.schemes import SCHEMES
from resolver.trust import Trust
from tests.factory import NOW, City, Subject
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

    def __init__(self, origin: str, mode: str = "permissioned", now: int = NOW) -> None:
        self.city = City(mode=mode, origin=origin, now=now)
        self.answering = Answering(self.city)
        self.updates: list[Any] = []

    def company(self, name: str) -> Subject:
        """An organization of this ledger."""
        city = self.city
        by = None if city.genesis.operation["body"]["mode"] == "sandbox" else city.authority
        return city.organization(name, admitted_by=by)

    def delegate(self, to: Subject, prefix: str, below: Authoritative, **members: Any) -> str:
        """The authority gives a prefix, whose holder has a node; the grant's hash."""
        city = self.city
        signed = city.prefix(to, prefix, by=city.authority, node=below.city.node, **members)
        city.accept(signed)
        return signed.hash

    def place(self, *, first: bool) -> dict[str, Any]:
        """This ledger as it stands in a path."""
        shown: dict[str, Any] = {"ledger": self.city.ledger_hash, "updates": self.updates}
        return shown if first else {**shown, "genesis": self.city.genesis.operation}

    def says(self, key: Key) -> Answer:
        """The answer, or what a problem `not_found` holds."""
        question = asked(key)
        named = {} if question.read_as is None else {"readAs": question.read_as._asdict()}
        if key[0] == "code" and self.city.ledger.state.get(key) is None:
            return {**named, "proof": self.answering.referral(key)["proof"]}
        if self.city.ledger.state.get(key) is None:
            return {**named, "proof": self.answering.absence(question)}
        return self.answering.answer(question)


def path(key: Key, ledgers: Sequence[Authoritative]) -> Answer:
    """The answer of the last of these ledgers, with the path that leads to it."""
    shown: list[dict[str, Any]] = []
    for at, one in enumerate(ledgers):
        item = one.place(first=not at)
        if one is not ledgers[-1]:
            following = ledgers[at + 1].city.ledger_hash
            asked_for = key if key[0] == "code" else ("node", ledger_label(following))
            item["referral"] = one.answering.referral(asked_for)
        shown.append(item)
    return {**ledgers[-1].says(key), "path": shown}


class Tree:
    """Root, nation and Acme: `09506` is the nation's, `09506000` Acme's."""

    def __init__(self, now: int = NOW) -> None:
        self.root, self.nation, self.acme = (
            Authoritative(origin, now=now) for origin in (ROOT, NATION, ACME)
        )
        holder = self.root.company("Nation")
        self.to_nation = self.root.delegate(holder, "gtin:09506", self.nation)
        acme = self.nation.company("Acme")
        self.to_acme = self.nation.delegate(acme, "gtin:09506000", self.acme)
        city = self.acme.city
        maker = self.acme.company("Acme")
        city.accept(city.prefix(maker, "gtin:09506000", by=city.authority))
        self.meter = city.device("M-1", maker)
        self.publish()

    @property
    def ledgers(self) -> list[Authoritative]:
        """From the root down."""
        return [self.root, self.nation, self.acme]

    def publish(self) -> None:
        """Closes and publishes every tree."""
        for one in self.ledgers:
            one.answering.publish()

    @property
    def trust(self) -> Trust:
        """What a client that pinned the root knows."""
        return Trust.begin(self.root.city.genesis.operation)
