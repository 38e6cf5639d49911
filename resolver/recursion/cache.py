"""What was proved, for as long as it may be passed on.

    cache = Cache(Lifetimes())
    cache.keep(key, walked, now)
    kept = cache.fresh(key, now)                 # or None
    kept = cache.stale(key, now)                 # once a node on the way is down

An answer expires at the time of its *proof* plus its lifetime: fetched again and again from a node
that holds back what is newer, it grows no younger. That there is none is kept apart and for a
shorter time, and a failure is never kept as an answer of any kind. Bounded by count and by bytes,
apart for answers and absences, so that a flood of unknown codes drives out no known one. Pure; all
times in seconds. Specified in specs/3-resolution.md, "Recursion".
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, NamedTuple, cast

import orjson

from identity.errors import Gone, NotFound, TetradError
from identity.jcs import Json, canonicalize
from identity.members import format_time, parse_time
from registry.state import Key
from resolver.recursion.walk import Walked
from resolver.verifier import VerifiedAnswer

FOUND: Final = 200
NONE: Final = 404
GONE: Final = 410


class Lifetimes(NamedTuple):
    """For how long, in seconds."""

    positive: int = 300
    """An answer, from the time of its proof on."""
    negative: int = 90
    """That there is none, likewise. A node that is well dates its checkpoint every minute."""
    stale: int = 3_600
    """Beyond that, while a node on the way gives no answer."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer, finished."""

    status: int
    record: bytes
    """The device's record, canonical; b"" where there is none."""
    entry: int
    """The one that made the record what it is, in its ledger; -1 where there is none."""
    plain: bytes
    """The body without its proof: an answer, or the problem that there is none or it is gone."""
    proved: bytes
    """The body with proof and path."""
    time: int
    """Of the oldest proof on the way."""
    expires: int
    node: dict[str, Json]
    """Who answers: `ledger`, `origin` and `urls`."""

    @property
    def weight(self) -> int:
        """Bytes that it takes."""
        return len(self.record) + len(self.plain) + len(self.proved)


@dataclass
class _Room:
    """The newest of one kind."""

    most: int
    most_bytes: int
    items: OrderedDict[Key, Kept] = field(default_factory=OrderedDict)
    size: int = 0

    def put(self, key: Key, kept: Kept) -> None:
        self.drop(key)
        self.items[key] = kept
        self.size += kept.weight
        while len(self.items) > self.most or self.size > self.most_bytes:
            _, gone = self.items.popitem(last=False)
            self.size -= gone.weight

    def drop(self, key: Key) -> None:
        gone = self.items.pop(key, None)
        if gone is not None:
            self.size -= gone.weight


class Cache:
    """Answers by what was asked."""

    def __init__(
        self,
        lifetimes: Lifetimes = Lifetimes(),  # noqa: B008 - a tuple of numbers
        *,
        most: int = 20_000,
        most_bytes: int = 256 * 2**20,
    ) -> None:
        self.lifetimes = lifetimes
        self._rooms = (_Room(most, most_bytes), _Room(most, most_bytes // 4))
        self.hits = self.misses = self.stale_served = 0

    def __len__(self) -> int:
        return sum(len(room.items) for room in self._rooms)

    def fresh(self, key: Key, now: int) -> Kept | None:
        """What is kept and has not expired."""
        for room in self._rooms:
            kept = room.items.get(key)
            if kept is not None and now < kept.expires:
                room.items.move_to_end(key)
                self.hits += 1
                return kept
        self.misses += 1
        return None

    def stale(self, key: Key, now: int) -> Kept | None:
        """What is kept, expired or not, within the bound for stale answers. That there was none is
        not passed on once it has expired: what is new would be hidden by it."""
        kept = self._rooms[0].items.get(key)
        if kept is None or now >= kept.expires + self.lifetimes.stale:
            return None
        self.stale_served += 1
        return kept

    def keep(self, key: Key, walked: Walked, now: int) -> Kept:
        """Keeps what was found, in the place of what was known of it before."""
        kept = finished(walked, now, self.lifetimes)
        found = walked.status != NONE
        self._rooms[found].drop(key)
        self._rooms[not found].put(
            key, kept
        )  # expired or not: it may be wanted when a node is down
        return kept


def finished(walked: Walked, now: int, lifetimes: Lifetimes) -> Kept:
    """An answer as it is passed on. It ends with the first of the grants that lead to it."""
    age = walked.path.age.seconds
    time = now if age is None else now - age
    lifetime = lifetimes.negative if walked.status == NONE else lifetimes.positive
    expires = time + lifetime
    if walked.path.until is not None:
        expires = min(expires, parse_time(walked.path.until))
    responsible = walked.path.responsible
    served: dict[str, Json] = {
        "time": format_time(time),
        "expires": format_time(expires),
        "stale": False,
        "ledger": responsible.ledger,
        "origin": responsible.origin,
    }
    shown = {**walked.answer, "served": served}
    plain = {name: value for name, value in shown.items() if name not in ("proof", "path")}
    device = walked.answer.get("device")
    outcome = walked.path.outcome
    record = b"" if device is None else canonicalize(device)
    entry = outcome.entry if isinstance(outcome, VerifiedAnswer) else -1
    bodies = _body(walked.status, plain), _body(walked.status, shown)
    node: dict[str, Json] = {
        "ledger": responsible.ledger,
        "origin": responsible.origin,
        "urls": list(walked.urls),
    }
    return Kept(walked.status, record, entry, *bodies, time, expires, node)


def _body(status: int, answer: dict[str, Json]) -> bytes:
    """The answer, or the problem that bears it, as JSON."""
    if status == FOUND:
        return orjson.dumps(answer)
    if status == GONE:
        device = cast("dict[str, Json]", answer["device"])
        gone = Gone(
            f"the device is {device['status']}: {device.get('reason', '')}",
            hint="a code is never reissued; the answer is what is left",
            answer=answer,
        )
        return orjson.dumps(gone.problem())
    missing = NotFound("no device in the tree bears this")
    missing.members = {**answer}
    return orjson.dumps(missing.problem())


def as_stale(body: bytes, why: TetradError) -> bytes:
    """A finished body, saying that it is an old one, and why."""
    value = orjson.loads(body)
    served = value.get("answer", value)["served"]
    served |= {"stale": True, "reason": why.code, "detail": why.detail}
    return orjson.dumps(value)
