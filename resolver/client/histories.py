"""What happened under a code, to a device, with a number: every step, proved to be all there are.

    history = client.proved_history("(01)09506000134352(21)M-0017")
    for step in history.steps: print(step.time, step.what)

Specified in specs/3-resolution.md, "Histories".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from identity.disclosure import NUMBER, Disclosure, open_disclosure
from identity.errors import InvalidAnswer
from identity.jcs import Json, canonicalize
from registry.state import Key
from registry.uniqueness import verify_shown
from resolver.client.flow import Flow, Request, ask_json
from resolver.client.questions import Question, query_of, question_of
from resolver.client.resolved import note_of
from resolver.freshness import Age
from resolver.histories import Step, device_history, number_history
from resolver.schemes import Code
from resolver.verifier import VerifiedState

if TYPE_CHECKING:
    from resolver.client.living import Living


@dataclass(frozen=True, slots=True)
class History:
    """A history whose steps are proved; with none, there are too many to be shown."""

    steps: list[Step]
    """The oldest first."""
    did: str
    """The device; of a number the one that bears it, "" while it is free."""
    read_as: Code | None
    state: VerifiedState
    age: Age
    asserted: str
    """What rests on the registry's word alone; empty where everything is proved."""
    answer: dict[str, Json]


def proved_history(
    client: Living,
    code: str | None = None,
    *,
    scheme: str | None = None,
    disclosure: str | None = None,
    max_age: int | None = None,
) -> Flow[History]:
    """The history of a device by its DID, of a code in any form, or of a disclosed number.

    That of a number is shown to who has the disclosure with which it was bound last. Raises
    NotFound, InvalidIdentifier, EvidenceRefused, InvalidProof.
    """
    asked = question_of(code, scheme, disclosure)
    answer = yield from ask_json(_request(asked, code, scheme, disclosure))
    note = note_of(answer)
    yield from client.learn(note)
    opened = open_disclosure(disclosure) if disclosure is not None else None
    if opened is not None and opened.name == NUMBER:
        key, asserted = _key_of(client, asked, answer)
        state, steps = number_history(answer["proof"], client.trust.pinned, key)
        _check_last(answer, steps, opened)
        did = steps[-1].did if steps and steps[-1].what == "bound" else ""
    else:
        key_ = client.key_of(asked, answer)
        verified, steps = device_history(answer, client.trust.pinned, key=key_)
        asserted = client.said_of(verified, asked, key_)
        state, did = verified.state, verified.did
    age = client.dated(state.checkpoint, max_age)
    yield from client.observe(note)
    return History(steps, did, asked.read_as, state, age, asserted, answer)


def _request(
    asked: Question, code: str | None, scheme: str | None, disclosure: str | None
) -> Request:
    if disclosure is not None:
        body = {"disclosure": disclosure, "scheme": scheme or "", "proof": True}
        return Request("POST", "/v1/history", body=canonicalize(cast("Json", body)))
    if asked.read_as is None:
        path = f"/v1/devices/{quote(code or '', safe=':')}/history"
        return Request("GET", path, {"proof": "1"})
    given = {"code": asked.read_as.value, "scheme": asked.read_as.scheme}
    if asked.key is None:
        return Request("POST", "/v1/history", body=canonicalize({**given, "proof": True}))
    return Request("GET", "/v1/history", query_of(**given, proof="1"))


def _key_of(client: Living, asked: Question, answer: Mapping[str, Json]) -> tuple[Key, str]:
    """The key of a number in the state, and what is not proved of it."""
    if asked.presented is not None and "unique" in answer:
        return verify_shown(client.trust.uniqueness, *asked.presented, answer["unique"]), ""
    key = answer.get("key")
    if not isinstance(key, list) or len(key) != 3 or not all(isinstance(one, str) for one in key):
        raise InvalidAnswer("the answer has no key of the state", pointer="/key")
    if asked.presented is None or key[:2] != list(asked.presented[:2]):
        raise InvalidAnswer("the answer is about another number", pointer="/key")
    said = "that earlier steps are of this very number is the registry's word"
    return cast("Key", tuple(key)), said


def _check_last(answer: Mapping[str, Json], steps: list[Step], opened: Disclosure) -> None:
    """Whether the number was last bound with what was disclosed."""
    if not steps:
        return
    bound = max(step.index for step in steps if step.what == "bound")
    proof = cast("dict[str, list[dict[str, Any]]]", answer["proof"])
    (entry,) = (one for one in proof["entries"] if one["index"] == bound)
    if entry["operation"]["body"]["number"]["commitment"] != opened.digest:
        raise InvalidAnswer("the number was not bound with what was disclosed")
