"""Which keys became whose: what an answer shows of operations that establish keys, and what
commits to each.

    keys = keys_of([*signers, *own], pinned)           # verification method -> key

A DID is the hash of the operation that created it; a rotation reveals what the establishment before
it committed to in `next`; a recovery is signed by the quorum that was appointed before; a transfer
stands on an offer by the controller, and reveals `next`. Whatever stands on nothing that is shown
before it is refused. An answer shows of others than the device no more than it takes to follow
their keys, so that an attempt which a rotation cancelled does not show here; nor does it show who
holds a prefix: that is for an audit. Specified in specs/3-resolution.md, "Verification".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from identity.did import tetrad_did
from identity.errors import InvalidAnswer, TetradError
from identity.keys import thumbprint
from identity.operation import (
    ROTATING,
    DeviceRegister,
    OrganizationRegister,
    RecoveryBegin,
    RecoveryFinish,
    TransferAccept,
    TransferOffer,
)
from registry.effects import shown_recovery
from registry.recovering import check_begin
from registry.state import Subject
from registry.status import keeps_kinds
from resolver.pinned import Pinned
from resolver.replaying import Established, Signed, own_methods

LIFE = (*ROTATING, RecoveryBegin, RecoveryFinish, TransferOffer, TransferAccept)


def keys_of(signed: Sequence[Signed], pinned: Pinned) -> dict[str, Established]:
    """verification method -> key, of every key that one of the operations establishes; each
    operation stands after what it stands on.

    Raises InvalidAnswer for keys to which nothing shown before has committed.
    """
    keys = _established(pinned.authority, pinned.keys)
    known = {
        pinned.authority: _Standing(pinned.authority, pinned.keys, pinned.next, pinned.recovery)
    }
    for item in signed:
        operation: Any = item.operation
        brought: Sequence[str] = ()
        if isinstance(operation, OrganizationRegister | DeviceRegister):
            did = tetrad_did(pinned.ledger, item.hash)
            body = operation.body
            known[did] = _Standing(did, body.keys, body.next, shown_recovery(body.recovery))
            known[did].controller = getattr(body, "controller", did)
            brought = body.keys
        elif isinstance(operation, LIFE):
            did = operation.subject
            if did not in known:
                raise InvalidAnswer("a rotation to keys that nothing shown has committed to")
            brought = known[did].after(item)
        else:
            continue  # such as the grant of an enrolment, which is shown and establishes nothing
        keys |= _established(did, brought)
    return keys


def _established(did: str, multikeys: Sequence[str]) -> dict[str, Established]:
    together = tuple(multikeys)
    return {f"{did}#{thumbprint(key)}": Established(key, together) for key in together}


class _Standing:
    """What commits to the next keys of one subject, as far as it is shown."""

    def __init__(
        self,
        did: str,
        keys: Sequence[str],
        following: Sequence[str],
        recovery: Any,  # noqa: ANN401 - JSON
    ) -> None:
        self.did = did
        self.controller = did
        self._keys = keys
        self._next = set(following)
        self._recovery = recovery
        self._appointed: str | None = None
        self._begun: dict[str, RecoveryBegin] = {}
        self._offered: dict[str, str] = {}

    def after(self, item: Signed) -> Sequence[str]:
        """The keys that one more operation on the subject establishes; none, mostly."""
        operation = item.operation
        if isinstance(operation, RecoveryBegin):
            self._begin(operation, item.hash)
        elif isinstance(operation, RecoveryFinish):
            return self._finish(operation, item.hash)
        elif isinstance(operation, TransferOffer):
            self._offer(operation, item.hash)
        elif isinstance(operation, TransferAccept):
            return self._accept(operation, item.hash)
        elif isinstance(operation, ROTATING):
            if not {thumbprint(key) for key in operation.body.keys} <= self._next:
                raise InvalidAnswer("a rotation to keys that nothing shown has committed to")
            if not keeps_kinds(self._keys, operation.body.keys):
                raise InvalidAnswer("half a pair of keys follows a pair")
            self._keys, self._next = operation.body.keys, set(operation.body.next)
            return operation.body.keys
        return ()

    def _begin(self, operation: RecoveryBegin, operation_hash: str) -> None:
        subject: dict[str, Any] = {"did": self.did, "recovery": self._recovery}
        if self._appointed is not None:
            subject["appointed"] = self._appointed
        try:
            check_begin(cast("Subject", subject), operation.body)
        except TetradError as error:
            raise InvalidAnswer(f"a recovery that does not hold: {error.detail}") from None
        if {proof.verificationMethod for proof in operation.proof} != own_methods(operation):
            raise InvalidAnswer("its quorum and its new keys sign a recovery, and no other")
        self._begun[operation_hash] = operation

    def _finish(self, operation: RecoveryFinish, operation_hash: str) -> Sequence[str]:
        begun = self._begun.get(operation.body.begun)
        if begun is None:
            raise InvalidAnswer("the end of a recovery whose beginning is not shown")
        brought = {f"{self.did}#{thumbprint(key)}" for key in begun.body.keys}
        signed = {proof.verificationMethod for proof in operation.proof}
        parties = {method.partition("#")[0] for method in signed}
        if len(parties) != 1 or (self.did in parties and signed != brought):
            raise InvalidAnswer("all keys that a recovery brings sign its end, or one other party")
        self._keys = begun.body.keys
        self._appoint(begun.body.next, shown_recovery(begun.body.recovery), operation_hash)
        return begun.body.keys

    def _offer(self, operation: TransferOffer, operation_hash: str) -> None:
        signed = {proof.verificationMethod.partition("#")[0] for proof in operation.proof}
        if signed != {self.controller}:
            raise InvalidAnswer("a device is offered by its controller alone")
        offer = operation.body.offer
        self._offered = {} if offer == "none" else {operation_hash: offer.to}

    def _accept(self, operation: TransferAccept, operation_hash: str) -> Sequence[str]:
        body = operation.body
        to = self._offered.get(body.offer)
        if to is None:
            raise InvalidAnswer("the acceptance of an offer that is not shown, or does not stand")
        signed = {proof.verificationMethod.partition("#")[0] for proof in operation.proof}
        if to not in signed:
            raise InvalidAnswer("whom a device is offered to has not signed its acceptance")
        # For a key that the device had not committed to, the holder of the prefix signs as well.
        committed = {thumbprint(key) for key in body.keys} <= self._next
        outside = not (committed and keeps_kinds(self._keys, body.keys))
        if len(signed - {to, self.did}) > outside:
            raise InvalidAnswer("an acceptance is signed by a party that has no part in it")
        self._appoint(body.next, shown_recovery(body.recovery), operation_hash)
        self._keys, self.controller, self._offered = body.keys, to, {}
        return body.keys

    def _appoint(self, following: Sequence[str], recovery: Any, by: str) -> None:  # noqa: ANN401 - JSON
        self._next, self._recovery, self._appointed = set(following), recovery, by
        self._begun = {}
