"""Credentials of the data model 1.1, as the VC-API meets them in other people's hands.

    if of_first_model(credential):
        check_first(credential)                         # before it is signed
        held = verify_first(signed, methods, now=now)   # VerifiedCredential(issuer=…, …)

Nothing of Tetrad's own is issued by this model. Its statuses are of types that are not known here,
so that a credential with one holds as far as its proof goes and no further.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from identity.credentials.contexts import BASE, FIRST, INTEGRITY
from identity.credentials.credential import VerifiedCredential, verified
from identity.credentials.datetimes import seconds_of
from identity.credentials.ed25519_2020 import verify_either
from identity.credentials.members import (
    check_each_context,
    check_identified,
    check_issuer,
    check_subject,
    check_typed,
    check_types,
    identifier_of,
    refuse,
)
from identity.credentials.terms import check_terms
from identity.errors import CredentialOutOfTime, MalformedInput, StatusUnknown
from identity.methods import Methods

_IDENTIFIED: Final = ("credentialStatus", "credentialSchema", "refreshService")
_TYPED: Final = ("termsOfUse", "evidence", "proof")
_BEGINNINGS: Final = ("issuanceDate", "validFrom")
_ENDS: Final = ("expirationDate", "validUntil")


def of_first_model(document: object) -> bool:
    """Whether a document says that it follows the data model 1.1: by its first context."""
    contexts = document.get("@context") if isinstance(document, dict) else None
    return isinstance(contexts, list) and contexts[:1] == [FIRST]


def check_first(value: dict[str, Any]) -> dict[str, Any]:
    """The form of a credential, with or without its proof (Data Model 1.1, sections 4 and 5).

    Returns the credential. Raises MalformedCredential with a pointer to what offends.
    """
    contexts = value["@context"]
    check_each_context(contexts)
    if BASE in contexts:
        raise refuse("contexts of two data models", "/@context")
    check_types(value, "VerifiableCredential")
    check_identified(value, "")
    check_issuer(value.get("issuer"))
    check_subject(value.get("credentialSubject"))
    if "issuanceDate" not in value:
        raise refuse("a credential of the data model 1.1 has an issuanceDate", "/issuanceDate")
    _validity(value)
    for member in _IDENTIFIED:
        check_typed(value, member, identified=True)
    for member in _TYPED:
        check_typed(value, member)
    check_terms(value)
    return value


def with_integrity(credential: dict[str, Any]) -> dict[str, Any]:
    """The credential under a context that defines what a Data Integrity proof says."""
    contexts = credential["@context"]
    if INTEGRITY in contexts:
        return credential
    return {**credential, "@context": [*contexts, INTEGRITY]}


def verify_first(
    credential: dict[str, Any], methods: Methods, *, now: int, high_s: bool = False
) -> VerifiedCredential:
    """Check form, proofs, issuer and validity; `now` in whole seconds.

    Raises what `verify_credential` raises, StatusUnknown for any status among it.
    """
    checked = check_first(credential)
    beginning, end = _validity(checked)
    if now < beginning[0]:
        raise CredentialOutOfTime("the credential is not valid yet", pointer=beginning[1])
    if end is not None and now > end[0]:
        raise CredentialOutOfTime("the credential is no longer valid", pointer=end[1])
    issuer = identifier_of(checked["issuer"])
    proofs = verify_either(
        checked, methods, purpose="assertionMethod", now=now, controller=issuer, high_s=high_s
    )
    if "credentialStatus" in checked:
        raise StatusUnknown(
            "a status of another type than is known here",
            pointer="/credentialStatus",
            hint='with options.checks of ["proof"] the proof alone is checked',
        )
    return verified(checked, proofs, ())


def _validity(
    credential: Mapping[str, Any],
) -> tuple[tuple[float, str], tuple[float, str] | None]:
    """The latest beginning and the earliest end, in seconds, with pointers to them."""
    beginning = max(_times(credential, _BEGINNINGS))
    end = min(_times(credential, _ENDS), default=None)
    if end is not None and end[0] < beginning[0]:
        raise refuse("the credential ends before it begins", end[1])
    return beginning, end


def _times(credential: Mapping[str, Any], members: tuple[str, ...]) -> list[tuple[float, str]]:
    found = []
    for member in members:
        if member in credential:
            value = credential[member]
            if not isinstance(value, str):
                raise refuse(f"{member} is not a string", f"/{member}")
            try:
                found.append((seconds_of(value), f"/{member}"))
            except MalformedInput as refusal:
                raise refuse(f"{member}: {refusal.detail}", f"/{member}", refusal.hint) from None
    return found
