"""`tetrad serve --witnesses` with `tetrad witness serve` in a process of its own, and its death."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.resolver.cli.conftest import Shell, start, stop

PATIENCE = 30.0
"""Seconds; a limit for what is broken, not a wait for what works."""
NAME = "w.example/1"
PREFIX = "gtin:09506000"
CODE = "(01)09506000134352(21)M-{}"


class Scene(NamedTuple):
    """A witnessed service, who trusts it under its policy, and the witness."""

    url: str
    person: Shell
    policy: Path
    witness: subprocess.Popen[str]


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.05)


def readiness(url: str) -> Any:
    answer = httpx.get(f"{url}/readyz")
    assert answer.status_code == 200
    return answer.json()


def register(person: Shell, number: int) -> str:
    code = CODE.format(number)
    words = ("--model", "M1", "--serial", f"S{number}", "--ipv6", "enabled", "--code", code)
    person.must("register", *words)
    return code


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    person, folder = Shell(tmp_path), tmp_path / "w"
    made = person.must("witness", "init", "--data", str(folder), "--name", NAME, "--json").json
    witness, address = start(
        "--data", str(folder), ready=tmp_path / "w.ready", command=("witness", "serve")
    )
    policy = tmp_path / "policy"
    policy.write_text(
        "".join(
            f"{line} {address}\n" if line.startswith("witness") else f"{line}\n"
            for line in made["policy"]
        )
    )
    service, url = start(
        *("--data", str(tmp_path / "city"), "--witnesses", str(policy)),
        ready=tmp_path / "ready",
        TETRAD_WITNESS_SECONDS="1",
    )
    try:
        assert readiness(url)["quorum"] is False  # the witness does not know this log yet
        person.must("witness", "add-log", "--data", str(folder), url, "--yes")
        until(lambda: bool(readiness(url)["quorum"]))
        yield Scene(url, person, policy, witness)
    finally:
        if witness.poll() is None:
            stop(witness)
        else:
            witness.communicate()
        out, err, status = stop(service)
    assert status == 0, (out, err)


def test_what_is_witnessed_is_believed_and_dated(scene: Scene, tmp_path: Path) -> None:
    person, policy = scene.person, ("--policy", str(scene.policy))
    pinned = person.must("trust", scene.url, "--yes", *policy, "--json").json
    assert pinned["quorum"] == f"{NAME}/any"
    person.must("org", "create", "Acme", "--prefix", PREFIX)
    code, bundle = register(person, 1), tmp_path / "bundle"
    shown = person.must("resolve", code, "--max-age", "60", "--bundle", str(bundle)).out
    assert re.search(r"^  ✓ checkpoint by the pinned log, \d+ s old$", shown, re.MULTILINE)
    assert "witnesses: none" not in shown
    told = person.must("resolve", code, "--json").json["verified"]["checkpoint"]
    assert told["datedBy"] == "witnesses"
    absent = person("resolve", CODE.format("NOBODY"))
    assert absent.status == 1
    assert re.search(r"✓ there is none: proved by the state of entry \d+, \d+ s old$", absent.err)
    verified = person.must("verify", str(bundle)).out
    assert re.search(rf"✓ cosigned by {NAME}", verified)
    assert re.search(r"– \d+ s old$", verified, re.MULTILINE)
    # A stranger with the policy, and nothing pinned.
    stranger, ledger = Shell(tmp_path / "stranger"), ("--ledger", pinned["ledger"])
    stranger.must("verify", str(bundle), *ledger, *policy, "--max-age", "600")
    copy = tmp_path / "copy"
    stranger.must("mirror", scene.url, str(copy), *ledger, *policy)
    against = ("--against", f"{scene.url}/checkpoint")
    looked = stranger.must("monitor", scene.url, *ledger, *policy, *against, "--json").json
    assert looked["event"] == "consistent"
    assert NAME in (copy / "checkpoint").read_text()


def test_a_dead_witness_stops_no_registration_and_is_noticed(scene: Scene, tmp_path: Path) -> None:
    person, policy = scene.person, ("--policy", str(scene.policy))
    ledger = person.must("trust", scene.url, "--yes", *policy, "--json").json["ledger"]
    person.must("org", "create", "Acme", "--prefix", PREFIX)
    scene.witness.kill()
    scene.witness.wait(PATIENCE)
    code = register(person, 1)
    until(lambda: readiness(scene.url)["quorum"] is False)
    (first, *_) = readiness(scene.url)["witnesses"]
    until(lambda: bool(readiness(scene.url)["witnesses"][0]["failures"]))
    assert first["name"].startswith(NAME)
    assert "tetrad_quorum 0.0" in httpx.get(f"{scene.url}/metrics").text
    register(person, 2)
    for asked in (code, CODE.format("NOBODY")):
        refused = person("resolve", asked)
        assert refused.status == 1
        assert "[evidence.witnesses]" in refused.err
    for words in (
        ("mirror", scene.url, str(tmp_path / "copy")),
        ("monitor", scene.url, "--state", str(tmp_path / "state")),
    ):
        refused = person(*words, "--ledger", ledger, *policy)
        assert refused.status == 1
        assert "[evidence.witnesses]" in refused.err
    assert not (tmp_path / "copy" / "checkpoint").exists()
    # Who asks for no witness still has the log's word.
    other = Shell(tmp_path / "other")
    other.must("trust", scene.url, "--yes")
    assert "– witnesses: none asked for" in other.must("resolve", code).out
