"""The signatures of a meeting, as a Data Integrity library that we did not write reads them.

Digital Bazaar's knows no handshake: it is given the document that both devices have built, and
asked for the purpose `authentication` with the nonce and the DID of who verifies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from identity.document import tetrad_document
from resolver.handshake import Transcript
from resolver.simulator.encounters import opened, side
from tests.resolver.meeting import Town, device_with

Ask = Callable[[str, str, Any], Any]

PROGRAM = "credentials.mjs"
ELSEWHERE = "did:tetrad:aaaaaaaaaaaaaaaa:zQmNobody"


def question(document: Any, proof: Any, challenge: str, domain: str) -> Any:
    """Whether one proof holds, as the program is asked."""
    return {
        "library": "@digitalbazaar/data-integrity",
        "document": {**document, "proof": proof},
        "purpose": "authentication",
        "challenge": challenge,
        "domain": domain,
    }


@pytest.mark.parametrize("algorithm", ["Ed25519", "P-256", "P-384"])
def test_the_library_agrees_on_every_signature(node: Ask, algorithm: str) -> None:
    at = Town()
    other = device_with(at, "other", algorithm)
    scene = at.scene()
    first, second, third = map(opened, messages := scene.meet(
        scene.initiator(), scene.responder(other)
    ))  # fmt: skip
    one, another = side(scene.one, messages[0]), side(other, messages[1])
    transcript = Transcript(one, another)
    documents = [transcript.document("responder"), transcript.document("initiator")]
    proofs = [second["proof"][0], third["proof"][0]]
    asked = [(first["nonce"], one.did), (second["nonce"], another.did)]
    keys = {own.did: own.wallet.signing_keys(own.did) for own in (scene.one, other)}
    honest = [
        question(document, proof, *by)
        for document, proof, by in zip(documents, proofs, asked, strict=True)
    ]
    swapped = Transcript(another, one).document("responder")
    wrong = [
        question(documents[0], proofs[1], *asked[1]),  # under the other role
        question(documents[1], proofs[0], *asked[0]),
        question(swapped, proofs[0], *asked[0]),
        question({**documents[0], "context": "open"}, proofs[0], *asked[0]),
        question(documents[0], proofs[0], asked[1][0], one.did),  # another nonce
        question(documents[0], proofs[0], asked[0][0], ELSEWHERE),
        question(documents[0], {**proofs[0], "domain": ELSEWHERE}, asked[0][0], ELSEWHERE),
        question(documents[0], {**proofs[0], "challenge": asked[1][0]}, asked[1][0], one.did),
        question(documents[0], {**proofs[0], "proofPurpose": "assertionMethod"}, *asked[0]),
    ]
    shown = {
        "didDocuments": [tetrad_document(did, multikeys) for did, multikeys in keys.items()],
        "tasks": [*honest, *wrong],
    }
    verdicts = [one["verified"] for one in node(PROGRAM, "verify", shown)]
    assert verdicts == [True] * len(honest) + [False] * len(wrong)
