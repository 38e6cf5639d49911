"""Status lists that issuers publish: what the service asks of one before it shows it.

    check_published(credential, issuer, name, methods, now, before)

A list is a credential that its issuer signed (identity/credentials/status_list.py). Whoever shows
it can hold it back and cannot change it; the service takes only newer ones, so that nobody puts an
old list in the place of one that revokes. Specified in specs/1-identity.md, "Device credentials".
"""

from __future__ import annotations

import re
from typing import Any, Final, Protocol, cast

from identity.credentials.credential import verify_credential
from identity.credentials.datetimes import seconds_of
from identity.credentials.status_list import LIST_TYPE, read_list
from identity.did import parse_tetrad_did
from identity.errors import (
    MalformedCredential,
    MalformedInput,
    NotFound,
    QuotaExceeded,
    UnknownMethod,
    WrongState,
)
from identity.jcs import parse
from identity.methods import Methods

PATH: Final = "/v1/status-lists/"
LISTS_OF_ONE: Final = 16
"""Lists of one issuer: two million credentials with two purposes each."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_PURPOSES: Final = {"revocation", "suspension", "message"}


class ListStore(Protocol):
    """Where published lists are kept: the newest of each name. Called by one thread at a time."""

    def get(self, issuer: str, name: str) -> bytes | None:
        """The list, or None where there is none. Raises StorageFailed."""
        ...

    def put(self, issuer: str, name: str, data: bytes) -> None:
        """Keeps a list durably, instead of an earlier one. Raises StorageFailed."""
        ...

    def names(self, issuer: str) -> list[str]:
        """The names of an issuer's lists. Raises StorageFailed."""
        ...

    def count(self) -> int:
        """How many lists there are, of all issuers. Raises StorageFailed."""
        ...


class MemoryLists:
    """Lists that are gone when the process ends."""

    def __init__(self) -> None:
        self._lists: dict[str, dict[str, bytes]] = {}

    def get(self, issuer: str, name: str) -> bytes | None:
        """See ListStore."""
        return self._lists.get(issuer, {}).get(name)

    def put(self, issuer: str, name: str, data: bytes) -> None:
        """See ListStore."""
        self._lists.setdefault(issuer, {})[name] = data

    def names(self, issuer: str) -> list[str]:
        """See ListStore."""
        return sorted(self._lists.get(issuer, {}))

    def count(self) -> int:
        """See ListStore."""
        return sum(len(lists) for lists in self._lists.values())


def list_path(issuer: str, name: str) -> str:
    """Where a service shows a list."""
    return f"{PATH}{issuer}/{name}"


def published(lists: ListStore, url: str) -> dict[str, Any] | None:
    """The list at an address, where one is kept here under its path; None for any other address.

    Whether it is the list that was asked for, its `id` says. Raises StorageFailed.
    """
    issuer, _, name = url.partition(PATH)[2].partition("/")
    try:
        parse_tetrad_did(issuer)
        check_name(name)
    except (MalformedInput, NotFound):
        return None
    data = lists.get(issuer, name)
    return None if data is None else cast("dict[str, Any]", parse(data))


def check_name(name: str) -> None:
    """Raises NotFound for what is no name of a list."""
    if _NAME.fullmatch(name) is None:
        raise NotFound("no such status list", hint="a name has a-z, 0-9 and -, at most 32")


def check_room(lists: ListStore, issuer: str, name: str, most: int) -> None:
    """Whether there is room for a list of that name; `most` lists of all issuers. Raises
    QuotaExceeded."""
    names = lists.names(issuer)
    if name in names:
        return
    if len(names) >= LISTS_OF_ONE:
        raise QuotaExceeded(f"an issuer has {LISTS_OF_ONE} status lists", hint="use one of them")
    if lists.count() >= most:
        raise QuotaExceeded(f"this service keeps {most} status lists", hint="ask its operator")


def check_published(
    credential: Any,  # noqa: ANN401 - hostile JSON
    issuer: str,
    name: str,
    methods: Methods,
    now: int,
    before: Any = None,  # noqa: ANN401 - JSON
) -> float:
    """When the list became valid, if it is its issuer's, of that place, and newer than `before`.

    Raises MalformedCredential, InvalidProof, CredentialOutOfTime, WrongState for an older one.
    """
    verified = verify_credential(credential, methods, now=now)
    if LIST_TYPE not in verified.types:
        raise MalformedCredential(f"the type does not include {LIST_TYPE}", pointer="/type")
    if verified.issuer != issuer:
        raise UnknownMethod("a list of another issuer", pointer="/issuer")
    identifier = credential.get("id")
    if not isinstance(identifier, str) or not identifier.endswith(list_path(issuer, name)):
        raise MalformedCredential(
            "the id is not the address of this list", pointer="/id", hint=f"…{PATH}ISSUER/NAME"
        )
    if not set(read_list(credential).purposes) <= _PURPOSES:
        raise MalformedCredential(
            "a list for another purpose", pointer="/credentialSubject/statusPurpose"
        )
    for member in ("validFrom", "validUntil"):
        if member not in credential:
            raise MalformedCredential(
                f"a published list has {member}, so that an old one is told from a new one",
                pointer=f"/{member}",
            )
    valid_from = seconds_of(credential["validFrom"])
    if before is not None and valid_from <= seconds_of(before["validFrom"]):
        raise WrongState(
            "a list that is as new, or newer, is published already",
            pointer="/validFrom",
            hint=f"later than {before['validFrom']}",
        )
    return valid_from
