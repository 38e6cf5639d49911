"""What a DID URL names: a document, a part of it, or the address of a service.

    found = dereference(url, parameters, resolution, options)     # Part, Location or DidError

Follows DID Resolution 1.0, section 5.4. A path names nothing here; a query selects services, and
one that selects none is not found, whatever form was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from identity.did import DidUrl
from identity.errors import MalformedInput
from resolver.did_resolution import OPTIONS, DidError, Options, Resolution
from resolver.references import resolve_reference

SELECTING: Final = ("service", "serviceType", "relativeRef")
PARAMETERS: Final = (*OPTIONS, *SELECTING)
MAX_PARAMETERS: Final = 16

# Controlled Identifiers 1.0, section 3.5. They go beside our code: the binding has 500 for any code
# that is not its own, and nothing here went wrong on our side.
_SECURITY: Final = "https://w3id.org/security#"
NO_METHOD: Final = _SECURITY + "INVALID_VERIFICATION_METHOD"
NO_RELATIONSHIP: Final = _SECURITY + "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD"


@dataclass(frozen=True, slots=True)
class Part:
    """A document (with the selected services alone, where some are selected), or a part of it."""

    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Location:
    """The addresses of services, of which the first is that of a redirect, and the document with
    these services alone."""

    urls: list[str]
    document: dict[str, Any]


def read_parameters(text: str) -> dict[str, str] | str:
    """Names and values of a query (RFC 3986: `+` is itself), each name once; or what is wrong.

    Section 3.2.2 leaves duplicates to us: they are refused.
    """
    found: dict[str, str] = {}
    parts = text.split("&") if text else []
    if len(parts) > MAX_PARAMETERS:
        return "too many parameters"
    for part in parts:
        name, _, value = (unquote_to_bytes(one) for one in part.partition("="))
        try:
            name_text, value_text = name.decode("ascii"), value.decode("ascii")
        except UnicodeDecodeError:
            return "a parameter has a character beyond ASCII"
        if name_text in found:
            return f"{name_text[:40]} stands twice"
        found[name_text] = value_text
    return found


def selects(parameters: Mapping[str, str]) -> bool:
    """Whether a DID URL names services rather than a document."""
    return "service" in parameters or "serviceType" in parameters


def dereference(
    url: DidUrl, parameters: Mapping[str, str], resolution: Resolution, options: Options
) -> Part | Location | DidError:
    """What a DID URL names within the document that its DID was resolved to, which is there."""
    document = resolution.document or {}
    if "relativeRef" in parameters and not selects(parameters):
        return DidError("INVALID_DID_URL", "relativeRef goes with service or serviceType")
    if url.path:
        return DidError("NOT_FOUND", "a path of a DID names nothing here")
    if selects(parameters):
        return _services(url, parameters, document)
    if url.fragment is not None:
        return _part(f"{url.did}#{url.fragment}", document, options)
    if options.relationship is not None:
        return DidError(
            "INVALID_OPTIONS", "verificationRelationship goes with the fragment of a method"
        )
    return Part(document)


def _services(
    url: DidUrl, parameters: Mapping[str, str], document: dict[str, Any]
) -> Location | DidError:
    """Section 5.4.1, step 7, and section 5.4.2, step 2."""
    name, kind = parameters.get("service"), parameters.get("serviceType")
    wanted = None if name is None else f"{url.did}#{name.removeprefix(url.did).removeprefix('#')}"
    selected = [
        one
        for one in document.get("service", [])
        if wanted in (None, one["id"]) and kind in (None, one["type"])
    ]
    if not selected:
        return DidError("NOT_FOUND", "no such service in the document")
    urls = [one["serviceEndpoint"] for one in selected]
    reference = parameters.get("relativeRef")
    try:
        if reference is not None:
            urls = [resolve_reference(one, reference) for one in urls]
    except MalformedInput as error:
        return DidError("INVALID_DID_URL", f"relativeRef: {error.detail}")
    if url.fragment is not None:
        if any("#" in one for one in urls):
            return DidError("INVALID_DID_URL", "the address of the service has a fragment already")
        urls = [f"{one}#{url.fragment}" for one in urls]
    return Location(urls, {**document, "service": selected})


def _part(name: str, document: dict[str, Any], options: Options) -> Part | DidError:
    """Section 5.4.2, steps 1 and 3."""
    for member in ("verificationMethod", "service"):
        for part in document.get(member, []):
            if part["id"] == name:
                break
        else:
            continue
        wanted = options.relationship
        if wanted is not None and member != "verificationMethod":
            return DidError("NOT_FOUND", "no verification method", {"reason": NO_METHOD})
        if wanted is not None and name not in document.get(wanted, []):
            return DidError("NOT_FOUND", f"not good for {wanted}", {"reason": NO_RELATIONSHIP})
        return Part({"@context": document["@context"], **part})
    reason = {"reason": NO_METHOD} if options.relationship is not None else {}
    return DidError("NOT_FOUND", "nothing in the document has this fragment", reason)
