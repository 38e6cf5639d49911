"""Referrals: "not here, ask that node", and what proves it.

    referral = shown_referral(problem.members)           # {"grant", "node", "proof"}
    verified = verify_referral(referral, pinned, ("code", "gs1", "https://id.gs1.org/…"), now)
    verified.node.ledger, verified.node.origin, verified.node.urls

    verify_unregistered(proof, pinned, key, now)         # no such code, and no node to ask either

The proof has a published checkpoint, the root of the state that ends its tree, and exactly those
records which the registry's own function reads when it decides (registry/grants.py,
registry/nodes.py): the verifier runs that very function over the records that are proved. So a
longer prefix cannot be hidden, nor can a grant count that is withdrawn, over, or held by who was
revoked; and what the function does not read must not be there.

A question is asked under a key of the state: ("code", scheme, value) of a code in clear, or
("did", DID) and ("node", label), which ask where the ledger with that label is. Pure; `now` in
seconds. Specified in specs/3-resolution.md, "Delegation".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from identity.did import ledger_label, parse_tetrad_did
from identity.errors import InvalidAnswer, TetradError
from identity.jcs import Json
from identity.members import Hash, TetradDid, Time
from identity.operation import operation_value
from identity.rights import Node, Prefix, PrefixScope
from registry.grants import Segments
from registry.nodes import delegation_of_code, delegation_of_ledger
from registry.state import GrantRecord, Key, Record, State
from resolver.pinned import Pinned
from resolver.schemes import SCHEMES
from resolver.verifier import Records, VerifiedState, verify_state

MOST_RECORDS: Final = 800
"""Of one referral: three for each of 255 segments, and a few."""


class _Shown(BaseModel):
    """A record as far as it is read here; the log answers for the rest."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _Prefix(_Shown):
    grant: Hash = ""
    depths: list[Annotated[int, Field(ge=1, le=256)]] = []


class _Grant(_Shown):
    grant: Hash
    right: Literal["prefix"]
    to: TetradDid
    scope: PrefixScope
    status: Literal["active", "withdrawn"]
    notAfter: Time = ""  # noqa: N815 - X.509's name


class _Party(_Shown):
    did: TetradDid
    kind: Literal["organization", "authority"]
    status: Literal["active", "suspended", "revoked"]


class _Node(_Shown):
    ledger: Hash
    grants: Annotated[list[Hash], Field(max_length=64)]


_KINDS: Final[dict[str, type[_Shown]]] = {
    "prefix": _Prefix,
    "grant": _Grant,
    "did": _Party,
    "node": _Node,
}


@dataclass(frozen=True, slots=True)
class VerifiedReferral:
    """The grant that refers a question to another node, and under which state it does."""

    grant: str
    """Hash of the operation that gave it."""
    holder: str
    node: Node
    """`ledger` is the genesis hash of the one to ask; all else of it is still to be proved."""
    prefix: Prefix
    """That is granted."""
    segments: Segments
    """Its structure."""
    until: str | None
    """When it ends; None for a grant without end."""
    state: VerifiedState


class ProvedState:
    """The records that a proof shows, as the state that a rule reads (registry.state.State)."""

    def __init__(self, proof: Json, pinned: Pinned) -> None:
        """Raises InvalidAnswer, InvalidCheckpoint."""
        if not isinstance(proof, dict) or set(proof) != {"checkpoint", "state", "records"}:
            raise InvalidAnswer(
                "the proof of a referral has checkpoint, state and records", pointer="/proof"
            )
        self.state = verify_state(proof, pinned)
        self._records = Records(proof, self.state, None)
        items = cast("list[dict[str, Json]]", proof["records"])
        if len(items) > MOST_RECORDS:
            raise InvalidAnswer("more records than were read", pointer="/proof/records")
        self._unread = {_key_of(item) for item in items}
        if len(self._unread) != len(items):
            raise InvalidAnswer("a record is shown twice", pointer="/proof/records")
        self._read: dict[Key, dict[str, Json] | None] = {}

    @property
    def size(self) -> int:
        """Entries of the tree."""
        return self.state.checkpoint.checkpoint.size

    def get(self, key: Key) -> Record | None:
        """The record under a key, proved; None where there is none. Raises InvalidAnswer,
        InvalidStateProof."""
        if key not in self._read:
            self._read[key] = self._proved(key)
            self._unread.discard(key)
        return cast("Record | None", self._read[key])

    def _proved(self, key: Key) -> dict[str, Json] | None:
        if not self._records.shows(key):
            self._records.absent(key)
            return None
        record = self._records.present(key)
        kind = _KINDS.get(key[0])
        try:
            shown = kind.model_validate(record) if kind is not None else None
        except ValidationError as error:
            place = error.errors(include_url=False, include_input=False, include_context=False)[0]
            raise InvalidAnswer(
                f"the record of this {key[0]} is not one of its kind: {place['msg']}",
                pointer="/proof/records",
            ) from None
        if isinstance(shown, _Prefix) and any(a >= b for a, b in pairwise(shown.depths)):
            raise InvalidAnswer("depths ascend", pointer="/proof/records")
        if (isinstance(shown, _Grant) and shown.grant != key[1]) or (
            isinstance(shown, _Party) and shown.did != key[1]
        ):
            raise InvalidAnswer(f"the record of another {key[0]}", pointer="/proof/records")
        return record

    def check_all_read(self) -> None:
        """Raises InvalidAnswer where something is shown that nobody asked for."""
        if self._unread:
            raise InvalidAnswer(
                "records are shown on which nothing rests", pointer="/proof/records"
            )


