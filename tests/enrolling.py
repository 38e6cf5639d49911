"""Enrolments for tests: Acme's factory, the grants under which it enrols, and its devices.

grant = granted(city, acme, acme)
first = enrolled(city, grant.hash, "SN-1", acme)      # neither is submitted yet
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from identity.did import did_key_method
from identity.disclosure import SERIAL
from tests import certificates
from tests.factory import City, Method, Signed, Subject, disclosed

TEMPLATE = "https://id.gs1.org/01/09506000134352/21/{serial}"
ROOT = certificates.authority("root", length=1)
ISSUING = certificates.authority("issuing", below=ROOT, length=0)


def scope(**changes: Any) -> dict[str, Any]:
    """The scope of Acme's enrolment."""
    return {
        "scheme": "gs1",
        "template": TEMPLATE,
        "anchor": ROOT.text,
        "intermediates": [ISSUING.text],
        "quota": 10_000,
        **changes,
    }


def granted(
    city: City,
    granter: Subject,
    to: Subject,
    *,
    by: list[Subject] | None = None,
    not_after: str | None = None,
    **changes: Any,
) -> Signed:
    """A grant to enrol, signed by both sides and not yet submitted."""
    body: dict[str, Any] = {"right": "enrol", "to": to.did, "scope": scope(**changes)}
    if not_after is not None:
        body["notAfter"] = not_after
    signers = [granter] if to is granter else [granter, to]
    return city.follow(granter, "grant.issue", body, by=signers if by is None else by)


def enrolled(
    city: City,
    grant: str,
    serial: str,
    controller: Subject,
    *,
    certificate: bytes | None = None,
    leaf: Method | None = None,
    own: bool = False,
    also: list[Method] | None = None,
    shown: str | None = None,
    **members: Any,
) -> Signed:
    """The registration of a device by its certificate, not yet submitted.

    `own` makes the certificate's key the device's key as well; `leaf` signs in its place; `also`
    sign as well; `shown` is the serial that is disclosed.
    """
    device = Subject(f"enrolled {serial}")
    der = certificate or certificates.device(serial, below=ISSUING)
    opened = disclosed(SERIAL, shown or serial)
    private = certificates.leaf_key(serial)
    method = leaf or (private, did_key_method(private.public.multikey))
    body = city.device_body(
        device,
        controller,
        serial=opened,
        number=None,
        **{
            "code": {"scheme": "gs1", "value": TEMPLATE.replace("{serial}", serial)},
            "enrolment": {
                "grant": grant,
                "certificate": b64encode(der).decode(),
            },
            **members,
        },
    )
    methods = [(device.key, did_key_method(device.key.public.multikey)), method]
    if own:
        body["keys"] = [private.public.multikey]
        methods = [method]
    operation = city.operation("device.register", body, *methods, *(also or []))
    return Signed(operation, [opened.encoded])
