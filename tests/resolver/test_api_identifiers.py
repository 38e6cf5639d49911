"""GET /1.0/identifiers: the HTTP binding of W3C DID Resolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from identity.did import did_key
from identity.multibase import multihash
from resolver.api.identifiers import accepted
from tests.factory import Subject, key
from tests.resolver.town import INLINE, Town

RESOLUTION = "application/did-resolution"
DEREFERENCING = "application/did-url-dereferencing"
W3C = "https://www.w3.org/ns/did#"


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A town, shared by the tests of this module."""
    with Town(INLINE) as town:
        yield town


@pytest.fixture(scope="module")
def acme(town: Town) -> Subject:
    """An organization with a prefix."""
    return town.acme()


@pytest.fixture(scope="module")
def meter(town: Town, acme: Subject) -> Subject:
    """A device that serves data."""
    data = {
        "describes": "readings",
        "schema": "https://example.org/schema.json",
        "version": 1,
        "grade": "general",
        "endpoints": [{"type": "Readings", "url": "https://data.example.org/m-1"}],
        "commitment": "A" * 43,
    }
    return town.device("M-1", acme, data=data)


def ask(town: Town, did: str, accept: str = "", **options: Any) -> httpx.Response:
    headers = {"accept": accept}
    return town.get(f"/1.0/identifiers/{did}", headers=headers, **options)


def error_of(response: httpx.Response) -> str:
    result = response.json()
    assert response.headers["content-type"] == RESOLUTION
    assert (result["didDocument"], result["didDocumentMetadata"]) == (None, {})
    error: str = result["didResolutionMetadata"]["error"]["type"]
    assert error.startswith(W3C)
    return error.removeprefix(W3C)


def test_a_document_is_given_bare_or_with_its_metadata(town: Town, meter: Subject) -> None:
    bare = ask(town, meter.did)
    assert bare.headers["content-type"] == "application/did"
    document = bare.json()
    assert document["id"] == meter.did
    (method,) = document["verificationMethod"]
    assert method["id"] == meter.method[1]
    assert document["alsoKnownAs"] == ["https://id.gs1.org/01/09506000134352/21/M-1"]
    result = ask(town, meter.did, RESOLUTION)
    assert result.headers["content-type"] == RESOLUTION
    assert result.json()["didDocument"] == document
    assert result.json()["didResolutionMetadata"] == {"contentType": "application/did"}
    assert result.json()["didDocumentMetadata"]["status"] == "active"


def test_organizations_the_authority_and_did_key_resolve_too(town: Town, acme: Subject) -> None:
    for did in (acme.did, town.authority.did, did_key(key("any").public.multikey)):
        assert ask(town, did).json()["id"] == did
    shown = town.get("/1.0/testIdentifiers").json()
    for dids in shown.values():
        for did in dids:
            assert ask(town, did).status_code == 200
    assert town.get("/1.0/methods").json() == ["key", "tetrad"]
    assert town.get("/1.0/properties").json().keys() == {"key", "tetrad"}


def test_a_did_may_be_percent_encoded(town: Town, meter: Subject) -> None:
    plain = ask(town, meter.did, RESOLUTION).json()
    assert ask(town, quote(meter.did, safe=""), RESOLUTION).json() == plain
    lower = quote(meter.did, safe="").replace("%3A", "%3a")
    assert ask(town, lower, RESOLUTION).json() == plain


def test_a_fragment_names_a_part(town: Town, meter: Subject) -> None:
    encoded = quote(meter.method[1], safe="")
    assert ask(town, encoded).json()["publicKeyMultibase"] == meter.key.public.multikey
    result = ask(town, encoded, DEREFERENCING).json()
    assert result["contentStream"]["id"] == meter.method[1]
    assert ask(town, quote(f"{meter.did}#nobody", safe="")).status_code == 404
    refused = ask(town, quote(f"{meter.did}#nobody", safe=""), DEREFERENCING).json()
    assert refused["contentStream"] is None
    assert refused["dereferencingMetadata"]["error"]["type"] == W3C + "NOT_FOUND"


def test_a_service_is_a_redirect(town: Town, meter: Subject) -> None:
    url = "https://data.example.org/m-1"
    response = ask(town, f"{meter.did}?service=data-1")
    assert (response.status_code, response.content) == (303, b"")
    assert response.headers["location"] == url
    inside = quote(f"{meter.did}?service=data-1&relativeRef=/x", safe="")
    assert ask(town, inside).headers["location"] == url + "/x"
    assert ask(town, f"{meter.did}?service=data-2").status_code == 404
    listed = ask(town, f"{meter.did}?service=data-1", DEREFERENCING).json()
    assert listed["contentStream"] == [url]


