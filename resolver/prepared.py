"""A prepared operation: what is signed, the signatures as they come in, and what is posted.

    prepared = read_prepared(answer)               # of POST /v1/operations/prepare
    {wanted.method: wanted.input for wanted in prepared.signing}
    attach(prepared, {method: signature, …})       # for POST /v1/operations

Several parties may sign one after the other, each on its own machine: `signed` takes what there is,
`value` and `read_prepared` carry it on. Specified in specs/2-registry.md, "Prepare".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from identity.errors import SchemaViolation, SignerMissing, SignerUnexpected
from identity.jcs import Json
from identity.multibase import base64url_encode
from identity.operation import as_object, operation_hash
from identity.proof import CRYPTOSUITES, SUITES, proof_options, signing_input

PURPOSE = "capabilityInvocation"
WARNING = "Never sign what you have not read: hold `operation` against what you meant to say."


class Signing(NamedTuple):
    """One signature that is wanted: `input` are the exact bytes to sign (64, or 96 of them)."""

    method: str
    algorithm: str
    options: dict[str, Any]
    input: bytes


def to_sign(operation: dict[str, Json], method: str, algorithm: str) -> Signing:
    """What a key of that algorithm signs of an operation, as that method."""
    options = proof_options(CRYPTOSUITES[algorithm], method, PURPOSE)
    return Signing(method, algorithm, options, signing_input(operation, options, algorithm))


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation on its way: without its proofs, and what still has to be signed."""

    operation: dict[str, Json]
    disclosures: tuple[str, ...]
    signing: tuple[Signing, ...]
    proofs: tuple[dict[str, Any], ...] = ()

    @property
    def hash(self) -> str:
        """The operation hash; of a first operation, the end of the new DID."""
        return operation_hash(self.operation)

    def signed(self, signatures: Mapping[str, bytes]) -> Prepared:
        """With some of the signatures that it waits for, by verification method.

        Nothing is verified: the service does. Raises SignerUnexpected for a method that does not
        sign here.
        """
        strangers = set(signatures) - {wanted.method for wanted in self.signing}
        if strangers:
            raise SignerUnexpected(
                "this method is not one of those that sign", unexpected=sorted(strangers)
            )
        made = [
            {
                **wanted.options,
                "proofValue": SUITES[wanted.algorithm].encode(signatures[wanted.method]),
            }
            for wanted in self.signing
            if wanted.method in signatures
        ]
        left = tuple(wanted for wanted in self.signing if wanted.method not in signatures)
        return replace(self, signing=left, proofs=(*self.proofs, *made))

    def submission(self) -> dict[str, Json]:
        """What is posted to /v1/operations. Raises SignerMissing while a signature is missing."""
        if self.signing:
            raise SignerMissing(
                f"{len(self.signing)} of the signatures are missing",
                pointer="/operation/proof",
                missing=[wanted.method for wanted in self.signing],
            )
        return {
            "operation": {**self.operation, "proof": list(self.proofs)},
            "disclosures": list(self.disclosures),
        }

    def value(self) -> dict[str, Json]:
        """As the service answers, and as `read_prepared` reads."""
        signed: dict[str, Json] = {"proof": list(self.proofs)} if self.proofs else {}
        return {
            "operation": {**self.operation, **signed},
            "hash": self.hash,
            "disclosures": list(self.disclosures),
            "signing": [
                {
                    "verificationMethod": wanted.method,
                    "algorithm": wanted.algorithm,
                    "cryptosuite": wanted.options["cryptosuite"],
                    "proof": wanted.options,
                    "input": base64url_encode(wanted.input),
                }
                for wanted in self.signing
            ],
            "warning": WARNING,
        }


def attach(prepared: Prepared, signatures: Mapping[str, bytes]) -> dict[str, Json]:
    """The submission out of a prepared operation and all its signatures, by verification method.

    Raises SignerMissing and SignerUnexpected.
    """
    return prepared.signed(signatures).submission()


def read_prepared(value: Json) -> Prepared:
    """A prepared operation out of JSON, as `Prepared.value` writes it.

    What is to be signed is computed anew from the operation, never taken from the text: whoever
    prepared it may be lying. Raises InvalidInput, and SchemaViolation where hash or input differ.
    """
    given = as_object(value)
    signed = as_object(given.get("operation"))
    operation = {name: member for name, member in signed.items() if name != "proof"}
    proofs = cast("list[dict[str, Any]]", list_member(signed.get("proof", []), "/operation/proof"))
    disclosures = cast("list[str]", list_member(given.get("disclosures", []), "/disclosures"))
    if given.get("hash", operation_hash(operation)) != operation_hash(operation):
        raise SchemaViolation("the hash is not that of the operation", pointer="/hash")
    signing = []
    for place, asked in enumerate(list_member(given.get("signing", []), "/signing")):
        wanted, pointer = as_object(asked), f"/signing/{place}"
        method = text_member(
            wanted.get("verificationMethod"), f"{pointer}/verificationMethod", "a DID"
        )
        algorithm = text_member(wanted.get("algorithm"), f"{pointer}/algorithm", "an algorithm")
        if algorithm not in SUITES:
            raise SchemaViolation("there is no such algorithm", pointer=f"{pointer}/algorithm")
        made = to_sign(operation, method, algorithm)
        suite = made.options["cryptosuite"]
        if wanted.get("cryptosuite", suite) != suite:
            raise SchemaViolation(
                f"an {algorithm} key signs with {suite}", pointer=f"{pointer}/cryptosuite"
            )
        if wanted.get("input", base64url_encode(made.input)) != base64url_encode(made.input):
            raise SchemaViolation(
                "these are not the bytes of this operation",
                pointer=f"{pointer}/input",
                hint="do not sign: the operation or the input was changed",
            )
        signing.append(made)
    return Prepared(operation, tuple(disclosures), tuple(signing), tuple(proofs))


def text_member(value: Json, pointer: str, what: str) -> str:
    """The value, which must be text. Raises SchemaViolation."""
    if not isinstance(value, str):
        raise SchemaViolation(f"{what} is expected, as text", pointer=pointer)
    return value


def list_member(value: Json, pointer: str) -> list[Json]:
    """The value, which must be a list. Raises SchemaViolation."""
    if not isinstance(value, list):
        raise SchemaViolation("a list is expected", pointer=pointer)
    return value
