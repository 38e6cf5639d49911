"""Whatever is sent to whatever address: an answer of ours, and never a mistake of ours.

The addresses come from the application itself, so a new one is tried without being named here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Route

from identity.errors import catalogue
from resolver.settings import Settings
from tests.resolver.town import Town, problem

CODES = {error.code for error in catalogue()}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW")
PAGE = {"accept": "application/json, */*"}
"""The feed is asked for a page: as a stream it does not end (test_events.py)."""
HOSTILE_SEGMENTS = (
    "x",
    "0",
    "-1",
    "1e3",
    "9" * 30,
    "did:tetrad:x",
    "did:tetrad:aaaaaaaaaaaaaaaa:zQm" + "1" * 44,
    "did:key:z6Mk",
    quote("../../etc/passwd", safe=""),
    "%00",
    "%ff%fe",
    "%F0%9F%92%A9",
    "a" * 3000,
    "{did}",
    "<script>alert(1)</script>",
)
HOSTILE_QUERIES = (
    "x=1",
    "code=",
    "code=%00",
    "code=" + "9" * 2000,
    "code=09506000134352&scheme=nonsense",
    "code=x&code=y",
    "index=-1&size=0",
    "index=99999999999999999999&size=1",
    "index=1&size=0",
    "from=2&to=1",
    "from=0&to=0",
    "cursor=x&limit=0",
    "limit=100000",
    "controller=did:tetrad:x",
    "at=yesterday&code=09506000134352",
    "at=9999-99-99T99:99:99Z",
    "proof=yes",
    "versionTime=never",
    "versionId=-1",
    "%ff=%ff",
    "&".join(f"a{n}=1" for n in range(100)),
    "status=nonsense",
    "before=x",
)
HOSTILE_BODIES = (
    b"",
    b"\x00",
    b"null",
    b"[]",
    b"{}",
    b'{"code": 1}',
    b'{"code": "x", "disclosure": "y"}',
    b'{"disclosure": "WyJ", "scheme": "iccid"}',
    b'{"code": "09506000134352", "at": 5}',
    b'{"type": "device.register", "body": {"object": 5}}',
    b'{"type": {}, "body": []}',
    b'{"type": "grant.issue", "body": {}, "subject": "did:x", "signers": [{"key": 1}]}',
    b'{"operation": {"type": "device.register", "proof": [{}]}}',
    b"[" * 50_000,
    b'{"a":' * 500 + b"1" + b"}" * 500,
    b"\xef\xbb\xbf{}",
    b'"\xed\xa0\x80"',
)


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A town with a device, without a limit on lookups that would hide what lies behind it."""
    with Town(Settings(checkers=0, lookups=1_000_000)) as town:
        town.device("M-1", town.acme())
        yield town


def routes(town: Town) -> list[Route]:
    return [one for one in town.app.router.routes if isinstance(one, Route)]


def check(response: httpx.Response) -> None:
    """An answer that is fine, or a refusal in the form that is promised."""
    assert response.status_code != 500, response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    if response.status_code < 400 and response.status_code != 300:
        return
    if response.request.method == "HEAD":
        return
    kind = response.headers["content-type"]
    if kind == "application/did-resolution":
        assert response.json()["didDocument"] is None
        error = response.json()["didResolutionMetadata"]["error"]
        assert error["type"].startswith("https://www.w3.org/ns/did#")
        assert error["status"] == response.status_code
        return
    if response.request.url.path.startswith("/api/handles/") and kind == "application/json":
        assert response.json()["responseCode"] > 1
        assert response.json()["message"]
        return
    assert problem(response)["code"] in CODES


def addresses(route: Route, segment: str) -> str:
    path = route.path
    for name in ("did", "index", "size", "hash"):
        path = path.replace(f"{{{name}}}", segment)
    return re.sub(r"\{\w+:path\}", lambda _: segment, path)


def test_every_method_at_every_address(town: Town) -> None:
    for route in routes(town):
        for method in METHODS:
            check(town.request(method, addresses(route, "0"), headers=PAGE))


def test_a_method_that_an_address_does_not_have(town: Town) -> None:
    response = town.request("DELETE", "/checkpoint")
    assert problem(response)["code"] == "input.method"
    assert "GET" in response.headers["allow"]


def test_hostile_paths(town: Town) -> None:
    for route in routes(town):
        for segment in HOSTILE_SEGMENTS:
            check(town.get(addresses(route, segment), headers=PAGE))
    for path in ("/nothing", "//", "/v1", "/v1/resolve/", "/tile/", "/docs/../v1", "/%2e%2e"):
        check(town.get(path))


def test_hostile_queries(town: Town) -> None:
    for route in routes(town):
        for query in HOSTILE_QUERIES:
            check(town.get(f"{addresses(route, '0')}?{query}", headers=PAGE))


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson", "text/html"])
def test_hostile_bodies(town: Town, kind: str) -> None:
    for route in routes(town):
        for body in HOSTILE_BODIES:
            headers = {"content-type": kind}
            check(town.request("POST", addresses(route, "0"), content=body, headers=headers))


def test_hostile_headers(town: Town) -> None:
    for headers in (
        {"accept": ";;;q=,,x/y;q=a"},
        {"accept": ",".join(["a/b"] * 1000)},
        {"if-none-match": '*, "x", W/"y"'},
        {"content-length": "0", "content-encoding": "br"},
        {"range": "bytes=0-99999999999"},
        {"host": "evil.example"},
        {"origin": "https://evil.example", "cookie": "a=b"},
    ):
        for route in routes(town):
            check(town.get(addresses(route, "0"), headers={**PAGE, **headers}))


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_code_and_any_scheme(town: Town, code: str, scheme: str) -> None:
    check(town.get("/v1/resolve", params={"code": code, "scheme": scheme}))
    check(town.get("/v1/resolve", params={"code": code}))


@given(st.binary(max_size=80))
def test_any_query(town: Town, query: bytes) -> None:
    text = quote(query, safe="&=;+%/?:@!$'()*,[]")
    for path in ("/v1/resolve", "/v1/devices", "/v1/ledger/proofs/inclusion"):
        check(town.get(f"{path}?{text}"))
    check(town.get(f"/1.0/identifiers/{text}"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "type",
                        "body",
                        "signers",
                        "subject",
                        "code",
                        "disclosure",
                        "scheme",
                        "operation",
                    ]
                )
                | st.text(max_size=8),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json(town: Town, value: object) -> None:
    for path in ("/v1/operations", "/v1/operations/prepare", "/v1/resolve"):
        check(town.request("POST", path, json=value) if _finite(value) else town.get(path))


def _finite(value: object) -> bool:
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    if isinstance(value, dict):
        return all(_finite(one) for one in value.values())
    return all(_finite(one) for one in value) if isinstance(value, list) else True
