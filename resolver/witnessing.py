"""Asking the witnesses of a policy for their cosignatures, all at once, and keeping figures.

    witnesses = Witnesses(policy, origin, reader.consistency)
    cosigned = await witnesses.cosign(note, size, deadline_seconds=5)
    policy.cosigned_at(…)                  # whoever verifies decides; asking never refuses
    await witnesses.close()

A log cannot be held up by its witnesses: `cosign` returns when the quorum is met and a short grace
has passed, when all have answered, or at the deadline, with the cosignatures that there are. A
witness that fails is left alone for 1, 2, 4 … 60 seconds. Nothing that it says is believed: a line
counts if it verifies under a key that the policy has at this address, and is dropped otherwise.
Only the addresses of the policy are contacted; redirects are not followed, and an answer is read up
to its limit in bytes and the deadline in time.
"""

from __future__ import annotations

import asyncio
import time as clocks
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from identity.errors import (
    InvalidCheckpoint,
    MalformedInput,
    MalformedPolicy,
    QuorumMissing,
)
from registry.checkpoint import Checkpoint
from registry.note import Note, Signature, VerifierKey
from registry.policy import Policy, PolicyWitness
from registry.witness import SIZE_MEDIA_TYPE, AddCheckpoint, parse_cosignatures, parse_size

