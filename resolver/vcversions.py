"""What the VC-API takes beyond the rest of this software: the data model 1.1, elder proofs.

Credentials of the data model 1.1 are issued and verified, and proofs of the type
`Ed25519Signature2020` verified, because other people's clients and test suites have them
(specs/1-identity.md, "VC-API"). Everywhere else a credential is one of the data model 2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from identity.credentials.credential import (
    StatusLists,
    VerifiedCredential,
    check_credential,
    verify_credential,
)
from identity.credentials.data_model_1 import (
    check_first,
    of_first_model,
    verify_first,
    with_integrity,
)
from identity.credentials.ed25519_2020 import verify_either
from identity.credentials.related import unchecked
from identity.methods import Methods


def check_form(credential: dict[str, Any]) -> None:
    """The form of a credential, by the data model that it names. Raises MalformedCredential."""
    if of_first_model(credential):
        check_first(credential)
    else:
        check_credential(credential)


def to_secure(credential: dict[str, Any]) -> dict[str, Any]:
    """A credential whose contexts define what its proof will say."""
    return with_integrity(credential) if of_first_model(credential) else credential


def verify_form_and_all(
    credential: dict[str, Any], methods: Methods, *, now: int, status: StatusLists | None
) -> VerifiedCredential:
    """Form, proofs, issuer, times and status; `now` in whole seconds. Raises what
    `verify_credential` raises."""
    if of_first_model(credential):
        return verify_first(credential, methods, now=now, high_s=True)
    return verify_credential(
        credential, methods, now=now, status=status, high_s=True, secured=verify_either
    )


def warnings_of(credential: Mapping[str, Any]) -> tuple[str, ...]:
    """What of a credential that was checked could not be, in words."""
    return tuple(
        f"the digest of {url[:200]} was not compared: it is not at hand, and nothing is fetched"
        for url in (() if of_first_model(credential) else unchecked(credential))
    )
