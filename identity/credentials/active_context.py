"""The context that is in force somewhere in a document, and what its terms mean.

    active = EMPTY.extended(["https://www.w3.org/ns/credentials/v2"])
    active.expand("VerifiableCredential", vocab=True)     # 'https://www.w3.org/2018/credentials#…'

Follows JSON-LD 1.1 Processing Algorithms and API, section 4.1. Only bundled contexts are known;
none is fetched. What was worked out is kept with the context that it started from, so that
documents under the same contexts share it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final

from identity.credentials.contexts import DOCUMENTS
from identity.credentials.term_definitions import (
    KEYWORDS,
    Definitions,
    Term,
    expand,
    is_absolute,
    refuse_context,
)
from identity.jcs import canonicalize

_DEEPEST = 8
"""Contexts within contexts."""
_MOST_LISTED = 32
"""Contexts of one `@context`."""
_MOST_TERMS = 512
"""Terms in force in one place: each further context copies them."""
_MOST_KEPT = 512
"""Derived contexts, and meanings of keys, that one context keeps: documents choose both."""
_LONGEST_KEPT = 2048
"""Bytes of a context, or characters of a key, that are kept."""


class ActiveContext:
    """Terms that are in force somewhere in a document. Not changed once it is made."""

    __slots__ = (
        "_derived",
        "_scoped",
        "id_keys",
        "meanings",
        "previous",
        "terms",
        "type_keys",
        "value_keys",
        "vocabulary",
    )

    def __init__(
        self,
        terms: Mapping[str, Term],
        vocabulary: str | None,
        previous: ActiveContext | None = None,
    ) -> None:
        self.terms = terms
        self.vocabulary = vocabulary
        self.previous = previous
        """What is in force again in the next node, where this one came with a type."""
        self.meanings: dict[str, tuple[str | None, Term | None]] = {}
        """What `meaning` has found before."""
        self.id_keys, self.type_keys, self.value_keys = _names_of_keywords(terms)
        """The names of these keywords, in their order."""
        self._derived: dict[Hashable, ActiveContext] = {}
        self._scoped: dict[tuple[int, bool], tuple[object, ActiveContext]] = {}

    def meaning(self, key: str) -> tuple[str | None, Term | None]:
        """The keyword or IRI that a key stands for, None if nothing, and its definition."""
        known = self.meanings.get(key)
        if known is None:
            iri = self.expand(key, vocab=True)
            if iri is not None and iri not in KEYWORDS and not is_absolute(iri):
                iri = None
            known = (iri, self.terms.get(key))
            if len(key) <= _LONGEST_KEPT:
                if len(self.meanings) >= _MOST_KEPT:
                    self.meanings.clear()
                self.meanings[key] = known
        return known

    def expand(self, value: str, *, vocab: bool) -> str | None:
        """The IRI behind a term, compact IRI or IRI; a relative one stays as it is."""
        return expand(self.terms, self.vocabulary, value, vocab=vocab)

    def scoped(self, context: object, *, of_type: bool) -> ActiveContext:
        """With the context that a term brings along: of a type it does not propagate into other
        nodes, of a property it may redefine protected terms. Raises MalformedCredential."""
        # By identity, since a term's context is one object for as long as the term lives.
        known = self._scoped.get((id(context), of_type))
        if known is None:
            made = self.extended(context, propagate=not of_type, override=not of_type)
            if len(self._scoped) >= _MOST_KEPT:
                self._scoped.clear()
            known = self._scoped[id(context), of_type] = (context, made)
        return known[1]

    def extended(
        self, local: object, *, propagate: bool = True, override: bool = False, depth: int = 0
    ) -> ActiveContext:
        """With a local context on top. Raises MalformedCredential."""
        key = (_identity(local), propagate, override)
        known = self._derived.get(key)
        if known is None:
            if depth > _DEEPEST:
                raise refuse_context(f"more than {_DEEPEST} contexts within one another")
            known = _process(self, local, propagate=propagate, override=override, depth=depth)
            if not isinstance(key[0], bytes) or len(key[0]) <= _LONGEST_KEPT:
                if len(self._derived) >= _MOST_KEPT:
                    self._derived.clear()
                self._derived[key] = known
        return known


def _names_of_keywords(terms: Mapping[str, Term]) -> list[tuple[str, ...]]:
    """Of `@id`, `@type` and `@value`: the keyword, then the terms that stand for it."""
    names: dict[str | None, list[str]] = {"@id": [], "@type": [], "@value": []}
    for name, term in terms.items():
        if term.iri in names:
            names[term.iri].append(name)
    return [(str(keyword), *sorted(found)) for keyword, found in names.items()]


EMPTY: Final = ActiveContext({}, None)
"""Before any context: nothing is defined."""


def _identity(local: object) -> Hashable:
    """Something that is the same for the same context, and for no other."""
    if local is None or isinstance(local, str):
        return local
    if isinstance(local, list) and {str}.issuperset(map(type, local)):
        return tuple(local)
    return canonicalize(local)  # type: ignore[arg-type]  # JSON, or refused there


def _process(
    active: ActiveContext, local: object, *, propagate: bool, override: bool, depth: int
) -> ActiveContext:
    if isinstance(local, dict) and "@propagate" in local:
        propagate = local["@propagate"]
        if not isinstance(propagate, bool):
            raise refuse_context("@propagate is true or false")
    result = ActiveContext(active.terms, active.vocabulary, active.previous)
    if not propagate and result.previous is None:
        result.previous = active
    listed = local if isinstance(local, list) else [local]
    if len(listed) > _MOST_LISTED:
        raise refuse_context(f"more than {_MOST_LISTED} contexts in one place")
    for item in listed:
        if item is None:
            if not override and any(term.protected for term in result.terms.values()):
                raise refuse_context("a null context would take away protected terms")
            result = ActiveContext({}, None, None if propagate else active)
        elif isinstance(item, str):
            result = _loaded(result, item, override=override, depth=depth)
        elif isinstance(item, dict):
            result = _defined(result, item, override=override, depth=depth)
        else:
            raise refuse_context("a context is a URL or an object")
    return result


def _loaded(active: ActiveContext, url: str, *, override: bool, depth: int) -> ActiveContext:
    if url not in DOCUMENTS:
        raise refuse_context(f"the context {url[:200]!r} is not known here", "it is not fetched")
    loaded = active.extended(DOCUMENTS[url]["@context"], override=override, depth=depth + 1)
    return ActiveContext(loaded.terms, loaded.vocabulary, active.previous)


def _defined(
    active: ActiveContext, local: Mapping[str, object], *, override: bool, depth: int
) -> ActiveContext:
    if not local:
        return active
    if len(active.terms) + len(local) > _MOST_TERMS:
        raise refuse_context(f"more than {_MOST_TERMS} terms in force in one place")
    made = Definitions(active.terms, active.vocabulary, local, override=override)
    result = ActiveContext(made.terms, made.vocabulary, active.previous)
    for scoped in made.scoped:  # 4.2 step 21: good even where it is never used
        result.extended(scoped, override=True, depth=depth + 1)
    return result
