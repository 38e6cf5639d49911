"""Either s of an ECDSA signature verifies a credential; what is out of range does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.credentials.securing import secure, verify_secured
from identity.credentials.signatures import with_low_s
from identity.did import did_key_method
from identity.errors import ForgedProof
from identity.keys import ED25519, P256, P384
from identity.methods import did_key_methods
from identity.multibase import multibase_decode, multibase_encode
from tests.factory import NOW, key

ORDERS = {
    P256: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    P384: 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
}
CREDENTIAL = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "issuer": "did:example:issuer",
    "credentialSubject": {"id": "did:example:subject"},
}


def signed(algorithm: str) -> dict[str, object]:
    private = key(f"signatures {algorithm}", algorithm)
    method = did_key_method(private.public.multikey)
    return secure(CREDENTIAL, private, method=method, purpose="assertionMethod")


def with_s(document: dict[str, object], algorithm: str, change: int) -> dict[str, object]:
    """The document with s replaced: by n - s where `change` is 0, else by s + change."""
    proof = dict(document["proof"])  # type: ignore[call-overload]
    signature = multibase_decode(proof["proofValue"])
    half = len(signature) // 2
    s = int.from_bytes(signature[half:], "big")
    other = ORDERS[algorithm] - s if change == 0 else s + change
    proof["proofValue"] = multibase_encode(signature[:half] + other.to_bytes(half, "big"))
    return {**document, "proof": proof}


@pytest.mark.parametrize("algorithm", [P256, P384])
def test_both_values_of_s_verify(algorithm: str) -> None:
    document = signed(algorithm)
    for one in (document, with_s(document, algorithm, 0)):
        verify_secured(one, did_key_methods, purpose="assertionMethod", now=NOW)


@pytest.mark.parametrize("algorithm", [P256, P384])
def test_another_s_does_not(algorithm: str) -> None:
    for change in (1, -1):
        changed = with_s(signed(algorithm), algorithm, change)
        with pytest.raises(ForgedProof):
            verify_secured(changed, did_key_methods, purpose="assertionMethod", now=NOW)


@given(st.sampled_from([ED25519, P256, P384]), st.binary(max_size=120))
def test_whatever_the_bytes_the_length_stays(algorithm: str, signature: bytes) -> None:
    assert len(with_low_s(algorithm, signature)) == len(signature)


def test_an_ed25519_signature_is_left_alone() -> None:
    signature = bytes(32) + b"\xff" * 32
    assert with_low_s(ED25519, signature) is signature
