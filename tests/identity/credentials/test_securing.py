"""Data Integrity over credentials: every value of the W3C's examples, sets and chains, attacks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.credentials import rdfc
from identity.credentials.securing import MOST_PROOFS, secure, verify_secured
from identity.errors import (
    CredentialOutOfTime,
    ForgedProof,
    MalformedCredential,
    MalformedProof,
    SignerMissing,
    SignerUnexpected,
    TetradError,
    UnknownMethod,
)
from identity.jcs import canonicalize
from identity.keys import PrivateKey, draw_key, private_key, public_key
from identity.methods import Method, did_key_methods
from identity.multibase import multibase_decode, multibase_encode
from identity.proof import CRYPTOSUITES

NOW = 1_790_000_000
V2 = "https://www.w3.org/ns/credentials/v2"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
KEYS = {
    algorithm: draw_key(algorithm, lambda width: bytes(range(1, width + 1)))
    for algorithm in CRYPTOSUITES
}
SUITES = [
    *CRYPTOSUITES.items(),
    ("Ed25519", "eddsa-rdfc-2022"),
    ("P-256", "ecdsa-rdfc-2019"),
    ("P-384", "ecdsa-rdfc-2019"),
]
each_suite = pytest.mark.parametrize(("algorithm", "suite"), SUITES)
Document = dict[str, Any]


def method_of(key: PrivateKey) -> str:
    return f"did:key:{key.public.multikey}#{key.public.multikey}"


def document(**more: object) -> Document:
    return {
        "@context": [V2, EXAMPLES],
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "AlumniCredential"],
        "issuer": method_of(KEYS["Ed25519"]).partition("#")[0],
        "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School"},
        **more,
    }


def signed(algorithm: str = "Ed25519", on: Document | None = None, **options: Any) -> Document:
    key = KEYS[algorithm]
    options = {"purpose": "assertionMethod", **options}
    return secure(on or document(), key, method=method_of(key), **options)


def verify(secured: Document, **options: Any) -> None:
    verify_secured(
        secured, did_key_methods, **{"purpose": "assertionMethod", "now": NOW, **options}
    )


# --- the W3C's examples


class Example(NamedTuple):
    folder: str
    suffix: str
    keys: str
    algorithm: str
    high_s: bool = False
    """Whether the W3C's own signature has a high s."""


W3C = [
    Example("vc-di-eddsa/eddsa-jcs-2022", "JCS", "vc-di-eddsa/keyPair.json", "Ed25519"),
    Example("vc-di-eddsa/eddsa-rdfc-2022", "DataInt", "vc-di-eddsa/keyPair.json", "Ed25519"),
    Example(
        "vc-di-ecdsa/ecdsa-jcs-2019-p256", "JCSECDSAP256", "vc-di-ecdsa/p256KeyPair.json", "P-256"
    ),
    Example(
        "vc-di-ecdsa/ecdsa-rdfc-2019-p256",
        "ECDSAP256",
        "vc-di-ecdsa/p256KeyPair.json",
        "P-256",
        high_s=True,
    ),
    Example(
        "vc-di-ecdsa/ecdsa-jcs-2019-p384",
        "JCSECDSAP384",
        "vc-di-ecdsa/p384KeyPair.json",
        "P-384",
        high_s=True,
    ),
    Example(
        "vc-di-ecdsa/ecdsa-rdfc-2019-p384", "ECDSAP384", "vc-di-ecdsa/p384KeyPair.json", "P-384"
    ),
]
each_example = pytest.mark.parametrize("example", W3C, ids=lambda e: e.folder.split("/")[1])


class Reader(NamedTuple):
    folder: Path
    suffix: str

    def text(self, name: str) -> str:
        return (self.folder / f"{name}{self.suffix}.txt").read_text(encoding="utf-8").strip()

    def json(self, name: str) -> Any:
        return json.loads((self.folder / f"{name}{self.suffix}.json").read_bytes())


def reader(vectors: Path, example: Example) -> Reader:
    return Reader(vectors / example.folder, example.suffix)


def key_of(vectors: Path, example: Example) -> PrivateKey:
    pair = json.loads((vectors / example.keys).read_bytes())
    secret = pair.get("secretKeyMultibase") or pair["privateKeyMultibase"]
    return private_key(example.algorithm, multibase_decode(secret)[2:])


