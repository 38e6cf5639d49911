"""Histories of devices, codes and numbers: every step proved, and no lie about one believed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from identity.disclosure import NUMBER
from identity.errors import EvidenceRefused, InvalidProof, TetradError
from registry.state import Key
from resolver.histories import Step, device_history, number_history
from tests.factory import City, Subject, disclosed
from tests.resolver.answering import Answering, pinned

SCHEME = "msisdn-cn-iot"
FIRST, SECOND = "1440000000001", "1440000000002"
OLD, NEW, NEWEST = (
    f"https://id.gs1.org/01/09506000134352/21/{serial}" for serial in ("M-1", "M-10", "M-100")
)


class Life:
    """A meter whose code was corrected twice, and a number that went from hand to hand."""

    def __init__(self) -> None:
        self.city = city = City()
        self.acme, self.beta = city.organization("Acme"), city.organization("Beta")
        city.accept(city.prefix(self.acme, "gtin:09506000"))
        self.meter = city.device("M-1", self.acme, number=FIRST)
        self.other = city.device("M-2", self.beta, by=[self.acme, self.beta])
        self.correct(NEW)
        city.accept(city.rotate(self.meter))
        city.accept(city.rotate(self.acme))
        self.rebind(self.other, FIRST, [self.beta, self.other, self.acme])
        self.rebind(self.other, SECOND, [self.beta, self.other])
        self.rebind(self.meter, FIRST, [self.acme, self.meter])
        self.correct(NEWEST)
        body = {"reason": "worn out"}
        city.accept(city.follow(self.meter, "status.retire", body, by=[self.acme]))
        self.answering = Answering(city)
        self.size = self.answering.publish()
        self.pinned = pinned(city)

    def correct(self, value: str) -> None:
        self.city.now += 60
        body = {"code": {"scheme": "gs1", "value": value}, "reason": "misread"}
        self.city.accept(self.city.follow(self.meter, "code.correct", body, by=[self.acme]))

    def rebind(self, device: Subject, number: str, by: list[Subject]) -> None:
        self.city.now += 60
        opened = disclosed(NUMBER, number)
        body = {"number": {"scheme": SCHEME, "commitment": opened.digest}}
        self.city.accept(
            self.city.follow(device, "number.rebind", body, by=by, disclosures=[opened])
        )

    def key(self, number: str) -> Key:
        return "number", SCHEME, self.city.uniqueness.hash("number", SCHEME, number)

    def number(self, number: str) -> Any:
        """The evidence for a number."""
        asked = self.answering.resolver.disclosure(SCHEME, disclosed(NUMBER, number).encoded)
        made = self.answering.evidence.of_number(asked, self.size, self.answering.note)
        return orjson.loads(made)

    def code(self, value: str) -> Any:
        return self.answering.answer(self.answering.resolver.code(value))


LIFE = Life()
ANSWER = LIFE.answering.answer(LIFE.answering.resolver.did(LIFE.meter.did))
BY_CODE = LIFE.code(NEW)
FIRST_NUMBER = LIFE.number(FIRST)


def told(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.type, step.what) for step in steps]


def test_every_step_of_a_device_is_told_with_who_signed_it() -> None:
    verified, steps = device_history(ANSWER, LIFE.pinned, key=("did", LIFE.meter.did))
    assert told(steps) == [
        ("device.register", "active"),
        ("code.correct", "active"),
        ("keys.rotate", "active"),
        ("number.rebind", "active"),
        ("number.rebind", "active"),
        ("code.correct", "active"),
        ("status.retire", "retired"),
    ]
    assert {step.did for step in steps} == {verified.did}
    assert steps[1].signers == (LIFE.acme.did,)
    assert LIFE.beta.did in steps[3].signers  # which took the number away


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (OLD, ["given", "corrected", "active", "active", "active", "active", "retired"]),
        (NEW, ["given", "active", "active", "active", "corrected", "retired"]),
        (NEWEST, ["given", "retired"]),
    ],
)
def test_a_code_is_given_once_and_corrected_at_most_once(value: str, expected: list[str]) -> None:
    answer = LIFE.code(value)
    _, steps = device_history(answer, LIFE.pinned, key=("code", "gs1", value))
    assert [step.what for step in steps] == expected


def test_a_number_is_followed_from_device_to_device() -> None:
    _, steps = number_history(FIRST_NUMBER, LIFE.pinned, LIFE.key(FIRST))
    meter, other = LIFE.meter.did, LIFE.other.did
    assert [(step.what, step.did) for step in steps] == [
        ("bound", meter),
        ("bound", other),
        ("freed", other),
        ("bound", meter),
        ("freed", meter),
    ]
    assert set(steps[1].signers) == {LIFE.beta.did, LIFE.acme.did, other}
    _, steps = number_history(LIFE.number(SECOND), LIFE.pinned, LIFE.key(SECOND))
    assert [(step.what, step.did) for step in steps] == [("bound", other)]


Lie = Callable[[Any], object]


def entries(proof: Any) -> list[Any]:
    found: list[Any] = proof["entries"]
    return found


LIES: dict[str, Lie] = {
    "the last is left out": lambda proof: entries(proof).pop(),
    "the first is left out": lambda proof: entries(proof).pop(0),
    "one in the middle is left out": lambda proof: entries(proof).pop(2),
    "two are swapped": lambda proof: entries(proof).insert(0, entries(proof).pop(1)),
    "one is told twice": lambda proof: entries(proof).append(entries(proof)[-1]),
    "another time": lambda proof: entries(proof)[1].update(time="2026-11-22T08:00:00Z"),
    "another index": lambda proof: entries(proof)[-1].update(index=99),
    "nobody signed": lambda proof: entries(proof)[-1]["operation"]["proof"].clear(),
    "a forged signature": lambda proof: entries(proof)[-1]["operation"]["proof"][0].update(
        proofValue=entries(proof)[0]["operation"]["proof"][0]["proofValue"]
    ),
    "another history": lambda proof: proof["records"][0]["record"].update(history="0" * 64),
    "no signers": lambda proof: proof.pop("signers"),
    "signers are left out": lambda proof: proof["signers"].clear(),
    "another checkpoint": lambda proof: proof.update(checkpoint="sandbox.test\n1\n"),
    "no records": lambda proof: proof["records"].clear(),
    "an entry of something else": lambda proof: entries(proof).insert(
        1, orjson.loads(LIFE.city.reader.entry(entries(proof)[0]["index"] + 1))
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_a_number_is_refused(lie: str) -> None:
    proof = copy.deepcopy(FIRST_NUMBER)
    LIES[lie](proof)
    with pytest.raises((EvidenceRefused, InvalidProof)):
        number_history(proof, LIFE.pinned, LIFE.key(FIRST))


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_a_code_is_refused(lie: str) -> None:
    answer = copy.deepcopy(BY_CODE)
    LIES[lie](answer["proof"])
    with pytest.raises((EvidenceRefused, InvalidProof)):
        device_history(answer, LIFE.pinned, key=("code", "gs1", NEW))


def test_the_history_of_one_number_is_not_that_of_another() -> None:
    with pytest.raises(EvidenceRefused):
        number_history(FIRST_NUMBER, LIFE.pinned, LIFE.key(SECOND))
    proof = copy.deepcopy(FIRST_NUMBER)
    proof["records"] = LIFE.number(SECOND)["records"]
    with pytest.raises(EvidenceRefused):
        number_history(proof, LIFE.pinned, LIFE.key(SECOND))


def test_what_is_not_even_evidence_is_refused() -> None:
    nothing: list[Any] = [None, [], {}, {"checkpoint": 5}]
    shown: tuple[Any, ...] = ([], [{}], {}, None)
    nothing += [{**FIRST_NUMBER, "entries": one} for one in shown]
    for proof in nothing:
        with pytest.raises(TetradError):
            number_history(proof, LIFE.pinned, LIFE.key(FIRST))


def test_a_history_is_told_as_of_now() -> None:
    past = LIFE.answering.answer(
        LIFE.answering.resolver.did(LIFE.meter.did), "2026-11-22T08:01:00Z"
    )
    with pytest.raises(EvidenceRefused):
        device_history(past, LIFE.pinned)
