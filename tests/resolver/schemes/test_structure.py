"""Prefixes enclose by structure, never by string."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidIdentifier, MalformedCode
from resolver.schemes import SCHEMES

LINK = "https://id.gs1.org/01/09506000134352/21/X"


def encloses(prefix: str, code: str) -> bool:
    """Whether `scheme:prefix` encloses `scheme:code`."""
    outer = SCHEMES.prefix_segments(*prefix.split(":", 1))
    inner = SCHEMES.segments(*code.split(":", 1))
    return inner[: len(outer)] == outer


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        ("gtin:09506000", f"gs1:{LINK}"),
        ("gtin:09506000", "gtin:19506000134359"),
        ("gs1:09506000", "gtin:09506000134352"),
        ("gtin:09506000134352", f"gs1:{LINK}"),
        ("gtin:", f"gs1:{LINK}"),
        ("grai:09506000", "grai:https://id.gs1.org/8003/09506000134321SER01"),
        ("giai:9506", "giai:https://id.gs1.org/8004/950600013430000001"),
        ("idis:88.118.1", "idis:88.118.1/10"),
        ("idis:88.118", "idis:88.118.1.2/x"),
        ("idis:88.608", "handle:88.608/meta_1"),
        ("idis:88.118.1/10", "idis:88.118.1/10"),
        ("handle:86.1000", "handle:86.1000.1/x"),
        ("oid:1.2.156", "oid:urn:oid:1.2.156.3001"),
        ("eui64:0024be", "eui48:0024be113ab8"),
        ("eui64:0024be", "urn-dev:urn:dev:mac:0024be0123804ff1_temp"),
        ("urn-dev:mac:0024be", "eui64:0024be0123804ff1"),
        ("urn-dev:org:32473", "urn-dev:urn:dev:org:32473-foo"),
        ("urn-dev:ops:32473-Meter", "urn-dev:urn:dev:ops:32473-Meter-1"),
        ("urn-dev:ow:10e2073a01080063", "urn-dev:urn:dev:ow:10e2073a01080063_humidity"),
        ("vin:1HG", "vin:1HGCM82633A004352"),
        ("uuid:", "uuid:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        ("did:web:acme.example", "did:did:web:acme.example:devices:M1"),
        ("did-bid:acsn", "did-bid:did:bid:acsn:efnVUgqQFfYeu97ABf6sGm3WFtVXHZB2"),
        ("iec61406:id.maker.example/p", "iec61406:http://id.maker.example/p/SN-001"),
        ("msisdn:+86144", "msisdn-cn-iot:1440012345678"),
        ("msisdn-cn-iot:14400", "msisdn-cn-iot:1440012345678"),
        ("ipv6:2001:db8::/32", "ipv6:2001:db8::1"),
    ],
)
def test_a_prefix_encloses(prefix: str, code: str) -> None:
    assert encloses(prefix, code)


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        ("gtin:09506001", f"gs1:{LINK}"),
        ("gtin:09506000134352", "gtin:19506000134359"),
        ("gtin:09506000", "grai:https://id.gs1.org/8003/09506000134321SER01"),
        ("idis:88.118.1", "idis:88.118.10/x"),
        ("idis:88.118.1", "idis:88.118.01/x"),
        ("idis:88.118.1/1", "idis:88.118.1/10"),
        ("idis:88.118", "idis:88.1181.1/x"),
        ("handle:86.1000.1", "handle:86.1000/1"),
        ("oid:1.2.156.300", "oid:urn:oid:1.2.156.3001"),
        ("urn-dev:org:3247", "urn-dev:urn:dev:org:32473-foo"),
        ("urn-dev:org:32473", "urn-dev:urn:dev:os:32473-foo"),
        ("urn-dev:ops:32473-Met", "urn-dev:urn:dev:ops:32473-Meter-1"),
        ("eui64:0024be", "eui64:0024bf0000000001"),
        ("iec61406:id.maker.example/p", "iec61406:https://id.maker.example/pq"),
        ("iec61406:maker.example", "iec61406:https://maker.example.evil.example/p"),
        ("did:web:acme.example", "did:did:web:acme.example.evil.example:M1"),
        ("did-bid:acsn", "did-bid:did:bid:efnVUgqQFfYeu97ABf6sGm3WFtVXHZB2"),
        ("ipv6:2001:db8::/32", "ipv6:2001:db9::1"),
    ],
)
def test_a_prefix_does_not_enclose(prefix: str, code: str) -> None:
    assert not encloses(prefix, code)


@pytest.mark.parametrize(
    "prefix",
    [
        "gtin:095",
        "gtin:9506000",
        "gtin:0950600013435299",
        "gtin:09506000134353",
        f"gs1:{LINK}",
        "giai:950",
        "handle:88.118.1",
        "handle:86.",
        "handle:10.ABC",
        "idis:88.1",
        "idis:86.1000",
        "idis:88.118.",
        "oid:3.1",
        "oid:1.2.0156",
        "oid:1.40",
        "oid:urn:oid:1.2",
        "eui64:0024b",
        "eui64:0024BE",
        "eui64:0124be",
        "eui48:0024befffe804f",
        "urn-dev:org",
        "urn-dev:org:032473",
        "urn-dev:ow:10E2073A01080063",
        "vin:1H",
        "vin:1hg",
        "uuid:f81d",
        "did-bid:acs",
        "did:web:ACME.example",
        "did:bid:ef",
        "vaa:VAA08",
        "ma:MA.156.",
        "ecode:1001",
        "iec61406:https://id.maker.example",
        "iec61406:ID.maker.example",
        "iec61406:id.maker.example/..",
        "msisdn:86138",
        "msisdn-cn-iot:145",
        "iccid:88",
        "ipv6:2001:db8::/33",
        "ipv6:2001:DB8::/32",
        "ipv6:2001:db8::1/32",
    ],
)
def test_what_is_no_prefix_of_the_scheme_is_refused_with_a_hint(prefix: str) -> None:
    with pytest.raises(MalformedCode) as caught:
        SCHEMES.prefix_segments(*prefix.split(":", 1))
    assert caught.value.hint


@pytest.mark.parametrize("scheme", SCHEMES.names())
def test_a_prefix_that_is_too_long_is_refused(scheme: str) -> None:
    with pytest.raises(MalformedCode):
        SCHEMES.prefix_segments(scheme, "1" * 256)


def test_segments_want_a_canonical_value() -> None:
    for scheme, value in (("gtin", "9506000134352"), ("eui64", "0024BEFFFE804FF1"), ("gs1", "x")):
        with pytest.raises(InvalidIdentifier):
            SCHEMES.segments(scheme, value)


@given(st.text("0123456789", min_size=4, max_size=12))
def test_the_segments_of_a_gtin_prefix_are_the_digits_after_the_indicator(digits: str) -> None:
    assert SCHEMES.prefix_segments("gtin", "0" + digits) == ("gtin", *digits)


@pytest.mark.parametrize(
    ("scheme", "depth"),
    [("gtin", 5), ("gs1", 5), ("idis", 4), ("oid", 5), ("eui64", 7), ("vin", 4), ("uuid", 1)],
)
def test_how_deep_a_free_prefix_must_be(scheme: str, depth: int) -> None:
    assert SCHEMES.minimal_prefix_depth(scheme) == depth
