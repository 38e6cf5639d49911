"""`--algorithm`: keys of other kinds through the commands, from an empty home to a proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.resolver.cli.conftest import Shell
from tests.resolver.cli.test_sessions import gtin, meters, prefix

PAIR = "Ed25519+ML-DSA-44"


def kinds(shell: Shell, code: str) -> list[str]:
    """Of the keys in a device's document, as anybody can read them."""
    document = shell.must("device", "document", code, "--json").json
    assert document["authentication"] == [one["id"] for one in document["verificationMethod"]]
    multikeys = [one["publicKeyMultibase"] for one in document["verificationMethod"]]
    return ["post-quantum" if one.startswith("u") else "classical" for one in multikeys]


def test_a_pair_through_its_life(shell: Shell) -> None:
    company = prefix()
    shell.must("org", "create", "Q", "--prefix", f"gtin:{company}", "--algorithm", PAIR)
    code = f"(01){gtin(company)}(21)X"
    described = ("--model", "M9", "--serial", company, "--code", code, "--ipv6", "enabled")
    shell.must("register", *described, "--algorithm", PAIR, "--json")
    shell.must("device", "update", code, "--sector", "governance/safety")
    shell.must("keys", "rotate", code)
    shell.must("keys", "rotate")
    assert kinds(shell, code) == ["classical", "post-quantum"]
    shown = shell("resolve", code, "--json")
    assert "✓ 1 of 1" in shell.must("verify", "-", stdin=shown.out).out


def test_two_rotations_move_a_device_to_a_pair(shell: Shell) -> None:
    company = prefix()
    shell.must("org", "create", "Q", "--prefix", f"gtin:{company}")
    code = f"(01){gtin(company)}(21)X"
    described = ("--model", "M9", "--serial", company, "--code", code, "--ipv6", "enabled")
    shell.must("register", *described, "--algorithm", "P-384", "--json")
    for expected in (["classical"], ["classical", "post-quantum"]):
        shell.must("keys", "rotate", code, "--algorithm", PAIR)
        assert kinds(shell, code) == expected


def test_a_batch_of_pairs(shell: Shell, tmp_path: Path) -> None:
    company = prefix()
    shell.must("org", "create", "Q", "--prefix", f"gtin:{company}")
    sheet, out = tmp_path / "meters.csv", tmp_path / "receipts"
    sheet.write_bytes(meters(company, 3))
    words = ("register", "--from", str(sheet), "--out", str(out), "--algorithm", PAIR)
    assert "3/3" in shell.must(*words).out
    assert out.read_text(encoding="utf-8").count("mldsa44-jcs-2024") == 3
    assert kinds(shell, f"(01){gtin(company)}(21)M-0000") == ["classical", "post-quantum"]


@pytest.mark.parametrize("algorithm", ["ML-DSA-65", "P-384", "SM2", PAIR])
def test_keys_are_drawn_for_an_operation_by_hand(shell: Shell, algorithm: str) -> None:
    drawn = shell.must("keys", "new", "--algorithm", algorithm, "--json").json
    assert len(drawn["keys"]) == len(drawn["next"]) == len(algorithm.split("+"))


def test_an_unknown_algorithm_is_refused_with_the_known_ones(shell: Shell) -> None:
    refused = shell("keys", "new", "--algorithm", "RSA")
    assert refused.status == 2
    assert "ML-DSA-44" in refused.err
