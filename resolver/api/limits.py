"""A limit on how often one address may ask, since whoever may ask without end finds everything."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from identity.errors import RateLimited

MINUTE = 60
DAY = 86_400
"""Seconds."""


class RateLimit:
    """A bucket of `most` requests for each address, which fills up again within `seconds`.

    It remembers a bounded number of addresses, and forgets the one that was away longest.
    """

    def __init__(
        self, most: int, addresses: int, clock: Callable[[], float], seconds: int = MINUTE
    ) -> None:
        self._most = most
        self._addresses = addresses
        self._clock = clock
        self._seconds = seconds
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, address: str, hint: str = "") -> None:
        """Counts a request. Raises RateLimited with the seconds to wait."""
        now = self._clock()
        left, then = self._buckets.get(address, (float(self._most), now))
        left = min(self._most, left + max(0.0, now - then) * self._most / self._seconds)
        if left < 1:
            wait = int((1 - left) * self._seconds / self._most) + 1
            raise RateLimited(
                f"at most {self._most} requests of this kind in {self._seconds} seconds",
                hint=hint,
                retry_after=wait,
            )
        self._buckets[address] = (left - 1, now)
        self._buckets.move_to_end(address)
        if len(self._buckets) > self._addresses:
            self._buckets.popitem(last=False)
