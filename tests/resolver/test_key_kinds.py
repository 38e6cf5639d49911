"""Pairs of keys in answers: what the rule book asks of signers, a verifier asks as well."""

from __future__ import annotations

from typing import Any

import pytest

from identity.errors import InvalidAnswer, InvalidProof
from identity.operation import (
    MAX_OPERATION_BYTES,
    MAX_PROOFS,
    operation_hash,
    read_operation,
)
from registry.entry import MAX_ENTRY_BYTES
from resolver.establishing import keys_of
from resolver.replaying import Signed, verify_signatures
from resolver.verifier import verify_answer
from tests.factory import City, Subject, key, sign
from tests.resolver.answering import Answering, pinned
from tests.scenarios.kinds import PAIR

CODE = {"scheme": "gs1", "value": "https://id.gs1.org/01/09506000134352/21/P-1"}


def answered(city: City, device: Subject) -> dict[str, Any]:
    answering = Answering(city)
    answering.publish()
    return answering.answer(answering.resolver.did(device.did))


@pytest.mark.parametrize("algorithm", ["P-384", "ML-DSA-65", "SM2", PAIR])
def test_an_answer_about_a_device_with_such_keys_verifies(algorithm: str) -> None:
    """Through registration, update, suspension by its controller, and a rotation of both."""
    city = City()
    acme = city.organization("Acme", algorithm=algorithm)
    city.accept(city.prefix(acme, "gtin:09506000"))
    device = city.device("P-1", acme, algorithm=algorithm, code=CODE)
    city.accept(city.rotate(acme))
    city.accept(city.follow(device, "number.rebind", {"number": "none"}, by=[acme, device]))
    city.accept(city.rotate(device))
    city.accept(city.follow(device, "status.suspend", {"reason": "lost"}, by=[acme]))
    verified = verify_answer(answered(city, device), pinned(city), key=("did", device.did))
    assert verified.status == "suspended"
    assert len(verified.device["keys"]) == len(algorithm.split("+"))


class Pair:
    """An organization that moved from one key to a pair, and what it signed with each."""

    def __init__(self) -> None:
        self.city = City()
        self.acme = self.city.organization("Acme")
        alone = self.city.follow(self.acme, "organization.update", {"name": "A"})
        self.city.accept(alone)
        new, pair = key("Acme/1"), Subject("Acme", algorithm=PAIR).keys_of(2)
        body = {
            "keys": [new.public.multikey],
            "next": [one.public.thumbprint for one in pair],
        }
        method = (new, f"{self.acme.did}#{new.public.thumbprint}")
        committed = self.city.follow(self.acme, "keys.rotate", body, methods=[method])
        self.city.accept(committed)
        self.acme.algorithm = PAIR
        rotated = self.city.rotate(self.acme)
        self.city.accept(rotated)
        assert self.acme.first is not None
        self.shown = [self.signed(one.operation) for one in (self.acme.first, committed, rotated)]
        self.alone = self.signed(alone.operation)

    def signed(self, operation: dict[str, Any]) -> Signed:
        return Signed(read_operation(operation), operation_hash(operation))

    def update(self, *methods: Any) -> Signed:
        update = self.city.follow(self.acme, "organization.update", {"name": "B"})
        return self.signed(sign(update.operation, *methods))

    def check(self, item: Signed) -> None:
        verify_signatures(item, keys_of(self.shown, pinned(self.city)))


def test_an_organization_signs_by_the_kinds_that_it_had_in_force() -> None:
    pair = Pair()
    pair.check(pair.alone)  # one key was all it had, then
    pair.check(pair.update(*pair.acme.methods))
    pair.check(pair.update(*reversed(pair.acme.methods)))


def test_half_a_pair_is_refused_by_a_verifier_too() -> None:
    """A registry that let it pass would be found out by every client."""
    pair = Pair()
    classical, quantum = pair.acme.methods
    for methods in ([classical], [quantum]):
        with pytest.raises(InvalidAnswer, match="one of each kind"):
            pair.check(pair.update(*methods))


