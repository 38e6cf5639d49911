"""Bytes that are not quite HTTP, floods, and slow clients: others go on being served."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import orjson
import pytest

from tests.integration.server import Server, Visitor

HERE = bytes(Path(__file__).resolve().parents[2])
"""Where the code lies: no answer tells it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with short patience and few connections."""
    folder = tmp_path_factory.mktemp("hostile") / "ephemeral"
    with Server(
        folder, header_seconds=1, body_seconds=1, connections=40, batches=2, batch_bytes=65_536
    ) as server:
        yield server
        assert server.client.get("/readyz").status_code == 200


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def exchange(server: Server, sent: bytes) -> bytes:
    """All that is answered until the server closes the connection."""
    with closing(connect(server)) as connection:
        with suppress(ConnectionError):
            connection.sendall(sent)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def check_refused(answer: bytes, *statuses: int) -> str:
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status in statuses, answer[:300]
    assert b"application/problem+json" in head
    problem = orjson.loads(body)
    assert problem["status"] == status
    assert b"Traceback" not in answer
    assert HERE not in answer
    code: str = problem["code"]
    return code


CLOSE = b"Host: x\r\nConnection: close\r\n\r\n"
POST = b"POST /v1/operations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n" + CLOSE,
        b"GET / HTTP/9.9\r\n" + CLOSE,
        b"GET /healthz HTTP/1.1\r\nBad Header: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        POST + b"Content-Length: 99999999999999999999999999\r\n\r\n",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n",
    ],
)
def test_what_is_not_http_is_a_bad_request(server: Server, sent: bytes) -> None:
    check_refused(exchange(server, sent), 400)


def test_a_head_has_its_limits(server: Server) -> None:
    for sent in (
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + CLOSE,
        b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + CLOSE,
        b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n" + CLOSE,
    ):
        assert check_refused(exchange(server, sent), 413) == "input.too_large"


def test_addresses_that_climb_or_lie_are_not_found(server: Server) -> None:
    for path in (b"/../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"//healthz", b"/%00"):
        check_refused(exchange(server, b"GET " + path + b" HTTP/1.1\r\n" + CLOSE), 404)


def test_a_head_that_does_not_end_is_cut_off(server: Server) -> None:
    for beginning in (b"", b"GET /healthz HTTP/1.1\r\nX: ", b"\r\n\r\n"):
        assert check_refused(exchange(server, beginning), 408) == "input.slow"


def test_a_body_that_does_not_end_is_cut_off(server: Server) -> None:
    for rest in (
        b"Content-Length: 100\r\nConnection: close\r\n\r\n{",
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\n{\r\n",
    ):
        assert check_refused(exchange(server, POST + rest), 408) == "input.slow"


def test_a_body_that_lies_about_its_length_is_not_collected(server: Server) -> None:
    promised = POST + b"Content-Length: 99999999\r\nConnection: close\r\n\r\n"
    assert check_refused(exchange(server, promised), 413) == "input.too_large"
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    flood = POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunk * 4
    assert check_refused(exchange(server, flood), 413) == "input.too_large"


def test_others_are_served_while_bodies_drip(server: Server) -> None:
    visitor = Visitor(server)
    slow = [connect(server) for _ in range(20)]
    for connection in slow:
        connection.sendall(POST + b"Content-Length: 100\r\nConnection: close\r\n\r\n{")
    first = visitor.new_organization("Served").first
    assert first is not None
    visitor.post(first)
    assert server.client.get("/readyz").status_code == 200
    for connection in slow:
        with closing(connection):
            check_refused(read_all(connection), 408)


def test_batches_in_flight_have_places_and_no_more(server: Server) -> None:
    head = POST.replace(b"json", b"x-ndjson") + b"Content-Length: 100\r\nConnection: close\r\n\r\n{"
    slow = [connect(server) for _ in range(3)]
    for connection in slow:
        connection.sendall(head)
    codes = []
    for connection in slow:
        with closing(connection):
            codes.append(check_refused(read_all(connection), 408, 503))
    assert sorted(codes) == ["input.slow", "input.slow", "unavailable.busy"]


def test_one_connection_too_many_is_told_so(server: Server) -> None:
    held = [connect(server) for _ in range(45)]
    answers = []
    for connection in held:
        with closing(connection):
            answers.append(check_refused(read_all(connection), 408, 503))
    assert "unavailable.busy" in answers
    assert "input.slow" in answers
    assert server.client.get("/healthz").status_code == 200


def test_requests_that_are_pipelined_are_answered_in_order(server: Server) -> None:
    sent = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 5 + b"GET /nothing HTTP/1.1\r\n" + CLOSE
    answer = exchange(server, sent)
    assert answer.count(b"HTTP/1.1 200 OK") == 5
    assert answer.count(b"HTTP/1.1 404 Not Found") == 1


def test_a_client_that_goes_away_disturbs_nobody(server: Server) -> None:
    for _ in range(20):
        with closing(connect(server)) as connection:
            connection.sendall(POST + b"Content-Length: 2\r\n\r\n{")
    assert server.client.get("/healthz").status_code == 200
