"""Scenarios of enrolment: grants of certificate authorities, and devices that register themselves.

The factory is Acme's: a root, an issuing authority, and devices with P-256 keys. Its template fills
Acme's prefix. Beta holds no prefix.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from identity.did import did_key_method
from identity.disclosure import SERIAL
from identity.errors import (
    CodeTaken,
    InvalidCertificate,
    KeyReused,
    MalformedCode,
    NotFound,
    PolicyViolated,
    QuotaExceeded,
    RightMissing,
    SignerMissing,
    SignerUnexpected,
    WrongState,
)
from identity.members import format_time
from tests import certificates
from tests.enrolling import ISSUING, ROOT, TEMPLATE, enrolled, granted
from tests.factory import Signed, Subject, disclosed, sign
from tests.scenarios import DAY, Town, accepted, refused

STRANGER = certificates.authority("stranger")
SHORT = certificates.authority("issuing", below=ROOT, length=0, ends="2026-11-23T00:00:00Z")
"""The issuing authority with a certificate that ends sixteen hours after the first entry."""


def factory(town: Town, **changes: Any) -> Signed:
    """Acme's enrolment of its own devices, submitted."""
    grant = granted(town, town.acme, town.acme, **changes)
    town.accept(grant)
    return grant


def newcomer(
    town: Town,
    grant: Signed,
    serial: str = "SN-1",
    *,
    controller: Subject | None = None,
    **options: Any,
) -> Signed:
    """The registration of one of Acme's devices; options as of `enrolled`."""
    return enrolled(town, grant.hash, serial, controller or town.acme, **options)


def revocation(town: Town, grant: Signed, *serials: str, by: Subject | None = None) -> Signed:
    """The revocation of serials, not yet submitted."""
    body = {"grant": grant.hash, "serials": list(serials), "reason": "stolen"}
    return town.follow(by or town.acme, "enrolment.revoke", body)


@accepted
def grant_issue__enrol(town: Town) -> Signed:
    """The holder of a prefix lets its own factory's devices register themselves."""
    return granted(town, town.acme, town.acme)


@accepted
def grant_issue__enrol_for_another(town: Town) -> Signed:
    """Or those of another organization, which agrees with its signature."""
    return granted(town, town.acme, town.beta, models=["M1"])


@accepted
def grant_issue__enrol_by_the_authority(town: Town) -> Signed:
    """The authority grants under any prefix."""
    return granted(town, town.authority, town.beta)


@refused(SignerMissing, "/proof")
def grant_issue__enrol_without_the_receiver(town: Town) -> Signed:
    """Nobody is made the controller of devices, and their maker, that it has not agreed to."""
    return granted(town, town.acme, town.beta, by=[town.acme])


@refused(RightMissing, "/body/scope/template")
def grant_issue__enrol_under_anothers_prefix(town: Town) -> Signed:
    """Who may not issue codes lets nobody else issue them."""
    return granted(town, town.beta, town.beta)


@refused(RightMissing, "/body/scope/template")
def grant_issue__enrol_under_what_was_given_away(town: Town) -> Signed:
    """The closest holder answers for a code."""
    town.accept(town.prefix(town.beta, "gtin:095060001", by=town.acme))
    return granted(town, town.acme, town.acme)


@refused(MalformedCode, "/body/scope/template")
def grant_issue__enrol_template_that_is_no_code(town: Town) -> Signed:
    """Filled in, a template is a code of its scheme."""
    return granted(town, town.acme, town.acme, template="https://example.com/{serial}")


@refused(PolicyViolated, "/body/scope/scheme")
def grant_issue__enrol_for_committed_codes(town: Town) -> Signed:
    """A code that is committed to cannot be compared with a template."""
    return granted(town, town.acme, town.acme, scheme="eui48", template="001b44113a{serial}")


@refused(MalformedCode, "/body/scope/scheme")
def grant_issue__enrol_for_numbers(town: Town) -> Signed:
    """A number is no code."""
    return granted(town, town.acme, town.acme, scheme="iccid", template="8986{serial}")


