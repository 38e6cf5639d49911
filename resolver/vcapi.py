"""What the endpoints of the VC-API do with a request that has been parsed: pure, over values.

    issuer = Issuer(suite, key)
    signed = issuer.issue(body, now)                    # {"verifiableCredential": …}
    outcome = verify_credential_request(body, methods, now=now)

The issuers are `did:key`s, one for each cryptosuite and curve, for interoperability alone: what
they sign says nothing about a device, and none of their keys is a key of the ledger. Specified in
specs/1-identity.md, "VC-API".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from identity.credentials.credential import StatusLists
from identity.credentials.data_model_1 import of_first_model
from identity.credentials.datetimes import seconds_of
from identity.credentials.ed25519_2020 import verify_either
from identity.credentials.presentation import (
    check_presentation,
    credentials_of,
    verify_presentation,
)
from identity.credentials.securing import secure
from identity.credentials.status_list import MOST_ENTRIES
from identity.did import did_key, did_key_method
from identity.errors import MalformedCredential, MalformedInput, MalformedProof
from identity.keys import ED25519, P256, P384, PrivateKey
from identity.members import format_time
from identity.methods import Methods
from resolver.vcversions import check_form, to_secure, verify_form_and_all, warnings_of

ASSERTION: Final = "assertionMethod"
AUTHENTICATION: Final = "authentication"
PROOF_ONLY: Final = ["proof"]
_STATED: Final = ("expectedProofPurpose", "challenge", "domain")


class Suite(NamedTuple):
    """A cryptosuite with a kind of key: what one issuer signs with."""

    name: str
    """In its addresses: `/{name}/credentials/issue`."""
    cryptosuite: str
    algorithm: str

    @property
    def needs_rdf(self) -> bool:
        """Whether it canonicalizes RDF, for which PyLD must be installed."""
        return "-rdfc-" in self.cryptosuite


SUITES: Final = (
    Suite("eddsa-jcs-2022", "eddsa-jcs-2022", ED25519),
    Suite("ecdsa-jcs-2019-p256", "ecdsa-jcs-2019", P256),
    Suite("ecdsa-jcs-2019-p384", "ecdsa-jcs-2019", P384),
    Suite("eddsa-rdfc-2022", "eddsa-rdfc-2022", ED25519),
    Suite("ecdsa-rdfc-2019-p256", "ecdsa-rdfc-2019", P256),
    Suite("ecdsa-rdfc-2019-p384", "ecdsa-rdfc-2019", P384),
)
DEFAULT: Final = SUITES[0]
"""That of `/credentials/issue`."""

Entries = Callable[[Mapping[str, Any], list[dict[str, Any]]], list[dict[str, Any]]]
"""For a credential and the entries of a status list that are asked for: those that it gets."""
SubjectCheck = Callable[[str], None]
"""Raises CredentialRevoked or CredentialSuspended for the identifier of a subject."""


class Issuer:
    """The `did:key` that signs with one suite."""

    def __init__(self, suite: Suite, key: PrivateKey) -> None:
        self.suite = suite
        self._key = key
        multikey = key.public.multikey
        self.did = did_key(multikey)
        self.method = did_key_method(multikey)

    def issue(
        self, body: object, now: int, entries: Entries | None = None, *, always: bool = False
    ) -> dict[str, Any]:
        """The answer to a request to issue; `now` in whole seconds.

        The credential's issuer becomes this one, whoever it named. `entries` gives it entries of
        status lists: those of `options.credentialStatus`, or with `always` one for revocation.
        Raises MalformedInput, MalformedCredential, MalformedProof.
        """
        request = _request(body, "credential")
        options = _options(request)
        credential = request["credential"]
        check_form(credential)
        if "proof" in credential:
            raise MalformedCredential("the credential has a proof already", pointer="/proof")
        credential = {**to_secure(credential), "issuer": _replaced(credential["issuer"], self.did)}
        wanted = _wanted(options, always=always)
        if len(_present(credential)) + len(wanted) > MOST_ENTRIES:
            raise MalformedCredential(
                f"more than {MOST_ENTRIES} entries", pointer="/credentialStatus"
            )
        if wanted:
            if entries is None:
                raise MalformedInput("no status lists are kept here")
            # Before a place of a list is taken: its entry may mean nothing in this credential.
            if of_first_model(credential):
                raise MalformedCredential(
                    "status lists are for credentials of the data model 2.0", pointer="/@context"
                )
            _add_status(credential, entries(credential, wanted))
        return {"verifiableCredential": self._sign(credential, ASSERTION, options, now)}

    def present(self, body: object, now: int) -> dict[str, Any]:
        """The answer to a request to sign a presentation, whose holder becomes this one.

        Raises MalformedInput, MalformedCredential, MalformedProof.
        """
        request = _request(body, "presentation")
        options = _options(request)
        presentation = request["presentation"]
        check_presentation(presentation)
        if "proof" in presentation:
            raise MalformedCredential("the presentation has a proof already", pointer="/proof")
        holder = _replaced(presentation.get("holder"), self.did)
        signed = self._sign({**presentation, "holder": holder}, AUTHENTICATION, options, now)
        return {"verifiablePresentation": signed}

    def secure(self, credential: Mapping[str, Any], now: int) -> dict[str, Any]:
        """A credential of this issuer's own, signed: its status lists."""
        return self._sign(dict(credential), ASSERTION, {}, now)

    def _sign(
        self, document: dict[str, Any], purpose: str, options: Mapping[str, Any], now: int
    ) -> dict[str, Any]:
        return secure(
            document,
            self._key,
            method=self.method,
            purpose=purpose,
            created=_time(options, "created") or format_time(now),
            cryptosuite=self.suite.cryptosuite,
            challenge=_text(options, "challenge"),
            domain=_domain(options),
            expires=_time(options, "expires"),
        )