@pytest.mark.parametrize("algorithm", ["P-384", "ML-DSA-65", "SM2"])
def test_a_null_that_the_model_drops_is_refused_under_another_hash(algorithm: str) -> None:
    """What was hashed and what is hashed for the suite would differ."""
    city = City()
    acme = city.organization("Acme", algorithm=algorithm)
    update = city.follow(acme, "organization.update", {"name": "B", "uscc": None})
    assert acme.first is not None
    shown = [Signed(read_operation(acme.first.operation), acme.first.hash)]
    item = Signed(read_operation(update.operation), operation_hash(update.operation))
    with pytest.raises(InvalidProof):
        verify_signatures(item, keys_of(shown, pinned(city)))


def test_keys_of_two_times_make_no_pair() -> None:
    """The old classical key beside the new post-quantum one."""
    pair = Pair()
    old = key("Acme/1")
    method = (old, f"{pair.acme.did}#{old.public.thumbprint}")
    with pytest.raises(InvalidAnswer, match="one of each kind"):
        pair.check(pair.update(method, pair.acme.methods[1]))


def test_half_a_pair_that_follows_a_pair_is_refused_by_a_verifier_too() -> None:
    pair = Pair()
    one = pair.acme.next_key
    body = {
        "keys": [one.public.multikey],
        "next": [key("thief").public.thumbprint],
    }
    method = (one, f"{pair.acme.did}#{one.public.thumbprint}")
    item = pair.city.follow(pair.acme, "keys.rotate", body, methods=[method])
    shown = Signed(read_operation(item.operation), item.hash)
    with pytest.raises(InvalidAnswer, match="half a pair"):
        keys_of([*pair.shown, shown], pinned(pair.city))


def test_a_broken_half_is_refused_whichever_it_is() -> None:
    pair = Pair()
    for place in (0, 1):
        item = pair.update(*pair.acme.methods)
        proofs = list(item.operation.proof)
        other = pair.update(*pair.acme.methods).operation.proof[1 - place]
        forged = proofs[place].model_copy(update={"proofValue": other.proofValue})
        proofs[place] = forged
        operation = item.operation.model_copy(update={"proof": proofs})
        with pytest.raises(InvalidProof):
            pair.check(Signed(operation, item.hash))


LARGEST = "ML-DSA-65+ML-DSA-65+ML-DSA-65"


def test_the_largest_registration_fits_an_entry() -> None:
    """Three ML-DSA-65 keys of a device, a recovery with five more, texts in full, and three parties
    with pairs of the larger kind: nine proofs."""
    city = City()
    text = "水" * 200
    pair = "P-384+ML-DSA-65"
    holder = city.organization("Holder", algorithm=pair)
    city.accept(city.prefix(holder, "gtin:09506000"))
    controller, maker = (city.organization(name, algorithm=pair) for name in ("C", "M"))
    recovery = {
        "threshold": 3,
        "keys": [key(f"recovery {n}").public.thumbprint for n in range(5)],
        "wait": 86_400,
    }
    data = {
        "describes": text,
        "schema": "https://example.com/" + "s" * 480,
        "version": 1,
        "grade": "general",
        "endpoints": [{"type": "MQTT", "url": "mqtt://" + "h" * 490} for _ in range(8)],
        "commitment": "A" * 43,
    }
    device = city.new_device(
        "P-1", controller, algorithm=LARGEST, maker=maker, by=[holder, controller, maker],
        code=CODE, recovery=recovery, data=data, number="1440000000001",
    )  # fmt: skip
    assert device.first is not None
    operation = device.first.operation
    assert len(operation["proof"]) == MAX_PROOFS
    (accepted,) = city.accept(device.first)
    size = len(city.reader.entry(accepted.index))
    assert size <= MAX_ENTRY_BYTES
    assert 50_000 < size < MAX_OPERATION_BYTES
    verified = verify_answer(answered(city, device), pinned(city), key=("did", device.did))
    assert verified.device["keys"] == operation["body"]["keys"]
