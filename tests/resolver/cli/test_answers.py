"""`tetrad resolve`, `trust` and `verify`: what is proved, under which keys, and how old it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from registry.checkpoint import OpenedCheckpoint
from registry.policy import Policy
from resolver.freshness import Age, age_of
from tests.resolver.cli.conftest import Shell
from tests.resolver.cli.test_sessions import acme, gtin, meters, prefix
from tests.witnesses import policy

OLD = r"\d+ s old by the log's own clock"


class Known(NamedTuple):
    """A person, and a device that they have registered."""

    shell: Shell
    code: str
    did: str


@pytest.fixture
def known(shell: Shell) -> Known:
    code = f"(01){gtin(acme(shell))}(21)X"
    words = ("--model", "M1", "--serial", code, "--ipv6", "enabled", "--code", code)
    return Known(shell, code, shell.must("register", *words, "--json").json["did"])


def test_what_a_number_is_asked_for_with_is_shown_at_once(shell: Shell) -> None:
    code = f"(01){gtin(acme(shell))}(21)N"
    words = ("--model", "M1", "--serial", code, "--ipv6", "enabled", "--code", code)
    out = shell.must("register", *words, "--number", "msisdn-cn-iot:1440012345678").out
    (shown,) = [line.split()[1] for line in out.splitlines() if "disclosure " in line]
    found = shell.must("resolve", "--disclosure", shown, "--scheme", "msisdn-cn-iot", "--json")
    assert found.json["did"] in out


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is asked for is 1,000 seconds older than it is."""

    def older(opened: OpenedCheckpoint, asked: Policy | None, now: int) -> Age:
        return age_of(opened, asked, now + 1000)

    with monkeypatch.context() as patched:
        patched.setattr("resolver.client.seeing.age_of", older)
        yield


def nobody() -> str:
    """A code under a prefix that nobody holds."""
    return f"(01){gtin(prefix())}(21)NOBODY"


def test_what_is_not_there_is_proved_not_to_be(shell: Shell) -> None:
    absent = shell("resolve", nobody())
    assert (absent.status, absent.out) == (1, "")
    first, hint, proved = absent.err.splitlines()
    assert first == "Refused: no device bears this  [not_found]"
    assert hint.startswith("hint: ")
    assert re.fullmatch(rf"  ✓ there is none: proved by the state of entry \d+, {OLD}", proved)


def test_a_program_is_told_that_it_is_proved(shell: Shell) -> None:
    absent = shell("resolve", nobody(), "--json")
    assert (absent.status, absent.err) == (1, "")
    told = absent.json
    assert (told["code"], told["proved"], told["datedBy"]) == ("not_found", True, "log")
    assert told["age"] >= 0
    root = orjson.loads(orjson.dumps(told["proof"]["state"]["entry"]))
    assert root["index"] == told["stateRoot"]


def test_what_nobody_proves_is_said_to_be_the_registrys_word(shell: Shell) -> None:
    absent = shell("resolve", "00:1B:44:11:3A:B7", "--scheme", "eui48")
    assert absent.status == 1
    assert absent.err.splitlines()[-1] == (
        "  – that there is none is the registry's word: nothing here proves it"
    )
    told = shell("resolve", "00:1B:44:11:3A:B7", "--scheme", "eui48", "--json").json
    assert "proved" not in told


@pytest.mark.usefixtures("later")
def test_an_answer_that_is_too_old_is_refused(known: Known) -> None:
    shell = known.shell
    for asked in (known.code, known.did, nobody()):
        refused = shell("resolve", asked, "--max-age", "900")
        assert refused.status == 1
        assert "[evidence.stale]" in refused.err
    assert re.search(OLD, shell.must("resolve", known.code).out)
    assert shell("resolve", known.code, "--max-age", "2000", "--json").json["verified"][
        "checkpoint"
    ]["age"] in range(1000, 1100)


