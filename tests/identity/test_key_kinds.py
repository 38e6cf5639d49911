"""Kinds of keys: classical and post-quantum, one spelling and one suite for each algorithm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.did import did_key, did_key_method, parse_did_key, parse_did_url
from identity.document import did_key_document, tetrad_document
from identity.errors import ForgedProof, InvalidKey, InvalidProof, TetradError
from identity.keys import (
    ALGORITHMS,
    PrivateKey,
    algorithms_named,
    draw_key,
    kind_of,
    kind_of_multikey,
    one_of_each_kind,
    private_key,
    public_key,
    signing_key,
)
from identity.methods import did_key_methods
from identity.multibase import (
    multibase_decode,
    multibase_encode,
    multibase_url_decode,
    multibase_url_encode,
)
from identity.proof import SUITES, create_proof, proof_options, signing_input, verify_proof
from tests.factory import key
from tests.identity import plain_mldsa

KEYS = {algorithm: key("kinds", algorithm) for algorithm in ALGORITHMS}
QUANTUM = ("ML-DSA-44", "ML-DSA-65")
PURPOSE = "assertionMethod"
DOCUMENT = {"n": 1}
every = pytest.mark.parametrize("algorithm", ALGORITHMS)


def proof(signer: PrivateKey) -> dict[str, str]:
    suite = SUITES[signer.public.algorithm]
    return create_proof(DOCUMENT, signer, proof_options(suite.name, "did:example:a#b", PURPOSE))


@every
def test_the_kind_shows_in_the_first_letter(algorithm: str) -> None:
    kind = "post-quantum" if algorithm in QUANTUM else "classical"
    assert kind_of(algorithm) == kind
    assert kind_of_multikey(KEYS[algorithm].public.multikey) == kind
    with pytest.raises(InvalidKey):
        kind_of("RSA")


@every
def test_a_key_has_one_spelling(algorithm: str) -> None:
    multikey = KEYS[algorithm].public.multikey
    assert public_key(multikey).algorithm == algorithm
    if multikey.startswith("u"):
        other = multibase_encode(multibase_url_decode(multikey))
    else:
        other = multibase_url_encode(multibase_decode(multikey))
    for read in (public_key, signing_key):
        with pytest.raises(InvalidKey):
            read(other)
        with pytest.raises(InvalidKey):
            read(multikey + "=")
        with pytest.raises(InvalidKey):
            read(multikey[:-1])


@settings(max_examples=60)
@given(st.sampled_from(["z", "u", "m", ""]), st.text(max_size=2800) | st.binary().map(str))
def test_hostile_multikeys_raise_only_our_errors(base: str, rest: str) -> None:
    with pytest.raises(InvalidKey):
        signing_key(base + "!" + rest)
    for codec in (b"\x90\x24", b"\x91\x24", b"\x86\x24", b"\x81\x24"):
        with pytest.raises(InvalidKey):
            public_key(multibase_url_encode(codec + rest.encode("utf-8", "replace")[:40]))


@every
def test_a_proof_has_the_one_encoding_of_its_suite(algorithm: str) -> None:
    signer = KEYS[algorithm]
    made, suite = proof(signer), SUITES[algorithm]
    verify_proof(DOCUMENT, made, signer.public, expected_purpose=PURPOSE)
    assert made["proofValue"][0] == ("u" if algorithm in QUANTUM else "z")
    assert len(made["proofValue"]) <= suite.longest
    signature = suite.decode(made["proofValue"])
    for text in (
        multibase_encode(signature) if algorithm in QUANTUM else multibase_url_encode(signature),
        made["proofValue"] + "=",
        made["proofValue"][1:],
        "m" + made["proofValue"][1:],
        suite.encode(signature[:-1]),
        suite.encode(signature + b"\0"),
        suite.encode(b""),
        "",
    ):
        with pytest.raises(InvalidProof):
            verify_proof(
                DOCUMENT, {**made, "proofValue": text}, signer.public, expected_purpose=PURPOSE
            )


@every
def test_no_key_takes_a_proof_of_another(algorithm: str) -> None:
    """Of another algorithm as it is, and renamed to this one's suite."""
    for other, signer in KEYS.items():
        if other != algorithm:
            made = proof(signer)
            for shown in (made, {**made, "cryptosuite": SUITES[algorithm].name}):
                with pytest.raises(InvalidProof):
                    verify_proof(DOCUMENT, shown, KEYS[algorithm].public, expected_purpose=PURPOSE)


