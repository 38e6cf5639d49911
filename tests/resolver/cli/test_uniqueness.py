"""A ledger whose keyed hashes can be proved, from `tetrad init` to the audit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from identity.disclosure import NUMBER, open_disclosure
from identity.multibase import base64url_decode
from registry.uniqueness import ECVRF, HMAC, verify_shown
from tests.factory import disclosed
from tests.resolver.cli.conftest import Outcome, Shell, start, stop

SCHEME, VALUE, FREE = "msisdn-cn-iot", "1440000000017", "1440000000018"


def ask(url: str, disclosure: str) -> httpx.Response:
    question = {"disclosure": disclosure, "scheme": SCHEME, "proof": True}
    return httpx.post(f"{url}/v1/resolve", json=question)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where such a ledger was begun."""
    Shell(tmp_path).must("init", "--data", str(tmp_path / "city"), "--uniqueness", ECVRF)
    return tmp_path / "city"


@pytest.fixture
def served(folder: Path, tmp_path: Path) -> Iterator[str]:
    """Its address, while it is served, with a checker."""
    words = ("--data", str(folder), "--uniqueness", ECVRF)
    process, url = start(*words, ready=tmp_path / "ready", TETRAD_CHECKERS="1")
    yield url
    stop(process)


def register(person: Shell, name: str) -> Outcome:
    """A batch of one device, with the number, through the checker."""
    row = f"M1,S-{name},(01)09506000134352(21){name},{VALUE},enabled"
    source = person.home / f"{name}.csv"
    source.write_text(f"model,serial,code,number,ipv6\n{row}\n")
    return person("register", "--from", str(source), "--out", str(source.with_suffix(".ndjson")))


def test_a_number_is_registered_once_found_proved_and_audited(served: str, tmp_path: Path) -> None:
    person, url = Shell(tmp_path), served
    person.must("trust", url, "--yes")
    member = httpx.get(f"{url}/.well-known/tetrad").json()["genesis"]["body"]["uniqueness"]
    person.must("org", "create", "Acme", "--prefix", "gtin:09506000")
    assert register(person, "M-1").status == 0
    refused = register(person, "M-2")
    assert refused.status == 1
    assert "the number is active on another device" in refused.out + refused.err
    done = orjson.loads((tmp_path / "M-1.ndjson").read_bytes())
    (opened,) = [one for one in done["disclosures"] if open_disclosure(one).name == NUMBER]
    found = person.must("resolve", "--disclosure", opened, "--scheme", SCHEME, "--json").json
    answer = ask(url, opened).json()
    assert answer["device"]["did"] == done["did"] == found["did"]
    hashed = verify_shown(member, "number", SCHEME, VALUE, answer["unique"])[2]
    assert hashed == answer["device"]["number"]["unique"]
    missing = ask(url, disclosed(NUMBER, FREE).encoded).json()
    assert missing["code"] == "not_found"
    assert verify_shown(member, "number", SCHEME, FREE, missing["unique"])[2] != hashed
    audited = person.must("audit", url, "--json").json
    assert audited["operations"]["device.register"] == 1


def test_a_ledger_keeps_the_function_of_its_genesis(folder: Path, tmp_path: Path) -> None:
    refused = Shell(tmp_path)("serve", "--data", str(folder), "--uniqueness", HMAC)
    assert refused.status == 2
    assert f"has {ECVRF}, from its genesis on" in refused.err


def test_another_secret_than_the_genesis_names_is_refused(folder: Path, tmp_path: Path) -> None:
    """Its numbers would all look free."""
    kept = orjson.loads((folder / "log.key").read_bytes())
    assert len(base64url_decode(kept["uniqueness"])) == 32
    for change in ({"uniqueness": "A" * 43}, {"uniqueness_alg": HMAC}):
        (folder / "log.key").write_bytes(orjson.dumps({**kept, **change}))
        refused = Shell(tmp_path)("serve", "--data", str(folder))
        assert refused.status == 1
        assert "log.key holds another key of uniqueness" in refused.err
