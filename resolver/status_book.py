"""The status lists of the interoperability issuers: who has which place, and what is set.

    book = StatusBook(issuers, append, secrets.randbelow)
    entries = book.assign(issuer, base, credential, wanted)      # for its credentialStatus
    book.update(body)                                            # POST /credentials/status
    signed = book.signed(name, url, now)                         # GET /status-lists/{name}

An issuer has lists of its own for each purpose; a list that is three quarters full is followed by
the next, so that places stay hard to guess. Every change is a line that `append` has kept before it
is answered, and `replay` reads back. What was revoked stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, cast

from identity.credentials.status_list import (
    ENTRY_TYPE,
    MOST_ENTRIES,
    StatusList,
    draw_index,
    entry,
    list_credential,
    new_list,
)
from identity.errors import (
    MalformedInput,
    NotFound,
    RuleBroken,
    SchemaViolation,
    StatusUnknown,
)
from identity.jcs import Json, canonicalize, parse
from identity.members import format_time
from resolver.vcapi import Issuer

PATH: Final = "/status-lists/"
LIFETIME: Final = 300
"""Seconds for which a verifier may rely on a list."""
_REFRESHED: Final = LIFETIME // 5
_PURPOSES: Final = ("revocation", "suspension", "message")
_MOST_MESSAGES: Final = 256
_LONGEST: Final = 2_048


class Place(NamedTuple):
    """One entry of one list."""

    name: str
    """Of the list."""
    number: int


class _Kept:
    """One list with what is known of its places."""

    def __init__(self, issuer: Issuer, purpose: str, bits: int) -> None:
        self.issuer = issuer
        self.purpose = purpose
        self.statuses: StatusList = new_list(purpose, size=bits)
        self.taken: set[int] = set()
        self.shown: dict[str, tuple[int, dict[str, Any]]] = {}
        """By URL: when it was signed, and the credential."""


class StatusBook:
    """The lists of all issuers. `append` makes a line durable; `below` draws random numbers."""

    def __init__(
        self,
        issuers: Mapping[str, Issuer],
        append: Callable[[bytes], None],
        below: Callable[[int], int],
    ) -> None:
        self._issuers = issuers
        self._append = append
        self._below = below
        self._lists: dict[str, _Kept] = {}
        self._newest: dict[tuple[str, str, int], str] = {}
        self._places: dict[tuple[str, str], list[Place]] = {}

    def replay(self, lines: Iterable[bytes]) -> None:
        """Takes up what an earlier process has kept. Raises MalformedInput for what it has not."""
        for line in lines:
            try:
                self._apply(cast("dict[str, Any]", parse(line)))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise MalformedInput(f"not a change of a status list: {error}") from None

    def assign(
        self, issuer: Issuer, base: str, credential: Mapping[str, Any], wanted: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Entries of lists at `base` (`http://host`) for a credential, one for each that is wanted.

        Raises SchemaViolation for a status of another type or purpose.
        """
        plans = [_plan(one) for one in wanted]
        made = []
        for purpose, messages in plans:
            bits = (len(messages) - 1).bit_length() if messages else 1
            name = self._open_list(issuer, purpose, bits)
            index = draw_index(
                self._lists[name].taken, self._lists[name].statuses.length, self._below
            )
            identifier = credential.get("id")
            self._keep(
                {
                    "list": name,
                    "suite": issuer.suite.name,
                    "purpose": purpose,
                    "bits": bits,
                    "index": index,
                    "credential": identifier,
                }
            )
            made.append(entry(f"{base}{PATH}{name}", index, purpose, messages=messages))
        return made

    def update(self, body: object) -> list[Place]:
        """Sets or clears what a request names. Raises SchemaViolation, NotFound, RuleBroken."""
        if not isinstance(body, dict):
            raise MalformedInput("the body is a JSON object")
        value = body.get("credentialStatus")
        asked: list[Any] = value if isinstance(value, list) else [value]
        if not 1 <= len(asked) <= MOST_ENTRIES or not all(isinstance(one, dict) for one in asked):
            raise SchemaViolation(
                f"credentialStatus is 1 to {MOST_ENTRIES} objects", pointer="/credentialStatus"
            )
        changes: list[dict[str, Any]] = [
            {"list": place.name, "index": place.number, "value": wanted}
            for one in asked
            for wanted in [_value(one, body)]
            for place in self._named(one, body.get("credentialId"))
        ]
        if len({(change["list"], change["index"]) for change in changes}) < len(changes):
            raise SchemaViolation("one entry is named twice", pointer="/credentialStatus")
        for change in changes:
            self._check(change)
        self._keep(*changes)
        return [Place(change["list"], change["index"]) for change in changes]

    def signed(self, name: str, url: str, now: int) -> dict[str, Any]:
        """A list as a signed credential, at that URL. Raises NotFound."""
        kept = self._lists.get(name)
        if kept is None:
            raise NotFound("no such status list")
        known = kept.shown.get(url)
        if known is None or not 0 <= now - known[0] < _REFRESHED:
            unsigned = list_credential(
                kept.statuses,
                url=url,
                issuer=kept.issuer.did,
                valid_from=format_time(now),
                valid_until=format_time(now + LIFETIME),
                ttl=LIFETIME * 1000,
            )
            if len(kept.shown) > 8:  # addresses are whatever clients call this service
                kept.shown.clear()
            known = kept.shown[url] = (now, kept.issuer.secure(unsigned, now))
        return known[1]

    def fetched(self, value: Mapping[str, Any], now: int) -> dict[str, Any]:
        """The list that an entry names, where it is one of ours. Raises StatusUnknown."""
        url = str(value["statusListCredential"])
        _, path, name = url.partition(PATH)
        if not path or name not in self._lists:
            raise StatusUnknown(
                "the status list is not one of this service, and nothing is fetched",
                hint='with options.checks of ["proof"] the proof alone is checked',
            )
        return self.signed(name, url, now)

    # --- changes

    def _open_list(self, issuer: Issuer, purpose: str, bits: int) -> str:
        kind = (issuer.suite.name, purpose, bits)
        name = self._newest.get(kind)
        if name is not None:
            kept = self._lists[name]
            if len(kept.taken) < kept.statuses.length * 3 // 4:
                return name
        number = 1 + sum(one.startswith(_stem(*kind)) for one in self._lists)
        return self._begin(f"{_stem(*kind)}{number}", *kind)

    def _begin(self, name: str, suite: str, purpose: str, bits: int) -> str:
        self._lists[name] = _Kept(self._issuers[suite], purpose, bits)
        self._newest[suite, purpose, bits] = name
        return name

    def _keep(self, *changes: dict[str, Json]) -> None:
        self._append(b"".join(canonicalize(change) + b"\n" for change in changes))
        for change in changes:
            self._apply(change)

    def _apply(self, change: Mapping[str, Any]) -> None:
        name, index = change["list"], change["index"]
        if "value" in change:
            if name in self._lists:  # else that of an issuer that this installation does not have
                self._lists[name].statuses.set(index, change["value"])
                self._lists[name].shown.clear()
            return
        if change["suite"] not in self._issuers:
            return  # an issuer that this installation does not have
        if name not in self._lists:
            self._begin(name, change["suite"], change["purpose"], change["bits"])
        self._lists[name].taken.add(index)
        if change["credential"] is not None:
            key = (change["credential"], change["purpose"])
            self._places.setdefault(key, []).append(Place(name, index))

    def _check(self, change: dict[str, Any]) -> None:
        kept = self._lists[change["list"]]
        if not 0 <= change["value"] < 1 << kept.statuses.size:
            raise SchemaViolation(f"the status fits into {kept.statuses.size} bits")
        if kept.purpose == "revocation" and kept.statuses.get(change["index"]) > change["value"]:
            raise RuleBroken("what was revoked stays so", hint="suspend what may come back")

    def _named(self, one: Mapping[str, Any], identifier: object) -> list[Place]:
        """The places that a status of a request names, by list and index or by credential."""
        if one.get("type", ENTRY_TYPE) != ENTRY_TYPE:
            raise SchemaViolation(f"the type is {ENTRY_TYPE}", pointer="/credentialStatus/type")
        url, index = one.get("statusListCredential"), one.get("statusListIndex")
        if isinstance(url, str) and isinstance(index, str):
            name = url.partition(PATH)[2]
            number = int(index) if index.isascii() and index.isdigit() and len(index) < 10 else -1
            if name in self._lists and number in self._lists[name].taken:
                return [Place(name, number)]
        elif isinstance(identifier, str):
            purpose = one.get("statusPurpose", "revocation")
            places = self._places.get((identifier, purpose)) if isinstance(purpose, str) else None
            if places:
                return places
        else:
            raise SchemaViolation("name the credential by its id", pointer="/credentialId")
        raise NotFound("no credential of this service has such an entry")


