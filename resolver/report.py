"""Reports: a verified answer as one page of HTML that anybody can read, and a program check again.

    page = report_page(Report("(01)09506000134352(21)M-1", "2026-11-22T08:07:00Z", "", bundle))
    report = read_report(page)                  # raises where the page shows anything else

The page holds its evidence, a bundle (resolver/bundle.py), and every word on it follows from that
and three more members: what was asked, when it was made, and whose cosignatures were asked for. So
a reader verifies the bundle, makes the page again, and compares the two byte for byte. Pure;
specified in specs/3-resolution.md, "Reports".
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from identity.errors import InvalidAnswer, InvalidIdentifier, SchemaViolation
from identity.jcs import Json, canonicalize, parse
from identity.members import parse_time
from registry.state import Key
from resolver.bundle import Bundle, read_bundle
from resolver.freshness import age_of
from resolver.report_page import CLOSING, OPENING, Shown, page
from resolver.schemes import SCHEMES
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer

VERSION: Final = 1
MAX_BYTES: Final = 2**24
MAX_ASKED: Final = 2_048
_MEMBERS: Final = {"report", "asked", "made", "witnesses", "bundle"}
_QUOTED: Final = 120


@dataclass(frozen=True, slots=True)
class Report:
    """What a page is made of."""

    asked: str
    """The code or DID as it was typed; "" for what is not for every reader of the page."""
    made: str
    """RFC 3339, by the clock of whoever made it."""
    witnesses: str
    """The policy that was asked of the checkpoint (C2SP tlog-policy); "" for none."""
    bundle: dict[str, Json]

    def value(self) -> dict[str, Json]:
        """As it lies within the page."""
        return {
            "report": VERSION,
            "asked": self.asked,
            "made": self.made,
            "witnesses": self.witnesses,
            "bundle": self.bundle,
        }


def report_page(report: Report) -> bytes:
    """The page. Raises what does not hold of its bundle under the bundle's own genesis."""
    shown = _shown(report, read_bundle(report.bundle))
    data = b64encode(canonicalize(report.value())).decode()
    try:
        return page(shown, data)
    except (KeyError, TypeError, AttributeError, ValueError):
        # Where a device's operations are left out, its record may be anything that the log likes.
        raise InvalidAnswer("the record is not that of a device", pointer="/device") from None


def read_report(data: bytes) -> Report:
    """What a page is made of, once it is known to show that and nothing else.

    Who is trusted is for the caller to say, by the bundle. Raises SchemaViolation for what is no
    page of ours, InvalidAnswer with the place for one that was changed, and what does not hold.
    """
    report = embedded(data)
    expected = report_page(report)
    if data != expected:
        raise InvalidAnswer(
            f"the page does not show what its evidence proves: {_difference(data, expected)}",
            hint="someone changed it, or another version made it: the evidence within it holds",
        )
    return report


def embedded(data: bytes) -> Report:
    """What lies within a page, whatever it shows. Raises SchemaViolation, MalformedInput."""
    if len(data) > MAX_BYTES:
        raise SchemaViolation(f"a report has at most {MAX_BYTES} bytes")
    _, opening, rest = data.partition(OPENING.encode())
    encoded, closing, _ = rest.partition(CLOSING.encode())
    if not opening or not closing:
        raise SchemaViolation("no report: a page without evidence", hint="tetrad resolve --report")
    try:
        value = parse(b64decode(encoded, validate=True), max_bytes=MAX_BYTES)
    except ValueError:  # binascii.Error is one
        raise SchemaViolation("the evidence of the report is not base64") from None
    if not isinstance(value, Mapping) or set(value) != _MEMBERS:
        raise SchemaViolation(f"a report has the members {', '.join(sorted(_MEMBERS))}")
    if type(value["report"]) is not int or value["report"] != VERSION:
        raise SchemaViolation("not a report of this version", hint=f"report is {VERSION}")
    asked, made, witnesses = value["asked"], value["made"], value["witnesses"]
    if not isinstance(asked, str) or len(asked) > MAX_ASKED or not isinstance(witnesses, str):
        raise SchemaViolation("what was asked, and the policy, are texts")
    try:
        parse_time(cast("str", made))
    except (TypeError, ValueError):
        raise SchemaViolation("made is a time", pointer="/made") from None
    if not isinstance(value["bundle"], dict):
        raise SchemaViolation("the bundle is an object", pointer="/bundle")
    return Report(asked, cast("str", made), witnesses, value["bundle"])


def strange_witnesses(report: Report, trust: Trust) -> list[str]:
    """The witnesses by which a page was dated whose keys a reader's own policy does not have:
    whoever makes a page can make them too. Raises MalformedPolicy."""
    policy, known = trust.asking(report.witnesses).witnesses, trust.witnesses
    keys = {one.key for one in known.witnesses} if known is not None else set()
    named = policy.witnesses if policy is not None else ()
    return [f"{one.name} {one.key.name}+{one.key.id.hex()}" for one in named if one.key not in keys]


def _check_asked(asked: str, key: Key | None) -> None:
    """What is said to have been asked reads as what is proved. Raises InvalidAnswer."""
    if not asked:
        return
    try:
        if key is None:
            read: Key | None = ()
        elif key[0] == "did":
            read = ("did", asked)
        else:
            read = ("code", *SCHEMES.read(asked, key[1]))
    except InvalidIdentifier:
        read = ()
    if read != key:
        raise InvalidAnswer("what is said to have been asked is something else", pointer="/asked")


def _shown(report: Report, bundle: Bundle) -> Shown:
    """The answer verified, as it was when the page was made."""
    _check_asked(report.asked, bundle.key)
    root, now = bundle.trust.asking(report.witnesses), parse_time(report.made)
    about = report.asked, report.made, bundle.answer, bundle.key, root
    if not bundle.by_way:
        verified = bundle.verify(root)
        return Shown(*about, root, verified, age_of(verified.checkpoint, root.witnesses, now))
    path = bundle.verify_path(root, now)
    if not isinstance(path.outcome, VerifiedAnswer):
        raise SchemaViolation("a report is about a device", pointer="/answer/device")
    return Shown(*about, path.responsible, path.outcome, path.age, path.hops, path.asserted)


def _difference(data: bytes, expected: bytes) -> str:
    """The first line that is another one."""
    shown, wanted = data.split(b"\n"), expected.split(b"\n")
    for place, (one, other) in enumerate(zip(shown, wanted, strict=False), 1):
        if one != other:
            return (
                f"line {place} reads {_quoted(one, other)}, and should read {_quoted(other, one)}"
            )
    place = min(len(shown), len(wanted)) + 1
    return f"it has {len(shown)} lines and should have {len(wanted)}; they differ from {place} on"


def _quoted(line: bytes, other: bytes) -> str:
    """A line from shortly before where it differs."""
    at = next((n for n, (a, b) in enumerate(zip(line, other, strict=False)) if a != b), 0)
    start = max(0, at - _QUOTED // 3)
    return repr(line[start : start + _QUOTED].decode("utf-8", "replace"))


def report_of(asked: str, made: str, witnesses: str, bundle: bytes, *, private: bool) -> Report:
    """The report of a bundle file. Of a `private` question the page repeats nothing.

    Raises TetradError for what is no bundle.
    """
    value = parse(bundle, max_bytes=MAX_BYTES)
    if not isinstance(value, dict) or not isinstance(value.get("answer"), dict):
        raise SchemaViolation("a report is made of a bundle")
    if private:
        answer = cast("dict[str, Json]", value["answer"])
        value["answer"] = {name: answer[name] for name in answer if name != "readAs"}
    return Report("" if private else asked, made, witnesses, value)
