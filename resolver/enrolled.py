"""What an answer proves of a device that enrolled itself: a certificate, and the grant behind it.

    enrolled = verify_enrolment(registration, [*signers, *own], pinned)   # None for other devices

No organization has signed such a registration. The evidence shows the grant instead, which its
granter and its holder have signed; here it is held against the device: the certificate's path, the
code out of the template, the controller, the model. What only the whole state can tell is for an
audit: that the grant was not withdrawn by then, that its quota was not used up, that the serial was
not revoked, and that the granter held the prefix. Specified in specs/1-identity.md, "Enrolment".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from identity.errors import InvalidAnswer, InvalidCertificate, InvalidIdentifier
from identity.members import parse_time
from identity.operation import DeviceRegister, GrantIssue, operation_value
from identity.rights import EnrolGrant
from identity.x509.certificate import read_certificate
from identity.x509.path import read_authorities
from registry.enrolment import PLACEHOLDER
from resolver.pinned import Pinned
from resolver.replaying import Shown, Signed, parties_of
from resolver.schemes import SCHEMES


class Enrolled(NamedTuple):
    """Under which grant a device enrolled itself, and as what."""

    grant: str
    """The operation hash of the grant."""
    granter: str
    holder: str
    """DIDs of the two sides, which both signed the grant and not the registration."""
    serial: str
    """Of the device's certificate."""


def verify_enrolment(first: Shown, shown: Sequence[Signed], pinned: Pinned) -> Enrolled | None:
    """The enrolment of a registration whose signatures are verified; None where organizations
    signed it. `shown` are all operations of the answer. Raises InvalidAnswer."""
    operation = cast("DeviceRegister", first.operation)
    enrolment = operation.body.enrolment
    if enrolment is None:
        return None
    granted = next((one for one in shown if one.hash == enrolment.grant), None)
    if granted is None or not isinstance(granted.operation, GrantIssue):
        raise InvalidAnswer("the grant of the enrolment is not shown", pointer="/proof/signers")
    grant = granted.operation
    body = grant.body
    if not isinstance(body, EnrolGrant) or grant.ledger != pinned.ledger:
        raise InvalidAnswer("the grant is none to enrol on this ledger", pointer="/proof/signers")
    if not {grant.subject, body.to} <= parties_of(grant):
        raise InvalidAnswer("a side of the grant has not signed it", pointer="/proof/signers")
    if body.to != operation.body.controller:
        raise InvalidAnswer("the enrolment is for another controller", pointer="/proof/entries")
    if operation.body.object.model not in (body.scope.models or [operation.body.object.model]):
        raise InvalidAnswer("the enrolment is for other models", pointer="/proof/entries")
    now = parse_time(first.entry.time)
    if body.notAfter is not None and now > parse_time(body.notAfter):
        raise InvalidAnswer("the grant was over when the device enrolled itself")
    serial = _certified(operation, body, now)
    return Enrolled(enrolment.grant, grant.subject, body.to, serial)


def _certified(operation: DeviceRegister, body: EnrolGrant, now: int) -> str:
    """The serial of the certificate, whose path leads to the grant's anchor and which gives the
    device's code."""
    assert operation.body.enrolment is not None  # noqa: S101 - the caller has looked
    try:
        leaf = read_certificate(operation.body.enrolment.certificate)
        scope = body.scope
        read_authorities(scope.anchor, tuple(scope.intermediates)).check_leaf(leaf, now)
        serial = leaf.device_serial
        value = SCHEMES.canonical(scope.scheme, scope.template.replace(PLACEHOLDER, serial))
    except (InvalidCertificate, InvalidIdentifier) as error:
        raise InvalidAnswer(
            f"the certificate of the enrolment does not hold: {error.detail}",
            pointer="/proof/entries",
        ) from None
    if operation_value(operation.body.code) != {"scheme": scope.scheme, "value": value}:
        raise InvalidAnswer("the code is not the certificate's", pointer="/proof/entries")
    return serial
