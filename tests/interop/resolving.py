"""The running service as the suites of DID Resolution and Web of Things are configured with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import httpx

from resolver.client import Client
from tests.interop.suites import Implementation

RESOLUTION = "application/did-resolution"
SERVICE = "https://meters.example.org/data/m-1"


@dataclass(frozen=True)
class Suite:
    """The suite's configuration: an endpoint, and DIDs of every kind."""

    implementation: Implementation
    client: Client
    valid: list[str]
    device: str
    method: str
    gone: str

    def ask(self, did: str, accept: str = RESOLUTION, **options: str) -> httpx.Response:
        query = f"?{urlencode(options, quote_via=quote, safe='')}" if options else ""
        path = f"/1.0/identifiers/{did}{query}"
        return self.implementation.client.get(path, headers={"accept": accept})


@contextmanager
def configured(implementation: Implementation) -> Iterator[Suite]:
    """The running service with an organization, a device that serves data, and one that is gone."""
    with Client(str(implementation.client.base_url)) as client:
        client.pin(client.introduce())
        acme = client.create_organization("Acme Meters")
        assert acme.did is not None
        client.issue_grant(acme.did, "prefix", {"scheme": "gtin", "prefix": "09506000"})
        data = {
            "describes": "readings",
            "schema": "https://meters.example.org/schema.json",
            "version": 1,
            "grade": "general",
            "endpoints": [{"type": "Readings", "url": SERVICE}],
            "commitment": "A" * 43,
        }
        about = {
            "object": {
                "maker": acme.did,
                "model": "M1",
                "sector": {"domain": "production", "field": "industry"},
                "ipv6": "enabled",
            }
        }
        device, gone = (
            str(
                client.register_device(
                    {
                        "object": {**about["object"], "serial": name},
                        "code": f"(01)09506000134352(21){name}",
                        "number": "none",
                        "data": data,
                    }
                ).did
            )
            for name in ("R-1", "R-2")
        )
        client.retire(gone, "scrapped")
        listed = implementation.client.get("/1.0/testIdentifiers").json()
        valid = [acme.did, device, *(did for dids in listed.values() for did in dids)]
        method = client.did_document(device)["verificationMethod"][0]["id"]
        yield Suite(implementation, client, valid, device, method, gone)
