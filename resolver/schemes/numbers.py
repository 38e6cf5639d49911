"""Communications numbers out of digits: MSISDN, ICCID, IMSI, IMEI, EID.

All are committed: they name a person's subscription as easily as a machine's, so errors tell the
right check digit and never repeat the number. Ranges are granted like prefixes, one segment for
each digit.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from identity.errors import MalformedCode
from resolver.schemes import check_digits, samples
from resolver.schemes.scheme import Samples, Scheme, Segments, malformed_prefix

_MSISDN = re.compile(r"(?:tel:)?(\+[1-9][0-9]{6,14})", re.IGNORECASE).fullmatch
# 13 digits: 140 to 144 (numbering plan of 2017), 10646 to 10649. General metadata declines them.
_CN_IOT = re.compile(
    r"(?:(?:tel:)?\+?86)?(14[0-4][0-9]{10}|1064[6-9][0-9]{8})", re.IGNORECASE
).fullmatch
_SEPARATORS = str.maketrans("", "", "-.()")
_ICCID_19 = re.compile("(89[0-9]{17})[Ff]?").fullmatch
_ICCID_20 = re.compile("89[0-9]{18}").fullmatch
_ICCID_CHINA = re.compile("8986[0-9A-Z]{16}").fullmatch
_IMSI = re.compile("[0-9]{15}").fullmatch
_IMEI = re.compile("[0-9]{15}").fullmatch
_IMEI_URN = re.compile(
    r"urn:gsma:imei:([0-9]{8})-([0-9]{6})-([0-9])(?:;.*)?", re.IGNORECASE
).fullmatch
_EID = re.compile("[0-9]{32}").fullmatch


def _tel(text: str) -> str:
    """A tel: URI without its visual separators (RFC 3966, 5.1.1)."""
    return text.translate(_SEPARATORS) if text[:4].lower() == "tel:" else text


def _msisdn(text: str) -> str | None:
    match = _MSISDN(_tel(text))
    return match[1] if match and not _CN_IOT(match[1]) else None


def _named_msisdn(text: str) -> str | None:
    if _CN_IOT(_tel(text)):
        raise MalformedCode(
            "an IoT number of China", hint="name the scheme msisdn-cn-iot", scheme="msisdn"
        )
    return _msisdn(text)


def _cn_iot(text: str) -> str | None:
    match = _CN_IOT(_tel(text))
    return match[1] if match else None


def _iccid(text: str) -> str | None:
    """ITU-T E.118. Without the filler F that pads 19 digits to ten bytes on the card."""
    if match := _ICCID_19(text):
        return _luhn_checked("iccid", match[1])
    if _ICCID_CHINA(text.upper()):  # operators of China use letters here, and no certain check
        return text.upper()
    return _luhn_checked("iccid", text) if _ICCID_20(text) else None


def _imei(text: str) -> str | None:
    """3GPP TS 23.003, 6.2.1; RFC 7254, 4.2.3 for the URN, whose last digit may be a spare 0."""
    if urn := _IMEI_URN(text):
        payload = urn[1] + urn[2]
        right = check_digits.luhn_digit(payload)
        return payload + right if urn[3] == "0" else _luhn_checked("imei", payload + urn[3])
    return _luhn_checked("imei", text) if _IMEI(text) else None


def _eid(text: str) -> str | None:
    """GSMA SGP.02, 2.2.2: the last two digits make the whole 1 modulo 97."""
    if not _EID(text):
        return None
    right = check_digits.mod_97(text[:-2])
    if text[-2:] != right:
        raise check_digits.wrong("eid", text[-2:], right)
    return text


def _luhn_checked(scheme: str, digits: str) -> str:
    right = check_digits.luhn_digit(digits[:-1])
    if digits[-1] != right:
        raise check_digits.wrong(scheme, digits[-1], right)
    return digits


def _range_of(
    scheme: str, grammar: str, example: str, lead: Segments = ()
) -> Callable[[str], Segments]:
    """The function that reads a range of a scheme: digits that its numbers begin with."""
    fullmatch = re.compile(grammar).fullmatch

    def prefix(text: str) -> Segments:
        if not fullmatch(text):
            raise malformed_prefix(scheme, text, f"like {scheme}:{example}")
        return (lead[0] if lead else scheme, *lead[1:], *text.removeprefix("+"))

    return prefix


SCHEMES = (
    Scheme(
        name="msisdn",
        title="Telephone number (ITU-T E.164)",
        example="+8613800138000",
        check="none",
        canonical="+ and digits",
        starts="",
        recognize=_msisdn,
        named=_named_msisdn,
        segments=lambda value: ("msisdn", *value[1:]),
        prefix=_range_of("msisdn", r"\+[1-9][0-9]{0,14}", "+8613800"),
        namespace="msisdn",
        minimal_depth=8,
        committed=True,
        number=True,
        samples=Samples("+8613800", lambda n: samples.digits_under("+8613800", n, 14)),
    ),
    Scheme(
        name="msisdn-cn-iot",
        title="IoT number of China, 13 digits",
        example="1440012345678",
        check="none",
        canonical="13 digits, without +86",
        starts="",
        recognize=_cn_iot,
        segments=lambda value: ("msisdn", "8", "6", *value),
        prefix=_range_of(
            "msisdn-cn-iot",
            "1(?:4(?:[0-4][0-9]{0,10})?|064(?:[6-9][0-9]{0,8})?)",
            "14400",
            ("msisdn", "8", "6"),
        ),
        namespace="msisdn",
        minimal_depth=8,
        trust="soft",
        committed=True,
        number=True,
        samples=Samples("14400", lambda n: samples.digits_under("14400", n, 13)),
    ),
    Scheme(
        name="iccid",
        title="SIM card (ITU-T E.118)",
        example="8986040123456789019",
        check="Luhn, but for 20 characters under 8986",
        canonical="19 or 20 characters, without the filler F",
        starts="",
        recognize=_iccid,
        segments=lambda value: ("iccid", *value),
        prefix=_range_of("iccid", "89(?:[0-9]{0,18}|86[0-9A-Z]{0,16})", "898604"),
        namespace="iccid",
        minimal_depth=7,
        trust="soft",
        committed=True,
        number=True,
        samples=Samples("898604", lambda n: samples.iccid("898604", n)),
    ),
    Scheme(
        name="imsi",
        title="Subscription (ITU-T E.212)",
        example="460041234567890",
        check="none",
        canonical="15 digits",
        starts="",
        recognize=lambda text: text if _IMSI(text) else None,
        segments=lambda value: ("imsi", *value),
        prefix=_range_of("imsi", "[0-9]{3,15}", "46004"),
        namespace="imsi",
        minimal_depth=6,
        trust="soft",
        committed=True,
        number=True,
        samples=Samples("46004", lambda n: samples.digits_under("46004", n, 15)),
    ),
    Scheme(
        name="imei",
        title="Mobile equipment (3GPP TS 23.003); a witness of a binding",
        example="490154203237518",
        check="Luhn",
        canonical="15 digits",
        starts="",
        recognize=_imei,
        segments=lambda value: ("imei", *value),
        prefix=_range_of("imei", "[0-9]{2,15}", "49015420"),
        namespace="imei",
        minimal_depth=9,
        committed=True,
        number=True,
        samples=Samples("86012345", lambda n: samples.imei("86012345", n)),
    ),
    Scheme(
        name="eid",
        title="Embedded SIM (GSMA SGP.02)",
        example="89049032123451234512345678901235",
        check="modulo 97",
        canonical="32 digits",
        starts="",
        recognize=_eid,
        segments=lambda value: ("eid", *value),
        prefix=_range_of("eid", "[0-9]{2,32}", "89049032"),
        namespace="eid",
        minimal_depth=9,
        committed=True,
        number=True,
        samples=Samples("89086001", lambda n: samples.eid("89086001", n)),
    ),
)
