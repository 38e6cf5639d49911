"""The GS1-Conformant Resolver over HTTP: the checks of GS1's own test suite in our words, what
comes back where it walks up, and what hostile links and requests come to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest

from identity.errors import Delegated, TetradError
from resolver.gs1.compression import compress
from tests.factory import Subject
from tests.resolver.town import Town, problem

VOC = "https://ref.gs1.org/voc/"
GTIN = "09506000134352"
CLASS = {"scheme": "gtin", "value": GTIN}
ROOT = "http://town.test"
BROWSER = {
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
    "accept-language": "fr-CH, fr;q=0.9, en;q=0.8",
}


def link(relation: str, name: str, **members: Any) -> dict[str, Any]:
    return {"relation": relation, "href": f"https://acme.example/{name}", "title": name, **members}


LINKS = [
    link("gs1:pip", "en", type="text/html", hreflang=["en"], default=True),
    link("gs1:pip", "fr", type="text/html", hreflang=["fr"]),
    link("gs1:pip", "pdf", type="application/pdf", hreflang=["en"]),
    link("gs1:certificationInfo", "c0", type="text/html"),
    link("gs1:certificationInfo", "c1", type="text/html"),
    link("gs1:certificationInfo", "c2", type="application/pdf", hreflang=["en"]),
    link("gs1:certificationInfo", "c3", type="application/pdf", hreflang=["en"], context=["LK"]),
    link("gs1:instructions", "manual"),
    link("https://acme.example/terms/spares", "spares?all=1#top"),
]


def gs1(path: str) -> dict[str, str]:
    return {"scheme": "gs1", "value": f"https://id.gs1.org{path}"}


class Resolving(Town):
    """A town with a product that has links, batches and items of it."""

    maker: Subject

    def set(self, anchor: dict[str, str], *links: dict[str, Any], **members: Any) -> None:
        body = {"anchor": anchor, "links": list(links), **members}
        self.accept(self.follow(self.maker, "links.set", body))

    def leads(self, path: str, **headers: str) -> str:
        """Where a request is sent."""
        response = self.get(path, headers=headers)
        assert response.status_code == 307, response.text
        return response.headers["location"]

    def linkset(self, path: str) -> list[dict[str, Any]]:
        response = self.get(path, headers={"accept": "application/linkset+json"})
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/linkset+json"
        found: list[dict[str, Any]] = response.json()["linkset"]
        return found


@pytest.fixture(scope="module")
def town() -> Iterator[Resolving]:
    with Resolving() as town:
        town.maker = town.acme()
        for name in ("M-1", "M-2", "M-3", "M-4"):
            town.device(name, town.maker)
        town.set(CLASS, *LINKS, description="Water meter M1")
        town.set(gs1(f"/01/{GTIN}/10/LOT-1"), link("gs1:recallStatus", "recall"))
        town.set(gs1(f"/01/{GTIN}/21/S-1"), link("gs1:pip", "item"))
        town.set(gs1(f"/01/{GTIN}/21/M-2"), link("gs1:dpp", "passport"))
        yield town


# What GS1's own suite asks of any resolver, of a URI that it is given


@pytest.mark.parametrize(
    "path", [f"/01/{GTIN}", f"/01/{GTIN}/21/M-1", f"/01/{GTIN}/10/LOT-1/21/S-1"]
)
class TestSuite:
    def test_methods_and_cors(self, town: Resolving, path: str) -> None:
        for method in ("GET", "HEAD", "OPTIONS"):
            headers = town.request(method, path).headers
            assert headers["access-control-allow-origin"] == "*"
            allowed = headers["access-control-allow-methods"]
            assert {"GET", "HEAD", "OPTIONS"} <= set(allowed.replace(" ", "").split(","))
        assert town.request("HEAD", path).status_code == 307

    def test_links_to_the_linkset_and_to_no_other(self, town: Resolving, path: str) -> None:
        header = town.get(path).headers["link"]
        assert 'rel="linkset"' in header
        assert 'rel="gs1:' not in header
        (target,) = re.findall(r'<([^>]+)>; rel="linkset"', header)
        assert target == f"{ROOT}{path}?linkType=linkset"
        assert town.get(target.removeprefix(ROOT)).status_code == 200

    def test_errors_are_errors(self, town: Resolving, path: str) -> None:
        assert problem(town.get(f"{path}/foo"))["status"] == 400
        assert town.get(f"{path}?linkType=gs1:nosuchlt").status_code == 404

    def test_a_slash_at_the_end_changes_nothing(self, town: Resolving, path: str) -> None:
        one, other = town.get(path), town.get(f"{path}/")
        assert (one.status_code, one.headers) == (other.status_code, other.headers)

    def test_the_query_is_carried_along(self, town: Resolving, path: str) -> None:
        assert town.leads(f"{path}?foo=bar&x=%2F") == town.leads(path) + "?foo=bar&x=%2F"

    def test_the_linkset_is_never_a_redirect(self, town: Resolving, path: str) -> None:
        asked = town.get(f"{path}?linkType=linkset")
        assert asked.status_code == town.get(f"{path}?linkType=all").status_code == 200
        by_header = town.get(path, headers={"accept": "application/linkset+json"})
        both = town.get(f"{path}?linkType=all", headers={"accept": "application/linkset+json"})
        assert asked.json() == by_header.json() == both.json()
        assert by_header.headers["content-type"] == "application/linkset+json"
        assert (
            'rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
            in (by_header.headers["link"])
        )
        assert "accept" in by_header.headers["vary"]

    def test_every_link_can_be_had(self, town: Resolving, path: str) -> None:
        """As the suite walks up a linkset: the most granular level of a link type decides; links
        that say the same of themselves are 300, any other is redirected to."""
        seen: set[str] = set()
        defaults = 0
        for context in self.matching(town.linkset(path), path):
            assert set(context) >= {"anchor", "itemDescription"}
            for relation, targets in context.items():
                if relation in ("anchor", "itemDescription") or relation in seen:
                    continue
                seen.add(relation)
                if relation == f"{VOC}defaultLink":
                    defaults += 1
                    (only,) = targets
                    assert set(only) == {"href", "title"}
                    assert town.leads(path) == only["href"]
                    continue
                self.ask_for(town, path, relation, targets)
        assert defaults == 1

    def matching(self, linkset: list[dict[str, Any]], path: str) -> Iterator[dict[str, Any]]:
        parts = path.split("/")
        for end in range(len(parts), 2, -2):
            yield from (c for c in linkset if c["anchor"] == ROOT + "/".join(parts[:end]))

    def ask_for(
        self, town: Resolving, path: str, relation: str, targets: list[dict[str, Any]]
    ) -> None:
        multi = relation == f"{VOC}defaultLinkMulti"
        about = [
            (one.get("type"), tuple(one.get("hreflang", ())), tuple(one.get("context", ())))
            for one in targets
        ]
        for place, one in enumerate(targets):
            assert set(one) <= {"href", "title", "type", "hreflang", "context"}
            assert one["title"]
            query = "" if multi else f"linkType={relation.replace(VOC, 'gs1:')}&"
            query += f"mediaType={one.get('type', 'undefined')}"
            query += f"&lang={one['hreflang'][0]}" if "hreflang" in one else ""
            query += f"&context={one['context'][0]}" if "context" in one else ""
            response = town.get(f"{path}?{query}")
            if about.count(about[place]) > 1:
                assert response.status_code == 300, query
                (context,) = response.json()["linkset"]
                assert one in context[relation]
            else:
                assert response.status_code == 307, query
                mark = "&" if "?" in one["href"] else "?"
                base = one["href"].partition("#")[0]
                carried = response.headers["location"].partition("#")[0]
                own = one["href"].startswith(ROOT)
                assert carried == (base if own else f"{base}{mark}{query}")


def test_the_description_file(town: Resolving) -> None:
    said = town.get("/.well-known/gs1resolver").json()
    assert said["resolverRoot"] == ROOT
    assert said["supportedPrimaryKeys"] == ["01", "8003", "8004"]
    assert {"namespace": VOC, "prefix": "gs1:"} in said["supportedLinkType"]


# What comes back where it walks up


@pytest.mark.parametrize(
    ("path", "where"),
    [
        (f"/01/{GTIN}/10/LOT-1/21/S-1", "item"),
        (f"/01/{GTIN}/10/LOT-1", "recall"),
        (f"/01/{GTIN}/10/LOT-1/21/OTHER", "recall"),
        (f"/01/{GTIN}/10/LOT-2/21/S-1", "item"),
        (f"/01/{GTIN}/10/LOT-2/21/OTHER", "en"),
        (f"/01/{GTIN}/10/LOT-2/21/M-2", "passport"),
        (f"/01/{GTIN}/21/NOBODY", "en"),
        (f"/01/{GTIN}/21/M-1", "en"),
        (f"/01/{GTIN}/21/M-2", "passport"),
        (f"/01/{GTIN}/22/V-1/10/LOT-1/21/S-1", "item"),
        (f"/01/{GTIN}/22/V-1/10/LOT-1/21/OTHER", "en"),
        (f"/01/{GTIN}/10/LOT-1/21/S-1?linkType=gs1:recallStatus", "recall"),
        (f"/01/{GTIN}/10/LOT-1/21/S-1?linkType=gs1:instructions", "manual"),
        (f"/01/{GTIN}/10/LOT-1/21/S-1?linkType=gs1:pip", "item"),
    ],
)
def test_walking_up(town: Resolving, path: str, where: str) -> None:
    assert town.leads(path).partition("?")[0] == f"https://acme.example/{where}"


def test_an_items_linkset_has_all_levels(town: Resolving) -> None:
    anchors = [one["anchor"] for one in town.linkset(f"/01/{GTIN}/10/LOT-1/21/S-1")]
    path = f"{ROOT}/01/{GTIN}"
    assert anchors == [f"{path}/10/LOT-1/21/S-1", f"{path}/10/LOT-1", path]


def test_a_device_adds_its_record_and_its_proof(town: Resolving) -> None:
    first, second = town.linkset(f"/01/{GTIN}/21/M-1")
    (record,) = first[f"{VOC}masterData"]
    (proof,) = first[f"{VOC}verificationService"]
    assert record["title"] == "Record of the device: active"
    answer = town.get(record["href"].removeprefix(ROOT)).json()
    assert answer["device"]["status"] == "active"
    assert "proof" in town.get(proof["href"].removeprefix(ROOT)).json()
    assert f"{VOC}defaultLink" not in first
    assert f"{VOC}defaultLink" in second


# Who asks


def test_languages(town: Resolving) -> None:
    path = f"/01/{GTIN}"
    for header, where in (
        ("", "en"),
        ("fr", "fr"),
        ("FR-ch, en;q=0.5", "fr"),
        ("de, fr;q=0.3", "fr"),
        ("de", "en"),
        ("fr;q=0, en", "en"),
        ("*", "en"),
        ("\xff;q=zzz,,;;", "en"),
    ):
        headers = {"accept-language": header} if header.isascii() else {}
        assert town.leads(path, **headers).endswith(f"/{where}"), header
    assert town.leads(f"{path}?lang=fr").startswith("https://acme.example/fr")
    headers = {"accept-language": "fr"}
    assert town.leads(f"{path}?lang=en&mediaType=text/html", **headers).startswith(
        "https://acme.example/en"
    )


def test_a_browser_is_sent_on_or_shown_a_page(town: Resolving) -> None:
    path = f"/01/{GTIN}"
    assert town.get(path, headers=BROWSER).headers["location"] == "https://acme.example/fr"
    several = town.get(
        f"{path}?linkType=gs1:certificationInfo&mediaType=text/html", headers=BROWSER
    )
    missing = town.get("/01/04012345000009", headers=BROWSER)
    malformed = town.get("/01/04012345000008", headers=BROWSER)
    everything = town.get(f"{path}?linkType=linkset", headers=BROWSER)
    statuses = [one.status_code for one in (several, missing, malformed, everything)]
    assert statuses == [300, 404, 400, 200]
    for page in (several, missing, malformed, everything):
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
    assert 'href="https://acme.example/c0"' in several.text
    # The record of a device is a page as well, never the JSON that programs get.
    record = town.get(f"{path}/21/M-1?linkType=gs1:masterData", headers=BROWSER)
    shown = town.get(record.headers["location"].removeprefix(ROOT), headers=BROWSER)
    assert shown.status_code == 200
    assert "A device, active" in shown.text


def test_forms_of_a_linkset(town: Resolving) -> None:
    path = f"/01/{GTIN}?linkType=linkset"
    for accept, media in (
        ("*/*", "application/linkset+json"),
        ("application/json", "application/json"),
        ("application/linkset", "application/linkset"),
        ("application/json;q=0.5, application/linkset+json", "application/linkset+json"),
    ):
        assert town.get(path, headers={"accept": accept}).headers["content-type"] == media
    text = town.get(path, headers={"accept": "application/linkset"}).text
    assert f'rel="{VOC}instructions"' in text
    assert all(line.startswith("<https://acme.example/") for line in text.splitlines())


# Keys


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/01/9506000134352", 307),
        ("/01/09506000134353", 400),
        ("/01/0950600013435", 400),
        ("/01/0950600013435X", 400),
        ("/01/", 400),
        ("/01/a/8003/09506000134321SER01", 400),
        (f"/01/{GTIN}/21/A/10/B", 400),
        (f"/01/{GTIN}/21/A/21/B", 400),
        (f"/01/{GTIN}/99/A", 400),
        (f"/01/{GTIN}//", 400),
        (f"/01/{GTIN}/21/%2F", 307),
        (f"/01/{GTIN}/21/a%2F10%2Fb", 307),
        (f"/01/{GTIN}/21/%40", 400),
        (f"/01/{GTIN}/21/%0d%0aX:%20y", 400),
        (f"/01/{GTIN}/21/%zz", 400),
        (f"/01/{GTIN}/21/%C3%BC", 400),
        (f"/01/{GTIN}/21/" + "x" * 21, 400),
        ("/8003/09506000134321SER01", 404),
        ("/8003/09506000134322SER01", 400),
        ("/8004/950600013430000001", 404),
        ("/414/4012345000009", 404),
        ("/414/4012345000008", 400),
        ("/414/4012345000009/254/X", 404),
        ("/414/4012345000009/10/X", 400),
        ("/00/106141412345678908", 404),
        ("/00/106141412345678900", 400),
        ("/253/4012345000009", 404),
        ("/8017/401234500000000004", 400),
        ("/gtin/09506000134352", 404),
    ],
)
def test_keys(town: Resolving, path: str, status: int) -> None:
    assert town.get(path).status_code == status


def test_an_encoded_slash_is_part_of_a_serial(town: Resolving) -> None:
    header = town.get(f"/01/{GTIN}/21/a%2F10%2Fb").headers["link"]
    assert f"<{ROOT}/01/{GTIN}/21/a%2F10%2Fb?linkType=linkset>" in header


# Compression


def test_compressed_links(town: Resolving) -> None:
    pairs = [("01", GTIN), ("10", "LOT-1"), ("21", "S-1"), ("17", "261231")]
    response = town.get(f"/{compress(pairs)}?foo=bar")
    # Not to the uncompressed form on this resolver, but to where that leads.
    assert response.headers["location"] == "https://acme.example/item?17=261231&foo=bar"
    same = f"<{ROOT}/01/{GTIN}/10/LOT-1/21/S-1?17=261231>"
    assert f'{same}; rel="owl:sameAs"' in response.headers["link"]
    assert town.linkset(f"/{compress(pairs)}/")[0]["anchor"].endswith("/21/S-1")
    typed = compress([("01", GTIN), ("linkType", "gs1:instructions")])
    assert town.leads(f"/{typed}").startswith("https://acme.example/manual")
    wrong = compress([("01", "09506000134353")])
    assert problem(town.get(f"/{wrong}"))["code"] == "code.check_digit"
    assert town.get(f"/{compress([('17', '261231')])}").status_code == 400
    for nothing in ("nothing", "wp-login.php", "A" * 30, "favicon.ico", "%00"):
        assert problem(town.get(f"/{nothing}"))["code"] == "not_found"


# States


def test_an_ended_device_keeps_its_state_in_plain_sight(town: Resolving) -> None:
    path = f"/01/{GTIN}/21/M-3"
    device = Subject("M-3")
    (row,) = [
        one
        for one in town.get("/v1/devices").json()["devices"]
        if one["code"]["value"].endswith("/21/M-3")
    ]
    device.did = row["did"]
    town.accept(town.supervise(device, "status.suspend", "lost", town.authority))
    assert 'title="device suspended"' in town.get(path).headers["link"]
    town.accept(town.supervise(device, "status.revoke", "stolen", town.authority))
    response = town.get(path)
    assert response.headers["location"] == "https://acme.example/en"
    assert (
        'rel="describedby"; type="application/json"; title="device revoked"'
        in (response.headers["link"])
    )
    (record,) = town.linkset(path)[0][f"{VOC}masterData"]
    assert record["title"] == "Record of the device: revoked"
    town.set(CLASS)
    try:
        gone = problem(town.get(path))
        assert gone["status"] == 410
        assert gone["answer"]["device"]["status"] == "revoked"
        assert town.get(path, headers=BROWSER).status_code == 410
        assert town.linkset(path)[0][f"{VOC}defaultLink"]
        lone = town.get(f"/01/{GTIN}/21/M-4")
        assert lone.headers["location"].startswith(f"{ROOT}/v1/resolve?scheme=gs1&code=")
        page = town.get(f"/01/{GTIN}/21/M-4?x=1", headers=BROWSER).headers["location"]
        assert page == f"{ROOT}/v1/linkset?scheme=gs1&code=" + quote(
            f"https://id.gs1.org/01/{GTIN}/21/M-4", safe=""
        )
        assert town.get(f"/01/{GTIN}").status_code == 404
    finally:
        town.set(CLASS, *LINKS, description="Water meter M1")


# Other schemes


def test_linksets_of_any_code(town: Resolving) -> None:
    town.accept(town.prefix(town.maker, "handle:86.1000"))
    handle = {"scheme": "handle", "value": "86.1000.1/sn-1"}
    town.set(handle, link("https://acme.example/terms/spares", "spares"))
    answer = town.get(f"/v1/linkset?scheme=handle&code={quote(handle['value'], safe='')}")
    (context,) = answer.json()["linkset"]
    assert context["anchor"] == f"{ROOT}/v1/resolve?scheme=handle&code=86.1000.1%2Fsn-1"
    assert context["https://acme.example/terms/spares"][0]["title"] == "spares"
    by_class = town.get(f"/v1/linkset?code=(01){GTIN}(21)M-1").json()["linkset"]
    assert by_class == town.linkset(f"/01/{GTIN}/21/M-1")
    assert problem(town.get("/v1/linkset?code=86.1000.1/nobody"))["status"] == 404
    assert problem(town.get("/v1/linkset?code=1HGCM82633A004352"))["status"] == 400
    assert problem(town.get("/v1/linkset?code=x&proof=1"))["status"] == 422


# Hostile


def test_markup_in_every_text_stays_text(town: Resolving) -> None:
    markup = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> & \\"
    code = gs1(f"/01/{GTIN}/21/EVIL")
    href = "https://evil.example/?a='&b=(1)"
    town.set(
        code,
        {"relation": "gs1:pip", "href": href, "title": markup},
        {"relation": "gs1:pip", "href": href, "title": 'Ünï\\"code'},
        description=markup,
    )
    path = f"/01/{GTIN}/21/EVIL?linkType=gs1:pip"
    page = town.get(path, headers=BROWSER)
    assert page.status_code == 300
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert "&lt;script&gt;" in page.text
    assert town.get(path).json()["linkset"][0][f"{VOC}pip"][0]["title"] == markup
    text = town.get(
        f"/01/{GTIN}/21/EVIL?linkType=linkset", headers={"accept": "application/linkset"}
    ).text
    assert '\\"><img' in text
    assert "title*=UTF-8''%C3%9Cn%C3%AF%5C%22code" in text


def test_the_largest_set(town: Resolving) -> None:
    many = [link("gs1:pip", "x" * 200, context=[f"{n:064}"]) for n in range(64)]
    town.set(gs1(f"/01/{GTIN}/21/MANY"), *many)
    (context,) = town.get(f"/01/{GTIN}/21/MANY?linkType=gs1:pip").json()["linkset"]
    assert len(context[f"{VOC}pip"]) == 64


@pytest.mark.parametrize(
    "query",
    [
        "%0d%0aSet-Cookie:x=1",
        "a=%0D%0A&b",
        "linkType=%0d%0aX:y",
        "a=<script>&b='\"",
        "&&&===",
        "linkType=linkset&linkType=gs1:pip",
        "lang=" + "-" * 3000,
        "context=" + "%00" * 500,
    ],
)
def test_queries(town: Resolving, query: str) -> None:
    response = town.get(f"/01/{GTIN}?{query}")
    assert response.status_code in (200, 300, 307, 404)
    for value in response.headers.values():
        assert value.isascii()
        assert "\r" not in value
        assert "\n" not in value
    assert "set-cookie" not in response.headers
    if response.status_code == 307:
        assert response.headers["location"].startswith("https://acme.example/en")


def test_long_and_many(town: Resolving) -> None:
    assert problem(town.get(f"/01/{GTIN}?{'x' * 5000}"))["status"] == 400
    assert (
        problem(town.get(f"/01/{GTIN}?{'&'.join(f'a{n}=1' for n in range(70))}"))["status"] == 400
    )


def test_nobody_is_sent_round_in_a_circle(town: Resolving) -> None:
    here = [f"/01/{GTIN}/21/{name}" for name in ("R-1", "R-2", "R-3")]
    for one, other in pairwise(here):
        town.set(gs1(one), {"relation": "gs1:pip", "href": ROOT + other, "title": "on"})
    town.set(gs1(here[2]), link("gs1:pip", "end"))
    assert town.leads(here[1]) == ROOT + here[2]  # one code may stand for another
    assert town.get(here[0]).status_code == 300  # which may not stand for a third
    assert "location" not in town.get(here[0]).headers
    town.set(gs1(here[2]), {"relation": "gs1:pip", "href": ROOT + here[2], "title": "itself"})
    town.set(gs1(here[1]), {"relation": "gs1:pip", "href": ROOT + here[0], "title": "back"})
    for path in here:
        assert town.get(path).status_code == 300
    loop = compress([("01", GTIN), ("21", "R-4")])
    town.set(
        gs1(f"/01/{GTIN}/21/R-4"),
        {"relation": "gs1:pip", "href": f"{ROOT}/{loop}", "title": "compressed"},
    )
    assert town.get(f"/{loop}").status_code == 300


@pytest.mark.parametrize("host", ["[1]", "[:::]", "[fe80::1::2]"])
def test_a_link_to_what_is_no_address_is_one_like_others(town: Resolving, host: str) -> None:
    one, other = (f"/01/{GTIN}/21/{name}" for name in ("B-1", "B-2"))
    href = f"https://{host}/x"
    town.set(gs1(one), {"relation": "gs1:pip", "href": href, "title": "nowhere"})
    town.set(gs1(other), {"relation": "gs1:pip", "href": ROOT + one, "title": "on"})
    assert head(town, one) == (307, href)
    assert head(town, other) == (307, ROOT + one)


def head(town: Resolving, path: str) -> tuple[int, str]:
    """Status and Location of an answer: httpx would follow it in thought."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode()}
    town.run(town.app({**scope, "query_string": b"", "headers": []}, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]).get(b"location", b"").decode()


