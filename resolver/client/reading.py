"""What a client asks of a registry, and how it holds every answer against its evidence.

Each method is a flow (resolver/client/flow.py). An answer is returned once it is proved: under a
checkpoint by the pinned log, which extends the newest one that was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import cast
from urllib.parse import quote

from identity.did import parse_tetrad_did
from identity.disclosure import NUMBER, open_disclosure
from identity.errors import (
    Gone,
    InvalidAnswer,
    MalformedCode,
    MalformedInput,
    TetradError,
)
from identity.jcs import Json, canonicalize
from identity.operation import operation_hash
from registry.merkle import consistency_proof
from registry.note import decode64
from registry.receipt import TlogProof
from registry.state import Device
from resolver.client.flow import (
    Flow,
    Request,
    ask,
    ask_bytes,
    ask_json,
    json_object,
    member,
    refusal,
)
from resolver.client.tiles import VerifiedTiles, fetch_genesis
from resolver.schemes import SCHEMES, Code
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer, VerifiedReceipt, verify_answer, verify_receipt


@dataclass(frozen=True, slots=True)
class Resolved:
    """A verified answer about a device."""

    read_as: Code | None
    """The code that was asked for, in canonical form; None where a DID or disclosure was."""
    answer: dict[str, Json]
    """The answer as the server gave it, its proof included."""
    verified: VerifiedAnswer
    asserted: str
    """What rests on the registry's word alone; empty where everything is proved."""

    @property
    def did(self) -> str:
        """The device's DID."""
        return self.verified.did

    @property
    def status(self) -> str:
        """active, suspended, revoked or retired."""
        return self.verified.status

    @property
    def device(self) -> Device:
        """The device's record."""
        return self.verified.device

    @property
    def maker(self) -> str:
        """The DID of the maker."""
        return cast("str", self.device["object"]["maker"])

    @property
    def maker_name(self) -> str:
        """The name under which the maker was registered, where the evidence shows it; else ''."""
        proof = cast("dict[str, list[dict[str, dict[str, dict[str, Json]]]]]", self.answer["proof"])
        for item in proof["entries"]:
            operation = item["entry"]["operation"]
            if operation["type"] == "organization.register" and self.maker.endswith(
                ":" + operation_hash(operation)
            ):
                return cast("str", cast("dict[str, Json]", operation["body"])["name"])
        return ""


class Reading:
    """The reading half of a client: flows that ask and verify."""

    def __init__(
        self, trust: Trust | None, on_trust: Callable[[Trust], None] | None = None
    ) -> None:
        self._trust = trust
        self._on_trust = on_trust

    @property
    def trust(self) -> Trust:
        """The pinned ledger, with the newest checkpoint seen. Raises MalformedInput before."""
        if self._trust is None:
            raise MalformedInput(
                "this client trusts no ledger yet", hint="pin its genesis first: tetrad trust URL"
            )
        return self._trust

    def set_trust(self, trust: Trust) -> None:
        """Pins a ledger, or keeps a newer checkpoint of it."""
        if trust is not self._trust:
            self._trust = trust
            if self._on_trust is not None:
                self._on_trust(trust)

    def describe(self) -> Flow[dict[str, Json]]:
        """What the service says of itself (/.well-known/tetrad); nothing of it is trusted."""
        return (yield from ask_json(Request("GET", "/.well-known/tetrad")))

    def introduce(self) -> Flow[Trust]:
        """The ledger that the service shows, checked but not pinned: whoever calls compares its
        `ledger` with what they were told, then calls `set_trust`. A folder of static files
        describes nothing: there the first entry is the genesis. Raises InvalidAnswer."""
        response = yield from ask(Request("GET", "/.well-known/tetrad"))
        if response.status == 404:
            return Trust.begin((yield from fetch_genesis()))
        if response.status != 200:
            raise refusal(response)
        try:
            return Trust.begin(json_object(response.body).get("genesis"))
        except TetradError as error:
            error.pointer = f"/genesis{error.pointer}"
            raise

    def checkpoint(self) -> Flow[bytes]:
        """The published checkpoint, held against everything that was seen before.

        Raises InvalidCheckpoint, RolledBack, ForkDetected.
        """
        note = yield from ask_bytes(Request("GET", "/checkpoint"))
        yield from self.observe(note)
        return note

    def observe(self, note: bytes) -> Flow[None]:
        """Holds a checkpoint against the newest one seen, with a proof from the server if needed.

        Raises InvalidCheckpoint, RolledBack, ForkDetected.
        """
        while True:
            needed, proof = self.trust.consistency_needed(note), None
            if needed is None:
                break
            proof = yield from self._consistency(note, *needed)
            # Another flow of this client may have seen more in the meantime.
            if self.trust.consistency_needed(note) == needed:
                break
        self.set_trust(self.trust.observe(note, proof))

    def _consistency(self, note: bytes, size1: int, size2: int) -> Flow[list[bytes] | None]:
        """The hashes of a consistency proof; None where the server has no such tree.

        Of static files it is made out of the tiles, which hash to the root of the note.
        """
        query = {"from": str(size1), "to": str(size2)}
        response = yield from ask(Request("GET", "/v1/ledger/proofs/consistency", query))
        if response.status == 404:
            offered = self.trust.open(note).checkpoint
            if offered.size != size2:
                return None
            tiles = VerifiedTiles(offered)
            return (yield from tiles.compute(partial(consistency_proof, size1, size2)))
        if response.status != 200:
            raise refusal(response)
        hashes = member(json_object(response.body), "hashes", list)
        try:
            return [decode64(text) for text in hashes]
        except (ValueError, TypeError, AttributeError):
            raise InvalidAnswer("the hashes of a proof are base64", pointer="/hashes") from None

    def resolve(
        self,
        code: str | None = None,
        *,
        scheme: str | None = None,
        disclosure: str | None = None,
        at: str | None = None,
        tombstones: bool = False,
    ) -> Flow[Resolved]:
        """The device behind a code in any form, a DID, or a disclosed number, proved.

        `disclosure` needs its `scheme`. `at` is an RFC 3339 time. Raises InvalidIdentifier,
        NotFound, EvidenceRefused; for a revoked or retired device Gone, whose member `answer` is
        proved as well, unless `tombstones` are wanted.
        """
        read_as = None
        if disclosure is not None:
            request = _disclosed(disclosure, scheme, at)
        elif code is not None and code.startswith("did:"):
            parse_tetrad_did(code)
            request = Request("GET", f"/v1/devices/{code}", _query(at=at, proof="1"))
        else:
            read_as = SCHEMES.read(code or "", scheme)
            request = _coded(read_as, at)
        response = yield from ask(request)
        gone = None
        if response.status == 410:
            gone = refusal(response)
            answer = member(gone.members, "answer", dict)
        elif response.status == 200:
            answer = json_object(response.body)
        else:
            raise refusal(response)
        did = code if code and code.startswith("did:") else None
        resolved = self._verified(answer, read_as, did, disclosure)
        _check_time(answer, resolved.device, at)
        yield from self.observe(_note_of(answer))
        if isinstance(gone, Gone) and not tombstones:
            raise gone
        return resolved

    def _verified(
        self,
        answer: dict[str, Json],
        read_as: Code | None,
        did: str | None,
        disclosure: str | None,
    ) -> Resolved:
        verified = verify_answer(
            answer,
            self.trust.pinned,
            code=(read_as.scheme, read_as.value) if read_as else None,
            did=did,
        )
        asserted = ""
        if disclosure is not None:
            _check_commitment(verified, disclosure)
        elif "commitment" in verified.device["code"] and read_as is not None:
            if read_as.scheme != verified.device["code"]["scheme"]:
                raise InvalidAnswer("the device bears a code of another scheme")
            asserted = "the code is committed to: that this device bears it is the registry's word"
        return Resolved(read_as, answer, verified, asserted)

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
            page = yield from ask_json(Request("GET", path, _query(before=before)))
            found = member(page, "changes", list)
            changes += found
            following = page.get("before")
            if not found or following is None or str(following) == before:
                return changes
            before = str(following)

    def receipt(self, did: str, operation: Mapping[str, Json]) -> Flow[tuple[VerifiedReceipt, str]]:
        """The receipt of a device's registration under the newest checkpoint, proved for the
        operation that the caller holds, and its text."""
        path = f"/v1/devices/{quote(did, safe=':')}/receipt"
        receipt = yield from ask_bytes(Request("GET", path))
        verified = verify_receipt(receipt, operation, self.trust.pinned)
        yield from self.observe(_note_of_receipt(receipt))
        return verified, receipt.decode("utf-8", "replace")

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


