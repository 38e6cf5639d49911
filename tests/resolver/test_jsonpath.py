"""JSONPath within a bound: whatever is asked, there is an answer or an error of ours, soon."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonpath_rfc9535 import JSONPathEnvironment

from identity.errors import InputTooLarge, InvalidInput
from resolver.jsonpath import MOST_LOOKS, search

THINGS: list[dict[str, Any]] = [
    {"id": f"urn:{n}", "title": "M" * n, "n": n, "forms": [{"href": "a"}, {"href": "b"}], "o": {}}
    for n in range(5)
]
WORDS = [
    *(
        "$",
        "@",
        "..",
        ".",
        "*",
        "[",
        "]",
        "(",
        ")",
        "?",
        "!",
        "&&",
        "||",
        "==",
        "!=",
        "<",
        ">=",
        ",",
    ),
    *(":", "'id'", '"n"', "0", "-1", "1e9", "1e999", "true", "null", "length(", "count(", "match("),
    *("search(", "value(", "title", "forms", "href", "\\", "\U0001f525", "\ud800", "$.", "@.n"),
]


def found(query: str) -> Any:
    return orjson.loads(search(query, THINGS))


@pytest.mark.parametrize(
    "query",
    [
        "$",
        "$[0]",
        "$[-1].id",
        "$[1:3].n",
        "$[::-1].n",
        "$..href",
        "$[?@.n > 2].id",
        "$[?@.n > 2 && @.title != 'MMM'].id",
        "$[?length(@.title) == 3]",
        "$[?count(@.forms[*]) == 2].n",
        "$[?value(@..n) == 4]",
        "$[?match(@.title, 'M{2,3}')].n",
        "$[?search(@.id, '[34]')].n",
        "$[?@.forms[?@.href == 'b']].n",
        "$[?@.n == $[1].n].id",
        "$[?@.o == @.o]",
        "$[*]['id','n']",
    ],
)
def test_what_is_found_is_what_the_library_finds(query: str) -> None:
    expected = [node.value for node in JSONPathEnvironment().finditer(query, THINGS)]
    assert expected
    assert found(query) == expected


@given(st.lists(st.sampled_from(WORDS), max_size=14).map("".join) | st.text(max_size=30))
@example("$[?@ == 1e999]")
@example("$['\\ud800']")
@example("$[" + "1" * 500 + "]")
@example("$[?@.n == " + "1" * 450 + "]")
def test_whatever_is_asked(query: str) -> None:
    try:
        assert isinstance(found(query), list)
    except InvalidInput as error:
        orjson.dumps(error.problem())


@pytest.mark.parametrize(
    "query",
    [
        "$[" + ",".join("*" * 99) + "][" + ",".join("*" * 99) + "]",
        "$" + "[*,*,*,*]" * 12,
        "$[?" + "&&".join(["count($..*) > 0"] * 9) + "]",
        "$[?count($..*) > 0]",
        "$..[?count($..*) > 0]",
    ],
)
def test_what_looks_at_too_much_is_refused(query: str) -> None:
    with pytest.raises(InputTooLarge):
        search(query, THINGS * 200)


def test_the_bound_counts_looks_and_not_time() -> None:
    for looks in range(1, 2_000):
        try:
            search("$..href", THINGS, looks=looks)
        except InputTooLarge:
            continue
        break
    assert 50 < looks < 300
    with pytest.raises(InputTooLarge):
        search("$..href", THINGS, looks=looks - 1)
    assert looks * 1_000 < MOST_LOOKS


def test_an_answer_is_not_larger_than_allowed() -> None:
    with pytest.raises(InputTooLarge, match="finds more"):
        search("$[" + ",".join("*" * 200) + "]", [{"text": "x" * 10_000}] * 10)
