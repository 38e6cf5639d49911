"""Other people's readers of codes: biip for what scanners send, python-stdnum for check digits.

biip (PyPI) reads the same texts in a process of its own, tests/interop/python/scans.py; what it
takes apart is put together here, without our code, and compared.
"""

from __future__ import annotations

import json
import random
import string
import subprocess
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean, imei, isin, luhn
from stdnum import gs1_128 as stdnum_gs1
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_97_10

from identity.errors import InvalidIdentifier
from resolver.schemes import SCHEMES, Code
from resolver.schemes.gs1_elements import elements, in_brackets
from tests.interop.libraries import HERE, PYTHON

GS = "\x1d"
GTIN = "09506000134352"
CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?_" + string.ascii_letters
Read = list[dict[str, Any]]


@pytest.fixture(scope="module")
def biip() -> Callable[[list[str]], Read]:
    if not PYTHON.exists():
        pytest.skip("no .venv-interop: tests/interop/python/install makes it")

    def ask(texts: list[str]) -> Read:
        done = subprocess.run(
            [str(PYTHON), str(HERE / "python" / "scans.py")],
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        found: Read = json.loads(done.stdout)
        assert len(found) == len(texts)
        return found

    return ask


def expected(found: dict[str, Any]) -> Code:
    """The code of what biip has read, put together longhand."""
    if not found["elements"]:
        return Code("gtin", found["gtin"])
    values = dict(found["elements"])
    for ai, scheme in (("8003", "grai"), ("8004", "giai")):
        if ai in values:
            return Code(scheme, f"https://id.gs1.org/{ai}/{quote(values[ai], safe='')}")
    order = ("21",) if "21" in values else ("235",) if "235" in values else ("22", "10")
    path = "".join(f"/{ai}/{quote(values[ai], safe='')}" for ai in order if ai in values)
    gtin = values["01"]
    return Code("gs1", f"https://id.gs1.org/01/{gtin}{path}") if path else Code("gtin", gtin)


def drawn(count: int) -> list[str]:
    """Scans of labels as they are: key, dates, weights, batch, serial, in any order."""
    source = random.Random(20261125)  # noqa: S311 - the same scans on every run

    def text(most: int) -> str:
        return "x" + "".join(source.choices(CSET_82, k=source.randint(0, most - 1)))

    def digits(size: int) -> str:
        return "".join(source.choices("0123456789", k=size))

    scans = []
    for _ in range(count):
        payload = digits(13)
        others = [  # how often it is there, in tenths; AI, value, whether its length is predefined
            (7, "21", text(20), False),
            (5, "10", text(20), False),
            (2, "22", text(20), False),
            (5, "17", f"{digits(2)}1231", True),
            (3, f"310{source.randrange(6)}", digits(6), True),
            (3, "240", text(30), False),
            (3, "422", "156", False),
        ]
        parts = [part for often, *part in others if source.randrange(10) < often]
        parts.append(["01", payload + ean.calc_check_digit(payload), True])
        source.shuffle(parts)
        joined = "".join(f"{ai}{value}{'' if fixed else GS}" for ai, value, fixed in parts)
        scans.append(source.choice(("]C1", "]d2", "]Q3", "]e0")) + joined.removesuffix(GS))
    asset = digits(12)
    return [
        *scans,
        f"]C180030{asset}{ean.calc_check_digit(asset)}{text(16)}",
        f"]C18004{digits(8)}{text(20)}",
        f"01{GTIN}235TPX-1{GS}",
    ]


def test_what_biip_reads_is_read_alike(biip: Callable[[list[str]], Read]) -> None:
    scans = drawn(400)
    for scan, found in zip(scans, biip(scans), strict=True):
        assert found["elements"] is not None, scan
        joined = scan[3:] if scan.startswith("]") else scan
        assert [list(pair) for pair in elements(joined)] == found["elements"], scan
        assert SCHEMES.read(scan) == expected(found), scan


def test_what_biip_prints_for_people_is_read_alike(biip: Callable[[list[str]], Read]) -> None:
    """Both ways: it prints what it has read from us, and reads that again as we do. Values that
    hold brackets are left out: printed, nobody can tell where they end."""
    scans = [scan for scan in drawn(200) if "(" not in scan]
    printed = [found["hri"] for found in biip(scans)]
    for scan, text, again in zip(scans, printed, biip(printed), strict=True):
        assert [list(pair) for pair in in_brackets(text) or []] == again["elements"]
        assert SCHEMES.read(text) == SCHEMES.read(scan)


@pytest.mark.parametrize(
    "text",
    [
        "]E09506000134352",
        "]E496385074",
        "]I109506000134352",
        "]I119506000134359",
        f"https://shop.example/01/{GTIN}/10/L/21/S",
        f"https://id.gs1.org/01/{GTIN}/21/a%2Fb?17=261231",
        f"https://id.gs1.org/01/{GTIN}",
        f"https://id.gs1.org/01/{GTIN}/22/V",
        "https://id.gs1.org/8004/950600013430000001",
    ],
)
def test_other_symbols_and_links(text: str, biip: Callable[[list[str]], Read]) -> None:
    (found,) = biip([text])
    if found["elements"] is not None:  # a query tells of the item, and is no part of the code
        found["elements"] = [pair for pair in found["elements"] if pair[0] != "17"]
    assert SCHEMES.read(text) == expected(found)


REFUSED = [
    "]E0950600013435",  # twelve digits
    "]E09506000134353",  # check digit
    f"]C101{GTIN}17261332",  # month 13
    f"]C101{GTIN}310312345",  # five digits of weight
    f"]C101{GTIN}21" + "x" * 21,
    f"]C101{GTIN}21a#b",  # outside the 82 characters
    f"]C101{GTIN}0",
    f"]C101{GTIN}05123",  # no such identifier
    f"]C10195060001343{GS}",
    f"]d201{GTIN}4221",
    f"https://id.gs1.org/01/{GTIN[:-1]}9/21/S",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_biip_refuses_is_refused(text: str, biip: Callable[[list[str]], Read]) -> None:
    (found,) = biip([text])
    assert found["gtin"] is None
    with pytest.raises(InvalidIdentifier):
        SCHEMES.read(text)


# biip reads any text that begins like an AI as an element string, whoever sent it.
MORE_THAN_WE = {
    "9506000134352": Code("gtin", GTIN),  # (95), says biip, beside the GTIN
    "8004950600013430000001": None,  # might be anything that begins with 8004
    f"]C101{GTIN}21A{GS}21B": None,  # two serials
    f"]C100106141412345678908{GS}01{GTIN}": None,  # a logistic unit, and an item
}


@pytest.mark.parametrize("text", MORE_THAN_WE)
def test_where_we_read_less_than_biip(text: str, biip: Callable[[list[str]], Read]) -> None:
    (found,) = biip([text])
    assert found["elements"]
    if code := MORE_THAN_WE[text]:
        assert SCHEMES.read(text) == code
    else:
        with pytest.raises(InvalidIdentifier):
            SCHEMES.read(text)


def test_mutated_scans_are_refused_where_biip_refuses(biip: Callable[[list[str]], Read]) -> None:
    """One character changed, dropped or doubled."""
    source = random.Random(7)  # noqa: S311 - the same scans on every run
    scans = []
    for scan in drawn(400):
        at = source.randrange(3, len(scan))
        odd = source.choice((source.choice(CSET_82 + "#\x1d"), "", scan[at] * 2))
        scans.append(scan[:at] + odd + scan[at + 1 :])
    differ = []
    for scan, found in zip(scans, biip(scans), strict=True):
        try:
            ours: Code | None = SCHEMES.read(scan)
        except InvalidIdentifier:
            ours = None
        refused = found["elements"] is None
        if ours is not None and (refused or expected(found) != ours):
            differ.append((scan, ours, found))
    assert differ == []


# --- python-stdnum


def says(check: Callable[[str], str], text: str) -> bool:
    try:
        check(text)
    except ValidationError:
        return False
    return True


def reads(text: str, scheme: str) -> bool:
    try:
        SCHEMES.read(text, scheme)
    except InvalidIdentifier:
        return False
    return True


@given(
    st.sampled_from((8, 12, 13, 14)).flatmap(
        lambda size: st.text("0123456789", min_size=size, max_size=size)
    )
)
def test_stdnum_on_gtins(text: str) -> None:
    assert reads(text, "gtin") == (says(ean.validate, text) and bool(text.strip("0")))


@given(st.text("0123456789", min_size=14, max_size=16))
def test_stdnum_on_imeis(text: str) -> None:
    """It also takes 14 digits, and the 16 of an IMEI with a software version: neither is an IMEI
    with its check digit."""
    for one in (text, text[:14] + luhn.calc_check_digit(text[:14])):
        assert reads(one, "imei") == (says(imei.validate, one) and len(one) == 15)


@given(st.text("0123456789", min_size=17, max_size=18))
def test_stdnum_on_iccids(text: str) -> None:
    if not text.startswith("86"):  # the operators of China keep to no check digit
        assert reads("89" + text, "iccid") == says(luhn.validate, "89" + text)


@given(st.text("0123456789", min_size=30, max_size=30), st.integers(0, 99))
def test_stdnum_on_eids(text: str, check: int) -> None:
    for one in (f"{text}{check:02d}", text + mod_97_10.calc_check_digits(text)):
        assert reads(one, "eid") == says(mod_97_10.validate, one)


@given(st.text(string.ascii_uppercase + string.digits, min_size=10, max_size=10))
def test_an_isin_is_no_code(text: str) -> None:
    one = "XS" + text[:9]
    one += isin.calc_check_digit(one)
    assert all(code.scheme == "eui48" for code in SCHEMES.recognize(one))


@given(st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=20))
def test_stdnum_on_element_strings(serial: str) -> None:
    text = f"01{GTIN}21{serial}"
    info = stdnum_gs1.info(text)
    assert SCHEMES.read(f"]C1{text}") == expected({"elements": sorted(info.items()), "gtin": None})
