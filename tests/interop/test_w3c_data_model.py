"""W3C Verifiable Credentials Data Model 2.0, after the suite vc-data-model-2.0-test-suite."""

from __future__ import annotations

from typing import Any

import pytest

from resolver.vcapi import SUITES
from tests.interop.libraries import Document, Library, did_of
from tests.interop.matrix import keys
from tests.interop.suites import (
    BASE,
    Implementation,
    accepted,
    credential,
    presentation,
    refused,
)

EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
RDFC = next(suite for suite in SUITES if suite.name == "eddsa-rdfc-2022")


def context(**terms: str) -> list[Any]:
    return [BASE, terms]


ENGLISH = {"@value": "Meter", "@language": "en"}
BOTH = [ENGLISH, {"@value": "مقياس", "@language": "ar", "@direction": "rtl"}]
RESOURCE = "https://w3c.github.io/vc-data-model/related-resource.json"
RESOURCE_DIGEST = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"
MAPPED = {"@context": context(Sample="https://example.org/examples#Sample")}

ISSUED: dict[str, Document] = {
    # 4.3 Contexts
    "several contexts": {"@context": [BASE, EXAMPLES]},
    "a context as an object": {"@context": context(term="https://example.org/examples#term")},
    # 4.4 Identifiers
    "an id that is a DID": {"id": "did:example:credential"},
    "an id that is a URN": {"id": "urn:uuid:3978344f-8596-4c3a-a978-8fcaba3903c5"},
    # 4.5 Types
    "a type that is a URL": {"type": ["VerifiableCredential", "https://example.org/#Sample"]},
    "a type of a context": {**MAPPED, "type": ["VerifiableCredential", "Sample"]},
    "types in another order": {"type": ["https://example.org/#Sample", "VerifiableCredential"]},
    # 4.6 Names and descriptions, 11.1 Language and base direction
    "a name": {"name": "Meter"},
    "a name in a language": {"name": ENGLISH},
    "a name in several languages": {"name": BOTH},
    "a description": {"description": "Meter"},
    "a description in several languages": {"description": BOTH},
    "an issuer with a name": {"issuer": {"id": "did:example:issuer", "name": BOTH}},
    "an issuer with a description": {
        "issuer": {"id": "did:example:issuer", "description": ENGLISH}
    },
    # 4.7 Issuer
    "an issuer that is an object": {"issuer": {"id": "did:example:issuer"}},
    # 4.8 Credential subject
    "several subjects": {"credentialSubject": [{"id": "did:example:a"}, {"id": "did:example:b"}]},
    # 4.9 Validity period
    "milliseconds": {"validFrom": "2023-03-26T03:29:51.001Z"},
    "a time zone": {"validFrom": "2023-03-26T03:29:51-08:00"},
    "far in the future": {"validFrom": "9999-12-31T23:59:59Z"},
    "an end": {"validUntil": "2999-03-26T03:29:51.001Z"},
    "an end in a time zone": {"validUntil": "2999-03-26T03:29:51+14:00"},
    "a moment": {"validFrom": "2023-03-26T03:29:51Z", "validUntil": "2023-03-26T03:29:51Z"},
    # 4.10 Status
    "a status": {**MAPPED, "credentialStatus": {"id": "did:example:status", "type": "Sample"}},
    "a status without id": {**MAPPED, "credentialStatus": {"type": "Sample"}},
    # 4.11 Data schemas
    "a schema": {"credentialSchema": {"id": "https://example.org/s.json", "type": "JsonSchema"}},
    "several schemas": {
        "credentialSchema": [
            {"id": "https://example.org/s.json", "type": "JsonSchema"},
            {"id": "https://example.org/t.json", "type": "JsonSchema"},
        ]
    },
    # 5.3 Integrity of related resources
    "a related resource": {
        "relatedResource": {
            "id": "https://example.org/resource",
            "digestMultibase": "uEiAjCHMnK5-ayOIZLWo_TBoKYVvSAprlkYEjRlm19Cj0uw",
            "mediaType": "application/json",
        }
    },
    "a related resource in the suite's spelling": {
        "relatedResource": [{"id": RESOURCE, "digestSRI": f"sha256-{RESOURCE_DIGEST}"}]
    },
    # 5.4 to 5.6
    "refresh services": {
        "refreshService": [{"id": "did:example:r", "type": "https://example.org/#Refresh"}]
    },
    "terms of use": {**MAPPED, "termsOfUse": [{"type": "Sample"}, {"type": "Sample"}]},
    "terms of use with an id": {
        **MAPPED,
        "termsOfUse": {"id": "https://example.org/policy", "type": "Sample"},
    },
    "evidence": {**MAPPED, "evidence": [{"type": "Sample"}, {"type": "Sample"}]},
}

