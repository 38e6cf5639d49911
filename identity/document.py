"""DID documents (W3C DID Core 1.0) of `did:key` and `did:tetrad`.

Every verification method is a Multikey. In a `did:tetrad` document its fragment is the key's
thumbprint, so that whoever has the key can check the name; in a `did:key` it is the key itself.

    >>> document = did_key_document("z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp")
    >>> document["authentication"]
    ['did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp#z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp']
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from identity.did import did_key, did_key_method, parse_did_url, tetrad_method
from identity.errors import MalformedInput
from identity.keys import public_key

CONTEXTS = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1")
"""DID Core, and the terms `Multikey` and `publicKeyMultibase`."""

# Authentication answers challenges, assertion signs credentials, invocation signs operations.
_TETRAD_PURPOSES = ("authentication", "assertionMethod", "capabilityInvocation")
_PLAIN_FRAGMENT = re.compile(r"#[A-Za-z0-9-]{1,40}")
_DID_KEY_PURPOSES = (*_TETRAD_PURPOSES, "capabilityDelegation")


def did_key_document(multikey: str) -> dict[str, Any]:
    """The document of a `did:key`, for any signing purpose. Raises `InvalidKey`.

    It has no `keyAgreement`: we derive no encryption key from a signing key.
    """
    did = did_key(multikey)
    return _document(did, {did_key_method(multikey): multikey}, _DID_KEY_PURPOSES)


def tetrad_document(
    did: str,
    keys: Sequence[str],
    controller: str | None = None,
    services: Sequence[Mapping[str, Any]] = (),
    also_known_as: Sequence[str] = (),
) -> dict[str, Any]:
    """The document of a `did:tetrad` whose Multikeys in force are `keys` (none once it is ended).

    `controller` is left out where the subject controls itself. A service has `id` (a DID URL of
    this DID, or `#` and a fragment), `type` and `serviceEndpoint`; `also_known_as` are URIs.
    Raises `InvalidKey`, and `MalformedInput` for a service without those three.
    """
    methods = {tetrad_method(did, public_key(key).thumbprint): key for key in keys}
    document = _document(did, methods, _TETRAD_PURPOSES)
    if controller is not None and controller != did:
        document["controller"] = controller
    if also_known_as:
        document["alsoKnownAs"] = list(also_known_as)
    if services:
        document["service"] = [_service(did, service) for service in services]
    return document


def _document(did: str, methods: Mapping[str, str], purposes: Sequence[str]) -> dict[str, Any]:
    document: dict[str, Any] = {"@context": list(CONTEXTS), "id": did}
    if methods:
        document["verificationMethod"] = [
            {"id": method, "type": "Multikey", "controller": did, "publicKeyMultibase": multikey}
            for method, multikey in methods.items()
        ]
        document.update({purpose: list(methods) for purpose in purposes})
    return document


def _service(did: str, service: Mapping[str, Any]) -> dict[str, Any]:
    """DID Core, section 5.4: identifiers in full, since a relative one needs a base to compare."""
    missing = {"id", "type", "serviceEndpoint"} - service.keys()
    if missing:
        raise MalformedInput(f"a service without {', '.join(sorted(missing))}")
    name = str(service["id"])
    if _PLAIN_FRAGMENT.fullmatch(name) is not None:
        return {**service, "id": did + name}
    if name.startswith("#"):
        name = did + name
    if parse_did_url(name).did != did:
        raise MalformedInput(f"the service {name[:80]!r} is not one of {did}")
    return {**service, "id": name}
