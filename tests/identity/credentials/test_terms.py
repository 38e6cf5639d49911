"""Terms that no context defines are refused: case by case, and in agreement with PyLD."""

from __future__ import annotations

import contextlib
import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from pyld import jsonld  # type: ignore[import-untyped]  # it has no type information

from identity.credentials.contexts import DOCUMENTS
from identity.credentials.term_definitions import is_absolute
from identity.credentials.terms import check_terms
from identity.errors import MalformedCredential, TetradError

V2 = "https://www.w3.org/ns/credentials/v2"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
ACME = "https://acme.example/terms#"


def load(url: str, _options: object) -> dict[str, Any]:
    if url not in DOCUMENTS:
        raise jsonld.JsonLdError("unknown", "loading document failed")
    return {
        "contextUrl": None,
        "documentUrl": url,
        "document": deepcopy(DOCUMENTS[url]),
        "contentType": "application/ld+json",
    }


class Dropped(Exception):
    """PyLD would have left something out."""


def drop(name: object) -> None:
    raise Dropped(str(name))


def expanded_by_pyld(document: dict[str, Any]) -> Any:
    """What PyLD makes of it. Raises Dropped or JsonLdError where anything would be lost."""
    processor = jsonld.JsonLdProcessor(on_property_dropped=drop)
    options = {"documentLoader": load, "base": None, "processingMode": "json-ld-1.1"}
    found = processor.expand(deepcopy(document), options)
    check_expanded(found)
    return found


def check_expanded(value: Any) -> None:
    """Relative types and ids come out of expansion, but not into RDF."""
    if isinstance(value, list):
        for item in value:
            check_expanded(item)
    elif isinstance(value, dict):
        types = value.get("@type", [])
        for name in types if isinstance(types, list) else [types]:
            if name is None or (name not in ("@json", "@none") and not is_absolute(name)):
                raise Dropped(name)
        if "@id" in value and not is_absolute(value["@id"]):
            raise Dropped(value["@id"])
        if "@value" not in value:
            for key, item in value.items():
                if key not in ("@id", "@type", "@index"):
                    check_expanded(item)


def accepted(document: dict[str, Any]) -> bool:
    try:
        check_terms(document)
    except MalformedCredential:
        return False
    return True


def accepted_by_pyld(document: dict[str, Any]) -> bool:
    try:
        expanded_by_pyld(document)
    except (Dropped, jsonld.JsonLdError, SyntaxWarning):
        return False
    except KeyError:  # a defect of PyLD: it removes a vocabulary that is not there
        reject()
    return True


