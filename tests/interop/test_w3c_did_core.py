"""W3C DID Core: the documents of did:key and did:tetrad against the normative statements that the
suite did-test-suite asks of identifiers, properties, production and resolution."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.interop.libraries import Document
from tests.interop.suites import Implementation

# DID Core 1.0, 3.1 and 3.2
DID = re.compile(
    r"did:[a-z0-9]+:(?:(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})*:)*(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+"
)
DID_URL = re.compile(DID.pattern + r"(?:/[^?#\s]*)?(?:\?[^#\s]*)?(?:#\S*)?")
RELATIONSHIPS = (
    "authentication",
    "assertionMethod",
    "keyAgreement",
    "capabilityInvocation",
    "capabilityDelegation",
)
RESOLUTION = "application/did-resolution"
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def identifiers(implementation: Implementation) -> list[str]:
    """Of every method that is resolved, and of each kind of key of the issuers."""
    listed = implementation.client.get("/1.0/testIdentifiers").json()
    told = implementation.client.get("/interop").json()
    issuers = {issuer["id"] for one in told for issuer in one["issuers"]}
    return sorted({did for dids in listed.values() for did in dids} | issuers)


def resolved(implementation: Implementation, did: str, accept: str = RESOLUTION) -> Any:
    response = implementation.client.get(f"/1.0/identifiers/{did}", headers={"accept": accept})
    assert response.status_code == 200, response.text
    return response.json()


def methods_of(document: Document) -> list[Document]:
    """All verification methods: those of the list, and those that a relationship embeds."""
    embedded = [
        one for name in RELATIONSHIPS for one in document.get(name, []) if isinstance(one, dict)
    ]
    return [*document.get("verificationMethod", []), *embedded]


def test_every_method_is_asked(implementation: Implementation) -> None:
    methods = {did.split(":")[1] for did in identifiers(implementation)}
    assert methods == set(implementation.client.get("/1.0/methods").json()) == {"key", "tetrad"}


def test_identifiers_and_core_properties(implementation: Implementation) -> None:
    """3.1, 5.1: syntax; `id`, `controller`, `alsoKnownAs`."""
    for did in identifiers(implementation):
        assert DID.fullmatch(did)
        document = resolved(implementation, did)["didDocument"]
        assert document["id"] == did
        controllers = document.get("controller", [])
        for one in controllers if isinstance(controllers, list) else [controllers]:
            assert DID.fullmatch(one)
        assert all(isinstance(one, str) for one in document.get("alsoKnownAs", []))


def test_verification_methods(implementation: Implementation) -> None:
    """5.2: `id`, `type` and `controller` of each, one form of key material, no secret, no two of
    one id."""
    for did in identifiers(implementation):
        document = resolved(implementation, did)["didDocument"]
        methods = methods_of(document)
        assert methods
        assert len({one["id"] for one in methods}) == len(methods)
        for one in methods:
            assert DID_URL.fullmatch(one["id"])
            assert one["id"].partition("#")[0] == did
            assert isinstance(one["type"], str)
            assert one["controller"] == did
            assert ("publicKeyMultibase" in one) != ("publicKeyJwk" in one)
            assert re.fullmatch(r"z[1-9A-HJ-NP-Za-km-z]+", one["publicKeyMultibase"])
            assert not {"privateKeyJwk", "secretKeyMultibase", "secretKeyJwk"} & one.keys()


def test_verification_relationships(implementation: Implementation) -> None:
    """5.3: each item is a method, or the DID URL of one that is in the document."""
    for did in identifiers(implementation):
        document = resolved(implementation, did)["didDocument"]
        known = {one["id"] for one in document["verificationMethod"]}
        assert document["authentication"]
        assert document["assertionMethod"]
        for name in RELATIONSHIPS:
            items = document.get(name, [])
            assert isinstance(items, list)
            for item in items:
                url = item["id"] if isinstance(item, dict) else item
                url = f"{did}{url}" if url.startswith("#") else url
                assert url in known or isinstance(item, dict)


def test_services(implementation: Implementation) -> None:
    """5.4."""
    for did in identifiers(implementation):
        for service in resolved(implementation, did)["didDocument"].get("service", []):
            assert {"id", "type", "serviceEndpoint"} <= service.keys()


def test_representations(implementation: Implementation) -> None:
    """6.2, 6.3: JSON and JSON-LD, whose first context is that of DIDs."""
    for did in identifiers(implementation):
        for accept in ("application/did", "application/did+ld+json", "application/did+json"):
            address = f"/1.0/identifiers/{did}"
            response = implementation.client.get(address, headers={"accept": accept})
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("application/did")
            document = response.json()
            assert document["id"] == did
            contexts = document["@context"]
            first = contexts if isinstance(contexts, str) else contexts[0]
            assert first in ("https://www.w3.org/ns/did/v1", "https://www.w3.org/ns/did/v1.1")


def test_metadata(implementation: Implementation) -> None:
    """7.1: content type of the resolution; times of the document without fractions."""
    for did in identifiers(implementation):
        result = resolved(implementation, did)
        assert set(result) >= {"didDocument", "didResolutionMetadata", "didDocumentMetadata"}
        assert "error" not in result["didResolutionMetadata"]
        assert result["didResolutionMetadata"]["contentType"].startswith("application/did")
        metadata = result["didDocumentMetadata"]
        for name in ("created", "updated", "nextUpdate"):
            assert TIME.fullmatch(metadata.get(name, "2026-11-22T08:00:00Z"))
        assert isinstance(metadata.get("deactivated", False), bool)
        for name in ("versionId", "nextVersionId", "canonicalId"):
            assert isinstance(metadata.get(name, ""), str)


@pytest.mark.parametrize(
    ("did", "error", "status"),
    [
        ("not-a-did", "INVALID_DID", 400),
        ("did:", "INVALID_DID", 400),
        ("did:key:", "INVALID_DID", 400),
        ("did:KEY:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "INVALID_DID", 400),
        ("did:key:z6MkNotAKey", "INVALID_DID", 400),
        ("did:tetrad:aaaaaaaaaaaaaaaa", "INVALID_DID", 400),
        ("did:example:123", "METHOD_NOT_SUPPORTED", 501),
        (
            "did:tetrad:aaaaaaaaaaaaaaaa:zQmVkvoPGi9jvvuxsHDVJDgzPEzagBaWSZRYoRDzU244HjZ",
            "NOT_FOUND",
            404,
        ),
    ],
)
def test_errors_of_resolution(
    implementation: Implementation, did: str, error: str, status: int
) -> None:
    """7.1.2: an error is named, and there is no document."""
    address = f"/1.0/identifiers/{did}"
    response = implementation.client.get(address, headers={"accept": RESOLUTION})
    assert response.status_code == status, response.text
    result = response.json()
    assert result["didDocument"] is None
    assert result["didDocumentMetadata"] == {}
    found = result["didResolutionMetadata"]["error"]
    assert found["type"] == f"https://www.w3.org/ns/did#{error}"


def test_a_method_is_dereferenced_by_its_fragment(implementation: Implementation) -> None:
    """7.2."""
    for did in identifiers(implementation):
        for one in resolved(implementation, did)["didDocument"]["verificationMethod"]:
            escaped = quote(one["id"], safe="")
            accept = {"accept": "application/did-url-dereferencing"}
            response = implementation.client.get(f"/1.0/identifiers/{escaped}", headers=accept)
            assert response.status_code == 200, response.text
            assert response.json()["contentStream"]["id"] == one["id"]