class TestW3cExamples:
    @each_example
    def test_every_intermediate_value(self, vectors: Path, example: Example) -> None:
        read = reader(vectors, example)
        whole, options = read.json("signed"), read.json("proofConfig")
        unsigned = {name: value for name, value in whole.items() if name != "proof"}
        canonical: Callable[[Any], bytes] = (
            rdfc.canonicalize if "rdfc" in example.folder else canonicalize
        )
        assert canonical(unsigned).decode().strip() == read.text("canonDoc")
        assert canonical(options).decode().strip() == read.text("proofCanon")
        hashed = hashlib.sha384 if example.algorithm == "P-384" else hashlib.sha256
        digests = [hashed(canonical(value)).hexdigest() for value in (options, unsigned)]
        assert digests == [read.text("proofHash"), read.text("docHash")]
        assert "".join(digests) == read.text("combinedHash")
        signature = multibase_decode(whole["proof"]["proofValue"])
        assert whole["proof"]["proofValue"] == read.text("sigBTC58")
        assert signature.hex() == read.text("sigHex")

    @each_example
    def test_it_verifies(self, vectors: Path, example: Example) -> None:
        whole = reader(vectors, example).json("signed")
        if example.high_s:
            with pytest.raises(ForgedProof, match="range"):
                verify(whole)
        verify(whole, high_s=True)

    def test_ed25519_signs_the_very_same(self, vectors: Path) -> None:
        for example in W3C[:2]:
            whole = reader(vectors, example).json("signed")
            proof = whole.pop("proof")
            made = secure(
                whole,
                key_of(vectors, example),
                method=proof["verificationMethod"],
                purpose=proof["proofPurpose"],
                created=proof["created"],
                cryptosuite=proof["cryptosuite"],
            )
            assert made["proof"] == proof

    @pytest.mark.parametrize("name", ["Set1", "Set2", "Chain1", "Chain2"])
    def test_sets_and_chains(self, vectors: Path, name: str) -> None:
        folder = vectors / "vc-di-eddsa" / "proof-set-chain"
        whole = json.loads((folder / f"signedProof{name}.json").read_bytes())
        verify(whole)
        if isinstance(whole["proof"], dict):
            whole["proof"] = [whole["proof"]]
        for place in range(len(whole["proof"])):
            changed = deepcopy(whole)
            changed["proof"][place]["created"] = "2023-02-24T23:36:39Z"
            with pytest.raises(ForgedProof):
                verify(changed)

    def test_the_second_link_of_the_chain_is_made_again(self, vectors: Path) -> None:
        folder = vectors / "vc-di-eddsa" / "proof-set-chain"
        before, after = (
            json.loads((folder / f"signedProof{name}.json").read_bytes())
            for name in ("Chain1", "Chain2")
        )
        pairs = json.loads((folder / "multiKeyPairs.json").read_bytes())
        proof = after["proof"][-1]
        pair = next(
            pair
            for pair in pairs.values()
            if pair["publicKeyMultibase"] in proof["verificationMethod"]
        )
        secret = pair.get("secretKeyMultibase") or pair["privateKeyMultibase"]
        made = secure(
            before,
            private_key("Ed25519", multibase_decode(secret)[2:]),
            method=proof["verificationMethod"],
            purpose=proof["proofPurpose"],
            created=proof["created"],
            cryptosuite=proof["cryptosuite"],
            previous_proof=proof["previousProof"],
        )
        assert made == after


# --- our own


