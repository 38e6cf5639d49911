"""Under an rdfc suite the same RDF can be written in many ways: only the plain one is accepted.

Each attack takes a credential whose signature holds, writes it anew without a change to its RDF (so
that the signature holds still), and hides from whoever reads the JSON what would refuse it.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.credentials import rdfc
from identity.credentials.credential import verify_credential
from identity.credentials.rdf_form import MOST_VALUES, check_rdf_form
from identity.credentials.securing import secure
from identity.errors import (
    CredentialOutOfTime,
    InputTooLarge,
    MalformedProof,
    StatusUnknown,
    TetradError,
)
from identity.keys import private_key
from identity.methods import did_key_methods

NOW = 1_790_000_000
V2 = "https://www.w3.org/ns/credentials/v2"
TERMS = "https://www.w3.org/2018/credentials#"
DATE = "http://www.w3.org/2001/XMLSchema#dateTime"
KEY = private_key("Ed25519", bytes(range(1, 33)))
ISSUER = f"did:key:{KEY.public.multikey}"
ENTRY = {
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "7",
    "statusListCredential": "https://issuer.example/status/1",
}
Document = dict[str, Any]


def signed(suite: str = "eddsa-rdfc-2022", **members: Any) -> Document:
    credential = {
        "@context": [V2],
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential"],
        "issuer": ISSUER,
        "credentialSubject": {"id": "urn:evil:tetrad:x", "name": "N"},
        **members,
    }
    return secure(
        credential,
        KEY,
        method=f"{ISSUER}#{KEY.public.multikey}",
        purpose="assertionMethod",
        cryptosuite=suite,
    )


def verify(credential: Document) -> None:
    def unknown(_: object) -> Document:
        raise StatusUnknown("not at hand")

    verify_credential(credential, did_key_methods, now=NOW, status=unknown)


def without(value: Document, *names: str) -> Document:
    return {name: inner for name, inner in value.items() if name not in names}


def under_its_iri(value: Document) -> Document:
    until = {"@type": DATE, "@value": value["validUntil"]}
    return {**without(value, "validUntil"), TERMS + "validUntil": until}


def under_another_name(value: Document) -> Document:
    named = {"end": {"@id": TERMS + "validUntil", "@type": DATE}}
    return {
        **without(value, "validUntil"),
        "@context": [V2, named],
        "end": value["validUntil"],
    }


def beside(value: Document) -> Document:
    """The same node a second time, where nobody looks."""
    again = {"id": value["id"], "type": value["type"], "validUntil": value["validUntil"]}
    return {**without(value, "validUntil"), "@included": [again]}


def status_under_its_iri(value: Document) -> Document:
    return {
        **without(value, "credentialStatus"),
        TERMS + "credentialStatus": value["credentialStatus"],
    }


def another_subject(value: Document) -> Document:
    """A prefix makes of the id that was signed the id that the verifier reads."""
    prefix = {"did": {"@id": "urn:evil:", "@prefix": True}}
    subject = {**value["credentialSubject"], "@context": prefix, "id": "did:tetrad:x"}
    return {**value, "credentialSubject": subject}


def wrapped_subject(value: Document) -> Document:
    return {**value, "credentialSubject": {"@set": [value["credentialSubject"]]}}


def keyword_id(value: Document) -> Document:
    return {**without(value, "id"), "@id": value["id"]}


def renamed_id(value: Document) -> Document:
    return {**without(value, "id"), "@context": [V2, {"name2": "@id"}], "name2": value["id"]}


def twice(value: Document) -> Document:
    """Claims of a subject that is its own issuer, in the one place or the other."""
    subject = value["credentialSubject"]
    moved = {"id": subject["id"], "description": subject["description"]}
    return {**value, "issuer": moved, "credentialSubject": without(subject, "description")}


EXPIRED = {"validUntil": "2020-01-01T00:00:00Z"}
OWN = {"credentialSubject": {"id": ISSUER, "name": "N", "description": "D"}}
ATTACKS: dict[str, tuple[Document, Any]] = {
    "an end under its IRI": (EXPIRED, under_its_iri),
    "an end under another name": (EXPIRED, under_another_name),
    "an end beside": (EXPIRED, beside),
    "a status under its IRI": ({"credentialStatus": ENTRY}, status_under_its_iri),
    "another subject": ({}, another_subject),
    "a subject in a wrapper": ({}, wrapped_subject),
    "an id as keyword": ({}, keyword_id),
    "an id under another name": ({}, renamed_id),
    "claims of another object": (OWN, twice),
}


@pytest.mark.parametrize(("members", "attack"), ATTACKS.values(), ids=ATTACKS)
def test_the_same_rdf_in_other_json_is_refused(members: Document, attack: Any) -> None:
    whole = signed(**members)
    changed = attack(whole)
    assert rdfc.canonicalize(without(changed, "proof")) == rdfc.canonicalize(
        without(whole, "proof")
    )
    with pytest.raises(MalformedProof, match="under an rdfc suite"):
        verify(changed)


@pytest.mark.parametrize(
    "name",
    [
        "https://example.org/examples#degreeType",  # in a list of contexts
        TERMS + "expirationDate",  # behind a prefix, in the context of a type
        TERMS + "credentialStatus",
        "https://w3id.org/security#proof",
    ],
)
def test_what_bundled_contexts_write_in_short_has_a_name_too(name: str) -> None:
    with pytest.raises(MalformedProof, match="own name"):
        check_rdf_form({"@context": [V2], name: "x"})


def test_contexts_that_are_lists_name_things_too() -> None:
    named = {"degreeType": "https://acme.example/#degreeType"}
    with pytest.raises(MalformedProof, match="may not define"):
        check_rdf_form({"@context": [V2, named]})


def test_an_end_of_the_proof_under_its_iri() -> None:
    whole = signed()
    end = {"@type": DATE, "@value": "2020-01-01T00:00:00Z"}
    whole["proof"] = {**whole["proof"], "https://w3id.org/security#expiration": end}
    with pytest.raises(MalformedProof, match="under an rdfc suite"):
        verify(whole)


OWN_TERMS: dict[str, Any] = {
    "another name": {"finish": "https://example.com/end"},
    "a bundled IRI": {"validUntil_": "https://www.w3.org/2018/credentials#validUntil"},
    "a bundled term": {"validUntil": "https://example.com/validUntil"},
    "a keyword": {"end": "@id"},
    "a prefix": {"did": "https://example.com/did/"},
    "a prefix by name": {"end": {"@id": "https://example.com/end", "@prefix": True}},
    "a scheme": {"did": "https://example.com/did"},
    "a context within": {"end": {"@id": "https://example.com/end", "@context": {}}},
    "a vocabulary": {"@vocab": "https://example.com/"},
    "a relative IRI": {"end": "end"},
    "nothing": {"end": None},
}


@pytest.mark.parametrize("own", OWN_TERMS.values(), ids=OWN_TERMS)
def test_nobody_signs_what_nobody_accepts(own: Document) -> None:
    with pytest.raises(MalformedProof, match="a context may not define"):
        signed("eddsa-rdfc-2022", **{"@context": [V2, own]})


def test_own_terms_are_called_as_their_iris_end() -> None:
    own = {
        "@protected": True,
        "end": "https://example.com/end",
        "Kind": {"@id": "https://example.com#Kind"},
    }
    whole = signed(
        "eddsa-rdfc-2022", **{"@context": [V2, own], "type": ["VerifiableCredential", "Kind"]}
    )
    verify(whole)
    renamed = {"finish": "https://example.com/end", "Kind": own["Kind"]}
    with pytest.raises(MalformedProof, match="a context may not define"):
        verify({**whole, "@context": [V2, renamed]})


def test_what_was_hidden_refuses_where_it_is_not() -> None:
    verify(signed())
    with pytest.raises(CredentialOutOfTime):
        verify(signed(**EXPIRED))
    with pytest.raises(StatusUnknown):
        verify(signed(credentialStatus=ENTRY))


def test_a_name_that_no_context_has_is_its_own() -> None:
    verify(signed(type=["VerifiableCredential", "https://acme.example/T"]))
    verify(signed(credentialSubject={"https://acme.example/colour": "red"}))
    examples = "https://www.w3.org/ns/credentials/examples"
    contexts: Document = {"@context": [V2, f"{examples}/v2"]}
    verify(signed(**contexts, credentialSubject={"colour": "red"}))
    with pytest.raises(MalformedProof, match="own name"):
        signed(**contexts, credentialSubject={f"{examples}#colour": "red"})


def test_other_graphs_speak_of_the_same_ids() -> None:
    """Two credentials of one issuer in a presentation, and a chain of proofs."""
    issuer = {"id": ISSUER, "name": "N"}
    shown = {
        "@context": [V2],
        "type": ["VerifiablePresentation"],
        "verifiableCredential": [signed(issuer=issuer), signed(issuer=issuer)],
    }
    check_rdf_form(shown)


@pytest.mark.parametrize("contexts", [[V2] * MOST_VALUES, [V2]], ids=["contexts", "values"])
def test_a_large_document_is_refused_unread(contexts: list[str]) -> None:
    """PyLD takes a minute for a quarter of a megabyte; whoever may send it stops the service."""
    document = {"@context": contexts, "name": ["x"] * (MOST_VALUES - 3)}
    with pytest.raises(InputTooLarge):
        check_rdf_form({**document, "type": "x"})
    if len(contexts) == 1:
        check_rdf_form({"@context": [V2], "name": ["x"] * (MOST_VALUES - 4)})


JSON: st.SearchStrategy[Any] = st.deferred(
    lambda: (
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=9)
        | st.sampled_from([V2, "urn:a"])
        | st.lists(JSON, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "@context", "@value", "x"]), JSON)
    )
)


@given(st.dictionaries(st.text(max_size=6), JSON))
def test_only_our_errors(document: Document) -> None:
    with contextlib.suppress(TetradError):
        check_rdf_form(document)
