"""Resolution over HTTP: by code in the URL, by disclosure in the body, by DID."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from identity.errors import NotFound, SchemaViolation, TetradError, UnsupportedMediaType
from identity.jcs import Json, parse
from resolver.api.frame import Direct
from resolver.api.limits import DAY, RateLimit
from resolver.api.problems import problem_response
from resolver.api.requests import client_of, flag, media_type, number, query, read_body
from resolver.api.responses import NO_CACHE, TEXT, json_response
from resolver.resolution import Found, answer_bytes, tombstone
from resolver.service import Service

MAX_CODE = 1_024
"""Characters of a code in any form; the schemes have limits of their own."""

_LOOKUP = {"code", "scheme", "disclosure", "at", "proof"}


class ResolutionEndpoints:
    """Questions about devices, one at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._resolver = service.resolver
        self._limit = RateLimit(
            service.settings.lookups, service.settings.lookup_clients, service.clock
        )
        self._absences = RateLimit(
            service.settings.absences, service.settings.lookup_clients, service.clock, DAY
        )

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/v1/resolve", Direct(self.by_code), methods=["GET"]),
            Route("/v1/resolve", self.by_body, methods=["POST"]),
            Route("/v1/devices/{did}", self.device),
            Route("/v1/devices/{did}/history", self.history),
            Route("/v1/devices/{did}/receipt", self.receipt),
        ]

    async def by_code(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The device that bears a code (an ASGI application)."""
        await self._by_code(scope)(scope, receive, send)

    def _by_code(self, scope: Scope) -> Response:
        try:
            given = query(scope, ("code", "scheme", "at", "proof"))
            code = given.get("code", "")
            if not 0 < len(code) <= MAX_CODE:
                raise SchemaViolation(
                    f"code has 1 to {MAX_CODE} characters",
                    pointer="/code",
                    hint="/v1/resolve?code=…, percent-encoded",
                )
            found = self._resolver.by_code(code, given.get("scheme"), at=given.get("at"))
            return self._answer(found, proof=flag(given, "proof"))
        except TetradError as error:
            return problem_response(error, NO_CACHE)

    async def by_body(self, request: Request) -> Response:
        """The device that bears what should not stand in a URL."""
        query(request.scope, ())
        self._limit.check(client_of(request))
        if media_type(request.scope) != "application/json":
            raise UnsupportedMediaType("a question is sent as application/json")
        settings = self._service.settings
        body = await read_body(
            request.scope, request.receive, most=settings.body_bytes, seconds=settings.body_seconds
        )
        asked = parse(body)
        if not isinstance(asked, dict) or set(asked) - _LOOKUP:
            raise SchemaViolation(
                "a question has the members disclosure and scheme, or code and perhaps scheme",
                hint="and at and proof where wanted",
            )
        proof = asked.pop("proof", False)
        if type(proof) is not bool:
            raise SchemaViolation("proof is true or false", pointer="/proof")
        texts: dict[str, str] = {}
        for name, value in asked.items():
            if not isinstance(value, str) or (name != "disclosure" and len(value) > MAX_CODE):
                raise SchemaViolation(f"{name} is a text", pointer=f"/{name}")
            texts[name] = value
        return self._answer_presented(texts, client_of(request), proof=proof)

    def _answer_presented(self, texts: dict[str, str], client: str, *, proof: bool) -> Response:
        """With the proof of the keyed hash, where the ledger's can be proved and it is wanted."""
        proofs = self._service.unique_proofs
        if not (proof and proofs.possible):
            return self._answer(self._asked(texts), proof=proof)
        try:
            found = self._asked(texts)
        except NotFound as missing:
            if self._service.settings.absences:
                # Counted before it is known whether there is anything to tell.
                self._absences.check(client, hint="without proof there is an answer now")
                unique = proofs.of_missing(texts)
                missing.members |= {} if unique is None else {"unique": unique}
            raise
        return self._answer(found, proof=proof, unique=proofs.of_found(texts))

    def _asked(self, texts: dict[str, str]) -> Found:
        at = texts.get("at")
        if ("disclosure" in texts) == ("code" in texts):
            raise SchemaViolation("one of disclosure and code is asked for")
        if "code" in texts:
            return self._resolver.by_code(texts["code"], texts.get("scheme"), at=at, private=True)
        if "scheme" not in texts:
            raise SchemaViolation("a disclosure is asked for with its scheme", pointer="/scheme")
        return self._resolver.by_disclosure(texts["scheme"], texts["disclosure"], at=at)

    async def device(self, request: Request) -> Response:
        """The device with a DID."""
        given = query(request.scope, ("at", "proof"))
        found = self._resolver.by_did(request.path_params["did"], at=given.get("at"))
        return self._answer(found, proof=flag(given, "proof"))

    async def history(self, request: Request) -> Response:
        """What happened to a subject, the newest first."""
        given = query(request.scope, ("limit", "before"))
        limit = page_limit(given, self._service.settings.page_rows)
        before = number(given, "before") if "before" in given else None
        changes = self._resolver.history(request.path_params["did"], limit=limit, before=before)
        more = changes[-1]["index"] if len(changes) == limit else None
        return json_response(orjson.dumps({"changes": changes, "before": more}))

    async def receipt(self, request: Request) -> Response:
        """The receipt of a device's registration, under the newest checkpoint."""
        query(request.scope, ())
        found = self._resolver.by_did(request.path_params["did"])
        (receipt,) = self._service.reader.receipts([found.device["registered"]["entry"]])
        return Response(receipt, 200, NO_CACHE, TEXT)

    def _answer(
        self, found: Found, *, proof: bool, unique: dict[str, Json] | None = None
    ) -> Response:
        evidence = None
        if proof:
            size, checkpoint = self._service.checkpoint_over(found.entry)
            evidence = self._resolver.proof(found, checkpoint, size)
        if found.ended:
            return problem_response(tombstone(found, evidence, unique), NO_CACHE)
        return json_response(answer_bytes(found, evidence, unique))


def page_limit(given: dict[str, str], most: int) -> int:
    """The rows that a page may have. Raises SchemaViolation."""
    limit = number(given, "limit", most)
    if not 0 < limit <= most:
        raise SchemaViolation(f"limit is 1 to {most}", pointer="/limit")
    return limit
