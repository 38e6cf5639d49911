"""Scenarios of devices: their four ones, whose signatures they need, and what is taken."""

from __future__ import annotations

from typing import Any

from identity.did import did_key_method
from identity.disclosure import CODE
from identity.errors import (
    CodeTaken,
    InvalidDisclosure,
    KeyReused,
    MalformedCode,
    NotFound,
    NumberTaken,
    ObjectTaken,
    PolicyViolated,
    RightMissing,
    SchemaViolation,
    SignerMissing,
    SignerUnexpected,
    UnknownScheme,
    WrongSequence,
    WrongState,
)
from tests.factory import Signed, disclosed, sign
from tests.scenarios import Town, accepted, accepted_in, permissioned, refused

NUMBER_1 = "1440000000001"
FREE_CODE = {"scheme": "gs1", "value": "https://id.gs1.org/01/04012345000009/21/1"}
"""Under no granted prefix."""


def ipv6_optional() -> Town:
    """A ledger whose policy leaves IPv6 to the makers."""
    return Town(ipv6="optional")


def committed(town: Town, name: str, prefix: str, value: str, **options: Any) -> Signed:
    """The registration of a device of Acme's whose EUI-48 is committed to."""
    opened = disclosed(CODE, value)
    code = {"scheme": "eui48", "prefix": prefix, "commitment": opened.digest}
    signed = town.newcomer(name, town.acme, code=code, **options)
    return Signed(signed.operation, [*signed.disclosures, opened.encoded])


def with_object(town: Town, **changes: Any) -> Signed:
    """The registration of a device of Acme's whose object differs."""
    subject = town.new_device("M-2", town.acme)
    first = subject.first
    assert first is not None
    body = first.operation["body"]
    operation = {**first.operation, "body": {**body, "object": {**body["object"], **changes}}}
    own = (subject.key, did_key_method(subject.key.public.multikey))
    return Signed(sign(operation, own, town.acme.method), first.disclosures)


@accepted
def device_register__by_one_organization(town: Town) -> Signed:
    """Maker, controller and holder of the prefix in one: the device and that party sign."""
    return town.newcomer("M-1", town.acme, number=NUMBER_1)


@accepted
def device_register__three_parties(town: Town) -> Signed:
    """Holder, controller and maker are three, and all sign."""
    gamma = town.organization("Gamma")
    return town.newcomer("M-1", town.beta, maker=gamma, by=[town.acme, town.beta, gamma])


@accepted
def device_register__maker_granted_its_name(town: Town) -> Signed:
    """A maker that granted `make` for the model need not sign."""
    scope = {"maker": town.beta.did, "models": ["M1"]}
    town.accept(town.grant(town.beta, "make", town.acme, scope))
    return town.newcomer("M-1", town.acme, maker=town.beta)


@accepted
def device_register__maker_signs_all_the_same(town: Town) -> Signed:
    """Nor is its signature one too many."""
    town.accept(town.grant(town.beta, "make", town.acme, {"maker": town.beta.did}))
    return town.newcomer("M-1", town.acme, maker=town.beta, by=[town.acme, town.beta])


@accepted
def device_register__p_256_device(town: Town) -> Signed:
    """A device with a P-256 key."""
    return town.newcomer("M-1", town.acme, algorithm="P-256")


@accepted
def device_register__under_the_deepest_prefix(town: Town) -> Signed:
    """The holder of the longest prefix answers for a code, not its encloser."""
    town.accept(town.prefix(town.beta, "gtin:095060001", by=town.acme))
    return town.newcomer("M-1", town.beta)


@accepted
def device_register__prefix_as_long_as_the_code(town: Town) -> Signed:
    """A prefix encloses the code that is no longer than itself."""
    town.accept(town.prefix(town.beta, "gtin:09506000134352", by=town.acme))
    return town.newcomer("M-1", town.beta, code={"scheme": "gtin", "value": "09506000134352"})


