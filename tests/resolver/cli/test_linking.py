"""`tetrad links`: what a person types, and sees."""

from __future__ import annotations

import json
from pathlib import Path

from tests.resolver.cli.conftest import Shell

CODE = "(01)09506000134352"


def test_links_are_set_shown_and_taken_away(shell: Shell, tmp_path: Path) -> None:
    maker = shell
    maker.must("org", "create", "Acme Meters", "--prefix", "gtin:09506000")
    nobody = maker("links", "show", CODE)
    assert nobody.status == 1
    assert "✓ there is none: proved" in nobody.err
    page = "gs1:pip=https://acme.example/m1,Meter M1, for water"
    done = maker.must("links", "set", CODE, "--link", page, "--description", "A meter")
    assert "read as 09506000134352" in done.out
    assert "1 link set" in done.out
    shown = maker.must("links", "show", CODE).out
    assert "→ gs1:pip  https://acme.example/m1  Meter M1, for water" in shown
    assert "✓ set by did:tetrad:" in shown
    assert "registry's word" in shown
    links = [
        {"relation": "gs1:pip", "href": "https://acme.example/de", "title": "Zähler"},
        {"relation": "gs1:pip", "href": "https://acme.example/en", "title": "Meter"},
    ]
    links[0] |= {"hreflang": ["de"]}  # type: ignore[dict-item]
    file = tmp_path / "links.json"
    file.write_text(json.dumps({"links": links, "description": "Wasserzähler"}), encoding="utf-8")
    maker.must("links", "set", CODE, "--file", str(file))
    value = maker.must("links", "show", CODE, "--json").json
    assert value["links"]["links"] == links
    assert value["links"]["description"] == "Wasserzähler"
    assert value["verified"]["signer"].startswith("did:tetrad:")
    maker.must("links", "set", CODE, "--none")
    assert "no links any more" in maker.must("links", "show", CODE).out


def test_what_is_wrong_is_said(shell: Shell, tmp_path: Path) -> None:
    maker = shell
    maker.must("org", "create", "Beta Meters", "--prefix", "gtin:04012345")
    assert "RELATION=URL,TITLE" in maker("links", "set", CODE, "--link", "gs1:pip=https://x").err
    assert maker("links", "set", CODE).status == 2
    bad = maker("links", "set", CODE, "--link", "gs1:pip=javascript:alert(1),x")
    assert bad.status == 1
    assert "/links/0/href" in bad.err or "href" in bad.err
    file = tmp_path / "links.json"
    file.write_text('{"linkset": []}')
    assert "a list of links is expected" in maker("links", "set", CODE, "--file", str(file)).err
    stranger = maker("links", "set", "(01)06141411234562", "--link", "gs1:pip=https://x.example/,x")
    assert stranger.status == 1
    assert "prefix" in stranger.err
