"""A real service in a process of its own, and the command line in this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from click.testing import CliRunner

from resolver.cli import tetrad

REPOSITORY = Path(__file__).resolve().parents[3]
TETRAD = [sys.executable, "-c", "from resolver.cli import main; main()"]


class Outcome(NamedTuple):
    """What a person saw."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What a program saw."""
        return orjson.loads(self.out)


class Shell:
    """One person's shell, with a home of their own."""

    def __init__(self, home: Path, url: str = "") -> None:
        self.home = home
        self.url = url
        self.environment = {"TETRAD_HOME": str(home / ".tetrad")}

    def __call__(self, *words: str, stdin: str | bytes | None = None) -> Outcome:
        """Runs `tetrad …`."""
        result = CliRunner().invoke(tetrad, words, input=stdin, env=self.environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    def must(self, *words: str, stdin: str | bytes | None = None) -> Outcome:
        """As above, for what has to succeed."""
        outcome = self(*words, stdin=stdin)
        assert outcome.status == 0, outcome
        return outcome


def start(
    *words: str,
    ready: Path,
    command: Sequence[str] = ("serve",),
    port: str = "0",
    **environment: str,
) -> tuple[subprocess.Popen[str], str]:
    """`tetrad serve …` in a process of its own, once it answers, and its address."""
    process = subprocess.Popen(
        [*TETRAD, *command, *words, "--port", port, "--ready-file", str(ready)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TETRAD_CHECKERS": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 30
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise AssertionError(process.communicate())
        time.sleep(0.02)
    return process, ready.read_text().strip()


def stop(process: subprocess.Popen[str]) -> tuple[str, str, int]:
    """What it said, and its exit status after SIGTERM."""
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    return out, err, process.returncode


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a sandbox for the tests of one module."""
    ready = tmp_path_factory.mktemp("service") / "ready"
    process, url = start("--ephemeral", ready=ready)
    yield url
    stop(process)


@pytest.fixture
def shell(service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A person who trusts that sandbox."""
    for name in ("TETRAD_PASSPHRASE", "TETRAD_PASSPHRASE_FILE", "TETRAD_URL", "TETRAD_WALLET"):
        monkeypatch.delenv(name, raising=False)
    person = Shell(tmp_path, service)
    person.must("trust", service, "--yes")
    return person