@accepted_in(permissioned)
def device_register__authority_for_a_code_of_nobodys(town: Town) -> Signed:
    """Where nobody holds a prefix, the authority signs for the code."""
    return town.newcomer("M-1", town.acme, code=FREE_CODE, by=[town.acme, town.authority])


@accepted
def device_register__committed_code(town: Town) -> Signed:
    """An EUI-48 reaches the ledger as its prefix and a commitment."""
    town.accept(town.prefix(town.acme, "eui48:001b44"))
    return committed(town, "M-1", "001b44", "001b44113ab7")


@accepted
def device_register__parent(town: Town) -> Signed:
    """A part of another device of the same controller."""
    return with_object(town, parent=town.meter().did)


@accepted
def device_register__exempt_from_ipv6(town: Town) -> Signed:
    """An industry terminal without IPv6 says why."""
    return with_object(town, ipv6={"exemption": "a serial line only"})


@accepted
def device_register__consumer_without_ipv6(town: Town) -> Signed:
    """The policy is about industry terminals."""
    return with_object(town, ipv6="none", sector={"domain": "consumption", "field": "home"})


@accepted_in(ipv6_optional)
def device_register__ipv6_is_optional_here(town: Town) -> Signed:
    """A genesis may leave IPv6 open."""
    return with_object(town, ipv6="none")


@accepted
def device_register__number_of_a_retired_device(town: Town) -> Signed:
    """Retirement frees the number."""
    meter = town.meter()
    town.accept(town.follow(meter, "status.retire", {"reason": "worn out"}, by=[town.acme]))
    return town.newcomer("M-2", town.acme, number=NUMBER_1)


@accepted
def device_register__number_of_a_revoked_device(town: Town) -> Signed:
    """A revoked device keeps its number until another takes it."""
    town.revoke(town.meter())
    return town.newcomer("M-2", town.acme, number=NUMBER_1)


@refused(SignerMissing, "/proof")
def device_register__holder_missing(town: Town) -> Signed:
    """The holder of the code's prefix signs."""
    return town.newcomer("M-1", town.beta)


@refused(SignerMissing, "/proof")
def device_register__controller_missing(town: Town) -> Signed:
    """The controller signs: nobody is made responsible unasked."""
    return town.newcomer("M-1", town.beta, maker=town.acme, by=[town.acme])


@refused(SignerMissing, "/proof")
def device_register__maker_missing(town: Town) -> Signed:
    """The maker signs: nobody squats on its serials."""
    return town.newcomer("M-1", town.acme, maker=town.beta)


@refused(SignerMissing, "/proof")
def device_register__name_granted_for_another_model(town: Town) -> Signed:
    """A name given for M2 is not given for M1."""
    scope = {"maker": town.beta.did, "models": ["M2"]}
    town.accept(town.grant(town.beta, "make", town.acme, scope))
    return town.newcomer("M-1", town.acme, maker=town.beta)


@refused(SignerMissing, "/proof")
def device_register__name_withdrawn(town: Town) -> Signed:
    """A name that was taken back is not used again."""
    grant = town.grant(town.beta, "make", town.acme, {"maker": town.beta.did})
    town.accept(grant)
    town.accept(town.withdraw(grant, by=town.beta))
    return town.newcomer("M-1", town.acme, maker=town.beta)


@refused(SignerMissing, "/proof")
def device_register__device_missing(town: Town) -> Signed:
    """The device signs, which proves that it holds its key."""
    signed = town.newcomer("M-1", town.acme)
    return Signed(sign(signed.operation, town.acme.method), signed.disclosures)


@refused(SignerUnexpected, "/proof")
def device_register__stranger(town: Town) -> Signed:
    """A signature that the table does not ask for."""
    return town.newcomer("M-1", town.acme, by=[town.acme, town.beta])


@refused(SignerMissing, "/proof")
def device_register__encloser_instead_of_the_holder(town: Town) -> Signed:
    """Who gave a prefix away no longer answers for codes under it."""
    town.accept(town.prefix(town.beta, "gtin:095060001", by=town.acme))
    return town.newcomer("M-1", town.acme)


