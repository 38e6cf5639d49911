"""Attacks on two devices that meet: the simulator's, and whatever bytes come in."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import lru_cache
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from identity.credentials.presentation import verify_presentation
from identity.credentials.securing import verify_secured
from identity.errors import (
    InvalidHandshake,
    TetradError,
)
from resolver.handshake import PROTOCOL, Transcript
from resolver.methods import subject_method
from resolver.simulator.encounters import ENCOUNTERS, Encounter, opened, side
from tests.resolver.meeting import stream, town_scene


@pytest.mark.parametrize("encounter", ENCOUNTERS, ids=lambda encounter: encounter.name)
def test_an_attack_is_refused_by_name(encounter: Encounter) -> None:
    with pytest.raises(TetradError) as refused:
        encounter.play(town_scene())
    assert refused.value.code == encounter.expected


def test_a_nonce_that_comes_twice_is_what_a_replay_needs() -> None:
    """With a broken random source an old meeting is accepted again: hence the rule that nonces are
    drawn from a cryptographic generator, for each meeting anew."""
    scene = town_scene()
    broken = replace(scene, random=stream("broken"))
    first, _, third = broken.meet(broken.initiator(), broken.responder())
    again = replace(scene, random=stream("broken"))
    again.initiator()  # draws what it drew
    other = again.responder()
    other.receive(first, scene.now)
    other.receive(third, scene.now)
    assert other.peer is not None
    assert other.peer.did == scene.one.did


def test_a_message_that_bears_ones_own_nonce_is_refused() -> None:
    scene = replace(town_scene(), random=lambda n: b"7" * n)
    with pytest.raises(InvalidHandshake, match="our own"):
        scene.responder().receive(scene.initiator().first(scene.now), scene.now)


def test_a_signature_of_a_meeting_passes_for_nothing_else() -> None:
    """As a presentation, or over any document but the one that both have built."""
    scene = town_scene()
    first, second, _ = scene.meet(scene.initiator(), scene.responder())
    asked = {"challenge": opened(first)["nonce"], "domain": scene.one.did}
    record = orjson.loads(scene.other.bundle)["answer"]["device"]

    def methods(url: str) -> Any:
        return subject_method(record, url)

    proof = opened(second)["proof"]
    document = Transcript(side(scene.one, first), side(scene.other, second)).document("responder")
    verify_secured(
        {**document, "proof": proof}, methods, purpose="authentication", now=scene.now, **asked
    )
    presentation = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        "holder": scene.other.did,
    }
    for shown in (document, presentation, {**document, **presentation}):
        with pytest.raises(TetradError):
            verify_presentation({**shown, "proof": proof}, methods, now=scene.now, **asked)
    with pytest.raises(TetradError):
        verify_secured(
            {**document, "proof": proof}, methods, purpose="capabilityInvocation", now=scene.now
        )


# --- whatever comes in


@lru_cache
def honest() -> tuple[bytes, ...]:
    """The three messages of a meeting."""
    scene = town_scene()
    return tuple(scene.meet(scene.initiator(), scene.responder()))


def waiting(number: int) -> Any:
    """A machine for which that message of the honest meeting is due."""
    scene = town_scene()
    one, other = scene.initiator(), scene.responder()
    first = one.first(scene.now)
    assert first == honest()[0]
    if number == 1:
        return other
    if number == 3:
        other.receive(first, scene.now)
    return one if number == 2 else other


NUMBERS = st.sampled_from([1, 2, 3])
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=8)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
MEMBERS = ("protocol", "message", "nonce", "bundle", "proof")
LIKE = st.fixed_dictionaries(
    {"protocol": st.just(PROTOCOL), "message": NUMBERS},
    optional=dict.fromkeys(("nonce", "bundle", "proof", "more"), JSON),
)
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def refused(number: int, message: bytes) -> None:
    machine = waiting(number)
    with pytest.raises(TetradError):
        machine.receive(message, town_scene().now)
    assert machine.peer is None


def test_the_honest_messages_are_due() -> None:
    """The tests below begin from machines that would accept."""
    for number in (1, 2, 3):
        machine = waiting(number)
        machine.receive(honest()[number - 1], town_scene().now)
        assert (machine.peer is not None) == (number > 1)


@FEW
@given(NUMBERS, st.binary(max_size=200))
def test_no_bytes_raise_anything_but_our_errors(number: int, message: bytes) -> None:
    refused(number, message)


@FEW
@given(NUMBERS, JSON | LIKE)
def test_no_json_raises_anything_but_our_errors(number: int, value: Any) -> None:
    refused(number, orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


@FEW
@given(NUMBERS, st.data())
def test_a_message_cut_short_or_with_another_byte_is_refused(
    number: int, data: st.DataObject
) -> None:
    message = honest()[number - 1]
    at = data.draw(st.integers(0, len(message) - 1))
    refused(number, message[:at])
    if number > 1:  # message 1 is nobody's yet: what is changed in it, message 2 tells
        byte = data.draw(st.integers(0, 255).filter(lambda one: one != message[at]))
        refused(number, message[:at] + bytes([byte]) + message[at + 1 :])


@FEW
@given(NUMBERS, st.sampled_from(MEMBERS), JSON)
def test_a_member_replaced_by_anything_is_refused(number: int, name: str, junk: Any) -> None:
    members = opened(honest()[number - 1])
    assume(name in members and junk != members[name])
    value = {**members, name: junk}
    refused(number, orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for step, inner in items:
            found += paths(inner, (*path, step))
    return found


@FEW
@given(st.sampled_from([1, 2]), st.data())
def test_whatever_is_changed_in_a_bundle_keeps_the_two_from_accepting(
    number: int, data: st.DataObject
) -> None:
    """How a code was read is nobody's statement within the bundle; under these signatures it is."""
    message = honest()[number - 1]
    members = copy.deepcopy(opened(message))
    path = data.draw(st.sampled_from(paths(members["bundle"])))
    place = members["bundle"]
    for step in path[:-1]:
        place = place[step]
    junk = data.draw(JSON)
    written = orjson.loads(orjson.dumps(junk, option=orjson.OPT_NON_STR_KEYS))
    assume(written != place[path[-1]])  # 1.0 is written as 1
    place[path[-1]] = junk
    spoiled = orjson.dumps(members, option=orjson.OPT_NON_STR_KEYS)
    scene = town_scene()
    one, other = scene.initiator(), scene.responder()
    first = one.first(scene.now)

    def meet() -> None:
        second = other.receive(spoiled if number == 1 else first, scene.now)
        one.receive(second if number == 1 else spoiled, scene.now)

    with pytest.raises(TetradError):
        meet()
    assert one.peer is None
    assert other.peer is None
