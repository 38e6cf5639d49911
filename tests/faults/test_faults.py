"""A registry in which every syscall fails once: nothing acknowledged is lost, nothing done twice.

`TETRAD_FAULTS=all` strikes with all faults; otherwise it is every so manyth of each group, the same
ones every time. That a campaign finds what is there to be found is shown on registries that were
broken on purpose.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.faults.scenes import RARER, SCENES, Fault, strided

STRIDE = 8
"""Of about 6,800 faults this leaves 480, in two minutes on a machine that does nothing else."""

BROKEN = {
    "its database is not flushed": (
        "run: tetrad-writer: pwrite64 ",
        "40",
        """
from registry.stores.sqlite import SqliteStore
SqliteStore.__init__.__kwdefaults__["durable"] = False
""",
    ),
    "its checkpoint is renamed before it is flushed": (
        "run: tetrad-writer: write ",
        "1",
        """
import identity.durable
identity.durable.os.fsync = lambda file: None
""",
    ),
    "its checkpoint is kept before its commit": (
        "run: tetrad-writer: fdatasync",
        "8",
        """
from registry.stores.sqlite import SqliteStore
from resolver.folder import DataFolder
commit, keep, folders = SqliteStore.commit, DataFolder.keep_checkpoint, []
def remember(folder, note):
    folders[:] = [folder]
    keep(folder, note)
def early(store, batch, expected):
    for folder in folders:
        keep(folder, batch.checkpoint)
    commit(store, batch, expected)
SqliteStore.commit, DataFolder.keep_checkpoint = early, remember
""",
    ),
}


def campaign(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """A campaign in a process of its own, since it forks; the project may be broken before."""
    program = f"""
import sys
{before}
from tests.faults.__main__ import main
sys.exit(main(*{arguments!r}))
"""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_no_fault_loses_doubles_or_shows_what_it_must_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stride = 1 if os.environ.get("TETRAD_FAULTS") == "all" else STRIDE
    done = campaign("--stride", str(stride))
    with capsys.disabled():
        print(f"\n{done.stdout}")
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"(\d+) of (\d+) faults in [^;]*; (\d+) missed", done.stdout)
    assert found is not None
    runs, faults, missed = map(int, found.groups())
    assert missed <= runs // 100
    assert faults > 2000
    assert runs >= faults / stride / RARER


@pytest.mark.slow
@pytest.mark.parametrize("how", BROKEN)
def test_a_campaign_finds_what_is_broken(how: str) -> None:
    only, stride, before = BROKEN[how]
    done = campaign("--only", only, "--stride", stride, before=before)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^    (lost|restart|unsigned): ", done.stdout, re.MULTILINE), done.stdout


def test_a_stride_leaves_something_of_each_group() -> None:
    faults = [
        Fault(SCENES[0], "t", call, "EIO", (f"{call}:error=EIO:when={n}",), ("data/x",), "")
        for call, count in (("fsync", 1), ("write", 10), ("fcntl", 40))
        for n in range(count)
    ]
    chosen = strided(faults, 4)
    assert [one.injections[0] for one in chosen] == [
        "fsync:error=EIO:when=0",
        *(f"write:error=EIO:when={n}" for n in (0, 4, 8)),
        *(f"fcntl:error=EIO:when={n}" for n in (0, 4 * RARER)),
    ]
    assert strided(faults, 1) == faults
