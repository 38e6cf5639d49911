"""Reports: a page shows what its evidence proves and nothing else, and cannot be changed."""

from __future__ import annotations

import contextlib
import re
from base64 import b64decode, b64encode
from html.parser import HTMLParser
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.disclosure import SERIAL
from identity.errors import (
    InvalidAnswer,
    MalformedPolicy,
    SchemaViolation,
    StaleAnswer,
    TetradError,
)
from identity.jcs import canonicalize
from identity.members import format_time
from registry.state import Key
from resolver.bundle import bundle_bytes
from resolver.report import (
    Report,
    embedded,
    read_report,
    report_of,
    report_page,
    strange_witnesses,
)
from resolver.report_page import CLOSING, OPENING, text
from resolver.trust import Trust
from tests.factory import City, disclosed
from tests.generated.__main__ import SPECS
from tests.generated.parts import whole
from tests.resolver.answering import Answering
from tests.witnesses import cosigner, lines_of

VECTORS = SPECS / "vectors"
ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "</template></title></style><b>",
    "&lt;b&gt; &amp;",
    "javascript:alert(1)",
)


class Street:
    """A device whose every text is an attack, and an answer about it."""

    def __init__(self) -> None:
        self.city = City()
        self.acme = self.city.organization(ATTACKS[0])
        self.city.accept(self.city.prefix(self.acme, "gtin:09506000"))
        data = {
            "describes": ATTACKS[2],
            "schema": "https://acme.example/s.json",
            "version": 1,
            "grade": "general",
            "endpoints": [{"type": "Page", "url": "https://acme.example/?<b>'\"&a=1"}],
            "commitment": "Q1cJDLRPWhQqMGbrUPIfpDY8UjsXhrk2tHYK3kqX-bg",
        }
        about = {
            "maker": self.acme.did,
            "model": ATTACKS[5],
            "serial": disclosed(SERIAL, "SN-M-1").digest,
            "sector": {"domain": "production", "field": "industry", "category": "C4016"},
            "ipv6": "enabled",
        }
        self.meter = self.city.device(
            "M-1", self.acme, data=data, number="1440000000001", object=about
        )
        self.city.accept(self.city.supervise(self.meter, "status.suspend", ATTACKS[1], self.acme))
        self.answering = Answering(self.city)
        self.answering.publish()

    @property
    def made(self) -> str:
        return format_time(self.city.now + 5)

    def bundle(self, key: Key | None = None, at: str | None = None) -> bytes:
        """The file about the meter."""
        asked = self.answering.resolver.code(CODE)
        answer = self.answering.answer(asked, at)
        return bundle_bytes(Trust.begin(self.city.genesis.operation), key or asked.key, answer)

    def page(self, asked: str = "(01)09506000134352(21)M-1", **options: Any) -> bytes:
        """Its report."""
        at = options.pop("at", None)
        report = report_of(
            asked, options.pop("made", self.made), "", self.bundle(at=at), private=False
        )
        return report_page(report)


CODE = "https://id.gs1.org/01/09506000134352/21/M-1"
STREET = Street()
PAGE = STREET.page()


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def elements(page: bytes) -> Elements:
    found = Elements()
    found.feed(page.decode())
    return found


def test_a_page_says_what_was_asked_checked_and_not_checked_and_under_which_keys() -> None:
    words = " ".join(elements(PAGE).words)
    for said in (
        "(01)09506000134352(21)M-1",
        f"gs1: {CODE}",
        "SUSPENDED",
        STREET.meter.did,
        STREET.city.genesis.hash,
        STREET.made,
        "What was checked",
        "Every signature on them holds",
        "What was not checked",
        "Witnesses: none asked for",
        "device.register",
        "status.suspend",
        "sandbox.test+",
        "5 seconds",
        "the log's own clock",
    ):
        assert said in words, said
    assert read_report(PAGE).asked == "(01)09506000134352(21)M-1"