CREDENTIAL: dict[str, Any] = {"@context": [V2], "type": ["VerifiableCredential"]}
GOOD: dict[str, dict[str, Any]] = {
    "a credential": {
        "@context": [V2],
        "type": ["VerifiableCredential"],
        "issuer": {"id": "did:example:a", "name": "A"},
        "credentialSubject": {"id": "did:example:b"},
    },
    "a type that is a URL": {"@context": [V2], "type": ["https://acme.example/#T"]},
    "an inline term": {"@context": [V2, {"colour": ACME + "colour"}], "colour": "red"},
    "a compact IRI": {"@context": [V2, {"acme": ACME}], "acme:colour": "red"},
    "a term by another": {
        "@context": [V2, {"shade": "acme:shade", "acme": ACME}],
        "shade": "red",
    },
    "a vocabulary": {"@context": [V2, EXAMPLES], "anything": {"goes": [1, {"here": None}]}},
    "JSON is not entered": {
        "@context": [V2, {"raw": {"@id": ACME + "raw", "@type": "@json"}}],
        "raw": {"no": {"term": [1, {"@id": 7}]}},
    },
    "a language map": {
        "@context": [V2, {"label": {"@id": ACME + "label", "@container": "@language"}}],
        "label": {"en": "red", "zh": ["红"]},
    },
    "an index map": {
        "@context": [V2, {"by": {"@id": ACME + "by", "@container": "@index"}}],
        "by": {"no term": {"name": "x"}},
    },
    "a context that belongs to a type": {
        "@context": [V2, {"Lamp": {"@id": ACME + "Lamp", "@context": {"lit": ACME + "lit"}}}],
        "type": "Lamp",
        "lit": True,
    },
    "a context that belongs to a property": {
        "@context": [V2, {"lamp": {"@id": ACME + "lamp", "@context": {"lit": ACME + "lit"}}}],
        "lamp": {"lit": {"lit": True}},
    },
    "a credential in a presentation starts anew": {
        "@context": [V2, {"colour": ACME + "colour"}],
        "type": "VerifiablePresentation",
        "verifiableCredential": [
            {
                "@context": [V2, {"colour": "https://other.example/colour"}],
                "type": "VerifiableCredential",
                "colour": "red",
            }
        ],
    },
    "the same protected term again": {
        "@context": [
            {"@protected": True, "colour": ACME + "colour"},
            {"colour": ACME + "colour"},
        ],
        "colour": "red",
    },
    "a protected term that a property's context redefines": {
        "@context": [
            {
                "@protected": True,
                "colour": ACME + "colour",
                "inner": {"@id": ACME + "inner", "@context": {"colour": ACME + "other"}},
            }
        ],
        "inner": {"colour": "red"},
    },
    "a value object": {"@context": [V2], "name": {"@value": "红", "@language": "zh"}},
    "aliases": {
        "@context": [V2, {"val": "@value", "lang": "@language"}],
        "name": {"val": "x", "lang": "en"},
    },
    "nothing in a language": {
        "@context": [V2],
        "id": "urn:a:b",
        "name": [{"@value": None, "@language": "en"}, "x"],
    },
    "null in the place of anything": {"@context": [V2], "name": None},
    "a set and a list": {
        "@context": [V2, {"l": {"@id": ACME + "l", "@container": "@list"}}],
        "l": ["a", ["b"]],
        "name": {"@set": ["x"]},
    },
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an undefined term": ({"@context": [V2], "colour": "red"}, "/colour"),
    "an undefined type": ({"@context": [V2], "type": ["Lamp"]}, "/type"),
    "deep down": (
        {**CREDENTIAL, "credentialSubject": [{"id": "did:a:b"}, {"colour": 1}]},
        "/credentialSubject/1/colour",
    ),
    "no context": ({"name": "x"}, "/name"),
    "a type that is mapped to no URL": (
        {"@context": [V2, {"T": "https ://no.url#T"}], "type": "T"},
        "/@context",
    ),
    "a context within a context": (
        {"@context": [V2, {"@context": {"colour": "https://x.example/c"}}]},
        "/@context",
    ),
    "a keyword as a term": ({"@context": [V2, {"@id": "https://x.example/c"}]}, "/@context"),
    "another type as a term": ({"@context": [V2, {"@type": "https://x.example/c"}]}, "/@context"),
    "an unknown context": ({"@context": [V2, "https://acme.example/v1"]}, "/@context"),
    "a context that is a number": ({"@context": [V2, 123192875]}, "/@context"),
    "a protected term redefined": (
        {"@context": [V2, {"VerifiableCredential": ACME + "Bad"}]},
        "/@context",
    ),
    "protected by the document itself": (
        {"@context": [{"@protected": True, "c": ACME + "c"}, {"c": ACME + "d"}], "c": 1},
        "/@context",
    ),
    "protected terms taken away": ({"@context": [V2, None], "name": "x"}, "/@context"),
    "a term taken out": ({"@context": [{"c": ACME + "c"}, {"c": None}], "c": 1}, "/c"),
    "a type's context does not reach the next node": (
        {
            "@context": [
                V2,
                {
                    "Lamp": {"@id": ACME + "Lamp", "@context": {"lit": ACME + "lit"}},
                    "proof": ACME + "proof",
                },
            ],
            "type": "Lamp",
            "proof": {"lit": True},
        },
        "/proof/lit",
    ),
    "a term of a type without the type": ({"@context": [V2], "issuer": "did:a:b"}, "/issuer"),
    "a relative id": ({"@context": [V2], "id": "abc", "name": "x"}, "/id"),
    "a relative reference": (
        {"@context": [V2], "type": "VerifiableCredential", "issuer": "abc"},
        "/issuer",
    ),
    "an unknown purpose": (
        {"@context": [V2], "type": "DataIntegrityProof", "proofPurpose": "assertion"},
        "/proofPurpose",
    ),
    "a keyword that is none": ({"@context": [V2], "@colour": "red"}, "/@colour"),
    "a term that defines itself": ({"@context": [{"a": "b:x", "b": "a:x"}], "a": 1}, "/@context"),
    "a value object with more in it": (
        {"@context": [V2], "name": {"@value": "x", "url": "y"}},
        "/name",
    ),
    "reverse": ({"@context": [V2], "@reverse": {}}, "/@reverse"),
    "import": ({"@context": [V2, {"@import": V2}]}, "/@context"),
    "base": ({"@context": [V2, {"@base": "https://acme.example/"}]}, "/@context"),
    "free text in a graph": ({"@context": [V2], "@graph": ["text"]}, "/@graph"),
    "a reserved name": ({"@context": [V2, {"@later": ACME}]}, "/@context"),
    "a reserved meaning": ({"@context": [V2, {"a": "@later"}]}, "/@context"),
    "types that are numbers": ({"@context": [V2], "type": [1]}, "/type"),
    "an id that is a list": ({"@context": [V2], "id": ["did:a:b"]}, "/id"),
    "version 1.0": ({"@context": [V2, {"@version": 1.0}]}, "/@context"),
}
STRICTER = {
    *("reverse", "import", "base", "free text in a graph", "a context within a context"),
}  # than PyLD, on purpose


