"""Whether a presentation proves that its holder has the keys of a subject, here and now.

    found = verify_authentication(
        presentation, record, challenge=issued.challenge, domain=issued.domain, now=now
    )
    found.did, found.key             # who it was, and with which key

The answer to a challenge: a presentation (Verifiable Credentials 2.0) whose holder is the subject,
under proofs for `authentication` that repeat the challenge and its domain. `record` is that of the
subject, from a store or proved by evidence (resolver/verifier.py). Whether the challenge was used
before is for whoever gave it out. Pure; specified in specs/1-identity.md, "Authentication".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from identity.credentials.credential import VerifiedCredential
from identity.credentials.members import identifier_of
from identity.credentials.presentation import check_presentation, credentials_of
from identity.credentials.securing import VerifiedProof, verify_secured
from identity.did import parse_tetrad_did
from identity.errors import (
    AuthenticationFailed,
    InvalidAnswer,
    InvalidChallenge,
    MalformedCredential,
    MalformedInput,
    MalformedProof,
    UnknownMethod,
)
from identity.jwk import JWS_ALGORITHMS
from identity.keys import CLASSICAL, PublicKey, kind_of, public_key
from identity.members import format_time
from identity.methods import SIGNING_PURPOSES, Method, Methods
from identity.wallet import Wallet
from registry.state import Subject
from resolver.challenges import PURPOSE, Challenge, names_server
from resolver.verifier import VerifiedAnswer

MOST_PROOFS: Final = 2
"""One with a classical key, one with a post-quantum one."""
MOST_CREDENTIALS: Final = 8
"""In one answer: each costs the verifier a signature at least."""

CheckCredential = Callable[[dict[str, Any]], VerifiedCredential]
"""Verifies a credential that is shown beside. Raises CredentialRefused, InvalidProof."""


class Answer(NamedTuple):
    """A presentation in the form of an answer to a challenge; nothing of it is verified yet."""

    presentation: dict[str, Any]
    holder: str
    """The DID of who claims to answer."""
    proofs: list[dict[str, Any]]
    previous: str | None
    """`nonce`: what the verifier gave out with the authentication before."""


class Authentication(NamedTuple):
    """An answer that holds."""

    did: str
    key: PublicKey
    """That signed; where a classical and a post-quantum one did, the classical one if it has a
    JWK, as all but SM2's have."""
    beside: PublicKey | None
    """The other key of a pair, if that has a JWK as well."""
    proofs: tuple[VerifiedProof, ...]
    credentials: tuple[VerifiedCredential, ...]
    previous: str | None
    """See `Answer`; it was signed by all of the keys."""


def verify_authentication(
    presentation: object,
    record: Subject,
    *,
    challenge: str,
    domain: str,
    now: int,
    credential: CheckCredential | None = None,
) -> Authentication:
    """Checks the answer of the subject of `record` to a challenge; `now` in whole seconds.

    Credentials that are shown beside are verified by `credential`, and refused without it. Raises
    MalformedCredential, MalformedProof, InvalidChallenge for the form; UnknownMethod, ForgedProof,
    InvalidKey, SignerMissing, CredentialOutOfTime for the proofs; AuthenticationFailed where the
    subject is another or not active; and what `credential` raises.
    """
    answer = read_answer(presentation, challenge=challenge, domain=domain)
    if answer.holder != record["did"]:
        raise AuthenticationFailed("the holder of the presentation is another")
    found = verify_answer_proofs(
        answer, lambda url: key_method(record, url), challenge=challenge, domain=domain, now=now
    )
    check_active(record)
    return found._replace(credentials=verify_credentials(answer, credential))


def answer_challenge(
    wallet: Wallet, challenge: Challenge, did: str, now: int, *, domain: str | None = None
) -> dict[str, Any]:
    """The answer of a DID to a challenge that came as a file, from whoever its domain says.

    A challenge in the name of a server's address is never answered here: whoever passed it on would
    be signed in there. `domain` is the verifier that is expected, where that is known. Raises
    InvalidChallenge, KeystoreError.
    """
    if names_server(challenge.domain):
        raise InvalidChallenge(
            f"this is a challenge of the server {challenge.domain[:80]}, and not of who shows it",
            hint="a server is answered where it was asked: tetrad authenticate",
        )
    if domain is not None and domain != challenge.domain:
        raise InvalidChallenge(f"the challenge is by {challenge.domain[:80]!r}")
    if challenge.did is not None and challenge.did != did:
        raise InvalidChallenge(f"the challenge is for {challenge.did[:120]}")
    if challenge.expires <= now:
        raise InvalidChallenge("the challenge has expired", hint="ask for a new one")
    return wallet.present(
        did, challenge=challenge.challenge, domain=challenge.domain, created=format_time(now)
    )


def proved_record(answer: VerifiedAnswer) -> Subject:
    """The record of a device out of a verified answer: the newest there is. Raises InvalidAnswer
    for an answer about the past, whose keys may be anybody's by now."""
    if answer.as_of is not None:
        raise InvalidAnswer(
            f"the record is as it was at {answer.as_of}, and not as it is", pointer="/asOf"
        )
    return answer.device


