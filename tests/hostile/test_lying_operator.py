"""An operator with all keys of the log, and nobody else's, forges whole trees: what is signed by
the parties must be signed by them all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from identity.did import did_key_method, tetrad_method
from identity.disclosure import SERIAL
from identity.errors import (
    EvidenceRefused,
    ForgedProof,
    InvalidAnswer,
    InvalidCheckpoint,
    InvalidReceipt,
    TetradError,
)
from identity.jcs import canonicalize
from identity.keys import PrivateKey
from identity.members import parse_time
from identity.operation import operation_hash
from registry.checkpoint import Checkpoint, open_checkpoint
from registry.entry import entry_context, join_entry, state_root_entry
from registry.keyupdates import KeyUpdates
from registry.map_proof import bucket_hash, value_hash
from registry.merkle import Frontier, leaf_hash
from registry.note import Note, encode64, sign_note
from registry.receipt import TlogProof
from registry.state import state_key
from registry.witness import AddCheckpoint, open_request
from resolver.bundle import bundle_bytes
from resolver.cli.checking import Wanted, check
from resolver.client.flow import Response, problem_error
from resolver.client.reading import Reading, _unsigned
from resolver.replaying import replay, shown_entries
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer, verify_answer, verify_receipt
from tests.factory import (
    NOW,
    ORIGIN,
    City,
    Maker,
    Operation,
    Subject,
    disclosed,
    key,
    log_pair,
    log_vkeys,
)
from tests.resolver.answering import Answering, pinned

MAKER = Maker()
ACME = MAKER.new_organization("Acme")
EVIL = MAKER.new_organization("Evil")
"""The operator's own."""
METER = MAKER.new_device("M-1", ACME)
TIME = "2026-11-22T08:00:00Z"
ZEROS = "00" * 32


def first(subject: Subject) -> Operation:
    assert subject.first is not None
    return subject.first.operation


def signed_tree(*leaves: bytes) -> bytes:
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    text = Checkpoint(ORIGIN, len(leaves), tree.root()).format()
    return sign_note(text, log_pair(0), NOW)


def shown(*operations: Operation) -> VerifiedAnswer:
    """What a client makes of a device with these operations, in a state that was made to fit."""
    entries: list[dict[str, Any]] = []
    for index, operation in enumerate(operations):
        entry = {"index": index, "time": TIME, "previous": ZEROS, "operation": operation}
        if operation["type"] == "device.register":
            entry["unique"] = {SERIAL: "A" * 43}
        entries.append(entry)
    device = replay(shown_entries(entries), pinned(MAKER))
    item = state_key(("did", device["did"])) + value_hash(canonicalize(dict(device)))
    before = leaf_hash(b"")
    root = state_root_entry(1, TIME, before.hex(), bucket_hash(item))
    proof = {
        "checkpoint": signed_tree(before, leaf_hash(root)).decode(),
        "state": {"entry": orjson.loads(root), "hashes": [encode64(before)]},
        "records": [{"key": ["did", device["did"]], "bucket": "", "path": ""}],
        "entries": entries,
        "signers": [first(ACME), first(EVIL)],
    }
    return verify_answer({"device": dict(device), "proof": proof}, pinned(MAKER))


def as_acme(signer: PrivateKey = EVIL.key) -> tuple[PrivateKey, str]:
    """Another's key under Acme's name."""
    return signer, tetrad_method(ACME.did, signer.public.thumbprint)


def registered(*methods: tuple[PrivateKey, str]) -> Operation:
    device = Subject("M-2")
    body = MAKER.device_body(device, ACME, serial=disclosed(SERIAL, "SN"), number=None)
    return MAKER.operation("device.register", body, *methods)


def followed(type_: str, body: Any, *methods: tuple[PrivateKey, str], previous: str = "") -> Any:
    return MAKER.operation(
        type_,
        body,
        *methods,
        subject=METER.did,
        sequence=2 if previous else 1,
        previous=previous or METER.previous,
    )


