"""JSONPath (RFC 9535) over many values, within a bound that a stranger's question cannot exceed.

    search("$[?search(@.title, 'M1') && @.created > '2026-01']", things)

The query is another's library's to read and to apply; the bound is ours. It applies to data that
count how often they are looked at, and its `match()` and `search()` are resolver/iregexp.py's.
So the work is the same on every machine, and what is beyond it is refused rather than cut short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, SupportsIndex

import orjson
from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError, JSONPathQuery

from identity.errors import InputTooLarge, MalformedInput
from resolver.iregexp import Pattern

MOST_CHARACTERS: Final = 512
MOST_LOOKS: Final = 500_000
"""At members and elements, each weighed with the length of the query."""
MOST_BYTES: Final = 4 * 2**20
"""Of the answer."""
_WEIGHED: Final = 64
"""Characters of a query that make each look as dear again: a filter may do that much for each."""


class Budget:
    """The work that one question may cause."""

    def __init__(self, looks: int, weight: int) -> None:
        self._left = looks
        self._weight = weight

    def spend(self, looks: int) -> None:
        """Raises InputTooLarge where there is no more."""
        self._left -= looks * self._weight
        if self._left < 0:
            raise InputTooLarge(
                "this search looks at more than is allowed", hint="a shorter path, without `..`"
            )


class _Object(dict[str, Any]):
    """An object that tells its budget when it is looked at."""

    budget: Budget

    def items(self) -> Any:  # noqa: ANN401 - a type of dict that has no name
        """As of a dict."""
        self.budget.spend(1 + len(self))
        return super().items()

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        self.budget.spend(1)
        return super().__getitem__(name)


class _Array(list[Any]):
    """An array that tells its budget when it is looked at."""

    budget: Budget

    def __iter__(self) -> Iterator[Any]:
        self.budget.spend(1 + len(self))
        return super().__iter__()

    def __getitem__(self, place: SupportsIndex | slice) -> Any:  # noqa: ANN401 - any JSON
        found = super().__getitem__(place)
        self.budget.spend(1 + (len(found) if isinstance(place, slice) else 0))
        return found


def _counted(value: Any, budget: Budget) -> Any:  # noqa: ANN401 - any JSON
    """The same value, of objects and arrays that count."""
    if isinstance(value, dict):
        named = _Object((name, _counted(member, budget)) for name, member in value.items())
        named.budget = budget
        return named
    if isinstance(value, list):
        listed = _Array(_counted(element, budget) for element in value)
        listed.budget = budget
        return listed
    return value


def search(query: str, values: Sequence[Any], *, looks: int = MOST_LOOKS) -> bytes:
    """What a query selects in the array of all values, as a JSON array, in the order of RFC 9535.

    Raises MalformedInput for a query that is none, InputTooLarge for one that is too long or looks
    at too much.
    """
    if len(query) > MOST_CHARACTERS:
        raise InputTooLarge(f"a query has at most {MOST_CHARACTERS} characters", pointer="/query")
    budget = Budget(looks, 1 + len(query) // _WEIGHED)
    parts: list[bytes] = []
    size = 0
    try:
        for node in _compiled(query, budget).finditer(_counted(list(values), budget)):
            parts.append(orjson.dumps(node.value))
            size += len(parts[-1]) + 1
            if size > MOST_BYTES:
                raise InputTooLarge("this search finds more than is allowed")
    except JSONPathError as error:
        raise _malformed(error) from None
    except RecursionError:
        raise InputTooLarge("a query that nests too deeply", pointer="/query") from None
    return b"[" + b",".join(parts) + b"]"


def _compiled(query: str, budget: Budget) -> JSONPathQuery:
    try:
        return _environment(budget).compile(query)
    except (JSONPathError, ValueError, ArithmeticError, LookupError, TypeError) as error:
        # The library has errors of its own; a literal such as 1e999 gets past them.
        raise _malformed(error) from None


def _malformed(error: Exception) -> MalformedInput:
    said = str(error).encode("ascii", "replace").decode()[:200]
    return MalformedInput(f"not a JSONPath query: {said}", pointer="/query", hint="RFC 9535")


def _environment(budget: Budget) -> JSONPathEnvironment:
    """The library's own, with bounded `match()` and `search()`.

    They keep the class of those that they replace, by which the library knows what they take; it
    calls its table of functions `functions` from version 2 on, `function_extensions` before.
    """
    environment: Any = JSONPathEnvironment()
    patterns: dict[str, Pattern | None] = {}
    table = getattr(environment, "functions", None) or environment.function_extensions
    for name, whole in (("match", True), ("search", False)):
        called = _matching(budget, patterns, whole=whole)
        bounded = type(name, (type(table[name]),), {"__call__": called})
        table[name] = bounded()
    return environment  # type: ignore[no-any-return]


def _matching(
    budget: Budget, patterns: dict[str, Pattern | None], *, whole: bool
) -> Callable[[object, object, object], bool]:
    def matching(_: object, text: object, pattern: object) -> bool:
        if not isinstance(text, str) or not isinstance(pattern, str):
            return False  # RFC 9535, 2.4.6 and 2.4.7: nothing is matched, and nothing is wrong
        if pattern not in patterns:
            try:
                patterns[pattern] = made = Pattern(pattern)
                budget.spend(made.size)
            except MalformedInput:
                patterns[pattern] = None
                budget.spend(len(pattern) + 1)
        compiled = patterns[pattern]
        return compiled is not None and compiled.found_in(text, whole=whole, spend=budget.spend)

    return matching
