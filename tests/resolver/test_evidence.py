"""Evidence of absence, of the past, of long lives, and receipts: what they prove, and no more."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.disclosure import NUMBER
from identity.errors import EvidenceRefused, InvalidAnswer, InvalidStateProof, TetradError
from identity.members import format_time
from registry.state import Key
from resolver.evidence import MAX_SHOWN
from resolver.verifier import verify_absence, verify_answer, verify_receipt
from tests.factory import NOW, UNIQUE, City, Subject, disclosed
from tests.resolver.answering import Answer, Answering, pinned

BASE = "https://id.gs1.org/01/09506000134352/21/"
SCHEME = "msisdn-cn-iot"
NUMBER_0, NUMBER_9 = "1440000000000", "1440000099999"
METER_CODE, NO_CODE = ("code", "gs1", BASE + "M-000000"), ("code", "gs1", BASE + "NOBODY")


def number_key(value: str) -> Key:
    return ("number", SCHEME, UNIQUE("number", SCHEME, value))


class Town(City):
    """A city, published once it was filled, so that there are roots of several states."""

    def __init__(self, devices: int = 20) -> None:
        super().__init__()
        self.acme, self.meter, *_ = self.fill(devices)
        self.answering = Answering(self)
        self.answering.publish()

    def ask(self, key: Key, at: str | None = None) -> Answer:
        if key[0] == "number":
            asked = self.answering.resolver.disclosure(SCHEME, disclosed(NUMBER, NUMBER_0).encoded)
        elif key[0] == "did":
            asked = self.answering.resolver.did(key[1])
        else:
            asked = self.answering.resolver.code(key[2])
        assert asked.key == key
        return self.answering.answer(asked, at)

    def absent(self, key: Key) -> Any:
        if key[0] == "number":
            shown = disclosed(NUMBER, NUMBER_0 if key == number_key(NUMBER_0) else NUMBER_9)
            return self.answering.absence(self.answering.resolver.disclosure(SCHEME, shown.encoded))
        return self.answering.absence(self.answering.resolver.code(key[2]))

    def free_number(self) -> None:
        """The meter ends, and its number is free again."""
        self.now += 10
        reason = {"reason": "worn out"}
        self.accept(self.follow(self.meter, "status.retire", reason, by=[self.acme]))
        self.answering.publish()


@pytest.fixture(scope="module")
def town() -> Town:
    """Twenty devices, all active."""
    return Town()


@pytest.fixture(scope="module")
def freed() -> Town:
    """A town in which the first device's number is free again."""
    freed = Town()
    freed.free_number()
    return freed


@pytest.mark.parametrize("key", [NO_CODE, number_key(NUMBER_9)])
def test_what_is_not_there_is_proved_not_to_be_there(town: Town, key: Key) -> None:
    state = verify_absence(town.absent(key), pinned(town), key)
    assert state.checkpoint.checkpoint.size == town.answering.size
    assert state.root.index == town.answering.size - 1


@pytest.mark.parametrize("key", [METER_CODE, number_key(NUMBER_0)])
def test_what_is_there_has_no_proof_of_absence(town: Town, key: Key) -> None:
    assert town.absent(key) is None


def test_a_number_that_is_free_again_has_a_record_that_says_so(freed: Town) -> None:
    key = number_key(NUMBER_0)
    proof = freed.absent(key)
    (item,) = proof["records"]
    assert "did" not in item["record"]
    verify_absence(proof, pinned(freed), key)
    del item["record"]  # there is a record: that there was never any is another lie
    with pytest.raises(InvalidStateProof):
        verify_absence(proof, pinned(freed), key)


def records_of(answer: Answer, key: Key) -> Any:
    return next(one for one in answer["proof"]["records"] if one["key"] == list(key))


@pytest.mark.parametrize("key", [METER_CODE, number_key(NUMBER_0)])
def test_presence_is_no_proof_of_absence(town: Town, key: Key) -> None:
    proof = town.ask(key)["proof"]
    if key[0] == "number":
        with pytest.raises(InvalidAnswer, match="there is a device"):
            verify_absence(proof, pinned(town), key)
    del records_of({"proof": proof}, key)["record"]
    with pytest.raises(InvalidStateProof):
        verify_absence(proof, pinned(town), key)


