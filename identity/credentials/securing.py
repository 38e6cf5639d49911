"""Data Integrity proofs over documents with `@context`: single, in sets, and in chains.

    signed = secure(document, key, method="did:key:z6Mk…#z6Mk…", purpose="assertionMethod")
    proofs = verify_secured(signed, did_key_methods, purpose="assertionMethod", now=now)

Follows VC Data Integrity 1.0, section 4 ("Algorithms"); what is hashed and signed is the business
of `identity.proof`. Every proof of a document is checked: a set with one that does not hold is
refused. A controller that has classical and post-quantum keys in force must have signed with one
of each kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from identity.credentials.datetimes import seconds_of
from identity.credentials.rdf_form import check_rdf_form
from identity.errors import (
    CredentialOutOfTime,
    MalformedInput,
    MalformedProof,
    SignerMissing,
    SignerUnexpected,
    UnknownMethod,
)
from identity.jcs import canonicalize
from identity.keys import PrivateKey, PublicKey, kind_of, low_s
from identity.methods import Method, Methods
from identity.proof import (
    CRYPTOSUITES,
    SUITES,
    check_form,
    context_is_beginning,
    digest,
    signature_of,
)

MOST_PROOFS = 16
"""Proofs of one document that are looked at; more are refused unseen."""
CLOCK_SKEW = 300
"""Seconds by which `created` of a proof may lie ahead of the verifier's clock."""


RDFC_SUITES = frozenset({"eddsa-rdfc-2022", "ecdsa-rdfc-2019"})
"""Suites over RDF that are signed and verified here, beside the jcs suite of every algorithm."""


class VerifiedProof(NamedTuple):
    """One proof that holds."""

    method: Method
    purpose: str
    cryptosuite: str
    created: str | None
    id: str | None


def secure(
    document: Mapping[str, Any],
    key: PrivateKey,
    *,
    method: str,
    purpose: str,
    created: str | None = None,
    cryptosuite: str | None = None,
    challenge: str | None = None,
    domain: str | list[str] | None = None,
    expires: str | None = None,
    previous_proof: str | list[str] | None = None,
    proof_id: str | None = None,
    nonce: str | None = None,
) -> dict[str, Any]:
    """The document with one more proof (VC Data Integrity 1.0, sections 4.2 and 4.3).

    `method` is the DID URL of the key, `cryptosuite` by default the jcs suite of its algorithm,
    `created` and `expires` are dateTimeStamps, `previous_proof` names proofs that are there and
    that the new one covers, `nonce` is for the signer to choose. Raises MalformedProof where the
    options do not go together.
    """
    algorithm = key.public.algorithm
    suite = cryptosuite or CRYPTOSUITES[algorithm]
    named = {
        "id": proof_id,
        "type": "DataIntegrityProof",
        "cryptosuite": suite,
        "created": created,
        "expires": expires,
        "verificationMethod": method,
        "proofPurpose": purpose,
        "challenge": challenge,
        "domain": domain,
        "nonce": nonce,
        "previousProof": previous_proof,
    }
    proof: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    present = proofs_of(document) if "proof" in document else []
    if "@context" in document and not _is_rdfc(suite):
        proof["@context"] = document["@context"]
    _check_proof(proof, key.public)
    secured = _Secured(document, present)
    proof["proofValue"] = SUITES[key.public.algorithm].encode(
        key.sign(secured.signing_input(proof, key.public))
    )
    return {**document, "proof": [*present, proof] if present else proof}


def verify_secured(
    document: Mapping[str, Any],
    methods: Methods,
    *,
    purpose: str | None,
    now: int,
    controller: str | None = None,
    challenge: str | None = None,
    domain: str | list[str] | None = None,
    high_s: bool = False,
) -> tuple[VerifiedProof, ...]:
    """Check every proof of a document (VC Data Integrity 1.0, sections 4.4 and 4.5).

    `now` in whole seconds. `purpose` None leaves to the caller what the proofs are for, and
    `controller` None whose they are. `challenge` and `domain` must be the proof's where they are
    given. `high_s` accepts ECDSA signatures whose s is above n/2, as half of those of other
    people's signers are.
    Raises MalformedProof, ForgedProof, UnknownMethod, InvalidKey, CredentialOutOfTime, and
    SignerMissing and SignerUnexpected where a controller has keys of two kinds and did not sign
    with exactly one of each.
    """
    proofs = proofs_of(document)
    secured = _Secured(document, proofs)
    verified = []
    for proof in proofs:
        method = methods(_text(proof, "verificationMethod"))
        _check_proof(proof, method.key, purpose)
        check_times(proof, now)
        check_audience(proof, challenge, domain)
        check_method(method, proof["proofPurpose"], controller)
        signature = signature_of(proof, method.key.algorithm)
        if high_s:
            signature = low_s(method.key.algorithm, signature)
        method.key.verify(signature, secured.signing_input(proof, method.key))
        verified.append(
            VerifiedProof(
                method,
                proof["proofPurpose"],
                proof["cryptosuite"],
                proof.get("created"),
                proof.get("id"),
            )
        )
    check_kinds(verified)
    return tuple(verified)


