"""`tetrad registry …` against a real service over a folder, and receipts across a rotation."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.resolver.cli.conftest import Shell, start, stop


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registry") / "city"


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[str]:
    """The address of a sandbox over that folder."""
    process, url = start("--data", str(folder), ready=folder.parent / "ready")
    yield url
    stop(process)


def fleet(shell: Shell, folder: Path) -> str:
    """A device's code."""
    shell.must("org", "create", "Acme", "--prefix", "gtin:09506000")
    rows = "model,serial,code,number,ipv6\nM1,SN1,(01)09506000134352(21)M-1,1440012345678,enabled\n"
    out = str(folder.parent / "done.ndjson")
    shell.must("register", "--from", "-", "--out", out, stdin=rows)
    return "(01)09506000134352(21)M-1"


def test_a_rotation_from_the_operators_seat(shell: Shell, folder: Path, tmp_path: Path) -> None:
    code = fleet(shell, folder)
    before = shell.must("device", "receipt", code, "--json").json
    (tmp_path / "before.json").write_bytes(orjson.dumps(before))
    # Another person, who stays away for a while.
    shutil.copytree(shell.home / ".tetrad", tmp_path / "away" / ".tetrad")

    data = ["--data", str(folder)]
    done = shell.must("registry", "update", "--rotate-log-keys", *data)
    entry = int(re.search(r"✓ log replaced, entry (\d+)", done.out)[1])  # type: ignore[index]
    assert f"every tree of {entry + 2} entries or more" in done.out
    assert "copy of log.key" in done.out
    assert f"add-log --data DIR {shell.url}" in done.out
    shell.must("org", "update", "--name", "Acme International")
    again = shell.must("registry", "update", "--rotate-log-keys", *data, "--json").json
    assert again["changed"] == ["log"]

    witness = ["--data", str(tmp_path / "w")]
    shell.must("witness", "init", *witness, "--name", "w.example/1")
    told = shell.must("witness", "add-log", *witness, shell.url, "--json").json

    shown = shell.must("registry", "show", "--json").json
    assert [one["vkey"] for one in told["logs"]] == shown["logKeys"][-1]["keys"]
    sizes = [1, entry + 2, again["index"] + 2]
    assert [one["fromSize"] for one in shown["logKeys"]] == sizes
    assert f"log keys from {sizes[2]} entries on" in shell.must("registry", "show").out
    assert len({key for one in shown["logKeys"] for key in one["keys"]}) == 6

    # The receipt of before verifies offline, and is given again under today's keys.
    assert "✓ 1 of 1" in shell.must("verify", str(tmp_path / "before.json")).out
    for more in ([], ["--witnessed"]):
        receipt = shell.must("device", "receipt", code, *more, "--json")
        assert receipt.json["index"] == before["index"]
        assert "✓ 1 of 1" in shell.must("verify", "-", stdin=receipt.out).out
    assert "2 registry.update" in shell.must("audit", shell.url).out

    away = Shell(tmp_path / "away", shell.url)
    refused = away("verify", "-", stdin=receipt.out)
    assert refused.status == 1
    assert "[evidence.checkpoint]" in refused.err
    assert "keys were replaced meanwhile" in refused.err
    away.must("resolve", code)  # and so it learns of both rotations
    assert "✓ 1 of 1" in away.must("verify", "-", stdin=receipt.out).out


def test_a_policy_and_witnesses_from_files(shell: Shell, folder: Path, tmp_path: Path) -> None:
    policy = {"created": {"past": 3600, "future": 60}, "ipv6": "optional", "prefixes": 4}
    (tmp_path / "policy.json").write_bytes(orjson.dumps(policy))
    (tmp_path / "witnesses").write_text("# none yet\nquorum none\n")
    wallet = ["--wallet", str(folder / "authority.wallet")]
    words = ["--policy", str(tmp_path / "policy.json"), "--witnesses", str(tmp_path / "witnesses")]
    done = shell.must("registry", "update", *words, *wallet)
    assert "✓ policy, witnesses replaced" in done.out
    shown = shell.must("registry", "show")
    assert '"ipv6":"optional"' in shown.out
    assert "quorum none" in shown.out
    (tmp_path / "broken").write_text("quorum nobody\n")
    refused = shell("registry", "update", "--witnesses", str(tmp_path / "broken"), *wallet)
    assert refused.status == 1
    assert "line 1 of the policy" in refused.err


def test_a_power_cut_right_after_a_rotation_loses_nothing(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "city")]
    process, url = start(*data, ready=tmp_path / "ready")
    shell = Shell(tmp_path, url)
    shell.must("trust", url, "--yes")
    done = shell.must("registry", "update", "--rotate-log-keys", *data, "--json").json
    process.kill()
    process.communicate()
    (tmp_path / "ready").unlink()
    process, url = start(*data, ready=tmp_path / "ready")
    try:
        again = Shell(tmp_path, url)
        again.must("trust", url, "--yes")
        again.must("org", "create", "Acme")
        shown = again.must("registry", "show", "--json").json
        assert [one["fromSize"] for one in shown["logKeys"]] == [1, done["index"] + 2]
    finally:
        stop(process)
    assert "1 registry.update" in again.must("audit", str(tmp_path / "city")).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--rotate-log-keys, --policy or --witnesses"),
        (["--rotate-log-keys"], "--data DIR"),
        (["--rotate-log-keys", "--data", "/nowhere"], "no wallet at"),
    ],
)
def test_what_is_missing_is_said(shell: Shell, words: list[str], said: str) -> None:
    outcome = shell("registry", "update", *words)
    assert outcome.status != 0
    assert said in outcome.err


def test_nobody_else_updates_the_registry(shell: Shell, folder: Path, tmp_path: Path) -> None:
    """Who has no keys of the authority is told so before anything is drawn."""
    shell.must("org", "create", "Thief", "--json")
    (tmp_path / "witnesses").write_text("quorum none\n")
    secrets = (folder / "log.key").read_bytes()
    outcome = shell("registry", "update", "--witnesses", str(tmp_path / "witnesses"))
    assert outcome.status == 1
    assert "holds no keys" in outcome.err
    assert (folder / "log.key").read_bytes() == secrets


def test_help_says_what_a_rotation_means(shell: Shell) -> None:
    said = " ".join(shell.must("registry", "update", "--help").out.split())
    assert "the old keys sign nothing that comes after" in said
