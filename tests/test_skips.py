"""A skipped test fails the run in CI, and only there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).with_name("conftest.py")
PASSES = {"test_passes.py": "def test_a(): pass\n"}
SKIPS = {
    "test_one.py": "import pytest\ndef test_b(): pytest.skip('no tool')\n",
    "test_all.py": "import pytest\npytest.skip('no library', allow_module_level=True)\n",
    "test_vectors.py": "def test_c(vectors): pass\n",
}


def run(folder: Path, tests: dict[str, str], ci: str) -> subprocess.CompletedProcess[str]:
    """pytest on these files beside a copy of our conftest, with no vectors in reach."""
    (folder / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    for name, text in tests.items():
        (folder / name).write_text(text, encoding="utf-8")
    env = {**os.environ, "CI": ci, "TETRAD_VECTORS": str(folder / "absent")}
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(  # in the folder, so that our own pytest options do not apply
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )


def test_every_kind_of_skip_fails_the_run_in_ci(tmp_path: Path) -> None:
    done = run(tmp_path, PASSES | SKIPS, ci="true")
    assert done.returncode == 1, done.stdout
    assert "CI skips nothing: 3 skipped" in done.stdout


def test_a_run_without_skips_passes_in_ci(tmp_path: Path) -> None:
    assert run(tmp_path, PASSES, ci="true").returncode == 0


def test_elsewhere_a_skip_passes_and_says_what_is_missing(tmp_path: Path) -> None:
    done = run(tmp_path, PASSES | SKIPS, ci="")
    assert done.returncode == 0, done.stdout
    assert "set TETRAD_VECTORS to their folder" in done.stdout
