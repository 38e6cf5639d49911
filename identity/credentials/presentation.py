"""A verifiable presentation: credentials that a holder shows, to one verifier, once.

held = verify_presentation(shown, methods, now=now, challenge=nonce, domain="lock.example")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from identity.credentials.credential import (
    Secured,
    StatusLists,
    VerifiedCredential,
    check_members,
    check_validity,
    signed_terms,
    verified,
    verify_credential,
)
from identity.credentials.members import (
    check_contexts,
    check_described,
    check_issuer,
    check_type,
    check_typed,
    check_types,
    identifier_of,
    refuse,
)
from identity.credentials.securing import VerifiedProof, verify_secured
from identity.credentials.terms import check_terms
from identity.errors import MalformedCredential, MalformedProof
from identity.methods import Methods

MOST_CREDENTIALS = 32
"""Credentials of one presentation that are looked at; more are refused unseen."""
_ENVELOPED = "EnvelopedVerifiableCredential"


class VerifiedPresentation(NamedTuple):
    """A presentation that holds."""

    holder: str | None
    """Who presents, where the presentation says so."""
    credentials: tuple[VerifiedCredential, ...]
    proofs: tuple[VerifiedProof, ...]
    presentation: Mapping[str, Any]


def check_presentation(value: object) -> dict[str, Any]:
    """The form of a presentation and of the credentials in it (Data Model 2.0, section 4.13).

    Returns the presentation. Raises MalformedCredential with a pointer to what offends.
    """
    if not isinstance(value, dict):
        raise refuse("a presentation is a JSON object")
    check_contexts(value)
    check_types(value, "VerifiablePresentation")
    check_described(value)
    if "holder" in value:
        check_issuer(value["holder"], "/holder")
    for member in ("termsOfUse", "proof"):
        check_typed(value, member)
    for place, credential in enumerate(credentials_of(value)):
        try:
            _check_presented(credential)
        except MalformedCredential as refusal:
            refusal.pointer = f"/verifiableCredential/{place}{refusal.pointer}"
            raise
    check_terms(value)
    return value


def verify_presentation(
    presentation: object,
    methods: Methods,
    *,
    now: int,
    challenge: str | None,
    domain: str | list[str] | None,
    status: StatusLists | None = None,
    high_s: bool = False,
    secured: Secured = verify_secured,
) -> VerifiedPresentation:
    """Check form, proofs for `authentication`, and every credential in it.

    `challenge` and `domain` must be those of every proof; None asks for none. Where there is a
    holder, the proofs are the holder's. `secured` as in `verify_credential`, and so are the errors.
    """
    checked = check_presentation(presentation)
    holder = identifier_of(checked["holder"]) if "holder" in checked else None
    proofs = secured(
        checked,
        methods,
        purpose="authentication",
        now=now,
        controller=holder,
        challenge=challenge,
        domain=domain,
        high_s=high_s,
    )
    checked = signed_terms(checked)
    credentials = []
    for credential in credentials_of(checked):
        if "proof" in credential:
            held = verify_credential(
                credential, methods, now=now, status=status, high_s=high_s, secured=secured
            )
        else:
            held = _self_asserted(credential, holder, now)
        credentials.append(held)
    return VerifiedPresentation(holder, tuple(credentials), proofs, checked)


def credentials_of(presentation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The credentials in a presentation. Raises MalformedCredential for what is not an object."""
    if "verifiableCredential" not in presentation:
        return []
    value = presentation["verifiableCredential"]
    credentials = value if isinstance(value, list) else [value]
    if len(credentials) > MOST_CREDENTIALS:
        raise refuse(f"more than {MOST_CREDENTIALS} credentials", "/verifiableCredential")
    for place, credential in enumerate(credentials):
        if not isinstance(credential, dict):
            raise refuse("verifiableCredential holds objects", f"/verifiableCredential/{place}")
    return credentials


def _check_presented(credential: dict[str, Any]) -> None:
    """A credential, or the envelope of one (4.13.1)."""
    if _ENVELOPED not in check_type(credential.get("type"), "/type"):
        check_members(credential)
        return
    if credential["type"] not in (_ENVELOPED, [_ENVELOPED]):
        raise refuse(f"the type of an envelope is {_ENVELOPED}", "/type")
    if not credential.get("@context"):
        raise refuse("an envelope has a @context", "/@context")
    if not isinstance(credential.get("id"), str) or not credential["id"].startswith("data:"):
        raise refuse("the id of an envelope is a data: URL", "/id")


def _self_asserted(credential: dict[str, Any], holder: str | None, now: int) -> VerifiedCredential:
    """A credential under no proof but that of the presentation (4.13.4): its holder's own."""
    if credential["type"] in (_ENVELOPED, [_ENVELOPED]):
        raise refuse(
            "an enveloped credential, which is not verified here",
            "/verifiableCredential",
            "present it with a Data Integrity proof",
        )
    if holder is None or identifier_of(credential["issuer"]) != holder:
        raise MalformedProof(
            "a credential without a proof, and its issuer is not the holder",
            pointer="/verifiableCredential",
        )
    check_validity(credential, now)
    return verified(credential, (), ())