@refused(RightMissing, "/body/code")
def device_register__under_no_prefix(town: Town) -> Signed:
    """A code that nobody may issue."""
    return town.newcomer("M-1", town.acme, code=FREE_CODE)


@refused(RightMissing, "/body/code")
def device_register__prefix_expired(town: Town) -> Signed:
    """A prefix ends with its notAfter."""
    scope = {"scheme": "gtin", "prefix": "04012345"}
    town.accept(town.grant(town.acme, "prefix", town.acme, scope, notAfter=town.in_a_day()))
    town.now += 86_401
    return town.newcomer("M-1", town.acme, code=FREE_CODE)


@refused(CodeTaken, "/body/code")
def device_register__code_taken(town: Town) -> Signed:
    """A code is issued once."""
    town.meter()
    code = {"scheme": "gs1", "value": "https://id.gs1.org/01/09506000134352/21/M-1"}
    return town.newcomer("M-2", town.acme, code=code)


@refused(CodeTaken, "/body/code")
def device_register__code_of_a_revoked_device(town: Town) -> Signed:
    """A tombstone is never reissued."""
    town.revoke(town.meter())
    code = {"scheme": "gs1", "value": "https://id.gs1.org/01/09506000134352/21/M-1"}
    return town.newcomer("M-2", town.acme, code=code)


@refused(CodeTaken, "/body/code")
def device_register__code_of_a_retired_device(town: Town) -> Signed:
    """Nor is that of a device that went out of use in good order."""
    meter = town.meter()
    town.accept(town.follow(meter, "status.retire", {"reason": "worn out"}, by=[town.acme]))
    code = {"scheme": "gs1", "value": "https://id.gs1.org/01/09506000134352/21/M-1"}
    return town.newcomer("M-2", town.acme, code=code)


@refused(CodeTaken, "/body/code")
def device_register__committed_code_taken(town: Town) -> Signed:
    """A committed code is compared by its keyed hash, whatever the prefix that is shown."""
    town.accept(town.prefix(town.acme, "eui48:001b44"))
    town.accept(committed(town, "M-1", "001b44", "001b44113ab7"))
    return committed(town, "M-2", "001b4411", "001b44113ab7")


@refused(SignerMissing, "/proof")
def device_register__taken_code_and_no_right(town: Town) -> Signed:
    """Whoever may not register here is not told what is registered."""
    town.meter()
    code = {"scheme": "gs1", "value": "https://id.gs1.org/01/09506000134352/21/M-1"}
    return town.newcomer("M-2", town.beta, code=code)


@refused(ObjectTaken, "/body/object/serial")
def device_register__object_taken(town: Town) -> Signed:
    """Maker, model and serial stand for one object."""
    town.meter(serial="SN-1")
    return town.newcomer("M-2", town.acme, serial="SN-1")


@refused(NumberTaken, "/body/number")
def device_register__number_taken(town: Town) -> Signed:
    """A number is active on one device."""
    town.meter()
    return town.newcomer("M-2", town.acme, number=NUMBER_1)


@refused(NumberTaken, "/body/number")
def device_register__number_of_a_suspended_device(town: Town) -> Signed:
    """A suspended device still has its number."""
    town.suspend(town.meter())
    return town.newcomer("M-2", town.acme, number=NUMBER_1)


@refused(KeyReused, "/body/keys/0")
def device_register__key_of_another_device(town: Town) -> Signed:
    """A cloned key registers no second device."""
    meter = town.meter()
    signed = town.newcomer("M-2", town.acme, keys=[meter.key.public.multikey])
    own = (meter.key, did_key_method(meter.key.public.multikey))
    return Signed(sign(signed.operation, own, town.acme.method), signed.disclosures)


@refused(InvalidDisclosure, "/body/object/serial", undisclosed=True)
def device_register__serial_undisclosed(town: Town) -> Signed:
    """Without the keyed hash of a committed value nothing can be compared."""
    return town.newcomer("M-1", town.acme)