class Outcome(NamedTuple):
    """What was checked, and holds."""

    checks: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    """What could not be checked, in words."""

    def value(self) -> dict[str, Any]:
        """The body of the answer."""
        return {
            "verified": True,
            "checks": list(self.checks),
            "warnings": list(self.warnings),
            "errors": [],
            "problemDetails": [],
        }


_ALL: Final = Outcome(("form", "proof", "issuer", "validity", "credentialStatus"))
_OF_PRESENTATION: Final = Outcome(("form", "proof", "holder", "credentials"))
_PROOF: Final = Outcome(("form", "proof"))


def verify_credential_request(
    body: object,
    methods: Methods,
    *,
    now: int,
    status: StatusLists | None = None,
    subject: SubjectCheck | None = None,
) -> Outcome:
    """Whether the credential of a request holds; `now` in whole seconds.

    With `options.checks` of `["proof"]` its form and its proofs, whoever its issuer is; else also
    that they are the issuer's, its validity and its status. Raises what `verify_credential` raises.
    """
    request = _request(body, "verifiableCredential")
    options = _options(request)
    proof_only = _checks(options) == PROOF_ONLY
    credential = request["verifiableCredential"]
    if not proof_only:
        held = verify_form_and_all(credential, methods, now=now, status=status)
        if subject is not None:
            for identifier in held.subject_ids:
                subject(identifier)
    else:
        check_form(credential)
    # Whoever states a purpose, a challenge or a domain has it checked, whatever else is.
    if proof_only or any(name in options for name in _STATED):
        _check_proofs(credential, methods, options, ASSERTION, now)
    return (_PROOF if proof_only else _ALL)._replace(warnings=warnings_of(credential))


