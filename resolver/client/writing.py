"""What a client changes: operations described, signed with a wallet, sent, and their receipts held.

Each method is a flow (resolver/client/flow.py). Keys are in the saved wallet before anything is
sent, and so is the signed operation itself: what was interrupted is sent again as it was, and
registered once. An operation counts as done when its receipt is proved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from identity.bid import own_names
from identity.did import tetrad_did, tetrad_method
from identity.errors import (
    InvalidAnswer,
    NotFound,
    SchemaViolation,
    SignerMissing,
    TetradError,
    Unavailable,
)
from identity.jcs import Json
from identity.keys import algorithms_named, one_of_each_kind, public_key
from identity.operation import operation_hash
from identity.wallet import Establishment, Wallet
from resolver.client.authenticating import Authenticating
from resolver.client.flow import Flow, member
from resolver.client.sending import Acknowledged
from resolver.client.signing import sign_what_we_can
from resolver.positions import Known, Position
from resolver.prepare import ESTABLISHING, ROTATES, prepare
from resolver.prepared import Prepared
from resolver.schemes import SCHEMES
from resolver.trust import Trust


class Writing(Authenticating):
    """The whole client: flows that ask, and flows that change."""

    def __init__(
        self,
        trust: Trust | None,
        wallet: Wallet,
        *,
        save: Callable[[], None],
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        on_trust: Callable[[Trust], None] | None = None,
        address: str = "",
    ) -> None:
        super().__init__(
            trust, wallet, save=save, clock=clock, random=random, on_trust=on_trust, address=address
        )
        self.passes_on = False

    def create_organization(
        self,
        name: str,
        *,
        uscc: str | None = None,
        by: Sequence[str] = (),
        algorithm: str = "Ed25519",
        recovery: Json = "none",
        known_as: Sequence[str] = (),
    ) -> Flow[Acknowledged]:
        """A new organization under keys drawn here. Outside a sandbox, `by` admits it. A pair of
        keys is drawn for an `algorithm` such as `Ed25519+ML-DSA-44`; `recovery` is the quorum that
        may replace them. Of the names that it is `known_as`, `did:bid` alone is made of its key."""
        foreign = yield from self.keys_of(by)
        first = self.wallet.draw(*algorithms_named(algorithm))
        body: dict[str, Json] = {"name": name, **_keys(first), "recovery": recovery}
        if uscc is not None:
            body["uscc"] = uscc
        if known_as:
            body["alsoKnownAs"] = [*own_names(known_as, first.keys)]
        prepared = self._prepare("organization.register", body, by=by, foreign=foreign)
        self.wallet.adopt(self._did_of(prepared), first, name=name)
        return (yield from self.send(prepared))

    def update_organization(self, did: str, body: Mapping[str, Json]) -> Flow[Acknowledged]:
        """Another `name` or `uscc`, or other names in `alsoKnownAs` (`did:bid`: of its key)."""
        acknowledged = yield from self.change("organization.update", did, body, by=[did])
        if isinstance(body.get("name"), str) and did in self.wallet.identities:
            self.wallet.identities[did].name = cast("str", body["name"])
            self._save()
        return acknowledged

    def issue_grant(
        self,
        granter: str,
        right: str,
        scope: Mapping[str, Json],
        *,
        to: str | None = None,
        not_after: str | None = None,
        under: str | None = None,
    ) -> Flow[Acknowledged]:
        """A right, to another party or to the granter itself; `under` is the accreditation of which
        a part is passed on. Of the right to enrol, both sides sign."""
        body: dict[str, Json] = {"right": right, "to": to or granter, "scope": dict(scope)}
        body |= {n: v for n, v in (("notAfter", not_after), ("under", under)) if v is not None}
        by = [granter, *([to] if right == "enrol" and to not in (None, granter) else [])]
        return (yield from self.change("grant.issue", granter, body, by=by))

    def withdraw_grant(self, by: str, grant: str, reason: str) -> Flow[Acknowledged]:
        """Ends a grant, named by the hash of its operation, from now on."""
        body: dict[str, Json] = {"grant": grant, "reason": reason}
        return (yield from self.change("grant.withdraw", by, body, by=[by]))

    def register_device(
        self, body: Mapping[str, Json], *, also: Sequence[str] = (), algorithm: str = "Ed25519"
    ) -> Flow[Acknowledged]:
        """Registers a device that is described in plain values (resolver/description.py).

        Keys are drawn here unless `body` brings `keys` and `next` that the wallet holds. Controller
        and maker sign where the wallet holds them, and whoever else is named in `also`.
        """
        parties = [str(body.get("controller", "")), *also]
        foreign = yield from self.keys_of([did for did in parties if did])
        prepared = self.prepare_device(body, also=also, algorithm=algorithm, foreign=foreign)
        return (yield from self.send(prepared))

    def prepare_device(
        self,
        body: Mapping[str, Json],
        *,
        also: Sequence[str] = (),
        algorithm: str = "Ed25519",
        foreign: Mapping[str, list[str]] | None = None,
    ) -> Prepared:
        """The registration of a device, to be signed with `sign`; its keys are in the wallet, which
        is not yet saved."""
        described = dict(body)
        about = described.get("object")
        if not isinstance(about, dict) or not isinstance(about.get("maker"), str):
            raise SchemaViolation("name the maker", pointer="/body/object/maker")
        maker = cast("str", about["maker"])
        described.setdefault("controller", maker)
        first = self._establishment(described, algorithm)
        described |= _keys(first)
        if "alsoKnownAs" in described:
            names = cast("list[str]", described["alsoKnownAs"])
            described["alsoKnownAs"] = [*own_names(names, first.keys)]
        parties = [described["controller"], *([maker] if maker in self.wallet.identities else [])]
        by = list(dict.fromkeys([*cast("list[str]", parties), *also]))
        prepared = self._prepare("device.register", described, by=by, foreign=foreign)
        self.wallet.adopt(self._did_of(prepared), first)
        return prepared

    def _establishment(self, body: Mapping[str, Json], algorithm: str) -> Establishment:
        if "keys" not in body:
            return self.wallet.draw(*algorithms_named(algorithm))
        keys, following = cast("list[str]", body["keys"]), cast("list[str]", body.get("next", []))
        return Establishment(
            keys, [k if k.startswith("zQm") else public_key(k).thumbprint for k in following]
        )

    def keys_of(self, dids: Iterable[str]) -> Flow[dict[str, list[str]]]:
        """By DID, the keys with which each party signs whose keys are not in this wallet: one of
        each kind that it has in force."""
        found: dict[str, list[str]] = {}
        for did in dids:
            if did not in self.wallet.identities:
                record = yield from self.subject(did)
                found[did] = one_of_each_kind(map(str, member(record, "keys", list)))
        return found

    def sign(self, prepared: Prepared) -> dict[str, Json]:
        """The submission, signed with this wallet's keys. Raises SignerMissing."""
        return sign_what_we_can(prepared, self.wallet).submission()

    def update_device(self, did: str, body: Mapping[str, Json]) -> Flow[Acknowledged]:
        """Another `data` record, `parent` (a DID or "none"), `sector` or `alsoKnownAs` (`did:bid`:
        of its key), by the controller."""
        return (yield from self.change("device.update", did, body))

    def rebind_number(
        self, did: str, number: Json, *, old_controller: str | None = None
    ) -> Flow[Acknowledged]:
        """Another number, or "none": signed by the controller and the device, and by the old
        controller where the number is active elsewhere."""
        record = yield from self.subject(did)
        by = [_controller(record), did, *([old_controller] if old_controller else [])]
        by = list(dict.fromkeys(by))
        return (yield from self.change("number.rebind", did, {"number": number}, by=by))

    def rotate_keys(self, did: str, *, algorithm: str = "") -> Flow[Acknowledged]:
        """The committed keys of a device or organization take over, and new ones are committed to:
        of the same algorithms, or those named, which the next rotation brings into force.

        A rotation that was interrupted is sent again as it was, and is then the one.
        """
        return (yield from self._rotate("keys.rotate", did, {}, algorithm))

    def update_registry(
        self,
        *,
        log: Sequence[str] = (),
        policy: Mapping[str, Json] | None = None,
        witnesses: str | None = None,
        algorithm: str = "",
    ) -> Flow[Acknowledged]:
        """Other keys of the log, another policy, or other recommended witnesses. The authority's
        committed keys sign, and take over as in `rotate_keys`.

        An update that was interrupted is sent again as it was, and is then the one.
        """
        named: dict[str, Json] = {"log": list(log)} if log else {}
        named |= {"policy": dict(policy)} if policy is not None else {}
        named |= {"witnesses": witnesses} if witnesses is not None else {}
        return (yield from self._rotate("registry.update", self.trust.authority, named, algorithm))

    def _rotate(
        self, kind: str, did: str, body: Mapping[str, Json], algorithm: str
    ) -> Flow[Acknowledged]:
        for finished in (yield from self.finish()):
            operation = finished.operation
            if operation["type"] == kind and operation["subject"] == did:
                return finished
        wanted = algorithms_named(algorithm) if algorithm else ()
        following = _keys(self.wallet.begin_rotation(did, *wanted))
        return (yield from self.change(kind, did, {**following, **body}, by=[]))

    def suspend(
        self, did: str, reason: str, *, by: str | None = None, supervisor: bool = False
    ) -> Flow[Acknowledged]:
        """Out of use until resumed; by the controller, or by a supervisor."""
        return (yield from self._status("status.suspend", did, reason, by, supervisor=supervisor))

    def resume(
        self, did: str, reason: str, *, by: str | None = None, supervisor: bool = False
    ) -> Flow[Acknowledged]:
        """Lifts one's own suspension; the authority any."""
        return (yield from self._status("status.resume", did, reason, by, supervisor=supervisor))

    def revoke(self, did: str, reason: str, *, by: str | None = None) -> Flow[Acknowledged]:
        """Ended by the prefix holder or the authority, for good."""
        return (yield from self._status("status.revoke", did, reason, by))

    def retire(self, did: str, reason: str) -> Flow[Acknowledged]:
        """Ended by the controller, for good; the number is free, the code is not."""
        return (yield from self._status("status.retire", did, reason, None))

    def _status(
        self, kind: str, did: str, reason: str, by: str | None, *, supervisor: bool = False
    ) -> Flow[Acknowledged]:
        acting: dict[str, Json] = {"as": "supervisor"} if supervisor else {}
        signers = None if by is None else [by]
        return (yield from self.change(kind, did, {"reason": reason}, by=signers, **acting))

    def subject(self, did: str) -> Flow[dict[str, Any]]:
        """The present record of a device or an organization, as the server asserts it."""
        if self.wallet.identities.get(did) is None or not self.wallet.identities[did].name:
            try:
                return cast("dict[str, Any]", (yield from self.device(did)))
            except NotFound:
                pass
        return (yield from self.organization(did))

    def change(
        self,
        kind: str,
        subject: str,
        body: Mapping[str, Json],
        *,
        by: Sequence[str] | None = None,
        **more: Json,
    ) -> Flow[Acknowledged]:
        """An operation on a subject, by its controller unless others are named."""
        record = yield from self.subject(subject)
        try:
            position = Position.of(record)
            if "alsoKnownAs" in body:
                names = cast("list[str]", body["alsoKnownAs"])
                body = {**body, "alsoKnownAs": [*own_names(names, record["keys"])]}
        except (AttributeError, KeyError, TypeError):
            raise InvalidAnswer("the server's record is not that of a subject") from None
        signers = [position.controller] if by is None else by
        foreign = yield from self.keys_of(signers)
        prepared = self._prepare(
            kind, body, by=signers, foreign=foreign, subject=subject, position=position, **more
        )
        return (yield from self.send(prepared))

    def _prepare(
        self,
        kind: str,
        body: Mapping[str, Json],
        *,
        by: Sequence[str],
        foreign: Mapping[str, list[str]] | None = None,
        subject: str | None = None,
        position: Position | None = None,
        **more: Json,
    ) -> Prepared:
        keys: dict[str, tuple[str, str]] = {}
        for did in by:
            for multikey in (foreign or {}).get(did) or self.wallet.signing_keys(did):
                keys[public_key(multikey).thumbprint] = (did, multikey)
        methods = [tetrad_method(did, thumbprint) for thumbprint, (did, _) in keys.items()]
        description: dict[str, Json] = {
            "type": kind,
            "body": dict(body),
            "signers": [{"method": method} for method in methods],
            **more,
        }
        positions = {}
        if subject is not None:
            description["subject"] = subject
            positions = {subject: position} if position else {}
        known = Known(self.trust.ledger, positions, keys)
        return prepare(description, known, SCHEMES, int(self.clock()), self.random)

    def _did_of(self, prepared: Prepared) -> str:
        return tetrad_did(self.trust.ledger, prepared.hash)

    def send(self, prepared: Prepared) -> Flow[Acknowledged]:
        """Signs, keeps, sends, and keeps the receipt.

        Raises SignerMissing where others must sign too; its member `prepared` is for them, and
        where this client `passes_on`, the keys of what it creates are kept for then.
        """
        signed = sign_what_we_can(prepared, self.wallet)
        try:
            submission = signed.submission()
        except SignerMissing as error:
            if self.passes_on:
                self._save()
            error.hint = "pass it on to those who sign as well"
            error.members["prepared"] = signed.value()
            raise
        self.wallet.keep_receipt(prepared.hash, submission)
        self._save()
        try:
            acknowledged = yield from self.submit(submission)
        except Unavailable:
            raise  # it may be in the ledger: it stays in the wallet, to be sent again
        except TetradError:
            self.wallet.receipts.pop(prepared.hash, None)
            self.forget(submission)
            self._save()
            raise
        self.wallet.keep_receipt(prepared.hash, {**submission, "receipt": acknowledged.receipt})
        self.settle(acknowledged.operation)
        self._save()
        return acknowledged

    def settle(self, operation: Mapping[str, Any]) -> None:
        """What the wallet makes of an operation that is in the ledger."""
        identity = self.wallet.identities.get(str(operation.get("subject")))
        if operation["type"] in ROTATES and identity is not None and identity.drawn:
            self.wallet.finish_rotation(operation["subject"])

    def save_wallet(self) -> None:
        """Puts the wallet on the disk: before anything is sent that its keys have signed."""
        self._save()

    def forget(self, submission: Mapping[str, Json]) -> None:
        """Speaks no longer for the DID of a first operation that was refused."""
        operation = cast("dict[str, Json]", submission["operation"])
        if operation["type"] in ESTABLISHING:
            did = tetrad_did(self.trust.ledger, operation_hash(operation))
            self.wallet.identities.pop(did, None)

    def finish(self) -> Flow[list[Acknowledged]]:
        """Sends again what was signed and kept, and has no receipt yet: the way to it was cut.

        What the registry refuses by now is forgotten. Raises Unavailable, with the rest kept.
        """
        finished: list[Acknowledged] = []
        for kept in self.unfinished():
            operation = cast("dict[str, Json]", kept["operation"])
            hash_ = operation_hash(operation)
            try:
                done = yield from self.submit(kept)
            except Unavailable:
                raise
            except TetradError:
                self.wallet.receipts.pop(hash_, None)
                self.forget(kept)
            else:
                finished.append(done)
                self.wallet.keep_receipt(hash_, {**kept, "receipt": done.receipt})
                self.settle(operation)
            self._save()
        return finished

    def unfinished(self) -> list[dict[str, Json]]:
        """Submissions in the wallet that have no receipt yet."""
        return [kept for kept in self.wallet.receipts.values() if "receipt" not in kept]


def _keys(established: Establishment) -> dict[str, Json]:
    return {"keys": list(established.keys), "next": list(established.next)}


def _controller(record: Mapping[str, Any]) -> str:
    """Who acts for a subject: a device's controller, an organization itself."""
    return cast("str", record.get("controller", record.get("did", "")))