def taken_over() -> Sequence[Operation]:
    """The keys of a rotation, once it has been sent in, with a successor of the operator's."""
    stolen = key("operator's")
    new = METER.next_key.public
    body = {"keys": [new.multikey], "next": [stolen.public.thumbprint]}
    one = followed("keys.rotate", body, EVIL.method)
    body = {"keys": [stolen.public.multikey], "next": [key("further").public.thumbprint]}
    method = stolen, tetrad_method(METER.did, stolen.public.thumbprint)
    return first(METER), one, followed("keys.rotate", body, method, previous=operation_hash(one))


OWN = (key("M-2/0"), did_key_method(key("M-2/0").public.multikey))
STRANGER = (key("stranger"), did_key_method(key("stranger").public.multikey))
REASON = {"reason": "why"}
FORGERIES: dict[str, Sequence[Operation]] = {
    "another's key under the controller's name": [registered(OWN, as_acme(), EVIL.method)],
    "a device whose key has not signed": [registered(ACME.method)],
    "a device whose controller has not signed": [registered(OWN, EVIL.method)],
    "a proof twice": [registered(OWN, ACME.method, ACME.method)],
    "keys that have not signed their rotation": taken_over(),
    "retired by another": [first(METER), followed("status.retire", REASON, EVIL.method)],
    "retired by nobody": [first(METER), followed("status.retire", REASON, STRANGER)],
    "updated by another": [first(METER), followed("device.update", {"data": "none"}, EVIL.method)],
    "rebound without the device": [
        first(METER),
        followed("number.rebind", {"number": "none"}, ACME.method),
    ],
    "suspended in another's name": [
        first(METER),
        MAKER.operation("status.suspend", REASON, as_acme(), EVIL.method, subject=METER.did),
    ],
    "suspended by two": [
        first(METER),
        MAKER.operation("status.suspend", REASON, ACME.method, EVIL.method, subject=METER.did),
    ],
    "revoked by nobody": [
        first(METER),
        MAKER.operation("status.revoke", REASON, STRANGER, subject=METER.did),
    ],
}


def test_the_forger_makes_answers_that_would_verify() -> None:
    assert shown(first(METER)).signers == (METER.did, ACME.did)
    assert shown(first(METER), followed("status.retire", REASON, ACME.method)).status == "retired"


@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_key_of_the_log_signs_for_a_party(forgery: str) -> None:
    with pytest.raises(InvalidAnswer, match=r"sign|bears one proof"):
        shown(*FORGERIES[forgery])


def test_a_receipt_is_of_the_entry_and_of_nothing_within_it() -> None:
    """An entry that wraps the operation hashes right; only an audit would look at it again."""
    operation = canonicalize(first(METER))
    before = leaf_hash(b"")
    honest = entry_context(1, TIME, before.hex(), {})
    wrapped = b'{"index":1,"operation":{"index":0,"previous":""},' + honest.partition(b",")[2]
    for context in (honest, wrapped):
        leaf = leaf_hash(join_entry(context, operation))
        receipt = TlogProof(1, (before,), context, signed_tree(before, leaf)).format()
        if context is honest:
            assert verify_receipt(receipt, first(METER), pinned(MAKER)).index == 1
        else:
            with pytest.raises(InvalidReceipt, match="not that of this operation"):
                verify_receipt(receipt, first(METER), pinned(MAKER))


@pytest.mark.parametrize("code", ["evidence", "evidence.fork", "evidence.tampered"])
def test_a_servers_word_is_no_evidence_and_names_no_file(code: str) -> None:
    """A monitor raises an alarm at EvidenceRefused, and writes its member `evidence` to a file that
    is named after its kind: neither may come from a server, or from whoever sits on the wire."""
    problem: dict[str, Any] = {
        "code": code,
        "detail": "two trees",
        "evidence": {"kind": "../../x"},
        "size": 3,
    }
    error = problem_error(problem)
    assert isinstance(error, TetradError)
    assert not isinstance(error, EvidenceRefused)
    assert error.members == {"size": 3}
    assert error.detail == "two trees"


