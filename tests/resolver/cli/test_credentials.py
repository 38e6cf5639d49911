"""`tetrad credential`, typed against a real service with a data folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from resolver.cli import tetrad
from tests.resolver.cli.conftest import Shell, start, stop

CODE = "(01)09506000134352(21)M-0017"
LABEL = (
    "issue", "NetworkSecurityLabel", "--device", CODE, "--until", "2099-01-01T00:00:00Z",
    "--claim", "scheme=cn-ccl", "--claim", "stars=2",
    "--claim", 'standards=["ETSI EN 303 645 V3.1.3"]',
    "--claim", "laboratory=Grid Lab", "--claim", "filing=CCL-2026-000117",
)  # fmt: skip


class Stage(NamedTuple):
    """A person with a meter and a laboratory that was accredited, and their service."""

    shell: Shell
    folder: Path
    lab: str
    grant: str

    def credential(self, *words: str) -> str:
        """`tetrad credential … --by "Grid Lab"`, which must work."""
        return self.shell.must("credential", *words, "--by", "Grid Lab").out

    def refused(self, *words: str) -> str:
        """Why `tetrad credential …` is refused."""
        outcome = self.shell("credential", *words)
        assert outcome.status == 1, outcome
        return outcome.err


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("served")
    process, url = start("--data", str(folder / "city"), ready=folder / "ready")
    yield url, folder / "city"
    assert stop(process)[2] == 0


@pytest.fixture(scope="module")
def stage(served: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Stage:
    url, city = served
    shell = Shell(tmp_path_factory.mktemp("person"), url)
    shell.must("trust", url, "--yes")
    shell.must("org", "create", "Acme Meters", "--prefix", "gtin:09506000")
    lab = shell.must("org", "create", "Grid Lab", "--json").json["did"]
    shell.must(
        "register", "--by", "Acme Meters", "--code", CODE, "--serial", "SN17", "--model", "M1",
        "--ipv6", "enabled",
    )  # fmt: skip
    granted = shell.must(
        "grant", "issue", "--wallet", str(city / "authority.wallet"), "--by", "authority",
        "--credential", "NetworkSecurityLabel", "--credential", "DeviceIdentity",
        "--prefix", "gtin:09506000", "--delegates", "1", "--to", lab, "--json",
    )  # fmt: skip
    return Stage(shell, city, lab, granted.json["grant"])


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder in which the commands are typed."""
    for name in ("TETRAD_PASSPHRASE", "TETRAD_PASSPHRASE_FILE", "TETRAD_URL", "TETRAD_WALLET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_from_the_grant_to_a_file_that_is_verified_offline(stage: Stage) -> None:
    assert stage.grant in stage.shell.must("grant", "list", "--holder", stage.lab).out
    said = stage.credential(*LABEL, "--out", "label.json")
    assert "✓ NetworkSecurityLabel urn:uuid:" in said
    verified = stage.shell.must("credential", "verify", "label.json", "--bundle", "label.bundle")
    assert f"may issue it by grant {stage.grant}" in verified.out
    assert "is the authority of the pinned genesis" in verified.out
    nobody = "http://127.0.0.1:9"
    again = stage.shell.must("credential", "verify", "label.bundle", "--url", nobody, "--json").json
    assert (again["type"], again["grants"]) == ("NetworkSecurityLabel", [stage.grant])
    told = stage.refused("verify", "label.bundle", "--ledger", again["grants"][0])
    assert "evidence.answer" in told  # another ledger than the one that was told


def test_kept_and_presented(stage: Stage, files: Path) -> None:
    stage.credential("issue", "DeviceIdentity", "--device", CODE, "--out", "id.json")
    stage.shell.must("credential", "keep", "id.json")
    assert "DeviceIdentity" in stage.shell.must("credential", "list", "--held").out
    stage.shell.must(
        "credential", "present", "--device", CODE, "--challenge", "n-1", "--domain", "lock.test",
        "--type", "DeviceIdentity", "--out", "shown.json",
    )  # fmt: skip
    shown = orjson.loads((files / "shown.json").read_bytes())
    assert shown["holder"] == shown["verifiableCredential"][0]["credentialSubject"]["id"]
    assert (shown["proof"]["challenge"], shown["proof"]["domain"]) == ("n-1", "lock.test")
    assert shown["proof"]["proofPurpose"] == "authentication"


def test_its_life(stage: Stage) -> None:
    issued = stage.credential(*LABEL, "--out", "label.json", "--json")
    name = orjson.loads(issued)["id"]
    stage.credential("suspend", name, "--reason", "doubts")
    assert "credential.suspended" in stage.refused("verify", "label.json")
    stage.credential("reinstate", name)
    stage.shell.must("credential", "verify", "label.json")
    stage.shell.must("status", "suspend", CODE, "--reason", "recall", "--by", "Acme Meters")
    assert "the device is suspended in the ledger" in stage.refused("verify", "label.json")
    assert f"{name} is suspended" in stage.credential("sync")
    stage.shell.must("status", "resume", CODE, "--reason", "fine", "--by", "Acme Meters")
    assert f"{name} is active" in stage.credential("sync")
    stage.credential("revoke", name, "--reason", "recalled")
    assert "credential.revoked" in stage.refused("verify", "label.json")
    assert f"revoked   {name}" in stage.credential("list")
    assert (stage.folder / "status-lists").exists()


def test_refusals_say_what_to_do(stage: Stage, files: Path) -> None:
    told = stage.refused("issue", "DataGradeFiling", "--device", CODE, "--by", "Grid Lab")
    assert "credential.accreditation" in told
    assert "hint: tetrad grant list --holder" in told
    assert "DeviceIdentity" in stage.refused(
        "issue", "Alumni", "--device", CODE, "--by", "Grid Lab"
    )
    assert "tetrad credential list" in stage.refused("reinstate", "none", "--by", "Grid Lab")
    (files / "x.json").write_text("[]")
    assert "input.schema" in stage.refused("verify", "x.json")
    for words in (
        ("grant", "issue", "--credential", "A", "--admit"),
        ("grant", "issue", "--prefix", "gtin:1", "--delegates", "1"),
        ("credential", "issue", "DeviceIdentity", "--device", CODE, "--claim", "x"),
    ):
        assert stage.shell(*words).status == 2


def test_every_verb_has_help(stage: Stage) -> None:
    verbs = ("issue", "verify", "keep", "present", "revoke", "suspend", "reinstate", "list", "sync")
    command = tetrad.get_command(None, "credential")  # type: ignore[arg-type]
    assert sorted(command.commands) == sorted(verbs)  # type: ignore[union-attr]
    for verb in verbs:
        assert "Usage" in stage.shell.must("credential", verb, "--help").out


def test_a_wrong_claim_is_pointed_at(stage: Stage) -> None:
    words = [word.replace("filing=CCL-2026-000117", "filing=17") for word in LABEL]
    refused = stage.refused(*words, "--by", "Grid Lab")
    assert "(at --claim filing)" in refused
    assert "--claim 'filing=\"17\"'" in refused.splitlines()[-1]
    words = [word.replace("filing=CCL-2026-000117", 'filing="17"') for word in LABEL]
    stage.credential(*words)


def test_a_device_shows_its_credential_as_it_authenticates(stage: Stage, tmp_path: Path) -> None:
    label = tmp_path / "label.json"
    stage.credential(*LABEL, "--out", str(label))
    shown = stage.shell.must("authenticate", "--as", CODE, "--credential", str(label))
    assert "shown: NetworkSecurityLabel" in shown.out
