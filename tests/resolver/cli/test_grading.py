"""`tetrad data …`: shown by grade, committed to, recorded, erased."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import orjson

from tests.resolver.cli.conftest import Shell
from tests.resolver.cli.test_authenticating import device

SECRET = "the-curve-of-house-17"


def record(path: Path, version: int, grade: str, **members: Any) -> str:
    """A data record in a file."""
    value = {
        "describes": "Load curve",
        "schema": "https://acme.example/schemas/load-1.json",
        "version": version,
        "grade": grade,
        "content": {"curve": SECRET},
        **members,
    }
    path.write_bytes(orjson.dumps(value))
    return str(path)


def test_data_through_its_life(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    code, did = device(shell)
    shell.must("device", "update", code, "--data", record(file, 1, "general"))
    shown = shell.must("data", "show", code)
    assert SECRET in shown.out
    assert "commits to, proved" in shown.out

    policy = {"credentials": [{"type": "NetworkAccessLicence"}], "parties": [did]}
    shell.must("device", "update", code, "--data", record(file, 2, "important", policy=policy))
    found = shell.must("data", "show", code, "--json").json  # as the only organization
    assert found["content"] == {"curve": SECRET}
    assert found["data"]["policy"] == policy
    shell.must("data", "show", code, "--as", code)
    log = shell.must("data", "log", code, "--json").json
    assert [one["as"] for one in log["shown"]["records"]] == ["controller", "party"]
    assert "2 in one chain" in shell.must("data", "log", code).out

    shell.must("org", "create", "Beta")
    refused = shell("data", "show", code, "--as", "Beta")
    assert refused.status == 1
    assert "[data.withheld]" in refused.err
    assert SECRET not in refused.out + refused.err
    asked = shell("data", "erase", code, "--as", "Acme Meters")
    assert asked.status == 2, "nobody is there to be asked"
    erased = shell.must("data", "erase", code, "--as", "Acme Meters", "--yes")
    assert "✓ erased: 1" in erased.out
    gone = shell("data", "show", code, "--as", "Acme Meters")
    assert "[data.erased]" in gone.err
    assert shell.must("resolve", code).status == 0
    shell.must("data", "erase", code, "--as", "Acme Meters", "--of", "serial", "--yes")


def test_core_data_stays_where_it_is(shell: Shell, tmp_path: Path) -> None:
    file, kept = record(tmp_path / "data.json", 1, "core"), tmp_path / "disclosure"
    code, _ = device(shell)
    refused = shell("device", "update", code, "--data", file)
    assert refused.status == 1
    assert "tetrad data commit" in refused.err
    committed = shell.must("data", "commit", file, "--keep", str(kept))
    assert SECRET not in committed.out
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    again = shell("data", "commit", file, "--keep", str(kept))
    assert again.status == 1, "a disclosure that is kept is not written over"
    shell.must("device", "update", code, "--data", "-", stdin=committed.out)
    withheld = shell("data", "show", code)
    assert "[data.withheld]" in withheld.err
    shown = shell.must("data", "show", code, "--disclosure", kept.read_text().strip())
    assert SECRET in shown.out