def test_versions_by_entry_and_by_time(town: Town, acme: Subject) -> None:
    device = town.device("M-rotates", acme)
    first = ask(town, device.did, RESOLUTION).json()
    old_time, old_key = first["didDocumentMetadata"]["updated"], device.method[1]
    town.now += 5
    town.accept(town.rotate(device))
    newest = ask(town, device.did, RESOLUTION).json()
    assert newest["didDocument"]["verificationMethod"][0]["id"] == device.method[1] != old_key
    for query in (
        f"versionId={first['didDocumentMetadata']['versionId']}",
        f"versionTime={old_time}",
    ):
        for did in (device.did, quote(device.did, safe="")):
            then = ask(town, f"{did}?{query}", RESOLUTION).json()
            assert then["didDocument"] == first["didDocument"], query
    assert error_of(ask(town, f"{device.did}?versionId=0")) == "NOT_FOUND"
    assert error_of(ask(town, f"{device.did}?versionTime=2020-01-01T00:00:00Z")) == "NOT_FOUND"
    assert error_of(ask(town, f"{device.did}?versionTime=now")) == "INVALID_OPTIONS"


def test_what_has_ended_is_gone_and_has_no_keys(town: Town, acme: Subject) -> None:
    device = town.device("M-ends", acme)
    town.accept(town.follow(device, "status.retire", {"reason": "worn out"}, by=[acme]))
    response = ask(town, device.did, RESOLUTION)
    assert response.status_code == 410
    result = response.json()
    assert result["didDocumentMetadata"]["deactivated"] is True
    assert "verificationMethod" not in result["didDocument"]
    assert ask(town, device.did).status_code == 410


@pytest.mark.parametrize(
    ("did", "status", "code"),
    [
        ("did:tetrad:x", 400, "INVALID_DID"),
        ("did:key:z6MkNot", 400, "INVALID_DID"),
        ("not-a-did", 400, "INVALID_DID"),
        ("", 400, "INVALID_DID"),
        ("did%3Atetrad", 400, "INVALID_DID"),
        ("did:unsupported:123", 501, "METHOD_NOT_SUPPORTED"),
        ("did:tetrad:aaaaaaaaaaaaaaaa:" + multihash(b"nobody"), 404, "NOT_FOUND"),
    ],
)
def test_refusals_have_the_codes_of_the_w3c(town: Town, did: str, status: int, code: str) -> None:
    response = ask(town, did)
    assert (response.status_code, error_of(response)) == (status, code)


def test_options_and_urls_that_we_do_not_know(town: Town, meter: Subject) -> None:
    assert error_of(ask(town, f"{meter.did}?unknown=1")) == "INVALID_OPTIONS"
    encoded = quote(meter.did, safe="")
    assert error_of(ask(town, f"{encoded}?service=data-1")) == "INVALID_OPTIONS"
    assert error_of(ask(town, f"{encoded}?noCache=perhaps")) == "INVALID_OPTIONS"
    assert error_of(ask(town, quote(f"{meter.did}?x=1", safe=""))) == "INVALID_DID_URL"
    assert error_of(ask(town, quote(f"{meter.did}#a b", safe=""))) == "INVALID_DID_URL"
    assert error_of(ask(town, f"{meter.did}/path")) == "NOT_FOUND"
    assert ask(town, f"{encoded}?noCache=true").status_code == 200


def test_a_form_that_we_do_not_write_is_not_acceptable(town: Town, meter: Subject) -> None:
    for accept in ("image/png", "application/did-resolution;q=0", "text/turtle, image/*"):
        response = ask(town, meter.did, accept)
        assert (response.status_code, error_of(response)) == (406, "REPRESENTATION_NOT_SUPPORTED")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "application/did"),
        ("*/*", "application/did"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/did"),
        ("application/did+ld+json", "application/did+ld+json"),
        ("application/json;q=0.5, application/did-resolution", RESOLUTION),
        ("application/did-resolution;q=0.1, application/json", "application/json"),
        ('application/ld+json;profile="https://w3id.org/did-resolution"', None),
        ("application/did;q=nonsense", None),
    ],
)
def test_accept_is_read_by_weight(accept: str, form: str | None) -> None:
    assert accepted(accept) == form
