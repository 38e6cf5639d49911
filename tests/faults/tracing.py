"""strace: the syscalls of a run, and a run with a fault in one of them.

strace counts the invocations of a syscall for each thread apart. A fault is therefore named by
thread, syscall and number, and strace is attached to that thread alone, at a moment when the thread
waits in a syscall that no fault is put into.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAIN: Final = "MainThread"
LATER: Final = ""
"""The name of threads that did not exist yet when strace was attached."""
SYNCS: Final = frozenset({"fsync", "fdatasync"})
TRACED: Final = "%file,%desc"

_CALL = re.compile(r"(\d+)\s+(\w+)\((.*)")
_RESUMED = re.compile(r"(\d+)\s+<\.\.\. (\w+) resumed>(.*)")
_BESIDE = re.compile(r"[\w]+<([^>]*)>, \"([^\"/][^\"]*)\"")
"""A folder's descriptor and a name in it, as the syscalls that end in `at` have them."""
_RESULT = re.compile(r"\)\s+= (-?\d+|0x[0-9a-f]+)(?![^\s<])")


@dataclass(slots=True)
class Call:
    """One syscall of a thread."""

    thread: str
    name: str
    nth: int
    """How many of this name the thread has made with this one, since strace was attached."""
    paths: tuple[str, ...]
    """Those under the folders in question that it names, directly or by a descriptor."""
    result: int | None = None


def read_calls(trace: Path, threads: dict[str, int], folders: tuple[str, ...]) -> list[Call]:
    """The syscalls of a trace (`strace -f -y -o`), in their order."""
    names = {number: name for name, number in threads.items()}
    counts: Counter[tuple[str, str]] = Counter()  # by the number of the thread, and the name
    pending: dict[int, Call] = {}
    calls: list[Call] = []
    inside = re.compile("|".join(rf"{re.escape(folder)}[^\s\">,]*" for folder in folders))
    for line in trace.read_text(errors="replace").splitlines():
        if resumed := _RESUMED.match(line):
            if call := pending.pop(int(resumed[1]), None):
                call.result = _result(resumed[3])
        elif found := _CALL.match(line):
            thread, name = names.get(int(found[1]), LATER), found[2]
            counts[found[1], name] += 1
            text = spelled(name, found[3].rpartition(" = ")[0] or found[3])
            paths = tuple(dict.fromkeys(inside.findall(text)))
            call = Call(thread, name, counts[found[1], name], paths, _result(found[3]))
            pending[int(found[1])] = call
            calls.append(call)
    return calls


def spelled(name: str, text: str) -> str:
    """A line of a trace with whole paths where it has a folder's descriptor and a name in it."""
    return _BESIDE.sub(r'"\1/\2"', text) if "at" in name else text


def _result(text: str) -> int | None:
    found = list(_RESULT.finditer(text))
    return int(found[-1][1], 0) if found else None


class Strace:
    """strace, attached to a thread, or with `follow` to all threads of a process."""

    def __init__(self, tid: int, out: Path, expressions: list[str], *, follow: bool) -> None:
        options = ["-f"] if follow else []
        self._process = subprocess.Popen(
            ["strace", *options, "-y", "-o", str(out), *expressions, "-p", str(tid)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self._process.stderr is not None
        said = self._process.stderr.readline()
        if b"attached" not in said:
            self._process.kill()
            self._process.wait()
            raise RuntimeError(f"strace does not attach: {said.decode(errors='replace')}")

    def wait(self) -> None:
        """Returns when what it traces has ended."""
        self._process.communicate()
