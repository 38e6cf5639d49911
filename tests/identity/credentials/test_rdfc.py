"""RDF canonicalization refuses what it would drop, and whatever PyLD stumbles over."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings

from identity.credentials import rdfc
from identity.errors import MalformedCredential, MalformedProof, TetradError
from tests.identity.credentials.test_terms import BAD, GOOD, STRICTER, documents, wild

V2 = "https://www.w3.org/ns/credentials/v2"


@pytest.mark.parametrize("case", GOOD)
def test_what_the_contexts_define_comes_out(case: str) -> None:
    assert rdfc.canonicalize(GOOD[case]) or case == "null in the place of anything"


@pytest.mark.parametrize("case", sorted(BAD.keys() - STRICTER))
def test_what_they_do_not_is_refused(case: str) -> None:
    with pytest.raises(MalformedCredential):
        rdfc.canonicalize(BAD[case][0])


def test_what_pyld_stumbles_over() -> None:
    with pytest.raises(MalformedProof, match="PyLD"):
        rdfc.canonicalize({"@context": [V2, {"@vocab": None}], "name": "x"})


def test_without_pyld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rdfc, "jsonld", None)
    with pytest.raises(MalformedProof) as refusal:
        rdfc.canonicalize({"@context": [V2], "name": "x"})
    assert "tetrad[interop]" in refusal.value.hint


@given(documents(wild))
@settings(max_examples=150)
def test_hostile_documents_raise_only_our_errors(document: dict[str, Any]) -> None:
    with contextlib.suppress(TetradError):
        rdfc.canonicalize(document)
