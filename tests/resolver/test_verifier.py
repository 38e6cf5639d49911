"""The verifier of answers: an honest one passes, and every lie that we could think of does not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.disclosure import NUMBER
from identity.errors import EvidenceRefused, InvalidAnswer, InvalidProof, TetradError
from registry.note import SignatureType, Signer, encode64, sign_note
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer, verify_answer
from tests.factory import LOG, NOW, ORIGIN, QUANTUM, City, Signed, Subject, disclosed
from tests.resolver.answering import Answer, Answering, pinned

BASE = "https://id.gs1.org/01/09506000134352/21/"
CODE = ("code", "gs1", BASE + "M-000000")
OTHER_CODE = ("code", "gs1", BASE + "M-000001")


def answer_about(city: City, device: Subject) -> Answer:
    answering = Answering(city)
    answering.publish()
    return answering.answer(answering.resolver.did(device.did))


class Busy(City):
    """A device with a life, whose controller has rotated its keys in between; published half-way,
    when it was suspended, and at the end."""

    def __init__(self) -> None:
        super().__init__()
        acme, meter, other = self.fill(2)
        self.acme, self.meter = acme, meter
        self.answering = Answering(self)
        self.accept(self.rotate(acme))
        self.accept(self.supervise(meter, "status.suspend", "lost", acme))
        self.answering.publish()
        self.stale = self.ask()
        self.accept(self.supervise(meter, "status.resume", "found", self.authority))
        self.accept(self.rotate(meter))
        self.accept(self.follow(meter, "device.update", {"parent": other.did}, by=[acme]))
        self.answering.publish()

    def ask(self, code: str = CODE[2]) -> Answer:
        return self.answering.answer(self.answering.resolver.code(code))


CITY = Busy()
ACME, METER = CITY.acme, CITY.meter
STALE = CITY.stale
ANSWER = CITY.ask()
OTHER = CITY.ask(OTHER_CODE[2])
SIZE = CITY.answering.size


def test_an_honest_answer_verifies_and_says_what_it_proves() -> None:
    verified = verify_answer(ANSWER, pinned(CITY), key=CODE)
    assert verified.status == "active"
    assert verified.device == ANSWER["device"]
    assert verified.signers == (METER.did, ACME.did)
    assert verified.entry == SIZE - 2  # the last entry is the root of the state
    assert verified.checkpoint.checkpoint.size == SIZE
    ((key, time),) = verified.checkpoint.times
    assert (key, time) == (QUANTUM.key, NOW)
    assert verify_answer(ANSWER, pinned(CITY), key=("did", METER.did)) == verified
    assert verify_answer(ANSWER, pinned(CITY)) == verified


def test_an_older_answer_is_true_of_the_tree_that_it_names() -> None:
    verified = verify_answer(STALE, pinned(CITY), key=CODE)
    assert verified.status == "suspended"
    assert verified.checkpoint.checkpoint.size < SIZE


def test_keys_that_an_update_of_the_registry_established_are_shown() -> None:
    city = City(mode="permissioned")
    city.accept(city.update_registry(witnesses="quorum none\n"))
    acme = city.organization("Acme", admitted_by=city.authority)
    city.accept(city.prefix(acme, "gtin:09506000", by=city.authority))
    meter = city.device("M-1", acme)
    answer = answer_about(city, meter)
    shown = [one["type"] for one in answer["proof"]["signers"]]
    assert shown == ["registry.update", "organization.register"]
    verified = verify_answer(answer, pinned(city), key=("did", meter.did))
    assert verified.signers == (meter.did, acme.did)


@pytest.mark.parametrize("status", ["suspended", "revoked", "retired"])
def test_every_status_is_replayed(status: str) -> None:
    city = City()
    acme, meter = city.fill(1)
    endings: dict[str, Callable[[], Signed]] = {
        "suspended": lambda: city.supervise(meter, "status.suspend", "why", acme),
        "revoked": lambda: city.supervise(meter, "status.revoke", "why", acme),
        "retired": lambda: city.follow(meter, "status.retire", {"reason": "why"}, by=[acme]),
    }
    city.accept(endings[status]())
    assert verify_answer(answer_about(city, meter), pinned(city)).status == status


def test_a_number_that_was_taken_away_is_part_of_the_history() -> None:
    city = City()
    acme, meter, other = city.fill(2)
    taken = disclosed(NUMBER, "1440000000000")
    body = {"number": {"scheme": "msisdn-cn-iot", "commitment": taken.digest}}
    city.accept(city.follow(other, "number.rebind", body, by=[acme, other], disclosures=[taken]))
    verified = verify_answer(answer_about(city, meter), pinned(city))
    assert verified.device["number"] == "none"
    assert verify_answer(answer_about(city, other), pinned(city)).device["number"] != "none"


def test_a_number_is_proved_to_be_active_on_the_device() -> None:
    city = City()
    _, meter, _ = city.fill(2)
    answering = Answering(city)
    answering.publish()
    shown = disclosed(NUMBER, "1440000000000")
    asked = answering.resolver.disclosure("msisdn-cn-iot", shown.encoded)
    answer = answering.answer(asked)
    assert verify_answer(answer, pinned(city), key=asked.key).did == meter.did
    with pytest.raises(EvidenceRefused):
        verify_answer(answer, pinned(city), key=(*asked.key[:2], asked.key[2][::-1]))


def test_a_permissioned_ledger_shows_its_admitter() -> None:
    city = City(mode="permissioned")
    acme = city.organization("Acme", admitted_by=city.authority)
    city.accept(city.prefix(acme, "gtin:09506000", by=city.authority))
    meter = city.device("M-1", acme)
    assert verify_answer(answer_about(city, meter), pinned(city)).did == meter.did


def proof(answer: Answer) -> Any:
    return answer["proof"]


def first(answer: Answer) -> Any:
    return answer["proof"]["entries"][0]


def own(answer: Answer) -> Any:
    """The item of the device's own record, which follows that of the code."""
    return answer["proof"]["records"][1]


