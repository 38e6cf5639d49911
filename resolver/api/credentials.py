"""The VC-API: credentials and presentations issued and verified for other people's clients.

Mounted by `tetrad serve --interop` alone. Whoever reaches the service may have anything signed by
its `did:key` issuers, as a test suite needs it; nothing else trusts them. The endpoints that are
asked most are ASGI applications that the frame reaches without a search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from identity.errors import TetradError, UnsupportedMediaType
from identity.jcs import parse
from resolver.api.credentials_openapi import InteropDescription
from resolver.api.docs import host_of
from resolver.api.frame import Direct
from resolver.api.problems import PROBLEM
from resolver.api.requests import header, media_type, query, read_body
from resolver.api.responses import JSON, json_response
from resolver.interop import Interop
from resolver.methods import LedgerMethods
from resolver.service import Service
from resolver.status_book import PATH
from resolver.status_lists import published
from resolver.subjects import subject_in_force
from resolver.vcapi import DEFAULT, Issuer, verify_credential_request, verify_presentation_request
from resolver.vcproblems import refusal_status, refusal_value

STATUS_ISSUER: Final = "/bitstring-status-list"
"""Before `/credentials/issue`: each credential gets an entry of a status list, asked or not."""
_NOT_KEPT: Final = {"cache-control": "no-store"}
_ANSWERED: Final = ((b"content-type", JSON.encode()), (b"cache-control", b"no-store"))
_LIST_KEPT: Final = {"cache-control": "public, max-age=60", "vary": "accept, host"}
_BODIES: Final = (JSON, "application/ld+json", "application/vc", "application/vp")

Document = Mapping[str, Any]

Answer = Callable[[Scope, object, int], dict[str, Any]]
"""From a request, its parsed body and the time in seconds to the body of the answer."""


class CredentialEndpoints:
    """The endpoints over one service and its issuers."""

    def __init__(self, service: Service, interop: Interop, version: str) -> None:
        self._service = service
        self._issuers = interop.issuers
        self._statuses = interop.statuses
        self._lists = service.site.lists
        self._methods = LedgerMethods(service.store)
        self._subject = partial(subject_in_force, service.store)
        self._openapi = InteropDescription(service, interop, version)

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        routes: list[BaseRoute] = [
            self._posted("/credentials/verify", self._verify_credential),
            self._posted("/presentations/verify", self._verify_presentation),
            self._posted("/credentials/status", self._update_status),
            Route("/openapi-interop.json", self.openapi),
            Route("/interop", self.described),
            Route(PATH + "{name}", self.status_list),
        ]
        for name, issuer in self._issuers.items():
            prefixes = (f"/{name}", "") if name == DEFAULT.name else (f"/{name}",)
            for prefix in prefixes:
                routes.append(self._issuing(prefix, issuer))
                presented = partial(_present, issuer)
                routes.append(self._posted(f"{prefix}/presentations", presented, 201))
        routes.append(self._issuing(STATUS_ISSUER, self._issuers[DEFAULT.name], always=True))
        return routes

    def _issuing(self, prefix: str, issuer: Issuer, *, always: bool = False) -> Route:
        def issue(scope: Scope, body: object, now: int) -> dict[str, Any]:
            def entries(one: Document, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
                return self._statuses.assign(issuer, base_of(scope), one, wanted)

            return issuer.issue(body, now, entries, always=always)

        return self._posted(f"{prefix}/credentials/issue", issue, 201)

    def _posted(self, path: str, answer: Answer, status: int = 200) -> Route:
        async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                body = await self._body(scope, receive)
                data = orjson.dumps(answer(scope, parse(body), self._service.now))
            except TetradError as error:
                await vc_refusal(error)(scope, receive, send)
                return
            # Sent as it is: a Response costs as much as a signature.
            length = (b"content-length", b"%d" % len(data))
            headers = [*_ANSWERED, length]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": data})

        return Route(path, Direct(endpoint), methods=["POST"])

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        query(scope, ())
        if media_type(scope) not in _BODIES:
            raise UnsupportedMediaType("the body is application/json")
        settings = self._service.settings
        return await read_body(
            scope, receive, most=settings.body_bytes, seconds=settings.body_seconds
        )

    def _verify_credential(self, _: Scope, body: object, now: int) -> dict[str, Any]:
        return verify_credential_request(
            body,
            self._methods,
            now=now,
            status=lambda entry: self._list(entry, now),
            subject=self._subject,
        ).value()

    def _verify_presentation(self, _: Scope, body: object, now: int) -> dict[str, Any]:
        return verify_presentation_request(
            body,
            self._methods,
            now=now,
            status=lambda entry: self._list(entry, now),
            subject=self._subject,
        ).value()

    def _list(self, entry: Document, now: int) -> dict[str, Any]:
        """The list that an entry names: one that its issuer published here, or one of our own."""
        found = published(self._lists, str(entry["statusListCredential"]))
        return self._statuses.fetched(entry, now) if found is None else found

    def _update_status(self, _: Scope, body: object, __: int) -> dict[str, Any]:
        places = self._statuses.update(body)
        return {"updated": [{"list": one.name, "index": str(one.number)} for one in places]}

    async def status_list(self, request: Request) -> Response:
        """A status list as a signed credential."""
        name = str(request.path_params["name"])
        try:
            query(request.scope, ())
            url = f"{base_of(request.scope)}{PATH}{name}"
            signed = self._statuses.signed(name, url, self._service.now)
        except TetradError as error:
            return vc_refusal(error)
        media = "application/vc" if "application/vc" in header(request.scope, b"accept") else JSON
        return Response(orjson.dumps(signed), 200, _LIST_KEPT, media)

    async def openapi(self, request: Request) -> Response:
        """The description of these endpoints alone."""
        query(request.scope, ())
        return json_response(orjson.dumps(self._openapi()))

    async def described(self, request: Request) -> Response:
        """This service as the W3C's test suites are told of an implementation."""
        query(request.scope, ())
        base = base_of(request.scope)
        return json_response(orjson.dumps(implementations(base, self._issuers)))


