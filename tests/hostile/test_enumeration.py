"""Finding out which numbers are in use: only who may bind a number learns whether it is free."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from identity.disclosure import NUMBER
from identity.errors import NumberTaken, TetradError
from tests.factory import City, Signed, Subject, disclosed

TAKEN, FREE = "1440000000001", "1440000000002"


class Town:
    """A device with a number, and somebody else with a device of their own."""

    def __init__(self) -> None:
        self.city = City()
        self.acme = self.city.organization("Acme")
        self.city.accept(self.city.prefix(self.acme, "gtin:09506000"))
        self.victim = self.city.device("V", self.acme, number=TAKEN)
        self.curious = self.city.organization("Curious")
        self.accomplice = self.city.organization("Accomplice")
        self.own = self.city.device("C", self.curious, by=[self.curious, self.acme])

    def rebinding(self, number: str, by: Sequence[Subject], *, late: int = 0) -> Signed:
        """A rebinding of the own device, so many steps out of order."""
        self.own.sequence += late
        opened = disclosed(NUMBER, number)
        body = {"number": {"scheme": "msisdn-cn-iot", "commitment": opened.digest}}
        signed = self.city.follow(self.own, "number.rebind", body, by=by, disclosures=[opened])
        self.own.sequence -= late
        return signed

    def refusal(self, signed: Signed) -> tuple[object, ...]:
        (outcome,) = self.city.submit(signed)
        assert isinstance(outcome, TetradError)
        return (outcome.code, outcome.detail, outcome.pointer, outcome.members)


@pytest.fixture(scope="module")
def town() -> Town:
    return Town()


def test_a_rebinding_out_of_order_tells_nothing_about_the_number(town: Town) -> None:
    by = [town.curious, town.own]
    assert town.refusal(town.rebinding(TAKEN, by, late=7)) == town.refusal(
        town.rebinding(FREE, by, late=7)
    )


def test_a_signer_too_many_tells_nothing_about_the_number(town: Town) -> None:
    by = [town.curious, town.own, town.accomplice]
    assert town.refusal(town.rebinding(TAKEN, by)) == town.refusal(town.rebinding(FREE, by))


def test_whoever_could_bind_the_number_is_told(town: Town) -> None:
    (outcome,) = town.city.submit(town.rebinding(TAKEN, [town.curious, town.own]))
    assert isinstance(outcome, NumberTaken)
    assert town.victim.did not in str(outcome.problem())
    assert town.acme.did not in str(outcome.problem())