def test_a_policy_is_kept_asked_for_and_let_go_of(known: Known, tmp_path: Path) -> None:
    """The service of this module asks no witness, so that no quorum is ever met."""
    shell = known.shell
    asks = tmp_path / "policy"
    asks.write_text(policy("witness w1 {w1}", "quorum w1").format())
    refused = shell("trust", shell.url, "--policy", str(asks))
    assert refused.status == 1
    assert "[evidence.witnesses]" in refused.err
    shell.must("resolve", known.code)  # what was refused is not kept
    for asked in (known.code, nobody()):
        assert "[evidence.witnesses]" in refused_under(shell, asks, asked)
    emptied = tmp_path / "nothing"
    emptied.write_text("")
    pinned = shell.must("trust", shell.url, "--policy", str(emptied), "--json").json
    assert pinned["quorum"] is None
    assert "– witnesses: none asked for" in shell.must("resolve", known.code).out


def refused_under(shell: Shell, asks: Path, asked: str) -> str:
    """What `resolve` says while the pinned ledger has a policy."""
    trust = shell.home / ".tetrad" / "ledgers"
    (file,) = trust.glob("*/trust.json")
    kept: dict[str, Any] = orjson.loads(file.read_bytes())
    file.write_bytes(orjson.dumps({**kept, "witnesses": asks.read_text()}))
    refused = shell("resolve", asked)
    assert refused.status == 1
    return refused.err


def test_a_policy_that_is_none_changes_nothing(known: Known, tmp_path: Path) -> None:
    bad = tmp_path / "policy"
    bad.write_text("quorum nobody\n")
    refused = known.shell("trust", known.shell.url, "--policy", str(bad))
    assert refused.status == 1
    assert "[input.policy]" in refused.err
    known.shell.must("resolve", known.code)


def test_a_bundle_is_verified_by_who_was_never_online(known: Known, tmp_path: Path) -> None:
    file = tmp_path / "device.bundle"
    known.shell.must("resolve", known.code, "--bundle", str(file))
    ledger = known.shell.must("verify", str(file), "--json").json["ledger"]
    stranger = Shell(tmp_path / "stranger")
    unknown = stranger("verify", str(file))
    assert unknown.status == 1
    assert "not trusted yet" in unknown.err
    told = stranger.must("verify", str(file), "--ledger", ledger).out.splitlines()
    assert told[0].startswith("  ✓ 1 of 1 in the ledger ")
    assert told[1] == f"  ACTIVE  {known.did}"
    assert told[2] == f"  ✓ ledger {ledger}"
    assert re.fullmatch(
        r"  ✓ checkpoint over \d+ entries, keys of the log: (\S+\+[0-9a-f]{8}, ){1}\S+", told[3]
    )
    assert told[4] == "  – witnesses: none asked for"
    assert re.fullmatch(r"  ✓ the newest record, by the state of entry \d+", told[5])
    assert told[6].startswith(f"  ✓ signed by {known.did}, did:tetrad:")
    assert re.fullmatch(f"  – {OLD}", told[7])
    borne = known.shell.must("resolve", known.code, "--json").json["readAs"]["value"]
    assert told[8] == f"  ✓ its code: gs1 {borne}"
    assert "what came later is not known here" in told[9]
    other = stranger("verify", str(file), "--ledger", "zQm" + "1" * 44)
    assert other.status == 1
    assert "[evidence.answer]" in other.err
    assert not (tmp_path / "stranger" / ".tetrad").exists()


def test_an_answer_about_the_past_is_not_told_as_the_present(known: Known, tmp_path: Path) -> None:
    """A bundle from before a revocation must not pass for what holds now."""
    file = tmp_path / "device.bundle"
    shown = known.shell.must("resolve", known.code, "--json").json
    then = shown["device"]["updated"]["time"]
    spoken = known.shell.must("resolve", known.code, "--at", then, "--bundle", str(file)).out
    assert f"the newest at {then}" in spoken
    assert "the newest there is" not in spoken
    told = known.shell.must("verify", str(file)).out
    assert f"as it was at {then}, and not as it is now" in told
    assert f"the newest record at {then}" in told
    assert known.shell.must("verify", str(file), "--json").json["asOf"] == then


