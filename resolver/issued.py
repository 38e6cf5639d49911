"""What an issuer remembers of its credentials: where the bits of each stand, and what they say.

    book = IssuedBook(issuer, "https://registry.example")
    place = book.reserve(secrets.randbelow)             # entries for `credentialStatus`
    book.add(Issued(identifier, "NetworkSecurityLabel", subject, place.number, place.index, …))
    book.set(identifier, "revocation", True)
    book.lists(now)                                     # list credentials, to be signed

A place is written down before the credential that has it is signed, and is never given out twice.
One index serves both purposes, each in a list of its own. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from identity.credentials.status_list import SMALLEST, draw_index, entry, list_credential, new_list
from identity.errors import KeystoreError, NotFound, WrongState
from identity.jcs import Json
from identity.members import format_time
from resolver.status_lists import LISTS_OF_ONE, list_path

Purpose = Literal["revocation", "suspension"]
PURPOSES: Final[tuple[Purpose, ...]] = ("revocation", "suspension")
LIFETIME: Final = 7 * 86_400
"""Seconds for which a list holds: who keeps back a newer one can do so no longer."""
BACKDATED: Final = 30
"""Seconds: a verifier whose clock is behind takes a new list all the same, and several lists of one
second follow one another."""
_MOST: Final = LISTS_OF_ONE // len(PURPOSES)


@dataclass(frozen=True)
class Place:
    """Where the bits of one credential stand."""

    number: int
    """Of the list, from 1."""
    index: int


@dataclass
class Issued:
    """A credential that was issued."""

    id: str
    type: str
    subject: str
    """The DID of a device, or the URL of a model."""
    number: int
    index: int
    methods: list[str] = field(default_factory=list)
    """The verification methods that signed it: with their rotation it ends."""
    valid_until: str | None = None
    revoked: str = ""
    """Why; empty while it is not."""
    suspended: str = ""

    @property
    def status(self) -> str:
        """active, suspended or revoked, as its issuer has it."""
        return "revoked" if self.revoked else "suspended" if self.suspended else "active"


@dataclass
class IssuedBook:
    """All that one issuer has issued."""

    issuer: str
    url: str
    """Of the service that shows its lists, without the last slash."""
    credentials: dict[str, Issued] = field(default_factory=dict)
    reserved: list[list[int]] = field(default_factory=list)
    """For each list the places that were given out, also to what was never signed."""
    published: int = 0
    """`validFrom` of the newest lists, in seconds since the epoch."""

    def reserve(self, below: Callable[[int], int]) -> Place:
        """A place that nobody has; `below(n)` gives a random number less than n. Raises
        InputTooLarge where all lists are full."""
        if not self.reserved or (
            len(self.reserved[-1]) >= SMALLEST // 2 and len(self.reserved) < _MOST
        ):
            self.reserved.append([])
        taken = self.reserved[-1]
        index = draw_index(set(taken), SMALLEST, below)
        taken.append(index)
        return Place(len(self.reserved), index)

    def address(self, purpose: str, number: int) -> str:
        """Where a list is shown."""
        return f"{self.url}{list_path(self.issuer, f'{purpose}-{number}')}"

    def entries(self, place: Place) -> list[dict[str, Any]]:
        """The `credentialStatus` of a credential."""
        return [
            entry(self.address(purpose, place.number), place.index, purpose) for purpose in PURPOSES
        ]

    def add(self, issued: Issued) -> None:
        """Notes a credential before it is handed out."""
        self.credentials[issued.id] = issued

    def find(self, name: str) -> Issued:
        """The credential of that id, or of the beginning of its UUID. Raises NotFound."""
        found = [
            one
            for one in self.credentials.values()
            if one.id == name or one.id.removeprefix("urn:uuid:").startswith(name)
        ]
        if len(found) != 1 or not name:
            raise NotFound(
                f"{len(found)} credentials of this issuer are called {name[:60]!r}",
                hint="tetrad credential list",
            )
        return found[0]

    def revoke(self, issued: Issued, reason: str) -> None:
        """For good. Raises WrongState where it is revoked already."""
        _check_not_revoked(issued)
        issued.revoked = reason

    def suspend(self, issued: Issued, reason: str) -> None:
        """Until it is reinstated. Raises WrongState."""
        _check_not_revoked(issued)
        if issued.suspended:
            raise WrongState("the credential is suspended already")
        issued.suspended = reason

    def reinstate(self, issued: Issued) -> None:
        """Lifts a suspension. Raises WrongState."""
        _check_not_revoked(issued)
        if not issued.suspended:
            raise WrongState("the credential is not suspended")
        issued.suspended = ""

    def follow(self, issued: Issued, status: str) -> bool:
        """Takes over what the ledger says of the device; whether that changed anything. A
        suspension by the issuer itself stays."""
        ledger = f"the device is {status} in the ledger"
        before = (issued.revoked, issued.suspended)
        if issued.revoked:
            return False
        if status in ("revoked", "retired"):
            issued.revoked = ledger
        elif status == "suspended" and not issued.suspended:
            issued.suspended = ledger
        elif status == "active" and issued.suspended.endswith("in the ledger"):
            issued.suspended = ""
        return before != (issued.revoked, issued.suspended)

    def lists(self, now: int) -> dict[str, dict[str, Any]]:
        """Every list by its name, as a credential to be signed; each time newer than the last."""
        self.published = max(now - BACKDATED, self.published + 1)
        made: dict[str, dict[str, Any]] = {}
        for number in range(1, len(self.reserved) + 1):
            for purpose in PURPOSES:
                bits = new_list(purpose)
                for issued in self.credentials.values():
                    said = issued.revoked if purpose == "revocation" else issued.suspended
                    if issued.number == number and said:
                        bits.set(issued.index, 1)
                made[f"{purpose}-{number}"] = list_credential(
                    bits,
                    url=self.address(purpose, number),
                    issuer=self.issuer,
                    valid_from=format_time(self.published),
                    valid_until=format_time(self.published + LIFETIME),
                )
        return made

    def to_json(self) -> dict[str, Json]:
        """As it is kept."""
        return {
            "issuer": self.issuer,
            "url": self.url,
            "published": self.published,
            "reserved": cast("Json", self.reserved),
            "credentials": [dict(vars(one)) for one in self.credentials.values()],
        }

    @classmethod
    def from_json(cls, value: Json) -> IssuedBook:
        """The inverse of `to_json`. Raises KeystoreError."""
        try:
            stored = cast("dict[str, Any]", value)
            issued = [Issued(**one) for one in stored["credentials"]]
            return cls(
                stored["issuer"],
                stored["url"],
                {one.id: one for one in issued},
                [list(taken) for taken in stored["reserved"]],
                stored["published"],
            )
        except (KeyError, TypeError, AttributeError):
            raise KeystoreError("the book of issued credentials is damaged") from None


def _check_not_revoked(issued: Issued) -> None:
    if issued.revoked:
        raise WrongState("the credential is revoked, for good", hint="issue another")
