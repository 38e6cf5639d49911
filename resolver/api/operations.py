"""POST /v1/operations: one operation, or a batch of them line by line.

The bytes go to the service as they came: nothing is parsed here.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from identity.errors import InputTooLarge, MalformedInput, TetradError, UnsupportedMediaType
from resolver.api.problems import problem_response
from resolver.api.requests import check_encoding, flag, media_type, query, read_body
from resolver.registration.writer import Receipted
from resolver.service import Service

JSON = "application/json"
NDJSON = "application/x-ndjson"


class Operations:
    """The endpoint over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Registers what is in the body (an ASGI application)."""
        response = await self._answer(scope, receive)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        try:
            kind = media_type(scope)
            receipts = flag(query(scope, ("receipts",)), "receipts", default=True)
            if kind == JSON:
                return await self._single(scope, receive, receipts=receipts)
            if kind == NDJSON:
                return await self._batch(scope, receive, receipts=receipts)
            raise UnsupportedMediaType(
                "an operation is sent as application/json, a batch as application/x-ndjson",
                hint="curl -H 'Content-Type: application/json' --data-binary @operation.json",
            )
        except TetradError as error:
            return problem_response(error)

    async def _single(self, scope: Scope, receive: Receive, *, receipts: bool) -> Response:
        settings = self._service.settings
        received = await read_body(
            scope,
            receive,
            most=settings.body_bytes,
            seconds=settings.body_seconds,
        )
        registered = await self._service.submit(received, receipts=receipts)
        shown = self._shown(registered)
        shown["repeated"] = registered.repeated
        return Response(
            orjson.dumps(shown),
            200 if registered.repeated else 201,
            {"cache-control": "no-store"},
            JSON,
        )

    async def _batch(self, scope: Scope, receive: Receive, *, receipts: bool) -> Response:
        service = self._service
        check_encoding(scope)
        service.enter_batch()
        try:
            body = await read_body(
                scope,
                receive,
                most=service.settings.batch_bytes,
                seconds=service.settings.body_seconds,
            )
            lines = split_lines(body, service.settings.batch_lines)
            outcomes = await service.submit_batch(lines, receipts=receipts)
        finally:
            service.leave_batch()
        return Response(self._lines(outcomes), 200, {"cache-control": "no-store"}, NDJSON)

    def _lines(self, outcomes: Sequence[Receipted | TetradError]) -> bytes:
        lines: list[bytes] = []
        for number, outcome in enumerate(outcomes, 1):
            if isinstance(outcome, TetradError):
                shown = {"line": number, "status": outcome.status, "error": outcome.problem()}
            else:
                status = 200 if outcome.repeated else 201
                shown = {"line": number, "status": status, **self._shown(outcome)}
            lines.append(orjson.dumps(shown, option=orjson.OPT_APPEND_NEWLINE))
        return b"".join(lines)

    def _shown(self, registered: Receipted) -> dict[str, object]:
        shown: dict[str, object] = {"operation": registered.checked.hash}
        did = self._service.did_of(registered.checked)
        if did is not None:
            shown["did"] = did
        shown["index"] = registered.index
        if registered.receipt:
            shown["receipt"] = registered.receipt
        return shown


def split_lines(body: bytes, most: int) -> list[bytes]:
    """The lines of a batch; the last may end in a newline. Raises InputTooLarge, MalformedInput.

    An empty line is one that is answered, with an error: lines keep their numbers.
    """
    if not body:
        raise MalformedInput("a batch has at least one line")
    count = body.count(b"\n") + (not body.endswith(b"\n"))
    if count > most:
        raise InputTooLarge(f"a batch of {count} lines; {most} are taken at a time")
    return body.removesuffix(b"\n").split(b"\n")
