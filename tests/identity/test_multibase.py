"""Every encoding is a round trip, and no value has a second spelling."""

from __future__ import annotations

import base64
import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import multibase
from identity.errors import MalformedInput, TetradError


class TestBase58:
    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (b"", ""),
            (b"\0", "1"),
            (b"\0\0", "11"),
            (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
            (bytes.fromhex("0000287fb4cd"), "11233QC4"),
            (
                b"The quick brown fox jumps over the lazy dog.",
                "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
            ),
        ],
    )
    def test_known_values(self, data: bytes, text: str) -> None:
        # draft-msporny-base58, section 5
        assert multibase.base58_encode(data) == text
        assert multibase.base58_decode(text) == data

    @given(st.binary(max_size=120), st.integers(0, 5))
    def test_round_trip(self, data: bytes, zeros: int) -> None:
        data = bytes(zeros) + data
        assert multibase.base58_decode(multibase.base58_encode(data)) == data

    @given(st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", max_size=90))
    def test_no_second_spelling(self, text: str) -> None:
        assert multibase.base58_encode(multibase.base58_decode(text)) == text

    @pytest.mark.parametrize("length", [*range(1, 140), 255, 256, 257, 2_048, 2_049, 4_095, 4_096])
    def test_digits_of_every_length_are_read_as_arithmetic_has_it(self, length: int) -> None:
        for text in ("z" * length, "2" + "1" * (length - 1), ("2zA9y" * length)[:length]):
            number = 0
            for digit in text:
                alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
                number = number * 58 + alphabet.index(digit)
            whole = number.to_bytes((number.bit_length() + 7) // 8, "big")
            assert multibase.base58_decode(text) == whole

    @given(st.text(max_size=60))
    def test_hostile_text_raises_only_our_errors(self, text: str) -> None:
        for decode in (
            multibase.base58_decode,
            multibase.multibase_decode,
            multibase.decode_multihash,
            multibase.base64url_decode,
        ):
            with contextlib.suppress(TetradError):
                decode(text)

    @pytest.mark.parametrize("text", ["0", "O", "I", "l", "abc ", "a+b", "é", "\ud800", "１"])
    def test_foreign_characters(self, text: str) -> None:
        with pytest.raises(MalformedInput):
            multibase.base58_decode(text)

    def test_a_very_long_text_is_refused_at_once(self) -> None:
        with pytest.raises(MalformedInput):
            multibase.base58_decode("z" * 1_000_000)

    @pytest.mark.parametrize("text", ["", "mAQI", "f00", "Z12", "ü"])
    def test_other_bases_are_refused(self, text: str) -> None:
        with pytest.raises(MalformedInput):
            multibase.multibase_decode(text)


class TestMultihash:
    @given(st.binary(max_size=100))
    def test_round_trip(self, data: bytes) -> None:
        text = multibase.multihash(data)
        assert len(text) == 47
        assert text.startswith("zQm")
        assert multibase.decode_multihash(text) == hashlib.sha256(data).digest()
        assert multibase.digest_multihash(hashlib.sha256(data).digest()) == text

    @pytest.mark.parametrize("digest", [bytes(32), b"\xff" * 32])
    def test_the_smallest_and_the_largest_digest(self, digest: bytes) -> None:
        text = multibase.digest_multihash(digest)
        assert (len(text), text[:3]) == (47, "zQm")
        assert multibase.decode_multihash(text) == digest

    def test_other_hash_functions_lengths_and_tails_are_refused(self) -> None:
        sha2_512_truncated = multibase.multibase_encode(b"\x13\x20" + bytes(32))
        short = multibase.multibase_encode(b"\x12\x1f" + bytes(31))
        good = multibase.multihash(b"")
        for text in (
            sha2_512_truncated,
            short,
            good + "1",
            good + "\n",
            good[1:],
            "zQm" + "z" * 44,
        ):
            with pytest.raises(MalformedInput):
                multibase.decode_multihash(text)


class TestBase64url:
    @given(st.binary(max_size=100))
    def test_round_trip(self, data: bytes) -> None:
        text = multibase.base64url_encode(data)
        assert "=" not in text
        assert multibase.base64url_decode(text) == data

    @given(st.binary(min_size=1, max_size=10))
    def test_padding_is_refused(self, data: bytes) -> None:
        padded = base64.urlsafe_b64encode(data).decode()
        if padded.endswith("="):
            with pytest.raises(MalformedInput):
                multibase.base64url_decode(padded)

    @pytest.mark.parametrize("text", ["A", "AAAAA", "AB", "AAB", "a+b/", "AA\n", "A A", "ＡＡ"])
    def test_impossible_lengths_spare_bits_and_foreign_characters(self, text: str) -> None:
        with pytest.raises(MalformedInput):
            multibase.base64url_decode(text)
