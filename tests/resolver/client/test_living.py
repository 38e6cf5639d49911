"""The SDK through recoveries and transfers: several wallets, waits, lies, stops at every step."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import orjson
import pytest

from identity.errors import (
    EvidenceRefused,
    KeyReused,
    KeystoreError,
    NotFound,
    SignerMissing,
    SignerUnexpected,
    TetradError,
    TimeOutOfBounds,
    WrongState,
)
from identity.members import format_time
from identity.takeovers import new_share
from identity.wallet import Wallet
from resolver.client import Client
from resolver.client.signing import sign_what_we_can
from resolver.movable_clock import MovableClock
from resolver.prepared import read_prepared
from tests.resolver.client.conftest import Answer, Registry
from tests.resolver.client.test_client import CODE, acme, body

WEEK = 7 * 86_400
DAY = 86_400


class Stopped(BaseException):
    """The program ends here, with nothing but what it had saved."""


class Person:
    """Somebody with a wallet on a disk, whose program may be stopped."""

    def __init__(self, registry: Life) -> None:
        self.registry = registry
        self.saved = Wallet(os.urandom).to_json()
        self.left = -1
        """Steps until the program is stopped: each is a save, or one half of a request."""
        self.client = self.start()

    def start(self) -> Client:
        wallet = Wallet.from_json(orjson.loads(orjson.dumps(self.saved)), os.urandom)
        self.client = Client(
            "http://registry",
            trust=self.registry.trusted(),
            wallet=wallet,
            save=self.save,
            transport=self.registry,
            clock=self.registry.clock,
        )
        return self.client

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Stopped

    def save(self) -> None:
        self.step()
        self.saved = self.client.wallet.to_json()

    def cut(self, request: httpx.Request, answer: Answer) -> httpx.Response:
        """A request that may not arrive, or whose answer may not."""
        self.step()
        response = answer(request)
        self.step()
        return response

    def does(self, act: Callable[[Client], Any]) -> Any:
        """Does it, however often it takes."""
        while True:
            self.registry.lie = self.cut
            try:
                return act(self.client)
            except Stopped:
                self.start()
            finally:
                self.registry.lie = None


class Life(Registry):
    """A registry whose clock goes forward."""

    def __init__(self) -> None:
        self.clock = MovableClock(time.time)
        super().__init__(clock=self.clock)

    def person(self) -> Person:
        return Person(self)

    def types(self) -> Counter[str]:
        """How many operations of each type there are."""
        reader = self.app.state.service.reader
        entries = [orjson.loads(one) for one in reader.entries(0, reader.head().size)]
        return Counter(one["operation"]["type"] for one in entries if "operation" in one)


@pytest.fixture
def life() -> Iterator[Life]:
    service = Life()
    yield service
    service.stop()


def quorum(*guardians: Person, threshold: int = 2, wait: int = WEEK) -> dict[str, Any]:
    shares = [new_share(guardian.client.wallet).thumbprint for guardian in guardians]
    for guardian in guardians:
        guardian.save()
    return {"threshold": threshold, "keys": shares, "wait": wait}


def revealed(*guardians: Person) -> list[str]:
    """The Multikeys of the shares that guardians keep."""
    wallets = [guardian.client.wallet for guardian in guardians]
    return [wallet.key(one).public.multikey for wallet in wallets for one in wallet.shares]


def passed_round(error: SignerMissing, *guardians: Person) -> dict[str, Any]:
    """What guardians sign one after the other, each with what the one before sent on."""
    prepared = read_prepared(error.members["prepared"])
    for guardian in guardians:
        text = orjson.dumps(prepared.value())
        prepared = sign_what_we_can(read_prepared(orjson.loads(text)), guardian.client.wallet)
    return prepared.submission()


def test_an_organization_whose_wallet_is_lost_is_recovered_by_its_guardians(life: Life) -> None:
    lost, one, two, three = (life.person() for _ in range(4))
    did = lost.client.create_organization("Acme", recovery=quorum(one, two, three)).did
    assert did is not None
    fresh = life.person()
    with pytest.raises(KeystoreError, match="0 of the 2"):
        fresh.client.begin_recovery(did)
    with pytest.raises(SignerMissing) as missing:
        fresh.client.begin_recovery(did, quorum=revealed(one, three))
    done = fresh.client.submit(passed_round(missing.value, one, three))
    assert done.operation["type"] == "recovery.begin"
    assert fresh.client.begin_recovery(did, quorum=revealed(one, three)) is None
    with pytest.raises(TimeOutOfBounds) as early:
        fresh.client.finish_recovery(did)
    assert early.value.members["ready"] == fresh.client.subject(did)["recovering"]["ready"]
    life.clock.advance(WEEK)
    finished = fresh.client.finish_recovery(did)
    assert finished is not None
    fresh.client.update_organization(did, {"name": "Acme again"})
    assert fresh.client.rotate_keys(did).operation["type"] == "keys.rotate"
    with pytest.raises(TetradError):
        lost.client.update_organization(did, {"name": "Mine"})


def test_whoever_finishes_it_the_new_keys_are_taken_up(life: Life) -> None:
    lost, one, two = (life.person() for _ in range(3))
    did = lost.client.create_organization("Acme", recovery=quorum(one, two)).did
    other = life.person()
    other.client.create_organization("Other")
    fresh = life.person()
    with pytest.raises(SignerMissing) as missing:
        fresh.client.begin_recovery(str(did), quorum=revealed(one, two))
    fresh.client.submit(passed_round(missing.value, one, two))
    life.clock.advance(WEEK)
    assert other.client.finish_recovery(str(did)) is not None
    assert fresh.client.finish_recovery(str(did)) is None
    assert fresh.client.wallet.identities[str(did)].name == "Acme"
    fresh.client.update_organization(str(did), {"name": "Acme again"})


def test_after_a_cancellation_other_keys_are_drawn_and_stand(life: Life) -> None:
    thief, one = life.person(), life.person()
    did = str(thief.client.create_organization("Acme", recovery=quorum(one, threshold=1)).did)
    first = one.client.begin_recovery(did)
    assert first is not None
    thief.client.rotate_keys(did)
    life.clock.advance(1)
    second = one.client.begin_recovery(did)
    assert second is not None
    assert second.operation["body"]["keys"] != first.operation["body"]["keys"]  # type: ignore[index,call-overload]
    thief.client.rotate_keys(did)
    life.clock.advance(WEEK)
    assert one.client.finish_recovery(did) is not None
    one.client.update_organization(did, {"name": "Ours"})
    with pytest.raises(TetradError):
        thief.client.rotate_keys(did)


def test_a_device_is_sold_within_one_wallet(life: Life) -> None:
    person = life.person()
    client = person.client
    device = str(client.register_device(body(acme(client))).did)
    beta = str(client.create_organization("Beta").did)
    client.offer_device(device, beta, format_time(int(life.clock()) + DAY))
    assert client.resolve(CODE).device["offer"]["to"] == beta
    accepted = client.accept_device(device)
    assert accepted is not None
    assert client.resolve(CODE).device["controller"] == beta
    client.rotate_keys(device)
    client.rebind_number(device, "none")


def sold(life: Life, seller: Person, buyer: Person) -> tuple[str, str]:
    """A device on offer, and its next key."""
    device = str(seller.client.register_device(body(acme(seller.client))).did)
    beta = str(buyer.client.create_organization("Beta").did)
    seller.client.offer_device(device, beta, format_time(int(life.clock()) + DAY))
    wallet = seller.client.wallet
    return device, wallet.key(wallet.identities[device].next[0]).public.multikey


def test_a_device_is_sold_between_wallets_by_the_key_that_it_reveals(life: Life) -> None:
    seller, buyer = life.person(), life.person()
    device, committed = sold(life, seller, buyer)
    with pytest.raises(SignerMissing) as missing:
        buyer.client.accept_device(device, keys=[committed])
    seller.client.submit(passed_round(missing.value, seller))
    assert buyer.client.accept_device(device, keys=[committed]) is None
    buyer.client.rotate_keys(device)
    buyer.client.retire(device, "worn out")


def test_a_device_is_sold_between_wallets_with_the_prefix_holder(life: Life) -> None:
    """The buyer draws keys, to which nothing was committed: who issues the codes signs."""
    seller, buyer = life.person(), life.person()
    device, _ = sold(life, seller, buyer)
    with pytest.raises(SignerMissing):
        buyer.client.accept_device(device)
    holder = seller.client.resolve(device).device["controller"]
    with pytest.raises(SignerMissing) as missing:
        buyer.client.accept_device(device, also=[holder])
    seller.client.submit(passed_round(missing.value, seller))
    assert buyer.client.accept_device(device) is None
    buyer.client.rebind_number(device, "none")
    with pytest.raises(SignerMissing):
        seller.client.update_device(device, {"data": "none"})


def test_an_offer_is_taken_back(life: Life) -> None:
    seller, buyer = life.person(), life.person()
    device, committed = sold(life, seller, buyer)
    seller.client.withdraw_offer(device)
    with pytest.raises(NotFound, match="not on offer"):
        buyer.client.accept_device(device, keys=[committed])


def test_no_key_is_forgotten_at_a_servers_word(life: Life) -> None:
    """Which says that an acceptance was done, while its proof says otherwise."""
    client = life.person().client
    device = str(client.register_device(body(acme(client))).did)
    beta = str(client.create_organization("Beta").did)
    client.offer_device(device, beta, format_time(int(life.clock()) + DAY))
    life.lie = lambda request, answer: (
        httpx.Response(503, json={"code": "unavailable", "title": "x", "status": 503})
        if request.method == "POST"
        else answer(request)
    )
    with pytest.raises(TetradError):
        client.accept_device(device)
    present = client.wallet.identities[device].keys[0]
    client.wallet.receipts.clear()
    (revealed_key,) = client.wallet.takeovers[device].multikeys

    def pretends(request: httpx.Request, answer: Answer) -> httpx.Response:
        response = answer(request)
        if request.method == "GET" and request.url.path.startswith("/v1/devices/"):
            shown = orjson.loads(response.content)
            shown["device"]["keys"] = [revealed_key]
            return httpx.Response(200, json=shown)
        return response

    life.lie = pretends
    with pytest.raises(EvidenceRefused):
        client.accept_device(device)
    life.lie = None
    assert client.wallet.identities[device].keys == [present]
    assert client.wallet.key(present)
    client.accept_device(device)
    assert client.resolve(device).device["controller"] == beta


# Stops


def recovering(life: Life, person: Person) -> tuple[str, list[Callable[[Client], Any]]]:
    guardian = person
    founder = life.person()
    recovery = quorum(guardian, threshold=1)
    did = str(founder.client.create_organization("Acme", recovery=recovery).did)

    def waited(_: Client) -> None:
        if life.clock.ahead < WEEK:
            life.clock.advance(WEEK)

    return did, [
        lambda client: client.begin_recovery(did),
        waited,
        lambda client: client.finish_recovery(did),
    ]


def selling(life: Life, person: Person) -> tuple[str, list[Callable[[Client], Any]]]:
    client = person.client
    device = str(client.register_device(body(acme(client))).did)
    beta = str(client.create_organization("Beta").did)
    until = format_time(int(life.clock()) + DAY)

    def offered(client: Client) -> None:
        for done in client.finish():
            if done.operation["type"] == "transfer.offer":
                return
        if "offer" not in client.subject(device):
            client.offer_device(device, beta, until)

    return device, [offered, lambda client: client.accept_device(device)]


@pytest.mark.parametrize("story", [recovering, selling])
def test_whatever_step_it_is_stopped_at_it_comes_to_one_end(story: Any) -> None:
    stops = 0
    while True:
        life = Life()
        try:
            person = life.person()
            did, acts = story(life, person)
            before = life.types()
            person.left = stops + 1
            for act in acts:
                person.does(act)
            stopped, person.left = person.left <= 0, -1
            happened = life.types() - before
            assert set(happened.values()) == {1}, (stops, happened)
            assert len(happened) == 2
            # And it is this wallet's, which goes on with it.
            assert person.client.rotate_keys(did).repeated is False
            assert not person.client.wallet.takeovers
        finally:
            life.stop()
        if not stopped:
            break
        stops += 1
    assert stops > 8


def test_a_second_acceptance_at_once_is_refused(life: Life) -> None:
    person = life.person()
    client = person.client
    device = str(client.register_device(body(acme(client))).did)
    beta = str(client.create_organization("Beta").did)
    client.offer_device(device, beta, format_time(int(life.clock()) + DAY))
    other = Person.__new__(Person)
    other.registry, other.saved, other.left = life, client.wallet.to_json(), -1
    other.start()
    assert client.accept_device(device) is not None
    with pytest.raises((NotFound, WrongState, KeyReused, SignerUnexpected)):
        other.client.accept_device(device)
