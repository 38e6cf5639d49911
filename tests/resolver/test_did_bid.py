"""did:bid over HTTP: as a code it finds its device, as another name the document shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from identity.bid import bid_of
from resolver.verifier import verify_answer
from tests.factory import Subject, key
from tests.resolver.answering import pinned
from tests.resolver.town import INLINE, JSON, Town, problem


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A town, shared by the tests of this module."""
    with Town(INLINE) as town:
        yield town


@pytest.fixture(scope="module")
def acme(town: Town) -> Subject:
    """Acme with two prefixes: GTINs, and a chain of did:bid."""
    acme = town.acme()
    town.accept(town.prefix(acme, "did-bid:acsn"))
    return acme


def document(town: Town, subject: Subject) -> Any:
    bare = {"accept": "application/did"}
    return town.get(f"/1.0/identifiers/{subject.did}", headers=bare).json()


def own_bid(name: str, algorithm: str = "Ed25519", chain: str | None = None) -> str:
    return bid_of(key(f"{name}/0", algorithm).public.multikey, chain)


@pytest.mark.parametrize("algorithm", ["Ed25519", "SM2"])
def test_a_device_whose_code_is_its_did_bid(town: Town, acme: Subject, algorithm: str) -> None:
    name = f"bid-{algorithm}"
    code = own_bid(name, algorithm, "acsn")
    device = town.device(name, acme, algorithm=algorithm, code={"scheme": "did-bid", "value": code})
    for answer in (
        town.get("/v1/resolve", params={"code": code, "proof": "1"}),
        town.request(
            "POST", "/v1/resolve", content=orjson.dumps({"code": code, "proof": True}), headers=JSON
        ),
    ):
        assert answer.status_code == 200, answer.text
        assert answer.json()["device"]["did"] == device.did
        verify_answer(answer.json(), pinned(town), key=("code", "did-bid", code))
    assert document(town, device)["alsoKnownAs"] == [code]


def test_names_on_another_chain_come_and_go(town: Town, acme: Subject) -> None:
    bid = own_bid("M-1")
    device = town.device("M-1", acme, alsoKnownAs=[bid])
    code = "https://id.gs1.org/01/09506000134352/21/M-1"
    assert document(town, device)["alsoKnownAs"] == [code, bid]
    town.accept(town.rotate(device))
    assert document(town, device)["alsoKnownAs"] == [code, bid]
    answer = town.get("/v1/resolve", params={"code": code, "proof": "1"}).json()
    assert answer["device"]["alsoKnownAs"] == [bid]
    verify_answer(answer, pinned(town), key=("did", device.did))
    town.accept(town.follow(device, "device.update", {"alsoKnownAs": []}, by=[acme]))
    assert document(town, device)["alsoKnownAs"] == [code]


def test_an_organization_is_known_on_another_chain(town: Town, acme: Subject) -> None:
    assert "alsoKnownAs" not in document(town, acme)
    bid = bid_of(acme.key.public.multikey, "acsn")
    town.accept(town.follow(acme, "organization.update", {"alsoKnownAs": [bid]}))
    assert document(town, acme)["alsoKnownAs"] == [bid]


def test_anothers_did_bid_is_refused(town: Town, acme: Subject) -> None:
    taken = own_bid("M-1")
    refused = town.post(
        town.follow(acme, "organization.update", {"alsoKnownAs": [taken]}).submission
    )
    shown = problem(refused)
    assert (shown["code"], shown["pointer"]) == ("right.missing", "/body/alsoKnownAs/0")
    for text in (
        "did:bid:sf" + taken[10:],
        "did:bid:et" + taken[10:],
        "did:web:example.com",
        taken[:-9],
    ):
        body = {"alsoKnownAs": [text]}
        answer = town.post(town.follow(acme, "organization.update", body).submission)
        assert problem(answer)["code"] in ("input.schema", "code.malformed"), text


def test_a_did_bid_that_nobody_has_is_not_found(town: Town, acme: Subject) -> None:
    assert acme.did
    code = own_bid("nobody", chain="acsn")
    assert town.get("/v1/resolve", params={"code": code}).status_code == 404
