"""A Data Integrity library that we did not write, in both directions: Digital Bazaar's, on Node.js.

It verifies the proofs of our own operations, and `verify_proof` accepts what it signs; copies in
which one thing was changed are refused by both. Operations have no `@context`. The program in
`node/` reads DID documents that `identity.document` wrote, and fetches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import lru_cache
from typing import Any, NamedTuple

import pytest

from identity.did import did_key_method
from identity.document import did_key_document, tetrad_document
from identity.errors import ForgedProof, MalformedProof
from identity.keys import ED25519, P256, PrivateKey, PublicKey
from identity.multibase import multibase_decode, multibase_encode
from identity.proof import CRYPTOSUITES, verify_proof
from tests.factory import NOW, City, Operation, Subject, key

PROGRAM = "data_integrity.mjs"
PURPOSE = "capabilityInvocation"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SECRET_CODECS = {ED25519: b"\x80\x26", P256: b"\x86\x26"}  # multicodec, as varints


Ask = Callable[[str, str, Any], Any]


class Sample(NamedTuple):
    """A document with its proofs, and what a verifier must know of their keys."""

    document: Operation
    keys: dict[str, PublicKey]
    """By verification method."""
    did_documents: list[dict[str, Any]]


class Verdict(NamedTuple):
    """What the library says about one proof."""

    verified: bool
    reason: str


def theirs(node: Ask, *samples: Sample) -> list[list[Verdict]]:
    """The library's verdict on each proof of each sample."""
    documents = {one["id"]: one for sample in samples for one in sample.did_documents}
    question = {
        "didDocuments": list(documents.values()),
        "documents": [sample.document for sample in samples],
    }
    return [
        [Verdict(one["verified"], one["reason"]) for one in proofs]
        for proofs in node(PROGRAM, "verify", question)
    ]


def ours(sample: Sample, place: int) -> None:
    """Our own verdict on one proof. Raises ForgedProof or MalformedProof."""
    proof = sample.document["proof"][place]
    known = sample.keys.get(proof["verificationMethod"])
    if known is None:
        raise MalformedProof("an unknown verification method")
    verify_proof(sample.document, proof, known, expected_purpose=PURPOSE)


# --- samples


@lru_cache
def registration(algorithm: str, organization: str) -> Sample:
    """A device.register that a ledger has accepted: two proofs, one of each suite."""
    city = City(now=NOW)
    acme = city.organization("Acme", algorithm=organization)
    city.accept(city.prefix(acme, "gtin:09506000"))
    meter = city.device("M-0001", acme, number="1440000000001", algorithm=algorithm)
    assert meter.first is not None
    method = did_key_method(meter.key.public.multikey)
    return Sample(
        meter.first.operation,
        {method: meter.key.public, acme.method[1]: acme.key.public},
        [did_key_document(meter.key.public.multikey), did_tetrad_document(acme)],
    )


def did_tetrad_document(subject: Subject) -> dict[str, Any]:
    return tetrad_document(subject.did, [subject.key.public.multikey])


ALGORITHMS = (ED25519, P256)
OF_DEVICE_AND_ORGANIZATION = ((ED25519, P256), (P256, ED25519))


def secret_multikey(private: PrivateKey) -> str:
    return multibase_encode(SECRET_CODECS[private.public.algorithm] + private.secret())


def signed_by_them(node: Ask, algorithm: str, *, with_context: bool = False) -> Sample:
    """A copy of a registration, which the library has signed with a key of ours."""
    private = key(f"theirs {algorithm}", algorithm)
    multikey = private.public.multikey
    method = did_key_method(multikey)
    unsigned = registration(ED25519, P256).document
    task = {
        "document": {name: value for name, value in unsigned.items() if name != "proof"},
        "cryptosuite": CRYPTOSUITES[algorithm],
        "created": "2026-11-22T08:00:00Z",
        "withContext": with_context,
        "key": {
            "type": "Multikey",
            "id": method,
            "controller": method.partition("#")[0],
            "publicKeyMultibase": multikey,
            "secretKeyMultibase": secret_multikey(private),
        },
    }
    [document] = node(PROGRAM, "sign", [task])
    document["proof"] = [document["proof"]]
    return Sample(document, {method: private.public}, [did_key_document(multikey)])


# --- one thing changed


def mutations(sample: Sample) -> Iterator[tuple[str, int, Sample]]:
    """What was changed, the place of the proof that no longer holds, and the changed copy."""
    for what, changed in [*changed_members(sample.document)]:
        for place in range(len(changed["proof"])):
            yield f"document: {what}", place, sample._replace(document=changed)
    for place, proof in enumerate(sample.document["proof"]):
        for what, changed in changed_proofs(proof, sample):
            document = deepcopy(sample.document)
            document["proof"][place] = changed
            yield f"proof: {what}", place, sample._replace(document=document)


def changed_members(document: Operation) -> Iterator[tuple[str, Operation]]:
    for name in document.keys() - {"proof"}:
        rest = {member: value for member, value in document.items() if member != name}
        yield f"without {name}", rest
    yield "another type", {**document, "type": "device.update"}
    yield "another time", {**document, "created": "2026-11-22T08:00:01Z"}
    if "@context" in document:
        yield "another context", {**document, "@context": ["https://elsewhere.example/v1"]}
    yield "one member more", {**document, "more": None}
    serial = deepcopy(document)
    serial["body"]["object"]["serial"] = serial["body"]["object"]["serial"][::-1]
    yield "another serial", serial


