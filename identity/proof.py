"""Data Integrity proofs over canonical JSON, one suite for each algorithm of keys.

What is signed is hash(JCS(proof options)) ‖ hash(JCS(document without proof)), where the options
are the proof without `proofValue`. The hash is the suite's: SHA-256; SHA-384 under a P-384 or
ML-DSA-65 key; SM3 under an SM2 key. A document needs no `@context`; where it has one, the proof
repeats it (VC Data Integrity EdDSA 1.1, section 3.3; ECDSA 1.1, section 3.3; Quantum-Resistant
Cryptosuites 1.0, working draft of 2026-06-16).

    >>> from identity.keys import private_key
    >>> key = private_key("Ed25519", bytes(32))
    >>> options = proof_options("eddsa-jcs-2022", "did:key:z6Mk…#z6Mk…", "assertionMethod")
    >>> proof = create_proof({"hello": "world"}, key, options)
    >>> verify_proof({"hello": "world"}, proof, key.public, expected_purpose="assertionMethod")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256, sha384
from typing import Any, NamedTuple

from identity.errors import MalformedInput, MalformedProof
from identity.jcs import canonicalize
from identity.keys import ED25519, MLDSA44, MLDSA65, P256, P384, SM2, PrivateKey, PublicKey
from identity.keys.sm2 import sm3
from identity.multibase import (
    multibase_decode,
    multibase_encode,
    multibase_url_decode,
    multibase_url_encode,
)

SHA256, SHA384, SM3 = "SHA-256", "SHA-384", "SM3"


class Suite(NamedTuple):
    """What belongs to an algorithm of keys; nothing of it is taken from a proof."""

    name: str
    hash: str
    longest: int
    """Characters of a proofValue."""
    encode: Callable[[bytes], str] = multibase_encode
    decode: Callable[[str], bytes] = multibase_decode


SUITES = {
    ED25519: Suite("eddsa-jcs-2022", SHA256, 89),
    P256: Suite("ecdsa-jcs-2019", SHA256, 89),
    P384: Suite("ecdsa-jcs-2019", SHA384, 133),
    # W3C's proofValues of these suites are base64url, header u, without padding.
    MLDSA44: Suite("mldsa44-jcs-2024", SHA256, 3_228, multibase_url_encode, multibase_url_decode),
    MLDSA65: Suite("mldsa65-jcs-2024", SHA384, 4_413, multibase_url_encode, multibase_url_decode),
    SM2: Suite("sm2-jcs-2026", SM3, 89),
}
"""By the algorithm of the key: one suite and one encoding of its signatures for each."""

CRYPTOSUITES = {algorithm: suite.name for algorithm, suite in SUITES.items()}
"""The suite that belongs to a key's algorithm. A proof that names another one is refused."""


def digest(hash_name: str, data: bytes) -> bytes:
    """By the hash of a suite: 32 bytes, 48 for SHA-384."""
    if hash_name == SHA256:
        return sha256(data).digest()
    return sha384(data).digest() if hash_name == SHA384 else sm3(data)


