"""A fleet sent to a real service: every receipt it keeps holds, and a seed is played once."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from click.testing import CliRunner

from identity.did import tetrad_did
from identity.errors import KeyReused, MalformedInput, PolicyViolated, ServerUnreachable
from identity.members import format_time
from identity.operation import operation_hash
from resolver.cli import tetrad
from resolver.folder import DataFolder
from resolver.schemes import SCHEMES
from resolver.simulator.run import run_simulation
from resolver.trust import Trust
from resolver.verifier import verify_answer, verify_receipt
from tests.integration.server import Server


def lines_of(out: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in out.read_bytes().splitlines()]


def trust_in(server: Server) -> Trust:
    return Trust.begin(server.client.get("/.well-known/tetrad").json()["genesis"])


def accepted(server: Server) -> str:
    """How many operations the service has accepted, as it counts them."""
    (line,) = [
        line
        for line in server.client.get("/metrics").text.splitlines()
        if line.startswith('tetrad_operations_total{outcome="accepted"}')
    ]
    return line


@pytest.mark.parametrize("batch", [1, 16])
def test_every_line_of_the_output_proves_a_device(
    server: Server, tmp_path: Path, batch: int
) -> None:
    out, told = tmp_path / "fleet.ndjson", dict[str, tuple[int, int]]()

    def progress(what: str) -> Any:
        return lambda done, total: told.update({what: (done, total)})

    summary = run_simulation(
        server.address, 60, workers=4, seed=batch, out=out, batch=batch, progress=progress
    )
    assert summary.ok
    assert (summary.devices, sum(summary.profiles.values())) == (60, 60)
    assert summary.operations["device.register"] == 60
    assert told["devices"] == (60, 60)
    assert told["events"] == (summary.lived, summary.lived)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    trust, lines = trust_in(server), lines_of(out)
    assert len({line["did"] for line in lines}) == 60
    for line in lines:
        verified = verify_receipt(line["receipt"].encode(), line["operation"], trust.pinned)
        assert verified.index == line["index"]
        assert line["did"] == tetrad_did(trust.ledger, operation_hash(line["operation"]))
    for line in lines[:12]:
        scheme, value = line["code"]["scheme"], line["code"]["value"]
        if SCHEMES.is_committed(scheme):
            assert value not in str(line["operation"])
            continue
        asked = {"code": value, "scheme": scheme, "proof": "1"}
        answer = server.client.get("/v1/resolve", params=asked).json()
        answer = answer.get("answer", answer)  # of a device that was revoked since
        found = verify_answer(answer, trust.pinned, key=("code", scheme, value))
        assert found.did == line["did"]


def test_a_seed_is_played_once_on_a_ledger(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    run_simulation(server.address, 1, seed=77, living=False)
    # Within one second the operations would be the very same ones, and be repeated.
    later = format_time(int(time.time()) + 10)
    monkeypatch.setattr("resolver.simulator.run.created", lambda: later)
    with pytest.raises(KeyReused) as refused:
        run_simulation(server.address, 1, seed=77)
    assert "seed" in refused.value.hint


def test_without_a_seed_fleets_do_not_meet(server: Server) -> None:
    runs = [run_simulation(server.address, 9, living=False) for _ in range(2)]
    assert all(run.ok and run.devices == 9 for run in runs)
    assert runs[0].seed != runs[1].seed


def test_a_second_run_writes_below_the_first(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "fleet.ndjson"
    for seed in (901, 902):
        run_simulation(server.address, 3, seed=seed, out=out, living=False)
    assert len(lines_of(out)) == 6


@pytest.mark.parametrize(
    ("name", "value"),
    [("devices", 0), ("devices", 1_000_001), ("workers", 0), ("batch", 501), ("workers", 257)],
)
def test_arguments_have_bounds(server: Server, name: str, value: int) -> None:
    given: dict[str, Any] = {"devices": 1, name: value}
    before = accepted(server)
    with pytest.raises(MalformedInput, match=name):
        run_simulation(server.address, **given)
    assert accepted(server) == before


def test_an_output_that_cannot_be_written_is_said_before_devices_are_sent(
    server: Server, tmp_path: Path
) -> None:
    with pytest.raises(MalformedInput, match="cannot be written"):
        run_simulation(server.address, 1, out=tmp_path / "no" / "such" / "folder")


def test_a_run_has_an_end(server: Server) -> None:
    with pytest.raises(PolicyViolated, match="longer than"):
        run_simulation(server.address, 1_900, seconds=0.5)


def test_nobody_answers() -> None:
    with httpx.Client() as client, pytest.raises(httpx.ConnectError):
        client.get("http://127.0.0.1:9")  # the port of "discard": nobody listens
    with pytest.raises(ServerUnreachable, match="no answer"):
        run_simulation("http://127.0.0.1:9", 1)


def test_a_permissioned_ledger_is_left_in_peace(tmp_path: Path) -> None:
    folder = DataFolder.create(
        tmp_path / "nation", int(time.time()), mode="permissioned", passphrase=os.urandom(8).hex()
    )
    folder.close()
    with Server(tmp_path / "nation") as server:
        with pytest.raises(PolicyViolated, match="sandbox"):
            run_simulation(server.address, 1)
        server.client.get("/checkpoint").raise_for_status()  # the root of the genesis is there
        size = server.client.get("/v1/ledger/proofs/inclusion?index=0").json()["size"]
        last = server.client.get(f"/v1/ledger/entries/{size - 1}").json()
        assert (size, "operation" in last) == (2, False)


def test_the_command_tells_people_and_programs(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "fleet.ndjson"
    command = ["simulate", server.address, "--devices", "9", "--seed", "4711", "--out", str(out)]
    shown = CliRunner().invoke(tetrad, [*command, "--hostile"])
    assert shown.exit_code == 0, shown.output
    assert "✓ 9 devices registered" in shown.output
    assert "✓ forged signature: proof.invalid (as it should be)" in shown.output
    assert len(lines_of(out)) == 9
    told = CliRunner().invoke(tetrad, [*command[:4], "--batch", "4", "--json"])
    value = orjson.loads(told.stdout)
    assert (value["ok"], value["devices"]) == (True, 9)


def test_the_command_refuses_servers_elsewhere() -> None:
    refused = CliRunner().invoke(tetrad, ["simulate", "http://192.0.2.1", "--devices", "1"])
    assert refused.exit_code == 1
    assert "this machine alone" in refused.output