def test_a_path_of_many_levels_is_refused_before_it_is_taken_apart(town: Resolving) -> None:
    for tail in ("/1" * 9, "/21/1" * 6_000):
        refused = problem(town.get(f"/01/{GTIN}{tail}"))
        assert (refused["status"], refused["code"]) == (400, "code.malformed")
        assert "segments" in refused["detail"]
    # As many as a key can have are read, and refused for what they say.
    assert "235" in problem(town.get(f"/01/{GTIN}/22/V/10/L/21/S/235/T"))["detail"]


def test_a_code_that_was_corrected_says_so_and_leads_on(town: Resolving) -> None:
    wrong, right = (f"/01/{GTIN}/21/{name}" for name in ("W-1", "W-10"))
    device = town.device("W-1", town.maker)
    body = {"code": gs1(right), "reason": "misprinted"}
    town.accept(town.follow(device, "code.correct", body, by=[town.maker]))
    assert 'title="device active, code corrected"' in town.get(wrong).headers["link"]
    assert 'title="device active"' in town.get(right).headers["link"]
    record = town.get(town.leads(f"{wrong}?linkType=gs1:masterData")).json()
    assert record["device"]["code"] == gs1(right)


def test_a_host_that_somebody_makes_up_stands_nowhere(town: Resolving) -> None:
    response = town.get(f"/01/{GTIN}/21/M-1", headers={"host": "evil.example"})
    assert "evil.example" not in str(response.headers)


def test_a_delegated_prefix_is_passed_on(town: Resolving, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = ["coap://node.example", ROOT, "https://node.example/tetrad/"]
    error = Delegated("elsewhere", referral={"node": {"urls": urls}})

    async def raising(*_: Any) -> Any:
        raise error

    monkeypatch.setattr("resolver.directory.OwnLedger.links", raising)
    response = town.get(f"/01/{GTIN}/21/A%2FB?x=1")
    assert response.headers["location"] == f"https://node.example/tetrad/01/{GTIN}/21/A%2FB?x=1"
    assert 'rel="gs1:handledBy"' in response.headers["link"]
    urls[2] = 'https://node.example/>;rel="x",<a'
    response = town.get(f"/01/{GTIN}")
    there = f"https://node.example/%3E;rel=%22x%22,%3Ca/01/{GTIN}"
    assert response.headers["location"] == there
    assert response.headers["link"] == f'<{there}>; rel="gs1:handledBy"'
    urls[2] = "https://[1]"
    assert head(town, f"/01/{GTIN}") == (307, f"https://[1]/01/{GTIN}")
    del urls[2]
    assert issubclass(Delegated, TetradError)
    assert problem(town.get(f"/01/{GTIN}"))["code"] == "delegated"
