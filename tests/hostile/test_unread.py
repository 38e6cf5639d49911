"""Clients that ask for much and read nothing: their places go to others."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.integration.server import Server, Visitor

ASKED = b"GET /tile/entries/000 HTTP/1.1\r\nHost: x\r\n\r\n" * 40
"""Some fifteen megabytes: more than the system keeps for a connection."""


def test_whoever_asks_and_does_not_read_is_cut_off(tmp_path: Path) -> None:
    with Server(tmp_path / "ephemeral", body_seconds=1) as server, ExitStack() as held:
        visitor = Visitor(server)
        visitor.batch(visitor.submissions(visitor.acme(), 300))
        connections = []
        for _ in range(5):
            connection = held.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(20)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(ASKED)
            connections.append(connection)
        for connection in connections:
            # Not a byte is read. That the other side has gone shows when this one speaks again.
            with suppress(ConnectionError):
                while True:
                    connection.sendall(ASKED)
        assert server.client.get("/readyz").status_code == 200
