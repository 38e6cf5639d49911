"""SM2 with SM3: the standard's own example, each bound of the rule, and openssl both ways."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import ForgedProof, InvalidKey, TetradError
from identity.keys import PublicKey, private_key, public_key_of
from identity.keys.sm2 import sm3, uncompressed
from identity.wallet import Wallet

ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
PRIME = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
KEY = private_key("SM2", bytes(range(1, 33)))
MESSAGE = b"SM2 signs"


class TestStandard:
    """GM/T 0003.5-2012, annex A: recommended curve, identifier 1234567812345678."""

    secret = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
    x = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    y = "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    r = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    s = "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"

    def test_the_key_of_the_example(self) -> None:
        key = private_key("SM2", self.secret).public
        assert key.raw.hex() == "03" + self.x
        assert uncompressed(key.raw).hex() == "04" + self.x + self.y

    def test_the_signature_of_the_example_verifies(self) -> None:
        key = public_key_of("SM2", bytes.fromhex("03" + self.x))
        key.verify(bytes.fromhex(self.r + self.s), b"message digest")

    def test_sm3_of_its_standard(self) -> None:
        """GB/T 32905-2016, annex A.1."""
        assert sm3(b"abc").hex() == (
            "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        )


def refused(signature: bytes, key: PublicKey = KEY.public, message: bytes = MESSAGE) -> None:
    with pytest.raises(ForgedProof):
        key.verify(signature, message)


class TestRule:
    def test_signing_is_deterministic(self) -> None:
        """RFC 6979 with HMAC-SM3: the nonce comes from key and message, from no generator."""
        signature = KEY.sign(MESSAGE)
        assert KEY.sign(MESSAGE) == signature
        assert KEY.sign(MESSAGE + b"!")[:32] != signature[:32]
        KEY.public.verify(signature, MESSAGE)

    def test_each_bound_of_r_and_s(self) -> None:
        signature = KEY.sign(MESSAGE)
        r = int.from_bytes(signature[:32], "big")
        edges = [0, ORDER, ORDER + 1, 2**256 - 1]
        for number in edges:
            refused(number.to_bytes(32, "big") + signature[32:])
            refused(signature[:32] + number.to_bytes(32, "big"))
        refused(signature[:32] + (ORDER - r).to_bytes(32, "big"))  # t = r + s = 0

    def test_no_second_signature_is_made_out_of_the_first(self) -> None:
        """(r, n - s), as in ECDSA, and halves the other way round."""
        signature = KEY.sign(MESSAGE)
        s = int.from_bytes(signature[32:], "big")
        refused(signature[:32] + (ORDER - s).to_bytes(32, "big"))
        refused(signature[32:] + signature[:32])

    def test_a_sum_at_infinity_is_refused(self) -> None:
        """s G + t P = infinity is within reach of the key's owner: s = -t d, and r = t - s."""
        d = int.from_bytes(KEY.secret(), "big")
        for t in range(1, 6):
            s = -t * d % ORDER
            r = (t - s) % ORDER
            refused(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    @pytest.mark.parametrize("length", [0, 1, 63, 65, 70])
    def test_other_lengths(self, length: int) -> None:
        refused(bytes([1]) * length)

    @settings(max_examples=12)
    @given(st.binary(min_size=64, max_size=64), st.binary(max_size=80))
    def test_random_signatures(self, signature: bytes, message: bytes) -> None:
        refused(signature, message=message)

    @pytest.mark.parametrize(
        "raw",
        [
            bytes(33),
            b"\x04" + KEY.public.raw[1:],
            b"\x06" + KEY.public.raw[1:],
            b"\x02" + PRIME.to_bytes(32, "big"),
            b"\x02" + (PRIME + 1).to_bytes(32, "big"),
            b"\x02" + b"\xff" * 32,
        ],
        ids=["infinity", "uncompressed", "hybrid", "the prime", "one, not canonical", "beyond"],
    )
    def test_points_that_are_none(self, raw: bytes) -> None:
        with pytest.raises(InvalidKey):
            public_key_of("SM2", raw)

    @settings(max_examples=20)
    @given(st.binary(min_size=33, max_size=33))
    def test_hostile_points_raise_only_our_errors(self, raw: bytes) -> None:
        try:
            key = public_key_of("SM2", raw)
        except TetradError:
            return
        point = uncompressed(key.raw)
        x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
        b = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
        assert (y * y - x**3 + 3 * x - b) % PRIME == 0

    def test_scalars_out_of_range(self) -> None:
        for number in (0, ORDER - 1, ORDER, 2**256 - 1):
            with pytest.raises(InvalidKey):
                private_key("SM2", number.to_bytes(32, "big"))
        assert private_key("SM2", (ORDER - 2).to_bytes(32, "big")).public.algorithm == "SM2"


def test_without_the_extra_there_is_a_clear_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gmalg", None)
    for run in (
        lambda: private_key("SM2", b"\x07" * 32),
        lambda: Wallet(lambda n: b"\x08" * n).draw("SM2"),
        lambda: public_key_of("SM2", bytes.fromhex("02" + TestStandard.x)),  # not loaded before
        lambda: KEY.public.verify(bytes(31) + b"\1" + bytes(31) + b"\1", MESSAGE),
        lambda: KEY.sign(MESSAGE),
    ):
        with pytest.raises(InvalidKey) as caught:
            run()
        assert caught.value.hint == "pip install 'tetrad[sm]'"


def der(content: bytes, tag: int) -> bytes:
    length = bytes([len(content)]) if len(content) < 128 else bytes([0x81, len(content)])
    return bytes([tag]) + length + content


def integer(number: int) -> bytes:
    return der(number.to_bytes(number.bit_length() // 8 + 1, "big"), 0x02)


SM2_CURVE = der(
    der(bytes.fromhex("2a8648ce3d0201"), 0x06) + der(bytes.fromhex("2a811ccf5501822d"), 0x06), 0x30
)


class TestOpenssl:
    """The command that Debian has, which shares no line with gmalg."""

    @pytest.fixture
    def openssl(self) -> str:
        program = shutil.which("openssl")
        if program is None:
            pytest.skip("openssl not found: SM2 is checked by the standard's example alone")
        return program

    def run(self, openssl: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        options = ["-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
        command = [openssl, "pkeyutl", *arguments, *options]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    def accepts(self, openssl: str, folder: Path, key: PublicKey, signature: bytes) -> bool:
        spki = der(SM2_CURVE + der(b"\0" + uncompressed(key.raw), 0x03), 0x30)
        (folder / "public.der").write_bytes(spki)
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        (folder / "signature").write_bytes(der(integer(r) + integer(s), 0x30))
        (folder / "message").write_bytes(MESSAGE)
        done = self.run(
            openssl, folder, "-verify", "-pubin", "-inkey", "public.der", "-keyform", "DER",
            "-in", "message", "-sigfile", "signature",
        )  # fmt: skip
        return done.returncode == 0

    def test_it_verifies_ours_and_refuses_what_was_changed(
        self, openssl: str, tmp_path: Path
    ) -> None:
        signature = KEY.sign(MESSAGE)
        assert self.accepts(openssl, tmp_path, KEY.public, signature)
        for place in (0, 31, 32, 63):
            forged = bytearray(signature)
            forged[place] ^= 1
            assert not self.accepts(openssl, tmp_path, KEY.public, bytes(forged))
        other = private_key("SM2", bytes(range(2, 34))).public
        assert not self.accepts(openssl, tmp_path, other, signature)

    def test_we_verify_its_and_refuse_what_was_changed(self, openssl: str, tmp_path: Path) -> None:
        private = der(integer(1) + der(KEY.secret(), 0x04), 0x30)
        pkcs8 = der(integer(0) + SM2_CURVE + der(private, 0x04), 0x30)
        (tmp_path / "private.der").write_bytes(pkcs8)
        (tmp_path / "message").write_bytes(MESSAGE)
        done = self.run(
            openssl, tmp_path, "-sign", "-inkey", "private.der", "-keyform", "DER",
            "-in", "message", "-out", "signature",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        made = (tmp_path / "signature").read_bytes()
        length = made[3]
        r, s = made[4 : 4 + length], made[6 + length :]
        halves = [int.from_bytes(half, "big").to_bytes(32, "big") for half in (r, s)]
        signature = b"".join(halves)
        KEY.public.verify(signature, MESSAGE)
        refused(signature, message=MESSAGE + b"!")
        refused(bytes([signature[0] ^ 1]) + signature[1:])


def test_sm3_is_the_one_of_the_library_and_of_openssl() -> None:
    """The hash of the suite, whoever computes it."""
    import gmalg  # the extra `sm`, which the tests have

    for data in (b"", b"abc", bytes(200)):
        other = gmalg.SM3()
        other.update(data)
        assert other.value() == sm3(data)
    assert hashes.SM3.digest_size == 32
