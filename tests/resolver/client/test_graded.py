"""The SDK on graded data: nothing is taken that the proved record does not commit to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from identity.disclosure import DATA, SERIAL
from identity.errors import (
    DataErased,
    DataWithheld,
    EvidenceRefused,
    InvalidAnswer,
    InvalidToken,
    NotFound,
)
from identity.members import format_time
from resolver.client.flow import Request, Response
from resolver.client.graded import accesses, data, erase_data, held_against
from resolver.trust import Trust
from tests.factory import Subject, disclosed
from tests.resolver.authenticating import Visitor
from tests.resolver.grading import MARK, SECRET, Quarter

Change = Callable[[dict[str, Any]], object]


class Reader(Visitor):
    """A client that trusts the town's ledger, and may be lied to about what `lie` changes."""

    lie: tuple[str, Change] | None = None

    def __init__(self, quarter: Quarter, *subjects: Subject) -> None:
        super().__init__(quarter, *subjects)
        self.flows.set_trust(Trust.begin(quarter.genesis.operation))

    def ask(self, request: Request) -> Response:
        response = super().ask(request)
        if self.lie is not None and request.path.endswith(self.lie[0]):
            answer = orjson.loads(response.body)
            self.lie[1](answer)
            return Response(response.status, response.media, orjson.dumps(answer))
        return response


@pytest.fixture
def quarter() -> Iterator[Quarter]:
    with Quarter() as quarter:
        yield quarter


CODE = "(01)09506000134352(21)M-1"


def test_general_data_is_read_by_code_and_proved(quarter: Quarter) -> None:
    quarter.put("general")
    found = Reader(quarter).run(data(Reader(quarter).flows, CODE))
    assert found.did == quarter.meter.did
    assert found.json["value"] == SECRET  # type: ignore[index,call-overload]
    assert found.data["grade"] == "general"
    assert found.resolved.verified.signers


def test_another_content_than_the_one_committed_to_is_refused(quarter: Quarter) -> None:
    content = quarter.put("general")
    other = quarter.content({"curve": []}).encoded
    elsewhere = disclosed(SERIAL, content.value).encoded
    for put in (other, elsewhere, content.encoded + "A", "WyJh", "", None):
        reader = Reader(quarter)
        reader.lie = ("/data", lambda answer, put=put: answer.update(disclosure=put))
        with pytest.raises(InvalidAnswer):
            reader.run(data(reader.flows, CODE))
    reader = Reader(quarter)
    reader.lie = ("/data", lambda answer: answer.update(content="something else", data={}))
    assert reader.run(data(reader.flows, CODE)).disclosure == content.encoded


def test_a_record_that_is_changed_to_fit_is_not_proved(quarter: Quarter) -> None:
    quarter.put("general")
    other = disclosed(DATA, "{}")
    reader = Reader(quarter)

    def forged(answer: dict[str, Any]) -> None:
        answer["device"]["data"]["commitment"] = other.digest

    reader.lie = ("/v1/resolve", forged)
    with pytest.raises(EvidenceRefused):
        reader.run(data(reader.flows, CODE))


def test_earlier_versions_are_proved_by_the_record_of_their_time(quarter: Quarter) -> None:
    first = quarter.put("general")
    then = format_time(quarter.now)
    quarter.now += 60
    quarter.put("general")
    reader = Reader(quarter)
    assert reader.run(data(reader.flows, CODE, version=1)).disclosure == first.encoded
    assert reader.run(data(reader.flows, CODE, at=then)).disclosure == first.encoded
    reader.lie = ("/data", lambda answer: answer["set"].update(time=format_time(quarter.now)))
    with pytest.raises(InvalidAnswer):
        reader.run(data(reader.flows, CODE, version=1))


def test_important_data_with_a_session(quarter: Quarter) -> None:
    content = quarter.put("important", policy={"parties": [quarter.beta.did]})
    reader = Reader(quarter, quarter.beta)
    with pytest.raises(InvalidToken):
        reader.run(data(reader.flows, CODE))
    session = reader.authenticate(quarter.beta)
    found = reader.run(data(reader.flows, CODE, session=session))
    assert found.disclosure == content.encoded
    assert MARK not in repr(found.resolved.answer)
    lab = Reader(quarter, quarter.lab)
    with pytest.raises(DataWithheld) as withheld:
        lab.run(data(lab.flows, CODE, session=lab.authenticate(quarter.lab)))
    assert withheld.value.members["satisfies"]["parties"] == [quarter.beta.did]
    with pytest.raises(DataWithheld):
        reader.run(accesses(reader.flows, session, quarter.meter.did))


def test_the_log_is_read_to_its_end_and_held_against_its_head(quarter: Quarter) -> None:
    quarter.put("important")
    maker = Reader(quarter, quarter.maker)
    session = maker.authenticate(quarter.maker)
    for _ in range(3):
        maker.run(data(maker.flows, CODE, session=session))
    read = maker.run(accesses(maker.flows, session, quarter.meter.did))
    assert (len(read.records), read.dropped, read.head.n) == (3, 0, 3)

    def without_the_second(answer: dict[str, Any]) -> None:
        del answer["accesses"][1]

    def of_another(answer: dict[str, Any]) -> None:
        for one in answer["accesses"]:
            one["device"] = quarter.other.did

    lies: list[Change] = [
        without_the_second,
        of_another,
        lambda answer: answer["accesses"].pop(),
        lambda answer: answer["accesses"][0].update(by="x"),
        lambda answer: answer.update(head={}),
        lambda answer: answer.update(accesses=None),
        lambda answer: answer.update(accesses=[1]),
    ]
    for lie in lies:
        maker.lie = ("/accesses", lie)
        with pytest.raises(InvalidAnswer):
            maker.run(accesses(maker.flows, session, quarter.meter.did))


def test_erasing_and_what_the_sdk_then_says(quarter: Quarter) -> None:
    quarter.put("important")
    maker = Reader(quarter, quarter.maker)
    session = maker.authenticate(quarter.maker)
    did = quarter.meter.did
    assert maker.run(erase_data(maker.flows, session, did))["erased"] == 1
    with pytest.raises(DataErased):
        maker.run(data(maker.flows, CODE, session=session))
    assert maker.run(erase_data(maker.flows, session, did, version=1))["erased"] == 0
    assert maker.run(erase_data(maker.flows, session, did, of="serial"))["erased"] == 1
    with pytest.raises(NotFound):
        maker.run(erase_data(maker.flows, session, did, of="number"))


def test_core_data_is_held_against_the_record_by_whoever_was_given_it(quarter: Quarter) -> None:
    content = quarter.put("core", tell=False)
    reader = Reader(quarter)
    resolved = reader.run(reader.flows.resolve(CODE))
    assert held_against(resolved, content.encoded).value == content.value
    with pytest.raises(InvalidAnswer):
        held_against(resolved, quarter.content(1).encoded)
    with pytest.raises(DataWithheld) as withheld:
        reader.run(data(reader.flows, CODE))
    assert withheld.value.members["commitment"] == content.digest
    other = reader.run(reader.flows.resolve(quarter.other.did))
    with pytest.raises(NotFound):
        held_against(other, content.encoded)
