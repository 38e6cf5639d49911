"""JSON-LD 1.1 contexts: which terms they define. Only bundled contexts are known; none is fetched.

    active = EMPTY.extended(["https://www.w3.org/ns/credentials/v2"])
    active.expand("VerifiableCredential", vocab=True)     # 'https://www.w3.org/2018/credentials#…'

Follows JSON-LD 1.1 Processing Algorithms and API, sections 4.1 (contexts), 4.2 (term definitions)
and 5.2 (IRIs). Less is accepted in two places: `@base`, `@import`, `@nest` and `@reverse` are
refused, since no credential needs them. What was computed is kept with the context it started from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from identity.credentials.contexts import DOCUMENTS
from identity.errors import MalformedCredential
from identity.jcs import canonicalize

KEYWORDS: Final = frozenset(
    "@base @container @context @default @direction @embed @explicit @graph @id @included @index "
    "@json @language @list @nest @none @omitDefault @prefix @preserve @propagate @protected "
    "@requireAll @reverse @set @type @value @version @vocab".split()
)
_LIKE_KEYWORD = re.compile(r"@[A-Za-z]+")
_ABSOLUTE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]*|_):\S*")
_ENDS_AS_PREFIX = re.compile(r".*[:/?#\[\]@]|_:.*", re.DOTALL)
_REFUSED = ("@base", "@import")
_MEMBERS = frozenset({"@id", "@type", "@container", "@context", "@language", "@direction"}) | {
    "@prefix",
    "@protected",
    "@index",
}
_CONTAINERS = frozenset({"@graph", "@id", "@index", "@language", "@list", "@set", "@type"})
_DEEPEST = 8
"""Contexts within contexts."""
_MOST_KEPT = 512

ABSENT: Final = object()
"""Of a term without a context of its own; a context may be null."""


def is_absolute(iri: str) -> bool:
    """Whether it has a scheme and no white space: an IRI, or a blank node."""
    return _ABSOLUTE.fullmatch(iri) is not None


class Term(NamedTuple):
    """A term definition."""

    iri: str | None
    """An IRI or a keyword; None where the term is taken out."""
    type: str | None = None
    containers: frozenset[str] = frozenset()
    context: Any = ABSENT
    prefix: bool = False
    language: Any = ABSENT
    direction: Any = ABSENT
    index: str | None = None
    protected: bool = False

    def same(self, other: Term) -> bool:
        """Whether two definitions differ in nothing but whether they are protected."""
        return self[:-1] == other[:-1]


class ActiveContext:
    """Terms that are in force somewhere in a document. Not changed once it is made."""

    __slots__ = ("_derived", "meanings", "previous", "terms", "vocab")

    def __init__(
        self, terms: dict[str, Term], vocab: str | None, previous: ActiveContext | None
    ) -> None:
        self.terms = terms
        self.vocab = vocab
        self.previous = previous
        """What is in force again in the next node, after contexts that belong to a type."""
        self.meanings: dict[str, tuple[str | None, Term | None]] = {}
        self._derived: dict[Any, ActiveContext] = {}

    def meaning(self, key: str) -> tuple[str | None, Term | None]:
        """The keyword or IRI that a key stands for, None if nothing, and its definition."""
        known = self.meanings.get(key)
        if known is None:
            iri = self.expand(key, vocab=True)
            if iri is not None and iri not in KEYWORDS and not is_absolute(iri):
                iri = None
            if len(self.meanings) >= _MOST_KEPT:
                self.meanings.clear()
            known = self.meanings[key] = (iri, self.terms.get(key))
        return known

    def expand(self, value: str, *, vocab: bool) -> str | None:
        """The IRI behind a term, compact IRI or IRI (API, 5.2); relative ones stay as they are."""
        if value in KEYWORDS:
            return value
        if _LIKE_KEYWORD.fullmatch(value):
            return None
        term = self.terms.get(value)
        if vocab and term is not None:
            return term.iri
        prefix, colon, suffix = value.partition(":")
        if prefix and colon:
            if prefix == "_" or suffix.startswith("//"):
                return value
            head = self.terms.get(prefix)
            if head is not None and head.prefix and head.iri is not None:
                return head.iri + suffix
            if is_absolute(value):
                return value
        if vocab and self.vocab is not None:
            return self.vocab + value
        return value

    def extended(
        self, local: Any, *, propagate: bool = True, override: bool = False, depth: int = 0
    ) -> ActiveContext:
        """With a local context on top (API, 4.1). Raises MalformedCredential.

        `propagate` is false for the context of a type, `override` true for that of a property.
        """
        try:
            key = (_identity(local), propagate, override)
            known = self._derived.get(key)
            if known is None:
                known = _process(self, local, propagate, override, depth)
                if len(self._derived) >= _MOST_KEPT:
                    self._derived.clear()
                self._derived[key] = known
        except RecursionError:
            raise MalformedCredential("contexts within contexts", pointer="/@context") from None
        return known


def _identity(local: Any) -> Any:
    """Something hashable that is the same for the same context."""
    if local is None or isinstance(local, str):
        return local
    if isinstance(local, list) and all(isinstance(item, str) for item in local):
        return tuple(local)
    return canonicalize(local)


def _process(
    active: ActiveContext, local: Any, propagate: bool, override: bool, depth: int
) -> ActiveContext:
    if depth > _DEEPEST:
        raise _refuse(f"more than {_DEEPEST} contexts within one another")
    if isinstance(local, dict) and "@propagate" in local:
        propagate = local["@propagate"]
        if not isinstance(propagate, bool):
            raise _refuse("@propagate is true or false")
    previous = active.previous
    if not propagate and previous is None:
        previous = active
    terms, vocab = active.terms, active.vocab
    for item in local if isinstance(local, list) else [local]:
        if item is None:
            if not override and any(term.protected for term in terms.values()):
                raise _refuse("a null context would take away protected terms")
            terms, vocab = {}, None
            previous = active if not propagate else None
        elif isinstance(item, str):
            if item not in DOCUMENTS:
                raise _refuse(f"the context {item[:200]!r} is not known here", "it is not fetched")
            loaded = ActiveContext(terms, vocab, None).extended(
                DOCUMENTS[item]["@context"], override=override, depth=depth + 1
            )
            terms, vocab = loaded.terms, loaded.vocab
        elif isinstance(item, dict):
            made = _Definitions(terms, vocab, item, override, depth)
            terms, vocab = made.terms, made.vocab
        else:
            raise _refuse("a context is a URL or an object")
    return ActiveContext(terms, vocab, previous)


def _refuse(detail: str, hint: str = "") -> MalformedCredential:
    return MalformedCredential(detail, pointer="/@context", hint=hint)


class _Definitions:
    """The terms after one context object (API, 4.1 step 5.5 onwards, and 4.2)."""

    def __init__(
        self,
        terms: dict[str, Term],
        vocab: str | None,
        local: Mapping[str, Any],
        override: bool,
        depth: int,
    ) -> None:
        self.terms = dict(terms)
        self.vocab = vocab
        self._local = local
        self._override = override
        self._begun: dict[str, bool] = {}
        self._check_keywords()
        for name in local:
            if name not in KEYWORDS:
                self._define(name)
        self._check_scoped(depth)

    def _check_keywords(self) -> None:
        local = self._local
        for name in _REFUSED:
            if name in local:
                raise _refuse(f"{name} is not accepted in a context")
        if "@version" in local and (local["@version"] != 1.1 or local["@version"] is True):
            raise _refuse("@version is 1.1")
        if not isinstance(local.get("@protected", False), bool):
            raise _refuse("@protected is true or false")
        if not isinstance(local.get("@language", ""), str | None):
            raise _refuse("@language is a string")
        if local.get("@direction") not in (None, "ltr", "rtl"):
            raise _refuse("@direction is ltr or rtl")
        if "@vocab" in local:
            self.vocab = self._vocabulary(local["@vocab"])

    def _vocabulary(self, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise _refuse("@vocab is a string")
        iri = ActiveContext(self.terms, self.vocab, None).expand(value, vocab=True)
        if iri is None or not is_absolute(iri):
            raise _refuse("@vocab is not an absolute IRI")
        return iri

    def _check_scoped(self, depth: int) -> None:
        """A context within a context must be good even where it is never used (4.2 step 21)."""
        active = ActiveContext(self.terms, self.vocab, None)
        for name, value in self._local.items():
            term = self.terms.get(name)
            if term is not None and isinstance(value, dict) and term.context is not ABSENT:
                active.extended(term.context, override=True, depth=depth + 1)

    def _define(self, name: str) -> None:
        if name in self._begun:
            if not self._begun[name]:
                raise _refuse(f"the term {name[:64]!r} is defined by itself")
            return
        self._begun[name] = False
        if not name:
            raise _refuse("a term is not empty")
        if _LIKE_KEYWORD.fullmatch(name):
            self._begun[name] = True  # 4.2 step 5: neither defined nor wrong
            return
        before = self.terms.pop(name, None)
        term = self._definition(name, self._local[name])
        if before is not None and before.protected and not self._override:
            if term is None or not term.same(before):
                raise _refuse(f"the protected term {name[:64]!r} is redefined")
            term = before
        if term is not None:
            self.terms[name] = term
        self._begun[name] = True

    def _definition(self, name: str, value: Any) -> Term | None:
        protected = self._local.get("@protected", False)
        if value is None or (isinstance(value, dict) and value.get("@id", ABSENT) is None):
            return Term(None, protected=protected)
        simple = isinstance(value, str)
        if simple:
            value = {"@id": value}
        if not isinstance(value, dict) or not value.keys() <= _MEMBERS:
            raise _refuse(f"the definition of {name[:64]!r} is not one that is understood here")
        iri = self._iri(name, value)
        if iri is None:
            return None
        protected = value.get("@protected", protected)
        prefix = value.get("@prefix", simple and bool(_ENDS_AS_PREFIX.fullmatch(iri)))
        if not isinstance(protected, bool) or not isinstance(prefix, bool):
            raise _refuse(f"@protected and @prefix of {name[:64]!r} are true or false")
        if "@prefix" in value and (":" in name or "/" in name or (prefix and iri in KEYWORDS)):
            raise _refuse(f"{name[:64]!r} cannot be a prefix")
        return self._check_keyword_alias(
            name,
            Term(
                iri,
                self._type(name, value),
                self._containers(name, value),
                value.get("@context", ABSENT),
                prefix,
                value.get("@language", ABSENT),
                value.get("@direction", ABSENT),
                value.get("@index"),
                protected,
            ),
        )

    def _check_keyword_alias(self, name: str, term: Term) -> Term:
        if term.iri == "@context":
            raise _refuse("@context has no other name")
        if not isinstance(term.language, str | None) and term.language is not ABSENT:
            raise _refuse(f"@language of {name[:64]!r} is a string")
        if term.direction is not ABSENT and term.direction not in (None, "ltr", "rtl"):
            raise _refuse(f"@direction of {name[:64]!r} is ltr or rtl")
        if term.index is not None and (
            not isinstance(term.index, str) or "@index" not in term.containers
        ):
            raise _refuse(f"@index of {name[:64]!r} has no container")
        return term

    def _iri(self, name: str, value: Mapping[str, Any]) -> str | None:
        """4.2 steps 14 to 17."""
        if name in KEYWORDS:
            raise _refuse(f"{name} is a keyword")
        named = value.get("@id", name)
        if not isinstance(named, str):
            raise _refuse(f"@id of {name[:64]!r} is not a string")
        if named != name:
            iri = self._expand(named)
            if iri is None:
                return None
            if iri not in KEYWORDS and not is_absolute(iri):
                raise _refuse(f"{name[:64]!r} is mapped to something that is not an IRI")
            if ":" in name[1:-1] or "/" in name:
                self._begun[name] = True
                if self._expand(name) != iri:
                    raise _refuse(f"{name[:64]!r} is mapped to another IRI than it spells")
            return iri
        prefix, colon, suffix = name.partition(":")
        if prefix and colon:
            if prefix in self._local and prefix not in KEYWORDS:
                self._define(prefix)
            head = self.terms.get(prefix)
            if head is not None and head.iri is not None:
                return head.iri + suffix
            return name
        if "/" in name:
            iri = self._expand(name)
            if iri is None or not is_absolute(iri):
                raise _refuse(f"{name[:64]!r} is not an IRI")
            return iri
        if self.vocab is None:
            raise _refuse(f"the term {name[:64]!r} has no IRI")
        return self.vocab + name

    def _expand(self, value: str) -> str | None:
        """`ActiveContext.expand` while terms are being defined: those needed are defined first."""
        for name in (value, value.partition(":")[0]):
            if name in self._local and name not in KEYWORDS and not self._begun.get(name):
                self._define(name)
        return ActiveContext(self.terms, self.vocab, None).expand(value, vocab=True)

    def _type(self, name: str, value: Mapping[str, Any]) -> str | None:
        if "@type" not in value:
            return None
        named = value["@type"]
        if not isinstance(named, str):
            raise _refuse(f"@type of {name[:64]!r} is not a string")
        iri = self._expand(named)
        if iri in ("@id", "@vocab", "@json", "@none"):
            return iri
        if iri is None or iri in KEYWORDS or iri.startswith("_:") or not is_absolute(iri):
            raise _refuse(f"@type of {name[:64]!r} is not an IRI")
        return iri

    def _containers(self, name: str, value: Mapping[str, Any]) -> frozenset[str]:
        if "@container" not in value:
            return frozenset()
        named = value["@container"]
        listed = named if isinstance(named, list) else [named]
        if not all(isinstance(item, str) and item in _CONTAINERS for item in listed):
            raise _refuse(f"@container of {name[:64]!r}")
        return frozenset(listed)


EMPTY: Final = ActiveContext({}, None, None)
"""Before any context: nothing is defined."""
