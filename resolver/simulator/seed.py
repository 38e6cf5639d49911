"""Randomness that follows from a seed and from names, so that a run can be repeated exactly.

    seed = Seed(7)
    seed.number(100, "profile", 17)       # the same number whenever, wherever and in any order
    seed.key("device", 17, 0)             # the same key

Nothing is drawn in turn: each value is the hash of its own name, so that workers need not agree on
an order. Keys out of a seed are for simulations alone: whoever knows the seed has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import TypeVar

from identity.keys import ED25519, PrivateKey, draw_key

T = TypeVar("T")
Name = str | int


@dataclass(frozen=True, slots=True)
class Seed:
    """A source of everything that a simulation makes up."""

    value: int

    def _digest(self, *names: Name) -> bytes:
        return sha256(
            "/".join(map(str, ("tetrad simulator", self.value, *names))).encode()
        ).digest()

    def number(self, below: int, *names: Name) -> int:
        """A number of 0 … below-1."""
        return int.from_bytes(self._digest("number", *names)) % below

    def pick(self, choices: Sequence[T], *names: Name) -> T:
        """One of the choices."""
        return choices[self.number(len(choices), *names)]

    def source(self, *names: Name) -> Callable[[int], bytes]:
        """A stream of bytes: `source(n)` gives the next n of them, at most 32."""
        places = count()

        def draw(length: int) -> bytes:
            return self._digest("stream", *names, next(places))[:length]

        return draw

    def key(self, *names: Name, algorithm: str = ED25519) -> PrivateKey:
        """A signing key of any algorithm."""
        attempts = count()

        def secret(width: int) -> bytes:
            attempt = next(attempts)
            further = self._digest("key", *names, attempt, "further") if width > 32 else b""
            return (self._digest("key", *names, attempt) + further)[:width]

        return draw_key(algorithm, secret)
