"""No object has two canonical codes: whatever is varied leads to the same code or is refused.

Where a standard says that two spellings are two values (the case of a serial, a leading zero in a
handle), they are: specs/adr/0083 lists those.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from identity.errors import InvalidIdentifier, LookAlikeRefused, MalformedCode
from resolver.schemes import SCHEMES, Code, Samples, Scheme, SchemeTable
from tests.resolver.schemes.strategies import ALL, CODES, EVERY, addresses, embedded, gtins, serials

# Schemes of which the whole is compared without regard to case.
CASELESS = sorted(
    set(EVERY)
    - {"gs1", "grai", "giai", "urn-dev", "did-bid", "did", "vaa", "ma", "ecode", "iec61406"}
)
AROUND = ("{}", " {}", "{}\n", "\t{}\r\n", "  {}  ")


def same_or_refused(text: str, code: Code) -> None:
    """The text is another spelling: nothing but that code may come of it."""
    with suppress(InvalidIdentifier):
        assert SCHEMES.read(text, code.scheme) == code
    if not SCHEMES.is_number(code.scheme):
        candidates = [one for one in SCHEMES.recognize(text) if one.scheme == code.scheme]
        assert candidates in ([], [code])


@pytest.mark.parametrize("name", EVERY)
@given(data=st.data())
def test_a_canonical_value_is_read_as_itself_and_as_nothing_else(
    name: str, data: st.DataObject
) -> None:
    code = SCHEMES.read(data.draw(ALL[name]), name)
    assert code.scheme == name
    assert SCHEMES.read(code.value, name) == code
    assert SCHEMES.canonical(*code) == code.value
    for around in AROUND:
        assert SCHEMES.read(around.format(code.value), name) == code


@pytest.mark.parametrize("name", CASELESS)
@given(data=st.data())
def test_case_makes_no_second_code(name: str, data: st.DataObject) -> None:
    code = SCHEMES.read(data.draw(ALL[name]), name)
    for varied in (code.value.upper(), code.value.lower(), code.value.swapcase()):
        same_or_refused(varied, code)


@pytest.mark.parametrize("name", ["gs1", "grai", "giai", "did", "iec61406", "handle", "idis"])
@given(data=st.data())
def test_percent_encoding_makes_no_second_code(name: str, data: st.DataObject) -> None:
    code = SCHEMES.read(data.draw(CODES[name]), name)
    if name in {"handle", "idis"}:  # only the URL of a handle is percent-encoded
        whole = f"https://hdl.handle.net/{quote(code.value)}"
        assert SCHEMES.read(whole, name) == code
        start = len("https://hdl.handle.net/")
    else:
        whole, start = code.value, code.value.rindex("/") + 1 if "/" in code.value else 12
    at = data.draw(st.integers(start, len(whole) - 1)) if start < len(whole) else start - 1
    # RFC 3986, 2.2: a reserved character is not the same as its encoding.
    assume(whole[at] not in ("%/:?#=" if name == "iec61406" else "%/:?#"))
    assume("%" not in whole[max(0, at - 2) : at])
    escape = f"%{ord(whole[at]):02X}"
    for spelled in (escape, escape.lower()):
        same_or_refused(whole[:at] + spelled + whole[at + 1 :], code)


@pytest.mark.parametrize("name", ["gtin", "oid", "uuid", "eui48", "eui64", "vin", "ipv6"])
@given(data=st.data(), zeros=st.integers(1, 4))
def test_leading_zeros_make_no_second_code(name: str, data: st.DataObject, zeros: int) -> None:
    code = SCHEMES.read(data.draw(ALL[name]), name)
    bare = code.value.removeprefix("urn:oid:")
    same_or_refused("0" * zeros + bare, code)
    same_or_refused(bare.lstrip("0") or "0", code)
    if name == "oid":
        first, _, rest = bare.rpartition(".")
        same_or_refused(f"{first}.{'0' * zeros}{rest}", code)


@given(gtins, serials, st.text("ABCxyz019", min_size=1, max_size=9))
def test_an_item_has_one_code_with_its_batch_and_without(
    gtin: str, serial: str, batch: str
) -> None:
    link = "https://id.gs1.org/01/" + gtin
    plain = SCHEMES.read(f"{link}/21/{quote(serial, safe='')}")
    for path in (f"/10/{batch}", f"/22/{batch}", f"/22/{batch}/10/{batch}"):
        assert SCHEMES.read(f"{link}{path}/21/{quote(serial, safe='')}") == plain
    company = 7
    digits = gtin[1:13]
    urn = (
        f"urn:epc:id:sgtin:{digits[:company]}.{gtin[0]}{digits[company:]}.{quote(serial, safe='')}"
    )
    assert SCHEMES.read(urn) == plain
    with suppress(InvalidIdentifier):
        assert SCHEMES.read(f"{link}/10/{batch}") != plain


@given(addresses(8))
@example("acde48234567019f")
def test_an_address_has_one_code_in_every_spelling(address: str) -> None:
    pairs = [address[at : at + 2] for at in range(0, 16, 2)]
    spellings = (
        address,
        address.upper(),
        ":".join(pairs),
        "-".join(pairs).upper(),
        ".".join(address[at : at + 4] for at in range(0, 16, 4)),
        f"urn:dev:mac:{address}",
        f"URN:DEV:mac:{address.upper()}",
    )
    (code,) = {SCHEMES.read(each) for each in spellings}
    for scheme in ("eui64", "deveui"):
        assert {SCHEMES.read(each, scheme) for each in spellings} == {code}
    assert SCHEMES.read(f"urn:dev:mac:{address}", "urn-dev") == code
    for scheme in {"eui64", "eui48", "urn-dev"} - {code.scheme}:
        for each in spellings:
            with pytest.raises(InvalidIdentifier):
                SCHEMES.canonical(scheme, each)


@given(embedded)
@example("0024befffe804ff1")
@example("0024beffff804ff1")
def test_a_mac_address_of_64_bits_is_the_one_of_48(address: str) -> None:
    code = Code("eui48", address[:6] + address[10:])
    assert SCHEMES.read(address) == code
    assert SCHEMES.read(f"urn:dev:mac:{address}") == code
    assert SCHEMES.read(code.value, "eui48") == code
    with pytest.raises(MalformedCode):  # the part of a device would tell its address
        SCHEMES.read(f"urn:dev:mac:{address}_temp")


@given(st.uuids(allow_nil=False).filter(lambda each: each.int != 2**128 - 1))
@example(UUID("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"))
@example(UUID(int=1))
def test_a_uuid_has_one_code_in_every_spelling(each: UUID) -> None:
    code = Code("uuid", each.urn)
    for text in (str(each), f"{{{each}}}", each.urn.upper(), f"2.25.{each.int}"):
        assert SCHEMES.read(text) == code
    for text in (f"urn:oid:2.25.{each.int}", f"oid:2.25.{each.int}"):
        assert SCHEMES.read(text) == SCHEMES.read(text, "oid") == code
    assert SCHEMES.read(each.hex, "uuid") == code
    assert SCHEMES.read(f"2.25.{each.int}.1").scheme == "oid"  # below it lies another object
    with pytest.raises(MalformedCode):
        SCHEMES.canonical("oid", f"urn:oid:2.25.{each.int}")


@pytest.mark.parametrize(
    ("text", "scheme", "code"),
    [
        ("did:bid:efJgt44mNDewKK1VEN454R17cjso3mSG", None, "did-bid"),
        ("88.100.9999/dev0001", None, "idis"),
        ("(01)09506000134352", None, "gtin"),
        ("https://id.gs1.org/01/09506000134352", None, "gtin"),
        ("tel:+1-201-555-0123", "msisdn", "msisdn"),
    ],
)
def test_what_two_schemes_could_hold_is_held_by_one(
    text: str, scheme: str | None, code: str
) -> None:
    found = SCHEMES.read(text, scheme)
    assert found.scheme == code
    for other in set(SCHEMES.names()) - {code, "ecode"}:
        with pytest.raises(InvalidIdentifier):
            SCHEMES.canonical(other, text)


# Characters that are drawn like ASCII ones, by script.
LIKE = {
    "0": "\uff10\u041e\u043e\U0001d7d8",
    "1": "\uff11\u2160\U0001d7cf",
    "a": "\u0430\uff41",
    "e": "\u0435\uff45",
    "/": "\u2215\u2044\uff0f",
    ".": "\u2024\uff0e",
    "-": "\u2010\u2212\u2013",
}


@pytest.mark.parametrize("name", EVERY)
@given(data=st.data())
def test_no_look_alike_is_accepted(name: str, data: st.DataObject) -> None:
    value = SCHEMES.read(data.draw(ALL[name]), name).value
    places = [at for at, character in enumerate(value) if character in LIKE]
    assume(places)
    at = data.draw(st.sampled_from(places))
    odd = data.draw(st.sampled_from(LIKE[value[at]]))
    with pytest.raises(LookAlikeRefused):
        SCHEMES.read(value[:at] + odd + value[at + 1 :], name)
    assert SCHEMES.recognize(value[:at] + odd + value[at + 1 :]) == []


def test_a_scheme_that_is_dropped_in_is_picked_up() -> None:
    """All that a new scheme takes is its `Scheme`: nothing else in the table knows the names."""
    badge = Scheme(
        name="badge",
        title="A badge of this test",
        example="badge:0007",
        check="none",
        canonical="badge: and four digits",
        starts="b",
        recognize=lambda text: (
            text if text[:6] == "badge:" and text[6:].isdigit() and len(text) == 10 else None
        ),
        segments=lambda value: ("badge", *value[6:]),
        prefix=lambda prefix: ("badge", *prefix),
        namespace="badge",
        minimal_depth=2,
        also=("pass",),
        samples=Samples("0", lambda serial: f"badge:0{serial % 1000:03d}"),
    )
    table = SchemeTable([*(SCHEMES.get(name) for name in SCHEMES.names()), badge])
    assert (
        table.read("badge:0007") == table.read("badge:0007", "pass") == Code("badge", "badge:0007")
    )
    assert table.segments("badge", "badge:0007")[:2] == table.prefix_segments("badge", "0")
    assert table.describe()[-1].name == "badge"
    assert SCHEMES.recognize("badge:0007") == []
    with pytest.raises(RuntimeError):
        SchemeTable([badge, badge])
