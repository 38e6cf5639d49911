"""The bench runs from end to end, small: that its figures are figures, not that they are good."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from identity.errors import ServerUnreachable
from resolver.bench import run_bench
from resolver.bench.load import drive, get


@pytest.mark.slow
def test_a_small_bench_measures_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bench.json"
    code = run_bench(out=out, large=True, devices=1_000, size=3_000, keys=20_000)
    figures = orjson.loads(out.read_bytes())
    assert len(figures["bounds"]) == 43
    assert all(0 < bound["ratio"] < 100_000 for bound in figures["bounds"])
    assert code == (0 if all(bound["met"] for bound in figures["bounds"]) else 1)
    assert figures["large"]["devices"] == 3_000
    table = capsys.readouterr().out
    assert table.count("✓") + table.count("✗") == len(figures["bounds"])


def test_a_load_is_sent_to_this_machine_alone() -> None:
    with pytest.raises(ServerUnreachable, match="loopback"):
        drive("http://192.0.2.1:80", [get("/")], 1)
