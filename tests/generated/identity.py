"""specs/vectors/identity: canonical JSON, keys, DIDs, proofs, operation hashes, disclosures.

Each file is {"description", "vectors": [{"name", …}]}; a vector succeeds, or has an "error".
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from itertools import count
from typing import Any

from identity.did import (
    did_key_method,
    ledger_label,
    parse_did_url,
    parse_tetrad_did,
    tetrad_did,
    tetrad_method,
)
from identity.disclosure import DATA, NUMBER, SERIAL, disclose, open_disclosure
from identity.errors import InvalidKey, TetradError
from identity.jcs import canonicalize, parse
from identity.keys import ALGORITHMS, PrivateKey, kind_of, public_key, public_key_of
from identity.multibase import (
    base64url_decode,
    base64url_encode,
    digest_multihash,
    multibase_encode,
    multibase_url_decode,
    multibase_url_encode,
)
from identity.operation import operation_hash, unsigned_bytes
from identity.proof import CRYPTOSUITES, SUITES, proof_options, signing_input, verify_proof
from identity.vrf import VrfKey
from identity.vrf import verify as vrf_verify
from registry.uniqueness import HMAC, Uniqueness
from tests.factory import Maker, disclosed, key, sign
from tests.generated import file
from tests.identity.plain_vrf import ORDER_8, plain_prove

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SM2_PRIME = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
SM2_ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def _outcome(result: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return result()
    except TetradError as error:
        return {"error": error.code}


JCS = {
    "members are sorted": b'{"b":1,"a":2}',
    "by UTF-16 code units": '{"\ufb33":1,"\U0001f600":2,"a":3}'.encode(),
    "white space goes": b' { "a" : [ 1 , 2 ] } ',
    "escapes become one": b'{"a":"\\u0041\\u00e9\\/\\u000a"}',
    "integers keep their digits": b"[0,-1,9007199254740991]",
    "a float is written as ECMAScript does": b"[1e21,1E-7,4.50,2e0]",
    "normalization forms stay apart": '["\u00e9","e\u0301"]'.encode(),
    "nested": b'{"z":{"b":[],"a":{}},"a":null}',
    "a member twice": b'{"a":1,"a":2}',
    "a member twice, escaped once": b'{"a":1,"\\u0061":2}',
    "NaN": b"[NaN]",
    "infinity": b"[1e999]",
    "an integer beyond 2^53": b"[9007199254740993]",
    "a lone surrogate": b'["\\ud800"]',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "not UTF-8": b'["\xff"]',
    "a comma too many": b"[1,]",
    "two values": b"{}{}",
    "too deep": b"[" * 33 + b"]" * 33,
    "nothing": b"",
}


def _jcs() -> list[dict[str, Any]]:
    def written(data: bytes) -> dict[str, Any]:
        return {"canonical": canonicalize(parse(data)).decode()}

    return [
        {"name": name, "hex": data.hex(), **_outcome(lambda data=data: written(data))}  # type: ignore[misc]
        for name, data in JCS.items()
    ]


def _multikey(codec: bytes, raw: bytes) -> str:
    return multibase_encode(codec + raw)


def _off_sm2() -> bytes:
    """A compressed point that SM2 has not: half of all x have none."""
    for x in count(1):
        try:
            public_key_of("SM2", b"\2" + x.to_bytes(32, "big"))
        except InvalidKey:
            return b"\2" + x.to_bytes(32, "big")
    raise AssertionError


def _keys() -> list[dict[str, Any]]:
    ed25519, p256, quantum = (
        key("vector", one).public for one in ("Ed25519", "P-256", "ML-DSA-44")
    )
    low = (1).to_bytes(32, "little")
    named = {
        **{algorithm: key("vector", algorithm).public.multikey for algorithm in ALGORITHMS},
        "P-384 off the curve": _multikey(b"\x81\x24", b"\x02" + b"\xff" * 48),
        "SM2 off the curve": _multikey(b"\x86\x24", _off_sm2()),
        "SM2 not canonical": _multikey(b"\x86\x24", b"\x02" + SM2_PRIME.to_bytes(32, "big")),
        "SM2 at infinity": _multikey(b"\x86\x24", bytes(33)),
        "SM2 uncompressed": _multikey(b"\x86\x24", b"\x04" + b"\x01" * 64),
        "ML-DSA-44 too short": multibase_url_encode(b"\x90\x24" + quantum.raw[:-1]),
        "ML-DSA-44 in base58btc": _multikey(b"\x90\x24", quantum.raw),
        "ML-DSA-65 with the key of ML-DSA-44": multibase_url_encode(b"\x91\x24" + quantum.raw),
        "ML-DSA-87": multibase_url_encode(b"\x92\x24" + quantum.raw),
        "Ed25519 in base64url": multibase_url_encode(b"\xed\x01" + ed25519.raw),
        "base64url with padding": quantum.multikey + "=",
        "Ed25519 of small order": _multikey(b"\xed\x01", low),
        "Ed25519 not canonical": _multikey(b"\xed\x01", (2**255 - 18).to_bytes(32, "little")),
        "Ed25519 off the curve": _multikey(b"\xed\x01", (2).to_bytes(32, "little")),
        "Ed25519 too short": _multikey(b"\xed\x01", ed25519.raw[:31]),
        "P-256 off the curve": _multikey(b"\x80\x24", b"\x02" + b"\xff" * 32),
        "P-256 uncompressed": _multikey(b"\x80\x24", b"\x04" + b"\x01" * 64),
        "secp256k1": _multikey(b"\xe7\x01", p256.raw),
        "base64 multibase": "m" + ed25519.multikey[1:],
        "a letter that base58 has not": ed25519.multikey[:-1] + "0",
    }

    def read(multikey: str) -> dict[str, Any]:
        found = public_key(multikey)
        return {
            "algorithm": found.algorithm,
            "kind": kind_of(found.algorithm),
            "raw": found.raw.hex(),
            "thumbprint": found.thumbprint,
            "did:key method": did_key_method(multikey),
        }

    return [
        {"name": name, "multikey": text, **_outcome(lambda text=text: read(text))}  # type: ignore[misc]
        for name, text in named.items()
    ]


def _dids() -> list[dict[str, Any]]:
    genesis = digest_multihash(sha256(b"genesis").digest())
    first = digest_multihash(sha256(b"first").digest())
    did = tetrad_did(genesis, first)
    thumbprint = key("vector").public.thumbprint
    made = [
        {
            "name": "derived from two hashes",
            "genesis": genesis,
            "operation": first,
            "label": ledger_label(genesis),
            "did": did,
        },
        {
            "name": "the method of a key",
            "did": did,
            "thumbprint": thumbprint,
            "method": tetrad_method(did, thumbprint),
        },
    ]
    refused = {
        "upper case label": did.upper(),
        "a fragment is no part of a DID": did + "#" + thumbprint,
        "a label too short": f"did:tetrad:{ledger_label(genesis)[:15]}:{first}",
        "a hash that is none": did[:-1],
        "a hash of another length": f"did:tetrad:{ledger_label(genesis)}:zQm{'1' * 44}",
        "a space": did + " ",
    }

    def read(text: str) -> dict[str, Any]:
        label, operation = parse_tetrad_did(text)
        return {"label": label, "operation": operation}

    for name, text in refused.items():
        made.append({"name": name, "did": text, **_outcome(lambda text=text: read(text))})  # type: ignore[misc]
    url = f"{did}?versionId=1#{thumbprint}"
    parts = parse_did_url(url)
    made.append({"name": "a DID URL", "url": url, "query": parts.query, "fragment": parts.fragment})  # type: ignore[dict-item]
    return made


def _operations() -> list[dict[str, Any]]:
    maker = Maker()
    acme = maker.new_organization("Acme")
    meter = maker.new_device("M-1", acme, number="1440000000001", algorithm="P-256")
    signed = {
        "a genesis": maker.genesis,
        "an organization": acme.first,
        "a device": meter.first,
        "a name beyond ASCII": maker.follow(acme, "organization.update", {"name": "水表 Äcme"}),
    }
    return [
        {
            "name": name,
            "operation": one.operation,
            "canonical": unsigned_bytes(one.operation).decode(),
            "hash": operation_hash(one.operation),
        }
        for name, one in signed.items()
        if one is not None
    ]


def _proof(name: str, signer: PrivateKey, **changes: Any) -> dict[str, Any]:
    """A proof over a small document; `changes` are applied to what was signed."""
    document = {"type": "device.update", "body": {"data": "none"}}
    method = did_key_method(signer.public.multikey)
    suite = CRYPTOSUITES[signer.public.algorithm]
    options = proof_options(suite, method, "capabilityInvocation")
    signed = sign(document, (signer, method))["proof"][0]
    shown = {**signed, **changes.pop("proof", {})}
    shown_document = {**document, **changes}

    def verified() -> dict[str, Any]:
        purpose = "capabilityInvocation"
        verify_proof(shown_document, shown, signer.public, expected_purpose=purpose)
        return {
            "secret": signer.secret().hex(),
            "options": canonicalize(options).decode(),
            "document": canonicalize(document).decode(),
            "signing input": signing_input(document, options, signer.public.algorithm).hex(),
        }

    return {
        "name": name,
        "secured": {**shown_document, "proof": [shown]},
        "multikey": signer.public.multikey,
        **_outcome(verified),
    }


def _signature(
    signer: PrivateKey, change: Callable[[bytes], bytes], hash_as: str = ""
) -> dict[str, str]:
    """`hash_as` is another algorithm, whose hash is taken."""
    algorithm = signer.public.algorithm
    method = did_key_method(signer.public.multikey)
    suite = SUITES[algorithm]
    options = proof_options(suite.name, method, "capabilityInvocation")
    document = {"type": "device.update", "body": {"data": "none"}}
    signature = signer.sign(signing_input(document, options, hash_as or algorithm))
    return {"proofValue": suite.encode(change(signature))}


def _high_s(signature: bytes) -> bytes:
    s = P256_ORDER - int.from_bytes(signature[32:], "big")
    return signature[:32] + s.to_bytes(32, "big")


def _s_plus_order(signature: bytes) -> bytes:
    s = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    return signature[:32] + s.to_bytes(32, "little")


def _sm2_s_of_the_order(signature: bytes) -> bytes:
    return signature[:32] + SM2_ORDER.to_bytes(32, "big")


def _sm2_opposite(signature: bytes) -> bytes:
    s = SM2_ORDER - int.from_bytes(signature[:32], "big")
    return signature[:32] + s.to_bytes(32, "big")


def _proofs() -> list[dict[str, Any]]:
    ed25519, p256, p384, quantum, larger, sm2 = (
        key("vector", one) for one in ("Ed25519", "P-256", "P-384", "ML-DSA-44", "ML-DSA-65", "SM2")
    )
    base58 = multibase_encode(multibase_url_decode(_signature(quantum, bytes)["proofValue"]))
    return [
        _proof("eddsa-jcs-2022", ed25519),
        _proof("ecdsa-jcs-2019", p256),
        _proof("ecdsa-jcs-2019 under P-384", p384),
        _proof("mldsa44-jcs-2024", quantum),
        _proof("mldsa65-jcs-2024", larger),
        _proof("sm2-jcs-2026", sm2),
        _proof("another document under P-384", p384, body={"data": "nothing"}),
        _proof("another document under ML-DSA-44", quantum, body={"data": "nothing"}),
        _proof("another document under SM2", sm2, body={"data": "nothing"}),
        _proof("P-384 with SHA-256", p384, proof=_signature(p384, bytes, "P-256")),
        _proof("ML-DSA-65 with SHA-256", larger, proof=_signature(larger, bytes, "ML-DSA-44")),
        _proof("SM2 with SHA-256", sm2, proof=_signature(sm2, bytes, "P-256")),
        _proof("an ML-DSA-44 signature in base58btc", quantum, proof={"proofValue": base58}),
        _proof(
            "an ML-DSA-44 signature too long",
            quantum,
            proof=_signature(quantum, lambda s: s + b"\0"),
        ),
        _proof(
            "an ML-DSA-44 signature with another hint",
            quantum,
            proof=_signature(quantum, lambda s: s[:-1] + bytes([s[-1] ^ 1])),
        ),
        _proof(
            "the suite of ML-DSA-44 under ML-DSA-65",
            larger,
            proof={"cryptosuite": "mldsa44-jcs-2024"},
        ),
        _proof("SM2 with r and s of zero", sm2, proof=_signature(sm2, lambda _: bytes(64))),
        _proof("SM2 with s of the order", sm2, proof=_signature(sm2, _sm2_s_of_the_order)),
        _proof("SM2 with r + s the order", sm2, proof=_signature(sm2, _sm2_opposite)),
        _proof("another document", ed25519, body={"data": "nothing"}),
        _proof("another signature", ed25519, proof=_signature(ed25519, lambda s: s[::-1])),
        _proof("a signature too short", ed25519, proof=_signature(ed25519, lambda s: s[:63])),
        _proof("S above the order", ed25519, proof=_signature(ed25519, _s_plus_order)),
        _proof("high s", p256, proof=_signature(p256, _high_s)),
        _proof("r and s of zero", p256, proof=_signature(p256, lambda _: bytes(64))),
        _proof("a suite of another algorithm", p256, proof={"cryptosuite": "eddsa-jcs-2022"}),
        _proof("no suite", ed25519, proof={"cryptosuite": "none"}),
        _proof("another purpose", ed25519, proof={"proofPurpose": "assertionMethod"}),
        _proof("a date added", ed25519, proof={"created": "2026-11-22T08:00:00Z"}),
        _proof("another type", ed25519, proof={"type": "Ed25519Signature2020"}),
    ]


def _disclosures() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for pointer, value in ((SERIAL, "SN-1"), (NUMBER, "1440000000001"), (DATA, '{"kWh":17}')):
        one = disclosed(pointer, value)
        content = base64url_decode(one.encoded).decode()
        made.append(
            {"name": pointer, "encoded": one.encoded, "content": content, "digest": one.digest}
        )
    short = base64url_encode(canonicalize([base64url_encode(bytes(15)), SERIAL, "SN-1"]))
    number = base64url_encode(canonicalize([base64url_encode(bytes(16)), SERIAL, 1]))
    two = base64url_encode(canonicalize([base64url_encode(bytes(16)), SERIAL]))
    right = disclose(SERIAL, "SN-1", bytes).encoded
    refused = {
        "a salt of 15 bytes": short,
        "a value that is no text": number,
        "two elements": two,
        "padding": right + "=",
        "not base64url": right.replace("W", "+", 1),
        "not JSON": base64url_encode(b"[1"),
    }
    for name, encoded in refused.items():
        outcome = _outcome(lambda encoded=encoded: {"value": open_disclosure(encoded).value})  # type: ignore[misc]
        made.append({"name": name, "encoded": encoded, **outcome})
    return made


def _uniqueness() -> list[dict[str, Any]]:
    secret = sha256(b"uniqueness").digest()
    unique = Uniqueness.of(HMAC, secret).hash
    did = tetrad_did(*[digest_multihash(sha256(name).digest()) for name in (b"genesis", b"maker")])
    asked: list[tuple[str, str, Any]] = [
        ("object", did, ["M1", "SN-1"]),
        ("code", "eui48", "001b44113ab7"),
        ("number", "msisdn-cn-iot", "1440000000001"),
    ]
    return [
        {
            "name": kind,
            "key": secret.hex(),
            "message": canonicalize([kind, scheme, value]).decode(),
            "unique": unique(kind, scheme, value),
        }
        for kind, scheme, value in asked
    ]


def _vrf_key(name: str) -> VrfKey:
    return VrfKey(sha256(name.encode()).digest())


def _s_of(proof: bytes, change: Callable[[int], int]) -> bytes:
    s = change(int.from_bytes(proof[48:], "little"))
    return proof[:48] + s.to_bytes(32, "little")


def _bit(proof: bytes, place: int, bit: int) -> bytes:
    return proof[:place] + bytes([proof[place] ^ bit]) + proof[place + 1 :]


def _stray(alpha: bytes) -> bytes:
    """A proof that the RFC lets pass, since c is a multiple of 8: the stray point cancels out."""
    seed = sha256(b"uniqueness").digest()
    made = (plain_prove(seed, alpha, nonce, ORDER_8) for nonce in count(1))
    return next(proof for proof in made if proof[32] % 8 == 0)


def _vrf() -> list[dict[str, Any]]:
    key, alpha = _vrf_key("uniqueness"), canonicalize(["number", "msisdn-cn-iot", "1440000000001"])
    proof = key.prove(alpha)
    identity, order_8 = (1).to_bytes(32, "little"), ORDER_8.encoded
    not_canonical = (2**255 - 18).to_bytes(32, "little")
    off_the_curve = (2).to_bytes(32, "little")
    good: list[tuple[str, VrfKey, bytes]] = [
        ("a number", key, alpha),
        ("nothing", key, b""),
        ("a kilobyte", key, bytes(range(256)) * 4),
        *[(f"key {n}", _vrf_key(f"vrf {n}"), f"alpha {n}".encode()) for n in range(8)],
    ]
    refused: list[tuple[str, bytes, bytes, bytes]] = [
        ("another value", key.public, alpha + b" ", proof),
        ("another key", _vrf_key("vrf 1").public, alpha, proof),
        ("another key's proof", key.public, alpha, _vrf_key("vrf 1").prove(alpha)),
        ("one bit of Gamma", key.public, alpha, _bit(proof, 0, 1)),
        ("the sign of Gamma", key.public, alpha, _bit(proof, 31, 128)),
        ("one bit of c", key.public, alpha, _bit(proof, 32, 1)),
        ("c of zero", key.public, alpha, proof[:32] + bytes(16) + proof[48:]),
        ("s plus one", key.public, alpha, _s_of(proof, lambda s: s + 1)),
        ("s plus the order", key.public, alpha, _s_of(proof, lambda s: s + ED25519_ORDER)),
        ("s of zero", key.public, alpha, proof[:48] + bytes(32)),
        ("Gamma the identity", key.public, alpha, identity + proof[32:]),
        ("Gamma of order 8", key.public, alpha, order_8 + proof[32:]),
        ("Gamma with a stray point of order 8", key.public, alpha, _stray(alpha)),
        ("Gamma not canonical", key.public, alpha, not_canonical + proof[32:]),
        ("Gamma off the curve", key.public, alpha, off_the_curve + proof[32:]),
        ("79 bytes", key.public, alpha, proof[:79]),
        ("81 bytes", key.public, alpha, proof + b"\0"),
        ("no proof", key.public, alpha, b""),
        ("a key of order 1", identity, alpha, proof),
        ("a key of order 8", order_8, alpha, proof),
        ("a key that is not canonical", not_canonical, alpha, proof),
        ("a key off the curve", off_the_curve, alpha, proof),
        ("a key of 31 bytes", key.public[:31], alpha, proof),
    ]

    def verified(public: bytes, alpha: bytes, proof: bytes) -> dict[str, Any]:
        beta = vrf_verify(public, alpha, proof)
        return {"beta": beta.hex(), "unique": base64url_encode(beta[:32])}

    shown = [(name, key.public, alpha, key.prove(alpha)) for name, key, alpha in good]
    secrets = {name: sha256(b"uniqueness").digest().hex() for name, _, _ in good[:3]}
    return [
        {
            "name": name,
            **({"seed": secrets[name]} if name in secrets else {}),
            "public": public.hex(),
            "alpha": alpha.hex(),
            "proof": proof.hex(),
            **_outcome(lambda one=(public, alpha, proof): verified(*one)),  # type: ignore[misc]
        }
        for name, public, alpha, proof in [*shown, *refused]
    ]


FILES: dict[str, tuple[str, Callable[[], list[dict[str, Any]]]]] = {
    "jcs": ("`hex` is read strictly and written as RFC 8785 says.", _jcs),
    "keys": ("Multikeys, their thumbprints and did:key methods.", _keys),
    "dids": ("did:tetrad out of operation hashes.", _dids),
    "operations": (
        "`hash` is the multihash of `canonical`, which leaves `proof` out.",
        _operations,
    ),
    "proofs": (
        "Data Integrity proofs, each signed deterministically (ML-DSA with `rnd` of zeros).",
        _proofs,
    ),
    "disclosures": ("Digests of salted values, as in SD-JWT.", _disclosures),
    "vrf": (
        "ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381), hexadecimal; `unique` is base64url(beta[:32]).",
        _vrf,
    ),
    "uniqueness": ("HMAC-SHA-256 over JCS [kind, scheme, value], base64url.", _uniqueness),
}


def files() -> dict[str, bytes]:
    """A file for each subject."""
    return {
        f"vectors/identity/{name}.json": file({"description": text, "vectors": make()})
        for name, (text, make) in FILES.items()
    }