def _key_of(item: Mapping[str, Json]) -> Key:
    key = item.get("key")
    if not isinstance(key, list) or not all(isinstance(part, str) for part in key):
        raise InvalidAnswer("a record has a key of the state", pointer="/proof/records")
    return tuple(cast("list[str]", key))


def label_asked(key: Key) -> str | None:
    """The label of the ledger that a question leads to; None of a code. Raises MalformedInput."""
    if key[0] == "did":
        return parse_tetrad_did(key[1])[0]
    return key[1] if key[0] == "node" else None


def may_be_delegated(key: Key) -> bool:
    """Whether a question under this key is one that a referral can answer: of a DID, or of a code
    that stands in clear. Numbers and committed codes are known to their own ledger alone."""
    return key[0] in ("did", "node") or (
        key[0] == "code" and not SCHEMES.is_committed(key[1]) and not SCHEMES.is_number(key[1])
    )


def delegation(state: State, key: Key, now: int) -> GrantRecord | None:
    """The grant that refers a question to another node, as of a state; None where there is none.

    The one decision of both sides: a service runs it over its records to see which it has to show,
    a verifier over those that were shown. Raises InvalidIdentifier for a code that is none.
    """
    label = label_asked(key)
    if label is not None:
        return delegation_of_ledger(state, label, now)
    return delegation_of_code(state, SCHEMES.segments(key[1], key[2]), now)


def _decided(proof: Json, pinned: Pinned, key: Key, now: int) -> tuple[ProvedState, Any]:
    """The proved state, and the grant to which it leads."""
    if not may_be_delegated(key):
        raise InvalidAnswer(f"a {key[0]} of this kind is not referred to another node")
    shown = ProvedState(proof, pinned)
    if key[0] == "code" and shown.get(key) is not None:
        raise InvalidAnswer(
            "the code is known to the ledger itself, which comes first", pointer="/proof/records"
        )
    try:
        grant = delegation(shown, key, now)
    except TetradError:
        raise
    except (ValueError, TypeError, KeyError, OverflowError):  # a time such as 2026-02-30
        raise InvalidAnswer("a record that does not hold", pointer="/proof/records") from None
    shown.check_all_read()
    return shown, grant


def shown_referral(members: Mapping[str, Any]) -> dict[str, Json]:
    """The referral of a problem `delegated` as it stands in a path: {"grant", "node", "proof"}.

    Nothing is verified. Raises InvalidAnswer.
    """
    referral = members.get("referral")
    if not isinstance(referral, dict) or "proof" in referral:
        raise InvalidAnswer("a node that refers to another says to which", pointer="/referral")
    return {**referral, "proof": members.get("proof")}


def verify_referral(referral: Json, pinned: Pinned, key: Key, now: int) -> VerifiedReferral:
    """Checks that a ledger refers a question to another node, as it stands in a path.

    `pinned` is the ledger that refers, `key` what was asked for. Of a code it proves that it is not
    registered there. Raises EvidenceRefused, InvalidIdentifier for a key that is none.
    """
    if not isinstance(referral, dict) or set(referral) != {"grant", "node", "proof"}:
        raise InvalidAnswer("a referral has grant, node and proof", pointer="/referral")
    shown, record = _decided(referral["proof"], pinned, key, now)
    if record is None:
        raise InvalidAnswer("no grant in force refers to another node", pointer="/referral")
    grant = _Grant.model_validate(record)
    scope, node = grant.scope, grant.scope.node
    if node is None or (grant.grant, operation_value(node)) != (
        referral["grant"],
        referral["node"],
    ):
        raise InvalidAnswer("the grant names another node", pointer="/referral/node")
    segments = _segments(grant)
    label = label_asked(key)
    if label is not None:
        listed = cast("dict[str, Json]", shown.get(("node", label)))
        if listed["ledger"] != node.ledger or ledger_label(node.ledger) != label:
            raise InvalidAnswer("the grant names another ledger", pointer="/referral/node/ledger")
    elif SCHEMES.segments(key[1], key[2])[: len(segments)] != segments:
        raise InvalidAnswer("the grant is of another prefix", pointer="/referral/grant")
    return VerifiedReferral(
        *(grant.grant, grant.to, node, Prefix(scheme=scope.scheme, prefix=scope.prefix)),
        *(segments, grant.notAfter or None, shown.state),
    )


def _segments(grant: _Grant) -> Segments:
    try:
        return SCHEMES.prefix_segments(grant.scope.scheme, grant.scope.prefix)
    except TetradError as error:
        raise InvalidAnswer(
            f"the grant is of no prefix: {error.detail}", pointer="/referral/grant"
        ) from None


def verify_unregistered(proof: Json, pinned: Pinned, key: Key, now: int) -> VerifiedState:
    """Checks that a code in clear is not registered: neither on this ledger, nor is there a node to
    which the ledger refers. Raises EvidenceRefused, InvalidIdentifier."""
    if key[0] != "code":
        raise InvalidAnswer("of codes alone it is proved that nobody else knows them")
    shown, record = _decided(proof, pinned, key, now)
    if record is not None:
        raise InvalidAnswer(
            "another node is the one to ask, which is passed over", pointer="/proof"
        )
    return shown.state
