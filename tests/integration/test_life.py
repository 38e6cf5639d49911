"""Keys through life with the command line and a service of its own, whose clock is put forward: a
recovery by the shares of two wallets, and a sale, seen by a client that asks for fresh answers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from identity.errors import StaleAnswer
from identity.wallet import Wallet
from resolver.client import Client
from tests.resolver.cli.conftest import Shell, start, stop
from tests.resolver.client.test_client import CODE, body

WEEK = 604_800


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    process, url = start("--ephemeral", "--test-clock", ready=tmp_path / "ready")
    yield url
    out, _, status = stop(process)
    assert "TEST CLOCK" in out
    assert status == 0


def advance(url: str, seconds: Any) -> httpx.Response:
    return httpx.post(f"{url}/v1/test-clock", json={"advance": seconds}, timeout=30)


def shell(tmp_path: Path, url: str, name: str) -> Shell:
    made = Shell(tmp_path / name, url)
    made.must("trust", url, "--yes")
    return made


def test_a_lost_wallet_is_recovered_by_the_shares_of_two_others(
    tmp_path: Path, service: str
) -> None:
    one, two, lost, fresh = (shell(tmp_path, service, n) for n in ("one", "two", "lost", "fresh"))
    shares = [one.must("recovery", "share", "--json").json for one in (one, two)]
    appointed = [f"--recovery-key={share['thumbprint']}" for share in shares]
    did = lost.must("org", "create", "Acme", *appointed, "--json").json["did"]
    named = [f"--key={share['key']}" for share in shares]
    paper = tmp_path / "paper"
    begin = ("recovery", "begin", did, *named)
    assert "right.signer_missing" in fresh(*begin).err
    assert "still to be signed" in fresh.must(*begin, "--pass-on", str(paper)).out
    for guardian in (one, two):
        paper.write_text(guardian.must("sign", str(paper), "--yes").out)
    two.must("send", str(paper))
    shown = fresh.must(*begin).out
    assert "as it was already" in shown
    assert "can come into force" in lost.must("recovery", "status", did).out
    early = fresh("recovery", "finish", did)
    assert early.status == 1
    assert "rule.time" in early.err
    assert advance(service, WEEK).json()["ahead"] == WEEK
    for one_of in (fresh, lost):
        one_of.environment["TETRAD_TEST_CLOCK"] = str(WEEK)
    assert "✓ recovered" in fresh.must("recovery", "finish", did).out
    fresh.must("org", "update", "--name", "Acme again")
    assert lost("org", "update", "--name", "Mine").status == 1


def test_a_device_is_sold_and_answers_are_as_fresh_as_is_asked(service: str) -> None:
    ahead = 0
    with Client(service, wallet=Wallet(os.urandom), clock=lambda: time.time() + ahead) as client:
        client.pin(client.introduce())
        acme = str(client.create_organization("Acme").did)
        client.issue_grant(acme, "prefix", {"scheme": "gtin", "prefix": "09506000"})
        recovery = {"threshold": 1, "keys": [client.wallet.new_key().multikey], "wait": WEEK}
        device = str(client.register_device(body(acme, recovery=recovery)).did)
        assert client.resolve(CODE, max_age=60).device["recovery"] != "none"
        beta = str(client.create_organization("Beta").did)
        assert advance(service, WEEK).status_code == 200
        for out_of_step in (0, 2 * WEEK):
            ahead = out_of_step
            with pytest.raises(StaleAnswer):
                client.resolve(CODE, max_age=60)
        ahead = WEEK
        assert client.resolve(CODE, max_age=60).did == device
        client.offer_device(device, beta, "2999-01-01T00:00:00Z")
        client.accept_device(device)
        assert client.resolve(CODE, max_age=60).device["controller"] == beta


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b'{"advance": -1}', 422),
        (b'{"advance": 1.5}', 422),
        (b'{"advance": true}', 422),
        (b'{"advance": 999999999999}', 422),
        (b'{"advance": 1, "advance": 2}', 400),
        (b'{"back": 1}', 422),
        (b"[]", 422),
        (b"{", 400),
    ],
)
def test_the_clock_takes_nothing_else(service: str, asked: bytes, status: int) -> None:
    headers = {"content-type": "application/json"}
    refused = httpx.post(f"{service}/v1/test-clock", content=asked, headers=headers, timeout=30)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert httpx.get(f"{service}/v1/test-clock", timeout=30).status_code == 405
    described = httpx.get(f"{service}/openapi.json", timeout=30).json()
    assert "/v1/test-clock" in described["paths"]


def test_no_other_service_has_one(tmp_path: Path) -> None:
    process, url = start("--ephemeral", ready=tmp_path / "ready")
    try:
        assert advance(url, 1).status_code == 404
        assert "/v1/test-clock" not in httpx.get(f"{url}/openapi.json", timeout=30).json()["paths"]
    finally:
        stop(process)
    bare = Shell(tmp_path / "home")
    public = bare("serve", "--ephemeral", "--test-clock", "--public")
    assert "this machine alone" in public.err
    bare.environment["TETRAD_PASSPHRASE"] = "a passphrase of mine"
    bare.must("init", "--data", str(tmp_path / "real"), "--permissioned", "--name", "Real")
    real = bare("serve", "--data", str(tmp_path / "real"), "--test-clock")
    assert real.status == 1
    assert "sandbox" in real.err


def test_a_clock_that_was_put_forward_does_not_go_back_with_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "city"
    process, url = start("--data", str(data), "--test-clock", ready=tmp_path / "ready")
    try:
        advance(url, WEEK)
        made = Shell(tmp_path / "one", url)
        made.environment["TETRAD_TEST_CLOCK"] = str(WEEK)
        made.must("trust", url, "--yes")
        made.must("org", "create", "Acme")
    finally:
        stop(process)
    process, url = start("--data", str(data), "--test-clock", ready=tmp_path / "again")
    try:
        shown = advance(url, 0)
        assert WEEK - 60 <= orjson.loads(shown.content)["ahead"] <= WEEK
    finally:
        stop(process)