@refused(InvalidCertificate, "/body/scope/intermediates/0")
def grant_issue__enrol_with_an_authority_that_is_none(town: Town) -> Signed:
    """A device's certificate issues nothing."""
    leaf = b64encode(certificates.device("SN-1", below=ROOT)).decode()
    return granted(town, town.acme, town.acme, intermediates=[leaf])


@refused(InvalidCertificate, "/body/scope/anchor")
def grant_issue__enrol_with_an_anchor_that_is_none(town: Town) -> Signed:
    """Nor is a device's certificate an anchor."""
    leaf = b64encode(certificates.device("SN-1", below=ROOT)).decode()
    return granted(town, town.acme, town.acme, anchor=leaf, intermediates=[])


@refused(InvalidCertificate, "/body/scope/intermediates/0")
def grant_issue__enrol_with_intermediates_swapped(town: Town) -> Signed:
    """From the anchor down, each below the one that issued it."""
    root = certificates.authority("root")
    upper = certificates.authority("upper", below=root)
    lower = certificates.authority("lower", below=upper)
    return granted(
        town, town.acme, town.acme, anchor=root.text, intermediates=[lower.text, upper.text]
    )


@refused(InvalidCertificate, "/body/scope/anchor")
def grant_issue__enrol_with_an_expired_anchor(town: Town) -> Signed:
    """An authority whose time is over is trusted no more."""
    old = certificates.authority("old", ends="2026-11-01T00:00:00Z")
    return granted(town, town.acme, town.acme, anchor=old.text, intermediates=[])


@accepted
def grant_withdraw__enrol_by_its_holder(town: Town) -> Signed:
    """A factory closes its own enrolment."""
    grant = granted(town, town.acme, town.beta)
    town.accept(grant)
    return town.withdraw(grant, by=town.beta)


@accepted
def grant_withdraw__enrol_by_the_holder_of_the_prefix(town: Town) -> Signed:
    """So does whoever answers for its codes now."""
    grant = granted(town, town.authority, town.beta)
    town.accept(grant)
    return town.withdraw(grant, by=town.acme)


@refused(RightMissing, "/body/grant")
def grant_withdraw__enrol_by_a_stranger(town: Town) -> Signed:
    """Nobody else does."""
    return town.withdraw(factory(town), by=town.beta)


@accepted
def device_register__enrolled(town: Town) -> Signed:
    """The device and its certificate's key sign, and nobody else."""
    return newcomer(town, factory(town))


@accepted
def device_register__enrolled_with_the_certificates_key(town: Town) -> Signed:
    """The certificate's key may be the device's own, and signs once."""
    return newcomer(town, factory(town), own=True)


@accepted
def device_register__enrolled_for_another_maker(town: Town) -> Signed:
    """A maker that lets the enrolment's holder use its name."""
    town.accept(town.grant(town.beta, "make", town.acme, {"maker": town.beta.did}))
    return newcomer(town, factory(town), **_made_by(town.beta))


def _made_by(maker: Subject) -> dict[str, Any]:
    return {
        "object": {
            "maker": maker.did,
            "model": "M1",
            "serial": disclosed(SERIAL, "SN-1").digest,
            "sector": {"domain": "production", "field": "industry", "category": "C4016"},
            "ipv6": "enabled",
        }
    }


@refused(SignerMissing, "/proof")
def device_register__enrolled_without_the_certificates_key(town: Town) -> Signed:
    """A certificate is public: who shows it holds its key."""
    signed = newcomer(town, factory(town))
    device = Subject("enrolled SN-1")
    own = (device.key, did_key_method(device.key.public.multikey))
    return Signed(sign(signed.operation, own), signed.disclosures)


@refused(SignerUnexpected, "/proof")
def device_register__enrolled_and_signed_by_the_controller(town: Town) -> Signed:
    """The grant stands for the organization, which does not sign beside it."""
    return newcomer(town, factory(town), also=[town.acme.method])


