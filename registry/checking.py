"""Checking: from the bytes that were received to an operation whose signatures verify.

One strict parse, the models, canonical bytes, the hash, each proof, the disclosures. None of it
needs the state, since a verification method names its key by the key's own hash: whoever knows
what key a thumbprint is of can check the signature, and the rule book decides afterwards whether
that key is still one of that party. So batches are checked in processes beside the writer, which
is told a result in plain bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple, cast

from identity.disclosure import open_disclosures
from identity.errors import InvalidKey, SchemaViolation, TetradError, UnknownMethod
from identity.jcs import Json, canonicalize_profile, parse
from identity.keys import ED25519, P256, signing_key, thumbprint
from identity.members import Proof
from identity.multibase import digest_multihash
from identity.operation import (
    AnyOperation,
    KeysRotate,
    as_object,
    check_no_null,
    check_size,
    operation_value,
    read_operation,
)
from identity.proof import verify_digest
from registry.admission import UniqueHash, admit
from registry.schemes import Schemes

KeyOf = Callable[[str], str | None]
"""thumbprint -> Multikey, or None where it is not known."""

MAX_DISCLOSURES = 8
ALGORITHMS = (ED25519, P256)
"""Of keys that sign operations, whose hash is SHA-256 for both (P-384 would ask for SHA-384)."""


class Checked(NamedTuple):
    """An operation that is ready for the rule book.

    `pending` are the places of proofs whose keys were not known: the writer verifies them, since
    their keys may be made by the operation just before.
    """

    operation: AnyOperation
    hash: str
    canonical: bytes
    unique: dict[str, str]
    disclosures: list[str]
    pending: list[int]


def document_digest(operation: dict[str, Json]) -> bytes:
    """SHA-256 over the JCS of an operation that its model has accepted, without `proof`."""
    unsigned = {name: value for name, value in operation.items() if name != "proof"}
    return sha256(canonicalize_profile(unsigned)).digest()


def check_submission(
    received: bytes, schemes: Schemes, unique: UniqueHash, key_of: KeyOf
) -> Checked:
    """Checks `{"operation": …, "disclosures": […]}` as it was received.

    Raises InvalidInput, InvalidKey, InvalidProof, InvalidDisclosure or InvalidIdentifier.
    """
    submission = as_object(parse(received))
    operation = as_object(submission.get("operation"))
    disclosures = submission.get("disclosures", [])
    if set(submission) - {"operation", "disclosures"}:
        raise SchemaViolation("a submission has the members `operation` and `disclosures` alone")
    if (
        not isinstance(disclosures, list)
        or len(disclosures) > MAX_DISCLOSURES
        or not all(isinstance(text, str) for text in disclosures)
    ):
        raise SchemaViolation(
            f"disclosures are a list of at most {MAX_DISCLOSURES} strings", pointer="/disclosures"
        )
    return check_operation(operation, cast("list[str]", disclosures), schemes, unique, key_of)


def check_operation(
    operation: dict[str, Json],
    disclosures: list[str],
    schemes: Schemes,
    unique: UniqueHash,
    key_of: KeyOf,
) -> Checked:
    """As `check_submission`, for an operation that is parsed already."""
    model = read_operation(operation)
    canonical = canonicalize_profile(operation)  # the closed models have seen to the profile
    check_no_null(operation, canonical)
    check_size(canonical)
    digest = document_digest(operation)
    hashes = admit(model, open_disclosures(disclosures), schemes, unique)
    pending = verify_proofs(model, digest, key_of)
    return Checked(model, digest_multihash(digest), canonical, hashes, disclosures, pending)


def verify_proofs(
    operation: AnyOperation, digest: bytes, key_of: KeyOf, places: list[int] | None = None
) -> list[int]:
    """Verifies proofs (all, or those at `places`); returns the places whose keys are not known.

    Raises InvalidProof at the first that does not hold: each is checked, none is taken for granted
    because another one holds.
    """
    rotating = _rotating_keys(operation)
    pending: list[int] = []
    for place, proof in enumerate(operation.proof):
        if places is not None and place not in places:
            continue
        pointer = f"/proof/{place}"
        try:
            multikey = _multikey(proof, rotating, key_of)
            if multikey is None:
                pending.append(place)
                continue
            key = signing_key(multikey)
            if key.algorithm not in ALGORITHMS:
                raise InvalidKey(
                    f"a ledger of format 0 takes no {key.algorithm} keys", hint="Ed25519 or P-256"
                )
            verify_digest(
                digest, operation_value(proof), key, expected_purpose="capabilityInvocation"
            )
        except TetradError as error:
            error.pointer = pointer + error.pointer
            raise
    return pending


def _rotating_keys(operation: AnyOperation) -> dict[str, str]:
    """A rotation's new keys sign as methods of the subject before the ledger knows them."""
    if not isinstance(operation, KeysRotate):
        return {}
    return {
        f"{operation.subject}#{thumbprint(multikey)}": multikey for multikey in operation.body.keys
    }


def _multikey(proof: Proof, rotating: dict[str, str], key_of: KeyOf) -> str | None:
    method = proof.verificationMethod
    if method in rotating:
        return rotating[method]
    did, separator, fragment = method.partition("#")
    if not separator:
        raise UnknownMethod("a verification method is a DID URL with a fragment")
    if did.startswith("did:key:"):
        multikey = did.removeprefix("did:key:")
        if fragment != multikey:
            raise UnknownMethod("the fragment of a did:key method repeats its key")
        return multikey
    if not did.startswith("did:tetrad:"):
        raise UnknownMethod("keys are those of did:key or did:tetrad; nothing is fetched")
    return key_of(fragment)
