"""`tetrad tail`: what is committed, proved, as it comes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.resolver.cli.conftest import REPOSITORY, TETRAD, Shell, start, stop


def following(shell: Shell, *words: str) -> subprocess.Popen[str]:
    """`tetrad tail --follow --json …` in a process of its own."""
    return subprocess.Popen(
        [*TETRAD, "tail", "--follow", "--json", *words],
        cwd=REPOSITORY,
        env={**os.environ, **shell.environment, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def next_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()
    found: dict[str, Any] = orjson.loads(line)
    return found


def test_what_is_there_is_shown(shell: Shell) -> None:
    did = shell.must("org", "create", "Acme", "--json").json["did"]
    shown = shell.must("tail", "--after", "-1")
    assert shown.out.splitlines()[0].split()[0] == "0"
    assert "state.root" not in shown.out
    lines = shell.must("tail", "--json", "--after", "-1", "--subject", did, "--entries").out
    (told,) = (orjson.loads(line) for line in lines.splitlines())
    assert told["type"] == "organization.register"
    assert told["entry"]["operation"]["body"]["name"] == "Acme"
    for words, said in (
        (("--type", "nothing"), "not a type"),
        (("--subject", "Acme"), "input.malformed"),
        (("--after", "99999"), "--follow waits"),
    ):
        refused = shell("tail", *words)
        assert (refused.status, said in refused.err) == (1, True)


@pytest.mark.slow
def test_what_comes_is_shown_once_though_the_service_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TETRAD_PASSPHRASE", "TETRAD_PASSPHRASE_FILE", "TETRAD_URL", "TETRAD_WALLET"):
        monkeypatch.delenv(name, raising=False)
    data = str(tmp_path / "city")
    process, url = start("--data", data, ready=tmp_path / "ready")
    port = url.rpartition(":")[2]
    person = Shell(tmp_path / "person", url)
    person.must("trust", url, "--yes")
    tail = following(person, "--after", "0", "--type", "organization.register")
    try:
        first = person.must("org", "create", "One", "--json").json["did"]
        assert next_line(tail)["subject"] == first
        assert stop(process)[2] == 0  # with a follower connected
        (tmp_path / "ready").unlink()
        process, again = start("--data", data, ready=tmp_path / "ready", port=port)
        assert again == url
        second = person.must("org", "create", "Two", "--json").json["did"]
        assert next_line(tail)["subject"] == second
    finally:
        tail.terminate()
        tail.communicate()
        stop(process)
