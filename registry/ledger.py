"""The ledger: the one writer.

    ledger = Ledger(store, RuleBook(SCHEMES), signer, origin)
    outcomes = ledger.append([checked, …], now)        # one commit; receipts only after it

    ledger.close(now)                                  # a state root, before a tree is published

`append` decides each operation by the rule book over an overlay of the batch, splices entries,
extends the tree and the state map, signs one checkpoint, and commits all of it against the head
that it started from. Nothing leaves before the commit returns. When a commit fails, memory is
rebuilt from the store and the batch is refused whole. Specified in specs/2-registry.md, "Ledger".
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import cast

from identity.did import tetrad_did
from identity.disclosure import CODE, NUMBER, SERIAL
from identity.errors import (
    InputTooLarge,
    LedgerStopped,
    LedgerTampered,
    NotFound,
    PolicyViolated,
    TetradError,
)
from identity.jcs import Json, canonicalize_profile
from identity.keys import thumbprint
from identity.members import CommittedCode, CommittedNumber, format_time
from identity.multibase import decode_multihash
from identity.operation import ESTABLISHING, DeviceRegister, RegistryGenesis, RegistryUpdate
from registry.checking import Checked, verify_proofs
from registry.checkpoint import Checkpoint
from registry.enrolment import asked_for
from registry.entry import (
    FIRST_PREVIOUS,
    MAX_ENTRY_BYTES,
    StateRoot,
    entry_context,
    is_state_root,
    join_entry,
    parse_any,
    state_root_entry,
)
from registry.logkeys import LogSigners, log_keys_in, log_signers
from registry.merkle import Frontier, leaf_hash
from registry.note import Signer, sign_note
from registry.rules import RuleBook
from registry.state import (
    Device,
    GrantRecord,
    Key,
    MemoryState,
    NodeRecord,
    OperationRecord,
    Record,
    Registry,
    State,
    Subject,
    linked,
    state_key,
    subject_of,
)
from registry.state_map import StateMap
from registry.store import Batch, Head, Row, Store
from registry.stored_state import StoredState
from registry.tile import changed_tiles


@dataclass(frozen=True, slots=True)
class Accepted:
    """An operation that stands in the ledger."""

    hash: str
    index: int
    repeated: bool
    """It stood there before it was sent this time."""


Outcome = Accepted | TetradError


class Ledger:
    """The one writer of a store. Not for several threads at once."""

    def __init__(
        self,
        store: Store,
        rules: RuleBook,
        signer: Signer | LogSigners,
        origin: str,
        guard: AbstractContextManager[object] | None = None,
    ) -> None:
        """`signer` is the log's Ed25519 key, whose name is the `origin`, or all the log's keys;
        `guard` a lock, where another thread makes proofs of the state."""
        self._store = store
        self._rules = rules
        self._signers = log_signers([signer] if isinstance(signer, Signer) else signer)
        self._origin = origin
        self._stopped = ""
        self.state_map = StateMap(store, guard)
        self._reload()

    def _reload(self) -> None:
        self._head = self._store.head()
        self.state = StoredState(self._store)
        self._frontier = (
            Frontier(self._head.size, self._head.frontier) if self._head else Frontier()
        )

    @property
    def head(self) -> Head | None:
        """The newest head that is on disk."""
        return self._head

    def append(self, operations: Sequence[Checked | TetradError], now: int) -> list[Outcome]:
        """Decides operations in their order and commits what is accepted, in one transaction.

        An element that is an error already stays one, so that a batch keeps its lines. Behind an
        update of the log's keys another commit begins. Raises LedgerStopped when a commit failed:
        then nothing of it was written, and this writer refuses from now on.
        """
        outcomes = self._append(operations, now)
        while len(outcomes) < len(operations):
            outcomes += self._append(operations[len(outcomes) :], now)
        return outcomes

    def _append(self, operations: Sequence[Checked | TetradError], now: int) -> list[Outcome]:
        """One commit: all the operations, or those up to an update of the log's keys."""
        self._check_running()
        draft = _Draft(self.state, self._head, self._frontier, now)
        registry = cast("Registry | None", self.state.get(("registry",)))
        ledger = registry["ledger"] if registry else ""
        self.state.read_ahead([key for one in operations for key in _asked_for(one, ledger)])
        outcomes: list[Outcome] = []
        try:
            for checked in operations:
                outcomes.append(self._decide(draft, checked))
                if draft.ends:
                    break
            if draft.entries:
                self._commit(draft)
        finally:
            self.state.forget_ahead()
        return outcomes

    def close(self, now: int) -> int:
        """The size of a tree that ends in the root of its state: a new one where the last entry is
        something else. Raises as `append` does."""
        self._check_running()
        head = self._head
        if head is None:
            raise NotFound("the ledger has not begun")
        (last,) = self._store.entries(head.size - 1, head.size)
        root = self.state_map.close()
        if not is_state_root(last):
            draft = _Draft(self.state, head, self._frontier, now)
            draft.close(root)
            self._commit(draft)
            return head.size + 1
        if cast("StateRoot", parse_any(last, head.size - 1)).root != root:
            raise LedgerTampered("the state is not the one that was closed", index=head.size - 1)
        return head.size

    def _check_running(self) -> None:
        if self._stopped:
            raise LedgerStopped(self._stopped, hint="start the service again")

    def _decide(self, draft: _Draft, checked: Checked | TetradError) -> Outcome:
        if isinstance(checked, TetradError):
            return checked
        drafted = len(draft.entries)
        try:
            return draft.add(checked, self._rules, self._signers)
        except TetradError as error:
            # A store that fails has decided nothing, and may leave an entry without its records.
            if isinstance(error, LedgerStopped) or len(draft.entries) > drafted:
                raise
            return error

    def _commit(self, draft: _Draft) -> None:
        try:
            # Extends the tree in memory, so that whatever fails from here on leaves it unusable.
            rows = self._head.rows if self._head else 0
            written, buckets = self.state_map.put(draft.records, rows, self.state.buckets)
            head = draft.head(rows + len(written))
            text = Checkpoint(self._origin, head.size, head.root).format()
            signer = self._signers.signer(log_keys_in(draft.overlay, head.size))
            batch = Batch(
                draft.entries,
                changed_tiles(draft.start, draft.leaves, self._store.tile),
                written,
                buckets,
                draft.rows,
                draft.disclosures,
                head,
                sign_note(text, [signer], draft.now),
            )
            self._store.commit(batch, self._head)
        except BaseException as error:
            # A flush that failed once is never trusted again: an operator restarts the service,
            # which begins from what the store really holds.
            self._stopped = f"a commit failed: {getattr(error, 'detail', type(error).__name__)}"
            self._reload()
            raise
        self._head = head
        self.state.committed(draft.overlay.records)


