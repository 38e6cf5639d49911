"""Admission: what can be checked only on a value that is disclosed, before the rules see a hash.

Check digits of numbers, the prefix of a committed code, the form of a serial. An audit cannot
repeat these once a disclosure is erased, so nothing here decides anything that the rule book
decides; the specification lists the checks (specs/2-registry.md, "Admission").

Uniqueness of committed values rests on a keyed hash (registry/uniqueness.py). The key is the
operator's; the hashes stand in the entry's `unique`, so that a replay needs no secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from identity.bodies import (
    CorrectBody,
    DeviceBody,
    DeviceUpdateBody,
    OrganizationBody,
    OrganizationUpdateBody,
    RebindBody,
)
from identity.disclosure import CODE, DATA, NUMBER, SERIAL, Disclosure
from identity.errors import (
    CheckDigitWrong,
    InvalidCertificate,
    InvalidDisclosure,
    InvalidIdentifier,
    MalformedCode,
)
from identity.jcs import Json
from identity.members import CommittedCode, CommittedNumber, DataRecord
from identity.operation import AnyOperation
from identity.x509.certificate import read_certificate
from registry.schemes import Schemes

UniqueHash = Callable[[str, str, Json], str]
"""(kind, scheme, canonical value) -> keyed hash, base64url."""

MAX_SERIAL = 64
_SERIAL = re.compile(f"[!-~]{{1,{MAX_SERIAL}}}")


def admit(
    operation: AnyOperation,
    disclosures: Mapping[str, Disclosure],
    schemes: Schemes,
    unique: UniqueHash,
) -> dict[str, str]:
    """The keyed hashes of the operation's committed values, by JSON pointer.

    Raises InvalidDisclosure for one that is missing, does not fit its commitment or commits to
    nothing here, and InvalidIdentifier for a value that its scheme refuses.
    """
    opened = _Opened(disclosures)
    body = operation.body
    hashes: dict[str, str] = {}
    if isinstance(body, DeviceBody):
        serial = opened.at(SERIAL, body.object.serial)
        _check_serial(serial)
        _check_enrolled(body, serial)
        hashes[SERIAL] = unique("object", body.object.maker, [body.object.model, serial])
    if isinstance(body, DeviceBody | CorrectBody) and isinstance(body.code, CommittedCode):
        value = opened.at(CODE, body.code.commitment)
        _check_committed_code(body.code, value, schemes)
        hashes[CODE] = unique("code", body.code.scheme, value)
    if isinstance(body, DeviceBody | RebindBody) and isinstance(body.number, CommittedNumber):
        value = opened.at(NUMBER, body.number.commitment)
        _check_canonical(schemes, body.number.scheme, value, NUMBER)
        hashes[NUMBER] = unique("number", body.number.scheme, value)
    if isinstance(body, DeviceBody | DeviceUpdateBody) and isinstance(body.data, DataRecord):
        if body.data.grade == "core" and DATA in disclosures:
            raise InvalidDisclosure(
                "core data does not travel: nothing of it is kept here",
                pointer=DATA,
                hint="send the commitment alone; `tetrad data commit` makes it",
            )
        opened.if_any(DATA, body.data.commitment)
    if isinstance(body, OrganizationBody | OrganizationUpdateBody):
        _check_uscc(body.uscc)
    opened.all_used()
    return hashes


class _Opened:
    """Disclosures, of which each must fit a commitment and none may be left over."""

    def __init__(self, disclosures: Mapping[str, Disclosure]) -> None:
        self._left = dict(disclosures)

    def at(self, pointer: str, commitment: str) -> str:
        """The value that is committed to at a pointer. Raises InvalidDisclosure."""
        disclosure = self._left.pop(pointer, None)
        if disclosure is None:
            raise InvalidDisclosure(
                "the value that is committed to here must be disclosed",
                pointer=pointer,
                hint="send its disclosure in `disclosures`, beside the operation",
            )
        if disclosure.digest != commitment:
            raise InvalidDisclosure("the disclosure is not of this commitment", pointer=pointer)
        return disclosure.value

    def if_any(self, pointer: str, commitment: str) -> None:
        """As `at`, for a value that need not be disclosed."""
        if pointer in self._left:
            self.at(pointer, commitment)

    def all_used(self) -> None:
        """Raises InvalidDisclosure for one that the operation does not commit to."""
        for pointer in sorted(self._left):
            raise InvalidDisclosure("this operation commits to nothing here", pointer=pointer)


def _check_serial(serial: str) -> None:
    if not _SERIAL.fullmatch(serial):
        raise InvalidDisclosure(
            f"a serial has 1 to {MAX_SERIAL} printable ASCII characters and no spaces",
            pointer=SERIAL,
        )


def _check_enrolled(body: DeviceBody, serial: str) -> None:
    """The serial is the certificate's: no device enrols itself under another's name."""
    if body.enrolment is None:
        return
    try:
        shown = read_certificate(body.enrolment.certificate).device_serial
    except InvalidCertificate as error:
        error.pointer = "/body/enrolment/certificate"
        raise
    if serial != shown:
        raise InvalidDisclosure(
            "the serial is not the one that the certificate says",
            pointer=SERIAL,
            hint=f"an enrolled device has its certificate's serial: {shown}",
        )


def _check_canonical(schemes: Schemes, scheme: str, value: str, pointer: str) -> None:
    try:
        canonical = schemes.canonical(scheme, value)
    except InvalidIdentifier as error:
        error.pointer = pointer
        raise
    if canonical != value:
        raise MalformedCode(
            "the disclosed value is not in canonical form",
            pointer=pointer,
            hint=f"disclose {canonical!r}",
        )


def _check_committed_code(code: CommittedCode, value: str, schemes: Schemes) -> None:
    _check_canonical(schemes, code.scheme, value, CODE)
    prefix = schemes.prefix_segments(code.scheme, code.prefix)
    if schemes.segments(code.scheme, value)[: len(prefix)] != prefix:
        raise InvalidDisclosure(
            "the disclosed code does not lie under the prefix that is shown",
            pointer="/body/code/prefix",
        )


_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def _check_uscc(uscc: str | None) -> None:
    """GB 32100-2015: 31 characters, weights 3^i mod 31, the last one brings the sum to 0."""
    if uscc is None:
        return
    places = [_USCC.find(letter) for letter in uscc]
    if -1 in places or sum(place * pow(3, i, 31) for i, place in enumerate(places[:17])) % 31 != (
        -places[17] % 31
    ):
        raise CheckDigitWrong(
            "not a unified social credit code: its check character is wrong", pointer="/body/uscc"
        )
