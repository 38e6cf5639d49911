"""`tetrad meet`: two people's devices meet after the service was stopped."""

from __future__ import annotations

import io
import os
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import IO, NamedTuple

import orjson
import pytest

from identity.errors import InputTooLarge, ServerUnreachable
from resolver.cli import transports
from tests.resolver.cli.conftest import REPOSITORY, TETRAD, Outcome, Shell, start, stop
from tests.resolver.cli.test_sessions import acme, gtin


class Person(NamedTuple):
    """A shell, and the device that was registered in it."""

    shell: Shell
    code: str
    did: str

    def begin(
        self, *words: str, stdin: int | IO[bytes] | None = None, stdout: int = subprocess.PIPE
    ) -> subprocess.Popen[bytes]:
        """`tetrad meet …` in a process of its own."""
        return subprocess.Popen(
            [*TETRAD, "meet", "--as", self.did, "--timeout", "20", *words],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **self.shell.environment},
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> tuple[Person, Person]:
    """Two people with a device each. No service runs any more."""
    folder = tmp_path_factory.mktemp("met")
    process, url = start("--ephemeral", ready=folder / "ready")
    people = []
    try:
        for name in ("one", "other"):
            shell = Shell(folder / name, url)
            shell.must("trust", url, "--yes")
            code = f"(01){gtin(acme(shell))}(21)X"
            words = ("--model", "M1", "--serial", code, "--ipv6", "enabled", "--code", code)
            did = shell.must("register", *words, "--json").json["did"]
            shell.must("device", "bundle", code)
            people.append(Person(shell, code, did))
    finally:
        stop(process)
    return people[0], people[1]


def test_what_is_kept_is_renewed_with_a_word(shell: Shell) -> None:
    assert "name a device" in shell.must("device", "bundle").out
    code = f"(01){gtin(acme(shell))}(21)X"
    words = ("--model", "M1", "--serial", code, "--ipv6", "enabled", "--code", code)
    did = shell.must("register", *words, "--json").json["did"]
    (kept,) = shell.must("device", "bundle", did, "--json").json
    before = Path(kept["file"]).read_bytes()
    shell.must("status", "retire", did, "--reason", "worn out")
    out = shell.must("device", "bundle").out
    assert f"✓ {did}  RETIRED" in out
    assert Path(kept["file"]).read_bytes() != before
    assert '"retired"' in shell.must("verify", kept["file"], "--json").out


def meeting(
    one: Person, other: Person, *words: str, waiting: tuple[str, ...] = ()
) -> list[Outcome]:
    """`other` waits with its words, `one` calls with the first: what both saw."""
    listener = other.begin("--listen", "127.0.0.1:0", *waiting)
    assert listener.stderr is not None
    said = listener.stderr.readline().decode()
    (address,) = re.findall(r"Waiting at (\S+)", said) or [said]
    called = one.shell("meet", "--as", one.code, "--connect", address, *words)
    out, err = listener.communicate(timeout=60)
    return [called, Outcome(listener.returncode, out.decode(), err.decode())]


def test_they_meet_with_the_service_stopped(met: tuple[Person, Person]) -> None:
    one, other = met
    called, waited = meeting(one, other, "--peer", other.code, waiting=("--peer", one.did))
    assert (called.status, waited.status) == (0, 0)
    assert f"MET  {other.did}  M1, the responder" in called.out
    assert f"MET  {one.did}, as expected  M1, the initiator" in waited.out
    assert re.search(r"✓ it bears \S+ \S+, as expected\n", called.out)
    assert re.search(r"✓ it bears \S+ \S+\n", waited.out)  # which nobody has compared
    for shown in (called.out, waited.out):
        assert re.search(r"✓ checkpoint by the pinned log, \d+ s old by the log's own clock", shown)
        assert "– channel: none" in shown
    (meeting_id,) = re.findall(r"meeting (zQm\w+)", called.out)
    assert meeting_id in waited.out


def test_programs_are_told_the_same(met: tuple[Person, Person]) -> None:
    words = ("--json", "--context", "read the meter", "--channel", f"tls-exporter:{'9a' * 32}")
    called, waited = meeting(*met, *words, waiting=words)
    assert called.json["did"] == met[1].did
    assert called.json["transcript"] == waited.json["transcript"]
    assert waited.json["role"] == "initiator"
    assert not [one for one in waited.json["unproved"] if one.startswith("channel")]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--peer", "did:tetrad:somebody-else"), "authentication.handshake"),
        (("--peer", "(01)09506000134352(21)ELSE"), "authentication.handshake"),
        (("--context", "open the valve"), "proof.invalid"),
        (("--channel", f"tls-exporter:{'9a' * 32}"), "proof.invalid"),
    ],
)
def test_who_is_refused_is_refused_on_both_sides(
    met: tuple[Person, Person], words: tuple[str, ...], code: str
) -> None:
    called, waited = meeting(*met, *words)
    assert (called.status, waited.status) == (1, 1)
    assert f"[{code}]" in called.err
    assert "the other device ended the meeting" in waited.err


def test_evidence_that_is_too_old_is_refused(met: tuple[Person, Person]) -> None:
    # His clock alone is half a minute ahead, so that the bundle is old for him.
    met[1].shell.environment["TETRAD_TEST_CLOCK"] = "30"
    called, waited = meeting(*met, waiting=("--max-age", "20"))
    assert "[evidence.stale]" in waited.err
    assert "[authentication.handshake]" in called.err


