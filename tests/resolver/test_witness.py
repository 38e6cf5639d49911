"""The witness as a service: every status over HTTP, one history whatever happens, its folder."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from identity.errors import KeystoreError, LedgerStopped, TetradError, Unavailable
from registry.checkpoint import open_checkpoint
from registry.note import Note, SignatureType, VerifierKey, verify_note
from registry.witness import parse_cosignatures
from resolver.settings import Settings
from resolver.witness.app import PLAIN, witness_app
from resolver.witness.cosigning import Witness
from resolver.witness.folder import DATABASE, KEY_FILE, WitnessFolder, WitnessSecrets
from resolver.witness.store import MAX_EVIDENCE, WitnessStore, log_key
from tests.factory import LOG, NOW, ORIGIN, QUANTUM
from tests.witnesses import STRANGER, Leaves, cosigner

LEAVES = Leaves(16)
FORK = Leaves(16, fork=3)
NAME = sha256(ORIGIN.encode()).digest()
REPOSITORY = Path(__file__).resolve().parents[2]


class Desk:
    """A witness with its folder, a clock that is set by hand, and a client."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = NOW
        self.open(WitnessFolder.create(path, "w1.example/witness"))
        self.folder.store.add_log(LOG.key)
        self.folder.store.add_log(QUANTUM.key)

    def open(self, folder: WitnessFolder) -> None:
        self.folder = folder
        self.witness = Witness(folder.secrets, folder.store, lambda: self.now)
        self.app = witness_app(self.witness, Settings(), "/w1")

    def reopen(self) -> None:
        self.folder.store.close()
        self.open(WitnessFolder.open(self.path))

    def all_at_once(self, *requests: httpx.Request) -> list[httpx.Response]:
        async def ask() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport) as client:
                return await asyncio.gather(*map(client.send, requests))

        return asyncio.run(ask())

    def ask(self, body: bytes, **headers: str) -> httpx.Response:
        (response,) = self.all_at_once(asked(body, **headers))
        return response

    def get(self, path: str) -> httpx.Response:
        (response,) = self.all_at_once(httpx.Request("GET", f"http://w1.test{path}"))
        return response

    def cosigned(self, size: int, answer: bytes, leaves: Leaves = LEAVES) -> list[int]:
        """The times of the lines, which must be those of both keys."""
        note = leaves.note(size) + answer
        verified = verify_note(note, self.folder.secrets.keys)
        assert [key for key, _ in verified.signatures] == list(self.folder.secrets.keys)
        return [time or 0 for _, time in verified.signatures]


