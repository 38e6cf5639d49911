"""What a scheme of codes or numbers is: one row of functions and words.

Adding a scheme means writing one `Scheme` and listing its module in `__init__.py`. Its functions
get plain ASCII without white space (see `plain_text.py`) and raise nothing but the errors of
`InvalidIdentifier`.

    Scheme(name="vin", title="Vehicle identification number", ..., recognize=_recognize,
           segments=lambda value: ("vin", *value), prefix=_prefix, minimal_depth=4)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from identity.errors import MalformedCode

Segments = tuple[str, ...]

# How far the grammar that is published for a scheme can be trusted: `enforce` refuses what breaks
# it, `soft` keeps to the shape and lets the doubtful part pass, `opaque` compares bytes.
Trust = Literal["enforce", "soft", "opaque"]


class Code(NamedTuple):
    """A code or number in its canonical form: the one spelling that is stored and compared."""

    scheme: str
    value: str


class Samples(NamedTuple):
    """Canonical values for simulators, examples and tests, one for each serial below 100,000."""

    under: str
    """A prefix, as it is granted, that all of them lie under."""
    make: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Scheme:
    """One scheme.

    `starts`         the first characters of every text that it recognizes without being named;
                     empty where it must be named, since its grammar would swallow everything.
    `recognize`      the canonical value; None if the text has not this scheme's shape at all; an
                     error if it has the shape and breaks the rules (a check digit, a zero).
    `named`          the same for a text whose scheme the caller has named, where that may read
                     more than `recognize` does; a `Code` where another scheme has the canonical
                     form of the same object.
    `also`           further names under which a caller may name it.
    `samples`        values to try it with; None where nobody can make one.
    `segments`       of a canonical value, the namespace first.
    `prefix`         segments of a prefix in canonical form, never empty; MalformedCode.
    `minimal_depth`  how many segments, the namespace included, a prefix must have for a sandbox to
                     give it to the first who asks.
    """

    name: str
    title: str
    example: str
    check: str
    canonical: str
    starts: str
    recognize: Callable[[str], str | None]
    segments: Callable[[str], Segments]
    prefix: Callable[[str], Segments]
    namespace: str
    minimal_depth: int
    trust: Trust = "enforce"
    committed: bool = False
    number: bool = False
    named: Callable[[str], str | Code | None] | None = None
    also: tuple[str, ...] = ()
    samples: Samples | None = None

    def canonicalize(self, text: str) -> Code:
        """The code that a text stands for which is said to be of this scheme."""
        value = (self.named or self.recognize)(text)
        if value is None:
            raise MalformedCode(
                f"not a value of {self.name} ({self.title})",
                hint=f"a value of this scheme looks like {self.example}",
                scheme=self.name,
            )
        return value if isinstance(value, Code) else Code(self.name, value)


class Description(NamedTuple):
    """A row of the table of schemes in the documentation."""

    name: str
    title: str
    example: str
    check: str
    canonical: str
    trust: Trust
    committed: bool
    number: bool
    namespace: str
    minimal_prefix_depth: int


def malformed_prefix(scheme: str, prefix: str, hint: str) -> MalformedCode:
    """The error for a prefix that its scheme's structure does not have."""
    shown = prefix if len(prefix) <= 64 else prefix[:64] + "…"
    return MalformedCode(f"'{shown}' is not a prefix of {scheme}", hint=hint, scheme=scheme)
