"""Every term and every type of a document is defined by its contexts.

    check_terms(credential)     # MalformedCredential: "no context defines 'alumniOf'"

What no context defines means nothing, so that a signature over it says nothing; JSON-LD processors
would drop it without a word. This is the part of JSON-LD expansion (API, section 5.1) that decides
whether anything would be dropped, and does nothing else: a property test compares it with PyLD.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from identity.credentials.active_context import EMPTY, ActiveContext
from identity.credentials.term_definitions import ABSENT, Term, is_absolute
from identity.errors import MalformedCredential

_DEEPEST = 64
_VALUE_KEYS = frozenset({"@value", "@type", "@language", "@direction", "@index"})
_MAPS = frozenset({"@id", "@index", "@language", "@type"})
_READ = frozenset({"@context", "@type"})  # elsewhere, or nothing to be read
_REFERENCES = frozenset({"@id", "@vocab"})
"""Types of terms whose values are IRIs, or stand for them."""
_WRAPPERS = frozenset({"@graph", "@included", "@list", "@set"})


def check_terms(document: Mapping[str, Any]) -> None:
    """Raises MalformedCredential, with a pointer, for a term, type or id that means nothing."""
    _object(document, EMPTY, None, "", 0)


def _refuse(detail: str, pointer: str) -> MalformedCredential:
    return MalformedCredential(detail, pointer=pointer)


def _object(
    element: Mapping[str, Any],
    active: ActiveContext,
    term: Term | None,
    pointer: str,
    depth: int,
) -> None:
    """A node or a value (API, 5.1.2 steps 12 to 14)."""
    if depth > _DEEPEST:
        raise _refuse(f"nested deeper than {_DEEPEST} levels", pointer)
    active = _context_of(element, active, term, pointer)
    if not element.keys().isdisjoint(active.value_keys):
        _check_value(element, active, pointer)
        return
    known = active.meanings
    keywords: set[str] = set()
    for key, value in element.items():
        iri, defined = known.get(key) or active.meaning(key)
        if iri is None:
            raise _refuse(f"no context defines {key[:64]!r}", f"{pointer}/{key}")
        if iri[0] != "@":
            # Most values are strings of no further meaning; the others are looked at.
            if type(value) is not str or (defined is not None and defined.type in _REFERENCES):
                _value(value, active, defined, f"{pointer}/{key}", depth + 1)
        elif iri not in _READ:
            if iri in keywords and iri != "@included":
                raise _refuse(f"{iri} has two names here", f"{pointer}/{key}")
            keywords.add(iri)
            _keyword(iri, value, active, f"{pointer}/{key}", depth + 1)


def _context_of(
    element: Mapping[str, Any], active: ActiveContext, term: Term | None, pointer: str
) -> ActiveContext:
    """The context within an object (5.1.2 steps 7 to 11)."""
    if active.previous is not None and not _stays(element, active):
        active = active.previous
    if term is not None and term.context is not ABSENT:
        active = active.scoped(term.context, of_type=False)
    if "@context" in element:
        active = active.extended(element["@context"])
    outer = active
    for key in outer.type_keys:
        if key in element:
            active = _with_types(element[key], active, outer, f"{pointer}/{key}")
    return active


def _stays(element: Mapping[str, Any], active: ActiveContext) -> bool:
    """Whether an object is a value or a mere reference, for which a type's context goes on."""
    if any(key in element for key in active.value_keys):
        return True
    return len(element) == 1 and any(key in element for key in active.id_keys)


def _with_types(
    value: object, active: ActiveContext, outer: ActiveContext, pointer: str
) -> ActiveContext:
    names = value if isinstance(value, list) else [value]
    if len(names) > 1 and all(isinstance(name, str) for name in names):
        names = sorted(names)
    known = outer.meanings
    for name in names:
        if not isinstance(name, str):
            raise _refuse("a type is a string", pointer)
        iri, definition = known.get(name) or outer.meaning(name)
        if iri is None or (iri[0] == "@" and iri not in ("@json", "@none")):
            raise _refuse(f"no context defines the type {name[:64]!r}", pointer)
        if definition is not None and definition.context is not ABSENT:
            active = active.scoped(definition.context, of_type=True)
    return active


