"""Devices as Web of Things Thing Descriptions 1.1, and this node as a directory of them.

    thing_of(device)       # {"@context": […], "id": "did:tetrad:…", "title": "M1", …}

A description follows from the device's record and says nothing that is not there: who made it and
to what code, what its data record describes, and where that is served. Serial numbers, numbers and
private codes are commitments in the record and left out here. Specified in specs/3-resolution.md,
"Things".
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, cast

import orjson

from identity.operation import operation_hash
from registry.state import Device, state_key
from registry.store import Store

CONTEXTS: Final = (
    "https://www.w3.org/2022/wot/td/v1.1",
    "https://www.w3.org/2022/wot/discovery",
    {"tetrad": "urn:tetrad:thing:"},
)
MEDIA: Final = "application/td+json"
ENDED: Final = ("revoked", "retired")
"""What has ended is no thing any more."""

CREATED: Final = "thing_created"
UPDATED: Final = "thing_updated"
DELETED: Final = "thing_deleted"
EVENTS: Final = (CREATED, UPDATED, DELETED)

# What anybody may read needs no security of ours; what is graded is shown to whom its controller
# allows, by a scheme that the endpoint itself tells.
_SCHEMES: Final = {"open": {"scheme": "nosec"}, "graded": {"scheme": "auto"}}


def thing_of(device: Device) -> dict[str, Any]:
    """The Thing Description of a device that has not ended (Thing Description 1.1, 5.3.1)."""
    about = device["object"]
    data = device["data"] if isinstance(device["data"], dict) else None
    security = "open" if data is None or data["grade"] == "general" else "graded"
    thing: dict[str, Any] = {
        "@context": list(CONTEXTS),
        "id": device["did"],
        "title": about["model"],
        "created": device["registered"]["time"],
        "modified": device["updated"]["time"],
        "securityDefinitions": {security: _SCHEMES[security]},
        "security": security,
        "links": _links(device, data),
        "registration": {
            "created": device["registered"]["time"],
            "modified": device["updated"]["time"],
        },
        "tetrad:status": device["status"],
        "tetrad:maker": about["maker"],
        "tetrad:controller": device["controller"],
        "tetrad:sector": about["sector"],
    }
    if "value" in device["code"]:
        thing["tetrad:code"] = device["code"]
    if data is not None:
        thing["description"] = data["describes"]
        thing["version"] = {"instance": str(data["version"])}
        thing["tetrad:grade"] = data["grade"]
        endpoints = cast("list[dict[str, str]]", data["endpoints"])
        if endpoints:
            thing["properties"] = {"data": _data(cast("str", data["describes"]), endpoints)}
    return thing


def _links(device: Device, data: dict[str, Any] | None) -> list[dict[str, str]]:
    proved = f"/v1/devices/{device['did']}?proof=1"
    links = [{"rel": "alternate", "href": proved, "type": "application/json"}]
    if data is not None:
        links.append({"rel": "describedby", "href": data["schema"]})
    return links


def _data(describes: str, endpoints: list[dict[str, str]]) -> dict[str, Any]:
    """The one property of which a record tells: the data, in each way in which it is served."""
    return {
        "title": describes,
        "readOnly": True,
        "forms": [
            {"href": one["url"], "op": "readproperty", "tetrad:type": one["type"]}
            for one in endpoints
        ],
    }


def directory_thing(ledger: str, origin: str, base: str) -> dict[str, Any]:
    """The Thing Description of this node as a directory (Discovery, 7.3), at a base address."""
    return {
        "@context": list(CONTEXTS),
        "@type": "ThingDirectory",
        "id": f"urn:tetrad:directory:{ledger}",
        "title": f"Devices of {origin}",
        "base": base,
        "securityDefinitions": {"open": _SCHEMES["open"]},
        "security": "open",
        "properties": {
            "things": {
                "description": "All Thing Descriptions, in pages",
                "type": "array",
                "readOnly": True,
                "uriVariables": {
                    "limit": {"type": "integer"},
                    "offset": {"type": "integer"},
                    "cursor": {"type": "string"},
                    "format": {"type": "string", "enum": ["array", "collection"]},
                },
                "forms": [
                    {
                        "href": "/things{?limit,offset,cursor,format}",
                        "op": "readproperty",
                        "contentType": "application/ld+json",
                    }
                ],
            }
        },
        "actions": {
            "retrieveThing": _reading("/things/{id}", "id", MEDIA),
            "searchJSONPath": _reading("/search/jsonpath{?query}", "query", "application/json"),
        },
        "events": {
            name: {
                "data": {"type": "object"},
                "uriVariables": {"diff": {"type": "boolean"}},
                "forms": [
                    {
                        "href": f"/events/{kind}{{?diff}}",
                        "op": "subscribeevent",
                        "subprotocol": "sse",
                        "contentType": "text/event-stream",
                    }
                ],
            }
            for name, kind in zip(
                ("thingCreated", "thingUpdated", "thingDeleted"), EVENTS, strict=True
            )
        },
    }


def _reading(address: str, variable: str, media: str) -> dict[str, Any]:
    return {
        "safe": True,
        "idempotent": True,
        "uriVariables": {variable: {"type": "string"}},
        "forms": [
            {
                "href": address,
                "op": "invokeaction",
                "htv:methodName": "GET",
                "response": {"contentType": media},
            }
        ],
    }


class Change(NamedTuple):
    """What an entry of the ledger did to a thing."""

    kind: str
    """One of EVENTS."""
    entry: int
    """That did it."""
    did: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    def data(self, *, whole: bool) -> dict[str, Any]:
        """What is told of it (Discovery, 7.3.2.2): the id; what is new as well, where that is
        wanted."""
        if not whole or self.after is None:
            return {"id": self.did}
        if self.before is None:
            return self.after
        return {"id": self.did, **difference(self.before, self.after)}


def change_of(store: Store, label: str, index: int, data: bytes) -> Change | None:
    """What an entry did to a thing, by the versions of the device before and after it; None where
    it was about something else, or about a device that had ended before."""
    operation: dict[str, Any] | None = orjson.loads(data).get("operation")
    if operation is None:
        return None
    did = operation.get("subject") or f"did:tetrad:{label}:{operation_hash(operation)}"
    versions = store.versions(state_key(("did", did)), limit=2, before=index + 1)
    if not versions or versions[0].entry != index:
        return None
    after, *earlier = (cast("Device", orjson.loads(one.record)) for one in versions)
    if after["kind"] != "device" or (earlier and earlier[0]["status"] in ENDED):
        return None
    before = thing_of(earlier[0]) if earlier else None
    if after["status"] in ENDED:
        return Change(DELETED, index, did, before, None)
    return Change(UPDATED if earlier else CREATED, index, did, before, thing_of(after))


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What changed, as a merge patch (RFC 7396)."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if old == value:
            continue
        both = isinstance(old, dict) and isinstance(value, dict)
        patch[name] = difference(cast("dict[str, Any]", old), value) if both else value
    return patch
