"""What a client trusts: one pinned genesis, and the newest checkpoint that it has seen.

    trust = Trust.begin(genesis)                      # after its fingerprint was compared
    needed = trust.consistency_needed(note)           # (from, to), or None
    trust = trust.observe(note, hashes)               # hashes of that consistency proof

Everything else follows from the genesis: its hash is the ledger's name, its body holds the log's
first keys, and those that took their place are known by evidence (resolver/keyhistory.py):

    trust = trust.extend(item)                        # of GET /v1/ledger/keys, in their order

A log may only grow. What is newer must extend what was seen; what is older must be a
beginning of it; a server that cannot show either is refused. Does no I/O; kept by the client
(resolver/client) as JSON. Specified in specs/3-resolution.md, "Trust".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final, cast

import orjson

from identity.did import ledger_label, tetrad_did
from identity.errors import (
    ForkDetected,
    InvalidAnswer,
    InvalidCheckpoint,
    InvalidConsistency,
    MalformedInput,
    RolledBack,
    TetradError,
)
from identity.jcs import Json
from identity.operation import (
    RegistryGenesis,
    operation_hash,
    read_operation,
    read_shown_operation,
)
from registry.checking import document_digest, verify_proofs
from registry.checkpoint import Checkpoint, OpenedCheckpoint
from registry.merkle import check_consistency
from registry.note import VerifierKey
from registry.policy import Policy
from resolver.keyhistory import KeyHistory, read_item
from resolver.pinned import Pinned

MOST_KEPT_BYTES: Final = 16_384
"""Of a genesis that is remembered as verified."""
_PLAIN: Final = (
    orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


@dataclass(frozen=True)
class Trust:
    """One ledger as a client knows it. Immutable: `observe` gives the next one."""

    genesis: dict[str, Json]
    """The genesis operation, signed by the authority's keys."""
    newest: bytes = b""
    """The newest checkpoint seen, as a signed note; b"" before the first."""
    updates: tuple[dict[str, Json], ...] = ()
    """The evidence that the log's keys were replaced, in order."""
    witness_policy: str = ""
    """Whose cosignatures are asked for (C2SP tlog-policy); "" for nobody's."""

    @classmethod
    def begin(cls, genesis: Json) -> Trust:
        """Trust in a ledger by its genesis, whose signatures and log keys are checked.

        Whether it is the right one is for a person to decide, by its `ledger`. Raises InvalidInput,
        InvalidKey or InvalidProof.
        """
        try:
            shown = orjson.dumps(genesis, option=_PLAIN)
        except orjson.JSONEncodeError:  # it is no JSON, or numbers are beyond what is usual
            return cls._begun(genesis)
        return _begun(shown) if len(shown) <= MOST_KEPT_BYTES else cls._begun(genesis)

    @classmethod
    def _begun(cls, genesis: Json) -> Trust:
        operation = read_shown_operation(genesis)
        if not isinstance(operation, RegistryGenesis):
            raise InvalidAnswer("a ledger begins with a registry.genesis")
        trust = cls(cast("dict[str, Json]", genesis))
        signed = {proof.verificationMethod for proof in operation.proof}
        own = {f"did:key:{multikey}#{multikey}" for multikey in operation.body.keys}
        if signed != own or verify_proofs(
            operation, document_digest(trust.genesis), lambda _: None
        ):
            raise InvalidAnswer("a genesis is signed by each of its own keys, and no other")
        if any(key.name != trust.origin for key in trust.log_keys):
            raise InvalidAnswer("a log key of the genesis bears another name than its origin")
        return trust

    @cached_property
    def ledger(self) -> str:
        """The operation hash of the genesis: the fingerprint that a person compares."""
        return operation_hash(self.genesis)

    @property
    def label(self) -> str:
        """The ledger's label, as it stands in its DIDs."""
        return ledger_label(self.ledger)

    @property
    def authority(self) -> str:
        """The DID of the authority."""
        return tetrad_did(self.ledger, self.ledger)

    @property
    def origin(self) -> str:
        """The name of the log."""
        return cast("str", self._body["origin"])

    @property
    def sandbox(self) -> bool:
        """Whether anyone may register."""
        return bool(self._body["mode"] == "sandbox")

    @property
    def policy(self) -> dict[str, Json]:
        """What this ledger asks beyond the rule book."""
        return cast("dict[str, Json]", self._body["policy"])

    @property
    def uniqueness(self) -> dict[str, Json]:
        """The function of the keyed hashes, with the key under which they are proved, if any."""
        return cast("dict[str, Json]", self._body["uniqueness"])

    @property
    def name(self) -> str:
        """What the authority calls itself."""
        return cast("str", self._body["authority"])

    @cached_property
    def log_keys(self) -> tuple[VerifierKey, ...]:
        """The log's keys in the genesis. Raises InvalidKey."""
        return tuple(VerifierKey.parse(key) for key in cast("list[str]", self._body["log"]))

    @cached_property
    def pinned(self) -> Pinned:
        """What the verifier of answers needs."""
        keys, following = tuple(self._body["keys"]), tuple(self._body["next"])
        later = self.history.keys.later
        quorum = self._body["recovery"]
        return Pinned(self.ledger, self.log_keys, later, keys, following, quorum, self.witnesses)

    @cached_property
    def witnesses(self) -> Policy | None:
        """Whose cosignatures a checkpoint needs; None without a policy. Raises MalformedPolicy."""
        return Policy.parse(self.witness_policy) if self.witness_policy else None

    def asking(self, policy: str) -> Trust:
        """Trust that asks for the cosignatures of a policy; "" for nobody's.

        Raises MalformedPolicy; InvalidAnswer for a policy that does not accept this log.
        """
        asking = replace(self, witness_policy=policy)
        if asking.witnesses is not None and asking.witnesses.logs:
            known = {key for keys in self.history.keys.every() for key in keys}
            if not known & set(asking.witnesses.log_keys(self.origin)):
                raise InvalidAnswer(
                    "the policy does not name a key of this log",
                    hint="a line `log` with its vkey, or no such line at all",
                )
        return asking

    @cached_property
    def history(self) -> KeyHistory:
        """The log's keys as far as they are known. Raises what its evidence does not prove."""
        genesis = cast("RegistryGenesis", read_operation(self.genesis))
        history = KeyHistory.begin(genesis, self.ledger)
        for item in self.updates:
            history = history.extended(item)
        return history

    def keys_needed(self, note: bytes) -> bool:
        """Whether a checkpoint is by keys that are not known here: then ask for their evidence.

        Nothing is verified. Raises InvalidCheckpoint for what is no checkpoint.
        """
        return not self.history.keys.knows_signer(note)

    def extend(self, item: Json) -> Trust:
        """Trust after the evidence of one more update of the log's keys, whose checkpoint was held
        against what was seen (`observe`).

        Raises InvalidAnswer, InvalidCheckpoint, InvalidProof, InvalidKey; ForkDetected where the
        newest checkpoint seen is by a key that, by this evidence, was replaced before.
        """
        history = self.history.extended(item)
        kept = cast("dict[str, Json]", item)
        if self.newest:
            try:
                history.keys.open(self.newest)
            except InvalidCheckpoint:
                note, _ = read_item(item)
                raise self._fork(note, "a key that was replaced signed a later tree") from None
        extended = replace(self, updates=(*self.updates, kept))
        extended.__dict__["history"] = history  # proved just now
        return extended

    @property
    def size(self) -> int:
        """Entries under the newest checkpoint seen."""
        return self._seen().size if self.newest else 0

    @property
    def _body(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.genesis["body"])

    def _seen(self) -> Checkpoint:
        return self.open(self.newest).checkpoint

    def open(self, note: bytes) -> OpenedCheckpoint:
        """A checkpoint of this log, by its keys in force. Raises InvalidCheckpoint."""
        return self.history.keys.open(note)

    def consistency_needed(self, note: bytes) -> tuple[int, int] | None:
        """The two sizes between which `observe` will ask for a proof, or None where it will not.

        Raises InvalidCheckpoint; ForkDetected for another tree of the same size.
        """
        offered = self.open(note).checkpoint
        if not self.newest:
            return None
        seen = self._seen()
        if offered.size == seen.size:
            if offered.root != seen.root:
                raise self._fork(note, f"two different trees of {seen.size} entries")
            return None
        if offered.size == 0:
            return None
        return min(offered.size, seen.size), max(offered.size, seen.size)

    def observe(self, note: bytes, proof: Sequence[bytes] | None = None) -> Trust:
        """Trust after one more checkpoint; `proof` lies between the two sizes, the smaller first.

        A larger tree must extend the newest seen, and becomes it. A smaller one must be a
        beginning of it: evidence under a checkpoint a moment old; without a proof of that, the log
        has gone back. Raises InvalidCheckpoint, RolledBack, ForkDetected (both notes are members),
        InvalidConsistency for a larger tree without any proof.
        """
        needed = self.consistency_needed(note)
        if not self.newest:
            return self._seeing(note)
        offered, seen = self.open(note).checkpoint, self._seen()
        if needed is None and offered.size == seen.size:
            # The same tree: keep the note with the later date.
            return self._seeing(note) if self._later(note) else self
        smaller, larger = sorted((offered, seen), key=lambda tree: tree.size)
        if needed is None or (proof is None and offered is smaller):
            raise RolledBack(
                f"the log shows {offered.size} entries, where it had {seen.size}",
                hint="the server was restored from an old copy, or hides what it accepted",
                seen=self.newest.decode("utf-8", "replace"),
                shown=note.decode("utf-8", "replace"),
            )
        if proof is None:
            raise InvalidConsistency(f"no proof that {larger.size} entries extend {smaller.size}")
        try:
            check_consistency(proof, smaller.size, larger.size, smaller.root, larger.root)
        except InvalidConsistency as error:
            raise self._fork(note, error.detail) from None
        return self._seeing(note) if offered is larger else self

    def _seeing(self, note: bytes) -> Trust:
        seeing = replace(self, newest=note)
        seeing.__dict__["history"] = self.history  # it is the same: not to be proved again
        return seeing

    def _later(self, note: bytes) -> bool:
        return _dated(self.open(note)) > _dated(self.open(self.newest))

    def _fork(self, note: bytes, detail: str) -> ForkDetected:
        return ForkDetected(
            f"the log shows two histories: {detail}",
            hint="keep both checkpoints: together they are evidence against the log",
            seen=self.newest.decode("utf-8", "replace"),
            shown=note.decode("utf-8", "replace"),
        )

    def to_json(self) -> dict[str, Json]:
        """As the client keeps it."""
        value: dict[str, Json] = {
            "genesis": self.genesis,
            "checkpoint": self.newest.decode("utf-8"),
        }
        if self.updates:
            value["updates"] = list(self.updates)
        if self.witness_policy:
            value["witnesses"] = self.witness_policy
        return value

    @classmethod
    def from_json(cls, value: Json) -> Trust:
        """The inverse of `to_json`; everything is checked again.

        Raises TetradError of what does not hold.
        """
        optional = {"updates", "witnesses"}
        if not isinstance(value, Mapping) or set(value) - optional != {"genesis", "checkpoint"}:
            raise MalformedInput("a pinned ledger has the members `genesis` and `checkpoint`")
        policy = value.get("witnesses", "")
        if not isinstance(policy, str):
            raise MalformedInput("a policy is text", pointer="/witnesses")
        trust = cls.begin(value["genesis"])
        updates = value.get("updates", [])
        if not isinstance(updates, list):
            raise MalformedInput("updates are a list", pointer="/updates")
        for place, item in enumerate(updates):
            try:
                trust = trust.extend(item)
            except TetradError as error:
                error.pointer = f"/updates/{place}{error.pointer}"
                raise
        trust = trust.asking(policy)
        note = value["checkpoint"]
        if not isinstance(note, str):
            raise MalformedInput("a checkpoint is text", pointer="/checkpoint")
        try:
            return trust.observe(note.encode()) if note else trust
        except UnicodeEncodeError:
            raise MalformedInput("a checkpoint is UTF-8", pointer="/checkpoint") from None
        except TetradError as error:
            error.pointer = "/checkpoint"
            raise