MAX_ANSWER_BYTES: Final = 65_536
"""Of an answer: some sixteen lines of ML-DSA-44."""
GRACE_SECONDS: Final = 0.25
"""That the others have once the quorum is met."""
MOST_SECONDS_AHEAD: Final = 300
"""Of our clock: a cosignature that is dated later is not used."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
_STATUSES = (400, 403, 404, 409, 422, 429, 503)
"""Those that have a meaning here, and a figure of their own."""

Consistency = Callable[[int, int], Sequence[bytes]]
"""The consistency proof between two sizes of the log (RFC 6962, section 2.1.2)."""


@dataclass(frozen=True, slots=True)
class WitnessFigures:
    """One witness of the policy, as it stands."""

    name: str
    """In the policy."""
    url: str | None
    """None for one that cannot be asked."""
    time: int | None
    """The newest time that it cosigned, in seconds; None before the first."""
    size: int | None
    """The size that it cosigned last."""
    behind: int
    """Entries that were published since."""
    failures: Mapping[str, int]
    """How often it gave nothing to use, by reason."""
    dropped: Mapping[str, int]
    """Lines of its answers that were not used, by reason. A key that the policy does not have is
    no fault: a witness may sign with more than one."""
    paused: bool
    """Whether it is left alone for now, after a failure."""


@dataclass
class _Place:
    """One address, with the witnesses of the policy that answer there."""

    url: str
    keys: dict[tuple[str, bytes], PolicyWitness]
    size: int = 0
    """What it is believed to have cosigned last; a wrong belief costs one more request."""
    failures: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    cosigned: dict[VerifierKey, tuple[int, int]] = field(default_factory=dict)
    """(time, size) of the newest cosignature of each key."""
    pause: float = 0.0
    ask_after: float = float("-inf")

    def failed(self, reason: str, now: float) -> None:
        """Takes note, and leaves it alone for twice as long as the last time."""
        self.failures[reason] += 1
        self.pause = min(LONGEST_PAUSE, 2 * self.pause or FIRST_PAUSE)
        self.ask_after = now + self.pause

    def worked(self) -> None:
        """The next failure is the first again."""
        self.pause, self.ask_after = 0.0, float("-inf")


class _Unusable(Exception):
    """Why an answer is of no use: one of a few words, for the figures."""


@dataclass(frozen=True)
class _Asked:
    """What is to be cosigned."""

    note: bytes
    text: str
    size: int
    seconds: float
    consistency: Consistency
    proofs: dict[int, tuple[bytes, ...]] = field(default_factory=dict)

    def request(self, old: int) -> bytes:
        """The body of a request of a witness that is at `old`; proofs are made once for all."""
        if old not in self.proofs:
            made = self.consistency(old, self.size) if 0 < old < self.size else ()
            self.proofs[old] = tuple(made)
        return AddCheckpoint(old, self.proofs[old], self.note).format()


class Witnesses:
    """The witnesses of one log. `cosign` is for one publication at a time, in one event loop."""

    def __init__(
        self,
        policy: Policy,
        origin: str,
        consistency: Consistency,
        *,
        grace_seconds: float = GRACE_SECONDS,
        clock: Callable[[], float] = clocks.time,
        monotonic: Callable[[], float] = clocks.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Raises MalformedPolicy for a URL of a witness that is not one of HTTP."""
        self.policy = policy
        self._origin = origin
        self._consistency = consistency
        self._grace = grace_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._places = _places(policy)
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._size = 0

    async def cosign(self, note: bytes, size: int, deadline_seconds: float) -> bytes:
        """The signed checkpoint of `size` entries with the cosignature lines that were got for it.

        Returns within `deadline_seconds` and never raises for what a witness does or fails to do;
        `RuntimeError` where the note is not the checkpoint that is meant.
        """
        parsed = Note.parse(note)
        checkpoint = Checkpoint.parse(parsed.text)
        if (checkpoint.origin, checkpoint.size) != (self._origin, size):
            raise RuntimeError(f"not the checkpoint of {self._origin} over {size} entries")
        self._size = size
        asked = _Asked(note, parsed.text, size, deadline_seconds, self._consistency)
        now = self._monotonic()
        got: dict[VerifierKey, tuple[int, Signature]] = {}
        tasks = {
            asyncio.create_task(self._ask(place, asked, got)): place
            for place in self._places
            if place.ask_after <= now
        }
        try:
            await self._wait(tasks, got, deadline_seconds)
        finally:
            await _cancel(tasks)
        ours = {(key.name, key.id) for key in got}
        kept = [line for line in parsed.signatures if (line.name, line.id) not in ours]
        return Note(parsed.text, (*kept, *(line for _, line in got.values()))).format()

    def figures(self) -> list[WitnessFigures]:
        """Every witness of the policy, in its order."""
        now = self._monotonic()
        places = {one.key: place for place in self._places for one in place.keys.values()}
        return [
            _figures(one, places.get(one.key), self._size, now) for one in self.policy.witnesses
        ]

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _met(self, got: Mapping[VerifierKey, tuple[int, Signature]]) -> bool:
        """Whether those that are still asked are not needed; where none are, all are waited for."""
        try:
            times = ((key, time) for key, (time, _) in got.items())
            return self.policy.cosigned_at(times) is not None
        except QuorumMissing:
            return False

    async def _wait(
        self,
        tasks: Mapping[asyncio.Task[None], _Place],
        got: Mapping[VerifierKey, tuple[int, Signature]],
        seconds: float,
    ) -> None:
        """Until the quorum and its grace, or all, or the deadline."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        pending = set(tasks)
        graced = False
        while pending and (left := end - loop.time()) > 0:
            if not graced and self._met(got):
                graced, end = True, min(end, loop.time() + self._grace)
                continue
            _, pending = await asyncio.wait(
                pending, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
        for task in pending:  # whoever is only later than the quorum is asked again next time
            if graced:
                tasks[task].failures["late"] += 1
            else:
                tasks[task].failed("timeout", self._monotonic())

    async def _ask(
        self, place: _Place, asked: _Asked, got: dict[VerifierKey, tuple[int, Signature]]
    ) -> None:
        """Asks at one address, once again if it is at another size than was believed."""
        try:
            status, answer = await self._post(place, asked)
            if status == httpx.codes.CONFLICT:
                place.size = _size_of(answer, asked.size)
                status, answer = await self._post(place, asked)
            if status != httpx.codes.OK:
                raise _Unusable(str(status) if status in _STATUSES else f"{status // 100}xx")
            found = dict(self._usable(place, asked, answer))
        except _Unusable as reason:
            place.failed(str(reason), self._monotonic())
        except httpx.TimeoutException:
            place.failed("timeout", self._monotonic())
        except httpx.TransportError:
            place.failed("unreachable", self._monotonic())
        else:
            place.size = asked.size
            for key, (time, _) in found.items():
                place.cosigned[key] = (time, asked.size)
            place.worked()
            got.update(found)

    async def _post(self, place: _Place, asked: _Asked) -> tuple[int, bytes]:
        """Status and body of one answer; a body 409 that is not a size is left out."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=self._transport, follow_redirects=False, trust_env=False
            )
        old = min(place.size, asked.size)
        async with self._client.stream(
            "POST",
            f"{place.url}/add-checkpoint",
            content=asked.request(old),
            headers={"content-type": "application/octet-stream", "accept-encoding": "identity"},
            timeout=asked.seconds,
        ) as response:
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    raise _Unusable("too_large")
            media = response.headers.get("content-type", "")
            if response.status_code == httpx.codes.CONFLICT and media != SIZE_MEDIA_TYPE:
                raise _Unusable("409")
            return response.status_code, bytes(body)

    def _usable(
        self, place: _Place, asked: _Asked, answer: bytes
    ) -> Iterator[tuple[VerifierKey, tuple[int, Signature]]]:
        """The lines that verify under a key of this address; what else is there is counted."""
        try:
            lines = parse_cosignatures(asked.text, answer)
        except MalformedInput:
            raise _Unusable("malformed") from None
        good = 0
        for line in lines:
            if line is None:
                place.dropped["malformed"] += 1
            elif (witness := place.keys.get((line.name, line.id))) is None:
                place.dropped["unknown_key"] += 1
            elif time := self._time(witness.key, asked, line, place):
                good += 1
                yield witness.key, (time, line)
        if not good:
            raise _Unusable("no_cosignature")

    def _time(self, key: VerifierKey, asked: _Asked, line: Signature, place: _Place) -> int:
        """The time of a cosignature that holds; 0 for one that is of no use."""
        try:
            time = key.verify(asked.text, line.signature) or 0
        except InvalidCheckpoint:
            place.dropped["forged"] += 1
            return 0
        if not time:
            place.dropped["undated"] += 1
        elif time > self._clock() + MOST_SECONDS_AHEAD:
            place.dropped["from_the_future"] += 1
            return 0
        return time


