"""The description of the API (OpenAPI 3.1), kept by hand beside the plain routes.

Its examples are made for the very ledger that is served: pasted against a fresh sandbox they work,
the operation included, which is signed with a key that is drawn when the service starts. A test
sends each of them, and compares the addresses here with the routes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson

from identity.members import format_time
from identity.multibase import base64url_encode
from identity.operation import Submission
from identity.wallet import Establishment, Wallet
from resolver.api.clock import clock_paths
from resolver.api.openapi_authentication import authentication_paths
from resolver.api.openapi_credentials import credential_paths
from resolver.api.openapi_data import data_paths
from resolver.api.openapi_dids import did_paths
from resolver.api.openapi_handles import handle_paths, label_paths
from resolver.api.openapi_links import link_paths
from resolver.api.openapi_schemas import SCHEMAS
from resolver.api.openapi_things import thing_paths
from resolver.api.operations import JSON, NDJSON
from resolver.api.problems import PROBLEM
from resolver.movable_clock import MovableClock
from resolver.service import Service

Operation = dict[str, Any]

_TEXT: Final = "text/plain"
_CODE: Final = "https://id.gs1.org/01/09506000134352/21/M-0017"


class ApiDescription:
    """The OpenAPI document of one service."""

    def __init__(self, service: Service, version: str, random: Callable[[int], bytes]) -> None:
        self._service = service
        self._version = version
        self._wallet = Wallet(random)
        self._first, *self._others = [self._wallet.draw() for _ in range(3)]

    def __call__(self) -> dict[str, Any]:
        """The document, with examples that are valid now."""
        submission = Submission.model_json_schema(ref_template="#/components/schemas/{model}")
        definitions = submission.pop("$defs")
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Tetrad",
                "version": self._version,
                "summary": "Device identity on a transparency log",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "paths": self._paths(),
            "components": {
                "schemas": {
                    **definitions,
                    "Submission": submission,
                    **SCHEMAS,
                }
            },
        }

    def _paths(self) -> dict[str, dict[str, Operation]]:
        authority = f"did:tetrad:{self._service.label}:{self._service.ledger_hash}"
        return {
            "/v1/operations": {"post": self._register()},
            "/v1/operations/prepare": {"post": self._prepare()},
            "/v1/resolve": {
                "get": _get(
                    "The device that bears a code",
                    [
                        _asked("code", _CODE, required=True),
                        _asked("scheme", "gs1"),
                        _at(),
                        _proof(),
                    ],
                    *(200, 300, 400, 404, 410),
                    schema="Answer",
                ),
                "post": self._resolve(),
            },
            **link_paths(),
            **self._records(authority),
            "/v1/history": {
                "get": _get(
                    "What happened under a code: the entries, or with proof all that there are",
                    [_asked("code", _CODE, required=True), _asked("scheme", "gs1"), _proof()],
                    *(200, 300, 400, 404),
                ),
                "post": _history(),
            },
            **data_paths(self._device()),
            **self._ledger(),
            "/v1/events": {"get": _events()},
            **authentication_paths(),
            **(clock_paths() if isinstance(self._service.clock, MovableClock) else {}),
            **credential_paths(authority, self._device()),
            **did_paths(authority),
            **handle_paths(),
            **label_paths(_CODE),
            **thing_paths(self._device(), base64url_encode(self._device().encode())),
            "/.well-known/tetrad": {"get": _get("Genesis, log keys, policy, limits", [])},
            "/healthz": {"get": _get("The process is alive", [])},
            "/readyz": {
                "get": _get("Operations are taken; what is published, who cosigns", [], 200, 503)
            },
            "/metrics": {"get": _get("Figures for Prometheus", [], media=_TEXT)},
        }

    def _device(self) -> str:
        nobody = f"did:tetrad:{self._service.label}:{self._first.next[0]}"
        return self._oldest("device", "did", "active") or nobody

    def _records(self, authority: str) -> dict[str, dict[str, Operation]]:
        device = self._device()
        grant = self._oldest("grant", "grant") or self._service.ledger_hash
        page = [_asked("cursor"), _asked("limit", 10), _asked("status", "active")]
        return {
            "/v1/devices": {"get": _get("Devices", [*page, _asked("controller")], 200, 400, 404)},
            "/v1/devices/{did}": {
                "get": _get(
                    "A device",
                    [_in_path("did", device), _at(), _proof()],
                    *(200, 404, 410),
                    schema="Answer",
                )
            },
            "/v1/devices/{did}/history": {
                "get": _get(
                    "What happened to it, the newest first",
                    [_in_path("did", device), _asked("limit", 10), _asked("before"), _proof()],
                    *(200, 404),
                )
            },
            "/v1/devices/{did}/receipt": {
                "get": _get(
                    "The receipt of its registration, a C2SP tlog-proof",
                    [_in_path("did", device), _witnessed()],
                    *(200, 404),
                    media=_TEXT,
                )
            },
            "/v1/operations/{hash}/receipt": {
                "get": _get(
                    "The receipt of an operation by its hash, a C2SP tlog-proof",
                    [_in_path("hash", self._service.ledger_hash), _witnessed()],
                    *(200, 404),
                    media=_TEXT,
                )
            },
            "/v1/registry": {
                "get": _get("This ledger's log keys, policy and recommended witnesses", [])
            },
            "/v1/organizations": {"get": _get("Organizations", page)},
            "/v1/organizations/{did}": {
                "get": _get("An organization", [_in_path("did", authority)], 200, 404)
            },
            "/v1/grants": {"get": _get("Grants", [*page, _asked("holder")], 200, 400, 404)},
            "/v1/grants/{hash}": {"get": _get("A grant", [_in_path("hash", grant)], 200, 404)},
            "/v1/nodes": {"get": _get("Nodes that grants of prefixes name", page[:2])},
        }

    def _ledger(self) -> dict[str, dict[str, Operation]]:
        return {
            "/v1/ledger/keys": {
                "get": _get(
                    "The evidence that the log's keys were replaced, after an entry",
                    [_asked("after", 0)],
                )
            },
            "/checkpoint": {
                "get": _get("The published checkpoint (C2SP tlog-checkpoint)", [], media=_TEXT)
            },
            "/tile/{path}": {
                "get": _get(
                    "A tile or an entry bundle (C2SP tlog-tiles)",
                    [_in_path("path", "0/000.p/1")],
                    *(200, 400, 404),
                    media="application/octet-stream",
                )
            },
            "/v1/ledger/entries/{index}": {
                "get": _get("The canonical bytes of an entry", [_in_path("index", 0)], 200, 404)
            },
            "/v1/ledger/checkpoints/{size}": {
                "get": _get(
                    "The checkpoint that was signed with the commit of a size",
                    [_in_path("size", 1)],
                    *(200, 404),
                    media=_TEXT,
                )
            },
            "/v1/ledger/proofs/inclusion": {
                "get": _get(
                    "The inclusion proof of an entry",
                    [_asked("index", 0, required=True), _asked("size", 1)],
                    *(200, 404, 422),
                )
            },
            "/v1/ledger/proofs/consistency": {
                "get": _get(
                    "The proof that the tree of one size extends that of another",
                    [_asked("from", 1, required=True), _asked("to", 1)],
                    *(200, 404, 422),
                )
            },
        }

    def _oldest(self, kind: str, member: str, status: str | None = None) -> str | None:
        """How the first of its kind on the ledger is called."""
        store = self._service.store
        for row in store.listing(kind, after=-1, limit=1, status=status).rows:
            (record,) = store.records([row.key])
            return str(orjson.loads(record)[member]) if record else None
        return None

    def _submission(self, first: Establishment) -> dict[str, Any]:
        created = format_time(self._service.now)
        body = {"name": "Example", **first._asdict(), "recovery": "none"}
        unsigned = {
            "type": "organization.register",
            "ledger": self._service.ledger_hash,
            "created": created,
            "body": body,
        }
        multikey = first.keys[0]
        signed = self._wallet.sign(unsigned, f"did:key:{multikey}#{multikey}")
        return {"operation": signed, "disclosures": []}

    def _register(self) -> Operation:
        lines = b"".join(orjson.dumps(self._submission(one)) + b"\n" for one in self._others)
        schema = {"$ref": "#/components/schemas/Submission"}
        registered = {JSON: {"schema": {"$ref": "#/components/schemas/Registered"}}}
        return {
            "summary": "Register one operation, or a batch of them line by line",
            "parameters": [_asked("receipts", 1)],
            "requestBody": {
                "required": True,
                "content": {
                    JSON: {"schema": schema, "example": self._submission(self._first)},
                    NDJSON: {"schema": schema, "example": lines.decode()},
                },
            },
            "responses": {
                "201": {"description": "It is in the ledger", "content": registered},
                "200": {
                    "description": "It was in the ledger already; or a batch, line by line",
                    "content": {**registered, NDJSON: {}},
                },
                **_problems(400, 403, 408, 409, 413, 415, 422, 429, 503),
            },
        }

    def _prepare(self) -> Operation:
        example = {
            "type": "organization.register",
            "body": {"name": "Example", **self._first._asdict()},
        }
        return {
            "summary": "From a plain description to the exact bytes to sign",
            "description": "Never sign what you have not read.",
            "requestBody": {"required": True, "content": {JSON: {"example": example}}},
            "responses": {
                "200": {"description": "The operation, and for each signer what it signs"},
                **_problems(400, 404, 413, 415, 422),
            },
        }

    def _resolve(self) -> Operation:
        return {
            "summary": "The device behind a disclosed number, a code that no URL should hold, or "
            'behind each of up to 1,000 codes: {"codes": […]}, answered line by line',
            "requestBody": {
                "required": True,
                "content": {JSON: {"example": {"code": _CODE, "proof": False}}},
            },
            "responses": {
                "200": {
                    "description": "The device; with proof of its keyed hash, if there is one",
                    "content": {**_content("Answer"), NDJSON: {}},
                },
                **_problems(300, 400, 404, 410, 413, 415, 422, 429, 503),
            },
        }


def _events() -> Operation:
    parameters = [
        _asked("after", 0),
        _asked("subject"),
        _asked("type", "device.register,status.revoke"),
        _asked("entries", 0),
        _asked("limit"),
        {**_asked("Last-Event-ID"), "in": "header"},
    ]
    asked = _get("What is committed, as server-sent events or a page of them", parameters, 404, 503)
    asked["responses"]["200"]["content"] = {"text/event-stream": {}, JSON: {}}
    return asked


def _history() -> Operation:
    example = {"code": _CODE, "proof": False}
    return {
        "summary": "The same of a private code, or of a disclosed number: by whom last bound it",
        "requestBody": {"required": True, "content": {JSON: {"example": example}}},
        "responses": {
            "200": {
                "description": "The entries, or all there are with proof",
                "content": {JSON: {}},
            },
            **_problems(300, 400, 404, 413, 415, 422, 429),
        },
    }


def _get(
    summary: str,
    parameters: list[dict[str, Any]],
    *statuses: int,
    media: str = JSON,
    schema: str | None = None,
) -> Operation:
    """A GET operation with its responses: 200 and whatever else there may be."""
    return {
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "Found",
                "content": _content(schema) if schema else {media: {}},
            },
            **_problems(*(status for status in statuses if status != 200), 422),
        },
    }


def _content(schema: str) -> dict[str, Any]:
    return {JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _problems(*statuses: int) -> dict[str, Any]:
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(one): {"description": "Refused", "content": content} for one in statuses}


def _asked(name: str, example: object = None, *, required: bool = False) -> dict[str, Any]:
    kind = "integer" if isinstance(example, int) else "string"
    shown = {} if example is None else {"example": example}
    schema = {"type": kind}
    return {"name": name, "in": "query", "required": required, "schema": schema, **shown}


def _at() -> dict[str, Any]:
    return {**_asked("at"), "description": "as of this time, 2026-11-22T08:00:00Z"}


def _witnessed() -> dict[str, Any]:
    said = "1 for the published checkpoint, with the cosignatures that it has"
    return {**_asked("witnessed", 0), "description": said}


def _proof() -> dict[str, Any]:
    return {
        **_asked("proof", 0),
        "description": "1 for what proves the answer, or that there is none",
    }


def _in_path(name: str, example: object) -> dict[str, Any]:
    return {**_asked(name, example, required=True), "in": "path"}
