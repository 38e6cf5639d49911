"""The SDK across rotations of the log's keys: it follows what is proved, and nothing else."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from identity.errors import (
    ForkDetected,
    InvalidCheckpoint,
    NotFound,
    PolicyViolated,
    ServerUnreachable,
)
from identity.jcs import Json
from identity.wallet import Wallet
from registry.audit import audit
from registry.checkpoint import Checkpoint
from registry.note import Signer, sign_note
from registry.rules import RuleBook
from resolver.bundle import bundle_bytes, known_as, read_bundle
from resolver.client import AsyncClient, Client
from resolver.client.log import RemoteLog
from resolver.client.mirroring import Mirror
from resolver.client.monitoring import Monitor
from resolver.folder import LogSecrets, MemorySite, genesis_operation
from resolver.schemes import SCHEMES
from resolver.tile_folder import TileFolder
from resolver.trust import Trust
from resolver.verifier import verify_receipt
from tests.resolver.client.conftest import Answer, Registry
from tests.resolver.client.test_client import CODE, acme, body

RULES = RuleBook(SCHEMES)


class Governed(Registry):
    """A registry whose authority's wallet the test has, and three sets of log keys."""

    def __init__(self) -> None:
        self.wallet = Wallet(os.urandom)
        drawn = LogSecrets.new("governed.test")
        further = tuple((os.urandom(32), os.urandom(32)) for _ in range(2))
        keys = LogSecrets(
            drawn.origin, drawn.ed25519, drawn.ml_dsa_44, drawn.uniqueness, further=further
        )
        genesis = genesis_operation(keys, self.wallet, now=int(time.time()))
        super().__init__(MemorySite(keys, genesis))

    def signers(self, generation: int) -> tuple[Signer, Signer]:
        return self.site.secrets.sets[generation]

    def vkeys(self, generation: int) -> list[str]:
        return [str(signer.key) for signer in self.signers(generation)]

    def authority(self, trust: Trust | None = None) -> Client:
        """A client with the authority's wallet."""
        pinned = trust or self.trusted()
        return Client("http://registry", trust=pinned, wallet=self.wallet, transport=self)

    def rotate(self, generation: int) -> int:
        """An update to that generation of keys; its entry."""
        return self.authority().update_registry(log=self.vkeys(generation)).index


class Awaited(httpx.AsyncBaseTransport):
    """The way to it for awaited calls."""

    def __init__(self, governed: Governed) -> None:
        self._governed = governed

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await asyncio.to_thread(self._governed.handle_request, request)


@pytest.fixture
def governed() -> Iterator[Governed]:
    service = Governed()
    yield service
    service.stop()


def test_a_client_follows_rotations_by_itself(governed: Governed) -> None:
    client = governed.client()
    first = client.register_device(body(acme(client)))
    entries = [governed.rotate(1)]
    assert client.create_organization("Beta").index == entries[0] + 1
    entries.append(governed.rotate(2))
    assert client.create_organization("Gamma").index == entries[1] + 1
    assert client.resolve(CODE).status == "active"
    assert [period.entry for period in client.trust.history.keys.later] == entries
    # The receipt from before both, offline, with what is known now.
    assert verify_receipt(first.receipt.encode(), first.operation, client.trust.pinned)
    again, _ = client.operation_receipt(first.operation)
    assert again.index == first.index


def test_who_pins_the_genesis_late_learns_all_of_it(governed: Governed) -> None:
    entries = [governed.rotate(1), governed.rotate(2)]
    acme(governed.client())
    late = governed.client()
    late.checkpoint()
    assert [period.entry for period in late.trust.history.keys.later] == entries
    assert Trust.from_json(late.trust.to_json()) == late.trust


def test_who_was_away_resolves_as_before(governed: Governed) -> None:
    away = governed.client()
    away.register_device(body(acme(away)))
    before = away.resolve(CODE)
    kept = bundle_bytes(away.trust, before.key, before.answer)
    entries = [governed.rotate(1), governed.rotate(2)]
    other = governed.client()
    last = other.create_organization("Beta").operation
    other.operation_receipt(last, witnessed=True)  # what is published is by the last keys now
    with pytest.raises(NotFound) as absent:
        away.resolve("(01)09506000134352(21)NOBODY")
    assert absent.value.members["proved"]
    found = away.resolve(CODE)
    assert found.device == before.device
    assert [period.entry for period in away.trust.history.keys.later] == entries
    # A bundle brings the keys that it stands on, and one of before is worth what it was.
    new = bundle_bytes(away.trust, found.key, found.answer)
    for data, told in ((kept, governed.trusted()), (kept, away.trust), (new, governed.trusted())):
        bundle = read_bundle(orjson.loads(data))
        assert bundle.verify(known_as(bundle, told.ledger, told)).device == before.device
    bare = orjson.loads(new) | {"updates": []}
    with pytest.raises(InvalidCheckpoint):
        read_bundle(bare).verify(governed.trusted())


def test_evidence_may_lie_in_a_static_file(governed: Governed) -> None:
    """Which gives the same answer whatever is asked for."""
    governed.rotate(1)
    governed.rotate(2)
    acme(governed.client())
    whole = governed.answer(httpx.Request("GET", "http://registry/v1/ledger/keys")).content
    shows(governed, keys=(200, whole))
    client = governed.client()
    client.checkpoint()
    assert len(client.trust.updates) == 2


def test_awaited_calls_learn_once(governed: Governed) -> None:
    governed.rotate(1)
    acme(governed.client())

    async def together() -> Trust:
        wire = Awaited(governed)
        async with AsyncClient(
            "http://registry", trust=governed.trusted(), transport=wire
        ) as client:
            await asyncio.gather(*(client.checkpoint() for _ in range(4)))
            return client.trust

    assert len(asyncio.run(together()).updates) == 1


