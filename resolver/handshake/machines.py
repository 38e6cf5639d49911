"""The two ends of a handshake: each takes what arrived, and says what to send.

    one = Initiator(Own(wallet, did, bundle), terms, random)
    send(one.first(now))
    send(one.receive(arrived, now))
    one.peer                                  # Authenticated

A machine is for one meeting. What it refuses it raises, and from then on it refuses everything, as
it does once it is done: a nonce is used once. Pure: the clock and randomness are arguments, the
keys are the wallet's. Specified in specs/1-identity.md, "Device to device".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple, cast

from identity.errors import InvalidHandshake, KeystoreError, MalformedInput
from identity.jcs import Json, canonicalize, parse
from identity.multibase import base64url_encode, multihash
from identity.wallet import Wallet
from resolver.bundle import read_bundle
from resolver.handshake.messages import (
    MOST_BYTES,
    NONCE_BYTES,
    Message,
    read_message,
    write_message,
)
from resolver.handshake.peers import (
    Authenticated,
    Evidence,
    Terms,
    verify_evidence,
    verify_signatures,
)
from resolver.handshake.transcript import Role, Side, Transcript

LIFETIME: Final = 60
"""Seconds from the first message that one sends, or receives, to the last."""

_Stage = Literal["new", "waiting", "over"]


class Own(NamedTuple):
    """The device that this machine speaks for."""

    wallet: Wallet
    did: str
    bundle: bytes
    """Of the newest answer about it (resolver/bundle.py)."""


class _Machine:
    """What both ends have: an identity that is shown, a nonce, terms, and one chance."""

    def __init__(self, own: Own, terms: Terms, random: Callable[[int], bytes]) -> None:
        """`random(n)` gives n bytes from a cryptographic generator.

        Raises KeystoreError where the wallet does not hold the keys in the bundle, MalformedInput
        and EvidenceRefused for a bundle that no peer would believe.
        """
        terms.check()
        self._terms = terms
        self._wallet, self._bundle = own.wallet, _shown(own)
        nonce = base64url_encode(random(NONCE_BYTES))
        self._own = Side(own.did, nonce, _bundle_hash(self._bundle))
        self._stage: _Stage = "new"
        self._began = 0
        self.peer: Authenticated | None = None
        """The other device, once it is authenticated."""

    def _step(self, due: _Stage, now: int) -> None:
        """Takes this machine's one chance at a step: until the step succeeds, it is over."""
        stage, self._stage = self._stage, "over"
        if stage != due:
            raise InvalidHandshake("nothing is due in this handshake", hint="begin a new one")
        if stage == "new":
            self._began = now
        elif now - self._began > LIFETIME:
            raise InvalidHandshake(
                f"the other device took more than {LIFETIME} s", hint="begin a new one"
            )

    def _meet(self, message: Message, now: int) -> tuple[Side, Evidence]:
        """The other side, by the bundle that it shows."""
        if message.nonce == self._own.nonce:
            raise InvalidHandshake("the nonce is our own: a message came back", pointer="/nonce")
        evidence = verify_evidence(message.bundle, self._terms, now)
        if evidence.did == self._own.did:
            raise InvalidHandshake("a device does not meet itself", party=evidence.did)
        return Side(evidence.did, message.nonce, _bundle_hash(message.bundle)), evidence

    def _transcript(self, initiator: Side, responder: Side) -> Transcript:
        return Transcript(initiator, responder, self._terms.channel, self._terms.context)

    def _sign(self, transcript: Transcript, role: Role, peer: Side) -> list[dict[str, Any]]:
        """A proof by one key of each kind: of the peer's nonce and DID, and all that was shown."""
        signed = self._wallet.answer(
            transcript.document(role), self._own.did, challenge=peer.nonce, domain=peer.did
        )
        proof = signed["proof"]
        return proof if isinstance(proof, list) else [proof]

    def _authenticate(
        self, message: Message, evidence: Evidence, transcript: Transcript, role: Role, now: int
    ) -> Authenticated:
        methods = verify_signatures(
            transcript.document(role),
            message.proof,
            evidence,
            challenge=self._own.nonce,
            domain=self._own.did,
            now=now,
        )
        bound = transcript.channel is not None
        return Authenticated(evidence, role, methods, transcript.hash, bound)


class Initiator(_Machine):
    """The end that speaks first."""

    def first(self, now: int) -> bytes:
        """Message 1; once. `now` in seconds since 1970."""
        self._step("new", now)
        message = write_message(1, {"nonce": self._own.nonce, "bundle": self._bundle})
        self._stage = "waiting"
        return message

    def receive(self, message: bytes, now: int) -> bytes:
        """Takes message 2 and gives message 3; `peer` is who answered.

        Raises InvalidHandshake, InvalidInput, EvidenceRefused, InvalidProof, SignerMissing,
        WrongState.
        """
        self._step("waiting", now)
        read = read_message(message, 2)
        other, evidence = self._meet(read, now)
        transcript = self._transcript(self._own, other)
        peer = self._authenticate(read, evidence, transcript, "responder", now)
        reply = write_message(3, {"proof": self._sign(transcript, "initiator", other)})
        self.peer = peer
        return reply


class Responder(_Machine):
    """The end that is spoken to."""

    def __init__(self, own: Own, terms: Terms, random: Callable[[int], bytes]) -> None:
        super().__init__(own, terms, random)
        self._met: tuple[Transcript, Evidence] | None = None

    def receive(self, message: bytes, now: int) -> bytes:
        """Takes message 1 and gives message 2; takes message 3 and gives b"", and `peer` is who
        began.

        Raises as `Initiator.receive`. Whoever sent message 1 may be anybody until message 3.
        """
        if self._met is None:
            return self._answer(message, now)
        self._step("waiting", now)
        transcript, evidence = self._met
        read = read_message(message, 3)
        self.peer = self._authenticate(read, evidence, transcript, "initiator", now)
        return b""

    def _answer(self, message: bytes, now: int) -> bytes:
        self._step("new", now)
        read = read_message(message, 1)
        other, evidence = self._meet(read, now)
        transcript = self._transcript(other, self._own)
        proof = self._sign(transcript, "responder", other)
        members = {"nonce": self._own.nonce, "bundle": self._bundle, "proof": proof}
        reply = write_message(2, members)
        self._met, self._stage = (transcript, evidence), "waiting"
        return reply


def _bundle_hash(bundle: dict[str, Json]) -> str:
    return multihash(canonicalize(bundle))


def _shown(own: Own) -> dict[str, Json]:
    """One's own bundle, which shows the very keys that the wallet has in force."""
    value = parse(own.bundle, max_bytes=MOST_BYTES[1])
    bundle = read_bundle(value)
    answer = bundle.verify(bundle.trust)
    if answer.did != own.did:
        raise MalformedInput(f"the bundle is about {answer.did}, not {own.did[:200]}")
    held = [own.wallet.key(one).public.multikey for one in own.wallet.identity(own.did).keys]
    if sorted(held) != sorted(answer.device["keys"]):
        raise KeystoreError(
            "the keys in the bundle are not those in the wallet: they were rotated since",
            hint="take a new bundle while the service can be reached",
        )
    return cast("dict[str, Json]", value)