REFUSED: dict[str, Document] = {
    # 4.3 Contexts
    "no context": {"@context": None},
    "no base context": {"@context": [EXAMPLES]},
    "the base context second": {"@context": [EXAMPLES, BASE]},
    "a context that is no URL": {"@context": [BASE, "https ://not-a-url/contexts/v1"]},
    "a context that is a number": {"@context": [BASE, 123192875]},
    "a context that nobody knows": {"@context": [BASE, "https://example.org/unknown/v1"]},
    # 4.4 Identifiers
    "an id that is no URL": {"id": "not-a-url"},
    "two ids": {"id": ["did:example:a", "did:example:b"]},
    "an id that is a number": {"id": 123456},
    "a subject with two ids": {"credentialSubject": {"id": ["did:example:a", "did:example:b"]}},
    "a subject whose id is no URL": {"credentialSubject": {"id": "not-a-url"}},
    # 4.5 Types
    "no type": {"type": None},
    "no type in the list": {"type": []},
    "a type without the first": {**MAPPED, "type": ["Sample"]},
    "a type that nothing defines": {"type": ["VerifiableCredential", "Unmapped"]},
    "a type mapped to no URL": {
        "@context": context(Sample="https ://not-a-url#Sample"),
        "type": ["VerifiableCredential", "Sample"],
    },
    "a type that is a number": {"type": ["VerifiableCredential", 4]},
    "a type that is null": {"type": ["VerifiableCredential", None]},
    # 4.6 Names and descriptions
    "a name with more members": {"name": {**ENGLISH, "url": "https://example.org"}},
    "a name that is a number": {"name": 4},
    "a name with a direction that is none": {"name": {**ENGLISH, "@direction": "up"}},
    "a description with more members": {"description": {**ENGLISH, "url": "did:example:a"}},
    "an issuer's name with more members": {
        "issuer": {"id": "did:example:issuer", "name": {**ENGLISH, "url": "did:example:a"}}
    },
    "an issuer's description with more members": {
        "issuer": {"id": "did:example:issuer", "description": [{**ENGLISH, "more": 1}]}
    },
    # 4.7 Issuer
    "an issuer that is no URL": {"issuer": "not-a-url"},
    "an issuer that is null": {"issuer": [None]},
    "an issuer without id": {"issuer": {}},
    "an issuer whose id is null": {"issuer": {"id": None}},
    "an issuer whose id is no URL": {"issuer": {"id": "not-a-url"}},
    # 4.8 Credential subject
    "no subject": {"credentialSubject": None},
    "a subject without claims": {"credentialSubject": {}},
    "one of the subjects without claims": {"credentialSubject": [{"id": "did:example:a"}, {}]},
    "a subject that is a string": {"credentialSubject": "did:example:subject"},
    "no subjects": {"credentialSubject": []},
    # 4.9 Validity period
    "a start that is no time": {"validFrom": "2023-02-30T00:00:00Z"},
    "a start that is a date": {"validFrom": "2023-02-25"},
    "a start that is a number": {"validFrom": 1677283200},
    "an end that is no time": {"validUntil": "tomorrow"},
    "an end before the start": {
        "validFrom": "2023-02-27T05:15:42Z",
        "validUntil": "2023-02-26T05:15:42Z",
    },
    # 4.10 Status
    "a status without type": {"credentialStatus": {"id": "did:example:status"}},
    "a status with two ids": {
        **MAPPED,
        "credentialStatus": {"id": ["did:example:a", "did:example:b"], "type": "Sample"},
    },
    "a status whose id is no URL": {
        **MAPPED,
        "credentialStatus": {"id": "not-a-url", "type": "Sample"},
    },
    "a status whose type is mapped to no URL": {
        "@context": context(Sample="https ://not-a-url#Sample"),
        "credentialStatus": {"type": "Sample"},
    },
    "a status whose type nothing defines": {"credentialStatus": {"type": "Unmapped"}},
    "a status that is a string": {"credentialStatus": "https://example.org/status"},
    # 4.11 Data schemas
    "a schema without type": {"credentialSchema": {"id": "https://example.org/s.json"}},
    "a schema without id": {"credentialSchema": {"type": "JsonSchema"}},
    "a schema whose id is a number": {"credentialSchema": {"id": 4, "type": "JsonSchema"}},
    "a schema whose id is no URL": {"credentialSchema": {"id": "s.json", "type": "JsonSchema"}},
    # 5.2 Extensibility
    "a type of the base context, defined anew": {
        "@context": context(VerifiableCredential="https://example.org/#Other")
    },
    "a term of the base context, defined anew": {
        "@context": context(description="https://example.org/#other")
    },
    "a term that nothing defines": {"undefinedTerm": "x"},
    "a claim that nothing defines": {"credentialSubject": {"id": "did:a:b", "undefined": "x"}},
    # 5.3 Integrity of related resources
    "related resources that are strings": {"relatedResource": ["https://example.org/resource"]},
    "a related resource without id": {
        "relatedResource": {"digestMultibase": "uEiAjCHMnK5-ayOIZLWo_TBoKYVvSAprlkYEjRlm19Cj0uw"}
    },
    "a related resource without digest": {
        "relatedResource": {"id": "https://example.org/resource"}
    },
    "the same related resource twice": {
        "relatedResource": [
            {
                "id": "https://example.org/resource",
                "digestMultibase": "uEiAjCHMnK5-ayOIZLWo_TBoKYVvSAprlkYEjRlm19Cj0uw",
            }
        ]
        * 2
    },
    "the digest of something else in the suite's spelling": {
        "relatedResource": [
            {
                "id": RESOURCE,
                "digestSRI": f"sha256-{RESOURCE_DIGEST.replace('f7eaac', 'f634ac')}",
            }
        ]
    },
    "a multihash that is none": {
        "relatedResource": [
            {
                "id": RESOURCE,
                "digestMultibase": "uZTQ0MjM1NiAgcmVwb3J0cc5jZWxhdGVkLXJlc291cmNlLmpzb24K",
            }
        ]
    },
    "the digest of something else": {
        "relatedResource": {
            "id": BASE,
            "digestMultibase": "uEiAjCHMnK5-ayOIZLWo_TBoKYVvSAprlkYEjRlm19Cj0uw",
        }
    },
    # 5.4 to 5.6
    "a refresh service without type": {"refreshService": {"id": "did:example:r"}},
    "terms of use without type": {"termsOfUse": {"id": "https://example.org/policy"}},
    "evidence without type": {"evidence": {"id": "https://example.org/evidence"}},
    "evidence that is a string": {"evidence": "photograph"},
}


