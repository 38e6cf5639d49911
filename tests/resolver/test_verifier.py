"""The verifier: an honest answer passes, and every lie that we could think of does not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.disclosure import NUMBER
from identity.errors import EvidenceRefused, InvalidAnswer, InvalidProof, TetradError
from registry.note import SignatureType, Signer, encode64
from registry.reader import Publisher
from resolver.resolution import Found, Resolver, answer_bytes
from resolver.schemes import SCHEMES
from resolver.verifier import Pinned, VerifiedAnswer, verify_answer, verify_receipt
from tests.factory import LOG, NOW, ORIGIN, QUANTUM, UNIQUE, City, Signed, Subject, disclosed

Answer = dict[str, Any]


def pinned(city: City) -> Pinned:
    return Pinned(city.ledger_hash, (LOG.key, QUANTUM.key))


def answer_about(city: City, device: Subject) -> Answer:
    reader = city.reader
    resolver = Resolver(city.store, reader, SCHEMES, UNIQUE)
    size, note = Publisher(reader, ORIGIN, [LOG, QUANTUM]).checkpoint(city.now)
    found: Found = resolver.by_did(device.did)
    answer: Answer = orjson.loads(answer_bytes(found, resolver.proof(found, note, size)))
    return answer


def busy_city() -> tuple[City, Subject, Subject]:
    """A device with a life, whose controller has rotated its keys in between."""
    city = City()
    acme, meter, other = city.fill(2)
    city.accept(city.rotate(acme))
    city.accept(city.supervise(meter, "status.suspend", "lost", acme))
    city.accept(city.supervise(meter, "status.resume", "found", city.authority))
    city.accept(city.rotate(meter))
    city.accept(city.follow(meter, "device.update", {"parent": other.did}, by=[acme]))
    return city, acme, meter


CITY, ACME, METER = busy_city()
ANSWER = answer_about(CITY, METER)
SIZE = CITY.reader.head().size


def test_keys_that_an_update_of_the_registry_established_are_shown() -> None:
    city = City(mode="permissioned")
    city.accept(city.update_registry(witnesses="quorum none\n"))
    acme = city.organization("Acme", admitted_by=city.authority)
    city.accept(city.prefix(acme, "gtin:09506000", by=city.authority))
    meter = city.device("M-1", acme)
    verified = verify_answer(answer_about(city, meter), pinned(city), did=meter.did)
    assert verified.signers == (meter.did, acme.did)


def test_an_honest_answer_verifies_and_says_what_it_proves() -> None:
    verified = verify_answer(
        ANSWER,
        pinned(CITY),
        code=("gs1", "https://id.gs1.org/01/09506000134352/21/M-000000"),
        did=METER.did,
    )
    assert verified.status == "active"
    assert verified.device == ANSWER["device"]
    assert verified.signers == (METER.did, ACME.did)
    assert verified.entry == CITY.reader.head().size - 1
    assert verified.dated == NOW


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


def test_a_permissioned_ledger_shows_its_admitter() -> None:
    city = City(mode="permissioned")
    acme = city.organization("Acme", admitted_by=city.authority)
    city.accept(city.prefix(acme, "gtin:09506000", by=city.authority))
    meter = city.device("M-1", acme)
    assert verify_answer(answer_about(city, meter), pinned(city)).did == meter.did


def first(answer: Answer) -> Any:
    return answer["proof"]["entries"][0]


def own_entries(answer: Answer) -> list[Any]:
    return [e for e in answer["proof"]["entries"] if e["entry"]["operation"].get("subject")]


def drop_last(answer: Answer) -> None:
    answer["proof"]["entries"].pop()


LIES: dict[str, Callable[[Answer], Any]] = {
    "another status": lambda a: a["device"].update(status="retired"),
    "another key": lambda a: a["device"].update(keys=[ACME.key.public.multikey]),
    "another controller": lambda a: a["device"].update(controller=METER.did),
    "another code": lambda a: a["device"]["code"].update(value="https://id.gs1.org/01/0"),
    "no proof": lambda a: a.pop("proof"),
    "no entries": lambda a: a["proof"].update(entries=[]),
    "the last change withheld, its effect kept": drop_last,
    "a change left out of the middle": lambda a: a["proof"]["entries"].pop(-2),
    "entries out of order": lambda a: a["proof"]["entries"].reverse(),
    "an entry twice": lambda a: a["proof"]["entries"].append(a["proof"]["entries"][-1]),
    "the signer's entry left out": lambda a: a["proof"]["entries"].pop(0),
    "another time": lambda a: first(a)["entry"].update(time="2026-11-22T08:00:01Z"),
    "another index": lambda a: first(a)["entry"].update(index=1),
    "an index of another type": lambda a: first(a)["entry"].update(index=True),
    "a hash changed": lambda a: first(a)["hashes"].__setitem__(0, encode64(bytes(32))),
    "a hash too many": lambda a: first(a)["hashes"].append(encode64(bytes(32))),
    "hashes that are none": lambda a: first(a).update(hashes=[7]),
    "no checkpoint": lambda a: a["proof"].pop("checkpoint"),
    "a larger tree": lambda a: a["proof"].update(
        checkpoint=a["proof"]["checkpoint"].replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n")
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused(lie: str) -> None:
    answer = copy.deepcopy(ANSWER)
    LIES[lie](answer)
    assert answer != ANSWER
    with pytest.raises((EvidenceRefused, InvalidProof)):
        verify_answer(answer, pinned(CITY))


def test_the_answer_must_be_about_what_was_asked() -> None:
    with pytest.raises(InvalidAnswer, match="another code"):
        verify_answer(ANSWER, pinned(CITY), code=("gs1", "https://id.gs1.org/01/0/21/X"))
    with pytest.raises(InvalidAnswer, match="another device"):
        verify_answer(ANSWER, pinned(CITY), did=ACME.did)


def test_an_answer_of_another_ledger_or_log_is_refused() -> None:
    stranger = Signer(ORIGIN, SignatureType.ED25519, bytes(32))
    with pytest.raises(EvidenceRefused):
        verify_answer(ANSWER, Pinned(CITY.ledger_hash, (stranger.key,)))
    other = City(mode="permissioned")
    with pytest.raises((EvidenceRefused, InvalidProof)):
        verify_answer(ANSWER, Pinned(other.ledger_hash, (LOG.key, QUANTUM.key)))


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for step, inner in items:
        here = (*path, step)
        found += paths(inner, here) if isinstance(inner, dict | list) else [here]
    return found


EVIDENCE = [path for path in paths(ANSWER) if path[0] in ("device", "proof")]
JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just([])
)


@given(st.sampled_from(EVIDENCE), JUNK)
def test_junk_anywhere_raises_only_our_errors(path: tuple[Any, ...], junk: Any) -> None:
    answer = copy.deepcopy(ANSWER)
    place: Any = answer
    for step in path[:-1]:
        place = place[step]
    if place[path[-1]] == junk and type(place[path[-1]]) is type(junk):
        return
    place[path[-1]] = junk
    with pytest.raises(TetradError):
        verify_answer(answer, pinned(CITY))


def receipt() -> tuple[bytes, Any]:
    assert METER.first is not None
    index = ANSWER["device"]["registered"]["entry"]
    return CITY.reader.receipts([index])[0], METER.first.operation


def test_a_receipt_verifies_offline_with_the_operation() -> None:
    data, operation = receipt()
    verified = verify_receipt(data, operation, pinned(CITY))
    assert verified.index == ANSWER["device"]["registered"]["entry"]
    assert verified.hash == METER.did.rpartition(":")[2]
    assert verified.time == ANSWER["device"]["registered"]["time"]


def test_a_receipt_is_of_that_operation_alone() -> None:
    data, operation = receipt()
    with pytest.raises(EvidenceRefused):
        verify_receipt(data, {**operation, "created": "2026-11-22T08:00:01Z"}, pinned(CITY))


@given(st.data())
def test_a_changed_receipt_is_refused(data: st.DataObject) -> None:
    good, operation = receipt()
    place = data.draw(st.integers(0, good.index(b"\n\n") - 1))
    bad = bytearray(good)
    bad[place] ^= data.draw(st.integers(1, 127))
    with pytest.raises(TetradError):
        verify_receipt(bytes(bad), operation, pinned(CITY))


def test_what_a_verified_answer_says_is_immutable() -> None:
    verified: VerifiedAnswer = verify_answer(ANSWER, pinned(CITY))
    with pytest.raises(AttributeError):
        verified.status = "revoked"  # type: ignore[misc]