def asked(body: bytes, **headers: str) -> httpx.Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Request("POST", "http://w1.test/w1/add-checkpoint", content=body, headers=named)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A witness that knows one log."""
    made = Desk(tmp_path / "witness")
    yield made
    made.folder.store.close()


def test_a_checkpoint_gets_a_line_of_each_key(desk: Desk) -> None:
    response = desk.ask(LEAVES.request(0, 5))
    assert response.status_code == 200
    assert response.headers["content-type"] == PLAIN
    assert response.text.count("\n") == 2
    assert response.text.startswith("— w1.example/witness ")
    assert desk.cosigned(5, response.content) == [NOW, NOW]
    types = [key.type for key in desk.folder.secrets.keys]
    assert types == [SignatureType.ED25519_COSIGNATURE, SignatureType.ML_DSA_44]


def test_asked_again_for_the_same_size_it_states_the_new_time(desk: Desk) -> None:
    desk.ask(LEAVES.request(0, 5))
    desk.now += 60
    assert desk.cosigned(5, desk.ask(LEAVES.request(5, 5)).content) == [NOW + 60, NOW + 60]


def test_every_status(desk: Desk) -> None:
    desk.ask(LEAVES.request(0, 5))
    stale = desk.ask(LEAVES.request(3, 9))
    assert (stale.status_code, stale.text) == (409, "5\n")
    assert stale.headers["content-type"] == "text/x.tlog.size"
    for body, status in (
        (b"nonsense", 400),
        (LEAVES.request(0, 5).replace(b"old 0", b"old 6"), 400),
        (LEAVES.request(5, 9, STRANGER), 403),
        (LEAVES.request(5, 9).replace(b"\nsandbox.test\n", b"\nx.test\n"), 404),
        (LEAVES.request(5, 9).replace(b"old 5\n", b"old 5\n" + b"A" * 43 + b"=\n"), 422),
        (FORK.request(5, 9), 422),
        (FORK.request(5, 5), 422),
    ):
        response = desk.ask(body)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == PLAIN
        assert response.text.endswith("\n")
        assert response.text.count("\n") == 1
    assert desk.cosigned(9, desk.ask(LEAVES.request(5, 9)).content) == [NOW, NOW]


def test_old_0_with_a_proof_and_an_empty_log_with_a_root_are_422(desk: Desk) -> None:
    proved = LEAVES.request(0, 5).replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n")
    assert desk.ask(proved).status_code == 422
    assert desk.ask(LEAVES.request(0, 0)).status_code == 200


def test_what_was_cosigned_last_is_shown(desk: Desk) -> None:
    address = f"/w1/{NAME.hex()}/checkpoint"
    assert desk.get(address).status_code == 404
    desk.ask(LEAVES.request(0, 5))
    desk.ask(LEAVES.request(5, 9))
    response = desk.get(address)
    assert response.status_code == 200
    opened = open_checkpoint(response.content, [LOG.key, QUANTUM.key], desk.folder.secrets.keys)
    assert opened.checkpoint == LEAVES.checkpoint(9)
    assert {key for key, _ in opened.times} == {QUANTUM.key, *desk.folder.secrets.keys}


@pytest.mark.parametrize("name", ["", "x", "A" * 64, NAME.hex().upper(), "0" * 64, "0" * 63])
def test_other_addresses_show_nothing(desk: Desk, name: str) -> None:
    desk.ask(LEAVES.request(0, 5))
    assert desk.get(f"/w1/{name}/checkpoint").status_code == 404
    assert desk.get(f"/{NAME.hex()}/checkpoint").status_code == 404


def test_methods_encodings_and_sizes(desk: Desk) -> None:
    assert desk.get("/w1/add-checkpoint").status_code == 405
    assert desk.ask(LEAVES.request(0, 5), content_encoding="gzip").status_code == 415
    assert desk.ask(b"x" * (Settings().body_bytes + 1)).status_code == 413
    assert desk.get("/healthz").text == "ok\n"


def test_a_fork_of_what_was_cosigned_is_kept_as_evidence(desk: Desk) -> None:
    desk.ask(LEAVES.request(0, 5))
    for body in (FORK.request(5, 5), FORK.request(3, 5), LEAVES.request(5, 5)):
        desk.ask(body)
    kept = desk.folder.store.evidence(ORIGIN)
    assert len(kept) == 2
    for time, seen, shown in kept:
        assert time == NOW
        first, second = (open_checkpoint(note, [LOG.key, QUANTUM.key]) for note in (seen, shown))
        assert first.checkpoint.size == second.checkpoint.size
        assert first.checkpoint.root != second.checkpoint.root
    for _ in range(MAX_EVIDENCE):
        desk.ask(FORK.request(5, 5))
    assert len(desk.folder.store.evidence(ORIGIN)) == MAX_EVIDENCE


def test_rotated_keys_of_a_log_stay_trusted(desk: Desk) -> None:
    seeded = sha256(b"rotated").digest()
    rotated = type(LOG)(ORIGIN, SignatureType.ED25519, seeded)
    assert desk.ask(LEAVES.request(0, 5, rotated)).status_code == 403
    assert desk.folder.store.add_log(rotated.key)
    assert not desk.folder.store.add_log(rotated.key)
    assert desk.ask(LEAVES.request(0, 5, rotated)).status_code == 200
    assert desk.ask(LEAVES.request(5, 9)).status_code == 200


def test_fifty_at_once_advance_it_once(desk: Desk) -> None:
    desk.ask(LEAVES.request(0, 3))
    sizes = [4 + i % 12 for i in range(50)]

    answers = desk.all_at_once(*(asked(LEAVES.request(3, size)) for size in sizes))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {200: 1, 409: 49}
    (won,) = (size for size, one in zip(sizes, answers, strict=True) if one.status_code == 200)
    assert {one.text for one in answers if one.status_code == 409} == {f"{won}\n"}


def test_fifty_at_once_for_one_size_that_it_is_at_all_get_it(desk: Desk) -> None:
    desk.ask(LEAVES.request(0, 5))

    answers = desk.all_at_once(*(asked(LEAVES.request(5, 5)) for _ in range(50)))
    assert [one.status_code for one in answers] == [200] * 50


def test_two_processes_on_one_store_are_one_witness(desk: Desk) -> None:
    """Or two connections, which is the same to the file: each has its lock, and they share none."""
    other = WitnessFolder.open(desk.path)
    second = Witness(other.secrets, other.store, lambda: NOW)
    second.add_checkpoint(LEAVES.request(0, 3))
    assert desk.ask(LEAVES.request(0, 9)).text == "3\n"

    def ask(number: int) -> int:
        try:
            (desk.witness, second)[number % 2].add_checkpoint(LEAVES.request(3, 4 + number % 12))
        except TetradError as error:
            return error.status
        return 200

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(ask, range(50))) == {200: 1, 409: 49}
    other.store.close()


def test_the_clock_never_runs_back(desk: Desk) -> None:
    desk.ask(LEAVES.request(0, 5))
    desk.now -= 30
    assert desk.cosigned(5, desk.ask(LEAVES.request(5, 5)).content) == [NOW, NOW]
    desk.reopen()
    assert desk.cosigned(9, desk.ask(LEAVES.request(5, 9)).content) == [NOW, NOW]
    desk.now = NOW - 61
    refused = desk.ask(LEAVES.request(9, 9))
    assert refused.status_code == 503
    assert "61 seconds behind" in refused.text
    assert refused.headers["retry-after"] == "1"
    desk.now = NOW + 1
    assert desk.cosigned(9, desk.ask(LEAVES.request(9, 9)).content) == [NOW + 1, NOW + 1]


def test_it_remembers_after_a_restart(desk: Desk) -> None:
    desk.ask(LEAVES.request(0, 5))
    desk.reopen()
    assert desk.ask(LEAVES.request(0, 9)).text == "5\n"
    assert desk.ask(FORK.request(5, 9)).status_code == 422
    assert desk.ask(LEAVES.request(5, 9)).status_code == 200


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([LEAVES, FORK]),
            st.none() | st.integers(0, 7),
            st.integers(0, 7),
            st.sampled_from([0, 1, 60, -1, -60, -90]),
            st.booleans(),
        ),
        max_size=20,
    )
)
@example([(LEAVES, None, 5, 0, False), (FORK, None, 7, 0, True), (FORK, None, 5, 0, False)])
@example([(LEAVES, None, 5, 0, False), (LEAVES, None, 5, -60, True), (LEAVES, None, 5, -1, False)])
def test_whatever_it_is_asked_it_signs_one_history_and_its_times_never_decrease(
    steps: list[tuple[Leaves, int | None, int, int, bool]],
) -> None:
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "witness")
        signed: list[tuple[int, bytes, int]] = []
        for leaves, old, size, seconds, restart in steps:
            desk.now += seconds
            if restart:
                desk.reopen()
            known = signed[-1][0] if signed else 0  # the old size that gets furthest
            claimed = min(known if old is None else old, size)
            with suppress(TetradError):
                lines = desk.witness.add_checkpoint(leaves.request(claimed, size))
                (time,) = set(desk.cosigned(size, lines, leaves))
                signed.append((size, leaves.checkpoint(size).root, time))
        desk.folder.store.close()
    sizes, roots, times = zip(*signed, strict=True) if signed else ((), (), ())
    assert list(sizes) == sorted(sizes)
    assert list(times) == sorted(times)
    assert any(
        all(history.checkpoint(size).root == root for size, root in zip(sizes, roots, strict=True))
        for history in (LEAVES, FORK)
    )


KILLED = """
import os, signal, sys
from pathlib import Path
from resolver.witness.cosigning import Witness
from resolver.witness.folder import WitnessFolder

