"""The dialects of a recursive resolver: devices of the whole tree in words of others."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from identity.multibase import base64url_encode
from resolver.did_resolution import document_of
from resolver.handles.verifying import verify_handle
from resolver.trust import Trust
from tests.resolver.recursion.forest import ACME, BASE, Forest
from tests.resolver.town import problem

W3C = "https://www.w3.org/ns/did#"


@pytest.fixture(scope="module")
def forest() -> Iterator[Forest]:
    """A tree."""
    with Forest() as forest:
        yield forest


def test_a_did_is_resolved_out_of_the_tree(forest: Forest) -> None:
    did = forest.meter.did
    resolved = forest.get(f"/1.0/identifiers/{did}")
    assert resolved.status_code == 200
    result = resolved.json()
    (record,) = (forest.acme.get(f"/v1/devices/{did}").json()["device"],)
    assert result["didDocument"] == document_of(record)
    label = did.split(":")[2]
    (proof,) = result["didDocumentMetadata"]["proof"]
    assert proof["ledger"] == label
    assert forest.get(proof["evidence"]).json()["path"]
    assert forest.get("/1.0/methods").json() == ["key", "tetrad"]
    assert forest.get("/1.0/properties").json() == {"key": {}, "tetrad": {}}
    assert forest.get("/1.0/testIdentifiers").json() == {"key": [], "tetrad": []}


def test_what_a_tree_cannot_say_of_a_did(forest: Forest) -> None:
    did = forest.meter.did
    for path, status, code in (
        (f"{did}?versionId=3", 501, "FEATURE_NOT_SUPPORTED"),
        (f"{did}?noCache=true", 501, "FEATURE_NOT_SUPPORTED"),
        (did[:-1] + ("A" if did[-1] != "A" else "B"), 404, "NOT_FOUND"),
        ("did:tetrad:aaaaaaaaaaaaaaaa:x", 400, "INVALID_DID"),
    ):
        refused = forest.get(f"/1.0/identifiers/{path}")
        assert refused.status_code == status, refused.text
        assert refused.json()["didResolutionMetadata"]["error"]["type"] == W3C + code


def test_a_thing_of_the_tree(forest: Forest) -> None:
    thing = forest.get(f"/things/{forest.meter.did}").json()
    assert thing == forest.acme.get(f"/things/{forest.meter.did}").json()
    assert thing["id"] == forest.meter.did


def test_a_shell_of_the_tree(forest: Forest) -> None:
    did = forest.meter.did
    for name, value in (("gs1", BASE + "M-1"), ("globalAssetId", BASE + "M-1"), ("did", did)):
        asset = base64url_encode(orjson.dumps({"name": name, "value": value}))
        found = forest.get("/lookup/shells", params={"assetIds": asset})
        assert found.json() == {"paging_metadata": {}, "result": [did]}
    many = base64url_encode(orjson.dumps({"name": "model", "value": "M1"}))
    refused = problem(forest.get("/lookup/shells", params={"assetIds": many}))
    assert "many devices" in refused["detail"]
    links = forest.get(f"/lookup/shells/{base64url_encode(did.encode())}").json()
    assert links[0] == {"name": "globalAssetId", "value": BASE + "M-1"}


def test_a_node_that_is_down_is_a_failure_in_each_dialect() -> None:
    with Forest() as forest:
        forest.down.add(ACME)
        did = forest.meter.did
        refused = forest.get(f"/1.0/identifiers/{did}")
        error = refused.json()["didResolutionMetadata"]["error"]
        assert (refused.status_code, error["type"]) == (500, W3C + "INTERNAL_ERROR")
        assert problem(forest.get(f"/things/{did}"))["status"] >= 500


def test_a_handle_of_the_tree(forest: Forest) -> None:
    root = forest.root
    holder = root.organization("Handles")
    root.accept(root.prefix(holder, "handle:86.1000", by=root.authority))
    handle = "86.1000.1/sn-1"
    device = root.device("H-1", holder, code={"scheme": "handle", "value": handle})
    said = forest.get(f"/api/handles/{handle}").json()
    assert (said["responseCode"], said["handle"]) == (1, handle)
    assert any(value["data"]["value"] == device.did for value in said["values"])
    unknown = forest.get("/api/handles/86.1000.1/sn-2")
    assert (unknown.status_code, unknown.json()["responseCode"]) == (404, 100)
    assert forest.get("/api/handles/0.NA/86.1000").status_code == 404
    proved = forest.get(f"/api/handles/{handle}?index=301&type=TETRAD.").json()
    answer = orjson.loads(proved["values"][-1]["data"]["value"])
    assert len(answer["path"]) == 1
    found = verify_handle(proved, Trust.begin(root.genesis.operation), root.now)
    assert (found.verified.did, len(found.hops)) == (device.did, 1)
    assert set(found.indexes) > {20, 21, 300}


def test_a_handle_of_the_tree_that_has_ended_is_proved_as_well(forest: Forest) -> None:
    root = forest.root
    holder = root.organization("Ending")
    root.accept(root.prefix(holder, "handle:86.1001", by=root.authority))
    device = root.device("H-2", holder, code={"scheme": "handle", "value": "86.1001.1/x"})
    root.accept(root.follow(device, "status.retire", {"reason": "worn"}, by=[holder]))
    proved = forest.get("/api/handles/86.1001.1/x?index=21&index=301").json()
    assert proved["responseCode"] == 1
    found = verify_handle(proved, Trust.begin(root.genesis.operation), root.now)
    assert (found.verified.status, found.indexes) == ("retired", (21,))