def _size_of(answer: bytes, published: int) -> int:
    """The size in an answer 409, if there is any use in asking again."""
    try:
        size = parse_size(answer)
    except MalformedInput:
        raise _Unusable("malformed") from None
    if size > published:  # it has seen more than there is: this log was set back, or forked
        raise _Unusable("ahead")
    return size


def _places(policy: Policy) -> list[_Place]:
    places: dict[str, _Place] = {}
    for witness in policy.witnesses:
        if witness.url is not None:
            url = _checked(witness)
            place = places.setdefault(url, _Place(url, {}))
            place.keys[witness.key.name, witness.key.id] = witness
    return list(places.values())


def _checked(witness: PolicyWitness) -> str:
    """The submission prefix of a witness, without a slash at its end."""
    try:
        url = httpx.URL(witness.url or "")
    except httpx.InvalidURL:
        url = httpx.URL("")
    plain = not (url.query or url.fragment or url.userinfo)
    if url.scheme not in ("http", "https") or not url.host or not plain:
        raise MalformedPolicy(
            f"the witness {witness.name} cannot be asked at {witness.url!r}",
            hint="https://HOST/PREFIX, without query, fragment or password",
        )
    return str(url).rstrip("/")


def _figures(
    witness: PolicyWitness, place: _Place | None, published: int, now: float
) -> WitnessFigures:
    newest = place.cosigned.get(witness.key) if place else None
    time, size = newest or (None, None)
    return WitnessFigures(
        witness.name,
        witness.url,
        time,
        size,
        max(0, published - (size or 0)),
        dict(place.failures) if place else {},
        dict(place.dropped) if place else {},
        place is not None and place.ask_after > now,
    )


async def _cancel(tasks: Mapping[asyncio.Task[None], _Place]) -> None:
    """Ends what still runs, and waits for its connections to be let go."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(
            outcome, Exception
        ):  # a cancelled task's is none: what is left is our mistake
            raise outcome
