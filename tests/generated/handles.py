"""specs/vectors/resolution/handles.json: records of the state, and the values of their handles."""

from __future__ import annotations

from typing import Any

import orjson

from resolver.handles.encoding import HandleValue, digests_of
from resolver.handles.signing import unsigned
from resolver.handles.values import PREFIX_HANDLE, device_values, prefix_values
from tests.generated import file

WHEN = "2026-11-22T08:06:00Z"
LEDGER = "did:tetrad:kta2wkpizqzouzvv:"
ACME = LEDGER + "zQmbpiscExf2d7ypyHhuhkNp9NCiA63ENXESfZ1UbAtzwjj"


def device(**members: Any) -> Any:
    """What the values are made of, out of a device's record."""
    return {
        "did": LEDGER + "zQmTDmxoRbggVHiNhjj3aCzJBe39YmF2Hc3tq4mrV5wbYMx",
        "status": "active",
        "controller": ACME,
        "object": {
            "maker": ACME,
            "model": "M1",
            "sector": {"category": "C4016", "domain": "production", "field": "industry"},
        },
        "data": {
            "commitment": "Q1cJDLRPWhQqMGbrUPIfpDY8UjsXhrk2tHYK3kqX-bg",
            "describes": "Cumulative consumption of water",
            "endpoints": [
                {"type": "LwM2M", "url": "coaps://m-0017.acme.example/9"},
                {"type": "Page", "url": "https://acme.example/m-0017?a=1&b=2"},
            ],
            "grade": "general",
            "schema": "https://acme.example/schemas/meter-1.json",
            "version": 2,
        },
        "updated": {"entry": 7, "time": WHEN},
        **members,
    }


def grant(**scope: Any) -> Any:
    """A grant's record."""
    return {
        "grant": "zQmWMczynHk4VHhxUxhHhQfLbkzmio15ah6zQ2guVz5trP5",
        "right": "prefix",
        "to": ACME,
        "scope": {"scheme": "idis", "prefix": "88.100.9999", **scope},
        "notAfter": "2030-01-01T00:00:00Z",
        "status": "active",
        "issued": {"entry": 3, "time": WHEN},
    }


NODE = {"ledger": "zQmRoot", "origin": "node.example", "urls": ["https://node.example"]}


def shown(handle: str, values: list[HandleValue]) -> dict[str, Any]:
    """Values as they are served, and their digests."""
    return {
        "handle": handle,
        "values": [orjson.loads(one.json()) for one in [*values, *unsigned(handle, values)]],
        "digests": digests_of(values),
    }


def of_device(name: str, handle: str, scheme: str, record: Any) -> dict[str, Any]:
    """A vector of a device."""
    values = device_values(handle, scheme, record)
    return {"name": name, "scheme": scheme, "device": record, **shown(handle, values)}


def of_prefix(name: str, prefix: str, record: Any) -> dict[str, Any]:
    """A vector of a prefix."""
    holder: Any = {"name": "Acme Meters 水表"}
    values = prefix_values(prefix, record, holder)
    return {
        "name": name,
        "grant": record,
        "holder": holder,
        **shown(PREFIX_HANDLE + prefix, values),
    }


def files() -> dict[str, bytes]:
    """One file."""
    handle = "88.100.9999/dev0001"
    vectors = [
        of_device("under 88.", handle, "idis", device()),
        of_device("another prefix, with characters to escape", "86.1000.1/a#b?c%20@d", "handle",
                  device(data="none", object={"maker": ACME, "model": 'M"1\\ 水'})),
        of_device("suspended", handle, "idis", device(status="suspended", reason="calibration")),
        of_device("retired: no URL", handle, "idis", device(status="retired", reason="scrapped")),
        of_prefix("a prefix", "88.100.9999", grant()),
        of_prefix("a prefix with a node of its own", "88.100.9999", grant(node=NODE)),
    ]  # fmt: skip
    value = {
        "description": "The values of a handle, out of the members of a record that they are made"
        " of; a digest is over a value's bytes without its index and timestamp.",
        "vectors": vectors,
    }
    return {"vectors/resolution/handles.json": file(value)}
