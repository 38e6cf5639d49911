"""Servers that do harm by the way in which they answer: to memory, to patience, to a terminal."""

from __future__ import annotations

import gzip
import threading
import unicodedata
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidAnswer
from resolver.cli import tetrad
from resolver.cli.terminal import visible, visible_json
from resolver.client import Client
from tests.resolver.client.conftest import Answer, Registry

DANGEROUS = "\x1b]0;owned\x07\x1b[2J\r\x9b31m\u202e\u2028\n  ✓ all is well"


@pytest.fixture
def registry() -> Iterator[Registry]:
    service = Registry()
    yield service
    service.stop()


@pytest.mark.parametrize("layers", [1, 2])
def test_nothing_is_decompressed(layers: int) -> None:
    packed, coding = b" " * 2**20, ", ".join(["gzip"] * layers)
    for _ in range(layers):
        packed = gzip.compress(packed)
    asked: list[str] = []

    def bomb(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["accept-encoding"])
        stream = httpx.ByteStream(packed)
        return httpx.Response(200, headers={"content-encoding": coding}, stream=stream)

    with (
        Client("http://registry", transport=httpx.MockTransport(bomb)) as client,
        pytest.raises(InvalidAnswer, match="compresses"),
    ):
        client.describe()
    assert asked == ["identity"]


def test_a_server_that_drips_holds_nobody_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(0, 10_000, 50))
    monkeypatch.setattr("resolver.client.time.monotonic", lambda: float(next(seconds)))

    class Drips(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                yield b" "

    dripping = httpx.MockTransport(lambda _: httpx.Response(200, stream=Drips()))
    with (
        Client("http://registry", transport=dripping) as client,
        pytest.raises(InvalidAnswer, match="has not ended"),
    ):
        client.describe()


def test_an_answer_about_another_time_is_refused(registry: Registry) -> None:
    client = registry.client()
    acme: Any = client.create_organization("Acme")
    client.issue_grant(acme.did, "prefix", {"scheme": "gtin", "prefix": "09506000"})
    code = "(01)09506000134352(21)M-0017"
    made: Any = client.register_device(
        {
            "object": {
                "maker": acme.did,
                "model": "M1",
                "serial": "SN1",
                "sector": {"domain": "production", "field": "industry"},
                "ipv6": "enabled",
            },
            "code": code,
            "number": "none",
            "data": "none",
            "controller": acme.did,
        }
    )
    before = "2026-01-01T00:00:00Z"
    lies: list[dict[str, Any]] = [{}, {"asOf": before}, {"asOf": made.time}]
    for lie in lies:

        def present(
            request: httpx.Request, answer: Answer, lie: dict[str, Any] = lie
        ) -> httpx.Response:
            query = {name: text for name, text in request.url.params.items() if name != "at"}
            plain = httpx.Request("GET", request.url.copy_with(params=query))
            return httpx.Response(200, json={**answer(plain).json(), **lie})

        registry.lie = present
        with pytest.raises(InvalidAnswer):
            client.resolve(code, at=before)
    registry.lie = None
    assert client.resolve(code, at=made.time).did == made.did


class _Refusing(BaseHTTPRequestHandler):
    problem = orjson.dumps(
        {"status": 404, "code": "not_found"}
        | dict.fromkeys(("title", "detail", "hint", "pointer"), DANGEROUS)
    )

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("content-type", "application/problem+json")
        self.send_header("content-length", str(len(self.problem)))
        self.end_headers()
        self.wfile.write(self.problem)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_terminal_is_not_commanded_by_a_server(form: list[str], tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), _Refusing) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        words = ["trust", address, "--home", str(tmp_path / "home"), *form]
        result = CliRunner().invoke(tetrad, words, color=True)
        thread.join(10)
    assert result.exit_code == 1
    assert "owned" in result.output
    assert not set(result.output) & set("\x1b\x07\r\x9b\u202e\u2028")
    if form:
        assert orjson.loads(result.stdout)["detail"] == DANGEROUS
    else:
        assert not any(line.strip() == "✓ all is well" for line in result.output.splitlines())


_PREFIXED = (
    *range(0x600, 0x606),
    0x6DD,
    0x70F,
    0x890,
    0x891,
    0x8E2,
)  # signs of Arabic that are seen


def test_what_nobody_sees_is_shown() -> None:
    """A name that has a mark between its letters is not read as another's."""
    marks = [
        chr(n)
        for n in range(0x10000)
        if unicodedata.category(chr(n)) in ("Cc", "Cf", "Zl", "Zp") and n not in _PREFIXED
    ]
    marks += ["\U000e0001", "\U000e0041", "\u3164", "\u115f", "\uffa0", "\ufe0f"]
    for mark in marks:
        assert visible(f"Ac{mark}me").isascii()
        shown = visible_json(orjson.dumps(f"Ac{mark}me"))
        assert shown.isascii()
        assert orjson.loads(shown) == f"Ac{mark}me"


@given(st.text())
def test_what_is_shown_is_one_line_and_what_is_json_stays_the_same(text: str) -> None:
    assert not set(visible(text)) & set("\n\x00\x07\x1b\r\x7f\x9b\u202e\u2066")
    shown = visible_json(orjson.dumps({"text": text}))
    assert orjson.loads(shown) == {"text": text}
    assert not {0x9B, 0x202E, 0x2066, 0x7F} & set(map(ord, shown.decode()))
