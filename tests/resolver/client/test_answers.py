"""What a client makes of answers: that there is none, how old they are, who has cosigned them."""

from __future__ import annotations

import time
from typing import Any

import httpx
import orjson
import pytest

from identity.errors import (
    Gone,
    InvalidAnswer,
    InvalidStateProof,
    NotFound,
    QuorumMissing,
    StaleAnswer,
    TetradError,
)
from identity.members import format_time
from registry.note import Note, Signer
from resolver.bundle import bundle_bytes, known_as, read_bundle
from resolver.client import Client
from resolver.trust import Trust
from tests.resolver.client.conftest import Answer, Lie, Registry
from tests.resolver.client.test_client import CODE, acme, altered, body, one_device
from tests.witnesses import cosigner, policy

NOBODY = "(01)09506000134352(21)NOBODY"
W1 = policy("witness w1 {w1}", "quorum w1").format()
BEYOND = 256
"""Changes up to which an answer shows the device's operations."""


def unknown_did(client: Client) -> str:
    """A DID of this ledger that nobody has registered."""
    return f"did:tetrad:{client.trust.label}:{client.trust.ledger[:-4]}1111"


def missing(client: Client, asked: str, **options: Any) -> NotFound:
    with pytest.raises(NotFound) as absent:
        client.resolve(asked, **options)
    return absent.value


def test_a_code_that_nobody_bears_is_proved_absent(registry: Registry) -> None:
    client = registry.client()
    one_device(client)
    client.resolve(CODE)  # it is published by then
    members = missing(client, NOBODY).members
    assert members["proved"] is True
    assert members["stateRoot"] == client.trust.size - 1
    assert members["datedBy"] == "log"
    assert 0 <= members["age"] <= 60


def test_a_did_that_nobody_has_is_proved_absent(registry: Registry) -> None:
    client = registry.client()
    one_device(client)
    assert missing(client, unknown_did(client)).members["proved"] is True


def test_what_was_absent_is_resolved_once_it_is_registered(registry: Registry) -> None:
    client = registry.client()
    maker = acme(client)
    assert missing(client, CODE).members["proved"]
    done = client.register_device(body(maker))
    assert client.resolve(CODE).did == done.did


@pytest.mark.parametrize("asked", ["code", "did"])
def test_none_without_a_proof_is_refused(registry: Registry, asked: str) -> None:
    """A registry that hides a device has nothing to show for it."""
    client = registry.client()
    did = one_device(client).did or ""
    problem: dict[str, Any] = {"code": "not_found", "detail": "no device bears this"}
    for told in (problem, {**problem, "proved": True}, {**problem, "proof": {}}):
        hidden = httpx.Response(404, json=told)
        registry.lie = lambda _, __, hidden=hidden: hidden
        with pytest.raises(InvalidAnswer):
            client.resolve(CODE if asked == "code" else did)


def test_the_proof_of_another_absence_is_refused(registry: Registry) -> None:
    """A registry hides a device by showing that nobody bears another code."""
    client = registry.client()
    one_device(client)
    client.resolve(CODE)  # it is published by then
    other = registry.answer(
        httpx.Request("GET", "http://registry/v1/resolve", params={"code": NOBODY, "proof": "1"})
    ).json()

    def elsewhere(request: httpx.Request, answer: Answer) -> httpx.Response:
        return httpx.Response(404, json=other) if "resolve" in request.url.path else answer(request)

    def renamed(request: httpx.Request, answer: Answer) -> httpx.Response:
        told = orjson.loads(orjson.dumps(other))
        first = told["proof"]["records"][0]
        first["key"] = ["code", "gs1", "https://id.gs1.org/01/09506000134352/21/M-0017"]
        return httpx.Response(404, json=told) if "resolve" in request.url.path else answer(request)

    for lie, error in ((elsewhere, InvalidAnswer), (renamed, InvalidStateProof)):
        registry.lie = lie
        with pytest.raises(error):
            client.resolve(CODE)


