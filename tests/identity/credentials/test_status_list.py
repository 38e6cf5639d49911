"""Bit strings, their encoding, indices, entries and the credential that holds a list."""

from __future__ import annotations

import contextlib
import gzip
import random
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.credentials.credential import check_credential
from identity.credentials.status_list import (
    MOST_BYTES,
    SMALLEST,
    StatusList,
    check_entry,
    decode,
    draw_index,
    encode,
    entry,
    list_credential,
    new_list,
    read_list,
)
from identity.errors import InputTooLarge, MalformedCredential, MalformedInput, StatusUnknown
from identity.multibase import base64url_encode

URL = "https://issuer.example/status/1"
# The example of the Recommendation, section 2.2: 131,072 entries, none of them set.
W3C_LIST = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"


def written(statuses: StatusList, **more: Any) -> dict[str, Any]:
    return list_credential(statuses, url=URL, issuer="did:example:a", **more)


class TestEncoding:
    def test_the_example_of_the_recommendation(self) -> None:
        assert decode(W3C_LIST) == bytes(16_384)
        assert encode(bytes(16_384)) == W3C_LIST

    @given(st.binary(max_size=400))
    def test_round_trip(self, bits: bytes) -> None:
        text = encode(bits)
        assert decode(text) == bits
        assert text == encode(bits)

    def test_other_gzip_is_read(self) -> None:
        for packed in (gzip.compress(bytes(99), 1, mtime=0), gzip.compress(bytes(99), 9, mtime=7)):
            assert decode("u" + base64url_encode(packed)) == bytes(99)

    def test_a_bomb_is_not_expanded(self) -> None:
        bomb = "u" + base64url_encode(gzip.compress(bytes(MOST_BYTES + 1), mtime=0))
        with pytest.raises(MalformedCredential, match="more than"):
            decode(bomb)
        assert len(decode(encode(bytes(MOST_BYTES)))) == MOST_BYTES

    @pytest.mark.parametrize(
        "text",
        [
            None,
            7,
            "",
            "u",
            W3C_LIST[1:],
            "z" + W3C_LIST[1:],
            W3C_LIST + "=",
            W3C_LIST[:-4],
            W3C_LIST + "AAAA",
            "u" + base64url_encode(zlib.compress(bytes(99))),
            "u" + base64url_encode(gzip.compress(b"a", mtime=0) + gzip.compress(b"b", mtime=0)),
            "u" + base64url_encode(gzip.compress(bytes(99), mtime=0)[:-8] + bytes(8)),
        ],
    )
    def test_refused(self, text: object) -> None:
        with pytest.raises(MalformedCredential, match="encodedList"):
            decode(text)

    @given(st.one_of(st.text(), st.binary().map(lambda data: "u" + base64url_encode(data))))
    def test_hostile(self, text: str) -> None:
        with contextlib.suppress(MalformedCredential):
            decode(text)


class TestBits:
    def test_the_first_entry_is_the_left_most_bit(self) -> None:
        statuses = new_list("revocation")
        statuses.set(0, 1)
        statuses.set(SMALLEST - 1, 1)
        bits = decode(statuses.encoded())
        assert (bits[0], bits[-1]) == (0x80, 0x01)

    @given(
        st.integers(1, 8),
        st.dictionaries(st.integers(0, SMALLEST - 1), st.integers(0, 255), max_size=20),
    )
    def test_what_is_set_is_read(self, size: int, values: dict[int, int]) -> None:
        statuses = new_list("message", size=size)
        for index, value in values.items():
            statuses.set(index, (1 << size) - 1)  # to be overwritten
            statuses.set(index, value % (1 << size))
        again = read_list(written(statuses), size)
        assert again.length == SMALLEST
        for index, value in values.items():
            assert again.get(index) == value % (1 << size)
        assert sum(bits.bit_count() for bits in decode(statuses.encoded())) == sum(
            (value % (1 << size)).bit_count() for value in values.values()
        )

    def test_beyond_the_list(self) -> None:
        statuses = new_list("revocation")
        for index in (-1, SMALLEST):
            with pytest.raises(StatusUnknown):
                statuses.get(index)
            with pytest.raises(StatusUnknown):
                statuses.set(index, 1)
        with pytest.raises(MalformedInput):
            statuses.set(0, 2)

    def test_smaller_lists_are_not_made(self) -> None:
        for length in (SMALLEST - 8, SMALLEST + 1, 0):
            with pytest.raises(MalformedInput):
                new_list("revocation", length)
        with pytest.raises(MalformedInput):
            new_list("revocation", size=9)

    def test_the_size_says_nothing_of_how_many_there_are(self) -> None:
        few, many = new_list("revocation"), new_list("revocation")
        for index in range(0, SMALLEST, 3):
            many.set(index, 1)
        assert len(decode(few.encoded())) == len(decode(many.encoded())) == 16_384


