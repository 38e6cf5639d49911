"""W3C Bitstring Status List 1.0, after the suite vc-bitstring-status-list-test-suite."""

from __future__ import annotations

from typing import Any

import pytest

from identity.document import did_key_document
from tests.interop.libraries import Document, Library
from tests.interop.suites import BASE, Implementation, accepted, credential, refused

PREFIX = "/bitstring-status-list"


def entries_of(signed: Document) -> list[Document]:
    status = signed["credentialStatus"]
    return status if isinstance(status, list) else [status]


def listed(implementation: Implementation, entry: Document) -> Document:
    """The list that an entry names, as whoever is given its URL gets it."""
    response = implementation.client.get(entry["statusListCredential"])
    assert response.status_code == 200
    found: Document = response.json()
    return found


@pytest.fixture(scope="module")
def signed(implementation: Implementation) -> Document:
    subject = {"id": "did:key:z6MkhTNL7i2etLerDK8Acz5t528giE5KA4p75T6ka1E1D74r"}
    return implementation.issued(credential(id="urn:uuid:bsl", credentialSubject=subject), PREFIX)


def test_the_entry(signed: Document) -> None:
    """2.1 BitstringStatusListEntry."""
    for entry in entries_of(signed):
        assert entry["type"] == "BitstringStatusListEntry"
        assert isinstance(entry["statusPurpose"], str)
        index = entry["statusListIndex"]
        assert isinstance(index, str)
        assert str(int(index)) == index
        assert int(index) >= 0
        assert entry["statusListCredential"].startswith("http://")
        assert entry.get("id") != entry["statusListCredential"]


def test_the_list(implementation: Implementation, signed: Document) -> None:
    """2.2 BitstringStatusListCredential."""
    for entry in entries_of(signed):
        held = listed(implementation, entry)
        assert held["@context"][0] == BASE
        assert held["id"] == entry["statusListCredential"]
        assert "BitstringStatusListCredential" in held["type"]
        assert held["issuer"] == signed["issuer"]
        subject = held["credentialSubject"]
        assert subject["type"] == "BitstringStatusList"
        assert subject["statusPurpose"] == entry["statusPurpose"]
        assert subject["encodedList"].startswith("u")
        accepted(implementation.verify(held, checks=[]))


def test_the_list_is_served_as_a_credential_where_one_is_asked_for(
    implementation: Implementation, signed: Document
) -> None:
    url = entries_of(signed)[0]["statusListCredential"]
    asked = {"accept": "application/vc"}
    kind = implementation.client.get(url, headers=asked).headers["content-type"]
    assert kind == "application/vc"
    kind = implementation.client.get(url).headers["content-type"]
    assert kind == "application/json"


def test_another_library_reads_the_list(
    implementation: Implementation, signed: Document, found: dict[str, Library]
) -> None:
    entry = entries_of(signed)[0]
    encoded = listed(implementation, entry)["credentialSubject"]["encodedList"]
    question = {"encodedList": encoded, "indexes": [int(entry["statusListIndex"]), 131_071]}
    for name in ("@digitalbazaar/vc", "openvc-core"):
        assert [bool(bit) for bit in found[name].ask("bits", question)] == [False, False]


def test_another_verifier_sees_a_revocation(
    implementation: Implementation, found: dict[str, Library]
) -> None:
    """Issued, revoked by POST /credentials/status, refused by vc-bitstring-status-list and here."""
    issued = implementation.issued(credential(id="urn:uuid:revoked"), PREFIX)
    entry = entries_of(issued)[0]
    library = found["@digitalbazaar/vc"]
    documents = [did_key_document(issued["issuer"].removeprefix("did:key:"))]

    def theirs() -> Document:
        lists = {entry["statusListCredential"]: listed(implementation, entry)}
        task = {"library": library.name, "purpose": "assertionMethod", "lists": lists}
        question = {"didDocuments": documents, "tasks": [{**task, "document": issued}]}
        (verdict,) = library.ask("verify", question)
        found: Document = verdict
        return found

    assert theirs()["verified"]
    accepted(implementation.verify(issued, checks=["proof", "credentialStatus"]))
    update = {
        "credentialId": "urn:uuid:revoked",
        "credentialStatus": {"type": "BitstringStatusListEntry", "statusPurpose": "revocation"},
    }
    accepted(implementation.post("/credentials/status", update))
    assert theirs() == {"verified": False, "reason": "status revocation"}
    checks = ["proof", "credentialStatus"]
    refused(implementation.verify(issued, checks=checks), "STATUS_VERIFICATION_ERROR")


