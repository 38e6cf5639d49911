"""Files of certificates, as tools write them: PEM (RFC 7468) or DER.

    certificates_in(Path("chain.pem").read_bytes())    # base64 of DER, one for each certificate

Text around the blocks is passed over, as RFC 7468, section 5.2, allows; a block of another kind is
passed over too, so that a key in the same file does no harm. Nothing is checked of a certificate.
"""

from __future__ import annotations

import re

from identity.errors import InvalidCertificate
from identity.multibase import base64_encode
from identity.x509.certificate import read_certificate

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\s*([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")


def certificates_in(data: bytes) -> list[str]:
    """Base64 of the DER of each certificate in a file, in its order. Raises InvalidCertificate
    where there is none."""
    if data.startswith(b"\x30"):
        return [base64_encode(data)]
    found = [b"".join(block.split()).decode("ascii") for block in _BLOCK.findall(data)]
    if not found:
        raise InvalidCertificate(
            "no certificate in PEM or DER", hint="-----BEGIN CERTIFICATE----- begins one in PEM"
        )
    return found


def one_certificate(data: bytes) -> str:
    """Base64 of the DER of the one certificate in a file. Raises InvalidCertificate."""
    found = certificates_in(data)
    if len(found) > 1:
        raise InvalidCertificate(f"{len(found)} certificates, where one is expected")
    read_certificate(found[0])
    return found[0]
