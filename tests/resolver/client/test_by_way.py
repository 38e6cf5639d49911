"""What a client that pinned the root makes of a recursive resolver, honest or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from identity.errors import Delegated, EvidenceRefused, Gone, InvalidAnswer, NotFound, StaleAnswer
from resolver.bundle import bundle_bytes, known_as, read_bundle
from resolver.client import Client
from tests.factory import NOW
from tests.resolver.answering import Answer
from tests.resolver.federating import BASE, Tree, code, path

TREE = Tree()
METER = code("M-1")


def found() -> Answer:
    """The answer about the meter."""
    return path(METER, TREE.ledgers)


def served(status: int, answer: Any, now: int = NOW, **members: Any) -> Client:
    """A client of a resolver that says this to every question."""
    content = {**answer, **members}

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path not in ("/v1/resolve", f"/v1/devices/{TREE.meter.did}"):
            return httpx.Response(404, json=missing("not_found"))
        return httpx.Response(status, json=content)

    transport = httpx.MockTransport(handle)
    return Client("http://resolver", trust=TREE.trust, transport=transport, clock=lambda: now)


def missing(code: str, **members: Any) -> dict[str, Any]:
    """Problem details of a 404."""
    return {"type": f"urn:tetrad:error:{code}", "status": 404, "code": code, **members}


def test_a_client_that_pinned_the_root_verifies_the_answer_of_a_ledger_below() -> None:
    client = served(200, found(), served={"time": "", "expires": "", "stale": True})
    resolved = client.resolve(METER[2], max_age=60)
    assert resolved.did == TREE.meter.did
    assert [hop.trust.origin for hop in resolved.hops] == ["root.test", "nation.test", "acme.test"]
    assert resolved.ledger is not None
    assert resolved.ledger.ledger == TREE.acme.city.ledger_hash
    assert (resolved.stale, resolved.asserted, resolved.age.seconds) == (True, "", 0)
    assert client.trust.size == TREE.root.answering.size  # the root's checkpoint is remembered


def test_a_did_is_resolved_alike() -> None:
    key = ("did", TREE.meter.did)
    client = served(200, path(key, TREE.ledgers))
    assert client.resolve(TREE.meter.did).did == TREE.meter.did


def test_an_answer_that_is_too_old_anywhere_is_refused() -> None:
    with pytest.raises(StaleAnswer):
        served(200, found(), NOW + 601).resolve(METER[2], max_age=600)


def test_that_there_is_none_is_proved_by_way_of_the_ledgers() -> None:
    nobody = path(code("NOBODY"), TREE.ledgers)
    client = served(404, missing("not_found", **nobody))
    with pytest.raises(NotFound) as refused:
        client.resolve(BASE + "NOBODY")
    assert refused.value.members["proved"]


def test_a_ledger_that_refers_elsewhere_cannot_say_that_there_is_none() -> None:
    proof = TREE.root.answering.referral(METER)["proof"]
    answer = {"readAs": {"scheme": "gs1", "value": METER[2]}, "proof": proof}
    with pytest.raises(InvalidAnswer):
        served(404, missing("not_found", **answer)).resolve(METER[2])


def test_a_referral_by_the_pinned_ledger_is_proved() -> None:
    shown = TREE.root.answering.referral(METER)
    proof = shown.pop("proof")
    client = served(404, missing("delegated", referral=shown, proof=proof))
    with pytest.raises(Delegated) as refused:
        client.resolve(METER[2])
    assert refused.value.members["proved"]
    forged = {**shown, "node": {**shown["node"], "ledger": TREE.acme.city.ledger_hash}}
    with pytest.raises(EvidenceRefused):
        served(404, missing("delegated", referral=forged, proof=proof)).resolve(METER[2])


def test_what_is_said_to_be_gone_and_is_not_is_refused() -> None:
    with pytest.raises(InvalidAnswer):
        served(410, {"code": "gone", "status": 410, "answer": found()}).resolve(METER[2])


def test_a_tombstone_below_is_proved() -> None:
    tree = Tree()
    city = tree.acme.city
    city.accept(city.supervise(tree.meter, "status.revoke", "stolen", city.authority))
    for one in tree.ledgers:
        one.publish()
    answer = {"code": "gone", "status": 410, "answer": path(METER, tree.ledgers)}
    with pytest.raises(Gone):
        served(410, answer).resolve(METER[2])
    assert served(410, answer).resolve(METER[2], tombstones=True).status == "revoked"


LIES: list[Callable[[Answer], object]] = [
    lambda one: one.pop("path"),
    lambda one: one["path"].pop(0),
    lambda one: one["path"].pop(1),
    lambda one: one.update(readAs={"scheme": "gs1", "value": BASE + "M-2"}),
]


@pytest.mark.parametrize("lie", LIES)
def test_a_resolver_that_lies_is_not_believed(lie: Callable[[Answer], object]) -> None:
    answer = found()
    lie(answer)
    with pytest.raises(EvidenceRefused):
        served(200, answer).resolve(METER[2])


def test_a_bundle_of_a_path_is_checked_without_a_network_by_the_root_alone() -> None:
    resolved = served(200, found()).resolve(METER[2])
    bundle = read_bundle(_parsed(bundle_bytes(TREE.trust, resolved.key, resolved.answer)))
    trust = known_as(bundle, TREE.root.city.ledger_hash, None)
    assert bundle.verify_path(trust, NOW).responsible.origin == "acme.test"
    with pytest.raises(InvalidAnswer):
        bundle.verify(trust)


def _parsed(data: bytes) -> Any:
    from identity.jcs import parse

    return parse(data, max_bytes=2**24)
