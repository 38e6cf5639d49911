"""Certificates and their paths: what is accepted is checked by others, what is not is refused.

Everything that is accepted here is read and verified by `cryptography` as well, and by
`openssl verify` where that is installed; that they would accept more is the reason for our own.
"""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import InvalidCertificate
from identity.members import parse_time
from identity.x509.certificate import (
    MAX_BASE64,
    Certificate,
    parse_certificate,
    read_certificate,
)
from identity.x509.der import Reader
from identity.x509.path import Authorities, read_authorities
from tests import certificates as make
from tests.certificates import Authority, extension, tlv
from tests.factory import NOW

SERIAL = "SN-000017"
ROOT = make.authority("root", length=1)
ISSUING = make.authority("issuing", below=ROOT, length=0)
OTHER = make.authority("other root")
RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
ALGORITHMS = ["P-256", "P-384", "Ed25519"]


def text(der: bytes) -> str:
    return b64encode(der).decode()


def authorities(anchor: Authority, *intermediates: Authority) -> Authorities:
    return read_authorities(anchor.text, tuple(one.text for one in intermediates))


def check(der: bytes, *path: Authority, now: int = NOW) -> Certificate:
    """A device's certificate under these authorities, or under the usual ones."""
    leaf = parse_certificate(der)
    authorities(*(path or (ROOT, ISSUING))).check_leaf(leaf, now)
    return leaf


def verified_by_cryptography(*path: bytes) -> None:
    """From the device upwards: each is issued by the one behind it."""
    read = [x509.load_der_x509_certificate(one) for one in path]
    for below, above in pairwise(read):
        below.verify_directly_issued_by(above)


@pytest.mark.parametrize("leaf", ALGORITHMS)
@pytest.mark.parametrize("issuer", ALGORITHMS)
def test_a_path_holds_whatever_the_keys_are(issuer: str, leaf: str) -> None:
    root = make.authority(f"root {issuer}", algorithm="P-384")
    issuing = make.authority(f"issuing {issuer}", below=root, algorithm=issuer)
    der = make.device(SERIAL, below=issuing, algorithm=leaf)
    found = check(der, root, issuing)
    assert found.device_serial == SERIAL
    assert found.multikey == make.leaf_key(SERIAL, leaf).public.multikey
    verified_by_cryptography(der, issuing.der, root.der)


def test_the_high_s_of_two_is_the_same_signature() -> None:
    low = make.device(SERIAL, below=ISSUING)
    high = make.device(SERIAL, below=ISSUING, high=True)
    assert low != high
    assert check(low).signature == check(high).signature
    verified_by_cryptography(high, ISSUING.der, ROOT.der)


def test_the_serial_of_a_subject_without_one_is_the_certificates_own() -> None:
    for number, shown in ((0x0A1B, "0A1B"), (0xFFF, "0FFF"), (1, "01")):
        der = make.device(SERIAL, below=ISSUING, subject=make.name("device"), number=number)
        assert check(der).device_serial == shown


def test_the_last_second_is_valid_and_the_next_is_not() -> None:
    der = make.device(SERIAL, below=ISSUING, ends="2027-01-01T00:00:00Z")
    last = parse_time("2027-01-01T00:00:00Z")
    check(der, now=last)
    with pytest.raises(InvalidCertificate, match="no longer"):
        check(der, now=last + 1)
    first = parse_time(make.BEGINS)
    check(der, now=first)
    with pytest.raises(InvalidCertificate, match="not valid yet"):
        check(der, now=first - 1)


def test_the_end_of_the_last_year_is_read() -> None:
    assert parse_certificate(ROOT.der).not_after == 253_402_300_799  # 9999-12-31T23:59:59Z


def test_several_authorities_may_issue_below_one_root() -> None:
    second = make.authority("issuing two", below=ROOT)
    for issuer in (ISSUING, second, ROOT):
        check(make.device(SERIAL, below=issuer), ROOT, ISSUING, second)


