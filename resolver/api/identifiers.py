"""GET /1.0/identifiers/{did}: the HTTP binding of W3C DID Resolution, and the Universal Resolver's
questions to a driver.

It is routed on the raw path. In a DID that is written plainly the query belongs to the DID URL; in
one that is percent-encoded the query holds resolution options. Answers and errors have the form
that the W3C gives them, not problem details.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.errors import InvalidInput
from resolver.api.requests import header, query
from resolver.api.responses import NO_CACHE, json_response
from resolver.did_resolution import (
    METHODS,
    OPTIONS,
    PARAMETERS,
    Dereferenced,
    DidError,
    Resolution,
    dereference,
    read_did_url,
    resolve,
)
from resolver.service import Service

PREFIX: Final = b"/1.0/identifiers/"
RESOLUTION: Final = "application/did-resolution"
DEREFERENCING: Final = "application/did-url-dereferencing"
DOCUMENT: Final = "application/did"
BARE: Final = (DOCUMENT, "application/did+json", "application/did+ld+json", "application/json")


class IdentifierEndpoints:
    """DIDs over HTTP."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/1.0/identifiers/{did:path}", self.identifier),
            Route("/1.0/methods", self.methods),
            Route("/1.0/properties", self.properties),
            Route("/1.0/testIdentifiers", self.examples),
        ]

    async def methods(self, request: Request) -> Response:
        """The methods that are resolved here."""
        query(request.scope, ())
        return json_response(orjson.dumps(METHODS))

    async def properties(self, request: Request) -> Response:
        """What a Universal Resolver shows of a driver."""
        query(request.scope, ())
        shown = {
            method: {"ledger": self._service.ledger_hash} if method == "tetrad" else {}
            for method in METHODS
        }
        return json_response(orjson.dumps(shown))

    async def examples(self, request: Request) -> Response:
        """DIDs that can be resolved here."""
        query(request.scope, ())
        service = self._service
        authority = f"did:tetrad:{service.label}:{service.ledger_hash}"
        genesis: dict[str, Any] = service.site.genesis
        key = f"did:key:{genesis['body']['keys'][0]}"
        return json_response(orjson.dumps({"key": [key], "tetrad": [authority]}))

    async def identifier(self, request: Request) -> Response:
        """A document, a resolution result or a dereferencing result, as Accept asks."""
        form = accepted(header(request.scope, b"accept"))
        if form is None:
            refused = DidError(
                "REPRESENTATION_NOT_SUPPORTED", f"{RESOLUTION}, {DEREFERENCING} or {DOCUMENT}"
            )
            return _refusal(refused, RESOLUTION)
        text, allowed = did_url_of(request)
        try:
            given = query(request.scope, allowed)
        except InvalidInput as error:
            return _refusal(DidError("INVALID_OPTIONS", error.detail), form)
        url = read_did_url(text)
        if isinstance(url, DidError):
            return _refusal(url, form)
        inside = _parameters(url.query)
        if isinstance(inside, DidError):
            return _refusal(inside, form)
        given = {**given, **inside}
        options = {name: value for name, value in given.items() if name in OPTIONS}
        resolution = resolve(self._service.store, url.did, options)
        if isinstance(resolution, DidError):
            return _refusal(resolution, form)
        found = dereference(url, resolution, given)
        if isinstance(found, DidError):
            return _refusal(found, form)
        return _success(found, form)


def accepted(accept: str) -> str | None:
    """The form of the answer that an Accept header asks for; None where we have none of its."""
    if not accept.strip():
        return DOCUMENT
    ranges: list[tuple[float, str]] = []
    for part in accept.split(",")[:32]:
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:6])
                except ValueError:
                    weight = 0.0
        ranges.append((weight, media))
    for weight, media in sorted(ranges, key=lambda one: -one[0]):
        if not weight > 0:
            continue
        if media in (RESOLUTION, DEREFERENCING, *BARE):
            return media
        if media in ("*/*", "application/*", "text/html"):  # a browser sees the document
            return DOCUMENT
    return None


def did_url_of(request: Request) -> tuple[str, tuple[str, ...]]:
    """The DID URL that was asked for, and the names that its query may have beside it."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    text = raw.removeprefix(PREFIX).decode("ascii", "replace")
    if text[:6].lower() == "did%3a":  # encoded as a whole, its own query and fragment included
        return unquote(text), OPTIONS
    return text, PARAMETERS


def _parameters(text: str | None) -> dict[str, str] | DidError:
    """The parameters within a percent-encoded DID URL."""
    if text is None:
        return {}
    try:
        return query({"query_string": text.encode()}, PARAMETERS)
    except InvalidInput as error:
        return DidError("INVALID_DID_URL", error.detail)


def _success(found: Dereferenced, form: str) -> Response:
    resolution = found.resolution
    if found.content is None:
        if form == DEREFERENCING:
            body: Any = _dereferenced([found.location], "text/uri-list", resolution)
            return _json(body, 200, form)
        return Response(b"", 303, {**NO_CACHE, "location": found.location})
    status = 410 if resolution.deactivated else 200
    if form == RESOLUTION:
        body = {
            "didDocument": resolution.document,
            "didResolutionMetadata": {"contentType": DOCUMENT},
            "didDocumentMetadata": resolution.metadata,
        }
    elif form == DEREFERENCING:
        body = _dereferenced(found.content, DOCUMENT, resolution)
    else:
        body = found.content
    return _json(body, status, form)


def _dereferenced(content: Any, kind: str, resolution: Resolution) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {
        "contentStream": content,
        "dereferencingMetadata": {"contentType": kind},
        "contentMetadata": resolution.metadata,
    }


def _refusal(error: DidError, form: str) -> Response:
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
    return _json(body, error.status, RESOLUTION)


def _json(body: Any, status: int, media: str) -> Response:  # noqa: ANN401 - any JSON
    return json_response(orjson.dumps(body), status, NO_CACHE, media)
