"""RDF canonicalization (RDFC-1.0) by PyLD, for the rdfc suites: the extra `tetrad[interop]`.

    canonicalize({"@context": ["https://www.w3.org/ns/credentials/v2"], …})     # N-Quads, UTF-8

Contexts are the bundled ones; nothing is fetched. What expansion would drop is an error here, as
the cryptosuites ask: it would not be under the signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from identity.credentials.contexts import DOCUMENTS
from identity.credentials.terms import check_terms
from identity.errors import MalformedCredential, MalformedProof

try:
    from pyld import jsonld  # type: ignore[import-untyped]  # it has no type information
except ModuleNotFoundError:
    jsonld = None


def canonicalize(document: Mapping[str, Any]) -> bytes:
    """The canonical N-Quads of a document, UTF-8.

    Raises MalformedCredential for a term that nothing defines, and MalformedProof for what JSON-LD
    refuses, or where PyLD is not installed.
    """
    if jsonld is None:
        raise MalformedProof(
            "an rdfc suite, which this installation does not check",
            hint="install tetrad[interop], or use the jcs suite of the same key",
        )
    check_terms(document)
    options = {"documentLoader": _load, "base": None, "processingMode": "json-ld-1.1"}
    try:
        expanded = jsonld.JsonLdProcessor(on_property_dropped=_dropped).expand(
            dict(document), options
        )
        text = jsonld.normalize(
            expanded, {**options, "algorithm": "URDNA2015", "format": "application/n-quads"}
        )
    except jsonld.JsonLdError as refusal:
        code = getattr(refusal, "code", None) or refusal.type
        raise MalformedProof(f"JSON-LD refuses the document: {code}") from None
    return str(text).encode()


def _load(url: str, _options: object) -> dict[str, Any]:
    if url not in DOCUMENTS:
        raise MalformedCredential(f"the context {url[:200]!r} is not known here")
    return {
        "contextUrl": None,
        "documentUrl": url,
        "document": DOCUMENTS[url],
        "contentType": "application/ld+json",
    }


def _dropped(name: object) -> NoReturn:
    raise MalformedCredential(f"no context defines {str(name)[:64]!r}")
