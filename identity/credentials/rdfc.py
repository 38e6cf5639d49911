"""RDF canonicalization (RDFC-1.0) by PyLD, for the rdfc suites: the extra `tetrad[interop]`.

    canonicalize({"@context": ["https://www.w3.org/ns/credentials/v2"], …})     # N-Quads, UTF-8

Contexts are the bundled ones; nothing is fetched. What expansion would drop is an error here, as
the cryptosuites ask: it would not be under the signature. The names of blank nodes depend on a hash
function, which for P-384 is SHA-384 (ECDSA Cryptosuites 1.0, section 3). To name them can take time
that grows with the factorial of their number (RDF-CANON, "Dataset Poisoning"): there is a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256, sha384
from typing import Any, Final, NoReturn

from identity.credentials.contexts import DOCUMENTS
from identity.credentials.terms import check_terms
from identity.errors import InputTooLarge, MalformedCredential, MalformedProof
from identity.keys import P384

try:
    from pyld import jsonld  # type: ignore[import-untyped]  # it has no type information
    from pyld.canon import URDNA2015  # type: ignore[import-untyped]
except ModuleNotFoundError:
    jsonld, URDNA2015 = None, object

# What PyLD stumbles over instead of refusing it: a vocabulary that is null before there was one,
# for instance. The terms were checked before; what is left is for it to say no to.
_DEFECTS = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
MOST_STEPS: Final = 256
"""Blank nodes whose surroundings are hashed for one document; a credential needs a few."""
MOST_ALIKE: Final = 8
"""Blank nodes that look alike from a neighbour, whose orders are all tried."""


def canonicalize(document: Mapping[str, Any], algorithm: str = "") -> bytes:
    """The canonical N-Quads of a document, UTF-8, for a proof by a key of that algorithm.

    Raises MalformedCredential for a term that nothing defines, and MalformedProof for what JSON-LD
    refuses, or where PyLD is not installed, and InputTooLarge beyond the bounds above.
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
        dataset = jsonld.to_rdf(expanded, {**options, "produceGeneralizedRdf": False})
        bounded = _Bounded(sha384 if algorithm == P384 else sha256)
        text = bounded.main(dataset, {"format": "application/n-quads"})
    except jsonld.JsonLdError as refusal:
        code = getattr(refusal, "code", None) or refusal.type
        raise MalformedProof(f"JSON-LD refuses the document: {code}") from None
    except _DEFECTS:
        raise MalformedProof("PyLD does not read this document", hint="use a jcs suite") from None
    return str(text).encode()


class _Bounded(URDNA2015):  # type: ignore[misc]  # PyLD has no type information
    """PyLD's RDFC-1.0 with another hash function, and an end."""

    def __init__(self, hash_function: Callable[[], Any]) -> None:
        super().__init__()
        self._hash_function = hash_function
        self._steps = 0

    def create_hash(self) -> Any:  # noqa: ANN401 - a hash object, whose type has no name
        """See PyLD."""
        return self._hash_function()

    def hash_n_degree_quads(self, id_: str, issuer: object) -> dict[str, Any]:
        """See PyLD."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise InputTooLarge("too many blank nodes that look alike", hint="give them ids")
        found: dict[str, Any] = super().hash_n_degree_quads(id_, issuer)
        return found

    def create_hash_to_related(self, id_: str, issuer: object) -> dict[str, list[str]]:
        """See PyLD."""
        related: dict[str, list[str]] = super().create_hash_to_related(id_, issuer)
        if any(len(set(alike)) > MOST_ALIKE for alike in related.values()):
            raise InputTooLarge("too many blank nodes that look alike", hint="give them ids")
        return related


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
