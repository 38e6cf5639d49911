"""Handles over HTTP: what a client of the Handle System sees, and what it can prove."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import Delegated, InvalidAnswer
from resolver.handles.encoding import HandleValue, digest_of
from resolver.handles.verifying import verify_handle
from resolver.trust import Trust
from tests.factory import Subject
from tests.resolver.town import JSON, Town

DATA = {
    "describes": "Cumulative consumption of water",
    "schema": "https://acme.example/schemas/meter-1.json",
    "version": 1,
    "grade": "general",
    "endpoints": [
        {"type": "LwM2M", "url": "coaps://dev1.acme.example/9"},
        {"type": "Page", "url": "https://acme.example/dev1"},
    ],
    "commitment": "Q1cJDLRPWhQqMGbrUPIfpDY8UjsXhrk2tHYK3kqX-bg",
}
HANDLE = "88.100.9999/dev0001"


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A town with devices under 88. and 86., one of them at its end."""
    with Town() as town:
        node = town.organization("Node")
        for prefix in ("idis:88.100.9999", "handle:86.1000.1"):
            town.accept(town.prefix(node, prefix))
        town.device("D1", node, code={"scheme": "idis", "value": HANDLE}, data=DATA)
        odd = {"scheme": "handle", "value": "86.1000.1/a#b?c%20@d"}
        town.device("D2", node, code=odd)
        ended = town.device(
            "D3", node, code={"scheme": "idis", "value": "88.100.9999/old"}, data=DATA
        )
        town.accept(town.follow(ended, "status.retire", {"reason": "scrapped"}, by=[node]))
        town.device("D4", town.acme())
        yield town


def trust(town: Town) -> Trust:
    return Trust.begin(town.genesis.operation)


def get(town: Town, handle: str, query: str = "") -> Any:
    return town.get(f"/api/handles/{handle}{query}")


def by_index(answer: Any) -> dict[int, Any]:
    return {value["index"]: value for value in answer["values"]}


@pytest.mark.parametrize("written", [HANDLE, "88.100.9999/DEV0001", quote(HANDLE, safe="")])
def test_a_handle_is_answered_however_its_letters_and_slash_are_written(
    town: Town, written: str
) -> None:
    response = get(town, written)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.headers["access-control-allow-origin"] == "*"
    answer = response.json()
    assert (answer["responseCode"], answer["handle"].lower()) == (1, HANDLE)
    found = by_index(answer)
    assert found[1]["data"] == {"format": "string", "value": "coaps://dev1.acme.example/9"}
    assert found[2]["type"] == "URL"
    assert found[21]["data"]["value"] == "active"
    assert found[100]["data"]["value"]["handle"] == "0.NA/88.100.9999"
    assert all(value["permissions"] == "1010" for value in answer["values"])
    assert (
        town.get(found[300]["data"]["value"]).json()["device"]["did"]
        == (found[20]["data"]["value"])
    )


def test_escapes_within_a_handle_are_its_own_characters(town: Town) -> None:
    written = quote("86.1000.1/a#b?c%20@d", safe="")
    assert get(town, written).json()["handle"] == "86.1000.1/a#b?c%20@d"
    assert get(town, "86.1000.1/a%23b%3Fc%2520%40d").status_code == 200
    assert get(town, "86.1000.1/a").json()["responseCode"] == 100


def test_values_are_selected_by_any_index_or_type(town: Town) -> None:
    chosen = get(town, HANDLE, "?index=2&type=TETRAD.STATUS&index=999").json()
    assert sorted(by_index(chosen)) == [2, 21]
    below = get(town, HANDLE, "?type=tetrad.").json()
    assert {one["type"].split(".")[0] for one in below["values"]} == {"TETRAD"}
    nothing = get(town, HANDLE, "?type=EMAIL")
    assert nothing.status_code == 200
    assert nothing.json() == {"responseCode": 200, "handle": HANDLE, "values": []}


def test_a_selection_still_fits_the_digests_of_all(town: Town) -> None:
    chosen = by_index(get(town, HANDLE, "?index=1&index=21&index=400").json())
    claims = orjson.loads(chosen.pop(400)["data"]["value"])
    known = {one["index"]: one["digest"] for one in claims["digests"]["digests"]}
    assert (claims["sub"], claims["digests"]["alg"]) == (HANDLE, "SHA-256")
    for index, value in chosen.items():
        again = HandleValue(index, value["type"], value["data"]["value"], value["timestamp"])
        assert digest_of(again) == known[index]