class TestOneProof:
    @each_suite
    def test_round_trip(self, algorithm: str, suite: str) -> None:
        whole = signed(algorithm, cryptosuite=suite, created="2026-01-01T00:00:00Z")
        (held,) = verify_secured(whole, did_key_methods, purpose="assertionMethod", now=NOW)
        assert (held.cryptosuite, held.purpose) == (suite, "assertionMethod")
        assert held.created == "2026-01-01T00:00:00Z"
        assert ("@context" in whole["proof"]) == ("jcs" in suite)

    @each_suite
    def test_any_change_breaks_it(self, algorithm: str, suite: str) -> None:
        whole = signed(algorithm, cryptosuite=suite, created="2026-01-01T00:00:00Z", challenge="c")
        changes: list[Document] = [
            {**whole, "issuer": "did:example:other"},
            {**whole, "credentialSubject": {"id": "did:example:other"}},
            {**whole, "name": "added"},
            {name: value for name, value in whole.items() if name != "id"},
        ]
        for member, value in (
            ("created", "2026-01-01T00:00:01Z"),
            ("challenge", "d"),
            ("proofPurpose", "authentication"),
            ("domain", "added.example"),
            ("expires", "2099-01-01T00:00:00Z"),
            ("id", "urn:uuid:1"),
        ):
            changes.append({**whole, "proof": {**whole["proof"], member: value}})
        for changed in changes:
            with pytest.raises(ForgedProof):
                verify(changed, purpose=None)

    def test_only_these_suites_over_rdf(self) -> None:
        for algorithm, suite in (("ML-DSA-44", "mldsa44-rdfc-2024"), ("SM2", "sm2-rdfc-2026")):
            with pytest.raises(MalformedProof, match="cryptosuite"):
                signed(algorithm, cryptosuite=suite)

    def test_a_suite_of_another_key_is_refused(self) -> None:
        with pytest.raises(MalformedProof, match="cryptosuite"):
            signed("Ed25519", cryptosuite="ecdsa-jcs-2019")
        with pytest.raises(MalformedProof, match="cryptosuite"):
            signed("P-256", cryptosuite="eddsa-rdfc-2022")
        whole = signed("Ed25519")
        for suite in ("eddsa-rdfc-2023", "none", "ecdsa-jcs-2019", "", 1, None):
            with pytest.raises(MalformedProof):
                verify({**whole, "proof": {**whole["proof"], "cryptosuite": suite}})

    def test_the_canonicalization_cannot_be_swapped(self) -> None:
        whole = signed("Ed25519", cryptosuite="eddsa-rdfc-2022")
        swapped = {**whole, "proof": {**whole["proof"], "cryptosuite": "eddsa-jcs-2022"}}
        with pytest.raises(ForgedProof):
            verify(swapped)

    def test_rdfc_does_not_sign_what_no_context_defines(self) -> None:
        with pytest.raises(MalformedCredential, match="no context defines 'colour'"):
            signed(on={"@context": [V2], "colour": "red"}, cryptosuite="eddsa-rdfc-2022")

    def test_a_context_that_was_not_signed(self) -> None:
        whole = signed(on={**document(), "@context": [V2]}, cryptosuite="eddsa-jcs-2022")
        verify({**whole, "@context": [V2, EXAMPLES]})  # EdDSA Cryptosuites, 3.3.2 step 4
        for contexts in ([EXAMPLES, V2], [EXAMPLES], V2[:-1], None):
            with pytest.raises(MalformedProof, match="beginning"):
                verify({**whole, "@context": contexts})

    def test_one_is_not_true(self) -> None:
        whole = signed(on={"@context": [{"@protected": True}], "name": "x"})
        for value in (1, 1.0):
            with pytest.raises(MalformedProof, match="beginning"):
                verify({**whole, "@context": [{"@protected": value}, V2]})
            with pytest.raises(ForgedProof):
                verify({**whole, "@context": [{"@protected": value}]})

    def test_purpose(self) -> None:
        whole = signed(purpose="authentication")
        verify(whole, purpose="authentication")
        verify(whole, purpose=None)
        with pytest.raises(MalformedProof, match="purpose"):
            verify(whole)

    def test_a_purpose_that_the_key_is_not_for(self) -> None:
        def only_authentication(url: str) -> Method:
            return did_key_methods(url)._replace(purposes=frozenset({"authentication"}))

        with pytest.raises(UnknownMethod, match="does not list"):
            verify_secured(signed(), only_authentication, purpose="assertionMethod", now=NOW)

    def test_controller(self) -> None:
        whole = signed("P-256")
        own = did_key_methods(method_of(KEYS["P-256"])).controller
        verify(whole, controller=own)
        with pytest.raises(UnknownMethod, match="another party"):
            verify(whole, controller="did:example:other")

    def test_times(self) -> None:
        verify(signed(created="2026-09-21T14:13:20Z"))
        with pytest.raises(CredentialOutOfTime, match="future"):
            verify(signed(created="2026-09-22T14:13:20Z"))
        verify(signed(expires="2026-09-21T14:13:21Z"))
        with pytest.raises(CredentialOutOfTime, match="expired"):
            verify(signed(expires="2026-09-21T14:13:20Z"))
        for wrong in ("2026-09-21", "2026-09-21T14:13:20", "yesterday", "2026-02-30T00:00:00Z"):
            with pytest.raises(MalformedProof):
                verify(signed(expires=wrong))

    def test_challenge_and_domain(self) -> None:
        whole = signed(challenge="abc", domain=["a.example", "b.example"])
        verify(whole, challenge="abc", domain=["b.example", "a.example"])
        verify(whole)
        verify(signed(domain="a.example"), domain=["a.example"])
        for options in (
            {"challenge": "abcd"},
            {"domain": "a.example"},
            {"domain": ["a.example", "b.example", "c.example"]},
        ):
            with pytest.raises(MalformedProof, match="another"):
                verify(whole, **options)
        for options in ({"challenge": "abc"}, {"domain": "a.example"}):
            with pytest.raises(MalformedProof, match="another"):
                verify(signed(), **options)

    def test_a_high_s_is_accepted_where_asked_for(self) -> None:
        for algorithm, order in (
            ("P-256", 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551),
            (
                "P-384",
                0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
            ),
        ):
            whole = signed(algorithm)
            raw = multibase_decode(whole["proof"]["proofValue"])
            half = len(raw) // 2
            s = order - int.from_bytes(raw[half:], "big")
            high = multibase_encode(raw[:half] + s.to_bytes(half, "big"))
            whole["proof"]["proofValue"] = high
            with pytest.raises(ForgedProof, match="range"):
                verify(whole)
            verify(whole, high_s=True)
            for wrong in (order, 0, order + 1):
                bad = multibase_encode(raw[:half] + wrong.to_bytes(half, "big"))
                whole["proof"]["proofValue"] = bad
                with pytest.raises(ForgedProof):
                    verify(whole, high_s=True)

    def test_no_proof(self) -> None:
        proofs: list[Any] = [None, [], "proof", [None], 1, [[]]]
        for proof in proofs:
            with pytest.raises(MalformedProof):
                verify({**document(), "proof": proof})
        with pytest.raises(MalformedProof):
            verify(document())


