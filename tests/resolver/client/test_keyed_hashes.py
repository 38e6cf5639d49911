"""What a client proves of values that the ledger only has as keyed hashes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from identity.disclosure import NUMBER
from identity.errors import EvidenceRefused, InvalidVrfProof, NotFound
from registry.uniqueness import ECVRF
from resolver.client import Client
from resolver.folder import MemorySite
from tests.factory import disclosed
from tests.resolver.client.conftest import Answer, Registry
from tests.resolver.client.test_client import one_device

SCHEME, FREE = "msisdn-cn-iot", "1440000000999"


@pytest.fixture
def proving() -> Iterator[Registry]:
    """A registry whose keyed hashes are those of a VRF."""
    registry = Registry(MemorySite.sandbox(int(time.time()), uniqueness=ECVRF))
    yield registry
    registry.stop()


def missing(client: Client, disclosure: str) -> NotFound:
    with pytest.raises(NotFound) as absent:
        client.resolve(disclosure=disclosure, scheme=SCHEME)
    return absent.value


def test_a_number_is_proved_present_and_absent(proving: Registry) -> None:
    client = proving.client()
    done = one_device(client)
    number = done.disclosures[1]
    found = client.resolve(disclosure=number, scheme=SCHEME)
    assert found.did == done.did
    assert missing(client, disclosed(NUMBER, FREE).encoded).members["proved"]
    client.retire(done.did or "", "worn out")
    assert missing(client, number).members["proved"]


def test_under_hmac_absence_is_the_registrys_word(registry: Registry) -> None:
    assert "proved" not in missing(registry.client(), disclosed(NUMBER, FREE).encoded).members


def test_a_registry_cannot_prove_the_absence_of_another_number(proving: Registry) -> None:
    """It hides a number by proving that there is nothing under the hash of one that is free."""
    client = proving.client()
    number = one_device(client).disclosures[1]
    other = orjson.dumps(
        {"disclosure": disclosed(NUMBER, FREE).encoded, "scheme": SCHEME, "proof": True}
    )

    def hidden(request: httpx.Request, answer: Answer) -> httpx.Response:
        return answer(httpx.Request("POST", request.url, headers=request.headers, content=other))

    proving.lie = hidden
    with pytest.raises(InvalidVrfProof):
        client.resolve(disclosure=number, scheme=SCHEME)


@pytest.mark.parametrize("member", ["proof", "key"])
def test_a_changed_proof_of_the_hash_is_refused(proving: Registry, member: str) -> None:
    client = proving.client()
    number = one_device(client).disclosures[1]

    def changed(request: httpx.Request, answer: Answer) -> httpx.Response:
        response = answer(request)
        told: dict[str, Any] = response.json()
        told["unique"][member] = told["unique"][member][:-1]
        return httpx.Response(response.status_code, json=told)

    proving.lie = changed
    with pytest.raises(EvidenceRefused):
        client.resolve(disclosure=number, scheme=SCHEME)
