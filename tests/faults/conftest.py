"""What is slow here needs strace, and the permission to attach it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.faults.tracing import Strace


@pytest.fixture(scope="session")
def no_strace(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Why strace cannot be attached to a process of ours; "" where it can."""
    out: Path = tmp_path_factory.mktemp("strace") / "trace"
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        try:
            strace = Strace(process.pid, out, [], follow=False)
        except (OSError, RuntimeError) as error:
            return f"strace is missing, or may not attach: {error}"
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
        strace.wait()
    return ""


@pytest.fixture(autouse=True)
def strace_for_slow_tests(request: pytest.FixtureRequest) -> None:
    """Skips what strikes with faults where strace cannot."""
    if request.node.get_closest_marker("slow"):
        why = request.getfixturevalue("no_strace")
        if why:
            pytest.skip(why)
