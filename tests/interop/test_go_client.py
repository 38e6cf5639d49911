"""A log client that we did not write reads our log: Go's sumdb/note and sumdb/tlog.

The program in `go/` fetches everything over HTTP and checks it with its own code. Here it reads a
real service, in which a fleet was registered; and a folder of static files that our modules have
written, as a plain file server would serve them, where every way of lying must stop it.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from registry.checkpoint import Checkpoint
from registry.merkle import Read, consistency_proof, inclusion_proof, leaf_hash, root_at
from registry.note import SignatureType, Signer, VerifierKey, encode64, sign_note
from registry.tile import ENTRIES, changed_tiles, encode_bundle, subtree_reader, tile_path
from tests.integration.server import Server, Visitor
from tests.resolver.cli import conftest as commands

SIZE = 66_000
OLDER = 65_537  # an earlier checkpoint, so that partial tiles lie under full ones
INDEX = 65_990  # under a partial tile on every level
ORIGIN = "log.example/interop"
LOG = Signer(ORIGIN, SignatureType.ED25519, bytes(range(32)))
QUANTUM = Signer(ORIGIN, SignatureType.ML_DSA_44, bytes(range(32)))


class Log(NamedTuple):
    """A log as static files, and what its service would make proofs from."""

    folder: Path
    read: Read


def entry(index: int) -> bytes:
    return b'{"index":%d}' % index


def write(folder: Path, path: str, data: bytes) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """A published log of 66,000 entries."""
    folder = tmp_path_factory.mktemp("log")
    tiles: dict[tuple[int, int], bytes] = {}
    size = 0
    for end in (OLDER, SIZE):
        leaves = [leaf_hash(entry(index)) for index in range(size, end)]
        for tile in changed_tiles(size, leaves, lambda level, n: tiles[level, n]):
            tiles[tile.level, tile.n] = tile.data
            write(folder, tile.path, tile.data)
        size = end
    for start in range(0, SIZE, 256):
        entries = [entry(index) for index in range(start, min(start + 256, SIZE))]
        write(folder, tile_path(ENTRIES, start // 256, len(entries)), encode_bundle(entries))
    read = subtree_reader(lambda level, n: tiles[level, n])
    text = Checkpoint(ORIGIN, SIZE, root_at(SIZE, read)).format()
    write(folder, "checkpoint", sign_note(text, [QUANTUM, LOG], 1_795_334_400))
    return Log(folder, read)


class LogServer(ThreadingHTTPServer):
    """Serves a log, with lies in place of some answers."""

    def __init__(self, log: Log) -> None:
        super().__init__(("127.0.0.1", 0), partial(LogHandler, directory=str(log.folder)))
        self.log = log
        self.lies: dict[str, bytes | None] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class LogHandler(SimpleHTTPRequestHandler):
    """Static files, and proofs as JSON."""

    server: LogServer

    def do_GET(self) -> None:
        if self.path in self.server.lies:
            lie = self.server.lies[self.path]
            if lie is None:
                self.send_error(404)
            else:
                self.answer(lie)
        elif self.path.startswith("/v1/ledger/proofs/"):
            self.answer(proof(self.server.log.read, self.path))
        else:
            super().do_GET()

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name it inherits)
        """Say nothing: pytest shows what the client says."""


def proof(read: Read, path: str) -> bytes:
    """What the service answers to a question for a proof."""
    query = {name: int(value) for name, value in parse_qsl(urlsplit(path).query)}
    if "inclusion" in path:
        hashes = inclusion_proof(query["index"], query["size"], read)
    else:
        hashes = consistency_proof(query["from"], query["to"], read)
    return json.dumps({**query, "hashes": [encode64(hash_) for hash_ in hashes]}).encode()


@pytest.fixture
def server(log: Log) -> Iterator[LogServer]:
    with LogServer(log) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    client: Path, url: str, index: int, key: VerifierKey = LOG.key, *options: str
) -> tuple[int, list[str]]:
    """The exit status of the client, and the lines that it printed."""
    command = [str(client), *options, url, str(key), str(index)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


ALL_CHECKS = [
    "ok checkpoint",
    "ok tiles",
    "ok bundle",
    "ok inclusion",
    "ok inclusion",
    "ok consistency",
    "ok consistency",
]


@pytest.mark.parametrize("index", [0, 255, 256, OLDER - 1, OLDER, INDEX, SIZE - 1])
def test_go_verifies_the_log(client: Path, server: LogServer, index: int) -> None:
    status, lines = ask(client, server.url, index)
    assert [line.split(":")[0] for line in lines] == ALL_CHECKS
    assert status == 0


def test_go_falls_back_to_the_full_tile(client: Path, server: LogServer) -> None:
    full = (server.log.folder / "tile/0/257.p/208").read_bytes() + bytes(32 * 48)
    server.lies = {"/tile/0/257.p/208": None, "/tile/0/257": full}
    assert ask(client, server.url, INDEX)[0] == 0


def flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize("tile", ["tile/0/257.p/208", "tile/1/001.p/1", "tile/2/000.p/1"])
def test_go_refuses_a_tampered_tile(client: Path, server: LogServer, tile: str) -> None:
    server.lies = {f"/{tile}": flip((server.log.folder / tile).read_bytes(), 5)}
    status, lines = ask(client, server.url, INDEX)
    assert status == 1
    assert lines[-1].startswith("FAIL tiles:")


def test_go_refuses_a_tile_that_is_cut_short(client: Path, server: LogServer) -> None:
    tile = "tile/0/257.p/208"
    server.lies = {f"/{tile}": (server.log.folder / tile).read_bytes()[:-32]}
    status, lines = ask(client, server.url, INDEX)
    assert status == 1
    assert lines[-1].startswith("FAIL tiles:")


def test_go_refuses_a_tampered_entry(client: Path, server: LogServer) -> None:
    bundle = "tile/entries/257.p/208"
    data = (server.log.folder / bundle).read_bytes()
    server.lies = {f"/{bundle}": data.replace(b"65990", b"65991")}
    status, lines = ask(client, server.url, INDEX)
    assert status == 1
    assert lines[-1] == "FAIL bundle: the entry does not hash to its leaf"


@pytest.mark.parametrize("name", ["inclusion", "consistency"])
def test_go_refuses_a_false_proof(client: Path, server: LogServer, name: str) -> None:
    path = {
        "inclusion": f"/v1/ledger/proofs/inclusion?index={INDEX}&size={SIZE}",
        "consistency": f"/v1/ledger/proofs/consistency?from={SIZE // 2}&to={SIZE}",
    }[name]
    answer = json.loads(proof(server.log.read, path))
    answer["hashes"][0] = encode64(bytes(32))
    server.lies = {path: json.dumps(answer).encode()}
    status, lines = ask(client, server.url, INDEX)
    assert status == 1
    assert lines[-1].startswith(f"FAIL {name}: served proof:")


def test_go_refuses_a_checkpoint_of_another_key(client: Path, server: LogServer) -> None:
    stranger = Signer(ORIGIN, SignatureType.ED25519, b"stranger" * 4)
    status, lines = ask(client, server.url, INDEX, stranger.key)
    assert (status, len(lines)) == (1, 1)
    assert lines[0].startswith("FAIL checkpoint:")


def test_go_refuses_a_forged_checkpoint(client: Path, server: LogServer) -> None:
    data = (server.log.folder / "checkpoint").read_bytes()
    server.lies = {"/checkpoint": data.replace(b"\n66000\n", b"\n66001\n")}
    status, lines = ask(client, server.url, INDEX)
    assert (status, len(lines)) == (1, 1)
    assert lines[0].startswith("FAIL checkpoint:")


# --- the real service

FLEET = 300


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """A running service with its genesis, Acme, its prefix, and 300 devices; and between them the
    roots of states that were published."""
    with Server(tmp_path_factory.mktemp("service") / "ephemeral") as running:
        visitor = Visitor(running)
        answers = visitor.batch(visitor.submissions(visitor.acme(), FLEET))
        assert [answer["status"] for answer in answers] == [201] * FLEET
        yield visitor


def log_key(visitor: Visitor) -> VerifierKey:
    """The Ed25519 key of the log, as the service shows it."""
    keys = [VerifierKey.parse(vkey) for vkey in visitor.description["log"]["vkeys"]]
    [found] = [key for key in keys if key.type is SignatureType.ED25519]
    return found


def published(visitor: Visitor) -> int:
    """Entries under the checkpoint of a service that is at rest."""
    note = httpx.get(visitor.server.address + "/checkpoint").text
    return int(note.split("\n")[1])


@pytest.mark.parametrize("index", [0, 1, 2, 3, 255, 256, 2 + FLEET])
def test_go_verifies_the_real_service(client: Path, service: Visitor, index: int) -> None:
    status, lines = ask(client, service.server.address, index, log_key(service))
    assert [line.split(":")[0] for line in lines] == ALL_CHECKS
    assert lines[0] == f"ok checkpoint: signed, {published(service)} entries"
    assert published(service) > 3 + FLEET
    assert status == 0


def test_go_verifies_the_service_after_a_rotation_under_the_new_key(
    client: Path, tmp_path: Path
) -> None:
    """A log client that knows one key gets the new one when the log is rotated; the old one opens
    nothing any more."""
    process, url = commands.start("--data", str(tmp_path / "city"), ready=tmp_path / "ready")
    try:
        shell = commands.Shell(tmp_path, url)
        shell.must("trust", url, "--yes")
        shell.must("org", "create", "Acme")
        shell.must("registry", "update", "--rotate-log-keys", "--data", str(tmp_path / "city"))
        shell.must("org", "create", "Beta")
        old, new = shell.must("registry", "show", "--json").json["logKeys"]
        status, lines = ask(client, url, 1, VerifierKey.parse(new["keys"][0]))
        assert ([line.split(":")[0] for line in lines], status) == (ALL_CHECKS, 0)
        status, lines = ask(client, url, 1, VerifierKey.parse(old["keys"][0]))
        assert (status, len(lines)) == (1, 1)
        assert lines[0].startswith("FAIL checkpoint:")
    finally:
        commands.stop(process)


def test_go_finds_no_entry_beyond_the_tree(client: Path, service: Visitor) -> None:
    beyond = published(service)
    status, lines = ask(client, service.server.address, beyond, log_key(service))
    assert status == 1
    assert lines[-1].startswith("FAIL entry:")


def test_go_refuses_the_real_service_under_another_key(client: Path, service: Visitor) -> None:
    origin = log_key(service).name
    stranger = Signer(origin, SignatureType.ED25519, b"stranger" * 4)
    status, lines = ask(client, service.server.address, 0, stranger.key)
    assert (status, len(lines)) == (1, 1)
    assert lines[0].startswith("FAIL checkpoint:")