def test_whatever_the_parties_wrote_is_text_on_the_page() -> None:
    found = elements(PAGE)
    assert not found.tags & {"script", "img", "svg", "iframe", "a", "link", "object", "form", "i"}
    allowed = {"charset", "class", "content", "http-equiv", "id", "lang", "name"}
    assert found.attributes <= allowed
    assert not re.search(rb"(?:src|href)=", re.sub(rb"&[a-z#0-9]+;", b"", PAGE).split(b"<body>")[0])
    words = "".join(found.words)
    for written in (ATTACKS[0], ATTACKS[1], ATTACKS[2], ATTACKS[5]):
        assert written in words
    assert b"default-src &#x27;none&#x27;" in PAGE
    assert PAGE.count(OPENING.encode()) == PAGE.count(CLOSING.encode()) == 1


@given(st.text(max_size=60))
def test_any_text_stays_a_text_without_anything_unseen(written: str) -> None:
    found = elements(text(written).encode("utf-8"))
    assert found.tags <= {"span"}
    assert not set("".join(found.words)) & set("\u202e\u200b\u2028\x00\x1b\x7f\ufeff")
    if written.isprintable():
        assert "".join(found.words) == written


def test_a_page_about_the_past_says_so() -> None:
    page = STREET.page(at=format_time(STREET.city.now))
    assert b"This is how it was at" in page
    read_report(page)


def test_a_private_question_is_not_repeated() -> None:
    bundle = orjson.loads(STREET.bundle())
    assert "readAs" in bundle["answer"]
    bundle["key"] = None
    report = report_of("1HGCM82633A004352", STREET.made, "", orjson.dumps(bundle), private=True)
    page = report_page(report)
    assert b"1HGCM82633A004352" not in page
    assert "readAs" not in embedded(page).bundle["answer"]  # type: ignore[operator] # an object
    assert b"does not repeat" in page
    assert b"the registry&#x27;s word" in page
    assert read_report(page).asked == ""


CHANGES = (
    (b"SUSPENDED", b"ACTIVE"),
    (b'class="status suspended"', b'class="status active"'),
    (b"What was not checked", b"What was checked too"),
    (b"5 seconds", b"1 seconds"),
    (b"entry 3", b"entry 4"),
    (b"color-scheme:light dark", b"color-scheme:light"),
    (b"</body>", b"<p>Approved.</p></body>"),
    (b"<bdi>javascript:alert(1)</bdi>", b"<bdi>M2</bdi>"),
    (b"\n", b"\r\n"),
    (b"<html", b"<!-- --><html"),
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_page_with_other_words_is_refused_with_the_place(change: tuple[bytes, bytes]) -> None:
    if change[0] not in PAGE:
        pytest.fail(f"{change[0]!r} does not stand on the page")
    changed = PAGE.replace(*change)
    with pytest.raises(InvalidAnswer, match="line"):
        read_report(changed)


@given(st.data())
def test_no_byte_of_a_page_can_be_changed(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(PAGE) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != PAGE[at]))
    with pytest.raises(TetradError):
        read_report(PAGE[:at] + bytes([byte]) + PAGE[at + 1 :])


def test_nothing_can_stand_before_or_after_a_page() -> None:
    for page in (b"\n" + PAGE, PAGE + b"\n", PAGE + b"<b>", PAGE[:-1], PAGE * 2):
        with pytest.raises(InvalidAnswer):
            read_report(page)


def rewritten(**members: Any) -> bytes:
    """The page with other members in its evidence, and the words that it had."""
    value = {**embedded(PAGE).value(), **members}
    encoded = b64encode(canonicalize(value))
    return re.sub(rb'(<template id="evidence">).*?(</template>)', rb"\1" + encoded + rb"\2", PAGE)


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"report": 2}, SchemaViolation),
        ({"report": True}, SchemaViolation),
        ({"asked": 5}, SchemaViolation),
        ({"asked": "x" * 3000}, SchemaViolation),
        ({"asked": "(01)09506000134352(21)M-2"}, InvalidAnswer),
        ({"asked": "did:tetrad:x"}, InvalidAnswer),
        ({"asked": "https://ID.gs1.org/01/09506000134352/21/M-1"}, InvalidAnswer),
        ({"made": "yesterday"}, SchemaViolation),
        ({"made": None}, SchemaViolation),
        ({"made": "2020-01-01T00:00:00Z"}, StaleAnswer),
        ({"made": "2030-01-01T00:00:00Z"}, InvalidAnswer),
        ({"witnesses": "nonsense"}, MalformedPolicy),
        ({"witnesses": []}, SchemaViolation),
        ({"bundle": []}, SchemaViolation),
        ({"bundle": {}}, SchemaViolation),
        ({"more": 1}, SchemaViolation),
    ],
)
def test_other_evidence_under_the_same_words_is_refused(
    members: dict[str, Any], error: type[TetradError]
) -> None:
    with pytest.raises(error):
        read_report(rewritten(**members))


