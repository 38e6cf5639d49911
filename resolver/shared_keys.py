"""Two clients with one key: noticed, since each authentication continues the one before.

    keys = SharedKeys(most=100_000, random=secrets.token_bytes)
    noticed = keys.continues(thumbprint, previous=None)         # noticed.next goes into the answer
    keys.continues(thumbprint, previous=noticed.next)           # … and comes back, signed

A signature counter, with random values in place of numbers. Whoever authenticates is given a value
and shows it the next time. An answer may be lost, so that the value before it counts as well, and
the lost one never again: a client by itself always fits. Two clients that go on from the same place
cannot both, and are noticed when the second of them comes back. Which of them is the clone cannot
be told, so nobody is refused; the mark stays with the key until it is rotated. A client that never
shows a value is not noticed. What is remembered is bounded, and lost when the service starts anew:
the key then goes on from whatever is shown first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final, NamedTuple

from identity.multibase import base64url_encode

_RANDOM_BYTES: Final = 16


class Continued(NamedTuple):
    """What became of one authentication's place after the one before."""

    next: str
    """To be shown with the following authentication."""
    fits: bool
    """Whether it follows the one before."""


@dataclass
class _Line:
    """Where the authentications with one key stand."""

    given: str
    """In the newest answer."""
    before: str
    """What was shown for that answer, "" where nothing was: again, if the answer was lost."""
    shared: bool = False


class SharedKeys:
    """The lines of all keys that authenticate with one verifier."""

    def __init__(self, most: int, random: Callable[[int], bytes]) -> None:
        """`most` keys are remembered; the one that was away longest is forgotten."""
        self._most = most
        self._random = random
        self._lines: OrderedDict[str, _Line] = OrderedDict()

    def continues(self, thumbprint: str, previous: str | None) -> Continued:
        """Takes note of an authentication with a key, whose holder has proved it."""
        shown = previous or ""
        line = self._lines.pop(thumbprint, None)
        fits = True
        given = base64url_encode(self._random(_RANDOM_BYTES))
        if line is None:
            line = _Line(given, shown)
        else:
            fits = _same(shown, line.given) or _same(shown, line.before)
            line = _Line(given, shown, line.shared or not fits)
        self._lines[thumbprint] = line
        if len(self._lines) > self._most:
            self._lines.popitem(last=False)
        return Continued(given, fits)

    def shared(self, thumbprint: str) -> bool:
        """Whether two clients were seen to authenticate with this key."""
        line = self._lines.get(thumbprint)
        return line is not None and line.shared


def _same(one: str, other: str) -> bool:
    return compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
