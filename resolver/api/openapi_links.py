"""The part of the API's description that is about links and the GS1 resolver
(resolver/api/openapi.py)."""

from __future__ import annotations

from typing import Any, Final

from resolver.api.operations import JSON
from resolver.api.problems import PROBLEM
from resolver.gs1.linksets import JSON_MEDIA, TEXT_MEDIA

_CLASS: Final = "09506000134352"
_EXAMPLES: Final = {
    "01": f"{_CLASS}/21/M-0017",
    "8003": "09506000134321SER01",
    "8004": "950600013430000001",
    "00": "106141412345678908",
    "253": "9506000134352INVOICE1",
    "255": "9506000134352123",
    "401": "9506000SHIP1",
    "402": "95060001343521236",
    "414": "9506000134352",
    "417": "9506000134352",
    "8006": "095060001343520102",
    "8010": "9506000PART1",
    "8013": "9506000MODEL1",
    "8017": "950600013435212308",
    "8018": "950600013435212308",
}


def link_paths() -> dict[str, dict[str, Any]]:
    """The addresses, by path and method."""
    return {
        "/v1/links": {
            "get": {
                "summary": "Where a code leads to, as who answers for it has set it",
                "parameters": [
                    _asked("code", _CLASS, required=True),
                    _asked("scheme", "gtin"),
                    {
                        "name": "proof",
                        "in": "query",
                        "required": False,
                        "schema": {"type": "integer"},
                        "example": 0,
                        "description": "1 for what proves it, or that nobody has set any",
                    },
                ],
                "responses": {
                    "200": {"description": "The newest links", "content": {JSON: {}}},
                    **refusals(300, 400, 404, 422),
                },
            }
        },
        "/v1/linkset": {
            "get": {
                "summary": "The linkset of a code (RFC 9264)",
                "parameters": [_asked("code", _CLASS, required=True), _asked("scheme", "gtin")],
                "responses": {"200": _linkset(), **refusals(400, 404, 422)},
            }
        },
        **{f"/{key}/{{path}}": {"get": _native(value)} for key, value in _EXAMPLES.items()},
        **{
            path: {"get": _native("DBFKk4XBoMxn2mmvY", "compressed")}
            for path in ("/{compressed}", "/{compressed}/")
        },
        "/.well-known/gs1resolver": {
            "get": {
                "summary": "The GS1 resolver description file",
                "responses": {"200": {"description": "It is", "content": {JSON: {}}}},
            }
        },
    }


def _linkset() -> dict[str, Any]:
    media = (JSON_MEDIA, TEXT_MEDIA, "text/html")
    return {"description": "The linkset", "content": {one: {} for one in media}}


def _native(example: str, name: str = "path") -> dict[str, Any]:
    """A Digital Link; the rest of its query is carried along."""
    return {
        "summary": "GS1-Conformant Resolver: where a Digital Link leads",
        "parameters": [
            {**_asked(name, example, required=True), "in": "path"},
            {
                "name": "linkType",
                "in": "query",
                "required": False,
                "schema": {"type": "string"},
                "description": "a link type as gs1:pip, or linkset for all there is",
            },
        ],
        "responses": {
            "200": _linkset(),
            "300": {"description": "Several links fit", "content": {JSON_MEDIA: {}}},
            "307": {"description": "To the link that fits"},
            **refusals(400, 404, 410),
        },
    }


def _asked(name: str, example: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "schema": {"type": "string"},
        "example": example,
    }


def refusals(*statuses: int) -> dict[str, Any]:
    """Responses that say no."""
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(one): {"description": "Refused", "content": content} for one in statuses}
