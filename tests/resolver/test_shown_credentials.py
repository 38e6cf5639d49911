"""Device credentials beside an answer to a challenge: verified to the genesis, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from identity.credentials.device import new_device_credential
from identity.credentials.securing import secure
from identity.credentials.status_list import entry, list_credential, new_list
from identity.did import did_key, did_key_method
from identity.errors import (
    CredentialRevoked,
    MalformedCredential,
    NotAccredited,
    StatusUnknown,
    TetradError,
)
from identity.members import format_time
from tests.factory import Subject, key
from tests.resolver.authenticating import HERE, Visitor
from tests.resolver.town import Town

LABEL = "NetworkSecurityLabel"


class Street(Town):
    """A town with a maker, its meter, and a laboratory that may label it."""

    def __enter__(self) -> Street:
        super().__enter__()
        self.maker = self.acme()
        self.lab = self.organization("Lab")
        self.meter = self.device("M-1", self.maker)
        self.other = self.device("M-2", self.maker)
        self.grant_of_lab = self.grant(self.authority, "credential", self.lab, {"types": [LABEL]})
        self.accept(self.grant_of_lab)
        return self

    def label(self, issuer: Subject, about: Subject, **members: Any) -> dict[str, Any]:
        """A label by whoever says so, signed."""
        claims = {
            "id": about.did,
            "maker": self.maker.did,
            "model": "M1",
            "standards": ["GB/T 43697-2024"],
            "laboratory": "Lab",
            "scheme": "cn-ccl",
            "stars": 2,
            "filing": "CCL-2026-000117",
        }
        options = {
            "valid_from": format_time(self.now - 60),
            "valid_until": format_time(self.now + 86_400),
            **members,
        }
        made = new_device_credential(LABEL, claims, issuer=issuer.did, **options)
        return self.signed(made, issuer)

    def signed(self, document: dict[str, Any], issuer: Subject) -> dict[str, Any]:
        signer, method = issuer.method
        return secure(document, signer, method=method, purpose="assertionMethod")

    def publish(self, revoked: bool) -> None:
        """The laboratory's list, with entry 7 set or not."""
        bits = new_list("revocation")
        bits.set(7, int(revoked))
        self.now += 1
        until = format_time(self.now + 600)
        where = f"{HERE}/v1/status-lists/{self.lab.did}/labels"
        made = list_credential(
            bits,
            url=where,
            issuer=self.lab.did,
            valid_from=format_time(self.now),
            valid_until=until,
        )
        response = self.request("PUT", where.removeprefix(HERE), json=self.signed(made, self.lab))
        assert response.status_code in (200, 201), response.text

    def entry(self, at: str = HERE) -> dict[str, Any]:
        return entry(f"{at}/v1/status-lists/{self.lab.did}/labels", 7, "revocation")

    def refused(self, *credentials: dict[str, Any]) -> TetradError:
        with pytest.raises(TetradError) as error:
            Visitor(self, self.meter).authenticate(self.meter, *credentials)
        return error.value


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    """One street for the tests of this module, which leave it as it was."""
    with Street() as street:
        yield street


def test_a_label_by_an_accredited_laboratory_is_seen_in_the_token(street: Street) -> None:
    visitor = Visitor(street, street.meter)
    label = street.label(street.lab, street.meter)
    session = visitor.authenticate(street.meter, label, label)
    assert session.answer["credentials"] == [LABEL]
    assert visitor.current(session).json()["credentials"] == [LABEL]
    assert visitor.authenticate(street.meter).answer["credentials"] == []


def test_nobody_labels_itself(street: Street) -> None:
    for issuer in (street.meter, street.maker):
        assert isinstance(street.refused(street.label(issuer, street.meter)), NotAccredited)
    stranger = key("stranger")
    own = street.label(street.lab, street.meter)
    del own["proof"]
    own["issuer"] = did_key(stranger.public.multikey)
    signed = secure(
        own, stranger, method=did_key_method(stranger.public.multikey), purpose="assertionMethod"
    )
    assert isinstance(street.refused(signed), MalformedCredential)


def test_a_label_about_another_device_or_altered_or_out_of_time(street: Street) -> None:
    good = street.label(street.lab, street.meter)
    assert street.refused(street.label(street.lab, street.other)).code == "credential"
    altered = {**good, "credentialSubject": {**good["credentialSubject"], "stars": 3}}
    assert street.refused(altered).code == "proof.invalid"
    unsigned = {name: value for name, value in good.items() if name != "proof"}
    assert street.refused(unsigned).code == "proof.malformed"
    late = street.label(street.lab, street.meter, valid_until=format_time(street.now - 1))
    assert street.refused(late).code == "credential.time"
    # One that does not hold beside one that does: nobody is let in.
    assert street.refused(good, altered).code == "proof.invalid"


def test_what_is_no_device_credential(street: Street) -> None:
    for shown in (
        {},
        {"type": "VerifiableCredential"},
        {**street.label(street.lab, street.meter), "x": 1},
    ):
        assert street.refused(shown).code.startswith(("credential", "input"))


def test_status_lists_are_those_of_this_service(street: Street) -> None:
    label = street.label(street.lab, street.meter, status=[street.entry()])
    assert isinstance(street.refused(label), StatusUnknown)
    street.publish(revoked=False)
    assert Visitor(street, street.meter).authenticate(street.meter, label).answer["credentials"]
    street.publish(revoked=True)
    assert isinstance(street.refused(label), CredentialRevoked)
    for at in ("https://lists.example", "http://town.test.evil.example"):
        elsewhere = street.label(street.lab, street.meter, status=[street.entry(at)])
        assert isinstance(street.refused(elsewhere), StatusUnknown)


def test_a_withdrawn_accreditation_ends_what_it_allowed() -> None:
    with Street() as street:
        label = street.label(street.lab, street.meter)
        assert Visitor(street, street.meter).authenticate(street.meter, label)
        body = {"grant": street.grant_of_lab.hash, "reason": "closed"}
        street.accept(street.follow(street.authority, "grant.withdraw", body))
        assert isinstance(street.refused(label), NotAccredited)


def test_an_organization_has_no_device_credentials(street: Street) -> None:
    label = street.label(street.lab, street.meter)
    with pytest.raises(NotAccredited):
        Visitor(street, street.maker).authenticate(street.maker, label)
