"""`make demo`: every step is shown, the exit code tells the truth, and nothing is left behind."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from identity.errors import ForgedProof
from registry.stores.sqlite import SqliteStore
from resolver.demo import NEXT, run_demo
from resolver.simulator.hostile import play
from resolver.simulator.process import ServiceProcess
from resolver.simulator.run import Simulation

STEPS = [
    *("started", "pinned", "admitted", "granted", "registered", "resolved", "absent"),
    *("disclosed", "changed", "ended", "forged", "attacks", "restarted", "cosigned", "met"),
    *("impostors", "lied", "audited"),
]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The service processes that a test has started."""
    started: list[subprocess.Popen[bytes]] = []
    start = ServiceProcess.start

    def watched(service: ServiceProcess) -> None:
        start(service)
        started.append(service._running())

    monkeypatch.setattr(ServiceProcess, "start", watched)
    return started


@pytest.mark.slow
def test_the_demonstration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    assert run_demo(40, keep=tmp_path / "city") == 0
    shown = capsys.readouterr().out
    for words in (
        "✓ organization admitted",
        "✓ 40 devices registered over HTTP",
        "codes resolved and proved",
        "✗ forged registration refused: proof.invalid (as it should be)",
        "✓ a code that nobody registered: its absence proved in ",
        "✓ cosigned by 1 witness: checkpoint ",
        "✓ service stopped: two devices authenticated each other, ",
        "clone with another key (proof.invalid), replayed meeting (proof.malformed) …",
        "✗ a lying registry showed two histories: caught by the client (evidence.fork), the",
        "✓ service restarted: 40 receipts served again",
        "✓ ledger audited: every entry re-hashed and replayed",
    ):
        assert words in shown
    assert shown.splitlines()[-1] == f"  Next: {NEXT}"
    assert max(map(len, shown.splitlines())) <= 110
    assert [process.poll() for process in processes] == [0, 0]
    store = SqliteStore(tmp_path / "city" / "ledger.sqlite3")
    # Those of the attacks (three of them sold, recovered or neither), and those that meet.
    assert store.count("device") == 40 + 4 + 3 + 1 + 5
    store.close()


def test_it_speaks_to_programs_and_works_with_one_device(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_demo(1, 1, as_json=True) == 0
    value: dict[str, Any] = orjson.loads(capsys.readouterr().out)
    assert value["ok"]
    assert [step["step"] for step in value["steps"]] == STEPS
    steps = {step["step"]: step for step in value["steps"]}
    assert steps["forged"]["code"] == "proof.invalid"
    assert 1_000 < steps["absent"]["bytes"] < 20_000
    assert steps["met"]["one"] != steps["met"]["other"]
    assert "believed" not in steps["impostors"]["attacks"].values()
    assert steps["lied"]["caught"]["monitor"] == "evidence.fork"
    assert steps["audited"]["operations"]["status.revoke"] == 2


@pytest.mark.parametrize("as_json", [False, True])
def test_a_step_that_fails_ends_it(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    processes: list[subprocess.Popen[bytes]],
    as_json: bool,
) -> None:
    async def refused(_: Simulation) -> None:
        raise ForgedProof("somebody has changed the answer")

    monkeypatch.setattr(Simulation, "register", refused)
    assert run_demo(5, as_json=as_json) == 1
    shown = capsys.readouterr().out
    if as_json:
        value = orjson.loads(shown)
        assert (value["ok"], value["error"]["code"]) == (False, "proof.invalid")
        assert [step["step"] for step in value["steps"]] == STEPS[:4]
    else:
        assert "✗ FAILED proof.invalid: somebody has changed the answer" in shown
        assert NEXT not in shown
    assert [process.poll() for process in processes] == [0]


@pytest.mark.slow
def test_an_attack_that_succeeds_fails_the_demonstration(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fooled(run: Simulation) -> None:
        played = await play(run.wire, run.fleet, 5)
        run.summary.attacks = [played[0]._replace(got="accepted"), *played[1:]]

    monkeypatch.setattr(Simulation, "attack", fooled)
    assert run_demo(5) == 1
    assert "✗ FAILED demo: attacks got another answer" in capsys.readouterr().out


def test_the_service_that_does_not_start(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "city").write_text("a file, where the folder should be")
    assert run_demo(1, keep=tmp_path / "city") == 1
    assert "unavailable.unreachable" in capsys.readouterr().out
