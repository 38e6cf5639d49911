"""Operations: the only way in which anything on a ledger changes.

    {"type": "device.update", "ledger": "zQm…", "created": "2026-11-22T08:00:00Z",
     "subject": "did:tetrad:…", "sequence": 1, "previous": "zQm…",
     "body": {"data": "none"}, "proof": [{"type": "DataIntegrityProof", …}]}

The models are closed: a member that is not named here is refused, so that nobody signs what the
rule book does not read. Values are strings, integers, lists and objects; no floats, no null, ASCII
member names, so that canonical JSON is the same everywhere (specs/1-identity.md, "JSON profile").

`operation_hash` is the one hash of an operation: the multihash of the JCS bytes without `proof`.
It is the identifier of the DID that a first operation creates, the `previous` of the next one, and
the key of idempotence. Section of the specification: specs/2-registry.md, "Operations".
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

from identity.bodies import (
    CorrectBody,
    DeviceBody,
    DeviceUpdateBody,
    GenesisBody,
    OrganizationBody,
    OrganizationUpdateBody,
    RebindBody,
    RecoveryBeginBody,
    RecoveryFinishBody,
    RegistryUpdateBody,
    RotateBody,
    StatusBody,
    TransferAcceptBody,
    TransferOfferBody,
    WithdrawBody,
)
from identity.enrolment import EnrolmentRevokeBody
from identity.errors import InputTooLarge, SchemaViolation
from identity.jcs import Json, canonicalize
from identity.links import LinksBody
from identity.members import (
    Closed,
    Hash,
    Proof,
    TetradDid,
    Time,
)
from identity.multibase import multihash
from identity.rights import Grant
from identity.violations import schema_violation

MAX_OPERATION_BYTES = 61_440
"""JCS bytes of one operation: an entry must fit a 65,535-byte slot of an entry bundle."""

MAX_PROOFS = 9
"""Three new keys of a device, and three parties that sign with keys of both kinds."""

Proofs = Annotated[list[Proof], Field(min_length=1, max_length=MAX_PROOFS)]


class Operation(Closed):
    """What all operations share. `ledger` is absent from a genesis alone."""

    type: str
    created: Time
    proof: Proofs


class _OnLedger(Operation):
    ledger: Hash


class _Sequenced(_OnLedger):
    subject: TetradDid
    sequence: Annotated[int, Field(ge=1, le=2**53 - 1)]
    previous: Hash


class _Supervised(_OnLedger):
    """By the subject's controller (with `sequence` and `previous`) or a supervisor (without)."""

    subject: TetradDid
    sequence: Annotated[int | None, Field(ge=1, le=2**53 - 1)] = None
    previous: Hash | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> _Supervised:
        if (self.sequence is None) != (self.previous is None):
            raise ValueError("sequence and previous go together")
        return self


class RegistryGenesis(Operation):
    """Creates the ledger and its authority."""

    type: Literal["registry.genesis"]
    body: GenesisBody


class RegistryUpdate(_Sequenced):
    """Other log keys, another policy or other witnesses, with new keys of the authority."""

    type: Literal["registry.update"]
    body: RegistryUpdateBody


class OrganizationRegister(_OnLedger):
    """Creates an organization."""

    type: Literal["organization.register"]
    body: OrganizationBody


class OrganizationUpdate(_Sequenced):
    """Changes an organization's name or code."""

    type: Literal["organization.update"]
    body: OrganizationUpdateBody


class GrantIssue(_Sequenced):
    """Gives a right."""

    type: Literal["grant.issue"]
    body: Grant


class GrantWithdraw(_Sequenced):
    """Takes a right back, forward only."""

    type: Literal["grant.withdraw"]
    body: WithdrawBody


class EnrolmentRevoke(_Sequenced):
    """Serials whose devices are not to be enrolled."""

    type: Literal["enrolment.revoke"]
    body: EnrolmentRevokeBody


class LinksSet(_Sequenced):
    """Where a code leads to, by who answers for it."""

    type: Literal["links.set"]
    body: LinksBody


class DeviceRegister(_OnLedger):
    """Creates a device and binds its four ones."""

    type: Literal["device.register"]
    body: DeviceBody


class DeviceUpdate(_Sequenced):
    """A new data record, parent or sector."""

    type: Literal["device.update"]
    body: DeviceUpdateBody


class NumberRebind(_Sequenced):
    """Another number, or none."""

    type: Literal["number.rebind"]
    body: RebindBody


class CodeCorrect(_Sequenced):
    """Another code for a wrong one, which keeps leading to the device."""

    type: Literal["code.correct"]
    body: CorrectBody


class KeysRotate(_Sequenced):
    """The pre-committed keys take over."""

    type: Literal["keys.rotate"]
    body: RotateBody


class RecoveryBegin(_OnLedger):
    """The quorum asks for new keys. Without a sequence: a thief of the present ones cannot outrun
    it."""

    type: Literal["recovery.begin"]
    subject: TetradDid
    body: RecoveryBeginBody


class RecoveryFinish(_OnLedger):
    """The keys that the quorum asked for come into force."""

    type: Literal["recovery.finish"]
    subject: TetradDid
    body: RecoveryFinishBody


