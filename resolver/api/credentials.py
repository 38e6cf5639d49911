"""The VC-API: credentials and presentations issued and verified for other people's clients.

Mounted by `tetrad serve --interop` alone. Whoever reaches the service may have anything signed by
its `did:key` issuers, as a test suite needs it; nothing else trusts them. The endpoints that are
asked most are ASGI applications that the frame reaches without a search.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from identity.errors import TetradError, UnsupportedMediaType
from identity.jcs import parse
from resolver.api.frame import Direct
from resolver.api.problems import PROBLEM
from resolver.api.requests import media_type, query, read_body
from resolver.api.responses import JSON, json_response
from resolver.methods import LedgerMethods
from resolver.service import Service
from resolver.subjects import subject_in_force
from resolver.vcapi import (
    DEFAULT,
    Issuer,
    verify_credential_request,
    verify_presentation_request,
)
from resolver.vcproblems import refusal_status, refusal_value

_NOT_KEPT: Final = {"cache-control": "no-store"}
_BODIES: Final = (JSON, "application/ld+json", "application/vc", "application/vp")

Answer = Callable[[Any, int], dict[str, Any]]
"""From the body of a request and the time to the body of the answer."""


class CredentialEndpoints:
    """The endpoints over one service and its issuers."""

    def __init__(self, service: Service, issuers: dict[str, Issuer]) -> None:
        self._service = service
        self._issuers = issuers
        self._methods = LedgerMethods(service.store)
        self._subject = partial(subject_in_force, service.store)

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        routes: list[BaseRoute] = [
            self._posted("/credentials/verify", self._verify_credential, 200),
            self._posted("/presentations/verify", self._verify_presentation, 200),
            Route("/interop", self.described),
        ]
        for name, issuer in self._issuers.items():
            prefixes = (f"/{name}", "") if name == DEFAULT.name else (f"/{name}",)
            for prefix in prefixes:
                routes.append(self._posted(f"{prefix}/credentials/issue", issuer.issue, 201))
                routes.append(self._posted(f"{prefix}/presentations", issuer.present, 201))
        return routes

    def _posted(self, path: str, answer: Answer, status: int) -> Route:
        async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
            response = await self._answer(scope, receive, answer, status)
            await response(scope, receive, send)

        return Route(path, Direct(endpoint), methods=["POST"])

    async def _answer(
        self, scope: Scope, receive: Receive, answer: Answer, status: int
    ) -> Response:
        service = self._service
        try:
            query(scope, ())
            if media_type(scope) not in _BODIES:
                raise UnsupportedMediaType("the body is application/json")
            settings = service.settings
            body = await read_body(
                scope, receive, most=settings.body_bytes, seconds=settings.body_seconds
            )
            shown = answer(parse(body), service.now)
            return Response(orjson.dumps(shown), status, _NOT_KEPT, JSON)
        except TetradError as error:
            return vc_refusal(error)

    def _verify_credential(self, body: object, now: int) -> dict[str, Any]:
        return verify_credential_request(
            body, self._methods, now=now, subject=self._subject
        ).value()

    def _verify_presentation(self, body: object, now: int) -> dict[str, Any]:
        return verify_presentation_request(
            body, self._methods, now=now, subject=self._subject
        ).value()

    async def described(self, request: Request) -> Response:
        """Who issues here, as the W3C's test suites are told of an implementation."""
        query(request.scope, ())
        shown = [
            {"suite": name, "id": issuer.did, "endpoint": f"/{name}/credentials/issue"}
            for name, issuer in self._issuers.items()
        ]
        return json_response(orjson.dumps({"issuers": shown}))


def vc_refusal(error: TetradError) -> Response:
    """The response for an error, as VC-API clients read it."""
    headers = dict(_NOT_KEPT)
    if "retry_after" in error.members:
        headers["retry-after"] = str(error.members["retry_after"])
    return Response(orjson.dumps(refusal_value(error)), refusal_status(error), headers, PROBLEM)
