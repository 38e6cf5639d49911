"""What a client makes of a batch: each line is proved, and stands for the code that was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from identity.errors import (
    EvidenceRefused,
    InputTooLarge,
    InvalidIdentifier,
    NotFound,
    SchemaViolation,
)
from resolver.client import Client, Resolved
from tests.resolver.client.conftest import Answer, Registry
from tests.resolver.client.test_client import CODE, acme, body

OTHER = "(01)09506000134352(21)OTHER"
NOBODY = "(01)09506000134352(21)NOBODY"


def two_devices(client: Client) -> None:
    """Two meters of Acme's."""
    maker = acme(client)
    client.register_device(body(maker))
    client.register_device(body(maker, 18, code=OTHER, number="none"))


def test_each_code_is_proved_in_its_place(registry: Registry) -> None:
    client = registry.client()
    two_devices(client)
    meter_did = client.resolve(CODE).did
    asked = [OTHER, NOBODY, CODE, "(01)09506000134353(21)X", meter_did]
    other, nobody, meter, wrong, did = client.resolve_batch(asked)
    assert isinstance(other, Resolved)
    assert isinstance(meter, Resolved)
    assert other.did == client.resolve(OTHER).did != meter.did
    assert other.verified.signers
    assert isinstance(nobody, NotFound)
    assert nobody.members["proved"] is True
    assert isinstance(wrong, InvalidIdentifier)
    assert isinstance(did, Resolved)  # asked for beside the batch
    assert did.did == meter.did
    assert registry.asked.count("POST /v1/resolve") == 1
    assert client.resolve_batch([]) == []


def test_the_label_that_ended_is_told_with_its_proof(registry: Registry) -> None:
    client = registry.client()
    two_devices(client)
    client.retire(client.resolve(CODE).did, "worn out")
    (gone,) = client.resolve_batch([CODE])
    assert gone.code == "gone"  # type: ignore[union-attr]
    (left,) = client.resolve_batch([CODE], tombstones=True)
    assert isinstance(left, Resolved)
    assert left.status == "retired"


def test_all_are_asked_as_of_one_time(registry: Registry) -> None:
    client = registry.client()
    two_devices(client)
    code = client.resolve(CODE)
    registered = code.device["registered"]["time"]
    then, before = (
        client.resolve_batch([CODE], scheme="gs1", at=at)[0]
        for at in (registered, "2020-01-01T00:00:00Z")
    )
    assert isinstance(then, Resolved)
    assert then.answer["asOf"] == registered
    assert isinstance(before, NotFound)


def test_what_has_no_room_in_a_batch_is_asked_for_alone(registry: Registry) -> None:
    client = registry.client()
    two_devices(client)
    full = InputTooLarge("the proofs of one batch have at most so many bytes").problem()
    registry.lie = lines(
        lambda shown: shown.__setitem__(2, {"line": 2, "status": full["status"], "error": full})
    )
    first, second = client.resolve_batch([CODE, OTHER])
    assert isinstance(first, Resolved)
    assert isinstance(second, Resolved)
    assert second.did != first.did
    with pytest.raises(SchemaViolation):
        client.resolve_batch([CODE] * 1_001)


def lines(change: Callable[[list[Any]], object]) -> Any:
    """A server that changes the lines of a batch."""

    def lie(request: httpx.Request, answer: Answer) -> httpx.Response:
        true = answer(request)
        if request.method != "POST" or true.headers["content-type"].count("ndjson") == 0:
            return true
        shown = [orjson.loads(line) for line in true.content.splitlines()]
        change(shown)
        content = b"".join(orjson.dumps(line) + b"\n" for line in shown)
        return httpx.Response(
            200, headers={"content-type": "application/x-ndjson"}, content=content
        )

    return lie


def swapped(shown: list[Any]) -> None:
    shown[1]["line"], shown[2]["line"] = 2, 1
    shown[1:3] = shown[2], shown[1]


LIES: dict[str, Callable[[list[Any]], object]] = {
    "two lines swapped": swapped,
    "a line left out": lambda shown: shown.pop(),
    "a line too many": lambda shown: shown.append({**shown[1], "line": 4}),
    "lines renumbered": lambda shown: shown[1].update(line=2),
    "nothing to stand on": lambda shown: shown.pop(0),
    "another checkpoint": lambda shown: shown[0].update(checkpoint="x"),
    "no proof": lambda shown: shown[1].pop("proof"),
    "another status": lambda shown: shown[1]["device"].update(status="revoked"),
    "a living device gone": lambda shown: shown.__setitem__(
        1, {"line": 1, "status": 410, "error": {"code": "gone", "answer": shown[1]}}
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_in_one_line_spoils_the_batch(registry: Registry, lie: str) -> None:
    client = registry.client()
    two_devices(client)
    client.resolve_batch([CODE, OTHER, NOBODY])
    registry.lie = lines(LIES[lie])
    with pytest.raises(EvidenceRefused):
        client.resolve_batch([CODE, OTHER, NOBODY])


def test_that_there_is_none_must_be_proved(registry: Registry) -> None:
    client = registry.client()
    two_devices(client)
    registry.lie = lines(lambda shown: shown[1]["error"].pop("proof"))
    with pytest.raises(EvidenceRefused):
        client.resolve_batch([NOBODY])
