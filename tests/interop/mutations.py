"""Copies of a secured credential or presentation in which one thing was changed.

Each must be refused by every verifier, whatever the suite: what is changed here is under the
signature in both canonicalizations, or is the proof itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from identity.multibase import multibase_decode, multibase_encode

Document = dict[str, Any]


def mutations(document: Document, other_method: str) -> Iterator[tuple[str, Document]]:
    """What was changed, and the changed copy. `other_method` is that of another, real key."""
    presented = "verifiableCredential" in document
    yield from _without(document, "@context", "id", "type")
    if presented:
        yield from _of_presentation(document, other_method)
    else:
        yield from _of_credential(document, other_method)
    yield "an undefined term", {**document, "undefinedTerm": "x"}
    yield "one type more", {**document, "type": [*document["type"], "https://example.com/T"]}
    for what, proof in _proofs(document["proof"], other_method):
        yield f"proof: {what}", {**document, "proof": proof}
    yield "no proof", {name: value for name, value in document.items() if name != "proof"}


def _without(document: Document, *names: str) -> Iterator[tuple[str, Document]]:
    for name in names:
        yield f"without {name}", {one: value for one, value in document.items() if one != name}


def _of_credential(document: Document, other_method: str) -> Iterator[tuple[str, Document]]:
    yield from _without(document, "issuer", "validFrom", "credentialSubject")
    yield "another issuer", {**document, "issuer": other_method.partition("#")[0]}
    yield "another time", {**document, "validFrom": "2026-01-01T00:00:01Z"}
    yield "one member more", {**document, "description": "added"}
    subject = document["credentialSubject"]
    yield "another subject", {**document, "credentialSubject": {**subject, "id": "urn:uuid:2"}}
    yield "another claim", {**document, "credentialSubject": {**subject, "name": "N"}}
    yield "one subject more", {**document, "credentialSubject": [subject, {"id": "urn:uuid:3"}]}


def _of_presentation(document: Document, other_method: str) -> Iterator[tuple[str, Document]]:
    yield from _without(document, "holder", "verifiableCredential")
    yield "another holder", {**document, "holder": other_method.partition("#")[0]}
    changed = deepcopy(document)
    shown = changed["verifiableCredential"]
    first = shown[0] if isinstance(shown, list) else shown
    first["credentialSubject"]["name"] = "N"
    yield "a claim inside", changed


def _proofs(proof: Document, other_method: str) -> Iterator[tuple[str, Document]]:
    yield "type", {**proof, "type": "Ed25519Signature2020"}
    yield "family", {**proof, "cryptosuite": _other_family(proof["cryptosuite"])}
    yield "canonicalization", {**proof, "cryptosuite": _other_form(proof["cryptosuite"])}
    yield "purpose", {**proof, "proofPurpose": "capabilityInvocation"}
    yield "created", {**proof, "created": "2026-11-22T08:00:01Z"}
    yield "expires", {**proof, "expires": "2036-11-22T08:00:00Z"}
    yield "domain", {**proof, "domain": "elsewhere.example"}
    yield "challenge", {**proof, "challenge": "another"}
    yield "another method", {**proof, "verificationMethod": other_method}
    yield "unknown method", {**proof, "verificationMethod": "did:example:nobody#key"}
    for name in ("type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"):
        yield f"without {name}", {one: value for one, value in proof.items() if one != name}
    signature = multibase_decode(proof["proofValue"])
    half = len(signature) // 2
    for what, forged in {
        "first bit": bytes([signature[0] ^ 1]) + signature[1:],
        "last bit": signature[:-1] + bytes([signature[-1] ^ 1]),
        "halves exchanged": signature[half:] + signature[:half],
        "cut short": signature[:-1],
        "too long": signature + b"\0",
        "zeros": bytes(len(signature)),
    }.items():
        yield f"signature {what}", {**proof, "proofValue": multibase_encode(forged)}
    yield "signature in no base", {**proof, "proofValue": proof["proofValue"][1:]}
    yield "signature null", {**proof, "proofValue": None}


def _other_family(suite: str) -> str:
    form = suite.split("-")[1]
    return f"ecdsa-{form}-2019" if suite.startswith("eddsa") else f"eddsa-{form}-2022"


def _other_form(suite: str) -> str:
    return suite.replace("jcs", "rdfc") if "jcs" in suite else suite.replace("rdfc", "jcs")
