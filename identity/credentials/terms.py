"""Every term and every type of a document is defined by its contexts.

    check_terms(credential)     # MalformedCredential: "no context defines 'alumniOf'"

What no context defines means nothing, so that a signature over it says nothing; JSON-LD processors
would drop it without a word. This is the part of JSON-LD expansion (API, section 5.1) that decides
whether anything would be dropped, and does nothing else: a property test compares it with PyLD.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from identity.credentials.active_context import ABSENT, EMPTY, ActiveContext, Term, is_absolute
from identity.errors import MalformedCredential

_DEEPEST = 64
_VALUE_KEYS = frozenset({"@value", "@type", "@language", "@direction", "@index"})
_MAPS = frozenset({"@id", "@index", "@language", "@type"})
_WRAPPERS = frozenset({"@graph", "@included", "@list", "@set"})


def check_terms(document: Mapping[str, Any]) -> None:
    """Raises MalformedCredential, with a pointer, for a term, type or id that means nothing."""
    _node(dict(document), EMPTY, None, "", 0)


def _refuse(detail: str, pointer: str) -> MalformedCredential:
    return MalformedCredential(detail, pointer=pointer)


def _node(
    element: dict[str, Any],
    active: ActiveContext,
    term: Term | None,
    pointer: str,
    depth: int,
    *,
    in_map: bool = False,
) -> None:
    """One object: a node or a value (API, 5.1.2 steps 7 to 14)."""
    if depth > _DEEPEST:
        raise _refuse(f"nested deeper than {_DEEPEST} levels", pointer)
    if active.previous is not None and not in_map and not _stays(element, active):
        active = active.previous
    if term is not None and term.context is not ABSENT:
        active = active.extended(term.context, override=True)
    if "@context" in element:
        active = active.extended(element["@context"])
    outer = active
    keys = [key for key in element if active.meaning(key)[0] == "@type"]
    for key in sorted(keys):
        active = _typed(element[key], active, outer, f"{pointer}/{key}")
    meaning = active.meaning
    for key, value in element.items():
        if key == "@context":
            continue
        iri, defined = meaning(key)
        if iri is None:
            raise _refuse(f"no context defines {key[:64]!r}", f"{pointer}/{key}")
        if iri[0] != "@":
            _value(value, active, defined, f"{pointer}/{key}", depth + 1)
        elif iri == "@value":
            _check_value(element, active, term, pointer)
            return
        else:
            _keyword(iri, value, active, f"{pointer}/{key}", depth + 1)


def _stays(element: dict[str, Any], active: ActiveContext) -> bool:
    """Whether an object is a value or a mere reference, for which a type's context goes on."""
    if len(element) > 1:
        return any(active.meaning(key)[0] == "@value" for key in element)
    return all(active.meaning(key)[0] in ("@value", "@id") for key in element)


def _typed(
    value: Any, active: ActiveContext, outer: ActiveContext, pointer: str
) -> ActiveContext:
    """With the contexts of the types, in their order (5.1.2 step 11)."""
    for name in [value] if isinstance(value, str) else value if isinstance(value, list) else [None]:
        if not isinstance(name, str):
            raise _refuse("a type is a string", pointer)
    names = [value] if isinstance(value, str) else sorted(value)
    for name in names:
        definition = outer.terms.get(name)
        if definition is not None and definition.context is not ABSENT:
            active = active.extended(definition.context, propagate=False)
    for name in names:
        iri = outer.meaning(name)[0]
        if iri is None or (iri[0] == "@" and iri != "@json"):
            raise _refuse(f"no context defines the type {name[:64]!r}", pointer)
    return active


def _value(
    value: Any, active: ActiveContext, term: Term | None, pointer: str, depth: int
) -> None:
    """What a property holds (API, 5.1.2 step 13.5 onwards)."""
    if isinstance(value, str):
        if term is not None and term.type in ("@id", "@vocab"):
            if term.context is not ABSENT:  # 5.1.2 step 4.2
                active = active.extended(term.context, override=True)
            _reference(value, active, term.type == "@vocab", pointer)
    elif isinstance(value, dict):
        if term is None:
            _node(value, active, None, pointer, depth)
        elif term.type == "@json":
            return
        elif term.containers & _MAPS:
            _map(value, active, term, pointer, depth)
        else:
            _node(value, active, term, pointer, depth)
    elif isinstance(value, list):
        if term is not None and term.type == "@json":
            return
        if depth > _DEEPEST:
            raise _refuse(f"nested deeper than {_DEEPEST} levels", pointer)
        for place, item in enumerate(value):
            _value(item, active, term, f"{pointer}/{place}", depth + 1)


def _map(
    value: dict[str, Any], active: ActiveContext, term: Term, pointer: str, depth: int
) -> None:
    """The keys of a map are languages, indices, ids or types, and no terms."""
    plain = term._replace(containers=term.containers - _MAPS)
    for key, item in value.items():
        if "@language" in term.containers:
            texts = item if isinstance(item, list) else [item]
            if not all(text is None or isinstance(text, str) for text in texts):
                raise _refuse("a language map holds strings", f"{pointer}/{key}")
            continue
        if "@id" in term.containers and key != "@none":
            _reference(key, active, False, f"{pointer}/{key}")
        inner = active
        if "@type" in term.containers and key != "@none":
            inner = _typed(key, active, active, f"{pointer}/{key}")
        _value(item, inner, plain, f"{pointer}/{key}", depth + 1)


def _keyword(
    keyword: str, value: Any, active: ActiveContext, pointer: str, depth: int
) -> None:
    if keyword == "@id":
        if not isinstance(value, str):
            raise _refuse("an id is a string", pointer)
        _reference(value, active, False, pointer)
    elif keyword in _WRAPPERS:
        _value(value, active, None, pointer, depth)
    elif keyword not in ("@type", "@index"):
        raise _refuse(f"{keyword} is not accepted here", pointer)


def _reference(value: str, active: ActiveContext, vocab: bool, pointer: str) -> None:
    iri = active.expand(value, vocab=vocab)
    if iri is None or not is_absolute(iri):
        raise _refuse(f"{value[:64]!r} is not an absolute URL, nor a term for one", pointer)


def _check_value(
    element: dict[str, Any], active: ActiveContext, term: Term | None, pointer: str
) -> None:
    """A value object (API, 5.1.2 step 15)."""
    members = {active.meaning(key)[0]: value for key, value in element.items()}
    if not members.keys() <= _VALUE_KEYS | {None} or None in members:
        raise _refuse("a value object has other members than a value has", pointer)
    value, kind = members["@value"], members.get("@type")
    if kind == "@json" or (kind is not None and active.meaning(str(kind))[0] == "@json"):
        return
    if isinstance(value, dict | list):
        raise _refuse("@value is not a string, number or boolean", pointer)
    if "@type" in members and ("@language" in members or "@direction" in members):
        raise _refuse("a value object has a type or a language", pointer)
    if not isinstance(members.get("@language", ""), str):
        raise _refuse("@language is a string", pointer)
    if "@language" in members and not isinstance(value, str):
        raise _refuse("only a string has a language", pointer)
    if members.get("@direction", "ltr") not in ("ltr", "rtl"):
        raise _refuse("@direction is ltr or rtl", pointer)
