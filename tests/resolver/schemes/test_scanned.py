"""What scanners send: symbologies, separators, and separators that were lost."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import ean
from stdnum.numdb import get as numdb

from identity.errors import AmbiguousCode, CheckDigitWrong, InvalidIdentifier, MalformedCode
from resolver.schemes import SCHEMES, Code
from resolver.schemes.gs1_elements import IDENTIFIERS, checked_element, elements, joined_readings
from resolver.schemes.scanned import form
from tests.resolver.schemes.strategies import gtins, plain_serials

GS = "\x1d"
ITEM = Code("gs1", "https://id.gs1.org/01/09506000134352/21/M-0017")
GTIN = Code("gtin", "09506000134352")
GIAI = Code("giai", "https://id.gs1.org/8004/950600013430000001")


@pytest.mark.parametrize(
    ("text", "code", "shape"),
    [
        ("]C1010950600013435221M-0017", ITEM, "GS1-128, element string"),
        ("]d2010950600013435221M-0017", ITEM, "GS1 DataMatrix, element string"),
        ("]Q3010950600013435221M-0017", ITEM, "GS1 QR code, element string"),
        ("]e0010950600013435221M-0017", ITEM, "GS1 DataBar, element string"),
        ("]J1010950600013435221M-0017", ITEM, "GS1 DotCode, element string"),
        (f"]d201095060001343521726123110L1{GS}21M-0017", ITEM, "GS1 DataMatrix, element string"),
        (f"]d221M-0017{GS}0109506000134352", ITEM, "GS1 DataMatrix, element string"),
        (f"]d2{GS}010950600013435221M-0017{GS}", ITEM, "GS1 DataMatrix, element string"),
        (f"{GS}010950600013435221M-0017", ITEM, "element string with separators"),
        (f"0109506000134352{GS}21M-0017", ITEM, "element string with separators"),
        (f"010950600013435210L{GS}21M-0017\r\n", ITEM, "element string with separators"),
        ("010950600013435221M-0017", ITEM, "joined element string"),
        ("(01)09506000134352(10)L(21)M-0017", ITEM, "element string in brackets"),
        ("(01)09506000134352(3103)001750(21)M-0017", ITEM, "element string in brackets"),
        ("]Q1https://id.gs1.org/01/09506000134352/21/M-0017", ITEM, "QR code, URL"),
        ("]d1(01)09506000134352(21)M-0017", ITEM, "DataMatrix, element string in brackets"),
        ("]C0urn:epc:id:sgtin:9506000.013435.M-0017", ITEM, "Code 128, EPC URN"),
        ("]E09506000134352", GTIN, "EAN-13 or UPC"),
        ("]E3950600013435212", GTIN, "EAN-13 or UPC"),
        ("]E496385074", Code("gtin", "00000096385074"), "EAN-8"),
        ("]I109506000134352", GTIN, "ITF-14"),
        ("]C10109506000134352", GTIN, "GS1-128, element string"),
        ("0109506000134352", GTIN, "joined element string"),
        ("]C18004950600013430000001", GIAI, "GS1-128, element string"),
        (f"8004950600013430000001{GS}", GIAI, "element string with separators"),
        (
            "800309506000134321SER01",
            Code("grai", "https://id.gs1.org/8003/09506000134321SER01"),
            "joined element string",
        ),
        ("]Q188.100.9999/Dev0001", Code("idis", "88.100.9999/dev0001"), "QR code, text"),
        ("]A01HGCM82633A004352", Code("vin", "1HGCM82633A004352"), "Code 39, text"),
    ],
)
def test_a_scan_is_one_code(text: str, code: Code, shape: str) -> None:
    assert SCHEMES.read(text) == SCHEMES.read(text, code.scheme) == code
    assert form(text.strip("\r\n")) == shape


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("]", "symbology identifier"),
        ("]d", "symbology identifier"),
        ("]E0950600013435", "13 digits"),
        ("]E112", "add-on"),
        (f"]Q188.100.9999/a{GS}b", "plain text"),
        ("]C1", "nothing but separators"),
        ("]C1(01)09506000134352(21)M", "brackets"),
        ("]C100106141412345678908", "(00) among them"),
        ("]C110LOT", "0 keys"),
        ("]C1010950600013435205", "no application identifier"),
        ("]C101095060001343521799", "the form"),
        (f"0109506000134352\x1e21A{GS}", "control character"),
        (f"88.100.9999/a{GS}b", "application identifier"),
        (f"09506000134352{GS}", "application identifier"),
    ],
)
def test_a_bad_scan_is_told_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        SCHEMES.read(text)
    assert told in caught.value.detail
    assert caught.value.hint
    assert SCHEMES.recognize(text) == []


def test_a_wrong_check_digit_in_a_scan_is_corrected() -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        SCHEMES.read("]C1010950600013435921M-0017")
    assert caught.value.code == "code.check_digit"
    assert caught.value.hint == f"{ITEM.value}?"


def test_a_lost_separator_is_never_guessed_at() -> None:
    """Batch LOT-121…, or batch LOT-1 and serial M-0017."""
    with pytest.raises(AmbiguousCode) as caught:
        SCHEMES.read("010950600013435210LOT-121M-0017")
    assert [Code(**each) for each in caught.value.members["candidates"]] == [
        ("gs1", "https://id.gs1.org/01/09506000134352/10/LOT-121M-0017"),
        ITEM,
    ]
    assert "(01)09506000134352(10)LOT-1(21)M-0017" in caught.value.hint
    assert ITEM in SCHEMES.recognize("010950600013435210LOT-121M-0017")
    # Whoever sends the symbology sends separators too.
    assert SCHEMES.read("]d2010950600013435210LOT-121M-0017").value.endswith("/10/LOT-121M-0017")


def test_a_scan_that_holds_only_with_a_separator_is_not_repaired() -> None:
    with pytest.raises(MalformedCode) as caught:
        SCHEMES.read("010950600013435221ABCDEFGHIJKLMNOPQRST10LOT")
    assert "(21)ABCDEFGHIJKLMNOPQRST(10)LOT" in caught.value.hint


def test_a_joined_text_that_is_also_another_code_is_ambiguous() -> None:
    with pytest.raises(AmbiguousCode) as caught:
        SCHEMES.read("01095060001343522188/1")
    schemes = {each["scheme"] for each in caught.value.members["candidates"]}
    assert schemes == {"gs1", "handle"}
    assert SCHEMES.read("01095060001343522188/1", "handle").scheme == "handle"


def test_digits_that_only_begin_like_an_asset_stay_a_gtin() -> None:
    """An Italian GTIN begins like the identifier of a GIAI or a GRAI."""
    assert SCHEMES.read("8004020000004") == ("gtin", "08004020000004")


values = st.text("0123456789ABCxyz-", min_size=1, max_size=20)
pairs = st.lists(
    st.one_of(
        st.tuples(st.just("17"), st.just("261231")),
        st.tuples(st.just("3103"), st.just("001750")),
        st.tuples(st.sampled_from(("10", "240", "91")), values),
        st.tuples(st.just("422"), st.just("156")),
    ),
    max_size=4,
    unique_by=lambda pair: pair[0],
)


@given(gtins, plain_serials, pairs, st.data())
def test_what_is_joined_with_separators_is_taken_apart(
    gtin: str, serial: str, others: list[tuple[str, str]], data: st.DataObject
) -> None:
    given_ = data.draw(st.permutations([("01", gtin), ("21", serial), *others]))
    fixed = {"01", "17", "3103"}
    joined = "".join(f"{ai}{value}{'' if ai in fixed else GS}" for ai, value in given_)
    assert elements(joined) == given_
    code = SCHEMES.read(f"(01){gtin}(21){serial}")
    for symbology in ("]d2", "]C1", "]Q3"):
        assert SCHEMES.read(symbology + joined) == code
        assert SCHEMES.read(symbology + joined.removesuffix(GS)) == code


@given(gtins, plain_serials, plain_serials)
@example("09506000134352", "1", "10")
def test_the_truth_is_among_the_readings_of_a_lost_separator(
    gtin: str, batch: str, serial: str
) -> None:
    truth = SCHEMES.read(f"(01){gtin}(21){serial}")
    lost = f"01{gtin}10{batch}21{serial}"
    readings = joined_readings(lost)
    assert len(readings) <= 64
    if len(readings) < 64:
        assert [("01", gtin), ("10", batch), ("21", serial)] in readings
    try:
        found = SCHEMES.read(lost)
    except AmbiguousCode as several:
        candidates = several.members["candidates"]
        assert truth._asdict() in candidates or len(candidates) >= 8
    except InvalidIdentifier:
        pass
    else:
        pytest.fail(f"guessed {found}")


@given(st.text("0123456789AB-" + GS, max_size=60), st.sampled_from(("", "]d2", "01", "]E0", "]X9")))
@example("10" * 30, "0109506000134352")
def test_hostile_scans_raise_only_our_errors(text: str, start: str) -> None:
    for scheme in (None, "gs1", "handle", "imei", "eui48"):
        with suppress(InvalidIdentifier):
            SCHEMES.read(start + text, scheme)
    SCHEMES.recognize(start + text)
    SCHEMES.recognize_number(start + text)
    assert form(start + text)


def test_the_identifiers_are_those_of_gs1() -> None:
    """Held against the table that python-stdnum makes out of GS1's own list."""
    table = numdb("gs1_ai")
    for ai in sorted(IDENTIFIERS):
        ((found, about), *_) = table.info(ai)
        assert found == ai, ai
        longest = sum(int(size) for size in re.findall(r"[NXYZ](?:\.\.)?([0-9]+)", about["format"]))
        longest -= ai == "8043"  # its second part is written N1..N2
        numeric = set(re.findall("[NXYZ]", about["format"])) == {"N"}
        checked_element(ai, right_value(ai, longest, numeric=numeric))
        with pytest.raises(MalformedCode):
            checked_element(ai, "1" * (longest + 3))
        if numeric:
            with pytest.raises(MalformedCode):
                checked_element(ai, "A" * longest)


def right_value(ai: str, longest: int, *, numeric: bool) -> str:
    """A value as long as its format in GS1's list allows."""
    if re.fullmatch("1[1-7]|4326|7006", ai):
        return "261231"
    value = ("1" * longest) if numeric or ai != "7258" else "1/2"
    for at in (18, 17, 14, 13):
        with suppress(CheckDigitWrong):
            checked_element(ai, value)
            return value
        right = str(ean.calc_check_digit(value[: at - 1]))
        value = value[: at - 1] + right + value[at:] if len(value) >= at else value
    return value
