"""Many codes in one question: each is answered as it would be alone, in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from identity.disclosure import CODE
from identity.jcs import Json
from resolver.api import batches
from resolver.schemes.samples import digital_link
from resolver.settings import Settings
from resolver.verifier import verify_answer
from tests.example_ledger import NODE
from tests.factory import disclosed
from tests.resolver.answering import pinned
from tests.resolver.town import JSON, Town, problem

DEVICES = 260
ELSEWHERE = digital_link("9506000", 90_001, "X")
"""A code under the prefix of another node."""
BASE = "https://id.gs1.org/01/09506000134352/21/"


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """Devices of all kinds, more than are looked up at a time."""
    with Town(Settings(checkers=0, lookups=1)) as town:
        acme = town.acme()
        town.batch(town.submissions(acme, DEVICES), "?receipts=0")
        for scheme, prefix in (("eui64", "0024be"), ("eui48", "001b44")):
            town.accept(town.prefix(acme, f"{scheme}:{prefix}"))
        town.device("E-64", acme, code={"scheme": "eui64", "value": "0024be0000804ff1"})
        secret = disclosed(CODE, "001b44113ab7")
        committed = {"scheme": "eui48", "prefix": "001b44", "commitment": secret.digest}
        car = town.new_device("car", acme, code=committed)
        assert car.first is not None
        town.accept(car.first._replace(disclosures=[*car.first.disclosures, secret.encoded]))
        town.accept(town.prefix(acme, "gtin:095060009", node=NODE))
        retired = town.device("RETIRED", acme)
        town.accept(town.follow(retired, "status.retire", {"reason": "worn out"}, by=[acme]))
        corrected = town.device("WRONG", acme)
        right = {"code": {"scheme": "gs1", "value": f"{BASE}RIGHT"}, "reason": "misread"}
        town.now += 60
        town.accept(town.follow(corrected, "code.correct", right, by=[acme]))
        yield town


def ask(town: Town, codes: Json, **more: Json) -> httpx.Response:
    return town.request("POST", "/v1/resolve", json={"codes": codes, **more})


def lines(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/x-ndjson")
    return [orjson.loads(line) for line in response.content.splitlines()]


ASKED: list[Any] = [
    *(f"{BASE}M-{n:06}" for n in range(DEVICES)),
    "(01)09506000134352(21)M-000007",
    "09506000134352",
    "0024be0000804ff1",
    {"code": "0024be0000804ff1", "scheme": "eui64"},
    "001b44113ab7",
    {"code": "001b44113ab7", "scheme": "eui48"},
    f"{BASE}RETIRED",
    f"{BASE}WRONG",
    f"{BASE}RIGHT",
    {"code": f"{BASE}RIGHT", "at": "2026-11-22T08:00:30Z"},
    {"code": f"{BASE}WRONG", "at": "2026-11-22T08:00:30Z"},
    f"{BASE}NOBODY",
    ELSEWHERE,
    "https://id.gs1.org/01/09506000134353/21/X",
    {"code": f"{BASE}M-000001", "scheme": "nonsense"},
    {"code": f"{BASE}M-000001", "at": "yesterday"},
    "x" * 3_000,
    "\u0660",
    "",
    "+8613800138000",
]


def alone(town: Town, asked: Any) -> tuple[int, Any]:
    given = asked if isinstance(asked, dict) else {"code": asked}
    response = town.get("/v1/resolve", params=given)
    return response.status_code, response.json()


def test_each_line_says_what_a_question_of_its_own_would(town: Town) -> None:
    found = lines(ask(town, ASKED))
    assert [one.pop("line") for one in found] == list(range(1, len(ASKED) + 1))
    for asked, one in zip(ASKED, found, strict=True):
        status, answer = alone(town, asked)
        if asked not in ("", "x" * 3_000):  # what a URL does not hold is refused by its length
            assert one.pop("status") == status
            assert one.get("error", one) == answer
    statuses = {one.get("error", {}).get("status", 200) for one in found}
    assert {200, 400, 404, 410} <= statuses
    assert "delegated" in {one.get("error", {}).get("code") for one in found}


def test_with_proof_each_line_is_whole_with_what_they_share(town: Town) -> None:
    asked = [
        f"{BASE}M-000003",
        f"{BASE}RETIRED",
        f"{BASE}NOBODY",
        ELSEWHERE,
        "(01)09506000134352(21)WRONG",
    ]
    standing, *found = lines(ask(town, asked, proof=True))
    assert set(standing) == {"checkpoint", "state"}
    for code, one in zip(asked, found, strict=True):
        single = town.get("/v1/resolve", params={"code": code, "proof": "1"}).json()
        value = one.get("error", one)
        shown, expected = value.get("answer", value), single.get("answer", single)
        assert {**standing, **shown["proof"]} == expected["proof"]


def test_what_changes_while_a_batch_waits_is_proved_as_it_is(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = town.organization("Node")
    town.accept(town.prefix(node, "idis:88.100.9999"))
    codes = [f"88.100.9999/{name}" for name in ("late", "changing", "meanwhile")]
    late, changing, registered = (
        town.new_device(code, node, code={"scheme": "idis", "value": code}) for code in codes
    )
    assert late.first
    assert changing.first
    assert registered.first
    town.accept(late.first, changing.first)
    published = town.service.publication
    covering = published.covering
    posted = [
        town.follow(changing, "status.retire", {"reason": "meanwhile"}, by=[node]).submission,
        registered.first.submission,
    ]

    async def meanwhile(size: int) -> Any:
        monkeypatch.setattr(published, "covering", covering)
        entry = size
        for one in posted:
            answer = await town._client.post("/v1/operations", content=one, headers=JSON)
            entry = answer.json()["index"]
        return await covering(entry + 1)

    monkeypatch.setattr(published, "covering", meanwhile)
    monkeypatch.setattr(published, "_current", None)
    standing, *found = lines(ask(town, codes, proof=True))
    for key, one in zip(codes, found, strict=True):
        shown = one.get("error", one)
        answer = {
            k: v for k, v in shown.get("answer", shown).items() if k not in ("line", "status")
        }
        answer["proof"] = {**standing, **answer["proof"]}
        verified = verify_answer(answer, pinned(town), key=("code", "idis", key))
        assert verified.status == ("retired" if key.endswith("changing") else "active")


def test_others_have_their_turn_while_texts_are_read(town: Town) -> None:
    asked = [f"01095060001343521021{n}" for n in range(200)]
    turns = 0

    async def counted() -> int:
        nonlocal turns
        asking = asyncio.ensure_future(town._client.post("/v1/resolve", json={"codes": asked}))
        while not asking.done():
            turns += 1
            await asyncio.sleep(0)
        return (await asking).status_code

    assert town.run(counted()) == 200
    assert turns > len(asked)


def test_more_than_a_batch_may_hold_is_refused(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [f"{BASE}M-000001"] * 1_001
    assert problem(ask(town, many))["pointer"] == "/codes"
    assert len(lines(ask(town, many[1:]))) == 1_000
    monkeypatch.setattr(batches, "MAX_PROOF_BYTES", 20_000)
    refused = [one for one in lines(ask(town, many[:50], proof=True)) if "error" in one]
    assert {one["error"]["code"] for one in refused} == {"input.too_large"}
    assert 0 < len(refused) < 50


@pytest.mark.parametrize(
    "codes",
    [[], {}, "x", None, [5], [[]], [{}], [{"code": 5}], [{"code": "x", "proof": "1"}], [None]],
)
def test_what_is_no_list_of_codes_is_refused(town: Town, codes: Json) -> None:
    assert problem(ask(town, codes))["code"] == "input.schema"


def test_places_for_batches_are_given_back(town: Town) -> None:
    for _ in range(20):
        assert ask(town, [f"{BASE}M-000001"]).status_code == 200
    assert town.service._batches == 0


def test_questions_about_one_private_value_keep_their_limit(town: Town) -> None:
    first, second = (
        town.request("POST", "/v1/resolve", json={"code": "001b44113ab7", "scheme": "eui48"})
        for _ in range(2)
    )
    assert first.status_code == 200
    assert problem(second)["code"] == "unavailable.rate"


def test_a_history_is_never_that_of_the_beginning_of_a_code(town: Town) -> None:
    """A text that is too long, and would be another device's code if it were cut."""
    rest = "01/09506000134352/21/M-000000"
    longer = "https://acme.example/".ljust(2_048 - len(rest) - 1, "a") + f"/{rest}1"
    for scheme in ({}, {"scheme": "gs1"}):
        response = town.get("/v1/history", params={"code": longer, **scheme})
        assert problem(response)["code"] == "input.schema"
    with Town() as other:  # where questions that are sent in a body are not used up
        response = other.request("POST", "/v1/history", json={"code": longer})
        assert problem(response)["code"] == "input.schema"
