"""Faults in `tetrad serve`'s own process, over HTTP: what it answered with 201 stays, once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from registry.note import encode64
from registry.tile import ENTRIES, WIDTH, tile_path, tiles_of
from tests.faults.examination import Examination
from tests.faults.runs import injecting
from tests.faults.story import Journal, Places, deck, read_journal
from tests.faults.tracing import Strace
from tests.integration.server import Server

JSON = {"content-type": "application/json"}
FAULTS = [
    "fdatasync:signal=KILL:when=2",
    "fdatasync:error=EIO:when=3",
    "pwrite64:signal=KILL:when=30",
    "pwrite64:error=ENOSPC:when=50",
    "fsync:signal=KILL:when=2",
    "fsync:error=EIO:when=1",
    "rename:signal=KILL:when=1",
    "rename:error=EIO:when=2",
]


class Client:
    """Sends a deck and asks for what is published; what it was given goes into the journal."""

    def __init__(self, server: Server, places: Places, now: int) -> None:
        self._client = server.client
        self._journal = Journal(places.journal)
        genesis = self._get("/v1/ledger/entries/0").json()["operation"]
        self._journal.say("ledger", genesis=genesis)
        self._deck = deck(genesis, now)
        self.refused = 0
        self.gone = False

    def _get(self, path: str) -> httpx.Response:
        return self._client.get(path)

    def send(self) -> None:
        """The deck, one by one, as long as there is a server."""
        try:
            for signed in (one for step in self._deck for one in step):
                answer = self._client.post(
                    "/v1/operations", content=signed.submission, headers=JSON
                )
                self._read(answer, signed.operation)
                self._ask()
        except httpx.TransportError:
            self.gone = True

    def _read(self, answer: httpx.Response, operation: dict[str, Any]) -> None:
        if answer.status_code == 503:
            self.refused += 1
            return
        assert answer.status_code in (200, 201), answer.text
        given = answer.json()
        self._journal.say(
            "receipt",
            operation=operation,
            index=given["index"],
            repeated=answer.status_code == 200,
            receipt=given["receipt"],
        )

    def _ask(self) -> None:
        """The checkpoint, and the tiles of its tree."""
        answer = self._get("/checkpoint")
        if answer.status_code == 503:
            self.refused += 1
            return
        size = int(answer.text.split("\n")[1])
        tiles = [tile_path(*tile) for tile in tiles_of(size)]
        assert size < WIDTH
        tiles.append(tile_path(ENTRIES, 0, size))
        served = {path: encode64(self._get(f"/{path}").content) for path in tiles}
        self._journal.say("checkpoint", note=answer.text, tiles=served)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_answered_over_http_survives_a_fault(tmp_path: Path, fault: str) -> None:
    places, now = Places(tmp_path), int(time.time())
    server = Server(places.data, checkers=0)
    with server:
        client = Client(server, places, now)
        strace = Strace(server.process.pid, places.trace, injecting([fault]), follow=True)
        client.send()
        assert client.gone == ("KILL" in fault)
        assert client.refused or client.gone, "the fault came after the end"
        server.kill()
        strace.wait()
    before = receipts(places)
    with server:
        again = Client(server, places, now)
        again.send()
        assert not again.refused
        assert not again.gone
    after = receipts(places)[len(before) :]
    assert {one["index"] for one in after} >= {one["index"] for one in before}
    assert len({orjson.dumps(one["operation"]) for one in after}) == len(after)
    assert Examination(places, now=now).examine() == []


def receipts(places: Places) -> list[dict[str, Any]]:
    """Those that were handed out so far."""
    return [line for line in read_journal(places.journal) if line["kind"] == "receipt"]