def test_an_authority_in_the_middle_may_be_the_anchor() -> None:
    check(make.device(SERIAL, below=ISSUING), ISSUING)


def test_an_expired_authority_beside_the_path_does_not_matter() -> None:
    old = make.authority("old", below=ROOT, ends="2026-02-01T00:00:00Z")
    check(make.device(SERIAL, below=ISSUING), ROOT, ISSUING, old)
    with pytest.raises(InvalidCertificate, match="no longer"):
        check(make.device(SERIAL, below=old), ROOT, ISSUING, old)


def right_paths() -> dict[str, tuple[bytes, tuple[Authority, ...]]]:
    """Devices' certificates that hold, and the authorities above them."""
    found: dict[str, tuple[bytes, tuple[Authority, ...]]] = {}
    for algorithm in ALGORITHMS:
        root = make.authority(f"root {algorithm}", algorithm=algorithm)
        issuing = make.authority(f"issuing {algorithm}", below=root, algorithm=algorithm)
        leaf = make.device(SERIAL, below=issuing, algorithm=algorithm)
        found[f"{algorithm} throughout"] = leaf, (root, issuing)
    usual = ROOT, ISSUING
    found["the higher s"] = make.device(SERIAL, below=ISSUING, high=True), usual
    found["below the root itself"] = make.device(SERIAL, below=ROOT), usual
    found["an intermediate as the anchor"] = make.device(SERIAL, below=ISSUING), (ISSUING,)
    nameless = make.device(SERIAL, below=ISSUING, subject=make.name("device"), number=0xA1B)
    found["no serial number in the subject"] = nameless, usual
    purpose = extension(make.EXTENDED_USAGE, make.CLIENT)
    client = make.device(SERIAL, below=ISSUING, changes={make.EXTENDED_USAGE: purpose})
    found["for clients"] = client, usual
    other = make.device(SERIAL, below=ISSUING, changes={"x": extension("2a0304", "0500")})
    found["an extension that nobody has to know"] = other, usual
    return found


@pytest.mark.parametrize("case", right_paths(), ids=lambda one: one.replace(" ", "-"))
def test_a_right_path_holds(case: str) -> None:
    leaf, path = right_paths()[case]
    check(leaf, *path)
    issuers = [one for one in path[::-1] if one.name != path[0].name or one is path[0]]
    found = x509.load_der_x509_certificate(leaf)
    issuer = next(one for one in issuers if found.issuer.public_bytes() == one.name)
    verified_by_cryptography(leaf, issuer.der)


CA_EXTENSION = extension(make.BASIC_CONSTRAINTS, "30030101ff", critical=True)

