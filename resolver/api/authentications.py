"""Authentication over HTTP: a challenge, the presentation that answers it, and who one is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.did import parse_tetrad_did
from identity.errors import (
    AuthenticationFailed,
    MalformedInput,
    SchemaViolation,
    TetradError,
    UnsupportedMediaType,
)
from identity.jcs import parse
from identity.jwk import JWS_ALGORITHMS
from identity.members import format_time
from resolver.api.authenticating import SCHEME, Admitted, Authenticated, Authenticating
from resolver.api.problems import problem_response
from resolver.api.requests import client_of, media_type, query, read_body
from resolver.api.responses import json_response
from resolver.challenges import PURPOSE
from resolver.service import Service

FORM: Final = "application/x-www-form-urlencoded"
ALGORITHMS: Final = " ".join(name for names in JWS_ALGORITHMS.values() for name in names)
_NO_STORE: Final = {"cache-control": "no-store"}
_MOST_TEXT: Final = 2_048


class AuthenticationEndpoints:
    """The endpoints over one service."""

    def __init__(self, service: Service, authenticating: Authenticating) -> None:
        self._settings = service.settings
        self._authenticating = authenticating

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/v1/challenges", self.challenge, methods=["POST"]),
            Route("/v1/authentications", self.authenticate, methods=["POST"]),
            Route("/v1/authentications/current", self.current),
            Route("/v1/introspections", self.introspect, methods=["POST"]),
        ]

    async def challenge(self, request: Request) -> Response:
        """A challenge for whoever asks; it says nothing about the DID that is named in it."""
        asked = await self._object(request, {"did", "domain", "purpose"})
        if asked.get("purpose", PURPOSE) != PURPOSE:
            raise SchemaViolation(f"purpose is {PURPOSE!r}", pointer="/purpose")
        did, domain = _text(asked, "did"), _text(asked, "domain")
        if did is not None:
            _check_did(did)
        try:
            issued = self._authenticating.challenge(client_of(request), domain=domain, did=did)
        except AuthenticationFailed as error:
            return unauthenticated(error)
        return _json(issued.value(), 201)

    async def authenticate(self, request: Request) -> Response:
        """A token for whoever answers a challenge."""
        posted = await self._object(request, {"verifiablePresentation"})
        if "verifiablePresentation" not in posted:
            raise SchemaViolation(
                "an answer to a challenge has the member verifiablePresentation",
                pointer="/verifiablePresentation",
            )
        try:
            admitted = await self._authenticating.authenticate(posted["verifiablePresentation"])
        except AuthenticationFailed as error:
            return unauthenticated(error)
        except TetradError as error:
            error.pointer = f"/verifiablePresentation{error.pointer}"
            raise
        return _json(self._admitted(admitted), 200)

    def _admitted(self, admitted: Admitted) -> dict[str, Any]:
        who = admitted.who
        shown: dict[str, Any] = {
            "token": admitted.token,
            "tokenType": SCHEME,
            "expires": format_time(who.expires),
            **who.value(),
            "next": admitted.next,
        }
        if who.key_shared:
            shown["warning"] = (
                "two clients authenticate with this key: if one of them is not yours, rotate it"
            )
        return shown

    async def current(self, request: Request) -> Response:
        """Who makes this request."""
        query(request.scope, ())
        try:
            who = self._authenticating.authenticated(request)
        except AuthenticationFailed as error:
            return unauthenticated(error, "invalid_token")
        return _json({**who.value(), "expires": format_time(who.expires)}, 200)

    async def introspect(self, request: Request) -> Response:
        """What a token stands for that an authenticated party was shown (RFC 7662)."""
        query(request.scope, ())
        try:
            self._authenticating.authenticated(request)
        except AuthenticationFailed as error:
            return unauthenticated(error, "invalid_token")
        if media_type(request.scope) != FORM:
            raise UnsupportedMediaType(f"a token is asked about as {FORM}")
        token = _token_in(await self._body(request))
        who = self._authenticating.introspect(token)
        return _json({"active": False} if who is None else self._introspected(who), 200)

    def _introspected(self, who: Authenticated) -> dict[str, Any]:
        """RFC 7662, section 2.2; `cnf` as in RFC 9449, section 6.2."""
        return {
            "active": True,
            "token_type": SCHEME,
            "sub": who.did,
            "iss": who.domain,
            "iat": who.issued,
            "exp": who.expires,
            "cnf": {"jkt": who.jkt, **({"beside": who.beside} if who.beside else {})},
            **{name: who.value()[name] for name in ("kind", "key", "credentials", "keyShared")},
        }

    async def _object(self, request: Request, members: set[str]) -> dict[str, Any]:
        """The JSON object in the body, without other members. Raises InvalidInput."""
        query(request.scope, ())
        if media_type(request.scope) != "application/json":
            raise UnsupportedMediaType("this is sent as application/json")
        value = parse(await self._body(request))
        if not isinstance(value, dict) or set(value) - members:
            raise SchemaViolation(f"an object with the members {', '.join(sorted(members))}")
        return value

    async def _body(self, request: Request) -> bytes:
        return await read_body(
            request.scope,
            request.receive,
            most=self._settings.body_bytes,
            seconds=self._settings.body_seconds,
        )


class AuthenticationFigures(Collector):
    """Figures of authentication for Prometheus; no label names a party."""

    def __init__(self, authenticating: Authenticating) -> None:
        self._authenticating = authenticating

    def collect(self) -> Iterator[Metric]:
        """The metrics as they stand."""
        here = self._authenticating
        outcomes = CounterMetricFamily(
            "tetrad_authentications", "Answers to challenges, by outcome", labels=["outcome"]
        )
        for outcome in ("succeeded", "refused", "shared_key"):
            outcomes.add_metric([outcome], here.outcomes[outcome])
        yield outcomes
        yield GaugeMetricFamily(
            "tetrad_challenges", "Challenges that wait", value=len(here.challenges)
        )
        yield GaugeMetricFamily("tetrad_tokens", "Tokens in force", value=len(here.tokens))


def _json(value: dict[str, Any], status: int) -> Response:
    return json_response(orjson.dumps(value), status, _NO_STORE)


def unauthenticated(error: AuthenticationFailed, reason: str = "") -> Response:
    """401 with the challenge that RFC 9110 (section 15.5.2) and RFC 9449 (7.1) ask for."""
    said = f'error="{reason}", ' if reason else ""
    return problem_response(error, {"www-authenticate": f'{SCHEME} {said}algs="{ALGORITHMS}"'})


def _text(asked: dict[str, Any], name: str) -> str | None:
    value = asked.get(name)
    if name in asked and (not isinstance(value, str) or not 0 < len(value) <= _MOST_TEXT):
        raise SchemaViolation(f"{name} is a text", pointer=f"/{name}")
    return value


def _check_did(did: str) -> None:
    try:
        parse_tetrad_did(did)
    except MalformedInput as refusal:
        refusal.pointer = "/did"
        raise


def _token_in(body: bytes) -> str:
    """The member `token` of a form. Raises MalformedInput, SchemaViolation."""
    try:
        pairs = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=8)
    except ValueError:
        raise MalformedInput("the form cannot be read") from None
    tokens = [value for name, value in pairs if name == "token"]
    if len(tokens) != 1:
        raise SchemaViolation("a form with one member token", pointer="/token")
    return tokens[0]