def test_what_was_true_under_an_older_root_is_told_by_its_age(registry: Registry) -> None:
    client = registry.client()
    maker = acme(client)
    before = registry.answer(
        httpx.Request("GET", "http://registry/v1/resolve", params={"code": CODE, "proof": "1"})
    )
    client.register_device(body(maker))
    registry.lie = lambda request, answer: (
        before if "resolve" in request.url.path else answer(request)
    )
    assert missing(client, CODE).members["stateRoot"] < client.trust.size - 1
    client.flows.clock = lambda: time.time() + 90
    with pytest.raises(StaleAnswer):
        client.resolve(CODE, max_age=60)


def test_that_there_is_none_behind_a_hash_is_not_for_a_server_to_call_proved(
    registry: Registry,
) -> None:
    client = registry.client()
    told = {"code": "not_found", "detail": "none", "proved": True, "stateRoot": 1, "age": 0}
    registry.lie = lambda *_: httpx.Response(404, json=told)
    with pytest.raises(NotFound) as absent:
        client.resolve("001b44113ab7", scheme="eui48")
    assert not {"proved", "stateRoot", "age", "datedBy"} & set(absent.value.members)


def test_a_device_that_is_not_gone_is_not_called_so(registry: Registry) -> None:
    client = registry.client()
    one_device(client)

    def gone(request: httpx.Request, answer: Answer) -> httpx.Response:
        response = answer(request)
        if request.url.path != "/v1/resolve":
            return response
        told = {"code": "gone", "detail": "revoked", "answer": response.json()}
        return httpx.Response(410, json=told)

    registry.lie = gone
    for tombstones in (False, True):
        with pytest.raises(InvalidAnswer):
            client.resolve(CODE, tombstones=tombstones)


def test_an_answer_is_as_young_as_was_asked(registry: Registry) -> None:
    client = registry.client()
    one_device(client)
    found = client.resolve(CODE, max_age=600)
    assert (found.age.by, found.age.seconds is not None) == ("log", True)
    client.flows.clock = lambda: time.time() + 700
    for asked in (CODE, NOBODY, unknown_did(client)):
        with pytest.raises(StaleAnswer) as stale:
            client.resolve(asked, max_age=600)
        assert 700 <= stale.value.members["age"] < 800
    assert client.resolve(CODE).age.seconds is not None  # without a bound it is said, not refused


def test_an_answer_from_the_future_is_refused(registry: Registry) -> None:
    client = registry.client()
    one_device(client)
    client.flows.clock = lambda: time.time() - 3600
    with pytest.raises(StaleAnswer, match="from now"):
        client.resolve(CODE)


def cosigned(*signers: Signer, ago: int = 0) -> Lie:
    """Every checkpoint with the cosignatures of these, of so many seconds ago."""

    def add(note: bytes) -> bytes:
        read = Note.parse(note)
        made = (signer.sign(read.text, int(time.time()) - ago) for signer in signers)
        return Note(read.text, (*read.signatures, *made)).format()

    def lie(request: httpx.Request, answer: Answer) -> httpx.Response:
        response = answer(request)
        if request.url.path == "/checkpoint":
            return httpx.Response(200, content=add(response.content))
        if request.url.path != "/v1/resolve" or response.status_code not in (200, 404):
            return response
        told = response.json()
        told["proof"]["checkpoint"] = add(told["proof"]["checkpoint"].encode()).decode()
        return httpx.Response(response.status_code, json=told)

    return lie


def test_a_policy_asks_for_its_quorum(registry: Registry) -> None:
    one_device(registry.client())
    client = registry.client(registry.trusted().asking(W1))
    registry.lie = cosigned(cosigner("w1"), ago=20)
    found = client.resolve(CODE, max_age=60)
    assert found.age.by == "witnesses"
    assert found.age.seconds is not None
    assert 20 <= found.age.seconds < 60
    absent = missing(client, NOBODY).members
    assert (absent["proved"], absent["datedBy"]) == (True, "witnesses")
    client.checkpoint()
    for lie in (None, cosigned(cosigner("w2"))):
        registry.lie = lie
        for ask in (
            lambda: client.resolve(CODE),
            lambda: client.resolve(NOBODY),
            client.checkpoint,
        ):
            with pytest.raises(QuorumMissing):
                ask()


def test_the_log_does_not_make_a_cosigned_answer_younger(registry: Registry) -> None:
    """Its own dated line is of now; the witness saw the tree a good while ago."""
    one_device(registry.client())
    client = registry.client(registry.trusted().asking(W1))
    registry.lie = cosigned(cosigner("w1"), ago=100)
    with pytest.raises(StaleAnswer):
        client.resolve(CODE, max_age=60)


