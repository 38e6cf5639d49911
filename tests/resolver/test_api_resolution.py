"""Resolution over HTTP, listings, and preparation: what an integrator sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from starlette.requests import Request

from identity.disclosure import NUMBER
from identity.members import format_time
from identity.multibase import base64url_decode, multibase_encode
from resolver.api.requests import client_of
from resolver.settings import Settings
from resolver.verifier import verify_absence, verify_answer
from tests.factory import QUANTUM, UNIQUE, Subject, disclosed, key
from tests.resolver.answering import pinned
from tests.resolver.town import JSON, Town, problem

NUMBER_1 = "1440000000001"


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A town, shared by the tests of this module."""
    with Town(Settings(checkers=0, page_rows=5)) as town:
        yield town


@pytest.fixture(scope="module")
def acme(town: Town) -> Subject:
    """An organization with a prefix."""
    return town.acme()


@pytest.fixture(scope="module")
def meter(town: Town, acme: Subject) -> Subject:
    """A device with a number."""
    return town.device("M-1", acme, number=NUMBER_1)


def code_of(name: str) -> str:
    return f"https://id.gs1.org/01/09506000134352/21/{name}"


def ask(town: Town, **question: Any) -> Any:
    return town.request("POST", "/v1/resolve", content=orjson.dumps(question), headers=JSON)


@pytest.mark.parametrize("written", ["(01)09506000134352(21)M-1", code_of("M-1")])
def test_a_code_is_resolved_in_every_form(town: Town, meter: Subject, written: str) -> None:
    answer = town.get("/v1/resolve", params={"code": written}).json()
    assert answer["device"]["did"] == meter.did
    assert answer["readAs"] == {"scheme": "gs1", "value": code_of("M-1")}
    assert "proof" not in answer


def test_an_answer_with_proof_verifies_although_it_is_a_second_old(
    town: Town, acme: Subject
) -> None:
    town.get("/checkpoint")
    new = town.device("M-new", acme)
    answer = town.get("/v1/resolve", params={"code": code_of("M-new"), "proof": "1"}).json()
    verified = verify_answer(answer, pinned(town), key=("code", "gs1", code_of("M-new")))
    assert verified.did == new.did
    assert verified.checkpoint.times == ((QUANTUM.key, town.now),)
    by_did = town.get(f"/v1/devices/{new.did}?proof=1").json()
    assert verify_answer(by_did, pinned(town), key=("did", new.did)).did == new.did


def test_what_is_not_there_is_proved_not_to_be_there_where_that_may_be_told(town: Town) -> None:
    question = {"code": code_of("nobody"), "proof": "1"}
    found = problem(town.get("/v1/resolve", params=question))
    key = ("code", "gs1", code_of("nobody"))
    state = verify_absence(found["proof"], pinned(town), key)
    assert state.checkpoint.checkpoint.size == state.root.index + 1
    assert "proof" not in problem(town.get("/v1/resolve", params={"code": code_of("nobody")}))
    past = {**question, "at": format_time(town.now)}
    assert "proof" not in problem(town.get("/v1/resolve", params=past))
    free = disclosed(NUMBER, "1440099999998").encoded  # its key is not for everybody
    asked = ask(town, disclosure=free, scheme="msisdn-cn-iot", proof=True)
    assert "proof" not in problem(asked)


def test_a_number_with_proof_is_active_on_the_device(town: Town, meter: Subject) -> None:
    shown = disclosed(NUMBER, NUMBER_1)
    answer = ask(town, disclosure=shown.encoded, scheme="msisdn-cn-iot", proof=True).json()
    key = ("number", "msisdn-cn-iot", UNIQUE("number", "msisdn-cn-iot", NUMBER_1))
    assert verify_answer(answer, pinned(town), key=key).did == meter.did


def test_the_past_with_proof_verifies(town: Town, acme: Subject) -> None:
    lost = town.device("M-lost", acme)
    before = format_time(town.now)
    town.now += 10
    town.accept(town.supervise(lost, "status.suspend", "lost", acme))
    answer = town.get(f"/v1/devices/{lost.did}?proof=1&at={before}").json()
    verified = verify_answer(answer, pinned(town), key=("did", lost.did))
    assert (verified.status, answer["asOf"]) == ("active", before)