class _Draft:
    """A batch in the making: entries, leaves and records that no one has seen yet."""

    def __init__(self, state: State, head: Head | None, frontier: Frontier, now: int) -> None:
        self.overlay = MemoryState(state)
        self._frontier = frontier
        self.start = head.size if head else 0
        self.now = max(now, head.time) if head else now  # the clock never runs back
        self._time = format_time(self.now)
        self._last_leaf = head.last_leaf if head else None
        self.entries: list[bytes] = []
        self.leaves: list[bytes] = []
        self.records: list[tuple[bytes, int, bytes]] = []
        self.rows: list[Row] = []
        self.disclosures: list[tuple[int, list[str]]] = []
        self.ends = False
        """The last entry is an update of the log's keys: the tree up to it is for the old ones."""

    def add(self, checked: Checked, rules: RuleBook, signers: LogSigners) -> Accepted:
        """One operation; raises what the rule book raises."""
        known = known_index(self.overlay, checked)
        if known is not None:
            return Accepted(checked.hash, known, repeated=True)
        if checked.pending:
            verify_pending(self.overlay, checked)
        changes = rules.apply(
            self.overlay, checked.operation, checked.hash, checked.unique, self.now
        )
        log = _named_log(checked)
        if log and not signers.holds(log):
            raise PolicyViolated(
                "the service does not hold the secrets of these log keys",
                pointer="/body/log",
                hint="tetrad registry update --rotate-log-keys --data DIR draws and stores them",
            )
        index, previous = self._place()
        context = entry_context(index, self._time, previous, checked.unique)
        entry = join_entry(context, checked.canonical)
        if len(entry) > MAX_ENTRY_BYTES:
            raise InputTooLarge(f"an entry of {len(entry)} bytes; {MAX_ENTRY_BYTES} are allowed")
        self._append(entry)
        changes = linked(self.overlay, changes, self.leaves[-1])
        self.overlay.advance(changes)
        for key, record in changes.items():
            self.records.append((state_key(key), index, canonicalize_profile(cast("Json", record))))
            row = listing_row(self.overlay, key, record)
            if row is not None:
                self.rows.append(row)
        if checked.disclosures:
            self.disclosures.append((index, checked.disclosures))
        self.ends = bool(log)
        return Accepted(checked.hash, index, repeated=False)

    def close(self, root: bytes) -> None:
        """The entry that states the root of the state."""
        index, previous = self._place()
        self._append(state_root_entry(index, self._time, previous, root))

    def _place(self) -> tuple[int, str]:
        """Index and `previous` of the next entry."""
        previous = self._last_leaf.hex() if self._last_leaf else FIRST_PREVIOUS
        return self.start + len(self.entries), previous

    def _append(self, entry: bytes) -> None:
        self._last_leaf = leaf_hash(entry)
        self.entries.append(entry)
        self.leaves.append(self._last_leaf)

    def head(self, rows: int) -> Head:
        """The head after this batch, with so many rows of records; extends the tree."""
        for leaf in self.leaves:
            self._frontier.append(leaf)
        return Head(
            self._frontier.size,
            self._frontier.root(),
            self.now,
            self.leaves[-1],
            tuple(self._frontier.hashes),
            rows,
        )


