"""A factory: a root, an issuing authority below it, and any number of devices with certificates.

    factory = Factory(Seed(7))
    factory.scope("https://id.gs1.org/01/09524187300015/21/{serial}", quota=10_000)
    device = factory.device(17)                      # serial, certificate, key (IEEE 802.1AR)

Certificates are made by `cryptography`, which is not what reads them in the rule book. Everything
follows from the seed, so that other processes make the same devices: `make_registrations` is what
one of them does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from identity.jcs import Json
from identity.keys import ED25519, P256, PrivateKey
from identity.members import parse_time
from identity.multibase import base64_encode
from resolver.enrolling import enrolment_body, unsigned_enrolment
from resolver.simulator.seed import Seed
from resolver.simulator.signing import Signed

_Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

MODEL = "F-1"
_BEGINS = datetime(2024, 1, 1, tzinfo=UTC)
_ENDS = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # what IEEE 802.1AR has for "never"


@dataclass(frozen=True, slots=True)
class FactoryDevice:
    """A device as it leaves the factory."""

    serial: str
    certificate: str
    """Base64 of DER."""
    key: PrivateKey


class Factory:
    """The certificate authorities of one seed, and the devices that they certify."""

    def __init__(self, seed: Seed, algorithm: str = P256) -> None:
        """`algorithm` is that of the devices' keys: P-256 or Ed25519."""
        self._seed = seed
        self._algorithm = algorithm
        self._root = _certifying(seed.key("factory root", algorithm=P256))
        self._issuing = _certifying(seed.key("factory issuing", algorithm=P256))
        root, issuing = _name("Factory Root CA"), _name("Factory Issuing CA")
        self._issuer = issuing
        self.anchor = self._authority(root, self._root, root, self._root, 1)
        self.intermediates = [self._authority(issuing, self._issuing, root, self._root, 0)]

    def _authority(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Name,
        signer: ec.EllipticCurvePrivateKey,
        length: int,
    ) -> str:
        builder = _builder(
            subject, key.public_key(), issuer, self._seed.number(2**63, "ca", length)
        )
        builder = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=length), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        )
        return _signed(builder, signer)

    def scope(self, scheme: str, template: str, quota: int) -> dict[str, Json]:
        """The scope of a grant to enrol its devices."""
        return {
            "scheme": scheme,
            "template": template,
            "models": [MODEL],
            "anchor": self.anchor,
            "intermediates": list(self.intermediates),
            "quota": quota,
        }

    def device(self, n: int) -> FactoryDevice:
        """Device number n."""
        serial = f"F{n:07}"
        key = self._seed.key("idevid", n, algorithm=self._algorithm)
        public = _public(key)
        builder = _builder(_name("Factory device", serial), public, self._issuer, n + 1)
        builder = builder.add_extension(_usage(authority=False), critical=True).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._issuing.public_key()), False
        )
        return FactoryDevice(serial, _signed(builder, self._issuing), key)


def _name(common: str, serial: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    parts += [x509.NameAttribute(NameOID.SERIAL_NUMBER, serial)] if serial else []
    return x509.Name(parts)


def _certifying(key: PrivateKey) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(key.secret(), "big"), ec.SECP256R1())


def _public(key: PrivateKey) -> _Public:
    if key.public.algorithm == ED25519:
        return ed25519.Ed25519PublicKey.from_public_bytes(key.public.raw)
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public.raw)


def _builder(
    subject: x509.Name, key: _Public, issuer: x509.Name, number: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(number)
        .not_valid_before(_BEGINS)
        .not_valid_after(_ENDS)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> str:
    made = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    return base64_encode(made.public_bytes(Encoding.DER))


@dataclass(frozen=True, slots=True)
class Line:
    """What another process needs to make registrations: nothing of it is secret but the seed."""

    seed: int
    algorithm: str
    ledger: str
    grant: dict[str, Any]
    """The record of the grant: its name, holder, scheme and template."""
    created: str


def make_registrations(line: Line, numbers: range) -> list[Signed]:
    """The registrations of some devices, each signed by the one key that it has so far: that of its
    certificate, which stays its key until it is rotated."""
    seed = Seed(line.seed)
    factory = Factory(seed, line.algorithm)
    return [_registration(line, seed, factory.device(n), n) for n in numbers]


def _registration(line: Line, seed: Seed, device: FactoryDevice, n: int) -> Signed:
    following = seed.key("device", n, 1)
    number = f"144{seed.number(10**3, 'block'):03}{n:07}"
    about: dict[str, Json] = {
        "object": {
            "model": MODEL,
            "sector": {"domain": "production", "field": "industry", "category": "C4016"},
            "ipv6": "enabled",
        },
        "number": {"scheme": "msisdn-cn-iot", "value": number},
        "keys": [device.key.public.multikey],
        "next": [following.public.thumbprint],
    }
    body = enrolment_body(line.grant, device.certificate, about)
    prepared = unsigned_enrolment(
        line.ledger, body, parse_time(line.created), seed.source("salt", "idevid", n)
    )
    (wanted,) = prepared.signing
    signed = prepared.signed({wanted.method: device.key.sign(wanted.input)})
    operation = {**signed.operation, "proof": list(signed.proofs)}
    return Signed(operation, list(signed.disclosures), prepared.hash)
