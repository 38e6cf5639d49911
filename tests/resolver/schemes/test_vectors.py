"""The third-party values, one valid and one invalid for each scheme."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from identity.errors import InvalidIdentifier
from resolver.schemes import SCHEMES

# What the vectors call the schemes, where we call them otherwise.
OUR_NAMES = {
    "gs1-dl": "gs1",
    "epc-sgtin": "gs1",
    "gs1-grai": "grai",
    "gs1-giai": "giai",
    "cn-idis": "idis",
    "cn-handle-86": "handle",
    "ma-idcode": "ma",
    "uuid-urn": "uuid",
    "urn-imei": "imei",
}
# Named so, and read as the scheme that has the canonical form (specs/adr/0083).
READ_AS = {
    "70B3D57ED0001234": ("eui64", "70b3d57ed0001234"),
    "00-24-be-ff-fe-80-4f-f1": ("eui48", "0024be804ff1"),
    "urn:dev:mac:0024befffe804ff1": ("eui48", "0024be804ff1"),
}
# "Invalid" in the vectors, and read here all the same: the value is not in canonical form, and
# canonicalizing is what we are there for.
#   urn-dev: the grammar of RFC 9039 wants lower case and its examples have both: both are read,
#   and the address is that of an EUI-48.
#   ipv6: RFC 5952 demands lower case of writers only ("normalise", says the vector).
NORMALISED = {
    "urn:dev:mac:0024BEFFFE804FF1": "0024be804ff1",
    "2001:DB8::1": "2001:db8::1",
}


@pytest.fixture(scope="session")
def rows(vectors: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((vectors / "identifiers.json").read_text("utf-8"))
    return found


def ours(row: dict[str, Any]) -> str:
    name: str = row["scheme"]
    return OUR_NAMES.get(name, name)


def test_valid_values_are_accepted(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        for value in row["valid"]:
            code = SCHEMES.read(value, ours(row))
            assert code == READ_AS.get(value, (ours(row), code.value))
            assert SCHEMES.canonical(*code) == code.value


def test_valid_codes_are_recognized_without_a_name(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        scheme = SCHEMES.read(row["valid"][0], ours(row)).scheme
        if SCHEMES.is_number(scheme) or (row["trust"] == "do not enforce" and scheme != "vaa"):
            continue  # numbers and shapeless schemes are named by whoever asks
        for value in row["valid"]:
            assert scheme in {code.scheme for code in SCHEMES.recognize(value)}, value


def test_invalid_values_are_refused(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        for bad in row["invalid"]:
            if canonical := NORMALISED.get(bad["value"]):
                assert SCHEMES.read(bad["value"], ours(row)).value == canonical
                continue
            with pytest.raises(InvalidIdentifier):
                SCHEMES.read(bad["value"], ours(row))


def test_wrong_check_digits_are_called_that(rows: list[dict[str, Any]]) -> None:
    wrong = [
        (ours(row), bad["value"])
        for row in rows
        for bad in row["invalid"]
        if bad["reason"] in {"check digit", "csum", "Luhn"}
    ]
    assert len(wrong) >= 5
    for scheme, value in wrong:
        with pytest.raises(InvalidIdentifier) as caught:
            SCHEMES.canonical(scheme, value)
        assert caught.value.code == "code.check_digit"


def test_identifiers_of_the_xinghuo_chain(vectors: Path) -> None:
    found = json.loads((vectors / "bid" / "bid_vectors.json").read_text("utf-8"))["vectors"]
    for each in found:
        if each["bid"].endswith("="):  # an old encoding; "=" has no place in a DID (DID Core, 3.1)
            with pytest.raises(InvalidIdentifier):
                SCHEMES.read(each["bid"])
        else:
            assert SCHEMES.read(each["bid"]) == ("did-bid", each["bid"])