@pytest.mark.parametrize("query", ["?index=301", "?index=301&index=1&index=400", "?type=x"])
def test_an_answer_with_its_proof_is_held_against_the_ledger(town: Town, query: str) -> None:
    answer = get(town, HANDLE, f"{query}&type=TETRAD.PROOF.ANSWER").json()
    found = verify_handle(answer, trust(town), town.now)
    assert found.verified.status == "active"
    assert set(found.indexes) == set(by_index(answer)) - {301}


def test_the_whole_record_is_held_against_the_ledger_and_no_part_can_be_changed(town: Town) -> None:
    whole = get(town, HANDLE).json()
    whole["values"] += get(town, HANDLE, "?index=301").json()["values"]
    verify_handle(whole, trust(town), town.now)
    for place, value in enumerate(whole["values"]):
        if value["index"] == 301:
            continue
        for name, wrong in (("index", 3), ("type", "URL.X"), ("ttl", 61), ("permissions", "1111")):
            forged = copy.deepcopy(whole)
            forged["values"][place][name] = wrong
            with pytest.raises(InvalidAnswer):
                verify_handle(forged, trust(town), town.now)
        forged = copy.deepcopy(whole)
        forged["values"][place]["data"]["value"] = "https://evil.example"
        with pytest.raises(InvalidAnswer) as refused:
            verify_handle(forged, trust(town), town.now)
        assert refused.value.pointer == f"/values/{place}"
    other = {**whole, "handle": "88.100.9999/old"}
    with pytest.raises(InvalidAnswer):
        verify_handle(other, trust(town), town.now)
    with pytest.raises(InvalidAnswer, match="no proof"):
        verify_handle(get(town, HANDLE).json(), trust(town), town.now)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=8,
    )
)
def test_hostile_answers_are_refused_by_our_errors_alone(town: Town, junk: Any) -> None:
    answers: list[Any] = [
        {"responseCode": 1, "handle": HANDLE, "values": junk},
        {"responseCode": 1, "handle": HANDLE, "values": [junk]},
        {"responseCode": 1, "handle": junk, "values": []},
        {
            "responseCode": 1,
            "handle": HANDLE,
            "values": [{"index": 301, "type": "TETRAD.PROOF.ANSWER", "data": junk}],
        },
    ]
    for answer in answers:
        with pytest.raises(InvalidAnswer):
            verify_handle(answer, trust(town), town.now)


def test_what_has_ended_is_shown_as_ended_and_leads_nowhere(town: Town) -> None:
    response = get(town, "88.100.9999/old")
    assert response.status_code == 200
    found = by_index(response.json())
    assert found[21]["data"]["value"] == "retired"
    assert found[28]["data"]["value"] == "scrapped"
    assert get(town, "88.100.9999/old", "?type=URL").json()["responseCode"] == 200


def test_the_handle_of_a_prefix_says_who_holds_it(town: Town) -> None:
    found = by_index(get(town, "0.NA/88.100.9999").json())
    assert found[23]["data"]["value"] == "Node"
    assert town.get(found[300]["data"]["value"]).json()["grant"]["to"] == found[22]["data"]["value"]
    assert by_index(get(town, "0.na/86.1000.1").json())[21]["data"]["value"] == "active"
    for none in ("0.NA/88.100", "0.NA/88.100.99990", "0.NA/"):
        assert get(town, none).json()["responseCode"] == 100
    assert get(town, "0.NA/88..1").json()["responseCode"] == 102