@pytest.mark.parametrize("case", GOOD)
def test_defined(case: str) -> None:
    check_terms(GOOD[case])
    assert accepted_by_pyld(GOOD[case])


@pytest.mark.parametrize("case", BAD)
def test_undefined(case: str) -> None:
    document, pointer = BAD[case]
    with pytest.raises(MalformedCredential) as refusal:
        check_terms(document)
    assert refusal.value.pointer == pointer
    assert case in STRICTER or not accepted_by_pyld(document)


def test_deep_nesting_is_refused_and_not_followed() -> None:
    document: dict[str, Any] = {"@context": [V2, EXAMPLES]}
    for _ in range(10_000):
        document = {"@context": [V2, EXAMPLES], "a": [document]}
    with pytest.raises(MalformedCredential, match="levels"):
        check_terms(document)
    context: dict[str, Any] = {"a": ACME}
    for _ in range(20):
        context = {"a": {"@id": ACME, "@context": context}}
    with pytest.raises(MalformedCredential, match="within one another"):
        check_terms({"@context": [V2, context]})


@pytest.mark.parametrize("more", [{"@prefix": False}, {"@container": "@set"}, {"@protected": 1}])
def test_a_term_is_taken_out_and_nothing_else(more: dict[str, Any]) -> None:
    check_terms({"@context": [V2, {"acme:c": {"@id": None, "@protected": True}}], "name": "x"})
    with pytest.raises(MalformedCredential):
        check_terms({"@context": [V2, {"acme:c": {"@id": None, **more}}], "name": "x"})


def test_one_keyword_under_two_names() -> None:
    """JSON-LD, 5.1.2 step 13.4.2: which of two ids it is, nobody could tell."""
    with pytest.raises(MalformedCredential, match="two names"):
        check_terms({"@context": [V2], "name": "x", "id": "did:example:a", "@id": "did:example:b"})


@pytest.mark.parametrize("container", ["@index", "@language", "@id", "@type"])
def test_an_object_in_a_list_is_no_map(container: str) -> None:
    """Its keys are terms then; as those of a map, they would pass without a meaning."""
    term = {"@id": ACME + "by", "@container": container}
    for value in ([{"https": {"name": "x"}}], [{"https": "x"}]):
        document = {"@context": [V2, {"by": term}], "by": value}
        assert not accepted_by_pyld(document)
        with pytest.raises(MalformedCredential, match="no context defines 'https'"):
            check_terms(document)
    check_terms({"@context": [V2, {"by": term}], "by": [{"@value": 1.5}]})


def test_the_members_of_a_value_stand_in_any_order() -> None:
    for value in (
        {"@language": "en", "@value": "x"},
        {"@value": "x", "@language": "en"},
        {"@direction": "ltr", "@language": "en", "@value": "x"},
    ):
        check_terms({"@context": [V2], "name": value})


def test_a_value_has_a_type_or_a_language() -> None:
    with pytest.raises(MalformedCredential, match="a type or a language"):
        check_terms(
            {"@context": [V2], "name": {"@value": None, "@language": "en", "@type": "@json"}}
        )


def test_contexts_cost_no_more_than_the_document_is_long() -> None:
    """Each context copies the terms before it: without an end, a few kilobytes take seconds."""
    few = [{f"a{n}": ACME} for n in range(31)]
    check_terms({"@context": [V2, *few]})
    with pytest.raises(MalformedCredential, match="32 contexts"):
        check_terms({"@context": [V2, *few, {}]})
    for amount in (200, 600):
        document = {"@context": [V2, {f"a{n}": ACME for n in range(amount)}]}
        if amount < 512:
            check_terms(document)
        else:
            with pytest.raises(MalformedCredential, match="512 terms"):
                check_terms(document)
    scoped = {f"b{n}": ACME for n in range(400)}
    with pytest.raises(MalformedCredential, match="512 terms"):
        check_terms({"@context": [V2, scoped, {"a": {"@id": ACME, "@context": scoped}}]})


# --- any document made of known and unknown terms

URLS = [
    *DOCUMENTS,
    "https://acme.example/unknown",
]
TERM_NAMES = [
    "a",
    "b",
    "T",
    "acme",
    "acme:c",
    "issuer",
    "name",
    "VerifiableCredential",
    "https://x.example/p",
]
IRIS = [ACME + "x", ACME, "acme:y", "https://x.example/b", "_:b"]
TYPED = ["@id", "@vocab", "@json", "@none", ACME + "T"]
KEYS = [
    *TERM_NAMES,
    *(
        "id",
        "type",
        "@id",
        "@type",
        "credentialSubject",
        "proof",
        "proofPurpose",
        "credentialStatus",
    ),
    *("verifiableCredential", "unknown", "@index", "statusPurpose", "jsonSchema", "c:d"),
]
TYPES = [
    *("VerifiableCredential", "VerifiablePresentation", "DataIntegrityProof", "T", "a", "acme:t"),
    *(
        "JsonSchema",
        "BitstringStatusListEntry",
        "Unknown",
        "https://x.example/T",
        "relative",
        "Multikey",
    ),
]
STRINGS = [
    "text",
    "did:example:a",
    "https://x.example/",
    "acme:z",
    "a",
    "assertionMethod",
    "",
    "a b:c",
]

