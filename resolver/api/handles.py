"""GET /api/handles/{handle}: the JSON API of a Handle proxy, for 88. (IDIS) and all other prefixes.

It is routed on the raw path and straight to its endpoint. Answers and refusals have the form that
clients of the Handle System read, `{"responseCode", "handle", "values" | "message"}`, not problem
details.
"""

from __future__ import annotations

from typing import Any, Final, Protocol, cast

import orjson
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from identity.errors import (
    Delegated,
    InvalidIdentifier,
    InvalidInput,
    NotFound,
    TetradError,
    Unavailable,
)
from registry.state import GrantRecord, Key, Organization, PrefixRecord, state_key
from resolver.api.frame import Direct
from resolver.api.responses import JSON, NO_CACHE
from resolver.directory import Directory
from resolver.handles.asking import PATH, Wanted, handle_in, read_parameters
from resolver.handles.encoding import HandleValue
from resolver.handles.signing import HandleSigner, unsigned
from resolver.handles.values import (
    INLINE_PROOF,
    INLINE_TYPE,
    PREFIX_HANDLE,
    device_values,
    prefix_values,
)
from resolver.handles.verifying import read_handle
from resolver.resolution import Asked, Found, answer_bytes
from resolver.service import Service

SUCCESS, ERROR, BUSY = 1, 2, 3
NOT_FOUND, INVALID_HANDLE = 100, 102
NO_SUCH_VALUES, INVALID_VALUE = 200, 202
PREFIX_REFERRAL = 303

KEPT: Final = 5_000
"""Handles whose values are at hand, as JSON."""

Shown = list[tuple[int, str, bytes]]
"""Index, type in lower case, and JSON of each value of a handle."""


class Proving(Protocol):
    """What is told of handles beside their devices."""

    def granted(self, prefix: str) -> list[HandleValue]:
        """The values of 0.NA/prefix: of the grant of this very prefix. Raises NotFound."""

    async def answer(self, asked: Asked) -> bytes:
        """The whole answer with its proof, as JSON. Raises NotFound, Unavailable."""


class HandleEndpoints:
    """Handles over HTTP."""

    def __init__(
        self, directory: Directory, proving: Proving, signer: HandleSigner | None = None
    ) -> None:
        """`signer` signs the digests of values, where the operator was given a key for that."""
        self._directory = directory
        self._proving = proving
        self._signer = signer
        self._shown: dict[tuple[Key, bytes], Shown] = {}

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [Route("/api/handles/{handle:path}", Direct(self.handle), methods=["GET"])]

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The values of a handle (an ASGI application)."""
        response = await self._handle(scope)
        await response(scope, receive, send)

    async def _handle(self, scope: Scope) -> Response:
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        handle: str | None = None
        try:
            handle = handle_in(raw)
            wanted = read_parameters(scope["query_string"])
            if handle[:5].upper() == PREFIX_HANDLE:
                prefix = handle[5:].lower()
                granted = self._proving.granted(prefix)
                return _selected(handle, self._written(PREFIX_HANDLE + prefix, granted), wanted)
            code = read_handle(handle)
            asked = self._directory.code(code.value, code.scheme)
            found = await self._directory.find(asked)
            proof: Shown = []
            if wanted.inline_proof:  # the values beside it are those that it proves
                answer = await self._proving.answer(asked)
                found = Found.now(orjson.dumps(orjson.loads(answer)["device"]), asked)
                proof = [_inline_proof(answer, found.device["updated"]["time"])]
            values = self._values(found, code.value, code.scheme)
            return _selected(handle, [*values, *proof], wanted)
        except Delegated as elsewhere:
            return _referral(handle, elsewhere, raw, scope["query_string"])
        except TetradError as error:
            return _refusal(handle, error)

    def _values(self, found: Found, handle: str, scheme: str) -> Shown:
        """The values of a device as its last entry left them; they depend on nothing else."""
        at = found.asked.key, found.record
        shown = self._shown.get(at)
        if shown is None:
            shown = self._written(handle, device_values(handle, scheme, found.device))
            if len(self._shown) >= KEPT:
                self._shown.clear()
            self._shown[at] = shown
        return shown

    def _written(self, handle: str, values: list[HandleValue]) -> Shown:
        beside = self._signer.values if self._signer is not None else unsigned
        every = [*values, *beside(handle, values)]
        return [(one.index, one.type.lower(), one.json()) for one in every]


class OwnHandles:
    """Handles of the service's own ledger."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def granted(self, prefix: str) -> list[HandleValue]:
        """See Proving."""
        scheme = "idis" if prefix.partition(".")[0] == "88" else "handle"
        segments = self._service.schemes.prefix_segments(scheme, prefix)
        record = cast("PrefixRecord | None", self._record(("prefix", *segments)))
        if record is None or "grant" not in record or not prefix:
            raise NotFound("this prefix was not granted here")
        grant = cast("GrantRecord", self._record(("grant", record["grant"])))
        if grant["status"] != "active":
            raise NotFound("the grant of this prefix was withdrawn")
        holder = cast("Organization", self._record(("did", grant["to"])))
        return prefix_values(prefix, grant, holder)

    def _record(self, key: Key) -> object:
        (record,) = self._service.store.records([state_key(key)])
        return None if record is None else orjson.loads(record)

    async def answer(self, asked: Asked) -> bytes:
        """See Proving."""
        service = self._service
        found = service.resolver.find(asked)
        published = service.publication.current
        if published is None or published.size <= found.entry:
            published = await service.publication.covering(found.entry + 1)
        found = service.resolver.find(asked, within=published.size)
        proof = service.evidence.of(found, published.size, published.note)
        return answer_bytes(found, proof)


