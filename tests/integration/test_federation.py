"""`make demo-federation`: four processes, and nothing left of them afterwards."""

from __future__ import annotations

import subprocess

import orjson
import pytest

from resolver.demo.federation import NEXT, run_federation
from resolver.simulator.process import ServiceProcess

STEPS = [
    *("started", "delegated", "registered", "recursive", "resolved", "cached", "label", "absent"),
    *("unfounded", "refused", "stale", "unreachable"),
]


@pytest.mark.slow
def test_the_demonstration_of_a_tree(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = ServiceProcess.start

    def watched(service: ServiceProcess) -> None:
        start(service)
        started.append(service._running())

    monkeypatch.setattr(ServiceProcess, "start", watched)
    assert run_federation(5) == 0
    shown = capsys.readouterr().out
    for words in (
        "✓ 5 codes resolved by way of three ledgers, each proved",
        "✓ the DID alone led to its ledger",
        "✗ a node with another genesis than its grant: node.refused",
        "✓ enterprise node killed: an answer of ",
    ):
        assert words in shown
    assert shown.splitlines()[-1] == f"  Next: {NEXT}"
    assert len(started) == 4
    assert all(process.poll() is not None for process in started)


@pytest.mark.slow
def test_programs_get_one_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_federation(1, as_json=True) == 0
    value = orjson.loads(capsys.readouterr().out)
    assert value["ok"] is True
    assert [step["step"] for step in value["steps"]] == STEPS
