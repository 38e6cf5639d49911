"""Tags: the examples of the Tag Data Standard, and every tag that can be written is read back."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidIdentifier, MalformedCode
from resolver.schemes import SCHEMES
from resolver.schemes.epc import from_memory, from_urn, memory_coding, to_memory
from resolver.schemes.gs1_syntax import Key, checked_key
from tests.resolver.schemes.strategies import CSET_82, digits, gtins, with_ean

# Of TDS 1.13, E.3: memory, tag URI, pure identity, element string, length of the company prefix.
# The standard prints SGTIN-198 and its like to the last whole byte; readers fill up to 16 bits.
EXAMPLES = [
    (
        "3074257BF7194E4000001A85",
        "urn:epc:tag:sgtin-96:3.0614141.812345.6789",
        "urn:epc:id:sgtin:0614141.812345.6789",
        "(01)80614141123458(21)6789",
    ),
    (
        "3674257BF6B7A659B2C2BF100000000000000000000000000000",
        "urn:epc:tag:sgtin-198:3.0614141.712345.32a%2Fb",
        "urn:epc:id:sgtin:0614141.712345.32a%2Fb",
        "(01)70614141123451(21)32a/b",
    ),
    (
        "3374257BF40C0E400000162E",
        "urn:epc:tag:grai-96:3.0614141.12345.5678",
        "urn:epc:id:grai:0614141.12345.5678",
        "(8003)006141411234525678",
    ),
    (
        "3774257BF40C0E59B2C2BF1000000000000000000000",
        "urn:epc:tag:grai-170:3.0614141.12345.32a%2Fb",
        "urn:epc:id:grai:0614141.12345.32a%2Fb",
        "(8003)0061414112345232a/b",
    ),
    (
        "3474257BF40000000000162E",
        "urn:epc:tag:giai-96:3.0614141.5678",
        "urn:epc:id:giai:0614141.5678",
        "(8004)06141415678",
    ),
    (
        "3874257BF59B2C2BF10000000000000000000000000000000000",
        "urn:epc:tag:giai-202:3.0614141.32a%2Fb",
        "urn:epc:id:giai:0614141.32a%2Fb",
        "(8004)061414132a/b",
    ),
]


@pytest.mark.parametrize(("memory", "tag", "identity", "elements"), EXAMPLES)
def test_the_examples_of_the_standard(memory: str, tag: str, identity: str, elements: str) -> None:
    code = SCHEMES.read(elements)
    size = len(memory) * 4
    for text in (memory, memory.lower(), tag, identity, f"urn:epc:raw:{size}.x{memory}"):
        assert SCHEMES.read(text) == code
    key = from_memory(memory)
    assert key is not None
    assert key == from_urn(tag) == from_urn(identity)
    assert to_memory(key, company=7, filter_value=3) == memory


@st.composite
def keys(draw: st.DrawFn) -> Key:
    texts = st.text(CSET_82, min_size=1, max_size=16)
    serial = draw(st.one_of(st.integers(0, 2**39).map(str), texts))
    if serial in {".", ".."}:
        serial = "0"
    kind = draw(st.sampled_from(("01", "8003", "8004")))
    if kind == "01":
        return checked_key("01", draw(gtins), (("21", serial),))
    if kind == "8003":
        return checked_key("8003", f"0{with_ean(draw(digits(12)))}{serial}")
    return checked_key("8004", draw(digits(12)) + serial)


@given(keys(), st.integers(6, 12), st.integers(0, 7))
def test_a_tag_that_is_written_is_read_back(key: Key, company: int, filter_value: int) -> None:
    memory = to_memory(key, company=company, filter_value=filter_value)
    assert from_memory(memory) == key
    assert len(memory) % 4 == 0
    code = SCHEMES.read(memory)
    assert SCHEMES.read(SCHEMES.canonical(*code)) == code


@given(st.from_regex("3[034678][0-9A-F]{22,50}", fullmatch=True))
def test_any_memory_is_a_code_or_refused(memory: str) -> None:
    with suppress(InvalidIdentifier):
        key = from_memory(memory)
        assert (key is None) == (memory_coding(memory) is None)
        if key is not None and not SCHEMES.read(memory).value.isdigit():
            assert from_memory(to_memory(key, company=7)) == key


@pytest.mark.parametrize(
    ("memory", "told"),
    [
        ("307C257BF7194E4000001A85", "partition 7"),
        ("3077FFFFF7194E4000001A85", "larger than its partition"),
        ("3674257BF7194E59B2C2BF100000000000000000000000000001", "not zero"),
        ("3674257BF7194E59B2C2BF100000100000000000000000000000", "goes on after its end"),
        ("3674257BF7194E00000000000000000000000000000000000000", "empty"),
    ],
)
def test_damaged_memory_is_refused(memory: str, told: str) -> None:
    with pytest.raises(MalformedCode, match=told):
        SCHEMES.read(memory)


@pytest.mark.parametrize(
    "text",
    [
        "3174257BF4499602D2000000",  # SSCC-96: a logistic unit
        "E2801160600002054CC2096F",  # a chip's own number
        "3074257BF7194E4000001A8",
        "3074257BF7194E4000001A8500",
    ],
)
def test_what_is_no_such_tag_is_not_recognized(text: str) -> None:
    assert SCHEMES.recognize(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "urn:epc:tag:sgtin-96:3.0614141.812345.06789",
        "urn:epc:tag:sgtin-96:8.0614141.812345.6789",
        "urn:epc:tag:gid-96:1.2.3",
        "urn:epc:id:sscc:0614141.1234567890",
        "urn:epc:id:sgtin:0614141.81234.6789",
        "urn:epc:id:grai:0614141.1234.6789",
        "urn:epc:id:giai:061.1234",
        "urn:epc:idpat:sgtin:0614141.812345.[1-9]",
        "urn:epc:raw:96.x00",
    ],
)
def test_other_urns_are_refused(text: str) -> None:
    with pytest.raises(InvalidIdentifier):
        SCHEMES.read(text)


@pytest.mark.parametrize(
    "key",
    [
        Key("01", "09506000134352"),
        Key("01", "09506000134352", (("10", "L"),)),
        Key("8003", "09506000134321"),
    ],
)
def test_a_tag_needs_a_serial(key: Key) -> None:
    with pytest.raises(MalformedCode):
        to_memory(key, company=7)