def test_how_it_was_is_proved_and_other_pasts_are_refused(registry: Registry) -> None:
    client = registry.client()
    done = one_device(client)
    then = done.time
    found = client.resolve(CODE, at=then)
    assert (found.did, found.status, found.answer["asOf"]) == (done.did, "active", then)
    later = format_time(int(time.time()) + 5)
    client.suspend(done.did or "", "theft")
    assert client.resolve(CODE, at=later).status == "suspended"

    def active(value: dict[str, Any]) -> None:
        value["device"] |= {"status": "active", "suspendedBy": []}

    def not_shown(value: dict[str, Any]) -> None:
        del value["proof"]["entries"]

    for change in (active, not_shown):
        registry.lie = altered("/v1/resolve", change)
        with pytest.raises(InvalidAnswer):
            client.resolve(CODE, at=later)


def test_a_device_that_has_changed_very_often_is_proved_by_its_record(registry: Registry) -> None:
    client = registry.client()
    did = one_device(client).did or ""
    for n in range(BEYOND - 1):
        client.update_device(did, {"sector": {"domain": "governance", "field": f"f{n}"}})
    shown = client.resolve(CODE)
    assert shown.verified.signers
    client.update_device(did, {"sector": {"domain": "governance", "field": "safety"}})
    found = client.resolve(CODE)
    assert found.verified.signers == ()
    assert found.device["sequence"] == BEYOND
    described: dict[str, Any] = found.device["object"]
    assert described["sector"]["field"] == "safety"

    def before(value: dict[str, Any]) -> None:
        value["device"] = shown.device

    registry.lie = altered("/v1/resolve", before)
    with pytest.raises(InvalidStateProof):
        client.resolve(CODE)


def test_a_bundle_says_offline_what_was_resolved(registry: Registry) -> None:
    client = registry.client()
    done = one_device(client)
    found = client.resolve(CODE)
    data = bundle_bytes(client.trust, found.key, found.answer)
    bundle = read_bundle(orjson.loads(data))
    trust = known_as(bundle, client.trust.ledger, None)
    verified = bundle.verify(trust)
    assert (verified.did, verified.device) == (done.did, found.device)
    with pytest.raises(InvalidAnswer):
        known_as(bundle, "zQm" + "1" * 44, None)
    lied: dict[str, Any] = orjson.loads(data)
    key = ["code", "gs1", "https://id.gs1.org/01/0/21/X"]
    with pytest.raises(InvalidAnswer):
        read_bundle(lied | {"key": key}).verify(trust)
    lied["answer"]["device"]["status"] = "suspended"
    with pytest.raises(TetradError):
        read_bundle(lied).verify(trust)


def test_a_tombstone_is_proved_and_kept(registry: Registry) -> None:
    client = registry.client()
    done = one_device(client)
    client.revoke(done.did or "", "counterfeit")
    with pytest.raises(Gone):
        client.resolve(CODE)
    found = client.resolve(CODE, tombstones=True)
    bundle = read_bundle(orjson.loads(bundle_bytes(client.trust, found.key, found.answer)))
    assert bundle.verify(Trust.begin(registry.site.genesis)).status == "revoked"


def test_a_did_document_is_made_here_and_not_taken_from_the_server(registry: Registry) -> None:
    client = registry.client()
    device = one_device(client)
    did = str(device.did)
    document = client.did_document(did)
    assert document["id"] == did

    def another_key(answer: dict[str, Any]) -> None:
        answer["device"]["keys"] = [other]

    other = client.wallet.draw().keys[0]
    registry.lie = altered(f"/v1/devices/{did}", another_key)
    with pytest.raises(TetradError):
        client.did_document(did)
    registry.lie = None
    key = document["verificationMethod"][0]["publicKeyMultibase"]
    assert (
        client.did_document(f"did:key:{key}")["verificationMethod"][0]["publicKeyMultibase"] == key
    )
    with pytest.raises(NotFound):
        client.did_document(unknown_did(client))
    client.retire(did, "worn out")
    with pytest.raises(Gone):
        client.did_document(did)
