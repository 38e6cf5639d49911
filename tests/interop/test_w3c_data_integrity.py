"""W3C Data Integrity: the suites vc-di-eddsa, vc-di-ecdsa and data-integrity-test-suite-assertion.

Issuers: the form of the proofs, and that an independent verifier takes them. Verifiers: what an
independent issuer signed is taken, and each of the suites' broken proofs is refused with 400. A
proof is broken before it is signed wherever that is possible, so that the signature holds and the
verifier has to look at what is wrong.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import Any

import pytest

from identity.credentials.rdfc import canonicalize as n_quads
from identity.credentials.securing import secure
from identity.document import did_key_document
from identity.errors import TetradError
from identity.jcs import canonicalize
from identity.keys import P384, PrivateKey
from identity.multibase import multibase_decode, multibase_encode
from resolver.vcapi import SUITES, Suite
from tests.interop.libraries import CREATED, Document, Library, did_of, method_of
from tests.interop.matrix import by_us, keys
from tests.interop.suites import Implementation, accepted, credential, refused

STAMP = re.compile(
    r"-?([1-9][0-9]{3,}|0[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?|(24:00:00(\.0+)?))"
    r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
)
EACH_SUITE = pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
HEADERS = {"Ed25519": "z6Mk", "P-256": "zDn", "P-384": "z82"}
WIDTHS = {"Ed25519": 64, "P-256": 64, "P-384": 96}


def sample(suite: Suite, **members: Any) -> Document:
    did = did_of(keys()[suite.name])
    return credential(issuer=did, id="urn:uuid:86294362-4254-4f36-854f-3952fe42555d", **members)


def signed_as(suite: Suite, key: PrivateKey, document: Document, **changes: Any) -> Document:
    """The document with a proof whose options were changed before they were signed: None leaves one
    out. Written after the algorithms' text, beside our own `secure`."""
    proof: Document = {
        "type": "DataIntegrityProof",
        "cryptosuite": suite.cryptosuite,
        "created": CREATED,
        "verificationMethod": method_of(key),
        "proofPurpose": "assertionMethod",
        **changes,
    }
    proof = {name: value for name, value in proof.items() if value is not None}
    options = {**proof, "@context": document["@context"]}
    hashing = "sha384" if suite.algorithm == P384 else "sha256"
    if suite.needs_rdf:
        written = [n_quads(one, suite.algorithm) for one in (options, document)]
    else:
        proof = options
        written = [canonicalize(one) for one in (options, document)]
    message = b"".join(hashlib.new(hashing, one).digest() for one in written)
    proof["proofValue"] = multibase_encode(key.sign(message))
    return {**document, "proof": proof}


# --- issuers


@EACH_SUITE
def test_the_proof_has_the_form_of_data_integrity(
    implementation: Implementation, suite: Suite
) -> None:
    signed = implementation.issued(credential(), f"/{suite.name}")
    proof = signed["proof"]
    assert isinstance(proof, dict)
    assert proof["type"] == "DataIntegrityProof"
    assert proof["cryptosuite"] == suite.cryptosuite
    assert STAMP.fullmatch(proof["created"])
    assert proof["proofPurpose"] == "assertionMethod"
    did, mark, multikey = proof["verificationMethod"].partition("#")
    assert (did, mark) == (f"did:key:{multikey}", "#")
    assert multikey.startswith(HEADERS[suite.algorithm])
    assert re.fullmatch(r"z[1-9A-HJ-NP-Za-km-z]+", proof["proofValue"])
    assert len(multibase_decode(proof["proofValue"])) == WIDTHS[suite.algorithm]
    for optional in ("domain", "challenge", "previousProof", "nonce", "expires", "id"):
        assert optional not in proof


@EACH_SUITE
def test_an_independent_verifier_takes_what_is_issued(
    implementation: Implementation, found: dict[str, Library], suite: Suite
) -> None:
    signed = implementation.issued(credential(name="Sample"), f"/{suite.name}")
    multikey = signed["issuer"].removeprefix("did:key:")
    library = found["@digitalbazaar/data-integrity"]
    tasks = {
        "didDocuments": [did_key_document(multikey)],
        "tasks": [
            {"library": library.name, "purpose": "assertionMethod", "document": document}
            for document in (signed, {**signed, "name": "Another"})
        ],
    }
    assert [one["verified"] for one in library.ask("verify", tasks)] == [True, False]


