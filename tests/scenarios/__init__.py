"""Scenarios of the rule book: a ledger, one more operation, and what the rules must say to it.

Each is written once and used twice: tests/registry/test_rules.py plays it against the ledger, and
the vectors in specs/vectors/rules are what it reads, and gets, from the rule book.

    @refused(CodeTaken, "/body/code")
    def device_register__code_taken(town: Town) -> Signed:
        "A code is never issued twice."
        ...

The name is the operation's type and the case; the docstring is the vector's description.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from identity.errors import TetradError
from identity.members import format_time
from registry.ledger import Ledger
from registry.store import MemoryStore
from tests.factory import ORIGIN, RULES, City, Maker, Signed, Subject, log_signers

DAY = 86_400
CODES = "gtin:09506000"
"""The prefix that Acme holds."""


class Town(City):
    """A ledger with two organizations: Acme, which holds a prefix, and Beta, which holds none."""

    def __init__(self, mode: str = "sandbox", **policy: Any) -> None:
        super().__init__(mode=mode, **policy)
        permissioned = mode == "permissioned"
        admitter = self.authority if permissioned else None
        self.acme = self.organization("Acme", admitted_by=admitter)
        self.beta = self.organization("Beta", admitted_by=admitter)
        self.accept(self.prefix(self.acme, CODES, by=admitter))

    def meter(self, name: str = "M-1", **options: Any) -> Subject:
        """A device of Acme's with number 1440000000001."""
        return self.device(name, self.acme, **{"number": "1440000000001", **options})

    def betas(self, name: str = "B-1", **options: Any) -> Subject:
        """A device of Beta's own make, under Acme's prefix."""
        return self.device(name, self.beta, by=[self.acme, self.beta], **options)

    def newcomer(self, name: str, controller: Subject, **options: Any) -> Signed:
        """The registration of a device, not yet submitted."""
        first = self.new_device(name, controller, **options).first
        assert first is not None
        return first

    def revoke(self, subject: Subject, by: Subject | None = None) -> None:
        """Ends a subject."""
        self.accept(self.supervise(subject, "status.revoke", "stolen", by or self.authority))

    def suspend(self, subject: Subject, by: Subject | None = None) -> None:
        """A supervisor suspends a subject."""
        who = by or self.authority
        self.accept(self.supervise(subject, "status.suspend", f"{who.name} doubts", who))

    def withdraw(self, grant: Signed, by: Subject | None = None) -> Signed:
        """The withdrawal of a grant, not yet submitted."""
        body = {"grant": grant.hash, "reason": "over"}
        return self.follow(by or self.authority, "grant.withdraw", body)

    def in_a_day(self) -> str:
        """A time after now."""
        return format_time(self.now + DAY)


class Blank(Town):
    """A ledger before its genesis."""

    def __init__(self, **policy: Any) -> None:
        Maker.__init__(self, **policy)
        self.store = MemoryStore()
        self.ledger = Ledger(self.store, RULES, log_signers(), ORIGIN)


Build = Callable[[Town], Signed]


class Scenario(NamedTuple):
    """One operation before one state, and the class of the error, or None."""

    build: Build
    error: type[TetradError] | None
    pointer: str
    world: Callable[[], Town]
    undisclosed: bool

    @property
    def name(self) -> str:
        """`device.register-code-taken`."""
        type_, _, case = self.build.__name__.partition("__")
        return f"{type_.replace('_', '.')}-{case.replace('_', '-')}"

    @property
    def description(self) -> str:
        """In a sentence."""
        return " ".join((self.build.__doc__ or "").split())


SCENARIOS: list[Scenario] = []


def refused(
    error: type[TetradError],
    pointer: str,
    *,
    world: Callable[[], Town] = Town,
    undisclosed: bool = False,
) -> Callable[[Build], Build]:
    """The rule book refuses the operation so; `undisclosed` hides the keyed hashes from it."""

    def add(build: Build) -> Build:
        SCENARIOS.append(Scenario(build, error, pointer, world, undisclosed))
        return build

    return add


def accepted(build: Build) -> Build:
    """The rule book accepts the operation, in a sandbox."""
    SCENARIOS.append(Scenario(build, None, "", Town, undisclosed=False))
    return build


def accepted_in(world: Callable[[], Town]) -> Callable[[Build], Build]:
    """The rule book accepts the operation in another world."""

    def add(build: Build) -> Build:
        SCENARIOS.append(Scenario(build, None, "", world, undisclosed=False))
        return build

    return add


def permissioned() -> Town:
    """A ledger on which only the authority and its grantees admit and grant."""
    return Town("permissioned")


def all_scenarios() -> list[Scenario]:
    """Every scenario, in the order of the rule book's table."""
    from tests.scenarios import (
        accreditations,
        correcting,
        devices,
        enrolment,
        grants,
        keys,
        kinds,
        known_as,
        links,
        nodes,
        numbers,
        organizations,
        recovery,
        registry,
        status,
        transfer,
    )

    modules = (
        *(organizations, registry, grants, nodes, accreditations, enrolment, links, devices),
        *(numbers, correcting, keys, kinds, known_as, recovery, transfer, status),
    )
    order = [module.__name__ for module in modules]
    return sorted(SCENARIOS, key=lambda one: order.index(one.build.__module__))
