"""POST /v1/operations: what is answered, in which order, and what is refused before any work."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Iterator

import orjson
import pytest

from registry.checkpoint import open_checkpoint
from registry.entry import join_entry
from registry.merkle import check_inclusion, leaf_hash
from registry.receipt import TlogProof
from resolver.settings import Settings
from tests.factory import LOG, Subject
from tests.resolver.town import NDJSON, Town, problem


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A town, shared by the tests of this module."""
    with Town(Settings(checkers=0, batch_lines=20, body_bytes=65_536)) as town:
        yield town


@pytest.fixture(scope="module")
def acme(town: Town) -> Subject:
    """An organization with a prefix."""
    return town.acme()


def check_receipt(text: str, operation: bytes) -> int:
    """What any client does with a receipt; the index."""
    receipt = TlogProof.parse(text.encode())
    tree = open_checkpoint(receipt.checkpoint, [LOG.key]).checkpoint
    leaf = leaf_hash(join_entry(receipt.extra, operation))
    check_inclusion(receipt.hashes, receipt.index, tree.size, leaf, tree.root)
    return receipt.index


def canonical(submission: bytes) -> bytes:
    return orjson.dumps(orjson.loads(submission)["operation"], option=orjson.OPT_SORT_KEYS)


def test_an_operation_is_answered_with_its_did_and_a_receipt_that_verifies(town: Town) -> None:
    signed = town.new_organization("Receipted").first
    assert signed is not None
    response = town.post(signed.submission)
    assert response.status_code == 201
    answer = response.json()
    assert answer["operation"] == signed.hash
    assert answer["did"].endswith(signed.hash)
    assert answer["repeated"] is False
    assert check_receipt(answer["receipt"], canonical(signed.submission)) == answer["index"]


def test_the_same_operation_again_gets_the_same_index(town: Town) -> None:
    signed = town.new_organization("Twice").first
    assert signed is not None
    first, second = town.post(signed.submission), town.post(signed.submission)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["repeated"] is True
    assert second.json()["index"] == first.json()["index"]
    check_receipt(second.json()["receipt"], canonical(signed.submission))


def test_receipts_can_be_left_out(town: Town) -> None:
    signed = town.new_organization("No receipt").first
    assert signed is not None
    assert "receipt" not in town.post(signed.submission, "?receipts=0").json()
    assert problem(town.post(signed.submission, "?receipts=2"))["pointer"] == "/receipts"
    assert problem(town.post(signed.submission, "?receipt=1"))["code"] == "input.schema"


def test_a_batch_is_answered_line_by_line_in_order(town: Town, acme: Subject) -> None:
    lines = town.submissions(acme, 5, start=100)
    answers = town.batch([lines[0], b"{}", lines[1], b"", lines[0], lines[2]])
    assert [answer["line"] for answer in answers] == [1, 2, 3, 4, 5, 6]
    assert [answer["status"] for answer in answers] == [201, 422, 201, 400, 200, 201]
    assert answers[1]["error"]["code"] == "input.schema"
    assert answers[4]["index"] == answers[0]["index"]
    for place, line in ((0, lines[0]), (2, lines[1]), (5, lines[2])):
        index = check_receipt(answers[place]["receipt"], canonical(line))
        assert index == answers[place]["index"]


def test_a_batch_may_build_on_its_own_earlier_lines(town: Town) -> None:
    maker = town.new_organization("Beginner")
    assert maker.first is not None
    grant = town.prefix(maker, "gtin:09507000")
    answers = town.batch([maker.first.submission, grant.submission], "?receipts=0")
    assert [answer["status"] for answer in answers] == [201, 201]
    assert "receipt" not in answers[0]


def test_a_refused_line_changes_nothing(town: Town, acme: Subject) -> None:
    size = town.get("/v1/ledger/proofs/inclusion?index=0").json()["size"]
    stranger = town.new_organization("Stranger")
    forged = town.new_device("M-stolen", acme, by=[stranger]).first
    assert forged is not None
    (answer,) = town.batch([forged.submission])
    assert 400 <= answer["status"] < 500
    assert town.get("/v1/ledger/proofs/inclusion?index=0").json()["size"] == size


def test_too_many_lines_are_refused_whole(town: Town) -> None:
    response = town.request("POST", "/v1/operations", content=b"{}\n" * 21, headers=NDJSON)
    assert problem(response)["code"] == "input.too_large"
    assert len(town.batch([b"{}"] * 20)) == 20
    empty = town.request("POST", "/v1/operations", content=b"", headers=NDJSON)
    assert problem(empty)["code"] == "input.malformed"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "input.malformed"),
        (b"{", 400, "input.malformed"),
        (b"\xff\xfe", 400, "input.malformed"),
        (b"[]", 422, "input.schema"),
        (b'{"operation":{},"operation":{}}', 400, "input.malformed"),
        (b'{"operation":{"sequence":NaN}}', 400, "input.malformed"),
        (b'{"operation":{"sequence":1e999}}', 400, "input.malformed"),
        (b'{"operation":{"a":"\\ud800"}}', 400, "input.malformed"),
        (b"[" * 100 + b"]" * 100, 413, "input.too_large"),
        (b"[" * 60_000, 413, "input.too_large"),
        (b'"' + b"x" * 65_600 + b'"', 413, "input.too_large"),
        (b'{"operation":{"type":"device.register"},"more":1}', 422, "input.schema"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    town: Town, body: bytes, status: int, code: str
) -> None:
    response = town.post(body)
    assert (response.status_code, problem(response)["code"]) == (status, code)


def test_a_body_in_pieces_counts_as_a_whole(town: Town) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(7):
            yield b"x" * 10_000

    response = town.request(
        "POST", "/v1/operations", content=pieces(), headers={"content-type": "application/json"}
    )
    assert problem(response)["code"] == "input.too_large"


def test_compressed_and_foreign_bodies_are_refused(town: Town) -> None:
    packed = gzip.compress(b"{}")
    for kind in ("application/json", "application/x-ndjson"):
        headers = {"content-type": kind, "content-encoding": "gzip"}
        response = town.request("POST", "/v1/operations", content=packed, headers=headers)
        assert problem(response)["status"] == 415
    for kind in ("text/plain", "", "application/jsonx", "multipart/form-data"):
        response = town.request(
            "POST", "/v1/operations", content=b"{}", headers={"content-type": kind}
        )
        assert problem(response)["code"] == "input.media_type"
    fine = {"content-type": "Application/JSON; charset=utf-8"}
    assert town.request("POST", "/v1/operations", content=b"{}", headers=fine).status_code == 422
