"""What a client asks of a registry, and how it holds every answer against its evidence.

Each method is a flow (resolver/client/flow.py). An answer is returned once it is proved: under a
checkpoint by the pinned log, which extends the newest one that was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from identity.disclosure import NUMBER, open_disclosure
from identity.errors import (
    Delegated,
    Gone,
    InvalidAnswer,
    NotFound,
    TetradError,
)
from identity.jcs import Json
from identity.operation import operation_hash
from registry.case import FINAL
from registry.receipt import TlogProof
from registry.state import Device, Key
from registry.uniqueness import verify_shown
from resolver.client.flow import (
    Flow,
    Request,
    Response,
    ask,
    ask_bytes,
    ask_json,
    json_object,
    member,
    refusal,
)
from resolver.client.questions import Question, query_of, question_of
from resolver.client.resolved import ByWay, Resolved, note_of, said_stale
from resolver.client.tiles import fetch_genesis
from resolver.referral import label_asked
from resolver.trust import Trust
from resolver.verifier import (
    VerifiedAnswer,
    VerifiedReceipt,
    shown_codes,
    verify_answer,
    verify_receipt,
)

PROVED = ("proved", "stateRoot", "age", "datedBy")
"""Members of a NotFound, which only what was verified here may set."""


class Reading(ByWay):
    """The reading half of a client: flows that ask and verify."""

    def describe(self) -> Flow[dict[str, Json]]:
        """What the service says of itself (/.well-known/tetrad); nothing of it is trusted."""
        return (yield from ask_json(Request("GET", "/.well-known/tetrad")))

    def introduce(self) -> Flow[Trust]:
        """The ledger that the service shows, checked but not pinned: whoever calls compares its
        `ledger` with what they were told, then calls `set_trust`. A folder of static files
        describes nothing: there the first entry is the genesis. Raises InvalidAnswer."""
        response = yield from ask(Request("GET", "/.well-known/tetrad"))
        if response.status != 200:
            error = refusal(response)
            if response.status == 404 and not isinstance(error, NotFound):  # not a service's own
                return Trust.begin((yield from fetch_genesis()))
            raise error
        try:
            return Trust.begin(json_object(response.body).get("genesis"))
        except TetradError as error:
            error.pointer = f"/genesis{error.pointer}"
            raise

    def resolve(
        self,
        code: str | None = None,
        *,
        scheme: str | None = None,
        disclosure: str | None = None,
        at: str | None = None,
        tombstones: bool = False,
        max_age: int | None = None,
    ) -> Flow[Resolved]:
        """The device behind a code in any form, a DID, or a disclosed number, proved.

        `disclosure` needs its `scheme`. `at` is an RFC 3339 time; `max_age` bounds the answer's age
        in seconds. Raises InvalidIdentifier, EvidenceRefused; NotFound, whose member `proved` says
        that there is none (with the entry of the `stateRoot`, the `age` and `datedBy`
        whom), and without it the registry's word; Delegated, proved likewise, where the pinned
        ledger refers to another node; for a revoked or retired device Gone, whose member `answer`
        is proved as well, unless `tombstones` are wanted. A recursive resolver is asked alike: what
        comes from other ledgers is proved from the pinned one on.
        """
        asked = question_of(code, scheme, disclosure, at)
        response = yield from ask(asked.request)
        return (yield from self.answered(asked, response, at, max_age, tombstones=tombstones))

    def answered(
        self,
        asked: Question,
        response: Response,
        at: str | None = None,
        max_age: int | None = None,
        *,
        tombstones: bool = False,
    ) -> Flow[Resolved]:
        """What a response to a question proves. Raises as `resolve`."""
        gone = None
        if response.status == 410:
            gone = refusal(response)
            answer = member(gone.members, "answer", dict)
        elif response.status == 200:
            answer = json_object(response.body)
        else:
            missing = refusal(response)
            for name in PROVED:
                missing.members.pop(name, None)  # it is not for a server to say
            key = self.key_of(asked, missing.members)
            if isinstance(missing, NotFound) and key is not None:
                yield from self._prove_absence(missing, key, at, max_age)
            raise missing
        if "path" in answer:
            found = yield from self._found_by_way(answer, asked, at, max_age)
            return _ended(found, gone, tombstones=tombstones)
        note = note_of(answer)
        yield from self.learn(note)
        key = self.key_of(asked, answer)
        # Of the past, the evidence shows the device and not who had the number.
        shown = None if key is not None and key[0] == "number" and at is not None else key
        verified = verify_answer(answer, self.trust.pinned, key=shown)
        asserted = self.said_of(verified, asked, key)
        _check_time(answer, verified.device, at)
        age = self.dated(verified.checkpoint, max_age)
        yield from self.observe(note)
        found = Resolved(asked.read_as, asked.key, answer, verified, age, asserted)
        return _ended(found, gone, tombstones=tombstones)

    def _found_by_way(
        self, answer: dict[str, Json], asked: Question, at: str | None, max_age: int | None
    ) -> Flow[Resolved]:
        """An answer that came by way of other ledgers."""
        path = yield from self.by_way(answer, asked.key, max_age)
        verified = path.outcome
        if not isinstance(verified, VerifiedAnswer):
            raise InvalidAnswer("an answer shows a device", pointer="/device")
        _check_time(answer, verified.device, at)
        asserted = "; ".join(filter(None, (path.asserted, _unsigned(verified))))
        return Resolved(
            *(asked.read_as, asked.key, answer, verified, path.age, asserted),
            hops=path.hops,
            stale=said_stale(answer),
        )

    def said_of(self, verified: VerifiedAnswer, asked: Question, key: Key | None) -> str:
        """What rests on the registry's word alone, of an answer that is about what was asked for.
        Raises InvalidAnswer for one that is not."""
        return "; ".join(filter(None, (_check_asked(verified, asked, key), _unsigned(verified))))

    def key_of(self, asked: Question, answer: Mapping[str, Json]) -> Key | None:
        """The key of the state under which the answer must stand: of a value that is hashed there,
        where the answer proves the hash. Raises InvalidVrfProof."""
        if asked.presented is None or "unique" not in answer:
            return asked.key
        return verify_shown(self.trust.uniqueness, *asked.presented, answer["unique"])

    def _prove_absence(
        self, missing: NotFound, key: Key, at: str | None, max_age: int | None
    ) -> Flow[None]:
        """Whether there is none, or another node to ask, where a server says so; `missing` then
        bears `proved`. That there was none at a time is not proved."""
        if isinstance(missing, Delegated):
            state, age = yield from self.referred(missing.members, key, max_age)
        elif at is None and self._would_know(key, missing.members):
            state, age = yield from self.absent(missing.members, key, max_age)
        else:
            return
        told = (True, state.root.index, age.seconds, age.by or None)
        missing.members.update(zip(PROVED, told, strict=True))

    def _would_know(self, key: Key, members: Mapping[str, Json]) -> bool:
        """Whether it tells anything that the ledger has no such device: a DID of another one is
        never there."""
        return "path" in members or label_asked(key) in (None, self.trust.label)

    def device(self, did: str) -> Flow[Device]:
        """The present record of a device, revoked ones included, as the server asserts it.

        For proof, `resolve` the DID. Raises NotFound.
        """
        response = yield from ask(Request("GET", f"/v1/devices/{quote(did, safe=':')}"))
        if response.status == 410:
            answer = member(refusal(response).members, "answer", dict)
        elif response.status == 200:
            answer = json_object(response.body)
        else:
            raise refusal(response)
        return cast("Device", member(answer, "device", dict))

    def history(self, did: str) -> Flow[list[dict[str, Json]]]:
        """What happened to a device, the newest first."""
        changes: list[dict[str, Json]] = []
        before: str | None = None
        path = f"/v1/devices/{quote(did, safe=':')}/history"
        while True:
            page = yield from ask_json(Request("GET", path, query_of(before=before)))
            found = member(page, "changes", list)
            changes += found
            following = page.get("before")
            if not found or type(following) is not int:
                return changes
            if before is not None and following >= int(before):
                raise InvalidAnswer("the pages of a history lead downwards", pointer="/before")
            before = str(following)

    def receipt(
        self, did: str, operation: Mapping[str, Json], *, witnessed: bool = False
    ) -> Flow[tuple[VerifiedReceipt, str]]:
        """The receipt of a device's registration under the newest checkpoint, or the published one,
        proved for the operation that the caller holds, and its text. A witnessed one bears the
        cosignatures that the policy asks for. Raises InvalidReceipt, InvalidCheckpoint,
        InvalidInclusion, QuorumMissing."""
        path = f"/v1/devices/{quote(did, safe=':')}/receipt"
        return (yield from self._receipt(path, operation, witnessed=witnessed))

    def operation_receipt(
        self, operation: Mapping[str, Json], *, witnessed: bool = False
    ) -> Flow[tuple[VerifiedReceipt, str]]:
        """As `receipt`, for any operation that stands in the ledger. Raises NotFound."""
        path = f"/v1/operations/{operation_hash(dict(operation))}/receipt"
        return (yield from self._receipt(path, operation, witnessed=witnessed))

    def _receipt(
        self, path: str, operation: Mapping[str, Json], *, witnessed: bool
    ) -> Flow[tuple[VerifiedReceipt, str]]:
        query = {"witnessed": "1"} if witnessed else {}
        receipt = yield from ask_bytes(Request("GET", path, query))
        note = _note_of_receipt(receipt)
        yield from self.learn(note)
        verified = verify_receipt(receipt, operation, self.trust.pinned)
        if witnessed:
            self.dated(verified.checkpoint)
        yield from self.observe(note)
        return verified, receipt.decode("utf-8", "replace")

    def registry(self) -> Flow[dict[str, Json]]:
        """The ledger's own record, as the server asserts it."""
        answer = yield from ask_json(Request("GET", "/v1/registry"))
        return cast("dict[str, Json]", member(answer, "registry", dict))

    def organization(self, did: str) -> Flow[dict[str, Json]]:
        """The record of an organization, as the server asserts it. Raises NotFound."""
        answer = yield from ask_json(Request("GET", f"/v1/organizations/{quote(did, safe=':')}"))
        return cast("dict[str, Json]", member(answer, "organization", dict))

    def grant(self, grant: str) -> Flow[dict[str, Json]]:
        """The record of a grant by its operation hash, as the server asserts it."""
        answer = yield from ask_json(Request("GET", f"/v1/grants/{quote(grant)}"))
        return cast("dict[str, Json]", member(answer, "grant", dict))

    def page(self, kind: str, query: Mapping[str, str]) -> Flow[dict[str, Json]]:
        """One page of `devices`, `organizations` or `grants`; its `cursor` leads to the next."""
        return (yield from ask_json(Request("GET", f"/v1/{kind}", query)))

    def fetch(self, path: str) -> Flow[bytes]:
        """The bytes at an address of the log, such as a tile. Raises NotFound."""
        return (yield from ask_bytes(Request("GET", path)))