@pytest.mark.parametrize(
    "record", [{}, {"status": 7}, {"status": "active", "code": []}, {"updated": {"entry": "9"}}]
)
def test_a_record_that_is_none_is_refused_without_its_operations(record: dict[str, Any]) -> None:
    device = {"did": METER.did, "kind": "device", **record}
    device.setdefault("updated", {"entry": 999, "time": TIME})
    device["registered"] = {"entry": 1, "time": TIME}
    item = state_key(("did", METER.did)) + value_hash(canonicalize(device))
    before = leaf_hash(b"")
    root = state_root_entry(1, TIME, before.hex(), bucket_hash(item))
    proof: dict[str, Any] = {
        "checkpoint": signed_tree(before, leaf_hash(root)).decode(),
        "state": {"entry": orjson.loads(root), "hashes": [encode64(before)]},
        "records": [{"key": ["did", METER.did], "bucket": "", "path": ""}],
    }
    with pytest.raises(InvalidAnswer, match="not that of a device"):
        verify_answer({"device": device, "proof": proof}, pinned(MAKER))


def test_the_pages_of_a_history_come_to_an_end() -> None:
    """However a server leads from one to the next."""
    flow = Reading(None, lambda: NOW).history(METER.did)
    pages = [{"changes": [{"index": n}], "before": n} for n in (9, 5, 7)]
    *good, bad = (Response(200, "application/json", orjson.dumps(page)) for page in pages)
    next(flow)
    for page in good:
        flow.send(page)
    with pytest.raises(InvalidAnswer, match="downwards"):
        flow.send(bad)


def test_who_is_shown_no_operations_is_told_so() -> None:
    verified = shown(first(METER))
    assert _unsigned(verified) == ""
    assert "registry's word" in _unsigned(replace(verified, signers=()))


def test_nobody_puts_lines_below_a_tree_that_the_log_has_signed() -> None:
    """What an ML-DSA-44 key signs is the tree; a witness would cosign the lines as the log's."""
    ed25519, quantum = log_pair(0)
    text = Checkpoint(ORIGIN, 3, bytes(32)).format()
    longer = text + "an extension\n"
    lines = Note.parse(sign_note(text, (quantum,), NOW)).signatures
    forged = Note(longer, lines).format()
    keys = (ed25519.key, quantum.key)
    with pytest.raises(InvalidCheckpoint, match="extension"):
        open_checkpoint(forged, keys)
    with pytest.raises(ForgedProof, match="extension"):
        open_request(AddCheckpoint(0, (), forged).format(), lambda _: keys)
    signed = Note(longer, (ed25519.sign(longer, NOW), *lines)).format()
    assert open_checkpoint(signed, keys).checkpoint.extensions == ("an extension",)
    assert open_request(AddCheckpoint(0, (), signed).format(), lambda _: keys).checkpoint.size == 3


def test_naming_the_ledger_forgets_nothing_that_is_pinned() -> None:
    """A bundle by a key that was replaced, shown to who knows of that: `tetrad verify --ledger`."""
    city = City()
    acme, meter = city.fill(1)
    before = Trust.begin(city.genesis.operation)
    city.accept(city.update_registry(log=log_vkeys(1)))
    (update,) = KeyUpdates(city.store, city.reader).every()
    city.accept(city.follow(meter, "device.update", {"data": "none"}, by=[acme]))
    answering = Answering(city)  # which signs by the keys of the genesis
    answering.publish()
    answer = answering.answer(answering.resolver.did(meter.did))
    item = orjson.loads(bundle_bytes(before, ("did", meter.did), answer))
    informed = before.extend(update)
    wanted = Wanted(before.ledger, None, None)

    def home(*, knows: bool) -> Any:
        return SimpleNamespace(
            home=SimpleNamespace(knows=lambda _: knows, trust_in=lambda _: informed),
            now=parse_time(answer["proof"]["state"]["entry"]["time"]),
        )

    assert check(home(knows=False), item, wanted).value["did"] == meter.did
    with pytest.raises(InvalidCheckpoint, match="not in force"):
        check(home(knows=True), item, wanted)
