"""RDF canonicalization: the hash function of a key's algorithm, and an end to what it may take."""

from __future__ import annotations

import re
from typing import Any

import pytest

from identity.credentials import rdfc
from identity.credentials.rdfc import MOST_ALIKE, canonicalize
from identity.errors import InputTooLarge
from identity.keys import ED25519, P256, P384

BASE = ["https://www.w3.org/ns/credentials/v2"]
LINK = "https://example.com/link"


def credential(subject: Any) -> dict[str, Any]:
    return {
        "@context": BASE,
        "type": ["VerifiableCredential"],
        "issuer": "did:example:issuer",
        "credentialSubject": subject,
    }


def clique(size: int) -> dict[str, Any]:
    """Blank nodes of which each is linked to every other: nothing tells them apart."""
    names = [f"_:n{number}" for number in range(size)]
    nodes = [
        {"id": name, LINK: [{"id": other} for other in names if other != name]} for name in names
    ]
    return credential({"https://example.com/all": nodes})


def presentation() -> dict[str, Any]:
    return {
        "@context": BASE,
        "type": ["VerifiablePresentation"],
        "verifiableCredential": [
            {**credential({"id": "urn:a"}), "proof": {"type": "DataIntegrityProof"}}
        ],
    }


def without_names(text: bytes) -> list[bytes]:
    return sorted(re.sub(rb"_:c14n[0-9]+", b"_", text).splitlines())


def test_p384_names_blank_nodes_by_sha384() -> None:
    document = presentation()
    assert canonicalize(document, P256) == canonicalize(document, ED25519)
    assert canonicalize(document, P384) != canonicalize(document, P256)
    assert without_names(canonicalize(document, P384)) == without_names(canonicalize(document))


def test_a_document_without_blank_nodes_is_the_same_under_both() -> None:
    document = {**credential({"id": "urn:a"}), "id": "urn:b"}
    assert canonicalize(document, P384) == canonicalize(document, P256)


def test_a_clique_ends_after_a_bounded_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """It grows with the factorial: without the bound, ten nodes take hours."""
    canonicalize(clique(3))
    with pytest.raises(InputTooLarge, match="look alike"):
        canonicalize(clique(10))
    steps = 0
    original = rdfc._Bounded.create_hash

    def counted(bounded: rdfc._Bounded) -> Any:
        nonlocal steps
        steps += 1
        return original(bounded)

    monkeypatch.setattr(rdfc._Bounded, "create_hash", counted)
    for size in (6, 8, MOST_ALIKE + 2, 60):
        steps = 0
        with pytest.raises(InputTooLarge):
            canonicalize(clique(size))
        assert steps < 50_000


def test_many_claims_of_a_subject_without_an_id_are_no_clique() -> None:
    subject = {f"https://example.com/p{number}": "v" for number in range(40)}
    twins = [{LINK: {LINK: "x"}} for _ in range(40)]
    canonicalize(credential([{**subject, "https://example.com/twins": twins}]))