def test_an_unknown_code_is_not_found_and_read_back(town: Town) -> None:
    found = problem(town.get("/v1/resolve", params={"code": code_of("nobody")}))
    assert found["code"] == "not_found"
    assert found["readAs"]["value"] == code_of("nobody")


def test_a_code_of_several_schemes_names_the_candidates(town: Town) -> None:
    response = town.get("/v1/resolve", params={"code": "800000000006"})
    found = problem(response)
    assert response.status_code == 300
    assert {one["scheme"] for one in found["candidates"]} == {"gtin", "eui48"}
    chosen = {"code": "800000000006", "scheme": "gtin"}
    assert town.get("/v1/resolve", params=chosen).status_code == 404


@pytest.mark.parametrize(
    "scanned",
    [
        "]d2010950600013435210LOT-1\x1d21nobody",
        "\x1d010950600013435210LOT-1\x1d21nobody\x1d",
        "010950600013435221nobody",
        "urn:epc:tag:sgtin-198:3.9506000.013435.nobody",
    ],
)
def test_what_a_scanner_sends_is_read(town: Town, scanned: str) -> None:
    found = problem(town.get("/v1/resolve", params={"code": scanned}))
    assert found["code"] == "not_found"
    assert found["readAs"] == {"scheme": "gs1", "value": code_of("nobody")}


def test_a_lost_separator_is_told_with_the_readings(town: Town) -> None:
    response = town.get("/v1/resolve", params={"code": "010950600013435210LOT-121nobody"})
    found = problem(response)
    assert response.status_code == 300
    assert {one["value"] for one in found["candidates"]} >= {code_of("nobody")}
    assert "(10)LOT-1(21)nobody" in found["hint"]


def test_a_wrong_check_digit_is_told_with_the_right_one(town: Town) -> None:
    found = problem(town.get("/v1/resolve", params={"code": "(01)09506000134358(21)M-1"}))
    assert found["code"] == "code.check_digit"


def test_a_tombstone_is_gone_with_what_is_left(town: Town, acme: Subject) -> None:
    old = town.device("M-old", acme)
    before = town.now
    town.now += 10
    town.accept(town.follow(old, "status.retire", {"reason": "worn out"}, by=[acme]))
    response = town.get("/v1/resolve", params={"code": code_of("M-old"), "proof": "1"})
    found = problem(response)
    assert (response.status_code, found["code"]) == (410, "gone")
    assert found["answer"]["device"]["status"] == "retired"
    assert verify_answer(found["answer"], pinned(town)).status == "retired"
    earlier = {"code": code_of("M-old"), "at": format_time(before)}
    assert town.get("/v1/resolve", params=earlier).json()["device"]["status"] == "active"
    history = town.get(f"/v1/devices/{old.did}/history").json()["changes"]
    assert [one["type"] for one in history] == ["status.retire", "device.register"]


def test_a_number_is_resolved_by_its_disclosure_alone(town: Town, meter: Subject) -> None:
    disclosure = disclosed(NUMBER, NUMBER_1).encoded
    answer = ask(town, disclosure=disclosure, scheme="msisdn-cn-iot")
    assert answer.json()["device"]["did"] == meter.did
    guessed = disclosed(NUMBER, "1440000000002").encoded
    assert problem(ask(town, disclosure=guessed, scheme="msisdn-cn-iot"))["code"] == "not_found"
    assert problem(ask(town, disclosure=disclosure))["pointer"] == "/scheme"
    assert problem(ask(town, disclosure=disclosure, code="x"))["code"] == "input.schema"
    assert ask(town, code=code_of("M-1"), proof=True).json()["proof"]["entries"]


def test_lookups_are_limited_by_address_and_by_time() -> None:
    with Town(Settings(checkers=0, lookups=3)) as town:
        statuses = [ask(town, code=code_of("x")).status_code for _ in range(4)]
        assert statuses == [404, 404, 404, 429]
        response = ask(town, code=code_of("x"))
        assert problem(response)["code"] == "unavailable.rate"
        town.now += int(response.headers["retry-after"])
        assert ask(town, code=code_of("x")).status_code == 404
        assert ask(town, code=code_of("x")).status_code == 429


@pytest.mark.parametrize(
    ("host", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("nonsense", "other", False),
    ],
)
def test_one_subscriber_counts_as_one_client(host: str, other: str, *, same: bool) -> None:
    seen = [client_of(Request({"type": "http", "client": (h, 1)})) for h in (host, other)]
    assert (seen[0] == seen[1]) is same


