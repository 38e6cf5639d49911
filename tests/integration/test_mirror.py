"""A mirror that is killed goes on, and shows nothing that it had not verified."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolver.static_log import StaticLog
from resolver.tile_folder import TileFolder, publish
from tests.conftest import REPOSITORY
from tests.growing_log import GrowingLog
from tests.resolver.cli.test_watching import served

SIZE = 30_000
PATIENCE = 60

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def log() -> GrowingLog:
    log = GrowingLog()
    log.grow(SIZE)
    return log


@pytest.fixture(scope="module")
def url(log: GrowingLog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("published")
    with TileFolder(path) as folder:
        publish(folder, log, SIZE, log.note(SIZE))
    with served(path) as url:
        yield url


def mirror(url: str, path: Path, log: GrowingLog) -> subprocess.Popen[str]:
    words = ["mirror", url, str(path), "--ledger", log.trust.ledger]
    return subprocess.Popen(
        [sys.executable, "-c", "from resolver.cli import main; main()", *words],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TETRAD_HOME": str(path) + ".home"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def bundles(path: Path) -> int:
    return sum(1 for one in path.glob("tile/entries/*") if one.is_file())


@pytest.mark.parametrize("after", [1, 20, 60])
def test_a_mirror_that_is_killed_goes_on(
    log: GrowingLog, url: str, tmp_path: Path, after: int
) -> None:
    path = tmp_path / "copy"
    process = mirror(url, path, log)
    limit = time.monotonic() + PATIENCE
    while bundles(path) < after and process.poll() is None:
        assert time.monotonic() < limit
    process.send_signal(signal.SIGKILL)
    process.communicate()
    written = bundles(path)
    assert written >= after
    assert not (path / "checkpoint").exists()
    before = {one: one.stat().st_mtime_ns for one in path.rglob("tile/**/*") if one.is_file()}
    process = mirror(url, path, log)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert f"{SIZE} of them new" in out
    assert {one: one.stat().st_mtime_ns for one in before} == before  # taken up, not written anew
    assert list((path / ".new").iterdir()) == []
    with StaticLog(path) as copy:
        for start in range(0, SIZE, 256):
            end = min(start + 256, SIZE)
            assert copy.entries(start, end) == log.entries(start, end)
