"""`tetrad witness …`, from an empty folder to a cosigned checkpoint."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from registry.checkpoint import open_checkpoint
from registry.note import VerifierKey
from registry.policy import Policy
from resolver.witness.folder import KEY_FILE, WitnessFolder
from resolver.witnessing import Witnesses
from tests.factory import LOG, ORIGIN, QUANTUM
from tests.resolver.cli.conftest import Shell, start, stop
from tests.witnesses import Leaves, cosigner

SERVE = ("witness", "serve")
LEAVES = Leaves(16)


@pytest.fixture
def alone(tmp_path: Path) -> Shell:
    """A person without a registry."""
    return Shell(tmp_path)


def keys_in(data: Path) -> list[VerifierKey]:
    folder = WitnessFolder.open(data)
    try:
        return folder.store.logs()
    finally:
        folder.store.close()


async def publish(policy: Policy, size: int) -> tuple[bytes, dict[str, int]]:
    witnesses = Witnesses(policy, ORIGIN, LEAVES.consistency)
    note = await witnesses.cosign(LEAVES.note(size), size, 30)
    await witnesses.close()
    return note, dict(witnesses.figures()[0].failures)


def test_from_an_empty_folder_to_a_cosigned_checkpoint(alone: Shell, tmp_path: Path) -> None:
    data, ready = tmp_path / "w", tmp_path / "ready"
    made = alone.must("witness", "init", "--data", str(data), "--name", "w.example/1", "--json")
    assert [VerifierKey.parse(key).name for key in made.json["vkeys"]] == ["w.example/1"] * 2
    assert (data / KEY_FILE).stat().st_mode & 0o777 == 0o600
    process, url = start(
        "--data", str(data), "--log", str(LOG.key), "--prefix", "/w", ready=ready, command=SERVE
    )
    text = "\n".join(made.json["policy"]) + "\n"
    policy = Policy.parse(
        "".join(
            f"{line} {url}/w\n" if line.startswith("witness") else f"{line}\n"
            for line in text.splitlines()
        )
    )
    try:
        note, failures = asyncio.run(publish(policy, 5))
        opened = open_checkpoint(note, [LOG.key], policy.keys)
        assert policy.cosigned_at(opened.times)
        assert len(opened.times) == 2
        assert failures == {}
    finally:
        process.kill()
        process.communicate()
    # After kill -9 it goes on from what it cosigned; a key that is added counts at once.
    process, url2 = start(
        "--data", str(data), "--prefix", "/w", ready=tmp_path / "2", command=SERVE
    )
    again = Policy.parse(policy.format().replace(url, url2))
    added = alone.must("witness", "add-log", "--data", str(data), str(QUANTUM.key), str(LOG.key))
    assert added.out.splitlines() == [
        f"  ✓ {ORIGIN}, key {QUANTUM.key.id.hex()}",
        f"  ✓ {ORIGIN}, key {LOG.key.id.hex()}: it was there already",
    ]
    note, failures = asyncio.run(publish(again, 9))
    assert again.cosigned_at(open_checkpoint(note, [QUANTUM.key], again.keys).times)
    out, err, status = stop(process)
    assert (status, err) == (0, "")
    assert f"Witness w.example/1 at {url2}/w/add-checkpoint" in out
    assert f"Logs: {ORIGIN}" in out


def test_init_shows_a_policy_that_is_one(alone: Shell, tmp_path: Path) -> None:
    words = ("--data", str(tmp_path / "w"), "--name", "w.example/1", "--address", "https://w.test")
    shown = alone.must("witness", "init", *words)
    lines = [line.strip() for line in shown.out.splitlines()]
    named = [line for line in lines if line.startswith(("witness ", "group ", "quorum "))]
    policy = Policy.parse("".join(f"{line}\n" for line in named))
    assert {one.url for one in policy.witnesses} == {"https://w.test"}
    first, second = policy.keys
    assert policy.cosigned_at([(first, 7)]) == policy.cosigned_at([(second, 7)]) == 7


def test_a_pinned_registry_is_added_by_its_url(shell: Shell, tmp_path: Path) -> None:
    data = tmp_path / "w"
    shell.must("witness", "init", "--data", str(data), "--name", "w.example/1")
    shell.must("witness", "add-log", "--data", str(data), shell.url)
    found = keys_in(data)
    assert {key.type for key in found} == {1, 6}
    assert len({key.name for key in found}) == 1


def test_one_that_is_not_pinned_needs_a_word(shell: Shell, tmp_path: Path) -> None:
    data = tmp_path / "w"
    stranger = Shell(tmp_path / "stranger")
    stranger.must("witness", "init", "--data", str(data), "--name", "w.example/1")
    words = ("witness", "add-log", "--data", str(data), shell.url)
    assert stranger(*words).status == 2
    assert stranger(*words, "--ledger", "zQmWrong").status == 1
    assert keys_in(data) == []
    stranger.must(*words, "--yes")
    assert len(keys_in(data)) == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("init", "--name", "two words"), "[key.invalid]"),
        (("add-log", str(LOG.key)), "there is no witness in"),
        (("add-log", "nonsense"), "[key.invalid]"),
        (("add-log", str(cosigner("w1").key)), "is not a log's"),
        (("serve",), "hint: tetrad witness init --data"),
    ],
)
def test_refusals(alone: Shell, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    command, *rest = words
    refused = alone("witness", command, "--data", str(tmp_path / "w"), *rest)
    assert refused.status == 1
    assert says in refused.err
    problem = alone("witness", command, "--data", str(tmp_path / "w"), *rest, "--json")
    assert orjson.loads(problem.out)["status"] >= 400


def test_init_does_not_write_over_a_witness(alone: Shell, tmp_path: Path) -> None:
    words = ("witness", "init", "--data", str(tmp_path / "w"), "--name", "w.example/1")
    alone.must(*words)
    before = (tmp_path / "w" / KEY_FILE).read_bytes()
    assert "there is a witness in this folder" in alone(*words).err
    assert (tmp_path / "w" / KEY_FILE).read_bytes() == before


def test_what_is_no_http_is_refused_in_plain_text(alone: Shell, tmp_path: Path) -> None:
    data = tmp_path / "w"
    alone.must("witness", "init", "--data", str(data), "--name", "w.example/1")
    process, url = start("--data", str(data), ready=tmp_path / "ready", command=SERVE)

    async def nonsense() -> bytes:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"nonsense\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    try:
        answer = asyncio.run(nonsense())
    finally:
        stop(process)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: text/plain; charset=utf-8" in answer
    assert answer.endswith(b"\n")
