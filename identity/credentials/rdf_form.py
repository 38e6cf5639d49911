"""What a document under an rdfc suite must look like, so that its JSON says what its RDF says.

    check_rdf_form(credential)      # MalformedProof: "the member 'https://…#validUntil' …"

An rdfc signature covers RDF, and a verifier reads JSON. The same RDF can be written so that a
member is not where the verifier looks: `validUntil` under its full IRI or in another object with
the credential's id, an id behind a prefix that the document itself defines. Nothing of that breaks
the signature. So each member has the name that the bundled contexts give it, and each thing stands
in one place (VC Data Integrity 1.0, section 2.4.1, "Context Validation").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from identity.credentials.contexts import DOCUMENTS
from identity.errors import InputTooLarge, MalformedProof

MOST_VALUES: Final = 512
"""JSON values of one document: PyLD's time grows with their square."""
_JCS: Final = "sign it with the jcs suite of the same key, which covers the JSON itself"
_GRAPHS: Final = frozenset({"proof", "verifiableCredential"})
"""Members each of whose objects is a graph: what it says of an id is said apart."""


def _iris(value: object) -> Iterator[str]:
    """All that terms of a context stand for, those of its terms' own contexts among them."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _iris(inner)
    elif isinstance(value, str) and ":" in value:
        yield value


_CONTEXTS: Final = [document["@context"] for document in DOCUMENTS.values()]
_NAMED: Final = frozenset(iri for context in _CONTEXTS for iri in _iris(context))
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
                graph = None if name in _GRAPHS else inside
                waiting.append((inner, f"{pointer}/{name}", graph))


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
        if not isinstance(context, str) or context not in DOCUMENTS:
            raise _refuse("contexts are the bundled ones", f"{pointer}/@context")


def _refuse(detail: str, pointer: str) -> MalformedProof:
    return MalformedProof(f"under an rdfc suite: {detail}", pointer=pointer, hint=_JCS)
