"""The plain values of a description, and what becomes of them in an operation's body.

    code      "(01)09506000134352(21)M-0017"              -> {"scheme": "gs1", "value": "https://…"}
    anchor    likewise, of links                          -> {"scheme", "value"}
    code      {"scheme": "vin", "value": "1HGCM82633A004352"} -> scheme, prefix, commitment
    number    "+8613800138000", {"scheme", "value"}       -> {"scheme", "commitment"}, or "none"
    serial    "SN000017"                                  -> its commitment
    data      {…, "content": any JSON}                    -> {…, "commitment"}
    next      Multikeys                                   -> their thumbprints
    enrolment.certificate   PEM                           -> base64 of its DER, the serial out of it

What is a commitment already stays as it is; its disclosure is then for the caller to add.
`recovery`, `number` and `data` that are left out become "none". Specified in specs/2-registry.md,
"Prepare".
"""

from __future__ import annotations

from collections.abc import Callable

from identity.disclosure import CODE, DATA, NUMBER, SERIAL, Disclosure, disclose
from identity.errors import (
    AmbiguousCode,
    InvalidCertificate,
    InvalidDisclosure,
    InvalidIdentifier,
    MalformedCode,
    SchemaViolation,
    TetradError,
    UnknownScheme,
)
from identity.jcs import Json, canonicalize
from identity.keys import public_key
from identity.x509.certificate import read_certificate
from identity.x509.pem import one_certificate
from resolver.schemes import Code, SchemeTable
from resolver.schemes.plain_text import plain

Random = Callable[[int], bytes]

_CERTIFICATE = "/body/enrolment/certificate"
_WITH_RECOVERY = ("organization.register", "device.register", "recovery.begin", "transfer.accept")
_WITH_NEXT = (*_WITH_RECOVERY, "keys.rotate", "registry.update")
_WITH_DATA = ("device.register", "device.update")
_WITH_CODE = ("device.register", "code.correct")
_WITH_NUMBER = ("device.register", "number.rebind")


def plain_body(
    kind: str, body: Json, schemes: SchemeTable, random: Random
) -> tuple[dict[str, Json], list[Disclosure]]:
    """The body of an operation of this type, and the disclosures of what it commits to.

    Raises SchemaViolation, InvalidIdentifier, InvalidKey, InvalidCertificate or InvalidDisclosure,
    with a pointer below /body.
    """
    if not isinstance(body, dict):
        raise SchemaViolation("a JSON object is expected", pointer="/body")
    plain = _Plain(dict(body), schemes, random)
    if kind in _WITH_RECOVERY:
        plain.body.setdefault("recovery", "none")
        plain.recovery()
    if kind == "device.register":
        plain.body.setdefault("number", "none")
        plain.body.setdefault("data", "none")
        plain.enrolment()
        plain.serial()
    if kind in _WITH_CODE:
        plain.code()
    if kind == "links.set":
        plain.anchor()
    if kind in _WITH_NUMBER:
        plain.number()
    if kind in _WITH_DATA:
        plain.data()
    if kind in _WITH_NEXT:
        plain.next()
    return plain.body, plain.disclosures


def read_code(value: Json, schemes: SchemeTable) -> Code:
    """A code from text or `{"scheme", "value"}`. Raises InvalidIdentifier, SchemaViolation."""
    if isinstance(value, str):
        return schemes.read(value)
    scheme, text = _scheme_and_value(value)
    return schemes.read(text, scheme)


def read_number(value: Json, schemes: SchemeTable) -> Code:
    """A number from `{"scheme", "value"}`, from "iccid:8986…", or from text that one scheme allows.

    Raises InvalidIdentifier (AmbiguousCode where several do) and SchemaViolation.
    """
    if not isinstance(value, str):
        scheme, text = _scheme_and_value(value)
    else:
        named, colon, rest = value.partition(":")
        if colon and named in schemes.names():
            scheme, text = named, rest
        else:
            found = schemes.recognize_number(plain(value, private=True))
            if len(found) == 1:
                return found[0]
            names = ", ".join(number.scheme for number in found)
            if found:
                raise AmbiguousCode(
                    f"a valid value of {len(found)} schemes: {names}",
                    hint="name the scheme, as in imei:…",
                    candidates=[number.scheme for number in found],
                )
            raise UnknownScheme("no scheme recognizes this number", hint="name it, as in msisdn:…")
    if not schemes.is_number(scheme):
        raise MalformedCode(f"{scheme} is not a scheme of numbers", scheme=scheme)
    return schemes.read(text, scheme)


def shortest_prefix(code: Code, schemes: SchemeTable) -> str:
    """The shortest beginning of a code that a sandbox would grant: a maker's block, mostly."""
    segments = schemes.segments(code.scheme, code.value)
    depth = schemes.minimal_prefix_depth(code.scheme)
    for length in range(1, len(code.value)):
        try:
            prefix = schemes.prefix_segments(code.scheme, code.value[:length])
        except InvalidIdentifier:
            continue
        if len(prefix) >= depth and segments[: len(prefix)] == prefix:
            return code.value[:length]
    raise MalformedCode("say which prefix of the code to show", scheme=code.scheme)


