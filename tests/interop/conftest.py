"""The programs in `node/`, over libraries of npm that we did not write."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NODE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def node() -> Callable[[str, str, Any], Any]:
    """Runs a program with a command and its input; gives its output. `npm ci` where it must."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        pytest.skip("node not found: the libraries of npm are not asked")
    wanted = json.loads((NODE / "package.json").read_bytes())["dependencies"]
    if not all((NODE / "node_modules" / name).is_dir() for name in wanted):
        if npm is None:
            pytest.skip("npm not found, and tests/interop/node/node_modules is not complete")
        command = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm ci failed in tests/interop/node: {done.stderr.strip()[:200]}")

    def run(program: str, command: str, value: Any) -> Any:
        done = subprocess.run(
            [node, str(NODE / program), command],
            input=json.dumps(value),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