# --- verifiers


@EACH_SUITE
def test_what_an_independent_issuer_signed_is_taken(
    implementation: Implementation, found: dict[str, Library], suite: Suite
) -> None:
    key = keys()[suite.name]
    library = found["@digitalbazaar/vc"]
    documents = [sample(suite, name=f"Sample {number}") for number in range(4)]
    for signed in library.sign(documents, suite, key):
        accepted(implementation.verify(signed))
        accepted(implementation.verify(signed, checks=[]))
        refused(implementation.verify({**signed, "name": "Another"}), "PROOF_VERIFICATION_ERROR")


@EACH_SUITE
def test_the_broken_proofs_are_broken_in_one_thing(
    implementation: Implementation, suite: Suite
) -> None:
    """The control of all that follows: unchanged, what `signed_as` makes is taken."""
    key = keys()[suite.name]
    accepted(implementation.verify(signed_as(suite, key, sample(suite))))
    accepted(implementation.verify(signed_as(suite, key, sample(suite), created=None)))
    year_ago = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 365 * 86_400))
    accepted(implementation.verify(signed_as(suite, key, sample(suite), created=year_ago)))


BROKEN_AND_SIGNED: dict[str, Document] = {
    "no type": {"type": None},
    "another type": {"type": "UnknownProofType"},
    "a type of another time": {"type": "Ed25519Signature2020"},
    "no cryptosuite": {"cryptosuite": None},
    "another cryptosuite": {"cryptosuite": "UnknownCryptosuite"},
    "a cryptosuite that is empty": {"cryptosuite": ""},
    "no method": {"verificationMethod": None},
    "another method": {"verificationMethod": "did:key:invalidVm"},
    "a method that is no string": {"verificationMethod": ["did:key:z6Mk"]},
    "no purpose": {"proofPurpose": None},
    "another purpose": {"proofPurpose": "invalidPurpose"},
    "a purpose of another relationship": {"proofPurpose": "authentication"},
    "a time that is none": {"created": "invalidDate"},
    "a time without a zone": {"created": "2026-11-22T08:00:00"},
    "an end without a zone": {"expires": "2026-11-22T08:00:00"},
    "an end that has passed": {"expires": "2026-11-22T08:00:01Z"},
    "a domain that is a number": {"domain": 4},
    "a challenge that is a number": {"challenge": 4},
    "a nonce that is a number": {"nonce": 4},
    "an id that is no URL": {"id": "not-a-url"},
    "a previous proof that is not there": {"previousProof": "urn:uuid:nothing"},
    "a previous proof that is no string": {"previousProof": 4},
}


@EACH_SUITE
@pytest.mark.parametrize("changes", BROKEN_AND_SIGNED.values(), ids=BROKEN_AND_SIGNED.keys())
def test_a_broken_proof_is_refused_though_its_signature_holds(
    implementation: Implementation, suite: Suite, changes: Document
) -> None:
    try:
        broken = signed_as(suite, keys()[suite.name], sample(suite), **changes)
    except TetradError:  # there is no RDF of it to sign: the signature is that of the good one
        good = signed_as(suite, keys()[suite.name], sample(suite))
        broken = {**good, "proof": {**good["proof"], **changes}}
    refused(implementation.verify(broken))


@EACH_SUITE
def test_broken_signatures_are_refused(implementation: Implementation, suite: Suite) -> None:
    good = by_us(sample(suite), "credential", suite)
    accepted(implementation.verify(good))
    value = good["proof"]["proofValue"]
    signature = multibase_decode(value)
    other = next(one for one in SUITES if one.algorithm != suite.algorithm)
    broken: list[object] = [
        *(None, "", 4, [], {}, [value], value[1:], "u" + value[1:], value + "0", "z"),
        multibase_encode(signature + bytes(32)),
        multibase_encode(signature[:-1]),
        multibase_encode(bytes(len(signature))),
        multibase_encode(b"\xff" * len(signature)),
        by_us(sample(suite), "credential", other)["proof"]["proofValue"],
    ]
    for one in broken:
        changed = {**good, "proof": {**good["proof"], "proofValue": one}}
        refused(implementation.verify(changed), "PROOF_VERIFICATION_ERROR")
    no_proofs: list[object] = [None, [], {}, "proof", 4, [None], [good["proof"], None]]
    for proof in (*no_proofs, [[good["proof"]]]):
        refused(implementation.verify({**good, "proof": proof}))


