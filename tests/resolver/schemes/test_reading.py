"""What a person types, and what they are told."""

from __future__ import annotations

import doctest
import importlib

import pytest

from identity.errors import (
    AmbiguousCode,
    CheckDigitWrong,
    LookAlikeRefused,
    MalformedCode,
    TetradError,
    UnknownScheme,
)
from resolver.schemes import SCHEMES, Code

LINK = "https://id.gs1.org/01/09506000134352/21/M-0017"


def refused(text: str, scheme: str | None = None) -> TetradError:
    with pytest.raises(TetradError) as caught:
        SCHEMES.read(text, scheme)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        LINK,
        f"  {LINK}\n",
        "HTTPS://ID.GS1.ORG/01/09506000134352/21/M-0017",
        "http://shop.example:8080/a/b/01/09506000134352/21/M-0017/?17=261231#x",
        "https://id.gs1.org/01/09506000134352/21/%4d%2D0017",
        "(01)09506000134352(21)M-0017",
        "(21)M-0017(17)261231(01)09506000134352",
        "urn:epc:id:sgtin:9506000.013435.M-0017",
        "urn:epc:id:sgtin:95060001.03435.M-0017",
    ],
)
def test_all_spellings_of_a_serialized_item_are_one_code(text: str) -> None:
    assert SCHEMES.read(text) == Code("gs1", LINK)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("96385074", ("gtin", "00000096385074")),
        ("9506000134352", ("gtin", "09506000134352")),
        ("https://id.gs1.org/01/09506000134352", ("gtin", "09506000134352")),
        ("(01)09506000134352(10)A/1", ("gs1", "https://id.gs1.org/01/09506000134352/10/A%2F1")),
        (
            "(01)09506000134352(21)a(b)",
            ("gs1", "https://id.gs1.org/01/09506000134352/21/a%28b%29"),
        ),
        ("(8004)950600013430000001", ("giai", "https://id.gs1.org/8004/950600013430000001")),
        ("88.100.9999/Dev0001", ("idis", "88.100.9999/dev0001")),
        ("hdl:88.100.9999/Dev%30001", ("idis", "88.100.9999/dev0001")),
        ("88.608/META_1", ("handle", "88.608/meta_1")),
        ("https://doi.org/10.1000/182?x=1", ("handle", "10.1000/182")),
        ("1.2.156.3001.501", ("oid", "urn:oid:1.2.156.3001.501")),
        ("00:1B:44:11:3A:B7", ("eui48", "001b44113ab7")),
        ("001B.4411.3AB7", ("eui48", "001b44113ab7")),
        ("00-24-be-01-23-80-4f-f1", ("eui64", "0024be0123804ff1")),
        ("1hgcm82633a004352", ("vin", "1HGCM82633A004352")),
        ("VAA08810012345678/SN0001", ("vaa", "VAA08810012345678/SN0001")),
    ],
)
def test_a_code_is_recognized(text: str, code: tuple[str, str]) -> None:
    assert SCHEMES.read(text) == code


@pytest.mark.parametrize(
    ("text", "scheme", "value"),
    [
        ("8986040123456789019", "iccid", "8986040123456789019"),
        (
            "https://id.maker.example/p/SN-001?a=B",
            "iec61406",
            "https://id.maker.example/p/SN-001?a=B",
        ),
        ("tel:+8613800138000", "msisdn", "+8613800138000"),
        ("+861440012345678", "msisdn-cn-iot", "1440012345678"),
        ("8986040123456789019F", "iccid", "8986040123456789019"),
        ("898602b2123456789012", "iccid", "898602B2123456789012"),
        ("urn:gsma:imei:49015420-323751-0;svn=01", "imei", "490154203237518"),
        ("2001:DB8:0:0::0:1", "ipv6", "2001:db8::1"),
    ],
)
def test_a_scheme_can_be_named(text: str, scheme: str, value: str) -> None:
    assert SCHEMES.read(text, scheme) == (scheme, value)