def proof_options(
    cryptosuite: str,
    verification_method: str,
    purpose: str,
    created: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A proof without its value. `created` is an RFC 3339 time and left out when None."""
    options: dict[str, Any] = {
        "type": "DataIntegrityProof",
        "cryptosuite": cryptosuite,
        "verificationMethod": verification_method,
        "proofPurpose": purpose,
    }
    if created is not None:
        options["created"] = created
    return {**more, **options}


def signing_input(
    document: Mapping[str, Any], options: Mapping[str, Any], algorithm: str = ED25519
) -> bytes:
    """The exact bytes that are signed: 64 of them, or 96 where the hash is SHA-384.

    `proof` in the document and `proofValue` in the options are left out. Raises `MalformedInput`
    where either is not JSON.
    """
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    document_digest = digest(SUITES[algorithm].hash, canonicalize(unsecured))
    return signing_input_of(document_digest, options, algorithm)


def signing_input_of(
    document_digest: bytes, options: Mapping[str, Any], algorithm: str = ED25519
) -> bytes:
    """As `signing_input`, for a document whose canonical bytes are already hashed."""
    unsigned = {name: value for name, value in options.items() if name != "proofValue"}
    return digest(SUITES[algorithm].hash, canonicalize(unsigned)) + document_digest


def create_proof(
    document: Mapping[str, Any], private_key: PrivateKey, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Sign a document; returns the options with `proofValue`.

    The `@context` of a document that has one is copied into the proof. Raises `MalformedProof`
    where the options name a suite that does not belong to the key.
    """
    algorithm = private_key.public.algorithm
    if options.get("cryptosuite") != CRYPTOSUITES[algorithm]:
        raise MalformedProof(f"an {algorithm} key signs with {CRYPTOSUITES[algorithm]}")
    proof = dict(options)
    if "@context" in document:
        proof["@context"] = document["@context"]
    signature = private_key.sign(signing_input(document, proof, algorithm))
    proof["proofValue"] = SUITES[algorithm].encode(signature)
    return proof


def verify_proof(
    document: Mapping[str, Any],
    proof: Mapping[str, Any],
    public_key: PublicKey,
    *,
    expected_purpose: str | None,
) -> None:
    """Check one proof over a document (with or without its `proof` member).

    `expected_purpose` None leaves the purpose to the caller. The caller has looked up the key under
    `verificationMethod`; whether it belongs to the right party is for the caller too, and so are
    `created`, `expires`, `domain` and `challenge`.
    Raises `MalformedProof` for the form, `ForgedProof` for the signature.
    """
    check_form(proof, public_key, expected_purpose)
    if "@context" in proof and not context_is_beginning(
        document.get("@context"), proof["@context"]
    ):
        raise MalformedProof("the @context of the proof is not the beginning of the document's")
    signed: Mapping[str, Any] = document
    if "@context" in proof:
        signed = {**document, "@context": proof["@context"]}
    try:
        message = signing_input(signed, proof, public_key.algorithm)
    except MalformedInput as refusal:
        raise MalformedProof(refusal.detail) from None
    public_key.verify(signature_of(proof, public_key.algorithm), message)


def verify_digest(
    document_digest: bytes,
    proof: Mapping[str, Any],
    public_key: PublicKey,
    *,
    expected_purpose: str | None,
) -> None:
    """As `verify_proof`, for a document without `@context` whose canonical bytes are hashed by the
    hash of the key's suite: a set of proofs hashes its document once."""
    check_form(proof, public_key, expected_purpose)
    try:
        message = signing_input_of(document_digest, proof, public_key.algorithm)
    except MalformedInput as refusal:
        raise MalformedProof(refusal.detail) from None
    public_key.verify(signature_of(proof, public_key.algorithm), message)


def check_form(
    proof: Mapping[str, Any],
    public_key: PublicKey,
    expected_purpose: str | None,
    suite: str | None = None,
) -> None:
    """Type, suite and purpose of a proof, before anything is hashed. Raises `MalformedProof`.

    `suite` is the one that the proof must name, by default the jcs suite of the key.
    """
    if proof.get("type") != "DataIntegrityProof":
        raise MalformedProof("the proof is not a DataIntegrityProof", pointer="/type")
    suite = suite or CRYPTOSUITES[public_key.algorithm]
    if proof.get("cryptosuite") != suite:
        raise MalformedProof(
            "the cryptosuite of the proof is not the one of the key",
            pointer="/cryptosuite",
            hint=f"an {public_key.algorithm} key signs with {suite}",
        )
    purpose = proof.get("proofPurpose")
    if not isinstance(purpose, str) or not purpose:
        raise MalformedProof("the proof names no purpose", pointer="/proofPurpose")
    if expected_purpose is not None and purpose != expected_purpose:
        raise MalformedProof(
            f"a proof for the purpose {purpose[:64]!r}, where {expected_purpose!r} is asked for",
            pointer="/proofPurpose",
        )
    method = proof.get("verificationMethod")
    if not isinstance(method, str) or not method:
        raise MalformedProof(
            "the proof names no verification method", pointer="/verificationMethod"
        )


def signature_of(proof: Mapping[str, Any], algorithm: str) -> bytes:
    """The bytes of `proofValue`, in the one encoding of the algorithm's suite. Raises
    `MalformedProof`."""
    value, suite = proof.get("proofValue"), SUITES[algorithm]
    if not isinstance(value, str) or len(value) > suite.longest:
        raise MalformedProof("proofValue is not a signature", pointer="/proofValue")
    try:
        return suite.decode(value)
    except MalformedInput as refusal:
        raise MalformedProof(f"proofValue: {refusal.detail}", pointer="/proofValue") from None


def context_is_beginning(whole: object, beginning: object) -> bool:
    """Whether a document's `@context` starts with the values of the proof's, in their order."""
    if whole is None:
        return False
    longer = whole if isinstance(whole, list) else [whole]
    shorter = beginning if isinstance(beginning, list) else [beginning]
    return canonicalize(longer[: len(shorter)]) == canonicalize(shorter)  # where 1 is not true
