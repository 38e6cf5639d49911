"""Times as credentials and proofs write them: XML Schema `dateTimeStamp`.

>>> seconds_of("2026-11-22T16:00:00+08:00")
1795334400.0
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from identity.errors import MalformedInput

# XML Schema 1.1 Part 2, 3.4.28, for the years 1 to 9999: the zone is required.
_STAMP = re.compile(
    r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T"
    r"(?:([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,18}))?|24:00:00(?:\.0{1,18})?)"
    r"(Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 45


@lru_cache(maxsize=1024)
def seconds_of(text: str) -> float:
    """Seconds since 1970 of a dateTimeStamp. Raises MalformedInput; what it returns is cached."""
    match = _STAMP.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise MalformedInput(
            "not a dateTimeStamp", hint="write 2026-11-22T08:00:00Z, always with a time zone"
        )
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        midnight = datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        raise MalformedInput("a date that the calendar does not have") from None
    clock = 86_400 if hour is None else int(hour) * 3600 + int(minute) * 60 + int(second)
    whole = (midnight - _EPOCH) // timedelta(seconds=1) + clock - _offset(zone)
    return whole + (float(f"0.{fraction}") if fraction else 0.0)


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    size = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
    return -size if zone[0] == "-" else size