def test_a_wrong_check_digit_names_the_right_one_and_the_code() -> None:
    error = refused("09506000134358")
    assert isinstance(error, CheckDigitWrong)
    assert error.detail == "check digit is 8, should be 2"
    assert error.hint == "09506000134352?"
    assert refused(LINK.replace("352", "359")).hint == f"{LINK}?"


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("1HGCM82643A004352", "vin"),
        ("490154203237519", "imei"),
        ("8986040123456789010", "iccid"),
        ("89049032123451234512345678901236", "eid"),
    ],
)
def test_a_private_value_is_not_repeated(text: str, scheme: str) -> None:
    error = refused(text, scheme)
    assert isinstance(error, CheckDigitWrong)
    assert text[:8] not in str(error.problem())
    for mistyped in (f"{text[:9]} {text[9:]}", f"{text[:9]}\uff10{text[9:]}"):
        assert text[:8] not in str(refused(mistyped, scheme).problem())


def test_the_textbook_oid_is_refused_with_the_reading_without_zeros() -> None:
    error = refused("1.2.156.3001.0501.1001.01")
    assert isinstance(error, MalformedCode)
    assert "0501" in error.detail
    assert "X.660" in error.detail
    assert "urn:oid:1.2.156.3001.501.1001.1" in error.hint


def test_two_schemes_make_a_code_ambiguous_and_the_full_form_settles_it() -> None:
    # A GTIN-12 whose digits are also an EUI-48 of one device.
    assert SCHEMES.recognize("001b44113ab7") == [("eui48", "001b44113ab7")]
    error = refused("800000000006")
    assert isinstance(error, AmbiguousCode)
    assert error.problem()["candidates"] == [
        {"scheme": "gtin", "value": "00800000000006"},
        {"scheme": "eui48", "value": "800000000006"},
    ]
    assert SCHEMES.read("80:00:00:00:00:06") == ("eui48", "800000000006")
    assert SCHEMES.read("00800000000006") == ("gtin", "00800000000006")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("０9506000134352", "FULLWIDTH DIGIT ZERO"),
        ("88.100.9999/dеv", "CYRILLIC SMALL LETTER IE"),
        ("88.100.9999/cafe\u0301", "COMBINING ACUTE ACCENT"),
        ("88.100.9999/caf\u00e9", "LATIN SMALL LETTER E WITH ACUTE"),
        ("\u00a009506000134352", "NO-BREAK SPACE"),
        ("\ufeff09506000134352", "ZERO WIDTH NO-BREAK SPACE"),
        ("0950600\u200b0134352", "ZERO WIDTH SPACE"),
        ("hdl:88.100.9999/%D0%B5", "CYRILLIC SMALL LETTER IE"),
        ("https://id.gs1.org/01/09506000134352/21/%EF%BC%91", "FULLWIDTH DIGIT ONE"),
    ],
)
def test_look_alikes_are_refused_by_name(text: str, name: str) -> None:
    error = refused(text)
    assert isinstance(error, LookAlikeRefused)
    assert name in error.detail


def test_the_plain_spelling_of_a_look_alike_is_offered() -> None:
    assert refused("０９506000134352").hint.endswith("09506000134352")
    assert refused("88.100.9999 / dev0001").hint.endswith("88.100.9999/dev0001")


