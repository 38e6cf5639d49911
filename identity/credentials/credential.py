"""A verifiable credential: its form by the Data Model 2.0, and whether it holds.

    check_credential(credential)                          # before it is signed
    held = verify_credential(signed, methods, now=now)    # VerifiedCredential(issuer=…, …)

Nothing is fetched. What a context says comes from the bundled ones, a status list from the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from identity.credentials.datetimes import seconds_of
from identity.credentials.members import (
    check_contexts,
    check_described,
    check_issuer,
    check_subject,
    check_typed,
    check_types,
    identifier_of,
    refuse,
)
from identity.credentials.related import check_related
from identity.credentials.securing import VerifiedProof, as_signed, verify_secured
from identity.credentials.status_list import (
    ENTRY_TYPE,
    LIST_TYPE,
    MOST_ENTRIES,
    Status,
    check_entry,
    read_list,
    status_of,
)
from identity.credentials.terms import check_terms
from identity.errors import (
    CredentialOutOfTime,
    CredentialRefused,
    CredentialRevoked,
    CredentialSuspended,
    InvalidKey,
    InvalidProof,
    MalformedInput,
    SignerMissing,
    SignerUnexpected,
    StatusUnknown,
)
from identity.methods import Methods

_TYPED = ("termsOfUse", "refreshService", "evidence", "renderMethod", "confidenceMethod", "proof")
"""Members whose values have a type (Data Model 2.0, 4.5 and 5)."""

StatusLists = Callable[[dict[str, Any]], dict[str, Any]]
"""The status list credential that an entry of `credentialStatus` names, already fetched."""


Schemas = Mapping[str, Callable[[dict[str, Any]], None]]
"""By the id of a JSON schema, what checks a credential against it (MalformedCredential)."""

Secured = Callable[..., tuple[VerifiedProof, ...]]
"""What checks the proofs of a document, with the arguments and the errors of `verify_secured`."""

_NONE: Mapping[str, Any] = MappingProxyType({})


class VerifiedCredential(NamedTuple):
    """A credential that holds."""

    issuer: str
    types: tuple[str, ...]
    subject_ids: tuple[str, ...]
    """Of the subjects that have one."""
    proofs: tuple[VerifiedProof, ...]
    statuses: tuple[Status, ...]
    """What its status lists say, as far as it does not refuse the credential: messages among it."""
    credential: Mapping[str, Any]


def check_credential(
    value: object, *, schemas: Schemas = _NONE, resources: Mapping[str, bytes] = _NONE
) -> dict[str, Any]:
    """The form of a credential, with or without its proof (Data Model 2.0, section 4).

    A schema that is not in `schemas` is not applied; a related resource that is neither bundled nor
    in `resources` is not compared. Returns the credential. Raises MalformedCredential with a
    pointer to what offends.
    """
    credential = check_members(value, schemas=schemas, resources=resources)
    check_terms(credential)
    return credential


def check_members(
    value: object, *, schemas: Schemas = _NONE, resources: Mapping[str, bytes] = _NONE
) -> dict[str, Any]:
    """As `check_credential`, without its terms."""
    if not isinstance(value, dict):
        raise refuse("a credential is a JSON object")
    check_contexts(value)
    types = check_types(value, "VerifiableCredential")
    check_described(value)
    check_issuer(value.get("issuer"))
    check_subject(value.get("credentialSubject"))
    _validity(value)
    entries = check_typed(value, "credentialStatus")
    if len(entries) > MOST_ENTRIES:
        raise refuse(f"more than {MOST_ENTRIES} entries", "/credentialStatus")
    for pointer, entry in entries:
        if entry["type"] == ENTRY_TYPE:
            check_entry(entry, pointer)
    if LIST_TYPE in types:
        read_list(value)
    for member in _TYPED:
        if member in value:
            check_typed(value, member)
    check_related(value, resources)
    for _, schema in check_typed(value, "credentialSchema", identified=True):
        if schema["type"] == "JsonSchema" and schema["id"] in schemas:
            schemas[schema["id"]](value)
    return value


def verify_credential(
    credential: object,
    methods: Methods,
    *,
    now: int,
    status: StatusLists | None = None,
    schemas: Schemas = _NONE,
    high_s: bool = False,
    secured: Secured = verify_secured,
) -> VerifiedCredential:
    """Check form, proofs, issuer, validity and, where `status` gives the lists, status.

    `now` in whole seconds; `high_s` as in `verify_secured`, in whose place `secured` may stand.
    Without `status`, whether the
    credential was revoked is left to the caller. Raises the errors of `check_credential` and
    `verify_secured`, and CredentialOutOfTime, CredentialRevoked, CredentialSuspended,
    StatusUnknown.
    """
    checked = check_credential(credential, schemas=schemas)
    check_validity(checked, now)
    issuer = identifier_of(checked["issuer"])
    proofs = secured(
        checked, methods, purpose="assertionMethod", now=now, controller=issuer, high_s=high_s
    )
    checked = signed_terms(checked)
    statuses = _statuses(checked, methods, now, status, high_s) if status is not None else ()
    return verified(checked, proofs, statuses)


def signed_terms(document: dict[str, Any]) -> dict[str, Any]:
    """A verified document as it was signed, every term of which is defined by what was signed."""
    signed = as_signed(document)
    if signed is document:
        return document
    check_terms(signed)
    return dict(signed)


def verified(
    credential: dict[str, Any],
    proofs: tuple[VerifiedProof, ...],
    statuses: tuple[Status, ...],
) -> VerifiedCredential:
    """What is known of a credential that was checked."""
    subjects = credential["credentialSubject"]
    types = credential["type"]
    return VerifiedCredential(
        identifier_of(credential["issuer"]),
        tuple(types) if isinstance(types, list) else (types,),
        tuple(
            subject["id"]
            for subject in (subjects if isinstance(subjects, list) else [subjects])
            if "id" in subject
        ),
        proofs,
        statuses,
        credential,
    )


def check_validity(credential: Mapping[str, Any], now: int) -> None:
    """Whether `now` lies within validFrom and validUntil, both inclusive. Raises
    CredentialOutOfTime."""
    valid_from, valid_until = _validity(credential)
    if valid_from is not None and now < valid_from:
        raise CredentialOutOfTime("the credential is not valid yet", pointer="/validFrom")
    if valid_until is not None and now > valid_until:
        raise CredentialOutOfTime("the credential is no longer valid", pointer="/validUntil")


def _statuses(
    credential: Mapping[str, Any],
    methods: Methods,
    now: int,
    status: StatusLists,
    high_s: bool,
) -> tuple[Status, ...]:
    """Every entry of credentialStatus; those that cannot be told refuse the credential."""
    found = []
    issuer = identifier_of(credential["issuer"])
    for pointer, entry in check_typed(credential, "credentialStatus"):
        if entry["type"] != ENTRY_TYPE:
            raise StatusUnknown("a status of another type than is known here", pointer=pointer)
        held = _verified_list(status(entry), methods, now, high_s)
        said = status_of(entry, held, issuer=issuer)
        if said.value and said.purpose == "revocation":
            raise CredentialRevoked("the issuer has revoked the credential", pointer=pointer)
        if said.value and said.purpose == "suspension":
            raise CredentialSuspended("the issuer has suspended the credential", pointer=pointer)
        found.append(said)
    return tuple(found)


def _verified_list(value: object, methods: Methods, now: int, high_s: bool) -> Mapping[str, Any]:
    """A status list credential whose proof and time hold. Raises StatusUnknown."""
    try:
        return verify_credential(value, methods, now=now, high_s=high_s).credential
    except (
        CredentialRefused,
        InvalidProof,
        InvalidKey,
        SignerMissing,
        SignerUnexpected,
    ) as refusal:
        raise StatusUnknown(
            f"the status list does not hold: {refusal.detail}", pointer=refusal.pointer
        ) from None


def _validity(credential: Mapping[str, Any]) -> tuple[float | None, float | None]:
    valid_from, valid_until = _time(credential, "validFrom"), _time(credential, "validUntil")
    if valid_from is not None and valid_until is not None and valid_from > valid_until:
        raise refuse("validFrom is later than validUntil", "/validFrom")
    return valid_from, valid_until


def _time(credential: Mapping[str, Any], member: str) -> float | None:
    if member not in credential:
        return None
    value = credential[member]
    if not isinstance(value, str):
        raise refuse(f"{member} is not a string", f"/{member}")
    try:
        return seconds_of(value)
    except MalformedInput as refusal:
        raise refuse(f"{member}: {refusal.detail}", f"/{member}", refusal.hint) from None
