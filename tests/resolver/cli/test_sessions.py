"""The sessions of the design, typed against a real service."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import orjson
import pytest

from identity.errors import ServerUnreachable
from resolver.client import Client
from resolver.client.flow import Request, Response
from tests.resolver.cli.conftest import Shell, start, stop

COUNTER = iter(range(10_000))


def prefix() -> str:
    """A GS1 company prefix that nobody else in this module has taken."""
    return f"0950{next(COUNTER):04}"


def gtin(company: str) -> str:
    digits = f"{company}00001"[:13]
    total = sum(int(d) * (3, 1)[i % 2] for i, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def meters(company: str, count: int, changed: Iterable[tuple[int, str, str]] = ()) -> bytes:
    """A CSV of meters; `changed` replaces a text in a row."""
    lines = ["model,serial,code,number,ipv6"]
    number = next(COUNTER) * 1000
    lines += [
        f"M1,SN{company}{i:04},(01){gtin(company)}(21)M-{i:04},144{number + i:010},enabled"
        for i in range(count)
    ]
    for row, old, new in changed:
        assert old in lines[row - 1]
        lines[row - 1] = lines[row - 1].replace(old, new)
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def acme(shell: Shell) -> str:
    company = prefix()
    shell.must("org", "create", "Acme Meters", "--prefix", f"gtin:{company}")
    return company


def wrong_digit(code: str) -> str:
    return code[:-1] + str((int(code[-1]) + 6) % 10)


def test_from_an_empty_home_to_a_proved_answer(shell: Shell, tmp_path: Path) -> None:
    company = prefix()
    made = shell.must("org", "create", "Acme Meters", "--prefix", f"gtin:{company}")
    assert "✓ Acme Meters" in made.out
    assert f"✓ prefix gtin:{company} granted" in made.out
    assert "not protected by a passphrase" in made.err  # said once …
    assert shell.must("org", "show").err == ""  # … and not again
    code = gtin(company)
    sheet = tmp_path / "meters.csv"
    changed = [(17, code, wrong_digit(code)), (90, "enabled", "none")]
    sheet.write_bytes(meters(company, 500, changed))
    dry = shell("register", "--from", str(sheet), "--dry-run")
    right, found = code[-1], wrong_digit(code)[-1]
    hint = f"https://id.gs1.org/01/{code}/21/M-0015?"
    assert dry.status == 1
    assert dry.out == (
        "  498 ready, 2 wrong\n"
        f"  row 17 code   check digit is {found}, should be {right}        hint: {hint}\n"
        "  row 90 ipv6   not enabled                          "
        "hint: enable it, or declare an exemption\n"
    )
    sheet.write_bytes(meters(company, 500))
    out = tmp_path / "done.ndjson"
    done = shell.must("register", "--from", str(sheet), "--out", str(out))
    assert done.out == f"  ████████ 500/500   receipts in {out}\n"
    lines = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert len({line["did"] for line in lines}) == 500
    answer = shell.must("resolve", f"(01){code}(21)M-0017").out.splitlines()
    entry = next(line["index"] for line in lines if line["code"].endswith("M-0017"))
    assert answer[0] == f"  read as https://id.gs1.org/01/{code}/21/M-0017"
    assert re.fullmatch(r"  ACTIVE  did:tetrad:[a-z2-7]{16}:zQm\w{44}  Acme Meters M1", answer[1])
    assert answer[2] == "  ✓ maker and device signed"
    assert re.fullmatch(
        rf"  ✓ in the ledger, entry {entry}  ✓ the newest there is, by the state of entry \d+",
        answer[3],
    )
    assert re.fullmatch(
        r"  ✓ checkpoint by the pinned log, \d+ s old by the log's own clock", answer[4]
    )
    assert answer[5:] == [
        "  – witnesses: none asked for; that others are shown the same is the registry's word"
    ]
    verified = shell.must("verify", str(out))
    assert "✓ 500 of 500 in the ledger" in verified.out


def test_rows_that_have_their_receipt_are_left_alone(shell: Shell, tmp_path: Path) -> None:
    company = acme(shell)
    sheet, out = tmp_path / "meters.csv", tmp_path / "done.ndjson"
    sheet.write_bytes(meters(company, 5))
    shell.must("register", "--from", str(sheet), "--out", str(out), "--batch", "2")
    before = out.read_bytes()
    out.write_bytes(before + b'{"row": 7, "sou')  # a crash in the middle of a line
    again = shell.must("register", "--from", str(sheet), "--out", str(out))
    assert "5/5" in again.out
    assert out.read_bytes() == before
    assert not out.with_name("done.ndjson.journal").exists()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_between_sending_and_the_receipt_loses_and_doubles_nothing(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    company = acme(shell)
    sheet, out = tmp_path / "meters.csv", tmp_path / "done.ndjson"
    sheet.write_bytes(meters(company, 6))
    sent = [0]
    real = Client.submit_batch.__get__

    def crash(client: Client, submissions: object) -> object:
        sent[0] += 1
        if sent[0] == 2:
            if when == "after":
                real(client, Client)(submissions)  # type: ignore[arg-type]
            raise ServerUnreachable("the power failed")
        return real(client, Client)(submissions)  # type: ignore[arg-type]

    words = ("register", "--from", str(sheet), "--out", str(out), "--batch", "2")
    with monkeypatch.context() as patched:
        patched.setattr(Client, "submit_batch", crash)
        stopped = shell(*words)
    assert stopped.status == 1
    assert "the power failed" in stopped.err
    assert len(out.read_bytes().splitlines()) == 2
    shell.must(*words)
    lines = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert sorted(line["row"] for line in lines) == [2, 3, 4, 5, 6, 7]
    did = shell.must("org", "show", "--json").json["did"]
    listed = shell.must("device", "list", "--controller", did, "--json").json["devices"]
    assert len(listed) == 6
    keys = shell.must("keys", "list", "--json").json
    assert {line["did"] for line in lines} <= set(keys)  # the wallet can speak for each


def test_a_row_that_the_registry_refuses_is_told_and_the_others_go_on(
    shell: Shell, tmp_path: Path
) -> None:
    company = acme(shell)
    sheet, out = tmp_path / "meters.csv", tmp_path / "done.ndjson"
    sheet.write_bytes(meters(company, 3, [(3, f"(01){gtin(company)}", "(01)09506000134352")]))
    refused = shell("register", "--from", str(sheet), "--out", str(out))
    assert refused.status == 1
    assert "2/3" in refused.out
    assert "row 3 " in refused.out
    assert len(out.read_bytes().splitlines()) == 2


def test_nothing_is_sent_while_rows_are_wrong_unless_told_so(shell: Shell, tmp_path: Path) -> None:
    company = acme(shell)
    sheet, out = tmp_path / "meters.csv", tmp_path / "done.ndjson"
    sheet.write_bytes(meters(company, 3, [(2, "enabled", "supported")]))
    words = ("register", "--from", str(sheet), "--out", str(out))
    refused = shell(*words)
    assert (refused.status, out.exists()) == (1, False)
    assert "nothing was sent" in refused.out
    skipping = shell.must(*words, "--skip-wrong").out
    assert "2/2" in skipping
    assert "1 wrong, skipped:" in skipping


def test_one_device_and_its_life(shell: Shell) -> None:
    company = acme(shell)
    code = f"(01){gtin(company)}(21)X"
    made = shell.must(
        *("register", "--model", "M9", "--serial", company, "--code", code),
        *("--ipv6", "exempt: a passive tag", "--number", "+8613800138000", "--json"),
    ).json
    did = made["did"]
    assert shell.must("device", "show", did, "--json").json["status"] == "active"
    shell.must("device", "update", code, "--sector", "governance/safety")
    shell.must("device", "rebind", code, "none")
    shell.must("keys", "rotate", code)
    shell.must("keys", "rotate")
    shell.must("status", "suspend", code, "--reason", "theft")
    assert "SUSPENDED" in shell.must("resolve", code).out
    shell.must("status", "resume", code, "--reason", "found")
    shell.must("status", "suspend", code, "--reason", "audit", "--supervisor")
    shell.must("device", "retire", code, "--reason", "scrapped")
    ended = shell("resolve", code)
    assert ended.status == 1
    assert "RETIRED" in ended.out
    assert "reason: scrapped" in ended.out
    history = shell.must("device", "history", code, "--json").json
    assert shell.must("device", "receipt", code, "--json").json["did"] == did
    left = shell("device", "document", code, "--json")
    assert (left.status, left.json["id"]) == (1, did)
    assert "deactivated" in left.err
    assert [one["type"] for one in reversed(history)] == [
        "device.register",
        "device.update",
        "number.rebind",
        "keys.rotate",
        "status.suspend",
        "status.resume",
        "status.suspend",
        "status.retire",
    ]
    shown = shell("resolve", did, "--json")
    assert "✓ 1 of 1" in shell.must("verify", "-", stdin=shown.out).out


def test_a_code_is_corrected_and_the_label_stays_good(shell: Shell) -> None:
    company = acme(shell)
    old, new = f"(01){gtin(company)}(21)0O", f"(01){gtin(company)}(21)OO"
    made = shell.must(
        *("register", "--model", "M9", "--serial", company, "--code", old, "--ipv6", "enabled"),
        "--json",
    ).json
    done = shell.must("device", "correct", old, new, "--reason", "misread", "--json").json
    assert done["did"] == made["did"]
    shown = shell.must("resolve", old)
    assert "! the label shows a code that was corrected on " in shown.out
    assert "/21/OO" in shown.out
    assert "corrected" not in shell.must("resolve", new).out
    assert shell("device", "correct", new, old, "--reason", "back").status == 1
    steps = shell.must("history", old)
    assert "✓ these are all, by the state of entry " in steps.out
    assert [one["what"] for one in shell.must("history", old, "--json").json["steps"]] == [
        "given",
        "corrected",
    ]


def test_grants(shell: Shell) -> None:
    company = acme(shell)
    other = shell.must("org", "create", "Bolt", "--json").json["did"]
    granted = shell.must(
        *("grant", "issue", "--prefix", f"gtin:{company}1", "--to", "Bolt"),
        *("--by", "Acme Meters", "--json"),
    ).json["grant"]
    held = shell.must("grant", "list", "--holder", other, "--json").json["grants"]
    assert [one["grant"] for one in held] == [granted]
    shell.must("grant", "withdraw", granted, "--reason", "moved", "--by", "Acme Meters")
    assert "withdrawn" in shell.must("grant", "list", "--holder", other).out
    shell.must("grant", "issue", "--make", "Acme Meters", "--model", "M1", "--to", "Bolt",
               "--by", "Acme Meters")  # fmt: skip
    assert shell("org", "show").err.startswith("Refused: the wallet holds 2 organizations")
    shell.must("org", "update", "Bolt", "--name", "Bolt & Sons")
    assert "Bolt & Sons" in shell.must("org", "show", "Bolt & Sons").out
    assert "Bolt & Sons" in shell.must("org", "list").out


def test_what_curl_prepared_is_signed_by_one_command(shell: Shell, tmp_path: Path) -> None:
    import httpx

    drawn = shell.must("keys", "new", "--json").json
    described = {"type": "organization.register", "body": {"name": "By hand", **drawn}}
    prepared = httpx.post(f"{shell.url}/v1/operations/prepare", json=described).content
    (tmp_path / "prepared.json").write_bytes(prepared)
    signed = shell.must("sign", str(tmp_path / "prepared.json"))
    assert '"By hand"' in signed.err  # one sees what one signs
    answer = httpx.post(
        f"{shell.url}/v1/operations",
        content=signed.out,
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 201
    assert answer.json()["did"] in shell.must("keys", "list").out
    assert "✓ in the ledger" in shell.must("send", "-", stdin=signed.out).out
    altered = orjson.loads(prepared)
    altered["operation"]["body"]["name"] = "By another hand"
    refused = shell("sign", "-", stdin=orjson.dumps(altered))
    assert (refused.status, refused.out) == (1, "")


def test_a_bare_receipt_is_verified_with_its_operation(shell: Shell, tmp_path: Path) -> None:
    company = acme(shell)
    sheet, out = tmp_path / "meters.csv", tmp_path / "done.ndjson"
    sheet.write_bytes(meters(company, 1))
    shell.must("register", "--from", str(sheet), "--out", str(out))
    line = orjson.loads(out.read_bytes())
    (tmp_path / "operation.json").write_bytes(orjson.dumps(line["operation"]))
    receipt = shell.must("device", "receipt", line["did"]).out
    (tmp_path / "receipt").write_text(receipt)
    words = ("verify", str(tmp_path / "receipt"), "--operation", str(tmp_path / "operation.json"))
    assert "✓ 1 of 1" in shell.must(*words).out
    line["operation"]["body"]["object"]["model"] = "M2"
    out.write_bytes(orjson.dumps(line))
    refused = shell("verify", str(out))
    assert refused.status == 1
    assert "line 1" in refused.err


def test_the_audit_of_a_service_and_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    process, url = start("--data", str(folder), ready=tmp_path / "ready")
    person = Shell(tmp_path)
    person.must("trust", url, "--yes")
    company = acme(person)
    person.must("register", "--model", "M", "--serial", "S", "--ipv6", "enabled",
                "--code", f"(01){gtin(company)}(21)X")  # fmt: skip
    person.must("resolve", f"(01){gtin(company)}(21)X")  # it is published by then
    remote = person.must("audit", url, "--json").json
    counted = dict(remote["operations"])
    roots = counted.pop("state root")
    assert counted == {
        "registry.genesis": 1,
        "organization.register": 1,
        "grant.issue": 1,
        "device.register": 1,
    }
    assert remote["size"] == roots + 4
    busy = person("audit", str(folder))
    assert busy.status == 1
    assert "by its URL" in busy.err
    out, err, status = stop(process)
    assert (err, status) == ("", 0)
    assert out.splitlines() == [
        "  SANDBOX: anyone may register. Not for production.",
        f"  Listening on {url}   (API at /docs)",
        next(line for line in out.splitlines() if line.startswith("  Log key sandbox.city+")),
    ]
    assert person.must("audit", str(folder), "--json").json == remote
    assert person.must("audit", str(folder), "--jobs", "2", "--json").json == remote


def test_a_permissioned_ledger_is_begun_and_two_wallets_sign(tmp_path: Path) -> None:
    folder = tmp_path / "water"
    (tmp_path / "secret").write_text("correct horse\n")
    person = Shell(tmp_path)
    secret = ("--passphrase-file", str(tmp_path / "secret"))
    begun = person.must(
        "init", "--permissioned", "--data", str(folder), "--name", "City", *secret, "--json"
    ).json
    assert begun["mode"] == "permissioned"
    assert person("init", "--data", str(folder)).status == 1
    process, url = start("--data", str(folder), ready=tmp_path / "ready")
    person.must("trust", url, "--ledger", begun["ledger"])
    assert person("org", "create", "Acme").err.startswith("Refused: no passphrase")
    alone = person("org", "create", "Acme", *secret)
    assert alone.status == 1
    assert "--by authority --pass-on FILE" in alone.err
    shared = tmp_path / "admit.json"
    assert "--pass-on" in person("org", "create", "Acme", "--by", "authority", *secret).err
    person.must("org", "create", "Acme", "--by", "authority", "--pass-on", str(shared), *secret)
    authority = ("--wallet", str(folder / "authority.wallet"), *secret)
    signed = person.must("sign", str(shared), *authority)
    did = person.must("send", "-", "--json", stdin=signed.out).json["did"]
    assert person.must("org", "show", *secret, "--json").json["did"] == did
    person.must("grant", "issue", "--prefix", "gtin:09506000", "--to", did, "--by", "City",
                *authority)  # fmt: skip
    person.must("register", "--model", "M", "--serial", "S", "--ipv6", "enabled",
                "--code", "(01)09506000134352(21)X", *secret)  # fmt: skip
    device = "(01)09506000134352(21)X"
    person.must("status", "suspend", device, "--reason", "unsafe", *authority)
    assert person("status", "resume", device, "--reason", "no", *secret).status == 1
    person.must("status", "resume", device, "--reason", "repaired", "--supervisor", *authority)
    person.must("status", "revoke", device, "--reason", "withdrawn", *authority)
    assert "REVOKED" in person("resolve", device).out
    stop(process)


def test_an_organization_whose_answer_was_lost_is_not_made_twice(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolver.client.time.sleep", lambda _: None)
    real = Client._ask

    def lose(client: Client, request: Request) -> Response:
        response = real(client, request)
        if request.method == "POST":
            raise ServerUnreachable("the line was cut")
        return response

    with monkeypatch.context() as patched:
        patched.setattr(Client, "_ask", lose)
        assert shell("org", "create", "Acme").status == 1
    made = shell.must("org", "create", "Acme")
    assert "an interrupted organization.register is in the ledger" in made.err
    assert len(shell.must("keys", "list", "--json").json) == 1