@lru_cache(maxsize=256)
def _begun(genesis: bytes) -> Trust:
    """A genesis that holds does so for ever: answers by way of other ledgers show the same few
    again and again. What is refused is not kept, but examined again."""
    return Trust._begun(orjson.loads(genesis))  # noqa: SLF001 - of this module


def _dated(opened: OpenedCheckpoint) -> int:
    return max((time for _, time in opened.times), default=0)


def merged(ours: Trust, kept: Trust) -> Trust:
    """Of two states of trust in one ledger, written by two programs, the one that saw more.

    Raises ForkDetected where they saw different trees of one size, or different keys of the log.
    """
    ours, kept = _alike(ours, kept), _alike(kept, ours)
    if not kept.newest or not ours.newest:
        return ours if ours.newest else kept
    return (
        ours.observe(kept.newest)
        if kept.size == ours.size
        else max((ours, kept), key=lambda trust: trust.size)
    )


def _alike(trust: Trust, other: Trust) -> Trust:
    """`trust` with the updates of the log's keys that the other knows beyond its own."""
    mine, theirs = trust.history.keys.later, other.history.keys.later
    if any(one != another for one, another in zip(mine, theirs, strict=False)):
        raise ForkDetected("the log shows two histories of its keys")
    for item in other.updates[len(trust.updates) :]:
        trust = trust.extend(item)
    return trust
