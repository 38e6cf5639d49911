"""The service as a process: it starts, is stopped and killed, and forgets nothing it answered."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from identity.errors import Unavailable
from identity.jcs import canonicalize
from registry.checkpoint import Checkpoint, open_checkpoint
from registry.entry import join_entry
from registry.merkle import check_consistency, check_inclusion, leaf_hash
from registry.note import VerifierKey, decode64
from registry.receipt import TlogProof
from resolver.app import serve
from resolver.folder import DataFolder
from resolver.settings import Settings
from tests.factory import NOW
from tests.integration.server import Server, Visitor


def log_keys(visitor: Visitor) -> list[VerifierKey]:
    return [VerifierKey.parse(vkey) for vkey in visitor.description["log"]["vkeys"]]


def check_receipt(text: str, submission: bytes, keys: list[VerifierKey]) -> Checkpoint:
    receipt = TlogProof.parse(text.encode())
    tree = open_checkpoint(receipt.checkpoint, keys).checkpoint
    operation = canonicalize(orjson.loads(submission)["operation"])
    leaf = leaf_hash(join_entry(receipt.extra, operation))
    check_inclusion(receipt.hashes, receipt.index, tree.size, leaf, tree.root)
    return tree


def test_a_fleet_is_registered_and_resolved_over_a_real_connection(server: Server) -> None:
    visitor = Visitor(server)
    acme = visitor.acme()
    lines = visitor.submissions(acme, 300)
    answers = visitor.batch(lines)
    assert {answer["status"] for answer in answers} == {201}
    keys = log_keys(visitor)
    for line, answer in zip(lines, answers, strict=True):
        check_receipt(answer["receipt"], line, keys)
    code = orjson.loads(lines[7])["operation"]["body"]["code"]["value"]
    found = server.client.get("/v1/resolve", params={"code": code}).json()
    assert found["device"]["did"] == answers[7]["did"]
    for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/checkpoint"):
        assert server.client.get(path).status_code == 200, path


def test_raw_paths_keep_their_meaning(server: Server) -> None:
    did = Visitor(server).description["authority"]
    encoded = did.replace(":", "%3A")
    for path in (did, encoded):
        assert server.client.get(f"/1.0/identifiers/{path}").json()["didDocument"]["id"] == did
    assert server.client.get("/tile/0/000%2Ep/1").status_code == 400


def test_the_ledger_outlives_its_process_and_grows_on(tmp_path: Path) -> None:
    server = Server(tmp_path / "city")
    with server:
        visitor = Visitor(server)
        acme = visitor.acme()
        lines = visitor.submissions(acme, 40)
        before = visitor.batch(lines)
        old = open_checkpoint(server.client.get("/checkpoint").content, log_keys(visitor))
    # It was published at the end: what is kept covers all that was committed, and ends in a root.
    kept = int((server.folder / "checkpoint").read_bytes().splitlines()[1])
    assert kept > max(answer["index"] for answer in before) + 1
    with server:
        again = visitor.batch(lines)
        assert [answer["status"] for answer in again] == [200] * 40
        assert [answer["index"] for answer in again] == [answer["index"] for answer in before]
        for line, answer in zip(lines, again, strict=True):
            check_receipt(answer["receipt"], line, log_keys(visitor))
        last = visitor.batch(visitor.submissions(acme, 10, start=40))[-1]
        assert last["index"] >= kept
        tree = check_receipt(before[0]["receipt"], lines[0], log_keys(visitor))
        grown = TlogProof.parse(last["receipt"].encode()).checkpoint
        new = open_checkpoint(grown, log_keys(visitor)).checkpoint
        for before_it in (tree, old.checkpoint):
            sizes = before_it.size, new.size
            shown = server.client.get(
                "/v1/ledger/proofs/consistency",
                params=dict(zip(("from", "to"), sizes, strict=True)),
            ).json()
            hashes = [decode64(one) for one in shown["hashes"]]
            check_consistency(hashes, *sizes, before_it.root, new.root)


class Load(threading.Thread):
    """Posts batches until the server goes away; remembers what was acknowledged."""

    def __init__(self, server: Server, batches: list[list[bytes]]) -> None:
        super().__init__()
        self.server = server
        self.batches = batches
        self.acknowledged: dict[bytes, dict[str, Any]] = {}
        self.begun = threading.Event()

    def run(self) -> None:
        with httpx.Client(base_url=self.server.address, timeout=30) as client:
            for lines in self.batches:
                try:
                    response = client.post(
                        "/v1/operations",
                        content=b"\n".join(lines),
                        headers={"content-type": "application/x-ndjson"},
                    )
                except httpx.HTTPError:
                    return
                if response.status_code != 200:
                    return
                answers = [orjson.loads(line) for line in response.content.splitlines()]
                self.acknowledged |= {
                    line: answer
                    for line, answer in zip(lines, answers, strict=True)
                    if answer["status"] == 201
                }
                self.begun.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path, number: int) -> None:
    server = Server(tmp_path / "city")
    with server:
        visitor = Visitor(server)
        acme = visitor.acme()
        lines = visitor.submissions(acme, 400)
        keys = log_keys(visitor)
        load = Load(server, [lines[start : start + 20] for start in range(0, 400, 20)])
        load.start()
        assert load.begun.wait(30)
        server.signal(number)
        status = server.process.wait(60)
        assert status == (0 if number != signal.SIGKILL else -signal.SIGKILL)
        load.join(60)
    assert load.acknowledged
    with server:
        known = list(load.acknowledged)
        again = visitor.batch(known)
        assert {answer["status"] for answer in again} == {200}
        for line, answer in zip(known, again, strict=True):
            assert answer["index"] == load.acknowledged[line]["index"]
            check_receipt(answer["receipt"], line, keys)
        left = [line for line in lines if line not in load.acknowledged]
        assert {answer["status"] for answer in visitor.batch(left)} <= {200, 201}


def test_a_second_process_is_refused_the_folder(tmp_path: Path) -> None:
    with Server(tmp_path / "city") as server:
        second = Server(tmp_path / "city")
        second._ready = tmp_path / "second.ready"
        with pytest.raises(RuntimeError, match="ended with 1"):
            second.start()
        assert server.client.get("/readyz").status_code == 200


def test_an_address_that_is_taken_is_told_and_the_folder_let_go(
    server: Server, tmp_path: Path
) -> None:
    site = DataFolder.create(tmp_path / "city", NOW)
    with pytest.raises(Unavailable) as refused:
        serve(Settings(checkers=0), site, port=server.port)
    assert str(server.port) in refused.value.detail
    DataFolder.open(tmp_path / "city").close()


def test_checkers_end_with_the_service_and_stay_small(tmp_path: Path) -> None:
    with Server(tmp_path / "ephemeral", checkers=2) as server:
        visitor = Visitor(server)
        visitor.batch(visitor.submissions(visitor.acme(), 300))
        listed = subprocess.run(
            ["ps", "-o", "pid=,rss=", "--ppid", str(server.process.pid)],
            capture_output=True,
            text=True,
            check=True,
        )
        children = [line.split() for line in listed.stdout.splitlines()]
        assert len(children) == 2
        assert max(int(resident) for _, resident in children) < 60 * 1024
        server.kill()
        for pid, _ in children:
            gone = ["tail", "--pid", pid, "-f", "/dev/null"]
            subprocess.run(gone, check=True, timeout=30)
