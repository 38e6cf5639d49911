"""The rows of the rule book about enrolment: certificates that stand for signatures.

A grant of the right `enrol` names a manufacturer's certificate authority, a template of codes and a
quota. A device that has a certificate of that authority registers itself: its certificate's key
signs, and the grant stands for the prefix holder, the controller and the maker. So the grant is
signed by both sides, and counts only while its issuer could still sign itself: while it holds the
prefix of the very code, and is in use. Specified in specs/2-registry.md, "Enrolment"; what makes a
certificate hold, in specs/1-identity.md, "Enrolment".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from identity.bodies import DeviceBody
from identity.enrolment import Enrolment
from identity.errors import (
    InvalidCertificate,
    KeyReused,
    MalformedCode,
    NotFound,
    PolicyViolated,
    QuotaExceeded,
    RightMissing,
    WrongState,
)
from identity.keys import thumbprint
from identity.operation import EnrolmentRevoke, operation_value
from identity.rights import EnrolGrant
from identity.x509.certificate import Certificate, read_certificate
from identity.x509.path import read_authorities
from registry import grants
from registry.case import Case, pointing
from registry.state import (
    Changes,
    EnrolmentRecord,
    GrantRecord,
    Key,
    Organization,
    SerialRecord,
    subject_of,
)

PLACEHOLDER = "{serial}"
TRIAL = "1"
"""The serial with which a template is tried out when it is granted."""
_CERTIFICATE = "/body/enrolment/certificate"
_GRANT = "/body/enrolment/grant"


@contextmanager
def _certificate(place: str) -> Iterator[None]:
    """Errors of certificates, with a pointer below the place where they stand."""
    try:
        yield
    except InvalidCertificate as error:
        error.pointer = place + error.pointer
        raise


def begin(case: Case, body: EnrolGrant, granter: Organization) -> Changes:
    """What a grant to enrol needs beyond other grants: a template under the granter's prefix, and a
    certificate authority that holds now. Raises RightMissing, InvalidCertificate and others."""
    scope = operation_value(body.scope)
    with pointing("/body/scope", "template"):
        if case.schemes.is_number(body.scope.scheme):
            raise MalformedCode(
                f"{body.scope.scheme} is a scheme of numbers", pointer="/body/scope/scheme"
            )
        if case.schemes.is_committed(body.scope.scheme):
            raise PolicyViolated(
                f"codes of {body.scope.scheme} are committed to, so that none can be compared with "
                "a template",
                pointer="/body/scope/scheme",
            )
        code = filled(case, scope, TRIAL)
        if code != body.scope.template.replace(PLACEHOLDER, TRIAL):
            raise MalformedCode("the template is not in canonical form", hint=f"as in {code}")
        holder = case.holder({"scheme": body.scope.scheme, "value": code})
    if granter["did"] not in (holder, case.registry["authority"]):
        raise RightMissing(
            "the granter does not hold the prefix of the template's codes",
            pointer="/body/scope/template",
            hint="ask the holder of the prefix to grant it",
        )
    with _certificate("/body/scope"):
        read_authorities(body.scope.anchor, tuple(body.scope.intermediates)).check_time(case.now)
    record: EnrolmentRecord = {"enrolled": 0}
    return {("enrolment", case.hash): record}


def filled(case: Case, scope: dict[str, object], serial: str) -> str:
    """The code of a serial under a grant, in canonical form. Raises InvalidIdentifier."""
    template = cast("str", scope["template"])
    return case.schemes.canonical(
        cast("str", scope["scheme"]), template.replace(PLACEHOLDER, serial)
    )


def closers(case: Case, grant: GrantRecord) -> set[str]:
    """Who may end an enrolment or revoke serials in it: its holder, and whoever holds the prefix
    of its codes now. (The authority may anything.)"""
    scope = cast("dict[str, object]", grant["scope"])
    code = {"scheme": cast("str", scope["scheme"]), "value": filled(case, scope, TRIAL)}
    return {grant["to"], case.holder(code) or case.registry["authority"]}


def presented(enrolment: Enrolment) -> Certificate:
    """The certificate that a registration shows. Raises InvalidCertificate."""
    with _certificate(_CERTIFICATE):
        return read_certificate(enrolment.certificate)


def new_keys(body: DeviceBody) -> list[str]:
    """The keys that sign a registration as `did:key`: the device's own, and that of its certificate
    where it is none of them. Raises InvalidCertificate."""
    if body.enrolment is None:
        return body.keys
    return list(dict.fromkeys([*body.keys, presented(body.enrolment).multikey]))


def asked_for(enrolment: Enrolment) -> list[Key]:
    """The keys of the state that a registration with this certificate is going to look up."""
    leaf = presented(enrolment)
    return [
        ("enrolment", enrolment.grant),
        ("serial", enrolment.grant, leaf.device_serial),
        ("key", thumbprint(leaf.multikey)),
    ]


def enrol(case: Case, body: DeviceBody) -> Changes:
    """That the grant stands for those who would have to sign, and what the registration uses up.

    The certificate's signature comes last: it costs more than all the rest.
    """
    shown = cast("Enrolment", body.enrolment)
    leaf = presented(shown)
    grant = _grant_in_force(case, shown.grant)
    _check_parties(case, body, grant)
    scope = cast("dict[str, object]", grant["scope"])
    with _certificate(_CERTIFICATE):
        serial = leaf.device_serial
    if case.state.get(("serial", shown.grant, serial)) is not None:
        raise InvalidCertificate(
            "this serial is revoked for enrolment",
            pointer=_CERTIFICATE,
            hint="the enrolment's holder, or the holder of the prefix, has revoked it",
        )
    _check_code(case, body, grant, serial)
    counted = cast("EnrolmentRecord", case.state.get(("enrolment", shown.grant)))
    if counted["enrolled"] >= cast("int", scope["quota"]):
        raise QuotaExceeded("the enrolment's quota is used up", pointer=_GRANT)
    with _certificate(_CERTIFICATE):
        intermediates = tuple(cast("list[str]", scope["intermediates"]))
        authorities = read_authorities(cast("str", scope["anchor"]), intermediates)
        authorities.check_leaf(leaf, case.now)
    record: EnrolmentRecord = {"enrolled": counted["enrolled"] + 1}
    return {("enrolment", shown.grant): record}


def _grant_in_force(case: Case, name: str) -> GrantRecord:
    grant = grants.grant_at(case.state, name)
    if grant is None or grant["right"] != "enrol":
        raise NotFound("no such grant to enrol", pointer=_GRANT)
    if not grants.is_active(case.state, grant, case.now):
        raise RightMissing(
            "the enrolment is closed", pointer=_GRANT, hint="its grant is withdrawn or has expired"
        )
    issuer = subject_of(case.state, grant["issuer"])
    if issuer is None or issuer["status"] != "active":
        raise WrongState("who granted the enrolment is not in use", pointer=_GRANT)
    return grant


def _check_parties(case: Case, body: DeviceBody, grant: GrantRecord) -> None:
    """The grant speaks for its holder alone, and for the maker whose name that holder may use."""
    if body.controller != grant["to"]:
        raise RightMissing(
            "an enrolment makes its holder the controller, and nobody else",
            pointer="/body/controller",
        )
    maker, model = body.object.maker, body.object.model
    if not grants.may_make(case.state, grant["to"], maker, model, case.now):
        raise RightMissing(
            "the enrolment's holder has no right to this maker's name for this model",
            pointer="/body/object/maker",
            hint="the maker grants `make`, or is the holder",
        )
    if model not in cast("list[str]", grant["scope"].get("models", [model])):
        raise RightMissing("the enrolment is not for this model", pointer="/body/object/model")


def _check_code(case: Case, body: DeviceBody, grant: GrantRecord, serial: str) -> None:
    """The code is that of the serial, and the grant's issuer answers for it now."""
    scope = cast("dict[str, object]", grant["scope"])
    code = operation_value(body.code)
    with pointing("/body/code", "value"):
        if code.get("scheme") != scope["scheme"] or code.get("value") != filled(
            case, scope, serial
        ):
            raise RightMissing(
                "the code is not the one that the certificate's serial gives",
                pointer="/body/code",
                hint=f"fill {scope['template']} with {serial}",
            )
    if grant["issuer"] not in (case.registry["authority"], case.holder(code)):
        raise RightMissing(
            "who granted the enrolment no longer holds the prefix of this code",
            pointer=_GRANT,
            hint="its present holder grants the enrolment anew",
        )


