"""specs/vectors/resolution/codes.json, read as any other implementation would read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from identity.errors import InvalidIdentifier
from resolver.schemes import SCHEMES, Code

FILE = Path(__file__).parents[3] / "specs" / "vectors" / "resolution" / "codes.json"
VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))["vectors"]


@pytest.mark.parametrize("one", VECTORS, ids=[one["name"] for one in VECTORS])
def test_a_text_is_the_one_code_or_refused(one: dict[str, Any]) -> None:
    if "code" in one:
        code = Code(**one["code"])
        assert SCHEMES.read(one["text"], one.get("scheme")) == code
        assert SCHEMES.canonical(*code) == code.value
        return
    with pytest.raises(InvalidIdentifier) as caught:
        SCHEMES.read(one["text"], one.get("scheme"))
    assert caught.value.code == one["error"]
    assert caught.value.members.get("candidates") == one.get("candidates")


def test_every_scheme_has_a_vector() -> None:
    assert {one["code"]["scheme"] for one in VECTORS if "code" in one} == set(SCHEMES.names())
    assert len({one["name"] for one in VECTORS}) == len(VECTORS)
