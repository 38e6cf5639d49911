"""/1.0/identifiers/{did}: the HTTP binding of W3C DID Resolution, and the Universal Resolver's
questions to a driver.

It is routed on the raw path. In a DID that is written plainly the query belongs to the DID URL; in
one that is percent-encoded the query holds options, and a POST has them in its body. Answers and
errors have the form that the W3C gives them, not problem details. Devices of other ledgers are
asked of the directory; organizations are those of this ledger.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from identity.did import DidUrl
from identity.errors import Delegated, InvalidInput, NotFound, TetradError
from identity.jcs import parse
from registry.state import Subject
from resolver.api.did_results import FORMS, accepted, refusal_response, success_response
from resolver.api.frame import Direct
from resolver.api.problems import problem_response
from resolver.api.requests import header, query, read_body
from resolver.api.responses import json_response
from resolver.did_dereferencing import PARAMETERS, SELECTING, read_parameters
from resolver.did_resolution import (
    METHODS,
    OPTIONS,
    DidError,
    Documents,
    Options,
    Resolution,
    read_did_url,
    read_options,
    resolution_of,
    resolve_key,
)
from resolver.directory import Devices
from resolver.service import Service
from resolver.settings import Settings

PREFIX: Final = b"/1.0/identifiers/"
_ENCODED: Final = re.compile(r"[^/?]*%(?:3a|23|3f|2f)", re.IGNORECASE)

logger = logging.getLogger("tetrad")


@dataclass(frozen=True, slots=True)
class Own:
    """The subjects of a node's own ledger."""

    documents: Documents
    prefix: str
    """With which their DIDs begin."""
    properties: dict[str, str]
    """What a Universal Resolver is told of it."""
    examples: dict[str, list[str]]
    """DIDs that are resolved here, by method."""


def own_of(service: Service) -> Own:
    """Those of a service."""
    prefix = f"did:tetrad:{service.label}:"
    genesis: dict[str, Any] = service.site.genesis
    return Own(
        Documents(service.store, service.ledger_hash),
        prefix,
        {"ledger": service.ledger_hash},
        {
            "key": [f"did:key:{genesis['body']['keys'][0]}"],
            "tetrad": [f"{prefix}{service.ledger_hash}"],
        },
    )


