"""Keys and codes through life, in which others have a hand and days may go by.

    client.begin_recovery(did, quorum=["z6Mk…", "z6Mk…"])      # SignerMissing: they sign what is in
    client.finish_recovery(did)                                # its `prepared`; after the wait
    client.offer_device(did, to, "2026-12-01T00:00:00Z")
    client.accept_device(did)

New keys lie in the saved wallet before anything is signed with them, and stay the same until the
ledger has brought them into force, whoever sent the operation at last. So a program that was
stopped anywhere is simply run again: each of these flows looks at the record first. Specified in
specs/1-identity.md, "Recovery".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from identity.errors import KeyReused, KeystoreError, NotFound, SchemaViolation, WrongState
from identity.jcs import Json
from identity.keys import algorithms_named, thumbprint
from identity.takeovers import begin_takeover, drop_takeover, finish_takeover
from identity.wallet import Establishment
from resolver.client.flow import Flow
from resolver.client.sending import Acknowledged
from resolver.client.writing import Writing
from resolver.positions import Position


class Living(Writing):
    """The whole client, with what outlasts a command."""

    def begin_recovery(
        self,
        did: str,
        *,
        quorum: Sequence[str] = (),
        recovery: Json = "none",
        name: str = "",
        algorithm: str = "Ed25519",
    ) -> Flow[Acknowledged | None]:
        """New keys for a subject whose keys are lost or stolen, by its quorum.

        `quorum` are Multikeys of recovery keys that others hold, beside those of this wallet;
        `recovery` is the next quorum. None where this very attempt is in the ledger already. Raises
        SignerMissing with `prepared` for the others.
        """
        finished = yield from self._finished("recovery.begin", did)
        if finished is not None:
            return finished
        record = yield from self.subject(did)
        under_way, taken = record.get("recovering"), self.wallet.takeovers.get(did)
        if under_way is not None and taken is not None and under_way["keys"] == taken.multikeys:
            return None
        if taken is not None and record.get("cancelled") in taken.attempts:
            drop_takeover(self.wallet, did)  # its keys were shown, and are used up
        wanted = algorithms_named(algorithm)
        called = name or str(record.get("name", ""))
        first = begin_takeover(self.wallet, did, "recovery.begin", *wanted, name=called)
        revealed: list[Json] = [*self._revealed(record, quorum)]
        body: dict[str, Json] = {"quorum": revealed, **_members(first, recovery)}
        return (yield from self._take_over("recovery.begin", did, record, body))

    def _revealed(self, record: Mapping[str, Any], quorum: Sequence[str]) -> list[str]:
        """The recovery keys that sign: those named, and of this wallet's as many as it takes."""
        recovery = record["recovery"]
        if recovery == "none":
            raise WrongState(
                "the subject has appointed no quorum",
                pointer="/subject",
                hint="one is appointed at registration or transfer: --recovery-key",
            )
        held = [self.wallet.key(one).public.multikey for one in self.wallet.shares]
        mine = [one for one in held if thumbprint(one) in recovery["keys"]]
        revealed = list(dict.fromkeys([*quorum, *mine]))[: max(recovery["threshold"], len(quorum))]
        if len(revealed) < recovery["threshold"]:
            raise KeystoreError(
                f"{len(revealed)} of the {recovery['threshold']} recovery keys are known here",
                hint="name those of the others as Multikeys: `tetrad recovery share` shows them",
            )
        return revealed

    def finish_recovery(self, did: str, *, by: str | None = None) -> Flow[Acknowledged | None]:
        """What a quorum asked for, in force: after the wait, by the new keys where they are here,
        otherwise by a party of this wallet.

        None where it is in force already. Raises TimeOutOfBounds while the wait lasts.
        """
        finished = yield from self._finished("recovery.finish", did)
        if finished is not None:
            return finished
        record = yield from self.subject(did)
        if (yield from self._took_over(did, record)):
            return None
        under_way, taken = record.get("recovering"), self.wallet.takeovers.get(did)
        if under_way is None:
            raise WrongState(
                "no recovery of this subject is under way",
                pointer="/body/begun",
                hint="it was cancelled, or has not begun",
            )
        ours = taken is not None and taken.multikeys == under_way["keys"]
        signers = [by] if by is not None else [] if ours else [self._anyone()]
        return (yield from self.change("recovery.finish", did, {}, by=signers))

    def _anyone(self) -> str:
        for did, identity in self.wallet.identities.items():
            if identity.name:
                return did
        raise KeystoreError(
            "the new keys are not in this wallet, and nobody else is who could sign",
            hint="the wallet that began the recovery, or one with an organization",
        )

    def correct_code(
        self, did: str, code: Json, reason: str, *, also: Sequence[str] = ()
    ) -> Flow[Acknowledged]:
        """Another code, as text or `{"scheme", "value"}`, for one that was wrong, and which keeps
        leading to the device. By the controller and `also` the holders of both codes' prefixes."""
        record = yield from self.subject(did)
        by = list(dict.fromkeys([Position.of(record).controller, *also]))
        body: dict[str, Json] = {"code": code, "reason": reason}
        return (yield from self.change("code.correct", did, body, by=by))

    def offer_device(self, did: str, to: str, not_after: str) -> Flow[Acknowledged]:
        """A device, offered to an organization until a time; an earlier offer ends."""
        offer: dict[str, Json] = {"to": to, "notAfter": not_after}
        return (yield from self.change("transfer.offer", did, {"offer": offer}))

    def withdraw_offer(self, did: str) -> Flow[Acknowledged]:
        """The offer of a device, taken back."""
        return (yield from self.change("transfer.offer", did, {"offer": "none"}))

    def accept_device(
        self,
        did: str,
        *,
        keys: Sequence[str] | None = None,
        also: Sequence[str] = (),
        recovery: Json = "none",
        algorithm: str = "Ed25519",
    ) -> Flow[Acknowledged | None]:
        """A device that is on offer to a party of this wallet, taken over.

        By the keys to which the device has committed, where they are here or `keys` names them
        (Multikeys; who holds them signs as well); otherwise by keys that are drawn here, for which
        the holder of the code's prefix signs too and stands in `also`. None where it is taken over
        already. Raises SignerMissing with `prepared` for the others.
        """
        finished = yield from self._finished("transfer.accept", did)
        if finished is not None:
            return finished
        record = yield from self.subject(did)
        if (yield from self._took_over(did, record)):
            return None
        offer = record.get("offer")
        if not isinstance(offer, dict):
            raise NotFound("this device is not on offer", hint="its controller offers it first")
        first = begin_takeover(
            self.wallet,
            did,
            "transfer.accept",
            *algorithms_named(algorithm),
            keys=self._committed(record) if keys is None else keys,
        )
        by = list(dict.fromkeys([cast("str", offer["to"]), *also]))
        body = _members(first, recovery)
        return (yield from self._take_over("transfer.accept", did, record, body, by=by))

    def _committed(self, record: Mapping[str, Any]) -> list[str] | None:
        """The keys to which a device has committed, where this wallet holds them."""
        try:
            return [self.wallet.key(one).public.multikey for one in record["next"]]
        except KeystoreError:
            return None

    def _finished(self, kind: str, did: str) -> Flow[Acknowledged | None]:
        """An operation that was interrupted, and is sent now as it was."""
        for finished in (yield from self.finish()):
            if (finished.operation["type"], finished.operation["subject"]) == (kind, did):
                return finished
        return None

    def _took_over(self, did: str, record: Mapping[str, Any]) -> Flow[bool]:
        """Whether the ledger has brought this wallet's new keys into force, whoever sent it."""
        taken = self.wallet.takeovers.get(did)
        if taken is None or record["keys"] != taken.multikeys:
            return False
        proved = record.get("kind") == "device"
        if proved:
            shown = yield from self.resolve(did, tombstones=True)
            if shown.device["keys"] != taken.multikeys:
                return False  # the server says one thing and proves another
        finish_takeover(self.wallet, did, proved=proved)
        self.save_wallet()
        return True

    def _take_over(
        self,
        kind: str,
        did: str,
        record: Mapping[str, Any],
        body: Mapping[str, Json],
        *,
        by: Sequence[str] = (),
    ) -> Flow[Acknowledged]:
        """Sends what this wallet's new keys sign, and keeps them before."""
        foreign = yield from self.keys_of(by)
        try:
            position = Position.of(record)
        except (AttributeError, KeyError, TypeError):
            raise SchemaViolation("the server's record is not that of a subject") from None
        prepared = self._prepare(kind, body, by=by, foreign=foreign, subject=did, position=position)
        self.wallet.takeovers[did].attempts.append(prepared.hash)
        self.save_wallet()
        try:
            return (yield from self.send(prepared))
        except KeyReused as error:
            if error.pointer.startswith("/body/keys"):
                drop_takeover(self.wallet, did)  # an attempt that came to nothing has shown them
                self.save_wallet()
                error.hint = "try again: other keys are drawn then"
            raise

    def settle(self, operation: Mapping[str, Any]) -> None:
        """See `Writing`; the end of a recovery and an acceptance bring keys into force."""
        super().settle(operation)
        did, taken = operation.get("subject"), None
        if isinstance(did, str):
            taken = self.wallet.takeovers.get(did)
        if taken is None or not isinstance(did, str):
            return
        accepted = operation["type"] == "transfer.accept"
        if accepted and operation["body"]["keys"] == taken.multikeys:
            finish_takeover(self.wallet, did)
        if operation["type"] == "recovery.finish" and operation["body"]["begun"] in taken.attempts:
            finish_takeover(self.wallet, did)


def _members(first: Establishment, recovery: Json) -> dict[str, Json]:
    return {"keys": list(first.keys), "next": list(first.next), "recovery": recovery}
