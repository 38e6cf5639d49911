"""Paths of certificates: from a trusted CA down to a device (RFC 5280, section 6; IEEE 802.1AR).

    authorities = read_authorities(anchor, intermediates)     # verified once, and kept
    authorities.check_time(now)
    authorities.check_leaf(read_certificate("MIIB…"), now)    # one signature, however long the path

The checks are these and no others, in the order of specs/1-identity.md, "Enrolment": a replay of a
ledger depends on them, and on nothing that a library may decide otherwise in its next version.
Nothing is fetched: what was revoked is told by the ledger. Pure; times are arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from identity.errors import InvalidCertificate
from identity.x509.certificate import Certificate, read_certificate
from identity.x509.extensions import DIGITAL_SIGNATURE, KEY_CERT_SIGN

MAX_INTERMEDIATES = 4


class _Issuer(NamedTuple):
    """A CA, and those above it, from the nearest up to the anchor."""

    certificate: Certificate
    above: tuple[Certificate, ...]


class Authorities:
    """An anchor and the CAs below it, each of which another one has signed."""

    def __init__(self, anchor: Certificate, intermediates: Sequence[Certificate]) -> None:
        """Raises InvalidCertificate, with the place in the scope that it is about."""
        self._by_name: dict[bytes, _Issuer] = {}
        with _at("/anchor"):
            _check_authority(anchor)
            if anchor.issuer == anchor.subject:
                # A name trusts itself: no security, but the granter has named what it has read.
                anchor.check_signature(anchor.key)
            anchor.key  # noqa: B018 - it is refused here rather than with the first device
        self._by_name[anchor.subject] = _Issuer(anchor, ())
        for place, one in enumerate(intermediates):
            with _at(f"/intermediates/{place}"):
                self._add(one)

    def _add(self, certificate: Certificate) -> None:
        _check_authority(certificate)
        if certificate.subject in self._by_name:
            raise InvalidCertificate(
                "two certificate authorities of one name", hint="grant the second one on its own"
            )
        issuer = self._issuer(certificate)
        certificate.check_signature(issuer.certificate.key)
        certificate.key  # noqa: B018 - as above
        above = (issuer.certificate, *issuer.above)
        self._by_name[certificate.subject] = _Issuer(certificate, above)

    def _issuer(self, certificate: Certificate) -> _Issuer:
        """Who has issued a certificate, as it says: names, key identifiers, path lengths."""
        found = self._by_name.get(certificate.issuer)
        if found is None:
            raise InvalidCertificate(
                "its issuer is none of the certificate authorities that stand before it",
                hint="name the anchor first, then each authority below the one that issued it",
            )
        named, own = certificate.extensions.authority_key, found.certificate.extensions.subject_key
        if named is not None and own is not None and named != own:
            raise InvalidCertificate("its issuer has another key than it names")
        below = int(certificate.extensions.authority)
        for distance, one in enumerate((found.certificate, *found.above), below):
            if one.extensions.path_length is not None and one.extensions.path_length < distance:
                raise InvalidCertificate("a path that is longer than one above it allows")
        return found

    def check_time(self, now: int) -> None:
        """Raises InvalidCertificate where one of them is out of its time."""
        for place, issuer in enumerate(self._by_name.values()):
            with _at(f"/intermediates/{place - 1}" if place else "/anchor"):
                issuer.certificate.check_time(now)

    def check_leaf(self, leaf: Certificate, now: int) -> None:
        """Raises InvalidCertificate unless one of these has issued a device's certificate, all on
        the path are in their time, and what the certificate is for is to sign."""
        said = leaf.extensions
        if said.authority or said.usage is None or said.usage & KEY_CERT_SIGN:
            raise InvalidCertificate(
                "a certificate authority's certificate, or one without key usage, is no device's"
            )
        if not said.usage & DIGITAL_SIGNATURE:
            raise InvalidCertificate("its key is not for signatures")
        issuer = self._issuer(leaf)
        leaf.check_time(now)
        for one in (issuer.certificate, *issuer.above):
            one.check_time(now)
            if leaf.subject == one.subject or leaf.multikey == one.multikey:
                raise InvalidCertificate("a device with the name or the key of an authority")
        leaf.check_signature(issuer.certificate.key)


def _check_authority(certificate: Certificate) -> None:
    """A CA says that it is one, and that its key signs certificates (RFC 5280, 6.1.4 k to n)."""
    said = certificate.extensions
    if not said.authority or not said.constraints_critical:
        raise InvalidCertificate("no certificate authority's: basic constraints, critical, say so")
    if said.usage is None or not said.usage & KEY_CERT_SIGN:
        raise InvalidCertificate("its key is not for signing certificates")
    if certificate.subject == b"\x30\x00":
        raise InvalidCertificate("a certificate authority without a name")


class _at:  # noqa: N801 - read as a word: with _at("/anchor")
    """Errors with a pointer to the certificate that they are about."""

    def __init__(self, pointer: str) -> None:
        self._pointer = pointer

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, InvalidCertificate):
            error.pointer = error.pointer or self._pointer


@lru_cache(maxsize=256)
def read_authorities(anchor: str, intermediates: tuple[str, ...]) -> Authorities:
    """The authorities out of base64 of DER, as a grant has them; verified once, and kept.

    Raises InvalidCertificate, with a pointer to the one that does not hold.
    """
    if len(intermediates) > MAX_INTERMEDIATES:
        raise InvalidCertificate(f"at most {MAX_INTERMEDIATES} intermediates")
    with _at("/anchor"):
        first = read_certificate(anchor)
    read: list[Certificate] = []
    for place, text in enumerate(intermediates):
        with _at(f"/intermediates/{place}"):
            read.append(read_certificate(text))
    return Authorities(first, read)
