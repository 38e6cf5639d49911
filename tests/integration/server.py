"""A real server process for tests: on a free port of loopback, with its data in a folder.

    with Server(folder) as server:
        server.client.get("/healthz")

`stop` sends SIGTERM and insists on a clean end, `kill` sends SIGKILL.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from tests.factory import Maker, Signed, Subject

REPOSITORY = Path(__file__).resolve().parents[2]
STARTED_WITHIN = 60.0
"""Seconds; a limit for a broken server, not a wait for a good one."""

_SERVE = """
import os, sys, time
from pathlib import Path
from resolver.app import serve
from resolver.folder import DataFolder, MemorySite
from resolver.settings import Settings
from resolver.tile_folder import TileFolder

path, ready = Path(sys.argv[1]), Path(sys.argv[2])
now = int(time.time())
if path.name == "ephemeral":
    site = MemorySite.sandbox(now)
elif DataFolder.exists(path):
    site = DataFolder.open(path)
else:
    site = DataFolder.create(path, now)
publish = TileFolder(Path(sys.argv[3])) if sys.argv[3:] else None
serve(Settings.from_environment(os.environ), site, port=0, ready_file=ready, publish=publish)
"""


class Server:
    """One process; started again on the same folder it serves the same ledger."""

    def __init__(self, folder: Path, publish: Path | None = None, **settings: int) -> None:
        self.folder = folder
        self._published = [] if publish is None else [str(publish)]
        self._settings = {f"TETRAD_{name.upper()}": str(value) for name, value in settings.items()}
        self._ready = folder.with_name(f"{folder.name}.ready")
        self.process: subprocess.Popen[bytes]
        self.client: httpx.Client
        self.address = ""

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        self._ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(self.folder), str(self._ready), *self._published],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **self._settings},
            stdout=subprocess.DEVNULL,
        )
        limit = time.monotonic() + STARTED_WITHIN
        while not self._ready.exists():
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}")
            if time.monotonic() > limit:
                raise RuntimeError("the server does not start")
            time.sleep(0.02)
        self.address = self._ready.read_text().strip()
        self.client = httpx.Client(base_url=self.address, timeout=30)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rpartition(":")[2])

    def signal(self, number: int) -> None:
        """Sends a signal to the server alone."""
        self.process.send_signal(number)

    def stop(self) -> None:
        """Ends it as an operator does; it must end cleanly."""
        self.signal(signal.SIGTERM)
        assert self.process.wait(60) == 0

    def kill(self) -> None:
        """Ends it as a power cut does."""
        self.signal(signal.SIGKILL)
        self.process.wait(60)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()
        if self.process.poll() is None:
            if kind is None:
                self.stop()
            else:
                self.kill()


class Visitor(Maker):
    """A maker of operations for the ledger of a server."""

    def __init__(self, server: Server) -> None:
        super().__init__(now=int(time.time()))
        self.server = server
        self.description: dict[str, Any] = server.client.get("/.well-known/tetrad").json()
        self.ledger_hash = self.description["ledger"]

    def post(self, *signed: Signed) -> list[dict[str, Any]]:
        """Posts operations one by one; each must be accepted, and moves its subject on."""
        answers = []
        for one in signed:
            response = self.server.client.post(
                "/v1/operations",
                content=one.submission,
                headers={"content-type": "application/json"},
            )
            assert response.status_code == 201, response.text
            one.accepted()
            answers.append(response.json())
        return answers

    def batch(self, lines: list[bytes]) -> list[dict[str, Any]]:
        """The answers to the lines of a batch."""
        response = self.server.client.post(
            "/v1/operations",
            content=b"\n".join(lines),
            headers={"content-type": "application/x-ndjson"},
        )
        assert response.status_code == 200, response.text
        return [orjson.loads(line) for line in response.content.splitlines()]

    def acme(self) -> Subject:
        """Acme with gtin:09506000."""
        acme = self.new_organization("Acme")
        assert acme.first is not None
        self.post(acme.first, self.prefix(acme, "gtin:09506000"))
        return acme

    def submissions(self, controller: Subject, count: int, start: int = 0) -> list[bytes]:
        """That many devices' registrations, not yet posted."""
        made = [
            self.new_device(f"M-{n:06}", controller, number=f"14400{n:08}")
            for n in range(start, start + count)
        ]
        return [one.first.submission for one in made if one.first]
