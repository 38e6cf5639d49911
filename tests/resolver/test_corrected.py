"""A code that was corrected: the label that was printed leads to the device for ever."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from identity.disclosure import CODE
from identity.errors import EvidenceRefused, InvalidAnswer, InvalidProof, NotFound
from registry.state import codes_of
from resolver.did_resolution import document_of
from resolver.verifier import verify_absence, verify_answer
from tests.factory import City, Signed, Subject, disclosed
from tests.resolver.answering import Answer, Answering, pinned

OLD, NEW = (f"https://id.gs1.org/01/09506000134352/21/{serial}" for serial in ("M-1", "M-10"))


class Corrected:
    """A meter whose code was corrected, and a car whose committed code was."""

    def __init__(self) -> None:
        self.city = city = City()
        self.acme = city.organization("Acme")
        city.accept(
            city.prefix(self.acme, "gtin:09506000"),
        )
        city.accept(city.prefix(self.acme, "vin:1HGCM82"))
        self.meter = city.device("M-1", self.acme)
        self.vin = disclosed(CODE, "1HGCM82633A004352")
        code = {"scheme": "vin", "prefix": "1HGCM82", "commitment": self.vin.digest}
        self.car = city.new_device("car", self.acme, code=code)
        assert self.car.first is not None
        self.car.first = self.car.first._replace(
            disclosures=[*self.car.first.disclosures, self.vin.encoded]
        )
        city.accept(self.car.first)
        self.before = city.created
        city.now += 60
        self.correction = self.correct(self.meter, NEW)
        city.accept(self.correction)
        city.accept(self.correct(self.car, f"{NEW}0"))
        self.answering = Answering(city)
        self.answering.publish()
        self.pinned = pinned(city)

    def correct(self, device: Subject, value: str) -> Signed:
        body = {"code": {"scheme": "gs1", "value": value}, "reason": "misprinted"}
        return self.city.follow(device, "code.correct", body, by=[self.acme])

    def asked(self, value: str, at: str | None = None) -> Answer:
        return self.answering.answer(self.answering.resolver.code(value), at)


CITY = Corrected()
AS_PRINTED = CITY.asked(OLD)


def key(value: str) -> tuple[str, ...]:
    return "code", "gs1", value


@pytest.mark.parametrize("value", [OLD, NEW])
def test_both_codes_lead_to_the_device_and_say_which_is_right(value: str) -> None:
    verified = verify_answer(CITY.asked(value), CITY.pinned, key=key(value))
    assert verified.did == CITY.meter.did
    assert [code["value"] for code in codes_of(verified.device)] == [NEW, OLD]
    (alias,) = verified.device["aliases"]
    assert alias["until"] == verified.device["updated"]


def test_before_the_correction_there_was_no_such_code() -> None:
    asked = CITY.answering.resolver.code(NEW)
    with pytest.raises(NotFound):
        CITY.answering.resolver.find(asked, at=CITY.before)
    verified = verify_answer(CITY.asked(OLD, CITY.before), CITY.pinned, key=key(OLD))
    assert verified.device["code"]["value"] == OLD
    assert "aliases" not in verified.device


def test_nobody_shows_a_device_of_the_past_as_the_bearer_of_a_code_of_today() -> None:
    answer = CITY.asked(OLD, CITY.before)
    now = CITY.asked(NEW)["proof"]["records"]
    answer["proof"]["records"] += [one for one in now if one["key"][0] == "code"]
    with pytest.raises(InvalidAnswer) as refused:
        verify_answer(answer, CITY.pinned, key=key(NEW))
    assert refused.value.pointer == "/device/code"


def test_a_committed_code_is_found_by_its_disclosure_after_it_was_corrected() -> None:
    resolver = CITY.answering.resolver
    found = resolver.find(resolver.disclosure("vin", CITY.vin.encoded))
    assert found.device["did"] == CITY.car.did
    (alias,) = found.device["aliases"]
    assert alias["code"]["commitment"] == CITY.vin.digest
    other = disclosed(CODE, "1HGCM82633A004352 ").encoded
    with pytest.raises(NotFound):
        resolver.find(resolver.disclosure("vin", other))


def test_the_document_names_all_codes_that_are_uris() -> None:
    device: Any = verify_answer(AS_PRINTED, CITY.pinned).device
    assert document_of(device)["alsoKnownAs"] == [NEW, OLD]


def forged(change: Any) -> Answer:
    answer = copy.deepcopy(AS_PRINTED)
    change(answer)
    return answer


LIES = {
    "the alias is hidden": lambda a: a["device"].pop("aliases"),
    "another code": lambda a: a["device"]["code"].update(value=f"{NEW}1"),
    "another alias": lambda a: a["device"]["aliases"][0]["code"].update(value=f"{OLD}1"),
    "another time": lambda a: a["device"]["aliases"][0]["until"].update(entry=1),
    "never corrected": lambda a: a["proof"]["entries"].pop(),
    "another correction": lambda a: a["proof"]["entries"][-1]["operation"]["body"]["code"].update(
        value=f"{NEW}1"
    ),
    "nobody signed it": lambda a: a["proof"]["entries"][-1]["operation"]["proof"].pop(),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_a_correction_is_refused(lie: str) -> None:
    with pytest.raises((EvidenceRefused, InvalidProof)) as refused:
        verify_answer(forged(LIES[lie]), CITY.pinned, key=key(OLD))
    assert refused.value.code.startswith(("evidence.", "proof."))


def test_no_code_that_was_corrected_is_proved_absent() -> None:
    for value in (OLD, NEW):
        assert CITY.answering.absence(CITY.answering.resolver.code(value)) is None
    nobody = CITY.answering.resolver.code(f"{NEW}9")
    assert verify_absence(CITY.answering.absence(nobody), CITY.pinned, nobody.key)
