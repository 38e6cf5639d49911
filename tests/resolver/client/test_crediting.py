"""Device credentials through the SDK: issued, verified, and what a server cannot fake."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from identity.credentials.presentation import verify_presentation
from identity.credentials.signing import sign_with
from identity.credentials.status_list import new_list, read_list
from identity.credentials.subjects import model_url
from identity.errors import (
    CredentialRevoked,
    CredentialSuspended,
    EvidenceRefused,
    InvalidAnswer,
    KeystoreError,
    MalformedCredential,
    NotAccredited,
    NotFound,
    SchemaViolation,
    StaleAnswer,
    StatusUnknown,
    TetradError,
)
from identity.members import format_time
from identity.wallet import Wallet
from resolver.client import Client
from resolver.client.home import Home
from resolver.client.issuing import Issuing, Wish, presentation_of
from resolver.credential_bundle import credential_bundle_bytes, read_credential_bundle
from resolver.folder import LogSecrets, MemorySite, genesis_operation
from resolver.methods import LedgerMethods
from tests.resolver.client.conftest import Registry

LABEL = "NetworkSecurityLabel"
CODE = "(01)09506000134352(21)M-0017"
CLAIMS = {
    "scheme": "cn-ccl",
    "stars": 2,
    "standards": ["ETSI EN 303 645 V3.1.3"],
    "laboratory": "Lab",
    "filing": "CCL-2026-000117",
}
UNTIL = format_time(int(time.time()) + 86_400)


class Stage(NamedTuple):
    """A registry with a maker's meter, and a laboratory that the authority accredited."""

    registry: Registry
    client: Client
    home: Home
    authority: str
    acme: str
    lab: str
    meter: str
    grant: str

    @property
    def issuing(self) -> Issuing:
        """The laboratory at work."""
        return Issuing(self.client, self.home, self.lab)

    def issue(self, **options: Any) -> dict[str, Any]:
        """A label."""
        return self.issuing.issue(Wish(LABEL, CLAIMS, valid_until=UNTIL, **options), self.meter)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    wallet = Wallet(secrets.token_bytes)
    keys = LogSecrets.new("sandbox.local")
    registry = Registry(
        MemorySite(keys, genesis_operation(keys, wallet, now=int(time.time()), name="authority"))
    )
    client = Client("http://registry", trust=registry.trusted(), wallet=wallet, transport=registry)
    try:
        acme = str(client.create_organization("Acme").did)
        client.issue_grant(acme, "prefix", {"scheme": "gtin", "prefix": "09506000"})
        lab = str(client.create_organization("Lab").did)
        meter = client.register_device(
            {
                "object": {
                    "maker": acme,
                    "model": "M1",
                    "serial": "SN-17",
                    "sector": {"domain": "consumption", "field": "home"},
                    "ipv6": "enabled",
                },
                "code": {"scheme": "gs1", "value": CODE},
                "number": "none",
                "data": "none",
            }
        ).did
        authority = client.trust.authority
        grant = client.issue_grant(
            authority, "credential", {"types": [LABEL, "DeviceIdentity"]}, to=lab
        )
        yield Stage(registry, client, Home(tmp_path), authority, acme, lab, str(meter), grant.hash)
    finally:
        registry.stop()


def test_issued_and_verified(stage: Stage) -> None:
    issued = stage.issue()
    proved = stage.client.verify_credential(issued)
    assert proved.verified.device == stage.meter
    assert [grant.grant for grant in proved.verified.grants] == [stage.grant]
    by_code = stage.client.verify_credential(issued, device=CODE, max_age=60)
    assert by_code.verified.device == stage.meter
    (noted,) = stage.issuing.book.credentials.values()
    assert (noted.id, noted.subject) == (issued["id"], stage.meter)


def test_what_the_ledger_knows_is_taken_from_it(stage: Stage) -> None:
    issued = stage.issuing.issue(Wish("DeviceIdentity", {}), stage.meter)
    claims = issued["credentialSubject"]
    assert claims["code"]["value"] == "https://id.gs1.org/01/09506000134352/21/M-0017"
    assert (claims["maker"], claims["model"]) == (stage.acme, "M1")
    assert stage.client.verify_credential(issued).verified.type == "DeviceIdentity"


