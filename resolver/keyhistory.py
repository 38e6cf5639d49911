"""How a client comes to know that the log's keys were replaced: evidence, and what it proves.

    history = KeyHistory.begin(genesis, hash)
    history = history.extended(update)          # for each item of GET /v1/ledger/keys, in order

An item is the checkpoint of the tree that ends with a registry.update, signed by the keys which
that update replaces, and with their inclusion every entry that established keys of the authority
since the item before, or began a recovery of them, the update last:

    {"checkpoint": "sandbox.test\\n43\\n…",
     "entries": [{"entry": {"index": 42, …}, "hashes": ["A2MM…", …]}]}

Two thefts are needed to forge one: the log's present key, and keys of the authority that were
committed to and never used, or its recovery quorum. Specified in specs/2-registry.md, "Log keys".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from identity.did import tetrad_did
from identity.errors import (
    InvalidAnswer,
    InvalidProof,
    NotEntitled,
    RuleBroken,
    TetradError,
)
from identity.jcs import Json, canonicalize
from identity.keys import thumbprint
from identity.members import parse_time
from identity.multibase import decode_multihash
from identity.operation import (
    ROTATING,
    AnyOperation,
    KeysRotate,
    RecoveryBegin,
    RecoveryFinish,
    RegistryGenesis,
    RegistryUpdate,
    operation_hash,
    read_shown_operation,
    revealed_keys,
)
from registry.checking import verify_proofs
from registry.checkpoint import Checkpoint
from registry.effects import after, shown_recovery
from registry.entry import Entry, parse_entry
from registry.logkeys import MAX_UPDATES, LogKeys
from registry.merkle import check_inclusion, leaf_hash
from registry.note import VerifierKey, decode64
from registry.recovering import check_begin, check_finish
from registry.state import Stamp, Subject
from registry.status import keeps_kinds
from registry.updating import check_log_keys

MAX_ENTRIES = 1_000
"""Establishments of the authority between two updates of the log's keys."""


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """The log's keys as far as they are proved, and the authority's last establishment."""

    ledger: str
    """Operation hash of the genesis."""
    origin: str
    keys: LogKeys
    entry: int
    """Of the last establishment."""
    committed: tuple[str, ...]
    """Thumbprints of the keys that alone may follow."""
    sequence: int
    previous: str
    """Of that establishment: its place in the authority's sequence, and its hash; a recovery has no
    place of its own."""
    quorum: Subject
    """Of the authority's record what a recovery reads and writes, its keys among it."""

    @classmethod
    def begin(cls, genesis: RegistryGenesis, ledger: str) -> KeyHistory:
        """Out of a genesis that was checked (resolver/trust.py). Raises InvalidKey."""
        body = genesis.body
        first = tuple(VerifierKey.parse(vkey) for vkey in body.log)
        did = tetrad_did(ledger, ledger)
        recovery = {"did": did, "keys": body.keys, "recovery": shown_recovery(body.recovery)}
        return cls(
            *(ledger, body.origin, LogKeys(first), 0, tuple(body.next), 0, ledger),
            cast("Subject", recovery),
        )

    @property
    def authority(self) -> str:
        """The DID of the authority."""
        return tetrad_did(self.ledger, self.ledger)

    def extended(self, item: Json) -> KeyHistory:
        """The history after one more update of the log's keys.

        Raises InvalidAnswer, InvalidCheckpoint, InvalidProof or InvalidKey where the evidence does
        not prove it.
        """
        if len(self.keys.later) >= MAX_UPDATES:
            raise InvalidAnswer(f"more than {MAX_UPDATES} updates of the log's keys")
        note, shown = read_item(item)
        tree = self.keys.open(note).checkpoint
        if tree.origin != self.origin:
            raise InvalidAnswer("a checkpoint of another log", pointer="/checkpoint")
        history = self
        for place, (entry, hashes) in enumerate(shown):
            try:
                history = history._established(entry, hashes, tree, ends=place == len(shown) - 1)
            except TetradError as error:
                error.pointer = f"/entries/{place}"
                raise
        return history

    def _established(
        self, shown: dict[str, Json], hashes: list[bytes], tree: Checkpoint, *, ends: bool
    ) -> KeyHistory:
        """After one entry; the one that `ends` the tree names the log's keys, none before does."""
        entry = _included(shown, hashes, tree)
        operation = read_shown_operation(entry.operation)
        if not isinstance(operation, (*ROTATING, RecoveryBegin, RecoveryFinish)):
            raise InvalidAnswer("an entry that does not establish keys")
        if (operation.subject, operation.ledger) != (self.authority, self.ledger):
            raise InvalidAnswer("an entry that is not about the authority of this ledger")
        if entry.index <= self.entry:
            raise InvalidAnswer("entries stand in their order")
        if isinstance(operation, RecoveryBegin | RecoveryFinish):
            if ends:
                raise InvalidAnswer("an update of the log's keys is the last entry of its tree")
            return self._recovered(operation, entry)
        self._check_order(operation)
        self._check_signed(operation, entry)
        log = operation.body.log if isinstance(operation, RegistryUpdate) else None
        if ends != (log is not None) or (ends and entry.index != tree.size - 1):
            raise InvalidAnswer("an update of the log's keys is the last entry of its tree")
        keys = self.keys
        if log is not None:
            keys = keys.after(entry.index, check_log_keys(log, self.origin))
        return replace(
            self,
            keys=keys,
            entry=entry.index,
            committed=tuple(operation.body.next),
            sequence=operation.sequence,
            previous=operation_hash(entry.operation),
            quorum=self._recovery_after(operation, entry),
        )

    def _recovery_after(self, operation: AnyOperation, entry: Entry) -> Subject:
        hash_, stamp = operation_hash(entry.operation), Stamp(entry=entry.index, time=entry.time)
        return after(self.quorum, operation, hash_, stamp, {}, None, self.authority)

    def _recovered(self, operation: RecoveryBegin | RecoveryFinish, entry: Entry) -> KeyHistory:
        """After an entry of the quorum's: its signatures, its wait, and what it brings."""
        authority = self.quorum
        try:
            if isinstance(operation, RecoveryFinish):
                # Whoever signs it says nothing: the quorum has said it all, and the log says when.
                recovering = check_finish(authority, operation.body, parse_time(entry.time))
                standing = self._recovery_after(operation, entry)
                committed = tuple(recovering["next"])
                return replace(self, entry=entry.index, committed=committed, quorum=standing)
            check_begin(authority, operation.body)
        except (RuleBroken, NotEntitled, InvalidProof) as broken:
            raise InvalidAnswer(f"a recovery that does not hold: {broken.detail}") from None
        self._check_own(operation, entry, revealed_keys(operation))
        standing = self._recovery_after(operation, entry)
        return replace(self, entry=entry.index, quorum=standing)

    def _check_order(self, operation: KeysRotate | RegistryUpdate) -> None:
        """Between two establishments there may be other operations of the authority."""
        step = operation.sequence - self.sequence
        if step < 1 or (step == 1 and operation.previous != self.previous):
            raise InvalidAnswer("the authority's operations do not follow one another")

    def _check_signed(self, operation: KeysRotate | RegistryUpdate, entry: Entry) -> None:
        """Signed by each of its new keys, which were committed to, and by no other."""
        for multikey in operation.body.keys:
            if thumbprint(multikey) not in self.committed:
                raise InvalidAnswer("the authority had not committed to this key")
        if not keeps_kinds(self.quorum["keys"], operation.body.keys):
            raise InvalidAnswer("half a pair of keys follows a pair")
        self._check_own(operation, entry, operation.body.keys)

    def _check_own(self, operation: AnyOperation, entry: Entry, keys: Sequence[str]) -> None:
        own = {f"{self.authority}#{thumbprint(multikey)}" for multikey in keys}
        signed = [proof.verificationMethod for proof in operation.proof]
        if sorted(signed) != sorted(own):
            raise InvalidAnswer("each new key of the authority signs, and no other")
        digest = decode_multihash(operation_hash(entry.operation))
        if verify_proofs(operation, digest, lambda _: None):
            raise InvalidAnswer("a proof under a key that is not shown")


