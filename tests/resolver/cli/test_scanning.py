"""`tetrad resolve -`: an answer for each line; a scanner's at once, those of a file together."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import orjson
import pytest

from resolver.client import Client
from tests.resolver.cli.conftest import REPOSITORY, TETRAD, Shell
from tests.resolver.cli.test_answers import Known
from tests.resolver.cli.test_sessions import acme, gtin


@pytest.fixture
def known(shell: Shell) -> Known:
    code = f"(01){gtin(acme(shell))}(21)X"
    words = ("--model", "M1", "--serial", code, "--ipv6", "enabled", "--code", code)
    return Known(shell, code, shell.must("register", *words, "--json").json["did"])


def test_each_line_of_a_scanner_gets_its_answer(known: Known) -> None:
    shell, item = known.shell, known.code[4:18]
    scanned = [
        known.code,
        f"]d201{item}17261231\x1d21X",
        f"]C101{item}10LOT-7\x1d21X\r",
        "",
        known.did,
        f"]d201{item}21NOBODY",
        "490154203237518",
        f"01{item}10L1021X",
        "\uff10123",
    ]
    lines = "\n".join(scanned).encode() + b"\n\xff\n" + b"x" * 20_000 + b"\n" + known.did.encode()
    outcome = shell("resolve", "-", "--json", stdin=lines)
    assert outcome.status == 1
    told = [orjson.loads(line) for line in outcome.out.splitlines()]
    assert [(one["line"], one.get("did") or one["error"]["code"]) for one in told] == [
        (1, known.did),
        (2, known.did),
        (3, known.did),
        (5, known.did),
        (6, "not_found"),
        (7, "code.unknown_scheme"),
        (8, "code.ambiguous"),
        (9, "code.look_alike"),
        (10, "input.malformed"),
        (11, "input.malformed"),
        (12, known.did),
    ]
    assert told[1]["form"] == "GS1 DataMatrix, element string"
    assert told[0]["readAs"] == told[1]["readAs"] == told[2]["readAs"]
    assert told[4]["error"]["proved"] is True
    assert "11 lines: 5 active" in outcome.err

    shown = shell.must("resolve", "-", stdin=f"]C101{item}21X\n").out
    assert "1: GS1-128, element string, a code of gs1" in shown
    assert f"read as https://id.gs1.org/01/{item}/21/X" in shown
    assert f"ACTIVE  {known.did}" in shown
    refused = shell("resolve", "-", stdin=f"01{item}10L1021X\n")
    assert refused.status == 1
    assert f"(01){item}(10)L10(21)X" in refused.out
    assert shell.must("resolve", "-", stdin="\n").out == ""


def test_lines_that_came_together_are_asked_together(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alone(*_: Any, **__: Any) -> None:
        raise AssertionError("asked for alone")

    monkeypatch.setattr(Client, "resolve", alone)
    monkeypatch.setattr("resolver.cli.scanning._TOGETHER", 20)
    lines = "".join(f"{known.code[:-1]}{serial}\n" for serial in ("X", *range(50), "X"))
    outcome = known.shell("resolve", "-", "--json", stdin=lines)
    told = [orjson.loads(line) for line in outcome.out.splitlines()]
    assert [one["line"] for one in told] == list(range(1, 53))
    assert told[0]["did"] == told[-1]["did"] == known.did
    assert all(one["error"]["proved"] for one in told[1:-1])
    assert "52 lines: 2 active" in outcome.err


def test_a_scanner_is_answered_before_its_next_line(known: Known) -> None:
    with subprocess.Popen(
        [*TETRAD, "resolve", "-", "--json"],
        cwd=REPOSITORY,
        env={**os.environ, **known.shell.environment, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in (known.code, known.did):
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            assert orjson.loads(process.stdout.readline())["did"] == known.did
        process.stdin.close()
    assert process.returncode == 0
