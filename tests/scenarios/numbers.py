"""Scenarios of number.rebind: one number for a device, one device for a number."""

from __future__ import annotations

from collections.abc import Sequence

from identity.disclosure import NUMBER
from identity.errors import (
    MalformedCode,
    NumberTaken,
    SignerMissing,
    SignerUnexpected,
    WrongSequence,
    WrongState,
)
from tests.factory import Signed, Subject, disclosed
from tests.scenarios import Town, accepted, refused

FIRST, SECOND = "1440000000001", "1440000000002"


def rebind(
    town: Town,
    device: Subject,
    number: str | None,
    by: Sequence[Subject],
    scheme: str = "msisdn-cn-iot",
) -> Signed:
    """A rebinding, signed by the device and those in `by`."""
    if number is None:
        return town.follow(device, "number.rebind", {"number": "none"}, by=[device, *by])
    opened = disclosed(NUMBER, number)
    body = {"number": {"scheme": scheme, "commitment": opened.digest}}
    return town.follow(device, "number.rebind", body, by=[device, *by], disclosures=[opened])


@accepted
def number_rebind__another(town: Town) -> Signed:
    """The old interval closes and the new one opens in one step."""
    return rebind(town, town.meter(), SECOND, [town.acme])


@accepted
def number_rebind__none(town: Town) -> Signed:
    """A device gives its number up."""
    return rebind(town, town.meter(), None, [town.acme])


@accepted
def number_rebind__taken_over(town: Town) -> Signed:
    """A number moves to another controller's device, which the old controller signs too."""
    town.meter()
    return rebind(town, town.betas(), FIRST, [town.beta, town.acme])


@accepted
def number_rebind__from_a_revoked_device(town: Town) -> Signed:
    """A revoked device's controller is not asked."""
    town.revoke(town.meter())
    return rebind(town, town.betas(), FIRST, [town.beta])


@accepted
def number_rebind__within_a_fleet(town: Town) -> Signed:
    """From one device to another of the same controller."""
    town.meter()
    return rebind(town, town.device("M-2", town.acme), FIRST, [town.acme])


@refused(NumberTaken, "/body/number")
def number_rebind__old_controller_missing(town: Town) -> Signed:
    """Nobody takes a number that is active elsewhere."""
    town.meter()
    return rebind(town, town.betas(), FIRST, [town.beta])


@refused(NumberTaken, "/body/number")
def number_rebind__to_itself(town: Town) -> Signed:
    """The number is there already."""
    return rebind(town, town.meter(), FIRST, [town.acme])


@refused(SignerMissing, "/proof")
def number_rebind__device_missing(town: Town) -> Signed:
    """The device signs, since the number will speak for it."""
    body = {"number": "none"}
    return town.follow(town.meter(), "number.rebind", body, by=[town.acme])


@refused(SignerMissing, "/proof")
def number_rebind__controller_missing(town: Town) -> Signed:
    """The device does not change its number on its own."""
    return rebind(town, town.meter(), None, [])


@refused(SignerMissing, "/proof")
def number_rebind__stranger_asks(town: Town) -> Signed:
    """A stranger is not told whether the number is active."""
    town.meter()
    opened = disclosed(NUMBER, FIRST)
    body = {"number": {"scheme": "msisdn-cn-iot", "commitment": opened.digest}}
    part = town.betas()
    return town.follow(part, "number.rebind", body, by=[town.acme], disclosures=[opened])


@refused(SignerUnexpected, "/proof")
def number_rebind__needless_signature(town: Town) -> Signed:
    """Where the number is free nobody else signs."""
    return rebind(town, town.meter(), SECOND, [town.acme, town.beta])


@refused(WrongState, "/body/number")
def number_rebind__from_a_suspended_device(town: Town) -> Signed:
    """A number under suspicion stays where it is, though its controller signs."""
    town.suspend(town.meter())
    return rebind(town, town.device("M-2", town.acme), FIRST, [town.acme])


@refused(WrongState, "/subject")
def number_rebind__suspended(town: Town) -> Signed:
    """A suspended device keeps its number."""
    meter = town.meter()
    town.suspend(meter)
    return rebind(town, meter, None, [town.acme])


@refused(MalformedCode, "/body/number/scheme")
def number_rebind__code_as_number(town: Town) -> Signed:
    """A code is no number."""
    return rebind(town, town.meter(), "0024be0123804ff1", [town.acme], scheme="eui64")


@refused(WrongSequence, "/sequence")
def number_rebind__sequence_again(town: Town) -> Signed:
    """An operation that was overtaken."""
    meter = town.meter()
    signed = rebind(town, meter, SECOND, [town.acme])
    town.accept(rebind(town, meter, None, [town.acme]))
    return signed