def is_signed_over_rdf(members: Document) -> bool:
    """Whether terms of its own are called as their IRIs end: others are not covered by a signature
    over RDF, so that whoever passes it on could rename them (VC Data Integrity 1.0, 2.4.1)."""
    own = [one for one in members.get("@context", []) if isinstance(one, dict)]
    return all(str(iri).endswith(term) for one in own for term, iri in one.items())


@pytest.mark.parametrize("members", ISSUED.values(), ids=ISSUED.keys())
@pytest.mark.parametrize("prefix", ["", "/eddsa-rdfc-2022"])
def test_a_conforming_credential_is_issued_and_verified(
    implementation: Implementation, members: Document, prefix: str
) -> None:
    if prefix and not is_signed_over_rdf(members):
        refused(implementation.issue(credential(**members), prefix))
        return
    signed = implementation.issued(credential(**members), prefix)
    for name, value in members.items():
        if name != "issuer":
            assert signed[name] == value
    accepted(implementation.verify(signed))


@pytest.mark.parametrize("members", REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_conform_is_neither_issued_nor_verified(
    implementation: Implementation, members: Document
) -> None:
    refused(implementation.issue(credential(**members)))
    signed = {**implementation.issued(credential()), **members}
    refused(implementation.verify(credential(**signed)))


def test_a_credential_without_an_issuer_is_not_issued(implementation: Implementation) -> None:
    refused(implementation.post("/credentials/issue", {"credential": credential()}))


def test_all_that_is_required_is_there(implementation: Implementation) -> None:
    """1.3 Conformance."""
    signed = implementation.issued(credential())
    assert signed["@context"][0] == BASE
    assert {"type", "issuer", "credentialSubject", "proof"} <= signed.keys()
    accepted(implementation.verify(signed))
    refused(implementation.verify({k: v for k, v in signed.items() if k != "proof"}))
    refused(implementation.verify({"type": ["NonconformingDocument"]}))
    refused(implementation.verify_presentation({"type": ["NonconformingDocument"]}))
    refused(implementation.verify({}))


# --- presentations (4.13), signed by the second implementation, as in the suite


@pytest.fixture(scope="module")
def library(found: dict[str, Library]) -> Library:
    return found["@digitalbazaar/vc"]


HOLDER = did_of(keys()[RDFC.name])


def shown(library: Library, document: Document) -> Document:
    """Signed for authentication, without a domain, as the suite does."""
    key = keys()[RDFC.name]
    options = {"purpose": "authentication", "challenge": "challenge"}
    (signed,) = library.sign([document], RDFC, key, **options)
    return signed


@pytest.fixture(scope="module")
def of_holder(library: Library) -> Document:
    """A presentation that holds."""
    return shown(library, presentation(holder=HOLDER))


def by_holder(library: Library, **members: Any) -> Document:
    document = credential(issuer=HOLDER, **members)
    (signed,) = library.sign([document], RDFC, keys()[RDFC.name])
    return signed


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"id": "urn:uuid:3978344f-8596-4c3a-a978-8fcaba3903c5"},
        {"holder": HOLDER},
        {"holder": {"id": HOLDER}},
        {"@context": [BASE, EXAMPLES]},
        {
            "@context": context(Shown="https://example.org/examples#Shown"),
            "type": ["VerifiablePresentation", "Shown"],
        },
    ],
    ids=lambda members: "-".join(members) or "plain",
)
def test_a_conforming_presentation_is_verified(
    implementation: Implementation, library: Library, members: Document
) -> None:
    accepted(implementation.verify_presentation(shown(library, presentation(**members))))


