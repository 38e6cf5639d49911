"""Proofs of the type `Ed25519Signature2020`, the elder of Data Integrity: verified, never made.

    verify_either(document, methods, purpose="assertionMethod", now=now)

Other people's credentials carry them still; the VC-API verifies them, and nothing else here does.
Ed25519 Signature 2020 (W3C CCG draft, section 4): what is signed is SHA-256 of the canonical proof
options under the document's `@context`, then SHA-256 of the canonical document, both over RDF.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from identity.credentials.rdf_form import check_rdf_form
from identity.credentials.securing import (
    VerifiedProof,
    check_audience,
    check_kinds,
    check_method,
    check_times,
    proofs_of,
    verify_secured,
)
from identity.errors import MalformedInput, MalformedProof
from identity.keys import ED25519
from identity.methods import Methods
from identity.multibase import multibase_decode

TYPE: Final = "Ed25519Signature2020"
_REQUIRED: Final = ("created", "verificationMethod", "proofPurpose", "proofValue")
_OPTIONAL: Final = ("id", "challenge", "domain", "expires", "nonce")
_LONGEST: Final = 89
"""Characters of a proofValue: 64 bytes in base58btc multibase."""


def verify_either(
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
    """As `verify_secured`, also where every proof is of this type. A set of both types is refused.

    Raises what `verify_secured` raises, and MalformedProof where PyLD is not installed.
    """
    proofs = proofs_of(document)
    if not any(proof.get("type") == TYPE for proof in proofs):
        return verify_secured(
            document,
            methods,
            purpose=purpose,
            now=now,
            controller=controller,
            challenge=challenge,
            domain=domain,
            high_s=high_s,
        )
    for proof in proofs:
        _check_form(proof, purpose)
        check_times(proof, now)
        check_audience(proof, challenge, domain)
    hashed = _hashed({name: value for name, value in document.items() if name != "proof"})
    verified = [_verified(proof, document, hashed, methods, controller) for proof in proofs]
    check_kinds(verified)
    return tuple(verified)


def _verified(
    proof: dict[str, Any],
    document: Mapping[str, Any],
    hashed: bytes,
    methods: Methods,
    controller: str | None,
) -> VerifiedProof:
    method = methods(proof["verificationMethod"])
    check_method(method, proof["proofPurpose"], controller)
    if method.key.algorithm != ED25519:
        raise MalformedProof(
            f"{TYPE} is signed with an Ed25519 key", pointer="/proof/verificationMethod"
        )
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    options["@context"] = document.get("@context")
    method.key.verify(_signature(proof["proofValue"]), _hashed(options) + hashed)
    return VerifiedProof(method, proof["proofPurpose"], TYPE, proof["created"], proof.get("id"))


def _hashed(value: Mapping[str, Any]) -> bytes:
    from identity.credentials import rdfc  # only where PyLD is asked for

    check_rdf_form(value)
    return sha256(rdfc.canonicalize(value)).digest()


def _check_form(proof: Mapping[str, Any], purpose: str | None) -> None:
    if proof.get("type") != TYPE:
        raise MalformedProof(f"a proof of another type beside {TYPE}", pointer="/proof/type")
    unknown = proof.keys() - {"type", *_REQUIRED, *_OPTIONAL}
    if unknown:
        raise MalformedProof(f"{min(unknown)[:64]!r} in a proof of type {TYPE}", pointer="/proof")
    for member in (*_REQUIRED, *(name for name in _OPTIONAL if name in proof)):
        if not isinstance(proof.get(member), str) or not proof[member]:
            raise MalformedProof(
                f"{member} of the proof is not a string", pointer=f"/proof/{member}"
            )
    if purpose is not None and proof["proofPurpose"] != purpose:
        raise MalformedProof("the proof is for another purpose", pointer="/proof/proofPurpose")


def _signature(text: str) -> bytes:
    if len(text) > _LONGEST:
        raise MalformedProof("a proofValue that is too long", pointer="/proof/proofValue")
    try:
        signature = multibase_decode(text)
    except MalformedInput as refusal:
        raise MalformedProof(refusal.detail, pointer="/proof/proofValue") from None
    if len(signature) != 64:
        raise MalformedProof("a signature has 64 bytes", pointer="/proof/proofValue")
    return signature
