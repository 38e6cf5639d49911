"""ML-DSA proofs, both ways: @noble/post-quantum verifies ours and we verify theirs, by name; and
both refuse what was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from identity.did import did_key_method
from identity.errors import InvalidProof, TetradError
from identity.keys import private_key, public_key
from identity.multibase import multibase_encode, multibase_url_decode, multibase_url_encode
from identity.proof import CRYPTOSUITES, create_proof, proof_options, verify_proof
from tests.factory import City, sign
from tests.scenarios.kinds import PAIR

ALGORITHMS = ("ML-DSA-44", "ML-DSA-65")
PURPOSE = "capabilityInvocation"
Node = Callable[[str, str, Any], Any]
Sample = dict[str, Any]


def ours(algorithm: str) -> Sample:
    """An operation's proof by the library that we use, which signs with fresh randomness."""
    key = private_key(algorithm, bytes(range(32)))
    document = {"type": "device.update", "body": {"data": "none", "note": "水表"}}
    method = did_key_method(key.public.multikey)
    proof = create_proof(document, key, proof_options(CRYPTOSUITES[algorithm], method, PURPOSE))
    return {"document": document, "proof": proof, "multikey": key.public.multikey}


def theirs(node: Node, algorithm: str) -> Sample:
    document = {"type": "device.update", "body": {"data": "none", "note": "水表"}}
    asked = {"algorithm": algorithm, "seed": "07" * 32, "document": document, "purpose": PURPOSE}
    (made,) = node("mldsa.mjs", "sign", [asked])
    return {"document": document, **made}


def changed(sample: Sample) -> Iterator[tuple[str, Sample]]:
    """Copies of which none may verify."""
    signature = multibase_url_decode(sample["proof"]["proofValue"])
    for place in (0, 40, len(signature) // 2, len(signature) - 1):
        forged = bytearray(signature)
        forged[place] ^= 1
        yield f"byte {place}", _with(sample, proofValue=multibase_url_encode(bytes(forged)))
    yield "one byte less", _with(sample, proofValue=multibase_url_encode(signature[:-1]))
    yield "one byte more", _with(sample, proofValue=multibase_url_encode(signature + b"\0"))
    yield "in base58btc", _with(sample, proofValue=multibase_encode(signature))
    yield "another purpose", _with(sample, proofPurpose="assertionMethod")
    yield "a date", _with(sample, created="2026-11-22T08:00:00Z")
    other = deepcopy(sample)
    other["document"]["body"]["note"] = "other"
    yield "another document", other
    suites = {CRYPTOSUITES[name] for name in ALGORITHMS} - {sample["proof"]["cryptosuite"]}
    yield "another suite", _with(sample, cryptosuite=suites.pop())
    key = bytearray(multibase_url_decode(sample["multikey"]))
    key[60] ^= 1
    yield "another key", {**sample, "multikey": multibase_url_encode(bytes(key))}


def _with(sample: Sample, **members: Any) -> Sample:
    return {**sample, "proof": {**sample["proof"], **members}}


def check(sample: Sample) -> None:
    key = public_key(sample["multikey"])
    verify_proof(sample["document"], sample["proof"], key, expected_purpose=PURPOSE)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_noble_verifies_ours_and_refuses_what_was_changed(node: Node, algorithm: str) -> None:
    sample = ours(algorithm)
    check(sample)
    mutants = list(changed(sample))
    answers = node("mldsa.mjs", "verify", [sample, *(mutant for _, mutant in mutants)])
    assert answers[0] is True
    accepted = [name for (name, _), answer in zip(mutants, answers[1:], strict=True) if answer]
    assert accepted == []


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_we_verify_theirs_and_refuse_what_was_changed(node: Node, algorithm: str) -> None:
    sample = theirs(node, algorithm)
    check(sample)
    for name, mutant in changed(sample):
        with pytest.raises(TetradError) as caught:
            check(mutant)
        assert isinstance(caught.value, InvalidProof), name


def test_the_seed_gives_the_same_key_on_both_sides(node: Node) -> None:
    for algorithm in ALGORITHMS:
        assert theirs(node, algorithm)["multikey"] == (
            private_key(algorithm, b"\7" * 32).public.multikey
        )


def test_a_whole_operation_of_a_pair_is_theirs_to_verify(node: Node) -> None:
    """The post-quantum half of a mixed set, as it stands in the ledger."""
    city = City()
    acme = city.organization("Acme", algorithm=PAIR)
    signed = city.follow(acme, "organization.update", {"name": "Acme 水表"})
    city.accept(signed)
    _, proof = signed.operation["proof"]
    sample = {
        "document": signed.operation,
        "proof": proof,
        "multikey": acme.keys_of(0)[1].public.multikey,
    }
    forged = {**sample, "document": sign({**signed.operation, "sequence": 2})}
    assert node("mldsa.mjs", "verify", [sample, forged]) == [True, False]