def test_a_page_can_be_dated_by_witnesses_of_its_own_and_says_that_it_chose_them() -> None:
    policy = f"witness w1 {cosigner('w1').key}\nquorum w1\n"
    later = STREET.city.now + 10 * 365 * 86_400
    bundle = orjson.loads(STREET.bundle())
    proof = bundle["answer"]["proof"]
    note = proof["checkpoint"].encode()
    proof["checkpoint"] += lines_of(cosigner("w1"), note=note, time=later).decode()
    made = format_time(later)
    page = report_page(report_of(CODE, made, policy, orjson.dumps(bundle), private=False))
    report = read_report(page)
    said = " ".join(elements(page).words)
    assert "0 seconds" in said
    assert "whoever made this page chose them" in said
    assert "they saw no other history" not in said
    trust = Trust.begin(STREET.city.genesis.operation)
    (strange,) = strange_witnesses(report, trust)
    assert strange.startswith(f"w1 {cosigner('w1').key.name}+")
    assert strange_witnesses(report, trust.asking(policy)) == []
    assert strange_witnesses(read_report(PAGE), trust) == []


@given(st.binary(max_size=200))
def test_hostile_pages_are_refused_by_our_errors_alone(junk: bytes) -> None:
    wrapped = OPENING.encode() + b64encode(junk) + CLOSING.encode()
    for page in (junk, OPENING.encode() + junk + CLOSING.encode(), wrapped):
        with pytest.raises(TetradError):
            read_report(page)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


@given(st.data())
def test_a_bundle_with_anything_in_it_is_refused_by_our_errors_alone(data: st.DataObject) -> None:
    value: Any = orjson.loads(canonicalize(embedded(PAGE).value()))
    place: Any = value
    while True:
        names = list(place) if isinstance(place, dict) else list(range(len(place)))
        name = data.draw(st.sampled_from(names))
        if not isinstance(place[name], dict | list) or not place[name] or data.draw(st.booleans()):
            break
        place = place[name]
    place[name] = data.draw(JSON)
    page = b"%b%b%b" % (OPENING.encode(), b64encode(orjson.dumps(value)), CLOSING.encode())
    with contextlib.suppress(TetradError):
        report_page(embedded(page))


def test_a_report_is_of_a_bundle() -> None:
    for junk in (b"{}", b"[]", b'{"answer":1}'):
        with pytest.raises(TetradError):
            report_page(report_of("", STREET.made, "", junk, private=True))
    assert isinstance(embedded(PAGE), Report)
    assert b64decode(PAGE.split(OPENING.encode())[1].split(CLOSING.encode())[0])


def test_an_answer_by_way_of_other_ledgers_names_the_way() -> None:
    file = orjson.loads((VECTORS / "resolution" / "paths.json").read_bytes())
    trust = Trust.begin(file["genesis"])
    (one,) = [v for v in file["vectors"] if v["name"] == "a code by way of ledgers, 3 of them"]
    answer = whole(one["answer"], file["parts"])
    bundle = bundle_bytes(trust, tuple(one["key"]), answer)
    page = report_page(report_of(one["key"][2], one["now"], "", bundle, private=False))
    words = " ".join(elements(page).words)
    assert "By way of" in words
    for item in answer["path"]:
        assert item["ledger"] in words
    assert f"--ledger {trust.ledger}" in words
    assert answer["path"][0]["referral"]["grant"] in words
    read_report(page)
    with pytest.raises(TetradError):
        read_report(page.replace(b"By way of", b"By the way"))
