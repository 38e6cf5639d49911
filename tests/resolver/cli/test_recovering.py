"""`--recovery-key`, where a subject begins, and `--also-known-as`; against real services."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.resolver.cli.conftest import Shell, start, stop
from tests.resolver.cli.test_sessions import acme, gtin

PASSPHRASE = {"TETRAD_PASSPHRASE": "correct horse battery"}


def share(shell: Shell) -> tuple[str, str]:
    """The key and the thumbprint of a recovery key that this person keeps."""
    shown = shell.must("recovery", "share", "--json").json
    return shown["key"], shown["thumbprint"]


def register(shell: Shell, *words: str) -> str:
    """A registered device's code."""
    code = f"(01){gtin(acme(shell))}(21)R"
    device = ("--model", "M1", "--serial", "R", "--ipv6", "enabled", "--code", code)
    shell.must("register", *device, *words)
    return code


def test_a_device_whose_keys_are_lost_is_recovered(shell: Shell) -> None:
    keys = [share(shell)[1] for _ in range(3)]
    quorum = [word for one in keys for word in ("--recovery-key", one)]
    code = register(shell, *quorum, "--wait", "0")
    assert "2 of 3 keys, after 0 s" in shell.must("recovery", "status", code).out
    before = shell.must("device", "show", code, "--json").json["device"]["keys"]
    shell.must("recovery", "begin", code)
    shell.must("recovery", "finish", code)
    after = shell.must("device", "show", code, "--json").json["device"]["keys"]
    assert before != after
    shell.must("authenticate", "--as", code)


def test_a_device_without_a_quorum_is_told_so(shell: Shell) -> None:
    refused = shell("recovery", "begin", register(shell))
    assert refused.status == 1
    assert refused.err.splitlines()[-1].startswith("hint: ")


def test_many_devices_do_not_share_recovery_keys(shell: Shell, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("model,serial,code\nM1,1,x\n")
    words = ("register", "--from", str(rows), "--dry-run", "--recovery-key", share(shell)[1])
    assert shell(*words).status == 2


def test_the_authority_is_recovered_by_those_it_appointed(shell: Shell, tmp_path: Path) -> None:
    shell.environment |= PASSPHRASE
    shares = [share(shell) for _ in range(2)]
    wallet = next((tmp_path / ".tetrad").rglob("wallet"))
    city = str(tmp_path / "city")
    quorum = [word for _, one in shares for word in ("--recovery-key", one)]
    shell.must("init", "--data", city, "--permissioned", *quorum, "--wait", "0")
    process, url = start("--data", city, ready=tmp_path / "ready")
    try:
        shell.must("trust", url, "--yes")
        assert "2 of 2 keys" in shell.must("recovery", "status", "authority", "--url", url).out
        named = [word for key, _ in shares for word in ("--key", key)]
        asked, signed = tmp_path / "asked", tmp_path / "signed"
        begin = ("recovery", "begin", "authority", *named, "--pass-on", str(asked), "--url", url)
        shell.must(*begin)
        signed.write_text(shell.must("sign", str(asked), "--wallet", str(wallet)).out)
        shell.must("send", str(signed), "--url", url)
        finished = shell.must("recovery", "finish", "authority", "--url", url)
        assert "✓ recovered" in finished.out
    finally:
        stop(process)


@pytest.mark.parametrize("kind", ["organization", "device"])
def test_a_subject_names_the_did_bid_of_its_key(shell: Shell, kind: str) -> None:
    if kind == "device":
        name = register(shell, "--also-known-as", "did:bid")
        verb, show = ("device", "update", name), ("device", "show", name, "--json")
    else:
        name = shell.must("org", "create", "Bid", "--also-known-as", "did:bid", "--json").json[
            "did"
        ]
        verb, show = ("org", "update", "Bid"), ("org", "show", name, "--json")

    def names() -> list[str]:
        shown = shell.must(*show).json
        known: list[str] = shown.get("device", shown).get("alsoKnownAs", [])
        return known

    (first,) = names()
    assert first.startswith("did:bid:ef")
    shell.must(*verb, "--also-known-as", "none")
    assert names() == []
    shell.must(*verb, "--also-known-as", "did:bid")
    assert names() == [first]
    other = "did:bid:efJgt44mNDewKK1VEN454R17cjso3mSG"
    assert "[right.missing]" in shell(*verb, "--also-known-as", other).err
