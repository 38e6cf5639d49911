"""The part of the API's description that is about graded data (resolver/api/openapi.py)."""

from __future__ import annotations

from typing import Any, Final

from resolver.api.operations import JSON
from resolver.api.problems import PROBLEM
from resolver.graded import ERASABLE

_RECORD: Final = {"type": "object", "description": "the data record, as it stands in the ledger"}
_CONTENT: Final = {
    "type": "object",
    "required": ["device", "data", "set", "disclosure", "content"],
    "properties": {
        "device": {"type": "string"},
        "data": _RECORD,
        "set": {
            "type": "object",
            "properties": {
                "entry": {"type": "integer"},
                "time": {"type": "string", "format": "date-time"},
            },
        },
        "disclosure": {
            "type": "string",
            "description": "base64url(SHA-256) of it is the commitment in the proved record",
        },
        "content": {"description": "the value in the disclosure"},
    },
}
_ERASED: Final = {
    "type": "object",
    "required": ["device", "of", "erased", "entries"],
    "properties": {
        "device": {"type": "string"},
        "of": {"enum": ["data", *ERASABLE]},
        "version": {"type": "integer"},
        "erased": {"type": "integer", "description": "0 where all of it was erased before"},
        "entries": {"type": "array", "items": {"type": "integer"}},
    },
}
_ACCESSES: Final = {
    "type": "object",
    "required": ["device", "of", "accesses", "waiting", "head", "cursor"],
    "properties": {
        "device": {"type": "string"},
        "of": {"enum": ["shown", "refused"]},
        "accesses": {"type": "array", "items": {"type": "object"}},
        "waiting": {"type": "array", "items": {"type": "object"}},
        "head": {
            "type": "object",
            "properties": {"n": {"type": "integer"}, "hash": {"type": "string"}},
        },
        "cursor": {"type": ["integer", "null"]},
    },
}


def data_paths(device: str) -> dict[str, dict[str, Any]]:
    """The addresses, by path and method; `device` is an example of a DID."""
    did = {**_asked("did", {"type": "string"}), "in": "path", "required": True, "example": device}
    version, cursor, limit = (
        _asked(name, {"type": "integer"}) for name in ("version", "cursor", "limit")
    )
    at = _asked("at", {"type": "string", "format": "date-time"})
    of = {
        **_asked("of", {"type": "string", "enum": list(ERASABLE)}),
        "required": True,
        "example": "serial",
    }
    chain = _asked("of", {"type": "string", "enum": ["shown", "refused"]})
    return {
        "/v1/devices/{did}/data": {
            "get": {
                "summary": "The content of its data record, by grade",
                "description": "General data is for anyone; important data for whoever is"
                " authenticated and satisfies the record's policy; core data for nobody.",
                "parameters": [did, version, at],
                "responses": {
                    "200": _answer("The content", _CONTENT),
                    **_refusals(400, 401, 403, 404, 410, 422, 429, 503),
                },
            },
            "delete": {
                "summary": "Erase the content, by the controller or the authority, authenticated",
                "parameters": [did, version],
                "responses": {
                    "200": _answer("It is erased", _ERASED),
                    **_refusals(400, 401, 403, 404, 422, 429, 503),
                },
            },
        },
        "/v1/devices/{did}/disclosures": {
            "delete": {
                "summary": "Erase what was disclosed of its serial, code or numbers; likewise",
                "parameters": [did, of],
                "responses": {
                    "200": _answer("It is erased", _ERASED),
                    **_refusals(400, 401, 403, 404, 422, 429, 503),
                },
            },
        },
        "/v1/devices/{did}/accesses": {
            "get": {
                "summary": "Who was shown its important data, or refused; for its controller",
                "parameters": [did, chain, cursor, limit],
                "responses": {
                    "200": _answer("A page of the log", _ACCESSES),
                    **_refusals(400, 401, 403, 404, 422, 429, 503),
                },
            },
        },
    }


def _asked(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _answer(said: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": said, "content": {JSON: {"schema": schema}}}


def _refusals(*statuses: int) -> dict[str, Any]:
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(one): {"description": "Refused", "content": content} for one in statuses}
