"""X.509 certificates, as far as an enrolment looks at them (RFC 5280, section 4; IEEE 802.1AR).

    certificate = read_certificate("MIIB…")            # base64 of DER, as it stands in an operation
    certificate.check_signature(issuer.key)
    certificate.device_serial                          # "SN-000017"

A profile, narrower than X.509: version 3; keys of P-256, P-384 and Ed25519, signed with SHA-256,
SHA-384 and Ed25519 alone; extensions once each, none critical that is not read here. What does not
fit is an InvalidCertificate. Whether certificates make a path is told in identity/x509/path.py.
Specified in specs/1-identity.md, "Enrolment".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from identity.errors import ForgedProof, InvalidCertificate, InvalidKey, MalformedInput
from identity.keys import ED25519, P256, P384, PublicKey, public_key, signing_key
from identity.multibase import base64_decode, multibase_encode
from identity.x509 import der
from identity.x509.der import Reader
from identity.x509.extensions import NO_EXTENSIONS, Extensions, read_extensions

MAX_BASE64: Final = 4096
"""Characters of a certificate: 3,072 bytes of DER."""

_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_PRINTABLE = re.compile(r"[A-Za-z0-9 '()+,./:=?-]*", re.ASCII)  # X.680, section 41.4
_SERIAL_NUMBER = bytes.fromhex("550405")  # 2.5.4.5


class _Curve(NamedTuple):
    """y² = x³ - 3x + b over a prime field."""

    width: int
    prime: int
    b: int
    order: int
    codec: bytes


_CURVES: Final = {
    P256: _Curve(
        32,
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        b"\x80\x24",
    ),
    P384: _Curve(
        48,
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        b"\x81\x24",
    ),
}
_ED25519_CODEC: Final = b"\xed\x01"

# AlgorithmIdentifiers as whole values, since each has one spelling (RFC 5480, 5758, 8410).
_KEY_ALGORITHMS: Final = {
    bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107"): P256,
    bytes.fromhex("301006072a8648ce3d020106052b81040022"): P384,
    bytes.fromhex("300506032b6570"): ED25519,
}
_SIGNATURE_ALGORITHMS: Final = {
    bytes.fromhex("300a06082a8648ce3d040302"): P256,
    bytes.fromhex("300a06082a8648ce3d040303"): P384,
    bytes.fromhex("300506032b6570"): ED25519,
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of the profile. Nothing is said yet of who signed it."""

    serial: int
    """The certificate's own serial number, positive and of at most 20 octets."""
    issuer: bytes
    subject: bytes
    """Names as DER; they are compared byte by byte."""
    not_before: int
    not_after: int
    """Seconds since the epoch; both belong to the time in which it is valid."""
    multikey: str
    algorithm: str
    """Of the signature: that of the key which may have made it."""
    extensions: Extensions
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    """Raw, as `PublicKey.verify` takes it; of ECDSA with the lower s of the two."""

    @property
    def key(self) -> PublicKey:
        """The subject's key. Raises InvalidCertificate."""
        try:
            return public_key(self.multikey)
        except InvalidKey as refusal:
            raise InvalidCertificate(f"its key is refused: {refusal.detail}") from None

    @property
    def device_serial(self) -> str:
        """The serial that an enrolment goes by: the attribute serialNumber of the subject, which
        IEEE 802.1AR asks for, or the certificate's own serial number in upper-case hexadecimal of
        whole octets where the subject has none. Raises InvalidCertificate."""
        found = [value for type_, value in _attributes(self.subject) if type_ == _SERIAL_NUMBER]
        if not found:
            digits = f"{self.serial:X}"
            return digits.zfill(len(digits) + len(digits) % 2)
        if len(found) > 1:
            raise InvalidCertificate("its subject has two serial numbers")
        if not _SERIAL.fullmatch(found[0]):
            raise InvalidCertificate(
                "the serial number of its subject has characters that no code takes",
                hint="1 to 64 letters, digits, points, underscores and hyphens",
            )
        return found[0]

    def check_signature(self, key: PublicKey) -> None:
        """Raises InvalidCertificate unless that key, of the algorithm that the certificate names,
        has signed it."""
        if key.algorithm != self.algorithm:
            raise InvalidCertificate(
                f"a certificate signed with {self.algorithm} under an issuer with {key.algorithm}"
            )
        try:
            key.verify(self.signature, self.signed)
        except ForgedProof:
            raise InvalidCertificate("its issuer has not signed it") from None

    def check_time(self, now: int) -> None:
        """Raises InvalidCertificate outside its validity; `now` in seconds since the epoch."""
        if now < self.not_before:
            raise InvalidCertificate("a certificate that is not valid yet")
        if now > self.not_after:
            raise InvalidCertificate("a certificate that is no longer valid")


