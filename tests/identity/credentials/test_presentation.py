"""Presentations: their form, their holder, one challenge for one verifier, what is in them."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.credentials.presentation import (
    MOST_CREDENTIALS,
    check_presentation,
    verify_presentation,
)
from identity.credentials.securing import secure
from identity.credentials.status_list import entry, list_credential, new_list
from identity.errors import (
    CredentialOutOfTime,
    CredentialRevoked,
    ForgedProof,
    MalformedCredential,
    MalformedProof,
    TetradError,
    UnknownMethod,
)
from identity.keys import PrivateKey, private_key
from identity.methods import did_key_methods

V2 = "https://www.w3.org/ns/credentials/v2"
NOW = 1_790_000_000
HOLDER = private_key("Ed25519", bytes(range(32)))
ISSUER = private_key("P-256", bytes(range(1, 33)))
NONCE = "uqm3dNzNp0zVw4W9vhJ0Yzg"
DOMAIN = "lock.example"
Document = dict[str, Any]


def did(key: PrivateKey) -> str:
    return f"did:key:{key.public.multikey}"


def method(key: PrivateKey) -> str:
    return f"{did(key)}#{key.public.multikey}"


def credential(key: PrivateKey = ISSUER, **changes: Any) -> Document:
    plain = {
        "@context": [V2],
        "type": ["VerifiableCredential"],
        "issuer": did(key),
        "credentialSubject": {"id": did(HOLDER)},
    }
    return secure({**plain, **changes}, key, method=method(key), purpose="assertionMethod")


def presentation(*credentials: object, **changes: Any) -> Document:
    plain: Document = {
        "@context": [V2],
        "type": ["VerifiablePresentation"],
        "holder": did(HOLDER),
        "verifiableCredential": list(credentials),
    }
    return {name: value for name, value in {**plain, **changes}.items() if value is not ...}


def shown(*credentials: object, by: PrivateKey = HOLDER, **changes: Any) -> Document:
    return secure(
        presentation(*credentials, **changes),
        by,
        method=method(by),
        purpose="authentication",
        challenge=NONCE,
        domain=DOMAIN,
    )


def verify(whole: Any, **options: Any) -> Any:
    options = {"now": NOW, "challenge": NONCE, "domain": DOMAIN, **options}
    return verify_presentation(whole, did_key_methods, **options)


ENVELOPE = {
    "@context": V2,
    "id": "data:application/vc+jwt,eyJhbGciOiJFUzI1NiJ9.e30.AAAA",
    "type": "EnvelopedVerifiableCredential",
}
INLINE = {"Visit": "https://x.example/#Visit"}
OTHER_CONTEXTS: Document = {
    "@context": [V2, {"colour": "https://x.example/c"}],
    "colour": "red",
}
GOOD: dict[str, Document] = {
    "plain": presentation(credential()),
    "no credential": presentation(verifiableCredential=...),
    "one that is no list": presentation(verifiableCredential=credential()),
    "no holder": presentation(credential(), holder=...),
    "a holder that is an object": presentation(credential(), holder={"id": did(HOLDER)}),
    "an id": presentation(id="urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008"),
    "a type of its own": presentation(
        **{"@context": [V2, INLINE], "type": ["VerifiablePresentation", "Visit"]}
    ),
    "an envelope": presentation(ENVELOPE),
    "a credential under other contexts": presentation(credential(ISSUER, **OTHER_CONTEXTS)),
}
BAD: dict[str, tuple[Any, str]] = {
    "no object": ("presentation", ""),
    "no context": (presentation(**{"@context": ...}), "/@context"),
    "another first context": (
        presentation(**{"@context": ["https://www.w3.org/ns/credentials/examples/v2", V2]}),
        "/@context",
    ),
    "an unknown context": (presentation(**{"@context": [V2, "https://x.example"]}), "/@context"),
    "a context that is no URL": (presentation(**{"@context": [V2, "https ://x"]}), "/@context/1"),
    "a context that is a number": (presentation(**{"@context": [V2, 7]}), "/@context/1"),
    "no type": (presentation(type=...), "/type"),
    "another type": (presentation(type=["https://x.example/T"]), "/type"),
    "an enveloped presentation": (
        {**ENVELOPE, "@context": [V2], "type": "EnvelopedVerifiablePresentation"},
        "/type",
    ),
    "an id that is no URL": (presentation(id="x"), "/id"),
    "a holder that is no URL": (presentation(holder="x"), "/holder"),
    "a holder that is null": (presentation(holder=None), "/holder"),
    "a holder without id": (presentation(holder={"name": "x"}), "/holder/id"),
    "a credential as a URL": (presentation("urn:a:b"), "/verifiableCredential/0"),
    "a credential as a string": (
        presentation(verifiableCredential="eyJ"),
        "/verifiableCredential/0",
    ),
    "a credential as a number": (presentation(credential(), 7), "/verifiableCredential/1"),
    "a credential without type": (
        presentation({k: v for k, v in credential().items() if k != "type"}),
        "/verifiableCredential/0/type",
    ),
    "a credential without context": (
        presentation({k: v for k, v in credential().items() if k != "@context"}),
        "/verifiableCredential/0/@context",
    ),
    "an undefined term in a credential": (
        presentation({**credential(), "colour": "red"}),
        "/verifiableCredential/0/colour",
    ),
    "an undefined term": (presentation(colour="red"), "/colour"),
    "terms of use without type": (presentation(termsOfUse={"id": "urn:a:b"}), "/termsOfUse/type"),
    "an envelope of another scheme": (
        presentation({**ENVELOPE, "id": "https://x.example/vc"}),
        "/verifiableCredential/0/id",
    ),
    "an envelope without context": (
        presentation({k: v for k, v in ENVELOPE.items() if k != "@context"}),
        "/verifiableCredential/0/@context",
    ),
    "an envelope that is a credential as well": (
        presentation({**credential(), "type": ["VerifiableCredential", ENVELOPE["type"]]}),
        "/verifiableCredential/0/type",
    ),
    "too many credentials": (
        presentation(*[credential()] * (MOST_CREDENTIALS + 1)),
        "/verifiableCredential",
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_well_formed(case: str) -> None:
    check_presentation(GOOD[case])


@pytest.mark.parametrize("case", BAD)
def test_malformed(case: str) -> None:
    value, pointer = BAD[case]
    with pytest.raises(MalformedCredential) as refusal:
        check_presentation(value)
    assert refusal.value.pointer == pointer
    with pytest.raises(MalformedCredential):
        verify(value)


def test_verified() -> None:
    held = verify(shown(credential(), credential(HOLDER)))
    assert held.holder == did(HOLDER)
    assert [one.issuer for one in held.credentials] == [did(ISSUER), did(HOLDER)]
    assert [proof.purpose for proof in held.proofs] == ["authentication"]


def test_without_a_holder_anybody_presents() -> None:
    held = verify(shown(credential(), by=ISSUER, holder=...))
    assert held.holder is None
    assert held.proofs[0].method.controller == did(ISSUER)


def test_only_the_holder_presents() -> None:
    with pytest.raises(UnknownMethod, match="another party"):
        verify(shown(credential(), by=ISSUER))


def test_one_challenge_for_one_verifier() -> None:
    whole = shown(credential())
    for options in (
        {"challenge": "another"},
        {"domain": "other.example"},
        {"domain": [DOMAIN, "other.example"]},
    ):
        with pytest.raises(MalformedProof, match="another"):
            verify(whole, **options)
    verify(whole, challenge=None, domain=None)


def test_an_assertion_is_no_authentication() -> None:
    whole = secure(
        presentation(), HOLDER, method=method(HOLDER), purpose="assertionMethod", challenge=NONCE
    )
    with pytest.raises(MalformedProof, match="purpose"):
        verify(whole, domain=None)


def test_without_a_proof() -> None:
    with pytest.raises(MalformedProof):
        verify(presentation(credential()))


def test_the_presentation_signs_what_is_in_it() -> None:
    whole = shown(credential())
    for changed in (
        {**whole, "verifiableCredential": [credential(HOLDER)]},
        {**whole, "verifiableCredential": []},
        {**whole, "id": "urn:a:b"},
    ):
        with pytest.raises(ForgedProof):
            verify(changed)


def test_every_credential_is_verified() -> None:
    forged = {**credential(), "credentialSubject": {"id": "did:example:other"}}
    with pytest.raises(ForgedProof):
        verify(shown(credential(), forged))
    with pytest.raises(CredentialOutOfTime):
        verify(shown(credential(), credential(validUntil="2020-01-01T00:00:00Z")))


def test_status_of_every_credential() -> None:
    url = "https://issuer.example/status/1"
    statuses = new_list("revocation")
    statuses.set(7, 1)
    unsigned = list_credential(statuses, url=url, issuer=did(ISSUER))
    held_list = secure(unsigned, ISSUER, method=method(ISSUER), purpose="assertionMethod")
    good, bad = (credential(credentialStatus=entry(url, index, "revocation")) for index in (6, 7))
    verify(shown(good), status=lambda _: held_list)
    with pytest.raises(CredentialRevoked):
        verify(shown(good, bad), status=lambda _: held_list)


class TestSelfAsserted:
    def bare(self, **changes: Any) -> Document:
        whole = credential(HOLDER, **changes)
        del whole["proof"]
        return whole

    def test_the_holders_own(self) -> None:
        (held,) = verify(shown(self.bare())).credentials
        assert (held.issuer, held.proofs) == (did(HOLDER), ())

    def test_nobody_elses(self) -> None:
        with pytest.raises(MalformedProof, match="not the holder"):
            verify(shown(self.bare(issuer=did(ISSUER))))

    def test_not_without_a_holder(self) -> None:
        with pytest.raises(MalformedProof, match="not the holder"):
            verify(shown(self.bare(), holder=...))

    def test_within_its_time(self) -> None:
        with pytest.raises(CredentialOutOfTime):
            verify(shown(self.bare(validUntil="2020-01-01T00:00:00Z")))


def test_an_envelope_is_not_verified() -> None:
    with pytest.raises(MalformedCredential, match="enveloped"):
        verify(shown(ENVELOPE))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6), st.just(did(HOLDER))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["id", "type", "@context"]), st.text(max_size=4)),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["@context", "id", "type", "holder", "verifiableCredential", "proof"]),
        JSON,
        max_size=3,
    )
)
def test_any_member_may_be_anything(changes: Document) -> None:
    with contextlib.suppress(MalformedCredential):
        check_presentation(presentation(credential(), **changes))
    with contextlib.suppress(TetradError):
        verify({**SHOWN, **changes})


SHOWN = shown(credential())
