"""Labels: what they say, how they are served, and what they can not be made to do."""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import MalformedInput, SchemaViolation, TetradError
from resolver.labels import Drawing, drawn, printed_code, printed_url, readable
from resolver.schemes import SCHEMES, Code
from resolver.settings import Settings
from tests.resolver.town import Town, problem

GS1 = Code("gs1", "https://id.gs1.org/01/09506000134352/21/M%2F1")
IDIS = Code("idis", "88.100.9999/dev0001")
HOST = "https://id.acme.example"
SVG = "{http://www.w3.org/2000/svg}"


def read(svg: bytes) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own drawing


def texts(svg: bytes) -> list[str]:
    return [one.text or "" for one in read(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("code", "url", "lines"),
    [
        (GS1, f"{HOST}/01/09506000134352/21/M%2F1", ("(01) 09506000134352", "(21) M/1")),
        (Code("gtin", "09506000134352"), f"{HOST}/01/09506000134352", ("(01) 09506000134352",)),
        (IDIS, f"{HOST}/c/idis/88.100.9999/dev0001", ("88.100.9999/dev0001",)),
        (
            Code("handle", "86.1000.1/a#b?c%20@d"),
            f"{HOST}/c/handle/86.1000.1/a%23b%3Fc%2520@d",
            ("86.1000.1/a#b?c%20@d",),
        ),
        (
            Code("handle", "86.1000.1/../x"),
            f"{HOST}/c/handle/86.1000.1%2F..%2Fx",
            ("86.1000.1/../x",),
        ),
        (
            Code("iec61406", "https://id.maker.example/p/SN-001"),
            "https://id.maker.example/p/SN-001",
            ("https://id.maker.example/p/SN-001",),
        ),
    ],
)
def test_what_a_label_says(code: Code, url: str, lines: tuple[str, ...]) -> None:
    assert printed_url(HOST, code) == url
    assert readable(code) == lines


@given(st.sampled_from(SCHEMES.describe()))
def test_every_scheme_of_codes_comes_back_from_its_label(row: object) -> None:
    name, example = getattr(row, "name", ""), getattr(row, "example", "")
    code = SCHEMES.read(example, name)
    url = printed_url(HOST, code)
    if url.startswith(f"{HOST}/c/"):
        assert printed_code(url.removeprefix(f"{HOST}/c/")) == code
    else:
        assert SCHEMES.read(url, name) == code


@given(
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
)
def test_any_value_comes_back_from_the_path(value: str) -> None:
    code = Code("handle", f"86.1/{value}")
    path = printed_url(HOST, code).removeprefix(f"{HOST}/c/")
    assert printed_code(path) == code
    assert not {".", "..", ""} & set(path.split("/"))


@pytest.mark.parametrize(
    "base",
    [
        "",
        "ftp://x",
        "https://",
        'https://x"onload=',
        "javascript:x",
        HOST * 20,
        "https://x/?a",
        "https://x/\n",
    ],
)
def test_only_an_address_is_printed(base: str) -> None:
    with pytest.raises(MalformedInput):
        printed_url(base, IDIS)


@pytest.mark.parametrize(
    "drawing", [("gif", "m", 8), ("svg", "x", 8), ("svg", "m", 0), ("png", "m", 33)]
)
def test_only_what_can_be_drawn_is(drawing: tuple[str, str, int]) -> None:
    with pytest.raises(SchemaViolation):
        Drawing(*drawing)  # type: ignore[arg-type]


def test_what_does_not_fit_a_symbol_is_refused() -> None:
    with pytest.raises(SchemaViolation, match="do not fit"):
        drawn("x" * 3000, (), Drawing())


@given(
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=99)
)
def test_no_code_is_more_than_text_in_a_drawing(value: str) -> None:
    svg = drawn("https://x.example/" + quote(value), (value,), Drawing())
    assert "".join(texts(svg)) == value
    kinds = {one.tag.removeprefix(SVG) for one in read(svg).iter()}
    assert kinds == {"svg", "title", "rect", "path", "g", "text"}
    for one in read(svg).iter():
        assert not [name for name in one.attrib if name.startswith("on") or "href" in name]


