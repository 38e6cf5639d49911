"""Which faults there are: scenes, and what can go wrong at each of their syscalls.

    begin      an empty folder: keys, genesis, first start, registrations, stop
    run        a ledger that has begun: registrations, batches, checkpoints, a WAL that is folded
    recover    a folder whose service was killed in the middle of them: start, and on from there

At each syscall that touches the folder:

    EIO …      it fails with an error and does nothing
    kill       the process is killed at its entry, before it does anything
    cut        it does nothing though it says that it did, and the process is killed at the next
               flush of what it changed: what a power cut may do to whatever was not flushed

A kill at the entry of one syscall is a kill at the end of the one before; so that this holds of the
last one before an acknowledgement too, the process is also killed before each of those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.story import Places
from tests.faults.tracing import MAIN, SYNCS, Call

KILL: Final = "kill"
CUT: Final = "cut"

_ERRORS: Final = {
    **dict.fromkeys(("write", "pwrite64", "writev", "pwritev"), ("EIO", "ENOSPC")),
    "mmap": ("ENOMEM",),
}
_DATA: Final = frozenset({"write", "pwrite64", "writev", "pwritev", "ftruncate"})
"""Lost as long as the file is not flushed."""
_NAMES: Final = frozenset({"rename", "renameat", "renameat2", "unlink", "unlinkat"})
"""Lost as long as the folder is not flushed."""
LASTING: Final = _DATA | _NAMES | {"fsync", "fdatasync", "openat", "mkdir", "mkdirat"}
"""What changes what is kept. The others read, lock and look."""
RARER: Final = 8


@dataclass(frozen=True)
class Scene:
    """Where a story begins, and from when on its syscalls are struck."""

    name: str
    template: str
    gate: str
    others: bool
    """Whether threads beside the main one are struck: they must be there at the gate."""


SCENES: Final = (
    Scene("begin", "empty", "opening", others=False),
    Scene("run", "begun", "running", others=True),
    Scene("recover", "killed", "opening", others=False),
)


@dataclass(frozen=True)
class Fault:
    """One fault of one scene."""

    scene: Scene
    thread: str
    call: str
    kind: str
    """An errno, KILL or CUT."""
    injections: tuple[str, ...]
    """As strace takes them."""
    paths: tuple[str, ...]
    """That it touches, below the run's folder."""
    title: str = field(compare=False)

    @property
    def group(self) -> tuple[str, str, str, str]:
        """Faults that differ in the number of the syscall alone."""
        return self.scene.name, self.thread, self.call, self.kind


def faults_of(scene: Scene, calls: list[Call], places: Places) -> Iterator[Fault]:
    """The faults of a scene's syscalls, in their order."""
    journal = str(places.journal)
    for place, call in enumerate(calls):
        if call.thread != MAIN and not scene.others:
            continue
        paths = tuple(path.removeprefix(f"{places.base}/") for path in call.paths)
        title = f"{scene.name}: {call.thread or 'later'}: {call.name} #{call.nth} {' '.join(paths)}"
        faults: dict[str, tuple[str, ...]] = {KILL: (f"{call.name}:signal=KILL:when={call.nth}",)}
        if journal not in call.paths:
            for error in _ERRORS.get(call.name, ("EIO",)):
                faults[error] = (f"{call.name}:error={error}:when={call.nth}",)
            if lost := _lost(call, calls[place + 1 :]):
                faults[CUT] = lost
        for kind, injections in faults.items():
            yield Fault(scene, call.thread, call.name, kind, injections, paths, title)


def _lost(call: Call, later: list[Call]) -> tuple[str, ...]:
    """The injections that lose what a call does; () for one that does nothing that lasts."""
    if call.result is None or call.result < 0 or call.paths[0].endswith("-shm"):
        return ()  # SQLite makes its -shm anew after a power cut, whatever is in it
    if call.name in _DATA:
        flushed = call.paths[0]
    elif call.name in _NAMES:
        flushed = str(Path(call.paths[-1]).parent)
    else:
        return ()
    nothing = f"{call.name}:retval={call.result}:when={call.nth}"
    for other in later:
        if other.thread == call.thread and other.name in SYNCS and other.paths == (flushed,):
            return nothing, f"{other.name}:signal=KILL:when={other.nth}"
    return (nothing,)  # nobody flushes it: it must not matter


def strided(faults: Iterable[Fault], stride: int) -> list[Fault]:
    """Every so manyth fault of each group, its first one always; of syscalls that change nothing
    that lasts, RARER times fewer."""
    seen: dict[tuple[str, str, str, str], int] = defaultdict(int)
    chosen = []
    for fault in faults:
        step = stride if fault.call in LASTING or stride == 1 else stride * RARER
        if seen[fault.group] % step == 0:
            chosen.append(fault)
        seen[fault.group] += 1
    return chosen