@EACH_SUITE
def test_what_is_expected_is_checked(implementation: Implementation, suite: Suite) -> None:
    """options.expectedProofPurpose, options.domain and options.challenge."""
    key = keys()[suite.name]
    good = signed_as(suite, key, sample(suite), domain="domain.example", challenge="1235abcd6789")
    accepted(
        implementation.verify(good, domain="domain.example", challenge="1235abcd6789"),
    )
    refused(implementation.verify(good, expectedProofPurpose="authentication"))
    refused(implementation.verify(good, domain="other.example"), "INVALID_DOMAIN_ERROR")
    refused(implementation.verify(good, challenge="other"), "INVALID_CHALLENGE_ERROR")
    plain = signed_as(suite, key, sample(suite))
    refused(implementation.verify(plain, domain="domain.example"), "INVALID_DOMAIN_ERROR")


@EACH_SUITE
def test_a_suite_signs_in_its_own_form(implementation: Implementation, suite: Suite) -> None:
    """A proof that was canonicalized, or hashed, as another suite does it."""
    key = keys()[suite.name]
    other = next(
        one
        for one in SUITES
        if one.algorithm == suite.algorithm and one.needs_rdf != suite.needs_rdf
    )
    good = signed_as(suite, key, sample(suite))
    wrong = signed_as(other, key, sample(suite))["proof"]["proofValue"]
    refused(implementation.verify({**good, "proof": {**good["proof"], "proofValue": wrong}}))
    relabelled = signed_as(other, key, sample(suite))
    relabelled["proof"]["cryptosuite"] = suite.cryptosuite
    refused(implementation.verify(relabelled))


@EACH_SUITE
def test_data_that_canonicalization_would_drop_is_refused(
    implementation: Implementation, suite: Suite
) -> None:
    good = by_us(sample(suite), "credential", suite)
    for changed in (
        {**good, "undefinedTerm": "x"},
        {**good, "proof": {**good["proof"], "undefinedTerm": "x"}},
        {**good, "credentialSubject": {**good["credentialSubject"], "undefinedTerm": "x"}},
    ):
        refused(implementation.verify(changed))


# --- sets and chains


@EACH_SUITE
def test_sets_and_chains(implementation: Implementation, suite: Suite) -> None:
    key = keys()[suite.name]

    def add(document: Document, **options: Any) -> Document:
        return secure(
            document,
            key,
            method=method_of(key),
            purpose="assertionMethod",
            created=CREATED,
            cryptosuite=suite.cryptosuite,
            **options,
        )

    first = add(sample(suite), proof_id="urn:uuid:1")
    both = add(first, proof_id="urn:uuid:2")
    accepted(implementation.verify(both))
    chain = add(first, proof_id="urn:uuid:2", previous_proof="urn:uuid:1")
    accepted(implementation.verify(chain))
    listed = add(both, proof_id="urn:uuid:3", previous_proof=["urn:uuid:1", "urn:uuid:2"])
    accepted(implementation.verify(listed))
    one, two = chain["proof"]
    for broken in (
        [two],  # the proof that it covers is not there
        [{**one, "id": "urn:uuid:9"}, two],
        [one, {**two, "id": "urn:uuid:9"}],
        [one, {**two, "previousProof": "urn:uuid:9"}],
        [one, {k: v for k, v in two.items() if k != "previousProof"}],
        [{**one, "proofValue": two["proofValue"]}, two],
        [one, one],
    ):
        refused(implementation.verify({**chain, "proof": broken}))
    forged = [both["proof"][0], {**both["proof"][1], "created": "2026-11-22T08:00:01Z"}]
    refused(implementation.verify({**both, "proof": forged}))
