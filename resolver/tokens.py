"""Access tokens, each bound to the key that authenticated: kept as hashes, short, and never alone.

    tokens = Tokens(most=100_000, each=8, proofs=100_000, random=secrets.token_bytes)
    token = tokens.issue(bound, now)               # told once, and not kept
    bound = tokens.find(token, now)                # raises InvalidToken
    tokens.use(token, proof, now)                  # a proof of possession counts once

A token is an RFC 6750 string with 256 random bits, used as RFC 9449 has it. The service knows its
SHA-256 alone, so that nothing in its memory, dumps or logs lets anybody in, and what is compared is
that hash: how long it takes tells nothing about a token. All stores are bounded.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from identity.dpop import DpopProof
from identity.errors import Busy, InvalidToken, RateLimited
from identity.multibase import base64url_encode

WINDOW: Final = 60
"""Seconds by which the time of a proof of possession may differ from the service's clock."""
MOST_PROOFS: Final = 3_000
"""Requests, while their proofs are remembered, for each token that a subject may have: 25 a second.
They count for the subject, or whoever takes one token after another fills the memory alone."""
MOST_SHOWN: Final = 32_768
"""Bytes of credentials that are kept for one token; those beyond are verified and not kept."""
MOST_SHOWN_BYTES: Final = 2**26
"""Bytes of credentials that are kept for all tokens together."""
_RANDOM_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Bound:
    """What a token stands for."""

    did: str
    key: str
    """The thumbprint of the key, as in its verification method."""
    jkt: str
    """The same key's JWK thumbprint (RFC 7638)."""
    domain: str
    """The verifier that the holder answered."""
    issued: int
    expires: int
    """Seconds since the epoch."""
    credentials: tuple[str, ...] = ()
    """Types of the credentials that were shown and verified."""
    shown: tuple[bytes, ...] = ()
    """Those credentials themselves, as JSON: what rests on one later is verified again."""
    beside: str = ""
    """Of a pair of keys, the JWK thumbprint of the other one; "" where it has no JWK."""
    orders: tuple[tuple[str, str], ...] = ()
    """What had been ordered about the subject's status until then (registry.state): a suspension
    that was lifted since has left its mark there."""


@dataclass(frozen=True, slots=True)
class _Kept:
    digest: bytes
    bound: Bound


def refused() -> InvalidToken:
    """The same words for a token that is unknown, has ended, or is another key's."""
    return InvalidToken(
        "the token is not in force here, or was not presented by its key",
        hint="authenticate again: a token ends with its time, its key and its subject's status",
    )


class Tokens:
    """The tokens of one service that are in force."""

    def __init__(self, most: int, each: int, proofs: int, random: Callable[[int], bytes]) -> None:
        """`most` tokens in all, `each` of them for one subject (the oldest ends), `proofs`
        remembered at a time."""
        self._most = most
        self._each = each
        self._proofs = proofs
        self._random = random
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()  # in the order in which they expire
        self._of: dict[str, list[bytes]] = {}
        self._used: OrderedDict[bytes, tuple[int, str]] = OrderedDict()
        self._used_by: Counter[str] = Counter()
        self._shown = 0

    def __len__(self) -> int:
        return len(self._kept)

    def issue(self, bound: Bound, now: int) -> str:
        """A new token. Raises Busy while as many as there may be are in force."""
        while self._kept and next(iter(self._kept.values())).bound.expires <= now:
            self._end(next(iter(self._kept)))
        held = self._of.setdefault(bound.did, [])
        if len(held) >= self._each:
            self._end(held[0])
        size = sum(map(len, bound.shown))
        if len(self._kept) >= self._most or (size and self._shown + size > MOST_SHOWN_BYTES):
            if not held:
                self._of.pop(bound.did, None)
            first = next(iter(self._kept.values()), None)
            wait = first.bound.expires - now if first else 1
            raise Busy("too many tokens are in force", retry_after=max(1, wait))
        token = base64url_encode(self._random(_RANDOM_BYTES))
        digest = _digest(token)
        self._kept[digest] = _Kept(digest, bound)
        self._shown += size
        self._of.setdefault(bound.did, []).append(digest)
        return token

    def find(self, token: str, now: int) -> Bound:
        """What a token stands for. Raises InvalidToken."""
        return self._find(token, now).bound

    def use(self, token: str, proof: DpopProof, now: int) -> None:
        """Takes note of a proof of possession that was checked. Raises InvalidToken for one that
        was used before, RateLimited, Busy."""
        kept = self._find(token, now)
        self._forget(now)
        name = sha256(kept.digest + proof.jti.encode("utf-8", "replace")).digest()
        if name in self._used:
            raise InvalidToken(
                "the proof beside the token was used before", hint="sign a new one for each request"
            )
        did, most = kept.bound.did, MOST_PROOFS * self._each
        if self._used_by[did] >= most:
            raise RateLimited(
                f"at most {most} requests with the tokens of one subject in {2 * WINDOW} seconds",
                retry_after=WINDOW,
            )
        if len(self._used) >= self._proofs:
            raise Busy("too many requests with tokens", retry_after=WINDOW)
        self._used_by[did] += 1
        # A proof from the future lasts until its own time is over.
        self._used[name] = (now + 2 * WINDOW, did)

    def end(self, token: str) -> None:
        """The token is no longer in force."""
        digest = _digest(token)
        if digest in self._kept:
            self._end(digest)

    def _find(self, token: str, now: int) -> _Kept:
        digest = _digest(token)
        kept = self._kept.get(digest)
        if kept is None or kept.bound.expires <= now:
            raise refused()
        return kept

    def _end(self, digest: bytes) -> None:
        ended = self._kept.pop(digest).bound
        did = ended.did
        self._shown -= sum(map(len, ended.shown))
        held = self._of[did]
        held.remove(digest)
        if not held:
            del self._of[did]

    def _forget(self, now: int) -> None:
        while self._used:
            name, (until, did) = next(iter(self._used.items()))
            if until >= now:
                return
            del self._used[name]
            self._used_by[did] -= 1
            if not self._used_by[did]:
                del self._used_by[did]


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "replace")).digest()
