"""One operation before one state: what every row of the rule book's table needs.

A `Case` reads the state, checks sequence, status and signers, and builds the records that follow;
the rows themselves stand in registry/organizations.py, registry/devices.py and registry/status.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from identity.bid import is_bid_of, parse_bid
from identity.errors import (
    InvalidDisclosure,
    InvalidIdentifier,
    KeyReused,
    MalformedCode,
    MalformedInput,
    NotFound,
    RightMissing,
    UnknownScheme,
    WrongSequence,
    WrongState,
)
from identity.jcs import Json
from identity.keys import thumbprint
from identity.members import format_time
from registry import effects, grants
from registry.effects import Unique
from registry.schemes import Schemes
from registry.signers import Signers
from registry.state import (
    Changes,
    Device,
    Key,
    OperationRecord,
    Organization,
    Registry,
    Stamp,
    State,
    Subject,
    subject_of,
)

FINAL = ("revoked", "retired")


@contextmanager
def pointing(place: str, member: str) -> Iterator[None]:
    """Errors of the table of schemes, with a pointer to the scheme or the value they refuse."""
    try:
        yield
    except InvalidIdentifier as error:
        refused = "scheme" if isinstance(error, UnknownScheme) else member
        error.pointer = error.pointer or f"{place}/{refused}"
        raise


class Case:
    """One operation before one state; a method for each row of the table."""

    def __init__(
        self,
        schemes: Schemes,
        state: State,
        operation: Any,  # noqa: ANN401 - each row of the table casts it to its own type
        operation_hash: str,
        unique: Unique,
        now: int,
        registry: Registry | None,
    ) -> None:
        self.schemes = schemes
        self.state = state
        self.operation = operation
        self.hash = operation_hash
        self.unique = unique
        self.now = now
        self._registry = registry
        self.stamp: Stamp = {"entry": state.size, "time": format_time(now)}

    @property
    def registry(self) -> Registry:
        """The ledger's own record; every operation but the genesis has one."""
        assert self._registry is not None  # noqa: S101 - apply() has refused all others
        return self._registry

    def claim_keys(
        self, did: str, keys: Sequence[str], following: Sequence[str], recovery: Json = "none"
    ) -> Changes:
        """Each key belongs to one subject, for ever. `recovery` is the one that is appointed with
        these keys. Raises KeyReused."""
        changes: Changes = {}
        for place, multikey in enumerate(keys):
            key: Key = ("key", thumbprint(multikey))
            if key in changes or self.state.get(key) is not None:
                raise KeyReused(
                    "this key serves, or has served, before", pointer=f"/body/keys/{place}"
                )
            if key[1] in following:
                raise KeyReused("a key cannot be its own successor", pointer="/body/next")
            changes[key] = {"did": did}
        if len(set(following)) != len(following):
            raise KeyReused("the same commitment twice", pointer="/body/next")
        self._check_quorum(recovery, {*(key[1] for key in changes), *following})
        return changes

    def _check_quorum(self, recovery: Json, others: set[str]) -> None:
        """Recovery keys are nobody's yet, and none of the subject's own: who steals one of those
        must not have a share in the quorum as well."""
        shares = cast("dict[str, list[str]]", recovery)["keys"] if recovery != "none" else []
        for place, share in enumerate(shares):
            if share in others or self.state.get(("key", share)) is not None:
                raise KeyReused(
                    "this key serves, or has served, before: a quorum has keys of its own",
                    pointer=f"/body/recovery/keys/{place}",
                )

    def unserved(self, following: Sequence[str]) -> None:
        """Raises KeyReused where a key that is committed to has served already."""
        for place, one in enumerate(following):
            if self.state.get(("key", one)) is not None:
                raise KeyReused(
                    "a key that served cannot be committed to again", pointer=f"/body/next/{place}"
                )

    def check_known_as(self, keys: list[str]) -> None:
        """A did:bid is named only by whom its key belongs to: it is made of one of `keys`, those
        in force. Raises MalformedCode, RightMissing."""
        names = self.operation.body.alsoKnownAs or []
        for place, name in enumerate(names):
            pointer = f"/body/alsoKnownAs/{place}"
            try:
                bid = parse_bid(name)
            except MalformedInput as refusal:
                raise MalformedCode(refusal.detail, pointer=pointer, hint=refusal.hint) from None
            if name in names[:place]:
                raise MalformedCode("the same identifier twice", pointer=pointer)
            if not is_bid_of(bid, keys):
                raise RightMissing(
                    "this did:bid is not made of one of the subject's keys",
                    pointer=pointer,
                    hint="an identifier is named by whoever has its key in force",
                )

    def signers(
        self,
        *,
        new_keys: Sequence[str] = (),
        rotating: str | None = None,
        lenient: str | None = None,
    ) -> Signers:
        """Who signed, each checked to be a present key of its party."""
        return Signers(
            self.state,
            self.operation.proof,
            new_keys=new_keys,
            rotating=rotating,
            lenient=lenient,
        )

    def subject(self) -> Subject:
        """The record of the operation's subject. Raises NotFound, WrongState when it is final."""
        found = subject_of(self.state, self.operation.subject)
        if found is None:
            raise NotFound("no such subject on this ledger", pointer="/subject")
        if found["status"] in FINAL:
            raise WrongState(f"the subject is {found['status']}", pointer="/subject")
        return found

    def device(self) -> Device:
        """The subject, which must be a device."""
        found = self.subject()
        if found["kind"] != "device":
            raise WrongState("the subject is not a device", pointer="/subject")
        return cast("Device", found)

    def organization(self) -> Organization:
        """The subject, which must be an organization or the authority."""
        found = self.subject()
        if found["kind"] == "device":
            raise WrongState("the subject is a device", pointer="/subject")
        return cast("Organization", found)

    def usable(
        self, subject: Subject, *, despite: str | None = None, pointer: str = "/subject"
    ) -> None:
        """Raises WrongState where a suspension stands in the way, other than by `despite`."""
        if set(subject["suspendedBy"]) - {despite}:
            raise WrongState(
                "the subject is suspended" if pointer == "/subject" else "its bearer is suspended",
                pointer=pointer,
                hint="whoever suspended it can resume it",
            )

    def in_order(self, subject: Subject) -> None:
        """Raises WrongSequence unless the operation follows the subject's last one."""
        if (self.operation.sequence, self.operation.previous) != (
            subject["sequence"] + 1,
            subject["previous"],
        ):
            raise WrongSequence(
                f"sequence {self.operation.sequence} does not follow the subject's last operation",
                pointer="/sequence",
                hint="read the subject's present sequence, build the operation anew and sign again",
                expected={"sequence": subject["sequence"] + 1, "previous": subject["previous"]},
            )

    def after(self, subject: Subject, *, by: str | None = None) -> Subject:
        """The subject's record after this operation (registry/effects.py)."""
        return effects.after(
            subject,
            self.operation,
            self.hash,
            self.stamp,
            self.unique,
            by,
            self.registry["authority"],
        )

    def changing(self, subject: Subject, changes: Changes, *, by: str | None = None) -> Changes:
        """`changes`, the subject as it is after them, and where the operation stands."""
        key: Key = ("did", subject["did"])
        latest = cast("Subject", changes.get(key, subject))
        place: OperationRecord = {"entry": self.state.size}
        if by is not None:
            place["by"] = by
        return {
            **changes,
            key: cast("Device", self.after(latest, by=by)),
            ("operation", self.hash): place,
        }

    def committed(self, pointer: str) -> str:
        """The keyed hash of a committed value, which the entry carries."""
        if pointer not in self.unique:
            raise InvalidDisclosure(
                "the value that is committed to here must be disclosed", pointer=pointer
            )
        return self.unique[pointer]

    def holder(self, code: dict[str, Any]) -> str | None:
        """Who answers for a code now: the longest active prefix's holder."""
        return grants.prefix_holder(self.state, self.code_segments(code), self.now)

    def code_segments(self, code: dict[str, Any]) -> tuple[str, ...]:
        """The segments that enclosure looks at; of a committed code, those that it shows."""
        if "commitment" in code:
            with pointing("/body/code", "prefix"):
                return self.schemes.prefix_segments(code["scheme"], code["prefix"])
        return self.schemes.segments(code["scheme"], code["value"])