@refused(NotFound, "/body/enrolment/grant")
def device_register__enrolled_under_no_grant(town: Town) -> Signed:
    """A grant that nobody gave."""
    return newcomer(town, town.genesis)


@refused(NotFound, "/body/enrolment/grant")
def device_register__enrolled_under_another_right(town: Town) -> Signed:
    """A grant of another right."""
    grant = town.grant(town.authority, "admit", town.acme, {})
    town.accept(grant)
    return newcomer(town, grant)


@refused(RightMissing, "/body/enrolment/grant")
def device_register__enrolment_closed(town: Town) -> Signed:
    """An enrolment can be closed."""
    grant = factory(town)
    town.accept(town.withdraw(grant, by=town.acme))
    return newcomer(town, grant)


@refused(RightMissing, "/body/enrolment/grant")
def device_register__enrolment_expired(town: Town) -> Signed:
    """Or it ends by itself."""
    grant = factory(town, not_after=town.in_a_day())
    town.now += DAY + 1
    return newcomer(town, grant)


@refused(RightMissing, "/body/enrolment/grant")
def device_register__enrolment_of_a_granter_that_lost_its_prefix(town: Town) -> Signed:
    """A granter's word counts as long as its signature would."""
    grant = factory(town)
    town.accept(town.prefix(town.beta, "gtin:095060001", by=town.acme))
    return newcomer(town, grant)


@refused(WrongState, "/body/enrolment/grant")
def device_register__enrolment_of_a_suspended_granter(town: Town) -> Signed:
    """A suspended organization signs nothing, and its grants enrol nobody."""
    grant = granted(town, town.acme, town.beta)
    town.accept(grant)
    town.suspend(town.acme)
    return newcomer(town, grant, controller=town.beta)


@refused(WrongState, "/body/controller")
def device_register__enrolment_of_a_suspended_holder(town: Town) -> Signed:
    """Nor does it become the controller of anything."""
    grant = factory(town)
    town.suspend(town.acme)
    return newcomer(town, grant)


@refused(RightMissing, "/body/controller")
def device_register__enrolled_for_another_controller(town: Town) -> Signed:
    """The device belongs to whom the grant was given."""
    return newcomer(town, factory(town), controller=town.beta)


@refused(RightMissing, "/body/object/maker")
def device_register__enrolled_under_anothers_name(town: Town) -> Signed:
    """A grant gives no name but that of its holder."""
    return newcomer(town, factory(town), **_made_by(town.beta))


@refused(RightMissing, "/body/object/model")
def device_register__enrolled_as_another_model(town: Town) -> Signed:
    """A grant that names models is for no other."""
    return newcomer(town, factory(town, models=["M2", "M3"]))


@refused(RightMissing, "/body/code")
def device_register__enrolled_with_another_code(town: Town) -> Signed:
    """The certificate's serial gives the code, not the device."""
    code = {"scheme": "gs1", "value": TEMPLATE.replace("{serial}", "SN-2")}
    return newcomer(town, factory(town), code=code)


@refused(RightMissing, "/body/code")
def device_register__enrolled_with_another_scheme(town: Town) -> Signed:
    """In the scheme of the grant."""
    return newcomer(town, factory(town), code={"scheme": "gtin", "value": "09506000134352"})


@refused(MalformedCode, "/body/code/value")
def device_register__enrolled_with_a_serial_that_is_no_code(town: Town) -> Signed:
    """A serial that the scheme has no room for."""
    serial = "S" * 21
    der = certificates.device(serial, below=ISSUING)
    code = {"scheme": "gs1", "value": TEMPLATE.replace("{serial}", "SN-1")}
    return newcomer(town, factory(town), serial, certificate=der, code=code)


@refused(InvalidCertificate, "/body/enrolment/certificate")
def device_register__enrolled_by_a_strange_authority(town: Town) -> Signed:
    """A certificate of another authority."""
    der = certificates.device("SN-1", below=STRANGER)
    return newcomer(town, factory(town), certificate=der)


