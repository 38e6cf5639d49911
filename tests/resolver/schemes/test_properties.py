"""What holds of every scheme, whatever the value."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from identity.errors import AmbiguousCode, InvalidIdentifier
from resolver.schemes import SCHEMES, Code
from tests.resolver.schemes.strategies import ALL, CODES, EVERY, NUMBERS, VISIBLE, values


def test_every_scheme_has_a_strategy() -> None:
    assert sorted(SCHEMES.names()) == EVERY
    assert {name for name in SCHEMES.names() if SCHEMES.is_number(name)} == set(NUMBERS)


@pytest.mark.parametrize("name", EVERY)
@given(data=st.data())
def test_a_valid_value_has_one_canonical_form_that_stays(name: str, data: st.DataObject) -> None:
    text = data.draw(ALL[name])
    value = SCHEMES.canonical(name, text)
    assert SCHEMES.canonical(name, value) == value
    assert SCHEMES.read(f" {text}\r\n", name) == Code(name, value)
    assert value.isascii()
    assert len(value) <= 255


@pytest.mark.parametrize("name", EVERY)
@given(data=st.data())
def test_segments_begin_with_the_namespace_and_tell_codes_apart(
    name: str, data: st.DataObject
) -> None:
    one, other = (SCHEMES.canonical(name, data.draw(ALL[name])) for _ in range(2))
    first, second = SCHEMES.segments(name, one), SCHEMES.segments(name, other)
    assert len(first) > 1
    assert all(first)
    if name not in {"iec61406", "gtin"}:  # one host for http and https; the indicator is ignored
        assert (first == second) == (one == other)
    if name != "urn-dev":  # the parts of a urn:dev:mac: lie among the EUIs
        assert SCHEMES.prefix_segments(name, "") == first[:1]


@given(values)
def test_a_code_read_without_its_scheme_is_the_same_code_or_ambiguous(
    drawn: tuple[str, str],
) -> None:
    name, text = drawn
    code = Code(name, SCHEMES.canonical(name, text))
    if SCHEMES.is_number(name):
        assert code in SCHEMES.recognize_number(text)
        assert code not in SCHEMES.recognize(text)
    elif name not in {"ecode", "iec61406"}:  # those must be named
        assert code in SCHEMES.recognize(text)


# Schemes whose bare forms coincide: twelve digits, sixteen nibbles. An Ecode is any digits at all.
COINCIDE = ({"eui48", "gtin"},)
code_values = st.sampled_from(sorted(set(CODES) - {"ecode"})).flatmap(
    lambda name: st.tuples(st.just(name), CODES[name])
)


@given(code_values)
def test_naming_another_scheme_gives_no_identifier_a_second_code(drawn: tuple[str, str]) -> None:
    name, text = drawn
    for other in set(CODES) - {name, "ecode"}:
        if {name, other} not in COINCIDE:
            with suppress(InvalidIdentifier):
                assert SCHEMES.read(text, other) == Code(name, SCHEMES.canonical(name, text))


@given(values)
def test_read_never_guesses(drawn: tuple[str, str]) -> None:
    candidates = SCHEMES.recognize(drawn[1])
    if len(candidates) == 1:
        assert SCHEMES.read(drawn[1]) == candidates[0]
    elif candidates:
        with pytest.raises(AmbiguousCode) as caught:
            SCHEMES.read(drawn[1])
        named = [Code(**each) for each in caught.value.members["candidates"]]
        assert named == candidates
    else:
        with pytest.raises(InvalidIdentifier):
            SCHEMES.read(drawn[1])


@given(values)
def test_a_full_form_is_never_ambiguous(drawn: tuple[str, str]) -> None:
    name, text = drawn
    if "://" in text or text.lower().startswith(("urn:", "did:", "(")) or ":" in text:
        assert len(SCHEMES.recognize(text)) <= 1, name


def ask_everything(text: str, scheme: str) -> None:
    calls: tuple[Any, ...] = (
        lambda: SCHEMES.read(text),
        lambda: SCHEMES.read(text, scheme),
        lambda: SCHEMES.canonical(scheme, text),
        lambda: SCHEMES.segments(scheme, text),
        lambda: SCHEMES.prefix_segments(scheme, text),
        lambda: SCHEMES.recognize(text),
        lambda: SCHEMES.recognize_number(text),
    )
    for call in calls:
        with suppress(InvalidIdentifier):
            call()


beginnings = st.sampled_from(
    (
        "",
        "https://id.gs1.org/01/09506000134352/",
        "https://x/8003/",
        "https://x/8004/",
        "(01)09506000134352(",
        "urn:epc:id:sgtin:9506000.013435.",
        "urn:dev:",
        "urn:oid:",
        "did:bid:ef",
        "88.100.1/",
        "hdl:86.1/%",
        "ops:32473-",
        "2001:db8::",
        "89",
    )
)
hostile = st.one_of(
    st.text(max_size=80),
    st.text(VISIBLE + "%/.:0123456789" * 4, max_size=300),
    st.builds(str.__add__, beginnings, st.text(VISIBLE, max_size=60)),
    st.builds(str.__add__, beginnings, st.text(max_size=20)),
    st.builds(
        lambda drawn, at, odd: drawn[1][:at] + odd + drawn[1][at:],
        values,
        st.integers(0, 40),
        st.characters(),
    ),
)


@given(hostile, st.one_of(st.sampled_from(EVERY), st.text(max_size=10)))
@example("", "gtin")
@example("/", "handle")
@example("\ud800", "gs1")
@example("9" * 5000, "oid")
@example("https://a/" + "01/1/" * 400, "gs1")
@example("https://a/01/09506000134352/21/%", "gs1")
@example("https://a/01/09506000134352/21/%ff", "gs1")
@example("(01)", "gtin")
@example("::ffff:1.2.3.4", "ipv6")
@example("2001:db8::/129", "ipv6")
def test_hostile_input_raises_only_our_errors(text: str, scheme: str) -> None:
    ask_everything(text, scheme)


@given(values, st.integers(0, 40), st.characters(min_codepoint=0x80))
def test_a_foreign_character_anywhere_is_refused(drawn: tuple[str, str], at: int, odd: str) -> None:
    name, text = drawn
    with pytest.raises(InvalidIdentifier) as caught:
        SCHEMES.read(text[:at] + odd + text[at:], name)
    assert caught.value.code == "code.look_alike"
    assert f"U+{ord(odd):04X}" in caught.value.detail


@given(values, st.data())
def test_a_control_character_or_a_space_inside_is_refused(
    drawn: tuple[str, str], data: st.DataObject
) -> None:
    name, text = drawn
    at = data.draw(st.integers(1, len(text) - 1))
    # The separator of a scanner is a control character, and has tests of its own.
    assume("\x1d" not in text and not text.startswith("]"))
    odd = data.draw(st.sampled_from([chr(c) for c in (*range(0x1D), *range(0x1E, 0x21), 0x7F)]))
    with pytest.raises(InvalidIdentifier) as caught:
        SCHEMES.read(text[:at] + odd + text[at:], name)
    assert caught.value.code == "code.malformed"
    assert f"U+{ord(odd):04X}" in caught.value.detail
