"""specs/vectors/identity: credentials and presentations under their proofs, and status lists.

What is signed stands there as text (`canonical`, the options and then the document of each proof),
so that whoever has no RDF canonicalization can still check the rdfc suites.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from identity.credentials import rdfc
from identity.credentials.credential import verify_credential
from identity.credentials.presentation import verify_presentation
from identity.credentials.securing import secure
from identity.credentials.status_list import (
    encode,
    entry,
    list_credential,
    new_list,
    status_of,
)
from identity.errors import TetradError
from identity.jcs import canonicalize
from identity.keys import PrivateKey
from identity.methods import did_key_methods
from identity.multibase import multibase_decode, multibase_encode
from tests.factory import key
from tests.generated import file

V2 = "https://www.w3.org/ns/credentials/v2"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
NOW = 1_795_334_400
"""2026-11-22T08:00:00Z"""
CREATED = "2026-11-22T07:59:00Z"
CHALLENGE, DOMAIN = "uqm3dNzNp0zVw4W9vhJ0Yzg", "lock.example"
LIST_URL = "https://issuer.example/status/1"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
Document = dict[str, Any]


def _did(signer: PrivateKey) -> str:
    return f"did:key:{signer.public.multikey}"


def _issuer(algorithm: str = "Ed25519") -> PrivateKey:
    return key("issuer", algorithm)


def _sign(document: Document, signer: PrivateKey, **options: Any) -> Document:
    method = f"{_did(signer)}#{signer.public.multikey}"
    options = {"purpose": "assertionMethod", "created": CREATED, **options}
    return secure(document, signer, method=method, **options)


def _plain(signer: PrivateKey, **changes: Any) -> Document:
    return {
        "@context": [V2, EXAMPLES],
        "id": "urn:uuid:58172aac-d8ba-41ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "LampCredential"],
        "issuer": _did(signer),
        "validFrom": "2026-01-01T00:00:00Z",
        "validUntil": "2027-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:lamp", "colour": "白", "lumens": 800},
        **changes,
    }


def _credential(
    algorithm: str = "Ed25519",
    suite: str | None = None,
    changes: Document | None = None,
    **more: Any,
) -> Document:
    signer = _issuer(algorithm)
    return _sign(_plain(signer, **(changes or {}), **more), signer, cryptosuite=suite)


def _altered(secured: Document, place: int = 0, **changes: Any) -> Document:
    """With other members in one of its proofs; Ellipsis takes one out."""
    proofs = secured["proof"] if isinstance(secured["proof"], list) else [secured["proof"]]
    proof = {k: v for k, v in {**proofs[place], **changes}.items() if v is not ...}
    whole = [*proofs[:place], proof, *proofs[place + 1 :]]
    return {**secured, "proof": whole if len(whole) > 1 else whole[0]}


def _set() -> Document:
    signer = _issuer()
    first = _sign(_plain(signer), signer, proof_id="urn:uuid:1")
    return _sign(first, signer, created="2026-11-22T07:59:30Z", proof_id="urn:uuid:2")


def _chain() -> Document:
    return _sign(_set(), _issuer(), previous_proof=["urn:uuid:2", "urn:uuid:1"])


def _high_s() -> Document:
    secured = _credential("P-256")
    raw = multibase_decode(secured["proof"]["proofValue"])
    s = P256_ORDER - int.from_bytes(raw[32:], "big")
    return _altered(secured, proofValue=multibase_encode(raw[:32] + s.to_bytes(32, "big")))


def _presentation(**changes: Any) -> Document:
    holder = key("holder", "P-256")
    unsigned: Document = {
        "@context": [V2],
        "type": ["VerifiablePresentation"],
        "holder": _did(holder),
        "verifiableCredential": [_credential()],
        **changes,
    }
    return _sign(unsigned, holder, purpose="authentication", challenge=CHALLENGE, domain=DOMAIN)


def _longer_context(**changes: Any) -> Document:
    secured = _credential(changes={**PLAIN, **changes})
    return {**secured, "@context": [V2, EXAMPLES]}


def _hidden_end() -> Document:
    """The same RDF, and so the same signature, without a `validUntil` that a reader would find."""
    secured = _credential(suite="eddsa-rdfc-2022", validUntil="2026-11-22T07:59:59Z")
    until = {"@type": "http://www.w3.org/2001/XMLSchema#dateTime", "@value": secured["validUntil"]}
    name = "https://www.w3.org/2018/credentials#validUntil"
    return {**{k: v for k, v in secured.items() if k != "validUntil"}, name: until}


PLAIN = {"@context": [V2], "type": ["VerifiableCredential"], "credentialSubject": {"id": "urn:a:b"}}
CREDENTIALS: dict[str, Callable[[], Document]] = {
    "eddsa-jcs-2022": _credential,
    "ecdsa-jcs-2019, P-256": lambda: _credential("P-256"),
    "ecdsa-jcs-2019, P-384": lambda: _credential("P-384"),
    "mldsa44-jcs-2024": lambda: _credential("ML-DSA-44"),
    "sm2-jcs-2026": lambda: _credential("SM2"),
    "eddsa-rdfc-2022": lambda: _credential(suite="eddsa-rdfc-2022"),
    "ecdsa-rdfc-2019, P-256": lambda: _credential("P-256", "ecdsa-rdfc-2019"),
    "ecdsa-rdfc-2019, P-384": lambda: _credential("P-384", "ecdsa-rdfc-2019"),
    "a set": _set,
    "a chain": _chain,
    "an inline context": lambda: _credential(
        changes={
            "@context": [V2, {"lumens": "https://lamps.example/#lumens"}],
            "type": ["VerifiableCredential", "https://lamps.example/#Lamp"],
            "credentialSubject": {"lumens": 800.0},
        }
    ),
    "a proof whose context is the beginning": _longer_context,
    "another document": lambda: {**_credential(), "validUntil": "2028-01-01T00:00:00Z"},
    "another time of the proof": lambda: _altered(_credential(), created="2026-11-22T07:58:59Z"),
    "another forged in the set": lambda: _altered(
        _set(), 1, proofValue=_set()["proof"][0]["proofValue"]
    ),
    "the chain without its beginning": lambda: {**_chain(), "proof": _chain()["proof"][1:]},
    "the chain with its link cut": lambda: _altered(_chain(), 2, previousProof=...),
    "the chain over another proof": lambda: _altered(_chain(), 2, previousProof="urn:uuid:1"),
    "a high s": _high_s,
    "the suite of another key": lambda: _altered(_credential(), cryptosuite="ecdsa-jcs-2019"),
    "the other canonicalization": lambda: _altered(_credential(), cryptosuite="eddsa-rdfc-2022"),
    "a term that an appended context defines": lambda: _longer_context(
        credentialSubject={"colour": "red"}
    ),
    "a context in the place of the signed one": lambda: {
        **_credential(changes={**PLAIN, "@context": [V2, EXAMPLES]}),
        "@context": [V2, "https://w3id.org/security/multikey/v1"],
    },
    "another purpose": lambda: _sign(_plain(_issuer()), _issuer(), purpose="authentication"),
    "not the issuer's key": lambda: _sign(_plain(_issuer("P-256")), _issuer()),
    "an expired proof": lambda: _sign(_plain(_issuer()), _issuer(), expires=CREATED),
    "a proof from the future": lambda: _sign(
        _plain(_issuer()), _issuer(), created="2026-11-22T08:10:00Z"
    ),
    "no longer valid": lambda: _credential(validUntil="2026-11-22T07:59:59Z"),
    "not valid yet": lambda: _credential(validFrom="2026-11-22T08:00:01Z"),
    "an undefined term": lambda: _credential(changes={**PLAIN, "colour": "red"}),
    "an undefined type": lambda: _credential(
        changes={**PLAIN, "type": ["VerifiableCredential", "Lamp"]}
    ),
    "an unknown context": lambda: _credential(
        changes={**PLAIN, "@context": [V2, "https://x.example"]}
    ),
    "the base context second": lambda: _credential(changes={"@context": [EXAMPLES, V2]}),
    "the data model 1.1": lambda: _credential(
        changes={**PLAIN, "@context": ["https://www.w3.org/2018/credentials/v1"]}
    ),
    "an id that is no URL": lambda: _credential(id="58172aac"),
    "an empty subject": lambda: _credential(credentialSubject={}),
    "a time without zone": lambda: _credential(validFrom="2026-01-01T00:00:00"),
    "no proof": lambda: _plain(_issuer()),
    "over RDF, an end under its IRI": _hidden_end,
}
PRESENTATIONS: dict[str, Callable[[], Document]] = {
    "a presentation": _presentation,
    "of a credential without a proof, by its issuer": lambda: _presentation(
        verifiableCredential=[_plain(key("holder", "P-256"))]
    ),
    "of another's credential without a proof": lambda: _presentation(
        verifiableCredential=[_plain(_issuer())]
    ),
    "of a forged credential": lambda: _presentation(
        verifiableCredential=[{**_credential(), "validUntil": "2028-01-01T00:00:00Z"}]
    ),
    "of another holder": lambda: _presentation(holder="did:example:holder"),
    "another challenge": lambda: _sign(
        {k: v for k, v in _presentation().items() if k != "proof"},
        key("holder", "P-256"),
        purpose="authentication",
        challenge="another",
        domain=DOMAIN,
    ),
    "a domain that was exchanged": lambda: _altered(_presentation(), domain="door.example"),
    "a credential as a string": lambda: _presentation(
        verifiableCredential=["eyJhbGciOiJFUzI1NiJ9"]
    ),
}


def _error(run: Callable[[], object]) -> dict[str, str]:
    try:
        run()
    except TetradError as refusal:
        return {"error": refusal.code}
    return {}


def _canonical(secured: Document) -> list[list[str]]:
    """Of each proof: the canonical options, and the document that goes with them."""
    proofs = secured["proof"] if isinstance(secured["proof"], list) else [secured["proof"]]
    named = {proof["id"]: proof for proof in proofs if "id" in proof}
    found = []
    for proof in proofs:
        options = {k: v for k, v in proof.items() if k != "proofValue"}
        document = {k: v for k, v in secured.items() if k != "proof"}
        previous = proof.get("previousProof", [])
        if previous:
            names = [previous] if isinstance(previous, str) else previous
            document["proof"] = [named[name] for name in names]
        if "-rdfc-" in proof["cryptosuite"]:
            both = [{**options, "@context": secured["@context"]}, document]
            algorithm = did_key_methods(proof["verificationMethod"]).key.algorithm
            found.append([rdfc.canonicalize(one, algorithm).decode() for one in both])
        else:
            both = [options, {**document, "@context": options["@context"]}]
            found.append([canonicalize(one).decode() for one in both])
    return found


def _credentials() -> list[dict[str, Any]]:
    made = []
    for name, make in CREDENTIALS.items():
        secured = make()
        outcome: dict[str, Any] = _error(
            lambda secured=secured: verify_credential(secured, did_key_methods, now=NOW)  # type: ignore[misc]
        )
        if not outcome:
            outcome = {"canonical": _canonical(secured)}
        made.append({"name": name, "credential": secured, **outcome})
    for name, make in PRESENTATIONS.items():
        shown = make()
        outcome = _error(
            lambda shown=shown: verify_presentation(  # type: ignore[misc]
                shown, did_key_methods, now=NOW, challenge=CHALLENGE, domain=DOMAIN
            )
        )
        if not outcome:
            outcome = {"canonical": _canonical(shown)}
        made.append({"name": name, "presentation": shown, **outcome})
    return made


def _list(purpose: str | list[str], values: dict[int, int], size: int = 1) -> Document:
    statuses = new_list(purpose, size=size)
    for index, value in values.items():
        statuses.set(index, value)
    return list_credential(statuses, url=LIST_URL, issuer=_did(_issuer()), ttl=300_000)


def _with(made: Document, **subject: Any) -> Document:
    return {**made, "credentialSubject": {**made["credentialSubject"], **subject}}


MESSAGES = ["open", "accepted", "rejected", "undefined"]


def status_cases() -> dict[str, tuple[Document, Document]]:
    """Entries, each with the list that is asked for it."""
    revoked = _list("revocation", {0: 1, 94_567: 1, 131_071: 1})
    at = {index: entry(LIST_URL, index, "revocation") for index in (0, 1, 94_567, 131_071, 131_072)}
    message = entry(LIST_URL, 3, "message", messages=MESSAGES)
    return {
        "the first": (at[0], revoked),
        "the second": (at[1], revoked),
        "one in the middle": (at[94_567], revoked),
        "the last": (at[131_071], revoked),
        "of two purposes": (
            entry(LIST_URL, 5, "suspension"),
            _list(["revocation", "suspension"], {5: 1}),
        ),
        "two bits": (message, _list("message", {2: 3, 3: 2, 4: 3}, size=2)),
        "beyond the list": (at[131_072], revoked),
        "another purpose": (entry(LIST_URL, 0, "suspension"), revoked),
        "another issuer": (at[0], {**revoked, "issuer": "did:example:other"}),
        "another list": (at[0], {**revoked, "id": "https://issuer.example/status/2"}),
        "too short": (at[0], _with(revoked, encodedList=encode(bytes(16_383)))),
        "too short for two bits": (message, _list("message", {})),
        "not gzip": (at[0], _with(revoked, encodedList="uAAAA")),
        "base58btc": (at[0], _with(revoked, encodedList="z" + encode(bytes(16_384))[1:])),
        "another type": (at[0], {**revoked, "type": ["VerifiableCredential"]}),
    }


def _status_lists() -> list[dict[str, Any]]:
    made = []
    for name, (wanted, held) in status_cases().items():
        vector: dict[str, Any] = {"name": name, "entry": wanted, "list": held}
        try:
            found = status_of(wanted, held, issuer=_did(_issuer()))
            vector |= {"value": found.value, "message": found.message}
        except TetradError as refusal:
            vector["error"] = refusal.code
        made.append(vector)
    return made


def files() -> dict[str, bytes]:
    """Credentials and presentations, and status lists."""
    issuer = _did(_issuer())
    return {
        "vectors/identity/credentials.json": file(
            {
                "description": "Credentials and presentations at the time `now`, and what each "
                "proof signs: options, then document.",
                "now": NOW,
                "challenge": CHALLENGE,
                "domain": DOMAIN,
                "vectors": _credentials(),
            }
        ),
        "vectors/identity/status_lists.json": file(
            {
                "description": "What status lists of `issuer` say about entries; the lists are "
                "not signed.",
                "issuer": issuer,
                "vectors": _status_lists(),
            }
        ),
    }