def as_signed(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A document that was verified, with no context but those that all of its proofs sign.

    Whoever passes it on may append to `@context`, and so change what its terms mean: what was
    verified is the document without that (ECDSA and EdDSA Cryptosuites 1.0, 3.3.2 step 4). It is
    the same object where all of its contexts are signed.
    """
    contexts = document.get("@context")
    if not isinstance(contexts, list):
        return document
    signed = [
        proof["@context"]
        for proof in proofs_of(document)
        if "@context" in proof and not _is_rdfc(proof["cryptosuite"])
    ]
    listed = [one if isinstance(one, list) else [one] for one in signed]
    shortest = min(listed, key=len, default=contexts)
    if len(shortest) == len(contexts):
        return document
    return {**document, "@context": shortest}


class _Secured:
    """A document under its proofs. What several proofs sign alike is hashed once."""

    def __init__(self, document: Mapping[str, Any], proofs: list[dict[str, Any]]) -> None:
        self._document = dict(document)
        self._document.pop("proof", None)
        self._by_id = _by_id(proofs)
        self._digests: dict[tuple[bool, str], bytes] = {}

    def signing_input(self, proof: Mapping[str, Any], key: PublicKey) -> bytes:
        """The bytes under the signature: the hash of the options, then that of the document."""
        options = dict(proof)
        options.pop("proofValue", None)
        rdfc = _is_rdfc(proof["cryptosuite"])
        document = self._document
        if rdfc:
            if "@context" in document:  # ECDSA and EdDSA Cryptosuites 1.0, 3.2.5 step 2
                options["@context"] = document["@context"]
        elif "@context" in proof and proof["@context"] != document.get("@context"):
            if not context_is_beginning(document.get("@context"), proof["@context"]):
                raise MalformedProof(
                    "the @context of the proof is not the beginning of the document's"
                )
            document = {**document, "@context": proof["@context"]}  # 3.3.2 step 4: as signed
        previous = self._previous(proof)
        if previous:
            document = {**document, "proof": previous}
        try:
            hashed = _hashed(options, key.algorithm, rdfc=rdfc)
            return hashed + self._digest(document, key.algorithm, rdfc=rdfc)
        except MalformedInput as refusal:
            raise MalformedProof(refusal.detail, hint=refusal.hint) from None

    def _digest(self, document: dict[str, Any], algorithm: str, *, rdfc: bool) -> bytes:
        if document is not self._document:
            return _hashed(document, algorithm, rdfc=rdfc)
        known = self._digests.get((rdfc, algorithm))
        if known is None:
            known = _hashed(document, algorithm, rdfc=rdfc)
            self._digests[rdfc, algorithm] = known
        return known

    def _previous(self, proof: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The proofs that this one covers, in the order in which it names them."""
        names = proof.get("previousProof", [])
        found = []
        for name in [names] if isinstance(names, str) else names:
            if name not in self._by_id:
                raise MalformedProof(
                    "previousProof names a proof that is not there", pointer="/proof/previousProof"
                )
            found.append(self._by_id[name])
        return found


def _hashed(value: dict[str, Any], algorithm: str, *, rdfc: bool) -> bytes:
    hash_name = SUITES[algorithm].hash
    if not rdfc:
        return digest(hash_name, canonicalize(value))
    from identity.credentials import rdfc as rdf  # only where PyLD is asked for

    check_rdf_form(value)
    return digest(hash_name, rdf.canonicalize(value, algorithm))


def _is_rdfc(suite: str) -> bool:
    return "-rdfc-" in suite


def proofs_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The proofs of a document, one or more, each an object. Raises MalformedProof."""
    value = document.get("proof")
    proofs: list[Any] = value if isinstance(value, list) else [value]
    if not proofs or not all(isinstance(proof, dict) for proof in proofs):
        raise MalformedProof("the document has no proof", pointer="/proof")
    if len(proofs) > MOST_PROOFS:
        raise MalformedProof(f"more than {MOST_PROOFS} proofs", pointer="/proof")
    return proofs


def _by_id(proofs: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    known: dict[str, dict[str, Any]] = {}
    for proof in proofs:
        name = proof.get("id")
        if isinstance(name, str):
            if name in known:
                raise MalformedProof("two proofs have the same id", pointer="/proof")
            known[name] = dict(proof)
    return known


def _text(proof: Mapping[str, Any], member: str) -> str:
    value = proof.get(member)
    if not isinstance(value, str) or not value:
        raise MalformedProof(f"{member} of the proof is not a string", pointer=f"/proof/{member}")
    return value


def _check_proof(proof: Mapping[str, Any], key: PublicKey, purpose: str | None = None) -> None:
    """The form of a proof (VC Data Integrity 1.0, section 2.1), before anything is hashed."""
    suite = CRYPTOSUITES[key.algorithm]
    if _is_rdfc(_text(proof, "cryptosuite")):
        rdfc = suite.replace("-jcs-", "-rdfc-")
        suite = rdfc if rdfc in RDFC_SUITES else suite
    check_form(proof, key, purpose, suite)
    for member in ("id", "challenge", "nonce", "created", "expires"):
        if member in proof:
            _text(proof, member)
    if "id" in proof and ":" not in proof["id"]:
        raise MalformedProof("the id of a proof is a URL", pointer="/proof/id")
    for member in ("domain", "previousProof"):
        if member in proof:
            _strings(proof, member)


def _strings(proof: Mapping[str, Any], member: str) -> set[str]:
    """A string, or a list of one or more: as a set."""
    value = proof.get(member)
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(item, str) and item for item in values):
        raise MalformedProof(
            f"{member} of the proof is neither a string nor a list of strings",
            pointer=f"/proof/{member}",
        )
    return set(values)


def check_times(proof: Mapping[str, Any], now: int) -> None:
    """`created` and `expires`, where a proof has them.

    Raises MalformedProof, CredentialOutOfTime.
    """
    try:
        created = seconds_of(proof["created"]) if "created" in proof else None
        expires = seconds_of(proof["expires"]) if "expires" in proof else None
    except MalformedInput as refusal:
        raise MalformedProof(f"a time of the proof: {refusal.detail}", hint=refusal.hint) from None
    if created is not None and created > now + CLOCK_SKEW:
        raise CredentialOutOfTime("the proof was created in the future", pointer="/proof/created")
    if expires is not None and expires <= now:
        raise CredentialOutOfTime("the proof has expired", pointer="/proof/expires")


def check_audience(
    proof: Mapping[str, Any], challenge: str | None, domain: str | list[str] | None
) -> None:
    """`challenge` and `domain`, where they are given (VC Data Integrity 1.0, section 4.4, steps 10
    and 11). Raises MalformedProof."""
    if challenge is not None and proof.get("challenge") != challenge:
        raise MalformedProof("the proof answers another challenge", pointer="/proof/challenge")
    if domain is not None:
        wanted = {domain} if isinstance(domain, str) else set(domain)
        if "domain" not in proof or _strings(proof, "domain") != wanted:
            raise MalformedProof("the proof is for another domain", pointer="/proof/domain")


def check_method(method: Method, purpose: str, controller: str | None) -> None:
    """Whose the method is, and that it may be used for this. Raises UnknownMethod."""
    if controller is not None and method.controller != controller:
        raise UnknownMethod(
            "the verification method belongs to another party",
            pointer="/proof/verificationMethod",
            controller=method.controller,
        )
    if purpose not in method.purposes:
        raise UnknownMethod(
            f"the controller does not list this key under {purpose[:64]!r}",
            pointer="/proof/verificationMethod",
        )


def check_kinds(verified: Iterable[VerifiedProof]) -> None:
    """Who has classical and post-quantum keys signs with exactly one of each. Raises SignerMissing,
    SignerUnexpected."""
    needed: dict[str, set[str]] = {}
    present: dict[str, list[str]] = {}
    for proof in verified:
        controller = proof.method.controller
        needed.setdefault(controller, set()).update(map(kind_of, proof.method.beside))
        present.setdefault(controller, []).append(kind_of(proof.method.key.algorithm))
    for controller, kinds in needed.items():
        signed = present[controller]
        missing = kinds.difference(signed)
        if missing:
            raise SignerMissing(
                f"{controller} has keys of two kinds and signs with one of each",
                missing=sorted(missing),
            )
        if len(kinds) > 1 and len(signed) > len(kinds):
            raise SignerUnexpected(
                f"{controller} has keys of two kinds and signs once with each", pointer="/proof"
            )
