"""How the command line speaks, helps and fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from resolver.cli import COMMANDS, installed_version, tetrad
from tests.resolver.cli.conftest import REPOSITORY, TETRAD, Shell, start


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TETRAD, *words],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def every_command(group: click.Group, ctx: click.Context) -> list[tuple[str, click.Command]]:
    found = []
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            inner = every_command(command, ctx)
            found += [(f"{name} {below}", one) for below, one in inner]
    return found


EVERY = every_command(tetrad, click.Context(tetrad))


def test_help_loads_neither_the_service_nor_any_command() -> None:
    script = (
        "import sys, resolver.cli\n"
        "try: resolver.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith("
        "('fastapi', 'pydantic', 'httpx', 'uvicorn', 'resolver.cli.', 'identity'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("name", "command"), EVERY, ids=[name for name, _ in EVERY])
def test_every_command_helps(name: str, command: click.Command) -> None:
    assert command.get_help(click.Context(command, info_name=name))
    assert command.help
    if not isinstance(command, click.Group) and name != "completion":
        assert "as_json" in {parameter.name for parameter in command.params}


@pytest.mark.parametrize(
    ("name", "group"), [("", tetrad), *(one for one in EVERY if isinstance(one[1], click.Group))]
)
def test_help_keeps_each_command_on_its_line(name: str, group: click.Group) -> None:
    """In a terminal of 80 columns, and whole."""
    context = click.Context(group, info_name=name, terminal_width=80, max_content_width=80)
    listed = group.get_help(context).split("Commands:\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed] == group.list_commands(context)
    assert not [line for line in listed if line.endswith("...")]


def test_every_operation_of_the_rule_book_has_its_verb() -> None:
    verbs = {name for name, _ in EVERY}
    assert {
        "org create",
        "org update",
        "grant issue",
        "grant withdraw",
        "register",
        "device update",
        "device rebind",
        "keys rotate",
        "recovery begin",
        "recovery finish",
        "device offer",
        "device accept",
        "status suspend",
        "status resume",
        "status revoke",
        "status retire",
    } <= verbs


def test_the_table_of_commands_is_the_help(shell: Shell) -> None:
    shown = shell.must("--help").out
    for name, (_, line) in COMMANDS.items():
        assert name in shown
        assert line.split(":")[0] in shown


def test_the_columns_of_the_file_are_in_the_help(shell: Shell) -> None:
    shown = shell.must("register", "--help").out
    for column in ("model", "serial", "code", "data_schema", "ipv6"):
        assert f"  {column} " in shown


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_shells_are_completed(name: str, shell: Shell) -> None:
    assert "_TETRAD_COMPLETE" in shell.must("completion", name).out


def test_words_are_completed() -> None:
    done = run(_TETRAD_COMPLETE="bash_complete", COMP_WORDS="tetrad reso", COMP_CWORD="1")
    assert done.stdout.split() == ["plain,resolve"]


def test_a_refusal_is_one_line_and_a_hint(shell: Shell) -> None:
    refused = shell("resolve", "(01)09506000134358(21)M-0017")
    assert refused.status == 1
    assert refused.out == ""
    assert refused.err.splitlines() == [
        "Refused: check digit is 8, should be 2  [code.check_digit]",
        "hint: https://id.gs1.org/01/09506000134352/21/M-0017?",
    ]


def test_a_refusal_for_programs_is_the_problem_object(shell: Shell) -> None:
    refused = shell("resolve", "(01)09506000134352(21)NOBODY", "--json")
    assert refused.status == 1
    assert refused.err == ""
    assert refused.json["code"] == "not_found"
    assert refused.json["status"] == 404


@pytest.mark.parametrize(
    "words",
    [
        ("resolve",),
        ("register",),
        ("register", "--from", "x.csv", "--model", "M"),
        ("register", "--default", "colour=red", "--model", "M"),
        ("grant", "issue"),
        ("grant", "issue", "--prefix", "0950"),
        ("org", "update"),
        ("device", "update", "x"),
        ("serve",),
        ("serve", "--ephemeral", "--data", "x"),
        ("init",),
        ("regsiter",),
    ],
)
def test_wrong_usage_is_told_apart(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell(*words).status == 2


def test_a_misspelt_command_is_guessed(shell: Shell) -> None:
    assert "Did you mean 'register'" in shell("regsiter").err


def test_nothing_is_trusted_without_being_told(service: str, tmp_path: Path) -> None:
    person = Shell(tmp_path, service)
    assert person("org", "list").err.splitlines()[-1] == "hint: tetrad trust URL"
    assert person("trust", service).status == 2  # nobody to ask
    known = person.must("trust", service, "--yes")
    assert "Ledger zQm" in known.out
    assert person.must("trust", service).status == 0  # pinned already: nothing to ask
    other = person("trust", service, "--ledger", "zQm" + "1" * 44)
    assert other.status == 1
    assert person("org", "list", "--url", "http://127.0.0.1:1").status == 1


def test_a_service_that_is_not_there_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resolver.client.time.sleep", lambda _: None)
    refused = shell("trust", "http://127.0.0.1:9", "--yes")
    assert refused.status == 1
    assert refused.err.splitlines()[-1] == "hint: is the service running?"


def test_the_environment_stands_for_flags(shell: Shell) -> None:
    url = shell.url
    shell.environment |= {"TETRAD_URL": url}
    assert shell.must("org", "list").status == 0
    shell.environment |= {"TETRAD_URL": "http://127.0.0.1:1"}
    assert "not trusted" in shell("org", "list").err


def test_a_wrong_passphrase_opens_nothing(shell: Shell) -> None:
    shell.environment |= {"TETRAD_PASSPHRASE": "correct horse"}
    shell.must("org", "create", "Acme")
    shell.environment |= {"TETRAD_PASSPHRASE": "wrong"}
    refused = shell("org", "show")
    assert refused.status == 1
    assert "[keystore]" in refused.err


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"device":1}', b"\xff\n\xff", b'{"operation":{},"receipt":""}']
)
def test_nonsense_is_not_verified(shell: Shell, content: bytes) -> None:
    for command in ("verify", "sign", "send"):
        refused = shell(command, "-", stdin=content)
        assert refused.status == 1
        assert refused.err.startswith("Refused: ")


def test_files_that_are_not_there(shell: Shell, tmp_path: Path) -> None:
    shell.must("org", "create", "Acme")
    for words in (
        ("verify", "nowhere"),
        ("register", "--from", "nowhere.csv", "--dry-run"),
        ("audit", str(tmp_path)),
        ("keys", "list", "--wallet", "nowhere"),
    ):
        assert shell(*words).status == 1
    assert shell("credential", "verify", "nowhere").err.splitlines()[-1].startswith("hint: ")


def test_a_sandbox_stays_on_this_machine_unless_told(shell: Shell) -> None:
    refused = shell("serve", "--ephemeral", "--host", "0.0.0.0", "--port", "0")  # noqa: S104
    assert refused.status == 1
    assert "hint: --public, if that is meant" in refused.err


def test_a_setting_out_of_bounds_is_refused(shell: Shell) -> None:
    shell.environment |= {"TETRAD_QUEUE_LENGTH": "0"}
    assert shell("serve", "--ephemeral", "--port", "0").status == 1


def test_an_interrupt_ends_quietly(tmp_path: Path) -> None:
    process, _ = start("--ephemeral", ready=tmp_path / "ready")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert err == ""
    assert process.returncode in (0, 130)


def test_the_version() -> None:
    assert run("--version").stdout == f"tetrad, version {installed_version()}\n"


def test_errors_show_where_and_which(shell: Shell) -> None:
    shell.must("org", "create", "Acme")
    refused = shell("register", "--model", "M", "--serial", "S", "--code", "x")
    assert refused.err.splitlines()[0] == (
        "Refused: no scheme recognizes this code (at /body/code)  [code.unknown_scheme]"
    )