def test_a_record_that_is_shown_is_no_proof_that_there_is_none(town: Town) -> None:
    with pytest.raises(InvalidStateProof):
        verify_absence(town.ask(METER_CODE)["proof"], pinned(town), METER_CODE)


@pytest.mark.parametrize("key", [NO_CODE, number_key(NUMBER_9)])
def test_absence_is_no_proof_of_presence(town: Town, key: Key) -> None:
    """Another device's answer, as if the code or number that nobody has were that device's."""
    answer = town.ask(METER_CODE)
    (item,) = town.absent(key)["records"]
    answer["proof"]["records"].append({**item, "record": {"did": town.meter.did}})
    verify_answer(answer, pinned(town), key=METER_CODE)
    with pytest.raises(InvalidStateProof):
        verify_answer(answer, pinned(town), key=key)


def test_the_absence_of_one_key_says_nothing_of_another(town: Town) -> None:
    proof = town.absent(NO_CODE)
    with pytest.raises(InvalidAnswer):
        verify_absence(proof, pinned(town), METER_CODE)
    proof["records"][0]["key"] = list(METER_CODE)
    with pytest.raises(InvalidStateProof):
        verify_absence(proof, pinned(town), METER_CODE)


def test_that_there_was_nothing_once_is_no_proof_that_there_is_nothing_now() -> None:
    town = Town()
    before = town.absent(NO_CODE)
    town.device("NOBODY", town.acme)
    town.answering.publish()
    assert town.absent(NO_CODE) is None
    now = town.ask(NO_CODE)
    verify_absence(before, pinned(town), NO_CODE)  # it says for which tree it is
    for name in ("records", "state", "checkpoint"):
        mixed = {**now["proof"], name: before[name]}
        with pytest.raises(EvidenceRefused):
            verify_absence(mixed, pinned(town), NO_CODE)


JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just([])
)


@given(st.recursive(JUNK, lambda inner: st.dictionaries(st.text(max_size=3), inner), max_leaves=4))
def test_junk_proves_no_absence(town: Town, junk: Any) -> None:
    proof = town.absent(NO_CODE)
    for name in ("records", "state", "checkpoint"):
        with pytest.raises(TetradError):
            verify_absence({**proof, name: junk}, pinned(town), NO_CODE)
    for name in ("key", "bucket", "path"):
        if proof["records"][0][name] != junk:
            records = [{**proof["records"][0], name: junk}]
            with pytest.raises(TetradError):
                verify_absence({**proof, "records": records}, pinned(town), NO_CODE)
    with pytest.raises(TetradError):
        verify_absence(junk, pinned(town), NO_CODE)


def then(seconds: int) -> str:
    return format_time(NOW + seconds)


class Past(Town):
    """A device that was suspended, resumed and updated, ten seconds apart."""

    def __init__(self) -> None:
        super().__init__(2)
        meter, acme = self.meter, self.acme
        for what, reason in (("suspend", "lost"), ("resume", "found")):
            self.now += 10
            self.accept(self.supervise(meter, f"status.{what}", reason, acme))
        self.now += 10
        self.accept(self.rotate(meter))
        self.answering.publish()

    def past(self, seconds: int) -> Answer:
        return self.ask(METER_CODE, then(seconds))


@pytest.fixture(scope="module")
def past() -> Past:
    """See `Past`."""
    return Past()


def test_the_past_is_proved_by_the_present_record_and_all_that_led_to_it(past: Past) -> None:
    statuses = []
    for seconds in (0, 9, 10, 19, 20, 30, 99):
        verified = verify_answer(past.past(seconds), pinned(past), key=METER_CODE)
        assert verified.device["updated"]["time"] <= then(seconds)
        statuses.append(verified.status)
    assert statuses == ["active", "active", "suspended", "suspended", "active", "active", "active"]


def cut(answer: Answer) -> None:
    """Whatever came after the time that was asked about."""
    at = answer["asOf"]
    entries = answer["proof"]["entries"]
    answer["proof"]["entries"] = [one for one in entries if one["time"] <= at]


def cut_with_record(answer: Answer) -> None:
    cut(answer)
    answer["proof"]["records"][1]["record"] = answer["device"]


def as_if_it_were_now(answer: Answer) -> None:
    del answer["asOf"]


