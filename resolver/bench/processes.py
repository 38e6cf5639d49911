"""Servers in processes of their own, their CPU time and their memory (Linux, /proc)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from identity.errors import ServerUnreachable
from resolver.simulator.process import ServiceProcess

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

_BARE = """
import socket, sys
from pathlib import Path
import uvicorn
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
config = uvicorn.Config(app, loop="uvloop", http="httptools", lifespan="off", access_log=False,
                        log_level="warning", server_header=False)
listener.listen(128)
Path(sys.argv[1]).write_text(f"http://127.0.0.1:{listener.getsockname()[1]}\\n")
uvicorn.Server(config).run([listener])
"""


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    address: str
    pid: int
    ready_after: float
    """Seconds from its start to its being ready."""

    def tree(self) -> list[int]:
        """Its own process and all that it started."""
        found = [self.pid]
        for pid in found:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            found += [int(child) for child in children.read_text().split()]
        return found

    def cpu(self) -> float:
        """CPU seconds that the tree has used so far."""
        total = 0
        for pid in self.tree():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / _TICKS

    def resident(self) -> list[float]:
        """Resident memory of each process of the tree, in MB."""
        return [
            int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1e6
            for pid in self.tree()
        ]


@contextmanager
def service(folder: Path, *options: str) -> Iterator[Running]:
    """The service over `folder`/data, as a person starts it."""
    began = time.perf_counter()
    with ServiceProcess(folder / "data", *options) as process:
        yield Running(process.url, process.pid, time.perf_counter() - began)


@contextmanager
def recursive(folder: Path, root: str, ledger: str) -> Iterator[Running]:
    """A recursive resolver below the node at `root`, of which the genesis hash is known."""
    began = time.perf_counter()
    options = ("--role", "recursive", "--root", root, "--ledger", ledger)
    allowed = ("--allow-host", "127.0.0.1")
    with ServiceProcess(folder / "resolver", *options, *allowed, ledger=False) as process:
        yield Running(process.url, process.pid, time.perf_counter() - began)


@contextmanager
def bare(folder: Path) -> Iterator[Running]:
    """A bare ASGI application under the same server."""
    ready = folder / "bare.ready"
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", _BARE, str(ready)])  # noqa: S603
    try:
        while not (ready.exists() and ready.read_text().endswith("\n")):
            if process.poll() is not None or time.perf_counter() - began > 60:
                raise ServerUnreachable("the server did not start")
            time.sleep(0.005)
        yield Running(ready.read_text().strip(), process.pid, time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