class TransferOffer(_Sequenced):
    """The controller offers a device to another organization, or takes its offer back."""

    type: Literal["transfer.offer"]
    body: TransferOfferBody


class TransferAccept(_Sequenced):
    """That organization takes the device over, with new keys of the device."""

    type: Literal["transfer.accept"]
    body: TransferAcceptBody


class StatusSuspend(_Supervised):
    """Out of use until resumed."""

    type: Literal["status.suspend"]
    body: StatusBody


class StatusResume(_Supervised):
    """Lifts one's own suspension; the authority any."""

    type: Literal["status.resume"]
    body: StatusBody


class StatusRevoke(_OnLedger):
    """Ended by a supervisor, for good."""

    type: Literal["status.revoke"]
    subject: TetradDid
    body: StatusBody


class StatusRetire(_Sequenced):
    """Ended by the controller, for good; frees the number, keeps the code."""

    type: Literal["status.retire"]
    body: StatusBody


AnyOperation = (
    RegistryGenesis
    | RegistryUpdate
    | OrganizationRegister
    | OrganizationUpdate
    | GrantIssue
    | GrantWithdraw
    | EnrolmentRevoke
    | LinksSet
    | DeviceRegister
    | DeviceUpdate
    | NumberRebind
    | CodeCorrect
    | KeysRotate
    | RecoveryBegin
    | RecoveryFinish
    | TransferOffer
    | TransferAccept
    | StatusSuspend
    | StatusResume
    | StatusRevoke
    | StatusRetire
)

OPERATION: TypeAdapter[AnyOperation] = TypeAdapter(
    Annotated[AnyOperation, Field(discriminator="type")]
)

ESTABLISHING = ("registry.genesis", "organization.register", "device.register")
"""Types whose operation creates a DID, and so takes no `subject`."""

ROTATING = (KeysRotate, RegistryUpdate)
"""Whose `keys` were committed to in the subject's `next`, and sign as its methods."""


def revealed_keys(operation: AnyOperation) -> list[str]:
    """The Multikeys that an operation about an existing subject brings to light, all of which sign
    as methods of that subject: its new keys, and those of a recovery quorum."""
    if isinstance(operation, RecoveryBegin):
        return [*operation.body.keys, *operation.body.quorum]
    if isinstance(operation, (*ROTATING, TransferAccept)):
        return list(operation.body.keys)
    return []


class Submission(Closed):
    """What is posted: an operation, with the disclosures that travel beside it."""

    operation: AnyOperation = Field(discriminator="type")
    disclosures: list[Annotated[str, Field(max_length=8192)]] = Field([], max_length=8)


def read_operation(value: Json) -> AnyOperation:
    """An operation from parsed JSON. Raises SchemaViolation with a pointer."""
    try:
        return OPERATION.validate_python(value)
    except ValidationError as error:
        raise schema_violation(error) from None


def read_shown_operation(value: Json) -> AnyOperation:
    """An operation that somebody says stands in a ledger: read as strictly as the ledger would.

    Only so are the bytes that its hash is of also those that its proofs, whatever their suite, are
    held against. Raises SchemaViolation, InputTooLarge, or MalformedInput where it has no canonical
    form.
    """
    operation = read_operation(value)
    whole = as_object(value)
    canonical = canonicalize(whole)
    check_no_null(whole, canonical)
    check_size(canonical)
    return operation


def operation_value(operation: BaseModel) -> dict[str, Any]:
    """The operation as JSON values, members that are absent left out."""
    return operation.model_dump(mode="json", by_alias=True, exclude_none=True)


def unsigned_bytes(operation: dict[str, Json]) -> bytes:
    """JCS of the operation without `proof`: what is hashed and what proofs sign over."""
    return canonicalize({name: value for name, value in operation.items() if name != "proof"})


def operation_hash(operation: dict[str, Json]) -> str:
    """The one hash of an operation, 'zQm…'."""
    return multihash(unsigned_bytes(operation))


def check_size(canonical: bytes) -> None:
    """Raises InputTooLarge when the JCS bytes of a signed operation exceed 61,440."""
    if len(canonical) > MAX_OPERATION_BYTES:
        raise InputTooLarge(
            f"the operation has {len(canonical)} bytes; {MAX_OPERATION_BYTES} are allowed",
            hint="move long texts and keys not in use out of the operation",
        )


def as_object(value: Json) -> dict[str, Json]:
    """The value, which must be a JSON object. Raises SchemaViolation."""
    if not isinstance(value, dict):
        raise SchemaViolation("a JSON object is expected")
    return cast("dict[str, Json]", value)


def check_no_null(operation: dict[str, Json], canonical: bytes) -> None:
    """Raises SchemaViolation where a member is null: absent members are left out, never null.

    The models alone would let null pass for a member that may be absent. The search of the bytes
    spares the walk for all operations but those that hold the six characters `":null`.
    """
    if b'":null' not in canonical:
        return
    pending: list[tuple[str, Json]] = [("", operation)]
    while pending:
        pointer, value = pending.pop()
        if value is None:
            raise SchemaViolation("null is not a value here: leave the member out", pointer=pointer)
        if isinstance(value, dict):
            pending += [(f"{pointer}/{name}", member) for name, member in value.items()]
        elif isinstance(value, list):
            pending += [(f"{pointer}/{place}", member) for place, member in enumerate(value)]