folder = WitnessFolder.open(Path(sys.argv[1]))
answer = Witness(folder.secrets, folder.store, lambda: 1_795_334_400).add_checkpoint(
    sys.stdin.buffer.read()
)
os.kill(os.getpid(), signal.SIGKILL)
print(answer)
"""


def test_killed_between_keeping_and_answering_it_answers_when_asked_again(desk: Desk) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(desk.path)],
        cwd=REPOSITORY, input=LEAVES.request(0, 5), capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b""), done.stderr
    assert desk.ask(FORK.request(0, 5)).text == "5\n"
    assert desk.ask(LEAVES.request(0, 5)).text == "5\n"
    assert desk.cosigned(5, desk.ask(LEAVES.request(5, 5)).content) == [NOW, NOW]


def test_the_store_waits_for_the_disk(desk: Desk) -> None:
    (synchronous,) = desk.folder.store._connection.execute("PRAGMA synchronous").fetchone()
    assert synchronous == 2  # FULL


class Failing:
    """A connection whose COMMIT fails."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, *given: Any) -> Any:
        if statement == "COMMIT":
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(statement, *given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_after_a_write_that_failed_nothing_is_signed_until_it_is_started_again(desk: Desk) -> None:
    store = desk.folder.store
    connection, store._connection = store._connection, Failing(store._connection)  # type: ignore[assignment]
    assert desk.ask(LEAVES.request(0, 5)).status_code == 503
    store._connection = connection
    assert desk.ask(LEAVES.request(0, 5)).status_code == 503
    desk.reopen()
    assert desk.ask(LEAVES.request(0, 9)).status_code == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.binary().map(lambda tail: LEAVES.request(0, 5)[:200] + tail))
