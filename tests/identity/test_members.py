"""Members of operations: times, texts, digests and the small closed objects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from identity.members import (
    DataRecord,
    Digest,
    Endpoint,
    Hash,
    Identifier,
    Multikey,
    Number,
    Object,
    Recovery,
    Sector,
    TetradDid,
    Text,
    Url,
    format_time,
    parse_time,
)
from tests.factory import Maker, disclosed

MAKER = Maker()
HASH = MAKER.ledger_hash


def accepts(kind: Any, value: Any) -> bool:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


def test_a_time_is_a_number_of_seconds() -> None:
    assert parse_time("1970-01-01T00:00:00Z") == 0
    assert parse_time("2026-11-22T08:00:00Z") == 1_795_334_400
    assert format_time(1_795_334_400) == "2026-11-22T08:00:00Z"


@given(seconds=st.integers(0, 253_402_300_799))
def test_times_go_round_and_sort_as_text(seconds: int) -> None:
    text = format_time(seconds)
    assert parse_time(text) == seconds
    assert text.endswith("Z")
    assert len(text) == 20
    assert text <= format_time(min(seconds + 1, 253_402_300_799))
    assert datetime.fromtimestamp(seconds, UTC).year == int(text[:4])


@given(text=st.text(max_size=24) | st.text("0123456789-:TZ.+", min_size=18, max_size=22))
def test_any_other_text_is_no_time(text: str) -> None:
    try:
        seconds = parse_time(text)
    except ValueError:
        return
    assert format_time(seconds) == text


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Text, "水表 Äcme №1", ["", " x", "x ", "a\tb", "a\u200db", "A\u0308", "x" * 201, 1, None]),
        (Hash, HASH, [HASH[:-1], HASH + "1", "m" + HASH[1:], HASH + "\n", "zQm" + "0" * 44]),
        (Digest, disclosed("/x", "y").digest, ["x" * 42, "x" * 44, "x" * 42 + "=", "x" * 42 + "+"]),
        (TetradDid, MAKER.authority.did, [MAKER.authority.did + "#x", MAKER.authority.did.upper(),
                                          "did:key:z6Mk", MAKER.authority.did + "\n"]),
        (Multikey, MAKER.authority.key.public.multikey, ["z6Mk", "m" + "x" * 47, "z" + "0" * 47]),
        (Identifier, "https://id.gs1.org/01/1", ["", "a b", "é", "x" * 256, "x\n"]),
        (Url, "mqtts://broker.example/x", ["javascript:alert(1)", "data:text/html,x", "ftp://x/",
                                           "https://ex ample/", "https:", "//x", "HTTPS://x/"]),
    ],
    ids=["text", "hash", "digest", "did", "multikey", "identifier", "url"],
)  # fmt: skip
def test_kinds_of_text(kind: Any, good: str, bad: list[Any]) -> None:
    assert accepts(kind, good)
    assert [one for one in bad if accepts(kind, one)] == []


@pytest.mark.parametrize(
    ("threshold", "keys", "good"),
    [(1, 1, True), (2, 3, True), (5, 5, True), (2, 1, False), (0, 1, False), (1, 0, False),
     (1, 6, False)],
)  # fmt: skip
def test_a_recovery_can_be_reached(threshold: int, keys: int, good: bool) -> None:
    hashes = [MAKER.new_organization(f"O{n}").previous for n in range(keys)]
    value = {"threshold": threshold, "keys": hashes, "wait": 86_400}
    assert accepts(Recovery, value) == good


def test_a_quorum_counts_no_key_twice() -> None:
    assert not accepts(Recovery, {"threshold": 2, "keys": [HASH, HASH], "wait": 0})


@pytest.mark.parametrize(
    ("sector", "industrial"),
    [
        ({"domain": "production", "field": "industry", "category": "C4016"}, True),
        ({"domain": "production", "field": "agriculture"}, False),
        ({"domain": "consumption", "field": "industry"}, False),
    ],
)
def test_industry_is_a_field_of_production(sector: dict[str, str], industrial: bool) -> None:
    assert Sector.model_validate(sector).industrial == industrial


def test_numbers_are_committed_or_none() -> None:
    assert accepts(Number, "none")
    assert accepts(Number, {"scheme": "iccid", "commitment": disclosed("/x", "y").digest})
    for bad in ("", None, "8986040123456789019", {"scheme": "iccid", "value": "89860"}, {}):
        assert not accepts(Number, bad)


def test_an_endpoint_is_a_place_and_no_script() -> None:
    assert accepts(Endpoint, {"type": "MQTT", "url": "mqtts://data.example/1"})
    assert not accepts(Endpoint, {"type": "<b>", "url": "mqtts://data.example/1"})
    assert not accepts(Endpoint, {"type": "MQTT", "url": "javascript:alert(1)"})


def data(**changes: Any) -> dict[str, Any]:
    return {
        "describes": "readings",
        "schema": "urn:x",
        "version": 1,
        "grade": "general",
        "endpoints": [],
        "commitment": disclosed("/x", "y").digest,
        **changes,
    }


def test_data_records() -> None:
    assert accepts(DataRecord, data())
    for changes in (
        {"version": 0},
        {"version": 1.0},
        {"version": True},
        {"version": "1"},
        {"version": 2**31 + 1},
        {"grade": "secret"},
        {"endpoints": [{"type": "A", "url": "urn:x"}] * 9},
        {"more": 1},
        {"schema_": "urn:x"},
    ):
        assert not accepts(DataRecord, data(**changes)), changes


def test_objects_are_closed() -> None:
    value = {
        "maker": MAKER.authority.did,
        "model": "M1",
        "serial": disclosed("/x", "y").digest,
        "sector": {"domain": "production", "field": "industry"},
        "ipv6": "enabled",
    }
    assert accepts(Object, value)
    assert accepts(Object, {**value, "ipv6": {"exemption": "a serial line"}})
    assert not accepts(Object, {**value, "ipv6": {"exemption": ""}})
    assert not accepts(Object, {**value, "colour": "red"})
    for name in value:
        assert not accepts(Object, {k: v for k, v in value.items() if k != name})