def _query(**members: str | None) -> dict[str, str]:
    return {name: value for name, value in members.items() if value is not None}


def _coded(code: Code, at: str | None) -> Request:
    if SCHEMES.is_number(code.scheme):
        raise MalformedCode(
            f"{code.scheme} is a scheme of numbers",
            hint="a number is resolved with the disclosure that came with it",
        )
    if SCHEMES.is_committed(code.scheme):
        return _question({"code": code.value, "scheme": code.scheme}, at)
    query = _query(code=code.value, scheme=code.scheme, at=at, proof="1")
    return Request("GET", "/v1/resolve", query)


def _disclosed(disclosure: str, scheme: str | None, at: str | None) -> Request:
    open_disclosure(disclosure)
    if scheme is None:
        raise MalformedInput("name the scheme of what is disclosed", pointer="/scheme")
    asked: dict[str, Json] = {"disclosure": disclosure, "scheme": scheme}
    return _question(asked, at)


def _question(asked: dict[str, Json], at: str | None) -> Request:
    """Asked in the body, since it does not belong in a URL."""
    body = canonicalize({**asked, **_query(at=at), "proof": True})
    return Request("POST", "/v1/resolve", body=body)


def _check_commitment(verified: VerifiedAnswer, disclosure: str) -> None:
    opened = open_disclosure(disclosure)
    shown = verified.device["number"] if opened.name == NUMBER else verified.device["code"]
    if not isinstance(shown, dict) or shown.get("commitment") != opened.digest:
        raise InvalidAnswer("the device does not commit to what was disclosed")


def _check_time(answer: Mapping[str, Json], device: Device, at: str | None) -> None:
    """Whether an answer speaks of the time that was asked about.

    Times of this one form sort as text. That nothing between the last entry shown and that time was
    withheld is the registry's word, as it is without a time.
    """
    if answer.get("asOf") != at:
        raise InvalidAnswer("the answer is about another time", pointer="/asOf")
    if at is not None and device["updated"]["time"] > at:
        raise InvalidAnswer("the answer tells of what came later", pointer="/device/updated")


def _note_of(answer: Mapping[str, Json]) -> bytes:
    return cast("str", cast("dict[str, Json]", answer["proof"])["checkpoint"]).encode()


def _note_of_receipt(receipt: bytes) -> bytes:
    return TlogProof.parse(receipt).checkpoint
