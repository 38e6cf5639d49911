"""Web of Things: our Thing Descriptions before the W3C's schema and node-wot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from resolver.things import directory_thing
from tests.interop.resolving import Suite

Node = Callable[[str, str, Any], Any]


def test_things_of_a_running_service(suite: Suite, node: Node) -> None:
    client = suite.implementation.client
    things = client.get("/things").json()
    assert suite.device in [thing["id"] for thing in things]
    told = node("things.mjs", "check", {"things": things})
    assert [one["errors"] for one in told] == [[]] * len(things)
    by_id = {one["id"]: one for one in told}
    assert by_id[suite.device]["properties"] == ["data"]
    directory = client.get("/.well-known/wot").json()
    (told,) = node("things.mjs", "check", {"things": [directory]})
    assert (told["errors"], told["properties"]) == ([], ["things"])


def test_the_schema_says_no_to_what_is_no_thing(node: Node) -> None:
    thing = directory_thing("zQm", "origin.example", "https://node.example/")
    without = [{k: v for k, v in thing.items() if k != name} for name in ("title", "security")]
    odd = [
        {**thing, "@context": "https://example.org/"},
        {**thing, "properties": {"data": {"forms": []}}},
        {**thing, "securityDefinitions": {"open": {"scheme": 5}}},
    ]
    for one in node("things.mjs", "schema", {"things": [*without, *odd]}):
        assert one["errors"]