def test_about_a_model(stage: Stage) -> None:
    issued = stage.issue(model=True)
    assert issued["credentialSubject"]["id"] == model_url(stage.acme, "M1")
    with pytest.raises(SchemaViolation):
        stage.client.verify_credential(issued)
    assert stage.client.verify_credential(issued, device=CODE).verified.device == stage.meter


def test_what_is_not_accredited_is_not_even_signed(stage: Stage) -> None:
    with pytest.raises(NotAccredited):
        stage.issuing.issue(Wish("DataGradeFiling", {}), stage.meter)
    with pytest.raises(MalformedCredential):
        stage.issuing.issue(Wish("Alumni", {}), stage.meter)
    with pytest.raises(MalformedCredential) as caught:
        stage.issuing.issue(Wish(LABEL, {**CLAIMS, "stars": 4}, valid_until=UNTIL), stage.meter)
    assert caught.value.pointer.startswith("/credentialSubject")
    assert stage.issuing.book.reserved == []  # no place is taken by what is refused


def test_revoked_suspended_reinstated(stage: Stage) -> None:
    issued = stage.issue()
    stage.issuing.change(issued["id"], "suspend", "doubts")
    with pytest.raises(CredentialSuspended):
        stage.client.verify_credential(issued)
    stage.issuing.change(issued["id"], "reinstate")
    stage.client.verify_credential(issued)
    stage.issuing.change(issued["id"], "revoke", "recalled")
    with pytest.raises(CredentialRevoked):
        stage.client.verify_credential(issued)


def test_the_lists_follow_the_ledger(stage: Stage) -> None:
    """For verifiers that read no ledger: the bit is set as well."""
    issued = stage.issue()
    index = int(issued["credentialStatus"][0]["statusListIndex"])
    stage.client.suspend(stage.meter, "doubts", by=stage.acme)
    changed, lists = stage.issuing.sync()
    assert [one.id for one in changed] == [issued["id"]]
    assert sorted(lists) == ["revocation-1", "suspension-1"]
    shown = [
        read_list(stage.client.status_list(entry["statusListCredential"])).get(index)
        for entry in issued["credentialStatus"]
    ]
    assert shown == [0, 1]
    stage.client.resume(stage.meter, "fine", by=stage.acme)
    assert [one.status for one in stage.issuing.sync()[0]] == ["active"]
    stage.client.revoke(stage.meter, "stolen", by=stage.acme)
    assert [one.status for one in stage.issuing.sync()[0]] == ["revoked"]
    assert stage.issuing.sync()[0] == []


def test_a_device_revoked_in_the_ledger_before_any_list_says_so(stage: Stage) -> None:
    issued = stage.issue()
    stage.client.revoke(stage.meter, "stolen", by=stage.acme)
    with pytest.raises(CredentialRevoked, match="in the ledger"):
        stage.client.verify_credential(issued)


def test_accreditation_withdrawn(stage: Stage) -> None:
    issued = stage.issue()
    stage.client.withdraw_grant(stage.authority, stage.grant, "over")
    with pytest.raises(NotAccredited):
        stage.client.verify_credential(issued)


def test_a_bundle_is_verified_far_from_any_network(stage: Stage) -> None:
    proved = stage.client.verify_credential(stage.issue())
    data = credential_bundle_bytes(
        stage.client.trust, proved.credential, proved.evidence, proved.lists
    )
    read = read_credential_bundle(orjson.loads(data))
    now = int(time.time())
    assert read.verify(stage.registry.trusted(), now=now).device == stage.meter
    with pytest.raises(StaleAnswer):
        read.verify(read.trust, now=now + 301, within=300)
    with pytest.raises(InvalidAnswer):
        read.verify(read.trust, now=now, device=stage.acme)
    without = read._replace(lists=read.lists[:1])
    with pytest.raises(StatusUnknown):
        without.verify(read.trust, now=now)


