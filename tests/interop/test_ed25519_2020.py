"""Ed25519Signature2020: what Digital Bazaar's library signs holds here, and what was changed after
that is refused by both.

The control of the second half is the first: unchanged, both verify it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from identity.credentials.credential import check_credential
from identity.credentials.data_model_1 import check_first, of_first_model
from identity.credentials.datetimes import seconds_of
from identity.credentials.ed25519_2020 import verify_either
from identity.errors import TetradError
from identity.methods import did_key_methods
from tests.conftest import REPOSITORY
from tests.identity.credentials.test_ed25519_2020 import changed
from tests.interop.libraries import CREATED, Document, described, did_of, signing_key
from tests.interop.suites import Implementation, accepted, refused

Ask = Callable[[str, str, Any], Any]
V1 = "https://www.w3.org/2018/credentials/v1"
V2 = "https://www.w3.org/ns/credentials/v2"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
SUITE = "https://w3id.org/security/suites/ed25519-2020/v1"
KEY = signing_key("Ed25519Signature2020", "Ed25519")
NOW = int(seconds_of(CREATED)) + 60
VECTORS: dict[str, Any] = json.loads(
    (REPOSITORY / "tests" / "identity" / "credentials" / "ed25519_2020.json").read_bytes()
)
DOCUMENTS: dict[str, Document] = {
    "of the data model 1.1": {
        "@context": [V1, SUITE],
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential"],
        "issuer": did_of(KEY),
        "issuanceDate": "2026-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:subject"},
    },
    "of the data model 2.0": {
        "@context": [V2, EXAMPLES, SUITE],
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential", "Alumni"],
        "issuer": {"id": did_of(KEY), "name": "Example"},
        "validFrom": "2026-01-01T00:00:00Z",
        # Nodes without names, one within the other.
        "credentialSubject": [{"alumniOf": {"name": "A"}}, {"alumniOf": {"name": "B"}}],
    },
}


@pytest.fixture(scope="module")
def signed(node: Ask) -> dict[str, Document]:
    """The documents, as the library signs them."""
    task = {"key": described(KEY), "created": CREATED, "documents": list(DOCUMENTS.values())}
    return dict(zip(DOCUMENTS, node("ed25519_2020.mjs", "sign", task), strict=True))


def verdict(document: Document) -> bool:
    """Ours: the form by its data model, then the proof."""
    try:
        (check_first if of_first_model(document) else check_credential)(document)
        verify_either(document, did_key_methods, purpose="assertionMethod", now=NOW)
    except TetradError:
        return False
    return True


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_the_library_signs_holds_and_no_copy_that_was_changed(
    node: Ask, signed: dict[str, Document], name: str
) -> None:
    good = signed[name]
    copies = dict(changed(good))
    assert len(copies) > 25
    documents = [good, VECTORS[name], *copies.values()]
    theirs = [
        one["verified"] for one in node("ed25519_2020.mjs", "verify", {"documents": documents})
    ]
    assert theirs[:2] == [True, True]
    assert [verdict(one) for one in documents[:2]] == [True, True]
    taken = {what for what, held in zip(copies, theirs[2:], strict=True) if held}
    assert {what for what, copy in copies.items() if verdict(copy)} == set()
    # A context of the proof's own that says the same as the document's changes nothing for them.
    assert taken == {"proof with another @context"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_service_verifies_it(
    implementation: Implementation, signed: dict[str, Document], name: str
) -> None:
    accepted(implementation.verify(signed[name]))
    accepted(implementation.verify(signed[name], checks=[]))
    for copy in dict(changed(signed[name])).values():
        refused(implementation.verify(copy))