def _check_asked(verified: VerifiedAnswer, asked: Question, key: Key | None) -> str:
    """What rests on the registry's word alone, of an answer that is about what was asked for."""
    if asked.disclosure is not None:
        opened = open_disclosure(asked.disclosure)
        number: Any = verified.device["number"]
        kept = [number] if opened.name == NUMBER else shown_codes(verified.device)
        shown = [one for one in kept if one != "none" and one.get("commitment") == opened.digest]
        if not shown:
            raise InvalidAnswer("the device does not commit to what was disclosed")
        if key is not None and shown[0].get("unique") != key[2]:
            raise InvalidAnswer("the record has another keyed hash than what was disclosed")
    elif key is None and asked.read_as is not None:
        if asked.read_as.scheme not in [one.get("scheme") for one in shown_codes(verified.device)]:
            raise InvalidAnswer("the device bears a code of another scheme")
        return "the code is committed to: that this device bears it is the registry's word"
    return ""


def _unsigned(verified: VerifiedAnswer) -> str:
    """What is not proved of an answer that shows no operations."""
    if verified.signers:
        return ""
    return "the device's operations are not shown: that its parties signed is the registry's word"


def _ended(found: Resolved, gone: TetradError | None, *, tombstones: bool) -> Resolved:
    """The answer, or the error that carries it about a device of which only a tombstone is left."""
    if gone is not None and found.status not in FINAL:
        raise InvalidAnswer("what is said to be gone is not", pointer="/device/status")
    if isinstance(gone, Gone) and not tombstones:
        raise gone
    return found


def _check_time(answer: Mapping[str, Json], device: Device, at: str | None) -> None:
    """Whether an answer speaks of the time that was asked about.

    Times of this one form sort as text. The verifier has seen to it that nothing was left out.
    """
    if answer.get("asOf") != at:
        raise InvalidAnswer("the answer is about another time", pointer="/asOf")
    if at is not None and device["updated"]["time"] > at:
        raise InvalidAnswer("the answer tells of what came later", pointer="/device/updated")


def _note_of_receipt(receipt: bytes) -> bytes:
    return TlogProof.parse(receipt).checkpoint