def test_a_presentation_of_several_credentials_is_verified(
    implementation: Implementation, library: Library
) -> None:
    several = [by_holder(library), by_holder(library, name="another")]
    signed = shown(library, presentation(*several, holder=HOLDER))
    accepted(implementation.verify_presentation(signed))
    signed["proof"]["proofValue"] = "z5nmMBw2u9TGKd9NxxHJtyZKgjN2Eh"
    refused(implementation.verify_presentation(signed))


@pytest.mark.parametrize(
    "members",
    [
        {"@context": None},
        {"@context": [EXAMPLES]},
        {"@context": [BASE, "https ://not-a-url/contexts/example/v1"]},
        {"@context": [BASE, 123192875]},
        {"type": None},
        {"type": ["VerifiableCredential"]},
        {"id": "not-a-url"},
        {"id": ["did:example:a", "did:example:b"]},
        {"holder": "not-a-url"},
        {"holder": {}},
        {"holder": {"name": "A"}},
        {"holder": 4},
        {"holder": "did:example:other"},
        {"verifiableCredential": ["https://example.org/credentials/1"]},
        {"verifiableCredential": [credential(type=None)]},
        {"verifiableCredential": 4},
        {"undefinedTerm": "x"},
        {"termsOfUse": {"id": "https://example.org/policy"}},
    ],
    ids=str,
)
def test_a_presentation_that_does_not_conform_is_refused(
    implementation: Implementation, of_holder: Document, members: Document
) -> None:
    accepted(implementation.verify_presentation(of_holder))
    changed = {**of_holder, **members}
    refused(implementation.verify_presentation({k: v for k, v in changed.items() if v is not None}))


def test_the_holder_of_claims_about_itself_is_their_issuer(
    implementation: Implementation, library: Library
) -> None:
    """4.13.4: what only the presentation secures is its holder's own, and says so."""
    own = credential(issuer=HOLDER)
    accepted(implementation.verify_presentation(shown(library, presentation(own, holder=HOLDER))))
    refused(implementation.verify_presentation(shown(library, presentation(own))))
    other = credential(issuer="did:example:acme")
    refused(implementation.verify_presentation(shown(library, presentation(other, holder=HOLDER))))
    signed = by_holder(library)
    stranger = presentation(signed, holder="did:example:acme")
    refused(implementation.verify_presentation(shown(library, stranger)))


def test_a_credential_inside_that_does_not_hold_refuses_the_presentation(
    implementation: Implementation, library: Library
) -> None:
    signed = by_holder(library)
    forged = {**signed, "name": "added"}
    refused(implementation.verify_presentation(shown(library, presentation(forged, holder=HOLDER))))
