"""Term definitions of JSON-LD 1.1: what one context object says about its terms.

    defined = Definitions({}, None, {"name": "https://schema.org/name"}, override=False)
    defined.terms["name"].iri     # 'https://schema.org/name'

Follows JSON-LD 1.1 Processing Algorithms and API, sections 4.1 (step 5), 4.2 and 5.2. Less is
accepted in one respect: `@base`, `@import`, `@nest` and `@reverse` are refused, since no credential
needs them. Every refusal is a MalformedCredential that points to `/@context`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from identity.errors import MalformedCredential

KEYWORDS: Final = frozenset(
    (
        *("@base", "@container", "@context", "@default", "@direction", "@embed", "@explicit"),
        *("@graph", "@id", "@included", "@index", "@json", "@language", "@list", "@nest", "@none"),
        *("@omitDefault", "@prefix", "@preserve", "@propagate", "@protected", "@requireAll"),
        *("@reverse", "@set", "@type", "@value", "@version", "@vocab"),
    )
)
_LIKE_KEYWORD = re.compile(r"@[A-Za-z]+")
_ABSOLUTE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]*|_):\S*")
_ENDS_AS_PREFIX = re.compile(r".*[:/?#\[\]@]|_:.*", re.DOTALL)
_MEMBERS = frozenset(
    (
        *("@id", "@type", "@container", "@context", "@language", "@direction"),
        *("@prefix", "@protected", "@index"),
    )
)
_CONTAINERS = frozenset({"@graph", "@id", "@index", "@language", "@list", "@set", "@type"})

ABSENT: Final = object()
"""Of a term without a context of its own; a context may be null."""


def refuse_context(detail: str, hint: str = "") -> MalformedCredential:
    """The error that says so."""
    return MalformedCredential(detail, pointer="/@context", hint=hint)


def is_absolute(iri: str) -> bool:
    """Whether it has a scheme and no white space: an IRI, or a blank node."""
    return _ABSOLUTE.fullmatch(iri) is not None


class Term(NamedTuple):
    """A term definition."""

    iri: str | None
    """An IRI or a keyword; None where the term is taken out."""
    type: str | None = None
    containers: frozenset[str] = frozenset()
    context: object = ABSENT
    prefix: bool = False
    language: object = ABSENT
    direction: object = ABSENT
    index_property: object = None
    protected: bool = False

    def same(self, other: Term) -> bool:
        """Whether two definitions differ in nothing but whether they are protected."""
        return self[:-1] == other[:-1]


def expand(
    terms: Mapping[str, Term], vocabulary: str | None, value: str, *, vocab: bool
) -> str | None:
    """The IRI behind a term, compact IRI or IRI (API, 5.2); a relative one stays as it is."""
    if value in KEYWORDS:
        return value
    if _LIKE_KEYWORD.fullmatch(value):
        return None
    term = terms.get(value)
    if vocab and term is not None:
        return term.iri
    prefix, colon, suffix = value.partition(":")
    if prefix and colon:
        if prefix == "_" or suffix.startswith("//"):
            return value
        head = terms.get(prefix)
        if head is not None and head.prefix and head.iri is not None:
            return head.iri + suffix
        if is_absolute(value):
            return value
    return vocabulary + value if vocab and vocabulary is not None else value


_OF_CONTEXTS = frozenset(
    {"@direction", "@language", "@propagate", "@protected", "@type", "@version", "@vocab"}
)
"""Keywords that a context may have."""
_TYPE_AS_TERM = tuple(
    {"@container": "@set", **more} for more in ({}, {"@protected": True}, {"@protected": False})
)


class Definitions:
    """The terms after one context object, on top of those before it."""

    def __init__(
        self,
        terms: Mapping[str, Term],
        vocabulary: str | None,
        local: Mapping[str, Any],
        *,
        override: bool,
    ) -> None:
        self.terms = dict(terms)
        self.vocabulary = vocabulary
        self.scoped: list[object] = []
        """The contexts that its terms bring along, to be checked by whoever processes contexts."""
        self._local = local
        self._override = override
        self._done: dict[str, bool] = {}
        self._check_keywords()
        for name in local:
            if name not in KEYWORDS:
                self._define(name)

    def _check_keywords(self) -> None:
        local = self._local
        for name in ("@base", "@import"):
            if name in local:
                raise refuse_context(f"{name} is not accepted in a context")
        for name in KEYWORDS & local.keys() - _OF_CONTEXTS:  # 4.2.2 step 5; some would unwrap one
            raise refuse_context(f"{name} is a keyword, and no term")
        if "@type" in local and local["@type"] not in _TYPE_AS_TERM:
            raise refuse_context("@type has the container @set, and nothing else")
        if "@version" in local and (local["@version"] != 1.1 or local["@version"] is True):
            raise refuse_context("@version is 1.1")
        if not isinstance(local.get("@protected", False), bool):
            raise refuse_context("@protected is true or false")
        _check_language(local)
        if "@vocab" in local:
            self.vocabulary = self._vocabulary(local["@vocab"])

    def _vocabulary(self, value: object) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise refuse_context("@vocab is a string")
        iri = expand(self.terms, self.vocabulary, value, vocab=True)
        if iri is None or not is_absolute(iri):
            raise refuse_context("@vocab is not an absolute IRI")
        return iri

    def _define(self, name: str) -> None:
        if name in self._done:
            if not self._done[name]:
                raise refuse_context(f"the term {name[:64]!r} is defined by itself")
            return
        self._done[name] = False
        if not name or _LIKE_KEYWORD.fullmatch(name):
            # What looks like a keyword is reserved (4.2 step 5); processors pass over it.
            raise refuse_context(f"{name[:64]!r} cannot be a term")
        self._put(name)
        self._done[name] = True

    def _put(self, name: str) -> None:
        before = self.terms.pop(name, None)
        term = self._definition(name, self._local[name])
        if before is not None and before.protected and not self._override:
            if not term.same(before):
                raise refuse_context(f"the protected term {name[:64]!r} is redefined")
            term = before
        self.terms[name] = term
        if term.context is not ABSENT:
            self.scoped.append(term.context)

    def _definition(self, name: str, value: object) -> Term:
        protected = self._local.get("@protected", False)
        if value is None or (isinstance(value, dict) and value.get("@id", ABSENT) is None):
            # Processors differ about what else may stand beside an @id of null.
            if value is not None and not value.keys() <= {"@id", "@protected"}:
                raise refuse_context(f"{name[:64]!r} is taken out, and defined all the same")
            term = Term(None, protected=(value or {}).get("@protected", protected))
            _check_flags(name, term, {})
            return term
        simple = isinstance(value, str)
        members = {"@id": value} if simple else value
        if not isinstance(members, dict) or not members.keys() <= _MEMBERS:
            raise refuse_context(f"the definition of {name[:64]!r} is not one that is read here")
        iri = self._iri(name, members)
        if iri == "@context":
            raise refuse_context("@context has no other name")
        _check_language(members)
        term = Term(
            iri,
            self._type(name, members),
            _containers(name, members),
            members.get("@context", ABSENT),
            members.get("@prefix", simple and bool(_ENDS_AS_PREFIX.fullmatch(iri))),
            members.get("@language", ABSENT),
            members.get("@direction", ABSENT),
            members.get("@index"),
            members.get("@protected", protected),
        )
        _check_flags(name, term, members)
        return term

    def _iri(self, name: str, members: Mapping[str, Any]) -> str:
        """4.2, steps 14 to 17."""
        named = members.get("@id", name)
        if not isinstance(named, str):
            raise refuse_context(f"@id of {name[:64]!r} is not a string")
        if named == name:
            return self._own_iri(name)
        iri = self._expand(named)
        if iri is None or (iri not in KEYWORDS and not is_absolute(iri)):
            raise refuse_context(f"{name[:64]!r} stands for something that is not an IRI")
        if ":" in name[1:-1] or "/" in name:
            self._done[name] = True
            if self._expand(name) != iri:
                raise refuse_context(f"{name[:64]!r} stands for another IRI than it spells")
        return iri

    def _own_iri(self, name: str) -> str:
        """Of a term that is itself an IRI, compact or not, or goes by the vocabulary."""
        prefix, colon, suffix = name.partition(":")
        if prefix and colon:
            if prefix in self._local and prefix not in KEYWORDS:
                self._define(prefix)
            head = self.terms.get(prefix)
            return name if head is None or head.iri is None else head.iri + suffix
        if "/" not in name:
            if self.vocabulary is None:
                raise refuse_context(f"the term {name[:64]!r} has no IRI")
            return self.vocabulary + name
        iri = expand(self.terms, self.vocabulary, name, vocab=True)
        if iri is None or not is_absolute(iri):
            raise refuse_context(f"{name[:64]!r} is not an IRI")
        return iri

    def _expand(self, value: str) -> str | None:
        """As `expand`, once the terms that it needs are defined."""
        for name in (value, value.partition(":")[0]):
            if name in self._local and name not in KEYWORDS and not self._done.get(name):
                self._define(name)
        return expand(self.terms, self.vocabulary, value, vocab=True)

    def _type(self, name: str, members: Mapping[str, Any]) -> str | None:
        if "@type" not in members:
            return None
        named = members["@type"]
        iri = self._expand(named) if isinstance(named, str) else None
        if iri in ("@id", "@vocab", "@json", "@none"):
            return iri
        if iri is None or iri in KEYWORDS or iri.startswith("_:") or not is_absolute(iri):
            raise refuse_context(f"@type of {name[:64]!r} is not an IRI")
        return iri


def _check_language(members: Mapping[str, Any]) -> None:
    if not isinstance(members.get("@language", ""), str | None):
        raise refuse_context("@language is a string")
    if members.get("@direction") not in (None, "ltr", "rtl"):
        raise refuse_context("@direction is ltr or rtl")


def _check_flags(name: str, term: Term, members: Mapping[str, Any]) -> None:
    if not isinstance(term.protected, bool) or not isinstance(term.prefix, bool):
        raise refuse_context(f"@protected and @prefix of {name[:64]!r} are true or false")
    if "@prefix" in members and (":" in name or "/" in name or term.iri in KEYWORDS):
        raise refuse_context(f"{name[:64]!r} cannot be a prefix")
    if "@index" in members and (
        not isinstance(term.index_property, str) or "@index" not in term.containers
    ):
        raise refuse_context(f"@index of {name[:64]!r} has no container")


def _containers(name: str, members: Mapping[str, Any]) -> frozenset[str]:
    if "@container" not in members:
        return frozenset()
    named = members["@container"]
    listed = named if isinstance(named, list) else [named]
    if not all(isinstance(item, str) and item in _CONTAINERS for item in listed):
        raise refuse_context(f"@container of {name[:64]!r} is not one")
    found = frozenset(listed)
    if "@list" in found and len(found) > 1:
        raise refuse_context(f"@list of {name[:64]!r} stands alone")
    return found
