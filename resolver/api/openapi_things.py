"""The part of the API's description that is about things and shells (resolver/api/openapi.py)."""

from __future__ import annotations

from typing import Any, Final

from resolver.api.operations import JSON
from resolver.api.problems import PROBLEM
from resolver.api.things import FORMATS, LINKED
from resolver.shells import GLOBAL
from resolver.things import EVENTS, MEDIA

_LINKS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "value"],
        "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
    },
}
_SHELLS: Final = {
    "type": "object",
    "properties": {
        "paging_metadata": {"type": "object", "properties": {"cursor": {"type": "string"}}},
        "result": {"type": "array", "items": {"type": "string"}},
    },
}


def thing_paths(device: str, identifier: str) -> dict[str, dict[str, Any]]:
    """The addresses of the Web of Things directory; the examples are of a device of the ledger."""
    listed = [
        _parameter("query", "limit", 10),
        _parameter("query", "offset", 0),
        _parameter("query", "cursor"),
        {**_parameter("query", "format", "array"), "schema": {"type": "string", "enum": FORMATS}},
    ]
    searched = [
        _parameter("query", "query", "$[?search(@.title, 'M')].id"),
        {**_parameter("query", "cursor"), "description": "empty for the first window of many"},
    ]
    return {
        "/things": {"get": _get("Devices as W3C Thing Descriptions", listed, LINKED, 400)},
        "/things/{did}": {
            "get": _get("One of them", [_parameter("path", "did", device)], MEDIA, 400, 404, 410)
        },
        "/search/jsonpath": {
            "get": _get("What a JSONPath selects of them", searched, JSON, 400, 413, 503)
        },
        "/.well-known/wot": {"get": _get("This directory as a thing", [], MEDIA)},
        "/events": {"get": _stream("What happens to things", [])},
        "/events/{type}": {
            "get": _stream("Events of one kind", [_parameter("path", "type", EVENTS[0])])
        },
        **_shell_paths(identifier),
    }


def _shell_paths(identifier: str) -> dict[str, dict[str, Any]]:
    paging = [_parameter("query", "limit", 10), _parameter("query", "cursor")]
    example = [{"name": GLOBAL, "value": "https://id.gs1.org/01/09506000134352/21/M-0017"}]
    asset = {**_parameter("query", "assetIds"), "description": "base64url of {name, value}"}
    by_link = _get("Shells by the links of their assets", paging, JSON, 400, 408, 413, 415)
    by_link["requestBody"] = {
        "required": True,
        "content": {JSON: {"schema": _LINKS, "example": example}},
    }
    by_link["responses"]["200"]["content"] = {JSON: {"schema": _SHELLS}}
    return {
        "/lookup/shellsByAssetLink": {"post": by_link},
        "/lookup/shells": {"get": _get("The same", [asset, *paging], JSON, 400)},
        "/lookup/shells/{identifier}": {
            "get": _get(
                "The asset links of a shell",
                [_parameter("path", "identifier", identifier)],
                *(JSON, 400, 404),
            )
        },
        "/description": {"get": _get("The profiles of AAS Part 2 that are served", [], JSON)},
    }


def _get(
    summary: str, parameters: list[dict[str, Any]], media: str, *statuses: int
) -> dict[str, Any]:
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refused = {"description": "Refused", "content": content}
    return {
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "Found", "content": {media: {}}},
            **{str(one): refused for one in (*statuses, 422)},
        },
    }


def _stream(summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    told = {**_parameter("query", "diff"), "description": "true for what has changed as well"}
    last = _parameter("header", "Last-Event-ID")
    asked = [*parameters, told, last]
    return _get(summary, asked, "text/event-stream", 400, 404, 406, 503)


def _parameter(where: str, name: str, example: object = None) -> dict[str, Any]:
    shown = {} if example is None else {"example": example}
    kind = "integer" if isinstance(example, int) else "string"
    required = where == "path" or name == "query"
    return {"name": name, "in": where, "required": required, "schema": {"type": kind}, **shown}
