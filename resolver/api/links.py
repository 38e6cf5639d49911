"""GET /v1/links: where a code leads to, with the proof that it is the newest word on it."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.errors import NotFound, SchemaViolation
from registry.links import links_key
from registry.state import state_key
from resolver.api.requests import flag, query
from resolver.api.resolution import MAX_CODE
from resolver.api.responses import json_response
from resolver.directory import Directory
from resolver.links import links_bytes
from resolver.resolution import Resolver
from resolver.schemes import Code
from resolver.service import Service


class LinksEndpoint:
    """The endpoint over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[BaseRoute]:
        """The one route."""
        return [Route("/v1/links", self.get)]

    async def get(self, request: Request) -> Response:
        """The record of the links of a code; 404 where nobody ever set any."""
        given = query(request.scope, ("code", "scheme", "proof"))
        code = asked_code(given, self._service.resolver)
        key = links_key(*code)
        (version,) = self._service.store.versions(state_key(key), limit=1) or (None,)
        if not flag(given, "proof"):
            if version is None:
                raise _none(code)
            return json_response(links_bytes(version.record, code))
        published = self._service.publication.current
        needed = 1 if version is None else version.entry + 1
        if published is None or published.size < needed:
            published = await self._service.publication.covering(needed)
        record, proof = self._service.evidence.of_links(key, published.size, published.note)
        if record is None:
            missing = _none(code)
            missing.members["proof"] = orjson.loads(proof)
            raise missing
        return json_response(links_bytes(record, code, proof))


def asked_code(given: dict[str, str], reader: Resolver | Directory) -> Code:
    """The code of a question, in canonical form. Raises SchemaViolation, InvalidIdentifier."""
    text = given.get("code", "")
    if not 0 < len(text) <= MAX_CODE:
        raise SchemaViolation(
            f"code has 1 to {MAX_CODE} characters",
            pointer="/code",
            hint="/v1/links?code=…, percent-encoded",
        )
    read_as = reader.code(text, given.get("scheme")).read_as
    assert read_as is not None  # noqa: S101 - a code was asked for
    return read_as


def _none(code: Code) -> NotFound:
    return NotFound(
        "nobody has set links of this code",
        hint="/v1/resolve has the device that bears it, if there is one",
        readAs=code._asdict(),
    )
