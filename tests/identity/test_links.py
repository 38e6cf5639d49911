"""What can be said of a link, and what never stands in a ledger: a payload in every field."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from identity.links import MAX_LINKS, RESERVED, LinksBody, LinkTarget

LINK: dict[str, Any] = {"relation": "gs1:pip", "href": "https://a.example/", "title": "A page"}
ANCHOR = {"scheme": "gtin", "value": "09506000134352"}
HREFS = [
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/",
    "/relative",
    "ftp://a.example/",
    "https:a.example",
    "https:///a.example",
    "https://",
    "https:// a.example/",
    "https://user:secret@a.example/",
    "https://a.example@evil.example/",
    "https://a.example:secret@evil.example/",
    "https://a.example\\@evil.example/",
    "https://a.example\\.evil.example/",
    "https://bücher.example/",
    "https://a.example。evil.example/",
    "https://а.example/",
    "https://a%2eexample/",
    "https://a.example:443:443/",
    "https://a.example:port/",
    "https://.a.example/",
    "https://a.example/\r\nSet-Cookie: x=1",
    "https://a.example/\n",
    "https://a.example/ b",
    'https://a.example/"onclick="x',
    "https://a.example/<script>",
    "https://a.example/`x`",
    "https://a.example/{x}",
    "https://a.example/%",
    "https://a.example/%zz",
    "https://a.example/ü",
    "HTTPS://A.EXAMPLE/",
    "https://a.example/" + "x" * 500,
    "",
]


def refused(**changes: Any) -> bool:
    try:
        LinkTarget.model_validate({**LINK, **changes})
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize("href", HREFS)
def test_no_such_address(href: str) -> None:
    assert refused(href=href)


@pytest.mark.parametrize(
    "href",
    [
        "http://127.0.0.1:8000/x",
        "https://[2001:db8::1]:8443/x?y=z#f",
        "https://xn--bcher-kva.example",
        "https://a.example?x=1",
        "https://a.example/p(1),2;v='3'%20!$&*+@:~_-[]",
        "https://acme.example/" + "x" * 479,
    ],
)
def test_such_an_address(href: str) -> None:
    assert LinkTarget.model_validate({**LINK, "href": href}).href == href


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("relation", "pip"),
        ("relation", "gs1:"),
        ("relation", "gs1:pip x"),
        ("relation", "gs1:pip\r\nX: y"),
        ("relation", "http://a.example/rel"),
        ("relation", "https://ref.gs1.org/voc/pip"),
        ("relation", "https://www.gs1.org/voc/pip"),
        ("relation", "anchor"),
        ("relation", "javascript:x"),
        *(("relation", one) for one in RESERVED),
        ("title", ""),
        ("title", "two\r\nlines"),
        ("title", "a\u202eb"),
        ("title", "\x1b[2J"),
        ("title", "x" * 201),
        ("type", "html"),
        ("type", "Text/HTML"),
        ("type", "text/html; charset=utf-8"),
        ("type", "text/html\r\nx"),
        ("hreflang", []),
        ("hreflang", ["e"]),
        ("hreflang", ["en_GB"]),
        ("hreflang", "en"),
        ("hreflang", ["en"] * 17),
        ("context", []),
        ("context", ['a"b']),
        ("context", ["a b"]),
        ("default", False),
        ("default", "true"),
        ("rel", "x"),
    ],
)
def test_no_such_member(member: str, value: Any) -> None:
    assert refused(**{member: value})


def test_markup_in_a_title_is_text() -> None:
    """What a page makes of it is for the page: a title may well hold an angle bracket."""
    assert not refused(title="<script>alert('x')</script> & more")


def test_one_default_and_so_many_links() -> None:
    def body(*links: dict[str, Any]) -> bool:
        try:
            LinksBody.model_validate({"anchor": ANCHOR, "links": list(links)})
        except ValidationError:
            return False
        return True

    marked = {**LINK, "default": True}
    assert body()
    assert body(LINK, marked)
    assert not body(marked, marked)
    assert body(*[LINK] * MAX_LINKS)
    assert not body(*[LINK] * (MAX_LINKS + 1))


@given(st.text(max_size=40).map(lambda text: "https://" + text) | st.text(max_size=40))
def test_whatever_is_taken_names_a_host_and_nothing_before_it(text: str) -> None:
    if refused(href=text):
        return
    parts = urlsplit(text)
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert parts.username is None
    assert text.isascii()
    assert not set(text) & set('\r\n\t "<>\\^`{|}')