@refused(MalformedCode, "/body/code/value")
def device_register__not_canonical(town: Town) -> Signed:
    """A code is registered in its one canonical form."""
    return town.newcomer("M-1", town.acme, code={"scheme": "gtin", "value": "9506000134352"})


@refused(MalformedCode, "/body/code/value")
def device_register__malformed_code(town: Town) -> Signed:
    """A value that its scheme does not read."""
    return town.newcomer("M-1", town.acme, code={"scheme": "eui64", "value": "0024befffe80"})


@refused(UnknownScheme, "/body/code/scheme")
def device_register__unknown_scheme(town: Town) -> Signed:
    """A scheme that this table does not know."""
    return town.newcomer("M-1", town.acme, code={"scheme": "no-such", "value": "1"})


@refused(MalformedCode, "/body/code/scheme")
def device_register__number_as_code(town: Town) -> Signed:
    """A number is no code."""
    return town.newcomer("M-1", town.acme, code={"scheme": "imei", "value": "490154203237518"})


@refused(SchemaViolation, "/body/code")
def device_register__committed_scheme_in_clear(town: Town) -> Signed:
    """What names a person or a radio never reaches the ledger in clear."""
    return town.newcomer("M-1", town.acme, code={"scheme": "eui48", "value": "001b44113ab7"})


@refused(RightMissing, "/body/code/prefix")
def device_register__committed_code_shows_too_little(town: Town) -> Signed:
    """An encloser does not slip a hidden code under a prefix that it gave away."""
    town.accept(town.prefix(town.acme, "eui48:001b44"))
    town.accept(town.prefix(town.beta, "eui48:001b441", by=town.acme))
    return committed(town, "M-1", "001b44", "001b44113ab7")


@refused(PolicyViolated, "/body/object/ipv6")
def device_register__industry_without_ipv6(town: Town) -> Signed:
    """New industry terminals have IPv6, or say why not."""
    return with_object(town, ipv6="supported")


@refused(WrongState, "/body/object/parent")
def device_register__parent_of_another_controller(town: Town) -> Signed:
    """A part belongs to whom the whole belongs to."""
    return with_object(town, parent=town.betas().did)


@refused(NotFound, "/body/object/parent")
def device_register__parent_is_no_device(town: Town) -> Signed:
    """An organization is nobody's part."""
    return with_object(town, parent=town.beta.did)


@refused(WrongState, "/body/object/parent")
def device_register__parent_revoked(town: Town) -> Signed:
    """Nothing is built into what is out of use."""
    meter = town.meter()
    town.revoke(meter)
    return with_object(town, parent=meter.did)


@refused(NotFound, "/body/controller")
def device_register__controller_is_a_device(town: Town) -> Signed:
    """Organizations control devices."""
    meter = town.meter()
    return town.newcomer("M-2", meter, maker=town.acme, by=[town.acme])


@refused(NotFound, "/body/object/maker")
def device_register__unknown_maker(town: Town) -> Signed:
    """A maker is an organization of this ledger."""
    gamma = town.new_organization("Gamma")
    return town.newcomer("M-1", town.acme, maker=gamma)


@refused(WrongState, "/proof/1/verificationMethod")
def device_register__suspended_holder(town: Town) -> Signed:
    """A suspended holder issues no codes."""
    town.suspend(town.acme)
    return town.newcomer("M-1", town.acme)


@refused(WrongState, "/body/object/maker")
def device_register__suspended_maker(town: Town) -> Signed:
    """Nor is a suspended maker's name used by those it was given to."""
    town.accept(town.grant(town.beta, "make", town.acme, {"maker": town.beta.did}))
    town.suspend(town.beta)
    return town.newcomer("M-1", town.acme, maker=town.beta)


def data(version: int) -> dict[str, Any]:
    """A data record."""
    return {
        "describes": "readings",
        "schema": "urn:example:readings",
        "version": version,
        "grade": "general",
        "endpoints": [{"type": "MQTT", "url": "mqtts://data.acme.example/1"}],
        "commitment": disclosed("/body/data/commitment", "content").digest,
    }