def verify_presentation_request(
    body: object,
    methods: Methods,
    *,
    now: int,
    status: StatusLists | None = None,
    subject: SubjectCheck | None = None,
) -> Outcome:
    """Whether the presentation of a request holds, and the credentials in it.

    Its proofs are for authentication; `options.challenge` and `options.domain` must be theirs where
    they are given. Raises what `verify_presentation` raises.
    """
    request = _request(body, "verifiablePresentation")
    options = _options(request)
    presentation = request["verifiablePresentation"]
    if _checks(options) == PROOF_ONLY:
        check_presentation(presentation)
        _check_proofs(presentation, methods, options, AUTHENTICATION, now)
        for credential in credentials_of(presentation):
            _check_proofs(credential, methods, {}, ASSERTION, now)
        return _PROOF
    if _text(options, "expectedProofPurpose") not in (None, AUTHENTICATION):
        raise MalformedProof("a presentation is signed for authentication")
    held = verify_presentation(
        presentation,
        methods,
        now=now,
        challenge=_text(options, "challenge"),
        domain=_domain(options),
        status=status,
        high_s=True,
        secured=verify_either,
    )
    if subject is not None:
        for identifier in (one for shown in held.credentials for one in shown.subject_ids):
            subject(identifier)
    return _OF_PRESENTATION


def _check_proofs(
    document: Mapping[str, Any],
    methods: Methods,
    options: Mapping[str, Any],
    purpose: str,
    now: int,
) -> None:
    verify_either(
        document,
        methods,
        purpose=_text(options, "expectedProofPurpose") or purpose,
        now=now,
        challenge=_text(options, "challenge"),
        domain=_domain(options),
        high_s=True,
    )


# --- reading a request


def _request(body: object, member: str) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise MalformedInput("the body is a JSON object")
    if not isinstance(body.get(member), dict):
        raise MalformedInput(f"{member} is an object", pointer=f"/{member}")
    return body


def _options(request: Mapping[str, Any]) -> dict[str, Any]:
    """Options that are not known here ask for nothing; null is as if there were none."""
    options = request.get("options")
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise MalformedInput("options is an object", pointer="/options")
    return options


def _checks(options: Mapping[str, Any]) -> list[str]:
    checks = options.get("checks", [])
    if not isinstance(checks, list) or not all(isinstance(one, str) for one in checks):
        raise MalformedInput("checks is a list of strings", pointer="/options/checks")
    return checks


def _text(options: Mapping[str, Any], name: str) -> str | None:
    value = options.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise MalformedInput(f"{name} is a string", pointer=f"/options/{name}")
    return value


def _domain(options: Mapping[str, Any]) -> str | list[str] | None:
    value = options.get("domain")
    values = value if isinstance(value, list) else [value]
    if value is not None and not (values and all(isinstance(one, str) and one for one in values)):
        raise MalformedInput("domain is a string or a list of strings", pointer="/options/domain")
    return value


def _time(options: Mapping[str, Any], name: str) -> str | None:
    value = _text(options, name)
    if value is not None:
        seconds_of(value)
    return value


def _replaced(party: object, did: str) -> str | dict[str, Any]:
    """The issuer or holder, with the identifier of the one who signs."""
    return {**party, "id": did} if isinstance(party, dict) else did


# --- status


def _wanted(options: Mapping[str, Any], *, always: bool) -> list[dict[str, Any]]:
    value = options.get("credentialStatus")
    if value is None:
        return [{"type": "BitstringStatusListEntry", "statusPurpose": "revocation"}] * always
    wanted = value if isinstance(value, list) else [value]
    # Each takes a place in a list for good, and a write to the disk.
    if not 1 <= len(wanted) <= MOST_ENTRIES or not all(isinstance(one, dict) for one in wanted):
        raise MalformedInput(
            f"credentialStatus is 1 to {MOST_ENTRIES} objects", pointer="/options/credentialStatus"
        )
    return wanted


def _present(credential: Mapping[str, Any]) -> list[Any]:
    present = credential.get("credentialStatus", [])
    return present if isinstance(present, list) else [present]


def _add_status(credential: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    every = [*_present(credential), *entries]
    credential["credentialStatus"] = every[0] if len(every) == 1 else every
