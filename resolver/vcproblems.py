"""Refusals as VC-API clients read them: problem details whose type is one of the W3C's.

Our own code, pointer and hint stand beside it. Data Model 2.0 (section 7.4, "Problem Details"),
Data Integrity 1.0 (section 4.7, "Processing Errors") and Bitstring Status List 1.0 (section 3.5)
name the types.
"""

from __future__ import annotations

from typing import Any, Final

from identity.errors import (
    CredentialOutOfTime,
    CredentialRefused,
    CredentialRevoked,
    CredentialSuspended,
    InputTooLarge,
    InvalidKey,
    InvalidProof,
    MalformedCredential,
    NotFound,
    SignerMissing,
    SignerUnexpected,
    SlowRequest,
    StatusUnknown,
    TetradError,
    Unavailable,
    UnsupportedMediaType,
)

_DATA_MODEL: Final = "https://www.w3.org/TR/vc-data-model#"
_INTEGRITY: Final = "https://w3id.org/security#"
_STATUS_LIST: Final = "https://www.w3.org/ns/credentials/status-list#"

# The first class that an error is an instance of.
_TYPES: Final[tuple[tuple[type[TetradError], str], ...]] = (
    (StatusUnknown, _STATUS_LIST + "STATUS_VERIFICATION_ERROR"),
    (CredentialRevoked, _STATUS_LIST + "STATUS_VERIFICATION_ERROR"),
    (CredentialSuspended, _STATUS_LIST + "STATUS_VERIFICATION_ERROR"),
    (CredentialOutOfTime, _DATA_MODEL + "RANGE_ERROR"),
    (MalformedCredential, _DATA_MODEL + "MALFORMED_VALUE_ERROR"),
    (CredentialRefused, _DATA_MODEL + "MALFORMED_VALUE_ERROR"),
    (InvalidKey, _INTEGRITY + "INVALID_VERIFICATION_METHOD"),
    (InvalidProof, _INTEGRITY + "PROOF_VERIFICATION_ERROR"),
    (SignerMissing, _INTEGRITY + "PROOF_VERIFICATION_ERROR"),
    (SignerUnexpected, _INTEGRITY + "PROOF_VERIFICATION_ERROR"),
)
_OF_MEMBER: Final = {
    "/proof/domain": _INTEGRITY + "INVALID_DOMAIN_ERROR",
    "/proof/challenge": _INTEGRITY + "INVALID_CHALLENGE_ERROR",
}
# What is about the request itself, or about the service, keeps its status.
_KEPT: Final = (InputTooLarge, UnsupportedMediaType, SlowRequest, NotFound, Unavailable)


def problem_type(error: TetradError) -> str:
    """The W3C's name for a refusal."""
    if isinstance(error, InvalidProof) and error.pointer in _OF_MEMBER:
        return _OF_MEMBER[error.pointer]
    for kind, url in _TYPES:
        if isinstance(error, kind):
            return url
    return _DATA_MODEL + "PARSING_ERROR"


def refusal_status(error: TetradError) -> int:
    """The status: 400 for everything that is wrong with what was sent."""
    return error.status if isinstance(error, _KEPT) else 400


def refusal_value(error: TetradError) -> dict[str, Any]:
    """The problem details of a refusal, with the members that a VC-API client looks for."""
    problem = {**error.problem(), "type": problem_type(error), "status": refusal_status(error)}
    return {
        **problem,
        "verified": False,
        "checks": [],
        "warnings": [],
        "errors": [error.detail],
        "problemDetails": [problem],
    }