@pytest.mark.parametrize(
    ("text", "scheme", "told"),
    [
        (LINK.replace("/21/", "/10/L/21/") + "/22/V", None, "out of order"),
        ("https://id.gs1.org/01/9506000134352/21/M", None, "14 digits"),
        ("https://id.gs1.org/01/09506000134352/99/x", None, "not a qualifier"),
        ("https://id.gs1.org/01/09506000134352/21", None, "no value"),
        ("https://id.gs1.org/01/09506000134352/21/%2e%2E", None, "cannot be carried in a URL"),
        ("https://id.gs1.org/01/09506000134352/21/%zz", None, "hexadecimal"),
        ("(01)09506000134352(21)" + "x" * 21, None, "1 to 20"),
        ("(01)09506000134352(21)a(21)b", None, "twice"),
        ("(01)09506000134352(21)a(235)b", None, "(235)"),
        ("urn:epc:id:sgtin:9506000.13435.SN0001", None, "13 digits"),
        ("00000000000000", None, "names nothing"),
        ("01:00:5e:00:00:01", None, "group"),
        ("00-00-00-00-00-00", None, "zeros"),
        ("urn:uuid:00000000-0000-0000-0000-000000000000", None, "nil"),
        ("urn:dev:mac:001b44113ab7", None, "RFC 9039"),
        ("urn:dev:mac:0024befffe804ff1_temp", None, "EUI-48"),
        ("2.25.340282366920938463463374607431768211456", None, "128 bits"),
        ("did:tetrad:kta2wkpizqzouzvv:zQmX", None, "identity of a device"),
        ("did:web", None, "not a DID"),
        ("https://ID.maker.example/p/1", "iec61406", "never altered"),
        ("https://id.maker.example:443/p/1", "iec61406", "never altered"),
        ("https://id.maker.example", "iec61406", "never altered"),
        ("https://id.maker.example/p/%41", "iec61406", "never altered"),
        ("88.100.9999/" + "x" * 250, None, "at most 255"),
        ("x" * 3000, None, "at most 2048"),
        (" \t", None, "empty"),
        ("0950\x00600013435", None, "control character"),
        ("0950600 0134352", None, "white space"),
        ("https://id.maker.example/a/../b", "iec61406", "never altered"),
        (LINK, "iec61406", "GS1 Digital Link"),
        ("https://hdl.handle.net/86.1000/x", "iec61406", "handle"),
        ("fe80::1", "ipv6", "one device"),
        ("::ffff:192.0.2.1", "ipv6", "one device"),
    ],
)
def test_a_mistake_is_named(text: str, scheme: str | None, told: str) -> None:
    error = refused(text, scheme)
    assert isinstance(error, MalformedCode)
    assert told in error.detail
    assert error.hint


@pytest.mark.parametrize(
    ("text", "scheme", "instead"),
    [
        ("09506000134352", "gs1", "gtin"),
        (LINK, "gtin", "gs1"),
        ("88.100.9999/dev0001", "handle", "idis"),
        ("+861440012345678", "msisdn", "msisdn-cn-iot"),
    ],
)
def test_an_identifier_has_one_scheme_and_the_other_points_to_it(
    text: str, scheme: str, instead: str
) -> None:
    assert f"name the scheme {instead}" in refused(text, scheme).hint
    assert SCHEMES.read(text, instead).scheme == instead


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("490154203237518", "imsi or imei"),
        ("https://id.maker.example/p/1", "iec61406"),
        ("??", "label"),
    ],
)
def test_what_no_scheme_recognizes_gets_a_hint(text: str, hint: str) -> None:
    error = refused(text)
    assert isinstance(error, UnknownScheme)
    assert hint in error.hint
    assert SCHEMES.recognize(text) == []


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    assert "gtin" in refused(LINK, "qr").hint


@pytest.mark.parametrize("scheme", SCHEMES.names())
def test_the_example_of_a_scheme_is_a_canonical_value(scheme: str) -> None:
    example = SCHEMES.get(scheme).example
    assert SCHEMES.canonical(scheme, example) == example
    assert example in refused("!", scheme).hint


def test_the_table_describes_every_scheme() -> None:
    rows = SCHEMES.describe()
    assert tuple(row.name for row in rows) == SCHEMES.names()
    private = {row.name for row in rows if row.committed}
    assert private == {"vin", "eui48"} | {row.name for row in rows if row.number}


@pytest.mark.parametrize(
    "module",
    [
        "check_digits",
        "did_code",
        "epc",
        "eui",
        "gs1",
        "gs1_elements",
        "handle",
        "ipv6",
        "oid",
        "plain_text",
        "samples",
        "scanned",
        "table",
        "urn_dev",
        "uuid_urn",
    ],
)
def test_the_examples_in_docstrings_are_true(module: str) -> None:
    found = importlib.import_module(f"resolver.schemes.{module}")
    extra = {"SCHEMES": SCHEMES, "canonical": SCHEMES.canonical}
    assert doctest.testmod(found, extraglobs=extra).failed == 0