# A device's certificate in which one thing is wrong, and words of the refusal.
WRONG_LEAVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "version 1": (lambda: make.device(SERIAL, below=ISSUING, version=None), "version 3"),
    "version 2": (lambda: make.device(SERIAL, below=ISSUING, version=1), "version 3"),
    "serial zero": (lambda: make.device(SERIAL, below=ISSUING, number=0), "positive"),
    "serial negative": (lambda: make.device(SERIAL, below=ISSUING, number=-5), "positive"),
    "serial of 21 octets": (lambda: make.device(SERIAL, below=ISSUING, number=1 << 159), "20"),
    "two algorithms": (
        lambda: make.device(
            SERIAL, below=ISSUING, identifier=bytes.fromhex(make.ALGORITHMS["P-384"])
        ),
        "two signature algorithms",
    ),
    "signed with RSA": (
        lambda: make.device(
            SERIAL,
            below=ISSUING,
            algorithm_identifier=RSA,
        ),
        "signature algorithm that is not allowed",
    ),
    "a key of a curve that is not allowed": (
        lambda: make.device(
            SERIAL,
            below=ISSUING,
            spki=tlv(
                0x30,
                bytes.fromhex("301006072a8648ce3d020106052b8104000a"),
                tlv(3, b"\x00\x04" + bytes(64)),
            ),
        ),
        "type that is not allowed",
    ),
    "a key off its curve": (
        lambda: make.device(SERIAL, below=ISSUING, spki=_spki(lambda raw: raw[:-1] + b"\x01")),
        "no uncompressed point",
    ),
    "a compressed key": (
        lambda: make.device(SERIAL, below=ISSUING, spki=_spki(lambda raw: b"\x02" + raw[1:33])),
        "no uncompressed point",
    ),
    "a key of small order": (
        lambda: make.device(
            SERIAL,
            below=ISSUING,
            spki=tlv(0x30, bytes.fromhex(make.KEYS["Ed25519"]), tlv(3, b"\x00\x01" + bytes(31))),
        ),
        "small order",
    ),
    "issued by nobody here": (
        lambda: make.device(SERIAL, below=OTHER),
        "its issuer is none",
    ),
    "signed by another": (
        lambda: make.device(
            SERIAL, below=OTHER, issuer=ISSUING.name, changes={make.AUTHORITY_KEY: None}
        ),
        "has not signed it",
    ),
    "another key named": (
        lambda: make.device(
            SERIAL,
            below=ISSUING,
            changes={
                make.AUTHORITY_KEY: extension(make.AUTHORITY_KEY, tlv(0x30, tlv(0x80, b"other")))
            },
        ),
        "another key than it names",
    ),
    "an issuer by serial number": (
        lambda: make.device(
            SERIAL,
            below=ISSUING,
            changes={
                make.AUTHORITY_KEY: extension(
                    make.AUTHORITY_KEY, tlv(0x30, tlv(0xA1, ROOT.name), tlv(0x82, b"\x01"))
                )
            },
        ),
        "tag 80",
    ),
    "a certificate authority's": (
        lambda: make.device(SERIAL, below=ROOT, changes={make.BASIC_CONSTRAINTS: CA_EXTENSION}),
        "no device's",
    ),
    "the name of its issuer": (
        lambda: make.device(SERIAL, below=ISSUING, subject=ISSUING.name),
        "name or the key of an authority",
    ),
    "the name of the anchor": (
        lambda: make.device(SERIAL, below=ISSUING, subject=ROOT.name),
        "name or the key of an authority",
    ),
    "the key of its issuer": (
        lambda: make.device(SERIAL, below=ISSUING, private=ISSUING.private),
        "name or the key of an authority",
    ),
    "no key usage": (
        lambda: make.device(SERIAL, below=ISSUING, changes={make.KEY_USAGE: None}),
        "without key usage",
    ),
    "key agreement only": (
        lambda: make.device(
            SERIAL,
            below=ISSUING,
            changes={make.KEY_USAGE: extension(make.KEY_USAGE, "03020308", critical=True)},
        ),
        "not for signatures",
    ),
    "signs certificates as well": (
        lambda: make.device(
            SERIAL,
            below=ISSUING,
            changes={make.KEY_USAGE: extension(make.KEY_USAGE, make.BOTH, critical=True)},
        ),
        "no device's",
    ),
    "a server's": (
        lambda: make.device(
            SERIAL,
            below=ISSUING,
            changes={make.EXTENDED_USAGE: extension(make.EXTENDED_USAGE, make.SERVER)},
        ),
        "other purposes",
    ),
    "an extension twice": (
        lambda: make.device(
            SERIAL, below=ISSUING, changes={"again": extension(make.KEY_USAGE, make.SIGNS)}
        ),
        "stands twice",
    ),
    "an unknown extension twice": (
        lambda: make.device(
            SERIAL,
            below=ISSUING,
            changes={"one": extension("2a0304", "0500"), "two": extension("2a0304", "0500")},
        ),
        "stands twice",
    ),
    "a critical extension that nobody knows": (
        lambda: make.device(
            SERIAL, below=ISSUING, changes={"new": extension("2a0304", "0500", critical=True)}
        ),
        "not understood",
    ),
    "unique identifiers": (
        lambda: make.device(SERIAL, below=ISSUING, unique=tlv(0x82, b"\x00\x01")),
        "tag a3",
    ),
    "no extensions at all": (
        lambda: make.device(
            SERIAL, below=ISSUING, changes={make.KEY_USAGE: None, make.AUTHORITY_KEY: None}
        ),
        "without key usage",
    ),
    "a default that is said": (
        lambda: make.device(
            SERIAL,
            below=ISSUING,
            changes={
                make.KEY_USAGE: tlv(
                    0x30,
                    bytes.fromhex("0603551d0f"),
                    b"\x01\x01\x00",
                    tlv(4, bytes.fromhex(make.SIGNS)),
                )
            },
        ),
        "says its default",
    ),
    "two serial numbers": (
        lambda: make.device(
            SERIAL,
            below=ISSUING,
            subject=make.named(
                (make.SERIAL_NUMBER, SERIAL, 0x13), (make.SERIAL_NUMBER, "SN-2", 0x13)
            ),
        ),
        "two serial numbers",
    ),
    "a letter that its kind of text has not": (
        lambda: make.device(
            SERIAL, below=ISSUING, subject=make.named((make.SERIAL_NUMBER, "SN_1", 0x13))
        ),
        "an attribute that is no text",
    ),
    "a serial with a slash": (
        lambda: make.device(SERIAL, below=ISSUING, subject=make.name("device", "1/10/X")),
        "no code takes",
    ),
    "a serial of 65 characters": (
        lambda: make.device(SERIAL, below=ISSUING, subject=make.name("device", "1" * 65)),
        "no code takes",
    ),
    "a serial that is BMPString": (
        lambda: make.device(
            SERIAL, below=ISSUING, subject=make.named((make.SERIAL_NUMBER, "SN", 0x1E))
        ),
        "no text",
    ),
    "bytes behind it": (
        lambda: make.device(SERIAL, below=ISSUING, tail=b"\x00"),
        "do not belong",
    ),
    "s of zero": (
        lambda: make.device(SERIAL, below=ISSUING, signature=bytes.fromhex("3006020101020100")),
        "out of range",
    ),
    "a negative r": (
        lambda: make.device(SERIAL, below=ISSUING, signature=bytes.fromhex("30060201ff020101")),
        "out of range",
    ),
    "a signature that is not the shortest": (
        lambda: make.device(SERIAL, below=ISSUING, signature=bytes.fromhex("300702020001020101")),
        "not the shortest",
    ),
}


