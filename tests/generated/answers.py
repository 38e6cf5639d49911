"""specs/vectors/resolution: answers, absences and bundles, that hold and that do not.

One ledger in which devices live their lives, closed by a root of its state, and another whose log
keys were replaced. Checkpoints are signed by the log's Ed25519 key alone, which signs the same
bytes alike at every making.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from identity.disclosure import NUMBER
from identity.members import format_time
from registry.keyupdates import KeyUpdates
from registry.merkle import inclusion_proof
from registry.note import Signer, decode64, encode64
from registry.reader import LedgerReader
from registry.state import Key, state_key
from registry.tile import subtree_reader
from resolver.bundle import bundle_bytes
from resolver.evidence import MAX_SHOWN, Evidence
from resolver.resolution import Asked, Resolver, answer_bytes
from resolver.schemes import SCHEMES
from resolver.trust import Trust
from tests.factory import LOG, UNIQUE, City, Signed, Subject, disclosed, log_pair, log_vkeys
from tests.generated import file
from tests.generated.evidence import STRANGER
from tests.generated.logkeys import note

Value = dict[str, Any]
FREED, ACTIVE, UNKNOWN = "1440000000001", "1440000000000", "1440000009999"
"""Numbers: of a device that gave it up, of one that has it, of nobody."""


class Shown(NamedTuple):
    """A ledger that is closed, and what is asked of it."""

    city: City
    resolver: Resolver
    evidence: Evidence
    size: int
    devices: list[Subject]
    times: list[str]
    """When the first device was suspended, and when the last had changed too often to show."""

    def answer(self, asked: Asked, at: str | None = None, *, by: Signer = LOG) -> Value:
        """The answer with its evidence, under a checkpoint of the whole tree."""
        found = self.resolver.find(asked, at=at, within=self.size)
        checkpoint = note(self.city, self.size, by).encode()
        answer: Value = orjson.loads(
            answer_bytes(found, self.evidence.of(found, self.size, checkpoint))
        )
        return answer

    def absence(self, key: Key) -> Value:
        """The proof that there is no device under a key."""
        checkpoint = note(self.city, self.size, LOG).encode()
        made = self.evidence.of_absence(Asked(key), self.size, checkpoint)
        assert made is not None
        proof: Value = orjson.loads(made)
        return proof

    def code(self, device: Subject) -> Key:
        """The key of its code."""
        return "code", "gs1", f"https://id.gs1.org/01/09506000134352/21/{device.name}"


def closed(city: City, devices: list[Subject], times: list[str]) -> Shown:
    """A city after a root of its state, from which proofs are made."""
    city.now += 60
    size = city.ledger.close(city.now)
    city.ledger.state_map.publish()
    reader = LedgerReader(city.store)
    resolver = Resolver(city.store, reader, SCHEMES, UNIQUE)
    evidence = Evidence(city.store, reader, city.ledger.state_map)
    return Shown(city, resolver, evidence, size, devices, times)


def lives() -> Shown:
    """A meter that is active after much, one that is retired, one that changes all the time."""
    city = City()
    acme, meter, retired, restless = city.fill(3)

    def happens(signed: Signed) -> None:
        city.now += 60
        city.accept(signed)

    number: Value = {"number": "none"}
    happens(city.rotate(acme))
    happens(city.supervise(meter, "status.suspend", "reported stolen", city.authority))
    suspended = format_time(city.now)
    happens(city.supervise(meter, "status.resume", "found again", city.authority))
    happens(city.rotate(meter))
    happens(city.follow(meter, "device.update", {"parent": retired.did}, by=[acme]))
    happens(city.follow(retired, "number.rebind", number, by=[acme, retired]))
    happens(city.follow(retired, "status.retire", {"reason": "worn out"}, by=[acme]))
    for n in range(MAX_SHOWN):
        body = {"sector": {"domain": "consumption", "field": "home" if n % 2 else "shop"}}
        happens(city.follow(restless, "device.update", body, by=[acme]))
    return closed(city, [meter, retired, restless], [suspended, format_time(city.now)])


def number_key(value: str) -> Key:
    """Where a number stands in the state."""
    return "number", "msisdn-cn-iot", UNIQUE("number", "msisdn-cn-iot", value)


def _change(value: Value, make: Callable[[Value], object]) -> Value:
    changed = copy.deepcopy(value)
    make(changed)
    return changed


def _vector(name: str, key: Key | None, answer: Value, error: str | None = None) -> Value:
    made: Value = {"name": name, "key": None if key is None else list(key), "answer": answer}
    return made if error is None else {**made, "error": error}


def _holding(shown: Shown) -> list[Value]:
    meter, retired, restless = shown.devices
    resolver, at = shown.resolver, shown.times[0]
    called = disclosed(NUMBER, ACTIVE)
    number = resolver.disclosure("msisdn-cn-iot", called.encoded)
    by_code, by_did = (resolver.code(shown.code(meter)[2], "gs1"), resolver.did(meter.did))
    tombstone = shown.answer(resolver.code(shown.code(retired)[2], "gs1"))
    many = shown.answer(resolver.did(restless.did))
    assert "entries" not in many["proof"]
    return [
        _vector("by code", shown.code(meter), shown.answer(by_code)),
        _vector("by DID", ("did", meter.did), shown.answer(by_did)),
        _vector("by number", number_key(ACTIVE), shown.answer(number)),
        _vector("the key is not known", None, shown.answer(number)),
        _vector("as of a time", shown.code(meter), shown.answer(by_code, at)),
        _vector("a number, as of a time", None, shown.answer(number, at)),
        _vector("a tombstone", shown.code(retired), tombstone),
        _vector("changed 257 times", ("did", restless.did), many),
    ]


def _past(shown: Shown) -> list[Value]:
    """Answers about the past that are wrong."""
    meter, _, restless = shown.devices
    at = shown.times[0]
    key = shown.code(meter)
    past = shown.answer(shown.resolver.code(key[2], "gs1"), at)
    (own,) = (one["record"] for one in past["proof"]["records"] if one["key"][0] == "did")
    refused = "evidence.answer"
    return [
        _vector("the past is the present", key, _change(past, lambda one: one.update(device=own)),
                refused),
        _vector("the past of another time", key,
                _change(past, lambda one: one.update(asOf="2026-11-22T08:00:00Z")), refused),
        _vector("the past without what happened", key,
                _change(past, lambda one: one["proof"].pop("entries")), refused),
        _vector("the past without what came later", key,
                _change(past, lambda one: one["proof"]["entries"].pop()), refused),
        _vector("the past of what changed 257 times", ("did", restless.did),
                shown.answer(shown.resolver.did(restless.did), shown.times[1]), refused),
    ]  # fmt: skip


def _stale(shown: Shown, answer: Value) -> Value:
    """The answer under a checkpoint of one entry less, which ends in an operation."""
    size = shown.size - 1
    hashes = inclusion_proof(size - 1, size, subtree_reader(shown.city.store.tile))
    entry = orjson.loads(shown.city.reader.entry(size - 1))
    state = {"entry": entry, "hashes": [encode64(one) for one in hashes]}
    proof = {**answer["proof"], "checkpoint": note(shown.city, size, LOG), "state": state}
    return {**answer, "proof": proof}


def _older(shown: Shown, meter: Subject, answer: Value) -> Value:
    """The answer with the record before the last, and the entries that made that one."""
    before, _ = shown.city.store.versions(state_key(("did", meter.did)), limit=2)[::-1]
    changed = copy.deepcopy(answer)
    changed["device"] = orjson.loads(before.record)
    changed["proof"]["entries"].pop()
    return changed


def _refused(shown: Shown) -> list[Value]:
    """The answer by code, with one thing wrong."""
    meter, retired, _ = shown.devices
    key = shown.code(meter)
    answer = shown.answer(shown.resolver.code(key[2], "gs1"))
    another = shown.answer(shown.resolver.code(shown.code(retired)[2], "gs1"))
    entries = answer["proof"]["entries"]
    names = [one["operation"]["type"] for one in entries]

    def wrong(name: str, code: str, make: Callable[[Value], object]) -> Value:
        return _vector(name, key, _change(answer, make), code)

    def proof(make: Callable[[Value], object]) -> Callable[[Value], object]:
        return lambda one: make(one["proof"])

    def without(type_: str) -> Callable[[Value], object]:
        return proof(lambda one: one["entries"].pop(names.index(type_)))

    def forge(one: Value) -> None:
        signed = one["entries"][-1]["operation"]["proof"][0]
        signed["proofValue"] = entries[0]["operation"]["proof"][0]["proofValue"]

    foreign = note(shown.city, shown.size, STRANGER)
    told, inclusion, state = "evidence.answer", "evidence.answer", "evidence.state"
    return [
        wrong("no proof", told, lambda one: one.pop("proof")),
        wrong("signed by a stranger", "evidence.checkpoint",
              proof(lambda one: one.update(checkpoint=foreign))),
        _vector("a tree that ends in an operation", key, _stale(shown, answer), told),
        wrong("another root of the state", inclusion,
              proof(lambda one: one["state"]["entry"].update(state_root="00" * 32))),
        wrong("an inclusion cut short", inclusion,
              proof(lambda one: one["state"]["hashes"].pop())),
        wrong("another status", state, lambda one: one["device"].update(status="suspended")),
        wrong("true for 1", state, lambda one: one["device"].update(sequence=True)),
        _vector("an older record", key, _older(shown, meter, answer), state),
        wrong("no record of the code", told, proof(lambda one: one["records"].pop(0))),
        wrong("a code of another device", state,
              proof(lambda one: one["records"][0]["record"].update(did=retired.did))),
        _vector("the answer about another code", key, another, told),
        _vector("the answer about another DID", ("did", retired.did),
                shown.answer(shown.resolver.did(meter.did)), told),
        wrong("an operation of the controller left out", told, without("device.update")),
        wrong("an operation of a supervisor left out", told, without("status.suspend")),
        wrong("the registration left out", told, without("device.register")),
        wrong("entries in another order", told, proof(lambda one: one["entries"].reverse())),
        wrong("a signature of another operation", "proof.invalid", proof(forge)),
        wrong("the keys of a signer are not shown", told,
              proof(lambda one: one["signers"].pop())),
        wrong("no signers", told, proof(lambda one: one.pop("signers"))),
    ]  # fmt: skip


def _absences(shown: Shown) -> list[Value]:
    meter = shown.devices[0]
    code: Key = ("code", "gs1", "https://id.gs1.org/01/09506000134352/21/NOBODY")
    there = shown.answer(shown.resolver.code(shown.code(meter)[2], "gs1"))["proof"]
    called = disclosed(NUMBER, ACTIVE)
    active = shown.answer(shown.resolver.disclosure("msisdn-cn-iot", called.encoded))["proof"]
    (own,) = shown.city.store.records([state_key(("did", meter.did))])
    device = copy.deepcopy(there)
    next(one for one in device["records"] if one["key"][0] == "did")["record"] = orjson.loads(
        own or b"{}"
    )
    nobody: Key = ("did", f"{meter.did[:-1]}{'x' if meter.did[-1] != 'x' else 'y'}")
    authority: Key = ("did", shown.city.authority.did)
    absent, freed = shown.absence(code), shown.absence(number_key(FREED))
    state, told = "evidence.state", "evidence.answer"

    def one(name: str, key: Key, proof: Value | None, error: str | None = None) -> Value:
        made: Value = {"name": name, "key": list(key), "proof": proof}
        return made if error is None else {**made, "error": error}

    return [
        one("a code of nobody's", code, absent),
        one("a number of nobody's", number_key(UNKNOWN), shown.absence(number_key(UNKNOWN))),
        one("a number that is free again", number_key(FREED), freed),
        one("a DID of nobody's", nobody, shown.absence(nobody)),
        one("a DID that is not of a device", authority, shown.absence(authority)),
        one("no proof", code, None, told),
        one("a DID of a device", ("did", meter.did), device, told),
        one("a code that a device bears", shown.code(meter), there, state),
        one("a number that is active", number_key(ACTIVE), active, told),
        one("the absence of another code", shown.code(meter), absent, told),
        one("the absence of another code, renamed", shown.code(meter),
            _change(absent, lambda p: p["records"][0].update(key=list(shown.code(meter)))), state),
        one("a free number without its record", number_key(FREED),
            _change(freed, lambda p: p["records"][0].pop("record")), state),
        one("a number that is said to be free", number_key(ACTIVE),
            _change(active, lambda p: p["records"][0]["record"].pop("did")), state),
        one("a sibling left out", code,
            _change(absent, lambda p: p["records"][0].update(
                path=encode64(decode64(p["records"][0]["path"])[32:]))), state),
    ]  # fmt: skip


def rotated() -> Shown:
    """A device of a log whose key was replaced before it was registered."""
    city = City()
    city.now += 60
    city.accept(city.update_registry(log=log_vkeys(1)[:1]))
    _, meter = city.fill(1)
    return closed(city, [meter], [])


def _bundles(shown: Shown) -> list[Value]:
    other = rotated()
    trust = Trust.begin(shown.city.genesis.operation)
    key = shown.code(shown.devices[0])
    answer = shown.answer(shown.resolver.code(key[2], "gs1"))
    bundle: Value = orjson.loads(bundle_bytes(trust, key, answer))
    second = Trust.begin(other.city.genesis.operation)
    for item in KeyUpdates(other.city.store, other.city.reader).after(0):
        second = second.extend(item)
    (device,) = other.devices
    signer, _ = log_pair(1)
    later: Value = orjson.loads(
        bundle_bytes(
            second,
            other.code(device),
            other.answer(other.resolver.code(other.code(device)[2], "gs1"), by=signer),
        )
    )
    told, schema = "evidence.answer", "input.schema"

    def one(name: str, value: Value, error: str | None = None, ledger: str = "") -> Value:
        made = {"name": name, "ledger": ledger or shown.city.ledger_hash, "bundle": value}
        return made if error is None else {**made, "error": error}

    rolled = other.city.ledger_hash
    return [
        one("a code", bundle),
        one("after an update of the log's keys", later, ledger=rolled),
        one("another version", {**bundle, "bundle": 2}, schema),
        one("a version that is none", {**bundle, "bundle": True}, schema),
        one("a member too many", {**bundle, "ledger": shown.city.ledger_hash}, schema),
        one("a member too few", {n: m for n, m in bundle.items() if n != "updates"}, schema),
        one("a key that is none", {**bundle, "key": ["registry"]}, schema),
        one("of another ledger", bundle, told, "zQmOther"),
        one("another key", {**bundle, "key": list(shown.code(shown.devices[1]))}, told),
        one("a genesis of another name", _change(
            bundle, lambda b: b["genesis"]["body"].update(authority="Another")), "proof.invalid"),
        one("without the update of the log's keys", {**later, "updates": []},
            "evidence.checkpoint", rolled),
    ]  # fmt: skip


def files() -> dict[str, bytes]:
    """Three files about one ledger."""
    shown = lives()
    genesis = shown.city.genesis.operation
    made = {
        "answers": {
            "description": "Answers with their evidence, checked against the pinned `genesis` for"
            " the `key` of the state that was asked for; null where it is not known.",
            "genesis": genesis,
            "vectors": [*_holding(shown), *_refused(shown), *_past(shown)],
        },
        "absences": {
            "description": "Proofs that there is no device under a `key` of the state.",
            "genesis": genesis,
            "vectors": _absences(shown),
        },
        "bundles": {
            "description": "Bundles, checked by who was told the hash of the genesis (`ledger`).",
            "vectors": _bundles(shown),
        },
    }
    return {f"vectors/resolution/{name}.json": file(value) for name, value in made.items()}