@given(st.text(max_size=60))
def test_hostile_paths_are_refused_by_our_errors_alone(text: str) -> None:
    with contextlib.suppress(TetradError):
        printed_code(text)


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A town with three devices, one of them at its end."""
    with Town(Settings(checkers=0, labels=60)) as town:
        acme = town.acme()
        data = {
            "describes": "water",
            "schema": "https://acme.example/s.json",
            "version": 1,
            "grade": "general",
            "endpoints": [
                {"type": "LwM2M", "url": "coaps://m.acme.example/9"},
                {"type": "Page", "url": "https://acme.example/m"},
            ],
            "commitment": "Q1cJDLRPWhQqMGbrUPIfpDY8UjsXhrk2tHYK3kqX-bg",
        }
        town.device("M-1", acme, data=data)
        old = town.device("M-2", acme)
        town.accept(town.follow(old, "status.retire", {"reason": "worn out"}, by=[acme]))
        town.accept(town.prefix(acme, "idis:88.100.9999"))
        town.device("D", acme, code=IDIS._asdict(), data=data)
        wrong = town.device("M-3", acme)
        right = {"scheme": "gs1", "value": CODE.replace("M-1", "M-30")}
        town.accept(
            town.follow(wrong, "code.correct", {"code": right, "reason": "misprinted"}, by=[acme])
        )
        yield town


CODE = "https://id.gs1.org/01/09506000134352/21/M-1"


@pytest.mark.parametrize("written", [CODE, quote(CODE, safe=""), "(01)09506000134352(21)M-1"])
def test_a_registered_code_has_a_label_in_two_forms(town: Town, written: str) -> None:
    svg = town.get(f"/v1/labels/{written}")
    assert svg.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in svg.headers["content-security-policy"]
    assert svg.headers["x-content-type-options"] == "nosniff"
    assert svg.headers["cache-control"] == "public, max-age=3600"
    title = next(read(svg.content).iter(f"{SVG}title")).text
    assert title == "http://town.test/01/09506000134352/21/M-1"
    assert texts(svg.content) == ["(01) 09506000134352", "(21) M-1"]
    png = town.get(f"/v1/labels/{written}?format=png&level=H&scale=2")
    assert (png.headers["content-type"], png.content[:4]) == ("image/png", b"\x89PNG")
    again = town.get(f"/v1/labels/{written}", headers={"if-none-match": svg.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_host_that_is_only_claimed_stands_on_no_label(town: Town) -> None:
    svg = town.get(f"/v1/labels/{CODE}", headers={"host": "evil.example"})
    assert b"evil" not in svg.content
    assert b"http://town.test/01/" in svg.content


def test_what_has_no_label(town: Town) -> None:
    for written, status, code in (
        ("https://id.gs1.org/01/09506000134352/21/nobody", 404, "not_found"),
        ("https://id.gs1.org/01/09506000134352/21/M-2", 410, "gone"),
        ("1HGCM82633A004352?scheme=vin", 400, "code.malformed"),
        ("%2B8613800138000?scheme=msisdn", 400, "code.malformed"),
        ("", 422, "input.schema"),
        ("%FF", 400, "input.malformed"),
        (CODE + "?format=gif", 422, "input.schema"),
        (CODE + "?level=z", 422, "input.schema"),
        (CODE + "?scale=99", 422, "input.schema"),
        (CODE + "?url=https://evil.example", 422, "input.schema"),
    ):
        response = town.get(f"/v1/labels/{written}")
        assert (response.status_code, problem(response)["code"]) == (status, code), written


def test_a_code_that_was_corrected_is_not_printed_again(town: Town) -> None:
    wrong = CODE.replace("M-1", "M-3")
    refused = problem(town.get(f"/v1/labels/{wrong}"))
    assert (refused["status"], refused["code"]) == (404, "not_found")
    assert refused["hint"].endswith(f"{wrong}0")
    assert town.get(f"/v1/labels/{wrong}0").status_code == 200
    assert (
        town.get(f"/c/gs1/{quote(wrong, safe='')}").status_code == 307
    )  # what is printed leads on


def test_who_asks_for_labels_without_end_has_to_wait(town: Town) -> None:
    statuses = {town.get(f"/v1/labels/{CODE}").status_code for _ in range(61)}
    assert statuses == {200, 429}
    town.now += 60


def test_a_label_leads_a_browser_to_the_page_and_a_program_to_the_answer(town: Town) -> None:
    url = printed_url("http://town.test", IDIS).removeprefix("http://town.test")
    program = town.get(url)
    assert program.status_code == 307
    answer = town.get(unquote(program.headers["location"])).json()
    assert answer["readAs"] == IDIS._asdict()
    browser = town.get(url, headers={"accept": "text/html,*/*"})
    assert browser.headers["location"] == "https://acme.example/m"
    assert browser.headers["vary"] == "accept"
    kept = town.get(url + "?proof=1", headers={"accept": "text/html"})
    assert kept.headers["location"].endswith("scheme=idis&proof=1")
    for none, status in (("/c/idis", 400), ("/c/idis/88.1.1/x?x=1", 422), ("/c/vin/x", 400)):
        assert town.get(none).status_code == status
    assert problem(town.get("/c/nonsense/x"))["code"] == "code.unknown_scheme"