def _named_log(checked: Checked) -> list[str]:
    """The log keys that an operation names, if it does."""
    operation = checked.operation
    return operation.body.log or [] if isinstance(operation, RegistryUpdate) else []


def _asked_for(checked: Checked | TetradError, ledger: str) -> list[Key]:
    """The keys that the rules are going to look up for a registration, most of them in vain."""
    if isinstance(checked, TetradError) or not isinstance(checked.operation, DeviceRegister):
        return []
    if checked.operation.ledger != ledger:
        return []
    body, unique = checked.operation.body, checked.unique
    keys: list[Key] = [("key", thumbprint(key)) for key in body.keys]
    keys.append(("did", tetrad_did(ledger, checked.hash)))
    keys.append(("object", unique[SERIAL]))
    code = unique[CODE] if isinstance(body.code, CommittedCode) else body.code.value
    keys.append(("code", body.code.scheme, code))
    if isinstance(body.number, CommittedNumber):
        keys.append(("number", body.number.scheme, unique[NUMBER]))
    if body.enrolment is not None:
        keys += asked_for(body.enrolment)
    return keys


def known_index(state: State, checked: Checked) -> int | None:
    """Where the very same operation stands already: the same hash, and of a suspension or
    resumption the same signer."""
    operation = checked.operation
    if operation.type not in ESTABLISHING:
        record = cast("OperationRecord | None", state.get(("operation", checked.hash)))
        # A suspension is its signer's, whom the hash does not cover: another's is another one.
        signer = operation.proof[0].verificationMethod.partition("#")[0]
        return record["entry"] if record and record.get("by", signer) == signer else None
    genesis = checked.hash if isinstance(operation, RegistryGenesis) else operation.ledger
    subject = subject_of(state, tetrad_did(genesis, checked.hash))
    return subject["registered"]["entry"] if subject else None


def verify_pending(state: State, checked: Checked) -> None:
    """Signatures under keys that only the state, or an operation just before, knows."""
    keys: dict[str, str] = {}
    for proof in checked.operation.proof:
        party = subject_of(state, proof.verificationMethod.partition("#")[0])
        # A recovery may be finished by the keys that it is about to bring.
        awaited = party["recovering"]["keys"] if party and "recovering" in party else ()
        for multikey in (*party["keys"], *awaited) if party else ():
            keys[thumbprint(multikey)] = multikey
    digest = decode_multihash(checked.hash)
    # What stays unknown here is a key of nobody; the rule book refuses it by name.
    verify_proofs(checked.operation, digest, keys.get, checked.pending)


def listing_row(state: State, key: Key, record: Record) -> Row | None:
    """The line of a listing that a changed record stands for, if any."""
    if key[0] == "did":
        subject = cast("Subject", record)
        entry = owner = subject["registered"]["entry"]
        if subject["kind"] == "device":
            owner = _entry_of(state, cast("Device", subject)["controller"])
        return Row(entry, subject["kind"], subject["status"], owner, state_key(key))
    if key[0] == "grant":
        grant = cast("GrantRecord", record)
        owner = _entry_of(state, grant["to"])
        return Row(grant["issued"]["entry"], "grant", grant["status"], owner, state_key(key))
    if key[0] == "node":
        node = cast("NodeRecord", record)
        status = "active" if node["grants"] else "withdrawn"
        return Row(node["named"]["entry"], "node", status, 0, state_key(key))
    return None


def _entry_of(state: State, did: str) -> int:
    return cast("Subject", subject_of(state, did))["registered"]["entry"]
