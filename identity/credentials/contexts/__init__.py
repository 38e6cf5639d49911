"""The JSON-LD contexts that are known here. No other is ever used, and none is fetched.

    DOCUMENTS["https://www.w3.org/ns/credentials/v2"]["@context"]

Sources, licenses and hashes stand in README.md beside this file. A context is as much a part of the
program as its code, and is read as the code is: once, when the module is imported.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

BASE = "https://www.w3.org/ns/credentials/v2"
FIRST = "https://www.w3.org/2018/credentials/v1"
"""Of the data model 1.1."""
INTEGRITY = "https://w3id.org/security/data-integrity/v2"

_FILES = {
    BASE: "credentials-v2.json",
    "https://www.w3.org/ns/credentials/examples/v2": "examples-v2.json",
    "https://www.w3.org/ns/credentials/undefined-terms/v2": "undefined-terms-v2.json",
    INTEGRITY: "data-integrity-v2.json",
    "https://w3id.org/security/multikey/v1": "multikey-v1.json",
    "https://www.w3.org/ns/did/v1": "did-v1.json",
    # What other people's credentials name: nothing of ours does.
    FIRST: "credentials-v1.json",
    "https://www.w3.org/2018/credentials/examples/v1": "examples-v1.json",
    "https://www.w3.org/ns/odrl.jsonld": "odrl.json",
    "https://w3id.org/security/suites/ed25519-2020/v1": "ed25519-2020-v1.json",
    "https://w3id.org/citizenship/v4rc1": "citizenship-v4rc1.json",
    "urn:tetrad:credentials:v1": "tetrad-credentials-v1.json",
}

DIGESTS = MappingProxyType(
    {
        INTEGRITY: ("67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4"),
        "https://w3id.org/security/multikey/v1": (
            "ba2c182de2d92f7e47184bcca8fcf0beaee6d3986c527bf664c195bbc7c58597"
        ),
    }
)
"""SHA-256 (hex) that the W3C publishes (VC Data Integrity 1.0, section 2.4.2) of contexts that lie
here in another layout."""
_AS_PUBLISHED = (BASE, "https://www.w3.org/ns/credentials/examples/v2")


def _read(name: str) -> bytes:
    data = pkgutil.get_data(__name__, name)
    if data is None:
        raise RuntimeError(f"the context {name} is missing from this installation")
    return data


_DATA = {url: _read(name) for url, name in _FILES.items()}

DOCUMENTS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {url: json.loads(data) for url, data in _DATA.items()}
)
"""Context documents by URL."""

OFFICIAL: Mapping[str, bytes] = MappingProxyType({url: _DATA[url] for url in _AS_PUBLISHED})
"""The bytes of those contexts that lie here exactly as the W3C publishes them."""
