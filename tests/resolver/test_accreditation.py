"""Device credentials and their evidence: what holds, and everything that must not."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest

from identity.credentials.device import TYPES
from identity.credentials.subjects import model_url
from identity.errors import (
    CredentialOutOfTime,
    CredentialRefused,
    CredentialRevoked,
    CredentialSuspended,
    ForgedProof,
    InvalidAnswer,
    InvalidCheckpoint,
    InvalidStateProof,
    MalformedCredential,
    MalformedProof,
    NotAccredited,
    StaleAnswer,
    StatusUnknown,
    TetradError,
    UnknownMethod,
)
from identity.members import format_time
from resolver.accreditation import Accreditation, Bearer, Link, Party, _check_in_force
from resolver.credential_bundle import lists_at_hand
from tests.factory import Subject
from tests.resolver.accrediting import LABEL, Street, Value

DAY = 86_400


@pytest.fixture
def street() -> Street:
    return Street()


def refusal(street: Street, credential: Any, evidence: Any, **options: Any) -> TetradError:
    with pytest.raises(TetradError) as caught:
        street.verify(credential, evidence, **options)
    return caught.value


def test_each_link_is_said(street: Street) -> None:
    held = street.verify(street.issue(LABEL, street.lab), street.evidence(street.lab))
    assert (held.type, held.issuer, held.device) == (LABEL, street.lab.did, street.meter.did)
    assert held.claims["stars"] == 2
    assert [grant.grant for grant in held.grants] == [street.own.hash, street.above.hash]
    assert held.authority == street.authority.did
    said = "\n".join(held.steps)
    for link in (street.lab.did, street.own.hash, street.office.did, street.above.hash):
        assert link in said
    assert street.authority.did in said
    assert f"entry {held.state.root.index}" in said


@pytest.mark.parametrize("name", list(TYPES))
def test_every_type_by_the_authority_itself(street: Street, name: str) -> None:
    """The authority needs no grant: the genesis is its right."""
    graded = {
        "describes": "load profile",
        "schema": "urn:test:schema",
        "version": 1,
        "grade": "general",
        "endpoints": [],
        "commitment": street.meter.first.operation["body"]["object"]["serial"],  # type: ignore[union-attr]
    }
    meter = street.device("M-2", street.acme, data=graded)
    issued = street.issue(name, street.authority, street.claims(name, meter))
    held = street.verify(issued, street.evidence(street.authority, name, meter))
    assert (held.type, held.grants) == (name, ())


def test_about_a_model_and_held_against_each_device_of_it(street: Street) -> None:
    model = model_url(street.acme.did, "M1")
    issued = street.issue(LABEL, street.lab, street.claims(LABEL, street.meter, id=model))
    another = street.device("M-2", street.acme)
    for meter in (street.meter, another):
        evidence = street.evidence(street.lab, device=meter)
        assert street.verify(issued, evidence, device=meter.did).device == meter.did


def test_about_the_model_of_another_maker(street: Street) -> None:
    model = model_url(street.office.did, "M1")
    claims = street.claims(LABEL, street.meter, id=model, maker=street.office.did)
    issued = street.issue(LABEL, street.lab, claims)
    assert (
        refusal(street, issued, street.evidence(street.lab)).pointer == "/credentialSubject/model"
    )


def test_about_another_device(street: Street) -> None:
    other = street.device("M-2", street.acme)
    issued = street.issue(LABEL, street.lab, street.claims(LABEL, other))
    shown = street.evidence(street.lab)
    assert type(refusal(street, issued, shown)) is CredentialRefused
    shown = street.evidence(street.lab, device=other)
    assert type(refusal(street, issued, shown, device=street.meter.did)) is InvalidAnswer


def test_what_the_ledger_knows_better(street: Street) -> None:
    """Another model, another code, another grade."""
    wrong: dict[str, Value] = {
        LABEL: {"model": "M2"},
        "DeviceIdentity": {
            "code": {"scheme": "gs1", "value": "https://id.gs1.org/01/09506000134352/21/X"}
        },
        "DataGradeFiling": {"grade": "core"},
    }
    for name, members in wrong.items():
        claims = street.claims(name, street.meter, **members)
        issued = street.issue(name, street.authority, claims)
        shown = street.evidence(street.authority, name)
        assert type(refusal(street, issued, shown)) is CredentialRefused, name


def test_accreditation_withdrawn_yesterday(street: Street) -> None:
    """Of the issuer's own grant, and of the one above it; `created` says nothing against it."""
    issued = street.issue(LABEL, street.lab)
    for grant in (street.own, street.above):
        body = {"grant": grant.hash, "reason": "over"}
        street.accept(street.follow(street.authority, "grant.withdraw", body))
        street.now += DAY
        shown = street.evidence(street.lab, grant=street.own)
        assert isinstance(refusal(street, issued, shown), NotAccredited)
        with pytest.raises(NotAccredited):
            street.evidence(street.lab)


