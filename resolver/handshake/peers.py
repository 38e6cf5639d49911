"""Who the other device is: its bundle against what is pinned, its proofs against its keys.

    evidence = verify_evidence(bundle, terms, now)       # its record: the newest, and active
    verify_signatures(document, proofs, evidence, …)     # its keys in force have signed

A bundle is anybody's to show; only the signature tells that its device is here. Pure; specified in
specs/1-identity.md, "Device to device".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from identity.credentials.securing import verify_secured
from identity.errors import (
    InvalidAnswer,
    InvalidHandshake,
    MalformedProof,
    StaleAnswer,
    WrongState,
)
from identity.jcs import Json
from identity.keys import kind_of
from identity.operation import operation_hash
from registry.state import Subject, codes_of
from resolver.bundle import known_as, read_bundle
from resolver.freshness import Age, age_of, check_age
from resolver.handshake.messages import Proofs
from resolver.handshake.transcript import Channel, Role, check_context
from resolver.methods import subject_method
from resolver.schemes.scheme import Code
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer

PURPOSE = "authentication"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a device asks of whoever it meets."""

    trusts: Sequence[Trust]
    """The pinned ledgers; a device of any other is refused."""
    max_age: int | None
    """Seconds that the evidence may be old; None for whatever age, and none at all."""
    peer: str | Code | None = None
    """Who is expected: a DID, or the code on its label; None for anybody."""
    channel: Channel | None = None
    """The secure channel that the messages travel in; both sides name the same, or none."""
    context: str = ""
    """What this is for, in words that both sides know; "" for nothing."""

    def check(self) -> None:
        """Raises MalformedInput for what no transcript can hold."""
        if self.channel is not None:
            self.channel.check()
        check_context(self.context)


class Evidence(NamedTuple):
    """What a bundle proves of the device that it is about."""

    answer: VerifiedAnswer
    age: Age
    trust: Trust
    """The ledger as it is known now: the bundle may have told of new keys of its log."""

    @property
    def did(self) -> str:
        """The device."""
        return self.answer.did


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The other device: its record is proved, and it has signed for this meeting."""

    evidence: Evidence
    role: Role
    """The one it played."""
    methods: tuple[str, ...]
    """Its verification methods that signed."""
    transcript: str
    """Names the meeting; the same on both sides."""
    bound: bool
    """Whether a channel stands in the transcript."""

    @property
    def did(self) -> str:
        """Who it is."""
        return self.evidence.did

    @property
    def code(self) -> dict[str, Any]:
        """`{scheme, value}`, or `{scheme, prefix, commitment}`."""
        return cast("dict[str, Any]", self.evidence.answer.device["code"])

    @property
    def maker(self) -> str:
        """The DID of its maker."""
        return cast("str", self.evidence.answer.device["object"]["maker"])

    @property
    def unproved(self) -> tuple[str, ...]:
        """What nobody has shown, in words for a person."""
        missing = []
        if self.evidence.age.by != "witnesses":
            missing.append("witnesses: none asked for; that others see the same is the log's word")
        if not self.evidence.answer.signers:
            missing.append("its operations: left out, of a device that has changed too often")
        if "value" not in self.code:
            missing.append("its code: committed to, and not shown")
        if not self.bound:
            missing.append("channel: none; what comes after this meeting may be somebody else's")
        if self.role == "responder":  # message 3 is the last
            missing.append("its verdict on this device: there is no message that would tell")
        return tuple(missing)


def verify_evidence(value: dict[str, Json], terms: Terms, now: int) -> Evidence:
    """Checks the bundle that a device shows of itself. `now` in seconds since 1970.

    Raises EvidenceRefused, InvalidInput, InvalidProof, InvalidKey; WrongState for a device that is
    not active; InvalidHandshake where it is not the one that is expected.
    """
    pinned = _pinned(value, terms.trusts)
    bundle = read_bundle(value)
    trust = known_as(bundle, pinned.ledger, pinned)
    answer = bundle.verify(trust)
    _check_record(answer)
    if answer.as_of is not None:
        raise StaleAnswer(
            f"the bundle tells how the device was at {answer.as_of}",
            hint="a bundle of the newest there is",
        )
    # Two trees of one size are a fork, and no network is needed to see it.
    trust.consistency_needed(cast("Any", bundle.answer)["proof"]["checkpoint"].encode())
    age = age_of(answer.checkpoint, trust.witnesses, now)
    if terms.max_age is not None:
        check_age(age, terms.max_age)
    if answer.status != "active":
        raise WrongState(
            f"the other device is {answer.status}", party=answer.did, status=answer.status
        )
    _check_expected(answer, terms.peer)
    return Evidence(answer, age, trust)


def verify_signatures(
    document: Mapping[str, Json],
    proofs: Proofs,
    evidence: Evidence,
    *,
    challenge: str,
    domain: str,
    now: int,
) -> tuple[str, ...]:
    """Checks that the device signed `document`, with one key of each kind; its methods.

    `challenge` is the nonce that the verifier drew, `domain` its DID. Raises InvalidProof, and
    SignerMissing where a kind is missing.
    """
    record = cast("Subject", evidence.answer.device)
    verified = verify_secured(
        {**document, "proof": proofs},
        lambda url: subject_method(record, url),
        purpose=PURPOSE,
        now=now,
        controller=evidence.did,
        challenge=challenge,
        domain=domain,
    )
    kinds = [kind_of(proof.method.key.algorithm) for proof in verified]
    if len(kinds) != len(set(kinds)):
        raise MalformedProof("two proofs by keys of one kind", pointer="/proof")
    return tuple(proof.method.id for proof in verified)


def _pinned(value: dict[str, Json], trusts: Sequence[Trust]) -> Trust:
    """What is known of the bundle's ledger, by the hash of its genesis: a ledger that anybody may
    have made is refused before its signatures cost anything. Raises InvalidAnswer."""
    genesis = value.get("genesis")
    ledger = operation_hash(genesis) if isinstance(genesis, dict) else ""
    for trust in trusts:
        if trust.ledger == ledger:
            return trust
    raise InvalidAnswer(
        f"the other device is of the ledger {ledger or 'of nobody'}, which is not pinned here",
        hint="tetrad trust URL of its service, once",
    )


def _check_record(answer: VerifiedAnswer) -> None:
    """A record that was not replayed is whatever its log likes: what is read of it is there."""
    keys = cast("Any", answer.device).get("keys")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
        raise InvalidAnswer("the record has no keys", pointer="/device/keys")


def _check_expected(answer: VerifiedAnswer, peer: str | Code | None) -> None:
    code = answer.device["code"]
    if isinstance(peer, str) and peer != answer.did:
        raise InvalidHandshake(f"this is {answer.did}, not {peer[:200]}", party=answer.did)
    if isinstance(peer, Code) and peer._asdict() not in codes_of(answer.device):
        if "value" not in code and code["scheme"] == peer.scheme:
            raise InvalidHandshake(
                "the code of this device is committed to: it cannot be compared",
                hint="expect its DID instead",
                party=answer.did,
            )
        shown = f"{code['scheme']} {code.get('value', '')}".strip()
        raise InvalidHandshake(
            f"this device bears {shown}, not {peer.scheme} {peer.value}", party=answer.did
        )