def test_refusals_speak_the_language_of_handles(town: Town) -> None:
    for written, code, status in (
        ("88.100.9999/nobody", 100, 404),
        ("nonsense", 102, 400),
        ("88.100.9999", 102, 400),
        ("88.100.9999/" + "x" * 300, 102, 400),
        ("88.100.9999/%E9%9B%B6", 102, 400),
        ("88.100.9999/%EF%BC%91", 102, 400),
        ("https:%2F%2Fid.gs1.org%2F01%2F09506000134352%2F21%2FD4", 102, 400),
        ("09506000134352", 102, 400),
        (HANDLE + "?index=x", 202, 400),
        (HANDLE + "?callback=%3Cscript%3Ealert(1)%3C/script%3E", 202, 400),
    ):
        response = get(town, written)
        assert (response.json()["responseCode"], response.status_code) == (code, status), written
        assert response.json()["message"]
        assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("urls", "leads"),
    [
        (["https://node.example/", "https://b.example"], True),
        (["coaps://node.example", "urn:x", "https://node.example"], True),
        (["mqtts://node.example"], False),
        ([], False),
    ],
)
def test_what_another_node_knows_is_a_prefix_referral(
    town: Town, monkeypatch: pytest.MonkeyPatch, urls: list[str], *, leads: bool
) -> None:
    referral = {"grant": "zQm", "node": {"ledger": "zQm", "origin": "n", "urls": urls}}

    def elsewhere(*_: Any, **__: Any) -> Any:
        raise Delegated("another node knows", referral=referral)

    monkeypatch.setattr(town.service.resolver, "find", elsewhere)
    response = get(town, "88.100.9999%2Fchild", "?index=1")
    assert response.json()["responseCode"] == 303
    assert response.json()["referral"] == referral
    if leads:
        assert response.status_code == 307
        there = "https://node.example/api/handles/88.100.9999%2Fchild?index=1"
        assert response.headers["location"] == there
    else:
        assert response.status_code == 404


def test_a_handle_that_was_corrected_says_which_code_is_right(town: Town) -> None:
    node = town.organization("Correcting")
    town.accept(town.prefix(node, "idis:88.103.1"))
    device = town.device("D11", node, code={"scheme": "idis", "value": "88.103.1/x"})
    assert 29 not in by_index(get(town, "88.103.1/X").json())
    right = {"scheme": "idis", "value": "88.103.1/y"}
    body = {"code": right, "reason": "misprinted"}
    town.accept(town.follow(device, "code.correct", body, by=[node]))
    old = get(town, "88.103.1/x", "?type=TETRAD.CODE&index=301").json()
    assert orjson.loads(by_index(old)[29]["data"]["value"]) == right
    assert verify_handle(old, trust(town), town.now).indexes == (29,)
    assert 29 not in by_index(get(town, "88.103.1/y").json())


def test_what_changes_while_the_proof_is_waited_for_changes_the_values_too(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = town.organization("Changing")
    town.accept(town.prefix(node, "idis:88.102.1"))
    device = town.device("D10", node, code={"scheme": "idis", "value": "88.102.1/x"})
    retired = town.follow(device, "status.retire", {"reason": "meanwhile"}, by=[node]).submission
    publication = town.service.publication
    covering = publication.covering

    async def meanwhile(size: int) -> Any:
        monkeypatch.setattr(publication, "covering", covering)
        await town._client.post("/v1/operations", content=retired, headers=JSON)
        return await covering(size + 1)

    monkeypatch.setattr(publication, "covering", meanwhile)
    monkeypatch.setattr(publication, "_current", None)
    answer = get(town, "88.102.1/x", "?index=21&index=301").json()
    assert by_index(answer)[21]["data"]["value"] == "retired"
    assert verify_handle(answer, trust(town), town.now).verified.status == "retired"


def test_other_methods(town: Town) -> None:
    path = f"/api/handles/{HANDLE}"
    assert town.request("HEAD", path).status_code == 200
    allowed = town.request("OPTIONS", path).headers["access-control-allow-methods"]
    assert {"GET", "HEAD", "OPTIONS"} <= set(allowed.split(", "))
    assert town.request("PUT", path, content=b"{}").status_code == 405


def test_a_change_is_seen_at_once(town: Town) -> None:
    node: Subject = town.organization("Other")
    town.accept(town.prefix(node, "idis:88.101.1"))
    device = town.device("D9", node, code={"scheme": "idis", "value": "88.101.1/x"})
    assert by_index(get(town, "88.101.1/x").json())[21]["data"]["value"] == "active"
    town.accept(town.follow(device, "status.retire", {"reason": "lost"}, by=[node]))
    assert by_index(get(town, "88.101.1/x").json())[21]["data"]["value"] == "retired"