def test_what_was_shown_before_the_withdrawal_is_too_old(street: Street) -> None:
    issued, shown = street.issue(LABEL, street.lab), street.evidence(street.lab)
    street.now += 61
    assert street.verify(issued, shown).age.seconds == 61
    assert isinstance(refusal(street, issued, shown, within=60), StaleAnswer)


def test_accreditation_expired(street: Street) -> None:
    ends = format_time(street.now + DAY)
    grant = street.accredited(street.authority, street.acme, [LABEL], notAfter=ends)
    issued = street.issue(LABEL, street.acme)
    street.now += DAY
    assert street.verify(issued, street.evidence(street.acme))
    street.now += 1
    shown = street.evidence(street.acme, grant=grant)
    assert isinstance(refusal(street, issued, shown), NotAccredited)


def test_type_outside_the_scope(street: Street) -> None:
    name = "NetworkAccessLicence"
    issued = street.issue(name, street.lab)
    shown = street.evidence(street.lab, grant=street.own)
    assert isinstance(refusal(street, issued, shown), NotAccredited)
    with pytest.raises(NotAccredited):
        street.evidence(street.lab, name)


def test_prefix_outside_the_scope(street: Street) -> None:
    """Enclosure goes by segments: 09506001… is not under 09506000."""
    street.accept(street.prefix(street.acme, "gtin:09506001"))
    code = {"scheme": "gs1", "value": "https://id.gs1.org/01/09506001000007/21/M-9"}
    meter = street.device("M-9", street.acme, code=code)
    issued = street.issue(LABEL, street.lab, street.claims(LABEL, meter))
    shown = street.evidence(street.lab, device=meter, grant=street.own)
    assert isinstance(refusal(street, issued, shown), NotAccredited)
    with pytest.raises(NotAccredited):
        street.evidence(street.lab, device=meter)


def test_no_grant_is_shown(street: Street) -> None:
    issued, shown = street.issue(LABEL, street.lab), street.evidence(street.lab)
    shown["records"] = [shown["records"][0], shown["records"][-1]]
    assert isinstance(refusal(street, issued, shown), NotAccredited)


def test_a_grant_of_another_ledger(street: Street) -> None:
    """Its records are under no root of this one, and its checkpoint is by another log."""
    other = Street(prefixes=3)
    issued, shown = street.issue(LABEL, street.lab), street.evidence(street.lab)
    foreign = other.evidence(other.lab)
    mixed = {**shown, "records": copy.deepcopy(shown["records"])}
    mixed["records"][1] = foreign["records"][1]
    assert isinstance(refusal(street, issued, mixed), InvalidAnswer | InvalidStateProof)
    same_log = refusal(street, issued, foreign)
    assert isinstance(same_log, InvalidAnswer | InvalidCheckpoint)


def test_evidence_for_another_issuer(street: Street) -> None:
    issued = street.issue(LABEL, street.lab)
    assert isinstance(refusal(street, issued, street.evidence(street.office)), InvalidAnswer)