def test_a_receipt_can_be_fetched_again(town: Town, meter: Subject) -> None:
    response = town.get(f"/v1/devices/{quote(meter.did, safe='')}/receipt")
    assert response.text.startswith("c2sp.org/tlog-proof@v1\n")


def test_a_history_has_pages(town: Town, acme: Subject) -> None:
    busy = town.device("M-busy", acme)
    for n in range(6):
        body = {"sector": {"domain": "production", "field": "industry", "category": f"C40{n:02}"}}
        town.accept(town.follow(busy, "device.update", body, by=[acme]))
    seen, before = [], ""
    while True:
        page = town.get(f"/v1/devices/{busy.did}/history?limit=3{before}").json()
        seen += [one["index"] for one in page["changes"]]
        if page["before"] is None:
            break
        before = f"&before={page['before']}"
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 7


def test_listings_have_pages_and_filters() -> None:
    with Town(Settings(checkers=0, page_rows=4)) as town:
        acme = town.acme()
        other = town.organization("Other")
        town.batch(town.submissions(acme, 10))
        seen, cursor = [], ""
        while True:
            page = town.get(f"/v1/devices?limit=3&controller={acme.did}{cursor}").json()
            assert len(page["devices"]) <= 3
            seen += [one["did"] for one in page["devices"]]
            if page["cursor"] is None:
                break
            cursor = f"&cursor={page['cursor']}"
        assert len(set(seen)) == 10
        assert town.get(f"/v1/devices?controller={other.did}").json()["devices"] == []
        assert len(town.get("/v1/devices").json()["devices"]) == 4
        assert town.get("/v1/devices?status=revoked").json()["devices"] == []
        names = [one["name"] for one in town.get("/v1/organizations").json()["organizations"]]
        assert names == ["Acme", "Other"]
        shown = town.get(f"/v1/organizations/{acme.did}").json()["organization"]
        assert shown["name"] == "Acme"
        (grant,) = town.get(f"/v1/grants?holder={acme.did}").json()["grants"]
        assert town.get(f"/v1/grants/{grant['grant']}").json() == {"grant": grant}
        assert problem(town.get("/v1/devices?cursor=x"))["code"] == "input.cursor"
        assert problem(town.get("/v1/devices?limit=5"))["pointer"] == "/limit"
        assert problem(town.get(f"/v1/devices?controller={seen[0]}x"))["code"] == "input.malformed"
        assert problem(town.get(f"/v1/organizations/{seen[0]}"))["code"] == "not_found"


def test_what_is_prepared_signed_and_posted_is_registered(town: Town, acme: Subject) -> None:
    device, following = key("prepared"), key("prepared next")
    description = {
        "type": "device.register",
        "body": {
            "object": {
                "maker": acme.did,
                "model": "M1",
                "serial": "SN-prepared",
                "sector": {"domain": "production", "field": "industry"},
                "ipv6": "enabled",
            },
            "code": "(01)09506000134352(21)M-prepared",
            "number": {"scheme": "msisdn-cn-iot", "value": "1440099999999"},
            "keys": [device.public.multikey],
            "next": [following.public.multikey],
            "controller": acme.did,
        },
        "signers": [{"key": device.public.multikey}, {"method": acme.method[1]}],
    }
    response = town.request(
        "POST", "/v1/operations/prepare", content=orjson.dumps(description), headers=JSON
    )
    assert response.status_code == 200, response.text
    prepared = response.json()
    proofs = []
    for wanted in prepared["signing"]:
        signer = acme.key if wanted["verificationMethod"] == acme.method[1] else device
        signature = signer.sign(base64url_decode(wanted["input"]))
        proofs.append({**wanted["proof"], "proofValue": multibase_encode(signature)})
    submission = {
        "operation": {**prepared["operation"], "proof": proofs},
        "disclosures": prepared["disclosures"],
    }
    registered = town.post(orjson.dumps(submission))
    assert registered.status_code == 201, registered.text
    assert registered.json()["operation"] == prepared["hash"]
    found = town.get("/v1/resolve", params={"code": code_of("M-prepared")}).json()
    assert found["device"]["did"] == registered.json()["did"]
