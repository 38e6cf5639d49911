"""The table of schemes: recognizes a code, reads it, and knows its structure.

    >>> SCHEMES.read("(01)09506000134352(21)M-0017")
    Code(scheme='gs1', value='https://id.gs1.org/01/09506000134352/21/M-0017')

Rules: a code has one canonical form, and an object that several schemes can spell has it in one of
them; a text that two schemes allow is refused with the candidates,
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
from resolver.schemes.gs1_elements import GS
from resolver.schemes.plain_text import (
    ASCII_SPACE,
    MAX_LENGTH,
    MAX_TEXT,
    plain,
    visible,
    within_length,
)
from resolver.schemes.scanned import is_scanned, unwrapped
from resolver.schemes.scheme import Code, Description, Scheme, Segments


class SchemeTable:
    """Schemes by name. Everything here is pure, and raises only InvalidIdentifier."""

    def __init__(self, schemes: Iterable[Scheme]) -> None:
        self._by_name: dict[str, Scheme] = {}
        self._also: dict[str, Scheme] = {}
        self._by_start: dict[str, tuple[Scheme, ...]] = {}
        for scheme in schemes:
            if scheme.name in self._by_name:
                raise RuntimeError(f"two schemes are called {scheme.name}")
            self._by_name[scheme.name] = scheme
            self._also.update(dict.fromkeys(scheme.also, scheme))
            for first in scheme.starts:
                self._by_start[first] = (*self._by_start.get(first, ()), scheme)
        # The rule book asks for the same code several times while it decides on a registration.
        self._lately = lru_cache(maxsize=256)(self._canonical)
        self._numbers = tuple(s for s in self._by_name.values() if s.number)

    def names(self) -> tuple[str, ...]:
        """The names of all schemes, codes first."""
        return tuple(self._by_name)

    def get(self, name: str) -> Scheme:
        """The scheme of that name. UnknownScheme."""
        scheme = self._by_name.get(name)
        if name in self._also:
            instead = self._also[name].name
            raise UnknownScheme(f"{name} is read as {instead}", hint=f"name the scheme {instead}")
        if scheme is None:
            raise UnknownScheme("no scheme of that name", hint=f"one of {', '.join(self._by_name)}")
        return scheme

    def recognize(self, text: str) -> list[Code]:
        """Every code, in canonical form, that the text is a valid value of; numbers left out."""
        try:
            return self._attempt(self._plain(text))[0]
        except InvalidIdentifier:
            return []

    def recognize_number(self, text: str) -> list[Code]:
        """Every number, in canonical form, that the text is a valid value of."""
        found = []
        try:
            stripped = self._plain(text, private=True)
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
            named = self._also.get(scheme) or self.get(scheme)
            stripped = self._plain(text, private=named.committed)
            code = named.canonicalize(stripped)
            within_length(code.value)
            return code
        stripped = self._plain(text)
        found, errors = self._attempt(stripped)
        if len(found) == 1:
            return found[0]
        if found:
            several = next((e for e in errors if isinstance(e, AmbiguousCode)), None)
            if several is not None and len(several.members["candidates"]) == len(found):
                raise several
            names = ", ".join(code.scheme for code in found)
            raise AmbiguousCode(
                f"a valid value of {len(found)} schemes: {names}",
                hint="name the scheme, or write the code in its full form",
                candidates=[code._asdict() for code in found],
            )
        if errors:
            raise next((e for e in errors if isinstance(e, CheckDigitWrong)), errors[0])
        raise UnknownScheme("no scheme recognizes this code", hint=self._hint(stripped))

    @staticmethod
    def _plain(text: str, *, private: bool = False) -> str:
        """Plain text, without what a scanner adds."""
        if "]" in text or GS in text:
            trimmed = text.strip(ASCII_SPACE)
            if is_scanned(trimmed) and len(trimmed) <= MAX_TEXT:
                return unwrapped(trimmed, private=private)
        return plain(text, private=private)

    def _attempt(self, text: str) -> tuple[list[Code], list[InvalidIdentifier]]:
        """What the text is, and what it would be but for a mistake."""
        found: list[Code] = []
        errors: list[InvalidIdentifier] = []
        for scheme in self._by_start.get(text[0], ()):
            try:
                value = scheme.recognize(text)
                if value is not None:
                    found.append(Code(scheme.name, within_length(value)))
            except AmbiguousCode as error:
                # Several readings within one scheme; its neighbours tell of the same ones.
                told = (Code(**each) for each in error.members["candidates"])
                found += (code for code in told if code not in found)
                errors.append(error)
            except InvalidIdentifier as error:
                errors.append(error)
        return found, errors

    def _hint(self, text: str) -> str:
        if numbers := self.recognize_number(text):
            names = " or ".join(number.scheme for number in numbers)
            return f"it looks like a number: name the scheme ({names})"
        if text.lower().startswith(("https://", "http://")):
            return (
                "not a GS1 Digital Link; if it is printed on the object, name the scheme iec61406"
            )
        return "look at the label again, or name the scheme"

    def canonical(self, scheme: str, value: str) -> str:
        """The canonical form of a value of that scheme. Of what another scheme has the canonical
        form of, there is none: MalformedCode names that scheme."""
        return self._lately(scheme, value)

    def _canonical(self, scheme: str, value: str) -> str:
        self.get(scheme)  # no other name will do: what is stored has one
        code = self.read(value, scheme)
        if code.scheme != scheme:
            raise MalformedCode(
                f"this is a code of {code.scheme}, however it is spelled",
                hint=f"name the scheme {code.scheme}, and write the value in its form",
                scheme=scheme,
            )
        return code.value

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
