"""specs/vectors/resolution/links.json: answers about links, that hold and that do not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import orjson

from registry.links import links_key
from registry.merkle import leaf_hash
from registry.state import Key, next_history
from resolver.links import links_bytes
from resolver.schemes import Code
from tests.factory import LOG, City, Signed, Subject
from tests.generated import file
from tests.generated.answers import Shown, closed
from tests.generated.logkeys import note

Value = dict[str, Any]
CLASS = Code("gtin", "09506000134352")
ITEM = Code("gs1", "https://id.gs1.org/01/09506000134352/21/M-1")
GONE = Code("gs1", "https://id.gs1.org/01/09506000134352/10/LOT-7")
NEVER = Code("gs1", "https://id.gs1.org/01/09506000134352/21/M-9")
FORGED = Code("gtin", "09506000199993")


def _link(name: str) -> Value:
    return {
        "relation": "gs1:pip",
        "href": f"https://acme.example/{name}",
        "title": f"Meter, {name}",
        "hreflang": ["en", "zh-Hans"],
    }


def _set(city: City, by: Subject, code: Code, *names: str) -> Signed:
    body = {"anchor": code._asdict(), "links": [_link(name) for name in names]}
    return city.follow(by, "links.set", body)


def _ledger() -> Shown:
    city = City()
    acme = city.organization("Acme")
    city.accept(city.prefix(acme, "gtin:09506000"))
    city.accept(_set(city, acme, CLASS, "first"))
    city.accept(_set(city, acme, GONE, "lot-7"))
    city.accept(city.rotate(acme))
    city.accept(_set(city, acme, CLASS, "second", "third"))
    city.accept(_set(city, city.authority, ITEM, "m-1"))
    city.accept(_set(city, acme, GONE))
    return closed(city, [acme], [])


class _Answers:
    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self.checkpoint = note(shown.city, shown.size, LOG).encode()

    def of(self, code: Code) -> Value:
        """The answer with its proof; the proof alone where there is no record."""
        record, proof = self.shown.evidence.of_links(
            links_key(*code), self.shown.size, self.checkpoint
        )
        if record is None:
            return {"proof": orjson.loads(proof)}
        answer: Value = orjson.loads(links_bytes(record, code, proof))
        return answer

    def early(self) -> Value:
        """The entry that set the first links of the class."""
        city = self.shown.city
        entries = (orjson.loads(one) for one in city.store.entries(0, self.shown.size))
        found: Value = next(
            one for one in entries if one.get("operation", {}).get("type") == "links.set"
        )
        return found


def _changed(value: Value, make: Callable[[Value], object]) -> Value:
    changed = copy.deepcopy(value)
    make(changed)
    return changed


def _vector(name: str, code: Code, answer: Value, error: str | None = None) -> Value:
    key: Key = links_key(*code)
    kind = "answer" if "links" in answer else "absence"
    shown = answer if kind == "answer" else answer["proof"]
    made: Value = {"name": name, "key": list(key), kind: shown}
    return made if error is None else {**made, "error": error}


def _refused(answers: _Answers) -> list[Value]:
    whole, item, none = answers.of(CLASS), answers.of(ITEM), answers.of(NEVER)
    early = answers.early()

    def refused(
        name: str, make: Callable[[Value], object], error: str = "evidence.answer"
    ) -> Value:
        return _vector(name, CLASS, _changed(whole, make), error)

    def retitled(answer: Value) -> None:
        answer["links"]["links"][0]["title"] = "x"

    def twice(answer: Value) -> None:
        answer["proof"]["records"] *= 2

    def turned(answer: Value) -> None:
        answer["links"]["links"].reverse()

    def older(answer: Value) -> None:
        answer["links"] |= early["operation"]["body"]
        answer["links"]["updated"] = {"entry": early["index"], "time": early["time"]}
        history = next_history(
            bytes(32), leaf_hash(orjson.dumps(early, option=orjson.OPT_SORT_KEYS))
        )
        answer["links"]["history"] = history.hex()
        answer["proof"] |= {"entry": early, "before": "0" * 64}

    def forged(answer: Value) -> None:
        answer["proof"]["entry"]["operation"]["body"]["links"][0]["href"] = "https://evil.example/"

    def swapped(answer: Value) -> None:
        answer["proof"]["signers"] = [
            one for one in answer["proof"]["signers"] if one["type"] != "keys.rotate"
        ]

    return [
        refused(
            "one title is another",
            lambda v: v["links"]["links"][0].update(title="x"),
            "evidence.state",
        ),
        refused("the order is another", turned, "evidence.state"),
        refused("the first links instead of the newest", older, "evidence.state"),
        refused("the entry of the first links", lambda v: v["proof"].update(entry=early)),
        refused("the history before is another", lambda v: v["proof"].update(before="0" * 64)),
        refused("the history before is missing", lambda v: v["proof"].pop("before")),
        refused("the entry is missing", lambda v: v["proof"].pop("entry")),
        refused("the entry is not what was signed", forged, "proof.invalid"),
        refused("what established the signing key is not shown", swapped),
        refused(
            "a second record", lambda v: v["proof"]["records"].append(v["proof"]["records"][0])
        ),
        _vector("links of another code", CLASS, item, "evidence.answer"),
        _vector(
            "there are none, of a code that has some",
            CLASS,
            {"proof": {k: whole["proof"][k] for k in ("checkpoint", "state", "records")}},
            "evidence.state",
        ),
        _vector("there are none, of another code", FORGED, none, "evidence.answer"),
    ]


def files() -> dict[str, bytes]:
    """The vectors, with the genesis that is pinned."""
    answers = _Answers(_ledger())
    vectors = [
        _vector("set anew, by a key that was rotated in", CLASS, answers.of(CLASS)),
        _vector("set once, by the authority", ITEM, answers.of(ITEM)),
        _vector("taken away", GONE, answers.of(GONE)),
        _vector("never set", NEVER, answers.of(NEVER)),
        *_refused(answers),
    ]
    made = {
        "description": "Links of codes, and that there are none, for the key of the state.",
        "genesis": answers.shown.city.genesis.operation,
        "vectors": vectors,
    }
    return {"vectors/resolution/links.json": file(made)}