def _inline_proof(answer: bytes, when: str) -> tuple[int, str, bytes]:
    """The whole answer with its proof as a value."""
    value = {
        "index": INLINE_PROOF,
        "type": INLINE_TYPE,
        "data": {"format": "string", "value": answer.decode()},
        "ttl": 0,
        "timestamp": when,
    }
    return INLINE_PROOF, INLINE_TYPE.lower(), orjson.dumps(value)


def _selected(handle: str, values: Shown, wanted: Wanted) -> Response:
    if wanted.everything:
        chosen = [json for _, _, json in values]
    else:
        chosen = [json for index, kind, json in values if wanted.selects(index, kind)]
    if not chosen:
        return _body({"responseCode": NO_SUCH_VALUES, "handle": handle, "values": []}, 200)
    body = b'{"responseCode":1,"handle":%b,"values":[%b]}' % (
        orjson.dumps(handle),
        b",".join(chosen),
    )
    return Response(body, 200, NO_CACHE, JSON)


def _referral(handle: str | None, error: Delegated, raw: bytes, query: bytes) -> Response:
    """Where the prefix is another node's: the way there, for clients that follow it."""
    referral: Any = error.members.get("referral")
    body = {
        "responseCode": PREFIX_REFERRAL,
        "handle": handle,
        "message": error.detail,
        "referral": referral,
    }
    urls = ((referral or {}).get("node") or {}).get("urls") or ()
    urls = [url for url in urls if url.startswith(("https://", "http://"))]
    if not urls:  # none that a client of this protocol could follow
        return _body(body, 404)
    rest = raw.removeprefix(PATH).decode("ascii", "replace")
    asked = f"?{query.decode('ascii', 'replace')}" if query else ""
    location = f"{urls[0].rstrip('/')}{PATH.decode()}{rest}{asked}"
    return _body(body, 307, {"location": location})


def _refusal(handle: str | None, error: TetradError) -> Response:
    message = f"{error.detail}; {error.hint}" if error.hint else error.detail
    code, status = _codes(error)
    headers = (
        {"retry-after": str(error.members["retry_after"])} if "retry_after" in error.members else {}
    )
    body: dict[str, object] = {"responseCode": code, "message": message}
    if handle is not None:
        body["handle"] = handle
    return _body(body, status, headers)


def _codes(error: TetradError) -> tuple[int, int]:
    """Response code of the Handle protocol, and HTTP status."""
    if isinstance(error, NotFound):
        return NOT_FOUND, 404
    if isinstance(error, InvalidIdentifier):
        return INVALID_HANDLE, 400
    if isinstance(error, InvalidInput):
        return INVALID_VALUE, 400
    if isinstance(error, Unavailable):
        return BUSY, error.status
    return ERROR, error.status


def _body(body: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, {**NO_CACHE, **(headers or {})}, JSON)
