"""I-Regexp (RFC 9485), matched in time that grows with pattern times text and no faster.

    Pattern("M-[0-9]{4}").found_in("M-0017", whole=True, spend=budget.spend)

A pattern out of a stranger's question is compiled to a small automaton and run over all its states
at once (Thompson 1968): there is nothing to backtrack over, so that no pattern takes for ever. What
each step costs is told to `spend`, which raises when it is too much.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from identity.errors import InputTooLarge, MalformedInput

MOST_CHARACTERS: Final = 256
MOST_STEPS: Final = 2_000
"""Of the automaton, and of making it: `{1000}` is a thousand copies of what stands before it."""
DEEPEST: Final = 16

Spend = Callable[[int], None]

_BACKWARDS: Final = "a range that runs backwards"
_SPECIAL: Final = frozenset("()*+.?[\\]{|}")
_ESCAPED: Final = {**{one: one for one in "()*+-.?[\\]^{|}"}, "n": "\n", "r": "\r", "t": "\t"}
_CATEGORIES: Final = {
    "L": "lmotu",
    "M": "cen",
    "N": "dlo",
    "P": "cdefios",
    "S": "ckmo",
    "Z": "lps",
    "C": "cfno",
}


class Class(NamedTuple):
    """A set of characters: ranges, and categories that are in or out of it."""

    ranges: tuple[tuple[str, str], ...]
    categories: tuple[tuple[str, bool], ...] = ()
    inverted: bool = False

    def holds(self, character: str) -> bool:
        """Whether a character is in the set."""
        found = any(first <= character <= last for first, last in self.ranges) or any(
            unicodedata.category(character).startswith(name) == within
            for name, within in self.categories
        )
        return found != self.inverted


_ANY: Final = Class((("\n", "\n"), ("\r", "\r")), inverted=True)


class _Take(NamedTuple):
    """One step: a character of the class, then the next step."""

    wanted: Class


class _Fork(NamedTuple):
    """Either step, without a character."""

    first: int
    second: int


class _Sequence(NamedTuple):
    pieces: tuple[_Node, ...]


class _Choice(NamedTuple):
    branches: tuple[_Node, ...]


class _Repeat(NamedTuple):
    piece: _Node
    least: int
    most: int | None


_Node = Class | _Sequence | _Choice | _Repeat


class Pattern:
    """A compiled pattern. Raises MalformedInput for text that is none, InputTooLarge for one that
    is too long, nests too deeply or repeats too much."""

    def __init__(self, text: str) -> None:
        if len(text) > MOST_CHARACTERS:
            raise InputTooLarge(f"a pattern has at most {MOST_CHARACTERS} characters")
        self._steps: list[_Take | _Fork] = []
        self._made = 0
        self._emit(_Reader(text).pattern())

    @property
    def size(self) -> int:
        """What it cost to make."""
        return self._made + len(self._steps)

    def found_in(self, text: str, *, whole: bool, spend: Spend) -> bool:
        """Whether the pattern is the whole text, or stands somewhere in it."""
        end = len(self._steps)
        states = self._reached([0], spend)
        for character in text:
            if not whole and end in states:
                return True
            spend(len(states) + 1)
            passed = [
                state + 1
                for state in states
                if state < end
                and isinstance(step := self._steps[state], _Take)
                and step.wanted.holds(character)
            ]
            states = self._reached(passed if whole else [*passed, 0], spend)
            if not states:
                return False
        return end in states

    def _reached(self, states: Iterable[int], spend: Spend) -> set[int]:
        """All states that are reached without a character."""
        waiting, found = list(states), set[int]()
        while waiting:
            state = waiting.pop()
            if state in found:
                continue
            found.add(state)
            step = self._steps[state] if state < len(self._steps) else None
            if isinstance(step, _Fork):
                waiting += (step.first, step.second)
        spend(len(found))
        return found

    def _emit(self, node: _Node) -> None:
        self._made += 1
        if self._made > MOST_STEPS or len(self._steps) > MOST_STEPS:
            raise InputTooLarge("a pattern that repeats too much")
        if isinstance(node, Class):
            self._steps.append(_Take(node))
        elif isinstance(node, _Sequence):
            for piece in node.pieces:
                self._emit(piece)
        elif isinstance(node, _Choice):
            self._emit_choice(node)
        else:
            self._emit_repeat(node)

    def _emit_choice(self, node: _Choice) -> None:
        """Each branch but the last begins with a fork to the next, and ends with a jump behind."""
        ends = []
        for branch in node.branches[:-1]:
            fork = self._reserve()
            self._emit(branch)
            ends.append(self._reserve())
            self._steps[fork] = _Fork(fork + 1, len(self._steps))
        self._emit(node.branches[-1])
        for end in ends:
            self._steps[end] = _Fork(len(self._steps), len(self._steps))

    def _emit_repeat(self, node: _Repeat) -> None:
        for _ in range(node.least):
            self._emit(node.piece)
        forks = []
        if node.most is None:
            fork = self._reserve()
            self._emit(node.piece)
            back = self._reserve()
            self._steps[back] = _Fork(fork, fork)
            forks.append(fork)
        else:
            for _ in range(node.most - node.least):
                forks.append(self._reserve())
                self._emit(node.piece)
        for fork in forks:
            self._steps[fork] = _Fork(fork + 1, len(self._steps))

    def _reserve(self) -> int:
        """The place of a fork whose ends are not known yet."""
        self._steps.append(_Fork(0, 0))
        return len(self._steps) - 1


class _Reader:
    """Reads a pattern, by the grammar of RFC 9485, section 4."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def pattern(self) -> _Node:
        """The whole of it."""
        found = self._choice()
        if self._at < len(self._text):
            raise self._wrong()
        return found

    def _choice(self) -> _Node:
        branches = [self._branch()]
        while self._take("|"):
            branches.append(self._branch())
        return branches[0] if len(branches) == 1 else _Choice(tuple(branches))

    def _branch(self) -> _Node:
        pieces: list[_Node] = []
        while self._next not in ("", "|", ")"):
            pieces.append(self._quantified(self._atom()))
        return _Sequence(tuple(pieces))

    def _atom(self) -> _Node:
        if self._take("("):
            self._depth += 1
            if self._depth > DEEPEST:
                raise InputTooLarge("a pattern that nests too deeply")
            found = self._choice()
            self._depth -= 1
            self._expect(")")
            return found
        if self._take("."):
            return _ANY
        if self._take("["):
            return self._class()
        if self._next == "\\":
            return self._escape()
        if self._next in _SPECIAL:
            raise self._wrong()
        one = self._character()
        return Class(((one, one),))

    def _quantified(self, piece: _Node) -> _Node:
        if self._take("*"):
            return _Repeat(piece, 0, None)
        if self._take("+"):
            return _Repeat(piece, 1, None)
        if self._take("?"):
            return _Repeat(piece, 0, 1)
        if not self._take("{"):
            return piece
        least = self._number()
        most: int | None = least
        if self._take(","):
            most = None if self._next == "}" else self._number()
        self._expect("}")
        if most is not None and most < least:
            raise MalformedInput(_BACKWARDS)
        return _Repeat(piece, least, most)

    def _number(self) -> int:
        begin = self._at
        while "0" <= self._next <= "9":
            self._at += 1
        if begin == self._at:
            raise self._wrong()
        if self._at - begin > 4:
            raise InputTooLarge("a pattern that repeats too much")
        return int(self._text[begin : self._at])

    def _escape(self) -> Class:
        """A single character or a category, behind a backslash."""
        self._expect("\\")
        kind = self._character()
        if kind in ("p", "P"):
            self._expect("{")
            end = self._text.find("}", self._at, self._at + 3)
            name = self._text[self._at : max(end, self._at)]
            if (
                not name
                or name[0] not in _CATEGORIES
                or name[1:] not in ("", *_CATEGORIES[name[0]])
            ):
                raise self._wrong()
            self._at = end + 1
            return Class((), ((name, kind == "p"),))
        if kind not in _ESCAPED:
            raise self._wrong()
        return Class(((_ESCAPED[kind], _ESCAPED[kind]),))

    def _class(self) -> Class:
        inverted = self._take("^")
        ranges: list[tuple[str, str]] = []
        categories: list[tuple[str, bool]] = []
        if self._take("-"):
            ranges.append(("-", "-"))
        while self._next != "]":
            if (
                self._next == "-"
                and self._text[self._at + 1 : self._at + 2] == "]"
                and (ranges or categories)
            ):
                self._expect("-")
                ranges.append(("-", "-"))
                break
            first = self._member()
            if first.categories:
                categories += first.categories
                continue
            ((low, _),) = first.ranges
            high = low
            if self._next == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._expect("-")
                ((high, _),) = self._last().ranges
                if high < low:
                    raise MalformedInput(_BACKWARDS)
            ranges.append((low, high))
        self._expect("]")
        if not ranges and not categories:
            raise self._wrong()
        return Class(tuple(ranges), tuple(categories), inverted)

    def _last(self) -> Class:
        """The end of a range, which is a single character."""
        found = self._member()
        if found.categories:
            raise self._wrong()
        return found

    def _member(self) -> Class:
        if self._next == "\\":
            return self._escape()
        if self._next in ("", "-", "[", "]"):
            raise self._wrong()
        one = self._character()
        return Class(((one, one),))

    @property
    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _character(self) -> str:
        if not self._next:
            raise self._wrong()
        self._at += 1
        return self._text[self._at - 1]

    def _take(self, mark: str) -> bool:
        if self._next != mark:
            return False
        self._at += 1
        return True

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            raise self._wrong()

    def _wrong(self) -> MalformedInput:
        return MalformedInput(f"not an I-Regexp (RFC 9485), at character {self._at + 1}")