scoped = st.fixed_dictionaries(
    {}, optional={"b": st.sampled_from([ACME + "b", None]), "@propagate": st.booleans()}
)


def definitions(iris: list[str], types: list[str]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.none(),
        st.sampled_from(iris),
        st.fixed_dictionaries(
            {"@id": st.sampled_from(iris)},
            optional={
                "@type": st.sampled_from(types),
                "@container": st.sampled_from(["@set", "@language", "@index", "@id"]),
                "@protected": st.just(True),  # PyLD takes false for a term being defined
                "@context": scoped,
            },
        ),
    )


odd = st.one_of(
    definitions([*IRIS, "@id", "@type", "@value", "no iri", "@later", "a"], [*TYPED, "no iri"]),
    st.fixed_dictionaries(
        {},
        optional={
            "@id": st.sampled_from([*IRIS, "@type", "a", None]),
            "@container": st.sampled_from(
                ["@list", ["@set", "@index"], "@graph", ["@graph", "@id"]]
            ),
            "@prefix": st.booleans(),
            "@protected": st.booleans(),
        },
    ),
)
wild = st.one_of(
    st.sampled_from(URLS),
    st.none(),
    st.dictionaries(st.sampled_from(TERM_NAMES), odd, max_size=3),
    st.fixed_dictionaries(
        {},
        optional={
            "@vocab": st.sampled_from([ACME, "no iri", "", None, "acme:v"]),
            "@protected": st.just(True),
            "@version": st.sampled_from([1.1, 1.0, "1.1"]),
            "a": odd,
            "T": odd,
            "acme": st.just(ACME),
        },
    ),
)
tame = st.one_of(
    st.sampled_from(URLS),
    st.dictionaries(st.sampled_from(["a", "b", "T"]), definitions(IRIS, TYPED), max_size=3),
    st.fixed_dictionaries({"@vocab": st.just(ACME)}),
)
scalars = st.one_of(
    st.sampled_from(STRINGS), st.integers(-3, 3), st.booleans(), st.none(), st.just(1.5)
)
value_objects = st.fixed_dictionaries(
    {"@value": scalars},
    optional={
        "@language": st.sampled_from(["en", 1]),
        "@direction": st.sampled_from(["ltr", "up"]),
        "@type": st.sampled_from([ACME + "T", "@json", "Unknown"]),
        "extra": st.just("x"),
    },
)


def nodes(
    values: st.SearchStrategy[Any], contexts: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda members, types, context: {**members, **types, **context},
        st.dictionaries(
            st.sampled_from(KEYS), st.one_of(values, st.lists(values, max_size=2)), max_size=3
        ),
        st.one_of(
            st.just({}),
            st.fixed_dictionaries(
                {"type": st.lists(st.sampled_from(TYPES), min_size=1, max_size=2)}
            ),
        ),
        st.one_of(st.just({}), st.just({}), st.fixed_dictionaries({"@context": contexts})),
    )


def documents(context: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    contexts = st.lists(context, max_size=3)
    return st.builds(
        lambda node, more: {"name": "x", **node, "@context": [V2, *more]},
        nodes(
            st.recursive(
                st.one_of(scalars, value_objects),
                lambda inner: nodes(inner, contexts),
                max_leaves=4,
            ),
            contexts,
        ),
        contexts,
    )


@given(documents(wild))
@settings(max_examples=300)
def test_nothing_is_accepted_of_which_pyld_would_drop_a_part(document: dict[str, Any]) -> None:
    if accepted(document):
        assert accepted_by_pyld(document), json.dumps(document)


@given(documents(tame))
@settings(max_examples=300)
def test_agrees_with_pyld(document: dict[str, Any]) -> None:
    assert accepted(document) == accepted_by_pyld(document), json.dumps(document)


@given(
    st.recursive(
        st.one_of(scalars, st.text(max_size=5), st.floats()),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.one_of(
                    st.sampled_from([*KEYS, "@context", "@container", "@vocab"]),
                    st.text(max_size=3),
                ),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=12,
    )
)
def test_hostile_documents_raise_only_our_errors(value: Any) -> None:
    document = value if isinstance(value, dict) else {"@context": value}
    with contextlib.suppress(TetradError):
        check_terms(document)