def older(answer: Answer, *members: str) -> None:
    """Puts parts of the proof of an older tree into a newer one."""
    answer["proof"].update({name: copy.deepcopy(STALE["proof"][name]) for name in members})


def earlier_root(answer: Answer) -> None:
    """The root of the state half-way, which is in the newest tree as well."""
    index = STALE["proof"]["state"]["entry"]["index"]
    hashes = [encode64(one) for one in CITY.reader.inclusion(index, SIZE)]
    answer["proof"]["state"] = {**STALE["proof"]["state"], "hashes": hashes}


def stale_record(answer: Answer) -> None:
    """Yesterday's answer under today's checkpoint and root."""
    answer["device"] = copy.deepcopy(STALE["device"])
    older(answer, "records", "entries", "signers")


def two_records(answer: Answer) -> None:
    """The true record where its place is proved, another one in the answer."""
    own(answer)["record"] = answer["device"]
    answer["device"] = {**answer["device"], "status": "suspended", "suspendedBy": [ACME.did]}


def bucket_of_another(answer: Answer) -> None:
    own(answer).update({name: own(OTHER)[name] for name in ("bucket", "path")})


def of_another_device(answer: Answer) -> None:
    """Every record, entry and path of the other device, for the code that was asked for."""
    answer.update({name: copy.deepcopy(OTHER[name]) for name in ("device", "proof")})
    answer["proof"]["records"][0]["key"] = list(CODE)


def slot_too_many(answer: Answer) -> None:
    own(answer)["bucket"] = encode64(bytes(64 * 16))


