"""Checking: from the bytes that were received to an operation whose signatures verify.

One strict parse, the models, canonical bytes, the hash, each proof, the disclosures. None of it
needs the state, since a verification method names its key by the key's own hash: whoever knows
what key a thumbprint is of can check the signature, and the rule book decides afterwards whether
that key is still one of that party. So batches are checked in processes beside the writer, which
is told a result in plain bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple, cast

from identity.disclosure import open_disclosures
from identity.errors import ForgedProof, SchemaViolation, TetradError, UnknownMethod
from identity.jcs import Json, canonicalize, canonicalize_profile, parse
from identity.keys import signing_key, thumbprint
from identity.members import Proof
from identity.multibase import digest_multihash
from identity.operation import (
    AnyOperation,
    as_object,
    check_no_null,
    check_size,
    operation_value,
    read_operation,
    revealed_keys,
)
from identity.proof import SHA256, SUITES, digest, verify_digest
from registry.admission import UniqueHash, admit
from registry.schemes import Schemes

KeyOf = Callable[[str], str | None]
"""thumbprint -> Multikey, or None where it is not known."""

MAX_DISCLOSURES = 8


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


class _Draft:
    """A submission on its way through the steps; `error` once one of them has refused it."""

    __slots__ = (
        "canonical",
        "digest",
        "disclosures",
        "error",
        "model",
        "operation",
        "pending",
        "received",
        "unique",
    )

    def __init__(self, received: bytes) -> None:
        self.received = received
        self.error: TetradError | None = None
        self.operation: dict[str, Json]
        self.disclosures: list[str]
        self.model: AnyOperation
        self.canonical: bytes
        self.digest: bytes
        self.unique: dict[str, str]
        self.pending: list[int]

    @property
    def outcome(self) -> Checked | TetradError:
        """What the steps came to."""
        if self.error is not None:
            return self.error
        return Checked(
            self.model,
            digest_multihash(self.digest),
            self.canonical,
            self.unique,
            self.disclosures,
            self.pending,
        )


class Checker:
    """Checks submissions. `key_of` may learn between calls.

    A batch goes through step by step rather than line by line: the code and tables of one step then
    stay in the processor's caches, which makes a batch of a hundred a quarter cheaper.
    """

    def __init__(self, schemes: Schemes, unique: UniqueHash, key_of: KeyOf) -> None:
        self._schemes = schemes
        self._unique = unique
        self._key_of = key_of

    def check_all(self, received: Sequence[bytes]) -> list[Checked | TetradError]:
        """Each of several submissions as it was received: checked, or why not."""
        drafts = [_Draft(one) for one in received]
        for step in (self._parse, self._read, self._hash, self._admit, self._verify):
            for draft in drafts:
                if draft.error is None:
                    try:
                        step(draft)
                    except TetradError as error:
                        draft.error = error
        return [draft.outcome for draft in drafts]

    def _parse(self, draft: _Draft) -> None:
        submission = as_object(parse(draft.received))
        draft.operation = as_object(submission.get("operation"))
        disclosures = submission.get("disclosures", [])
        if set(submission) - {"operation", "disclosures"}:
            raise SchemaViolation(
                "a submission has the members `operation` and `disclosures` alone"
            )
        if (
            not isinstance(disclosures, list)
            or len(disclosures) > MAX_DISCLOSURES
            or not all(isinstance(text, str) for text in disclosures)
        ):
            raise SchemaViolation(
                f"disclosures are a list of at most {MAX_DISCLOSURES} strings",
                pointer="/disclosures",
            )
        draft.disclosures = cast("list[str]", disclosures)

    def _read(self, draft: _Draft) -> None:
        draft.model = read_operation(draft.operation)

    def _hash(self, draft: _Draft) -> None:
        # The closed models have seen to the JSON profile.
        draft.canonical = canonicalize_profile(draft.operation)
        check_no_null(draft.operation, draft.canonical)
        check_size(draft.canonical)
        draft.digest = document_digest(draft.operation)

    def _admit(self, draft: _Draft) -> None:
        opened = open_disclosures(draft.disclosures)
        draft.unique = admit(draft.model, opened, self._schemes, self._unique)

    def _verify(self, draft: _Draft) -> None:
        draft.pending = verify_proofs(draft.model, draft.digest, self._key_of)


def check_submission(
    received: bytes, schemes: Schemes, unique: UniqueHash, key_of: KeyOf
) -> Checked:
    """Checks `{"operation": …, "disclosures": […]}` as it was received.

    Raises InvalidInput, InvalidKey, InvalidProof, InvalidDisclosure or InvalidIdentifier.
    """
    (outcome,) = Checker(schemes, unique, key_of).check_all([received])
    if isinstance(outcome, TetradError):
        raise outcome
    return outcome


def check_operation(
    operation: dict[str, Json],
    disclosures: list[str],
    schemes: Schemes,
    unique: UniqueHash,
    key_of: KeyOf,
) -> Checked:
    """As `check_submission`, for an operation that was made here."""
    submission: Json = {"operation": operation, "disclosures": cast("list[Json]", disclosures)}
    return check_submission(canonicalize(submission), schemes, unique, key_of)


def verify_proofs(
    operation: AnyOperation, sha256_digest: bytes, key_of: KeyOf, places: list[int] | None = None
) -> list[int]:
    """Verifies proofs (all, or those at `places`); returns the places whose keys are not known.
    Keys whose suite has another hash than SHA-256 have the operation hashed once for each.

    Raises InvalidProof at the first that does not hold: each is checked, none is taken for granted
    because another one holds.
    """
    revealed = _revealed(operation)
    digests = {SHA256: sha256_digest}
    pending: list[int] = []
    for place, proof in enumerate(operation.proof):
        if places is not None and place not in places:
            continue
        pointer = f"/proof/{place}"
        try:
            multikey = _multikey(proof, revealed, key_of)
            if multikey is None:
                pending.append(place)
                continue
            key = signing_key(multikey)
            hash_name = SUITES[key.algorithm].hash
            if hash_name not in digests:
                digests[hash_name] = _other_digest(operation, hash_name, sha256_digest)
            verify_digest(
                digests[hash_name],
                _proof_value(proof),
                key,
                expected_purpose="capabilityInvocation",
            )
        except TetradError as error:
            error.pointer = pointer + error.pointer
            raise
    return pending


def _other_digest(operation: AnyOperation, hash_name: str, sha256_digest: bytes) -> bytes:
    """The document's digest by another hash. The bytes are made again out of the model, which
    drops a null: where they are not those that were hashed before, nobody signed them. Raises
    ForgedProof."""
    value = operation_value(operation)
    del value["proof"]
    data = canonicalize_profile(value)
    if sha256(data).digest() != sha256_digest:
        raise ForgedProof("the operation has members that are no values")
    return digest(hash_name, data)


def _proof_value(proof: Proof) -> dict[str, str]:
    """The proof as JSON; by hand, since pydantic takes four times as long for so little."""
    value = {
        "type": proof.type,
        "cryptosuite": proof.cryptosuite,
        "verificationMethod": proof.verificationMethod,
        "proofPurpose": proof.proofPurpose,
        "proofValue": proof.proofValue,
    }
    if proof.created is not None:
        value["created"] = proof.created
    return value


def _revealed(operation: AnyOperation) -> dict[str, str]:
    """Keys that an operation reveals sign as methods of its subject, before they are known."""
    revealed = revealed_keys(operation)
    subject = cast("str", getattr(operation, "subject", ""))
    return {f"{subject}#{thumbprint(multikey)}": multikey for multikey in revealed}


def _multikey(proof: Proof, revealed: dict[str, str], key_of: KeyOf) -> str | None:
    method = proof.verificationMethod
    if method in revealed:
        return revealed[method]
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
