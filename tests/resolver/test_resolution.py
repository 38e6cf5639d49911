"""Resolution: one question, one device; and what must not be answered."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from identity.disclosure import CODE, NUMBER, disclose
from identity.errors import (
    AmbiguousCode,
    InvalidDisclosure,
    MalformedCode,
    MalformedInput,
    NotFound,
)
from identity.members import format_time
from resolver.resolution import Found, Resolver, answer_bytes, tombstone
from resolver.schemes import SCHEMES
from tests.factory import UNIQUE, City, Subject, disclosed

METER = "(01)09506000134352(21)M-000000"


@pytest.fixture
def city() -> City:
    """A sandbox whose first filling is Acme and two devices with numbers."""
    return City()


class Desk(Resolver):
    """A resolver of a city, asked and answering in one step."""

    def __init__(self, city: City) -> None:
        super().__init__(city.store, city.reader, SCHEMES, UNIQUE)

    def by_code(
        self, text: str, scheme: str | None = None, *, private: bool = False, at: str | None = None
    ) -> Found:
        return self.find(self.code(text, scheme, private=private), at=at)

    def by_did(self, did: str, at: str | None = None) -> Found:
        return self.find(self.did(did), at=at)

    def by_disclosure(self, scheme: str, disclosure: str, at: str | None = None) -> Found:
        return self.find(self.disclosure(scheme, disclosure), at=at)


def resolver_of(city: City) -> Desk:
    return Desk(city)


def vehicle(city: City, maker: Subject, vin: str) -> tuple[Subject, Any]:
    opened = disclosed(CODE, vin)
    code = {"scheme": "vin", "prefix": vin[:3], "commitment": opened.digest}
    made = city.new_device("car", maker, code=code)
    assert made.first is not None
    made.first.disclosures.append(opened.encoded)
    city.accept(made.first)
    return made, opened


def test_every_way_of_writing_a_code_leads_to_its_device(city: City) -> None:
    _, meter, _ = city.fill(2)
    resolver = resolver_of(city)
    for text in (
        METER,
        "https://id.gs1.org/01/09506000134352/21/M-000000",
        "https://shop.example/01/09506000134352/21/M-000000?17=261231",
        "urn:epc:id:sgtin:9506000.013435.M-000000",
    ):
        found = resolver.by_code(text)
        assert found.device["did"] == meter.did
        assert found.asked.read_as == ("gs1", "https://id.gs1.org/01/09506000134352/21/M-000000")
    assert resolver.by_did(meter.did).device == found.device


def test_what_nobody_registered_is_not_found(city: City) -> None:
    acme, *_ = city.fill(1)
    resolver = resolver_of(city)
    with pytest.raises(NotFound) as refusal:
        resolver.by_code("(01)09506000134352(21)NOBODY")
    assert refusal.value.members["readAs"]["scheme"] == "gs1"
    with pytest.raises(NotFound):
        resolver.by_did(acme.did)  # an organization is no device
    with pytest.raises(MalformedInput):
        resolver.by_did("did:tetrad:nonsense")


def test_an_ambiguous_code_is_not_guessed_at(city: City) -> None:
    with pytest.raises(AmbiguousCode) as refusal:
        resolver_of(city).by_code("800000000006")
    assert {c["scheme"] for c in refusal.value.members["candidates"]} == {"gtin", "eui48"}


def test_a_code_that_reveals_a_person_is_not_asked_for_in_a_url(city: City) -> None:
    acme = city.organization("Acme")
    city.accept(city.prefix(acme, "vin:1HG"))
    car, opened = vehicle(city, acme, "1HGCM82633A004352")
    resolver = resolver_of(city)
    with pytest.raises(MalformedCode, match="URL"):
        resolver.by_code("1HGCM82633A004352")
    assert resolver.by_code("1HGCM82633A004352", private=True).device["did"] == car.did
    assert resolver.by_disclosure("vin", opened.encoded).device["did"] == car.did
    assert b"1HGCM82633A004352" not in answer_bytes(resolver.by_did(car.did))


def test_a_number_is_found_with_its_own_disclosure_alone(city: City) -> None:
    _, meter, _ = city.fill(2)
    resolver = resolver_of(city)
    shown = disclosed(NUMBER, "1440000000000")
    assert resolver.by_disclosure("msisdn-cn-iot", shown.encoded).device["did"] == meter.did
    guessed = disclose(NUMBER, "1440000000000", lambda n: b"g" * n)
    with pytest.raises(NotFound):
        resolver.by_disclosure("msisdn-cn-iot", guessed.encoded)
    with pytest.raises(NotFound):
        resolver.by_disclosure("msisdn-cn-iot", disclosed(NUMBER, "1440000000009").encoded)
    with pytest.raises(MalformedCode):
        resolver.by_disclosure("vin", shown.encoded)
    with pytest.raises(InvalidDisclosure):
        resolver.by_disclosure("msisdn-cn-iot", "AAAA")
    with pytest.raises(MalformedCode, match="scheme of numbers"):
        resolver.by_code("1440000000000", "msisdn-cn-iot")


def test_a_number_that_moved_on_no_longer_leads_to_its_old_device(city: City) -> None:
    acme, meter, other = city.fill(2)
    taken = disclosed(NUMBER, "1440000000000")
    body = {"number": {"scheme": "msisdn-cn-iot", "commitment": taken.digest}}
    city.accept(city.follow(other, "number.rebind", body, by=[acme, other], disclosures=[taken]))
    resolver = resolver_of(city)
    assert resolver.by_disclosure("msisdn-cn-iot", taken.encoded).device["did"] == other.did
    assert resolver.by_did(meter.did).device["number"] == "none"


def test_a_number_as_of_a_time_leads_to_the_device_that_had_it_then(city: City) -> None:
    acme, meter, other = city.fill(2)
    began = city.now
    city.now += 100
    taken = disclosed(NUMBER, "1440000000000")
    body = {"number": {"scheme": "msisdn-cn-iot", "commitment": taken.digest}}
    city.accept(city.follow(other, "number.rebind", body, by=[acme, other], disclosures=[taken]))
    city.now += 100
    city.accept(city.follow(other, "status.retire", {"reason": "worn out"}, by=[acme]))
    resolver = resolver_of(city)

    def bearer(at: int) -> str:
        found = resolver.by_disclosure("msisdn-cn-iot", taken.encoded, at=format_time(at))
        return found.device["did"]

    assert [bearer(began + 99), bearer(began + 100)] == [meter.did, other.did]
    for at in (began - 1, began + 200):
        with pytest.raises(NotFound):
            bearer(at)
    with pytest.raises(MalformedInput):
        resolver.by_disclosure("msisdn-cn-iot", taken.encoded, at="then")


def test_the_state_as_of_a_time(city: City) -> None:
    acme, meter = city.fill(1)
    began = city.now
    city.now += 100
    city.accept(city.supervise(meter, "status.suspend", "lost", acme))
    city.now += 100
    city.accept(city.supervise(meter, "status.resume", "found", acme))
    resolver = resolver_of(city)

    def status(at: int) -> str:
        return resolver.by_code(METER, at=format_time(at)).device["status"]

    assert [status(began), status(began + 99), status(began + 100), status(began + 250)] == [
        "active",
        "active",
        "suspended",
        "active",
    ]
    with pytest.raises(NotFound, match="at that time"):
        status(began - 1)
    with pytest.raises(MalformedInput):
        resolver.by_code(METER, at="yesterday")


def test_the_history_tells_each_change_newest_first(city: City) -> None:
    acme, meter = city.fill(1)
    city.accept(city.supervise(meter, "status.suspend", "lost", acme))
    city.accept(city.rotate(meter))
    city.accept(city.supervise(meter, "status.revoke", "stolen", acme))
    history = resolver_of(city).history(meter.did, limit=10)
    assert [(change["type"], change["status"]) for change in history] == [
        ("status.revoke", "revoked"),
        ("keys.rotate", "suspended"),
        ("status.suspend", "suspended"),
        ("device.register", "active"),
    ]
    page = resolver_of(city).history(meter.did, limit=2)
    rest = resolver_of(city).history(meter.did, limit=2, before=page[-1]["index"])
    assert page + rest == history
    with pytest.raises(NotFound):
        resolver_of(city).history(meter.did[:-1] + "1", limit=1)


def test_a_tombstone_carries_the_answer(city: City) -> None:
    acme, meter = city.fill(1)
    assert not resolver_of(city).by_code(METER).ended
    city.accept(city.supervise(meter, "status.revoke", "stolen", acme))
    found = resolver_of(city).by_code(METER)
    assert found.ended
    problem = tombstone(found).problem()
    assert problem["status"] == 410
    assert problem["answer"]["device"]["status"] == "revoked"
    assert "stolen" in problem["detail"]


def test_the_answer_is_json_with_the_record_as_it_is_stored(city: City) -> None:
    city.fill(1)
    found = resolver_of(city).by_code(METER, at=city.created)
    answer = orjson.loads(answer_bytes(found))
    assert answer == {
        "device": found.device,
        "readAs": {"scheme": "gs1", "value": "https://id.gs1.org/01/09506000134352/21/M-000000"},
        "asOf": city.created,
    }


def test_what_is_found_within_a_tree_is_as_that_tree_has_it(city: City) -> None:
    acme, meter = city.fill(1)
    size = city.reader.head().size
    city.accept(city.supervise(meter, "status.suspend", "lost", acme))
    resolver = resolver_of(city)
    asked = resolver.did(meter.did)
    assert resolver.find(asked).device["status"] == "suspended"
    earlier = resolver.find(asked, within=size)
    assert (earlier.device["status"], earlier.entry) == ("active", size - 1)
    assert resolver.find(asked, at=city.created, within=size).device["status"] == "active"
    with pytest.raises(NotFound):
        resolver.find(asked, within=size - 1)


def test_a_disclosure_names_its_key_and_repeats_no_value(city: City) -> None:
    city.fill(1)
    shown = disclosed(NUMBER, "1440000000000")
    asked = resolver_of(city).disclosure("msisdn-cn-iot", shown.encoded)
    assert asked.key == (
        "number",
        "msisdn-cn-iot",
        UNIQUE("number", "msisdn-cn-iot", "1440000000000"),
    )
    assert asked.digest == shown.digest
    assert b"1440000000000" not in answer_bytes(resolver_of(city).find(asked))