def changed_proofs(proof: dict[str, Any], sample: Sample) -> Iterator[tuple[str, dict[str, Any]]]:
    other_suite = {"eddsa-jcs-2022": "ecdsa-jcs-2019", "ecdsa-jcs-2019": "eddsa-jcs-2022"}
    yield "type", {**proof, "type": "Ed25519Signature2020"}
    yield "cryptosuite", {**proof, "cryptosuite": other_suite[proof["cryptosuite"]]}
    yield "purpose", {**proof, "proofPurpose": "assertionMethod"}
    yield "created", {**proof, "created": "2026-11-22T08:00:01Z"}
    yield "expires", {**proof, "expires": "2036-11-22T08:00:00Z"}
    yield "domain", {**proof, "domain": "elsewhere.example"}
    yield "method unknown", {**proof, "verificationMethod": "did:tetrad:nowhere#nobody"}
    for method in sample.keys.keys() - {proof["verificationMethod"]}:
        yield "method of another signer", {**proof, "verificationMethod": method}
    signature = multibase_decode(proof["proofValue"])
    for name, forged in {
        "first bit": bytes([signature[0] ^ 1]) + signature[1:],
        "last bit": signature[:-1] + bytes([signature[-1] ^ 1]),
        "cut short": signature[:-1],
        "too long": signature + b"\0",
        "zeros": bytes(64),
    }.items():
        yield f"signature: {name}", {**proof, "proofValue": multibase_encode(forged)}
    yield "signature: none", {name: value for name, value in proof.items() if name != "proofValue"}


def assert_refused_by_both(node: Ask, sample: Sample) -> None:
    changed = list(mutations(sample))
    verdicts = theirs(node, *(one for _, _, one in changed))
    for (what, place, one), said in zip(changed, verdicts, strict=True):
        assert not said[place].verified, what
        if what.startswith("document") and "context" not in what:
            assert said[place].reason == "Invalid signature."
        with pytest.raises((ForgedProof, MalformedProof)):
            ours(one, place)
        for other in range(len(said)):
            if other != place and what.startswith("proof"):
                assert said[other].verified, f"{what}: the other proof of the set still holds"
                ours(one, other)


# --- what is promised


@pytest.mark.parametrize("algorithms", OF_DEVICE_AND_ORGANIZATION)
def test_the_library_verifies_each_proof_of_our_operations(
    node: Ask, algorithms: tuple[str, str]
) -> None:
    sample = registration(*algorithms)
    assert "@context" not in sample.document
    assert sorted(one["cryptosuite"] for one in sample.document["proof"]) == [
        "ecdsa-jcs-2019",
        "eddsa-jcs-2022",
    ]
    assert theirs(node, sample) == [[Verdict(True, ""), Verdict(True, "")]]
    for place in range(2):
        ours(sample, place)


@pytest.mark.parametrize("algorithms", OF_DEVICE_AND_ORGANIZATION)
def test_changed_operations_of_ours_are_refused_by_both(
    node: Ask, algorithms: tuple[str, str]
) -> None:
    assert_refused_by_both(node, registration(*algorithms))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("with_context", [False, True])
def test_we_verify_what_the_library_signs(node: Ask, algorithm: str, *, with_context: bool) -> None:
    sample = signed_by_them(node, algorithm, with_context=with_context)
    [proof] = sample.document["proof"]
    assert proof["cryptosuite"] == CRYPTOSUITES[algorithm]
    assert ("@context" in proof) == ("@context" in sample.document) == with_context
    ours(sample, 0)
    assert theirs(node, sample) == [[Verdict(True, "")]]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("with_context", [False, True])
def test_changed_documents_of_theirs_are_refused_by_both(
    node: Ask, algorithm: str, *, with_context: bool
) -> None:
    assert_refused_by_both(node, signed_by_them(node, algorithm, with_context=with_context))


def test_the_library_refuses_a_forged_signature_as_such(node: Ask) -> None:
    """It reads our DID documents and gets as far as the signature: nothing else is in the way."""
    sample = deepcopy(registration(ED25519, P256))
    first, second = sample.document["proof"]
    first["proofValue"], second["proofValue"] = second["proofValue"], first["proofValue"]
    assert theirs(node, sample) == [[Verdict(False, "Invalid signature.")] * 2]


def test_a_method_that_is_not_listed_for_the_purpose_is_refused(
    node: Ask,
) -> None:
    sample = deepcopy(registration(ED25519, P256))
    for document in sample.did_documents:
        document[PURPOSE] = []
    [said] = theirs(node, sample)
    assert [one.verified for one in said] == [False, False]
    assert all("not authorized by controller" in one.reason for one in said)


def test_the_twin_of_an_ecdsa_signature_is_refused_by_us_alone(
    node: Ask,
) -> None:
    """(r, n - s) verifies wherever (r, s) does, unless a verifier insists on the low s, as ours."""
    sample = signed_by_them(node, P256)
    [proof] = sample.document["proof"]
    signature = multibase_decode(proof["proofValue"])
    s = int.from_bytes(signature[32:], "big")
    proof["proofValue"] = multibase_encode(signature[:32] + (P256_ORDER - s).to_bytes(32, "big"))
    assert theirs(node, sample) == [[Verdict(True, "")]]
    with pytest.raises(ForgedProof, match="out of range"):
        ours(sample, 0)
