"""Every answer that says no: application/problem+json (RFC 9457), whatever went wrong.

Errors of ours keep their status and code. What the framework refuses is turned into one of ours. An
exception that nobody expected is logged whole and shown as nothing but `internal`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from identity.errors import (
    InvalidInput,
    MalformedInput,
    MethodNotAllowed,
    NotFound,
    SchemaViolation,
    TetradError,
)

PROBLEM = "application/problem+json"

logger = logging.getLogger("tetrad")

INTERNAL = {
    "type": "urn:tetrad:error:internal",
    "title": "Our mistake",
    "status": 500,
    "code": "internal",
    "detail": "the service made a mistake; its log says more",
    "section": "specs/4-errors.md",
}


def problem_bytes(error: TetradError) -> bytes:
    """The problem details of an error as JSON."""
    return orjson.dumps(error.problem())


def problem_response(error: TetradError, headers: Mapping[str, str] | None = None) -> Response:
    """The response for an error; with Retry-After where the error knows when to come again."""
    given = dict(headers or {})
    if "retry_after" in error.members:
        given["retry-after"] = str(error.members["retry_after"])
    given.setdefault("cache-control", "no-store")
    return Response(problem_bytes(error), error.status, given, PROBLEM)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, TetradError)  # noqa: S101 - registered for that class
    return problem_response(error)


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for that class
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        hint = f"try {allowed}"
        if request.scope["path"].startswith("/things"):
            hint = "things are registered by signed operations: POST /v1/operations"
        refusal: TetradError = MethodNotAllowed(
            f"{request.method[:16]} is not a method of this address", hint=hint
        )
        return problem_response(refusal, {"allow": allowed})
    if error.status_code == 404:
        hint = "/openapi.json lists all addresses"
        if request.app.openapi_url is None:  # a recursive resolver
            hint = "a resolver without a ledger answers less: ask the node of the ledger itself"
        return problem_response(NotFound("there is nothing at this address", hint=hint))
    return problem_response(MalformedInput(f"the request cannot be read: {error.detail}"))


async def _validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for that class
    first = error.errors()[0]
    where = "/".join(str(step) for step in first["loc"])
    kind: type[InvalidInput] = SchemaViolation
    return problem_response(kind(f"{where}: {first['msg']}", pointer=f"/{where}"))


async def internal_error(request: Request, error: Exception) -> Response:
    """What is shown of a mistake of ours: nothing."""
    logger.error("a request failed: %s %s", request.method, request.url.path, exc_info=error)
    return Response(orjson.dumps(INTERNAL), 500, {"cache-control": "no-store"}, PROBLEM)


def install(app: FastAPI) -> None:
    """Registers the handlers of all errors."""
    app.add_exception_handler(TetradError, _refused)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Exception, internal_error)
