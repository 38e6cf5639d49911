"""Many codes asked for at once, and each answer proved under a checkpoint that they share.

    for found in client.resolve_batch(["(01)09506000134352(21)M-0017", …]):
        if isinstance(found, TetradError): …            # such as NotFound, proved as well

A line of the answer leaves out what all proofs stand on; put together again, it is verified like
the answer to a single question. Specified in specs/3-resolution.md, "HTTP".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

import orjson

from identity.errors import (
    EvidenceRefused,
    InputTooLarge,
    InvalidAnswer,
    InvalidProof,
    SchemaViolation,
    TetradError,
)
from identity.jcs import Json, canonicalize
from resolver.client.flow import (
    Flow,
    Request,
    Response,
    ask,
    ask_bytes,
    json_lines,
    member,
    refusal,
)
from resolver.client.questions import Question, query_of, question_of
from resolver.client.resolved import Resolved

if TYPE_CHECKING:
    from resolver.client.living import Living
    from resolver.schemes import Code

MOST: Final = 1_000
"""Codes of one batch."""


def resolve_batch(
    client: Living,
    codes: Sequence[str],
    *,
    scheme: str | None = None,
    at: str | None = None,
    tombstones: bool = False,
    max_age: int | None = None,
) -> Flow[list[Resolved | TetradError]]:
    """The device behind each of up to 1,000 codes in any form that is printed, in their order; or
    why there is none, as `resolve` would raise it.

    DIDs, codes of private schemes, and what is left when the proofs of a batch grow too large are
    asked for one by one beside it. Raises what the batch as a whole is refused for, and
    EvidenceRefused or InvalidProof where anything in it does not hold.
    """
    if len(codes) > MOST:
        raise SchemaViolation(f"a batch has at most {MOST} codes", pointer="/codes")
    asked = [_question(code, scheme, at) for code in codes]
    sent: list[Json] = [_sent(one, at) for one in asked if _together(one)]
    lines = iter((yield from _lines(sent)) if sent else ())
    found: list[Resolved | TetradError] = []
    for one in asked:
        if isinstance(one, TetradError):
            found.append(one)
            continue
        try:
            response = next(lines) if _together(one) else (yield from ask(one.request))
            if _left_out(response):
                response = yield from ask(one.request)
            answered = client.answered(one, response, at, max_age, tombstones=tombstones)
            found.append((yield from answered))
        except (EvidenceRefused, InvalidProof):
            raise
        except TetradError as error:
            found.append(error)
    return found


def _question(code: str, scheme: str | None, at: str | None) -> Question | TetradError:
    """What is read here is what is asked for, whatever the server makes of it."""
    try:
        return question_of(code, scheme, at=at)
    except TetradError as error:
        return error


def _together(one: Question | TetradError) -> TypeGuard[Question]:
    """Whether it is asked for in the batch: a code that stands in clear."""
    return isinstance(one, Question) and one.key is not None and one.read_as is not None


def _sent(one: Question, at: str | None) -> Json:
    code = cast("Code", one.read_as)
    return {"code": code.value, "scheme": code.scheme, **query_of(at=at)}


def _left_out(response: Response) -> bool:
    """Whether the batch had no room for this answer."""
    return response.status == InputTooLarge.status and isinstance(refusal(response), InputTooLarge)


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
