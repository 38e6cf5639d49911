"""Bundles: an answer that is checked far from any network, by the ledger's name alone."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from identity.errors import (
    ForkDetected,
    InvalidAnswer,
    InvalidProof,
    MalformedInput,
    SchemaViolation,
    TetradError,
)
from identity.jcs import parse
from registry.keyupdates import KeyUpdates
from registry.state import Key
from resolver.bundle import bundle_bytes, known_as, read_bundle
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer
from tests.factory import City, log_pair, log_vkeys
from tests.resolver.answering import Answering

CODE: Key = ("code", "gs1", "https://id.gs1.org/01/09506000134352/21/M-000000")


class Town(City):
    """Two devices; then the log's keys are replaced, twice, with a rotation in between."""

    def __init__(self, updates: int = 2) -> None:
        super().__init__()
        self.acme, self.meter, self.other = self.fill(2)
        self.answering = Answering(self)
        for generation in range(1, updates + 1):
            self.accept(self.update_registry(log=log_vkeys(generation)))
            self.accept(self.rotate(self.authority))
        self.answering.signers = log_pair(updates)
        self.answering.publish()

    def trust(self, updates: int = 2) -> Trust:
        """Trust that knows so many of the updates."""
        trust = Trust.begin(self.genesis.operation)
        for item in KeyUpdates(self.store, self.reader).every()[:updates]:
            trust = trust.extend(item)
        return trust

    def bundle(self, key: Key | None = CODE) -> bytes:
        """The file about the meter."""
        answer = self.answering.answer(self.answering.resolver.code(CODE[2]))
        return bundle_bytes(self.trust(), key, answer)


TOWN = Town()
FILE = TOWN.bundle()
BUNDLE: dict[str, Any] = orjson.loads(FILE)


def checked(value: Any, ledger: str = TOWN.ledger_hash, known: Trust | None = None) -> Any:
    """What whoever was told the ledger's name makes of a bundle."""
    bundle = read_bundle(value)
    return bundle.verify(known_as(bundle, ledger, known))


def test_a_bundle_carries_all_that_is_needed_but_the_name_of_the_ledger() -> None:
    verified = checked(parse(FILE))
    assert isinstance(verified, VerifiedAnswer)
    assert (verified.did, verified.status) == (TOWN.meter.did, "active")
    assert verified.signers == (TOWN.meter.did, TOWN.acme.did)


@pytest.mark.parametrize("key", [CODE, ("did", TOWN.meter.did), None])
def test_what_is_read_is_what_was_written(key: Key | None) -> None:
    bundle = read_bundle(parse(TOWN.bundle(key)))
    assert (bundle.key, bundle.answer) == (key, BUNDLE["answer"])
    assert bundle.trust == TOWN.trust()
    assert bundle_bytes(bundle.trust, bundle.key, bundle.answer) == TOWN.bundle(key)


def test_a_bundle_of_a_log_that_kept_its_keys_has_no_updates() -> None:
    town = Town(updates=0)
    value = orjson.loads(town.bundle())
    assert value["updates"] == []
    assert checked(value, town.ledger_hash).did == town.meter.did


def test_without_the_evidence_of_new_keys_nothing_holds() -> None:
    items: list[Any] = BUNDLE["updates"]
    for updates in (items[:0], items[:1], items[1:], items[::-1]):
        with pytest.raises(TetradError):
            checked({**BUNDLE, "updates": updates})


def test_whoever_knows_the_new_keys_needs_no_evidence_of_them() -> None:
    value = {**BUNDLE, "updates": []}
    assert checked(value, known=TOWN.trust()).did == TOWN.meter.did


def test_whoever_knows_fewer_keys_learns_of_the_rest() -> None:
    pinned = TOWN.trust(1)
    known = known_as(read_bundle(BUNDLE), TOWN.ledger_hash, pinned)
    assert known.updates == TOWN.trust().updates
    assert checked(BUNDLE, known=pinned).did == TOWN.meter.did


def test_keys_that_contradict_what_was_seen_are_a_fork() -> None:
    """Whoever has seen a later tree signed by keys that were replaced before, has been lied to."""
    head = TOWN.reader.head().size
    seen = Answering(TOWN)
    seen.publish()
    pinned = TOWN.trust(0).observe(seen.note)
    assert pinned.size == head
    with pytest.raises(ForkDetected):
        checked(BUNDLE, known=pinned)


