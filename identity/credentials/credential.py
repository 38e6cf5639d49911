"""A verifiable credential: its form by the Data Model 2.0, and whether it holds.

    check_credential(credential)                          # before it is signed
    held = verify_credential(signed, methods, now=now)    # VerifiedCredential(issuer=…, …)

Nothing is fetched. What a context says comes from the bundled ones, a status list from the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from identity.credentials.datetimes import seconds_of
from identity.credentials.members import (
    check_contexts,
    check_described,
    check_identified,
    check_issuer,
    check_language,
    check_subject,
    check_typed,
    check_types,
    refuse,
)
from identity.credentials.securing import VerifiedProof, verify_secured
from identity.credentials.terms import check_terms
from identity.errors import CredentialOutOfTime, MalformedInput
from identity.methods import Methods

StatusLists = Callable[[dict[str, Any]], dict[str, Any]]
"""The status list credential that an entry of `credentialStatus` names, already fetched."""


class VerifiedCredential(NamedTuple):
    """A credential that holds."""

    issuer: str
    types: tuple[str, ...]
    subject_ids: tuple[str, ...]
    proofs: tuple[VerifiedProof, ...]
    credential: Mapping[str, Any]


def check_credential(value: object) -> None:
    """The form of a credential, with or without its proof (Data Model 2.0, section 4).

    Raises MalformedCredential with a pointer to what offends.
    """
    if not isinstance(value, dict):
        raise refuse("a credential is a JSON object")
    check_contexts(value)
    check_types(value, "VerifiableCredential")
    check_described(value)
    check_issuer(value.get("issuer"))
    check_subject(value.get("credentialSubject"))
    _validity(value)
    check_typed(value, "credentialStatus", identified=False)
    check_typed(value, "credentialSchema", identified=True)
    for member in ("termsOfUse", "refreshService", "evidence", "renderMethod", "confidenceMethod"):
        check_typed(value, member, identified=False)
    check_terms(value)


def verify_credential(
    credential: object,
    methods: Methods,
    *,
    now: int,
    status: StatusLists | None = None,
) -> VerifiedCredential:
    """Check form, proofs, issuer, validity and, where `status` gives the lists, status.

    `now` in whole seconds. Raises the errors of `check_credential` and `verify_secured`, and
    CredentialOutOfTime, CredentialRevoked, CredentialSuspended, StatusUnknown.
    """
    check_credential(credential)
    if not isinstance(credential, dict):
        raise refuse("a credential is a JSON object")
    issuer = identifier_of(credential["issuer"])
    check_validity(credential, now)
    proofs = verify_secured(
        credential, methods, purpose="assertionMethod", now=now, controller=issuer
    )
    subjects = credential["credentialSubject"]
    each = subjects if isinstance(subjects, list) else [subjects]
    types = credential["type"]
    return VerifiedCredential(
        issuer,
        tuple(types) if isinstance(types, list) else (types,),
        tuple(subject["id"] for subject in each if "id" in subject),
        proofs,
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


def identifier_of(party: object) -> str:
    """The URL of an issuer or holder that has been checked: itself, or its `id`."""
    return str(party["id"] if isinstance(party, dict) else party)


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