@contextmanager
def pointing_to_the_certificate(body: DeviceBody) -> Iterator[None]:
    """Errors about its key, which stands behind the device's own among `new_keys`."""
    try:
        yield
    except KeyReused as error:
        if error.pointer == f"/body/keys/{len(body.keys)}":
            error.pointer = _CERTIFICATE
        raise


def enrolment_revoke(case: Case) -> Changes:
    """enrolment.revoke"""
    body = cast("EnrolmentRevoke", case.operation).body
    revoker = case.organization()
    case.signers().exactly({revoker["did"]})
    case.in_order(revoker)
    grant = grants.grant_at(case.state, body.grant)
    if grant is None or grant["right"] != "enrol":
        raise NotFound("no such grant to enrol", pointer="/body/grant")
    if revoker["did"] not in closers(case, grant) | {case.registry["authority"]}:
        raise RightMissing(
            "only the enrolment's holder, the holder of the prefix, or the authority revokes",
            pointer="/body/grant",
        )
    if grant["status"] != "active":
        raise WrongState("the enrolment is closed already", pointer="/body/grant")
    scope = cast("dict[str, object]", grant["scope"])
    changes: Changes = {}
    for place, serial in enumerate(body.serials):
        key: Key = ("serial", body.grant, serial)
        with pointing("/body/serials", str(place)):
            code: Key = ("code", cast("str", scope["scheme"]), filled(case, scope, serial))
        if key in changes or case.state.get(key) is not None:
            raise WrongState("the serial is revoked already", pointer=f"/body/serials/{place}")
        if case.state.get(code) is not None:
            raise WrongState(
                "a device is registered with this serial",
                pointer=f"/body/serials/{place}",
                hint="end the device itself with status.revoke",
            )
        record: SerialRecord = {"reason": body.reason, "revoked": case.stamp}
        changes[key] = record
    return case.changing(revoker, changes)
