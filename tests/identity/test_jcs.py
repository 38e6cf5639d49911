"""Strict parsing and canonical JSON: RFC 8785's own vectors, and what must be refused."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from identity.errors import InputTooLarge, MalformedInput, TetradError
from identity.jcs import LARGEST_INTEGER, canonicalize, canonicalize_profile, parse

CASES = ["arrays", "french", "structures", "unicode", "values", "weird"]

text = st.text(st.characters(codec="utf-8"), max_size=20)
integers = st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
# RFC 8785 writes a whole float below 10^21 in digits; beyond 2^53 these are refused when read.
floats = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: not 2**53 <= abs(number) < 10**21
)


def values(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=6) | st.dictionaries(text, inner, max_size=6),
        max_leaves=30,
    )


json_values = values(st.none() | st.booleans() | integers | floats | text)
profile_values = values(st.none() | st.booleans() | integers | text)
ascii_keys = st.text(st.characters(max_codepoint=127), max_size=8)
operation_values = st.recursive(
    st.booleans() | integers | text,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(ascii_keys, inner, max_size=6),
    max_leaves=30,
)


class TestVectors:
    @pytest.mark.parametrize("case", CASES)
    def test_canonical_bytes_of_rfc_8785(self, vectors: Path, case: str) -> None:
        folder = vectors / "rfc8785"
        given_bytes = (folder / "input" / f"{case}.json").read_bytes()
        expected = bytes.fromhex((folder / "outhex" / f"{case}.txt").read_text())
        assert canonicalize(parse(given_bytes)) == expected
        assert (folder / "output" / f"{case}.json").read_bytes() == expected

    def test_keys_outside_the_basic_plane_sort_by_utf_16_units(self) -> None:
        assert (
            canonicalize({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()
        )

    @pytest.mark.parametrize(
        ("number", "written"),
        [(10.0, b"10"), (-0.0, b"0"), (1e20, b"100000000000000000000"), (1e21, b"1e+21")],
    )
    def test_floats_as_ecmascript_writes_them(self, number: float, written: bytes) -> None:
        assert canonicalize([number]) == b"[" + written + b"]"


class TestCanonicalize:
    @given(json_values)
    @example({"\ufb33": 1, "\U0001f600": 2})
    @example([0.0, -0.0, 1e-7, 5e-324])
    def test_same_bytes_as_the_rfc8785_library(self, value: Any) -> None:
        assert canonicalize(value) == rfc8785.dumps(value)

    @given(profile_values)
    def test_same_bytes_as_the_rfc8785_library_on_the_fast_path(self, value: Any) -> None:
        assert canonicalize(value) == rfc8785.dumps(value)

    @given(operation_values)
    @example({"a": "\U0001f600\ufb33", "\x00\x7f": 1})
    def test_the_profile_of_operations_needs_no_guard(self, value: Any) -> None:
        assert canonicalize_profile(value) == canonicalize(value) == rfc8785.dumps(value)

    def test_every_character_is_escaped_as_rfc_8785_says(self) -> None:
        plane = "".join(chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000)
        assert canonicalize(plane) == rfc8785.dumps(plane)

    @given(json_values)
    def test_parse_reads_back_what_canonicalize_wrote(self, value: Any) -> None:
        assert parse(canonicalize(value)) == value

    @given(json_values)
    def test_canonical_bytes_are_a_fixed_point(self, value: Any) -> None:
        canonical = canonicalize(value)
        assert canonicalize(parse(canonical)) == canonical

    @pytest.mark.parametrize(
        "value",
        [
            2**53,
            -(2**53),
            2**64,
            float("nan"),
            float("inf"),
            "\ud800",
            {"\udfff": 1},
            {1: "a"},
            {"a": {1, 2}},
            [b"bytes"],
            pytest.param(object(), id="an object"),
        ],
        ids=repr,
    )
    def test_refuses_what_json_cannot_hold(self, value: Any) -> None:
        for wrapped in (value, [value], {"a": [value, 1.5]}):
            with pytest.raises(MalformedInput):
                canonicalize(wrapped)

    def test_refuses_bottomless_nesting(self) -> None:
        value: Any = []
        for _ in range(100_000):
            value = [value]
        with pytest.raises(InputTooLarge):
            canonicalize(value)


class TestParse:
    @pytest.mark.parametrize(
        "data",
        [
            b'{"a":1,"a":2}',
            b'{"a":1,"\\u0061":2}',
            b'{"x":{"a":1,"b":2,"a":1}}',
            b"NaN",
            b"[Infinity]",
            b"[-Infinity]",
            b"1e400",
            b"[-1e400]",
            b"9007199254740992",
            b"-9007199254740992",
            b"[18446744073709551616]",
            b"[1" + b"0" * 5000 + b"]",
            b'"\\ud800"',
            b'"\\udc00\\ud800"',
            b'"\xed\xa0\x80"',
            b'"\xff"',
            b"\xef\xbb\xbf{}",
            b"{}".decode().encode("utf-16"),
            b"",
            b" ",
            b"[1,]",
            b"{'a':1}",
            b"[01]",
            b"[+1]",
            b"[.5]",
            b"[1.]",
            b"[1] [2]",
            b"[1]//",
            b'"a\nb"',
            b"tru",
        ],
    )
    def test_refuses(self, data: bytes) -> None:
        with pytest.raises(MalformedInput):
            parse(data)

    def test_names_the_key_that_stands_twice(self) -> None:
        with pytest.raises(MalformedInput, match="'amount'"):
            parse(b'{"amount": 1, "to": "x", "amount": 9}')

    @pytest.mark.parametrize(
        ("data", "value"),
        [
            (b' { "a" : [ 1 , 2.5 , "\\u20ac" ] } ', {"a": [1, 2.5, "€"]}),
            (b"9007199254740991", LARGEST_INTEGER),
            (b"-9007199254740991", -LARGEST_INTEGER),
            (b'"\\ud83d\\ude00"', "\U0001f600"),
            (b"[-0, 1E2, 1e-400]", [0, 100.0, 0.0]),
            (b'{"a":{"a":1},"b":{"a":1}}', {"a": {"a": 1}, "b": {"a": 1}}),
        ],
    )
    def test_reads(self, data: bytes, value: Any) -> None:
        assert parse(data) == value

    @given(json_values, st.sampled_from([None, 1, "\t"]), st.booleans())
    def test_spacing_and_escapes_do_not_change_the_value(
        self, value: Any, indent: int | str | None, ascii_only: bool
    ) -> None:
        assert parse(json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()) == value

    @pytest.mark.parametrize("depth", [1, 31, 32, 33, 300, 1024, 100_000])
    @pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
    def test_depth_is_limited(self, depth: int, opening: bytes, closing: bytes) -> None:
        data = opening * depth + b"1" + closing * depth
        if depth <= 32:
            parse(data)
        else:
            with pytest.raises(InputTooLarge):
                parse(data, max_bytes=10_000_000)

    def test_a_wide_value_is_not_a_deep_one(self) -> None:
        assert parse(b"[" + b",".join([b"[[]]"] * 1000) + b"]", max_depth=3) == [[[]]] * 1000

    def test_size_is_limited(self) -> None:
        assert parse(b'"abcdef"', max_bytes=8) == "abcdef"
        with pytest.raises(InputTooLarge):
            parse(b'"abcdefg"', max_bytes=8)

    @given(st.binary(max_size=200))
    def test_hostile_bytes_raise_only_our_errors(self, data: bytes) -> None:
        with contextlib.suppress(TetradError):
            parse(data)

    @given(st.lists(st.sampled_from('[]{}:,"\\ud8e+-.0123456789 nulltrefas\n\x00é'), max_size=60))
    def test_hostile_tokens_raise_only_our_errors(self, tokens: list[str]) -> None:
        try:
            value = parse("".join(tokens).encode())
        except TetradError:
            return
        canonicalize(value)