@refused(InvalidCertificate, "/body/enrolment/certificate")
def device_register__enrolled_by_a_forged_certificate(town: Town) -> Signed:
    """A certificate that names its issuer, which never signed it."""
    der = certificates.device(
        "SN-1", below=STRANGER, issuer=ISSUING.name, changes={certificates.AUTHORITY_KEY: None}
    )
    return newcomer(town, factory(town), certificate=der)


@refused(InvalidCertificate, "/body/enrolment/certificate")
def device_register__enrolled_by_an_authoritys_certificate(town: Town) -> Signed:
    """The certificate of an authority enrols nothing."""
    leaf = (ISSUING.private, did_key_method(ISSUING.private.public.multikey))
    serial = "0E0F"
    numbered = certificates.authority("issuing", below=ROOT, length=0, number=0x0E0F)
    code = {"scheme": "gs1", "value": TEMPLATE.replace("{serial}", serial)}
    return newcomer(town, factory(town), serial, certificate=numbered.der, leaf=leaf, code=code)


@refused(InvalidCertificate, "/body/enrolment/certificate")
def device_register__enrolled_before_its_certificate_begins(town: Town) -> Signed:
    """Not yet valid."""
    der = certificates.device("SN-1", below=ISSUING, begins=format_time(town.now + 1))
    return newcomer(town, factory(town), certificate=der)


@accepted
def device_register__enrolled_in_the_last_second(town: Town) -> Signed:
    """Valid up to and with its last second."""
    der = certificates.device("SN-1", below=ISSUING, ends=format_time(town.now))
    return newcomer(town, factory(town), certificate=der)


@refused(InvalidCertificate, "/body/enrolment/certificate")
def device_register__enrolled_after_its_certificate_ended(town: Town) -> Signed:
    """No longer valid."""
    der = certificates.device("SN-1", below=ISSUING, ends=format_time(town.now - 1))
    return newcomer(town, factory(town), certificate=der)


@refused(InvalidCertificate, "/body/enrolment/certificate")
def device_register__enrolled_after_its_issuer_ended(town: Town) -> Signed:
    """All of the path is valid at the time of the entry."""
    grant = factory(town, intermediates=[SHORT.text])
    town.now += DAY
    return newcomer(town, grant)


@refused(InvalidCertificate, "/body/enrolment/certificate")
def device_register__enrolled_for_key_agreement(town: Town) -> Signed:
    """A key that is not for signatures signs nothing."""
    usage = certificates.extension(certificates.KEY_USAGE, "03020308", critical=True)
    der = certificates.device("SN-1", below=ISSUING, changes={certificates.KEY_USAGE: usage})
    return newcomer(town, factory(town), certificate=der)


@refused(InvalidCertificate, "/body/enrolment/certificate")
def device_register__enrolled_with_a_revoked_serial(town: Town) -> Signed:
    """A serial that the ledger has revoked."""
    grant = factory(town)
    town.accept(revocation(town, grant, "SN-1"))
    return newcomer(town, grant)


@accepted
def device_register__enrolled_beside_a_revoked_serial(town: Town) -> Signed:
    """Other serials are enrolled as before."""
    grant = factory(town)
    town.accept(revocation(town, grant, "SN-2"))
    return newcomer(town, grant)


@refused(QuotaExceeded, "/body/enrolment/grant")
def device_register__enrolled_beyond_the_quota(town: Town) -> Signed:
    """A grant is for so many devices, whatever has become of them."""
    grant = factory(town, quota=1)
    first = newcomer(town, grant)
    town.accept(first)
    return newcomer(town, grant, "SN-2")


@refused(KeyReused, "/body/enrolment/certificate")
def device_register__enrolled_twice_with_one_key(town: Town) -> Signed:
    """One device for each certificate's key, for ever: also with another certificate of it."""
    grant = factory(town)
    town.accept(newcomer(town, grant))
    key = certificates.leaf_key("SN-1")
    der = certificates.device("SN-2", below=ISSUING, private=key)
    leaf = (key, did_key_method(key.public.multikey))
    return newcomer(town, grant, "SN-2", certificate=der, leaf=leaf)


