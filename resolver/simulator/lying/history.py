"""A ledger in memory in the hands of its operator, who can write anything into it.

history = History.begin(Seed(7), now)
history.register(range(40))           # honest: the rule book decides
other = history.copy()                # a fork begins
other.write(signed, rules=Bent(drop=lambda key: key[0] == "code"))
other.seal()                          # the root of that state, over that tree
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from copy import deepcopy
from typing import Any, cast

from identity.did import did_key_method, tetrad_did
from identity.errors import TetradError
from identity.jcs import Json, canonicalize_profile, parse
from identity.keys import ED25519
from identity.members import format_time
from identity.operation import AnyOperation, operation_hash, read_operation
from identity.proof import CRYPTOSUITES, create_proof, proof_options
from registry.checking import Checked, Checker
from registry.effects import Unique
from registry.ledger import Ledger
from registry.logkeys import LogSigners
from registry.rules import RuleBook
from registry.state import Changes, Key, Record, State
from registry.store import Head, MemoryStore, Store
from resolver.access_log import AccessLog
from resolver.folder import SANDBOX_POLICY, LogSecrets, begin
from resolver.schemes import SCHEMES
from resolver.simulator.fleet import Device, Fleet
from resolver.simulator.seed import Seed
from resolver.simulator.signing import Book, Party, Signed
from resolver.status_lists import ListStore, MemoryLists

ORIGIN = "liar.test"
_FLEET = 512
"""Devices whose codes the prefixes are enough for."""


class Bent(RuleBook):
    """The rule book with an eye shut: what it does not want to see, and what it will not write."""

    def __init__(
        self, *, drop: Callable[[Key], bool] = lambda _: False, blind: Collection[str] = ()
    ) -> None:
        """Changes of keys that are to be dropped are not made; keys of the `blind` kinds look
        free."""
        super().__init__(SCHEMES)
        self._drop = drop
        self._blind = blind

    def apply(
        self, state: State, operation: AnyOperation, operation_hash: str, unique: Unique, now: int
    ) -> Changes:
        """See RuleBook."""
        seen = _Blinded(state, self._blind)
        changes = super().apply(seen, operation, operation_hash, unique, now)
        return {key: record for key, record in changes.items() if not self._drop(key)}


class _Blinded:
    def __init__(self, state: State, kinds: Collection[str]) -> None:
        self._state = state
        self._kinds = kinds

    @property
    def size(self) -> int:
        return self._state.size

    def get(self, key: Key) -> Record | None:
        return None if key[0] in self._kinds else self._state.get(key)


class _Backdated:
    """A store whose last entry seems to be older than it is."""

    def __init__(self, store: Store, seconds: int) -> None:
        self._store = store
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the rest of a store, as it is
        return getattr(self._store, name)

    def head(self) -> Head | None:
        head = self._store.head()
        return head._replace(time=head.time - self._seconds) if head else None


class History:
    """One ledger: a Site for the service, and what its operator does with it."""

    def __init__(
        self, secrets: LogSecrets, genesis: dict[str, Json], fleet: Fleet, authority: Party
    ) -> None:
        self.secrets = secrets
        self.genesis = genesis
        self.fleet = fleet
        self.authority = authority
        self.devices: dict[int, Device] = {}
        self.now = 0
        self.signers = LogSigners(signer for pair in secrets.sets for signer in pair)
        self.store: Store = MemoryStore()
        self.lists: ListStore = MemoryLists()
        self.accesses = AccessLog(None)

    @classmethod
    def begin(cls, seed: Seed, now: int) -> History:
        """A sandbox with two organizations and the prefixes of its fleet."""
        draw = seed.source("liar")
        secrets = LogSecrets(ORIGIN, draw(32), draw(32), draw(32), further=((draw(32), draw(32)),))
        authority = Book("", seed).party("authority")
        genesis = _genesis(secrets, authority, now)
        ledger = operation_hash(genesis)
        authority.did, authority.previous = tetrad_did(ledger, ledger), ledger
        fleet = Fleet(Book(ledger, seed))
        history = cls(secrets, genesis, fleet, authority)
        history.now = now
        begin(history.store, secrets, genesis)
        for party in (fleet.operator, fleet.maker):
            history.accept(fleet.joins(party, history.created), party)
        for scheme, prefix in fleet.blocks(_FLEET):
            takes = fleet.takes(fleet.operator, scheme, prefix, history.created)
            history.accept(takes, fleet.operator)
        return history

    @property
    def created(self) -> str:
        """`created` of what is signed now."""
        return format_time(self.now)

    @property
    def size(self) -> int:
        """Entries."""
        head = self.store.head()
        return head.size if head else 0

    def copy(self) -> History:
        """The same until now; from here on another history."""
        other = History(self.secrets, self.genesis, self.fleet, self.authority)
        other.devices, other.now = dict(self.devices), self.now
        other.store = deepcopy(self.store)
        return other

    def checked(self, *signed: Signed) -> list[Checked]:
        """Operations as the writer takes them. Raises what is wrong with one."""
        checker = Checker(SCHEMES, self.secrets.unique.hash, lambda _: None)
        found = checker.check_all([one.submission for one in signed])
        return [_insist(one) for one in found]

    def append(
        self, checked: Iterable[Checked], rules: RuleBook | None = None, back: int = 0
    ) -> None:
        """Entries for what was checked, whoever did; `back` is how many seconds the clock runs
        back. Raises what the rules refuse."""
        store = cast("Store", _Backdated(self.store, back)) if back else self.store
        ledger = Ledger(store, rules or RuleBook(SCHEMES), self.signers, ORIGIN)
        for outcome in ledger.append(list(checked), self.now - back):
            if isinstance(outcome, TetradError):
                raise outcome

    def write(self, *signed: Signed, rules: RuleBook | None = None) -> None:
        """Entries for operations that hold, under rules that need not be the rule book."""
        self.append(self.checked(*signed), rules)

    def accept(self, signed: Signed, party: Party) -> None:
        """An honest entry, after which the party stands where the ledger has it."""
        self.write(signed)
        self.fleet.book.accepted(signed, party)

    def seal(self) -> History:
        """The root of the state as the store has it, over the tree as it is."""
        Ledger(self.store, RuleBook(SCHEMES), self.signers, ORIGIN).close(self.now)
        return self

    def registration(self, n: int) -> Signed:
        """The registration of device number n, not yet written."""
        return self.fleet.registration(self.fleet.device(n), self.created)

    def register(self, numbers: Iterable[int]) -> History:
        """Honest registrations, closed with the root of the state."""
        pairs = [(self.fleet.device(n), self.registration(n)) for n in numbers]
        self.write(*(signed for _, signed in pairs))
        for device, signed in pairs:
            self.fleet.registered(device, signed)
            self.devices[device.n] = device
        return self.seal()

    def plain(self) -> Device:
        """A registered device whose code anybody may ask for."""
        return next(
            one for one in self.devices.values() if not SCHEMES.is_committed(one.code.scheme)
        )

    def rotated(self) -> Signed:
        """The update that puts the log's second set of keys in force."""
        authority = self.authority
        log: list[Json] = [str(signer.key) for signer in self.secrets.sets[1]]
        body = {**authority.keys(authority.generation + 1), "log": log}
        return self.fleet.book.sign(
            "registry.update", body, self.created, new=authority, subject=authority
        )

    def keep_checkpoint(self, note: bytes) -> None:
        """Nothing outlives the process (resolver.folder.Site)."""

    def close(self) -> None:
        """Lets go of the store (resolver.folder.Site)."""
        self.store.close()


