"""specs/vectors/identity/authentication.json and dpop.json: who is believed, and who is not.

Each vector is an answer to a challenge with the record that its holder has, or a proof of
possession with the request that it came with.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any, cast

from identity.credentials.securing import secure
from identity.dpop import check_dpop, create_dpop
from identity.errors import TetradError
from identity.jwk import jwk_of, jwk_thumbprint
from identity.keys import PrivateKey
from identity.multibase import (
    base64url_decode,
    base64url_encode,
    multibase_decode,
    multibase_encode,
    multihash,
)
from registry.state import Subject
from resolver.authentication import verify_authentication
from resolver.challenges import Challenge
from tests.factory import NOW, key
from tests.generated import file

LABEL = "did:tetrad:kta2wkpizqzouzvv:"
DEVICE, OTHER = key("device"), key("other")
CURVED = key("curved", "P-256")
QUANTUM = key("quantum", "ML-DSA-44")
DID, STRANGER = (LABEL + multihash(name) for name in (b"device", b"other"))
DOMAIN = "https://registry.example"
NEXT = base64url_encode(sha256(b"next").digest()[:16])
TOKEN = base64url_encode(sha256(b"token").digest())
PATH = "/v1/authentications/current"
CHALLENGE = Challenge(base64url_encode(sha256(b"challenge").digest()), DOMAIN, DID, NOW + 60)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def method(signer: PrivateKey, did: str = DID) -> str:
    """Its verification method."""
    return f"{did}#{signer.public.thumbprint}"


def answer(
    *signers: PrivateKey, holder: str | None = DID, did: str = DID, **options: Any
) -> dict[str, Any]:
    """A presentation that answers the challenge, honest but for what is said otherwise."""
    shown: dict[str, Any] = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        **({"holder": holder} if holder else {}),
    }
    given = {"challenge": CHALLENGE.challenge, "domain": DOMAIN, "purpose": "authentication"}
    for signer in signers or (DEVICE,):
        named = {"method": method(signer, did), "created": "2026-11-22T08:00:00Z"}
        shown = secure(shown, signer, **{**named, **given, **options})
    return shown


def changed(presentation: dict[str, Any], **members: Any) -> dict[str, Any]:
    """With other members of the proof, and the signature as it was."""
    return {**presentation, "proof": {**presentation["proof"], **members}}


def _high(presentation: dict[str, Any]) -> dict[str, Any]:
    value = multibase_decode(presentation["proof"]["proofValue"])
    s = P256_ORDER - int.from_bytes(value[32:])
    return changed(presentation, proofValue=multibase_encode(value[:32] + s.to_bytes(32)))


def _small_order() -> dict[str, Any]:
    identity = bytes([1, *[0] * 31])
    return changed(answer(), proofValue=multibase_encode(identity + bytes(32)))


def _answers() -> list[tuple[str, Any, dict[str, Any]]]:
    """Name, presentation, and members of the record that differ."""
    one, both = {"keys": [CURVED.public.multikey]}, [DEVICE.public, QUANTUM.public]
    mixed = {"keys": [item.multikey for item in both]}
    good = answer()
    two = answer(DEVICE, OTHER)
    return [
        ("Ed25519", good, {}),
        ("P-256", answer(CURVED), one),
        ("one of two keys", answer(), {"keys": [OTHER.public.multikey, DEVICE.public.multikey]}),
        ("with what was given out before", answer(nonce=NEXT), {}),
        ("no created", answer(created=None), {}),
        ("another challenge", answer(challenge="x"), {}),
        ("no challenge", answer(challenge=None), {}),
        ("another domain", answer(domain="https://other.example"), {}),
        ("no domain", answer(domain=None), {}),
        ("two domains", answer(domain=[DOMAIN, "https://other.example"]), {}),
        ("purpose assertionMethod", answer(purpose="assertionMethod"), {}),
        ("purpose capabilityInvocation", answer(purpose="capabilityInvocation"), {}),
        (
            "purpose renamed",
            changed(answer(purpose="assertionMethod"), proofPurpose="authentication"),
            {},
        ),
        ("no holder", answer(holder=None), {}),
        ("another holder", answer(holder=STRANGER), {}),
        ("a method of another party", answer(did=STRANGER), {}),
        ("a key that the holder has not", answer(OTHER), {}),
        ("another key under the method", answer(OTHER, method=method(DEVICE)), {}),
        ("the key before a rotation", good, {"keys": [OTHER.public.multikey]}),
        ("the record of another", good, {"did": STRANGER}),
        ("suspended", good, {"status": "suspended"}),
        ("revoked", good, {"status": "revoked"}),
        ("retired", good, {"status": "retired"}),
        ("expired", answer(expires="2026-11-22T07:59:59Z"), {}),
        ("created in the future", answer(created="2026-11-22T09:00:00Z"), {}),
        ("another suite", changed(good, cryptosuite="ecdsa-jcs-2019"), {}),
        ("suite none", changed(good, cryptosuite="none"), {}),
        ("a signature of small order", _small_order(), {}),
        ("s above half the order", _high(answer(CURVED)), one),
        ("changed after it was signed", {**good, "id": "urn:uuid:0"}, {}),
        ("a set with a proof of another", two, {}),
        ("a set with the same proof twice", {**good, "proof": [good["proof"]] * 2}, {}),
        ("three proofs", {**good, "proof": [good["proof"]] * 3}, {}),
        ("no proof", {name: good[name] for name in good if name != "proof"}, {}),
        ("one of two kinds of keys", good, mixed),
        ("not a presentation", {**good, "type": ["VerifiableCredential"]}, {}),
    ]


def _answer_vector(name: str, presentation: Any, members: dict[str, Any]) -> dict[str, Any]:
    record = {"did": DID, "status": "active", "keys": [DEVICE.public.multikey], **members}
    vector = {"name": name, "presentation": presentation, "record": record}
    try:
        found = verify_authentication(
            presentation,
            cast("Subject", record),
            challenge=CHALLENGE.challenge,
            domain=DOMAIN,
            now=NOW,
        )
    except TetradError as error:
        return {**vector, "error": error.code}
    shown = {} if found.previous is None else {"previous": found.previous}
    return {**vector, "key": found.key.thumbprint, **shown}


def dpop(signer: PrivateKey = DEVICE) -> str:
    """The proof of possession beside a request."""
    url, jti = DOMAIN + PATH, base64url_encode(sha256(b"jti").digest()[:16])
    return create_dpop(signer, method="GET", url=url, token=TOKEN, now=NOW, jti=jti)


def _altered(
    header: Callable[[dict[str, Any]], Any] = lambda value: value,
    claims: Callable[[dict[str, Any]], Any] = lambda value: value,
) -> str:
    parts = [json.loads(base64url_decode(part)) for part in dpop().split(".")[:2]]
    made = (change(part) for change, part in zip((header, claims), parts, strict=True))
    texts = [base64url_encode(json.dumps(one, separators=(",", ":")).encode()) for one in made]
    signed = ".".join(texts)
    return f"{signed}.{base64url_encode(DEVICE.sign(signed.encode()))}"


def _folded(claims: dict[str, Any], mark: str) -> dict[str, Any]:
    """Claims with a character in `htu` that lenient parsers of addresses drop."""
    return {**claims, "htu": claims["htu"].replace("registry", f"regi{mark}stry")}


def _proofs() -> list[tuple[str, str, dict[str, Any]]]:
    """Name, proof, and what differs of the request."""
    other = jwk_of(OTHER.public)
    return [
        ("Ed25519", dpop(), {}),
        ("P-256", dpop(CURVED), {"jkt": jwk_thumbprint(CURVED.public)}),
        ("a query", dpop(), {"url": DOMAIN + PATH + "?x=1"}),
        ("the other name of EdDSA", _altered(lambda it: {**it, "alg": "Ed25519"}), {}),
        ("in the last second", dpop(), {"now": NOW + 60}),
        ("another key", dpop(OTHER), {}),
        ("another method", dpop(), {"method": "POST"}),
        ("another path", dpop(), {"url": DOMAIN + "/v1/introspections"}),
        ("another host", dpop(), {"url": "https://other.example" + PATH}),
        ("http for https", dpop(), {"url": "http://registry.example" + PATH}),
        ("another token", dpop(), {"token": TOKEN[::-1]}),
        ("too old", dpop(), {"now": NOW + 61}),
        ("too new", dpop(), {"now": NOW - 61}),
        ("typ JWT", _altered(lambda it: {**it, "typ": "JWT"}), {}),
        ("alg none", _altered(lambda it: {**it, "alg": "none"}), {}),
        ("alg of another key", _altered(lambda it: {**it, "alg": "ES256"}), {}),
        ("crit", _altered(lambda it: {**it, "crit": ["x"]}), {}),
        ("a private key", _altered(lambda it: {**it, "jwk": {**it["jwk"], "d": "AA"}}), {}),
        ("another jwk", _altered(lambda it: {**it, "jwk": other}), {}),
        ("no jti", _altered(claims=lambda it: {**it, "jti": ""}), {}),
        ("iat as text", _altered(claims=lambda it: {**it, "iat": str(NOW)}), {}),
        ("no ath", _altered(claims=lambda it: {**it, "ath": None}), {}),
        ("a line feed in htu", _altered(claims=lambda it: _folded(it, "\n")), {}),
        ("a tab in htu", _altered(claims=lambda it: _folded(it, "\t")), {}),
        (
            "no address at all",
            _altered(claims=lambda it: {**it, "htu": "coap://lock/shut"}),
            {"url": "coap://lock/open"},
        ),
        ("a byte of the signature", dpop()[:-6] + "AAAAAA", {}),
    ]


def _proof_vector(name: str, proof: str, differs: dict[str, Any]) -> dict[str, Any]:
    jkt = differs.pop("jkt", jwk_thumbprint(DEVICE.public))
    asked = {"method": "GET", "url": DOMAIN + PATH, "token": TOKEN, "now": NOW, **differs}
    vector = {"name": name, "proof": proof, **asked, "window": 60, "jkt": jkt}
    try:
        found = check_dpop(proof, window=60, **asked)
    except TetradError as error:
        return {**vector, "error": error.code}
    if jwk_thumbprint(found.key) != jkt:
        return {**vector, "error": "authentication.token"}
    return {**vector, "jti": found.jti}


def files() -> dict[str, bytes]:
    """The two files."""
    answers = {
        "description": "Answers to one challenge, at one time, by the record of the subject; "
        "`key` is the thumbprint of the key that answered.",
        "challenge": CHALLENGE.value(),
        "now": NOW,
        "vectors": [_answer_vector(*one) for one in _answers()],
    }
    proofs = {
        "description": "DPoP proofs beside requests with a token that is bound to the key with "
        "the thumbprint `jkt`.",
        "vectors": [_proof_vector(*one) for one in _proofs()],
    }
    return {
        "vectors/identity/authentication.json": file(answers),
        "vectors/identity/dpop.json": file(proofs),
    }
