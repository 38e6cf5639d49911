"""One run of a scene in a process that was forked for it, under strace, and its examination.

The process that forks has imported everything already: a run takes a tenth of a second.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NoReturn, TypeAlias

import orjson

from identity.errors import TetradError
from tests.faults.examination import RESTART, Examination, Finding
from tests.faults.scenes import KILL, Fault
from tests.faults.story import Gate, Places, read_journal, tell_all
from tests.faults.tracing import LATER, MAIN, TRACED, Call, Strace, read_calls, spelled

Act: TypeAlias = Callable[[Places, Gate], None]

WITHIN: Final = 120.0
"""Seconds that a run may take: a limit for one that hangs, not a wait. SQLite itself tries for ten
where an unlock of its -shm has failed."""
HUNG: Final = 99
OUTCOMES: Final = {
    0: "went on",
    3: "refused",
    4: "crashed",
    -signal.SIGKILL: "killed",
    HUNG: "hung",
}


@dataclass
class Run:
    """What came of one fault."""

    fault: Fault
    fired: bool
    """Whether strace put it in."""
    outcome: str
    """`killed`; `refused` where it was told by an error of ours; `went on` where nobody noticed;
    `crashed` where it ended by an error that is not ours; `hung`."""
    words: str = ""
    """What the process said on its standard error."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def unusual(self) -> bool:
        """Whether it ended in no way that a person could make sense of."""
        return self.outcome not in ("killed", "refused", "went on")


def trace(act: Act, places: Places, gate: str) -> list[Call]:
    """The syscalls of a run, from a gate on, that touch the folders or the journal."""
    threads, code = traced(act, places, gate, ["-e", f"trace={TRACED}"], LATER)
    if code:
        raise RuntimeError(f"it ends with {code} without a fault: {places.words.read_text()}")
    folders = (str(places.journal), *places.kept)
    return [call for call in read_calls(places.trace, threads, folders) if call.paths]


def injecting(injections: Iterable[str]) -> list[str]:
    """The options of strace for these injections."""
    names = ",".join(dict.fromkeys(one.partition(":")[0] for one in injections))
    return [
        "-e",
        f"trace={names}",
        *(word for one in injections for word in ("-e", f"inject={one}")),
    ]


def strike(fault: Fault, places: Places, act: Act = tell_all) -> Run:
    """A run with one fault; what it leaves is for the caller to examine."""
    options = injecting(fault.injections)
    _, code = traced(act, places, fault.scene.gate, options, fault.thread)
    fired = _fired(fault, places, code)
    outcome = OUTCOMES.get(code, f"ended with {code}")
    if outcome == "went on" and any(
        line["kind"] == "refused" for line in read_journal(places.journal)
    ):
        outcome = "refused"
    return Run(fault, fired, outcome, places.words.read_text(errors="replace"))


def _fired(fault: Fault, places: Places, code: int) -> bool:
    """Whether strace put the fault in where it was meant to be."""
    lines = places.trace.read_text(errors="replace").splitlines()
    if fault.kind == KILL:
        struck = [line for line in lines if f"{fault.call}(" in line][-1:]
    else:
        struck = [line for line in lines if "(INJECTED)" in line]
    shown = "".join(spelled(fault.call, line) for line in struck)
    there = all(str(places.base / path) in shown for path in fault.paths)
    return bool(struck) and there and (fault.kind != KILL or code == -signal.SIGKILL)


def traced(
    act: Act, places: Places, gate: str, options: list[str], thread: str
) -> tuple[dict[str, int], int]:
    """Calls it in a process of its own with strace attached, from a gate on, to one thread (to all,
    those to come too, for LATER): the threads at the gate by their names, and the exit code."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        _act(act, places, gate, theirs)
    theirs.close()
    with ours:
        threads: dict[str, int] = orjson.loads(ours.recv(65536))
        tid = threads.get(thread, child)
        strace = Strace(tid, places.trace, options, follow=thread == LATER)
        ours.sendall(b"x")
        code = wait(child)
        strace.wait()
    return threads, code


def _act(act: Act, places: Places, awaited: str, control: socket.socket) -> NoReturn:
    """In the process that was forked for it: acts, and ends with a code of OUTCOMES."""
    words = os.open(places.words, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(words, 2)

    def gate(name: str) -> None:
        if name == awaited:
            threads = {thread.name: thread.native_id for thread in threading.enumerate()}
            threads[MAIN] = os.getpid()  # its `native_id` is still that of before the fork
            control.sendall(orjson.dumps(threads))
            control.recv(1)  # a syscall that no fault is put into

    code = 4
    try:
        act(places, gate)
        code = 0
    except TetradError as error:
        os.write(2, f"{error.code}: {error.detail}\n".encode())
        code = 3
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is reported as a crash
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


def wait(child: int) -> int:
    """The exit code of a child; negative for a signal, HUNG where it had to be ended."""
    waiting = os.pidfd_open(child)
    ready, _, _ = select.select([waiting], [], [], WITHIN)
    os.close(waiting)
    if not ready:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if ready else HUNG


def in_child(act: Callable[[], object]) -> int:
    """Calls it in a process of its own, so that it leaves nothing open here; the exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    return wait(child)


def examined(places: Places, *, wallet: bool) -> list[Finding]:
    """The findings of an examination in a process of its own."""
    answer = places.base / "findings"

    def act() -> None:
        found = Examination(places, wallet=wallet).examine()
        answer.write_bytes(orjson.dumps([list(one) for one in found]))

    code = in_child(act)
    if code or not answer.exists():
        return [Finding(RESTART, f"the examination ended with {code}")]
    return [Finding(*one) for one in orjson.loads(answer.read_bytes())]
