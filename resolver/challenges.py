"""Challenges that a service has given out: each is answered once, soon, for what it was asked for.

    challenges = Challenges(most=100_000, seconds=60, random=secrets.token_bytes)
    issued = challenges.issue(domain="https://registry.example", did=None, now=now)
    challenges.consume(issued.challenge, now)       # a second time: InvalidChallenge

A challenge is used up by the first presentation that names it, whatever comes of that: nobody gets
a second try at one, and of any number of answers at the same moment one at most is looked at. The
store is bounded; what has expired makes room. Specified in specs/1-identity.md, "Authentication".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from identity.did import parse_tetrad_did
from identity.errors import Busy, InvalidChallenge, MalformedInput, SchemaViolation
from identity.members import format_time, parse_time
from identity.multibase import base64url_decode, base64url_encode

PURPOSE: Final = "authentication"
"""The proof purpose of an answer, and the only one that a challenge is given out for."""
_RANDOM_BYTES: Final = 32
_LEAST_BYTES: Final = 16
_LONGEST: Final = 2_048


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge and what it is bound to."""

    challenge: str
    """43 characters of base64url: 256 random bits."""
    domain: str
    """The verifier, as the answer must name it."""
    did: str | None
    """Who alone may answer; None where anyone may."""
    expires: int
    """Seconds since the epoch."""

    def value(self) -> dict[str, str]:
        """As JSON."""
        shown = {
            "challenge": self.challenge,
            "domain": self.domain,
            "purpose": PURPOSE,
            "expires": format_time(self.expires),
        }
        return shown if self.did is None else {**shown, "did": self.did}


def read_challenge(value: object) -> Challenge:
    """The inverse of `value`: a challenge as a service or a file has it. Raises SchemaViolation."""
    members = {"challenge", "domain", "purpose", "expires"}
    if not isinstance(value, Mapping) or not members <= set(value) <= members | {"did"}:
        raise SchemaViolation(
            f"a challenge has the members {', '.join(sorted(members))}",
            hint="`tetrad challenge CODE` writes one, and so does POST /v1/challenges",
        )
    if not all(isinstance(text, str) and 0 < len(text) <= _LONGEST for text in value.values()):
        raise SchemaViolation("the members of a challenge are texts")
    if value["purpose"] != PURPOSE:
        raise SchemaViolation(f"a challenge for {PURPOSE!r} is expected", pointer="/purpose")
    try:
        random, expires = base64url_decode(value["challenge"]), parse_time(value["expires"])
        if "did" in value:
            parse_tetrad_did(value["did"])
    except (MalformedInput, ValueError) as refusal:
        raise SchemaViolation(f"a challenge that cannot be read: {refusal}") from None
    if len(random) < _LEAST_BYTES:
        raise SchemaViolation("a challenge has 128 random bits or more", pointer="/challenge")
    return Challenge(value["challenge"], value["domain"], value.get("did"), expires)


def names_server(domain: str) -> bool:
    """Whether a domain is the address of a server, or anything that one might take for its own."""
    return "://" in domain


def new_challenge(
    random: Callable[[int], bytes], *, domain: str, did: str | None, expires: int
) -> Challenge:
    """A challenge out of a cryptographic generator."""
    return Challenge(base64url_encode(random(_RANDOM_BYTES)), domain, did, expires)


class Challenges:
    """The challenges of one verifier that wait for their answers."""

    def __init__(self, most: int, seconds: int, random: Callable[[int], bytes]) -> None:
        """`most` may wait at a time, each for `seconds`."""
        self._most = most
        self._seconds = seconds
        self._random = random
        self._waiting: dict[str, Challenge] = {}  # in the order in which they expire

    def __len__(self) -> int:
        return len(self._waiting)

    def issue(self, *, domain: str, did: str | None, now: int) -> Challenge:
        """A new challenge. Raises Busy while as many as there may be are waiting."""
        self._forget(now)
        if len(self._waiting) >= self._most:
            soonest = next(iter(self._waiting.values())).expires - now
            raise Busy(
                "too many challenges wait for their answers",
                hint="come again in a moment",
                retry_after=max(1, soonest),
            )
        issued = new_challenge(self._random, domain=domain, did=did, expires=now + self._seconds)
        self._waiting[issued.challenge] = issued
        return issued

    def consume(self, challenge: str, now: int) -> Challenge:
        """The challenge that was given out, which is used up by this. Raises InvalidChallenge, in
        the same words for one that was never given out, was used, or has expired."""
        issued = self._waiting.pop(challenge, None)
        if issued is None or issued.expires <= now:
            raise InvalidChallenge(
                "the challenge was never given out here, was used, or has expired",
                hint="ask for a new one; each is answered once",
            )
        return issued

    def _forget(self, now: int) -> None:
        while self._waiting:
            oldest = next(iter(self._waiting.values()))
            if oldest.expires > now:
                return
            del self._waiting[oldest.challenge]