def forged(checked: Checked) -> Checked:
    """The operation with a signature that is none of its key."""
    operation = cast("dict[str, Any]", parse(checked.canonical))
    value = operation["proof"][0]["proofValue"]
    operation["proof"][0]["proofValue"] = value[:-1] + ("2" if value[-1] != "2" else "3")
    return checked._replace(
        operation=read_operation(operation),
        canonical=canonicalize_profile(operation),
        pending=[],
    )


def _genesis(secrets: LogSecrets, authority: Party, now: int) -> dict[str, Json]:
    body: dict[str, Any] = {
        "format": 0,
        "origin": secrets.origin,
        "mode": "sandbox",
        "authority": "Liar",
        **authority.keys(0),
        "recovery": "none",
        "log": [str(signer.key) for signer in secrets.signers],
        "policy": dict(SANDBOX_POLICY),
        "uniqueness": secrets.unique.member,
    }
    operation: dict[str, Any] = {
        "type": "registry.genesis",
        "created": format_time(now),
        "body": body,
    }
    method = did_key_method(authority.key.public.multikey)
    options = proof_options(CRYPTOSUITES[ED25519], method, "capabilityInvocation")
    return {**operation, "proof": [create_proof(operation, authority.key, options)]}


def _insist(outcome: Checked | TetradError) -> Checked:
    if isinstance(outcome, TetradError):
        raise outcome
    return outcome