class IdentifierEndpoints:
    """DIDs over HTTP."""

    def __init__(self, directory: Devices, settings: Settings, own: Own | None = None) -> None:
        """`directory` is asked about devices of other ledgers than the node's own, where it has
        one."""
        self._directory = directory
        self._settings = settings
        self._own = own

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        direct = Direct(self.identifier)
        return [
            Route("/1.0/identifiers/{did:path}", direct, methods=["GET", "POST"]),
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
            method: self._own.properties if self._own and method == "tetrad" else {}
            for method in METHODS
        }
        return json_response(orjson.dumps(shown))

    async def examples(self, request: Request) -> Response:
        """DIDs that can be resolved here."""
        query(request.scope, ())
        shown = self._own.examples if self._own else {method: [] for method in METHODS}
        return json_response(orjson.dumps(shown))

    async def identifier(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A document, a result, or a redirect, as Accept asks (an ASGI application)."""
        form = accepted(header(scope, b"accept"))
        try:
            response = await self._answer(scope, receive, form)
        except TetradError as error:  # a body that is too large or too slow
            response = problem_response(error)
        except Exception:
            logger.exception("a DID was not resolved")
            mistake = DidError("INTERNAL_ERROR", "our mistake; the log says more")
            response = refusal_response(mistake, form)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, form: str | None) -> Response:
        if form is None:
            detail = "there are " + ", ".join(FORMS)
            return refusal_response(DidError("REPRESENTATION_NOT_SUPPORTED", detail), form)
        text, beside = did_url_of(scope)
        url = read_did_url(text)
        if isinstance(url, DidError):
            return refusal_response(url, form)
        parameters = _read(url.query, PARAMETERS, "INVALID_DID_URL")
        if isinstance(parameters, DidError):
            return refusal_response(parameters, form)
        options = await self._options(scope, receive, beside, parameters)
        if isinstance(options, DidError):
            return refusal_response(options, form)
        resolution = await self._resolve(url, options)
        if isinstance(resolution, DidError):
            return refusal_response(resolution, form)
        return success_response(url, parameters, options, resolution, form)

    async def _options(
        self, scope: Scope, receive: Receive, beside: str, inside: Mapping[str, str]
    ) -> Options | DidError:
        """The options in the query and, of a POST, in the body, with those in the DID URL."""
        given = _read(beside, OPTIONS, "INVALID_OPTIONS")
        if isinstance(given, DidError):
            return given
        found = [inside, given]
        if scope["method"] == "POST":
            most, seconds = self._settings.body_bytes, self._settings.body_seconds
            body = await read_body(scope, receive, most=most, seconds=seconds)
            posted = _read_body(body)
            if isinstance(posted, DidError):
                return posted
            found.append(posted)
        options: dict[str, str] = {}
        for named in found:
            for name, value in named.items():
                if options.setdefault(name, value) != value:
                    return DidError("INVALID_OPTIONS", f"{name} is given twice, and differs")
        return read_options(options)

    async def _resolve(self, url: DidUrl, options: Options) -> Resolution | DidError:
        if url.method == "key":
            return resolve_key(url.did, options)
        if self._own is not None and url.did.startswith(self._own.prefix):
            return self._own.documents.resolve(url.did, options)
        try:
            asked = self._directory.did(url.did)
        except InvalidInput as error:
            return DidError("INVALID_DID", error.detail)
        if options.version is not None:
            return DidError("FEATURE_NOT_SUPPORTED", "versionId: entries of this ledger alone")
        if options.fresh:  # section 13.2: said, so that it is asked again without
            return DidError("FEATURE_NOT_SUPPORTED", "noCache: others are asked with a cache")
        try:
            found = await self._directory.find(asked, at=options.time)
        except NotFound as error:
            known = ("referral",) if isinstance(error, Delegated) else ()
            members = {name: error.members[name] for name in known if name in error.members}
            return DidError("NOT_FOUND", error.detail, members)
        except TetradError as error:  # a node is down, or its answer does not hold
            return DidError("INTERNAL_ERROR", error.detail)
        return resolution_of(_subject(found.record), url.did.split(":")[2])


def _subject(record: bytes) -> Subject:
    subject: Subject = orjson.loads(record)
    return subject


def did_url_of(scope: Scope) -> tuple[str, str]:
    """The DID URL that was asked for, and the query that holds options beside it."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    text = raw.removeprefix(PREFIX).decode("ascii", "replace")
    beside = scope["query_string"].decode("ascii", "replace")
    if _ENCODED.match(text):  # encoded as a whole, its own query and fragment included
        return unquote(text), beside
    return f"{text}?{beside}" if beside else text, ""


def _read(text: str | None, known: tuple[str, ...], code: str) -> dict[str, str] | DidError:
    """The parameters of a query; `code` is that of a query which is malformed."""
    if not text:
        return {}
    found = read_parameters(text)
    if isinstance(found, str):
        return DidError(code, found)
    return _known(found, known)


def _read_body(body: bytes) -> dict[str, str] | DidError:
    """The options in a body: a JSON object of texts, and of the two that are true or false."""
    if not body.strip():
        return {}
    try:
        given = parse(body)
    except InvalidInput as error:
        return DidError("INVALID_OPTIONS", f"the body: {error.detail}")
    if not isinstance(given, dict):
        return DidError("INVALID_OPTIONS", "the body is an object of options")
    found: dict[str, str] = {}
    for name, value in given.items():
        if type(value) is bool:
            found[name] = "true" if value else "false"
        elif isinstance(value, str):
            found[name] = value
        else:
            return DidError("INVALID_OPTIONS", f"{name[:40]} is a text")
    return _known(found, OPTIONS)


def _known(found: dict[str, str], known: tuple[str, ...]) -> dict[str, str] | DidError:
    for name in found:
        if name in known:
            continue
        if name == "accept":
            return DidError("INVALID_OPTIONS", "accept is said in the header of that name")
        if name in SELECTING:
            return DidError("INVALID_OPTIONS", f"{name} belongs into the DID URL")
        # Section 4.4, step 3: rather that than an answer to another question.
        return DidError("FEATURE_NOT_SUPPORTED", f"{name[:40]!r} is not an option here")
    return found
