"""specs/vectors/identity/certificates.json: paths of certificates, right or wrong in one thing.

    {"description", "paths": [{"name", "now", "anchor", "intermediates", "certificate",
                               "serial", "key"} or {…, "error", "pointer"}]}

Of a path that is refused, `pointer` is the member at fault: "/anchor", "/intermediates/0", or
"/certificate".
"""

from __future__ import annotations

from typing import Any

from identity.errors import InvalidCertificate
from identity.members import format_time
from identity.x509.certificate import read_certificate
from identity.x509.path import read_authorities
from tests.certificates import Authority
from tests.factory import NOW
from tests.generated import file
from tests.identity import test_certificates as cases
from tests.identity.test_certificates import ISSUING, ROOT, text


def judged(path: dict[str, Any]) -> dict[str, Any]:
    """What our code says to a path."""
    try:
        authorities = read_authorities(path["anchor"], tuple(path["intermediates"]))
        authorities.check_time(NOW)
    except InvalidCertificate as error:
        return {"error": error.code, "pointer": error.pointer or "/intermediates"}
    try:
        leaf = read_certificate(path["certificate"])
        serial = leaf.device_serial
        authorities.check_leaf(leaf, NOW)
    except InvalidCertificate as error:
        return {"error": error.code, "pointer": "/certificate"}
    return {"serial": serial, "key": leaf.multikey}


def _path(name: str, leaf: bytes, *authorities: Authority) -> dict[str, Any]:
    anchor, *below = authorities or (ROOT, ISSUING)
    path = {
        "name": name,
        "now": format_time(NOW),
        "anchor": anchor.text,
        "intermediates": [one.text for one in below],
        "certificate": text(leaf),
    }
    return {**path, **judged(path)}


def files() -> dict[str, bytes]:
    """The one file."""
    paths = [_path(name, leaf, *path) for name, (leaf, path) in cases.right_paths().items()]
    paths += [_path(name, build()) for name, (build, _) in cases.WRONG_LEAVES.items()]
    paths += [
        _path(name, cases.GOOD, *build()) for name, (build, _, _) in cases.WRONG_PATHS.items()
    ]
    value = {
        "description": "Devices' certificates below authorities of a grant to enrol.",
        "paths": paths,
    }
    return {"vectors/identity/certificates.json": file(value)}