def test_files_that_are_no_bundles(stage: Stage) -> None:
    proved = stage.client.verify_credential(stage.issue())
    good = orjson.loads(
        credential_bundle_bytes(
            stage.client.trust, proved.credential, proved.evidence, proved.lists
        )
    )
    wrong: list[Any] = [None, [], {}, {**good, "more": 1}]
    wrong += [{**good, "credentialBundle": other} for other in (True, 2, "1")]
    lists: list[Any] = [{}, [1], [{}], good["statusLists"] * 3]
    wrong += [{**good, "statusLists": other} for other in lists]
    wrong += [{**good, "credential": []}, {**good, "evidence": None}, {**good, "updates": {}}]
    for value in wrong:
        with pytest.raises(SchemaViolation):
            read_credential_bundle(value)


def _instead(stage: Stage, path: str, change: Any) -> None:
    """From now on the server tells something else at a path."""

    def lie(request: httpx.Request, answer: Any) -> httpx.Response:
        response: httpx.Response = answer(request)
        if not request.url.path.startswith(path) or request.method != "GET":
            return response
        return httpx.Response(200, json=change(response.json(), request))

    stage.registry.lie = lie


def test_a_server_shows_a_list_of_another_issuer(stage: Stage) -> None:
    """The authority, an issuer as well, signs a list at the laboratory's address."""
    issued = stage.issue()

    def foreign(value: Any, _: Any) -> Any:
        unsigned = {k: v for k, v in value.items() if k != "proof"}
        now = format_time(int(time.time()))
        return sign_with(
            stage.client.wallet,
            stage.authority,
            {**unsigned, "issuer": stage.authority},
            purpose="assertionMethod",
            created=now,
        )

    _instead(stage, "/v1/status-lists/", foreign)
    with pytest.raises(StatusUnknown):
        stage.client.verify_credential(issued)


def test_a_server_shows_another_list_of_the_same_issuer(stage: Stage) -> None:
    """The list of suspensions in the place of that of revocations."""
    issued = stage.issue()
    stage.issuing.change(issued["id"], "revoke", "recalled")
    suspensions = stage.client.status_list(issued["credentialStatus"][1]["statusListCredential"])
    _instead(stage, "/v1/status-lists/", lambda *_: suspensions)
    with pytest.raises(StatusUnknown):
        stage.client.verify_credential(issued)


def test_a_server_changes_or_hides_a_list(stage: Stage) -> None:
    issued = stage.issue()
    stage.issuing.change(issued["id"], "revoke", "recalled")

    def cleared(value: Any, _: Any) -> Any:
        subject = {**value["credentialSubject"], "encodedList": new_list("revocation").encoded()}
        return {**value, "credentialSubject": subject}

    _instead(stage, "/v1/status-lists/", cleared)
    with pytest.raises(StatusUnknown):
        stage.client.verify_credential(issued)
    stage.registry.lie = lambda request, answer: (
        httpx.Response(404, json={"code": "not_found", "detail": "none"})
        if "status-lists" in request.url.path
        else answer(request)
    )
    with pytest.raises(StatusUnknown):
        stage.client.verify_credential(issued)


def test_a_list_elsewhere_is_not_fetched(stage: Stage) -> None:
    for url in ("https://other.test/list", "http://[/v1/status-lists/x/y", "file:///etc/passwd"):
        asked = len(stage.registry.asked)
        with pytest.raises(StatusUnknown):
            stage.client.status_list(url)
        assert len(stage.registry.asked) == asked


def test_a_server_that_shows_other_evidence(stage: Stage) -> None:
    """Of the authority; cut; of no form."""
    issued = stage.issue()
    other = stage.client.accreditation(stage.authority, LABEL, stage.meter)
    old = stage.client.accreditation(stage.lab, LABEL, stage.meter)
    cut = {**old, "records": old["records"][:1]}  # type: ignore[index]
    for evidence in (other, cut, {}, {"checkpoint": 1, "state": {}, "records": [{}, {}]}):
        _instead(stage, "/v1/accreditations", lambda *_, shown=evidence: {"evidence": shown})
        with pytest.raises(EvidenceRefused):
            stage.client.verify_credential(issued)


