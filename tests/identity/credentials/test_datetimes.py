"""dateTimeStamp of XML Schema: what is read, and to which second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.credentials.datetimes import seconds_of
from identity.errors import MalformedInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.5Z", 0.5),
        ("1969-12-31T19:00:00-05:00", 0),
        ("1970-01-01T08:00:00+08:00", 0),
        ("1969-12-31T24:00:00Z", 0),
        ("2024-02-29T00:00:00Z", 1_709_164_800),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("2026-01-01T00:00:00+14:00", 1_767_175_200),
    ],
)
def test_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00",
        "2026-01-01",
        "2026-01-01 00:00:00Z",
        "2026-01-01t00:00:00z",
        "2026-1-1T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-01T24:00:01Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T23:59:60Z",
        "2026-01-01T00:00:00+14:01",
        "2026-01-01T00:00:00+0800",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Z\n",
        "２026-01-01T00:00:00Z",
        "-2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00." + "0" * 60 + "Z",
        "",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(MalformedInput):
        seconds_of(text)


@given(
    st.datetimes(
        min_value=datetime(2, 1, 1),  # noqa: DTZ001  # hypothesis adds the zone
        timezones=st.integers(-14 * 60, 14 * 60).map(
            lambda minutes: timezone(timedelta(minutes=minutes))
        ),
    )
)
def test_agrees_with_datetime(when: datetime) -> None:
    when = when.replace(microsecond=0)
    expected = (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    assert seconds_of(when.isoformat()) == expected


@given(st.text(max_size=40))
def test_hostile_text(text: str) -> None:
    try:
        found = seconds_of(text)
    except MalformedInput:
        return
    assert isinstance(found, float | int)
