"""The simulated fleet: right identifiers, the same again from the same seed, lives that add up."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import MalformedInput, TetradError, catalogue
from identity.members import format_time
from registry.audit import audit
from registry.checking import check_submission
from registry.ledger import Accepted, Outcome
from registry.state import subject_of
from resolver.schemes import SCHEMES
from resolver.simulator.attacks import ATTACKS, MALLORY, REPEATED, Attack, Scene
from resolver.simulator.deceptions import DECEPTIONS, Deception
from resolver.simulator.fleet import Device, Fleet
from resolver.simulator.life import happen, happened, life
from resolver.simulator.life_attacks import LIFE_ATTACKS, LifeAttack, Lived, preparing
from resolver.simulator.profiles import (
    MOST_DEVICES,
    MOST_UUIDS,
    PROFILES,
    SENSOR,
    Identifiers,
)
from resolver.simulator.run import sign_registrations
from resolver.simulator.seed import Seed
from resolver.simulator.signing import Book, Party, Signed
from resolver.simulator.summary import Played, Summary
from resolver.simulator.wire import check_loopback
from tests.factory import NOW, RULES, UNIQUE, City

seeds = st.integers(0, 2**32).map(Seed)
devices = st.integers(0, MOST_DEVICES - 1)
CREATED = format_time(NOW)


class Settled(City):
    """A sandbox in memory with a fleet in it."""

    def __init__(self, count: int, seed: int = 7) -> None:
        super().__init__()
        self.fleet = Fleet(Book(self.ledger_hash, Seed(seed)))
        for party in (self.fleet.operator, self.fleet.maker):
            self.join(party)
        for scheme, prefix in self.fleet.blocks(count):
            takes = self.fleet.takes(self.fleet.operator, scheme, prefix, CREATED)
            self.insist(takes)
            self.fleet.book.accepted(takes, self.fleet.operator)
        self.devices = [self.fleet.device(n) for n in range(count)]
        self.signed = [self.fleet.registration(device, CREATED) for device in self.devices]
        self.insist(*self.signed)
        for device, signed in zip(self.devices, self.signed, strict=True):
            self.fleet.registered(device, signed)

    def try_bytes(self, *submissions: bytes) -> list[Outcome]:
        """What becomes of bytes that are posted."""
        checked: list[Any] = []
        for received in submissions:
            try:
                checked.append(check_submission(received, SCHEMES, UNIQUE, lambda _: None))
            except TetradError as error:
                checked.append(error)
        return self.ledger.append(checked, NOW)

    def insist(self, *signed: Signed) -> None:
        for outcome in self.try_bytes(*(one.submission for one in signed)):
            assert isinstance(outcome, Accepted), outcome

    def join(self, party: Party) -> None:
        joins = self.fleet.joins(party, CREATED)
        self.insist(joins)
        self.fleet.book.accepted(joins, party)

    def event(self, device: Device, event: str) -> None:
        signed = happen(self.fleet, device, event, CREATED)
        self.insist(signed)
        happened(self.fleet, device, event, signed)

    def status(self, device: Device) -> str:
        found = subject_of(self.ledger.state, device.party.did)
        assert found is not None
        return found["status"]


@given(seeds, devices)
def test_identifiers_are_canonical_and_lie_in_their_blocks(seed: Seed, n: int) -> None:
    names = Identifiers(seed)
    for profile in (*PROFILES, SENSOR):
        code = names.code(profile, n)
        assert SCHEMES.canonical(*code) == code.value
        prefix = code.value if profile is SENSOR else names.prefix(code.scheme)
        block = SCHEMES.prefix_segments(code.scheme, prefix)
        assert SCHEMES.segments(*code)[: len(block)] == block
        assert len(block) >= SCHEMES.minimal_prefix_depth(code.scheme)
        for rebound in (0, 1):
            number = names.number(profile, n, rebound)
            assert (number is None) == (profile.number == "none")
            if number is not None:
                assert SCHEMES.canonical(*number) == number.value


@given(seeds, st.sets(devices, min_size=2, max_size=2))
def test_no_two_devices_share_an_identifier(seed: Seed, pair: set[int]) -> None:
    names = Identifiers(seed)
    for profile in (*PROFILES, SENSOR):
        assert len({names.code(profile, n) for n in pair}) == 2
        numbers = [names.number(profile, n, rebound) for n in pair for rebound in (0, 1)]
        assert numbers == [None] * 4 or len(set(numbers)) == 4


def test_a_fleet_has_every_kind_in_its_proportion() -> None:
    names = Identifiers(Seed(3))
    assert {names.profile(n).name for n in range(9)} == {one.name for one in (*PROFILES, SENSOR)}
    count = 4_000
    kinds = Counter(names.profile(n).name for n in range(count))
    assert kinds["sensor"] == MOST_UUIDS == len(names.uuids(count))
    for profile in PROFILES:
        assert abs(kinds[profile.name] / count - profile.weight / 100) < 0.03


def test_a_fleet_has_keys_of_every_family(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Settled(7).fleet

    def algorithms() -> Counter[str]:
        return Counter(fleet.device(n).party.algorithm for n in range(160))

    found = algorithms()
    assert found["SM2"] == 1
    assert found["P-384"] == found["Ed25519+ML-DSA-44"] == 10
    assert found["Ed25519"] > found["P-256"] > 0
    monkeypatch.setitem(sys.modules, "gmalg", None)
    assert algorithms()["SM2"] == 0


def test_the_same_seed_gives_the_same_operations_but_for_their_time() -> None:
    settled = Settled(0)
    operator, maker = settled.fleet.operator.did, settled.fleet.maker.did

    def signed(seed: int, created: str) -> list[Signed]:
        return sign_registrations(seed, settled.ledger_hash, operator, maker, range(8, 20), created)

    def told(operations: list[Signed]) -> list[Any]:
        """What they say; proofs by ML-DSA keys differ each time."""
        return [
            (one.hash, one.disclosures, [p for p in proofs(one) if "mldsa" not in p["cryptosuite"]])
            for one in operations
        ]

    def proofs(signed: Signed) -> Any:
        return signed.operation["proof"]

    first = signed(7, CREATED)
    assert told(signed(7, CREATED)) == told(first)
    again = sign_registrations(7, settled.ledger_hash, operator, maker, range(13, 20), CREATED)
    assert told(again) == told(first[5:])
    later = signed(7, format_time(NOW + 60))
    for one, other in zip(first, later, strict=True):
        assert one.operation["body"] == other.operation["body"]
        assert one.disclosures == other.disclosures
        assert one.hash != other.hash
    for one, other in zip(first, signed(8, CREATED), strict=True):
        assert one.operation["body"] != other.operation["body"]


def test_a_fleet_lives_by_the_rules() -> None:
    settled = Settled(150)
    lived: Counter[str] = Counter()
    ends = {"revoke": "revoked", "retire": "retired", "suspend": "suspended"}
    for device in settled.devices:
        events = life(settled.fleet.book.seed, device)
        for event in events:
            settled.event(device, event)
            lived[event] += 1
        assert settled.status(device) == ends.get(events[-1] if events else "", "active")
    kinds = {"update", "rotate", "rebind", "suspend", "resume", "revoke", "retire"}
    assert set(lived) == kinds
    audited = audit(settled.store, RULES, genesis=settled.ledger_hash, stored=settled.store)
    assert audited.operations["device.register"] == 150
    assert audited.operations["device.update"] == lived["update"]


@pytest.fixture(scope="module")
def scene() -> tuple[Settled, Scene]:
    settled = Settled(12)
    fleet = settled.fleet
    mallory = fleet.book.party("mallory", name=MALLORY)
    settled.join(mallory)
    victim, rotated, revoked = settled.devices[0], settled.devices[1], settled.devices[3]
    settled.event(rotated, "rotate")
    settled.event(revoked, "revoke")
    long_ago = format_time(NOW - 366 * 86_400)
    captured = settled.signed[0]
    return settled, Scene(fleet, mallory, victim, captured, rotated, revoked, 12, CREATED, long_ago)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_gets_its_answer_and_changes_nothing(
    scene: tuple[Settled, Scene], attack: Any
) -> None:
    settled, stage = scene
    before = settled.ledger.head
    (outcome,) = settled.try_bytes(attack.build(stage))
    if isinstance(outcome, Accepted):
        assert outcome.repeated
        assert attack.expected == REPEATED
    else:
        assert outcome.code == attack.expected
    assert settled.ledger.head == before


@pytest.fixture(scope="module")
def lived(scene: tuple[Settled, Scene]) -> tuple[Settled, Lived]:
    settled, stage = scene
    preparation = preparing(stage)
    while True:
        try:
            settled.insist(next(preparation))
        except StopIteration as end:
            return settled, end.value


@pytest.mark.parametrize("attack", LIFE_ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_on_keys_through_life_gets_its_answer_and_changes_nothing(
    lived: tuple[Settled, Lived], attack: LifeAttack
) -> None:
    settled, stage = lived
    before = settled.ledger.head
    (outcome,) = settled.try_bytes(attack.build(stage))
    assert not isinstance(outcome, Accepted)
    assert outcome.code == attack.expected
    assert settled.ledger.head == before


def test_the_quorum_that_a_thief_tried_to_outrun_still_stands(
    lived: tuple[Settled, Lived],
) -> None:
    settled, stage = lived
    record: Any = subject_of(settled.ledger.state, stage.recovering.party.did)
    assert record["recovering"]["begun"] == stage.standing.hash
    assert record["cancelled"] == stage.cancelled.hash


def test_what_the_attacks_spoil_would_have_been_accepted(scene: tuple[Settled, Scene]) -> None:
    settled, stage = scene
    for profile in ("meter", "wearable"):
        settled.insist(stage.fleet.registration(stage.fresh(profile), CREATED))


def test_attacks_are_told_apart_and_expect_codes_that_there_are() -> None:
    played: list[Attack | LifeAttack | Deception] = [*ATTACKS, *LIFE_ATTACKS, *DECEPTIONS]
    assert len({one.name for one in played}) == len(played)
    assert all(one.says for one in played)
    codes = {error.code for error in catalogue()} | {REPEATED}
    assert {one.expected for one in played} <= codes


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "http://192.0.2.1:8000",
        "http://10.0.0.1:8000",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://127.0.0.1@example.org",
        "https://127.0.0.1:8000",
        "http://[2001:db8::1]:8000",
        "http://0x7f000001.example",
        "http://127.0.0.1:8000/elsewhere",
        "ftp://127.0.0.1",
        "127.0.0.1:8000",
        "",
    ],
)
def test_a_fleet_is_sent_to_nobody_else(url: str) -> None:
    with pytest.raises(MalformedInput, match="this machine alone"):
        check_loopback(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:8000", "http://127.9.9.9/"]
)
def test_this_machine_is_this_machine(url: str) -> None:
    assert check_loopback(url) == url.rstrip("/")


def test_a_broken_defence_makes_a_run_fail() -> None:
    held = Played("replay", "again", REPEATED, REPEATED)
    broken = Played("stolen code", "again", "conflict.code", "accepted")
    summary, fine = (
        Summary("http://127.0.0.1:8000", "zQm", 7, devices=2, seconds=0.5, attacks=attacks)
        for attacks in ([held, broken], [held])
    )
    assert fine.rate == 4.0
    assert (fine.ok, summary.ok) == (True, False)
    assert "✗ stolen code: accepted, must be conflict.code: BROKEN" in summary.lines()
    value = summary.value()
    assert (value["ok"], value["attacks"][1]["held"]) == (False, False)


def test_an_honest_operation_that_is_refused_makes_a_run_fail() -> None:
    summary = Summary("http://127.0.0.1:8000", "zQm", 7, refused=Counter({"conflict.code": 1}))
    assert not summary.ok
    assert "✗ 1 refused: conflict.code" in summary.lines()
