"""The part of the API's description that is about DIDs (resolver/api/openapi.py)."""

from __future__ import annotations

from typing import Any

from resolver.api.did_results import BARE, DEREFERENCING, RESOLUTION
from resolver.api.operations import JSON
from resolver.api.problems import PROBLEM
from resolver.did_resolution import METHODS, OPTIONS


def did_paths(authority: str) -> dict[str, dict[str, Any]]:
    """The addresses, by path and method; the examples are of the authority."""
    methods = ", ".join(f"did:{method}" for method in METHODS)
    place = _parameter("path", "did", authority)
    described = {
        "description": "a DID, or a DID URL; percent-encoded as a whole, the query holds options",
    }
    options = [_parameter("query", name) for name in OPTIONS]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in OPTIONS}}
    return {
        "/1.0/identifiers/{did}": {
            "get": {
                "summary": f"W3C DID Resolution and DID URL dereferencing: {methods}",
                "parameters": [{**place, **described}, *options],
                "responses": _responses(),
            },
            "post": {
                "summary": "The same, with the options in the body",
                "parameters": [{**place, **described}],
                "requestBody": {"content": {JSON: {"schema": schema, "example": {}}}},
                "responses": {
                    **_responses(),
                    **{status: _refusal(PROBLEM, "Problem") for status in ("408", "413", "415")},
                },
            },
        },
        "/1.0/methods": {"get": _listing("DID methods that are resolved")},
        "/1.0/properties": {"get": _listing("Properties of this driver")},
        "/1.0/testIdentifiers": {"get": _listing("DIDs that can be resolved")},
    }


def _responses() -> dict[str, Any]:
    found: dict[str, Any] = {media: {} for media in (RESOLUTION, DEREFERENCING, *BARE)}
    return {
        "200": {"description": "Found, in the form that Accept asks for", "content": found},
        "303": {"description": "The address of a service, in Location"},
        "410": {"description": "Deactivated", "content": {RESOLUTION: {}, DEREFERENCING: {}}},
        **{
            status: {"description": "Refused", "content": {RESOLUTION: {}, DEREFERENCING: {}}}
            for status in ("400", "404", "406", "500", "501")
        },
    }


def _listing(summary: str) -> dict[str, Any]:
    responses = {
        "200": {"description": "Found", "content": {JSON: {}}},
        "422": _refusal(PROBLEM, "Problem"),
    }
    return {"summary": summary, "parameters": [], "responses": responses}


def _refusal(media: str, schema: str) -> dict[str, Any]:
    reference = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"description": "Refused", "content": {media: reference}}


def _parameter(where: str, name: str, example: str | None = None) -> dict[str, Any]:
    shown = {} if example is None else {"example": example}
    required = where == "path"
    return {"name": name, "in": where, "required": required, "schema": {"type": "string"}, **shown}
