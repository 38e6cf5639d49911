"""One run of a scene in a process that was forked for it, under strace, and its examination.

The process that forks has imported everything already: a run takes a tenth of a second.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import orjson

from tests.faults.examination import RESTART, Finding, examine
from tests.faults.scenes import KILL, Fault, Scene
from tests.faults.story import Places, read_journal, told
from tests.faults.tracing import LATER, TRACED, Call, Strace, read_calls

WITHIN: Final = 30.0
"""Seconds that a run may take: a limit for one that hangs, not a wait."""
HUNG: Final = 99
OUTCOMES: Final = {0: "went on", 3: "refused", 4: "crashed", -signal.SIGKILL: "killed", HUNG: "hung"}


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


def trace(scene: Scene, places: Places) -> list[Call]:
    """The syscalls of a scene that touch the folders or the journal."""
    threads, code = _told(scene, places, ["-e", f"trace={TRACED}"], LATER)
    if code:
        words = places.words.read_text() if places.words.exists() else ""
        raise RuntimeError(f"{scene.name} ends with {code} without a fault: {words}")
    folders = (str(places.journal), *places.kept)
    return [call for call in read_calls(places.trace, threads, folders) if call.paths]


def strike(fault: Fault, places: Places) -> Run:
    """Tells the story with one fault, and examines what it leaves."""
    names = ",".join(dict.fromkeys(one.partition(":")[0] for one in fault.injections))
    options = ["-e", f"trace={names}"]
    for injection in fault.injections:
        options += ["-e", f"inject={injection}"]
    _, code = _told(fault.scene, places, options, fault.thread)
    fired = _fired(fault, places, code)
    outcome = OUTCOMES.get(code, f"ended with {code}")
    if outcome == "went on" and any(
        line["kind"] == "refused" for line in read_journal(places.journal)
    ):
        outcome = "refused"
    words = places.words.read_text(errors="replace") if places.words.exists() else ""
    run = Run(fault, fired, outcome, words)
    if fired:
        run.findings = examined(places, wallet=fault.scene.template == "empty")
    return run


def _fired(fault: Fault, places: Places, code: int) -> bool:
    """Whether strace put the fault in where it was meant to be."""
    lines = places.trace.read_text(errors="replace").splitlines()
    if fault.kind == KILL:
        struck = [line for line in lines if f"{fault.call}(" in line][-1:]
    else:
        struck = [line for line in lines if "(INJECTED)" in line]
    there = all(str(places.base / path) in "".join(struck) for path in fault.paths)
    return bool(struck) and there and (fault.kind != KILL or code == -signal.SIGKILL)


def _told(
    scene: Scene, places: Places, options: list[str], thread: str
) -> tuple[dict[str, int], int]:
    """Forks, waits for the scene's gate, attaches strace to a thread (to all, those to come too,
    for LATER), and waits for the end: the threads at the gate by their names, and the exit code."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        told(places, scene.gate, theirs)
    theirs.close()
    with ours:
        threads: dict[str, int] = orjson.loads(ours.recv(65536))
        tid = threads.get(thread, child)
        strace = Strace(tid, places.trace, options, follow=thread == LATER)
        ours.sendall(b"x")
        code = wait(child)
        strace.wait()
    return threads, code


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
        found = examine(places.base, wallet=wallet)
        answer.write_bytes(orjson.dumps([list(one) for one in found]))

    code = in_child(act)
    if code or not answer.exists():
        return [Finding(RESTART, f"the examination ended with {code}")]
    return [Finding(*one) for one in orjson.loads(answer.read_bytes())]
