"""A service that prepares something else than it was asked to, and hopes that it is signed."""

from __future__ import annotations

from typing import Any, cast

import pytest

from identity.disclosure import NUMBER, SERIAL
from identity.errors import InvalidDisclosure, InvalidInput
from resolver.api.preparation import PresentRecords
from resolver.client.signing import committed_values
from resolver.positions import PresentState
from resolver.prepare import prepare
from resolver.prepared import Prepared, read_prepared
from resolver.schemes import SCHEMES
from tests.factory import NOW, City, disclosed, key


def honest() -> dict[str, Any]:
    """What an honest service answers to the description of a device."""
    city = City()
    acme = city.organization("Acme")
    present = PresentState(PresentRecords(city.store), city.ledger_hash)
    description = {
        "type": "device.register",
        "body": {
            "object": {
                "maker": acme.did,
                "model": "M1",
                "serial": "SN1",
                "sector": {"domain": "production", "field": "industry"},
                "ipv6": "enabled",
            },
            "code": "(01)09506000134352(21)M-0017",
            "number": {"scheme": "msisdn-cn-iot", "value": "1440000000001"},
            "data": "none",
            "keys": [key("device").public.multikey],
            "next": [key("next").public.multikey],
            "recovery": "none",
            "controller": acme.did,
        },
        "signers": [{"method": acme.method[1]}],
    }
    prepared = prepare(cast("Any", description), present, SCHEMES, NOW, lambda count: bytes(count))
    return cast("dict[str, Any]", prepared.value())


def read(answer: dict[str, Any]) -> Prepared:
    """As the command line does, with nothing in it that would give a change away."""
    answer.pop("hash")
    for wanted in answer["signing"]:
        wanted.pop("input")
    return read_prepared(answer)


def test_whoever_signs_sees_the_values_behind_the_commitments() -> None:
    assert committed_values(read(honest())) == {SERIAL: "SN1", NUMBER: "1440000000001"}


def test_another_number_behind_the_commitment_is_seen() -> None:
    answer = honest()
    other = disclosed(NUMBER, "1440000000999")
    answer["operation"]["body"]["number"]["commitment"] = other.digest
    with pytest.raises(InvalidDisclosure):
        committed_values(read(answer))
    answer = honest()
    answer["operation"]["body"]["number"]["commitment"] = other.digest
    answer["disclosures"] = [answer["disclosures"][0], other.encoded]
    assert committed_values(read(answer))[NUMBER] == "1440000000999"


def test_a_commitment_to_nobody_knows_what_is_not_signed() -> None:
    for left in ([], [0], [1]):
        answer = honest()
        answer["disclosures"] = [answer["disclosures"][place] for place in left]
        with pytest.raises(InvalidDisclosure):
            committed_values(read(answer))


@pytest.mark.parametrize(
    "change", [{"type": "device.give"}, {"body": {}}, {"pay": "everything"}, {"created": "soon"}]
)
def test_what_is_no_operation_is_not_signed(change: dict[str, Any]) -> None:
    answer = honest()
    answer["operation"] |= change
    with pytest.raises(InvalidInput):
        committed_values(read(answer))