def test_a_monitor_and_a_mirror_follow_rotations(governed: Governed, tmp_path: Path) -> None:
    def watched() -> int:
        with Monitor(tmp_path / "monitor", governed.trusted()) as monitor:
            size = monitor.look(governed.client()).size
            assert len(monitor.trust.updates) == expected
        return size

    async def mirrored() -> int:
        with TileFolder(tmp_path / "mirror") as folder:
            async with AsyncClient("http://registry", transport=Awaited(governed)) as client:
                # A mirror keeps files and no trust: it learns of every rotation anew.
                return await Mirror(client, governed.trusted(), folder).update()

    expected = 0
    first = watched()
    for expected in (1, 2):
        governed.rotate(expected)
        governed.client().create_organization(f"Org {expected}")
        assert watched() > first
        assert asyncio.run(mirrored()) > first


def test_a_log_over_http_is_audited_across_rotations(governed: Governed) -> None:
    governed.rotate(1)
    acme(governed.client())
    governed.rotate(2)
    client = governed.client()
    audited = audit(RemoteLog(client), RULES, genesis=client.trust.ledger)
    assert audited.operations["registry.update"] == 2


def test_an_update_of_policy_and_witnesses(governed: Governed) -> None:
    client = governed.authority()
    policy: dict[str, Json] = {
        "created": {"past": 600, "future": 60},
        "ipv6": "optional",
        "prefixes": 2,
    }
    client.update_registry(policy=policy, witnesses="quorum none\n")
    record = client.registry()
    assert (record["policy"], record["witnesses"]) == (policy, "quorum none\n")
    assert client.describe()["policy"] == policy
    assert record["log"] == governed.vkeys(0)


def test_keys_that_the_service_does_not_hold_are_refused(governed: Governed) -> None:
    client = governed.authority()
    elsewhere = [str(one.key) for one in LogSecrets.new("governed.test").signers]
    with pytest.raises(PolicyViolated) as refused:
        client.update_registry(log=elsewhere)
    assert "--rotate-log-keys" in refused.value.hint
    client.update_registry(log=governed.vkeys(1))


def test_an_update_that_was_cut_off_is_finished_and_not_made_twice(governed: Governed) -> None:
    client = governed.authority()

    def cut(request: httpx.Request, answer: Answer) -> httpx.Response:
        if request.method == "POST":
            answer(request)
            raise httpx.ReadError("cut", request=request)
        return answer(request)

    governed.lie = cut
    with pytest.raises(ServerUnreachable):
        client.update_registry(log=governed.vkeys(1))
    governed.lie = None
    done = client.update_registry(log=governed.vkeys(1))
    assert done.repeated
    assert [period.entry for period in client.log_keys().later] == [done.index]
    assert client.update_registry(witnesses="quorum none\n").index == done.index + 1


# Lies


def newest(governed: Governed, *signers: Signer, root: bytes = b"", more: int = 0) -> bytes:
    head = governed.site.store.head()
    assert head is not None
    tree = Checkpoint("governed.test", head.size + more, root or head.root)
    return sign_note(tree.format(), signers, int(time.time()))


def shows(governed: Governed, **answers: Any) -> None:
    """From now on: other answers at /checkpoint, /v1/ledger/keys and for consistency proofs."""

    def lie(request: httpx.Request, answer: Answer) -> httpx.Response:
        for name, content in answers.items():
            if request.url.path.endswith(name):
                return httpx.Response(content[0], content=content[1])
        return answer(request)

    governed.lie = lie


@pytest.mark.parametrize("keys", [(200, b'{"updates":[]}'), (404, b"{}")])
def test_a_server_that_withholds_the_evidence_is_not_believed(
    governed: Governed, keys: tuple[int, bytes]
) -> None:
    client = governed.client()
    governed.rotate(1)
    acme(governed.client())
    shows(governed, keys=keys)
    with pytest.raises(InvalidCheckpoint):
        client.checkpoint()
    governed.lie = None
    client.checkpoint()


def test_after_a_rotation_the_old_key_is_refused(governed: Governed) -> None:
    """For the tree that there is, for one that grows, and for one of the same size: a fork."""
    client = governed.client()
    governed.rotate(1)
    acme(client)
    assert client.trust.updates
    before = client.trust
    old = governed.signers(0)
    for note in (
        newest(governed, *old),
        newest(governed, *old, more=3, root=bytes(32)),
        newest(governed, *old, root=bytes(32)),
    ):
        shows(governed, checkpoint=(200, note))
        with pytest.raises(InvalidCheckpoint, match="not in force"):
            client.checkpoint()
    assert client.trust == before


def test_a_client_that_the_old_key_led_away_notices(governed: Governed) -> None:
    client = governed.client()
    client.checkpoint()
    governed.rotate(1)
    fork = newest(governed, governed.signers(0)[0], more=5, root=bytes(32))
    client.flows.set_trust(Trust(client.trust.genesis, fork))
    acme(governed.client())
    with pytest.raises(ForkDetected) as found:
        client.checkpoint()
    assert found.value.members["seen"] == fork.decode()
    assert not client.trust.updates


def test_evidence_of_another_tree_is_held_against_what_was_seen(governed: Governed) -> None:
    """The checkpoint of an update is itself a tree that must be of the one history."""
    client = governed.client()
    acme(client)
    other = Governed()
    try:
        other.rotate(1)
        item = other.answer(httpx.Request("GET", "http://registry/v1/ledger/keys")).content
    finally:
        other.stop()
    governed.rotate(1)
    acme_again = governed.client()
    acme_again.create_organization("Beta")
    shows(governed, keys=(200, item))
    with pytest.raises(InvalidCheckpoint):
        client.checkpoint()
    assert not client.trust.updates
