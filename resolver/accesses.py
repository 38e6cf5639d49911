"""The log of accesses to important data: its records, and the chain that a dropped one breaks.

    record = chained({"time": …, "by": …, "version": 3, "outcome": "shown", …}, head)
    verify_chain(records, head, device=did, chain="shown")

Each device has two chains: of what was `shown` (and erased), and of what was `refused`, so that who
is refused a thousand times pushes nothing out of the other. A record has its number `n` and, in
`previous`, SHA-256 over the JCS of the one before it, in hex; the first has zeros. Old records
leave at the front, and the numbers say how many did. Pure. Specified in specs/3-resolution.md,
"Graded data".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from identity.errors import InvalidAnswer
from identity.jcs import Json, canonicalize

SHOWN: Final = "shown"
REFUSED: Final = "refused"
CHAINS: Final = (SHOWN, REFUSED)
FOLD_SECONDS: Final = 3_600
"""Within which an asker that is refused again is counted and not recorded again."""


class ChainHead(NamedTuple):
    """The newest record of a chain; number 0 and zeros before the first."""

    n: int = 0
    hash: str = "0" * 64


def chained(members: Mapping[str, Json], head: ChainHead) -> dict[str, Json]:
    """A record that follows the head."""
    return {**members, "n": head.n + 1, "previous": head.hash}


def record_hash(record: Mapping[str, Json]) -> str:
    """What the next record's `previous` repeats. Raises MalformedInput."""
    return sha256(canonicalize(dict(record))).hexdigest()


def verify_chain(records: Sequence[Any], head: ChainHead, *, device: str, chain: str) -> int:
    """How many records left at the front, where the rest is one unbroken chain that ends in `head`.

    Raises InvalidAnswer where one is missing, changed, or another device's.
    """
    last: ChainHead | None = None
    for record in records:
        if not isinstance(record, dict):
            raise InvalidAnswer("a record of an access is an object", pointer="/accesses")
        n, previous = record.get("n"), record.get("previous")
        if type(n) is not int or n < 1 or not isinstance(previous, str):
            raise InvalidAnswer("a record of an access has n and previous", pointer="/accesses")
        if (record.get("device"), record.get("chain")) != (device, chain):
            raise InvalidAnswer("an access to another device", pointer="/accesses")
        if last is None:
            last = ChainHead(n - 1, previous)
        if (n - 1, previous) != last:
            raise InvalidAnswer(
                f"the log of accesses has a hole, or was changed, before its record {n}",
                pointer="/accesses",
            )
        last = ChainHead(n, record_hash(record))
    if (last or ChainHead()) != head:
        raise InvalidAnswer("the log of accesses does not end in its head", pointer="/head")
    return records[0]["n"] - 1 if records else 0