class TestIndices:
    def test_drawn_at_random_and_never_twice(self) -> None:
        source = random.Random(7)  # noqa: S311  # a seeded source, so that the test repeats itself
        taken: set[int] = set()
        for _ in range(500):
            index = draw_index(taken, 512, source.randrange)
            assert index not in taken
            assert 0 <= index < 512
            taken.add(index)
        # 500 of 512 places in an order that has nothing to do with their own
        assert sorted(taken) != list(range(500))

    def test_the_last_place_is_found(self) -> None:
        taken = set(range(SMALLEST)) - {77_777}
        assert draw_index(taken, SMALLEST, lambda n: n - 1) == 77_777

    def test_a_full_list(self) -> None:
        with pytest.raises(InputTooLarge, match="every place"):
            draw_index(range(16), 16, lambda n: n - 1)


class TestEntries:
    def test_plain(self) -> None:
        assert entry(URL, 94_567, "revocation") == {
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": "94567",
            "statusListCredential": URL,
        }

    def test_with_messages(self) -> None:
        made = entry(
            URL, 1, "message", messages=["a", "b", "c", "d"], reference="https://x.example"
        )
        assert made["statusSize"] == 2
        assert [m["status"] for m in made["statusMessage"]] == ["0x0", "0x1", "0x2", "0x3"]

    def test_two_messages_are_one_bit(self) -> None:
        assert entry(URL, 1, "message", messages=["a", "b"])["statusSize"] == 1

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"type": "StatusList2021Entry"}, "/type"),
            ({"type": ["BitstringStatusListEntry"]}, "/type"),
            ({"statusPurpose": ["revocation"]}, "/statusPurpose"),
            ({"statusPurpose": ""}, "/statusPurpose"),
            ({"statusListIndex": 1}, "/statusListIndex"),
            ({"statusListIndex": "-1"}, "/statusListIndex"),
            ({"statusListIndex": "01"}, "/statusListIndex"),
            ({"statusListIndex": "1.0"}, "/statusListIndex"),
            ({"statusListIndex": "１"}, "/statusListIndex"),
            ({"statusListIndex": "9" * 19}, "/statusListIndex"),
            ({"statusListCredential": "x"}, "/statusListCredential"),
            ({"statusListCredential": None}, "/statusListCredential"),
            ({"id": URL}, "/id"),
            ({"statusSize": 0}, "/statusSize"),
            ({"statusSize": True}, "/statusSize"),
            ({"statusSize": "1"}, "/statusSize"),
            ({"statusSize": 2}, "/statusMessage"),
            ({"statusPurpose": "message"}, "/statusMessage"),
            ({"statusMessage": []}, "/statusMessage"),
            ({"statusMessage": [{"status": "0x0", "message": "a"}] * 2}, "/statusMessage"),
            (
                {"statusMessage": [{"status": "0", "message": "a"}, {"status": "0x1"}]},
                "/statusMessage/0/status",
            ),
            (
                {"statusMessage": [{"status": "0x0", "message": "a"}, {"status": "0x1"}]},
                "/statusMessage/1/message",
            ),
            ({"statusReference": "x"}, "/statusReference"),
            ({"statusReference": []}, "/statusReference"),
        ],
    )
    def test_malformed(self, changes: dict[str, Any], pointer: str) -> None:
        with pytest.raises(MalformedCredential) as refusal:
            check_entry({**entry(URL, 1, "revocation"), **changes}, "")
        assert refusal.value.pointer == pointer


class TestListCredential:
    def test_its_form(self) -> None:
        made = written(
            new_list("revocation"),
            valid_from="2026-01-01T00:00:00Z",
            valid_until="2026-01-02T00:00:00Z",
            ttl=300_000,
        )
        check_credential(made)
        assert made["credentialSubject"]["encodedList"] == W3C_LIST
        assert made["credentialSubject"]["ttl"] == 300_000
        assert made["id"] == URL != made["credentialSubject"]["id"]

    def test_several_purposes(self) -> None:
        made = written(new_list(["revocation", "suspension"]))
        check_credential(made)
        assert read_list(made).purposes == ("revocation", "suspension")

    @pytest.mark.parametrize(
        "subject",
        [
            {"type": "StatusList2021"},
            {"statusPurpose": []},
            {"statusPurpose": 1},
            {"statusPurpose": None},
            {"ttl": -1},
            {"ttl": "300000"},
            {"ttl": True},
            {"encodedList": encode(bytes(16_383))},
            {"encodedList": "uAAAA"},
            {"encodedList": None},
        ],
    )
    def test_malformed(self, subject: dict[str, Any]) -> None:
        made = written(new_list("revocation"))
        made["credentialSubject"] |= subject
        with pytest.raises(MalformedCredential):
            check_credential(made)

    def test_two_lists_in_one(self) -> None:
        made = written(new_list("revocation"))
        made["credentialSubject"] = [made["credentialSubject"]] * 2
        with pytest.raises(MalformedCredential, match="one BitstringStatusList"):
            check_credential(made)
