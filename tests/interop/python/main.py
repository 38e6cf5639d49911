"""Credentials with Python libraries that share no line with ours: openvc-core and apsig.

One JSON value comes in on standard input, one goes out on standard output:

    main.py sign     [{"library", "document", "cryptosuite", "key", "created", "purpose",
                       "challenge", "domain"}…]       -> the documents, each with a proof
    main.py verify   [{"library", "document", "purpose", "challenge", "domain"}…]
                                                      -> [{"verified", "reason"}…]
    main.py list     {"length", "set"}                -> encodedList
    main.py bits     {"encodedList", "indexes"}       -> [0 or 1…]

`key` has "id" (the verification method), "algorithm" and "secret", the last in base64url. The
environment is one of its own (requirements.txt), so that nothing here imports Tetrad.
"""

import json
import sys
from base64 import urlsafe_b64decode
from copy import deepcopy
from datetime import datetime
from typing import Any

from apsig import ProofSigner, ProofVerifier
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from openvc.keys import Ed25519SigningKey, P256SigningKey, P384SigningKey
from openvc.proof.data_integrity import DataIntegrityProofSuite
from openvc.proof.di_ecdsa_rdfc import EcdsaRdfcProofSuite
from openvc.proof.di_jcs import EcdsaJcsProofSuite, EddsaJcsProofSuite
from openvc.status.bitstring import (
    decode_bitstring,
    encode_bitstring,
    get_status_bit,
    new_bitstring,
    set_status_bit,
)

Task = dict[str, Any]

SUITES = {
    "eddsa-jcs-2022": EddsaJcsProofSuite,
    "ecdsa-jcs-2019": EcdsaJcsProofSuite,
    "eddsa-rdfc-2022": DataIntegrityProofSuite,
    "ecdsa-rdfc-2019": EcdsaRdfcProofSuite,
}


def secret_of(key: Task) -> bytes:
    return urlsafe_b64decode(key["secret"] + "=" * (-len(key["secret"]) % 4))


def openvc_key(key: Task) -> Any:
    secret, method = secret_of(key), key["id"]
    if key["algorithm"] == "Ed25519":
        return Ed25519SigningKey(ed25519.Ed25519PrivateKey.from_private_bytes(secret), method)
    curve, kind = {
        "P-256": (ec.SECP256R1(), P256SigningKey),
        "P-384": (ec.SECP384R1(), P384SigningKey),
    }[key["algorithm"]]
    return kind(ec.derive_private_key(int.from_bytes(secret, "big"), curve), method)


def sign_with_openvc(task: Task) -> Task:
    document = SUITES[task["cryptosuite"]]().add_proof(
        task["document"],
        signing_key=openvc_key(task["key"]),
        verification_method=task["key"]["id"],
        proof_purpose=task["purpose"],
        challenge=task.get("challenge"),
        domain=task.get("domain"),
        created=datetime.fromisoformat(task["created"]),
    )
    # It signs the @context among the options of a jcs proof, and leaves it out of the proof, where
    # EdDSA Cryptosuites 1.0 (3.3.1) puts it and other verifiers look for it.
    if "-jcs-" in task["cryptosuite"] and task.get("complete", True):
        document["proof"]["@context"] = document["@context"]
    return document


def verify_with_openvc(task: Task) -> None:
    proofs = task["document"].get("proof")
    for proof in proofs if isinstance(proofs, list) else [proofs]:
        suite = SUITES[proof["cryptosuite"]]()
        suite.verify(
            {**task["document"], "proof": proof},
            expected_proof_purpose=task["purpose"],
            expected_challenge=task.get("challenge"),
            expected_domain=task.get("domain"),
        )


def sign_with_apsig(task: Task) -> Task:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(secret_of(task["key"]))
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": task["cryptosuite"],
        "created": task["created"],
        "verificationMethod": task["key"]["id"],
        "proofPurpose": task["purpose"],
    }
    return ProofSigner(key).sign(task["document"], options)


def verify_with_apsig(task: Task) -> None:
    """It is told the key, and checks the signature alone."""
    document = deepcopy(task["document"])
    multikey = document["proof"]["verificationMethod"].rpartition("#")[2]
    ProofVerifier(multikey).verify(document, raise_on_fail=True)


SIGN = {"openvc-core": sign_with_openvc, "apsig": sign_with_apsig}
VERIFY = {"openvc-core": verify_with_openvc, "apsig": verify_with_apsig}


def verify(tasks: list[Task]) -> list[Task]:
    verdicts = []
    for task in tasks:
        try:
            VERIFY[task["library"]](deepcopy(task))
            verdicts.append({"verified": True, "reason": ""})
        except Exception as error:  # noqa: BLE001 - however a library refuses
            reason = f"{type(error).__name__}: {error}"
            verdicts.append({"verified": False, "reason": reason[:200]})
    return verdicts


def status_list(task: Task) -> str:
    bits = new_bitstring(task["length"])
    for index in task["set"]:
        set_status_bit(bits, index, 1)
    return encode_bitstring(bytes(bits))


def bits(task: Task) -> list[int]:
    data = decode_bitstring(task["encodedList"])
    return [get_status_bit(data, index) for index in task["indexes"]]


COMMANDS = {
    "sign": lambda tasks: [SIGN[task["library"]](task) for task in tasks],
    "verify": verify,
    "list": status_list,
    "bits": bits,
}
json.dump(COMMANDS[sys.argv[1]](json.load(sys.stdin)), sys.stdout)
