"""Keys are followed through recovery and transfer, and nowhere else: real answers out of a ledger
in which everything happened, and the lies that a registry could tell about it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from identity.errors import EvidenceRefused, InvalidProof, TetradError
from identity.keys import thumbprint
from identity.members import format_time, parse_time
from registry.audit import audit
from registry.keyupdates import KeyUpdates
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer, verify_answer
from tests.factory import RULES, City, Signed, Subject, key, log_vkeys, quorum, share, sign
from tests.resolver.answering import Answer, Answering, pinned

WEEK = 7 * 86_400
ACME, METER, AUTHORITY = ([share(name, n) for n in (0, 2)] for name in ("acme", "meter", "top"))


def recover(city: City, subject: Subject, shares: Any, to: int, **members: Any) -> Signed:
    """A whole recovery, to the keys of that generation; its end."""
    begun = city.begin_recovery(subject, shares, to, **members)
    city.accept(begun)
    city.now += WEEK
    finished = city.finish_recovery(subject, begun, to)
    city.accept(finished)
    return finished


class Life:
    """A city in which Acme was recovered twice and its meter rotated, recovered, sold and updated:
    by keys that stand on one another in every way that there is."""

    def __init__(self) -> None:
        city = self.city = City(recovery=quorum("top"))
        acme = self.acme = city.organization("Acme", recovery=quorum("acme"))
        city.accept(city.prefix(acme, "gtin:09506000"))
        following = quorum("acme again", 1, 1)
        appointed = recover(city, acme, ACME, 10, recovery=following)
        city.accept(city.rotate(acme))
        again = [share("acme again")]
        recover(city, acme, again, 20, appointed=appointed.hash)
        beta = self.beta = city.organization("Beta")
        meter = self.meter = city.device("M-1", acme, recovery=quorum("meter"))
        first = city.begin_recovery(meter, METER, 10)
        city.accept(first, city.rotate(meter))
        city.now += 1
        second = city.begin_recovery(meter, METER, 20)
        city.accept(second)
        city.accept(city.rotate(meter))
        city.now += WEEK
        city.accept(city.finish_recovery(meter, second, 20, by=beta))
        offer = city.offer(meter, acme, beta)
        city.accept(offer)
        city.accept(city.accept_offer(meter, offer, [beta], recovery=quorum("beta's")))
        city.accept(city.rotate(meter))
        self.number = city.device("M-2", acme, number="1440000000001")
        offer = city.offer(self.number, acme, beta)
        city.accept(offer)
        city.accept(city.accept_offer(self.number, offer, [beta, acme], 30))
        body = {"number": "none"}
        city.accept(city.follow(self.number, "number.rebind", body, by=[beta, self.number]))
        self.answering = Answering(city)
        self.answering.publish()

    def answer(self, device: Subject) -> Answer:
        """What a client gets."""
        return self.answering.answer(self.answering.resolver.did(device.did))

    def verify(self, answer: Answer) -> VerifiedAnswer:
        """And what it makes of it."""
        return verify_answer(answer, pinned(self.city))


LIFE = Life()
ANSWER = LIFE.answer(LIFE.meter)
ENTRIES = ANSWER["proof"]["entries"]
TYPES = [
    "device.register",
    "recovery.begin",
    "keys.rotate",
    "recovery.begin",
    "keys.rotate",
    "recovery.finish",
    "transfer.offer",
    "transfer.accept",
    "keys.rotate",
]


def test_an_answer_proves_a_device_that_lived_through_everything() -> None:
    verified = LIFE.verify(ANSWER)
    assert [one["operation"]["type"] for one in ENTRIES] == TYPES
    assert verified.device["keys"] == [LIFE.meter.key.public.multikey]
    assert verified.device["controller"] == LIFE.beta.did
    assert verified.device["recovery"] == quorum("beta's")
    assert not {"recovering", "cancelled", "offer"} & set(verified.device)
    # Acme's key, by which it registered the meter, came out of its second recovery.
    shown = [one["type"] for one in ANSWER["proof"]["signers"]]
    assert shown.count("recovery.finish") == shown.count("recovery.begin") == 2


def test_a_key_outside_next_stands_on_the_offer() -> None:
    verified = LIFE.verify(LIFE.answer(LIFE.number))
    assert verified.device["number"] == "none"
    assert thumbprint(verified.device["keys"][0]) == key("M-2/30").public.thumbprint


def test_an_answer_says_that_a_recovery_is_under_way_and_when_it_ends() -> None:
    city = City()
    acme = city.organization("Acme")
    city.accept(city.prefix(acme, "gtin:09506000"))
    meter = city.device("M-1", acme, recovery=quorum("meter"))
    city.accept(city.begin_recovery(meter, METER, 10))
    answering = Answering(city)
    answering.publish()
    answer = answering.answer(answering.resolver.did(meter.did))
    shown = verify_answer(answer, pinned(city)).device["recovering"]
    assert shown["ready"] == "2026-11-29T08:00:00Z"
    assert shown["keys"] == [key("M-1/10").public.multikey]


def test_the_ledger_audits() -> None:
    city = LIFE.city
    found = audit(city.store, RULES, genesis=city.ledger_hash, stored=city.store)
    assert found.size == city.reader.head().size


# Lies about the device


def at(answer: Answer, place: int) -> Any:
    return answer["proof"]["entries"][place]


def body(answer: Answer, place: int) -> Any:
    return at(answer, place)["operation"]["body"]


LIES: dict[str, Callable[[Answer], Any]] = {
    "an attempt left out": lambda a: a["proof"]["entries"].pop(3),
    "the cancelled attempt left out": lambda a: a["proof"]["entries"].pop(1),
    "the rotation that cancelled left out": lambda a: a["proof"]["entries"].pop(2),
    "the end of the recovery left out": lambda a: a["proof"]["entries"].pop(5),
    "the offer left out": lambda a: a["proof"]["entries"].pop(6),
    "the acceptance left out": lambda a: a["proof"]["entries"].pop(7),
    "the wait cut short": lambda a: at(a, 5).update(time=at(a, 3)["time"]),
    "the wait cut short by a second": lambda a: at(a, 5).update(
        time=format_time(parse_time(at(a, 3)["time"]) + WEEK - 1)
    ),
    "an attempt whose quorum is one key": lambda a: (
        body(a, 3)["quorum"].pop(),
        at(a, 3)["operation"]["proof"].pop(),
    ),
    "an attempt that a recovery key did not sign": lambda a: at(a, 3)["operation"]["proof"].pop(),
    "an attempt that the new key did not sign": lambda a: at(a, 3)["operation"]["proof"].pop(0),
    "other new keys": lambda a: body(a, 3).update(keys=[key("evil").public.multikey]),
    "another quorum to come": lambda a: body(a, 3).update(recovery=quorum("evil")),
    "the end of the cancelled attempt": lambda a: body(a, 5).update(
        begun=LIFE.city.begin_recovery(LIFE.meter, METER, 10).hash
    ),
    "an offer to another": lambda a: body(a, 6)["offer"].update(to=LIFE.acme.did),
    "an offer that ended before": lambda a: body(a, 6)["offer"].update(
        notAfter="2026-11-22T08:00:00Z"
    ),
    "an acceptance of another offer": lambda a: body(a, 7).update(offer=LIFE.city.ledger_hash),
    "an acceptance that the new controller did not sign": lambda a: at(a, 7)["operation"][
        "proof"
    ].pop(0),
    "an acceptance that the device did not sign": lambda a: at(a, 7)["operation"]["proof"].pop(),
    "the old controller": lambda a: a["device"].update(controller=LIFE.acme.did),
    "the old keys": lambda a: a["device"].update(keys=[key("M-1/20").public.multikey]),
    "the old quorum": lambda a: a["device"].update(recovery=quorum("meter")),
    "a recovery that is over": lambda a: a["device"].update(cancelled=LIFE.meter.previous),
    "no quorum of Acme's": lambda a: a["proof"]["signers"].pop(1),
    "no end of Acme's recovery": lambda a: a["proof"]["signers"].pop(2),
    "no registration of Acme's": lambda a: a["proof"]["signers"].pop(0),
    "Acme recovered by others": lambda a: a["proof"]["signers"][1]["body"].update(
        quorum=[share("evil", n).public.multikey for n in (0, 1)]
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused(lie: str) -> None:
    answer = copy.deepcopy(ANSWER)
    LIES[lie](answer)
    assert answer != ANSWER
    with pytest.raises((EvidenceRefused, InvalidProof)):
        LIFE.verify(answer)


def test_the_signers_are_those_that_the_lies_name() -> None:
    assert [one["type"] for one in ANSWER["proof"]["signers"]][:3] == [
        "organization.register",
        "recovery.begin",
        "recovery.finish",
    ]


# The authority


def authority_city() -> City:
    """The log's keys were replaced before, while and after the authority's keys were recovered."""
    city = City(recovery=quorum("top"))
    top = city.authority
    city.accept(city.update_registry(log=log_vkeys(1)))
    first = city.begin_recovery(top, AUTHORITY, 10)
    city.accept(first)
    city.accept(city.update_registry(log=log_vkeys(2)))  # cancels it
    city.now += 1
    second = city.begin_recovery(top, AUTHORITY, 20)
    city.accept(second)
    city.accept(city.update_registry(log=log_vkeys(3)))  # and does not cancel this one
    city.now += WEEK
    city.accept(city.finish_recovery(top, second, 20))
    city.accept(city.update_registry(log=log_vkeys(1)))
    return city


GOVERNED = authority_city()
ITEMS: list[Any] = KeyUpdates(GOVERNED.store, GOVERNED.reader).after(0)


def extended(items: list[Any]) -> Trust:
    trust = Trust.begin(GOVERNED.genesis.operation)
    for item in items:
        trust = trust.extend(item)
    return trust


def kinds(item: Any) -> list[str]:
    return [one["entry"]["operation"]["type"] for one in item["entries"]]


def test_log_keys_are_followed_through_a_recovery_of_the_authority() -> None:
    assert [kinds(item) for item in ITEMS] == [
        ["registry.update"],
        ["recovery.begin", "registry.update"],
        ["recovery.begin", "registry.update"],
        ["recovery.finish", "registry.update"],
    ]
    trust = extended(ITEMS)
    assert trust.observe(GOVERNED.reader.checkpoint()).size == GOVERNED.reader.head().size


def test_the_evidence_is_the_same_whenever_it_is_asked_for() -> None:
    """A service that looked at every step has found what one finds that looks at the end."""
    city = City(recovery=quorum("top"))
    updates = KeyUpdates(city.store, city.reader)
    seen: list[str] = []
    for step in range(3):
        begun = city.begin_recovery(
            city.authority,
            AUTHORITY if step == 0 else [share(f"top {step}", n) for n in (0, 2)],
            10 * (step + 1),
            recovery=quorum(f"top {step + 1}"),
            **({} if step == 0 else {"appointed": seen[-1]}),
        )
        city.accept(begun)
        updates.after(0)
        city.now += WEEK
        finished = city.finish_recovery(city.authority, begun, 10 * (step + 1))
        city.accept(finished)
        seen.append(finished.hash)
        updates.after(0)
        city.accept(city.update_registry(log=log_vkeys(step + 1)))
        updates.after(0)
    assert updates.after(0) == KeyUpdates(city.store, city.reader).after(0)
    trust = Trust.begin(city.genesis.operation)
    for item in updates.after(0):
        trust = trust.extend(item)
    assert len(trust.updates) == 3


FORGERIES: dict[str, Callable[[list[Any]], Any]] = {
    "the attempt withheld": lambda items: items[2]["entries"].pop(0),
    "the end withheld": lambda items: items[3]["entries"].pop(0),
    "the cancelled attempt withheld": lambda items: items[1]["entries"].pop(0),
    "the attempt after its end": lambda items: items[3]["entries"].append(
        items[2]["entries"].pop(0)
    ),
    "an attempt of one recovery key": lambda items: items[2]["entries"][0]["entry"]["operation"][
        "body"
    ]["quorum"].pop(),
    "the end made early": lambda items: items[3]["entries"][0]["entry"].update(
        time=items[2]["entries"][0]["entry"]["time"]
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_history_of_keys_is_refused(forgery: str) -> None:
    items = copy.deepcopy(ITEMS)
    FORGERIES[forgery](items)
    with pytest.raises(TetradError):
        extended(items)


def recovering_meter(city: City) -> tuple[Subject, Subject, Subject, Signed]:
    """Acme, Beta and Acme's meter, with an attempt to recover it."""
    acme, beta = city.organization("Acme"), city.organization("Beta")
    city.accept(city.prefix(acme, "gtin:09506000"))
    meter = city.device("M-1", acme, recovery=quorum("meter"))
    begun = city.begin_recovery(meter, METER, 10)
    city.accept(begun)
    return acme, beta, meter, begun


def verified(city: City, device: Subject) -> VerifiedAnswer:
    answering = Answering(city)
    answering.publish()
    return verify_answer(answering.answer(answering.resolver.did(device.did)), pinned(city))


def test_an_offer_outlives_a_recovery() -> None:
    city = City()
    acme, beta, meter, begun = recovering_meter(city)
    city.now += WEEK
    offer = city.offer(meter, acme, beta)
    city.accept(offer, city.finish_recovery(meter, begun, 10))
    city.accept(city.accept_offer(meter, offer, [beta]))
    assert verified(city, meter).device["controller"] == beta.did


@pytest.mark.parametrize(
    ("place", "words"), [(5, "or one other party"), (7, "a party that has no part in it")]
)
def test_nobody_signs_beside_those_who_may(place: int, words: str) -> None:
    """The end of a recovery by two parties, and an acceptance out of `next` by a third."""
    answer = copy.deepcopy(ANSWER)
    operation = at(answer, place)["operation"]
    operation["proof"] += sign(operation, *LIFE.acme.methods)["proof"]
    with pytest.raises(EvidenceRefused, match=words):
        LIFE.verify(answer)
