"""The application: its description says what it does, and its examples work when pasted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from html import unescape
from typing import Any

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.routing import Route

from identity.errors import LedgerStopped
from identity.operation import operation_hash
from resolver.api.docs import page
from resolver.app import create_app
from resolver.folder import MemorySite
from resolver.settings import Settings
from tests.factory import NOW
from tests.resolver.town import INLINE, Town, problem

UNDESCRIBED = {"/openapi.json", "/docs", "/"}


@pytest.fixture
def town() -> Iterator[Town]:
    """A fresh sandbox."""
    with Town(INLINE) as town:
        yield town


def description(town: Town) -> dict[str, Any]:
    found: dict[str, Any] = town.get("/openapi.json").json()
    return found


def test_the_description_has_every_route_and_no_other(town: Town) -> None:
    routes = {
        (re.sub(r":path}", "}", route.path), method.lower())
        for route in town.app.router.routes
        if isinstance(route, Route) and route.path not in UNDESCRIBED
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {
        (path, method) for path, item in description(town)["paths"].items() for method in item
    }
    assert described == routes


AUTHENTICATED = [
    ("get", "/v1/authentications/current"),
    ("get", "/v1/devices/{did}/accesses"),
    ("delete", "/v1/devices/{did}/data"),
    ("delete", "/v1/devices/{did}/disclosures"),
]
"""Whoever pastes an example has no token."""


def answers_to_examples(town: Town) -> dict[tuple[str, str], int]:
    """The status of each example, by its method and path; all are among those described."""
    found = {}
    for path, item in description(town)["paths"].items():
        for method, operation in item.items():
            address, query = path, {}
            for parameter in operation.get("parameters", ()):
                if "example" in parameter and parameter["in"] == "query":
                    query[parameter["name"]] = str(parameter["example"])
                elif "example" in parameter:
                    address = address.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
            content = operation.get("requestBody", {}).get("content", {})
            for media, body in content.items() or [("", {})]:
                options: dict[str, Any] = {"params": query} if query else {}
                if media and "example" in body:
                    text = body["example"]
                    options["content"] = text if isinstance(text, str) else orjson.dumps(text)
                    options["headers"] = {"content-type": media}
                elif media:
                    continue  # signed for a moment: nobody can paste it (test_authentication.py)
                if "/events" in path:  # as a stream it does not end
                    options["headers"] = {"accept": "application/json"}
                response = town.request(method.upper(), address, **options)
                assert str(response.status_code) in operation["responses"], (address, response.text)
                found[media or method, path] = response.status_code
    return found


def test_every_example_works_against_a_fresh_sandbox(town: Town) -> None:
    found = answers_to_examples(town)
    for one in AUTHENTICATED:
        assert found.pop(one) == 401, one
    assert found.pop(("get", "/c/{code}")) == 307  # a label leads on, whoever bears its code
    for stream in ("/events", "/events/{type}"):  # which are told as a stream alone
        assert found.pop(("get", stream)) == 406
    assert set(found.values()) <= {200, 201, 404}
    assert len(found) > 20


def test_every_example_finds_what_it_asks_for_once_there_is_a_device(town: Town) -> None:
    acme = town.organization("Acme")
    town.accept(town.grant(acme, "prefix", acme, {"scheme": "gs1", "prefix": "0950600013435"}))
    town.device("Gate", acme)
    found = answers_to_examples(town)
    for path in (
        "/v1/devices/{did}",
        "/v1/devices/{did}/history",
        "/v1/devices/{did}/receipt",
        "/v1/grants/{hash}",
        "/v1/accreditations",
    ):
        assert found["get", path] == 200, path


def test_each_line_of_the_example_of_a_batch_is_registered(town: Town) -> None:
    content = description(town)["paths"]["/v1/operations"]["post"]["requestBody"]["content"]
    lines = content["application/x-ndjson"]["example"].encode().splitlines()
    assert [answer["status"] for answer in town.batch(lines)] == [201, 201]


def test_the_page_for_people_has_every_address_and_nothing_from_elsewhere(town: Town) -> None:
    response = town.get("/docs")
    described = description(town)["paths"]
    for path, item in described.items():
        for method in item:
            assert f"<h2><code>{method.upper()} {path}</code></h2>" in response.text
    assert "<script" not in response.text
    assert set(re.findall(r"(?:src|href)=\"([^\"]*)\"", response.text)) == {"/openapi.json"}
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "http" not in policy
    assert "script" not in policy


def test_commands_on_the_page_are_words_of_a_shell_with_the_host_that_was_asked(
    town: Town,
) -> None:
    shown = unescape(town.get("/docs").text)
    commands = re.findall(r"<pre>(curl .*?)</pre>", shown, re.DOTALL)
    assert len(commands) > 20
    for command in commands:
        words = shlex.split(command)
        assert words[-1].startswith("http://town.test/")
        assert "{" not in words[-1]
    hostile = town.get("/docs", headers={"host": "x'$(id)<script>"})
    assert "$(id)" not in hostile.text
    assert "http://127.0.0.1:8000/" in hostile.text


def test_no_text_becomes_markup_on_the_page() -> None:
    payload = "<img src=x onerror=alert(1)>\"'"
    example = {
        "summary": payload,
        "description": payload,
        "parameters": [
            {
                "name": payload,
                "in": "query",
                "required": True,
                "schema": {"type": payload},
                "description": payload,
                "example": payload,
            }
        ],
        "requestBody": {"content": {payload: {"example": {"name": payload}}}},
        "responses": {payload: {"description": payload}},
    }
    info = {"title": payload, "version": payload, "summary": payload}
    servers = [{"url": payload}]
    assert "<img" not in page(
        {"info": info, "servers": servers, "paths": {payload: {payload: example}}}
    )


def test_a_browser_that_asks_for_the_root_is_sent_to_the_page(town: Town) -> None:
    sent = town.get("/", headers={"accept": "text/html,*/*;q=0.8"})
    assert (sent.status_code, sent.headers["location"]) == (307, "/docs")
    assert town.get("/").json()["code"] == town.get("/nothing").json()["code"]
    assert town.get("/docs/oauth2-redirect").status_code == 404


def test_the_example_operation_is_registered_once(town: Town) -> None:
    content = description(town)["paths"]["/v1/operations"]["post"]["requestBody"]["content"]
    example = orjson.dumps(content["application/json"]["example"])
    assert [town.post(example).status_code for _ in range(2)] == [201, 200]


def test_the_well_known_page_lets_a_client_pin_the_ledger(town: Town) -> None:
    shown = town.get("/.well-known/tetrad").json()
    assert operation_hash(shown["genesis"]) == shown["ledger"] == town.ledger_hash
    assert shown["log"]["vkeys"] == town.genesis.operation["body"]["log"]
    assert shown["limits"]["batchLines"] == 1000
    for path in shown["endpoints"].values():
        answer = town.get(path, headers={"accept": "application/json"})
        assert answer.status_code in (200, 400, 404, 405, 422)


def figures_of(town: Town) -> dict[tuple[str, ...], float]:
    """What /metrics says, by name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(town.get("/metrics").text)
        for sample in family.samples
    }


