"""The table of schemes: recognizes a code, reads it, and knows its structure.

    >>> SCHEMES.read("(01)09506000134352(21)M-0017")
    Code(scheme='gs1', value='https://id.gs1.org/01/09506000134352/21/M-0017')

Rules: a code has one canonical form; a text that two schemes allow is refused with the candidates,
never guessed; a number is never recognized unless asked for, since it never goes through a URL.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from identity.errors import (
    AmbiguousCode,
    CheckDigitWrong,
    InvalidIdentifier,
    MalformedCode,
    UnknownScheme,
)
from resolver.schemes.plain_text import MAX_LENGTH, plain, visible, within_length
from resolver.schemes.scheme import Code, Description, Scheme, Segments


class SchemeTable:
    """Schemes by name. Everything here is pure, and raises only InvalidIdentifier."""

    def __init__(self, schemes: Iterable[Scheme]) -> None:
        self._by_name: dict[str, Scheme] = {}
        self._by_start: dict[str, tuple[Scheme, ...]] = {}
        for scheme in schemes:
            if scheme.name in self._by_name:
                raise RuntimeError(f"two schemes are called {scheme.name}")
            self._by_name[scheme.name] = scheme
            for first in scheme.starts:
                self._by_start[first] = (*self._by_start.get(first, ()), scheme)
        # The rule book asks for the same code several times while it decides on a registration.
        self._lately = lru_cache(maxsize=256)(lambda scheme, value: self.read(value, scheme).value)
        self._numbers = tuple(s for s in self._by_name.values() if s.number)

    def names(self) -> tuple[str, ...]:
        """The names of all schemes, codes first."""
        return tuple(self._by_name)

    def get(self, name: str) -> Scheme:
        """The scheme of that name. UnknownScheme."""
        scheme = self._by_name.get(name)
        if scheme is None:
            raise UnknownScheme("no scheme of that name", hint=f"one of {', '.join(self._by_name)}")
        return scheme

    def recognize(self, text: str) -> list[Code]:
        """Every code, in canonical form, that the text is a valid value of; numbers left out."""
        try:
            return self._attempt(plain(text))[0]
        except InvalidIdentifier:
            return []

    def recognize_number(self, text: str) -> list[Code]:
        """Every number, in canonical form, that the text is a valid value of."""
        found = []
        try:
            stripped = plain(text)
        except InvalidIdentifier:
            return []
        for scheme in self._numbers:
            try:
                value = scheme.recognize(stripped)
            except InvalidIdentifier:
                continue
            if value is not None:
                found.append(Code(scheme.name, value))
        return found

    def read(self, text: str, scheme: str | None = None) -> Code:
        """The one code that the text stands for, or the code or number of the scheme named.

        Raises LookAlikeRefused, MalformedCode, CheckDigitWrong, UnknownScheme, or AmbiguousCode
        with `candidates`, a list of `{"scheme", "value"}`.
        """
        if scheme is not None:
            named = self.get(scheme)
            stripped = plain(text, private=named.committed)
            return Code(scheme, within_length(named.canonicalize(stripped)))
        stripped = plain(text)
        found, errors = self._attempt(stripped)
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(code.scheme for code in found)
            raise AmbiguousCode(
                f"a valid value of {len(found)} schemes: {names}",
                hint="name the scheme, or write the code in its full form",
                candidates=[code._asdict() for code in found],
            )
        if errors:
            raise next((e for e in errors if isinstance(e, CheckDigitWrong)), errors[0])
        raise UnknownScheme("no scheme recognizes this code", hint=self._hint(stripped))

    def _attempt(self, text: str) -> tuple[list[Code], list[InvalidIdentifier]]:
        """What the text is, and what it would be but for a mistake."""
        found: list[Code] = []
        errors: list[InvalidIdentifier] = []
        for scheme in self._by_start.get(text[0], ()):
            try:
                value = scheme.recognize(text)
                if value is not None:
                    found.append(Code(scheme.name, within_length(value)))
            except InvalidIdentifier as error:
                errors.append(error)
        return found, errors

    def _hint(self, text: str) -> str:
        if numbers := self.recognize_number(text):
            names = " or ".join(number.scheme for number in numbers)
            return f"it looks like a number: name the scheme ({names})"
        if text.startswith("did:"):
            return "a DID is no code: resolve it as a DID"
        if text.lower().startswith(("https://", "http://")):
            return (
                "not a GS1 Digital Link; if it is printed on the object, name the scheme iec61406"
            )
        return "look at the label again, or name the scheme"

    def canonical(self, scheme: str, value: str) -> str:
        """The canonical form of a value of that scheme."""
        return self._lately(scheme, value)

    def segments(self, scheme: str, value: str) -> Segments:
        """The structure of a canonical value, its namespace first. MalformedCode for any other."""
        if self.canonical(scheme, value) != value:
            raise MalformedCode(
                "not in canonical form", hint="canonicalize it first", scheme=scheme
            )
        return self._by_name[scheme].segments(value)

    def prefix_segments(self, scheme: str, prefix: str) -> Segments:
        """The structure of a prefix in canonical form; the empty prefix is the whole namespace.

        It encloses a code iff these segments begin the code's. MalformedCode, UnknownScheme.
        """
        found = self.get(scheme)
        if not prefix:
            return (found.namespace,)
        if len(prefix) > MAX_LENGTH:
            raise MalformedCode(
                f"a prefix of {len(prefix)} characters", hint=f"at most {MAX_LENGTH}", scheme=scheme
            )
        return found.prefix(visible(prefix))

    def minimal_prefix_depth(self, scheme: str) -> int:
        """How many segments, namespace included, a sandbox asks of a prefix that is free."""
        return self.get(scheme).minimal_depth

    def is_committed(self, scheme: str) -> bool:
        """Whether only commitments to its values may reach the ledger."""
        return self.get(scheme).committed

    def is_number(self, scheme: str) -> bool:
        """Whether its values are communications numbers rather than codes."""
        return self.get(scheme).number

    def describe(self) -> tuple[Description, ...]:
        """A row for each scheme, for the documentation."""
        return tuple(
            Description(
                name=s.name,
                title=s.title,
                example=s.example,
                check=s.check,
                canonical=s.canonical,
                trust=s.trust,
                committed=s.committed,
                number=s.number,
                namespace=s.namespace,
                minimal_prefix_depth=s.minimal_depth,
            )
            for s in self._by_name.values()
        )
