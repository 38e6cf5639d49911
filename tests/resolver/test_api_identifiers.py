"""/1.0/identifiers: the HTTP binding of W3C DID Resolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Route

from identity.did import did_key
from identity.errors import Delegated, NotFound, Unavailable
from identity.multibase import multihash
from registry.state import state_key
from registry.store import MemoryStore
from resolver.api.did_results import OLD_RESOLUTION, accepted
from resolver.api.frame import Direct
from resolver.api.identifiers import IdentifierEndpoints
from resolver.directory import OwnLedger
from resolver.resolution import Asked, Found
from tests.factory import Subject, key
from tests.resolver.town import INLINE, Town

RESOLUTION = "application/did-resolution"
DEREFERENCING = "application/did-url-dereferencing"
BARE = "application/did"
W3C = "https://www.w3.org/ns/did#"
URL = "https://data.example.org/readings/m-1"


def data_at(*endpoints: tuple[str, str]) -> dict[str, Any]:
    """A data record that is served there."""
    return {
        "describes": "readings",
        "schema": "https://example.org/schema.json",
        "version": 1,
        "grade": "general",
        "endpoints": [{"type": kind, "url": url} for kind, url in endpoints],
        "commitment": "A" * 43,
    }


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
    """A device that serves data in two ways."""
    data = data_at(("Readings", URL), ("LwM2M", "coaps://m-1.example.org/9/now"))
    return town.device("M-1", acme, data=data)


def ask(town: Town, did: str, accept: str = "", **options: Any) -> httpx.Response:
    headers = {"accept": accept}
    return town.get(f"/1.0/identifiers/{did}", headers=headers, **options)


def post(town: Town, did: str, options: object, accept: str = "") -> httpx.Response:
    body = options if isinstance(options, bytes) else orjson.dumps(options)
    path = f"/1.0/identifiers/{did}"
    return town.request("POST", path, content=body, headers={"accept": accept})


def error_of(response: httpx.Response) -> str:
    result = response.json()
    form = response.headers["content-type"]
    if form == DEREFERENCING:
        assert (result["contentStream"], result["contentMetadata"]) == (None, {})
        error = result["dereferencingMetadata"]["error"]
    else:
        assert form in (RESOLUTION, OLD_RESOLUTION)
        assert (result["didDocument"], result["didDocumentMetadata"]) == (None, {})
        error = result["didResolutionMetadata"]["error"]
    assert error["type"].startswith(W3C)
    assert error["status"] == response.status_code
    assert error["title"]
    assert error["detail"]
    code: str = error["type"].removeprefix(W3C)
    return code


def encoded(text: str) -> str:
    return quote(text, safe="")


def test_a_document_is_given_bare_or_with_its_metadata(town: Town, meter: Subject) -> None:
    document = None
    for form in (BARE, "application/did+json", "application/did+ld+json", "application/json"):
        bare = ask(town, meter.did, form)
        assert bare.headers["content-type"] == form
        assert bare.headers["vary"] == "accept"
        assert document in (None, bare.json())
        document = bare.json()
    assert document is not None
    assert document["id"] == meter.did
    (method,) = document["verificationMethod"]
    assert method["id"] == meter.method[1]
    assert document["alsoKnownAs"] == ["https://id.gs1.org/01/09506000134352/21/M-1"]
    for accept in (RESOLUTION, "", "*/*", "text/html,application/xhtml+xml,*/*;q=0.8"):
        result = ask(town, meter.did, accept)
        assert result.headers["content-type"] == RESOLUTION
        assert result.json()["didDocument"] == document
        assert result.json()["didResolutionMetadata"] == {"contentType": BARE}
        assert result.json()["didDocumentMetadata"]["status"] == "active"
    dereferenced = ask(town, meter.did, DEREFERENCING).json()
    assert dereferenced["contentStream"] == document
    assert dereferenced["contentMetadata"] == result.json()["didDocumentMetadata"]


def test_organizations_the_authority_and_did_key_resolve_too(town: Town, acme: Subject) -> None:
    for did in (acme.did, town.authority.did, did_key(key("any").public.multikey)):
        assert ask(town, did, BARE).json()["id"] == did
    shown = town.get("/1.0/testIdentifiers").json()
    for dids in shown.values():
        for did in dids:
            assert ask(town, did).status_code == 200
    assert town.get("/1.0/methods").json() == ["key", "tetrad"]
    assert town.get("/1.0/properties").json().keys() == {"key", "tetrad"}


def test_a_did_may_be_percent_encoded(town: Town, meter: Subject) -> None:
    plain = ask(town, meter.did, RESOLUTION).json()
    assert ask(town, encoded(meter.did), RESOLUTION).json() == plain
    lower = encoded(meter.did).replace("%3A", "%3a")
    assert ask(town, lower, RESOLUTION).json() == plain
    head = town.request("HEAD", f"/1.0/identifiers/{meter.did}")
    assert head.status_code == 200


def test_a_fragment_names_a_part(town: Town, meter: Subject) -> None:
    document = ask(town, meter.did, BARE).json()
    # A fragment never leaves a client, so that it has to be encoded; the rest may be plain.
    for url in (encoded(meter.method[1]), meter.method[1].replace("#", "%23")):
        bare = ask(town, url, BARE).json()
        assert bare["publicKeyMultibase"] == meter.key.public.multikey
        assert bare["@context"] == document["@context"]
        result = ask(town, url, DEREFERENCING)
        assert result.json()["contentStream"] == bare
        assert ask(town, url).content == result.content
    service = ask(town, encoded(f"{meter.did}#data-1"), DEREFERENCING).json()["contentStream"]
    assert service["serviceEndpoint"] == URL
    nobody = encoded(f"{meter.did}#nobody")
    assert error_of(ask(town, nobody, BARE)) == "NOT_FOUND"
    assert error_of(ask(town, nobody, DEREFERENCING)) == "NOT_FOUND"
    assert error_of(ask(town, nobody, "text/uri-list")) == "NOT_FOUND"
    method = encoded(meter.method[1])
    assert error_of(ask(town, method, "text/uri-list")) == "REPRESENTATION_NOT_SUPPORTED"


def test_what_is_resolved_is_a_did(town: Town, meter: Subject) -> None:
    for url in (f"{meter.did}#data-1", f"{meter.did}?service=data-1", f"{meter.did}/path"):
        assert error_of(ask(town, encoded(url), RESOLUTION)) == "INVALID_DID"


def test_a_verification_method_must_be_good_for_what_is_wanted(town: Town, meter: Subject) -> None:
    method = encoded(meter.method[1])
    for relationship in ("authentication", "assertionMethod", "capabilityInvocation"):
        asked = f"{method}?verificationRelationship={relationship}"
        assert ask(town, asked, BARE).json()["id"] == meter.method[1]
    refused = ask(town, f"{method}?verificationRelationship=keyAgreement", DEREFERENCING)
    assert error_of(refused) == "NOT_FOUND"
    reason = refused.json()["dereferencingMetadata"]["error"]["reason"]
    assert reason.endswith("#INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD")
    service = encoded(f"{meter.did}#data-1")
    refused = ask(town, f"{service}?verificationRelationship=authentication", DEREFERENCING)
    assert error_of(refused) == "NOT_FOUND"
    reason = refused.json()["dereferencingMetadata"]["error"]["reason"]
    assert reason.endswith("#INVALID_VERIFICATION_METHOD")
    whole = f"{encoded(meter.did)}?verificationRelationship=authentication"
    assert error_of(ask(town, whole, BARE)) == "INVALID_OPTIONS"
    unknown = f"{method}?verificationRelationship=friendship"
    assert error_of(ask(town, unknown, BARE)) == "INVALID_OPTIONS"


def test_a_service_is_a_redirect(town: Town, meter: Subject) -> None:
    for asked in (f"{meter.did}?service=data-1", encoded(f"{meter.did}?service=data-1")):
        for accept in ("", "*/*", DEREFERENCING, "text/uri-list"):
            response = ask(town, asked, accept)
            assert (response.status_code, response.content) == (303, b"")
            assert response.headers["location"] == URL
    for named in ("%23data-1", encoded(f"{meter.did}#data-1")):
        assert ask(town, f"{meter.did}?service={named}").headers["location"] == URL
    second = ask(town, f"{meter.did}?serviceType=LwM2M")
    assert second.headers["location"] == "coaps://m-1.example.org/9/now"
    assert error_of(ask(town, f"{meter.did}?service=data-1&serviceType=LwM2M")) == "NOT_FOUND"
    for accept in ("", DEREFERENCING, BARE, "text/uri-list"):
        assert error_of(ask(town, f"{meter.did}?service=data-3", accept)) == "NOT_FOUND"


def test_who_asks_for_a_document_gets_the_selected_services_in_it(
    town: Town, meter: Subject
) -> None:
    document = ask(town, meter.did, BARE).json()
    selected = ask(town, f"{meter.did}?serviceType=LwM2M", BARE).json()
    assert selected == {**document, "service": document["service"][1:]}


@pytest.mark.parametrize(
    ("reference", "location"),
    [
        ("%2Fother", "https://data.example.org/other"),
        ("/other", "https://data.example.org/other"),
        ("other", "https://data.example.org/readings/other"),
        ("other%2Fone%3Fday%3D1%26n%3D2", "https://data.example.org/readings/other/one?day=1&n=2"),
        ("%3Fday%3D1", URL + "?day=1"),
        ("a+b", "https://data.example.org/readings/a+b"),
        ("my%2520path", "https://data.example.org/readings/my%20path"),
        ("x%23part", "https://data.example.org/readings/x#part"),
        ("", URL),
    ],
)
def test_a_relative_reference_is_resolved_against_the_service(
    town: Town, meter: Subject, reference: str, location: str
) -> None:
    response = ask(town, f"{meter.did}?service=data-1&relativeRef={reference}")
    assert (response.status_code, response.headers.get("location")) == (303, location)


@pytest.mark.parametrize(
    "reference",
    [
        "../secret",
        "a/../../secret",
        "%2E%2E%2Fsecret",
        "%252e%252E%252Fsecret",
        "..%5Csecret",
        "./x",
        "https:%2F%2Fevil.example%2F",
        "%2F%2Fevil.example",
        "javascript:alert(1)",
        "my%20path",
        "x%0D%0ALocation:%20y",
        "%25zz",
        "x%23a%23b",
        "%E2%82%AC",
    ],
)
def test_a_relative_reference_stays_where_the_service_is(
    town: Town, meter: Subject, reference: str
) -> None:
    response = ask(town, f"{meter.did}?service=data-1&relativeRef={reference}")
    assert error_of(response) == "INVALID_DID_URL"


def test_the_fragment_goes_along_to_the_service(town: Town, meter: Subject) -> None:
    asked = encoded(f"{meter.did}?service=data-1&relativeRef=x#intro")
    assert ask(town, asked).headers["location"].endswith("/readings/x#intro")
    twice = encoded(f"{meter.did}?service=data-1&relativeRef=x%23a#intro")
    assert error_of(ask(town, twice)) == "INVALID_DID_URL"
    assert error_of(ask(town, f"{meter.did}?relativeRef=x")) == "INVALID_DID_URL"


def test_versions_by_entry_and_by_time(town: Town, acme: Subject) -> None:
    device = town.device("M-rotates", acme)
    first = ask(town, device.did).json()
    then, old_key = first["didDocumentMetadata"], device.method[1]
    assert then.keys() == {"created", "versionId", "status", "proof"}  # never updated, the newest
    town.now += 5
    town.accept(town.rotate(device))
    newest = ask(town, device.did).json()
    now = newest["didDocumentMetadata"]
    assert newest["didDocument"]["verificationMethod"][0]["id"] == device.method[1] != old_key
    assert now["created"] == then["created"] < now["updated"]
    for query in (f"versionId={then['versionId']}", f"versionTime={then['created']}"):
        for did in (device.did, encoded(device.did), encoded(f"{device.did}?{query}")):
            older = ask(town, did if "%3F" in did else f"{did}?{query}").json()
            assert older["didDocument"] == first["didDocument"], query
            metadata = older["didDocumentMetadata"]
            assert metadata["nextVersionId"] == now["versionId"]
            assert metadata["nextUpdate"] == now["updated"]
        name, _, value = query.partition("=")
        assert post(town, device.did, {name: value}).json() == older
    part = encoded(f"{device.did}?versionId={then['versionId']}#{old_key.partition('#')[2]}")
    assert ask(town, part, BARE).json()["id"] == old_key
    assert error_of(ask(town, f"{device.did}?versionId=0")) == "NOT_FOUND"
    assert error_of(ask(town, f"{device.did}?versionTime=2020-01-01T00:00:00Z")) == "NOT_FOUND"


@pytest.mark.parametrize(
    "time",
    [
        "now",
        "2025-10-07",
        "2025-10-07 12:30:45",
        "2025-13-07T12:30:45Z",
        "2025-10-07T12:30:60Z",
        "2025-10-07T00:00:00",
        "2025-10-07T00:00:00+02:00",
        "2025-10-07T00:00:00.123Z",
    ],
)
def test_a_time_is_normalized(town: Town, meter: Subject, time: str) -> None:
    for did in (meter.did, encoded(meter.did)):
        asked = ask(town, f"{did}?versionTime={encoded(time)}")
        assert error_of(asked) == "INVALID_OPTIONS"
    assert error_of(post(town, meter.did, {"versionTime": time})) == "INVALID_OPTIONS"


def test_what_has_ended_is_gone_and_has_no_document(town: Town, acme: Subject) -> None:
    device = town.device("M-ends", acme)
    before = ask(town, device.did, BARE).json()
    version = ask(town, device.did).json()["didDocumentMetadata"]["versionId"]
    town.accept(town.follow(device, "status.retire", {"reason": "worn out"}, by=[acme]))
    for accept in (RESOLUTION, "*/*", BARE):
        response = ask(town, device.did, accept)
        assert (response.status_code, response.headers["content-type"]) == (410, RESOLUTION)
        result = response.json()
        assert result["didDocument"] is None
        assert result["didDocumentMetadata"]["deactivated"] is True
        assert result["didDocumentMetadata"]["status"] == "retired"
        assert "error" not in result["didResolutionMetadata"]
    part = ask(town, encoded(device.method[1]), DEREFERENCING)
    assert part.status_code == 410
    assert part.json()["contentStream"] is None
    assert part.json()["contentMetadata"]["deactivated"] is True
    # What was signed before the end can still be judged by the document of then.
    older = ask(town, f"{device.did}?versionId={version}", BARE)
    assert (older.status_code, older.json()) == (200, before)


@pytest.mark.parametrize(
    ("did", "status", "code"),
    [
        ("did:tetrad:x", 400, "INVALID_DID"),
        ("did:key:z6MkNot", 400, "INVALID_DID"),
        ("did:example", 400, "INVALID_DID"),
        ("not-a-did", 400, "INVALID_DID"),
        ("", 400, "INVALID_DID"),
        ("did%3Atetrad", 400, "INVALID_DID"),
        ("did:unsupported:123", 501, "METHOD_NOT_SUPPORTED"),
        ("did:tetrad:aaaaaaaaaaaaaaaa:" + multihash(b"nobody"), 404, "NOT_FOUND"),
    ],
)
def test_refusals_have_the_codes_of_the_w3c(town: Town, did: str, status: int, code: str) -> None:
    for accept in (RESOLUTION, DEREFERENCING, BARE, "*/*", OLD_RESOLUTION):
        response = ask(town, did, accept)
        assert (response.status_code, error_of(response)) == (status, code)


def test_options_and_urls_that_we_do_not_know(town: Town, meter: Subject) -> None:
    plain, whole = meter.did, encoded(meter.did)
    for did in (plain, whole):
        assert error_of(ask(town, f"{did}?unknown=1")) == "FEATURE_NOT_SUPPORTED"
        assert error_of(ask(town, f"{did}?accept=x")) == "INVALID_OPTIONS"
        assert error_of(ask(town, f"{did}?noCache=perhaps")) == "INVALID_OPTIONS"
        assert error_of(ask(town, f"{did}?versionId=-1")) == "INVALID_OPTIONS"
        assert ask(town, f"{did}?noCache=true").status_code == 200
        expanded = ask(town, f"{did}?expandRelativeUrls=true")
        assert expanded.json() == ask(town, plain).json()
    assert error_of(ask(town, f"{whole}?service=data-1")) == "INVALID_OPTIONS"
    assert error_of(ask(town, f"{whole}?versionId=1&versionId=1")) == "INVALID_OPTIONS"
    assert error_of(ask(town, f"{whole}?versionId=%F0%9F%94%A5")) == "INVALID_OPTIONS"
    assert error_of(ask(town, f"{plain}?versionId=%F0%9F%94%A5")) == "INVALID_DID_URL"
    assert error_of(ask(town, f"{plain}?service=data-1&service=data-1")) == "INVALID_DID_URL"
    assert error_of(ask(town, encoded(f"{plain}#a b"))) == "INVALID_DID_URL"
    assert error_of(ask(town, f"{plain}?noCache=true&x[]=1")) == "INVALID_DID_URL"
    both = f"{plain}?versionId=1&versionTime=2026-01-01T00:00:00Z"
    assert error_of(ask(town, both)) == "INVALID_OPTIONS"
    assert (
        error_of(ask(town, f"{encoded(plain + '?versionId=1')}?versionId=2")) == "INVALID_OPTIONS"
    )
    for path in ("/path", "/", "/a%2Fb", "/a%3Fb"):
        assert error_of(ask(town, plain + path)) == "NOT_FOUND"


def test_a_did_key_has_no_versions(town: Town) -> None:
    did = did_key(key("any").public.multikey)
    for option in ("versionId=1", "versionTime=2026-01-01T00:00:00Z"):
        assert error_of(ask(town, f"{did}?{option}")) == "FEATURE_NOT_SUPPORTED"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"unknown": "1"}, "FEATURE_NOT_SUPPORTED"),
        ({"accept": BARE}, "INVALID_OPTIONS"),
        ({"service": "data-1"}, "INVALID_OPTIONS"),
        ({"versionId": 5}, "INVALID_OPTIONS"),
        ({"noCache": "maybe"}, "INVALID_OPTIONS"),
        ([], "INVALID_OPTIONS"),
        (b"{", "INVALID_OPTIONS"),
        (b"[" * 50_000, "INVALID_OPTIONS"),
        (b'{"versionId": "1", "versionId": "2"}', "INVALID_OPTIONS"),
    ],
)
def test_options_in_a_body(town: Town, meter: Subject, body: object, code: str) -> None:
    assert error_of(post(town, meter.did, body)) == code


def test_a_post_resolves_like_a_get(town: Town, meter: Subject) -> None:
    for body in (b"", {}, {"noCache": True, "expandRelativeUrls": False}):
        assert post(town, meter.did, body).json() == ask(town, meter.did).json()
    found = post(town, f"{meter.did}?service=data-1", {"noCache": "true"})
    assert (found.status_code, found.headers["location"]) == (303, URL)
    bare = post(town, meter.did, {}, BARE)
    assert bare.json()["id"] == meter.did
    assert post(town, meter.did, b" " * 200_000).status_code == 413


def test_a_form_that_we_do_not_write_is_not_acceptable(town: Town, meter: Subject) -> None:
    for accept in ("image/png", "application/did-resolution;q=0", "text/turtle, image/*"):
        response = ask(town, meter.did, accept)
        assert (response.status_code, error_of(response)) == (406, "REPRESENTATION_NOT_SUPPORTED")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", ""),
        ("*/*", ""),
        ("text/html,application/xhtml+xml,*/*;q=0.8", ""),
        ("application/did+ld+json", "application/did+ld+json"),
        ("application/json;q=0.5, application/did-resolution", RESOLUTION),
        ("application/did-resolution;q=0.1, application/json", "application/json"),
        ('application/did-resolution;profile="x"', RESOLUTION),
        ('application/ld+json;profile="https://w3id.org/did-resolution"', OLD_RESOLUTION),
        ("application/ld+json", None),
        ("application/did;q=nonsense", None),
    ],
)
def test_accept_is_read_by_weight(accept: str, form: str | None) -> None:
    assert accepted(accept) == form


class Elsewhere(OwnLedger):
    """A directory that knows one device of another ledger, and where else to ask."""

    def __init__(self, found: Found) -> None:
        self.found = found

    def did(self, did: str) -> Asked:
        return Asked(("did", did))

    async def find(self, asked: Asked, *, at: str | None = None) -> Found:
        did = asked.key[1]
        if at is not None:
            raise NotFound(f"no such device at {at}")
        if did == self.found.device["did"]:
            return self.found
        if did.endswith(multihash(b"down")):
            raise Unavailable("the node does not answer")
        raise Delegated("another node", referral={"grant": "zQm"})


def test_devices_of_other_ledgers_are_asked_of_the_directory(town: Town, meter: Subject) -> None:
    record = orjson.loads(town.get(f"/v1/devices/{meter.did}").content)["device"]
    other = "did:tetrad:aaaaaaaaaaaaaaaa:" + multihash(b"other")
    found = Found(orjson.dumps({**record, "did": other}), 7, Asked(("did", other)))
    with Town(INLINE) as recursive:
        endpoints = [
            one.endpoint.app.__self__  # type: ignore[attr-defined]
            for one in recursive.app.routes
            if isinstance(one, Route) and isinstance(one.endpoint, Direct)
            if isinstance(getattr(one.endpoint.app, "__self__", None), IdentifierEndpoints)
        ]
        endpoints[0]._directory = Elsewhere(found)
        document = ask(recursive, other, BARE).json()
        assert document["id"] == other
        assert document["verificationMethod"][0]["controller"] == other
        metadata = ask(recursive, other).json()["didDocumentMetadata"]
        assert metadata["proof"][0]["ledger"] == "aaaaaaaaaaaaaaaa"
        for option in ("versionId=1", "noCache=true"):
            assert error_of(ask(recursive, f"{other}?{option}")) == "FEATURE_NOT_SUPPORTED"
        then = ask(recursive, f"{other}?versionTime=2020-01-01T00:00:00Z")
        assert error_of(then) == "NOT_FOUND"
        assert "2020" in then.text
        delegated = ask(recursive, "did:tetrad:bbbbbbbbbbbbbbbb:" + multihash(b"other"))
        assert error_of(delegated) == "NOT_FOUND"
        error = delegated.json()["didResolutionMetadata"]["error"]
        assert error["referral"] == {"grant": "zQm"}
        down = ask(recursive, "did:tetrad:bbbbbbbbbbbbbbbb:" + multihash(b"down"))
        assert (down.status_code, error_of(down)) == (500, "INTERNAL_ERROR")


def test_what_goes_wrong_with_us_has_the_form_of_the_w3c(
    town: Town, meter: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stored,) = town.site.store.records([state_key(("did", meter.did))])
    assert stored is not None
    broken = stored.replace(b'"keys":["z6Mk', b'"keys":["z6Mx')
    monkeypatch.setattr(MemoryStore, "records", lambda *_: [broken])
    response = ask(town, meter.did)
    assert (response.status_code, error_of(response)) == (500, "INVALID_DID_DOCUMENT")
    monkeypatch.setattr(MemoryStore, "records", lambda *_: 1 / 0)
    for accept in (RESOLUTION, DEREFERENCING, BARE):
        response = ask(town, meter.did, accept)
        assert (response.status_code, error_of(response)) == (500, "INTERNAL_ERROR")
        assert b"division" not in response.content


@given(st.text(max_size=60), st.sampled_from(["", RESOLUTION, DEREFERENCING, BARE]), st.booleans())
def test_whatever_is_asked_is_answered(
    town: Town, meter: Subject, text: str, accept: str, plain: bool
) -> None:
    safe = "/?=&:;,+%@!$'()*" if plain else ""
    for asked in (text, f"{meter.did}{text}", f"{meter.did}?{text}", f"{meter.did}?service={text}"):
        response = ask(town, quote(asked, safe=safe), accept)
        assert response.status_code in (200, 303, 400, 404, 406, 501)
