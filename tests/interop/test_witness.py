"""A witness and a log's client that we did not write: PyPI's aics-witness, facing ours."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.checkpoint import open_checkpoint
from registry.note import VerifierKey
from registry.policy import Policy
from resolver.witness.folder import WitnessFolder
from resolver.witnessing import Witnesses
from tests.factory import LOG, ORIGIN
from tests.resolver.cli.conftest import start, stop
from tests.witnesses import Leaves

HERE = Path(__file__).parent / "witness"
PYTHON = HERE.parents[2] / ".venv-witness" / "bin" / "python"
LEAVES = Leaves(300)
FORK = Leaves(300, fork=100)
SIZES = (1, 1, 2, 7, 100, 255, 300)
Ask = Callable[[str, Any], Any]


@pytest.fixture(scope="module")
def aics() -> Ask:
    """Runs a command of the program beside; gives its output, or what it says where it fails."""
    if not PYTHON.exists():
        pytest.skip("aics-witness is not installed: tests/interop/witness/install")

    def ask(command: str, task: Any) -> Any:
        done = subprocess.run(
            [PYTHON, HERE / "main.py", command],
            input=json.dumps(task), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    return ask


@pytest.fixture
def theirs(aics: Ask, tmp_path: Path) -> Iterator[dict[str, str]]:  # noqa: ARG001 - it skips
    """A witness of theirs that knows our log: its url and vkey."""
    command = [PYTHON, HERE / "main.py", "serve", tmp_path, "theirs.example/w", ORIGIN]
    with subprocess.Popen(
        [*map(str, command), str(LOG.key)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.communicate()
            yield json.loads(line)
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[tuple[str, VerifierKey]]:
    """A witness of ours that knows the log, in a process of its own: its address and key."""
    data = tmp_path / "ours"
    folder = WitnessFolder.create(data, "ours.example/w")
    folder.store.add_log(LOG.key)
    folder.store.close()
    process, url = start(
        "--data", str(data), ready=tmp_path / "ready", command=("witness", "serve")
    )
    yield url, folder.secrets.keys[0]
    stop(process)


def published(policy: Policy, sizes: tuple[int, ...], leaves: Leaves) -> list[tuple[bytes, Any]]:
    """What one log makes of these sizes, one after another, and the failures so far."""

    async def run() -> list[tuple[bytes, Any]]:
        witnesses = Witnesses(policy, ORIGIN, leaves.consistency)
        made = []
        for size in sizes:
            note = await witnesses.cosign(leaves.note(size), size, 30)
            made.append((note, dict(witnesses.figures()[0].failures)))
        await witnesses.close()
        return made

    return asyncio.run(run())


def test_their_witness_cosigns_our_checkpoints(aics: Ask, theirs: dict[str, str]) -> None:
    policy = Policy.parse(f"witness w {theirs['vkey']} {theirs['url']}\nquorum w\n")
    for size, (note, failures) in zip(SIZES, published(policy, SIZES, LEAVES), strict=True):
        opened = open_checkpoint(note, [LOG.key], policy.keys)
        assert opened.checkpoint == LEAVES.checkpoint(size)
        time = policy.cosigned_at(opened.times)
        assert failures == {}
        task = {"note": note.decode(), "log": str(LOG.key), "quorum": 1}
        said = aics("verify", {**task, "witnesses": [theirs["vkey"]]})
        assert said == {"ok": True, "times": {"theirs.example/w": time}, "error": None}
    # The log starts anew, and knows nothing of the witness: 409 tells where it is.
    ((note, failures),) = published(policy, (300,), LEAVES)
    assert policy.cosigned_at(open_checkpoint(note, [LOG.key], policy.keys).times)
    assert failures == {}


def test_their_witness_refuses_our_fork(theirs: dict[str, str]) -> None:
    policy = Policy.parse(f"witness w {theirs['vkey']} {theirs['url']}\nquorum w\n")
    published(policy, (200,), LEAVES)
    ((note, failures),) = published(policy, (300,), FORK)
    assert failures == {"422": 1}
    assert open_checkpoint(note, [LOG.key], policy.keys).times == ()


def test_their_log_is_cosigned_by_our_witness(aics: Ask, ours: tuple[str, VerifierKey]) -> None:
    url, key = ours
    steps = []
    for size in SIZES:
        proofs = {
            str(old): [one.hex() for one in LEAVES.consistency(old, size)]
            for old in {0, *SIZES}
            if old <= size
        }
        steps.append((LEAVES.note(size, LOG).decode(), proofs))
    cosigned = aics("submit", {"url": url, "vkey": str(key), "steps": steps})
    assert isinstance(cosigned, list), cosigned
    for size, note in zip(SIZES, cosigned, strict=True):
        ((_, time),) = open_checkpoint(note.encode(), [LOG.key], [key]).times
        task = {"note": note, "log": str(LOG.key), "witnesses": [str(key)], "quorum": 1}
        assert aics("verify", task) == {
            "ok": True, "times": {"ours.example/w": time}, "error": None
        }  # fmt: skip
        forged = {**task, "note": note.replace(f"\n{size}\n", f"\n{size + 1}\n", 1)}
        assert not aics("verify", forged)["ok"]


def test_their_log_hears_our_refusal_of_a_fork(aics: Ask, ours: tuple[str, VerifierKey]) -> None:
    url, key = ours
    task = {"url": url, "vkey": str(key)}
    aics("submit", {**task, "steps": [(LEAVES.note(200, LOG).decode(), {"0": []})]})
    proof = {"0": [], "200": [one.hex() for one in FORK.consistency(200, 300)]}
    said = aics("submit", {**task, "steps": [(FORK.note(300, LOG).decode(), proof)]})
    assert "WitnessRejected" in said
    assert "422" in said
    said = aics("submit", {**task, "steps": [(FORK.note(200, LOG).decode(), {"0": [], "200": []})]})
    assert "422" in said
