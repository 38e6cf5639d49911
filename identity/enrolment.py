"""What operations say of enrolment: the scope of a grant, a registration's certificate, serials.

Closed objects like the other bodies (identity/bodies.py). Specified in specs/2-registry.md,
"Enrolment".
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from identity.members import Certificate, CertificateSerial, Closed, Hash, SchemeName, Text
from identity.x509.path import MAX_INTERMEDIATES

MAX_REVOKED = 256
"""Serials of one operation."""


class EnrolScope(Closed):
    """A manufacturer's certificate authority for a code template (IEEE 802.1AR)."""

    scheme: SchemeName
    template: Annotated[
        str, Field(pattern=r"^[!-z|~]*\{serial\}[!-z|~]*$", min_length=9, max_length=255)
    ]
    """A code of the scheme, with `{serial}` in the place of what the certificate says."""
    models: Annotated[list[Text] | None, Field(min_length=1, max_length=100)] = None
    anchor: Certificate
    intermediates: Annotated[list[Certificate], Field(max_length=MAX_INTERMEDIATES)]
    """From the anchor down: each is issued by one that stands before it."""
    quota: Annotated[int, Field(ge=1, le=2**40)]
    """How many devices may be registered under the grant."""


class Enrolment(Closed):
    """The certificate of a device's maker, which stands for the signatures of organizations."""

    grant: Hash
    certificate: Certificate


class EnrolmentRevokeBody(Closed):
    """Serials with which no device is enrolled any more."""

    grant: Hash
    serials: Annotated[list[CertificateSerial], Field(min_length=1, max_length=MAX_REVOKED)]
    reason: Text
