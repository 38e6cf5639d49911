"""Bundles: an answer with all that is needed to check it far from any network.

    {"bundle": 1, "genesis": {…}, "updates": […], "key": ["code", "gs1", "https://id.gs1.org/…"],
     "answer": {"device": {…}, "proof": {…}}}

`updates` is the evidence that the log's keys were replaced. Whoever reads a bundle trusts the
genesis by its hash, which they were told, and nothing else in it. Pure; specified in
specs/3-resolution.md, "Bundles".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, cast

import orjson

from identity.errors import InvalidAnswer, MalformedInput, SchemaViolation
from identity.jcs import Json
from registry.state import Key
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer, verify_answer

VERSION: Final = 1
_MEMBERS: Final = {"bundle", "genesis", "updates", "key", "answer"}


class Bundle(NamedTuple):
    """A bundle that was read; nothing of it is verified but the genesis against itself."""

    trust: Trust
    key: Key | None
    """Of the state, that was asked for; None for a value that its presenter alone can compute."""
    answer: dict[str, Json]

    def verify(self, trust: Trust) -> VerifiedAnswer:
        """Checks the answer by what is pinned; `trust` is `self.trust` or a better informed one."""
        return verify_answer(self.answer, trust.pinned, key=self.key)


def bundle_bytes(trust: Trust, key: Key | None, answer: Mapping[str, Json]) -> bytes:
    """The file for a verified answer."""
    value = {
        "bundle": VERSION,
        "genesis": trust.genesis,
        "updates": list(trust.updates),
        "key": None if key is None else list(key),
        "answer": dict(answer),
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"


def read_bundle(value: Json) -> Bundle:
    """Reads a bundle. Raises SchemaViolation, and what does not hold of its genesis and updates."""
    if not isinstance(value, Mapping) or set(value) != _MEMBERS:
        raise SchemaViolation(f"a bundle has the members {', '.join(sorted(_MEMBERS))}")
    if type(value["bundle"]) is not int or value["bundle"] != VERSION:
        raise SchemaViolation("not a bundle of this version", hint=f"bundle is {VERSION}")
    updates, key, answer = value["updates"], value["key"], value["answer"]
    if not isinstance(updates, list) or not isinstance(answer, dict):
        raise SchemaViolation("updates are a list, the answer is an object")
    if key is not None and not (
        isinstance(key, list) and len(key) > 1 and all(isinstance(part, str) for part in key)
    ):
        raise SchemaViolation("a key of the state is a list of texts", pointer="/key")
    trust = Trust.begin(value["genesis"])
    for item in updates:
        trust = trust.extend(item)
    return Bundle(trust, tuple(cast("list[str]", key)) if key is not None else None, answer)


def known_as(bundle: Bundle, ledger: str, pinned: Trust | None) -> Trust:
    """What to verify a bundle by: `ledger` is the genesis hash that one was told, `pinned` what is
    known of that ledger already. Raises InvalidAnswer for another ledger, ForkDetected."""
    if bundle.trust.ledger != ledger:
        raise InvalidAnswer(
            f"the bundle is of the ledger {bundle.trust.ledger}, not {ledger}",
            hint="another ledger, or another bundle",
        )
    if pinned is None:
        return bundle.trust
    if pinned.ledger != ledger:
        raise MalformedInput("what is pinned is another ledger")
    known = max((bundle.trust, pinned), key=lambda one: len(one.updates))
    if known is pinned:
        return pinned
    for item in known.updates[len(pinned.updates) :]:
        pinned = pinned.extend(item)
    return pinned