def read_item(item: Json) -> tuple[bytes, list[tuple[dict[str, Json], list[bytes]]]]:
    """The note of an item, and its entries with their hashes; nothing is verified.

    Raises InvalidAnswer.
    """
    if not isinstance(item, Mapping) or set(item) != {"checkpoint", "entries"}:
        raise InvalidAnswer("an update of log keys has the members `checkpoint` and `entries`")
    note, entries = item["checkpoint"], item["entries"]
    if not isinstance(note, str):
        raise InvalidAnswer("a checkpoint is text", pointer="/checkpoint")
    if not isinstance(entries, list) or not 0 < len(entries) <= MAX_ENTRIES:
        raise InvalidAnswer("entries are a list that ends with the update", pointer="/entries")
    return note.encode("utf-8", "replace"), [_entry(one) for one in entries]


def _entry(item: Json) -> tuple[dict[str, Json], list[bytes]]:
    if not isinstance(item, dict) or set(item) != {"entry", "hashes"}:
        raise InvalidAnswer("an entry comes with its hashes", pointer="/entries")
    entry, hashes = item["entry"], item["hashes"]
    if not isinstance(entry, dict) or not isinstance(hashes, list):
        raise InvalidAnswer("an entry comes with its hashes", pointer="/entries")
    try:
        return entry, [decode64(cast("str", text)) for text in hashes]
    except (ValueError, TypeError, AttributeError):
        raise InvalidAnswer("hashes are base64", pointer="/entries") from None


def _included(shown: dict[str, Json], hashes: Sequence[bytes], tree: Checkpoint) -> Entry:
    """The entry, read strictly, once it is proved to be in the tree."""
    index = shown.get("index")
    if type(index) is not int:
        raise InvalidAnswer("an entry has an index")
    data = canonicalize(shown)
    check_inclusion(list(hashes), index, tree.size, leaf_hash(data), tree.root)
    return parse_entry(data, index)
