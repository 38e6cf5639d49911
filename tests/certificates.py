"""Certificates for tests, encoded here: what a library would not write can be written as well.

    root = authority("root")
    leaf = device("SN-1", below=root)                  # DER
    leaf = device("SN-1", below=root, version=1)       # any member, replaced

Keys follow from names, signatures are deterministic, times are fixed: the same call gives the same
bytes. Values are DER as they are given: `tlv` encodes, and encodes whatever it is told to.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256, sha512
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from identity.keys import PrivateKey, private_key

BEGINS, ENDS = "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z"
ALGORITHMS = {
    "P-256": "300a06082a8648ce3d040302",
    "P-384": "300a06082a8648ce3d040303",
    "Ed25519": "300506032b6570",
}
KEYS = {
    "P-256": "301306072a8648ce3d020106082a8648ce3d030107",
    "P-384": "301006072a8648ce3d020106052b81040022",
    "Ed25519": "300506032b6570",
}
ORDERS = {
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P-384": 2**384 - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D,
}
COMMON_NAME, SERIAL_NUMBER = "550403", "550405"
SUBJECT_KEY, KEY_USAGE, BASIC_CONSTRAINTS = "551d0e", "551d0f", "551d13"
AUTHORITY_KEY, EXTENDED_USAGE, NAME_CONSTRAINTS = "551d23", "551d25", "551d1e"
SIGNS, SIGNS_CERTIFICATES, BOTH = "03020780", "03020204", "03020284"
CLIENT, SERVER = "300a06082b06010505070302", "300a06082b06010505070301"


def key(label: str, algorithm: str) -> PrivateKey:
    """The key of that name."""
    width = 48 if algorithm == "P-384" else 32
    return private_key(algorithm, sha512(f"certificate {label}".encode()).digest()[:width])


def tlv(tag: int, *content: bytes) -> bytes:
    """A value with the shortest length."""
    data = b"".join(content)
    if len(data) < 0x80:
        return bytes([tag, len(data)]) + data
    octets = len(data).to_bytes(1 if len(data) < 0x100 else 2, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + data


def integer(value: int) -> bytes:
    """An INTEGER."""
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def named(*parts: tuple[str, str, int]) -> bytes:
    """A name: attribute types in hexadecimal, texts, tags of the texts."""
    sets = [
        tlv(0x31, tlv(0x30, tlv(6, bytes.fromhex(type_)), tlv(tag, text.encode())))
        for type_, text, tag in parts
    ]
    return tlv(0x30, *sets)


def name(common: str, serial: str | None = None) -> bytes:
    """A name with a common name and perhaps a serial number."""
    parts = [(COMMON_NAME, common, 0x0C)]
    parts += [(SERIAL_NUMBER, serial, 0x13)] if serial is not None else []
    return named(*parts)


def time(text: str) -> bytes:
    """UTCTime through 2049, GeneralizedTime from then on."""
    read = datetime.fromisoformat(text).astimezone(UTC)
    if read.year < 2050:
        return tlv(0x17, read.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, read.strftime("%Y%m%d%H%M%SZ").encode())


def extension(type_: str, value: bytes | str, *, critical: bool = False) -> bytes:
    """An extension around a value, which may be given in hexadecimal."""
    inner = bytes.fromhex(value) if isinstance(value, str) else value
    flag = b"\x01\x01\xff" if critical else b""
    return tlv(0x30, tlv(6, bytes.fromhex(type_)), flag, tlv(4, inner))


def key_info(private: PrivateKey) -> bytes:
    """A SubjectPublicKeyInfo, with an uncompressed point."""
    public = private.public
    raw = public.raw
    if public.algorithm != "Ed25519":
        curve = (ec.SECP256R1 if public.algorithm == "P-256" else ec.SECP384R1)()
        numbers = ec.EllipticCurvePublicKey.from_encoded_point(curve, raw).public_numbers()
        width = len(raw) - 1
        raw = b"\x04" + numbers.x.to_bytes(width, "big") + numbers.y.to_bytes(width, "big")
    return tlv(0x30, bytes.fromhex(KEYS[public.algorithm]), tlv(3, b"\x00", raw))


def key_id(private: PrivateKey) -> bytes:
    """A key identifier."""
    return sha256(private.public.raw).digest()[:20]


def signature(private: PrivateKey, message: bytes, *, high: bool = False) -> bytes:
    """A signature as certificates have it; of ECDSA with the higher s when asked for."""
    raw = private.sign(message)
    if private.public.algorithm == "Ed25519":
        return raw
    width = len(raw) // 2
    r, s = int.from_bytes(raw[:width], "big"), int.from_bytes(raw[width:], "big")
    return encode_dss_signature(r, ORDERS[private.public.algorithm] - s if high else s)


@dataclass(frozen=True)
class Authority:
    """A certificate authority: its name, key and certificate."""

    name: bytes
    private: PrivateKey
    der: bytes

    @property
    def text(self) -> str:
        """Its certificate as an operation has it."""
        return b64encode(self.der).decode()


def certificate(
    private: PrivateKey,
    subject: bytes,
    issuer: bytes,
    signer: PrivateKey,
    extensions: list[bytes],
    **members: Any,
) -> bytes:
    """DER; `members` replace what is encoded: version, number, identifier (of the tbs),
    algorithm_identifier, begins, ends, spki, unique, high, signature, tail."""
    identifier = bytes.fromhex(ALGORITHMS[signer.public.algorithm])
    serial = members.get("number", 0x1000 + int.from_bytes(sha256(subject).digest()[:6], "big"))
    version = members.get("version", 2)
    tbs = tlv(
        0x30,
        b"" if version is None else tlv(0xA0, integer(version)),
        integer(serial),
        members.get("identifier", identifier),
        issuer,
        tlv(0x30, time(members.get("begins", BEGINS)), time(members.get("ends", ENDS))),
        subject,
        members.get("spki", key_info(private)),
        members.get("unique", b""),
        tlv(0xA3, tlv(0x30, *extensions)) if extensions else b"",
    )
    made = members.get("signature") or signature(signer, tbs, high=members.get("high", False))
    again = members.get("algorithm_identifier", identifier)
    tail: bytes = members.get("tail", b"")
    return tlv(0x30, tbs, again, tlv(3, b"\x00", made)) + tail


def replaced(extensions: dict[str, bytes], changes: dict[str, bytes | None]) -> list[bytes]:
    """Extensions by type, some replaced, added, or left out."""
    return [one for one in {**extensions, **changes}.values() if one is not None]


def authority(
    label: str,
    *,
    below: Authority | None = None,
    algorithm: str = "P-256",
    length: int | None = None,
    subject: bytes | None = None,
    changes: dict[str, bytes | None] | None = None,
    **members: Any,
) -> Authority:
    """A certificate authority; `length` is its path length, `changes` are to its extensions."""
    private = key(f"ca/{label}", algorithm)
    own = subject if subject is not None else name(label)
    issuer, signer = (below.name, below.private) if below else (own, private)
    limit = b"" if length is None else integer(length)
    extensions = {
        BASIC_CONSTRAINTS: extension(
            BASIC_CONSTRAINTS, tlv(0x30, b"\x01\x01\xff", limit), critical=True
        ),
        KEY_USAGE: extension(KEY_USAGE, SIGNS_CERTIFICATES, critical=True),
        SUBJECT_KEY: extension(SUBJECT_KEY, tlv(4, key_id(private))),
        AUTHORITY_KEY: extension(AUTHORITY_KEY, tlv(0x30, tlv(0x80, key_id(signer)))),
    }
    made = certificate(private, own, issuer, signer, replaced(extensions, changes or {}), **members)
    return Authority(own, private, made)


def leaf_key(serial: str, algorithm: str = "P-256") -> PrivateKey:
    """The key of the device with that serial."""
    return key(f"idevid/{serial}", algorithm)


def device(
    serial: str,
    *,
    below: Authority,
    algorithm: str = "P-256",
    private: PrivateKey | None = None,
    subject: bytes | None = None,
    issuer: bytes | None = None,
    changes: dict[str, bytes | None] | None = None,
    **members: Any,
) -> bytes:
    """The certificate of a device, in DER."""
    own = private or leaf_key(serial, algorithm)
    extensions = {
        KEY_USAGE: extension(KEY_USAGE, SIGNS, critical=True),
        AUTHORITY_KEY: extension(AUTHORITY_KEY, tlv(0x30, tlv(0x80, key_id(below.private)))),
    }
    return certificate(
        own,
        subject if subject is not None else name("device", serial),
        issuer if issuer is not None else below.name,
        below.private,
        replaced(extensions, changes or {}),
        **members,
    )
