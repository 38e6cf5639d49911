"""The parts of the GS1 resolver that are pure: compression, paths, queries, choices."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidIdentifier, MalformedInput, NotFound
from resolver.gs1.answers import carried
from resolver.gs1.compression import SEQUENCES, compress, decompress
from resolver.gs1.formats import PRIMARY_KEYS, format_of
from resolver.gs1.requests import path_of, read_compressed, read_path, read_query
from resolver.schemes import SCHEMES
from tests.generated.__main__ import SPECS

GTIN = "09506000134352"
TEXT = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
VECTORS: dict[str, Any] = json.loads((SPECS / "vectors/resolution/compression.json").read_bytes())


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_vectors_of_compression(vector: dict[str, Any]) -> None:
    if "error" in vector:
        with pytest.raises(InvalidIdentifier) as refused:
            decompress(vector["compressed"])
        assert refused.value.code == vector["error"]
        return
    values = [tuple(pair) for pair in vector["values"]]
    assert sorted(decompress(vector["compressed"])) == sorted(values)
    assert (compress(values) == vector["compressed"]) != vector.get("other", False)


serials = st.text(TEXT, min_size=1, max_size=20)


@given(
    st.fixed_dictionaries(
        {"01": st.just(GTIN)},
        optional={"22": serials, "10": serials, "21": serials, "17": st.just("000101")},
    )
    | st.builds(lambda s: {"8003": "09506000134321" + s[:16]}, serials)
    | st.builds(lambda s: {"8004": "9506" + s}, serials)
)
def test_what_was_compressed_reads_the_same(values: dict[str, str]) -> None:
    text = compress(list(values.items()))
    assert dict(decompress(text)) == values
    assert len(text) < 300


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", max_size=60))
def test_whatever_decompresses_compresses_to_something_that_reads_the_same(text: str) -> None:
    try:
        found = decompress(text)
    except InvalidIdentifier:
        return
    again = compress(found)
    assert sorted(decompress(again)) == sorted(found)


def test_every_sequence_and_key_has_a_format() -> None:
    for names in SEQUENCES.values():
        assert all(format_of(name) for name in names)
    assert all(format_of(key) for key in PRIMARY_KEYS)
    assert format_of("3105")
    for none in ("", "0", "1", "18", "99999", "310", "23", "4", "703"):
        assert format_of(none) is None


@given(st.binary(max_size=80) | st.text("0123456789/%+21ab", max_size=60).map(str.encode))
def test_hostile_paths(raw: bytes) -> None:
    for path in (raw, b"/" + raw, b"/01/" + raw, b"/01/09506000134352/21/" + raw):
        for read in (read_path, read_compressed):
            try:
                found = read(path)
            except (InvalidIdentifier, NotFound):
                continue
            if found is not None:
                for code in found.levels:
                    assert SCHEMES.canonical(code.scheme, code.value) == code.value
                    assert read_path(path_of(code).encode()).code == code


@given(st.binary(max_size=120), st.text(max_size=60), st.text(max_size=60))
def test_hostile_queries_and_headers(raw: bytes, accept: str, language: str) -> None:
    try:
        wanted = read_query(raw, accept, language)
    except MalformedInput:
        return
    assert all("!" <= character <= "~" for character in wanted.query)
    location = carried("https://a.example/x?y=1#f", wanted.query)
    assert location.startswith("https://a.example/x?y=1")
    assert location.endswith("#f")
    assert location.count("#") == 1


@pytest.mark.parametrize(
    ("href", "query", "location"),
    [
        ("https://a.example", "x=1", "https://a.example?x=1"),
        ("https://a.example/?", "x=1", "https://a.example/?x=1"),
        ("https://a.example/?y=2", "x=1", "https://a.example/?y=2&x=1"),
        ("https://a.example/#?", "x=1", "https://a.example/?x=1#?"),
        ("https://a.example/", "", "https://a.example/"),
    ],
)
def test_queries_go_before_the_fragment(href: str, query: str, location: str) -> None:
    assert carried(href, query) == location


def test_a_key_in_the_middle_of_a_path_is_none() -> None:
    for path in (
        b"/01/x/8003/09506000134321SER01",
        b"/21/a/01/09506000134352",
        b"/x/01/" + b"0" * 14,
    ):
        with pytest.raises(InvalidIdentifier):
            read_path(path)