def _without(records: list[Value], *places: int) -> list[Value]:
    return [record for place, record in enumerate(records) if place not in places]


def _swapped(records: list[Value], one: int, other: int) -> list[Value]:
    swapped = list(records)
    swapped[one], swapped[other] = records[other], records[one]
    return swapped


def test_a_chain_with_a_hole_or_in_another_order(street: Street) -> None:
    """did, grant, did, grant, did: nothing is left out, and nothing stands elsewhere."""
    issued, shown = street.issue(LABEL, street.lab), street.evidence(street.lab)
    records = shown["records"]
    assert [one["key"][0] for one in records] == ["did", "grant", "did", "grant", "did"]
    broken = [
        _without(records, 1, 2),
        _without(records, 2, 3),
        _without(records, 0, 1),
        _without(records, 1),
        _without(records, 4),
        _swapped(records, 1, 3),
        _swapped(records, 0, 2),
        _swapped(records, 0, 4),
        [*records, records[4]],
        records[:4] + records[:4] + records[:3],
        records * 3,
        [],
    ]
    for other in broken:
        with pytest.raises(InvalidAnswer):
            street.verify(issued, {**shown, "records": other})


def test_an_office_does_not_pass_on_what_another_gave(street: Street) -> None:
    """A chain of records that are all true, and do not stand under one another."""
    aside = street.accredited(street.authority, street.acme, [LABEL], delegates=1)
    street.evidence(street.lab)
    again = street.answering
    keys = [
        ("did", street.lab.did),
        ("grant", street.own.hash),
        ("did", street.acme.did),
        ("grant", aside.hash),
        ("did", street.meter.did),
    ]
    forged = orjson.loads(again.evidence.of_records(keys, again.size, again.note))
    assert isinstance(refusal(street, street.issue(LABEL, street.lab), forged), InvalidAnswer)


def test_a_device_that_is_out_of_use_takes_its_credentials_with_it(street: Street) -> None:
    issued = street.issue(LABEL, street.lab)

    def now(signed: Any) -> TetradError:
        street.now += 60
        street.accept(signed)
        return refusal(street, issued, street.evidence(street.lab))

    suspended = street.supervise(street.meter, "status.suspend", "doubts", street.authority)
    assert isinstance(now(suspended), CredentialSuspended)
    street.now += 60
    street.accept(street.supervise(street.meter, "status.resume", "fine", street.authority))
    assert street.verify(issued, street.evidence(street.lab)).status == "active"
    revoked = street.supervise(street.meter, "status.revoke", "stolen", street.authority)
    assert isinstance(now(revoked), CredentialRevoked)


def test_a_device_that_is_retired(street: Street) -> None:
    issued = street.issue(LABEL, street.lab)
    retired = street.follow(street.meter, "status.retire", {"reason": "worn"}, by=[street.acme])
    street.accept(retired)
    assert isinstance(refusal(street, issued, street.evidence(street.lab)), CredentialRevoked)


@pytest.mark.parametrize("type_", ["status.revoke", "status.suspend"])
def test_an_issuer_that_is_out_of_use(street: Street, type_: str) -> None:
    issued = street.issue(LABEL, street.lab)
    street.accept(street.supervise(street.lab, type_, "doubts", street.authority))
    shown = street.evidence(street.lab, grant=street.own)
    assert isinstance(refusal(street, issued, shown), NotAccredited)


def test_a_holder_above_that_is_revoked(street: Street) -> None:
    issued = street.issue(LABEL, street.lab)
    street.accept(street.supervise(street.office, "status.revoke", "closed", street.authority))
    shown = street.evidence(street.lab, grant=street.own)
    assert isinstance(refusal(street, issued, shown), NotAccredited)


def test_times(street: Street) -> None:
    shown = street.evidence(street.lab)
    early = street.issue(LABEL, street.lab, valid_from=format_time(street.now + 1))
    late = street.issue(LABEL, street.lab, valid_until=format_time(street.now - 1))
    for issued in (early, late):
        assert isinstance(refusal(street, issued, shown), CredentialOutOfTime)


