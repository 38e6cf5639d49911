"""Device credentials with Digital Bazaar's libraries: read by their JSON-LD, verified, revoked.

They are given our context, the issuer's DID document and its lists; they fetch nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from identity.credentials.contexts import DOCUMENTS
from identity.credentials.device import CONTEXT, TYPES
from identity.credentials.status_list import entry, list_credential, new_list
from identity.document import tetrad_document
from identity.members import format_time
from tests.factory import Subject
from tests.resolver.accrediting import Street, Value

LIBRARIES = ("@digitalbazaar/data-integrity", "@digitalbazaar/vc")
Ask = Callable[[str, str, Any], Any]
NEVER = "2099-01-01T00:00:00Z"
"""Theirs looks at the machine's clock."""
URL = "https://lists.example/v1/status-lists/lab/revocation-1"


@pytest.fixture(scope="module")
def street() -> Street:
    return Street()


def verdicts(
    node: Ask, library: str, street: Street, documents: list[Value], **lists: Value
) -> list[bool]:
    """Whether a library verifies each."""
    dids = [
        tetrad_document(one.did, [one.key.public.multikey]) for one in (street.lab, street.office)
    ]
    task = {
        "library": library,
        "purpose": "assertionMethod",
        "lists": {CONTEXT: DOCUMENTS[CONTEXT], **lists},
    }
    tasks = [{**task, "document": one} for one in documents]
    answers = node("credentials.mjs", "verify", {"didDocuments": dids, "tasks": tasks})
    return [answer["verified"] for answer in answers]


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_type_is_verified_and_no_copy_that_was_changed(
    node: Ask, street: Street, library: str
) -> None:
    good = [street.issue(name, street.lab, valid_until=NEVER) for name in TYPES]
    assert verdicts(node, library, street, good) == [True] * len(TYPES)
    changed = copy.deepcopy(good)
    for one in changed:
        one["credentialSubject"]["model"] = "M2"
    assert verdicts(node, library, street, changed) == [False] * len(TYPES)


def listed(street: Street, issuer: Subject, *revoked: int) -> Value:
    bits = new_list("revocation")
    for index in revoked:
        bits.set(index, 1)
    unsigned = list_credential(
        bits,
        url=URL,
        issuer=issuer.did,
        valid_from=format_time(street.now - 60),
        valid_until=NEVER,
    )
    return street.sign(unsigned, issuer)


def test_their_verifier_follows_our_lists(node: Ask, street: Street) -> None:
    good, revoked = (
        street.issue(
            "NetworkSecurityLabel",
            street.lab,
            valid_until=NEVER,
            status=[entry(URL, index, "revocation")],
        )
        for index in (5, 6)
    )
    library = LIBRARIES[1]
    shown = {URL: listed(street, street.lab, 6)}
    assert verdicts(node, library, street, [good, revoked], **shown) == [True, False]
    another = {URL: listed(street, street.office, 6)}
    assert verdicts(node, library, street, [good], **another) == [False]
