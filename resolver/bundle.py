"""Bundles: an answer with all that is needed to check it far from any network.

    {"bundle": 1, "genesis": {…}, "updates": […], "key": ["code", "gs1", "https://id.gs1.org/…"],
     "answer": {"device": {…}, "proof": {…}}}

A bundle of version 2 is the same with an answer that came by way of other ledgers: it has a `path`
(resolver/path.py), and `genesis` and `updates` are those of the root.

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
from resolver.path import VerifiedPath, verify_path
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer, verify_answer

VERSION: Final = 1
BY_WAY: Final = 2
"""The version of a bundle whose answer has a path."""
_MEMBERS: Final = {"bundle", "genesis", "updates", "key", "answer"}


class Bundle(NamedTuple):
    """A bundle that was read; nothing of it is verified but the genesis against itself."""

    trust: Trust
    key: Key | None
    """Of the state, that was asked for; None for a value that its presenter alone can compute."""
    answer: dict[str, Json]

    def verify(self, trust: Trust) -> VerifiedAnswer:
        """Checks the answer by what is pinned; `trust` is `self.trust` or a better informed one.
        Raises InvalidAnswer for one that came by way of other ledgers, and what it raises."""
        if self.by_way:
            raise InvalidAnswer("an answer of another ledger than the pinned one", pointer="/path")
        return verify_answer(self.answer, trust.pinned, key=self.key)

    @property
    def by_way(self) -> bool:
        """Whether the answer came by way of other ledgers."""
        return "path" in self.answer

    def verify_path(self, trust: Trust, now: int) -> VerifiedPath:
        """As `verify`, of an answer that came by way of other ledgers: under grants that are in
        force `now`, in seconds."""
        if self.key is None:
            raise InvalidAnswer("such an answer is about a code in clear or a DID", pointer="/key")
        return verify_path(self.answer, trust, self.key, now)


def bundle_bytes(trust: Trust, key: Key | None, answer: Mapping[str, Json]) -> bytes:
    """The file for a verified answer."""
    value = {
        "bundle": BY_WAY if "path" in answer else VERSION,
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
    updates, key, answer = value["updates"], value["key"], value["answer"]
    version = BY_WAY if isinstance(answer, dict) and "path" in answer else VERSION
    if type(value["bundle"]) is not int or value["bundle"] != version:
        raise SchemaViolation(
            "not a bundle of this version", hint=f"bundle is {VERSION}, or with a path {BY_WAY}"
        )
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
