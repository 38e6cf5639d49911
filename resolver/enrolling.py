"""How a device that has a certificate is described: what the grant and the certificate tell of it.

    body = enrolment_body(grant, certificate, {"object": {"model": "M1", "sector": …}, …})
    prepared = unsigned_enrolment(ledger, body, now, random)     # signed by its keys and no party

`grant` is the record of a grant to enrol, `certificate` base64 of DER. Pure; what the rule book
makes of it stands in registry/enrolment.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from identity.errors import InvalidAnswer, SchemaViolation
from identity.jcs import Json
from identity.x509.certificate import read_certificate
from registry.enrolment import PLACEHOLDER
from resolver.positions import Position
from resolver.prepare import prepare
from resolver.prepared import Prepared
from resolver.schemes import SCHEMES


class _Nobody:
    """The ledger's present state, for an operation that no party of it signs."""

    def __init__(self, ledger: str) -> None:
        self.ledger = ledger

    def position(self, did: str) -> Position | None:  # noqa: ARG002 - the port's signature
        """See `Present`."""
        return None

    def key(self, thumbprint: str) -> tuple[str, str] | None:  # noqa: ARG002 - the port's signature
        """See `Present`."""
        return None


def enrolment_body(
    grant: Mapping[str, Any], certificate: str, body: Mapping[str, Json]
) -> dict[str, Json]:
    """The plain body of a device under a grant to enrol: code, serial and controller follow from
    the grant's record and the certificate, in base64 of DER. Raises InvalidCertificate."""
    try:
        holder, scope, name = grant["to"], grant["scope"], grant["grant"]
        template, scheme = str(scope["template"]), scope["scheme"]
    except (KeyError, TypeError) as missing:
        raise InvalidAnswer(f"this is no grant to enrol: it lacks {missing}") from None
    serial = read_certificate(certificate).device_serial
    about = body.get("object")
    if not isinstance(about, dict):
        raise SchemaViolation("a JSON object is expected", pointer="/body/object")
    return {
        "code": {"scheme": scheme, "value": template.replace(PLACEHOLDER, serial)},
        "controller": holder,
        **body,
        "object": {"maker": holder, "serial": serial, **about},
        "enrolment": {"grant": name, "certificate": certificate},
    }


def unsigned_enrolment(
    ledger: str, body: Mapping[str, Json], now: int, random: Callable[[int], bytes]
) -> Prepared:
    """The registration of a device that is described by `enrolment_body`, with its keys."""
    description: Json = {"type": "device.register", "body": dict(body)}
    return prepare(description, _Nobody(ledger), SCHEMES, now, random)
