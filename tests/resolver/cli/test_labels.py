"""`tetrad label`, `resolve --report` and `verify` of reports and of answers about handles."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from resolver.report import embedded, report_page
from tests.resolver.cli.conftest import Shell
from tests.resolver.cli.test_sessions import acme, gtin
from tests.witnesses import cosigner

HANDLE = "88.100.7777/dev"


class Known(NamedTuple):
    """A person, and a code that they have registered."""

    shell: Shell
    code: str
    gtin: str


@pytest.fixture
def known(shell: Shell) -> Known:
    number = gtin(acme(shell))
    code = f"(01){number}(21)X"
    words = ("--model", "M1", "--serial", code, "--ipv6", "enabled", "--code", code)
    shell.must("register", *words)
    return Known(shell, code, number)


def test_the_label_of_a_code_is_a_file_that_says_where_it_leads(
    known: Known, tmp_path: Path
) -> None:
    svg, png = tmp_path / "label.svg", tmp_path / "label.png"
    out = known.shell.must("label", known.code, "--out", str(svg)).out
    url = f"{known.shell.url}/01/{known.gtin}/21/X"
    assert f"{svg} says {url}" in out
    assert f"<title>{url}</title>" in svg.read_text()
    address = ("--address", "https://id.acme.example", "--level", "h")
    found = known.shell.must("label", known.code, "--out", str(png), "--json", *address).json
    assert found["url"] == f"https://id.acme.example/01/{known.gtin}/21/X"
    assert png.read_bytes()[:4] == b"\x89PNG"
    assert known.shell.must("label", known.code).out.startswith("<svg ")


def test_there_is_no_label_of_what_nobody_bears_nor_of_what_no_url_should_hold(
    known: Known, tmp_path: Path
) -> None:
    out = tmp_path / "x.svg"
    absent = known.shell("label", f"(01){known.gtin}(21)NOBODY", "--out", str(out))
    assert (absent.status, "[not_found]" in absent.err) == (1, True)
    vin = known.shell("label", "1HGCM82633A004352", "--scheme", "vin", "--out", str(out))
    assert (vin.status, "not for a label" in vin.err) == (1, True)
    known.shell.must("status", "retire", known.code, "--reason", "worn")
    gone = known.shell("label", known.code, "--out", str(out))
    assert (gone.status, "[gone]" in gone.err) == (1, True)
    assert not out.exists()
    for words in ((), ("x", "--from", "y"), ("--from", "y"), (known.code, "--out", "x.gif")):
        assert known.shell("label", *words).status == 2


def test_a_code_that_was_corrected_is_not_printed_again(known: Known) -> None:
    right = known.code[:-1] + "Y"
    known.shell.must("device", "correct", known.code, right, "--reason", "misread")
    refused = known.shell("label", known.code)
    assert (refused.status, "was corrected" in refused.err) == (1, True)
    assert f"/01/{known.gtin}/21/Y" in refused.err
    assert known.shell.must("label", right).out.startswith("<svg ")


def test_a_file_of_codes_becomes_a_folder_of_labels(known: Known, tmp_path: Path) -> None:
    codes, labels = tmp_path / "codes.txt", tmp_path / "labels"
    codes.write_text(f"{known.code}\n\nnonsense\n(01){known.gtin}(21)NOBODY\n{known.code}\n")
    done = known.shell("label", "--from", str(codes), "--out-dir", str(labels))
    assert done.status == 1
    assert "✓ 2 labels in" in done.out
    assert "✗ line 3:" in done.out
    assert "✗ line 4: no device bears this" in done.out
    names = sorted(path.name for path in labels.iterdir())
    assert names == [f"{n:05}-01_{known.gtin}_21_X.svg" for n in (1, 5)]


def test_a_report_is_checked_by_whoever_knows_the_ledger(known: Known, tmp_path: Path) -> None:
    page = tmp_path / "proof.html"
    done = known.shell.must("resolve", known.code, "--report", str(page))
    assert f"{page}: open it in a browser" in done.err
    text = page.read_text()
    assert known.code in text
    verified = known.shell.must("verify", str(page)).out
    assert "✓ every word on the page follows from the evidence within it" in verified
    assert f"✓ asked for {known.code}" in verified
    found = known.shell.must("verify", str(page), "--json").json
    assert found["unknownWitnesses"] == []
    ledger = found["ledger"]
    stranger = Shell(tmp_path / "stranger")
    assert stranger("verify", str(page)).status == 1
    stranger.must("verify", str(page), "--ledger", ledger)
    other = ledger[:-1] + ("1" if ledger[-1] != "1" else "2")
    assert stranger("verify", str(page), "--ledger", other).status == 1


def test_witnesses_that_a_page_chose_itself_are_named(known: Known, tmp_path: Path) -> None:
    page = tmp_path / "proof.html"
    known.shell.must("resolve", known.code, "--report", str(page))
    key = cosigner("w1").key
    policy = tmp_path / "policy"
    policy.write_text(f"witness w1 {key}\nquorum none\n")
    page.write_bytes(
        report_page(replace(embedded(page.read_bytes()), witnesses=policy.read_text()))
    )
    strange = f"w1 {key.name}+{key.id.hex()}"
    assert f"whom you do not ask for: {strange}" in known.shell.must("verify", str(page)).out
    asked = known.shell.must("verify", str(page), "--policy", str(policy), "--json")
    assert asked.json["unknownWitnesses"] == []


def test_a_report_with_another_word_is_refused_with_its_place(known: Known, tmp_path: Path) -> None:
    page = tmp_path / "proof.html"
    known.shell.must("resolve", known.code, "--report", str(page))
    page.write_text(page.read_text().replace(">ACTIVE<", ">APPROVED<"))
    refused = known.shell("verify", str(page))
    assert refused.status == 1
    assert "line 8 reads" in refused.err
    assert "APPROVED" in refused.err
    assert "[evidence.answer]" in refused.err
    page.write_text("<!doctype html><p>Approved.")
    assert "[input.schema]" in known.shell("verify", str(page)).err


def test_the_report_about_a_number_repeats_neither_it_nor_its_disclosure(
    shell: Shell, tmp_path: Path
) -> None:
    code = f"(01){gtin(acme(shell))}(21)N"
    words = ("--model", "M1", "--serial", code, "--ipv6", "enabled", "--code", code)
    out = shell.must("register", *words, "--number", "msisdn-cn-iot:1440012345678").out
    (shown,) = [line.split()[1] for line in out.splitlines() if "disclosure " in line]
    page = tmp_path / "proof.html"
    asked = ("--disclosure", shown, "--scheme", "msisdn-cn-iot")
    shell.must("resolve", *asked, "--report", str(page))
    assert "1440012345678" not in page.read_text()
    assert shown not in page.read_text()
    assert "the registry's word" not in shell.must("verify", str(page)).err


def test_no_report_of_what_is_not_there(known: Known, tmp_path: Path) -> None:
    page = tmp_path / "proof.html"
    absent = known.shell("resolve", f"(01){known.gtin}(21)NOBODY", "--report", str(page))
    assert absent.status == 1
    assert f"{page} is not written" in absent.err
    assert not page.exists()


def test_an_answer_about_a_handle_is_verified_where_its_proof_is_within(
    shell: Shell, tmp_path: Path
) -> None:
    acme(shell)
    name = f"Node {tmp_path.name}"
    shell.must("org", "create", name, "--prefix", f"idis:{HANDLE.partition('/')[0]}")
    words = ("--model", "M1", "--serial", "9", "--ipv6", "enabled", "--code", HANDLE)
    shell.must("register", *words, "--by", name)
    answer = httpx.get(f"{shell.url}/api/handles/{HANDLE}?index=301&index=21&index=400").json()
    file = tmp_path / "handle.json"
    file.write_text(json.dumps(answer))
    assert f"✓ values of the handle {HANDLE}" in shell.must("verify", str(file)).out
    file.write_text(json.dumps(answer).replace('"active"', '"sound"'))
    assert "[evidence.answer]" in shell("verify", str(file)).err
