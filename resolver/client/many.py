"""Many codes asked for at once, and each answer proved under a checkpoint that they share.

    for found in client.resolve_batch(["(01)09506000134352(21)M-0017", …]):
        if isinstance(found, TetradError): …            # such as NotFound, proved as well

A line of the answer leaves out what all proofs stand on; put together again, it is verified like
the answer to a single question. Specified in specs/3-resolution.md, "HTTP".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson

from identity.errors import (
    EvidenceRefused,
    InvalidAnswer,
    InvalidProof,
    MalformedInput,
    TetradError,
)
from identity.jcs import Json, canonicalize
from resolver.client.flow import Flow, Request, Response, ask_bytes, json_lines, member
from resolver.client.questions import Question, question_of
from resolver.client.resolved import Resolved

if TYPE_CHECKING:
    from resolver.client.living import Living

MOST: Final = 1_000
"""Codes of one batch."""


def resolve_batch(
    client: Living, codes: Sequence[str], *, max_age: int | None = None
) -> Flow[list[Resolved | TetradError]]:
    """The device behind each of up to 1,000 codes in any form that is printed, in their order; or
    why there is none, as `resolve` would raise it.

    Codes of private schemes are asked for one by one. Raises what the batch as a whole is refused
    for, and EvidenceRefused or InvalidProof where anything in it does not hold.
    """
    asked = [_question(code) for code in codes]
    sent: list[Json] = [
        {"code": one.read_as.value, "scheme": one.read_as.scheme}
        for one in asked
        if isinstance(one, Question) and one.read_as is not None
    ]
    lines = iter((yield from _lines(sent)) if sent else ())
    found: list[Resolved | TetradError] = []
    for one in asked:
        if isinstance(one, TetradError):
            found.append(one)
            continue
        try:
            found.append((yield from client.answered(one, next(lines), max_age=max_age)))
        except (EvidenceRefused, InvalidProof):
            raise
        except TetradError as error:
            found.append(error)
    return found


def _question(code: str) -> Question | TetradError:
    """What is read here is what is asked for, whatever the server makes of it."""
    try:
        asked = question_of(code)
    except TetradError as error:
        return error
    if asked.read_as is None or asked.key is None:
        return MalformedInput("a DID or a private code is asked for alone", hint="resolve it")
    return asked


def _lines(codes: list[Json]) -> Flow[list[Response]]:
    """The lines of the answer, each as the response to a question of its own."""
    request = Request("POST", "/v1/resolve", body=canonicalize({"codes": codes, "proof": True}))
    standing: dict[str, Json] = {}
    responses: list[Response] = []
    for line in json_lines((yield from ask_bytes(request))):
        if "line" not in line:
            standing = {name: line.get(name) for name in ("checkpoint", "state")}
            continue
        if line["line"] != len(responses) + 1:
            raise InvalidAnswer("the lines of a batch stand in the order of its codes")
        responses.append(_response(line, standing))
    if len(responses) != len(codes):
        raise InvalidAnswer(f"{len(responses)} answers to {len(codes)} codes")
    return responses


def _response(line: dict[str, Json], standing: dict[str, Json]) -> Response:
    status = member(line, "status", int)
    value: dict[str, Any] = line if status == 200 else member(line, "error", dict)
    shown = value.get("answer", value)
    if isinstance(shown, dict) and isinstance(shown.get("proof"), dict):
        shown["proof"] = {**standing, **shown["proof"]}
    return Response(status, "application/json", orjson.dumps(value))
