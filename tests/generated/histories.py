"""specs/vectors/resolution/histories.json: histories of a device, its codes and a number, with what
each step comes to, and lies about them.

A meter whose code is corrected twice, and whose number goes to another's device and comes back; and
a third device, which a log that breaks the rules rebinds without its signature.
Checkpoints are signed by the log's Ed25519 key alone, and are of unknown age.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any
from unittest.mock import DEFAULT, patch

import orjson

from identity.disclosure import NUMBER
from registry.signers import Signers
from registry.state import Key
from resolver.histories import Step, device_history, number_history
from tests.factory import LOG, UNIQUE, City, Subject, disclosed
from tests.generated import file
from tests.generated.answers import Shown, closed
from tests.generated.logkeys import note
from tests.resolver.answering import pinned

Value = dict[str, Any]
SCHEME = "msisdn-cn-iot"
FIRST, SECOND, THIRD = "1440000000001", "1440000000002", "1440000000003"
OLD, NEW, NEWEST = (
    f"https://id.gs1.org/01/09506000134352/21/{serial}" for serial in ("M-1", "M-10", "M-100")
)
TOLD, STATE = "evidence.answer", "evidence.state"


def lived() -> Shown:
    """A minute for each thing that happens."""
    city = City()
    acme, beta = city.organization("Acme"), city.organization("Beta")
    city.accept(city.prefix(acme, "gtin:09506000"))
    meter = city.device("M-1", acme, number=FIRST)
    other = city.device("M-2", beta, by=[acme, beta])
    third = city.device("M-3", acme)

    def corrected(value: str) -> None:
        city.now += 60
        body = {"code": {"scheme": "gs1", "value": value}, "reason": "misread"}
        city.accept(city.follow(meter, "code.correct", body, by=[acme]))

    def rebound(device: Subject, number: str, *by: Subject) -> None:
        city.now += 60
        opened = disclosed(NUMBER, number)
        body = {"number": {"scheme": SCHEME, "commitment": opened.digest}}
        city.accept(city.follow(device, "number.rebind", body, by=[*by], disclosures=[opened]))

    corrected(NEW)
    city.accept(city.rotate(meter))
    city.accept(city.rotate(acme))
    with patch.multiple(Signers, all_of=DEFAULT, exactly=DEFAULT):  # a log that breaks the rules
        rebound(third, THIRD, acme)
    rebound(other, FIRST, other, beta, acme)
    rebound(other, SECOND, other, beta)
    rebound(meter, FIRST, meter, acme)
    corrected(NEWEST)
    city.accept(city.follow(meter, "status.retire", {"reason": "worn out"}, by=[acme]))
    return closed(city, [meter, other], [])


def number_key(number: str) -> Key:
    """Where a number stands in the state."""
    return "number", SCHEME, UNIQUE("number", SCHEME, number)


def number_answer(shown: Shown, number: str) -> Value:
    """What who bound it last is told."""
    asked = shown.resolver.disclosure(SCHEME, disclosed(NUMBER, number).encoded)
    checkpoint = note(shown.city, shown.size, LOG).encode()
    proof = orjson.loads(shown.evidence.of_number(asked, shown.size, checkpoint))
    return {"key": list(asked.key), "proof": proof}


def _steps(shown: Shown, key: Key, answer: Value) -> list[Step]:
    trusted = pinned(shown.city)
    if key[0] == "number":
        return number_history(answer["proof"], trusted, key)[1]
    return device_history(answer, trusted, key=key)[1]


def _holding(shown: Shown) -> list[Value]:
    did: Key = ("did", shown.devices[0].did)
    found: list[tuple[str, Key, Value]] = [
        ("a device", did, shown.answer(shown.resolver.did(did[1])))
    ]
    for name, value in (("the first", OLD), ("the second", NEW), ("the last", NEWEST)):
        key: Key = ("code", "gs1", value)
        found.append((f"{name} code of a device", key, shown.answer(shown.resolver.code(value))))
    found += [
        ("a number that is free again", number_key(FIRST), number_answer(shown, FIRST)),
        ("a number that is active", number_key(SECOND), number_answer(shown, SECOND)),
    ]
    return [
        {
            "name": name,
            "key": list(key),
            "answer": answer,
            "steps": [
                {"index": one.index, "what": one.what, "did": one.did}
                for one in _steps(shown, key, answer)
            ],
        }
        for name, key, answer in found
    ]


def _refused(shown: Shown) -> list[Value]:
    number, code = number_key(FIRST), ("code", "gs1", NEW)
    of_number, of_code = number_answer(shown, FIRST), shown.answer(shown.resolver.code(NEW))
    another = orjson.loads(shown.city.reader.entry(4))

    def wrong(
        name: str, key: Key, answer: Value, error: str, make: Callable[[Value], object]
    ) -> Value:
        changed = copy.deepcopy(answer)
        make(changed["proof"])
        return {"name": name, "key": list(key), "answer": changed, "error": error}

    def forge(proof: Value) -> None:
        first, last = (proof["entries"][place]["operation"]["proof"][0] for place in (0, -1))
        last["proofValue"] = first["proofValue"]

    both: list[tuple[str, str, Callable[[Value], object]]] = [
        ("without the last step", TOLD, lambda proof: proof["entries"].pop()),
        ("without a step in the middle", TOLD, lambda proof: proof["entries"].pop(2)),
        ("without the first step", TOLD, lambda proof: proof["entries"].pop(0)),
        ("with steps in another order", TOLD, lambda proof: proof["entries"].reverse()),
        ("with a forged signature", "proof.invalid", forge),
        ("without who signed", TOLD, lambda proof: proof["signers"].clear()),
        ("with another record", STATE,
         lambda proof: proof["records"][0]["record"].update(history="0" * 64)),
    ]  # fmt: skip
    found = [
        wrong(f"{about} {name}", key, answer, error, make)
        for about, key, answer in (("a number", number, of_number), ("a code", code, of_code))
        for name, error, make in both
    ]
    found += [
        wrong("a number that a device is bound to without its signature", number_key(THIRD),
              number_answer(shown, THIRD), TOLD, lambda _: None),
        wrong("a number with a step of something else", number, of_number, TOLD,
              lambda proof: proof["entries"].insert(0, another)),
        wrong("the history of another number", number_key(SECOND), of_number, TOLD,
              lambda _: None),
        wrong("the entries of another number", number_key(SECOND), of_number, TOLD,
              lambda proof: proof.update(records=number_answer(shown, SECOND)["proof"]["records"])),
    ]  # fmt: skip
    return found


def files() -> dict[str, bytes]:
    """One file about one ledger."""
    shown = lived()
    value = {
        "description": "Histories, checked against the pinned `genesis` for the `key` of the state"
        " that was asked for, and the `steps` that they tell.",
        "genesis": shown.city.genesis.operation,
        "vectors": [*_holding(shown), *_refused(shown)],
    }
    return {"vectors/resolution/histories.json": file(value)}