def test_figures_count_what_was_done(town: Town) -> None:
    first = town.new_organization("Counted").first
    assert first is not None
    town.post(first.submission)
    town.post(first.submission)
    town.post(b"{}")
    town.batch([b"{}", b"{}"])
    size = int(town.get("/checkpoint").text.splitlines()[1])
    figures = figures_of(town)
    assert figures["tetrad_operations_total", "accepted"] == 1
    assert figures["tetrad_operations_total", "repeated"] == 1
    assert figures["tetrad_operations_total", "refused"] == 3
    # The genesis and the operation, each closed by a root of the state or both by one.
    assert size in (3, 4)
    assert figures["tetrad_entries",] == figures["tetrad_published",] == size
    assert figures["tetrad_static_failures_total",] == 0
    assert "tetrad_quorum" not in {name for name, *_ in figures}  # there are no witnesses here
    assert figures["tetrad_answers_total", "422"] == 1
    assert figures["tetrad_queue",] == 0


def test_readiness_tells_what_is_published_and_how_old_it_is(town: Town) -> None:
    size = int(town.get("/checkpoint").text.splitlines()[1])
    town.now += 7
    assert town.get("/readyz").json() == {
        "status": "ready",
        "published": {"size": size, "seconds": 7},
    }
    town.service.publication.failures = 3
    assert town.get("/readyz").json()["staticFiles"] == {"failures": 3}
    assert figures_of(town)["tetrad_static_failures_total",] == 3


def test_a_service_that_publishes_no_more_is_not_ready(town: Town) -> None:
    town.get("/checkpoint")

    def fails(*_: object) -> None:
        raise LedgerStopped("the disk is full")

    town.site.store.publish = fails  # type: ignore[method-assign, assignment]
    organization = town.new_organization("Last").first
    assert organization is not None
    assert town.post(organization.submission).status_code == 201
    assert problem(town.get("/checkpoint"))["code"] == LedgerStopped.code
    refused = problem(town.get("/readyz"))
    assert (refused["status"], "disk is full" in refused["detail"]) == (503, True)
    assert figures_of(town)["tetrad_ready",] == 0


def test_readiness_ends_with_the_service(town: Town) -> None:
    assert town.get("/readyz").status_code == 200
    town.run(town.service.stop())
    assert town.get("/readyz").status_code == 503
    assert town.get("/healthz").status_code == 200
    refused = town.post(b"{}")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")


def test_browsers_may_read_from_anywhere_and_run_nothing(town: Town) -> None:
    preflight = town.request("OPTIONS", "/v1/resolve", headers={"origin": "https://a.example"})
    assert preflight.status_code == 204
    assert {"GET", "HEAD", "OPTIONS"} <= set(
        preflight.headers["access-control-allow-methods"].split(", ")
    )
    for path in ("/v1/devices", "/checkpoint", "/nothing"):
        headers = town.get(path).headers
        assert headers["access-control-allow-origin"] == "*"
        assert headers["content-security-policy"].startswith("default-src 'none'")
    docs = town.get("/docs")
    assert "text/html" in docs.headers["content-type"]
    assert "default-src 'none'" in docs.headers["content-security-policy"]


def test_a_mistake_of_ours_shows_nothing_of_itself(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(town.service.resolver, "did", broken)
    monkeypatch.setattr(town.service.resolver, "code", broken)
    for path in (f"/v1/devices/{town.authority.did}", "/v1/resolve?code=09506000134352"):
        response = town.get(path)
        assert (response.status_code, response.json()["code"]) == (500, "internal")
        assert "secret" not in response.text


def test_two_applications_do_not_share_their_figures() -> None:
    for _ in range(2):
        create_app(Settings(checkers=0), MemorySite.sandbox(NOW))