def _value(
    value: object, active: ActiveContext, term: Term | None, pointer: str, depth: int
) -> None:
    """What a property holds (API, 5.1.2 step 13.5 onwards)."""
    if term is not None and term.type == "@json":
        return
    if isinstance(value, str):
        if term is not None and term.type in _REFERENCES:
            if term.context is not ABSENT:  # 5.1.2 step 4.2
                active = active.scoped(term.context, of_type=False)
            _reference(value, active, pointer, vocab=term.type == "@vocab")
    elif isinstance(value, dict):
        if term is not None and term.containers & _MAPS:
            _map(value, active, term, pointer, depth)
        else:
            _object(value, active, term, pointer, depth)
    elif isinstance(value, list):
        if depth > _DEEPEST:
            raise _refuse(f"nested deeper than {_DEEPEST} levels", pointer)
        of_items = _unmapped(term)  # 5.1.2 steps 13.7 and 13.8: an object in a list is no map
        for place, item in enumerate(value):
            _value(item, active, of_items, f"{pointer}/{place}", depth + 1)


def _unmapped(term: Term | None) -> Term | None:
    if term is None or not term.containers & _MAPS:
        return term
    return term._replace(containers=term.containers - _MAPS)


def _map(
    value: Mapping[str, Any], active: ActiveContext, term: Term, pointer: str, depth: int
) -> None:
    """The keys of a map are languages, indices, ids or types, and no terms."""
    plain = _unmapped(term)
    for key, item in value.items():
        if "@language" in term.containers:
            for text in item if isinstance(item, list) else [item]:
                if text is not None and not isinstance(text, str):
                    raise _refuse("a language map holds strings", f"{pointer}/{key}")
            continue
        inner = active
        if "@id" in term.containers and key != "@none":
            _reference(key, active, f"{pointer}/{key}", vocab=False)
        if "@type" in term.containers and key != "@none":
            inner = _with_types(key, active, active, f"{pointer}/{key}")
        _value(item, inner, plain, f"{pointer}/{key}", depth + 1)


def _keyword(keyword: str, value: object, active: ActiveContext, pointer: str, depth: int) -> None:
    if keyword == "@id":
        if not isinstance(value, str):
            raise _refuse("an id is a string", pointer)
        _reference(value, active, pointer, vocab=False)
    elif keyword in _WRAPPERS:
        if keyword in ("@graph", "@included"):
            for item in value if isinstance(value, list) else [value]:
                if not isinstance(item, dict):
                    raise _refuse(f"{keyword} holds objects", pointer)
        _value(value, active, None, pointer, depth)
    elif keyword != "@index" or not isinstance(value, str):
        raise _refuse(f"{keyword} is not accepted here", pointer)


def _reference(value: str, active: ActiveContext, pointer: str, *, vocab: bool) -> None:
    if is_absolute(value) and not (vocab and value in active.terms):
        return  # and stays absolute, whether or not its scheme is a prefix here
    iri = active.expand(value, vocab=vocab)
    if iri is None or not is_absolute(iri):
        raise _refuse(f"{value[:64]!r} is not an absolute URL, nor a term for one", pointer)


def _check_value(element: Mapping[str, Any], active: ActiveContext, pointer: str) -> None:
    """A value object (API, 5.1.2 step 15)."""
    members = {active.meaning(key)[0]: value for key, value in element.items()}
    members.pop("@context", None)
    if not members.keys() <= _VALUE_KEYS:
        raise _refuse("a value object has other members than a value has", pointer)
    value, kind = members["@value"], members.get("@type")
    if kind is not None and ("@language" in members or "@direction" in members):
        raise _refuse("a value has a type or a language", pointer)
    if isinstance(kind, str) and active.expand(kind, vocab=True) == "@json":
        return
    if isinstance(value, dict | list):
        raise _refuse("@value is not a string, number or boolean", pointer)
    if kind is not None and not isinstance(kind, str):
        raise _refuse("a value has one type", pointer)
    _check_language(members, pointer)


def _check_language(members: Mapping[str | None, Any], pointer: str) -> None:
    if "@language" in members and not (
        isinstance(members["@language"], str) and isinstance(members["@value"], str | None)
    ):
        raise _refuse("@language is a string, and belongs to one", pointer)
    if members.get("@direction") not in (None, "ltr", "rtl"):
        raise _refuse("@direction is ltr or rtl", pointer)
    if not isinstance(members.get("@index", ""), str):
        raise _refuse("@index is a string", pointer)
