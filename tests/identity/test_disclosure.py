"""Disclosures: the digest of RFC 9901, and strictness about all that is not one of ours."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from identity.disclosure import (
    DATA,
    NUMBER,
    SERIAL,
    disclose,
    disclosure_digest,
    open_disclosure,
    open_disclosures,
)
from identity.errors import InvalidDisclosure


def encoded(value: object) -> str:
    """Base64url of JSON, written by another library than ours."""
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


SALT = encoded("0123456789abcdef0123")  # base64url, of more than 16 bytes


def test_the_digest_of_rfc_9901() -> None:
    """The example of section 4.2.3: the white space of the JSON text counts."""
    disclosure = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    assert disclosure_digest(disclosure) == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"


def test_what_is_disclosed_can_be_opened() -> None:
    made = disclose(SERIAL, "SN-1", lambda n: b"\x07" * n)
    assert open_disclosure(made.encoded) == made
    assert made.name == SERIAL
    assert made.value == "SN-1"
    digest = sha256(made.encoded.encode()).digest()
    assert made.digest == urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_two_disclosures_of_one_value_have_nothing_in_common() -> None:
    salts = iter([b"\x00" * 16, b"\x01" * 16])
    one, two = (disclose(NUMBER, "+8613800138000", lambda _: next(salts)) for _ in range(2))
    assert one.digest != two.digest


def test_the_place_is_part_of_what_is_digested() -> None:
    one, two = (disclose(place, "x", bytes) for place in (SERIAL, NUMBER))
    assert one.digest != two.digest


@pytest.mark.parametrize(
    "value",
    [
        [SALT, SERIAL],
        [SALT, SERIAL, "x", "y"],
        [SALT, SERIAL, 1],
        [SALT, SERIAL, None],
        [SALT, SERIAL, ["x"]],
        [1, SERIAL, "x"],
        [SALT, 1, "x"],
        {"salt": SALT, "name": SERIAL, "value": "x"},
        "text",
        None,
        [urlsafe_b64encode(b"\x00" * 15).rstrip(b"=").decode(), SERIAL, "x"],
        ["", SERIAL, "x"],
        ["not base64!" * 3, SERIAL, "x"],
    ],
)
def test_other_contents_are_refused(value: object) -> None:
    with pytest.raises(InvalidDisclosure):
        open_disclosure(encoded(value))


RIGHT = encoded([SALT, SERIAL, "SN-1"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        RIGHT + "=",
        " " + RIGHT,
        RIGHT + "\n",
        RIGHT[:-1] + "é",
        RIGHT.replace("W", "+", 1),
        RIGHT + "AA",
        "W" * 9000,
        encoded([SALT, SERIAL, "x" * 9000]),
        urlsafe_b64encode(b"[1").decode().rstrip("="),
        urlsafe_b64encode(b"\xff\xfe").decode().rstrip("="),
        urlsafe_b64encode(b'["\\ud800"]').decode().rstrip("="),
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidDisclosure):
        open_disclosure(text)


def test_a_place_is_disclosed_once() -> None:
    one, two = (encoded([SALT, SERIAL, value]) for value in ("a", "b"))
    with pytest.raises(InvalidDisclosure) as caught:
        open_disclosures([one, two])
    assert caught.value.pointer == SERIAL


def test_several_places() -> None:
    opened = open_disclosures([encoded([SALT, place, place]) for place in (SERIAL, NUMBER, DATA)])
    assert {name: one.value for name, one in opened.items()} == {
        place: place for place in (SERIAL, NUMBER, DATA)
    }


@given(value=st.text(max_size=64), salt=st.binary(min_size=16, max_size=16))
def test_any_text_goes_round(value: str, salt: bytes) -> None:
    with suppress(UnicodeEncodeError):
        value.encode()
        assert open_disclosure(disclose(SERIAL, value, lambda _: salt).encoded).value == value


@given(text=st.text(max_size=80) | st.text("WyJ0fQ_-", max_size=80))
@example(text="W10")
@example(text="WyIiXQ")
def test_hostile_text_raises_one_error_and_no_other(text: str) -> None:
    with suppress(InvalidDisclosure):
        open_disclosure(text)
