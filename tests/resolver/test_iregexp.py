"""I-Regexp (RFC 9485): what is one, what it matches, and that it never takes for ever."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from iregexp_check import check

from identity.errors import InputTooLarge, MalformedInput
from resolver.iregexp import Pattern


class Spent:
    """Counts steps, and raises beyond a bound."""

    def __init__(self, most: int = 10**9) -> None:
        self.steps, self.most = 0, most

    def __call__(self, steps: int) -> None:
        self.steps += steps
        if self.steps > self.most:
            raise InputTooLarge("too much")


def matches(pattern: str, text: str) -> bool:
    return Pattern(pattern).found_in(text, whole=True, spend=Spent())


def stands_in(pattern: str, text: str) -> bool:
    return Pattern(pattern).found_in(text, whole=False, spend=Spent())


@pytest.mark.parametrize(
    ("pattern", "text", "whole", "somewhere"),
    [
        ("", "", True, True),
        ("", "a", False, True),
        ("M-[0-9]{4}", "M-0017", True, True),
        ("M-[0-9]{4}", "xM-00171", False, True),
        ("a|b|cd", "cd", True, True),
        ("(a|b)*c", "ababc", True, True),
        ("a{2,3}", "aaaa", False, True),
        ("a{2,}", "aaaa", True, True),
        ("a{0}b", "b", True, True),
        ("a?b+", "abb", True, True),
        ("a.c", "a\nc", False, False),
        ("a.c", "a€c", True, True),
        ("[^a-c]", "d", True, True),
        ("[^a-c]", "b", False, False),
        ("[-a]", "-", True, True),
        ("[a-]", "-", True, True),
        ("[\\]\\[]", "]", True, True),
        ("\\p{Lu}\\p{Nd}+", "M17", True, True),
        ("\\P{L}", "7", True, True),
        ("[\\p{Lu}x]+", "XxY", True, True),
        ("\\n\\t\\.", "\n\t.", True, True),
        ("(()|a)+b", "aab", True, True),
        ("(a*)*", "aaa", True, True),
        ("x^y$z", "x^y$z", True, True),
    ],
)
def test_what_a_pattern_matches(pattern: str, text: str, whole: bool, somewhere: bool) -> None:
    assert matches(pattern, text) == whole
    assert stands_in(pattern, text) == somewhere


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "a)",
        "[",
        "[]",
        "[^]",
        "a{",
        "a{2",
        "*",
        "a**",
        "\\d",
        "\\w",
        "\\p{Xx}",
        "\\p{",
        "\\",
        "a{1}{2}",
        "(?:a)",
        "{",
        "]",
        "}",
        "[[a]",
        "[a-\\p{L}]",
    ],
)
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(MalformedInput):
        Pattern(pattern)
    assert not check(pattern)


@pytest.mark.parametrize("pattern", ["a{3,2}", "[b-a]"])
def test_what_has_the_shape_of_a_pattern_and_no_meaning(pattern: str) -> None:
    with pytest.raises(MalformedInput, match="backwards"):
        Pattern(pattern)
    assert check(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "a" * 257,
        "(" * 17 + ")" * 17,
        "a{9999}",
        "a{1000}{2}"[:7] + "b{1000}c{1000}",
        "(a{100}){100}",
        "(){99999}",
        "((((((){99}){99}){99}){99}){99}){99}",
    ],
)
def test_a_pattern_that_is_too_large(pattern: str) -> None:
    with pytest.raises(InputTooLarge):
        Pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)*b", "(a*)*(a*)*(a*)*b", "a{0,99}a{0,99}a{0,99}b"],
)
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    spent = Spent()
    compiled = Pattern(pattern)
    for whole in (True, False):
        assert not compiled.found_in("a" * 2_000, whole=whole, spend=spent)
    assert spent.steps <= 2 * 2_001 * 2 * (compiled.size + 2)
    with pytest.raises(InputTooLarge):
        compiled.found_in("a" * 2_000, whole=True, spend=Spent(1_000))


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "\\.", "(a|b)", "(ab)", "()", "\\p{Lu}"])
QUANTIFIERS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{0,2}", "{1,}"])
PIECES = st.builds(str.__add__, ATOMS, QUANTIFIERS)
PATTERNS = st.lists(st.lists(PIECES, max_size=4).map("".join), min_size=1, max_size=3).map("|".join)


@given(PATTERNS, st.text(alphabet="abA.\n", max_size=8))
def test_it_matches_what_python_matches(pattern: str, text: str) -> None:
    theirs: Any = pattern.replace("\\p{Lu}", "[A-Z]").replace(".", "[^\\n\\r]")
    theirs = theirs.replace("\\[^\\n\\r]", "\\.")
    assert matches(pattern, text) == bool(re.fullmatch(theirs, text))
    assert stands_in(pattern, text) == bool(re.search(theirs, text))


@given(
    st.text(alphabet="ab-[]()^{}|*+?.,\\pPLunrt01\u00e9\U0001f525", max_size=12)
    | st.text(max_size=12)
)
@example("[a-b-c]")
@example("[--a]")
@example("[+--]")
@example("a{00001}")
def test_others_call_the_same_texts_patterns(text: str) -> None:
    try:
        refused = _refused(text)
    except InputTooLarge:
        return
    if refused is None or "backwards" not in refused:  # that, the other library does not look for
        assert check(text) == (refused is None)


def _refused(text: str) -> str | None:
    """Why a text is no pattern."""
    try:
        Pattern(text)
    except MalformedInput as error:
        return error.detail
    return None
