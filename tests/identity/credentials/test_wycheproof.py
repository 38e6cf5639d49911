"""Wycheproof through the suites: its keys and signatures, in proofs of credentials.

A test case signs a message of its own, where a proof signs two digests. So the two digests become
the message: what is checked is all that lies around them, which is to decode the key out of a
`did:key` and the signature out of `proofValue`, to tell the one from the other by its length, and
to make a high s low only where that is asked for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from identity.credentials import securing
from identity.credentials.securing import verify_secured
from identity.errors import ForgedProof, MalformedProof, TetradError
from identity.keys import PublicKey, public_key_of
from identity.methods import did_key_methods
from identity.multibase import multibase_encode

V2 = "https://www.w3.org/ns/credentials/v2"
FILES = {
    "Ed25519": "ed25519_test.json",
    "P-256": "ecdsa_secp256r1_sha256_p1363_test.json",
    "P-384": "ecdsa_secp384r1_sha384_p1363_test.json",
}
HALVES = {
    "P-256": 0x7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8,
    "P-384": int(
        "7fffffffffffffffffffffffffffffffffffffffffffffff"
        + "e3b1a6c0fa1b96efac0d06d9245853bd76760cb5666294b9",
        16,
    ),
}
"""The largest s that is low: (n - 1) / 2."""
SUITES = [
    ("Ed25519", "eddsa-jcs-2022"),
    ("Ed25519", "eddsa-rdfc-2022"),
    ("P-256", "ecdsa-jcs-2019"),
    ("P-256", "ecdsa-rdfc-2019"),
    ("P-384", "ecdsa-jcs-2019"),
    ("P-384", "ecdsa-rdfc-2019"),
]


def key_of_group(algorithm: str, group: dict[str, Any]) -> PublicKey:
    if algorithm == "Ed25519":
        return public_key_of(algorithm, bytes.fromhex(group["publicKey"]["pk"]))
    point = bytes.fromhex(group["publicKey"]["uncompressed"])
    width = (len(point) - 1) // 2
    return public_key_of(algorithm, bytes([2 + (point[-1] & 1)]) + point[1 : 1 + width])


def secured(key: PublicKey, suite: str, signature: bytes) -> dict[str, Any]:
    return {
        "@context": [V2],
        "proof": {
            "type": "DataIntegrityProof",
            "cryptosuite": suite,
            "verificationMethod": f"did:key:{key.multikey}#{key.multikey}",
            "proofPurpose": "assertionMethod",
            "proofValue": multibase_encode(signature),
        },
    }


def outcome(document: dict[str, Any], *, high_s: bool) -> type[TetradError] | None:
    try:
        verify_secured(document, did_key_methods, purpose="assertionMethod", now=0, high_s=high_s)
    except TetradError as refusal:
        return type(refusal)
    return None


def high(algorithm: str, signature: bytes) -> bool:
    half = len(signature) // 2
    s = int.from_bytes(signature[half:], "big")
    return algorithm in HALVES and s > HALVES[algorithm]


@pytest.mark.parametrize(("algorithm", "suite"), SUITES)
def test_every_case(
    vectors: Path, monkeypatch: pytest.MonkeyPatch, algorithm: str, suite: str
) -> None:
    seen = {"valid": 0, "invalid": 0, "high s": 0}
    message = b""
    monkeypatch.setattr(securing._Secured, "signing_input", lambda *_: message)
    content = json.loads((vectors / "wycheproof" / FILES[algorithm]).read_bytes())
    for group in content["testGroups"]:
        key = key_of_group(algorithm, group)
        for case in group["tests"]:
            signature, message = bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])
            document = secured(key, suite, signature)
            name = f"{suite} {algorithm} case {case['tcId']}: {case['comment']}"
            strict, lenient = (outcome(document, high_s=high_s) for high_s in (False, True))
            if case["result"] == "valid":
                assert lenient is None, name
                is_high = high(algorithm, signature)
                assert strict is (ForgedProof if is_high else None), name
                seen["high s" if is_high else "valid"] += 1
            else:
                assert strict in (ForgedProof, MalformedProof), name
                assert lenient in (ForgedProof, MalformedProof), name
                seen["invalid"] += 1
    assert seen["valid"] > 80
    assert seen["invalid"] > 60
    assert (seen["high s"] > 60) == (algorithm in HALVES)


@pytest.mark.parametrize(("algorithm", "suite"), SUITES)
def test_what_was_signed_otherwise_is_refused(vectors: Path, algorithm: str, suite: str) -> None:
    """Without the exchange: no signature of Wycheproof's is one over a credential."""
    content = json.loads((vectors / "wycheproof" / FILES[algorithm]).read_bytes())
    for group in content["testGroups"][:8]:
        key = key_of_group(algorithm, group)
        for case in group["tests"][:4]:
            document = secured(key, suite, bytes.fromhex(case["sig"]))
            assert outcome(document, high_s=True) in (ForgedProof, MalformedProof), case["comment"]