def _stem(suite: str, purpose: str, bits: int) -> str:
    return f"{suite}-{purpose}-" if bits == 1 else f"{suite}-{purpose}{bits}-"


def _plan(one: Mapping[str, Any]) -> tuple[str, list[str] | None]:
    """Purpose and messages of an entry that is asked for."""
    pointer = "/options/credentialStatus"
    if one.get("type", ENTRY_TYPE) != ENTRY_TYPE:
        raise SchemaViolation(f"the type is {ENTRY_TYPE}", pointer=f"{pointer}/type")
    purpose = one.get("statusPurpose", "revocation")
    if purpose not in _PURPOSES:
        raise SchemaViolation(
            "statusPurpose is one of " + ", ".join(_PURPOSES), pointer=f"{pointer}/statusPurpose"
        )
    given = one.get("statusMessage")
    if given is None:
        return purpose, ["unset", "set"] if purpose == "message" else None
    items = given if isinstance(given, list) else []
    texts = [item.get("message") if isinstance(item, dict) else None for item in items]
    whole = len(texts) in {1 << bits for bits in range(1, 9)} and len(texts) <= _MOST_MESSAGES
    if not whole or not all(isinstance(text, str) and len(text) <= _LONGEST for text in texts):
        raise SchemaViolation(
            "statusMessage has 2, 4, 8 … messages", pointer=f"{pointer}/statusMessage"
        )
    return purpose, [str(text) for text in texts]


def _value(one: Mapping[str, Any], body: Mapping[str, Any]) -> int:
    """What a status becomes: true or false, a number, or a number as text, with 0x or without."""
    value = one.get("status", body.get("status", True))
    if isinstance(value, str) and 0 < len(value) <= 4:
        try:
            value = int(value, 16 if value.startswith("0x") else 10)
        except ValueError:
            value = None
    if not isinstance(value, int) or value < 0:
        raise SchemaViolation("status is true, false or a number", pointer="/status")
    return int(value)
