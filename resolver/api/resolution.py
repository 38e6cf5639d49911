"""Resolution over HTTP: by code in the URL, by disclosure in the body, by DID."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from identity.errors import NotFound, SchemaViolation, TetradError, UnsupportedMediaType
from identity.jcs import Json, parse
from registry.state import state_key
from resolver.api.batches import MAX_BATCH_BYTES, Batches
from resolver.api.frame import Direct
from resolver.api.limits import DAY, RateLimit
from resolver.api.problems import problem_response
from resolver.api.requests import client_of, flag, media_type, number, query, read_body
from resolver.api.responses import NO_CACHE, json_response
from resolver.delegations import delegated
from resolver.resolution import Asked, answer_bytes, tombstone
from resolver.service import Service

MAX_CODE = 1_024
"""Characters of a code in any form; the schemes have limits of their own."""

_LOOKUP = {"code", "scheme", "disclosure", "at", "proof"}


class ResolutionEndpoints:
    """Questions about devices, one at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._resolver = service.resolver
        self._batches = Batches(service)
        self._delegations = service.delegations
        self.limit = RateLimit(
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
        ]

    async def by_code(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The device that bears a code (an ASGI application)."""
        response = await self._by_code(scope)
        await response(scope, receive, send)

    async def _by_code(self, scope: Scope) -> Response:
        try:
            given = query(scope, ("code", "scheme", "at", "proof"))
            code = given.get("code", "")
            if not 0 < len(code) <= MAX_CODE:
                raise SchemaViolation(
                    f"code has 1 to {MAX_CODE} characters",
                    pointer="/code",
                    hint="/v1/resolve?code=…, percent-encoded",
                )
            asked = self._resolver.code(code, given.get("scheme"))
            return await self._answer(asked, given.get("at"), proof=flag(given, "proof"))
        except TetradError as error:
            return problem_response(error, NO_CACHE)

    async def by_body(self, request: Request) -> Response:
        """The device that bears what should not stand in a URL."""
        query(request.scope, ())
        if media_type(request.scope) != "application/json":
            raise UnsupportedMediaType("a question is sent as application/json")
        settings = self._service.settings
        most = max(settings.body_bytes, MAX_BATCH_BYTES)
        body = await read_body(
            request.scope, request.receive, most=most, seconds=settings.body_seconds
        )
        asked = parse(body, max_bytes=most)
        if isinstance(asked, dict) and set(asked) - {"proof"} == {"codes"}:
            return self._batches.answer(asked["codes"], proof=_wants_proof(asked))
        self.limit.check(client_of(request))
        if not isinstance(asked, dict) or set(asked) - _LOOKUP:
            raise SchemaViolation(
                "a question has the members disclosure and scheme, or code and perhaps scheme",
                hint="and at and proof where wanted",
            )
        proof = _wants_proof(asked)
        asked.pop("proof", None)
        texts: dict[str, str] = {}
        for name, value in asked.items():
            if not isinstance(value, str) or (name != "disclosure" and len(value) > MAX_CODE):
                raise SchemaViolation(f"{name} is a text", pointer=f"/{name}")
            texts[name] = value
        client = client_of(request)
        return await self._answer(self._asked(texts), texts.get("at"), proof=proof, client=client)

    def _asked(self, texts: dict[str, str]) -> Asked:
        if ("disclosure" in texts) == ("code" in texts):
            raise SchemaViolation("one of disclosure and code is asked for")
        if "code" in texts:
            return self._resolver.code(texts["code"], texts.get("scheme"), private=True)
        if "scheme" not in texts:
            raise SchemaViolation("a disclosure is asked for with its scheme", pointer="/scheme")
        return self._resolver.disclosure(texts["scheme"], texts["disclosure"])

    async def device(self, request: Request) -> Response:
        """The device with a DID."""
        given = query(request.scope, ("at", "proof"))
        asked = self._resolver.did(request.path_params["did"])
        return await self._answer(asked, given.get("at"), proof=flag(given, "proof"))

    async def _answer(
        self, asked: Asked, at: str | None, *, proof: bool, client: str = ""
    ) -> Response:
        evidence, unique = None, None
        try:
            found = self._resolver.find(asked, at=at)
        except NotFound as missing:
            if self._delegations.concerns(asked):
                await self._refer(asked, missing, proof=proof, now=at is None)
            if proof and at is None:
                await self._prove_absence(asked, missing, client)
            raise
        if proof:
            published = self._service.publication.current
            if published is None or published.size <= found.entry:
                # What changes while we wait may not be under that root: it is found again below it.
                published = await self._service.publication.covering(found.entry + 1)
                found = self._resolver.find(asked, at=at, within=published.size)
            evidence = self._service.evidence.of(found, published.size, published.note)
            unique = self._service.unique_proofs.of(asked)
        if found.ended:
            return problem_response(tombstone(found, evidence, unique), NO_CACHE)
        return json_response(answer_bytes(found, evidence, unique))

    async def _refer(self, asked: Asked, missing: NotFound, *, proof: bool, now: bool) -> None:
        """Where another node is the one to ask, raises the error that says so; else, of a code in
        clear, proves that there is none and no node to ask either."""
        clock = self._service.now
        if not proof:
            self._delegations.refer(asked, missing, clock)
        published = self._service.publication.current
        read = self._delegations.read_for(asked.key, clock)
        if published is None or published.size <= read.entry:
            # What changes while we wait may not be under that root: it is read again below it.
            published = await self._service.publication.covering(max(read.entry + 1, 1))
            read = self._delegations.read_for(asked.key, clock, published.size)
        evidence = self._service.evidence.of_records(read.keys, published.size, published.note)
        if read.grant is not None:
            error = delegated(read.grant, asked)
            error.members["proof"] = orjson.loads(evidence)
            raise error from None
        if now and asked.key[0] == "code":
            missing.members["proof"] = orjson.loads(evidence)
            raise missing

    async def _prove_absence(self, asked: Asked, missing: NotFound, client: str) -> None:
        """That there is none, beside the words that say so, for whom that may be shown."""
        proofs = self._service.unique_proofs
        if asked.value is not None and proofs.possible:
            if not self._service.settings.absences:
                return
            # Counted before it is known whether there is anything to tell.
            self._absences.check(client, hint="without proof there is an answer now")
        if not proofs.may_be_told(asked):
            return
        unique = proofs.of(asked)
        if unique is not None:
            missing.members["unique"] = unique
        # A number that has just become free is still somebody's under an older root.
        changed = self._service.store.versions(state_key(asked.key), limit=1)
        published = await self._service.publication.covering(changed[0].entry + 1 if changed else 1)
        evidence = self._service.evidence.of_absence(asked, published.size, published.note)
        if evidence is not None:
            missing.members["proof"] = orjson.loads(evidence)


def _wants_proof(asked: dict[str, Json]) -> bool:
    proof = asked.get("proof", False)
    if type(proof) is not bool:
        raise SchemaViolation("proof is true or false", pointer="/proof")
    return proof


def page_limit(given: dict[str, str], most: int) -> int:
    """The rows that a page may have. Raises SchemaViolation."""
    limit = number(given, "limit", most)
    if not 0 < limit <= most:
        raise SchemaViolation(f"limit is 1 to {most}", pointer="/limit")
    return limit