@every
def test_did_key_of_each(algorithm: str) -> None:
    multikey = KEYS[algorithm].public.multikey
    method = did_key_method(multikey)
    assert parse_did_key(method) == parse_did_key(did_key(multikey)) == multikey
    assert parse_did_url(method).fragment == multikey
    named = did_key_methods(method)
    assert (named.key.algorithm, named.beside) == (algorithm, (algorithm,))
    (shown,) = did_key_document(multikey)["verificationMethod"]
    assert shown["publicKeyMultibase"] == multikey
    with pytest.raises(TetradError):
        parse_did_key(method + "A")


def test_a_document_lists_both_keys_of_a_pair() -> None:
    pair = [KEYS[name].public for name in ("Ed25519", "ML-DSA-44")]
    document = tetrad_document("did:tetrad:a:b", [one.multikey for one in pair])
    methods = [f"did:tetrad:a:b#{one.thumbprint}" for one in pair]
    for purpose in ("authentication", "assertionMethod", "capabilityInvocation"):
        assert document[purpose] == methods


def test_one_key_of_each_kind_signs() -> None:
    ed25519, p256, small, large = (
        KEYS[name].public.multikey for name in ("Ed25519", "P-256", "ML-DSA-44", "ML-DSA-65")
    )
    assert one_of_each_kind([ed25519]) == [ed25519]
    assert one_of_each_kind([p256, ed25519]) == [p256]
    assert one_of_each_kind([small, ed25519, large]) == [small, ed25519]
    assert one_of_each_kind([]) == []


def test_algorithms_as_people_write_them() -> None:
    assert algorithms_named("Ed25519") == ("Ed25519",)
    assert algorithms_named("Ed25519+ML-DSA-44") == ("Ed25519", "ML-DSA-44")
    for text in ("", "+", "Ed25519+", "ed25519", "RSA", "Ed25519+" * 3 + "Ed25519"):
        with pytest.raises(InvalidKey):
            algorithms_named(text)


@every
def test_a_key_is_drawn_and_kept_by_its_secret(algorithm: str) -> None:
    drawn = draw_key(algorithm, lambda width: bytes(range(1, width + 1)))
    again = private_key(algorithm, drawn.secret())
    assert again.public == drawn.public
    again.public.verify(drawn.sign(b"m"), b"m")
    assert drawn.secret().hex() not in repr(drawn)


def test_a_generator_that_gives_no_scalar_is_found_out() -> None:
    for algorithm in ("P-256", "P-384", "SM2"):
        with pytest.raises(RuntimeError):
            draw_key(algorithm, bytes)


@pytest.mark.parametrize("algorithm", QUANTUM)
def test_the_library_and_a_second_implementation_agree(algorithm: str) -> None:
    """Keys to the byte, and each signature of ours is one for the library."""
    for n in range(3):
        seed = bytes([n]) * 32
        public = private_key(algorithm, seed).public
        assert plain_mldsa.public(algorithm, seed) == public.raw
        signature = plain_mldsa.sign(algorithm, seed, b"%d" % n)
        public.verify(signature, b"%d" % n)
        with pytest.raises(ForgedProof):
            public.verify(signature, b"other")


@pytest.mark.parametrize("algorithm", QUANTUM)
def test_signing_is_hedged(algorithm: str) -> None:
    signer = private_key(algorithm, bytes(32))
    one, other = signer.sign(b"m"), signer.sign(b"m")
    assert one != other
    signer.public.verify(one, b"m")
    signer.public.verify(other, b"m")


@settings(max_examples=20)
@given(st.sampled_from(QUANTUM), st.binary(max_size=3400))
def test_hostile_signatures_raise_only_our_errors(algorithm: str, signature: bytes) -> None:
    public = KEYS[algorithm].public
    width = 2420 if algorithm == "ML-DSA-44" else 3309
    for tried in (signature, signature.ljust(width, b"\xff")[:width]):
        with pytest.raises(ForgedProof):
            public.verify(tried, b"m")


def test_what_is_signed_is_what_the_draft_says() -> None:
    """The hashes of W3C's own example, to the byte: SHA-256 for ML-DSA-44, SHA-384 for ML-DSA-65.

    Its proof repeats the `@context` of the document, and its key is spelled as ours are.
    """
    draft = json.loads((Path(__file__).parent / "quantum_resistant.json").read_bytes())
    document, options = draft["document"], draft["proof"]
    multikey = options["verificationMethod"].removeprefix("did:key:")
    assert public_key(multikey).algorithm == "ML-DSA-44"
    repeated = {**options, "@context": document["@context"]}
    expected = draft["mldsa44-jcs-2024"]
    assert signing_input(document, repeated, "ML-DSA-44").hex() == expected
    larger = {**repeated, "cryptosuite": "mldsa65-jcs-2024"}
    signed = signing_input(document, larger, "ML-DSA-65").hex()
    assert signed.endswith(draft["mldsa65-jcs-2024, document"])
    made = create_proof(document, KEYS["ML-DSA-44"], options)
    assert made["@context"] == document["@context"]
