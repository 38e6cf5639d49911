"""`tetrad mirror`, `monitor` and `verify` over HTTP, as a person and a script see them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest

from resolver.tile_folder import TileFolder, publish
from tests.factory import ORIGIN, City
from tests.growing_log import CityLog
from tests.resolver.cli.conftest import Outcome, Shell, start, stop


def town(*names: str) -> CityLog:
    """A published log of these organizations."""
    city = City()
    for name in names:
        city.organization(name)
    city.ledger.close(city.now)
    return CityLog(city)


TRUE, FORK = town("Acme", "Beta", "Gamma"), town("Acme", "Delta", "Gamma")
LEDGER = TRUE.trust.ledger
SIZE = len(TRUE.all)


class Quiet(SimpleHTTPRequestHandler):
    """A file server that says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name it inherits)
        """Nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def public(tmp_path: Path) -> Iterator[str]:
    """The true log as static files behind an address; its folder is `public`."""
    written(tmp_path / "public", TRUE)
    with served(tmp_path / "public") as url:
        yield url


def written(path: Path, log: CityLog) -> None:
    with TileFolder(path) as folder:
        publish(folder, log, SIZE, log.note(SIZE))


def replaced(path: Path, log: CityLog) -> None:
    """Another log in the place of the one that lies there."""
    path.rename(path.with_name("before"))
    written(path, log)


@pytest.fixture
def person(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def lines(outcome: Outcome) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in outcome.out.splitlines()]


def test_a_mirror_is_made_and_kept(person: Shell, public: str, tmp_path: Path) -> None:
    words = ("mirror", public, str(tmp_path / "copy"), "--ledger", LEDGER)
    assert f"✓ {SIZE} entries, {SIZE} of them new" in person.must(*words).out
    (line,) = lines(person.must(*words, "--json"))
    assert line == {"event": "mirrored", "size": SIZE, "new": 0}
    replaced(tmp_path / "public", FORK)
    refused = person(*words)
    assert refused.status == 1
    assert "[evidence.fork]" in refused.err
    assert (tmp_path / "copy/checkpoint").read_bytes() == (
        tmp_path / "before/checkpoint"
    ).read_bytes()


def test_whom_it_trusts_must_be_said(person: Shell, public: str, tmp_path: Path) -> None:
    unpinned = person("mirror", public, str(tmp_path / "copy"))
    assert unpinned.status == 1
    assert "not trusted yet" in unpinned.err
    other = person("monitor", public, "--ledger", "zQmOther")
    assert other.status == 1
    assert f"shows the ledger {LEDGER}" in other.err
    assert not (tmp_path / "copy").exists()
    person.must("trust", public, "--ledger", LEDGER)  # static files are pinned like a service
    person.must("mirror", public, str(tmp_path / "copy"))
    assert person.must("audit", str(tmp_path / "copy"), "--json").json["size"] == SIZE
    assert person.must("audit", public, "--json").json["size"] == SIZE


def test_an_alarm_and_what_it_proves_to_a_stranger(
    person: Shell, public: str, tmp_path: Path
) -> None:
    words = ("monitor", public, "--ledger", LEDGER, "--state", str(tmp_path / "state"))
    (line,) = lines(person.must(*words, "--json"))
    assert (line["event"], line["size"], line["new"]) == ("consistent", SIZE, SIZE)
    assert f"✓ {SIZE} entries, 0 of them new" in person.must(*words).out
    replaced(tmp_path / "public", FORK)
    alarm = person(*words, "--json")
    assert alarm.status == 1
    (line,) = lines(alarm)
    assert (line["event"], line["code"]) == ("alarm", "evidence.fork")
    file = str(line["evidence"])
    spoken = person(*words)
    assert spoken.status == 1
    assert "[evidence.fork]" in spoken.err
    assert f"tetrad verify {file}" in spoken.err
    stranger = Shell(tmp_path / "elsewhere")
    proved = stranger.must("verify", file, "--ledger", LEDGER)
    said = f"✓ proved against the log {ORIGIN}: it signed two trees of {SIZE} entries"
    assert said in proved.out
    evidence = orjson.loads(Path(file).read_bytes())
    evidence["checkpoints"][1] = evidence["checkpoints"][0]
    Path(file).write_bytes(orjson.dumps(evidence))
    refused = stranger("verify", file, "--ledger", LEDGER)
    assert refused.status == 1
    assert "[evidence.unproved]" in refused.err


def test_views_are_compared(person: Shell, public: str, tmp_path: Path) -> None:
    written(tmp_path / "true", TRUE)
    written(tmp_path / "fork", FORK)
    words = ("monitor", public, "--ledger", LEDGER, "--evidence", str(tmp_path / "kept"))
    with served(tmp_path / "true") as true, served(tmp_path / "fork") as fork:
        out = person.must(*words, "--against", true, "--against", f"{true}/checkpoint").out
        assert out.count("the same tree") == 2
        caught = person(*words, "--against", true, "--against", f"{fork}/checkpoint")
        assert caught.status == 1
        assert f"{fork}/checkpoint shows another tree" in caught.err
        lost = person(*words, "--against", true, "--against", f"{true}/nothing")
        assert lost.status == 1
        assert f"Refused: {true}/nothing: " in lost.err
    (file,) = (tmp_path / "kept").iterdir()
    person.must("verify", str(file), "--ledger", LEDGER)


def test_a_policy_that_is_not_met_is_refused(person: Shell, public: str, tmp_path: Path) -> None:
    from registry.note import SignatureType, Signer
    from tests.factory import LOG

    witness = Signer("w.example", SignatureType.ED25519_COSIGNATURE, bytes(32)).key
    policy = tmp_path / "policy"
    policy.write_text(f"log {LOG.key}\nwitness w {witness}\nquorum w\n")
    for words in (
        ("mirror", public, str(tmp_path / "copy")),
        ("monitor", public, "--state", str(tmp_path / "state")),
    ):
        refused = person(*words, "--ledger", LEDGER, "--policy", str(policy))
        assert refused.status == 1
        assert "[evidence.witnesses]" in refused.err
    assert not (tmp_path / "copy/checkpoint").exists()


def test_a_service_is_mirrored_and_watched(tmp_path: Path) -> None:
    ready, folder = tmp_path / "ready", tmp_path / "public"
    process, url = start("--ephemeral", "--publish", str(folder), ready=ready)
    person = Shell(tmp_path, url)
    person.must("trust", url, "--yes")
    person.must("org", "create", "Acme")
    person.must("mirror", url, str(tmp_path / "copy"))
    with served(tmp_path / "copy") as copy:
        looked = person.must("monitor", url, "--against", copy, "--json")
    (line,) = lines(looked)
    assert line["event"] == "consistent"
    assert line["dated"] is not None
    stop(process)
    audited = person.must("audit", str(folder), "--json").json
    assert audited["size"] >= line["size"]