def test_a_server_that_holds_back_a_withdrawal(stage: Stage) -> None:
    """For five minutes at most, unless the caller takes evidence of any age."""
    issued = stage.issue()
    old = stage.client.accreditation(stage.lab, LABEL, stage.meter)
    stage.client.withdraw_grant(stage.authority, stage.grant, "over")
    _instead(stage, "/v1/accreditations", lambda *_: {"evidence": old})
    later = Client(
        "http://registry",
        trust=stage.registry.trusted(),
        transport=stage.registry,
        clock=lambda: time.time() + 302,
    )
    with pytest.raises(StaleAnswer):
        later.verify_credential(issued)
    assert later.verify_credential(issued, max_age=None).verified.age.seconds in range(300, 400)


def test_presented_by_the_device(stage: Stage) -> None:
    issued, aside = stage.issue(), stage.issuing.issue(Wish("DeviceIdentity", {}), stage.meter)
    about = stage.client.device(stage.meter)["object"]
    shown = presentation_of(stage.meter, about, [issued, aside], [LABEL])
    assert shown["verifiableCredential"] == [issued]
    shown = presentation_of(stage.meter, about, [issued, aside], [])
    now = int(time.time())
    signed = sign_with(
        stage.client.wallet,
        stage.meter,
        shown,
        purpose="authentication",
        created=format_time(now),
        challenge="n-1",
        domain="lock.test",
    )
    held = verify_presentation(
        signed,
        LedgerMethods(stage.registry.site.store),
        now=now,
        challenge="n-1",
        domain="lock.test",
    )
    assert held.holder == stage.meter
    assert [one.types[1] for one in held.credentials] == [LABEL, "DeviceIdentity"]
    with pytest.raises(NotFound):
        presentation_of(stage.acme, about, [issued], [])
    with pytest.raises(KeystoreError):
        sign_with(Wallet(secrets.token_bytes), stage.meter, shown, purpose="x", created="x")


def test_the_endpoint_says_what_is_missing(stage: Stage) -> None:
    site = stage.client
    for query, pointer in (
        ({}, "/issuer"),
        ({"issuer": stage.lab}, "/type"),
        ({"issuer": stage.lab, "type": "x", "device": stage.meter}, "/type"),
        ({"issuer": stage.lab, "type": LABEL}, "/device"),
    ):
        response = stage.registry.answer(
            httpx.Request("GET", "http://registry/v1/accreditations", params=query)
        )
        assert response.status_code == 422
        assert response.json()["pointer"] == pointer
    for issuer, device, grant in (
        (stage.meter, stage.meter, None),
        (stage.lab, stage.acme, None),
        (stage.lab, stage.meter, stage.client.trust.ledger),
        (f"{stage.lab[:-1]}x", stage.meter, None),
    ):
        with pytest.raises((NotFound, TetradError)) as caught:
            site.accreditation(issuer, LABEL, device, grant=grant)
        assert caught.value.status in (400, 404)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, one in items:
            yield from _places(one, (*path, name))


@settings(
    deadline=None,
    max_examples=1,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.data())
def test_only_our_errors(stage: Stage, seed: st.DataObject) -> None:
    """A bundle with any value in it replaced by anything: refused by one of ours, or unchanged in
    what it proves."""
    proved = stage.client.verify_credential(stage.issue())
    good = orjson.loads(
        credential_bundle_bytes(
            stage.client.trust, proved.credential, proved.evidence, proved.lists
        )
    )
    places = [p for p in _places(good) if p[0] not in ("genesis", "updates")]
    now = int(time.time())
    for _ in range(200):
        place = seed.draw(st.sampled_from(places))
        changed = orjson.loads(orjson.dumps(good))
        at = changed
        for step in place[:-1]:
            at = at[step]
        at[place[-1]] = seed.draw(JSON)
        try:
            verified = read_credential_bundle(changed).verify(stage.client.trust, now=now)
        except TetradError:
            continue
        assert verified.claims == proved.verified.claims
        assert verified.grants == proved.verified.grants