def test_a_bundle_of_another_ledger_is_refused() -> None:
    with pytest.raises(InvalidAnswer, match="of the ledger"):
        checked(BUNDLE, City(mode="permissioned").ledger_hash)
    foreign = Trust.begin(City(mode="permissioned").genesis.operation)
    with pytest.raises(MalformedInput, match="another ledger"):
        checked(BUNDLE, known=foreign)
    with pytest.raises(InvalidAnswer):
        checked(BUNDLE, foreign.ledger, foreign)


def test_a_genesis_put_in_place_of_the_true_one_is_another_ledger() -> None:
    """Of the same origin, with the same log keys and the same authority."""
    other = City(mode="permissioned")
    with pytest.raises(TetradError):
        checked({**BUNDLE, "genesis": other.genesis.operation})


def test_the_answer_to_another_question_is_refused() -> None:
    other = ["code", "gs1", CODE[2][:-1] + "1"]
    for key in (other, ["did", TOWN.other.did], ["did", TOWN.acme.did], ["number", "x", "y"]):
        with pytest.raises(InvalidAnswer):
            checked({**BUNDLE, "key": key})


@pytest.mark.parametrize(
    "changes",
    [
        {"bundle": 2},
        {"bundle": True},
        {"bundle": 1.0},
        {"bundle": "1"},
        {"more": 1},
        {"updates": {}},
        {"answer": []},
        {"key": []},
        {"key": ["did"]},
        {"key": ["did", 1]},
        {"key": "did"},
    ],
)
def test_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SchemaViolation):
        read_bundle({**BUNDLE, **changes})


@pytest.mark.parametrize("missing", sorted(BUNDLE))
def test_every_member_is_needed(missing: str) -> None:
    with pytest.raises(SchemaViolation):
        read_bundle({name: value for name, value in BUNDLE.items() if name != missing})


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if not isinstance(value, dict | list):
        return found
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for step, inner in items:
        found += paths(inner, (*path, step))
    return found


# How a code was read is what the server says of the question; `key` is what was asked for.
PLACES = [path for path in paths(BUNDLE) if path[0] != "key" and path[:2] != ("answer", "readAs")]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def place_of(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path[:-1]:
        value = value[step]
    return value


@given(st.sampled_from(PLACES), JSON)
def test_whatever_is_changed_in_it_is_noticed(path: tuple[Any, ...], junk: Any) -> None:
    value = copy.deepcopy(BUNDLE)
    place = place_of(value, path)
    same = place[path[-1]] == junk and (type(junk) is type(place[path[-1]]) or type(junk) is float)
    assume(not same)  # 1.0 is written as 1
    place[path[-1]] = junk
    with pytest.raises(TetradError):
        checked(value)


@given(st.sampled_from([path for path in PLACES if isinstance(path[-1], str)]), st.data())
def test_one_character_is_noticed(path: tuple[Any, ...], data: st.DataObject) -> None:
    value = copy.deepcopy(BUNDLE)
    place = place_of(value, path)
    text = place[path[-1]]
    assume(isinstance(text, str) and text and path[-1] != "checkpoint")
    at = data.draw(st.integers(0, len(text) - 1))
    changed = data.draw(st.sampled_from("0aZ-").filter(lambda one: one != text[at]))
    place[path[-1]] = text[:at] + changed + text[at + 1 :]
    with pytest.raises(TetradError):
        checked(value)


@given(JSON)
def test_no_json_raises_anything_but_our_errors(junk: Any) -> None:
    with pytest.raises(TetradError):
        read_bundle(junk)


@given(st.dictionaries(st.sampled_from(sorted(BUNDLE)), JSON))
def test_nor_does_what_looks_like_a_bundle(changes: dict[str, Any]) -> None:
    value = {**BUNDLE, **changes}
    try:
        bundle = read_bundle(value)
    except TetradError:
        return
    assert value["bundle"] == 1
    assert bundle.trust.ledger == TOWN.ledger_hash


def test_a_forged_signature_in_it_is_named() -> None:
    value = copy.deepcopy(BUNDLE)
    proof = value["answer"]["proof"]["entries"][0]["operation"]["proof"]
    proof[0]["proofValue"] = proof[1]["proofValue"]
    with pytest.raises((InvalidAnswer, InvalidProof)):
        checked(value)
