"""What a document under an rdfc suite must look like, so that its JSON says what its RDF says.

    check_rdf_form(credential)      # MalformedProof: "the member 'https://…#validUntil' …"

An rdfc signature covers RDF, and a verifier reads JSON. The same RDF can be written so that a
member is not where the verifier looks: `validUntil` under its full IRI or in another object with
the credential's id, an id behind a prefix that the document itself defines. Nothing of that breaks
the signature. So each member has the name that the bundled contexts give it, and each thing stands
in one place (VC Data Integrity 1.0, section 2.4.1, "Context Validation"). A context of the
document's own may name what no bundled one names, by the last part of its IRI: who passes the
document on can then give it no other name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from identity.credentials.contexts import DOCUMENTS
from identity.errors import InputTooLarge, MalformedProof

MOST_VALUES: Final = 512
"""JSON values of one document: PyLD's time grows with their square."""
_JCS: Final = "sign it with the jcs suite of the same key, which covers the JSON itself"
_GRAPHS: Final = frozenset({"proof", "verifiableCredential"})
"""Members each of whose objects is a graph: what it says of an id is said apart."""


def _iris(value: object, prefixes: Mapping[str, object] = MappingProxyType({})) -> Iterator[str]:
    """All that terms of a context stand for, those of its terms' own contexts among them.

    Compact IRIs are written out: `cred:expirationDate` where the context says what `cred` is.
    """
    if isinstance(value, dict):
        prefixes = {**prefixes, **value}
        for inner in value.values():
            yield from _iris(inner, prefixes)
    elif isinstance(value, list):
        for inner in value:
            yield from _iris(inner, prefixes)
    elif isinstance(value, str) and ":" in value:
        head, _, tail = value.partition(":")
        prefix = prefixes.get(head)
        yield f"{prefix}{tail}" if isinstance(prefix, str) else value


def _terms(value: object) -> Iterator[str]:
    """The names of all terms of a context, those of its terms' own contexts among them."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _terms(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _terms(inner)


_CONTEXTS: Final = [document["@context"] for document in DOCUMENTS.values()]
_NAMED: Final = frozenset(iri for context in _CONTEXTS for iri in _iris(context))
_TERMS: Final = frozenset(term for context in _CONTEXTS for term in _terms(context))
_OWN_TERM: Final = re.compile(r"(?!did$|urn$|https?$|data$)[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
_OWN_IRI: Final = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]*[#/:](?P<last>[A-Za-z0-9_-]+)", re.ASCII)
"""Absolute, and none that would make its term a prefix (JSON-LD 1.1 API, 4.2.2)."""
_VOCABULARIES: Final = tuple(context["@vocab"] for context in _CONTEXTS if "@vocab" in context)


def _has_a_term(name: str) -> bool:
    """Whether a name is an IRI for which a bundled context has a shorter one."""
    return name in _NAMED or name.startswith(_VOCABULARIES)


def check_rdf_form(document: Mapping[str, Any]) -> None:
    """Raises MalformedProof for a document that could be read in two ways, InputTooLarge for one
    of more than 512 values."""
    waiting: list[tuple[object, str, set[str] | None]] = [(document, "", None)]
    values = 0
    while waiting:
        value, pointer, described = waiting.pop()
        values += 1
        if values > MOST_VALUES:
            raise InputTooLarge(f"more than {MOST_VALUES} values under an rdfc suite", hint=_JCS)
        if isinstance(value, list):
            waiting += [(item, f"{pointer}/{n}", described) for n, item in enumerate(value)]
        elif isinstance(value, dict) and "@value" not in value:
            inside: set[str] = set() if described is None else described
            _check_node(value, pointer, inside)
            for name, inner in value.items():
                if name == "@context":
                    values += _size(inner)
                    continue
                graph = None if name in _GRAPHS else inside
                waiting.append((inner, f"{pointer}/{name}", graph))


def _size(value: object) -> int:
    """The JSON values of a context whose form was checked."""
    inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return 1 + sum(map(_size, inner))


def _check_node(node: Mapping[str, Any], pointer: str, described: set[str]) -> None:
    for name in node:
        if name == "@context":
            _check_contexts(node[name], pointer)
        elif name.startswith("@") or _has_a_term(name):
            raise _refuse(f"the member {name[:64]!r} has not its own name", f"{pointer}/{name}")
    types = node.get("type")
    for named in types if isinstance(types, list) else [types]:
        if isinstance(named, str) and _has_a_term(named):
            raise _refuse(f"the type {named[:64]!r} has not its own name", f"{pointer}/type")
    identifier = node.get("id")
    if not isinstance(identifier, str):
        return
    if identifier.startswith("_:"):
        raise _refuse("an id that is a blank node", f"{pointer}/id")
    if len(node) > 1:
        if identifier in described:
            raise _refuse(f"{identifier[:64]!r} is described in two places", f"{pointer}/id")
        described.add(identifier)


def _check_contexts(value: object, pointer: str) -> None:
    for context in value if isinstance(value, list) else [value]:
        if isinstance(context, dict):
            _check_own_terms(context, pointer)
        elif not isinstance(context, str) or context not in DOCUMENTS:
            raise _refuse("contexts are the bundled ones", f"{pointer}/@context")


def _check_own_terms(context: Mapping[str, Any], pointer: str) -> None:
    for term, defined in context.items():
        if term == "@protected" and isinstance(defined, bool):
            continue
        iri = defined
        if isinstance(defined, dict) and set(defined) <= {"@id", "@type"}:
            iri = defined.get("@id") if defined.get("@type", "@id") == "@id" else None
        named = _OWN_IRI.fullmatch(iri) if isinstance(iri, str) else None
        own = _OWN_TERM.fullmatch(term) and term not in _TERMS
        if not (own and named and named["last"] == term and not _has_a_term(named[0])):
            raise _refuse(
                f"a context may not define {term[:64]!r} so", f"{pointer}/@context/{term[:64]}"
            )


def _refuse(detail: str, pointer: str) -> MalformedProof:
    return MalformedProof(f"under an rdfc suite: {detail}", pointer=pointer, hint=_JCS)