@lru_cache(maxsize=4_096)
def read_certificate(text: str) -> Certificate:
    """The certificate in base64 of its DER. Raises InvalidCertificate."""
    if len(text) > MAX_BASE64:
        raise InvalidCertificate(f"a certificate of more than {MAX_BASE64} characters")
    try:
        data = base64_decode(text)
    except MalformedInput as refusal:
        raise InvalidCertificate(refusal.detail) from None
    return parse_certificate(data)


def parse_certificate(data: bytes) -> Certificate:
    """The certificate in DER (RFC 5280, section 4.1). Raises InvalidCertificate."""
    outer = Reader(data)
    fields = outer.enter(der.SEQUENCE)
    outer.end()
    signed = fields.whole(der.SEQUENCE)
    identifier = fields.whole(der.SEQUENCE)
    signature = fields.bits()
    fields.end()
    algorithm = _SIGNATURE_ALGORITHMS.get(identifier)
    if algorithm is None:
        raise InvalidCertificate(
            "a signature algorithm that is not allowed",
            hint="ECDSA with P-256 and SHA-256, with P-384 and SHA-384, or Ed25519",
        )
    tbs = Reader(signed).enter(der.SEQUENCE)
    if tbs.tag != 0xA0:
        raise InvalidCertificate("a certificate of version 3 is expected")
    version = tbs.enter(0xA0)
    if version.integer() != 2:
        raise InvalidCertificate("a certificate of version 3 is expected")
    version.end()
    serial = tbs.integer()
    if not 0 < serial < 1 << 159:  # RFC 5280, 4.1.2.2: positive, at most 20 octets
        raise InvalidCertificate("a serial number that is not positive, or of more than 20 octets")
    if tbs.whole(der.SEQUENCE) != identifier:  # 4.1.1.2
        raise InvalidCertificate("two signature algorithms in one certificate")
    issuer = tbs.whole(der.SEQUENCE)
    not_before, not_after = _validity(tbs.whole(der.SEQUENCE))
    subject = tbs.whole(der.SEQUENCE)
    _attributes(issuer)
    _attributes(subject)
    multikey = _multikey(tbs.enter(der.SEQUENCE))
    extensions = read_extensions(tbs.whole(0xA3)) if tbs.more else NO_EXTENSIONS
    tbs.end()  # 4.1.2.8: no unique identifiers, which stand before the extensions
    return Certificate(
        serial,
        issuer,
        subject,
        not_before,
        not_after,
        multikey,
        algorithm,
        extensions,
        signed,
        _raw_signature(algorithm, signature),
    )


def _text(attribute: Reader) -> str:
    """A UTF8String, PrintableString or IA5String: what RFC 5280, section 4.1.2.4, still allows."""
    tag = attribute.tag
    if tag not in (der.UTF8_STRING, der.PRINTABLE_STRING, der.IA5_STRING):
        raise InvalidCertificate("a name with an attribute that is no text")
    try:
        text = attribute.content(tag).decode("utf-8" if tag == der.UTF8_STRING else "ascii")
    except UnicodeDecodeError:
        text = ""
    if not text or (tag == der.PRINTABLE_STRING and not _PRINTABLE.fullmatch(text)):
        raise InvalidCertificate("a name with an attribute that is no text")
    return text