class TestSets:
    def both(self) -> Document:
        return signed("P-256", on=signed("Ed25519", proof_id="urn:uuid:1"), proof_id="urn:uuid:2")

    def test_a_set(self) -> None:
        held = verify_secured(self.both(), did_key_methods, purpose="assertionMethod", now=NOW)
        assert [proof.id for proof in held] == ["urn:uuid:1", "urn:uuid:2"]

    def test_a_set_over_both_canonicalizations(self) -> None:
        mixed = signed("Ed25519", on=signed("Ed25519"), cryptosuite="eddsa-rdfc-2022")
        verify(mixed)

    @pytest.mark.parametrize("place", [0, 1])
    def test_one_bad_proof_refuses_the_set(self, place: int) -> None:
        whole = self.both()
        whole["proof"][place]["proofValue"] = whole["proof"][1 - place]["proofValue"]
        with pytest.raises(ForgedProof):
            verify(whole)

    def test_a_proof_of_a_set_stands_alone(self) -> None:
        whole = self.both()
        verify({**whole, "proof": whole["proof"][1]})

    def test_too_many(self) -> None:
        whole = signed()
        with pytest.raises(MalformedProof, match="more than"):
            verify({**whole, "proof": [whole["proof"]] * (MOST_PROOFS + 1)})

    def test_two_of_one_id(self) -> None:
        with pytest.raises(MalformedProof, match="same id"):
            verify(signed("P-256", on=signed(proof_id="urn:a:1"), proof_id="urn:a:1"))

    def test_every_proof_has_the_purpose(self) -> None:
        with pytest.raises(MalformedProof, match="purpose"):
            verify(signed("P-256", on=signed(), purpose="authentication"))


class TestChains:
    def chain(self, suite: str = "ecdsa-jcs-2019") -> Document:
        first = signed("Ed25519", proof_id="urn:uuid:1")
        return signed("P-256", on=first, previous_proof="urn:uuid:1", cryptosuite=suite)

    @pytest.mark.parametrize("suite", ["ecdsa-jcs-2019", "ecdsa-rdfc-2019"])
    def test_a_chain(self, suite: str) -> None:
        verify(self.chain(suite))

    def test_the_first_cannot_be_taken_away(self) -> None:
        whole = self.chain()
        with pytest.raises(MalformedProof, match="not there"):
            verify({**whole, "proof": whole["proof"][1]})

    def test_the_first_cannot_be_replaced(self) -> None:
        whole = self.chain()
        other = signed("Ed25519", proof_id="urn:uuid:1", created="2026-01-01T00:00:00Z")
        with pytest.raises(ForgedProof):
            verify({**whole, "proof": [other["proof"], whole["proof"][1]]})

    def test_the_link_cannot_be_cut(self) -> None:
        whole = self.chain()
        cut = {k: v for k, v in whole["proof"][1].items() if k != "previousProof"}
        with pytest.raises(ForgedProof):
            verify({**whole, "proof": [whole["proof"][0], cut]})

    def test_an_unknown_previous_proof_is_neither_signed_nor_verified(self) -> None:
        for names in ("urn:uuid:9", ["urn:uuid:1", "urn:uuid:9"]):
            with pytest.raises(MalformedProof, match="not there"):
                signed("P-256", on=signed(proof_id="urn:uuid:1"), previous_proof=names)

    def test_a_proof_that_covers_itself(self) -> None:
        whole = self.chain()
        whole["proof"][1] |= {"id": "urn:uuid:2", "previousProof": "urn:uuid:2"}
        with pytest.raises(TetradError):
            verify(whole)

    def test_over_several(self) -> None:
        two = signed("P-256", on=signed(proof_id="urn:uuid:1"), proof_id="urn:uuid:2")
        whole = signed("P-384", on=two, previous_proof=["urn:uuid:2", "urn:uuid:1"])
        verify(whole)
        verify({**whole, "proof": [whole["proof"][place] for place in (1, 0, 2)]})


