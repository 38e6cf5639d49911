"""Links through the SDK: set, proved, and not believed where they are not."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from identity.errors import InvalidAnswer, InvalidStateProof, NotFound, RightMissing, TetradError
from tests.resolver.client.conftest import Answer, Registry
from tests.resolver.client.test_client import acme

CODE = "(01)09506000134352"
PAGE: dict[str, Any] = {
    "relation": "gs1:pip",
    "href": "https://acme.example/m1",
    "title": "Meter M1",
}


def test_links_are_set_and_proved(registry: Registry) -> None:
    client = registry.client()
    maker = acme(client)
    client.set_links(maker, CODE, [PAGE])
    manual = {"relation": "gs1:instructions", "href": "https://acme.example/m", "title": "Manual"}
    done = client.set_links(maker, CODE, [PAGE, manual], description="Meter M1")
    found = registry.client().links("9506000134352", scheme="gtin")
    assert found.record["links"] == [PAGE, manual]
    assert found.record["description"] == "Meter M1"
    assert found.verified.by == maker
    assert found.verified.entry == done.index
    client.set_links(maker, CODE, [])
    assert client.links(CODE).record["links"] == []


def test_that_there_are_none_is_proved(registry: Registry) -> None:
    client = registry.client()
    acme(client)
    with pytest.raises(NotFound) as missing:
        client.links("(01)09506000134352(21)X")
    assert missing.value.members["proved"]
    assert missing.value.members["readAs"]["scheme"] == "gs1"


def test_another_sets_none(registry: Registry) -> None:
    client = registry.client()
    acme(client)
    other = client.create_organization("Beta").did
    assert other is not None
    with pytest.raises(RightMissing):
        client.set_links(other, CODE, [PAGE])


def lied(registry: Registry, change: Any) -> type[TetradError]:
    """The error that a client makes of an answer about links that is changed on its way."""

    def lie(request: httpx.Request, answer: Answer) -> httpx.Response:
        response = answer(request)
        if request.url.path != "/v1/links":
            return response
        value = orjson.loads(response.content)
        status = change(value) or response.status_code
        headers = {"content-type": response.headers["content-type"]}
        return httpx.Response(status, content=orjson.dumps(value), headers=headers)

    registry.lie = lie
    with pytest.raises(TetradError) as refused:
        registry.client().links(CODE)
    registry.lie = None
    return type(refused.value)


def test_a_server_that_lies_about_links(registry: Registry) -> None:
    client = registry.client()
    maker = acme(client)
    client.set_links(maker, CODE, [PAGE])
    client.links(CODE)

    def elsewhere(value: Any) -> None:
        value["links"]["links"][0]["href"] = "https://evil.example/"

    def nowhere(value: Any) -> int:
        proof = {name: value["proof"][name] for name in ("checkpoint", "state", "records")}
        members = {name: value.pop(name) for name in list(value)}
        value |= {"code": "not_found", "detail": "none", "readAs": members["readAs"]}
        value["proof"] = proof
        return 404

    def unproved(value: Any) -> None:
        del value["proof"]

    assert lied(registry, elsewhere) is InvalidStateProof
    assert lied(registry, nowhere) is InvalidStateProof
    assert lied(registry, unproved) is InvalidAnswer
