"""digital-link.js (npm) reads our Digital Links, and compresses and decompresses as we do.

Where it does not, it is named: it loses the zeros with which a number begins and digits beyond
those of a double, does not know (235), reads no GRAI that was compressed, its own neither, and
sequences in one order alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from resolver.gs1.compression import compress, decompress
from resolver.gs1.requests import read_compressed
from tests.generated.__main__ import SPECS
from tests.resolver.town import Town

Node = Callable[[str, str, Any], Any]
ROOT = "https://registry.example"
OTHERWISE = {
    "a serial of digits that begins with zeros",
    "more digits than a double holds",
    "an individual asset",
    "the same in the order of the table",
    "a third-party serial",
    "a returnable asset",
    "a returnable asset without a serial",
}
PATHS = [
    "/01/09506000134352",
    "/01/09506000134352/21/M-0017",
    "/01/09506000134352/22/2A/10/LOT-1/21/S-1",
    "/01/09506000134352/10/LOT-1/21/S-1?17=261231",
    "/8004/9506000ABC",
    "/8004/950600013430",
]


def test_it_reads_our_links(node: Node) -> None:
    with Town() as town:
        maker = town.acme()
        town.device("M-0017", maker)
        body = {
            "anchor": {"scheme": "gtin", "value": "09506000134352"},
            "links": [{"relation": "gs1:pip", "href": "https://acme.example/", "title": "x"}],
        }
        town.accept(town.follow(maker, "links.set", body))
        linkset = town.get("/01/09506000134352/21/M-0017?linkType=linkset").json()["linkset"]
    anchors = [one["anchor"] for one in linkset]
    assert len(anchors) == 2
    for uri, said in zip(anchors, node("digital_links.mjs", "read", anchors), strict=True):
        assert said["valid"], uri
        assert said["identifier"] == {"01": "09506000134352"}
        assert said["qualifiers"] == ({"21": "M-0017"} if "/21/" in uri else {})


def test_what_it_compresses_we_read(node: Node) -> None:
    made = node("digital_links.mjs", "compress", [ROOT + path for path in PATHS])
    for path, uri in zip(PATHS, made, strict=True):
        found = read_compressed(urlsplit(uri).path.encode())
        assert found is not None
        query = f"?{found.attributes}" if found.attributes else ""
        assert found.paths[0] + query == path
        assert compress(decompress(urlsplit(uri).path[1:])) == urlsplit(uri).path[1:]


def test_what_we_compress_it_reads(node: Node) -> None:
    file = json.loads((SPECS / "vectors/resolution/compression.json").read_bytes())
    holding = [one for one in file["vectors"] if "values" in one]
    uris = [f"{ROOT}/{one['compressed']}" for one in holding]
    read = node("digital_links.mjs", "decompress", uris)
    agreed = set()
    for one, uri in zip(holding, read, strict=True):
        values = dict(one["values"])
        parts = urlsplit(uri or "")
        steps = [unquote(part) for part in parts.path.split("/")[1:]]
        found = dict(zip(steps[::2], steps[1::2], strict=False))
        found |= {
            name: unquote(value)
            for name, _, value in (pair.partition("=") for pair in parts.query.split("&") if pair)
        }
        if found == values:
            agreed.add(one["name"])
    assert {one["name"] for one in holding} - agreed == OTHERWISE
