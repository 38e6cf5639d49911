"""The part of the API's description that is about authentication (resolver/api/openapi.py).

What is posted to be authenticated is signed for one challenge and one moment: examples that work
when pasted cannot be given of it.
"""

from __future__ import annotations

from typing import Any, Final

from resolver.api.authentications import FORM
from resolver.api.operations import JSON
from resolver.api.problems import PROBLEM

_CHALLENGE: Final = {
    "type": "object",
    "required": ["challenge", "domain", "purpose", "expires"],
    "properties": {
        "challenge": {"type": "string", "description": "256 random bits, base64url"},
        "domain": {"type": "string", "description": "the address that was asked: compare it"},
        "purpose": {"const": "authentication"},
        "did": {"type": "string", "description": "who alone may answer, if that was asked for"},
        "expires": {"type": "string", "format": "date-time"},
    },
}
_WHO: Final = {
    "did": {"type": "string"},
    "kind": {"enum": ["device", "organization", "authority"]},
    "key": {"type": "string", "description": "the verification method that answered"},
    "domain": {"type": "string"},
    "credentials": {"type": "array", "items": {"type": "string"}},
    "keyShared": {"type": "boolean", "description": "two clients were seen to use this key"},
}
_TOKEN: Final = {
    "type": "object",
    "required": ["token", "tokenType", "expires", "next", *_WHO],
    "properties": {
        "token": {"type": "string", "description": "of use with a proof by the same key alone"},
        "tokenType": {"const": "DPoP"},
        "expires": {"type": "string", "format": "date-time"},
        "next": {"type": "string", "description": "`nonce` of the proof that comes next"},
        "warning": {"type": "string"},
        **_WHO,
    },
}
_CURRENT: Final = {
    "type": "object",
    "required": ["expires", *_WHO],
    "properties": {"expires": {"type": "string", "format": "date-time"}, **_WHO},
}
_INTROSPECTED: Final = {
    "type": "object",
    "required": ["active"],
    "properties": {
        "active": {"type": "boolean"},
        "token_type": {"const": "DPoP"},
        "sub": {"type": "string", "description": "the DID"},
        "iss": {"type": "string"},
        "iat": {"type": "integer"},
        "exp": {"type": "integer"},
        "cnf": {
            "type": "object",
            "properties": {
                "jkt": {"type": "string"},
                "beside": {"type": "string", "description": "the other key of a pair, as well"},
            },
        },
        **{name: _WHO[name] for name in ("kind", "key", "credentials", "keyShared")},
    },
}
_PRESENTATION: Final = {
    "type": "object",
    "required": ["verifiablePresentation"],
    "properties": {"verifiablePresentation": {"type": "object"}},
    "additionalProperties": False,
}
_BOUND: Final = [
    {
        "name": name,
        "in": "header",
        "required": needed,
        "schema": {"type": "string"},
        "description": said,
    }
    for name, needed, said in (
        ("Authorization", True, "DPoP and the token"),
        ("DPoP", True, "a proof by the key that the token is bound to (RFC 9449)"),
        ("DPoP-Beside", False, "the same by the other key, where the token is bound to a pair"),
    )
]


def authentication_paths() -> dict[str, dict[str, Any]]:
    """The addresses, by path and method."""
    return {
        "/v1/challenges": {
            "post": {
                "summary": "A challenge, to be answered once and soon",
                "requestBody": {
                    "required": True,
                    "content": {JSON: {"example": {"purpose": "authentication"}}},
                },
                "responses": {
                    "201": _answer("The challenge", _CHALLENGE),
                    **_refusals(400, 401, 408, 413, 415, 422, 429, 503),
                },
            }
        },
        "/v1/authentications": {
            "post": {
                "summary": "A presentation that answers a challenge, for a token",
                "description": "The holder's proofs are for `authentication` and repeat `challenge`"
                " and `domain`. A challenge is used up by the first answer, whatever comes of it.",
                "requestBody": {
                    "required": True,
                    "content": {JSON: {"schema": _PRESENTATION}},
                },
                "responses": {
                    "200": _answer("The token, bound to the key that answered", _TOKEN),
                    **_refusals(400, 401, 403, 408, 413, 415, 422, 503),
                },
            }
        },
        "/v1/authentications/current": {
            "get": {
                "summary": "Who makes this request",
                "parameters": _BOUND,
                "responses": {
                    "200": _answer("Who it is", _CURRENT),
                    **_refusals(401, 422, 429, 503),
                },
            }
        },
        "/v1/introspections": {
            "post": {
                "summary": "What a token stands for that one was shown (RFC 7662)",
                "parameters": _BOUND,
                "requestBody": {
                    "required": True,
                    "content": {
                        FORM: {
                            "schema": {
                                "type": "object",
                                "required": ["token"],
                                "properties": {"token": {"type": "string"}},
                            }
                        }
                    },
                },
                "responses": {
                    "200": _answer("What it stands for, if it is in force", _INTROSPECTED),
                    **_refusals(400, 401, 408, 413, 415, 422, 429, 503),
                },
            }
        },
    }


def _answer(said: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": said, "content": {JSON: {"schema": schema}}}


def _refusals(*statuses: int) -> dict[str, Any]:
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(one): {"description": "Refused", "content": content} for one in statuses}