class TestBothKinds:
    def methods(self, *beside: str) -> Callable[[str], Method]:
        def of_one_party(url: str) -> Method:
            method = did_key_methods(url)
            return method._replace(controller="did:example:both", beside=beside)

        return of_one_party

    def test_a_party_with_both_kinds_signs_with_both(self) -> None:
        whole = signed()
        verify_secured(whole, self.methods("Ed25519", "P-256"), purpose="assertionMethod", now=NOW)
        with pytest.raises(SignerMissing) as refusal:
            verify_secured(
                whole, self.methods("Ed25519", "ML-DSA-65"), purpose="assertionMethod", now=NOW
            )
        assert refusal.value.members == {"missing": ["post-quantum"]}
        both = signed("ML-DSA-65", on=whole)
        beside = self.methods("Ed25519", "ML-DSA-65")
        verify_secured(both, beside, purpose="assertionMethod", now=NOW)
        for alone in both["proof"]:
            with pytest.raises(SignerMissing):
                verify_secured({**both, "proof": alone}, beside, purpose="assertionMethod", now=NOW)

    def test_and_with_no_more_than_one_of_each(self) -> None:
        """Also where all hold: of two of a kind, which one counts would be for each to guess."""
        beside = self.methods("Ed25519", "P-256", "ML-DSA-65")
        both = signed("ML-DSA-65", on=signed())
        for again in ("P-256", "Ed25519", "ML-DSA-65"):
            with pytest.raises(SignerUnexpected):
                verify_secured(signed(again, on=both), beside, purpose="assertionMethod", now=NOW)
        one_kind = self.methods("Ed25519", "P-256")
        verify_secured(signed("P-256", on=signed()), one_kind, purpose="assertionMethod", now=NOW)

    def test_each_party_for_itself(self) -> None:
        """What one party has signed does not stand in for another's missing signature."""

        def methods(url: str) -> Method:
            method = did_key_methods(url)
            if method.key.algorithm == "Ed25519":
                return method._replace(beside=("Ed25519", "ML-DSA-44"))
            return method

        with pytest.raises(SignerMissing):
            verify_secured(
                signed("ML-DSA-44", on=signed()), methods, purpose="assertionMethod", now=NOW
            )


# --- hostile input

STRUCTURE = signed("P-256", on=signed(proof_id="urn:uuid:1"), previous_proof="urn:uuid:1")
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("\ud800")
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.sampled_from([0, 1]),
    st.sampled_from([*STRUCTURE["proof"][0], *STRUCTURE["proof"][1], "expires", "domain", "nonce"]),
    JSON,
)
def test_any_member_of_a_proof_may_be_anything(place: int, member: str, value: Any) -> None:
    whole = deepcopy(STRUCTURE)
    before = whole["proof"][place].get(member)
    whole["proof"][place][member] = value
    try:
        verify(whole)
    except TetradError:
        return
    assert before == value


@given(JSON, JSON)
def test_any_document_may_be_anything(proof: Any, member: Any) -> None:
    for whole in (
        {"proof": proof},
        {**STRUCTURE, "proof": proof},
        {**STRUCTURE, "@context": member},
    ):
        with pytest.raises(TetradError):
            verify(whole)


@given(st.integers(0, 63), st.integers(1, 255))
def test_any_changed_byte_of_the_signature_is_refused(place: int, difference: int) -> None:
    for algorithm in ("Ed25519", "P-256"):
        whole = signed(algorithm)
        raw = bytearray(multibase_decode(whole["proof"]["proofValue"]))
        raw[place] ^= difference
        whole["proof"]["proofValue"] = multibase_encode(bytes(raw))
        with pytest.raises(ForgedProof):
            verify(whole, high_s=True)


def test_a_small_order_key_signs_nothing() -> None:
    identity = multibase_encode(b"\xed\x01" + bytes([1]) + bytes(31))
    whole = signed()
    whole["proof"]["verificationMethod"] = f"did:key:{identity}#{identity}"
    with pytest.raises(TetradError, match="small order"):
        verify(whole)
    with pytest.raises(TetradError, match="small order"):
        public_key(identity)