def _present(issuer: Issuer, _: Scope, body: object, now: int) -> dict[str, Any]:
    return issuer.present(body, now)


def base_of(scope: Scope) -> str:
    """The address under which the client asks: scheme and host, as it says itself."""
    return f"{scope['scheme']}://{host_of(scope)}"


def implementations(base: str, issuers: dict[str, Issuer]) -> list[dict[str, Any]]:
    """Entries for the configuration of the W3C's suites, one for each kind of key.

    Their runner takes the first issuer that has a tag: two curves of one suite have to be two
    implementations.
    """
    verifier = {"id": f"{base}/credentials/verify", "endpoint": f"{base}/credentials/verify"}
    shown = f"{base}/presentations/verify"
    found: dict[str, list[Issuer]] = {}
    for issuer in issuers.values():
        found.setdefault(issuer.suite.algorithm, []).append(issuer)
    supports = {"vc": ["2.0"]}
    made = []
    for algorithm, all_of_kind in found.items():
        extra = ["vc2.0", "vc-api"] if algorithm == DEFAULT.algorithm else []
        tags = [issuer.suite.cryptosuite for issuer in all_of_kind]
        kind = {"supportedEcdsaKeyTypes": [algorithm], "supports": supports}
        entry: dict[str, Any] = {
            "name": f"Tetrad {algorithm}",
            "implementation": "Tetrad",
            "issuers": [
                {
                    "id": issuer.did,
                    "endpoint": f"{base}/{issuer.suite.name}/credentials/issue",
                    "tags": [
                        issuer.suite.cryptosuite,
                        *(extra if issuer.suite == DEFAULT else ()),
                    ],
                    **kind,
                }
                for issuer in all_of_kind
            ],
            "verifiers": [{**verifier, "tags": [*tags, *extra], **kind}],
            "vpVerifiers": [{"id": shown, "endpoint": shown, "tags": [*tags, *extra]}],
        }
        if extra:
            entry["issuers"].append(
                {
                    "id": issuers[DEFAULT.name].did,
                    "endpoint": f"{base}{STATUS_ISSUER}/credentials/issue",
                    "tags": ["BitstringStatusList"],
                }
            )
            entry["verifiers"][0]["tags"].append("BitstringStatusList")
        made.append(entry)
    return made


def vc_refusal(error: TetradError) -> Response:
    """The response for an error, as VC-API clients read it."""
    headers = dict(_NOT_KEPT)
    if "retry_after" in error.members:
        headers["retry-after"] = str(error.members["retry_after"])
    return Response(orjson.dumps(refusal_value(error)), refusal_status(error), headers, PROBLEM)