def test_a_ledger_that_is_not_pinned_is_refused(met: tuple[Person, Person], tmp_path: Path) -> None:
    """The same device, to whom another ledger is all there is."""
    stranger = Shell(tmp_path)
    process, url = start("--ephemeral", ready=tmp_path / "ready")
    try:
        stranger.must("trust", url, "--yes")
        code = f"(01){gtin(acme(stranger))}(21)X"
        words = ("--model", "M1", "--serial", code, "--ipv6", "enabled", "--code", code)
        did = stranger.must("register", *words, "--json").json["did"]
        stranger.must("device", "bundle", did)
    finally:
        stop(process)
    called, waited = meeting(Person(stranger, did, did), met[1])
    assert (called.status, waited.status) == (1, 1)
    assert "is not pinned here" in waited.err


def test_any_two_pipes_will_do(met: tuple[Person, Person]) -> None:
    one, other = met
    there, back = os.pipe(), os.pipe()
    first = one.begin("--pipe", "first", stdin=back[0], stdout=there[1])
    second = other.begin("--pipe", "second", "--json", stdin=there[0], stdout=back[1])
    for end in (*there, *back):
        os.close(end)
    shown = [process.communicate(timeout=60)[1] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), shown
    assert f"MET  {other.did}" in shown[0].decode()
    assert orjson.loads(shown[1])["did"] == one.did


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0\0",
        b"\0\0\0\4{}",
        b"\0\0\0\2{}",
        b"\xff\xff\xff\xff",
        b"\0\0\0\3\xff\xfe\xfd",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_whatever_comes_in_is_one_line_and_a_hint(met: tuple[Person, Person], sent: bytes) -> None:
    outcome = met[0].shell("meet", "--as", met[0].did, "--pipe", "second", stdin=sent)
    assert outcome.status == 1
    assert outcome.err.startswith("Refused: ")
    assert len(outcome.err.splitlines()) <= 2


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--listen", "127.0.0.1:0", "--connect", "127.0.0.1:1"),
        ("--connect", "nowhere"),
        ("--connect", "127.0.0.1:99999"),
        ("--pipe", "first", "--channel", "tls-exporter:xyz"),
    ],
)
def test_wrong_usage_is_said(met: tuple[Person, Person], words: tuple[str, ...]) -> None:
    assert met[0].shell("meet", "--as", met[0].did, *words).status == 2


def test_who_is_silent_on_a_pipe_keeps_nobody(met: tuple[Person, Person]) -> None:
    silent, ours = os.pipe()
    waiting = met[0].begin("--pipe", "second", "--timeout", "0.2", stdin=silent)
    try:
        assert b"the other device is silent" in waiting.communicate(timeout=60)[1]
        assert waiting.returncode == 1
    finally:
        waiting.kill()
        os.close(silent)
        os.close(ours)


def test_who_hears_nothing_any_more_is_one_line_and_a_hint(met: tuple[Person, Person]) -> None:
    ours, deaf = os.pipe()
    os.close(ours)
    begun = met[0].begin("--pipe", "first", stdout=deaf)
    os.close(deaf)
    err = begun.communicate(timeout=60)[1].decode()
    assert err.startswith("Refused: the other device is gone"), err
    assert len(err.splitlines()) <= 2
    assert begun.returncode == 1


def test_nobody_there(met: tuple[Person, Person]) -> None:
    outcome = met[0].shell("meet", "--as", met[0].did, "--connect", "127.0.0.1:1")
    assert outcome.status == 1
    assert "[unavailable.unreachable]" in outcome.err


def test_a_device_whose_bundle_is_not_kept(met: tuple[Person, Person]) -> None:
    for name in (met[1].did, met[1].code):
        outcome = met[0].shell("meet", "--as", name, "--pipe", "second")
        assert outcome.status == 1
        assert "tetrad device bundle" in outcome.err


def test_who_sends_a_byte_at_a_time_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, the message does not."""
    clock = iter(range(1_000))
    ticking = SimpleNamespace(monotonic=lambda: float(next(clock)))
    monkeypatch.setattr("resolver.cli.transports.time", ticking)

    class Dripping(io.BytesIO):
        def read1(self, _: int | None = -1) -> bytes:
            return super().read1(1)

    wire = transports.Wire(Dripping(b"\0\0\0\x40" + bytes(64)), io.BytesIO(), 10.0)
    with pytest.raises(ServerUnreachable, match="more than 10 s"):
        wire.receive()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("7000", ("127.0.0.1", 7000)),
        (":7000", ("127.0.0.1", 7000)),
        ("[::1]:7000", ("::1", 7000)),
        ("meter.example:0", ("meter.example", 0)),
    ],
)
def test_where_nothing_is_said_it_is_this_machine(text: str, address: tuple[str, int]) -> None:
    assert transports.address_of(text) == address


def test_a_message_longer_than_any_is_not_read() -> None:
    wire = transports.Wire(io.BytesIO(b"\0\x10\0\1"), io.BytesIO())
    with pytest.raises(InputTooLarge):
        wire.receive()
