"""The part of the API's description that is about handles and labels (resolver/api/openapi.py)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from resolver.api.operations import JSON
from resolver.api.problems import PROBLEM
from resolver.labels import MEDIA

_ANSWER: Final = {
    "type": "object",
    "required": ["responseCode"],
    "properties": {
        "responseCode": {"type": "integer", "description": "of the Handle protocol"},
        "handle": {"type": "string"},
        "message": {"type": "string"},
        "referral": {
            "type": "object",
            "description": "the grant, and the node that is to be asked",
        },
        "values": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "type", "data", "ttl", "timestamp"],
                "properties": {
                    "index": {"type": "integer"},
                    "type": {"type": "string"},
                    "data": {
                        "type": "object",
                        "required": ["format", "value"],
                        "properties": {"format": {"enum": ["string", "admin"]}, "value": {}},
                    },
                    "permissions": {"type": "string"},
                    "ttl": {"type": "integer", "description": "seconds"},
                    "timestamp": {"type": "string", "format": "date-time"},
                },
            },
        },
    },
}
_SAID: Final = {
    "200": "Found; or none of the values that were asked for (200)",
    "307": "Another node's: the same question there (303)",
    "400": "Not a handle (102), or not a parameter (202)",
    "404": "Not found (100), or another node's of no known address (303)",
    "503": "Try again later (3)",
}


def handle_paths() -> dict[str, Any]:
    """The JSON API of a Handle proxy."""
    content = {JSON: {"schema": _ANSWER}}
    parameters = [
        _parameter("handle", "path", "string", "88.100.9999/dev0001", required=True),
        _parameter("index", "query", "integer", said="of a value; repeated as wished"),
        _parameter("type", "query", "string", said="of values; URL. has those below it as well"),
        *(_parameter(name, "query", "string") for name in ("auth", "cert", "publicOnly", "pretty")),
    ]
    responses = {
        status: {"description": said, "content": content} for status, said in _SAID.items()
    }
    summary = "The values of a handle (88., 86. and others), or of a prefix (0.NA/…)"
    operation = {"summary": summary, "parameters": parameters, "responses": responses}
    return {"/api/handles/{handle}": {"get": operation}}


def label_paths(code: str) -> dict[str, Any]:
    """Labels, and where they lead."""
    label = {
        "summary": "The label of a registered code: a QR symbol",
        "parameters": [
            _parameter("code", "path", "string", quote(code, safe=""), required=True),
            _parameter("scheme", "query", "string", "gs1"),
            _parameter("format", "query", "string", "svg", said="svg or png"),
            _parameter("level", "query", "string", "m", said="of error correction: l, m, q or h"),
            _parameter("scale", "query", "integer", 8, said="pixels of a module of a PNG"),
        ],
        "responses": {
            "200": {"description": "The label", "content": {media: {} for media in MEDIA.values()}},
            "304": {"description": "It is the one that you have"},
            **_problems("400", "404", "410", "422", "429"),
        },
    }
    printed = {
        "summary": "What a label says: a browser is sent to the device, others to its answer",
        "parameters": [
            _parameter("code", "path", "string", "idis/88.100.9999/dev0001", required=True),
            _parameter("at", "query", "string"),
            _parameter("proof", "query", "integer", 0),
        ],
        "responses": {
            "307": {"description": "There"},
            **_problems("400", "404", "422"),
        },
    }
    return {"/v1/labels/{code}": {"get": label}, "/c/{code}": {"get": printed}}


def _problems(*statuses: str) -> dict[str, Any]:
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "Refused", "content": content} for status in statuses}


def _parameter(
    name: str,
    place: str,
    kind: str,
    example: object = None,
    *,
    required: bool = False,
    said: str = "",
) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": required,
        "schema": {"type": kind},
        **({} if example is None else {"example": example}),
        **({"description": said} if said else {}),
    }