def test_verify_is_as_strict_as_it_is_asked_to_be(
    known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, asks = tmp_path / "device.bundle", tmp_path / "policy"
    known.shell.must("resolve", known.code, "--bundle", str(file))
    asks.write_text(policy("witness w1 {w1}", "quorum w1").format())
    refused = known.shell("verify", str(file), "--policy", str(asks))
    assert refused.status == 1
    assert "[evidence.witnesses]" in refused.err
    known.shell.must("verify", str(file), "--max-age", "900")
    monkeypatch.setitem(known.shell.environment, "TETRAD_TEST_CLOCK", "1000")
    old = known.shell("verify", str(file), "--max-age", "900")
    assert old.status == 1
    assert "[evidence.stale]" in old.err
    assert known.shell.must("verify", str(file), "--json").json["age"] >= 1000


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("answer", "device", "status"), "revoked"),
        (("answer", "proof", "checkpoint"), ""),
        (("answer", "proof", "records"), []),
        (("key",), ["code", "gs1", "https://id.gs1.org/01/0/21/X"]),
        (("bundle",), 2),
        (("genesis",), {}),
        (("updates",), [{}]),
    ],
)
def test_a_bundle_that_was_changed_is_refused(
    known: Known, tmp_path: Path, path: tuple[str, ...], value: object
) -> None:
    file = tmp_path / "device.bundle"
    known.shell.must("resolve", known.code, "--bundle", str(file))
    bundle: dict[str, Any] = orjson.loads(file.read_bytes())
    place = bundle
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    file.write_bytes(orjson.dumps(bundle))
    refused = known.shell("verify", str(file))
    assert refused.status == 1
    assert refused.out == ""
    assert "line 1" in refused.err


def test_no_bundle_is_written_of_what_is_refused(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "device.bundle"
    refused = shell("resolve", nobody(), "--bundle", str(file))
    assert refused.status == 1
    assert "device.bundle is not written" in refused.err
    assert not file.exists()


def test_a_tombstone_is_verified_from_its_bundle(known: Known, tmp_path: Path) -> None:
    file = tmp_path / "device.bundle"
    known.shell.must("device", "retire", known.code, "--reason", "scrapped")
    assert known.shell("resolve", known.code, "--bundle", str(file)).status == 1
    assert f"RETIRED  {known.did}" in known.shell.must("verify", str(file)).out


def test_how_it_was_is_shown_as_such(known: Known, tmp_path: Path) -> None:
    shell = known.shell
    shown = shell.must("resolve", known.code, "--json").json
    then = shown["device"]["registered"]["time"]
    shell.must("status", "suspend", known.code, "--reason", "theft")
    file = tmp_path / "then.bundle"
    past = shell.must("resolve", known.code, "--at", then, "--bundle", str(file))
    assert f"as it was at {then}" in past.out
    shell.must("verify", str(file))
    assert "SUSPENDED" in shell.must("resolve", known.code).out
    before = shell("resolve", known.code, "--at", "2020-01-01T00:00:00Z")
    assert before.status == 1
    assert "the registry's word" in before.err


def test_receipts_are_held_against_a_policy_too(shell: Shell, tmp_path: Path) -> None:
    sheet, out, asks = tmp_path / "m.csv", tmp_path / "done.ndjson", tmp_path / "policy"
    sheet.write_bytes(meters(acme(shell), 2))
    shell.must("register", "--from", str(sheet), "--out", str(out))
    shell.must("verify", str(out))
    asks.write_text(policy("witness w1 {w1}", "quorum w1").format())
    refused = shell("verify", str(out), "--policy", str(asks))
    assert refused.status == 1
    assert "line 1" in refused.err
    assert "[evidence.witnesses]" in refused.err


def test_the_did_document_is_made_of_the_proved_record(known: Known) -> None:
    document = known.shell.must("resolve", known.code, "--did", "--json").json
    assert document == known.shell.must("resolve", known.did, "--did", "--json").json
    assert document == known.shell.must("device", "document", known.code, "--json").json
    assert document["id"] == known.did
    (method,) = document["verificationMethod"]
    assert method["id"].startswith(f"{known.did}#")
    known.shell.must("device", "retire", known.code, "--reason", "worn out")
    ended = known.shell("resolve", known.code, "--did", "--json")
    assert (ended.status, ended.json["id"]) == (1, known.did)
    assert "verificationMethod" not in ended.json
    assert "deactivated" in ended.err