def test_signatures_that_are_not_the_issuers(street: Street) -> None:
    shown = street.evidence(street.lab)
    plain = street.credential(LABEL, street.lab)
    wrong_purpose = street.sign(plain, street.lab, "authentication")
    wrong_controller = street.sign(plain, street.office)
    forged = street.issue(LABEL, street.lab)
    forged["credentialSubject"]["stars"] = 3
    assert isinstance(refusal(street, wrong_purpose, shown), MalformedProof)
    assert isinstance(refusal(street, wrong_controller, shown), UnknownMethod)
    assert isinstance(refusal(street, forged, shown), ForgedProof)
    assert isinstance(refusal(street, plain, shown), MalformedProof)


def test_a_key_that_was_rotated_away_signs_nothing_any_more(street: Street) -> None:
    issued = street.issue(LABEL, street.lab)
    street.accept(street.rotate(street.lab))
    assert isinstance(refusal(street, issued, street.evidence(street.lab)), UnknownMethod)


def test_a_status_list_that_is_not_at_hand(street: Street) -> None:
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": "https://lists.test/1",
    }
    issued = street.issue(LABEL, street.lab, status=[entry])
    assert isinstance(refusal(street, issued, street.evidence(street.lab)), StatusUnknown)


@pytest.mark.parametrize("name", [None, 7, [], {}, True])
def test_a_list_whose_id_is_anything(name: object) -> None:
    """What a service sends as a list is anything at all."""
    find = lists_at_hand([{"id": name}, {"id": "https://lists.test/2"}, None, "x"])
    assert find({"statusListCredential": "https://lists.test/2"})
    with pytest.raises(StatusUnknown):
        find({"statusListCredential": "https://lists.test/1"})


def test_passed_on_beyond_its_depth(street: Street) -> None:
    """The rule book lets no such grant in; a verifier does not take that for granted."""
    state = street.ledger.state
    record = copy.deepcopy(state.get(("grant", street.above.hash)))
    assert record is not None
    del record["scope"]["delegates"]  # type: ignore[typeddict-item]

    def party(subject: Subject) -> Party:
        return Party.model_validate(state.get(("did", subject.did)))

    bearer = Bearer.model_validate(state.get(("did", street.meter.did)))
    chain = [
        Link(
            Accreditation.model_validate(state.get(("grant", street.own.hash))),
            party(street.lab),
        ),
        Link(Accreditation.model_validate(record), party(street.office)),
    ]
    with pytest.raises(NotAccredited, match="further than it allows"):
        _check_in_force(chain, LABEL, bearer, street.now)


def test_the_shape_of_a_credential(street: Street) -> None:
    """Another type beside it, a member more, a star too many: refused with a pointer."""
    claims = street.claims(LABEL, street.meter)
    shown = street.evidence(street.lab)
    good = street.credential(LABEL, street.lab)
    changes: list[tuple[str, Value]] = [
        ("/type", {"type": ["VerifiableCredential", LABEL, "NetworkAccessLicence"]}),
        ("/type", {"type": ["VerifiableCredential", "Alumni"]}),
        ("/type", {"type": LABEL}),
        ("/extra", {"extra": 1}),
        ("/credentialSubject", {"credentialSubject": {**claims, "stars": 5}}),
        ("/credentialSubject/stars", {"credentialSubject": {**claims, "stars": 6}}),
        ("/credentialSubject/stars", {"credentialSubject": {**claims, "stars": True}}),
        ("/credentialSubject/id", {"credentialSubject": {**claims, "id": "did:key:z6Mk"}}),
        ("/validUntil", {"validUntil": "2026-11-31T00:00:00Z"}),
        ("/@context/1", {"@context": [*good["@context"][:1], "https://other.test/v1"]}),
    ]
    for pointer, change in changes:
        error = refusal(street, street.sign({**good, **change}, street.lab), shown)
        assert isinstance(error, MalformedCredential), pointer
        assert error.pointer.startswith(pointer), (error.pointer, pointer)
