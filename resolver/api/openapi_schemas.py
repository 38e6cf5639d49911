"""Schemas of what the service answers, for the description of the API (resolver/api/openapi.py).

Those of what is posted are made from the models; these say what a reader of an answer finds.
"""

from __future__ import annotations

from typing import Any, Final

from identity.errors import catalogue

_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"enum": sorted({error.code for error in catalogue()} | {"internal"})},
        "detail": {"type": "string", "description": "what went wrong, in plain words"},
        "pointer": {"type": "string", "description": "JSON pointer to the value that offends"},
        "hint": {"type": "string", "description": "what to do next"},
        "section": {"type": "string", "description": "of the specification"},
        "readAs": {"$ref": "#/components/schemas/ReadCode"},
        "candidates": {"type": "array", "items": {"$ref": "#/components/schemas/ReadCode"}},
        "answer": {"$ref": "#/components/schemas/Answer"},
        "proof": {"$ref": "#/components/schemas/Evidence"},
        "unique": {"$ref": "#/components/schemas/Unique"},
    },
}
_CODE_READ: Final = {
    "type": "object",
    "required": ["scheme", "value"],
    "properties": {"scheme": {"type": "string"}, "value": {"type": "string"}},
}
_UNIQUE: Final = {
    "type": "object",
    "required": ["key", "proof"],
    "properties": {
        "key": {"type": "array", "items": {"type": "string"}},
        "proof": {"type": "string", "description": "of the keyed hash (RFC 9381), base64url"},
    },
}
_EVIDENCE: Final = {
    "type": "object",
    "required": ["checkpoint", "state", "records"],
    "properties": {
        "checkpoint": {"type": "string", "description": "the published one, a signed note"},
        "state": {
            "type": "object",
            "required": ["entry", "hashes"],
            "description": "the root of the state that ends its tree, and its inclusion",
        },
        "records": {
            "type": "array",
            "description": "keys of the state, and their proofs below that root",
            "items": {"type": "object", "required": ["key", "bucket", "path"]},
        },
        "entries": {"type": "array", "description": "all that changed the device, if at most 256"},
        "signers": {"type": "array", "description": "operations whose keys signed those"},
    },
}
_ANSWER: Final = {
    "type": "object",
    "required": ["device"],
    "properties": {
        "device": {"type": "object", "description": "its record"},
        "readAs": {"$ref": "#/components/schemas/ReadCode"},
        "asOf": {"type": "string"},
        "unique": {"$ref": "#/components/schemas/Unique"},
        "proof": {"$ref": "#/components/schemas/Evidence"},
    },
}
_REGISTERED: Final = {
    "type": "object",
    "required": ["operation", "index", "repeated"],
    "properties": {
        "operation": {"type": "string", "description": "operation hash"},
        "did": {"type": "string", "description": "the DID that the operation created"},
        "index": {"type": "integer", "description": "of its entry in the ledger"},
        "receipt": {"type": "string", "description": "C2SP tlog-proof"},
        "repeated": {"type": "boolean", "description": "it stood in the ledger before"},
    },
}

SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "Registered": _REGISTERED,
    "Answer": _ANSWER,
    "Evidence": _EVIDENCE,
    "ReadCode": _CODE_READ,
    "Unique": _UNIQUE,
    "Problem": _PROBLEM,
}