@lru_cache(maxsize=4_096)
def _attributes(name: bytes) -> tuple[tuple[bytes, str], ...]:
    """Type and value of each attribute of a name (RFC 5280, section 4.1.2.4)."""
    found: list[tuple[bytes, str]] = []
    sets = Reader(name).enter(der.SEQUENCE)
    while sets.more:
        members = sets.enter(der.SET)
        before = b""
        while members.more:
            whole = members.whole(der.SEQUENCE)
            if whole <= before:  # X.690, 11.6: the members of a SET OF in ascending order
                raise InvalidCertificate("a name whose parts are not in order")
            before = whole
            attribute = Reader(whole).enter(der.SEQUENCE)
            found.append((attribute.identifier(), _text(attribute)))
            attribute.end()
        if not before:
            raise InvalidCertificate("a name with an empty part")
    return tuple(found)


_UTC_TIME = re.compile(rb"[0-9]{12}Z")
_GENERALIZED_TIME = re.compile(rb"[0-9]{14}Z")


@lru_cache(maxsize=1_024)
def _validity(data: bytes) -> tuple[int, int]:
    outer = Reader(data)
    times = outer.enter(der.SEQUENCE)
    found = _time(times), _time(times)
    times.end()
    return found


def _time(reader: Reader) -> int:
    """UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280, section 4.1.2.5)."""
    if reader.tag == der.UTC_TIME:
        return _seconds(reader.content(der.UTC_TIME), generalized=False)
    return _seconds(reader.content(der.GENERALIZED_TIME), generalized=True)


def _seconds(text: bytes, *, generalized: bool) -> int:
    try:
        if not (_GENERALIZED_TIME if generalized else _UTC_TIME).fullmatch(text):
            raise ValueError
        digits = text.decode("ascii")[:-1]
        if not generalized:
            digits = ("19" if digits >= "50" else "20") + digits
        elif digits < "2050":
            raise ValueError
        read = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return int(read.timestamp())
    except ValueError:
        raise InvalidCertificate("a time that RFC 5280 does not allow") from None


def _multikey(key: Reader) -> str:
    """The subject's key as a Multikey (RFC 5280, section 4.1.2.7)."""
    algorithm = _KEY_ALGORITHMS.get(key.whole(der.SEQUENCE))
    raw = key.bits()
    key.end()
    if algorithm is None:
        raise InvalidCertificate(
            "a key of a type that is not allowed", hint="P-256, P-384 or Ed25519"
        )
    if algorithm != ED25519:
        return multibase_encode(_compressed(_CURVES[algorithm], raw))
    multikey = multibase_encode(_ED25519_CODEC + raw)
    try:
        signing_key(multikey)
    except InvalidKey as refusal:
        raise InvalidCertificate(f"its key is refused: {refusal.detail}") from None
    return multikey


def _compressed(curve: _Curve, point: bytes) -> bytes:
    """Codec and compressed form of an uncompressed point (RFC 5480, section 2.2).

    Whether it lies on the curve must be found out here: of the compressed form only x is left, and
    another y would pass for the one that the curve has there.
    """
    x = int.from_bytes(point[1 : 1 + curve.width], "big")
    y = int.from_bytes(point[1 + curve.width :], "big")
    if (
        len(point) != 1 + 2 * curve.width
        or point[0] != 4
        or not (x < curve.prime and y < curve.prime)
        or (y * y - x * x * x + 3 * x - curve.b) % curve.prime
    ):
        raise InvalidCertificate("its key is no uncompressed point of its curve")
    return curve.codec + bytes([2 + (y & 1)]) + point[1 : 1 + curve.width]


def _raw_signature(algorithm: str, signature: bytes) -> bytes:
    """A signature as `PublicKey.verify` takes it.

    ECDSA-Sig-Value is DER (RFC 5758, section 3.2). Of (r, s) and (r, n - s), which verify both or
    neither, certificates have either, since X.509 asks for none: the lower s is put in its place.
    Nothing is found or counted by a certificate's signature, so that this opens no second way.
    """
    if algorithm == ED25519:
        return signature
    curve = _CURVES[algorithm]
    outer = Reader(signature)
    fields = outer.enter(der.SEQUENCE)
    outer.end()
    r, s = fields.integer(), fields.integer()
    fields.end()
    if not (0 < r < curve.order and 0 < s < curve.order):
        raise InvalidCertificate("r or s of its signature is out of range")
    s = min(s, curve.order - s)
    return r.to_bytes(curve.width, "big") + s.to_bytes(curve.width, "big")