@accepted
def device_update__data(town: Town) -> Signed:
    """The first data record."""
    return town.follow(town.meter(), "device.update", {"data": data(1)}, by=[town.acme])


@accepted
def device_update__policy(town: Town) -> Signed:
    """Important data names who reads it."""
    policy = {
        "credentials": [{"type": "NetworkAccessLicence", "issuer": town.beta.did}],
        "parties": [town.beta.did],
    }
    body = {"data": {**data(1), "grade": "important", "policy": policy}}
    return town.follow(town.meter(), "device.update", body, by=[town.acme])


@accepted
def device_update__no_parent(town: Town) -> Signed:
    """A part is taken out."""
    whole = town.meter()
    part = town.device("M-2", town.acme)
    town.accept(town.follow(part, "device.update", {"parent": whole.did}, by=[town.acme]))
    return town.follow(part, "device.update", {"parent": "none"}, by=[town.acme])


@refused(SignerMissing, "/proof")
def device_update__by_the_device(town: Town) -> Signed:
    """The controller describes a device, not the device itself."""
    return town.follow(town.meter(), "device.update", {"data": data(1)})


@refused(SignerMissing, "/proof")
def device_update__by_the_prefix_holder(town: Town) -> Signed:
    """Supervision is no control."""
    return town.follow(town.betas(), "device.update", {"data": data(1)}, by=[town.acme])


@refused(WrongSequence, "/body/data/version")
def device_update__same_version(town: Town) -> Signed:
    """Versions of the data record grow."""
    meter = town.meter(data=data(2))
    return town.follow(meter, "device.update", {"data": data(2)}, by=[town.acme])


@refused(WrongSequence, "/body/data/version")
def device_update__old_version_after_none(town: Town) -> Signed:
    """Nor do they begin anew after a time without a record."""
    meter = town.meter(data=data(2))
    town.accept(town.follow(meter, "device.update", {"data": "none"}, by=[town.acme]))
    return town.follow(meter, "device.update", {"data": data(1)}, by=[town.acme])


@refused(WrongState, "/body/parent")
def device_update__own_parent(town: Town) -> Signed:
    """A device is no part of itself."""
    meter = town.meter()
    return town.follow(meter, "device.update", {"parent": meter.did}, by=[town.acme])


@refused(WrongState, "/body/parent")
def device_update__cycle(town: Town) -> Signed:
    """Nor of its own parts."""
    whole = town.meter()
    part = town.device("M-2", town.acme)
    town.accept(town.follow(part, "device.update", {"parent": whole.did}, by=[town.acme]))
    return town.follow(whole, "device.update", {"parent": part.did}, by=[town.acme])


@refused(PolicyViolated, "/body/sector")
def device_update__into_industry_without_ipv6(town: Town) -> Signed:
    """The policy is not got round by a change of sector."""
    signed = with_object(town, ipv6="none", sector={"domain": "consumption", "field": "home"})
    town.accept(signed)
    meter = town.new_device("M-2", town.acme)
    town._establish(meter, signed)
    sector = {"domain": "production", "field": "industry", "category": "C4016"}
    return town.follow(meter, "device.update", {"sector": sector}, by=[town.acme])


@refused(WrongState, "/subject")
def device_update__suspended(town: Town) -> Signed:
    """A suspended device is left as it is."""
    meter = town.meter()
    town.suspend(meter)
    return town.follow(meter, "device.update", {"data": "none"}, by=[town.acme])


@refused(WrongState, "/subject")
def device_update__retired(town: Town) -> Signed:
    """So is one that is out of use for good."""
    meter = town.meter()
    town.accept(town.follow(meter, "status.retire", {"reason": "worn out"}, by=[town.acme]))
    return town.follow(meter, "device.update", {"data": "none"}, by=[town.acme])


@refused(WrongState, "/subject")
def device_update__of_an_organization(town: Town) -> Signed:
    """An organization is no device."""
    return town.follow(town.acme, "device.update", {"data": "none"})
