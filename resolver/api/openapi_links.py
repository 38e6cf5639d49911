"""The part of the API's description that is about links (resolver/api/openapi.py)."""

from __future__ import annotations

from typing import Any, Final

from resolver.api.operations import JSON
from resolver.api.problems import PROBLEM

_CLASS: Final = "09506000134352"


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
