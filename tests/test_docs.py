"""The README runs: its commands, one after another, against a server that it starts.

`<!-- run -->` marks a block that is executed, `<!-- run: exits 1 -->` one that must be refused,
`<!-- shows -->` what the blocks before it print: its lines in that order, `…` for whatever differs.
Everything runs in one folder and one shell, as if pasted.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from resolver.cli import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"
MARKED = re.compile(r"<!-- (run|run: exits 1|shows) -->\n```(\w*)\n(.*?)```", re.DOTALL)
SEPARATOR = "----- end of a block -----"
PATIENCE = 60


class Step(NamedTuple):
    """A block that runs, and the lines that it must show."""

    language: str
    text: str
    refused: bool
    shows: list[str]


def steps() -> list[Step]:
    """The marked blocks of the README."""
    found: list[Step] = []
    for mark, language, text in MARKED.findall(README):
        if mark == "shows":
            found[-1].shows.extend(text.splitlines())
        else:
            found.append(Step(language, text, mark != "run", []))
    return found


class Place(NamedTuple):
    """A folder with a server at work."""

    folder: Path
    environment: dict[str, str]
    address: str


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """`tetrad serve --data ./city`, as the README has it, on a free port."""
    command = tmp_path / "bin" / "tetrad"
    command.parent.mkdir()
    command.write_text(
        f"#!{sys.executable}\nfrom resolver.cli import main\nmain()\n", encoding="utf-8"
    )
    command.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{command.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
    }
    for name in [name for name in environment if name.startswith("TETRAD_")]:
        del environment[name]
    assert "\ntetrad serve --data ./city\n" in README
    ready = tmp_path / "ready"
    serve = [str(command), "serve", "--data", "./city", "--port", "0", "--ready-file", str(ready)]
    with (
        (tmp_path / "serve.log").open("w") as log,
        subprocess.Popen(serve, cwd=tmp_path, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            deadline = time.monotonic() + PATIENCE
            while not ready.exists():
                assert server.poll() is None, (tmp_path / "serve.log").read_text()
                assert time.monotonic() < deadline, "the server does not start"
                time.sleep(0.02)
            yield Place(tmp_path, environment, ready.read_text().strip())
        finally:
            server.terminate()
    assert server.returncode == 0, (tmp_path / "serve.log").read_text()


def script(address: str) -> str:
    """All blocks as one shell script; Python blocks are given to Python."""
    parts = ["set -eu -o pipefail", "exec 2>&1"]
    for step in steps():
        text = step.text.replace(ADDRESS, address)
        if step.language == "python":
            text = f"python - <<'END OF PYTHON'\n{text}END OF PYTHON\n"
        if step.refused:
            text = f"set +e\n{text}test $? -eq 1 || exit 9\nset -e"
        parts += [text, f"echo; echo '{SEPARATOR}'"]
    return "\n".join(parts)


def expression(line: str) -> str:
    """A line of a `shows` block as a regular expression."""
    return ".*".join(re.escape(piece) for piece in line.rstrip().split("…"))


def shown_in_order(lines: list[str], output: str) -> str | None:
    """The first of the lines that does not follow in the output, or None."""
    rest = iter(output.splitlines())
    for line in lines:
        pattern = re.compile(expression(line) + r"\s*")
        if not any(pattern.fullmatch(one) for one in rest):
            return line
    return None


def test_the_commands_of_the_readme_work_when_pasted(place: Place) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is missing: the README's commands need it")
    done = subprocess.run(
        ["bash", "-c", script(place.address)],
        cwd=place.folder, env=place.environment, capture_output=True, text=True,
        timeout=10 * PATIENCE, check=False,
    )  # fmt: skip
    outputs = done.stdout.split(f"{SEPARATOR}\n")
    assert done.returncode == 0, f"block {len(outputs)} failed:\n{outputs[-1]}"
    for step, output in zip(steps(), outputs, strict=False):
        missing = shown_in_order(step.shows, output)
        assert missing is None, f"{missing!r} is not what is shown:\n{output}"


def test_the_example_in_node_works(place: Place) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is missing: the example in Node.js needs it")
    program = ROOT / "specs" / "examples" / "node" / "register.mjs"
    done = subprocess.run(
        [node, program, place.address],
        cwd=place.folder, env=place.environment, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "organization", "prefix", "device", "receipt", "resolved", "resolved",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_demonstration_shows_what_the_first_screen_promises(tmp_path: Path) -> None:
    (promised,) = re.findall(r"<!-- demo -->\n```\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", "from resolver.cli import main; main()", "demo"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=5 * PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    missing = shown_in_order(promised.splitlines(), done.stdout)
    assert missing is None, f"{missing!r} is not what is shown:\n{done.stdout}"


def test_help_lists_the_commands_of_the_readme() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from resolver.cli import main; main()", "--help"],
        cwd=ROOT, env={**os.environ, "COLUMNS": "120"}, capture_output=True, text=True,
        timeout=PATIENCE, check=True,
    )  # fmt: skip
    section = done.stdout.split("Commands:\n")[1].split("\n\n")[0]
    helped = re.findall(r"^  (\w+) +(.+)$", section, re.MULTILINE)
    written = re.findall(r"^\| `tetrad (\w+)` \| (.+) \|$", README, re.MULTILINE)
    assert helped == written
    assert [name for name, _ in helped] == list(COMMANDS)


def test_a_missing_line_is_noticed() -> None:
    assert shown_in_order(["a", "b…"], "a\nx\nbcd\n") is None
    assert shown_in_order(["b…", "a"], "a\nx\nbcd\n") == "a"
    assert shown_in_order(["  ✓ in…"], "✓ in the ledger\n") == "  ✓ in…"
