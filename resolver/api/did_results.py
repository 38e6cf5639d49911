"""The forms in which a DID or DID URL is answered: results, bare documents, redirects, refusals.

The binding of DID Resolution 1.0, section 12.1. A DID is resolved, a DID URL that names something
else is dereferenced; where Accept leaves it open, the result fits what was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson
from starlette.responses import Response

from identity.did import DidUrl
from resolver.api.responses import json_response
from resolver.did_dereferencing import Location, Part, dereference, selects
from resolver.did_resolution import DidError, Options, Resolution

RESOLUTION: Final = "application/did-resolution"
DEREFERENCING: Final = "application/did-url-dereferencing"
DOCUMENT: Final = "application/did"
ADDRESSES: Final = "text/uri-list"
OLD_RESOLUTION: Final = 'application/ld+json;profile="https://w3id.org/did-resolution"'
"""What a resolution result was called before it had a type of its own; Universal Resolvers that
have not been renewed ask for it."""
BARE: Final = (DOCUMENT, "application/did+json", "application/did+ld+json", "application/json")
ANY: Final = ""
"""No form in particular: the result that fits what was asked for."""
FORMS: Final = (RESOLUTION, DEREFERENCING, ADDRESSES, *BARE)

_HEADERS: Final = {"cache-control": "no-cache", "vary": "accept"}


@lru_cache(maxsize=256)
def accepted(accept: str) -> str | None:
    """The form of the answer that an Accept header asks for; None where we have none of its."""
    if not accept.strip():
        return ANY
    ranges = [_range(part) for part in accept.split(",")[:32]]
    for weight, media in sorted(ranges, key=lambda one: -one[0]):
        if not weight > 0:
            continue
        if media == OLD_RESOLUTION:
            return media
        media = media.partition(";")[0]
        if media in FORMS:
            return media
        if media in ("*/*", "application/*", "text/html"):  # a browser sees the result
            return ANY
    return None


def _range(part: str) -> tuple[float, str]:
    """Weight and type of one media range, with its profile where it has one."""
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = 1.0
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                weight = float(parameter[2:6])
            except ValueError:
                weight = 0.0
        elif parameter.startswith("profile="):
            media += f";{parameter}"
    return weight, media


def success_response(
    url: DidUrl,
    parameters: Mapping[str, str],
    options: Options,
    resolution: Resolution,
    form: str,
) -> Response:
    partial = bool(url.path) or url.fragment is not None or selects(parameters)
    if form == ANY:
        form = DEREFERENCING if partial or "relativeRef" in parameters else RESOLUTION
    if form in (RESOLUTION, OLD_RESOLUTION):
        if partial or "relativeRef" in parameters:
            detail = f"a DID URL; what it names is had as {DEREFERENCING}"
            return refusal_response(DidError("INVALID_DID", detail), form)
        return _resolved(resolution, form)
    if resolution.deactivated:
        if form == DEREFERENCING:
            return _dereferenced(None, resolution, 410)
        return _resolved(resolution, RESOLUTION)
    found = dereference(url, parameters, resolution, options)
    if isinstance(found, DidError):
        return refusal_response(found, form)
    return _found(found, resolution, form)


def _found(found: Part | Location, resolution: Resolution, form: str) -> Response:
    if isinstance(found, Location):
        if form not in BARE:
            # Section 12.1, step 9: the address and an empty body.
            return Response(b"", 303, {**_HEADERS, "location": found.urls[0]})
        return _json(found.document, 200, form)
    if form == ADDRESSES:
        detail = "only services have addresses"
        return refusal_response(DidError("REPRESENTATION_NOT_SUPPORTED", detail), form)
    if form == DEREFERENCING:
        return _dereferenced(found.content, resolution, 200)
    return _json(found.content, 200, form)


def _resolved(resolution: Resolution, form: str) -> Response:
    body = {
        "didDocument": resolution.document,
        "didResolutionMetadata": {} if resolution.deactivated else {"contentType": DOCUMENT},
        "didDocumentMetadata": resolution.metadata,
    }
    return _json(body, 410 if resolution.deactivated else 200, form)


def _dereferenced(content: dict[str, Any] | None, resolution: Resolution, status: int) -> Response:
    body = {
        "contentStream": content,
        "dereferencingMetadata": {} if content is None else {"contentType": DOCUMENT},
        "contentMetadata": resolution.metadata,
    }
    return _json(body, status, DEREFERENCING)


def refusal_response(error: DidError, form: str | None) -> Response:
    if form == DEREFERENCING:
        body = {
            "contentStream": None,
            "dereferencingMetadata": {"error": error.value()},
            "contentMetadata": {},
        }
        return _json(body, error.status, form)
    body = {
        "didDocument": None,
        "didResolutionMetadata": {"error": error.value()},
        "didDocumentMetadata": {},
    }
    return _json(body, error.status, OLD_RESOLUTION if form == OLD_RESOLUTION else RESOLUTION)


def _json(body: dict[str, Any], status: int, media: str) -> Response:
    return json_response(orjson.dumps(body), status, _HEADERS, media)
