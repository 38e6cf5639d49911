"""The rule book: a pure, total function from state and operation to changes or one of our errors.

    changes = RuleBook(schemes).apply(state, operation, operation_hash, unique, now)

Whoever calls has checked two things already: that every proof's signature verifies under the key
that its method names, and that disclosed values fit their commitments (registry/admission.py).
What is decided here is all the rest: whether those keys are *now* keys of those parties, whether
they are the parties that the table below asks for, and whether the operation fits what is true.
The same function decides for the service, for an audit and for the vectors in specs/vectors/rules.

The table of required signatures, in the order of specs/2-registry.md, "Signers":

    operation               must sign                                               sequence
    registry.genesis        its keys                                                begins
    registry.update         every new key, each committed to in the authority's     yes
                            `next`
    organization.register   its own keys; a holder of `admit` unless a sandbox      begins
    organization.update     the organization                                        yes
    grant.issue, .withdraw  the granter; of `enrol` the receiver too, to issue it   yes
    enrolment.revoke        the enrolment's or the prefix's holder, or authority    yes
    links.set               the holder of the code's prefix, or the authority       yes
    device.register         the device's keys; the holder of the code's prefix;     begins
                            the controller; the maker unless it granted `make`;
                            for these three, a certificate under a grant to enrol
    device.update           the controller                                          yes
    number.rebind           the controller; the device; the number's old controller yes
    code.correct            the controller; the holders of both codes' prefixes     yes
    keys.rotate             every new key, each committed to in `next`              yes
    recovery.begin          the recovery keys revealed, as many as the threshold    no
                            says; every new key
    recovery.finish         anyone: the new keys, or one party, after the wait      no
    transfer.offer          the controller                                          yes
    transfer.accept         the organization that it is offered to; every new key;  yes
                            for one outside `next` the code's prefix holder
    status.suspend, .resume the controller (sequence) | prefix holder or authority  as said
    status.revoke           the prefix holder or the authority                      no
    status.retire           the controller                                          yes
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from identity.bodies import CorrectBody, DeviceBody, RebindBody
from identity.disclosure import CODE, NUMBER, SERIAL
from identity.errors import InvalidDisclosure, TimeOutOfBounds, WrongLedger
from identity.members import CommittedCode, CommittedNumber, format_time, parse_time
from identity.operation import (
    AnyOperation,
    CodeCorrect,
    DeviceRegister,
    DeviceUpdate,
    EnrolmentRevoke,
    GrantIssue,
    GrantWithdraw,
    KeysRotate,
    LinksSet,
    NumberRebind,
    OrganizationRegister,
    OrganizationUpdate,
    RecoveryBegin,
    RecoveryFinish,
    RegistryGenesis,
    RegistryUpdate,
    StatusResume,
    StatusRetire,
    StatusRevoke,
    StatusSuspend,
    TransferAccept,
    TransferOffer,
)
from registry import (
    correcting,
    devices,
    enrolment,
    granting,
    links,
    organizations,
    recovering,
    status,
    transferring,
    updating,
)
from registry.case import Case
from registry.effects import Unique
from registry.schemes import Schemes
from registry.state import Changes, Registry, State

ROWS: dict[type[AnyOperation], Callable[[Case], Changes]] = {
    RegistryGenesis: organizations.genesis,
    RegistryUpdate: updating.registry_update,
    OrganizationRegister: organizations.organization_register,
    OrganizationUpdate: organizations.organization_update,
    GrantIssue: granting.grant_issue,
    GrantWithdraw: granting.grant_withdraw,
    EnrolmentRevoke: enrolment.enrolment_revoke,
    LinksSet: links.links_set,
    DeviceRegister: devices.device_register,
    DeviceUpdate: devices.device_update,
    NumberRebind: devices.number_rebind,
    CodeCorrect: correcting.code_correct,
    KeysRotate: status.keys_rotate,
    RecoveryBegin: recovering.recovery_begin,
    RecoveryFinish: recovering.recovery_finish,
    TransferOffer: transferring.transfer_offer,
    TransferAccept: transferring.transfer_accept,
    StatusSuspend: status.suspend,
    StatusResume: status.resume,
    StatusRevoke: status.revoke,
    StatusRetire: status.retire,
}


_KEYED_HASH = re.compile("[A-Za-z0-9_-]{43}").fullmatch


class RuleBook:
    """The rules over one table of code schemes."""

    def __init__(self, schemes: Schemes) -> None:
        self._schemes = schemes

    def apply(
        self,
        state: State,
        operation: AnyOperation,
        operation_hash: str,
        unique: Unique,
        now: int,
    ) -> Changes:
        """The records that the operation changes, as entry number `state.size` at time `now`.

        `now` is in seconds since the epoch. Raises RuleBroken, NotEntitled, InvalidProof,
        InvalidIdentifier, InvalidKey, InvalidCertificate or NotFound, and nothing else whatever
        the operation says.
        """
        _check_unique(operation, unique)
        if isinstance(operation, RegistryGenesis):
            if state.size != 0:
                raise WrongLedger("a genesis stands at the beginning alone")
            case = Case(self._schemes, state, operation, operation_hash, unique, now, None)
            return organizations.genesis(case)
        registry = cast("Registry | None", state.get(("registry",)))
        if registry is None:
            raise WrongLedger("a ledger begins with its genesis", pointer="/type")
        if operation.ledger != registry["ledger"]:
            raise WrongLedger(
                "the operation is signed for another ledger",
                pointer="/ledger",
                expected=registry["ledger"],
            )
        _check_created(operation.created, registry, now)
        case = Case(self._schemes, state, operation, operation_hash, unique, now, registry)
        return ROWS[type(operation)](case)


def _check_unique(operation: AnyOperation, unique: Unique) -> None:
    """An entry carries the keyed hashes of what its operation commits to, and nothing else: what
    an operator slipped in beside them could never be taken out again."""
    committed: set[str] = set()
    body = operation.body
    if isinstance(body, DeviceBody):
        committed.add(SERIAL)
    if isinstance(body, DeviceBody | CorrectBody) and isinstance(body.code, CommittedCode):
        committed.add(CODE)
    if isinstance(body, DeviceBody | RebindBody) and isinstance(body.number, CommittedNumber):
        committed.add(NUMBER)
    for pointer, hashed in unique.items():
        if pointer not in committed or not _KEYED_HASH(hashed):
            raise InvalidDisclosure("not a keyed hash of what is committed to", pointer=pointer)


def _check_created(created: str, registry: Registry, now: int) -> None:
    bounds = cast("dict[str, int]", registry["policy"]["created"])
    at = parse_time(created)
    if not now - bounds["past"] <= at <= now + bounds["future"]:
        raise TimeOutOfBounds(
            f"created lies {abs(at - now)} s from the ledger's clock",
            pointer="/created",
            hint=f"sign again; the ledger's clock shows {format_time(now)}",
            **bounds,
        )
