"""Admission: each disclosed value fits its commitment and its scheme, and none is left over."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as stdnum_uscc

from identity.did import did_key_method
from identity.disclosure import CODE, DATA, NUMBER, SERIAL, Disclosure, disclose
from identity.errors import (
    CheckDigitWrong,
    InvalidDisclosure,
    InvalidIdentifier,
    MalformedCode,
    TetradError,
    UnknownScheme,
)
from registry.admission import MAX_SERIAL
from registry.checking import Checked, check_operation
from registry.uniqueness import ALGORITHMS, Uniqueness
from resolver.schemes import SCHEMES
from tests.factory import UNIQUE, Maker, Signed, Subject, disclosed, sign

MAKER = Maker()
ACME = MAKER.new_organization("Acme")


def first_of(subject: Subject) -> Signed:
    assert subject.first is not None
    return subject.first


def registered(*disclosures: Disclosure, **members: Any) -> Checked:
    """A device.register with these members of its body, sent with just these disclosures."""
    signed = first_of(MAKER.new_device("M-1", ACME))
    operation = {**signed.operation, "body": {**signed.operation["body"], **members}}
    device = Subject("M-1")
    operation = sign(operation, (device.key, did_key_method(device.key.public.multikey)))
    sent = [one.encoded for one in disclosures]
    return check_operation(operation, sent, SCHEMES, UNIQUE, lambda _: None)


def with_object(serial: str) -> dict[str, Any]:
    body = first_of(MAKER.new_device("M-1", ACME)).operation["body"]
    return {**body["object"], "serial": serial}


SERIAL_OF_IT = disclosed(SERIAL, "SN-M-1")
NUMBER_OF_IT = disclosed(NUMBER, "1440000000001")
BOUND = {"scheme": "msisdn-cn-iot", "commitment": NUMBER_OF_IT.digest}


def refused(expected: type[TetradError], *disclosures: Disclosure, **members: Any) -> TetradError:
    with pytest.raises(expected) as caught:
        registered(*disclosures, **members)
    return caught.value


def test_committed_values_are_hashed_under_the_operators_key() -> None:
    checked = registered(NUMBER_OF_IT, SERIAL_OF_IT, number=BOUND)
    assert checked.unique == {
        SERIAL: UNIQUE("object", ACME.did, ["M1", "SN-M-1"]),
        NUMBER: UNIQUE("number", "msisdn-cn-iot", "1440000000001"),
    }
    assert checked.disclosures == [NUMBER_OF_IT.encoded, SERIAL_OF_IT.encoded]


def test_the_keyed_hash_depends_on_all_of_it() -> None:
    hashes = {
        Uniqueness.of(alg, key).hash(kind, scheme, value)
        for alg in ALGORITHMS
        for key in (b"a" * 32, b"b" * 32)
        for kind in ("number", "code")
        for scheme in ("imsi", "imei")
        for value in ("1", "2", ["1"])
    }
    assert len(hashes) == 48
    assert all(len(hashed) == 43 for hashed in hashes)


def test_salts_do_not_matter_for_uniqueness() -> None:
    other = disclose(SERIAL, "SN-M-1", lambda n: b"\x01" * n)
    assert other.digest != SERIAL_OF_IT.digest
    assert (
        registered(other, object=with_object(other.digest)).unique
        == registered(SERIAL_OF_IT).unique
    )


def test_what_is_committed_to_must_be_disclosed() -> None:
    assert refused(InvalidDisclosure).pointer == SERIAL
    assert refused(InvalidDisclosure, SERIAL_OF_IT, number=BOUND).pointer == NUMBER


def test_a_disclosure_of_something_else_is_refused() -> None:
    assert refused(InvalidDisclosure, disclosed(SERIAL, "SN-M-2")).pointer == SERIAL


@pytest.mark.parametrize("pointer", [NUMBER, CODE, DATA, "/body/serial", ""])
def test_a_disclosure_of_nothing_is_refused(pointer: str) -> None:
    error = refused(InvalidDisclosure, SERIAL_OF_IT, disclosed(pointer, "1440000000001"))
    assert error.pointer == pointer


def test_a_value_disclosed_twice_is_refused() -> None:
    refused(InvalidDisclosure, SERIAL_OF_IT, SERIAL_OF_IT)


@pytest.mark.parametrize(
    "serial", ["", " ", "SN 1", "SN\t1", "Ω1", "SN\uff11", "x" * (MAX_SERIAL + 1), "a\u200b"]
)
def test_a_serial_that_nobody_could_compare_is_refused(serial: str) -> None:
    opened = disclosed(SERIAL, serial)
    assert refused(InvalidDisclosure, opened, object=with_object(opened.digest)).pointer == SERIAL


@pytest.mark.parametrize(
    ("scheme", "value", "error"),
    [
        ("iccid", "8986001234567890123", CheckDigitWrong),
        ("msisdn-cn-iot", "+86 14400 00000001", MalformedCode),
        ("msisdn-cn-iot", "hello", InvalidIdentifier),
        ("telegram", "1", UnknownScheme),
    ],
)
def test_a_number_that_its_scheme_refuses_is_refused(
    scheme: str, value: str, error: type[TetradError]
) -> None:
    opened = disclosed(NUMBER, value)
    number = {"scheme": scheme, "commitment": opened.digest}
    assert refused(error, SERIAL_OF_IT, opened, number=number).pointer == NUMBER


def test_a_number_in_another_spelling_is_refused() -> None:
    """It would be another number to the keyed hash."""
    opened = disclosed(NUMBER, "2001:DB8:0::1")
    number = {"scheme": "ipv6", "commitment": opened.digest}
    assert refused(MalformedCode, SERIAL_OF_IT, opened, number=number).pointer == NUMBER


def code(value: str, prefix: str, scheme: str = "eui48") -> tuple[Disclosure, dict[str, str]]:
    opened = disclosed(CODE, value)
    return opened, {"scheme": scheme, "prefix": prefix, "commitment": opened.digest}


def test_a_committed_code_lies_under_the_prefix_that_it_shows() -> None:
    opened, shown = code("00005e0053af", "00005e")
    hashes = registered(SERIAL_OF_IT, opened, code=shown).unique
    assert hashes[CODE] == UNIQUE("code", "eui48", "00005e0053af")
    opened, shown = code("00005e0053af", "00005f")
    error = refused(InvalidDisclosure, SERIAL_OF_IT, opened, code=shown)
    assert error.pointer == "/body/code/prefix"


def test_a_committed_code_is_in_canonical_form() -> None:
    opened, shown = code("00-00-5E-00-53-AF", "00005e")
    assert refused(MalformedCode, SERIAL_OF_IT, opened, code=shown).pointer == CODE


def test_a_committed_code_is_checked_by_its_check_digit() -> None:
    opened, shown = code("1M8GDM9A1KP042788", "1M8", "vin")
    refused(CheckDigitWrong, SERIAL_OF_IT, opened, code=shown)


def test_the_content_of_a_data_record_may_stay_closed() -> None:
    content = disclosed(DATA, "temperature, pressure")
    data = {
        "describes": "weather",
        "schema": "https://schemas.example/weather",
        "version": 1,
        "grade": "general",
        "endpoints": [],
        "commitment": content.digest,
    }
    assert DATA not in registered(SERIAL_OF_IT, data=data).unique
    assert DATA not in registered(SERIAL_OF_IT, content, data=data).unique
    other = disclosed(DATA, "humidity")
    assert refused(InvalidDisclosure, SERIAL_OF_IT, other, data=data).pointer == DATA


def organization(uscc: str) -> Checked:
    subject = Subject("Beta")
    body = {"name": "Beta", **subject.establishment, "uscc": uscc}
    method = (subject.key, did_key_method(subject.key.public.multikey))
    operation = MAKER.operation("organization.register", body, method)
    return check_operation(operation, [], SCHEMES, UNIQUE, lambda _: None)


@given(st.from_regex(r"[1-9ANY][0-9]{7}[0-9A-HJ-NPQRTUWXY]{9}", fullmatch=True))
def test_an_organizations_code_has_the_check_character_of_gb_32100(payload: str) -> None:
    """As python-stdnum computes it."""
    right = payload + stdnum_uscc.calc_check_digit(payload)
    assert organization(right).unique == {}
    wrong = payload + ("0" if right[-1] != "0" else "1")
    with pytest.raises(CheckDigitWrong) as caught:
        organization(wrong)
    assert caught.value.pointer == "/body/uscc"


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=18, max_size=18))
def test_no_code_of_an_organization_raises_anything_but_our_errors(text: str) -> None:
    with suppress(CheckDigitWrong):
        assert organization(text).operation.type == "organization.register"
