"""Ed25519Signature2020: what others signed holds, and no copy of it that was changed."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.credentials import rdfc
from identity.credentials.ed25519_2020 import verify_either
from identity.credentials.securing import secure
from identity.did import did_key, did_key_method
from identity.errors import (
    CredentialOutOfTime,
    ForgedProof,
    MalformedProof,
    SignerMissing,
    TetradError,
    UnknownMethod,
)
from identity.keys import PrivateKey, private_key
from identity.methods import Method, did_key_methods
from identity.multibase import multibase_decode, multibase_encode

FILE = json.loads((Path(__file__).parent / "ed25519_2020.json").read_bytes())
VECTORS = {name: value for name, value in FILE.items() if name != "source"}
NOW = 1_795_334_400
V2 = "https://www.w3.org/ns/credentials/v2"
SUITE = "https://w3id.org/security/suites/ed25519-2020/v1"
KEY = private_key("Ed25519", bytes(31) + b"\1")
Document = dict[str, Any]


def verify(document: Document, **options: Any) -> Any:
    asked = {"purpose": "assertionMethod", "now": NOW, **options}
    return verify_either(document, asked.pop("methods", did_key_methods), **asked)


def signed(key: PrivateKey = KEY, document: Document | None = None, **options: Any) -> Document:
    """A document with a proof whose options are as given: None leaves one out. After the draft."""
    whole = document or {"@context": [V2, SUITE], "id": "urn:uuid:1", "name": "x"}
    proof = {
        "type": "Ed25519Signature2020",
        "created": "2026-11-22T08:00:00Z",
        "verificationMethod": did_key_method(key.public.multikey),
        "proofPurpose": "assertionMethod",
        **options,
    }
    proof = {name: value for name, value in proof.items() if value is not None}
    written = [
        rdfc.canonicalize({**proof, "@context": whole["@context"]}),
        rdfc.canonicalize(whole),
    ]
    signature = key.sign(b"".join(sha256(one).digest() for one in written))
    return {**whole, "proof": {**proof, "proofValue": multibase_encode(signature)}}


@pytest.mark.parametrize("name", VECTORS)
def test_what_others_signed_holds(name: str) -> None:
    (proof,) = verify(VECTORS[name])
    assert proof.cryptosuite == "Ed25519Signature2020"
    assert proof.method.id == VECTORS[name]["proof"]["verificationMethod"]
    assert proof.created == VECTORS[name]["proof"]["created"]


def changed(document: Document) -> Iterator[tuple[str, Document]]:
    proof = document["proof"]
    for member in document.keys() - {"proof"}:
        yield f"without {member}", {k: v for k, v in document.items() if k != member}
    for member in proof:
        yield (
            f"proof without {member}",
            {**document, "proof": {k: v for k, v in proof.items() if k != member}},
        )
    yield "one type more", {**document, "type": [*document["type"], "https://x.example/T"]}
    yield "an undefined term", {**document, "undefinedTerm": "x"}
    for member, value in {
        "type": "Ed25519Signature2018",
        "created": "2022-03-31T19:21:27Z",
        "verificationMethod": did_key_method(KEY.public.multikey),
        "proofPurpose": "authentication",
        "challenge": "c",
        "domain": "d.example",
        "nonce": "n",
        "expires": "2036-01-01T00:00:00Z",
        "id": "urn:uuid:7",
        "cryptosuite": "eddsa-rdfc-2022",
        "previousProof": "urn:uuid:7",
        "@context": document["@context"],
        "proofValue": proof["proofValue"][1:],
    }.items():
        yield f"proof with another {member}", {**document, "proof": {**proof, member: value}}
    data = multibase_decode(proof["proofValue"])
    for what, forged in {
        "first bit": bytes([data[0] ^ 1]) + data[1:],
        "last bit": data[:-1] + bytes([data[-1] ^ 1]),
        "too short": data[:-1],
        "too long": data + b"\0",
        "zeros": bytes(64),
    }.items():
        yield (
            f"signature {what}",
            {**document, "proof": {**proof, "proofValue": multibase_encode(forged)}},
        )


@pytest.mark.parametrize("name", VECTORS)
def test_no_copy_that_was_changed_does(name: str) -> None:
    for what, document in changed(copy.deepcopy(VECTORS[name])):
        with pytest.raises(TetradError) as refusal:
            verify(document, purpose="assertionMethod")
        assert refusal.value.status < 500, what


def test_what_a_proof_says_is_checked_though_its_signature_holds() -> None:
    assert verify(signed())
    cases: list[tuple[Document, dict[str, Any], type[TetradError]]] = [
        (signed(created=None), {}, MalformedProof),
        (signed(created="yesterday"), {}, MalformedProof),
        (signed(created="2027-11-22T08:00:00Z"), {}, CredentialOutOfTime),
        (signed(expires="2026-11-22T07:00:00Z"), {}, CredentialOutOfTime),
        (signed(proofPurpose="authentication"), {}, MalformedProof),
        (signed(), {"challenge": "c"}, MalformedProof),
        (signed(), {"domain": "d.example"}, MalformedProof),
        (signed(), {"controller": "did:key:z6Mkother"}, UnknownMethod),
        (signed(proofPurpose="keyAgreement"), {"purpose": None}, UnknownMethod),
    ]
    for document, options, error in cases:
        with pytest.raises(error):
            verify(document, **options)
    told: Any = {"challenge": "c", "domain": "d.example"}
    assert verify(signed(**told), **told, controller=did_key(KEY.public.multikey))


TERMS = "https://www.w3.org/2018/credentials#"
DATE = "http://www.w3.org/2001/XMLSchema#dateTime"
END = "2020-01-01T00:00:00Z"
HIDDEN: dict[str, Document] = {
    "under its IRI": {TERMS + "validUntil": {"@type": DATE, "@value": END}},
    "under another name": {
        "@context": [V2, SUITE, {"end": {"@id": TERMS + "validUntil", "@type": DATE}}],
        "end": END,
    },
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
def test_an_end_is_not_hidden_from_who_reads_the_json(hidden: Document) -> None:
    """The signature covers RDF alone, which is the same: as under the suites over RDF."""
    types = ["VerifiableCredential"]
    whole = signed(document={"@context": [V2, SUITE], "type": types, "validUntil": END})
    assert verify(whole)
    changed = {name: value for name, value in whole.items() if name != "validUntil"} | hidden
    plain = [{k: v for k, v in one.items() if k != "proof"} for one in (whole, changed)]
    assert rdfc.canonicalize(plain[0]) == rdfc.canonicalize(plain[1])
    with pytest.raises(MalformedProof, match="under an rdfc suite"):
        verify(changed)


def test_another_algorithm_has_no_such_proof() -> None:
    with pytest.raises(MalformedProof, match="Ed25519"):
        verify(signed(private_key("P-256", bytes(31) + b"\1")))


def test_a_key_of_small_order_signs_nothing() -> None:
    """The identity as key and as R: `s` of zero would satisfy the plain equation."""
    weak = b"\1" + bytes(31)
    multikey = multibase_encode(b"\xed\x01" + weak)
    document = signed(verificationMethod=f"did:key:{multikey}#{multikey}")
    document["proof"]["proofValue"] = multibase_encode(weak + bytes(32))
    with pytest.raises(TetradError):
        verify(document)


def test_sets_are_of_one_type() -> None:
    one = signed()
    second = signed(private_key("Ed25519", bytes(31) + b"\2"), nonce="n")["proof"]
    assert len(verify({**one, "proof": [one["proof"], second]})) == 2
    forged = {**second, "nonce": "m"}
    with pytest.raises(ForgedProof):
        verify({**one, "proof": [one["proof"], forged]})
    mixed = secure(
        {"@context": [V2, SUITE], "id": "urn:uuid:1", "name": "x"},
        KEY,
        method=did_key_method(KEY.public.multikey),
        purpose="assertionMethod",
    )
    with pytest.raises(MalformedProof, match="another type"):
        verify({**one, "proof": [one["proof"], mixed["proof"]]})
    assert verify(mixed)


def test_who_has_keys_of_two_kinds_does_not_sign_with_this_alone() -> None:
    """No way around the second signature by an elder type of proof."""

    def methods(url: str) -> Method:
        return did_key_methods(url)._replace(beside=("Ed25519", "ML-DSA-44"))

    with pytest.raises(SignerMissing):
        verify(signed(), methods=methods)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=100), st.lists(st.text(max_size=4))
)


@given(
    st.dictionaries(
        st.sampled_from(["type", "created", "domain", "id", "proofValue", "verificationMethod"]),
        VALUES,
        min_size=1,
    )
)
@settings(max_examples=150, deadline=None)
def test_hostile_proofs_raise_only_our_errors(members: Document) -> None:
    one = VECTORS["of the data model 2.0"]
    with contextlib.suppress(TetradError):
        verify({**one, "proof": {**one["proof"], **members}})
        assert all(members[name] == one["proof"].get(name) for name in members), members
