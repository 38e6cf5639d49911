"""DID documents follow DID Core, and their methods name the keys that they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest

from identity.did import parse_did_url, tetrad_did
from identity.document import CONTEXTS, did_key_document, tetrad_document
from identity.errors import InvalidKey, MalformedInput
from identity.keys import private_key, public_key
from identity.multibase import multihash

KEYS = [private_key("Ed25519", b"\1" * 32).public, private_key("P-256", b"\1" * 32).public]
DID = tetrad_did(multihash(b"genesis"), multihash(b"operation"))
OWNER = tetrad_did(multihash(b"genesis"), multihash(b"owner"))
PURPOSES = ("authentication", "assertionMethod", "capabilityInvocation")


def full_document() -> dict[str, Any]:
    return tetrad_document(
        DID,
        [key.multikey for key in KEYS],
        OWNER,
        [{"id": "#data", "type": "DeviceData", "serviceEndpoint": "https://data.example/m1"}],
        ["https://id.gs1.org/01/09506000134352/21/M-0017"],
    )


@pytest.fixture
def schema(vectors: Path) -> dict[str, Any]:
    """The schema of DID Core, which has no rule for a list of contexts with two entries."""
    content: dict[str, Any] = json.loads((vectors / "did-schema.json").read_bytes())
    return content


@pytest.mark.parametrize(
    "document",
    [full_document(), tetrad_document(DID, []), did_key_document(KEYS[0].multikey)],
    ids=["full", "ended", "did:key"],
)
def test_documents_follow_the_schema_of_did_core(
    document: dict[str, Any], schema: dict[str, Any]
) -> None:
    jsonschema.Draft4Validator(schema).validate(document)
    assert document["@context"] == list(CONTEXTS)
    assert document["@context"][0] == "https://www.w3.org/ns/did/v1"


def test_every_purpose_refers_to_a_method_of_the_document() -> None:
    document = full_document()
    methods = {method["id"]: method for method in document["verificationMethod"]}
    assert len(methods) == len(KEYS)
    for purpose in PURPOSES:
        assert document[purpose] == list(methods)
    assert "keyAgreement" not in document


def test_a_method_is_named_by_the_thumbprint_of_its_key() -> None:
    for method in full_document()["verificationMethod"]:
        url = parse_did_url(method["id"])
        assert url.did == method["controller"] == DID
        assert url.fragment == public_key(method["publicKeyMultibase"]).thumbprint


def test_controller_aliases_and_services() -> None:
    document = full_document()
    assert document["controller"] == OWNER
    assert document["alsoKnownAs"] == ["https://id.gs1.org/01/09506000134352/21/M-0017"]
    assert document["service"][0]["id"] == f"{DID}#data"
    alone = tetrad_document(DID, [KEYS[0].multikey], controller=DID)
    assert not {"controller", "alsoKnownAs", "service"} & alone.keys()


def test_an_ended_subject_has_no_method_left() -> None:
    assert tetrad_document(DID, []) == {"@context": list(CONTEXTS), "id": DID}


@pytest.mark.parametrize(
    "service",
    [
        {"id": "#data", "type": "DeviceData"},
        {"type": "DeviceData", "serviceEndpoint": "https://a.example"},
        {"id": f"{OWNER}#data", "type": "DeviceData", "serviceEndpoint": "https://a.example"},
        {"id": "data", "type": "DeviceData", "serviceEndpoint": "https://a.example"},
        {"id": "#a b", "type": "DeviceData", "serviceEndpoint": "https://a.example"},
    ],
)
def test_services_that_are_not_of_this_subject(service: dict[str, str]) -> None:
    with pytest.raises(MalformedInput):
        tetrad_document(DID, [], services=[service])


def test_did_key_documents_agree_with_the_vectors(vectors: Path) -> None:
    """The vectors write keys in older types; the DID and the names of the methods are the same."""
    for file in ("ed25519-x25519.json", "nist-curves.json"):
        cases = json.loads((vectors / "didkey" / file).read_bytes())
        for did, case in cases.items():
            if not did.startswith(("did:key:z6Mk", "did:key:zDn", "did:key:z82")):
                continue  # P-521
            document = did_key_document(did.removeprefix("did:key:"))
            theirs = case["didDocument"]
            assert document["id"] == theirs["id"]
            assert document["verificationMethod"][0]["id"] == theirs["verificationMethod"][0]["id"]
            for purpose in (*PURPOSES, "capabilityDelegation"):
                assert document[purpose] == theirs[purpose]


def test_a_refused_key_has_no_document() -> None:
    with pytest.raises(InvalidKey):
        did_key_document("z6Mk")