def challenge_of(presentation: object) -> str:
    """The challenge that a presentation names in its first proof. Raises MalformedProof."""
    challenge = _proofs_of(presentation)[0].get("challenge")
    if not isinstance(challenge, str):
        raise MalformedProof("the proof answers no challenge", pointer="/proof/challenge")
    return challenge


def read_answer(presentation: object, *, challenge: str, domain: str) -> Answer:
    """A presentation in the form of an answer, whoever signed it. Nothing here depends on a ledger.

    Raises MalformedCredential, MalformedProof, InvalidChallenge.
    """
    check_presentation(presentation)
    proofs = _proofs_of(presentation)
    assert isinstance(presentation, dict)  # noqa: S101 - it has proofs
    if "holder" not in presentation:
        raise MalformedCredential("an answer to a challenge has a holder", pointer="/holder")
    holder = identifier_of(presentation["holder"])
    try:
        parse_tetrad_did(holder)
    except MalformedInput as refusal:
        raise MalformedCredential(
            f"the holder is no subject of a ledger: {refusal.detail}", pointer="/holder"
        ) from None
    for proof in proofs:
        _check_answers(proof, challenge, domain)
    previous = proofs[0].get("nonce")
    if any(proof.get("nonce") != previous for proof in proofs):
        raise MalformedProof("the proofs differ in their nonce", pointer="/proof")
    if len(credentials_of(presentation)) > MOST_CREDENTIALS:
        raise MalformedCredential(
            f"more than {MOST_CREDENTIALS} credentials", pointer="/verifiableCredential"
        )
    return Answer(presentation, holder, proofs, previous)


def verify_answer_proofs(
    answer: Answer, methods: Methods, *, challenge: str, domain: str, now: int
) -> Authentication:
    """Checks every proof of an answer with the keys of its holder; credentials are left aside."""
    proofs = verify_secured(
        answer.presentation,
        methods,
        purpose=PURPOSE,
        now=now,
        controller=answer.holder,
        challenge=challenge,
        domain=domain,
    )
    keys = sorted((proof.method.key for proof in proofs), key=_preference)
    if len({kind_of(key.algorithm) for key in keys}) != len(keys):
        raise MalformedProof("two proofs by keys of one kind", pointer="/proof")
    bound, *others = keys
    beside = next((key for key in others if key.algorithm in JWS_ALGORITHMS), None)
    return Authentication(answer.holder, bound, beside, proofs, (), answer.previous)


def verify_credentials(
    answer: Answer, credential: CheckCredential | None
) -> tuple[VerifiedCredential, ...]:
    """The credentials in an answer, all verified. Raises CredentialRefused."""
    shown = credentials_of(answer.presentation)
    if shown and credential is None:
        raise MalformedCredential(
            "credentials are not verified here",
            hint="answer without them",
            pointer="/verifiableCredential",
        )
    return tuple(credential(one) for one in shown) if credential else ()


def check_active(record: Subject) -> None:
    """Raises AuthenticationFailed for a subject that is suspended, revoked or retired: its keys
    prove who it is, and that nobody shall rely on it."""
    if record["status"] != "active":
        raise AuthenticationFailed(
            f"the holder is {record['status']}", did=record["did"], state=record["status"]
        )


def key_method(record: Subject, url: str) -> Method:
    """The method that `url` names among the keys of a record, whatever its status. Raises
    UnknownMethod, InvalidKey."""
    did, _, fragment = url.partition("#")
    if did != record["did"]:
        raise UnknownMethod("a method of another party")
    keys = [public_key(multikey) for multikey in record["keys"]]
    for key in keys:
        if key.thumbprint == fragment:
            beside = tuple(one.algorithm for one in keys)
            return Method(url, did, key, SIGNING_PURPOSES, beside)
    raise UnknownMethod(
        "this is not a present key of that party", hint="earlier ones ended with their rotation"
    )


def _preference(key: PublicKey) -> tuple[bool, bool]:
    """Keys that other people's clients can use come first, and among them the classical one."""
    return key.algorithm not in JWS_ALGORITHMS, kind_of(key.algorithm) != CLASSICAL


def _proofs_of(presentation: object) -> list[dict[str, Any]]:
    value = presentation.get("proof") if isinstance(presentation, Mapping) else None
    proofs: list[Any] = value if isinstance(value, list) else [value]
    if not 0 < len(proofs) <= MOST_PROOFS or not all(isinstance(one, dict) for one in proofs):
        raise MalformedProof(
            f"an answer to a challenge has 1 to {MOST_PROOFS} proofs", pointer="/proof"
        )
    return proofs


def _check_answers(proof: Mapping[str, Any], challenge: str, domain: str) -> None:
    if proof.get("proofPurpose") != PURPOSE:
        raise MalformedProof(
            f"a challenge is answered by a proof for {PURPOSE!r}", pointer="/proof/proofPurpose"
        )
    if "-rdfc-" in str(proof.get("cryptosuite")):
        # Canonical RDF of a stranger's document may take for ever, and nobody needs it here.
        raise MalformedProof("an answer is signed over JCS", pointer="/proof/cryptosuite")
    if proof.get("challenge") != challenge:
        raise InvalidChallenge("the proof answers another challenge", pointer="/proof/challenge")
    if proof.get("domain") != domain:
        raise InvalidChallenge("the proof is for another verifier", pointer="/proof/domain")