def committed_data(value: dict[str, Json], random: Random) -> tuple[dict[str, Json], Disclosure]:
    """A data record with the commitment to its `content` in the place of it, and the disclosure,
    without which nobody can show later what was committed to. Raises SchemaViolation."""
    if "content" not in value:
        raise SchemaViolation("the content is expected: any JSON", pointer="/content")
    record = {name: member for name, member in value.items() if name != "content"}
    disclosure = disclose(DATA, canonicalize(value["content"]).decode("utf-8"), random)
    record.setdefault("endpoints", [])
    record.setdefault("version", 1)
    record["commitment"] = disclosure.digest
    return record, disclosure


class _Plain:
    """A body on the way from plain values to commitments."""

    def __init__(self, body: dict[str, Json], schemes: SchemeTable, random: Random) -> None:
        self.body = body
        self.disclosures: list[Disclosure] = []
        self._schemes = schemes
        self._random = random

    def _commit(self, name: str, value: str) -> str:
        disclosure = disclose(name, value, self._random)
        self.disclosures.append(disclosure)
        return disclosure.digest

    def enrolment(self) -> None:
        """/enrolment: its certificate as PEM or base64; the device's serial is the certificate's
        where none is given."""
        value = self.body.get("enrolment")
        if not isinstance(value, dict):
            return
        text = value.get("certificate")
        if not isinstance(text, str):
            raise SchemaViolation("a certificate is expected, as text", pointer=_CERTIFICATE)
        try:
            if "-----BEGIN" in text:
                text = one_certificate(text.encode())
            serial = read_certificate(text).device_serial
        except InvalidCertificate as error:
            error.pointer = _CERTIFICATE
            raise
        self.body["enrolment"] = {**value, "certificate": text}
        described = self.body.get("object")
        if isinstance(described, dict):
            self.body["object"] = {"serial": serial, **described}

    def serial(self) -> None:
        """/object/serial, always a plain text."""
        described = self.body.get("object")
        if not isinstance(described, dict):
            raise SchemaViolation("a JSON object is expected", pointer="/body/object")
        serial = described.get("serial")
        if not isinstance(serial, str):
            raise SchemaViolation("the serial is expected, as text", pointer=SERIAL)
        self.body["object"] = {**described, "serial": self._commit(SERIAL, serial)}

    def code(self) -> None:
        """/code: recognized, canonical, committed where its scheme is private."""
        value = self.body.get("code")
        if isinstance(value, dict) and "commitment" in value:
            return
        try:
            code = read_code(value, self._schemes)
            if self._schemes.is_number(code.scheme):
                raise MalformedCode(f"{code.scheme} is a scheme of numbers", scheme=code.scheme)
            if not self._schemes.is_committed(code.scheme):
                self.body["code"] = {"scheme": code.scheme, "value": code.value}
                return
            prefix = value.get("prefix") if isinstance(value, dict) else None
            self.body["code"] = {
                "scheme": code.scheme,
                "prefix": prefix or shortest_prefix(code, self._schemes),
                "commitment": self._commit(CODE, code.value),
            }
        except TetradError as error:
            error.pointer = "/body/code"
            raise

    def anchor(self) -> None:
        """/anchor: recognized, and canonical."""
        try:
            code = read_code(self.body.get("anchor"), self._schemes)
        except TetradError as error:
            error.pointer = "/body/anchor"
            raise
        self.body["anchor"] = {"scheme": code.scheme, "value": code.value}

    def number(self) -> None:
        """/number: never in clear."""
        value = self.body.get("number")
        if value == "none" or (isinstance(value, dict) and "commitment" in value):
            return
        try:
            number = read_number(value, self._schemes)
        except TetradError as error:
            error.pointer = "/body/number"
            raise
        commitment = self._commit(NUMBER, number.value)
        self.body["number"] = {"scheme": number.scheme, "commitment": commitment}

    def data(self) -> None:
        """/data: its content is committed to as canonical JSON text."""
        value = self.body.get("data")
        if not isinstance(value, dict) or "content" not in value:
            return
        if value.get("grade") == "core":
            raise InvalidDisclosure(
                "core data does not travel: commit to it where it is",
                pointer="/body/data/content",
                hint="tetrad data commit FILE writes the record without its content",
            )
        self.body["data"], disclosure = committed_data(value, self._random)
        self.disclosures.append(disclosure)

    def next(self) -> None:
        """/next: keys given whole become thumbprints."""
        if "next" in self.body:
            self.body["next"] = _thumbprints(self.body["next"], "/body/next")

    def recovery(self) -> None:
        """/recovery/keys: likewise."""
        quorum = self.body["recovery"]
        if isinstance(quorum, dict) and "keys" in quorum:
            shares = _thumbprints(quorum["keys"], "/body/recovery/keys")
            self.body["recovery"] = {**quorum, "keys": shares}


def _thumbprints(listed: Json, pointer: str) -> Json:
    if not isinstance(listed, list):
        return listed
    return [_thumbprint(key, f"{pointer}/{place}") for place, key in enumerate(listed)]


def _thumbprint(key: Json, pointer: str) -> Json:
    if not isinstance(key, str) or key.startswith("zQm"):
        return key
    try:
        return public_key(key).thumbprint
    except TetradError as error:
        error.pointer = pointer
        raise


def _scheme_and_value(value: Json) -> tuple[str, str]:
    if not isinstance(value, dict) or set(value) - {"scheme", "value", "prefix"}:
        raise SchemaViolation('expected is text, or {"scheme": …, "value": …}')
    scheme, text = value.get("scheme"), value.get("value")
    if not isinstance(scheme, str) or not isinstance(text, str):
        raise SchemaViolation('expected is text, or {"scheme": …, "value": …}')
    return scheme, text
