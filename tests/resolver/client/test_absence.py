"""What a client proves of what is not there, and of what is no device."""

from __future__ import annotations

import httpx
import pytest

from identity.errors import InvalidAnswer, NotFound
from tests.resolver.client.conftest import Answer, Registry
from tests.resolver.client.test_client import acme


def test_a_did_that_is_no_devices_is_proved_to_be_none(registry: Registry) -> None:
    client = registry.client()
    organization = acme(client)
    for did in (organization, client.trust.authority, f"{organization[:-1]}z"):
        with pytest.raises(NotFound) as missing:
            client.resolve(did)
        assert missing.value.members["proved"]


def test_a_code_that_is_said_to_be_free_without_proof_is_not_believed(registry: Registry) -> None:
    client = registry.client()
    acme(client)
    code = "https://id.gs1.org/01/09506000134352/21/NOBODY"
    with pytest.raises(NotFound) as missing:
        client.resolve(code)
    assert missing.value.members["proved"]

    def silent(request: httpx.Request, answer: Answer) -> httpx.Response:
        request.url = request.url.copy_remove_param("proof")
        return answer(request)

    registry.lie = silent
    with pytest.raises(InvalidAnswer):
        client.resolve(code)
