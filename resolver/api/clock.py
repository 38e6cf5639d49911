"""POST /v1/test-clock: the clock of a sandbox, put forward, so that a wait need not be waited for.

    {"advance": 604800}    ->    {"now": "2026-11-29T08:00:00Z", "ahead": 604800}

There only with `tetrad serve --test-clock`. What is published is dated anew before the answer, so
that a client whose clock goes along finds it fresh.
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.errors import PolicyViolated, SchemaViolation, UnsupportedMediaType
from identity.jcs import parse
from identity.members import Closed, format_time
from resolver.api.operations import JSON
from resolver.api.problems import PROBLEM
from resolver.api.requests import media_type, query, read_body
from resolver.api.responses import json_response
from resolver.movable_clock import MOST, MovableClock
from resolver.service import Service

PATH = "/v1/test-clock"
FURTHEST = 253_370_764_800
"""9999-01-01T00:00:00Z: a time has four digits for its year."""


class Advance(Closed):
    """By how many seconds."""

    advance: Annotated[int, Field(ge=0, le=MOST)]


class ClockEndpoint:
    """The endpoint over one service and its clock."""

    def __init__(self, service: Service, clock: MovableClock) -> None:
        self._service = service
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """Its one route."""
        return [Route(PATH, self.advance, methods=["POST"])]

    async def advance(self, request: Request) -> Response:
        """Puts the clock forward, and says what time it is then."""
        query(request.scope, ())
        if media_type(request.scope) != "application/json":
            raise UnsupportedMediaType("an advance is sent as application/json")
        settings = self._service.settings
        most, seconds = settings.body_bytes, settings.body_seconds
        body = await read_body(request.scope, request.receive, most=most, seconds=seconds)
        try:
            asked = Advance.model_validate(parse(body))
        except ValidationError:
            raise SchemaViolation(
                f"a clock goes forward by 0 to {MOST} seconds",
                pointer="/advance",
                hint='{"advance": 604800}',
            ) from None
        if self._clock() + asked.advance > FURTHEST:
            raise PolicyViolated("the clock is at the end of its years", pointer="/advance")
        self._clock.advance(asked.advance)
        await self._service.publication.renew()
        shown = {"now": format_time(self._service.now), "ahead": self._clock.ahead}
        return json_response(orjson.dumps(shown), headers={"cache-control": "no-store"})


def clock_paths() -> dict[str, Any]:
    """What the API's description says of it (resolver/api/openapi.py)."""
    answer = {
        "type": "object",
        "required": ["now", "ahead"],
        "properties": {
            "now": {"type": "string", "format": "date-time"},
            "ahead": {"type": "integer", "description": "seconds ahead of the system's clock"},
        },
    }
    problem = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refused = {"description": "Refused", "content": problem}
    asked = {"schema": Advance.model_json_schema(), "example": {"advance": 60}}
    operation = {
        "summary": "Puts the clock of this sandbox forward: for tests",
        "requestBody": {"required": True, "content": {JSON: asked}},
        "responses": {
            "200": {"description": "What time it is then", "content": {JSON: {"schema": answer}}},
            **{str(status): refused for status in (400, 408, 413, 415, 422)},
        },
    }
    return {PATH: {"post": operation}}
