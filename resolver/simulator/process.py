"""A service in a process of its own, as a person starts one: `tetrad serve` over a data folder.

    with ServiceProcess(folder / "city") as service:
        run_simulation(service.url, devices=200)
        service.restart()                 # the same folder at the same address

Only this process is ever ended, by its own number.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from identity.errors import ServerUnreachable

_COMMAND = (sys.executable, "-c", "from resolver.cli import main; main()", "serve")
_STARTS_WITHIN = 60.0
_STOPS_WITHIN = 60.0
"""Seconds; the service gives requests in flight half of that."""


class ServiceProcess:
    """One service over `data`; in an empty folder it begins a sandbox. One that has no ledger
    (`--role recursive`) uses nothing but the name."""

    def __init__(self, data: Path, *options: str, ledger: bool = True) -> None:
        self._data = data
        self._ledger = ledger
        self._options = options
        self._ready = data.with_name(f".{data.name}.ready")
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        self._ready.unlink(missing_ok=True)

    @property
    def pid(self) -> int:
        """The number of the process. RuntimeError before it is started."""
        return self._running().pid

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the service was not started")
        return self._process

    def start(self) -> None:
        """Starts it and waits until it answers. Raises ServerUnreachable where it does not."""
        self._ready.unlink(missing_ok=True)
        data, ready = str(self._data), str(self._ready)
        arguments = ("--port", str(self._port), "--ready-file", ready, *self._options)
        kept = ("--data", data) if self._ledger else ()
        self._process = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
            [*_COMMAND, *kept, *arguments],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + _STARTS_WITHIN
        while not self._ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerUnreachable("the service did not start", hint="its words stand above")
            time.sleep(0.01)
        self.url = self._ready.read_text().strip()
        self._port = int(self.url.rpartition(":")[2])

    def signal(self, number: int) -> None:
        """Sends it a signal, and does not wait."""
        self._running().send_signal(number)

    def wait(self) -> int:
        """Its exit code. Raises ServerUnreachable where it does not end in time."""
        try:
            return self._running().wait(_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerUnreachable("the service did not stop in time") from None

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """Ends it at once (SIGKILL): what a power cut is to a process."""
        process = self._running()
        process.kill()
        process.wait(_STOPS_WITHIN)

    def restart(self, *options: str) -> None:
        """Stops it and starts it again over the same folder, at the same address, with these
        further options of `tetrad serve`."""
        self.stop()
        self._options = options
        self.start()