def test_hostile_bodies_get_a_status_and_never_a_signature(desk: Desk, body: bytes) -> None:
    assert desk.ask(body).status_code in (400, 403, 404, 409, 422)


def test_the_recorded_conversation(desk: Desk, vectors: Path) -> None:
    path = vectors / "tlog" / "torchwood" / "litewitness_add_checkpoint_sequence.json"
    recorded = json.loads(path.read_bytes())
    public = bytes.fromhex(recorded["log_public_key_hex"])
    desk.folder.store.add_log(VerifierKey(recorded["origin"], SignatureType.ED25519, public))
    answered = []
    for step in recorded["steps"]:
        response = desk.ask(step["request_body"].encode())
        answered.append(response.status_code)
        if response.status_code == 200:
            note = Note.parse(step["request_body"].partition("\n\n")[2].encode())
            lines = parse_cosignatures(note.text, response.content)
            for key, line in zip(desk.folder.secrets.keys, lines, strict=True):
                assert line is not None
                assert key.verify(note.text, line.signature) == NOW
        elif response.status_code == 409:
            assert f'body == "{response.text.strip()}\\n"' == step["assert"]
            assert response.headers["content-type"] == "text/x.tlog.size"
    expected = [step["spec_v1_status"] for step in recorded["steps"]]
    # Its second signature ends in non-canonical base64: it cannot be read, so nothing is forged.
    assert expected[1] == 403
    expected[1] = 400
    assert answered == expected


def test_a_folder_is_begun_once_and_is_its_owner_s(tmp_path: Path) -> None:
    path = tmp_path / "w"
    WitnessFolder.create(path, "example.com/witness").store.close()
    assert {one.name: one.stat().st_mode & 0o777 for one in path.iterdir()} == {
        KEY_FILE: 0o600,
        DATABASE: 0o600,
    }
    with pytest.raises(KeystoreError, match="there is a witness in this folder"):
        WitnessFolder.create(path, "example.com/witness")
    before = WitnessFolder.open(path)
    before.store.close()
    assert before.secrets.name == "example.com/witness"
    assert "ed25519" not in repr(before.secrets)


def test_keys_whose_store_is_gone_sign_nothing(desk: Desk) -> None:
    desk.folder.store.close()
    (desk.path / DATABASE).unlink()
    with pytest.raises(KeystoreError, match=r"witness\.sqlite3 is missing"):
        WitnessFolder.open(desk.path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name":"w"}', b'{"name":1,"ed25519":""}'])
def test_a_broken_key_file_is_refused(desk: Desk, content: bytes) -> None:
    (desk.path / KEY_FILE).write_bytes(content)
    with pytest.raises(KeystoreError):
        WitnessFolder.open(desk.path)


def test_a_file_that_is_no_store_is_refused(desk: Desk) -> None:
    desk.folder.store.close()
    for name in (f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (desk.path / name).unlink(missing_ok=True)
    other = sqlite3.connect(desk.path / "other.sqlite3")
    other.execute("CREATE TABLE a (b)")
    other.close()
    for path in (desk.path / KEY_FILE, desk.path / "other.sqlite3"):
        with pytest.raises(LedgerStopped):
            WitnessStore(path)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "n" * 256, "\udcff"])
def test_names_that_no_key_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(TetradError):
        WitnessFolder.create(tmp_path / "w", name)
    assert not (tmp_path / "w").exists()


def test_only_keys_of_logs_are_trusted_as_such() -> None:
    assert log_key(str(QUANTUM.key)) == QUANTUM.key
    for vkey in (str(cosigner("w1").key), "nonsense", "", "\udcff+00000000+AQ=="):
        with pytest.raises(TetradError):
            log_key(vkey)


def test_a_prefix_is_one_of_an_address(desk: Desk) -> None:
    for prefix in ("w1", "/w1/", "/a b", "/{name}"):
        with pytest.raises(TetradError):
            witness_app(desk.witness, Settings(), prefix)


def test_a_clock_far_behind_is_our_error(desk: Desk) -> None:
    desk.ask(LEAVES.request(0, 5))
    desk.now = 0
    with pytest.raises(Unavailable):
        desk.witness.add_checkpoint(LEAVES.request(5, 5))


def test_secrets_make_the_same_keys_again() -> None:
    made = WitnessSecrets.new("example.com/w")
    assert WitnessSecrets.from_json(made.to_json()).keys == made.keys
