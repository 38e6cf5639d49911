"""Two devices meet: what an honest meeting proves, and what a machine does with a bad one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from identity.errors import (
    InputTooLarge,
    InvalidHandshake,
    KeystoreError,
    MalformedInput,
    TetradError,
)
from identity.wallet import Wallet
from resolver.handshake import Channel, Initiator, Own, Responder, Terms
from resolver.handshake.machines import LIFETIME
from resolver.handshake.messages import MOST_BYTES, write_message
from resolver.schemes import Code
from resolver.trust import Trust
from tests.resolver.meeting import met, stream, town, town_scene, wallet_of

CODE = Code("gs1", "https://id.gs1.org/01/09506000134352/21/M-1")


# --- what is proved


def test_both_know_whom_they_met() -> None:
    scene = town_scene()
    one, other = met(scene)
    assert one.peer.did == scene.other.did
    assert other.peer.did == scene.one.did
    assert (one.peer.role, other.peer.role) == ("responder", "initiator")
    assert one.peer.transcript == other.peer.transcript
    assert one.peer.methods == tuple(scene.other.wallet.methods(scene.other.did))
    assert one.peer.code == CODE._asdict()
    assert one.peer.maker == town().acme.did
    assert one.peer.evidence.age.by == "log"


def test_what_is_not_proved_is_said() -> None:
    one, other = met(town_scene())
    assert [words.split(":")[0] for words in other.peer.unproved] == ["witnesses", "channel"]
    assert "its verdict on this device" in one.peer.unproved[-1]


def test_two_meetings_have_two_names() -> None:
    scene = town_scene()
    assert met(scene)[0].peer.transcript != met(scene)[0].peer.transcript


@pytest.mark.parametrize("peer", [CODE, "did"])
def test_the_one_who_is_expected_is_accepted(peer: Any) -> None:
    scene = town_scene()
    expected = scene.other.did if peer == "did" else peer
    one, _ = met(scene, replace(scene.terms, peer=expected))
    assert one.peer.did == scene.other.did


@pytest.mark.parametrize(
    "peer",
    [
        CODE._replace(value=CODE.value + "0"),
        CODE._replace(scheme="uuid"),
        "did:tetrad:abc",
        "",
        town_scene().one.did,
    ],
)
def test_anybody_else_is_refused_before_anything_is_signed(peer: Any) -> None:
    scene = town_scene()
    other = scene.responder(terms=replace(scene.terms, peer=peer if peer else "did:"))
    if peer == scene.one.did:
        assert other.receive(scene.initiator().first(scene.now), scene.now)
        return
    with pytest.raises(InvalidHandshake, match="not"):
        other.receive(scene.initiator().first(scene.now), scene.now)


def test_a_channel_and_a_context_that_both_name_are_bound() -> None:
    scene = town_scene()
    terms = replace(scene.terms, channel=Channel("tls-exporter", bytes(32)), context="read")
    one, other = met(scene, terms, terms)
    assert one.peer.bound
    assert not [words for words in other.peer.unproved if words.startswith("channel")]
    assert one.peer.transcript != met(town_scene())[0].peer.transcript


def test_who_forwards_every_message_is_a_wire() -> None:
    """A relay of all three messages: both accept each other, who are there indeed. Nothing in the
    messages tells; a channel does (`relay between two channels`)."""
    scene = town_scene()
    one, other = scene.initiator(), scene.responder()
    relayed = [one.first(scene.now)]
    relayed.append(other.receive(bytes(relayed[-1]), scene.now))
    relayed.append(one.receive(bytes(relayed[-1]), scene.now))
    assert other.receive(bytes(relayed[-1]), scene.now) == b""
    assert one.peer is not None
    assert other.peer is not None
    assert (one.peer.did, other.peer.did) == (scene.other.did, scene.one.did)


# --- machines


def test_a_machine_is_for_one_meeting() -> None:
    scene = town_scene()
    one, other = scene.initiator(), scene.responder()
    first, second, third = scene.meet(one, other)
    repeated: list[Callable[[], bytes]] = [
        lambda: one.first(scene.now),
        lambda: one.receive(second, scene.now),
        lambda: other.receive(third, scene.now),
        lambda: other.receive(first, scene.now),
    ]
    for again in repeated:
        with pytest.raises(InvalidHandshake, match="nothing is due"):
            again()
    assert one.peer is not None
    assert other.peer is not None


def test_what_was_refused_cannot_be_tried_again() -> None:
    scene = town_scene()
    one, other = scene.initiator(), scene.responder()
    first = one.first(scene.now)
    with pytest.raises(TetradError):
        other.receive(b"{}", scene.now)
    with pytest.raises(InvalidHandshake, match="nothing is due"):
        other.receive(first, scene.now)
    other = scene.responder()
    second = other.receive(first, scene.now)
    with pytest.raises(TetradError):
        one.receive(second[:-1], scene.now)
    with pytest.raises(InvalidHandshake, match="nothing is due"):
        one.receive(second, scene.now)
    with pytest.raises(TetradError):
        other.receive(second, scene.now)
    assert one.peer is None
    assert other.peer is None


def test_who_has_not_begun_receives_nothing() -> None:
    scene = town_scene()
    second = scene.responder().receive(scene.initiator().first(scene.now), scene.now)
    with pytest.raises(InvalidHandshake, match="nothing is due"):
        scene.initiator().receive(second, scene.now)


@pytest.mark.parametrize(("waits", "refused"), [(LIFETIME, False), (LIFETIME + 1, True)])
def test_a_meeting_lasts_a_minute(waits: int, refused: bool) -> None:
    scene = town_scene()
    one, other = scene.initiator(), scene.responder()
    second = other.receive(one.first(scene.now), scene.now)
    third = one.receive(second, scene.now)
    if not refused:
        assert other.receive(third, scene.now + waits) == b""
        return
    with pytest.raises(InvalidHandshake, match="more than 60 s"):
        other.receive(third, scene.now + waits)
    assert other.peer is None


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda own: own._replace(wallet=Wallet(stream("empty"))), KeystoreError),
        (lambda own: own._replace(did=own.did[:-1] + "x"), MalformedInput),
        (lambda own: own._replace(bundle=b"{}"), TetradError),
        (lambda own: own._replace(bundle=town_scene().other.bundle), MalformedInput),
        (lambda own: own._replace(bundle=own.bundle.replace(b"M1", b"M2")), TetradError),
    ],
)
def test_what_no_peer_would_believe_is_not_shown(
    spoil: Callable[[Own], Own], error: type[TetradError]
) -> None:
    scene = town_scene()
    for machine in (scene.initiator, scene.responder):
        with pytest.raises(error):
            machine(spoil(scene.one))


@pytest.mark.parametrize(
    "terms",
    [
        {"context": "x" * 256},
        {"context": "\n"},
        {"context": "öffnen"},
        {"channel": Channel("TLS", bytes(32))},
        {"channel": Channel("tls-exporter", bytes(15))},
        {"channel": Channel("tls-exporter", bytes(256))},
    ],
)
def test_terms_that_no_transcript_holds_are_refused(terms: dict[str, Any]) -> None:
    scene = town_scene()
    with pytest.raises(MalformedInput):
        scene.initiator(terms=replace(scene.terms, **terms))


def test_a_bundle_that_no_peer_would_read_is_not_sent() -> None:
    with pytest.raises(InputTooLarge):
        write_message(3, {"proof": "x" * MOST_BYTES[3]})


def test_machines_say_what_they_are() -> None:
    """What is exported is enough to meet."""
    at = town()
    one = Own(wallet_of(at.devices[0]), at.devices[0].did, at.bundle(at.devices[0]))
    other = Own(wallet_of(at.devices[1]), at.devices[1].did, at.bundle(at.devices[1]))
    terms = Terms([Trust.begin(at.genesis.operation)], None)
    first, second = Initiator(one, terms, stream("a")), Responder(other, terms, stream("b"))
    now = at.now + 10 * 366 * 86_400  # whatever the age
    second.receive(first.receive(second.receive(first.first(now), now), now), now)
    assert second.peer is not None
