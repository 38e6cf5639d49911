"""What every test may ask for, and the promise that CI skips nothing.

`vectors` is the folder of third-party test vectors: `TETRAD_VECTORS`, or `../shared/vectors` beside
the repository; a test that asks for it is skipped where there is neither.

Where `CI` is set, a skipped test fails the run: `.ci/run` installs what tests need, so that a skip
there is a check that has silently stopped.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent
IN_CI = bool(os.environ.get("CI"))

# No deadline and no complaint of slowness anywhere: they measure the load of the machine, not us.
settings.register_profile(
    "dev", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if IN_CI else "dev"))


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of third-party vectors (specs/vectors/SOURCES.md says where each comes from)."""
    named = os.environ.get("TETRAD_VECTORS")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "vectors"
    if not folder.is_dir():
        pytest.skip("third-party vectors not found: set TETRAD_VECTORS to their folder")
    return folder


def refuse_skips(skipped: Sequence[object], exitstatus: int, *, in_ci: bool) -> int:
    """The exit status of a run: in CI, a run that passed but for skipped tests has failed."""
    if in_ci and skipped and exitstatus == pytest.ExitCode.OK:
        return pytest.ExitCode.TESTS_FAILED
    return exitstatus


class SkipsRefused:
    """Counts skipped tests on the process that reports them, and fails the run in CI."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        session.exitstatus = refuse_skips(self.skipped, int(exitstatus), in_ci=IN_CI)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if IN_CI and self.skipped:
            count = len(self.skipped)
            terminalreporter.write_line(f"CI skips nothing: {count} skipped test(s)", red=True)


def pytest_configure(config: pytest.Config) -> None:
    """Register the plug-in above once, on the controlling process under pytest-xdist."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipsRefused())