@refused(KeyReused, "/body/keys/0")
def device_register__with_a_key_that_enrolled_another(town: Town) -> Signed:
    """Nor does it serve as the key of another device."""
    town.accept(newcomer(town, factory(town)))
    key = certificates.leaf_key("SN-1")
    device = town.new_device("M-9", town.acme).first
    assert device is not None
    body = {**device.operation["body"], "keys": [key.public.multikey]}
    own = (key, did_key_method(key.public.multikey))
    operation = town.operation("device.register", body, own, town.acme.method)
    return Signed(operation, device.disclosures)


@refused(KeyReused, "/body/next")
def device_register__enrolled_with_the_certificates_key_to_follow(town: Town) -> Signed:
    """A key that serves cannot be committed to."""
    following = [certificates.leaf_key("SN-1").public.thumbprint]
    return newcomer(town, factory(town), next=following)


@refused(CodeTaken, "/body/code")
def device_register__enrolled_a_second_time(town: Town) -> Signed:
    """A new certificate for the same serial does not make a second device."""
    grant = factory(town)
    town.accept(newcomer(town, grant))
    key = certificates.key("another", "P-256")
    der = certificates.device("SN-1", below=ISSUING, private=key)
    leaf = (key, did_key_method(key.public.multikey))
    return newcomer(town, grant, certificate=der, leaf=leaf, **_other_keys())


def _other_keys() -> dict[str, Any]:
    other = Subject("enrolled again")
    return {"next": other.establishment["next"]}


@accepted
def enrolment_revoke__by_its_holder(town: Town) -> Signed:
    """The holder of an enrolment revokes serials: these devices never left the factory."""
    return revocation(town, factory(town), "SN-1", "SN-2")


@accepted
def enrolment_revoke__by_the_holder_of_the_prefix(town: Town) -> Signed:
    """So does whoever answers for the codes."""
    grant = granted(town, town.acme, town.beta)
    town.accept(grant)
    return revocation(town, grant, "SN-1", by=town.acme)


@accepted
def enrolment_revoke__by_the_authority(town: Town) -> Signed:
    """And the authority."""
    return revocation(town, factory(town), "SN-1", by=town.authority)


@refused(RightMissing, "/body/grant")
def enrolment_revoke__by_a_stranger(town: Town) -> Signed:
    """Nobody keeps another's devices out."""
    return revocation(town, factory(town), "SN-1", by=town.beta)


@refused(NotFound, "/body/grant")
def enrolment_revoke__of_another_right(town: Town) -> Signed:
    """A grant that enrols nobody."""
    grant = town.grant(town.authority, "admit", town.acme, {})
    town.accept(grant)
    return revocation(town, grant, "SN-1")


@refused(WrongState, "/body/grant")
def enrolment_revoke__of_a_closed_one(town: Town) -> Signed:
    """Where nobody is enrolled, nothing is left to revoke."""
    grant = factory(town)
    town.accept(town.withdraw(grant, by=town.acme))
    return revocation(town, grant, "SN-1")


@refused(WrongState, "/body/serials/1")
def enrolment_revoke__twice_in_one(town: Town) -> Signed:
    """A serial is revoked once."""
    return revocation(town, factory(town), "SN-1", "SN-1")


@refused(WrongState, "/body/serials/0")
def enrolment_revoke__twice(town: Town) -> Signed:
    """Whoever revokes it."""
    grant = factory(town)
    town.accept(revocation(town, grant, "SN-1", by=town.authority))
    return revocation(town, grant, "SN-1")


@refused(WrongState, "/body/serials/0")
def enrolment_revoke__of_a_registered_device(town: Town) -> Signed:
    """A device that is registered is ended by itself: what is revoked here is its enrolment."""
    grant = factory(town)
    town.accept(newcomer(town, grant))
    return revocation(town, grant, "SN-1")


@refused(MalformedCode, "/body/serials/0")
def enrolment_revoke__of_what_is_no_serial(town: Town) -> Signed:
    """A serial that gives no code was mistyped."""
    return revocation(town, factory(town), "S" * 21)
