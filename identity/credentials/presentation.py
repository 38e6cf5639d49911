"""A verifiable presentation: credentials that a holder shows, to one verifier, once.

    held = verify_presentation(shown, methods, now=now, challenge=nonce, domain="lock.example")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from identity.credentials.credential import (
    StatusLists,
    VerifiedCredential,
    check_credential,
    identifier_of,
    verify_credential,
)
from identity.credentials.members import (
    check_contexts,
    check_described,
    check_issuer,
    check_typed,
    check_types,
    refuse,
)
from identity.credentials.securing import VerifiedProof, verify_secured
from identity.credentials.terms import check_terms
from identity.methods import Methods


class VerifiedPresentation(NamedTuple):
    """A presentation that holds."""

    holder: str | None
    """Who presents, where the presentation says so."""
    credentials: tuple[VerifiedCredential, ...]
    proofs: tuple[VerifiedProof, ...]
    presentation: Mapping[str, Any]


def check_presentation(value: object) -> None:
    """The form of a presentation and of the credentials in it (Data Model 2.0, section 4.13).

    Raises MalformedCredential with a pointer to what offends.
    """
    if not isinstance(value, dict):
        raise refuse("a presentation is a JSON object")
    check_contexts(value)
    check_types(value, "VerifiablePresentation")
    check_described(value)
    if "holder" in value:
        check_issuer(value["holder"], "/holder")
    check_typed(value, "termsOfUse", identified=False)
    for credential in credentials_of(value):
        check_credential(credential)
    check_terms(value)


def verify_presentation(
    presentation: object,
    methods: Methods,
    *,
    now: int,
    challenge: str | None,
    domain: str | list[str] | None,
    status: StatusLists | None = None,
) -> VerifiedPresentation:
    """Check form, proofs for `authentication`, and every credential in it.

    `challenge` and `domain` must be those of every proof; None asks for none. Where there is a
    holder, the proofs are the holder's. Raises as `verify_credential` does.
    """
    check_presentation(presentation)
    if not isinstance(presentation, dict):
        raise refuse("a presentation is a JSON object")
    holder = identifier_of(presentation["holder"]) if "holder" in presentation else None
    proofs = verify_secured(
        presentation,
        methods,
        purpose="authentication",
        now=now,
        controller=holder,
        challenge=challenge,
        domain=domain,
    )
    credentials = tuple(
        verify_credential(credential, methods, now=now, status=status)
        for credential in credentials_of(presentation)
    )
    return VerifiedPresentation(holder, credentials, proofs, presentation)


def credentials_of(presentation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The credentials in a presentation. Raises MalformedCredential for what is not an object."""
    if "verifiableCredential" not in presentation:
        return []
    value = presentation["verifiableCredential"]
    credentials = value if isinstance(value, list) else [value]
    for place, credential in enumerate(credentials):
        if not isinstance(credential, dict):
            raise refuse("verifiableCredential holds objects", f"/verifiableCredential/{place}")
    return credentials