MALFORMED: dict[str, Document] = {
    "no index": {"statusListIndex": None},
    "an index that is a number": {"statusListIndex": 4},
    "an index that is true": {"statusListIndex": True},
    "a negative index": {"statusListIndex": "-1"},
    "an index in another base": {"statusListIndex": "0x10"},
    "no list": {"statusListCredential": None},
    "a list that is no URL": {"statusListCredential": "list"},
    "no purpose": {"statusPurpose": None},
    "a purpose that is a list": {"statusPurpose": ["revocation"]},
    "an id that is the URL of the list": {"id": "https://example.org/status/1"},
    "a size of zero": {"statusSize": 0},
    "a size that is no integer": {"statusSize": "1"},
    "a size without messages": {"statusSize": 2},
    "too few messages": {"statusSize": 2, "statusMessage": [{"status": "0x0", "message": "a"}]},
    "messages without status": {"statusMessage": [{"message": "a"}, {"message": "b"}]},
    "messages without message": {"statusMessage": [{"status": "0x0"}, {"status": "0x1"}]},
    "a message purpose without messages": {"statusPurpose": "message"},
    "a reference that is no URL": {"statusReference": "x"},
}


def entry(**members: Any) -> Document:
    made = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "94567",
        "statusListCredential": "https://example.org/status/1",
        **members,
    }
    return {name: value for name, value in made.items() if value is not None}


@pytest.mark.parametrize("members", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_entry_is_an_error(implementation: Implementation, members: Document) -> None:
    """3: MALFORMED_VALUE_ERROR."""
    accepted(implementation.issue(credential(credentialStatus=entry())))
    broken = credential(credentialStatus=entry(**members))
    refused(implementation.issue(broken), "MALFORMED_VALUE_ERROR")
    signed = {**implementation.issued(credential()), "credentialStatus": entry(**members)}
    refused(implementation.verify(signed), "MALFORMED_VALUE_ERROR")


def test_an_entry_under_another_name_is_an_error(implementation: Implementation) -> None:
    """As the suite sends it: an entry in a member that no context defines."""
    refused(implementation.issue(credential(statusEntry=entry(statusListIndex=True)), PREFIX))


LISTS: dict[str, Document] = {
    "no base64url": {"encodedList": "u!!!"},
    "no multibase": {
        "encodedList": "H4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"
    },
    "no gzip": {"encodedList": "uAAAA"},
    "too short": {"encodedList": "uH4sIAAAAAAAAA2NgAAAAAP__"},
    "no list": {"encodedList": None},
    "no purpose": {"statusPurpose": None},
    "another type": {"type": "Other"},
}


@pytest.mark.parametrize("members", LISTS.values(), ids=LISTS.keys())
def test_a_malformed_list_is_an_error(
    implementation: Implementation, signed: Document, members: Document
) -> None:
    held = listed(implementation, entries_of(signed)[0])
    subject = {**held["credentialSubject"], **members}
    subject = {name: value for name, value in subject.items() if value is not None}
    unsigned = {name: value for name, value in held.items() if name != "proof"}
    accepted(implementation.issue(unsigned))
    refused(implementation.issue({**unsigned, "credentialSubject": subject}))


def test_a_list_that_cannot_be_told_is_an_error(implementation: Implementation) -> None:
    """3.2: STATUS_VERIFICATION_ERROR, where the list is elsewhere, of another, or too short."""
    checks = ["proof", "credentialStatus"]
    elsewhere = implementation.issued(credential(credentialStatus=entry()))
    accepted(implementation.verify(elsewhere))
    refused(implementation.verify(elsewhere, checks=checks), "STATUS_VERIFICATION_ERROR")
    own = entries_of(implementation.issued(credential(), PREFIX))[0]
    beyond = implementation.issued(
        credential(credentialStatus={**own, "statusListIndex": "99999999"})
    )
    refused(implementation.verify(beyond, checks=checks), "STATUS_VERIFICATION_ERROR")
    other = implementation.issued(
        credential(credentialStatus={**own, "statusPurpose": "suspension"})
    )
    refused(implementation.verify(other, checks=checks), "STATUS_VERIFICATION_ERROR")