LIES: dict[str, Callable[[Answer], Any]] = {
    "another status": lambda a: a["device"].update(status="retired"),
    "another key": lambda a: a["device"].update(keys=[ACME.key.public.multikey]),
    "another controller": lambda a: a["device"].update(controller=METER.did),
    "another code": lambda a: a["device"]["code"].update(value=BASE + "0"),
    "another history": lambda a: a["device"].update(history="00" * 32),
    "another record in the answer than where it is proved": two_records,
    "no proof": lambda a: a.pop("proof"),
    "no checkpoint": lambda a: proof(a).pop("checkpoint"),
    "a larger tree": lambda a: proof(a).update(
        checkpoint=proof(a)["checkpoint"].replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n")
    ),
    "no root of the state": lambda a: proof(a).pop("state"),
    "another root of the state": lambda a: proof(a)["state"]["entry"].update(state_root="00" * 32),
    "a hash of the root's entry changed": lambda a: proof(a)["state"]["hashes"].__setitem__(
        0, encode64(bytes(32))
    ),
    "a hash too many": lambda a: proof(a)["state"]["hashes"].append(encode64(bytes(32))),
    "hashes that are none": lambda a: proof(a)["state"].update(hashes=[7]),
    "a root that is not the last entry": earlier_root,
    "the root of an older tree": lambda a: older(a, "state"),
    "the checkpoint of an older tree": lambda a: older(a, "checkpoint"),
    "a stale record under a new root": stale_record,
    "a stale path": lambda a: older(a, "records"),
    "no records": lambda a: proof(a).pop("records"),
    "records that are none": lambda a: proof(a).update(records=[]),
    "the code's record left out": lambda a: proof(a)["records"].pop(0),
    "the device's record left out": lambda a: proof(a)["records"].pop(1),
    "the record of another code": lambda a: proof(a)["records"][0].update(
        record=OTHER["proof"]["records"][0]["record"]
    ),
    "the proof of another code under this name": lambda a: proof(a)["records"].__setitem__(
        0, {**OTHER["proof"]["records"][0], "key": list(CODE)}
    ),
    "the bucket of another key": bucket_of_another,
    "a bucket of too many keys": slot_too_many,
    "a path too short": lambda a: own(a).update(path=own(a)["path"][:-4]),
    "all of another device": of_another_device,
    "no entries": lambda a: proof(a).update(entries=[]),
    "the last change withheld, its effect kept": lambda a: proof(a)["entries"].pop(),
    "a change left out of the middle": lambda a: proof(a)["entries"].pop(-2),
    "a supervisor's change left out of the middle": lambda a: proof(a)["entries"].pop(1),
    "both ends of a suspension left out": lambda a: proof(a)["entries"].__delitem__(slice(1, 3)),
    "the registration left out": lambda a: proof(a)["entries"].pop(0),
    "entries out of order": lambda a: proof(a)["entries"].reverse(),
    "an entry twice": lambda a: proof(a)["entries"].append(proof(a)["entries"][-1]),
    "an entry of another device": lambda a: proof(a)["entries"].insert(1, first(OTHER)),
    "no signers": lambda a: proof(a).pop("signers"),
    "the signer's registration left out": lambda a: proof(a)["signers"].pop(0),
    "the signer's rotation left out": lambda a: proof(a)["signers"].pop(1),
    "a forged signature on a signer's registration": lambda a: proof(a)["signers"][0]["proof"][
        0
    ].update(proofValue=proof(a)["signers"][1]["proof"][0]["proofValue"]),
    "a forged signature on the registration": lambda a: first(a)["operation"]["proof"].reverse(),
    "signers out of order": lambda a: proof(a)["signers"].reverse(),
    "another time": lambda a: first(a).update(time="2026-11-22T08:00:01Z"),
    "another index": lambda a: first(a).update(index=1),
    "an index of another type": lambda a: first(a).update(index=True),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused(lie: str) -> None:
    answer = copy.deepcopy(ANSWER)
    LIES[lie](answer)
    assert answer != ANSWER
    with pytest.raises((EvidenceRefused, InvalidProof)):
        verify_answer(answer, pinned(CITY), key=CODE)


def test_the_lies_are_told_of_operations_of_the_kinds_that_they_name() -> None:
    changes = [one["operation"]["type"] for one in ANSWER["proof"]["entries"]]
    assert changes == [
        "device.register",
        "status.suspend",
        "status.resume",
        "keys.rotate",
        "device.update",
    ]
    signers = [one["type"] for one in ANSWER["proof"]["signers"]]
    assert signers == ["organization.register", "keys.rotate"]


def test_a_rotation_is_refused_where_what_committed_to_its_keys_is_not_shown() -> None:
    """Even where every signature is by a key that is shown."""
    city = City()
    acme = city.organization("Acme")
    city.accept(city.prefix(acme, "gtin:09506000"))
    city.accept(city.rotate(acme))
    meter = city.device("M-1", acme)
    answer = answer_about(city, meter)
    assert verify_answer(answer, pinned(city)).signers == (meter.did, acme.did)
    registration = answer["proof"]["signers"].pop(0)
    assert registration["type"] == "organization.register"
    with pytest.raises(InvalidAnswer, match="committed to"):
        verify_answer(answer, pinned(city))


def test_a_tree_that_no_root_of_the_state_ends_proves_nothing() -> None:
    """As the checkpoints in receipts, which the log signs before it closes the tree."""
    reader = CITY.reader
    text = reader.checkpoint(SIZE - 1).decode().partition("\n\n")[0] + "\n"
    answer = copy.deepcopy(ANSWER)
    hashes = [encode64(one) for one in reader.inclusion(SIZE - 2, SIZE - 1)]
    entry = answer["proof"]["entries"][-1]
    answer["proof"]["checkpoint"] = sign_note(text, (LOG, QUANTUM), NOW).decode()
    answer["proof"]["state"] = {"entry": entry, "hashes": hashes}
    with pytest.raises(InvalidAnswer, match="no root of a state"):
        verify_answer(answer, pinned(CITY))


def test_operations_are_left_out_only_where_there_may_be_many() -> None:
    """So that nobody hides a signature that is missing."""
    answer = copy.deepcopy(ANSWER)
    del answer["proof"]["entries"], answer["proof"]["signers"]
    with pytest.raises(InvalidAnswer, match="left out"):
        verify_answer(answer, pinned(CITY), key=CODE)


def test_the_answer_must_be_about_what_was_asked() -> None:
    with pytest.raises(InvalidAnswer, match="nothing is proved of this code"):
        verify_answer(ANSWER, pinned(CITY), key=OTHER_CODE)
    with pytest.raises(InvalidAnswer, match="another device"):
        verify_answer(ANSWER, pinned(CITY), key=("did", ACME.did))
    both = copy.deepcopy(ANSWER)
    both["proof"]["records"].append(OTHER["proof"]["records"][0])
    with pytest.raises(InvalidAnswer, match="belongs to another device"):
        verify_answer(both, pinned(CITY), key=OTHER_CODE)


def test_an_organization_is_no_device() -> None:
    answering = CITY.answering
    key = ("did", ACME.did)
    record = answering.evidence._newest(key, SIZE)
    assert record is not None
    item = answering.evidence._record(key, record)
    shown = orjson.loads(item)
    answer = {**ANSWER, "device": shown["record"], "proof": {**ANSWER["proof"], "records": [shown]}}
    with pytest.raises(InvalidAnswer, match="not that of a device"):
        verify_answer(answer, pinned(CITY))


def test_an_operation_with_a_null_is_refused_though_its_log_took_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The model drops a null, and the hash has it: what was signed is then not what is read."""
    monkeypatch.setattr("registry.checking.check_no_null", lambda *_: None)
    city = City()
    acme, meter = city.fill(1)
    body = {"data": "none", "sector": None}
    city.accept(city.follow(meter, "device.update", body, by=[acme]))
    with pytest.raises(InvalidAnswer, match="null"):
        verify_answer(answer_about(city, meter), pinned(city))


def test_a_signer_with_a_null_is_refused_though_its_log_took_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("registry.checking.check_no_null", lambda *_: None)
    city = City()
    acme = city.new_organization("Acme")
    body = {"name": "Acme", **acme.establishment, "uscc": None}
    first = Signed(city.operation("organization.register", body, *acme.first_methods), [])
    city._establish(acme, first)
    city.accept(first, city.prefix(acme, "gtin:09506000"))
    meter = city.device("M-1", acme)
    with pytest.raises(InvalidAnswer, match="null") as refused:
        verify_answer(answer_about(city, meter), pinned(city))
    assert refused.value.pointer == "/proof/signers/0"


def test_an_answer_of_another_ledger_or_log_is_refused() -> None:
    stranger = Signer(ORIGIN, SignatureType.ED25519, bytes(32))
    with pytest.raises(EvidenceRefused):
        verify_answer(ANSWER, replace(pinned(CITY), log_keys=(stranger.key,)))
    other = City(mode="permissioned")
    assert Trust.begin(other.genesis.operation).log_keys == (LOG.key, QUANTUM.key)
    with pytest.raises((EvidenceRefused, InvalidProof)):
        verify_answer(ANSWER, pinned(other))


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for step, inner in items:
        here = (*path, step)
        found += paths(inner, here) if isinstance(inner, dict | list) else [here]
    return found


EVIDENCE = [path for path in paths(ANSWER) if path[0] in ("device", "proof")]
JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just([])
)


@given(st.sampled_from(EVIDENCE), JUNK | st.just("\ud800"))
def test_junk_anywhere_raises_only_our_errors(path: tuple[Any, ...], junk: Any) -> None:
    answer = copy.deepcopy(ANSWER)
    place: Any = answer
    for step in path[:-1]:
        place = place[step]
    if place[path[-1]] == junk and type(junk) in (float, type(place[path[-1]])):
        return  # 1.0 is written as 1
    place[path[-1]] = junk
    with pytest.raises(TetradError):
        verify_answer(answer, pinned(CITY), key=CODE)


def test_what_a_verified_answer_says_is_immutable() -> None:
    verified: VerifiedAnswer = verify_answer(ANSWER, pinned(CITY))
    with pytest.raises(AttributeError):
        verified.status = "revoked"  # type: ignore[misc]
