"""Histories over HTTP, as a client proves them."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from identity.disclosure import open_disclosure
from identity.errors import EvidenceRefused, NotFound
from resolver.client import Client
from tests.resolver.client.conftest import Answer, Registry
from tests.resolver.client.test_client import CODE, acme, body

RIGHT = "(01)09506000134352(21)RIGHT"
NUMBER = "+8613800138000"


def lived(client: Client) -> tuple[str, str, str]:
    """A device whose number was taken over by another: its DID, and both disclosures."""
    maker = acme(client)
    first = client.register_device(body(maker, number=NUMBER))
    assert first.did is not None
    (mine,) = [one for one in first.disclosures if disclosed_at(one) == "/body/number/commitment"]
    client.correct_code(first.did, RIGHT, "misread")
    other = client.register_device(body(maker, 18, code=f"{CODE}-2", number="none"))
    assert other.did is not None
    taken = client.rebind_number(other.did, NUMBER, old_controller=maker)
    return first.did, mine, taken.disclosures[0]


def disclosed_at(disclosure: str) -> str:
    """What a disclosure is of."""
    return open_disclosure(disclosure).name


def test_a_device_and_its_codes(registry: Registry) -> None:
    client = registry.client()
    did, _, _ = lived(client)
    by_did = client.proved_history(did)
    assert [step.type for step in by_did.steps] == [
        "device.register",
        "code.correct",
        "number.rebind",
    ]
    assert by_did.asserted == ""
    assert [step.what for step in client.proved_history(CODE).steps][:2] == ["given", "corrected"]
    assert [step.what for step in client.proved_history(RIGHT).steps] == ["given", "active"]
    with pytest.raises(NotFound):
        client.proved_history("(01)09506000134352(21)NOBODY")
    client.retire(did, "worn out")
    assert client.proved_history(CODE).steps[-1].what == "retired"


def test_a_number_is_told_to_who_bound_it_last(registry: Registry) -> None:
    client = registry.client()
    did, mine, taken = lived(client)
    found = client.proved_history(disclosure=taken, scheme="msisdn")
    assert [step.what for step in found.steps] == ["bound", "bound"]
    assert found.steps[0].did == did != found.did
    assert "registry's word" in found.asserted  # of a keyed hash that nobody can compute
    with pytest.raises(NotFound) as refused:
        client.proved_history(disclosure=mine, scheme="msisdn")
    with pytest.raises(NotFound) as unknown:
        client.resolve(disclosure=mine, scheme="msisdn")
    assert refused.value.detail == unknown.value.detail
    client.rebind_number(found.did, "none")
    freed = client.proved_history(disclosure=taken, scheme="msisdn")
    assert (freed.steps[-1].what, freed.did) == ("freed", "")


def changed(change: Any) -> Any:
    """A server that changes what it says of histories."""

    def lie(request: httpx.Request, answer: Answer) -> httpx.Response:
        true = answer(request)
        if "history" not in request.url.path:
            return true
        value = orjson.loads(true.content)
        change(value)
        return httpx.Response(true.status_code, headers={}, content=orjson.dumps(value))

    return lie


LIES: dict[str, Any] = {
    "a step is left out": lambda value: value["proof"]["entries"].pop(),
    "nothing is proved": lambda value: value.pop("proof"),
    "of another key": lambda value: value.update(key=["number", "iccid", "x"]),
    "of no key": lambda value: value.update(key=5),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies_is_refused(registry: Registry, lie: str) -> None:
    client = registry.client()
    did, _, taken = lived(client)
    registry.lie = changed(LIES[lie])
    with pytest.raises(EvidenceRefused):
        client.proved_history(disclosure=taken, scheme="msisdn")
    if not lie.startswith("of "):
        with pytest.raises(EvidenceRefused):
            client.proved_history(did)


def test_the_history_of_another_device_is_refused(registry: Registry) -> None:
    client = registry.client()
    did, _, taken = lived(client)
    other = client.proved_history(disclosure=taken, scheme="msisdn").did
    answer = client.proved_history(other).answer
    registry.lie = changed(lambda value: value.update(answer))
    with pytest.raises(EvidenceRefused):
        client.proved_history(did)
    with pytest.raises(EvidenceRefused):
        client.proved_history(RIGHT)


def test_pages_without_proof(registry: Registry) -> None:
    client = registry.client()
    _, mine, taken = lived(client)
    transport = client._http
    page = transport.get("/v1/history", params={"code": CODE, "limit": 2}).json()
    assert [one["type"] for one in page["changes"]] == ["number.rebind", "code.correct"]
    following = {"code": RIGHT, "before": page["before"], "limit": 2}
    rest = transport.get("/v1/history", params=following).json()
    assert [one["type"] for one in rest["changes"]] == ["device.register"]
    assert rest["before"] is None
    asked = {"disclosure": taken, "scheme": "msisdn"}
    bindings = transport.post("/v1/history", json=asked).json()["changes"]
    assert [one["type"] for one in bindings] == ["number.rebind", "device.register"]
    refused = transport.post("/v1/history", json={**asked, "disclosure": mine})
    assert refused.status_code == 404
