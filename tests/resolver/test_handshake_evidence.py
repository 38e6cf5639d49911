"""What the other device shows of itself: which bundles and which keys are believed."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import pytest

from identity.errors import (
    ForkDetected,
    InvalidAnswer,
    KeystoreError,
    MalformedProof,
    QuorumMissing,
    SignerMissing,
    TetradError,
    WrongState,
)
from registry.note import sign_note
from resolver.evidence import MAX_SHOWN
from resolver.handshake import Own, Terms
from resolver.simulator.encounters import Scene, changed, opened
from tests.factory import Subject, log_pair, log_vkeys
from tests.resolver.meeting import Town, device_with, met
from tests.witnesses import cosigner, policy


class Changed(Town):
    """A town in which something happens to the first device before it meets."""

    def __init__(self, *happens: Callable[[Changed, Subject], Any]) -> None:
        super().__init__()
        for one in happens:
            self.now += 60
            one(self, self.devices[0])
        self.answering.publish()

    def supervised(self, subject: Subject, type_: str) -> None:
        """A status operation of the authority."""
        self.accept(self.supervise(subject, type_, "because", self.authority))

    def retired(self, subject: Subject) -> None:
        """The device is worn out."""
        reason = {"reason": "worn out"}
        self.accept(self.follow(subject, "status.retire", reason, by=[self.acme]))

    def updated(self, subject: Subject, times: int = 1) -> None:
        """Changed so many times."""
        for n in range(times):
            body = {"sector": {"domain": "consumption", "field": "home" if n % 2 else "shop"}}
            self.accept(self.follow(subject, "device.update", body, by=[self.acme]))


@pytest.mark.parametrize("status", ["suspended", "revoked", "retired"])
def test_a_device_that_is_not_active_is_refused(status: str) -> None:
    def happens(at: Changed, subject: Subject) -> None:
        if status == "retired":
            at.retired(subject)
        else:
            at.supervised(subject, "status.suspend" if status == "suspended" else "status.revoke")

    scene = Changed(happens).scene()
    with pytest.raises(WrongState, match=status) as refused:
        scene.meet(scene.initiator(), scene.responder())
    assert refused.value.members["party"] == scene.one.did


def test_after_a_resumption_it_is_accepted_again() -> None:
    at = Changed(
        partial(Changed.supervised, type_="status.suspend"),
        partial(Changed.supervised, type_="status.resume"),
    )
    assert met(at.scene())[1].peer.did == at.devices[0].did


def test_a_key_that_was_rotated_out_signs_no_more() -> None:
    """The bundle of before is refused by the device itself, since its wallet has the new key; and
    the old key by others, once they are shown the new bundle."""
    at = Town()
    before = at.own(at.devices[0])
    at.accept(at.rotate(at.devices[0]))
    at.answering.publish()
    scene = at.scene()
    with pytest.raises(KeystoreError, match="rotated"):
        scene.initiator(scene.one._replace(bundle=before.bundle))
    one = scene.responder(before)  # a thief with the old wallet and the old bundle
    second = one.receive(scene.initiator(scene.third).first(at.now), at.now)
    fresh = opened(scene.shown(scene.one))["bundle"]
    thief = scene.initiator(scene.third)
    nonce = opened(thief.first(at.now))["nonce"]
    proof = [{**opened(second)["proof"][0], "challenge": nonce}]
    with pytest.raises(TetradError) as refused:
        thief.receive(changed(second, bundle=fresh, proof=proof), at.now)
    assert refused.value.code == "proof.unknown_method"


def test_devices_of_two_pinned_ledgers_meet() -> None:
    here, there = Town(), Town(mode="permissioned")
    one, other = here.scene(), there.scene("there")
    assert here.ledger_hash != there.ledger_hash
    both = Terms([here.trust, there.trust], 86_400)
    machines = one.initiator(terms=both), other.responder(terms=both)
    one.meet(*machines)
    assert machines[0].peer is not None
    assert machines[0].peer.evidence.trust.ledger == there.ledger_hash
    with pytest.raises(InvalidAnswer, match="not pinned"):
        one.meet(one.initiator(terms=both), other.responder())


def test_new_keys_of_the_log_are_learned_of_from_the_bundle() -> None:
    at = Town()
    at.accept(at.update_registry(log=log_vkeys(1)))
    at.answering.signers = log_pair(1)
    at.answering.publish()
    peer = met(at.scene())[0].peer
    assert peer.evidence.trust.updates == at.informed.updates != at.trust.updates


def test_another_tree_of_the_size_that_was_seen_is_a_fork() -> None:
    at, other = Town(), Town()
    other.accept(other.rotate(other.devices[3]))
    at.accept(at.rotate(at.devices[2]))
    for one in (at, other):
        one.answering.publish()
    assert at.answering.size == other.answering.size
    scene = at.scene()
    seen = other.trust.observe(other.answering.note)
    with pytest.raises(ForkDetected):
        scene.meet(scene.initiator(), scene.responder(terms=Terms([seen], None)))
    met(scene, None, Terms([at.trust.observe(at.answering.note)], None))


def test_where_witnesses_are_asked_for_they_date_the_evidence() -> None:
    at = Town()
    asked = policy("witness w1 {w1} https://w1.example", "quorum w1").format()
    trust = at.trust.asking(asked)
    scene = at.scene()
    with pytest.raises(QuorumMissing):
        met(scene, Terms([trust], 86_400))
    text, _, _ = at.answering.note.decode().partition("\n\n")
    at.answering.note = sign_note(text + "\n", [*at.answering.signers, cosigner("w1")], at.now - 40)
    peer = met(at.scene(), Terms([trust], 60))[0].peer
    assert (peer.evidence.age.by, peer.evidence.age.seconds) == ("witnesses", 40)
    assert not [words for words in peer.unproved if words.startswith("witnesses")]
    with pytest.raises(TetradError) as refused:
        met(at.scene(), Terms([trust], 39))
    assert refused.value.code == "evidence.stale"


@pytest.mark.slow
def test_a_device_whose_operations_are_left_out_is_told_apart() -> None:
    at = Changed(lambda at, one: at.updated(one, MAX_SHOWN))
    peer = met(at.scene())[1].peer
    assert peer.evidence.answer.signers == ()
    assert any("left out" in words for words in peer.unproved)


@pytest.mark.parametrize("algorithm", ["P-256", "P-384", "SM2", "ML-DSA-44", "ML-DSA-65"])
def test_devices_with_other_keys_meet(algorithm: str) -> None:
    at = Town()
    other_key = device_with(at, "other", algorithm)
    scene = at.scene()
    one, other = scene.initiator(), scene.responder(other_key)
    scene.meet(one, other)
    assert one.peer is not None
    assert other.peer is not None
    assert one.peer.did == other_key.did
    assert other.peer.did == scene.one.did


# --- keys of two kinds


@lru_cache
def mixed() -> tuple[Scene, Own]:
    """A scene, and a device with keys of both kinds in it."""
    at = Town()
    both = device_with(at, "both", "Ed25519", "ML-DSA-44")
    return at.scene(), both


def test_a_device_with_keys_of_two_kinds_signs_with_both() -> None:
    scene, both = mixed()
    one, other = scene.initiator(both), scene.responder()
    _, _, third = scene.meet(one, other)
    suites = [proof["cryptosuite"] for proof in opened(third)["proof"]]
    assert len(suites) == 2
    assert suites[0] == "eddsa-jcs-2022"
    assert other.peer is not None
    assert other.peer.methods == tuple(both.wallet.methods(both.did))


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda proofs: proofs[:1], SignerMissing),
        (lambda proofs: proofs[1:], SignerMissing),
        (lambda proofs: [proofs[0], proofs[0]], TetradError),
        (lambda proofs: [*proofs, proofs[0]], MalformedProof),
        (lambda proofs: proofs[:0], MalformedProof),
    ],
)
def test_with_one_of_them_it_is_refused(
    spoil: Callable[[list[Any]], list[Any]], error: type[TetradError]
) -> None:
    scene, both = mixed()
    one, other = scene.initiator(both), scene.responder()
    third = one.receive(other.receive(one.first(scene.now), scene.now), scene.now)
    with pytest.raises(error):
        other.receive(changed(third, proof=spoil(opened(third)["proof"])), scene.now)
    assert other.peer is None