PAST_LIES: dict[str, Callable[[Answer], Any]] = {
    "later events cut off": cut,
    "later events and their record cut off": cut_with_record,
    "the present record left out": lambda a: a["proof"]["records"][1].pop("record"),
    "the past as if it were now": as_if_it_were_now,
    "an earlier time": lambda a: a.update(asOf=then(9)),
    "a later time": lambda a: a.update(asOf=then(20)),
    "a time before the beginning": lambda a: a.update(asOf=then(-1)),
    "a time that is none": lambda a: a.update(asOf=7),
    "another status": lambda a: a["device"].update(status="active", suspendedBy=[]),
    "no operations": lambda a: a["proof"].pop("entries"),
    "an event of that time left out": lambda a: a["proof"]["entries"].pop(1),
}


@pytest.mark.parametrize("lie", PAST_LIES)
def test_a_lie_about_the_past_is_refused(past: Past, lie: str) -> None:
    answer = past.past(10)
    honest = copy.deepcopy(answer)
    PAST_LIES[lie](answer)
    assert answer != honest
    with pytest.raises(EvidenceRefused):
        verify_answer(answer, pinned(past), key=METER_CODE)
    assert verify_answer(honest, pinned(past), key=METER_CODE).status == "suspended"


def test_a_number_in_the_past_leads_to_a_device_that_is_proved(freed: Town) -> None:
    """Not who had the number: the present record of the number tells nothing of the past."""
    answer = freed.ask(number_key(NUMBER_0), format_time(freed.now - 1))
    verified = verify_answer(answer, pinned(freed), key=("did", freed.meter.did))
    assert verified.status == "active"
    digest = disclosed(NUMBER, NUMBER_0).digest
    assert verified.device["number"] == {**answer["device"]["number"], "commitment": digest}


def many_changes(changes: int) -> tuple[City, Subject, Answering]:
    city = City()
    acme, meter = city.fill(1)
    for n in range(changes):
        city.now += 1
        what = "status.resume" if n % 2 else "status.suspend"
        city.accept(city.supervise(meter, what, f"round {n}", acme))
    answering = Answering(city)
    answering.publish()
    return city, meter, answering


@pytest.mark.parametrize(("changes", "shown"), [(MAX_SHOWN - 1, True), (MAX_SHOWN, False)])
def test_of_a_long_life_the_record_is_proved_and_no_operation_is_shown(
    changes: int, *, shown: bool
) -> None:
    city, meter, answering = many_changes(changes)
    answer = answering.answer(answering.resolver.did(meter.did))
    assert ("entries" in answer["proof"], "signers" in answer["proof"]) == (shown, shown)
    verified = verify_answer(answer, pinned(city), key=("did", meter.did))
    assert verified.status == ("suspended" if changes % 2 else "active")
    assert bool(verified.signers) is shown
    assert shown or verified.signers == ()
    answer["device"]["status"] = "revoked"
    with pytest.raises(EvidenceRefused):
        verify_answer(answer, pinned(city), key=("did", meter.did))


def receipt(town: Town) -> tuple[bytes, Any]:
    assert town.meter.first is not None
    index = town.ask(METER_CODE)["device"]["registered"]["entry"]
    return town.reader.receipts([index])[0], town.meter.first.operation


def test_a_receipt_verifies_offline_with_the_operation(town: Town) -> None:
    data, operation = receipt(town)
    verified = verify_receipt(data, operation, pinned(town))
    registered = town.ask(METER_CODE)["device"]["registered"]
    assert (verified.index, verified.time) == (registered["entry"], registered["time"])
    assert verified.hash == town.meter.did.rpartition(":")[2]


def test_a_receipt_is_of_that_operation_alone(town: Town) -> None:
    data, operation = receipt(town)
    with pytest.raises(EvidenceRefused):
        verify_receipt(data, {**operation, "created": "2026-11-22T08:00:01Z"}, pinned(town))


@given(st.data())
def test_a_changed_receipt_is_refused(town: Town, data: st.DataObject) -> None:
    good, operation = receipt(town)
    place = data.draw(st.integers(0, good.index(b"\n\n") - 1))
    bad = bytearray(good)
    bad[place] ^= data.draw(st.integers(1, 127))
    with pytest.raises(TetradError):
        verify_receipt(bytes(bad), operation, pinned(town))
