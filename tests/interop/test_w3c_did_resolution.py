"""W3C DID Resolution: what its test suite asks over HTTP, and what a Universal Resolver asks.

The checks are those of did-resolution-test-suite (w3c) and did-resolution-mocha-test-suite
(w3c-ccg), numbered by the section they come from, in our words and against a running service; where
theirs would be passed by a stub, more is asked. Left out, or asked otherwise:

- TLS is the affair of the proxy in front (specs/examples/nginx.conf).
- `?service=linkedDomain` of a document without that service: 200 there, NOT_FOUND here.
- `relativeRef` without a service: 200 there, INVALID_DID_URL here.
- `relativeRef=file%23section` and `dir%2Fwith%3Fquery%3Dvalue`: 400 there; the recommendation's own
  examples have them, and they are resolved here. `+` is not a space in a DID URL (RFC 3986).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx

from identity.document import did_key_document
from resolver.did_resolution import document_of
from tests.interop.resolving import RESOLUTION, SERVICE, Suite
from tests.interop.test_w3c_did_core import DID

DEREFERENCING = "application/did-url-dereferencing"
STATUSES = {
    "INVALID_DID": 400,
    "INVALID_DID_URL": 400,
    "INVALID_OPTIONS": 400,
    "NOT_FOUND": 404,
    "REPRESENTATION_NOT_SUPPORTED": 406,
    "INVALID_DID_DOCUMENT": 500,
    "INTERNAL_ERROR": 500,
    "METHOD_NOT_SUPPORTED": 501,
    "FEATURE_NOT_SUPPORTED": 501,
}
NOBODY = "did:tetrad:aaaaaaaaaaaaaaaa:zQmVkvoPGi9jvvuxsHDVJDgzPEzagBaWSZRYoRDzU244HjZ"
NOT_ASCII = ("🔥💥🚫", "Привет", "こんにちは", "مرحبا", "foo\u200bbar")
NO_TIMES = (
    "2025-10-07 12:30:45",
    "2025/10/07T12:30:45",
    "2025-13-07T12:30:45",
    "2025-10-32T12:30:45",
    "2025-10-07T25:00:00",
    "2025-10-07T12:30:60",
    "2025-10-07T12:30:45+24:00",
    "2025-10-07",
    "2025-10-07T12:30:45abc",
    "T12:30:45",
    "2025-10-07T00:00:00+02:00",
    "2025-10-07T00:00:00-05:00",
    "2025-10-07T00:00:00",
    "2025-10-07T00:00:00.123Z",
    "2025-10-07T00:00:00.999+01:00",
)


def resolved(response: httpx.Response, did: str) -> dict[str, Any]:
    """9: a resolution result, and what 4 and 4.2 ask of it."""
    assert response.status_code == 200, response.text
    assert RESOLUTION in response.headers["content-type"]
    result: dict[str, Any] = response.json()
    assert set(result) == {"didDocument", "didResolutionMetadata", "didDocumentMetadata"}
    assert DID.fullmatch(result["didDocument"]["id"])
    assert result["didDocument"]["id"] == did
    assert result["didResolutionMetadata"]["contentType"] == "application/did"
    assert "error" not in result["didResolutionMetadata"]
    for metadata in (result["didResolutionMetadata"], result["didDocumentMetadata"]):
        assert all(isinstance(one, dict) for one in metadata.get("proof", []))
        assert isinstance(metadata.get("proof", []), list)
    return result


def refused(response: httpx.Response, code: str, form: str = RESOLUTION) -> None:
    """4.4, 11, 12.1: the error, its status, and nothing besides."""
    assert response.status_code == STATUSES[code], response.text
    assert response.headers["content-type"] == form
    result = response.json()
    metadata = "dereferencingMetadata" if form == DEREFERENCING else "didResolutionMetadata"
    error = result.pop(metadata)["error"]
    assert error["type"] == f"https://www.w3.org/ns/did#{code}"
    assert error["title"]
    assert error["detail"]
    assert list(result.values()) in ([None, {}], [{}, None])


def test_4_every_did_is_resolved(suite: Suite) -> None:
    assert {did.split(":")[1] for did in suite.valid} == {"key", "tetrad"}
    for did in suite.valid:
        for accept in (RESOLUTION, "*/*"):
            result = resolved(suite.ask(did, accept), did)
            assert result["didDocument"]["verificationMethod"]


def test_4_4_what_is_no_did(suite: Suite) -> None:
    assert suite.ask("").status_code == 400
    for did in ("not-a-did", "did:example", "", "did:", "did:tetrad:"):
        refused(suite.ask(did), "INVALID_DID")


def test_4_4_a_method_that_is_not_supported(suite: Suite) -> None:
    refused(suite.ask("did:unsupported:123456789abcdefghi"), "METHOD_NOT_SUPPORTED")


def test_4_4_what_is_not_there(suite: Suite) -> None:
    refused(suite.ask(NOBODY), "NOT_FOUND")
    refused(suite.ask(NOBODY, DEREFERENCING), "NOT_FOUND", DEREFERENCING)


def test_4_4_what_is_deactivated(suite: Suite) -> None:
    response = suite.ask(suite.gone)
    assert response.status_code == 410
    result = response.json()
    assert result["didDocument"] is None
    assert result["didDocumentMetadata"]["deactivated"] is True


def test_3_parameters_are_ascii(suite: Suite) -> None:
    names = ("service", "serviceType", "relativeRef", "versionId", "versionTime", "hl", "accept")
    for did in suite.valid:
        for name in names:
            for value in NOT_ASCII:
                query = f"{name}={quote(value)}"
                assert suite.ask(f"{did}?{query}").status_code == 400


def test_3_a_relative_reference_is_encoded(suite: Suite) -> None:
    asked = {"service": "data-1", "relativeRef": "my path/file"}
    refused(suite.ask(suite.device, DEREFERENCING, **asked), "INVALID_DID_URL", DEREFERENCING)
    found = suite.ask(suite.device, DEREFERENCING, service="data-1", relativeRef="my%20path/file")
    assert found.headers["location"] == "https://meters.example.org/data/my%20path/file"


def test_3_1_times(suite: Suite) -> None:
    for time in NO_TIMES:
        for did in (suite.device, quote(suite.device, safe="")):
            refused(suite.ask(did, versionTime=time), "INVALID_OPTIONS")
    resolved(suite.ask(suite.device, versionTime="2099-10-07T14:30:00Z"), suite.device)
    refused(suite.ask(suite.device, versionTime="2001-10-07T14:30:00Z"), "NOT_FOUND")


def test_12_1_forms(suite: Suite) -> None:
    for did in suite.valid:
        document = suite.ask(did).json()["didDocument"]
        for form in ("application/did", "application/did+json", "application/did+ld+json"):
            bare = suite.ask(did, form)
            assert bare.headers["content-type"] == form
            assert bare.json() == document
        dereferenced = suite.ask(did, DEREFERENCING)
        assert dereferenced.headers["content-type"] == DEREFERENCING
        assert dereferenced.json()["contentStream"] == document
        assert set(dereferenced.json()) == {
            "contentStream",
            "dereferencingMetadata",
            "contentMetadata",
        }
    unknown = suite.ask(suite.device, "application/x-unsupported-did-representation-99999")
    refused(unknown, "REPRESENTATION_NOT_SUPPORTED")


def test_12_1_encoded_dids_and_options(suite: Suite) -> None:
    for did in suite.valid:
        whole = quote(did, safe="")
        assert resolved(suite.ask(whole), did) == resolved(suite.ask(did), did)
        resolved(suite.ask(whole, expandRelativeUrls="true", noCache="true"), did)
        refused(suite.ask(whole, option1="value1"), "FEATURE_NOT_SUPPORTED")


def test_12_1_post(suite: Suite) -> None:
    for did in suite.valid:
        headers = {"accept": RESOLUTION}
        path = f"/1.0/identifiers/{did}"
        posted = suite.implementation.client.post(path, json={}, headers=headers)
        assert resolved(posted, did) == resolved(suite.ask(did), did)
    version = suite.ask(suite.device).json()["didDocumentMetadata"]["versionId"]
    options = {"versionId": version}
    path = f"/1.0/identifiers/{suite.device}"
    posted = suite.implementation.client.post(path, json=options, headers=headers)
    assert posted.json()["didDocumentMetadata"]["versionId"] == version
    options = {"versionId": str(int(version) + 1_000_000)}
    refused(suite.implementation.client.post(path, json=options, headers=headers), "NOT_FOUND")


def test_5_4_a_verification_method(suite: Suite) -> None:
    for form in (DEREFERENCING, "application/json", "application/did"):
        response = suite.ask(quote(suite.method, safe=""), form)
        assert response.status_code == 200
        assert response.headers["content-type"] == form
        content = response.json()
        if form == DEREFERENCING:
            assert content["dereferencingMetadata"] == {"contentType": "application/did"}
            content = content["contentStream"]
        assert "dereferencingMetadata" not in content
        assert content["id"] == suite.method
        assert content["type"] == "Multikey"
        assert content["@context"]


def test_5_4_a_service(suite: Suite) -> None:
    for query in ("service=data-1", "serviceType=Readings", "service=data-1&serviceType=Readings"):
        whole = quote(f"{suite.device}?{query}", safe="")
        for accept in (DEREFERENCING, "text/uri-list", "*/*"):
            response = suite.ask(whole, accept)
            assert (response.status_code, response.content) == (303, b"")
            assert response.headers["location"] == SERVICE
    whole = quote(f"{suite.device}?service=data-1&relativeRef=/resume.pdf", safe="")
    assert suite.ask(whole).status_code == 400  # it is no DID that could be resolved
    location = suite.ask(whole, DEREFERENCING).headers["location"]
    assert location == "https://meters.example.org/resume.pdf"
    selected = suite.ask(quote(f"{suite.device}?service=data-1", safe=""), "application/did").json()
    assert [one["serviceEndpoint"] for one in selected["service"]] == [SERVICE]


def test_a_universal_resolver_drives_it(suite: Suite) -> None:
    """Its part: GET /1.0/identifiers/$1 with the Accept headers that it sends, then the lists."""
    for did in suite.valid:
        for accept in (
            'application/ld+json;profile="https://w3id.org/did-resolution"',
            "application/did-resolution,application/did;q=0.9,*/*;q=0.1",
        ):
            result = suite.ask(did, accept)
            assert result.status_code == 200
            assert "did-resolution" in result.headers["content-type"]
            assert result.json()["didDocument"]["id"] == did
    client = suite.implementation.client
    methods = client.get("/1.0/methods").json()
    assert methods == ["key", "tetrad"]
    assert client.get("/1.0/properties").json().keys() == set(methods)
    for method, dids in client.get("/1.0/testIdentifiers").json().items():
        for did in dids:
            assert did.startswith(f"did:{method}:")
            resolved(suite.ask(did), did)


def test_did_resolver_of_npm(suite: Suite, node: Callable[[str, str, Any], Any]) -> None:
    endpoint = f"{str(suite.implementation.client.base_url).rstrip('/')}/1.0/identifiers/"
    asked = [*suite.valid, suite.gone, NOBODY, suite.valid[0], "did:other:1", "not a did"]
    found = node("dids.mjs", "resolve", {"endpoint": endpoint, "asked": asked})
    count = len(suite.valid)
    for did, result in zip(suite.valid, found, strict=False):
        assert result == suite.ask(did).json()
    gone, nobody, again, other, none = found[count:]
    assert gone["didDocumentMetadata"]["deactivated"] is True
    assert nobody["didResolutionMetadata"]["error"]["type"].endswith("#NOT_FOUND")
    assert again == found[0]
    assert other["didResolutionMetadata"]["error"] == "unsupportedDidMethod"
    assert none["didResolutionMetadata"]["error"] == "invalidDid"


def test_a_client_makes_the_document_of_what_was_proved(suite: Suite) -> None:
    """The metadata lead to the evidence; verified, it gives the same document."""
    result = suite.ask(suite.device).json()
    (proof,) = result["didDocumentMetadata"]["proof"]
    assert proof["type"] == "TetradEvidence"
    assert proof["ledger"] == suite.client.trust.ledger
    assert suite.implementation.client.get(proof["evidence"]).json()["proof"]["checkpoint"]
    assert suite.client.did_document(suite.device) == result["didDocument"]
    record = suite.client.resolve(suite.device).device
    assert document_of(record) == result["didDocument"]
    key = next(did for did in suite.valid if did.startswith("did:key:"))
    assert suite.client.did_document(key) == did_key_document(key.rpartition(":")[2])
