"""The JSON-LD contexts that are known here. No other is ever used, and none is fetched.

    DOCUMENTS["https://www.w3.org/ns/credentials/v2"]["@context"]

Sources, licenses and hashes stand in README.md beside this file. A context is as much a part of the
program as its code, and is read as the code is: once, when the module is imported.
"""

from __future__ import annotations

import json
import pkgutil
from types import MappingProxyType
from typing import Any

BASE = "https://www.w3.org/ns/credentials/v2"

_FILES = {
    BASE: "credentials-v2.json",
    "https://www.w3.org/ns/credentials/examples/v2": "examples-v2.json",
    "https://www.w3.org/ns/credentials/undefined-terms/v2": "undefined-terms-v2.json",
    "https://w3id.org/security/data-integrity/v2": "data-integrity-v2.json",
    "https://w3id.org/security/multikey/v1": "multikey-v1.json",
    "https://www.w3.org/ns/did/v1": "did-v1.json",
}

DIGESTS = MappingProxyType(
    {
        BASE: "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
        "https://w3id.org/security/data-integrity/v2": (
            "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4"
        ),
        "https://w3id.org/security/multikey/v1": (
            "ba2c182de2d92f7e47184bcca8fcf0beaee6d3986c527bf664c195bbc7c58597"
        ),
    }
)
"""SHA-256 (hex) of contexts as the W3C publishes it, for `relatedResource`."""


def _read(name: str) -> dict[str, Any]:
    data = pkgutil.get_data(__name__, name)
    if data is None:
        raise RuntimeError(f"the context {name} is missing from this installation")
    document: dict[str, Any] = json.loads(data)
    return document


DOCUMENTS = MappingProxyType({url: _read(name) for url, name in _FILES.items()})
"""Context documents by URL."""
