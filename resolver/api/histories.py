"""Histories over HTTP: of a device, under a code, of a number to who bound it last.

Without proof a page of entries, the newest first; with proof an answer that shows all of them.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.errors import NotFound, SchemaViolation, UnsupportedMediaType
from identity.jcs import Json, parse
from registry.state import state_key
from resolver.api.limits import RateLimit
from resolver.api.requests import client_of, flag, media_type, number, query, read_body
from resolver.api.resolution import MAX_CODE, page_limit
from resolver.api.responses import json_response
from resolver.resolution import Asked, answer_bytes
from resolver.service import Service

_PAGE: Final = ("limit", "before", "proof")
_BODY: Final = {"code", "disclosure", "scheme", "proof"}


class HistoryEndpoints:
    """What happened."""

    def __init__(self, service: Service, limit: RateLimit) -> None:
        """`limit` counts questions about values that do not belong in a URL."""
        self._service = service
        self._resolver = service.resolver
        self._limit = limit

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/v1/devices/{did}/history", self.of_subject),
            Route("/v1/history", self.by_code, methods=["GET"]),
            Route("/v1/history", self.by_body, methods=["POST"]),
        ]

    async def of_subject(self, request: Request) -> Response:
        """What happened to a subject."""
        given = query(request.scope, _PAGE)
        did = request.path_params["did"]
        if flag(given, "proof"):
            return await self._proved(self._resolver.did(did))
        return self._page(did, given)

    async def by_code(self, request: Request) -> Response:
        """What happened to the device that a code leads to."""
        given = query(request.scope, ("code", "scheme", *_PAGE))
        asked = self._resolver.code(_whole(given.get("code", "")), given.get("scheme"))
        return await self._of_code(asked, given, proof=flag(given, "proof"))

    async def by_body(self, request: Request) -> Response:
        """The same of a private code; or of a number, for who bound it last."""
        given = query(request.scope, ("limit", "before"))
        self._limit.check(client_of(request))
        if media_type(request.scope) != "application/json":
            raise UnsupportedMediaType("a question is sent as application/json")
        settings = self._service.settings
        body = await read_body(
            request.scope, request.receive, most=settings.body_bytes, seconds=settings.body_seconds
        )
        asked, proof = self._asked(parse(body))
        if asked.key[0] == "number":
            return await self._of_number(asked, given, proof=proof)
        return await self._of_code(asked, given, proof=proof)

    def _asked(self, value: Json) -> tuple[Asked, bool]:
        if not isinstance(value, dict) or set(value) - _BODY:
            raise SchemaViolation("a question has disclosure and scheme, or code; and proof")
        proof = value.pop("proof", False)
        texts: dict[str, str] = {}
        for name, text in value.items():
            if not isinstance(text, str):
                raise SchemaViolation(f"{name} is a text", pointer=f"/{name}")
            texts[name] = text
        if type(proof) is not bool:
            raise SchemaViolation("proof is true or false", pointer="/proof")
        if ("disclosure" in texts) == ("code" in texts):
            raise SchemaViolation("one of disclosure and code is asked for")
        if "code" in texts:
            code = _whole(texts["code"])
            return self._resolver.code(code, texts.get("scheme"), private=True), proof
        if "scheme" not in texts:
            raise SchemaViolation("a disclosure is asked for with its scheme", pointer="/scheme")
        return self._resolver.disclosure(texts["scheme"], texts["disclosure"]), proof

    async def _of_code(self, asked: Asked, given: dict[str, str], *, proof: bool) -> Response:
        if proof:
            return await self._proved(asked)
        found = self._resolver.find(asked)
        return self._page(found.device["did"], given, asked)

    async def _proved(self, asked: Asked) -> Response:
        """The answer about a device, whose evidence shows what happened to it."""
        found = self._resolver.find(asked)
        published = await self._service.publication.covering(found.entry + 1)
        found = self._resolver.find(asked, within=published.size)
        evidence = self._service.evidence.of(found, published.size, published.note)
        return json_response(answer_bytes(found, evidence, self._service.unique_proofs.of(asked)))

    def _page(self, did: str, given: dict[str, str], asked: Asked | None = None) -> Response:
        limit, before = self._cut(given)
        changes = self._resolver.history(did, limit=limit, before=before)
        page: dict[str, Any] = {"changes": changes, "before": _more(changes, limit)}
        if asked is not None:
            page["did"] = did
            if asked.read_as is not None:
                page["readAs"] = asked.read_as._asdict()
        return json_response(orjson.dumps(page))

    async def _of_number(self, asked: Asked, given: dict[str, str], *, proof: bool) -> Response:
        if not self._service.unique_proofs.was_bound_by(asked):
            # In the words of resolution: whoever bound it before is not told that others did since.
            raise NotFound(
                "no device bears this", hint="an unregistered code, or one of another ledger"
            )
        if not proof:
            limit, before = self._cut(given)
            changes = self._resolver.bindings(asked.key, limit=limit, before=before)
            return json_response(
                orjson.dumps({"changes": changes, "before": _more(changes, limit)})
            )
        (newest,) = self._service.store.versions(state_key(asked.key), limit=1)
        published = await self._service.publication.covering(newest.entry + 1)
        if not self._service.unique_proofs.was_bound_by(asked):  # while it was waited for
            raise NotFound(
                "no device bears this", hint="an unregistered code, or one of another ledger"
            )
        evidence = self._service.evidence.of_number(asked, published.size, published.note)
        members = [b'"key":' + orjson.dumps(asked.key), b'"proof":' + evidence]
        unique = self._service.unique_proofs.of(asked)
        if unique is not None:
            members.append(b'"unique":' + orjson.dumps(unique))
        return json_response(b"{" + b",".join(members) + b"}")

    def _cut(self, given: dict[str, str]) -> tuple[int, int | None]:
        before = number(given, "before") if "before" in given else None
        return page_limit(given, self._service.settings.page_rows), before


def _whole(code: str) -> str:
    """The code as it was sent: cut short it may be another one. Raises SchemaViolation."""
    if not 0 < len(code) <= MAX_CODE:
        raise SchemaViolation(f"code has 1 to {MAX_CODE} characters", pointer="/code")
    return code


def _more(changes: list[dict[str, Any]], limit: int) -> int | None:
    """Before which entry the next page begins; None where this was the last."""
    return changes[-1]["index"] if len(changes) == limit else None
