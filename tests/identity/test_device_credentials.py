"""The six types: models and JSON Schemas refuse the same, and the context defines every term."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from identity.credentials.contexts import DOCUMENTS
from identity.credentials.credential import check_credential
from identity.credentials.device import CONTEXT, SCHEMA, TYPES, read_device_credential
from identity.credentials.rdfc import canonicalize
from identity.credentials.subjects import model_url
from identity.errors import MalformedCredential
from tests.generated.__main__ import SPECS
from tests.test_schemas import paths, removed, replaced

VECTORS = json.loads((SPECS / "vectors/identity/device_credentials.json").read_bytes())["vectors"]
EXAMPLES = {one["name"]: one["credential"] for one in VECTORS if one["name"] in TYPES}


def schema(name: str) -> Any:
    return json.loads((SPECS / "schemas" / "credentials" / f"{name}.json").read_bytes())


def refused(credential: Any) -> bool:
    try:
        read_device_credential(credential)
    except MalformedCredential:
        return True
    return False


@pytest.mark.parametrize("name", list(TYPES))
def test_schema_and_model_refuse_the_same(name: str) -> None:
    """Each value in turn removed, or replaced by one of another type; one member more."""
    example, check = EXAMPLES[name], Draft202012Validator(schema(name))
    Draft202012Validator.check_schema(check.schema)
    assert check.schema["$id"] == SCHEMA + name == example["credentialSchema"]["id"]
    check.validate(example)
    assert not check.is_valid({**example, "more": 1})
    assert refused({**example, "more": 1})
    for path in paths(example):
        if not path:
            continue
        others: list[Any] = [17, 1.5, True, None, "", [], {}]
        mutants = [replaced(example, path, other) for other in others]
        mutants.append(removed(example, path))
        for mutant in mutants:
            assert check.is_valid(mutant) == (not refused(mutant)), (path, mutant)


@pytest.mark.parametrize("name", list(TYPES))
def test_every_term_is_defined_and_kept_by_a_json_ld_processor(name: str) -> None:
    """check_credential refuses undefined terms, and PyLD drops nothing of what is signed."""
    example = EXAMPLES[name]
    check_credential(example)
    pytest.importorskip("pyld")
    quads = canonicalize(example).decode()
    assert f"<{CONTEXT}#{name}>" in quads
    for member in example["credentialSubject"]:
        if member != "id":
            assert f"<{CONTEXT}#{member}>" in quads, member


def test_the_context_defines_what_the_schemas_have_and_nothing_else() -> None:
    defined = set(DOCUMENTS[CONTEXT]["@context"]) - {"@version", "@protected"}
    named: set[str] = set(TYPES)
    for name in TYPES:
        for part, made in schema(name)["$defs"].items():
            if part.endswith(("Subject", "Code")):
                named |= set(made["properties"])
    assert defined == named - {"id"}


@given(st.text(min_size=1, max_size=40))
def test_models_have_one_name_each(model: str) -> None:
    url = model_url("did:tetrad:x:y", model)
    assert unquote(url.removeprefix("did:tetrad:x:y/models/")) == model
    assert url.isascii()
    assert "/" not in url.removeprefix("did:tetrad:x:y/models/")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(JSON | st.fixed_dictionaries({"type": JSON}))
def test_anything_else_is_malformed(value: Any) -> None:
    with pytest.raises(MalformedCredential):
        read_device_credential(value)


@given(name=st.sampled_from(list(TYPES)), data=st.data())
def test_only_our_error(name: str, data: st.DataObject) -> None:
    """Any value of a credential replaced by anything: refused with a pointer, or read."""
    example = EXAMPLES[name]
    path = data.draw(st.sampled_from([path for path in paths(example) if path]))
    changed = replaced(example, path, data.draw(JSON))
    if refused(changed):
        return
    assert read_device_credential(changed).name == name