def _spki(change: Callable[[bytes], bytes]) -> bytes:
    """The device's key, with another point."""
    info = make.key_info(make.leaf_key(SERIAL))
    return tlv(0x30, bytes.fromhex(make.KEYS["P-256"]), tlv(3, b"\x00" + change(info[-65:])))


@pytest.mark.parametrize("case", WRONG_LEAVES, ids=lambda one: one.replace(" ", "-"))
def test_a_wrong_certificate_is_refused(case: str) -> None:
    build, words = WRONG_LEAVES[case]
    with pytest.raises(InvalidCertificate) as refused:
        print(check(build()).device_serial)
    assert words in refused.value.detail


WRONG_PATHS: dict[str, tuple[Callable[[], tuple[Authority, ...]], str, str]] = {
    "an authority that is none": (
        lambda: (ROOT, make.authority("issuing", below=ROOT, changes={
            make.BASIC_CONSTRAINTS: None})),
        "/intermediates/0", "no certificate authority's",
    ),
    "constraints that are not critical": (
        lambda: (ROOT, make.authority("issuing", below=ROOT, changes={
            make.BASIC_CONSTRAINTS: extension(make.BASIC_CONSTRAINTS, "30030101ff")})),
        "/intermediates/0", "no certificate authority's",
    ),
    "constraints that say no": (
        lambda: (ROOT, make.authority("issuing", below=ROOT, changes={
            make.BASIC_CONSTRAINTS: extension(make.BASIC_CONSTRAINTS, "3000", critical=True)})),
        "/intermediates/0", "no certificate authority's",
    ),
    "a key that signs no certificates": (
        lambda: (ROOT, make.authority("issuing", below=ROOT, changes={
            make.KEY_USAGE: extension(make.KEY_USAGE, make.SIGNS, critical=True)})),
        "/intermediates/0", "not for signing certificates",
    ),
    "an anchor that is none": (
        lambda: (make.authority("root", changes={make.BASIC_CONSTRAINTS: None}), ISSUING),
        "/anchor", "no certificate authority's",
    ),
    "a root that another has signed": (
        lambda: (make.authority("root", below=Authority(make.name("root"), OTHER.private, b"")),
                 ISSUING),
        "/anchor", "has not signed",
    ),
    "swapped": (
        lambda: (ROOT, make.authority("below", below=ISSUING), ISSUING),
        "/intermediates/0", "its issuer is none",
    ),
    "of another root": (
        lambda: (OTHER, ISSUING),
        "/intermediates/0", "its issuer is none",
    ),
    "two of one name": (
        lambda: (ROOT, ISSUING, make.authority(
            "again", below=ROOT, subject=ISSUING.name)),
        "/intermediates/1", "of one name",
    ),
    "a path that is too long": (
        lambda: (ROOT, ISSUING, make.authority("below", below=ISSUING)),
        "/intermediates/1", "longer",
    ),
    "name constraints": (
        lambda: (ROOT, make.authority("issuing", below=ROOT, changes={
            make.NAME_CONSTRAINTS: extension(make.NAME_CONSTRAINTS, "3000", critical=True)})),
        "/intermediates/0", "not understood",
    ),
    "name constraints that nobody must keep": (
        lambda: (ROOT, make.authority("issuing", below=ROOT, changes={
            make.NAME_CONSTRAINTS: extension(make.NAME_CONSTRAINTS, "3000")})),
        "/intermediates/0", "not understood",
    ),
    "a forged intermediate": (
        lambda: (ROOT, make.authority("issuing", below=Authority(
            ROOT.name, OTHER.private, b""), changes={make.AUTHORITY_KEY: None})),
        "/intermediates/0", "has not signed it",
    ),
    "an authority without a name": (
        lambda: (ROOT, make.authority("nameless", below=ROOT, subject=b"\x30\x00")),
        "/intermediates/0", "without a name",
    ),
    "five intermediates": (
        lambda: (ROOT, *(make.authority(f"issuing {n}", below=ROOT) for n in range(5))),
        "", "at most 4",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_PATHS, ids=lambda one: one.replace(" ", "-"))
def test_a_wrong_path_is_refused(case: str) -> None:
    build, pointer, words = WRONG_PATHS[case]
    with pytest.raises(InvalidCertificate) as refused:
        authorities(*build())
    assert words in refused.value.detail
    assert refused.value.pointer == pointer


def test_the_algorithm_is_that_of_the_issuers_key() -> None:
    # The signature itself would verify: only the names of its algorithm are others.
    other = bytes.fromhex(make.ALGORITHMS["P-384"])
    der = make.device(SERIAL, below=ISSUING, identifier=other, algorithm_identifier=other)
    with pytest.raises(InvalidCertificate, match="under an issuer with P-256"):
        check(der)


def test_text_that_is_no_certificate() -> None:
    for bad in ("", "A", "====", "AB==", "!!!!", "é", "A" * (MAX_BASE64 + 4), text(b"\x30\x80")):
        with pytest.raises(InvalidCertificate):
            read_certificate(bad)


# What BER allows and DER does not (X.690, section 10).
BER = {
    "indefinite length": "30800000",
    "a length with a spare octet": "3081050203010203",
    "a length of two octets for one": "308200050203010203",
    "an integer with a spare zero": "300402020001",
    "an integer with spare ones": "30040202ff80",
    "an empty integer": "30020200",
    "a value that is cut off": "3005020101",
    "a length that is cut off": "3082",
    "nothing": "",
}


@pytest.mark.parametrize("case", BER, ids=lambda one: one.replace(" ", "-"))
def test_what_is_not_der_is_refused(case: str) -> None:
    reader = Reader(bytes.fromhex(BER[case]))
    with pytest.raises(InvalidCertificate):
        print(reader.enter(0x30).integer())


def test_values_of_der() -> None:
    assert Reader(bytes.fromhex("0201ff")).integer() == -1
    assert Reader(bytes.fromhex("0101ff")).boolean()
    assert Reader(bytes.fromhex("03020780")).bits(7) == b"\x80"
    for refused, read in (
        ("010101", Reader.boolean),
        ("06022a80", Reader.identifier),
        ("06028001", Reader.identifier),
        ("0600", Reader.identifier),
        ("03020780", Reader.bits),
        ("0300", Reader.bits),
        ("030107", lambda reader: reader.bits(7)),
        ("03020700", lambda reader: reader.bits(7)),
        ("030206c0"[:-2] + "60", lambda reader: reader.bits(7)),
        ("03020880", lambda reader: reader.bits(7)),
    ):
        reading: Any = read
        with pytest.raises(InvalidCertificate):
            print(reading(Reader(bytes.fromhex(refused))))


GOOD = make.device(SERIAL, below=ISSUING)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A certificate with some octets changed, put in or left out."""
    data = bytearray(draw(st.sampled_from([GOOD, ROOT.der, ISSUING.der])))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                data[at] = draw(st.integers(0, 255))
            case 1:
                data[at:at] = draw(st.binary(min_size=1, max_size=4))
            case 2:
                del data[at : at + draw(st.integers(1, 8))]
            case _:
                data[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(data)


@settings(deadline=None, max_examples=300)
@given(mutated() | st.binary(max_size=80))
def test_a_mutation_is_refused_or_verified_by_others_too(data: bytes) -> None:
    try:
        leaf = parse_certificate(data)
        print(leaf.device_serial)
        authorities(ROOT, ISSUING).check_leaf(leaf, NOW)
    except InvalidCertificate:
        return
    verified_by_cryptography(data, ISSUING.der, ROOT.der)


@settings(deadline=None, max_examples=300)
@given(mutated())
def test_what_is_read_is_read_alike_by_others(data: bytes) -> None:
    try:
        ours = parse_certificate(data)
    except InvalidCertificate:
        return
    theirs = x509.load_der_x509_certificate(data)
    assert theirs.serial_number == ours.serial
    assert theirs.tbs_certificate_bytes == ours.signed
    assert theirs.not_valid_after_utc.timestamp() == ours.not_after
    assert theirs.not_valid_before_utc.timestamp() == ours.not_before
    assert theirs.issuer.public_bytes() == ours.issuer
    assert len(list(theirs.extensions)) >= (ours.extensions.usage is not None)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_refused_as_a_certificate(value: str) -> None:
    with pytest.raises(InvalidCertificate):
        read_certificate(value)


def pem_text(certificate: str) -> str:
    """A file in PEM around base64."""
    lines = "\n".join(certificate[at : at + 64] for at in range(0, len(certificate), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_openssl_verifies_the_same_path(tmp_path: Path, algorithm: str) -> None:
    root = make.authority(f"root {algorithm}", algorithm=algorithm)
    issuing = make.authority(f"issuing {algorithm}", below=root, algorithm=algorithm)
    leaf = make.device(SERIAL, below=issuing, algorithm=algorithm)
    check(leaf, root, issuing)
    for name, der in (("root", root.der), ("issuing", issuing.der), ("leaf", leaf)):
        (tmp_path / f"{name}.pem").write_text(pem_text(text(der)))
    run = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "issuing.pem",
         "leaf.pem"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
