"""The wallet file: only its passphrase opens it, a crash never halves it, one process writes it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import KeystoreError, TetradError
from identity.keystore import COST, Keystore, read_header, read_passphrase

PASSPHRASE = "korrekt häst"
CHEAP = 2**4
"""A cost for tests: what they check does not depend on it."""
HEADER = (
    b'{"format":"tetrad-keystore-1","cipher":"chacha20-poly1305","kdf":"scrypt","n":16,"r":8,"p":1,'
    b'"salt":"AAAAAAAAAAAAAAAAAAAAAA","nonce":"AAAAAAAAAAAAAAAA"}\n'
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "wallet.tetrad"


def make(path: Path) -> str:
    """A wallet with one key; gives its thumbprint."""
    with Keystore.create(path, PASSPHRASE, os.urandom, cost=CHEAP) as store:
        key = store.wallet.new_key()
        store.save()
    return key.thumbprint


def open_again(path: Path, passphrase: str = PASSPHRASE) -> Keystore:
    return Keystore.open(path, passphrase, os.urandom)


class TestFile:
    def test_what_was_saved_is_there_again(self, path: Path) -> None:
        thumbprint = make(path)
        with open_again(path) as store:
            assert store.wallet.key(thumbprint).public.thumbprint == thumbprint

    def test_what_was_not_saved_is_not(self, path: Path) -> None:
        thumbprint = make(path)
        with open_again(path) as store:
            lost = store.wallet.new_key().thumbprint
        with open_again(path) as store:
            store.wallet.key(thumbprint)
            with pytest.raises(KeystoreError):
                store.wallet.key(lost)

    def test_a_passphrase_is_the_same_in_both_normal_forms(self, path: Path) -> None:
        make(path)
        open_again(path, "korrekt ha\u0308st").close()

    def test_no_secret_and_no_name_stands_in_the_file(self, path: Path) -> None:
        thumbprint = make(path)
        with open_again(path) as store:
            secret = store.wallet.key(thumbprint).secret()
        content = path.read_bytes()
        assert secret not in content
        assert thumbprint.encode() not in content
        assert PASSPHRASE.encode() not in content

    def test_only_its_owner_may_read_it(self, path: Path) -> None:
        before = os.umask(0)
        try:
            make(path)
        finally:
            os.umask(before)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_each_save_draws_a_new_nonce(self, path: Path) -> None:
        make(path)
        with open_again(path) as store:
            nonces = set()
            for _ in range(5):
                store.save()
                nonces.add(read_header(path.read_bytes())[0].nonce)
        assert len(nonces) == 5

    def test_the_cost_of_a_guess_is_not_small(self, path: Path) -> None:
        Keystore.create(path, PASSPHRASE, os.urandom).close()
        header = json.loads(path.read_bytes().partition(b"\n")[0])
        assert (header["n"], header["r"], header["p"]) == (COST, 8, 1)
        assert COST >= 2**15


class TestRefusals:
    def test_a_wrong_passphrase(self, path: Path) -> None:
        make(path)
        with pytest.raises(KeystoreError, match="passphrase is wrong") as refusal:
            open_again(path, "korrekt hast")
        assert refusal.value.hint
        open_again(path).close()  # the refused attempt holds no lock

    def test_any_flipped_bit(self, path: Path) -> None:
        make(path)
        content = path.read_bytes()
        for place in range(0, len(content), 7):
            damaged = bytearray(content)
            damaged[place] ^= 1
            path.write_bytes(damaged)
            with pytest.raises(KeystoreError):
                open_again(path)

    def test_any_truncation(self, path: Path) -> None:
        make(path)
        content = path.read_bytes()
        for length in range(0, len(content), 11):
            path.write_bytes(content[:length])
            with pytest.raises(KeystoreError):
                open_again(path)

    @given(st.binary(max_size=200) | st.binary(max_size=50).map(lambda tail: HEADER + tail))
    def test_hostile_headers_raise_only_our_errors(self, content: bytes) -> None:
        try:
            header, _ = read_header(content)
        except TetradError:
            return
        assert content.startswith(header.line())

    @pytest.mark.parametrize("cost", [0, 1, 3, -2, 2**30, "16", 16.0, True, None, []])
    def test_a_cost_that_would_exhaust_us(self, path: Path, cost: object) -> None:
        make(path)
        line, _, rest = path.read_bytes().partition(b"\n")
        changed = {**json.loads(line), "n": cost}
        path.write_bytes(json.dumps(changed, separators=(",", ":")).encode() + b"\n" + rest)
        with pytest.raises(KeystoreError):
            open_again(path)

    def test_an_absent_file_an_existing_file_and_a_folder(self, path: Path) -> None:
        with pytest.raises(KeystoreError, match="no wallet"):
            open_again(path)
        make(path)
        with pytest.raises(KeystoreError, match="exists"):
            make(path)
        open_again(path).close()
        with pytest.raises(KeystoreError):
            open_again(path.parent)

    def test_an_empty_passphrase(self, path: Path) -> None:
        with pytest.raises(KeystoreError):
            Keystore.create(path, "", os.urandom)

    def test_what_could_not_be_read_again_is_not_written(self, path: Path) -> None:
        thumbprint = make(path)
        with open_again(path) as store:
            store.wallet.keep_receipt("zQm", {"size": 2**60})
            with pytest.raises(KeystoreError, match="cannot be written"):
                store.save()
        with open_again(path) as store:
            store.wallet.key(thumbprint)


class TestTwoProcesses:
    def test_who_holds_it_for_a_moment_is_waited_for(self, path: Path) -> None:
        make(path)
        held = open_again(path)
        release = threading.Timer(0.2, held.close)
        release.start()
        open_again(path).close()
        release.join()

    def test_a_second_writer_waits_outside(self, path: Path) -> None:
        make(path)
        with open_again(path), pytest.raises(KeystoreError, match="in use"):
            open_again(path)
        open_again(path).close()

    def test_another_process_too_and_its_end_lets_go(self, path: Path) -> None:
        make(path)
        program = (
            "import os, sys; from pathlib import Path; from identity.keystore import Keystore\n"
            f"store = Keystore.open(Path(sys.argv[1]), {PASSPHRASE!r}, os.urandom)\n"
            "print('open', flush=True); sys.stdin.read()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "open\n"
            with pytest.raises(KeystoreError, match="in use"):
                open_again(path)
            holder.kill()
            holder.wait()
        open_again(path).close()


class TestCrash:
    @pytest.mark.parametrize("step", ["fsync", "replace"])
    def test_a_failure_at_any_step_leaves_the_old_file(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        thumbprint = make(path)
        before = path.read_bytes()

        def fail(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        with open_again(path) as store:
            store.wallet.new_key()
            with monkeypatch.context() as patch:
                patch.setattr(os if step == "fsync" else Path, step, fail)
                with pytest.raises(KeystoreError, match="No space left"):
                    store.save()
            assert path.read_bytes() == before
            store.save()
        with open_again(path) as store:
            store.wallet.key(thumbprint)
        assert sorted(entry.name for entry in path.parent.iterdir()) == [
            path.name,
            path.name + ".lock",
        ]

    def test_a_leftover_of_a_crash_is_no_hindrance(self, path: Path) -> None:
        make(path)
        path.with_name(path.name + ".new").write_bytes(b"half")
        with open_again(path) as store:
            store.save()
        open_again(path).close()


class TestPassphrase:
    def test_sources_in_their_order(self, tmp_path: Path) -> None:
        named, other = tmp_path / "a", tmp_path / "b"
        named.write_text("from a file\nsecond line\n")
        other.write_text("from another\r\n")
        environment = {"TETRAD_PASSPHRASE": "env", "TETRAD_PASSPHRASE_FILE": str(other)}
        never: Callable[[str], str] = lambda _: pytest.fail("asked")  # noqa: E731 - one word
        assert read_passphrase(environment, file=named, prompt=never) == "from a file"
        assert read_passphrase(environment, prompt=never) == "env"
        del environment["TETRAD_PASSPHRASE"]
        assert read_passphrase(environment, prompt=never) == "from another"
        assert read_passphrase({}, prompt=lambda _: "typed") == "typed"

    def test_a_new_one_is_typed_twice(self) -> None:
        answers = iter(["one", "two", "same", "same"])
        with pytest.raises(KeystoreError, match="differ"):
            read_passphrase({}, prompt=lambda _: next(answers), confirm=True)
        assert read_passphrase({}, prompt=lambda _: next(answers), confirm=True) == "same"

    def test_nobody_to_ask_an_empty_one_and_unreadable_files(self, tmp_path: Path) -> None:
        with pytest.raises(KeystoreError, match="nobody") as refusal:
            read_passphrase({}, prompt=None)
        assert "TETRAD_PASSPHRASE" in refusal.value.hint
        (tmp_path / "empty").touch()
        (tmp_path / "binary").write_bytes(b"\xff\xfe")
        for file in ("empty", "binary", "absent"):
            with pytest.raises(KeystoreError):
                read_passphrase({}, file=tmp_path / file)
        for environment in ({"TETRAD_PASSPHRASE": ""}, {"TETRAD_PASSPHRASE_FILE": str(tmp_path)}):
            with pytest.raises(KeystoreError):
                read_passphrase(environment, prompt=None)
